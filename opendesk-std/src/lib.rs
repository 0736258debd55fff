//! opendesk without an async runtime: the event loops of host and controller, the desktops, the tools, and all that
//! is kept on disk. An adapter adds a [`runtime::Runtime`]; what is decided, and what is done, is decided and done
//! here and in `opendesk-core`.

pub mod agent;
pub mod api;
mod cancel;
pub mod check;
pub mod client;
pub mod clients;
pub mod clock;
pub mod desktop;
pub mod discovery;
pub mod govern;
pub mod home;
pub mod host;
mod machine;
pub mod os;
pub mod picture;
pub mod platform;
pub mod recording;
pub mod runtime;
pub mod schedule;
mod seed;
pub mod service;
mod socket;
mod span;
pub mod tools;
pub mod view;
mod words;

pub use cancel::Cancel;
pub use machine::hostname;
pub use seed::{long_pairing_code, pairing_code, token, written_code};
pub use words::words;
