//! The owner is asked: nothing that acts happens meanwhile, and only a yes lets it happen.

use core::time::Duration;
use std::sync::{Arc, Mutex};

use opendesk_core::ErrorCode;
use opendesk_std::Cancel;
use opendesk_std::api::{
    Call, KeyEvent, Point, PointerAction, PointerEvent, Press, ProcessShell, ShellParams, SubscribeParams, TextInput,
    TreeParams,
};
use opendesk_std::desktop::r#virtual::VirtualDesktop;
use opendesk_std::govern::ask::{Answer, Approver, NoApprover, Question};
use opendesk_std::govern::{AskAll, Peer, Policy, RulesFile, Verdict};
use opendesk_std::host::{decide_through_running, follow_running, status_of_running};
use opendesk_tests::rig::Rig;
use opendesk_tokio::{ClientError, HostOptions, Notice, Tokio};

use crate::run;

/// An owner who answers what they were told to, in order, once they are let.
#[derive(Debug, Default)]
struct Owner {
    asked: Mutex<Vec<Question>>,
    answers: Mutex<Vec<bool>>,
}

impl Owner {
    fn saying(answers: &[bool]) -> Arc<Self> {
        Arc::new(Self { asked: Mutex::default(), answers: Mutex::new(answers.iter().rev().copied().collect()) })
    }

