//! Version 1 through a host that lives: whatever a controller says in its records, the host and the others go on.

use core::time::Duration;
use std::sync::LazyLock;

use opendesk_core::{Psk, Reason};
use opendesk_tests::world::{Handler, Peer, Way, World};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::raw1::{Raw1, packed};

const ANNA: Peer = Peer(1);
const BEN: Peer = Peer(2);
const CODE: &str = "314159";

/// What the code becomes. It takes long to derive, by intent.
static PSK: LazyLock<Psk> = LazyLock::new(|| Psk::derive(CODE.as_bytes()));

/// Frames that are right in most of what they say.
fn frames() -> impl Strategy<Value = Vec<u8>> {
    let kinds = prop::sample::select(vec!["hello", "req", "req", "req", "cancel", "res", "push", "other"]);
    let numbers = prop_oneof![
        8 => (-2_i64..5).prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => prop::sample::select(vec![json!("1"), json!(1.0), json!(1.5), Value::Null]),
    ];
    let methods = prop::sample::select(vec!["system.echo", "display.subscribe", "No Method", ""]);
    let extra = prop::sample::select(vec![
        json!({}),
        json!({"v": 1}),
        json!({"stream": true, "params": {}}),
        json!({"stream": "no", "params": {"a": [1, null, "b"]}}),
        json!({"params": null}),
        json!({"role": "client", "capabilities": {}}),
        json!({"result": {}, "end": false, "seq": 3}),
        json!({"error": {"code": "busy"}}),
        json!({"topic": "session.evicted", "payload": {}}),
        json!({"reason": "because"}),
    ]);
    let extras = prop_oneof![3 => Just(json!({})), 2 => extra];
    (kinds, numbers, methods, extras).prop_map(|(kind, number, method, mut frame)| {
        frame["type"] = json!(kind);
        if matches!(kind, "req" | "cancel" | "res") {
            frame["id"] = number;
        }
        if kind == "req" {
            frame["method"] = json!(method);
        }
        packed(&frame)
    })
}

fn words() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let any = prop::collection::vec(any::<u8>(), 0..60);
    prop::collection::vec(prop_oneof![8 => frames(), 1 => any], 0..20)
}

/// A host with a controller of version 1, a stranger, and a peer of version 2 that pairs.
fn say(words: &[Vec<u8>], handler: Handler) {
    let mut world = World::new(1);
    world.show_code(CODE);
    let stranger = world.raw();
    let ben = world.pair(BEN, CODE);
    world.pipe(ben, Way::ToHost).held = true;
    let mut anna = Raw1::open(&mut world, ANNA);
    world.program.handler = handler;
    for word in words {
        anna.say_bytes(&mut world, word);
    }
    for reply in anna.heard(&mut world) {
        assert_eq!((&reply["v"], &reply["type"]), (&json!(1), &json!("res")));
        assert!(reply.as_object().is_some_and(|keys| keys.len() == 7), "{reply}");
        assert!(reply["result"].is_null() || reply["error"].is_null(), "{reply}");
    }
    assert!(!world.is_gone(stranger) && !world.is_gone(ben));
    // It drives, or it is gone.
    assert_ne!(world.controller() == Some(anna.wire), world.is_gone(anna.wire));
    world.evict(anna.wire, Reason::EVICTED);
    world.pipe(ben, Way::ToHost).held = false;
    world.settle();
    assert_eq!(world.controller(), Some(ben));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn whatever_a_controller_says_nobody_else_notices(words in words(), at_once in any::<bool>()) {
        let handler = if at_once { Handler::Echo(Duration::ZERO) } else { Handler::ByHand };
        say(&words, handler);
    }

    #[test]
    fn no_bytes_are_a_handshake_of_version_1_by_chance(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        head in 0x80_u8..0x90,
    ) {
        let mut world = World::new(1);
        world.show_code_to_all(CODE, PSK.clone());
        let wire = world.raw();
        let mut message = vec![head];
        message.extend(bytes);
        world.send(wire, Way::ToHost, &message);
        world.settle();
        assert!(world.is_gone(wire) && world.received(wire).is_empty() && world.host.is_pairing());
    }
}
