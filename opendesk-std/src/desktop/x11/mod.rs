//! The desktop of an X server.
//!
//! Two connections: one looks, one acts, each behind a lock of its own, so that no input event waits for a picture.
//! A server that goes away fails the call that notices it; the next call connects again.
//!
//! Coordinates are the root window's pixels. X11 has no logical scaling, so every display's scale factor is 1.

mod capture;
mod connection;
mod input;
mod keyboard;
mod keymap;
mod keysym;
mod layout;
mod legacy;
mod pointer;
mod probe;
mod shm;
mod text;

use core::fmt;
use core::time::Duration;
pub use probe::ProbeWindow;

use capture::Eyes;
use connection::Slot;
use input::Input;

use super::{CaptureArea, Computer, Frame, Key};
use crate::api::{Button, Display, Error, Point, Press, Result};
use crate::cancel::Cancel;

/// An X server's desktop: pictures by MIT-SHM (through the socket where the server is on another machine), input by
/// XTEST, displays by RandR, the pointer's image by XFIXES.
pub struct X11Desktop {
    display: String,
    eyes: Slot<Eyes>,
    input: Slot<Input>,
    capabilities: Vec<&'static str>,
}

impl fmt::Debug for X11Desktop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("X11Desktop")
            .field("display", &self.display)
            .field("capabilities", &self.capabilities)
            .finish_non_exhaustive()
    }
}

impl X11Desktop {
    /// Connects to a display such as `:0`, or to the one that `DISPLAY` names, and finds out what it can do.
    ///
    /// # Errors
    /// [`ErrorCode::Internal`](crate::api::ErrorCode::Internal) when there is no server to connect to. A server
    /// that lacks an extension is no error: what needs it is missing from [`Computer::capabilities`].
    pub fn open(display: Option<&str>) -> Result<Self> {
        let display = display
            .map(str::to_owned)
            .or_else(|| std::env::var("DISPLAY").ok().filter(|name| !name.is_empty()))
            .ok_or_else(|| {
                Error::internal(
                    "DISPLAY is not set, so there is no X server to use; run inside a desktop session or set \
                     DISPLAY, for example to :0",
                )
            })?;
        let eyes = Slot::open(&display, Eyes::start)?;
        let input = Slot::open(&display, Input::start)?;
        let (can_capture, displays) = eyes.with(|eyes| Ok((eyes.can_capture(), eyes.layout()?.displays.len())))?;
        let (can_press, can_type) = input.with(|input| Ok((input.can_press(), input.can_type())))?;
        let capabilities = [
            ("display.capture", can_capture),
            ("display.multi_monitor", can_capture && displays > 1),
            ("input.keyboard", can_press),
            ("input.pointer", can_press),
            ("input.text", can_type),
        ];
        let capabilities = capabilities.into_iter().filter_map(|(name, works)| works.then_some(name)).collect();
        Ok(Self { display, eyes, input, capabilities })
    }

    /// The X server's own key state: the keycodes that it holds for pressed, in ascending order, whoever pressed
    /// them.
    ///
    /// # Errors
    /// [`ErrorCode::Internal`](crate::api::ErrorCode::Internal) when the server went away.
    pub fn pressed_keys(&self) -> Result<Vec<u8>> {
        self.eyes.with(Eyes::pressed_keys)
    }
}

impl Computer for X11Desktop {
    fn name(&self) -> &'static str {
        "x11"
    }

    fn capabilities(&self) -> Vec<&'static str> {
        self.capabilities.clone()
    }

    fn displays(&self) -> Result<Vec<Display>> {
        self.eyes.with(|eyes| Ok(eyes.layout()?.displays))
    }

    fn capture(&self, area: &CaptureArea) -> Result<Frame> {
        self.eyes.with(|eyes| eyes.capture(area))
    }

    fn cursor_position(&self) -> Result<Point> {
        self.eyes.with(Eyes::cursor_position)
    }

    fn move_pointer(&self, to: Point) -> Result<()> {
        self.input.with(|input| input.move_pointer(to))
    }

    fn button(&self, button: Button, press: Press) -> Result<()> {
        self.input.with(|input| input.button(button, press))
    }

    fn scroll(&self, right: f64, up: f64) -> Result<()> {
        self.input.with(|input| input.scroll(right, up))
    }

    fn key(&self, key: Key, press: Press) -> Result<()> {
        self.input.with(|input| input.key(key, press))
    }

    fn type_text(&self, text: &str, pause: Duration, cancel: &Cancel) -> Result<()> {
        self.input.with(|input| input.type_text(text, pause, cancel))
    }
}
