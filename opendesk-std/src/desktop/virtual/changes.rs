//! How often the desktop has changed, and who waits for the next time.

use core::mem;

use crate::desktop::Wake;

/// The most that wait; one more, and all are woken for nothing. A stream that ended while nothing happened still waits.
const MOST_WAITING: usize = 64;

/// What has changed so far.
pub(super) struct Changes {
    /// Changes of what is to be seen.
    drawn: u64,
    /// Moves of the pointer.
    moved: u64,
    /// All of both when somebody last looked, and when those who waited were last woken.
    looked: u64,
    woken: u64,
    waiting: Vec<Wake>,
}

impl Changes {
    /// The first look has something to see.
    pub(super) const fn new() -> Self {
        Self { drawn: 1, moved: 0, looked: 1, woken: 1, waiting: Vec::new() }
    }

    /// Something else is to be seen now.
    pub(super) const fn draw(&mut self) {
        self.drawn += 1;
    }

    /// The pointer is elsewhere.
    pub(super) const fn move_pointer(&mut self) {
        self.moved += 1;
    }

    /// The number of changes, with or without those of the pointer.
    pub(super) const fn look(&mut self, with_pointer: bool) -> u64 {
        self.looked = self.all();
        if with_pointer { self.all() } else { self.drawn }
    }

    /// Lets somebody wait for the next change after the last look. Gives those who are to be woken now.
    pub(super) fn wait(&mut self, wake: Wake) -> Vec<Wake> {
        if self.looked != self.all() {
            return vec![wake];
        }
        let mut woken = Vec::new();
        if self.waiting.len() >= MOST_WAITING {
            woken = mem::take(&mut self.waiting);
        }
        self.waiting.push(wake);
        woken
    }

    /// Those who are to be woken now, if something has changed since this was asked last. Whoever holds a lock lets go
    /// of it before waking them.
    pub(super) fn due(&mut self) -> Vec<Wake> {
        let all = self.all();
        if mem::replace(&mut self.woken, all) == all { Vec::new() } else { mem::take(&mut self.waiting) }
    }

    const fn all(&self) -> u64 {
        self.drawn + self.moved
    }
}

#[cfg(test)]
mod tests {
    use core::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::Arc;

    use super::*;

    fn woken(due: Vec<Wake>) -> usize {
        let count = due.len();
        due.into_iter().for_each(|wake| wake());
        count
    }

    #[test]
    fn a_change_wakes_everybody_once() {
        let (mut changes, count) = (Changes::new(), Arc::new(AtomicUsize::new(0)));
        let wake = || -> Wake {
            let count = Arc::clone(&count);
            Box::new(move || {
                count.fetch_add(1, Ordering::Relaxed);
            })
        };
        let first = changes.look(false);
        assert_eq!(woken(changes.wait(wake())) + woken(changes.wait(wake())) + woken(changes.due()), 0);
        changes.draw();
        assert_eq!((woken(changes.due()), woken(changes.due())), (2, 0));
        assert_eq!(woken(changes.wait(wake())), 1, "it has changed since the last look");
        assert!(changes.look(false) > first);
        for _ in 0..MOST_WAITING {
            assert_eq!(woken(changes.wait(wake())), 0);
        }
        assert_eq!(woken(changes.wait(wake())), MOST_WAITING);
        changes.move_pointer();
        assert_eq!(woken(changes.due()), 1);
        assert_eq!(count.load(Ordering::Relaxed), 4 + MOST_WAITING);
    }

    #[test]
    fn the_pointer_counts_where_it_is_drawn() {
        let mut changes = Changes::new();
        let (without, with) = (changes.look(false), changes.look(true));
        changes.move_pointer();
        assert!(changes.look(false) == without && changes.look(true) > with);
        changes.draw();
        assert!(changes.look(false) > without);
    }
}
