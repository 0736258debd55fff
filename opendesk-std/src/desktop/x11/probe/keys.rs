//! What keys mean to a program: the server's map at this moment, and the modifiers that are down with a key.

use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{ConnectionExt as _, KeyButMask};

use super::super::connection::{Outcome, Wire};
use super::super::keysym;

const BACKSPACE: u32 = 0xff08;
const KEYPAD_ENTER: u32 = 0xff8d;

/// Where the group in effect stands in the state of an event.
const GROUP_SHIFT: u32 = 13;

/// With one of these, a key is a command and no text.
const COMMANDS: [KeyButMask; 3] = [KeyButMask::CONTROL, KeyButMask::MOD1, KeyButMask::MOD4];

/// The keyboard map that was last read, a row of keysyms for every keycode.
#[derive(Debug)]
pub(super) struct Keys {
    first: u8,
    width: usize,
    keysyms: Vec<u32>,
}

impl Keys {
    fn new(first: u8, width: u8, keysyms: Vec<u32>) -> Self {
        // A server without a keyboard may send no columns at all.
        Self { first, width: usize::from(width.max(1)), keysyms }
    }

    /// Asks the server for its map.
    pub(super) fn read(wire: &Wire) -> Outcome<Self> {
        let setup = wire.x.setup();
        let (first, last) = (setup.min_keycode, setup.max_keycode);
        let count = last.saturating_sub(first).saturating_add(1);
        let map = wire.x.get_keyboard_mapping(first, count)?.reply()?;
        Ok(Self::new(first, map.keysyms_per_keycode, map.keysyms))
    }

    /// The keysym of a key with the modifiers in `state`: two levels in each of the first two groups, as in the core
    /// protocol. A key that has nothing there means what it means without.
    fn keysym(&self, keycode: u8, state: u16) -> Option<u32> {
        let index = keycode.checked_sub(self.first)?;
        let row = self.keysyms.chunks_exact(self.width).nth(index.into())?;
        let at = |column: usize| row.get(column).copied().filter(|keysym| *keysym != 0);
        let shifted = has(state, KeyButMask::SHIFT);
        let level = |first: usize| shifted.then(|| at(first + 1)).flatten().or_else(|| at(first));
        let second_group = (state >> GROUP_SHIFT) & 3 == 1;
        second_group.then(|| level(2)).flatten().or_else(|| level(0))
    }

    /// Does to the text what a pressed key does in a text field, and tells whether that changed it.
    pub(super) fn type_into(&self, text: &mut String, keycode: u8, state: u16) -> bool {
        if COMMANDS.into_iter().any(|modifier| has(state, modifier)) {
            return false;
        }
        let character = match self.keysym(keycode, state) {
            None => return false,
            Some(BACKSPACE) => return text.pop().is_some(),
            Some(keysym::RETURN | KEYPAD_ENTER) => '\n',
            Some(keysym::TAB) => '\t',
            Some(keysym) => match keysym::char_of(keysym) {
                None => return false,
                Some(letter) if has(state, KeyButMask::LOCK) => capital(letter),
                Some(letter) => letter,
            },
        };
        text.push(character);
        true
    }
}

fn has(state: u16, modifier: KeyButMask) -> bool {
    state & u16::from(modifier) != 0
}

/// The capital of a letter, where that is one character.
fn capital(letter: char) -> char {
    let mut upper = letter.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(one), None) => one,
        _ => letter,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHIFT: u16 = 1;
    const LOCK: u16 = 2;
    const SECOND_GROUP: u16 = 1 << 13;

    /// Keycodes from 8 on, four columns: Backspace, a A (group 2: ф Ф in the old spelling), Return, Tab, 1 !, 世 ß,
    /// nothing, Escape.
    fn keys() -> Keys {
        let rows = [
            [BACKSPACE, 0, 0, 0],
            [0x61, 0x41, 0x6c6, 0x6e6],
            [keysym::RETURN, 0, 0, 0],
            [keysym::TAB, 0xfe20, 0, 0],
            [0x31, 0x21, 0x31, 0x21],
            [0x0100_4e16, 0xdf, 0, 0],
            [0, 0, 0, 0],
            [0xff1b, 0, 0, 0],
        ];
        Keys::new(8, 4, rows.concat())
    }

    fn typed(keys: &Keys, strokes: &[(u8, u16)]) -> String {
        let mut text = String::new();
        for (keycode, state) in strokes {
            let before = text.clone();
            let changed = keys.type_into(&mut text, *keycode, *state);
            assert_eq!(changed, text != before, "{keycode} {state:#x}");
        }
        text
    }

    #[test]
    fn shift_and_the_group_choose_the_character() {
        let strokes =
            [(9, 0), (9, SHIFT), (12, SHIFT), (13, 0), (13, SHIFT), (9, SECOND_GROUP), (9, SECOND_GROUP | SHIFT)];
        assert_eq!(typed(&keys(), &strokes), "aA!世ßфФ");
    }

    #[test]
    fn a_key_without_another_level_or_group_means_the_same_there() {
        assert_eq!(typed(&keys(), &[(10, SHIFT), (10, SECOND_GROUP), (13, SECOND_GROUP)]), "\n\n世");
        let narrow = Keys::new(8, 1, vec![0x61]);
        assert_eq!(typed(&narrow, &[(8, SHIFT), (8, SECOND_GROUP | SHIFT)]), "aa");
    }

    #[test]
    fn keys_that_are_no_characters_edit_or_do_nothing() {
        assert_eq!(typed(&keys(), &[(8, 0), (9, 0), (11, 0), (9, 0), (10, 0), (8, 0), (8, 0)]), "a\t");
        assert_eq!(typed(&keys(), &[(14, 0), (15, 0), (7, 0), (16, 0), (255, 0), (11, SHIFT)]), "");
    }

    #[test]
    fn caps_lock_is_for_letters_and_commands_are_no_text() {
        assert_eq!(typed(&keys(), &[(9, LOCK), (12, LOCK), (13, LOCK | SHIFT)]), "A1ß");
        for command in [4, 8, 64] {
            assert_eq!(typed(&keys(), &[(9, command), (10, command)]), "", "{command}");
        }
        for other in [16, 32, 128, 1 << 8] {
            assert_eq!(typed(&keys(), &[(9, other)]), "a", "Num Lock, AltGr and held buttons do not matter");
        }
    }

    #[test]
    fn maps_that_no_server_sends_do_no_harm() {
        for (first, width, count) in [(8, 0, 0), (8, 7, 3), (0, 1, 300), (250, 1, 300), (255, 255, 256)] {
            let keys = Keys::new(first, width, vec![0x61; count]);
            for keycode in [0, 7, 8, 255] {
                let text = typed(&keys, &[(keycode, SHIFT), (keycode, SECOND_GROUP)]);
                assert!(text.chars().all(|letter| letter == 'a'));
            }
        }
    }
}
