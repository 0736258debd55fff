//! The built program on its command line: what it prints, how it exits, and what bad input costs.

mod audit;
mod calls;
mod check;
mod commands;
mod connect;
mod copy;
mod docs;
mod exec;
mod fleet;
mod large;
mod logs;
mod owner;
mod pairing;
mod peers;
mod policy;
mod recordings;
mod refusals;
mod service;
mod shell;
mod short;
mod status;
mod view;

use core::time::Duration;
use std::path::{Path, PathBuf};
use std::process::Command;

use opendesk_tests::bin::{Finished, Running, command};
use opendesk_tests::desktop::PATIENCE;
use serde_json::Value;

/// Longer than any command here takes, the one that waits ten seconds for a silent host included.
const LIMIT: Duration = PATIENCE;

/// A folder for homes.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary directory"))
    }

    fn home(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

/// Runs the program to its end.
fn opendesk(home: &Path, args: &[&str]) -> Finished {
    run(command(home, args))
}

fn run(command: Command) -> Finished {
    Running::start(command).finish(LIMIT)
}

/// The exit code, and the one line of the failure.
fn failure(finished: &Finished) -> (i32, &str) {
    let mut lines = finished.stderr.lines();
    let line = lines.next().unwrap_or_default();
    assert_eq!(lines.next(), None, "one line: {}", finished.stderr);
    (finished.status.code().unwrap_or(-1), line)
}

fn succeeded(finished: &Finished) -> &str {
    assert!(finished.status.success(), "{finished:?}");
    finished.stdout.trim_end()
}

fn json(finished: &Finished) -> Value {
    serde_json::from_str(succeeded(finished)).unwrap_or_else(|error| panic!("{error}: {}", finished.stdout))
}
