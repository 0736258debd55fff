//! `opendesk status`, once and on a terminal.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use opendesk_tests::bin::{Finished, Running, Served, command};
use opendesk_tests::desktop::PYTHON;
use serde_json::{Value, json};

use crate::{Folder, LIMIT, failure, json, opendesk, succeeded};

/// A terminal of its own for a program: what the program writes goes to standard output, and each line of standard
/// input is JSON: a text to type, or a number, the signal to send. Its last line says how the program ended and whether
/// the terminal is set as before.
const TERMINAL: &str = "\
import codecs, fcntl, json, os, pty, select, struct, subprocess, sys, termios
rows, columns = int(sys.argv[1]), int(sys.argv[2])
ours, its = pty.openpty()
fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack('HHHH', rows, columns, 0, 0))
before = termios.tcgetattr(its)
child = subprocess.Popen(sys.argv[3:], stdin=its, stdout=its, stderr=its, start_new_session=True)
decoder = codecs.getincrementaldecoder('utf-8')('replace')
waiting = b''
def copy(seconds):
    readable = select.select([ours, 0], [], [], seconds)[0]
    if ours in readable:
        sys.stdout.write(decoder.decode(os.read(ours, 65536)))
        sys.stdout.flush()
    return readable
while child.poll() is None:
    if 0 in copy(0.05):
        read = os.read(0, 65536)
        if not read:
            child.kill()
            break
        *lines, waiting = (waiting + read).split(b'\\n')
        for line in map(json.loads, lines):
            if isinstance(line, int):
                child.send_signal(line)
            else:
                os.write(ours, line.encode())
while ours in copy(0):
    pass
print()
print(json.dumps({'code': child.wait(), 'restored': before == termios.tcgetattr(its)}))
";

const ROWS: usize = 24;
const COLUMNS: usize = 100;

/// `opendesk status --watch` on a terminal.
struct Watch {
    running: Running,
}

impl Watch {
    fn start(home: &Path) -> Self {
        let mut terminal = Command::new(PYTHON);
        terminal
            .args(["-c", TERMINAL, &ROWS.to_string(), &COLUMNS.to_string()])
            .arg(opendesk_tests::bin::opendesk())
            .args(["status", "--watch", "--home"])
            .arg(home)
            .env_clear()
            .env("HOME", home)
            .env("TERM", "xterm-256color")
            .env("PYTHONIOENCODING", "utf-8")
            .stdin(Stdio::piped());
        Self { running: Running::start(terminal) }
    }

    fn press(&mut self, keys: &str) {
        self.running.say(&json!(keys).to_string());
    }

    fn lines(&self) -> Vec<String> {
        screen(&self.running.stdout())
    }

    /// Waits until a line of the screen has all of these.
    fn wait_for(&self, words: &[&str]) -> String {
        let begun = std::time::Instant::now();
        loop {
            let lines = self.lines();
            if let Some(line) = lines.iter().find(|line| words.iter().all(|word| line.contains(word))) {
                return line.clone();
            }
            assert!(begun.elapsed() < LIMIT, "{words:?} is not shown: {lines:#?}");
            std::thread::sleep(core::time::Duration::from_millis(10));
        }
    }

    /// Its end, and whether the terminal is as it was.
    fn finish(self) -> Value {
        let Finished { stdout, .. } = self.running.finish(LIMIT);
        let (written, end) = stdout.trim_end().rsplit_once('\n').expect("a last line");
        let last = |sequence: &str| written.rfind(sequence);
        let is_left = |on: &str, off: &str| last(on).is_some() && last(off) > last(on);
        assert!(is_left("\u{1b}[?1049h", "\u{1b}[?1049l"), "the alternate screen is left: {written:?}");
        assert!(is_left("\u{1b}[?2004h", "\u{1b}[?2004l"), "pasting is as before: {written:?}");
        assert!(is_left("\u{1b}[?25l", "\u{1b}[?25h"), "the cursor is shown: {written:?}");
        serde_json::from_str(end).unwrap_or_else(|error| panic!("{error}: {end}"))
    }
}

