//! Windows. What is said of them and what is done to them is seen by xdotool, wmctrl, xprop and xwininfo.

mod captures;
mod closing;
mod moving;
mod sluggish;
mod unmanaged;

use std::process::Command;

use opendesk_std::Cancel;
use opendesk_std::api::{Effect, ErrorCode, Rect, Window};
use opendesk_std::desktop::Computer;
use opendesk_std::desktop::x11::X11Desktop;
use opendesk_tests::bin::Running;
use opendesk_tests::desktop::{PYTHON, TestDesktop};

use crate::{open, wait_until};

/// A window of one colour: its title, its size and place, its colour, and what is special about it.
const PANE: &str = "
import sys, tkinter
pane = tkinter.Tk(className='Pane')
pane.title(sys.argv[1])
pane.geometry(sys.argv[2])
pane.configure(background=sys.argv[3])
if 'stubborn' in sys.argv[4:]:
    pane.protocol('WM_DELETE_WINDOW', lambda: None)
if 'dock' in sys.argv[4:]:
    pane.attributes('-type', 'dock')
pane.mainloop()
";

/// An X server that nobody manages the windows of, and its display.
fn unmanaged_server(screen: &str) -> (Running, String) {
    let mut xvfb = Command::new("Xvfb");
    xvfb.args(["-displayfd", "1", "-screen", "0", screen, "-nolisten", "tcp", "-noreset", "-ac"]);
    let mut server = Running::start(xvfb);
    let display = format!(":{}", server.first_line().trim());
    (server, display)
}

/// Starts a window of one colour and gives the process that it belongs to.
fn pane(desktop: &mut TestDesktop, title: &str, place: &str, colour: &str, special: &[&str]) -> u32 {
    desktop.spawn(PYTHON, &[&["-c", PANE, title, place, colour], special].concat())
}

/// Starts a terminal that waits and gives the process that it belongs to.
fn terminal(desktop: &mut TestDesktop, title: &str, place: &str) -> u32 {
    desktop.spawn("xterm", &["-T", title, "-geometry", place, "-e", "cat"])
}

/// The window with this title, if it is listed.
fn find(computer: &X11Desktop, title: &str) -> Option<Window> {
    let windows = computer.windows().expect("the windows are listed");
    windows.into_iter().find(|window| window.title == title)
}

/// The window with this title, once it is in front and has the keyboard.
fn settled(desktop: &mut TestDesktop, computer: &X11Desktop, title: &str) -> Window {
    desktop.wait_for_window(title);
    let mut found = None;
    wait_until("the window that has the keyboard is listed so", || {
        found = find(computer, title).filter(|window| window.focused);
        found.is_some()
    });
    found.expect("it was found just now")
}

/// Where a window's frame is, as other tools see it.
fn frame(desktop: &TestDesktop, id: &str) -> Rect {
    let info = desktop.run("xwininfo", &["-id", id]);
    let number = |name: &str| -> f64 {
        let line = info.lines().find_map(|line| line.trim().strip_prefix(name)).expect("a line of it");
        line.trim().parse().expect("a number")
    };
    let sides = numbers(&desktop.run("xprop", &["-id", id, "_NET_FRAME_EXTENTS"]));
    let [left, right, top, bottom] = sides[..] else { panic!("{sides:?}") };
    Rect::new(
        number("Absolute upper-left X:") - left,
        number("Absolute upper-left Y:") - top,
        number("Width:") + left + right,
        number("Height:") + top + bottom,
    )
}

/// The numbers of a property as xprop writes it.
fn numbers(property: &str) -> Vec<f64> {
    let (_, values) = property.split_once("= ").unwrap_or_default();
    values.split(',').filter_map(|value| value.trim().parse().ok()).collect()
}

