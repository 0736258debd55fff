//! What is scheduled and what has become of it, together.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::plan::{Verdict, look};
use super::state::{Kept, Run, State};
use super::store::{Machine, Schedule, Schedules};
use super::{now, runner_of, timing};
use crate::home::{Home, HomeError, Peers, hex};

/// All tasks of a home.
#[derive(Debug, Clone, PartialEq)]
pub struct Listing {
    /// In the order in which they were added.
    pub tasks: Vec<Listed>,
    /// Who does them: see [`runner_of`].
    pub runner: Option<String>,
}

/// A task, and what has become of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    /// The task.
    pub schedule: Schedule,
    /// The desktop that it is done on by its present name, where there is one.
    pub machine: Option<String>,
    /// When it is due next; `None` when never again.
    pub next: Option<Timestamp>,
    /// What has become of it so far.
    pub kept: Option<Kept>,
    /// How often it was due since and is too late by now: a runner will say so when it is started.
    pub missed_since: u64,
}

impl Listing {
    /// Reads both files.
    ///
    /// # Errors
    /// Those of [`Schedules::load`] and [`State::load`].
    pub fn load(home: &Home) -> Result<Self, HomeError> {
        let (schedules, state) = (Schedules::load(home)?, State::load(home)?);
        let now = now();
        let runner = runner_of(home);
        let peers = Peers::load(home).ok();
        let tasks = schedules.all.into_iter().map(|schedule| {
            let kept = state.of(&schedule.name, schedule.created).cloned();
            let look = look(&schedule, kept.as_ref().map(|kept| kept.handled), false, now);
            let missed_since = match look.verdict {
                Verdict::Missed { missed, .. } | Verdict::Run { missed, .. } => missed,
                Verdict::Rest | Verdict::Overlaps { .. } => 0,
            };
            let machine = called(&schedule.machine, peers.as_ref());
            Listed { next: look.next, schedule, machine, kept, missed_since }
        });
        Ok(Self { tasks: tasks.collect(), runner })
    }

    /// As a program reads it.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let tasks: Vec<Value> = self.tasks.iter().map(Listed::to_json).collect();
        json!({"running": self.runner.is_some(), "tasks": tasks})
    }

    /// Whether a runner is there, and what to do where none is.
    #[must_use]
    pub fn about_runner(&self) -> String {
        match &self.runner {
            Some(pid) => format!("A scheduler{pid} runs and does them."),
            None => {
                "No scheduler runs, so nothing is done: `opendesk scheduler start` has to be running on this machine."
                    .to_owned()
            }
        }
    }
}

/// A machine's name, which may be another since the task was added.
fn called(machine: &Machine, peers: Option<&Peers>) -> Option<String> {
    match machine {
        Machine::None => None,
        Machine::Local => Some("local".to_owned()),
        Machine::Peer { name, at } => {
            let peer = hex::decode_key(at).and_then(|key| peers?.by_key(&key));
            Some(peer.map_or_else(|| name.clone(), |peer| peer.name.to_string()))
        }
    }
}

impl Listed {
    /// The last run; `None` before the first.
    #[must_use]
    pub fn last(&self) -> Option<&Run> {
        self.kept.as_ref().and_then(|kept| kept.runs.last())
    }

    /// Times that were let go by, those included that no runner has told of yet.
    #[must_use]
    pub fn missed(&self) -> u64 {
        self.kept.as_ref().map_or(0, |kept| kept.missed) + self.missed_since
    }

    /// A time as the clocks of the task's zone show it.
    #[must_use]
    pub fn clock(&self, time: Timestamp) -> String {
        time.to_zoned(self.schedule.zone.clone()).strftime("%Y-%m-%d %H:%M:%S %Z").to_string()
    }

    /// When it is due next, in words.
    #[must_use]
    pub fn when(&self) -> String {
        match self.next {
            _ if self.schedule.paused => "paused".to_owned(),
            Some(next) => format!("next {}", self.clock(next)),
            None => "not due any more".to_owned(),
        }
    }

    /// Whether a run of it by hand was interrupted.
    #[must_use]
    pub fn was_interrupted(&self, run: &Run) -> bool {
        run.is_lost(self.schedule.limit, now())
    }

    /// How its last run went, without what it said.
    #[must_use]
    pub fn outcome(&self) -> String {
        let Some(run) = self.last() else { return "never run".to_owned() };
        let at = self.clock(run.begun);
        let how = match &run.end {
            None if self.was_interrupted(run) => "interrupted, nobody has seen its end".to_owned(),
            // A runner that starts puts an end to what another has left.
            None => "begun, and not ended yet".to_owned(),
            Some(end) => {
                let seconds = end.took_ms as f64 / 1000.0;
                format!("{} in {seconds:.1} s", if end.ok { "done" } else { "failed" })
            }
        };
        format!("last {at}: {how}")
    }

    /// What was let go by, in words; empty where nothing was.
    #[must_use]
    pub fn lost(&self) -> String {
        let overlapped = self.kept.as_ref().map_or(0, |kept| kept.overlapped);
        let mut lost = String::new();
        if self.missed() > 0 {
            lost.push_str(&format!("; missed {} times while no scheduler ran", self.missed()));
        }
        if overlapped > 0 {
            lost.push_str(&format!("; skipped {overlapped} times because it was still being done"));
        }
        lost
    }

    /// As a program reads it.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let schedule = &self.schedule;
        let run = |run: &Run| {
            json!({
                "begun": run.begun.to_string(),
                "by_hand": run.by_hand,
                "interrupted": self.was_interrupted(run),
                "ok": run.end.as_ref().map(|end| end.ok),
                "took_ms": run.end.as_ref().map(|end| end.took_ms),
                "said": run.end.as_ref().map(|end| end.said.as_str()),
            })
        };
        let runs: Vec<Value> = self.kept.iter().flat_map(|kept| &kept.runs).map(run).collect();
        json!({
            "name": schedule.name,
            "task": schedule.task.title(),
            "tool": schedule.task.tool,
            "arguments": schedule.task.shown(),
            "timing": schedule.timing.to_string(),
            "timezone": timing::name_of(&schedule.zone),
            "peer": self.machine,
            "catch_up": schedule.catch_up,
            "paused": schedule.paused,
            "limit_seconds": schedule.limit.as_secs(),
            "created": schedule.created.to_string(),
            "next": self.next.map(|next| next.to_string()),
            "missed": self.missed(),
            "overlapped": self.kept.as_ref().map_or(0, |kept| kept.overlapped),
            "runs": runs,
        })
    }
}
