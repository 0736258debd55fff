//! The owner and the agents of their own machine: the switch and the rules of a home hold for what `opendesk mcp` and
//! `opendesk call` do with it, on this machine's desktop as on others.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use opendesk_std::desktop::Computer as _;
use opendesk_std::desktop::r#virtual::VirtualDesktop;
use opendesk_tests::bin::{PEER, Running, command};
use serde_json::{Value, json};

use super::{Host, log_of, text, without_terminal};
use crate::{Folder, LIMIT, failure, opendesk, succeeded};

/// An agent's session, line by line.
pub(super) struct Agent {
    running: Running,
    asked: u64,
}

impl Agent {
    pub(super) fn start(home: &Path) -> Self {
        Self::started(&command(home, &["mcp", "--backend", "virtual"]))
    }

    /// Starts the server without a terminal on which it could ask whoever runs the tests.
    pub(super) fn started(server: &Command) -> Self {
        let mut server = without_terminal(server);
        server.stdin(Stdio::piped());
        let mut agent = Self { running: Running::start(server), asked: 0 };
        let client = json!({"name": "by hand", "version": "1"});
        let hello = json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client});
        let welcome = agent.send("initialize", &hello);
        agent.answer(welcome);
        agent.running.say(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}).to_string());
        agent
    }

    /// Asks for something, and gives the number of the request.
    fn send(&mut self, method: &str, params: &Value) -> u64 {
        self.asked += 1;
        let request = json!({"jsonrpc": "2.0", "id": self.asked, "method": method, "params": params});
        self.running.say(&request.to_string());
        self.asked
    }

    pub(super) fn answer(&mut self, id: u64) -> Value {
        self.running.hear(|line| {
            let answer: Value = serde_json::from_str(line).expect("nothing but the protocol");
            (answer["id"] == id).then(|| answer["result"].clone())
        })
    }

    /// Whether a request was answered already.
    pub(super) fn has_answered(&self, id: u64) -> bool {
        self.running.stdout().contains(&format!("\"id\":{id},"))
    }

    pub(super) fn begin(&mut self, tool: &str, arguments: &Value) -> u64 {
        self.send("tools/call", &json!({"name": tool, "arguments": arguments}))
    }

    pub(super) fn call(&mut self, tool: &str, arguments: &Value) -> Value {
        let id = self.begin(tool, arguments);
        self.answer(id)
    }

    pub(super) fn shot(&mut self, peer: &str) -> String {
        let shot = self.call("screenshot", &json!({"peer": peer}));
        assert_eq!(shot["isError"], false, "{shot}");
        text(&shot["content"][1]["data"]).to_owned()
    }
}

/// What an agent is told that may not do something.
pub(super) fn told(answer: &Value) -> &str {
    assert_eq!(answer["isError"], true, "{answer}");
    text(&answer["content"][0]["text"])
}

/// A home whose machine may drive one other, called [`PEER`].
fn paired(folder: &Folder) -> (Host, PathBuf) {
    let (host, home) = (Host::start(&folder.home("desk"), &["--no-notifications"]), folder.home("agent"));
    host.pair(&home, &[]);
    (host, home)
}

#[test]
fn w5_a_stop_refuses_what_agents_of_this_machine_ask_for_and_ends_what_they_do() {
    let folder = Folder::new();
    let (_host, home) = paired(&folder);
    let mut agent = Agent::start(&home);
    for peer in ["local", PEER] {
        let slowly = json!({"action": "type", "text": "x".repeat(1000), "interval_ms": 20, "peer": peer});
        let typing = agent.begin("keyboard", &slowly);
        let before = agent.shot(peer);
        while agent.shot(peer) == before {}
        succeeded(&opendesk(&home, &["stop", "--reason", "lunch"]));
        for tool in ["screenshot", "keyboard", "mouse"] {
            let arguments = match tool {
                "keyboard" => json!({"action": "press", "key": "a", "peer": peer}),
                "mouse" => json!({"action": "move", "x": 5, "y": 5, "peer": peer}),
                _ => json!({"peer": peer}),
            };
            let refused = agent.call(tool, &arguments);
            assert!(told(&refused).contains("has stopped all controllers (lunch)"), "{tool}: {refused}");
        }
        let ended = agent.answer(typing);
        assert!(told(&ended).contains("has stopped all controllers (lunch)"), "{ended}");
        assert_eq!(agent.call("opendesk_status", &json!({}))["isError"], false, "it may ask where it is");
        succeeded(&opendesk(&home, &["resume"]));
        let after = agent.shot(peer);
        for _ in 0..5 {
            assert!(agent.shot(peer) == after, "nothing is typed any more on {peer}");
        }
        assert_eq!(agent.call("keyboard", &json!({"action": "press", "key": "a", "peer": peer}))["isError"], false);
    }
    succeeded(&opendesk(&home, &["takeover"]));
    let called = opendesk(&home, &["call", "screenshot", "--peer", "local", "--backend", "virtual"]);
    assert!(failure(&called).1.contains("using it themselves"), "{called:?}");
}

