//! Pictures of displays, windows and parts of them, and when a new one is worth taking.

use core::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;

use super::*;
use crate::desktop::Wake;
use crate::picture::Mapping;

const SCALES: [f64; 5] = [1.0, 1.25, 1.5, 2.0, 3.0];

fn display(x: f64, y: f64, width: f64, height: f64, scale_factor: f64) -> VirtualDisplay {
    VirtualDisplay { bounds: Rect::new(x, y, width, height), scale_factor }
}

/// A primary display and another one to the left of it.
fn two(scale: f64, other: f64) -> VirtualDesktop {
    let displays = [display(0.0, 0.0, 800.0, 600.0, scale), display(-400.0, 120.0, 400.0, 320.0, other)];
    VirtualDesktop::with_displays(&displays).unwrap()
}

fn of_window(desktop: &VirtualDesktop, id: &str, region: Option<Rect>) -> Result<Frame, Error> {
    desktop.capture(&CaptureArea { window_id: Some(id.to_owned()), region, ..CaptureArea::default() })
}

fn of_display(desktop: &VirtualDesktop, id: &str, cursor: bool) -> Frame {
    desktop.capture(&CaptureArea { display_id: Some(id.to_owned()), cursor, ..CaptureArea::default() }).unwrap()
}

/// The colour of a pixel: blue, green, red.
fn color(frame: &Frame, x: u32, y: u32) -> [u8; 3] {
    let start = (y * frame.width + x) as usize * 4;
    [frame.pixels[start], frame.pixels[start + 1], frame.pixels[start + 2]]
}

#[test]
fn displays_are_listed_as_they_were_made() {
    let desktop = two(1.25, 3.0);
    let displays = desktop.displays().unwrap();
    assert_eq!((displays[0].id.as_str(), displays[0].primary, displays[0].scale_factor), ("1", true, 1.25));
    assert_eq!((displays[1].id.as_str(), displays[1].primary, displays[1].scale_factor), ("2", false, 3.0));
    assert_eq!(displays[1].bounds, Rect::new(-400.0, 120.0, 400.0, 320.0));
    let capabilities = desktop.capabilities();
    assert!(capabilities.is_sorted() && capabilities.contains(&"display.multi_monitor"));
    assert_eq!(code(VirtualDesktop::with_displays(&[])), ErrorCode::InvalidArgument);
}

#[test]
fn every_picture_has_the_pixels_of_what_it_shows() {
    for scale in SCALES {
        let desktop = two(scale, 2.0);
        let frame = of_display(&desktop, "1", false);
        let size = ((800.0 * scale) as u32, (600.0 * scale) as u32);
        assert_eq!(((frame.width, frame.height), frame.area), (size, Rect::new(0.0, 0.0, 800.0, 600.0)));
        assert_eq!(frame.pixels.len(), frame.width as usize * frame.height as usize * 4);
        let other = of_display(&desktop, "2", false);
        assert_eq!((other.width, other.height, other.area.x), (800, 640, -400.0));
        let whole = capture(&desktop, None, false);
        let finest = scale.max(2.0);
        assert_eq!((f64::from(whole.width), f64::from(whole.height)), (1200.0 * finest, 600.0 * finest));
        assert_eq!(whole.area, Rect::new(-400.0, 0.0, 1200.0, 600.0));
        assert_eq!(color(&whole, 0, 0), [0; 3], "on no display");
        let part = capture(&desktop, Some(Rect::new(-100.0, 130.0, 10.0, 20.0)), false);
        assert_eq!((part.width, part.height), (20, 40), "of the other display");
        let across = capture(&desktop, Some(Rect::new(-10.0, 130.0, 20.0, 20.0)), false);
        assert_eq!(f64::from(across.width), 20.0 * finest);
    }
}

#[test]
fn a_point_of_a_picture_is_where_the_desktop_has_it() {
    for scale in SCALES {
        for (home, other) in [(1.0, scale), (scale, 1.0)] {
            let desktop = two(home, other);
            for (id, x, y) in [("1", 0.0, 0.0), ("1", 500.0, 332.0), ("2", -400.0, 120.0), ("2", -4.0, 436.0)] {
                let point = Point::new(x, y);
                desktop.move_pointer(point).unwrap();
                let (with, without) = (of_display(&desktop, id, true), of_display(&desktop, id, false));
                let mapping = Mapping { picture: (with.width, with.height), area: with.area };
                let (column, row) = mapping.to_picture(point).unwrap();
                assert_eq!(color(&with, column, row), [0; 3], "the tip of the pointer: {home} {other} {point:?}");
                let back = mapping.to_desktop(f64::from(column), f64::from(row)).unwrap();
                desktop.move_pointer(back).unwrap();
                assert_eq!(desktop.cursor_position().unwrap(), point);
                assert!(with.pixels != without.pixels);
            }
            for (x, y) in [(-401.0, 200.0), (-1.0, 119.0), (-1.0, 440.0), (800.0, 0.0)] {
                assert_eq!(code(desktop.move_pointer(Point::new(x, y))), ErrorCode::InvalidArgument);
            }
        }
    }
}

