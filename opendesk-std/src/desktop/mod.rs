//! The desktop of the machine we run on: one [`Computer`] trait, the backends that implement it, and the
//! [`Hands`] that remember what is held down.

#[cfg(target_os = "linux")]
mod a11y;
mod deed;
mod hands;
mod keys;
#[cfg(any(target_os = "macos", windows))]
mod native;
mod none;
pub mod ocr;
mod select;
#[cfg(target_os = "linux")]
pub mod session;
pub mod r#virtual;
mod watch;
mod worker;
#[cfg(target_os = "linux")]
pub mod x11;

use core::fmt::Debug;
use core::time::Duration;

pub use deed::{Act, Deed, Heard, Recorder, Recording};
pub use hands::Hands;
pub use keys::{Key, UnknownKey};
pub use none::NoDesktop;
pub use select::{Backend, open};
pub use watch::{Glimpse, Watch};
pub use worker::{Desk, Freed, Reply, Seen};

use crate::api::{
    App, Button, CaptureParams, ClipboardContents, Display, Effect, Error, ErrorCode, Notification, OcrParams, Point,
    Press, Rect, Result, ScreenState, TreeParams, UiActionParams, UiTree, Window,
};
use crate::cancel::Cancel;
use crate::os::command::Variable;

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
    /// A part, in logical pixels of the desktop; it must lie within the display, window or desktop.
    pub region: Option<Rect>,
    /// One window by its id, also what other windows cover of it.
    pub window_id: Option<String>,
    /// Whether to draw the mouse pointer.
    pub cursor: bool,
}

impl CaptureArea {
    /// What a screen is said to be of which this part has only one colour: a part of a desktop may well have.
    pub(crate) const fn seen_as(&self, state: ScreenState) -> ScreenState {
        if self.region.is_some() || self.window_id.is_some() { ScreenState::Shown } else { state }
    }
}

impl From<&CaptureParams> for CaptureArea {
    fn from(params: &CaptureParams) -> Self {
        Self {
            display_id: params.display_id.clone(),
            region: params.region,
            window_id: params.window_id.clone(),
            cursor: params.cursor,
        }
    }
}

impl From<&OcrParams> for CaptureArea {
    fn from(params: &OcrParams) -> Self {
        Self {
            display_id: params.display_id.clone(),
            region: params.region,
            window_id: params.window_id.clone(),
            cursor: false,
        }
    }
}

/// Something that a desktop of its kind could do and this one cannot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// From the closed list of capability names.
    pub capability: &'static str,
    /// One line: what is not there, and what to install or set.
    pub why: String,
}

/// Called when the desktop has changed.
pub type Wake = Box<dyn FnOnce() + Send>;

/// A desktop. Every method may block for as long as the desktop takes, and is called from a worker thread, never
/// from an event loop. Input methods are primitive: what is held, and which modifiers go around an event, is
/// the business of [`Hands`].
///
/// A desktop implements what it has: without an implementation a method refuses, naming the capability that is missing.
/// What [`capabilities`](Self::capabilities) does not name is not asked for by tools, but may be by any controller.
///
/// No method reports success that it cannot stand for: a key, button, window or point that the desktop does not
/// have is an [`Error`] with [`ErrorCode::InvalidArgument`], a missing
/// piece of the system is [`Error::unsupported`].
///
/// What may wait for a program is given a [`Cancel`] and stops waiting, typing and acting once it says so.
///
/// What acts says what it is known to have done ([`Effect`]), as far as that is cheap to ask: it never waits for a
/// program to react longer than a person would notice.
pub trait Computer: Debug + Send + Sync {
    /// The backend's short name, as `--backend` takes it.
    fn name(&self) -> &'static str;

    /// What was probed to work, from the closed list of capability names.
    fn capabilities(&self) -> Vec<&'static str>;

    /// Finds out anew what works, for [`capabilities`](Self::capabilities) and [`missing`](Self::missing): programs that are
    /// needed for it come and go. It may take some seconds, where what is asked does not answer, and delays nothing else.
    fn probe(&self) {}

    /// What the probing found missing.
    fn missing(&self) -> Vec<Missing> {
        Vec::new()
    }

    /// How the environment of a program has to differ from our own for it to be part of the desktop.
    fn session_variables(&self) -> Vec<Variable> {
        Vec::new()
    }

    /// The displays, the primary one first.
    fn displays(&self) -> Result<Vec<Display>> {
        Err(Error::unsupported("display.capture", self.name()))
    }

    /// A picture of the desktop or a part of it.
    fn capture(&self, _area: &CaptureArea) -> Result<Frame> {
        Err(Error::unsupported("display.capture", self.name()))
    }

    /// What the person at the machine sees, as far as the desktop knows without looking at pixels.
    fn screen_state(&self) -> ScreenState {
        ScreenState::Shown
    }

    /// A number that becomes greater whenever what the area shows may have changed; `None` where the desktop does not
    /// know, and the pixels have to be looked at.
    fn generation(&self, _area: &CaptureArea) -> Result<Option<u64>> {
        Ok(None)
    }

    /// Has `wake` called once, from any thread, at the next change that anybody learns of. What changed before is not told:
    /// whoever sleeps asks for the [`generation`](Self::generation) once more after this. False: it is not called, ever.
    fn wake_on_change(&self, _wake: Wake) -> bool {
        false
    }

    /// Has `used` called whenever the person at the machine uses its own mouse or keyboard, from any thread, at most
    /// some times a second. False: it cannot be told apart from what is done by calls.
    fn watch_person(&self, _used: Box<dyn Fn() + Send + Sync>) -> bool {
        false
    }

