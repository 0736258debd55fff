//! The program is killed between any two of the files that a change writes. Each single file is replaced whole.

use std::fs;

use super::tests::{home, keys, known_by};
use super::*;
use crate::govern::rules;
use crate::home::records::crash;
use crate::home::{Role, Terms};

type Change = fn(&mut Peers) -> Result<(), HomeError>;

const LOOKS: Terms = Terms { role: Role::Observe, expires_at: Some(2e9) };
/// One of the machines is bound by a rule.
const RULES: &str = r#"{"preset": "relaxed", "rules": [
    {"tool": "*", "peer": "pc-1", "decision": "allow"}, {"tool": "*", "peer": "PC-2", "decision": "block"}
]}"#;

const OVER: Terms = Terms { role: Role::Observe, expires_at: Some(10.0) };

fn key(byte: u8) -> [u8; 32] {
    keys(byte).public().static_key.0
}

fn pair(peers: &mut Peers, byte: u8, terms: Option<Terms>) -> Result<(), HomeError> {
    peers.add(&NewPeer { terms, ..known_by(byte, "new") }).map(drop)
}

fn reach(peers: &mut Peers, byte: u8, name: Option<&str>) -> Result<(), HomeError> {
    let name = name.map(|name| name.parse().map_err(|_| unknown(&key(byte)))).transpose()?;
    let reached = Reached { host: "10.0.0.2", port: 8423, description: None };
    peers.pair(&known_by(byte, "new"), &[], name.as_ref(), reached).map(drop)
}

fn chain() -> [opendesk_core::Succession; 1] {
    [opendesk_core::Succession::sign(&keys(2), &keys(6))]
}

/// Everything that changes more than one file, and some that change one.
const CHANGES: &[(&str, Change)] = &[
    ("a newcomer only looks", |peers| pair(peers, 5, Some(LOOKS))),
    ("a newcomer does everything", |peers| pair(peers, 5, Some(Terms::default()))),
    ("a newcomer that left something behind", |peers| pair(peers, 4, Some(Terms::default()))),
    ("a newcomer of version 1 that left something behind", |peers| {
        peers.add(&NewPeer { wire: 1, signing_key: None, ..known_by(4, "new") }).map(drop)
    }),
    ("bounds are set", |peers| pair(peers, 1, Some(LOOKS))),
    ("bounds are lifted", |peers| pair(peers, 2, Some(Terms::default()))),
    ("bounds stay", |peers| pair(peers, 2, None)),
    ("an expired one pairs again", |peers| pair(peers, 3, Some(LOOKS))),
    ("the default is renamed", |peers| peers.rename(&key(1), &"x".parse().map_err(|_| unknown(&key(1)))?)),
    ("a bounded one that rules are about is renamed", |peers| {
        peers.rename(&key(2), &"x".parse().map_err(|_| unknown(&key(2)))?)
    }),
    ("a bounded one that rules are about was paired with from here and is renamed", |peers| reach(peers, 2, Some("y"))),
    ("the default is removed", |peers| peers.remove(&key(1)).map(drop)),
    ("a bounded one is removed", |peers| peers.remove(&key(2)).map(drop)),
    ("those that expired are removed", |peers| peers.remove_expired(3e9).map(drop)),
    ("a bounded one changes its keys", |peers| peers.succeed(&key(2), keys(6).public()).map(drop)),
    ("one that changed its keys pairs", |peers| {
        peers.admit(&NewPeer { terms: Some(OVER), ..known_by(6, "new") }, &chain()).map(drop)
    }),
    ("a newcomer was paired with from here", |peers| reach(peers, 5, None)),
    ("a bounded one was paired with from here", |peers| reach(peers, 2, None)),
    ("the default was paired with from here and is renamed", |peers| reach(peers, 1, Some("x"))),
    ("there is no default", |peers| peers.set_default(None)),
    ("the default is another", |peers| peers.set_default(Some(&key(2)))),
    ("one is described", |peers| peers.set_description_override(&key(2), "words").map(drop)),
    ("one is seen on a newer version", |peers| peers.pin(&key(2), 3, None).map(drop)),
];

