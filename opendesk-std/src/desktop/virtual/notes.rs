//! The Notes window: a text editor of many lines.

use super::clipboard::Clipboard;
use super::editing::{Field, Reply, apply, paste, put};
use super::editor::Buffer;
use super::geometry::{Area, Spot};
use super::handle::Handle;
use super::keyboard::Stroke;
use super::paint::{Canvas, Corners};
use super::text::{Align, BODY, SMALL};
use super::theme::{CARET, DIM_TEXT, FACE, LINE, PAPER, SELECTION, TEXT, THUMB, TROUGH};
use super::tree::element;
use super::wrap::Wrap;
use crate::api::UiElement;
use crate::desktop::Key;

/// Between the text and the edges of its window.
const PADDING: i32 = 10;
/// Height of the status line.
const STATUS: i32 = 26;
/// Width of the scroll bar.
const SCROLL_BAR: i32 = 10;
/// From one row of text to the next.
const ROW: i32 = BODY.line() + 2;
/// Rows that one click of the wheel scrolls.
const WHEEL: i64 = 3;

/// The editor's text, caret and scroll position.
#[derive(Debug)]
pub(super) struct Notes {
    buffer: Buffer,
    wrap: Wrap,
    /// The first row that is shown.
    top: usize,
    /// Rows that can be shown at once.
    visible: usize,
    /// The column that moving up and down keeps to.
    goal: Option<usize>,
    /// Whether the mouse is selecting.
    selecting: bool,
}

impl Notes {
    /// An empty editor in a window whose inside has this size for good.
    pub(super) fn new(client: Area) -> Self {
        let page = page(client);
        // One column is for the space that may hang over a row's end, one for the caret behind it.
        let columns = (page.w / BODY.cell() - 2).max(1) as usize;
        let visible = (page.h / ROW).max(1) as usize;
        Self { buffer: Buffer::default(), wrap: Wrap::new(columns), top: 0, visible, goal: None, selecting: false }
    }

    pub(super) fn text(&self) -> String {
        self.buffer.text()
    }

    /// Empties the editor, which can be undone.
    pub(super) fn clear(&mut self) {
        self.set("");
    }

    /// Enters a text in place of the selection, as pasting does.
    pub(super) fn enter(&mut self, text: &str) {
        let reply = paste(&mut self.buffer, text, Field::Lines);
        self.settle(reply);
    }

    /// Puts a text in place of everything, which can be undone.
    pub(super) fn set(&mut self, text: &str) {
        self.buffer.select_all();
        let reply = put(&mut self.buffer, text, Field::Lines);
        self.settle(reply);
    }

    pub(super) fn key(&mut self, stroke: Stroke, clipboard: &mut Clipboard) {
        let page = self.visible.saturating_sub(1).max(1) as isize;
        let reply: Reply = match (stroke.key, stroke.is_chord()) {
            (Key::Up, false) => return self.go_rows(-1, stroke.shift),
            (Key::Down, false) => return self.go_rows(1, stroke.shift),
            (Key::PageUp, false) => return self.go_rows(-page, stroke.shift),
            (Key::PageDown, false) => return self.go_rows(page, stroke.shift),
            (Key::Enter, false) => self.buffer.enter('\n').into(),
            (Key::Tab, false) if !stroke.shift => self.buffer.enter('\t').into(),
            _ => apply(&mut self.buffer, stroke, Field::Lines, clipboard),
        };
        self.settle(reply);
    }

    /// Puts the caret where the mouse is pressed and begins to select.
    pub(super) fn press(&mut self, spot: Spot, client: Area, extend: bool) {
        if page(client).grown(PADDING).contains(spot) {
            self.point(spot, client, extend);
            self.selecting = true;
        }
    }

    /// Selects up to where the pressed mouse moves; beyond the edges it scrolls.
    pub(super) fn drag(&mut self, spot: Spot, client: Area) {
        if self.selecting {
            self.point(spot, client, true);
        }
    }

    pub(super) const fn release(&mut self) {
        self.selecting = false;
    }

    /// Scrolls by clicks of the wheel without moving the caret.
    pub(super) fn wheel(&mut self, up: i64) {
        let top = i64::try_from(self.top).unwrap_or(i64::MAX).saturating_sub(up.saturating_mul(WHEEL));
        self.top = usize::try_from(top.max(0)).unwrap_or(usize::MAX).min(self.lowest_top());
    }

