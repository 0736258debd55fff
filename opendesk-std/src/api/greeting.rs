//! What the two sides tell of themselves: the bodies of version 2's HELLO, in postcard.

use opendesk_core::Succession;
use serde::{Deserialize, Serialize};

use super::types::Manifest;

/// A controller's. A host that trusts the key needs nothing of it but may show it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ControllerGreeting {
    /// The machine's own name; a host that pairs with it proposes it to its owner.
    pub name: String,
    /// How the keys that it has came after those by which the host may know it, the oldest first.
    pub successions: Vec<Succession>,
}

/// A host's. To a peer that it does not trust, all but the refusal is empty.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct HostGreeting {
    /// The machine's own name.
    pub name: String,
    /// What its owner wrote about it.
    pub description: String,
    /// What it can do.
    pub manifest: Manifest,
    /// Why there is no session.
    pub refusal: Option<RefusalInfo>,
    /// How the keys that it has came after those by which the controller knows it, the oldest first. Empty for a peer
    /// that it does not trust.
    pub successions: Vec<Succession>,
    /// With successions: that it has the last of those keys
    /// ([`StaticKey::possession`](opendesk_core::StaticKey::possession)), shown to this controller in this session.
    pub possession: Option<[u8; 32]>,
}

/// The particulars of a refused session.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct RefusalInfo {
    /// One line for a person.
    pub message: String,
    /// With `busy`: the name of the controller that drives.
    pub holder: Option<String>,
    /// With `busy`: since when, in seconds since 1970.
    pub since: Option<f64>,
}
