//! `serve --approve policy`: the rules that the owner wrote, as they are when a call comes.

use std::fs;
use std::path::Path;

use opendesk_std::api::{
    CaptureParams, ClipboardContents, ClipboardRead, ExecParams, Point, PointerAction, PointerEvent, ProcessExec,
    ProcessShell, ShellParams, SubscribeParams, WindowParams, WindowsFocus,
};
use opendesk_tokio::Client;
use serde_json::Value;

use super::terminal::Answers;
use super::{Host, connect, controlled, end_of, meanwhile, refusal, text_of, typed};
use crate::{Folder, failure, json, opendesk, succeeded};

async fn look(client: &Client) {
    client.cursor_position().await.expect("it may look");
    client.capture(&CaptureParams::default()).await.expect("it may look");
}

fn shell(command: &str) -> ShellParams {
    ShellParams { command: command.into(), ..ShellParams::default() }
}

fn moved() -> PointerEvent {
    let (action, point) = (PointerAction::Move, Point::new(5.0, 300.0));
    PointerEvent { action, point, button: None, modifiers: vec![], dx: 0.0, dy: 0.0 }
}

#[test]
fn the_reason_of_a_rule_is_told_as_it_is_kept() {
    let folder = Folder::new();
    let home = folder.home("host");
    let add =
        ["policy", "add-rule", "--tool", "fs", "--decision", "block", "--reason", "no\u{1b}[31m files\n\u{202e}here"];
    for args in [&add[..], &["policy", "show"]] {
        let finished = opendesk(&home, args);
        assert!(succeeded(&finished).contains("block    tool=fs: no[31m files here\n"), "{finished:?}");
    }
}

/// W8: what is said of one controller holds for it by whatever method it tries, and for no other.
#[test]
fn w8_a_rule_on_a_controller_holds_for_all_that_it_tries_and_for_nobody_else() {
    let folder = Folder::new();
    let home = folder.home("host");
    let (guest, office) = (folder.home("guest"), folder.home("office"));
    let host = Host::start(&home, &["--approve", "policy"]);
    host.pair_as(&guest, "Guest 7");
    host.pair_as(&office, "office");
    succeeded(&opendesk(&home, &["policy", "preset", "relaxed"]));
    for tool in ["keyboard", "script", "display.subscribe"] {
        let add = ["policy", "add-rule", "--peer", "guest*", "--reason", "guests", "--decision", "block", "--tool"];
        succeeded(&opendesk(&home, &[&add[..], &[tool]].concat()));
    }
    let (from_guest, from_office) = (folder.home("from-guest"), folder.home("from-office"));
    controlled(async {
        for (controller, is_bound, mark) in [(&guest, true, &from_guest), (&office, false, &from_office)] {
            let client = connect(controller).await.unwrap();
            look(&client).await;
            client.pointer(&moved()).await.unwrap();
            let touch = format!("touch {}", mark.display());
            let argv = vec!["touch".to_owned(), mark.display().to_string()];
            let ran = client.call::<ProcessShell>(&shell(&touch)).await.map(drop);
            let started = client.call::<ProcessExec>(&ExecParams { argv, ..ExecParams::default() }).await.map(drop);
            let typed_something = client.text(&text_of("x", 0)).await.map(drop);
            let mut pictures = client.watch(&SubscribeParams::default()).await.unwrap();
            let watched = pictures.next().await.unwrap().map(drop);
            for outcome in [ran, started, typed_something, watched] {
                if is_bound {
                    assert!(refusal(outcome).contains("the rules of this host forbid it: guests"));
                } else {
                    outcome.unwrap();
                }
            }
            assert_eq!(typed(&client).await, if is_bound { "" } else { "x" });
            client.close().await;
        }
    });
    assert!(!from_guest.exists() && from_office.exists());
}

#[test]
fn w8_a_controller_that_is_called_something_else_is_bound_by_what_is_said_of_that_name() {
    let folder = Folder::new();
    let (home, controller) = (folder.home("host"), folder.home("controller"));
    let host = Host::start(&home, &["--approve", "policy"]);
    host.pair_as(&controller, "office");
    let add = ["policy", "add-rule", "--tool", "*", "--decision", "block", "--reason", "guests", "--peer", "guest"];
    succeeded(&opendesk(&home, &add));
    controlled(async {
        let client = connect(&controller).await.unwrap();
        look(&client).await;
        let mut pictures = client.watch(&SubscribeParams::default()).await.unwrap();
        pictures.next().await.unwrap().unwrap();
        succeeded(&meanwhile(&home, &["peers", "rename", "office", "guest"]).await);
        // What it watches ends as well: it would not be let begin.
        assert!(refusal(end_of(&mut pictures).await).contains("guests"));
        refusal(client.cursor_position().await);
        refusal(client.text(&text_of("x", 0)).await);
    });
}

