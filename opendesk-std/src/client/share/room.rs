//! How much of a session its borrowers may use.

use opendesk_core::limits;

/// Programs that may borrow one session at once: more than anybody runs, and each costs a buffer.
pub(super) const GUESTS: usize = 32;

/// Calls of one borrower that may be on their way at once: half of what the session may have.
pub(super) const CALLS: usize = limits::CALLS / 2;

/// Calls of all borrowers that may be in flight at once. The rest is always there for the owner of the session.
const ALL_CALLS: usize = limits::CALLS - 16;

/// How many of them may be streams, which do not end by themselves, of all borrowers and of one.
const ALL_STREAMS: usize = 32;
const STREAMS: usize = 16;

/// What is in flight.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Load {
    pub(super) calls: usize,
    pub(super) streams: usize,
}

impl Load {
    pub(super) const fn add(&mut self, is_stream: bool) {
        if is_stream {
            self.streams += 1;
        } else {
            self.calls += 1;
        }
    }

    /// Whether there is room for one more, of a borrower that has `own` of this in flight.
    pub(super) const fn has_room(self, own: Self, is_stream: bool) -> bool {
        let is_free = self.calls + self.streams < ALL_CALLS;
        is_free && (!is_stream || (self.streams < ALL_STREAMS && own.streams < STREAMS))
    }
}

/// The parameters of calls on their way: those of calls over one chunk, together, are bounded as those of a session are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Parameters(usize);

impl Parameters {
    const fn cost(bytes: usize) -> usize {
        if bytes > limits::CHUNK_BYTES { bytes } else { 0 }
    }

    /// Counts those of one more call, if there is room.
    pub(super) const fn take(&mut self, bytes: usize) -> bool {
        let cost = Self::cost(bytes);
        let is_free = cost == 0 || self.0 + cost <= limits::PARAMETER_BYTES;
        if is_free {
            self.0 += cost;
        }
        is_free
    }

    pub(super) const fn give_back(&mut self, bytes: usize) {
        self.0 = self.0.saturating_sub(Self::cost(bytes));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_owner_and_calls_that_end_always_find_room() {
        let (mut all, mut own) = (Load::default(), Load::default());
        while all.has_room(own, true) {
            all.add(true);
            own.add(true);
        }
        assert_eq!(own.streams, STREAMS);
        while all.has_room(Load::default(), true) {
            all.add(true);
        }
        assert_eq!(all.streams, ALL_STREAMS);
        while all.has_room(own, false) {
            all.add(false);
        }
        assert_eq!((all.calls, all.calls + all.streams), (16, limits::CALLS - 16));
    }

    #[test]
    fn small_parameters_always_find_room() {
        let mut parameters = Parameters::default();
        assert!(parameters.take(limits::BODY_BYTES) && parameters.take(limits::BODY_BYTES));
        assert!(!parameters.take(limits::CHUNK_BYTES + 1) && parameters.take(limits::CHUNK_BYTES));
        parameters.give_back(limits::CHUNK_BYTES);
        parameters.give_back(limits::BODY_BYTES);
        assert!(parameters.take(limits::BODY_BYTES) && !parameters.take(limits::BODY_BYTES));
    }
}
