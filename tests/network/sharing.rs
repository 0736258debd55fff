//! One session for all programs of a machine: what they do in it, and what becomes of it when one of them goes.

mod kept;
mod knocking;
mod programs;

use core::time::Duration;
use std::sync::Arc;

use futures_util::future::join_all;
use opendesk_core::{ErrorCode, Reason, Wire, limits};
use opendesk_std::api::{
    Button, Call, CaptureParams, ClipboardContents, ClipboardEntry, DisplayCursorPosition, DisplaySubscribe, InputText,
    KeyEvent, Point, PointerAction, PointerEvent, Press, SubscribeParams, TextInput, encode,
};
use opendesk_std::client;
use opendesk_std::desktop::Computer;
use opendesk_std::desktop::r#virtual::VirtualDesktop;
use opendesk_std::govern::{Peer, Policy, Verdict};
use opendesk_tests::rig::Rig;
use opendesk_tokio::{Client, ClientError, ConnectOptions, Notice, Tokio};

use crate::run;

const LIMIT: Duration = Duration::from_secs(60);

/// The session of the controller of this rig, as one more program of its machine has it.
pub(super) async fn join(rig: &Rig) -> Result<Client, ClientError> {
    let options = ConnectOptions { home: rig.home("controller"), peer: "host".into() };
    client::connect_shared(Tokio, &options).await
}

/// A host, the session that one program has opened, and another program that borrows it.
pub(super) async fn shared() -> (Rig, Arc<VirtualDesktop>, Client, Client) {
    let (rig, desktop) = Rig::on_virtual();
    rig.pair("controller").await;
    let owner = join(&rig).await.expect("the host is there");
    let borrower = join(&rig).await.expect("the session is shared");
    assert_eq!(owner.handshake(), borrower.handshake(), "it is the same session");
    (rig, desktop, owner, borrower)
}

