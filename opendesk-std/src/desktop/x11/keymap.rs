//! Which key gives which character: the server's map at one moment.

use core::iter;
use core::ops::Range;
use std::collections::HashMap;

use super::keysym;

/// A key and whether Shift is held with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stroke {
    pub(super) keycode: u8,
    pub(super) shift: bool,
}

/// The keyboard map in the form of the core protocol: for every keycode a row of keysyms, group 1 in the first two
/// columns, group 2 in the next two. Only these two levels of a group are used, for they need no key but Shift.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Keymap {
    first: u8,
    width: usize,
    keysyms: Vec<u32>,
    /// The group in effect, counted from 0.
    group: u8,
    /// Keycodes that are modifiers, whatever their keysyms say.
    modifiers: Vec<u8>,
    shift: Option<u8>,
}

impl Keymap {
    /// The map with `width` keysyms for each keycode from `first` on.
    pub(super) fn new(first: u8, width: u8, keysyms: Vec<u32>, group: u8, modifiers: Vec<u8>) -> Self {
        // A server without a keyboard may send no columns at all.
        let width = usize::from(width.max(1));
        let mut map = Self { first, width, keysyms, group, modifiers, shift: None };
        map.shift = keysym::SHIFTS.into_iter().find_map(|shift| map.key(shift));
        map
    }

    fn rows(&self) -> impl Iterator<Item = (u8, &[u32])> {
        (self.first.max(1)..=u8::MAX).zip(self.keysyms.chunks_exact(self.width))
    }

    /// The keysyms of a keycode, none where there is no such key.
    pub(super) fn row(&self, keycode: u8) -> &[u32] {
        self.place(keycode).and_then(|place| self.keysyms.get(place)).unwrap_or_default()
    }

    fn place(&self, keycode: u8) -> Option<Range<usize>> {
        let start = usize::from(keycode.checked_sub(self.first)?) * self.width;
        Some(start..start + self.width)
    }

    /// Whether the row of a keycode begins with these two keysyms.
    pub(super) fn is(&self, keycode: u8, keysyms: [u32; 2]) -> bool {
        let row = self.row(keycode);
        !row.is_empty() && row.iter().copied().chain([0; 2]).take(2).eq(keysyms)
    }

    /// Takes a keycode's meaning out of this map.
    pub(super) fn clear(&mut self, keycode: u8) {
        if let Some(row) = self.place(keycode).and_then(|place| self.keysyms.get_mut(place)) {
            row.fill(0);
        }
    }

    /// The Shift key.
    pub(super) fn shift(&self) -> Option<u8> {
        self.shift
    }

    /// The key whose first keysym is this one. Keys that are no characters stand in the first column in every
    /// group.
    pub(super) fn key(&self, keysym: u32) -> Option<u8> {
        self.rows().find(|(_, row)| row.first() == Some(&keysym)).map(|(keycode, _)| keycode)
    }

    /// Every character of the group in effect, those that need no Shift first. Core maps say nothing reliable
    /// about groups after the second; there, nothing is found.
    fn characters(&self) -> impl Iterator<Item = (char, Stroke)> {
        let column = match self.group {
            0 => Some(0),
            1 if self.width >= 4 => Some(2),
            _ => None,
        };
        let levels = iter::once(false).chain(self.shift.is_some().then_some(true));
        levels.flat_map(move |shift| {
            self.rows().filter_map(move |(keycode, row)| {
                let keysym = *row.get(column? + usize::from(shift))?;
                Some((keysym::char_of(keysym)?, Stroke { keycode, shift }))
            })
        })
    }

    /// How to type one character, if the layout has it.
    pub(super) fn character(&self, wanted: char) -> Option<Stroke> {
        self.characters().find(|(character, _)| *character == wanted).map(|(_, stroke)| stroke)
    }

    /// The key that gives a character without Shift in some group, also one that is not in effect. A shortcut means this
    /// key: programs look for its letter in the other groups too.
    pub(super) fn in_any_group(&self, wanted: char) -> Option<Stroke> {
        let gives = |row: &[u32]| {
            [0, 2].iter().any(|column| row.get(*column).copied().and_then(keysym::char_of) == Some(wanted))
        };
        self.rows().find(|(_, row)| gives(row)).map(|(keycode, _)| Stroke { keycode, shift: false })
    }

    /// How to type each character of the layout.
    pub(super) fn all_characters(&self) -> HashMap<char, Stroke> {
        let mut strokes = HashMap::new();
        for (character, stroke) in self.characters() {
            strokes.entry(character).or_insert(stroke);
        }
        strokes
    }

    /// Keycodes that mean nothing, from the highest down: the keys of the lower ones are those with the richest
    /// maps, and the rows between the first and the last borrowed key are sent to the server again.
    pub(super) fn spare(&self) -> Vec<u8> {
        let means_nothing =
            |(keycode, row): &(u8, &[u32])| row.iter().all(|keysym| *keysym == 0) && !self.modifiers.contains(keycode);
        let mut spare: Vec<u8> = self.rows().filter(means_nothing).map(|(keycode, _)| keycode).collect();
        spare.reverse();
        spare
    }

    /// The rows of a range of keycodes as they are sent to the server, with some keys replaced. A replacement
    /// fills the first two columns: it is in one group, so the key is the same in all.
    pub(super) fn rows_with(&self, first: u8, last: u8, replaced: &[(u8, [u32; 2])]) -> Rows {
        let width = self.width.max(2);
        let mut keysyms = Vec::new();
        for (keycode, row) in self.rows().filter(|(keycode, _)| (first..=last).contains(keycode)) {
            let end = keysyms.len() + width;
            match replaced.iter().find(|(borrowed, _)| *borrowed == keycode) {
                Some((_, pair)) => keysyms.extend(pair),
                None => keysyms.extend(row),
            }
            keysyms.resize(end, 0);
        }
        Rows { first, width: width as u8, keysyms }
    }
}

