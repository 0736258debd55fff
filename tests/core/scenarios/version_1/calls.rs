//! Requests of version 1: each has one answer, in the shape that the other implementation gives it.

use opendesk_core::{Bodies, BodyId, ErrorCode, Event, LinkId, Misuse, Outcome, Reason, RequestId, limits};
use opendesk_tests::world::{Handler, Way, World};
use serde_json::{Value, json};

use super::{ANNA, BEN};
use crate::raw1::{Raw1, cancel, packed, reply, req};

/// The codes that the other implementation knows: any other ends its session.
const CODES: [&str; 9] = [
    "capability_unsupported",
    "permission_denied",
    "invalid_argument",
    "not_found",
    "timeout",
    "cancelled",
    "internal",
    "protocol",
    "busy",
];

fn by_hand() -> (World, Raw1) {
    let mut world = World::new(1);
    world.program.handler = Handler::ByHand;
    let anna = Raw1::open(&mut world, ANNA);
    (world, anna)
}

/// The program's name of the request that came last.
fn last(world: &World) -> RequestId {
    world.program.running.last().expect("a call runs").call
}

/// The one thing that was heard is that this request failed with this code, in an `ErrorInfo` of all its keys.
fn assert_canned(heard: &[Value], id: i64, code: &str) {
    let [reply] = heard else { panic!("one answer: {heard:?}") };
    assert_eq!((&reply["id"], &reply["end"], &reply["result"]), (&json!(id), &json!(true), &Value::Null));
    let error = reply["error"].as_object().expect("a map");
    // The details say which code it is that this version's list does not have.
    let details = if code == "internal" { json!({"code": "limit_exceeded"}) } else { json!({}) };
    assert_eq!((error["code"].as_str(), &error["details"]), (Some(code), &details));
    assert!(CODES.contains(&code) && error.len() == 3);
    assert!(error["message"].as_str().is_some_and(|message| !message.is_empty()));
}

#[test]
fn what_is_asked_is_what_the_program_gets_and_what_it_answers_arrives_in_every_key() {
    let (mut world, mut anna) = by_hand();
    let params = json!({"text": "some text", "numbers": [1, -1, 2.5], "nothing": null});
    anna.say(&mut world, &req(7, "input.text", false, params.clone()));
    let [running] = &world.program.running[..] else { panic!("one call runs") };
    assert_eq!((running.method.as_str(), &running.body), ("input.text", &packed(&params)));
    assert_eq!((running.complete, running.operation, running.repeats), (true, [0; 16], None));

    let result = json!({"typed": true});
    world.respond(anna.wire, last(&world), Outcome::Ok, &packed(&result)).unwrap();
    world.settle();
    assert_eq!(anna.heard_bytes(&mut world), [reply(7, 0, true, result, Value::Null)]);
}

#[test]
fn an_empty_body_is_a_result_of_null_and_parameters_may_be_left_out() {
    let (mut world, mut anna) = by_hand();
    anna.say(&mut world, &json!({"type": "req", "id": 1, "method": "power.lock"}));
    assert_eq!(world.program.running[0].body, packed(&json!({})));
    world.respond(anna.wire, last(&world), Outcome::Ok, b"").unwrap();
    world.settle();
    assert_eq!(anna.heard_bytes(&mut world), [reply(1, 0, true, Value::Null, Value::Null)]);
}

#[test]
fn an_error_is_the_map_that_the_program_wrote() {
    let (mut world, mut anna) = by_hand();
    let error = json!({"code": "not_found", "details": {"path": "/nowhere"}, "message": "no such file"});
    for (id, body) in [(1, packed(&error)), (2, Vec::new())] {
        anna.say(&mut world, &req(id, "fs.read", false, json!({"path": "/nowhere"})));
        world.respond(anna.wire, last(&world), Outcome::Error(ErrorCode::NotFound), &body).unwrap();
        world.settle();
        let error = if body.is_empty() { json!({"code": "not_found"}) } else { error.clone() };
        assert_eq!(anna.heard_bytes(&mut world), [reply(id, 0, true, Value::Null, error)]);
    }
}