#[test]
fn a_part_is_a_crop_of_its_display_at_every_scale() {
    for scale in SCALES {
        let desktop = two(scale, 1.0);
        type_text(&desktop, "some text");
        let whole = of_display(&desktop, "1", false);
        let part = capture(&desktop, Some(Rect::new(40.0, 48.0, 120.0, 60.0)), false);
        let (left, top) = ((part.area.x * scale).round() as u32, (part.area.y * scale).round() as u32);
        assert_eq!((f64::from(part.width), part.area), (120.0 * scale, Rect::new(40.0, 48.0, 120.0, 60.0)));
        for y in 0..part.height {
            for x in 0..part.width {
                assert_eq!(color(&part, x, y), color(&whole, left + x, top + y), "{scale} {x} {y}");
            }
        }
    }
}

#[test]
fn windows_go_to_other_displays_but_not_between_them() {
    let desktop = two(2.0, 1.0);
    let bounds = find(&desktop, "window", "Controls").bounds.unwrap();
    for (x, y) in [(-400.0, 0.0), (-400.0, 160.0), (-450.0, 130.0)] {
        let to = Rect { x, y, ..bounds };
        assert_eq!(code(desktop.move_window("virtual-2", to)), ErrorCode::InvalidArgument, "{x} {y}");
    }
    let across = Rect { x: -200.0, y: 130.0, ..bounds };
    assert_eq!(desktop.move_window("virtual-2", across).unwrap(), CONFIRMED);
    assert_eq!(of_window(&desktop, "virtual-2", None).unwrap().width, 2 * bounds.width as u32, "the finer of both");
    let there = Rect { x: -400.0, y: 440.0 - bounds.height, ..bounds };
    assert_eq!(desktop.move_window("virtual-2", there).unwrap(), CONFIRMED, "there is no panel");
    click(&desktop, "push button", "Count");
    assert_eq!(desktop.counter(), 1);
    assert_eq!(of_window(&desktop, "virtual-2", None).unwrap().width, bounds.width as u32);
}

#[test]
fn a_window_is_shown_also_where_others_cover_it() {
    let desktop = VirtualDesktop::default();
    click(&desktop, "push button", "Count");
    let bounds = find(&desktop, "window", "Controls").bounds.unwrap();
    let active = of_window(&desktop, "virtual-2", None).unwrap();
    assert_eq!((active.area, active.width, active.height), (bounds, bounds.width as u32, bounds.height as u32));
    assert!(active.pixels == capture(&desktop, Some(bounds), false).pixels);
    desktop.focus_window("virtual-1").unwrap();
    let idle = capture(&desktop, Some(bounds), false);
    assert!(idle.pixels != active.pixels);

    let notes = find(&desktop, "window", "Notes").bounds.unwrap();
    desktop.move_window("virtual-1", Rect { x: 1280.0 - notes.width, ..notes }).unwrap();
    assert!(capture(&desktop, Some(bounds), false).pixels != idle.pixels, "the other window is in front");
    assert!(of_window(&desktop, "virtual-2", None).unwrap().pixels == idle.pixels);
    let inside = Rect::new(bounds.x + 10.0, bounds.y + 40.0, bounds.width - 20.0, bounds.height - 50.0);
    let part = of_window(&desktop, "virtual-2", Some(inside)).unwrap();
    assert_eq!((part.area, part.width), (inside, inside.width as u32));
    let rows = idle.pixels.chunks(idle.width as usize * 4).skip(40).take(part.height as usize);
    let crop: Vec<u8> = rows.flat_map(|row| &row[40..40 + part.width as usize * 4]).copied().collect();
    assert!(crop == part.pixels);

    let outside = Rect { x: bounds.x - 1.0, ..bounds };
    assert_eq!(code(of_window(&desktop, "virtual-2", Some(outside))), ErrorCode::InvalidArgument);
    for unknown in ["virtual-9", "Controls", ""] {
        assert_eq!(code(of_window(&desktop, unknown, None)), ErrorCode::NotFound);
    }
    desktop.close_window("virtual-2", false, &Cancel::new()).unwrap();
    assert_eq!(code(of_window(&desktop, "virtual-2", None)), ErrorCode::NotFound);
    let both = CaptureArea {
        display_id: Some("7".to_owned()),
        window_id: Some("virtual-1".to_owned()),
        ..CaptureArea::default()
    };
    assert_eq!(code(desktop.capture(&both)), ErrorCode::NotFound);
}

