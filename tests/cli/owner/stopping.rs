//! W5: `opendesk stop` ends all that a controller does, whatever else decides about calls.

use std::fs;

use opendesk_std::api::{KeyEvent, Press, ProcessShell, ShellParams, SubscribeParams};

use super::terminal::Answers;
use super::{
    Host, connect, controlled, end_of, eventually, meanwhile, refusal, runs, tap, text_of, typed, until_typed,
};
use crate::{Folder, failure, opendesk, succeeded};

/// Starts a program with a child, and with one that has left its process group, and gives where their numbers will stand.
fn program_with_child(folder: &Folder) -> (ShellParams, impl Fn() -> Vec<String> + use<>) {
    let place = folder.home("pids");
    fs::write(&place, "").expect("a new file");
    let command = format!("sleep 1000 & child=$!; setsid sleep 1000 & echo $$ $child $! > {}; wait", place.display());
    let pids = move || {
        let told = fs::read_to_string(&place).unwrap_or_default();
        told.split_whitespace().map(str::to_owned).collect()
    };
    (ShellParams { command, ..ShellParams::default() }, pids)
}

/// Everything at once, stopped and let go on twice in one session.
fn everything_ends(approve: &str) {
    let folder = Folder::new();
    let (home, controller) = (folder.home("host"), folder.home("controller"));
    succeeded(&opendesk(&home, &["policy", "preset", "relaxed"]));
    let host = Host::start(&home, &["--approve", approve]);
    host.pair(&controller, &[]);
    controlled(async {
        let client = connect(&controller).await.expect("it is trusted");
        for (halt, go_on, said) in [("stop", "resume", "stopped"), ("takeover", "handback", "using it themselves")] {
            let before = typed(&client).await;
            let mut pictures = client.watch(&SubscribeParams::default()).await.expect("it may look");
            pictures.next().await.expect("a picture").expect("a picture");
            let (params, pids) = program_with_child(&folder);
            let left = "sleep 1000 > /dev/null 2>&1 & echo $!".to_owned();
            let left = ShellParams { command: left, ..ShellParams::default() };
            let left = client.call::<ProcessShell>(&left).await.expect("it ends at once");
            let left = String::from_utf8(left.stdout).expect("a number").trim().to_owned();
            assert!(runs(&left), "what a command leaves running is not killed when the command ends");
            let (runs_it, types) = (client.clone(), client.clone());
            let program = tokio::spawn(async move { runs_it.call::<ProcessShell>(&params).await });
            let shift = KeyEvent { action: Press::Down, keysym: "shift".into(), modifiers: vec![] };
            client.key(&shift).await.expect("the desktop takes it");
            tap(&client, "a").await;
            assert!(typed(&client).await.ends_with('A'), "the key is held");
            let typing = tokio::spawn(async move { types.text(&text_of(&"x".repeat(1000), 20)).await });
            eventually("the program and its child run", || pids().len() == 3).await;
            until_typed(&client, |text| text.ends_with('x')).await;

            let stopped = meanwhile(&home, &[halt, "--reason", "lunch"]).await;
            assert!(succeeded(&stopped).lines().count() == 1 && stopped.stderr.is_empty(), "{stopped:?}");
            for why in [
                refusal(client.cursor_position().await),
                refusal(client.text(&text_of("never", 0)).await),
                refusal(typing.await.expect("it is answered")),
                refusal(program.await.expect("it is answered")),
            ] {
                assert!(why.contains(said) && why.contains("lunch"), "{approve}: {why}");
            }
            refusal(end_of(&mut pictures).await);
            eventually("all are killed", || pids().iter().chain([&left]).all(|pid| !runs(pid))).await;
            let mut another = client.watch(&SubscribeParams::default()).await.expect("asking is no failure");
            refusal(end_of(&mut another).await);

            succeeded(&meanwhile(&home, &[go_on]).await);
            tap(&client, "a").await;
            let now = typed(&client).await;
            let ours = now.strip_prefix(&before).unwrap_or_else(|| panic!("{before:?} became {now:?}"));
            let typed_before = ours.matches('x').count();
            assert!(ours.starts_with('A') && ours.ends_with('a'), "shift came up: {ours}");
            assert!(typed_before < 1000 && ours.len() == typed_before + 2, "{ours}");
        }
    });
}

#[test]
fn w5_a_stop_ends_everything_where_everything_is_allowed() {
    everything_ends("auto");
}

#[test]
fn w5_a_stop_ends_everything_where_rules_decide() {
    everything_ends("policy");
}

