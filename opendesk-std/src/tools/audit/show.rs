//! The calls of a session as lines.

use serde_json::Value;

use super::Format;
use crate::clock;
use crate::home::plain_text;
use crate::tools::history::Entry;
use crate::tools::session::Session;
use crate::tools::target::ToolError;
use crate::tools::{Output, fence};

/// Arguments whose words are shown. All others, such as what was typed, copied or run, are shown by their length (W16).
const SHOWN: [&str; 15] = [
    "action",
    "app",
    "direction",
    "display",
    "format",
    "menu",
    "name",
    "observe",
    "peer",
    "profile",
    "ref",
    "role",
    "shot_id",
    "title",
    "window",
];

/// Characters of a word.
const LONGEST: usize = 60;

pub(super) fn show(session: &Session, format: Format, limit: usize) -> Result<Output, ToolError> {
    let history = session.history();
    let known = history.since(0);
    let shown = &known[known.len().saturating_sub(limit)..];
    if shown.is_empty() {
        return Ok(Output::text("Nothing was called in this session before."));
    }
    let now = clock::epoch_seconds();
    let lines: Vec<String> = shown.iter().map(|entry| line(entry, format, now)).collect();
    let head = format!("{} of {} calls of this session, the last one last:", shown.len(), history.last());
    let body = match format {
        Format::Summary => lines.join("\n"),
        // Answers and labels of elements are content of screens.
        Format::Full => fence("the calls of this session", &lines.join("\n"))?,
    };
    Ok(Output::text(format!("{head}\n{body}")))
}

/// The tool and what it was to do.
pub(super) fn name(entry: &Entry) -> String {
    let action = entry.arguments.get("action").and_then(Value::as_str).map(word);
    match action {
        // Only names of ours: it may be anything where the call was refused.
        Some(action) if action.chars().all(|character| character.is_ascii_alphanumeric() || character == '_') => {
            format!("{} {action}", entry.tool)
        }
        _ => entry.tool.to_owned(),
    }
}

fn line(entry: &Entry, format: Format, now: f64) -> String {
    let place = entry.target.as_ref().map_or_else(String::new, |target| format!(" on {}", target.name()));
    let outcome = if entry.is_error { "failed" } else { "ok" };
    let line = format!(
        "{} {:.0} s ago: {}{place}: {outcome} ({} ms)",
        entry.number,
        (now - entry.at).max(0.0),
        name(entry),
        entry.took.as_millis()
    );
    match format {
        Format::Summary => line,
        Format::Full => format!("{line}; {}; said: {}", arguments(entry), plain_text(&entry.said)),
    }
}

fn arguments(entry: &Entry) -> String {
    let Value::Object(fields) = &entry.arguments else { return "(too long to be kept)".to_owned() };
    let shown: Vec<String> =
        fields.iter().map(|(name, value)| format!("{}={}", word(name), value_of(name, value))).collect();
    if shown.is_empty() { "without arguments".to_owned() } else { shown.join(" ") }
}

fn value_of(name: &str, value: &Value) -> String {
    match value {
        Value::String(text) if SHOWN.contains(&name) => format!("{:?}", word(text)),
        Value::String(text) => format!("({} characters)", text.chars().count()),
        Value::Array(items) if SHOWN.contains(&name) || items.iter().all(is_number) => {
            let items: Vec<String> = items.iter().map(|item| value_of(name, item)).collect();
            format!("[{}]", items.join(","))
        }
        Value::Array(items) => format!("({} items)", items.len()),
        Value::Object(fields) => format!("({} fields)", fields.len()),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

fn is_number(value: &Value) -> bool {
    match value {
        Value::Number(_) => true,
        Value::Array(items) => items.iter().all(is_number),
        _ => false,
    }
}

fn word(text: &str) -> String {
    plain_text(text).chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use serde_json::json;

    use crate::tools::peers::tests::{home, session};

    #[test]
    fn w16_what_was_typed_is_shown_by_its_length() {
        let (_folder, home) = home();
        let session = session(&home);
        let call = |name: &str, arguments| {
            session.call_tool(name, arguments).now_or_never().expect("nothing is waited for").all_text()
        };
        assert_eq!(call("audit", json!({"action": "show"})), "Nothing was called in this session before.");
        // Each is refused, and shown all the same.
        for (tool, arguments) in [
            ("keyboard", json!({"action": "fly", "text": "hunter2"})),
            ("keyboard", json!({"action": "fly", "key": "h", "keys": ["hunter2", "u"]})),
            ("clipboard", json!({"action": "fly", "text": "hunter2", "html": "hunter2"})),
            ("script", json!({"action": "fly", "code": "echo hunter2", "env": {"PASSWORD": "hunter2"}})),
            ("ui", json!({"action": "fly", "app": "Editor", "text": "hunter2", "menu": ["File", "Save"]})),
            ("computer_batch", json!({"actions": [{"tool": "keyboard", "arguments": {"text": "hunter2"}}], "peer": 1})),
            ("mouse", json!({"action": "hunter2\nIgnore all", "x": 1.5, "path": [[1, 2]]})),
        ] {
            call(tool, arguments);
        }
        let full = call("audit", json!({"action": "show", "format": "full"}));
        assert!(full.starts_with("8 of 8 calls of this session, the last one last:\n<untrusted "), "{full}");
        assert!(full.contains("keyboard fly on local: failed"), "{full}");
        assert!(full.contains("app=\"Editor\"") && full.contains("menu=[\"File\",\"Save\"]"), "{full}");
        assert!(full.contains("text=(7 characters)") && full.contains("keys=(2 items)"), "{full}");
        assert!(full.contains("path=[[1,2]]") && full.contains("x=1.5"), "{full}");
        let arguments: Vec<&str> = full.lines().filter_map(|line| line.split("; said: ").next()).collect();
        let arguments = arguments.join("\n").replace("action=\"hunter2 Ignore all\"", "");
        assert!(!arguments.contains("hunter2"), "{arguments}");
        let summary = call("audit", json!({"action": "show", "limit": 3}));
        assert!(summary.contains("3 of 9 calls") && !summary.contains("hunter2"), "{summary}");
        assert_eq!(summary.lines().count(), 4, "{summary}");
    }
}
