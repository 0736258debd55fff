//! Who drives: one at a time, by a trusted key, and nobody before the last one's keys are released.

use core::time::Duration;

use opendesk_core::frame::Header;
use opendesk_core::{Client, ClientEvent, Decision, Event, GreetingVerdict, Reason, SigningKey, limits};
use opendesk_tests::world::{Handler, Way, Wire, World};

use super::{ANNA, BEN, CARL};
use crate::raw::{Raw, Said};

fn endings(world: &World) -> Vec<Reason> {
    let reason = |event: &Event| if let Event::SessionEnded { reason, .. } = event { Some(*reason) } else { None };
    world.events.iter().filter_map(reason).collect()
}

#[test]
fn a_trusted_peer_drives() {
    let mut world = World::new(1);
    let anna = world.open(ANNA);
    let (link, host, now) = (world.link(anna), world.host_key(), world.now());
    assert_eq!(world.host.controller(), Some((link, ANNA.public(), now)));
    let opened = Event::SessionOpened { link, peer: ANNA.public() };
    assert_eq!(world.take_events(), [opened, Event::GreetingDue { link, verdict: GreetingVerdict::Welcome }]);
    let client = world.client(anna);
    let handshake = world.host.handshake_hash(link).unwrap();
    let signing_key = SigningKey::new([0xd1; 32]).public();
    assert_eq!(
        client.events,
        [ClientEvent::Opened { host, signing_key: Some(signing_key), handshake, memory: client.memory().unwrap() }]
    );
    assert_eq!(client.greeting.as_deref(), Some(&b"welcome"[..]));
    let proved = &world.program.proved[0];
    assert_eq!((proved.peer, proved.paired, &proved.body[..]), (ANNA.public(), false, &b"a controller"[..]));
}

#[test]
fn an_untrusted_peer_is_told_so_and_nothing_else() {
    let mut world = World::new(1);
    let ben = world.connect(BEN);
    world.settle();
    let (link, host) = (world.link(ben), world.host_key());
    let handshake = world.program.proved[0].handshake;
    let (reason, signing_key) = (Reason::UNTRUSTED, SigningKey::new([0xd1; 32]).public());
    let refused = ClientEvent::Refused { host, signing_key: Some(signing_key), handshake, reason };
    assert_eq!(world.client(ben).events, [refused, ClientEvent::Closed { reason, tries_left: 0 }]);
    assert_eq!(world.client(ben).greeting.as_deref(), Some(&b""[..]));
    assert_eq!(world.pipe(ben, Way::ToPeer).overheard.len(), 2, "the handshake's answer and the HELLO");
    let greeting = Event::GreetingDue { link, verdict: GreetingVerdict::Refused(reason) };
    assert_eq!(world.take_events(), [greeting, Event::LinkClosed { link, reason }]);
    assert!(world.is_gone(ben));
}

#[test]
fn whoever_expects_another_host_gets_no_session() {
    let mut world = World::new(1);
    world.program.trusted.insert(ANNA.public());
    let seed = world.random();
    let anna = world.attach(Client::auth(world.now(), ANNA.config(), CARL.public(), seed));
    world.settle();
    assert_eq!(world.client(anna).closed(), Some(Reason::FORGED));
    assert!(world.program.proved.is_empty());
}

#[test]
fn another_peer_is_told_who_drives_and_since_when() {
    let mut world = World::new(1);
    let anna = world.open(ANNA);
    let since = world.now();
    world.advance(Duration::from_secs(5));
    world.program.trusted.insert(BEN.public());
    let ben = world.connect(BEN);
    world.settle();

    let verdict = GreetingVerdict::Busy { holder: ANNA.public(), since };
    assert!(world.events.contains(&Event::GreetingDue { link: world.link(ben), verdict }));
    let told = format!("busy: {} since {}", ANNA.public(), since.micros());
    assert_eq!(world.client(ben).greeting.as_deref(), Some(told.as_bytes()));
    assert_eq!(world.client(ben).closed(), Some(Reason::BUSY));
    assert_eq!(world.controller(), Some(anna));
    assert!(endings(&world).is_empty());
}

#[test]
fn the_same_peer_replaces_its_old_session_once_that_is_released() {
    let mut world = World::new(1);
    world.program.releases_at_once = false;
    world.program.handler = Handler::ByHand;
    let old = world.open(ANNA);
    world.call(old, "input.press", b"");
    world.settle();
    assert_eq!(world.program.running.len(), 1);

    let new = world.connect(ANNA);
    world.settle();
    assert_eq!(world.client(old).closed(), Some(Reason::REPLACED));
    assert!(world.program.running.is_empty());
    assert_eq!((world.controller(), world.client(new).opened()), (None, None));

    world.advance(Duration::from_secs(9));
    assert_eq!(world.controller(), None);
    world.release();
    world.settle();
    assert_eq!(world.controller(), Some(new));
    assert_eq!(endings(&world), [Reason::REPLACED]);
}

