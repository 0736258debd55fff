//! Pictures over the link: their names, what is not sent again, formats, budgets, windows, and screens that are dark.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::future::join_all;
use opendesk_core::ErrorCode;
use opendesk_std::Cancel;
use opendesk_std::api::{
    CaptureParams, Effect, Error, KeyEvent, MoveWindowParams, Patch, Picture, PictureFormat, Point, PointerAction,
    PointerEvent, PowerLock, Press, Rect, ScreenState, ScreenUpdate, SubscribeParams, TextInput, TreeParams,
    WindowsList, WindowsMove,
};
use opendesk_std::desktop::r#virtual::VirtualDesktop;
use opendesk_std::desktop::{CaptureArea, Computer};
use opendesk_std::picture::{Canvas, Mapping};
use opendesk_tests::desktop::PATIENCE;
use opendesk_tests::rig::Rig;
use opendesk_tokio::{Client, ClientError};

use crate::run;

/// A host on a virtual desktop, the desktop seen from outside, and who drives it.
async fn drive() -> (Rig, Arc<VirtualDesktop>, Client) {
    let (rig, desktop) = Rig::on_virtual();
    rig.pair("controller").await;
    let client = rig.connect("controller").await.expect("the host is there");
    (rig, desktop, client)
}

async fn capture(client: &Client, params: &CaptureParams) -> Picture {
    client.capture(params).await.expect("the host takes pictures")
}

fn whole() -> CaptureParams {
    CaptureParams::default()
}

fn part(x: f64, y: f64, width: f64, height: f64) -> CaptureParams {
    CaptureParams { region: Some(Rect::new(x, y, width, height)), ..whole() }
}

fn window(id: &str) -> CaptureParams {
    CaptureParams { window_id: Some(id.to_owned()), ..whole() }
}

fn unless(picture: &Picture, params: &CaptureParams) -> CaptureParams {
    CaptureParams { unless_shot: Some(picture.shot_id), ..params.clone() }
}

/// Why a call was refused.
fn refusal<T: core::fmt::Debug>(outcome: Result<T, ClientError>) -> Error {
    match outcome {
        Err(ClientError::Call(error)) => error,
        other => panic!("it is refused: {other:?}"),
    }
}

/// What a picture shows, decoded as a stream's first picture is.
fn shown(picture: &Picture) -> Canvas {
    let Picture { format, width, height, area, display_id, captured_at, screen, data, .. } = picture.clone();
    let patches = vec![Patch { x: 0, y: 0, width, height, data }];
    let mut canvas = Canvas::new();
    canvas
        .apply(&ScreenUpdate { keyframe: true, format, width, height, area, display_id, captured_at, screen, patches })
        .expect("a whole picture");
    canvas
}

/// Where an element is, as the accessibility tree says.
async fn bounds(client: &Client, role: &str, name: &str) -> Rect {
    let tree = client.ui_tree(&TreeParams::default()).await.expect("the host has a tree");
    let found = tree.find(role, name).unwrap_or_else(|| panic!("no {role} {name}"));
    found.bounds.expect("it can be seen")
}

fn pointer(action: PointerAction, point: Point) -> PointerEvent {
    PointerEvent { action, point, button: None, modifiers: vec![], dx: 0.0, dy: 0.0 }
}

#[test]
fn each_picture_has_a_name_of_its_own() {
    run(async {
        let (_rig, desktop, client) = drive().await;
        let mut names = BTreeSet::new();
        for params in [whole(), whole(), part(0.0, 0.0, 50.0, 40.0), window("virtual-2"), whole()] {
            let picture = capture(&client, &params).await;
            assert!(!picture.unchanged && !picture.data.is_empty());
            assert!(picture.shot_id != 0 && names.insert(picture.shot_id), "{} again", picture.shot_id);
        }
        desktop.lock(&Cancel::new()).unwrap();
        assert!(names.insert(capture(&client, &whole()).await.shot_id));
        let small = part(10.0, 10.0, 20.0, 20.0);
        for picture in join_all((0..40).map(|_| capture(&client, &small))).await {
            assert!(names.insert(picture.shot_id), "{} again", picture.shot_id);
        }
    });
}

