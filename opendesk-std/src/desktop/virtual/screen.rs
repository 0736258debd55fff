//! The state of the whole desktop: what is open, in front, shown and hidden.

use std::collections::BTreeSet;

use super::apps::App;
use super::changes::Changes;
use super::chrome;
use super::clicks::Clicks;
use super::clipboard::Clipboard;
use super::controls::{Controls, Outcome};
use super::displays::Displays;
use super::geometry::{Area, Spot};
use super::keyboard::Keyboard;
use super::notes::Notes;
use super::paint::Canvas;
use super::toasts::Toasts;
use crate::api::{Button, ScreenState, UiElement};
use crate::clock;
use crate::desktop::Key;

/// What the main button was pressed on and holds until it comes up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Grab {
    /// A window that is dragged, this far from its corner.
    Window(App, Spot),
    Close(App),
    Content(App),
    Task(App),
    Toast(u32),
    /// The button of the lock screen.
    Unlock,
}

/// Where a window is, and whether it is.
#[derive(Debug, Clone, Copy)]
struct Window {
    area: Area,
    open: bool,
    minimized: bool,
}

/// The desktop as its user knows it.
pub(super) struct Screen {
    pub(super) displays: Displays,
    /// The picture of the state, unless `stale`.
    pub(super) canvas: Canvas,
    pub(super) stale: bool,
    pub(super) background: Canvas,
    pub(super) changes: Changes,
    pub(super) notes: Notes,
    pub(super) controls: Controls,
    pub(super) toasts: Toasts,
    windows: [Window; 2],
    /// The windows from the front to the back, closed ones too.
    order: [App; 2],
    /// The window that has the keyboard while the desktop is not locked: the one in front, or none.
    focus: Option<App>,
    pub(super) pointer: Spot,
    pub(super) buttons: BTreeSet<Button>,
    pub(super) grab: Option<Grab>,
    pub(super) clicks: Clicks,
    pub(super) keyboard: Keyboard,
    pub(super) clipboard: Clipboard,
    locked: bool,
    asleep: bool,
}

impl Screen {
    /// A desktop with both windows open, the keyboard at the editor and the pointer in the middle of the primary
    /// display.
    pub(super) fn new(displays: Displays) -> Self {
        let area = displays.primary();
        let [notes, controls] = chrome::arrange(area);
        let mut background = Canvas::over(displays.bounds());
        displays.areas().for_each(|area| chrome::paint_background(&mut background, area));
        Self {
            displays,
            canvas: Canvas::default(),
            stale: true,
            background,
            changes: Changes::new(),
            notes: Notes::new(chrome::client(notes)),
            controls: Controls::new(chrome::client(controls)),
            toasts: Toasts::default(),
            windows: [notes, controls].map(|area| Window { area, open: true, minimized: false }),
            order: App::ALL,
            focus: Some(App::Notes),
            pointer: Spot::new(area.x + area.w / 2, area.y + area.h / 2),
            buttons: BTreeSet::new(),
            grab: None,
            clicks: Clicks::default(),
            keyboard: Keyboard::default(),
            clipboard: Clipboard::default(),
            locked: false,
            asleep: false,
        }
    }

    /// The primary display.
    pub(super) const fn area(&self) -> Area {
        self.displays.primary()
    }

    /// The window that has the keyboard; none while the desktop is locked.
    pub(super) const fn focus(&self) -> Option<App> {
        if self.locked { None } else { self.focus }
    }

    pub(super) const fn is_open(&self, app: App) -> bool {
        self.windows[app.index()].open
    }

    pub(super) const fn is_minimized(&self, app: App) -> bool {
        self.windows[app.index()].minimized
    }

    pub(super) const fn window_area(&self, app: App) -> Area {
        self.windows[app.index()].area
    }

    pub(super) const fn client(&self, app: App) -> Area {
        chrome::client(self.window_area(app))
    }

    /// The open windows that are not minimised, from the front to the back.
    pub(super) fn stack(&self) -> impl Iterator<Item = App> {
        self.order.into_iter().filter(|app| self.is_open(*app) && !self.is_minimized(*app))
    }

    /// The open windows, from the front to the back, the minimised ones last.
    pub(super) fn open(&self) -> impl Iterator<Item = App> {
        let minimized = self.order.into_iter().filter(|app| self.is_open(*app) && self.is_minimized(*app));
        self.stack().chain(minimized)
    }

    pub(super) fn held_keys(&self) -> Vec<Key> {
        self.keyboard.held()
    }

    pub(super) fn held_buttons(&self) -> Vec<Button> {
        self.buttons.iter().copied().collect()
    }

    /// What a window contains, for the accessibility tree.
    pub(super) fn content_elements(&self, app: App, active: bool) -> Vec<UiElement> {
        let client = self.client(app);
        match app {
            App::Notes => self.notes.elements(client, active),
            App::Controls => self.controls.elements(client, active),
        }
    }

