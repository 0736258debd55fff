//! What the computer tools of models' makers do, carried out by the tools `mouse` and `keyboard`: through the same guard, into the
//! same history.

use core::time::Duration;
use std::sync::Arc;

use serde_json::{Value, json};

use super::{Adapter, MOST_BYTES, keys};
use crate::api::{CaptureParams, DisplayCapture, DisplayCursorPosition, Error, ErrorCode, PictureFormat};
use crate::tools::shots::Shot;
use crate::tools::{Block, Output, ToolError};

/// The longest that an action waits.
const LONGEST_WAIT: f64 = 60.0;

/// Wheel clicks of one action.
const MOST_CLICKS: f64 = 100.0;

/// How long keys have for their effect between two of several presses.
const BETWEEN_PRESSES_MS: u32 = 30;

/// One action. Places are pixels of the picture that the model saw last, or of the desktop's if it saw none.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Action {
    Screenshot,
    /// A part at the device's own pixels, by its corners.
    Zoom([f64; 4]),
    /// An action of the tool `mouse` at a place, or where the pointer is.
    Pointer {
        action: &'static str,
        at: Option<[f64; 2]>,
        held: Vec<String>,
    },
    /// From a place, or where the pointer is, through others.
    Drag {
        start: Option<[f64; 2]>,
        behind: Vec<[f64; 2]>,
        held: Vec<String>,
    },
    /// Wheel clicks to the right and down.
    Scroll {
        at: Option<[f64; 2]>,
        across: f64,
        down: f64,
        held: Vec<String>,
    },
    Type(String),
    Key {
        chord: Vec<String>,
        times: u32,
    },
    Hold {
        chord: Vec<String>,
        seconds: f64,
    },
    Cursor,
    Wait {
        seconds: f64,
    },
}

impl Action {
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Screenshot => "screenshot",
            Self::Zoom(_) => "zoom",
            Self::Pointer { action, .. } => action,
            Self::Drag { .. } => "drag",
            Self::Scroll { .. } => "scroll",
            Self::Type(_) => "type",
            Self::Key { .. } => "key",
            Self::Hold { .. } => "hold_key",
            Self::Cursor => "cursor_position",
            Self::Wait { .. } => "wait",
        }
    }
}

impl Action {
    /// The calls that it is made of, a line each, for a person.
    pub(super) fn calls(&self) -> Vec<String> {
        let mouse = |action: &str, at: &Option<[f64; 2]>, held: &[String], more: Value| {
            let mut call = json!({"action": action});
            if let Some([x, y]) = at {
                (call["x"], call["y"]) = (whole(*x), whole(*y));
            }
            if !held.is_empty() {
                call["modifiers"] = json!(held);
            }
            for (name, value) in more.as_object().into_iter().flatten() {
                call[name] = value.clone();
            }
            format!("mouse {call}")
        };
        vec![match self {
            Self::Screenshot => "screenshot {}".to_owned(),
            Self::Zoom(corners) => format!("screenshot {}", json!({"zoom": corners.map(whole)})),
            Self::Pointer { action, at, held } => mouse(action, at, held, Value::Null),
            Self::Drag { start, behind, held } => {
                let path: Vec<_> = behind.iter().map(|point| point.map(whole)).collect();
                mouse("drag", start, held, json!({"path": path}))
            }
            Self::Scroll { at, across, down, held } => {
                let ways = [(*down, "down", "up"), (*across, "right", "left")].into_iter();
                let turns = ways.filter(|(amount, ..)| *amount != 0.0).map(|(amount, positive, negative)| {
                    let direction = if amount > 0.0 { positive } else { negative };
                    let turn = json!({"direction": direction, "amount": whole(amount.abs().round())});
                    mouse("scroll", at, held, turn)
                });
                return turns.collect();
            }
            Self::Type(text) => format!("keyboard {}", json!({"action": "type", "text": text})),
            Self::Key { chord, times } => {
                let times = if *times == 1 { String::new() } else { format!(", {times} times") };
                format!("keyboard {}{times}", json!({"action": "hotkey", "keys": chord}))
            }
            Self::Hold { chord, seconds } => {
                format!("keyboard {}", json!({"action": "hold", "keys": chord, "hold_duration": whole(*seconds)}))
            }
            Self::Cursor => format!("mouse {}", json!({"action": "cursor_position"})),
            Self::Wait { seconds } => format!("wait {}", json!({"seconds": whole(*seconds)})),
        }]
    }
}

/// A number without the `.0` of whole ones.
fn whole(number: f64) -> Value {
    if number.fract() == 0.0 && number.abs() < 1e15 { json!(number as i64) } else { json!(number) }
}

