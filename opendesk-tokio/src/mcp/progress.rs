//! How far a call is, told to the client that has asked for it.

use core::pin::pin;
use core::time::Duration;
use std::sync::{Mutex, MutexGuard, PoisonError};

use opendesk_std::tools::Progress;
use rmcp::model::{ProgressNotificationParam, ProgressToken};
use rmcp::service::{Peer, RoleServer};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

/// Between two notifications: as fast as a bar has to move, and no more than a client reads.
const INTERVAL: Duration = Duration::from_millis(100);

/// What a call reports. Of reports in quick succession the last one is told.
pub(super) struct Reports {
    token: ProgressToken,
    state: Mutex<State>,
    news: Notify,
}

#[derive(Default)]
struct State {
    /// What was reported last and is not told yet.
    untold: Option<ProgressNotificationParam>,
    /// How far it was when it was told last.
    told: Option<f64>,
}

impl Reports {
    pub(super) fn new(token: ProgressToken) -> Self {
        Self { token, state: Mutex::default(), news: Notify::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is to be told now.
    fn take(&self) -> Option<ProgressNotificationParam> {
        let mut state = self.state();
        let next = state.untold.take()?;
        state.told = Some(next.progress);
        Some(next)
    }

    /// Does the work and sends the client what it reports. Nothing is under way any more when it ends, so that no
    /// notification comes behind the answer.
    pub(super) async fn send_during<T>(&self, peer: &Peer<RoleServer>, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        let mut next_at = Instant::now();
        loop {
            let due = async {
                self.news.notified().await;
                sleep_until(next_at).await;
            };
            tokio::select! {
                biased;
                done = &mut work => return done,
                () = due => {}
            }
            let Some(report) = self.take() else { continue };
            next_at = Instant::now() + INTERVAL;
            let mut sent = pin!(peer.notify_progress(report));
            tokio::select! {
                biased;
                // A client that has gone is noticed by whoever sends the answer.
                _heard = &mut sent => {}
                done = &mut work => {
                    drop(sent.await);
                    return done;
                }
            }
        }
    }
}

impl Progress for Reports {
    fn report(&self, done: f64, total: Option<f64>, what: &str) {
        let mut state = self.state();
        // Progress only ever increases.
        if !done.is_finite() || state.told.is_some_and(|told| done <= told) {
            return;
        }
        if state.untold.as_ref().is_some_and(|untold| done < untold.progress) {
            return;
        }
        let mut report = ProgressNotificationParam::new(self.token.clone(), done);
        report.total = total.filter(|total| total.is_finite());
        report.message = (!what.is_empty()).then(|| what.to_owned());
        state.untold = Some(report);
        self.news.notify_one();
    }
}
