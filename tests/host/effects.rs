//! What actions say that they did, over the link; and windows and applications by name.

use std::sync::Arc;

use opendesk_core::ErrorCode;
use opendesk_std::api::{
    App, AppParams, AppsClose, AppsInstalled, AppsList, AppsOpen, ClipboardContents, ClipboardEntry, Effect,
    ElementTarget, KeyEvent, Point, PointerAction, PointerEvent, PowerLock, Press, TextInput, TreeParams, UiAction,
    UiActionParams, WindowCloseParams, WindowParams, WindowsClose, WindowsFocus, WindowsFocused, WindowsList,
};
use opendesk_std::desktop::r#virtual::VirtualDesktop;
use opendesk_tests::rig::Rig;
use opendesk_tokio::{Client, ClientError};

use crate::run;

async fn drive() -> (Rig, Arc<VirtualDesktop>, Client) {
    let (rig, desktop) = Rig::on_virtual();
    rig.pair("controller").await;
    let client = rig.connect("controller").await.expect("the host is there");
    (rig, desktop, client)
}

async fn point(client: &Client, action: PointerAction, point: Point) -> Effect {
    let event = PointerEvent { action, point, button: None, modifiers: vec![], dx: 0.0, dy: 1.0 };
    client.pointer(&event).await.expect("the desktop takes it")
}

async fn key(client: &Client, keysym: &str) -> [Effect; 2] {
    let event = |action| KeyEvent { action, keysym: keysym.into(), modifiers: vec![] };
    let down = client.key(&event(Press::Down)).await.expect("the desktop has the key");
    [down, client.key(&event(Press::Up)).await.expect("the desktop has the key")]
}

async fn text(client: &Client, text: &str) -> Effect {
    client.text(&TextInput { text: text.into(), interval_ms: 0 }).await.expect("the desktop takes it")
}

async fn close(client: &Client, id: &str, force: bool) -> Result<Effect, ClientError> {
    client.call::<WindowsClose>(&WindowCloseParams { window_id: id.into(), force }).await
}

fn focus(id: &str) -> WindowParams {
    WindowParams { window_id: id.into() }
}

fn code<T: core::fmt::Debug>(outcome: Result<T, ClientError>) -> ErrorCode {
    match outcome {
        Err(ClientError::Call(error)) => error.code,
        other => panic!("it is refused: {other:?}"),
    }
}

#[test]
fn what_was_read_back_is_confirmed_and_what_did_nothing_is_called_so() {
    run(async {
        let (_rig, desktop, client) = drive().await;
        let corner = Point::new(2.0, 2.0);
        assert_eq!(point(&client, PointerAction::Move, corner).await, Effect::Confirmed);
        assert_eq!(point(&client, PointerAction::Scroll, corner).await, Effect::NoEffect, "nothing is there to scroll");
        assert_eq!((text(&client, "ab").await, text(&client, "").await), (Effect::Confirmed, Effect::NoEffect));
        assert_eq!(key(&client, "c").await, [Effect::Confirmed, Effect::Confirmed]);
        assert_eq!(key(&client, "f12").await, [Effect::NoEffect, Effect::Confirmed]);
        assert_eq!(desktop.editor_text(), "abc");
        let entry = ClipboardEntry { mime_type: "text/plain".into(), data: b"kept".to_vec() };
        let contents = ClipboardContents { entries: vec![entry] };
        assert_eq!(client.clipboard_write(&contents).await.unwrap(), Effect::Confirmed);
        assert_eq!(client.clipboard_read().await.unwrap(), contents);

        let tree = client.ui_tree(&TreeParams::default()).await.unwrap();
        let button = tree.find("push button", "Count").unwrap();
        let target = ElementTarget { reference: button.reference.clone(), ..ElementTarget::default() };
        let click = UiActionParams { target, action: "click".into(), app: None };
        assert_eq!(client.call::<UiAction>(&click).await.unwrap(), Effect::Confirmed);
        assert_eq!(desktop.counter(), 1);
    });
}

