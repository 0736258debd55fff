//! Storms: all that peers, their programs, the network and the clock can do, at random. A seed is a storm.
//!
//! `storm/acts.rs` does it, `storm/weather.rs` is the network. After every step `storm/truth.rs` compares what arrived
//! with what was said, and the program of the [`World`] checks its invariants at every event. In the end the network is
//! whole again, and a peer must be served as if nothing had been (`storm/calm.rs`).

#[path = "storm/acts.rs"]
mod acts;
#[path = "storm/arrivals.rs"]
mod arrivals;
#[path = "storm/calm.rs"]
mod calm;
#[path = "storm/dice.rs"]
mod dice;
#[path = "storm/identities.rs"]
mod identities;
#[path = "storm/memories.rs"]
mod memories;
#[path = "storm/operations.rs"]
mod operations;
#[path = "storm/places.rs"]
mod places;
#[path = "storm/pushes.rs"]
mod pushes;
#[path = "storm/requests.rs"]
mod requests;
#[path = "storm/service.rs"]
mod service;
#[path = "storm/streams.rs"]
mod streams;
#[path = "storm/truth.rs"]
mod truth;
#[path = "storm/weather.rs"]
mod weather;

use core::any::Any;
use core::fmt;
use core::panic::AssertUnwindSafe;
use std::collections::BTreeMap;
use std::panic;
use std::path::Path;
use std::thread;

use opendesk_std::recording::{redact_bytes, replay_from};

use self::acts::Storm;
use super::{Peer, World};

/// A peer that nobody trusts and that knows no code.
pub const STRANGER: Peer = Peer(90);

/// What came of a storm that broke nothing.
#[derive(Debug)]
pub struct Report {
    /// Its seed.
    pub seed: u64,
    /// What happened, by a word, and how often.
    pub happened: BTreeMap<&'static str, usize>,
    /// The [`World::trace`].
    pub trace: Vec<String>,
    /// The [`World::recording`].
    pub recording: Vec<u8>,
}

/// What a storm broke.
#[derive(Debug)]
pub struct Failure {
    /// Its seed.
    pub seed: u64,
    /// The step, counted from 0; the one after the last is the calm.
    pub step: usize,
    /// What did not hold.
    pub message: String,
    /// The [`World::trace`] up to there.
    pub trace: Vec<String>,
    /// The [`World::recording`] up to there.
    pub recording: Vec<u8>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the storm of seed {} broke something in step {}: {}", self.seed, self.step, self.message)
    }
}

/// Lets a storm blow for this many steps.
///
/// # Panics
/// When something does not hold.
#[must_use]
pub fn run(seed: u64, steps: usize) -> Report {
    attempt(seed, steps, |_| ()).unwrap_or_else(|failure| panic!("{failure}"))
}

/// Lets a storm blow and has `sabotage` change the world before each check, to see that the check notices.
///
/// # Errors
/// The first thing that did not hold.
pub fn attempt(seed: u64, steps: usize, sabotage: fn(&mut World)) -> Result<Report, Failure> {
    roomy(move || blow(seed, steps, sabotage))
}

/// Does this where there is room for two machines of a quarter of a megabyte, unoptimised several times each.
fn roomy<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let thread = thread::Builder::new().stack_size(16 << 20).spawn(work);
    thread.expect("a thread").join().expect("what a storm breaks is caught")
}

fn blow(seed: u64, steps: usize, sabotage: fn(&mut World)) -> Result<Report, Failure> {
    let mut storm = Storm::new(seed);
    let blown = panic::catch_unwind(AssertUnwindSafe(|| storm.blow(steps, sabotage)));
    let recording = storm.world.recording().to_vec();
    let broken = blown.map_err(|payload| words(&*payload)).and_then(|()| replays_here(&recording));
    let Storm { step, world, truth, .. } = storm;
    match broken {
        Ok(()) => Ok(Report { seed, happened: truth.happened, trace: world.trace, recording }),
        Err(message) => Err(Failure { seed, step, message, trace: world.trace, recording }),
    }
}

/// What was done to the host, done again to another one, gives the same (I8).
///
/// # Errors
/// What was different.
pub fn replays(recording: Vec<u8>) -> Result<(), String> {
    roomy(move || replays_here(&recording))
}

/// A copy that may be shared replays as well; gives it, and the input before which it had to end, if it had to.
///
/// # Errors
/// What was different.
pub fn redacted(recording: Vec<u8>) -> Result<(Vec<u8>, Option<u64>), String> {
    roomy(move || {
        let (redacted, copy) = redact_bytes(&recording, Path::new("the storm")).map_err(|error| error.to_string())?;
        replays_here(&copy)?;
        Ok((copy, redacted.stopped_at))
    })
}

fn replays_here(recording: &[u8]) -> Result<(), String> {
    let replayed = replay_from(recording, Path::new("the storm"), None).map_err(|error| error.to_string())?;
    match replayed.difference {
        None if replayed.inputs > 0 && !replayed.cut => Ok(()),
        difference => Err(format!("I8: the recording of the storm is replayed with another output: {difference:?}")),
    }
}

fn words(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a panic without words".to_owned())
}
