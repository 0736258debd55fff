//! What a session leaves behind when it ends: nothing that runs, and no key that is held.

use core::time::Duration;
use std::fs;
use std::process::Stdio;
use std::thread;
use std::time::Instant;

use opendesk_tests::bin::Running;
use opendesk_tests::desktop::{PATIENCE, POLL};
use serde_json::{Value, json};

use super::server;

/// A server whose client has said `initialize`.
fn started(home: &std::path::Path) -> Running {
    let mut server = server(home);
    server.stdin(Stdio::piped());
    let mut running = Running::start(server);
    let client = json!({"name": "line", "version": "1"});
    let params = json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client});
    running.say(&json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}).to_string());
    running.hear(|line| line.contains("serverInfo").then_some(()));
    running.say(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
    running
}

fn call(running: &mut Running, id: u32, tool: &str, arguments: &Value) {
    let params = json!({"name": tool, "arguments": arguments});
    running.say(&json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params}).to_string());
}

/// Waits for a file that the script writes, and gives what is in it.
fn written(path: &std::path::Path) -> String {
    let start = Instant::now();
    loop {
        match fs::read_to_string(path) {
            Ok(text) if text.ends_with('\n') => return text,
            _ => assert!(start.elapsed() < PATIENCE, "the script does not begin"),
        }
        thread::sleep(POLL);
    }
}

#[test]
fn whatever_ends_a_session_ends_the_programs_that_it_started() {
    for ending in ["the end of its input", "TERM", "INT", "HUP"] {
        let folder = tempfile::tempdir().unwrap();
        let mut running = started(&folder.path().join("home"));
        let begun = folder.path().join("begun");
        let code = format!("sleep 1000 & echo $$ $! > {}; wait", begun.display());
        call(&mut running, 2, "script", &json!({"action": "shell", "code": code, "peer": "local"}));
        let processes = written(&begun);
        match ending {
            "the end of its input" => running.hang_up(),
            signal => running.signal(signal),
        }
        assert!(running.finish(Duration::from_secs(20)).status.code().is_some(), "{ending}");
        for process in processes.split_whitespace() {
            let state = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
            assert!(state.is_empty() || state.contains(") Z "), "after {ending} {process} runs: {state}");
        }
    }
}

#[test]
fn typing_ends_with_the_client_that_asked_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut running = started(&folder.path().join("home"));
    let text = "a".repeat(2000);
    call(&mut running, 2, "keyboard", &json!({"action": "type", "text": text, "interval_ms": 100, "peer": "local"}));
    thread::sleep(POLL);
    running.hang_up();
    // It would take minutes.
    let finished = running.finish(Duration::from_secs(20));
    assert!(finished.status.success(), "{finished:?}");
    assert!(!finished.stdout.contains("Typed"), "{}", finished.stdout);
}