#[test]
fn what_only_a_part_of_was_taken_is_not_vouched_for() {
    run(async {
        let (_rig, desktop, client) = drive().await;
        let tree = client.ui_tree(&TreeParams::default()).await.unwrap();
        let button = tree.find("push button", "Count").unwrap().bounds.unwrap().center();
        for action in [PointerAction::Down, PointerAction::Up] {
            assert_eq!(point(&client, action, button).await, Effect::Confirmed);
        }
        assert_eq!(desktop.counter(), 1);
        // The button has the keyboard: letters are nothing to it, and a space presses it.
        assert_eq!(text(&client, "letters").await, Effect::NoEffect);
        assert_eq!(text(&client, "x ").await, Effect::Unverifiable);
        assert_eq!(text(&client, " ").await, Effect::Confirmed);
        assert_eq!(desktop.counter(), 3);
    });
}

#[test]
fn a_locked_desktop_takes_nothing_and_says_so() {
    run(async {
        let (_rig, desktop, client) = drive().await;
        assert_eq!(client.call::<PowerLock>(&()).await.unwrap(), Effect::Confirmed);
        assert_eq!(text(&client, "secret").await, Effect::NoEffect);
        assert_eq!(key(&client, "a").await, [Effect::NoEffect, Effect::Confirmed]);
        assert_eq!(client.call::<WindowsFocus>(&focus("virtual-2")).await.unwrap(), Effect::NoEffect);
        assert_eq!(close(&client, "virtual-1", true).await.unwrap(), Effect::NoEffect);
        assert_eq!(client.call::<AppsOpen>(&AppParams { name: "Controls".into() }).await.unwrap(), Effect::NoEffect);
        assert_eq!(key(&client, "return").await, [Effect::Confirmed, Effect::Confirmed], "this unlocks it");
        assert_eq!(desktop.editor_text(), "");
        assert_eq!(client.call::<WindowsList>(&()).await.unwrap().len(), 2);
        assert_eq!(client.call::<WindowsFocus>(&focus("virtual-2")).await.unwrap(), Effect::Confirmed);
        let front = client.call::<WindowsFocused>(&()).await.unwrap().unwrap();
        assert_eq!(front.id, "virtual-2");
    });
}

#[test]
fn a_window_is_closed_once_forced_or_not() {
    run(async {
        let (_rig, _desktop, client) = drive().await;
        for (id, force) in [("virtual-2", true), ("virtual-1", false)] {
            assert_eq!(close(&client, id, force).await.unwrap(), Effect::Confirmed);
            let listed = client.call::<WindowsList>(&()).await.unwrap();
            assert!(listed.iter().all(|window| window.id != id), "{listed:?}");
            for force in [true, false] {
                assert_eq!(code(close(&client, id, force).await), ErrorCode::NotFound, "{id}");
            }
        }
        assert_eq!(client.call::<AppsList>(&()).await.unwrap(), [""; 0]);
    });
}

#[test]
fn installed_applications_say_whether_they_run_and_are_opened_by_their_names() {
    run(async {
        let (_rig, _desktop, client) = drive().await;
        let app = |id: &str, name: &str, running| App { id: id.into(), name: name.into(), running };
        let named = |name: &str| AppParams { name: name.into() };
        let both = [app("notes", "Notes", true), app("controls", "Controls", true)];
        assert_eq!(client.call::<AppsInstalled>(&()).await.unwrap(), both);
        assert_eq!(client.call::<AppsClose>(&named("Controls")).await.unwrap(), Effect::Confirmed);
        let one = [app("notes", "Notes", true), app("controls", "Controls", false)];
        assert_eq!(client.call::<AppsInstalled>(&()).await.unwrap(), one);
        assert_eq!(client.call::<AppsOpen>(&named("controls")).await.unwrap(), Effect::Confirmed);
        assert_eq!(client.call::<AppsInstalled>(&()).await.unwrap(), both);
        assert_eq!(client.call::<AppsList>(&()).await.unwrap(), ["Notes", "Controls"]);
        assert_eq!(code(client.call::<AppsOpen>(&named("Solitaire")).await), ErrorCode::NotFound);
    });
}
