//! An entry as it is read back, and which ones are wanted.

use glob::{MatchOptions, Pattern};
use serde_json::{Map, Value};

use super::checkpoint::CHECKPOINT;
use crate::home::json::{self, Style};

/// Digits of a fingerprint by which a peer can be meant.
const FINGERPRINT_DIGITS: usize = 4;

/// Digits of a key that the log keeps.
const KEPT_DIGITS: usize = 16;

/// An entry of the log. Its texts may come from other machines.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry(Map<String, Value>);

impl Entry {
    /// The entry that stands in a line; `None` for what is none.
    pub(super) fn read(line: &[u8]) -> Option<Self> {
        serde_json::from_slice(line).ok().map(Self)
    }

    /// When it was written, in seconds since 1970.
    #[must_use]
    pub fn at(&self) -> f64 {
        self.0.get("ts").and_then(Value::as_f64).unwrap_or(0.0)
    }

    /// What kind of thing happened.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.text("type")
    }

    /// The name of the peer that it is about, and the first 16 digits of its key; both empty where it is about none.
    #[must_use]
    pub fn peer(&self) -> (&str, &str) {
        let part = |name: &str| self.0.get("peer").and_then(|peer| peer.get(name)).and_then(Value::as_str);
        (part("name").unwrap_or_default(), part("fp").unwrap_or_default())
    }

    /// A field that is a text; empty where there is none.
    #[must_use]
    pub fn text(&self, name: &str) -> &str {
        self.0.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// Everything that it holds.
    #[must_use]
    pub const fn fields(&self) -> &Map<String, Value> {
        &self.0
    }

    /// One line of JSON in ASCII, as it stands in the file.
    #[must_use]
    pub fn json(&self) -> String {
        json::object(&self.0, Style::Line)
    }
}

/// Which entries are wanted. Checkpoints never are: they say nothing of what happened.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub(super) since: Option<f64>,
    peer: Option<(String, Option<String>)>,
    method: Option<Pattern>,
}

impl Filter {
    /// Only those from this time on, in seconds since 1970.
    #[must_use]
    pub fn since(self, seconds: f64) -> Self {
        Self { since: Some(seconds), ..self }
    }

    /// Only those about this peer: by its name, or the beginning of its fingerprint, at least four digits with or without
    /// colons. `key` is the key of whoever has that name now, which it may not have had when the entry was written.
    #[must_use]
    pub fn peer(self, text: &str, key: Option<&str>) -> Self {
        Self { peer: Some((text.to_owned(), key.map(str::to_owned))), ..self }
    }

    /// Only those about this method: a pattern with `*`, `?` and `[…]`, in which small and capital letters are alike.
    ///
    /// # Errors
    /// A line that says what is wrong with the pattern.
    pub fn method(self, pattern: &str) -> Result<Self, String> {
        let method = Pattern::new(pattern).map_err(|error| format!("{pattern:?} is no pattern: {error}"))?;
        Ok(Self { method: Some(method), ..self })
    }

    /// Whether an entry is wanted.
    #[must_use]
    pub fn fits(&self, entry: &Entry) -> bool {
        entry.kind() != CHECKPOINT
            && self.since.is_none_or(|since| entry.at() >= since)
            && self.peer.as_ref().is_none_or(|(text, key)| is_about(entry, text, key.as_deref()))
            && self.method.as_ref().is_none_or(|method| {
                let options = MatchOptions { case_sensitive: false, ..MatchOptions::new() };
                entry.fields().contains_key("method") && method.matches_with(entry.text("method"), options)
            })
    }
}

fn is_about(entry: &Entry, text: &str, key: Option<&str>) -> bool {
    let (name, fingerprint) = entry.peer();
    if name == text && !name.is_empty() {
        return true;
    }
    if fingerprint.is_empty() {
        return false;
    }
    let digits: String = text.chars().filter(|character| *character != ':').take(KEPT_DIGITS).collect();
    let is_fingerprint = digits.len() >= FINGERPRINT_DIGITS && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    (is_fingerprint && fingerprint.starts_with(&digits.to_ascii_lowercase()))
        || key.is_some_and(|key| key.starts_with(fingerprint))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(fields: &str) -> Entry {
        let text = format!("{{\"peer\": {{\"name\": \"anna\", \"fp\": \"0123456789abcdef\"}}, {fields}}}");
        Entry::read(text.as_bytes()).expect("an object")
    }

    #[test]
    fn a_peer_is_meant_by_name_fingerprint_or_the_key_that_it_has_now() {
        let entry = entry("\"type\": \"call\"");
        let key = "0123456789abcdef".repeat(4);
        for (text, fits) in [
            ("anna", true),
            ("Anna", false),
            ("ann", false),
            ("0123", true),
            ("012", false),
            ("0123:4567:89AB:cdef", true),
            ("0124", false),
            (&key, true),
            ("", false),
        ] {
            assert_eq!(Filter::default().peer(text, None).fits(&entry), fits, "{text}");
        }
        assert!(Filter::default().peer("bertha", Some(&key)).fits(&entry));
        assert!(!Filter::default().peer("bertha", Some(&"f".repeat(64))).fits(&entry));
        let nobody = Entry::read(b"{\"type\": \"admin\", \"peer\": {\"name\": \"\", \"fp\": \"\"}}").unwrap();
        assert!(!Filter::default().peer("", Some("ab")).fits(&nobody));
    }

    #[test]
    fn methods_times_and_kinds_are_told_apart() {
        let typed = entry("\"type\": \"call\", \"method\": \"input.text\", \"ts\": 100.5");
        let method = |pattern: &str| Filter::default().method(pattern).unwrap().fits(&typed);
        assert!(method("input.*") && method("INPUT.text") && method("*"));
        assert!(!method("display.*") && !method("input"));
        assert!(!Filter::default().method("*").unwrap().fits(&entry("\"type\": \"session.opened\"")));
        assert!(Filter::default().method("a[").is_err());
        assert!(Filter::default().since(100.5).fits(&typed) && !Filter::default().since(100.6).fits(&typed));
        assert!(!Filter::default().fits(&entry("\"type\": \"audit.checkpoint\"")));
    }

    #[test]
    fn a_line_is_given_back_in_ascii() {
        let line = "{\"n\": 1.5, \"type\": \"\\u202e\\u00e9\"}";
        assert_eq!(Entry::read(line.as_bytes()).unwrap().json(), line);
        assert_eq!(Entry::read("{\"type\": \"\u{202e}é\", \"n\":1.5}".as_bytes()).unwrap().json(), line);
        assert_eq!(Entry::read(b"[]"), None);
    }
}