#[test]
fn what_the_controller_has_is_not_sent_again_until_it_changes() {
    run(async {
        let (_rig, desktop, client) = drive().await;
        let first = capture(&client, &whole()).await;
        for _ in 0..3 {
            let same = capture(&client, &unless(&first, &whole())).await;
            assert_eq!(same, Picture { unchanged: true, data: vec![], ..first.clone() });
        }
        // Nothing of these is to be seen.
        desktop.clipboard_write(&Default::default()).unwrap();
        client.pointer(&pointer(PointerAction::Move, Point::new(3.0, 4.0))).await.unwrap();
        assert!(capture(&client, &unless(&first, &whole())).await.unchanged);

        client.text(&TextInput { text: "x".into(), interval_ms: 0 }).await.unwrap();
        let second = capture(&client, &unless(&first, &whole())).await;
        assert!(!second.unchanged && second.shot_id != first.shot_id);
        assert!(shown(&second).pixels() != shown(&first).pixels());
        assert!(shown(&second).pixels() == shown(&capture(&client, &whole()).await).pixels());
        assert!(capture(&client, &unless(&second, &whole())).await.unchanged);
        assert!(!capture(&client, &unless(&first, &whole())).await.unchanged, "it is not as it was then");
    });
}

#[test]
fn a_picture_of_something_else_is_a_picture() {
    run(async {
        let (_rig, _desktop, client) = drive().await;
        let (here, there) = (part(0.0, 0.0, 60.0, 50.0), part(60.0, 0.0, 60.0, 50.0));
        let first = capture(&client, &here).await;
        assert!(capture(&client, &unless(&first, &here)).await.unchanged, "the control");
        for other in [
            there,
            whole(),
            window("virtual-1"),
            CaptureParams { format: PictureFormat::Webp, ..here.clone() },
            CaptureParams { cursor: true, ..here.clone() },
            CaptureParams { display_id: Some("1".into()), ..here.clone() },
        ] {
            let picture = capture(&client, &unless(&first, &other)).await;
            assert!(!picture.unchanged && !picture.data.is_empty(), "{other:?}");
            assert!(capture(&client, &unless(&picture, &other)).await.unchanged, "{other:?}");
        }
        // Names that no picture has.
        for unknown in [0, first.shot_id + 1_000_000, u64::MAX] {
            let asked = CaptureParams { unless_shot: Some(unknown), ..here.clone() };
            let picture = capture(&client, &asked).await;
            assert!(!picture.unchanged && shown(&picture).pixels() == shown(&first).pixels(), "{unknown}");
        }
    });
}

#[test]
fn the_pointer_is_a_change_where_it_is_drawn() {
    run(async {
        let (_rig, _desktop, client) = drive().await;
        let drawn = CaptureParams { cursor: true, ..whole() };
        let (without, with) = (capture(&client, &whole()).await, capture(&client, &drawn).await);
        client.pointer(&pointer(PointerAction::Move, Point::new(30.0, 700.0))).await.unwrap();
        assert!(capture(&client, &unless(&without, &whole())).await.unchanged);
        let moved = capture(&client, &unless(&with, &drawn)).await;
        assert!(!moved.unchanged && shown(&moved).pixels() != shown(&with).pixels());
    });
}

