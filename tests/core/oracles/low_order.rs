//! Keys of low order, whose shared secret everybody knows, in every place where a handshake takes a key.

use opendesk_core::crypto::noise::{Handshake, Pattern};
use opendesk_core::crypto::pake::{Context, Exchange};
use opendesk_core::dialect::v2::{PairHost, auth_respond};
use opendesk_core::{ClientEvent, PublicKey, Reason, StaticKey};
use opendesk_tests::world::{Peer, Way, World};
use proptest::prelude::*;

use super::liar::{Lie, liar};
use super::noise::{Inputs, Side};
use crate::raw::refusal;
use crate::vectors::unhex;

/// The encodings of X25519's points of low order, canonical or not; the highest bit is ignored in each.
const LOW_ORDER: [&str; 7] = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
];

/// All of them, with the highest bit clear and set.
fn low_order() -> Vec<[u8; 32]> {
    let clear = LOW_ORDER.iter().map(|text| <[u8; 32]>::try_from(unhex(text)).expect("a key has 32 bytes"));
    clear
        .flat_map(|key| {
            let mut set = key;
            set[31] |= 0x80;
            [key, set]
        })
        .collect()
}

fn inputs() -> Inputs {
    Inputs { prologue: b"prologue".to_vec(), psk: [9; 32], statics: [[1; 32], [2; 32]], ephemerals: [[3; 32], [4; 32]] }
}

/// Runs our side against snow's and gives the number of the message that we did not accept or could not answer.
fn refused_at(pattern: Pattern, our_side: usize, lie: Lie) -> Option<usize> {
    let inputs = inputs();
    let mut theirs = liar(pattern, 1 - our_side, &inputs, lie);
    let Side::Ours(mut ours, ephemeral) = Side::ours(pattern, our_side, &inputs) else { panic!("that is ours") };
    let mut buf = [0; 512];
    let mut payload = [0; 512];
    let mut turn = 0;
    while !ours.is_finished() {
        if turn % 2 == our_side {
            let Ok(length) = ours.write(ephemeral, b"", &mut buf) else { return Some(turn) };
            theirs.read_message(&buf[..length], &mut payload).expect("snow does not look at keys");
        } else {
            let length = theirs.write_message(b"", &mut buf).expect("snow does not look at keys");
            if ours.read(&buf[..length], &mut payload).is_err() {
                return Some(turn);
            }
        }
        turn += 1;
    }
    None
}

/// Pattern, our side, whether the lie is in their static key, and the message at which it must be caught.
const PLACES: [(Pattern, usize, bool, usize); 7] = [
    // As the responder of IK: e in the first message (es), s in the first message (ss).
    (Pattern::Ik, 1, false, 0),
    (Pattern::Ik, 1, true, 0),
    // As the initiator of IK: e in the second message (ee). The other's static key is checked below.
    (Pattern::Ik, 0, false, 1),
    // As the responder of XX: e is used when the second message is written (ee), s comes in the third (se).
    (Pattern::XxPsk0, 1, false, 1),
    (Pattern::XxPsk0, 1, true, 2),
    // As the initiator of XX: both come in the second message (ee, es).
    (Pattern::XxPsk0, 0, false, 1),
    (Pattern::XxPsk0, 0, true, 1),
];

#[test]
fn a_key_of_low_order_is_refused_in_every_place() {
    for (pattern, our_side, in_static, at) in PLACES {
        for claimed in low_order() {
            let lie = Lie { in_static, claimed, shared: Some([0; 32]) };
            assert_eq!(refused_at(pattern, our_side, lie), Some(at), "{pattern:?} as {our_side}: {lie:02x?}");
        }
        // The same liar with the truth is believed: what was refused is the key and nothing else.
        let key = if in_static { inputs().statics[1 - our_side] } else { inputs().ephemerals[1 - our_side] };
        let truth = Lie { in_static, claimed: StaticKey::new(key).public().0, shared: None };
        assert_eq!(refused_at(pattern, our_side, truth), None);
    }
}

#[test]
fn a_host_of_low_order_is_never_dialled() {
    for key in low_order() {
        let mut handshake = Handshake::ik_initiator(StaticKey::new([1; 32]), PublicKey(key), b"");
        assert!(handshake.write([2; 32], b"", &mut [0; 256]).is_err());

        let mut world = World::new(1);
        let seed = world.random();
        let client = opendesk_core::Client::auth(world.now(), Peer(1).config(), PublicKey(key), seed);
        let wire = world.attach(client);
        world.settle();
        assert_eq!(world.client(wire).events, [ClientEvent::Closed { reason: Reason::WRONG_HOST, tries_left: 0 }]);
        assert!(world.overheard(wire).is_empty(), "nothing was sent");
    }
}

#[test]
fn a_first_message_with_a_key_of_low_order_is_forged_to_the_host() {
    for key in low_order() {
        let mut world = World::new(2);
        let mut message = b"OD2A".to_vec();
        message.extend_from_slice(&key);
        message.extend_from_slice(&[0; 64]);
        assert!(auth_respond(StaticKey::new([1; 32]), &message[4..], [2; 32]).is_err());
        let wire = world.raw();
        world.send(wire, Way::ToHost, &message);
        world.settle();
        assert!(world.is_gone(wire));
        assert_eq!(world.received(wire), [refusal(Reason::FORGED, 0)]);
    }
}

#[test]
fn a_share_that_is_no_group_element_or_the_neutral_one_is_refused() {
    let context = Context { code: b"123456", channel: b"", sid: &[1; 16], initiator: b"", responder: b"" };
    let exchange = Exchange::new(&context, &[7; 64]);
    let negative = unhex("0100000000000000000000000000000000000000000000000000000000000000");
    let not_canonical = unhex("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f");
    let off_curve = unhex("2b3c6b8c4f3800e7aef6864025b4ed79bd599117e427c41bd47d93d654b4a51c");
    for share in [vec![0; 32], negative, not_canonical, off_curve, vec![0xff; 32]] {
        let share = <[u8; 32]>::try_from(share).unwrap();
        for as_initiator in [true, false] {
            assert!(exchange.agree(&context, as_initiator, &share).is_err(), "{share:02x?}");
        }
        let body = [&[1; 16][..], &share].concat();
        assert!(PairHost::start(b"123456", &body, &[7; 64]).is_err());
    }
}

proptest! {
    #[test]
    fn bytes_that_are_no_handshake_message_are_refused(
        body in prop::collection::vec(any::<u8>(), 0..200),
        random in any::<[u8; 32]>(),
    ) {
        assert!(auth_respond(StaticKey::new([1; 32]), &body, random).is_err());
    }
}