#[test]
fn w5_a_stop_ends_everything_where_the_owner_is_asked_and_the_question_too() {
    let folder = Folder::new();
    let (home, controller) = (folder.home("host"), folder.home("controller"));
    let mut host = Host::on_terminal(&home, &["--approve", "console"], Answers::Person);
    host.pair(&controller, &[]);
    controlled(async {
        let client = connect(&controller).await.unwrap();
        let mut pictures = client.watch(&SubscribeParams::default()).await.unwrap();
        pictures.next().await.unwrap().unwrap();
        let (params, pids) = program_with_child(&folder);
        let runs_it = client.clone();
        let program = tokio::spawn(async move { runs_it.call::<ProcessShell>(&params).await });
        host.question(1).await;
        host.type_line("y");
        eventually("the program and its child run", || pids().len() == 3).await;
        let types = client.clone();
        let typing = tokio::spawn(async move { types.text(&text_of(&"x".repeat(1000), 20)).await });
        host.question(2).await;
        host.type_line("y");
        until_typed(&client, |text| !text.is_empty()).await;
        // It waits for the one that is under way, so the owner has not been asked yet.
        let types = client.clone();
        let waiting = tokio::spawn(async move { types.text(&text_of("never", 0)).await });
        client.cursor_position().await.unwrap();

        succeeded(&meanwhile(&home, &["stop"]).await);
        refusal(client.cursor_position().await);
        for outcome in [typing.await.unwrap(), waiting.await.unwrap()] {
            refusal(outcome);
        }
        refusal(program.await.unwrap());
        refusal(end_of(&mut pictures).await);
        eventually("program and child are killed", || pids().iter().all(|pid| !runs(pid))).await;
        assert_eq!(host.questions(), 2, "{}", host.shown());

        succeeded(&meanwhile(&home, &["resume"]).await);
        let types = client.clone();
        let asked = tokio::spawn(async move { types.text(&text_of("never", 0)).await });
        host.question(3).await;
        succeeded(&meanwhile(&home, &["stop"]).await);
        refusal(asked.await.unwrap());
        eventually("the question is taken back", || host.shown().contains("withdrawn")).await;
        host.type_line("yes");
        succeeded(&meanwhile(&home, &["resume"]).await);
        let types = client.clone();
        let refused = tokio::spawn(async move { types.text(&text_of("never", 0)).await });
        let question = host.question(4).await;
        assert!(question.contains("\"never\""), "{question}");
        host.type_line("no");
        assert!(refusal(refused.await.unwrap()).contains("said no"));
        assert!(typed(&client).await.chars().all(|character| character == 'x'));
    });
}

#[test]
fn a_stop_holds_for_hosts_and_sessions_that_come_later() {
    let folder = Folder::new();
    let (home, controller) = (folder.home("host"), folder.home("controller"));
    let host = Host::start(&home, &[]);
    host.pair(&controller, &[]);
    host.kill();
    let stopped = opendesk(&home, &["stop", "--reason", "holiday"]);
    assert!(succeeded(&stopped).starts_with("stopped") && stopped.stderr.contains("no host runs"), "{stopped:?}");
    let host = Host::start(&home, &[]);
    host.found_by(&controller);
    let looked = opendesk(&controller, &["call", "screenshot"]);
    let (code, line) = failure(&looked);
    assert!(code == 5 && line.contains("holiday"), "{looked:?}");
    succeeded(&opendesk(&home, &["resume"]));
    succeeded(&opendesk(&controller, &["call", "screenshot"]));
    let long = opendesk(&home, &["stop", "--reason", &"é".repeat(1025)]);
    assert!(succeeded(&long).starts_with("stopped"), "{long:?}");
    assert!(long.stderr.contains("the reason was cut: 1024 characters of it are kept"), "{long:?}");
}

/// What is on its way is sent to its end, or not at all.
#[test]
fn a_stop_in_the_middle_of_pictures_ends_them_and_nothing_else() {
    let folder = Folder::new();
    let (home, controller) = (folder.home("host"), folder.home("controller"));
    let host = Host::start(&home, &[]);
    host.pair(&controller, &[]);
    let switch = |mode: &str| fs::write(home.join("control.json"), format!("{{\"mode\": \"{mode}\"}}"));
    controlled(async {
        let client = connect(&controller).await.unwrap();
        for _ in 0..50 {
            let types = client.clone();
            let typing = tokio::spawn(async move { types.text(&text_of(&"x".repeat(1000), 1)).await });
            let mut streams = Vec::new();
            for _ in 0..4 {
                let params = SubscribeParams { fps: 60, ..SubscribeParams::default() };
                let mut pictures = client.watch(&params).await.unwrap();
                pictures.next().await.unwrap().unwrap();
                streams.push(pictures);
            }
            switch("stopped").unwrap();
            for pictures in &mut streams {
                refusal(end_of(pictures).await);
            }
            refusal(typing.await.unwrap());
            switch("running").unwrap();
            client.cursor_position().await.unwrap();
        }
    });
    assert_eq!(host.running.stderr().matches("panicked").count(), 0, "{}", host.running.stderr());
}
