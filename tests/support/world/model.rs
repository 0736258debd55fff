//! What a host must do about sessions, calls and pairing, said a second time in as few lines as possible, and random
//! operations that compare the two.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use opendesk_core::{ErrorCode, Instant, OperationId, Outcome, Reason, RequestId, limits};

use super::{Handler, Peer, Way, Wire, World};

/// The code that is shown, and that nobody guesses.
const CODE: &str = "314159";

/// Peers that wait at most; a waiting link takes one of the host's places.
const WAITING: usize = 30;

/// Something that somebody does. Numbers choose among what there is, and nothing happens when there is nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// One of the machines connects; it drives if it is trusted by now.
    Connect(Peer),
    /// The controller asks for something.
    Ask,
    /// One of the running calls is answered.
    Answer(u8),
    /// The controller cancels one of its calls.
    Cancel(u8),
    /// A call that has been answered is answered again.
    AnswerAgain(u8),
    /// The controller takes more of one of its streams.
    Grant(u8),
    /// One of the running calls sends an item.
    Item(u8),
    /// The controller asks again for something that it asked for before, perhaps in an earlier session.
    AskAgain(u8),
    /// What became of calls that nobody waits for is reported.
    Settle,
    /// What the last controller held is released.
    Release,
    /// A connection breaks.
    Cut(u8),
    /// The controller says goodbye.
    Close,
    /// The host's owner ends the session.
    Evict,
    /// Nothing arrives from the controller any more.
    Vanish,
    /// Time passes: tenths of a second.
    Advance(u8),
    /// A code is shown.
    ShowCode,
    /// One of the machines pairs with the right code.
    Pair(Peer),
    /// Somebody tries a wrong code.
    Guess,
    /// Somebody says again what an authenticated controller said.
    Replay(u8),
}

impl Op {
    /// The operation that two bytes stand for.
    #[must_use]
    pub fn from_bytes(kind: u8, choice: u8) -> Self {
        let peer = Peer(choice % 4);
        match kind % 22 {
            0..3 => Self::Connect(peer),
            3 | 4 => Self::Ask,
            5 => Self::Answer(choice),
            6 => Self::Cancel(choice),
            7 => Self::AnswerAgain(choice),
            8 | 9 => Self::Release,
            10 => Self::Cut(choice),
            11 => Self::Close,
            12 => Self::Evict,
            13 => Self::Vanish,
            14 => Self::Advance(choice),
            15 => Self::ShowCode,
            16 if choice.is_multiple_of(2) => Self::Guess,
            16 => Self::Pair(peer),
            17 => Self::Replay(choice),
            18 => Self::Grant(choice),
            19 => Self::Item(choice),
            20 => Self::AskAgain(choice),
            _ => Self::Settle,
        }
    }
}

/// What should be.
#[derive(Debug, Default)]
struct Model {
    trusted: BTreeSet<Peer>,
    holder: Option<(Wire, Peer)>,
    releasing: bool,
    queue: VecDeque<(Wire, Peer, Instant)>,
    running: Vec<(Wire, RequestId)>,
    answers: BTreeMap<(Wire, RequestId), Outcome>,
    credit: BTreeMap<(Wire, RequestId), i64>,
    items: BTreeMap<Wire, usize>,
    /// Every operation that was begun, by whom, and what came of it.
    known: Vec<(Peer, OperationId, Option<Outcome>)>,
    /// The operations of the calls so far.
    operations: BTreeMap<(Wire, RequestId), OperationId>,
    window: Option<(u8, Instant)>,
}

impl Model {
    fn proves(&mut self, now: Instant, wire: Wire, peer: Peer) {
        if self.trusted.contains(&peer) {
            self.queue.push_back((wire, peer, now.after(limits::HANDSHAKE)));
            self.admit();
        }
    }

    fn admit(&mut self) {
        while !self.releasing
            && let Some((wire, peer, _)) = self.queue.front().copied()
        {
            match self.holder {
                None => {
                    self.holder = Some((wire, peer));
                    self.queue.pop_front();
                }
                // It waits until its old session is released.
                Some((_, holder)) if holder == peer => self.end(),
                // It was told who drives.
                Some(_) => {
                    self.queue.pop_front();
                }
            }
        }
    }

    fn end(&mut self) {
        self.holder = None;
        self.running.clear();
        self.releasing = true;
    }

    fn gone(&mut self, wire: Wire) {
        self.queue.retain(|(waiting, _, _)| *waiting != wire);
        if self.holder.is_some_and(|(holder, _)| holder == wire) {
            self.end();
        }
    }

