//! What the lists are after each change, and after what goes wrong with one.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use opendesk_core::{Keys, PublicKeys, SigningKey, StaticKey, Succession};

use super::*;
use crate::home::{Role, Terms};

pub(super) fn home() -> (Home, tempfile::TempDir) {
    let root = tempfile::tempdir().expect("a temporary directory");
    (Home::open(Some(root.path().join("home"))).expect("a home"), root)
}

pub(super) fn new(byte: u8, name: &str) -> NewPeer {
    let (public_key, name, paired_at) = ([byte; 32], name.into(), 1_760_000_000.5);
    NewPeer { public_key, name, paired_at, signing_key: None, wire: 1, terms: None }
}

fn text(home: &Home, name: &str) -> String {
    fs::read_to_string(home.path().join(name)).expect("a file")
}

fn names(peers: &Peers) -> Vec<&str> {
    peers.list().iter().map(|peer| peer.name.as_str()).collect()
}

#[test]
fn the_file_is_that_of_a_version_1_peer() {
    let (home, _root) = home();
    let mut peers = Peers::load(&home).unwrap();
    peers.add(&new(1, "büro")).unwrap();
    peers.set_endpoint(&[1; 32], "10.0.0.2", 8423).unwrap();
    let expected = format!(
        "[\n  {{\n    \"description\": \"\",\n    \"description_override\": \"\",\n    \
         \"last_host\": \"10.0.0.2\",\n    \"last_port\": 8423,\n    \"name\": \"b\\u00fcro\",\n    \
         \"paired_at\": 1760000000.5,\n    \
         \"public_key\": \"{}\"\n  }}\n]",
        "01".repeat(32)
    );
    assert_eq!(text(&home, "trusted-peers.json"), expected);
    assert!(!home.path().join("peers.json").exists());
    peers.set_default(Some(&[1; 32])).unwrap();
    assert_eq!(text(&home, "default-peer"), "büro\n");
    peers.remove(&[1; 32]).unwrap();
    assert_eq!(text(&home, "trusted-peers.json"), "[]");
}

#[test]
fn w14_all_files_are_private() {
    let (home, _root) = home();
    let mut peers = Peers::load(&home).unwrap();
    peers.add(&NewPeer { wire: 2, ..new(1, "a") }).unwrap();
    peers.set_default(Some(&[1; 32])).unwrap();
    for name in ["trusted-peers.json", "peers.json", "default-peer", "lock"] {
        assert_eq!(fs::metadata(home.path().join(name)).unwrap().permissions().mode() & 0o777, 0o600, "{name}");
    }
}

#[test]
fn what_was_learned_outlives_a_reload() {
    let (home, _root) = home();
    let mut peers = Peers::load(&home).unwrap();
    let added = peers.add(&NewPeer { signing_key: Some([9; 32]), wire: 2, ..new(1, "a") }).unwrap();
    assert_eq!((added.wire, added.signing_key), (Some(2), Some([9; 32])));
    assert!(peers.set_endpoint(&[1; 32], "host\u{1b}", 1).unwrap());
    assert!(peers.set_description(&[1; 32], &"x".repeat(5000)).unwrap());
    assert_eq!(peers.list()[0].shown_description().len(), 1024);
    assert!(peers.set_description_override(&[1; 32], "mine").unwrap());
    let again = Peers::load(&home).unwrap();
    assert_eq!(again.list(), peers.list());
    let peer = again.by_name("a").unwrap();
    assert_eq!((peer.last_host.as_str(), peer.last_port), ("host", 1));
    assert_eq!(peer.shown_description(), "mine");
    assert_eq!((peer.wire, peer.signing_key, peer.paired_at), (Some(2), Some([9; 32]), 1_760_000_000.5));
}

