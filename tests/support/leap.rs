//! A runtime whose clock leaps forward when the test says so. Sockets, tasks and blocking work are those of the runtime
//! behind it, so the same test runs on every adapter, and no deadline is waited for.

use core::future::Future;
use core::net::SocketAddr;
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use opendesk_std::runtime::{Runtime, Timer};

/// The runtime behind it, and by how much its own clock is ahead.
#[derive(Debug, Clone)]
pub struct Leaping<R> {
    inner: R,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    ahead: Duration,
    /// Who waits for a timer: any leap may have rung it.
    waiting: Vec<Waker>,
}

impl<R: Runtime> Leaping<R> {
    /// The same clock as that of the runtime, until it leaps.
    pub fn new(inner: R) -> Self {
        Self { inner, state: Arc::default() }
    }

    /// So much time passes at once.
    pub fn leap(&self, time: Duration) {
        let waiting = {
            let mut state = self.state();
            state.ahead += time;
            core::mem::take(&mut state.waiting)
        };
        waiting.into_iter().for_each(Waker::wake);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A timer of a clock that leaps.
#[derive(Debug)]
pub struct LeapingTimer<R: Runtime> {
    clock: Leaping<R>,
    timer: R::Timer,
    at: Option<Instant>,
}

impl<R: Runtime + Unpin> Timer for LeapingTimer<R> {
    fn set(&mut self, at: Instant) {
        self.at = Some(at);
    }

    fn poll_elapsed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(at) = self.at else { return Poll::Pending };
        if self.clock.now() >= at {
            return Poll::Ready(());
        }
        let mut state = self.clock.state();
        state.waiting.push(cx.waker().clone());
        let behind = at.checked_sub(state.ahead);
        drop(state);
        // Without a leap it rings when the runtime's own clock says so.
        self.timer.set(behind.unwrap_or(at));
        self.timer.poll_elapsed(cx)
    }
}

impl<R: Runtime + Unpin> Runtime for Leaping<R> {
    type Stream = R::Stream;
    type Listener = R::Listener;
    type LocalStream = R::LocalStream;
    type LocalListener = R::LocalListener;
    type Timer = LeapingTimer<R>;

    fn now(&self) -> Instant {
        self.inner.now() + self.state().ahead
    }

    fn timer(&self) -> LeapingTimer<R> {
        LeapingTimer { clock: self.clone(), timer: self.inner.timer(), at: None }
    }

    fn listen(&self, address: SocketAddr) -> io::Result<R::Listener> {
        self.inner.listen(address)
    }

    fn connect(&self, address: SocketAddr) -> impl Future<Output = io::Result<R::Stream>> + Send {
        self.inner.connect(address)
    }

    fn listen_local(&self, path: &Path) -> io::Result<R::LocalListener> {
        self.inner.listen_local(path)
    }

    fn connect_local(&self, path: &Path) -> impl Future<Output = io::Result<R::LocalStream>> + Send {
        self.inner.connect_local(path)
    }

    fn run_blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> impl Future<Output = T> + Send {
        self.inner.run_blocking(work)
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.inner.spawn(task);
    }
}

#[cfg(test)]
mod tests {
    use opendesk_std::runtime::timeout;
    use opendesk_tokio::Tokio;

    use super::*;

    #[test]
    fn a_leap_rings_what_it_passes_and_nothing_else() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let clock = Leaping::new(Tokio);
            let (rung, rings) = async_channel::unbounded();
            for seconds in [5, 20] {
                let (clock, rung) = (clock.clone(), rung.clone());
                tokio::spawn(async move {
                    let waited = timeout(&clock, Duration::from_secs(seconds), core::future::pending::<()>()).await;
                    rung.send((seconds, waited)).await.unwrap();
                });
            }
            tokio::task::yield_now().await;
            clock.leap(Duration::from_secs(10));
            assert_eq!(rings.recv().await.unwrap(), (5, None));
            assert!(rings.is_empty());
            clock.leap(Duration::from_secs(10));
            assert_eq!(rings.recv().await.unwrap(), (20, None));
            // The runtime's own time passes too.
            assert_eq!(timeout(&clock, Duration::from_millis(1), core::future::pending::<()>()).await, None);
        });
    }
}
