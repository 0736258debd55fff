//! Where a text stands in what was read.

use crate::api::{Error, ErrorCode, OcrClickParams, OcrWord, Rect, Result, ScreenText};
use crate::home::printable;

/// How many of the words that were read a refusal names.
const NAMED: usize = 20;

/// As much of a text as a refusal shows, in characters.
const SHOWN: usize = 60;

/// A place that says what was looked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// Where it is, in logical pixels of the desktop.
    pub bounds: Rect,
    /// The words there, as they were read, without punctuation that stands alone.
    pub text: String,
}

/// The place that is meant by the text and the occurrence of `params`.
///
/// # Errors
/// `invalid_argument` for a text without a word, `not_found` naming what was read instead, or how many places there
/// are. Such a message shows what is on the screen, so it is for the caller and for no log.
pub fn find(text: &ScreenText, params: &OcrClickParams) -> Result<Found> {
    let wanted = params.text.as_str();
    if wanted.trim().is_empty() {
        return Err(Error::invalid("there is no text to look for; give one or several words of a line"));
    }
    let mut places = matches(text, wanted);
    let count = places.len();
    let index = usize::try_from(params.occurrence).unwrap_or(usize::MAX);
    if index < count {
        return Ok(places.swap_remove(index));
    }
    let wanted = shown(wanted);
    Err(Error::new(
        ErrorCode::NotFound,
        match count {
            0 => format!("{wanted:?} was not read there; {}", seen(text)),
            1 => format!("{wanted:?} was read once there, so its only occurrence is 0, and {index} was asked for"),
            _ => format!(
                "{wanted:?} was read {count} times there, so occurrences are 0 to {}, and {index} was asked for",
                count - 1
            ),
        },
    ))
}

/// Every place that says so, in reading order: words that follow each other in one line. Capitals do not matter.
/// Where no place says just that, punctuation around words does not matter either, and where there still is none,
/// neither spaces nor any punctuation do, nor which of l, 1 and I, or of 0 and O, was read. An empty text is nowhere.
#[must_use]
pub fn matches(text: &ScreenText, wanted: &str) -> Vec<Found> {
    let passes: [fn(&str) -> String; 2] = [str::to_lowercase, bare];
    for normal in passes {
        let found = as_words(text, wanted, normal);
        if !found.is_empty() {
            return found;
        }
    }
    as_letters(text, wanted)
}

/// Without the punctuation around it.
fn bare(word: &str) -> String {
    word.trim_matches(|character: char| !character.is_alphanumeric()).to_lowercase()
}

/// Only letters and digits, and those as one that are easily taken for each other.
fn letters(word: &str) -> String {
    let alike = |character: char| match character {
        'l' | '1' => 'i',
        '0' => 'o',
        other => other,
    };
    word.to_lowercase().chars().filter(|character| character.is_alphanumeric()).map(alike).collect()
}

/// Places whose words are the wanted ones after both were made normal. A word of which nothing is left is none.
fn as_words(text: &ScreenText, wanted: &str, normal: fn(&str) -> String) -> Vec<Found> {
    let wanted: Vec<String> = wanted.split_whitespace().map(normal).filter(|word| !word.is_empty()).collect();
    if wanted.is_empty() {
        return Vec::new();
    }
    places(text, normal, |words| {
        let starts_so = words.iter().map(|(_, word)| word).zip(&wanted).all(|(read, word)| read == word);
        (words.len() >= wanted.len() && starts_so).then_some(wanted.len())
    })
}

/// Places whose letters are the wanted ones, wherever words begin and end.
fn as_letters(text: &ScreenText, wanted: &str) -> Vec<Found> {
    let wanted = letters(wanted);
    if wanted.is_empty() {
        return Vec::new();
    }
    places(text, letters, |words| {
        let mut left = wanted.as_str();
        for (count, (_, word)) in (1..).zip(words) {
            left = left.strip_prefix(word.as_str())?;
            if left.is_empty() {
                return Some(count);
            }
        }
        None
    })
}

/// Goes along every line and asks `begins`, of the words that are left of it, how many of them are a place.
fn places(
    text: &ScreenText,
    normal: fn(&str) -> String,
    begins: impl Fn(&[(&OcrWord, String)]) -> Option<usize>,
) -> Vec<Found> {
    let mut found = Vec::new();
    for line in text.words.chunk_by(|one, other| one.line == other.line) {
        let words = line.iter().map(|word| (word, normal(&word.text))).filter(|(_, word)| !word.is_empty());
        let words: Vec<(&OcrWord, String)> = words.collect();
        let mut rest = words.as_slice();
        while !rest.is_empty() {
            let count = begins(rest);
            let (place, after) = rest.split_at(count.unwrap_or(1).clamp(1, rest.len()));
            if count.is_some() {
                found.push(joined(place.iter().map(|(word, _)| *word)));
            }
            rest = after;
        }
    }
    found
}

fn joined<'a>(words: impl Iterator<Item = &'a OcrWord> + Clone) -> Found {
    let edge = |of: fn(&Rect) -> f64, better: fn(f64, f64) -> f64, worst: f64| {
        words.clone().map(|word| of(&word.bounds)).fold(worst, better)
    };
    let left = edge(|bounds| bounds.x, f64::min, f64::INFINITY);
    let top = edge(|bounds| bounds.y, f64::min, f64::INFINITY);
    let right = edge(|bounds| bounds.x + bounds.width, f64::max, f64::NEG_INFINITY);
    let bottom = edge(|bounds| bounds.y + bounds.height, f64::max, f64::NEG_INFINITY);
    let text: Vec<&str> = words.map(|word| word.text.as_str()).collect();
    Found { bounds: Rect::new(left, top, right - left, bottom - top), text: text.join(" ") }
}