    /// Something else is to be seen now.
    pub(super) const fn touch(&mut self) {
        self.stale = true;
        self.changes.draw();
    }

    /// Does what the Controls window asks for; whether anything has changed.
    pub(super) fn carry_out(&mut self, outcome: Outcome) -> bool {
        match outcome {
            Outcome::Nothing => return false,
            Outcome::Done => {}
            Outcome::NewNote => {
                self.notes.sheet().set("");
                self.activate(App::Notes);
            }
            Outcome::Notify => {
                let body = format!("The counter is at {}.", self.controls.counter);
                self.notify(App::Controls.title(), "A notification", &body);
            }
        }
        self.touch();
        true
    }

    /// Shows a notification.
    pub(super) fn notify(&mut self, app: &str, title: &str, body: &str) {
        self.toasts.show(app, title, body, clock::epoch_seconds());
        self.touch();
    }

    /// Opens a window if it is closed, brings it to the front and gives it the keyboard.
    pub(super) fn activate(&mut self, app: App) {
        let window = &mut self.windows[app.index()];
        if window.open && !window.minimized && self.focus == Some(app) {
            return;
        }
        (window.open, window.minimized) = (true, false);
        // Stable: all but the one brought forward keep their order.
        self.order.sort_by_key(|other| *other != app);
        self.set_focus(Some(app));
    }

    pub(super) fn set_focus(&mut self, focus: Option<App>) {
        if focus != Some(App::Controls) {
            self.controls.close_menu();
        }
        self.focus = focus;
        self.touch();
    }

    /// Closes a window; the next one gets the keyboard if this one had it.
    pub(super) fn close(&mut self, app: App) {
        self.windows[app.index()].open = false;
        self.windows[app.index()].minimized = false;
        if app == App::Controls {
            self.controls.calm();
        }
        self.leave(app);
    }

    /// Hides a window until it is activated; the next one gets the keyboard if this one had it.
    pub(super) fn minimize(&mut self, app: App) {
        self.windows[app.index()].minimized = true;
        self.leave(app);
    }

    /// Lets go of everything, and goes on to the next window if this one, which is not shown any more, had the
    /// keyboard.
    fn leave(&mut self, app: App) {
        self.let_go();
        if self.focus == Some(app) {
            let next = self.stack().next();
            self.set_focus(next);
        }
        self.touch();
    }

    /// Lets go of what the mouse holds.
    fn let_go(&mut self) {
        self.grab = None;
        self.clicks.end();
        self.notes.release();
        self.controls.let_go();
    }

    /// Puts a window's corner somewhere.
    pub(super) const fn place(&mut self, app: App, at: Spot) {
        let area = &mut self.windows[app.index()].area;
        if area.x != at.x || area.y != at.y {
            (area.x, area.y) = (at.x, at.y);
            self.touch();
        }
    }

    /// Closes what is in front: the dialog if it is open, else the window. Whether there is any.
    pub(super) fn close_front(&mut self) -> bool {
        if self.focus == Some(App::Controls) && self.controls.dialog {
            self.controls.dialog = false;
        } else if let Some(app) = self.focus {
            self.close(app);
        } else {
            return false;
        }
        true
    }

    /// Hides the window that has the keyboard; whether there is one.
    pub(super) fn minimize_front(&mut self) -> bool {
        if let Some(app) = self.focus {
            self.minimize(app);
            return true;
        }
        false
    }

    /// Goes to the window that had the keyboard longest ago, or to the front one if none has it. Whether there is any.
    pub(super) fn switch(&mut self) -> bool {
        let shown: Vec<App> = self.stack().collect();
        let next = if self.focus.is_some() { shown.last() } else { shown.first() };
        if let Some(app) = next {
            self.activate(*app);
        }
        next.is_some()
    }

    pub(super) const fn is_locked(&self) -> bool {
        self.locked
    }

    pub(super) const fn is_asleep(&self) -> bool {
        self.asleep
    }

    pub(super) const fn state(&self) -> ScreenState {
        match (self.asleep, self.locked) {
            (true, _) => ScreenState::Asleep,
            (false, true) => ScreenState::Locked,
            (false, false) => ScreenState::Shown,
        }
    }

    /// Shows the lock screen, to which all input goes from now on.
    pub(super) fn lock(&mut self) {
        if !self.locked {
            self.let_go();
            self.locked = true;
            self.touch();
        }
    }

    /// Shows the desktop again.
    pub(super) const fn unlock(&mut self) {
        self.locked = false;
        self.touch();
    }

    /// Switches the screen off until the next input.
    pub(super) const fn sleep(&mut self) {
        if !self.asleep {
            self.asleep = true;
            self.touch();
        }
    }

    /// Switches the screen on.
    pub(super) const fn wake(&mut self) {
        if self.asleep {
            self.asleep = false;
            self.touch();
        }
    }
}
