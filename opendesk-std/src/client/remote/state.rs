//! What is known of the link to a machine, for those who want to see it.

use core::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_channel::{Receiver, Sender};
use opendesk_core::Wire;

use crate::api::Manifest;
use crate::home::{plain_text, printable};

/// What has become of the link to a machine.
#[derive(Debug, Clone, PartialEq)]
pub enum LinkState {
    /// Nobody has asked for it yet, or it was closed.
    Idle,
    /// It is being opened.
    Connecting,
    /// It is there.
    Connected {
        /// The version of the wire that it speaks.
        wire: Wire,
    },
    /// It broke off and is being opened again.
    Reconnecting {
        /// How often that was tried.
        tries: u32,
        /// Why it is not there.
        why: String,
    },
    /// Another controller drives the machine.
    Busy {
        /// One line for a person.
        why: String,
        /// Who drives it, where that was said.
        holder: Option<String>,
        /// Since when, in seconds since 1970, where that was said.
        since: Option<f64>,
    },
    /// The session was ended on the machine, or by another program with the same key. It is not opened again until a
    /// person asks for it ([`Remote::connect`](super::Remote::connect)).
    Evicted {
        /// Why.
        why: String,
    },
    /// The machine does not trust this one, or is not the one that was paired.
    Untrusted {
        /// Why.
        why: String,
    },
    /// The machine cannot be reached. The next call tries again.
    Unreachable {
        /// Why.
        why: String,
    },
}

impl LinkState {
    /// The state as one word for programs.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Connecting => "connecting",
            Self::Connected { .. } => "connected",
            Self::Reconnecting { .. } => "reconnecting",
            Self::Busy { .. } => "busy",
            Self::Evicted { .. } => "evicted",
            Self::Untrusted { .. } => "untrusted",
            Self::Unreachable { .. } => "unreachable",
        }
    }
}

impl fmt::Display for LinkState {
    /// One line for a person.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Idle => f.write_str("not connected"),
            Self::Connecting => f.write_str("connecting"),
            Self::Connected { wire } => write!(f, "connected, version {}", wire.number()),
            Self::Reconnecting { tries: 0, why } => write!(f, "reconnecting: {}", plain_text(why)),
            Self::Reconnecting { tries, why } => {
                write!(f, "reconnecting, tried {tries} times: {}", plain_text(why))
            }
            Self::Busy { why, .. } | Self::Evicted { why } | Self::Untrusted { why } | Self::Unreachable { why } => {
                f.write_str(&printable(why))
            }
        }
    }
}

/// Changes that a reader may not have read yet; one that reads slower misses those in between.
const UNREAD: usize = 64;

/// What the handles of one machine see.
#[derive(Debug)]
pub(super) struct Board(Mutex<Inner>);

#[derive(Debug)]
struct Inner {
    state: LinkState,
    manifest: Option<Manifest>,
    watchers: Vec<Sender<LinkState>>,
}

impl Board {
    pub(super) const fn new() -> Self {
        Self(Mutex::new(Inner { state: LinkState::Idle, manifest: None, watchers: Vec::new() }))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn state(&self) -> LinkState {
        self.inner().state.clone()
    }

    /// What the host of the last session told that it can do.
    pub(super) fn manifest(&self) -> Option<Manifest> {
        self.inner().manifest.clone()
    }

    pub(super) fn greeted(&self, manifest: Manifest) {
        self.inner().manifest = Some(manifest);
    }

    /// What the state becomes from now on.
    pub(super) fn watch(&self) -> Receiver<LinkState> {
        let (tell, told) = async_channel::bounded(UNREAD);
        let mut inner = self.inner();
        inner.watchers.retain(|watcher| !watcher.is_closed());
        inner.watchers.push(tell);
        told
    }

    pub(super) fn set(&self, state: LinkState) {
        let mut inner = self.inner();
        if inner.state == state {
            return;
        }
        for watcher in &inner.watchers {
            let _the_newest_counts = watcher.force_send(state.clone());
        }
        inner.state = state;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn watchers_see_each_change_once() {
        let board = Board::new();
        let watcher = board.watch();
        board.set(LinkState::Idle);
        board.set(LinkState::Connecting);
        board.set(LinkState::Connecting);
        board.set(LinkState::Connected { wire: Wire::V2 });
        assert_eq!(board.state(), LinkState::Connected { wire: Wire::V2 });
        assert_eq!(watcher.try_recv(), Ok(LinkState::Connecting));
        assert_eq!(watcher.try_recv(), Ok(LinkState::Connected { wire: Wire::V2 }));
        assert!(watcher.is_empty());
    }

    #[test]
    fn a_watcher_that_does_not_read_sees_the_newest_changes() {
        let board = Board::new();
        let watcher = board.watch();
        for tries in 1..=200 {
            board.set(LinkState::Reconnecting { tries, why: "gone".to_owned() });
        }
        let mut seen = Vec::new();
        while let Ok(state) = watcher.try_recv() {
            seen.push(state);
        }
        assert_eq!(seen.len(), UNREAD);
        assert_eq!(seen.last(), Some(&board.state()));
    }

    #[test]
    fn who_does_not_watch_any_more_is_forgotten() {
        let board = Board::new();
        for _ in 0..1000 {
            drop(board.watch());
        }
        let _watches = board.watch();
        assert_eq!(board.inner().watchers.len(), 1);
    }

    #[test]
    fn what_a_machine_says_stays_one_line() {
        let why = "no\nroom\u{1b}[2J".to_owned();
        for state in [
            LinkState::Reconnecting { tries: 2, why: why.clone() },
            LinkState::Busy { why: why.clone(), holder: None, since: None },
            LinkState::Unreachable { why },
        ] {
            let line = state.to_string();
            assert!(!line.contains(['\n', '\u{1b}']), "{line:?}");
        }
    }
}
