//! A command that runs: until it ends, its time is over or nobody wants it any more.

use core::time::Duration;
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ExitStatus};
use std::thread;
use std::time::Instant;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process_group};

use super::fault::{late, lost};
use super::pipes::Pipes;
use super::{LINGER, TICK};
use crate::api::{CompletedCommand, ErrorCode, Result};
use crate::cancel::Cancel;
use crate::clock::monotonic;

/// Waits for a child that leads its own process group, while `input` goes in and output comes out. With `partial` one
/// whose time is over is no error, and gives what came out until then.
///
/// # Errors
/// `timeout` after `limit` and `cancelled` once the flag is raised, with the whole group killed; `internal` for what
/// the operating system says.
pub(super) fn supervise(
    mut child: Child,
    input: &[u8],
    limit: Option<Duration>,
    partial: bool,
    cancel: &Cancel,
) -> Result<CompletedCommand> {
    let started = monotonic();
    let mut pipes = match Pipes::take(&mut child, input) {
        Ok(pipes) => pipes,
        Err(error) => {
            kill(child);
            return Err(lost(&error));
        }
    };
    let (returncode, timed_out) = match watch(&mut child, &mut pipes, started, limit, cancel) {
        Ok(status) => (code(status), false),
        Err(error) => {
            kill(child);
            if !partial || error.code != ErrorCode::Timeout {
                return Err(error);
            }
            (-Signal::KILL.as_raw(), true)
        }
    };
    linger(&mut pipes);
    let (stdout, stderr) = pipes.finish();
    let duration = started.elapsed().as_secs_f64();
    Ok(CompletedCommand { returncode, stdout, stderr, duration, timed_out })
}

fn watch(
    child: &mut Child,
    pipes: &mut Pipes<'_>,
    started: Instant,
    limit: Option<Duration>,
    cancel: &Cancel,
) -> Result<ExitStatus> {
    let end = end_of(child);
    loop {
        if let Some(status) = child.try_wait().map_err(|error| lost(&error))? {
            return Ok(status);
        }
        cancel.check()?;
        let left = limit.map_or(TICK, |limit| limit.saturating_sub(started.elapsed()));
        if left.is_zero() {
            return Err(late(limit.unwrap_or_default()));
        }
        pipes.turn(left.min(TICK), end.as_ref()).map_err(|error| lost(&error))?;
    }
}

/// Reads what the command wrote before it ended, and lets go of what writes on.
fn linger(pipes: &mut Pipes<'_>) {
    let ended = monotonic();
    pipes.close_input();
    while pipes.is_open() {
        if pipes.turn(TICK, None).is_err() || ended.elapsed() >= LINGER {
            return;
        }
    }
}

/// Becomes readable when the child ends, so that its end is noticed at once and not with the next tick.
#[cfg(target_os = "linux")]
pub(super) fn end_of(child: &Child) -> Option<OwnedFd> {
    rustix::process::pidfd_open(Pid::from_child(child), rustix::process::PidfdFlags::empty()).ok()
}

#[cfg(not(target_os = "linux"))]
pub(super) const fn end_of(_child: &Child) -> Option<OwnedFd> {
    None
}

/// Kills a child that has not been waited for, with its group: its number is nobody else's until then.
fn kill(mut child: Child) {
    match kill_process_group(Pid::from_child(&child), Signal::KILL) {
        Ok(()) | Err(Errno::SRCH) => {}
        Err(error) => tracing::warn!(%error, pid = child.id(), "a command could not be killed"),
    }
    // It ends at once, except where the kernel or the rights of another user keep it. Nobody waits for that here.
    let reaper = thread::Builder::new().name("opendesk-reaper".to_owned()).spawn(move || drop(child.wait()));
    if let Err(error) = reaper {
        tracing::warn!(%error, "a killed command stays in the list of processes");
    }
}

/// The exit code, or the signal that ended it as a negative number.
pub(super) fn code(status: ExitStatus) -> i32 {
    status.code().or_else(|| status.signal().map(i32::saturating_neg)).unwrap_or_default()
}
