//! Editable text: characters, a caret, a selection and a history. Positions count characters, never bytes.

use core::ops::Range;
use std::collections::VecDeque;

/// How many changes can be undone; older ones are forgotten, so that a long life costs no more memory.
const HISTORY: usize = 1000;

/// Where a text changed: at `at`, `removed` characters gave way to `inserted` new ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Splice {
    pub(super) at: usize,
    pub(super) removed: usize,
    pub(super) inserted: usize,
}

/// A direction in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Back,
    Forward,
}

/// A change that can be taken back.
#[derive(Debug)]
struct Change {
    at: usize,
    removed: Vec<char>,
    inserted: usize,
    /// Caret and anchor as they were before.
    caret: usize,
    anchor: usize,
    typed: bool,
}

/// A text that is being edited. What lies between the caret and the anchor is selected.
#[derive(Debug, Default)]
pub(super) struct Buffer {
    chars: Vec<char>,
    caret: usize,
    anchor: usize,
    history: VecDeque<Change>,
    /// Whether typing goes on where the last change ended, so that both are undone together.
    typing: bool,
}

impl Buffer {
    pub(super) fn text(&self) -> String {
        self.chars.iter().collect()
    }

    pub(super) fn chars(&self) -> &[char] {
        &self.chars
    }

    pub(super) const fn caret(&self) -> usize {
        self.caret
    }

    /// Where caret and anchor are.
    pub(super) const fn place(&self) -> (usize, usize) {
        (self.caret, self.anchor)
    }

    /// What is selected; empty at the caret when nothing is.
    pub(super) fn selection(&self) -> Range<usize> {
        self.caret.min(self.anchor)..self.caret.max(self.anchor)
    }

    pub(super) fn selected(&self) -> String {
        self.chars[self.selection()].iter().collect()
    }

    /// Puts the caret somewhere; the end of the text is as far as it goes. Extending keeps the selection's other
    /// end where it is.
    pub(super) fn go(&mut self, index: usize, extend: bool) {
        self.caret = index.min(self.chars.len());
        if !extend {
            self.anchor = self.caret;
        }
        self.typing = false;
    }

    pub(super) fn select_all(&mut self) {
        self.anchor = 0;
        self.go(self.chars.len(), true);
    }

    /// Selects the word that the character behind the caret belongs to, or the spaces; at the end of a line the one
    /// before.
    pub(super) fn select_word(&mut self) {
        let line = self.line();
        let at = if self.caret < line.end { self.caret } else { self.caret.saturating_sub(1) };
        if !line.contains(&at) {
            return;
        }
        let is_space = self.chars[at].is_whitespace();
        let ends = |c: &char| c.is_whitespace() != is_space;
        let start = self.chars[line.start..at].iter().rposition(ends).map_or(line.start, |last| line.start + last + 1);
        let end = self.chars[at..line.end].iter().position(ends).map_or(line.end, |length| at + length);
        self.select(start..end);
    }

    /// Selects the line that holds the caret.
    pub(super) fn select_line(&mut self) {
        self.select(self.line());
    }

    fn select(&mut self, range: Range<usize>) {
        self.go(range.end, false);
        self.anchor = range.start;
    }

    /// Moves the caret by a character or a word; out of a selection it first goes to that side of it.
    pub(super) fn step(&mut self, way: Way, word: bool, extend: bool) {
        let selection = self.selection();
        if selection.is_empty() || extend || word {
            self.go(self.beside(way, word), extend);
        } else {
            self.go(if way == Way::Back { selection.start } else { selection.end }, false);
        }
    }

    /// Enters one character in place of the selection.
    pub(super) fn enter(&mut self, character: char) -> Option<Splice> {
        self.replace(self.selection(), &[character], true)
    }

    /// Puts a text in place of the selection; an empty one removes the selection.
    pub(super) fn insert(&mut self, text: &[char]) -> Option<Splice> {
        self.replace(self.selection(), text, false)
    }

    /// Removes the selection, or else the character or word beside the caret.
    pub(super) fn erase(&mut self, way: Way, word: bool) -> Option<Splice> {
        let mut range = self.selection();
        if range.is_empty() {
            let other = self.beside(way, word);
            range = self.caret.min(other)..self.caret.max(other);
        }
        self.replace(range, &[], false)
    }

