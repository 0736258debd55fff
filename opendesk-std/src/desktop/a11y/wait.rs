//! How long anybody waits: for every answer of another program there is a time at which it is given up.

use core::future::{Future, pending, poll_fn};
use core::mem;
use core::pin::pin;
use core::task::{Poll, Waker};
use core::time::Duration;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use futures_util::stream::{self, StreamExt};

use crate::api::{Error, Result};
use crate::cancel::Cancel;
use crate::clock;

/// How often deadlines and cancellation are looked at: no wait is longer by more than this.
const BEAT: Duration = Duration::from_millis(5);

/// Questions that are under way at once. Many, so that an application always has the next one before it; not all, so
/// that one which stops in between has little to catch up with.
const IN_FLIGHT: usize = 512;

/// Wakes those that wait with a deadline, for the time of one [`run`].
#[derive(Debug, Default)]
pub(super) struct Ticker {
    pulse: Mutex<Pulse>,
}

#[derive(Debug, Default)]
struct Pulse {
    beats: u64,
    sleepers: Vec<Waker>,
}

/// Does work that talks to other programs, on this thread, until it is done or cancelled.
///
/// # Errors
/// Those of the work, and [`ErrorCode::Cancelled`](crate::api::ErrorCode::Cancelled).
pub(super) fn run<T>(ticker: &Ticker, cancel: &Cancel, work: impl Future<Output = Result<T>>) -> Result<T> {
    cancel.check()?;
    let (stop, stopped) = channel::<()>();
    thread::scope(|scope| {
        let beating = thread::Builder::new()
            .name("opendesk-ticker".to_owned())
            .spawn_scoped(scope, move || ticker.beat_until(&stopped));
        if let Err(error) = beating {
            return Err(Error::internal(format!("the system gives no thread to watch over accessibility: {error}")));
        }
        let outcome = zbus::block_on(ticker.unless(cancel, work));
        // Ends the thread, which the scope waits for.
        drop(stop);
        outcome
    })
}

impl Ticker {
    fn beat_until(&self, stopped: &Receiver<()>) {
        while matches!(stopped.recv_timeout(BEAT), Err(RecvTimeoutError::Timeout)) {
            let mut pulse = self.pulse.lock().unwrap_or_else(PoisonError::into_inner);
            pulse.beats = pulse.beats.wrapping_add(1);
            let sleepers = mem::take(&mut pulse.sleepers);
            drop(pulse);
            sleepers.into_iter().for_each(Waker::wake);
        }
    }

    /// Has the next beat wake a task. `seen` is the beat for which it has asked last: once a beat is enough, however
    /// often the task runs.
    fn wake_later(&self, seen: &mut Option<u64>, waker: &Waker) {
        let mut pulse = self.pulse.lock().unwrap_or_else(PoisonError::into_inner);
        if *seen != Some(pulse.beats) {
            *seen = Some(pulse.beats);
            pulse.sleepers.push(waker.clone());
        }
    }

    async fn unless<T>(&self, cancel: &Cancel, work: impl Future<Output = Result<T>>) -> Result<T> {
        let mut work = pin!(work);
        let mut seen = None;
        poll_fn(|context| {
            if cancel.is_cancelled() {
                return Poll::Ready(Err(Error::cancelled()));
            }
            let outcome = work.as_mut().poll(context);
            if outcome.is_pending() {
                self.wake_later(&mut seen, context.waker());
            }
            outcome
        })
        .await
    }

    /// The outcome of some work, or nothing once the time has come.
    pub(super) async fn until<T>(&self, deadline: Instant, work: impl Future<Output = T>) -> Option<T> {
        let mut work = pin!(work);
        let mut seen = None;
        poll_fn(|context| {
            if let Poll::Ready(outcome) = work.as_mut().poll(context) {
                return Poll::Ready(Some(outcome));
            }
            if clock::monotonic() >= deadline {
                return Poll::Ready(None);
            }
            self.wake_later(&mut seen, context.waker());
            Poll::Pending
        })
        .await
    }

    /// Lets some time go by.
    pub(super) async fn pause(&self, time: Duration) {
        let nothing = self.until(clock::monotonic() + time, pending::<()>()).await;
        debug_assert!(nothing.is_none(), "what never comes has come");
    }

    /// Does many things at once and gives each outcome to `keep` as it comes. False: the time came before the last.
    pub(super) async fn gather<F: Future>(
        &self,
        deadline: Instant,
        work: impl IntoIterator<Item = F>,
        mut keep: impl FnMut(F::Output),
    ) -> bool {
        let all = async {
            let mut under_way = pin!(stream::iter(work).buffer_unordered(IN_FLIGHT));
            while let Some(outcome) = under_way.next().await {
                keep(outcome);
            }
        };
        self.until(deadline, all).await.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::ErrorCode;

    fn soon() -> Instant {
        clock::monotonic() + Duration::from_millis(30)
    }

    #[test]
    fn what_never_comes_is_given_up() {
        let ticker = Ticker::default();
        let outcome = run(&ticker, &Cancel::new(), async { Ok(ticker.until(soon(), pending::<()>()).await) });
        assert_eq!(outcome, Ok(None));
    }

    #[test]
    fn what_came_before_the_deadline_is_kept() {
        let ticker = Ticker::default();
        let mut kept = Vec::new();
        let work = (0..1000).map(|number| async move {
            if number == 500 {
                pending::<()>().await
            }
            number
        });
        let complete =
            run(&ticker, &Cancel::new(), async { Ok(ticker.gather(soon(), work, |number| kept.push(number)).await) });
        assert_eq!(complete, Ok(false));
        kept.sort_unstable();
        assert_eq!(kept, (0..1000).filter(|number| *number != 500).collect::<Vec<_>>());
    }

    #[test]
    fn cancelling_ends_a_wait() {
        let (ticker, cancel) = (Ticker::default(), Cancel::new());
        let other = cancel.clone();
        let canceller = thread::spawn(move || other.cancel());
        let outcome = run(&ticker, &cancel, pending::<Result<()>>());
        assert_eq!(outcome.unwrap_err().code, ErrorCode::Cancelled);
        canceller.join().unwrap();
        let begun = run(&ticker, &cancel, async { Ok(()) });
        assert_eq!(begun.unwrap_err().code, ErrorCode::Cancelled, "nothing begins after it");
    }
}
