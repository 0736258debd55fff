//! What the X server calls keys and characters.

use super::legacy;
use crate::desktop::Key;

pub(super) const RETURN: u32 = 0xff0d;
pub(super) const TAB: u32 = 0xff09;
pub(super) const SHIFTS: [u32; 2] = [0xffe1, 0xffe2];

/// Keysyms of media keyboards have these bits (`XF86keysym.h`).
const MEDIA: u32 = 0x1008_ff00;

/// Keysyms that are a code point in themselves have this bit.
const UNICODE: u32 = 0x0100_0000;

/// The keysym that stands for a character in every program; control characters have none.
pub(super) fn of_char(character: char) -> Option<u32> {
    let code = u32::from(character);
    match code {
        _ if character.is_control() => None,
        0..=0xff => Some(code),
        _ => Some(UNICODE | code),
    }
}

/// The character that a keysym stands for: the reverse of [`of_char`], and the older spellings of layouts.
pub(super) fn char_of(keysym: u32) -> Option<char> {
    match keysym {
        0..=0xff => char::from_u32(keysym),
        UNICODE..=0x0110_ffff => char::from_u32(keysym - UNICODE),
        _ => legacy::char_of(keysym),
    }
    .filter(|character| !character.is_control())
}

/// The keysyms that a key may have on a layout, the usual one first; a character's is the one given by
/// [`of_char`]. `None` for what no keyboard can have.
pub(super) fn of_key(key: Key) -> Option<[u32; 2]> {
    let both = |keysym| Some([keysym, keysym]);
    match key {
        Key::Char(character) => both(of_char(character)?),
        Key::Function(number @ 1..=24) => both(0xffbd + u32::from(number)),
        Key::Function(_) => None,
        Key::Shift => Some(SHIFTS),
        Key::Control => Some([0xffe3, 0xffe4]),
        Key::Alt => Some([0xffe9, 0xffea]),
        Key::Meta => Some([0xffeb, 0xffec]),
        Key::CapsLock => both(0xffe5),
        Key::Enter => both(RETURN),
        Key::Tab => both(TAB),
        Key::Escape => both(0xff1b),
        Key::Space => both(0x20),
        Key::Backspace => both(0xff08),
        Key::Delete => both(0xffff),
        Key::Insert => both(0xff63),
        Key::Home => both(0xff50),
        Key::End => both(0xff57),
        Key::PageUp => both(0xff55),
        Key::PageDown => both(0xff56),
        Key::Left => both(0xff51),
        Key::Up => both(0xff52),
        Key::Right => both(0xff53),
        Key::Down => both(0xff54),
        Key::PrintScreen => both(0xff61),
        Key::ScrollLock => both(0xff14),
        Key::NumLock => both(0xff7f),
        Key::Pause => both(0xff13),
        Key::Menu => both(0xff67),
        Key::AltGr => Some([0xfe03, 0xffea]),
        Key::Help => both(0xff6a),
        Key::VolumeUp => both(MEDIA | 0x13),
        Key::VolumeDown => both(MEDIA | 0x11),
        Key::VolumeMute => both(MEDIA | 0x12),
        Key::PlayPause => both(MEDIA | 0x14),
        Key::NextTrack => both(MEDIA | 0x17),
        Key::PreviousTrack => both(MEDIA | 0x16),
        Key::StopTrack => both(MEDIA | 0x15),
        Key::BrowserBack => both(MEDIA | 0x26),
        Key::BrowserForward => both(MEDIA | 0x27),
        Key::BrowserRefresh => Some([MEDIA | 0x73, MEDIA | 0x29]),
        Key::BrowserHome => both(MEDIA | 0x18),
        Key::BrowserSearch => both(MEDIA | 0x1b),
    }
}

/// Whether a key works by what the server's modifier map says of it, so that a keysym alone does not make one.
pub(super) const fn is_modifier(key: Key) -> bool {
    matches!(key, Key::Shift | Key::Control | Key::Alt | Key::AltGr | Key::Meta | Key::CapsLock | Key::NumLock)
}

/// What to call a key in a message.
pub(super) fn label(key: Key) -> String {
    match key {
        Key::Char(character) => format!("{character:?}"),
        Key::Function(number) => format!("F{number}"),
        named => format!("{named:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_survive_the_way_there_and_back() {
        for character in ['a', 'Z', ' ', '~', '\u{a0}', 'ß', 'ÿ', 'Ā', 'й', '世', '🚀', '\u{10ffff}'] {
            let keysym = of_char(character).unwrap();
            assert_eq!(char_of(keysym), Some(character), "{character:?}");
        }
        assert_eq!(of_char('é'), Some(0xe9));
        assert_eq!(of_char('€'), Some(0x0100_20ac));
        assert_eq!(char_of(0x6ca), Some('й'), "layouts spell Cyrillic in the old way");
    }

    #[test]
    fn control_characters_and_function_keysyms_are_no_characters() {
        for character in ['\0', '\u{7}', '\n', '\u{7f}', '\u{9b}'] {
            assert_eq!(of_char(character), None, "{character:?}");
        }
        for keysym in [0, 7, RETURN, 0xffe1, 0xfe50, 0x0100_0007, 0x0111_0000, 0x1008_ff11] {
            assert_eq!(char_of(keysym), None, "{keysym:#x}");
        }
    }

    #[test]
    fn keys_have_the_names_of_the_protocol() {
        assert_eq!(of_key(Key::Function(1)), Some([0xffbe; 2]));
        assert_eq!(of_key(Key::Function(24)), Some([0xffd5; 2]));
        assert_eq!(of_key(Key::Function(0)), None);
        assert_eq!(of_key(Key::Function(25)), None);
        assert_eq!(of_key(Key::Char('\u{7}')), None);
        assert_eq!(of_key(Key::Meta), Some([0xffeb, 0xffec]));
    }
}