/// The names of the workspaces, in their order.
fn workspaces(desktop: &TestDesktop) -> Vec<String> {
    let property = desktop.run("xprop", &["-root", "_NET_DESKTOP_NAMES"]);
    property.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

/// What xdotool tells of the desktop, such as `getactivewindow`.
fn told(desktop: &TestDesktop, question: &str) -> String {
    desktop.run("xdotool", &[question]).trim().to_owned()
}

/// A window's id as xdotool writes it.
fn decimal(window: &Window) -> String {
    let digits = window.id.strip_prefix("0x").expect("hexadecimal digits");
    u32::from_str_radix(digits, 16).expect("an X11 identifier").to_string()
}

/// Whether the window manager still has a window.
fn is_managed(desktop: &TestDesktop, window: &Window) -> bool {
    desktop.run("wmctrl", &["-l"]).contains(&window.id)
}

#[test]
fn a_window_is_listed_as_it_is() {
    let mut desktop = TestDesktop::start(1280, 800);
    let computer = open(&desktop);
    assert_eq!(computer.windows().unwrap(), []);
    for capability in ["windows.list", "windows.manipulate"] {
        assert!(computer.capabilities().contains(&capability), "{capability}");
    }
    let pid = terminal(&mut desktop, "a (plain) terminal", "40x10+100+120");
    let window = settled(&mut desktop, &computer, "a (plain) terminal");
    let expected = Window {
        id: format!("{:#010x}", told(&desktop, "getactivewindow").parse::<u32>().unwrap()),
        title: "a (plain) terminal".to_owned(),
        app_name: "XTerm".to_owned(),
        pid: Some(pid),
        bounds: Some(frame(&desktop, &window.id)),
        focused: true,
        minimized: false,
        workspace: workspaces(&desktop).first().cloned(),
    };
    assert_eq!(computer.windows().unwrap(), [expected]);
    assert_eq!(window.bounds.map(|bounds| (bounds.x, bounds.y)), Some((100.0, 120.0)));
}

#[test]
fn a_title_is_any_text_on_one_line() {
    let mut desktop = TestDesktop::start(640, 480);
    let computer = open(&desktop);
    terminal(&mut desktop, "first", "40x10");
    let window = settled(&mut desktop, &computer, "first");
    for (set, listed) in [("Grüße 世界 🚀", "Grüße 世界 🚀"), ("two\nlines", "two lines")] {
        desktop.run("wmctrl", &["-i", "-r", &window.id, "-N", set]);
        wait_until("the new title is listed", || find(&computer, listed).is_some());
    }
    let long = "x".repeat(5000);
    desktop.run("wmctrl", &["-i", "-r", &window.id, "-N", &long]);
    wait_until("the new title is listed", || find(&computer, &long[..1024]).is_some());
}

#[test]
fn the_list_follows_what_people_do() {
    let mut desktop = TestDesktop::start(1280, 800);
    let computer = open(&desktop);
    // Tk tells nobody its process: the X server knows it all the same.
    let pid = pane(&mut desktop, "one", "300x200+50+50", "#204060", &[]);
    let one = settled(&mut desktop, &computer, "one");
    assert_eq!((one.app_name.as_str(), one.pid), ("Pane", Some(pid)));
    terminal(&mut desktop, "two", "40x10+400+50");
    let two = settled(&mut desktop, &computer, "two");
    let order = || -> Vec<String> { computer.windows().unwrap().into_iter().map(|window| window.title).collect() };
    assert_eq!(order(), ["two", "one"], "the one in front first");
    let focused = |title: &str| find(&computer, title).is_some_and(|window| window.focused);
    assert!(focused("two") && !focused("one"));

    desktop.run("xdotool", &["windowactivate", &decimal(&one)]);
    wait_until("the raised one comes first", || order() == ["one", "two"] && focused("one") && !focused("two"));

    desktop.run("xdotool", &["windowminimize", &decimal(&two)]);
    wait_until("the icon is listed as one", || find(&computer, "two").is_some_and(|window| window.minimized));
    assert!(!find(&computer, "one").unwrap().minimized);

    let workspace = |title: &str| find(&computer, title).and_then(|window| window.workspace);
    desktop.run("wmctrl", &["-i", "-r", &one.id, "-t", "2"]);
    wait_until("the other workspace is listed", || workspace("one") == workspaces(&desktop).get(2).cloned());
    assert!(!focused("one"), "it is out of sight");
    desktop.run("xdotool", &["set_desktop_for_window", &decimal(&one), "-1"]);
    wait_until("a window can be on all workspaces", || workspace("one").as_deref() == Some("all"));
}

#[test]
fn what_is_on_another_workspace_lies_over_nothing() {
    let mut desktop = TestDesktop::start(1280, 800);
    let computer = open(&desktop);
    pane(&mut desktop, "everywhere", "300x200+50+50", "#204060", &[]);
    let everywhere = settled(&mut desktop, &computer, "everywhere");
    desktop.run("xdotool", &["set_desktop_for_window", &decimal(&everywhere), "-1"]);
    pane(&mut desktop, "away", "300x200+50+50", "#604020", &[]);
    let away = settled(&mut desktop, &computer, "away");
    let order = || -> Vec<String> { computer.windows().unwrap().into_iter().map(|window| window.title).collect() };
    assert_eq!(order(), ["away", "everywhere"]);
    desktop.run("wmctrl", &["-i", "-r", &away.id, "-t", "2"]);
    wait_until("it is behind what is shown", || order() == ["everywhere", "away"]);
    desktop.run("wmctrl", &["-s", "2"]);
    wait_until("it is shown again, in front", || order() == ["away", "everywhere"]);
}

#[test]
fn panels_are_no_windows() {
    let mut desktop = TestDesktop::start(1280, 800);
    let computer = open(&desktop);
    pane(&mut desktop, "panel", "600x40+0+0", "#404040", &["dock"]);
    let mut id = None;
    wait_until("the window manager has the panel", || {
        let listed = desktop.run("wmctrl", &["-l"]);
        id = listed
            .lines()
            .find(|line| line.ends_with("panel"))
            .and_then(|line| line.split(' ').next())
            .map(str::to_owned);
        id.is_some()
    });
    assert_eq!(computer.windows().unwrap(), []);
    assert_eq!(computer.focus_window(&id.unwrap()).unwrap_err().code, ErrorCode::NotFound);
}

#[test]
fn a_window_comes_to_the_front_from_wherever_it_is() {
    let mut desktop = TestDesktop::start(1280, 800);
    let computer = open(&desktop);
    terminal(&mut desktop, "away", "40x10+50+50");
    let away = settled(&mut desktop, &computer, "away");
    desktop.run("wmctrl", &["-i", "-r", &away.id, "-t", "3"]);
    pane(&mut desktop, "here", "900x600+20+20", "#204060", &[]);
    let here = settled(&mut desktop, &computer, "here");
    wait_until("it is away", || find(&computer, "away").and_then(|window| window.workspace) != here.workspace);

    assert_eq!(computer.focus_window(&away.id), Ok(Effect::Confirmed));
    assert_eq!(told(&desktop, "getactivewindow"), decimal(&away));
    assert_eq!(told(&desktop, "getwindowfocus"), decimal(&away));
    assert_eq!(told(&desktop, "get_desktop"), "3");

    assert_eq!(computer.focus_window(&decimal(&here)), Ok(Effect::Confirmed), "an id may be decimal");
    assert_eq!(told(&desktop, "getwindowfocus"), decimal(&here));
    assert_eq!(told(&desktop, "get_desktop"), "0");

    desktop.run("xdotool", &["windowminimize", &decimal(&here)]);
    wait_until("it is an icon", || find(&computer, "here").is_some_and(|window| window.minimized));
    assert_eq!(computer.focus_window(&here.id), Ok(Effect::Confirmed));
    assert_eq!(told(&desktop, "getwindowfocus"), decimal(&here));
    assert!(!find(&computer, "here").unwrap().minimized);
    assert_eq!(computer.focus_window(&here.id), Ok(Effect::Confirmed), "it has it already");
}

#[test]
fn what_is_no_window_is_not_found() {
    let mut desktop = TestDesktop::start(640, 480);
    let computer = open(&desktop);
    terminal(&mut desktop, "only", "20x5+10+10");
    let only = settled(&mut desktop, &computer, "only");
    let before = frame(&desktop, &only.id);
    let root = desktop.run("xwininfo", &["-root"]);
    let root = root.split_once("Window id: ").and_then(|(_, rest)| rest.split(' ').next()).unwrap();
    for id in ["0x7ffffff0", "0", "", "only", "1", "-1", root] {
        let place = Rect::new(0.0, 0.0, 200.0, 100.0);
        for outcome in [
            computer.focus_window(id),
            computer.move_window(id, place),
            computer.close_window(id, false, &Cancel::new()),
            computer.close_window(id, true, &Cancel::new()),
        ] {
            let error = outcome.unwrap_err();
            assert_eq!(error.code, ErrorCode::NotFound, "{id:?}: {error}");
            assert_eq!(error.message.lines().count(), 1, "{error}");
        }
    }
    assert_eq!(frame(&desktop, &only.id), before);
}
