//! A field of one line, shown or secret.

use super::clicks::Hit;
use super::clipboard::Clipboard;
use super::editing::{Field, Reply, apply, paste, put};
use super::editor::Buffer;
use super::geometry::{Area, Spot};
use super::keyboard::Stroke;
use super::paint::{Canvas, Corners};
use super::text::BODY;
use super::theme::{ACCENT, CARET, LINE, PAPER, SELECTION, TEXT};

/// Between the text and the field's left and right edges.
const PADDING: i32 = 8;
/// Characters that one click of the wheel scrolls.
const WHEEL: i64 = 3;
/// Edge of the dot that stands for a character of a secret.
const DOT: i32 = 7;

/// A field's text, caret and scroll position.
#[derive(Debug)]
pub(super) struct Entry {
    buffer: Buffer,
    field: Field,
    /// The first character that is shown.
    first: usize,
    /// Characters that can be shown at once.
    visible: usize,
}

impl Entry {
    /// An empty field of this width, in pixels; it never shows its text if it is secret.
    pub(super) fn new(width: i32, secret: bool) -> Self {
        let field = if secret { Field::Secret } else { Field::Line };
        let visible = ((width - 2 * PADDING) / BODY.cell()).max(1) as usize;
        Self { buffer: Buffer::default(), field, first: 0, visible }
    }

    /// The text, unless it is secret.
    pub(super) fn value(&self) -> Option<String> {
        (self.field != Field::Secret).then(|| self.buffer.text())
    }

    /// Takes a key; whether it did anything.
    pub(super) fn key(&mut self, stroke: Stroke, clipboard: &mut Clipboard) -> bool {
        let reply = apply(&mut self.buffer, stroke, self.field, clipboard);
        self.settle(reply)
    }

    /// Enters a text in place of the selection, as pasting does; whether that did anything.
    pub(super) fn enter(&mut self, text: &str) -> bool {
        let reply = paste(&mut self.buffer, text, self.field);
        self.settle(reply)
    }

    /// Puts a text in place of everything, which can be undone.
    pub(super) fn set(&mut self, text: &str) {
        self.buffer.select_all();
        let reply = put(&mut self.buffer, text, self.field);
        self.settle(reply);
    }

    /// Puts the caret where the mouse is pressed. A double click selects a word and a triple click everything; of a
    /// secret both select everything, so that nobody sees where its words end.
    pub(super) fn press(&mut self, hit: Hit, bounds: Area) {
        match hit.clicks {
            2 if self.field != Field::Secret => {
                self.buffer.go(self.index_at(hit.spot.x - bounds.x - PADDING), false);
                self.buffer.select_word();
            }
            2.. => self.buffer.select_all(),
            _ => self.point(hit.spot, bounds, hit.extend),
        }
        self.reveal();
    }

    /// Puts the caret where the mouse points; extending selects up to there.
    pub(super) fn point(&mut self, spot: Spot, bounds: Area, extend: bool) {
        self.buffer.go(self.index_at(spot.x - bounds.x - PADDING + BODY.cell() / 2), extend);
        self.reveal();
    }

    /// Scrolls by clicks of the wheel without moving the caret; whether there is more to show on that side.
    pub(super) fn wheel(&mut self, right: i64) -> bool {
        let last = self.buffer.chars().len().saturating_sub(self.visible).max(self.first);
        let first = i64::try_from(self.first).unwrap_or(i64::MAX).saturating_add(right.saturating_mul(WHEEL)).max(0);
        let before = self.first;
        self.first = usize::try_from(first).unwrap_or(usize::MAX).min(last);
        self.first != before
    }

    /// The character that is shown so many pixels to the right of the first one.
    const fn index_at(&self, pixels: i32) -> usize {
        self.first.saturating_add_signed(pixels.div_euclid(BODY.cell()) as isize)
    }

    fn settle(&mut self, reply: Reply) -> bool {
        let first = self.first;
        if reply != Reply::Ignored {
            self.reveal();
        }
        reply.is_effect() || self.first != first
    }

    /// Scrolls as little as it takes to show the caret.
    fn reveal(&mut self) {
        let caret = self.buffer.caret();
        self.first = self.first.clamp(caret.saturating_sub(self.visible), caret);
    }

    pub(super) fn paint(&self, canvas: &mut Canvas, bounds: Area, focused: bool) {
        canvas.round(bounds, 4, Corners::All, if focused { ACCENT } else { LINE });
        canvas.round(bounds.grown(if focused { -2 } else { -1 }), 3, Corners::All, PAPER);
        canvas.clipped(bounds.grown(-2), |canvas| self.paint_text(canvas, bounds, focused));
    }

