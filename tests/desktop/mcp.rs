//! The MCP server on the desktop of its own machine: how it ends, and what it leaves pressed.

use std::io::{PipeWriter, Write, pipe};
use std::path::Path;

use opendesk_std::desktop::Computer as _;
use opendesk_std::desktop::x11::X11Desktop;
use opendesk_tests::bin::{Running, command};
use opendesk_tests::desktop::TestDesktop;
use serde_json::json;

use crate::agent::Agent;
use crate::{LIMIT, open, wait_until};

/// What a client says until a key is held, for ten seconds.
const HOLD: [&str; 3] = [
    r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"line","version":"1"}}}"#,
    r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
    r#"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"keyboard","arguments":{"action":"hold","key":"shift","hold_duration":10,"peer":"local"}}}"#,
];

fn is_pressed(computer: &X11Desktop) -> bool {
    !computer.pressed_keys().expect("the X server answers").is_empty()
}

/// A server that holds a key on this desktop, and its standard input.
fn holding(desktop: &TestDesktop, computer: &X11Desktop, home: &Path) -> (Running, PipeWriter) {
    let (reader, mut input) = pipe().expect("a pipe");
    let mut server = command(home, &["mcp", "--backend", "x11"]);
    server.env("DISPLAY", desktop.display()).stdin(reader);
    let server = Running::start(server);
    for line in HOLD {
        writeln!(input, "{line}").expect("the server reads");
    }
    wait_until("the key goes down", || is_pressed(computer));
    (server, input)
}

#[test]
fn a_server_that_is_told_to_end_leaves_nothing_pressed() {
    for (signal, code) in [("TERM", 143), ("INT", 130)] {
        let desktop = TestDesktop::start(640, 480);
        let computer = open(&desktop);
        let folder = tempfile::tempdir().unwrap();
        let (server, _input) = holding(&desktop, &computer, &folder.path().join("home"));
        server.signal(signal);
        let finished = server.finish(LIMIT);
        assert_eq!(finished.status.code(), Some(code), "{signal}: {finished:?}");
        // Nobody is left who could let go of it later.
        wait_until("the key comes up", || !is_pressed(&computer));
    }
}

#[test]
fn a_server_whose_client_goes_leaves_nothing_pressed() {
    let desktop = TestDesktop::start(640, 480);
    let computer = open(&desktop);
    let folder = tempfile::tempdir().unwrap();
    let (server, input) = holding(&desktop, &computer, &folder.path().join("home"));
    drop(input);
    let finished = server.finish(LIMIT);
    assert!(finished.status.success(), "{finished:?}");
    wait_until("the key comes up", || !is_pressed(&computer));
}

/// The control of the two above: keys that nobody lets go of stay down. It is also what cannot be helped: a program
/// that is ended by SIGKILL does nothing any more, and the X server goes on holding its keys.
#[test]
fn a_server_that_is_killed_leaves_its_key_pressed() {
    let desktop = TestDesktop::start(640, 480);
    let computer = open(&desktop);
    let folder = tempfile::tempdir().unwrap();
    let (server, _input) = holding(&desktop, &computer, &folder.path().join("home"));
    server.signal("KILL");
    let finished = server.finish(LIMIT);
    assert_eq!(finished.status.code(), None, "{finished:?}");
    assert!(is_pressed(&computer));
}

/// A server that has typed a text that no keyboard has, and has copied one.
fn typing(desktop: &TestDesktop, home: &Path) -> Running {
    let mut agent = Agent::start(desktop, home, &json!({}));
    for (tool, arguments) in [
        ("keyboard", json!({"action": "type", "text": "世界", "peer": "local"})),
        ("clipboard", json!({"action": "write", "text": "copied", "peer": "local"})),
    ] {
        let id = agent.begin(tool, arguments);
        let (said, failed) = agent.end(id);
        assert!(!failed, "{said}");
    }
    agent.server
}

#[test]
fn a_server_that_ends_gives_back_the_keys_that_it_was_lent_and_leaves_the_clipboard() {
    let mut desktop = TestDesktop::start(640, 480);
    let before = desktop.run("xmodmap", &["-pke"]);
    let folder = tempfile::tempdir().unwrap();
    let mut server = typing(&desktop, &folder.path().join("home"));
    assert_ne!(desktop.run("xmodmap", &["-pke"]), before, "a key is lent");
    server.hang_up();
    assert!(server.finish(LIMIT).status.success());
    assert_eq!(desktop.run("xmodmap", &["-pke"]), before, "nobody is left who could do so later");
    // By a process that ends with the desktop, or when somebody copies something else.
    assert_eq!(desktop.run("xclip", &["-selection", "clipboard", "-o"]), "copied");
    desktop.spawn("xclip", &["-quiet", "-selection", "clipboard", "-i", "/dev/null"]);
}

#[test]
fn the_keys_that_a_server_was_lent_that_is_killed_are_given_back_by_the_next_program() {
    let desktop = TestDesktop::start(640, 480);
    let map = || desktop.run("xmodmap", &["-pke"]);
    let before = map();
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        let server = typing(&desktop, &folder.path().join("home"));
        server.signal("KILL");
        drop(server.finish(LIMIT));
        assert_ne!(map(), before, "a key stays lent");
    }
    let computer = open(&desktop);
    computer.type_text("ж", core::time::Duration::ZERO, &opendesk_std::Cancel::new()).unwrap();
    wait_until("the keyboard is its own again", || map() == before);
    drop(computer);
    assert!(!desktop.run("xprop", &["-root"]).contains("_OPENDESK_LENT"), "no note of it is left");
}
