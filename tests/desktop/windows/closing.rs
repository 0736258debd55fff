//! Closing windows.

use std::fs;

use opendesk_std::Cancel;
use opendesk_std::api::{Effect, ErrorCode, Rect};
use opendesk_std::desktop::Computer;
use opendesk_tests::desktop::TestDesktop;
use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{AtomEnum, ConnectionExt as _, CreateWindowAux, PropMode, WindowClass};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

use super::{find, is_managed, pane, settled, terminal};
use crate::{open, wait_until};

/// Whether a program still runs. One that has ended stays in the list until whoever started it has asked after it.
fn runs(pid: u32) -> bool {
    let state = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    state.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

#[test]
fn a_window_is_closed_by_asking_it() {
    let mut desktop = TestDesktop::start(640, 480);
    let computer = open(&desktop);
    let pid = terminal(&mut desktop, "goes", "30x5+10+10");
    let goes = settled(&mut desktop, &computer, "goes");
    let other = terminal(&mut desktop, "stays", "30x5+10+200");
    let stays = settled(&mut desktop, &computer, "stays");
    assert_eq!(computer.close_window(&goes.id, false, &Cancel::new()), Ok(Effect::Confirmed));
    assert!(!is_managed(&desktop, &goes) && is_managed(&desktop, &stays));
    wait_until("the terminal ends", || !runs(pid));
    assert!(runs(other));
    assert_eq!(computer.close_window(&goes.id, false, &Cancel::new()).unwrap_err().code, ErrorCode::NotFound);
}

#[test]
fn an_id_never_names_the_window_of_another_program() {
    let mut desktop = TestDesktop::start(640, 480);
    let computer = open(&desktop);
    let is_unknown = |id: &str| {
        let bounds = Rect::new(20.0, 20.0, 200.0, 100.0);
        let outcomes = [
            computer.focus_window(id),
            computer.move_window(id, bounds),
            computer.close_window(id, false, &Cancel::new()),
            computer.close_window(id, true, &Cancel::new()),
        ];
        outcomes.into_iter().all(|outcome| outcome.is_err_and(|error| error.code == ErrorCode::NotFound))
    };
    let end = |id: &str, pid: u32| {
        assert_eq!(computer.close_window(id, true, &Cancel::new()), Ok(Effect::Confirmed));
        wait_until("its program ends", || !runs(pid));
    };
    // The server gives the lowest number that is free, and another program may have come to hold it meanwhile; then a new
    // pair is tried.
    for _ in 0..10 {
        let pid = pane(&mut desktop, "notes", "200x100+10+10", "#802010", &["stubborn"]);
        let notes = settled(&mut desktop, &computer, "notes");
        end(&notes.id, pid);
        let pid = pane(&mut desktop, "bank", "200x100+10+10", "#102080", &["stubborn"]);
        let bank = settled(&mut desktop, &computer, "bank");
        assert_ne!(bank.id, notes.id);
        assert!(is_unknown(&notes.id) && runs(pid));
        let number = |id: &str| id.split('.').next().map(str::to_owned);
        let is_again = number(&bank.id) == number(&notes.id);
        assert_eq!(computer.focus_window(&bank.id), Ok(Effect::Confirmed));
        end(&bank.id, pid);
        if is_again {
            return;
        }
    }
    panic!("the number was never given again");
}

#[test]
fn only_force_ends_a_program_that_does_not_listen_and_it_ends_no_other() {
    let mut desktop = TestDesktop::start(1280, 800);
    let computer = open(&desktop);
    let stubborn = pane(&mut desktop, "alike", "200x100+10+10", "#802010", &["stubborn"]);
    let alike = settled(&mut desktop, &computer, "alike");
    let namesake = terminal(&mut desktop, "alike", "30x5+10+300");
    let twin = pane(&mut desktop, "twin", "200x100+500+10", "#802010", &["stubborn"]);
    settled(&mut desktop, &computer, "twin");
    wait_until("both of one name are there", || computer.windows().unwrap().len() == 3);

    assert_eq!(computer.close_window(&alike.id, false, &Cancel::new()), Ok(Effect::NoEffect));
    assert!(is_managed(&desktop, &alike) && runs(stubborn));

    assert_eq!(computer.close_window(&alike.id, true, &Cancel::new()), Ok(Effect::Confirmed));
    assert!(!is_managed(&desktop, &alike));
    wait_until("its program ends", || !runs(stubborn));
    assert!(runs(namesake) && runs(twin));
    let left = find(&computer, "alike").unwrap();
    assert_eq!((left.app_name.as_str(), left.pid), ("XTerm", Some(namesake)));
    assert!(find(&computer, "twin").is_some());
}

#[test]
fn a_program_on_another_machine_is_never_ended_here() {
    let mut desktop = TestDesktop::start(640, 480);
    let computer = open(&desktop);
    let pid = pane(&mut desktop, "remote", "200x100+10+10", "#802010", &["stubborn"]);
    let remote = settled(&mut desktop, &computer, "remote");
    let machine = ["-f", "WM_CLIENT_MACHINE", "8s", "-set", "WM_CLIENT_MACHINE", "elsewhere.example.org"];
    desktop.run("xprop", &[&["-id", remote.id.as_str()], &machine[..]].concat());
    let error = computer.close_window(&remote.id, true, &Cancel::new()).unwrap_err();
    assert_eq!(error.code, ErrorCode::InvalidArgument);
    assert!(error.message.contains("elsewhere.example.org"), "{error}");
    assert!(runs(pid) && is_managed(&desktop, &remote));
}

#[test]
fn force_does_not_end_the_program_that_is_asked() {
    let desktop = TestDesktop::start(640, 480);
    let computer = open(&desktop);
    let (x, screen) = RustConnection::connect(Some(desktop.display())).unwrap();
    let root = x.setup().roots[screen].root;
    let window = x.generate_id().unwrap();
    let class = WindowClass::INPUT_OUTPUT;
    x.create_window(0, window, root, 0, 0, 100, 100, 0, class, 0, &CreateWindowAux::new()).unwrap().check().unwrap();
    let atom = |name: &str| x.intern_atom(false, name.as_bytes()).unwrap().reply().unwrap().atom;
    let (protocols, delete) = (atom("WM_PROTOCOLS"), atom("WM_DELETE_WINDOW"));
    x.change_property32(PropMode::REPLACE, window, protocols, AtomEnum::ATOM, &[delete]).unwrap().check().unwrap();
    let (name, string) = (AtomEnum::WM_NAME, AtomEnum::STRING);
    x.change_property8(PropMode::REPLACE, window, name, string, b"ours").unwrap().check().unwrap();
    x.map_window(window).unwrap().check().unwrap();
    wait_until("it is listed", || find(&computer, "ours").is_some());
    let ours = find(&computer, "ours").unwrap();
    assert_eq!(ours.pid, Some(std::process::id()));
    let error = computer.close_window(&ours.id, true, &Cancel::new()).unwrap_err();
    assert_eq!(error.code, ErrorCode::InvalidArgument);
    assert!(error.message.contains("this program"), "{error}");
    assert!(is_managed(&desktop, &ours));
}
