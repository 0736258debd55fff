//! The two Noise patterns that version 2 uses (Noise Protocol Framework, revision 34), without a heap:
//! `Noise_IK_25519_ChaChaPoly_SHA256` for peers that know each other and `Noise_XXpsk0_25519_ChaChaPoly_SHA256`
//! for peers that have just proved a code to each other.

use core::fmt;

use chacha20poly1305::aead::inout::InOutBuf;
use chacha20poly1305::{AeadInOut, ChaCha20Poly1305, KeyInit, Tag};
use hkdf::Hkdf;
use sha2::{Digest, Sha256};
use zeroize::Zeroize;

use super::Unproven;
use super::keys::{PublicKey, StaticKey};
use crate::limits::TAG_BYTES;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    E,
    S,
    Ee,
    Es,
    Se,
    Ss,
    Psk,
}

/// A handshake pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pattern {
    /// `-> e, es, s, ss` / `<- e, ee, se`, the responder's key known beforehand.
    Ik,
    /// `-> psk, e` / `<- e, ee, s, es` / `-> s, se`.
    XxPsk0,
}

impl Pattern {
    const fn name(self) -> &'static [u8] {
        match self {
            Self::Ik => b"Noise_IK_25519_ChaChaPoly_SHA256",
            Self::XxPsk0 => b"Noise_XXpsk0_25519_ChaChaPoly_SHA256",
        }
    }

    const fn messages(self) -> &'static [&'static [Token]] {
        match self {
            Self::Ik => &[&[Token::E, Token::Es, Token::S, Token::Ss], &[Token::E, Token::Ee, Token::Se]],
            Self::XxPsk0 => {
                &[&[Token::Psk, Token::E], &[Token::E, Token::Ee, Token::S, Token::Es], &[Token::S, Token::Se]]
            }
        }
    }
}

/// The AEAD nonce of revision 34: four zero bytes and the counter, little-endian.
pub(crate) fn nonce(counter: u64) -> [u8; 12] {
    let mut nonce = [0; 12];
    nonce[4..].copy_from_slice(&counter.to_le_bytes());
    nonce
}

#[derive(Clone)]
struct Symmetric {
    hash: [u8; 32],
    chaining: [u8; 32],
    key: Option<[u8; 32]>,
    counter: u64,
}

impl Symmetric {
    fn new(name: &[u8]) -> Self {
        let mut hash = [0; 32];
        match hash.get_mut(..name.len()) {
            Some(front) => front.copy_from_slice(name),
            None => hash = Sha256::digest(name).into(),
        }
        Self { hash, chaining: hash, key: None, counter: 0 }
    }

    fn mix_hash(&mut self, data: &[u8]) {
        self.hash = Sha256::new().chain_update(self.hash).chain_update(data).finalize().into();
    }

    /// Noise's HKDF: the chaining key is the salt, the input the key material, the info empty.
    fn expand<const BYTES: usize>(&self, input: &[u8]) -> [u8; BYTES] {
        let mut output = [0; BYTES];
        let expanded = Hkdf::<Sha256>::new(Some(&self.chaining), input).expand(&[], &mut output);
        debug_assert!(expanded.is_ok(), "96 bytes are far below HKDF's 8160");
        output
    }

    fn mix_key(&mut self, input: &[u8]) {
        let mut output = self.expand::<64>(input);
        self.chaining.copy_from_slice(&output[..32]);
        let mut key = [0; 32];
        key.copy_from_slice(&output[32..]);
        self.key = Some(key);
        self.counter = 0;
        output.zeroize();
    }

    fn mix_key_and_hash(&mut self, input: &[u8]) {
        let mut output = self.expand::<96>(input);
        self.chaining.copy_from_slice(&output[..32]);
        let mut middle = [0; 32];
        middle.copy_from_slice(&output[32..64]);
        self.mix_hash(&middle);
        let mut key = [0; 32];
        key.copy_from_slice(&output[64..]);
        self.key = Some(key);
        self.counter = 0;
        output.zeroize();
    }

    /// Seals `data` in place and puts the tag behind it when there is a key.
    fn encrypt_and_hash(&mut self, out: &mut [u8], length: usize) -> Result<usize, Unproven> {
        let sealed = match self.key {
            None => length,
            Some(key) => {
                let (data, rest) = out.split_at_mut_checked(length).ok_or(Unproven)?;
                let tag = ChaCha20Poly1305::new(&key.into())
                    .encrypt_inout_detached(&nonce(self.counter).into(), &self.hash, InOutBuf::from(data))
                    .map_err(|_| Unproven)?;
                rest.get_mut(..TAG_BYTES).ok_or(Unproven)?.copy_from_slice(&tag);
                self.counter += 1;
                length + TAG_BYTES
            }
        };
        let ciphertext = out.get(..sealed).ok_or(Unproven)?;
        self.mix_hash(ciphertext);
        Ok(sealed)
    }