#[test]
fn a_budget_of_bytes_makes_a_jpeg_that_still_says_where_things_are() {
    run(async {
        let (_rig, desktop, client) = drive().await;
        let free = capture(&client, &whole()).await;
        assert_eq!(free.format, PictureFormat::Png);
        let exact = u32::try_from(free.data.len()).unwrap();
        let kept = capture(&client, &CaptureParams { max_bytes: Some(exact), ..whole() }).await;
        assert_eq!((kept.format, &kept.data), (PictureFormat::Png, &free.data), "it is within its budget");

        let button = bounds(&client, "push button", "Count").await;
        for max_bytes in [exact - 1, exact / 3, 4000, 1024] {
            let picture = capture(&client, &CaptureParams { max_bytes: Some(max_bytes), ..whole() }).await;
            assert!(picture.data.len() <= max_bytes as usize, "{max_bytes}: {picture:?}");
            assert_eq!((picture.format, picture.area), (PictureFormat::Jpeg, free.area), "{max_bytes}");
            let canvas = shown(&picture);
            assert_eq!((canvas.width(), canvas.height()), (picture.width, picture.height));
            let (mapping, middle) = (Mapping::of(&picture), button.center());
            let (x, y) = mapping.to_picture(middle).unwrap();
            let back = mapping.to_desktop(f64::from(x), f64::from(y)).unwrap();
            let pixel = picture.area.width / f64::from(picture.width);
            assert!((back.x - middle.x).abs() <= pixel && (back.y - middle.y).abs() <= pixel, "{max_bytes}: {back:?}");
        }
        // A click on what the smaller picture shows.
        let picture = capture(&client, &CaptureParams { max_bytes: Some(exact / 3), ..whole() }).await;
        let mapping = Mapping::of(&picture);
        let (x, y) = mapping.to_picture(button.center()).unwrap();
        let point = mapping.to_desktop(f64::from(x), f64::from(y)).unwrap();
        for action in [PointerAction::Down, PointerAction::Up] {
            client.pointer(&pointer(action, point)).await.unwrap();
        }
        assert_eq!(desktop.counter(), 1);

        let few = refusal(client.capture(&CaptureParams { max_bytes: Some(1023), ..whole() }).await);
        assert!(few.code == ErrorCode::InvalidArgument && few.message.contains("1024"), "{few}");
        let raw = CaptureParams { format: PictureFormat::RawRgb, max_bytes: Some(exact), ..whole() };
        assert_eq!(refusal(client.capture(&raw).await).code, ErrorCode::LimitExceeded, "raw pixels stay what they are");
    });
}

#[test]
fn every_format_shows_the_same() {
    run(async {
        let (_rig, desktop, client) = drive().await;
        let area = CaptureArea { window_id: Some("virtual-2".into()), ..CaptureArea::default() };
        let frame = desktop.capture(&area).unwrap();
        let expected: Vec<u8> = frame.pixels.chunks_exact(4).flat_map(|pixel| [pixel[2], pixel[1], pixel[0]]).collect();
        let sized = (frame.width, frame.height, frame.area);
        for (format, begins) in [
            (PictureFormat::Png, &b"\x89PNG\r\n\x1a\n"[..]),
            (PictureFormat::Webp, b"RIFF"),
            (PictureFormat::RawRgb, b""),
            (PictureFormat::RawRgba, b""),
        ] {
            let picture = capture(&client, &CaptureParams { format, ..window("virtual-2") }).await;
            assert_eq!((picture.format, (picture.width, picture.height, picture.area)), (format, sized));
            assert!(picture.data.starts_with(begins), "{format:?}");
            assert!(shown(&picture).pixels() == expected, "{format:?}");
        }
        let jpeg = capture(&client, &CaptureParams { format: PictureFormat::Jpeg, ..window("virtual-2") }).await;
        assert!(jpeg.format == PictureFormat::Jpeg && jpeg.data.starts_with(b"\xff\xd8\xff"), "{jpeg:?}");
        assert_eq!((jpeg.width, jpeg.height, jpeg.area), sized);
        // It loses something of every pixel, and little of all of them together.
        let canvas = shown(&jpeg);
        let differences = canvas.pixels().iter().zip(&expected).map(|(one, other)| u64::from(one.abs_diff(*other)));
        let each = differences.sum::<u64>() as f64 / expected.len() as f64;
        assert!(canvas.pixels().len() == expected.len() && each < 6.0, "{each} a channel");
    });
}

