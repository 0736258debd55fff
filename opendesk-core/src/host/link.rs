//! One link of a host: where in its life it is, and what it has been asked.
//!
//! ```text
//!            A or P         first record opens      decide(Trusted)        place free
//!   Waiting ────────▶ Keyed ──────────────────▶ Proved ─────────▶ Queued ───────────▶ Open
//!      │ P                      ▲                  │                 │ busy              │
//!      └──▶ Pairing ────────────┘                  └──── refused ────┴──▶ Closing ◀──────┘
//! ```

use heapless::Vec;

use crate::crypto::keys::PublicKey;
use crate::dialect::v2::{Message, PairHost};
use crate::frame::Header;
use crate::id::RequestId;
use crate::limits::{CALLS, CHUNK_BYTES, METHOD_BYTES};
use crate::reason::{ErrorCode, Reason};
use crate::session::{Head, Outcome, Session};
use crate::time::Instant;

use super::GreetingVerdict;

/// Where a link is in its life.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "there is no heap to box the pairing")]
pub(super) enum Phase {
    /// Connected; nothing was said.
    Waiting,
    /// Between the first and the last message of a pairing.
    Pairing { pairing: PairHost, window: u32 },
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

#[derive(Debug)]
pub(super) struct Link {
    pub(super) phase: Phase,
    pub(super) address: [u8; 16],
    /// When this phase must have ended, in the phases that have a limit.
    pub(super) deadline: Option<Instant>,
    pub(super) handshake: Option<Message>,
    pub(super) session: Option<Session<Response>>,
    pub(super) peer: Option<PublicKey>,
    pub(super) paired: bool,
    /// Counts up with each link that queues, so that the first comes first.
    pub(super) ticket: u64,
    /// Set until the program has said how long the greeting is.
    pub(super) greeting: Option<GreetingVerdict>,
    pub(super) ended: Reason,
    pub(super) calls: Calls,
}

impl Link {
    pub(super) const fn new(address: [u8; 16], deadline: Instant) -> Self {
        Self {
            phase: Phase::Waiting,
            address,
            deadline: Some(deadline),
            handshake: None,
            session: None,
            peer: None,
            paired: false,
            ticket: 0,
            greeting: None,
            ended: Reason::DONE,
            calls: Calls::new(),
        }
    }

    /// Whether it still counts against the limits of strangers.
    pub(super) const fn is_half_open(&self) -> bool {
        matches!(self.phase, Phase::Waiting | Phase::Pairing { .. } | Phase::Keyed)
    }
}

/// The head of a response.
#[derive(Debug)]
pub(crate) struct Response {
    id: RequestId,
    status: u16,
    canned: Option<&'static str>,
}

impl Response {
    pub(super) const fn new(id: RequestId, outcome: Outcome) -> Self {
        Self { id, status: outcome.status(), canned: None }
    }

    /// A response that the core gives itself, and its length.
    pub(super) const fn canned(id: RequestId, code: ErrorCode, text: &'static str) -> (Self, u32) {
        (Self { id, status: code as u16, canned: Some(text) }, text.len() as u32)
    }
}

impl Head for Response {
    fn id(&self) -> RequestId {
        self.id
    }

    fn header(&self, total: u32) -> Header<'_> {
        Header::Response { id: self.id.0, status: self.status, total }
    }

    fn canned(&self) -> Option<&'static str> {
        self.canned
    }
}

/// A request that is arriving or being carried out.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) id: RequestId,
    pub(super) total: u32,
    pub(super) got: u32,
}

impl Call {
    pub(super) const fn missing(&self) -> u32 {
        self.total - self.got
    }
}

/// The requests of one link (I6): from the first frame of a request to the command that answers it.
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

    pub(super) fn begin(&mut self, id: u32, total: u32, got: u32) -> Admission {
        if id <= self.last {
            return Admission::Repeated;
        }
        self.last = id;
        match self.running.push(Call { id: RequestId(id), total, got }) {
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

    /// How many are arriving or being carried out.
    pub(super) fn count(&self) -> usize {
        self.running.len()
    }

    /// Ends a call. Tells whether it was running.
    pub(super) fn end(&mut self, id: RequestId) -> bool {
        let found = self.running.iter().position(|call| call.id == id);
        found.map(|index| self.running.swap_remove(index)).is_some()
    }

    /// Ends a call whose parameters have all arrived. Tells whether there was one.
    pub(super) fn end_complete(&mut self, id: RequestId) -> bool {
        self.running.iter().any(|call| call.id == id && call.missing() == 0) && self.end(id)
    }

    pub(super) fn clear(&mut self) {
        self.running.clear();
    }
}

/// Method names of requests are checked against this before they reach the program.
pub(super) fn is_method(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= METHOD_BYTES
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'_'))
}
