//! The desktop of an X server.
//!
//! Several connections, each behind a lock of its own: one looks, one acts, one hears of changes, one asks the window
//! manager, one serves the clipboard, and one hears of the person where that is asked for. So no input event waits for a
//! picture. A server that goes away fails the call that notices it; the next call connects again.
//!
//! Coordinates are the root window's pixels. X11 has no logical scaling, so every display's scale factor is 1.

mod capture;
mod changes;
mod clipboard;
mod connection;
mod input;
mod keyboard;
mod keymap;
mod keysym;
mod layout;
mod legacy;
mod lent;
mod notes;
mod offer;
mod open;
mod person;
mod pointer;
mod probe;
mod seat;
mod shm;
mod text;
mod windows;

use core::fmt;
use core::time::Duration;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use probe::ProbeWindow;
pub(crate) use probe::{ClipboardWitness, OwnedClipboard};

use capture::Eyes;
use changes::Changes;
use clipboard::Clipboard;
use connection::{Outcome, Slot};
use input::Input;
use offer::Offer;
use person::Person;
use seat::AtDesktop;
use windows::WindowManager;

use super::a11y::Accessibility;
use super::session::{Apps, Locker, Notifications, Opened, RunningWindow};
use super::{CaptureArea, Computer, Frame, Key, Missing, Recorder, Wake};
use crate::api::{
    App, Button, ClipboardContents, Display, Effect, Notification, Point, Press, Rect, Result, ScreenState, TreeParams,
    UiActionParams, UiTree, Window,
};
use crate::cancel::Cancel;
use crate::os::command::Variable;

/// An X server's desktop: pictures by MIT-SHM (through the socket where the server is on another machine), input by
/// XTEST, displays by RandR, changes by XDAMAGE, the pointer's image by XFIXES, windows by EWMH; and of the session that
/// it belongs to the accessibility tree, the applications, the lock and the notifications.
pub struct X11Desktop {
    display: String,
    eyes: Slot<Eyes>,
    /// The ones that look at single windows.
    panes: Slot<Eyes>,
    input: Arc<Slot<Input>>,
    changes: Slot<Changes>,
    person: Person,
    manager: Slot<WindowManager>,
    clipboard: Clipboard,
    accessibility: Accessibility,
    apps: Apps,
    locker: Locker,
    notifications: Notifications,
    variables: Vec<Variable>,
    offer: Mutex<Offer>,
}

impl fmt::Debug for X11Desktop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("X11Desktop").field("display", &self.display).field("offer", &self.offer).finish_non_exhaustive()
    }
}

impl X11Desktop {
    /// The X server's own key state: the keycodes that it holds for pressed, in ascending order, whoever pressed
    /// them.
    ///
    /// # Errors
    /// [`ErrorCode::Internal`](crate::api::ErrorCode::Internal) when the server went away.
    pub fn pressed_keys(&self) -> Result<Vec<u8>> {
        self.eyes.look(Eyes::pressed_keys)
    }

    fn offer(&self) -> MutexGuard<'_, Offer> {
        self.offer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something that may lend keycodes to what the layout lacks, and has them given back later.
    fn act<R>(&self, act: impl FnOnce(&mut Input) -> Outcome<R>) -> Result<R> {
        let mut due = false;
        let outcome = self.input.with(|input| {
            let outcome = act(input);
            due = input.promise_to_give_back();
            outcome
        });
        if due {
            self.give_back_later();
        }
        outcome
    }

    fn give_back_later(&self) {
        let input = Arc::downgrade(&self.input);
        let give_back = move || {
            let mut pause = Some(lent::LATE);
            while let Some(left) = pause {
                input::wait(left);
                let Some(input) = input.upgrade() else { return };
                pause = input.with(Input::give_back_when_late).unwrap_or(None);
            }
        };
        let begun = std::thread::Builder::new().name("opendesk-keymap".to_owned()).spawn(give_back);
        if begun.is_err() {
            drop(self.input.with(Input::give_back));
        }
    }

    /// The windows as applications are told apart by.
    fn running(&self) -> Result<Vec<RunningWindow>> {
        // Not by the connection that waits for windows to close.
        let clients = self.eyes.look(Eyes::clients)?;
        let running = |client: windows::ClientWindow| RunningWindow {
            id: client.window.id,
            pid: client.window.pid,
            instance: client.instance,
            class: client.class,
        };
        Ok(clients.into_iter().map(running).collect())
    }
}

