//! What must hold in a storm: who is who, what was said, and what may therefore have been heard.
//!
//! Here it is about peers, requests and answers; `places.rs`, `identities.rs`, `memories.rs`, `operations.rs`,
//! `streams.rs` and `pushes.rs` are about what their names say.

use core::mem;
use std::collections::{BTreeMap, BTreeSet};

use opendesk_core::{ErrorCode, Event, OperationId, Outcome, PublicKey, Reason, Refusal, RequestId, limits};

use super::identities::{Dialled, Identities};
use super::memories::Memories;
use super::operations::{NONE, Operations};
use super::places::{Places, live};
use super::pushes::Pushes;
use super::streams::Streams;
use super::weather::{WAYS, Weather};
use crate::world::program::Note;
use crate::world::{Peer, Way, Wire, World};

const CANCELLED: Outcome = Outcome::Error(ErrorCode::Cancelled);
const BUSY: Outcome = Outcome::Error(ErrorCode::Busy);

/// What a session of two that keep to the protocol never ends with, whatever the network does: it makes no record that
/// opens.
const MISTAKES: [Reason; 3] = [Reason::MALFORMED, Reason::MISBEHAVED, Reason::TOO_LARGE];

/// A request, by the connection that it was made on.
pub(super) type Call = (Wire, RequestId);

/// A controller that keeps to the protocol.
#[derive(Debug, Clone, Copy)]
pub(super) struct Guest {
    peer: Peer,
    knows_code: bool,
    dialled: Dialled,
    /// Whether its session was seen to be open.
    opened: bool,
    /// Answers of it that were checked.
    answers: usize,
    /// Items of it that were counted.
    items: usize,
}

impl Guest {
    pub(super) const fn new(peer: Peer, knows_code: bool, dialled: Dialled) -> Self {
        Self { peer, knows_code, dialled, opened: false, answers: 0, items: 0 }
    }
}

/// What a controller has asked for.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) operation: OperationId,
    pub(super) body: Vec<u8>,
    /// When, as operations count.
    at: usize,
}

/// What was said by whom.
#[derive(Debug, Default)]
pub(super) struct Truth {
    /// Whoever may drive.
    pub(super) friends: BTreeSet<PublicKey>,
    pub(super) guests: BTreeMap<Wire, Guest>,
    pub(super) asked: BTreeMap<Call, Asked>,
    /// What a controller has cancelled.
    pub(super) unwanted: BTreeSet<Call>,
    /// What happened, by a word, and how often.
    pub(super) happened: BTreeMap<&'static str, usize>,
    pub(super) identities: Identities,
    pub(super) operations: Operations,
    pub(super) streams: Streams,
    pub(super) pushes: Pushes,
    memories: Memories,
    places: Places,
    /// All answers of the host's program.
    given: BTreeMap<Call, (Outcome, Vec<u8>)>,
    /// What the host's program must not hear of again.
    over: BTreeSet<Call>,
    /// Proofs that were checked.
    proofs: usize,
    /// Notes of the host's program that were read.
    notes: usize,
    /// Wrong codes of the window that is open.
    wrong: u8,
}

impl Truth {
    pub(super) fn count(&mut self, word: &'static str) {
        *self.happened.entry(word).or_default() += 1;
    }

    /// Somebody found a place or not. Gives the connection.
    pub(super) fn entered(&mut self, world: &World, address: [u8; 16], entered: Result<Wire, Refusal>) -> Option<Wire> {
        let wire = self.places.entered(world, address, entered);
        if wire.is_none() {
            self.count("refusal");
        }
        wire
    }

    /// A controller has asked for something.
    pub(super) fn asks(&mut self, world: &mut World, call: Call, operation: OperationId, body: Vec<u8>) {
        self.follow(world);
        let at = self.operations.tick();
        self.asked.insert(call, Asked { operation, body, at });
    }

    /// The host's program has answered.
    pub(super) fn answered(&mut self, world: &mut World, call: Call, outcome: Outcome, body: Vec<u8>) {
        self.follow(world);
        self.operations.answered(call, outcome);
        self.given.insert(call, (outcome, body));
        self.over.insert(call);
    }

    /// The host has taken an item from its program.
    pub(super) fn streamed(&mut self, call: Call, item: Vec<u8>) {
        self.streams.sent(call, item);
    }

