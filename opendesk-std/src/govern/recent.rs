//! The last calls, for whoever watches.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::Subject;
use crate::api::Result;
use crate::clock;

/// How many calls are remembered.
const REMEMBERED: usize = 64;

/// A call that has ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecentCall {
    /// When it ended, in seconds since 1970.
    pub at: f64,
    /// The controller's name.
    pub peer: String,
    /// The method.
    pub method: String,
    /// What it was about, without contents.
    pub summary: String,
    /// `ok`, or the word of the error.
    pub outcome: String,
}

/// The last of them.
#[derive(Debug, Default)]
pub(super) struct RecentCalls {
    calls: VecDeque<RecentCall>,
    /// How many of the last ones nobody has asked for.
    unheard: usize,
}

impl RecentCalls {
    pub(super) fn keep(&mut self, subject: &Subject, method: &str, summary: &str, outcome: &Result<()>) {
        if self.calls.len() == REMEMBERED {
            self.calls.pop_front();
        }
        self.calls.push_back(RecentCall {
            at: clock::epoch_seconds(),
            peer: subject.peer.name.clone(),
            method: method.to_owned(),
            summary: summary.to_owned(),
            outcome: outcome.as_ref().map_or_else(|error| error.code.word(), |()| "ok").to_owned(),
        });
        self.unheard = (self.unheard + 1).min(REMEMBERED);
    }

    pub(super) fn list(&self) -> Vec<RecentCall> {
        self.calls.iter().cloned().collect()
    }

    pub(super) const fn skip_news(&mut self) {
        self.unheard = 0;
    }

    pub(super) fn news(&mut self) -> Vec<RecentCall> {
        let unheard = core::mem::take(&mut self.unheard);
        self.calls.iter().skip(self.calls.len() - unheard).cloned().collect()
    }
}