impl Computer for X11Desktop {
    fn name(&self) -> &'static str {
        "x11"
    }

    fn capabilities(&self) -> Vec<&'static str> {
        self.offer().capabilities.clone()
    }

    fn missing(&self) -> Vec<Missing> {
        self.offer().missing.clone()
    }

    fn probe(&self) {
        if let Err(error) = self.look_for_all() {
            tracing::debug!(%error, "what the desktop can do is not known anew");
        }
    }

    fn session_variables(&self) -> Vec<Variable> {
        self.variables.clone()
    }

    fn displays(&self) -> Result<Vec<Display>> {
        self.eyes.look(|eyes| Ok(eyes.layout()?.displays))
    }

    fn capture(&self, area: &CaptureArea) -> Result<Frame> {
        // A window that others cover is waited for, which no other look should have to.
        let eyes = if area.window_id.is_some() { &self.panes } else { &self.eyes };
        eyes.look(|eyes| eyes.capture(area))
    }

    fn screen_state(&self) -> ScreenState {
        if self.locker.is_locked() == Some(true) {
            ScreenState::Locked
        } else if self.changes.look(|changes| changes.is_asleep()).unwrap_or(false) {
            ScreenState::Asleep
        } else {
            ScreenState::Shown
        }
    }

    fn generation(&self, area: &CaptureArea) -> Result<Option<u64>> {
        // What a window shows where others cover it is not drawn on the screen.
        if area.window_id.is_some() {
            return Ok(None);
        }
        let rect = self.eyes.look(|eyes| Ok(eyes.layout()?.area(area)?))?;
        self.changes.look(|changes| changes.generation(rect, area.cursor))
    }

    fn wake_on_change(&self, wake: Wake) -> bool {
        self.changes.with(|changes| changes.wake(wake)).unwrap_or(false)
    }

    fn watch_person(&self, used: Box<dyn Fn() + Send + Sync>) -> bool {
        self.person.watch(used)
    }

    fn leave(&self) -> Result<Option<ClipboardContents>> {
        self.input.with(Input::leave)?;
        self.clipboard.kept()
    }

    fn recorder(&self) -> Result<Recorder> {
        Ok(self.person.recorder())
    }

    fn cursor_position(&self) -> Result<Point> {
        self.eyes.look(Eyes::cursor_position)
    }

    fn move_pointer(&self, to: Point) -> Result<Effect> {
        self.input.with(|input| input.move_pointer(to))
    }

    fn button(&self, button: Button, press: Press) -> Result<Effect> {
        self.input.with(|input| input.button(button, press))
    }

    fn scroll(&self, right: f64, up: f64) -> Result<Effect> {
        self.input.with(|input| input.scroll(right, up))
    }

    fn key(&self, key: Key, press: Press) -> Result<Effect> {
        self.act(|input| input.key(key, press))
    }

    fn type_text(&self, text: &str, pause: Duration, cancel: &Cancel) -> Result<Effect> {
        self.act(|input| input.type_text(text, pause, cancel))
    }

    fn windows(&self) -> Result<Vec<Window>> {
        Ok(self.eyes.look(Eyes::clients)?.into_iter().map(|client| client.window).collect())
    }

    fn focus_window(&self, id: &str) -> Result<Effect> {
        self.manager.with(|manager| manager.focus(id))
    }

    fn move_window(&self, id: &str, bounds: Rect) -> Result<Effect> {
        self.manager.with(|manager| manager.move_resize(id, bounds))
    }

    fn close_window(&self, id: &str, force: bool, cancel: &Cancel) -> Result<Effect> {
        self.manager.with(|manager| manager.close(id, force, cancel))
    }

    fn apps(&self) -> Result<Vec<String>> {
        Ok(self.apps.running(&self.running()?))
    }

    fn installed_apps(&self) -> Result<Vec<App>> {
        Ok(self.apps.installed(&self.running()?))
    }

    fn open_app(&self, name: &str, cancel: &Cancel) -> Result<Effect> {
        match self.apps.open(name, &|| cancel.check().and_then(|()| self.running()))? {
            Opened::Running(window) => self.focus_window(&window),
            Opened::Started(effect) => Ok(effect),
        }
    }

    fn close_app(&self, name: &str, cancel: &Cancel) -> Result<Effect> {
        self.apps.close(name, &self.running()?, &mut |window| self.close_window(window, false, cancel))
    }

    fn focus_app(&self, name: &str) -> Result<Effect> {
        self.apps.focus(name, &self.running()?, |window| self.focus_window(window))
    }

    fn ui_tree(&self, params: &TreeParams, cancel: &Cancel) -> Result<UiTree> {
        let window = params.window_id.as_ref().map(|id| self.eyes.look(|eyes| eyes.window(id))).transpose()?;
        self.accessibility.tree(params, window.as_ref(), cancel)
    }

    fn ui_action(&self, params: &UiActionParams, cancel: &Cancel) -> Result<Effect> {
        self.accessibility.act(params, &AtDesktop { desktop: self, cancel }, cancel)
    }

    fn clipboard_read(&self) -> Result<ClipboardContents> {
        self.clipboard.read()
    }

    fn clipboard_write(&self, contents: &ClipboardContents) -> Result<Effect> {
        self.clipboard.write(contents)
    }

    fn lock(&self, cancel: &Cancel) -> Result<Effect> {
        self.locker.lock(cancel)
    }

    fn notifications(&self) -> Result<Vec<Notification>> {
        self.notifications.list()
    }

    fn show_notification(&self, title: &str, text: &str) -> Result<()> {
        self.notifications.show(title, text)
    }
}
