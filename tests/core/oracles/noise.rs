//! Noise IK and XXpsk0 against `snow`, byte for byte and in both roles.

use opendesk_core::crypto::keys::{PublicKey, StaticKey};
use opendesk_core::crypto::noise::{Handshake, Pattern, Transport};
use opendesk_core::crypto::record::{Direction, Numbering};
use opendesk_core::limits::{REKEY_AFTER, TAG_BYTES};
use proptest::prelude::*;
use snow::{Builder, HandshakeState, TransportState};

/// All that goes into a handshake.
#[derive(Debug, Clone)]
pub(crate) struct Inputs {
    pub(crate) prologue: Vec<u8>,
    pub(crate) psk: [u8; 32],
    /// The initiator's first, as everywhere here.
    pub(crate) statics: [[u8; 32]; 2],
    pub(crate) ephemerals: [[u8; 32]; 2],
}

impl Inputs {
    pub(crate) fn public(&self, side: usize) -> PublicKey {
        StaticKey::new(self.statics[side]).public()
    }
}

fn inputs() -> impl Strategy<Value = Inputs> {
    let keys = any::<[[u8; 32]; 5]>();
    (prop::collection::vec(any::<u8>(), 0..200), keys).prop_map(|(prologue, [psk, a, b, c, d])| Inputs {
        prologue,
        psk,
        statics: [a, b],
        ephemerals: [c, d],
    })
}

pub(crate) const fn name(pattern: Pattern) -> &'static str {
    match pattern {
        Pattern::Ik => "Noise_IK_25519_ChaChaPoly_SHA256",
        Pattern::XxPsk0 => "Noise_XXpsk0_25519_ChaChaPoly_SHA256",
    }
}

/// One side of a handshake, in one of the two implementations.
pub(crate) enum Side {
    Ours(Box<Handshake>, [u8; 32]),
    Snow(Box<HandshakeState>),
}

impl Side {
    pub(crate) fn ours(pattern: Pattern, side: usize, inputs: &Inputs) -> Self {
        let local = StaticKey::new(inputs.statics[side]);
        let handshake = match (pattern, side) {
            (Pattern::Ik, 0) => Handshake::ik_initiator(local, inputs.public(1), &inputs.prologue),
            (Pattern::Ik, _) => Handshake::ik_responder(local, &inputs.prologue),
            (Pattern::XxPsk0, _) => Handshake::xx_psk0(side == 0, local, inputs.psk, &inputs.prologue),
        };
        Self::Ours(Box::new(handshake), inputs.ephemerals[side])
    }

    fn snow(pattern: Pattern, side: usize, inputs: &Inputs) -> Self {
        let host = inputs.public(1).0;
        let builder = Builder::new(name(pattern).parse().expect("snow knows the pattern"))
            .prologue(&inputs.prologue)
            .and_then(|builder| builder.local_private_key(&inputs.statics[side]))
            .and_then(|builder| match (pattern, side) {
                (Pattern::Ik, 0) => builder.remote_public_key(&host),
                (Pattern::Ik, _) => Ok(builder),
                (Pattern::XxPsk0, _) => builder.psk(0, &inputs.psk),
            })
            .expect("nothing is set twice")
            .fixed_ephemeral_key_for_testing_only(&inputs.ephemerals[side]);
        let state = if side == 0 { builder.build_initiator() } else { builder.build_responder() };
        Self::Snow(Box::new(state.expect("nothing is missing")))
    }

    fn is_finished(&self) -> bool {
        match self {
            Self::Ours(handshake, _) => handshake.is_finished(),
            Self::Snow(state) => state.is_handshake_finished(),
        }
    }

    pub(crate) fn write(&mut self, payload: &[u8]) -> Vec<u8> {
        let mut out = vec![0; payload.len() + 256];
        let length = match self {
            Self::Ours(handshake, ephemeral) => handshake.write(*ephemeral, payload, &mut out).expect("it is our turn"),
            Self::Snow(state) => state.write_message(payload, &mut out).expect("it is snow's turn"),
        };
        out.truncate(length);
        out
    }

    pub(crate) fn read(&mut self, message: &[u8]) -> Vec<u8> {
        let mut out = vec![0; message.len()];
        let length = match self {
            Self::Ours(handshake, _) => handshake.read(message, &mut out).expect("we understand"),
            Self::Snow(state) => state.read_message(message, &mut out).expect("snow understands"),
        };
        out.truncate(length);
        out
    }

    /// The hash of the handshake and the other side's key, and what follows the handshake.
    pub(crate) fn finish(self, side: usize) -> (Vec<u8>, Vec<u8>, Records) {
        match self {
            Self::Ours(handshake, _) => {
                let transport = handshake.finish().expect("the handshake is done");
                (transport.hash.to_vec(), transport.remote.0.to_vec(), Records::ours(&transport, side))
            }
            Self::Snow(state) => {
                let hash = state.get_handshake_hash().to_vec();
                let remote = state.get_remote_static().expect("both patterns tell it").to_vec();
                let transport = state.into_transport_mode().expect("the handshake is done");
                (hash, remote, Records::Snow(Box::new(transport)))
            }
        }
    }
}

