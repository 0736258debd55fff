//! What the program around a running host can ask of it and is told by it.

use core::fmt;
use core::time::Duration;

use async_channel::Sender;
use opendesk_core::{PairingEnd, PublicKey, Reason, Wire};
use serde::{Deserialize, Serialize};

/// Something that the owner of the host would want to know.
#[derive(Debug, Clone, PartialEq)]
pub enum Notice {
    /// The pairing window is open.
    PairingOpened,
    /// Somebody proved a wrong code.
    WrongCode {
        /// From where.
        address: String,
        /// Tries until the window closes.
        tries_left: u8,
    },
    /// A controller is trusted from now on.
    Paired {
        /// Under which name.
        name: String,
        /// Its key.
        key: PublicKey,
        /// The four words that its screen shows too; empty for one of version 1, which shows none.
        words: String,
    },
    /// A trusted controller has other keys from now on.
    Followed {
        /// Its name.
        name: String,
        /// The key by which it was known.
        former: PublicKey,
        /// The one by which it is known now.
        key: PublicKey,
    },
    /// A peer is not trusted any more.
    Unpaired {
        /// Its name.
        name: String,
        /// Its key.
        key: PublicKey,
    },
    /// This machine has other keys from now on.
    IdentityRotated {
        /// The one by which it is known now.
        key: PublicKey,
    },
    /// The pairing window is closed.
    PairingEnded(PairingEnd),
    /// A controller drives from now on.
    SessionOpened {
        /// Its name.
        name: String,
        /// From where.
        address: String,
    },
    /// It does not any more.
    SessionEnded {
        /// Its name.
        name: String,
        /// Why.
        reason: Reason,
        /// How long it drove.
        lasted: Duration,
    },
    /// A controller got no session.
    Refused {
        /// Its name, empty when it is not trusted.
        name: String,
        /// Its key; of a stranger of version 1 the one that it says it has.
        key: PublicKey,
        /// From where.
        address: String,
        /// Why.
        reason: Reason,
    },
}

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
    OpenPairing { code: String, lasting: Duration, oldest: Wire, reply: Sender<Result<(), String>> },
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

    /// Shows a code: the first controller that proves it is trusted.
    ///
    /// # Errors
    /// [`HostStopped`]; inside, one line when the code is empty or over 64 bytes.
    pub async fn open_pairing(&self, code: &str, lasting: Duration) -> Result<Result<(), String>, HostStopped> {
        self.open_pairing_from(Wire::V2, code, lasting).await
    }

    /// Shows a code, also to controllers that speak no newer version than `oldest`. What is said in a pairing of version 1
    /// lets whoever asks for it, or stands in between, search a code of six digits.
    ///
    /// # Errors
    /// As [`HostHandle::open_pairing`].
    pub async fn open_pairing_from(
        &self,
        oldest: Wire,
        code: &str,
        lasting: Duration,
    ) -> Result<Result<(), String>, HostStopped> {
        let code = code.to_owned();
        self.ask(|reply| Command::OpenPairing { code, lasting, oldest, reply }).await
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
