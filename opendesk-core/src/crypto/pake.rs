//! The password-authenticated key exchange of pairing: CPace over ristretto255 with SHA-512
//! (draft-irtf-cfrg-cpace, `CPACE-RISTR255-SHA512`, initiator-responder setting) and its key confirmation.
//!
//! Neither message tells anything about the code: a guess can be checked only by finishing the exchange with the
//! machine that shows it, which counts its tries.

use core::fmt;

use curve25519_dalek::RistrettoPoint;
use curve25519_dalek::ristretto::CompressedRistretto;
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::Identity;
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha512};
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

use super::Unproven;

/// Bytes of a session identifier.
pub const SID_BYTES: usize = 16;
/// Bytes of a public share.
pub const SHARE_BYTES: usize = 32;
/// Bytes of a confirmation tag.
pub const CONFIRMATION_BYTES: usize = 64;

const DSI: &[u8] = b"CPaceRistretto255";
const DSI_ISK: &[u8] = b"CPaceRistretto255_ISK";
const MAC_CONTEXT: &[u8] = b"CPaceMac";
const PSK_CONTEXT: &[u8] = b"opendesk v2 pairing psk";
/// SHA-512's input block.
const BLOCK_BYTES: usize = 128;

/// What the exchange is bound to besides the code.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The code, byte for byte.
    pub code: &'a [u8],
    /// The channel identifier.
    pub channel: &'a [u8],
    /// The session identifier, fresh for each attempt.
    pub sid: &'a [u8; SID_BYTES],
    /// The initiator's associated data.
    pub initiator: &'a [u8],
    /// The responder's associated data.
    pub responder: &'a [u8],
}

/// Feeds `prepend_len(part)` (LEB128) to a hash.
fn absorb(hash: Sha512, part: &[u8]) -> Sha512 {
    let mut length = part.len();
    let mut hash = hash;
    loop {
        let low = (length & 0x7f) as u8;
        length >>= 7;
        if length == 0 {
            return hash.chain_update([low]).chain_update(part);
        }
        hash.update([low | 0x80]);
    }
}

const fn prefix_bytes(length: usize) -> usize {
    if length < 128 { 1 } else { 2 }
}

impl Context<'_> {
    /// The generator that the code selects.
    fn generator(&self) -> RistrettoPoint {
        let used = 1 + prefix_bytes(self.code.len()) + self.code.len() + prefix_bytes(DSI.len()) + DSI.len();
        let padding = [0; BLOCK_BYTES];
        let padding = padding.get(..BLOCK_BYTES.saturating_sub(used)).unwrap_or(&[]);
        let mut hash = Sha512::new();
        for part in [DSI, self.code, padding, self.channel, self.sid] {
            hash = absorb(hash, part);
        }
        RistrettoPoint::from_uniform_bytes(&hash.finalize().into())
    }
}

/// One side's secret of one attempt.
pub struct Exchange {
    secret: Scalar,
    share: [u8; SHARE_BYTES],
}

impl Exchange {
    /// Makes this side's share from 64 random bytes.
    #[must_use]
    pub fn new(context: &Context<'_>, random: &[u8; 64]) -> Self {
        let secret = Scalar::from_bytes_mod_order_wide(random);
        let share = (context.generator() * secret).compress().to_bytes();
        Self { secret, share }
    }

    /// What the other side is sent.
    #[must_use]
    pub const fn share(&self) -> &[u8; SHARE_BYTES] {
        &self.share
    }

    /// The keys that both sides share when both knew the code.
    ///
    /// # Errors
    /// [`Unproven`] when the other's share is no group element, or the neutral one.
    pub fn agree(
        &self,
        context: &Context<'_>,
        as_initiator: bool,
        other: &[u8; SHARE_BYTES],
    ) -> Result<Confirmation, Unproven> {
        let mut isk = self.intermediate_key(context, as_initiator, other)?;
        let (first, second) = if as_initiator { (&self.share, other) } else { (other, &self.share) };
        let confirmation = Confirmation::new(&isk, context, first, second);
        isk.zeroize();
        Ok(confirmation)
    }

    /// The draft's intermediate session key, which its test vectors give. [`Exchange::agree`] derives from it.
    ///
    /// # Errors
    /// As [`Exchange::agree`].
    pub fn intermediate_key(
        &self,
        context: &Context<'_>,
        as_initiator: bool,
        other: &[u8; SHARE_BYTES],
    ) -> Result<[u8; 64], Unproven> {
        let point = CompressedRistretto(*other).decompress().ok_or(Unproven)?;
        let shared = point * self.secret;
        if bool::from(shared.ct_eq(&RistrettoPoint::identity())) {
            return Err(Unproven);
        }
        let shared = shared.compress();
        let (first, second) = if as_initiator { (&self.share, other) } else { (other, &self.share) };
        let mut hash = Sha512::new();
        for part in [DSI_ISK, &context.sid[..], shared.as_bytes()] {
            hash = absorb(hash, part);
        }
        for part in [&first[..], context.initiator, &second[..], context.responder] {
            hash = absorb(hash, part);
        }
        Ok(hash.finalize().into())
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.secret.zeroize();
    }
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Exchange(..)")
    }
}

/// What proves to the other side that this one knew the code, and the key for what follows.
pub struct Confirmation {
    /// What the initiator sends.
    pub initiator: [u8; CONFIRMATION_BYTES],
    /// What the responder sends, after it has checked the initiator's.
    pub responder: [u8; CONFIRMATION_BYTES],
    /// The pre-shared key of the Noise handshake.
    pub psk: [u8; 32],
}

impl Confirmation {
    fn new(isk: &[u8; 64], context: &Context<'_>, first: &[u8; 32], second: &[u8; 32]) -> Self {
        let key: [u8; 64] =
            Sha512::new().chain_update(MAC_CONTEXT).chain_update(context.sid).chain_update(isk).finalize().into();
        let mut psk = [0; 32];
        let expanded = Hkdf::<Sha512>::new(None, isk).expand(PSK_CONTEXT, &mut psk);
        debug_assert!(expanded.is_ok(), "32 bytes are far below HKDF's 16320");
        Self { initiator: tag(&key, first, context.initiator), responder: tag(&key, second, context.responder), psk }
    }
}

impl Drop for Confirmation {
    fn drop(&mut self) {
        self.psk.zeroize();
    }
}

impl fmt::Debug for Confirmation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Confirmation(..)")
    }
}

/// `MAC(mac_key, lv_cat(share, associated data))` (draft §"Explicit key confirmation").
fn tag(key: &[u8; 64], share: &[u8; 32], data: &[u8]) -> [u8; CONFIRMATION_BYTES] {
    // A key of 64 bytes is within HMAC-SHA512's block, so building it cannot fail.
    let Ok(mac) = <Hmac<Sha512> as KeyInit>::new_from_slice(key) else { return [0; CONFIRMATION_BYTES] };
    mac.chain_update([share.len() as u8])
        .chain_update(share)
        .chain_update([data.len() as u8])
        .chain_update(data)
        .finalize()
        .into_bytes()
        .into()
}

/// Compares two tags in constant time.
///
/// # Errors
/// [`Unproven`] when they differ.
pub fn confirm(expected: &[u8; CONFIRMATION_BYTES], given: &[u8; CONFIRMATION_BYTES]) -> Result<(), Unproven> {
    if bool::from(expected.ct_eq(given)) { Ok(()) } else { Err(Unproven) }
}
