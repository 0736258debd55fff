use core::time::Duration;
use std::sync::mpsc;

use super::*;
use crate::api::{CommandId, ErrorCode};

/// For what comes soon.
const PATIENCE: Duration = Duration::from_secs(30);

struct Test {
    live: Option<Live>,
    gone: mpsc::Receiver<Option<CommandEnd>>,
}

fn shell(script: &str) -> StartParams {
    let argv = ["/bin/sh", "-c", script].map(str::to_owned).to_vec();
    StartParams { argv, stdin: true, ..StartParams::default() }
}

impl Test {
    fn start(params: StartParams) -> Self {
        let (begun, started) = mpsc::channel();
        let (over, gone) = mpsc::channel();
        let live = Live::start(
            params,
            &[],
            Cancel::new(),
            Box::new(move |result| begun.send(result).unwrap()),
            // The test may have ended first.
            Box::new(move |end| over.send(end).unwrap_or_default()),
        );
        started.recv_timeout(PATIENCE).unwrap().unwrap();
        Self { live: Some(live.unwrap()), gone }
    }

    fn live(&self) -> &Live {
        self.live.as_ref().unwrap()
    }

    fn read(&self) -> CommandOutput {
        let (reply, output) = mpsc::channel();
        self.live().read(Box::new(move |given| reply.send(given).unwrap()));
        output.recv_timeout(PATIENCE).unwrap()
    }

    /// All that it writes, and how it ends.
    fn read_to_end(&self) -> (Vec<u8>, Vec<u8>, CommandEnd) {
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        loop {
            let part = self.read();
            assert!(part.stdout.len() <= KEPT && part.stderr.len() <= KEPT);
            stdout.extend(part.stdout);
            stderr.extend(part.stderr);
            if let Some(end) = part.ended {
                return (stdout, stderr, end);
            }
        }
    }

    /// Gives it something, and whoever is told that it was taken.
    fn give(&self, data: &[u8], eof: bool, cancel: &Cancel) -> mpsc::Receiver<Result<InputTaken>> {
        let (reply, taken) = mpsc::channel();
        let input = CommandInput { id: CommandId(0), data: data.to_vec(), eof };
        self.live().write(input, cancel.clone(), Box::new(move |given| reply.send(given).unwrap_or_default()));
        taken
    }

    fn write(&self, data: &[u8], eof: bool) -> bool {
        self.give(data, eof, &Cancel::new()).recv_timeout(PATIENCE).unwrap().unwrap().open
    }

    fn signal(&self, signal: CommandSignal) -> Effect {
        let (reply, told) = mpsc::channel();
        self.live().signal(signal, Box::new(move |given| reply.send(given).unwrap()));
        told.recv_timeout(PATIENCE).unwrap().unwrap()
    }

    fn end(&self) -> Option<CommandEnd> {
        self.gone.recv_timeout(PATIENCE).unwrap()
    }
}

#[test]
fn output_comes_while_the_command_runs_and_its_end_comes_last() {
    let test = Test::start(shell("echo one; read line; echo \"$line\" >&2; exit 3"));
    assert_eq!(test.read(), CommandOutput { stdout: b"one\n".to_vec(), ..CommandOutput::default() });
    assert!(test.write(b"two\n", false));
    let (stdout, stderr, end) = test.read_to_end();
    assert_eq!((stdout.as_slice(), stderr.as_slice()), (&b""[..], &b"two\n"[..]));
    assert_eq!((end.returncode, end.timed_out), (3, false));
    assert_eq!(test.end(), Some(end));
}

#[test]
fn a_slow_reader_holds_the_command_up_and_gets_every_byte() {
    let test = Test::start(shell("head -c 5000000 /dev/zero; echo done >&2; exec 2>&-; sleep 0.01; printf x"));
    // What is not taken stays with the command: it cannot have come to its second line.
    assert!(test.read().stderr.is_empty());
    let (stdout, stderr, end) = test.read_to_end();
    assert!(stdout.len() <= 5_000_001 && stdout.ends_with(b"x"), "{}", stdout.len());
    assert_eq!((stderr.as_slice(), end.returncode), (&b"done\n"[..], 0));
}

#[test]
fn nothing_is_lost_when_it_ends_before_it_is_read() {
    // More than is kept, all of it in the pipe or with us when the command ends.
    let length = KEPT + 60_000;
    let test = Test::start(shell(&format!("head -c {length} /dev/zero; head -c {length} /dev/zero >&2; exit 0")));
    let (stdout, stderr, end) = test.read_to_end();
    assert_eq!((stdout.len(), stderr.len(), end.returncode), (length, length, 0));
}

#[test]
fn input_goes_in_while_output_comes_out() {
    let test = Test::start(StartParams { argv: vec!["cat".into()], stdin: true, ..StartParams::default() });
    let data: Vec<u8> = (0..3_000_000_u32).map(|number| number.to_le_bytes()[1]).collect();
    let mut waiting: Vec<_> = data.chunks(500_000).map(|part| test.give(part, false, &Cancel::new())).collect();
    waiting.push(test.give(b"", true, &Cancel::new()));
    let (stdout, _, end) = test.read_to_end();
    assert!(stdout == data, "{} of {} bytes", stdout.len(), data.len());
    assert_eq!(end.returncode, 0);
    let open: Vec<bool> = waiting.iter().map(|taken| taken.recv_timeout(PATIENCE).unwrap().unwrap().open).collect();
    assert_eq!(open, [true, true, true, true, true, true, false]);
}

