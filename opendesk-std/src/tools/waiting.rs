//! Telling whoever waits for a call that takes long how far it is.

use core::future::Future;
use core::pin::pin;
use core::time::Duration;

use futures_util::future::{Either, select};

use super::session::Session;
use crate::clock;

/// Often enough that nobody takes the call for lost.
const EVERY: Duration = Duration::from_secs(2);

/// What comes of work; until then it is told every other second for how long it has gone on, of at most so many.
pub(super) async fn told<T>(session: &Session, most: Option<f64>, what: &str, work: impl Future<Output = T>) -> T {
    let begun = clock::monotonic();
    let mut work = pin!(work);
    loop {
        match select(work, pin!(session.sleep(EVERY))).await {
            Either::Left((outcome, _)) => return outcome,
            Either::Right(((), still)) => work = still,
        }
        session.caller.report(begun.elapsed().as_secs_f64(), most, what);
    }
}
