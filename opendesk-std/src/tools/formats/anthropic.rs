//! Anthropic's Messages API: its computer tools, plain tools, and results.

use serde_json::{Value, json};

use super::computer::{self, Action};
use super::{Answered, Block, Call, CallError, Format, Tool, Wanted, needed, of_tool};
use crate::tools::Output;

/// What members of the toolset say that they belong to; the single tool of older models has it as its name.
const FAMILY: &str = "computer";

/// The toolset knows no size of the display: models count in the pixels of the pictures that they get.
pub(super) fn toolset() -> Value {
    json!({"type": "computer_toolset_20260801"})
}

pub(super) fn computer((width, height): (u32, u32)) -> Value {
    json!({
        "type": "computer_20251124",
        "name": FAMILY,
        "display_width_px": width,
        "display_height_px": height,
        "enable_zoom": true,
    })
}

pub(super) fn definition(tool: &Tool) -> Value {
    json!({"name": tool.name, "description": tool.description, "input_schema": tool.schema()})
}

/// What can be asked for, as it is told.
const MEMBERS: &str = "screenshot, zoom, left_click, right_click, middle_click, double_click, triple_click, mouse_move, left_mouse_down, \
     left_mouse_up, left_click_drag, cursor_position, scroll, type, key, hold_key and wait";

pub(super) fn parse(block: &Value) -> Result<Call, CallError> {
    let format = Format::AnthropicToolset;
    let [id, name] = [needed(format, block, "id")?, needed(format, block, "name")?];
    if block["type"] != "tool_use" {
        return Err(super::no_call(format, "its `type` is not tool_use"));
    }
    let input = &block["input"];
    let wanted = if block["toolset_name"] == FAMILY {
        of_member(name, input)
    } else if name == FAMILY {
        of_member(input["action"].as_str().unwrap_or_default(), input)
    } else {
        of_tool(name, input)
    };
    Ok(Call { id: id.to_owned(), wanted })
}

fn of_member(name: &str, input: &Value) -> Wanted {
    match member(name, input) {
        Ok(action) => Wanted::Actions(vec![action]),
        Err(why) => Wanted::Nonsense(format!("{name:?}: {why}")),
    }
}

/// The seventeen members of the toolset, which are also the actions of the single tool.
fn member(name: &str, input: &Value) -> Result<Action, String> {
    let at = || computer::pair(&input["coordinate"], "coordinate");
    let held = || computer::optional_text(&input["text"], "text").map(|text| text.unwrap_or_default());
    let text = || computer::optional_text(&input["text"], "text")?.ok_or_else(|| "it needs `text`".to_owned());
    let seconds = || computer::number(&input["duration"]).ok_or_else(|| "it needs `duration` in seconds".to_owned());
    let pointer = |action| Ok(Action::Pointer { action, at: at()?, held: computer::chord(&held()?) });
    match name {
        "screenshot" => Ok(Action::Screenshot),
        "zoom" => computer::corners(&input["region"]).map(Action::Zoom),
        "left_click" => pointer("click"),
        "right_click" => pointer("right_click"),
        "middle_click" => pointer("middle_click"),
        "double_click" => pointer("double_click"),
        "triple_click" => pointer("triple_click"),
        "mouse_move" => match at()? {
            Some(at) => Ok(Action::Pointer { action: "move", at: Some(at), held: Vec::new() }),
            None => Err("it needs `coordinate`".to_owned()),
        },
        "left_mouse_down" => pointer("left_down"),
        "left_mouse_up" => pointer("left_up"),
        "left_click_drag" => {
            let start = computer::pair(&input["start_coordinate"], "start_coordinate")?;
            let Some(end) = at()? else { return Err("it needs `coordinate`".to_owned()) };
            Ok(Action::Drag { start, behind: vec![end], held: computer::chord(&held()?) })
        }
        "cursor_position" => Ok(Action::Cursor),
        "scroll" => {
            let amount = computer::number(&input["scroll_amount"]).ok_or("it needs `scroll_amount` in wheel clicks")?;
            let (across, down) = match input["scroll_direction"].as_str() {
                Some("up") => (0.0, -amount),
                Some("down") => (0.0, amount),
                Some("left") => (-amount, 0.0),
                Some("right") => (amount, 0.0),
                _ => return Err("`scroll_direction` is up, down, left or right".to_owned()),
            };
            Ok(Action::Scroll { at: at()?, across, down, held: computer::chord(&held()?) })
        }
        "type" => text().map(Action::Type),
        "key" => {
            let times = if input["repeat"].is_null() { Some(1.0) } else { computer::number(&input["repeat"]) };
            let times = times.filter(|times| (1.0..=100.0).contains(times)).ok_or("`repeat` is 1 to 100")?;
            Ok(Action::Key { chord: computer::chord(&text()?), times: times as u32 })
        }
        "hold_key" => Ok(Action::Hold { chord: computer::chord(&text()?), seconds: seconds()? }),
        "wait" => Ok(Action::Wait { seconds: seconds()? }),
        _ => Err(format!("the computer tool has no such action, but {MEMBERS}")),
    }
}

/// The API refuses a failure with anything but text, and one without text.
pub(super) fn result(block: &Value, Answered { call, output }: &Answered) -> Value {
    let mut result = json!({
        "type": "tool_result",
        "tool_use_id": call.id,
        "is_error": output.is_error,
        "content": content(output, !block["toolset_name"].is_null()),
    });
    if let Some(toolset) = block.get("toolset_name").filter(|name| !name.is_null()) {
        result["toolset_name"] = toolset.clone();
    }
    result
}

/// A member that gives a picture gives nothing else.
fn content(output: &Output, is_member: bool) -> Vec<Value> {
    let has_image = output.image().is_some() && !output.is_error;
    let blocks = output.blocks.iter().filter_map(|block| match block {
        Block::Text(text) if text.is_empty() || (is_member && has_image) => None,
        Block::Text(text) => Some(json!({"type": "text", "text": text})),
        Block::Image { .. } if output.is_error => None,
        Block::Image { mime_type, data } => {
            let source = json!({"type": "base64", "media_type": mime_type, "data": Block::base64(data)});
            Some(json!({"type": "image", "source": source}))
        }
    });
    let mut content: Vec<Value> = blocks.collect();
    if content.is_empty() {
        content.push(json!({"type": "text", "text": if output.is_error { "It failed." } else { "Done." }}));
    }
    content
}