#[test]
fn input_that_nobody_reads_any_more_is_told_to_be_over() {
    let test = Test::start(shell("exec <&-; echo closed; sleep 600"));
    assert_eq!(test.read().stdout, b"closed\n");
    assert!(!test.write(&vec![0; 1 << 20], false));
    assert!(!test.write(b"more", false));
}

#[test]
fn input_that_is_not_wanted_any_more_is_let_go() {
    let test = Test::start(shell("exec sleep 600"));
    let cancel = Cancel::new();
    let taken = test.give(&vec![0; 1 << 20], false, &cancel);
    assert!(taken.recv_timeout(Duration::from_millis(50)).is_err(), "nobody reads it");
    cancel.cancel();
    assert_eq!(taken.recv_timeout(PATIENCE).unwrap().unwrap_err().code, ErrorCode::Cancelled);
}

fn are_interrupts_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    ignored.is_some_and(|mask| mask & (1 << (Signal::INT.as_raw() - 1)) != 0)
}

#[test]
fn a_signal_reaches_the_whole_group() {
    for (signal, expected) in
        [(CommandSignal::Interrupt, -2), (CommandSignal::Terminate, -15), (CommandSignal::Kill, -9)]
    {
        // What was started with interrupts ignored, as in the background of a script, hands that on.
        if signal == CommandSignal::Interrupt && are_interrupts_ignored() {
            continue;
        }
        let test = Test::start(shell("sleep 600 & echo $!; exec sleep 600"));
        let child: i32 = String::from_utf8(test.read().stdout).unwrap().trim().parse().unwrap();
        assert_eq!(test.signal(signal), Effect::Unverifiable);
        let (_, _, end) = test.read_to_end();
        assert_eq!(end.returncode, expected);
        // A shell has its children in the background ignore an interrupt.
        if signal != CommandSignal::Interrupt {
            wait_for_end(child);
        } else {
            kill_process_group(Pid::from_raw(child).unwrap(), Signal::KILL).unwrap_or_default();
            rustix::process::kill_process(Pid::from_raw(child).unwrap(), Signal::KILL).unwrap();
        }
    }
}

#[test]
fn what_is_told_after_the_end_is_no_error() {
    let test = Test::start(shell("exit 0"));
    // The end was seen, and is waiting to be read.
    while test.signal(CommandSignal::Terminate) != Effect::NoEffect {
        thread::yield_now();
    }
    assert!(!test.write(b"x", false));
    let (_, _, end) = test.read_to_end();
    assert_eq!(test.end(), Some(end));
    assert_eq!(test.signal(CommandSignal::Kill), Effect::NoEffect);
    assert!(!test.write(b"x", false));
}

#[test]
fn a_timeout_kills_the_group_and_what_was_written_is_read() {
    let params = StartParams { timeout: Some(0.3), ..shell("echo $$; sleep 600 & exec sleep 600") };
    let test = Test::start(params);
    let (stdout, _, end) = test.read_to_end();
    assert!(stdout.ends_with(b"\n"), "{stdout:?}");
    assert_eq!((end.returncode, end.timed_out), (-9, true));
}

#[test]
fn a_command_that_nobody_wants_is_killed_with_its_group() {
    for script in
        ["sleep 600 & echo $!; exec sleep 600", "sleep 600 & echo $!; trap '' TERM INT; head -c 9000000 /dev/zero"]
    {
        let mut test = Test::start(shell(script));
        let part = test.read().stdout;
        let line = part.split(|byte| *byte == b'\n').next().unwrap();
        let child: i32 = core::str::from_utf8(line).unwrap().parse().unwrap();
        drop(test.live.take());
        assert_eq!(test.end().map(|end| end.returncode), Some(-9), "{script}");
        wait_for_end(child);
    }
}

#[test]
fn what_stays_in_the_background_holds_nobody_up() {
    let test = Test::start(shell("yes & echo $! >&2; exit 4"));
    let (_, stderr, end) = test.read_to_end();
    assert_eq!(end.returncode, 4);
    // It is told that nobody reads.
    wait_for_end(String::from_utf8(stderr).unwrap().lines().next().unwrap().parse().unwrap());
}

#[test]
fn what_cannot_be_started_says_why() {
    let (begun, started) = mpsc::channel();
    let (over, gone) = mpsc::channel();
    let params = StartParams { argv: vec!["opendesk-test-no-such-program".into()], ..StartParams::default() };
    let _live = Live::start(
        params,
        &[],
        Cancel::new(),
        Box::new(move |result| begun.send(result).unwrap()),
        Box::new(move |end| over.send(end).unwrap()),
    )
    .unwrap();
    let error = started.recv_timeout(PATIENCE).unwrap().unwrap_err();
    assert_eq!(error.code, ErrorCode::NotFound);
    assert!(error.message.contains("opendesk-test-no-such-program"), "{error}");
    assert_eq!(gone.recv_timeout(PATIENCE).unwrap(), None);
}

/// Waits until a process that is nobody's child here has ended.
fn wait_for_end(pid: i32) {
    let deadline = monotonic() + PATIENCE;
    let pid = Pid::from_raw(pid).unwrap();
    while rustix::process::test_kill_process(pid).is_ok() && !is_zombie(pid) {
        assert!(monotonic() < deadline, "{pid:?} runs still");
        thread::yield_now();
    }
}

fn is_zombie(pid: Pid) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()));
    stat.map_or(true, |stat| stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('Z')))
}
