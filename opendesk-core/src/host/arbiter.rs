//! Who drives: invariants I1 and I5, and the half of I3 that keeps the next controller waiting.
//!
//! ```text
//!          grant               leave                released
//!   Free ─────────▶ Held ─────────────▶ Releasing ───────────▶ Free
//! ```

use crate::crypto::keys::PublicKey;
use crate::id::LinkId;
use crate::time::Instant;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Free,
    Held { link: LinkId, peer: PublicKey, since: Instant },
    Releasing { link: LinkId },
}

/// The single place of the controller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arbiter {
    state: State,
}

/// What becomes of a controller that has proved a trusted key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// The place is free: [`Arbiter::grant`] it.
    Granted,
    /// The same peer holds it through this link, which must end first (I5).
    Replaces(LinkId),
    /// Another peer holds it since then (I1).
    Busy {
        /// The holder.
        holder: PublicKey,
        /// Since when.
        since: Instant,
    },
    /// What the last holder pressed is being released; claim again after that (I3).
    Wait,
}

impl Arbiter {
    /// The place, free.
    #[must_use]
    pub const fn new() -> Self {
        Self { state: State::Free }
    }

    /// What a peer would get; changes nothing.
    #[must_use]
    pub fn claim(&self, peer: PublicKey) -> Claim {
        match self.state {
            State::Free => Claim::Granted,
            State::Held { link, peer: holder, .. } if holder == peer => Claim::Replaces(link),
            State::Held { peer: holder, since, .. } => Claim::Busy { holder, since },
            State::Releasing { .. } => Claim::Wait,
        }
    }

    /// Gives the free place away. Tells whether it was free.
    pub fn grant(&mut self, now: Instant, link: LinkId, peer: PublicKey) -> bool {
        let free = self.state == State::Free;
        if free {
            self.state = State::Held { link, peer, since: now };
        }
        free
    }

    /// The holder goes; its place stays taken until what it holds is released. Tells whether it was the holder.
    pub fn leave(&mut self, link: LinkId) -> bool {
        let holds = self.holder().is_some_and(|(holder, _, _)| holder == link);
        if holds {
            self.state = State::Releasing { link };
        }
        holds
    }

    /// Everything that this past holder pressed is released. Tells whether that was awaited.
    pub fn released(&mut self, link: LinkId) -> bool {
        let awaited = self.state == State::Releasing { link };
        if awaited {
            self.state = State::Free;
        }
        awaited
    }

    /// The link, the key and the start of the session that drives.
    #[must_use]
    pub const fn holder(&self) -> Option<(LinkId, PublicKey, Instant)> {
        match self.state {
            State::Held { link, peer, since } => Some((link, peer, since)),
            State::Free | State::Releasing { .. } => None,
        }
    }
}

impl Default for Arbiter {
    fn default() -> Self {
        Self::new()
    }
}
