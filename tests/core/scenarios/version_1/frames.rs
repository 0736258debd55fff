//! Frames of version 1, right and wrong: what the other implementation takes is taken, and anything else ends the session
//! of whoever sends it, and no other.

use opendesk_core::{Event, Reason, limits};
use opendesk_tests::world::{Handler, World};
use serde_json::{Value, json};

use super::{ANNA, BEN};
use crate::raw1::{Raw1, hello, map, packed, reply, req};

/// A request with these bytes in place of its parameters.
fn with_params(params: &[u8]) -> Vec<u8> {
    let mut frame = map(&[("type", json!("req")), ("id", json!(1)), ("method", json!("test.method"))]);
    frame[0] += 1;
    frame.extend(packed(&json!("params")));
    frame.extend(params);
    frame
}

/// That request with one field more, or with another value of one that it has.
fn with(key: &str, value: Value) -> Vec<u8> {
    let mut frame = json!({"type": "req", "id": 1, "method": "test.method"});
    frame[key] = value;
    packed(&frame)
}

fn without(key: &str) -> Vec<u8> {
    let mut frame = req(1, "test.method", false, json!({}));
    frame.as_object_mut().expect("a frame is a map").remove(key);
    packed(&frame)
}

/// A map with lists in each other below it.
fn nested(depth: usize) -> Vec<u8> {
    let mut bytes = vec![0x81, 0xa1, b'a'];
    bytes.extend(vec![0x91; depth]);
    bytes.push(0xc0);
    bytes
}

/// A map with a list of so many values.
fn wide(values: usize) -> Vec<u8> {
    let mut bytes = vec![0x81, 0xa1, b'a', 0xdd];
    bytes.extend((values as u32).to_be_bytes());
    bytes.extend(vec![0xc0; values]);
    bytes
}

fn wrong() -> Vec<(&'static str, Vec<u8>)> {
    let good = packed(&req(1, "test.method", false, json!({})));
    let twice = map(&[("type", json!("req")), ("id", json!(1)), ("method", json!("a")), ("id", json!(1))]);
    vec![
        ("nothing", Vec::new()),
        ("no map", packed(&json!([1, 2]))),
        ("an empty map", packed(&json!({}))),
        ("half a frame", good[..good.len() / 2].to_vec()),
        ("a byte behind it", [&good[..], &[0xc0]].concat()),
        ("the same again behind it", [&good[..], &good[..]].concat()),
        ("a key twice", twice),
        ("an unknown key", with("extra", json!(1))),
        ("a key of another type of frame", with("seq", json!(0))),
        ("null parameters", with("params", Value::Null)),
        ("a list of parameters", with("params", json!([]))),
        ("a method of null", with("method", Value::Null)),
        ("a stream of maybe", with("stream", json!("maybe"))),
        ("a stream of null", with("stream", Value::Null)),
        ("a version of null", with("v", Value::Null)),
        ("a number with a fraction", with("id", json!(4.5))),
        ("a number in words", with("id", json!("four"))),
        ("a number of null", with("id", Value::Null)),
        ("a number beyond 63 bits", with("id", json!(u64::MAX))),
        ("no number", without("id")),
        ("no method", without("method")),
        ("no type", without("type")),
        ("an unknown type", with("type", json!("ping"))),
        ("a type that is no text", with("type", json!(1))),
        ("an integer for a key", with_params(&[0x81, 0x01, 0x01])),
        ("an integer for a key further down", with_params(&[0x81, 0xa1, b'a', 0x91, 0x81, 0x01, 0x01])),
        ("text that is none", with_params(&[0x81, 0xa1, b'a', 0xa1, 0xff])),
        ("a key that is no text", with_params(&[0x81, 0xa1, 0xff, 0x01])),
        ("an extension", with_params(&[0x81, 0xa1, b'a', 0xd4, 0x01, 0x01])),
        ("a marker that is none", with_params(&[0x81, 0xa1, b'a', 0xc1])),
        ("a length that nothing follows", with_params(&[0xdf, 0xff, 0xff, 0xff, 0xff])),
        ("bytes that do not follow", with_params(&[0x81, 0xa1, b'a', 0xc6, 0xff, 0xff, 0xff, 0xff])),
        ("lists too deep in each other", with_params(&nested(limits::NESTING))),
        ("too many values", with_params(&wide(limits::VALUES))),
        ("a greeting of nobody", packed(&json!({"type": "hello", "role": "somebody"}))),
        ("a greeting without a role", packed(&json!({"type": "hello"}))),
        ("a cancel of nothing", packed(&json!({"type": "cancel"}))),
        ("a push about nothing", packed(&json!({"type": "push"}))),
        ("a reply to nothing", packed(&json!({"type": "res"}))),
        ("a reply of a list", packed(&json!({"type": "res", "id": 1, "result": [1]}))),
        ("an error with a key too many", packed(&json!({"type": "res", "id": 1, "error": {"code": "x", "extra": 1}}))),
    ]
}

