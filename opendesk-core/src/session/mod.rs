//! One authenticated link, the same for both of its ends: what is to be sent next, and whether the other side lives.

mod flow;
mod liveness;
mod outbox;

use core::fmt;

use serde::{Deserialize, Serialize};

pub(crate) use flow::Credit;
pub(crate) use liveness::Liveness;
pub(crate) use outbox::{Head, Item, Outbox};

use crate::crypto::record::Direction;
use crate::frame::{self, Frame, Hello};
use crate::id::{LinkId, RequestId};
use crate::limits::RECORD_BYTES;
use crate::reason::{ErrorCode, Reason};
use crate::time::{Deadline, Instant};

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// The body is the result.
    Ok,
    /// The body is one line for a person.
    Error(ErrorCode),
}

impl Outcome {
    pub(crate) const fn status(self) -> u16 {
        match self {
            Self::Ok => 0,
            Self::Error(code) => code as u16,
        }
    }

    pub(crate) fn from_status(status: u16) -> Self {
        if status == 0 { Self::Ok } else { Self::Error(ErrorCode::from_number(status)) }
    }
}

/// Names a body that the program around the machine keeps until it has been sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BodyId {
    /// What this side tells of itself.
    Greeting,
    /// The parameters of a request (on a controller) or its response (on a host).
    Call(RequestId),
    /// The item that is being sent of the stream of this request.
    Item(RequestId),
    /// What a push of this topic tells.
    Push(u16),
}

/// The bodies that a machine sends; it never owns them.
pub trait Bodies {
    /// Fills `out` with the body's bytes from `offset` on; the body has at least that many.
    fn copy(&mut self, link: LinkId, body: BodyId, offset: usize, out: &mut [u8]);

    /// The body has been sent. Nothing is said of the bodies of a link that ends, nor of the rest of a request that
    /// was answered before all of it was sent: forget them with the link and with the answer.
    fn done(&mut self, link: LinkId, body: BodyId) {
        let _ = (link, body);
    }
}

/// A record that was opened.
pub(crate) enum Opened<'a> {
    Frame(frame::Header<'a>, &'a [u8]),
    Nothing,
    Fault(Reason),
}

/// Keys, outbox and liveness of one link.
pub(crate) struct Session<H> {
    outgoing: Direction,
    incoming: Direction,
    pub(crate) hash: [u8; 32],
    pub(crate) outbox: Outbox<H>,
    pub(crate) liveness: Liveness,
}

impl<H: Head> Session<H> {
    pub(crate) fn new(now: Instant, outgoing: &[u8; 32], incoming: &[u8; 32], hash: [u8; 32]) -> Self {
        Self {
            outgoing: Direction::new(outgoing),
            incoming: Direction::new(incoming),
            hash,
            outbox: Outbox::new(),
            liveness: Liveness::new(now),
        }
    }

    /// Opens a record, answers what needs no decision (ping and pong), and gives the rest.
    pub(crate) fn open<'a>(&mut self, now: Instant, record: &'a mut [u8]) -> Opened<'a> {
        if record.len() > RECORD_BYTES {
            return Opened::Fault(Reason::TOO_LARGE);
        }
        let Ok(plaintext) = self.incoming.open(record) else { return Opened::Fault(Reason::FORGED) };
        self.liveness.heard(now);
        match frame::decode(plaintext) {
            Err(_) => Opened::Fault(Reason::MALFORMED),
            Ok(Frame::Skipped | Frame::Known(frame::Header::Pong { .. }, _)) => Opened::Nothing,
            Ok(Frame::Known(frame::Header::Ping { token }, _)) => {
                self.outbox.pong(token);
                Opened::Nothing
            }
            Ok(Frame::Known(header, body)) => Opened::Frame(header, body),
        }
    }

    /// What a record says, without taking it in.
    pub(crate) fn peek<'a>(&self, record: &'a mut [u8]) -> Option<&'a [u8]> {
        if record.len() > RECORD_BYTES {
            return None;
        }
        self.incoming.clone().open(record).ok().map(|plaintext| &*plaintext)
    }

    pub(crate) fn hello(&mut self, hello: Hello, total: u32) {
        self.outbox.hello(hello, total);
    }

    /// Time has passed: a quiet link is pinged.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        if self.liveness.take_ping(now) {
            self.outbox.ping();
        }
    }

    /// Writes and seals the next frame, if there is one.
    pub(crate) fn poll_transmit(&mut self, link: LinkId, bodies: &mut impl Bodies, buf: &mut [u8]) -> Option<usize> {
        let plaintext = self.outbox.poll(link, bodies, buf)?;
        self.outgoing.seal(buf, plaintext).ok()
    }

    pub(crate) fn deadline(&self) -> Deadline {
        self.liveness.deadline()
    }
}

impl<H> fmt::Debug for Session<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("sent", &self.outgoing)
            .field("received", &self.incoming)
            .finish_non_exhaustive()
    }
}