#[test]
fn what_the_core_answers_itself_is_a_whole_error_with_a_code_of_version_1() {
    let (mut world, mut anna) = by_hand();
    for (id, method) in (1..).zip(["", "Upper", "with space", "ümlaut", &"a".repeat(limits::METHOD_BYTES + 1)]) {
        anna.say(&mut world, &req(id, method, false, json!({})));
        assert_canned(&anna.heard(&mut world), id, "invalid_argument");
    }
    assert!(world.program.running.is_empty());

    let calls = limits::CALLS as i64;
    for id in 0..calls {
        anna.say(&mut world, &req(id, "test.method", false, json!({})));
    }
    assert!(anna.heard(&mut world).is_empty() && world.program.running.len() == limits::CALLS);
    for _ in 0..100 {
        anna.say(&mut world, &req(calls, "test.method", false, json!({})));
        assert_canned(&anna.heard(&mut world), calls, "internal");
    }
    anna.say(&mut world, &cancel(3));
    assert_canned(&anna.heard(&mut world), 3, "cancelled");
    anna.say(&mut world, &req(calls, "test.method", false, json!({})));
    assert_eq!((anna.heard(&mut world).len(), world.program.running.len()), (0, limits::CALLS), "there is a place");
}

#[test]
fn a_number_may_be_any_integer_in_any_order() {
    let (mut world, mut anna) = by_hand();
    let numbers = [5, 3, 0, -1, -32, -33, -40_000, i64::MIN, 127, 128, 70_000, 1 << 40, i64::MAX, 4];
    let mut calls = Vec::new();
    for number in numbers {
        anna.say(&mut world, &req(number, "test.method", false, json!({})));
        calls.push(last(&world));
    }
    for (number, call) in numbers.into_iter().zip(calls).rev() {
        world.respond(anna.wire, call, Outcome::Ok, b"").unwrap();
        world.settle();
        let heard = anna.heard(&mut world);
        assert!(heard.len() == 1 && heard[0]["id"] == json!(number), "{number}: {heard:?}");
    }
}

#[test]
fn a_number_may_be_written_as_text_or_as_a_float() {
    let (mut world, mut anna) = by_hand();
    for (written, number) in [(json!("12"), 12), (json!("-3"), -3), (json!(4.0), 4), (json!(-0.0), 0)] {
        anna.say(&mut world, &req(written, "test.method", false, json!({})));
        world.respond(anna.wire, last(&world), Outcome::Ok, b"").unwrap();
        world.settle();
        assert_eq!(anna.heard_bytes(&mut world), [reply(number, 0, true, Value::Null, Value::Null)]);
    }
}

#[test]
fn a_number_may_be_used_again_after_its_answer_and_not_before() {
    let (mut world, mut anna) = by_hand();
    for _ in 0..3 {
        anna.say(&mut world, &req(1, "test.method", false, json!({})));
        world.respond(anna.wire, last(&world), Outcome::Ok, b"").unwrap();
        world.settle();
        assert_eq!(anna.heard(&mut world).len(), 1);
    }
    anna.say(&mut world, &req(1, "test.method", false, json!({})));
    assert_eq!(world.program.running.len(), 1);
    // The same number, however it is written.
    anna.say(&mut world, &req("1", "test.method", false, json!({})));
    assert!(world.is_gone(anna.wire) && world.program.running.is_empty());
    let (link, peer) = (world.link(anna.wire), ANNA.public());
    assert!(world.events.contains(&Event::SessionEnded { link, peer, reason: Reason::MALFORMED }));
    let mut ben = Raw1::open(&mut world, BEN);
    ben.say(&mut world, &req(1, "test.method", false, json!({})));
    assert_eq!(last(&world), RequestId(1), "the next session begins anew");
}

