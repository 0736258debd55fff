//! Windows and applications as programs manage them: by name instead of by mouse. While the desktop is locked they are
//! listed, and nothing can be done to them.

use super::apps::App;
use super::chrome;
use super::geometry::{Area, Spot};
use super::screen::Screen;
use crate::api::{self, Error, ErrorCode, Rect, Result, Window};

/// The name of the only workspace.
const WORKSPACE: &str = "1";

impl Screen {
    /// The open windows, from the front to the back.
    pub(super) fn windows(&self) -> Vec<Window> {
        let window = |app: App| Window {
            id: app.id().to_owned(),
            title: app.title().to_owned(),
            app_name: app.title().to_owned(),
            pid: None,
            bounds: Some(self.window_area(app).rect()),
            focused: self.focus() == Some(app),
            minimized: self.is_minimized(app),
            workspace: Some(WORKSPACE.to_owned()),
        };
        self.open().map(window).collect()
    }

    /// Brings an open window to the front and gives it the keyboard; whether it has it.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] for an id that no open window has.
    pub(super) fn focus_window(&mut self, id: &str) -> Result<bool> {
        let app = self.window_of(id)?;
        Ok(self.manage(|screen| screen.activate(app)))
    }

    /// Moves an open window, to whole pixels; whether it is there. Its size stays as it is.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] for an id that no open window has, [`ErrorCode::InvalidArgument`] for another size and
    /// for a place that is not wholly on the desktop above its panel.
    pub(super) fn move_window(&mut self, id: &str, bounds: Rect) -> Result<bool> {
        let app = self.window_of(id)?;
        let (x, y, width, height) = (bounds.x.round(), bounds.y.round(), bounds.width.round(), bounds.height.round());
        let (area, size) = (self.window_area(app), self.window_area(app).rect());
        // False for a NaN, as are the comparisons below.
        let keeps_size = width == size.width && height == size.height;
        if !keeps_size {
            return Err(Error::invalid(format!(
                "the window {id:?} has a fixed size of {}×{}; move it with this size instead of {width}×{height}",
                size.width, size.height
            )));
        }
        let all = self.displays.bounds().rect();
        let near = x >= all.x && y >= all.y && x < all.x + all.width && y < all.y + all.height;
        let to = Spot::new(x as i32, y as i32);
        if !near || !self.has_room(Area::new(to.x, to.y, area.w, area.h)) {
            return Err(Error::invalid(format!(
                "the window {id:?} of {width}×{height} at ({x}, {y}) would not be wholly above the panel of the \
                 desktop, which is {}",
                self.displays.words()
            )));
        }
        Ok(self.manage(|screen| screen.place(app, to)))
    }

    /// Whether windows may fill an area: all of it is on some display, and none of it under the panel.
    fn has_room(&self, area: Area) -> bool {
        let pixels = |area: Area| if area.is_empty() { 0 } else { i64::from(area.w) * i64::from(area.h) };
        let on_displays: i64 = self.displays.areas().map(|display| pixels(display.overlap(area))).sum();
        let under_panel = pixels(chrome::panel(self.area()).overlap(area));
        on_displays - under_panel == pixels(area)
    }

    /// Closes an open window; whether it is closed. Nothing here has to be forced.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] for an id that no open window has.
    pub(super) fn close_window(&mut self, id: &str) -> Result<bool> {
        let app = self.window_of(id)?;
        Ok(self.manage(|screen| screen.close(app)))
    }

    /// The names of the open apps, in the order of the panel.
    pub(super) fn apps(&self) -> Vec<String> {
        App::ALL.into_iter().filter(|app| self.is_open(*app)).map(|app| app.title().to_owned()).collect()
    }

    /// All apps, in the order of the panel.
    pub(super) fn installed_apps(&self) -> Vec<api::App> {
        let installed =
            |app: App| api::App { id: app.key().to_owned(), name: app.title().to_owned(), running: self.is_open(app) };
        App::ALL.map(installed).into()
    }

    /// Opens an app, or brings it to the front; whether it is there.
    ///
    /// # Errors
    /// Those of [`App::named`].
    pub(super) fn open_app(&mut self, name: &str) -> Result<bool> {
        let app = App::named(name)?;
        Ok(self.manage(|screen| screen.activate(app)))
    }

    /// Brings an open app to the front and gives it the keyboard; whether it has it.
    ///
    /// # Errors
    /// Those of [`Screen::running`].
    pub(super) fn focus_app(&mut self, name: &str) -> Result<bool> {
        let app = self.running(name)?;
        Ok(self.manage(|screen| screen.activate(app)))
    }

    /// Closes an open app; whether it is closed.
    ///
    /// # Errors
    /// Those of [`Screen::running`].
    pub(super) fn close_app(&mut self, name: &str) -> Result<bool> {
        let app = self.running(name)?;
        Ok(self.manage(|screen| screen.close(app)))
    }

    /// Does something to windows unless the desktop is locked; whether it did.
    fn manage(&mut self, act: impl FnOnce(&mut Self)) -> bool {
        let may = !self.is_locked();
        if may {
            self.clicks.end();
            act(self);
        }
        may
    }

    /// The open app of a name.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] for a name that no app has, and for an app that is closed.
    pub(super) fn running(&self, name: &str) -> Result<App> {
        let app = App::named(name)?;
        if self.is_open(app) {
            return Ok(app);
        }
        Err(Error::new(ErrorCode::NotFound, format!("the app {} is not open; open it first", app.title())))
    }

    /// The open windows, for messages.
    pub(super) fn open_windows(&self) -> String {
        let open: Vec<String> = App::ALL
            .into_iter()
            .filter(|app| self.is_open(*app))
            .map(|app| format!("{} ({})", app.id(), app.title()))
            .collect();
        if open.is_empty() { "none, open one from the panel".to_owned() } else { open.join(", ") }
    }

    /// The open window of an id.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] for an id that no open window has.
    pub(super) fn window_of(&self, id: &str) -> Result<App> {
        self.open().find(|app| app.id() == id).ok_or_else(|| {
            let open = self.open_windows();
            let message = format!("the virtual desktop has no open window {id:?}; open windows: {open}");
            Error::new(ErrorCode::NotFound, message)
        })
    }
}
