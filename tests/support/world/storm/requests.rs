//! What controllers ask for in a storm, ask for again, and do not want any more.

use opendesk_core::{OperationId, RequestId, limits};

use super::acts::Storm;
use super::truth::Call;
use crate::world::Wire;

impl Storm {
    /// A controller asks for something, or for several things at once; some of them are streams from the beginning.
    pub(super) fn ask(&mut self) {
        let Some(wire) = self.dice.pick(&self.open()) else { return };
        for _ in 0..=self.dice.roll(3) {
            let (operation, body) = (self.dice.operation(), self.dice.body());
            if let Some(call) = self.ask_for(wire, operation, body)
                && self.dice.roll(2) == 0
            {
                self.grant_more((wire, call));
            }
        }
    }

    /// A controller asks again for what it asked for before, in this session or in an earlier one, while the host says
    /// that it remembers it. Mostly it has no answer.
    pub(super) fn ask_again(&mut self) {
        let Some(wire) = self.dice.pick(&self.open()) else { return };
        let mut calls = self.truth.repeatable(&self.world, wire);
        if self.dice.roll(3) > 0 {
            calls.retain(|(of, call)| self.world.client(*of).answer(*call).is_none());
        }
        let Some(call) = self.dice.pick(&calls) else { return };
        let asked = &self.truth.asked[&call];
        let (operation, body) = (asked.operation, asked.body.clone());
        self.ask_for(wire, operation, body);
    }

    /// Controllers take more of their streams.
    pub(super) fn grant(&mut self) {
        for _ in 0..=self.dice.roll(3) {
            let Some(call) = self.dice.pick(&self.waiting()) else { return };
            self.grant_more(call);
        }
    }

    pub(super) fn cancel(&mut self) {
        if let Some((wire, call)) = self.dice.pick(&self.waiting())
            && self.world.cancel(wire, call).is_ok()
        {
            self.truth.unwanted.insert((wire, call));
        }
    }

    fn ask_for(&mut self, wire: Wire, operation: OperationId, body: Vec<u8>) -> Option<RequestId> {
        // A host remembers what its sessions left undone, and refuses what it cannot remember besides.
        if self.truth.asked.len() >= limits::OPERATIONS {
            return None;
        }
        let call = self.world.call_for(wire, "test.method", operation, &body).ok()?;
        self.truth.asks(&mut self.world, (wire, call), operation, body);
        Some(call)
    }

    fn grant_more(&mut self, (wire, call): Call) {
        let bytes = match self.dice.roll(12) {
            0 => limits::WINDOW_BYTES,
            1..4 => self.dice.roll(512 * 1024) as u32,
            _ => 1 + self.dice.roll(800) as u32,
        };
        let granted = self.world.grant(wire, call, bytes);
        self.world.log(format_args!("{wire} grants {call} {bytes}: {granted:?}"));
        self.truth.streams.granted((wire, call), bytes, granted);
    }

    /// Requests whose controllers wait for an answer.
    fn waiting(&self) -> Vec<Call> {
        let calls = |wire: Wire| self.world.client(wire).unanswered.iter().map(move |call| (wire, *call));
        self.open().into_iter().flat_map(calls).collect()
    }
}
