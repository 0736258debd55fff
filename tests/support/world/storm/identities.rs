//! The keys that the host of a storm has and had: by which it answers, and which it must then prove.

use opendesk_core::{PublicKey, PublicKeys, Reason, limits};

use crate::world::{Controller, Wire};

/// By what a peer knows the host, as that was when the peer connected.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dialled {
    /// The key; whoever pairs knows none.
    key: Option<PublicKey>,
    /// How many pairs of keys the host had had before the one of then.
    since: usize,
    /// Whether the host answered to the key then.
    is_answered: bool,
}

/// All pairs of keys so far.
#[derive(Debug, Default)]
pub(super) struct Identities {
    /// The present one last.
    pairs: Vec<PublicKeys>,
    /// How many of the last ones the host answers to.
    known: usize,
}

impl Identities {
    /// From now on the host has these keys.
    pub(super) fn rotated(&mut self, keys: PublicKeys) {
        self.pairs.push(keys);
        self.known = (self.known + 1).min(1 + limits::FORMER_KEYS);
    }

    /// The host answers only to the keys that it has.
    pub(super) fn forgot(&mut self) {
        self.known = 1;
    }

    /// The present ones last.
    pub(super) fn all(&self) -> &[PublicKeys] {
        &self.pairs
    }

    pub(super) fn current(&self) -> PublicKeys {
        *self.pairs.last().expect("a host has keys")
    }

    /// The oldest that the host answers to.
    pub(super) fn oldest(&self) -> PublicKeys {
        self.pairs[self.pairs.len() - self.known]
    }

    /// A peer connects that knows the host by this key, or by none.
    pub(super) fn dialled(&self, key: Option<PublicKey>) -> Dialled {
        Dialled { key, since: self.pairs.len() - 1, is_answered: key.is_none_or(|key| self.knows(key)) }
    }

    /// Whether the host had other keys when the peer dialled it by these.
    pub(super) fn is_former(&self, dialled: Dialled) -> bool {
        dialled.key.is_some_and(|key| key != self.pairs[dialled.since].static_key)
    }

    /// A peer is shown the pair that it dialled, or one that the host had when the peer paired. `is_whole` tells
    /// whether the network has let through what both have said.
    pub(super) fn check(&self, wire: Wire, dialled: Dialled, client: &Controller, is_whole: bool) {
        if let Some(proved) = client.proved() {
            let place = self.pairs.iter().position(|pair| *pair == proved);
            let is_right = place.is_some_and(|place| match dialled.key {
                Some(key) => dialled.is_answered && proved.static_key == key,
                None => place >= dialled.since,
            });
            assert!(is_right, "{wire} was shown {proved:?}, and {dialled:?} is what it knew");
        }
        // What was forgotten never comes back: a key that is known now was known all the time.
        if is_whole && dialled.key.is_some_and(|key| self.knows(key)) {
            let is_strange = client.closed() == Some(Reason::FORGED);
            assert!(!is_strange, "{wire} was not answered, although the host still has the keys that it dialled");
        }
    }

    fn knows(&self, key: PublicKey) -> bool {
        self.pairs[self.pairs.len() - self.known..].iter().any(|pair| pair.static_key == key)
    }
}
