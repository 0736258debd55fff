//! `opendesk check`: what it proves, what it leaves behind, and how it says that something does not work.

use std::fs;
use std::path::Path;
use std::process::Command;

use opendesk_tests::bin::{Finished, Running, command};
use opendesk_tests::desktop::{Form, PYTHON, TestDesktop};
use serde_json::Value;

use crate::{Folder, LIMIT, json, opendesk, run, succeeded};

/// What every desktop is tried for.
const CHECKS: [&str; 12] = [
    "session",
    "displays",
    "capture",
    "pointer",
    "buttons",
    "wheel",
    "keyboard",
    "text",
    "windows",
    "ocr",
    "accessibility",
    "clipboard",
];

const ESSENTIAL: [&str; 5] = ["capture", "pointer", "buttons", "keyboard", "text"];

/// Has all keys for itself once it has written a line, as a lock screen has.
const GRABBING: &str = "\
import gi
gi.require_version('Gtk', '3.0')
from gi.repository import Gdk, GLib, Gtk
window = Gtk.Window(title='Holder')
window.show_all()
def grab():
    seat = Gdk.Display.get_default().get_default_seat()
    keyboard = Gdk.SeatCapabilities.KEYBOARD
    taken = seat.grab(window.get_window(), keyboard, True, None, None, None, None) == Gdk.GrabStatus.SUCCESS
    if taken:
        window.set_title('Holder has the keys')
    return not taken
GLib.timeout_add(50, grab)
Gtk.main()
";

fn check(folder: &Folder, desktop: &TestDesktop, args: &[&str]) -> Finished {
    let mut check = command(&folder.home("home"), &[&["check", "--backend", "x11"], args].concat());
    check.env("DISPLAY", desktop.display()).env("XDG_RUNTIME_DIR", desktop.run_dir());
    run(check)
}

/// The check of a name.
fn one<'a>(report: &'a Value, name: &str) -> &'a Value {
    let checks = report["checks"].as_array().expect("a list of checks");
    checks.iter().find(|check| check["name"] == name).unwrap_or_else(|| panic!("{name}: {report}"))
}

fn outcome<'a>(report: &'a Value, name: &str) -> &'a str {
    one(report, name)["outcome"].as_str().expect("a word")
}

/// Where the pointer is and which window is in front, as others see it.
fn place(desktop: &TestDesktop) -> (String, String) {
    let pointer = desktop.run("xdotool", &["getmouselocation", "--shell"]);
    let pointer = pointer.lines().take_while(|line| !line.starts_with("SCREEN")).collect();
    (pointer, desktop.run("xdotool", &["getactivewindow"]))
}

fn wait_until(what: &str, so: impl Fn() -> bool) {
    let begun = std::time::Instant::now();
    while !so() {
        assert!(begun.elapsed() < LIMIT, "{what}");
        std::thread::sleep(core::time::Duration::from_millis(10));
    }
}

/// Whether a process keeps the clipboard of a display.
fn is_kept(display: &str) -> bool {
    let of_display = format!("DISPLAY={display}");
    let has = |file: &Path, word: &str| {
        fs::read(file).is_ok_and(|words| words.split(|byte| *byte == 0).any(|part| part == word.as_bytes()))
    };
    let processes = fs::read_dir("/proc").expect("the processes").filter_map(Result::ok);
    processes
        .map(|entry| entry.path())
        .any(|process| has(&process.join("cmdline"), "--keep-clipboard") && has(&process.join("environ"), &of_display))
}

