//! The results of recent operations, for controllers that ask again because a link was lost. That an operation was carried
//! out is remembered by the protocol's machine; here is what it gave.

use std::collections::VecDeque;

use opendesk_core::{OperationId, Outcome, PublicKey, limits};

use crate::api::{Error, ErrorCode, Result};

/// As many as the protocol's machine remembers.
const RESULTS: usize = limits::OPERATIONS * limits::MEMORIES;

/// Bytes of results and messages that are kept.
const BYTES: usize = 4 * 1024 * 1024;

/// The longest result that is kept: one part of a body.
const RESULT_BYTES: usize = limits::CHUNK_BYTES;

#[derive(Debug, Default)]
pub(super) struct Recent {
    /// Oldest first.
    results: VecDeque<(PublicKey, OperationId, Result<Vec<u8>>)>,
    bytes: usize,
}

fn size(result: &Result<Vec<u8>>) -> usize {
    match result {
        Ok(body) => body.len(),
        Err(error) => error.message.len(),
    }
}

impl Recent {
    pub(super) fn keep(&mut self, peer: PublicKey, operation: OperationId, result: &Result<Vec<u8>>) {
        if size(result) > RESULT_BYTES {
            return;
        }
        self.bytes += size(result);
        self.results.push_back((peer, operation, result.clone()));
        while self.results.len() > RESULTS || self.bytes > BYTES {
            let Some((_, _, oldest)) = self.results.pop_front() else { break };
            self.bytes -= size(&oldest);
        }
    }

    /// The answer to an operation that was carried out before, with this outcome.
    pub(super) fn answer(&self, peer: PublicKey, operation: OperationId, outcome: Outcome) -> Result<Vec<u8>> {
        let kept = self.results.iter().rev().find(|(of, which, _)| (*of, *which) == (peer, operation));
        if let Some((_, _, result)) = kept {
            return result.clone();
        }
        Err(match outcome {
            Outcome::Ok => {
                Error::new(ErrorCode::NotFound, "this was done when it was first asked for, but its result is not kept")
            }
            Outcome::Error(code) => Error::new(code, "this failed when it was first asked for"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANNA: PublicKey = PublicKey([1; 32]);

    #[test]
    fn results_are_kept_within_bounds_the_newest_first() {
        let mut recent = Recent::default();
        let body = vec![7; RESULT_BYTES];
        for number in 0..100_u128 {
            recent.keep(ANNA, number.to_le_bytes(), &Ok(body.clone()));
        }
        assert!(recent.bytes <= BYTES);
        assert_eq!(recent.answer(ANNA, 99_u128.to_le_bytes(), Outcome::Ok), Ok(body));
        let gone = recent.answer(ANNA, 0_u128.to_le_bytes(), Outcome::Ok).unwrap_err();
        assert_eq!(gone.code, ErrorCode::NotFound);
        let other = recent.answer(PublicKey([2; 32]), 99_u128.to_le_bytes(), Outcome::Error(ErrorCode::Cancelled));
        assert_eq!(other.unwrap_err().code, ErrorCode::Cancelled);
    }

    #[test]
    fn a_result_that_is_too_long_is_not_kept_and_that_is_said() {
        let mut recent = Recent::default();
        recent.keep(ANNA, [1; 16], &Ok(vec![0; RESULT_BYTES + 1]));
        assert!(recent.answer(ANNA, [1; 16], Outcome::Ok).unwrap_err().message.contains("was done"));
    }
}
