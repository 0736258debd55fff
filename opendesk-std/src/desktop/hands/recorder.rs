//! A desktop for tests that notes what it is told and knows what is down.

use core::time::Duration;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::api::{Button, Display, Effect, ElementTarget, Error, Modifier, Point, Press, Result, UiActionParams};
use crate::cancel::Cancel;
use crate::desktop::{CaptureArea, Computer, Frame, Key};

/// What reached the desktop.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Did {
    Move(f64, f64),
    Button(Button, Press),
    Scroll(f64, f64),
    Key(Key, Press),
    Text(String, Duration),
    /// The key and the modifiers of an action on an element.
    Element(String, Vec<Modifier>),
}

#[derive(Debug, Default)]
pub(super) struct State {
    did: Vec<Did>,
    pub(super) keys: Vec<Key>,
    pub(super) buttons: Vec<Button>,
    /// Calls left until every call fails, and whether the failing calls still take effect.
    pub(super) failing: Option<(usize, bool)>,
    /// Keys that are not on this keyboard.
    pub(super) missing: Vec<Key>,
}

impl State {
    /// Notes a call; the outcome of the call and whether it takes effect.
    fn call(&mut self, did: Did) -> (Result<Effect>, bool) {
        self.did.push(did);
        match &mut self.failing {
            None => (Ok(Effect::Unverifiable), true),
            Some((0, effective)) => (Err(Error::internal("the desktop went away")), *effective),
            Some((left, _)) => {
                *left -= 1;
                (Ok(Effect::Unverifiable), true)
            }
        }
    }
}

/// A desktop that notes what it is told and knows what is down.
#[derive(Debug, Default)]
pub(super) struct Recorder(Mutex<State>);

impl Recorder {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn take(&self) -> Vec<Did> {
        core::mem::take(&mut self.state().did)
    }
}

fn toggle<T: PartialEq>(down: &mut Vec<T>, item: T, press: Press) {
    down.retain(|held| *held != item);
    if press == Press::Down {
        down.push(item);
    }
}

impl Computer for Recorder {
    fn name(&self) -> &'static str {
        "recorder"
    }

    fn capabilities(&self) -> Vec<&'static str> {
        Vec::new()
    }

    fn displays(&self) -> Result<Vec<Display>> {
        Ok(Vec::new())
    }

    fn capture(&self, _area: &CaptureArea) -> Result<Frame> {
        Err(Error::unsupported("display.capture", self.name()))
    }

    fn cursor_position(&self) -> Result<Point> {
        Ok(Point::default())
    }

    fn move_pointer(&self, to: Point) -> Result<Effect> {
        self.state().call(Did::Move(to.x, to.y)).0
    }

    fn button(&self, button: Button, press: Press) -> Result<Effect> {
        let mut state = self.state();
        let (outcome, effective) = state.call(Did::Button(button, press));
        if effective {
            toggle(&mut state.buttons, button, press);
        }
        outcome
    }

    fn scroll(&self, right: f64, up: f64) -> Result<Effect> {
        self.state().call(Did::Scroll(right, up)).0
    }

    fn key(&self, key: Key, press: Press) -> Result<Effect> {
        let mut state = self.state();
        if state.missing.contains(&key) {
            return Err(Error::invalid("no such key"));
        }
        let (outcome, effective) = state.call(Did::Key(key, press));
        if effective {
            toggle(&mut state.keys, key, press);
        }
        outcome
    }

    fn type_text(&self, text: &str, pause: Duration, _cancel: &Cancel) -> Result<Effect> {
        self.state().call(Did::Text(text.to_owned(), pause)).0
    }

    fn ui_action(&self, params: &UiActionParams, _cancel: &Cancel) -> Result<Effect> {
        let ElementTarget { key, modifiers, .. } = params.target.clone();
        self.state().call(Did::Element(key.unwrap_or_default(), modifiers)).0
    }
}
