//! OpenAI's Responses API: the computer tool with its batches and safety checks, functions, and results.

pub(super) mod chat;

use serde_json::{Value, json};

use super::computer::{self, Action};
use super::{
    Adapter, Answered, Block, Call, CallError, Format, SafetyCheck, Tool, Wanted, data_url, keys, needed, of_tool,
};

/// Pixels that a click of the wheel scrolls in most programs.
const PIXELS_A_CLICK: f64 = 100.0;

/// How long `wait` waits, which does not say it.
const WAIT_SECONDS: f64 = 2.0;

pub(super) fn computer() -> Value {
    json!({"type": "computer"})
}

/// Not strict: strict functions have no arguments that may be left out.
pub(super) fn definition(tool: &Tool) -> Value {
    json!({
        "type": "function",
        "name": tool.name,
        "description": tool.description,
        "parameters": tool.schema(),
        "strict": false,
    })
}

/// What can be asked for, as it is told.
const ACTIONS: &str = "screenshot, click, double_click, move, drag, scroll, keypress, type and wait";

pub(super) fn parse(block: &Value) -> Result<Call, CallError> {
    let format = Format::OpenaiComputer;
    let id = needed(format, block, "call_id")?.to_owned();
    let wanted = match block["type"].as_str() {
        Some("function_call") => of_tool(needed(format, block, "name")?, &block["arguments"]),
        Some("computer_call") => {
            let actions = match (&block["actions"], &block["action"]) {
                (Value::Array(actions), _) => actions.iter().map(of_action).collect(),
                (_, action @ Value::Object(_)) => of_action(action).map(|action| vec![action]),
                _ => Err("there are no `actions`".to_owned()),
            };
            actions.map_or_else(Wanted::Nonsense, Wanted::Actions)
        }
        _ => return Err(super::no_call(format, "its `type` is neither computer_call nor function_call")),
    };
    Ok(Call { id, wanted })
}

fn of_action(action: &Value) -> Result<Action, String> {
    let name = action["type"].as_str().unwrap_or_default();
    named_action(name, action).map_err(|why| format!("{name:?}: {why}; nothing was executed"))
}

fn named_action(name: &str, action: &Value) -> Result<Action, String> {
    let pointer = |does| Ok(Action::Pointer { action: does, at: Some(place(action)?), held: held(action)? });
    match name {
        "screenshot" => Ok(Action::Screenshot),
        "click" => match action["button"].as_str() {
            Some("left") | None => pointer("click"),
            Some("right") => pointer("right_click"),
            Some("wheel") => pointer("middle_click"),
            Some("back") => pointer("back_click"),
            Some("forward") => pointer("forward_click"),
            Some(_) => Err("`button` is left, right, wheel, back or forward".to_owned()),
        },
        "double_click" => pointer("double_click"),
        "move" => pointer("move"),
        "drag" => {
            let path = action["path"].as_array().map(Vec::as_slice).unwrap_or_default();
            let mut path = path.iter().map(place).collect::<Result<Vec<_>, _>>()?.into_iter();
            let start = path.next().ok_or("`path` has at least two places")?;
            let behind: Vec<[f64; 2]> = path.collect();
            if behind.is_empty() {
                return Err("`path` has at least two places".to_owned());
            }
            Ok(Action::Drag { start: Some(start), behind, held: held(action)? })
        }
        "scroll" => {
            let clicks = |name: &str| -> Result<f64, String> {
                let pixels = if action[name].is_null() { Some(0.0) } else { computer::number(&action[name]) };
                let pixels = pixels.ok_or_else(|| format!("`{name}` is a number of pixels"))?;
                Ok(if pixels == 0.0 { 0.0 } else { (pixels / PIXELS_A_CLICK).abs().round().max(1.0).copysign(pixels) })
            };
            let (across, down) = (clicks("scroll_x")?, clicks("scroll_y")?);
            Ok(Action::Scroll { at: Some(place(action)?), across, down, held: held(action)? })
        }
        "keypress" => match held(action)? {
            chord if chord.is_empty() => Err("it needs `keys`".to_owned()),
            chord => Ok(Action::Key { chord, times: 1 }),
        },
        "type" => {
            action["text"].as_str().map(|text| Action::Type(text.to_owned())).ok_or_else(|| "it needs `text`".into())
        }
        "wait" => Ok(Action::Wait { seconds: WAIT_SECONDS }),
        _ => Err(format!("the computer tool has no such action, but {ACTIONS}")),
    }
}

