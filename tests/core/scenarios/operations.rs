//! What is asked for again after a link was lost is not carried out twice.

use opendesk_core::frame::Header;
use opendesk_core::{ErrorCode, OperationId, Outcome, RequestId, limits};
use opendesk_tests::world::{Handler, Way, Wire, World};

use super::{ANNA, BEN};
use crate::raw::Raw;

const CLICK: OperationId = *b"one single click";

fn by_hand() -> World {
    let mut world = World::new(1);
    world.program.handler = Handler::ByHand;
    world.program.trusted.insert(ANNA.public());
    world
}

fn click(world: &mut World, wire: Wire) -> RequestId {
    world.call_for(wire, "input.pointer", CLICK, b"click").expect("the session is open")
}

#[test]
fn what_was_done_before_the_link_was_lost_is_answered_and_not_done_again() {
    let mut world = by_hand();
    let first = world.open(ANNA);
    let call = click(&mut world, first);
    world.settle();
    // The answer is lost with the link.
    world.pipe(first, Way::ToPeer).stalled = true;
    world.respond(first, call, Outcome::Ok, b"clicked").unwrap();
    world.cut(first);
    world.settle();
    let second = world.open(ANNA);
    assert_eq!(world.client(first).memory(), world.client(second).memory());
    let again = click(&mut world, second);
    world.settle();
    let running = world.program.running.last().unwrap();
    assert_eq!((running.call, running.repeats), (again, Some(Outcome::Ok)));
    world.respond(second, again, Outcome::Ok, b"clicked").unwrap();
    world.settle();
    assert_eq!(world.client(second).answer(again).unwrap().body, b"clicked");
}

#[test]
fn what_never_arrived_is_done() {
    let mut world = by_hand();
    let first = world.open(ANNA);
    world.pipe(first, Way::ToHost).held = true;
    click(&mut world, first);
    world.settle();
    world.cut(first);
    world.settle();
    let second = world.open(ANNA);
    click(&mut world, second);
    world.settle();
    assert_eq!(world.program.running.last().unwrap().repeats, None);
}

#[test]
fn what_arrived_in_part_was_not_done() {
    let mut world = by_hand();
    let mut raw = Raw::open(&mut world, ANNA);
    let request = Header::Request { id: 1, operation: CLICK, method: "input.text", total: 10, stream: None };
    raw.say(&mut world, &request, b"half");
    world.hang_up(raw.wire);
    let anna = world.open(ANNA);
    click(&mut world, anna);
    world.settle();
    assert_eq!(world.program.running.last().unwrap().repeats, None);
}

#[test]
fn what_is_still_being_done_is_not_begun_again() {
    let mut world = by_hand();
    let first = world.open(ANNA);
    click(&mut world, first);
    world.settle();
    world.cut(first);
    world.settle();
    let second = world.open(ANNA);
    let early = click(&mut world, second);
    world.settle();
    assert_eq!(world.client(second).answer(early).unwrap().outcome, Outcome::Error(ErrorCode::Busy));
    assert!(world.program.running.is_empty());
    // The desktop reports what came of it.
    world.host.settle(ANNA.public(), CLICK, Outcome::Error(ErrorCode::Cancelled));
    click(&mut world, second);
    world.settle();
    let running = world.program.running.last().unwrap();
    assert_eq!(running.repeats, Some(Outcome::Error(ErrorCode::Cancelled)));
}

#[test]
fn a_call_that_is_cancelled_is_remembered_by_what_it_really_did() {
    let mut world = by_hand();
    let anna = world.open(ANNA);
    let call = click(&mut world, anna);
    world.settle();
    world.cancel(anna, call).unwrap();
    world.settle();
    assert_eq!(world.client(anna).answer(call).unwrap().outcome, Outcome::Error(ErrorCode::Cancelled));
    world.host.settle(ANNA.public(), CLICK, Outcome::Ok);
    click(&mut world, anna);
    world.settle();
    assert_eq!(world.program.running.last().unwrap().repeats, Some(Outcome::Ok));
}

#[test]
fn the_same_name_for_an_operation_of_another_peer_means_nothing() {
    let mut world = by_hand();
    let anna = world.open(ANNA);
    let call = click(&mut world, anna);
    world.settle();
    world.respond(anna, call, Outcome::Ok, b"").unwrap();
    world.settle();
    let anna_memory = world.client(anna).memory();
    world.close(anna, opendesk_core::Reason::DONE);
    world.settle();
    let ben = world.open(BEN);
    click(&mut world, ben);
    world.settle();
    assert_eq!(world.program.running.last().unwrap().repeats, None);
    assert_ne!(world.client(ben).memory(), anna_memory);
}

#[test]
fn a_peer_that_was_forgotten_is_told_by_another_number() {
    let mut world = by_hand();
    let before = world.open(ANNA);
    let known = world.client(before).memory();
    world.cut(before);
    world.settle();
    for number in 0..limits::MEMORIES as u8 {
        let other = world.open(opendesk_tests::world::Peer(50 + number));
        world.cut(other);
        world.settle();
    }
    let after = world.open(ANNA);
    assert_ne!(world.client(after).memory(), known);
}
