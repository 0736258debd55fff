//! What has become of the tasks: `schedule-state.json` in the home, apart from what is to be done. The runner writes it, and
//! whoever runs a task by hand.

use core::time::Duration;
use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::store::Schedules;
use crate::home::{Home, HomeError, HomeErrorKind, plain_text};

/// The file in the home.
const FILE: &str = "schedule-state.json";

const VERSION: u32 = 1;

/// Room for the runs of all tasks.
const MOST_BYTES: usize = 4 << 20;

/// Runs that are kept of a task.
const MOST_RUNS: usize = 10;

/// How long after its limit a run may still be about to end.
const LEEWAY: SignedDuration = SignedDuration::from_secs(60);

/// Characters that are kept of what a run said.
const MOST_SAID: usize = 200;

/// What has become of all tasks, by their names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    version: u32,
    /// Each by the name of its task.
    pub tasks: BTreeMap<String, Kept>,
}

impl Default for State {
    fn default() -> Self {
        Self { version: VERSION, tasks: BTreeMap::new() }
    }
}

/// What has become of one task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kept {
    /// When the task was added that this is about. Another one may have its name by now.
    #[serde(with = "written")]
    pub created: Timestamp,
    /// What was due until then has been seen to.
    #[serde(with = "written")]
    pub handled: Timestamp,
    /// How often it was due while nothing ran that could have done it.
    #[serde(default)]
    pub missed: u64,
    /// How often it was due while it was still being done.
    #[serde(default)]
    pub overlapped: u64,
    /// The last runs, the latest last.
    #[serde(default)]
    pub runs: Vec<Run>,
}

/// One run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// When it began.
    #[serde(with = "written")]
    pub begun: Timestamp,
    /// Whether somebody ran it by hand.
    #[serde(default)]
    pub by_hand: bool,
    /// How it ended. Nothing for one that goes on, or whose end nobody has seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<End>,
}

/// What a run that was due stands for, besides itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen {
    /// What was due until then has been seen to by it.
    pub(super) handled: Timestamp,
    /// How often the task was due before while nothing ran that could have done it.
    pub(super) missed: u64,
    /// How often it was due again while it waited for its turn.
    pub(super) overlapped: u64,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct End {
    /// Whether it did what it should.
    pub ok: bool,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// The first line of what was answered. It may come from another machine, or from a screen.
    pub said: String,
}

impl Run {
    /// Whether it was interrupted: nobody has seen its end, and it cannot go on any more, because whoever ran it by hand was ended
    /// meanwhile. `limit` is how long it may take. A runner's are ended by the next runner.
    #[must_use]
    pub(super) fn is_lost(&self, limit: Duration, now: Timestamp) -> bool {
        let longest = SignedDuration::try_from(limit).unwrap_or(SignedDuration::MAX).saturating_add(LEEWAY);
        self.by_hand && self.end.is_none() && now.duration_since(self.begun) > longest
    }
}

impl End {
    /// Keeps one line of what was said.
    #[must_use]
    pub fn new(ok: bool, took: Duration, said: &str) -> Self {
        // The line that begins text from a screen says nothing without that text.
        let line =
            said.lines().find(|line| !line.trim().is_empty() && !line.starts_with("<untrusted ")).unwrap_or_default();
        let said = plain_text(line).chars().take(MOST_SAID).collect();
        Self { ok, took_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX), said }
    }
}

impl Kept {
    const fn new(created: Timestamp, handled: Timestamp) -> Self {
        Self { created, handled, missed: 0, overlapped: 0, runs: Vec::new() }
    }

    /// A run begins.
    fn begin(&mut self, run: Run) {
        self.runs.push(run);
        let surplus = self.runs.len().saturating_sub(MOST_RUNS);
        self.runs.drain(..surplus);
    }
}

impl State {
    /// What the file says; nothing where there is none.
    ///
    /// # Errors
    /// [`HomeErrorKind::Corrupt`] for a file that says anything else, which is left as it is; [`HomeErrorKind::Io`].
    pub fn load(home: &Home) -> Result<Self, HomeError> {
        let Some(bytes) = home.read(FILE, MOST_BYTES)? else { return Ok(Self::default()) };
        let corrupt = |why: String| HomeError::corrupt(&home.path().join(FILE), why);
        let state: Self = serde_json::from_slice(&bytes)
            .map_err(|error| corrupt(format!("does not hold runs of tasks: {}", plain_text(&error.to_string()))))?;
        if state.version != VERSION {
            return Err(corrupt(format!("has version {} and this program knows {VERSION}", state.version)));
        }
        Ok(state)
    }

    /// What has become of a task; nothing of one that had its name before.
    #[must_use]
    pub fn of(&self, name: &str, created: Timestamp) -> Option<&Kept> {
        self.tasks.get(name).filter(|kept| kept.created == created)
    }

