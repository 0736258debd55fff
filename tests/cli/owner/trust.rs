//! On which terms a controller is trusted, and the end of the trust while it drives.

use core::time::Duration;

use opendesk_std::api::SubscribeParams;
use opendesk_tests::bin::{Running, command};
use opendesk_tests::desktop::PATIENCE;
use opendesk_tokio::{Client, ClientError};

use super::{Host, connect, controlled, eventually, log_of, meanwhile, refusal, text, text_of, typed, until_typed};
use crate::{Folder, LIMIT, failure, json, opendesk, succeeded};

/// Waits until the session of a client is over.
async fn over(client: &Client) {
    let wait = async {
        while !matches!(client.cursor_position().await, Err(ClientError::Closed(_))) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.expect("the session ends");
}

#[test]
fn whoever_was_let_in_to_look_does_nothing_else_in_any_mode() {
    let folder = Folder::new();
    for approve in ["auto", "policy", "console"] {
        let (home, controller) = (folder.home(approve), folder.home(&format!("{approve}-guest")));
        succeeded(&opendesk(&home, &["policy", "preset", "relaxed"]));
        let host = Host::start(&home, &["--approve", approve]);
        host.pair(&controller, &["--role", "observe"]);
        let peers = json(&opendesk(&home, &["peers", "--json"]));
        assert_eq!(peers[0]["role"], "observe");
        succeeded(&opendesk(&controller, &["call", "screenshot"]));
        for (tool, arguments) in [
            ("keyboard", r#"{"action": "type", "text": "x"}"#),
            ("keyboard", r#"{"action": "press", "key": "a"}"#),
            ("mouse", r#"{"action": "click", "x": 5, "y": 5}"#),
        ] {
            let tried = opendesk(&controller, &["call", tool, arguments]);
            let (code, line) = failure(&tried);
            assert!(code == 5 && line.contains("lets you look only"), "{approve} {arguments}: {tried:?}");
        }
        controlled(async {
            let client = connect(&controller).await.unwrap();
            let mut pictures = client.watch(&SubscribeParams::default()).await.unwrap();
            pictures.next().await.unwrap().unwrap();
            assert_eq!(typed(&client).await, "");
        });
        // Pairing anew with what it was given before gives it no more than what is said now.
        host.pair(&controller, &[]);
        assert_eq!(json(&opendesk(&home, &["peers", "--json"]))[0]["role"], "full");
        host.pair(&controller, &["--role", "observe"]);
        let typing = opendesk(&controller, &["call", "keyboard", r#"{"action": "type", "text": "x"}"#]);
        assert!(failure(&typing).1.contains("lets you look only"), "{typing:?}");
    }
}

#[test]
fn a_trust_for_two_seconds_ends_in_the_middle_of_what_is_done() {
    let folder = Folder::new();
    let (home, controller) = (folder.home("host"), folder.home("controller"));
    let host = Host::start(&home, &[]);
    host.pair(&controller, &["--for", "2s"]);
    controlled(async {
        // On a slow machine it may be over by now.
        if let Ok(client) = connect(&controller).await {
            let types = client.clone();
            let typing = tokio::spawn(async move { types.text(&text_of(&"x".repeat(1000), 20)).await });
            over(&client).await;
            assert!(matches!(typing.await.unwrap(), Err(ClientError::Closed(_))));
        }
    });
    controlled(eventually("it is forgotten", || {
        json(&opendesk(&home, &["peers", "--json"])).as_array().is_some_and(Vec::is_empty)
    }));
    let again = opendesk(&controller, &["connect"]);
    assert_eq!(failure(&again).0, 5, "{again:?}");
    let log = log_of(&home);
    let ends: Vec<_> = log.iter().filter(|entry| entry["type"].as_str().unwrap().starts_with("trust.")).collect();
    assert!(ends.len() == 1 && ends[0]["type"] == "trust.expired", "told once: {ends:?}");
    drop(host);
}

#[test]
fn who_drives_a_machine_is_not_driven_by_it_unless_it_let_it_in() {
    let folder = Folder::new();
    let (home, other) = (folder.home("host"), folder.home("controller"));
    let host = Host::start(&home, &[]);
    host.pair(&other, &[]);
    succeeded(&opendesk(&other, &["call", "screenshot"]));
    let listed = json(&opendesk(&other, &["peers", "--json"]));
    assert_eq!((&listed[0]["may_drive_us"], &listed[0]["expired"]), (&false.into(), &false.into()), "{listed}");
    assert!(succeeded(&opendesk(&other, &["peers"])).contains("may not drive this machine"));
    let back = Host::start(&other, &[]);
    let key = json(&opendesk(&other, &["identity", "--json"]))["public_key"].as_str().unwrap().to_owned();
    let place = format!("ws://127.0.0.1:{}#{key}", back.port);
    let tried = opendesk(&home, &["connect", &place]);
    let (code, line) = failure(&tried);
    assert!(code == 5, "{line}");
    assert!(log_of(&other).iter().any(|entry| entry["type"] == "session.rejected"));
    // By a code of its own it does, and is driven as before.
    back.pair(&home, &[]);
    succeeded(&opendesk(&home, &["connect", &place]));
    succeeded(&opendesk(&other, &["call", "screenshot"]));
}

#[test]
fn a_code_is_taken_back() {
    let folder = Folder::new();
    let (home, controller) = (folder.home("host"), folder.home("controller"));
    let none = opendesk(&home, &["pair", "--close"]);
    assert_eq!(succeeded(&none), "no code is shown");
    let host = Host::start(&home, &[]);
    assert_eq!(json(&opendesk(&home, &["pair", "--close", "--json"]))["closed"], false);
    let mut shown = host.show("135790", &[]);
    shown.first_line();
    assert_eq!(succeeded(&opendesk(&home, &["pair", "--close"])), "the code was taken back");
    let ended = shown.finish(LIMIT);
    let (code, line) = failure(&ended);
    assert!(code == 5 && line.contains("taken back"), "{ended:?}");
    let tried = opendesk(&controller, &host.pair_with("135790"));
    assert_eq!(failure(&tried).0, 5, "{tried:?}");
    // The next one is as good as the first.
    host.pair(&controller, &[]);
    succeeded(&opendesk(&controller, &["connect"]));
}

#[test]
fn a_code_that_is_shown_without_a_host_is_taken_back_too() {
    let folder = Folder::new();
    let home = folder.home("host");
    let pair = ["pair", "--code", "135790", "--host", "127.0.0.1", "--port", "0"];
    let mut shown = Running::start(command(&home, &pair));
    shown.first_line();
    assert_eq!(succeeded(&opendesk(&home, &["pair", "--close"])), "the code was taken back");
    let ended = shown.finish(LIMIT);
    assert!(failure(&ended).1.contains("taken back"), "{ended:?}");
}

#[test]
fn unpair_ends_the_session_at_once_by_the_beginning_of_the_fingerprint() {
    let folder = Folder::new();
    let home = folder.home("host");
    let (first, second) = (folder.home("first"), folder.home("second"));
    let host = Host::start(&home, &["--approve", "auto"]);
    host.pair_as(&first, "first");
    host.pair_as(&second, "second");
    let peers = json(&opendesk(&home, &["peers", "--json"]));
    let fingerprint = text(&peers[0]["fingerprint"]).to_owned();
    controlled(async {
        let client = connect(&first).await.unwrap();
        let types = client.clone();
        let typing = tokio::spawn(async move { types.text(&text_of(&"x".repeat(1000), 20)).await });
        until_typed(&client, |text| !text.is_empty()).await;
        let wrong = meanwhile(&home, &["unpair", "zzzz"]).await;
        assert_eq!(failure(&wrong).0, 5, "{wrong:?}");
        let short = meanwhile(&home, &["unpair", &fingerprint[..2]]).await;
        assert_eq!(failure(&short).0, 5, "{short:?}");
        client.cursor_position().await.unwrap();
        let said = meanwhile(&home, &["unpair", &fingerprint[..14]]).await;
        assert!(succeeded(&said).starts_with("first (") && succeeded(&said).ends_with("is not trusted any more"));
        assert!(matches!(client.cursor_position().await, Err(ClientError::Closed(_))), "the first call after it");
        assert!(matches!(typing.await.unwrap(), Err(ClientError::Closed(_))));
        assert!(connect(&first).await.is_err());

        // Everybody else is as welcome as before, and finds nothing under way.
        let client = connect(&second).await.unwrap();
        let left = typed(&client).await;
        client.text(&text_of("y", 0)).await.unwrap();
        assert_eq!(typed(&client).await, format!("{left}y"));
    });
    let log = log_of(&home);
    let removed: Vec<_> = log.iter().filter(|entry| entry["type"] == "trust.removed").collect();
    assert_eq!(removed.len(), 1, "told once: {removed:?}");
    assert_eq!((&removed[0]["peer"]["name"], &removed[0]["detail"]), (&"first".into(), &"by the owner".into()));
}

#[test]
fn whoever_only_looks_is_stopped_like_everybody() {
    let folder = Folder::new();
    let (home, controller) = (folder.home("host"), folder.home("controller"));
    let host = Host::start(&home, &[]);
    host.pair(&controller, &["--role", "observe", "--for", "1h"]);
    controlled(async {
        let client = connect(&controller).await.unwrap();
        client.cursor_position().await.unwrap();
        succeeded(&meanwhile(&home, &["stop"]).await);
        assert!(refusal(client.cursor_position().await).contains("stopped"));
    });
    drop(host);
}
