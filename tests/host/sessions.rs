//! Sessions: what a controller can do, who may drive, and what is left behind.

use core::time::Duration;
use std::os::unix::fs::MetadataExt as _;
use std::sync::Arc;

use opendesk_core::{ErrorCode, Reason};
use opendesk_std::api::{
    Call, CaptureParams, InputText, KeyEvent, Point, PointerAction, PointerEvent, Press, Rect, TextInput, TreeParams,
};
use opendesk_std::desktop::Backend;
use opendesk_std::desktop::Computer;
use opendesk_std::desktop::r#virtual::VirtualDesktop;
use opendesk_std::govern::{Peer, Policy, Verdict};
use opendesk_std::tools::{OnRuntime, Session};
use opendesk_tests::rig::Rig;
use opendesk_tokio::{Client, ClientError, Notice, Tokio};

use crate::run;

fn pointer(action: PointerAction, point: Point) -> PointerEvent {
    PointerEvent { action, point, button: None, modifiers: vec![], dx: 0.0, dy: 0.0 }
}

async fn click(client: &Client, point: Point) {
    for action in [PointerAction::Move, PointerAction::Down, PointerAction::Up] {
        client.pointer(&pointer(action, point)).await.expect("the desktop takes it");
    }
}

fn key(action: Press, keysym: &str) -> KeyEvent {
    KeyEvent { action, keysym: keysym.into(), modifiers: vec![] }
}

fn text(text: &str) -> TextInput {
    TextInput { text: text.into(), interval_ms: 0 }
}

#[test]
fn a_click_and_a_sentence_change_what_is_drawn_and_what_the_tree_says() {
    run(async {
        let (rig, desktop) = Rig::on_virtual();
        rig.pair("controller").await;
        let client = rig.connect("controller").await.unwrap();
        assert_eq!(client.capabilities().await.unwrap().backend, "local/virtual");
        assert_eq!(client.displays().await.unwrap().len(), 1);
        let before = client.capture(&CaptureParams::default()).await.unwrap();

        let tree = client.ui_tree(&TreeParams::default()).await.unwrap();
        let button = tree.find("push button", "Count").unwrap().bounds.unwrap().center();
        click(&client, button).await;
        assert_eq!(desktop.counter(), 1);
        let editor = tree.find("text", "Note").unwrap().bounds.unwrap().center();
        click(&client, editor).await;
        client.text(&text("Grüße, 世界!\n\tzweite Zeile")).await.unwrap();
        assert_eq!(desktop.editor_text(), "Grüße, 世界!\n\tzweite Zeile");

        let after = client.capture(&CaptureParams::default()).await.unwrap();
        assert_ne!(before.data, after.data);
        let tree = client.ui_tree(&TreeParams::default()).await.unwrap();
        assert_eq!(tree.find("label", "Counter").unwrap().value.as_deref(), Some("1"));
        assert_eq!(tree.find("text", "Note").unwrap().value.as_deref(), Some("Grüße, 世界!\n\tzweite Zeile"));
        assert_eq!(client.cursor_position().await.unwrap(), Point::new(editor.x.floor(), editor.y.floor()));
    });
}

#[test]
fn what_a_host_says_of_itself_is_learnt_again_whenever_it_is_reached() {
    run(async {
        let (rig, _) = Rig::on_virtual();
        rig.pair("controller").await;
        let known = || {
            let peers = opendesk_std::home::Peers::load(&rig.home("controller")).unwrap();
            peers.list()[0].description.clone()
        };
        assert_eq!(known(), "");
        for words in ["the büro PC", "moved to the attic", ""] {
            rig.home("host").set_description(words).unwrap();
            rig.connect("controller").await.unwrap().close().await;
            assert_eq!(known(), words);
        }
        // A file that is written anew is another one.
        let files = || {
            let path = |name| rig.home("controller").path().join(name);
            ["trusted-peers.json", "peers.json"].map(|name| std::fs::metadata(path(name)).unwrap().ino())
        };
        let before = files();
        rig.connect("controller").await.unwrap().close().await;
        assert_eq!(files(), before);
    });
}