    fn decrypt_and_hash(&mut self, ciphertext: &[u8], out: &mut [u8]) -> Result<usize, Unproven> {
        let Some(key) = self.key else {
            out.get_mut(..ciphertext.len()).ok_or(Unproven)?.copy_from_slice(ciphertext);
            self.mix_hash(ciphertext);
            return Ok(ciphertext.len());
        };
        let length = ciphertext.len().checked_sub(TAG_BYTES).ok_or(Unproven)?;
        let (sealed, tag) = ciphertext.split_at_checked(length).ok_or(Unproven)?;
        let tag = Tag::try_from(tag).map_err(|_| Unproven)?;
        let data = out.get_mut(..length).ok_or(Unproven)?;
        data.copy_from_slice(sealed);
        ChaCha20Poly1305::new(&key.into())
            .decrypt_inout_detached(&nonce(self.counter).into(), &self.hash, InOutBuf::from(data), &tag)
            .map_err(|_| Unproven)?;
        self.counter += 1;
        self.mix_hash(ciphertext);
        Ok(length)
    }
}

impl Drop for Symmetric {
    fn drop(&mut self) {
        self.chaining.zeroize();
        self.key.zeroize();
    }
}

/// The keys that a finished handshake leaves.
#[derive(Clone)]
pub struct Transport {
    /// For records from the initiator to the responder.
    pub initiator: [u8; 32],
    /// For records from the responder to the initiator.
    pub responder: [u8; 32],
    /// Names this handshake and no other: what a signature or a fingerprint binds to.
    pub hash: [u8; 32],
    /// The other side's static key, proved.
    pub remote: PublicKey,
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Transport(with {:?})", self.remote)
    }
}

impl Drop for Transport {
    fn drop(&mut self) {
        self.initiator.zeroize();
        self.responder.zeroize();
    }
}

/// One side of a handshake in progress. Messages are written and read in turn, the initiator's first; after the
/// last one, [`Handshake::finish`] gives the keys.
#[derive(Clone)]
pub struct Handshake {
    symmetric: Symmetric,
    pattern: Pattern,
    initiator: bool,
    step: usize,
    psk: [u8; 32],
    local: StaticKey,
    ephemeral: Option<StaticKey>,
    remote: Option<PublicKey>,
    remote_ephemeral: Option<PublicKey>,
}

impl Handshake {
    /// `IK` as the initiator, who knows the responder's key.
    #[must_use]
    pub fn ik_initiator(local: StaticKey, remote: PublicKey, prologue: &[u8]) -> Self {
        let mut this = Self::new(Pattern::Ik, true, local, [0; 32], prologue);
        this.symmetric.mix_hash(&remote.0);
        this.remote = Some(remote);
        this
    }

    /// `IK` as the responder.
    #[must_use]
    pub fn ik_responder(local: StaticKey, prologue: &[u8]) -> Self {
        let public = local.public();
        let mut this = Self::new(Pattern::Ik, false, local, [0; 32], prologue);
        this.symmetric.mix_hash(&public.0);
        this
    }

    /// `XXpsk0` as either side.
    #[must_use]
    pub fn xx_psk0(initiator: bool, local: StaticKey, psk: [u8; 32], prologue: &[u8]) -> Self {
        Self::new(Pattern::XxPsk0, initiator, local, psk, prologue)
    }

    fn new(pattern: Pattern, initiator: bool, local: StaticKey, psk: [u8; 32], prologue: &[u8]) -> Self {
        let mut symmetric = Symmetric::new(pattern.name());
        symmetric.mix_hash(prologue);
        Self {
            symmetric,
            pattern,
            initiator,
            step: 0,
            psk,
            local,
            ephemeral: None,
            remote: None,
            remote_ephemeral: None,
        }
    }

