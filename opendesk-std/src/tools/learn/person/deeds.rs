//! What the person did, as calls of the tools that do the same.

use core::time::Duration;
use std::time::Instant;

use serde_json::{Map, Value, json};

use super::look::Hit;
use crate::api::{Button, Modifier, Point, Press};
use crate::desktop::{Act, Deed, Key};
use crate::tools::history::Entry;
use crate::tools::target::Target;

/// As many as a program has steps.
const MOST: usize = 500;

/// How far a hand may move between press and release, or between two clicks, without meaning to; in pixels.
const SHAKES: f64 = 6.0;

/// Two clicks within this time are one of two, as desktops have it.
const DOUBLE: Duration = Duration::from_millis(450);

/// Clicks of the wheel within this time are one turn.
const TURN: Duration = Duration::from_secs(1);

/// How long a step waits at most for what it did, where the person waited longer.
const LONGEST_PAUSE: Duration = Duration::from_secs(3);

/// Stands for a text of which nothing is known.
const SOME_TEXT: &str = "…";

/// What was done so far.
#[derive(Debug, Default)]
pub(super) struct Deeds {
    entries: Vec<Entry>,
    pressed: Option<Pressed>,
    last: Option<Last>,
    unknown: usize,
}

/// A button that is down.
#[derive(Debug)]
struct Pressed {
    button: Button,
    deed: Deed,
    hit: Option<Hit>,
}

/// The last thing that was done.
#[derive(Debug, Clone, Copy)]
struct Last {
    what: What,
    at: Point,
    when: Instant,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    /// So many clicks of the main button.
    Click(u8),
    Wheel(&'static str),
    Text,
    Other,
}

impl Deeds {
    /// Whether something is clicked by what was done, so that it has to be known what that is.
    pub(super) fn begins_a_click(deed: &Deed) -> bool {
        matches!(deed.act, Act::Button(_, Press::Down))
    }

    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// How often a key was pressed that has no name here.
    pub(super) const fn unknown(&self) -> usize {
        self.unknown
    }

    /// # Errors
    /// When there are as many as a program has steps; one line.
    pub(super) fn add(&mut self, deed: &Deed, when: Instant, hit: Option<Hit>) -> Result<(), String> {
        match deed.act {
            Act::Button(button, Press::Down) => self.pressed = Some(Pressed { button, deed: deed.clone(), hit }),
            Act::Button(button, Press::Up) => {
                if let Some(pressed) = self.pressed.take_if(|pressed| pressed.button == button) {
                    self.release(pressed, deed.at, when)?;
                }
            }
            Act::Wheel { right, up } => self.turn(right, up, deed, when)?,
            Act::Key(Key::Backspace) if deed.modifiers.is_empty() && self.last_is(What::Text) => {}
            Act::Key(key) => {
                let mut keys: Vec<String> =
                    deed.modifiers.iter().copied().filter_map(held).map(str::to_owned).collect();
                let key = key.to_string();
                let arguments = if keys.is_empty() {
                    json!({"action": "press", "key": key})
                } else {
                    keys.push(key);
                    json!({"action": "hotkey", "keys": keys})
                };
                self.push("keyboard", arguments, What::Other, deed.at, when)?;
            }
            Act::Text if self.last_is(What::Text) => {}
            Act::Text => {
                let arguments = json!({"action": "type", "text": SOME_TEXT});
                self.push("keyboard", arguments, What::Text, deed.at, when)?;
            }
            Act::Unknown => self.unknown += 1,
        }
        Ok(())
    }

    fn last_is(&self, what: What) -> bool {
        self.last.is_some_and(|last| last.what == what)
    }

    fn push(
        &mut self,
        tool: &'static str,
        arguments: Value,
        what: What,
        at: Point,
        when: Instant,
    ) -> Result<(), String> {
        if self.entries.len() == MOST {
            return Err(format!("{MOST} things were done, and a program has no more steps"));
        }
        self.pause(when);
        self.last = Some(Last { what, at, when });
        let number = self.entries.len() as u64 + 1;
        self.entries.push(Entry { number, ..Entry::new(tool, arguments, Some(Target::Local)) });
        Ok(())
    }

    /// The program waits after a step as the person did.
    fn pause(&mut self, now: Instant) {
        if let (Some(last), Some(Value::Object(arguments))) =
            (self.last, self.entries.last_mut().map(|entry| &mut entry.arguments))
        {
            let pause = now.saturating_duration_since(last.when).min(LONGEST_PAUSE);
            arguments.insert("settle_ms".to_owned(), u64::try_from(pause.as_millis()).unwrap_or_default().into());
        }
    }

