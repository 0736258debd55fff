//! Recording what the person at a machine does with its mouse and keyboard: refused, and why.

use crate::api::{Error, ErrorCode};
use crate::tools::Output;
use crate::tools::session::Session;
use crate::tools::target::ToolError;

/// # Errors
/// Always `capability_unsupported`.
pub(super) async fn start(_session: &Session) -> Result<Output, ToolError> {
    let why = "what the person types cannot be recorded: no backend tells a password from other keys in every program, and \
               opendesk hears that the person uses the machine, never which key (docs/adr/0014); do the task by tools after \
               `start`, or keep it by `save_session`";
    Err(Error::new(ErrorCode::CapabilityUnsupported, why).into())
}
