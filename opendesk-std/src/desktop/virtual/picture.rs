//! What the desktop looks like, as a whole and in parts.

use core::mem;

use super::apps::App;
use super::chrome::{self, Look};
use super::cursor;
use super::lock;
use super::paint::Canvas;
use super::screen::{Grab, Screen};
use super::theme::BLACK;
use super::view::View;
use crate::api::{Error, Result};
use crate::desktop::{CaptureArea, Frame};

impl Screen {
    /// A picture of the desktop, a display or a window, or of a part of it.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`](crate::api::ErrorCode::NotFound) for a display or window that is not there,
    /// [`ErrorCode::InvalidArgument`](crate::api::ErrorCode::InvalidArgument) for a window that is not shown and for a
    /// region that is empty or not wholly in what is to be shown.
    pub(super) fn frame(&mut self, wanted: &CaptureArea) -> Result<Frame> {
        let (view, window) = self.view(wanted)?;
        let part = match wanted.region {
            None => view.whole(),
            Some(region) => view.part(region).ok_or_else(|| {
                Error::invalid(format!(
                    "the region of {}×{} at ({}, {}) is empty or not on {}; it must lie within {}",
                    region.width,
                    region.height,
                    region.x,
                    region.y,
                    if window.is_some() { "the window" } else { "the virtual desktop" },
                    view.words()
                ))
            })?,
        };
        let needed = view.needs(part);
        let pixels = match window {
            Some(app) => self.window_picture(app).crop(needed),
            None => self.picture().crop(needed),
        };
        let mut drawn = Canvas::from_pixels(needed, pixels);
        if wanted.cursor && !self.is_asleep() {
            cursor::paint(&mut drawn, self.pointer);
        }
        let area = view.shown(part);
        Ok(Frame { width: part.w as u32, height: part.h as u32, pixels: view.pixels(part, drawn), area })
    }

    /// What is to be shown, and whose window it is.
    fn view(&self, wanted: &CaptureArea) -> Result<(View, Option<App>)> {
        let display = wanted.display_id.as_deref().map(|id| self.displays.find(id)).transpose()?;
        if let Some(id) = &wanted.window_id {
            if display.is_some() {
                return Err(Error::invalid("a picture is of a window or of a display, not of both; leave one out"));
            }
            let app = self.window_of(id)?;
            self.shows(app)?;
            return Ok((self.displays.view_of(self.window_area(app)), Some(app)));
        }
        Ok((display.map_or_else(|| self.displays.view(wanted.region), |display| display.view()), None))
    }

    /// Makes sure that a window can be seen, if others let it.
    fn shows(&self, app: App) -> Result<()> {
        let why = if self.is_locked() {
            "the virtual desktop is locked; press Return to unlock it"
        } else if self.is_minimized(app) {
            "it is minimised; focus it first"
        } else {
            return Ok(());
        };
        Err(Error::invalid(format!("the window {:?} cannot be seen: {why}", app.id())))
    }

    /// The picture of all displays.
    fn picture(&mut self) -> &Canvas {
        if self.stale {
            let mut canvas = mem::take(&mut self.canvas);
            self.paint(&mut canvas);
            self.canvas = canvas;
            self.stale = false;
        }
        &self.canvas
    }

    /// A window without what is in front of it.
    fn window_picture(&self, app: App) -> Canvas {
        let mut canvas = Canvas::over(self.window_area(app));
        if !self.is_asleep() {
            canvas.lay(&self.background);
            self.paint_window(&mut canvas, app);
        }
        canvas
    }

    fn paint(&self, canvas: &mut Canvas) {
        canvas.copy_from(&self.background);
        if self.is_asleep() {
            canvas.fill(self.displays.bounds(), BLACK);
            return;
        }
        // Between the displays nothing can be seen.
        for display in self.displays.areas() {
            canvas.clipped(display, |canvas| self.paint_all(canvas));
        }
    }

    fn paint_all(&self, canvas: &mut Canvas) {
        if self.is_locked() {
            let down = self.grab == Some(Grab::Unlock) && lock::button(self.area()).contains(self.pointer);
            lock::paint(canvas, self.displays.bounds(), self.area(), down);
            return;
        }
        let shown: Vec<App> = self.stack().collect();
        for app in shown.into_iter().rev() {
            self.paint_window(canvas, app);
        }
        let looks = App::ALL.map(|app| self.look(app));
        chrome::paint_panel(canvas, self.area(), looks, self.keyboard.caps_lock());
        self.toasts.paint(canvas, self.area());
    }

    fn paint_window(&self, canvas: &mut Canvas, app: App) {
        let area = self.window_area(app);
        let close_down = self.grab == Some(Grab::Close(app)) && chrome::close_button(area).contains(self.pointer);
        chrome::paint_window(canvas, area, app.title(), self.look(app), close_down);
        let (client, active) = (self.client(app), self.focus() == Some(app));
        canvas.clipped(client, |canvas| match app {
            App::Notes => self.notes.paint(canvas, client, active),
            App::Controls => self.controls.paint(canvas, client, active),
        });
    }

    fn look(&self, app: App) -> Look {
        if self.focus() == Some(app) {
            Look::Active
        } else if self.is_open(app) {
            Look::Idle
        } else {
            Look::Closed
        }
    }
}
