//! The mouse.

use core::time::Duration;
use std::time::Instant;

use opendesk_std::Cancel;
use opendesk_std::api::{Button, ErrorCode, Modifier, Point, PointerAction, Press};
use opendesk_std::desktop::{Computer, Hands};
use opendesk_tests::desktop::{Form, TestDesktop};
use serde_json::{Value, json};

use super::{Desk, key, names, pointer};
use crate::{LIMIT, open, wait_until};

fn location(desktop: &TestDesktop) -> (i32, i32) {
    let said = desktop.run("xdotool", &["getmouselocation", "--shell"]);
    let number = |name: &str| {
        let line = said.lines().find_map(|line| line.strip_prefix(name)).expect("a line of it");
        line.parse().expect("a number")
    };
    (number("X="), number("Y="))
}

#[test]
fn the_pointer_goes_where_it_is_sent_corners_included() {
    let desktop = TestDesktop::start(1280, 800);
    let computer = open(&desktop);
    for (x, y) in [(640, 400), (0, 0), (1279, 0), (1279, 799), (0, 799), (3, 5)] {
        computer.move_pointer(Point::new(f64::from(x), f64::from(y))).unwrap();
        assert_eq!(location(&desktop), (x, y));
        assert_eq!(computer.cursor_position().unwrap(), Point::new(f64::from(x), f64::from(y)));
    }
    for (x, y) in [(-1.0, 5.0), (1280.0, 5.0), (5.0, 800.0), (f64::NAN, 5.0)] {
        let error = computer.move_pointer(Point::new(x, y)).unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidArgument, "{error}");
    }
    assert_eq!(location(&desktop), (3, 5), "a refused move moves nothing");
}

#[test]
fn a_corner_switches_nothing_off() {
    let mut desk = Desk::new();
    for corner in [(0.0, 0.0), (1023.0, 0.0), (0.0, 767.0), (1023.0, 767.0)] {
        desk.pointer(PointerAction::Move, Point::new(corner.0, corner.1), Button::Left, &[]);
    }
    let middle = desk.canvas();
    desk.click(middle, Button::Left, &[]);
    desk.key(Press::Down, "x", &[]);
    desk.key(Press::Up, "x", &[]);
    let press = &desk.seen("button-press", "Canvas", 1)[0];
    assert_eq!((&press["x"], &press["y"]), (&json!(middle.x as i64), &json!(middle.y as i64)));
    desk.form.wait_until("the letter is typed", |form| form.text("Name") == "x");
    desk.assert_nothing_is_held();
}

#[test]
fn buttons_and_the_wheel_arrive_as_a_program_sees_them() {
    let mut desktop = TestDesktop::start(1280, 800);
    let computer = open(&desktop);
    let events = desktop.home().join("events");
    let script = format!("exec xev -name events -event mouse > {} 2>&1", events.display());
    desktop.spawn("sh", &["-c", &script]);
    let window = desktop.wait_for_window("events").to_string();
    desktop.run("xdotool", &["windowmove", "--sync", &window, "200", "200"]);
    computer.move_pointer(Point::new(250.0, 250.0)).unwrap();
    for button in [Button::Left, Button::Right, Button::Middle, Button::X1, Button::X2] {
        computer.button(button, Press::Down).unwrap();
        computer.button(button, Press::Up).unwrap();
    }
    computer.scroll(1.0, 2.0).unwrap();
    computer.scroll(-1.0, -1.0).unwrap();
    let pressed = || -> Vec<u32> {
        let text = std::fs::read_to_string(&events).unwrap_or_default();
        let blocks = text.split("\n\n").filter(|block| block.contains("ButtonPress event"));
        let number = |block: &str| block.split("button ").nth(1)?.split(',').next()?.parse().ok();
        blocks.filter_map(number).collect()
    };
    wait_until("all the buttons are seen", || pressed().len() >= 10);
    let mut seen = pressed();
    assert_eq!(seen[..5], [1, 3, 2, 8, 9]);
    seen.drain(..5);
    seen.sort_unstable();
    assert_eq!(seen, [4, 4, 5, 6, 7]);
}

