//! Doing something to elements.

use opendesk_std::Cancel;
use opendesk_std::api::{Effect, ElementTarget, ErrorCode, Modifier, Result, UiActionParams, UiNode, UiTree};
use opendesk_std::desktop::Computer;
use opendesk_std::desktop::x11::X11Desktop;
use opendesk_tests::desktop::{Browser, Form, TestDesktop};

use super::{APP, called, element, everything, form_only, has, now, started, tree};
use crate::session::open_session;
use crate::wait_until;

/// A text of many scripts.
const TEXT: &str = "Grüße 世界 🚀";

fn act(computer: &X11Desktop, action: &str, target: ElementTarget) -> Result<Effect> {
    computer.ui_action(&UiActionParams { target, action: action.to_owned(), app: Some(APP.to_owned()) }, &Cancel::new())
}

/// Sets what an element contains, of whatever application.
fn set_anywhere(computer: &X11Desktop, role: &str, name: &str, value: &str) -> Result<Effect> {
    act_anywhere(computer, "set_value", with(value, called(role, name)))
}

fn act_anywhere(computer: &X11Desktop, action: &str, target: ElementTarget) -> Result<Effect> {
    computer.ui_action(&UiActionParams { target, action: action.to_owned(), app: None }, &Cancel::new())
}

fn with(value: &str, target: ElementTarget) -> ElementTarget {
    ElementTarget { value: Some(value.to_owned()), ..target }
}

fn by_reference(reference: &str) -> ElementTarget {
    ElementTarget { reference: Some(reference.to_owned()), ..ElementTarget::default() }
}

fn path(labels: &[&str]) -> ElementTarget {
    let menu_path = labels.iter().map(|label| (*label).to_owned()).collect();
    ElementTarget { menu_path, ..called("menu item", "") }
}

#[test]
fn an_element_keeps_its_reference_until_its_program_ends() {
    let (mut desktop, computer, form) = started();
    let references = |tree: &UiTree| -> Vec<(String, String, Option<String>)> {
        let one = |node: &UiNode| (node.role.clone(), node.name.clone(), node.reference.clone());
        tree.nodes.iter().map(one).collect()
    };
    let before = tree(&computer, &form_only());
    assert_eq!(references(&before), references(&tree(&computer, &form_only())));
    let save = element(&before, "push button", "Save").reference.clone().unwrap();
    assert_eq!(act(&computer, "click", by_reference(&save)), Ok(Effect::Unverifiable));
    wait_until("the button is clicked", || !form.seen("clicked", "Save").is_empty());
    for (role, name) in [("push button", "Never"), ("entry", "")] {
        let other = ElementTarget { reference: Some(save.clone()), ..called(role, name) };
        assert_eq!(act(&computer, "click", other).unwrap_err().code, ErrorCode::NotFound, "{role} {name}");
    }
    let same = ElementTarget { reference: Some(save.clone()), ..called("push button", "Save") };
    assert_eq!(act(&computer, "click", same), Ok(Effect::Unverifiable));

    desktop.run("sh", &["-c", "kill \"$1\"", "sh", &form.process().to_string()]);
    wait_until("the form is gone", || tree(&computer, &everything()).find("push button", "Save").is_none());
    let error = act(&computer, "click", by_reference(&save)).unwrap_err();
    assert_eq!(error.code, ErrorCode::NotFound);
    assert!(error.message.contains("read ui.tree again"), "{error}");

    let _second = Form::start(&mut desktop);
    wait_until("another form is there", || tree(&computer, &everything()).find("push button", "Save").is_some());
    assert_ne!(now(&computer, "push button", "Save").reference.as_ref(), Some(&save), "it is another button");
    assert_eq!(act(&computer, "click", by_reference(&save)).unwrap_err().code, ErrorCode::NotFound);
    assert_eq!(act(&computer, "click", by_reference("a999999")).unwrap_err().code, ErrorCode::NotFound);
}

