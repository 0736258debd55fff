//! An X server that goes away and comes back on the same display, under a host whose session goes on.

use std::process::Command;
use std::sync::Arc;

use opendesk_std::api::{
    CaptureParams, ClipboardContents, ClipboardEntry, Effect, KeyEvent, Point, PointerAction, PointerEvent, Press,
    TextInput, WindowsList,
};
use opendesk_std::desktop::x11::X11Desktop;
use opendesk_tests::bin::Running;
use opendesk_tokio::{Client, ClientError};

use crate::brush::Brush;
use crate::drive::{drive, run, wait_for};
use crate::{LIMIT, server};

/// What is asked of a server that may have gone.
const KINDS: [&str; 7] = ["capture", "generation", "clipboard", "windows", "pointer", "key", "text"];

/// Starts a server, while the host goes on.
async fn start(display: &str) -> Running {
    let display = display.to_owned();
    tokio::task::spawn_blocking(move || server::start(&display)).await.expect("it starts")
}

/// A program of this test's own on a display.
fn program(display: &str, program: &str, args: &[&str]) -> Running {
    let mut command = Command::new(program);
    command.args(args).env("DISPLAY", display);
    Running::start(command)
}

fn text(text: &str) -> ClipboardContents {
    let entry = ClipboardEntry { mime_type: "text/plain;charset=utf-8".into(), data: text.into() };
    ClipboardContents { entries: vec![entry] }
}

/// Does one thing of a kind, and looks that it was done.
async fn ask(client: &Client, kind: &str) -> Result<(), ClientError> {
    match kind {
        "capture" => {
            let picture = client.capture(&CaptureParams::default()).await?;
            assert_eq!((picture.width, picture.height), (640, 480));
        }
        "generation" => {
            let first = client.capture(&CaptureParams::default()).await?;
            let again = CaptureParams { unless_shot: Some(first.shot_id), ..CaptureParams::default() };
            assert!(client.capture(&again).await?.unchanged, "nothing draws on this display");
        }
        "clipboard" => {
            let kept = text("kept");
            assert_eq!(client.clipboard_write(&kept).await?, Effect::Confirmed);
            assert_eq!(client.clipboard_read().await?, kept);
        }
        "windows" => {
            client.call::<WindowsList>(&()).await?;
        }
        "pointer" => {
            for point in [Point::new(5.0, 6.0), Point::new(123.0, 45.0)] {
                let action = PointerAction::Move;
                let event = PointerEvent { action, point, button: None, modifiers: vec![], dx: 0.0, dy: 0.0 };
                assert_eq!(client.pointer(&event).await?, Effect::Confirmed);
            }
            assert_eq!(client.cursor_position().await?, Point::new(123.0, 45.0));
        }
        "key" => {
            for action in [Press::Down, Press::Up] {
                client.key(&KeyEvent { action, keysym: "shift".into(), modifiers: vec![] }).await?;
            }
        }
        _ => {
            client.text(&TextInput { text: "lost".into(), interval_ms: 0 }).await?;
        }
    }
    Ok(())
}

/// Whether a call failed in one line that names the server.
fn is_told(error: &ClientError, display: &str) -> bool {
    matches!(error, ClientError::Call(error) if error.message.contains(display) && error.message.lines().count() == 1)
}

/// Asks again what failed, which it may once.
async fn ask_again(client: &Client, kind: &str, display: &str) {
    if let Err(error) = ask(client, kind).await {
        assert!(is_told(&error, display), "{kind}: {error:?}");
        ask(client, kind).await.unwrap_or_else(|error| panic!("{kind} fails again: {error}"));
    }
}

