//! A whole task on a real desktop, here and on a paired machine: an editor is opened, a letter is written and saved by its menu.

use core::time::Duration;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::Command;

use opendesk_tests::bin::{self, Running, Served};
use opendesk_tests::desktop::TestDesktop;
use serde_json::Value;

use crate::clients::{by_command, python};
use crate::json;

/// The script's own limit is shorter and says what it waited for.
const SESSION: Duration = Duration::from_secs(280);

/// As in task.py.
const LETTER: &str = "Dear machine,\nthis was typed by an agent: äöü €.\n";

#[test]
fn a_letter_is_written_here() {
    let desktop = TestDesktop::start_with_session(1280, 800);
    let folder = tempfile::tempdir().expect("a temporary directory");
    let mut server = bin::command(&folder.path().join("home"), &["mcp", "--backend", "x11"]);
    let environment: Vec<(String, String)> = environment(&desktop);
    server.envs(environment);
    write(&server, "local", &desktop);
}

#[test]
fn a_letter_is_written_on_a_paired_machine() {
    let desktop = TestDesktop::start_with_session(1280, 800);
    let folder = tempfile::tempdir().expect("a temporary directory");
    let [home, controller] = ["host", "controller"].map(|name| folder.path().join(name));
    let environment = environment(&desktop);
    let environment: Vec<(&str, &str)> = environment.iter().map(|(name, value)| (&**name, &**value)).collect();
    let host = Served::start(&home, "x11", &environment);
    host.pair(&controller);
    write(&bin::command(&controller, &["mcp", "--backend", "virtual"]), "desk", &desktop);
}

/// What programs on a desktop are started with.
fn environment(desktop: &TestDesktop) -> Vec<(String, String)> {
    let text = |text: &OsStr| text.to_str().expect("plain text").to_owned();
    let command = desktop.command("true");
    command.get_envs().filter_map(|(name, value)| Some((text(name), text(value?)))).collect()
}

fn write(server: &Command, peer: &str, desktop: &TestDesktop) {
    let file = desktop.home().join("letter.txt");
    let mut agent = python("task.py");
    agent.arg(by_command(server).to_string()).arg(peer).arg(&file);
    let finished = Running::start(agent).finish(SESSION);
    let checks: Vec<Value> = finished.stdout.lines().map(json).collect();
    assert!(
        finished.status.success() && !checks.is_empty() && checks.iter().all(|check| check["ok"] == true),
        "{}\n{}",
        finished.stdout,
        finished.stderr
    );
    assert_eq!(read(&file), LETTER, "{}", finished.stdout);
}

fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}
