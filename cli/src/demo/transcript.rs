//! What the demo tells as it goes.

use core::time::Duration;
use std::time::Instant;

use serde_json::{Value, json};

use crate::exit::Failure;
use crate::output;

/// A readable transcript with timings.
pub(super) struct Transcript {
    quiet: bool,
    begun: Instant,
    who: String,
    took: Option<Duration>,
    steps: Vec<Value>,
}

impl Transcript {
    pub(super) fn new(quiet: bool) -> Self {
        Self { quiet, begun: now(), who: String::new(), took: None, steps: Vec::new() }
    }

    /// Something that happened.
    pub(super) fn say(&mut self, who: &str, what: &str) {
        who.clone_into(&mut self.who);
        self.took = None;
        self.add(what);
    }

    /// Does something and notes how long it took; [`Transcript::add`] then tells what it was.
    pub(super) async fn time<T>(
        &mut self,
        who: &str,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let begun = now();
        let done = work.await?;
        who.clone_into(&mut self.who);
        self.took = Some(begun.elapsed());
        Ok(done)
    }

    /// Tells what happened.
    pub(super) fn add(&mut self, what: &str) {
        let took = self.took.take().map(|took| took.as_secs_f64() * 1e3);
        self.steps.push(json!({"who": self.who, "what": what, "ms": took}));
        if !self.quiet {
            let at = self.begun.elapsed().as_secs_f64();
            let took = took.map(|ms| format!("  ({ms:.1} ms)")).unwrap_or_default();
            output::line(&format!("{at:7.3} s  {:<17}  {what}{took}", self.who));
        }
    }

    pub(super) fn steps(&self) -> &[Value] {
        &self.steps
    }
}

fn now() -> Instant {
    Instant::now()
}