    fn paint_text(&self, canvas: &mut Canvas, bounds: Area, focused: bool) {
        let (left, top) = (bounds.x + PADDING, bounds.y + (bounds.h - BODY.line()) / 2);
        // The wheel leaves the caret where it is, which may be to the left of what is shown.
        let x = |index: usize| left + (index as i32 - self.first as i32) * BODY.cell();
        let selection = self.buffer.selection();
        for (index, character) in self.buffer.chars().iter().enumerate().skip(self.first).take(self.visible + 1) {
            let cell = Area::new(x(index), top, BODY.cell(), BODY.line());
            if selection.contains(&index) {
                canvas.fill(cell, SELECTION);
            }
            if self.field == Field::Secret {
                canvas.round(cell.centered(DOT, DOT), DOT, Corners::All, TEXT);
            } else {
                canvas.glyph(Spot::new(cell.x, cell.y), *character, BODY, TEXT);
            }
        }
        if focused {
            canvas.fill(Area::new(x(self.buffer.caret()) - CARET / 2, top, CARET, BODY.line()), TEXT);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(entry: &mut Entry, text: &str) {
        for character in text.chars() {
            entry.key(Stroke::typing(character), &mut Clipboard::default());
        }
    }

    #[test]
    fn a_long_text_scrolls_with_its_caret() {
        let bounds = Area::new(0, 0, 100, 32);
        let mut entry = Entry::new(bounds.w, false);
        typed(&mut entry, "abcdefghijklmnop");
        assert_eq!((entry.visible, entry.first), (9, 7));
        entry.point(Spot::new(0, 10), bounds, false);
        typed(&mut entry, "_");
        assert_eq!(entry.value().as_deref(), Some("abcdef_ghijklmnop"));
        entry.point(Spot::new(-500, 10), bounds, false);
        assert_eq!((entry.first, entry.buffer.caret()), (0, 0));
    }

    #[test]
    fn the_wheel_scrolls_and_leaves_the_caret() {
        let bounds = Area::new(0, 0, 100, 32);
        let mut entry = Entry::new(bounds.w, false);
        typed(&mut entry, "short");
        assert!(!entry.wheel(-2) && !entry.wheel(2));
        typed(&mut entry, " no more, as it is");
        let caret = entry.buffer.caret();
        assert_eq!(
            [entry.wheel(2), entry.wheel(-2), entry.wheel(i64::MIN), entry.wheel(-1)],
            [false, true, true, false]
        );
        assert_eq!((entry.first, entry.buffer.caret()), (0, caret));
        assert!(entry.wheel(i64::MAX));
        assert_eq!(entry.first, caret - entry.visible);
        // A caret to the left of what is shown is not drawn, and nothing breaks.
        entry.buffer.go(0, false);
        entry.paint(&mut Canvas::new(bounds.w, bounds.h), bounds, true);
    }

    #[test]
    fn several_clicks_select_words_but_not_those_of_a_secret() {
        let bounds = Area::new(0, 0, 200, 32);
        for (secret, clicks, selected) in [(false, 2, "two"), (false, 3, "one two"), (true, 2, "one two")] {
            let mut entry = Entry::new(bounds.w, secret);
            typed(&mut entry, "one two");
            // The right half of the last character, behind which a single click puts the caret.
            let spot = Spot::new(PADDING + 7 * BODY.cell() - 1, 10);
            entry.press(Hit { clicks, ..Hit::on(spot) }, bounds);
            assert_eq!(entry.buffer.selected(), selected, "{secret} {clicks}");
            entry.press(Hit::on(Spot::new(PADDING, 10)), bounds);
            entry.press(Hit { extend: true, ..Hit::on(spot) }, bounds);
            assert_eq!(entry.buffer.selected(), "one two");
        }
    }

    #[test]
    fn a_secret_shows_its_length_only() {
        let picture = |text: &str, secret: bool| {
            let bounds = Area::new(0, 0, 100, 32);
            let mut entry = Entry::new(bounds.w, secret);
            typed(&mut entry, text);
            let mut canvas = Canvas::new(bounds.w, bounds.h);
            entry.paint(&mut canvas, bounds, false);
            (entry.value(), canvas.into_pixels())
        };
        assert_eq!(picture("abc", true), picture("xyz", true));
        assert_eq!(picture("abc", true).0, None);
        assert!(picture("abc", true).1 != picture("ab", true).1);
        assert!(picture("abc", false).1 != picture("xyz", false).1);
    }
}
