//! Whether a call can be what it is to be, as far as its arguments alone tell: for calls that are made later, after others.

use serde_json::Value;

use super::target::ToolError;
use super::{app, clipboard, keyboard, mouse, ocr, screenshot, script, ui};

/// Looks at the arguments of a call of a desktop.
///
/// # Errors
/// [`ToolError::Arguments`] for the first thing that is wrong, or that the action lacks or does not take.
pub(crate) fn check(tool: &str, given: &Value) -> Result<(), ToolError> {
    match tool {
        "app" => app::fits(given),
        "clipboard" => clipboard::fits(given),
        "keyboard" => keyboard::fits(given),
        "mouse" => mouse::fits(given),
        "ocr" => ocr::fits(given),
        "screenshot" => screenshot::fits(given),
        "script" => script::fits(given),
        "ui" => ui::fits(given),
        _ => Ok(()),
    }
}
