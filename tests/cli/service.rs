//! `opendesk install-service` and what goes with it: files that systemd, and readers of the other managers' formats, take
//! as they are meant, and a systemd of the test's own that notes what it is asked.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use opendesk_std::service::{HostCommand, launchd, systemd, task};
use opendesk_tests::bin::{Finished, command};
use opendesk_tests::desktop::PYTHON;
use opendesk_tests::unit::{exec_start, value};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Folder, failure, json as parsed, run, succeeded};

/// Words that quoting has to get right.
const WORDS: [&str; 14] = [
    "",
    "plain",
    "a b",
    " a  b ",
    "büro/日本",
    "50%",
    "%h%%",
    "$HOME ${HOME} $$",
    r"C:\a\",
    r"C:\a b\",
    r#"a"b'c"#,
    r#"\"\\" \n \x41"#,
    "<a & b> &amp; ]]>",
    "; # =",
];

fn host(program: &Path, words: &[&str]) -> HostCommand {
    HostCommand::new(program, words.iter().map(Into::into)).expect("text without control characters")
}

/// Folders of a test: a home with a space in its path, where systemd looks for units, and where it listens.
struct Machine(Folder);

impl Machine {
    fn new() -> Self {
        let folder = Folder::new();
        DirBuilder::new().mode(0o700).create(folder.home("run")).expect("a new folder");
        Self(folder)
    }

    fn home(&self) -> PathBuf {
        self.0.home("a home")
    }

    fn unit(&self) -> PathBuf {
        self.0.home("config").join("systemd/user/opendesk.service")
    }

    /// The program, where `systemctl` is the one of the test, if there is one.
    fn command(&self, args: &[&str]) -> Command {
        let mut command = command(&self.home(), args);
        let path = format!("{}:/usr/bin:/bin", self.0.home("bin").display());
        command.env("XDG_CONFIG_HOME", self.0.home("config")).env("XDG_RUNTIME_DIR", self.0.home("run"));
        command.env("PATH", path);
        command
    }

    fn opendesk(&self, args: &[&str]) -> Finished {
        run(self.command(args))
    }

    /// Puts a `systemctl` on the path that notes what it is asked and knows one unit, which runs once it was started as
    /// `started` says.
    fn start_manager(&self, started: &str) {
        let folder = self.0.home("bin");
        fs::create_dir(&folder).expect("a new folder");
        for (name, shown) in [("stopped", "ActiveState=inactive\nSubState=dead\nMainPID=0\n"), ("started", started)] {
            fs::write(folder.join(name), shown).expect("a new file");
        }
        let script = "#!/bin/sh
cd \"${0%/*}\" || exit 9
echo \"$*\" >> asked
if [ -e complaint ]; then cat complaint >&2; exit 1; fi
case \"$*\" in
*' show '*) if [ -e now ]; then cat now; else cat stopped; fi ;;
*' restart '*) cp started now ;;
*' disable '*) cp stopped now ;;
esac
";
        // Another process writes it: what other tests are about to start would have it open, and what somebody writes to
        // cannot be run.
        let mut write = Command::new("sh");
        write.args(["-c", "printf '%s' \"$2\" > \"$1\" && chmod 755 \"$1\"", "sh"]);
        let written = write.arg(folder.join("systemctl")).arg(script).status().expect("sh starts");
        assert!(written.success());
    }

    /// What `systemctl --user` was asked.
    fn asked(&self) -> Vec<String> {
        let asked = fs::read_to_string(self.0.home("bin").join("asked")).unwrap_or_default();
        let of_user = |line: &str| line.strip_prefix("--user ").expect("it asks the user's manager").to_owned();
        asked.lines().map(of_user).collect()
    }

    /// What systemd says of a unit file before it would start it.
    fn verify(&self, unit: &str) -> Finished {
        let file = self.0.home("opendesk.service");
        fs::write(&file, unit).expect("a file of the test");
        let mut verify = Command::new("systemd-analyze");
        verify.args(["verify", "--user", "--man=no"]).arg(file);
        verify.env("HOME", self.0.home("")).env("XDG_RUNTIME_DIR", self.0.home("run"));
        run(verify)
    }

    fn assert_taken(&self, unit: &str) {
        let said = self.verify(unit);
        let is_silent = said.stdout.is_empty() && said.stderr.is_empty();
        assert!(said.status.success() && is_silent, "{said:?}: {unit}");
    }

    /// What Python makes of a file, as JSON.
    fn python(&self, script: &str, bytes: &[u8]) -> Value {
        let file = self.0.home("read-by-python");
        fs::write(&file, bytes).expect("a file of the test");
        let mut python = Command::new(PYTHON);
        python.args(["-c", script]).arg(file);
        parsed(&run(python))
    }
}

