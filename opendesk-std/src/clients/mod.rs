//! The MCP clients that opendesk can be entered into: where each keeps its configuration, how an entry looks there, and
//! how it comes in and goes out without anything else being touched.
//!
//! A configuration belongs to its client and its user. It is edited as text: what is not ours stays byte for byte what
//! it was, and a file that cannot be read is left alone.

mod change;
mod client;
mod edit;
mod error;
mod file;
mod places;
#[cfg(test)]
mod tests;

pub use change::{Change, Outcome, install, uninstall};
pub use client::{Client, Scope};
pub use edit::Entry;
pub use error::ConfigError;
pub use places::{Places, System};
