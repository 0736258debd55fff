//! `opendesk exec`: a command on another machine, as if it ran here.

use core::time::Duration;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use opendesk_tests::bin::{Finished, PEER, Running, Served, behind, command};
use serde_json::Value;

use crate::{Folder, LIMIT, eventually, failure, log_of, opendesk, peak, run, succeeded};

/// A host with its controller.
struct Pair {
    folder: Folder,
    host: Served,
}

impl Pair {
    fn new() -> Self {
        Self::with(&[])
    }

    fn with(more: &[&str]) -> Self {
        let folder = Folder::new();
        let host = Served::start_with(&folder.home("host"), "virtual", more, &[]);
        host.pair(&folder.home("controller"));
        Self { folder, host }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.home(name)
    }

    fn command(&self, args: &[&str]) -> Command {
        // The options of all commands stand before the `--`.
        let (own, theirs) = args.split_at(args.iter().position(|word| *word == "--").unwrap_or(args.len()));
        let mut command = command(&self.path("controller"), &[&["exec"], own].concat());
        command.args(theirs);
        command
    }

    fn exec(&self, args: &[&str]) -> Finished {
        run(self.command(args))
    }

    /// A line of the host's shell.
    fn shell(&self, script: &str) -> Finished {
        self.exec(&["--", "sh", "-c", script])
    }

    fn log(&self) -> Vec<Value> {
        log_of(&self.path("host"))
    }
}

/// Has a program write its standard output, whatever bytes that is, into a file.
fn into_file(command: &Command, file: &Path) -> Command {
    let front = ["sh", "-c", "out=$1; shift; exec \"$@\" >\"$out\"", "sh", file.to_str().expect("a path that is text")];
    behind(&front, command)
}

fn is_there(pid: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
    stat.is_ok_and(|stat| !stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('Z')))
}

