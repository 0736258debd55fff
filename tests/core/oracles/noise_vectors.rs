//! Published vectors of the two patterns, message by message.

use opendesk_core::crypto::noise::Pattern;
use serde_json::Value;

use super::noise::{Inputs, Side, name};
use crate::vectors::{array, bytes, optional, unhex};

const VECTORS: &str = include_str!("../../vectors/noise.json");

fn replay(vector: &Value) {
    let source = vector["source"].as_str().expect("every vector says where it is from");
    let protocol = vector["protocol_name"].as_str().expect("every vector names its protocol");
    let pattern = [Pattern::Ik, Pattern::XxPsk0].into_iter().find(|pattern| name(*pattern) == protocol);
    let pattern = pattern.unwrap_or_else(|| panic!("{protocol} is none of ours"));
    assert_eq!(vector["init_prologue"], vector["resp_prologue"]);
    let inputs = Inputs {
        prologue: bytes(vector, "init_prologue"),
        psk: optional(vector, "init_psk").unwrap_or_default(),
        statics: [array(vector, "init_static"), array(vector, "resp_static")],
        ephemerals: [array(vector, "init_ephemeral"), array(vector, "resp_ephemeral")],
    };
    if let Some(remote) = optional::<32>(vector, "init_remote_static") {
        assert_eq!(inputs.public(1).0, remote);
    }
    let messages = vector["messages"].as_array().expect("every vector has messages");
    let count = if pattern == Pattern::Ik { 2 } else { 3 };
    let (handshake, transport) = messages.split_at(count);
    let expect = |message: &Value, written: &[u8], number: usize| {
        if let Some(expected) = message.get("ciphertext").and_then(Value::as_str) {
            assert_eq!(written, unhex(expected), "{source}: {protocol}: message {number}");
        }
    };

    let mut sides = [Side::ours(pattern, 0, &inputs), Side::ours(pattern, 1, &inputs)];
    for (number, message) in handshake.iter().enumerate() {
        let payload = bytes(message, "payload");
        let written = sides[number % 2].write(&payload);
        expect(message, &written, number);
        assert_eq!(sides[(number + 1) % 2].read(&written), payload);
    }
    let [initiator, responder] = sides;
    let (hash, _, initiator) = initiator.finish(0);
    let (_, _, responder) = responder.finish(1);
    if vector.get("handshake_hash").is_some() {
        assert_eq!(hash, bytes(vector, "handshake_hash"), "{source}");
    }
    let mut ends = [initiator, responder];
    for (number, message) in (count..).zip(transport) {
        // Turns go on as in the handshake, unless the vector says otherwise.
        let from = match message.get("from").and_then(Value::as_str) {
            Some("initiator") => 0,
            Some("responder") => 1,
            Some(other) => panic!("{source}: nobody is called {other}"),
            None => number % 2,
        };
        let payload = bytes(message, "payload");
        let written = ends[from].seal(&payload);
        expect(message, &written, number);
        assert_eq!(ends[1 - from].open(&written), payload);
    }
}

#[test]
fn every_published_message_comes_out_byte_for_byte() {
    let vectors: Value = serde_json::from_str(VECTORS).unwrap();
    let vectors = vectors["vectors"].as_array().unwrap();
    for pattern in [Pattern::Ik, Pattern::XxPsk0] {
        let of_it = vectors.iter().filter(|vector| vector["protocol_name"] == name(pattern)).count();
        assert!(of_it >= 2, "there are vectors of {pattern:?}");
    }
    vectors.iter().for_each(replay);
}
