//! A task that the person at the machine does with their own mouse and keyboard is recorded once they have said yes, and is
//! done again by the agent: on a real server, with a real program and the built binary.

use opendesk_tests::bin::{Running, command};
use opendesk_tests::desktop::{Form, TestDesktop};
use serde_json::{Value, json};

use crate::agent::Agent;
use crate::person::Person;
use crate::{LIMIT, wait_until};

/// Keycodes of the server's US keyboard.
const SHIFT: u8 = 50;
const CONTROL: u8 = 37;
const RETURN: u8 = 36;
const A: u8 = 38;
const D: u8 = 40;

/// What a client can that asks the person in front of it.
fn elicits() -> Value {
    json!({"elicitation": {}})
}

impl Agent {
    fn said(&mut self, arguments: Value) -> String {
        let id = self.begin("learn", arguments.clone());
        let (said, failed) = self.end(id);
        assert!(!failed, "{arguments}: {said}");
        said
    }

    /// Asks to record what the person does. The person answers.
    fn asks_to_record(&mut self, answer: Value) -> (String, bool) {
        let id = self.begin("learn", json!({"action": "start", "source": "person"}));
        let begun = self.calls;
        let question =
            self.hear(|message| message["method"] == "elicitation/create" && message["id"].as_u64() == Some(begun - 1));
        let message = question["params"]["message"].as_str().unwrap_or_default();
        assert!(message.contains("Record what you do with the mouse and keyboard"), "{message}");
        assert!(message.contains("What you type is not recorded"), "{message}");
        self.say(&json!({"jsonrpc": "2.0", "id": question["id"], "result": answer}));
        self.end(id)
    }
}

#[test]
fn what_the_person_does_is_recorded_and_done_again() {
    let mut desktop = TestDesktop::start_with_session(1280, 900);
    let form = Form::start(&mut desktop);
    let folder = tempfile::tempdir().unwrap();
    let mut agent = Agent::start(&desktop, &folder.path().join("home"), &elicits());
    let person = Person::new(desktop.display());

    let (said, failed) = agent.asks_to_record(json!({"action": "decline"}));
    assert!(failed && said.contains("the person said no"), "{said}");
    let (said, failed) = agent.asks_to_record(json!({"action": "accept", "content": {"allow": true}}));
    assert!(!failed && said.contains("The person has agreed"), "{said}");

    let place = |widget: &str| form.place(widget).center();
    person.clicks_at(place("Name"), 1);
    person.looks_at(form.window());
    // "aDa", of which nothing is kept, not even how long it is.
    person.presses(None, &[A]);
    person.presses(Some(SHIFT), &[D]);
    person.presses(None, &[A]);
    person.presses(Some(CONTROL), &[A]);
    person.presses(None, &[RETURN]);
    person.clicks_at(place("Password"), 1);
    person.presses(None, &[A, D]);
    person.clicks_at(place("Agree"), 1);
    person.clicks_at(place("Save"), 1);
    person.clicks_at(place("Canvas"), 3);
    form.wait_until("the person's clicks did what they do", |form| form.seen("clicked", "Save").len() == 1);

    // What the agent does meanwhile is not what the person does.
    let id = agent.begin("ui", json!({"action": "get_tree"}));
    assert!(!agent.end(id).1);

    let said = agent.said(json!({"action": "stop"}));
    let steps: Vec<&str> = said.lines().filter(|line| line.starts_with(|first: char| first.is_ascii_digit())).collect();
    let expected = [
        r#"1. ui {"action":"click""#,
        r#"2. keyboard {"action":"type""#,
        r#"3. keyboard {"action":"hotkey","keys":["ctrl","a"]"#,
        r#"4. keyboard {"action":"press","key":"enter""#,
        r#"5. ui {"action":"click""#,
        r#"6. keyboard {"action":"type""#,
        r#"7. ui {"action":"click""#,
        r#"8. ui {"action":"click""#,
        r#"9. mouse {"action":"right_click""#,
    ];
    assert!(steps.iter().skip(1).zip(expected).all(|(step, begin)| step.starts_with(begin)), "{said}");
    assert_eq!(steps.len(), 10, "nine steps and how many there are: {said}");
    for (step, name) in [(1, "Name"), (5, "Password"), (7, "Agree"), (8, "Save")] {
        assert!(steps[step].contains(&format!("name {name:?}")), "{said}");
    }
    assert!(steps[7].contains("element_checked \"true\""), "{said}");
    assert!(!said.contains("aDa") && said.contains("{{password}}") && said.contains("{{text}}"), "{said}");

    agent.said(json!({"action": "save", "name": "greet", "description": "fills the form in"}));
    let kept = std::fs::read_to_string(folder.path().join("home/programs/greet.json")).unwrap();
    assert!(kept.contains("\"source\": \"person\"") && !kept.contains("aDa"), "{kept}");

    person.clicks_at(place("Agree"), 1);
    let run = json!({"action": "run", "name": "greet", "parameters": {"text": "Grace", "password": "wonder"}});
    let said = agent.said(run);
    assert!(said.contains('9'), "{said}");
    form.wait_until("it was done again", |form| form.seen("clicked", "Save").len() == 2);
    assert_eq!(form.seen("toggled", "Agree").last().unwrap()["active"], true);
    assert!(form.text("Name").ends_with("Grace") && form.text("Password").ends_with("wonder"), "{:?}", form.events());
}

#[test]
fn a_stop_of_the_owners_ends_a_recording() {
    let mut desktop = TestDesktop::start_with_session(1280, 900);
    let form = Form::start(&mut desktop);
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home");
    let mut agent = Agent::start(&desktop, &home, &elicits());
    let person = Person::new(desktop.display());
    let (said, failed) = agent.asks_to_record(json!({"action": "accept", "content": {"allow": true}}));
    assert!(!failed, "{said}");
    person.clicks_at(form.place("Save").center(), 1);
    form.wait_until("the person's click did what it does", |form| form.seen("clicked", "Save").len() == 1);
    for switch in ["stop", "resume"] {
        assert!(Running::start(command(&home, &[switch])).finish(LIMIT).status.success());
    }
    person.clicks_at(form.place("Canvas").center(), 1);
    let said = agent.said(json!({"action": "stop"}));
    assert!(said.contains("1 steps were recorded") && said.contains("It had ended before"), "{said}");
}

#[test]
fn a_question_is_gone_when_nobody_waits_for_its_answer() {
    let desktop = TestDesktop::start_with_session(1280, 900);
    let folder = tempfile::tempdir().unwrap();
    let mut agent = Agent::start(&desktop, &folder.path().join("home"), &json!({}));
    agent.begin("learn", json!({"action": "start", "source": "person"}));
    let is_asked = || {
        let sought = desktop.command("xdotool").args(["search", "--name", "^opendesk: may"]).output();
        sought.expect("xdotool is there").status.success()
    };
    wait_until("the person is asked on the desktop", is_asked);
    agent.server.hang_up();
    assert!(agent.server.finish(LIMIT).status.success());
    wait_until("the question is gone", || !is_asked());
}
