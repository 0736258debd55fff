//! The Notes window: a text editor with a few pages.

use super::clicks::Hit;
use super::clipboard::Clipboard;
use super::geometry::{Area, Spot};
use super::handle::Handle;
use super::keyboard::Stroke;
use super::paint::Canvas;
use super::sheet::Sheet;
use super::text::{Align, SMALL};
use super::theme::{DIM_TEXT, FACE, LINE, PAPER};
use super::tree::{element, states};
use crate::api::UiElement;
use crate::desktop::Key;

/// The number of pages.
const PAGES: usize = 3;
/// Between the text and the edges of its window.
const PADDING: i32 = 10;
/// Height of the status line.
const STATUS: i32 = 26;
/// Width of the scroll bar.
const SCROLL_BAR: i32 = 10;

/// The editor's pages.
#[derive(Debug)]
pub(super) struct Notes {
    sheets: [Sheet; PAGES],
    /// Which of them is shown.
    shown: usize,
    /// Whether the mouse is selecting.
    selecting: bool,
}

impl Notes {
    /// An empty editor in a window whose inside has this size for good.
    pub(super) fn new(client: Area) -> Self {
        let sheets = [(); PAGES].map(|()| Sheet::new(page(client)));
        Self { sheets, shown: 0, selecting: false }
    }

    /// The page that is shown.
    pub(super) fn sheet(&mut self) -> &mut Sheet {
        &mut self.sheets[self.shown]
    }

    /// The text of the page that is shown.
    pub(super) fn text(&self) -> String {
        self.sheets[self.shown].text()
    }

    /// Shows the next page, or the one before; whether there is one.
    pub(super) fn turn(&mut self, forward: bool) -> bool {
        let to = if forward { self.shown + 1 } else { self.shown.wrapping_sub(1) };
        let is_there = to < PAGES;
        if is_there {
            self.release();
            self.shown = to;
        }
        is_there
    }

    /// Takes a key; whether it did anything.
    pub(super) fn key(&mut self, stroke: Stroke, clipboard: &mut Clipboard) -> bool {
        match (stroke.key, stroke.alt) {
            (Key::Left, true) => self.turn(false),
            (Key::Right, true) => self.turn(true),
            _ => self.sheet().key(stroke, clipboard),
        }
    }

    /// Puts the caret where the mouse is pressed and begins to select, unless several clicks have selected already.
    pub(super) fn press(&mut self, hit: Hit, client: Area) {
        let page = page(client);
        if page.grown(PADDING).contains(hit.spot) {
            self.sheet().press(hit, page);
            self.selecting = hit.clicks == 1;
        }
    }

    /// Selects up to where the pressed mouse moves; beyond the edges it scrolls. Whether it is selecting at all.
    pub(super) fn drag(&mut self, spot: Spot, client: Area) -> bool {
        if self.selecting {
            self.sheet().point(spot, page(client), true);
        }
        self.selecting
    }

    pub(super) const fn release(&mut self) {
        self.selecting = false;
    }

    /// Where the caret is, as the status line says it.
    fn status(&self) -> String {
        let status = self.sheets[self.shown].status();
        if self.shown == 0 { status } else { format!("Page {}   {status}", self.shown + 1) }
    }

    pub(super) fn paint(&self, canvas: &mut Canvas, client: Area, active: bool) {
        let (page, sheet) = (page(client), &self.sheets[self.shown]);
        canvas.fill(client, PAPER);
        canvas.clipped(page.grown(PADDING), |canvas| sheet.paint(canvas, page, active));
        let trough = Area::new(client.right() - SCROLL_BAR, client.y, SCROLL_BAR, client.h - STATUS);
        sheet.paint_scroll_bar(canvas, trough);
        let status = status_line(client);
        canvas.fill(status, FACE);
        canvas.fill(Area::new(status.x, status.y, status.w, 1), LINE);
        let words = Area::new(status.x + PADDING, status.y, status.w - 2 * PADDING, status.h);
        canvas.text(words, Align::Left, &self.status(), SMALL, DIM_TEXT);
    }

    /// The window's part of the accessibility tree.
    pub(super) fn elements(&self, client: Area, active: bool) -> Vec<UiElement> {
        let mut text = element(Handle::Note, "text", "Note", page(client).grown(PADDING));
        text.value = Some(self.text());
        text.focused = active;
        text.states = states(&[("editable", true), ("multi line", true)]);
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

    fn typed(notes: &mut Notes, text: &str) {
        for character in text.chars() {
            assert!(notes.key(Stroke::typing(character), &mut Clipboard::default()));
        }
    }

    /// Copies what is selected.
    fn selected(notes: &mut Notes) -> String {
        let mut clipboard = Clipboard::default();
        notes.key(Stroke { ctrl: true, text: None, ..Stroke::typing('c') }, &mut clipboard);
        clipboard.text()
    }

    #[test]
    fn the_mouse_selects_while_it_is_pressed() {
        let mut notes = Notes::new(CLIENT);
        typed(&mut notes, "one two\nthree");
        let page = page(CLIENT);
        notes.press(Hit::on(Spot::new(page.x, page.y + 3)), CLIENT);
        assert!(notes.drag(Spot::new(CLIENT.right(), page.y + 3), CLIENT));
        assert_eq!(selected(&mut notes), "one two");
        notes.release();
        assert!(!notes.drag(Spot::new(page.x, page.y), CLIENT));
        assert_eq!(selected(&mut notes), "one two");
        notes.press(Hit { clicks: 2, ..Hit::on(Spot::new(page.x + 1, page.y + 3)) }, CLIENT);
        assert!(!notes.drag(Spot::new(page.x + 200, page.y + 3), CLIENT), "what a double click selects stays selected");
        assert_eq!(selected(&mut notes), "one");
        notes.press(Hit::on(Spot::new(page.x, CLIENT.bottom() - 2)), CLIENT);
        assert!(!notes.drag(Spot::new(page.x, page.y), CLIENT), "the status line is no text");
    }

    #[test]
    fn every_page_has_a_text_of_its_own() {
        let mut notes = Notes::new(CLIENT);
        typed(&mut notes, "first");
        assert!(!notes.turn(false) && notes.turn(true));
        assert_eq!(
            (notes.text(), notes.status()),
            (String::new(), "Page 2   Line 1, column 1   0 characters".to_owned())
        );
        typed(&mut notes, "second");
        let alt = |key: Key| Stroke { key, text: None, alt: true, ..Stroke::typing('x') };
        let mut press = |key: Key| notes.key(alt(key), &mut Clipboard::default());
        assert_eq!([Key::Right, Key::Right, Key::Left, Key::Left].map(&mut press), [true, false, true, true]);
        assert_eq!((notes.text().as_str(), notes.status().as_str()), ("first", "Line 1, column 6   5 characters"));
        assert!(notes.turn(true));
        assert_eq!(notes.text(), "second");
    }
}
