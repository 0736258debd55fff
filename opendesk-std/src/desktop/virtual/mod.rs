//! A small desktop inside the process, drawn by software: two windows, a panel, a pointer, a clipboard and an
//! accessibility tree. It needs no display server and knows no clock and no chance: the same inputs give the same
//! pixels.
//!
//! Windows: **Notes** (`virtual-1`), a text editor, and **Controls** (`virtual-2`), a counter with its button, a
//! check box, a field, a password field and a menu. They are moved by their title bars, closed by the button at
//! the right of it or Alt+F4, opened again from the panel and switched by Alt+Tab. Each is an application of the same
//! name, so all of this can be done by name too, and every element of the tree has a reference that stays the same.

mod actions;
mod apps;
mod chrome;
mod clipboard;
mod controls;
mod controls_view;
mod cursor;
mod editing;
mod editor;
mod entry;
mod form;
mod geometry;
mod handle;
mod keyboard;
mod notes;
mod paint;
mod screen;
mod text;
mod theme;
mod tree;
mod windows;
mod wrap;

use core::fmt;
use core::time::Duration;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use self::editing::Field;
use self::geometry::{Area, Spot};
use self::screen::Screen;
use super::{CaptureArea, Computer, Frame, Key};
use crate::api::{
    Button, ClipboardContents, Display, Error, ErrorCode, Point, Press, Rect, Result, TreeParams, UiActionParams,
    UiElement, Window,
};
use crate::cancel::Cancel;

/// Width and height of a desktop made by [`VirtualDesktop::default`], in pixels.
pub const DEFAULT_SIZE: (u32, u32) = (1280, 800);
/// The least width and height, in pixels: what the windows need to be of use.
pub const MIN_SIZE: (u32, u32) = (320, 240);
/// The greatest width and height, in pixels, so that a picture stays within a quarter of a gigabyte.
pub const MAX_SIZE: (u32, u32) = (8192, 8192);

/// The only display's id.
const DISPLAY: &str = "1";
/// How long a pause between two characters goes on without a look at the cancel flag.
const NAP: Duration = Duration::from_millis(20);

/// A desktop inside the process; see the [module](self).
///
/// Its one display has the id `1`, a scale of 1 and its origin at (0, 0). The keyboard has the US layout without
/// auto-repeat. Everything happens before a method returns, so a picture taken next shows its effect.
pub struct VirtualDesktop {
    area: Area,
    screen: Mutex<Screen>,
}

impl fmt::Debug for VirtualDesktop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VirtualDesktop")
            .field("width", &self.area.w)
            .field("height", &self.area.h)
            .finish_non_exhaustive()
    }
}

impl Default for VirtualDesktop {
    fn default() -> Self {
        let (width, height) = DEFAULT_SIZE;
        Self::new(width, height)
    }
}

impl VirtualDesktop {
    /// A desktop of this size in pixels, brought within [`MIN_SIZE`] and [`MAX_SIZE`]. Both windows are open, the
    /// editor has the keyboard, and the pointer is in the middle.
    #[must_use]
    pub fn new(width: u32, height: u32) -> Self {
        let width = width.clamp(MIN_SIZE.0, MAX_SIZE.0) as i32;
        let height = height.clamp(MIN_SIZE.1, MAX_SIZE.1) as i32;
        let screen = Screen::new(width, height);
        Self { area: screen.area(), screen: Mutex::new(screen) }
    }

    /// The keys that are down, sorted: what an outside observer of the desktop sees.
    #[must_use]
    pub fn held_keys(&self) -> Vec<Key> {
        self.screen().held_keys()
    }

    /// The mouse buttons that are down, sorted: what an outside observer of the desktop sees.
    #[must_use]
    pub fn held_buttons(&self) -> Vec<Button> {
        self.screen().held_buttons()
    }

    /// The text in the Notes window, open or not: what an outside observer of the desktop sees.
    #[must_use]
    pub fn editor_text(&self) -> String {
        self.screen().editor_text()
    }

    /// The number beside the Count button: what an outside observer of the desktop sees.
    #[must_use]
    pub fn counter(&self) -> u32 {
        self.screen().counter()
    }

    /// The state. Whoever panicked while holding it left it whole enough to go on with.
    fn screen(&self) -> MutexGuard<'_, Screen> {
        self.screen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The pixels that a region touches.
    fn pixels_of(&self, region: Rect) -> Result<Area> {
        let (width, height) = (f64::from(self.area.w), f64::from(self.area.h));
        let (right, bottom) = (region.x + region.width, region.y + region.height);
        let starts = region.x >= 0.0 && region.y >= 0.0 && region.x < width && region.y < height;
        let ends = region.width > 0.0 && region.height > 0.0 && right <= width && bottom <= height;
        if !starts || !ends {
            return Err(Error::invalid(format!(
                "the region of {}×{} at ({}, {}) is empty or not on the virtual desktop; it must lie within {}",
                region.width,
                region.height,
                region.x,
                region.y,
                self.extent()
            )));
        }
        let (x, y) = (region.x.floor() as i32, region.y.floor() as i32);
        Ok(Area::new(x, y, (right.ceil() as i32 - x).max(1), (bottom.ceil() as i32 - y).max(1)))
    }

    /// The desktop's size, for messages.
    fn extent(&self) -> String {
        format!("{}×{} at (0, 0)", self.area.w, self.area.h)
    }
}

