//! What a paired machine may be called, and how text from another machine is shown.

use core::fmt;
use core::str::FromStr;

use super::{HomeError, HomeErrorKind, hex};

/// Longest name of a machine, in characters: it still fits a line of a terminal beside other columns.
pub const MAX_NAME: usize = 64;

/// Longest text kept or shown of another machine, in characters.
pub const MAX_TEXT: usize = 1024;

/// Names that commands and tools give a meaning of their own.
const RESERVED: [&str; 2] = ["local", "all"];

/// Digits of a fingerprint.
const FINGERPRINT_DIGITS: usize = 16;

/// The name of a paired machine: 1 to [`MAX_NAME`] visible characters, no space at either end, neither `local` nor
/// `all` in any case, and nothing that reads as the address, the fingerprint or the key of a machine.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerName(String);

/// Why a text cannot be a [`PeerName`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadName(&'static str);

impl fmt::Display for BadName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the name of a machine {}", self.0)
    }
}

impl core::error::Error for BadName {}

impl FromStr for PeerName {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        if text.is_empty() {
            return Err(BadName("cannot be empty"));
        }
        if text.chars().count() > MAX_NAME {
            return Err(BadName("cannot be longer than 64 characters"));
        }
        if text.chars().any(is_hidden) {
            return Err(BadName("cannot hold control characters or invisible ones"));
        }
        if text.trim() != text {
            return Err(BadName("cannot begin or end with a space"));
        }
        if RESERVED.iter().any(|reserved| text.eq_ignore_ascii_case(reserved)) {
            return Err(BadName("cannot be \"local\" or \"all\", which mean something else"));
        }
        if text.contains("://") {
            return Err(BadName("cannot look like an address"));
        }
        if hex_digits(text).is_some_and(|digits| digits.len() >= FINGERPRINT_DIGITS) {
            return Err(BadName("cannot look like a fingerprint or a key"));
        }
        Ok(Self(text.to_owned()))
    }
}

impl PeerName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name that is nearest to what a remote machine proposed: without hidden characters, cut to [`MAX_NAME`].
    /// Where nothing usable is left it is `peer-` and the first six digits of the machine's key.
    #[must_use]
    pub fn sanitize(proposed: &str, public_key: &[u8; 32]) -> Self {
        let visible: String = proposed
            .chars()
            .filter(|character| !is_hidden(*character))
            .skip_while(|character| character.is_whitespace())
            .take(MAX_NAME)
            .collect();
        visible.trim_end().parse().unwrap_or_else(|_| Self(format!("peer-{}", hex::encode(&public_key[..3]))))
    }

    /// Whether two names are one name in different case. They cannot stand beside each other: the rules of a policy
    /// know no case, so what they say of one machine would hold for the other.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        self.0.to_lowercase() == other.0.to_lowercase()
    }

    /// This name, or the first of `name-2`, `name-3`… that is not taken.
    pub(super) fn unique(self, taken: impl Fn(&Self) -> bool) -> Self {
        if !taken(&self) {
            return self;
        }
        let free = (2_u32..).map(|number| self.numbered(number)).find(|name| !taken(name));
        free.unwrap_or(self)
    }

    fn numbered(&self, number: u32) -> Self {
        let suffix = format!("-{number}");
        let stem: String = self.0.chars().take(MAX_NAME - suffix.len()).collect();
        Self(format!("{}{suffix}", stem.trim_end()))
    }
}

impl fmt::Display for PeerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for PeerName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl PartialEq<str> for PeerName {
    fn eq(&self, other: &str) -> bool {
        self.0 == other
    }
}

/// The text with every control character and every character that hides or reorders others written as an escape
/// (`\n`, `\u{1b}`), so that it is safe on a terminal and in a log and stays one line.
#[must_use]
pub fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if is_hidden(character) {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// A text from another machine as one line: line breaks and tabs become spaces, other hidden characters go, and what
/// is longer than 1,024 characters is cut.
#[must_use]
pub fn plain_text(text: &str) -> String {
    let visible: String = text
        .chars()
        .map(|character| if matches!(character, '\n' | '\t') { ' ' } else { character })
        .filter(|character| !is_hidden(*character))
        .skip_while(|character| character.is_whitespace())
        .take(MAX_TEXT)
        .collect();
    visible.trim_end().to_owned()
}

/// The words of this machine's owner as [`plain_text`].
///
/// # Errors
/// [`HomeErrorKind::Invalid`] for more than it would leave, which must not be cut in silence.
pub(super) fn own_words(text: &str) -> Result<String, HomeError> {
    let length = text.trim().chars().count();
    if length > MAX_TEXT {
        let message = format!("the description has {length} characters and {MAX_TEXT} is the most; shorten it");
        return Err(HomeError::new(HomeErrorKind::Invalid, message));
    }
    Ok(plain_text(text))
}

/// The digits of a key or fingerprint, or of the beginning of one, in lower case and without colons; `None` for what
/// holds anything else.
pub(crate) fn hex_digits(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(|character| *character != ':').collect();
    digits.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| digits.to_ascii_lowercase())
}

/// Digits of the key at the end of the name under which a host announces itself.
pub(crate) const ANNOUNCED_DIGITS: usize = 6;

/// The digits at the end of a name as hosts announce it, `box-3f2a11`, in lower case: their key begins with them. `None`
/// for what is no such name.
pub(crate) fn announced_digits(text: &str) -> Option<String> {
    let (stem, digits) = text.rsplit_once('-')?;
    hex_digits(digits).filter(|found| !stem.is_empty() && found.len() == ANNOUNCED_DIGITS && !digits.contains(':'))
}

