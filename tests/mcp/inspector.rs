//! The command line of the MCP Inspector, on both transports.

use core::time::Duration;
use std::path::Path;
use std::process::Command;

use opendesk_std::tools::TOOLS;
use opendesk_tests::bin::{self, Running};
use serde_json::Value;

use crate::clients::{Http, package};
use crate::json;

const LIMIT: Duration = Duration::from_secs(60);

fn inspector() -> Command {
    let mut inspector = package("@modelcontextprotocol/inspector-cli/build/index.js");
    // It looks for the file with its own version from where it is started.
    let program = inspector.get_args().next().map(Path::new).and_then(Path::parent).expect("a folder").to_owned();
    inspector.current_dir(program);
    inspector
}

fn answer(mut inspector: Command, method: &[&str]) -> Value {
    inspector.arg("--method").args(method);
    let finished = Running::start(inspector).finish(LIMIT);
    assert!(finished.status.success(), "{method:?}: {finished:?}");
    json(&finished.stdout)
}

fn everything(start: impl Fn() -> Command) {
    let tools = answer(start(), &["tools/list"]);
    let names: Vec<&str> =
        tools["tools"].as_array().into_iter().flatten().filter_map(|tool| tool["name"].as_str()).collect();
    assert_eq!(names, TOOLS.map(|tool| tool.name));

    let move_to = ["tools/call", "--tool-name", "mouse", "--tool-arg", "action=cursor_position", "peer=local"];
    let pointer = answer(start(), &move_to);
    let text = pointer["content"][0]["text"].as_str().unwrap_or_default();
    assert!(text.starts_with("The pointer is at"), "{pointer}");

    let shot = answer(start(), &["tools/call", "--tool-name", "screenshot", "--tool-arg", "peer=local"]);
    assert_eq!((&shot["content"][0]["type"], &shot["content"][1]["type"]), (&"text".into(), &"image".into()), "{shot}");

    let refused = answer(start(), &["tools/call", "--tool-name", "mouse", "--tool-arg", "action=fly"]);
    assert_eq!(refused["isError"], true, "{refused}");

    let resources = answer(start(), &["resources/list"]);
    assert!(resources.to_string().contains("opendesk://peers"), "{resources}");
    let peers = answer(start(), &["resources/read", "--uri", "opendesk://peers"]);
    assert!(peers["contents"][0]["text"].is_string(), "{peers}");
}

#[test]
fn over_standard_input() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    everything(|| {
        let server = bin::command(&folder.path().join("home"), &["mcp", "--backend", "virtual"]);
        let mut inspector = inspector();
        inspector.args(["--transport", "stdio"]).arg(server.get_program()).args(server.get_args());
        inspector
    });
}

#[test]
fn over_http() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let server = Http::start(&folder.path().join("home"));
    everything(|| with_token(&server.url, &server.token));
    // Without the token nothing is told.
    let mut stranger = inspector();
    stranger.args([server.url.as_str(), "--transport", "http", "--method", "tools/list"]);
    let finished = Running::start(stranger).finish(LIMIT);
    assert!(!finished.status.success() && !finished.stdout.contains("screenshot"), "{finished:?}");
}

fn with_token(url: &str, token: &str) -> Command {
    let mut inspector = inspector();
    inspector.args([url, "--transport", "http", "--header", &format!("Authorization: Bearer {token}")]);
    inspector
}
