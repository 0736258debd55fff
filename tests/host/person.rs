//! A host that leaves the machine to the person who sits at it: their own mouse and keyboard stop a controller for a
//! while.

use core::time::Duration;
use std::sync::Arc;

use opendesk_core::ErrorCode;
use opendesk_std::api::{
    Button, CaptureParams, KeyEvent, Point, PointerAction, PointerEvent, Press, SubscribeParams, TextInput, TreeParams,
};
use opendesk_std::desktop::r#virtual::VirtualDesktop;
use opendesk_std::desktop::{Computer, NoDesktop};
use opendesk_std::home::Home;
use opendesk_tests::desktop::PATIENCE;
use opendesk_tests::rig::Rig;
use opendesk_tokio::{Client, ClientError, HostOptions, Notice, StartError};

use crate::watched::wait_until;
use crate::{pass, run};

/// Long enough that no slow machine comes to its end while something is looked at.
const PAUSE: Duration = Duration::from_secs(20);

/// Most of it.
const MOST: Duration = Duration::from_secs(12);

/// A host that waits for the person, the desktop seen from outside, and a controller with a session.
async fn waiting() -> (Rig, Arc<VirtualDesktop>, Client) {
    let desktop = Arc::new(VirtualDesktop::default());
    let computer = Arc::clone(&desktop) as Arc<dyn Computer>;
    let waits = |home| HostOptions { pause_on_local_input: Some(PAUSE), ..HostOptions::new(home, computer) };
    let rig = Rig::start_as(waits);
    rig.pair("controller").await;
    let client = rig.connect("controller").await.expect("the host is there");
    (rig, desktop, client)
}

/// The person uses the machine, and the host knows.
async fn person_comes(rig: &Rig, desktop: &VirtualDesktop) {
    desktop.person_moves();
    rig.wait_for(|notice| matches!(notice, Notice::Paused(Some(_)))).await;
}

/// The pointer goes somewhere.
fn aside() -> PointerEvent {
    pointer(PointerAction::Move, Point::new(5.0, 300.0))
}

fn pointer(action: PointerAction, point: Point) -> PointerEvent {
    PointerEvent { action, point, button: Some(Button::Left), modifiers: vec![], dx: 0.0, dy: 0.0 }
}

fn shift(action: Press) -> KeyEvent {
    KeyEvent { action, keysym: "shift".into(), modifiers: vec![] }
}

fn text(text: &str) -> TextInput {
    TextInput { text: text.into(), interval_ms: 0 }
}

/// The line with which something was refused.
fn refusal<T: core::fmt::Debug>(outcome: Result<T, ClientError>) -> String {
    match outcome {
        Err(ClientError::Call(error)) if error.code == ErrorCode::PermissionDenied => error.message,
        other => panic!("it is refused: {other:?}"),
    }
}

/// The line says who and when.
fn assert_tells_when(line: &str) {
    assert!(line.contains("the person at this machine"), "{line}");
    let seconds = line.split_once("again in ").and_then(|(_, rest)| rest.strip_suffix(" s"));
    let seconds = seconds.and_then(|seconds| seconds.parse::<u64>().ok()).unwrap_or_else(|| panic!("{line}"));
    assert!((1..=PAUSE.as_secs() + 1).contains(&seconds), "{line}");
    assert_eq!(line.lines().count(), 1);
}

