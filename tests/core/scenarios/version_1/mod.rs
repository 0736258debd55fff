//! Conversations in version 1: with a peer of the test's making (`raw1.rs`), and with our own client.

mod calls;
mod client;
mod frames;
mod links;
mod pairing;
mod sessions;
mod streams;

use super::{ANNA, BEN, CARL};
