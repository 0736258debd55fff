//! OpenAI's Responses API. Nothing is kept by the server: each request has the whole conversation.

use serde_json::{Value, json};

use super::limits::Told;
use super::run::{Answer, End, SYSTEM, Settings, count, joined};

pub(super) fn request(settings: &Settings, tools: &Value, history: &[Value]) -> Value {
    json!({
        "model": settings.model,
        "instructions": SYSTEM,
        "input": history,
        "tools": tools,
        "max_output_tokens": settings.max_tokens,
        "store": false,
        // Without it the model's own thoughts could not be sent back to a server that keeps nothing.
        "include": ["reasoning.encrypted_content"],
        "truncation": "auto",
    })
}

pub(super) fn answer(body: &Value) -> Result<Answer, String> {
    if let Some(why) = body["error"]["message"].as_str() {
        return Err(why.to_owned());
    }
    let output = body["output"].as_array().ok_or("there is no `output`")?;
    let is_call = |item: &&Value| matches!(item["type"].as_str(), Some("computer_call" | "function_call"));
    let parts: Vec<&Value> = output
        .iter()
        .filter(|item| item["type"] == "message")
        .filter_map(|message| message["content"].as_array())
        .flatten()
        .collect();
    let refusals = parts.iter().filter_map(|part| part["refusal"].as_str().map(str::to_owned));
    let refusal = joined(refusals);
    let calls: Vec<Value> = output.iter().filter(is_call).cloned().collect();
    let end = match body["status"].as_str() {
        Some("incomplete") => End::CutOff,
        Some("failed" | "cancelled") => return Err("the response failed without saying why".to_owned()),
        _ if !refusal.is_empty() && calls.is_empty() => End::Refused,
        _ => End::Well,
    };
    let said = joined(parts.iter().filter_map(|part| part["text"].as_str().map(str::to_owned)));
    let usage = &body["usage"];
    let usage = Told {
        input: usage["input_tokens"].as_u64(),
        cached: count(&usage["input_tokens_details"], "cached_tokens"),
        output: usage["output_tokens"].as_u64(),
        ..Told::default()
    };
    let said = if end == End::Refused { refusal } else { said };
    Ok(Answer { items: output.clone(), said, calls, end, usage })
}
