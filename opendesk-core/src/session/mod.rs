//! One authenticated link, the same for both of its ends: what is to be sent next, and whether the other side lives.

mod flow;
mod liveness;
mod outbox;

use core::fmt;

use serde::{Deserialize, Serialize};

pub(crate) use flow::Credit;
pub(crate) use liveness::Liveness;
pub(crate) use outbox::{Head, Item, Outbox};

use crate::crypto::Unproven;
use crate::crypto::keys::{SigningKey, VerifyingKey, verify_hello};
use crate::crypto::noise::Transport;
use crate::crypto::record::{Direction, Numbering};
use crate::dialect::{Dialect, Wire};
use crate::frame::{self, Frame, Hello, Role, Signed};
use crate::id::{LinkId, RequestId};
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

/// Keys, dialect, outbox and liveness of one link.
pub(crate) struct Session<H> {
    outgoing: Direction,
    incoming: Direction,
    pub(crate) dialect: Dialect,
    pub(crate) hash: [u8; 32],
    pub(crate) outbox: Outbox<H>,
    pub(crate) liveness: Liveness,
}

impl<H: Head> Session<H> {
    /// The session of the end with this role, from the keys of a handshake of this version.
    pub(crate) fn new(now: Instant, wire: Wire, role: Role, keys: &Transport) -> Self {
        let numbering = match wire {
            Wire::V1 => Numbering::BigEndian,
            Wire::V2 => Numbering::Noise,
        };
        let (outgoing, incoming) = match role {
            Role::Controller => (&keys.initiator, &keys.responder),
            Role::Host => (&keys.responder, &keys.initiator),
        };
        Self {
            outgoing: Direction::new(outgoing, numbering),
            incoming: Direction::new(incoming, numbering),
            dialect: Dialect::new(wire, role),
            hash: keys.hash,
            outbox: Outbox::new(),
            liveness: Liveness::new(now),
        }
    }

    /// Opens a record, answers what needs no decision (ping and pong), and gives the rest.
    pub(crate) fn open<'a>(&mut self, now: Instant, record: &'a mut [u8]) -> Opened<'a> {
        if record.len() > self.dialect.record_bytes() {
            return Opened::Fault(Reason::TOO_LARGE);
        }
        let Ok(plaintext) = self.incoming.open(record) else { return Opened::Fault(Reason::FORGED) };
        self.liveness.heard(now);
        match self.dialect.decode(plaintext) {
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
        if record.len() > self.dialect.record_bytes() {
            return None;
        }
        self.incoming.clone().open(record).ok().map(|plaintext| &*plaintext)
    }

    pub(crate) fn hello(&mut self, hello: Hello, total: u32) {
        self.outbox.hello(hello, total);
    }

    /// Time has passed: a quiet link is pinged. Tells whether the transport has to do it.
    pub(crate) fn handle_timeout(&mut self, now: Instant) -> bool {
        let is_due = self.liveness.take_ping(now);
        if is_due && self.dialect.has_pings() {
            self.outbox.ping();
        }
        is_due && !self.dialect.has_pings()
    }

    /// This machine's signature for its greeting, in versions that have one.
    pub(crate) fn sign(&self, key: &SigningKey, role: Role) -> Option<Signed> {
        let signed = || Signed { key: key.public(), signature: key.sign_hello(role, &self.hash) };
        self.dialect.has_signatures().then(signed)
    }

    /// Checks the signature of the other side's greeting, and gives its signing key in versions that have one.
    pub(crate) fn verify(&self, hello: &Hello, role: Role) -> Result<Option<VerifyingKey>, Unproven> {
        match &hello.signed {
            _ if hello.role != role => Err(Unproven),
            Some(signed) => verify_hello(&signed.key, role, &self.hash, &signed.signature).map(|()| Some(signed.key)),
            None if self.dialect.has_signatures() => Err(Unproven),
            None => Ok(None),
        }
    }

    /// The transport has seen a sign of life.
    pub(crate) const fn handle_alive(&mut self, now: Instant) {
        if !self.dialect.has_pings() {
            self.liveness.heard(now);
        }
    }

    /// How large the buffer for the next message must be.
    pub(crate) fn transmit_bytes(&self) -> usize {
        self.outbox.next_bytes(&self.dialect)
    }

    /// Writes and seals the next frame, if there is one.
    pub(crate) fn poll_transmit(&mut self, link: LinkId, bodies: &mut impl Bodies, buf: &mut [u8]) -> Option<usize> {
        let plaintext = self.outbox.poll(&mut self.dialect, link, bodies, buf)?;
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
