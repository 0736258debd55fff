//! Computing that takes milliseconds, beside the event loop.

use std::thread;

use async_channel::bounded;

use super::target::ToolError;
use crate::api::{Error, Result};

/// Computes on a thread of its own.
///
/// # Errors
/// Those of `work`; `internal` when the system gives no thread, or when the work panics.
pub(super) async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> core::result::Result<T, ToolError> {
    let (done, result) = bounded(1);
    thread::Builder::new()
        .name("opendesk-aside".to_owned())
        .spawn(move || drop(done.try_send(work())))
        .map_err(|error| Error::internal(format!("no thread could be started to compute on: {error}")))?;
    let computed = result.recv().await;
    Ok(computed.unwrap_or_else(|_| Err(Error::internal("a picture could not be worked on; take another one")))?)
}

#[cfg(test)]
mod tests {
    use core::task::{Context, Poll, Waker};
    use std::pin::pin;

    use super::*;

    /// As a runtime would.
    fn finish<T>(work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        loop {
            match work.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(done) => return done,
                Poll::Pending => thread::yield_now(),
            }
        }
    }

    #[test]
    fn what_fails_there_is_an_error_here() {
        let outcome = |work: fn() -> Result<u8>| finish(aside(work)).map_err(|error| error.to_string());
        assert_eq!(outcome(|| Ok(7)), Ok(7));
        assert_eq!(outcome(|| Err(Error::invalid("no"))), Err("no".to_owned()));
        assert!(outcome(|| panic!("on purpose")).unwrap_err().contains("could not be worked on"));
    }
}
