//! The host's machine: many links, one controller.

mod admission;
mod answers;
mod arbiter;
mod handshake;
mod identities;
mod intake;
mod link;
mod operations;
mod pairing;
mod registry;

use chacha20::ChaCha20Rng;
use chacha20::rand_core::{Rng, SeedableRng};
use heapless::Deque;
use serde::{Deserialize, Serialize};

pub use arbiter::{Arbiter, Claim};
use identities::Identities;
pub use intake::{ClaimedPeer, Delivery, ProvedPeer, RequestPart};
use link::{Calls, Link, Phase};
use operations::Operations;
pub use pairing::{PairingEnd, PairingWindow};
use registry::Registry;

use crate::crypto::keys::{Keys, PublicKey};
use crate::dialect::Wire;
use crate::dialect::v1::Psk;
use crate::frame::{Hello, PROTOCOL, Role, SessionKind};
use crate::id::{LinkId, RequestId};
use crate::limits::{CALLS, CHUNK_BYTES, HALF_OPEN, HALF_OPEN_PER_ADDRESS, HANDSHAKE, PRE_AUTH_BYTES, RECORD_BYTES};
use crate::reason::{Misuse, Reason};
use crate::session::{Bodies, Session};
use crate::time::{Deadline, Instant, Timer};

/// Events that may wait to be polled. One input makes at most three for each link, and sending one for each stream.
const EVENTS: usize = 256;

/// The program's answer to [`Delivery::Hello`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Decision {
    /// The key may drive.
    Trusted,
    /// It may not: [`Reason::UNTRUSTED`], [`Reason::REFUSED`]…
    Refused(Reason),
}

/// What the host's HELLO on a link says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum GreetingVerdict {
    /// The session is open.
    Welcome,
    /// Another controller drives.
    Busy {
        /// The holder.
        holder: PublicKey,
        /// Since when.
        since: Instant,
    },
    /// No session for this peer.
    Refused(Reason),
}

impl GreetingVerdict {
    const fn reason(self) -> Option<Reason> {
        match self {
            Self::Welcome => None,
            Self::Busy { .. } => Some(Reason::BUSY),
            Self::Refused(reason) => Some(reason),
        }
    }
}

/// What the program around the host must know or do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// Answer with [`Host::greet`].
    GreetingDue {
        /// The link.
        link: LinkId,
        /// What the greeting says.
        verdict: GreetingVerdict,
    },
    /// A controller drives from now on.
    SessionOpened {
        /// Its link.
        link: LinkId,
        /// Its key.
        peer: PublicKey,
    },
    /// The controller is gone: stop all that it started, release all that it holds, then call [`Host::released`].
    /// Nobody else is admitted before that (I3).
    SessionEnded {
        /// Its link.
        link: LinkId,
        /// Its key.
        peer: PublicKey,
        /// Why.
        reason: Reason,
    },
    /// The controller does not want this call any more; it has been answered with `cancelled`.
    CallCancelled {
        /// The link.
        link: LinkId,
        /// The request.
        call: RequestId,
    },
    /// The stream of this call may send its next item: [`Host::send_item`]. Told late, the call may have ended since:
    /// [`Host::is_stream_ready`] knows.
    StreamReady {
        /// The link.
        link: LinkId,
        /// The request.
        call: RequestId,
    },
    /// Somebody proved a wrong code.
    WrongCode {
        /// The link.
        link: LinkId,
        /// Tries until the window closes.
        tries_left: u8,
    },
    /// The pairing window is closed.
    PairingEnded(PairingEnd),
    /// The link is gone from the table; send what was polled and close its transport.
    LinkClosed {
        /// The link.
        link: LinkId,
        /// Why.
        reason: Reason,
    },
    /// The link is quiet, and its version has no pings of its own: have the transport ask (a WebSocket ping), and tell
    /// [`Host::handle_alive`] of what it answers.
    ProbeDue {
        /// The link.
        link: LinkId,
    },
}

/// How far the handshake of a link has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Nothing was said, or all is.
    Silent,
    /// A pairing has begun.
    Pairing,
    /// There are keys.
    Keyed {
        /// The peer's.
        peer: PublicKey,
        /// The host's on this link.
        own: PublicKey,
        /// The handshake's hash.
        hash: [u8; 32],
    },
}

/// Why [`Host::open`] takes no link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refusal {
    /// The table is full.
    Full,
    /// Too many strangers, from this address or in all.
    Crowded,
}