#[test]
fn a_click_does_what_a_click_does() {
    let (_desktop, computer, form) = started();
    assert_eq!(act(&computer, "click", called("button", "Save")), Ok(Effect::Unverifiable));
    wait_until("the button is clicked", || form.seen("clicked", "Save").len() == 1);
    assert_eq!(act(&computer, "click", called("check box", "Agree")), Ok(Effect::Confirmed));
    wait_until("the box is checked", || form.seen("toggled", "Agree").len() == 1);
    assert!(has(&now(&computer, "check box", "Agree").states, "checked"));
    // A field takes the keyboard; what its toolkit calls its action would send the form.
    assert_eq!(act(&computer, "click", called("text", "Notes")), Ok(Effect::Confirmed));
    assert!(now(&computer, "text", "Notes").focused);
    assert_eq!(act(&computer, "click", called("entry", "Name")), Ok(Effect::Confirmed));
    assert!(form.seen("activate", "Name").is_empty());
    assert_eq!(act(&computer, "activate", called("entry", "Name")), Ok(Effect::Unverifiable));
    wait_until("the entry is activated", || form.seen("activate", "Name").len() == 1);
}

#[test]
fn what_cannot_be_done_is_refused_with_a_reason() {
    let (_desktop, computer, form) = started();
    for (action, target, code, part) in [
        ("click", called("push button", "Never"), ErrorCode::InvalidArgument, "is disabled"),
        ("click", called("label", "Name"), ErrorCode::CapabilityUnsupported, "click at its bounds instead"),
        ("click", called("push button", "Maybe"), ErrorCode::NotFound, "there is no push button \"Maybe\""),
        ("click", called("list item", ""), ErrorCode::InvalidArgument, "there are 3 of list item"),
        ("click", called("", ""), ErrorCode::InvalidArgument, "no element is named"),
        ("explode", called("push button", "Save"), ErrorCode::InvalidArgument, "it takes click"),
        ("set_value", called("entry", "Name"), ErrorCode::InvalidArgument, "needs its text in value"),
        ("set_value", with("1", called("push button", "Save")), ErrorCode::InvalidArgument, "does not take set_value"),
        ("set_value", with("400", called("slider", "Volume")), ErrorCode::InvalidArgument, "from 0 to 100"),
        ("set_value", with("Pink", called("combo box", "Colour")), ErrorCode::InvalidArgument, "Red, Green, Blue"),
        ("key", called("entry", "Name"), ErrorCode::InvalidArgument, "needs the name of a key"),
        ("menu", path(&[]), ErrorCode::InvalidArgument, "is empty"),
        ("menu", path(&["Edit", "Copy"]), ErrorCode::NotFound, "there are File"),
        ("menu", path(&["File", "Close"]), ErrorCode::NotFound, "it has Open, Recent, Quit"),
    ] {
        let error = act(&computer, action, target.clone()).unwrap_err();
        assert_eq!(error.code, code, "{action} {target:?}: {error}");
        assert!(error.message.contains(part), "{action} {target:?}: {error}");
        assert!(!error.message.contains('\n'), "{error}");
    }
    for event in ["clicked", "value", "menu", "activate"] {
        let happened = form.events().into_iter().filter(|seen| seen["event"] == event).count();
        assert_eq!(happened, 0, "{event}");
    }
}

#[test]
fn what_is_set_is_read_back_exactly() {
    let (_desktop, computer, form) = started();
    assert_eq!(act(&computer, "set_value", with(TEXT, called("entry", "Name"))), Ok(Effect::Confirmed));
    wait_until("the entry has the text", || form.text("Name") == TEXT);
    assert_eq!(now(&computer, "entry", "Name").value.as_deref(), Some(TEXT));
    let lines = format!("{TEXT}\n\tand more\n");
    assert_eq!(act(&computer, "set_value", with(&lines, called("text", "Notes"))), Ok(Effect::Confirmed));
    wait_until("the notes have the text", || form.text("Notes") == lines);
    assert_eq!(now(&computer, "text", "Notes").value, Some(lines));
    assert_eq!(act(&computer, "set_value", with("", called("entry", "Name"))), Ok(Effect::Confirmed));
    wait_until("the entry is empty", || form.text("Name").is_empty());

    assert_eq!(act(&computer, "set_value", with("42", called("slider", "Volume"))), Ok(Effect::Confirmed));
    wait_until("the slider is there", || form.seen("value", "Volume").pop().is_some_and(|seen| seen["value"] == 42.0));
    assert_eq!(now(&computer, "slider", "Volume").value.as_deref(), Some("42"));
    assert_eq!(act(&computer, "set_value", with("Green", called("combo box", "Colour"))), Ok(Effect::Confirmed));
    wait_until("green is chosen", || form.seen("value", "Colour").pop().is_some_and(|seen| seen["value"] == "Green"));
    assert_eq!(now(&computer, "combo box", "Colour").value.as_deref(), Some("Green"));
}

