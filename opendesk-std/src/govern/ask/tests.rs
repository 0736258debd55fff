use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::thread;

use rustix::fs::{CWD, FileType, Mode};
use tempfile::TempDir;

use super::*;
use crate::api::{Call, ShellParams};

/// Far longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// A folder of programs of which no other is found.
pub(super) struct Programs(TempDir);

impl Programs {
    pub(super) fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary directory"))
    }

    /// Adds a program that keeps its arguments, its input and its variables, says so, and then does this.
    pub(super) fn add(self, name: &str, then: &str) -> Self {
        let script = format!(
            "#!/bin/sh\nlife=\"${{0%/*}}/life\"\n[ ! -p \"$life\" ] || {{ exec 3<> \"$life\"; echo {name} >&3; }}\n\
             printf '%s\\n' \"$@\" >> \"$0.arguments\"\nPATH=/usr/bin:/bin\n\
             cat >> \"$0.input\"\nenv > \"$0.environment\"\n{then}\n"
        );
        // Another program writes it: what this one has open at the moment, a program that starts meanwhile has too, and
        // a file that somebody writes to cannot be run.
        let mut writer = Command::new("/bin/sh");
        writer.args(["-c", "cat > \"$1\" && chmod 700 \"$1\"", "sh"]).arg(self.0.path().join(name));
        let mut writer = writer.stdin(Stdio::piped()).spawn().expect("a shell starts");
        writer.stdin.take().expect("it has an input").write_all(script.as_bytes()).expect("it reads");
        assert!(writer.wait().expect("it ends").success(), "{name}");
        self
    }

    pub(super) fn session(&self) -> Vec<Variable> {
        let given = [("GIVEN", "by the session"), ("DISPLAY", ":7")];
        let given = given.map(|(name, value)| (name.into(), Some(value.into())));
        [("PATH".into(), Some(self.0.path().into()))].into_iter().chain(given).collect()
    }

    /// What a program was given, or nothing if it was not started.
    pub(super) fn kept(&self, name: &str, what: &str) -> String {
        fs::read_to_string(self.0.path().join(format!("{name}.{what}"))).unwrap_or_default()
    }

    /// Hears when programs start, by their names, and when all of them have ended.
    pub(super) fn life(&self) -> Receiver<Option<String>> {
        let path = self.0.path().join("life");
        rustix::fs::mknodat(CWD, path.as_path(), FileType::Fifo, Mode::from_raw_mode(0o600), 0).expect("a pipe");
        let (tell, hear) = mpsc::channel();
        thread::spawn(move || {
            let mut pipe = BufReader::new(fs::File::open(path).expect("it is there"));
            let mut name = String::new();
            pipe.read_line(&mut name).expect("text");
            tell.send(Some(name.trim_end().to_owned())).expect("the test runs");
            pipe.read_to_end(&mut Vec::new()).expect("it ends");
            tell.send(None).expect("the test runs");
        });
        hear
    }
}

pub(super) fn question(what: &str, within: u64) -> Question {
    Question {
        number: 7,
        peer: "laptop".to_owned(),
        fingerprint: "a1b2c3d4".to_owned(),
        method: "process.shell".to_owned(),
        what: what.to_owned(),
        why: "commands are asked about".to_owned(),
        asked_at: 1.5,
        within,
    }
}

/// A chain that asks no terminal of whoever runs the tests.
fn chain(ways: &[Way], programs: &Programs) -> Chain {
    Chain { terminal: "/dev/null/none".into(), ..Chain::new(ways.to_vec(), programs.session()) }
}

fn asked(chain: &Chain, within: u64) -> Answer {
    chain.ask(&question("Do something.", within), &Cancel::new())
}

fn nobody(answer: Answer) -> String {
    let Answer::Nobody(why) = answer else { panic!("{answer:?}") };
    assert_eq!(why.lines().count(), 1, "{why}");
    why
}

#[test]
fn what_a_way_answers_is_the_answer() {
    let denying = Programs::new().add("zenity", "exit 101").add("kdialog", "echo allow");
    let answer = asked(&chain(&[Way::Native, Way::Console], &denying), 60);
    assert_eq!(answer, Answer::Denied { by: "native" });
    assert_eq!(denying.kept("kdialog", "arguments"), "", "nobody is asked again who said no");

    let allowing = Programs::new().add("zenity", "exit 100");
    assert_eq!(asked(&chain(&[Way::Native], &allowing), 60), Answer::Allowed { by: "native" });
}

#[test]
fn the_next_way_is_asked_where_one_is_not_there() {
    let nothing = Programs::new();
    let why = nobody(asked(&chain(&[Way::Native, Way::Console], &nothing), 60));
    assert!(why.contains("install zenity or kdialog; there is no terminal"), "{why}");
    assert!(!chain(&[Way::Native, Way::Console], &nothing).is_at_hand());
    let why = nobody(asked(&chain(&[], &nothing), 60));
    assert!(why.contains("no way is set up"), "{why}");

    let programs = Programs::new().add("zenity", "exit 1").add("kdialog", "exit 101");
    assert!(!chain(&[Way::Console], &programs).is_at_hand());
    let chain = chain(&[Way::Console, Way::Native], &programs);
    assert!(chain.is_at_hand(), "that a dialog fails is known when it is shown");
    let mut blind = programs.session();
    blind.extend(["DISPLAY", "WAYLAND_DISPLAY"].map(|name| (name.into(), None)));
    assert!(!Chain { session: blind, ..self::chain(&[Way::Native], &programs) }.is_at_hand(), "no screen for a dialog");
    let why = nobody(asked(&chain, 60));
    assert!(why.contains("there is no terminal; zenity showed no dialog (exit code 1); kdialog showed"), "{why}");
}

