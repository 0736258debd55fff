//! Other implementations and published vectors: what both sides of ours could get wrong in the same way.

mod cpace;
pub(crate) mod liar;
mod low_order;
pub(crate) mod noise;
mod noise_vectors;
