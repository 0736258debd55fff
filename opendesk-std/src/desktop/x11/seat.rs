//! Keyboard and windows, for what applications cannot be asked to do to their elements.

use core::time::Duration;

use super::X11Desktop;
use crate::api::{Button, Effect, Error, ErrorCode, Modifier, Point, Press, Result, Window};
use crate::cancel::Cancel;
use crate::desktop::a11y::Seat;
use crate::desktop::{Computer as _, Key};

/// Uses a desktop and leaves what is held as it is.
pub(super) struct AtDesktop<'a> {
    pub(super) desktop: &'a X11Desktop,
    pub(super) cancel: &'a Cancel,
}

impl AtDesktop<'_> {
    /// Presses a key unless it is down already, and tells whether it did.
    fn hold(&self, key: Key) -> Result<bool> {
        if self.desktop.input.with(|input| Ok(input.is_held(key)))? {
            return Ok(false);
        }
        self.desktop.key(key, Press::Down).map(|_| true)
    }
}

impl Seat for AtDesktop<'_> {
    fn bring_forward(&self, process: u32, title: &str) -> Result<Effect> {
        let windows = self.desktop.windows()?;
        let is_it = |window: &&Window| window.pid == Some(process) && window.title == title;
        let mut found = windows.iter().filter(is_it);
        match (found.next(), found.next()) {
            (Some(window), None) => self.desktop.focus_window(&window.id),
            (None, _) => {
                let message = format!("process {process} has no open window called {title:?}; read the tree again");
                Err(Error::new(ErrorCode::NotFound, message))
            }
            (Some(_), Some(_)) => Err(Error::invalid(format!(
                "process {process} has several windows called {title:?}; focus the one that is meant first"
            ))),
        }
    }

    fn press(&self, key: Key, modifiers: &[Modifier]) -> Result<Effect> {
        let keys = modifiers.iter().map(|modifier| Key::of_modifier(*modifier)).collect::<Option<Vec<Key>>>();
        let keys =
            keys.ok_or_else(|| Error::invalid("the modifier fn cannot be held: no desktop lets a program press it"))?;
        self.cancel.check()?;
        if self.desktop.input.with(|input| Ok(input.is_held(key)))? {
            return Err(Error::invalid("this key is held down already; let it go first"));
        }
        let mut held = Vec::new();
        let mut outcome = Ok(Effect::Confirmed);
        for modifier in keys {
            match self.hold(modifier) {
                Ok(true) => held.push(modifier),
                Ok(false) => {}
                Err(error) => {
                    outcome = Err(error);
                    break;
                }
            }
        }
        if outcome.is_ok() {
            outcome = self.desktop.key(key, Press::Down);
            let released = self.desktop.key(key, Press::Up);
            outcome = outcome.and_then(|effect| released.map(|_| effect));
        }
        for modifier in held.into_iter().rev() {
            let released = self.desktop.key(modifier, Press::Up);
            outcome = outcome.and_then(|effect| released.map(|_| effect));
        }
        // A key that went down and up is known to have; what the program made of it is not.
        outcome.map(|effect| if effect == Effect::Confirmed { Effect::Unverifiable } else { effect })
    }

    fn click(&self, point: Point) -> Result<Effect> {
        self.cancel.check()?;
        let moved = self.desktop.move_pointer(point)?;
        let pressed = self.desktop.button(Button::Left, Press::Down);
        let released = self.desktop.button(Button::Left, Press::Up);
        pressed.and_then(|effect| released.map(|_| moved.and(effect)))
    }

    fn type_text(&self, text: &str) -> Result<Effect> {
        self.desktop.type_text(text, Duration::ZERO, self.cancel)
    }
}
