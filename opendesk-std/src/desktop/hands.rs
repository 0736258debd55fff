//! What is held down, and how events become single presses.

use core::time::Duration;

use opendesk_core::limits::TEXT_BYTES;

use super::{Computer, Freed, Key, UnknownKey};
use crate::api::{
    Button, Effect, Error, ErrorCode, KeyEvent, Modifier, PointerAction, PointerEvent, Press, Result, TextInput,
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
    /// In the order of pressing.
    buttons: Vec<Button>,
}

impl Hands {
    /// Hands that hold nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Carries out one event of the mouse: holds the modifiers that are not held already, moves to the point, does
    /// the action, and lets go of these modifiers, also when something failed.
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
        self.with_modifiers(computer, &modifiers, |hands| {
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

    /// Carries out one event of the keyboard, with its modifiers around it as in [`Hands::pointer`].
    ///
    /// # Errors
    /// [`ErrorCode::InvalidArgument`] for a key that has no such name, the modifier `fn`, and whatever the desktop
    /// does not have. Every error of the desktop.
    pub fn key(&mut self, computer: &dyn Computer, event: &KeyEvent) -> Result<Effect> {
        let key: Key = event.keysym.parse().map_err(|unknown: UnknownKey| Error::invalid(unknown.to_string()))?;
        let mut modifiers = keys_of(&event.modifiers)?;
        // A modifier key that is pressed with itself as its modifier has to stay down.
        modifiers.retain(|modifier| *modifier != key);
        self.with_modifiers(computer, &modifiers, |hands| match event.action {
            Press::Down => hands.press_key(computer, key),
            Press::Up => hands.release_key(computer, key),
        })
    }

    /// Types a text. Held keys stay held and act on what is typed.
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

    /// What would be released.
    pub(super) fn freed(&self) -> Freed {
        let (modifiers, others): (Vec<Key>, Vec<Key>) = self.keys.iter().partition(|key| key.is_modifier());
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

    /// Acts with modifiers held, and lets go of those that were not held before, whatever happened.
    fn with_modifiers(
        &mut self,
        computer: &dyn Computer,
        modifiers: &[Key],
        act: impl FnOnce(&mut Self) -> Result<Effect>,
    ) -> Result<Effect> {
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
        for modifier in pressed.into_iter().rev() {
            // Not one that the desktop does not have.
            if self.keys.contains(&modifier) {
                let released = self.release_key(computer, modifier);
                outcome = outcome.and_then(|effect| released.map(|_| effect));
            }
        }
        outcome
    }

    fn press_key(&mut self, computer: &dyn Computer, key: Key) -> Result<Effect> {
        let is_new = !self.keys.contains(&key);
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
pub(super) fn check_typed(text: &str) -> Result<()> {
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
mod tests {
    use super::recorder::{Did, Recorder};
    use super::*;
    use crate::api::Point;

    fn pointer(action: PointerAction, modifiers: &[Modifier]) -> PointerEvent {
        let modifiers = modifiers.to_vec();
        PointerEvent { action, point: Point::new(3.0, 4.0), button: None, modifiers, dx: 0.0, dy: 0.0 }
    }

    fn key(action: Press, keysym: &str, modifiers: &[Modifier]) -> KeyEvent {
        KeyEvent { action, keysym: keysym.to_owned(), modifiers: modifiers.to_vec() }
    }

    const MOVED: Did = Did::Move(3.0, 4.0);

    fn down(key: Key) -> Did {
        Did::Key(key, Press::Down)
    }

    fn up(key: Key) -> Did {
        Did::Key(key, Press::Up)
    }

    #[test]
    fn every_pointer_action_moves_first() {
        let (recorder, mut hands) = (Recorder::default(), Hands::new());
        hands.pointer(&recorder, &pointer(PointerAction::Move, &[])).unwrap();
        assert_eq!(recorder.take(), [MOVED]);
        hands.pointer(&recorder, &pointer(PointerAction::Down, &[])).unwrap();
        assert_eq!(recorder.take(), [MOVED, Did::Button(Button::Left, Press::Down)], "left when absent");
        assert_eq!(hands.held_buttons(), [Button::Left]);
        hands.pointer(&recorder, &pointer(PointerAction::Up, &[])).unwrap();
        assert_eq!(recorder.take(), [MOVED, Did::Button(Button::Left, Press::Up)]);
        assert!(hands.is_empty());
        let right = PointerEvent { button: Some(Button::Right), ..pointer(PointerAction::Down, &[]) };
        hands.pointer(&recorder, &right).unwrap();
        assert_eq!(recorder.take(), [MOVED, Did::Button(Button::Right, Press::Down)]);
        let scroll = PointerEvent { dx: -2.0, dy: 100.0, ..pointer(PointerAction::Scroll, &[]) };
        hands.pointer(&recorder, &scroll).unwrap();
        assert_eq!(recorder.take(), [MOVED, Did::Scroll(-2.0, 100.0)]);
    }

    #[test]
    fn modifiers_go_around_the_event() {
        let (recorder, mut hands) = (Recorder::default(), Hands::new());
        hands.pointer(&recorder, &pointer(PointerAction::Down, &[Modifier::Ctrl, Modifier::Shift])).unwrap();
        assert_eq!(
            recorder.take(),
            [
                down(Key::Control),
                down(Key::Shift),
                MOVED,
                Did::Button(Button::Left, Press::Down),
                up(Key::Shift),
                up(Key::Control)
            ]
        );
        assert_eq!((hands.held_buttons(), hands.held_keys()), (&[Button::Left][..], &[][..]));
        hands.key(&recorder, &key(Press::Down, "c", &[Modifier::Meta, Modifier::Meta])).unwrap();
        assert_eq!(recorder.take(), [down(Key::Meta), down(Key::Char('c')), up(Key::Meta)], "named twice, held once");
    }

    #[test]
    fn modifiers_that_are_held_already_stay_held() {
        let (recorder, mut hands) = (Recorder::default(), Hands::new());
        hands.key(&recorder, &key(Press::Down, "ctrl", &[])).unwrap();
        recorder.take();
        hands.key(&recorder, &key(Press::Down, "c", &[Modifier::Ctrl])).unwrap();
        assert_eq!(recorder.take(), [down(Key::Char('c'))]);
        hands.key(&recorder, &key(Press::Down, "Shift_L", &[Modifier::Shift])).unwrap();
        assert_eq!(recorder.take(), [down(Key::Shift)], "its own modifier");
        assert_eq!(hands.held_keys(), [Key::Control, Key::Char('c'), Key::Shift]);
    }

    #[test]
    fn modifiers_are_let_go_when_the_event_or_a_modifier_fails() {
        let (recorder, mut hands) = (Recorder::default(), Hands::new());
        recorder.state().missing = vec![Key::Function(13), Key::Meta];
        for (name, modifiers) in [("f13", &[Modifier::Alt][..]), ("a", &[Modifier::Alt, Modifier::Meta])] {
            let error = hands.key(&recorder, &key(Press::Down, name, modifiers)).unwrap_err();
            assert_eq!(error.message, "no such key");
            assert_eq!(recorder.take(), [down(Key::Alt), up(Key::Alt)]);
            assert!(hands.is_empty(), "a key that does not exist is not held");
        }
    }

    #[test]
    fn nothing_is_done_for_events_that_no_desktop_can_carry_out() {
        let (recorder, mut hands) = (Recorder::default(), Hands::new());
        let mut events = vec![pointer(PointerAction::Move, &[Modifier::Ctrl, Modifier::Fn])];
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            events.push(PointerEvent { point: Point::new(bad, 0.0), ..pointer(PointerAction::Move, &[]) });
            events.push(PointerEvent { point: Point::new(0.0, bad), ..pointer(PointerAction::Down, &[]) });
            events.push(PointerEvent { dx: bad, ..pointer(PointerAction::Scroll, &[]) });
            events.push(PointerEvent { dy: bad, ..pointer(PointerAction::Scroll, &[]) });
        }
        events.push(PointerEvent { dx: 100.5, ..pointer(PointerAction::Scroll, &[]) });
        events.push(PointerEvent { dy: -101.0, ..pointer(PointerAction::Scroll, &[]) });
        for event in events {
            let error = hands.pointer(&recorder, &event).unwrap_err();
            assert_eq!(error.code, ErrorCode::InvalidArgument, "{event:?}");
        }
        for event in [key(Press::Down, "hyperspace", &[]), key(Press::Down, "a", &[Modifier::Fn])] {
            let error = hands.key(&recorder, &event).unwrap_err();
            assert_eq!(error.code, ErrorCode::InvalidArgument, "{event:?}");
        }
        assert!(recorder.take().is_empty());
        assert!(hands.is_empty());
    }

    #[test]
    fn repeats_and_strays_are_passed_on() {
        let (recorder, mut hands) = (Recorder::default(), Hands::new());
        hands.key(&recorder, &key(Press::Down, "a", &[])).unwrap();
        hands.key(&recorder, &key(Press::Down, "A", &[])).unwrap();
        assert_eq!(recorder.take(), [down(Key::Char('a')), down(Key::Char('a'))]);
        assert_eq!(hands.held_keys(), [Key::Char('a')], "held once");
        hands.key(&recorder, &key(Press::Up, "b", &[])).unwrap();
        assert_eq!(recorder.take(), [up(Key::Char('b'))]);
        hands.key(&recorder, &key(Press::Up, "a", &[])).unwrap();
        assert!(hands.is_empty());
    }

    #[test]
    fn text_is_typed_with_its_pause() {
        let (recorder, mut hands) = (Recorder::default(), Hands::new());
        let input = TextInput { text: "hé".to_owned(), interval_ms: 7 };
        hands.text(&recorder, &input, &Cancel::new()).unwrap();
        assert_eq!(recorder.take(), [Did::Text("hé".to_owned(), Duration::from_millis(7))]);
    }

    #[test]
    fn everything_is_released_in_reverse_order_buttons_first() {
        let (recorder, mut hands) = (Recorder::default(), Hands::new());
        for name in ["ctrl", "a", "f5"] {
            hands.key(&recorder, &key(Press::Down, name, &[])).unwrap();
        }
        hands.pointer(&recorder, &pointer(PointerAction::Down, &[])).unwrap();
        recorder.take();
        hands.release_all(&recorder).unwrap();
        assert_eq!(
            recorder.take(),
            [Did::Button(Button::Left, Press::Up), up(Key::Function(5)), up(Key::Char('a')), up(Key::Control)]
        );
        assert!(hands.is_empty());
        hands.release_all(&recorder).unwrap();
        assert!(recorder.take().is_empty());
    }

    #[test]
    fn what_cannot_be_released_stays_in_the_ledger() {
        let (recorder, mut hands) = (Recorder::default(), Hands::new());
        for name in ["ctrl", "a"] {
            hands.key(&recorder, &key(Press::Down, name, &[])).unwrap();
        }
        hands.pointer(&recorder, &pointer(PointerAction::Down, &[])).unwrap();
        recorder.take();
        recorder.state().failing = Some((1, false));
        let error = hands.release_all(&recorder).unwrap_err();
        assert_eq!(error.code, ErrorCode::Internal);
        assert_eq!(recorder.take().len(), 3, "each was tried");
        assert!(hands.held_buttons().is_empty(), "released before the failure");
        assert_eq!(hands.held_keys(), [Key::Control, Key::Char('a')]);
        recorder.state().failing = None;
        hands.release_all(&recorder).unwrap();
        assert!(hands.is_empty());
    }

    #[test]
    fn a_press_that_may_have_happened_is_in_the_ledger() {
        let (recorder, mut hands) = (Recorder::default(), Hands::new());
        recorder.state().failing = Some((0, true));
        hands.key(&recorder, &key(Press::Down, "a", &[])).unwrap_err();
        assert_eq!(hands.held_keys(), [Key::Char('a')]);
        recorder.state().failing = Some((1, true));
        hands.pointer(&recorder, &pointer(PointerAction::Down, &[])).unwrap_err();
        assert_eq!(hands.held_buttons(), [Button::Left]);
    }

    /// A generator that gives the same numbers in every run.
    struct Dice(u64);

    impl Dice {
        fn below(&mut self, limit: usize) -> usize {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) as usize % limit
        }

        fn of<T: Copy>(&mut self, choices: &[T]) -> T {
            choices[self.below(choices.len())]
        }
    }

    fn random_event(hands: &mut Hands, recorder: &Recorder, dice: &mut Dice) {
        const MODIFIERS: [Modifier; 6] =
            [Modifier::Shift, Modifier::Ctrl, Modifier::Alt, Modifier::Meta, Modifier::CapsLock, Modifier::Fn];
        let modifiers: Vec<Modifier> = (0..dice.below(3)).map(|_| dice.of(&MODIFIERS)).collect();
        let outcome = if dice.below(2) == 0 {
            let keysym = dice.of(&["a", "A", "ctrl", "shift", "enter", "f13", "ж", "no such key", "meta"]);
            hands.key(recorder, &key(dice.of(&[Press::Down, Press::Down, Press::Up]), keysym, &modifiers))
        } else {
            let actions = [PointerAction::Move, PointerAction::Down, PointerAction::Up, PointerAction::Scroll];
            let point = Point::new(dice.of(&[0.0, 5.0, f64::NAN]), 1.0);
            let button = dice.of(&[None, Some(Button::Left), Some(Button::Middle), Some(Button::X2)]);
            let event = PointerEvent { point, button, ..pointer(dice.of(&actions), &modifiers) };
            hands.pointer(recorder, &event)
        };
        // Some of the events are wrong and the desktop may be failing: only what is down matters here.
        drop(outcome);
    }

    #[test]
    fn after_any_events_all_that_is_down_is_in_the_ledger_and_is_released() {
        for seed in 0..500 {
            let (recorder, mut hands, mut dice) = (Recorder::default(), Hands::new(), Dice(seed));
            recorder.state().missing.push(Key::Function(13));
            for _ in 0..dice.below(40) {
                let failing = [None, None, None, Some((dice.below(4), true)), Some((dice.below(4), false))];
                recorder.state().failing = dice.of(&failing);
                random_event(&mut hands, &recorder, &mut dice);
                let state = recorder.state();
                assert!(state.keys.iter().all(|key| hands.held_keys().contains(key)), "seed {seed}");
                assert!(state.buttons.iter().all(|button| hands.held_buttons().contains(button)), "seed {seed}");
            }
            recorder.state().failing = None;
            hands.release_all(&recorder).unwrap();
            assert!(hands.is_empty(), "seed {seed}");
            let state = recorder.state();
            assert!(state.keys.is_empty() && state.buttons.is_empty(), "seed {seed}");
        }
    }
}
