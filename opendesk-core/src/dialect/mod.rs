//! How bytes become frames and keys, one module for each version of the wire, and what they have in common.

pub mod v1;
pub mod v2;

use serde::{Deserialize, Serialize};

use crate::frame::{Frame, Header, Role};
use crate::limits::{BODY_BYTES, CHUNK_BYTES, ENVELOPE_BYTES, RECORD_BYTES, TAG_BYTES};
use crate::reason::{Malformed, Reason};

/// The longest handshake message.
pub const MESSAGE_BYTES: usize = 192;

/// One handshake message that is ready to be sent.
pub type Message = heapless::Vec<u8, MESSAGE_BYTES>;

/// A version of the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Wire {
    /// What the Python package 0.3 speaks.
    V1,
    /// The native one.
    V2,
}

impl Wire {
    /// Its number.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::V1 => 1,
            Self::V2 => 2,
        }
    }
}

/// A message before the first record, of either version.
#[derive(Debug)]
pub(crate) enum Handshake<'a> {
    V1(v1::Step<'a>),
    V2(v2::Kind, &'a [u8]),
}

impl<'a> Handshake<'a> {
    /// Takes it apart. Version 2 begins with letters of its own, which no map of version 1 begins with.
    pub(crate) fn split(message: &'a [u8]) -> Result<Self, Malformed> {
        if is_map(message) {
            v1::split(message).map(Self::V1)
        } else {
            v2::split(message).map(|(kind, body)| Self::V2(kind, body))
        }
    }
}

/// How a host refuses before there are keys; version 1 says nothing.
pub(crate) fn refusal(wire: Wire, reason: Reason, tries_left: u8) -> Option<Message> {
    match wire {
        Wire::V1 => None,
        Wire::V2 => Some(v2::refusal(reason, tries_left)),
    }
}

/// The version that the first message of a link is of.
#[must_use]
pub fn wire_of(message: &[u8]) -> Wire {
    if is_map(message) { Wire::V1 } else { Wire::V2 }
}

fn is_map(message: &[u8]) -> bool {
    matches!(message.first(), Some(0x80..=0x8f | 0xde | 0xdf))
}

/// Where the body of a frame goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Layout {
    /// Bytes before it.
    pub(crate) head: usize,
    /// What follows it.
    pub(crate) tail: &'static [u8],
}

/// The version that an authenticated link speaks, and what that version has to remember.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "there is no heap to box it")]
pub(crate) enum Dialect {
    V1(v1::Talk),
    V2,
}

impl Dialect {
    pub(crate) const fn new(wire: Wire, role: Role) -> Self {
        match wire {
            Wire::V1 => Self::V1(v1::Talk::new(role)),
            Wire::V2 => Self::V2,
        }
    }

    /// The largest record that is taken.
    pub(crate) const fn record_bytes(&self) -> usize {
        match self {
            Self::V1(_) => ENVELOPE_BYTES + BODY_BYTES + TAG_BYTES,
            Self::V2 => RECORD_BYTES,
        }
    }

    /// How much of a body one record carries.
    pub(crate) const fn chunk_bytes(&self) -> usize {
        match self {
            Self::V1(_) => BODY_BYTES,
            Self::V2 => CHUNK_BYTES,
        }
    }

    /// The size of a buffer that holds the next message when the largest body that may come next has this many bytes left.
    pub(crate) fn message_bytes(&self, body: usize) -> usize {
        match self {
            // A greeting has a chunk at most.
            Self::V1(_) => ENVELOPE_BYTES + body.max(CHUNK_BYTES) + TAG_BYTES,
            Self::V2 => RECORD_BYTES,
        }
    }

    /// Whether a machine signs its greeting.
    pub(crate) const fn has_signatures(&self) -> bool {
        matches!(self, Self::V2)
    }

    /// Whether the receiver of a stream says how much it takes. Otherwise the sender sends as the transport takes it, and a
    /// receiver that is not fast enough leaves items out.
    pub(crate) const fn has_credit(&self) -> bool {
        matches!(self, Self::V2)
    }

    /// Whether a call that was cancelled is certain to be answered.
    pub(crate) const fn answers_cancels(&self) -> bool {
        matches!(self, Self::V2)
    }

    /// Whether life is asked for by frames; otherwise the transport has to.
    pub(crate) const fn has_pings(&self) -> bool {
        matches!(self, Self::V2)
    }

    /// Takes a record's plaintext apart.
    pub(crate) fn decode<'a>(&mut self, plaintext: &'a [u8]) -> Result<Frame<'a>, Malformed> {
        match self {
            Self::V1(talk) => talk.decode(plaintext),
            Self::V2 => crate::frame::decode(plaintext),
        }
    }

    /// Writes what comes before the body of a frame to the front of `out`; `None` for what this version does not say.
    /// `is_text` tells that the body is a line of the core's own instead of what the program wrote.
    pub(crate) fn encode(
        &mut self,
        header: &Header<'_>,
        total: u32,
        is_text: bool,
        out: &mut [u8],
    ) -> Result<Option<Layout>, Malformed> {
        match self {
            Self::V1(talk) => talk.encode(header, total, is_text, out),
            Self::V2 => crate::frame::encode(header, out).map(|head| Some(Layout { head, tail: &[] })),
        }
    }
}
