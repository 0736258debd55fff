//! The MCP server: the tools of `opendesk-std` over rmcp, on standard input and output or on HTTP, for clients of the revision
//! 2026-07-28 and of every one before it.

mod approvals;
mod http;
mod presence;
mod progress;
mod resources;
mod server;
mod stdio;
#[cfg(test)]
mod tests;

use core::fmt;
use core::future::pending;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use opendesk_std::tools::Session;
use rmcp::ServiceExt;

pub use self::http::{HttpError, HttpOptions, HttpServer, TOKEN_FILE, Token};
use self::presence::Presence;
use self::server::{Server, Sessions};

/// How the MCP server ends before its client does.
#[derive(Debug)]
pub struct McpError(String);

impl fmt::Display for McpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the MCP session failed: {}", self.0)
    }
}

impl core::error::Error for McpError {}

/// Serves the tools on standard input and output until the client closes them. What anybody else in this process writes to
/// standard output from then on goes to standard error.
///
/// # Errors
/// [`McpError`] when the client breaks the protocol, or the system gives no descriptor.
pub async fn serve_stdio(session: Arc<Session>) -> Result<(), McpError> {
    let (input, output, said) =
        stdio::streams().map_err(|error| McpError(format!("standard output cannot be kept apart: {error}")))?;
    serve_one(session, (input, output), Box::pin(stdio::unread(said))).await
}

/// Serves the tools on any pair of byte streams until the client closes them. What it has asked for is cancelled a moment
/// later.
///
/// # Errors
/// As [`serve_stdio`].
pub async fn serve<R, W>(session: Arc<Session>, streams: (R, W)) -> Result<(), McpError>
where
    R: tokio::io::AsyncRead + Send + Unpin + 'static,
    W: tokio::io::AsyncWrite + Send + Unpin + 'static,
{
    serve_one(session, streams, Box::pin(pending())).await
}

async fn serve_one<R, W>(
    session: Arc<Session>,
    (input, output): (R, W),
    unread: BoxFuture<'static, ()>,
) -> Result<(), McpError>
where
    R: tokio::io::AsyncRead + Send + Unpin + 'static,
    W: tokio::io::AsyncWrite + Send + Unpin + 'static,
{
    let client = Presence::default();
    let streams = (client.heard(input, unread), output);
    serve_with(Server::new(Sessions::One { session: Session::clone(&session), client }), session, streams).await
}

async fn serve_with<R, W>(server: Server, session: Arc<Session>, streams: (R, W)) -> Result<(), McpError>
where
    R: tokio::io::AsyncRead + Send + Unpin + 'static,
    W: tokio::io::AsyncWrite + Send + Unpin + 'static,
{
    let served = match server.serve(streams).await {
        Ok(running) => running.waiting().await.map(|_quit| ()).map_err(|error| McpError(error.to_string())),
        // A client that goes away before it says anything has asked for nothing.
        Err(rmcp::service::ServerInitializeError::ConnectionClosed(_)) => Ok(()),
        Err(error) => Err(McpError(error.to_string())),
    };
    session.close().await;
    served
}