#[test]
fn modifiers_go_with_every_click() {
    let mut desk = Desk::new();
    let middle = desk.canvas();
    let chords: [&[Modifier]; 6] = [
        &[],
        &[Modifier::Ctrl],
        &[Modifier::Shift],
        &[Modifier::Meta],
        &[Modifier::Shift, Modifier::Ctrl],
        &[Modifier::Ctrl, Modifier::Meta, Modifier::Shift],
    ];
    let buttons = [(Button::Left, 1), (Button::Right, 3), (Button::Middle, 2), (Button::X1, 8), (Button::X2, 9)];
    let mut clicks = 0;
    for modifiers in chords {
        for (button, number) in buttons {
            desk.click(middle, button, modifiers);
            clicks += 1;
            let release = desk.seen("button-release", "Canvas", clicks).pop().unwrap();
            // A press that is the second of a double click is told as a press first.
            let presses = desk.form.seen("button-press", "Canvas").into_iter();
            let press = presses.rev().find(|press| press["clicks"] == 1).unwrap();
            for event in [&press, &release] {
                assert_eq!(event["button"], json!(number), "{modifiers:?}: {event}");
                assert_eq!(event["state"], json!(names(modifiers)), "{button:?}: {event}");
            }
        }
    }
    desk.assert_nothing_is_held();
}

#[test]
fn a_drag_with_a_modifier_presses_it_once() {
    let mut desk = Desk::new();
    let middle = desk.canvas();
    let control = &[Modifier::Ctrl];
    desk.pointer(PointerAction::Down, middle, Button::Left, control);
    for step in 1..=5 {
        let point = Point::new(middle.x + f64::from(step), middle.y);
        desk.pointer(PointerAction::Move, point, Button::Left, control);
    }
    desk.pointer(PointerAction::Up, Point::new(middle.x + 5.0, middle.y), Button::Left, control);
    let release = desk.seen("button-release", "Canvas", 1).pop().unwrap();
    assert_eq!(release["state"], json!(names(control)));
    for kind in ["key-press", "key-release"] {
        let keys: Vec<Value> = desk.seen(kind, "Name", 1).into_iter().map(|event| event["key"].clone()).collect();
        assert_eq!(keys, ["Control_L"], "{kind}");
    }
    desk.assert_nothing_is_held();
}

#[test]
fn modifiers_go_with_the_wheel_in_all_directions() {
    let mut desk = Desk::new();
    let middle = desk.canvas();
    let mut turns = 0;
    for modifiers in [&[][..], &[Modifier::Shift], &[Modifier::Ctrl], &[Modifier::Ctrl, Modifier::Shift]] {
        for (amount, direction) in
            [((0.0, 1.0), "up"), ((0.0, -1.0), "down"), ((1.0, 0.0), "right"), ((-1.0, 0.0), "left")]
        {
            desk.scroll(middle, amount, modifiers);
            turns += 1;
            let turn = desk.seen("scroll", "Canvas", turns).pop().unwrap();
            assert_eq!((&turn["direction"], &turn["state"]), (&json!(direction), &json!(names(modifiers))), "{turn}");
        }
    }
    desk.scroll(middle, (0.0, -7.0), &[]);
    let seven = desk.seen("scroll", "Canvas", turns + 7);
    assert_eq!(seven.len(), turns + 7, "each click of the wheel is one event");
    desk.assert_nothing_is_held();
}

#[test]
fn two_and_three_clicks_are_a_double_and_a_triple_click() {
    let mut desk = Desk::new();
    let middle = desk.canvas();
    for _ in 0..3 {
        desk.click(middle, Button::Left, &[]);
    }
    let presses = desk.seen("button-press", "Canvas", 5);
    let counts: Vec<_> = presses.iter().map(|press| press["clicks"].as_u64().unwrap()).collect();
    assert_eq!(counts, [1, 1, 2, 1, 3]);
    desk.assert_nothing_is_held();
}

#[test]
fn two_clicks_select_a_word_and_three_a_line() {
    for (clicks, left) in [(2, " and more"), (3, "")] {
        // Each with a form of its own: clicks that were just before count with some programs, wherever they were.
        let mut desk = Desk::new();
        desk.computer.type_text("wordword and more", Duration::ZERO, &Cancel::new()).unwrap();
        desk.form.wait_until("the text is there", |form| form.text("Name") == "wordword and more");
        let name = desk.form.place("Name");
        for _ in 0..clicks {
            desk.click(Point::new(name.x + 20.0, name.y + 17.0), Button::Left, &[]);
        }
        desk.key(Press::Down, "delete", &[]);
        desk.key(Press::Up, "delete", &[]);
        desk.form.wait_until("what was selected is gone", |form| form.text("Name") == left);
        desk.assert_nothing_is_held();
    }
}

