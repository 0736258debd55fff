//! W5: the owner's switch stops everything that is under way, in every mode, and the next call is refused.

use core::time::Duration;

use opendesk_core::ErrorCode;
use opendesk_std::api::{KeyEvent, Press, ProcessShell, ShellParams, SubscribeParams, TextInput};
use opendesk_std::govern::control::{Control, Mode};
use opendesk_std::home::Home;
use opendesk_tests::rig::Rig;
use opendesk_tokio::{Client, ClientError, HostOptions, Notice};

use crate::run;

fn set(home: &Home, mode: Mode, reason: &str) {
    Control::set(home, mode, reason).expect("the home can be written");
}

fn refusal<T: core::fmt::Debug>(outcome: Result<T, ClientError>) -> String {
    match outcome {
        Err(ClientError::Call(error)) if error.code == ErrorCode::PermissionDenied => error.message,
        other => panic!("it is refused: {other:?}"),
    }
}

async fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let wait = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), wait).await.unwrap_or_else(|_| panic!("{what}"));
}

async fn shift_down(client: &Client) {
    let down = KeyEvent { action: Press::Down, keysym: "shift".into(), modifiers: vec![] };
    client.key(&down).await.expect("the desktop takes it");
}

#[test]
fn w5_a_stop_ends_typing_streams_programs_and_held_keys_and_refuses_the_next_call() {
    run(async {
        let desktop = std::sync::Arc::new(opendesk_std::desktop::r#virtual::VirtualDesktop::default());
        let computer = std::sync::Arc::clone(&desktop);
        let rig = Rig::start_as(|home| HostOptions { files: true, ..HostOptions::new(home, computer) });
        rig.pair("controller").await;
        let client = rig.connect("controller").await.unwrap();
        let folder = rig.folder.path().to_owned();

        let mut pictures = client.watch(&SubscribeParams::default()).await.unwrap();
        pictures.next().await.unwrap().unwrap();
        let pid = folder.join("pid");
        let command = format!("echo $$ > {}; exec sleep 1000", pid.display());
        let (runs, types) = (client.clone(), client.clone());
        let program =
            tokio::spawn(
                async move { runs.call::<ProcessShell>(&ShellParams { command, ..ShellParams::default() }).await },
            );
        let typing =
            tokio::spawn(async move { types.text(&TextInput { text: "x".repeat(1000), interval_ms: 20 }).await });
        eventually("the program runs", || std::fs::read_to_string(&pid).is_ok_and(|pid| pid.ends_with('\n'))).await;
        eventually("it types", || !desktop.editor_text().is_empty()).await;
        let pid: i32 = std::fs::read_to_string(&pid).unwrap().trim().parse().unwrap();

        set(&rig.home("host"), Mode::Stopped, "lunch");
        let why = refusal(typing.await.unwrap());
        assert!(why.contains("stopped") && why.contains("lunch"), "{why}");
        refusal(program.await.unwrap());
        let ended = loop {
            match pictures.next().await {
                Some(Ok(_)) => {}
                other => break other,
            }
        };
        assert!(matches!(ended, Some(Err(_))), "{ended:?}");
        eventually("the program is killed", || !std::path::Path::new(&format!("/proc/{pid}")).exists()).await;
        let typed = desktop.editor_text().len();
        assert!(typed < 1000, "{typed}");
        eventually("nothing is held", || desktop.held_keys().is_empty()).await;
        refusal(client.cursor_position().await);
        refusal(client.text(&TextInput { text: "y".into(), interval_ms: 0 }).await);
        assert_eq!(desktop.editor_text().len(), typed);

        set(&rig.home("host"), Mode::Running, "");
        client.cursor_position().await.unwrap();
        client.text(&TextInput { text: "y".into(), interval_ms: 0 }).await.unwrap();
        let log = rig.stop().await;
        let changes: Vec<_> = log.iter().filter(|entry| entry["type"] == "control.changed").collect();
        assert_eq!(changes.len(), 2, "{changes:?}");
        assert_eq!((&changes[0]["mode"], &changes[0]["reason"]), (&"stopped".into(), &"lunch".into()));
        assert!(log.iter().any(|entry| entry["type"] == "stream.ended" && entry["error_code"] == "permission_denied"));
    });
}

#[test]
fn a_stop_is_seen_without_any_call_and_lets_go_of_what_is_held() {
    run(async {
        let (rig, desktop) = Rig::on_virtual();
        rig.pair("controller").await;
        let client = rig.connect("controller").await.unwrap();
        shift_down(&client).await;
        assert!(!desktop.held_keys().is_empty());
        set(&rig.home("host"), Mode::Takeover, "");
        eventually("nothing is held", || desktop.held_keys().is_empty()).await;
        let changed = rig.wait_for(|notice| matches!(notice, Notice::ControlChanged(_))).await;
        assert!(matches!(changed, Notice::ControlChanged(Some(control)) if control.mode == Mode::Takeover));
        assert!(refusal(client.cursor_position().await).contains("using it themselves"));
        // The session is there still: it goes on when the owner hands the machine back.
        set(&rig.home("host"), Mode::Running, "");
        client.cursor_position().await.unwrap();
    });
}

#[test]
fn w16b_a_switch_that_cannot_be_read_refuses_everything() {
    run(async {
        let (rig, _) = Rig::on_virtual();
        rig.pair("controller").await;
        let client = rig.connect("controller").await.unwrap();
        client.cursor_position().await.unwrap();
        for damaged in ["", "{", "null", "[]"] {
            rig.home("host").write("control.json", damaged.as_bytes()).unwrap();
            let why = refusal(client.cursor_position().await);
            assert!(why.contains("cannot be read") || why.contains("control.json"), "{damaged:?}: {why}");
        }
        set(&rig.home("host"), Mode::Running, "");
        client.cursor_position().await.unwrap();
    });
}

#[test]
fn what_was_stopped_before_the_host_started_is_stopped() {
    run(async {
        let (rig, _) = Rig::on_virtual();
        rig.pair("controller").await;
        set(&rig.home("host"), Mode::Stopped, "");
        let client = rig.connect("controller").await.unwrap();
        refusal(client.capabilities().await);
    });
}
