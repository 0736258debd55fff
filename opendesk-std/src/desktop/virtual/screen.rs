//! The state of the whole desktop, and which window an event of mouse or keyboard goes to.

use core::mem;
use std::collections::BTreeSet;

use super::apps::App;
use super::chrome::{self, Look};
use super::clipboard::Clipboard;
use super::controls::{Controls, Effect};
use super::cursor;
use super::geometry::{Area, Spot};
use super::keyboard::{Keyboard, Stroke};
use super::notes::Notes;
use super::paint::Canvas;
use super::theme::TITLE;
use crate::api::{Button, Press, Result, UiElement};
use crate::desktop::Key;

/// How much of a dragged window's title bar stays on the screen, in pixels.
const REACHABLE: i32 = 48;

/// What the main button was pressed on and holds until it comes up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Grab {
    /// A title bar, this far from the window's corner.
    Title(App, Spot),
    Close(App),
    Content(App),
    Task(App),
}

/// Where a window is, if it is open.
#[derive(Debug, Clone, Copy)]
struct Window {
    area: Area,
    open: bool,
}

/// The desktop as its user knows it.
pub(super) struct Screen {
    area: Area,
    /// The picture of the state, unless `stale`.
    canvas: Canvas,
    pub(super) stale: bool,
    background: Canvas,
    pub(super) notes: Notes,
    pub(super) controls: Controls,
    windows: [Window; 2],
    /// The windows from the front to the back, closed ones too.
    order: [App; 2],
    /// The window that has the keyboard: the one in front, or none.
    focus: Option<App>,
    pointer: Spot,
    buttons: BTreeSet<Button>,
    grab: Option<Grab>,
    pub(super) keyboard: Keyboard,
    clipboard: Clipboard,
}

impl Screen {
    /// A desktop with both windows open, the keyboard at the editor and the pointer in the middle.
    pub(super) fn new(width: i32, height: i32) -> Self {
        let area = Area::new(0, 0, width, height);
        let [notes, controls] = chrome::arrange(area);
        let mut background = Canvas::new(width, height);
        chrome::paint_background(&mut background, area);
        Self {
            area,
            canvas: Canvas::default(),
            stale: true,
            background,
            notes: Notes::new(chrome::client(notes)),
            controls: Controls::new(chrome::client(controls)),
            windows: [notes, controls].map(|area| Window { area, open: true }),
            order: App::ALL,
            focus: Some(App::Notes),
            pointer: Spot::new(width / 2, height / 2),
            buttons: BTreeSet::new(),
            grab: None,
            keyboard: Keyboard::default(),
            clipboard: Clipboard::default(),
        }
    }

    pub(super) const fn area(&self) -> Area {
        self.area
    }

    pub(super) const fn pointer(&self) -> Spot {
        self.pointer
    }

    pub(super) const fn focus(&self) -> Option<App> {
        self.focus
    }

    pub(super) const fn is_open(&self, app: App) -> bool {
        self.windows[app.index()].open
    }

    pub(super) const fn window_area(&self, app: App) -> Area {
        self.windows[app.index()].area
    }

    /// The open windows, from the front to the back.
    pub(super) fn stack(&self) -> impl Iterator<Item = App> {
        self.order.into_iter().filter(|app| self.is_open(*app))
    }

    pub(super) fn held_keys(&self) -> Vec<Key> {
        self.keyboard.held()
    }

    pub(super) fn held_buttons(&self) -> Vec<Button> {
        self.buttons.iter().copied().collect()
    }

    pub(super) fn editor_text(&self) -> String {
        self.notes.text()
    }

    pub(super) const fn counter(&self) -> u32 {
        self.controls.counter
    }

    pub(super) const fn clipboard(&self) -> &Clipboard {
        &self.clipboard
    }

    pub(super) const fn clipboard_mut(&mut self) -> &mut Clipboard {
        &mut self.clipboard
    }

    /// What a window contains, for the accessibility tree.
    pub(super) fn content_elements(&self, app: App, active: bool) -> Vec<UiElement> {
        let client = self.client(app);
        match app {
            App::Notes => self.notes.elements(client, active),
            App::Controls => self.controls.elements(client, active),
        }
    }