    fn passes(&mut self, now: Instant) {
        self.queue.retain(|(_, _, until)| now < *until);
        self.window = self.window.filter(|(_, until)| now < *until);
    }

    fn released(&mut self) {
        self.releasing = false;
        self.admit();
    }

    fn asked(&mut self, wire: Wire, call: RequestId, operation: OperationId) {
        self.running.push((wire, call));
        self.operations.insert((wire, call), operation);
        assert!(self.running.len() <= limits::CALLS);
    }

    /// Only what first came of an operation counts.
    fn finished(&mut self, call: (Wire, RequestId), outcome: Outcome) {
        let operation = self.operations[&call];
        if let Some((_, _, came)) = self.known.iter_mut().find(|(_, known, _)| *known == operation) {
            came.get_or_insert(outcome);
        }
    }

    fn choose(&mut self, choice: u8) -> Option<(Wire, RequestId)> {
        let index = usize::from(choice).checked_rem(self.running.len())?;
        Some(self.running.remove(index))
    }
}

/// Does all of this to a host, and to the model, and compares the two after each step.
///
/// # Panics
/// When they differ, or when the world sees an invariant broken.
#[must_use]
pub fn run(seed: u64, ops: &[Op]) -> World {
    let mut world = World::new(seed);
    world.program.handler = Handler::ByHand;
    world.program.releases_at_once = false;
    let mut model = Model::default();
    for peer in [Peer(0), Peer(1)] {
        world.program.trusted.insert(peer.public());
        model.trusted.insert(peer);
    }
    for op in ops {
        step(&mut world, &mut model, *op);
        compare(&mut world, &model);
    }
    world
}