    /// Takes the last change back, a word of typing at a time.
    pub(super) fn undo(&mut self) -> Option<Splice> {
        let change = self.history.pop_back()?;
        let splice = Splice { at: change.at, removed: change.inserted, inserted: change.removed.len() };
        self.chars.splice(change.at..change.at + change.inserted, change.removed);
        self.caret = change.caret;
        self.anchor = change.anchor;
        self.typing = false;
        Some(splice)
    }

    /// Where the line that holds the caret begins and where it ends.
    pub(super) fn line(&self) -> Range<usize> {
        let start = self.chars[..self.caret].iter().rposition(|c| *c == '\n').map_or(0, |end| end + 1);
        let rest = self.chars[self.caret..].iter().position(|c| *c == '\n');
        start..rest.map_or(self.chars.len(), |length| self.caret + length)
    }

    /// The place a character or a word away from the caret.
    fn beside(&self, way: Way, word: bool) -> usize {
        let (before, after) = self.chars.split_at(self.caret);
        match (way, word) {
            (Way::Back, false) => self.caret.saturating_sub(1),
            (Way::Forward, false) => (self.caret + 1).min(self.chars.len()),
            (Way::Back, true) => {
                let end = before.iter().rposition(|c| !c.is_whitespace()).map_or(0, |last| last + 1);
                before[..end].iter().rposition(|c| c.is_whitespace()).map_or(0, |space| space + 1)
            }
            (Way::Forward, true) => {
                let start = after.iter().position(|c| !c.is_whitespace()).unwrap_or(after.len());
                let length = after[start..].iter().position(|c| c.is_whitespace());
                self.caret + length.map_or(after.len(), |length| start + length)
            }
        }
    }

    /// Every change of the text; `None` when there is nothing to change.
    fn replace(&mut self, range: Range<usize>, with: &[char], typed: bool) -> Option<Splice> {
        if range.is_empty() && with.is_empty() {
            return None;
        }
        let joins = typed && range.is_empty() && self.joins(range.start, with);
        let removed: Vec<char> = self.chars.splice(range.clone(), with.iter().copied()).collect();
        let splice = Splice { at: range.start, removed: removed.len(), inserted: with.len() };
        if joins && let Some(last) = self.history.back_mut() {
            last.inserted += with.len();
        } else {
            if self.history.len() >= HISTORY {
                self.history.pop_front();
            }
            let (caret, anchor) = (self.caret, self.anchor);
            self.history.push_back(Change { at: range.start, removed, inserted: with.len(), caret, anchor, typed });
        }
        self.go(range.start + with.len(), false);
        self.typing = typed;
        Some(splice)
    }

