//! A peer in disguise: it says what the recorded one said, under keys of its own and without a content.

use opendesk_core::crypto::Unproven;
use opendesk_core::crypto::keys::verify_hello;
use opendesk_core::crypto::noise::Transport;
use opendesk_core::crypto::record::{Direction, Numbering};
use opendesk_core::dialect::Message;
use opendesk_core::dialect::v2::{self, AuthClient, PairClient, PairClientStep};
use opendesk_core::frame::{self, Frame, Header, Hello, Role, Signature, Signed};
use opendesk_core::{Keys, OperationId, PublicKey, limits};

use crate::seed;

/// The far end of one link.
pub(super) struct Peer {
    keys: Keys,
    stage: Stage,
}

enum Stage {
    Auth(AuthClient),
    Pairing {
        client: Box<PairClient>,
        /// What it says next, and the keys that it then has.
        next: Option<(Message, Option<Transport>)>,
    },
    Keyed {
        outgoing: Direction,
        hash: [u8; 32],
    },
}

impl Peer {
    /// Begins to authenticate towards a host with this key.
    pub(super) fn auth(keys: Keys, host: PublicKey) -> Option<(Self, Vec<u8>)> {
        let (client, first) = AuthClient::start(keys.static_key.clone(), host, seed::fresh().ok()?).ok()?;
        Some((Self { keys, stage: Stage::Auth(client) }, first.to_vec()))
    }

    /// Begins to pair.
    pub(super) fn pair(keys: Keys, code: &[u8]) -> Option<(Self, Vec<u8>)> {
        let (sid, first, second) = (seed::fresh().ok()?, seed::fresh().ok()?, seed::fresh().ok()?);
        let mut random = [0; 64];
        random[..32].copy_from_slice(&first);
        random[32..].copy_from_slice(&second);
        let sid: [u8; 16] = core::array::from_fn(|index| sid[index]);
        let (client, first) = PairClient::start(keys.static_key.clone(), code, sid, &random).ok()?;
        Some((Self { keys, stage: Stage::Pairing { client: Box::new(client), next: None } }, first.to_vec()))
    }

    /// The host has said something. What matters is only what it says before there are records.
    pub(super) fn hears(&mut self, message: &[u8]) {
        let (Ok((kind, body)), Ok(ephemeral)) = (v2::split(message), seed::fresh()) else { return };
        match &mut self.stage {
            Stage::Auth(client) => {
                if let Ok(transport) = client.finish(body) {
                    self.stage = Stage::keyed(&transport);
                }
            }
            Stage::Pairing { client, next } => match client.handle(kind, body, ephemeral) {
                Ok(PairClientStep::Send(message)) => *next = Some((message, None)),
                Ok(PairClientStep::Done(message, transport)) => *next = Some((message, Some(transport))),
                Err(Unproven) => {}
            },
            Stage::Keyed { .. } => {}
        }
    }

    /// The next message of its handshake, if it has one to say.
    pub(super) fn handshake(&mut self) -> Option<Vec<u8>> {
        let Stage::Pairing { next, .. } = &mut self.stage else { return None };
        let (message, transport) = next.take()?;
        if let Some(transport) = transport {
            self.stage = Stage::keyed(&transport);
        }
        Some(message.to_vec())
    }

    /// The record that stands for one that said `plaintext` in a handshake with this hash.
    pub(super) fn record(
        &mut self,
        plaintext: &[u8],
        recorded_hash: &[u8; 32],
        operation: impl FnOnce(OperationId) -> OperationId,
    ) -> Option<Vec<u8>> {
        let Stage::Keyed { outgoing, hash } = &mut self.stage else { return None };
        // No parameters are encoded like this, so nobody takes them for some.
        let mut buf = vec![u8::MAX; limits::RECORD_BYTES];
        let length = match frame::decode(plaintext) {
            // A header of more bytes than there are.
            Err(_) => 1,
            Ok(Frame::Skipped) => {
                buf[..2].copy_from_slice(plaintext.get(..2)?);
                plaintext.len()
            }
            Ok(Frame::Known(header, body)) => {
                let header = match header {
                    Header::Hello(hello) => Header::Hello(disguised(&self.keys, &hello, recorded_hash, hash)),
                    Header::Request { id, operation: recorded, method, total, stream } => {
                        Header::Request { id, operation: operation(recorded), method: shown(method), total, stream }
                    }
                    other => other,
                };
                frame::encode(&header, &mut buf).ok()? + body.len()
            }
        };
        let sealed = outgoing.seal(&mut buf, length).ok()?;
        buf.truncate(sealed);
        Some(buf)
    }
}

impl Stage {
    fn keyed(transport: &Transport) -> Self {
        Self::Keyed { outgoing: Direction::new(&transport.initiator, Numbering::Noise), hash: transport.hash }
    }
}

/// A HELLO that holds where the recorded one held.
fn disguised(keys: &Keys, hello: &Hello, recorded_hash: &[u8; 32], hash: &[u8; 32]) -> Hello {
    let held = hello
        .signed
        .is_some_and(|signed| verify_hello(&signed.key, Role::Controller, recorded_hash, &signed.signature).is_ok());
    let signature = if held { keys.signing_key.sign_hello(Role::Controller, hash) } else { Signature([[0; 32]; 2]) };
    Hello { signed: Some(Signed { key: keys.signing_key.public(), signature }), ..*hello }
}

/// A name of a method stays; what is none may be anything.
fn shown(method: &str) -> &str {
    let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'_');
    if !method.is_empty() && method.len() <= limits::METHOD_BYTES && method.bytes().all(is_name) { method } else { "?" }
}
