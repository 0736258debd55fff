//! Who drives in version 1: whoever proves a trusted key, and nobody changes anything before that (I4).

use opendesk_core::dialect::v1::{Step, split};
use opendesk_core::{ClientEvent, Decision, Event, GreetingVerdict, Reason, Wire};
use opendesk_tests::world::{Handler, Way, World};
use serde_json::{Value, json};

use super::{ANNA, BEN, CARL};
use crate::raw1::{Raw1, eviction, hello, packed, req, unpacked};

/// What Ben is told while Anna drives.
fn busy(world: &World) -> Value {
    let (_, holder, since) = world.host.controller().expect("somebody drives");
    let message = format!("busy: {holder} since {}", since.micros());
    json!({
        "v": 1, "type": "hello", "role": "server", "principal": "", "auth": {}, "capabilities": {},
        "error": {"code": "busy", "message": message, "details": {}},
    })
}

#[test]
fn a_trusted_peer_drives_once_it_has_greeted() {
    let mut world = World::new(1);
    world.program.trusted.insert(ANNA.public());
    let mut anna = Raw1::keyed(&mut world, ANNA.static_key());
    assert_eq!((world.controller(), anna.heard_bytes(&mut world).len()), (None, 0), "it has proved nothing");

    anna.say(&mut world, &hello());
    let link = world.link(anna.wire);
    let opened = Event::SessionOpened { link, peer: ANNA.public() };
    assert_eq!(world.take_events(), [opened, Event::GreetingDue { link, verdict: GreetingVerdict::Welcome }]);
    assert_eq!(world.host.wire(link), Some(Wire::V1));
    assert_eq!(world.host.handshake_hash(link), Some(anna.hash));
    let proved = &world.program.proved[0];
    assert_eq!((proved.peer, proved.signing_key, proved.paired), (ANNA.public(), None, false));
    assert_eq!((proved.handshake, &proved.body), (anna.hash, &packed(&json!({}))));
}

#[test]
fn our_own_controller_and_host_meet_in_version_1() {
    let mut world = World::new(1);
    world.program.trusted.insert(ANNA.public());
    let anna = world.connect_by_version_1(ANNA);
    world.settle();
    assert_eq!(world.controller(), Some(anna));
    let (host, handshake) = (world.host_key(), world.host.handshake_hash(world.link(anna)).unwrap());
    let client = world.client(anna);
    assert_eq!(client.events, [ClientEvent::Opened { host, signing_key: None, handshake, memory: 0 }]);
    assert_eq!(client.greeting, Some(packed(&json!({"description": "welcome"}))));

    let params = packed(&json!({"text": "héllo", "numbers": [0, -1, 2.5, null, true]}));
    let call = world.call(anna, "system.echo", &params);
    world.settle();
    assert_eq!(world.client(anna).answer(call).unwrap().body, params);
    world.close(anna, Reason::DONE);
    world.settle();
    assert!(world.is_gone(anna) && world.controller().is_none());
}

#[test]
fn a_key_that_nobody_trusts_is_answered_in_the_same_shape_and_gets_no_session() {
    let mut world = World::new(1);
    world.program.trusted.insert(ANNA.public());
    let (_, _, trusted) = Raw1::claim(&mut world, ANNA.static_key());
    let (wire, auth, stranger) = Raw1::claim(&mut world, BEN.static_key());
    assert_eq!((stranger.len(), stranger[0].len()), (1, trusted[0].len()));
    let Ok(Step::AuthOffer { ephemeral, sealed }) = split(&stranger[0]) else { panic!("{stranger:?}") };
    assert!(auth.finish(ephemeral, sealed).is_err(), "there is no proof in it");
    assert!(world.take_events().is_empty() && !world.is_gone(wire), "it is waited for as anybody else");
    world.send(wire, Way::ToHost, &[0; 64]);
    world.settle();
    assert_eq!(world.take_events(), [Event::LinkClosed { link: world.link(wire), reason: Reason::FORGED }]);

    let ben = world.connect_by_version_1(BEN);
    world.settle();
    assert_eq!(world.client(ben).closed(), Some(Reason::WRONG_HOST), "or of one that does not trust it");
    assert!(world.program.proved.is_empty() && world.is_gone(ben));
}