fn digest(bytes: &[u8]) -> u64 {
    // FNV-1a: every byte and its place count.
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Bytes that repeat nowhere near.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend(state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

#[test]
fn what_a_command_writes_is_seen_while_it_runs() {
    let pair = Pair::new();
    let marker = pair.path("marker");
    let script = format!("echo first; while [ ! -e {} ]; do sleep 0.01; done; echo second", marker.display());
    let mut running = Running::start(pair.command(&["--", "sh", "-c", &script]));
    assert_eq!(running.first_line(), "first");
    // It cannot write more before it is told to: so what was seen was seen live.
    fs::write(&marker, "").unwrap();
    let finished = running.finish(LIMIT);
    assert_eq!(succeeded(&finished), "first\nsecond");
    assert_eq!(finished.stderr, "");
}

#[test]
fn codes_signals_streams_and_surroundings_are_those_of_the_command() {
    let pair = Pair::new();
    for (script, code, stdout, stderr) in [
        ("exit 0", 0, "", ""),
        ("echo out; echo err >&2; exit 3", 3, "out\n", "err\n"),
        ("exit 255", 255, "", ""),
        ("kill -TERM $$", 143, "", ""),
        ("kill -KILL $$", 137, "", ""),
        ("cat", 0, "", ""),
    ] {
        let finished = pair.shell(script);
        let told = (finished.status.code(), finished.stdout.as_str(), finished.stderr.as_str());
        assert_eq!(told, (Some(code), stdout, stderr), "{script}");
    }
    let folder = pair.path("there");
    fs::create_dir(&folder).unwrap();
    let args = ["--cwd", folder.to_str().unwrap(), "--env", "A=1 = 2", "--env", "B=", PEER, "--"];
    let script = ["sh", "-c", "pwd; echo \"$A|${B-none}\"; echo \"$@\"", "sh", "--json", "a  b", "$HOME"];
    let finished = pair.exec(&[&args[..], &script].concat());
    assert_eq!(succeeded(&finished), format!("{}\n1 = 2|\n--json a  b $HOME", folder.display()));
}

#[test]
fn fifty_megabytes_arrive_whole_in_bounded_memory_of_the_host() {
    let pair = Pair::new();
    let (file, out) = (pair.path("big"), pair.path("out"));
    let bytes = noise(50_000_000);
    fs::write(&file, &bytes).unwrap();
    let before = peak(pair.host.process());
    let finished = run(into_file(&pair.command(&["--", "cat", file.to_str().unwrap()]), &out));
    assert!(finished.status.success(), "{finished:?}");
    let arrived = fs::read(&out).unwrap();
    assert_eq!((arrived.len(), digest(&arrived)), (bytes.len(), digest(&bytes)));
    let taken = peak(pair.host.process()) - before;
    assert!(taken < 16 << 10, "{taken} KiB more than before");
}

#[test]
fn ten_megabytes_of_input_go_through_and_back() {
    let pair = Pair::new();
    let (file, out) = (pair.path("in"), pair.path("out"));
    let bytes = noise(10_000_000);
    fs::write(&file, &bytes).unwrap();
    let mut command = into_file(&pair.command(&["--", "cat"]), &out);
    command.stdin(File::open(&file).unwrap());
    let finished = run(command);
    assert!(finished.status.success(), "{finished:?}");
    assert!(fs::read(&out).unwrap() == bytes);

    let here = Command::new("sha256sum").stdin(File::open(&file).unwrap()).output().unwrap();
    let mut there = pair.command(&["--", "sha256sum"]);
    there.stdin(File::open(&file).unwrap());
    assert_eq!(run(there).stdout.as_bytes(), here.stdout);
    // One that has had enough is not waited for.
    let mut head = pair.command(&["--", "head", "-c", "3"]);
    head.stdin(File::open(&file).unwrap());
    assert_eq!(run(head).status.code(), Some(0));
    // Nor is one that gets none: its input is empty, not the file.
    let mut none = pair.command(&["-n", "--", "cat"]);
    none.stdin(File::open(&file).unwrap());
    assert_eq!(succeeded(&run(none)), "");
    let log = pair.log();
    let writes = log.iter().filter(|entry| entry["type"] == "call.started" && entry["method"] == "process.write");
    assert!(writes.count() > 60, "each part of the input is logged before it is given");
}

#[test]
fn input_is_given_line_by_line_as_it_comes() {
    let pair = Pair::new();
    let mut command = pair.command(&["--", "sh", "-c", "while read line; do echo \"got $line\"; done"]);
    command.stdin(Stdio::piped());
    let mut running = Running::start(command);
    running.say("one");
    running.hear(|line| (line == "got one").then_some(()));
    running.say("two");
    running.hear(|line| (line == "got two").then_some(()));
}

#[test]
fn bytes_that_are_no_text_arrive_as_they_are_and_in_base64() {
    let pair = Pair::new();
    let out = pair.path("out");
    let args = ["--", "printf", r"\377\000\033[31m\r\n\303"];
    let finished = run(into_file(&pair.command(&args), &out));
    assert!(finished.status.success(), "{finished:?}");
    assert_eq!(fs::read(&out).unwrap(), b"\xff\x00\x1b[31m\r\n\xc3");

    let told = pair.exec(&["--json", "--", "sh", "-c", r"printf '\377\000'; sleep 0.3; echo grüße >&2; exit 4"]);
    assert_eq!(told.status.code(), Some(4));
    let lines: Vec<Value> = told.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0], serde_json::json!({"stream": "stdout", "base64": "/wA="}));
    assert_eq!(lines[1], serde_json::json!({"stream": "stderr", "text": "grüße\n"}));
    assert_eq!((&lines[2]["exit_code"], &lines[2]["signal"]), (&4.into(), &Value::Null));
    assert_eq!((lines.len(), told.stderr.as_str()), (3, ""));
}

