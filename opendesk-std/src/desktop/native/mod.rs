//! The desktops of macOS and Windows, as far as three cross-platform libraries reach: pictures, displays and the list of
//! windows (xcap), mouse and keyboard (enigo), the clipboard (arboard); on macOS notifications of our own (osascript).
//!
//! On macOS nobody has run it yet, nor on Windows: it is written after the libraries' documentation. Under Wine it takes
//! pictures, clicks, types and writes to the clipboard (`cargo ci windows`). What it lacks (the accessibility tree, windows
//! that are moved, applications, notifications) is refused as unsupported.

mod clipboard;
mod keys;
#[cfg(target_os = "macos")]
mod notify;
mod pictures;

use core::fmt;
use core::time::Duration;
use std::sync::{Mutex, MutexGuard, PoisonError};

use enigo::{Axis, Coordinate, Direction, Enigo, Keyboard as _, Mouse as _, Settings};

use super::{CaptureArea, Computer, Frame, Key, Missing};
use crate::api::{Button, ClipboardContents, Display, Effect, Error, Point, Press, Result, Window};
use crate::cancel::Cancel;

/// What the operating system offers.
pub(super) struct NativeDesktop {
    hands: Mutex<Enigo>,
    clipboard: Mutex<arboard::Clipboard>,
    capabilities: Vec<&'static str>,
    missing: Vec<Missing>,
}

impl fmt::Debug for NativeDesktop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NativeDesktop").field("capabilities", &self.capabilities).finish_non_exhaustive()
    }
}

impl NativeDesktop {
    /// Finds out what this machine lets us do.
    ///
    /// # Errors
    /// [`ErrorCode::Internal`](crate::api::ErrorCode::Internal) when it lets us neither use the mouse nor the clipboard.
    pub(super) fn open() -> Result<Self> {
        let hands = Enigo::new(&Settings::default()).map_err(|error| {
            Error::internal(format!(
                "mouse and keyboard of this machine cannot be used ({error}); allow it in the system's privacy settings"
            ))
        })?;
        let clipboard = arboard::Clipboard::new()
            .map_err(|error| Error::internal(format!("the clipboard of this machine cannot be used: {error}")))?;
        let mut capabilities =
            vec!["clipboard.read", "clipboard.write", "input.keyboard", "input.pointer", "input.text"];
        let mut missing = Vec::new();
        match pictures::displays() {
            Ok(displays) => {
                capabilities.push("display.capture");
                capabilities.extend((displays.len() > 1).then_some("display.multi_monitor"));
            }
            Err(error) => missing.push(Missing {
                capability: "display.capture",
                why: format!("{error}; allow screen recording in the system's privacy settings"),
            }),
        }
        match pictures::windows() {
            Ok(_) => capabilities.push("windows.list"),
            Err(error) => missing.push(Missing { capability: "windows.list", why: error.message }),
        }
        Ok(Self { hands: Mutex::new(hands), clipboard: Mutex::new(clipboard), capabilities, missing })
    }

    fn hands(&self) -> MutexGuard<'_, Enigo> {
        self.hands.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn clipboard(&self) -> MutexGuard<'_, arboard::Clipboard> {
        self.clipboard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is delivered by a library that does not read back.
fn delivered(outcome: enigo::InputResult<()>) -> Result<Effect> {
    match outcome {
        Ok(()) => Ok(Effect::Unverifiable),
        Err(error) => Err(Error::internal(format!("this machine did not take the input: {error}"))),
    }
}

const fn direction(press: Press) -> Direction {
    match press {
        Press::Down => Direction::Press,
        Press::Up => Direction::Release,
    }
}

impl Computer for NativeDesktop {
    fn name(&self) -> &'static str {
        std::env::consts::OS
    }

