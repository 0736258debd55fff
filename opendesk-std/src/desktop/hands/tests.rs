use super::recorder::{Did, Recorder};
use super::*;
use crate::api::{ElementTarget, Point};

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
    let scroll = PointerEvent { dy: 1.0, ..pointer(PointerAction::Scroll, &[Modifier::Ctrl, Modifier::Shift]) };
    hands.pointer(&recorder, &scroll).unwrap();
    assert_eq!(
        recorder.take(),
        [down(Key::Control), down(Key::Shift), MOVED, Did::Scroll(0.0, 1.0), up(Key::Shift), up(Key::Control)]
    );
    assert!(hands.is_empty());
    hands.key(&recorder, &key(Press::Down, "c", &[Modifier::Meta, Modifier::Meta])).unwrap();
    assert_eq!(recorder.take(), [down(Key::Meta), down(Key::Char('c')), up(Key::Meta)], "named twice, held once");
}

#[test]
fn the_modifiers_of_a_drag_are_pressed_once_for_all_of_it() {
    let (recorder, mut hands) = (Recorder::default(), Hands::new());
    let (press, release) = (Did::Button(Button::Left, Press::Down), Did::Button(Button::Left, Press::Up));
    let mut act = |action, modifiers: &[Modifier]| {
        hands.pointer(&recorder, &pointer(action, modifiers)).unwrap();
        (recorder.take(), hands.held_keys().to_vec(), hands.freed().modifiers)
    };
    let alt = &[Modifier::Alt][..];
    // Held, but not by anybody who would want it held again when the button is gone.
    let held = || (vec![Key::Alt], vec![]);
    let told = |(did, keys, modifiers)| (did, (keys, modifiers));
    assert_eq!(told(act(PointerAction::Down, alt)), (vec![down(Key::Alt), MOVED, press.clone()], held()));
    assert_eq!(told(act(PointerAction::Move, alt)), (vec![MOVED], held()));
    let (did, keys, _) = act(PointerAction::Move, &[Modifier::Shift, Modifier::Alt]);
    assert_eq!((did, keys), (vec![down(Key::Shift), MOVED], vec![Key::Alt, Key::Shift]));
    assert_eq!(told(act(PointerAction::Move, alt)), (vec![up(Key::Shift), MOVED], held()));
    assert_eq!(act(PointerAction::Up, alt), (vec![MOVED, release.clone(), up(Key::Alt)], vec![], vec![]));
    act(PointerAction::Down, alt);
    assert_eq!(act(PointerAction::Up, &[]), (vec![up(Key::Alt), MOVED, release], vec![], vec![]), "named no more");
}