    fn release(&mut self, pressed: Pressed, to: Point, when: Instant) -> Result<(), String> {
        let Pressed { button, deed, hit } = pressed;
        let from = deed.at;
        let is_drag = button == Button::Left && is_apart(from, to);
        let clicks = match self.last {
            Some(Last { what: What::Click(clicks @ 1..=2), at, when: then })
                if button == Button::Left
                    && deed.modifiers.is_empty()
                    && !is_drag
                    && !is_apart(at, from)
                    && when.saturating_duration_since(then) <= DOUBLE =>
            {
                clicks + 1
            }
            _ => 1,
        };
        if clicks > 1
            && let Some(Value::Object(arguments)) = self.entries.last_mut().map(|entry| &mut entry.arguments)
        {
            let action = if clicks == 2 { "double_click" } else { "triple_click" };
            arguments.insert("action".to_owned(), action.into());
            self.last = Some(Last { what: What::Click(clicks), at: from, when });
            return Ok(());
        }
        let action = match button {
            Button::Left if is_drag => "drag",
            Button::Left => "click",
            Button::Right => "right_click",
            Button::Middle => "middle_click",
            Button::X1 => "back_click",
            Button::X2 => "forward_click",
        };
        let is_plain = action == "click" && deed.modifiers.is_empty();
        let what = if is_plain { What::Click(1) } else { What::Other };
        self.push("mouse", at(action, from, &deed.modifiers), what, from, when)?;
        if let Some(entry) = self.entries.last_mut() {
            entry.points = if is_drag { vec![from, to] } else { vec![from] };
            entry.was_checked = hit.as_ref().and_then(|hit| hit.was_checked);
            entry.touched = hit.map(|hit| hit.touched);
        }
        Ok(())
    }

    fn turn(&mut self, right: i32, up: i32, deed: &Deed, when: Instant) -> Result<(), String> {
        let (direction, clicks) = match (right, up) {
            (0, up) if up >= 0 => ("up", up),
            (0, up) => ("down", -up),
            (right, _) if right > 0 => ("right", right),
            (right, _) => ("left", -right),
        };
        let what = What::Wheel(direction);
        if let Some(last) = self.last.filter(|last| {
            last.what == what && !is_apart(last.at, deed.at) && when.saturating_duration_since(last.when) <= TURN
        }) && let Some(Value::Object(arguments)) = self.entries.last_mut().map(|entry| &mut entry.arguments)
        {
            let turned = arguments.get("amount").and_then(Value::as_i64).unwrap_or_default() + i64::from(clicks);
            if turned <= 100 {
                arguments.insert("amount".to_owned(), turned.into());
                self.last = Some(Last { when, ..last });
                return Ok(());
            }
        }
        let mut arguments = at("scroll", deed.at, &deed.modifiers);
        arguments["direction"] = direction.into();
        arguments["amount"] = clicks.into();
        self.push("mouse", arguments, what, deed.at, when)?;
        if let Some(entry) = self.entries.last_mut() {
            entry.points = vec![deed.at];
        }
        Ok(())
    }
}

/// What `mouse` is given.
fn at(action: &str, point: Point, modifiers: &[Modifier]) -> Value {
    let mut arguments = Map::new();
    arguments.insert("action".to_owned(), action.into());
    arguments.insert("x".to_owned(), point.x.into());
    arguments.insert("y".to_owned(), point.y.into());
    let held: Vec<&str> = modifiers.iter().copied().filter_map(held).collect();
    if !held.is_empty() {
        arguments.insert("modifiers".to_owned(), held.into());
    }
    Value::Object(arguments)
}

/// What a modifier is called, as far as it can be held for something.
const fn held(modifier: Modifier) -> Option<&'static str> {
    match modifier {
        Modifier::Shift => Some("shift"),
        Modifier::Ctrl => Some("ctrl"),
        Modifier::Alt => Some("alt"),
        Modifier::Meta => Some("meta"),
        Modifier::CapsLock | Modifier::Fn => None,
    }
}

