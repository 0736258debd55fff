//! Whose each window was when it was seen. The X server gives a window's number again as soon as its program has ended:
//! what was listed as one program's window must not be taken for another's.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use x11rb::protocol::xproto::Window;

use super::process;

/// The most windows that are remembered; the ones that were not seen for the longest time are forgotten.
const MOST: usize = 4096;

/// The windows of one desktop, shared by all connections to its server, and kept when the server starts again.
#[derive(Debug, Default)]
pub(in crate::desktop::x11) struct Known(Mutex<Table>);

/// The process that a window belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Holder {
    pid: Option<u32>,
    /// When it started, in ticks since the machine did.
    started: Option<u64>,
}

#[derive(Debug, Default)]
struct Table {
    windows: HashMap<Window, Seen>,
    /// The windows by when they were last seen.
    order: BTreeMap<u64, Window>,
    /// How often any window was seen.
    sights: u64,
}

#[derive(Debug, Clone, Copy)]
struct Seen {
    /// As it was when this generation was first seen.
    holder: Holder,
    generation: u32,
    /// Whether the process of that number can be the one that made the window.
    is_sure: bool,
    sight: u64,
}

impl Holder {
    /// What is known of a process now.
    pub(super) fn of(pid: Option<u32>) -> Self {
        Self { pid, started: pid.and_then(process::started) }
    }

    /// Whether this is not the process that was seen before. A process whose start cannot be read, because it is ending
    /// or because others may not look at it, is the one of its number.
    fn differs(self, before: Self) -> bool {
        let starts = before.started.zip(self.started);
        self.pid != before.pid || starts.is_some_and(|(before, now)| before != now)
    }
}

impl Known {
    /// Remembers whose a window is, and gives how many programs in a row had a window of this number.
    pub(super) fn see(&self, window: Window, holder: Holder) -> u32 {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        table.see(window, holder)
    }

    /// Whether a window still belongs to the process that it belonged to when it was first seen.
    pub(super) fn is_held_by(&self, window: Window, holder: Holder) -> bool {
        let table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        table.windows.get(&window).is_some_and(|seen| seen.is_sure && seen.holder == holder)
    }
}

impl Table {
    fn see(&mut self, window: Window, holder: Holder) -> u32 {
        self.sights += 1;
        let sight = self.sights;
        let first = Seen { holder, generation: 1, is_sure: true, sight };
        let now = match self.windows.get(&window) {
            None => first,
            Some(before) if holder.differs(before.holder) => Seen {
                generation: before.generation.saturating_add(1),
                // The process that connected may have handed its connection on and ended, and its number may be
                // another's by now: then the window is not that one's.
                is_sure: before.holder.pid != holder.pid,
                ..first
            },
            Some(before) => Seen { sight, ..*before },
        };
        if let Some(before) = self.windows.insert(window, now) {
            self.order.remove(&before.sight);
        }
        self.order.insert(sight, window);
        while self.windows.len() > MOST {
            let Some((_, oldest)) = self.order.pop_first() else { break };
            self.windows.remove(&oldest);
        }
        now.generation
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Window = 0x40_000c;

    fn holder(pid: u32, started: impl Into<Option<u64>>) -> Holder {
        Holder { pid: Some(pid), started: started.into() }
    }

    #[test]
    fn a_number_that_is_given_again_is_another_generation() {
        let known = Known::default();
        assert_eq!(known.see(WINDOW, holder(10, 5)), 1);
        assert_eq!(known.see(WINDOW, holder(10, 5)), 1);
        assert_eq!(known.see(WINDOW, holder(11, 6)), 2, "another process");
        assert_eq!(known.see(WINDOW, holder(11, 7)), 3, "another process of the same number");
        assert_eq!(known.see(WINDOW, Holder { pid: None, started: None }), 4, "one on another machine");
        assert_eq!(known.see(WINDOW + 1, holder(11, 7)), 1, "another window");
    }

    #[test]
    fn a_process_that_cannot_be_looked_at_is_the_same_one() {
        let known = Known::default();
        assert_eq!(known.see(WINDOW, holder(10, 5)), 1);
        assert_eq!(known.see(WINDOW, holder(10, None)), 1);
        assert!(known.is_held_by(WINDOW, holder(10, 5)), "the start is remembered");
        let nobody = Holder { pid: None, started: None };
        assert_eq!(known.see(WINDOW + 1, nobody), 1);
        assert_eq!(known.see(WINDOW + 1, nobody), 1, "a server that knows no processes");
    }

    #[test]
    fn only_the_process_that_was_first_seen_holds_a_window() {
        let known = Known::default();
        assert!(!known.is_held_by(WINDOW, holder(10, 5)), "never seen");
        known.see(WINDOW, holder(10, 5));
        assert!(known.is_held_by(WINDOW, holder(10, 5)));
        assert!(!known.is_held_by(WINDOW, holder(10, 6)));
        assert!(!known.is_held_by(WINDOW, holder(10, None)));
        known.see(WINDOW, holder(10, 6));
        assert!(!known.is_held_by(WINDOW, holder(10, 6)), "it may have got nothing but the number");
        known.see(WINDOW, holder(11, 7));
        assert!(known.is_held_by(WINDOW, holder(11, 7)));
    }

    #[test]
    fn the_oldest_beyond_the_bound_are_forgotten() {
        let known = Known::default();
        let most = u32::try_from(MOST).unwrap();
        for window in 1..=most {
            known.see(window, holder(10, 5));
        }
        known.see(1, holder(10, 5));
        known.see(most + 1, holder(10, 5));
        assert_eq!(known.0.lock().unwrap().windows.len(), MOST);
        assert_eq!(known.0.lock().unwrap().order.len(), MOST);
        assert_eq!(known.see(1, holder(11, 6)), 2, "it was seen again");
        assert_eq!(known.see(2, holder(11, 6)), 1, "it is forgotten");
    }
}
