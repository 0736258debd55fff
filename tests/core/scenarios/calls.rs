//! Every request has exactly one answer (I6).

use core::time::Duration;

use opendesk_core::frame::Header;
use opendesk_core::{ErrorCode, Event, Misuse, Outcome, Reason, RequestId, limits};
use opendesk_tests::world::{Handler, Way, World};

use super::ANNA;
use crate::raw::{Raw, Said, status};

const CANCELLED: Outcome = Outcome::Error(ErrorCode::Cancelled);

fn by_hand() -> World {
    let mut world = World::new(1);
    world.program.handler = Handler::ByHand;
    world
}

#[test]
fn what_is_asked_is_what_the_program_gets() {
    let mut world = by_hand();
    let anna = world.open(ANNA);
    let call = world.call(anna, "input.type_text", b"some text");
    world.settle();
    let [running] = &world.program.running[..] else { panic!("one call runs") };
    assert_eq!((running.link, running.call), (world.link(anna), call));
    assert_eq!((&running.method[..], &running.body[..]), ("input.type_text", &b"some text"[..]));
    assert_eq!((running.operation, running.complete), (1_u128.to_le_bytes(), true));
    assert!(world.client(anna).answers.is_empty());

    world.respond(anna, call, Outcome::Ok, b"typed").unwrap();
    world.settle();
    let answer = world.client(anna).answer(call).unwrap();
    assert_eq!((answer.outcome, &answer.body[..]), (Outcome::Ok, &b"typed"[..]));
}

#[test]
fn answers_come_in_whatever_order_the_program_gives_them() {
    let mut world = by_hand();
    let anna = world.open(ANNA);
    let calls: Vec<RequestId> = (0..limits::CALLS).map(|_| world.call(anna, "test.method", b"")).collect();
    world.settle();
    let order = || calls.iter().step_by(2).chain(calls.iter().skip(1).step_by(2).rev());
    for call in order() {
        world.respond(anna, *call, Outcome::Ok, &call.0.to_le_bytes()).unwrap();
        world.settle();
    }
    let answers = &world.client(anna).answers;
    assert!(answers.iter().map(|answer| &answer.call).eq(order()));
    assert!(answers.iter().all(|answer| answer.body == answer.call.0.to_le_bytes()));
}

#[test]
fn every_error_arrives_with_its_code_and_its_line() {
    let mut world = by_hand();
    let anna = world.open(ANNA);
    for code in ErrorCode::ALL {
        let call = world.call(anna, "test.method", b"");
        world.settle();
        world.respond(anna, call, Outcome::Error(code), b"because").unwrap();
        world.settle();
        let answer = world.client(anna).answer(call).unwrap();
        assert_eq!((answer.outcome, &answer.body[..]), (Outcome::Error(code), &b"because"[..]));
    }
}

#[test]
fn a_call_has_one_answer_however_often_it_is_answered() {
    let mut world = by_hand();
    let anna = world.open(ANNA);
    let call = world.call(anna, "test.method", b"");
    world.settle();
    world.respond(anna, call, Outcome::Ok, b"first").unwrap();
    assert_eq!(world.respond(anna, call, Outcome::Ok, b"second"), Err(Misuse::NoSuchCall));
    world.settle();
    assert_eq!(world.respond(anna, call, Outcome::Ok, b"third"), Err(Misuse::NoSuchCall));
    assert_eq!(world.respond(anna, RequestId(99), Outcome::Ok, b""), Err(Misuse::NoSuchCall));
    assert_eq!(world.client(anna).answers.len(), 1);
}

#[test]
fn a_cancelled_call_ends_with_cancelled_and_the_program_is_told_once() {
    let mut world = by_hand();
    let anna = world.open(ANNA);
    let call = world.call(anna, "test.method", b"");
    world.settle();
    world.take_events();
    world.cancel(anna, call).unwrap();
    assert_eq!(world.cancel(anna, call), Err(Misuse::NoSuchCall), "once is enough");
    world.settle();

    assert_eq!(world.take_events(), [Event::CallCancelled { link: world.link(anna), call }]);
    assert_eq!(world.client(anna).answer(call).unwrap().outcome, CANCELLED);
    assert_eq!(world.respond(anna, call, Outcome::Ok, b"too late"), Err(Misuse::NoSuchCall));
    world.settle();
    assert_eq!(world.client(anna).answers.len(), 1);
    assert_eq!(world.cancel(anna, call), Err(Misuse::NoSuchCall));
}

