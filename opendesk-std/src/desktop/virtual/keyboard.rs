//! The keyboard: which keys are down, and what a key types on the US layout.

use std::collections::BTreeSet;

use crate::api::{Error, Result};
use crate::desktop::Key;

/// What each key that is no letter types without and with Shift.
const SHIFTED: [(char, char); 21] = [
    ('`', '~'),
    ('1', '!'),
    ('2', '@'),
    ('3', '#'),
    ('4', '$'),
    ('5', '%'),
    ('6', '^'),
    ('7', '&'),
    ('8', '*'),
    ('9', '('),
    ('0', ')'),
    ('-', '_'),
    ('=', '+'),
    ('[', '{'),
    (']', '}'),
    ('\\', '|'),
    (';', ':'),
    ('\'', '"'),
    (',', '<'),
    ('.', '>'),
    ('/', '?'),
];

/// One key going down, with what was held at that moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stroke {
    pub(super) key: Key,
    /// What it types; nothing for a key without a character and for every chord with Ctrl, Alt or Meta.
    pub(super) text: Option<char>,
    pub(super) shift: bool,
    pub(super) ctrl: bool,
    pub(super) alt: bool,
    pub(super) meta: bool,
}

impl Stroke {
    /// The stroke that enters a character of a text, whatever keys are held.
    pub(super) const fn typing(character: char) -> Self {
        let (key, text) = match character {
            '\n' | '\r' => (Key::Enter, None),
            '\t' => (Key::Tab, None),
            ' ' => (Key::Space, Some(' ')),
            other => (Key::Char(other), Some(other)),
        };
        Self { key, text, shift: false, ctrl: false, alt: false, meta: false }
    }

    /// Whether it is a chord, which programs take as a command.
    pub(super) const fn is_chord(self) -> bool {
        self.ctrl || self.alt || self.meta
    }
}

/// The keys that are down, and Caps Lock.
#[derive(Debug, Default)]
pub(super) struct Keyboard {
    held: BTreeSet<Key>,
    caps_lock: bool,
}

impl Keyboard {
    /// The key as this keyboard has it.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidArgument`](crate::api::ErrorCode::InvalidArgument) for a key that it lacks.
    pub(super) fn locate(key: Key) -> Result<Key> {
        if let Key::Char(character) = key {
            return match character {
                ' ' => Ok(Key::Space),
                '\n' | '\r' => Ok(Key::Enter),
                '\t' => Ok(Key::Tab),
                printed if printed.is_ascii_graphic() => Ok(Key::Char(printed.to_ascii_lowercase())),
                other => Err(Error::invalid(format!(
                    "the virtual desktop's keyboard, a US one, has no key for {other:?}; enter it as text instead"
                ))),
            };
        }
        if let Key::Function(number) = key
            && !(1..=24).contains(&number)
        {
            return Err(Error::invalid(format!("there is no key F{number}; function keys are F1 to F24")));
        }
        Ok(key)
    }

    /// Puts a key down. Gives what it does there; a key that is down already and a modifier do nothing.
    pub(super) fn press(&mut self, key: Key) -> Option<Stroke> {
        if !self.held.insert(key) {
            return None;
        }
        if key == Key::CapsLock {
            self.caps_lock = !self.caps_lock;
        }
        self.stroke(key, &[])
    }

    /// What a key does when it goes down now, with more modifiers than those that are held; nothing for a modifier.
    pub(super) fn stroke(&self, key: Key, more: &[Key]) -> Option<Stroke> {
        if Self::is_modifier(key) {
            return None;
        }
        let held = |modifier: Key| self.held.contains(&modifier) || more.contains(&modifier);
        let mut stroke = Stroke {
            key,
            text: None,
            shift: held(Key::Shift),
            ctrl: held(Key::Control),
            alt: held(Key::Alt),
            meta: held(Key::Meta),
        };
        if !stroke.is_chord() {
            stroke.text = self.character(key, stroke.shift);
        }
        Some(stroke)
    }

