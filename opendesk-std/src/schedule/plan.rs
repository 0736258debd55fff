//! What is to be done now, and when to look again: decided from what is scheduled, what was seen to, and the time.

use core::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::store::Schedule;

/// What is late by no more is done all the same: a runner looks about each minute, and may have been started anew.
pub const GRACE: Duration = Duration::from_secs(90);

/// A clock that is set back by more was wrong before, and what was seen to in that time counts no more. One that is an hour
/// off until it is set right (the time zone in the hardware clock) must not have tasks done twice.
const SET_BACK: SignedDuration = SignedDuration::from_hours(24);

/// Missed times that are counted.
const COUNTED: u64 = 1000;

/// How far back is looked for the latest time, further each time nothing is found. So a timing of each minute costs as little
/// as one of each year.
const BACK: [SignedDuration; 4] = [
    SignedDuration::from_hours(2),
    SignedDuration::from_hours(2 * 24),
    SignedDuration::from_hours(62 * 24),
    SignedDuration::from_hours(2 * 366 * 24),
];

/// What is to be done about a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is not due.
    Rest,
    /// It is done now. `missed` times before were let go by.
    Run {
        /// When it was due.
        due: Timestamp,
        /// How many times were missed before.
        missed: u64,
    },
    /// It is still being done, so it is not begun again.
    Overlaps {
        /// When it was due.
        due: Timestamp,
    },
    /// Nothing was there to do it when it was due, and it is too late now.
    Missed {
        /// When it was due last.
        due: Timestamp,
        /// How many times.
        missed: u64,
    },
}

/// What is decided about a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// What is to be done.
    pub verdict: Verdict,
    /// When it is due next; `None` when never again.
    pub next: Option<Timestamp>,
}

impl Look {
    /// Until when everything that was due has been seen to once the verdict is carried out.
    #[must_use]
    pub const fn handled(&self) -> Option<Timestamp> {
        match self.verdict {
            Verdict::Rest => None,
            Verdict::Run { due, .. } | Verdict::Overlaps { due } | Verdict::Missed { due, .. } => Some(due),
        }
    }
}

/// Decides about a task. `handled` is until when everything that was due has been seen to, `is_busy` whether the task is being
/// done or waits for its turn.
#[must_use]
pub fn look(schedule: &Schedule, handled: Option<Timestamp>, is_busy: bool, now: Timestamp) -> Look {
    let base = base(schedule, handled, now);
    let Some((due, count)) = latest(schedule, base, now) else {
        return Look { verdict: Verdict::Rest, next: schedule.next(base.max(now)) };
    };
    let is_late = due < not_late(now);
    let verdict = if is_late && !schedule.catch_up {
        Verdict::Missed { due, missed: count }
    } else if is_busy {
        Verdict::Overlaps { due }
    } else {
        Verdict::Run { due, missed: count - 1 }
    };
    Look { verdict, next: schedule.next(now) }
}

/// What is due before is late.
fn not_late(now: Timestamp) -> Timestamp {
    now.checked_sub(GRACE).unwrap_or(Timestamp::MIN)
}

/// Until when nothing counts any more.
fn base(schedule: &Schedule, handled: Option<Timestamp>, now: Timestamp) -> Timestamp {
    let is_sane = |time: &Timestamp| time.duration_since(now) <= SET_BACK;
    let since = Some(schedule.since).filter(is_sane);
    match (handled, since) {
        (Some(handled), since) if is_sane(&handled) => since.map_or(handled, |since| since.max(handled)),
        (None, Some(since)) => since,
        // The clock was wrong, so what is due from now on is all that can be told.
        (Some(_), Some(since)) => since.max(not_late(now)),
        (_, None) => not_late(now),
    }
}

/// The latest time at which a task was due after `base` and until `now`, and how many there were, as far as they are counted.
fn latest(schedule: &Schedule, base: Timestamp, now: Timestamp) -> Option<(Timestamp, u64)> {
    let first = schedule.next(base).filter(|first| *first <= now)?;
    let from = |start: Timestamp| {
        let mut last = None;
        let mut after = start;
        while let Some(next) = schedule.next(after).filter(|next| *next <= now) {
            last = Some(next);
            after = next;
        }
        last
    };
    let starts = BACK.iter().filter_map(|back| now.checked_sub(*back).ok()).filter(|start| *start > base);
    let last = starts.chain([base]).find_map(from)?;
    let (mut count, mut at) = (1, first);
    while at < last && count < COUNTED {
        let Some(next) = schedule.next(at) else { break };
        (at, count) = (next, count + 1);
    }
    Some((last, count))
}

#[cfg(test)]
mod tests;