#[test]
fn an_interrupt_ends_the_command_with_all_that_it_started() {
    let pair = Pair::new();
    // One that ends when it is interrupted, and says so; and one that does not.
    for (script, said) in [
        ("sleep 1000 & echo $! $$; trap 'echo bye; exit 1' INT; wait", "bye\n"),
        ("trap '' INT TERM; sleep 1000 & echo $! $$; wait", ""),
    ] {
        let mut running = Running::start(pair.command(&["--", "sh", "-c", script]));
        let pids = running.first_line();
        running.signal("INT");
        let finished = running.finish(LIMIT);
        assert_eq!(failure(&finished), (130, "opendesk: interrupted"));
        assert_eq!(finished.stdout, format!("{pids}\n{said}"));
        let command = pids.split(' ').nth(1).unwrap();
        eventually("the command has ended", || !is_there(command));
        if said.is_empty() {
            eventually("what it started has ended", || !pids.split(' ').any(is_there));
        } else {
            // It ended by itself, so what it left behind is its own business.
            run_kill(pids.split(' ').next().unwrap());
        }
    }
}

fn run_kill(pid: &str) {
    let killed = Command::new("kill").args(["-KILL", pid.trim()]).status().expect("kill starts");
    assert!(killed.success());
}

#[test]
fn a_command_dies_with_the_controller_that_started_it() {
    let pair = Pair::new();
    let mut running = Running::start(pair.command(&["--", "sh", "-c", "sleep 1000 & echo $! $$; exec sleep 1000"]));
    let pids = running.first_line();
    assert!(pids.split(' ').all(is_there));
    running.signal("KILL");
    drop(running);
    eventually("nothing of it runs", || !pids.split(' ').any(is_there));
}

#[test]
fn a_host_that_is_gone_is_told_of_at_once() {
    let pair = Pair::new();
    let mut running = Running::start(pair.command(&["--", "sh", "-c", "echo $$; exec sleep 1000"]));
    let pid = running.first_line();
    run_kill(&pair.host.process().to_string());
    let finished = running.finish(Duration::from_secs(60));
    let (code, line) = failure(&finished);
    assert_eq!(code, 3, "{line}");
    assert!(line.contains("the connection was lost"), "{line}");
    // A host that was killed kills nothing.
    run_kill(&pid);
}

#[test]
fn a_stop_of_the_owner_ends_it_in_the_middle_and_says_why() {
    let pair = Pair::new();
    let mut running = Running::start(pair.command(&["--", "sh", "-c", "echo $$; exec sleep 1000"]));
    let pid = running.first_line();
    succeeded(&opendesk(&pair.path("host"), &["stop", "--reason", "lunch"]));
    let finished = running.finish(LIMIT);
    let (code, line) = failure(&finished);
    assert_eq!(code, 5, "{line}");
    assert!(line.contains("stopped") && line.contains("lunch"), "{line}");
    eventually("it is killed", || !is_there(&pid));
    let refused = pair.shell("true");
    assert_eq!(failure(&refused).0, 5);
}

#[test]
fn what_does_not_run_fails_with_a_code_and_one_line() {
    let pair = Pair::new();
    let (file, gone) = (pair.path("file"), "/no/such/place");
    fs::write(&file, "").unwrap();
    for (args, code, text) in [
        (&["--", "opendesk-test-no-such-program"][..], 127, "opendesk-test-no-such-program"),
        (&["--cwd", gone, "--", "true"], 127, gone),
        (&["--", file.to_str().unwrap()], 5, "run"),
        (&["--timeout", "0.2", "--", "sleep", "1000"], 124, "did not end within 0.2 s"),
        (&["nobody", "--", "true"], 5, "nobody"),
        (&["local", "--", "true"], 2, "paired machine"),
        (&[PEER], 2, "required"),
        (&[PEER, "--env", "=x", "--", "true"], 2, "NAME=VALUE"),
        (&[PEER, "--timeout", "0", "--", "true"], 2, "over 0"),
        (&[&["--"][..], &["true"; 4097]].concat()[..], 2, "has 4097 words and at most 4096 are taken"),
    ] {
        let finished = pair.exec(args);
        let (got, line) = failure(&finished);
        assert_eq!(got, code, "{args:?}: {line}");
        assert!(line.starts_with("opendesk: ") && line.contains(text), "{args:?}: {line}");
    }
}

