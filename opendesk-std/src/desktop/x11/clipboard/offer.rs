//! What a program is offered when we own the clipboard.

use std::sync::Arc;

use opendesk_core::limits::BODY_BYTES;

use super::form::is_text;
use crate::api::{ClipboardContents, ClipboardEntry, Error, ErrorCode, Result};

/// The most bytes of all forms together: what one call carries, less what is around them there.
pub(super) const MAX_BYTES: usize = BODY_BYTES - 16 * 1024;

/// The most forms of one content, as the type of the contents says.
pub(super) const MAX_FORMS: usize = 16;

/// The longest MIME type.
const MAX_NAME: usize = 255;

/// The MIME type of text, always in UTF-8.
pub(super) const TEXT: &str = "text/plain;charset=utf-8";

/// One content in its forms, text first, then as they were given. Without a form it is an empty clipboard. A clone
/// shares the data.
#[derive(Clone, Default)]
pub(super) struct Offer {
    forms: Vec<Form>,
}

#[derive(Clone)]
struct Form {
    mime_type: String,
    data: Arc<Vec<u8>>,
}

/// What is given to a program that asks for the target `name`.
pub(super) struct Target<'a> {
    pub(super) name: &'a str,
    /// The type of the data, as the program is told it.
    pub(super) kind: &'a str,
    pub(super) data: Arc<Vec<u8>>,
}

impl Offer {
    /// Takes what a controller writes. Text has one name, [`TEXT`], however it was called.
    ///
    /// # Errors
    /// `invalid_argument` for names that are no MIME types, for one that is there twice, and for text that is not
    /// UTF-8; `limit_exceeded` for more than 16 forms or 16 MiB.
    pub(super) fn new(contents: &ClipboardContents) -> Result<Self> {
        let total: usize = contents.entries.iter().map(|entry| entry.data.len()).sum();
        if total > MAX_BYTES {
            return Err(Error::new(
                ErrorCode::LimitExceeded,
                format!("the clipboard takes {MAX_BYTES} bytes in all its forms, not {total}; leave out a form"),
            ));
        }
        if contents.entries.len() > MAX_FORMS {
            let given = contents.entries.len();
            return Err(Error::new(
                ErrorCode::LimitExceeded,
                format!("the clipboard takes {MAX_FORMS} forms of a content, not {given}; leave some out"),
            ));
        }
        let mut offer = Self::default();
        for ClipboardEntry { mime_type, data } in &contents.entries {
            check(mime_type, data)?;
            if is_text(mime_type) {
                offer.add_text(data)?;
            } else if offer.forms.iter().any(|form| form.mime_type.eq_ignore_ascii_case(mime_type)) {
                return Err(Error::invalid(format!("{mime_type:?} is there twice; give each MIME type once")));
            } else {
                offer.forms.push(Form { mime_type: mime_type.clone(), data: Arc::new(data.clone()) });
            }
        }
        Ok(offer)
    }

    /// `text/plain` and `text/plain;charset=utf-8` are two names for one form.
    fn add_text(&mut self, data: &[u8]) -> Result<()> {
        match self.forms.first() {
            Some(text) if text.mime_type == TEXT && *text.data == data => Ok(()),
            Some(text) if text.mime_type == TEXT => {
                Err(Error::invalid("there are two different texts for text/plain; give the text once"))
            }
            _ => {
                self.forms.insert(0, Form { mime_type: TEXT.to_owned(), data: Arc::new(data.to_vec()) });
                Ok(())
            }
        }
    }

    /// Takes over what was read from another program.
    pub(super) fn taken(contents: ClipboardContents) -> Self {
        let form = |entry: ClipboardEntry| Form { mime_type: entry.mime_type, data: Arc::new(entry.data) };
        Self { forms: contents.entries.into_iter().map(form).collect() }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.forms.is_empty()
    }

