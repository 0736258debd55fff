//! Mouse and keyboard.

use core::time::Duration;
use std::time::Instant;

use opendesk_std::Cancel;
use opendesk_std::api::{Button, ErrorCode, Point, Press};
use opendesk_std::desktop::{Computer, Key};
use opendesk_tests::desktop::TestDesktop;

use crate::{open, terminal_that_keeps_text, wait_until};

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
fn text_of_any_script_arrives_exactly() {
    let mut desktop = TestDesktop::start(1280, 800);
    let computer = open(&desktop);
    let text = "The quick (brown) fox; {|}~ \"jumps\" @ 100% <over>\n\
                Grüße, ÄÖÜß, naïve café\n\
                Привет, мир\n\
                世界 こんにちは\n\
                🚀 αβγ\n";
    let file = terminal_that_keeps_text(&mut desktop, "typed");
    computer.type_text(text, Duration::ZERO, &Cancel::new()).unwrap();
    computer.key(Key::Control, Press::Down).unwrap();
    computer.key(Key::Char('d'), Press::Down).unwrap();
    computer.key(Key::Char('d'), Press::Up).unwrap();
    computer.key(Key::Control, Press::Up).unwrap();
    wait_until("the file appears", || file.exists());
    assert_eq!(std::fs::read_to_string(file).unwrap(), text);
    assert_eq!(computer.pressed_keys().unwrap(), Vec::<u8>::new());
}

#[test]
fn text_is_exact_on_other_layouts_too() {
    let mut desktop = TestDesktop::start(1280, 800);
    for layout in ["de", "fr", "ru"] {
        desktop.run("setxkbmap", &[layout]);
        let computer = open(&desktop);
        let text = "az AZ 123 !? {[]} @ ü é ж\n";
        let file = terminal_that_keeps_text(&mut desktop, layout);
        computer.type_text(text, Duration::ZERO, &Cancel::new()).unwrap();
        // xdotool borrows a key for a letter that the layout lacks, and a busy terminal may look at it too late.
        let mut asked = None;
        wait_until("the file appears", || {
            if !file.exists() && asked.is_none_or(|at: Instant| at.elapsed() > Duration::from_secs(2)) {
                desktop.run("xdotool", &["key", "ctrl+d"]);
                asked = Some(Instant::now());
            }
            file.exists()
        });
        assert_eq!(std::fs::read_to_string(file).unwrap(), text, "{layout}");
    }
}

#[test]
fn control_characters_are_refused_before_anything_is_typed() {
    let mut desktop = TestDesktop::start(1280, 800);
    let computer = open(&desktop);
    let file = terminal_that_keeps_text(&mut desktop, "untouched");
    let error = computer.type_text("abc\u{1b}[2J", Duration::ZERO, &Cancel::new()).unwrap_err();
    assert_eq!(error.code, ErrorCode::InvalidArgument, "{error}");
    desktop.run("xdotool", &["key", "Return", "ctrl+d"]);
    wait_until("the file appears", || file.exists());
    assert_eq!(std::fs::read_to_string(file).unwrap(), "\n");
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
