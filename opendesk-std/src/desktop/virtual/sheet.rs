//! One page of the Notes window: a text of many lines, as rows of which some are shown.

use super::clicks::Hit;
use super::clipboard::Clipboard;
use super::editing::{Field, Reply, apply, moved, paste, put};
use super::editor::Buffer;
use super::geometry::{Area, Spot};
use super::keyboard::Stroke;
use super::paint::{Canvas, Corners};
use super::text::BODY;
use super::theme::{CARET, SELECTION, TEXT, THUMB, TROUGH};
use super::wrap::Wrap;
use crate::desktop::Key;

/// From one row of text to the next.
const ROW: i32 = BODY.line() + 2;
/// Rows that one click of the wheel scrolls.
const WHEEL: i64 = 3;

/// A page's text, caret and scroll position. `page` is where the text is on the desktop.
#[derive(Debug)]
pub(super) struct Sheet {
    buffer: Buffer,
    wrap: Wrap,
    /// The first row that is shown.
    top: usize,
    /// Rows that can be shown at once.
    visible: usize,
    /// The column that moving up and down keeps to.
    goal: Option<usize>,
}

impl Sheet {
    /// An empty page that has this size for good.
    pub(super) fn new(page: Area) -> Self {
        // One column is for the space that may hang over a row's end, one for the caret behind it.
        let columns = (page.w / BODY.cell() - 2).max(1) as usize;
        let visible = (page.h / ROW).max(1) as usize;
        Self { buffer: Buffer::default(), wrap: Wrap::new(columns), top: 0, visible, goal: None }
    }

    pub(super) fn text(&self) -> String {
        self.buffer.text()
    }

    /// Enters a text in place of the selection, as pasting does; whether that did anything.
    pub(super) fn enter(&mut self, text: &str) -> bool {
        let reply = paste(&mut self.buffer, text, Field::Lines);
        self.settle(reply)
    }

    /// Puts a text in place of everything, which can be undone.
    pub(super) fn set(&mut self, text: &str) {
        self.buffer.select_all();
        let reply = put(&mut self.buffer, text, Field::Lines);
        self.settle(reply);
    }

    /// Takes a key; whether it did anything.
    pub(super) fn key(&mut self, stroke: Stroke, clipboard: &mut Clipboard) -> bool {
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
        self.settle(reply)
    }

    /// Puts the caret where the mouse is pressed; a double click selects a word, a triple click a line.
    pub(super) fn press(&mut self, hit: Hit, page: Area) {
        if hit.clicks == 1 {
            return self.point(hit.spot, page, hit.extend);
        }
        self.buffer.go(self.index_at(hit.spot, page), false);
        if hit.clicks == 2 {
            self.buffer.select_word()
        } else {
            self.buffer.select_line()
        }
        self.reveal();
    }

    /// Moves the caret to the place nearest to a pixel.
    pub(super) fn point(&mut self, spot: Spot, page: Area, extend: bool) {
        self.buffer.go(self.index_at(Spot::new(spot.x + BODY.cell() / 2, spot.y), page), extend);
        self.reveal();
    }

    /// Scrolls by clicks of the wheel without moving the caret; whether there is more to show on that side.
    pub(super) fn wheel(&mut self, up: i64) -> bool {
        let before = self.top;
        let top = i64::try_from(self.top).unwrap_or(i64::MAX).saturating_sub(up.saturating_mul(WHEEL));
        self.top = usize::try_from(top.max(0)).unwrap_or(usize::MAX).min(self.lowest_top());
        self.top != before
    }

    /// The character that is shown at a pixel.
    fn index_at(&self, spot: Spot, page: Area) -> usize {
        let row = self.top.saturating_add_signed((spot.y - page.y).div_euclid(ROW) as isize).min(self.wrap.rows() - 1);
        let column = (spot.x - page.x).div_euclid(BODY.cell()).max(0) as usize;
        self.wrap.index_at(self.buffer.chars(), row, column)
    }

    /// Moves the caret by rows, keeping to its column; whether there are any.
    fn go_rows(&mut self, rows: isize, extend: bool) -> bool {
        let (before, top, caret) = (self.buffer.place(), self.top, self.buffer.caret());
        let column = self.goal.unwrap_or_else(|| self.wrap.column_of(self.buffer.chars(), caret));
        let row = self.wrap.row_of(caret).saturating_add_signed(rows).min(self.wrap.rows() - 1);
        self.buffer.go(self.wrap.index_at(self.buffer.chars(), row, column), extend);
        self.reveal();
        self.goal = Some(column);
        moved(&self.buffer, before).is_effect() || self.top != top
    }