#[test]
fn a_window_is_shown_by_its_id_also_where_another_covers_it() {
    run(async {
        let (_rig, _desktop, client) = drive().await;
        let windows = client.call::<WindowsList>(&()).await.unwrap();
        let place = |id: &str| windows.iter().find(|window| window.id == id).unwrap().bounds.unwrap();
        let (notes, controls) = (place("virtual-1"), place("virtual-2"));
        let own = CaptureParams { format: PictureFormat::RawRgb, ..window("virtual-2") };
        let there = CaptureParams { window_id: None, region: Some(controls), ..own.clone() };
        let before = capture(&client, &own).await;
        assert_eq!(before.area, controls);
        assert!(before.data == capture(&client, &there).await.data, "nothing covers it");

        let over = Rect { x: 1280.0 - notes.width, ..notes };
        let moved = MoveWindowParams { window_id: "virtual-1".into(), bounds: over };
        assert_eq!(client.call::<WindowsMove>(&moved).await.unwrap(), Effect::Confirmed);
        assert!(before.data != capture(&client, &there).await.data, "the other window is in front of it");
        let after = capture(&client, &own).await;
        assert!(before.data == after.data && after.area == controls);

        let inside = Rect::new(controls.x + 10.0, controls.y + 20.0, 30.0, 40.0);
        let corner = capture(&client, &CaptureParams { region: Some(inside), ..own.clone() }).await;
        assert_eq!((corner.area, corner.width, corner.height), (inside, 30, 40));
        let outside = CaptureParams { region: Some(Rect { x: controls.x - 1.0, ..inside }), ..own.clone() };
        assert_eq!(refusal(client.capture(&outside).await).code, ErrorCode::InvalidArgument);
        assert_eq!(refusal(client.capture(&window("virtual-9")).await).code, ErrorCode::NotFound);
    });
}

#[test]
fn a_locked_and_a_sleeping_screen_are_called_so() {
    run(async {
        let (_rig, desktop, client) = drive().await;
        let open = capture(&client, &whole()).await;
        assert_eq!(open.screen, ScreenState::Shown);
        assert_eq!(client.call::<PowerLock>(&()).await.unwrap(), Effect::Confirmed);
        let locked = capture(&client, &unless(&open, &whole())).await;
        assert_eq!((locked.unchanged, locked.screen), (false, ScreenState::Locked));
        let again = capture(&client, &unless(&locked, &whole())).await;
        assert_eq!((again.unchanged, again.screen), (true, ScreenState::Locked));
        assert_eq!(refusal(client.capture(&window("virtual-1")).await).code, ErrorCode::InvalidArgument);

        desktop.sleep();
        let dark = capture(&client, &unless(&locked, &whole())).await;
        assert_eq!((dark.unchanged, dark.screen), (false, ScreenState::Asleep));
        assert!(shown(&dark).pixels().iter().all(|byte| *byte == 0));
        assert_eq!(capture(&client, &part(5.0, 5.0, 10.0, 10.0)).await.screen, ScreenState::Asleep);

        // Input wakes it, and Return unlocks it.
        client.pointer(&pointer(PointerAction::Move, Point::new(9.0, 9.0))).await.unwrap();
        assert_eq!(capture(&client, &whole()).await.screen, ScreenState::Locked);
        for action in [Press::Down, Press::Up] {
            let event = KeyEvent { action, keysym: "return".into(), modifiers: vec![] };
            assert_eq!(client.key(&event).await.unwrap(), Effect::Confirmed);
        }
        let back = capture(&client, &whole()).await;
        assert!(back.screen == ScreenState::Shown && shown(&back).pixels() == shown(&open).pixels());
    });
}

#[test]
fn a_stream_tells_when_the_screen_goes_dark_and_when_it_is_back() {
    run(async {
        let (_rig, desktop, client) = drive().await;
        let mut pictures = client.watch(&SubscribeParams { fps: 60, ..SubscribeParams::default() }).await.unwrap();
        let mut canvas = Canvas::new();
        let mut next = async || {
            let update = tokio::time::timeout(PATIENCE, pictures.next()).await.unwrap().unwrap().unwrap();
            canvas.apply(&update).unwrap();
            (update.screen, canvas.pixels().to_vec())
        };
        let (state, open) = next().await;
        assert_eq!(state, ScreenState::Shown);
        desktop.sleep();
        let (state, dark) = next().await;
        assert_eq!(state, ScreenState::Asleep);
        assert!(dark.iter().all(|byte| *byte == 0));
        client.pointer(&pointer(PointerAction::Move, Point::new(9.0, 9.0))).await.unwrap();
        let (state, back) = next().await;
        assert!(state == ScreenState::Shown && back == open);
        desktop.lock(&Cancel::new()).unwrap();
        assert_eq!(next().await.0, ScreenState::Locked);
    });
}