#[test]
fn a_password_is_never_told() {
    let (_desktop, computer, form) = started();
    let secret = "correct horse";
    let effect = act(&computer, "set_value", with(secret, called("password text", "Password")));
    assert_eq!(effect, Ok(Effect::Unverifiable), "only its length can be seen");
    wait_until("the password is there", || form.text("Password") == secret);
    let all = tree(&computer, &everything());
    let field = element(&all, "password text", "Password");
    assert_eq!(field.value, None);
    assert!(field.bounds.is_some() && has(&field.actions, "type"));
    let said = format!("{all:?}");
    assert!(!said.contains(secret) && !said.contains('●'), "neither the password nor its dots");
}

#[test]
fn keys_and_text_go_to_the_element_that_is_named() {
    let (mut desktop, computer, form) = started();
    // Another window has the keyboard.
    desktop.spawn("xterm", &["-T", "other", "-e", "cat"]);
    desktop.wait_for_window("other");
    assert!(act(&computer, "type", with(TEXT, called("text", "Notes"))).is_ok());
    wait_until("the notes have the text", || form.text("Notes") == TEXT);
    assert!(act(&computer, "type", with("Ada", called("entry", "Name"))).is_ok());
    wait_until("the entry has the text", || form.text("Name") == "Ada");
    let key = |key: &str, modifiers: &[Modifier], target: ElementTarget| ElementTarget {
        key: Some(key.to_owned()),
        modifiers: modifiers.to_vec(),
        ..target
    };
    assert!(act(&computer, "key", key("Return", &[], called("entry", "Name"))).is_ok());
    wait_until("the entry is activated", || form.seen("activate", "Name").len() == 1);
    assert!(act(&computer, "key", key("a", &[Modifier::Ctrl], called("entry", "Name"))).is_ok());
    assert!(act(&computer, "key", key("Delete", &[], called("entry", "Name"))).is_ok());
    wait_until("the entry is empty", || form.text("Name").is_empty());
    assert_eq!(form.text("Notes"), TEXT);
    assert_eq!(computer.pressed_keys().unwrap(), Vec::<u8>::new());
}

/// GTK selects all of an entry that it gives the keyboard.
#[test]
fn what_is_typed_into_a_field_stands_behind_what_was_there() {
    let (_desktop, computer, form) = started();
    for (role, name, typed) in
        [("entry", "Name", "Ada"), ("password text", "Password", "correct"), ("text", "Notes", "one\n")]
    {
        assert!(act(&computer, "set_value", with(typed, called(role, name))).is_ok());
        wait_until("it is there", || form.text(name) == typed);
        for (more, whole) in [(" L", format!("{typed} L")), ("ö", format!("{typed} Lö"))] {
            assert!(act(&computer, "focus", called("push button", "Save")).is_ok());
            assert!(act(&computer, "type", with(more, called(role, name))).is_ok());
            wait_until("it is behind it", || form.text(name) == whole);
        }
    }
    assert!(act(&computer, "type", with("!", called("entry", "Name"))).is_ok());
    wait_until("it is behind it, though the entry has the keyboard", || form.text("Name") == "Ada Lö!");
}

#[test]
fn a_field_of_a_browser_is_replaced_on_a_layout_without_latin_letters() {
    let mut desktop = TestDesktop::start_with_session(1024, 768);
    let browser = Browser::start(&mut desktop);
    desktop.run("setxkbmap", &["ru"]);
    let computer = open_session(&desktop);
    wait_until("the field is told", || tree(&computer, &everything()).find("entry", "Text").is_some());
    for text in ["val1", "слово", "val2"] {
        let effect = set_anywhere(&computer, "entry", "Text", text);
        assert!(matches!(effect, Ok(Effect::Confirmed | Effect::Unverifiable)), "{text}: {effect:?}");
        wait_until(text, || browser.text(&desktop) == text);
    }
    let effect = act_anywhere(&computer, "type", with("+1", called("entry", "Text")));
    assert!(effect.is_ok(), "{effect:?}");
    wait_until("it is behind it", || browser.text(&desktop) == "val2+1");
}

