//! Links of version 1 that are silent, slow or never finished, and recordings of them.

use core::time::Duration;

use opendesk_core::dialect::v1::AuthClient;
use opendesk_core::{
    Bodies, BodyId, ClientEvent, Delivery, Event, Host, Instant, Keys, LinkId, Outcome, Reason, Refusal, SigningKey,
    StaticKey, Wire, limits,
};
use opendesk_tests::world::storm::replays;
use opendesk_tests::world::{Handler, Way, World};
use serde_json::json;

use super::pairing::{CODE, right};
use super::{ANNA, BEN};
use crate::raw1::{Raw1, cancel, packed, req};

const MOMENT: Duration = Duration::from_micros(1);

fn probes(events: &[Event], link: LinkId) -> usize {
    events.iter().filter(|event| **event == Event::ProbeDue { link }).count()
}

#[test]
fn a_quiet_link_is_to_be_asked_by_its_transport_and_a_silent_one_is_dead() {
    let mut world = World::new(1);
    let mut anna = Raw1::open(&mut world, ANNA);
    let link = world.link(anna.wire);
    world.advance(limits::PING_AFTER - MOMENT);
    assert_eq!(probes(&world.take_events(), link), 0);
    world.advance(MOMENT);
    assert_eq!(probes(&world.take_events(), link), 1);
    assert!(anna.heard_bytes(&mut world).is_empty(), "there is no frame for that");

    for _ in 0..20 {
        world.show_life(anna.wire);
        world.advance(limits::PING_AFTER);
        assert_eq!(probes(&world.take_events(), link), 1);
    }
    assert!(anna.is_served(&mut world), "after minutes");

    world.advance(limits::SILENCE - MOMENT);
    assert_eq!((world.controller(), probes(&world.take_events(), link)), (Some(anna.wire), 2));
    world.advance(MOMENT);
    let (peer, reason) = (ANNA.public(), Reason::SILENT);
    assert_eq!(world.take_events(), [Event::SessionEnded { link, peer, reason }, Event::LinkClosed { link, reason }]);
    assert!(anna.heard_bytes(&mut world).is_empty());
}

#[test]
fn our_controller_notices_the_same_of_its_host() {
    let mut world = World::new(1);
    world.program.trusted.insert(ANNA.public());
    let anna = world.connect_by_version_1(ANNA);
    world.settle();
    for _ in 0..5 {
        world.advance(limits::PING_AFTER);
        world.show_life(anna);
    }
    let probed = |event: &&ClientEvent| matches!(event, ClientEvent::ProbeDue);
    assert_eq!(world.client(anna).events.iter().filter(probed).count(), 5);
    assert!(world.client(anna).client.is_open());
    world.pipe(anna, Way::ToPeer).held = true;
    world.advance(limits::SILENCE);
    assert_eq!(world.client(anna).closed(), Some(Reason::SILENT));
}

#[test]
fn life_is_of_use_only_to_a_session() {
    let mut world = World::new(1);
    world.program.trusted.insert(ANNA.public());
    let anna = Raw1::keyed(&mut world, ANNA.static_key());
    world.advance(limits::HANDSHAKE - MOMENT);
    world.show_life(anna.wire);
    assert!(!world.is_gone(anna.wire));
    world.advance(MOMENT);
    assert!(world.is_gone(anna.wire));
    assert_eq!(world.take_events(), [Event::LinkClosed { link: world.link(anna.wire), reason: Reason::TIMEOUT }]);
    world.show_life(anna.wire);
    world.advance(limits::SILENCE);
    assert!(world.take_events().is_empty());
}

/// A host and its program are without a word here.
struct Nothing;

impl Bodies for Nothing {
    fn copy(&mut self, _: LinkId, _: BodyId, _: usize, _: &mut [u8]) {
        panic!("nothing has a body");
    }
}

/// A host whose program does not answer whether it trusts whoever says who it is.
fn undecided() -> (Box<Host<40>>, Instant) {
    let keys = Keys { static_key: StaticKey::new([0xd0; 32]), signing_key: SigningKey::new([0xd1; 32]) };
    (Box::new(Host::new(keys, [7; 32])), Instant::from_micros(1))
}

fn claim(host: &mut Host<40>, now: Instant, link: LinkId) {
    let (_, mut first) = AuthClient::start(ANNA.static_key(), host.keys().static_key.public(), [9; 32]);
    let delivery = host.handle_message(now, link, &mut first);
    let Delivery::Claim(claim) = delivery else { panic!("{delivery:?}") };
    assert_eq!((claim.link, claim.peer), (link, ANNA.public()));
}

