//! Chat completions, as OpenAI and many others have them.

use serde_json::{Value, json};

use super::limits::Told;
use super::run::{Answer, End, SYSTEM, Settings, count};

pub(super) fn request(settings: &Settings, tools: &Value, history: &[Value]) -> Value {
    let system = json!({"role": "system", "content": SYSTEM});
    let messages: Vec<&Value> = core::iter::once(&system).chain(history).collect();
    let mut request = json!({"model": settings.model, "messages": messages, "tools": tools});
    // OpenAI's own refuses the name that all others know.
    let most = if settings.is_first_party { "max_completion_tokens" } else { "max_tokens" };
    request[most] = settings.max_tokens.into();
    request
}

pub(super) fn answer(body: &Value) -> Result<Answer, String> {
    let choice = &body["choices"][0];
    let message = choice["message"].as_object().ok_or("there is no `choices[0].message`")?;
    let text = |name: &str| message.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let calls = match message.get("tool_calls") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(calls)) => calls.clone(),
        Some(_) => return Err("`tool_calls` is no list".to_owned()),
    };
    let refusal = text("refusal");
    let end = match choice["finish_reason"].as_str() {
        Some("length") => End::CutOff,
        Some("content_filter") => End::Refused,
        _ if !refusal.is_empty() && calls.is_empty() => End::Refused,
        _ => End::Well,
    };
    let mut item = json!({"role": "assistant", "content": message.get("content")});
    if !calls.is_empty() {
        item["tool_calls"] = Value::Array(calls.clone());
    }
    let usage = &body["usage"];
    let usage = Told {
        input: usage["prompt_tokens"].as_u64(),
        cached: count(&usage["prompt_tokens_details"], "cached_tokens"),
        output: usage["completion_tokens"].as_u64(),
        ..Told::default()
    };
    let said = if end == End::Refused && !refusal.is_empty() { refusal } else { text("content") };
    Ok(Answer { items: vec![item], said, calls, end, usage })
}