/// The machine whose desktop is driven, with at most `N` links. See the crate's documentation for the order of
/// calls.
#[derive(Debug)]
pub struct Host<const N: usize> {
    identities: Identities,
    rng: ChaCha20Rng,
    /// The oldest version that is spoken.
    oldest: Wire,
    links: Registry<Link, N>,
    arbiter: Arbiter,
    window: Option<PairingWindow>,
    /// Windows opened so far.
    windows: u32,
    tickets: u64,
    /// Of the session that drives.
    calls: Calls,
    operations: Operations,
    events: Deque<Event, EVENTS>,
}

impl<const N: usize> Host<N> {
    /// A host without links. The seed must come from a source of cryptographic quality: every ephemeral key is
    /// drawn from it.
    #[must_use]
    pub fn new(keys: Keys, seed: [u8; 32]) -> Self {
        const { assert!(N * 3 + CALLS + 8 <= EVENTS, "an input must never make more events than can wait") };
        Self {
            identities: Identities::new(keys),
            rng: ChaCha20Rng::from_seed(seed),
            oldest: Wire::V1,
            links: Registry::new(),
            arbiter: Arbiter::new(),
            window: None,
            windows: 0,
            tickets: 0,
            calls: Calls::new(),
            operations: Operations::new(),
            events: Deque::new(),
        }
    }

    /// A new connection from this address (IPv6, or IPv4 mapped into it).
    ///
    /// # Errors
    /// [`Refusal`] when there is no place for it (I7); close it.
    pub fn open(&mut self, now: Instant, address: [u8; 16]) -> Result<LinkId, Refusal> {
        let (mut strangers, mut from_there) = (0, 0);
        for (_, link) in self.links.iter().filter(|(_, link)| link.is_half_open()) {
            strangers += 1;
            from_there += usize::from(link.address == address);
        }
        if strangers >= HALF_OPEN || from_there >= HALF_OPEN_PER_ADDRESS {
            return Err(Refusal::Crowded);
        }
        self.links.insert(Link::new(address, now.after(HANDSHAKE))).ok_or(Refusal::Full)
    }

    /// The transport of a link has ended.
    pub fn handle_eof(&mut self, now: Instant, link: LinkId) {
        self.end(now, link, Reason::LOST);
        self.retire(link);
    }

