//! A host that changes its keys stays reachable to those who know it by the keys it had.

use opendesk_core::{Client, Keys, PublicKey, Reason, SigningKey, StaticKey, limits};
use opendesk_tests::world::{Peer, Way, Wire, World};

use super::{ANNA, BEN};

fn keys(byte: u8) -> Keys {
    Keys { static_key: StaticKey::new([byte; 32]), signing_key: SigningKey::new([byte ^ 0xff; 32]) }
}

/// A trusted peer dials the host by this key.
fn dial(world: &mut World, peer: Peer, host: PublicKey) -> Wire {
    world.program.trusted.insert(peer.public());
    let client = Client::auth(world.now(), peer.config(), host, world.random());
    let wire = world.attach(client);
    world.settle();
    wire
}

#[test]
fn it_is_who_it_was_to_whoever_knows_it_by_former_keys() {
    let mut world = World::new(1);
    let first = world.host.keys().clone();
    world.host.rotate(keys(1));
    world.host.rotate(keys(2));
    for (known, round) in [first, keys(1), keys(2)].iter().zip(1..) {
        let wire = dial(&mut world, Peer(round), known.public().static_key);
        assert_eq!(world.client(wire).proved(), Some(known.public()), "keys of round {round}");
        let call = world.call(wire, "system.echo", b"hello");
        world.settle();
        assert_eq!(world.client(wire).answer(call).map(|answer| &answer.body[..]), Some(&b"hello"[..]));
        world.close(wire, Reason::DONE);
        world.settle();
    }
}

/// The host answers nobody who knows it by the first keys, and those who know it by the second as it was then.
fn knows_the_second_keys_only(world: &mut World, first: PublicKey) {
    let wire = dial(world, ANNA, first);
    assert_eq!(world.client(wire).closed(), Some(Reason::FORGED));
    let wire = dial(world, ANNA, keys(1).public().static_key);
    assert_eq!(world.client(wire).proved(), Some(keys(1).public()));
}

#[test]
fn keys_of_long_ago_are_forgotten() {
    let mut world = World::new(1);
    let first = world.host_key();
    let rounds = limits::FORMER_KEYS as u8 + 1;
    for byte in 1..=rounds {
        world.host.rotate(keys(byte));
    }
    knows_the_second_keys_only(&mut world, first);
}

#[test]
fn former_keys_are_forgotten_on_demand_and_the_present_ones_stay() {
    let mut world = World::new(1);
    let first = world.host_key();
    world.host.rotate(keys(1));
    world.host.forget_former_keys();
    knows_the_second_keys_only(&mut world, first);
}

#[test]
fn what_has_begun_goes_on_under_the_keys_it_began_with() {
    let mut world = World::new(1);
    let first = world.host.keys().clone();
    world.program.trusted.insert(BEN.public());
    let begun = world.connect(BEN);
    world.pipe(begun, Way::ToPeer).held = true;
    world.settle();

    world.host.rotate(keys(1));
    world.pipe(begun, Way::ToPeer).held = false;
    world.settle();
    assert_eq!(world.controller(), Some(begun));
    assert_eq!(world.client(begun).proved(), Some(first.public()));
}

#[test]
fn a_pairing_that_has_begun_ends_with_one_pair_of_keys() {
    for confirmed in [false, true] {
        let mut world = World::new(1);
        let first = world.host.keys().clone();
        world.show_code("314159");
        let anna = world.pair(ANNA, "314159");
        world.pipe(anna, Way::ToHost).held = true;
        world.settle();
        for _ in 0..=usize::from(confirmed) {
            assert!(world.deliver(anna, Way::ToHost));
            world.settle();
        }
        world.host.rotate(keys(1));
        world.pipe(anna, Way::ToHost).held = false;
        world.settle();
        assert_eq!(world.client(anna).proved(), Some(first.public()), "rotated after the confirmation: {confirmed}");
    }
}