    /// Moves the pointer to a spot on the screen, with all that hangs on it.
    pub(super) fn move_pointer(&mut self, to: Spot) {
        self.pointer = to;
        match self.grab {
            Some(Grab::Title(app, offset)) => {
                let work = chrome::work_area(self.area);
                let area = &mut self.windows[app.index()].area;
                area.x = (to.x - offset.x).clamp(REACHABLE - area.w, work.w - REACHABLE);
                area.y = (to.y - offset.y).clamp(0, work.h - TITLE);
            }
            Some(Grab::Content(App::Notes)) => self.notes.drag(to, self.client(App::Notes)),
            Some(Grab::Content(App::Controls)) => self.controls.motion(to, self.client(App::Controls)),
            Some(Grab::Close(_)) => {}
            Some(Grab::Task(_)) | None if self.controls.menu_open() => {
                self.controls.motion(to, self.client(App::Controls));
            }
            Some(Grab::Task(_)) | None => return,
        }
        self.stale = true;
    }

    /// Presses or releases a mouse button; one that is pressed already, or not pressed, does nothing.
    pub(super) fn button(&mut self, button: Button, press: Press) {
        let (down, changed) = match press {
            Press::Down => (true, self.buttons.insert(button)),
            Press::Up => (false, self.buttons.remove(&button)),
        };
        if !changed {
            return;
        }
        self.stale = true;
        if button != Button::Left {
            if down && let Some(app) = self.window_at(self.pointer) {
                self.activate(app);
            }
        } else if down {
            self.press();
        } else {
            self.release();
        }
    }

    /// Turns the wheel over whatever the pointer is on.
    pub(super) fn wheel(&mut self, up: i64) {
        if self.window_at(self.pointer) == Some(App::Notes) {
            self.notes.wheel(up);
            self.stale = true;
        }
    }

    /// Presses or releases a key.
    ///
    /// # Errors
    /// Those of [`Keyboard::locate`].
    pub(super) fn key(&mut self, key: Key, press: Press) -> Result<()> {
        let key = Keyboard::locate(key)?;
        match press {
            Press::Down => {
                if let Some(stroke) = self.keyboard.press(key) {
                    self.stroke(stroke);
                }
            }
            Press::Up => self.keyboard.release(key),
        }
        self.stale = true;
        Ok(())
    }

    /// Enters one character of a text, whatever keys are held.
    pub(super) fn type_character(&mut self, character: char) {
        self.stroke(Stroke::typing(character));
        self.stale = true;
    }

    /// The pixels of a part of the screen: blue, green, red, unused.
    pub(super) fn picture(&mut self, part: Area, with_pointer: bool) -> Vec<u8> {
        if self.stale {
            let mut canvas = mem::take(&mut self.canvas);
            self.paint(&mut canvas);
            self.canvas = canvas;
            self.stale = false;
        }
        let pixels = self.canvas.crop(part);
        if !with_pointer {
            return pixels;
        }
        let mut canvas = Canvas::from_pixels(part.w, part.h, pixels);
        cursor::paint(&mut canvas, Spot::new(self.pointer.x - part.x, self.pointer.y - part.y));
        canvas.into_pixels()
    }

    fn paint(&self, canvas: &mut Canvas) {
        canvas.copy_from(&self.background);
        for app in self.order.into_iter().rev().filter(|app| self.is_open(*app)) {
            let area = self.window_area(app);
            let close_down = self.grab == Some(Grab::Close(app)) && chrome::close_button(area).contains(self.pointer);
            chrome::paint_window(canvas, area, app.title(), self.look(app), close_down);
            let (client, active) = (self.client(app), self.focus == Some(app));
            canvas.clipped(client, |canvas| match app {
                App::Notes => self.notes.paint(canvas, client, active),
                App::Controls => self.controls.paint(canvas, client, active),
            });
        }
        let looks = App::ALL.map(|app| self.look(app));
        chrome::paint_panel(canvas, self.area, looks, self.keyboard.caps_lock());
    }

    fn look(&self, app: App) -> Look {
        if self.focus == Some(app) {
            Look::Active
        } else if self.is_open(app) {
            Look::Idle
        } else {
            Look::Closed
        }
    }

    const fn client(&self, app: App) -> Area {
        chrome::client(self.window_area(app))
    }

