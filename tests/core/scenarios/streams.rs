//! Streams: items within the credit that the controller grants. Whoever grants nothing stalls nothing else.

use opendesk_core::frame::Header;
use opendesk_core::{ErrorCode, Event, Misuse, Outcome, Reason, RequestId, limits};
use opendesk_tests::world::{Handler, Way, Wire, World};

use super::ANNA;
use crate::raw::{Raw, Said};

const CHUNK: usize = limits::CHUNK_BYTES;

fn by_hand() -> (World, Wire) {
    let mut world = World::new(1);
    world.program.handler = Handler::ByHand;
    let anna = world.open(ANNA);
    (world, anna)
}

/// A stream with this much credit.
fn stream(credit: u32) -> (World, Wire, RequestId) {
    let (mut world, anna) = by_hand();
    let call = world.call(anna, "display.subscribe", b"");
    if credit > 0 {
        world.grant(anna, call, credit).expect("the call runs");
    }
    world.settle();
    world.take_events();
    (world, anna, call)
}

fn items(world: &World, wire: Wire) -> Vec<&[u8]> {
    world.client(wire).items.iter().map(|(_, body)| &body[..]).collect()
}

#[test]
fn items_come_in_order_and_the_response_after_them() {
    let (mut world, anna, call) = stream(limits::WINDOW_BYTES);
    let bodies: Vec<Vec<u8>> = [0, 1, CHUNK, CHUNK + 1, 5 * CHUNK].iter().map(|length| vec![7; *length]).collect();
    for body in &bodies {
        assert!(world.host.is_stream_ready(world.link(anna), call));
        world.send_item(anna, call, body).unwrap();
        world.settle();
    }
    // The last item and the response are given at once.
    world.send_item(anna, call, &bodies[4]).unwrap();
    world.respond(anna, call, Outcome::Ok, b"over").unwrap();
    world.settle();
    let received = items(&world, anna);
    assert!(received.len() == 6 && received.iter().zip(bodies.iter().chain([&bodies[4]])).all(|(a, b)| a == b));
    assert_eq!(world.client(anna).answer(call).unwrap().body, b"over");
}

#[test]
fn without_credit_nothing_is_sent_and_credit_wakes_the_stream() {
    let (mut world, anna, call) = stream(0);
    let link = world.link(anna);
    assert_eq!(world.send_item(anna, call, b"early"), Err(Misuse::NotReady));
    world.grant(anna, call, 1).unwrap();
    world.settle();
    assert_eq!(world.take_events(), [Event::StreamReady { link, call }]);
    world.send_item(anna, call, b"first").unwrap();
    assert_eq!(world.send_item(anna, call, b"second"), Err(Misuse::NotReady), "one at a time");
    world.settle();
    // The first one was larger than the credit, and used up some of what comes next.
    assert_eq!(world.take_events(), []);
    let spent = b"first".len() as u32 + limits::ITEM_COST;
    world.grant(anna, call, spent - 1).unwrap();
    world.settle();
    assert_eq!(world.take_events(), []);
    world.grant(anna, call, 1).unwrap();
    world.settle();
    assert_eq!(world.take_events(), [Event::StreamReady { link, call }]);
    world.send_item(anna, call, b"second").unwrap();
    world.settle();
    assert_eq!(items(&world, anna), [b"first".as_slice(), b"second"]);
}

#[test]
fn credit_that_comes_before_the_last_of_the_parameters_counts_once_they_are_there() {
    let mut world = World::new(1);
    world.program.handler = Handler::ByHand;
    let anna = world.open(ANNA);
    world.take_events();
    let call = world.call(anna, "display.subscribe", &vec![7; 3 * CHUNK]);
    world.grant(anna, call, 1).unwrap();
    for _ in 0..3 {
        assert!(world.transmit(anna, Way::ToHost), "the beginning, the credit, another part");
    }
    world.pipe(anna, Way::ToHost).stalled = true;
    world.settle();
    assert_eq!(world.take_events(), []);
    world.pipe(anna, Way::ToHost).stalled = false;
    world.settle();
    assert_eq!(world.take_events(), [Event::StreamReady { link: world.link(anna), call }]);
}

/// W24: the consumer that pauses costs its session nothing.
#[test]
fn a_consumer_that_grants_nothing_stalls_only_its_own_stream() {
    let (mut world, anna, slow) = stream(1);
    let quick = world.call(anna, "display.subscribe", b"");
    world.grant(anna, quick, limits::WINDOW_BYTES).unwrap();
    world.settle();
    world.send_item(anna, slow, b"one and no more").unwrap();
    world.settle();
    for number in 0..1000_u32 {
        assert_eq!(world.send_item(anna, slow, b"another"), Err(Misuse::NotReady));
        world.send_item(anna, quick, &number.to_le_bytes()).unwrap();
        world.settle();
    }
    let other = world.call(anna, "input.key", b"");
    world.settle();
    world.respond(anna, other, Outcome::Ok, b"pressed").unwrap();
    world.settle();
    assert_eq!(world.client(anna).answer(other).unwrap().body, b"pressed");
    let of = |call| world.client(anna).items.iter().filter(|(of, _)| *of == call).count();
    assert_eq!((of(slow), of(quick)), (1, 1000));
}