#[test]
fn no_answer_in_time_is_a_no_and_ends_the_dialog() {
    let programs = Programs::new().add("zenity", "sleep 600 & wait").add("kdialog", "echo allow");
    let life = programs.life();
    let answer = asked(&chain(&[Way::Native, Way::Console], &programs), 3);
    assert_eq!(nobody(answer), "nobody answered within 3 s");
    assert_eq!(life.recv_timeout(PATIENCE), Ok(Some("zenity".to_owned())));
    assert_eq!(life.recv_timeout(PATIENCE), Ok(None), "it was killed with what it started");
    assert_eq!(programs.kept("kdialog", "arguments"), "");
    assert_eq!(nobody(asked(&chain(&[Way::Native], &programs), 0)), "nobody answered within 0 s");
}

#[test]
fn a_question_that_is_withdrawn_ends_with_its_dialog() {
    let programs = Programs::new().add("zenity", "sleep 600 & wait").add("kdialog", "echo allow");
    let (life, cancel) = (programs.life(), Cancel::new());
    let asking = {
        let (chain, cancel) = (chain(&[Way::Native, Way::Console], &programs), cancel.child());
        thread::spawn(move || chain.ask(&question("Do something.", 600), &cancel))
    };
    assert_eq!(life.recv_timeout(PATIENCE), Ok(Some("zenity".to_owned())));
    cancel.cancel();
    assert_eq!(nobody(asking.join().unwrap()), "the question was withdrawn before it was answered");
    assert_eq!(life.recv_timeout(PATIENCE), Ok(None));
    assert_eq!(programs.kept("kdialog", "arguments"), "");
}

#[test]
fn questions_are_put_one_after_the_other() {
    let only_later = "[ $(grep -c controller: \"$0.input\") -gt 1 ] && exit 100; sleep 600 & wait";
    let programs = Programs::new().add("zenity", only_later);
    let (life, cancel) = (programs.life(), Cancel::new());
    let chain = Arc::new(chain(&[Way::Native], &programs));
    let first = {
        let (chain, cancel) = (Arc::clone(&chain), cancel.clone());
        thread::spawn(move || chain.ask(&question("First.", 600), &cancel))
    };
    assert_eq!(life.recv_timeout(PATIENCE), Ok(Some("zenity".to_owned())));
    // It would be answered at once, if it were shown.
    assert_eq!(nobody(asked(&chain, 1)), "nobody answered within 1 s");
    let withdrawn = Cancel::new();
    withdrawn.cancel();
    assert!(nobody(chain.ask(&question("Third.", 600), &withdrawn)).contains("withdrawn"));

    let fourth = {
        let chain = Arc::clone(&chain);
        thread::spawn(move || asked(&chain, 600))
    };
    cancel.cancel();
    nobody(first.join().unwrap());
    assert_eq!(fourth.join().unwrap(), Answer::Allowed { by: "native" });
}

#[test]
fn w10_the_whole_command_is_shown_and_nothing_in_it_hides_another_part() {
    let harmless = "echo hello".to_owned() + &" ".repeat(300);
    let command = format!(
        "{harmless}\u{1b}[2K\r\u{202e}<!-- &lt;b>\n{}\nNo answer within 60 seconds is a no.\n; rm -rf ~ # the end",
        "Q".repeat(20_000)
    );
    let what = describe(&Call::ProcessShell(ShellParams { command, ..ShellParams::default() }));
    let programs = Programs::new().add("zenity", "exit 1").add("kdialog", "exit 1");
    let answer = chain(&[Way::Native], &programs).ask(&question(&what, 60), &Cancel::new());
    assert_eq!(answer, Answer::Denied { by: "native" });

    let seen = programs.kept("zenity", "input");
    assert!(seen.contains("| ; rm -rf ~ # the end\"\n"), "{seen}");
    assert_eq!(seen.matches('Q').count(), 20_000);
    assert!(seen.contains("\\u{1b}[2K\\r\\u{202e}<!-- &lt;b>\\n\n"), "{seen}");
    assert!(!seen.chars().any(|character| character.is_control() && character != '\n'), "{seen}");
    assert_eq!(seen.lines().filter(|line| line.starts_with("No answer within")).count(), 1, "only ours is at the edge");
    let lines = seen.lines().count() - 2;
    assert!(seen.starts_with(&format!("{lines} lines: scroll down")), "{seen}");

    let as_html = programs.kept("kdialog", "input");
    let lines: Vec<&str> = as_html.lines().collect();
    for line in &lines {
        let inner = line.strip_prefix("<pre style=\"margin:0\">").and_then(|line| line.strip_suffix("</pre>"));
        assert!(inner.is_some_and(|inner| !inner.contains(['<', '>'])), "nothing else is taken for HTML: {line}");
    }
    assert!(lines.iter().any(|line| line.ends_with("\\u{202e}&lt;!-- &amp;lt;b&gt;\\n</pre>")), "{as_html}");
}

#[test]
fn only_words_that_name_a_way_are_ways() {
    let words = ["mcp", "console", "native", "telepathy"].map(str::to_owned);
    assert_eq!(Way::of_words(&words), [Way::Console, Way::Native]);
    assert_eq!(Way::of_words(&[]), []);
}

#[test]
fn where_nobody_is_asked_the_answer_is_no() {
    nobody(NoApprover.ask(&question("Do something.", 60), &Cancel::new()));
}
