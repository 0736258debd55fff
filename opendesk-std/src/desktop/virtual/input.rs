//! What mouse and keyboard do: which part of the desktop an event goes to.

use super::apps::App;
use super::chrome;
use super::clicks::Hit;
use super::geometry::Spot;
use super::keyboard::{Keyboard, Stroke};
use super::lock;
use super::screen::{Grab, Screen};
use super::theme::{PANEL, TITLE};
use crate::api::{Button, Point, Press, Result};
use crate::desktop::Key;

/// How much of a dragged window's title bar stays on the screen, in pixels.
const REACHABLE: i32 = 48;

impl Screen {
    /// Moves the pointer to a point on a display, with all that hangs on it.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidArgument`](crate::api::ErrorCode::InvalidArgument) for a point that is on no display.
    pub(super) fn move_pointer(&mut self, to: Point) -> Result<()> {
        let to = self.displays.spot(to)?;
        self.wake();
        self.clicks.move_to(to);
        if to == self.pointer {
            return Ok(());
        }
        self.pointer = to;
        self.changes.move_pointer();
        match self.grab {
            Some(Grab::Window(app, offset)) => self.drag(app, Spot::new(to.x - offset.x, to.y - offset.y)),
            Some(Grab::Content(App::Notes)) => {
                if self.notes.drag(to, self.client(App::Notes)) {
                    self.touch();
                }
            }
            Some(Grab::Content(App::Controls)) => self.point_at_controls(),
            Some(Grab::Close(_) | Grab::Unlock) => self.touch(),
            Some(Grab::Task(_) | Grab::Toast(_)) | None if self.controls.menu_open() => self.point_at_controls(),
            Some(Grab::Task(_) | Grab::Toast(_)) | None => {}
        }
        Ok(())
    }

    fn point_at_controls(&mut self) {
        self.controls.motion(self.pointer, self.client(App::Controls));
        self.touch();
    }

    /// Moves a window to where it can still be reached.
    fn drag(&mut self, app: App, to: Spot) {
        let (bounds, width) = (self.displays.bounds(), self.window_area(app).w);
        let x = to.x.clamp(bounds.x + REACHABLE - width, bounds.right() - REACHABLE);
        let y = to.y.clamp(bounds.y, bounds.bottom() - PANEL - TITLE);
        self.place(app, Spot::new(x, y));
    }

    /// Presses or releases a mouse button; one that is pressed already, or not pressed, does nothing.
    pub(super) fn button(&mut self, button: Button, press: Press) {
        self.wake();
        let (down, changed) = match press {
            Press::Down => (true, self.buttons.insert(button)),
            Press::Up => (false, self.buttons.remove(&button)),
        };
        if !changed {
            return;
        }
        match (button, down) {
            (Button::Left, true) => self.press(),
            (Button::Left, false) => self.release(),
            (other, true) => self.press_other(other),
            (_, false) => {}
        }
    }

    /// The foremost window under a spot, unless something else is over it.
    fn window_at(&self, spot: Spot) -> Option<App> {
        let covered = chrome::panel(self.area()).contains(spot) || self.toasts.at(spot, self.area()).is_some();
        if covered || self.is_locked() {
            return None;
        }
        self.stack().find(|app| self.window_area(*app).contains(spot))
    }

    /// A button that is not the main one goes down: it brings a window forward, and turns the pages of Notes.
    fn press_other(&mut self, button: Button) {
        self.clicks.end();
        let Some(app) = self.window_at(self.pointer) else { return };
        self.activate(app);
        let turned = match button {
            Button::X1 => app == App::Notes && self.notes.turn(false),
            Button::X2 => app == App::Notes && self.notes.turn(true),
            Button::Left | Button::Right | Button::Middle => false,
        };
        if turned {
            self.touch();
        }
    }

