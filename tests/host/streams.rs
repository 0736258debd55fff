//! Pictures that come by themselves, and what a controller may ask again after its connection was lost.

use core::time::Duration;

use opendesk_core::{ErrorCode, limits};
use opendesk_std::api::{
    Button, DisplaySubscribe, Patch, Picture, PointerAction, PointerEvent, Press, ScreenUpdate, SubscribeParams,
    TextInput, TreeParams, encode,
};
use opendesk_std::desktop::Computer;
use opendesk_std::picture::Canvas;
use opendesk_tests::rig::Rig;
use opendesk_tokio::{Client, ClientError};

use crate::run;

const LIMIT: Duration = Duration::from_secs(20);

fn fast() -> SubscribeParams {
    SubscribeParams { fps: 60, ..SubscribeParams::default() }
}

/// What one picture shows now.
async fn now(client: &Client) -> Canvas {
    let Picture { format, width, height, area, display_id, captured_at, screen, data, .. } =
        client.capture(&fast().capture).await.expect("the host takes pictures");
    let patches = vec![Patch { x: 0, y: 0, width, height, data }];
    let update = ScreenUpdate { keyframe: true, format, width, height, area, display_id, captured_at, screen, patches };
    let mut canvas = Canvas::new();
    canvas.apply(&update).expect("a picture");
    canvas
}

/// The entries of a log with this kind.
fn of_kind<'a>(log: &'a [serde_json::Value], kind: &str) -> Vec<&'a serde_json::Value> {
    log.iter().filter(|entry| entry["type"] == kind).collect()
}

#[test]
fn a_picture_comes_when_something_has_changed_and_not_otherwise() {
    run(async {
        let (rig, desktop) = Rig::on_virtual();
        rig.pair("controller").await;
        let client = rig.connect("controller").await.unwrap();
        let mut pictures = client.watch(&fast()).await.unwrap();
        let first = pictures.next().await.unwrap().unwrap();
        let none = tokio::time::timeout(Duration::from_millis(300), pictures.next()).await;
        assert!(none.is_err(), "nothing has changed");
        let tree = client.ui_tree(&TreeParams::default()).await.unwrap();
        let button = tree.find("push button", "Count").unwrap().bounds.unwrap().center();
        desktop.move_pointer(button).unwrap();
        desktop.button(Button::Left, Press::Down).unwrap();
        desktop.button(Button::Left, Press::Up).unwrap();
        let second = tokio::time::timeout(LIMIT, pictures.next()).await.unwrap().unwrap().unwrap();
        assert_eq!((first.width, first.height), (second.width, second.height));
        assert!(first.keyframe && !second.keyframe);
        let sent = |update: &ScreenUpdate| update.patches.iter().map(|patch| patch.data.len()).sum::<usize>();
        assert!(sent(&second) < sent(&first), "{second:?} after {first:?}");
        let mut canvas = Canvas::new();
        canvas.apply(&first).unwrap();
        canvas.apply(&second).unwrap();
        assert!(canvas.pixels() == now(&client).await.pixels(), "the picture with its change is how it is now");
        drop(pictures);
        // A stream that was dropped is over, and the session lives.
        client.capabilities().await.unwrap();
        client.close().await;
        let log = rig.stop().await;
        assert_eq!(of_kind(&log, "stream.started").len(), 1);
        let [ended] = of_kind(&log, "stream.ended")[..] else { panic!("one stream has ended: {log:?}") };
        assert_eq!((&ended["method"], &ended["error_code"]), (&"display.subscribe".into(), &"cancelled".into()));
        assert!(ended["items"].as_u64() >= Some(2) && ended["bytes"].as_u64() > Some(1000), "{ended}");
    });
}

/// W24: one second of not reading, at many pictures a second, costs pictures and nothing else.
#[test]
fn a_reader_that_pauses_misses_pictures_and_gets_the_newest() {
    run(async {
        let (rig, desktop) = Rig::on_virtual();
        rig.pair("controller").await;
        let client = rig.connect("controller").await.unwrap();
        let mut pictures = client.watch(&fast()).await.unwrap();
        let mut canvas = Canvas::new();
        canvas.apply(&pictures.next().await.unwrap().unwrap()).unwrap();
        for x in 0..400 {
            desktop.move_pointer(opendesk_std::api::Point::new(f64::from(x), 5.0)).unwrap();
            desktop.type_text("x", Duration::ZERO, &opendesk_std::Cancel::new()).unwrap();
            client.cursor_position().await.unwrap();
        }
        canvas.apply(&pictures.next().await.unwrap().unwrap()).unwrap();
        let mut seen = 1;
        while let Ok(next) = tokio::time::timeout(Duration::from_millis(500), pictures.next()).await {
            canvas.apply(&next.unwrap().unwrap()).unwrap();
            seen += 1;
        }
        assert!(seen < 400, "{seen} pictures waited for a reader that did not read");
        assert!(canvas.pixels() == now(&client).await.pixels(), "the last one shows how it is now");
    });
}

#[test]
fn a_stream_ends_with_its_session_and_says_why() {
    run(async {
        let (rig, _) = Rig::on_virtual();
        rig.pair("controller").await;
        let client = rig.connect("controller").await.unwrap();
        let mut pictures = client.watch(&fast()).await.unwrap();
        pictures.next().await.unwrap().unwrap();
        rig.handle.disconnect().await.unwrap();
        let end = tokio::time::timeout(LIMIT, pictures.next()).await.unwrap();
        assert!(matches!(end, Some(Err(ClientError::Closed(opendesk_core::Reason::EVICTED)))), "{end:?}");
        assert!(pictures.next().await.is_none());
    });
}

