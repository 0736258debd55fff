//! Captures.

use opendesk_std::api::{ErrorCode, Rect};
use opendesk_std::desktop::{CaptureArea, Computer};
use opendesk_tests::desktop::TestDesktop;

use crate::{open, wait_until};

fn region(x: f64, y: f64, width: f64, height: f64) -> CaptureArea {
    CaptureArea { region: Some(Rect::new(x, y, width, height)), ..CaptureArea::default() }
}

#[test]
fn a_picture_shows_the_colours_that_are_there() {
    let desktop = TestDesktop::start(640, 480);
    desktop.run("xsetroot", &["-solid", "#204060"]);
    let computer = open(&desktop);
    wait_until("the background is painted", || {
        let frame = computer.capture(&CaptureArea::default()).unwrap();
        frame.pixels.chunks_exact(4).all(|pixel| pixel[..3] == [0x60, 0x40, 0x20])
    });
    let frame = computer.capture(&CaptureArea::default()).unwrap();
    assert_eq!((frame.width, frame.height, frame.area), (640, 480, Rect::new(0.0, 0.0, 640.0, 480.0)));
}

#[test]
fn a_region_is_that_part_of_the_whole() {
    let mut desktop = TestDesktop::start(640, 480);
    desktop.spawn("xterm", &["-T", "part", "-geometry", "40x10+50+60"]);
    desktop.wait_for_window("part");
    let computer = open(&desktop);
    // A cursor that blinks would make two pictures differ; this terminal's does not.
    let part = computer.capture(&region(40.0, 50.0, 200.0, 100.0)).unwrap();
    let whole = computer.capture(&CaptureArea::default()).unwrap();
    assert_eq!((part.width, part.height, part.area), (200, 100, Rect::new(40.0, 50.0, 200.0, 100.0)));
    for row in 0..100 {
        let start = ((row + 50) * 640 + 40) * 4;
        assert!(part.pixels[row * 800..][..800] == whole.pixels[start..][..800], "row {row}");
    }
    let distinct: std::collections::BTreeSet<_> = part.pixels.chunks_exact(4).map(|pixel| &pixel[..3]).collect();
    assert!(distinct.len() > 1, "the terminal is in the picture");
}

#[test]
fn what_lies_outside_is_refused() {
    let desktop = TestDesktop::start(640, 480);
    let computer = open(&desktop);
    for area in [
        region(0.0, 0.0, 641.0, 10.0),
        region(-1.0, 0.0, 10.0, 10.0),
        region(0.0, 0.0, 0.0, 10.0),
        region(600.0, 470.0, 41.0, 10.0),
        region(f64::NAN, 0.0, 10.0, 10.0),
    ] {
        assert_eq!(computer.capture(&area).unwrap_err().code, ErrorCode::InvalidArgument, "{area:?}");
    }
    let unknown = CaptureArea { display_id: Some("99".into()), ..CaptureArea::default() };
    let error = computer.capture(&unknown).unwrap_err();
    assert!(matches!(error.code, ErrorCode::NotFound | ErrorCode::InvalidArgument), "{error}");
}

#[test]
fn the_pointer_is_drawn_on_request() {
    let desktop = TestDesktop::start(640, 480);
    let computer = open(&desktop);
    computer.move_pointer(opendesk_std::api::Point::new(320.0, 240.0)).unwrap();
    let without = computer.capture(&CaptureArea::default()).unwrap();
    let with = computer.capture(&CaptureArea { cursor: true, ..CaptureArea::default() }).unwrap();
    let changed: Vec<usize> = without
        .pixels
        .chunks_exact(4)
        .zip(with.pixels.chunks_exact(4))
        .enumerate()
        .filter(|(_, (one, other))| one[..3] != other[..3])
        .map(|(index, _)| index)
        .collect();
    assert!(!changed.is_empty());
    for index in changed {
        let (x, y) = (index % 640, index / 640);
        assert!((290..=350).contains(&x) && (210..=270).contains(&y), "{x},{y}");
    }
}

#[test]
fn displays_are_listed_with_the_primary_first() {
    let desktop = TestDesktop::start(640, 480);
    let displays = open(&desktop).displays().unwrap();
    assert_eq!(displays.len(), 1);
    assert!(displays[0].primary);
    assert_eq!(displays[0].bounds, Rect::new(0.0, 0.0, 640.0, 480.0));
    let one = CaptureArea { display_id: Some(displays[0].id.clone()), ..CaptureArea::default() };
    assert_eq!(open(&desktop).capture(&one).unwrap().area, displays[0].bounds);
}