#[test]
fn an_application_and_its_window_can_be_given_the_keyboard() {
    let (mut desktop, computer, form) = started();
    desktop.spawn("xterm", &["-T", "other", "-e", "cat"]);
    desktop.wait_for_window("other");
    let key = ElementTarget { key: Some("x".to_owned()), ..ElementTarget::default() };
    assert!(act(&computer, "key", key).is_ok());
    wait_until("the form gets the key", || form.text("Name") == "x");
    desktop.wait_for_window("other");
    assert_eq!(act(&computer, "focus", called("window", "Form")), Ok(Effect::Confirmed));
    assert_eq!(act(&computer, "focus", called("push button", "Save")), Ok(Effect::Confirmed));
    assert!(now(&computer, "push button", "Save").focused);
    assert_eq!(act(&computer, "focus", called("label", "Name")), Ok(Effect::NoEffect));
}

#[test]
fn menus_are_followed_by_their_labels() {
    let (_desktop, computer, form) = started();
    for (action, labels, item) in [
        ("menu", &["File", "Open"][..], "Open"),
        ("click", &["file", "recent", "one"], "One"),
        ("menu", &["File", "Recent", "Two"], "Two"),
    ] {
        assert_eq!(act(&computer, action, path(labels)), Ok(Effect::Unverifiable), "{labels:?}");
        wait_until("the item is chosen", || form.seen("menu", item).len() == 1);
    }
    let open = now(&computer, "menu item", "Open").reference.unwrap();
    assert_eq!(act(&computer, "click", by_reference(&open)), Ok(Effect::Unverifiable));
    wait_until("the item is chosen again", || form.seen("menu", "Open").len() == 2);
}

/// Its page learns of it in another process.
#[test]
fn what_a_field_of_a_browser_was_given_is_confirmed_once_the_page_shows_it() {
    let mut desktop = TestDesktop::start_with_session(1024, 768);
    let _browser = Browser::start(&mut desktop);
    let computer = open_session(&desktop);
    wait_until("the field is told", || tree(&computer, &everything()).find("entry", "Name").is_some());
    for text in ["abc", "Grüße 世界", ""] {
        assert_eq!(set_anywhere(&computer, "entry", "Name", text), Ok(Effect::Confirmed), "{text:?}");
    }
}

#[test]
fn numbers_choices_and_dates_of_a_browser_are_set() {
    let mut desktop = TestDesktop::start_with_session(1024, 768);
    let browser = Browser::start(&mut desktop);
    let computer = open_session(&desktop);
    wait_until("the form is told", || tree(&computer, &everything()).find("combo box", "Colour").is_some());
    let set = |role: &str, name: &str, value: &str| set_anywhere(&computer, role, name, value);
    let page_has = |what: &str| {
        wait_until(what, || browser.text(&desktop).contains(what));
    };
    // The page shows what it was given; how soon its browser tells of it depends on what else the machine does.
    let enter = |role: &str, name: &str, value: &str| {
        let effect = set(role, name, value);
        assert!(matches!(effect, Ok(Effect::Confirmed | Effect::Unverifiable)), "{name} {value}: {effect:?}");
    };
    let tells = |name: &str, value: &str| {
        wait_until(&format!("{name} is {value}"), || {
            element(&tree(&computer, &everything()), "combo box", name).value.as_deref() == Some(value)
        });
    };
    enter("spin button", "Amount", "42");
    page_has("amount=42;");
    assert!(set("combo box", "Colour", "green").is_ok());
    page_has("colour=green;");
    tells("Colour", "green");
    // What can be edited is told as a field.
    tells("Search", "here");
    enter("combo box", "Search", "there");
    page_has("search=there;");
    tells("Search", "there");
    let error = set("combo box", "Colour", "pink").unwrap_err();
    assert!(error.message.contains("red, green, blue"), "{error}");
    enter("spin button", "Amount", "0");
    page_has("amount=0;");
    for (part, value) in [("Month Day", "11"), ("Day Day", "28"), ("Year Day", "2026")] {
        enter("spin button", part, value);
    }
    page_has("day=2026-11-28;");
    let error = set("spin button", "Month Day", "13").unwrap_err();
    assert!(error.message.contains("a number from 1 to 12"), "{error}");
}