#[test]
fn rules_of_the_host_and_of_this_machine_refuse_commands() {
    let pair = Pair::with(&["--approve", "policy"]);
    let host = pair.path("host");
    succeeded(&opendesk(&host, &["policy", "preset", "relaxed"]));
    succeeded(&pair.shell("true"));
    let block = ["policy", "add-rule", "--tool", "script", "--decision", "block", "--reason", "no commands here"];
    succeeded(&opendesk(&host, &block));
    let refused = pair.shell("true");
    let (code, line) = failure(&refused);
    assert_eq!(code, 5, "{line}");
    assert!(line.contains("no commands here"), "{line}");
    let log = pair.log();
    let refusals = log.iter().filter(|entry| entry["method"] == "process.start" && entry["outcome"] == "error");
    assert_eq!(refusals.count(), 1);

    let own = Pair::new();
    succeeded(&opendesk(&own.path("controller"), &block));
    let refused = own.shell("true");
    let line = failure(&refused).1;
    assert!(line.contains("refused on this machine, where the agent runs: ") && line.contains("no commands here"));
    assert!(!own.log().iter().any(|entry| entry["method"] == "process.start"), "it was not asked for");
}

#[test]
fn that_a_command_gets_no_input_is_not_asked_about_once_it_was_allowed() {
    let pair = Pair::with(&["--approve", "policy"]);
    // Whatever is asked about is refused.
    let rules =
        r#"{"rules": [{"tool": "script", "action": "start", "decision": "allow"}], "approval": {"chain": ["none"]}}"#;
    fs::write(pair.path("host").join("policy.json"), rules).unwrap();
    assert_eq!(succeeded(&pair.shell("cat; echo done")), "done");
    let file = pair.path("input");
    fs::write(&file, "some").unwrap();
    let mut fed = pair.command(&["--", "cat"]);
    fed.stdin(File::open(&file).unwrap());
    assert_eq!(failure(&run(fed)).0, 5, "what is fed to it is");
}

#[test]
fn nobody_reading_any_more_ends_it_quietly() {
    let pair = Pair::new();
    let exec = pair.command(&["--", "sh", "-c", "echo $$; exec yes"]);
    let mut shell = behind(&["sh", "-c", "\"$@\" 2>err | head -n 1; cat err >&2", "sh"], &exec);
    shell.current_dir(pair.folder.0.path());
    let finished = run(shell);
    let pid = succeeded(&finished).to_owned();
    assert_eq!(finished.stderr, "");
    eventually("it has ended there, too", || !is_there(&pid));
}

/// As the code of `seq` is, were it run here: whoever keeps what a command writes has to know that it is not all there.
#[test]
fn what_cannot_be_written_here_is_a_failure() {
    let pair = Pair::new();
    let pid = pair.path("pid");
    let script = format!("echo $$ > {}; seq 1 1000; sleep 300", pid.display());
    for args in [&["--", "sh", "-c", script.as_str()][..], &["--json", "--", "sh", "-c", script.as_str()]] {
        let finished = run(into_file(&pair.command(args), Path::new("/dev/full")));
        let (code, line) = failure(&finished);
        assert_eq!(code, 1, "{finished:?}");
        assert!(line.contains("the result cannot be written to standard output: No space left"), "{line}");
        eventually("it has ended there, too", || !is_there(&fs::read_to_string(&pid).unwrap()));
    }
    let exec = pair.command(&["--", "sh", "-c", "exec yes"]);
    let shell = behind(&["bash", "-c", "\"$@\" | head -n 1; exit ${PIPESTATUS[0]}", "bash"], &exec);
    let finished = run(shell);
    let told = (finished.status.code(), finished.stdout.as_str(), finished.stderr.as_str());
    assert_eq!(told, (Some(141), "y\n", ""));
}