fn place(place: &Value) -> Result<[f64; 2], String> {
    match (computer::number(&place["x"]), computer::number(&place["y"])) {
        (Some(x), Some(y)) => Ok([x, y]),
        _ => Err("it needs `x` and `y`".to_owned()),
    }
}

fn held(action: &Value) -> Result<Vec<String>, String> {
    let wrong = || "`keys` is a list of names of keys".to_owned();
    match &action["keys"] {
        Value::Null => Ok(Vec::new()),
        Value::Array(names) => names.iter().map(|key| key.as_str().map(keys::named).ok_or_else(wrong)).collect(),
        _ => Err(wrong()),
    }
}

/// What a person has to agree to before a call is carried out.
pub(super) fn safety_checks(block: &Value) -> Vec<SafetyCheck> {
    let text = |check: &Value, name: &str| check[name].as_str().unwrap_or_default().to_owned();
    let checks = block["pending_safety_checks"].as_array().map(Vec::as_slice).unwrap_or_default();
    let parsed = checks.iter().map(|check| SafetyCheck {
        id: text(check, "id"),
        code: text(check, "code"),
        message: text(check, "message"),
    });
    parsed.collect()
}

/// What a function gives: its pictures are pictures, and a failure says so, as there is no field for it.
fn output(Answered { output, .. }: &Answered) -> Vec<Value> {
    let mut parts: Vec<Value> = Vec::new();
    for (index, block) in output.blocks.iter().enumerate() {
        parts.push(match block {
            Block::Text(text) if output.is_error && index == 0 => {
                json!({"type": "input_text", "text": format!("Error: {text}")})
            }
            Block::Text(text) => json!({"type": "input_text", "text": text}),
            Block::Image { mime_type, data } => {
                json!({"type": "input_image", "image_url": data_url(mime_type, data), "detail": "original"})
            }
        });
    }
    parts
}

impl Adapter {
    /// The answer to a call of the Responses API. One of the computer tool has to be answered with a picture of how it is
    /// afterwards, and has no place for a failure: that is told in a message behind it.
    pub(super) async fn openai_result(&mut self, block: &Value, answered: &Answered) -> Vec<Value> {
        let call_id = &answered.call.id;
        if block["type"] != "computer_call" {
            let output = output(answered);
            return vec![json!({"type": "function_call_output", "call_id": call_id, "output": output})];
        }
        let failure = answered.output.is_error.then(|| answered.output.all_text());
        // What the last action looked at is what there is.
        let last_looked = matches!(&answered.call.wanted, Wanted::Actions(actions)
            if matches!(actions.as_slice(), [.., Action::Screenshot]));
        let seen = answered.output.blocks.last().filter(|_| last_looked && failure.is_none());
        let (image_url, unseen) = match seen {
            Some(Block::Image { mime_type, data }) => (data_url(mime_type, data), None),
            _ => match self.screenshot().await {
                Ok((mime_type, data)) => (data_url(mime_type, &data), None),
                Err(error) => {
                    let why = crate::tools::for_agents(&error);
                    (NO_PICTURE.to_owned(), Some(format!("The picture is empty, because none could be taken: {why}")))
                }
            },
        };
        let mut result = json!({
            "type": "computer_call_output",
            "call_id": call_id,
            "output": {"type": "computer_screenshot", "image_url": image_url},
        });
        let checks: Vec<Value> = safety_checks(block)
            .into_iter()
            .map(|SafetyCheck { id, code, message }| json!({"id": id, "code": code, "message": message}))
            .collect();
        if !checks.is_empty() {
            result["acknowledged_safety_checks"] = Value::Array(checks);
        }
        let mut results = vec![result];
        let said: Vec<String> = failure.into_iter().chain(unseen).collect();
        if !said.is_empty() {
            let text = format!("About the call {call_id} of the computer tool: {}", said.join(" "));
            let content = json!([{"type": "input_text", "text": text}]);
            results.push(json!({"type": "message", "role": "user", "content": content}));
        }
        results
    }
}

/// A PNG of one grey pixel, for an answer that must have a picture.
pub(crate) const NO_PICTURE: &str = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg==";
