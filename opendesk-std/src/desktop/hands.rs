//! What is held down, and how events become single presses.

use core::time::Duration;

use opendesk_core::limits::TEXT_BYTES;

use super::keys::needs_shift;
use super::{Computer, Freed, Key, UnknownKey};
use crate::api::{
    Button, Effect, Error, ErrorCode, KeyEvent, Modifier, PointerAction, PointerEvent, Press, Result, TextInput,
    UiActionParams,
};
use crate::cancel::Cancel;

/// The most wheel clicks of one event, in either direction of either axis: ten times what a person turns in one
/// go, and few enough that a program which reads them slowly is soon done.
pub(super) const WHEEL_CLICKS: f64 = 100.0;

/// The longest pause after a typed character; a longer one looks like a hang.
const LONGEST_PAUSE_MS: u32 = 1000;

/// The hands of one session: carries out its events and remembers every key and button that is down because of
/// them, so that all of them can be let go when the session ends, however it ends (invariant I3).
///
/// What may be down is written down before it is pressed, and struck out after its release has succeeded: after a
/// fault in between, the ledger names a key too many rather than one too few.
#[derive(Debug, Default)]
pub struct Hands {
    /// In the order of pressing.
    keys: Vec<Key>,
    /// Those of the keys that only the modifiers of the mouse's events hold, until its last button is up.
    around: Vec<Key>,
    /// In the order of pressing.
    buttons: Vec<Button>,
}

/// How long the modifiers of an event are held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Around {
    Event,
    /// Until the last button is up, while each event names them.
    Gesture,
}

impl Hands {
    /// Hands that hold nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Carries out one event of the mouse: holds the modifiers that are not held already, moves to the point, does
    /// the action, and lets go of these modifiers, also when something failed. While a button is down they stay down for the
    /// next event, if it names them too: a drag with alt is one press of alt, not one at each of its points, which opens menus.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidArgument`] for coordinates that are not numbers, more than 100 wheel clicks, the
    /// modifier `fn`, and whatever the desktop does not have; nothing is held because of it. Every error of the
    /// desktop.
    pub fn pointer(&mut self, computer: &dyn Computer, event: &PointerEvent) -> Result<Effect> {
        let PointerEvent { action, point, button, modifiers, dx, dy } = event;
        if !point.x.is_finite() || !point.y.is_finite() {
            return Err(Error::invalid(format!("({}, {}) is no point; both have to be numbers", point.x, point.y)));
        }
        // False for a NaN.
        let turnable = dx.abs() <= WHEEL_CLICKS && dy.abs() <= WHEEL_CLICKS;
        if !turnable {
            return Err(Error::invalid(format!(
                "the wheel can be turned by at most {WHEEL_CLICKS} clicks at once, not by ({dx}, {dy})"
            )));
        }
        let modifiers = keys_of(modifiers)?;
        let button = button.unwrap_or(Button::Left);
        self.with_modifiers(computer, &modifiers, Around::Gesture, |hands| {
            let moved = computer.move_pointer(*point)?;
            // What would happen elsewhere than it was asked to does not happen; a button comes up wherever it is.
            if moved == Effect::NoEffect && matches!(action, PointerAction::Down | PointerAction::Scroll) {
                return Ok(moved);
            }
            let done = match action {
                PointerAction::Move => Ok(moved),
                PointerAction::Down => hands.press_button(computer, button),
                PointerAction::Up => hands.release_button(computer, button),
                PointerAction::Scroll => computer.scroll(*dx, *dy),
            }?;
            Ok(moved.and(done))
        })
    }

    /// Carries out one event of the keyboard, with its modifiers around it. A capital letter that is pressed in no chord is
    /// pressed with Shift, so that it is what appears.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidArgument`] for a key that has no such name, the modifier `fn`, and whatever the desktop
    /// does not have. Every error of the desktop.
    pub fn key(&mut self, computer: &dyn Computer, event: &KeyEvent) -> Result<Effect> {
        let key: Key = event.keysym.parse().map_err(|unknown: UnknownKey| Error::invalid(unknown.to_string()))?;
        let mut modifiers = keys_of(&event.modifiers)?;
        // A modifier key that is pressed with itself as its modifier has to stay down.
        modifiers.retain(|modifier| *modifier != key);
        let held: Vec<Key> = modifiers.iter().copied().chain(self.lasting()).collect();
        if event.action == Press::Down && needs_shift(&event.keysym, held) {
            modifiers.push(Key::Shift);
        }
        self.with_modifiers(computer, &modifiers, Around::Event, |hands| match event.action {
            Press::Down => hands.press_key(computer, key),
            Press::Up => hands.release_key(computer, key),
        })
    }

