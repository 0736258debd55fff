//! Pictures of one window.

use opendesk_std::api::{Effect, ErrorCode, Rect, Window};
use opendesk_std::desktop::x11::X11Desktop;
use opendesk_std::desktop::{CaptureArea, Computer, Frame};
use opendesk_tests::desktop::TestDesktop;

use super::{decimal, find, frame, pane, settled};
use crate::{open, wait_until};

const BLUE: [u8; 3] = [0x20, 0x40, 0x60];
const BROWN: [u8; 3] = [0x80, 0x20, 0x10];

fn of(window: &Window) -> CaptureArea {
    CaptureArea { window_id: Some(window.id.clone()), ..CaptureArea::default() }
}

/// Red, green and blue of a pixel of the desktop.
fn pixel(frame: &Frame, x: f64, y: f64) -> [u8; 3] {
    let (column, row) = ((x - frame.area.x) as usize, (y - frame.area.y) as usize);
    let offset = (row * frame.width as usize + column) * 4;
    [frame.pixels[offset + 2], frame.pixels[offset + 1], frame.pixels[offset]]
}

/// How many pixels have this colour.
fn count(frame: &Frame, [red, green, blue]: [u8; 3]) -> usize {
    frame.pixels.chunks_exact(4).filter(|pixel| pixel[..3] == [blue, green, red]).count()
}

/// A picture of the window, once so many of its pixels have this colour.
fn painted(computer: &X11Desktop, area: &CaptureArea, colour: [u8; 3], pixels: usize) -> Frame {
    let mut picture = computer.capture(area).expect("the window is on the screen");
    wait_until("the window is painted", || {
        picture = computer.capture(area).expect("the window is on the screen");
        count(&picture, colour) == pixels
    });
    picture
}

#[test]
fn a_covered_window_shows_its_own_pixels() {
    let mut desktop = TestDesktop::start(1280, 800);
    let computer = open(&desktop);
    pane(&mut desktop, "below", "200x150+100+100", "#204060", &[]);
    let below = settled(&mut desktop, &computer, "below");
    pane(&mut desktop, "above", "600x500+20+30", "#802010", &[]);
    let above = settled(&mut desktop, &computer, "above");
    let whole = CaptureArea::default();
    wait_until("the one above covers it", || pixel(&computer.capture(&whole).unwrap(), 200.0, 200.0) == BROWN);

    let picture = painted(&computer, &of(&below), BLUE, 200 * 150);
    let bounds = frame(&desktop, &below.id);
    assert_eq!(picture.area, bounds);
    assert_eq!((f64::from(picture.width), f64::from(picture.height)), (bounds.width, bounds.height));
    assert_eq!(count(&picture, BROWN), 0, "nothing of the one above");
    assert_eq!(pixel(&computer.capture(&whole).unwrap(), 200.0, 200.0), BROWN, "what is seen stays as it was");

    let region = Rect::new(150.5, 160.0, 20.0, 10.0);
    let part = computer.capture(&CaptureArea { region: Some(region), ..of(&below) }).unwrap();
    assert_eq!(part.area, Rect::new(150.0, 160.0, 21.0, 10.0));
    assert_eq!(count(&part, BLUE), 21 * 10);
    for region in [Rect::new(0.0, 0.0, 10.0, 10.0), Rect::new(bounds.x - 1.0, bounds.y, 10.0, 10.0)] {
        let error = computer.capture(&CaptureArea { region: Some(region), ..of(&below) }).unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidArgument, "{region:?}");
        assert!(error.message.contains("the window"), "{error}");
    }
    assert_eq!(pixel(&computer.capture(&of(&above)).unwrap(), 200.0, 200.0), BROWN);
}

#[test]
fn what_a_program_draws_itself_is_there_too() {
    let mut desktop = TestDesktop::start(1280, 800);
    let computer = open(&desktop);
    let script = "for line in 1 2 3 4 5 6; do echo '## the quick brown fox ##'; done; exec cat";
    let colours = ["-bg", "#ffffff", "-fg", "#ff0000", "-bc", "+bc", "-cr", "#0000ff"];
    let terminal = ["-T", "text", "-geometry", "40x10+100+100", "-e", "sh", "-c", script];
    desktop.spawn("xterm", &[&colours[..], &terminal[..]].concat());
    let text = settled(&mut desktop, &computer, "text");
    let part = CaptureArea { region: text.bounds, ..CaptureArea::default() };
    let mut drawn = 0;
    wait_until("the text is on the screen", || {
        let before = core::mem::replace(&mut drawn, count(&computer.capture(&part).unwrap(), [255, 0, 0]));
        drawn > 300 && drawn == before
    });
    pane(&mut desktop, "above", "600x500+20+30", "#802010", &[]);
    settled(&mut desktop, &computer, "above");
    wait_until("it is covered", || count(&computer.capture(&part).unwrap(), [255, 0, 0]) == 0);
    painted(&computer, &of(&text), [255, 0, 0], drawn);
}

