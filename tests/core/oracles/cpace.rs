//! CPace against `pakery-cpace` in both roles, and against the draft's vectors.

use core::convert::Infallible;

use chacha20::rand_core::{TryCryptoRng, TryRng};
use opendesk_core::crypto::pake::{Context, Exchange, confirm};
use pakery_cpace::{CpaceCiphersuite, CpaceInitiator, CpaceMode, CpaceResponder};
use pakery_crypto::{Ristretto255Group, Sha512Hash};
use proptest::prelude::*;
use serde_json::Value;

use crate::vectors::{array, bytes, unhex};

const VECTORS: &str = include_str!("../../vectors/cpace.json");
const MODE: CpaceMode = CpaceMode::InitiatorResponder;

/// `CPACE-RISTR255-SHA512`.
struct Suite;

impl CpaceCiphersuite for Suite {
    type Group = Ristretto255Group;
    type Hash = Sha512Hash;

    const DSI: &'static [u8] = b"CPaceRistretto255";
    const HASH_BLOCK_SIZE: usize = 128;
    const FIELD_SIZE_BYTES: usize = 32;
}

/// Randomness that was chosen beforehand; pakery draws it once, 64 bytes, and reduces it as we do.
struct Chosen([u8; 64]);

impl TryRng for Chosen {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        panic!("a scalar is drawn as bytes")
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        panic!("a scalar is drawn as bytes")
    }

    fn try_fill_bytes(&mut self, dst: &mut [u8]) -> Result<(), Infallible> {
        dst.copy_from_slice(&self.0);
        Ok(())
    }
}

impl TryCryptoRng for Chosen {}

/// All that goes into an exchange.
#[derive(Debug, Clone)]
struct Inputs {
    code: Vec<u8>,
    channel: Vec<u8>,
    sid: [u8; 16],
    initiator: Vec<u8>,
    responder: Vec<u8>,
    random: [[u8; 64]; 2],
}

impl Inputs {
    fn context(&self) -> Context<'_> {
        Context {
            code: &self.code,
            channel: &self.channel,
            sid: &self.sid,
            initiator: &self.initiator,
            responder: &self.responder,
        }
    }
}

fn inputs() -> impl Strategy<Value = Inputs> {
    let text = |most: usize| prop::collection::vec(any::<u8>(), 0..most);
    // Codes have 64 bytes at most; beyond them the padding of the draft's generator string ends at 109.
    let code = prop_oneof![
        4 => prop::collection::vec(any::<u8>(), 1..=64),
        1 => prop::collection::vec(any::<u8>(), 100..140),
    ];
    (code, text(300), any::<[u8; 16]>(), text(200), text(200), any::<[[u8; 64]; 2]>()).prop_map(
        |(code, channel, sid, initiator, responder, random)| Inputs {
            code,
            channel,
            sid,
            initiator,
            responder,
            random,
        },
    )
}

/// Both shares and the initiator's and the responder's key, as the two implementations see them.
fn exchange(inputs: &Inputs) -> [Vec<u8>; 4] {
    let context = inputs.context();
    let [first, second] = [0, 1].map(|side: usize| Exchange::new(&context, &inputs.random[side]));
    let key = |own: &Exchange, as_initiator: bool, other: &Exchange| {
        own.intermediate_key(&context, as_initiator, other.share()).expect("the share is a group element").to_vec()
    };
    [first.share().to_vec(), second.share().to_vec(), key(&first, true, &second), key(&second, false, &first)]
}

fn pakery(inputs: &Inputs) -> [Vec<u8>; 4] {
    let Inputs { code, channel, sid, initiator, responder, random } = inputs;
    let (first, state) =
        CpaceInitiator::<Suite>::start(code, channel, sid, initiator, &mut Chosen(random[0])).expect("a generator");
    let (second, answer) = CpaceResponder::<Suite>::respond(
        &first,
        code,
        channel,
        sid,
        initiator,
        responder,
        MODE,
        &mut Chosen(random[1]),
    )
    .expect("the share is a group element");
    let output = state.finish(&second, responder, MODE).expect("the share is a group element");
    [first, second, output.isk.as_bytes().to_vec(), answer.isk.as_bytes().to_vec()]
}