#[test]
fn errors_are_one_line_and_the_session_lives() {
    run(async {
        let (rig, _) = Rig::on_virtual();
        rig.pair("controller").await;
        let client = rig.connect("controller").await.unwrap();
        let outside = client.pointer(&pointer(PointerAction::Move, Point::new(-1.0, 5.0))).await.unwrap_err();
        let unknown = client.key(&key(Press::Down, "hyperdrive")).await.unwrap_err();
        let beyond = CaptureParams { region: Some(Rect::new(0.0, 0.0, 9999.0, 5.0)), ..CaptureParams::default() };
        let beyond = client.capture(&beyond).await.unwrap_err();
        let long = client.text(&text(&"x".repeat(17 * 1024))).await.unwrap_err();
        let missing = client.call_encoded("mind.read", vec![], Duration::from_secs(5)).await.unwrap_err();
        let garbled = client.call_encoded("input.text", vec![0xff; 3], Duration::from_secs(5)).await.unwrap_err();
        for (error, code) in [
            (outside, ErrorCode::InvalidArgument),
            (unknown, ErrorCode::InvalidArgument),
            (beyond, ErrorCode::InvalidArgument),
            (long, ErrorCode::LimitExceeded),
            (missing, ErrorCode::CapabilityUnsupported),
            (garbled, ErrorCode::InvalidArgument),
        ] {
            let ClientError::Call(error) = error else { panic!("{error}") };
            assert_eq!(error.code, code, "{error}");
            assert_eq!(error.message.lines().count(), 1, "{error}");
        }
        client.capabilities().await.unwrap();
        let log = rig.stop().await;
        // Refused and undecodable calls are in the log as well.
        assert_eq!(log.iter().filter(|entry| entry["outcome"] == "error").count(), 6);
    });
}

#[test]
fn another_controller_is_told_who_drives_and_since_when() {
    run(async {
        let (rig, _) = Rig::on_virtual();
        let name = rig.pair("first").await.seen_as;
        let second = rig.pair("second").await.seen_as;
        let first = rig.connect("first").await.unwrap();
        let error = rig.connect("second").await.unwrap_err();
        let told = rig.wait_for(|notice| matches!(notice, Notice::Refused { .. })).await;
        assert!(matches!(&told, Notice::Refused { name, reason: Reason::BUSY, .. } if *name == second), "{told:?}");
        let ClientError::Refused { reason, info: Some(info) } = &error else { panic!("{error}") };
        assert_eq!((*reason, info.holder.as_deref()), (Reason::BUSY, Some(name.as_str())));
        assert!(info.since.is_some() && error.to_string().contains(&name), "{error}");
        first.capabilities().await.unwrap();
        first.close().await;
        rig.wait_for(|notice| matches!(notice, Notice::SessionEnded { reason: Reason::DONE, .. })).await;
        rig.connect("second").await.unwrap();
        let log = rig.stop().await;
        let rejected: Vec<_> = log.iter().filter(|entry| entry["type"] == "session.rejected").collect();
        assert_eq!((rejected.len(), &rejected[0]["peer"]["name"]), (1, &second.into()));
    });
}

#[test]
fn the_same_peer_takes_its_own_place_and_finds_nothing_held() {
    run(async {
        let (rig, desktop) = Rig::on_virtual();
        rig.pair("controller").await;
        let first = rig.connect("controller").await.unwrap();
        first.key(&key(Press::Down, "shift")).await.unwrap();
        first.pointer(&pointer(PointerAction::Down, Point::new(5.0, 5.0))).await.unwrap();
        assert_eq!((desktop.held_keys().len(), desktop.held_buttons().len()), (1, 1));
        let second = rig.connect("controller").await.unwrap();
        // The second session is open, so everything of the first is released (I3).
        assert_eq!((desktop.held_keys().len(), desktop.held_buttons().len()), (0, 0));
        second.capabilities().await.unwrap();
        let gone = first.capabilities().await.unwrap_err();
        assert!(matches!(gone, ClientError::Closed(Reason::REPLACED | Reason::LOST)), "{gone}");
    });
}

