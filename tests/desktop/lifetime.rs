//! Sessions and X servers that end.

use opendesk_std::desktop::CaptureArea;
use opendesk_std::desktop::Computer;
use opendesk_std::desktop::x11::X11Desktop;
use opendesk_tests::bin::{PEER, Running, Served, command};
use opendesk_tests::desktop::TestDesktop;

use crate::{LIMIT, open, server, wait_until};

/// A host whose controller holds a key down; after `end`, which gives back what goes on, the key must come up.
fn while_a_key_is_held<T>(key: &str, end: impl FnOnce(Served, Running) -> T) {
    let desktop = TestDesktop::start(1280, 800);
    let computer = open(&desktop);
    let folder = tempfile::tempdir().expect("a temporary directory");
    let (host, controller) = (folder.path().join("host"), folder.path().join("controller"));
    let served = Served::start(&host, "x11", &[("DISPLAY", desktop.display())]);
    served.pair(&controller);
    let arguments = format!(r#"{{"action": "hold", "key": "{key}", "hold_duration": 10}}"#);
    let holding = Running::start(command(&controller, &["call", "keyboard", &arguments, "--peer", PEER]));
    wait_until("the key goes down", || !computer.pressed_keys().expect("the X server answers").is_empty());
    let _goes_on = end(served, holding);
    wait_until("the key comes up", || computer.pressed_keys().expect("the X server answers").is_empty());
}

#[test]
fn a_controller_that_is_killed_in_the_middle_of_a_chord_leaves_nothing_pressed() {
    while_a_key_is_held("shift", |served, holding| {
        holding.signal("KILL");
        served
    });
}

#[test]
fn a_host_that_is_stopped_leaves_nothing_pressed() {
    while_a_key_is_held("ctrl", |served, _holding| drop(served));
}

#[test]
fn an_x_server_that_goes_away_costs_its_calls_and_nothing_more() {
    let display = server::display();
    let first = server::start(&display);
    let folder = tempfile::tempdir().unwrap();
    let (host, controller) = (folder.path().join("host"), folder.path().join("controller"));
    let served = Served::start(&host, "x11", &[("DISPLAY", &display)]);
    served.pair(&controller);
    let screenshot = || Running::start(command(&controller, &["call", "screenshot", "--peer", PEER])).finish(LIMIT);
    assert!(screenshot().status.success());
    let direct = X11Desktop::open(Some(&display)).unwrap();
    direct.capture(&CaptureArea::default()).unwrap();
    drop(first);
    for _ in 0..2 {
        let gone = screenshot();
        assert!(!gone.status.success(), "{gone:?}");
        assert_eq!(gone.stderr.lines().count(), 1, "{gone:?}");
        assert!(gone.stderr.contains(&display), "{gone:?}");
    }
    let error = direct.capture(&CaptureArea::default()).unwrap_err();
    assert!(error.message.contains(&display), "{error}");

    // A server that comes back under the same name is used again.
    let _again = server::start(&display);
    wait_until("the screenshot works again", || screenshot().status.success());
    direct.capture(&CaptureArea::default()).unwrap();
}
