//! LangChain: what a `StructuredTool` is made of, its tool calls, and the fields of its `ToolMessage`. Pictures are in the
//! artifact, which no model sees; see docs/AGENTS.md.

use serde_json::{Value, json};

use super::{Answered, Block, Call, CallError, Format, Tool, needed, of_tool};

pub(super) fn definition(tool: &Tool) -> Value {
    json!({
        "name": tool.name,
        "description": tool.description,
        "args_schema": tool.schema(),
        "response_format": "content_and_artifact",
    })
}

pub(super) fn parse(block: &Value) -> Result<Call, CallError> {
    let name = needed(Format::Langchain, block, "name")?;
    Ok(Call { id: block["id"].as_str().unwrap_or_default().to_owned(), wanted: of_tool(name, &block["args"]) })
}

pub(super) fn result(block: &Value, Answered { call, output }: &Answered) -> Value {
    let images: Vec<Value> = output
        .blocks
        .iter()
        .filter_map(|block| match block {
            Block::Image { mime_type, data } => Some(json!({"mime_type": mime_type, "base64": Block::base64(data)})),
            Block::Text(_) => None,
        })
        .collect();
    json!({
        "type": "tool",
        "name": block["name"],
        "tool_call_id": call.id,
        "status": if output.is_error { "error" } else { "success" },
        "content": output.all_text(),
        "artifact": {"images": images},
    })
}
