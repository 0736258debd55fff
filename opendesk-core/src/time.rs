//! Time as an input.

use core::time::Duration;

use serde::{Deserialize, Serialize};

/// Microseconds since an epoch of the driver's choice; it never reads a clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Hash, Serialize, Deserialize)]
pub struct Instant(u64);

impl Instant {
    /// The instant that many microseconds after the epoch.
    #[must_use]
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// Microseconds since the epoch.
    #[must_use]
    pub const fn micros(self) -> u64 {
        self.0
    }

    /// The time from `earlier` to this instant; zero when it lies in the future.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }

    /// The instant that much later.
    #[must_use]
    pub const fn after(self, wait: Duration) -> Self {
        let micros = wait.as_micros();
        let micros = if micros > u64::MAX as u128 { u64::MAX } else { micros as u64 };
        Self(self.0.saturating_add(micros))
    }
}

/// When to call `handle_timeout`, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline {
    /// The instant.
    pub at: Instant,
    /// What runs out then.
    pub why: Timer,
}

impl Deadline {
    /// The earlier of two deadlines that may not exist.
    #[must_use]
    pub(crate) fn earliest(first: Option<Self>, second: Option<Self>) -> Option<Self> {
        match (first, second) {
            (Some(a), Some(b)) => Some(if b.at < a.at { b } else { a }),
            (one, None) | (None, one) => one,
        }
    }
}

/// What a deadline is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timer {
    /// A link must finish its handshake and its HELLO.
    Handshake,
    /// The pairing window closes.
    Pairing,
    /// A quiet link is pinged.
    Ping,
    /// A silent link is dead.
    Silence,
    /// A refused or closing link has had its time to read the reason.
    Linger,
}
