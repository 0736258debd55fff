//! What a viewer wants done, as it says it.

use core::fmt;

use serde::Deserialize;

use super::ViewerId;
use crate::api::{KeyEvent, PointerEvent, TextInput};

/// Events of one batch: what a person does in a second, and no more than are done before another batch is looked at.
pub const MOST_EVENTS: usize = 256;

/// What one viewer wants done, in this order.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// Who wants it.
    pub viewer: ViewerId,
    /// Of the picture that was pointed at, as its packet said.
    pub shape: u64,
    /// At most [`MOST_EVENTS`].
    pub events: Vec<Event>,
}

/// One thing to be done.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Event {
    /// This viewer takes mouse and keyboard, from another one if need be.
    Take,
    /// It gives them back.
    Leave,
    /// All that it holds down comes up.
    Release,
    /// One event of the mouse; its point is a pixel of the picture.
    Pointer(PointerEvent),
    /// One event of the keyboard.
    Key(KeyEvent),
    /// Text to be typed.
    Text(TextInput),
}

/// A batch as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    viewer: u64,
    #[serde(default)]
    shape: u64,
    events: Vec<Event>,
}

impl Batch {
    /// Reads a batch: `{"viewer": 1, "shape": 1, "events": [{"pointer": {…}}, {"key": {…}}, {"text": {…}}, "take",
    /// "leave", "release"]}`.
    ///
    /// # Errors
    /// [`InputError::Malformed`].
    pub fn parse(json: &[u8]) -> Result<Self, InputError> {
        let Written { viewer, shape, events } = serde_json::from_slice(json).map_err(|error| {
            // Its own words can hold what was typed.
            InputError::Malformed(format!("no batch of events; it breaks at character {} of its JSON", error.column()))
        })?;
        if events.len() > MOST_EVENTS {
            let message = format!("{} events at once, and {MOST_EVENTS} are the most; split them", events.len());
            return Err(InputError::Malformed(message));
        }
        Ok(Self { viewer: ViewerId(viewer), shape, events })
    }
}

/// Why a batch, or a part of it, was not done. One line each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InputError {
    /// Viewers may only look.
    LookOnly,
    /// Another viewer has mouse and keyboard, or none has.
    NotDriving,
    /// There is no such viewer any more.
    Gone,
    /// It is no batch, or one that makes no sense.
    Malformed(String),
    /// It was pointed at a picture that shows something else by now, or at nothing.
    Elsewhere(String),
    /// The desktop did not do it, or its owner said no.
    Failed(String),
    /// The show is over.
    Over,
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LookOnly => {
                f.write_str("this page only looks; start `opendesk view` with --control to use the mouse")
            }
            Self::NotDriving => f.write_str("this window has not mouse and keyboard; press Control in it first"),
            Self::Gone => f.write_str("this window does not look any more; load the page again"),
            Self::Malformed(why) | Self::Elsewhere(why) | Self::Failed(why) => f.write_str(why),
            Self::Over => f.write_str("`opendesk view` has ended; start it again"),
        }
    }
}

impl core::error::Error for InputError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{Button, Modifier, Point, PointerAction, Press};

    #[test]
    fn a_batch_is_read_as_the_page_writes_it() {
        let json = r#"{"viewer": 3, "shape": 2, "events": ["take", {"pointer": {"action": "down", "point": {"x": 1.5, "y": 2},
            "button": "x1", "modifiers": ["ctrl"], "dx": 0, "dy": 0}}, {"key": {"action": "up", "keysym": "Tab",
            "modifiers": []}}, {"text": {"text": "ä", "interval_ms": 0}}]}"#;
        let batch = Batch::parse(json.as_bytes()).unwrap();
        let pointer = PointerEvent {
            action: PointerAction::Down,
            point: Point::new(1.5, 2.0),
            button: Some(Button::X1),
            modifiers: vec![Modifier::Ctrl],
            dx: 0.0,
            dy: 0.0,
        };
        let key = KeyEvent { action: Press::Up, keysym: "Tab".to_owned(), modifiers: Vec::new() };
        let text = TextInput { text: "ä".to_owned(), interval_ms: 0 };
        let events = vec![Event::Take, Event::Pointer(pointer), Event::Key(key), Event::Text(text)];
        assert_eq!(batch, Batch { viewer: ViewerId(3), shape: 2, events });
    }

    #[test]
    fn what_is_no_batch_is_refused_without_telling_what_it_held() {
        for json in [
            "",
            "[]",
            r#"{"viewer": 1}"#,
            r#"{"viewer": 1, "events": ["fly"]}"#,
            r#"{"viewer": 1, "events": [{"text": {"text": "hunter2", "interval_ms": "hunter2"}}]}"#,
            r#"{"viewer": 1, "events": [], "hunter2": 1}"#,
            r#"{"viewer": -1, "events": []}"#,
        ] {
            let error = Batch::parse(json.as_bytes()).unwrap_err().to_string();
            assert!(error.contains("no batch of events") && !error.contains("hunter2"), "{json}: {error}");
        }
        let many = format!(r#"{{"viewer": 1, "events": [{}]}}"#, vec![r#""release""#; MOST_EVENTS + 1].join(","));
        assert!(Batch::parse(many.as_bytes()).unwrap_err().to_string().contains("257 events"));
    }
}