#[test]
fn the_pointer_is_drawn_over_a_window_when_asked_for() {
    let desktop = VirtualDesktop::default();
    let picture = |cursor: bool| {
        let area = CaptureArea { window_id: Some("virtual-1".to_owned()), cursor, ..CaptureArea::default() };
        desktop.capture(&area).unwrap().pixels
    };
    desktop.move_pointer(middle(&desktop, "text", "Note")).unwrap();
    assert!(picture(true) != picture(false));
    desktop.move_pointer(middle(&desktop, "push button", "Count")).unwrap();
    assert!(picture(true) == picture(false), "it is elsewhere");
}

#[test]
fn the_generation_counts_what_can_be_seen() {
    let desktop = VirtualDesktop::default();
    let generation = |cursor: bool| {
        let area = CaptureArea { cursor, ..CaptureArea::default() };
        desktop.generation(&area).unwrap().unwrap()
    };
    let mut last = (generation(false), generation(true));
    let mut grown = || {
        let before = core::mem::replace(&mut last, (generation(false), generation(true)));
        (last.0 > before.0, last.1 > before.1)
    };
    assert_eq!(grown(), (false, false));
    capture(&desktop, None, true);
    tree(&desktop);
    chord(&desktop, &[Key::Shift]);
    chord(&desktop, &[Key::Function(12)]);
    desktop.scroll(0.0, 1.0).unwrap();
    desktop.focus_window("virtual-1").unwrap();
    desktop.clipboard_write(&ClipboardContents::default()).unwrap();
    desktop.key(Key::Char('世'), Press::Down).unwrap_err();
    assert_eq!(grown(), (false, false), "nothing is to be seen of these");
    desktop.move_pointer(Point::new(5.0, 6.0)).unwrap();
    assert_eq!(grown(), (false, true));
    desktop.move_pointer(Point::new(5.0, 6.0)).unwrap();
    assert_eq!(grown(), (false, false));
    let changes: [Named; 9] = [
        ("text", |desktop| type_text(desktop, "x")),
        ("caret", |desktop| chord(desktop, &[Key::Left])),
        ("caps lock", |desktop| chord(desktop, &[Key::CapsLock])),
        ("click", |desktop| click(desktop, "push button", "Count")),
        ("focus", |desktop| drop(desktop.focus_window("virtual-1"))),
        ("notification", |desktop| desktop.notify("Test", "title", "body")),
        ("lock", |desktop| drop(desktop.lock(&Cancel::new()))),
        ("unlock", |desktop| chord(desktop, &[Key::Enter])),
        ("sleep", VirtualDesktop::sleep),
    ];
    for (what, change) in changes {
        let before = pixels(&desktop);
        change(&desktop);
        assert!(pixels(&desktop) != before, "{what}");
        assert_eq!(grown(), (true, true), "{what}");
    }
}

#[test]
fn a_change_wakes_who_waits_and_lets_them_look() {
    let desktop = Arc::new(VirtualDesktop::default());
    let woken = Arc::new(AtomicUsize::new(0));
    let wake = || -> Wake {
        let (desktop, woken) = (Arc::downgrade(&desktop), Arc::clone(&woken));
        Box::new(move || {
            // Nothing is locked while somebody is woken.
            let width = desktop.upgrade().map(|desktop| desktop.capture(&CaptureArea::default()).unwrap().width);
            woken.fetch_add(usize::from(width == Some(1280)), Ordering::Relaxed);
        })
    };
    let count = || woken.load(Ordering::Relaxed);
    let look = || desktop.generation(&CaptureArea::default()).unwrap();
    look();
    assert!(desktop.wake_on_change(wake()) && desktop.wake_on_change(wake()));
    chord(&desktop, &[Key::Shift]);
    assert_eq!(count(), 0);
    type_text(&desktop, "x");
    assert_eq!(count(), 2);
    type_text(&desktop, "y");
    assert_eq!(count(), 2, "each of them once");
    assert!(desktop.wake_on_change(wake()));
    assert_eq!(count(), 3, "this has changed since the last look");
    look();
    assert!(desktop.wake_on_change(wake()));
    desktop.sleep();
    assert_eq!(count(), 4);
}
