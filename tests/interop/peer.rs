//! The Python programs, each with a home of its own.

use core::time::Duration;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use opendesk_tests::bin::{Finished, Running};
use serde_json::Value;

/// For a run through every method.
pub(crate) const RUN: Duration = Duration::from_secs(240);

fn environment() -> PathBuf {
    let venv = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/venv-peer/bin");
    assert!(venv.exists(), "{} is missing; `cargo ci setup` makes it", venv.display());
    venv
}

fn program(program: &str, home: &Path) -> Command {
    let mut command = Command::new(environment().join(program));
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_else(|| "/usr/bin:/bin".into()))
        .env("HOME", home)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("PYTHONUNBUFFERED", "1")
        .stdin(Stdio::null());
    command
}

/// The package's command line. Where it takes `--home`, that stands at the end.
pub(crate) fn cli(home: &Path, args: &[&str]) -> Command {
    let mut command = program("opendesk", home);
    command.args(args).arg("--home").arg(home);
    command
}

fn script(name: &str, home: &Path, args: &[&str]) -> Command {
    let mut command = program("python", home);
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("interop").join(name)).args(args);
    command
}

/// A command of `controller.py`.
pub(crate) fn controller(command: &str, home: &Path, args: &[&str]) -> Command {
    let text = home.to_str().expect("a path of text");
    script("controller.py", home, &[&[command, "--home", text], args].concat())
}

/// Runs cases of `controller.py` against a host, and gives what came of each.
pub(crate) fn cases(home: &Path, target: &str, args: &[&str], cases: &[&str]) -> BTreeMap<String, (bool, String)> {
    let text = home.to_str().expect("a path of text");
    let args = [&["--home", text, "--target", target], args, cases].concat();
    let finished = Running::start(script("controller.py", home, &args)).finish(RUN);
    let told = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"));
        let detail = line["detail"].as_str().unwrap_or_default().to_owned();
        (line["case"].as_str().expect("a name").to_owned(), (line["ok"] == true, detail))
    };
    let cases: BTreeMap<_, _> = finished.stdout.lines().map(told).collect();
    assert!(!cases.is_empty(), "{finished:?}");
    cases
}

/// `agent.py`: an MCP client that uses a paired machine through this MCP server. Gives what it saw.
pub(crate) fn agent(home: &Path, peer: &str, server: &[&str]) -> Value {
    let seen = done(script("agent.py", home, &[&[peer], server].concat()));
    let line = seen.stdout.lines().last().unwrap_or_else(|| panic!("{seen:?}"));
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {seen:?}"))
}

/// The package's MCP server.
pub(crate) fn mcp_server() -> String {
    environment().join("opendesk-mcp").to_str().expect("text").to_owned()
}

/// What an event line of a script says, if it is of this kind.
pub(crate) fn event(kind: &str) -> impl FnMut(&str) -> Option<Value> {
    move |line| serde_json::from_str::<Value>(line).ok().filter(|line| line["event"] == kind)
}

/// The key of a home, which is made if there is none.
pub(crate) fn key(home: &Path) -> String {
    let mut told = Running::start(controller("key", home, &[]));
    told.hear(event("key"))["key"].as_str().expect("a key").to_owned()
}

/// Runs a command that ends by itself.
pub(crate) fn done(command: Command) -> Finished {
    Running::start(command).finish(Duration::from_secs(60))
}

/// `host.py`: the package's own server on a desktop in memory.
pub(crate) struct Host {
    pub(crate) running: Running,
    pub(crate) port: String,
    pub(crate) key: String,
}

impl Host {
    pub(crate) fn start(home: &Path, args: &[&str]) -> Self {
        let text = home.to_str().expect("a path of text");
        let mut command = script("host.py", home, &[&["--home", text], args].concat());
        command.stdin(Stdio::piped());
        let mut running = Running::start(command);
        let listening = running.hear(event("listening"));
        let port = listening["port"].to_string();
        let key = listening["key"].as_str().expect("a key").to_owned();
        Self { running, port, key }
    }

    pub(crate) fn target(&self) -> String {
        format!("ws://127.0.0.1:{}#{}", self.port, self.key)
    }
}