/// How the desktop looks after a key was to be held for some seconds, perhaps a stop in between, and a letter.
fn after_a_held_key(peer: &str, halt: bool) -> String {
    let folder = Folder::new();
    let (_host, home) = paired(&folder);
    let mut agent = Agent::start(&home);
    let hold = json!({"action": "hold", "key": "shift", "hold_duration": 3, "settle_ms": 0, "peer": peer});
    let holding = agent.begin("keyboard", &hold);
    agent.shot(peer);
    if halt {
        succeeded(&opendesk(&home, &["stop"]));
        assert!(told(&agent.answer(holding)).contains("has stopped all controllers"));
        succeeded(&opendesk(&home, &["resume"]));
    }
    assert_eq!(agent.call("keyboard", &json!({"action": "press", "key": "a", "peer": peer}))["isError"], false);
    agent.shot(peer)
}

#[test]
fn w5_a_stop_lets_go_of_a_key_that_an_agent_holds_while_it_waits() {
    for peer in ["local", PEER] {
        let folder = Folder::new();
        let (_host, home) = paired(&folder);
        let mut agent = Agent::start(&home);
        agent.call("keyboard", &json!({"action": "press", "key": "a", "peer": peer}));
        let small = agent.shot(peer);
        assert!(after_a_held_key(peer, false) != small, "the control: the key is held, and the letter a capital");
        assert!(after_a_held_key(peer, true) == small, "{peer}: the key came up with the stop");
    }
}

/// A place on the title bar of the window on top.
fn title() -> [f64; 2] {
    let top = VirtualDesktop::default().windows().expect("there are windows").remove(0);
    let bounds = top.bounds.expect("it is shown");
    [bounds.x + 60.0, bounds.y + 8.0]
}

/// How the desktop looks after the button went down on the title of a window, something else, and a move.
fn after_a_button(peer: &str, between: impl FnOnce(&mut Agent, &Path)) -> String {
    let folder = Folder::new();
    let (_host, home) = paired(&folder);
    let mut agent = Agent::start(&home);
    let [x, y] = title();
    let down = json!({"action": "left_down", "x": x, "y": y, "peer": peer});
    assert_eq!(agent.call("mouse", &down)["isError"], false);
    between(&mut agent, &home);
    let away = json!({"action": "move", "x": x + 40.0, "y": y + 40.0, "peer": peer});
    let moved = agent.call("mouse", &away);
    if moved["isError"] == true {
        // What was begun in a session that is over is not gone on with in the next one, once.
        assert!(told(&moved).contains("the host let go of it"), "{moved}");
        assert_eq!(agent.call("mouse", &away)["isError"], false);
    }
    agent.shot(peer)
}

#[test]
fn w5_a_stop_lets_go_of_a_button_that_an_agent_left_down() {
    for peer in ["local", PEER] {
        let dragged = after_a_button(peer, |_, _| {});
        let released = after_a_button(peer, |agent, _| {
            let [x, y] = title();
            let up = json!({"action": "left_up", "x": x, "y": y, "peer": peer});
            assert_eq!(agent.call("mouse", &up)["isError"], false);
        });
        assert!(dragged != released, "the control: a window is dragged");
        let stopped = after_a_button(peer, |_, home| {
            succeeded(&opendesk(home, &["stop"]));
            succeeded(&opendesk(home, &["resume"]));
        });
        assert!(stopped == released, "{peer}: the button came up with the stop");
    }
}