const RUNS: &str = "UnitFileState=enabled\nActiveState=active\nSubState=running\nMainPID=4242\n\
                    ExecMainStartTimestamp=Thu 2026-05-14 10:20:30 UTC\nNRestarts=0\n";

#[test]
fn the_unit_that_would_be_written_is_one_that_systemd_takes() {
    let machine = Machine::new();
    let args = ["install-service", "--dry-run", "--json", "--port", "9000", "--approve", "policy"];
    let shown = parsed(&machine.opendesk(&args));
    assert_eq!(shown["manager"], "systemd");
    assert_eq!(shown["path"].as_str(), machine.unit().to_str());
    let unit = shown["text"].as_str().unwrap();
    machine.assert_taken(unit);
    let program = fs::canonicalize(opendesk_tests::bin::opendesk()).unwrap();
    let home = machine.home();
    let expected =
        ["serve", "--home", home.to_str().unwrap(), "--port", "9000", "--approve", "policy", "--wait-for-desktop"];
    let words = exec_start(unit);
    assert_eq!((Path::new(&words[0]), &words[1..]), (program.as_path(), &expected.map(str::to_owned)[..]));
    // Nothing was written, and a person sees the same file.
    assert!(!machine.0.home("config").exists());
    let text = machine.opendesk(&["install-service", "--dry-run", "--port", "9000", "--approve", "policy"]);
    assert_eq!(succeeded(&text), format!("{}:\n\n{}", machine.unit().display(), unit.trim_end()));
}

#[test]
fn systemd_takes_the_unit_wherever_program_and_home_are() {
    let machine = Machine::new();
    let folder = machine.0.home("bin dir é 50% $x");
    fs::create_dir(&folder).unwrap();
    let program = folder.join("open$desk %h");
    symlink(opendesk_tests::bin::opendesk(), &program).unwrap();
    let unit = systemd::unit(&host(&program, &WORDS), Some(0o22)).unwrap();
    machine.assert_taken(&unit);
    // The controls: a key that it does not know, and a program that is not there.
    for (from, to) in [("KillMode=process", "KillMood=process"), ("open$desk", "closed$desk")] {
        let said = machine.verify(&unit.replace(from, to));
        assert!(!said.stderr.is_empty(), "{to}");
    }
}

#[test]
fn a_host_that_waits_is_not_started_again_and_again() {
    let unit = systemd::unit(&host(Path::new("/usr/bin/opendesk"), &["serve"]), None).unwrap();
    let value = |section: &str, key: &str| value(&unit, section, key).unwrap_or_default();
    // Ten minutes of tries within an hour.
    assert_eq!((value("Service", "Restart"), value("Service", "RestartSec")), ("on-failure", "10s"));
    assert_eq!((value("Unit", "StartLimitIntervalSec"), value("Unit", "StartLimitBurst")), ("1h", "60"));
    assert_eq!(value("Service", "RestartPreventExitStatus"), "2");
    assert_eq!(value("Service", "KillMode"), "process");
}

