//! Frames: what a record carries once it is open, and how version 2 writes them.
//!
//! A frame of version 2 is `length ‖ header ‖ body`: one byte, the length of the header; the header, a [`Header`] in postcard's
//! encoding; the body, all the rest. The rules by which versions meet (docs/PROTOCOL.md, "Evolution"):
//! * A header may grow at its end: bytes of a header that a decoder does not know are skipped.
//! * A header kind below [`FIRST_OPTIONAL`] that a decoder does not know ends the link; one from there on is
//!   skipped as a whole.

use serde::{Deserialize, Serialize};

use crate::id::OperationId;
use crate::limits::{CHUNK_BYTES, HEADER_BYTES};
use crate::reason::{Malformed, Reason};

/// The first header kind that a peer which does not know it skips.
pub const FIRST_OPTIONAL: u8 = 64;

/// The minor version that [`Hello::protocol`] tells.
pub const PROTOCOL: u16 = 0;

/// Which end of the link speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Role {
    /// The machine that drives.
    Controller,
    /// The machine that is driven.
    Host,
}

/// What kind of session a controller asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionKind(pub u8);

impl SessionKind {
    /// Sees and drives; one at a time.
    pub const CONTROL: Self = Self(0);
    /// Sees only. Reserved: hosts of this version refuse it.
    pub const OBSERVE: Self = Self(1);
}

/// An Ed25519 signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signature(pub [[u8; 32]; 2]);

/// An Ed25519 key, and that the machine which has it took part in this handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signed {
    /// The machine's Ed25519 key.
    pub key: [u8; 32],
    /// Its signature over the role and the handshake hash
    /// ([`SigningKey::sign_hello`](crate::SigningKey::sign_hello)).
    pub signature: Signature,
}

/// What version 2 always has is written without a mark that it is there.
mod always {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, ser};

    pub(super) fn serialize<T: Serialize, S: Serializer>(value: &Option<T>, serializer: S) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => value.serialize(serializer),
            None => Err(ser::Error::custom("it is not there")),
        }
    }

    pub(super) fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<Option<T>, D::Error> {
        T::deserialize(from).map(Some)
    }
}

/// The first frame of each side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// The sender's role.
    pub role: Role,
    /// The session that a controller asks for; a host repeats what it grants.
    pub kind: SessionKind,
    /// The minor version that the sender speaks.
    pub protocol: u16,
    /// The machine's Ed25519 key at work; version 1 has none, version 2 always.
    #[serde(with = "always")]
    pub signed: Option<Signed>,
    /// Why the host refuses; absent is welcome.
    pub error: Option<Reason>,
    /// The number of the host's memory of this controller's operations; 0 without a session, and from a controller.
    /// While it stays the same, an operation of an earlier session can be asked for again.
    pub memory: u64,
}

/// The head of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Header<'a> {
    /// Kind 0. The body is what the program around the machine tells of itself.
    Hello(Hello),
    /// Kind 1. Asks for a method; the body begins the parameters.
    Request {
        /// Greater than that of every earlier request on the link.
        id: u32,
        /// The same when the same thing is asked again after a reconnect.
        operation: OperationId,
        /// The method's name.
        method: &'a str,
        /// Bytes of all the parameters.
        total: u32,
        /// Whether a stream is asked for, in the version that says so.
        #[serde(skip)]
        stream: Option<bool>,
    },
    /// Kind 2. Answers a request; the body begins the result, or is a line for a person when `status` is not 0.
    Response {
        /// The request's.
        id: u32,
        /// 0 or the number of an [`ErrorCode`](crate::ErrorCode).
        status: u16,
        /// Bytes of the whole body.
        total: u32,
    },
    /// Kind 3. The body is the next part of the body of request `id` (from a controller), or of the item or response
    /// `id` that has begun (from a host).
    Chunk {
        /// The request's.
        id: u32,
    },
    /// Kind 4. The controller does not want request `id` any more.
    Cancel {
        /// The request's.
        id: u32,
    },
    /// Kind 5. The host tells something that was not asked for; the body is its content. Unknown topics are ignored.
    Push {
        /// What it is about.
        topic: u16,
    },
    /// Kind 6. Asks whether the other side lives.
    Ping {
        /// Comes back in the pong.
        token: u32,
    },
    /// Kind 7. Answers a ping.
    Pong {
        /// The ping's.
        token: u32,
    },
    /// Kind 8. The sender ends the link after this frame.
    Close {
        /// Why.
        reason: Reason,
    },
    /// Kind 9. The controller takes that many more bytes of items of the stream that request `id` began.
    Window {
        /// The request's.
        id: u32,
        /// Bytes, beyond those granted before.
        credit: u32,
    },
    /// Kind 10. One item of a stream; the body begins it.
    Item {
        /// The request's.
        id: u32,
        /// Bytes of the whole item.
        total: u32,
    },
}

/// A frame that was understood, or one from the future that is to be skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frame<'a> {
    /// A header and its body.
    Known(Header<'a>, &'a [u8]),
    /// A kind that may be skipped.
    Skipped,
}

/// Takes a record's plaintext apart.
///
/// # Errors
/// [`Malformed`] when it is no frame of this version and not one that may be skipped.
pub fn decode(plaintext: &[u8]) -> Result<Frame<'_>, Malformed> {
    let (&length, rest) = plaintext.split_first().ok_or(Malformed)?;
    let (header, body) = rest.split_at_checked(usize::from(length)).ok_or(Malformed)?;
    let kind = *header.first().ok_or(Malformed)?;
    if kind >= FIRST_OPTIONAL {
        return Ok(Frame::Skipped);
    }
    if body.len() > CHUNK_BYTES {
        return Err(Malformed);
    }
    let (header, _from_the_future) = postcard::take_from_bytes(header).map_err(|_| Malformed)?;
    Ok(Frame::Known(header, body))
}

/// Writes a header with its length before it to the front of `out` and tells where the body goes.
///
/// # Errors
/// [`Malformed`] when `out` or the 255 bytes of a header do not hold it.
pub fn encode(header: &Header<'_>, out: &mut [u8]) -> Result<usize, Malformed> {
    let (length, rest) = out.split_first_mut().ok_or(Malformed)?;
    let room = rest.len().min(HEADER_BYTES);
    let room = rest.get_mut(..room).ok_or(Malformed)?;
    let used = postcard::to_slice(header, room).map_err(|_| Malformed)?.len();
    *length = u8::try_from(used).map_err(|_| Malformed)?;
    Ok(1 + used)
}