    /// Keeps a change of one task, and forgets what there is no more.
    ///
    /// # Errors
    /// As [`load`](Self::load), and [`HomeErrorKind::Busy`].
    pub(super) fn change(home: &Home, act: impl FnOnce(&mut Self)) -> Result<Self, HomeError> {
        let _lock = home.lock()?;
        let mut state = Self::load(home)?;
        act(&mut state);
        // What cannot be read now may be there again.
        if let Ok(there) = Schedules::load(home) {
            state
                .tasks
                .retain(|name, kept| there.all.iter().any(|task| task.name == *name && task.created == kept.created));
        }
        let text = serde_json::to_string_pretty(&state)
            .map_err(|error| HomeError::new(HomeErrorKind::Invalid, error.to_string()))?;
        home.write(FILE, format!("{text}\n").as_bytes())?;
        Ok(state)
    }

    /// What the file says once the runs have ended that a runner began that is no more. The caller is the runner now.
    ///
    /// # Errors
    /// As [`load`](Self::load), and [`HomeErrorKind::Busy`].
    pub(super) fn without_orphans(home: &Home) -> Result<Self, HomeError> {
        let is_orphan = |run: &Run| run.end.is_none() && !run.by_hand;
        let state = Self::load(home)?;
        if !state.tasks.values().flat_map(|kept| &kept.runs).any(is_orphan) {
            return Ok(state);
        }
        let why = "the scheduler ended before the run did, so what it did is not known";
        Self::change(home, |state| {
            for run in state.tasks.values_mut().flat_map(|kept| &mut kept.runs).filter(|run| is_orphan(run)) {
                run.end = Some(End { ok: false, took_ms: 0, said: why.to_owned() });
            }
        })
    }

    /// The place of a task, made where it is missing.
    pub(super) fn entry(&mut self, name: &str, created: Timestamp, handled: Timestamp) -> &mut Kept {
        let kept = self.tasks.entry(name.to_owned()).or_insert_with(|| Kept::new(created, handled));
        if kept.created != created {
            *kept = Kept::new(created, handled);
        }
        kept
    }

    /// A run begins that was due. Before that it was not seen to: a runner that ends while a run waits for its turn leaves it
    /// to the next, which does it or says that it was missed.
    ///
    /// # Errors
    /// As [`load`](Self::load), and [`HomeErrorKind::Busy`].
    pub(super) fn begin_due(
        home: &Home,
        name: &str,
        created: Timestamp,
        run: &Run,
        seen: Seen,
    ) -> Result<(), HomeError> {
        let run = run.clone();
        Self::change(home, |state| {
            let kept = state.entry(name, created, seen.handled);
            kept.handled = seen.handled;
            kept.missed += seen.missed;
            kept.overlapped += seen.overlapped;
            kept.begin(run);
        })
        .map(drop)
    }

    /// A run that was told of has not begun after all.
    ///
    /// # Errors
    /// As [`begin`](Self::begin).
    pub(crate) fn withdraw(home: &Home, name: &str, created: Timestamp, run: &Run) -> Result<(), HomeError> {
        let is_it = |known: &Run| known.begun == run.begun && known.by_hand == run.by_hand && known.end.is_none();
        Self::change(home, |state| state.entry(name, created, created).runs.retain(|known| !is_it(known))).map(drop)
    }

    /// A run begins that somebody asked for.
    ///
    /// # Errors
    /// As [`load`](Self::load), and [`HomeErrorKind::Busy`].
    pub(crate) fn begin(home: &Home, name: &str, created: Timestamp, run: &Run) -> Result<(), HomeError> {
        let run = run.clone();
        Self::change(home, |state| state.entry(name, created, created).begin(run)).map(drop)
    }

    /// A run that [`begin`](Self::begin) told of has ended.
    ///
    /// # Errors
    /// As [`begin`](Self::begin).
    pub(crate) fn end(home: &Home, name: &str, created: Timestamp, run: &Run, end: End) -> Result<(), HomeError> {
        Self::change(home, |state| {
            let runs = &mut state.entry(name, created, created).runs;
            let began = runs.iter_mut().rev().find(|known| known.begun == run.begun && known.by_hand == run.by_hand);
            if let Some(began) = began {
                began.end = Some(end);
            }
        })
        .map(drop)
    }
}

/// Times as text.
mod written {
    use core::fmt;

    use jiff::Timestamp;
    use serde::de::{Error, Visitor};
    use serde::{Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(time: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(time)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Timestamp, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Timestamp;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a time such as 2026-12-24T18:00:00Z")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Timestamp, E> {
                text.parse().map_err(|_| E::custom("a time is not one"))
            }
        }
        from.deserialize_str(Text)
    }
}

#[cfg(test)]
mod tests;
