//! What a person sees while it is copied.

use core::time::Duration;
use std::io::{IsTerminal as _, stderr};
use std::time::Instant;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use opendesk_std::client::transfer::Step;

use crate::output;

/// Often enough to look alive.
const TICK: Duration = Duration::from_millis(200);

const LINE: &str = "{decimal_bytes}/{decimal_total_bytes} {wide_bar} {decimal_bytes_per_sec} {eta} {msg}";

/// Characters of a name that leave room for the bar.
const NAME: usize = 30;

pub(super) struct Progress {
    bar: Option<ProgressBar>,
    is_quiet: bool,
    begun: Instant,
}

impl Progress {
    /// The bar is drawn on standard error, and only where a person reads that.
    pub(super) fn start(is_quiet: bool) -> Self {
        let bar = (!is_quiet && stderr().is_terminal()).then(|| {
            let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
            if let Ok(style) = ProgressStyle::with_template(LINE) {
                bar.set_style(style);
            }
            bar.enable_steady_tick(TICK);
            bar
        });
        Self { bar, is_quiet, begun: Instant::now() }
    }

    pub(super) fn tell(&self, step: Step<'_>) {
        match step {
            Step::Found { bytes } => self.with_bar(|bar| bar.inc_length(bytes)),
            Step::Begins { path, kept } => self.with_bar(|bar| {
                bar.set_message(end_of(path));
                // What was there already says nothing of the speed.
                bar.inc(kept);
                if kept > 0 {
                    bar.reset_eta();
                }
            }),
            Step::Copied { bytes } => self.with_bar(|bar| bar.inc(bytes)),
            Step::Skipped { path, why } => self.note(&format!("left out {path}: {why}")),
            Step::Failed { why } => self.say(&format!("not copied: {why}")),
            Step::Waits => self.with_bar(|bar| bar.set_message("waiting for the connection")),
            Step::Plain => self.note("the other machine cannot set permissions and times, so the copy has its own"),
        }
    }

    /// Takes the bar away, and gives the seconds that it all took.
    pub(super) fn end(self) -> f64 {
        self.with_bar(ProgressBar::finish_and_clear);
        self.begun.elapsed().as_secs_f64()
    }

    fn with_bar(&self, change: impl FnOnce(&ProgressBar)) {
        if let Some(bar) = &self.bar {
            change(bar);
        }
    }

    fn note(&self, line: &str) {
        if !self.is_quiet {
            self.say(line);
        }
    }

    fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| output::note(line)),
            None => output::note(line),
        }
    }
}

impl Drop for Progress {
    /// A copy that fails leaves no bar behind.
    fn drop(&mut self) {
        self.with_bar(ProgressBar::finish_and_clear);
    }
}

/// The end of a path: that is where its name is.
fn end_of(path: &str) -> String {
    let length = path.chars().count();
    if length <= NAME {
        path.to_owned()
    } else {
        format!("…{}", path.chars().skip(length - NAME).collect::<String>())
    }
}