#[test]
fn a_cancelled_call_ends_with_cancelled_and_the_program_is_told_once() {
    let (mut world, mut anna) = by_hand();
    anna.say(&mut world, &req(-9, "test.method", false, json!({})));
    let call = last(&world);
    world.take_events();
    // Whatever does not run is not cancelled.
    for id in [9, 0, i64::MAX] {
        anna.say(&mut world, &cancel(id));
    }
    assert!(world.take_events().is_empty() && anna.heard_bytes(&mut world).is_empty());

    anna.say(&mut world, &json!({"type": "cancel", "id": "-9"}));
    anna.say(&mut world, &cancel(-9));
    assert_eq!(world.take_events(), [Event::CallCancelled { link: world.link(anna.wire), call }]);
    assert_canned(&anna.heard(&mut world), -9, "cancelled");
    assert_eq!(world.respond(anna.wire, call, Outcome::Ok, b"late"), Err(Misuse::NoSuchCall));
}

#[test]
fn a_cancel_that_meets_the_answer_on_its_way_changes_nothing() {
    let (mut world, mut anna) = by_hand();
    anna.say(&mut world, &req(1, "test.method", false, json!({})));
    world.pipe(anna.wire, Way::ToPeer).stalled = true;
    world.respond(anna.wire, last(&world), Outcome::Ok, b"").unwrap();
    world.take_events();
    anna.say(&mut world, &cancel(1));
    world.pipe(anna.wire, Way::ToPeer).stalled = false;
    world.settle();
    assert_eq!(anna.heard_bytes(&mut world), [reply(1, 0, true, Value::Null, Value::Null)]);
    assert!(world.take_events().is_empty());
}

/// Nothing is asked for what does not fit.
struct Unasked;

impl Bodies for Unasked {
    fn copy(&mut self, _: LinkId, body: BodyId, _: usize, _: &mut [u8]) {
        panic!("{body:?} was asked for, and there is no room for it");
    }
}

#[test]
fn a_large_body_is_one_message_each_way_and_the_host_says_how_large() {
    let (mut world, mut anna) = by_hand();
    let link = world.link(anna.wire);
    let small = world.host.transmit_bytes(link);
    let params = json!({"data": "x".repeat(1 << 20)});
    anna.say(&mut world, &req(1, "fs.write", false, params.clone()));
    assert!(world.program.running[0].complete && world.program.running[0].body == packed(&params));

    let result = json!({"data": "y".repeat(3 << 20)});
    world.respond(anna.wire, last(&world), Outcome::Ok, &packed(&result)).unwrap();
    let large = world.host.transmit_bytes(link);
    assert!(large > 3 << 20 && small < 1 << 17, "{small} and {large}");
    let mut short = vec![0; large - 1];
    assert_eq!(world.host.poll_transmit(link, &mut Unasked, &mut short), None, "and nothing is lost");
    world.settle();
    assert!(anna.heard_bytes(&mut world) == [reply(1, 0, true, result, Value::Null)]);
    assert_eq!(world.host.transmit_bytes(link), small);
    assert!(world.pipe(anna.wire, Way::ToPeer).overheard.iter().all(|it| it.len() <= large));
}

#[test]
fn parameters_over_sixteen_mebibytes_are_an_error_and_a_message_over_the_limit_ends_the_session() {
    let (mut world, mut anna) = by_hand();
    let params = json!({"d": "x".repeat(limits::BODY_BYTES)});
    anna.say(&mut world, &json!({"type": "req", "id": 1, "method": "fs.write", "params": params}));
    assert_canned(&anna.heard(&mut world), 1, "internal");
    assert!(world.program.running.is_empty());

    let most = world.host.message_bytes(world.link(anna.wire));
    world.send(anna.wire, Way::ToHost, &vec![0; most + 1]);
    world.settle();
    let (link, peer) = (world.link(anna.wire), ANNA.public());
    assert!(world.events.contains(&Event::SessionEnded { link, peer, reason: Reason::TOO_LARGE }));
    assert!(world.is_gone(anna.wire) && anna.heard_bytes(&mut world).is_empty());
}
