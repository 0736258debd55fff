//! What keys do to a text that is being edited, the same in every field.

use super::clipboard::Clipboard;
use super::editor::{Buffer, Splice, Way};
use super::keyboard::Stroke;
use crate::api::{Error, Result};
use crate::desktop::Key;

/// What kind of field the text is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    /// Lines as they come.
    Lines,
    /// One line; pasted line ends become spaces.
    Line,
    /// One line that is not shown and cannot be copied.
    Secret,
}

/// What a key did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reply {
    /// It means nothing in a text.
    Ignored,
    /// It left everything as it was.
    Kept,
    /// It left the text as it was, and did something else: it moved the caret, or copied.
    Acted,
    /// It changed the text.
    Changed(Splice),
}

impl Reply {
    /// Whether anything is not as it was.
    pub(super) const fn is_effect(self) -> bool {
        matches!(self, Self::Acted | Self::Changed(_))
    }
}

impl From<Option<Splice>> for Reply {
    fn from(splice: Option<Splice>) -> Self {
        splice.map_or(Self::Kept, Self::Changed)
    }
}

/// Applies a key to a text.
pub(super) fn apply(buffer: &mut Buffer, stroke: Stroke, field: Field, clipboard: &mut Clipboard) -> Reply {
    if stroke.alt || stroke.meta {
        return Reply::Ignored;
    }
    let before = buffer.place();
    match (stroke.key, stroke.ctrl) {
        (Key::Left, word) => buffer.step(Way::Back, word, stroke.shift),
        (Key::Right, word) => buffer.step(Way::Forward, word, stroke.shift),
        (Key::Home, false) => buffer.go(buffer.line().start, stroke.shift),
        (Key::End, false) => buffer.go(buffer.line().end, stroke.shift),
        (Key::Home, true) => buffer.go(0, stroke.shift),
        (Key::End, true) => buffer.go(usize::MAX, stroke.shift),
        (Key::Backspace, word) => return buffer.erase(Way::Back, word).into(),
        (Key::Delete, word) => return buffer.erase(Way::Forward, word).into(),
        (Key::Char(letter), true) if !stroke.shift => return command(buffer, letter, field, clipboard),
        _ => return stroke.text.map_or(Reply::Ignored, |character| buffer.enter(character).into()),
    }
    moved(buffer, before)
}

/// What a key did that can only have moved the caret or the other end of the selection.
pub(super) fn moved(buffer: &Buffer, before: (usize, usize)) -> Reply {
    if buffer.place() == before { Reply::Kept } else { Reply::Acted }
}

/// The chords of Ctrl and a letter.
fn command(buffer: &mut Buffer, letter: char, field: Field, clipboard: &mut Clipboard) -> Reply {
    let copies = field != Field::Secret && !buffer.selection().is_empty();
    let before = buffer.place();
    match letter {
        'a' => buffer.select_all(),
        'c' if copies => {
            clipboard.set_text(buffer.selected());
            return Reply::Acted;
        }
        'x' if copies => {
            clipboard.set_text(buffer.selected());
            return buffer.insert(&[]).into();
        }
        'v' => return paste(buffer, &clipboard.text(), field),
        'z' => return buffer.undo().into(),
        _ => return Reply::Ignored,
    }
    moved(buffer, before)
}

/// Puts a text in place of the selection; one without characters leaves the selection as it is.
pub(super) fn paste(buffer: &mut Buffer, text: &str, field: Field) -> Reply {
    if text.is_empty() { Reply::Kept } else { put(buffer, text, field) }
}

/// Puts a text in place of the selection, with its line ends as the field takes them.
pub(super) fn put(buffer: &mut Buffer, text: &str, field: Field) -> Reply {
    let lines = text.replace("\r\n", "\n").replace('\r', "\n");
    let taken: Vec<char> =
        if field == Field::Lines { lines.chars().collect() } else { lines.replace('\n', " ").chars().collect() };
    buffer.insert(&taken).into()
}