    /// Moves the caret by rows, keeping to its column.
    fn go_rows(&mut self, rows: isize, extend: bool) {
        let caret = self.buffer.caret();
        let column = self.goal.unwrap_or_else(|| self.wrap.column_of(self.buffer.chars(), caret));
        let row = self.wrap.row_of(caret).saturating_add_signed(rows).min(self.wrap.rows() - 1);
        self.buffer.go(self.wrap.index_at(self.buffer.chars(), row, column), extend);
        self.reveal();
        self.goal = Some(column);
    }

    /// Moves the caret to the place nearest to a pixel.
    fn point(&mut self, spot: Spot, client: Area, extend: bool) {
        let page = page(client);
        let row = self.top.saturating_add_signed((spot.y - page.y).div_euclid(ROW) as isize).min(self.wrap.rows() - 1);
        let column = (spot.x - page.x + BODY.cell() / 2).div_euclid(BODY.cell()).max(0) as usize;
        self.buffer.go(self.wrap.index_at(self.buffer.chars(), row, column), extend);
        self.reveal();
    }

    /// Brings the rows and the scroll position in line with what a key did.
    fn settle(&mut self, reply: Reply) {
        match reply {
            Reply::Ignored => return,
            Reply::Kept => {}
            Reply::Changed(splice) => self.wrap.update(self.buffer.chars(), splice),
        }
        self.reveal();
    }

    /// Scrolls as little as it takes to show the caret, and forgets the column that moving up and down kept to.
    fn reveal(&mut self) {
        let row = self.wrap.row_of(self.buffer.caret());
        self.top = self.top.clamp((row + 1).saturating_sub(self.visible), row).min(self.lowest_top());
        self.goal = None;
    }

    /// The scroll position that shows the end of the text.
    const fn lowest_top(&self) -> usize {
        self.wrap.rows().saturating_sub(self.visible)
    }

    /// Where the caret is, as the status line says it.
    fn status(&self) -> String {
        let (caret, start) = (self.buffer.caret(), self.buffer.line().start);
        let line = self.buffer.chars()[..start].iter().filter(|c| **c == '\n').count() + 1;
        format!("Line {line}, column {}   {} characters", caret - start + 1, self.buffer.chars().len())
    }

    pub(super) fn paint(&self, canvas: &mut Canvas, client: Area, active: bool) {
        let page = page(client);
        canvas.fill(client, PAPER);
        canvas.clipped(page.grown(PADDING), |canvas| {
            for row in self.top..self.wrap.rows().min(self.top + self.visible) {
                let y = page.y + (row - self.top) as i32 * ROW;
                self.paint_row(canvas, row, Spot::new(page.x, y), active);
            }
        });
        self.paint_scroll_bar(canvas, client);
        let status = status_line(client);
        canvas.fill(status, FACE);
        canvas.fill(Area::new(status.x, status.y, status.w, 1), LINE);
        let words = Area::new(status.x + PADDING, status.y, status.w - 2 * PADDING, status.h);
        canvas.text(words, Align::Left, &self.status(), SMALL, DIM_TEXT);
    }

    /// Draws one row with its part of the selection and, if it holds it, the caret.
    fn paint_row(&self, canvas: &mut Canvas, row: usize, at: Spot, active: bool) {
        let chars = self.buffer.chars();
        let range = self.wrap.range(chars, row);
        let selection = self.buffer.selection();
        let mut column = 0;
        for (index, character) in range.clone().zip(&chars[range]) {
            let cells = self.wrap.cells(*character, column);
            let x = at.x + column as i32 * BODY.cell();
            if selection.contains(&index) {
                canvas.fill(Area::new(x, at.y, cells as i32 * BODY.cell(), ROW), SELECTION);
            }
            canvas.glyph(Spot::new(x, at.y + 1), *character, BODY, TEXT);
            column += cells;
        }
        let caret = self.buffer.caret();
        if active && self.wrap.row_of(caret) == row {
            let x = at.x + self.wrap.column_of(chars, caret) as i32 * BODY.cell();
            canvas.fill(Area::new(x - CARET / 2, at.y, CARET, ROW), TEXT);
        }
    }

