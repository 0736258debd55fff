//! One run of a task, in a session of its own.

use core::future::pending;
use core::panic::AssertUnwindSafe;
use core::pin::pin;
use core::time::Duration;

use async_channel::Receiver;
use futures_util::FutureExt as _;
use futures_util::future::{Either, select};

use super::state::End;
use super::store::{Machine, Schedule};
use crate::clock;
use crate::desktop::Backend;
use crate::home::Home;
use crate::runtime::{Runtime, timeout};
use crate::tools::{OnRuntime, Session, ToolError};

/// How long other programs may keep the connection of a run that is over; then the task's next turn counts more.
const LINGER: Duration = Duration::from_secs(60);

/// Does what is scheduled, and tells how it ended. `stopped` is closed when the runner ends.
pub(super) async fn carry_out<R: Runtime>(
    runtime: &R,
    home: &Home,
    backend: Backend,
    schedule: &Schedule,
    stopped: &Receiver<()>,
) -> End {
    let session = Session::new(home.clone(), backend, Box::new(OnRuntime(runtime.clone())));
    let begun = clock::monotonic();
    let took = || clock::monotonic().saturating_duration_since(begun);
    let end = {
        // What one tool does wrong is not to end the runner of all.
        let work = pin!(AssertUnwindSafe(call(&session, schedule)).catch_unwind());
        let limited = pin!(timeout(runtime, schedule.limit, work));
        match select(limited, pin!(until_closed(stopped))).await {
            Either::Left((Some(Ok(end)), _)) => end,
            Either::Left((Some(Err(_)), _)) => {
                (false, "the tool failed in a way that nobody thought of; see the log, and report it".to_owned())
            }
            Either::Left((None, _)) => (
                false,
                format!(
                    "it took longer than {} seconds and was ended; give it a higher limit",
                    schedule.limit.as_secs()
                ),
            ),
            Either::Right(_) => (false, "the scheduler was ended meanwhile, and the run with it".to_owned()),
        }
    };
    let end = End::new(end.0, took(), &end.1);
    let lingers = pin!(timeout(runtime, LINGER, session.linger()));
    select(lingers, pin!(until_closed(stopped))).await;
    session.close().await;
    end
}

async fn call(session: &Session, schedule: &Schedule) -> (bool, String) {
    if let Err(why) = is_there(session, schedule) {
        return (false, why);
    }
    match session.try_tool(&schedule.task.tool, schedule.call()).await {
        Ok(output) => (!output.is_error, output.all_text()),
        Err(error) => (false, error.to_string()),
    }
}

/// Whether the machine is still known by its key.
///
/// # Errors
/// One line.
pub(crate) fn is_there(session: &Session, schedule: &Schedule) -> Result<(), String> {
    let Machine::Peer { name, at } = &schedule.machine else { return Ok(()) };
    match session.target(Some(at)) {
        Ok(_) => Ok(()),
        Err(ToolError::Unknown { .. }) => Err(format!(
            "the machine that was called {name:?} is not paired any more, or has other keys now; remove the task and add it anew"
        )),
        Err(error) => Err(error.to_string()),
    }
}

async fn until_closed(stopped: &Receiver<()>) {
    if stopped.recv().await.is_ok() {
        pending::<()>().await;
    }
}
