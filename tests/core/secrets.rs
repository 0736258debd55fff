//! Nothing secret is printed, whatever is printed for debugging.

use opendesk_core::crypto::noise::Handshake;
use opendesk_core::crypto::pake::{Context, Exchange};
use opendesk_core::crypto::record::{Direction, Numbering};
use opendesk_core::dialect::v2::{PairClient, PairHost};
use opendesk_core::trace::{Input, Secret, Start};
use opendesk_core::{Client, Host, Instant, Keys, PairingWindow, SigningKey, StaticKey};

/// Recognised in hex as `c3c3`, in decimal as `195, 195`.
const SECRET: [u8; 32] = [0xc3; 32];
const CODE: &str = "271828";

fn keys() -> Keys {
    Keys { static_key: StaticKey::new(SECRET), signing_key: SigningKey::new(SECRET) }
}

#[test]
fn no_key_no_seed_and_no_code_is_printed() {
    let now = Instant::from_micros(0);
    let (public, other) = (keys().static_key.public(), StaticKey::new([7; 32]));
    let context = Context { code: CODE.as_bytes(), channel: b"c", sid: &[1; 16], initiator: b"a", responder: b"b" };
    let (first, second) = (Exchange::new(&context, &[0xc3; 64]), Exchange::new(&context, &[2; 64]));
    let confirmation = first.agree(&context, true, second.share()).unwrap();
    let mut initiator = Handshake::ik_initiator(other, public, b"p");
    let mut responder = Handshake::ik_responder(keys().static_key, b"p");
    let mut message = [0; 200];
    let length = initiator.write([9; 32], &[], &mut message).unwrap();
    responder.read(&message[..length], &mut []).unwrap();
    let length = responder.write(SECRET, &[], &mut message).unwrap();
    initiator.read(&message[..length], &mut []).unwrap();
    let transport = initiator.finish().unwrap();
    let (pairing, first_message) = PairClient::start(keys().static_key, CODE.as_bytes(), [1; 16], &[0xc3; 64]).unwrap();
    let (answering, _) = PairHost::start(CODE.as_bytes(), &first_message[4..], &[0xc3; 64]).unwrap();
    let mut host = Box::new(Host::<4>::new(keys(), SECRET));
    host.open_pairing(CODE.as_bytes(), now).unwrap();
    host.rotate(keys());
    let printed = [
        format!("{:?}", keys()),
        format!("{first:?} {confirmation:?} {initiator:?} {responder:?} {transport:?}"),
        format!("{:?}", Direction::new(&SECRET, Numbering::Noise)),
        format!("{pairing:?} {answering:?}"),
        format!("{:?}", PairingWindow::open(1, CODE.as_bytes(), now).unwrap()),
        format!("{:?}", Client::auth(now, keys(), public, SECRET)),
        format!("{:?}", Client::pair(now, keys(), CODE.as_bytes(), SECRET).unwrap()),
        format!("{host:?}"),
        format!(
            "{:?}",
            Start {
                version: 1,
                links: 4,
                static_key: Secret(SECRET),
                signing_key: Secret(SECRET),
                seed: Secret(SECRET)
            }
        ),
        format!("{:?}", Input::Rotate { static_key: Secret(SECRET), signing_key: Secret(SECRET) }),
    ];
    let hidden = [&transport.initiator, &transport.responder, &confirmation.psk].map(|key| format!("{key:?}"));
    for text in &printed {
        assert!(!text.is_empty());
        for secret in ["c3c3", "C3C3", "195, 195", CODE].into_iter().chain(hidden.iter().map(String::as_str)) {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
}
