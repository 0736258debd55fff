//! What a controller holds is let go when it is killed, seen by a program and by the X server's own key state.

use std::io::{PipeWriter, Write, pipe};
use std::path::Path;

use opendesk_tests::bin::{PEER, Running, Served, command};
use opendesk_tests::desktop::{Form, TestDesktop};
use serde_json::{Value, json};

use crate::{open, wait_until};

/// An MCP server whose calls go to the paired host, and its standard input.
struct Controller {
    server: Running,
    input: PipeWriter,
    calls: u32,
}

impl Controller {
    fn start(home: &Path) -> Self {
        let (reader, input) = pipe().expect("a pipe");
        let mut server = command(home, &["mcp", "--backend", "virtual"]);
        server.stdin(reader);
        let mut controller = Self { server: Running::start(server), input, calls: 0 };
        let client = json!({"name": "line", "version": "1"});
        let hello = json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client});
        controller.say(&json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": hello}));
        controller.say(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        controller
    }

    fn say(&mut self, message: &Value) {
        writeln!(self.input, "{message}").expect("the server reads");
    }

    fn call(&mut self, tool: &str, mut arguments: Value) {
        self.calls += 1;
        arguments["peer"] = json!(PEER);
        let params = json!({"name": tool, "arguments": arguments});
        self.say(&json!({"jsonrpc": "2.0", "id": self.calls, "method": "tools/call", "params": params}));
    }
}

#[test]
fn a_controller_that_is_killed_in_the_middle_of_a_drag_with_a_chord_leaves_nothing_pressed() {
    let mut desktop = TestDesktop::start(1024, 768);
    let form = Form::start(&mut desktop);
    let computer = open(&desktop);
    let folder = tempfile::tempdir().unwrap();
    let (host, home) = (folder.path().join("host"), folder.path().join("controller"));
    let served = Served::start(&host, "x11", &[("DISPLAY", desktop.display())]);
    served.pair(&home);

    let mut controller = Controller::start(&home);
    let middle = form.place("Canvas").center();
    controller.call("mouse", json!({"action": "left_down", "x": middle.x.floor(), "y": middle.y.floor()}));
    form.wait_until("the button is down", |form| !form.seen("button-press", "Canvas").is_empty());
    for key in ["ctrl", "shift", "f5"] {
        controller.call("keyboard", json!({"action": "hold", "key": key, "hold_duration": 10}));
    }
    let pressed = || computer.pressed_keys().expect("the X server answers").len();
    wait_until("the chord is down", || pressed() == 3);
    assert!(form.seen("button-release", "Canvas").is_empty(), "the button is still down");

    controller.server.signal("KILL");
    wait_until("every key is up", || pressed() == 0);
    form.wait_until("the button is up", |form| form.seen("button-release", "Canvas").len() == 1);
    let over = form.events().len();

    // Nothing is pressed later either, and the next controller can work.
    let typed =
        Running::start(command(&home, &["call", "keyboard", r#"{"action": "type", "text": "next"}"#, "--peer", PEER]));
    let typed = typed.finish(crate::LIMIT);
    assert!(typed.status.success(), "{typed:?}; {}", served.stderr());
    form.wait_until("the next one types", |form| form.text("Name") == "next");
    let late: Vec<Value> = form.events().split_off(over);
    assert!(late.iter().all(|event| event["event"] != "button-press" && event["key"] != "F5"), "{late:?}");
    assert_eq!(pressed(), 0);
}