    /// Whether typing at `at` belongs to the last change: it goes on there, and no new word begins.
    fn joins(&self, at: usize, with: &[char]) -> bool {
        let space = |character: Option<&char>| character.is_some_and(|c| c.is_whitespace());
        let follows = self.history.back().is_some_and(|last| last.typed && last.at + last.inserted == at);
        let begins_word = space(self.chars[..at].last()) && !space(with.first());
        self.typing && follows && !begins_word
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(text: &str) -> Buffer {
        let mut buffer = Buffer::default();
        for character in text.chars() {
            buffer.enter(character);
        }
        buffer
    }

    fn chars(text: &str) -> Vec<char> {
        text.chars().collect()
    }

    #[test]
    fn text_of_any_script_is_kept_exactly() {
        let text = "Grüße, 世界 🚀\u{fe0f}\nλ\te\u{301} 👩\u{200d}👩";
        let buffer = typed(text);
        assert_eq!(buffer.text(), text);
        assert_eq!(buffer.caret(), text.chars().count());
    }

    #[test]
    fn insertions_and_erasures_happen_at_the_caret() {
        let mut buffer = typed("ad");
        buffer.step(Way::Back, false, false);
        assert_eq!(buffer.insert(&chars("bc")), Some(Splice { at: 1, removed: 0, inserted: 2 }));
        assert_eq!((buffer.text().as_str(), buffer.caret()), ("abcd", 3));
        assert_eq!(buffer.erase(Way::Back, false), Some(Splice { at: 2, removed: 1, inserted: 0 }));
        buffer.erase(Way::Forward, false);
        assert_eq!(buffer.text(), "ab");
        assert_eq!(buffer.erase(Way::Forward, false), None);
        buffer.go(0, false);
        assert_eq!(buffer.erase(Way::Back, false), None);
    }

    #[test]
    fn typing_replaces_the_selection() {
        let mut buffer = typed("one two three");
        buffer.go(4, false);
        buffer.go(7, true);
        assert_eq!(buffer.selected(), "two");
        assert_eq!(buffer.enter('2'), Some(Splice { at: 4, removed: 3, inserted: 1 }));
        assert_eq!(buffer.text(), "one 2 three");
        assert!(buffer.selection().is_empty());
        buffer.select_all();
        buffer.erase(Way::Back, false);
        assert_eq!(buffer.text(), "");
    }

    #[test]
    fn steps_leave_a_selection_at_its_side() {
        let mut buffer = typed("abcd");
        buffer.go(1, false);
        buffer.go(3, true);
        buffer.step(Way::Back, false, false);
        assert_eq!((buffer.caret(), buffer.selection()), (1, 1..1));
        buffer.step(Way::Forward, false, true);
        buffer.step(Way::Forward, false, true);
        assert_eq!(buffer.selection(), 1..3);
        buffer.step(Way::Forward, false, false);
        assert_eq!((buffer.caret(), buffer.selection()), (3, 3..3));
    }

    #[test]
    fn words_are_what_stands_between_spaces() {
        let mut buffer = typed("one  two\nthree");
        let mut stops = Vec::new();
        while buffer.caret() > 0 {
            buffer.step(Way::Back, true, false);
            stops.push(buffer.caret());
        }
        assert_eq!(stops, [9, 5, 0]);
        buffer.step(Way::Forward, true, false);
        assert_eq!(buffer.caret(), 3);
        buffer.erase(Way::Forward, true);
        assert_eq!(buffer.text(), "one\nthree");
        buffer.go(usize::MAX, false);
        buffer.step(Way::Forward, true, false);
        assert_eq!(buffer.caret(), 9);
    }

    #[test]
    fn words_spaces_and_lines_are_selected_as_a_whole() {
        let mut buffer = typed("one  two\n\nthree");
        for (caret, word, line) in [
            (0, "one", "one  two"),
            (2, "one", "one  two"),
            (3, "  ", "one  two"),
            (5, "two", "one  two"),
            (8, "two", "one  two"),
            (9, "", ""),
            (10, "three", "three"),
            (15, "three", "three"),
        ] {
            buffer.go(caret, false);
            buffer.select_word();
            assert_eq!(buffer.selected(), word, "{caret}");
            buffer.go(caret, false);
            buffer.select_line();
            assert_eq!(buffer.selected(), line, "{caret}");
        }
        assert_eq!(buffer.place(), (15, 10));
    }

    #[test]
    fn undo_takes_back_words_selections_and_pastes() {
        let mut buffer = typed("one two");
        buffer.select_all();
        buffer.insert(&chars("pasted"));
        buffer.enter('!');
        let mut texts = Vec::new();
        while buffer.undo().is_some() {
            texts.push(buffer.text());
        }
        assert_eq!(texts, ["pasted", "one two", "one ", ""]);
        assert_eq!(buffer.selection(), 0..0);
    }

    #[test]
    fn undo_brings_the_selection_back() {
        let mut buffer = typed("abc");
        buffer.go(1, false);
        buffer.go(3, true);
        buffer.erase(Way::Back, false);
        assert_eq!(buffer.undo(), Some(Splice { at: 1, removed: 0, inserted: 2 }));
        assert_eq!((buffer.text().as_str(), buffer.selection()), ("abc", 1..3));
    }

    #[test]
    fn typing_elsewhere_is_undone_on_its_own() {
        let mut buffer = typed("ab");
        buffer.go(0, false);
        buffer.go(2, false);
        buffer.enter('c');
        buffer.undo();
        assert_eq!(buffer.text(), "ab");
    }

    #[test]
    fn the_caret_knows_its_line() {
        let mut buffer = typed("ab\n\ncd");
        assert_eq!(buffer.line(), 4..6);
        buffer.go(3, false);
        assert_eq!(buffer.line(), 3..3);
        buffer.go(2, false);
        assert_eq!(buffer.line(), 0..2);
    }
}
