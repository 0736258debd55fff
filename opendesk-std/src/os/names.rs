//! Names of files as text. A name on Unix is bytes and a call carries text, so every sequence of bytes has one text,
//! which gives exactly these bytes back.
//!
//! Valid UTF-8 is itself. A byte that is not, 0x80 to 0xFF, is the private-use character U+F700 + byte, which is
//! U+F780 to U+F7FF. A name that holds such a character of its own has the three bytes of it written that way, so no
//! two names have the same text.

use std::ffi::{OsStr, OsString};
#[cfg(unix)]
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// The character of a byte is this far from it.
#[cfg(unix)]
const ESCAPES: u32 = 0xF700;

/// The text of a name.
#[cfg(unix)]
pub(crate) fn encode(name: &OsStr) -> String {
    let mut text = String::with_capacity(name.len());
    for chunk in name.as_bytes().utf8_chunks() {
        for character in chunk.valid().chars() {
            if escaped(character).is_some() {
                escape(&mut text, character.encode_utf8(&mut [0; 4]).as_bytes());
            } else {
                text.push(character);
            }
        }
        escape(&mut text, chunk.invalid());
    }
    text
}

/// The name that has this text.
#[cfg(unix)]
pub(crate) fn decode(text: &str) -> OsString {
    let mut name = Vec::with_capacity(text.len());
    for character in text.chars() {
        match escaped(character) {
            Some(byte) => name.push(byte),
            None => name.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    OsString::from_vec(name)
}

/// The text of a name. One that is no text cannot be told, and nothing has the name that is told for it.
#[cfg(not(unix))]
pub(crate) fn encode(name: &OsStr) -> String {
    name.to_string_lossy().into_owned()
}

/// The name that has this text.
#[cfg(not(unix))]
pub(crate) fn decode(text: &str) -> OsString {
    text.into()
}

#[cfg(unix)]
fn escape(text: &mut String, bytes: &[u8]) {
    text.extend(bytes.iter().filter_map(|byte| char::from_u32(ESCAPES + u32::from(*byte))));
}

/// The byte that a character stands for.
#[cfg(unix)]
fn escaped(character: char) -> Option<u8> {
    let distance = u32::from(character).checked_sub(ESCAPES)?;
    u8::try_from(distance).ok().filter(|byte| !byte.is_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_what_it_was() {
        for text in ["", "a", "Büro/日本 \u{1b}\u{f77f}\u{f800}", "\u{f0001}"] {
            assert_eq!(encode(OsStr::new(text)), text);
            assert_eq!(decode(text), *text);
        }
    }

    #[test]
    fn bytes_that_are_no_text_come_back() {
        let names: [&[u8]; 6] =
            [b"bad\xff", b"\x80\xfe\xff", b"a\xe2\x82", b"\xed\xa0\x80", "\u{f780}".as_bytes(), b"\xef\x9e"];
        let mut texts = Vec::new();
        for name in names {
            let text = encode(OsStr::from_bytes(name));
            assert_eq!(decode(&text).as_bytes(), name);
            texts.push(text);
        }
        assert_eq!(texts[0], "bad\u{f7ff}");
        assert_eq!(texts[4], "\u{f7ef}\u{f79e}\u{f780}");
        texts.sort_unstable();
        texts.dedup();
        assert_eq!(texts.len(), names.len());
    }

    #[test]
    fn two_bytes_of_any_value_come_back() {
        for first in 0..=u8::MAX {
            for second in 0..=u8::MAX {
                let name = [first, second];
                assert_eq!(decode(&encode(OsStr::from_bytes(&name))).as_bytes(), name);
            }
        }
    }
}
