//! The host as a whole, in the test's own process: real sockets on loopback, the virtual desktop, real files.

mod admin;
mod asking;
mod backend;
mod effects;
mod hostile;
mod mapping;
mod mix;
mod pairing;
mod person;
mod pictures;
mod programs;
mod reading;
mod rotation;
mod sessions;
mod stopping;
mod streams;
mod streams_idle;
mod terms;
mod through;
mod unpairing;
mod watched;

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
