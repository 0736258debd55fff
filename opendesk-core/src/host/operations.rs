//! What is remembered of the operations that peers asked for, so that one which is asked for again after a link was lost
//! is not carried out twice.
//!
//! ```text
//!             begin               finish
//!   unknown ─────────▶ running ─────────────▶ finished ──▶ unknown, when 128 newer ones of its peer are known
//!      ▲                 │ its parameters never all came
//!      └─────────────────┘
//! ```
//!
//! A controller has at most [`CALLS`] calls in flight, so what it may have to ask again is always among the last
//! [`OPERATIONS`] of its own. Peers have their memories apart: nobody can make the host forget what another peer did.
//! Each memory has a number that its peer is told in the HELLO. While the number stays, the memory reaches back without
//! a gap, and an operation that is not in it was never begun.

use heapless::Vec;

use crate::crypto::keys::PublicKey;
use crate::id::OperationId;
use crate::limits::{CALLS, MEMORIES, OPERATIONS};
use crate::session::Outcome;

const _: () = assert!(OPERATIONS >= 2 * CALLS, "those in flight, and as many that were finished since");

/// The operation of a request that need not be remembered, such as an observation.
const NONE: OperationId = [0; 16];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Running,
    Finished(Outcome),
}

#[derive(Debug)]
struct Memory {
    peer: PublicKey,
    number: u64,
    /// When it was used last, counted in sessions.
    used: u64,
    /// Oldest first.
    known: Vec<(OperationId, State), OPERATIONS>,
}

/// What a request meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meets {
    /// It is new: carry it out.
    Nothing,
    /// It is being carried out.
    Running,
    /// It was carried out before.
    Finished(Outcome),
    /// As many are running as can be remembered.
    NoRoom,
}

#[derive(Debug)]
pub(super) struct Operations {
    memories: Vec<Memory, MEMORIES>,
    sessions: u64,
}

impl Operations {
    pub(super) const fn new() -> Self {
        Self { memories: Vec::new(), sessions: 0 }
    }

    /// A peer's session begins. Gives the number of its memory, `fresh` when it had none.
    pub(super) fn enter(&mut self, peer: PublicKey, fresh: u64) -> u64 {
        self.sessions += 1;
        let used = self.sessions;
        if let Some(memory) = self.memory(peer) {
            memory.used = used;
            return memory.number;
        }
        if self.memories.is_full() {
            let oldest = (0..self.memories.len()).min_by_key(|index| self.memories.get(*index).map(|it| it.used));
            oldest.map(|index| self.memories.swap_remove(index));
        }
        let _never_full = self.memories.push(Memory { peer, number: fresh, used, known: Vec::new() });
        fresh
    }

    /// The number of a peer's memory; 0 when it has none.
    pub(super) fn number(&self, peer: PublicKey) -> u64 {
        self.memories.iter().find(|memory| memory.peer == peer).map_or(0, |memory| memory.number)
    }

    /// A request for this operation begins.
    pub(super) fn begin(&mut self, peer: PublicKey, operation: OperationId) -> Meets {
        let Some(memory) = self.memory(peer).filter(|_| operation != NONE) else { return Meets::Nothing };
        if let Some(index) = memory.position(operation) {
            // Whoever asks again does not know the outcome, so it is as good as new.
            let entry = memory.known.remove(index);
            let _never_full = memory.known.push(entry);
            return match entry.1 {
                State::Running => Meets::Running,
                State::Finished(outcome) => Meets::Finished(outcome),
            };
        }
        if memory.known.is_full() {
            let Some(oldest) = memory.known.iter().position(|(_, state)| *state != State::Running) else {
                return Meets::NoRoom;
            };
            memory.known.remove(oldest);
        }
        let _never_full = memory.known.push((operation, State::Running));
        Meets::Nothing
    }

    /// The operation was not carried out, and will not be.
    pub(super) fn forget(&mut self, peer: PublicKey, operation: OperationId) {
        if let Some(memory) = self.memory(peer) {
            memory.known.retain(|known| *known != (operation, State::Running));
        }
    }

    /// What came of a running operation. Tells whether that was awaited.
    pub(super) fn finish(&mut self, peer: PublicKey, operation: OperationId, outcome: Outcome) -> bool {
        let Some(memory) = self.memory(peer) else { return false };
        let running = memory.known.iter().position(|known| *known == (operation, State::Running));
        let Some(index) = running else { return false };
        memory.known.remove(index);
        // It counts as new from here on: that the controller has heard of the outcome is not known yet.
        memory.known.push((operation, State::Finished(outcome))).is_ok()
    }