fn step(world: &mut World, model: &mut Model, op: Op) {
    let now = world.now();
    let holder = model.holder.map(|(wire, _)| wire);
    match op {
        Op::Connect(peer) if model.queue.len() < WAITING => {
            let wire = world.connect(peer);
            model.proves(now, wire, peer);
        }
        Op::Ask => {
            if let Some((wire, peer)) = model.holder {
                let operation = (1 + model.known.len() as u128).to_le_bytes();
                if let Ok(call) = world.call_for(wire, "test.method", operation, b"parameters") {
                    model.known.push((peer, operation, None));
                    model.asked(wire, call, operation);
                }
            }
        }
        Op::AskAgain(choice) => {
            let Some((wire, peer)) = model.holder else { return };
            let of_peer: Vec<_> = model.known.iter().filter(|(of, _, _)| *of == peer).copied().collect();
            let Some(index) = usize::from(choice).checked_rem(of_peer.len()) else { return };
            let (_, operation, came) = of_peer[index];
            let Ok(call) = world.call_for(wire, "test.method", operation, b"parameters") else { return };
            if came.is_some() {
                model.asked(wire, call, operation);
                world.settle();
                let begun = world.program.running.last().map(|running| (running.call, running.repeats));
                assert_eq!(begun, Some((call, came)), "what came of the operation before");
            } else {
                model.answers.insert((wire, call), Outcome::Error(ErrorCode::Busy));
            }
        }
        Op::Settle => {
            let running: Vec<OperationId> = model.running.iter().map(|call| model.operations[call]).collect();
            for (peer, operation, came) in &mut model.known {
                if came.is_none() && !running.contains(operation) {
                    world.host.settle(peer.public(), *operation, Outcome::Ok);
                    *came = Some(Outcome::Ok);
                }
            }
        }
        Op::Grant(choice) => {
            if let Some(index) = usize::from(choice).checked_rem(model.running.len()) {
                let (wire, call) = model.running[index];
                world.grant(wire, call, 100).expect("the call runs");
                *model.credit.entry((wire, call)).or_default() += 100;
            }
        }
        Op::Item(choice) => {
            if let Some(index) = usize::from(choice).checked_rem(model.running.len()) {
                let (wire, call) = model.running[index];
                let credit = model.credit.entry((wire, call)).or_default();
                let sent = world.send_item(wire, call, b"an item of a stream");
                assert_eq!(sent.is_ok(), *credit > 0, "whether the stream of {wire} {call} may send");
                if sent.is_ok() {
                    *credit -= 19 + i64::from(limits::ITEM_COST);
                    *model.items.entry(wire).or_default() += 1;
                }
            }
        }
        Op::Answer(choice) => {
            if let Some((wire, call)) = model.choose(choice) {
                world.respond(wire, call, Outcome::Ok, b"result").expect("the call runs");
                model.answers.insert((wire, call), Outcome::Ok);
                model.finished((wire, call), Outcome::Ok);
            }
        }
        Op::Cancel(choice) => {
            if let Some((wire, call)) = model.choose(choice) {
                world.cancel(wire, call).expect("the call runs");
                model.answers.insert((wire, call), Outcome::Error(ErrorCode::Cancelled));
            }
        }
        Op::AnswerAgain(choice) => {
            let index = usize::from(choice).checked_rem(model.answers.len());
            if let Some((&(wire, call), _)) = index.and_then(|index| model.answers.iter().nth(index)) {
                assert!(world.respond(wire, call, Outcome::Ok, b"again").is_err(), "I6: call {call} had its answer");
            }
        }
        Op::Release => {
            world.release();
            model.released();
        }
        Op::Cut(choice) => {
            let count = world.all().count();
            if let Some(index) = usize::from(choice).checked_rem(count) {
                world.cut(Wire(index));
                model.gone(Wire(index));
            }
        }
        Op::Close => {
            if let Some(wire) = holder {
                world.close(wire, Reason::DONE);
                model.end();
            }
        }
        Op::Evict => {
            if let Some(wire) = holder {
                world.evict(wire, Reason::EVICTED);
                model.end();
            }
        }
        Op::Vanish => {
            if let Some(wire) = holder {
                world.pipe(wire, Way::ToHost).held = true;
                world.pipe(wire, Way::ToPeer).held = true;
                world.advance(limits::SILENCE + Duration::from_secs(1));
                model.end();
                model.passes(world.now());
            }
        }
        Op::Advance(tenths) => {
            world.advance(Duration::from_millis(100) * u32::from(tenths % 128));
            model.passes(world.now());
        }
        Op::ShowCode => {
            world.show_code(CODE);
            model.window = Some((limits::PAIRING_TRIES, now.after(limits::PAIRING)));
        }
        Op::Pair(peer) if model.queue.len() < WAITING => {
            let wire = world.pair(peer, CODE);
            if model.window.take().is_some() {
                model.trusted.insert(peer);
                model.proves(now, wire, peer);
            }
        }
        Op::Guess => {
            world.pair(Peer(99), "271828");
            model.window = model.window.map(|(tries, until)| (tries - 1, until)).filter(|(tries, _)| *tries > 0);
        }
        Op::Replay(choice) => {
            let first = |wire: &Wire| world.overheard(*wire).first().is_some_and(|first| first.starts_with(b"OD2A"));
            let recorded: Vec<Wire> = world.all().filter(first).collect();
            if let Some(index) = usize::from(choice).checked_rem(recorded.len()) {
                let messages = world.overheard(recorded[index]).to_vec();
                let wire = world.raw();
                for message in messages.iter().take(4) {
                    world.send(wire, Way::ToHost, message);
                }
                world.settle();
                world.hang_up(wire);
            }
        }
        Op::Connect(_) | Op::Pair(_) => {}
    }
    world.settle();
}

/// I1 to I6, as far as the world's own checks have not seen to them.
fn compare(world: &mut World, model: &Model) {
    let holder = model.holder.map(|(wire, _)| wire);
    assert_eq!(world.controller(), holder, "who drives");
    assert_eq!(!world.program.unreleased.is_empty(), model.releasing, "whether somebody's keys are still held");
    assert_eq!(world.host.is_pairing(), model.window.is_some(), "whether a code is shown");
    let running: BTreeSet<_> = world.program.running.iter().map(|it| (world.wire(it.link), it.call)).collect();
    let expected: BTreeSet<_> = model.running.iter().copied().collect();
    assert_eq!(running, expected, "what runs");
    for wire in world.all() {
        let items = world.wires[wire.0].controller().map_or(0, |controller| controller.items.len());
        assert_eq!(items, model.items.get(&wire).copied().unwrap_or_default(), "the items that {wire} has");
        let Some(controller) = world.wires[wire.0].controller() else { continue };
        assert_eq!(controller.client.is_open(), holder == Some(wire), "whether {wire} drives, as it sees it");
        let answers: BTreeMap<_, _> = controller.answers.iter().map(|it| ((wire, it.call), it.outcome)).collect();
        let expected = model.answers.iter().filter(|((of, _), _)| *of == wire);
        let expected: BTreeMap<_, _> = expected.map(|(call, outcome)| (*call, *outcome)).collect();
        assert_eq!(answers, expected, "the answers that {wire} has");
    }
}