/// Makes sure that a text arrives in a field exactly as it is.
///
/// # Errors
/// [`ErrorCode::InvalidArgument`](crate::api::ErrorCode::InvalidArgument) for a character that the field does not take.
pub(super) fn check(text: &str, field: Field) -> Result<()> {
    let taken = |c: char| !c.is_control() || (field == Field::Lines && matches!(c, '\n' | '\r' | '\t'));
    match text.chars().find(|c| !taken(*c)) {
        None => Ok(()),
        Some(control) => Err(Error::invalid(format!(
            "nothing was typed: the text has the control character U+{:04X}, which {} does not take; remove it",
            u32::from(control),
            if field == Field::Lines { "the virtual desktop" } else { "a field of one line" }
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chord(letter: char) -> Stroke {
        Stroke { text: None, ctrl: true, ..Stroke::typing(letter) }
    }

    #[test]
    fn copy_cut_and_paste_go_through_the_clipboard() {
        let (mut buffer, mut clipboard) = (Buffer::default(), Clipboard::default());
        buffer.insert(&['a', '\n', '世']);
        let mut press = |stroke| apply(&mut buffer, stroke, Field::Lines, &mut clipboard);
        assert_eq!(press(chord('v')), Reply::Kept);
        assert_eq!([press(chord('a')), press(chord('a'))], [Reply::Acted, Reply::Kept]);
        assert_eq!(press(chord('c')), Reply::Acted);
        assert_eq!(press(chord('x')), Reply::Changed(Splice { at: 0, removed: 3, inserted: 0 }));
        assert_eq!(press(chord('x')), Reply::Ignored);
        press(chord('v'));
        press(chord('v'));
        assert_eq!(buffer.text(), "a\n世a\n世");
        assert_eq!(clipboard.text(), "a\n世");
    }

    #[test]
    fn only_what_changes_something_is_an_effect() {
        let (mut buffer, mut clipboard) = (Buffer::default(), Clipboard::default());
        let key = |key: Key| Stroke { key, text: None, ..Stroke::typing('x') };
        let mut press = |stroke| apply(&mut buffer, stroke, Field::Lines, &mut clipboard).is_effect();
        let nothing = [key(Key::Left), key(Key::End), key(Key::Backspace), key(Key::Insert), chord('z'), chord('c')];
        assert_eq!(nothing.map(&mut press), [false; 6]);
        let something = [Stroke::typing('a'), key(Key::Left), key(Key::End), key(Key::Backspace), chord('z')];
        assert_eq!(something.map(&mut press), [true; 5]);
    }

    #[test]
    fn line_ends_are_pasted_as_the_field_takes_them() {
        for (field, expected) in [(Field::Lines, "a\nb\nc"), (Field::Line, "a b c"), (Field::Secret, "a b c")] {
            let mut buffer = Buffer::default();
            paste(&mut buffer, "a\r\nb\rc", field);
            assert_eq!(buffer.text(), expected);
        }
    }

    #[test]
    fn secrets_are_never_copied() {
        let (mut buffer, mut clipboard) = (Buffer::default(), Clipboard::default());
        buffer.insert(&['p', 'w']);
        buffer.select_all();
        for letter in ['c', 'x'] {
            assert_eq!(apply(&mut buffer, chord(letter), Field::Secret, &mut clipboard), Reply::Ignored);
        }
        assert_eq!((buffer.text().as_str(), clipboard.text().as_str()), ("pw", ""));
    }

    #[test]
    fn chords_enter_no_text() {
        let (mut buffer, mut clipboard) = (Buffer::default(), Clipboard::default());
        let alt = Stroke { alt: true, ..Stroke::typing('q') };
        for stroke in [alt, chord('q'), Stroke { shift: true, ..chord('z') }] {
            assert_eq!(apply(&mut buffer, stroke, Field::Lines, &mut clipboard), Reply::Ignored);
        }
        assert_eq!(buffer.text(), "");
    }
}