/// One side after the handshake.
pub(crate) enum Records {
    Ours { outgoing: Direction, incoming: Direction },
    Snow(Box<TransportState>),
}

impl Records {
    fn ours(transport: &Transport, side: usize) -> Self {
        let (first, second) = (
            Direction::new(&transport.initiator, Numbering::Noise),
            Direction::new(&transport.responder, Numbering::Noise),
        );
        if side == 0 {
            Self::Ours { outgoing: first, incoming: second }
        } else {
            Self::Ours { outgoing: second, incoming: first }
        }
    }

    pub(crate) fn seal(&mut self, payload: &[u8]) -> Vec<u8> {
        let mut out = payload.to_vec();
        out.resize(payload.len() + TAG_BYTES, 0);
        let length = match self {
            Self::Ours { outgoing, .. } => outgoing.seal(&mut out, payload.len()).expect("there is room"),
            Self::Snow(transport) => transport.write_message(payload, &mut out).expect("there is room"),
        };
        assert_eq!(length, out.len());
        out
    }

    pub(crate) fn open(&mut self, record: &[u8]) -> Vec<u8> {
        match self {
            Self::Ours { incoming, .. } => {
                incoming.open(&mut record.to_vec()).expect("the record is the next").to_vec()
            }
            Self::Snow(transport) => {
                let mut out = vec![0; record.len()];
                let length = transport.read_message(record, &mut out).expect("the record is the next");
                out.truncate(length);
                out
            }
        }
    }
}

/// Everything that is seen of a handshake and of two records in each direction after it.
fn conversation(pattern: Pattern, inputs: &Inputs, payloads: &[Vec<u8>], ours: [bool; 2]) -> Vec<Vec<u8>> {
    let side = |side: usize| {
        if ours[side] { Side::ours(pattern, side, inputs) } else { Side::snow(pattern, side, inputs) }
    };
    let mut sides = [side(0), side(1)];
    let mut seen = Vec::new();
    let mut turn = 0;
    while !sides.iter().all(Side::is_finished) {
        let payload = &payloads[turn % payloads.len()];
        let message = sides[turn % 2].write(payload);
        assert_eq!(&sides[(turn + 1) % 2].read(&message), payload);
        seen.push(message);
        turn += 1;
    }
    let [first, second] = sides;
    let (hash, remote, mut first) = first.finish(0);
    assert_eq!(remote, inputs.public(1).0);
    let (other_hash, remote, mut second) = second.finish(1);
    assert_eq!(remote, inputs.public(0).0);
    assert_eq!(hash, other_hash);
    seen.push(hash);
    for payload in [&payloads[0], &payloads[payloads.len() - 1]] {
        let record = first.seal(payload);
        assert_eq!(&second.open(&record), payload);
        seen.push(record);
        let record = second.seal(payload);
        assert_eq!(&first.open(&record), payload);
        seen.push(record);
    }
    seen
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn both_patterns_are_snow_s_in_both_roles(
        inputs in inputs(),
        payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 1..4),
    ) {
        for pattern in [Pattern::Ik, Pattern::XxPsk0] {
            let expected = conversation(pattern, &inputs, &payloads, [false, false]);
            for ours in [[true, true], [true, false], [false, true]] {
                assert_eq!(conversation(pattern, &inputs, &payloads, ours), expected, "{pattern:?}, ours: {ours:?}");
            }
        }
    }
}

#[test]
fn a_record_after_the_limit_opens_under_the_key_that_noise_s_rekey_gives() {
    let inputs = Inputs { prologue: vec![], psk: [0; 32], statics: [[1; 32], [2; 32]], ephemerals: [[3; 32], [4; 32]] };
    let mut initiator = Side::ours(Pattern::Ik, 0, &inputs);
    let mut responder = Side::snow(Pattern::Ik, 1, &inputs);
    responder.read(&initiator.write(b""));
    initiator.read(&responder.write(b""));
    let (_, _, mut ours) = initiator.finish(0);
    let (_, _, snow) = responder.finish(1);
    let Records::Snow(mut snow) = snow else { panic!("the responder is snow") };
    for _ in 0..REKEY_AFTER {
        ours.seal(b"");
    }
    let record = ours.seal(b"under the second key");
    snow.set_receiving_nonce(REKEY_AFTER);
    let mut out = vec![0; record.len()];
    assert!(snow.read_message(&record, &mut out).is_err(), "the first key is of no use any more");
    snow.rekey_incoming();
    let length = snow.read_message(&record, &mut out).unwrap();
    assert_eq!(&out[..length], b"under the second key");
}