pub(super) async fn eventually(what: &str, so: impl Fn() -> bool) {
    let waiting = async {
        while !so() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(tokio::time::timeout(LIMIT, waiting).await.is_ok(), "{what}");
}

pub(super) fn key(action: Press, keysym: &str) -> KeyEvent {
    KeyEvent { action, keysym: keysym.into(), modifiers: vec![] }
}

fn pointer(action: PointerAction, x: f64, y: f64) -> PointerEvent {
    PointerEvent { action, point: Point::new(x, y), button: None, modifiers: vec![], dx: 0.0, dy: 0.0 }
}

/// Something for the clipboard with this many bytes.
fn large(bytes: u32) -> ClipboardContents {
    let data = (0..bytes).map(|index| (index * 7 % 251) as u8).collect();
    ClipboardContents { entries: vec![ClipboardEntry { mime_type: "application/octet-stream".into(), data }] }
}

fn text(text: &str, interval_ms: u32) -> TextInput {
    TextInput { text: text.into(), interval_ms }
}

/// What has happened to sessions at the host since it was last asked.
fn sessions(rig: &Rig) -> Vec<Notice> {
    let mut sessions = Vec::new();
    while let Ok(notice) = rig.notices.try_recv() {
        if matches!(notice, Notice::SessionOpened { .. } | Notice::SessionEnded { .. } | Notice::Refused { .. }) {
            sessions.push(notice);
        }
    }
    sessions
}

fn code(outcome: Result<impl Sized, ClientError>) -> ErrorCode {
    match outcome {
        Err(ClientError::Call(error)) => error.code,
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("it succeeded"),
    }
}

#[test]
fn w30_two_programs_of_a_machine_share_one_session() {
    run(async {
        let (rig, desktop, owner, borrower) = shared().await;
        assert!(owner.is_open() && borrower.is_open());
        let facts = |client: &Client| {
            (client.wire(), client.host(), client.signing_key(), client.memory(), client.greeting().clone())
        };
        assert_eq!(facts(&owner), facts(&borrower));
        for (client, word) in [(&owner, "one "), (&borrower, "two "), (&owner, "three")] {
            client.text(&text(word, 0)).await.unwrap();
        }
        assert_eq!(desktop.editor_text(), "one two three");
        assert!(borrower.capture(&CaptureParams::default()).await.unwrap().data.starts_with(b"\x89PNG"));
        assert!(matches!(sessions(&rig)[..], [Notice::SessionOpened { .. }]), "nobody took it from anybody");

        borrower.close().await;
        assert!(!borrower.is_open());
        assert!(matches!(borrower.capabilities().await, Err(ClientError::Closed(Reason::DONE))));
        owner.capabilities().await.unwrap();
        assert!(sessions(&rig).is_empty(), "only the borrowing has ended");
        let again = join(&rig).await.unwrap();
        again.capabilities().await.unwrap();

        owner.close().await;
        let ended = rig.wait_for(|notice| matches!(notice, Notice::SessionEnded { .. })).await;
        assert!(matches!(ended, Notice::SessionEnded { reason: Reason::DONE, .. }), "{ended:?}");
        assert_eq!(again.ended().await, Reason::LOST, "a borrower is not done when the owner is");
    });
}

#[test]
fn a_session_ends_with_the_last_handle_of_its_owner_whoever_borrows_it() {
    run(async {
        let (rig, _, owner, borrower) = shared().await;
        let other = owner.clone();
        drop(owner);
        borrower.capabilities().await.unwrap();
        drop(other);
        assert_eq!(borrower.ended().await, Reason::LOST);
        // Whoever comes next opens the next one, and all the others borrow it.
        let (first, second) = tokio::join!(join(&rig), join(&rig));
        let (first, second) = (first.unwrap(), second.unwrap());
        assert_eq!(first.handshake(), second.handshake());
        assert_ne!(first.handshake(), borrower.handshake());
    });
}

#[test]
fn many_programs_that_come_at_once_share_what_one_of_them_opens() {
    run(async {
        let (rig, _) = Rig::on_virtual();
        rig.pair("controller").await;
        sessions(&rig);
        let joined = join_all((0..12).map(|_| join(&rig))).await;
        let clients: Vec<Client> = joined.into_iter().map(|joined| joined.expect("a session")).collect();
        assert!(clients.iter().all(|client| client.handshake() == clients[0].handshake()));
        for answered in join_all(clients.iter().map(Client::capabilities)).await {
            answered.unwrap();
        }
        assert!(matches!(sessions(&rig)[..], [Notice::SessionOpened { .. }]));
    });
}

#[test]
fn a_host_that_cannot_be_reached_is_tried_by_one_after_the_other() {
    run(async {
        let (rig, _) = Rig::on_virtual();
        rig.pair("controller").await;
        let home = rig.home("controller");
        let kept = rig.stop_and_keep().await;
        let options = ConnectOptions { home, peer: "host".into() };
        for tried in join_all((0..4).map(|_| client::connect_shared(Tokio, &options))).await {
            assert!(matches!(tried, Err(ClientError::Unreachable { .. })), "{tried:?}");
        }
        drop(kept);
    });
}

#[test]
fn large_bodies_pass_in_both_directions_beside_small_ones() {
    run(async {
        let (_rig, desktop, owner, borrower) = shared().await;
        let contents = large(8 * 1024 * 1024);
        borrower.clipboard_write(&contents).await.unwrap();
        let typed = async {
            for _ in 0..20 {
                borrower.text(&text("x", 0)).await.unwrap();
                owner.text(&text("y", 0)).await.unwrap();
            }
        };
        let (first, second, third, ()) =
            tokio::join!(borrower.clipboard_read(), borrower.clipboard_read(), owner.clipboard_read(), typed);
        for read in [first, second, third] {
            assert!(read.unwrap() == contents, "every byte");
        }
        assert_eq!(desktop.editor_text(), "xy".repeat(20));
    });
}

#[test]
fn what_fails_fails_for_a_borrower_as_it_does_for_the_owner() {
    run(async {
        let (_rig, _, owner, borrower) = shared().await;
        for client in [&owner, &borrower] {
            assert_eq!(code(client.key(&key(Press::Down, "hyperdrive")).await), ErrorCode::InvalidArgument);
            assert_eq!(code(client.text(&text(&"x".repeat(17 * 1024), 0)).await), ErrorCode::LimitExceeded);
            let unknown = client.call_encoded("mind.read", vec![], LIMIT).await;
            assert_eq!(code(unknown), ErrorCode::CapabilityUnsupported);
            for (method, params) in [("m".repeat(41), vec![]), ("fs.write".into(), vec![0; limits::BODY_BYTES + 1])] {
                assert_eq!(code(client.call_encoded(&method, params, LIMIT).await), ErrorCode::InvalidArgument);
            }
            let late = client.call_within::<InputText>(&text("late", 400), Duration::from_millis(200)).await;
            let Err(ClientError::Timeout { what, after }) = late else { panic!("{late:?}") };
            assert_eq!((what.as_str(), after), ("the host's input.text", Duration::from_millis(200)));
            client.capabilities().await.unwrap();
        }
        for client in [&owner, &borrower] {
            client.call_within::<InputText>(&text("", 0), Duration::MAX).await.unwrap();
        }
    });
}

#[test]
fn a_call_that_finds_no_room_is_waited_for_no_longer_than_its_time() {
    run(async {
        let (_rig, desktop, owner, borrower) = shared().await;
        for client in [borrower, owner] {
            // The hands do one at a time, and with this many nothing else has room.
            let hogs: Vec<_> = (0..limits::CALLS)
                .map(|_| {
                    let client = client.clone();
                    tokio::spawn(async move { client.text(&text(&"y".repeat(2000), 20)).await })
                })
                .collect();
            eventually("they type", || desktop.editor_text().ends_with('y')).await;
            let limit = Duration::from_millis(200);
            let late = tokio::time::timeout(LIMIT, client.call_within::<DisplayCursorPosition>(&(), limit)).await;
            let Ok(Err(ClientError::Timeout { what, after })) = late else { panic!("{late:?}") };
            assert_eq!((what.as_str(), after), ("the host's display.cursor_position", limit));
            assert!(hogs.iter().all(|hog| !hog.is_finished()));
            hogs.iter().for_each(tokio::task::JoinHandle::abort);
            client.text(&text("!", 0)).await.unwrap();
        }
    });
}

#[test]
fn an_operation_is_carried_out_once_whichever_program_asks_for_it() {
    run(async {
        let (_rig, desktop, owner, borrower) = shared().await;
        let params = encode(&text("once", 0)).unwrap();
        for client in [&borrower, &owner, &borrower] {
            client.call_for([7; 16], "input.text", params.clone(), LIMIT).await.unwrap();
        }
        assert_eq!(desktop.editor_text(), "once");
    });
}

#[test]
fn a_dropped_call_of_a_borrower_is_cancelled_at_the_host() {
    run(async {
        let (_rig, desktop, owner, borrower) = shared().await;
        let typing = tokio::spawn({
            let borrower = borrower.clone();
            async move { borrower.text(&text(&"y".repeat(2000), 10)).await }
        });
        eventually("it types", || !desktop.editor_text().is_empty()).await;
        typing.abort();
        // The hands take one call after the other: this one comes when the other has ended.
        owner.text(&text("!", 0)).await.unwrap();
        let typed = desktop.editor_text();
        assert!(typed.ends_with('!') && typed.len() < 2000, "{} characters", typed.len());
        borrower.text(&text("?", 0)).await.unwrap();
        assert_eq!(desktop.editor_text(), format!("{typed}?"), "and nothing more");
    });
}

#[test]
fn a_call_that_the_end_of_the_borrowing_interrupts_ends_at_the_host() {
    run(async {
        let (_rig, desktop, owner, borrower) = shared().await;
        let typing = tokio::spawn({
            let borrower = borrower.clone();
            async move { borrower.text(&text(&"y".repeat(2000), 10)).await }
        });
        eventually("it types", || !desktop.editor_text().is_empty()).await;
        borrower.close().await;
        assert!(matches!(typing.await.unwrap(), Err(ClientError::Closed(Reason::DONE))));
        owner.text(&text("!", 0)).await.unwrap();
        assert!(desktop.editor_text().len() < 2000);
    });
}

#[test]
fn streams_come_to_both_and_a_slow_reader_delays_only_itself() {
    run(async {
        let (_rig, _, owner, borrower) = shared().await;
        let fast = SubscribeParams { fps: 60, ..SubscribeParams::default() };
        let mut at_owner = owner.watch(&fast).await.unwrap();
        let mut at_borrower = borrower.watch(&fast).await.unwrap();
        // Nobody reads this one.
        let unread = borrower.subscribe::<DisplaySubscribe>(&fast, 64 * 1024).await.unwrap();
        for stream in [&mut at_owner, &mut at_borrower] {
            assert!(stream.next().await.unwrap().unwrap().keyframe);
        }
        // More than the credit: it is given back as it is used.
        for round in 0..40 {
            let client = if round % 2 == 0 { &owner } else { &borrower };
            client.pointer(&pointer(PointerAction::Move, f64::from(round) * 20.0, 300.0)).await.unwrap();
            client.text(&text("some words that are drawn ", 0)).await.unwrap();
            for stream in [&mut at_owner, &mut at_borrower] {
                let update = tokio::time::timeout(LIMIT, stream.next()).await.expect("a change shows").unwrap();
                assert!(!update.unwrap().keyframe);
            }
        }
        drop(unread);
        drop(at_borrower);
        owner.text(&text("!", 0)).await.unwrap();
        assert!(tokio::time::timeout(LIMIT, at_owner.next()).await.unwrap().unwrap().is_ok());
    });
}

#[test]
fn the_error_and_the_end_of_a_stream_reach_its_borrower() {
    run(async {
        let (rig, _, _owner, borrower) = shared().await;
        let mut open = Vec::new();
        for _ in 0..4 {
            let mut pictures = borrower.watch(&SubscribeParams::default()).await.unwrap();
            pictures.next().await.unwrap().unwrap();
            open.push(pictures);
        }
        let mut fifth = borrower.watch(&SubscribeParams::default()).await.unwrap();
        assert_eq!(code(fifth.next().await.unwrap()), ErrorCode::LimitExceeded);
        let (params, too_much) = (SubscribeParams::default(), limits::WINDOW_BYTES + 1);
        let refused = borrower.subscribe::<DisplaySubscribe>(&params, too_much).await;
        assert_eq!(code(refused), ErrorCode::InvalidArgument);
        // One that ends makes room.
        drop(open.pop());
        let mut again = borrower.watch(&SubscribeParams::default()).await.unwrap();
        again.next().await.unwrap().unwrap();
        rig.handle.disconnect().await.unwrap();
        for stream in &mut open {
            let end = stream.next().await.unwrap().unwrap_err();
            assert!(matches!(end, ClientError::Closed(Reason::EVICTED)), "{end:?}");
        }
    });
}

#[test]
fn who_is_sent_away_is_sent_away_with_all_its_programs() {
    run(async {
        let (rig, _, owner, borrower) = shared().await;
        rig.handle.disconnect().await.unwrap();
        assert_eq!((owner.ended().await, borrower.ended().await), (Reason::EVICTED, Reason::EVICTED));
        assert!(matches!(borrower.capabilities().await, Err(ClientError::Closed(Reason::EVICTED))));
        rig.handle.stop();
    });
}

#[test]
fn calls_of_many_programs_are_all_answered_once() {
    run(async {
        let (rig, desktop, owner, first) = shared().await;
        let (second, third) = (join(&rig).await.unwrap(), join(&rig).await.unwrap());
        let calls = [&first, &second, &third, &owner].into_iter().flat_map(|client| {
            (0..64).map(move |_| async move {
                client.text(&text("x", 0)).await?;
                client.cursor_position().await
            })
        });
        for answered in join_all(calls).await {
            answered.unwrap();
        }
        assert_eq!(desktop.editor_text(), "x".repeat(4 * 64));
    });
}

#[test]
fn borrowers_that_ask_for_everything_leave_room_for_the_owner_and_each_other() {
    run(async {
        let (rig, desktop, owner, first) = shared().await;
        let second = join(&rig).await.unwrap();
        let third = join(&rig).await.unwrap();
        // The hands do one at a time, so each of these waits for all before it.
        let hogs: Vec<_> = (0..200)
            .map(|index| {
                let client = if index % 2 == 0 { first.clone() } else { second.clone() };
                tokio::spawn(async move { client.text(&text("abcdefgh", 50)).await })
            })
            .collect();
        eventually("they type", || !desktop.editor_text().is_empty()).await;
        owner.cursor_position().await.unwrap();
        // 32 of each are on their way, and 48 in flight: a third program has its turn when one of them has ended.
        third.cursor_position().await.unwrap();
        assert!(desktop.editor_text().len() < 8 * 100, "long before the others were done");
        hogs.iter().for_each(tokio::task::JoinHandle::abort);
        owner.text(&text("!", 0)).await.unwrap();
        let typed = desktop.editor_text();
        assert!(typed.ends_with('!') && typed.len() < 8 * 100, "what nobody waits for is not typed");
    });
}

#[test]
fn what_a_borrower_leaves_pressed_is_released_and_what_others_hold_is_not() {
    run(async {
        let (rig, desktop, owner, borrower) = shared().await;
        let other = join(&rig).await.unwrap();
        owner.key(&key(Press::Down, "ctrl")).await.unwrap();
        for keysym in ["ctrl", "shift", "alt"] {
            borrower.key(&key(Press::Down, keysym)).await.unwrap();
        }
        borrower.key(&key(Press::Up, "Alt_L")).await.unwrap();
        borrower.pointer(&pointer(PointerAction::Down, 30.0, 40.0)).await.unwrap();
        other.pointer(&pointer(PointerAction::Move, 300.0, 400.0)).await.unwrap();
        other.key(&key(Press::Down, "meta")).await.unwrap();
        assert_eq!((desktop.held_keys().len(), desktop.held_buttons()), (3, vec![Button::Left]));
        drop(borrower);
        eventually("the button comes up", || desktop.held_buttons().is_empty()).await;
        eventually("shift comes up", || desktop.held_keys().len() == 2).await;
        assert_eq!(owner.cursor_position().await.unwrap(), Point::new(300.0, 400.0), "where the mouse was");
        other.close().await;
        eventually("meta comes up", || desktop.held_keys().len() == 1).await;
        owner.key(&key(Press::Up, "ctrl")).await.unwrap();
        assert!(desktop.held_keys().is_empty());
    });
}

/// Refuses the first key.
#[derive(Debug, Default)]
struct NotAtOnce(bool);

impl Policy for NotAtOnce {
    fn check(&mut self, _peer: &Peer, call: &Call) -> Verdict {
        let is_first = matches!(call, Call::InputKey(_)) && !core::mem::replace(&mut self.0, true);
        if is_first { Verdict::Refuse("not yet".to_owned()) } else { Verdict::Allow }
    }
}

#[test]
fn what_the_owner_was_refused_it_does_not_hold() {
    run(async {
        let desktop = Arc::new(VirtualDesktop::default());
        let rig = Rig::start_with(Arc::clone(&desktop) as Arc<dyn Computer>, Box::new(NotAtOnce::default()));
        rig.pair("controller").await;
        let (owner, borrower) = (join(&rig).await.unwrap(), join(&rig).await.unwrap());
        assert_eq!(code(owner.key(&key(Press::Down, "shift")).await), ErrorCode::PermissionDenied);
        borrower.key(&key(Press::Down, "shift")).await.unwrap();
        borrower.close().await;
        eventually("shift comes up", || desktop.held_keys().is_empty()).await;
        owner.capabilities().await.unwrap();
    });
}

#[test]
fn a_key_that_goes_down_while_its_program_goes_comes_up_again() {
    run(async {
        let (_rig, desktop, owner, borrower) = shared().await;
        // The press waits behind a text for the hands.
        let typing = tokio::spawn({
            let owner = owner.clone();
            async move { owner.text(&text(&"y".repeat(30), 20)).await }
        });
        eventually("it types", || !desktop.editor_text().is_empty()).await;
        let press = tokio::spawn({
            let borrower = borrower.clone();
            async move { borrower.key(&key(Press::Down, "shift")).await }
        });
        // Whoever comes later is answered later: the press was passed on.
        borrower.cursor_position().await.unwrap();
        press.abort();
        drop(press.await);
        drop(borrower);
        typing.await.unwrap().unwrap();
        owner.text(&text("!", 0)).await.unwrap();
        eventually("nothing is held", || desktop.held_keys().is_empty()).await;
    });
}

/// A controller that has forgotten that it ever heard its host in version 2 speaks version 1.
#[test]
fn a_session_of_version_1_is_shared_in_its_own_words() {
    run(async {
        let (rig, desktop) = Rig::on_virtual();
        rig.pair("controller").await;
        std::fs::remove_file(rig.folder.path().join("controller/peers.json")).unwrap();
        let owner = join(&rig).await.unwrap();
        let borrower = join(&rig).await.unwrap();
        assert_eq!((owner.wire(), borrower.wire()), (Wire::V1, Wire::V1));
        assert_eq!(borrower.greeting().manifest, owner.greeting().manifest);
        borrower.text(&text("größer", 0)).await.unwrap();
        assert_eq!(desktop.editor_text(), "größer");
        assert_eq!(code(borrower.key(&key(Press::Down, "hyperdrive")).await), ErrorCode::InvalidArgument);
        let mut pictures = borrower.watch(&SubscribeParams::default()).await.unwrap();
        assert!(pictures.next().await.unwrap().unwrap().keyframe);
        borrower.key(&key(Press::Down, "shift")).await.unwrap();
        borrower.pointer(&pointer(PointerAction::Down, 10.0, 10.0)).await.unwrap();
        borrower.close().await;
        eventually("all is released", || desktop.held_keys().is_empty() && desktop.held_buttons().is_empty()).await;
        owner.capabilities().await.unwrap();
    });
}