/// W8.
#[test]
fn w8_a_rule_on_a_machine_keeps_agents_from_it_and_from_no_other() {
    let folder = Folder::new();
    let home = folder.home("agent");
    let (lab, desk) = (Host::start(&folder.home("lab"), &[]), Host::start(&folder.home("desk"), &[]));
    lab.pair(&home, &[]);
    succeeded(&opendesk(&home, &["peers", "rename", PEER, "lab"]));
    desk.pair(&home, &[]);
    let add = ["policy", "add-rule", "--tool", "*", "--decision", "block", "--reason", "not there", "--peer", "DESK"];
    succeeded(&opendesk(&home, &add));
    let sessions = |host: &Host| log_of(&host.home).iter().filter(|entry| entry["type"] == "session.opened").count();
    let before = sessions(&desk);
    let picture = folder.home("picture");
    let picture = picture.to_str().unwrap();
    for tool in [
        &["call", "screenshot", "--peer", PEER][..],
        &["call", "keyboard", r#"{"action": "type", "text": "x", "peer": "desk"}"#],
        &["call", "mouse", r#"{"action": "drag", "x": 1, "y": 1, "end_x": 2, "end_y": 2}"#, "--peer", PEER],
        &["call", "mouse", r#"{"action": "cursor_position"}"#, "--peer", PEER],
        &["connect", PEER],
        &["connect", PEER, "--screenshot", picture],
    ] {
        let tried = opendesk(&home, tool);
        let (code, line) = failure(&tried);
        assert!(code == 5 && line.contains("not there"), "{tried:?}");
    }
    succeeded(&opendesk(&home, &["call", "screenshot", "--peer", "lab"]));
    succeeded(&opendesk(&home, &["connect", "lab", "--screenshot", picture]));
    fs::remove_file(picture).unwrap();
    succeeded(&opendesk(&home, &["stop"]));
    let stopped = opendesk(&home, &["connect", "lab", "--screenshot", picture]);
    assert!(failure(&stopped).0 == 5 && !Path::new(picture).exists(), "{stopped:?}");
    succeeded(&opendesk(&home, &["resume"]));
    succeeded(&opendesk(&home, &["call", "screenshot", "--peer", "local", "--backend", "virtual"]));
    succeeded(&opendesk(&home, &["peers", "default", PEER]));
    let tried = opendesk(&home, &["call", "screenshot"]);
    assert!(failure(&tried).1.contains("not there"), "{tried:?}");

    let mut agent = Agent::start(&home);
    agent.call("opendesk_use", &json!({"peer": PEER}));
    assert!(told(&agent.call("screenshot", &json!({}))).contains("not there"));
    agent.call("opendesk_use", &json!({"peer": "lab"}));
    assert_eq!(agent.call("screenshot", &json!({}))["isError"], false);
    assert_eq!(sessions(&desk), before, "it was not even reached for");
}

/// W16b.
#[test]
fn w16b_files_that_cannot_be_understood_keep_agents_from_everything() {
    let folder = Folder::new();
    let home = folder.home("agent");
    let mut agent = Agent::start(&home);
    agent.shot("local");
    for name in ["policy.json", "control.json"] {
        for damaged in ["", "{", "null", r#"{"mode": 1, "preset": 1}"#] {
            fs::write(home.join(name), damaged).unwrap();
            let refused = agent.call("screenshot", &json!({"peer": "local"}));
            assert!(told(&refused).contains("every call is refused"), "{name} {damaged:?}: {refused}");
            let called = opendesk(&home, &["call", "screenshot", "--peer", "local", "--backend", "virtual"]);
            let line = called.stderr.lines().last().unwrap_or_default();
            assert!(line.contains("every call is refused") && called.status.code() == Some(5), "{called:?}");
        }
        fs::remove_file(home.join(name)).unwrap();
        agent.shot("local");
    }
}

#[test]
fn what_the_owner_would_be_asked_about_is_refused_where_nobody_can_ask() {
    let folder = Folder::new();
    let home = folder.home("agent");
    let mut agent = Agent::start(&home);
    let rules =
        r#"{"rules": [{"tool": "keyboard", "decision": "confirm"}], "approval": {"chain": ["console", "none"]}}"#;
    fs::write(home.join("policy.json"), rules).unwrap();
    let refused = agent.call("keyboard", &json!({"action": "type", "text": "x", "peer": "local"}));
    assert!(told(&refused).contains("was not there to allow it"), "{refused}");
    assert_eq!(agent.call("mouse", &json!({"action": "move", "x": 1, "y": 1, "peer": "local"}))["isError"], false);
}

#[test]
fn w7_a_tool_that_only_looks_writes_no_file_where_an_agent_says() {
    let folder = Folder::new();
    let mut agent = Agent::start(&folder.home("agent"));
    let path = folder.home("picture.png");
    for argument in ["save_path", "out", "file"] {
        let asked = json!({argument: path.display().to_string(), "peer": "local"});
        assert_eq!(agent.call("screenshot", &asked)["isError"], true, "{argument} is no argument of it");
    }
    assert_eq!(agent.call("screenshot", &json!({"peer": "local"}))["isError"], false);
    assert!(!path.exists());
}

#[test]
fn a_command_that_acts_for_long_ends_with_the_stop() {
    let folder = Folder::new();
    let home = folder.home("agent");
    let slowly = json!({"action": "type", "text": "x".repeat(1000), "interval_ms": 20}).to_string();
    let typing =
        Running::start(command(&home, &["call", "keyboard", &slowly, "--peer", "local", "--backend", "virtual"]));
    succeeded(&opendesk(&home, &["stop"]));
    let ended = typing.finish(LIMIT);
    let (code, line) = failure(&ended);
    assert!(code == 5 && line.contains("has stopped all controllers"), "{ended:?}");
}
