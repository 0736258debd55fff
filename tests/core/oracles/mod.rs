//! Other implementations and published vectors: what both sides of ours could get wrong in the same way.

mod cpace;
mod liar;
mod low_order;
mod noise;
mod noise_vectors;