#[test]
fn an_agent_of_launchd_is_read_back_by_a_reader_of_property_lists() {
    let machine = Machine::new();
    let program = "/Applications/open desk & co/opendesk";
    let agent = launchd::agent(&host(Path::new(program), &WORDS));
    let script = "import json, plistlib, sys; print(json.dumps(plistlib.load(open(sys.argv[1], 'rb'))))";
    let read = machine.python(script, agent.as_bytes());
    let words: Vec<&str> = [program].into_iter().chain(WORDS).collect();
    assert_eq!(
        read,
        json!({
            "Label": launchd::LABEL,
            "ProgramArguments": words,
            "RunAtLoad": true,
            "KeepAlive": {"SuccessfulExit": false},
            "ThrottleInterval": 10,
            "LimitLoadToSessionType": "Aqua",
            "ProcessType": "Interactive",
            "AbandonProcessGroup": true,
            "StandardErrorPath": "/dev/null",
        })
    );
}

#[test]
fn a_task_of_windows_is_read_back_by_a_reader_of_xml() {
    let machine = Machine::new();
    let text = task::definition(&host(Path::new("/C/Program Files/opendesk.exe"), &WORDS), "OFFICE\\m & m");
    let script = "import json, sys, xml.etree.ElementTree as etree
texts = {}
for element in etree.parse(sys.argv[1]).iter():
    texts.setdefault(element.tag, []).append(element.text)
print(json.dumps(texts))";
    let read = machine.python(script, &task::encode(&text));
    let values = |name: &str| read[format!("{{http://schemas.microsoft.com/windows/2004/02/mit/task}}{name}")].clone();
    assert_eq!(values("UserId"), json!(["OFFICE\\m & m", "OFFICE\\m & m"]));
    assert_eq!(values("Command"), json!(["\"/C/Program Files/opendesk.exe\""]));
    assert_eq!(values("RunLevel"), json!(["LeastPrivilege"]));
    assert_eq!(values("ExecutionTimeLimit"), json!(["PT0S"]));
    let arguments = values("Arguments");
    assert_eq!(windows_words(arguments[0].as_str().unwrap()), WORDS);
}

/// A command line as `CommandLineToArgvW` takes it apart, without the program.
fn windows_words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let (mut is_quoted, mut backslashes) = (false, 0);
    for character in line.chars() {
        if character == '\\' {
            backslashes += 1;
            continue;
        }
        let is_mark = character == '"';
        let (kept, is_escaped) = if is_mark { (backslashes / 2, backslashes % 2 == 1) } else { (backslashes, false) };
        if backslashes > 0 {
            word.get_or_insert_default().extend(core::iter::repeat_n('\\', kept));
            backslashes = 0;
        }
        match character {
            '"' if !is_escaped => {
                is_quoted = !is_quoted;
                word.get_or_insert_default();
            }
            ' ' if !is_quoted => words.extend(word.take()),
            other => word.get_or_insert_default().push(other),
        }
    }
    if backslashes > 0 {
        word.get_or_insert_default().extend(core::iter::repeat_n('\\', backslashes));
    }
    words.extend(word);
    words
}

proptest! {
    #[test]
    fn whatever_the_words_are_they_come_back(
        program in "/[^\\pC\"'\\\\]*",
        words in proptest::collection::vec("(\\PC|[ \"'%$\\\\])*", 0..6),
    ) {
        let texts: Vec<&str> = words.iter().map(String::as_str).collect();
        let command = host(Path::new(&program), &texts);
        let unit = systemd::unit(&command, None).unwrap();
        let again = exec_start(&unit);
        prop_assert_eq!((&again[0], &again[1..]), (&program, &words[..]));
        let definition = task::definition(&command, "me");
        let (_, rest) = definition.split_once("<Arguments>").unwrap();
        let line = rest.split_once("</Arguments>").unwrap().0;
        let marks = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")];
        let line = marks.iter().fold(line.to_owned(), |line, (escaped, mark)| line.replace(escaped, mark));
        prop_assert_eq!(windows_words(&line), words);
    }
}