#[test]
fn unknown_fields_and_entries_stay() {
    let (home, _root) = home();
    let key = "01".repeat(32);
    home.write(
        "trusted-peers.json",
        format!("[5, {{\"public_key\": \"{key}\", \"name\": \"a\", \"x\": {{\"y\": [1.5]}}}}]").as_bytes(),
    )
    .unwrap();
    home.write("peers.json", format!("{{\"{key}\": {{\"wire\": 2, \"later\": true}}}}").as_bytes()).unwrap();
    let mut peers = Peers::load(&home).unwrap();
    peers.rename(&[1; 32], &"b".parse().unwrap()).unwrap();
    peers.pin(&[1; 32], 3, None).unwrap();
    let trusted: Value = serde_json::from_str(&text(&home, "trusted-peers.json")).unwrap();
    assert_eq!(trusted[0], 5);
    assert_eq!(trusted[1]["x"]["y"][0], 1.5);
    assert_eq!(trusted[1]["name"], "b");
    let ours: Value = serde_json::from_str(&text(&home, "peers.json")).unwrap();
    assert_eq!((&ours[&key]["wire"], &ours[&key]["later"]), (&Value::from(3), &Value::from(true)));
}

#[test]
fn the_version_never_goes_down_and_survives_a_version_1_writer() {
    let (home, _root) = home();
    let mut peers = Peers::load(&home).unwrap();
    peers.add(&NewPeer { signing_key: Some([9; 32]), wire: 2, ..new(1, "a") }).unwrap();
    // A version 1 peer writes the file anew with the fields that it knows.
    home.write("trusted-peers.json", text(&home, "trusted-peers.json").as_bytes()).unwrap();
    peers.add(&new(1, "other")).unwrap();
    assert!(peers.pin(&[1; 32], 1, None).unwrap());
    assert_eq!(peers.list()[0].wire, Some(2));
    assert_eq!(peers.list()[0].signing_key, Some([9; 32]));
    let error = peers.pin(&[1; 32], 2, Some([8; 32])).unwrap_err();
    assert_eq!(error.kind(), HomeErrorKind::Invalid);
    assert!(!peers.pin(&[2; 32], 2, None).unwrap());
    assert_eq!(Peers::load(&home).unwrap().list()[0].signing_key, Some([9; 32]));
}

/// It is that machine that is given, not the one that was paired last.
#[test]
fn w36_pairing_again_keeps_the_name_and_the_description() {
    let (home, _root) = home();
    let mut peers = Peers::load(&home).unwrap();
    peers.add(&new(1, "a")).unwrap();
    peers.add(&new(2, "last")).unwrap();
    peers.set_description_override(&[1; 32], "mine").unwrap();
    let again = peers.add(&NewPeer { paired_at: 1_770_000_000.0, wire: 2, ..new(1, "b") }).unwrap();
    assert_eq!((again.public_key, again.name.as_str()), ([1; 32], "a"));
    assert_eq!(again.description_override, "mine");
    assert_eq!((again.paired_at, again.wire), (1_770_000_000.0, Some(2)));
    assert_eq!(names(&peers), ["a", "last"]);
}

#[test]
fn w15_new_names_are_made_unique_and_usable() {
    let (home, _root) = home();
    let mut peers = Peers::load(&home).unwrap();
    for (byte, name) in [(1, "pc"), (2, "pc"), (3, "PC"), (4, "all"), (5, ""), (6, &"01".repeat(32))] {
        peers.add(&new(byte, name)).unwrap();
    }
    assert_eq!(names(&peers), ["pc", "pc-2", "PC-3", "peer-040404", "peer-050505", "peer-060606"]);
}

#[test]
fn w15_what_another_program_has_let_grow_is_shown_within_bounds() {
    let (home, _root) = home();
    let entry = serde_json::json!({
        "public_key": "01".repeat(32),
        "name": format!("\u{1b}[2J{}", "n".repeat(5000)),
        "description": format!("\u{1b}[2J{}", "d".repeat(1 << 20)),
        "description_override": "one\ntwo\u{202e}",
        "last_host": "host\u{7}\n",
    });
    home.write("trusted-peers.json", Value::Array(vec![entry]).to_string().as_bytes()).unwrap();
    let peers = Peers::load(&home).unwrap();
    let peer = &peers.list()[0];
    assert_eq!((peer.name.as_str().chars().count(), peer.description.len()), (64, 1024));
    assert!(peer.description.starts_with("[2Jd"), "{}", peer.description);
    assert_eq!((peer.description_override.as_str(), peer.last_host.as_str()), ("one two", "host"));
}

