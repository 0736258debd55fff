//! `ocr`.

use schemars::JsonSchema;
use serde::Deserialize;

use super::beforehand::{Sensible, sensible};
use super::caller::Touched;
use super::fence::{LONGEST, fence_within, refusal};
use super::observe::{Observe, around};
use super::places::{Places, pixel};
use super::proof::entered;
use super::session::Session;
use super::target::{Target, ToolError};
use super::waiting::told;
use super::{Hints, Output, Tool, fence, given, schema, settle_ms};
use crate::api::{Button, OcrClick, OcrClickParams, OcrParams, OcrRead, OcrWord, Rect, ScreenText};

pub(super) const TOOL: Tool = Tool {
    name: "ocr",
    title: "Read text from the screen",
    description: "Reads the text that a desktop shows, also where `ui` sees nothing. With `click` it finds a text and \
                  clicks on it in one call. Takes some seconds for a whole desktop: name a `window` or a `region`.",
    hints: Hints { read_only: false, destructive: true, idempotent: false, open_world: true },
    schema: schema::of::<Arguments>,
    run: |session, given| {
        Box::pin(async move {
            let asked: Arguments = sensible(given)?;
            let target = session.target(asked.peer.as_deref())?;
            match &asked.click {
                None => read(session, &target, &asked).await,
                Some(text) => {
                    let work = click(session, &target, &asked, text);
                    around(session, &target, asked.observe, asked.settle_ms, work).await
                }
            }
        })
    },
};

/// Lines of which places are told.
const MOST_BOXES: usize = 300;

/// What is reported meanwhile.
const READING: &str = "reading the text on the screen";

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum ButtonName {
    Left,
    Right,
    Middle,
}

