//! Text that is only pixels.

use serde::{Deserialize, Serialize};

use super::few::few;
use super::types::{Button, Effect, Modifier, Point, Rect};

/// What `ocr.read` takes: where to read.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct OcrParams {
    /// One display; absent is the whole desktop.
    pub display_id: Option<String>,
    /// A part of the desktop in logical pixels; it must lie within what is read.
    pub region: Option<Rect>,
    /// One window by its id, also what other windows cover of it.
    pub window_id: Option<String>,
    /// The language as the recogniser names it, like `eng` or `deu+eng`; absent is the host's choice.
    pub language: Option<String>,
}

/// A word that was read.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct OcrWord {
    /// What it says.
    pub text: String,
    /// Where it is, in logical pixels of the desktop.
    pub bounds: Rect,
    /// How sure the recogniser is, 0 to 100.
    pub confidence: f64,
    /// The line that it stands in: the words of one line have the same.
    pub line: u32,
}

/// What `ocr.read` gives.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ScreenText {
    /// What was read, in logical pixels.
    pub area: Rect,
    /// The words, line by line.
    pub words: Vec<OcrWord>,
}

/// What `ocr.click` takes.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct OcrClickParams {
    /// One or several words of a line.
    pub text: String,
    /// Which of the places that say so, from 0 in reading order.
    pub occurrence: u32,
    /// The button; left when absent.
    pub button: Option<Button>,
    /// How often, 1 to 3.
    pub clicks: u32,
    /// Keys held meanwhile, at most 16.
    #[serde(deserialize_with = "few::<16, _, _>")]
    pub modifiers: Vec<Modifier>,
    /// Where to look for it.
    pub within: OcrParams,
}

/// What `ocr.click` gives.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct OcrClicked {
    /// Where the click was, in logical pixels.
    pub point: Point,
    /// Where the text is, in logical pixels.
    pub bounds: Rect,
    /// The text as it was read.
    pub text: String,
    /// What became of the click.
    pub effect: Effect,
}