    /// Draws how much of the text is shown, once it is not all of it.
    fn paint_scroll_bar(&self, canvas: &mut Canvas, client: Area) {
        let rows = self.wrap.rows() as i64;
        let (visible, top) = (self.visible as i64, self.top as i64);
        if rows <= visible {
            return;
        }
        let trough = Area::new(client.right() - SCROLL_BAR, client.y, SCROLL_BAR, client.h - STATUS);
        let height = i64::from(trough.h);
        let thumb = (height * visible / rows).max(16).min(height);
        let y = (height - thumb) * top / (rows - visible);
        canvas.fill(trough, TROUGH);
        let thumb = Area::new(trough.x + 2, trough.y + y as i32, SCROLL_BAR - 4, thumb as i32);
        canvas.round(thumb, 3, Corners::All, THUMB);
    }

    /// The window's part of the accessibility tree.
    pub(super) fn elements(&self, client: Area, active: bool) -> Vec<UiElement> {
        let mut text = element(Handle::Note, "text", "Note", page(client).grown(PADDING));
        text.value = Some(self.text());
        text.focused = active;
        let mut status = element(Handle::Status, "label", "Status", status_line(client));
        status.value = Some(self.status());
        vec![text, status]
    }
}

/// Where the text itself is.
const fn page(client: Area) -> Area {
    let (w, h) = (client.w - 2 * PADDING - SCROLL_BAR, client.h - 2 * PADDING - STATUS);
    Area::new(client.x + PADDING, client.y + PADDING, w, h)
}

const fn status_line(client: Area) -> Area {
    Area::new(client.x, client.bottom() - STATUS, client.w, STATUS)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLIENT: Area = Area::new(100, 50, 480, 300);

    fn typed(text: &str) -> Notes {
        let (mut notes, mut clipboard) = (Notes::new(CLIENT), Clipboard::default());
        for character in text.chars() {
            notes.key(Stroke::typing(character), &mut clipboard);
        }
        notes
    }

    fn press(notes: &mut Notes, key: Key) {
        let mut clipboard = Clipboard::default();
        notes.key(Stroke { key, text: None, ..Stroke::typing('x') }, &mut clipboard);
    }

    #[test]
    fn up_and_down_keep_their_column() {
        let mut notes = typed("longer line\nab\nanother line");
        for (key, caret) in [(Key::Up, 14), (Key::Up, 11), (Key::Up, 11), (Key::Down, 14), (Key::Down, 27)] {
            press(&mut notes, key);
            assert_eq!(notes.buffer.caret(), caret, "{key:?}");
        }
    }

    #[test]
    fn the_caret_stays_in_view_and_the_wheel_leaves_it() {
        let mut notes = typed(&"line\n".repeat(40));
        assert_eq!(notes.top, 41 - notes.visible);
        notes.wheel(2);
        assert_eq!((notes.top, notes.buffer.caret()), (41 - notes.visible - 6, 200));
        notes.wheel(i64::MAX);
        assert_eq!(notes.top, 0);
        notes.wheel(i64::MIN);
        assert_eq!(notes.top, 41 - notes.visible);
        for _ in 0..10 {
            press(&mut notes, Key::PageUp);
        }
        assert_eq!((notes.top, notes.buffer.caret()), (0, 0));
        press(&mut notes, Key::PageDown);
        assert_eq!(notes.wrap.row_of(notes.buffer.caret()), notes.visible - 1);
    }

    #[test]
    fn the_mouse_sets_the_caret_and_selects() {
        let mut notes = typed("one two\nthree");
        let page = page(CLIENT);
        notes.press(Spot::new(page.x + 4 * BODY.cell() + 1, page.y + 3), CLIENT, false);
        assert_eq!(notes.buffer.caret(), 4);
        notes.drag(Spot::new(page.x + 2 * BODY.cell(), page.y + ROW + 3), CLIENT);
        assert_eq!(notes.buffer.selected(), "two\nth");
        notes.release();
        notes.drag(Spot::new(page.x, page.y), CLIENT);
        assert_eq!(notes.buffer.selected(), "two\nth");
        notes.press(Spot::new(page.x, page.y + 9 * ROW), CLIENT, false);
        assert_eq!(notes.buffer.caret(), 8);
    }

    #[test]
    fn clearing_can_be_undone() {
        let mut notes = typed("precious");
        notes.clear();
        assert_eq!(notes.text(), "");
        let undo = Stroke { ctrl: true, text: None, ..Stroke::typing('z') };
        notes.key(undo, &mut Clipboard::default());
        assert_eq!(notes.text(), "precious");
    }

    #[test]
    fn the_status_counts_lines_and_columns() {
        assert_eq!(typed("ab\n世界").status(), "Line 2, column 3   5 characters");
    }
}
