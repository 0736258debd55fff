//! The environment of a session that the program was not started in.

use std::ffi::OsString;
use std::process::Command;

use opendesk_std::desktop::Computer;
use opendesk_std::desktop::session::{SessionEnvironment, Source};
use opendesk_std::desktop::x11::X11Desktop;
use opendesk_tests::bin::Running;
use opendesk_tests::desktop::TestDesktop;

use crate::{server, wait_until};

#[test]
fn the_session_of_a_display_is_found_in_its_processes() {
    let desktop = TestDesktop::start_with_session(640, 480);
    let found = SessionEnvironment::find_for(Some(desktop.display()), None);
    assert_eq!(found.display.as_deref(), Some(desktop.display()));
    assert_eq!(found.session_bus.as_deref(), Some(desktop.session_bus()));
    assert!(matches!(found.source.session_bus, Some(Source::Process { .. })), "{}", found.explain());
    assert_eq!(found.lacking(), None);
    let variables = found.variables();
    for (name, value) in [
        ("DISPLAY", OsString::from(desktop.display())),
        ("DBUS_SESSION_BUS_ADDRESS", desktop.session_bus().into()),
        ("HOME", desktop.home().into_os_string()),
    ] {
        assert!(variables.contains(&(name.into(), Some(value))), "{name} is not in {variables:?}");
    }
    let line = found.explain();
    assert!(line.contains(desktop.display()) && line.lines().count() == 1, "{line}");
}

#[test]
fn a_desktop_without_a_bus_lacks_it() {
    let desktop = TestDesktop::start(640, 480);
    let found = SessionEnvironment::find_for(Some(desktop.display()), None);
    assert_eq!(found.session_bus, None, "{}", found.explain());
    assert!(found.lacking().unwrap().contains("DBUS_SESSION_BUS_ADDRESS"));
}

#[test]
fn a_server_that_asks_for_a_key_is_shown_the_one_that_its_programs_have() {
    let folder = tempfile::tempdir().unwrap();
    let display = server::display();
    let (_server, key) = server::start_with_key(&display, folder.path());
    let error = X11Desktop::open_with(Some(&display), None).unwrap_err();
    assert!(error.message.contains(&display) && error.message.lines().count() == 1, "{error}");
    // Not a client even: that it was given the key is enough.
    let mut program = Command::new("sleep");
    program.arg("600").env("DISPLAY", &display).env("XAUTHORITY", key);
    let _program = Running::start(program);
    wait_until("the server takes the key", || X11Desktop::open_with(Some(&display), None).is_ok());
    assert_eq!(X11Desktop::open_with(Some(&display), None).unwrap().displays().unwrap().len(), 1);
}
