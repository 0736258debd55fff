//! How bytes become frames and keys, one module for each version of the wire.

pub mod v2;
