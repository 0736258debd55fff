//! The host as a whole, in the test's own process: real sockets on loopback, the virtual desktop, real files.

mod hostile;
mod pairing;
mod sessions;

/// Runs a test on one thread, as the program does.
fn run(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(test);
}

/// The same with a clock that the test turns.
fn run_paused(test: impl Future<Output = ()>) {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().expect("a runtime").block_on(async {
        tokio::time::pause();
        test.await;
    });
}
