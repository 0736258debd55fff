//! What strangers cost: bounded places, for a bounded time (I7).

use core::time::Duration;

use opendesk_core::{Decision, Event, Host, Instant, Keys, Reason, Refusal, SigningKey, StaticKey, limits};
use opendesk_tests::world::{Peer, Way, World};

use super::ANNA;
use crate::raw::{Raw, refusal};

const MOMENT: Duration = Duration::from_micros(1);

#[test]
fn strangers_take_four_places_an_address_and_thirty_two_in_all() {
    let mut world = World::new(1);
    let anna = world.open(ANNA);
    for address in 1..=8 {
        for _ in 0..limits::HALF_OPEN_PER_ADDRESS {
            world.raw_from([address; 16]).unwrap();
        }
        assert_eq!(world.raw_from([address; 16]), Err(Refusal::Crowded));
    }
    assert_eq!(world.raw_from([9; 16]), Err(Refusal::Crowded));
    assert_eq!(world.controller(), Some(anna));

    world.advance(limits::HANDSHAKE - MOMENT);
    assert_eq!(world.raw_from([9; 16]), Err(Refusal::Crowded));
    world.advance(MOMENT);
    for _ in 0..limits::HALF_OPEN_PER_ADDRESS {
        world.raw_from([1; 16]).unwrap();
    }
    assert_eq!(world.controller(), Some(anna), "who drives notices nothing");
}

#[test]
fn a_place_is_free_at_the_deadline_however_far_the_handshake_was() {
    let mut world = World::new(1);
    world.show_code("314159");
    let address = [7; 16];
    let silent = world.raw_from(address).unwrap();
    let keyed = Raw::keyed(&mut world, ANNA.static_key());
    let pairing = world.pair(ANNA, "314159");
    world.pipe(pairing, Way::ToHost).held = true;
    world.settle();
    world.advance(limits::HANDSHAKE - MOMENT);
    assert!(world.deliver(pairing, Way::ToHost), "P, in the last moment");
    world.settle();
    assert!(![silent, keyed.wire, pairing].iter().any(|wire| world.is_gone(*wire)));
    world.advance(MOMENT);
    for wire in [silent, keyed.wire, pairing] {
        assert!(world.is_gone(wire));
        assert!(world.events.contains(&Event::LinkClosed { link: world.link(wire), reason: Reason::TIMEOUT }));
    }
    assert!(world.host.is_pairing());
}

#[test]
fn a_peer_that_has_proved_its_key_is_no_stranger() {
    let mut world = World::new(1);
    world.program.decides_at_once = false;
    for number in 0..36 {
        let wire = world.connect(Peer(number));
        world.settle();
        assert!(!world.is_gone(wire));
    }
    for _ in 0..limits::HALF_OPEN_PER_ADDRESS {
        world.raw_from([7; 16]).unwrap();
    }
    assert_eq!(world.raw_from([8; 16]), Err(Refusal::Full), "40 links are all that this host was made for");
    let first = world.all().next().unwrap();
    world.decide(first, Decision::Trusted);
    world.settle();
    assert_eq!(world.controller(), Some(first));
}

#[test]
fn a_table_that_is_full_takes_nobody() {
    let config = Keys { static_key: StaticKey::new([1; 32]), signing_key: SigningKey::new([2; 32]) };
    let mut host: Host<1> = Host::new(config, [3; 32]);
    let now = Instant::default();
    let link = host.open(now, [1; 16]).unwrap();
    assert_eq!(host.open(now, [2; 16]), Err(Refusal::Full));
    host.handle_eof(now, link);
    assert!(host.open(now, [2; 16]).is_ok_and(|next| next != link));
}

#[test]
fn a_message_over_four_kibibytes_is_refused_before_authentication() {
    let mut world = World::new(1);
    world.show_code("314159");
    for letter in [b'A', b'P', b'C'] {
        let mut message = b"OD2".to_vec();
        message.push(letter);
        message.resize(limits::PRE_AUTH_BYTES + 1, 0);
        let wire = world.raw();
        world.send(wire, Way::ToHost, &message);
        world.settle();
        assert_eq!(world.received(wire), [refusal(Reason::TOO_LARGE, 0)]);
        assert!(world.is_gone(wire));
    }
}

#[test]
fn a_whole_host_fits_into_a_megabyte() {
    assert!(Host::<40>::memory() < 1 << 20, "{} bytes", Host::<40>::memory());
}