    /// Requests that the peer of this session may repeat: its host remembers what it does about them.
    pub(super) fn repeatable(&self, world: &World, wire: Wire) -> Vec<Call> {
        let (peer, memory) = (self.guests[&wire].peer, world.client(wire).memory());
        let is_known = |(of, _): &Call| self.guests[of].peer == peer && world.client(*of).memory() == memory;
        let asked = self.asked.iter().filter(|(_, asked)| asked.operation != NONE);
        asked.map(|(call, _)| *call).filter(is_known).collect()
    }

    /// Takes note of what the host's program was told since the last time, before anything else is said.
    pub(super) fn follow(&mut self, world: &mut World) {
        // Proofs first: who has paired is a friend, and its session may have been opened in the same step.
        self.check_proofs(world);
        self.check_notes(world);
        self.check_events(world);
    }

    /// What must hold after every step.
    pub(super) fn check(&mut self, world: &mut World, weather: &Weather) {
        self.follow(world);
        self.check_requests(world);
        let holder = world.controller();
        assert!(holder.is_none_or(|wire| self.guests.contains_key(&wire)), "I2: {holder:?} drives");
        let guests: Vec<Wire> = self.guests.keys().copied().collect();
        for wire in guests {
            self.check_answers(world, wire);
            self.check_unasked(world, wire);
            self.check_session(world, weather, wire);
        }
        self.places.check(world);
    }

    /// I4: no key is proved but by who has it, and nobody has paired without the code.
    fn check_proofs(&mut self, world: &World) {
        for proved in &world.program.proved[self.proofs..] {
            let wire = world.wire(proved.link);
            let guest = self.guests.get(&wire).unwrap_or_else(|| panic!("I4: {wire} has proved a key that it has not"));
            assert_eq!(proved.peer, guest.peer.public(), "I4: {wire} has proved the key of somebody else");
            assert!(guest.knows_code || !proved.paired, "I4: {wire} has paired without the code");
            assert_eq!(proved.body, b"a controller", "{wire}: its greeting was altered");
            if proved.paired {
                self.friends.insert(proved.peer);
            }
        }
        self.proofs = world.program.proved.len();
    }

    fn check_notes(&mut self, world: &World) {
        for note in &world.program.notes[self.notes..] {
            match *note {
                Note::Opened { link, peer } => {
                    self.operations.opened(peer);
                    if self.memories.opened(world.wire(link), peer) {
                        self.count("forgotten_peer");
                    }
                }
                Note::Ended => self.operations.ended(),
                Note::Began { link, call, operation, repeats } => {
                    self.operations.began((world.wire(link), call), operation, repeats);
                    if repeats.is_some() {
                        self.count("remembered");
                    }
                }
                Note::Complete { link, call } => self.operations.complete((world.wire(link), call)),
                Note::Cancelled { link, call } => self.operations.cancelled((world.wire(link), call)),
            }
        }
        self.notes = world.program.notes.len();
    }

    fn check_events(&mut self, world: &mut World) {
        for event in world.take_events() {
            match event {
                Event::SessionOpened { peer, .. } => {
                    assert!(self.friends.contains(&peer), "I4: a session for {peer}, which nobody trusts");
                    self.count("session");
                }
                Event::SessionEnded { link, reason, .. } => {
                    let wire = world.wire(link);
                    assert!(!MISTAKES.contains(&reason), "the session of {wire} ended with {reason:?}: a mistake");
                    self.count(reason.word());
                }
                Event::CallCancelled { link, call } => {
                    let call = (world.wire(link), call);
                    assert!(self.unwanted.contains(&call), "I6: {call:?} was cancelled and nobody had said so");
                    self.over.insert(call);
                    self.count("cancelled");
                }
                Event::StreamReady { link, call } => self.streams.told((world.wire(link), call)),
                Event::WrongCode { tries_left, .. } => {
                    self.wrong += 1;
                    assert_eq!(self.wrong + tries_left, limits::PAIRING_TRIES, "tries of one code");
                    self.count("wrong_code");
                }
                Event::PairingEnded(_) => self.wrong = 0,
                _ => {}
            }
        }
    }

    /// I2 and I6: what the program carries out is what a controller has asked, unaltered, once.
    fn check_requests(&self, world: &World) {
        for running in &world.program.running {
            let call = (world.wire(running.link), running.call);
            let asked = self.asked.get(&call).unwrap_or_else(|| panic!("I2: nobody has asked {call:?}"));
            let is_beginning = asked.body.len() == running.total && asked.body.starts_with(&running.body);
            let is_same = running.operation == asked.operation;
            assert!(is_beginning && is_same, "the parameters of {call:?} were altered on the way");
            assert!(!self.over.contains(&call), "I6: {call:?} was over and is carried out again");
            self.operations.check(call, running);
            if world.host.is_stream_ready(running.link, running.call) {
                self.streams.check_ready(call);
            }
        }
    }