/// A home in which there is something to lose.
fn full() -> (Home, tempfile::TempDir) {
    let (home, root) = home();
    let mut peers = Peers::load(&home).expect("no files");
    for (byte, terms) in [(1, Terms::default()), (2, LOOKS), (3, OVER), (4, LOOKS)] {
        let named = NewPeer { paired_at: 1.0, terms: Some(terms), ..known_by(byte, &format!("pc-{byte}")) };
        peers.add(&named).expect("a machine");
    }
    peers.set_default(Some(&key(1))).expect("a default");
    home.write("policy.json", RULES.as_bytes()).expect("a file");
    // As a version 1 program removes one.
    let rest: Vec<_> = Records::read(&home).expect("records").trusted.into_iter().take(3).collect();
    home.write("trusted-peers.json", Value::Array(rest).to_string().as_bytes()).expect("a file");
    (home, root)
}

fn copied(from: &Home) -> (Home, tempfile::TempDir) {
    let (copy, root) = home();
    for file in fs::read_dir(from.path()).expect("a home") {
        let file = file.expect("an entry");
        fs::copy(file.path(), copy.path().join(file.file_name())).expect("a copy");
    }
    (copy, root)
}

/// Nobody is trusted who was not and is not to be, nor within wider bounds, nor without what was known.
fn is_safe(now: &Peers, before: &Peers, done: &Peers, what: &str) {
    for peer in now.list() {
        let known: Vec<_> = [before, done].iter().filter_map(|peers| peers.by_key(&peer.public_key)).collect();
        assert!(!known.is_empty(), "{what}: {} is trusted", peer.name);
        assert!(known.iter().any(|known| known.terms() == peer.terms()), "{what}: {peer:?}");
        assert!(known.iter().any(|known| known.signing_key == peer.signing_key), "{what}: {peer:?}");
        assert!(peer.wire >= known[0].wire, "{what}: {peer:?}");
    }
    let rules = rules::load(&now.home).expect("rules").compiled;
    if let Some(bound) = now.by_key(&key(2)) {
        let said = rules.judge(&rules::Subject::named(bound.name.as_str(), "fs.read")).0;
        assert_eq!(said, rules::Decision::Block, "{what}: {bound:?}");
    }
    let default = |peers: &Peers| peers.default_peer().map(|peer| peer.public_key);
    assert!([None, default(before), default(done)].contains(&default(now)), "{what}: {:?}", now.default_peer());
}

#[test]
fn w14_a_crash_at_any_point_never_leaves_more_trust_than_was_said() {
    let (home, _root) = full();
    let before = Peers::load(&home).unwrap();
    assert_eq!(before.list().len(), 3);
    for (what, change) in CHANGES {
        let (whole, _whole_root) = copied(&home);
        let mut done = Peers::load(&whole).unwrap();
        change(&mut done).unwrap();
        for steps in 0.. {
            let (broken, _broken_root) = copied(&home);
            let mut peers = Peers::load(&broken).unwrap();
            let left = crash::after(steps, || drop(change(&mut peers)));
            let what = format!("{what}, after {steps} files");
            let mut now = Peers::load(&broken).unwrap();
            is_safe(&now, &before, &done, &what);
            // Whoever does it again gets what they wanted.
            change(&mut now).unwrap();
            assert_eq!(Peers::load(&broken).unwrap().list(), done.list(), "{what}");
            if left > 0 {
                assert!(steps > 0, "{what}: nothing was written");
                break;
            }
        }
    }
}

/// The control of the test above: what it must not overlook.
#[test]
#[should_panic(expected = "the bounds come last")]
fn bounds_that_come_after_the_trust_are_seen() {
    let (home, _root) = full();
    let before = Peers::load(&home).unwrap();
    let (whole, _whole_root) = copied(&home);
    let mut done = Peers::load(&whole).unwrap();
    pair(&mut done, 5, Some(LOOKS)).unwrap();
    fs::copy(whole.path().join("trusted-peers.json"), home.path().join("trusted-peers.json")).unwrap();
    is_safe(&Peers::load(&home).unwrap(), &before, &done, "the bounds come last");
}
