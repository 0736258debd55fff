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
mod install;
mod large;
mod logs;
mod owner;
mod pairing;
mod peers;
mod policy;
mod recordings;
mod refusals;
mod scheduler;
mod service;
mod shell;
mod short;
mod status;
mod view;
mod writes;

use core::time::Duration;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

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

/// Waits until something is so, and looks often.
fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < LIMIT, "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The most memory that a process has had, in KiB.
fn peak(process: impl core::fmt::Display) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("the kernel says so");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

/// The entries of a home's audit log.
fn log_of(home: &Path) -> Vec<Value> {
    let folder = fs::read_dir(home.join("audit")).expect("a log").map(|entry| entry.expect("an entry").path());
    let mut days: Vec<PathBuf> = folder.filter(|path| path.extension().is_some_and(|end| end == "jsonl")).collect();
    days.sort();
    let lines: Vec<String> = days.iter().map(|day| fs::read_to_string(day).expect("a day")).collect();
    // A host may be writing the last line.
    let whole = lines.iter().filter_map(|day| day.rsplit_once('\n').map(|(whole, _)| whole));
    whole.flat_map(str::lines).map(|line| serde_json::from_str(line).expect("JSON")).collect()
}
