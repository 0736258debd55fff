//! Windows and applications as programs manage them: by name instead of by mouse.

use super::apps::App;
use super::chrome;
use super::geometry::Spot;
use super::screen::Screen;
use crate::api::{Error, ErrorCode, Rect, Result, Window};

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
            minimized: false,
            workspace: None,
        };
        self.stack().map(window).collect()
    }

    /// Brings an open window to the front and gives it the keyboard.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] for an id that no open window has.
    pub(super) fn focus_window(&mut self, id: &str) -> Result<()> {
        let app = self.window_of(id)?;
        self.activate(app);
        Ok(())
    }

    /// Moves an open window, to whole pixels. Its size stays as it is.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] for an id that no open window has, [`ErrorCode::InvalidArgument`] for another size and
    /// for a place that is not wholly on the desktop above its panel.
    pub(super) fn move_window(&mut self, id: &str, bounds: Rect) -> Result<()> {
        let app = self.window_of(id)?;
        let (x, y, width, height) = (bounds.x.round(), bounds.y.round(), bounds.width.round(), bounds.height.round());
        let size = self.window_area(app).rect();
        // False for a NaN, as are the comparisons below.
        let keeps_size = width == size.width && height == size.height;
        if !keeps_size {
            return Err(Error::invalid(format!(
                "the window {id:?} has a fixed size of {}×{}; move it with this size instead of {width}×{height}",
                size.width, size.height
            )));
        }
        let work = chrome::work_area(self.area()).rect();
        let fits = x >= work.x && y >= work.y && x + width <= work.width && y + height <= work.height;
        if !fits {
            return Err(Error::invalid(format!(
                "the window {id:?} of {width}×{height} at ({x}, {y}) would not be within the {}×{} pixels above the panel",
                work.width, work.height
            )));
        }
        self.place(app, Spot::new(x as i32, y as i32));
        Ok(())
    }

    /// Closes an open window.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] for an id that no open window has.
    pub(super) fn close_window(&mut self, id: &str) -> Result<()> {
        let app = self.window_of(id)?;
        self.close(app);
        Ok(())
    }

    /// The names of the open apps, in the order of the panel.
    pub(super) fn apps(&self) -> Vec<String> {
        App::ALL.into_iter().filter(|app| self.is_open(*app)).map(|app| app.title().to_owned()).collect()
    }

    /// Opens an app, or brings it to the front.
    ///
    /// # Errors
    /// Those of [`App::named`].
    pub(super) fn open_app(&mut self, name: &str) -> Result<()> {
        let app = App::named(name)?;
        self.activate(app);
        Ok(())
    }

    /// Brings an open app to the front and gives it the keyboard.
    ///
    /// # Errors
    /// Those of [`Screen::running`].
    pub(super) fn focus_app(&mut self, name: &str) -> Result<()> {
        let app = self.running(name)?;
        self.activate(app);
        Ok(())
    }

    /// Closes an open app.
    ///
    /// # Errors
    /// Those of [`Screen::running`].
    pub(super) fn close_app(&mut self, name: &str) -> Result<()> {
        let app = self.running(name)?;
        self.close(app);
        Ok(())
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

    fn window_of(&self, id: &str) -> Result<App> {
        self.stack().find(|app| app.id() == id).ok_or_else(|| {
            let open = self.open_windows();
            let message = format!("the virtual desktop has no open window {id:?}; open windows: {open}");
            Error::new(ErrorCode::NotFound, message)
        })
    }
}
