//! `opendesk mcp`.

use super::{Context, session};
use crate::args;
use crate::exit::Failure;

/// Standard output is the protocol: nothing is printed here.
pub(super) async fn run(context: &Context, options: &args::Mcp) -> Result<(), Failure> {
    let session = session(&context.home, options.backend);
    opendesk_tokio::mcp::serve_stdio(session).await.map_err(|error| Failure::failed(error.to_string()))
}
