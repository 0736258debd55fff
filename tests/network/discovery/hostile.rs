//! Whoever is on the network can say anything, and changes nothing by it.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use opendesk_tests::bin::Running;
use opendesk_tests::desktop::{PATIENCE, PYTHON};
use serde_json::Value;

use super::hosts::pair;
use super::net::{Homes, Machine, addresses, fingerprint, key};

/// `hostile.py` on a machine: it has said everything once, and goes on until it is dropped.
fn lies(on: &Machine, interface: &str, victim: &str, key: &str) -> Running {
    says(on, &["--interface", interface, "--victim", victim, "--victim-key", key, "--paired-key", key])
}

/// The same with nothing but lies that the machine with this key is at these places.
pub(super) fn claims(on: &Machine, interface: &str, key: &str, places: &[&str]) -> Running {
    let whom = ["--interface", interface, "--victim", "nobody", "--victim-key", key, "--paired-key", key];
    let places = places.iter().flat_map(|place| ["--claim", place]);
    says(on, &whom.into_iter().chain(places).collect::<Vec<_>>())
}

fn says(on: &Machine, args: &[&str]) -> Running {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("network/discovery/hostile.py");
    let mut python = Command::new(PYTHON);
    python.arg(script).args(args);
    let mut command = on.on(&python);
    command.stdin(Stdio::piped());
    let mut liar = Running::start(command);
    assert_eq!(liar.first_line(), "said");
    liar
}

fn trusted(home: &Path) -> Vec<u8> {
    fs::read(home.join("trusted-peers.json")).expect("somebody is trusted")
}

#[test]
fn lies_and_a_flood_of_them_change_nothing_and_end_nobody() {
    let (there, here) = Machine::two();
    let homes = Homes::new();
    let (host, own) = (homes.of("host"), homes.of("own"));
    let (serving, port) = there.serve(&host, &["--host", "0.0.0.0"]);
    pair(&there, &host, &here, &own, port);
    let true_key = key(&there, &host);
    let found = here.found(&own, "2");
    let [found] = found.as_slice() else { panic!("{found:?}") };
    let name = found["name"].as_str().expect("a name").to_owned();
    let before = [trusted(&own), trusted(&host)];
    let watch = here.watch(&own);

    let liar = lies(&there, "192.0.2.1", &name, &true_key);
    let heard = here.found(&own, "4");
    let shown = here.run(&own, &["discover", "--timeout", "2"]);
    assert!(shown.status.success(), "{shown:?}");
    drop(liar);

    // The host is there, under its name and key, and nothing of another key is it.
    let paired: Vec<&Value> = heard.iter().filter(|found| !found["paired_as"].is_null()).collect();
    assert!(paired.iter().all(|found| found["public_key"] == true_key.as_str() && found["paired_as"] == "desk"));
    assert!(paired.iter().any(|found| found["name"] == name.as_str()), "{paired:?}");
    // What is no key is no host, and a host has an address at which it can be.
    let names: Vec<&str> = heard.iter().filter_map(|found| found["name"].as_str()).collect();
    let false_ones = ["no-key", "inward", "nowhere", "everywhere", "portless", "overlong", "elsewhere", "huge"];
    assert!(names.iter().all(|name| !name.starts_with("short-") && !false_ones.contains(name)), "{names:?}");
    for found in &heard {
        let key = found["public_key"].as_str().expect("a key");
        assert_eq!((key.len(), found["fingerprint"].as_str()), (64, Some(fingerprint(key).as_str())));
        assert!((1..=16).contains(&addresses(found).len()));
        let texts = [&found["name"], &found["description"]].map(|text| text.as_str().expect("text"));
        let hidden =
            |text: &str| text.chars().any(|character| character.is_control() || "\u{202e}\u{200b}".contains(character));
        assert!(texts.iter().all(|text| !hidden(text) && text.len() <= 1024), "{found}");
    }
    assert!(!shown.stdout.contains(['\u{1b}', '\u{7}', '\u{202e}', '\u{200b}', '\r']), "{shown:?}");
    assert_eq!([trusted(&own), trusted(&host)], before);

    // Whoever watched all the time goes on, and so does the host.
    watch.signal("INT");
    let watched = watch.finish(PATIENCE);
    assert!(watched.status.success(), "{}", watched.stderr);
    assert!(watched.stdout.contains(&true_key));
    // They were heard: what is said above is not so because nobody listened.
    let told: Vec<Value> = watched.stdout.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    for name in ["liar", "twice", "[2J evil"] {
        let heard = told.iter().find(|told| told["name"] == name).unwrap_or_else(|| panic!("{name}: {told:?}"));
        assert_eq!(heard["fingerprint"], fingerprint(heard["public_key"].as_str().unwrap()), "{heard}");
        assert_ne!(heard["public_key"], true_key.as_str());
    }
    assert_eq!(serving.stderr().lines().filter(|line| line.contains("panicked")).count(), 0, "{}", serving.stderr());
    let status = there.run(&host, &["status", "--json"]);
    assert!(status.status.success(), "{status:?}");
    serving.signal("TERM");
    assert!(serving.finish(PATIENCE).status.success());
}

#[test]
fn after_a_flood_is_over_those_are_found_who_are_there() {
    let (there, here) = Machine::two();
    let homes = Homes::new();
    let (host, own) = (homes.of("host"), homes.of("own"));
    let true_key = key(&there, &host);
    let (serving, port) = there.serve(&host, &["--host", "0.0.0.0"]);
    let before = here.found(&own, "2");
    let [_] = before.as_slice() else { panic!("{before:?}") };
    drop(lies(&there, "192.0.2.1", before[0]["name"].as_str().expect("a name"), &true_key));
    let after = here.found(&own, "3");
    let [found] = after.as_slice() else { panic!("{after:?}") };
    assert_eq!(found["public_key"], true_key.as_str());
    assert_eq!(addresses(found), [format!("192.0.2.1:{port}")]);
    drop(serving);
}