fn is_apart(one: Point, other: Point) -> bool {
    (one.x - other.x).abs() > SHAKES || (one.y - other.y).abs() > SHAKES
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;
    use crate::tools::caller::Touched;

    /// Somebody at a machine, with a watch.
    struct Somebody {
        deeds: Deeds,
        now: Instant,
    }

    impl Somebody {
        fn new() -> Self {
            Self { deeds: Deeds::default(), now: clock::monotonic() }
        }

        fn waits(&mut self, milliseconds: u64) {
            self.now += Duration::from_millis(milliseconds);
        }

        fn does(&mut self, act: Act, at: (f64, f64), modifiers: &[Modifier], hit: Option<Hit>) {
            let deed = Deed { at: Point::new(at.0, at.1), modifiers: modifiers.to_vec(), act };
            self.deeds.add(&deed, self.now, hit).unwrap();
        }

        fn clicks(&mut self, button: Button, at: (f64, f64), modifiers: &[Modifier]) {
            self.does(Act::Button(button, Press::Down), at, modifiers, None);
            self.waits(80);
            self.does(Act::Button(button, Press::Up), at, modifiers, None);
        }

        fn types(&mut self, acts: &[Act]) {
            for act in acts {
                self.does(*act, (0.0, 0.0), &[], None);
            }
        }

        fn did(&self) -> Vec<Value> {
            let arguments = |entry: &Entry| {
                let mut arguments = entry.arguments.clone();
                if let Value::Object(arguments) = &mut arguments {
                    arguments.remove("settle_ms");
                }
                arguments
            };
            self.deeds.entries().iter().map(arguments).collect()
        }
    }

    #[test]
    fn clicks_that_follow_each_other_in_one_place_are_one_of_two_or_three() {
        let mut somebody = Somebody::new();
        for (at, pause) in
            [((5.0, 5.0), 100), ((6.0, 5.0), 100), ((6.0, 4.0), 100), ((6.0, 4.0), 900), ((6.0, 4.0), 100)]
        {
            somebody.clicks(Button::Left, at, &[]);
            somebody.waits(pause);
        }
        somebody.clicks(Button::Left, (60.0, 4.0), &[]);
        let actions: Vec<Value> = somebody.did().iter().map(|call| call["action"].clone()).collect();
        assert_eq!(actions, ["triple_click", "click", "click", "click"], "the fourth in time is a click of its own");
    }

    #[test]
    fn what_moves_with_the_button_down_is_a_drag() {
        let mut somebody = Somebody::new();
        somebody.does(Act::Button(Button::Left, Press::Down), (5.0, 5.0), &[], None);
        somebody.does(Act::Button(Button::Left, Press::Up), (50.0, 9.0), &[], None);
        assert_eq!(somebody.did(), [json!({"action": "drag", "x": 5.0, "y": 5.0})]);
        assert_eq!(somebody.deeds.entries()[0].points, [Point::new(5.0, 5.0), Point::new(50.0, 9.0)]);
        somebody.does(Act::Button(Button::Right, Press::Up), (50.0, 9.0), &[], None);
        assert_eq!(somebody.did().len(), 1, "a button that was down before");
    }

    #[test]
    fn other_buttons_and_held_keys_are_named() {
        let mut somebody = Somebody::new();
        somebody.clicks(Button::Right, (1.0, 2.0), &[]);
        somebody.clicks(Button::Left, (1.0, 2.0), &[Modifier::Ctrl, Modifier::CapsLock]);
        let at = |action: &str| json!({"action": action, "x": 1.0, "y": 2.0});
        let mut with = at("click");
        with["modifiers"] = json!(["ctrl"]);
        assert_eq!(somebody.did(), [at("right_click"), with]);
    }

    #[test]
    fn a_turn_of_the_wheel_is_one_call() {
        let mut somebody = Somebody::new();
        for up in [-1, -1, -1, 1] {
            somebody.does(Act::Wheel { right: 0, up }, (1.0, 2.0), &[], None);
            somebody.waits(50);
        }
        somebody.waits(2000);
        somebody.does(Act::Wheel { right: 0, up: 1 }, (1.0, 2.0), &[], None);
        let turns: Vec<(Value, Value)> =
            somebody.did().iter().map(|call| (call["direction"].clone(), call["amount"].clone())).collect();
        assert_eq!(turns, [(json!("down"), json!(3)), (json!("up"), json!(1)), (json!("up"), json!(1))]);
    }

    #[test]
    fn of_a_text_nothing_is_known_but_that_there_was_one() {
        let mut somebody = Somebody::new();
        let erase = Act::Key(Key::Backspace);
        somebody.types(&[erase, Act::Text, Act::Text, erase, Act::Text, Act::Key(Key::Enter), Act::Text]);
        let text = json!({"action": "type", "text": SOME_TEXT});
        let press = |key: &str| json!({"action": "press", "key": key});
        assert_eq!(somebody.did(), [press("backspace"), text.clone(), press("enter"), text]);
        somebody.does(Act::Key(Key::Char('s')), (0.0, 0.0), &[Modifier::Ctrl, Modifier::Shift], None);
        somebody.types(&[Act::Unknown]);
        assert_eq!((somebody.did().len(), somebody.deeds.unknown()), (5, 1));
        assert_eq!(somebody.did()[4], json!({"action": "hotkey", "keys": ["ctrl", "shift", "s"]}));
    }

    #[test]
    fn a_click_is_on_the_element_that_was_there_when_the_button_went_down() {
        let mut somebody = Somebody::new();
        let touched = Touched { app: "a".into(), window: "w".into(), role: "check box".into(), name: "n".into() };
        let hit = Hit { touched: touched.clone(), was_checked: Some(false) };
        somebody.does(Act::Button(Button::Left, Press::Down), (5.0, 5.0), &[], Some(hit));
        somebody.waits(5000);
        somebody.does(Act::Button(Button::Left, Press::Up), (5.0, 5.0), &[], None);
        somebody.waits(9000);
        somebody.types(&[Act::Text]);
        let entries = somebody.deeds.entries();
        assert_eq!((&entries[0].touched, entries[0].was_checked), (&Some(touched), Some(false)));
        assert_eq!(entries[0].arguments["settle_ms"], 3000, "a program waits as the person did, but not for ever");
    }

    #[test]
    fn more_than_a_program_has_is_not_kept() {
        let mut deeds = Deeds::default();
        let deed = Deed { at: Point::new(0.0, 0.0), modifiers: Vec::new(), act: Act::Key(Key::Enter) };
        let now = clock::monotonic();
        assert!((0..MOST).all(|_| deeds.add(&deed, now, None).is_ok()));
        assert!(deeds.add(&deed, now, None).unwrap_err().contains("500"));
        assert_eq!(deeds.entries().len(), MOST);
    }
}
