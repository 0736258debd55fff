//! Record and replay: everything that is done to a host, and what it gave for it.
//!
//! A recording is a sequence of [`Entry`]. It begins with [`Entry::Start`]; then each [`Entry::Input`] is followed by the
//! bodies that the program gave for it, if any, and by one [`Entry::Output`]. The same inputs give the same outputs (I8),
//! so a [`Host`](crate::Host) that is given the inputs again must give the outputs again; where it does not, its behaviour has changed.
//!
//! A recording holds the keys of its host and everything that was typed and shown. It must be kept as a key is.

mod recorder;
mod replay;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

pub use recorder::{Recorder, Tape};
pub use replay::{Replay, WrongStart};

pub use crate::host::Stage;

use crate::crypto::keys::{PublicKey, VerifyingKey};
use crate::dialect::Wire;
use crate::host::{Decision, Delivery, Event, Refusal};
use crate::id::{LinkId, OperationId, RequestId};
use crate::reason::{Misuse, Reason};
use crate::session::Outcome;
use crate::time::Instant;

/// The version of the entries' encoding, postcard. It grows with every change of them, and of [`Event`].
pub const VERSION: u16 = 3;

/// One entry of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Entry<'a> {
    /// The host as it was made.
    Start(Start),
    /// Something is done to it.
    #[serde(borrow)]
    Input(Input<'a>),
    /// Part of a body that it asked its program for, in the order of asking.
    Body(&'a [u8]),
    /// What it gave.
    #[serde(borrow)]
    Output(Output<'a>),
}

/// Bytes that are not shown.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secret(pub [u8; 32]);

impl core::fmt::Debug for Secret {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("(secret)")
    }
}

/// How a host was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start {
    /// [`VERSION`].
    pub version: u16,
    /// How many links it has room for.
    pub links: u16,
    /// Its X25519 secret.
    pub static_key: Secret,
    /// The seed of its Ed25519 key.
    pub signing_key: Secret,
    /// The seed of its randomness.
    pub seed: Secret,
}

/// Something that is done to a host: its methods of the same names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each is a method of Host, and its fields are the arguments of that")]
pub enum Input<'a> {
    Open { now: Instant, address: [u8; 16] },
    Message { now: Instant, link: LinkId, bytes: &'a [u8] },
    Eof { now: Instant, link: LinkId },
    Timeout { now: Instant },
    PollEvent,
    PollTransmit { link: LinkId },
    Decide { now: Instant, link: LinkId, decision: Decision },
    Greet { link: LinkId, total: u32 },
    Respond { link: LinkId, call: RequestId, outcome: Outcome, total: u32 },
    SendItem { link: LinkId, call: RequestId, total: u32 },
    Push { link: LinkId, topic: u16, total: u32 },
    Settle { peer: PublicKey, operation: OperationId, outcome: Outcome },
    Close { now: Instant, link: LinkId, reason: Reason },
    Released { now: Instant, link: LinkId },
    OpenPairing { code: &'a [u8], until: Instant },
    CancelPairing,
    Rotate { static_key: Secret, signing_key: Secret },
    ForgetFormerKeys,
    SetOldest { oldest: Wire },
    AllowVersion1 { psk: Secret },
    Vouch { now: Instant, link: LinkId, is_known: bool },
    Alive { now: Instant, link: LinkId },
}

/// What a host gave for an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Output<'a> {
    /// Nothing can be given for this input.
    Done,
    /// Whether it took a link, and as which.
    Opened(Result<LinkId, Refusal>),
    /// What a message brought.
    #[serde(borrow)]
    Delivered(Delivered<'a>),
    /// An event, if there was one.
    Event(Option<Event>),
    /// A message for the other side, if there was one.
    Sent(Option<Blob>),
    /// How a command was taken.
    Command(Result<(), Misuse>),
}

/// A [`Delivery`], with a [`Blob`] for its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields of ProvedPeer and RequestPart")]
pub enum Delivered<'a> {
    Nothing,
    Claim {
        link: LinkId,
        peer: PublicKey,
    },
    Hello {
        link: LinkId,
        wire: Wire,
        peer: PublicKey,
        signing_key: Option<VerifyingKey>,
        paired: bool,
        handshake: [u8; 32],
        body: Blob,
    },
    Request {
        link: LinkId,
        call: RequestId,
        method: &'a str,
        operation: OperationId,
        stream: Option<bool>,
        repeats: Option<Outcome>,
        total: u32,
        body: Blob,
        done: bool,
    },
}

/// Bytes by their number and the beginning of their SHA-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blob {
    /// How many.
    pub length: u32,
    /// Eight bytes of the hash.
    pub digest: [u8; 8],
}

impl Blob {
    /// The description of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let hash: [u8; 32] = Sha256::digest(bytes).into();
        let mut digest = [0; 8];
        digest.copy_from_slice(&hash[..8]);
        Self { length: bytes.len() as u32, digest }
    }
}

impl<'a> From<&Delivery<'a>> for Delivered<'a> {
    fn from(delivery: &Delivery<'a>) -> Self {
        match delivery {
            Delivery::Nothing => Self::Nothing,
            Delivery::Claim(claim) => Self::Claim { link: claim.link, peer: claim.peer },
            Delivery::Hello(hello) => Self::Hello {
                link: hello.link,
                wire: hello.wire,
                peer: hello.peer,
                signing_key: hello.signing_key,
                paired: hello.paired,
                handshake: hello.handshake,
                body: Blob::of(hello.body),
            },
            Delivery::Request(part) => Self::Request {
                link: part.link,
                call: part.call,
                method: part.method,
                operation: part.operation,
                stream: part.stream,
                repeats: part.repeats,
                total: part.total as u32,
                body: Blob::of(part.body),
                done: part.done,
            },
        }
    }
}
