//! The controller's machine: one link to one host.

mod calls;

use chacha20::ChaCha20Rng;
use chacha20::rand_core::{Rng, SeedableRng};
use heapless::{Deque, String};

use self::calls::{Calls, Part, Request};
pub use self::calls::{ItemPart, ResponsePart};
use crate::crypto::Unproven;
use crate::crypto::keys::{Keys, PublicKey, VerifyingKey};
use crate::crypto::noise::Transport;
use crate::dialect::v2::{self, AuthClient, Kind, PairClient, PairClientStep};
use crate::dialect::{Handshake, Message, Wire, v1};
use crate::frame::{Header, Hello, PROTOCOL, Role, SessionKind};
use crate::id::{LinkId, OperationId, RequestId};
use crate::limits::{BODY_BYTES, CHUNK_BYTES, CODE_BYTES, HANDSHAKE, LINGER, RECORD_BYTES, WINDOW_BYTES};
use crate::reason::{Misuse, Reason};
use crate::session::{Bodies, Item, Opened, Session};
use crate::time::{Deadline, Instant, Timer};

/// What the program around a client must know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientEvent {
    /// The host has proved its key and opened the session.
    Opened {
        /// The host's key.
        host: PublicKey,
        /// Its signing key; version 1 has none.
        signing_key: Option<VerifyingKey>,
        /// What both screens show the fingerprint of.
        handshake: [u8; 32],
        /// Names the host's memory of this controller's operations. When it is the same as in an earlier session, an
        /// operation that had no answer then can be asked for again and is not carried out twice; when it is not, what
        /// became of such an operation is unknown.
        memory: u64,
    },
    /// The host has proved its key and refused the session; its reason follows with [`ClientEvent::Closed`].
    Refused {
        /// The host's key.
        host: PublicKey,
        /// Its signing key; version 1 has none.
        signing_key: Option<VerifyingKey>,
        /// What both screens show the fingerprint of.
        handshake: [u8; 32],
        /// Why.
        reason: Reason,
    },
    /// The link is over: send what is left to poll and close the transport. Every call in flight is lost.
    Closed {
        /// Why.
        reason: Reason,
        /// With [`Reason::WRONG_CODE`]: how often the code may still be tried.
        tries_left: u8,
    },
    /// The link is quiet, and its version has no pings of its own: have the transport ask (a WebSocket ping), and tell
    /// [`Client::handle_alive`] of what it answers.
    ProbeDue,
}

