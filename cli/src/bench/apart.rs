//! The far end of a measurement on a thread of its own, as another machine has one: what the two ends do counts at once,
//! and not one after the other.

use core::future::Future;
use std::thread;

use tokio::runtime::Builder;
use tokio::sync::oneshot;

use super::failed;
use crate::exit::Failure;

/// Begins something, which an event loop of its own then carries out. Gives what `begin` gives beside it, and what is
/// ready when it has ended.
pub(super) fn apart<T, F: Future<Output = ()> + Send + 'static>(
    begin: impl FnOnce() -> Result<(T, F), Failure>,
) -> Result<(T, oneshot::Receiver<()>), Failure> {
    let (ending, ended) = oneshot::channel();
    let runtime = Builder::new_current_thread().enable_all().build().map_err(failed)?;
    let entered = runtime.enter();
    let begun = begin();
    drop(entered);
    let (begun, work) = match begun {
        Ok(begun) => begun,
        Err(error) => {
            // Dropped within another event loop it would wait, which is not allowed there.
            runtime.shutdown_background();
            return Err(error);
        }
    };
    let carry_out = move || {
        runtime.block_on(work);
        runtime.shutdown_background();
        // Nobody may be waiting for it.
        ending.send(()).unwrap_or_default();
    };
    thread::Builder::new().name("far-end".to_owned()).spawn(carry_out).map_err(failed)?;
    Ok((begun, ended))
}
