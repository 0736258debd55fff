//! How programs encode what they give.

use core::mem;

/// What is to be done with the bytes of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    /// Text in UTF-8.
    Utf8,
    /// Text in the encoding that the type of the answer names.
    Told,
    /// Text in UTF-8 or, where it is none, in ISO 8859-1: its name does not say.
    Unsaid,
    /// HTML, which browsers also give in UTF-16, with a mark in front.
    Html,
    /// Bytes.
    Raw,
}

/// What the type of an answer says about its encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Said {
    Utf8,
    Latin1,
    Other,
}

impl Encoding {
    /// The bytes of an entry; `None` when they are not what they should be.
    pub(super) fn decode(self, said: Said, mut data: Vec<u8>) -> Option<Vec<u8>> {
        match (self, said) {
            (Self::Raw, _) => Some(data),
            (Self::Html, _) => Some(utf16(&data).map_or_else(|| mem::take(&mut data), String::into_bytes)),
            (Self::Utf8, _) | (Self::Told, Said::Utf8) => core::str::from_utf8(&data).is_ok().then_some(data),
            (Self::Told, Said::Latin1) => Some(latin_1(&data)),
            // Compound text, which nobody needs who has UTF-8.
            (Self::Told, Said::Other) => None,
            (Self::Unsaid, _) if core::str::from_utf8(&data).is_ok() => Some(data),
            (Self::Unsaid, _) => Some(latin_1(&data)),
        }
    }
}

fn latin_1(data: &[u8]) -> Vec<u8> {
    data.iter().map(|&byte| char::from(byte)).collect::<String>().into_bytes()
}

/// Text of UTF-16 that begins with the mark of its byte order.
fn utf16(data: &[u8]) -> Option<String> {
    let (mark, units) = data.split_first_chunk::<2>()?;
    let read = match mark {
        [0xff, 0xfe] => u16::from_le_bytes,
        [0xfe, 0xff] => u16::from_be_bytes,
        _ => return None,
    };
    let (units, _odd) = units.as_chunks::<2>();
    Some(char::decode_utf16(units.iter().map(|unit| read(*unit))).map(|letter| letter.unwrap_or('\u{fffd}')).collect())
}

/// Whether this MIME type is plain text, of which we know that it is UTF-8.
pub(super) fn is_text(mime_type: &str) -> bool {
    let plain = |letter: &char| !matches!(letter, ' ' | '"');
    let name: String = mime_type.chars().filter(plain).collect::<String>().to_ascii_lowercase();
    matches!(&*name, "text/plain" | "text/plain;charset=utf-8" | "text/plain;charset=utf8")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(encoding: Encoding, said: Said, data: &[u8]) -> Option<String> {
        encoding.decode(said, data.to_vec()).map(|data| String::from_utf8_lossy(&data).into_owned())
    }

    #[test]
    fn text_becomes_utf_8_or_nothing() {
        let (utf8, latin) = ("Grüße".as_bytes(), &b"Gr\xfc\xdfe"[..]);
        let text = Some("Grüße".to_owned());
        assert_eq!(decode(Encoding::Utf8, Said::Other, utf8), text);
        assert_eq!(decode(Encoding::Utf8, Said::Utf8, latin), None);
        assert_eq!(decode(Encoding::Told, Said::Utf8, utf8), text);
        assert_eq!(decode(Encoding::Told, Said::Latin1, latin), text);
        assert_eq!(decode(Encoding::Told, Said::Other, b"compound \x1b%G"), None);
        assert_eq!(decode(Encoding::Unsaid, Said::Other, utf8), text);
        assert_eq!(decode(Encoding::Unsaid, Said::Other, latin), text);
        assert_eq!(decode(Encoding::Utf8, Said::Utf8, b""), Some(String::new()), "empty text is text");
    }

    #[test]
    fn html_in_utf_16_becomes_utf_8() {
        let html = "<b>ä€🚀</b>";
        let mut little = vec![0xff, 0xfe];
        let mut big = vec![0xfe, 0xff];
        for unit in html.encode_utf16() {
            little.extend(unit.to_le_bytes());
            big.extend(unit.to_be_bytes());
        }
        assert_eq!(decode(Encoding::Html, Said::Other, &little).as_deref(), Some(html));
        assert_eq!(decode(Encoding::Html, Said::Other, &big).as_deref(), Some(html));
        assert_eq!(decode(Encoding::Html, Said::Other, html.as_bytes()).as_deref(), Some(html));
        little.push(b'x');
        assert_eq!(decode(Encoding::Html, Said::Other, &little).as_deref(), Some(html), "half a unit is none");
        assert_eq!(decode(Encoding::Html, Said::Other, b"\xff\xfe\x00\xd8").as_deref(), Some("\u{fffd}"));
        assert_eq!(decode(Encoding::Html, Said::Other, b"<").as_deref(), Some("<"));
    }

    #[test]
    fn bytes_stay_as_they_are() {
        let bytes = b"\xff\xfe\x89PNG\0".to_vec();
        assert_eq!(Encoding::Raw.decode(Said::Utf8, bytes.clone()), Some(bytes));
    }

    #[test]
    fn text_is_known_by_its_mime_type() {
        for name in ["text/plain", "TEXT/PLAIN", "text/plain; charset=utf-8", "text/plain;charset=\"UTF-8\""] {
            assert!(is_text(name), "{name}");
        }
        for name in ["text/html", "text/plain;charset=utf-16", "text/plainer", "UTF8_STRING"] {
            assert!(!is_text(name), "{name}");
        }
    }
}
