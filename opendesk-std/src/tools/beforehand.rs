//! Whether a call can be what it is to be, as far as its arguments alone tell: before it is made, and for calls that are made
//! later, after others.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::target::ToolError;
use super::{app, arguments, clipboard, keyboard, mouse, ocr, screenshot, script, ui};

/// Arguments of which each can be what the schema says and all together make no sense.
pub(super) trait Sensible: DeserializeOwned + JsonSchema {
    /// # Errors
    /// [`ToolError::Arguments`] for the first thing that the action lacks or does not take.
    fn check(&self) -> Result<(), ToolError>;
}

/// Reads arguments that make sense.
///
/// # Errors
/// [`ToolError::Arguments`] for the first thing that is wrong.
pub(super) fn sensible<A: Sensible>(given: Value) -> Result<A, ToolError> {
    let asked: A = arguments(given)?;
    asked.check()?;
    Ok(asked)
}

/// Looks at the arguments of a call of a desktop.
///
/// # Errors
/// As [`sensible`].
pub(crate) fn check(tool: &str, given: Value) -> Result<(), ToolError> {
    match tool {
        "app" => sensible::<app::Arguments>(given).map(drop),
        "clipboard" => sensible::<clipboard::Arguments>(given).map(drop),
        "keyboard" => sensible::<keyboard::Arguments>(given).map(drop),
        "mouse" => sensible::<mouse::Arguments>(given).map(drop),
        "ocr" => sensible::<ocr::Arguments>(given).map(drop),
        "screenshot" => sensible::<screenshot::Arguments>(given).map(drop),
        "script" => sensible::<script::Arguments>(given).map(drop),
        "ui" => sensible::<ui::Arguments>(given).map(drop),
        _ => Ok(()),
    }
}