#[test]
fn a_stream_that_cannot_be_is_refused_in_one_line() {
    run(async {
        let (rig, _) = Rig::on_virtual();
        rig.pair("controller").await;
        let client = rig.connect("controller").await.unwrap();
        let mut pictures = client.watch(&SubscribeParams { fps: 0, ..SubscribeParams::default() }).await.unwrap();
        let Some(Err(ClientError::Call(error))) = pictures.next().await else { panic!("it is refused") };
        assert_eq!(error.code, ErrorCode::InvalidArgument);
        assert!(error.message.contains("1 to 60"), "{error}");
        assert!(pictures.next().await.is_none());
        let much = client.subscribe::<DisplaySubscribe>(&fast(), limits::WINDOW_BYTES + 1).await.unwrap_err();
        assert!(matches!(&much, ClientError::Call(error) if error.code == ErrorCode::InvalidArgument), "{much:?}");
        client.capabilities().await.unwrap();
    });
}

const TYPED: &str = "once";

async fn type_it(client: &Client, operation: [u8; 16]) -> Result<Vec<u8>, ClientError> {
    let params = encode(&TextInput { text: TYPED.into(), interval_ms: 0 }).expect("the host takes it");
    client.call_for(operation, "input.text", params, LIMIT).await
}

async fn focus_the_editor(client: &Client) {
    let tree = client.ui_tree(&TreeParams::default()).await.expect("the host takes it");
    let point = tree.find("text", "Note").expect("the host takes it").bounds.expect("the host takes it").center();
    for action in [PointerAction::Move, PointerAction::Down, PointerAction::Up] {
        let event = PointerEvent { action, point, button: None, modifiers: vec![], dx: 0.0, dy: 0.0 };
        client.pointer(&event).await.expect("the host takes it");
    }
}

#[test]
fn an_action_that_is_asked_for_again_in_a_later_session_is_done_once() {
    run(async {
        let (rig, desktop) = Rig::on_virtual();
        rig.pair("controller").await;
        let first = rig.connect("controller").await.unwrap();
        focus_the_editor(&first).await;
        type_it(&first, [7; 16]).await.unwrap();
        let memory = first.memory();
        first.close().await;
        let second = rig.connect("controller").await.unwrap();
        assert_eq!(second.memory(), memory);
        type_it(&second, [7; 16]).await.unwrap();
        assert_eq!(desktop.editor_text(), TYPED);
        type_it(&second, [8; 16]).await.unwrap();
        assert_eq!(desktop.editor_text(), TYPED.repeat(2), "another operation is another matter");
        second.close().await;
        let log = rig.stop().await;
        let of_typing = |kind: &str| of_kind(&log, kind).iter().filter(|entry| entry["method"] == "input.text").count();
        assert_eq!((of_typing("call.started"), of_kind(&log, "call.repeated").len()), (2, 1));
    });
}

#[test]
fn a_failure_is_told_again_in_its_own_words() {
    run(async {
        let (rig, _) = Rig::on_virtual();
        rig.pair("controller").await;
        let client = rig.connect("controller").await.unwrap();
        let params = encode(&TextInput { text: "\u{1b}".into(), interval_ms: 0 }).unwrap();
        let ask = async || client.call_for([9; 16], "input.text", params.clone(), LIMIT).await.unwrap_err().to_string();
        let (first, again) = (ask().await, ask().await);
        assert_eq!(first, again);
    });
}

/// The controller goes in the middle of a long text; what was typed by then stays typed, and the later session is told so.
#[test]
fn what_a_lost_session_really_did_is_what_a_later_one_is_told() {
    run(async {
        let (rig, desktop) = Rig::on_virtual();
        rig.pair("controller").await;
        let first = rig.connect("controller").await.unwrap();
        focus_the_editor(&first).await;
        let long = encode(&TextInput { text: "y".repeat(500), interval_ms: 20 }).unwrap();
        let typing = tokio::spawn({
            let (first, long) = (first.clone(), long.clone());
            async move { first.call_for([5; 16], "input.text", long, LIMIT).await }
        });
        while desktop.editor_text().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        rig.handle.disconnect().await.unwrap();
        assert!(typing.await.unwrap().is_err());
        let second = rig.connect("controller").await.unwrap();
        let typed = desktop.editor_text();
        assert!(!typed.is_empty() && typed.len() < 500);
        let told = second.call_for([5; 16], "input.text", long, LIMIT).await.unwrap_err();
        assert!(matches!(&told, ClientError::Call(error) if error.code == ErrorCode::Cancelled), "{told:?}");
        assert_eq!(desktop.editor_text(), typed, "nothing more was typed");
    });
}

#[test]
fn a_fifth_stream_of_pictures_is_refused() {
    run(async {
        let (rig, _desktop) = Rig::on_virtual();
        rig.pair("controller").await;
        let client = rig.connect("controller").await.unwrap();
        let mut open = Vec::new();
        for _ in 0..4 {
            let mut pictures = client.watch(&fast()).await.unwrap();
            assert!(pictures.next().await.unwrap().unwrap().keyframe);
            open.push(pictures);
        }
        let mut fifth = client.watch(&fast()).await.unwrap();
        let refused = fifth.next().await.unwrap().unwrap_err();
        assert!(matches!(&refused, ClientError::Call(error) if error.code == ErrorCode::LimitExceeded), "{refused}");
        drop(open);
        client.capabilities().await.unwrap();
        let mut again = client.watch(&fast()).await.unwrap();
        assert!(again.next().await.unwrap().unwrap().keyframe, "those that ended make room");
    });
}
