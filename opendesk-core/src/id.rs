//! Identifiers: never a bare integer in an interface.

use core::fmt;

use serde::{Deserialize, Serialize};

/// A link of a [`Host`](crate::Host): its slot, and which of the slot's users it is, so that an identifier kept
/// too long names nothing instead of somebody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LinkId {
    pub(crate) slot: u16,
    pub(crate) generation: u32,
}

impl LinkId {
    /// The one link that a [`Client`](crate::Client) has.
    pub const ONLY: Self = Self { slot: 0, generation: 0 };
}

impl fmt::Display for LinkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.slot, self.generation)
    }
}

/// A request on one link. Requests are numbered from 1 upwards by whoever makes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RequestId(pub u32);

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// Names what a request wants done, across links: a request repeated after a reconnect carries the same one.
pub type OperationId = [u8; 16];