#[test]
fn what_a_drag_holds_does_not_act_on_the_keyboard() {
    let (recorder, mut hands) = (Recorder::default(), Hands::new());
    let drag = pointer(PointerAction::Down, &[Modifier::Ctrl]);
    hands.pointer(&recorder, &drag).unwrap();
    recorder.take();
    hands.key(&recorder, &key(Press::Down, "a", &[])).unwrap();
    assert_eq!(recorder.take(), [up(Key::Control), down(Key::Char('a'))]);
    hands.pointer(&recorder, &PointerEvent { action: PointerAction::Move, ..drag.clone() }).unwrap();
    recorder.take();
    hands.key(&recorder, &key(Press::Down, "B", &[])).unwrap();
    let shifted = [up(Key::Control), down(Key::Shift), down(Key::Char('b')), up(Key::Shift)];
    assert_eq!(recorder.take(), shifted, "no chord");
    hands.key(&recorder, &key(Press::Up, "B", &[])).unwrap();
    hands.pointer(&recorder, &PointerEvent { action: PointerAction::Move, ..drag.clone() }).unwrap();
    recorder.take();
    hands.text(&recorder, &TextInput { text: "a".to_owned(), interval_ms: 0 }, &Cancel::new()).unwrap();
    assert_eq!(recorder.take(), [up(Key::Control), Did::Text("a".to_owned(), Duration::ZERO)]);
    hands.pointer(&recorder, &PointerEvent { action: PointerAction::Move, ..drag.clone() }).unwrap();
    hands.key(&recorder, &key(Press::Down, "ctrl", &[])).unwrap();
    hands.pointer(&recorder, &PointerEvent { action: PointerAction::Up, ..drag }).unwrap();
    assert_eq!(hands.held_keys(), [Key::Char('a'), Key::Control], "pressed for its own sake");
    hands.pointer(&recorder, &pointer(PointerAction::Down, &[Modifier::Alt])).unwrap();
    recorder.state().failing = Some((0, true));
    hands.pointer(&recorder, &pointer(PointerAction::Move, &[Modifier::Alt])).unwrap_err();
    recorder.state().failing = None;
    hands.pointer(&recorder, &pointer(PointerAction::Move, &[])).unwrap();
    assert_eq!(hands.held_keys(), [Key::Char('a'), Key::Control], "let go as soon as that can be done");
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
fn a_capital_is_what_appears_and_in_a_chord_the_name_of_a_key() {
    let (recorder, mut hands) = (Recorder::default(), Hands::new());
    let mut press = |name: &str, modifiers: &[Modifier]| {
        hands.key(&recorder, &key(Press::Down, name, modifiers)).unwrap();
        hands.key(&recorder, &key(Press::Up, name, modifiers)).unwrap();
        recorder.take()
    };
    let (a, shifted) = (Key::Char('a'), [down(Key::Shift), down(Key::Char('a')), up(Key::Shift), up(Key::Char('a'))]);
    assert_eq!(press("A", &[]), shifted);
    assert_eq!(press("Ж", &[])[..2], [down(Key::Shift), down(Key::Char('ж'))]);
    for name in ["a", "ß", "1", "!", "漢"] {
        assert!(!press(name, &[]).contains(&down(Key::Shift)), "{name}");
    }
    let chord = [down(Key::Control), down(a), up(Key::Control), down(Key::Control), up(a), up(Key::Control)];
    assert_eq!(press("A", &[Modifier::Ctrl]), chord);
    hands.key(&recorder, &key(Press::Down, "alt", &[])).unwrap();
    hands.key(&recorder, &key(Press::Down, "A", &[])).unwrap();
    assert_eq!(recorder.take(), [down(Key::Alt), down(a)]);
}

#[test]
fn what_is_done_to_an_element_knows_what_is_held() {
    let (recorder, mut hands) = (Recorder::default(), Hands::new());
    let press = |hands: &mut Hands, name: &str, modifiers: &[Modifier]| {
        let target =
            ElementTarget { key: Some(name.to_owned()), modifiers: modifiers.to_vec(), ..ElementTarget::default() };
        let params = UiActionParams { target, action: "key".to_owned(), app: None };
        hands.ui_action(&recorder, &params, &Cancel::new()).unwrap();
        recorder.take()
    };
    let element = |name: &str, modifiers: &[Modifier]| Did::Element(name.to_owned(), modifiers.to_vec());
    assert_eq!(press(&mut hands, "A", &[]), [element("A", &[Modifier::Shift])]);
    assert_eq!(press(&mut hands, "A", &[Modifier::Ctrl]), [element("A", &[Modifier::Ctrl])]);
    hands.pointer(&recorder, &pointer(PointerAction::Down, &[Modifier::Ctrl])).unwrap();
    recorder.take();
    assert_eq!(press(&mut hands, "A", &[]), [up(Key::Control), element("A", &[Modifier::Shift])], "let go first");
    hands.key(&recorder, &key(Press::Down, "ctrl", &[])).unwrap();
    recorder.take();
    assert_eq!(press(&mut hands, "A", &[]), [element("A", &[])], "a chord with what is held");
    let long = ElementTarget { value: Some("x".repeat(TEXT_BYTES + 1)), ..ElementTarget::default() };
    let params = UiActionParams { target: long, action: "type".to_owned(), app: None };
    assert_eq!(hands.ui_action(&recorder, &params, &Cancel::new()).unwrap_err().code, ErrorCode::LimitExceeded);
}

#[test]
fn repeats_and_strays_are_passed_on() {
    let (recorder, mut hands) = (Recorder::default(), Hands::new());
    hands.key(&recorder, &key(Press::Down, "a", &[])).unwrap();
    hands.key(&recorder, &key(Press::Down, "a", &[])).unwrap();
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
