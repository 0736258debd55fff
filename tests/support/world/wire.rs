//! One connection: what is under way in each direction, and who is at its far end.

use core::fmt;
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use opendesk_core::{
    Bodies, BodyId, Client, ClientDelivery, ClientEvent, Instant, Keys, LinkId, Outcome, PublicKey, PublicKeys, Reason,
    RequestId, SigningKey, StaticKey,
};

/// A machine that connects, by its number: the same number is the same machine with the same keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Peer(pub u8);

impl Peer {
    /// Its private key.
    #[must_use]
    pub fn static_key(self) -> StaticKey {
        StaticKey::new([self.0 ^ 0x5a; 32])
    }

    /// The key that names it.
    #[must_use]
    pub fn public(self) -> PublicKey {
        self.static_key().public()
    }

    /// The key that signs its HELLO.
    #[must_use]
    pub fn signing_key(self) -> SigningKey {
        SigningKey::new([self.0 ^ 0xa5; 32])
    }

    /// Both keys.
    #[must_use]
    pub fn config(self) -> Keys {
        Keys { static_key: self.static_key(), signing_key: self.signing_key() }
    }
}

/// A connection, numbered in the order of connecting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Wire(pub usize);

impl fmt::Display for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "wire {}", self.0)
    }
}

/// Where a message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// From the peer to the host.
    ToHost,
    /// From the host to the peer.
    ToPeer,
}

/// One direction of a connection.
#[derive(Debug, Default)]
pub struct Pipe {
    /// Messages and when they arrive, the next one first.
    pub under_way: VecDeque<(Instant, Vec<u8>)>,
    /// Every message so far: what an eavesdropper has.
    pub overheard: Vec<Vec<u8>>,
    /// Nothing arrives unless the test delivers it.
    pub held: bool,
    /// The sender's socket is full: it is not asked for messages.
    pub stalled: bool,
    /// How long a message travels.
    pub latency: Duration,
    /// The sender has closed its end.
    pub ended: bool,
    /// The receiver has been told so.
    pub told: bool,
}

impl Pipe {
    /// When the next message arrives by itself.
    pub(super) fn next_arrival(&self) -> Option<Instant> {
        if self.held { None } else { self.under_way.front().map(|(at, _)| *at) }
    }

    /// Takes the next message if it has arrived.
    pub(super) fn take_arrived(&mut self, now: Instant) -> Option<Vec<u8>> {
        let arrived = self.next_arrival().is_some_and(|at| at <= now);
        if arrived { self.under_way.pop_front().map(|(_, message)| message) } else { None }
    }

    /// Whether the receiver must be told that there will be no more, once.
    pub(super) fn take_end(&mut self) -> bool {
        let due = self.ended && !self.told && !self.held && self.under_way.is_empty();
        self.told |= due;
        due
    }

    /// The connection is gone, with all that was on it.
    pub(super) fn cut(&mut self) {
        self.under_way.clear();
        self.ended = true;
        self.told = true;
    }
}

/// The one answer to a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The call.
    pub call: RequestId,
    /// How it ended.
    pub outcome: Outcome,
    /// The whole body.
    pub body: Vec<u8>,
}

/// The bodies that a controller sends.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    pub(super) greeting: Vec<u8>,
    pub(super) calls: BTreeMap<RequestId, Vec<u8>>,
}

impl Bodies for Outgoing {
    fn copy(&mut self, link: LinkId, body: BodyId, offset: usize, out: &mut [u8]) {
        assert_eq!(link, LinkId::ONLY);
        let bytes = match body {
            BodyId::Greeting => &self.greeting,
            BodyId::Call(call) => self.calls.get(&call).expect("a body is asked for until it is done"),
            BodyId::Item(_) | BodyId::Push(_) => panic!("a controller sends no {body:?}"),
        };
        out.copy_from_slice(&bytes[offset..offset + out.len()]);
    }

    fn done(&mut self, _: LinkId, body: BodyId) {
        if let BodyId::Call(call) = body {
            self.calls.remove(&call);
        }
    }
}

/// A controller and the program around it, which writes down all that it is told.
#[derive(Debug)]
pub struct Controller {
    /// The machine.
    pub client: Client,
    /// What the host told of itself or of its refusal.
    pub greeting: Option<Vec<u8>>,
    /// Every event so far.
    pub events: Vec<ClientEvent>,
    /// Every answer so far, in the order of completion.
    pub answers: Vec<Answer>,
    /// Every complete item of a stream so far.
    pub items: Vec<(RequestId, Vec<u8>)>,
    /// Every push so far.
    pub pushes: Vec<(u16, Vec<u8>)>,
    /// Calls that have no answer yet.
    pub unanswered: BTreeSet<RequestId>,
    /// Beginnings of answers.
    pub partial: BTreeMap<RequestId, Vec<u8>>,
    /// Beginnings of items.
    pub partial_items: BTreeMap<RequestId, Vec<u8>>,
    pub(super) bodies: Outgoing,
}

impl Controller {
    pub(super) fn new(mut client: Client) -> Self {
        // Version 1 has a map there, and its controllers put nothing into it.
        let is_version_1 = client.wire() == opendesk_core::Wire::V1;
        let greeting = if is_version_1 { vec![0x80] } else { b"a controller".to_vec() };
        client.greet(greeting.len());
        Self {
            client,
            greeting: None,
            events: Vec::new(),
            answers: Vec::new(),
            items: Vec::new(),
            pushes: Vec::new(),
            unanswered: BTreeSet::new(),
            partial: BTreeMap::new(),
            partial_items: BTreeMap::new(),
            bodies: Outgoing { greeting, calls: BTreeMap::new() },
        }
    }

