//! What a host makes of a message.

use super::link::{Admission, Answer, Canned, Link, Phase, is_method};
use super::operations::Meets;
use super::{Event, GreetingVerdict, Host};
use crate::crypto::keys::{PublicKey, PublicKeys, VerifyingKey};
use crate::crypto::noise::Transport;
use crate::dialect::Wire;
use crate::frame::{Header, Role, SessionKind};
use crate::id::{LinkId, OperationId, RequestId};
use crate::limits::{BODY_BYTES, CHUNK_BYTES, HANDSHAKE, PARAMETER_BYTES};
use crate::reason::Reason;
use crate::session::{Item, Opened, Outcome, Session};
use crate::time::Instant;

/// What a message brings to the program around the host.
#[derive(Debug)]
#[must_use]
pub enum Delivery<'a> {
    /// Nothing that it must see.
    Nothing,
    /// A controller of version 1 says who it is: answer with [`Host::vouch`].
    Claim(ClaimedPeer),
    /// A peer has proved its key: answer with [`Host::decide`].
    Hello(ProvedPeer<'a>),
    /// The controller (I2) asks for something.
    Request(RequestPart<'a>),
}

/// A peer that says in clear who it is, and has proved nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClaimedPeer {
    /// Its link.
    pub link: LinkId,
    /// The key that it says it has.
    pub peer: PublicKey,
}

/// A peer that has proved its key and asks for a session.
#[derive(Debug)]
pub struct ProvedPeer<'a> {
    /// Its link.
    pub link: LinkId,
    /// The version that it speaks.
    pub wire: Wire,
    /// Its key.
    pub peer: PublicKey,
    /// Its signing key, proved as well; absent in version 1.
    pub signing_key: Option<VerifyingKey>,
    /// Whether it came by the pairing code, so that trusting it is the owner's wish.
    pub paired: bool,
    /// What both screens show the fingerprint of.
    pub handshake: [u8; 32],
    /// What it tells of itself.
    pub body: &'a [u8],
}

impl ProvedPeer<'_> {
    /// Both keys, which it has proved; `None` in version 1, which has one.
    #[must_use]
    pub fn keys(&self) -> Option<PublicKeys> {
        self.signing_key.map(|signing_key| PublicKeys { static_key: self.peer, signing_key })
    }
}

/// A request, or one more part of it.
#[derive(Debug)]
pub struct RequestPart<'a> {
    /// Its link.
    pub link: LinkId,
    /// The request.
    pub call: RequestId,
    /// The method; empty in all parts but the first.
    pub method: &'a str,
    /// The operation, zero for one that is not remembered.
    pub operation: OperationId,
    /// Whether items are asked for instead of one answer, in the version that says so.
    pub stream: Option<bool>,
    /// What came of this operation, when it was asked for and carried out before: answer with that outcome and do not
    /// carry it out again.
    pub repeats: Option<Outcome>,
    /// Bytes of all parts together.
    pub total: usize,
    /// This part of the parameters.
    pub body: &'a [u8],
    /// Whether this was the last part: carry it out.
    pub done: bool,
}

