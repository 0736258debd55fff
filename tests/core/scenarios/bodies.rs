//! Bodies of any size: in chunks, intact, and never in the way of small ones.

use opendesk_core::frame::Header;
use opendesk_core::{ErrorCode, Misuse, Outcome, Reason, RequestId, limits};
use opendesk_tests::world::{Handler, Way, Wire, World};

use super::ANNA;
use crate::raw::{Raw, Said, status};

const BULK: usize = 300 * 1024;

/// Bytes that are not the same at any two chunks' places.
fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at % 251) as u8 ^ (at / 4096) as u8).collect()
}

fn by_hand() -> World {
    let mut world = World::new(1);
    world.program.handler = Handler::ByHand;
    world
}

fn order(world: &World, wire: Wire) -> Vec<RequestId> {
    world.client(wire).answers.iter().map(|answer| answer.call).collect()
}

#[test]
fn a_body_arrives_intact_in_both_directions_whatever_its_size() {
    let chunk = limits::CHUNK_BYTES;
    let mut world = World::new(1);
    let anna = world.open(ANNA);
    for length in [0, 1, chunk - 1, chunk, chunk + 1, 2 * chunk, BULK, 1024 * 1024 + 7] {
        let body = pattern(length);
        let call = world.call(anna, "system.echo", &body);
        world.settle();
        assert!(world.client(anna).answer(call).unwrap().body == body, "{length} bytes");
    }
    for way in [Way::ToHost, Way::ToPeer] {
        let longest = world.pipe(anna, way).overheard.iter().map(Vec::len).max();
        assert!(longest <= Some(limits::RECORD_BYTES), "{way:?}: {longest:?}");
    }
}

#[test]
fn the_largest_body_that_is_allowed_arrives() {
    let mut world = by_hand();
    let anna = world.open(ANNA);
    let call = world.call(anna, "screen.capture", b"");
    world.settle();
    let body = pattern(limits::BODY_BYTES);
    world.respond(anna, call, Outcome::Ok, &body).unwrap();
    world.settle();
    assert!(world.client(anna).answer(call).unwrap().body == body);
    assert_eq!(world.try_call(anna, "system.echo", &[&body[..], b"1"].concat()), Err(Misuse::BodyTooLarge));
}

#[test]
fn a_small_answer_overtakes_a_large_one_that_has_begun() {
    let mut world = by_hand();
    let anna = world.open(ANNA);
    let large = world.call(anna, "screen.capture", b"");
    let small = world.call(anna, "input.press", b"");
    world.settle();

    world.pipe(anna, Way::ToPeer).stalled = true;
    world.respond(anna, large, Outcome::Ok, &pattern(BULK)).unwrap();
    assert!(world.transmit(anna, Way::ToPeer) && world.transmit(anna, Way::ToPeer));
    world.respond(anna, small, Outcome::Ok, b"pressed").unwrap();
    assert!(world.transmit(anna, Way::ToPeer), "the very next message");
    world.settle();
    assert_eq!(order(&world, anna), [small]);
    assert_eq!(world.client(anna).partial[&large].len(), 2 * limits::CHUNK_BYTES);

    world.pipe(anna, Way::ToPeer).stalled = false;
    world.settle();
    assert_eq!(order(&world, anna), [small, large]);
    assert!(world.client(anna).answer(large).unwrap().body == pattern(BULK));
}

#[test]
fn a_small_request_overtakes_a_large_one_that_has_begun() {
    let mut world = by_hand();
    let anna = world.open(ANNA);
    world.pipe(anna, Way::ToHost).stalled = true;
    world.call(anna, "file.write", &pattern(BULK));
    assert!(world.transmit(anna, Way::ToHost) && world.transmit(anna, Way::ToHost));
    let small = world.call(anna, "input.press", b"");
    assert!(world.transmit(anna, Way::ToHost), "the very next message");
    world.settle();
    let complete: Vec<RequestId> =
        world.program.running.iter().filter(|running| running.complete).map(|running| running.call).collect();
    assert_eq!(complete, [small]);
}

/// A file and a click in the same moment: the host takes requests out of order for a mistake.
#[test]
fn requests_of_one_moment_begin_in_the_order_of_their_numbers() {
    let mut world = by_hand();
    let anna = world.open(ANNA);
    let large = [0; 3].map(|_| world.call(anna, "file.write", &pattern(BULK)));
    let small = world.call(anna, "input.press", b"");
    // One part of each large one, and then the small one.
    for _ in 0..=large.len() {
        assert!(world.transmit(anna, Way::ToHost));
    }
    world.pipe(anna, Way::ToHost).stalled = true;
    world.settle();
    assert_eq!(world.controller(), Some(anna));
    let complete = |world: &World| -> Vec<RequestId> {
        world.program.running.iter().filter(|running| running.complete).map(|running| running.call).collect()
    };
    assert_eq!(complete(&world), [small]);
    world.pipe(anna, Way::ToHost).stalled = false;
    world.settle();
    assert_eq!(complete(&world).len(), 4);
}

