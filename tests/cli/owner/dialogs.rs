//! A question about what an agent of this machine wants to do, in a dialog of its desktop. A program in the place of
//! `zenity` shows it to the test, which only root can have: what another user can replace is not asked by.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use opendesk_tests::bin::command;
use serde_json::json;

use super::agent::{Agent, told};
use super::{controlled, eventually, runs};
use crate::{Folder, opendesk, succeeded};

/// Keeps the question and its own number, and ends as it is told to in the end.
const ZENITY: &str = r#"#!/bin/sh
cat > "$0.question"
echo $$ > "$0.new" && mv "$0.new" "$0.pid"
while [ ! -e "$0.answer" ]; do sleep 0.02; done
exit "$(cat "$0.answer")"
"#;

const ONLY_ROOT: &str = "a program that its user can replace asks the owner of nobody but root";

/// What zenity ends with when somebody presses "Allow".
const ALLOW: &str = "100";

/// An agent of a machine whose owner is asked about what is typed.
struct Scene {
    home: PathBuf,
    zenity: PathBuf,
    agent: Agent,
    _folder: Folder,
}

impl Scene {
    /// `None` where this user's own programs are not asked by.
    fn new() -> Option<Self> {
        let folder = Folder::new();
        let (home, bin) = (folder.home("agent"), folder.home("bin"));
        let zenity = bin.join("zenity");
        fs::create_dir(&bin).expect("a new folder");
        // Written by another process: a file that this one has open cannot be run by those that it starts.
        let write = "printf %s \"$1\" > \"$2\" && chmod 700 \"$2\"";
        let written = Command::new("sh").args(["-c", write, "sh", ZENITY]).arg(&zenity).status();
        assert!(written.is_ok_and(|status| status.success()), "a new file");
        if fs::metadata(&zenity).expect("it was written").uid() != 0 {
            return None;
        }
        succeeded(&opendesk(&home, &["policy", "preset", "standard"]));
        let rules = r#"{"rules": [{"tool": "keyboard", "decision": "confirm"}], "approval": {"chain": ["native"]}}"#;
        fs::write(home.join("policy.json"), rules).expect("a file");
        let agent = another(&home, &bin);
        Some(Self { home, zenity, agent, _folder: folder })
    }

    /// Another agent of the same machine.
    fn another(&self) -> Agent {
        another(&self.home, self.zenity.parent().expect("a folder"))
    }

    fn beside(&self, what: &str) -> PathBuf {
        let mut name = self.zenity.clone().into_os_string();
        name.push(what);
        name.into()
    }

    /// Has the agent type something.
    fn types(&mut self, content: &str) -> u64 {
        self.agent.begin("keyboard", &json!({"action": "type", "text": content, "peer": "local"}))
    }

    /// Has the agent type something, and waits until the owner is asked about it.
    fn asked_about(&mut self, content: &str) -> (u64, String) {
        let typing = self.types(content);
        let pid = self.beside(".pid");
        controlled(eventually("the owner is asked", || pid.exists()));
        (typing, fs::read_to_string(pid).expect("a number").trim().to_owned())
    }

    fn answers(&self, code: &str) {
        let answer = self.beside(".answer");
        let written: &Path = &self.beside(".answer-new");
        fs::write(written, code).and_then(|()| fs::rename(written, answer)).expect("a file");
    }
}

fn another(home: &Path, bin: &Path) -> Agent {
    let mut server = command(home, &["mcp", "--backend", "virtual"]);
    let others = std::env::var("PATH").unwrap_or_default();
    server.env("PATH", format!("{}:{others}", bin.display()));
    Agent::started(&server)
}

#[test]
fn an_agent_does_nothing_on_the_desktop_on_which_its_owner_is_asked() {
    let Some(mut scene) = Scene::new() else {
        println!("left out: {ONLY_ROOT}");
        return;
    };
    let before = scene.agent.shot("local");
    let (typing, _) = scene.asked_about("some words");
    let question = fs::read_to_string(scene.beside(".question")).unwrap();
    assert!(question.contains("an agent on this machine") && question.contains("\"some words\""), "{question}");
    // What would be a click on the button of a real one.
    let click = json!({"action": "click", "x": 640, "y": 400, "peer": "local"});
    let clicking = scene.agent.begin("mouse", &click);
    for _ in 0..3 {
        assert!(scene.agent.shot("local") == before, "nothing happens");
        assert!(!scene.agent.has_answered(clicking) && !scene.agent.has_answered(typing));
    }
    scene.answers(ALLOW);
    for call in [typing, clicking] {
        assert_eq!(scene.agent.answer(call)["isError"], false);
    }
}

#[test]
fn no_other_program_of_the_home_answers_in_the_owners_place() {
    let Some(mut scene) = Scene::new() else {
        println!("left out: {ONLY_ROOT}");
        return;
    };
    let mut other = scene.another();
    // What is held down could act on the dialog.
    let press = |action: &str| json!({"action": action, "x": 640, "y": 400, "peer": "local"});
    assert_eq!(other.call("mouse", &press("left_down"))["isError"], false);
    let typing = scene.types("some words");
    for _ in 0..3 {
        other.shot("local");
        assert!(!scene.beside(".pid").exists(), "nobody is asked");
    }
    assert_eq!(other.call("mouse", &press("left_up"))["isError"], false);
    let pid = scene.beside(".pid");
    controlled(eventually("the owner is asked", || pid.exists()));
    let before = other.shot("local");
    let clicking = other.begin("mouse", &press("click"));
    for _ in 0..3 {
        assert!(other.shot("local") == before, "nothing happens");
        assert!(!other.has_answered(clicking) && !scene.agent.has_answered(typing));
    }
    scene.answers(ALLOW);
    assert_eq!(scene.agent.answer(typing)["isError"], false);
    assert_eq!(other.answer(clicking)["isError"], false);
}

#[test]
fn w5_a_stop_takes_back_what_the_owner_is_asked_about_an_agent() {
    let Some(mut scene) = Scene::new() else {
        println!("left out: {ONLY_ROOT}");
        return;
    };
    let (typing, pid) = scene.asked_about("words");
    assert!(runs(&pid));
    succeeded(&opendesk(&scene.home, &["stop"]));
    let refused = scene.agent.answer(typing);
    assert!(told(&refused).contains("has stopped all controllers"), "{refused}");
    controlled(eventually("the dialog is closed", || !runs(&pid)));
}

#[test]
fn keys_that_are_pressed_together_mean_what_they_mean_where_each_is_asked_about() {
    let Some(mut scene) = Scene::new() else {
        println!("left out: {ONLY_ROOT}");
        return;
    };
    let folder = Folder::new();
    let mut free = Agent::start(&folder.home("free"));
    scene.answers(ALLOW);
    let before = free.shot("local");
    for agent in [&mut scene.agent, &mut free] {
        let pressed = agent.call("keyboard", &json!({"action": "hotkey", "keys": ["shift", "a"], "peer": "local"}));
        assert_eq!(pressed["isError"], false, "{pressed}");
    }
    let typed = free.shot("local");
    assert!(typed != before, "the control: something was typed");
    assert!(scene.agent.shot("local") == typed, "a capital, as without a question");
}
