//! What windows write: titles, names of classes, workspaces and machines.

use x11rb::protocol::xproto::{Atom, AtomEnum, GetPropertyReply};

/// The longest text that is kept, in characters.
const MAX_TEXT: usize = 1024;

/// How much of a property is asked for, in units of four bytes: enough for the longest text in UTF-8.
pub(super) const TEXT_WORDS: u32 = MAX_TEXT as u32;

/// A text, if the property is there and not empty.
pub(super) fn text(reply: &GetPropertyReply, utf8: Atom) -> Option<String> {
    parts(reply, utf8).into_iter().next().filter(|text| !text.is_empty())
}

/// Texts that each end with a zero byte.
pub(super) fn parts(reply: &GetPropertyReply, utf8: Atom) -> Vec<String> {
    if reply.format != 8 || reply.value.is_empty() {
        return Vec::new();
    }
    let bytes = reply.value.strip_suffix(&[0]).unwrap_or(&reply.value);
    bytes.split(|byte| *byte == 0).map(|part| plain(&decoded(part, reply.type_, utf8))).collect()
}

/// `STRING` is Latin-1. Other types than the two are rare and mostly ASCII.
fn decoded(bytes: &[u8], kind: Atom, utf8: Atom) -> String {
    let latin = || bytes.iter().map(|byte| char::from(*byte)).collect();
    if kind == utf8 {
        String::from_utf8_lossy(bytes).into_owned()
    } else if kind == u32::from(AtomEnum::STRING) {
        latin()
    } else {
        core::str::from_utf8(bytes).map_or_else(|_| latin(), str::to_owned)
    }
}

/// One line of a bounded length: whoever made the window chose it.
fn plain(text: &str) -> String {
    let shown = |character: char| if character.is_control() { ' ' } else { character };
    text.chars().take(MAX_TEXT).map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const UTF8: Atom = 300;
    const COMPOUND: Atom = 301;
    const STRING: Atom = 31;

    fn property(kind: Atom, value: &[u8]) -> GetPropertyReply {
        GetPropertyReply { format: 8, type_: kind, value: value.to_vec(), ..Default::default() }
    }

    #[test]
    fn a_text_is_decoded_by_its_type() {
        assert_eq!(text(&property(UTF8, "Grüße 世界".as_bytes()), UTF8).as_deref(), Some("Grüße 世界"));
        assert_eq!(text(&property(STRING, b"Gr\xfc\xdfe"), UTF8).as_deref(), Some("Grüße"));
        assert_eq!(text(&property(COMPOUND, "é".as_bytes()), UTF8).as_deref(), Some("é"));
        assert_eq!(text(&property(COMPOUND, b"\xe9"), UTF8).as_deref(), Some("é"));
        assert_eq!(text(&property(UTF8, b"a\xffb"), UTF8).as_deref(), Some("a\u{fffd}b"));
    }

    #[test]
    fn a_text_is_one_line_of_a_bounded_length() {
        assert_eq!(text(&property(UTF8, b"two\nlines\x1b[2J"), UTF8).as_deref(), Some("two lines [2J"));
        assert_eq!(text(&property(UTF8, b"ended\0"), UTF8).as_deref(), Some("ended"));
        let long = "世".repeat(5000);
        let cut = &long.as_bytes()[..TEXT_WORDS as usize * 4];
        assert_eq!(text(&property(UTF8, cut), UTF8), Some("世".repeat(1024)), "cut at a whole character");
    }

    #[test]
    fn nothing_is_no_text() {
        assert_eq!(text(&property(UTF8, b""), UTF8), None);
        assert_eq!(text(&property(UTF8, b"\0"), UTF8), None);
        let numbers = GetPropertyReply { format: 32, ..property(UTF8, b"abcd") };
        assert_eq!(text(&numbers, UTF8), None);
    }

    #[test]
    fn parts_are_ended_by_zeros() {
        assert_eq!(parts(&property(STRING, b"xterm\0XTerm\0"), UTF8), ["xterm", "XTerm"]);
        assert_eq!(parts(&property(STRING, b"\0Toplevel\0"), UTF8), ["", "Toplevel"]);
        assert_eq!(parts(&property(UTF8, b"one\0two"), UTF8), ["one", "two"]);
        assert_eq!(parts(&property(UTF8, b""), UTF8), Vec::<String>::new());
    }
}
