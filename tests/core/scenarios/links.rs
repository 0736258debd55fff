//! Links that are slow, silent, stalled or long gone.

use core::time::Duration;

use opendesk_core::frame::Header;
use opendesk_core::{Decision, Delivery, Event, Misuse, Outcome, Reason, RequestId, limits};
use opendesk_tests::world::{Handler, Way, World};

use super::{ANNA, BEN, CARL};
use crate::raw::{Raw, Said};

const MOMENT: Duration = Duration::from_micros(1);

#[test]
fn a_silent_link_is_dead_at_thirty_seconds_and_its_place_is_free_at_that_moment() {
    let mut world = World::new(1);
    let anna = world.open(ANNA);
    world.pipe(anna, Way::ToHost).held = true;
    world.pipe(anna, Way::ToPeer).held = true;
    world.advance(limits::SILENCE - MOMENT);
    assert_eq!(world.controller(), Some(anna));
    world.advance(MOMENT);
    assert_eq!(world.controller(), None);
    let (link, peer, reason) = (world.link(anna), ANNA.public(), Reason::SILENT);
    assert!(world.events.contains(&Event::SessionEnded { link, peer, reason }));
    assert_eq!(world.client(anna).closed(), Some(Reason::SILENT), "the controller has noticed too");
    world.open(BEN);
}

#[test]
fn a_quiet_link_lives_by_pings_and_pongs() {
    let mut world = World::new(1);
    let anna = world.open(ANNA);
    world.advance(Duration::from_secs(3600));
    assert_eq!(world.controller(), Some(anna));
    let call = world.call(anna, "system.echo", b"after an hour");
    world.settle();
    assert_eq!(world.client(anna).answer(call).unwrap().body, b"after an hour");
    for way in [Way::ToHost, Way::ToPeer] {
        let words = world.pipe(anna, way).overheard.len();
        assert!((360..1500).contains(&words), "{way:?}: {words} messages in an hour");
    }
}

#[test]
fn a_ping_is_answered_with_its_token() {
    let mut world = World::new(1);
    let mut anna = Raw::open(&mut world, ANNA);
    for token in [0, 7, u32::MAX] {
        anna.say(&mut world, &Header::Ping { token }, b"");
        assert_eq!(anna.heard(&mut world), [Said::Pong(token)]);
    }
    world.advance(limits::PING_AFTER - MOMENT);
    assert!(anna.heard(&mut world).is_empty());
    world.advance(MOMENT);
    assert!(matches!(anna.heard(&mut world)[..], [Said::Ping(_)]), "it is asked when it is quiet");
}

#[test]
fn a_slow_network_changes_nothing_but_the_time() {
    let mut world = World::new(1);
    world.program.trusted.insert(ANNA.public());
    let anna = world.connect(ANNA);
    for way in [Way::ToHost, Way::ToPeer] {
        world.pipe(anna, way).latency = Duration::from_secs(1);
    }
    world.advance(Duration::from_secs(4) - MOMENT);
    assert_eq!((world.controller(), world.client(anna).opened()), (Some(anna), None));
    world.advance(MOMENT);
    assert!(world.client(anna).opened().is_some());
    let call = world.call(anna, "system.echo", b"");
    world.advance(Duration::from_secs(2));
    assert!(world.client(anna).answer(call).is_some());
}

#[test]
fn a_controller_that_stops_reading_holds_up_nobody_else() {
    let mut world = World::new(1);
    world.program.handler = Handler::ByHand;
    let old = world.open(ANNA);
    world.pipe(old, Way::ToPeer).stalled = true;
    let call = world.call(old, "screen.capture", b"");
    world.settle();
    world.respond(old, call, Outcome::Ok, &vec![0; limits::BODY_BYTES]).unwrap();

    world.program.trusted.insert(BEN.public());
    let ben = world.connect(BEN);
    world.settle();
    assert_eq!(world.client(ben).closed(), Some(Reason::BUSY));

    let new = world.connect(ANNA);
    world.settle();
    assert_eq!(world.controller(), Some(new));
    assert!(!world.is_gone(old), "the reason may still be read");
    world.advance(limits::LINGER);
    assert!(world.is_gone(old));
    assert_eq!(world.controller(), Some(new));
}

#[test]
fn a_refused_link_has_two_seconds_to_read_why() {
    let mut world = World::new(1);
    world.open(ANNA);
    world.program.trusted.insert(BEN.public());
    let ben = world.connect(BEN);
    world.pipe(ben, Way::ToHost).held = true;
    world.settle();
    assert!(world.deliver(ben, Way::ToHost));
    world.settle();
    world.pipe(ben, Way::ToPeer).stalled = true;
    assert!(world.deliver(ben, Way::ToHost), "the HELLO");
    world.advance(limits::LINGER - MOMENT);
    assert!(!world.is_gone(ben));
    world.advance(MOMENT);
    assert!(world.is_gone(ben));
}