    /// The foremost window under a spot, unless the panel is over it.
    fn window_at(&self, spot: Spot) -> Option<App> {
        if chrome::panel(self.area).contains(spot) {
            return None;
        }
        self.stack().find(|app| self.window_area(*app).contains(spot))
    }

    /// The main button goes down.
    fn press(&mut self) {
        let spot = self.pointer;
        if chrome::panel(self.area).contains(spot) {
            let task = App::ALL.into_iter().find(|app| chrome::task_button(self.area, *app).contains(spot));
            self.grab = task.map(Grab::Task);
            return;
        }
        let Some(app) = self.window_at(spot) else {
            self.set_focus(None);
            return;
        };
        self.activate(app);
        let area = self.window_area(app);
        let client = self.client(app);
        if chrome::close_button(area).contains(spot) {
            self.grab = Some(Grab::Close(app));
        } else if client.contains(spot) {
            self.grab = Some(Grab::Content(app));
            let extend = self.keyboard.shift();
            match app {
                App::Notes => self.notes.press(spot, client, extend),
                App::Controls => self.controls.press(spot, client, extend),
            }
        } else {
            self.grab = Some(Grab::Title(app, Spot::new(spot.x - area.x, spot.y - area.y)));
        }
    }

    /// The main button comes up.
    fn release(&mut self) {
        let spot = self.pointer;
        match self.grab.take() {
            Some(Grab::Close(app)) if chrome::close_button(self.window_area(app)).contains(spot) => self.close(app),
            Some(Grab::Task(app)) if chrome::task_button(self.area, app).contains(spot) => self.activate(app),
            Some(Grab::Content(App::Notes)) => self.notes.release(),
            Some(Grab::Content(App::Controls)) => {
                let effect = self.controls.release(spot, self.client(App::Controls));
                self.carry_out(effect);
            }
            _ => {}
        }
    }

    /// A key goes down: the desktop's own chords first, the rest to the window that has the keyboard.
    pub(super) fn stroke(&mut self, stroke: Stroke) {
        if stroke.alt && stroke.key == Key::Tab {
            self.switch();
        } else if stroke.alt && stroke.key == Key::Function(4) {
            self.close_front();
        } else {
            match self.focus {
                Some(App::Notes) => self.notes.key(stroke, &mut self.clipboard),
                Some(App::Controls) => {
                    let effect = self.controls.key(stroke, &mut self.clipboard);
                    self.carry_out(effect);
                }
                None => {}
            }
        }
    }

    pub(super) fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Nothing => {}
            Effect::NewNote => {
                self.notes.clear();
                self.activate(App::Notes);
            }
        }
    }

    /// Opens a window if it is closed, brings it to the front and gives it the keyboard.
    pub(super) fn activate(&mut self, app: App) {
        self.stale = true;
        self.windows[app.index()].open = true;
        // Stable: all but the one brought forward keep their order.
        self.order.sort_by_key(|other| *other != app);
        self.set_focus(Some(app));
    }

    fn set_focus(&mut self, focus: Option<App>) {
        if focus != Some(App::Controls) {
            self.controls.close_menu();
        }
        self.focus = focus;
    }

    /// Closes a window; the next one gets the keyboard if this one had it.
    pub(super) fn close(&mut self, app: App) {
        self.stale = true;
        self.windows[app.index()].open = false;
        self.grab = None;
        match app {
            App::Notes => self.notes.release(),
            App::Controls => self.controls.calm(),
        }
        if self.focus == Some(app) {
            let next = self.stack().next();
            self.set_focus(next);
        }
    }

    /// Puts a window's corner somewhere.
    pub(super) const fn place(&mut self, app: App, at: Spot) {
        self.stale = true;
        let area = &mut self.windows[app.index()].area;
        (area.x, area.y) = (at.x, at.y);
    }

    /// Closes what is in front: the dialog if it is open, else the window.
    fn close_front(&mut self) {
        if self.focus == Some(App::Controls) && self.controls.dialog {
            self.controls.dialog = false;
        } else if let Some(app) = self.focus {
            self.close(app);
        }
    }

    /// Goes to the window that had the keyboard longest ago, or to the front one if none has it.
    fn switch(&mut self) {
        let open: Vec<App> = self.stack().collect();
        let next = if self.focus.is_some() { open.last() } else { open.first() };
        if let Some(app) = next {
            self.activate(*app);
        }
    }
}