#[test]
fn what_the_other_implementation_does_not_take_ends_the_session_and_nobody_else_s() {
    let mut world = World::new(1);
    let stranger = world.raw();
    world.program.trusted.insert(BEN.public());
    let ben = Raw1::keyed(&mut world, BEN.static_key());
    for (what, bytes) in wrong() {
        let mut anna = Raw1::open(&mut world, ANNA);
        world.take_events();
        anna.say_bytes(&mut world, &bytes);
        let (link, peer, reason) = (world.link(anna.wire), ANNA.public(), Reason::MALFORMED);
        let over = [Event::SessionEnded { link, peer, reason }, Event::LinkClosed { link, reason }];
        assert_eq!(world.take_events(), over, "{what}");
        assert!(anna.heard_bytes(&mut world).is_empty(), "{what}: it ends without a word");
        assert!(world.is_gone(anna.wire) && world.program.running.is_empty(), "{what}");
        assert!(!world.is_gone(stranger) && !world.is_gone(ben.wire), "{what}");
    }
}

#[test]
fn what_is_as_large_or_as_deep_as_may_be_is_taken() {
    let mut world = World::new(1);
    let mut anna = Raw1::open(&mut world, ANNA);
    // The map itself is one of those in each other.
    for params in [nested(limits::NESTING - 1), wide(limits::VALUES - 100)] {
        anna.say_bytes(&mut world, &with_params(&params));
        let heard = anna.heard_bytes(&mut world);
        assert!(heard.len() == 1 && heard[0].windows(params.len()).any(|window| window == params));
    }
}

#[test]
fn what_the_other_implementation_takes_is_taken() {
    let mut world = World::new(1);
    let mut anna = Raw1::open(&mut world, ANNA);
    let requests = [
        with("v", json!(2)),
        with("v", json!("1")),
        with("id", json!(1.0)),
        with("id", json!(" 1 ")),
        with("stream", json!(0)),
        with("stream", json!("No")),
        with("stream", json!(0.0)),
        without("v"),
        without("stream"),
        without("params"),
        with_params(&[0x80]),
        with_params(&[0xde, 0, 0]),
        with_params(&[0xdf, 0, 0, 0, 0]),
    ];
    for request in requests {
        anna.say_bytes(&mut world, &request);
        let heard = anna.heard(&mut world);
        let result = heard.first().map(|reply| (&reply["id"], &reply["result"]));
        assert_eq!((heard.len(), result), (1, Some((&json!(1), &json!({})))), "{request:02x?}");
    }
    let ignored = [
        json!({"type": "push", "topic": "anything", "payload": {"a": 1}}),
        json!({"type": "res", "id": 1, "seq": 0, "end": "yes", "result": {"a": 1}, "error": null}),
        json!({"type": "res", "id": 1, "error": {"code": "a code of the future"}}),
        json!({"type": "cancel", "id": 99, "reason": "why not"}),
        hello(),
    ];
    for frame in ignored {
        anna.say(&mut world, &frame);
        assert!(anna.heard_bytes(&mut world).is_empty(), "{frame}");
    }
    assert!(anna.is_served(&mut world));
}

#[test]
fn whether_a_stream_is_wanted_may_be_said_in_words() {
    for wanted in [json!(true), json!(1), json!(1.0), json!("yes"), json!("On"), json!("T"), json!("1")] {
        let mut world = World::new(1);
        let mut anna = Raw1::open(&mut world, ANNA);
        world.program.handler = Handler::ByHand;
        anna.say_bytes(&mut world, &with("stream", wanted.clone()));
        let call = world.program.running[0].call;
        assert!(world.host.is_stream_ready(world.link(anna.wire), call), "{wanted}");
    }
}

#[test]
fn bytes_among_the_parameters_come_back_as_they_were() {
    let mut world = World::new(1);
    let mut anna = Raw1::open(&mut world, ANNA);
    // JSON has no bytes: {"d": b"\x00\xff\xc1"}, in the three lengths that there are for lengths.
    for head in [&[0xc4, 3][..], &[0xc5, 0, 3], &[0xc6, 0, 0, 0, 3]] {
        let params = [&[0x81, 0xa1, b'd'][..], head, &[0x00, 0xff, 0xc1]].concat();
        anna.say_bytes(&mut world, &with_params(&params));
        let mut expected = reply(1, 0, true, json!({}), Value::Null);
        let place = expected.windows(8).position(|window| window == b"\xa6result\x80").expect("a result") + 7;
        drop(expected.splice(place..=place, params));
        assert_eq!(anna.heard_bytes(&mut world), [expected]);
    }
}
