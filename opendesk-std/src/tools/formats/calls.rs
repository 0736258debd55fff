//! What models ask for, whatever the format.

use serde_json::{Map, Value, json};

use super::computer::Action;
use super::{CallError, Format};
use crate::tools::{Output, TOOLS};

/// What one block asks for.
#[derive(Debug, Clone)]
pub(super) struct Call {
    /// What the answer is matched by.
    pub(super) id: String,
    pub(super) wanted: Wanted,
}

#[derive(Debug, Clone)]
pub(super) enum Wanted {
    /// One of our tools.
    Tool { name: String, arguments: Value },
    /// What the model's own computer tool does, one after the other.
    Actions(Vec<Action>),
    /// Nothing that can be done; the model is told why.
    Nonsense(String),
}

impl Call {
    /// Whether it is no good any more once one before it has failed.
    pub(super) fn follows(&self) -> bool {
        match &self.wanted {
            Wanted::Tool { name, .. } => !TOOLS.iter().any(|tool| tool.name == name && tool.hints.read_only),
            Wanted::Actions(_) | Wanted::Nonsense(_) => true,
        }
    }
}

/// What came of a call.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) call: Call,
    pub(super) output: Output,
}

/// What a call does, a line for each thing: made of what is carried out, so that nothing else can be shown.
pub(super) fn described(call: &Call) -> Vec<String> {
    match &call.wanted {
        Wanted::Tool { name, arguments } => vec![format!("{name} {arguments}")],
        Wanted::Actions(actions) => actions.iter().flat_map(Action::calls).collect(),
        Wanted::Nonsense(why) => vec![format!("nothing: {why}")],
    }
}

/// Whether a call leaves the mouse button down behind the last call of its list.
pub(super) fn leaves_button_down(call: &Call, all: &[Call]) -> bool {
    let presses = |call: &Call, name: &str| match &call.wanted {
        Wanted::Actions(actions) => actions.iter().any(|action| action.name() == name),
        Wanted::Tool { name: tool, arguments } => tool == "mouse" && arguments["action"] == name,
        Wanted::Nonsense(_) => false,
    };
    let behind = all.iter().skip_while(|other| !core::ptr::eq(*other, call));
    presses(call, "left_down") && !behind.skip(1).any(|other| presses(other, "left_up"))
}

/// The calls in what was given: itself, those of a list, or those of a message.
pub(super) fn blocks(format: Format, given: &Value) -> Result<(Vec<Value>, bool), CallError> {
    let of_message = match format {
        Format::Mcp => None,
        Format::AnthropicToolset | Format::AnthropicComputer | Format::AnthropicTools => {
            given.get("content").filter(|_| given["type"] != "tool_result")
        }
        Format::OpenaiComputer | Format::OpenaiFunctions => {
            given.get("output").filter(|_| given.get("call_id").is_none())
        }
        Format::OpenaiChat | Format::Langchain => given.get("tool_calls"),
    };
    let list = of_message.unwrap_or(given).as_array();
    let Some(list) = list else {
        return if given.is_object() {
            Ok((vec![given.clone()], false))
        } else {
            Err(no_call(format, "it is no object"))
        };
    };
    let calls: Vec<Value> = list.iter().filter(|item| !is_beside(item)).cloned().collect();
    if calls.is_empty() { Err(no_call(format, "there is no call in it")) } else { Ok((calls, true)) }
}

/// What models say beside their calls.
fn is_beside(item: &Value) -> bool {
    matches!(
        item["type"].as_str(),
        Some("text" | "thinking" | "redacted_thinking" | "reasoning" | "message" | "compaction" | "fallback")
    )
}

pub(super) fn no_call(format: Format, why: &str) -> CallError {
    let wanted = match format {
        Format::Mcp => "an object with `name` and `arguments`, as tools/call has them",
        Format::AnthropicToolset | Format::AnthropicComputer | Format::AnthropicTools => {
            "a tool_use block (`type`, `id`, `name`, `input`), a list of them, or the message that has them"
        }
        Format::OpenaiComputer | Format::OpenaiFunctions => {
            "a computer_call or function_call, a list of them, or the response that has them"
        }
        Format::OpenaiChat => {
            "an item of `tool_calls` (`id`, `function`), a list of them, or the message that has them"
        }
        Format::Langchain => "a tool call (`name`, `args`, `id`), a list of them, or the message that has them",
    };
    CallError::Malformed(format!("what was given is no call in this format: {why}; give {wanted}"))
}

/// A text of a block that cannot do without it.
pub(super) fn needed<'a>(format: Format, block: &'a Value, name: &str) -> Result<&'a str, CallError> {
    block.get(name).and_then(Value::as_str).ok_or_else(|| no_call(format, &format!("`{name}` is missing")))
}

/// What a call of one of our tools wants, with arguments as an object or as its text.
pub(super) fn of_tool(name: &str, arguments: &Value) -> Wanted {
    let parsed = match arguments {
        Value::Null => Ok(json!({})),
        Value::String(text) if text.trim().is_empty() => Ok(json!({})),
        Value::String(text) => {
            serde_json::from_str(text).map_err(|error| format!("the arguments are no JSON: {error}"))
        }
        other => Ok(other.clone()),
    };
    match parsed {
        Ok(Value::Object(arguments)) => {
            Wanted::Tool { name: name.to_owned(), arguments: Value::Object(without_null(arguments)) }
        }
        Ok(_) => Wanted::Nonsense("the arguments are no JSON object".to_owned()),
        Err(why) => Wanted::Nonsense(why),
    }
}

/// Some bridges send every argument that a model left out as null.
fn without_null(arguments: Map<String, Value>) -> Map<String, Value> {
    arguments.into_iter().filter(|(_, value)| !value.is_null()).collect()
}