    /// A controller hears what was said to it.
    fn check_answers(&mut self, world: &World, wire: Wire) {
        let client = world.client(wire);
        let Some(guest) = self.guests.get_mut(&wire) else { return };
        let checked = mem::replace(&mut guest.answers, client.answers.len());
        for answer in &client.answers[checked..] {
            let call = (wire, answer.call);
            let given = self.given.get(&call);
            let is_given = given.is_some_and(|(outcome, body)| *outcome == answer.outcome && *body == answer.body);
            let is_cancelled = answer.outcome == CANCELLED && self.unwanted.contains(&call);
            let asked = &self.asked[&call];
            let is_running = answer.outcome == BUSY && self.operations.may_have_met(call, asked.operation, asked.at);
            assert!(is_given || is_cancelled || is_running, "I6: the answer to {call:?} was altered or never given");
            self.count("answer");
            if !is_given && is_running {
                self.count("still_running");
            }
        }
    }

    /// Items and pushes of a controller are those that were sent.
    fn check_unasked(&mut self, world: &World, wire: Wire) {
        let client = world.client(wire);
        let is_answered = |call| client.answer(call).is_some() && self.given.contains_key(&(wire, call));
        let items = self.streams.check(wire, client, is_answered);
        self.pushes.check(wire, client);
        if let Some(guest) = self.guests.get_mut(&wire)
            && items > mem::replace(&mut guest.items, items)
        {
            self.count("item");
        }
    }

    /// Both ends of a session are who they should be, and nobody drives over a connection that was tampered with.
    fn check_session(&mut self, world: &World, weather: &Weather, wire: Wire) {
        let client = world.client(wire);
        let guest = self.guests[&wire];
        let is_whole = WAYS.iter().all(|way| weather.is_whole(wire, *way));
        self.identities.check(wire, guest.dialled, client, is_whole);
        if let Some(handshake) = client.opened() {
            let proved = world.program.proved.iter().find(|proved| proved.link == world.link(wire));
            let same = proved.is_some_and(|proved| proved.handshake == handshake);
            assert!(same, "{wire}: the two ends do not have the same handshake");
            assert_eq!(client.greeting.as_deref(), Some(&b"welcome"[..]), "{wire}: the greeting was altered");
            let closed = client.closed().filter(|reason| MISTAKES.contains(reason));
            assert_eq!(closed, None, "the session of {wire} ended with a mistake");
            self.check_opening(wire, client.memory());
        }
        let drives = world.controller() == Some(wire);
        assert!(!drives || weather.is_genuine(world, wire, Way::ToHost), "{wire} to the host: tampered, unnoticed");
        let believes = client.client.is_open();
        assert!(!believes || weather.is_genuine(world, wire, Way::ToPeer), "{wire} to the peer: tampered, unnoticed");
    }

    /// A session was opened by now: once for each of them.
    fn check_opening(&mut self, wire: Wire, memory: Option<u64>) {
        let Some(guest) = self.guests.get_mut(&wire).filter(|guest| !guest.opened) else { return };
        guest.opened = true;
        let is_former = self.identities.is_former(guest.dialled);
        self.memories.check(wire, memory.unwrap_or_default());
        if is_former {
            self.count("former_key");
        }
    }

    /// What must hold when all that was held has arrived and every deadline of a link has passed.
    pub(super) fn check_calm(&self, world: &World, weather: &Weather) {
        let holder = world.controller();
        for wire in self.guests.keys().copied() {
            let client = world.client(wire);
            let is_open = client.client.is_open();
            assert_eq!(is_open, holder == Some(wire), "whether {wire} drives, as both ends see it");
            let is_over = client.closed().is_some() && world.is_gone(wire);
            assert!(is_open || is_over, "{wire} is neither open nor over");
            let is_whole = WAYS.iter().all(|way| weather.is_whole(wire, *way));
            assert!(!is_open || is_whole, "{wire}: tampered, unnoticed to the end");
            assert!(client.unanswered.is_empty(), "I6: {wire} has calls without an answer: {:?}", client.unanswered);
            if is_open {
                self.pushes.check_calm(wire, client);
            }
        }
        assert_eq!(live(world), usize::from(holder.is_some()), "links that should be gone");
    }
}