#[test]
fn a_cancel_that_meets_the_answer_on_its_way_changes_nothing() {
    let mut world = by_hand();
    let anna = world.open(ANNA);
    let call = world.call(anna, "test.method", b"");
    world.settle();
    world.respond(anna, call, Outcome::Ok, b"done").unwrap();
    world.cancel(anna, call).unwrap();
    world.settle();
    assert_eq!(world.client(anna).answers.len(), 1);
    assert_eq!(world.client(anna).answer(call).unwrap().outcome, Outcome::Ok);
    assert!(!world.events.iter().any(|event| matches!(event, Event::CallCancelled { .. })));

    let next = world.call(anna, "test.method", b"");
    world.settle();
    world.respond(anna, next, Outcome::Ok, b"").unwrap();
    world.settle();
    assert_eq!(world.client(anna).answers.len(), 2, "the session goes on");
}

#[test]
fn a_call_that_is_cancelled_before_it_was_sent_is_not_carried_out() {
    let mut world = by_hand();
    let anna = world.open(ANNA);
    let call = world.call(anna, "input.press", b"enter");
    world.cancel(anna, call).unwrap();
    world.settle();
    assert!(world.program.running.is_empty(), "what the controller does not want must not happen");
    assert_eq!(world.client(anna).answer(call).unwrap().outcome, CANCELLED);
}

#[test]
fn a_number_that_is_not_greater_than_the_last_ends_only_its_own_session() {
    for numbers in [&[5, 5][..], &[5, 4], &[0], &[1, 2, 3, 1], &[u32::MAX, 1]] {
        let mut world = by_hand();
        let mut anna = Raw::open(&mut world, ANNA);
        let stranger = world.raw();
        let (last, before) = numbers.split_last().unwrap();
        for number in before {
            anna.ask(&mut world, *number, 0, b"");
        }
        assert_eq!(world.program.running.len(), before.len());
        anna.ask(&mut world, *last, 0, b"");
        assert_eq!(anna.heard(&mut world), [Said::Close(Reason::MISBEHAVED)]);
        assert!(world.is_gone(anna.wire) && !world.is_gone(stranger));
        assert!(world.program.running.is_empty());
    }
}

#[test]
fn a_number_is_used_up_even_by_a_call_that_is_over() {
    let mut world = World::new(1);
    let mut anna = Raw::open(&mut world, ANNA);
    anna.ask(&mut world, 7, 0, b"");
    assert_eq!(anna.heard(&mut world)[0].answer(), Some((7, 0)));
    anna.ask(&mut world, 7, 0, b"");
    assert_eq!(anna.heard(&mut world), [Said::Close(Reason::MISBEHAVED)]);
}

#[test]
fn the_sixty_fifth_call_is_refused_and_the_session_lives() {
    let mut world = by_hand();
    let mut anna = Raw::open(&mut world, ANNA);
    for number in 1..=64 {
        anna.ask(&mut world, number, 0, b"");
    }
    anna.ask(&mut world, 65, 0, b"");
    let refused = |number| Some((number, status(ErrorCode::LimitExceeded)));
    assert_eq!(anna.heard(&mut world).iter().map(Said::answer).collect::<Vec<_>>(), [refused(65)]);
    assert_eq!(world.program.running.len(), limits::CALLS);

    world.respond(anna.wire, RequestId(1), Outcome::Ok, b"").unwrap();
    world.settle();
    anna.ask(&mut world, 66, 0, b"");
    assert_eq!(anna.heard(&mut world).iter().map(Said::answer).collect::<Vec<_>>(), [Some((1, 0))]);
    assert_eq!(world.program.running.len(), limits::CALLS);
}

#[test]
fn a_controller_of_ours_does_not_ask_a_sixty_fifth_time() {
    let mut world = by_hand();
    let anna = world.open(ANNA);
    for _ in 0..limits::CALLS {
        world.call(anna, "test.method", b"");
    }
    assert_eq!(world.try_call(anna, "test.method", b""), Err(Misuse::TooManyCalls));
    assert!(!world.client(anna).client.has_room());
    world.settle();
    assert!(world.client(anna).closed().is_none());
}

#[test]
fn a_controller_that_asks_without_reading_loses_no_answer() {
    let mut world = by_hand();
    let mut anna = Raw::open(&mut world, ANNA);
    world.pipe(anna.wire, Way::ToPeer).stalled = true;
    for number in 1..=200 {
        anna.ask(&mut world, number, 0, b"");
    }
    // All that the program was given is answered while nothing can be sent.
    let running: Vec<RequestId> = world.program.running.iter().map(|running| running.call).collect();
    for call in running {
        world.respond(anna.wire, call, Outcome::Ok, b"").unwrap();
    }
    world.program.handler = Handler::Echo(Duration::ZERO);
    world.pipe(anna.wire, Way::ToPeer).stalled = false;
    world.settle();
    let mut answered: Vec<u32> = anna.heard(&mut world).iter().filter_map(Said::answer).map(|(id, _)| id).collect();
    answered.sort_unstable();
    assert!(answered.into_iter().eq(1..=200), "each of them once");
}

