//! Chat completions, which many endpoints understand. A tool's message holds text only, so pictures follow in one of the
//! user's, behind the answers to all calls of the turn.

use serde_json::{Value, json};

use super::super::{Answered, Block, Call, CallError, Format, Tool, data_url, needed, no_call, of_tool};

pub(in crate::tools::formats) fn definition(tool: &Tool) -> Value {
    json!({
        "type": "function",
        "function": {"name": tool.name, "description": tool.description, "parameters": tool.schema()},
    })
}

pub(in crate::tools::formats) fn parse(block: &Value) -> Result<Call, CallError> {
    let format = Format::OpenaiChat;
    let id = needed(format, block, "id")?.to_owned();
    let function = block.get("function").ok_or_else(|| no_call(format, "`function` is missing"))?;
    let name = needed(format, function, "name")?;
    Ok(Call { id, wanted: of_tool(name, &function["arguments"]) })
}

pub(in crate::tools::formats) fn results(answered: &[Answered]) -> Vec<Value> {
    let mut messages = Vec::with_capacity(answered.len() + 1);
    let mut pictures = Vec::new();
    for Answered { call, output } in answered {
        let text = output.all_text();
        let text = if output.is_error { format!("Error: {text}") } else { text };
        messages.push(json!({"role": "tool", "tool_call_id": call.id, "content": text}));
        for block in &output.blocks {
            let Block::Image { mime_type, data } = block else { continue };
            pictures.push(json!({"type": "text", "text": format!("The picture of the call {}:", call.id)}));
            pictures.push(json!({"type": "image_url", "image_url": {"url": data_url(mime_type, data)}}));
        }
    }
    if !pictures.is_empty() {
        messages.push(json!({"role": "user", "content": pictures}));
    }
    messages
}
