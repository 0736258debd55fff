//! What the handles of one session have in common.

use core::convert::Infallible;
use core::fmt;
use std::sync::{Arc, OnceLock};

use async_channel::{Receiver, Sender};
use opendesk_core::Reason;

use super::share::{Hands, Lent};

/// Why the session is over, once it is, and with whom it is shared.
pub(super) struct Ending {
    reason: OnceLock<Reason>,
    /// Nothing is sent here: it closes when the session is over.
    says: Sender<Infallible>,
    hears: Receiver<Infallible>,
    lent: OnceLock<Lent>,
}

impl fmt::Debug for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ending").field("reason", &self.reason.get()).finish_non_exhaustive()
    }
}

impl Default for Ending {
    fn default() -> Self {
        let (says, hears) = async_channel::bounded(1);
        Self { reason: OnceLock::new(), says, hears, lent: OnceLock::new() }
    }
}

impl Ending {
    /// Why the session is over; one of which nothing was told is lost.
    pub(super) fn reason(&self) -> Reason {
        self.reason.get().copied().unwrap_or(Reason::LOST)
    }

    /// Tells why it is over; what was told first counts.
    pub(super) fn tell(&self, reason: Reason) {
        self.reason.get_or_init(|| reason);
        self.says.close();
    }

    /// Closes when the session is over.
    pub(super) fn over(&self) -> Receiver<Infallible> {
        self.hears.clone()
    }

    /// From now on others use the session too. `false` when they do so already.
    pub(super) fn lend(&self, lent: Lent) -> bool {
        self.lent.set(lent).is_ok()
    }

    /// How others use the session, if they do.
    pub(super) fn lent(&self) -> Option<&Lent> {
        self.lent.get()
    }

    /// Who presses what, while others use the session too.
    pub(super) fn hands(&self) -> Option<&Hands> {
        self.lent.get().map(|lent| &*lent.hands)
    }
}

/// An event loop's duty to tell its handles that the session is over, also when it is dropped in the middle.
#[derive(Debug, Default)]
pub(super) struct Teller(pub(super) Arc<Ending>);

impl Drop for Teller {
    fn drop(&mut self) {
        self.0.says.close();
    }
}