#[test]
fn a_name_that_is_no_method_is_an_invalid_argument() {
    let long = "a".repeat(limits::METHOD_BYTES + 1);
    let mut world = by_hand();
    let mut anna = Raw::open(&mut world, ANNA);
    for (id, method) in (1..).zip(["", "Upper", "with space", "ümlaut", "semi;colon", &long]) {
        anna.say(&mut world, &Header::Request { id, operation: [0; 16], method, total: 0, stream: None }, b"");
        let answers: Vec<_> = anna.heard(&mut world).iter().map(Said::answer).collect();
        assert_eq!(answers, [Some((id, status(ErrorCode::InvalidArgument)))], "{method}");
    }
    assert!(world.program.running.is_empty());
    anna.say(
        &mut world,
        &Header::Request { id: 99, operation: [0; 16], method: &long[1..], total: 0, stream: None },
        b"",
    );
    assert_eq!(world.program.running.len(), 1);

    let mut world = by_hand();
    let anna = world.open(ANNA);
    for method in ["", &long] {
        assert_eq!(world.try_call(anna, method, b""), Err(Misuse::MethodName));
    }
}

#[test]
fn a_call_before_or_after_the_session_is_not_made() {
    let mut world = by_hand();
    let anna = world.connect(ANNA);
    assert_eq!(world.try_call(anna, "test.method", b""), Err(Misuse::NotOpen));
    world.program.trusted.insert(ANNA.public());
    world.settle();
    let call = world.call(anna, "test.method", b"");
    world.settle();
    world.close(anna, Reason::DONE);
    assert_eq!(world.try_call(anna, "test.method", b""), Err(Misuse::NotOpen));
    assert_eq!(world.cancel(anna, call), Err(Misuse::NotOpen));
    world.settle();
    assert_eq!(world.respond(anna, call, Outcome::Ok, b""), Err(Misuse::NoSuchLink));
    assert!(world.client(anna).answers.is_empty());
}

#[test]
fn a_slow_answer_comes_when_it_is_due() {
    let mut world = World::new(1);
    let anna = world.open(ANNA);
    world.program.handler = Handler::Echo(Duration::from_secs(20));
    let call = world.call(anna, "process.wait", b"");
    world.advance(Duration::from_secs(19));
    assert_eq!(world.client(anna).answer(call), None);
    world.advance(Duration::from_secs(1));
    assert!(world.client(anna).answer(call).is_some());
}

#[test]
fn pushes_arrive_and_eight_may_wait() {
    let mut world = World::new(1);
    let anna = world.open(ANNA);
    for topic in 0..8 {
        world.push(anna, topic, format!("news of {topic}").as_bytes()).unwrap();
    }
    assert_eq!(world.push(anna, 8, b""), Err(Misuse::TooManyCalls));
    assert_eq!(world.push(anna, 8, &vec![0; limits::CHUNK_BYTES + 1]), Err(Misuse::BodyTooLarge));
    world.settle();
    let pushes = &world.client(anna).pushes;
    assert!(pushes.iter().map(|(topic, _)| *topic).eq(0..8));
    assert_eq!(pushes[3].1, b"news of 3");

    world.close(anna, Reason::DONE);
    world.settle();
    assert_eq!(world.push(anna, 1, b""), Err(Misuse::NoSuchLink));
}

/// Cancels that wait while nothing can be sent, of calls that are answered meanwhile, leave room for those that matter.
#[test]
fn a_cancel_is_not_lost_behind_those_of_calls_that_were_answered() {
    let mut world = World::new(1);
    world.program.handler = Handler::ByHand;
    let anna = world.open(ANNA);
    let calls: Vec<RequestId> = (0..limits::CALLS).map(|_| world.call(anna, "input.text", b"")).collect();
    world.settle();
    world.pipe(anna, Way::ToHost).stalled = true;
    for call in calls {
        world.cancel(anna, call).unwrap();
        world.respond(anna, call, Outcome::Ok, b"").unwrap();
    }
    world.settle();
    let last = world.call(anna, "input.text", b"");
    world.cancel(anna, last).unwrap();
    world.pipe(anna, Way::ToHost).stalled = false;
    world.settle();
    assert_eq!(world.client(anna).answer(last).unwrap().outcome, Outcome::Error(ErrorCode::Cancelled));
}
