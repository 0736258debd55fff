//! Pictures that come by themselves, and what counts as a change, on a real screen.

use core::time::Duration;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use opendesk_std::api::{
    CaptureParams, DisplaySubscribe, Picture, PictureFormat, PictureProfile, Point, Rect, ScreenUpdate, SubscribeParams,
};
use opendesk_std::desktop::x11::X11Desktop;
use opendesk_std::desktop::{CaptureArea, Computer};
use opendesk_std::picture::Canvas;
use opendesk_tests::desktop::TestDesktop;
use opendesk_tokio::{Client, Subscription};

use crate::brush::Brush;
use crate::drive::{drive, run, settle, wait_for};
use crate::{LIMIT, open};

/// How long the next picture is waited for before it is asked again whether one is needed at all.
const GLANCE: Duration = Duration::from_millis(50);

/// Every pixel of a part of the screen, or of all of it.
fn exact(region: Option<Rect>) -> CaptureParams {
    CaptureParams { region, profile: PictureProfile::Native, ..CaptureParams::default() }
}

/// As many pictures as there can be.
fn often(region: Option<Rect>) -> SubscribeParams {
    SubscribeParams { capture: exact(region), fps: 60 }
}

async fn next(pictures: &mut Subscription<DisplaySubscribe>) -> ScreenUpdate {
    let item = tokio::time::timeout(LIMIT, pictures.next()).await.expect("a picture comes");
    item.expect("the stream goes on").expect("the host shows its desktop")
}

/// The pixels that are there now: red, green, blue.
async fn now(client: &Client, region: Option<Rect>) -> Vec<u8> {
    let raw = CaptureParams { format: PictureFormat::RawRgb, ..exact(region) };
    client.capture(&raw).await.expect("the host takes pictures").data
}

/// Applies what comes until it is what is there, each pixel of it.
async fn catch_up(
    client: &Client,
    pictures: &mut Subscription<DisplaySubscribe>,
    canvas: &mut Canvas,
    region: Option<Rect>,
) {
    wait_for("the pictures show what is there", async || {
        // Whatever was drawn until now is in a picture that comes after this, or was in one before.
        let there = now(client, region).await;
        if canvas.pixels() == there {
            return true;
        }
        // Programs may still be drawing: then it is looked at again.
        if let Ok(item) = tokio::time::timeout(GLANCE, pictures.next()).await {
            let update = item.expect("the stream goes on").expect("the host shows its desktop");
            canvas.apply(&update).expect("an update of the picture before");
        }
        canvas.pixels() == there
    })
    .await;
}

/// A terminal that prints what is written to the end of a file.
fn printer(desktop: &mut TestDesktop) -> PathBuf {
    let paper = desktop.home().join("paper");
    fs::write(&paper, "").expect("the home can be written to");
    let file = paper.to_str().expect("its path is text");
    desktop.spawn("xterm", &["-T", "printer", "-geometry", "60x12+30+40", "-e", "tail", "-n", "+1", "-f", file]);
    desktop.wait_for_window("printer");
    paper
}

fn print(paper: &Path, text: &str) {
    let mut file = OpenOptions::new().append(true).open(paper).expect("the paper is there");
    file.write_all(text.as_bytes()).expect("the paper can be written to");
}

#[test]
fn what_a_terminal_prints_is_in_the_pictures_that_come_and_they_add_up_to_what_is_there() {
    let mut desktop = TestDesktop::start(800, 600);
    let paper = printer(&mut desktop);
    let computer = Arc::new(open(&desktop));
    run(async {
        let (_rig, client) = drive(computer).await;
        let mut pictures = client.watch(&often(None)).await.unwrap();
        let mut canvas = Canvas::new();
        let first = next(&mut pictures).await;
        assert_eq!((first.keyframe, first.width, first.height), (true, 800, 600));
        canvas.apply(&first).unwrap();
        catch_up(&client, &mut pictures, &mut canvas, None).await;
        for line in 0..5 {
            let before = canvas.pixels().to_vec();
            print(&paper, &format!("a line, and this is number {line}\n"));
            let update = next(&mut pictures).await;
            assert!(!update.keyframe && !update.patches.is_empty(), "{update:?}");
            let sent: u32 = update.patches.iter().map(|patch| patch.width * patch.height).sum();
            assert!(sent < 800 * 600 / 4, "{update:?}");
            canvas.apply(&update).unwrap();
            while canvas.pixels() == before {
                canvas.apply(&next(&mut pictures).await).unwrap();
            }
            catch_up(&client, &mut pictures, &mut canvas, None).await;
        }
    });
}

