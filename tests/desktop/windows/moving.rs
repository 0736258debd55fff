//! Moving windows and giving them another size.

use opendesk_std::api::{Effect, ErrorCode, Rect, Window};
use opendesk_std::desktop::Computer;
use opendesk_tests::desktop::TestDesktop;

use super::{find, frame, pane, settled, terminal};
use crate::{open, wait_until};

#[test]
fn a_frame_lies_exactly_where_it_was_asked_to() {
    let mut desktop = TestDesktop::start(1280, 800);
    let computer = open(&desktop);
    pane(&mut desktop, "plain", "200x150+10+10", "#204060", &[]);
    let plain = settled(&mut desktop, &computer, "plain");
    // Programs of another make have another idea of the corner that a window is placed by.
    desktop.spawn("xev", &["-name", "events", "-event", "mouse", "-bw", "3"]);
    let events = settled(&mut desktop, &computer, "events");
    for window in [plain, events] {
        for bounds in [
            Rect::new(100.0, 120.0, 400.0, 300.0),
            Rect::new(0.0, 0.0, 640.0, 480.0),
            Rect::new(-50.0, -20.0, 301.0, 199.0),
            Rect::new(1200.0, 700.0, 400.0, 300.0),
            Rect::new(0.0, 0.0, 1280.0, 800.0),
            Rect::new(33.0, 44.0, 255.0, 177.0),
            Rect::new(33.0, 44.0, 255.0, 177.0),
        ] {
            assert_eq!(computer.move_window(&window.id, bounds), Ok(Effect::Confirmed), "{bounds:?}");
            assert_eq!(frame(&desktop, &window.id), bounds, "{}", window.title);
            assert_eq!(find(&computer, &window.title).unwrap().bounds, Some(bounds));
        }
    }
}

#[test]
fn a_terminal_takes_the_size_that_whole_characters_have() {
    let mut desktop = TestDesktop::start(1280, 800);
    let computer = open(&desktop);
    terminal(&mut desktop, "columns", "40x10+10+10");
    let window = settled(&mut desktop, &computer, "columns");
    let before = frame(&desktop, &window.id);
    let bounds = Rect::new(60.0, 70.0, before.width + 1.0, before.height + 1.0);
    assert_eq!(computer.move_window(&window.id, bounds), Ok(Effect::Confirmed));
    assert_eq!(frame(&desktop, &window.id), Rect::new(60.0, 70.0, before.width, before.height));
    let larger = Rect::new(5.0, 6.0, 500.0, 400.0);
    assert_eq!(computer.move_window(&window.id, larger), Ok(Effect::Confirmed));
    let after = frame(&desktop, &window.id);
    assert_eq!((after.x, after.y), (5.0, 6.0));
    assert!((480.0..=500.0).contains(&after.width) && (370.0..=400.0).contains(&after.height), "{after:?}");
    let small = computer.move_window(&window.id, Rect::new(5.0, 6.0, 8.0, 8.0)).unwrap_err();
    assert_eq!(small.code, ErrorCode::InvalidArgument);
    assert!(small.message.contains("at least"), "{small}");
    assert_eq!(frame(&desktop, &window.id), after);
}

#[test]
fn a_window_that_fills_the_screen_becomes_an_ordinary_one() {
    let mut desktop = TestDesktop::start(1280, 800);
    let computer = open(&desktop);
    pane(&mut desktop, "large", "300x200+10+10", "#204060", &[]);
    let window = settled(&mut desktop, &computer, "large");
    let state = || desktop.run("xprop", &["-id", &window.id, "_NET_WM_STATE"]);
    for (states, shown) in [
        ("add,maximized_vert,maximized_horz", "_NET_WM_STATE_MAXIMIZED_VERT"),
        ("add,maximized_horz", "_NET_WM_STATE_MAXIMIZED_HORZ"),
        ("add,fullscreen", "_NET_WM_STATE_FULLSCREEN"),
        ("add,shaded", "_NET_WM_STATE_SHADED"),
    ] {
        desktop.run("wmctrl", &["-i", "-r", &window.id, "-b", states]);
        wait_until("the window manager arranges it", || state().contains(shown));
        let bounds = Rect::new(200.0, 150.0, 420.0, 330.0);
        assert_eq!(computer.move_window(&window.id, bounds), Ok(Effect::Confirmed), "{states}");
        assert_eq!(frame(&desktop, &window.id), bounds, "{states}");
        assert!(!state().contains(shown), "{states}");
    }
}

#[test]
fn bounds_that_make_no_sense_are_refused() {
    let mut desktop = TestDesktop::start(640, 480);
    let computer = open(&desktop);
    pane(&mut desktop, "still", "200x100+30+40", "#204060", &[]);
    let Window { id, .. } = settled(&mut desktop, &computer, "still");
    let before = frame(&desktop, &id);
    for bounds in [
        Rect::new(f64::NAN, 0.0, 200.0, 100.0),
        Rect::new(0.0, f64::NEG_INFINITY, 200.0, 100.0),
        Rect::new(0.0, 0.0, f64::INFINITY, 100.0),
        Rect::new(0.0, 0.0, 0.0, 100.0),
        Rect::new(0.0, 0.0, 200.0, -100.0),
        Rect::new(0.0, 0.0, 40_000.0, 100.0),
        Rect::new(640.0, 0.0, 200.0, 100.0),
        Rect::new(0.0, 480.0, 200.0, 100.0),
        Rect::new(-200.0, 0.0, 200.0, 100.0),
        Rect::new(0.0, -100.0, 200.0, 100.0),
        // Less than the frame alone.
        Rect::new(0.0, 0.0, 1.0, 1.0),
    ] {
        let error = computer.move_window(&id, bounds).unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidArgument, "{bounds:?}");
        assert_eq!(error.message.lines().count(), 1, "{error}");
    }
    assert_eq!(frame(&desktop, &id), before);
}

#[test]
fn a_window_that_is_put_elsewhere_is_an_error_that_says_where() {
    let mut desktop = TestDesktop::start(640, 480);
    let computer = open(&desktop);
    pane(&mut desktop, "edge", "200x100+30+40", "#204060", &[]);
    let Window { id, .. } = settled(&mut desktop, &computer, "edge");
    // This window manager keeps more than five pixels of every window in sight.
    let error = computer.move_window(&id, Rect::new(635.0, 100.0, 200.0, 100.0)).unwrap_err();
    assert_eq!(error.code, ErrorCode::InvalidArgument);
    let taken = frame(&desktop, &id);
    assert!(error.message.contains(&format!("({}, {})", taken.x, taken.y)), "{error}: {taken:?}");
}
