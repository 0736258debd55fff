//! Ending a process that owns a window, and never another one.

use core::time::Duration;
use std::fs;
use std::os::fd::OwnedFd;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use super::super::connection::Outcome;
use crate::api::Error;
use crate::clock::monotonic;

/// How long a process may take to end after it was told to.
const PATIENCE: Duration = Duration::from_secs(2);

/// Where `/proc/PID/stat` has the start, counted from what follows the name: its 22nd number.
const START: usize = 19;

/// When a process started, in ticks since the machine did; `None` when that cannot be read.
pub(super) fn started(pid: u32) -> Option<u64> {
    start_in(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// A program's name may have spaces and brackets.
fn start_in(stat: &str) -> Option<u64> {
    stat.rsplit_once(')')?.1.split_ascii_whitespace().nth(START)?.parse().ok()
}

/// Tells a process to end and, if it does not, ends it. `is_owner` tells whether the window is still the process's: it
/// is asked once the process is held, so that a number that was given to another process meanwhile ends nothing.
/// `false` when there is no such process.
pub(super) fn end(pid: u32, is_owner: impl FnOnce() -> Outcome<bool>) -> Outcome<bool> {
    let Some(number) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return Ok(false) };
    let process = match pidfd_open(number, PidfdFlags::empty()) {
        Ok(process) => process,
        Err(Errno::SRCH) => return Ok(false),
        Err(error) => return Err(cannot_end(pid, error).into()),
    };
    if !is_owner()? {
        return Ok(true);
    }
    for signal in [Signal::TERM, Signal::KILL] {
        match pidfd_send_signal(&process, signal) {
            Ok(()) => {}
            Err(Errno::SRCH) => break,
            Err(error) => return Err(cannot_end(pid, error).into()),
        }
        if has_ended(&process, PATIENCE) {
            break;
        }
    }
    Ok(true)
}

fn has_ended(process: &OwnedFd, within: Duration) -> bool {
    let deadline = monotonic() + within;
    loop {
        let left = deadline.saturating_duration_since(monotonic());
        let mut ends = [PollFd::new(process, PollFlags::IN)];
        match poll(&mut ends, Some(&Timespec::try_from(left).unwrap_or_default())) {
            Ok(ended) => return ended > 0,
            Err(Errno::INTR) => {}
            Err(_) => return false,
        }
    }
}

fn cannot_end(pid: u32, error: Errno) -> Error {
    Error::internal(format!("the process {pid}, which the window belongs to, cannot be ended: {error}"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::{Child, Command, Stdio};

    use super::*;

    fn start(script: &str) -> Child {
        Command::new("sh").args(["-c", script]).stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap()
    }

    #[test]
    fn a_process_is_known_by_its_start() {
        let own = started(std::process::id());
        assert!(own.is_some());
        assert_eq!(own, started(std::process::id()));
        assert_eq!(started(u32::MAX), None);
        let numbers: Vec<String> = (4..30).map(|number| number.to_string()).collect();
        assert_eq!(start_in(&format!("7 (a) S 1 (b) R {}", numbers.join(" "))), Some(22));
        assert_eq!(start_in("7 (short) S 1"), None);
        assert_eq!(start_in(""), None);
    }

    #[test]
    fn a_process_is_told_to_end() {
        let mut child = start("exec sleep 600");
        assert!(end(child.id(), || Ok(true)).unwrap());
        assert_eq!(child.wait().unwrap().signal(), Some(Signal::TERM.as_raw()));
    }

    #[test]
    fn a_process_that_does_not_listen_is_ended() {
        let mut child = start("trap '' TERM; echo ready; while :; do sleep 1; done");
        // What it ignores is set up once it has written this.
        let mut first = [0; 1];
        std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut first).unwrap();
        assert!(end(child.id(), || Ok(true)).unwrap());
        assert_eq!(child.wait().unwrap().signal(), Some(Signal::KILL.as_raw()));
    }

    #[test]
    fn a_process_that_owns_nothing_any_more_goes_on() {
        let mut child = start("exec sleep 600");
        assert!(end(child.id(), || Ok(false)).unwrap());
        assert!(child.try_wait().unwrap().is_none(), "it was ended");
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn numbers_that_no_process_has_end_nothing() {
        for pid in [0, i32::MAX.cast_unsigned(), u32::MAX] {
            assert!(!end(pid, || Ok(true)).unwrap(), "{pid}");
        }
    }
}
