//! The cryptography, composed of well-kept primitives; it knows nothing of frames.

pub mod keys;
pub mod noise;
pub mod pake;
pub mod record;
pub mod succession;

/// A key, a proof or a record that does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unproven;
