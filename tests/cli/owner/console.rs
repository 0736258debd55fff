//! `serve --approve console`: the owner is asked on the terminal that they started the host from, or nobody is.

use opendesk_std::api::{
    CaptureParams, ClipboardContents, ClipboardEntry, FileParams, FsList, ProcessShell, ShellParams, SubscribeParams,
};

use super::terminal::{Answers, quoted};
use super::{Host, connect, controlled, eventually, log_of, meanwhile, refusal, text_of, typed};
use crate::{Folder, json};

#[test]
fn without_a_terminal_it_is_said_once_that_nothing_acts_and_what_looks_goes_on() {
    let folder = Folder::new();
    let (home, controller) = (folder.home("host"), folder.home("controller"));
    let host = Host::start(&home, &["--approve", "console"]);
    host.pair(&controller, &[]);
    controlled(async {
        let client = connect(&controller).await.unwrap();
        let mut pictures = client.watch(&SubscribeParams::default()).await.unwrap();
        pictures.next().await.unwrap().unwrap();
        for _ in 0..3 {
            let why = refusal(client.text(&text_of("x", 0)).await);
            assert!(why.contains("was not there to allow it") && why.contains("no terminal"), "{why}");
            let command = ShellParams { command: "exit 0".into(), ..ShellParams::default() };
            refusal(client.call::<ProcessShell>(&command).await);
            client.cursor_position().await.unwrap();
            client.capture(&CaptureParams::default()).await.unwrap();
            client.clipboard_read().await.unwrap();
            client.call::<FsList>(&FileParams { path: "/".into() }).await.unwrap();
        }
        assert_eq!(typed(&client).await, "");
    });
    let told = host.running.stderr();
    assert_eq!(told.matches("there is no terminal to ask on").count(), 1, "{told}");
    assert!(!told.contains("waits for your approval"), "nothing waits: {told}");
    let log = log_of(&home);
    let decided = log.iter().filter(|entry| entry["type"] == "call.decided");
    assert_eq!(decided.map(|entry| entry["decision"].as_str()).collect::<Vec<_>>(), [Some("unanswered"); 6]);
    assert!(!log.iter().any(|entry| entry["type"] == "call.started"), "nothing was begun");
}

/// W10. The command ends at its first word, should it ever be carried out.
#[test]
fn w10_a_question_shows_all_of_a_command_and_nothing_of_it_reaches_the_terminal() {
    let folder = Folder::new();
    let (home, controller) = (folder.home("host"), folder.home("controller"));
    let mut host = Host::on_terminal(&home, &["--approve", "console"], Answers::Person);
    host.pair(&controller, &[]);
    let hidden = "\u{1b}[2J\u{1b}[1;1H\u{1b}]0;Allowed\u{7}\r\u{8}\u{202e}\nMay desk do this (nothing)? Type yes or no";
    let mut command = format!("exit 0; echo {hidden}; echo ");
    let tail = "; rm -rf ~";
    command.push_str(&"harmless ".repeat(3000 / 9));
    command.truncate(3000 - tail.len());
    command.push_str(tail);
    controlled(async {
        let client = connect(&controller).await.unwrap();
        let before = host.shown().len();
        let (runs_it, wanted) = (client.clone(), command.clone());
        let params = ShellParams { command: wanted, cwd: Some("/".into()), ..ShellParams::default() };
        let asked = tokio::spawn(async move { runs_it.call::<ProcessShell>(&params).await });
        let question = host.question(1).await;
        let shown = quoted(&question);
        let expected: String = command
            .chars()
            .map(|character| match character {
                '\n' | '\r' => character.escape_default().to_string(),
                character if character.is_control() || character == '\u{202e}' => {
                    character.escape_unicode().to_string()
                }
                character => character.to_string(),
            })
            .collect();
        assert!(shown.starts_with(&format!("\"{expected}\"")), "{shown}\n---\n{expected}");
        assert!(shown.contains("; rm -rf ~\"") && !question.contains("NOT ALL OF IT IS SHOWN"), "{question}");
        assert!(question.contains("folder: \"/\"") && question.contains("process.shell"), "{question}");
        let raw = &host.shown()[before..];
        let strange = raw.chars().find(|character| character.is_control() && !matches!(character, '\r' | '\n'));
        assert_eq!(strange, None, "{raw:?}");
        let at_the_edge = raw.lines().filter(|line| line.starts_with("May ")).count();
        assert!(at_the_edge <= 1, "only our own words begin a line: {raw}");

        host.type_line("");
        let why = refusal(asked.await.unwrap());
        assert!(why.contains("said no"), "{why}");
    });
    assert!(
        !log_of(&home).iter().any(|entry| entry.to_string().contains("rm -rf")),
        "what is asked about is not logged"
    );
}

