//! What notifications say, as plain text (Desktop Notifications Specification, "Markup").

/// As much as anybody writes into a notification, in bytes.
const MAX_TEXT: usize = 4096;

/// As much of a text is read, in bytes: whoever sends more of it writes markup only.
const MAX_READ: usize = 64 << 10;

/// Longer than any name or number of a character, in bytes.
const MAX_ENTITY: usize = 32;

/// A text without its markup, in lines without control characters, 4 KiB at most.
pub(super) fn plain(text: &str) -> String {
    let mut kept = String::with_capacity(text.len().min(MAX_TEXT));
    let mut rest = head(text, MAX_READ);
    while let Some(letter) = rest.chars().next() {
        if kept.len() >= MAX_TEXT {
            break;
        }
        let after = match letter {
            '<' => tag(rest, &mut kept),
            '&' => entity(rest, &mut kept),
            _ => None,
        };
        rest = after.unwrap_or_else(|| {
            push(letter, &mut kept);
            rest.get(letter.len_utf8()..).unwrap_or_default()
        });
    }
    kept.truncate(kept.floor_char_boundary(MAX_TEXT));
    kept.truncate(kept.trim_end().len());
    kept
}

/// A text as [`plain`] has it, in one line and with its angle brackets: titles and names have no markup.
pub(super) fn line(text: &str) -> String {
    let mut kept = String::new();
    for letter in text.chars().take(MAX_TEXT) {
        push(if letter == '\n' { ' ' } else { letter }, &mut kept);
    }
    kept.truncate(kept.floor_char_boundary(MAX_TEXT));
    kept.trim().to_owned()
}

/// The start of a text, in bytes.
fn head(text: &str, limit: usize) -> &str {
    text.get(..text.floor_char_boundary(limit)).unwrap_or(text)
}

/// What stands before and after the first such letter, if that is among the first `limit` bytes: looking any further
/// for each that is missing would take the square of the text's length.
fn before(end: char, text: &str, limit: usize) -> Option<(&str, &str)> {
    let (inside, _) = head(text, limit).split_once(end)?;
    Some((inside, text.get(inside.len() + end.len_utf8()..)?))
}

fn push(letter: char, kept: &mut String) {
    match letter {
        '\n' => kept.push('\n'),
        '\t' => kept.push(' '),
        letter if letter.is_control() => {}
        letter => kept.push(letter),
    }
}

/// What follows a tag. An angle bracket that begins none is text.
fn tag<'a>(text: &'a str, kept: &mut String) -> Option<&'a str> {
    let (inside, after) = before('>', text.strip_prefix('<')?, MAX_TEXT)?;
    let name = inside.strip_prefix('/').unwrap_or(inside);
    let name = name.split(|letter: char| !letter.is_ascii_alphanumeric()).next().unwrap_or_default();
    if !name.starts_with(|letter: char| letter.is_ascii_alphabetic()) || inside.contains('<') {
        return None;
    }
    if name.eq_ignore_ascii_case("br") {
        kept.push('\n');
    }
    Some(after)
}

/// What follows a character that is written by its name or number.
fn entity<'a>(text: &'a str, kept: &mut String) -> Option<&'a str> {
    let (name, after) = before(';', text.strip_prefix('&')?, MAX_ENTITY)?;
    let letter = match name {
        "amp" => '&',
        "apos" => '\'',
        "gt" => '>',
        "lt" => '<',
        "nbsp" => ' ',
        "quot" => '"',
        _ => {
            let number = name.strip_prefix('#')?;
            let number = match number.strip_prefix(['x', 'X']) {
                Some(digits) => u32::from_str_radix(digits, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(number)?
        }
    };
    push(letter, kept);
    Some(after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_taken_out() {
        let cases = [
            ("plain", "plain"),
            ("<b>bold</b> and <a href=\"http://x/?a=1>2\">link</a>", "bold and 2\">link"),
            ("one<br/>two<BR>three", "one\ntwo\nthree"),
            ("a < b, c > d, <3, <>, 1<2>3", "a < b, c > d, <3, <>, 1<2>3"),
            ("<i>open", "open"),
            ("Tom &amp; Jerry &lt;b&gt; &quot;x&apos; &#65;&#x42;", "Tom & Jerry <b> \"x' AB"),
            ("&unknown; &; & &#xD800; &#1;", "&unknown; &; & &#xD800;"),
            ("tab\there\r\nbell\u{7} esc\u{1b}[31m", "tab here\nbell esc[31m"),
            ("  trailing \n\n", "  trailing"),
            ("", ""),
        ];
        for (text, expected) in cases {
            assert_eq!(plain(text), expected, "{text:?}");
        }
    }

    #[test]
    fn texts_are_bounded() {
        let long = "ä".repeat(10_000);
        assert_eq!(plain(&long).len(), MAX_TEXT);
        assert_eq!(plain(&format!("a{long}")).len(), MAX_TEXT - 1);
        assert_eq!(line(&long).len(), MAX_TEXT);
        assert!(plain(&"&lt;".repeat(100_000)).len() <= MAX_TEXT);
    }

    #[test]
    fn what_is_never_closed_takes_no_longer() {
        let open = format!("{}end", "<b".repeat(10_000_000));
        assert_eq!(plain(&open).len(), MAX_TEXT);
        assert_eq!(plain(&"&a".repeat(10_000_000)).len(), MAX_TEXT);
        assert_eq!(plain(&format!("<b{}>x", " ".repeat(MAX_TEXT))).len(), 2);
        assert_eq!(plain(&format!("<b {}>x", "y".repeat(MAX_TEXT - 10))), "x");
        assert_eq!(plain(&format!("&#{}65;", "0".repeat(100))).len(), 105);
        assert_eq!(plain(&"<b></b>".repeat(9_000)), "");
        assert!(plain(&"<b></b>".repeat(10_000_000)).len() < "<b></b>".len(), "what is cut off is a part of a tag");
    }

    #[test]
    fn a_title_is_one_line_without_markup() {
        assert_eq!(line(" <b>Tom</b> &amp;\nJerry\u{1b} "), "<b>Tom</b> &amp; Jerry");
    }
}