#[test]
fn nobody_is_admitted_before_the_last_session_is_released() {
    let mut world = World::new(1);
    world.program.releases_at_once = false;
    for peer in [BEN, CARL] {
        world.program.trusted.insert(peer.public());
    }
    let anna = world.open(ANNA);
    world.close(anna, Reason::DONE);
    world.settle();
    let waiting: Vec<Wire> = [BEN, CARL, ANNA].map(|peer| world.connect(peer)).to_vec();
    world.settle();
    assert_eq!(world.controller(), None);
    assert!(waiting.iter().all(|wire| world.client(*wire).events.is_empty()), "neither welcome nor busy");

    // A word about a link that is not the one, or about the same one twice, changes nothing.
    let (now, other, own) = (world.now(), world.link(waiting[0]), world.link(anna));
    world.host.released(now, other);
    world.settle();
    assert_eq!(world.controller(), None);

    world.release();
    world.settle();
    assert_eq!(world.controller(), Some(waiting[0]), "first come, first served");
    for wire in &waiting[1..] {
        assert_eq!(world.client(*wire).closed(), Some(Reason::BUSY));
    }
    world.host.released(now, own);
    world.settle();
    assert_eq!(world.controller(), Some(waiting[0]));
}

#[test]
fn however_a_session_ends_its_calls_are_cancelled_and_the_place_waits_for_the_release() {
    type End = fn(&mut World, Wire);
    let ends: [(Reason, End); 7] = [
        (Reason::DONE, |world, wire| world.close(wire, Reason::DONE)),
        (Reason::LOST, |world, wire| world.cut(wire)),
        (Reason::EVICTED, |world, wire| world.evict(wire, Reason::EVICTED)),
        (Reason::FORGED, |world, wire| world.send(wire, Way::ToHost, b"no record of this session")),
        (Reason::TOO_LARGE, |world, wire| world.send(wire, Way::ToHost, &vec![0; limits::RECORD_BYTES + 1])),
        (Reason::REPLACED, |world, _| {
            world.connect(ANNA);
        }),
        (Reason::SILENT, |world, wire| {
            world.pipe(wire, Way::ToHost).held = true;
            world.advance(limits::SILENCE);
        }),
    ];
    for (reason, end) in ends {
        let mut world = World::new(1);
        world.program.handler = Handler::ByHand;
        let anna = world.open(ANNA);
        world.program.releases_at_once = false;
        for _ in 0..3 {
            world.call(anna, "input.press", b"");
        }
        world.settle();
        assert_eq!(world.program.running.len(), 3);

        end(&mut world, anna);
        world.settle();
        assert_eq!(endings(&world), [reason]);
        assert!(world.program.running.is_empty(), "{reason:?}");
        assert_eq!(world.program.unreleased, [world.link(anna)], "{reason:?}");
        assert!(!world.client(anna).client.is_open(), "{reason:?}");

        world.program.trusted.insert(BEN.public());
        let ben = world.connect(BEN);
        world.settle();
        assert_eq!(world.controller(), None, "{reason:?}");
        world.release();
        world.settle();
        let next = if reason == Reason::REPLACED { Wire(ben.0 - 1) } else { ben };
        assert_eq!(world.controller(), Some(next), "{reason:?}");
    }
}

#[test]
fn a_peer_that_waits_too_long_for_a_release_is_told_that_the_host_is_busy() {
    let mut world = World::new(1);
    world.program.releases_at_once = false;
    let anna = world.open(ANNA);
    world.close(anna, Reason::DONE);
    world.settle();

    world.program.trusted.insert(BEN.public());
    let mut ben = Raw::keyed(&mut world, BEN.static_key());
    let hello = ben.hello(BEN);
    ben.say(&mut world, &Header::Hello(hello), b"");
    world.advance(limits::HANDSHAKE - Duration::from_micros(1));
    assert!(ben.heard(&mut world).is_empty());
    world.advance(Duration::from_micros(1));
    assert_eq!(ben.heard(&mut world), [Said::Hello { error: Some(Reason::BUSY), body: vec![] }]);
    assert!(world.is_gone(ben.wire));
}

#[test]
fn a_peer_that_is_not_judged_in_time_is_let_go() {
    let mut world = World::new(1);
    world.program.decides_at_once = false;
    let anna = world.connect(ANNA);
    world.settle();
    assert_eq!(world.program.proved.len(), 1);
    world.advance(limits::HANDSHAKE);
    assert!(world.is_gone(anna));
    assert!(world.events.contains(&Event::LinkClosed { link: world.link(anna), reason: Reason::TIMEOUT }));

    world.decide(anna, Decision::Trusted);
    world.settle();
    assert_eq!(world.controller(), None, "the verdict came too late");
}

#[test]
fn the_owner_may_refuse_a_trusted_peer_and_the_reason_arrives() {
    let mut world = World::new(1);
    world.program.decides_at_once = false;
    let anna = world.connect(ANNA);
    world.settle();
    world.decide(anna, Decision::Refused(Reason::REFUSED));
    world.settle();
    assert_eq!(world.client(anna).closed(), Some(Reason::REFUSED));
    world.decide(anna, Decision::Trusted);
    world.settle();
    assert_eq!(world.controller(), None, "one verdict is all");
}

#[test]
fn the_reason_of_a_close_arrives_at_the_other_side() {
    for reason in [Reason::DONE, Reason::SHUTDOWN, Reason::EVICTED, Reason(4711)] {
        let mut world = World::new(1);
        let anna = world.open(ANNA);
        world.close(anna, reason);
        world.settle();
        // What only the owner of the host can cause, a controller cannot claim.
        let believed = if reason == Reason::SHUTDOWN { reason } else { Reason::DONE };
        assert_eq!(endings(&world), [believed]);
        assert!(world.is_gone(anna) && world.client(anna).client.is_closed());

        let anna = world.open(ANNA);
        world.evict(anna, reason);
        world.settle();
        assert_eq!(world.client(anna).closed(), Some(reason));
        assert!(world.is_gone(anna) && world.client(anna).client.is_closed());
    }
}