#[test]
fn only_yes_is_a_yes() {
    let folder = Folder::new();
    let (home, controller) = (folder.home("host"), folder.home("controller"));
    let mut host = Host::on_terminal(&home, &["--approve", "console"], Answers::Person);
    host.pair(&controller, &[]);
    controlled(async {
        let client = connect(&controller).await.unwrap();
        let mut expected = String::new();
        let answers = [
            ("y", true),
            ("", false),
            ("yes", true),
            ("no", false),
            ("YES", true),
            ("yes please", false),
            ("yy", false),
            ("y y", false),
            ("  y  ", true),
            ("\u{1b}y", false),
            ("\u{1b}[Ay", false),
            ("0", false),
        ];
        for (number, (answer, is_yes)) in answers.into_iter().enumerate() {
            let (types, letter) = (client.clone(), char::from(b'a' + number as u8).to_string());
            let wanted = letter.clone();
            let asked = tokio::spawn(async move { types.text(&text_of(&wanted, 0)).await });
            let question = host.question(number + 1).await;
            assert!(question.contains(&format!("text: \"{letter}\"")), "{question}");
            client.cursor_position().await.unwrap();
            host.type_line(answer);
            let outcome = asked.await.unwrap();
            if is_yes {
                outcome.unwrap();
                expected.push_str(&letter);
            } else {
                assert!(refusal(outcome).contains("said no"));
            }
            assert_eq!(typed(&client).await, expected, "{answer:?}");
        }
    });
}

/// What is typed before a question stands there answers none, and an answer answers one.
#[test]
fn what_was_typed_before_is_no_answer() {
    let folder = Folder::new();
    let (home, controller) = (folder.home("host"), folder.home("controller"));
    let mut host = Host::on_terminal(&home, &["--approve", "console"], Answers::Person);
    host.pair(&controller, &[]);
    controlled(async {
        let client = connect(&controller).await.unwrap();
        for line in ["yes", "y", "yes"] {
            host.type_line(line);
        }
        // The terminal echoes what it has taken.
        eventually("the terminal has it", || host.shown().matches("yes").count() >= 2).await;
        let (first, second) = (client.clone(), client.clone());
        let first = tokio::spawn(async move { first.text(&text_of("a", 0)).await });
        let question = host.question(1).await;
        assert!(question.contains("\"a\""), "{question}");
        let second = tokio::spawn(async move { second.text(&text_of("b", 0)).await });
        // Somebody who looks is answered meanwhile: the question is still open.
        client.cursor_position().await.unwrap();
        assert!(!first.is_finished() && host.questions() == 1);
        // The answer is that of one question.
        host.type_line("no");
        refusal(first.await.unwrap());
        let question = host.question(2).await;
        assert!(question.contains("\"b\""), "{question}");
        client.cursor_position().await.unwrap();
        assert!(!second.is_finished());
        host.type_line("n");
        refusal(second.await.unwrap());
        assert_eq!(typed(&client).await, "");
    });
}

#[test]
fn a_controller_that_goes_takes_its_question_with_it() {
    let folder = Folder::new();
    let (home, controller) = (folder.home("host"), folder.home("controller"));
    let mut host = Host::on_terminal(&home, &["--approve", "console"], Answers::Person);
    host.pair(&controller, &[]);
    controlled(async {
        let client = connect(&controller).await.unwrap();
        let types = client.clone();
        let asked = tokio::spawn(async move { types.text(&text_of("a", 0)).await });
        host.question(1).await;
        client.close().await;
        assert!(asked.await.unwrap().is_err());
        eventually("the question is taken back", || host.shown().contains("withdrawn")).await;
        host.type_line("yes");
        let client = connect(&controller).await.unwrap();
        assert_eq!(typed(&client).await, "");
        let types = client.clone();
        let asked = tokio::spawn(async move { types.text(&text_of("b", 0)).await });
        host.question(2).await;
        host.type_line("yes");
        asked.await.unwrap().unwrap();
        assert_eq!(typed(&client).await, "b");
    });
}

/// Line breaks are what takes most room on a screen.
#[test]
fn a_question_is_shown_whatever_it_is_about() {
    let folder = Folder::new();
    let (home, controller) = (folder.home("host"), folder.home("controller"));
    let mut host = Host::on_terminal(&home, &["--approve", "console"], Answers::Person);
    host.pair(&controller, &[]);
    let breaks = "\n".repeat(32 << 10);
    let entry = ClipboardEntry { mime_type: breaks.clone(), data: breaks.into_bytes() };
    let contents = ClipboardContents { entries: vec![entry; 16] };
    controlled(async {
        let client = connect(&controller).await.unwrap();
        let writes = client.clone();
        let asked = tokio::spawn(async move { writes.clipboard_write(&contents).await });
        let question = host.question(1).await;
        assert!(question.contains("NOT ALL OF IT IS SHOWN"), "{} bytes", question.len());
        let status = meanwhile(&home, &["status", "--json"]).await;
        let status = json(&status);
        assert_eq!(status["questions"].as_array().map(Vec::len), Some(1));
        host.type_line("no");
        refusal(asked.await.unwrap());
    });
}