#[test]
fn whatever_is_asked_first_of_a_server_that_came_back_fails_once_at_most() {
    run(async {
        let display = server::display();
        let mut running = start(&display).await;
        let computer = Arc::new(X11Desktop::open(Some(&display)).unwrap());
        let (_rig, client) = drive(computer).await;
        for kind in KINDS {
            ask(&client, kind).await.unwrap_or_else(|error| panic!("{kind} before: {error}"));
            drop(running);
            running = start(&display).await;
            ask_again(&client, kind, &display).await;
            // The others find out, too.
            for other in KINDS {
                ask_again(&client, other, &display).await;
            }
            assert!(client.is_open());
        }
    });
}

#[test]
fn while_the_server_is_away_each_call_says_so_and_the_session_goes_on() {
    run(async {
        let display = server::display();
        let running = start(&display).await;
        let computer = Arc::new(X11Desktop::open(Some(&display)).unwrap());
        let (rig, client) = drive(computer).await;
        for kind in KINDS {
            ask(&client, kind).await.unwrap_or_else(|error| panic!("{kind} before: {error}"));
        }
        let before = client.capture(&CaptureParams::default()).await.unwrap();
        let session = rig.handle.sessions().await.unwrap().remove(0).id;
        drop(running);
        for _ in 0..2 {
            for kind in KINDS {
                let error = ask(&client, kind).await.expect_err("there is no server");
                assert!(is_told(&error, &display), "{kind}: {error:?}");
                assert_eq!(client.capabilities().await.unwrap().backend, "local/x11");
            }
        }
        // What the machine is does not depend on it: commands are run by it, with which the desktop can be started again.
        let environment = client.environment().await.unwrap();
        assert!(!environment.os.is_empty() && environment.displays.is_empty(), "{environment:?}");

        let _again = start(&display).await;
        for kind in KINDS {
            ask_again(&client, kind, &display).await;
        }
        // It is another desktop, whatever it looks like.
        let unless = CaptureParams { unless_shot: Some(before.shot_id), ..CaptureParams::default() };
        assert!(!client.capture(&unless).await.unwrap().unchanged);
        let seen = Brush::new(&display);
        assert_eq!(seen.pointer(), (123, 45));
        let direct = X11Desktop::open(Some(&display)).unwrap();
        assert_eq!(direct.pressed_keys().unwrap(), [0_u8; 0]);
        assert_eq!(program(&display, "xclip", &["-selection", "clipboard", "-o"]).finish(LIMIT).stdout, "kept");
        let _terminal = program(&display, "xterm", &["-T", "on the new server", "-e", "cat"]);
        wait_for("the new window is listed", async || {
            let windows = client.call::<WindowsList>(&()).await.expect("the windows are listed");
            windows.iter().any(|window| window.title == "on the new server")
        })
        .await;
        assert_eq!(rig.handle.sessions().await.unwrap().remove(0).id, session);
    });
}

#[test]
fn a_stream_ends_with_its_server_and_the_next_one_begins_anew() {
    run(async {
        let display = server::display();
        let running = start(&display).await;
        let computer = Arc::new(X11Desktop::open(Some(&display)).unwrap());
        let (_rig, client) = drive(computer).await;
        let mut pictures = client.watch(&Default::default()).await.unwrap();
        assert!(pictures.next().await.unwrap().unwrap().keyframe);
        drop(running);
        let end = async {
            // What the server drew while it ended may come before.
            loop {
                match pictures.next().await {
                    Some(Ok(_)) => {}
                    end => return end,
                }
            }
        };
        let end = tokio::time::timeout(LIMIT, end).await.unwrap();
        assert!(matches!(&end, Some(Err(error)) if is_told(error, &display)), "{end:?}");

        let _again = start(&display).await;
        ask_again(&client, "capture", &display).await;
        let mut pictures = client.watch(&Default::default()).await.unwrap();
        assert!(tokio::time::timeout(LIMIT, pictures.next()).await.unwrap().unwrap().unwrap().keyframe);
        Brush::new(&display).paint(0x20_4060, [10, 10, 50, 50]);
        let update = tokio::time::timeout(LIMIT, pictures.next()).await.unwrap().unwrap().unwrap();
        assert!(!update.keyframe, "{update:?}");
    });
}
