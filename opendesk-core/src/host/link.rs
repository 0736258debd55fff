//! One link of a host: where in its life it is, and what it has been asked.
//!
//! ```text
//!            A              first record opens      decide(Trusted)        place free
//!   Waiting ────────▶ Keyed ──────────────────▶ Proved ─────────▶ Queued ───────────▶ Open
//!      │ P              ▲                          │                 │ busy              │
//!      ├──▶ Pairing ────┤                          └──── refused ────┴──▶ Closing ◀──────┘
//!      │ auth_hello     │ vouch(known)
//!      └──▶ Claimed ────┘
//! ```

use heapless::Vec;

use crate::crypto::keys::{Keys, PublicKey};
use crate::dialect::{Message, Wire, v1, v2};
use crate::frame::Header;
use crate::id::{OperationId, RequestId};
use crate::limits::{CALLS, CHUNK_BYTES, METHOD_BYTES};
use crate::reason::{ErrorCode, Reason};
use crate::session::{BodyId, Credit, Head, Outcome, Session};
use crate::time::Instant;

use super::GreetingVerdict;

/// Where a link is in its life.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "there is no heap to box the pairing")]
pub(super) enum Phase {
    /// Connected; nothing was said.
    Waiting,
    /// A controller of version 1 has said who it is; the program looks whether it knows it.
    Claimed { ephemeral: PublicKey, claimed: PublicKey },
    /// Between the first and the last message of a pairing.
    Pairing { pairing: Pairing, window: u32 },
    /// There are keys; the first record is awaited.
    Keyed,
    /// The key is proved; the program decides whether it is trusted.
    Proved,
    /// Trusted; waits for the place.
    Queued,
    /// A session: the one that drives.
    Open,
    /// Waits for its last bytes to be sent.
    Closing,
}

/// A pairing, of either version.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "there is no heap to box it")]
pub(super) enum Pairing {
    V1(v1::PairHost),
    V2(v2::PairHost),
}

#[derive(Debug)]
pub(super) struct Link {
    pub(super) phase: Phase,
    /// The version that its first message was of.
    pub(super) wire: Wire,
    pub(super) address: [u8; 16],
    /// When this phase must have ended, in the phases that have a limit.
    pub(super) deadline: Option<Instant>,
    pub(super) handshake: Option<Message>,
    pub(super) session: Option<Session<Answer>>,
    pub(super) peer: Option<PublicKey>,
    /// The keys that this machine has on this link, from its first message on.
    pub(super) keys: Option<Keys>,
    pub(super) paired: bool,
    /// Counts up with each link that queues, so that the first comes first.
    pub(super) ticket: u64,
    /// Set until the program has said how long the greeting is.
    pub(super) greeting: Option<GreetingVerdict>,
    pub(super) ended: Reason,
}

impl Link {
    pub(super) const fn new(address: [u8; 16], deadline: Instant) -> Self {
        Self {
            phase: Phase::Waiting,
            wire: Wire::V2,
            address,
            deadline: Some(deadline),
            handshake: None,
            session: None,
            peer: None,
            keys: None,
            paired: false,
            ticket: 0,
            greeting: None,
            ended: Reason::DONE,
        }
    }

    /// Whether it still counts against the limits of strangers.
    pub(super) const fn is_half_open(&self) -> bool {
        matches!(self.phase, Phase::Waiting | Phase::Claimed { .. } | Phase::Pairing { .. } | Phase::Keyed)
    }
}

/// The head of what answers a request.
#[derive(Debug)]
pub(crate) struct Answer {
    id: RequestId,
    what: What,
}

#[derive(Debug)]
enum What {
    /// One item of a stream.
    Item,
    /// The response.
    Response { status: u16, canned: Option<Canned> },
}

/// What the core itself answers to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Canned {
    Cancelled,
    TooManyCalls,
    ParametersTooLarge,
    ParametersTogetherTooLarge,
    MethodName,
    OperationRunning,
    TooManyOperations,
}

impl Canned {
    const fn said(self) -> (ErrorCode, &'static str) {
        match self {
            Self::Cancelled => (ErrorCode::Cancelled, "cancelled"),
            Self::TooManyCalls => (ErrorCode::LimitExceeded, "64 calls are in flight already; wait for one to end"),
            Self::ParametersTooLarge => (ErrorCode::LimitExceeded, "the parameters are over 16 MiB"),
            Self::ParametersTogetherTooLarge => {
                (ErrorCode::LimitExceeded, "the calls in flight have more than 32 MiB of parameters together")
            }
            Self::MethodName => {
                (ErrorCode::InvalidArgument, "a method name has 1 to 40 letters a-z, digits, dots and underscores")
            }
            Self::OperationRunning => {
                (ErrorCode::Busy, "this operation is being carried out already; ask again when it is over")
            }
            Self::TooManyOperations => {
                (ErrorCode::LimitExceeded, "128 operations are being carried out; wait for one to end")
            }
        }
    }
}