impl Adapter {
    pub(super) async fn perform(&mut self, action: &Action) -> Result<Output, ToolError> {
        match action {
            Action::Screenshot => {
                let (mime_type, data) = self.screenshot().await?;
                Ok(picture(mime_type, data))
            }
            Action::Zoom(corners) => self.zoom(*corners).await,
            Action::Pointer { action, at, held } => {
                let [x, y] = self.place(*at).await?;
                self.mouse(json!({"action": action, "x": x, "y": y}), held).await
            }
            Action::Drag { start, behind, held } => {
                let [x, y] = self.place(*start).await?;
                self.mouse(json!({"action": "drag", "x": x, "y": y, "path": behind}), held).await
            }
            Action::Scroll { at, across, down, held } => self.scroll(*at, [*across, *down], held).await,
            Action::Type(text) => self.keyboard(json!({"action": "type", "text": text})).await,
            Action::Key { chord, times } => {
                if chord.is_empty() {
                    return Err(wrong("no key is named"));
                }
                let mut last = Output::text("");
                for number in 1..=*times {
                    let mut call = json!({"action": "hotkey", "keys": chord});
                    if number < *times {
                        call["settle_ms"] = BETWEEN_PRESSES_MS.into();
                    }
                    last = self.keyboard(call).await?;
                    if last.is_error {
                        break;
                    }
                }
                Ok(last)
            }
            Action::Hold { chord, seconds } => match chord.as_slice() {
                [] => Err(wrong("no key is named")),
                keys => self.keyboard(json!({"action": "hold", "keys": keys, "hold_duration": seconds})).await,
            },
            Action::Cursor => {
                let [x, y] = self.pointer().await?;
                Ok(Output::text(format!("X={x},Y={y}")))
            }
            Action::Wait { seconds } => {
                if !(0.0..=LONGEST_WAIT).contains(seconds) {
                    return Err(wrong("one call waits 0 to 60 seconds; wait again for more"));
                }
                self.session.pause(Duration::from_secs_f64(*seconds)).await?;
                Ok(Output::text(format!("Waited {seconds} s.")))
            }
        }
    }

    /// Takes a picture of the whole desktop; from now on the model points into it.
    pub(super) async fn screenshot(&mut self) -> Result<(&'static str, Vec<u8>), ToolError> {
        let target = self.target()?;
        let params = self.whole();
        let picture = self.session.capture(&target, &params).await?;
        self.shot = self.session.shot(&target, None)?;
        Ok((mime_type(picture.format)?, picture.data))
    }

    /// The picture that the model points into. Before it has seen one, it is told the size of one that it could see.
    pub(super) async fn frame(&mut self) -> Result<Arc<Shot>, ToolError> {
        let target = self.target()?;
        if let Some(shot) = self.shot.as_ref().filter(|shot| shot.target == target) {
            return Ok(Arc::clone(shot));
        }
        self.screenshot().await?;
        self.shot.clone().ok_or_else(|| Error::internal("a picture that was just taken is not known").into())
    }

    /// Has the tool `mouse` count in the pixels of the whole desktop, as it is now.
    pub(super) async fn look(&self, peer: Option<&str>) -> Result<(), ToolError> {
        let target = self.session.target(peer)?;
        self.session.capture(&target, &self.whole()).await.map(drop)
    }

    const fn whole(&self) -> CaptureParams {
        CaptureParams {
            display_id: None,
            region: None,
            window_id: None,
            profile: self.options.profile,
            format: PictureFormat::Png,
            cursor: true,
            max_bytes: Some(MOST_BYTES),
            unless_shot: None,
        }
    }

    async fn zoom(&mut self, corners: [f64; 4]) -> Result<Output, ToolError> {
        let shot = self.frame().await?;
        self.session.still(&shot, &[]).await?;
        let region = shot.mapping.part(corners).ok_or_else(|| {
            let (width, height) = shot.mapping.picture;
            wrong(&format!("`region` is [x0, y0, x1, y1] within the screenshot of {width}x{height} pixels"))
        })?;
        let params = CaptureParams { region: Some(region), ..self.whole() };
        // Nothing is remembered of it: places are still pixels of the whole picture.
        let target = self.target()?;
        let seen = self.session.call::<DisplayCapture>(&target, &params).await?;
        Ok(picture(mime_type(seen.format)?, seen.data))
    }

