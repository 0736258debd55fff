//! Two displays side by side, the primary one on the right.

use std::fs;
use std::path::PathBuf;

use opendesk_std::api::{Button, Display, ErrorCode, Point, Press, Rect};
use opendesk_std::desktop::x11::X11Desktop;
use opendesk_std::desktop::{CaptureArea, Computer};
use opendesk_tests::desktop::{PYTHON, TestDesktop, program};
use serde_json::Value;

use crate::{open, wait_until};

const LEFT: Rect = Rect::new(0.0, 0.0, 700.0, 500.0);
const MAIN: Rect = Rect::new(700.0, 0.0, 900.0, 600.0);

/// The colours of the panes that cover the two, as X takes them, and as blue, green, red.
const PANES: [(&str, [u8; 3]); 2] =
    [("700x500+0+0=#c02040", [0x40, 0x20, 0xc0]), ("900x600+700+0=#20a060", [0x60, 0xa0, 0x20])];

/// The screen is higher than the left display, so that a part of it is on neither.
fn two_displays() -> TestDesktop {
    TestDesktop::start_with_monitors(1600, 600, &[("LEFT", 0, 0, 700, 500), ("*MAIN", 700, 0, 900, 600)])
}

/// Covers each display with a pane of its own colour; gives the file that the panes write into.
fn cover(desktop: &mut TestDesktop) -> PathBuf {
    let file = desktop.home().join("panes");
    desktop.spawn(PYTHON, &[&program("panes.py"), &file.to_string_lossy(), PANES[0].0, PANES[1].0]);
    wait_until("the panes are shown", || events(&file).iter().any(|event| event["ready"] == true));
    file
}

fn events(file: &PathBuf) -> Vec<Value> {
    let text = fs::read_to_string(file).unwrap_or_default();
    let complete = text.rsplit_once('\n').map_or("", |(complete, _)| complete);
    complete.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}

fn named(computer: &X11Desktop, name: &str) -> Display {
    let displays = computer.displays().expect("there are displays");
    let found = displays.iter().find(|display| display.name.as_deref() == Some(name));
    found.unwrap_or_else(|| panic!("no {name} among {displays:?}")).clone()
}

fn of(display: &Display, region: Option<Rect>) -> CaptureArea {
    CaptureArea { display_id: Some(display.id.clone()), region, ..CaptureArea::default() }
}

fn is_all(pixels: &[u8], colour: [u8; 3]) -> bool {
    pixels.chunks_exact(4).all(|pixel| pixel[..3] == colour)
}

#[test]
fn both_displays_are_listed_the_primary_one_first() {
    let desktop = two_displays();
    let computer = open(&desktop);
    let displays = computer.displays().unwrap();
    let told: Vec<_> =
        displays.iter().map(|display| (display.name.as_deref(), display.bounds, display.primary)).collect();
    assert_eq!(told, [(Some("MAIN"), MAIN, true), (Some("LEFT"), LEFT, false)]);
    assert_ne!(displays[0].id, displays[1].id);
    assert!(displays.iter().all(|display| display.scale_factor == 1.0));
    assert!(computer.capabilities().contains(&"display.multi_monitor"), "{:?}", computer.capabilities());
}

#[test]
fn each_display_is_captured_by_its_id() {
    let mut desktop = two_displays();
    let computer = open(&desktop);
    cover(&mut desktop);
    let (left, main) = (named(&computer, "LEFT"), named(&computer, "MAIN"));
    for (display, (_, colour)) in [(&left, PANES[0]), (&main, PANES[1])] {
        wait_until("the pane is painted", || is_all(&computer.capture(&of(display, None)).unwrap().pixels, colour));
        let frame = computer.capture(&of(display, None)).unwrap();
        assert_eq!((f64::from(frame.width), f64::from(frame.height)), (frame.area.width, frame.area.height));
        assert_eq!(frame.area, display.bounds);
    }
    // The whole desktop shows both, side by side.
    let whole = computer.capture(&CaptureArea::default()).unwrap();
    assert_eq!((whole.width, whole.height, whole.area), (1600, 600, Rect::new(0.0, 0.0, 1600.0, 600.0)));
    for row in whole.pixels.chunks_exact(1600 * 4).take(500) {
        assert!(is_all(&row[..700 * 4], PANES[0].1) && is_all(&row[700 * 4..], PANES[1].1));
    }
}

#[test]
fn a_region_is_the_desktops_and_must_lie_on_the_display() {
    let mut desktop = two_displays();
    let computer = open(&desktop);
    cover(&mut desktop);
    let (left, main) = (named(&computer, "LEFT"), named(&computer, "MAIN"));
    let region = Rect::new(1590.0, 0.0, 10.0, 600.0);
    wait_until("the pane is painted", || {
        is_all(&computer.capture(&of(&main, Some(region))).unwrap().pixels, PANES[1].1)
    });
    assert_eq!(computer.capture(&of(&main, Some(region))).unwrap().area, region);
    for (display, region) in [
        (&left, region),
        (&left, Rect::new(690.0, 0.0, 11.0, 10.0)),
        (&left, Rect::new(0.0, 495.0, 10.0, 6.0)),
        (&main, Rect::new(699.0, 0.0, 10.0, 10.0)),
    ] {
        let error = computer.capture(&of(display, Some(region))).unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidArgument, "{region:?} of {display:?}: {error}");
    }
}

#[test]
fn a_click_on_either_display_lands_exactly() {
    let mut desktop = two_displays();
    let computer = open(&desktop);
    let file = cover(&mut desktop);
    let points =
        [(0, 0), (699, 0), (700, 0), (1599, 0), (350, 250), (1150, 300), (0, 499), (699, 499), (700, 599), (1599, 599)];
    for (count, (x, y)) in points.into_iter().enumerate() {
        computer.move_pointer(Point::new(f64::from(x), f64::from(y))).unwrap();
        assert_eq!(computer.cursor_position().unwrap(), Point::new(f64::from(x), f64::from(y)));
        for press in [Press::Down, Press::Up] {
            computer.button(Button::Left, press).unwrap();
        }
        let clicks = || -> Vec<Value> { events(&file).into_iter().filter(|event| event["ready"].is_null()).collect() };
        wait_until(&format!("the click at {x},{y} is seen"), || clicks().len() > count);
        let pane = usize::from(x >= 700);
        assert_eq!(clicks()[count], serde_json::json!({"pane": pane, "button": 1, "x": x, "y": y}));
    }
    // Below the left display there is screen, and nothing that anybody sees.
    for (x, y) in [(350.0, 550.0), (699.5, 500.0), (1600.0, 10.0), (-1.0, 10.0)] {
        let error = computer.move_pointer(Point::new(x, y)).unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidArgument, "{x},{y}: {error}");
    }
    assert_eq!(computer.cursor_position().unwrap(), Point::new(1599.0, 599.0));
}