    /// The main button goes down.
    fn press(&mut self) {
        let (spot, screen) = (self.pointer, self.area());
        self.touch();
        if self.is_locked() {
            self.grab = lock::button(screen).contains(spot).then_some(Grab::Unlock);
            return;
        }
        let clicks = self.clicks.press(spot);
        if chrome::panel(screen).contains(spot) {
            let task = App::ALL.into_iter().find(|app| chrome::task_button(screen, *app).contains(spot));
            self.grab = task.map(Grab::Task);
            return;
        }
        if let Some(number) = self.toasts.at(spot, screen) {
            self.grab = Some(Grab::Toast(number));
            return;
        }
        let Some(app) = self.window_at(spot) else {
            self.set_focus(None);
            return;
        };
        self.activate(app);
        let (area, client) = (self.window_area(app), self.client(app));
        let offset = Spot::new(spot.x - area.x, spot.y - area.y);
        if self.keyboard.drags() {
            self.grab = Some(Grab::Window(app, offset));
        } else if chrome::close_button(area).contains(spot) {
            self.grab = Some(Grab::Close(app));
        } else if client.contains(spot) {
            self.grab = Some(Grab::Content(app));
            let extend = self.keyboard.shift();
            let hit = Hit { spot, extend, clicks: if extend { 1 } else { clicks } };
            match app {
                App::Notes => self.notes.press(hit, client),
                App::Controls => self.controls.press(hit, client),
            }
        } else {
            self.grab = Some(Grab::Window(app, offset));
        }
    }

    /// The main button comes up.
    fn release(&mut self) {
        let (spot, screen) = (self.pointer, self.area());
        self.touch();
        match self.grab.take() {
            Some(Grab::Unlock) if lock::button(screen).contains(spot) => self.unlock(),
            Some(Grab::Close(app)) if chrome::close_button(self.window_area(app)).contains(spot) => self.close(app),
            Some(Grab::Task(app)) if chrome::task_button(screen, app).contains(spot) => self.activate(app),
            Some(Grab::Toast(number)) if self.toasts.at(spot, screen) == Some(number) => {
                self.toasts.dismiss(number);
            }
            Some(Grab::Content(App::Notes)) => self.notes.release(),
            Some(Grab::Content(App::Controls)) => {
                let outcome = self.controls.release(spot, self.client(App::Controls));
                self.carry_out(outcome);
            }
            _ => {}
        }
    }

    /// Turns the wheel over whatever the pointer is on; whether that scrolled. With Shift it turns sideways.
    pub(super) fn wheel(&mut self, right: i64, up: i64) -> bool {
        self.wake();
        self.clicks.end();
        let (right, up) = if self.keyboard.shift() && right == 0 { (up.saturating_neg(), 0) } else { (right, up) };
        let scrolled = match self.window_at(self.pointer) {
            Some(App::Notes) => self.notes.sheet().wheel(up),
            Some(App::Controls) => self.controls.wheel(self.pointer, self.client(App::Controls), right),
            None => false,
        };
        if scrolled {
            self.touch();
        }
        scrolled
    }

    /// Presses or releases a key; whether that did what the key is for. A modifier is for being held.
    ///
    /// # Errors
    /// Those of [`Keyboard::locate`].
    pub(super) fn key(&mut self, key: Key, press: Press) -> Result<bool> {
        let key = Keyboard::locate(key)?;
        self.wake();
        if press == Press::Up {
            self.keyboard.release(key);
            return Ok(true);
        }
        let caps_lock = self.keyboard.caps_lock();
        let stroke = self.keyboard.press(key);
        if self.keyboard.caps_lock() != caps_lock {
            self.touch();
        }
        Ok(match stroke {
            Some(stroke) => self.stroke(stroke),
            None => Keyboard::is_modifier(key),
        })
    }

    /// Enters one character of a text, whatever keys are held; whether anything took it.
    pub(super) fn type_character(&mut self, character: char) -> bool {
        self.wake();
        self.stroke(Stroke::typing(character))
    }

    /// A key goes down: the desktop's own chords first, the rest to the window that has the keyboard. Whether it did
    /// anything.
    pub(super) fn stroke(&mut self, stroke: Stroke) -> bool {
        self.clicks.end();
        let done = if self.is_locked() {
            let opens = stroke.key == Key::Enter && !stroke.is_chord();
            if opens {
                self.unlock();
            }
            opens
        } else if stroke.alt && stroke.key == Key::Tab {
            self.switch()
        } else if stroke.alt && stroke.key == Key::Function(4) {
            self.close_front()
        } else if stroke.alt && stroke.key == Key::Function(9) {
            self.minimize_front()
        } else {
            match self.focus() {
                Some(App::Notes) => self.notes.key(stroke, &mut self.clipboard),
                Some(App::Controls) => {
                    let outcome = self.controls.key(stroke, &mut self.clipboard);
                    self.carry_out(outcome)
                }
                None => false,
            }
        };
        if done {
            self.touch();
        }
        done
    }
}
