//! Text that is only pixels, over the link: what a controller reads, and what it clicks on by its text.

use std::sync::Arc;

use opendesk_core::{ErrorCode, Reason};
use opendesk_std::api::{
    Effect, Error, OcrClick, OcrClickParams, OcrClicked, OcrParams, OcrRead, Rect, TreeParams, WindowParams,
    WindowsFocus,
};
use opendesk_std::desktop::Computer;
use opendesk_std::desktop::ocr::matches;
use opendesk_tests::desktop::PATIENCE;
use opendesk_tests::rig::Rig;
use opendesk_tokio::{Client, ClientError, Notice};

use crate::run;
use crate::watched::Watched;

/// The window with the button and its counter.
fn controls() -> OcrParams {
    OcrParams { window_id: Some("virtual-2".into()), ..OcrParams::default() }
}

fn text(text: &str, within: OcrParams) -> OcrClickParams {
    OcrClickParams { text: text.into(), clicks: 1, within, ..OcrClickParams::default() }
}

async fn click(client: &Client, params: &OcrClickParams) -> Result<OcrClicked, ClientError> {
    client.call_within::<OcrClick>(params, PATIENCE).await
}

/// Why nothing was clicked on.
async fn refusal(client: &Client, params: &OcrClickParams) -> Error {
    match click(client, params).await {
        Err(ClientError::Call(error)) => error,
        other => panic!("{params:?} is refused: {other:?}"),
    }
}

async fn bounds(client: &Client, role: &str, name: &str) -> Rect {
    let tree = client.ui_tree(&TreeParams::default()).await.expect("the host has a tree");
    let found = tree.find(role, name).unwrap_or_else(|| panic!("no {role} {name}"));
    found.bounds.expect("it can be seen")
}

/// Takes the keyboard from the button: the frame around one that has it is taken for a part of its letters.
async fn calm(client: &Client) {
    let notes = WindowParams { window_id: "virtual-1".into() };
    assert_eq!(client.call::<WindowsFocus>(&notes).await.expect("it is open"), Effect::Confirmed);
}

#[test]
fn words_are_read_where_they_stand() {
    run(async {
        let (rig, _desktop) = Rig::on_virtual();
        rig.pair("controller").await;
        let client = rig.connect("controller").await.unwrap();
        let capabilities = client.capabilities().await.unwrap().capabilities;
        assert!(capabilities.iter().any(|name| name == "ocr"), "tesseract is installed: {capabilities:?}");
        let window = bounds(&client, "window", "Controls").await;
        let read = client.call_within::<OcrRead>(&controls(), PATIENCE).await.unwrap();
        assert_eq!(read.area, window);
        for (word, role, name) in [("Count", "push button", "Count"), ("Remember", "check box", "Remember me")] {
            let place = bounds(&client, role, name).await;
            let found = matches(&read, word);
            assert_eq!(found.len(), 1, "{word}: {:?}", read.words);
            assert!(place.contains(found[0].bounds.center()), "{word}: {found:?}, {place:?}");
        }
        assert!(read.words.iter().all(|word| window.contains(word.bounds.center())), "{:?}", read.words);
        let missing = OcrParams { window_id: Some("virtual-9".into()), ..OcrParams::default() };
        let error = client.call_within::<OcrRead>(&missing, PATIENCE).await.unwrap_err();
        assert!(matches!(&error, ClientError::Call(error) if error.code == ErrorCode::NotFound), "{error:?}");
    });
}

#[test]
fn a_button_is_clicked_by_its_text() {
    run(async {
        let (rig, desktop) = Rig::on_virtual();
        rig.pair("controller").await;
        let client = rig.connect("controller").await.unwrap();
        let button = bounds(&client, "push button", "Count").await;
        let around = Rect::new(button.x - 20.0, button.y - 20.0, button.width + 40.0, button.height + 40.0);
        let part = OcrParams { region: Some(around), ..OcrParams::default() };
        let mut counted = 0;
        for (within, clicks) in [(OcrParams::default(), 1), (controls(), 2), (part, 1)] {
            let params = OcrClickParams { clicks, ..text("count", within) };
            let clicked = click(&client, &params).await.unwrap();
            counted += clicks;
            assert_eq!(desktop.counter(), counted, "{params:?}");
            assert!(button.contains(clicked.point) && button.contains(clicked.bounds.center()), "{clicked:?}");
            assert_eq!((clicked.text.as_str(), clicked.effect), ("Count", Effect::Confirmed));
            assert_eq!(desktop.held_buttons(), []);
            calm(&client).await;
        }
    });
}

#[test]
fn a_text_that_is_not_there_is_refused_with_what_is() {
    run(async {
        let (rig, desktop) = Rig::on_virtual();
        rig.pair("controller").await;
        let client = rig.connect("controller").await.unwrap();
        let error = refusal(&client, &text("Launch missiles", controls())).await;
        assert_eq!(error.code, ErrorCode::NotFound);
        for seen in ["Launch missiles", "Count", "Password"] {
            assert!(error.message.contains(seen), "{error}");
        }
        assert_eq!(error.message.lines().count(), 1, "{error}");
        let second = OcrClickParams { occurrence: 1, ..text("Count", controls()) };
        let error = refusal(&client, &second).await;
        assert!(error.code == ErrorCode::NotFound && error.message.contains("once"), "{error}");
        for wrong in [
            text(" ", controls()),
            OcrClickParams { clicks: 0, ..text("Count", controls()) },
            OcrClickParams { clicks: 4, ..text("Count", controls()) },
        ] {
            assert_eq!(refusal(&client, &wrong).await.code, ErrorCode::InvalidArgument, "{wrong:?}");
        }
        assert_eq!(desktop.counter(), 0);
    });
}

#[test]
fn a_session_that_ends_while_it_looks_for_a_text_clicks_on_nothing() {
    run(async {
        let (watched, keeper) = Watched::with_slow_pictures();
        let watched = Arc::new(watched);
        let rig = Rig::start(Arc::clone(&watched) as Arc<dyn Computer>);
        rig.pair("controller").await;
        let client = rig.connect("controller").await.unwrap();
        let clicking = tokio::spawn({
            let client = client.clone();
            async move { click(&client, &text("Count", controls())).await }
        });
        keeper.reached().await;
        assert_eq!(rig.handle.disconnect().await.unwrap(), 1);
        rig.wait_for(|notice| matches!(notice, Notice::SessionEnded { .. })).await;
        let end = clicking.await.unwrap();
        assert!(matches!(end, Err(ClientError::Closed(Reason::EVICTED))), "{end:?}");
        // The picture comes only now, when nobody wants it any more.
        keeper.open();
        let next = rig.connect("controller").await.unwrap();
        next.cursor_position().await.unwrap();
        next.close().await;
        let log = rig.stop().await;
        assert_eq!((watched.desktop.counter(), watched.desktop.held_buttons()), (0, vec![]));
        let told: Vec<_> = log.iter().filter(|entry| entry["method"] == "ocr.click").collect();
        assert!(
            told.iter().any(|entry| entry["error_code"] == "cancelled"),
            "what became of it is in the log: {told:?}"
        );
    });
}