#[test]
fn however_a_session_ends_nothing_stays_pressed() {
    run(async {
        let (rig, desktop) = Rig::on_virtual();
        rig.pair("controller").await;
        for ending in ["close", "drop", "evict"] {
            let client = rig.connect("controller").await.unwrap();
            for keysym in ["ctrl", "shift", "a"] {
                client.key(&key(Press::Down, keysym)).await.unwrap();
            }
            client.pointer(&pointer(PointerAction::Down, Point::new(5.0, 5.0))).await.unwrap();
            assert_eq!((desktop.held_keys().len(), desktop.held_buttons().len()), (3, 1));
            match ending {
                "close" => client.close().await,
                "drop" => drop(client),
                _ => assert_eq!(rig.handle.disconnect().await.unwrap(), 1),
            }
            rig.wait_for(|notice| matches!(notice, Notice::SessionEnded { .. })).await;
            // The next session is admitted only after the release, so it is the proof.
            let next = rig.connect("controller").await.unwrap();
            assert_eq!((desktop.held_keys().len(), desktop.held_buttons().len()), (0, 0), "{ending}");
            next.close().await;
            rig.wait_for(|notice| matches!(notice, Notice::SessionEnded { .. })).await;
        }
    });
}

#[test]
fn stopping_the_host_releases_too() {
    run(async {
        let (rig, desktop) = Rig::on_virtual();
        rig.pair("controller").await;
        let client = rig.connect("controller").await.unwrap();
        client.key(&key(Press::Down, "alt")).await.unwrap();
        rig.stop().await;
        assert!(desktop.held_keys().is_empty());
        let gone = client.capabilities().await.unwrap_err();
        assert!(matches!(gone, ClientError::Closed(Reason::SHUTDOWN | Reason::LOST)), "{gone}");
    });
}

#[test]
fn a_call_that_nobody_waits_for_is_cancelled_and_the_typing_stops() {
    run(async {
        let (rig, desktop) = Rig::on_virtual();
        rig.pair("controller").await;
        let client = rig.connect("controller").await.unwrap();
        let slow = TextInput { text: "x".repeat(1000), interval_ms: 20 };
        let typing = client.call::<InputText>(&slow);
        assert!(tokio::time::timeout(Duration::from_millis(200), typing).await.is_err());
        // Input keeps its order: this is answered when the typing has stopped.
        client.key(&key(Press::Down, "shift")).await.unwrap();
        let typed = desktop.editor_text().chars().count();
        assert!(typed < 1000, "{typed}");
        client.key(&key(Press::Up, "shift")).await.unwrap();
        assert_eq!(desktop.editor_text().chars().count(), typed, "nothing is typed after the cancel");
        let log = rig.stop().await;
        assert!(log.iter().any(|entry| entry["error_code"] == "cancelled"));
    });
}

#[test]
fn a_call_that_takes_too_long_fails_here_and_is_cancelled_there() {
    run(async {
        let (rig, desktop) = Rig::on_virtual();
        rig.pair("controller").await;
        let client = rig.connect("controller").await.unwrap();
        let slow = TextInput { text: "x".repeat(1000), interval_ms: 20 };
        let error = client.call_within::<InputText>(&slow, Duration::from_millis(150)).await.unwrap_err();
        assert!(matches!(error, ClientError::Timeout { .. }), "{error}");
        client.key(&key(Press::Up, "shift")).await.unwrap();
        assert!(desktop.editor_text().chars().count() < 1000);
        client.capabilities().await.unwrap();
    });
}

#[test]
fn more_calls_than_may_be_in_flight_wait_their_turn() {
    run(async {
        let (rig, _) = Rig::on_virtual();
        rig.pair("controller").await;
        let client = rig.connect("controller").await.unwrap();
        let calls = (0..500).map(|_| client.cursor_position());
        let answers = futures_util::future::join_all(calls).await;
        assert!(answers.into_iter().all(|answer| answer.is_ok()));
    });
}

#[test]
fn w16_the_log_tells_what_was_done_and_never_what_was_typed() {
    run(async {
        let (rig, _) = Rig::on_virtual();
        rig.pair("controller").await;
        let client = rig.connect("controller").await.unwrap();
        client.text(&text("hunter2 is secret")).await.unwrap();
        client.key(&key(Press::Down, "q")).await.unwrap();
        client.capture(&CaptureParams::default()).await.unwrap();
        client.close().await;
        rig.wait_for(|notice| matches!(notice, Notice::SessionEnded { .. })).await;
        let log = rig.stop().await;
        let methods: Vec<_> = log
            .iter()
            .filter(|entry| entry["type"].as_str().is_some_and(|kind| kind.starts_with("call")))
            .map(|entry| (entry["type"].as_str().unwrap(), entry["method"].as_str().unwrap()))
            .collect();
        assert_eq!(
            methods,
            [
                ("call.started", "input.text"),
                ("call", "input.text"),
                ("call.started", "input.key"),
                ("call", "input.key"),
                ("call", "display.capture"),
            ]
        );
        let all = serde_json::to_string(&log).unwrap();
        assert!(!all.contains("hunter2") && all.contains("type 17 characters"), "{all}");
        for kind in ["pairing.opened", "pairing.paired", "session.opened", "session.closed"] {
            assert!(log.iter().any(|entry| entry["type"] == kind), "{kind}");
        }
    });
}