/// What a terminal shows that was written this.
fn screen(written: &str) -> Vec<String> {
    let mut cells = vec![vec![' '; COLUMNS]; ROWS];
    let (mut row, mut column) = (0, 0);
    let mut characters = written.chars();
    while let Some(character) = characters.next() {
        match character {
            '\u{1b}' => {
                if characters.next() != Some('[') {
                    continue;
                }
                let mut parameters = String::new();
                let end = characters.by_ref().find(|character| {
                    parameters.push(*character);
                    character.is_ascii_alphabetic()
                });
                let mut numbers = parameters.trim_end_matches(char::is_alphabetic).split(';');
                let mut number = || numbers.next().and_then(|number| number.parse::<usize>().ok()).unwrap_or(1);
                match end {
                    Some('H') => (row, column) = (number() - 1, number() - 1),
                    Some('J') => cells.iter_mut().for_each(|row| row.fill(' ')),
                    _ => {}
                }
            }
            '\r' => column = 0,
            '\n' => row += 1,
            _ => {
                if let Some(cell) = cells.get_mut(row).and_then(|row| row.get_mut(column)) {
                    *cell = character;
                }
                column += 1;
            }
        }
    }
    cells.into_iter().map(|row| row.into_iter().collect::<String>().trim_end().to_owned()).collect()
}

/// Which part of a question is on the screen.
#[derive(Debug, PartialEq)]
enum Place {
    Before,
    End,
    Gone,
}

fn place(lines: &[String]) -> Place {
    let Some(title) = lines.iter().find(|line| line.starts_with("question")) else { return Place::Gone };
    let last = title.rsplit_once(" to ").and_then(|(_, last)| last.split_once(" of "));
    if last.is_none_or(|(row, total)| row == total) { Place::End } else { Place::Before }
}

/// A host, a controller that it trusts, and the name by which it knows it.
fn paired(folder: &Folder, more: &[&str]) -> (Served, String) {
    let host = folder.home("host");
    let served = Served::start_with(&host, "virtual", more, &[]);
    served.pair(&folder.home("controller"));
    let name = json(&opendesk(&host, &["peers", "--json"]))[0]["name"].as_str().expect("a name").to_owned();
    (served, name)
}

fn types(text: &str) -> [String; 3] {
    ["call".to_owned(), "keyboard".to_owned(), json!({"action": "type", "text": text}).to_string()]
}

fn mode(home: &Path) -> String {
    let control = fs::read(home.join("control.json")).unwrap_or_default();
    let control: Value = serde_json::from_slice(&control).unwrap_or_default();
    control["mode"].as_str().unwrap_or_default().to_owned()
}

fn wait_until(what: &str, so: impl Fn() -> bool) {
    let begun = std::time::Instant::now();
    while !so() {
        assert!(begun.elapsed() < LIMIT, "{what}");
        std::thread::sleep(core::time::Duration::from_millis(10));
    }
}

