//! Programs that share a session and are killed: real processes, since nothing else ends without a word.

use core::time::Duration;
use std::env;
use std::path::Path;
use std::process::{Command, Stdio};

use opendesk_core::Reason;
use opendesk_std::api::{DisplayCursorPosition, Press};
use opendesk_std::client;
use opendesk_std::home::Home;
use opendesk_tests::bin::Running;
use opendesk_tests::rig::Rig;
use opendesk_tokio::{ClientError, ConnectOptions, Tokio};

use super::{eventually, join, key, text};
use crate::run;

const HOME: &str = "OPENDESK_TEST_SHARED_HOME";

/// Another program with the same home: it joins the session, holds Shift down, types, and stays until it is ended.
fn start(home: &Path) -> Running {
    // Not by its path: a build that goes on beside the test may have put another file there.
    let mut command = Command::new("/proc/self/exe");
    command
        .args(["--exact", "sharing::programs::joins_and_stays", "--ignored", "--nocapture"])
        .env(HOME, home)
        .stdin(Stdio::null());
    let mut running = Running::start(command);
    running.hear(|line| (line == "it is in").then_some(()));
    running
}

#[test]
#[ignore = "it is the other program of the tests here"]
fn joins_and_stays() {
    let Some(home) = env::var_os(HOME) else { panic!("only for the tests beside it") };
    run(async {
        let home = Home::open(Some(home.into())).unwrap();
        let client = client::connect_shared(Tokio, &ConnectOptions { home, peer: "host".into() }).await.unwrap();
        client.key(&key(Press::Down, "shift")).await.unwrap();
        println!("\nit is in");
        // Longer than any test waits: it is to be killed in the middle of it.
        drop(client.text(&text(&"z".repeat(5000), 50)).await);
        core::future::pending::<()>().await;
    });
}

async fn start_beside(home: &Home) -> Running {
    let path = home.path().to_owned();
    tokio::task::spawn_blocking(move || start(&path)).await.expect("it starts")
}

#[test]
fn a_borrower_that_is_killed_leaves_nothing_pressed_and_nothing_running() {
    run(async {
        let (rig, desktop) = Rig::on_virtual();
        rig.pair("controller").await;
        let owner = join(&rig).await.unwrap();
        let other = start_beside(&rig.home("controller")).await;
        eventually("it types", || !desktop.editor_text().is_empty()).await;
        assert_eq!((desktop.held_keys().len(), rig.handle.sessions().await.unwrap().len()), (1, 1));
        other.signal("KILL");
        eventually("Shift comes up", || desktop.held_keys().is_empty()).await;
        owner.text(&text("!", 0)).await.unwrap();
        let typed = desktop.editor_text();
        assert!(typed.ends_with('!') && typed.len() < 5000, "{} characters", typed.len());
        assert!(owner.is_open());
    });
}

#[test]
fn when_the_owner_is_killed_its_session_ends_and_the_next_to_connect_is_the_owner() {
    run(async {
        let (rig, desktop) = Rig::on_virtual();
        rig.pair("controller").await;
        let home = rig.home("controller");
        let other = start_beside(&home).await;
        let borrowers = [join(&rig).await.unwrap(), join(&rig).await.unwrap()];
        eventually("it types", || !desktop.editor_text().is_empty()).await;
        // Behind the other's text for the hands, so it is under way when the owner is killed.
        let waits = tokio::spawn({
            let borrower = borrowers[0].clone();
            async move { borrower.text(&text("?", 0)).await }
        });
        borrowers[0].cursor_position().await.unwrap();
        other.signal("KILL");
        assert!(matches!(waits.await.unwrap(), Err(ClientError::Closed(Reason::LOST))));
        for borrower in &borrowers {
            assert_eq!(borrower.ended().await, Reason::LOST);
        }
        let socket = std::fs::read_dir(home.path().join("links")).unwrap();
        assert!(
            socket.flatten().any(|entry| entry.path().extension().is_some_and(|of| of == "sock")),
            "it stayed behind"
        );
        let (first, second) = tokio::join!(join(&rig), join(&rig));
        let (first, second) = (first.unwrap(), second.unwrap());
        assert_eq!(first.handshake(), second.handshake());
        assert_eq!(first.memory(), borrowers[0].memory(), "so what was under way can be asked for again");
        second.text(&text("!", 0)).await.unwrap();
        assert!(desktop.held_keys().is_empty() && desktop.editor_text().ends_with('!'));
        assert_eq!(rig.handle.sessions().await.unwrap().len(), 1);
    });
}

#[test]
fn an_owner_that_is_stopped_hangs_its_borrowers_calls_for_their_time_only() {
    run(async {
        let (rig, _) = Rig::on_virtual();
        rig.pair("controller").await;
        let other = start_beside(&rig.home("controller")).await;
        let borrower = join(&rig).await.unwrap();
        borrower.cursor_position().await.unwrap();
        other.signal("STOP");
        // The signal may come a little later than the first of these.
        let late = loop {
            let limit = Duration::from_millis(300);
            if let Err(late) = borrower.call_within::<DisplayCursorPosition>(&(), limit).await {
                break late;
            }
        };
        assert!(matches!(late, ClientError::Timeout { .. }), "{late:?}");
        other.signal("CONT");
        borrower.cursor_position().await.unwrap();
    });
}