#[test]
fn a_stream_of_a_part_shows_that_part() {
    let desktop = TestDesktop::start(800, 600);
    let (brush, computer) = (Brush::new(desktop.display()), Arc::new(open(&desktop)));
    run(async {
        let (_rig, client) = drive(computer).await;
        let region = Some(Rect::new(300.0, 200.0, 200.0, 150.0));
        let mut pictures = client.watch(&often(region)).await.unwrap();
        let mut canvas = Canvas::new();
        canvas.apply(&next(&mut pictures).await).unwrap();
        catch_up(&client, &mut pictures, &mut canvas, region).await;
        for (colour, place) in [
            (0x20_4060, [310, 210, 40, 30]),
            // Over its edge.
            (0xc0_2040, [280, 190, 60, 40]),
            (0x10_a020, [300, 200, 200, 150]),
        ] {
            // What lies beside it comes first, and is in no picture.
            brush.paint(colour, [10, 10, 100, 100]);
            brush.paint(colour, place);
            let update = next(&mut pictures).await;
            assert_eq!((Some(update.area), update.width, update.height), (region, 200, 150));
            canvas.apply(&update).unwrap();
            catch_up(&client, &mut pictures, &mut canvas, region).await;
            let [red, green, blue] = [16, 8, 0].map(|bits| (colour >> bits) as u8);
            assert!(canvas.pixels().chunks_exact(3).any(|pixel| pixel == [red, green, blue]), "{colour:06x}");
        }
    });
}

#[test]
fn what_has_not_changed_on_the_screen_is_not_sent_again() {
    let desktop = TestDesktop::start(800, 600);
    let (brush, computer) = (Brush::new(desktop.display()), Arc::new(open(&desktop)));
    settle(&*computer);
    run(async {
        let (_rig, client) = drive(computer).await;
        let capture = async |params: &CaptureParams| client.capture(params).await.expect("the host takes pictures");
        let unless = |picture: &Picture, params: &CaptureParams| CaptureParams {
            unless_shot: Some(picture.shot_id),
            ..params.clone()
        };
        let (whole, corner) = (exact(None), exact(Some(Rect::new(0.0, 0.0, 100.0, 100.0))));
        let (first, small) = (capture(&whole).await, capture(&corner).await);
        for _ in 0..5 {
            let same = capture(&unless(&first, &whole)).await;
            assert_eq!(same, Picture { unchanged: true, data: vec![], ..first.clone() });
        }
        brush.paint(0xc0_2040, [400, 300, 50, 50]);
        let second = capture(&unless(&first, &whole)).await;
        assert!(!second.unchanged && second.shot_id != first.shot_id && second.data != first.data);
        assert!(capture(&unless(&second, &whole)).await.unchanged);
        assert!(capture(&unless(&small, &corner)).await.unchanged, "nothing has changed there");
        brush.paint(0xc0_2040, [90, 90, 20, 20]);
        let second = capture(&unless(&small, &corner)).await;
        assert!(!second.unchanged && second.data != small.data);
    });
}

fn of(x: f64, y: f64, width: f64, height: f64) -> CaptureArea {
    CaptureArea { region: Some(Rect::new(x, y, width, height)), ..CaptureArea::default() }
}

fn generation(computer: &X11Desktop, area: &CaptureArea) -> u64 {
    computer.generation(area).expect("the X server answers").expect("it tells of changes")
}

#[test]
fn a_generation_grows_where_something_has_changed_and_nowhere_else() {
    let desktop = TestDesktop::start(800, 600);
    let (brush, computer) = (Brush::new(desktop.display()), open(&desktop));
    settle(&computer);
    let areas = [of(0.0, 0.0, 200.0, 200.0), of(500.0, 300.0, 200.0, 200.0), CaptureArea::default()];
    let seen = || areas.each_ref().map(|area| generation(&computer, area));
    let before = seen();
    for _ in 0..20 {
        for area in &areas {
            computer.capture(area).unwrap();
        }
        assert_eq!(seen(), before, "looking changes nothing");
    }

    brush.paint(0x20_4060, [10, 10, 20, 20]);
    let [left, right, whole] = seen();
    assert!(left > before[0] && right == before[1] && whole > before[2], "{before:?}, {left} {right} {whole}");
    assert_eq!(seen(), [left, right, whole], "once");

    brush.paint(0x20_4060, [690, 490, 40, 40]);
    let [left_now, right_now, whole_now] = seen();
    assert!(left_now == left && right_now > right && whole_now > whole, "{left_now} {right_now} {whole_now}");

    // Between the two.
    brush.paint(0x20_4060, [350, 250, 10, 10]);
    let last = seen();
    assert!(last[0] == left_now && last[1] == right_now && last[2] > whole_now, "{last:?}");
}

#[test]
fn the_pointer_counts_only_where_it_is_drawn() {
    let desktop = TestDesktop::start(800, 600);
    let computer = open(&desktop);
    settle(&computer);
    let (without, with) = (CaptureArea::default(), CaptureArea { cursor: true, ..CaptureArea::default() });
    let before = (generation(&computer, &without), generation(&computer, &with));
    assert_eq!((generation(&computer, &without), generation(&computer, &with)), before);
    computer.move_pointer(Point::new(321.0, 123.0)).unwrap();
    let after = (generation(&computer, &without), generation(&computer, &with));
    assert!(after.0 == before.0 && after.1 > before.1, "{before:?} {after:?}");
}