/// Whoever waits for the first of several has it as soon as if there were no others, and the last one is as late as ever.
#[test]
fn of_large_answers_one_comes_after_the_other() {
    let mut world = by_hand();
    let anna = world.open(ANNA);
    let calls = [0; 3].map(|_| world.call(anna, "screen.capture", b""));
    world.settle();
    world.pipe(anna, Way::ToPeer).stalled = true;
    for call in calls {
        world.respond(anna, call, Outcome::Ok, &pattern(BULK)).unwrap();
    }
    for answered in 1..=calls.len() {
        for _ in 0..BULK.div_ceil(limits::CHUNK_BYTES) {
            assert!(world.transmit(anna, Way::ToPeer));
        }
        world.settle();
        assert_eq!((world.client(anna).answers.len(), world.client(anna).partial.len()), (answered, 0));
    }
}

/// What is soon sent overtakes what takes long, which still has every other part: nothing waits for ever.
#[test]
fn a_large_answer_does_not_wait_for_smaller_ones_without_end() {
    const PARTS: usize = 10;
    let mut world = by_hand();
    let anna = world.open(ANNA);
    let large = world.call(anna, "screen.capture", b"");
    world.settle();
    world.pipe(anna, Way::ToPeer).stalled = true;
    world.respond(anna, large, Outcome::Ok, &pattern(PARTS * limits::CHUNK_BYTES)).unwrap();
    let mut overtook = 0;
    for _ in 0..2 * PARTS {
        let smaller = world.call(anna, "screen.capture", b"");
        world.settle();
        world.respond(anna, smaller, Outcome::Ok, &pattern(2 * limits::CHUNK_BYTES)).unwrap();
        assert!(world.transmit(anna, Way::ToPeer));
        world.settle();
        if world.client(anna).answer(large).is_none() {
            overtook = world.client(anna).answers.len();
        }
    }
    assert!(world.client(anna).answer(large).is_some());
    assert!((PARTS / 2 - 1..=PARTS / 2).contains(&overtook), "{overtook} smaller ones were sent before it");
}

#[test]
fn words_and_pings_do_not_wait_for_a_large_answer() {
    let mut world = by_hand();
    let mut anna = Raw::open(&mut world, ANNA);
    anna.ask(&mut world, 1, 0, b"");
    world.pipe(anna.wire, Way::ToPeer).stalled = true;
    world.respond(anna.wire, RequestId(1), Outcome::Ok, &pattern(BULK)).unwrap();
    assert!(world.transmit(anna.wire, Way::ToPeer));
    anna.say(&mut world, &Header::Ping { token: 3 }, b"");
    world.push(anna.wire, 9, b"news").unwrap();
    assert!(world.transmit(anna.wire, Way::ToPeer) && world.transmit(anna.wire, Way::ToPeer));
    world.settle();
    let said = anna.heard(&mut world);
    assert_eq!(said[1..], [Said::Pong(3), Said::Push { topic: 9, body: b"news".to_vec() }]);
}

#[test]
fn parameters_beyond_what_was_announced_end_the_session() {
    let words: [fn(&mut Raw, &mut World); 4] = [
        |anna, world| anna.ask(world, 1, 4, b"five!"),
        |anna, world| {
            anna.ask(world, 1, 4, b"tw");
            anna.say(world, &Header::Chunk { id: 1 }, b"and");
        },
        |anna, world| {
            anna.ask(world, 1, 4, b"four");
            anna.say(world, &Header::Chunk { id: 1 }, b"!");
        },
        |anna, world| {
            anna.ask(world, 1, 4, b"tw");
            anna.say(world, &Header::Chunk { id: 1 }, b"");
        },
    ];
    for word in words {
        let mut world = by_hand();
        let mut anna = Raw::open(&mut world, ANNA);
        word(&mut anna, &mut world);
        assert_eq!(anna.heard(&mut world), [Said::Close(Reason::MISBEHAVED)]);
        assert_eq!(world.controller(), None);
        assert!(world.program.running.is_empty());
    }
}

#[test]
fn a_request_that_has_not_arrived_cannot_be_answered() {
    let mut world = by_hand();
    let mut anna = Raw::open(&mut world, ANNA);
    anna.ask(&mut world, 1, 4, b"tw");
    assert_eq!(world.respond(anna.wire, RequestId(1), Outcome::Ok, b""), Err(Misuse::NoSuchCall));
    anna.say(&mut world, &Header::Chunk { id: 1 }, b"o!");
    assert_eq!(world.program.running[0].body, b"two!");
    world.respond(anna.wire, RequestId(1), Outcome::Ok, b"").unwrap();
}

