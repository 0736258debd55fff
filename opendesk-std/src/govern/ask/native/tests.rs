use std::ffi::OsString;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use super::super::tests::{Programs, question};
use super::*;
use crate::cancel::Cancel;

/// Asks with these programs.
fn ask_with(programs: &Programs) -> Outcome {
    let cancel = Cancel::new();
    ask(&question("Do <something>.", 60), &programs.session(), &Limit::new(60, &cancel))
}

#[test]
fn zenity_gets_the_text_on_its_input_and_gives_a_yes_that_nothing_else_gives() {
    let programs = Programs::new().add("zenity", "exit 100");
    assert_eq!(ask_with(&programs), Outcome::Yes);
    let arguments = programs.kept("zenity", "arguments");
    let arguments: Vec<&str> = arguments.lines().collect();
    assert_eq!(
        arguments[..9],
        [
            "--text-info",
            "--title=opendesk: may a controller do this?",
            "--checkbox=I have read all of it",
            "--ok-label=Allow",
            "--cancel-label=Deny",
            "--width=760",
            "--height=480",
            "--font=Monospace",
            "--timeout=64"
        ]
    );
    assert_eq!(arguments.len(), 9);
    assert_eq!(programs.kept("zenity", "input"), question("Do <something>.", 60).text());
    let environment = programs.kept("zenity", "environment");
    for line in ["ZENITY_OK=100", "ZENITY_CANCEL=101", "ZENITY_ESC=102", "ZENITY_TIMEOUT=103", "GIVEN=by the session"] {
        assert!(environment.lines().any(|variable| variable == line), "{line}: {environment}");
    }
}

#[test]
fn what_zenity_ends_with_is_a_yes_a_no_or_no_answer() {
    let nothing_shown = |code: &str| Outcome::Unavailable(format!("zenity showed no dialog (exit code {code})"));
    let cases = [
        ("exit 101", Outcome::No),
        ("exit 102", Outcome::No),
        ("exit 103", Outcome::Over("nobody answered in time".to_owned())),
        ("exit 0", nothing_shown("0")),
        ("exit 1", nothing_shown("1")),
        ("exit 5", nothing_shown("5")),
        ("exit 255", nothing_shown("255")),
        ("echo allow; exit 127", nothing_shown("127")),
        ("kill -ABRT $$", nothing_shown("-6")),
    ];
    for (end, outcome) in cases {
        assert_eq!(ask_with(&Programs::new().add("zenity", end)), outcome, "{end}");
    }
}

#[test]
fn kdialog_shows_the_text_first_and_then_asks() {
    let show = "[ \"$3\" = --textbox ] && exit 0; ";
    let programs = Programs::new().add("kdialog", &format!("{show} echo allow"));
    assert_eq!(ask_with(&programs), Outcome::Yes);
    let input = programs.kept("kdialog", "input");
    let mark = "<pre style=\"margin:0\">";
    assert!(input.starts_with(&format!("{mark}A controller asks")), "{input}");
    assert!(input.contains(&format!("\n{mark}</pre>\n{mark}Do &lt;something&gt;.</pre>\n")), "{input}");
    let arguments = programs.kept("kdialog", "arguments");
    let title = "--title\nopendesk: may a controller do this?\n";
    let choice = "--radiolist\nAllow what was just shown?\ndeny\n✗ Deny it\non\nagain\n↻ Show it again\noff\nallow\n✓ Allow it\noff\n";
    assert_eq!(arguments, format!("{title}--textbox\n-\n760\n480\n{title}{choice}"));

    let nothing_shown = |code: &str| Outcome::Unavailable(format!("kdialog showed no dialog (exit code {code})"));
    let cases = [
        (format!("{show} echo deny"), Outcome::No),
        (format!("{show} echo"), Outcome::No),
        (format!("{show} echo allow; exit 1"), Outcome::No),
        (format!("{show} echo not allow"), Outcome::No),
        (format!("{show} kill -ABRT $$"), nothing_shown("-6")),
        ("echo allow; exit 1".to_owned(), Outcome::No),
        ("echo allow; exit 254".to_owned(), nothing_shown("254")),
    ];
    for (end, outcome) in cases {
        assert_eq!(ask_with(&Programs::new().add("kdialog", &end)), outcome, "{end}");
    }
}