    /// Waits until so many questions were put.
    async fn is_asked(&self, questions: usize) {
        while self.questions().len() < questions {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    fn questions(&self) -> Vec<Question> {
        self.asked.lock().expect("nobody fails with it").clone()
    }
}

impl Approver for Owner {
    fn ask(&self, question: &Question, cancel: &Cancel) -> Answer {
        self.asked.lock().expect("nobody fails with it").push(question.clone());
        loop {
            if cancel.is_cancelled() {
                return Answer::Nobody("given up".to_owned());
            }
            match self.answers.lock().expect("nobody fails with it").pop() {
                Some(true) => return Answer::Allowed { by: "test" },
                Some(false) => return Answer::Denied { by: "test" },
                None => std::thread::yield_now(),
            }
        }
    }
}

fn rig(owner: &Arc<Owner>, policy: Box<dyn Policy>) -> (Rig, Arc<VirtualDesktop>) {
    rig_with(owner, |options| HostOptions { policy, files: true, ..options })
}

/// A host on the virtual desktop whose owner is asked, with what else it is to be.
fn rig_with(owner: &Arc<Owner>, more: impl FnOnce(HostOptions) -> HostOptions) -> (Rig, Arc<VirtualDesktop>) {
    let desktop = Arc::new(VirtualDesktop::default());
    let (computer, approver) = (Arc::clone(&desktop), Arc::clone(owner));
    let asks = |home| HostOptions {
        policy: Box::new(AskAll),
        approver,
        approve: "console",
        ..HostOptions::new(home, computer)
    };
    (Rig::start_as(|home| more(asks(home))), desktop)
}

fn text(text: &str) -> TextInput {
    TextInput { text: text.into(), interval_ms: 0 }
}

fn refusal<T: core::fmt::Debug>(outcome: Result<T, ClientError>) -> String {
    match outcome {
        Err(ClientError::Call(error)) if error.code == ErrorCode::PermissionDenied => error.message,
        other => panic!("it is refused: {other:?}"),
    }
}

#[test]
fn a_yes_lets_it_happen_a_no_does_not_and_what_only_looks_is_not_asked_about() {
    run(async {
        let owner = Owner::saying(&[true, false]);
        let (rig, desktop) = rig(&owner, Box::new(AskAll));
        rig.pair("controller").await;
        let client = rig.connect("controller").await.unwrap();
        client.cursor_position().await.unwrap();
        client.text(&text("hunter2")).await.unwrap();
        assert_eq!(desktop.editor_text(), "hunter2");
        let why = refusal(client.text(&text("more")).await);
        assert!(why.contains("said no"), "{why}");
        assert_eq!(desktop.editor_text(), "hunter2");
        let asked = owner.questions();
        assert_eq!(asked.len(), 2);
        assert!(asked[0].what.contains("hunter2") && asked[0].method == "input.text", "{asked:?}");
        let log = rig.stop().await;
        let told: Vec<_> = log.iter().filter(|entry| entry["type"] == "call.decided").collect();
        assert_eq!(
            told.iter().map(|entry| entry["decision"].as_str().unwrap()).collect::<Vec<_>>(),
            ["allowed", "denied"]
        );
        assert!(!serde_json::to_string(&log).unwrap().contains("hunter2"), "what is asked about is not logged");
    });
}

#[test]
fn no_answer_in_time_is_a_no() {
    run(async {
        let owner = Owner::saying(&[]);
        let patience = Some(Duration::from_millis(100));
        let (rig, desktop) = rig_with(&owner, |options| HostOptions { patience, ..options });
        rig.pair("controller").await;
        let client = rig.connect("controller").await.unwrap();
        let why = refusal(client.text(&text("x")).await);
        assert!(why.contains("nobody answered"), "{why}");
        assert_eq!(desktop.editor_text(), "");
    });
}

#[test]
fn without_anybody_to_ask_it_is_refused_at_once() {
    run(async {
        let rig = Rig::start_with(Arc::new(VirtualDesktop::default()), Box::new(AskAll));
        rig.pair("controller").await;
        let client = rig.connect("controller").await.unwrap();
        refusal(client.text(&text("x")).await);
        client.cursor_position().await.unwrap();
    });
}

/// Asks about text that begins with a question mark, and lets everything else happen.
#[derive(Debug)]
struct AsksAboutSome;

impl Policy for AsksAboutSome {
    fn check(&mut self, _peer: &Peer, call: &Call) -> Verdict {
        match call {
            Call::InputText(input) if input.text.starts_with('?') => Verdict::Ask("it asks".to_owned()),
            _ => Verdict::Allow,
        }
    }
}

#[test]
fn while_somebody_is_asked_nothing_acts_and_nothing_is_held_and_the_order_stays() {
    run(async {
        let owner = Owner::saying(&[]);
        let (rig, desktop) = rig(&owner, Box::new(AsksAboutSome));
        rig.pair("controller").await;
        let client = rig.connect("controller").await.unwrap();
        client.key(&KeyEvent { action: Press::Down, keysym: "shift".into(), modifiers: vec![] }).await.unwrap();
        let before = desktop.editor_text();
        let (first, second) = (client.clone(), client.clone());
        let asked = tokio::spawn(async move { first.text(&text("?a")).await });
        owner.is_asked(1).await;
        assert!(desktop.held_keys().is_empty(), "a key that is held could answer");
        let behind = tokio::spawn(async move { second.text(&text("b")).await });
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(desktop.editor_text(), before, "what is allowed waits behind what is asked about");
        client.cursor_position().await.unwrap();
        owner.answers.lock().unwrap().push(true);
        asked.await.unwrap().unwrap();
        behind.await.unwrap().unwrap();
        assert_eq!(desktop.editor_text().to_lowercase(), format!("{before}?ab"));
        assert!(!desktop.held_keys().is_empty(), "what only changes other keys is held again");
        assert!(owner.questions()[0].what.contains("Held down with it: Shift"), "{:?}", owner.questions());
    });
}

#[test]
fn keys_that_are_pressed_together_are_one_question_each_and_mean_what_they_mean() {
    run(async {
        let owner = Owner::saying(&[true, true]);
        let (rig, desktop) = rig(&owner, Box::new(AskAll));
        rig.pair("controller").await;
        let client = rig.connect("controller").await.unwrap();
        for (action, keysym) in [(Press::Down, "shift"), (Press::Down, "a"), (Press::Up, "a"), (Press::Up, "shift")] {
            client.key(&KeyEvent { action, keysym: keysym.into(), modifiers: vec![] }).await.unwrap();
        }
        assert_eq!(desktop.editor_text(), "A");
        assert_eq!(owner.questions().len(), 2, "nobody is asked whether a key may come up");
        assert!(desktop.held_keys().is_empty());
    });
}

#[test]
fn a_click_is_one_question_for_its_press_and_a_drop_elsewhere_is_not_done() {
    run(async {
        let owner = Owner::saying(&[true, true, true]);
        let (rig, desktop) = rig(&owner, Box::new(AskAll));
        rig.pair("controller").await;
        let client = rig.connect("controller").await.unwrap();
        let tree = client.ui_tree(&TreeParams::default()).await.unwrap();
        let point = tree.find("push button", "Count").unwrap().bounds.unwrap().center();
        let event = |action, point| PointerEvent { action, point, button: None, modifiers: vec![], dx: 0.0, dy: 0.0 };
        client.pointer(&event(PointerAction::Down, point)).await.unwrap();
        client.pointer(&event(PointerAction::Up, point)).await.unwrap();
        assert_eq!((desktop.counter(), owner.questions().len()), (1, 1));
        client.pointer(&event(PointerAction::Down, point)).await.unwrap();
        let elsewhere = Point::new(point.x + 200.0, point.y + 100.0);
        let why = refusal(client.pointer(&event(PointerAction::Up, elsewhere)).await);
        assert!(why.contains("came up while the owner was asked"), "{why}");
        assert_eq!(owner.questions().len(), 3);
    });
}

#[test]
fn what_cannot_be_held_again_without_acting_is_not_done_with_another_meaning() {
    run(async {
        let owner = Owner::saying(&[true]);
        let (rig, desktop) = rig(&owner, Box::new(AsksAboutSome));
        rig.pair("controller").await;
        let client = rig.connect("controller").await.unwrap();
        client.key(&KeyEvent { action: Press::Down, keysym: "return".into(), modifiers: vec![] }).await.unwrap();
        let before = desktop.editor_text();
        let why = refusal(client.text(&text("?a")).await);
        assert!(why.contains("came up while the owner was asked"), "{why}");
        assert_eq!(desktop.editor_text(), before);
    });
}

#[test]
fn nobody_hears_of_a_question_that_was_put_to_nobody() {
    run(async {
        let owner = Owner::saying(&[]);
        let (rig, _desktop) = rig_with(&owner, |options| HostOptions { approver: Arc::new(NoApprover), ..options });
        rig.pair("controller").await;
        let client = rig.connect("controller").await.unwrap();
        let why = refusal(client.text(&text("x")).await);
        assert!(why.contains("no way to ask its owner"), "{why}");
        client.close().await;
        let heard = Mutex::new(Vec::new());
        rig.wait_for(|notice| {
            heard
                .lock()
                .unwrap()
                .extend(matches!(notice, Notice::Asked(_) | Notice::Decided { .. }).then_some(notice.clone()));
            matches!(notice, Notice::SessionEnded { .. })
        })
        .await;
        assert_eq!(heard.into_inner().unwrap(), []);
    });
}

#[test]
fn a_question_that_was_withdrawn_is_not_followed_by_another_at_once() {
    run(async {
        let owner = Owner::saying(&[]);
        let (rig, desktop) = rig(&owner, Box::new(AskAll));
        rig.pair("controller").await;
        let client = rig.connect("controller").await.unwrap();
        let first = client.clone();
        let asked = tokio::spawn(async move { first.text(&text("harmless")).await });
        owner.is_asked(1).await;
        asked.abort();
        rig.wait_for(|notice| matches!(notice, Notice::Decided { is_allowed: false, .. })).await;
        let second = client.clone();
        let asked = tokio::spawn(async move { second.text(&text("harmful")).await });
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert_eq!(owner.questions().len(), 1, "who was about to answer sees that nothing is asked");
        owner.is_asked(2).await;
        owner.answers.lock().unwrap().push(false);
        refusal(asked.await.unwrap());
        assert_eq!(desktop.editor_text(), "");
    });
}

#[test]
fn whoever_watches_can_answer_and_a_cancelled_call_is_not_asked_about_any_more() {
    run(async {
        let owner = Owner::saying(&[]);
        let (rig, desktop) = rig(&owner, Box::new(AskAll));
        rig.pair("controller").await;
        let client = rig.connect("controller").await.unwrap();
        let home = rig.home("host");
        let (told, events) = async_channel::unbounded();
        let followed = home.clone();
        let (begun, follows) = async_channel::bounded(1);
        let following = tokio::spawn(async move {
            let begun = || begun.try_send(()).expect("told once");
            follow_running(&Tokio, &followed, begun, |event| told.try_send(event).expect("somebody listens")).await
        });
        follows.recv().await.unwrap();

        let types = client.clone();
        let typing = tokio::spawn(async move { types.text(&text("yes")).await });
        let question = loop {
            let event = events.recv().await.unwrap();
            if event["event"] == "question" {
                break event["question"].clone();
            }
        };
        let status = status_of_running(&Tokio, &home).await.unwrap();
        assert_eq!((status.questions.len(), status.approve.as_str()), (1, "console"));
        assert!(status.questions[0].what.contains("yes"));
        let number = question["number"].as_u64().unwrap();
        decide_through_running(&Tokio, &home, number, true).await.unwrap();
        typing.await.unwrap().unwrap();
        assert_eq!(desktop.editor_text(), "yes");
        assert!(decide_through_running(&Tokio, &home, number, true).await.is_err(), "it was answered already");

        let types = client.clone();
        let typing = tokio::spawn(async move { types.text(&text("never")).await });
        rig.wait_for(|notice| matches!(notice, Notice::Asked(question) if question.number > number)).await;
        typing.abort();
        rig.wait_for(|notice| matches!(notice, Notice::Decided { is_allowed: false, .. })).await;
        assert!(status_of_running(&Tokio, &home).await.unwrap().questions.is_empty());
        assert_eq!(desktop.editor_text(), "yes");
        following.abort();
    });
}

#[test]
fn a_policy_that_changes_counts_at_once_and_ends_streams_that_it_refuses() {
    run(async {
        let owner = Owner::saying(&[false]);
        let desktop = Arc::new(VirtualDesktop::default());
        let approver = Arc::clone(&owner);
        let rig = Rig::start_as(|home| HostOptions {
            policy: Box::new(RulesFile::new(&home)),
            approver,
            files: true,
            ..HostOptions::new(home, desktop)
        });
        let name = rig.pair("controller").await.seen_as;
        let client = rig.connect("controller").await.unwrap();
        let mut pictures = client.watch(&SubscribeParams::default()).await.unwrap();
        pictures.next().await.unwrap().unwrap();
        client.text(&text("x")).await.unwrap();
        let shell = ShellParams { command: "echo hi".into(), ..ShellParams::default() };
        assert!(
            refusal(client.call::<ProcessShell>(&shell).await).contains("said no"),
            "the standard preset asks about programs"
        );

        let rules = serde_json::json!({"rules": [
            {"tool": "screenshot", "decision": "block", "reason": "no pictures"},
            {"tool": "keyboard", "peer": name, "decision": "block"},
        ]});
        rig.home("host").write("policy.json", rules.to_string().as_bytes()).unwrap();
        refusal(client.text(&text("x")).await);
        let ended = loop {
            match pictures.next().await {
                Some(Ok(_)) => {}
                other => break format!("{other:?}"),
            }
        };
        assert!(ended.contains("no pictures"), "{ended}");

        rig.home("host").write("policy.json", b"{").unwrap();
        refusal(client.cursor_position().await);
        let log = rig.stop().await;
        assert_eq!(log.iter().filter(|entry| entry["type"] == "policy.changed").count(), 2);
        let told = |part: &str| {
            log.iter().any(|entry| {
                entry["method"] == "input.text" && entry["error_message"].as_str().is_some_and(|why| why.contains(part))
            })
        };
        assert!(told("the rules of this host forbid it"), "who refused is in the log, whatever the call was about");
    });
}

#[test]
fn the_mouse_with_which_the_owner_answers_takes_no_question_away() {
    run(async {
        let owner = Owner::saying(&[]);
        let pause_on_local_input = Some(Duration::from_secs(60));
        let (rig, desktop) = rig_with(&owner, |options| HostOptions { pause_on_local_input, ..options });
        rig.pair("controller").await;
        let client = rig.connect("controller").await.unwrap();
        let types = client.clone();
        let asked = tokio::spawn(async move { types.text(&text("x")).await });
        owner.is_asked(1).await;
        desktop.person_moves();
        rig.wait_for(|notice| matches!(notice, Notice::Paused(Some(_)))).await;
        owner.answers.lock().unwrap().push(true);
        asked.await.unwrap().unwrap();
        assert_eq!(desktop.editor_text(), "x");
        refusal(client.text(&text("y")).await);
    });
}
