//! Anthropic's Messages API.

use serde_json::{Value, json};

use super::limits::Told;
use super::run::{Answer, End, SYSTEM, Settings, count, joined};

/// So many calls' results stay where the server clears old ones, and from so many on it does.
const KEPT_CALLS: u32 = 6;
const MOST_CALLS: u32 = 24;

pub(super) fn request(settings: &Settings, tools: &Value, history: &[Value]) -> Value {
    let mut messages = history.to_vec();
    cache_up_to_here(&mut messages);
    let mut request = json!({
        "model": settings.model,
        "max_tokens": settings.max_tokens,
        "system": [{"type": "text", "text": SYSTEM, "cache_control": {"type": "ephemeral"}}],
        "tools": tools,
        "messages": messages,
    });
    // Where thoughts keep the history from being changed, the server forgets what is old.
    if settings.is_first_party && has_thoughts(history) {
        request["context_management"] = json!({"edits": [{
            "type": "clear_tool_uses_20250919",
            "trigger": {"type": "tool_uses", "value": MOST_CALLS},
            "keep": {"type": "tool_uses", "value": KEPT_CALLS},
        }]});
    }
    request
}

/// The server keeps what it has read up to the end of the last message, and finds it the next time.
fn cache_up_to_here(messages: &mut [Value]) {
    let Some(content) = messages.last_mut().map(|message| &mut message["content"]) else { return };
    if let Some(text) = content.as_str() {
        *content = json!([{"type": "text", "text": text}]);
    }
    if let Some(last) = content.as_array_mut().and_then(|blocks| blocks.last_mut()) {
        last["cache_control"] = json!({"type": "ephemeral"});
    }
}

pub(super) fn has_thoughts(history: &[Value]) -> bool {
    history
        .iter()
        .filter_map(|message| message["content"].as_array())
        .flatten()
        .any(|block| matches!(block["type"].as_str(), Some("thinking" | "redacted_thinking")))
}

pub(super) fn answer(body: &Value) -> Result<Answer, String> {
    let content = body["content"].as_array().ok_or("there is no `content`")?;
    let of_type = |name: &'static str| content.iter().filter(move |block| block["type"] == name);
    let calls: Vec<Value> = of_type("tool_use").cloned().collect();
    let end = match body["stop_reason"].as_str() {
        Some("max_tokens" | "model_context_window_exceeded") => End::CutOff,
        Some("refusal") => End::Refused,
        Some("pause_turn") => End::Paused,
        _ => End::Well,
    };
    let usage = &body["usage"];
    let (cached, written) = (count(usage, "cache_read_input_tokens"), count(usage, "cache_creation_input_tokens"));
    let usage = Told {
        input: usage["input_tokens"].as_u64().map(|input| input.saturating_add(cached).saturating_add(written)),
        cached,
        written,
        output: usage["output_tokens"].as_u64(),
    };
    Ok(Answer {
        // An empty answer is the end, and no message that could be sent back.
        items: if content.is_empty() { Vec::new() } else { vec![json!({"role": "assistant", "content": content})] },
        said: joined(of_type("text").filter_map(|block| block["text"].as_str().map(str::to_owned))),
        calls,
        end,
        usage,
    })
}