/// What was said of a machine by its name or its key is still said of it when it is called something else.
#[test]
fn w35_a_controller_that_is_renamed_stays_bound_by_the_rules_on_its_name_and_its_key() {
    let folder = Folder::new();
    let (home, controller) = (folder.home("host"), folder.home("controller"));
    let host = Host::start(&home, &["--approve", "policy"]);
    host.pair_as(&controller, "office");
    let key = json(&opendesk(&home, &["peers", "--json"]))[0]["fingerprint"].as_str().unwrap().to_owned();
    succeeded(&opendesk(&home, &["policy", "preset", "relaxed"]));
    for (tool, peer) in [("keyboard", "OFFICE"), ("clipboard", &key)] {
        let add = ["policy", "add-rule", "--tool", tool, "--decision", "block", "--reason", "bound", "--peer", peer];
        assert_eq!(opendesk(&home, &add).stderr, "");
    }
    controlled(async {
        let client = connect(&controller).await.unwrap();
        for name in ["office", "guest", "café"] {
            if name != "office" {
                let renamed = meanwhile(&home, &["peers", "rename", &key, name]).await;
                assert!(succeeded(&renamed).ends_with(&format!("is called {name} now; rule 1 on it followed")));
                assert_eq!(renamed.stderr, "");
            }
            assert!(refusal(client.text(&text_of("x", 0)).await).contains("bound"), "{name}");
            let clipboard = client.call::<ClipboardRead>(&()).await;
            assert!(refusal(clipboard).contains("bound"), "{name}");
            look(&client).await;
        }
    });
    let shown = json(&opendesk(&home, &["policy", "--json"]));
    let peers: Vec<_> = shown["rules"].as_array().unwrap().iter().map(|rule| rule["peer"].clone()).collect();
    assert_eq!(peers, ["café".to_owned(), key]);
}

#[test]
fn a_stream_ends_when_the_rules_forbid_it_and_goes_on_when_they_forbid_something_else() {
    let folder = Folder::new();
    let (home, controller) = (folder.home("host"), folder.home("controller"));
    let host = Host::start(&home, &["--approve", "policy"]);
    host.pair(&controller, &[]);
    // Nobody is asked, so that no dialog of the machine that tests comes up.
    fs::write(home.join("policy.json"), r#"{"approval": {"chain": ["none"]}}"#).unwrap();
    controlled(async {
        let client = connect(&controller).await.unwrap();
        for (decision, said) in [("block", "forbid it: no pictures"), ("confirm", "no pictures")] {
            let mut pictures = client.watch(&SubscribeParams::default()).await.unwrap();
            pictures.next().await.unwrap().unwrap();
            let forbid = |tool: &'static str| {
                let add = ["policy", "add-rule", "--reason", "no pictures", "--decision", decision, "--tool"];
                [&add[..], &[tool]].concat()
            };
            succeeded(&meanwhile(&home, &forbid("keyboard")).await);
            refusal(client.text(&text_of("x", 0)).await);
            // Something new to see, of a stream that goes on.
            client.call::<WindowsFocus>(&window(decision)).await.unwrap();
            pictures.next().await.unwrap().unwrap();

            succeeded(&meanwhile(&home, &forbid("screenshot")).await);
            assert!(refusal(end_of(&mut pictures).await).contains(said));
            for _ in 0..2 {
                succeeded(&meanwhile(&home, &["policy", "remove-rule", "1"]).await);
            }
        }
        look(&client).await;
    });
}

/// The window that does not have the keyboard yet.
fn window(decision: &str) -> WindowParams {
    let id = if decision == "block" { "virtual-2" } else { "virtual-1" };
    WindowParams { window_id: id.into() }
}