    /// What a reader gets.
    pub(super) fn contents(&self) -> ClipboardContents {
        let entry = |form: &Form| ClipboardEntry { mime_type: form.mime_type.clone(), data: form.data.to_vec() };
        ClipboardContents { entries: self.forms.iter().map(entry).collect() }
    }

    /// Every name by which programs ask for something of this, and what they get.
    pub(super) fn targets(&self) -> Vec<Target<'_>> {
        let mut targets = Vec::new();
        for form in &self.forms {
            let mut add = |name, kind, data: &Arc<Vec<u8>>| targets.push(Target { name, kind, data: Arc::clone(data) });
            add(&*form.mime_type, &*form.mime_type, &form.data);
            if form.mime_type == TEXT {
                add("UTF8_STRING", "UTF8_STRING", &form.data);
                if let Some(latin) = latin_1(&form.data) {
                    add("STRING", "STRING", &latin);
                }
                add("TEXT", "UTF8_STRING", &form.data);
                add("text/plain", "text/plain", &form.data);
            }
        }
        targets
    }
}

fn check(mime_type: &str, data: &[u8]) -> Result<()> {
    if mime_type.len() > MAX_NAME {
        let bytes = mime_type.len();
        return Err(Error::invalid(format!("a MIME type has at most {MAX_NAME} bytes, and this one {bytes}")));
    }
    if !is_mime(mime_type) {
        let name: String = mime_type.escape_debug().collect();
        return Err(Error::invalid(format!("\"{name}\" is no MIME type; it is like text/html or image/png")));
    }
    if claims_utf8(mime_type) && core::str::from_utf8(data).is_err() {
        return Err(Error::invalid(format!("what is given as {mime_type:?} is not UTF-8; encode text so")));
    }
    Ok(())
}

/// Whether a name has the shape of a MIME type, so that it is none of the names that selections are managed with.
pub(super) fn is_mime(name: &str) -> bool {
    let kind = name.split(';').next().unwrap_or_default();
    let halves = kind.split_once('/').is_some_and(|(one, other)| {
        let is_word = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_graphic());
        is_word(one) && is_word(other) && !other.contains('/')
    });
    halves && name.len() <= MAX_NAME && name.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

/// Text is UTF-8 unless its type says something else.
fn claims_utf8(mime_type: &str) -> bool {
    let name = mime_type.to_ascii_lowercase();
    let charset = name.split_once("charset=").map(|(_, charset)| charset.trim_matches(['"', ' ']));
    name.starts_with("text/") && charset.is_none_or(|charset| charset.starts_with("utf-8") || charset == "utf8")
}