/// What a message brings to the program around a client.
#[derive(Debug)]
#[must_use]
pub enum ClientDelivery<'a> {
    /// Nothing that it must see.
    Nothing,
    /// What the host tells of itself or of its refusal.
    Greeting(&'a [u8]),
    /// A response, or one more part of it.
    Response(ResponsePart<'a>),
    /// An item of a stream, or one more part of it.
    Item(ItemPart<'a>),
    /// Something that was not asked for.
    Push {
        /// What it is about.
        topic: u16,
        /// Its content.
        body: &'a [u8],
    },
}

/// The handshake that is under way.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one, and no heap to box it")]
enum Shaking {
    Auth(AuthClient),
    Pair(PairClient),
    /// The same two of version 1.
    Auth1(v1::AuthClient),
    Pair1(v1::PairClient),
}

#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one, and no heap to box it")]
enum Phase {
    Shaking(Shaking),
    /// Keys are there; the host's HELLO is awaited.
    Keyed,
    Open,
    Closing,
    Closed,
}

/// The controller's end of one link. See the crate's documentation for the order of calls; the commands to begin
/// with are [`Client::auth`] or [`Client::pair`], then [`Client::greet`].
#[derive(Debug)]
pub struct Client {
    keys: Keys,
    wire: Wire,
    rng: ChaCha20Rng,
    phase: Phase,
    deadline: Instant,
    handshake: Option<Message>,
    session: Option<Session<Request>>,
    host: Option<PublicKey>,
    /// The only key that is wanted, where that is said of a pairing.
    expected: Option<PublicKey>,
    /// The key that was proved instead.
    other: Option<PublicKey>,
    greeting: usize,
    pairing: bool,
    calls: Calls,
    events: Deque<ClientEvent, 8>,
}

impl Client {
    /// Begins a session with the host that has this key, in version 1.
    #[must_use]
    pub fn auth_version_1(now: Instant, keys: Keys, host: PublicKey, seed: [u8; 32]) -> Self {
        let mut rng = ChaCha20Rng::from_seed(seed);
        let (auth, first) = v1::AuthClient::start(keys.static_key.clone(), host, random(&mut rng));
        Self::new(now, keys, Wire::V1, rng, Ok((Shaking::Auth1(auth), first)))
    }

    /// Begins to pair with a host that shows a code, in version 1. Whoever answers can search the code.
    #[must_use]
    pub fn pair_version_1(now: Instant, keys: Keys, psk: v1::Psk, seed: [u8; 32]) -> Self {
        let mut rng = ChaCha20Rng::from_seed(seed);
        let (pair, first) = v1::PairClient::start(keys.static_key.clone(), psk, random(&mut rng));
        Self::new(now, keys, Wire::V1, rng, Ok((Shaking::Pair1(pair), first)))
    }

    /// Begins a session with the host that has this key.
    #[must_use]
    pub fn auth(now: Instant, keys: Keys, host: PublicKey, seed: [u8; 32]) -> Self {
        let mut rng = ChaCha20Rng::from_seed(seed);
        let started = AuthClient::start(keys.static_key.clone(), host, random(&mut rng));
        Self::new(now, keys, Wire::V2, rng, started.map(|(auth, first)| (Shaking::Auth(auth), first)))
    }

    /// Begins to pair with a host that shows this code.
    ///
    /// # Errors
    /// [`Misuse::Code`] when the code is empty or over [`CODE_BYTES`].
    pub fn pair(now: Instant, keys: Keys, code: &[u8], seed: [u8; 32]) -> Result<Self, Misuse> {
        if code.is_empty() || code.len() > CODE_BYTES {
            return Err(Misuse::Code);
        }
        let mut rng = ChaCha20Rng::from_seed(seed);
        let sid = random(&mut rng);
        let started = PairClient::start(keys.static_key.clone(), code, sid, &random(&mut rng));
        Ok(Self::new(now, keys, Wire::V2, rng, started.map(|(pair, first)| (Shaking::Pair(pair), first))))
    }

    fn new(
        now: Instant,
        keys: Keys,
        wire: Wire,
        rng: ChaCha20Rng,
        started: Result<(Shaking, Message), Unproven>,
    ) -> Self {
        let mut this = Self {
            keys,
            wire,
            rng,
            phase: Phase::Closed,
            deadline: now.after(HANDSHAKE),
            handshake: None,
            session: None,
            host: None,
            expected: None,
            other: None,
            greeting: 0,
            pairing: false,
            calls: Calls::new(),
            events: Deque::new(),
        };
        match started {
            Ok((shaking, first)) => {
                this.pairing = matches!(shaking, Shaking::Pair(_));
                this.phase = Phase::Shaking(shaking);
                this.handshake = Some(first);
            }
            Err(Unproven) => this.closed(Reason::WRONG_HOST, 0),
        }
        this
    }

    /// No host but the one with this key is wanted. Another one that proves the code is left with
    /// [`Reason::WRONG_HOST`] before it takes this controller for paired, and its code stays good. Say so before the
    /// handshake ends.
    pub const fn expect(&mut self, host: PublicKey) {
        self.expected = Some(host);
    }

    /// The key of a host that was left because it was not the one to [`expect`](Self::expect).
    #[must_use]
    pub const fn other(&self) -> Option<PublicKey> {
        self.other
    }

    /// What this side tells of itself has this many bytes, at most [`CHUNK_BYTES`]. Say so before the handshake ends.
    pub fn greet(&mut self, total: usize) {
        self.greeting = total.min(CHUNK_BYTES);
    }

    /// A message of the host. Opens it in place.
    pub fn handle_message<'a>(&mut self, now: Instant, message: &'a mut [u8]) -> ClientDelivery<'a> {
        match self.phase {
            Phase::Shaking(_) => {
                self.handle_handshake(now, message);
                ClientDelivery::Nothing
            }
            Phase::Keyed | Phase::Open => self.handle_record(now, message),
            Phase::Closing | Phase::Closed => ClientDelivery::Nothing,
        }
    }

    fn handle_handshake(&mut self, now: Instant, message: &[u8]) {
        let Ok(message) = Handshake::split(message) else { return self.closed(Reason::MALFORMED, 0) };
        if let Handshake::V2(Kind::Refused, body) = message {
            return self.refused_in_clear(body);
        }
        let own = random(&mut self.rng);
        let Phase::Shaking(shaking) = &mut self.phase else { return };
        let step = match (shaking, message) {
            (Shaking::Auth(auth), Handshake::V2(Kind::AuthReply, body)) => {
                auth.finish(body).map(|transport| (None, Some(transport)))
            }
            (Shaking::Pair(pair), Handshake::V2(kind, body)) => pair.handle(kind, body, own).map(|step| match step {
                PairClientStep::Send(next) => (Some(next), None),
                PairClientStep::Done(last, transport) => (Some(last), Some(transport)),
            }),
            (Shaking::Auth1(auth), Handshake::V1(v1::Step::AuthOffer { ephemeral, sealed })) => {
                auth.finish(ephemeral, sealed).map(|transport| (None, Some(transport)))
            }
            (Shaking::Pair1(pair), Handshake::V1(v1::Step::PairOffer { ephemeral, sealed })) => {
                let Ok((transport, last)) = pair.finish(ephemeral, sealed) else {
                    return self.closed(Reason::WRONG_CODE, 0);
                };
                Ok((Some(last), Some(transport)))
            }
            _ => return self.closed(Reason::MISBEHAVED, 0),
        };
        match step {
            Ok((message, transport)) => {
                self.handshake = message;
                if let Some(transport) = transport {
                    self.keyed(now, &transport);
                }
            }
            // In a pairing of version 2 only the host counts wrong codes; here it means that somebody else answered.
            Err(Unproven) => self.closed(Reason::WRONG_HOST, 0),
        }
    }

    /// Anybody on the way can say this. What a host says only under its key is not believed without it.
    fn refused_in_clear(&mut self, body: &[u8]) {
        let (reason, tries_left) = v2::read_refusal(body).unwrap_or((Reason::MALFORMED, 0));
        let needs_proof = matches!(
            reason,
            Reason::UNTRUSTED
                | Reason::REFUSED
                | Reason::BUSY
                | Reason::EVICTED
                | Reason::REPLACED
                | Reason::UNSUPPORTED
                | Reason::UNAVAILABLE
        );
        self.closed(if needs_proof { Reason::FORGED } else { reason }, tries_left);
    }

    fn keyed(&mut self, now: Instant, transport: &Transport) {
        if self.expected.is_some_and(|expected| expected != transport.remote) {
            self.other = Some(transport.remote);
            return self.closed(Reason::WRONG_HOST, 0);
        }
        let mut session = Session::new(now, self.wire, Role::Controller, transport);
        let hello = Hello {
            role: Role::Controller,
            kind: SessionKind::CONTROL,
            protocol: PROTOCOL,
            signed: session.sign(&self.keys.signing_key, Role::Controller),
            error: None,
            memory: 0,
        };
        session.hello(hello, self.greeting as u32);
        self.session = Some(session);
        self.host = Some(transport.remote);
        self.phase = Phase::Keyed;
    }

    fn handle_record<'a>(&mut self, now: Instant, record: &'a mut [u8]) -> ClientDelivery<'a> {
        // A host that finds fault with the last message of a pairing says so in clear: it has no keys.
        if let (Phase::Keyed, true, Ok((Kind::Refused, body))) = (&self.phase, self.pairing, v2::split(record)) {
            self.refused_in_clear(body);
            return ClientDelivery::Nothing;
        }
        let Some(session) = &mut self.session else { return ClientDelivery::Nothing };
        let hash = session.hash;
        let (header, body) = match session.open(now, record) {
            Opened::Frame(header, body) => (header, body),
            Opened::Nothing => return ClientDelivery::Nothing,
            Opened::Fault(reason) => return self.fault(now, reason),
        };
        match (header, &self.phase) {
            (Header::Hello(hello), Phase::Keyed) => self.handle_hello(now, &hello, hash, body),
            (Header::Close { reason }, _) => {
                self.closed(reason, 0);
                ClientDelivery::Nothing
            }
            (Header::Response { .. } | Header::Item { .. } | Header::Chunk { .. }, Phase::Open) => {
                self.handle_answer(now, &header, body)
            }
            (Header::Push { topic }, Phase::Open) => ClientDelivery::Push { topic, body },
            _ => self.fault(now, Reason::MISBEHAVED),
        }
    }

    fn handle_hello<'a>(
        &mut self,
        now: Instant,
        hello: &Hello,
        handshake: [u8; 32],
        body: &'a [u8],
    ) -> ClientDelivery<'a> {
        let (Some(host), Some(session)) = (self.host, &self.session) else { return ClientDelivery::Nothing };
        let Ok(signing_key) = session.verify(hello, Role::Host) else { return self.fault(now, Reason::FORGED) };
        if let Some(reason) = hello.error {
            self.emit(ClientEvent::Refused { host, signing_key, handshake, reason });
            self.closed(reason, 0);
        } else {
            self.phase = Phase::Open;
            self.emit(ClientEvent::Opened { host, signing_key, handshake, memory: hello.memory });
        }
        ClientDelivery::Greeting(body)
    }

    fn handle_answer<'a>(&mut self, now: Instant, header: &Header<'_>, body: &'a [u8]) -> ClientDelivery<'a> {
        let is_metered = self.session.as_ref().is_none_or(|session| session.dialect.has_credit());
        if let (false, Header::Item { id, .. }) = (is_metered, header)
            && !self.calls.has_credit(*id)
        {
            // Nobody asked for it yet, and a host of that version does not wait to be asked.
            return ClientDelivery::Nothing;
        }
        let may_stray = self.session.as_ref().is_some_and(|session| !session.dialect.answers_cancels());
        match self.calls.answer(header, body) {
            None if may_stray => ClientDelivery::Nothing,
            None => self.fault(now, Reason::MISBEHAVED),
            Some(Part::Item(part)) => ClientDelivery::Item(part),
            Some(Part::Response(part)) => {
                // The host may have answered before it had all of the request; the rest is not wanted.
                if let (true, Some(session)) = (part.done, &mut self.session) {
                    session.outbox.withdraw(part.call);
                }
                ClientDelivery::Response(part)
            }
        }
    }

    fn fault<'a>(&mut self, now: Instant, reason: Reason) -> ClientDelivery<'a> {
        self.begin_close(now, reason);
        self.emit(ClientEvent::Closed { reason, tries_left: 0 });
        ClientDelivery::Nothing
    }

    /// The transport has ended.
    pub fn handle_eof(&mut self) {
        match self.phase {
            Phase::Closing | Phase::Closed => self.phase = Phase::Closed,
            Phase::Shaking(_) | Phase::Keyed | Phase::Open => self.closed(Reason::LOST, 0),
        }
    }

    /// Time has passed. Early and spurious calls change nothing.
    pub fn handle_timeout(&mut self, now: Instant) {
        let probe = match (&self.phase, &mut self.session) {
            (Phase::Open, Some(session)) => session.handle_timeout(now),
            _ => false,
        };
        match (&self.phase, &self.session) {
            (Phase::Shaking(_) | Phase::Keyed, _) if now >= self.deadline => {
                self.closed(Reason::TIMEOUT, 0);
            }
            (Phase::Open, Some(session)) if session.liveness.is_dead(now) => self.closed(Reason::SILENT, 0),
            (Phase::Open, _) if probe => self.emit(ClientEvent::ProbeDue),
            (Phase::Closing, _) if now >= self.deadline => self.phase = Phase::Closed,
            _ => {}
        }
    }

    /// The next event, oldest first.
    pub fn poll_event(&mut self) -> Option<ClientEvent> {
        self.events.pop_front()
    }

    /// How large the buffer must be that [`Client::poll_transmit`] is given:
    /// [`RECORD_BYTES`], and more where the next message of version 1 is larger.
    #[must_use]
    pub fn transmit_bytes(&self) -> usize {
        self.session.as_ref().map_or(RECORD_BYTES, Session::transmit_bytes)
    }

    /// The version that the link speaks.
    #[must_use]
    pub const fn wire(&self) -> Wire {
        self.wire
    }

    /// The transport has shown that the host lives, without a message. That counts where the version has no pings, which
    /// would be proof.
    pub const fn handle_alive(&mut self, now: Instant) {
        if let (Phase::Open, Some(session)) = (&self.phase, &mut self.session) {
            session.handle_alive(now);
        }
    }

    /// Writes the next message into `buf` (at least [`Client::transmit_bytes`]) and gives its
    /// length; `None` when there is nothing to send.
    pub fn poll_transmit(&mut self, bodies: &mut impl Bodies, buf: &mut [u8]) -> Option<usize> {
        if let Some(message) = self.handshake.take() {
            buf.get_mut(..message.len())?.copy_from_slice(&message);
            return Some(message.len());
        }
        let sent = match (&self.phase, &mut self.session) {
            (Phase::Keyed | Phase::Open | Phase::Closing, Some(session)) => {
                session.poll_transmit(LinkId::ONLY, bodies, buf)
            }
            _ => None,
        };
        if sent.is_none() && matches!(self.phase, Phase::Closing) {
            self.phase = Phase::Closed;
        }
        sent
    }

    /// When to call [`Client::handle_timeout`] next.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Deadline> {
        match (&self.phase, &self.session) {
            (Phase::Shaking(_) | Phase::Keyed, _) => Some(Deadline { at: self.deadline, why: Timer::Handshake }),
            (Phase::Open, Some(session)) => Some(session.deadline()),
            (Phase::Closing, _) => Some(Deadline { at: self.deadline, why: Timer::Linger }),
            (Phase::Open | Phase::Closed, _) => None,
        }
    }

    /// Whether the session is open.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Open)
    }

    /// Whether the host has proved its key. It has not been told yet that the session is wanted, where nothing was polled
    /// to be sent since this became true: a link that is dropped then has disturbed no other.
    #[must_use]
    pub const fn has_proof(&self) -> bool {
        matches!(self.phase, Phase::Keyed | Phase::Open)
    }

    /// Whether all is said and the transport can be closed.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        matches!(self.phase, Phase::Closed)
    }

    /// Whether another call may be made.
    #[must_use]
    pub fn has_room(&self) -> bool {
        !self.calls.is_full()
    }

    /// Asks for a method with `total` bytes of parameters.
    ///
    /// # Errors
    /// [`Misuse::NotOpen`], [`Misuse::TooManyCalls`], [`Misuse::MethodName`] or [`Misuse::BodyTooLarge`]; nothing is
    /// sent then.
    pub fn call(&mut self, method: &str, operation: OperationId, total: usize) -> Result<RequestId, Misuse> {
        self.ask(method, operation, total, false)
    }

    /// Asks for the items of a stream with `total` bytes of parameters, and grants `credit` bytes of them:
    /// [`Client::grant`].
    ///
    /// # Errors
    /// As [`Client::call`] and [`Client::grant`]; nothing is sent then.
    pub fn subscribe(&mut self, method: &str, credit: u32, total: usize) -> Result<RequestId, Misuse> {
        if credit > WINDOW_BYTES {
            return Err(Misuse::BodyTooLarge);
        }
        let id = self.ask(method, [0; 16], total, true)?;
        self.grant(id, credit)?;
        Ok(id)
    }

    fn ask(
        &mut self,
        method: &str,
        operation: OperationId,
        total: usize,
        is_stream: bool,
    ) -> Result<RequestId, Misuse> {
        let (Phase::Open, Some(session)) = (&self.phase, &mut self.session) else { return Err(Misuse::NotOpen) };
        if total > BODY_BYTES {
            return Err(Misuse::BodyTooLarge);
        }
        let method = String::try_from(method).map_err(|_| Misuse::MethodName)?;
        if method.is_empty() {
            return Err(Misuse::MethodName);
        }
        if !session.outbox.has_room_beside(0) {
            return Err(Misuse::TooManyCalls);
        }
        let id = self.calls.begin()?;
        let _has_room = session.outbox.add(Item::new(Request { id, operation, method, is_stream }, total as u32));
        Ok(id)
    }

    /// Takes `bytes` more of the items of the stream of a call, besides what was granted before: an item costs its own
    /// bytes and [`ITEM_COST`](crate::limits::ITEM_COST), and one may begin while anything is left. Grant what was
    /// consumed, and a program that is slow stalls this stream and nothing else.
    ///
    /// # Errors
    /// [`Misuse::NoSuchCall`] when it has ended, [`Misuse::BodyTooLarge`] when over
    /// [`WINDOW_BYTES`] would be granted at once, [`Misuse::NotOpen`].
    pub fn grant(&mut self, id: RequestId, bytes: u32) -> Result<(), Misuse> {
        let (Phase::Open, Some(session)) = (&self.phase, &mut self.session) else { return Err(Misuse::NotOpen) };
        self.calls.grant(id, bytes)?;
        session.outbox.window(id, bytes);
        Ok(())
    }

    /// Tells the host that a call is not wanted any more. Tells whether its one response still comes, usually
    /// `cancelled`; a host of version 1 is not waited for.
    ///
    /// # Errors
    /// [`Misuse::NoSuchCall`] when it has ended or was cancelled before.
    pub fn cancel(&mut self, id: RequestId) -> Result<bool, Misuse> {
        let (Phase::Open, Some(session)) = (&self.phase, &mut self.session) else { return Err(Misuse::NotOpen) };
        if session.dialect.answers_cancels() {
            self.calls.cancel(id)?;
            session.outbox.cancel(id);
            return Ok(true);
        }
        self.calls.forget(id)?;
        let is_unsaid = session.outbox.is_unsaid(id);
        session.outbox.withdraw(id);
        if !is_unsaid {
            session.outbox.cancel(id);
        }
        Ok(false)
    }

    /// Ends the session and tells the host why.
    pub fn close(&mut self, now: Instant, reason: Reason) {
        if !matches!(self.phase, Phase::Closing | Phase::Closed) {
            self.begin_close(now, reason);
            self.emit(ClientEvent::Closed { reason, tries_left: 0 });
        }
    }

    fn begin_close(&mut self, now: Instant, reason: Reason) {
        self.phase = Phase::Closing;
        self.deadline = now.after(LINGER);
        self.calls.clear();
        if let Some(session) = &mut self.session {
            session.outbox.close(reason);
        }
    }

    fn closed(&mut self, reason: Reason, tries_left: u8) {
        self.phase = Phase::Closed;
        self.handshake = None;
        self.calls.clear();
        self.emit(ClientEvent::Closed { reason, tries_left });
    }

    /// At most one `Opened` or `Refused` and one `Closed` are ever made.
    fn emit(&mut self, event: ClientEvent) {
        let _never_full = self.events.push_back(event);
    }
}

fn random<const BYTES: usize>(rng: &mut ChaCha20Rng) -> [u8; BYTES] {
    let mut bytes = [0; BYTES];
    rng.fill_bytes(&mut bytes);
    bytes
}
