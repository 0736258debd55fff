//! Every method of a host, once: its name, parameters, result, and whether it only looks or also acts.

mod error;
mod greeting;
mod method;
mod tree;
mod types;

pub use error::{Error, ErrorCode, Result};
pub use greeting::{ControllerGreeting, HostGreeting, RefusalInfo};
pub use method::*;
pub use tree::{UiNode, UiTree};
pub use types::*;
