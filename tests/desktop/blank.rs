//! A screen that shows nothing but one colour, as one does that is black: it is called blank, and its parts are not.

use std::sync::Arc;

use opendesk_std::api::{
    CaptureParams, DisplayCapture, Picture, PictureFormat, Rect, ScreenState, SubscribeParams, WindowsList,
};
use opendesk_std::desktop::{CaptureArea, Computer};
use opendesk_tests::desktop::TestDesktop;
use opendesk_tokio::Client;

use crate::brush::Brush;
use crate::drive::{drive, run, settle, wait_for};
use crate::{LIMIT, open, wait_until};

/// A desktop of one colour, given as X takes it and as blue, green, red.
fn of_one_colour(name: &str, colour: [u8; 3]) -> (TestDesktop, Arc<dyn Computer>) {
    let desktop = TestDesktop::start(640, 480);
    desktop.run("xsetroot", &["-solid", name]);
    let computer = open(&desktop);
    wait_until("the background is painted", || {
        let frame = computer.capture(&CaptureArea::default()).expect("a picture");
        frame.pixels.chunks_exact(4).all(|pixel| pixel[..3] == colour)
    });
    settle(&computer);
    (desktop, Arc::new(computer))
}

async fn capture(client: &Client, params: &CaptureParams) -> Picture {
    client.call_within::<DisplayCapture>(params, LIMIT).await.expect("the host takes pictures")
}

fn part(x: f64, y: f64, width: f64, height: f64) -> CaptureParams {
    CaptureParams { region: Some(Rect::new(x, y, width, height)), ..CaptureParams::default() }
}

#[test]
fn a_whole_screen_of_one_colour_is_blank_and_a_part_of_it_is_not() {
    for (name, colour) in [("#000000", [0, 0, 0]), ("#204060", [0x60, 0x40, 0x20])] {
        let (_desktop, computer) = of_one_colour(name, colour);
        run(async {
            let (_rig, client) = drive(computer).await;
            let displays = client.displays().await.unwrap();
            let one = CaptureParams { display_id: Some(displays[0].id.clone()), ..CaptureParams::default() };
            for whole in [CaptureParams::default(), one] {
                let blank = capture(&client, &whole).await;
                assert_eq!((blank.screen, blank.width, blank.height), (ScreenState::Blank, 640, 480), "{name}");
                let again = CaptureParams { unless_shot: Some(blank.shot_id), ..whole };
                let same = capture(&client, &again).await;
                assert_eq!((same.unchanged, same.screen), (true, ScreenState::Blank), "{name}");
            }
            for region in [part(10.0, 20.0, 30.0, 40.0), part(0.0, 0.0, 1.0, 1.0)] {
                assert_eq!(capture(&client, &region).await.screen, ScreenState::Shown, "{name}: {region:?}");
            }
        });
    }
}

#[test]
fn one_pixel_of_another_colour_is_something_to_see() {
    let (desktop, computer) = of_one_colour("#000000", [0, 0, 0]);
    let brush = Brush::new(desktop.display());
    run(async {
        let (_rig, client) = drive(computer).await;
        let blank = capture(&client, &CaptureParams::default()).await;
        assert_eq!(blank.screen, ScreenState::Blank);
        brush.paint(0xff_ffff, [639, 479, 1, 1]);
        let unless = CaptureParams { unless_shot: Some(blank.shot_id), ..CaptureParams::default() };
        let shown = capture(&client, &unless).await;
        assert_eq!((shown.unchanged, shown.screen), (false, ScreenState::Shown));
        brush.paint(0, [639, 479, 1, 1]);
        assert_eq!(capture(&client, &CaptureParams::default()).await.screen, ScreenState::Blank);
    });
}

#[test]
fn a_window_of_one_colour_is_shown_also_where_it_is_all_of_a_blank_screen() {
    let (mut desktop, computer) = of_one_colour("#204060", [0x60, 0x40, 0x20]);
    let dark = ["-T", "dark", "-b", "0", "-bg", "black", "-fg", "black", "-xrm", "*cursorColor: black", "-e", "cat"];
    desktop.spawn("xterm", &dark);
    desktop.wait_for_window("dark");
    // Without a frame.
    desktop.run("wmctrl", &["-r", "dark", "-b", "add,fullscreen"]);
    run(async {
        let (_rig, client) = drive(computer).await;
        wait_for("the screen is black", async || {
            let raw = CaptureParams { format: PictureFormat::RawRgb, ..CaptureParams::default() };
            let picture = capture(&client, &raw).await;
            let is_black = picture.data.iter().all(|byte| *byte == 0);
            assert!(!is_black || picture.screen == ScreenState::Blank);
            is_black
        })
        .await;
        let windows = client.call::<WindowsList>(&()).await.unwrap();
        let window_id = windows.iter().find(|window| window.title == "dark").map(|window| window.id.clone());
        assert!(window_id.is_some(), "{windows:?}");
        let own = CaptureParams { window_id, format: PictureFormat::RawRgb, ..CaptureParams::default() };
        let picture = capture(&client, &own).await;
        assert!(picture.screen == ScreenState::Shown && picture.data.iter().all(|byte| *byte == 0), "{picture:?}");
    });
}

#[test]
fn a_stream_says_when_there_is_nothing_to_see_any_more() {
    let (desktop, computer) = of_one_colour("#000000", [0, 0, 0]);
    let brush = Brush::new(desktop.display());
    run(async {
        let (_rig, client) = drive(computer).await;
        let mut pictures = client.watch(&SubscribeParams { fps: 60, ..SubscribeParams::default() }).await.unwrap();
        let mut next = async || tokio::time::timeout(LIMIT, pictures.next()).await.unwrap().unwrap().unwrap();
        assert_eq!(next().await.screen, ScreenState::Blank);
        brush.paint(0xff_ffff, [100, 100, 50, 50]);
        assert_eq!(next().await.screen, ScreenState::Shown);
        brush.paint(0, [100, 100, 50, 50]);
        assert_eq!(next().await.screen, ScreenState::Blank);
    });
}
