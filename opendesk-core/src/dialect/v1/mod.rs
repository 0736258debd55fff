//! Version 1: what the Python package 0.3 speaks (docs/PROTOCOL.md, "Version 1").
//!
//! Every message is one MessagePack map, every frame is whole: there are no chunks, no credit, no pings and no goodbyes.
//! What the rest of the core needs and this version does not say is made up here.

mod frames;
mod handshake;
pub mod msgpack;

pub(crate) use frames::Talk;
pub use frames::read_request;
pub use handshake::{AuthClient, PairClient, PairHost, Psk, Step, auth_refuse, auth_respond, split};
