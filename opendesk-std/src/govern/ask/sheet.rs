//! Text for a person in which our own words and those of another machine cannot be mistaken for each other.
//!
//! What is quoted stands between quotation marks, and where it is long in lines of its own behind a bar. A line break in
//! it is shown as `\n` and made. A line that is longer than a window goes on behind a `>`: what a terminal breaks by
//! itself would begin where our own words do.

use core::fmt::Display;
use core::mem;

use crate::home::printable;

/// What is shown at most of one text or list, in bytes: longer than anybody reads, and no burden for a dialog. Each has
/// as much room, so that a long one hides no other.
pub(super) const MAX_QUOTED: usize = 64 << 10;

/// How long the whole becomes by what is quoted, in bytes: a dialog of more would be no dialog.
const MAX_TEXT: usize = 256 << 10;

/// The columns of a quoted line: with what stands before it, it fits a terminal of 80.
const COLUMNS: usize = 70;

/// A text that grows line by line.
#[derive(Debug, Default)]
pub(super) struct Sheet {
    text: String,
    /// Characters that found no room.
    hidden: usize,
}

impl Sheet {
    /// A line of our own.
    pub(super) fn line(&mut self, text: impl Display) {
        self.text.push_str(&format!("{text}\n"));
    }

    /// A line of our own that names a value.
    pub(super) fn fact(&mut self, name: &str, value: impl Display) {
        self.line(format_args!("{name}: {value}"));
    }

    /// A text of another machine. Bytes that are no text are shown as `\xff`.
    pub(super) fn quote(&mut self, name: &str, text: impl AsRef<[u8]>) {
        let text = text.as_ref();
        if let Some(shown) = in_one_line(text).filter(|shown| name.len() + columns(shown) <= COLUMNS) {
            return self.fact(name, format_args!("\"{shown}\""));
        }
        self.line(format_args!("{name}:"));
        let hidden = self.block("  ", text, &mut { MAX_QUOTED });
        self.own_up(hidden);
    }

    /// A text of another machine, if there is one.
    pub(super) fn quote_if(&mut self, name: &str, text: Option<&String>) {
        if let Some(text) = text {
            self.quote(name, text);
        }
    }

    /// Texts of another machine, each with its number, so that it is clear where one ends and the next begins.
    pub(super) fn list(&mut self, name: &str, texts: impl ExactSizeIterator<Item = impl AsRef<[u8]>>) {
        self.line(format_args!("{name}:"));
        let (digits, mut room, mut hidden) = (texts.len().to_string().len(), MAX_QUOTED, 0);
        for (index, text) in texts.enumerate() {
            hidden += self.block(&format!("  {:>digits$} ", index + 1), text.as_ref(), &mut room);
        }
        self.own_up(hidden);
    }

    /// The whole text, without a line break at its end.
    pub(super) fn finish(mut self) -> String {
        if self.hidden > 0 {
            let hidden = self.hidden;
            self.line(format_args!(
                "NOT ALL OF IT IS SHOWN: {hidden} characters are missing above. Say no unless you know them."
            ));
        }
        self.text.truncate(self.text.trim_end_matches('\n').len());
        self.text
    }

    /// Quotes a text in lines of its own, of which the first begins with `mark`, as far as there is room, and gives how
    /// many characters there was none for.
    fn block(&mut self, mark: &str, text: &[u8], room: &mut usize) -> usize {
        let indent = " ".repeat(mark.len());
        self.text.push_str(mark);
        self.text.push_str("| \"");
        let mut column = 0;
        let mut pieces = pieces(text);
        let mut hidden = 0;
        let mut eye = Eye::default();
        for piece in pieces.by_ref() {
            let mut shown = eye.see(piece);
            let is_wrapped = column + columns(&shown) > COLUMNS;
            if is_wrapped {
                // What stands before a line bears no mark of another machine.
                eye = Eye::default();
                shown = eye.see(piece);
            }
            if shown.len() > *room || self.text.len() > MAX_TEXT {
                *room = 0;
                hidden = 1;
                break;
            }
            *room -= shown.len();
            if is_wrapped {
                self.text.push_str(&format!("\n{indent}> "));
                column = 0;
            }
            self.text.push_str(&shown);
            column += columns(&shown);
            if matches!(piece, Piece::Character('\n')) {
                self.text.push_str(&format!("\n{indent}| "));
                column = 0;
            }
        }
        self.text.push_str("\"\n");
        hidden + pieces.count()
    }

