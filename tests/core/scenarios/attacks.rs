//! Replays, forgeries and reflections: nothing changes for anybody until a key is proved (I4).

use opendesk_core::crypto::noise::Pattern;
use opendesk_core::frame::Header;
use opendesk_core::{Event, Reason, StaticKey};
use opendesk_tests::world::{Way, Wire, World};

use super::{ANNA, BEN, CARL};
use crate::oracles::liar::{Lie, liar};
use crate::oracles::noise::Inputs;
use crate::raw::{Raw, Said, refusal};

/// What an eavesdropper has of a session that Anna had.
fn recorded(world: &mut World) -> Vec<Vec<u8>> {
    let anna = world.open(ANNA);
    world.call(anna, "input.press", b"enter");
    world.settle();
    world.close(anna, Reason::DONE);
    world.settle();
    world.take_events();
    world.overheard(anna).to_vec()
}

fn closed(world: &World, wire: Wire, reason: Reason) -> Event {
    Event::LinkClosed { link: world.link(wire), reason }
}

#[test]
fn a_replayed_first_message_neither_evicts_nor_registers() {
    let mut world = World::new(1);
    let recorded = recorded(&mut world);
    let anna = world.open(ANNA);
    world.take_events();
    let proved = world.program.proved.len();

    let replay = world.raw();
    world.send(replay, Way::ToHost, &recorded[0]);
    world.settle();
    assert_eq!(world.received(replay).len(), 1, "the host answers: it cannot know yet");
    assert_eq!(world.controller(), Some(anna));
    assert!(world.take_events().is_empty());

    for record in &recorded[1..] {
        world.send(replay, Way::ToHost, record);
    }
    world.settle();
    assert_eq!(world.take_events(), [closed(&world, replay, Reason::FORGED)]);
    assert_eq!(world.controller(), Some(anna));
    assert_eq!(world.program.proved.len(), proved);
    let call = world.call(anna, "system.echo", b"undisturbed");
    world.settle();
    assert_eq!(world.client(anna).answer(call).unwrap().body, b"undisturbed");
}

#[test]
fn a_replayed_first_message_does_not_make_the_host_busy() {
    let mut world = World::new(1);
    let recorded = recorded(&mut world);
    let replays = [0; 4].map(|_| world.raw());
    for replay in replays {
        world.send(replay, Way::ToHost, &recorded[0]);
    }
    world.settle();
    let ben = world.open(BEN);
    for replay in replays {
        world.send(replay, Way::ToHost, &recorded[1]);
    }
    world.settle();
    assert_eq!(world.controller(), Some(ben));
    assert!(replays.iter().all(|replay| world.is_gone(*replay)));
}

#[test]
fn a_replayed_pairing_pairs_nobody_and_costs_one_try() {
    let mut world = World::new(1);
    world.show_code("314159");
    let anna = world.pair(ANNA, "314159");
    world.settle();
    let recorded = world.overheard(anna).to_vec();
    world.close(anna, Reason::DONE);
    world.settle();

    world.show_code("314159");
    world.take_events();
    let replay = world.raw();
    for message in &recorded {
        world.send(replay, Way::ToHost, message);
    }
    world.settle();
    let link = world.link(replay);
    assert_eq!(
        world.take_events(),
        [Event::WrongCode { link, tries_left: 2 }, closed(&world, replay, Reason::WRONG_CODE)]
    );
    assert_eq!(world.controller(), None);
}

#[test]
fn who_knows_only_the_public_key_of_a_peer_is_nobody() {
    let mut world = World::new(1);
    let anna = world.open(ANNA);
    world.take_events();

    // Anna's public key, and a secret that is not hers.
    let inputs = Inputs {
        prologue: b"OD2A".to_vec(),
        psk: [0; 32],
        statics: [[66; 32], [0xd0; 32]],
        ephemerals: [[67; 32], [68; 32]],
    };
    assert_eq!(inputs.public(1), world.host_key());
    for (claimed, accepted) in [(ANNA.public(), false), (inputs.public(0), true)] {
        let lie = Lie { in_static: true, claimed: claimed.0, shared: None };
        let mut message = [0; 256];
        let length = liar(Pattern::Ik, 0, &inputs, lie).write_message(b"", &mut message).unwrap();
        let wire = world.raw();
        world.send(wire, Way::ToHost, &[&b"OD2A"[..], &message[..length]].concat());
        world.settle();
        assert_eq!(world.is_gone(wire), !accepted);
        if !accepted {
            assert_eq!(world.received(wire), [refusal(Reason::FORGED, 0)]);
            assert_eq!(world.take_events(), [closed(&world, wire, Reason::FORGED)]);
        }
    }

    // A key of his own he can prove, and is told that it is not trusted.
    let mut mallory = Raw::keyed(&mut world, StaticKey::new([66; 32]));
    let hello = mallory.hello(CARL);
    mallory.say(&mut world, &Header::Hello(hello), b"");
    assert_eq!(mallory.heard(&mut world), [Said::Hello { error: Some(Reason::UNTRUSTED), body: vec![] }]);
    assert_eq!(world.controller(), Some(anna));
    assert!(world.client(anna).closed().is_none());
}