    /// Whether a key does nothing by itself but go with others.
    pub(super) const fn is_modifier(key: Key) -> bool {
        matches!(key, Key::CapsLock | Key::Shift | Key::Control | Key::Alt | Key::Meta)
    }

    /// Lets a key come up.
    pub(super) fn release(&mut self, key: Key) {
        self.held.remove(&key);
    }

    /// The keys that are down, in order.
    pub(super) fn held(&self) -> Vec<Key> {
        self.held.iter().copied().collect()
    }

    pub(super) fn shift(&self) -> bool {
        self.held.contains(&Key::Shift)
    }

    /// Whether a key is held with which the mouse drags windows.
    pub(super) fn drags(&self) -> bool {
        self.held.contains(&Key::Alt) || self.held.contains(&Key::Meta)
    }

    pub(super) const fn caps_lock(&self) -> bool {
        self.caps_lock
    }

    /// What a key types with or without Shift and under the present Caps Lock, which turns letters only.
    fn character(&self, key: Key, shift: bool) -> Option<char> {
        if key == Key::Space {
            return Some(' ');
        }
        let Key::Char(character) = key else {
            return None;
        };
        if character.is_ascii_alphabetic() {
            let upper = shift != self.caps_lock;
            return Some(if upper { character.to_ascii_uppercase() } else { character });
        }
        if !shift {
            return Some(character);
        }
        let pair = SHIFTED.iter().find(|(plain, _)| *plain == character);
        Some(pair.map_or(character, |(_, shifted)| *shifted))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(keyboard: &mut Keyboard, key: Key) -> Option<char> {
        let stroke = keyboard.press(Keyboard::locate(key).unwrap());
        keyboard.release(key);
        stroke.and_then(|stroke| stroke.text)
    }

    #[test]
    fn shift_and_caps_lock_follow_the_us_layout() {
        let mut keyboard = Keyboard::default();
        assert_eq!(typed(&mut keyboard, Key::Char('a')), Some('a'));
        assert_eq!(typed(&mut keyboard, Key::Space), Some(' '));
        keyboard.press(Key::Shift);
        for (key, character) in [('a', 'A'), ('1', '!'), ('/', '?'), ('\'', '"'), ('+', '+')] {
            assert_eq!(typed(&mut keyboard, Key::Char(key)), Some(character));
        }
        keyboard.press(Key::CapsLock);
        keyboard.release(Key::CapsLock);
        assert_eq!(typed(&mut keyboard, Key::Char('a')), Some('a'));
        keyboard.release(Key::Shift);
        assert_eq!(typed(&mut keyboard, Key::Char('a')), Some('A'));
        assert_eq!(typed(&mut keyboard, Key::Char('1')), Some('1'));
    }

    #[test]
    fn chords_type_nothing() {
        for modifier in [Key::Control, Key::Alt, Key::Meta] {
            let mut keyboard = Keyboard::default();
            assert_eq!(keyboard.press(modifier), None);
            let stroke = keyboard.press(Key::Char('a')).unwrap();
            assert_eq!((stroke.text, stroke.is_chord()), (None, true));
        }
    }

    #[test]
    fn a_held_key_does_not_repeat() {
        let mut keyboard = Keyboard::default();
        assert!(keyboard.press(Key::Enter).is_some());
        assert_eq!(keyboard.press(Key::Enter), None);
        assert_eq!(keyboard.held(), [Key::Enter]);
        keyboard.release(Key::Enter);
        assert!(keyboard.held().is_empty() && keyboard.press(Key::Enter).is_some());
    }

    #[test]
    fn keys_that_no_us_keyboard_has_are_errors() {
        for key in [Key::Char('ß'), Key::Char('世'), Key::Char('\u{7}'), Key::Function(0), Key::Function(25)] {
            assert!(Keyboard::locate(key).is_err(), "{key:?}");
        }
        assert_eq!(Keyboard::locate(Key::Char('Q')).unwrap(), Key::Char('q'));
        assert_eq!(Keyboard::locate(Key::Char('\t')).unwrap(), Key::Tab);
    }
}