    /// Says at the place how much of a text is missing.
    fn own_up(&mut self, hidden: usize) {
        if hidden > 0 {
            self.hidden += hidden;
            self.line(format_args!("  ({hidden} characters more, which are not shown)"));
        }
    }
}

/// A part of a quoted text that is shown or hidden as one.
#[derive(Debug, Clone, Copy)]
enum Piece {
    Character(char),
    /// It belongs to no character.
    Byte(u8),
}

fn pieces(text: &[u8]) -> impl Iterator<Item = Piece> + '_ {
    text.utf8_chunks().flat_map(|chunk| {
        let strays = chunk.invalid().iter().copied().map(Piece::Byte);
        chunk.valid().chars().map(Piece::Character).chain(strays)
    })
}

/// Sees the pieces of a text one after the other.
#[derive(Debug, Default)]
struct Eye {
    /// Whether the last one can bear a combining mark.
    bears: bool,
}

impl Eye {
    /// What is seen of the next piece. A mark on a mark is an escape: a pile of them is painted over other lines.
    fn see(&mut self, piece: Piece) -> String {
        let bears = mem::take(&mut self.bears);
        match piece {
            Piece::Character(mark) if is_combining(mark) && !bears => mark.escape_default().to_string(),
            Piece::Character(character) => {
                let shown = visible(piece);
                // What became an escape is longer.
                self.bears = !is_combining(character) && shown.len() == character.len_utf8();
                shown
            }
            Piece::Byte(_) => visible(piece),
        }
    }
}

/// Whether a character is painted over the one before it, and others of its kind above or below that.
const fn is_combining(character: char) -> bool {
    matches!(
        character,
        '\u{300}'..='\u{36f}'
            | '\u{483}'..='\u{489}'
            | '\u{1ab0}'..='\u{1aff}'
            | '\u{1dc0}'..='\u{1dff}'
            | '\u{20d0}'..='\u{20ff}'
            | '\u{fe20}'..='\u{fe2f}'
    )
}

/// What is seen of a piece that is no mark on another. Spaces that are not the usual one separate no words of a command, and look as if they did.
fn visible(piece: Piece) -> String {
    match piece {
        Piece::Character(' ') => " ".to_owned(),
        Piece::Character(blank) if blank.is_whitespace() || blank == '\u{2800}' => blank.escape_default().to_string(),
        Piece::Character(character) => printable(character.encode_utf8(&mut [0; 4])),
        Piece::Byte(byte) => format!("\\x{byte:02x}"),
    }
}

/// A text that may be short enough for one line, as it is seen.
fn in_one_line(text: &[u8]) -> Option<String> {
    // No character of one column has more bytes.
    let may_fit = text.len() <= 3 * COLUMNS && !text.contains(&b'\n');
    let mut eye = Eye::default();
    may_fit.then(|| pieces(text).map(|piece| eye.see(piece)).collect())
}

