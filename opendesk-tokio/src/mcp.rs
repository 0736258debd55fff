//! The MCP server: the tools of `opendesk-std` over rmcp.

use core::fmt;
use std::sync::Arc;

use opendesk_std::tools::{Block, Hints, INSTRUCTIONS, Output, Session, TOOLS};
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, Implementation, ListToolsResult,
    PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool, ToolAnnotations,
};
use rmcp::service::{RequestContext, RoleServer};
use rmcp::{ErrorData, ServerHandler, ServiceExt};
use serde_json::Value;

/// How the MCP server ends before its client does.
#[derive(Debug)]
pub struct McpError(String);

impl fmt::Display for McpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the MCP session failed: {}", self.0)
    }
}

impl core::error::Error for McpError {}

/// Serves the tools on standard input and output until the client closes them. Nothing else may write to standard
/// output meanwhile: it is the protocol.
///
/// # Errors
/// [`McpError`] when the client breaks the protocol.
pub async fn serve_stdio(session: Arc<Session>) -> Result<(), McpError> {
    serve(session, rmcp::transport::stdio()).await
}

/// Serves the tools on any pair of byte streams until the client closes them.
///
/// # Errors
/// As [`serve_stdio`].
pub async fn serve<R, W>(session: Arc<Session>, streams: (R, W)) -> Result<(), McpError>
where
    R: tokio::io::AsyncRead + Send + Unpin + 'static,
    W: tokio::io::AsyncWrite + Send + Unpin + 'static,
{
    let served = match (Server { session: Arc::clone(&session) }).serve(streams).await {
        Ok(running) => running.waiting().await.map(|_quit| ()).map_err(|error| McpError(error.to_string())),
        // A client that goes away before it says anything has asked for nothing.
        Err(rmcp::service::ServerInitializeError::ConnectionClosed(_)) => Ok(()),
        Err(error) => Err(McpError(error.to_string())),
    };
    session.close().await;
    served
}

#[derive(Clone)]
struct Server {
    session: Arc<Session>,
}

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        let identity = Implementation::new("opendesk", env!("CARGO_PKG_VERSION")).with_title("opendesk");
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(identity)
            .with_instructions(INSTRUCTIONS)
    }

    async fn list_tools(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let tools = TOOLS.iter().map(|tool| {
            Tool::new(tool.name, tool.description, Arc::new(tool.schema()))
                .with_title(tool.title)
                .with_annotations(annotations(tool.hints, tool.title))
        });
        Ok(ListToolsResult::with_all_items(tools.collect()))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        if !TOOLS.iter().any(|tool| tool.name == request.name) {
            let message = format!("no tool is called {:?}", request.name);
            return Err(ErrorData::invalid_params(message, None));
        }
        let arguments = request.arguments.map_or(Value::Null, Value::Object);
        // Dropping the call's future is what cancels it: keys come up, typing stops.
        tokio::select! {
            output = self.session.call_tool(&request.name, arguments) => Ok(result(output).into()),
            () = context.ct.cancelled() => Err(ErrorData::internal_error("cancelled", None)),
        }
    }
}

fn annotations(hints: Hints, title: &str) -> ToolAnnotations {
    ToolAnnotations::with_title(title)
        .read_only(hints.read_only)
        .destructive(hints.destructive)
        .idempotent(hints.idempotent)
        .open_world(hints.open_world)
}

/// Never structured content: clients that show it drop the pictures beside it.
fn result(output: Output) -> CallToolResult {
    let content = output
        .blocks
        .into_iter()
        .map(|block| match block {
            Block::Text(text) => ContentBlock::text(text),
            Block::Image { mime_type, data } => ContentBlock::image(Block::base64(&data), mime_type),
        })
        .collect();
    if output.is_error { CallToolResult::error(content) } else { CallToolResult::success(content) }
}
