//! The desktop of the machine we run on: one [`Computer`] trait, the backends that implement it, and the
//! [`Hands`] that remember what is held down.

mod hands;
mod keys;
mod none;
mod select;
pub mod r#virtual;
mod watch;
mod worker;
#[cfg(target_os = "linux")]
pub mod x11;

use core::fmt::Debug;
use core::time::Duration;

pub use hands::Hands;
pub use keys::{Key, UnknownKey};
pub use none::NoDesktop;
pub use select::{Backend, open};
pub use watch::Watch;
pub use worker::{Desk, Reply, Seen};

use crate::api::{
    Button, CaptureParams, ClipboardContents, Display, Error, Notification, Point, Press, Rect, Result, TreeParams,
    UiActionParams, UiElement, Window,
};
use crate::cancel::Cancel;

/// One picture as the backend has it.
#[derive(Clone)]
pub struct Frame {
    /// Device pixels a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Blue, green, red, unused; rows from the top; `width * height * 4` bytes.
    pub pixels: Vec<u8>,
    /// The logical area that the pixels show.
    pub area: Rect,
}

impl Debug for Frame {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Frame")
            .field("width", &self.width)
            .field("height", &self.height)
            .field("area", &self.area)
            .finish_non_exhaustive()
    }
}

/// What part of the desktop to capture.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CaptureArea {
    /// One display by its id; absent is the whole desktop.
    pub display_id: Option<String>,
    /// A part, in logical pixels; it must lie within the display or desktop.
    pub region: Option<Rect>,
    /// Whether to draw the mouse pointer.
    pub cursor: bool,
}

impl From<&CaptureParams> for CaptureArea {
    fn from(params: &CaptureParams) -> Self {
        Self { display_id: params.display_id.clone(), region: params.region, cursor: params.cursor }
    }
}

/// A desktop. Every method may block for as long as the desktop takes, and is called from a worker thread, never
/// from an event loop. Input methods are primitive: what is held, and which modifiers go around an event, is
/// the business of [`Hands`].
///
/// A desktop implements what it has: without an implementation a method refuses, naming the capability that is missing.
/// What [`capabilities`](Self::capabilities) does not name is not asked for by tools, but may be by any controller.
///
/// No method reports success that it cannot stand for: a key, button, window or point that the desktop does not
/// have is an [`Error`] with [`ErrorCode::InvalidArgument`](crate::api::ErrorCode::InvalidArgument), a missing
/// piece of the system is [`Error::unsupported`].
pub trait Computer: Debug + Send + Sync {
    /// The backend's short name, as `--backend` takes it.
    fn name(&self) -> &'static str;

    /// What was probed to work, from the closed list of capability names.
    fn capabilities(&self) -> Vec<&'static str>;

    /// The displays, the primary one first.
    fn displays(&self) -> Result<Vec<Display>> {
        Err(Error::unsupported("display.capture", self.name()))
    }

    /// A picture of the desktop or a part of it.
    fn capture(&self, _area: &CaptureArea) -> Result<Frame> {
        Err(Error::unsupported("display.capture", self.name()))
    }

    /// Where the mouse pointer is.
    fn cursor_position(&self) -> Result<Point> {
        Err(Error::unsupported("input.pointer", self.name()))
    }

    /// Moves the mouse pointer. Points outside every display are refused.
    fn move_pointer(&self, _to: Point) -> Result<()> {
        Err(Error::unsupported("input.pointer", self.name()))
    }

    /// Presses or releases a mouse button where the pointer is.
    fn button(&self, _button: Button, _press: Press) -> Result<()> {
        Err(Error::unsupported("input.pointer", self.name()))
    }

    /// Turns the wheel: clicks to the right and upwards; fractions are rounded to the nearest whole click.
    fn scroll(&self, _right: f64, _up: f64) -> Result<()> {
        Err(Error::unsupported("input.pointer", self.name()))
    }

    /// Presses or releases a key.
    fn key(&self, _key: Key, _press: Press) -> Result<()> {
        Err(Error::unsupported("input.keyboard", self.name()))
    }

    /// Types text of any script into what has the keyboard, pausing after each character, and stops between
    /// two characters with [`ErrorCode::Cancelled`](crate::api::ErrorCode::Cancelled) once `cancel` says so.
    fn type_text(&self, _text: &str, _pause: Duration, _cancel: &Cancel) -> Result<()> {
        Err(Error::unsupported("input.text", self.name()))
    }

    /// The open windows, the one in front first. At most one of them is `focused`: the one that has the keyboard.
    fn windows(&self) -> Result<Vec<Window>> {
        Err(Error::unsupported("windows.list", self.name()))
    }

    /// Brings an open window, named by its [`Window::id`], to the front and gives it the keyboard.
    fn focus_window(&self, _id: &str) -> Result<()> {
        Err(Error::unsupported("windows.manipulate", self.name()))
    }

    /// Gives an open window this place and size, in logical pixels. Bounds that it cannot have are refused, never
    /// brought within what is possible.
    fn move_window(&self, _id: &str, _bounds: Rect) -> Result<()> {
        Err(Error::unsupported("windows.manipulate", self.name()))
    }

    /// Closes an open window.
    fn close_window(&self, _id: &str) -> Result<()> {
        Err(Error::unsupported("windows.manipulate", self.name()))
    }

    /// The names of the applications that run, as the next three methods take them.
    fn apps(&self) -> Result<Vec<String>> {
        Err(Error::unsupported("app.lifecycle", self.name()))
    }

    /// Starts an application, or brings it to the front if it is running.
    fn open_app(&self, _name: &str) -> Result<()> {
        Err(Error::unsupported("app.lifecycle", self.name()))
    }

    /// Ends a running application.
    fn close_app(&self, _name: &str) -> Result<()> {
        Err(Error::unsupported("app.lifecycle", self.name()))
    }

    /// Brings a running application to the front and gives it the keyboard.
    fn focus_app(&self, _name: &str) -> Result<()> {
        Err(Error::unsupported("app.lifecycle", self.name()))
    }

    /// The accessibility tree.
    fn ui_tree(&self, _params: &TreeParams) -> Result<UiElement> {
        Err(Error::unsupported("ui.tree", self.name()))
    }

    /// Does something to one element of the accessibility tree. What keys and buttons are held stays as it is, so that
    /// the ledger of [`Hands`] remains true.
    fn ui_action(&self, _params: &UiActionParams) -> Result<()> {
        Err(Error::unsupported("ui.actions", self.name()))
    }

    /// What the clipboard holds.
    fn clipboard_read(&self) -> Result<ClipboardContents> {
        Err(Error::unsupported("clipboard.read", self.name()))
    }

    /// Replaces what the clipboard holds.
    fn clipboard_write(&self, _contents: &ClipboardContents) -> Result<()> {
        Err(Error::unsupported("clipboard.write", self.name()))
    }

    /// Locks the session of the person at the machine.
    fn lock(&self) -> Result<()> {
        Err(Error::unsupported("power.lock", self.name()))
    }

    /// The notifications that are shown, the newest first.
    fn notifications(&self) -> Result<Vec<Notification>> {
        Err(Error::unsupported("notifications.list", self.name()))
    }
}