#[test]
fn a_full_socket_leaves_no_deadline_in_the_past() {
    let mut world = World::new(1);
    let anna = world.open(ANNA);
    world.pipe(anna, Way::ToPeer).stalled = true;
    world.pipe(anna, Way::ToHost).stalled = true;
    // At both ends a ping is due and cannot be sent.
    world.advance(limits::PING_AFTER);
    assert!(world.host.poll_timeout().unwrap().at > world.now(), "a driver would spin");
    assert!(world.client(anna).client.poll_timeout().unwrap().at > world.now(), "a driver would spin");
    world.advance(limits::SILENCE);
    assert_eq!((world.controller(), world.client(anna).closed()), (None, Some(Reason::SILENT)));
}

#[test]
fn a_full_socket_hides_no_deadline_of_another_link() {
    let mut world = World::new(1);
    let anna = world.open(ANNA);
    world.pipe(anna, Way::ToPeer).stalled = true;
    world.pipe(anna, Way::ToHost).held = true;
    world.advance(limits::PING_AFTER + Duration::from_secs(5));
    let until = world.now().after(limits::HANDSHAKE);
    let stranger = world.raw();
    while world.now() < until {
        assert!(!world.is_gone(stranger));
        let next = world.host.poll_timeout().unwrap();
        assert!(next.at > world.now() && next.at <= until, "{next:?} hides the stranger's deadline");
        world.jump();
    }
    assert!(world.is_gone(stranger));
}

#[test]
fn time_that_passes_without_a_deadline_changes_nothing() {
    let mut world = World::new(1);
    let anna = world.open(ANNA);
    world.take_events();
    for _ in 0..100 {
        let now = world.now();
        world.host.handle_timeout(now);
        world.settle();
        world.advance(Duration::from_millis(50));
    }
    assert!(world.take_events().is_empty());
    assert_eq!(world.controller(), Some(anna));
    assert_eq!(world.overheard(anna).len(), 2);
}

#[test]
fn a_name_of_a_link_that_is_gone_names_nobody() {
    let mut world = World::new(1);
    world.program.handler = Handler::ByHand;
    let old = world.open(ANNA);
    let call = world.call(old, "test.method", b"");
    world.settle();
    world.close(old, Reason::DONE);
    world.settle();
    let stale = world.link(old);

    // Somebody else has the place now, and a call with the same number.
    let new = world.open(BEN);
    assert_eq!(world.call(new, "test.method", b""), call);
    world.settle();
    world.show_code("314159");
    world.take_events();
    let now = world.now();
    let before = (world.host.controller(), world.host.poll_timeout(), world.program.running.clone());

    let host = &mut world.host;
    assert!(matches!(host.handle_message(now, stale, &mut [0; 64]), Delivery::Nothing));
    assert!(matches!(host.handle_message(now, stale, &mut b"OD2A".to_vec()), Delivery::Nothing));
    host.handle_eof(now, stale);
    host.decide(now, stale, Decision::Trusted);
    host.greet(stale, 10);
    host.close(now, stale, Reason::EVICTED);
    host.released(now, stale);
    assert_eq!(host.respond(stale, call, Outcome::Ok, 0), Err(Misuse::NoSuchLink));
    assert_eq!(host.push(stale, 1, 0), Err(Misuse::NoSuchLink));
    assert_eq!((host.wants_input(stale), host.handshake_hash(stale)), (false, None));
    assert_eq!(host.poll_event(), None);
    assert!(!world.transmit(old, Way::ToPeer));

    assert_eq!((world.host.controller(), world.host.poll_timeout(), world.program.running.clone()), before);
    world.respond(new, call, Outcome::Ok, b"").unwrap();
    world.settle();
    assert!(world.client(new).answer(call).is_some());
    assert_eq!(world.controller(), Some(new));
}

#[test]
fn commands_that_come_too_early_change_nothing() {
    let mut world = World::new(1);
    let stranger = world.raw();
    let (now, link) = (world.now(), world.link(stranger));
    world.host.decide(now, link, Decision::Trusted);
    world.host.greet(link, 10);
    assert_eq!(world.host.respond(link, RequestId(1), Outcome::Ok, 0), Err(Misuse::NoSuchLink));
    assert_eq!(world.host.push(link, 1, 0), Err(Misuse::NotOpen));
    world.host.released(now, link);
    world.settle();
    assert_eq!(world.controller(), None);
    assert!(world.received(stranger).is_empty() && !world.is_gone(stranger));

    let anna = world.open(ANNA);
    let (link, now) = (world.link(anna), world.now());
    world.host.decide(now, link, Decision::Refused(Reason::REFUSED));
    world.host.greet(link, 10);
    world.host.released(now, link);
    world.program.trusted.insert(CARL.public());
    let carl = world.connect(CARL);
    world.settle();
    assert_eq!(world.controller(), Some(anna));
    assert_eq!(world.client(carl).closed(), Some(Reason::BUSY));
}
