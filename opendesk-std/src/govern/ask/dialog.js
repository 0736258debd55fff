// Shows what is on the standard input in an alert of macOS, and writes what its owner answers. Return says no.
ObjC.import('Cocoa');

function run() {
  const input = $.NSFileHandle.fileHandleWithStandardInput.readDataToEndOfFile;
  const text = $.NSString.alloc.initWithDataEncoding(input, $.NSUTF8StringEncoding);
  const application = $.NSApplication.sharedApplication;
  application.setActivationPolicy($.NSApplicationActivationPolicyAccessory);

  const frame = $.NSMakeRect(0, 0, 620, 360);
  const view = $.NSTextView.alloc.initWithFrame(frame);
  view.setRichText(false);
  view.setFont($.NSFont.userFixedPitchFontOfSize(11));
  view.setString(text);
  view.setEditable(false);
  const scroll = $.NSScrollView.alloc.initWithFrame(frame);
  scroll.setHasVerticalScroller(true);
  scroll.setDocumentView(view);

  const alert = $.NSAlert.alloc.init;
  alert.setMessageText('opendesk: may a controller do this?');
  alert.setAccessoryView(scroll);
  const deny = alert.addButtonWithTitle('Deny');
  deny.setKeyEquivalent('\r');
  alert.addButtonWithTitle('Allow').setKeyEquivalent('');
  application.activateIgnoringOtherApps(true);
  return alert.runModal == $.NSAlertSecondButtonReturn ? 'allowed' : 'denied';
}