    /// Types a text. Held keys stay held and act on what is typed, but not the modifiers of the mouse's events.
    ///
    /// # Errors
    /// [`ErrorCode::LimitExceeded`] for more than [`TEXT_BYTES`], [`Error::invalid`] for a pause of more than a second,
    /// with nothing typed; every error of the desktop; [`ErrorCode::Cancelled`] once `cancel` is raised, with a part of the text typed.
    pub fn text(&mut self, computer: &dyn Computer, input: &TextInput, cancel: &Cancel) -> Result<Effect> {
        check_typed(&input.text)?;
        if input.interval_ms > LONGEST_PAUSE_MS {
            let (pause, most) = (input.interval_ms, LONGEST_PAUSE_MS);
            return Err(Error::invalid(format!("a pause of {pause} ms after each character is more than {most} ms")));
        }
        self.let_go_around(computer, &[])?;
        computer.type_text(&input.text, Duration::from_millis(u64::from(input.interval_ms)), cancel)
    }

    /// Lets go of everything: the buttons, then the keys, the last pressed first. Goes on after a failure; what
    /// could not be released stays in the ledger for another try.
    ///
    /// # Errors
    /// The first error of the desktop.
    pub fn release_all(&mut self, computer: &dyn Computer) -> Result<()> {
        let mut outcome = Ok(());
        for button in self.buttons.clone().into_iter().rev() {
            let released = self.release_button(computer, button);
            outcome = outcome.and_then(|()| released.map(drop));
        }
        for key in self.keys.clone().into_iter().rev() {
            let released = self.release_key(computer, key);
            outcome = outcome.and_then(|()| released.map(drop));
        }
        outcome
    }

    /// Does something to an element, with what is held in the way that [`key`](Self::key) has it: the modifiers of the mouse's
    /// events do not act on it, and a capital is what appears.
    ///
    /// # Errors
    /// Those of the desktop; [`ErrorCode::LimitExceeded`] for a value of more than [`TEXT_BYTES`].
    pub(super) fn ui_action(
        &mut self,
        computer: &dyn Computer,
        params: &UiActionParams,
        cancel: &Cancel,
    ) -> Result<Effect> {
        check_typed(params.target.value.as_deref().unwrap_or_default())?;
        self.let_go_around(computer, &[])?;
        let held = params.target.modifiers.iter().filter_map(|modifier| Key::of_modifier(*modifier));
        let name = params.target.key.as_deref().unwrap_or_default();
        if !needs_shift(name, held.chain(self.keys.iter().copied())) {
            return computer.ui_action(params, cancel);
        }
        let mut params = params.clone();
        params.target.modifiers.push(Modifier::Shift);
        computer.ui_action(&params, cancel)
    }

    /// The keys that are held for their own sake.
    fn lasting(&self) -> impl Iterator<Item = Key> {
        self.keys.iter().copied().filter(|key| !self.around.contains(key))
    }

    /// What would be released.
    pub(super) fn freed(&self) -> Freed {
        let (modifiers, others): (Vec<Key>, Vec<Key>) = self.lasting().partition(|key| key.is_modifier());
        Freed { modifiers, others: !others.is_empty() || !self.buttons.is_empty() }
    }

    /// Holds keys down.
    ///
    /// # Errors
    /// The first error of the desktop; the keys before it are held.
    pub(super) fn hold(&mut self, computer: &dyn Computer, keys: &[Key]) -> Result<()> {
        keys.iter().try_for_each(|key| self.press_key(computer, *key).map(drop))
    }

