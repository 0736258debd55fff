//! What the person at a machine does with its mouse and keyboard, as it is told to whoever records it for them.

use crate::api::{Button, Modifier, Point, Press, Result};
use crate::desktop::Key;

/// One thing that the person did.
#[derive(Debug, Clone, PartialEq)]
pub struct Deed {
    /// Where the pointer was, on the desktop.
    pub at: Point,
    /// The keys that were held with it.
    pub modifiers: Vec<Modifier>,
    /// What it was.
    pub act: Act,
}

/// What the person did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// A button of the mouse.
    Button(Button, Press),
    /// Clicks of the wheel.
    Wheel {
        /// To the right.
        right: i32,
        /// Up.
        up: i32,
    },
    /// A key that writes nothing, or one with Control, Alt or Meta.
    Key(Key),
    /// A part of a text. Which one is not told, to nobody: it may be a part of a password.
    Text,
    /// A key that has no name here.
    Unknown,
}

/// Is told what the person does, in its order, from a thread of the desktop: it must not block.
pub type Heard = Box<dyn Fn(Deed) + Send>;

/// Begins to tell what the person does. It may block for as long as the desktop takes.
pub type Recorder = Box<dyn FnOnce(Heard) -> Result<Recording> + Send>;

/// Ends when it is dropped.
pub struct Recording(#[expect(dead_code, reason = "it is there to be dropped")] Box<dyn Send + Sync>);

impl Recording {
    /// Goes on as long as `guard`.
    pub fn new(guard: impl Send + Sync + 'static) -> Self {
        Self(Box::new(guard))
    }
}

impl core::fmt::Debug for Recording {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Recording(..)")
    }
}