    /// The answer to a call, if it has come.
    #[must_use]
    pub fn answer(&self, call: RequestId) -> Option<&Answer> {
        self.answers.iter().find(|answer| answer.call == call)
    }

    /// Why the link is over, if it is.
    #[must_use]
    pub fn closed(&self) -> Option<Reason> {
        self.events.iter().find_map(|event| match event {
            ClientEvent::Closed { reason, .. } => Some(*reason),
            ClientEvent::Opened { .. } | ClientEvent::Refused { .. } | ClientEvent::ProbeDue => None,
        })
    }

    /// How often the code may still be tried, as the host said when it refused one.
    #[must_use]
    pub fn tries_left(&self) -> Option<u8> {
        self.events.iter().find_map(|event| match event {
            ClientEvent::Closed { reason: Reason::WRONG_CODE, tries_left } => Some(*tries_left),
            ClientEvent::Closed { .. }
            | ClientEvent::Opened { .. }
            | ClientEvent::Refused { .. }
            | ClientEvent::ProbeDue => None,
        })
    }

    /// The handshake's hash that the session was opened under.
    #[must_use]
    pub fn opened(&self) -> Option<[u8; 32]> {
        self.events.iter().find_map(|event| match event {
            ClientEvent::Opened { handshake, .. } => Some(*handshake),
            ClientEvent::Refused { .. } | ClientEvent::Closed { .. } | ClientEvent::ProbeDue => None,
        })
    }

    /// The keys that the host has proved, whatever it then said.
    #[must_use]
    pub fn proved(&self) -> Option<PublicKeys> {
        self.events.iter().find_map(|event| match *event {
            ClientEvent::Opened { host, signing_key, .. } | ClientEvent::Refused { host, signing_key, .. } => {
                signing_key.map(|signing_key| PublicKeys { static_key: host, signing_key })
            }
            ClientEvent::Closed { .. } | ClientEvent::ProbeDue => None,
        })
    }

    /// The number of the host's memory of this peer's operations, as the session was opened with it.
    #[must_use]
    pub fn memory(&self) -> Option<u64> {
        self.events.iter().find_map(|event| match event {
            ClientEvent::Opened { memory, .. } => Some(*memory),
            ClientEvent::Refused { .. } | ClientEvent::Closed { .. } | ClientEvent::ProbeDue => None,
        })
    }

    /// Takes a message in and gives what it was, in a line. Half of I6 is checked here: no call is answered twice.
    pub(super) fn handle(&mut self, now: Instant, message: &mut [u8]) -> String {
        match self.client.handle_message(now, message) {
            ClientDelivery::Nothing => "nothing".to_owned(),
            ClientDelivery::Greeting(body) => {
                self.greeting = Some(body.to_vec());
                format!("greeting {}", String::from_utf8_lossy(body))
            }
            ClientDelivery::Push { topic, body } => {
                self.pushes.push((topic, body.to_vec()));
                format!("push {topic} {}", body.len())
            }
            ClientDelivery::Item(part) => {
                assert!(self.unanswered.contains(&part.call), "I6: an item of call {}, which was answered", part.call);
                assert!(
                    !self.partial.contains_key(&part.call),
                    "I6: an item of call {} after its answer began",
                    part.call
                );
                let body = self.partial_items.entry(part.call).or_default();
                body.extend_from_slice(part.body);
                assert!(body.len() <= part.total && (body.len() == part.total) == part.done);
                if part.done {
                    let body = self.partial_items.remove(&part.call).unwrap_or_default();
                    self.items.push((part.call, body));
                }
                format!("item of {} {} of {}", part.call, part.body.len(), part.total)
            }
            ClientDelivery::Response(part) => {
                self.partial_items.remove(&part.call);
                assert!(self.unanswered.contains(&part.call), "I6: a second answer to call {}", part.call);
                let body = self.partial.entry(part.call).or_default();
                body.extend_from_slice(part.body);
                assert!(body.len() <= part.total && (body.len() == part.total) == part.done);
                if part.done {
                    self.unanswered.remove(&part.call);
                    let body = self.partial.remove(&part.call).unwrap_or_default();
                    self.answers.push(Answer { call: part.call, outcome: part.outcome, body });
                }
                format!("answer {} {:?} {} of {}", part.call, part.outcome, part.body.len(), part.total)
            }
        }
    }

    /// The calls that can have no answer any more are gone with the session.
    pub(super) fn poll_events(&mut self) -> Vec<ClientEvent> {
        let events: Vec<ClientEvent> = core::iter::from_fn(|| self.client.poll_event()).collect();
        if events.iter().any(|event| matches!(event, ClientEvent::Closed { .. })) {
            self.unanswered.clear();
            self.partial.clear();
        }
        self.events.extend(&events);
        events
    }
}

/// Who is at the far end of a connection.
#[derive(Debug)]
pub(super) enum End {
    /// A controller that keeps to the protocol.
    Controller(Box<Controller>),
    /// The test itself; these messages have arrived.
    Test(Vec<Vec<u8>>),
}

/// A connection with both its ends.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) link: LinkId,
    pub(super) end: End,
    pub(super) to_host: Pipe,
    pub(super) to_peer: Pipe,
}

impl Connection {
    pub(super) fn new(link: LinkId, end: End) -> Self {
        Self { link, end, to_host: Pipe::default(), to_peer: Pipe::default() }
    }

    pub(super) fn pipe(&mut self, way: Way) -> &mut Pipe {
        match way {
            Way::ToHost => &mut self.to_host,
            Way::ToPeer => &mut self.to_peer,
        }
    }

    pub(super) fn controller(&mut self) -> Option<&mut Controller> {
        match &mut self.end {
            End::Controller(controller) => Some(controller),
            End::Test(_) => None,
        }
    }
}