#[test]
fn what_is_typed_right_after_a_click_goes_where_was_clicked() {
    let mut desktop = TestDesktop::start(1400, 768);
    let forms = ["left", "right"].map(|title| Form::start_as(&mut desktop, title));
    for (form, left) in forms.iter().zip([0.0, 700.0]) {
        desktop.run("xdotool", &["windowmove", &form.window().to_string(), &left.to_string(), "0"]);
        form.wait_until("it is there", |form| (left..left + 110.0).contains(&form.place("Name").x));
    }
    let (computer, mut hands) = (open(&desktop), Hands::new());
    let letters = "abcdefghij";
    for (letter, right) in letters.chars().zip((60..).step_by(40)) {
        for form in &forms {
            // Each somewhere else, so that no two are a double click.
            let name = form.place("Name");
            let point = Point::new(name.x + f64::from(right), name.y + 17.0);
            // A window manager keeps a click back until it has given the window the keyboard; it keeps no key back.
            for action in [PointerAction::Down, PointerAction::Up] {
                let event = pointer(action, point, Button::Left, &[]);
                hands.pointer(&computer, &event).unwrap();
            }
            for action in [Press::Down, Press::Up] {
                hands.key(&computer, &key(action, &letter.to_string(), &[])).unwrap();
            }
        }
    }
    for form in &forms {
        form.wait_until("every letter is there", |form| form.text("Name") == letters);
    }
}

#[test]
fn a_drag_is_seen_point_by_point_with_its_modifier() {
    let mut desk = Desk::new();
    let start = desk.canvas();
    desk.pointer(PointerAction::Down, start, Button::Left, &[Modifier::Shift]);
    desk.seen("button-press", "Canvas", 1);
    for step in 1..=10 {
        let point = Point::new(start.x + f64::from(step) * 9.0, start.y - f64::from(step) * 3.0);
        desk.pointer(PointerAction::Move, point, Button::Left, &[Modifier::Shift]);
        let expected = json!({
            "event": "motion", "widget": "Canvas", "held": [1], "state": ["shift"],
            "x": point.x as i64, "y": point.y as i64,
        });
        // GTK leaves out points that are over before it draws again.
        desk.form.wait_until("the motion is seen", |form| form.seen("motion", "Canvas").contains(&expected));
    }
    assert!(desk.form.seen("button-release", "Canvas").is_empty(), "the button stays down");
    let end = Point::new(start.x + 90.0, start.y - 30.0);
    desk.pointer(PointerAction::Up, end, Button::Left, &[Modifier::Shift]);
    let release = desk.seen("button-release", "Canvas", 1).pop().unwrap();
    assert_eq!((&release["x"], &release["y"]), (&json!(end.x as i64), &json!(end.y as i64)));
    assert_eq!(release["state"], json!(["shift"]));
    desk.assert_nothing_is_held();
}

#[test]
fn a_drag_with_alt_moves_the_window_by_just_as_much() {
    let mut desk = Desk::new();
    let before = desk.form.place("Canvas");
    let start = desk.canvas();
    let by = |x: f64, y: f64| Point::new(start.x + x, start.y + y);
    desk.pointer(PointerAction::Down, start, Button::Left, &[Modifier::Alt]);
    // It follows when it finds the time, and skips what is over then; the program hears of it at the end.
    let (geometry, begun) = (desk.geometry(), Instant::now());
    while desk.geometry() == geometry {
        assert!(begun.elapsed() < LIMIT, "the window follows the pointer");
        for point in [by(58.0, 38.0), by(60.0, 40.0)] {
            desk.pointer(PointerAction::Move, point, Button::Left, &[Modifier::Alt]);
        }
    }
    desk.pointer(PointerAction::Up, by(60.0, 40.0), Button::Left, &[Modifier::Alt]);
    desk.form.wait_until("the window has moved", |form| {
        let after = form.place("Canvas");
        (after.x - before.x, after.y - before.y) == (60.0, 40.0)
    });
    assert!(desk.form.seen("button-press", "Canvas").is_empty(), "it is the window manager's");
    desk.assert_nothing_is_held();
}