impl Computer for VirtualDesktop {
    fn name(&self) -> &'static str {
        "virtual"
    }

    fn capabilities(&self) -> Vec<&'static str> {
        vec![
            "app.lifecycle",
            "clipboard.read",
            "clipboard.write",
            "display.capture",
            "input.keyboard",
            "input.pointer",
            "input.text",
            "ui.actions",
            "ui.tree",
            "windows.list",
            "windows.manipulate",
        ]
    }

    fn displays(&self) -> Result<Vec<Display>> {
        Ok(vec![Display {
            id: DISPLAY.to_owned(),
            bounds: self.area.rect(),
            scale_factor: 1.0,
            primary: true,
            name: Some("Virtual display".to_owned()),
        }])
    }

    fn capture(&self, area: &CaptureArea) -> Result<Frame> {
        if let Some(id) = &area.display_id
            && id != DISPLAY
        {
            let message = format!("the virtual desktop has no display {id:?}; its only display is {DISPLAY:?}");
            return Err(Error::new(ErrorCode::NotFound, message));
        }
        let part = area.region.map_or(Ok(self.area), |region| self.pixels_of(region))?;
        let pixels = self.screen().picture(part, area.cursor);
        Ok(Frame { width: part.w as u32, height: part.h as u32, pixels, area: part.rect() })
    }

    fn cursor_position(&self) -> Result<Point> {
        let spot = self.screen().pointer();
        Ok(Point::new(f64::from(spot.x), f64::from(spot.y)))
    }

    fn move_pointer(&self, to: Point) -> Result<()> {
        if !self.area.rect().contains(to) {
            return Err(Error::invalid(format!(
                "the point ({}, {}) is not on the virtual desktop, which is {}",
                to.x,
                to.y,
                self.extent()
            )));
        }
        self.screen().move_pointer(Spot::new(to.x.floor() as i32, to.y.floor() as i32));
        Ok(())
    }

    fn button(&self, button: Button, press: Press) -> Result<()> {
        self.screen().button(button, press);
        Ok(())
    }

    /// Nothing on this desktop scrolls sideways, so clicks to the right have no effect.
    fn scroll(&self, right: f64, up: f64) -> Result<()> {
        if !right.is_finite() || !up.is_finite() {
            return Err(Error::invalid(format!("cannot turn the wheel by ({right}, {up}) clicks; give two numbers")));
        }
        self.screen().wheel(up.round() as i64);
        Ok(())
    }

    fn key(&self, key: Key, press: Press) -> Result<()> {
        self.screen().key(key, press)
    }

    /// A line feed, alone or after a carriage return, is Enter and a tab is Tab. Keys that are held have no
    /// influence on what is typed.
    fn type_text(&self, text: &str, pause: Duration, cancel: &Cancel) -> Result<()> {
        editing::check(text, Field::Lines)?;
        let mut before = None;
        for character in text.chars() {
            let ends_line_twice = before.replace(character) == Some('\r') && character == '\n';
            if !ends_line_twice {
                cancel.check()?;
                self.screen().type_character(character);
                rest(pause, cancel);
            }
        }
        Ok(())
    }

    fn windows(&self) -> Result<Vec<Window>> {
        Ok(self.screen().windows())
    }

    fn focus_window(&self, id: &str) -> Result<()> {
        self.screen().focus_window(id)
    }

    /// Both windows have a fixed size and are moved to whole pixels, above the panel.
    fn move_window(&self, id: &str, bounds: Rect) -> Result<()> {
        self.screen().move_window(id, bounds)
    }

    fn close_window(&self, id: &str) -> Result<()> {
        self.screen().close_window(id)
    }

    fn apps(&self) -> Result<Vec<String>> {
        Ok(self.screen().apps())
    }

    fn open_app(&self, name: &str) -> Result<()> {
        self.screen().open_app(name)
    }

    fn close_app(&self, name: &str) -> Result<()> {
        self.screen().close_app(name)
    }

    fn focus_app(&self, name: &str) -> Result<()> {
        self.screen().focus_app(name)
    }

    fn ui_tree(&self, params: &TreeParams) -> Result<UiElement> {
        self.screen().tree(params)
    }

    /// The actions are `click` (or `press`), `focus`, `type`, `set_value`, `key` and `menu`. Neither the pointer nor
    /// what is held takes part in them, but modifiers that are held go with a key.
    fn ui_action(&self, params: &UiActionParams) -> Result<()> {
        self.screen().act(params)
    }

    fn clipboard_read(&self) -> Result<ClipboardContents> {
        Ok(self.screen().clipboard().contents().clone())
    }

    fn clipboard_write(&self, contents: &ClipboardContents) -> Result<()> {
        self.screen().clipboard_mut().set(contents.clone());
        Ok(())
    }
}

/// Sleeps for a pause, or until nobody wants to wait any longer.
#[expect(
    clippy::disallowed_methods,
    reason = "the caller asked for a pause, and nothing happens that could be awaited"
)]
fn rest(pause: Duration, cancel: &Cancel) {
    let mut left = pause;
    while !left.is_zero() && !cancel.is_cancelled() {
        let nap = left.min(NAP);
        thread::sleep(nap);
        left -= nap;
    }
}

#[cfg(test)]
mod tests;
