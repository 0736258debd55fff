//! What a host must do about sessions, calls and pairing, said a second time in as few lines as possible, and random
//! operations that compare the two.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use opendesk_core::{ErrorCode, Instant, Outcome, Reason, RequestId, limits};

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
        match kind % 18 {
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
            _ => Self::Replay(choice),
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
            if let Some(wire) = holder
                && let Ok(call) = world.try_call(wire, "test.method", b"parameters")
            {
                model.running.push((wire, call));
                assert!(model.running.len() <= limits::CALLS);
            }
        }
        Op::Answer(choice) => {
            if let Some((wire, call)) = model.choose(choice) {
                world.respond(wire, call, Outcome::Ok, b"result").expect("the call runs");
                model.answers.insert((wire, call), Outcome::Ok);
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
        let Some(controller) = world.wires[wire.0].controller() else { continue };
        assert_eq!(controller.client.is_open(), holder == Some(wire), "whether {wire} drives, as it sees it");
        let answers: BTreeMap<_, _> = controller.answers.iter().map(|it| ((wire, it.call), it.outcome)).collect();
        let expected = model.answers.iter().filter(|((of, _), _)| *of == wire);
        let expected: BTreeMap<_, _> = expected.map(|(call, outcome)| (*call, *outcome)).collect();
        assert_eq!(answers, expected, "the answers that {wire} has");
    }
}
