//! What is known of one paired machine.

use opendesk_core::{PublicKey, PublicKeys};

use super::PeerName;

/// A machine that this one trusts.
#[derive(Debug, Clone, PartialEq)]
pub struct TrustedPeer {
    /// Its X25519 public key: who it is.
    pub public_key: [u8; 32],
    /// What it is called here; no other trusted machine is called the same.
    pub name: PeerName,
    /// When it was paired, in seconds since 1970; 0 when unknown.
    pub paired_at: f64,
    /// How it described itself when it was last reached.
    pub description: String,
    /// How the user of this machine describes it; counts more than its own words.
    pub description_override: String,
    /// Host name or address where it was last reached; empty when never.
    pub last_host: String,
    /// Port where it was last reached; 0 when never.
    pub last_port: u16,
    /// Its Ed25519 public key, once it has proved one.
    pub signing_key: Option<[u8; 32]>,
    /// The highest protocol version it was seen on, where that is more than 1.
    pub wire: Option<u8>,
}

impl TrustedPeer {
    /// Both its keys, once it has proved the second.
    #[must_use]
    pub fn keys(&self) -> Option<PublicKeys> {
        keys(self.public_key, self.signing_key)
    }

    /// The user's words about it, else its own; empty when there are neither.
    #[must_use]
    pub fn shown_description(&self) -> &str {
        if self.description_override.is_empty() { &self.description } else { &self.description_override }
    }
}

/// A machine that has just been paired.
#[derive(Debug, Clone, PartialEq)]
pub struct NewPeer {
    /// Its X25519 public key.
    pub public_key: [u8; 32],
    /// What it wants to be called; anything, even nothing.
    pub name: String,
    /// Now, in seconds since 1970.
    pub paired_at: f64,
    /// The Ed25519 public key it has proved.
    pub signing_key: Option<[u8; 32]>,
    /// The protocol version it was paired over.
    pub wire: u8,
}

impl NewPeer {
    /// Both its keys, if it has proved the second.
    #[must_use]
    pub fn keys(&self) -> Option<PublicKeys> {
        keys(self.public_key, self.signing_key)
    }
}

fn keys(public_key: [u8; 32], signing_key: Option<[u8; 32]>) -> Option<PublicKeys> {
    signing_key.map(|signing_key| PublicKeys { static_key: PublicKey(public_key), signing_key })
}