/// Whether a character shows nothing of its own or changes how its neighbours are shown.
pub(crate) const fn is_hidden(character: char) -> bool {
    matches!(
        character,
        '\0'..='\u{1f}'
            | '\u{7f}'..='\u{9f}'
            | '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; 32] = [0xab; 32];

    /// Every character of the blocks that hold hidden ones.
    fn remarkable() -> impl Iterator<Item = char> {
        (0..0x3200)
            .chain(0xfe00..0x1_0000)
            .chain(0x1_d100..0x1_d200)
            .chain(0xe_0000..0xe_1000)
            .filter_map(char::from_u32)
    }

    #[test]
    fn names_that_people_use_are_names() {
        for name in ["laptop", "Büro PC", "a", "日本", "all-in-one", &"x".repeat(64), &"é".repeat(64)] {
            assert_eq!(name.parse::<PeerName>().map(|name| name.to_string()), Ok(name.to_owned()));
        }
    }

    #[test]
    fn names_that_mislead_are_refused() {
        for name in [
            "",
            " ",
            " a",
            "a ",
            "ws://box:1",
            "local",
            "LOCAL",
            "All",
            "a\nb",
            "a\u{1b}[31m",
            "a\u{202e}b",
            "a\u{200b}",
        ] {
            assert!(name.parse::<PeerName>().is_err(), "{name:?}");
        }
        assert!("x".repeat(65).parse::<PeerName>().is_err());
    }

    #[test]
    fn a_name_never_passes_for_the_key_of_another_machine() {
        for name in ["3f2a:11bc:0000:dead", "3F2A11BC0000DEAD", &"ab".repeat(32), "3f2a:11bc:0000:dead:beef"] {
            assert!(name.parse::<PeerName>().is_err(), "{name:?}");
            assert_eq!(PeerName::sanitize(name, &KEY).as_str(), "peer-ababab");
        }
        for name in ["cafe", "2026", "3f2a:11bc:0000:dea", "3f2a:11bc:0000:dead-2", "3f2a:11bc:0000:deaf's pc", "::"] {
            assert!(name.parse::<PeerName>().is_ok(), "{name:?}");
        }
    }

    #[test]
    fn names_that_differ_in_case_only_are_alike() {
        let alike = |one: &str, other: &str| {
            let [one, other]: [PeerName; 2] = [one, other].map(|name| name.parse().unwrap());
            one.is_like(&other)
        };
        assert!(alike("Büro PC", "BÜRO pc") && alike("a", "a"));
        assert!(!alike("a", "b") && !alike("pc", "pc-2"));
    }

    #[test]
    fn the_owner_is_told_what_is_too_long_instead_of_having_it_cut() {
        assert_eq!(own_words(" the\nPC\u{1b} ").unwrap(), "the PC");
        assert_eq!(own_words(&format!(" {}\n", "é".repeat(1024))).unwrap(), "é".repeat(1024));
        let error = own_words(&"é".repeat(1025)).unwrap_err();
        assert!(error.to_string().contains("1025 characters and 1024"), "{error}");
    }

    #[test]
    fn a_proposed_name_becomes_a_usable_one() {
        let named = |proposed: &str| PeerName::sanitize(proposed, &KEY).to_string();
        assert_eq!(named("laptop"), "laptop");
        assert_eq!(named("\u{200b} \u{1b}[31mred\u{202e} "), "[31mred");
        assert_eq!(named(&"é".repeat(1000)), "é".repeat(64));
        assert_eq!(named(&format!("{} {}", "x".repeat(63), "b")), "x".repeat(63));
        for nothing in ["", " \n", "local", "ALL ", "\u{feff}"] {
            assert_eq!(named(nothing), "peer-ababab");
        }
    }

    #[test]
    fn whatever_is_proposed_the_name_is_valid() {
        for character in remarkable() {
            let name = PeerName::sanitize(&format!("{character}{character}"), &KEY);
            assert_eq!(name.as_str().parse::<PeerName>(), Ok(name.clone()), "{character:?}");
        }
    }

    #[test]
    fn a_taken_name_gets_a_number_and_still_fits() {
        let taken = ["a", "a-2", &"x".repeat(64)].map(str::to_owned);
        let unique = |name: &str| {
            let name: PeerName = name.parse().unwrap();
            name.unique(|name| taken.iter().any(|other| *name == **other)).to_string()
        };
        assert_eq!(unique("b"), "b");
        assert_eq!(unique("a"), "a-3");
        assert_eq!(unique(&"x".repeat(64)), format!("{}-2", "x".repeat(62)));
    }

    #[test]
    fn printable_text_holds_nothing_hidden() {
        assert_eq!(printable("a\nb\u{1b}[0m\u{202e}é"), "a\\nb\\u{1b}[0m\\u{202e}é");
        for character in remarkable() {
            assert!(!printable(&character.to_string()).chars().any(|shown| shown.is_control() || is_hidden(shown)));
        }
    }

    #[test]
    fn plain_text_is_one_line_and_cut() {
        assert_eq!(plain_text(" \n one\r\ntwo\tthree\u{7}\u{202e} \n"), "one two three");
        assert_eq!(plain_text(&"é".repeat(2000)), "é".repeat(1024));
    }
}
