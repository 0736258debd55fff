//! Key rotation: how a machine says which keys come after its own, so that whoever trusts it can follow
//! (docs/PROTOCOL.md, section 7.1).

use serde::{Deserialize, Serialize};

use super::Unproven;
use super::keys::{Keys, PublicKeys, SigningKey, verify};
use crate::frame::Signature;
use crate::limits::FORMER_KEYS;

/// What both signatures cover before the keys, so that they can stand for nothing else.
const CONTEXT: &[u8; 23] = b"opendesk v2 succession ";

/// Bytes of what is signed.
const MESSAGE_BYTES: usize = CONTEXT.len() + 4 * 32;

/// A machine's word that from now on it has other keys. The former key vouches for the successor; the successor's
/// own signature shows that nobody else's signing key was named. Of the X25519 key it shows nothing:
/// [`StaticKey::possession`](crate::StaticKey::possession) does, or a handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Succession {
    /// The keys by which the machine was known.
    pub former: PublicKeys,
    /// Those by which it is known instead.
    pub successor: PublicKeys,
    /// The former signing key's signature.
    pub by_former: Signature,
    /// The successor's.
    pub by_successor: Signature,
}

impl Succession {
    /// Signs that `successor` comes after `former`. The same keys give the same signatures (RFC 8032).
    #[must_use]
    pub fn sign(former: &Keys, successor: &Keys) -> Self {
        let (before, after) = (former.public(), successor.public());
        let sign = |key: &SigningKey| key.sign(&message(&before, &after));
        Self {
            former: before,
            successor: after,
            by_former: sign(&former.signing_key),
            by_successor: sign(&successor.signing_key),
        }
    }

    /// Checks both signatures.
    ///
    /// # Errors
    /// [`Unproven`] when one of them is not that of the key that it should be of.
    pub fn verify(&self) -> Result<(), Unproven> {
        let message = message(&self.former, &self.successor);
        verify(&self.former.signing_key, &message, &self.by_former)?;
        verify(&self.successor.signing_key, &message, &self.by_successor)
    }
}

fn message(former: &PublicKeys, successor: &PublicKeys) -> [u8; MESSAGE_BYTES] {
    let mut message = [0; MESSAGE_BYTES];
    let (context, keys) = message.split_at_mut(CONTEXT.len());
    context.copy_from_slice(CONTEXT);
    let parts = [&former.static_key.0, &former.signing_key, &successor.static_key.0, &successor.signing_key];
    for (room, part) in keys.chunks_exact_mut(32).zip(parts) {
        room.copy_from_slice(part);
    }
    message
}

/// The keys that a machine has now, of which `known` were known: follows the chain, oldest first, from them to its end.
/// `None` when the chain does not lead on from them, when a signature on the way does not hold, or when it has more than
/// [`FORMER_KEYS`] links; then nothing in it is to be believed.
#[must_use]
pub fn follow(chain: &[Succession], known: PublicKeys) -> Option<PublicKeys> {
    if chain.len() > FORMER_KEYS {
        return None;
    }
    let begins = chain.iter().position(|link| link.former == known)?;
    let mut reached = known;
    for link in chain.get(begins..)? {
        if link.former != reached || link.verify().is_err() {
            return None;
        }
        reached = link.successor;
    }
    Some(reached)
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;
    use crate::crypto::keys::StaticKey;

    fn keys(byte: u8) -> Keys {
        Keys { static_key: StaticKey::new([byte; 32]), signing_key: SigningKey::new([byte ^ 0x80; 32]) }
    }

    fn chain(bytes: &[u8]) -> Vec<Succession> {
        bytes.windows(2).map(|pair| Succession::sign(&keys(pair[0]), &keys(pair[1]))).collect()
    }

    #[test]
    fn whoever_knows_a_former_key_reaches_the_last_one() {
        let chain = chain(&[1, 2, 3, 4]);
        for known in 1..=3 {
            assert_eq!(follow(&chain, keys(known).public()), Some(keys(4).public()), "{known}");
        }
        assert_eq!(follow(&chain, keys(4).public()), None, "the last one has no successor");
        assert_eq!(follow(&chain, keys(9).public()), None);
        assert_eq!(follow(&[], keys(1).public()), None);
    }

    #[test]
    fn a_long_chain_is_not_looked_at() {
        let chain = chain(&[1, 2, 3, 4, 5, 6]);
        assert_eq!(chain.len(), FORMER_KEYS + 1);
        assert_eq!(follow(&chain, keys(1).public()), None);
        assert_eq!(follow(&chain[1..], keys(2).public()), Some(keys(6).public()));
    }

    #[test]
    fn a_static_key_is_known_together_with_its_signing_key() {
        let mixed = PublicKeys { signing_key: keys(9).public().signing_key, ..keys(1).public() };
        assert_eq!(follow(&chain(&[1, 2]), mixed), None);
    }

    #[test]
    fn a_chain_with_a_gap_or_a_turn_leads_nowhere() {
        let whole = chain(&[1, 2, 3, 4]);
        assert_eq!(follow(&[whole[0], whole[2]], keys(1).public()), None);
        assert_eq!(follow(&[whole[1], whole[0]], keys(2).public()), None);
        assert_eq!(follow(&[whole[0], whole[0]], keys(1).public()), None);
    }

    #[test]
    fn no_byte_can_be_changed() {
        let honest = Succession::sign(&keys(1), &keys(2));
        let mut bytes = [0; 256];
        assert_eq!(postcard::to_slice(&honest, &mut bytes).unwrap().len(), 256);
        for index in 0..bytes.len() {
            let mut bytes = bytes;
            bytes[index] ^= 1;
            let forged: Succession = postcard::from_bytes(&bytes).unwrap();
            assert!(forged.verify().is_err(), "byte {index}");
        }
        honest.verify().unwrap();
    }

    #[test]
    fn a_key_is_shown_to_one_machine_in_one_session() {
        let (own, other, hash) = (keys(1).static_key, keys(2).static_key, [7; 32]);
        let shown = own.possession(other.public(), &hash).unwrap();
        other.check_possession(own.public(), &hash, &shown).unwrap();
        assert!(other.check_possession(own.public(), &[8; 32], &shown).is_err(), "another session");
        assert!(keys(3).static_key.check_possession(own.public(), &hash, &shown).is_err(), "another machine");
        let foreign = keys(3).static_key.possession(other.public(), &hash).unwrap();
        assert!(other.check_possession(own.public(), &hash, &foreign).is_err(), "another key");
        assert!(own.possession(crate::PublicKey([0; 32]), &hash).is_err(), "a key of low order");
    }

    #[test]
    fn nobody_names_a_successor_for_somebody_else_nor_somebody_else_as_successor() {
        let mallory = keys(6);
        let (alice, bob) = (keys(1), keys(2));
        let message = message(&alice.public(), &mallory.public());
        let forged = Succession {
            former: alice.public(),
            successor: mallory.public(),
            by_former: mallory.signing_key.sign(&message),
            by_successor: mallory.signing_key.sign(&message),
        };
        assert!(forged.verify().is_err());
        let stolen = Succession { by_successor: forged.by_former, ..Succession::sign(&mallory, &bob) };
        assert!(stolen.verify().is_err());
    }
}