/// The same text in ISO 8859-1, if that has all of its characters.
fn latin_1(text: &Arc<Vec<u8>>) -> Option<Arc<Vec<u8>>> {
    if text.is_ascii() {
        return Some(Arc::clone(text));
    }
    let text = core::str::from_utf8(text).ok()?;
    let bytes: Option<Vec<u8>> = text.chars().map(|letter| u8::try_from(letter).ok()).collect();
    bytes.map(Arc::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents(entries: &[(&str, &[u8])]) -> ClipboardContents {
        let entry = |(name, data): &(&str, &[u8])| ClipboardEntry { mime_type: (*name).into(), data: data.to_vec() };
        ClipboardContents { entries: entries.iter().map(entry).collect() }
    }

    fn refusal(entries: &[(&str, &[u8])]) -> Error {
        let error = Offer::new(&contents(entries)).err().unwrap();
        assert!(!error.message.contains(char::is_control), "{error}");
        error
    }

    fn given(offer: &Offer, name: &str) -> Option<(String, Vec<u8>)> {
        let targets = offer.targets();
        let target = targets.iter().find(|target| target.name == name)?;
        Some((target.kind.to_owned(), target.data.to_vec()))
    }

    #[test]
    fn text_comes_first_and_has_one_name() {
        for name in ["text/plain", "text/plain;charset=utf-8", "text/plain; charset=UTF-8", "Text/Plain"] {
            let offer = Offer::new(&contents(&[("image/png", b"\x89PNG"), (name, "ä€".as_bytes())])).unwrap();
            let expected = contents(&[(TEXT, "ä€".as_bytes()), ("image/png", b"\x89PNG")]);
            assert_eq!(offer.contents(), expected, "{name}");
        }
        let twice = contents(&[("text/plain", b"a"), (TEXT, b"a")]);
        assert_eq!(Offer::new(&twice).unwrap().contents(), contents(&[(TEXT, b"a")]));
    }

    #[test]
    fn text_is_given_under_all_its_names() {
        let offer = Offer::new(&contents(&[(TEXT, "naïve".as_bytes()), ("text/html", b"<i>naive</i>")])).unwrap();
        for name in [TEXT, "UTF8_STRING", "text/plain"] {
            assert_eq!(given(&offer, name), Some((name.to_owned(), "naïve".into())));
        }
        assert_eq!(given(&offer, "TEXT"), Some(("UTF8_STRING".to_owned(), "naïve".into())));
        assert_eq!(given(&offer, "STRING"), Some(("STRING".to_owned(), b"na\xefve".to_vec())));
        assert_eq!(given(&offer, "text/html"), Some(("text/html".to_owned(), b"<i>naive</i>".to_vec())));
        assert_eq!(given(&offer, "TARGETS"), None);
        let wide = Offer::new(&contents(&[(TEXT, "€".as_bytes())])).unwrap();
        assert_eq!(given(&wide, "STRING"), None, "ISO 8859-1 has no such character");
    }

    #[test]
    fn what_is_not_text_has_no_other_name() {
        let offer = Offer::new(&contents(&[("image/png", b"\x89PNG")])).unwrap();
        assert_eq!(offer.targets().len(), 1);
        assert!(!offer.is_empty() && Offer::new(&contents(&[])).unwrap().is_empty());
    }

    #[test]
    fn what_cannot_be_offered_is_refused() {
        for name in ["", "t", "TARGETS", "UTF8_STRING", "a/", "/b", "a/b/c", "a b/c", "text/\n", "text/ä", "\u{0}/x"] {
            let error = refusal(&[(name, b"x")]);
            assert_eq!(error.code, ErrorCode::InvalidArgument, "{name:?}");
            assert!(error.message.contains("MIME type"), "{error}");
        }
        let long = format!("text/{}", "x".repeat(251));
        assert!(refusal(&[(&long, b"x")]).message.contains("255"), "longer than a name may be");
        assert!(refusal(&[("image/png", b"x"), ("Image/PNG", b"x")]).message.contains("twice"));
        assert!(refusal(&[(TEXT, b"a"), ("text/plain", b"b")]).message.contains("two different texts"));
        for name in [TEXT, "text/html", "text/uri-list", "text/html; charset=\"utf-8\""] {
            assert!(refusal(&[(name, b"\xff\xfe")]).message.contains("not UTF-8"), "{name}");
        }
        assert!(Offer::new(&contents(&[("text/html;charset=utf-16", b"\xff\xfe"), ("image/png", b"\xff")])).is_ok());
    }

    #[test]
    fn limits_are_named() {
        let long = vec![b'x'; MAX_BYTES];
        assert!(Offer::new(&contents(&[("image/png", &long)])).is_ok());
        let error = refusal(&[("image/png", &long), ("image/x", b"x")]);
        assert_eq!(error.code, ErrorCode::LimitExceeded);
        assert!(error.message.contains(&MAX_BYTES.to_string()), "{error}");
        let names: Vec<String> = (0..17).map(|number| format!("application/{number}")).collect();
        let many: Vec<(&str, &[u8])> = names.iter().map(|name| (&**name, &b""[..])).collect();
        assert!(Offer::new(&contents(&many[1..])).is_ok());
        assert_eq!(refusal(&many).code, ErrorCode::LimitExceeded);
    }
}
