//! What is known of one paired machine.

use core::fmt;
use core::str::FromStr;

use opendesk_core::{PublicKey, PublicKeys};

use super::PeerName;
use crate::api::Kind;

/// What a paired machine may do here at all, before any rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Role {
    /// Whatever the rules allow.
    #[default]
    Full,
    /// Only look.
    Observe,
}

impl Role {
    /// The role as it is written in files and on the command line.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Observe => "observe",
        }
    }

    /// Whether it lets a call of this kind happen; what the rules say comes after.
    #[must_use]
    pub fn lets(self, kind: Kind) -> bool {
        self == Self::Full || kind != Kind::Action
    }
}

/// A word is no [`Role`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadRole;

impl fmt::Display for BadRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a role is \"full\" or \"observe\"")
    }
}

impl core::error::Error for BadRole {}

impl FromStr for Role {
    type Err = BadRole;

    fn from_str(word: &str) -> Result<Self, BadRole> {
        [Self::Full, Self::Observe].into_iter().find(|role| role.word() == word).ok_or(BadRole)
    }
}

/// Within which bounds a machine is trusted. Without any it may do everything until it is removed.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Terms {
    /// What it may do.
    pub role: Role,
    /// When the trust is over, in seconds since 1970; `None` for never.
    pub expires_at: Option<f64>,
}

impl Terms {
    /// Whether the time of the trust is over, `now` in seconds since 1970.
    #[must_use]
    pub fn are_over(&self, now: f64) -> bool {
        self.expires_at.is_some_and(|end| now >= end)
    }
}

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
    /// What it may do.
    pub role: Role,
    /// When the trust is over, in seconds since 1970; `None` for never. Whoever lets a machine in asks
    /// [`is_expired`](Self::is_expired): one whose time is over is listed until it is removed.
    pub expires_at: Option<f64>,
    /// It may not drive this machine: it was never let in, or its time was seen to be over, whatever the clock says since. It
    /// is known because this machine drives it.
    pub ended: bool,
}

impl TrustedPeer {
    /// Whether the time of the trust is over, `now` in seconds since 1970. It may not drive this machine then; this
    /// machine may still drive it.
    #[must_use]
    pub fn is_expired(&self, now: f64) -> bool {
        self.ended || self.terms().are_over(now)
    }

    /// Whether this machine has reached it, to drive it.
    #[must_use]
    pub fn is_driven(&self) -> bool {
        !self.last_host.is_empty()
    }

    /// Within which bounds it is trusted.
    #[must_use]
    pub const fn terms(&self) -> Terms {
        Terms { role: self.role, expires_at: self.expires_at }
    }

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
    /// What the owner of this machine said when they let it in. `None` when this machine came to it: then nothing was
    /// said about what it may do here, and what was said before holds.
    pub terms: Option<Terms>,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_written_and_read_by_its_word_and_nothing_else_is_one() {
        for role in [Role::Full, Role::Observe] {
            assert_eq!(role.word().parse(), Ok(role));
        }
        for word in ["", "Observe", "observe ", "all", "admin"] {
            assert_eq!(word.parse::<Role>(), Err(BadRole), "{word:?}");
        }
    }

    #[test]
    fn a_trust_is_over_at_its_moment() {
        let until = |expires_at| Terms { expires_at, ..Terms::default() };
        assert!(!until(None).are_over(f64::MAX));
        assert!(!until(Some(10.0)).are_over(9.999));
        assert!(until(Some(10.0)).are_over(10.0));
        assert!(until(Some(-1.0)).are_over(0.0), "also where the clock stands before 1970");
    }
}