#[test]
fn a_first_record_that_is_altered_or_missing_proves_nothing() {
    let mut world = World::new(1);
    world.program.trusted.insert(ANNA.public());
    for bit in [0, 100, 900] {
        let mut anna = Raw::keyed(&mut world, ANNA.static_key());
        let hello = anna.hello(ANNA);
        let mut record = anna.record(&Header::Hello(hello), b"");
        record[bit / 8] ^= 1 << (bit % 8);
        world.send(anna.wire, Way::ToHost, &record);
        world.settle();
        assert!(world.is_gone(anna.wire));
    }
    let mut anna = Raw::keyed(&mut world, ANNA.static_key());
    let hello = anna.hello(ANNA);
    let _lost = anna.record(&Header::Ping { token: 1 }, b"");
    anna.say(&mut world, &Header::Hello(hello), b"");
    assert_eq!(anna.heard(&mut world), [Said::Close(Reason::FORGED)]);
    assert_eq!((world.controller(), world.program.proved.len()), (None, 0));
}

#[test]
fn a_controller_s_own_handshake_sent_back_to_it_opens_nothing() {
    // As it was, or with the letter that would be right.
    for letter in [b'A', b'a'] {
        let mut world = World::new(1);
        let anna = world.connect(ANNA);
        world.pipe(anna, Way::ToHost).held = true;
        world.settle();
        let mut reflected = world.overheard(anna)[0].clone();
        reflected[3] = letter;
        world.send(anna, Way::ToPeer, &reflected);
        world.settle();
        let reason = if letter == b'A' { Reason::MISBEHAVED } else { Reason::WRONG_HOST };
        assert_eq!(world.client(anna).closed(), Some(reason));
    }
}

#[test]
fn a_controller_s_own_pairing_sent_back_to_it_opens_nothing() {
    let mut world = World::new(1);
    let anna = world.pair(ANNA, "314159");
    world.pipe(anna, Way::ToHost).held = true;
    world.settle();
    let first = world.overheard(anna)[0].clone();
    world.send(anna, Way::ToPeer, &[&b"OD2p"[..], &first[20..]].concat());
    world.settle();
    // It cannot know yet that the share is its own; that the tag is, it knows.
    let second = world.overheard(anna)[1].clone();
    assert!(second.starts_with(b"OD2C"));
    world.send(anna, Way::ToPeer, &[&b"OD2c"[..], &second[4..]].concat());
    world.settle();
    assert_eq!(world.client(anna).closed(), Some(Reason::WRONG_HOST));

    let mut world = World::new(1);
    let anna = world.pair(ANNA, "314159");
    world.pipe(anna, Way::ToHost).held = true;
    world.settle();
    let first = world.overheard(anna)[0].clone();
    world.send(anna, Way::ToPeer, &first);
    world.settle();
    assert_eq!(world.client(anna).closed(), Some(Reason::WRONG_HOST));
}

#[test]
fn a_record_sent_back_to_its_sender_is_forged() {
    let mut world = World::new(1);
    let anna = world.open(ANNA);
    let hello = world.overheard(anna)[1].clone();
    world.send(anna, Way::ToPeer, &hello);
    world.settle();
    assert_eq!(world.client(anna).closed(), Some(Reason::FORGED));

    let mut world = World::new(1);
    let anna = world.open(ANNA);
    let hello = world.pipe(anna, Way::ToPeer).overheard[1].clone();
    world.send(anna, Way::ToHost, &hello);
    world.settle();
    assert_eq!(world.client(anna).closed(), Some(Reason::FORGED));
    assert_eq!(world.controller(), None);
}

#[test]
fn a_record_that_comes_twice_late_or_not_at_all_ends_only_its_own_session() {
    let tamper: [fn(&mut World, Wire); 4] = [
        |world, wire| {
            let again = world.pipe(wire, Way::ToHost).under_way[0].clone();
            world.pipe(wire, Way::ToHost).under_way.insert(1, again);
        },
        |world, wire| world.pipe(wire, Way::ToHost).under_way.swap(0, 1),
        |world, wire| drop(world.pipe(wire, Way::ToHost).under_way.pop_front()),
        |world, wire| world.pipe(wire, Way::ToHost).under_way[1].1[0] ^= 1,
    ];
    for tamper in tamper {
        let mut world = World::new(1);
        let anna = world.open(ANNA);
        let stranger = world.raw();
        world.pipe(anna, Way::ToHost).held = true;
        for _ in 0..3 {
            world.call(anna, "system.echo", b"");
        }
        world.settle();
        assert_eq!(world.pipe(anna, Way::ToHost).under_way.len(), 3);
        tamper(&mut world, anna);
        world.pipe(anna, Way::ToHost).held = false;
        world.settle();
        assert_eq!(world.client(anna).closed(), Some(Reason::FORGED));
        assert!(world.client(anna).answers.len() < 3);
        assert!(!world.is_gone(stranger));
        world.open(BEN);
    }
}
