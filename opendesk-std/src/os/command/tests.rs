use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{CWD, FileType, Mode, OFlags};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use tempfile::TempDir;

use super::super::kept::MAX_OUTPUT;
use super::*;

/// Seconds that background processes would run, and half of it for everything that must not wait for them.
const LONG: f64 = 60.0;

fn shell(command: &str) -> ShellParams {
    ShellParams { command: command.to_owned(), timeout: Some(LONG), ..ShellParams::default() }
}

fn exec(argv: &[&str]) -> ExecParams {
    let argv = argv.iter().map(|word| (*word).to_owned()).collect();
    ExecParams { argv, timeout: Some(LONG), ..ExecParams::default() }
}

fn code<T: core::fmt::Debug>(outcome: Result<T>) -> ErrorCode {
    let error = outcome.unwrap_err();
    assert_eq!(error.message.lines().count(), 1, "{error}");
    error.code
}

/// A pipe with a name; whoever has it open for writing lives.
struct Life {
    root: TempDir,
    reader: File,
}

impl Life {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("pipe");
        rustix::fs::mknodat(CWD, path.as_path(), FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
        let flags = OFlags::NONBLOCK.bits().cast_signed();
        let reader = OpenOptions::new().read(true).custom_flags(flags).open(&path).unwrap();
        Self { root, reader }
    }

    fn path(&self) -> &Path {
        self.root.path()
    }

    /// A shell with a child in the background; both have the pipe, and the child says so.
    fn command(&self) -> ShellParams {
        ShellParams {
            cwd: Some(self.path().to_str().unwrap().to_owned()),
            ..shell("exec 3>pipe; (echo >&3; exec sleep 60) & wait")
        }
    }

    /// Waits until somebody wrote to the pipe or the last writer is gone.
    fn wait(&self) {
        let deadline = Timespec { tv_sec: 30, tv_nsec: 0 };
        let ready = poll(&mut [PollFd::new(&self.reader, PollFlags::IN)], Some(&deadline)).unwrap();
        assert_eq!(ready, 1, "nothing happened for 30 s");
    }

    /// Waits until nobody is left.
    fn wait_for_end(&self) {
        let mut reader = &self.reader;
        loop {
            match reader.read(&mut [0; 16]) {
                Ok(0) => return,
                Ok(_) => {}
                Err(error) => {
                    assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
                    self.wait();
                }
            }
        }
    }
}

#[test]
fn a_command_gives_its_code_and_both_streams() {
    for (command, returncode, stdout, stderr) in [
        ("true", 0, "", ""),
        ("", 0, "", ""),
        ("echo out; echo err >&2; exit 3", 3, "out\n", "err\n"),
        ("cat", 0, "", ""),
        ("kill -9 $$", -9, "", ""),
        ("printf 'a\\0b'", 0, "a\0b", ""),
    ] {
        let done = run_shell(&shell(command), &[], &Cancel::new()).unwrap();
        assert_eq!(done.returncode, returncode, "{command}");
        assert_eq!(
            (done.stdout.as_slice(), done.stderr.as_slice()),
            (stdout.as_bytes(), stderr.as_bytes()),
            "{command}"
        );
        assert!(done.duration >= 0.0);
    }
}

#[test]
fn arguments_need_no_quotes() {
    let done = run_exec(&exec(&["printf", "%s|", "a b", "$HOME", "*", "é"]), &[], &Cancel::new()).unwrap();
    assert_eq!(done.stdout, "a b|$HOME|*|é|".as_bytes());
}

#[test]
fn input_arrives_whole_and_need_not_be_read() {
    let bytes: Vec<u8> = (0..300_000_u32).map(|number| number.to_le_bytes()[0]).collect();
    for (program, expected) in [("cat", bytes.as_slice()), ("true", &bytes[..0])] {
        let params = ExecParams { stdin: Some(bytes.clone()), ..exec(&[program]) };
        let done = run_exec(&params, &[], &Cancel::new()).unwrap();
        assert!(done.stdout == expected, "{program}");
        assert_eq!(done.returncode, 0);
    }
    let empty = ExecParams { stdin: Some(Vec::new()), ..exec(&["cat"]) };
    assert_eq!(run_exec(&empty, &[], &Cancel::new()).unwrap().returncode, 0);
}