#[test]
fn a_service_is_installed_looked_at_installed_anew_and_removed() {
    let machine = Machine::new();
    machine.start_manager(RUNS);
    let none = machine.opendesk(&["service", "status"]);
    assert_eq!(none.status.code(), Some(1));
    assert!(none.stderr.contains("opendesk install-service"), "{none:?}");

    let installed = parsed(&machine.opendesk(&["install-service", "--json", "--port", "9000"]));
    assert_eq!(
        (&installed["started"], &installed["pid"], &installed["address"]),
        (&json!(true), &json!(4242), &json!(null))
    );
    let steps =
        ["daemon-reload", "enable opendesk.service", "reset-failed opendesk.service", "restart opendesk.service"];
    let asked = machine.asked();
    let changes =
        |asked: &[String]| -> Vec<String> { asked.iter().filter(|line| !line.starts_with("show ")).cloned().collect() };
    assert_eq!(changes(&asked), steps);
    let unit = fs::read_to_string(machine.unit()).unwrap();
    assert!(exec_start(&unit).ends_with(&["--port".into(), "9000".into(), "--wait-for-desktop".into()]), "{unit}");
    assert_eq!(fs::metadata(machine.unit()).unwrap().permissions().mode() & 0o777, 0o600);
    machine.assert_taken(&unit);

    let mut status = parsed(&machine.opendesk(&["service", "status", "--json"]));
    let command = status["command"].take();
    let command = command.as_str().unwrap();
    assert!(command.starts_with('/') && command.ends_with(" --port 9000 --wait-for-desktop"), "{command}");
    assert_eq!(
        status,
        json!({
            "manager": "systemd",
            "path": machine.unit().to_str(),
            "command": null,
            "installed": true,
            "enabled": true,
            "running": true,
            "pid": 4242,
            "since": 1_778_754_030,
            "state": "active (running)",
        })
    );
    let mut status = machine.command(&["service", "status"]);
    status.env("TZ", "UTC");
    let status = run(status);
    assert!(succeeded(&status).contains("\ncommand: ") && succeeded(&status).contains(" --port 9000 "), "{status:?}");
    assert!(succeeded(&status).contains("process 4242, since 2026-05-14 10:20:30"), "{status:?}");

    // With other options, and without a start.
    succeeded(&machine.opendesk(&["install-service", "--no-start", "--no-audit"]));
    let unit = fs::read_to_string(machine.unit()).unwrap();
    let words = exec_start(&unit);
    assert!(words.contains(&"--no-audit".to_owned()) && !words.contains(&"9000".to_owned()), "{unit}");
    assert_eq!(changes(&machine.asked())[steps.len()..], steps[..2]);

    let removed = machine.opendesk(&["uninstall-service", "--json"]);
    assert_eq!(parsed(&removed)["removed"], true);
    assert!(!machine.unit().exists());
    assert!(machine.asked().contains(&"disable --now opendesk.service".to_owned()), "{:?}", machine.asked());
    let again = machine.opendesk(&["uninstall-service"]);
    assert_eq!(succeeded(&again), "no service is installed");
    let stopped = machine.opendesk(&["service", "status", "--json"]);
    assert_eq!(stopped.status.code(), Some(1));
    assert_eq!(stopped.stdout.lines().count(), 1, "{stopped:?}");
    let stopped: Value = serde_json::from_str(&stopped.stdout).unwrap();
    assert_eq!((&stopped["exit_code"], &stopped["command"]), (&json!(1), &json!(null)));
    assert_eq!(
        (&stopped["installed"], &stopped["running"], &stopped["pid"]),
        (&json!(false), &json!(false), &json!(null))
    );
}

#[test]
fn a_service_of_another_home_that_is_replaced_is_named() {
    let machine = Machine::new();
    machine.start_manager(RUNS);
    let install = ["install-service", "--json", "--no-start"];
    let first = machine.opendesk(&install);
    assert_eq!((&parsed(&first)["replaced_home"], first.stderr.as_str()), (&json!(null), ""));
    assert_eq!(parsed(&machine.opendesk(&install))["replaced_home"], json!(null), "it is the same home");
    let other = Machine(Folder::new());
    let mut command = command(&other.home(), &install);
    let path = format!("{}:/usr/bin:/bin", machine.0.home("bin").display());
    command.env("XDG_CONFIG_HOME", machine.0.home("config")).env("XDG_RUNTIME_DIR", machine.0.home("run"));
    command.env("PATH", path);
    let replaced = run(command);
    assert_eq!(parsed(&replaced)["replaced_home"].as_str(), machine.home().to_str());
    assert!(replaced.stderr.contains("this replaces the service that served "), "{replaced:?}");
}

