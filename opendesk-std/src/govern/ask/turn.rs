//! One question at a time.

use core::time::Duration;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::Limit;

/// How often a question that waits looks whether it still should.
const TICK: Duration = Duration::from_millis(20);

/// Whose turn it is.
#[derive(Debug, Default)]
pub(super) struct Turn {
    is_taken: Mutex<bool>,
    given_back: Condvar,
}

/// The turn of one question; the next one has it when this is dropped.
#[derive(Debug)]
pub(super) struct Taken<'a>(&'a Turn);

impl Turn {
    /// Waits for the turn.
    ///
    /// # Errors
    /// One line, when the limit is reached before.
    pub(super) fn take(&self, limit: &Limit<'_>) -> Result<Taken<'_>, String> {
        let mut is_taken = self.lock();
        loop {
            limit.check()?;
            if !*is_taken {
                *is_taken = true;
                return Ok(Taken(self));
            }
            let waited = self.given_back.wait_timeout(is_taken, TICK.min(limit.left()));
            is_taken = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The flag is whole whatever happened to a thread that had it.
    fn lock(&self) -> MutexGuard<'_, bool> {
        self.is_taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        *self.0.lock() = false;
        self.0.given_back.notify_one();
    }
}