#[test]
fn w35_a_renamed_machine_keeps_everything() {
    let (home, _root) = home();
    let mut peers = Peers::load(&home).unwrap();
    let terms = Some(Terms { role: Role::Observe, expires_at: Some(2e9) });
    peers.add(&NewPeer { terms, ..known_by(1, "a") }).unwrap();
    peers.add(&new(2, "b")).unwrap();
    let key = keys(1).public().static_key.0;
    peers.set_description(&key, "its words").unwrap();
    peers.set_description_override(&key, "my words").unwrap();
    peers.set_endpoint(&key, "10.0.0.2", 8423).unwrap();
    peers.set_default(Some(&key)).unwrap();
    let before = peers.by_key(&key).unwrap().clone();
    peers.rename(&key, &"A".parse().unwrap()).unwrap();
    peers.rename(&key, &"A".parse().unwrap()).unwrap();
    let again = Peers::load(&home).unwrap();
    assert_eq!(again.by_key(&key), Some(&TrustedPeer { name: "A".parse().unwrap(), ..before }));
    assert_eq!(again.default_peer().map(|peer| peer.public_key), Some(key));
    assert_eq!(names(&again), ["A", "b"]);
}

#[test]
fn a_name_that_is_taken_in_whatever_case_is_refused() {
    let (home, _root) = home();
    let mut peers = Peers::load(&home).unwrap();
    peers.add(&new(1, "a")).unwrap();
    peers.add(&new(2, "Büro")).unwrap();
    for taken in ["Büro", "BÜRO"] {
        let error = peers.rename(&[1; 32], &taken.parse().unwrap()).unwrap_err();
        assert_eq!(error.kind(), HomeErrorKind::Taken);
        assert!(error.to_string().contains("is called \"Büro\""), "{error}");
    }
    assert_eq!(peers.rename(&[3; 32], &"c".parse().unwrap()).unwrap_err().kind(), HomeErrorKind::Invalid);
    assert_eq!(names(&Peers::load(&home).unwrap()), ["a", "Büro"]);
}

#[test]
fn a_default_that_nobody_is_called_any_more_never_becomes_somebody_else() {
    let (home, _root) = home();
    let mut peers = Peers::load(&home).unwrap();
    peers.add(&new(1, "desk")).unwrap();
    home.write("default-peer", b"gone\n").unwrap();
    peers.add(&new(2, "gone")).unwrap();
    assert_eq!((peers.default_peer(), home.path().join("default-peer").exists()), (None, false));
}

#[test]
fn a_default_that_is_not_trusted_is_none() {
    let (home, _root) = home();
    let mut peers = Peers::load(&home).unwrap();
    peers.add(&NewPeer { wire: 2, ..new(1, "a") }).unwrap();
    assert_eq!(peers.set_default(Some(&[2; 32])).unwrap_err().kind(), HomeErrorKind::Invalid);
    assert_eq!(peers.set_description_override(&[1; 32], &"x".repeat(1025)).unwrap_err().kind(), HomeErrorKind::Invalid);
    home.write("default-peer", b"gone\n").unwrap();
    peers.reload().unwrap();
    assert_eq!(peers.default_peer(), None);
    peers.set_default(Some(&[1; 32])).unwrap();
    assert_eq!(peers.remove(&[1; 32]).unwrap().map(|peer| peer.public_key), Some([1; 32]));
    assert!(!home.path().join("default-peer").exists());
    assert_eq!(text(&home, "peers.json"), "{}");
    assert_eq!(peers.remove(&[1; 32]).unwrap(), None);
    peers.set_default(None).unwrap();
}

pub(super) fn keys(byte: u8) -> Keys {
    Keys { static_key: StaticKey::new([byte; 32]), signing_key: SigningKey::new([byte ^ 0x80; 32]) }
}

pub(super) fn known_by(byte: u8, name: &str) -> NewPeer {
    let PublicKeys { static_key, signing_key } = keys(byte).public();
    NewPeer { public_key: static_key.0, signing_key: Some(signing_key), wire: 2, ..new(1, name) }
}