#[test]
fn whoever_has_only_said_who_it_is_counts_as_a_stranger_until_the_deadline() {
    let (mut host, now) = undecided();
    let mut buf = vec![0; limits::RECORD_BYTES];
    let links = [(); limits::HALF_OPEN_PER_ADDRESS].map(|()| host.open(now, [1; 16]).unwrap());
    for link in links {
        claim(&mut host, now, link);
        assert!(!host.wants_input(link), "what follows waits for the program");
        assert_eq!(host.poll_transmit(link, &mut Nothing, &mut buf), None);
    }
    assert_eq!(host.open(now, [1; 16]), Err(Refusal::Crowded));
    assert_eq!(host.poll_timeout().map(|deadline| deadline.at), Some(now.after(limits::HANDSHAKE)));

    host.handle_timeout(now.after(limits::HANDSHAKE - MOMENT));
    assert_eq!(host.poll_event(), None);
    host.handle_timeout(now.after(limits::HANDSHAKE));
    for link in links {
        assert_eq!(host.poll_transmit(link, &mut Nothing, &mut buf), None);
        assert_eq!(host.poll_event(), Some(Event::LinkClosed { link, reason: Reason::TIMEOUT }));
        host.vouch(now, link, true);
        assert_eq!((host.poll_transmit(link, &mut Nothing, &mut buf), host.poll_event()), (None, None));
    }
    assert!(host.open(now, [1; 16]).is_ok());
}

#[test]
fn the_word_of_the_program_is_asked_for_once_and_counts_once() {
    let (mut host, now) = undecided();
    let mut buf = vec![0; limits::RECORD_BYTES];
    let link = host.open(now, [1; 16]).unwrap();
    host.vouch(now, link, true);
    assert_eq!(host.poll_transmit(link, &mut Nothing, &mut buf), None, "nobody has asked");
    claim(&mut host, now, link);
    host.vouch(now, link, true);
    host.vouch(now, link, false);
    assert!(host.poll_transmit(link, &mut Nothing, &mut buf).is_some());
    assert_eq!((host.poll_transmit(link, &mut Nothing, &mut buf), host.poll_event()), (None, None));
    assert!(host.wants_input(link), "its greeting is awaited");
}

#[test]
fn two_who_say_the_same_are_not_answered_in_the_same_way() {
    let (mut host, now) = undecided();
    let mut buf = vec![0; limits::RECORD_BYTES];
    let mut answers = [true, true, false, false].map(|is_known| {
        let link = host.open(now, [1; 16]).unwrap();
        claim(&mut host, now, link);
        host.vouch(now, link, is_known);
        let length = host.poll_transmit(link, &mut Nothing, &mut buf).unwrap();
        buf[..length].to_vec()
    });
    assert!(answers.iter().all(|answer| answer.len() == answers[0].len()));
    answers.sort();
    assert!(answers.windows(2).all(|two| two[0] != two[1]));
}

/// A pairing, a stream, a cancel, a mistake, an end: what anybody can say in version 1.
fn conversation(seed: u64) -> World {
    let mut world = World::new(seed);
    world.show_code_to_all(CODE, right());
    let mut anna = Raw1::pair(&mut world, ANNA, &right());
    world.program.handler = Handler::ByHand;
    anna.say(&mut world, &req(1, "display.subscribe", true, json!({})));
    anna.say(&mut world, &req(-2, "fs.write", false, json!({"data": "x".repeat(200_000)})));
    let [stream, write] = [0, 1].map(|index: usize| world.program.running[index].call);
    for _ in 0..3 {
        world.send_item(anna.wire, stream, &packed(&json!({"an": "item"}))).expect("it is a stream");
        world.settle();
    }
    world.respond(anna.wire, write, Outcome::Ok, &packed(&json!({"d": "y".repeat(300_000)}))).expect("it runs");
    anna.say(&mut world, &cancel(1));
    world.advance(limits::PING_AFTER);
    world.show_life(anna.wire);
    world.host.set_oldest(Wire::V1);
    let ben = Raw1::open_beside(&mut world, BEN);
    assert!(world.is_gone(ben), "it is busy");
    anna.say_bytes(&mut world, b"no frame");
    assert!(world.is_gone(anna.wire));
    world
}

#[test]
fn a_recorded_conversation_gives_the_same_when_it_is_done_again() {
    let mut world = conversation(1);
    replays(world.recording().to_vec()).unwrap();
    let (again, other) = (conversation(1), conversation(2));
    assert_eq!(world.trace(), again.trace());
    assert_ne!(world.trace(), other.trace());
}