impl From<ButtonName> for Button {
    fn from(name: ButtonName) -> Self {
        match name {
            ButtonName::Left => Self::Left,
            ButtonName::Right => Self::Right,
            ButtonName::Middle => Self::Middle,
        }
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Arguments {
    /// The paired machine whose desktop is meant, or `local`; see opendesk_peers.
    peer: Option<String>,
    /// A part of the desktop as [x, y, width, height] in desktop pixels.
    region: Option<[f64; 4]>,
    /// A window, by its id from `app`.
    window: Option<String>,
    /// A display, by its id.
    display: Option<String>,
    /// The languages as the recogniser names them, such as eng or deu+eng.
    language: Option<String>,
    /// Whether each line is told with its place and how sure it is, 0 to 100.
    #[serde(default)]
    boxes: bool,
    /// A text to click on: one or several words of a line.
    click: Option<String>,
    /// Which of several places that say so is clicked on, from 0.
    occurrence: Option<u32>,
    /// The button of the click.
    button: Option<ButtonName>,
    /// How often it is clicked, 1 to 3.
    clicks: Option<u32>,
    /// What to tell of what changed by a click: none, ui (elements), changes (areas), picture (a new screenshot).
    #[serde(default)]
    observe: Observe,
    /// Milliseconds to wait after a click.
    #[serde(default = "settle_ms")]
    settle_ms: u32,
}

impl Sensible for Arguments {
    fn check(&self) -> Result<(), ToolError> {
        let all = [
            ("boxes", self.boxes),
            ("click", self.click.is_some()),
            ("occurrence", self.occurrence.is_some()),
            ("button", self.button.is_some()),
            ("clicks", self.clicks.is_some()),
            ("observe", self.observe != Observe::None),
        ];
        if self.window.is_some() && self.display.is_some() {
            return Err(ToolError::Arguments("`window` and `display` name two places; give one of them".to_owned()));
        }
        match self.click {
            None => given::check("reading", &all, &[], &["boxes"]),
            Some(_) => given::check("a click", &all, &["click"], &["occurrence", "button", "clicks", "observe"]),
        }
    }
}

impl Arguments {
    fn place(&self) -> OcrParams {
        OcrParams {
            display_id: self.display.clone(),
            region: self.region.map(|[x, y, width, height]| Rect::new(x, y, width, height)),
            window_id: self.window.clone(),
            language: self.language.clone(),
        }
    }
}

async fn read(session: &Session, target: &Target, asked: &Arguments) -> Result<Output, ToolError> {
    let place = asked.place();
    let work = session.call::<OcrRead>(target, &place);
    let text = told(session, None, READING, work).await;
    let text = text.map_err(|error| refusal(target, "Nothing was read. The desktop says:", error))?;
    let Rect { x, y, width, height } = text.area;
    let where_ = format!("{width}x{height} of the desktop from {x},{y}");
    let prefix = target.prefix();
    if text.words.is_empty() {
        return Ok(Output::text(format!("{prefix}No text was read in {where_}.")));
    }
    let lines = lines(&text);
    if !asked.boxes {
        let said: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
        let about = format!("{prefix}{} lines were read in {where_}.", lines.len());
        let fenced = fence_within("the screen", &said.join("\n"), LONGEST)?;
        return Ok(Output::text(format!("{about}\n{fenced}")));
    }
    let places = Places::of(session, target)?;
    let shown: Vec<String> = lines.iter().take(MOST_BOXES).map(|line| line.with_place(places)).collect();
    let left_out = lines.len() - shown.len();
    let more = if left_out == 0 { String::new() } else { format!(" {left_out} more are left out.") };
    let about = format!(
        "{prefix}{} lines were read in {where_}. Places are middles and sizes, in {}; behind them how sure the line \
         is.{more}",
        lines.len(),
        places.unit()
    );
    Ok(Output::text(format!("{about}\n{}", fence_within("the screen", &shown.join("\n"), LONGEST)?)))
}

async fn click(session: &Session, target: &Target, asked: &Arguments, text: &str) -> Result<String, ToolError> {
    let params = OcrClickParams {
        text: text.to_owned(),
        occurrence: asked.occurrence.unwrap_or_default(),
        button: asked.button.map(Button::from),
        clicks: asked.clicks.unwrap_or(1),
        modifiers: Vec::new(),
        within: asked.place(),
    };
    let touched = Touched { app: String::new(), window: String::new(), role: "text".to_owned(), name: text.to_owned() };
    session.caller.touch(touched);
    let work = session.call::<OcrClick>(target, &params);
    let clicked = told(session, None, READING, work).await;
    let clicked = clicked.map_err(|error| refusal(target, "Nothing was clicked. The desktop says:", error))?;
    let proof = entered(session, target, clicked.effect);
    let at = pixel(clicked.point);
    let read = fence("the screen", &clicked.text)?;
    Ok(format!("Clicked on the text, in the middle of it at {at} on the desktop.{proof} It was read as:\n{read}"))
}

/// A line of text.
#[derive(Debug, PartialEq)]
struct Line {
    text: String,
    bounds: Rect,
    confidence: f64,
}

impl Line {
    fn with_place(&self, places: Places) -> String {
        format!("{} ({}) {}", places.of_rect(self.bounds), self.confidence.round(), self.text)
    }
}

fn lines(text: &ScreenText) -> Vec<Line> {
    text.words.chunk_by(|one, other| one.line == other.line).map(line).collect()
}

/// As sure as its least sure word.
fn line(words: &[OcrWord]) -> Line {
    let edge = |of: fn(&Rect) -> f64, better: fn(f64, f64) -> f64, worst: f64| {
        words.iter().map(|word| of(&word.bounds)).fold(worst, better)
    };
    let (left, top) =
        (edge(|bounds| bounds.x, f64::min, f64::INFINITY), edge(|bounds| bounds.y, f64::min, f64::INFINITY));
    let right = edge(|bounds| bounds.x + bounds.width, f64::max, f64::NEG_INFINITY);
    let bottom = edge(|bounds| bounds.y + bounds.height, f64::max, f64::NEG_INFINITY);
    let text: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
    Line {
        text: text.join(" "),
        bounds: Rect::new(left, top, right - left, bottom - top),
        confidence: words.iter().map(|word| word.confidence).fold(100.0, f64::min),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::tools::arguments;

    #[test]
    fn words_of_a_line_are_one_line_with_one_place() {
        let word = |text: &str, x: f64, confidence: f64, line: u32| OcrWord {
            text: text.to_owned(),
            bounds: Rect::new(x, 10.0, 20.0, 8.0),
            confidence,
            line,
        };
        let words = vec![word("Save", 0.0, 90.0, 0), word("file", 30.0, 70.0, 0), word("Quit", 0.0, 99.0, 1)];
        let lines = lines(&ScreenText { area: Rect::default(), words });
        assert_eq!(lines.len(), 2);
        assert_eq!(
            lines[0],
            Line { text: "Save file".to_owned(), bounds: Rect::new(0.0, 10.0, 50.0, 8.0), confidence: 70.0 }
        );
    }

    #[test]
    fn what_belongs_to_a_click_is_refused_without_one() {
        let check = |given: Value| {
            let asked: Arguments = arguments(given).unwrap();
            asked.check().map_err(|error| error.to_string())
        };
        assert_eq!(check(serde_json::json!({"click": "Save", "clicks": 2})), Ok(()));
        let error = check(serde_json::json!({"clicks": 2})).unwrap_err();
        assert!(error.contains("`clicks` does not go with reading"), "{error}");
        let error = check(serde_json::json!({"click": "Save", "boxes": true})).unwrap_err();
        assert!(error.contains("`boxes` does not go with a click"), "{error}");
    }
}