/// What the owner asks the host, and reads in its terminal.
async fn refused_as_status_says(home: &Path) {
    let told = meanwhile(home, &["status"]).await;
    let line = succeeded(&told).lines().find(|line| line.starts_with("control")).unwrap_or_default();
    assert!(
        line.starts_with("control   every call is refused: ") && line.contains("policy.json cannot be"),
        "{told:?}"
    );
    let status = json(&meanwhile(home, &["status", "--json"]).await);
    assert!(status["policy_error"].as_str().is_some_and(|why| why.contains("policy.json cannot be used")), "{status}");
    assert_eq!(status["control_error"], Value::Null, "the switch can be read");
}

/// W16b.
#[test]
fn w16b_rules_that_cannot_be_understood_refuse_all_and_the_owner_is_told_why() {
    let folder = Folder::new();
    let (home, controller) = (folder.home("host"), folder.home("controller"));
    let host = Host::start(&home, &["--approve", "policy"]);
    host.pair(&controller, &[]);
    let file = home.join("policy.json");
    controlled(async {
        let client = connect(&controller).await.unwrap();
        for damaged in [
            "",
            "{",
            "null",
            r#"{"rules": [{"tool": "keyboard", "decision": "blok"}]}"#,
            r#"{"rules": [{"tools": "keyboard", "decision": "block"}]}"#,
            r#"{"preset": "open"}"#,
        ] {
            let mut pictures = client.watch(&SubscribeParams::default()).await.unwrap();
            pictures.next().await.unwrap().unwrap();
            fs::write(&file, damaged).unwrap();
            for why in [
                refusal(client.cursor_position().await),
                refusal(client.capabilities().await),
                refusal(client.text(&text_of("x", 0)).await),
            ] {
                assert!(why.contains("policy.json on the host cannot be read, so every call is refused"), "{why}");
            }
            refusal(end_of(&mut pictures).await);
            let told = meanwhile(&home, &["policy", "show"]).await;
            let (code, line) = failure(&told);
            assert!(code == 6 && line.contains("policy.json cannot be used"), "{damaged:?}: {told:?}");
            assert_eq!(fs::read_to_string(&file).unwrap(), damaged, "it is left as it is");
            let resumed = meanwhile(&home, &["resume"]).await;
            assert!(succeeded(&resumed).starts_with("controllers may act; as before"), "{resumed:?}");
            assert!(resumed.stderr.starts_with("every call is refused all the same"), "{resumed:?}");
            refused_as_status_says(&home).await;
            fs::remove_file(&file).unwrap();
            look(&client).await;
            let told = meanwhile(&home, &["status"]).await;
            assert!(succeeded(&told).contains("control   controllers may act\n"), "{told:?}");
        }
        assert_eq!(typed(&client).await, "");
    });
    let told = host.running.stderr();
    assert!(told.contains("every call is refused: ") && told.contains("the policy can be read again"), "{told}");
    drop(host);
    fs::write(&file, "{").unwrap();
    let host = Host::start(&home, &["--approve", "policy"]);
    host.found_by(&controller);
    let looked = opendesk(&controller, &["call", "screenshot"]);
    assert!(failure(&looked).1.contains("every call is refused"), "{looked:?}");
    controlled(refused_as_status_says(&home));
    let told = host.running.stderr();
    assert_eq!(told.matches("every call is refused: ").count(), 1, "{told}");
}

/// What is allowed waits behind what the owner is asked about. What the rules say when its turn comes is what counts.
#[test]
fn what_waits_behind_a_question_is_judged_by_the_rules_of_its_turn() {
    let folder = Folder::new();
    let (home, controller) = (folder.home("host"), folder.home("controller"));
    let mut host = Host::on_terminal(&home, &["--approve", "policy"], Answers::Person);
    host.pair(&controller, &[]);
    let rules = r#"{"rules": [{"tool": "keyboard", "decision": "confirm"}], "approval": {"chain": ["console"]}}"#;
    fs::write(home.join("policy.json"), rules).unwrap();
    controlled(async {
        let client = connect(&controller).await.unwrap();
        let (types, writes) = (client.clone(), client.clone());
        let asked = tokio::spawn(async move { types.text(&text_of("a", 0)).await });
        host.question(1).await;
        let behind = tokio::spawn(async move { writes.clipboard_write(&ClipboardContents { entries: vec![] }).await });
        client.cursor_position().await.unwrap();
        let forbid = ["policy", "add-rule", "--tool", "clipboard", "--decision", "block", "--reason", "no more"];
        succeeded(&meanwhile(&home, &forbid).await);
        host.type_line("yes");
        asked.await.unwrap().unwrap();
        assert!(refusal(behind.await.unwrap()).contains("no more"));
    });
}
