//! Lines on their way to standard error: a terminal that is stopped and a reader that stalls keep nobody waiting.

use core::time::Duration;
use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

/// Lines that wait at most: more than anything logs at once, and, with the longest values, some megabytes.
const ROOM: usize = 256;

/// Takes lines, which a thread of its own writes in their order.
#[derive(Debug)]
pub(super) struct Queue {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    added: Condvar,
    written: Condvar,
}

#[derive(Debug, Default)]
struct State {
    entries: VecDeque<Entry>,
    is_writing: bool,
}

#[derive(Debug)]
enum Entry {
    Line(String),
    /// So many lines found no room here.
    Missed(u64),
}

impl Queue {
    /// Begins to write lines, and in place of those that found no room what `missed` says about their number.
    ///
    /// # Errors
    /// There can be no more threads.
    pub(super) fn start(
        write: impl FnMut(&str) + Send + 'static,
        missed: impl Fn(u64) -> String + Send + 'static,
    ) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let queue = Self { shared: Arc::clone(&shared) };
        thread::Builder::new().name("stderr".to_owned()).spawn(move || shared.write_all(write, missed))?;
        Ok(queue)
    }

    /// Adds a line, with its end, if there is room for it.
    pub(super) fn push(&self, line: &str) {
        let mut state = self.shared.lock();
        if state.entries.len() < ROOM {
            state.entries.push_back(Entry::Line(line.to_owned()));
        } else if let Some(Entry::Missed(lines)) = state.entries.back_mut() {
            *lines += 1;
        } else {
            state.entries.push_back(Entry::Missed(1));
        }
        drop(state);
        self.shared.added.notify_one();
    }

    /// Waits until every line is written, and no longer than `limit`.
    pub(super) fn flush(&self, limit: Duration) {
        let is_busy = |state: &mut State| state.is_writing || !state.entries.is_empty();
        drop(self.shared.written.wait_timeout_while(self.shared.lock(), limit, is_busy));
    }
}

impl Shared {
    /// Writes for as long as the program runs.
    fn write_all(&self, mut write: impl FnMut(&str), missed: impl Fn(u64) -> String) {
        loop {
            match self.next() {
                Entry::Line(line) => write(&line),
                Entry::Missed(lines) => write(&missed(lines)),
            }
        }
    }

    /// Says that what was taken before is written, and waits for the next.
    fn next(&self) -> Entry {
        let mut state = self.lock();
        loop {
            state.is_writing = false;
            if let Some(entry) = state.entries.pop_front() {
                state.is_writing = true;
                return entry;
            }
            self.written.notify_all();
            state = self.added.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The state is whole whatever happened to a thread that had it.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{self, Receiver, Sender};

    use super::*;

    /// Longer than anything here takes.
    const PATIENCE: Duration = Duration::from_secs(60);

    /// A queue whose writer waits for leave before each line.
    fn stalling() -> (Queue, Sender<()>, Receiver<String>) {
        let (allow, allowed) = mpsc::channel();
        let (tell, told) = mpsc::channel();
        let write = move |line: &str| {
            tell.send(line.to_owned()).expect("the test runs");
            // No leave is given any more: all of it may be written.
            let _ended = allowed.recv().is_err();
        };
        let queue = Queue::start(write, |lines| format!("{lines} missed")).expect("a thread");
        (queue, allow, told)
    }

    #[test]
    fn nobody_waits_for_a_writer_that_stalls_and_what_found_no_room_is_counted_in_its_place() {
        let (queue, allow, told) = stalling();
        queue.push("first");
        assert_eq!(told.recv_timeout(PATIENCE).unwrap(), "first");
        for number in 0..ROOM + 7 {
            queue.push(&number.to_string());
        }
        assert_eq!(queue.shared.lock().entries.len(), ROOM + 1);
        // It gives up.
        queue.flush(Duration::from_millis(1));
        for number in 0..3 {
            allow.send(()).unwrap();
            assert_eq!(told.recv_timeout(PATIENCE).unwrap(), number.to_string());
        }
        queue.push("later");
        drop(allow);
        queue.flush(PATIENCE);
        let rest: Vec<String> = told.try_iter().collect();
        assert_eq!(rest.len(), ROOM - 3 + 2);
        assert_eq!(rest[0], "3");
        assert_eq!(rest[ROOM - 4..], [(ROOM - 1).to_string(), "7 missed".to_owned(), "later".to_owned()]);
    }

    #[test]
    fn what_was_written_once_is_not_waited_for() {
        let (queue, allow, told) = stalling();
        queue.flush(PATIENCE);
        drop(allow);
        for line in ["one", "two"] {
            queue.push(line);
            queue.flush(PATIENCE);
            assert_eq!(told.try_recv().unwrap(), line);
        }
    }
}
