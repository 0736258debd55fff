//! The record layer: one AEAD record per message, a counter for a nonce, each direction on its own.

use core::fmt;

use chacha20poly1305::aead::inout::InOutBuf;
use chacha20poly1305::{AeadInOut, ChaCha20Poly1305, KeyInit, Tag};
use zeroize::Zeroize;

use super::Unproven;
use super::noise;
use crate::limits::{REKEY_AFTER, TAG_BYTES};

/// How records are numbered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Numbering {
    /// Noise's: little-endian behind four zero bytes. Every [`REKEY_AFTER`] records the key is replaced by Noise's `REKEY`
    /// (revision 34, §11.3); both ends count the same records, so nothing needs to be said.
    Noise,
    /// Version 1's: twelve bytes, big-endian, under one key.
    BigEndian,
}

impl Numbering {
    fn nonce(self, counter: u64) -> [u8; 12] {
        match self {
            Self::Noise => noise::nonce(counter),
            Self::BigEndian => {
                let mut nonce = [0; 12];
                nonce[4..].copy_from_slice(&counter.to_be_bytes());
                nonce
            }
        }
    }
}

/// One direction of a link: a key and how many records have gone under it.
#[derive(Clone)]
pub struct Direction {
    cipher: ChaCha20Poly1305,
    counter: u64,
    numbering: Numbering,
}

impl Direction {
    /// The direction with this first key.
    #[must_use]
    pub fn new(key: &[u8; 32], numbering: Numbering) -> Self {
        Self { cipher: ChaCha20Poly1305::new(key.into()), counter: 0, numbering }
    }

    fn advance(&mut self) -> Result<(), Unproven> {
        self.counter = self.counter.checked_add(1).ok_or(Unproven)?;
        if self.numbering == Numbering::Noise && self.counter.is_multiple_of(REKEY_AFTER) {
            let mut key = [0; 32];
            self.cipher
                .encrypt_inout_detached(&noise::nonce(u64::MAX).into(), &[], InOutBuf::from(&mut key[..]))
                .map_err(|_| Unproven)?;
            self.cipher = ChaCha20Poly1305::new((&key).into());
            key.zeroize();
        }
        Ok(())
    }

    /// Seals the first `length` bytes of `buf` in place, puts the tag behind them, and gives the record's length.
    ///
    /// # Errors
    /// [`Unproven`] when `buf` has no room for the tag, or after 2⁶⁴−1 records.
    pub fn seal(&mut self, buf: &mut [u8], length: usize) -> Result<usize, Unproven> {
        let (data, rest) = buf.split_at_mut_checked(length).ok_or(Unproven)?;
        let room = rest.get_mut(..TAG_BYTES).ok_or(Unproven)?;
        let tag = self
            .cipher
            .encrypt_inout_detached(&self.numbering.nonce(self.counter).into(), &[], InOutBuf::from(data))
            .map_err(|_| Unproven)?;
        room.copy_from_slice(&tag);
        self.advance()?;
        Ok(length + TAG_BYTES)
    }

    /// Opens a record in place and gives its plaintext.
    ///
    /// # Errors
    /// [`Unproven`] when it is not the next record of this direction; the link is then of no further use.
    pub fn open<'a>(&mut self, record: &'a mut [u8]) -> Result<&'a mut [u8], Unproven> {
        let length = record.len().checked_sub(TAG_BYTES).ok_or(Unproven)?;
        let (data, tag) = record.split_at_mut_checked(length).ok_or(Unproven)?;
        let tag = Tag::try_from(&*tag).map_err(|_| Unproven)?;
        self.cipher
            .decrypt_inout_detached(&self.numbering.nonce(self.counter).into(), &[], InOutBuf::from(&mut *data), &tag)
            .map_err(|_| Unproven)?;
        self.advance()?;
        Ok(data)
    }
}

impl fmt::Debug for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Direction(after {} records)", self.counter)
    }
}

#[cfg(test)]
mod tests {
    use std::vec;

    use super::*;

    #[test]
    fn both_ends_rekey_at_the_same_record() {
        let mut sender = Direction::new(&[7; 32], Numbering::Noise);
        let mut receiver = Direction::new(&[7; 32], Numbering::Noise);
        let mut before_rekey = [0; 16];
        for number in 0..REKEY_AFTER + 3 {
            let mut buf = [0; 16 + 8];
            buf[..8].copy_from_slice(&number.to_le_bytes());
            let length = sender.seal(&mut buf, 8).unwrap();
            if number == 0 {
                before_rekey.copy_from_slice(&buf[8..]);
            }
            assert_eq!(receiver.open(&mut buf[..length]).unwrap(), number.to_le_bytes());
        }
    }

    #[test]
    fn a_replayed_altered_or_reordered_record_does_not_open() {
        let record = |counter: u64| {
            let mut sender = Direction::new(&[7; 32], Numbering::Noise);
            let mut buf = vec![0; 5 + TAG_BYTES];
            for _ in 0..=counter {
                buf[..5].copy_from_slice(b"hello");
                sender.seal(&mut buf, 5).unwrap();
            }
            buf
        };
        let mut receiver = Direction::new(&[7; 32], Numbering::Noise);
        assert!(receiver.open(&mut record(1)).is_err(), "reordered");
        let mut altered = record(0);
        altered[0] ^= 1;
        assert!(Direction::new(&[7; 32], Numbering::Noise).open(&mut altered).is_err(), "altered");
        let mut receiver = Direction::new(&[7; 32], Numbering::Noise);
        receiver.open(&mut record(0)).unwrap();
        assert!(receiver.open(&mut record(0)).is_err(), "replayed");
        assert!(Direction::new(&[7; 32], Numbering::Noise).open(&mut record(0)[..TAG_BYTES - 1]).is_err(), "truncated");
        assert!(Direction::new(&[8; 32], Numbering::Noise).open(&mut record(0)).is_err(), "another key");
    }
}
