//! Finding hosts, keeping their links through faults, and sharing them: over loopback and in network namespaces that the
//! tests make.

mod deadlines;
mod discovery;
mod faults;
mod fleet;
mod gestures;
mod pairing;
mod remote;
mod sharing;

use core::time::Duration;

/// Runs a test on one thread, as the program does.
fn run(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(test);
}

/// Turns the clock of everybody in the test. It stands still only for a moment: a clock that stood while something
/// comes over a socket would jump to the next deadline by itself.
async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}