#[test]
fn a_machine_with_new_keys_is_the_machine_that_it_was() {
    let (home, _root) = home();
    let mut peers = Peers::load(&home).unwrap();
    let terms = Terms { role: Role::Observe, expires_at: Some(2e9) };
    peers.add(&NewPeer { terms: Some(terms), ..known_by(1, "a") }).unwrap();
    peers.add(&known_by(2, "b")).unwrap();
    let former = keys(1).public().static_key.0;
    peers.set_description_override(&former, "mine").unwrap();
    peers.set_default(Some(&former)).unwrap();
    let chain = [Succession::sign(&keys(1), &keys(3))];
    assert_eq!(peers.predecessor(&chain, keys(3).public()).map(|peer| peer.name.as_str()), Some("a"));
    assert_eq!(peers.predecessor(&chain, keys(2).public()), None);
    let successor = peers.succeed(&former, keys(3).public()).unwrap();
    assert_eq!(successor.public_key, keys(3).public().static_key.0);
    assert_eq!(successor.signing_key, Some(keys(3).public().signing_key));
    assert_eq!((successor.name.as_str(), successor.description_override.as_str()), ("a", "mine"));
    assert_eq!((successor.wire, peers.default_peer()), (Some(2), Some(&successor)));
    assert_eq!(successor.terms(), terms);
    assert_eq!(names(&peers), ["a", "b"]);
    // A second one who saw the chain at the same time changes nothing.
    assert_eq!(peers.succeed(&former, keys(3).public()).unwrap(), successor);
    let ours: Value = serde_json::from_str(&text(&home, "peers.json")).unwrap();
    assert_eq!(ours.as_object().unwrap().len(), 2, "the former key is forgotten: {ours}");
}

#[test]
fn two_machines_never_become_one() {
    let (home, _root) = home();
    let mut peers = Peers::load(&home).unwrap();
    peers.add(&known_by(1, "a")).unwrap();
    peers.add(&known_by(2, "b")).unwrap();
    let before = peers.list().to_vec();
    let former = keys(1).public().static_key.0;
    assert_eq!(peers.succeed(&former, keys(2).public()).unwrap_err().kind(), HomeErrorKind::Invalid);
    assert_eq!(peers.succeed(&[9; 32], keys(3).public()).unwrap_err().kind(), HomeErrorKind::Invalid);
    assert_eq!(Peers::load(&home).unwrap().list(), before);
}

#[test]
fn a_machine_whose_signing_key_is_not_known_cannot_be_followed() {
    let (home, _root) = home();
    let mut peers = Peers::load(&home).unwrap();
    peers.add(&NewPeer { signing_key: None, ..known_by(1, "a") }).unwrap();
    assert_eq!(peers.predecessor(&[Succession::sign(&keys(1), &keys(3))], keys(3).public()), None);
}

#[test]
fn w14_a_damaged_file_is_never_overwritten() {
    let (home, _root) = home();
    let mut peers = Peers::load(&home).unwrap();
    peers.add(&new(1, "a")).unwrap();
    for damaged in ["", "[", "null", "{}"] {
        home.write("trusted-peers.json", damaged.as_bytes()).unwrap();
        assert_eq!(Peers::load(&home).unwrap_err().kind(), HomeErrorKind::Corrupt);
        assert_eq!(peers.add(&new(2, "b")).unwrap_err().kind(), HomeErrorKind::Corrupt);
        assert_eq!(peers.remove(&[1; 32]).unwrap_err().kind(), HomeErrorKind::Corrupt);
        assert_eq!(peers.set_endpoint(&[1; 32], "h", 1).unwrap_err().kind(), HomeErrorKind::Corrupt);
        assert_eq!(text(&home, "trusted-peers.json"), damaged);
        assert_eq!(names(&peers), ["a"]);
    }
}

/// Between processes tests/cli/peers.rs.
#[test]
fn w14_writers_at_the_same_time_lose_nothing() {
    let (home, _root) = home();
    std::thread::scope(|scope| {
        for writer in 0..4_u8 {
            let home = &home;
            scope.spawn(move || {
                let mut peers = Peers::load(home).unwrap();
                for round in 0..4 {
                    peers.add(&new(writer * 4 + round, "pc")).unwrap();
                }
            });
        }
    });
    let peers = Peers::load(&home).unwrap();
    let mut keys: Vec<u8> = peers.list().iter().map(|peer| peer.public_key[0]).collect();
    keys.sort_unstable();
    assert_eq!(keys, (0..16).collect::<Vec<u8>>());
    let mut found = names(&peers);
    found.sort_unstable();
    found.dedup();
    assert_eq!(found.len(), 16);
}
