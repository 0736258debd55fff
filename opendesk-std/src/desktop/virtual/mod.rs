//! A small desktop inside the process, drawn by software: two windows, a panel, a pointer, a clipboard, notifications,
//! a lock screen and an accessibility tree. It needs no display server and knows no clock and no chance: the same
//! inputs give the same pixels. Only a notification is told the time, which it does not show.
//!
//! Windows: **Notes** (`virtual-1`), a text editor of three pages, and **Controls** (`virtual-2`), a counter with its
//! button, a check box, a field, a password field and a menu. Each is an application of the same name, so what is done
//! by mouse and keyboard can be done by name too, and every element of the tree has a reference that stays the same.
//!
//! * Windows are moved by their title bars, or from anywhere in them while Alt or Meta is held, closed by the button
//!   at the right of the bar or Alt+F4, minimised by Alt+F9, opened and brought back from the panel, and switched by
//!   Alt+Tab.
//! * In a text a double click selects a word, a triple click a line, and Shift extends the selection. Two clicks are a
//!   double click when nothing happens between them, however long that takes.
//! * The thumb buttons, and Alt with Left and Right, turn the pages of Notes. The wheel scrolls them; turned sideways, or
//!   with Shift, it scrolls a field that is too narrow for its text.
//! * A notification is a box at the corner of the screen until it is clicked; File, Notify in Controls shows one.
//! * The lock screen takes all input. There is no password: Return or a click on its button unlocks.

mod actions;
mod apps;
mod changes;
mod chrome;
mod clicks;
mod clipboard;
mod computer;
mod controls;
mod controls_view;
mod cursor;
mod displays;
mod editing;
mod editor;
mod entry;
mod form;
mod geometry;
mod handle;
mod input;
mod keyboard;
mod lock;
mod notes;
mod paint;
mod person;
mod picture;
mod screen;
mod sheet;
mod text;
mod theme;
mod toasts;
mod tree;
mod view;
mod windows;
mod wrap;

use core::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use self::displays::Displays;
pub use self::displays::VirtualDisplay;
use self::geometry::Area;
use self::person::Watchers;
use self::screen::Screen;
use super::Key;
use crate::api::{Button, Result};

/// Width and height of a desktop made by [`VirtualDesktop::default`], in pixels.
pub const DEFAULT_SIZE: (u32, u32) = (1280, 800);
/// The least width and height of a display, in logical pixels: what the windows need to be of use.
pub const MIN_SIZE: (u32, u32) = (320, 240);
/// The greatest width and height of a display, and in device pixels of all displays together as many, so that a picture
/// stays within a quarter of a gigabyte.
pub const MAX_SIZE: (u32, u32) = (8192, 8192);

/// A desktop inside the process; see the [module](self).
///
/// Unless it was made [`with_displays`](Self::with_displays), its one display has the id `1`, a scale of 1 and its
/// origin at (0, 0). The keyboard has the US layout without auto-repeat. Everything happens before a method returns, so
/// a picture taken next shows its effect, and what a method says of its effect was read back.
pub struct VirtualDesktop {
    bounds: Area,
    screen: Mutex<Screen>,
    watchers: Watchers,
}

impl fmt::Debug for VirtualDesktop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VirtualDesktop")
            .field("width", &self.bounds.w)
            .field("height", &self.bounds.h)
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
        Self::on(Displays::single(width, height))
    }

    /// A desktop of several displays with the ids `1`, `2` and so on. The first is the primary one, which has the panel
    /// and at first the windows. Everything is drawn in logical pixels; a picture has the device pixels of the display
    /// that it shows, or the finest ones where it shows more than one. What lies on no display is black.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidArgument`](crate::api::ErrorCode::InvalidArgument) for no display or more than 16, for one
    /// that is smaller than [`MIN_SIZE`], larger than [`MAX_SIZE`], not of whole pixels or over another one, and for a
    /// desktop that is too large for a picture.
    pub fn with_displays(displays: &[VirtualDisplay]) -> Result<Self> {
        Displays::of(displays).map(Self::on)
    }

    fn on(displays: Displays) -> Self {
        let (bounds, screen) = (displays.bounds(), Mutex::new(Screen::new(displays)));
        Self { bounds, screen, watchers: Watchers::default() }
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

    /// The text on the page that the Notes window shows, open or not: what an outside observer of the desktop sees.
    #[must_use]
    pub fn editor_text(&self) -> String {
        self.screen().notes.text()
    }

    /// The number beside the Count button: what an outside observer of the desktop sees.
    #[must_use]
    pub fn counter(&self) -> u32 {
        self.screen().controls.counter
    }

    /// Shows a notification of some application until it is clicked. The last 20 are listed, and the newest three of
    /// them shown as far as there is room.
    pub fn notify(&self, app: &str, title: &str, body: &str) {
        self.with(|screen| screen.notify(app, title, body));
    }

    /// Switches the screen off, as a desktop does to save power: pictures are black until the next event of mouse or
    /// keyboard, which switches it on and then does what it always does.
    pub fn sleep(&self) {
        self.with(Screen::sleep);
    }

    /// The person at the machine moves its own mouse, by so little that the pointer stays where it is. Whoever watches
    /// the person has been told when this returns.
    pub fn person_moves(&self) {
        self.watchers.tell();
    }

    /// The state. Whoever panicked while holding it left it whole enough to go on with.
    fn screen(&self) -> MutexGuard<'_, Screen> {
        self.screen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something to the state, and wakes those who wait if there is something new to see.
    fn with<T>(&self, act: impl FnOnce(&mut Screen) -> T) -> T {
        let mut screen = self.screen();
        let outcome = act(&mut screen);
        let due = screen.changes.due();
        // Whoever is woken may look at once.
        drop(screen);
        due.into_iter().for_each(|wake| wake());
        outcome
    }
}

#[cfg(test)]
mod tests;