#[test]
fn a_reader_that_stops_for_a_while_loses_nothing_and_keeps_the_session() {
    let pair = Pair::new();
    let mut command = pair.command(&["--", "sh", "-c", "head -c 20000000 /dev/zero; echo end >&2"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut out = child.stdout.take().unwrap();
    let mut first = [0; 1000];
    out.read_exact(&mut first).unwrap();
    // It goes on being there for its host, which would hang up on one that is silent.
    let sessions = opendesk(&pair.path("host"), &["sessions", "--json"]);
    assert_eq!(crate::json(&sessions).as_array().map(Vec::len), Some(1));
    let mut rest = Vec::new();
    out.read_to_end(&mut rest).unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(first.len() + rest.len(), 20_000_000);
}

#[test]
fn two_commands_run_at_once_without_ending_each_other() {
    let pair = Pair::new();
    let marker = pair.path("marker");
    let script = format!("echo first; while [ ! -e {} ]; do sleep 0.01; done; echo done", marker.display());
    let mut long = Running::start(pair.command(&["--", "sh", "-c", &script]));
    assert_eq!(long.first_line(), "first");
    assert_eq!(succeeded(&pair.shell("echo second")), "second");
    fs::write(&marker, "").unwrap();
    assert_eq!(succeeded(&long.finish(LIMIT)), "first\ndone");
}

/// Both share one connection: the first that is there has it, and stays until the other is done.
#[test]
fn a_command_outlives_the_one_whose_connection_it_borrowed() {
    let pair = Pair::new();
    let [first, second] = ["first", "second"].map(|name| {
        let marker = pair.path(name);
        let script = format!("echo {name}; while [ ! -e {} ]; do sleep 0.01; done; echo done", marker.display());
        let mut running = Running::start(pair.command(&["--", "sh", "-c", &script]));
        assert_eq!(running.first_line(), name);
        (running, marker)
    });
    let (mut owner, marker) = first;
    fs::write(marker, "").unwrap();
    owner.hear(|line| (line == "done").then_some(()));
    eventually("it says why it stays", || owner.stderr().contains("another opendesk runs a command"));
    let (borrower, marker) = second;
    fs::write(marker, "").unwrap();
    assert_eq!(succeeded(&borrower.finish(LIMIT)), "second\ndone");
    assert_eq!(succeeded(&owner.finish(LIMIT)), "first\ndone");
}

/// A controller that knows of its host only what version 1 tells speaks that.
#[test]
fn over_version_1_the_output_comes_in_the_end() {
    let pair = Pair::new();
    let forget = || fs::remove_file(pair.path("controller").join("peers.json")).unwrap();
    forget();
    let mut command = pair.command(&["--", "sh", "-c", "cat; echo err >&2; exit 6"]);
    let file = pair.path("in");
    fs::write(&file, "words").unwrap();
    command.stdin(File::open(&file).unwrap());
    let finished = run(command);
    assert_eq!(
        (finished.status.code(), finished.stdout.as_str(), finished.stderr.as_str()),
        (Some(6), "words", "err\n")
    );
    let log = pair.log();
    let asked: Vec<_> =
        log.iter().filter(|entry| entry["type"] == "call.started").map(|entry| &entry["method"]).collect();
    assert_eq!(asked, ["process.exec"]);
    forget();
    let late = pair.exec(&["--timeout", "0.3", "--", "sleep", "1000"]);
    assert_eq!(failure(&late).0, 124);
    forget();
    let missing = pair.exec(&["--", "opendesk-test-no-such-program"]);
    assert_eq!(failure(&missing).0, 127);
}
