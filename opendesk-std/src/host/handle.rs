//! What the program around a running host can ask of it and is told by it.

use core::fmt;
use core::time::Duration;

use async_channel::Sender;
use opendesk_core::{Wire, limits};
use serde::{Deserialize, Serialize};

use crate::home::Role;

/// A session that drives, as `sessions` lists it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SessionInfo {
    /// Eight hex digits.
    pub id: String,
    /// The controller's name.
    pub peer_name: String,
    /// Its key in hex.
    pub peer_pubkey_hex: String,
    /// From where.
    pub remote_addr: String,
    /// Since when, in seconds since 1970.
    pub started_at: f64,
    /// For how long.
    pub age_seconds: f64,
    /// `serve` or `pair`.
    pub mode: String,
}

/// A code that is shown to controllers, and on which terms the one that proves it is trusted.
#[derive(Clone, PartialEq, Eq)]
pub struct Invitation {
    /// The code, 1 to 64 bytes.
    pub code: String,
    /// How long the code is valid.
    pub lasting: Duration,
    /// The oldest version of the wire that may pair. What is said in a pairing of version 1 lets whoever asks for it, or
    /// stands in between, search a code of six digits.
    pub oldest: Wire,
    /// What the controller may do.
    pub role: Role,
    /// How long it is trusted; absent until it is removed.
    pub trusted_for: Option<Duration>,
}

impl Invitation {
    /// For five minutes, by version 2, to a controller that may do everything until it is removed.
    #[must_use]
    pub fn new(code: &str) -> Self {
        let lasting = limits::PAIRING;
        Self { code: code.to_owned(), lasting, oldest: Wire::V2, role: Role::Full, trusted_for: None }
    }
}

impl fmt::Debug for Invitation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Invitation").field("lasting", &self.lasting).field("role", &self.role).finish_non_exhaustive()
    }
}

/// The host that this handle belongs to has stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HostStopped;

impl fmt::Display for HostStopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the host has stopped")
    }
}

impl core::error::Error for HostStopped {}

pub(super) enum Command {
    Stop,
    OpenPairing { invitation: Invitation, reply: Sender<Result<(), String>> },
    ClosePairing,
    Sessions { reply: Sender<Vec<SessionInfo>> },
    Disconnect { reply: Sender<usize> },
}

/// Steers a running [`Server`](super::Server) from anywhere.
#[derive(Debug, Clone)]
pub struct HostHandle {
    pub(super) commands: Sender<Command>,
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stop => "Stop",
            Self::OpenPairing { .. } => "OpenPairing",
            Self::ClosePairing => "ClosePairing",
            Self::Sessions { .. } => "Sessions",
            Self::Disconnect { .. } => "Disconnect",
        })
    }
}

impl HostHandle {
    /// Ends every session, releases what is held and stops. Stopping twice is fine.
    pub fn stop(&self) {
        drop(self.commands.try_send(Command::Stop));
    }

    async fn ask<T>(&self, command: impl FnOnce(Sender<T>) -> Command) -> Result<T, HostStopped> {
        let (reply, answer) = async_channel::bounded(1);
        self.commands.send(command(reply)).await.map_err(|_| HostStopped)?;
        answer.recv().await.map_err(|_| HostStopped)
    }

    /// Shows a code: the first controller that proves it is trusted from then on, and may do everything.
    ///
    /// # Errors
    /// As [`HostHandle::invite`].
    pub async fn open_pairing(&self, code: &str, lasting: Duration) -> Result<Result<(), String>, HostStopped> {
        self.invite(Invitation { lasting, ..Invitation::new(code) }).await
    }

    /// Shows a code: the first controller that proves it is trusted on these terms.
    ///
    /// # Errors
    /// [`HostStopped`]; inside, one line when the code is empty or over 64 bytes, or the host does not speak that version.
    pub async fn invite(&self, invitation: Invitation) -> Result<Result<(), String>, HostStopped> {
        self.ask(|reply| Command::OpenPairing { invitation, reply }).await
    }

    /// Takes the code back.
    pub fn close_pairing(&self) {
        drop(self.commands.try_send(Command::ClosePairing));
    }

    /// The session that drives, if any.
    ///
    /// # Errors
    /// [`HostStopped`].
    pub async fn sessions(&self) -> Result<Vec<SessionInfo>, HostStopped> {
        self.ask(|reply| Command::Sessions { reply }).await
    }

    /// Ends the session that drives and tells how many that were.
    ///
    /// # Errors
    /// [`HostStopped`].
    pub async fn disconnect(&self) -> Result<usize, HostStopped> {
        self.ask(|reply| Command::Disconnect { reply }).await
    }
}