#[test]
fn the_person_ends_what_a_controller_does_and_lets_go_of_what_it_holds() {
    run(async {
        let (rig, desktop, client) = waiting().await;
        let mut pictures = client.watch(&SubscribeParams::default()).await.unwrap();
        assert!(pictures.next().await.unwrap().unwrap().keyframe);
        let tree = client.ui_tree(&TreeParams::default()).await.unwrap();
        let note = tree.find("text", "Note").unwrap().bounds.unwrap().center();
        client.pointer(&pointer(PointerAction::Down, note)).await.unwrap();
        client.key(&shift(Press::Down)).await.unwrap();
        let (types, waits) = (client.clone(), client.clone());
        let slow = TextInput { text: "x".repeat(1000), interval_ms: 20 };
        let typing = tokio::spawn(async move { types.text(&slow).await });
        wait_until("it types", || !desktop.editor_text().is_empty()).await;
        // Behind the typing, and not to be carried out after it.
        let waiting = tokio::spawn(async move { waits.text(&text("too late")).await });
        tokio::task::yield_now().await;
        client.cursor_position().await.unwrap();
        assert_eq!((desktop.held_keys().len(), desktop.held_buttons().len()), (1, 1));

        person_comes(&rig, &desktop).await;
        assert_tells_when(&refusal(typing.await.unwrap()));
        assert_tells_when(&refusal(waiting.await.unwrap()));
        wait_until("nothing is held", || desktop.held_keys().is_empty() && desktop.held_buttons().is_empty()).await;
        let typed = desktop.editor_text();
        assert!(typed.len() < 1000 && typed.chars().all(|character| character == 'x'), "{typed}");

        // The controller may still look, and goes on to see what changes.
        client.capture(&CaptureParams::default()).await.unwrap();
        client.ui_tree(&TreeParams::default()).await.unwrap();
        while let Ok(earlier) = tokio::time::timeout(Duration::from_millis(300), pictures.next()).await {
            earlier.unwrap().unwrap();
        }
        desktop.notify("Mail", "for the person", "");
        let update = tokio::time::timeout(PATIENCE, pictures.next()).await.unwrap().unwrap().unwrap();
        assert!(!update.keyframe && !update.patches.is_empty());
        assert_eq!(desktop.editor_text(), typed);

        let log = rig.stop().await;
        let ended = log.iter().filter(|entry| entry["type"] == "call" && entry["method"] == "input.text");
        assert!(ended.clone().count() == 2 && ended.clone().all(|entry| entry["outcome"] == "error"), "{log:?}");
        assert_eq!(log.iter().filter(|entry| entry["type"] == "control.paused").count(), 1);
    });
}

#[test]
fn actions_are_refused_until_the_person_has_rested_for_as_long_as_was_said() {
    run(async {
        let (rig, desktop, client) = waiting().await;
        client.pointer(&aside()).await.unwrap();
        person_comes(&rig, &desktop).await;
        for refused in [
            refusal(client.pointer(&aside()).await),
            refusal(client.key(&shift(Press::Down)).await),
            refusal(client.text(&text("refused")).await),
        ] {
            assert_tells_when(&refused);
        }
        assert_eq!((desktop.editor_text().as_str(), desktop.held_keys().len()), ("", 0));
        assert_eq!(client.cursor_position().await.unwrap(), aside().point);

        // Whoever goes on to use the machine is left alone for longer.
        pass(MOST).await;
        desktop.person_moves();
        assert_tells_when(&refusal(client.pointer(&aside()).await));
        pass(MOST).await;
        assert_tells_when(&refusal(client.pointer(&aside()).await));

        pass(PAUSE - MOST).await;
        rig.wait_for(|notice| matches!(notice, Notice::Paused(None))).await;
        client.text(&text("allowed")).await.unwrap();
        assert_eq!(desktop.editor_text(), "allowed");

        // And the next time it is as before.
        person_comes(&rig, &desktop).await;
        refusal(client.pointer(&aside()).await);
        let log = rig.stop().await;
        let pauses: Vec<_> = log.iter().filter_map(|entry| entry["type"].as_str()).collect();
        let pauses: Vec<_> = pauses.into_iter().filter(|kind| kind.starts_with("control.")).collect();
        assert_eq!(pauses, ["control.paused", "control.unpaused", "control.paused"]);
    });
}

#[test]
fn a_controller_that_comes_while_the_person_is_there_waits_as_well() {
    run(async {
        let (rig, desktop, client) = waiting().await;
        person_comes(&rig, &desktop).await;
        client.close().await;
        rig.wait_for(|notice| matches!(notice, Notice::SessionEnded { .. })).await;
        let next = rig.connect("controller").await.unwrap();
        next.cursor_position().await.unwrap();
        assert_tells_when(&refusal(next.pointer(&aside()).await));
    });
}

#[test]
fn a_host_that_does_not_wait_for_the_person_goes_on() {
    run(async {
        let (rig, desktop) = Rig::on_virtual();
        rig.pair("controller").await;
        let client = rig.connect("controller").await.unwrap();
        desktop.person_moves();
        client.pointer(&aside()).await.unwrap();
        let log = rig.stop().await;
        assert!(!log.iter().any(|entry| entry["type"] == "control.paused"));
    });
}

#[test]
fn a_desktop_that_knows_no_person_cannot_be_served_so() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(Some(folder.path().join("host"))).unwrap();
        let options = HostOptions { pause_on_local_input: Some(PAUSE), ..HostOptions::new(home, Arc::new(NoDesktop)) };
        let Err(error) = opendesk_tokio::serve(options) else { panic!("it does not start") };
        assert!(matches!(error, StartError::Person { backend: "none" }), "{error}");
        let line = error.to_string();
        assert!(line.contains("--pause-on-local-input") && line.lines().count() == 1, "{line}");
    });
}
