//! The clipboard that windows and the outside share.

use crate::api::{ClipboardContents, ClipboardEntry};

/// The MIME type of text that a window copies.
const TEXT: &str = "text/plain;charset=utf-8";

/// What was last copied, in every form it was given.
#[derive(Debug, Default)]
pub(super) struct Clipboard {
    contents: ClipboardContents,
}

impl Clipboard {
    pub(super) const fn contents(&self) -> &ClipboardContents {
        &self.contents
    }

    pub(super) fn set(&mut self, contents: ClipboardContents) {
        self.contents = contents;
    }

    pub(super) fn set_text(&mut self, text: String) {
        self.contents =
            ClipboardContents { entries: vec![ClipboardEntry { mime_type: TEXT.to_owned(), data: text.into_bytes() }] };
    }

    /// What pasting into a text gives: the first form that is plain text, nothing if there is none.
    pub(super) fn text(&self) -> String {
        self.contents
            .entries
            .iter()
            .find(|entry| is_plain_text(&entry.mime_type))
            .map(|entry| String::from_utf8_lossy(&entry.data).into_owned())
            .unwrap_or_default()
    }
}

/// Whether a MIME type is `text/plain`, whatever its parameters.
fn is_plain_text(mime_type: &str) -> bool {
    let essence = mime_type.split_once(';').map_or(mime_type, |(essence, _)| essence);
    essence.trim().eq_ignore_ascii_case("text/plain")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(mime_type: &str, data: &str) -> ClipboardEntry {
        ClipboardEntry { mime_type: mime_type.to_owned(), data: data.as_bytes().to_vec() }
    }

    #[test]
    fn pasting_takes_the_plain_text() {
        let mut clipboard = Clipboard::default();
        assert_eq!(clipboard.text(), "");
        let entries = vec![entry("text/html", "<b>x</b>"), entry("Text/Plain; charset=UTF-8", "x")];
        clipboard.set(ClipboardContents { entries: entries.clone() });
        assert_eq!(clipboard.text(), "x");
        assert_eq!(clipboard.contents().entries, entries);
        clipboard.set(ClipboardContents { entries: vec![entry("text/plainer", "y")] });
        assert_eq!(clipboard.text(), "");
    }
}
