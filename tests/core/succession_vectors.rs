//! A chain of successions with fixed keys, in bytes: `tests/vectors/succession.json`.

use std::fs;

use opendesk_core::{Keys, SigningKey, StaticKey, Succession, follow};
use opendesk_std::api::{decode, encode};
use serde_json::{Value, json};

use crate::session_vectors::{checked, compare, machine};
use crate::vectors::{hex, unhex};

const SECRETS: [([u8; 32], [u8; 32]); 3] =
    [([0x51; 32], [0x52; 32]), ([0x53; 32], [0x54; 32]), ([0x55; 32], [0x56; 32])];

/// The machine to which the last key is shown, and the handshake of the session.
const CONTROLLER: [u8; 32] = [0x57; 32];
const HASH: [u8; 32] = [0x58; 32];

fn keys(index: usize) -> Keys {
    let (static_secret, signing_seed) = SECRETS[index];
    Keys { static_key: StaticKey::new(static_secret), signing_key: SigningKey::new(signing_seed) }
}

fn vector() -> Value {
    let signed =
        |index| hex(&encode(&Succession::sign(&keys(index), &keys(index + 1))).expect("a body can be encoded"));
    json!({
        "what": "a machine that changed its keys twice, the oldest first",
        "machines": SECRETS.map(|(secret, seed)| machine(secret, seed)),
        "successions": [signed(0), signed(1)],
        "possession": {
            "controller_static_secret": hex(&CONTROLLER),
            "hash": hex(&HASH),
            "shown": hex(&keys(2).static_key.possession(StaticKey::new(CONTROLLER).public(), &HASH).expect("a good key")),
        },
    })
}

#[test]
fn a_chain_of_successions_has_these_bytes_and_leads_to_its_end() {
    compare("succession.json", &vector());
    let chain: Vec<Succession> = vector()["successions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|bytes| decode(&unhex(bytes.as_str().unwrap())).unwrap())
        .collect();
    assert_eq!(follow(&chain, keys(0).public()), Some(keys(2).public()));
    let shown = unhex(vector()["possession"]["shown"].as_str().unwrap()).try_into().unwrap();
    StaticKey::new(CONTROLLER).check_possession(keys(2).static_key.public(), &HASH, &shown).unwrap();
}

#[test]
fn the_independent_program_notices_a_changed_succession() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("changed.json");
    for at in [3, 130, 511] {
        let mut changed = vector();
        let digits = changed["successions"][1].as_str().unwrap().to_owned();
        let other = if &digits[at..=at] == "0" { "1" } else { "0" };
        changed["successions"][1] = format!("{}{other}{}", &digits[..at], &digits[at + 1..]).into();
        fs::write(&path, changed.to_string()).unwrap();
        let output = checked(core::slice::from_ref(&path));
        assert_eq!(output.status.code(), Some(1), "digit {at}: {output:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("succession 2"), "{output:?}");
    }
    let mut changed = vector();
    changed["possession"]["hash"] = hex(&[0x59; 32]).into();
    fs::write(&path, changed.to_string()).unwrap();
    let output = checked(core::slice::from_ref(&path));
    assert!(output.status.code() == Some(1), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("possession"), "{output:?}");
}