/// W1.
#[test]
fn a_replayed_hello_and_a_wrong_first_record_change_nothing_for_the_running_session() {
    let mut world = World::new(1);
    let mut anna = Raw1::open(&mut world, ANNA);
    let recorded = world.overheard(anna.wire).to_vec();
    assert_eq!(recorded.len(), 2, "who she is, and her greeting");
    world.take_events();

    for record in [&recorded[1][..], b"no record", b"", &[0; 16]] {
        let replay = world.raw();
        world.send(replay, Way::ToHost, &recorded[0]);
        world.settle();
        assert_eq!(world.received(replay).len(), 1, "the host answers: it cannot know yet");
        assert!(world.take_events().is_empty() && !world.is_gone(replay));
        world.send(replay, Way::ToHost, record);
        world.settle();
        assert_eq!(world.take_events(), [Event::LinkClosed { link: world.link(replay), reason: Reason::FORGED }]);
        assert_eq!((world.received(replay).len(), world.controller()), (0, Some(anna.wire)));
    }
    assert_eq!(world.program.proved.len(), 1);
    assert!(anna.is_served(&mut world));
}

#[test]
fn a_replayed_hello_does_not_make_the_host_busy() {
    let mut world = World::new(1);
    let mut anna = Raw1::open(&mut world, ANNA);
    let recorded = world.overheard(anna.wire).to_vec();
    world.hang_up(anna.wire);
    world.settle();
    let replays = [0; 4].map(|_| world.raw());
    for replay in replays {
        world.send(replay, Way::ToHost, &recorded[0]);
    }
    world.settle();
    let ben = Raw1::open(&mut world, BEN);
    for replay in replays {
        world.send(replay, Way::ToHost, &recorded[1]);
    }
    world.settle();
    assert_eq!(world.controller(), Some(ben.wire));
    assert!(replays.iter().all(|replay| world.is_gone(*replay)));
    assert!(anna.heard_bytes(&mut world).is_empty());
}

#[test]
fn the_same_peer_replaces_its_old_session_which_hears_of_it() {
    let mut world = World::new(1);
    let mut old = Raw1::open(&mut world, ANNA);
    let mut new = Raw1::open(&mut world, ANNA);
    assert_eq!(old.heard_bytes(&mut world), [eviction()]);
    assert!(world.is_gone(old.wire) && new.is_served(&mut world));

    // In whichever versions it comes and came.
    let newer = world.open(ANNA);
    assert_eq!(new.heard_bytes(&mut world), [eviction()]);
    let _newest = Raw1::open(&mut world, ANNA);
    assert_eq!(world.client(newer).closed(), Some(Reason::REPLACED));
}

#[test]
fn another_peer_is_told_that_the_host_is_busy() {
    let mut world = World::new(1);
    let mut anna = Raw1::open(&mut world, ANNA);
    world.program.trusted.insert(BEN.public());
    let mut ben = Raw1::keyed(&mut world, BEN.static_key());
    ben.say(&mut world, &hello());
    let busy = busy(&world);
    assert_eq!(ben.heard(&mut world), core::slice::from_ref(&busy));
    assert!(world.is_gone(ben.wire));

    let own = world.connect_by_version_1(BEN);
    world.settle();
    assert_eq!(world.client(own).closed(), Some(Reason::BUSY));
    assert_eq!(world.client(own).greeting.as_deref().map(unpacked).as_ref(), Some(&busy["error"]));
    assert!(anna.is_served(&mut world));
}

#[test]
fn the_end_that_the_owner_wants_is_told_and_no_other() {
    for (reason, told) in
        [(Reason::EVICTED, true), (Reason::REPLACED, true), (Reason::SHUTDOWN, false), (Reason::DONE, false)]
    {
        let mut world = World::new(1);
        let mut anna = Raw1::open(&mut world, ANNA);
        world.evict(anna.wire, reason);
        world.settle();
        let expected = if told { vec![eviction()] } else { Vec::new() };
        assert_eq!(anna.heard_bytes(&mut world), expected, "{reason:?}");
        assert!(world.is_gone(anna.wire));

        world.program.trusted.insert(BEN.public());
        let ben = world.connect_by_version_1(BEN);
        world.settle();
        world.evict(ben, reason);
        world.settle();
        let closed = if told { Reason::EVICTED } else { Reason::LOST };
        assert_eq!(world.client(ben).closed(), Some(closed), "{reason:?}");
    }
}