impl Answer {
    pub(super) const fn item(id: RequestId) -> Self {
        Self { id, what: What::Item }
    }

    pub(super) const fn response(id: RequestId, outcome: Outcome) -> Self {
        Self { id, what: What::Response { status: outcome.status(), canned: None } }
    }

    /// A response that the core gives itself, and its length.
    pub(super) const fn canned(id: RequestId, canned: Canned) -> (Self, u32) {
        let (code, text) = canned.said();
        (Self { id, what: What::Response { status: code as u16, canned: Some(canned) } }, text.len() as u32)
    }
}

impl Head for Answer {
    fn id(&self) -> RequestId {
        self.id
    }

    fn header(&self, total: u32) -> Header<'_> {
        match self.what {
            What::Item => Header::Item { id: self.id.0, total },
            What::Response { status, .. } => Header::Response { id: self.id.0, status, total },
        }
    }

    fn body(&self) -> BodyId {
        match self.what {
            What::Item => BodyId::Item(self.id),
            What::Response { .. } => BodyId::Call(self.id),
        }
    }

    fn is_stream_item(&self) -> bool {
        matches!(self.what, What::Item)
    }

    fn canned(&self) -> Option<&'static str> {
        match self.what {
            What::Item => None,
            What::Response { canned, .. } => canned.map(|canned| canned.said().1),
        }
    }
}

/// A request that is arriving or being carried out.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) id: RequestId,
    pub(super) operation: OperationId,
    /// What came of the operation when it was asked for before.
    pub(super) repeats: Option<Outcome>,
    pub(super) total: u32,
    pub(super) got: u32,
    /// What it may stream.
    pub(super) credit: Credit,
    /// Whether it may stream without credit, as fast as the transport takes it.
    pub(super) unmetered: bool,
    /// Whether an item is on its way.
    pub(super) sending: bool,
}

impl Call {
    pub(super) const fn missing(&self) -> u32 {
        self.total - self.got
    }

    /// Whether the next item of its stream may be sent.
    pub(super) const fn is_stream_ready(&self) -> bool {
        !self.sending && (self.unmetered || self.credit.allows()) && self.missing() == 0
    }
}

/// The requests of the session that drives (I6): from the first frame of a request to the command that answers it.
#[derive(Debug)]
pub(super) struct Calls {
    last: u32,
    running: Vec<Call, CALLS>,
}

/// What a new request meets.
pub(super) enum Admission {
    Accepted,
    /// The number is not greater than every earlier one.
    Repeated,
    TooMany,
}

impl Calls {
    pub(super) const fn new() -> Self {
        Self { last: 0, running: Vec::new() }
    }

    pub(super) fn begin(
        &mut self,
        id: u32,
        operation: OperationId,
        total: u32,
        got: u32,
        unmetered: bool,
    ) -> Admission {
        if id <= self.last {
            return Admission::Repeated;
        }
        self.last = id;
        let (credit, repeats) = (Credit::default(), None);
        let call = Call { id: RequestId(id), operation, repeats, total, got, credit, unmetered, sending: false };
        match self.running.push(call) {
            Ok(()) => Admission::Accepted,
            Err(_) => Admission::TooMany,
        }
    }

    /// Bytes of the parameters of the large ones: the program holds these.
    pub(super) fn bytes(&self) -> usize {
        let large = self.running.iter().map(|call| call.total as usize).filter(|total| *total > CHUNK_BYTES);
        large.sum()
    }

    pub(super) fn get_mut(&mut self, id: u32) -> Option<&mut Call> {
        self.running.iter_mut().find(|call| call.id.0 == id)
    }

    pub(super) fn get(&self, id: u32) -> Option<&Call> {
        self.running.iter().find(|call| call.id.0 == id)
    }

    /// An item has been sent to its end. Tells whether its stream may send another.
    pub(super) fn item_sent(&mut self, call: RequestId) -> bool {
        self.get_mut(call.0).is_some_and(|running| {
            running.sending = false;
            running.is_stream_ready()
        })
    }

    /// How many are arriving or being carried out.
    pub(super) fn count(&self) -> usize {
        self.running.len()
    }

    /// Ends a call, if it is running.
    pub(super) fn end(&mut self, id: RequestId) -> Option<Call> {
        let found = self.running.iter().position(|call| call.id == id)?;
        Some(self.running.swap_remove(found))
    }

    /// Ends a call, if it is running and its parameters have all arrived.
    pub(super) fn end_complete(&mut self, id: RequestId) -> Option<Call> {
        self.get(id.0).filter(|call| call.missing() == 0)?;
        self.end(id)
    }

    /// Ends one of them after the other; the next session's numbers begin anew.
    pub(super) fn end_next(&mut self) -> Option<Call> {
        let ended = self.running.pop();
        if ended.is_none() {
            self.last = 0;
        }
        ended
    }
}

/// Method names of requests are checked against this before they reach the program.
pub(super) fn is_method(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= METHOD_BYTES
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'_'))
}