#[test]
fn more_output_than_is_kept_is_read_and_counted() {
    let done =
        run_shell(&shell("head -c 3000000 /dev/zero; head -c 3000000 /dev/zero >&2"), &[], &Cancel::new()).unwrap();
    assert_eq!(done.returncode, 0);
    for stream in [done.stdout, done.stderr] {
        let marker = format!("\n[opendesk: {} bytes more were not kept]\n", 3_000_000 - MAX_OUTPUT);
        assert_eq!(stream.len(), MAX_OUTPUT + marker.len());
        assert!(stream.ends_with(marker.as_bytes()));
    }
}

#[test]
fn the_environment_is_added_to_ours() {
    let env = vec![("OWN".to_owned(), "given = x".to_owned()), ("OPENDESK_GIVEN".to_owned(), "y".to_owned())];
    let params = ShellParams { env, ..shell("echo \"$OWN $OPENDESK_GIVEN ${PATH:+path}\"") };
    assert_eq!(run_shell(&params, &[], &Cancel::new()).unwrap().stdout, b"given = x y path\n");
}

#[test]
fn a_session_gives_variables_and_takes_them_away() {
    // Cargo gives every test one of these.
    let taken = ["PATH", "HOME", "CARGO_MANIFEST_DIR"].into_iter().find(|name| std::env::var_os(name).is_some());
    let taken = taken.unwrap_or("PATH");
    let session = [("GIVEN".into(), Some("by the session".into())), (taken.into(), None)];
    let env = vec![("OVER".to_owned(), "call".to_owned())];
    let params = ShellParams { env, ..shell("/usr/bin/env") };
    let done = run_shell(&params, &session, &Cancel::new()).unwrap();
    let text = String::from_utf8(done.stdout).unwrap();
    assert!(text.lines().any(|line| line == "GIVEN=by the session"), "{text}");
    assert!(text.lines().any(|line| line == "OVER=call"), "{text}");
    assert!(!text.lines().any(|line| line.starts_with(&format!("{taken}="))), "{text}");
}

#[test]
fn our_own_variables_are_told_apart() {
    for (name, expected) in
        [("OPENDESK_HOME", true), ("OPENDESK_", true), ("OPENDESK", false), ("MY_OPENDESK_X", false)]
    {
        assert_eq!(is_ours(OsStr::new(name)), expected, "{name}");
    }
}

#[test]
fn a_command_runs_where_it_is_told_to() {
    let root = tempfile::tempdir().unwrap();
    let params = ShellParams { cwd: Some(root.path().to_str().unwrap().to_owned()), ..shell("pwd -P") };
    let done = run_shell(&params, &[], &Cancel::new()).unwrap();
    let expected = format!("{}\n", root.path().canonicalize().unwrap().to_str().unwrap());
    assert_eq!(done.stdout, expected.as_bytes());
}

#[test]
fn what_cannot_run_says_why() {
    let cancel = Cancel::new();
    let variable = |name: &str, value: &str| vec![(name.to_owned(), value.to_owned())];
    let file = tempfile::NamedTempFile::new().unwrap();
    let file = file.path().to_str().unwrap().to_owned();
    let missing = exec(&["opendesk-test-no-such-program"]);
    let said = run_exec(&missing, &[], &cancel).unwrap_err().message;
    assert!(said.starts_with("cannot run opendesk-test-no-such-program: "), "{said}");
    assert!(said.ends_with("; install it on that machine, or use another program"), "{said}");
    for (params, expected) in [
        (missing, ErrorCode::NotFound),
        (exec(&[]), ErrorCode::InvalidArgument),
        (exec(&[""]), ErrorCode::InvalidArgument),
        (exec(&["echo", "a\0b"]), ErrorCode::InvalidArgument),
        (exec(&[&file]), ErrorCode::PermissionDenied),
        (ExecParams { env: variable("", "x"), ..exec(&["true"]) }, ErrorCode::InvalidArgument),
        (ExecParams { env: variable("A=B", "x"), ..exec(&["true"]) }, ErrorCode::InvalidArgument),
        (ExecParams { env: variable("A", "x\0"), ..exec(&["true"]) }, ErrorCode::InvalidArgument),
        (ExecParams { cwd: Some("/no/such/place".to_owned()), ..exec(&["true"]) }, ErrorCode::NotFound),
        (ExecParams { cwd: Some(file.clone()), ..exec(&["true"]) }, ErrorCode::InvalidArgument),
        (ExecParams { cwd: Some("a\0b".to_owned()), ..exec(&["true"]) }, ErrorCode::InvalidArgument),
        (ExecParams { timeout: Some(-1.0), ..exec(&["true"]) }, ErrorCode::InvalidArgument),
        (ExecParams { timeout: Some(f64::NAN), ..exec(&["true"]) }, ErrorCode::InvalidArgument),
        (ExecParams { timeout: Some(0.0), ..exec(&["true"]) }, ErrorCode::Timeout),
    ] {
        let name = format!("{:?} {:?} {:?} {:?}", params.argv, params.env, params.cwd, params.timeout);
        assert_eq!(code(run_exec(&params, &[], &cancel)), expected, "{name}");
    }
}