impl<const N: usize> Host<N> {
    /// A message of a link. Opens it in place.
    pub fn handle_message<'a>(&mut self, now: Instant, id: LinkId, message: &'a mut [u8]) -> Delivery<'a> {
        let Some(link) = self.links.get(id) else { return Delivery::Nothing };
        match link.phase {
            Phase::Waiting | Phase::Pairing { .. } => self.handle_handshake(now, id, message),
            Phase::Keyed => self.handle_first_record(now, id, message),
            Phase::Open => self.handle_record(now, id, message),
            // What a peer says before it knows whether it may, or after it was told to go.
            Phase::Claimed { .. } | Phase::Proved | Phase::Queued | Phase::Closing => Delivery::Nothing,
        }
    }

    /// The proof of I4: only a peer that holds the secret of its key can make this record.
    fn handle_first_record<'a>(&mut self, now: Instant, id: LinkId, record: &'a mut [u8]) -> Delivery<'a> {
        let Some(link) = self.links.get_mut(id) else { return Delivery::Nothing };
        let (Some(session), Some(peer)) = (&mut link.session, link.peer) else { return Delivery::Nothing };
        let hash = session.hash;
        let (hello, body) = match session.open(now, record) {
            Opened::Frame(Header::Hello(hello), body) => (hello, body),
            Opened::Frame(Header::Close { reason }, _) => return self.left(now, id, reason),
            Opened::Frame(..) | Opened::Nothing => return self.fault(now, id, Reason::MISBEHAVED),
            Opened::Fault(reason) => return self.fault(now, id, reason),
        };
        let Ok(signing_key) = session.verify(&hello, Role::Controller) else {
            return self.fault(now, id, Reason::FORGED);
        };
        if link.paired && !self.window.as_ref().is_some_and(|window| window.is_claimed_by(id)) {
            self.refuse(now, id, GreetingVerdict::Refused(Reason::NOT_PAIRING));
            return Delivery::Nothing;
        }
        if hello.kind != SessionKind::CONTROL {
            self.refuse(now, id, GreetingVerdict::Refused(Reason::UNSUPPORTED));
            return Delivery::Nothing;
        }
        link.phase = Phase::Proved;
        // From here on it waits for the program.
        link.deadline = Some(now.after(HANDSHAKE));
        let (wire, paired) = (link.wire, link.paired);
        Delivery::Hello(ProvedPeer { link: id, wire, peer, signing_key, paired, handshake: hash, body })
    }

    fn handle_record<'a>(&mut self, now: Instant, id: LinkId, record: &'a mut [u8]) -> Delivery<'a> {
        let Some(link) = self.links.get_mut(id) else { return Delivery::Nothing };
        let Some(session) = &mut link.session else { return Delivery::Nothing };
        let (header, body) = match session.open(now, record) {
            Opened::Frame(header, body) => (header, body),
            Opened::Nothing => return Delivery::Nothing,
            Opened::Fault(reason) => return self.fault(now, id, reason),
        };
        match header {
            Header::Request { id: call, operation, method, total, stream } => {
                self.begin_call(now, id, RequestId(call), method, operation, total, stream, body)
            }
            Header::Chunk { id: call } => self.continue_call(now, id, RequestId(call), body),
            Header::Cancel { id: call } => {
                if let Some(ended) = self.calls.end(RequestId(call)) {
                    if let (Some(peer), true) = (link.peer, ended.missing() > 0) {
                        self.operations.forget(peer, ended.operation);
                    }
                    session.outbox.withdraw(RequestId(call));
                    link.answer(RequestId(call), Canned::Cancelled);
                    self.emit(Event::CallCancelled { link: id, call: RequestId(call) });
                }
                Delivery::Nothing
            }
            Header::Close { reason } => self.left(now, id, reason),
            Header::Window { id: call, credit } => {
                // Credit for a stream that has ended meanwhile was on its way already.
                let Some(running) = self.calls.get_mut(call) else { return Delivery::Nothing };
                let was_ready = running.is_stream_ready();
                if !running.credit.grant(credit) {
                    return self.fault(now, id, Reason::MISBEHAVED);
                }
                if running.is_stream_ready() && !was_ready {
                    self.emit(Event::StreamReady { link: id, call: RequestId(call) });
                }
                Delivery::Nothing
            }
            Header::Hello(_)
            | Header::Response { .. }
            | Header::Item { .. }
            | Header::Push { .. }
            | Header::Ping { .. }
            | Header::Pong { .. } => self.fault(now, id, Reason::MISBEHAVED),
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the fields of one frame")]
    fn begin_call<'a>(
        &mut self,
        now: Instant,
        id: LinkId,
        call: RequestId,
        method: &'a str,
        operation: OperationId,
        total: u32,
        stream: Option<bool>,
        body: &'a [u8],
    ) -> Delivery<'a> {
        let Some(link) = self.links.get_mut(id) else { return Delivery::Nothing };
        let got = body.len() as u32;
        if got > total {
            return self.fault(now, id, Reason::MISBEHAVED);
        }
        let refusal = if total as usize > BODY_BYTES {
            Some(Canned::ParametersTooLarge)
        } else if total as usize > CHUNK_BYTES && self.calls.bytes() + total as usize > PARAMETER_BYTES {
            Some(Canned::ParametersTogetherTooLarge)
        } else if !is_method(method) {
            Some(Canned::MethodName)
        } else {
            None
        };
        let unmetered = stream == Some(true) && link.session.as_ref().is_some_and(|it| !it.dialect.has_credit());
        match (self.calls.begin(call.0, operation, total, got, unmetered), refusal) {
            (Admission::Repeated, _) => return self.fault(now, id, Reason::MISBEHAVED),
            (Admission::TooMany, _) => {
                link.answer(call, Canned::TooManyCalls);
                return Delivery::Nothing;
            }
            (Admission::Accepted, Some(refusal)) => {
                self.calls.end(call);
                link.answer(call, refusal);
                return Delivery::Nothing;
            }
            (Admission::Accepted, None) => {}
        }
        let meets = link.peer.map_or(Meets::Nothing, |peer| self.operations.begin(peer, operation));
        let repeats = match meets {
            Meets::Nothing => None,
            Meets::Finished(outcome) => Some(outcome),
            Meets::Running | Meets::NoRoom => {
                self.calls.end(call);
                let running = meets == Meets::Running;
                link.answer(call, if running { Canned::OperationRunning } else { Canned::TooManyOperations });
                return Delivery::Nothing;
            }
        };
        if let Some(running) = self.calls.get_mut(call.0) {
            running.repeats = repeats;
        }
        let (total, done) = (total as usize, got == total);
        let part = RequestPart { link: id, call, method, operation, stream, repeats, total, body, done };
        Delivery::Request(part)
    }

    fn continue_call<'a>(&mut self, now: Instant, id: LinkId, call: RequestId, body: &'a [u8]) -> Delivery<'a> {
        // Parts of a request that was refused or cancelled meanwhile were on their way already.
        let Some(running) = self.calls.get_mut(call.0) else { return Delivery::Nothing };
        let got = body.len() as u32;
        if got == 0 || got > running.missing() {
            return self.fault(now, id, Reason::MISBEHAVED);
        }
        running.got += got;
        let (total, done, repeats) = (running.total as usize, running.missing() == 0, running.repeats);
        let operation = running.operation;
        if running.is_stream_ready() {
            self.emit(Event::StreamReady { link: id, call });
        }
        let (method, stream) = ("", None);
        Delivery::Request(RequestPart { link: id, call, method, operation, stream, repeats, total, body, done })
    }

    /// The controller has closed the link.
    fn left<'a>(&mut self, now: Instant, id: LinkId, reason: Reason) -> Delivery<'a> {
        // The host's own reasons, such as an eviction, are not for the controller to give.
        let reason = if reason == Reason::SHUTDOWN { reason } else { Reason::DONE };
        self.end(now, id, reason);
        Delivery::Nothing
    }

    /// Only this link ends; the others notice nothing.
    fn fault<'a>(&mut self, now: Instant, id: LinkId, reason: Reason) -> Delivery<'a> {
        self.end(now, id, reason);
        Delivery::Nothing
    }
}

impl Link {
    pub(super) fn keyed(&mut self, now: Instant, transport: &Transport) {
        self.session = Some(Session::new(now, self.wire, Role::Host, transport));
        self.peer = Some(transport.remote);
        self.phase = Phase::Keyed;
    }

    fn answer(&mut self, call: RequestId, canned: Canned) {
        if let Some(session) = &mut self.session {
            let (head, total) = Answer::canned(call, canned);
            // The link is not read from without room for an answer.
            let _never_full = session.outbox.add(Item::new(head, total));
        }
    }
}