/// Some of what was read, for a message.
fn seen(text: &ScreenText) -> String {
    let words: Vec<String> = text.words.iter().take(NAMED).map(|word| shown(&word.text)).collect();
    match text.words.len() - words.len() {
        _ if words.is_empty() => "no text was read there at all".to_owned(),
        0 => format!("what was read is: {}", words.join(" ")),
        more => format!("what was read is: {} and {more} words more", words.join(" ")),
    }
}

fn shown(text: &str) -> String {
    printable(&text.trim().chars().take(SHOWN).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words of 10×10 pixels for each character, a row of 20 for each line.
    fn screen(lines: &[&str]) -> ScreenText {
        let mut words = Vec::new();
        for (line, text) in (0..).zip(lines) {
            let mut x = 0.0;
            for word in text.split_whitespace() {
                let width = 10.0 * word.chars().count() as f64;
                let bounds = Rect::new(x, 20.0 * f64::from(line), width, 10.0);
                words.push(OcrWord { text: word.to_owned(), bounds, confidence: 90.0, line });
                x += width + 10.0;
            }
        }
        ScreenText { area: Rect::new(0.0, 0.0, 1000.0, 1000.0), words }
    }

    fn texts(lines: &[&str], wanted: &str) -> Vec<String> {
        matches(&screen(lines), wanted).into_iter().map(|found| found.text).collect()
    }

    fn told(lines: &[&str], text: &str, occurrence: u32) -> Result<Found> {
        find(&screen(lines), &OcrClickParams { text: text.to_owned(), occurrence, ..OcrClickParams::default() })
    }

    #[test]
    fn words_of_one_line_are_found_whatever_their_capitals() {
        let lines = ["File Edit View", "Delete account Save", "GRÖSSE ändern"];
        assert_eq!(texts(&lines, "edit"), ["Edit"]);
        assert_eq!(texts(&lines, "  delete   ACCOUNT "), ["Delete account"]);
        assert_eq!(texts(&lines, "grösse Ändern"), ["GRÖSSE ändern"]);
        assert_eq!(texts(&lines, "View Delete"), [""; 0], "a line ends where it ends");
        assert_eq!(texts(&lines, "sav"), [""; 0], "a part of a word is another word");
        let found = &matches(&screen(&lines), "delete account")[0];
        assert_eq!(found.bounds, Rect::new(0.0, 20.0, 140.0, 10.0));
    }

    #[test]
    fn the_best_kind_of_match_that_there_is_counts() {
        let lines = ["Name: Size", "name", "(Name)"];
        assert_eq!(texts(&lines, "Name"), ["name"]);
        assert_eq!(texts(&lines, "Name?"), ["Name:", "name", "(Name)"]);
        assert_eq!(texts(&["Please check — the details."], "check the details"), ["check the details."]);
        assert_eq!(texts(&["a + b"], "+"), ["+"]);
        assert_eq!(texts(&["a b"], "+"), [""; 0]);
    }

    #[test]
    fn letters_that_look_alike_and_spaces_that_are_none_do_not_matter_in_the_end() {
        assert_eq!(texts(&["FiIe 1tems l0 rows"], "file items 10"), ["FiIe 1tems l0"]);
        assert_eq!(texts(&["report- final. pdf was"], "report-final.pdf"), ["report- final. pdf"]);
        assert_eq!(texts(&["Signin now"], "sign in"), ["Signin"]);
        assert_eq!(texts(&["Signing now"], "sign in"), [""; 0]);
        assert_eq!(texts(&["no no no"], "no no"), ["no no"], "places do not share words");
    }

    #[test]
    fn the_occurrence_picks_in_reading_order() {
        let lines = ["Open Save", "Save as", "Close"];
        assert_eq!(told(&lines, "save", 0).unwrap().bounds, Rect::new(50.0, 0.0, 40.0, 10.0));
        assert_eq!(told(&lines, "save", 1).unwrap().bounds, Rect::new(0.0, 20.0, 40.0, 10.0));
        let error = told(&lines, "save", 2).unwrap_err();
        assert_eq!(error.code, ErrorCode::NotFound);
        assert!(error.message.contains("2 times") && error.message.contains("0 to 1"), "{error}");
        let error = told(&lines, "close", u32::MAX).unwrap_err();
        assert!(error.code == ErrorCode::NotFound && error.message.contains("once"), "{error}");
    }

    #[test]
    fn a_refusal_says_what_was_read() {
        let error = told(&["Open Save"], "Print\u{1b}", 0).unwrap_err();
        assert_eq!(error.code, ErrorCode::NotFound);
        assert!(error.message.ends_with("what was read is: Open Save") && !error.message.contains('\u{1b}'), "{error}");
        let many = (0..50).map(|number| format!("word{number}")).collect::<Vec<_>>().join(" ");
        let error = told(&[&many], "nothing", 0).unwrap_err();
        assert!(error.message.ends_with("word19 and 30 words more"), "{error}");
        let error = told(&[], "nothing", 0).unwrap_err();
        assert!(error.message.ends_with("no text was read there at all"), "{error}");
        for empty in ["", " \n\t"] {
            assert_eq!(told(&["a"], empty, 0).unwrap_err().code, ErrorCode::InvalidArgument);
        }
    }
}