/// I2.
#[test]
fn a_request_right_behind_the_hello_is_delivered_once_its_sender_drives_or_never() {
    let mut world = World::new(1);
    world.program.decides_at_once = false;
    world.program.handler = Handler::ByHand;
    world.program.trusted.insert(ANNA.public());
    let mut anna = Raw1::keyed(&mut world, ANNA.static_key());
    anna.say(&mut world, &hello());
    anna.say(&mut world, &req(1, "test.method", false, json!({})));
    assert!(world.program.running.is_empty(), "it does not drive yet");
    world.decide(anna.wire, Decision::Trusted);
    world.settle();
    assert_eq!(world.program.running.len(), 1);

    world.program.decides_at_once = true;
    world.program.trusted.insert(CARL.public());
    let mut carl = Raw1::keyed(&mut world, CARL.static_key());
    for frame in [hello(), req(1, "test.method", false, json!({}))] {
        let record = carl.sealed(&packed(&frame));
        world.send(carl.wire, Way::ToHost, &record);
    }
    world.settle();
    assert_eq!(carl.heard(&mut world), [busy(&world)]);
    assert_eq!((world.program.running.len(), world.controller()), (1, Some(anna.wire)));
}

#[test]
fn nothing_but_a_hello_is_a_first_record() {
    let others = [
        req(1, "test.method", false, json!({})),
        json!({"type": "cancel", "id": 1}),
        json!({"type": "push", "topic": "anything"}),
        json!({"type": "res", "id": 1}),
    ];
    for frame in others {
        let mut world = World::new(1);
        world.program.trusted.insert(ANNA.public());
        let mut anna = Raw1::keyed(&mut world, ANNA.static_key());
        anna.say(&mut world, &frame);
        assert_eq!(
            world.take_events(),
            [Event::LinkClosed { link: world.link(anna.wire), reason: Reason::MISBEHAVED }],
            "{frame}"
        );
        assert!(world.is_gone(anna.wire) && world.program.proved.is_empty());
        assert!(anna.heard_bytes(&mut world).is_empty());
    }
}

#[test]
fn a_later_hello_changes_nothing() {
    let mut world = World::new(1);
    let mut anna = Raw1::open(&mut world, ANNA);
    for role in ["client", "server"] {
        anna.say(&mut world, &json!({"type": "hello", "role": role, "principal": "somebody else"}));
        assert!(anna.heard_bytes(&mut world).is_empty());
    }
    assert_eq!(world.program.proved.len(), 1);
    assert!(anna.is_served(&mut world));
}

#[test]
fn a_host_that_speaks_only_version_2_refuses_version_1_without_a_word() {
    let mut world = World::new(1);
    let mut anna = Raw1::open(&mut world, ANNA);
    world.host.set_oldest(Wire::V2);
    world.take_events();
    let (wire, _, answers) = Raw1::claim(&mut world, ANNA.static_key());
    assert!(answers.is_empty() && world.is_gone(wire));
    assert_eq!(world.take_events(), [Event::LinkClosed { link: world.link(wire), reason: Reason::UNSUPPORTED }]);
    assert!(anna.is_served(&mut world), "who is in stays in");

    let again = world.open(ANNA);
    assert_eq!(world.controller(), Some(again));
    assert_eq!(anna.heard_bytes(&mut world), [eviction()]);
}

#[test]
fn a_message_of_another_step_or_version_ends_the_link_without_a_word() {
    let mut world = World::new(1);
    world.program.trusted.insert(ANNA.public());
    let offer = Raw1::claim(&mut world, ANNA.static_key()).2.remove(0);
    let map = |kind: &str| packed(&json!({"v": 1, "kind": kind}));
    for message in [offer, map("pair_finish"), map("auth_hello"), map("anything"), packed(&json!({})), vec![0xdf]] {
        let wire = world.raw();
        world.send(wire, Way::ToHost, &message);
        world.settle();
        assert!(world.is_gone(wire) && world.received(wire).is_empty(), "{message:02x?}");
    }
    // Nor is it a record.
    let mut anna = Raw1::keyed(&mut world, ANNA.static_key());
    let hello = world.overheard(anna.wire)[0].clone();
    world.send(anna.wire, Way::ToHost, &hello);
    world.settle();
    assert!(world.is_gone(anna.wire) && anna.heard_bytes(&mut world).is_empty());
}