#[test]
fn without_a_host_status_says_so_and_what_the_files_say() {
    let folder = Folder::new();
    let home = folder.home("home");
    let said = opendesk(&home, &["status"]);
    let expected = "host      none runs with this home directory; `opendesk serve` starts one\n\
                    control   controllers may act\npaired    no machine";
    assert_eq!(succeeded(&said), expected);
    let status = json(&opendesk(&home, &["status", "--json"]));
    assert_eq!((&status["running"], &status["peers"]), (&json!(false), &json!(0)));
    assert_eq!((&status["control"]["mode"], &status["control_error"]), (&json!("running"), &Value::Null));

    assert!(!home.exists());
    fs::create_dir(&home).unwrap();
    fs::write(home.join("control.json"), r#"{"mode": "stopped", "since": 1760000000.5, "reason": "lunch"}"#).unwrap();
    let said = opendesk(&home, &["status"]);
    let line = succeeded(&said).lines().nth(1).unwrap();
    assert!(line.starts_with("control   STOPPED since 2025-10-") && line.ends_with(": lunch"), "{said:?}");
    fs::write(home.join("control.json"), "stopped").unwrap();
    let said = opendesk(&home, &["status"]);
    assert!(succeeded(&said).contains("every call is refused"), "{said:?}");
    let status = json(&opendesk(&home, &["status", "--json"]));
    assert!(status["control"].is_null() && status["control_error"].is_string(), "{status}");
    // All there is to follow.
    assert_eq!(json(&opendesk(&home, &["status", "--watch", "--json"])), status);
}

#[test]
fn the_view_needs_a_terminal() {
    let folder = Folder::new();
    let said = opendesk(&folder.home("home"), &["status", "--watch"]);
    let (code, line) = failure(&said);
    assert!(code == 2 && line.contains("opendesk status") && line.contains("--json"), "{said:?}");
    assert_eq!(said.stdout, "");
}

#[test]
fn a_host_tells_what_it_does_and_not_what_was_typed() {
    let folder = Folder::new();
    let (served, name) = paired(&folder, &[]);
    let (host, controller) = (folder.home("host"), folder.home("controller"));
    succeeded(&opendesk(&controller, &types("open sesame").each_ref().map(String::as_str)));

    let status = json(&opendesk(&host, &["status", "--json"]));
    assert_eq!((&status["running"], &status["peers"]), (&json!(true), &json!(1)));
    assert_eq!(status["address"], served.address().to_string());
    assert_eq!((&status["approve"], &status["control"]["mode"]), (&json!("auto"), &json!("running")));
    let calls = status["recent"].as_array().unwrap();
    let typed = calls.iter().find(|call| call["method"] == "input.text").unwrap_or_else(|| panic!("{status}"));
    assert_eq!((&typed["peer"], &typed["outcome"]), (&json!(name), &json!("ok")));

    let said = opendesk(&host, &["status"]);
    let text = succeeded(&said);
    assert!(text.starts_with(&format!("host      {}, desktop ", served.address())), "{text}");
    assert!(text.contains("control   controllers may act") && text.contains("paired    1 machine"), "{text}");
    assert!(text.contains(&format!("{name}  input.text")), "{text}");
    assert!(!text.contains("sesame") && !status.to_string().contains("sesame"), "{text} {status}");
}

#[test]
fn a_program_follows_a_host_line_by_line_until_it_stops() {
    let folder = Folder::new();
    let (served, name) = paired(&folder, &[]);
    let mut following = Running::start(command(&folder.home("host"), &["status", "--watch", "--json"]));
    let first: Value = serde_json::from_str(&following.first_line()).unwrap();
    assert_eq!((&first["running"], &first["peers"]), (&json!(true), &json!(1)));
    succeeded(&opendesk(&folder.home("controller"), &types("x").each_ref().map(String::as_str)));
    following.hear(|line| {
        let event: Value = serde_json::from_str(line).ok()?;
        let call = &event["call"];
        (event["event"] == "call" && call["method"] == "input.text" && call["peer"] == name).then_some(())
    });
    drop(served);
    let finished = following.finish(LIMIT);
    assert!(succeeded(&finished).lines().all(|line| serde_json::from_str::<Value>(line).is_ok()), "{finished:?}");
}

#[test]
fn a_program_that_follows_a_host_answers_its_questions_by_their_numbers() {
    let folder = Folder::new();
    let (served, name) = paired(&folder, &["--approve", "policy"]);
    let (host, controller) = (folder.home("host"), folder.home("controller"));
    for (args, code, why) in [(["approve", "1"], 1, "no question 1 waits"), (["deny", "x"], 2, "invalid value 'x'")] {
        let tried = opendesk(&host, &args);
        assert!(tried.status.code() == Some(code) && tried.stderr.contains(why), "{tried:?}");
    }
    let alone = opendesk(&folder.home("other"), &["approve", "1"]);
    assert!(alone.status.code() == Some(1) && alone.stderr.contains("no `opendesk serve` is running"), "{alone:?}");
    let rules = ["policy", "add-rule", "--tool", "keyboard", "--decision", "confirm", "--first"];
    succeeded(&opendesk(&host, &rules));
    let mut following = Running::start(command(&host, &["status", "--watch", "--json"]));
    following.first_line();
    let asked = |following: &mut Running, before: &str| {
        following.hear(|line| {
            let event: Value = serde_json::from_str(line).ok()?;
            let number = event["question"]["number"].to_string();
            (event["event"] == "question" && number != before).then_some(number)
        })
    };
    let typing = types("open sesame");
    let typing = typing.each_ref().map(String::as_str);
    let calling = Running::start(command(&controller, &typing));
    let number = asked(&mut following, "");
    let shown = opendesk(&host, &["status"]);
    assert!(succeeded(&shown).contains(&format!("question {number}: {name} asks for input.text, ")), "{shown:?}");
    let approved = opendesk(&host, &["approve", &number]);
    let said = succeeded(&approved);
    assert!(said.starts_with(&format!("allowed: {name} asks for input.text\n")), "{said}");
    assert!(said.contains("open sesame"), "{said}");
    assert!(calling.finish(LIMIT).status.success());
    let again = opendesk(&host, &["approve", &number]);
    assert!(
        again.status.code() == Some(1) && again.stderr.contains(&format!("no question {number} waits")),
        "{again:?}"
    );

    let calling = Running::start(command(&controller, &typing));
    let next = asked(&mut following, &number);
    let denied = json(&opendesk(&host, &["deny", &next, "--json"]));
    assert_eq!((&denied["allowed"], &denied["method"]), (&json!(false), &json!("input.text")));
    let refused = calling.finish(LIMIT);
    assert!(refused.status.code() == Some(5) && refused.stderr.contains("said no"), "{refused:?}");

    // Rules that cannot be read are told as well, and that they can be again.
    let rules = fs::read(host.join("policy.json")).unwrap();
    fs::write(host.join("policy.json"), "{").unwrap();
    let mut policy = |is_broken: bool| {
        following.hear(|line| {
            let event: Value = serde_json::from_str(line).ok()?;
            (event["event"] == "policy" && event["error"].is_string() == is_broken).then_some(())
        });
    };
    policy(true);
    fs::write(host.join("policy.json"), rules).unwrap();
    policy(false);
    drop(served);
    succeeded(&following.finish(LIMIT));
}

#[test]
fn the_view_shows_the_last_calls_and_stops_controllers() {
    let folder = Folder::new();
    let (served, name) = paired(&folder, &[]);
    let (host, controller) = (folder.home("host"), folder.home("controller"));
    let typing = types("hello");
    let typing = typing.each_ref().map(String::as_str);
    let mut watch = Watch::start(&host);
    watch.wait_for(&["nobody drives this machine"]);
    watch.wait_for(&[&served.address().to_string(), "approve auto"]);
    succeeded(&opendesk(&controller, &typing));
    let line = watch.wait_for(&[&name, "input.text"]);
    assert!(line.ends_with("ok"), "{line}");

    watch.press("s");
    watch.wait_for(&["press s again"]);
    assert_ne!(mode(&host), "stopped");
    watch.press("s");
    wait_until("control.json says stopped", || mode(&host) == "stopped");
    watch.wait_for(&["STOPPED since"]);
    assert!(!opendesk(&controller, &typing).status.success());
    watch.wait_for(&[&name, "input.text", "permission_denied"]);
    watch.press("r");
    watch.wait_for(&["controllers may act"]);
    assert_eq!(mode(&host), "running");
    succeeded(&opendesk(&controller, &typing));

    drop(served);
    watch.wait_for(&["the host has stopped"]);
    let again = Served::start(&host, "virtual", &[]);
    watch.wait_for(&[&again.address().to_string()]);
    // What was ordered is done, however soon the view ends.
    watch.press("ssq");
    assert_eq!(watch.finish(), json!({"code": 0, "restored": true}));
    assert_eq!(mode(&host), "stopped");
}

#[test]
fn a_question_is_read_to_its_end_and_then_answered_with_a_key() {
    let folder = Folder::new();
    let (_served, name) = paired(&folder, &["--approve", "policy"]);
    let (host, controller) = (folder.home("host"), folder.home("controller"));
    succeeded(&opendesk(&host, &["policy", "add-rule", "--tool", "keyboard", "--decision", "confirm", "--first"]));
    let mut watch = Watch::start(&host);
    watch.wait_for(&["approve policy"]);

    let long = types(&"long ".repeat(1000));
    let asking = Running::start(command(&controller, &long.each_ref().map(String::as_str)));
    watch.wait_for(&[&name, "asks for input.text"]);
    watch.wait_for(&["question", "lines 1 to"]);
    watch.press("a");
    watch.wait_for(&["not allowed"]);
    let begun = std::time::Instant::now();
    // Another key before each, as one that is held down allows nothing.
    for (until, keys) in [(Place::End, "\u{1b}[6~"), (Place::Gone, "ja")] {
        while place(&watch.lines()) != until {
            assert!(begun.elapsed() < LIMIT, "{until:?}: {:#?}", watch.lines());
            watch.press(keys);
            std::thread::sleep(core::time::Duration::from_millis(20));
        }
    }
    assert!(asking.finish(LIMIT).status.success());
    watch.wait_for(&[&name, "input.text", "ok"]);

    let short = types("short");
    let asking = Running::start(command(&controller, &short.each_ref().map(String::as_str)));
    watch.wait_for(&["\"short\""]);
    watch.press("d");
    let denied = asking.finish(LIMIT);
    assert!(!denied.status.success(), "{denied:?}");
    watch.wait_for(&[&name, "input.text", "permission_denied"]);
    watch.press("\u{3}");
    assert_eq!(watch.finish(), json!({"code": 0, "restored": true}));
}

#[test]
fn a_signal_ends_the_view_and_the_terminal_is_as_before() {
    let folder = Folder::new();
    for signal in [15, 1] {
        let mut watch = Watch::start(&folder.home("home"));
        watch.wait_for(&["no host runs with this home directory"]);
        watch.running.say(&signal.to_string());
        assert_eq!(watch.finish(), json!({"code": 0, "restored": true}), "signal {signal}");
    }
}

/// The control of the ones above: what is written where is what is on the screen.
#[test]
fn the_screen_is_read_as_a_terminal_shows_it() {
    let lines = screen("gone\u{1b}[?25l\u{1b}[2J\u{1b}[2;3H\u{1b}[1;31mab\u{1b}[0m\u{1b}[2;4Hc\r\nd\u{1b}[");
    assert_eq!(lines[..4], ["", "  ac", "d", ""]);
}
