//! `opendesk mcp`.

use std::sync::Arc;

use super::{Context, interrupted, session};
use crate::args;
use crate::exit::Failure;

/// Standard output is the protocol: nothing is printed here.
pub(super) async fn run(context: &Context, options: &args::Mcp) -> Result<(), Failure> {
    let session = Arc::new(session(&context.home, options.backend));
    tokio::select! {
        served = opendesk_tokio::mcp::serve_stdio(Arc::clone(&session)) => {
            served.map_err(|error| Failure::failed(error.to_string()))
        }
        () = interrupted() => {
            session.close().await;
            Err(Failure::interrupted())
        }
    }
}