#[test]
fn the_virtual_desktop_is_proved_everywhere() {
    let folder = Folder::new();
    let said = opendesk(&folder.home("home"), &["check", "--backend", "virtual"]);
    let lines: Vec<&str> = succeeded(&said).lines().collect();
    for name in CHECKS {
        let line = lines.iter().find(|line| line.split_whitespace().nth(1) == Some(name));
        assert!(line.is_some_and(|line| line.starts_with("ok ") && line.contains(" – ")), "{name}: {said:?}");
    }
    let report = json(&opendesk(&folder.home("home"), &["check", "--backend", "virtual", "--json"]));
    assert_eq!((&report["ok"], &report["backend"]), (&true.into(), &"virtual".into()));
    for name in CHECKS {
        assert_eq!(outcome(&report, name), "ok", "{report}");
        assert_eq!(one(&report, name)["essential"], ESSENTIAL.contains(&name), "{report}");
    }
    assert!(!folder.home("home").exists(), "it needs no home and makes none");
}

#[test]
fn without_a_display_one_line_says_so() {
    let folder = Folder::new();
    for backend in ["x11", "auto"] {
        let mut check = command(&folder.home("home"), &["check", "--backend", backend, "--json"]);
        // There may be other displays on this machine, which would be found if none were named.
        check.env("DISPLAY", ":4242");
        let tried = run(check);
        assert_eq!(tried.status.code(), Some(7), "{tried:?}");
        let report: Value = serde_json::from_str(&tried.stdout).expect("one object");
        assert_eq!((&report["ok"], &report["exit_code"]), (&false.into(), &7.into()));
        assert!(report["error"].as_str().is_some_and(|error| error.contains(":4242")), "{report}");
        assert!(tried.stderr.lines().last().is_some_and(|line| line.contains(":4242")), "{tried:?}");
    }
}

#[test]
fn a_desktop_is_proved_and_left_as_it_was() {
    let folder = Folder::new();
    let mut desktop = TestDesktop::start_with_session(1280, 800);
    let form = Form::start(&mut desktop);
    desktop.run("xdotool", &["mousemove", "1234", "567"]);
    let copied = desktop.home().join("copied");
    fs::write(&copied, "<b>Grüße</b>").unwrap();
    let copied = copied.to_str().unwrap();
    desktop.run("xclip", &["-selection", "clipboard", "-t", "text/html", "-i", copied]);
    let before = place(&desktop);

    let report = json(&check(&folder, &desktop, &["--json"]));
    assert_eq!((&report["ok"], &report["backend"]), (&true.into(), &"x11".into()));
    for name in CHECKS {
        assert_eq!(outcome(&report, name), "ok", "{report}");
    }
    // What a session of this kind lacks is told, with what to install.
    assert!(one(&report, "power.lock")["detail"].as_str().is_some_and(|why| why.contains("install")), "{report}");

    // The window manager gives the keyboard back in its own time.
    wait_until("all is as it was", || place(&desktop) == before);
    assert!(!desktop.run("wmctrl", &["-l"]).contains("opendesk probe"));
    let pasted = || desktop.run("xclip", &["-selection", "clipboard", "-t", "text/html", "-o"]);
    assert_eq!(pasted(), "<b>Grüße</b>");
    assert_eq!(form.text("Name"), "", "nothing was typed into the windows of others");
    assert!(form.seen("button-press", "Canvas").is_empty(), "nothing was clicked there");

    // There is no program on this desktop that keeps what others leave, so a process of ours does.
    assert!(is_kept(desktop.display()));
    fs::write(copied, "<i>new</i>").unwrap();
    desktop.run("xclip", &["-selection", "clipboard", "-t", "text/html", "-i", copied]);
    wait_until("nothing is kept any more", || !is_kept(desktop.display()));
    assert_eq!(pasted(), "<i>new</i>");
}

