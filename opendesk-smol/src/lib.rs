//! opendesk on smol.
//!
//! This crate says which names it will have, and nothing more yet: the [`Runtime`](opendesk_std::runtime::Runtime)
//! of smol is missing, so there is no server and no client here. Use `opendesk-tokio` until there is.