    fn tokens(&self, writing: bool) -> Result<&'static [Token], Unproven> {
        let my_turn = self.step.is_multiple_of(2) == self.initiator;
        if my_turn != writing {
            return Err(Unproven);
        }
        self.pattern.messages().get(self.step).copied().ok_or(Unproven)
    }

    fn agree(&mut self, token: Token) -> Result<(), Unproven> {
        let own = self.ephemeral.as_ref();
        let (key, other) = match (token, self.initiator) {
            (Token::Ee, _) => (own, self.remote_ephemeral),
            (Token::Es, true) | (Token::Se, false) => (own, self.remote),
            (Token::Es, false) | (Token::Se, true) => (Some(&self.local), self.remote_ephemeral),
            (Token::Ss, _) => (Some(&self.local), self.remote),
            (Token::E | Token::S | Token::Psk, _) => return Err(Unproven),
        };
        let mut shared = key.ok_or(Unproven)?.agree(other.ok_or(Unproven)?)?;
        self.symmetric.mix_key(&shared);
        shared.zeroize();
        Ok(())
    }

    fn mix_ephemeral(&mut self, key: PublicKey) {
        self.symmetric.mix_hash(&key.0);
        if self.pattern == Pattern::XxPsk0 {
            self.symmetric.mix_key(&key.0);
        }
    }

    /// Writes the next message, with `payload` sealed at its end, and gives its length. `ephemeral` is the fresh
    /// secret of this message; messages without an `e` ignore it.
    ///
    /// # Errors
    /// [`Unproven`] when it is the other side's turn, when `out` is too small, or when a key is of low order.
    pub fn write(&mut self, ephemeral: [u8; 32], payload: &[u8], out: &mut [u8]) -> Result<usize, Unproven> {
        let mut used = 0;
        for &token in self.tokens(true)? {
            let out = out.get_mut(used..).ok_or(Unproven)?;
            match token {
                Token::E => {
                    let key = StaticKey::new(ephemeral);
                    let public = key.public();
                    out.get_mut(..32).ok_or(Unproven)?.copy_from_slice(&public.0);
                    self.ephemeral = Some(key);
                    self.mix_ephemeral(public);
                    used += 32;
                }
                Token::S => {
                    out.get_mut(..32).ok_or(Unproven)?.copy_from_slice(&self.local.public().0);
                    used += self.symmetric.encrypt_and_hash(out, 32)?;
                }
                Token::Psk => self.symmetric.mix_key_and_hash(&self.psk),
                Token::Ee | Token::Es | Token::Se | Token::Ss => self.agree(token)?,
            }
        }
        let out = out.get_mut(used..).ok_or(Unproven)?;
        out.get_mut(..payload.len()).ok_or(Unproven)?.copy_from_slice(payload);
        used += self.symmetric.encrypt_and_hash(out, payload.len())?;
        self.step += 1;
        Ok(used)
    }

    /// Reads the next message and writes its payload to the front of `payload`.
    ///
    /// # Errors
    /// [`Unproven`] when it is our turn, or when anything in the message does not hold. The handshake is then of no
    /// further use.
    pub fn read(&mut self, message: &[u8], payload: &mut [u8]) -> Result<usize, Unproven> {
        let mut rest = message;
        for &token in self.tokens(false)? {
            match token {
                Token::E => {
                    let (key, after) = rest.split_first_chunk::<32>().ok_or(Unproven)?;
                    let key = PublicKey(*key);
                    self.remote_ephemeral = Some(key);
                    self.mix_ephemeral(key);
                    rest = after;
                }
                Token::S => {
                    let length = if self.symmetric.key.is_some() { 32 + TAG_BYTES } else { 32 };
                    let (sealed, after) = rest.split_at_checked(length).ok_or(Unproven)?;
                    let mut key = [0; 32];
                    self.symmetric.decrypt_and_hash(sealed, &mut key)?;
                    self.remote = Some(PublicKey(key));
                    rest = after;
                }
                Token::Psk => self.symmetric.mix_key_and_hash(&self.psk),
                Token::Ee | Token::Es | Token::Se | Token::Ss => self.agree(token)?,
            }
        }
        let length = self.symmetric.decrypt_and_hash(rest, payload)?;
        self.step += 1;
        Ok(length)
    }

    /// Whether every message has been exchanged.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.step == self.pattern.messages().len()
    }

    /// The keys of the finished handshake.
    ///
    /// # Errors
    /// [`Unproven`] before the last message.
    pub fn finish(&self) -> Result<Transport, Unproven> {
        if !self.is_finished() {
            return Err(Unproven);
        }
        let output = self.symmetric.expand::<64>(&[]);
        let mut initiator = [0; 32];
        let mut responder = [0; 32];
        initiator.copy_from_slice(&output[..32]);
        responder.copy_from_slice(&output[32..]);
        let remote = self.remote.ok_or(Unproven)?;
        Ok(Transport { initiator, responder, hash: self.symmetric.hash, remote })
    }
}

impl fmt::Debug for Handshake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Handshake({:?}, message {})", self.pattern, self.step)
    }
}

impl Drop for Handshake {
    fn drop(&mut self) {
        self.psk.zeroize();
    }
}