#[test]
fn a_picture_of_a_window_maps_to_where_it_is() {
    let mut desktop = TestDesktop::start(1280, 800);
    let computer = open(&desktop);
    pane(&mut desktop, "map", "200x150+300+200", "#204060", &[]);
    let map = settled(&mut desktop, &computer, "map");
    let mut picture = painted(&computer, &of(&map), BLUE, 200 * 150);
    assert_eq!(picture.area, frame(&desktop, &map.id));
    wait_until("the same place of the screen shows the same", || {
        let place = CaptureArea { region: Some(picture.area), ..CaptureArea::default() };
        picture = computer.capture(&of(&map)).unwrap();
        let screen = computer.capture(&place).unwrap();
        screen.area == picture.area
            && screen
                .pixels
                .chunks_exact(4)
                .zip(picture.pixels.chunks_exact(4))
                .all(|(one, other)| one[..3] == other[..3])
    });

    let beyond = Rect::new(-50.0, 700.0, 300.0, 250.0);
    assert_eq!(computer.move_window(&map.id, beyond), Ok(Effect::Confirmed));
    let margin = |inner: f64, outer: f64| (outer - inner) as usize;
    let (width, height) = (300 - margin(200.0, picture.area.width), 250 - margin(150.0, picture.area.height));
    let picture = painted(&computer, &of(&map), BLUE, width * height);
    assert_eq!(picture.area, beyond, "also what is not on the screen");
}

#[test]
fn the_pointer_is_drawn_over_a_window_on_request() {
    let mut desktop = TestDesktop::start(640, 480);
    let computer = open(&desktop);
    pane(&mut desktop, "plain", "200x150+100+100", "#204060", &[]);
    let plain = settled(&mut desktop, &computer, "plain");
    computer.move_pointer(opendesk_std::api::Point::new(200.0, 200.0)).unwrap();
    let without = painted(&computer, &of(&plain), BLUE, 200 * 150);
    let with = computer.capture(&CaptureArea { cursor: true, ..of(&plain) }).unwrap();
    assert_eq!(with.area, without.area);
    let missing = 200 * 150 - count(&with, BLUE);
    assert!((1..2000).contains(&missing), "{missing}");
    assert_ne!(pixel(&with, 200.0, 200.0), BLUE);
}

#[test]
fn a_window_without_pixels_is_refused() {
    let mut desktop = TestDesktop::start(640, 480);
    let computer = open(&desktop);
    pane(&mut desktop, "icon", "200x150+100+100", "#204060", &[]);
    let icon = settled(&mut desktop, &computer, "icon");
    painted(&computer, &of(&icon), BLUE, 200 * 150);
    desktop.run("xdotool", &["windowminimize", &decimal(&icon)]);
    wait_until("it is an icon", || find(&computer, "icon").is_some_and(|window| window.minimized));
    let error = computer.capture(&of(&icon)).unwrap_err();
    assert_eq!(error.code, ErrorCode::InvalidArgument);
    assert!(error.message.contains("focus it first"), "{error}");
    assert_eq!(computer.focus_window(&icon.id), Ok(Effect::Confirmed));
    painted(&computer, &of(&icon), BLUE, 200 * 150);

    let unknown = CaptureArea { window_id: Some("0x7ffffff0".to_owned()), ..CaptureArea::default() };
    assert_eq!(computer.capture(&unknown).unwrap_err().code, ErrorCode::NotFound);
    let display = computer.displays().unwrap().remove(0).id;
    let both = CaptureArea { display_id: Some(display), ..of(&icon) };
    assert_eq!(computer.capture(&both).unwrap_err().code, ErrorCode::InvalidArgument);
}

#[test]
fn more_windows_than_are_kept_apart_at_once_can_be_looked_at() {
    let mut desktop = TestDesktop::start(1280, 800);
    let computer = open(&desktop);
    for number in 0..10 {
        let place = format!("100x80+{}+{}", 20 + number * 10, 20 + number * 10);
        pane(&mut desktop, &format!("pane {number}"), &place, "#204060", &[]);
    }
    wait_until("all are there", || computer.windows().unwrap().len() == 10);
    for _ in 0..2 {
        for window in computer.windows().unwrap() {
            painted(&computer, &of(&window), BLUE, 100 * 80);
        }
    }
}
