//! Streams of a desktop on which nothing happens: they sleep, wake, and leave nothing behind.

use core::time::Duration;
use std::sync::Arc;

use futures_util::future::join;
use opendesk_std::Cancel;
use opendesk_std::api::{
    CaptureParams, DisplaySubscribe, Effect, Patch, Point, PointerAction, PointerEvent, Rect, ScreenUpdate,
    SubscribeParams, TextInput, WindowsList,
};
use opendesk_std::desktop::Computer;
use opendesk_std::picture::Canvas;
use opendesk_tests::desktop::PATIENCE;
use opendesk_tests::rig::Rig;
use opendesk_tokio::{Client, Notice, Subscription};

use crate::watched::{Look, Watched, wait_until};
use crate::{pass, run};

fn fast() -> SubscribeParams {
    SubscribeParams { fps: 60, ..SubscribeParams::default() }
}

/// A host on such a desktop that knows two controllers.
async fn host() -> (Rig, Arc<Watched>) {
    let watched = Arc::new(Watched::default());
    let rig = Rig::start(Arc::clone(&watched) as Arc<dyn Computer>);
    rig.pair("first").await;
    rig.pair("second").await;
    (rig, watched)
}

async fn next(pictures: &mut Subscription<DisplaySubscribe>) -> ScreenUpdate {
    let item = tokio::time::timeout(PATIENCE, pictures.next()).await.expect("a picture comes");
    item.expect("the stream goes on").expect("the host shows its desktop")
}

fn type_something(watched: &Watched) {
    let typed = watched.desktop.type_text("x", Duration::ZERO, &Cancel::new());
    assert_eq!(typed, Ok(Effect::Confirmed));
}

/// Much more than there are looks of a stream that sleeps, which looks up now and then, in the time of [`go_on`], and a
/// third of those of one that is awake.
const ROUNDS: usize = 20;

/// Lets much more time pass than there is between two pictures, this often, and has the host do something else in it, on
/// both of the threads that look.
async fn go_on(client: &Client) {
    for _ in 0..ROUNDS {
        pass(Duration::from_millis(100)).await;
        let (pointer, windows) = join(client.cursor_position(), client.call::<WindowsList>(&())).await;
        pointer.expect("the host answers");
        windows.expect("the host answers");
    }
}

#[test]
fn a_desktop_on_which_nothing_changes_is_not_looked_at() {
    run(async {
        let (rig, watched) = host().await;
        let client = rig.connect("first").await.unwrap();
        let mut pictures = client.watch(&fast()).await.unwrap();
        let mut canvas = Canvas::new();
        canvas.apply(&next(&mut pictures).await).unwrap();
        watched.falls_asleep().await;
        assert_eq!(watched.count(Look::Capture), 1);
        let before = watched.looks().len();
        go_on(&client).await;
        assert_eq!(watched.count(Look::Capture), 1, "{:?}", watched.looks());
        assert!(watched.looks().len() < before + ROUNDS, "{:?}", watched.looks());

        type_something(&watched);
        let update = next(&mut pictures).await;
        assert!(!update.keyframe && !update.patches.is_empty(), "{update:?}");
        canvas.apply(&update).unwrap();
        watched.falls_asleep().await;
        assert_eq!(watched.count(Look::Capture), 2, "one change is one picture");

        // The pointer is no part of the picture: whoever is woken by it sees that, and takes none.
        let slept = watched.count(Look::Sleep);
        watched.desktop.move_pointer(Point::new(7.0, 8.0)).unwrap();
        wait_until("the stream sleeps on", || watched.count(Look::Sleep) > slept).await;
        let before = watched.looks().len();
        go_on(&client).await;
        assert_eq!(watched.count(Look::Capture), 2, "{:?}", watched.looks());
        assert!(watched.looks().len() < before + ROUNDS, "{:?}", watched.looks());

        let whole = client.capture(&fast().capture).await.unwrap();
        let patches = vec![Patch { x: 0, y: 0, width: whole.width, height: whole.height, data: whole.data }];
        let mut now = Canvas::new();
        now.apply(&ScreenUpdate { keyframe: true, patches, ..update }).unwrap();
        assert!(canvas.pixels() == now.pixels(), "the first picture with its change is how it is now");
    });
}

