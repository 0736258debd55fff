//! The desktop as hosts and tools use it.

use core::time::Duration;
use std::thread;

use super::VirtualDesktop;
use super::editing::{self, Field};
use super::screen::Screen;
use crate::api::{
    App, Button, ClipboardContents, Display, Effect, Error, Notification, Point, Press, Rect, Result, ScreenState,
    TreeParams, UiActionParams, UiTree, Window,
};
use crate::cancel::Cancel;
use crate::desktop::{CaptureArea, Computer, Frame, Key, Wake};

/// How long a pause between two characters goes on without a look at the cancel flag.
const NAP: Duration = Duration::from_millis(20);

/// What is known of something that was or was not done.
const fn effect(done: bool) -> Effect {
    if done { Effect::Confirmed } else { Effect::NoEffect }
}

impl Computer for VirtualDesktop {
    fn name(&self) -> &'static str {
        "virtual"
    }

    fn capabilities(&self) -> Vec<&'static str> {
        let mut capabilities = vec![
            "app.lifecycle",
            "clipboard.multi_mime",
            "clipboard.read",
            "clipboard.write",
            "display.capture",
            "input.keyboard",
            "input.pointer",
            "input.text",
            "notifications.list",
            "power.lock",
            "ui.actions",
            "ui.tree",
            "windows.list",
            "windows.manipulate",
        ];
        if self.screen().displays.areas().count() > 1 {
            capabilities.push("display.multi_monitor");
            capabilities.sort_unstable();
        }
        capabilities
    }

    fn displays(&self) -> Result<Vec<Display>> {
        Ok(self.screen().displays.list())
    }

    /// A region on one display is shown in that display's pixels. A window is shown whole, its shadow apart; while the
    /// desktop is locked none is.
    fn capture(&self, area: &CaptureArea) -> Result<Frame> {
        self.screen().frame(area)
    }

    fn screen_state(&self) -> ScreenState {
        self.screen().state()
    }

    /// Counts for the desktop as a whole. Moves of the pointer count where the pointer is drawn.
    fn generation(&self, area: &CaptureArea) -> Result<Option<u64>> {
        Ok(Some(self.screen().changes.look(area.cursor)))
    }

    /// Wakes for moves of the pointer too.
    fn wake_on_change(&self, wake: Wake) -> bool {
        let due = self.screen().changes.wait(wake);
        due.into_iter().for_each(|wake| wake());
        true
    }

    /// What is done by calls never counts; the person is who calls [`VirtualDesktop::person_moves`].
    fn watch_person(&self, used: Box<dyn Fn() + Send + Sync>) -> bool {
        self.watchers.add(used);
        true
    }

    fn cursor_position(&self) -> Result<Point> {
        let spot = self.screen().pointer;
        Ok(Point::new(f64::from(spot.x), f64::from(spot.y)))
    }

    fn move_pointer(&self, to: Point) -> Result<Effect> {
        self.with(|screen| screen.move_pointer(to)).map(|()| Effect::Confirmed)
    }

    /// The button itself is what is confirmed, wherever it was pressed.
    fn button(&self, button: Button, press: Press) -> Result<Effect> {
        self.with(|screen| screen.button(button, press));
        Ok(Effect::Confirmed)
    }

    fn scroll(&self, right: f64, up: f64) -> Result<Effect> {
        if !right.is_finite() || !up.is_finite() {
            return Err(Error::invalid(format!("cannot turn the wheel by ({right}, {up}) clicks; give two numbers")));
        }
        Ok(effect(self.with(|screen| screen.wheel(right.round() as i64, up.round() as i64))))
    }

    /// A key that goes down has an effect if it did something; a modifier and a key that comes up always have.
    fn key(&self, key: Key, press: Press) -> Result<Effect> {
        self.with(|screen| screen.key(key, press)).map(effect)
    }

    /// A line feed, alone or after a carriage return, is Enter and a tab is Tab. Keys that are held have no
    /// influence on what is typed. Where only some of the characters did anything, as Enter does nothing in a field of
    /// one line, the effect is [`Effect::Unverifiable`]: look.
    fn type_text(&self, text: &str, pause: Duration, cancel: &Cancel) -> Result<Effect> {
        editing::check(text, Field::Lines)?;
        let mut before = None;
        let (mut any, mut all) = (false, true);
        for character in text.chars() {
            let ends_line_twice = before.replace(character) == Some('\r') && character == '\n';
            if !ends_line_twice {
                cancel.check()?;
                let taken = self.with(|screen| screen.type_character(character));
                (any, all) = (any || taken, all && taken);
                rest(pause, cancel);
            }
        }
        Ok(if any && !all { Effect::Unverifiable } else { effect(any) })
    }

    fn windows(&self) -> Result<Vec<Window>> {
        Ok(self.screen().windows())
    }

    fn focus_window(&self, id: &str) -> Result<Effect> {
        self.with(|screen| screen.focus_window(id)).map(effect)
    }

    /// Both windows have a fixed size and are moved to whole pixels, above the panel.
    fn move_window(&self, id: &str, bounds: Rect) -> Result<Effect> {
        self.with(|screen| screen.move_window(id, bounds)).map(effect)
    }

    /// Every window closes when it is asked to.
    fn close_window(&self, id: &str, _force: bool, _cancel: &Cancel) -> Result<Effect> {
        self.with(|screen| screen.close_window(id)).map(effect)
    }

    fn apps(&self) -> Result<Vec<String>> {
        Ok(self.screen().apps())
    }

    fn installed_apps(&self) -> Result<Vec<App>> {
        Ok(self.screen().installed_apps())
    }

    fn open_app(&self, name: &str, _cancel: &Cancel) -> Result<Effect> {
        self.with(|screen| screen.open_app(name)).map(effect)
    }

    fn close_app(&self, name: &str, _cancel: &Cancel) -> Result<Effect> {
        self.with(|screen| screen.close_app(name)).map(effect)
    }

    fn focus_app(&self, name: &str) -> Result<Effect> {
        self.with(|screen| screen.focus_app(name)).map(effect)
    }

    fn ui_tree(&self, params: &TreeParams, cancel: &Cancel) -> Result<UiTree> {
        self.screen().tree(params, cancel)
    }

    /// The actions are `click` (or `press`), `focus`, `type`, `set_value`, `key`, `menu` and `minimize`. Neither the
    /// pointer nor what is held takes part in them, but modifiers that are held go with a key.
    fn ui_action(&self, params: &UiActionParams, _cancel: &Cancel) -> Result<Effect> {
        self.with(|screen| screen.act(params)).map(effect)
    }

    fn clipboard_read(&self) -> Result<ClipboardContents> {
        Ok(self.screen().clipboard.contents().clone())
    }

    fn clipboard_write(&self, contents: &ClipboardContents) -> Result<Effect> {
        self.screen().clipboard.set(contents.clone());
        Ok(Effect::Confirmed)
    }

    /// Shows the lock screen, which has no password. Windows and applications are still listed, but neither shown nor
    /// managed; the accessibility tree is that of the lock screen.
    fn lock(&self, _cancel: &Cancel) -> Result<Effect> {
        self.with(Screen::lock);
        Ok(Effect::Confirmed)
    }

    fn notifications(&self) -> Result<Vec<Notification>> {
        Ok(self.screen().toasts.list())
    }

    fn show_notification(&self, title: &str, text: &str) -> Result<()> {
        self.notify("opendesk", title, text);
        Ok(())
    }
}

/// Sleeps for a pause, or until nobody wants to wait any longer.
#[expect(
    clippy::disallowed_methods,
    reason = "the caller asked for a pause, and nothing happens that could be awaited"
)]
fn rest(pause: Duration, cancel: &Cancel) {
    let mut left = pause;
    while !left.is_zero() && !cancel.is_cancelled() {
        let nap = left.min(NAP);
        thread::sleep(nap);
        left -= nap;
    }
}
