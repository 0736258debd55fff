//! The keys by which a host is known: its own, and those that it had before, until every controller has followed.

use heapless::Vec;

use crate::crypto::Unproven;
use crate::crypto::keys::Keys;
use crate::crypto::noise::Transport;
use crate::dialect::Message;
use crate::dialect::v2::auth_respond;
use crate::limits::FORMER_KEYS;

#[derive(Debug)]
pub(super) struct Identities {
    current: Keys,
    /// The latest first.
    former: Vec<Keys, FORMER_KEYS>,
}

impl Identities {
    pub(super) const fn new(keys: Keys) -> Self {
        Self { current: keys, former: Vec::new() }
    }

    pub(super) const fn current(&self) -> &Keys {
        &self.current
    }

    /// The keys become former ones; of too many of those the oldest is forgotten.
    pub(super) fn rotate(&mut self, successor: Keys) {
        if self.former.is_full() {
            self.former.pop();
        }
        let former = core::mem::replace(&mut self.current, successor);
        let inserted = self.former.insert(0, former);
        debug_assert!(inserted.is_ok(), "there is room now");
    }

    pub(super) fn forget_former(&mut self) {
        self.former.clear();
    }

    /// Answers the first message of Noise IK as whichever of them it is meant for.
    pub(super) fn respond(&self, body: &[u8], ephemeral: [u8; 32]) -> Result<(Keys, Transport, Message), Unproven> {
        core::iter::once(&self.current)
            .chain(&self.former)
            .find_map(|keys| {
                let (transport, answer) = auth_respond(keys.static_key.clone(), body, ephemeral).ok()?;
                Some((keys.clone(), transport, answer))
            })
            .ok_or(Unproven)
    }
}