    /// Brings the rows and the scroll position in line with what a key did; whether it did anything.
    fn settle(&mut self, reply: Reply) -> bool {
        let top = self.top;
        match reply {
            Reply::Ignored => return false,
            Reply::Kept | Reply::Acted => {}
            Reply::Changed(splice) => self.wrap.update(self.buffer.chars(), splice),
        }
        self.reveal();
        reply.is_effect() || self.top != top
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
    pub(super) fn status(&self) -> String {
        let (caret, start) = (self.buffer.caret(), self.buffer.line().start);
        let line = self.buffer.chars()[..start].iter().filter(|c| **c == '\n').count() + 1;
        format!("Line {line}, column {}   {} characters", caret - start + 1, self.buffer.chars().len())
    }

    /// Draws the rows that are shown.
    pub(super) fn paint(&self, canvas: &mut Canvas, page: Area, active: bool) {
        for row in self.top..self.wrap.rows().min(self.top + self.visible) {
            let y = page.y + (row - self.top) as i32 * ROW;
            self.paint_row(canvas, row, Spot::new(page.x, y), active);
        }
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
    pub(super) fn paint_scroll_bar(&self, canvas: &mut Canvas, trough: Area) {
        let rows = self.wrap.rows() as i64;
        let (visible, top) = (self.visible as i64, self.top as i64);
        if rows <= visible {
            return;
        }
        let height = i64::from(trough.h);
        let thumb = (height * visible / rows).max(16).min(height);
        let y = (height - thumb) * top / (rows - visible);
        canvas.fill(trough, TROUGH);
        let thumb = Area::new(trough.x + 2, trough.y + y as i32, trough.w - 4, thumb as i32);
        canvas.round(thumb, 3, Corners::All, THUMB);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: Area = Area::new(110, 60, 450, 250);

    fn typed(text: &str) -> Sheet {
        let (mut sheet, mut clipboard) = (Sheet::new(PAGE), Clipboard::default());
        for character in text.chars() {
            assert!(sheet.key(Stroke::typing(character), &mut clipboard));
        }
        sheet
    }

    fn press(sheet: &mut Sheet, key: Key) -> bool {
        let mut clipboard = Clipboard::default();
        sheet.key(Stroke { key, text: None, ..Stroke::typing('x') }, &mut clipboard)
    }

    /// A pixel of a character of a row.
    fn at(column: i32, row: i32) -> Spot {
        Spot::new(PAGE.x + column * BODY.cell() + 1, PAGE.y + row * ROW + 3)
    }

    #[test]
    fn up_and_down_keep_their_column() {
        let mut sheet = typed("longer line\nab\nanother line");
        for (key, caret) in [(Key::Up, 14), (Key::Up, 11), (Key::Up, 11), (Key::Down, 14), (Key::Down, 27)] {
            let before = sheet.buffer.caret();
            assert_eq!(press(&mut sheet, key), before != caret, "{key:?}");
            assert_eq!(sheet.buffer.caret(), caret, "{key:?}");
        }
    }

    #[test]
    fn the_caret_stays_in_view_and_the_wheel_leaves_it() {
        let mut sheet = typed(&"line\n".repeat(40));
        let lowest = 41 - sheet.visible;
        assert_eq!(sheet.top, lowest);
        assert!(!sheet.wheel(-1) && !sheet.wheel(0) && sheet.wheel(2));
        assert_eq!((sheet.top, sheet.buffer.caret()), (lowest - 6, 200));
        assert!(sheet.wheel(i64::MAX) && !sheet.wheel(1));
        assert_eq!(sheet.top, 0);
        assert!(sheet.wheel(i64::MIN));
        assert_eq!(sheet.top, lowest);
        assert!(!press(&mut sheet, Key::End) && !press(&mut sheet, Key::Down));
        for key in [Key::End, Key::Down] {
            assert!(sheet.wheel(1) && press(&mut sheet, key), "{key:?} shows the caret again");
            assert_eq!(sheet.top, lowest);
        }
        for _ in 0..10 {
            press(&mut sheet, Key::PageUp);
        }
        assert_eq!((sheet.top, sheet.buffer.caret()), (0, 0));
        press(&mut sheet, Key::PageDown);
        assert_eq!(sheet.wrap.row_of(sheet.buffer.caret()), sheet.visible - 1);
    }

    #[test]
    fn clicks_set_the_caret_and_select() {
        let mut sheet = typed("one two\nthree");
        sheet.press(Hit::on(at(4, 0)), PAGE);
        assert_eq!(sheet.buffer.caret(), 4);
        sheet.press(Hit { extend: true, ..Hit::on(at(2, 1)) }, PAGE);
        assert_eq!(sheet.buffer.selected(), "two\nth");
        // The right half of a character, behind which a single click puts the caret.
        let end = Spot::new(at(7, 0).x - 2, at(7, 0).y);
        for (spot, clicks, selected) in
            [(at(5, 0), 2, "two"), (end, 2, "two"), (at(3, 0), 2, " "), (at(1, 1), 3, "three"), (at(9, 9), 2, "three")]
        {
            sheet.press(Hit { clicks, ..Hit::on(spot) }, PAGE);
            assert_eq!(sheet.buffer.selected(), selected, "{spot:?}");
        }
        sheet.press(Hit::on(at(0, 9)), PAGE);
        assert_eq!(sheet.buffer.caret(), 8);
    }

    #[test]
    fn setting_a_text_can_be_undone() {
        let mut sheet = typed("precious");
        sheet.set("");
        assert_eq!(sheet.text(), "");
        let undo = Stroke { ctrl: true, text: None, ..Stroke::typing('z') };
        assert!(sheet.key(undo, &mut Clipboard::default()));
        assert_eq!(sheet.text(), "precious");
        assert!(!sheet.enter("") && sheet.enter("!"));
    }

    #[test]
    fn the_status_counts_lines_and_columns() {
        assert_eq!(typed("ab\n世界").status(), "Line 2, column 3   5 characters");
    }
}
