//! What a key of the person's does, by the server's map at that moment. Of characters nothing is told but that there was
//! one.

use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{ConnectionExt as _, KeyButMask};

use super::super::connection::{Outcome, Wire};
use super::super::keymap::Keymap;
use super::super::keysym;
use crate::api::Modifier;
use crate::desktop::{Act, Key};

/// The keys of the number pad that move the keyboard's place while Num Lock is off (`keysymdef.h`, `XK_KP_Home` and on).
const PAD: [(u32, Option<Key>); 11] = [
    (0xff95, Some(Key::Home)),
    (0xff96, Some(Key::Left)),
    (0xff97, Some(Key::Up)),
    (0xff98, Some(Key::Right)),
    (0xff99, Some(Key::Down)),
    (0xff9a, Some(Key::PageUp)),
    (0xff9b, Some(Key::PageDown)),
    (0xff9c, Some(Key::End)),
    (0xff9d, None),
    (0xff9e, Some(Key::Insert)),
    (0xff9f, Some(Key::Delete)),
];
const PAD_ENTER: u32 = 0xff8d;

const NUM_LOCK: u32 = 0xff7f;
const MODE_SWITCH: u32 = 0xff7e;
const LEVEL_THREE: u32 = 0xfe03;

/// What the eight modifiers of the server are on a keyboard (X11 protocol, "Keyboards").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Meanings {
    alt: u32,
    meta: u32,
    num_lock: u32,
    level_three: u32,
}

/// The server's map of its keyboard.
#[derive(Debug, Clone)]
pub(super) struct Keys {
    map: Keymap,
    meanings: Meanings,
}

impl Keys {
    pub(super) fn read(wire: &Wire) -> Outcome<Self> {
        let setup = wire.x.setup();
        let (first, last) = (setup.min_keycode, setup.max_keycode);
        let map = wire.x.get_keyboard_mapping(first, last.saturating_sub(first).saturating_add(1))?;
        let modifiers = wire.x.get_modifier_mapping()?;
        let (map, modifiers) = (map.reply()?, modifiers.reply()?.keycodes);
        Ok(Self::of(first, map.keysyms_per_keycode, map.keysyms, modifiers))
    }

    fn of(first: u8, width: u8, keysyms: Vec<u32>, modifiers: Vec<u8>) -> Self {
        let meanings = Meanings::default();
        // Whichever group is in effect: of characters nothing is told.
        let map = Keymap::new(first, width, keysyms, 0, modifiers.clone());
        let keys = Self { map, meanings };
        Self { meanings: keys.meanings_of(&modifiers), ..keys }
    }

    /// By the keycodes of the eight modifiers, equally many of each.
    fn meanings_of(&self, keycodes: &[u8]) -> Meanings {
        let mut meanings = Meanings::default();
        for (bit, keycodes) in (0..).zip(keycodes.chunks_exact((keycodes.len() / 8).max(1))) {
            for keysym in keycodes.iter().flat_map(|keycode| self.map.row(*keycode)) {
                match keysym {
                    0xffe9 | 0xffea => meanings.alt |= 1 << bit,
                    0xffeb | 0xffec => meanings.meta |= 1 << bit,
                    &NUM_LOCK => meanings.num_lock |= 1 << bit,
                    &LEVEL_THREE | &MODE_SWITCH => meanings.level_three |= 1 << bit,
                    _ => {}
                }
            }
        }
        meanings
    }

    /// The modifiers that are held, of those that have a name here.
    pub(super) fn held(&self, mask: u32) -> Vec<Modifier> {
        let Meanings { alt, meta, .. } = self.meanings;
        let all = [
            (Modifier::Ctrl, KeyButMask::CONTROL.into()),
            (Modifier::Alt, alt),
            (Modifier::Shift, KeyButMask::SHIFT.into()),
            (Modifier::Meta, meta),
        ];
        all.into_iter().filter(|(_, bits): &(_, u32)| mask & bits != 0).map(|(modifier, _)| modifier).collect()
    }