#[test]
fn any_long_timeout_is_kept() {
    for timeout in [None, Some(1e9), Some(f64::MAX), Some(f64::INFINITY)] {
        let params = ShellParams { timeout, ..shell("echo done") };
        assert_eq!(run_shell(&params, &[], &Cancel::new()).unwrap().stdout, b"done\n");
    }
}

#[test]
fn a_timeout_kills_the_whole_group() {
    let life = Life::new();
    let params = ShellParams { timeout: Some(1.0), ..life.command() };
    assert_eq!(code(run_shell(&params, &[], &Cancel::new())), ErrorCode::Timeout);
    life.wait_for_end();
}

#[test]
fn what_was_written_until_the_time_was_over_is_told_to_whoever_asks_for_it() {
    let life = Life::new();
    let mut params = life.command();
    params.command = format!("echo first; echo second >&2; {}", params.command);
    let params = ShellParams { timeout: Some(1.0), partial: true, ..params };
    let ended = run_shell(&params, &[], &Cancel::new()).unwrap();
    assert!(ended.timed_out && ended.returncode == -9 && ended.duration >= 1.0, "{ended:?}");
    assert_eq!((&*ended.stdout, &*ended.stderr), (&b"first\n"[..], &b"second\n"[..]));
    life.wait_for_end();
    // Nobody waits for what its owner has called off.
    let cancelled = Cancel::new();
    cancelled.cancel();
    assert_eq!(code(run_shell(&params, &[], &cancelled)), ErrorCode::Cancelled);
    let done = run_shell(&ShellParams { partial: true, ..shell("echo done") }, &[], &Cancel::new()).unwrap();
    assert_eq!((done.timed_out, done.returncode), (false, 0));
}

#[test]
fn a_cancelled_command_is_killed_with_its_group() {
    let life = Life::new();
    let session = Cancel::new();
    let call = session.child();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            life.wait();
            session.cancel();
        });
        assert_eq!(code(run_shell(&ShellParams { timeout: None, ..life.command() }, &[], &call)), ErrorCode::Cancelled);
    });
    life.wait_for_end();
}

#[test]
fn a_cancelled_call_starts_nothing() {
    let root = tempfile::tempdir().unwrap();
    let cancel = Cancel::new();
    cancel.cancel();
    let params = ShellParams { cwd: Some(root.path().to_str().unwrap().to_owned()), ..shell("echo >made") };
    assert_eq!(code(run_shell(&params, &[], &cancel)), ErrorCode::Cancelled);
    assert!(!root.path().join("made").exists());
}

#[test]
fn what_stays_in_the_background_is_not_waited_for_and_lives() {
    let done = run_shell(&shell("sleep 60 & echo $!"), &[], &Cancel::new()).unwrap();
    let pid: i32 = core::str::from_utf8(&done.stdout).unwrap().trim().parse().unwrap();
    let pid = Pid::from_raw(pid).unwrap();
    test_kill_process(pid).unwrap();
    kill_process(pid, Signal::KILL).unwrap();
    assert_eq!(done.returncode, 0);
    assert!(done.duration < LONG / 2.0, "{} s", done.duration);
}

#[test]
fn what_writes_in_the_background_for_ever_is_not_waited_for() {
    let done = run_shell(&shell("yes & echo $! >&2"), &[], &Cancel::new()).unwrap();
    assert_eq!(done.returncode, 0);
    assert!(done.duration < LONG / 2.0, "{} s", done.duration);
    assert!(!done.stderr.is_empty());
}
