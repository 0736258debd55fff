//! Locking the screen.

use opendesk_std::Cancel;
use opendesk_std::api::{Effect, ErrorCode, ScreenState};
use opendesk_std::desktop::Computer;
use opendesk_tests::desktop::TestDesktop;

use super::{call, lines, open_session, start_service};
use crate::wait_until;

const SAVER: &str = "org.freedesktop.ScreenSaver";

#[test]
fn the_screen_is_locked_and_says_so_until_it_is_unlocked() {
    let mut desktop = TestDesktop::start_with_session(640, 480);
    let (_, events) = start_service(&mut desktop, "screensaver.py", &[]);
    let computer = open_session(&desktop);
    assert!(computer.capabilities().contains(&"power.lock"));
    assert_eq!(computer.screen_state(), ScreenState::Shown);
    assert_eq!(computer.lock(&Cancel::new()), Ok(Effect::Confirmed));
    assert_eq!(lines(&events), ["ready", "Lock"]);
    assert_eq!(call(&desktop, SAVER, "GetActive", &[]), "(true,)");
    assert_eq!(computer.screen_state(), ScreenState::Locked);
    call(&desktop, SAVER, "SetActive", &["false"]);
    wait_until("the screen is seen again", || computer.screen_state() == ScreenState::Shown);
    // Somebody at the machine.
    call(&desktop, SAVER, "SetActive", &["true"]);
    wait_until("the screen is seen to be locked", || computer.screen_state() == ScreenState::Locked);
}

#[test]
fn a_lock_that_does_nothing_is_not_called_one() {
    let mut desktop = TestDesktop::start_with_session(640, 480);
    let (_, events) = start_service(&mut desktop, "screensaver.py", &["deaf"]);
    let computer = open_session(&desktop);
    assert_eq!(computer.lock(&Cancel::new()), Ok(Effect::NoEffect));
    assert_eq!(lines(&events), ["ready", "Lock"]);
    assert_eq!(call(&desktop, SAVER, "GetActive", &[]), "(false,)");
}

#[test]
fn a_lock_that_tells_nothing_is_not_said_to_be_there() {
    let mut desktop = TestDesktop::start_with_session(640, 480);
    let (_, events) = start_service(&mut desktop, "screensaver.py", &["mute"]);
    let computer = open_session(&desktop);
    assert_eq!(computer.lock(&Cancel::new()), Ok(Effect::Unverifiable));
    assert_eq!(lines(&events), ["ready", "Lock"]);
}

#[test]
fn a_lock_that_hangs_is_not_waited_for() {
    let mut desktop = TestDesktop::start_with_session(640, 480);
    let (saver, _) = start_service(&mut desktop, "screensaver.py", &[]);
    let computer = open_session(&desktop);
    desktop.run("kill", &["-STOP", &saver.to_string()]);
    assert_eq!(computer.lock(&Cancel::new()), Ok(Effect::Unverifiable), "it may lock once it goes on");
    assert_eq!(computer.screen_state(), ScreenState::Shown);
    let cancel = Cancel::new();
    cancel.cancel();
    assert_eq!(computer.lock(&cancel).unwrap_err().code, ErrorCode::Cancelled);
    desktop.run("kill", &["-CONT", &saver.to_string()]);
}

#[test]
fn a_session_without_a_locker_names_one() {
    let desktop = TestDesktop::start_with_session(640, 480);
    let computer = open_session(&desktop);
    assert!(!computer.capabilities().contains(&"power.lock"));
    let missing = computer.missing();
    let missing = missing.iter().find(|missing| missing.capability == "power.lock").expect("it is missing");
    assert!(missing.why.contains("xscreensaver"), "{}", missing.why);
    let error = computer.lock(&Cancel::new()).unwrap_err();
    assert_eq!(error.code, ErrorCode::CapabilityUnsupported);
    assert!(error.message.contains("light-locker"), "{error}");
}
