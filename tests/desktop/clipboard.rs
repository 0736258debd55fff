//! The clipboard, with real programs at its other end.

mod asker;

use std::fs;
use std::process::Command;

use asker::Asker;
use opendesk_std::api::{ClipboardContents, ClipboardEntry, Effect, ErrorCode};
use opendesk_std::desktop::Computer;
use opendesk_std::desktop::x11::X11Desktop;
use opendesk_tests::desktop::TestDesktop;

use crate::{open, server, wait_until};

const TEXT: &str = "text/plain;charset=utf-8";

/// What has to arrive as it is.
const SCRIPTS: &str =
    "Grüße, naïve café ¥\r\n\tПривет, мир\n世界 こんにちは 한국어\nمرحبا שלום हिन्दी ไทย\n🚀 👩‍🚀 e\u{301}\n";

/// A picture of one pixel.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89\0\0\0\rIDATx\xda\
    \x63d\xf8\xcfP\x0f\0\x03\x86\x01\x80Z4}k\0\0\0\0IEND\xaeB`\x82";

fn contents(entries: &[(&str, &[u8])]) -> ClipboardContents {
    let entry = |(name, data): &(&str, &[u8])| ClipboardEntry { mime_type: (*name).to_owned(), data: data.to_vec() };
    ClipboardContents { entries: entries.iter().map(entry).collect() }
}

fn write(computer: &X11Desktop, entries: &[(&str, &[u8])]) {
    assert_eq!(computer.clipboard_write(&contents(entries)), Ok(Effect::Confirmed));
}

/// What is read. A machine that is busy with other things may keep a program from answering in time.
fn read(computer: &X11Desktop) -> ClipboardContents {
    let mut read = None;
    wait_until("the clipboard's owner answers", || {
        read = match computer.clipboard_read() {
            Err(error) if error.code == ErrorCode::Timeout => None,
            read => Some(read.expect("the clipboard is read")),
        };
        read.is_some()
    });
    read.expect("it was waited for")
}

/// Large contents are compared without being printed.
fn is_read(computer: &X11Desktop, entries: &[(&str, &[u8])]) -> bool {
    read(computer) == contents(entries)
}

/// Copies data with a program that stays, and gives its process id.
fn copy(desktop: &mut TestDesktop, target: &str, data: &[u8]) -> u32 {
    let file = desktop.home().join("copied");
    fs::write(&file, data).expect("the home can be written to");
    let file = file.to_str().expect("it has a plain name");
    desktop.spawn("xclip", &["-quiet", "-selection", "clipboard", "-i", "-t", target, file])
}

/// What another program gets of the clipboard; `None` when it gets nothing.
fn paste(desktop: &TestDesktop, target: &str) -> Option<Vec<u8>> {
    let file = desktop.home().join("pasted");
    let script = "xclip -selection clipboard -o -t \"$1\" > \"$2\" 2> /dev/null && echo yes; true";
    let said = desktop.run("sh", &["-c", script, "sh", target, file.to_str().expect("it has a plain name")]);
    (said.trim() == "yes").then(|| fs::read(&file).expect("it was written"))
}

fn targets(desktop: &TestDesktop) -> Vec<String> {
    let listed = paste(desktop, "TARGETS").unwrap_or_default();
    String::from_utf8_lossy(&listed).lines().map(str::to_owned).collect()
}

fn signal(name: &str, process: u32) {
    let sent = Command::new("sh").args(["-c", "kill \"-$1\" \"$2\"", "sh", name, &process.to_string()]).status();
    assert!(sent.is_ok_and(|status| status.success()), "{name}");
}

/// Text that is not the same anywhere.
fn long_text(bytes: usize) -> Vec<u8> {
    (0_u32..).flat_map(|number| format!("{number}\n").into_bytes()).take(bytes).collect()
}

fn python(desktop: &TestDesktop, script: &str) -> String {
    // Debian's own: it has the toolkits.
    desktop.run("/usr/bin/python3", &["-c", script])
}

#[test]
fn an_empty_clipboard_is_empty() {
    let desktop = TestDesktop::start(640, 480);
    let computer = open(&desktop);
    assert_eq!(computer.clipboard_read(), Ok(ClipboardContents::default()));
    write(&computer, &[(TEXT, b"something")]);
    assert!(is_read(&computer, &[(TEXT, b"something")]));
    write(&computer, &[]);
    assert_eq!(paste(&desktop, "TARGETS"), None);
    assert_eq!(computer.clipboard_read(), Ok(ClipboardContents::default()));
}

#[test]
fn text_of_any_script_arrives_exactly() {
    let mut desktop = TestDesktop::start(640, 480);
    let computer = open(&desktop);
    copy(&mut desktop, "UTF8_STRING", SCRIPTS.as_bytes());
    wait_until("the text is read", || is_read(&computer, &[(TEXT, SCRIPTS.as_bytes())]));
    write(&computer, &[("text/plain", SCRIPTS.as_bytes())]);
    for target in [TEXT, "UTF8_STRING", "TEXT", "text/plain"] {
        assert_eq!(paste(&desktop, target).as_deref(), Some(SCRIPTS.as_bytes()), "{target}");
    }
    assert!(!targets(&desktop).contains(&"STRING".to_owned()), "ISO 8859-1 lacks most of it");
    write(&computer, &[(TEXT, "naïve".as_bytes())]);
    assert_eq!(paste(&desktop, "STRING").as_deref(), Some(&b"na\xefve"[..]));
    copy(&mut desktop, "STRING", b"Gr\xfc\xdfe");
    wait_until("the text is read", || is_read(&computer, &[(TEXT, "Grüße".as_bytes())]));
}

#[test]
fn html_pictures_and_lists_of_files_are_read() {
    let mut desktop = TestDesktop::start(640, 480);
    let computer = open(&desktop);
    let html = "<b>ä€🚀</b>";
    let wide: Vec<u8> = [0xfeff].into_iter().chain(html.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let files: &[u8] = b"file:///tmp/a%20b\r\nfile:///tmp/c\r\n";
    for (target, given, read) in [
        ("text/html", html.as_bytes(), html.as_bytes()),
        ("text/html", &wide, html.as_bytes()),
        ("image/png", PNG, PNG),
        ("image/bmp", b"BM\xff\0\r\n", b"BM\xff\0\r\n"),
        ("text/uri-list", files, files),
        ("x-special/gnome-copied-files", b"copy\nfile:///tmp/c", b"copy\nfile:///tmp/c"),
    ] {
        write(&computer, &[]);
        copy(&mut desktop, target, given);
        wait_until(target, || is_read(&computer, &[(target, read)]));
    }
}

#[test]
fn several_forms_are_offered_at_once() {
    let desktop = TestDesktop::start(640, 480);
    let computer = open(&desktop);
    let html = "<b>Grüße</b>".as_bytes();
    let forms: [(&str, &[u8]); 4] =
        [(TEXT, "Grüße".as_bytes()), ("text/html", html), ("image/png", PNG), ("application/x-mine", b"\0\xff")];
    write(&computer, &forms);
    let listed = targets(&desktop);
    for (name, data) in forms {
        assert!(listed.contains(&name.to_owned()), "{name} of {listed:?}");
        assert_eq!(paste(&desktop, name).as_deref(), Some(data), "{name}");
    }
    for name in ["TARGETS", "TIMESTAMP", "MULTIPLE", "UTF8_STRING", "STRING", "TEXT", "text/plain"] {
        assert!(listed.contains(&name.to_owned()), "{name} of {listed:?}");
    }
    assert_eq!(paste(&desktop, "image/jpeg"), None);
    // Another program of ours, which asks as any other does.
    assert!(is_read(&open(&desktop), &forms));
    // What is written replaces all of it.
    write(&computer, &[("text/html", html)]);
    assert_eq!(paste(&desktop, "UTF8_STRING"), None);
}

#[test]
fn what_cannot_be_on_a_clipboard_is_refused_and_changes_nothing() {
    let desktop = TestDesktop::start(640, 480);
    let computer = open(&desktop);
    write(&computer, &[(TEXT, b"before")]);
    for entries in [
        &[("TARGETS", &b"x"[..])][..],
        &[("text/\nhtml", b"x")],
        &[("text/html", b"a"), ("text/html", b"b")],
        &[(TEXT, b"\xff\xfe")],
    ] {
        let error = computer.clipboard_write(&contents(entries)).unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidArgument, "{error}");
    }
    assert_eq!(paste(&desktop, "UTF8_STRING").as_deref(), Some(&b"before"[..]));
}

#[test]
fn five_mebibytes_go_both_ways() {
    let mut desktop = TestDesktop::start(640, 480);
    let computer = open(&desktop);
    let text = long_text(5 << 20);
    write(&computer, &[(TEXT, &text), ("application/x-mine", &text[1..])]);
    assert!(paste(&desktop, "UTF8_STRING").as_ref() == Some(&text));
    assert!(paste(&desktop, "application/x-mine").as_deref() == Some(&text[1..]));
    assert!(is_read(&open(&desktop), &[(TEXT, &text), ("application/x-mine", &text[1..])]));
    copy(&mut desktop, "UTF8_STRING", &text[..text.len() - 1]);
    wait_until("the text is read", || is_read(&computer, &[(TEXT, &text[..text.len() - 1])]));
}

#[test]
fn more_than_a_call_carries_is_an_error_and_not_a_part() {
    let mut desktop = TestDesktop::start(640, 480);
    let computer = open(&desktop);
    copy(&mut desktop, "UTF8_STRING", &long_text(20 << 20));
    let mut error = None;
    wait_until("the text is too long", || {
        error = computer.clipboard_read().err().filter(|error| error.code != ErrorCode::Timeout);
        error.is_some()
    });
    assert_eq!(error.unwrap().code, ErrorCode::LimitExceeded);
    // The program that owns it is as well as before.
    assert_eq!(paste(&desktop, "UTF8_STRING").unwrap().len(), 20 << 20);
}

#[test]
fn the_clipboard_changes_hands() {
    let mut desktop = TestDesktop::start(640, 480);
    let computer = open(&desktop);
    for round in 0..3 {
        let (ours, theirs) = (format!("ours {round}"), format!("theirs {round}"));
        write(&computer, &[(TEXT, ours.as_bytes())]);
        for _ in 0..20 {
            assert_eq!(paste(&desktop, "UTF8_STRING").as_deref(), Some(ours.as_bytes()), "however often it is taken");
        }
        copy(&mut desktop, "UTF8_STRING", theirs.as_bytes());
        wait_until("the other program's text is read", || is_read(&computer, &[(TEXT, theirs.as_bytes())]));
    }
}

#[test]
fn an_owner_that_is_stopped_costs_a_read_and_nothing_else() {
    let mut desktop = TestDesktop::start(640, 480);
    let computer = open(&desktop);
    let owner = copy(&mut desktop, "UTF8_STRING", b"theirs");
    wait_until("the text is read", || is_read(&computer, &[(TEXT, b"theirs")]));
    signal("STOP", owner);
    let error = computer.clipboard_read().unwrap_err();
    assert_eq!(error.code, ErrorCode::Timeout, "{error}");
    assert!(error.message.contains("does not answer") && !error.message.contains("theirs"), "{error}");
    // Its late answer finds somebody: a simple program would end otherwise.
    signal("CONT", owner);
    wait_until("the text is read again", || is_read(&computer, &[(TEXT, b"theirs")]));
    signal("STOP", owner);
    std::thread::scope(|scope| {
        let reads: Vec<_> = (0..2).map(|_| scope.spawn(|| computer.clipboard_read())).collect();
        write(&computer, &[(TEXT, b"ours")]);
        for read in reads {
            // Whoever asked before the write may have been told so; nobody is told what is old.
            match read.join().unwrap() {
                Ok(read) => assert_eq!(read, contents(&[(TEXT, b"ours")])),
                Err(error) => assert_eq!(error.code, ErrorCode::Timeout, "{error}"),
            }
        }
    });
    assert!(is_read(&computer, &[(TEXT, b"ours")]));
    assert_eq!(paste(&desktop, "UTF8_STRING").as_deref(), Some(&b"ours"[..]));
    signal("CONT", owner);
}

#[test]
fn programs_that_die_while_they_take_something_leave_no_trace() {
    let desktop = TestDesktop::start(640, 480);
    let computer = open(&desktop);
    let text = long_text(5 << 20);
    write(&computer, &[(TEXT, &text)]);
    for _ in 0..40 {
        let asker = Asker::start(desktop.display());
        assert!(asker.takes_one_piece("UTF8_STRING"));
    }
    assert!(paste(&desktop, "UTF8_STRING").as_ref() == Some(&text));
}

#[test]
fn programs_that_take_nothing_are_bounded_in_number() {
    let desktop = TestDesktop::start(640, 480);
    let computer = open(&desktop);
    write(&computer, &[(TEXT, &long_text(5 << 20)), ("text/html", b"short")]);
    let askers: Vec<Asker> = (0..40).map(|_| Asker::start(desktop.display())).collect();
    let begun = askers.iter().filter(|asker| asker.takes_one_piece("UTF8_STRING")).count();
    assert!((1..40).contains(&begun), "{begun}");
    // What needs no pieces is still given, and the clipboard can be written.
    assert_eq!(paste(&desktop, "text/html").as_deref(), Some(&b"short"[..]));
    write(&computer, &[(TEXT, b"next")]);
    assert_eq!(paste(&desktop, "UTF8_STRING").as_deref(), Some(&b"next"[..]));
    write(&computer, &[(TEXT, &long_text(5 << 20))]);
    drop(askers);
    wait_until("their places are free", || paste(&desktop, "UTF8_STRING").is_some());
}

#[test]
fn several_targets_are_given_in_one_answer() {
    let desktop = TestDesktop::start(640, 480);
    let computer = open(&desktop);
    let text = long_text(1 << 20);
    write(&computer, &[(TEXT, &text), ("text/html", b"<b>b</b>")]);
    let asker = Asker::start(desktop.display());
    let given = asker.ask_for_several(&["text/html", "image/png", "TARGETS", "UTF8_STRING", "MULTIPLE"]);
    let named: Vec<&str> = given.iter().map(|(name, _)| &**name).collect();
    assert_eq!(named, ["text/html", "TARGETS", "UTF8_STRING"]);
    assert_eq!(given[0].1, b"<b>b</b>");
    assert!(given[2].1 == text);
}

#[test]
fn toolkits_read_what_is_written() {
    let desktop = TestDesktop::start(640, 480);
    let computer = open(&desktop);
    // They make one of the two kinds of line ends.
    let text = SCRIPTS.replace('\r', "");
    write(&computer, &[(TEXT, text.as_bytes()), ("image/png", PNG)]);
    let tk = "import sys, tkinter; root = tkinter.Tk(); sys.stdout.buffer.write(root.clipboard_get().encode())";
    assert_eq!(python(&desktop, tk), text);
    let gtk = "import gi; gi.require_version('Gtk', '3.0'); from gi.repository import Gtk, Gdk; import sys; \
               board = Gtk.Clipboard.get(Gdk.SELECTION_CLIPBOARD); image = board.wait_for_image(); \
               assert (image.get_width(), image.get_height()) == (1, 1); \
               sys.stdout.buffer.write(board.wait_for_text().encode())";
    assert_eq!(python(&desktop, gtk), text);
}

#[test]
fn what_a_program_leaves_when_it_ends_is_kept() {
    let desktop = TestDesktop::start(640, 480);
    let leave = |text: &str| {
        let script = format!(
            "import gi; gi.require_version('Gtk', '3.0'); from gi.repository import Gtk, Gdk; \
             board = Gtk.Clipboard.get(Gdk.SELECTION_CLIPBOARD); board.set_text('{text}', -1); \
             board.set_can_store(None); board.store()"
        );
        python(&desktop, &script);
    };
    // The control: without anybody who keeps it, it is lost.
    leave("lost");
    let computer = open(&desktop);
    assert_eq!(computer.clipboard_read(), Ok(ClipboardContents::default()));
    leave("kept ä€");
    assert!(is_read(&computer, &[(TEXT, "kept ä€".as_bytes())]));
    assert_eq!(paste(&desktop, "UTF8_STRING").as_deref(), Some("kept ä€".as_bytes()));
    // And so is what one of ours leaves.
    let other = open(&desktop);
    let text = long_text(2 << 20);
    write(&other, &[(TEXT, &text), ("image/png", PNG)]);
    drop(other);
    assert!(is_read(&computer, &[(TEXT, &text), ("image/png", PNG)]));
    // The last one takes it along.
    drop(computer);
    assert_eq!(paste(&desktop, "TARGETS"), None);
}

#[test]
fn only_the_owner_has_the_clipboard_kept() {
    let mut desktop = TestDesktop::start(640, 480);
    let computer = open(&desktop);
    let owner = copy(&mut desktop, "UTF8_STRING", b"theirs");
    wait_until("the other program's text is read", || is_read(&computer, &[(TEXT, b"theirs")]));
    let asker = Asker::start(desktop.display());
    assert!(!asker.has_it_kept(), "another program's text was taken over");
    assert!(is_read(&computer, &[(TEXT, b"theirs")]));
    signal("KILL", owner);
    wait_until("it is gone with its program", || is_read(&computer, &[]));
}

#[test]
fn a_server_that_comes_back_has_a_clipboard_again() {
    let display = server::display();
    let first = server::start(&display);
    let computer = X11Desktop::open(Some(&display)).unwrap();
    write(&computer, &[(TEXT, b"first")]);
    drop(first);
    wait_until("the server is gone", || X11Desktop::open(Some(&display)).is_err());
    for error in [computer.clipboard_read().err(), computer.clipboard_write(&contents(&[])).err()] {
        let error = error.unwrap();
        assert!(error.message.contains(&display), "{error}");
    }
    let _second = server::start(&display);
    assert_eq!(computer.clipboard_read(), Ok(ClipboardContents::default()));
    write(&computer, &[(TEXT, b"second")]);
    let asker = Command::new("xclip").args(["-display", &display, "-selection", "clipboard", "-o"]).output().unwrap();
    assert_eq!(asker.stdout, b"second");
}