    /// What a key does while these modifiers are held; nothing by itself, if it is one of them.
    pub(super) fn act(&self, keycode: u32, mask: u32) -> Option<Act> {
        let row = u8::try_from(keycode).map_or(&[][..], |keycode| self.map.row(keycode));
        let keysym = row.first().copied().unwrap_or_default();
        // Shift to Hyper, the locks, and those of XKB that change the level or the group.
        if matches!(keysym, 0xffe1..=0xffee | 0xfe01..=0xfe13 | MODE_SWITCH | NUM_LOCK) {
            return None;
        }
        if keysym == PAD_ENTER {
            return Some(Act::Key(Key::Enter));
        }
        if let Some((_, key)) = PAD.iter().find(|(pad, _)| *pad == keysym) {
            let writes = mask & self.meanings.num_lock != 0;
            return Some(if writes { Act::Text } else { key.map_or(Act::Unknown, Act::Key) });
        }
        // The space bar writes.
        let named = Key::NAMED.into_iter().filter(|key| *key != Key::Space).chain((1..=24).map(Key::Function));
        if let Some(key) = named.into_iter().find(|key| keysym::of_key(*key).is_some_and(|all| all.contains(&keysym))) {
            return Some(Act::Key(key));
        }
        // The rest of the number pad, dead keys, and the key that composes characters.
        if matches!(keysym, 0xff80..=0xffbd | 0xfe50..=0xfe93 | 0xff20) {
            return Some(Act::Text);
        }
        let characters: Vec<char> = row.iter().copied().filter_map(keysym::char_of).collect();
        let Some(character) = characters.iter().find(|character| character.is_ascii()).or_else(|| characters.first())
        else {
            return Some(Act::Unknown);
        };
        let is_shortcut = self.held(mask).iter().any(|modifier| *modifier != Modifier::Shift)
            && mask & self.meanings.level_three == 0;
        if !is_shortcut {
            return Some(Act::Text);
        }
        Some(character.to_string().parse().map_or(Act::Unknown, Act::Key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTROL: u32 = 4;
    const SHIFT: u32 = 1;

    /// A keyboard that writes Latin and Cyrillic; the modifiers are where Debian's are.
    fn keys() -> Keys {
        let rows: [[u32; 4]; 13] = [
            [0x73, 0x53, 0x6d9, 0x6f9], // 8: s
            [0x6ca, 0x6ea, 0x71, 0x51], // 9: й, then q
            [0xff0d, 0, 0, 0],          // 10: Return
            [0xffe9, 0, 0, 0],          // 11: Alt
            [0xffeb, 0, 0, 0],          // 12: Super
            [0xff7f, 0, 0, 0],          // 13: Num Lock
            [0xfe03, 0, 0, 0],          // 14: the third level
            [0xff96, 0xffb4, 0, 0],     // 15: 4 of the number pad
            [0xfe51, 0, 0, 0],          // 16: a dead acute accent
            [0x1008_ff11, 0, 0, 0],     // 17: quieter
            [0xffbe, 0, 0, 0],          // 18: F1
            [0x20, 0, 0, 0],            // 19: the space bar
            [0xff9d, 0xffb5, 0, 0],     // 20: 5 of the number pad
        ];
        Keys::of(8, 4, rows.concat(), vec![0, 0, 0, 11, 13, 0, 12, 14])
    }

    #[test]
    fn a_character_is_a_text_and_nobody_is_told_which() {
        let keys = keys();
        let (num, third) = (1 << 4, 1 << 7);
        for (keycode, mask) in
            [(8, 0), (8, SHIFT), (9, 0), (15, num), (16, 0), (19, 0), (8, third), (8, third | CONTROL)]
        {
            assert_eq!(keys.act(keycode, mask), Some(Act::Text), "{keycode} {mask}");
        }
    }

    #[test]
    fn shortcuts_and_keys_without_a_character_have_names() {
        let keys = keys();
        let (alt, meta) = (1 << 3, 1 << 6);
        for (keycode, mask, key) in [
            (8, CONTROL, Key::Char('s')),
            (8, CONTROL | SHIFT, Key::Char('s')),
            (9, alt, Key::Char('q')),
            (19, meta, Key::Space),
            (10, 0, Key::Enter),
            (15, 0, Key::Left),
            (18, alt, Key::Function(1)),
        ] {
            assert_eq!(keys.act(keycode, mask), Some(Act::Key(key)), "{keycode} {mask}");
        }
        assert_eq!(
            keys.held(CONTROL | alt | SHIFT | meta),
            [Modifier::Ctrl, Modifier::Alt, Modifier::Shift, Modifier::Meta]
        );
        for keycode in [11, 12, 13, 14] {
            assert_eq!(keys.act(keycode, 0), None, "{keycode}");
        }
        assert_eq!(keys.act(17, 0), Some(Act::Key(Key::VolumeDown)));
        for keycode in [20, 99, 7, 0] {
            assert_eq!(keys.act(keycode, 0), Some(Act::Unknown), "{keycode}");
        }
    }
}
