//! Notifications, and the small boxes at the corner of the screen that show the newest of them.

use std::collections::VecDeque;

use super::chrome;
use super::geometry::{Area, Spot};
use super::handle::Handle;
use super::paint::{Canvas, Corners};
use super::text::{Align, BOLD, SMALL};
use super::theme::{ACCENT, DIM_TEXT, LINE, PAPER, TEXT};
use super::tree::element;
use crate::api::{Notification, UiElement};

/// The most that are kept, so that a long life costs no more memory.
const MOST: usize = 20;
/// The most that are shown.
const SHOWN: usize = 3;
const SIZE: (i32, i32) = (320, 60);
/// From the edges of the screen.
const MARGIN: i32 = 16;
/// From one to the next.
const GAP: i32 = 8;

/// A notification that nobody has clicked away.
#[derive(Debug)]
struct Toast {
    number: u32,
    app: String,
    title: String,
    body: String,
    /// Seconds since 1970.
    timestamp: f64,
}

/// All of them, the newest first.
#[derive(Debug, Default)]
pub(super) struct Toasts {
    all: VecDeque<Toast>,
    /// The number of the last one.
    last: u32,
}

impl Toasts {
    pub(super) fn show(&mut self, app: &str, title: &str, body: &str, timestamp: f64) {
        self.last = self.last.wrapping_add(1);
        let (app, title, body) = (app.to_owned(), title.to_owned(), body.to_owned());
        self.all.push_front(Toast { number: self.last, app, title, body, timestamp });
        self.all.truncate(MOST);
    }

    /// Removes one; whether it was there.
    pub(super) fn dismiss(&mut self, number: u32) -> bool {
        let before = self.all.len();
        self.all.retain(|toast| toast.number != number);
        self.all.len() < before
    }

    /// All of them as other modules know them.
    pub(super) fn list(&self) -> Vec<Notification> {
        let notification = |toast: &Toast| Notification {
            id: toast.number.to_string(),
            title: toast.title.clone(),
            body: toast.body.clone(),
            app: Some(toast.app.clone()),
            timestamp: toast.timestamp,
        };
        self.all.iter().map(notification).collect()
    }

    /// The one that is shown at a spot.
    pub(super) fn at(&self, spot: Spot, screen: Area) -> Option<u32> {
        self.shown(screen).find(|(_, area)| area.contains(spot)).map(|(toast, _)| toast.number)
    }

    pub(super) fn paint(&self, canvas: &mut Canvas, screen: Area) {
        for (toast, area) in self.shown(screen) {
            canvas.shadow(area, 6, 60);
            canvas.round(area, 6, Corners::All, LINE);
            canvas.round(area.grown(-1), 5, Corners::All, PAPER);
            canvas.fill(Area::new(area.x + 1, area.y + 6, 3, area.h - 12), ACCENT);
            let row = |y: i32, height: i32| Area::new(area.x + 14, area.y + y, area.w - 26, height);
            canvas.text(row(6, BOLD.line()), Align::Left, &toast.title, BOLD, TEXT);
            canvas.text(row(32, SMALL.line()), Align::Left, &toast.body, SMALL, DIM_TEXT);
        }
    }

    /// Their part of the accessibility tree.
    pub(super) fn elements(&self, screen: Area) -> Vec<UiElement> {
        let element = |(toast, area): (&Toast, Area)| {
            let mut element = element(Handle::Toast(toast.number), "notification", &toast.title, area);
            element.value = Some(toast.body.clone());
            element
        };
        self.shown(screen).map(element).collect()
    }

    /// Those that are shown, and where: the newest at the bottom, the others above it as far as there is room.
    fn shown(&self, screen: Area) -> impl Iterator<Item = (&Toast, Area)> {
        let work = chrome::work_area(screen);
        let width = SIZE.0.min(work.w - 2 * MARGIN);
        let place = move |index: i32| {
            let y = work.bottom() - MARGIN - SIZE.1 - index * (SIZE.1 + GAP);
            Area::new(work.right() - MARGIN - width, y, width, SIZE.1)
        };
        self.all.iter().take(SHOWN).zip((0..).map(place)).filter(move |(_, area)| area.y >= work.y)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_are_shown_and_some_more_are_kept() {
        let (mut toasts, screen) = (Toasts::default(), Area::new(0, 0, 1280, 800));
        assert_eq!((toasts.list(), toasts.at(Spot::new(1200, 730), screen)), (vec![], None));
        for number in 1..=25 {
            toasts.show("Test", &format!("title {number}"), "body", 7.0);
        }
        let list = toasts.list();
        let ends = (list[0].title.as_str(), list[MOST - 1].title.as_str());
        assert_eq!((list.len(), ends), (MOST, ("title 25", "title 6")));
        assert_eq!((list[0].app.as_deref(), list[0].body.as_str(), list[0].timestamp), (Some("Test"), "body", 7.0));
        assert_eq!(toasts.shown(screen).count(), SHOWN);
        let newest = toasts.at(Spot::new(1200, 730), screen).unwrap();
        assert!(toasts.dismiss(newest) && !toasts.dismiss(newest));
        assert_eq!(toasts.list()[0].title, "title 24");
    }

    #[test]
    fn they_stay_on_the_screen() {
        let mut toasts = Toasts::default();
        (0..5).for_each(|_| toasts.show("Test", &"long ".repeat(40), "", 0.0));
        for screen in [Area::new(0, 0, 320, 240), Area::new(-900, 70, 640, 480)] {
            let work = chrome::work_area(screen);
            assert!(toasts.shown(screen).all(|(_, area)| area.overlap(work) == area));
            assert!(toasts.shown(screen).count() >= 2);
            let mut canvas = Canvas::over(screen);
            toasts.paint(&mut canvas, screen);
            assert!(canvas.into_pixels().iter().any(|byte| *byte != 0));
        }
    }
}
