//! The randomness of a storm.

use opendesk_core::{OperationId, limits};

use super::operations::NONE;
use crate::world::{Peer, random};

/// Numbers from a seed: a sequence apart from the world's, which machines draw their keys from.
#[derive(Debug)]
pub(super) struct Dice(pub(super) u64);

impl Dice {
    /// A number below this one.
    pub(super) fn roll(&mut self, below: usize) -> usize {
        (self.word() % below as u64) as usize
    }

    pub(super) fn word(&mut self) -> u64 {
        self.bytes().first_chunk().map_or(0, |word| u64::from_le_bytes(*word))
    }

    pub(super) fn bytes(&mut self) -> [u8; 32] {
        random(&mut self.0)
    }

    pub(super) fn pick<T: Copy>(&mut self, from: &[T]) -> Option<T> {
        if from.is_empty() { None } else { Some(from[self.roll(from.len())]) }
    }

    pub(super) fn peer(&mut self, first: u8, count: usize) -> Peer {
        Peer(first + self.roll(count) as u8)
    }

    /// The name of something that is wanted, which nothing else has; now and then it need not be remembered.
    pub(super) fn operation(&mut self) -> OperationId {
        if self.roll(8) == 0 { NONE } else { self.bytes().first_chunk().copied().unwrap_or_default() }
    }

    /// Bytes that no other body has, and that differ from one place to another.
    pub(super) fn body(&mut self) -> Vec<u8> {
        let length = match self.roll(96) {
            0 => 200 * 1024 + self.roll(200 * 1024),
            1..4 => (1 + self.roll(2)) * limits::CHUNK_BYTES + self.roll(3) - 1,
            4..24 => 0,
            _ => self.roll(600),
        };
        let mark = self.word();
        let mut body = vec![0; length];
        for (number, block) in (0..).zip(body.chunks_mut(512)) {
            for (byte, stamp) in block.iter_mut().zip(mark.wrapping_add(number).to_le_bytes()) {
                *byte = stamp;
            }
        }
        body
    }
}
