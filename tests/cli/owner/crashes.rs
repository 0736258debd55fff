//! `kill -9` in the middle of everything that is written: afterwards every file is whole, what was reported is there, and
//! a host starts again.

use core::time::Duration;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use opendesk_tests::bin::command;
use opendesk_tests::desktop::PATIENCE;
use serde_json::Value;

use super::{Host, POLL, assert_whole, text};
use crate::{Folder, json, opendesk, succeeded};

const ROUNDS: usize = 10;

/// Numbers that the same seed gives again (xorshift64).
struct Chance(u64);

impl Chance {
    /// A seed from `$OPENDESK_SEED`, else from the time.
    fn seed() -> u64 {
        let given = std::env::var("OPENDESK_SEED").ok().and_then(|seed| seed.parse().ok());
        let time = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |time| time.as_nanos() as u64);
        given.unwrap_or_else(time) | 1
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// A program that is killed wherever it is.
struct Victim {
    child: Child,
    output: PathBuf,
}

impl Victim {
    fn start(folder: &Path, name: &str, home: &Path, args: &[&str]) -> Self {
        let output = folder.join(name);
        let mut command = command(home, args);
        let stdout = File::create(&output).expect("a new file");
        let child = command.stdout(stdout).stderr(Stdio::null()).spawn().expect("it starts");
        Self { child, output }
    }

    /// Waits until it has said something.
    fn await_word(&self) {
        let begun = Instant::now();
        while !fs::read(&self.output).is_ok_and(|output| output.contains(&b'\n')) {
            assert!(begun.elapsed() < PATIENCE, "it says nothing");
            thread::sleep(POLL);
        }
    }

    /// Whether it had come to a good end before.
    fn kill(mut self) -> bool {
        let _may_be_over = self.child.kill().is_err();
        self.child.wait().is_ok_and(|status| status.success())
    }
}

fn key_of(home: &Path) -> String {
    text(&json(&opendesk(home, &["identity", "--json"]))["public_key"]).to_owned()
}

fn rules_of(home: &Path) -> Vec<String> {
    let shown = json(&opendesk(home, &["policy", "show", "--json"]));
    let rules: Vec<Value> = shown["rules"].as_array().cloned().unwrap_or_default();
    rules.iter().map(|rule| text(&rule["tool"]).to_owned() + ":" + rule["peer"].as_str().unwrap_or_default()).collect()
}

fn assert_usable(home: &Path) {
    assert_whole(home);
    let verified = opendesk(home, &["audit", "verify", "--json"]);
    assert_eq!(json(&verified)["ok"], true, "{verified:?}");
    for args in [&["peers"][..], &["policy", "show"], &["identity"]] {
        succeeded(&opendesk(home, args));
    }
}

#[test]
fn a_host_and_its_owner_s_commands_are_killed_at_any_moment() {
    let seed = Chance::seed();
    println!("OPENDESK_SEED={seed}");
    let mut chance = Chance(seed);
    let folder = Folder::new();
    let home = folder.home("host");
    let driver = folder.home("driver");
    let (mut paired, mut rules) = (Vec::new(), Vec::new());
    let mut host = Host::start(&home, &[]);
    host.pair(&driver, &[]);
    for round in 0..ROUNDS {
        let newcomer = folder.home(&format!("newcomer-{round}"));
        let (key, peer) = (key_of(&newcomer), format!("pc-{round}"));
        let out = tempfile::tempdir().unwrap();
        let start = |name: &str, home: &Path, args: &[&str]| Victim::start(out.path(), name, home, args);
        let shows = start("pair", &home, &["pair", "--code", "482913", "--role", "observe"]);
        shows.await_word();
        let pairs = start("pair-with", &newcomer, &host.pair_with("482913"));
        let typing = r#"{"action": "type", "text": "some words that are typed one by one", "interval_ms": 5}"#;
        let types = start("type", &driver, &["call", "keyboard", typing]);
        let adds = ["policy", "add-rule", "--tool", "fs", "--decision", "block", "--peer", &peer];
        let adds = start("add", &home, &adds);
        let describes = start("describe", &home, &["describe", &peer]);
        let stops = start("stop", &home, &[["stop", "resume", "takeover", "handback"][round % 4]]);
        thread::sleep(Duration::from_micros(chance.below(400_000)));
        // In another order each time.
        let was_added;
        if chance.below(2) == 0 {
            host.kill();
            was_added = adds.kill();
        } else {
            was_added = adds.kill();
            host.kill();
        }
        for victim in [shows, types, describes, stops] {
            victim.kill();
        }
        if pairs.kill() {
            paired.push(key);
        }
        if was_added {
            rules.push(format!("fs:{peer}"));
        }

        assert_usable(&home);
        let now = rules_of(&home);
        assert!(rules.iter().all(|rule| now.contains(rule)), "{rules:?} in {now:?}");
        let peers = json(&opendesk(&home, &["peers", "--json"]));
        let peers = peers.as_array().unwrap();
        for key in &paired {
            let known = peers.iter().find(|peer| text(&peer["public_key"]) == key);
            assert_eq!(known.map(|peer| &peer["role"]), Some(&"observe".into()), "round {round}: {peers:?}");
        }
        // Nobody has got more than was said.
        assert!(peers.iter().filter(|peer| peer["role"] == "full").count() == 1, "round {round}: {peers:?}");

        succeeded(&opendesk(&home, &["resume"]));
        host = Host::start(&home, &[]);
        host.found_by(&driver);
        succeeded(&opendesk(&driver, &["call", "screenshot"]));
    }
    drop(host);
    assert_usable(&home);
}