/// Each implementation in each role with the other.
fn across(inputs: &Inputs) {
    let Inputs { code, channel, sid, initiator, responder, random } = inputs;
    let context = inputs.context();

    let ours = Exchange::new(&context, &random[0]);
    let (share, theirs) = CpaceResponder::<Suite>::respond(
        ours.share(),
        code,
        channel,
        sid,
        initiator,
        responder,
        MODE,
        &mut Chosen(random[1]),
    )
    .expect("our share is a group element");
    let share = <[u8; 32]>::try_from(share).expect("a share has 32 bytes");
    assert_eq!(ours.intermediate_key(&context, true, &share).expect("theirs too"), theirs.isk.as_bytes());

    let (share, state) =
        CpaceInitiator::<Suite>::start(code, channel, sid, initiator, &mut Chosen(random[1])).expect("a generator");
    let share = <[u8; 32]>::try_from(share).expect("a share has 32 bytes");
    let ours = Exchange::new(&context, &random[0]);
    let theirs = state.finish(ours.share(), responder, MODE).expect("our share is a group element");
    assert_eq!(ours.intermediate_key(&context, false, &share).expect("theirs too"), theirs.isk.as_bytes());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn shares_and_keys_are_pakery_s(inputs in inputs()) {
        assert_eq!(exchange(&inputs), pakery(&inputs));
        across(&inputs);
    }

    #[test]
    fn another_code_channel_or_identity_gives_another_key(inputs in inputs(), which in 0_u8..5, at in any::<usize>()) {
        let mut other = inputs.clone();
        let field = match which {
            0 => &mut other.code,
            1 => &mut other.channel,
            2 => &mut other.initiator,
            _ => &mut other.responder,
        };
        if which == 4 {
            other.sid[at % 16] ^= 1;
        } else if field.is_empty() {
            field.push(0);
        } else {
            let at = at % field.len();
            field[at] ^= 1;
        }
        let first = Exchange::new(&inputs.context(), &inputs.random[0]);
        let second = Exchange::new(&other.context(), &inputs.random[1]);
        let ours = first.agree(&inputs.context(), true, second.share()).expect("both are group elements");
        let theirs = second.agree(&other.context(), false, first.share()).expect("both are group elements");
        assert_ne!(ours.psk, theirs.psk);
        assert!(confirm(&ours.initiator, &theirs.initiator).is_err());
        assert!(confirm(&ours.responder, &theirs.responder).is_err());
    }
}

#[test]
fn codes_of_every_length_that_is_allowed_agree() {
    for length in [1, 2, 6, 63, 64] {
        let inputs = Inputs {
            code: vec![b'7'; length],
            channel: b"channel".to_vec(),
            sid: [length as u8; 16],
            initiator: b"a".to_vec(),
            responder: b"b".to_vec(),
            random: [[3; 64], [4; 64]],
        };
        let ours = exchange(&inputs);
        assert_eq!(ours, pakery(&inputs), "{length}");
        assert_eq!(ours[2], ours[3]);
    }
}

#[test]
fn our_own_tags_cannot_be_reflected_to_us() {
    let context = Context { code: b"123456", channel: b"c", sid: &[1; 16], initiator: b"a", responder: b"b" };
    let exchange = Exchange::new(&context, &[7; 64]);
    // Somebody sends our own share back, so that even both shares are the same.
    let keys = exchange.agree(&context, true, exchange.share()).unwrap();
    assert!(confirm(&keys.responder, &keys.initiator).is_err());
}

#[test]
fn the_draft_s_vectors_come_out_byte_for_byte() {
    let vector: Value = serde_json::from_str(VECTORS).unwrap();
    let scalar = |field: &str| {
        let mut wide = [0; 64];
        wide[..32].copy_from_slice(&bytes(&vector, field));
        wide
    };
    let inputs = Inputs {
        code: bytes(&vector, "PRS"),
        channel: bytes(&vector, "CI"),
        sid: array(&vector, "sid"),
        initiator: bytes(&vector, "ADa"),
        responder: bytes(&vector, "ADb"),
        random: [scalar("ya"), scalar("yb")],
    };
    let isk = bytes(&vector, "ISK_IR");
    assert_eq!(exchange(&inputs), [bytes(&vector, "Ya"), bytes(&vector, "Yb"), isk.clone(), isk]);

    let context = inputs.context();
    let [first, second] = inputs.random.map(|random| Exchange::new(&context, &random));
    for (own, as_initiator, other) in [(&first, true, &second), (&second, false, &first)] {
        let keys = own.agree(&context, as_initiator, other.share()).unwrap();
        let derived = &vector["derived"];
        assert_eq!(keys.initiator, array::<64>(derived, "confirmation_a"));
        assert_eq!(keys.responder, array::<64>(derived, "confirmation_b"));
        assert_eq!(keys.psk, array::<32>(derived, "psk"));
    }
    for share in vector["invalid"].as_array().unwrap() {
        let share = <[u8; 32]>::try_from(unhex(share.as_str().unwrap())).unwrap();
        assert!(first.agree(&context, true, &share).is_err());
    }
}