#[test]
fn a_service_that_ends_at_once_was_not_started() {
    let machine = Machine::new();
    machine.start_manager("ActiveState=activating\nSubState=auto-restart\nMainPID=0\nExecMainStatus=6\nNRestarts=1\n");
    let tried = machine.opendesk(&["install-service"]);
    let (code, line) = failure(&tried);
    assert_eq!((code, tried.stdout.as_str()), (1, ""));
    assert!(line.contains("exit code 6") && line.contains("journalctl --user -u opendesk.service"), "{line}");
}

#[test]
fn where_systemd_cannot_be_asked_the_file_stays_and_that_is_said() {
    let machine = Machine::new();
    machine.start_manager(RUNS);
    fs::write(machine.0.home("bin").join("complaint"), "Failed to connect to bus: No medium found\n").unwrap();
    let tried = machine.opendesk(&["install-service"]);
    let (code, line) = failure(&tried);
    assert_eq!(code, 1);
    for part in ["is written and stays", "No medium found", "in a session that the user has logged in to"] {
        assert!(line.contains(part), "{part}: {line}");
    }
    assert!(machine.unit().exists());
    let status = machine.opendesk(&["service", "status", "--json"]);
    let status: Value = serde_json::from_str(&status.stdout).unwrap();
    assert_eq!((&status["installed"], &status["running"]), (&json!(true), &json!(null)));
    let removed = machine.opendesk(&["uninstall-service"]);
    let (code, line) = failure(&removed);
    assert_eq!(code, 1);
    assert!(line.contains("is removed") && line.contains("could not be asked"), "{line}");
    assert!(!machine.unit().exists());
}

#[test]
fn where_there_is_no_systemctl_that_is_said() {
    let machine = Machine::new();
    let mut install = machine.command(&["install-service"]);
    install.env("PATH", machine.0.home("run"));
    let tried = run(install);
    let (code, line) = failure(&tried);
    assert_eq!(code, 1);
    assert!(line.contains("systemctl is not on the PATH"), "{line}");
}

#[test]
fn a_unit_of_somebody_else_is_left_as_it_is() {
    let machine = Machine::new();
    machine.start_manager(RUNS);
    fs::create_dir_all(machine.unit().parent().unwrap()).unwrap();
    fs::write(machine.unit(), "[Service]\nExecStart=/usr/bin/python3 -m opendesk.cli serve\n").unwrap();
    let before = fs::read(machine.unit()).unwrap();
    for args in [&["install-service"][..], &["uninstall-service"]] {
        let tried = machine.opendesk(args);
        let (code, line) = failure(&tried);
        assert_eq!(code, 1);
        assert!(line.contains("opendesk has not written it; move it away"), "{line}");
    }
    assert_eq!(fs::read(machine.unit()).unwrap(), before);
    assert_eq!(machine.asked(), Vec::<String>::new());
}

#[test]
fn what_needs_a_terminal_or_ends_with_one_run_is_no_service() {
    let machine = Machine::new();
    for (option, value, hint) in [("--approve", "console", "--approve policy"), ("--record", "tape", "serve --record")]
    {
        let tried = machine.opendesk(&["install-service", "--dry-run", option, value]);
        let (code, line) = failure(&tried);
        assert_eq!(code, 2);
        assert!(line.contains(hint), "{line}");
    }
    // Nothing can say such a path to systemd.
    let bad = machine.0.home("a\nhome");
    let tried = run(command(&bad, &["install-service", "--dry-run"]));
    let (code, line) = failure(&tried);
    assert_eq!(code, 1);
    assert!(line.contains("line break"), "{line}");
}
