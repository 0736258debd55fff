//! What must hold in a storm: who is who, what was said, and what may therefore have been heard.

use std::collections::{BTreeMap, BTreeSet};

use opendesk_core::{ErrorCode, Event, Instant, Outcome, PublicKey, Refusal, RequestId, limits};

use super::weather::{WAYS, Weather};
use crate::world::{Peer, Way, Wire, World};

const CANCELLED: Outcome = Outcome::Error(ErrorCode::Cancelled);

/// A request, by the connection that it was made on.
type Call = (Wire, RequestId);

/// Links that the host has in its table.
pub(super) fn live(world: &World) -> usize {
    world.all().filter(|wire| !world.is_gone(*wire)).count()
}

/// A controller that keeps to the protocol.
#[derive(Debug, Clone, Copy)]
pub(super) struct Guest {
    peer: Peer,
    knows_code: bool,
    /// Answers of it that were checked.
    checked: usize,
}

impl Guest {
    pub(super) const fn new(peer: Peer, knows_code: bool) -> Self {
        Self { peer, knows_code, checked: 0 }
    }
}

/// A connection on which nobody keeps to the protocol.
#[derive(Debug, Clone, Copy)]
struct Intruder {
    wire: Wire,
    address: [u8; 16],
    since: Instant,
}

/// What was said by whom.
#[derive(Debug, Default)]
pub(super) struct Truth {
    /// Whoever may drive.
    pub(super) friends: BTreeSet<PublicKey>,
    pub(super) guests: BTreeMap<Wire, Guest>,
    /// The parameters of all requests.
    pub(super) asked: BTreeMap<Call, Vec<u8>>,
    /// What a controller has cancelled.
    pub(super) unwanted: BTreeSet<Call>,
    /// What happened, by a word, and how often.
    pub(super) happened: BTreeMap<&'static str, usize>,
    /// All answers of the host's program.
    given: BTreeMap<Call, (Outcome, Vec<u8>)>,
    /// What the host's program must not hear of again.
    over: BTreeSet<Call>,
    intruders: Vec<Intruder>,
    /// Proofs that were checked.
    proofs: usize,
    /// Wrong codes of the window that is open.
    wrong: u8,
}

impl Truth {
    pub(super) fn count(&mut self, word: &'static str) {
        *self.happened.entry(word).or_default() += 1;
    }

    /// The host's program has answered.
    pub(super) fn answered(&mut self, call: Call, outcome: Outcome, body: Vec<u8>) {
        self.given.insert(call, (outcome, body));
        self.over.insert(call);
    }

    /// An intruder found a place or not, which must both have a reason (I7). Gives its connection.
    pub(super) fn entered(&mut self, world: &World, address: [u8; 16], entered: Result<Wire, Refusal>) -> Option<Wire> {
        // None of these has proved anything, so they are half open as long as they are there.
        let there = self.intruders.iter().filter(|it| !world.is_gone(it.wire));
        let addresses: Vec<[u8; 16]> = there.map(|it| it.address).collect();
        let from_there = addresses.iter().filter(|other| **other == address).count();
        let crowded = addresses.len() >= limits::HALF_OPEN || from_there >= limits::HALF_OPEN_PER_ADDRESS;
        let full = live(world) >= limits::HALF_OPEN;
        match entered {
            Ok(wire) => {
                assert!(!crowded, "I7: {wire} is one stranger too many");
                self.intruders.push(Intruder { wire, address, since: world.now() });
                Some(wire)
            }
            Err(refusal) => {
                assert!(crowded || full, "I7: {refusal:?}, although there is room");
                self.count("refusal");
                None
            }
        }
    }

    /// What must hold after every step.
    pub(super) fn check(&mut self, world: &mut World, weather: &Weather) {
        // Proofs first: who has paired is a friend, and its session may have been opened in the same step.
        self.check_proofs(world);
        self.check_events(world);
        self.check_requests(world);
        self.check_guests(world, weather);
        for it in &self.intruders {
            let late = world.now() >= it.since.after(limits::HANDSHAKE);
            assert!(world.is_gone(it.wire) || !late, "I7: {} has kept its place too long", it.wire);
        }
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

    fn check_events(&mut self, world: &mut World) {
        for event in world.take_events() {
            match event {
                Event::SessionOpened { peer, .. } => {
                    assert!(self.friends.contains(&peer), "I4: a session for {peer}, which nobody trusts");
                    self.count("session");
                }
                Event::SessionEnded { reason, .. } => self.count(reason.word()),
                Event::CallCancelled { link, call } => {
                    let call = (world.wire(link), call);
                    assert!(self.unwanted.contains(&call), "I6: {call:?} was cancelled and nobody had said so");
                    self.over.insert(call);
                    self.count("cancelled");
                }
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
            let is_beginning = asked.len() == running.total && asked.starts_with(&running.body);
            assert!(is_beginning, "the parameters of {call:?} were altered on the way");
            assert!(!self.over.contains(&call), "I6: {call:?} was over and is carried out again");
        }
    }

    /// Controllers hear what was said to them, and nobody drives over a connection that was tampered with.
    fn check_guests(&mut self, world: &World, weather: &Weather) {
        let holder = world.controller();
        assert!(holder.is_none_or(|wire| self.guests.contains_key(&wire)), "I2: {holder:?} drives");
        for (&wire, guest) in &mut self.guests {
            let client = world.client(wire);
            for answer in &client.answers[guest.checked..] {
                let call = (wire, answer.call);
                let given = self.given.get(&call);
                let is_given = given.is_some_and(|(outcome, body)| *outcome == answer.outcome && *body == answer.body);
                let is_cancelled = answer.outcome == CANCELLED && self.unwanted.contains(&call);
                assert!(is_given || is_cancelled, "I6: the answer to {call:?} was altered or never given");
                *self.happened.entry("answer").or_default() += 1;
            }
            guest.checked = client.answers.len();
            if let Some(handshake) = client.opened() {
                let proved = world.program.proved.iter().find(|proved| proved.link == world.link(wire));
                let same = proved.is_some_and(|proved| proved.handshake == handshake);
                assert!(same, "{wire}: the two ends do not have the same handshake");
                assert_eq!(client.greeting.as_deref(), Some(&b"welcome"[..]), "{wire}: the greeting was altered");
            }
            let drives = holder == Some(wire);
            assert!(!drives || weather.is_genuine(world, wire, Way::ToHost), "{wire} to the host: tampered, unnoticed");
            let believes = client.client.is_open();
            assert!(
                !believes || weather.is_genuine(world, wire, Way::ToPeer),
                "{wire} to the peer: tampered, unnoticed"
            );
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
        }
        assert_eq!(live(world), usize::from(holder.is_some()), "links that should be gone");
    }
}
