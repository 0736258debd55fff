//! Pressing and releasing keys.

use x11rb::protocol::xproto::{KEY_PRESS_EVENT, KEY_RELEASE_EVENT};

use super::connection::Outcome;
use super::input::Input;
use super::keymap::{Keymap, Stroke};
use super::keysym;
use crate::api::{Effect, Error, Press};
use crate::desktop::Key;

/// A key that is down.
#[derive(Debug, Clone, Copy)]
pub(super) struct Held {
    key: Key,
    /// What was pressed for it: the same is released, even when the layout has changed since.
    keycode: u8,
    /// Whether Shift is down with it, to reach its character.
    shifted: bool,
    /// Whether the layout has no such key, so that a spare one was given its meaning.
    borrowed: bool,
}

impl Held {
    /// The keycode, if it was lent to the key.
    pub(super) fn borrowed(&self) -> Option<u8> {
        self.borrowed.then_some(self.keycode)
    }
}

impl Input {
    /// Presses or releases a key. A key that the layout lacks is lent a spare keycode, and programs get a moment to learn
    /// of it. A letter that only another alphabet of the keyboard has, pressed with Control, Alt or Meta, is the key in
    /// that place: programs look for a shortcut in all alphabets, and some know nothing of lent keycodes.
    pub(super) fn key(&mut self, key: Key, press: Press) -> Outcome<Effect> {
        self.begin("input.keyboard")?;
        match press {
            Press::Down => self.press(key),
            Press::Up => self.release(key),
        }
    }

    /// Whether a key was pressed here and not released.
    pub(super) fn is_held(&self, key: Key) -> bool {
        self.held.iter().any(|held| held.key == key)
    }

    fn press(&mut self, key: Key) -> Outcome<Effect> {
        let keycode = match self.held.iter().find(|held| held.key == key) {
            Some(held) => held.keycode,
            None => self.hold(key)?,
        };
        if key != Key::Shift {
            self.fake(KEY_PRESS_EVENT, keycode)?;
        }
        self.finish_key(keycode, Press::Down)
    }

    /// Finds the key, notes it as held and holds Shift if it needs it.
    fn hold(&mut self, key: Key) -> Outcome<u8> {
        let map = self.keymap()?;
        let in_chord = self.held.iter().any(|held| matches!(held.key, Key::Control | Key::Alt | Key::Meta));
        let shortcut = || match key {
            Key::Char(character) if in_chord => map.in_any_group(character),
            _ => None,
        };
        let (stroke, borrowed) = match find(&map, key).or_else(shortcut) {
            Some(stroke) => (stroke, false),
            None => (self.borrow(&map, key)?, true),
        };
        self.held.push(Held { key, keycode: stroke.keycode, shifted: stroke.shift, borrowed });
        if let (None, true, Some(shift)) = (self.shift_down, self.needs_shift(), map.shift()) {
            self.shift_down = Some(shift);
            self.fake(KEY_PRESS_EVENT, shift)?;
        }
        Ok(stroke.keycode)
    }

    fn release(&mut self, key: Key) -> Outcome<Effect> {
        let Some(position) = self.held.iter().position(|held| held.key == key) else {
            return self.release_stranger(key);
        };
        let held = self.held[position];
        if key != Key::Shift {
            self.fake(KEY_RELEASE_EVENT, held.keycode)?;
        }
        self.held.remove(position);
        if let (Some(shift), false) = (self.shift_down, self.needs_shift()) {
            self.shift_down = None;
            self.fake(KEY_RELEASE_EVENT, shift)?;
        }
        // Shift stays down for another key that needs it.
        let released = match self.shift_down {
            Some(_) if key == Key::Shift => self.finish().map(|()| Effect::Unverifiable),
            _ => self.finish_key(held.keycode, Press::Up),
        };
        if held.borrowed {
            self.used_loans();
        }
        released
    }

    /// Releases a key that nobody pressed here: another program may have left it down. A key that the layout does
    /// not have is up by itself.
    fn release_stranger(&mut self, key: Key) -> Outcome<Effect> {
        let of_use = key != Key::Shift || self.shift_down.is_none();
        if let Some(stroke) = find(&self.keymap()?, key).filter(|_| of_use) {
            self.fake(KEY_RELEASE_EVENT, stroke.keycode)?;
            return self.finish_key(stroke.keycode, Press::Up);
        }
        self.finish()?;
        Ok(Effect::Unverifiable)
    }

    fn needs_shift(&self) -> bool {
        self.held.iter().any(|held| held.shifted || held.key == Key::Shift)
    }

    /// Gives a spare keycode the meaning of a key, with the capital letter behind Shift as on any other key.
    fn borrow(&mut self, map: &Keymap, key: Key) -> Outcome<Stroke> {
        let label = keysym::label(key);
        let refused = |why| Error::invalid(format!("the keyboard layout of this desktop has no key {label}{why}"));
        if keysym::is_modifier(key) {
            return Err(refused("; choose another modifier").into());
        }
        let Some([plain, _]) = keysym::of_key(key) else {
            return Err(refused(", and no keyboard has").into());
        };
        let keysyms = [plain, capital(key).unwrap_or(plain)];
        let Some(keycode) = self.lent.keycode_for(keysyms, &map.spare()) else {
            return Err(refused(" and no free key to put it on; change the layout").into());
        };
        self.lend(map, &[(keycode, keysyms)])?;
        Ok(Stroke { keycode, shift: false })
    }
}

/// Where a key is on the layout.
fn find(map: &Keymap, key: Key) -> Option<Stroke> {
    match key {
        Key::Char(character) => map.character(character),
        Key::Space => map.character(' '),
        named => {
            let keycode = keysym::of_key(named)?.into_iter().find_map(|keysym| map.key(keysym))?;
            Some(Stroke { keycode, shift: false })
        }
    }
}

/// The keysym of a letter's capital, where that is one character.
fn capital(key: Key) -> Option<u32> {
    let Key::Char(character) = key else { return None };
    let mut upper = character.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(one), None) => keysym::of_char(one),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::keymap::samples::layout;
    use super::*;

    #[test]
    fn keys_are_found_by_what_they_mean() {
        let stroke = |keycode, shift| Some(Stroke { keycode, shift });
        assert_eq!(find(&layout(0), Key::Char('q')), stroke(10, false));
        assert_eq!(find(&layout(0), Key::Char('!')), stroke(9, true));
        assert_eq!(find(&layout(1), Key::Char('й')), stroke(10, false));
        assert_eq!(find(&layout(1), Key::Char('q')), None);
        for group in 0..3 {
            assert_eq!(find(&layout(group), Key::Enter), stroke(14, false));
            assert_eq!(find(&layout(group), Key::Shift), stroke(13, false));
            assert_eq!(find(&layout(group), Key::Meta), None);
        }
        assert_eq!(find(&layout(0), Key::Space), stroke(15, false));
    }

    #[test]
    fn capitals_are_single_characters() {
        assert_eq!(capital(Key::Char('ж')), keysym::of_char('Ж'));
        assert_eq!(capital(Key::Char('ß')), None, "its capital is two letters");
        assert_eq!(capital(Key::Char('1')), keysym::of_char('1'));
        assert_eq!(capital(Key::Enter), None);
    }
}
