//! The official conformance suite, in every era. It cannot show a token, so it comes through a door that adds one.

use core::time::Duration;
use std::fs;
use std::path::Path;

use opendesk_tests::bin::Running;

use crate::clients::{Http, node, package, test_file};

/// For one run of the suite.
const LIMIT: Duration = Duration::from_secs(240);

/// The scenarios that this server does not pass, and why: those that ask for tools, prompts and resources that only a server
/// made for the suite has.
const BASELINE: &str = "conformance.yaml";

#[test]
fn the_suite_finds_nothing_that_is_not_known() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let server = Http::start(&folder.path().join("home"));
    let (_, port) = server.url.trim_end_matches("/mcp").rsplit_once(':').expect("a port");
    let mut door = node(&test_file("proxy.mjs"));
    door.args([port, &server.token]);
    let mut door = Running::start(door);
    let url = format!("http://127.0.0.1:{}/mcp", door.first_line());
    for revision in ["2025-06-18", "2025-11-25", "2026-07-28"] {
        run(&url, revision, folder.path(), &server);
    }
}

fn run(url: &str, revision: &str, folder: &Path, server: &Http) {
    let mut suite = package("@modelcontextprotocol/conformance/dist/index.js");
    suite
        .args(["server", "--url", url, "--spec-version", revision, "--suite", "all", "--timeout", "20000"])
        .arg("--expected-failures")
        .arg(test_file(BASELINE))
        .arg("--output-dir")
        .arg(folder.join(revision));
    let finished = Running::start(suite).finish(LIMIT);
    assert!(
        finished.status.success(),
        "{revision}: {}\n{}\n{}",
        finished.stdout,
        finished.stderr,
        server.running.stderr()
    );
    // One directory for each scenario that was run.
    let scenarios = fs::read_dir(folder.join(revision)).expect("the suite writes what it found").count();
    assert!(scenarios > 10, "{revision}: {scenarios} scenarios were run");
}
