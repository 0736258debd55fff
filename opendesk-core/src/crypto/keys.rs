//! The two keys of a machine: X25519 proves who it is, Ed25519 signs what others may check later.

use core::fmt;

use ed25519_compact::{KeyPair, Seed};
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use x25519_dalek::StaticSecret;
use zeroize::Zeroize;

use super::Unproven;
use crate::frame::{Role, Signature};

/// An X25519 public key: a machine's identity.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PublicKey(pub [u8; 32]);

impl fmt::Display for PublicKey {
    /// The whole key in lower-case hex.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for PublicKey {
    /// The fingerprint: the first 8 bytes in hex, four groups of four.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().take(8).enumerate() {
            let colon = if index % 2 == 0 && index > 0 { ":" } else { "" };
            write!(f, "{colon}{byte:02x}")?;
        }
        Ok(())
    }
}

/// An X25519 private key.
#[derive(Clone)]
pub struct StaticKey {
    secret: StaticSecret,
    public: PublicKey,
}

impl StaticKey {
    /// The key whose 32 raw bytes these are; they need not be clamped.
    #[must_use]
    pub fn new(secret: [u8; 32]) -> Self {
        let secret = StaticSecret::from(secret);
        let public = PublicKey(x25519_dalek::PublicKey::from(&secret).to_bytes());
        Self { secret, public }
    }

    /// Its public half.
    #[must_use]
    pub const fn public(&self) -> PublicKey {
        self.public
    }

    /// The 32 raw bytes, for a recording that is to be replayed.
    pub(crate) fn secret(&self) -> [u8; 32] {
        self.secret.to_bytes()
    }

    /// Shows the machine with this key, in a session with this handshake hash, that this one has this key: HMAC-SHA-256,
    /// keyed with what both agree on, over a context and the hash.
    ///
    /// # Errors
    /// [`Unproven`] when the other key is of low order.
    pub fn possession(&self, other: PublicKey, handshake: &[u8; 32]) -> Result<[u8; 32], Unproven> {
        Ok(self.possession_mac(other, handshake)?.finalize().into_bytes().into())
    }

    /// Checks what the machine with that key shows by [`possession`](Self::possession).
    ///
    /// # Errors
    /// [`Unproven`] when it has not that key, or shows it for another session.
    pub fn check_possession(&self, other: PublicKey, handshake: &[u8; 32], shown: &[u8; 32]) -> Result<(), Unproven> {
        self.possession_mac(other, handshake)?.verify_slice(shown).map_err(|_| Unproven)
    }

    fn possession_mac(&self, other: PublicKey, handshake: &[u8; 32]) -> Result<Hmac<Sha256>, Unproven> {
        let mut shared = self.agree(other)?;
        let mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&shared).map_err(|_| Unproven);
        shared.zeroize();
        Ok(mac?.chain_update(POSSESSION_CONTEXT).chain_update(handshake))
    }

    /// X25519 (RFC 7748) with another's public key.
    ///
    /// # Errors
    /// [`Unproven`] when the other key is of low order, so that the result would be known to everyone.
    pub(crate) fn agree(&self, other: PublicKey) -> Result<[u8; 32], Unproven> {
        let shared = self.secret.diffie_hellman(&x25519_dalek::PublicKey::from(other.0));
        if shared.was_contributory() { Ok(shared.to_bytes()) } else { Err(Unproven) }
    }
}

impl fmt::Debug for StaticKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StaticKey(of {:?})", self.public)
    }
}

/// An Ed25519 public key.
pub type VerifyingKey = [u8; 32];

/// The private keys of a machine: its identity.
#[derive(Debug, Clone)]
pub struct Keys {
    /// Proves who this machine is.
    pub static_key: StaticKey,
    /// Signs its HELLO, and its successor.
    pub signing_key: SigningKey,
}

impl Keys {
    /// Their public halves.
    #[must_use]
    pub const fn public(&self) -> PublicKeys {
        PublicKeys { static_key: self.static_key.public(), signing_key: self.signing_key.public() }
    }
}

/// The public keys of a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicKeys {
    /// By which a machine is known.
    pub static_key: PublicKey,
    /// By which its signatures are checked.
    pub signing_key: VerifyingKey,
}

/// What [`StaticKey::possession`] covers besides the handshake hash.
const POSSESSION_CONTEXT: &[u8] = b"opendesk v2 possession ";

/// What a HELLO's signature covers besides the handshake hash, so that it can stand for nothing else.
const HELLO_CONTEXT: &[u8; 18] = b"opendesk v2 hello ";

/// An Ed25519 private key.
#[derive(Clone)]
pub struct SigningKey {
    seed: [u8; 32],
    public: VerifyingKey,
}

impl SigningKey {
    /// The key with this seed (RFC 8032).
    #[must_use]
    pub fn new(seed: [u8; 32]) -> Self {
        let public = *KeyPair::from_seed(Seed::new(seed)).pk;
        Self { seed, public }
    }

    /// Its public half.
    #[must_use]
    pub const fn public(&self) -> VerifyingKey {
        self.public
    }

    /// The seed, for a recording that is to be replayed.
    pub(crate) const fn seed(&self) -> [u8; 32] {
        self.seed
    }

    /// Signs any message, deterministically (RFC 8032).
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Signature {
        let pair = KeyPair::from_seed(Seed::new(self.seed));
        let bytes = *pair.sk.sign(message, None);
        let (first, second) = bytes.split_at(32);
        let mut halves = [[0; 32]; 2];
        halves[0].copy_from_slice(first);
        halves[1].copy_from_slice(second);
        Signature(halves)
    }

    /// Signs a HELLO: that this machine has this role in the handshake with this hash.
    #[must_use]
    pub fn sign_hello(&self, role: Role, handshake: &[u8; 32]) -> Signature {
        self.sign(&hello_message(role, handshake))
    }
}

impl Drop for SigningKey {
    fn drop(&mut self) {
        self.seed.zeroize();
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(..)")
    }
}

fn hello_message(role: Role, handshake: &[u8; 32]) -> [u8; 51] {
    let mut message = [0; 51];
    message[..18].copy_from_slice(HELLO_CONTEXT);
    message[18] = match role {
        Role::Controller => b'C',
        Role::Host => b'H',
    };
    message[19..].copy_from_slice(handshake);
    message
}

/// Checks an Ed25519 signature.
///
/// # Errors
/// [`Unproven`] when the key is no key or the signature is not its over this message.
pub fn verify(key: &VerifyingKey, message: &[u8], signature: &Signature) -> Result<(), Unproven> {
    let mut bytes = [0; 64];
    bytes[..32].copy_from_slice(&signature.0[0]);
    bytes[32..].copy_from_slice(&signature.0[1]);
    ed25519_compact::PublicKey::new(*key).verify(message, &ed25519_compact::Signature::new(bytes)).map_err(|_| Unproven)
}

/// Checks the signature of a HELLO.
///
/// # Errors
/// [`Unproven`] as [`verify`].
pub fn verify_hello(
    key: &VerifyingKey,
    role: Role,
    handshake: &[u8; 32],
    signature: &Signature,
) -> Result<(), Unproven> {
    verify(key, &hello_message(role, handshake), signature)
}
