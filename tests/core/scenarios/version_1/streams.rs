//! Streams of version 1: nobody grants anything, so the transport sets the pace, one item at a time.

use opendesk_core::{ErrorCode, Event, Misuse, Outcome, RequestId};
use opendesk_tests::world::{Handler, Way, World};
use serde_json::{Value, json};

use super::ANNA;
use crate::raw1::{Raw1, cancel, packed, reply, req};

/// The number of the stream.
const ID: i64 = 40;

fn stream() -> (World, Raw1, RequestId) {
    let mut world = World::new(1);
    world.program.handler = Handler::ByHand;
    let mut anna = Raw1::open(&mut world, ANNA);
    anna.say(&mut world, &req(ID, "display.subscribe", true, json!({})));
    let call = world.program.running[0].call;
    world.take_events();
    (world, anna, call)
}

fn item(number: i64) -> Value {
    json!({"number": number})
}

fn said(number: i64) -> Vec<u8> {
    reply(ID, number, false, item(number), Value::Null)
}

fn ended(items: i64) -> Vec<u8> {
    reply(ID, items, true, Value::Null, Value::Null)
}

#[test]
fn items_are_counted_and_the_end_tells_how_many_there_were() {
    let (mut world, mut anna, call) = stream();
    let link = world.link(anna.wire);
    for number in 0..100 {
        assert!(world.host.is_stream_ready(link, call), "nobody has to grant anything");
        world.send_item(anna.wire, call, &packed(&item(number))).unwrap();
        world.settle();
        assert_eq!(anna.heard_bytes(&mut world), [said(number)]);
        assert_eq!(world.take_events(), [Event::StreamReady { link, call }]);
    }
    world.send_item(anna.wire, call, &packed(&item(100))).unwrap();
    world.respond(anna.wire, call, Outcome::Ok, b"").unwrap();
    world.settle();
    assert_eq!(anna.heard_bytes(&mut world), [said(100), ended(101)]);
}

#[test]
fn a_stream_without_items_ends_at_zero() {
    let (mut world, mut anna, call) = stream();
    world.respond(anna.wire, call, Outcome::Ok, b"").unwrap();
    world.settle();
    assert_eq!(anna.heard_bytes(&mut world), [ended(0)]);
}

#[test]
fn one_item_is_on_its_way_at_a_time() {
    let (mut world, mut anna, call) = stream();
    let link = world.link(anna.wire);
    world.pipe(anna.wire, Way::ToPeer).stalled = true;
    world.send_item(anna.wire, call, &packed(&item(0))).unwrap();
    for _ in 0..3 {
        world.settle();
        assert_eq!(world.send_item(anna.wire, call, &packed(&item(1))), Err(Misuse::NotReady));
    }
    assert!(world.take_events().is_empty() && !world.host.is_stream_ready(link, call));
    world.pipe(anna.wire, Way::ToPeer).stalled = false;
    world.settle();
    assert_eq!(world.take_events(), [Event::StreamReady { link, call }]);
    world.send_item(anna.wire, call, &packed(&item(1))).unwrap();
    world.settle();
    assert_eq!(anna.heard_bytes(&mut world), [said(0), said(1)]);
}

#[test]
fn a_call_that_asks_for_one_answer_is_no_stream() {
    let (mut world, mut anna, _) = stream();
    anna.say(&mut world, &req(1, "display.capture", false, json!({})));
    let call = world.program.running[1].call;
    assert!(!world.host.is_stream_ready(world.link(anna.wire), call));
    assert_eq!(world.send_item(anna.wire, call, &packed(&item(0))), Err(Misuse::NotReady));
}

#[test]
fn a_cancelled_stream_ends_with_cancelled_at_the_next_number() {
    let (mut world, mut anna, call) = stream();
    world.send_item(anna.wire, call, &packed(&item(0))).unwrap();
    world.settle();
    world.pipe(anna.wire, Way::ToPeer).stalled = true;
    world.send_item(anna.wire, call, &packed(&item(1))).unwrap();
    anna.say(&mut world, &cancel(ID));
    assert_eq!(world.send_item(anna.wire, call, &packed(&item(2))), Err(Misuse::NoSuchCall));
    world.pipe(anna.wire, Way::ToPeer).stalled = false;
    world.settle();
    let heard = anna.heard(&mut world);
    assert_eq!(heard.len(), 2, "what was not sent yet is not wanted any more: {heard:?}");
    assert_eq!((&heard[0]["seq"], &heard[1]["seq"], &heard[1]["end"]), (&json!(0), &json!(1), &json!(true)));
    assert_eq!((&heard[1]["result"], &heard[1]["error"]["code"]), (&Value::Null, &json!("cancelled")));
    let unready = Event::StreamReady { link: world.link(anna.wire), call };
    assert!(world.take_events().iter().filter(|event| **event == unready).count() == 1, "after the first item only");

    // Its number is free again, and counts anew.
    anna.say(&mut world, &req(ID, "display.subscribe", true, json!({})));
    let call = world.program.running[0].call;
    world.send_item(anna.wire, call, &packed(&item(0))).unwrap();
    world.settle();
    assert_eq!(anna.heard_bytes(&mut world), [said(0)]);
}

#[test]
fn a_stream_that_fails_says_so_at_its_end() {
    let (mut world, mut anna, call) = stream();
    world.send_item(anna.wire, call, &packed(&item(0))).unwrap();
    let error = json!({"code": "internal", "details": {}, "message": "the screen is gone"});
    world.respond(anna.wire, call, Outcome::Error(ErrorCode::Internal), &packed(&error)).unwrap();
    world.settle();
    assert_eq!(anna.heard_bytes(&mut world), [said(0), reply(ID, 1, true, Value::Null, error)]);
}

#[test]
fn a_session_that_ends_ends_its_streams() {
    let (mut world, anna, call) = stream();
    world.send_item(anna.wire, call, &packed(&item(0))).unwrap();
    world.hang_up(anna.wire);
    world.settle();
    assert_eq!(world.send_item(anna.wire, call, &packed(&item(1))), Err(Misuse::NoSuchLink));
    assert!(world.program.running.is_empty());
}

/// Our own controller takes what it asked for and leaves out the rest, which costs it nothing else.
#[test]
fn items_beyond_what_our_controller_takes_are_left_out() {
    let mut world = World::new(1);
    world.program.handler = Handler::ByHand;
    world.program.trusted.insert(ANNA.public());
    let anna = world.connect_by_version_1(ANNA);
    world.settle();
    let call = world.subscribe(anna, "display.subscribe", 1, &packed(&json!({}))).unwrap();
    world.settle();
    for number in 0..5 {
        world.send_item(anna, call, &packed(&item(number))).unwrap();
        world.settle();
    }
    assert_eq!(world.client(anna).items, [(call, packed(&item(0)))]);
    world.grant(anna, call, 1000).unwrap();
    world.send_item(anna, call, &packed(&item(5))).unwrap();
    world.respond(anna, call, Outcome::Ok, b"").unwrap();
    world.settle();
    assert_eq!(world.client(anna).items, [(call, packed(&item(0))), (call, packed(&item(5)))]);
    assert_eq!(world.client(anna).answer(call).unwrap().body, packed(&Value::Null));

    let call = world.subscribe(anna, "display.subscribe", 1000, &packed(&json!({}))).unwrap();
    world.settle();
    assert_eq!(world.cancel(anna, call), Ok(false), "nobody waits for the answer");
    world.settle();
    assert!(world.program.running.is_empty() && world.client(anna).answer(call).is_none());
}