#[test]
fn two_streams_that_sleep_are_both_woken() {
    run(async {
        let (rig, watched) = host().await;
        let client = rig.connect("first").await.unwrap();
        let region = Some(Rect::new(40.0, 40.0, 320.0, 160.0));
        let part = SubscribeParams { capture: CaptureParams { region, ..CaptureParams::default() }, fps: 60 };
        let (mut whole, mut part) = (client.watch(&fast()).await.unwrap(), client.watch(&part).await.unwrap());
        assert!(next(&mut whole).await.keyframe && next(&mut part).await.keyframe);
        for round in 1..=5 {
            wait_until("both fall asleep", || watched.count(Look::Sleep) >= 2 * round).await;
            type_something(&watched);
            let (whole, part) = (next(&mut whole).await, next(&mut part).await);
            assert!(!whole.keyframe && !part.keyframe);
            assert_eq!(Some(part.area), region);
        }
    });
}

#[test]
fn a_stream_that_is_cancelled_in_its_sleep_is_not_woken() {
    run(async {
        let (rig, watched) = host().await;
        let client = rig.connect("first").await.unwrap();
        let mut pictures = client.watch(&fast()).await.unwrap();
        next(&mut pictures).await;
        watched.falls_asleep().await;
        drop(pictures);
        // What it was about to ask, it asks before it hears of its end.
        go_on(&client).await;
        let before = watched.looks();
        type_something(&watched);
        go_on(&client).await;
        assert_eq!(watched.looks(), before);

        let mut pictures = client.watch(&fast()).await.unwrap();
        assert!(next(&mut pictures).await.keyframe, "another stream begins with a whole picture");
        watched.falls_asleep().await;
        type_something(&watched);
        assert!(!next(&mut pictures).await.keyframe);
        client.close().await;
        let log = rig.stop().await;
        for kind in ["stream.started", "stream.ended"] {
            assert_eq!(log.iter().filter(|entry| entry["type"] == kind).count(), 2, "{kind}");
        }
    });
}

#[test]
fn a_session_that_ends_while_its_stream_sleeps_leaves_nothing_behind() {
    run(async {
        let (rig, watched) = host().await;
        for ending in ["closed", "evicted", "replaced"] {
            let first = rig.connect("first").await.unwrap();
            let mut pictures = first.watch(&fast()).await.unwrap();
            next(&mut pictures).await;
            watched.falls_asleep().await;
            match ending {
                "closed" => first.close().await,
                "evicted" => assert_eq!(rig.handle.disconnect().await.unwrap(), 1),
                _ => rig.connect("first").await.unwrap().close().await,
            }
            let end = tokio::time::timeout(PATIENCE, pictures.next()).await.unwrap();
            assert!(end.is_none_or(|item| item.is_err()), "{ending}");
            rig.wait_for(|notice| matches!(notice, Notice::SessionEnded { .. })).await;
            if ending == "replaced" {
                rig.wait_for(|notice| matches!(notice, Notice::SessionEnded { .. })).await;
            }

            let second = rig.connect("second").await.unwrap();
            go_on(&second).await;
            let before = watched.looks();
            let typed = watched.desktop.editor_text();
            second.text(&TextInput { text: "y".into(), interval_ms: 0 }).await.unwrap();
            assert_eq!(watched.desktop.editor_text(), format!("{typed}y"), "{ending}");
            let point = Point::new(3.0, 4.0);
            let move_to =
                PointerEvent { action: PointerAction::Move, point, button: None, modifiers: vec![], dx: 0.0, dy: 0.0 };
            assert_eq!(second.pointer(&move_to).await.unwrap(), Effect::Confirmed);
            go_on(&second).await;
            assert_eq!(watched.looks(), before, "{ending}: the stream of the session before is gone");

            let mut pictures = second.watch(&fast()).await.unwrap();
            assert!(next(&mut pictures).await.keyframe, "{ending}");
            watched.falls_asleep().await;
            type_something(&watched);
            assert!(!next(&mut pictures).await.keyframe, "{ending}");
            second.close().await;
            rig.wait_for(|notice| matches!(notice, Notice::SessionEnded { .. })).await;
        }
    });
}