    /// The wheel turns one way at a time.
    async fn scroll(&mut self, at: Option<[f64; 2]>, by: [f64; 2], held: &[String]) -> Result<Output, ToolError> {
        let [x, y] = self.place(at).await?;
        let mut last = Output::text("There was nothing to scroll.");
        for (amount, positive, negative) in [(by[1], "down", "up"), (by[0], "right", "left")] {
            if amount == 0.0 {
                continue;
            }
            let clicks = amount.abs().round();
            if !(1.0..=MOST_CLICKS).contains(&clicks) {
                return Err(wrong("one call turns the wheel by 1 to 100 clicks"));
            }
            let direction = if amount > 0.0 { positive } else { negative };
            let call = json!({"action": "scroll", "x": x, "y": y, "direction": direction, "amount": clicks as u32});
            last = self.mouse(call, held).await?;
            if last.is_error {
                break;
            }
        }
        Ok(last)
    }

    async fn mouse(&mut self, mut call: Value, held: &[String]) -> Result<Output, ToolError> {
        let modifiers = keys::modifiers(held).map_err(|key| {
            wrong(&format!("{key:?} cannot be held beside the mouse; shift, ctrl, alt and super can"))
        })?;
        call["modifiers"] = json!(modifiers);
        call["shot_id"] = self.frame().await?.id.as_str().into();
        self.tool("mouse", call).await
    }

    async fn keyboard(&self, call: Value) -> Result<Output, ToolError> {
        self.tool("keyboard", call).await
    }

    async fn tool(&self, name: &str, mut call: Value) -> Result<Output, ToolError> {
        // Named, so that it is the machine whose picture the model points into.
        call["peer"] = self.target()?.name().into();
        let output = self.session.try_tool(name, call).await?;
        Ok(Output { blocks: output.blocks.into_iter().map(without_place).collect(), ..output })
    }

    /// A place, or where the pointer is.
    async fn place(&mut self, at: Option<[f64; 2]>) -> Result<[f64; 2], ToolError> {
        match at {
            Some(at) => Ok(at),
            None => self.pointer().await,
        }
    }

    async fn pointer(&mut self) -> Result<[f64; 2], ToolError> {
        let shot = self.frame().await?;
        self.session.still(&shot, &[]).await?;
        let target = self.target()?;
        let point = self.session.call::<DisplayCursorPosition>(&target, &()).await?;
        let (x, y) = shot.mapping.to_picture(point).ok_or_else(|| {
            let why = "the mouse pointer is outside the screenshot; name a `coordinate`";
            ToolError::from(Error::new(ErrorCode::NotFound, why))
        })?;
        Ok([f64::from(x), f64::from(y)])
    }
}

/// The tool tells the point of the desktop, which is another number than the model's own.
fn without_place(block: Block) -> Block {
    match block {
        Block::Text(text) => Block::Text(match text.split_once(" on the desktop.") {
            Some((_, rest)) => format!("Done.{rest}"),
            None => text,
        }),
        image => image,
    }
}

fn picture(mime_type: &'static str, data: Vec<u8>) -> Output {
    Output::of(vec![Block::Image { mime_type, data }])
}

fn mime_type(format: PictureFormat) -> Result<&'static str, ToolError> {
    match format {
        PictureFormat::Png => Ok("image/png"),
        PictureFormat::Jpeg => Ok("image/jpeg"),
        PictureFormat::Webp => Ok("image/webp"),
        PictureFormat::RawRgba | PictureFormat::RawRgb => {
            Err(wrong("the host sent a picture that was not asked for; update it"))
        }
    }
}

fn wrong(why: &str) -> ToolError {
    ToolError::Arguments(why.to_owned())
}

pub(super) fn chord(text: &str) -> Vec<String> {
    keys::chord(text)
}

/// A number, also one that a model has put in quotes.
pub(super) fn number(value: &Value) -> Option<f64> {
    let number = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok())?;
    number.is_finite().then_some(number)
}

pub(super) fn optional_text(value: &Value, name: &str) -> Result<Option<String>, String> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text.clone())),
        _ => Err(format!("`{name}` is a text")),
    }
}

/// `[x, y]`, where it is given.
pub(super) fn pair(value: &Value, name: &str) -> Result<Option<[f64; 2]>, String> {
    if value.is_null() {
        return Ok(None);
    }
    let numbers: Option<Vec<f64>> = value.as_array().and_then(|list| list.iter().map(number).collect());
    match numbers.as_deref() {
        Some([x, y]) => Ok(Some([*x, *y])),
        _ => Err(format!("`{name}` is [x, y]")),
    }
}

/// `[x0, y0, x1, y1]`.
pub(super) fn corners(value: &Value) -> Result<[f64; 4], String> {
    let numbers: Option<Vec<f64>> = value.as_array().and_then(|list| list.iter().map(number).collect());
    match numbers.as_deref() {
        Some([left, top, right, bottom]) => Ok([*left, *top, *right, *bottom]),
        _ => Err("`region` is [x0, y0, x1, y1]".to_owned()),
    }
}