/// Rows of a map for keycodes from `first` on, `width` keysyms each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rows {
    pub(super) first: u8,
    pub(super) width: u8,
    pub(super) keysyms: Vec<u32>,
}

impl Rows {
    /// How many keycodes.
    pub(super) fn count(&self) -> u8 {
        // A map has at most 255 rows.
        (self.keysyms.len() / usize::from(self.width)) as u8
    }
}

/// Small layouts for the tests of this and other modules.
#[cfg(test)]
pub(super) mod samples {
    use super::*;

    /// Keycodes from 8 on, four columns: Escape, 1 !, q Q (group 2: й Й in the old spelling), nothing, a A (ф Ф),
    /// Shift, Return, space, nothing, Tab, nothing (but a modifier), # ' as on German keyboards, nothing.
    pub(in crate::desktop::x11) fn layout(group: u8) -> Keymap {
        let (q, a) = (u32::from('q'), u32::from('a'));
        let rows = [
            [0xff1b, 0, 0xff1b, 0],
            [0x31, 0x21, 0x31, 0x21],
            [q, q - 32, 0x6ca, 0x6ea],
            [0, 0, 0, 0],
            [a, a - 32, 0x6c6, 0x6e6],
            [0xffe1, 0, 0xffe1, 0],
            [0xff0d, 0, 0xff0d, 0],
            [0x20, 0, 0x20, 0],
            [0, 0, 0, 0],
            [0xff09, 0xfe20, 0xff09, 0xfe20],
            [0, 0, 0, 0],
            [0x23, 0x27, 0x23, 0x27],
            [0, 0, 0, 0],
        ];
        Keymap::new(8, 4, rows.concat(), group, vec![13, 18])
    }
}

#[cfg(test)]
mod tests {
    use super::samples::layout;
    use super::*;

    fn stroke(keycode: u8, shift: bool) -> Option<Stroke> {
        Some(Stroke { keycode, shift })
    }

    #[test]
    fn characters_are_found_on_both_levels_of_the_group_in_effect() {
        let latin = layout(0);
        assert_eq!(latin.character('q'), stroke(10, false));
        assert_eq!(latin.character('Q'), stroke(10, true));
        assert_eq!(latin.character('!'), stroke(9, true));
        assert_eq!(latin.character(' '), stroke(15, false));
        assert_eq!(latin.character('й'), None, "of another group");
        let cyrillic = layout(1);
        assert_eq!(cyrillic.character('й'), stroke(10, false));
        assert_eq!(cyrillic.character('Ф'), stroke(12, true));
        assert_eq!(cyrillic.character('1'), stroke(9, false));
        assert_eq!(cyrillic.character('q'), None);
        assert_eq!(layout(2).character('q'), None, "columns of a third group are not known");
        assert_eq!(layout(2).key(0xff0d), Some(14), "Return is in all groups");
        assert_eq!((cyrillic.in_any_group('q'), latin.in_any_group('й')), (stroke(10, false), stroke(10, false)));
        assert_eq!(latin.in_any_group('Q'), None, "a shortcut means the key without Shift");
    }

    #[test]
    fn the_whole_list_agrees_with_the_single_answers() {
        for group in 0..3 {
            let map = layout(group);
            for (character, stroke) in map.all_characters() {
                assert_eq!(map.character(character), Some(stroke), "{character:?}");
            }
        }
        assert_eq!(layout(0).all_characters().len(), 9);
    }

    #[test]
    fn without_a_shift_key_there_is_one_level() {
        let a = u32::from('a');
        let map = Keymap::new(8, 2, vec![a, a - 32], 0, vec![]);
        assert_eq!(map.character('a'), stroke(8, false));
        assert_eq!(map.character('A'), None);
    }

    #[test]
    fn spare_keys_mean_nothing_and_are_no_modifiers() {
        assert_eq!(layout(0).spare(), [20, 16, 11]);
    }

    #[test]
    fn rows_in_between_are_sent_unchanged() {
        let rows = layout(0).rows_with(11, 13, &[(11, [0x41, 0x42])]);
        assert_eq!((rows.first, rows.width, rows.count()), (11, 4, 3));
        let a = u32::from('a');
        assert_eq!(rows.keysyms, [0x41, 0x42, 0, 0, a, a - 32, 0x6c6, 0x6e6, 0xffe1, 0, 0xffe1, 0]);
        assert_eq!(layout(0).rows_with(11, 13, &[]).keysyms[..4], [0; 4]);
        let narrow = Keymap::new(8, 1, vec![0x61, 0], 0, vec![]).rows_with(8, 9, &[(9, [1, 2])]);
        assert_eq!((narrow.width, narrow.keysyms), (2, vec![0x61, 0, 1, 2]));
    }

    #[test]
    fn maps_that_no_server_sends_do_no_harm() {
        for (first, width, count) in [(8, 0, 0), (8, 7, 3), (0, 1, 300), (250, 1, 300), (255, 255, 256)] {
            let map = Keymap::new(first, width, vec![0x61; count], 1, vec![]);
            assert!(map.character('ж').is_none());
            assert!(map.spare().is_empty());
            let rows = map.rows_with(0, 255, &[]);
            assert_eq!(usize::from(rows.count()) * usize::from(rows.width), rows.keysyms.len());
        }
    }
}