#[test]
fn kdialog_shows_the_text_as_often_as_it_is_wanted() {
    let script = "[ \"$3\" = --textbox ] && exit 0; \
                  [ $(grep -c radiolist \"$0.arguments\") = 3 ] && echo deny || echo again";
    let programs = Programs::new().add("kdialog", script);
    assert_eq!(ask_with(&programs), Outcome::No);
    assert_eq!(programs.kept("kdialog", "input").matches("something").count(), 3);
}

#[test]
fn scripts_of_ours_answer_by_a_word() {
    let cancel = Cancel::new();
    for program in [Program::Osascript, Program::PowerShell] {
        let name = program.name();
        let ask = |end: &str| {
            let programs = Programs::new().add(name, end);
            let limit = Limit::new(60, &cancel);
            let session = programs.session();
            let text = "some text\n".to_owned();
            let screen = Screen { text, session: &session, limit: &limit, search: Search::new() };
            let answer = program.ask(&screen);
            assert_eq!(programs.kept(name, "input"), "some text\n");
            assert!(programs.kept(name, "arguments").contains("'allowed'"), "the script is an argument");
            answer
        };
        assert_eq!(ask("echo allowed"), Ok(true));
        assert_eq!(ask("printf denied"), Ok(false));
        for end in ["", "echo allowed; exit 1", "echo not allowed", "exit 1"] {
            assert!(matches!(ask(end), Err(Stop::Failed(_))), "{end}");
        }
    }
}

#[test]
fn a_program_that_cannot_be_run_is_passed_over() {
    let programs = Programs::new().add("zenity", "exit 100").add("kdialog", "exit 1");
    let path = programs.session()[0].1.clone().unwrap();
    std::process::Command::new("chmod").arg("600").arg(std::path::Path::new(&path).join("zenity")).status().unwrap();
    assert_eq!(ask_with(&programs), Outcome::No);
    assert_eq!(programs.kept("zenity", "arguments"), "");
}

/// The folder of these programs, without links.
fn folder(programs: &Programs) -> PathBuf {
    let path = programs.session().swap_remove(0).1.expect("it is set");
    PathBuf::from(path).canonicalize().expect("it is there")
}

#[test]
fn a_program_that_this_user_can_replace_asks_nobody() {
    let (copied, linked) = (Programs::new().add("zenity", "exit 100"), Programs::new());
    symlink("/bin/sh", folder(&linked).join("zenity")).unwrap();
    for programs in [copied, linked] {
        let cancel = Cancel::new();
        let (limit, session) = (Limit::new(60, &cancel), programs.session());
        let screen = Screen { text: String::new(), session: &session, limit: &limit, search: Search::careful() };
        let folder = folder(&programs);
        let folder = folder.to_str().unwrap();
        let why = format!("zenity in {folder} can be replaced by this user's programs and is not used");
        assert_eq!(ask_on(&screen), Outcome::Unavailable(why));
        assert_eq!(programs.kept("zenity", "arguments"), "");
    }
}

#[test]
fn a_program_of_the_system_is_found_behind_one_that_this_user_can_replace() {
    let programs = Programs::new().add("sh", "exit 100");
    let mut path = OsString::from("relative:");
    path.push(folder(&programs));
    let only_ours: [Variable; 1] = [("PATH".into(), Some(path.clone()))];
    assert_eq!(Search::careful().find("sh", &only_ours), Found::Replaceable(folder(&programs)));
    assert_eq!(Search::careful().find("none", &only_ours), Found::Nowhere);
    let fake = folder(&programs).join("sh").into_os_string().into_string().unwrap();
    assert_eq!(Search::new().find("sh", &only_ours), Found::Program(fake));

    if rustix::process::geteuid().is_root() {
        println!("not tried: root can replace every program");
        return;
    }
    path.push(":/bin");
    let found = Search::careful().find("sh", &[("PATH".into(), Some(path))]);
    let system = PathBuf::from("/bin/sh").canonicalize().unwrap().into_os_string().into_string().unwrap();
    assert_eq!(found, Found::Program(system));
}
