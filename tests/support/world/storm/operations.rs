//! What the host of a storm must remember of operations, so that none is carried out twice.
//!
//! It follows what the host's program is told and says, in that order, and needs no look into the host.

use core::mem;
use std::collections::{BTreeMap, BTreeSet};

use opendesk_core::{OperationId, Outcome, PublicKey};

use super::truth::Call;
use crate::world::Running;

/// The operation of a request that need not be remembered.
pub(super) const NONE: OperationId = [0; 16];

/// A request that the host's program has and has not answered.
#[derive(Debug, Clone, Copy)]
struct Live {
    operation: OperationId,
    repeats: Option<Outcome>,
    complete: bool,
}

impl Live {
    /// Whether its operation is carried out for it, once all of it is there.
    fn is_first(&self) -> bool {
        self.repeats.is_none() && self.operation != NONE
    }
}

/// Where an operation is that was begun.
#[derive(Debug, Clone, Copy)]
enum State {
    Running,
    Finished(Outcome),
}

/// All operations so far.
#[derive(Debug, Default)]
pub(super) struct Operations {
    /// Counts what happens, to tell what was earlier.
    clock: usize,
    /// Whose session is open.
    driver: Option<PublicKey>,
    live: BTreeMap<Call, Live>,
    /// Whatever the program was ever given.
    begun: BTreeSet<Call>,
    /// What the host remembers, and of whom.
    known: BTreeMap<OperationId, (PublicKey, State)>,
    /// For which request an operation was carried out.
    carried_out: BTreeMap<OperationId, Call>,
    /// When an operation was seen to run last.
    ran: BTreeMap<OperationId, usize>,
}

impl Operations {
    /// Something happens. Tells when, so that it can be told from what is later.
    pub(super) fn tick(&mut self) -> usize {
        self.clock += 1;
        self.clock
    }

    /// A session begins.
    pub(super) fn opened(&mut self, peer: PublicKey) {
        self.driver = Some(peer);
    }

    /// The session is over.
    pub(super) fn ended(&mut self) {
        self.driver = None;
        for live in mem::take(&mut self.live).into_values() {
            self.dropped(live);
        }
    }

    /// The first part of a request came, and with it what the host remembers of its operation.
    pub(super) fn began(&mut self, call: Call, operation: OperationId, repeats: Option<Outcome>) {
        let before = match self.known.get(&operation) {
            None => None,
            Some((_, State::Finished(outcome))) => Some(*outcome),
            Some((_, State::Running)) => panic!("{call:?} began while its operation was being carried out"),
        };
        assert_eq!(repeats, before, "what came of the operation of {call:?} before");
        let live = Live { operation, repeats, complete: false };
        if live.is_first() {
            let driver = self.driver.expect("a request belongs to a session");
            self.known.insert(operation, (driver, State::Running));
        }
        self.live.insert(call, live);
        self.begun.insert(call);
    }

    /// The last part of it came.
    pub(super) fn complete(&mut self, call: Call) {
        let live = self.live.get_mut(&call).expect("the first part comes first");
        live.complete = true;
        if live.is_first() {
            let other = self.carried_out.insert(live.operation, call);
            assert_eq!(other, None, "the operation of {call:?} is carried out twice");
        }
    }

    /// Nobody wants it any more.
    pub(super) fn cancelled(&mut self, call: Call) {
        if let Some(live) = self.live.remove(&call) {
            self.dropped(live);
        }
    }

    /// The program has answered it.
    pub(super) fn answered(&mut self, call: Call, outcome: Outcome) {
        if let Some(live) = self.live.remove(&call).filter(Live::is_first) {
            self.finished(live.operation, outcome);
        }
    }

    /// The program has told what came of an operation.
    pub(super) fn finished(&mut self, operation: OperationId, outcome: Outcome) {
        let now = self.tick();
        self.ran.insert(operation, now);
        if let Some((_, state)) = self.known.get_mut(&operation) {
            *state = State::Finished(outcome);
        }
    }

    /// Operations whose requests are over before anybody knew what came of them.
    pub(super) fn unsettled(&self) -> Vec<(PublicKey, OperationId)> {
        let waits = |operation: &OperationId| self.live.values().any(|live| live.operation == *operation);
        let running = self.known.iter().filter(|(_, (_, state))| matches!(state, State::Running));
        running.filter(|(operation, _)| !waits(operation)).map(|(operation, (peer, _))| (*peer, *operation)).collect()
    }

    /// Whether the host may have told this request, made at that time, that its operation is being carried out.
    pub(super) fn may_have_met(&self, call: Call, operation: OperationId, asked: usize) -> bool {
        let runs = matches!(self.known.get(&operation), Some((_, State::Running)));
        let ran = self.ran.get(&operation).is_some_and(|ran| *ran > asked);
        (runs || ran) && !self.begun.contains(&call)
    }

    /// What the program carries out, it carries out for the first time.
    pub(super) fn check(&self, call: Call, running: &Running) {
        let carries_out = running.complete && running.repeats.is_none() && running.operation != NONE;
        let is_first = self.carried_out.get(&running.operation) == Some(&call);
        assert!(is_first || !carries_out, "the operation of {call:?} is carried out twice");
    }

    /// What came in part was never begun; of what came whole the program will tell.
    fn dropped(&mut self, live: Live) {
        if live.is_first() && !live.complete {
            let now = self.tick();
            self.ran.insert(live.operation, now);
            self.known.remove(&live.operation);
        }
    }
}