    /// The program that uses the desktop ends: what it has lent the desktop is given back while it is there to do so. What is on
    /// the clipboard and would go with it is told, so that another program can keep it.
    ///
    /// # Errors
    /// What keeps that from being done.
    fn leave(&self) -> Result<Option<ClipboardContents>> {
        Ok(None)
    }

    /// By what it is told what the person at the machine does with its own mouse and keyboard. Nothing is told before that is
    /// called, and whoever calls it has the person's word for it.
    fn recorder(&self) -> Result<Recorder> {
        let why = format!(
            "what the person does cannot be recorded on the desktop {}, only on x11; do the task by tools after `start`, or keep \
             it by `save_session`",
            self.name()
        );
        Err(Error::new(ErrorCode::CapabilityUnsupported, why))
    }

    /// Where the mouse pointer is.
    fn cursor_position(&self) -> Result<Point> {
        Err(Error::unsupported("input.pointer", self.name()))
    }

    /// Moves the mouse pointer. Points outside every display are refused.
    fn move_pointer(&self, _to: Point) -> Result<Effect> {
        Err(Error::unsupported("input.pointer", self.name()))
    }

    /// Presses or releases a mouse button where the pointer is.
    fn button(&self, _button: Button, _press: Press) -> Result<Effect> {
        Err(Error::unsupported("input.pointer", self.name()))
    }

    /// Turns the wheel: clicks to the right and upwards; fractions are rounded to the nearest whole click.
    fn scroll(&self, _right: f64, _up: f64) -> Result<Effect> {
        Err(Error::unsupported("input.pointer", self.name()))
    }

    /// Presses or releases a key.
    fn key(&self, _key: Key, _press: Press) -> Result<Effect> {
        Err(Error::unsupported("input.keyboard", self.name()))
    }

    /// Types text of any script into what has the keyboard, pausing after each character, and stops between
    /// two characters with [`ErrorCode::Cancelled`] once `cancel` says so.
    fn type_text(&self, _text: &str, _pause: Duration, _cancel: &Cancel) -> Result<Effect> {
        Err(Error::unsupported("input.text", self.name()))
    }

    /// The open windows, the one in front first. At most one of them is `focused`: the one that has the keyboard.
    fn windows(&self) -> Result<Vec<Window>> {
        Err(Error::unsupported("windows.list", self.name()))
    }

    /// Brings an open window, named by its [`Window::id`], to the front and gives it the keyboard.
    fn focus_window(&self, _id: &str) -> Result<Effect> {
        Err(Error::unsupported("windows.manipulate", self.name()))
    }

    /// Gives an open window this place and size, in logical pixels. Bounds that it cannot have are refused, never
    /// brought within what is possible.
    fn move_window(&self, _id: &str, _bounds: Rect) -> Result<Effect> {
        Err(Error::unsupported("windows.manipulate", self.name()))
    }

    /// Asks an open window to close. With `force` the process that it belongs to is ended if it does not.
    fn close_window(&self, _id: &str, _force: bool, _cancel: &Cancel) -> Result<Effect> {
        Err(Error::unsupported("windows.manipulate", self.name()))
    }

    /// The names of the applications that run, as the next three methods take them.
    fn apps(&self) -> Result<Vec<String>> {
        Err(Error::unsupported("app.lifecycle", self.name()))
    }

    /// The applications that can be opened, by name.
    fn installed_apps(&self) -> Result<Vec<App>> {
        Err(Error::unsupported("app.lifecycle", self.name()))
    }

    /// Starts an application, or brings it to the front if it is running.
    fn open_app(&self, _name: &str, _cancel: &Cancel) -> Result<Effect> {
        Err(Error::unsupported("app.lifecycle", self.name()))
    }

    /// Ends a running application.
    fn close_app(&self, _name: &str, _cancel: &Cancel) -> Result<Effect> {
        Err(Error::unsupported("app.lifecycle", self.name()))
    }

    /// Brings a running application to the front and gives it the keyboard.
    fn focus_app(&self, _name: &str) -> Result<Effect> {
        Err(Error::unsupported("app.lifecycle", self.name()))
    }

    /// The accessibility tree, as much of it as there is time for; it stops with
    /// [`ErrorCode::Cancelled`] once `cancel` says so.
    fn ui_tree(&self, _params: &TreeParams, _cancel: &Cancel) -> Result<UiTree> {
        Err(Error::unsupported("ui.tree", self.name()))
    }

    /// Does something to one element of the accessibility tree. What keys and buttons are held stays as it is, so that
    /// the ledger of [`Hands`] remains true.
    fn ui_action(&self, _params: &UiActionParams, _cancel: &Cancel) -> Result<Effect> {
        Err(Error::unsupported("ui.actions", self.name()))
    }

    /// What the clipboard holds.
    fn clipboard_read(&self) -> Result<ClipboardContents> {
        Err(Error::unsupported("clipboard.read", self.name()))
    }

    /// Replaces what the clipboard holds.
    fn clipboard_write(&self, _contents: &ClipboardContents) -> Result<Effect> {
        Err(Error::unsupported("clipboard.write", self.name()))
    }

    /// Locks the session of the person at the machine.
    fn lock(&self, _cancel: &Cancel) -> Result<Effect> {
        Err(Error::unsupported("power.lock", self.name()))
    }

    /// The notifications that are shown, the newest first.
    fn notifications(&self) -> Result<Vec<Notification>> {
        Err(Error::unsupported("notifications.list", self.name()))
    }

    /// Shows a notification on the desktop.
    fn show_notification(&self, _title: &str, _text: &str) -> Result<()> {
        Err(Error::unsupported("notifications.list", self.name()))
    }
}