/// The columns of a text on a terminal, or more: characters that may be wide are counted as two.
fn columns(text: &str) -> usize {
    text.chars().map(|character| if character < '\u{1100}' { 1 } else { 2 }).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quoted(text: impl AsRef<[u8]>) -> String {
        let mut sheet = Sheet::default();
        sheet.quote("text", text);
        sheet.finish()
    }

    #[test]
    fn a_short_text_stands_in_the_line_that_names_it() {
        assert_eq!(quoted(""), "text: \"\"");
        assert_eq!(quoted("a \"b\" "), "text: \"a \"b\" \"");
        assert_eq!(quoted("x".repeat(66)), format!("text: \"{}\"", "x".repeat(66)));
        assert_eq!(quoted("世".repeat(33)), format!("text: \"{}\"", "世".repeat(33)));
        assert_eq!(quoted("x".repeat(67)), format!("text:\n  | \"{}\"", "x".repeat(67)));
    }

    #[test]
    fn line_breaks_are_shown_and_made() {
        assert_eq!(quoted("a\nb"), "text:\n  | \"a\\n\n  | b\"");
        assert_eq!(quoted("a\r\n\n"), "text:\n  | \"a\\r\\n\n  | \\n\n  | \"");
    }

    #[test]
    fn no_line_is_longer_than_a_terminal_and_only_ours_begin_at_its_edge() {
        let text = format!("{}Allow? yes\n{}\nkey: 12", " ".repeat(72), "世".repeat(100));
        let shown = quoted(&text);
        for line in shown.lines().skip(1) {
            assert!(columns(line) < 80, "{line}");
            assert!(line.starts_with("  | ") || line.starts_with("  > "), "{line}");
        }
        let whole: String = shown.lines().skip(1).map(|line| &line[4..]).collect();
        assert_eq!(whole, format!("\"{}\"", text.replace('\n', "\\n")));
    }

    #[test]
    fn what_hides_or_misleads_is_an_escape() {
        let cases = [
            ("\u{1b}[2J\u{7}\t", "\\u{1b}[2J\\u{7}\\t"),
            ("a\u{202e}b\u{200b}", "a\\u{202e}b\\u{200b}"),
            ("rm\u{a0}x\u{2003}\u{3000}\u{2800}", "rm\\u{a0}x\\u{2003}\\u{3000}\\u{2800}"),
        ];
        for (text, shown) in cases {
            assert_eq!(quoted(text), format!("text: \"{shown}\""));
        }
        assert_eq!(quoted(b"a\xffb\xc3"), "text: \"a\\xffb\\xc3\"");
    }

    #[test]
    fn a_character_bears_one_mark_and_what_is_ours_bears_none() {
        let cases = [
            ("e\u{301}a\u{308}", "e\u{301}a\u{308}"),
            ("e\u{301}\u{302}\u{489}x", "e\u{301}\\u{302}\\u{489}x"),
            ("\u{301}\u{1ab0}x", "\\u{301}\\u{1ab0}x"),
            ("\u{7}\u{20dd}", "\\u{7}\\u{20dd}"),
            ("x\u{fe20}\u{1dc0}", "x\u{fe20}\\u{1dc0}"),
        ];
        for (text, shown) in cases {
            assert_eq!(quoted(text), format!("text: \"{shown}\""));
        }
        assert_eq!(quoted(b"\xff\xcc\x81"), "text: \"\\xff\\u{301}\"");
        assert_eq!(quoted("a\n\u{301}"), "text:\n  | \"a\\n\n  | \\u{301}\"");
        let wrapped = quoted("x".repeat(70) + "\u{301}");
        assert_eq!(wrapped, format!("text:\n  | \"{}\n  > \\u{{301}}\"", "x".repeat(70)));
    }

    #[test]
    fn the_texts_of_a_list_are_told_apart() {
        let mut sheet = Sheet::default();
        let mut texts = vec!["a\" \"b", "", "c\nd"];
        texts.resize(10, "e");
        sheet.list("words", texts.iter());
        let lines: Vec<String> = sheet.finish().lines().map(str::to_owned).collect();
        assert_eq!(lines[..5], ["words:", "   1 | \"a\" \"b\"", "   2 | \"\"", "   3 | \"c\\n", "     | d\""]);
        assert_eq!(lines[11], "  10 | \"e\"");
    }

    #[test]
    fn what_finds_no_room_is_counted_and_hides_nothing_else() {
        let mut sheet = Sheet::default();
        sheet.quote("long", "q".repeat(MAX_QUOTED + 3));
        sheet.quote("next", "seen");
        let shown = sheet.finish();
        assert_eq!(shown.matches('q').count(), MAX_QUOTED);
        assert!(shown.contains("\n  (3 characters more, which are not shown)\nnext: \"seen\"\n"), "the place is named");
        assert!(shown.lines().last().is_some_and(|line| line.starts_with("NOT ALL OF IT IS SHOWN: 3 characters")));

        let mut sheet = Sheet::default();
        for _ in 0..32 {
            sheet.quote("breaks", "\n".repeat(MAX_QUOTED / 2));
        }
        let shown = sheet.finish();
        assert!(shown.len() < MAX_TEXT + (32 << 10) && shown.contains("NOT ALL OF IT IS SHOWN"), "{}", shown.len());

        let mut sheet = Sheet::default();
        let texts = ["y".repeat(MAX_QUOTED - 1), "\u{1}\u{1}".to_owned(), "z".to_owned()];
        sheet.list("words", texts.iter());
        assert!(sheet.finish().ends_with("are missing above. Say no unless you know them."));
    }
}