#[test]
fn an_answer_over_the_limit_is_the_program_s_mistake_and_leaves_the_call_running() {
    let mut world = by_hand();
    let anna = world.open(ANNA);
    let call = world.call(anna, "screen.capture", b"");
    world.settle();
    let large = vec![0; limits::BODY_BYTES + 1];
    assert_eq!(world.respond(anna, call, Outcome::Ok, &large), Err(Misuse::BodyTooLarge));
    world.respond(anna, call, Outcome::Error(ErrorCode::LimitExceeded), b"too large").unwrap();
    world.settle();
    assert_eq!(world.client(anna).answers.len(), 1);
}

#[test]
fn parameters_over_the_limit_are_refused_and_the_session_lives() {
    let mut world = by_hand();
    let mut anna = Raw::open(&mut world, ANNA);
    let refused = status(ErrorCode::LimitExceeded);
    for (id, total) in [(1, limits::BODY_BYTES as u32 + 1), (2, u32::MAX)] {
        anna.ask(&mut world, id, total, b"the beginning");
        assert_eq!(anna.heard(&mut world).iter().filter_map(Said::answer).collect::<Vec<_>>(), [(id, refused)]);
        anna.say(&mut world, &Header::Chunk { id }, b"what was on its way already");
    }
    assert!(world.program.running.is_empty());
    anna.ask(&mut world, 3, 2, b"ok");
    assert_eq!(world.program.running.len(), 1);
}

#[test]
fn thirty_two_mebibytes_of_parameters_may_be_in_flight_and_small_calls_besides() {
    let mut world = by_hand();
    let mut anna = Raw::open(&mut world, ANNA);
    let whole = limits::BODY_BYTES as u32;
    anna.ask(&mut world, 1, whole, b"");
    anna.ask(&mut world, 2, whole, b"");
    assert!(anna.heard(&mut world).is_empty());
    anna.ask(&mut world, 3, limits::CHUNK_BYTES as u32 + 1, b"");
    let refused = status(ErrorCode::LimitExceeded);
    assert_eq!(anna.heard(&mut world).iter().filter_map(Said::answer).collect::<Vec<_>>(), [(3, refused)]);
    anna.ask(&mut world, 4, 1, b"1");
    assert_eq!(world.program.running.iter().filter(|running| running.complete).count(), 1, "a small one");

    anna.say(&mut world, &Header::Cancel { id: 1 }, b"");
    anna.ask(&mut world, 5, whole, b"");
    let answers: Vec<_> = anna.heard(&mut world).iter().filter_map(Said::answer).collect();
    assert_eq!(answers, [(1, status(ErrorCode::Cancelled))]);
}

#[test]
fn a_request_that_is_cancelled_half_way_is_sent_no_further() {
    let mut world = by_hand();
    let anna = world.open(ANNA);
    world.pipe(anna, Way::ToHost).stalled = true;
    let call = world.call(anna, "file.write", &pattern(BULK));
    assert!(world.transmit(anna, Way::ToHost) && world.transmit(anna, Way::ToHost));
    world.settle();
    assert_eq!(world.program.running[0].body.len(), 2 * limits::CHUNK_BYTES);

    world.cancel(anna, call).unwrap();
    assert!(world.transmit(anna, Way::ToHost), "the cancel overtakes the rest");
    world.settle();
    assert!(world.program.running.is_empty());
    assert_eq!(world.client(anna).answer(call).unwrap().outcome, Outcome::Error(ErrorCode::Cancelled));
    assert!(!world.transmit(anna, Way::ToHost), "nobody wants the rest");

    world.pipe(anna, Way::ToHost).stalled = false;
    let next = world.call(anna, "input.press", b"");
    world.settle();
    world.respond(anna, next, Outcome::Ok, b"").unwrap();
    world.settle();
    assert_eq!(order(&world, anna), [call, next]);
}

#[test]
fn parts_of_a_cancelled_request_that_were_on_their_way_are_ignored() {
    let mut world = by_hand();
    let mut anna = Raw::open(&mut world, ANNA);
    anna.ask(&mut world, 1, 6, b"one");
    anna.say(&mut world, &Header::Cancel { id: 1 }, b"");
    anna.say(&mut world, &Header::Chunk { id: 1 }, b"two");
    anna.say(&mut world, &Header::Chunk { id: 8 }, b"of nothing that ever was");
    anna.say(&mut world, &Header::Cancel { id: 1 }, b"");
    let answers: Vec<_> = anna.heard(&mut world).iter().map(Said::answer).collect();
    assert_eq!(answers, [Some((1, status(ErrorCode::Cancelled)))]);
    assert_eq!(world.controller(), Some(anna.wire));
}