#[test]
fn a_small_answer_overtakes_an_item_that_has_begun() {
    let (mut world, anna, call) = stream(limits::WINDOW_BYTES);
    let other = world.call(anna, "input.key", b"");
    world.settle();
    world.pipe(anna, Way::ToPeer).stalled = true;
    world.send_item(anna, call, &vec![7; 10 * CHUNK]).unwrap();
    assert!(world.transmit(anna, Way::ToPeer) && world.transmit(anna, Way::ToPeer));
    world.respond(anna, other, Outcome::Ok, b"pressed").unwrap();
    assert!(world.transmit(anna, Way::ToPeer), "the very next message");
    world.settle();
    assert!(world.client(anna).answer(other).is_some() && items(&world, anna).is_empty());
    world.pipe(anna, Way::ToPeer).stalled = false;
    world.settle();
    assert_eq!(items(&world, anna).len(), 1);
}

#[test]
fn a_cancelled_stream_ends_at_once_and_the_rest_of_its_item_is_void() {
    let (mut world, anna, call) = stream(limits::WINDOW_BYTES);
    world.pipe(anna, Way::ToPeer).stalled = true;
    world.send_item(anna, call, &vec![7; 10 * CHUNK]).unwrap();
    assert!(world.transmit(anna, Way::ToPeer));
    world.settle();
    world.cancel(anna, call).unwrap();
    world.settle();
    world.pipe(anna, Way::ToPeer).stalled = false;
    world.settle();
    let client = world.client(anna);
    assert_eq!(client.answer(call).unwrap().outcome, Outcome::Error(ErrorCode::Cancelled));
    assert!(client.items.is_empty() && client.client.is_open());
    assert_eq!(world.send_item(anna, call, b"late"), Err(Misuse::NoSuchCall));
    let next = world.call(anna, "display.subscribe", b"");
    world.grant(anna, next, 1).unwrap();
    world.settle();
    world.send_item(anna, next, b"again").unwrap();
    world.settle();
    assert_eq!(world.client(anna).items, [(next, b"again".to_vec())]);
}

#[test]
fn every_call_may_be_a_stream_and_the_host_still_hears_what_it_is_told() {
    let (mut world, anna) = by_hand();
    let calls: Vec<RequestId> = (0..limits::CALLS).map(|_| world.call(anna, "display.subscribe", b"")).collect();
    for call in &calls {
        world.grant(anna, *call, 1).unwrap();
    }
    world.settle();
    world.pipe(anna, Way::ToPeer).stalled = true;
    for call in &calls {
        world.send_item(anna, *call, b"item").unwrap();
    }
    assert!(world.host.wants_input(world.link(anna)), "a controller that does not read can still cancel");
    for call in &calls {
        world.cancel(anna, *call).unwrap();
    }
    world.settle();
    world.pipe(anna, Way::ToPeer).stalled = false;
    world.settle();
    assert_eq!(world.client(anna).answers.len(), limits::CALLS);
}

#[test]
fn credit_beyond_the_window_ends_only_its_own_session() {
    let mut world = World::new(1);
    let mut raw = Raw::open(&mut world, ANNA);
    raw.ask(&mut world, 1, 1, b"");
    raw.say(&mut world, &Header::Window { id: 1, credit: limits::WINDOW_BYTES }, b"");
    raw.say(&mut world, &Header::Window { id: 99, credit: u32::MAX }, b"");
    assert_eq!(raw.heard(&mut world), [], "what has ended gets no credit, and that is no fault");
    raw.say(&mut world, &Header::Window { id: 1, credit: 1 }, b"");
    assert_eq!(raw.heard(&mut world), [Said::Close(Reason::MISBEHAVED)]);
}

#[test]
fn a_controller_may_not_send_items() {
    let mut world = World::new(1);
    let mut raw = Raw::open(&mut world, ANNA);
    raw.say(&mut world, &Header::Item { id: 1, total: 0 }, b"");
    assert_eq!(raw.heard(&mut world), [Said::Close(Reason::MISBEHAVED)]);
}

#[test]
fn the_answers_that_wait_have_a_limit() {
    let (mut world, anna) = by_hand();
    let calls: Vec<RequestId> = (0..6).map(|_| world.call(anna, "display.capture", b"")).collect();
    world.settle();
    world.pipe(anna, Way::ToPeer).stalled = true;
    let body = vec![7; limits::BODY_BYTES];
    for call in &calls[..4] {
        world.respond(anna, *call, Outcome::Ok, &body).unwrap();
    }
    assert_eq!(world.respond(anna, calls[4], Outcome::Ok, &body), Err(Misuse::TooManyAnswers));
    world.respond(anna, calls[4], Outcome::Error(ErrorCode::LimitExceeded), b"read first").unwrap();
    world.respond(anna, calls[5], Outcome::Ok, &body[..CHUNK]).unwrap();
    world.pipe(anna, Way::ToPeer).stalled = false;
    world.settle();
    assert_eq!(world.client(anna).answers.len(), 6);
}