    fn capabilities(&self) -> Vec<&'static str> {
        self.capabilities.clone()
    }

    fn missing(&self) -> Vec<Missing> {
        self.missing.clone()
    }

    fn displays(&self) -> Result<Vec<Display>> {
        pictures::displays()
    }

    fn capture(&self, area: &CaptureArea) -> Result<Frame> {
        pictures::capture(area)
    }

    fn cursor_position(&self) -> Result<Point> {
        let (x, y) = self
            .hands()
            .location()
            .map_err(|error| Error::internal(format!("this machine does not say where its pointer is: {error}")))?;
        Ok(Point::new(f64::from(x), f64::from(y)))
    }

    fn move_pointer(&self, to: Point) -> Result<Effect> {
        if !self.displays()?.iter().any(|display| display.bounds.contains(to)) {
            return Err(Error::invalid(format!("({}, {}) is outside every display", to.x, to.y)));
        }
        let (x, y) = (to.x.floor() as i32, to.y.floor() as i32);
        let mut hands = self.hands();
        delivered(hands.move_mouse(x, y, Coordinate::Abs))?;
        Ok(match hands.location() {
            Ok(place) if place == (x, y) => Effect::Confirmed,
            Ok(_) => Effect::NoEffect,
            Err(_) => Effect::Unverifiable,
        })
    }

    fn button(&self, button: Button, press: Press) -> Result<Effect> {
        let button = match button {
            Button::Left => enigo::Button::Left,
            Button::Right => enigo::Button::Right,
            Button::Middle => enigo::Button::Middle,
            Button::X1 => enigo::Button::Back,
            Button::X2 => enigo::Button::Forward,
        };
        delivered(self.hands().button(button, direction(press)))
    }

    fn scroll(&self, right: f64, up: f64) -> Result<Effect> {
        let mut hands = self.hands();
        for (clicks, axis) in [(-up.round(), Axis::Vertical), (right.round(), Axis::Horizontal)] {
            if clicks != 0.0 {
                delivered(hands.scroll(clicks as i32, axis))?;
            }
        }
        Ok(Effect::Unverifiable)
    }

    fn key(&self, key: Key, press: Press) -> Result<Effect> {
        let known = keys::of(key).ok_or_else(|| {
            Error::invalid(format!("the keyboard of this machine has no key {key:?}; choose another"))
        })?;
        delivered(self.hands().key(known, direction(press)))
    }

    fn type_text(&self, text: &str, pause: Duration, cancel: &Cancel) -> Result<Effect> {
        if let Some(control) = text.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
            let message = format!("no key types U+{:04X}; only line ends and tabs can be typed", u32::from(control));
            return Err(Error::invalid(message));
        }
        for line in text.replace("\r\n", "\n").split_inclusive(['\n', '\t']) {
            let (words, end) = match line.strip_suffix('\n') {
                Some(words) => (words, Some(enigo::Key::Return)),
                None => line.strip_suffix('\t').map_or((line, None), |words| (words, Some(enigo::Key::Tab))),
            };
            if pause.is_zero() {
                cancel.check()?;
                delivered(self.hands().text(words))?;
            } else {
                for character in words.chars() {
                    cancel.check()?;
                    delivered(self.hands().text(character.encode_utf8(&mut [0; 4])))?;
                    wait(pause);
                }
            }
            if let Some(key) = end {
                cancel.check()?;
                delivered(self.hands().key(key, Direction::Click))?;
                wait(pause);
            }
        }
        Ok(Effect::Unverifiable)
    }

    fn windows(&self) -> Result<Vec<Window>> {
        pictures::windows()
    }

    fn clipboard_read(&self) -> Result<ClipboardContents> {
        clipboard::read(&mut self.clipboard())
    }

    fn clipboard_write(&self, contents: &ClipboardContents) -> Result<Effect> {
        clipboard::write(&mut self.clipboard(), contents)
    }

    #[cfg(target_os = "macos")]
    fn show_notification(&self, title: &str, text: &str) -> Result<()> {
        notify::show(title, text)
    }
}

#[expect(clippy::disallowed_methods, reason = "the pause that was asked for")]
fn wait(pause: Duration) {
    if !pause.is_zero() {
        std::thread::sleep(pause);
    }
}
