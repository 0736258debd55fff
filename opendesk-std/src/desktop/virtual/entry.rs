//! A field of one line, shown or secret.

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

    pub(super) fn key(&mut self, stroke: Stroke, clipboard: &mut Clipboard) {
        if apply(&mut self.buffer, stroke, self.field, clipboard) != Reply::Ignored {
            self.reveal();
        }
    }

    /// Enters a text in place of the selection, as pasting does.
    pub(super) fn enter(&mut self, text: &str) {
        paste(&mut self.buffer, text, self.field);
        self.reveal();
    }

    /// Puts a text in place of everything, which can be undone.
    pub(super) fn set(&mut self, text: &str) {
        self.buffer.select_all();
        put(&mut self.buffer, text, self.field);
        self.reveal();
    }

    /// Puts the caret where the mouse points; extending selects up to there.
    pub(super) fn point(&mut self, spot: Spot, bounds: Area, extend: bool) {
        let cells = (spot.x - bounds.x - PADDING + BODY.cell() / 2).div_euclid(BODY.cell());
        self.buffer.go(self.first.saturating_add_signed(cells as isize), extend);
        self.reveal();
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
        let x = |index: usize| left + (index - self.first) as i32 * BODY.cell();
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