    /// Time has passed. Early and spurious calls change nothing.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.window.as_ref().is_some_and(|window| now >= window.until()) {
            self.close_pairing(PairingEnd::Expired);
        }
        for index in 0..N {
            let Some(id) = self.links.at(index) else { continue };
            let Some(link) = self.links.get_mut(id) else { continue };
            let probe = match (&link.phase, &mut link.session) {
                (Phase::Open, Some(session)) => session.handle_timeout(now),
                _ => false,
            };
            let late = link.deadline.is_some_and(|deadline| now >= deadline);
            let dead = link.session.as_ref().is_some_and(|session| session.liveness.is_dead(now));
            match link.phase {
                Phase::Closing if late => self.retire(id),
                Phase::Queued if late => self.refuse(now, id, GreetingVerdict::Refused(Reason::BUSY)),
                Phase::Waiting | Phase::Claimed { .. } | Phase::Pairing { .. } | Phase::Keyed | Phase::Proved
                    if late =>
                {
                    self.end(now, id, Reason::TIMEOUT);
                }
                Phase::Open if dead => self.end(now, id, Reason::SILENT),
                Phase::Open if probe => self.emit(Event::ProbeDue { link: id }),
                Phase::Waiting
                | Phase::Claimed { .. }
                | Phase::Pairing { .. }
                | Phase::Keyed
                | Phase::Proved
                | Phase::Queued
                | Phase::Open
                | Phase::Closing => {}
            }
        }
    }

    /// The next event, oldest first.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// How large the buffer must be that [`Host::poll_transmit`] is given:
    /// [`RECORD_BYTES`], and more where the next message of a link of version 1 is larger.
    #[must_use]
    pub fn transmit_bytes(&self, id: LinkId) -> usize {
        let session = self.links.get(id).and_then(|link| link.session.as_ref());
        session.map_or(RECORD_BYTES, Session::transmit_bytes)
    }

    /// The largest message of a link that is taken.
    #[must_use]
    pub fn message_bytes(&self, id: LinkId) -> usize {
        let session = self.links.get(id).and_then(|link| link.session.as_ref());
        session.map_or(PRE_AUTH_BYTES, |session| session.dialect.record_bytes())
    }

    /// The version that a link speaks, once it has spoken.
    #[must_use]
    pub fn wire(&self, id: LinkId) -> Option<Wire> {
        self.links.get(id).map(|link| link.wire)
    }

    /// The oldest version to be spoken on links that have not begun. A new host speaks all.
    pub fn set_oldest(&mut self, oldest: Wire) {
        self.oldest = oldest;
    }

    /// The oldest version that is spoken.
    #[must_use]
    pub const fn oldest(&self) -> Wire {
        self.oldest
    }

    /// The transport of a link has shown that the other side lives, without a message. That counts where the version of
    /// the link has no pings, which would be proof.
    pub fn handle_alive(&mut self, now: Instant, id: LinkId) {
        if let Some(Link { phase: Phase::Open, session: Some(session), .. }) = self.links.get_mut(id) {
            session.handle_alive(now);
        }
    }

    /// Writes the next message of a link into `buf` (at least [`Host::transmit_bytes`]) and
    /// gives its length; `None` when there is nothing to send.
    pub fn poll_transmit(&mut self, id: LinkId, bodies: &mut impl Bodies, buf: &mut [u8]) -> Option<usize> {
        let link = self.links.get_mut(id)?;
        if let Some(message) = link.handshake.take() {
            buf.get_mut(..message.len())?.copy_from_slice(&message);
            return Some(message.len());
        }
        let sent = match &mut link.session {
            // The HELLO comes first, whatever else is due.
            Some(session) if matches!(link.phase, Phase::Open | Phase::Closing) && link.greeting.is_none() => {
                session.poll_transmit(id, bodies, buf)
            }
            _ => None,
        };
        let item = link.session.as_mut().and_then(|session| session.outbox.take_item_sent());
        if let Some(call) = item.filter(|call| self.calls.item_sent(*call)) {
            self.emit(Event::StreamReady { link: id, call });
        }
        let over =
            self.links.get(id).is_some_and(|link| matches!(link.phase, Phase::Closing) && link.greeting.is_none());
        if sent.is_none() && over {
            self.retire(id);
        }
        sent
    }

    /// Whether the link's next message can be taken now. While not, its transport is not read, so that a controller
    /// that asks without reading the answers stalls only itself.
    #[must_use]
    pub fn wants_input(&self, id: LinkId) -> bool {
        self.links.get(id).is_some_and(|link| match link.phase {
            // Every call that runs has a place for its answer, and so has the refusal of one too many.
            Phase::Open => {
                link.session.as_ref().is_some_and(|session| session.outbox.has_room_beside(self.calls.count()))
            }
            // What follows is taken when the decision is known.
            Phase::Claimed { .. } | Phase::Proved | Phase::Queued => false,
            Phase::Waiting | Phase::Pairing { .. } | Phase::Keyed | Phase::Closing => true,
        })
    }

    /// When to call [`Host::handle_timeout`] next.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Deadline> {
        let window = self.window.as_ref().map(|window| Deadline { at: window.until(), why: Timer::Pairing });
        self.links.iter().fold(window, |first, (_, link)| {
            let why = if matches!(link.phase, Phase::Closing) { Timer::Linger } else { Timer::Handshake };
            let own = match (&link.phase, &link.session) {
                (Phase::Open, Some(session)) => Some(session.deadline()),
                _ => link.deadline.map(|at| Deadline { at, why }),
            };
            Deadline::earliest(first, own)
        })
    }

    /// Answers [`Delivery::Hello`], also when the link is gone by then: its code is used up, or free again.
    pub fn decide(&mut self, now: Instant, id: LinkId, decision: Decision) {
        let is_due = self.links.get(id).is_none_or(|link| !link.is_half_open());
        if is_due && let Some(window) = self.window.as_mut().filter(|window| window.is_claimed_by(id)) {
            match decision {
                Decision::Trusted => self.close_pairing(PairingEnd::Paired),
                Decision::Refused(_) => window.forget(id),
            }
        }
        let Some(link) = self.links.get_mut(id) else { return };
        if !matches!(link.phase, Phase::Proved) {
            return;
        }
        match decision {
            Decision::Refused(reason) => self.refuse(now, id, GreetingVerdict::Refused(reason)),
            Decision::Trusted => {
                link.phase = Phase::Queued;
                link.ticket = self.tickets;
                link.deadline = Some(now.after(HANDSHAKE));
                self.tickets += 1;
                self.admit(now);
            }
        }
    }

    /// Answers [`Event::GreetingDue`]: the body of this side's HELLO has `total` bytes, at most
    /// [`CHUNK_BYTES`]; longer ones are cut by the caller.
    pub fn greet(&mut self, id: LinkId, total: usize) {
        let Some(link) = self.links.get_mut(id) else { return };
        let (Some(verdict), Some(session), Some(keys)) = (link.greeting.take(), &mut link.session, &link.keys) else {
            return;
        };
        let memory = match (verdict, link.peer) {
            (GreetingVerdict::Welcome, Some(peer)) => self.operations.number(peer),
            _ => 0,
        };
        let hello = Hello {
            role: Role::Host,
            kind: SessionKind::CONTROL,
            protocol: PROTOCOL,
            signed: session.sign(&keys.signing_key, Role::Host),
            error: verdict.reason(),
            memory,
        };
        session.hello(hello, total.min(CHUNK_BYTES) as u32);
    }

    /// Ends a link and tells the other side why.
    pub fn close(&mut self, now: Instant, id: LinkId, reason: Reason) {
        self.end(now, id, reason);
    }

    /// All that the session of this past link pressed is released; the next controller may come.
    pub fn released(&mut self, now: Instant, id: LinkId) {
        if self.arbiter.released(id) {
            self.admit(now);
        }
    }

    /// Opens a pairing window; one that is open already is closed first.
    ///
    /// # Errors
    /// [`Misuse::Code`] when the code is empty or too long.
    pub fn open_pairing(&mut self, code: &[u8], until: Instant) -> Result<(), Misuse> {
        let window = PairingWindow::open(self.windows, code, until)?;
        self.close_pairing(PairingEnd::Closed);
        self.windows = self.windows.wrapping_add(1);
        self.window = Some(window);
        Ok(())
    }

    /// Lets peers of version 1 pair through the window that is open; what they are told lets them, and whoever is in
    /// between, search a short code.
    ///
    /// # Errors
    /// [`Misuse::Code`] without a window.
    pub fn allow_version_1(&mut self, psk: Psk) -> Result<(), Misuse> {
        let window = self.window.as_mut().ok_or(Misuse::Code)?;
        window.allow_version_1(psk);
        Ok(())
    }

    /// Closes the pairing window.
    pub fn cancel_pairing(&mut self) {
        self.close_pairing(PairingEnd::Closed);
    }

    /// Whether a code is being shown.
    #[must_use]
    pub const fn is_pairing(&self) -> bool {
        self.window.is_some()
    }

    /// From now on this machine has other keys. Whoever knows it by those that it had, or by one of the
    /// [`FORMER_KEYS`](crate::limits::FORMER_KEYS) before, is answered as then; the greeting can tell of the
    /// [`Succession`](crate::Succession). Links that have begun go on under the keys they began with.
    pub fn rotate(&mut self, successor: Keys) {
        self.identities.rotate(successor);
    }

    /// Whoever knows this machine by former keys is not answered any more.
    pub fn forget_former_keys(&mut self) {
        self.identities.forget_former();
    }

    /// The keys that this machine has now.
    #[must_use]
    pub const fn keys(&self) -> &Keys {
        self.identities.current()
    }

    /// Link, key and start of the session that drives.
    #[must_use]
    pub const fn controller(&self) -> Option<(LinkId, PublicKey, Instant)> {
        self.arbiter.holder()
    }

    /// Whether nobody drives and nothing is held any more.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.arbiter == Arbiter::new()
    }

    /// The hash that names a link's handshake, once there is one: both sides have the same.
    #[must_use]
    pub fn handshake_hash(&self, id: LinkId) -> Option<[u8; 32]> {
        Some(self.links.get(id)?.session.as_ref()?.hash)
    }

    /// Bytes of memory that this machine takes, all of them inside itself.
    #[must_use]
    pub const fn memory() -> usize {
        size_of::<Self>()
    }

    /// How far a link has come, for whoever disguises a recording.
    pub(crate) fn stage(&self, id: LinkId) -> Stage {
        let Some(link) = self.links.get(id) else { return Stage::Silent };
        match (&link.phase, &link.session, link.peer, &link.keys) {
            (Phase::Pairing { .. }, ..) => Stage::Pairing,
            (_, Some(session), Some(peer), Some(keys)) => {
                Stage::Keyed { peer, own: keys.static_key.public(), hash: session.hash }
            }
            _ => Stage::Silent,
        }
    }

    /// What a record of a link says, without taking it in.
    pub(crate) fn peek<'a>(&self, id: LinkId, record: &'a mut [u8]) -> Option<&'a [u8]> {
        self.links.get(id)?.session.as_ref()?.peek(record)
    }

    /// Whether asking this link for a message that it does not have may retire it.
    pub(crate) fn is_closing(&self, id: LinkId) -> bool {
        self.links.get(id).is_some_and(|link| matches!(link.phase, Phase::Closing))
    }

    fn emit(&mut self, event: Event) {
        let full = self.events.push_back(event).is_err();
        debug_assert!(!full, "the drain contract was broken: events were not polled");
    }

    fn random<const BYTES: usize>(&mut self) -> [u8; BYTES] {
        let mut bytes = [0; BYTES];
        self.rng.fill_bytes(&mut bytes);
        bytes
    }
}