    fn memory(&mut self, peer: PublicKey) -> Option<&mut Memory> {
        self.memories.iter_mut().find(|memory| memory.peer == peer)
    }
}

impl Memory {
    fn position(&self, operation: OperationId) -> Option<usize> {
        self.known.iter().position(|(known, _)| *known == operation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANNA: PublicKey = PublicKey([1; 32]);

    const OK: Outcome = Outcome::Ok;

    fn peer(number: usize) -> PublicKey {
        PublicKey([100 + number as u8; 32])
    }

    fn operation(number: usize) -> OperationId {
        (number as u128 + 1).to_le_bytes()
    }

    #[test]
    fn what_was_finished_is_known_with_its_outcome() {
        let mut operations = Operations::new();
        assert_eq!((operations.enter(ANNA, 7), operations.enter(ANNA, 8), operations.number(ANNA)), (7, 7, 7));
        assert_eq!(operations.begin(ANNA, operation(0)), Meets::Nothing);
        assert_eq!(operations.begin(ANNA, operation(0)), Meets::Running);
        assert!(operations.finish(ANNA, operation(0), OK) && !operations.finish(ANNA, operation(0), OK));
        assert_eq!(operations.begin(ANNA, operation(0)), Meets::Finished(OK));
        assert_eq!(operations.begin(ANNA, operation(1)), Meets::Nothing);
        operations.forget(ANNA, operation(1));
        assert_eq!(operations.begin(ANNA, operation(1)), Meets::Nothing);
        operations.forget(ANNA, operation(0));
        assert_eq!(operations.begin(ANNA, operation(0)), Meets::Finished(OK), "what was done stays done");
        assert_eq!((operations.begin(ANNA, NONE), operations.begin(ANNA, NONE)), (Meets::Nothing, Meets::Nothing));
    }

    #[test]
    fn the_last_calls_in_flight_are_known_whatever_else_was_done() {
        let mut operations = Operations::new();
        operations.enter(ANNA, 1);
        for number in 0..10 * OPERATIONS {
            assert_eq!(operations.begin(ANNA, operation(number)), Meets::Nothing);
            assert!(operations.finish(ANNA, operation(number), OK));
            for earlier in number.saturating_sub(OPERATIONS - 1)..number {
                assert!(operations.memories[0].position(operation(earlier)).is_some());
            }
        }
    }

    #[test]
    fn what_took_long_is_known_as_long_as_what_did_not() {
        let mut operations = Operations::new();
        operations.enter(ANNA, 1);
        operations.begin(ANNA, operation(0));
        for number in 1..=2 * OPERATIONS {
            operations.begin(ANNA, operation(number));
            operations.finish(ANNA, operation(number), OK);
        }
        operations.finish(ANNA, operation(0), OK);
        for number in 0..OPERATIONS - 1 {
            operations.begin(ANNA, operation(1000 + number));
            operations.finish(ANNA, operation(1000 + number), OK);
        }
        assert_eq!(operations.begin(ANNA, operation(0)), Meets::Finished(OK));
    }

    #[test]
    fn what_runs_is_never_forgotten() {
        let mut operations = Operations::new();
        operations.enter(ANNA, 1);
        for number in 0..OPERATIONS {
            assert_eq!(operations.begin(ANNA, operation(number)), Meets::Nothing);
        }
        assert_eq!(operations.begin(ANNA, operation(OPERATIONS)), Meets::NoRoom);
        operations.finish(ANNA, operation(5), OK);
        assert_eq!(operations.begin(ANNA, operation(OPERATIONS)), Meets::Nothing);
        assert_eq!(operations.begin(ANNA, operation(0)), Meets::Running);
    }

    #[test]
    fn the_peer_that_was_away_for_longest_is_forgotten_and_gets_another_number() {
        let mut operations = Operations::new();
        operations.enter(ANNA, 1);
        operations.begin(ANNA, operation(0));
        operations.finish(ANNA, operation(0), OK);
        for number in 0..MEMORIES - 1 {
            operations.enter(peer(number), 2);
        }
        operations.enter(ANNA, 3);
        operations.enter(peer(MEMORIES), 4);
        assert_eq!(operations.begin(ANNA, operation(0)), Meets::Finished(OK), "somebody else was away for longer");
        for number in 0..MEMORIES {
            operations.enter(peer(10 + number), 5);
        }
        assert_eq!((operations.number(ANNA), operations.enter(ANNA, 6)), (0, 6));
        assert_eq!(operations.begin(ANNA, operation(0)), Meets::Nothing);
    }
}
