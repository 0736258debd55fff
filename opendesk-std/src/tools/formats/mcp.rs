//! The shapes of MCP's `tools/list` and `tools/call`.

use serde_json::{Value, json};

use super::{Call, CallError, Format, Tool, needed, of_tool};

pub(super) fn definition(tool: &Tool) -> Value {
    json!({
        "name": tool.name,
        "title": tool.title,
        "description": tool.description,
        "inputSchema": tool.schema(),
        "annotations": {
            "title": tool.title,
            "readOnlyHint": tool.hints.read_only,
            "destructiveHint": tool.hints.destructive,
            "idempotentHint": tool.hints.idempotent,
            "openWorldHint": tool.hints.open_world,
        },
    })
}

pub(super) fn parse(block: &Value) -> Result<Call, CallError> {
    let name = needed(Format::Mcp, block, "name")?;
    Ok(Call { id: name.to_owned(), wanted: of_tool(name, &block["arguments"]) })
}