#[derive(Debug)]
struct NoTyping;

impl Policy for NoTyping {
    fn check(&mut self, peer: &Peer, call: &Call) -> Verdict {
        match call {
            Call::InputText(_) => Verdict::Refuse(format!("{} may not type here", peer.name)),
            _ => Verdict::Allow,
        }
    }
}

#[test]
fn what_the_policy_refuses_does_not_happen_and_is_logged() {
    run(async {
        let desktop = Arc::new(VirtualDesktop::default());
        let rig = Rig::start_with(Arc::clone(&desktop) as Arc<dyn Computer>, Box::new(NoTyping));
        rig.pair("controller").await;
        let client = rig.connect("controller").await.unwrap();
        let error = client.text(&text("nothing")).await.unwrap_err();
        let ClientError::Call(error) = error else { panic!("{error}") };
        assert_eq!(error.code, ErrorCode::PermissionDenied);
        assert!(error.message.contains("may not type here"), "{error}");
        assert_eq!(desktop.editor_text(), "");
        client.cursor_position().await.unwrap();
        let log = rig.stop().await;
        assert!(log.iter().any(|entry| entry["error_code"] == "permission_denied"));
        assert!(!log.iter().any(|entry| entry["type"] == "call.started"));
    });
}

#[test]
fn a_host_whose_event_loop_is_dropped_stops_typing_and_releases() {
    run(async {
        let (rig, desktop) = Rig::on_virtual();
        rig.pair("controller").await;
        let client = rig.connect("controller").await.unwrap();
        client.key(&key(Press::Down, "shift")).await.unwrap();
        let slow = TextInput { text: "x".repeat(1000), interval_ms: 20 };
        let (typing, queued) = (client.clone(), client.clone());
        let typing = tokio::spawn(async move { typing.text(&slow).await });
        while desktop.editor_text().is_empty() {
            tokio::task::yield_now().await;
        }
        // Waits behind the typing, and must not be carried out after it.
        let queued = tokio::spawn(async move { queued.text(&text("too late")).await });
        tokio::time::sleep(Duration::from_millis(50)).await;
        let _files = rig.abort().await;
        let released = async {
            while !desktop.held_keys().is_empty() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), released).await.expect("everything is released");
        let typed = desktop.editor_text();
        assert!(typed.chars().count() < 1000 && !typed.contains("too late"), "{typed}");
        assert!(typing.await.unwrap().is_err() && queued.await.unwrap().is_err());
    });
}

#[test]
fn a_drag_that_is_dropped_half_way_leaves_no_button_down() {
    run(async {
        let (rig, desktop) = Rig::on_virtual();
        rig.pair("controller").await;
        let session = Session::new(rig.home("controller"), Backend::Virtual, Box::new(OnRuntime(Tokio)));
        session.call_tool("screenshot", serde_json::Value::Null).await;
        let drag = serde_json::json!({"action": "drag", "x": 5, "y": 300, "end_x": 30, "end_y": 400, "settle_ms": 0});
        let mut cut = 0;
        for round in 0..40 {
            let limit = Duration::from_micros(round * 150);
            cut += usize::from(tokio::time::timeout(limit, session.call_tool("mouse", drag.clone())).await.is_err());
            // Input keeps its order: what was to be released is, when this is answered.
            session.call_tool("mouse", serde_json::json!({"action": "move", "x": 9, "y": 300, "settle_ms": 0})).await;
            assert!(desktop.held_buttons().is_empty(), "after {limit:?}");
        }
        assert!(cut > 0, "no drag was cut");
        session.close().await;
    });
}