    /// Whether nothing is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.buttons.is_empty()
    }

    /// The keys that are held, in the order of pressing.
    #[must_use]
    pub fn held_keys(&self) -> &[Key] {
        &self.keys
    }

    /// The buttons that are held, in the order of pressing.
    #[must_use]
    pub fn held_buttons(&self) -> &[Button] {
        &self.buttons
    }

    /// Acts with modifiers held, and lets go of those that were not held before, whatever happened; those around a gesture
    /// stay while a button is down.
    fn with_modifiers(
        &mut self,
        computer: &dyn Computer,
        modifiers: &[Key],
        around: Around,
        act: impl FnOnce(&mut Self) -> Result<Effect>,
    ) -> Result<Effect> {
        self.let_go_around(computer, modifiers)?;
        let mut pressed = Vec::new();
        let mut outcome = Ok(Effect::Confirmed);
        for modifier in modifiers {
            // One that is named twice is held the second time.
            if let Ok(so_far) = outcome
                && !self.keys.contains(modifier)
            {
                outcome = self.press_key(computer, *modifier).map(|effect| so_far.and(effect));
                pressed.push(*modifier);
            }
        }
        if let Ok(so_far) = outcome {
            outcome = act(self).map(|effect| so_far.and(effect));
        }
        // Not one that the desktop does not have.
        pressed.retain(|modifier| self.keys.contains(modifier));
        if around == Around::Gesture {
            self.around.append(&mut pressed);
            if outcome.is_err() || self.buttons.is_empty() {
                pressed = self.around.clone();
            }
        }
        for modifier in pressed.into_iter().rev() {
            let released = self.release_key(computer, modifier);
            outcome = outcome.and_then(|effect| released.map(|_| effect));
        }
        outcome
    }

    /// Lets go of what only the mouse's events have held so far, but for those that the next one holds too.
    fn let_go_around(&mut self, computer: &dyn Computer, next: &[Key]) -> Result<()> {
        let over: Vec<Key> = self.around.iter().copied().filter(|key| !next.contains(key)).collect();
        over.into_iter().rev().try_for_each(|key| self.release_key(computer, key).map(drop))
    }

    fn press_key(&mut self, computer: &dyn Computer, key: Key) -> Result<Effect> {
        let is_new = !self.keys.contains(&key);
        // Who presses a key itself holds it until it lets it go.
        self.around.retain(|held| *held != key);
        if is_new {
            self.keys.push(key);
        }
        let outcome = computer.key(key, Press::Down);
        if is_new && refused(&outcome) {
            self.keys.retain(|held| *held != key);
        }
        outcome
    }

    fn release_key(&mut self, computer: &dyn Computer, key: Key) -> Result<Effect> {
        let effect = computer.key(key, Press::Up)?;
        self.keys.retain(|held| *held != key);
        self.around.retain(|held| *held != key);
        Ok(effect)
    }

    fn press_button(&mut self, computer: &dyn Computer, button: Button) -> Result<Effect> {
        let is_new = !self.buttons.contains(&button);
        if is_new {
            self.buttons.push(button);
        }
        let outcome = computer.button(button, Press::Down);
        if is_new && refused(&outcome) {
            self.buttons.retain(|held| *held != button);
        }
        outcome
    }

    fn release_button(&mut self, computer: &dyn Computer, button: Button) -> Result<Effect> {
        let effect = computer.button(button, Press::Up)?;
        self.buttons.retain(|held| *held != button);
        Ok(effect)
    }
}

/// Refuses a text that is longer than one call types.
fn check_typed(text: &str) -> Result<()> {
    if text.len() <= TEXT_BYTES {
        return Ok(());
    }
    let message = format!("the text has {} bytes and one call types {TEXT_BYTES}; split it", text.len());
    Err(Error::new(ErrorCode::LimitExceeded, message))
}

/// Whether the desktop said that it has no such key or button, so that nothing can have been pressed. After any
/// other failure it may have been.
fn refused(outcome: &Result<Effect>) -> bool {
    outcome
        .as_ref()
        .is_err_and(|error| matches!(error.code, ErrorCode::InvalidArgument | ErrorCode::CapabilityUnsupported))
}

/// The keys that modifiers are.
fn keys_of(modifiers: &[Modifier]) -> Result<Vec<Key>> {
    let key_of = |modifier: &Modifier| {
        Key::of_modifier(*modifier)
            .ok_or_else(|| Error::invalid("the modifier fn cannot be held: no desktop lets a program press it"))
    };
    modifiers.iter().map(key_of).collect()
}

#[cfg(test)]
mod recorder;

#[cfg(test)]
mod tests;