/// Nobody else takes part in accessibility on this desktop. The bus is read along.
#[test]
fn accessibility_is_proved_in_the_window_of_the_check_and_in_no_other() {
    let folder = Folder::new();
    let mut desktop = TestDesktop::start_with_session(1280, 800);
    let launcher = ["--session", "--dest", "org.a11y.Bus", "--object-path", "/org/a11y/bus"];
    let told = desktop.run("gdbus", &[&["call"], &launcher[..], &["--method", "org.a11y.Bus.GetAddress"]].concat());
    let bus = told.split('\'').nth(1).expect("an address in quotes").to_owned();
    let file = desktop.home().join("heard");
    let script = format!("exec dbus-monitor --address '{bus}' type=method_call > '{}'", file.display());
    desktop.spawn("sh", &["-c", &script]);
    let heard = |member: &str| {
        let lines = fs::read_to_string(&file).unwrap_or_default();
        lines.lines().filter(|line| line.ends_with(&format!("member={member}"))).count()
    };
    // The bus takes the name of whoever reads along.
    wait_until("the bus is read along", || heard("NameLost") == 1);
    let registry = ["--dest", "org.a11y.atspi.Registry", "--object-path", "/org/a11y/atspi/accessible/root"];
    let method = ["--method", "org.a11y.atspi.Accessible.GetChildren"];
    let programs = || desktop.run("gdbus", &[&["call", "--address", &bus], &registry[..], &method].concat());
    let nobody = "(@a(so) [],)";
    assert_eq!(programs().trim(), nobody);

    let report = json(&check(&folder, &desktop, &["--json"]));
    assert_eq!(outcome(&report, "accessibility"), "ok", "{report}");
    let detail = one(&report, "accessibility")["detail"].as_str().expect("a line");
    assert!(detail.contains("the window \"opendesk probe\""), "{report}");
    for member in ["Embed", "DoAction", "SetTextContents"] {
        wait_until(member, || heard(member) == 1);
    }
    wait_until("the window is gone there too", || programs().trim() == nobody);
}

#[test]
fn an_empty_clipboard_stays_empty_and_a_terminal_in_front_gets_nothing() {
    let folder = Folder::new();
    let mut desktop = TestDesktop::start(1280, 800);
    let file = desktop.home().join("typed");
    let script = format!("cat > {}", file.display());
    desktop.spawn("xterm", &["-T", "front", "-e", "sh", "-c", &script]);
    desktop.wait_for_window("front");
    let before = place(&desktop);
    let said = check(&folder, &desktop, &[]);
    let lines = succeeded(&said);
    assert!(lines.lines().any(|line| line.starts_with("ok ") && line.contains("text – ")), "{said:?}");
    // There is no session bus, and so no accessibility. A controller can do without.
    assert!(lines.lines().any(|line| line.starts_with("missing accessibility – ")), "{said:?}");
    wait_until("all is as it was", || place(&desktop) == before);
    assert!(!is_kept(desktop.display()));
    let mut paste = Command::new("xclip");
    paste.args(["-display", desktop.display(), "-selection", "clipboard", "-o"]);
    assert!(!Running::start(paste).finish(LIMIT).status.success(), "nobody owns the clipboard");
    desktop.run("xdotool", &["key", "Return", "ctrl+d"]);
    wait_until("the terminal's program ends", || fs::read(&file).is_ok_and(|typed| typed == b"\n"));
}

/// The control of the ones above: what does not work is not said to.
#[test]
fn keys_that_do_not_arrive_are_a_failure_and_text_is_not_typed_into_nowhere() {
    let folder = Folder::new();
    let mut desktop = TestDesktop::start(1280, 800);
    desktop.spawn(PYTHON, &["-c", GRABBING]);
    desktop.wait_for_window("Holder has the keys");
    let tried = check(&folder, &desktop, &["--json"]);
    assert_eq!(tried.status.code(), Some(1), "{tried:?}");
    let report: Value = serde_json::from_str(&tried.stdout).expect("one object");
    assert_eq!((&report["ok"], &report["exit_code"]), (&false.into(), &1.into()));
    for name in ["keyboard", "text"] {
        assert_eq!(outcome(&report, name), "failed", "{report}");
        assert!(report["error"].as_str().is_some_and(|error| error.contains(name)), "{report}");
    }
    for name in ["capture", "pointer", "buttons", "wheel"] {
        assert_eq!(outcome(&report, name), "ok", "{report}");
    }
}
