//! Screen lockers that are reached by programs of their own.

use std::ffi::OsStr;
use std::io::{self, Read, Seek};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group};

use super::{PATIENCE, POLL, await_lock};
use crate::api::Effect;
use crate::clock::monotonic;
use crate::desktop::session::bus::Until;
use crate::desktop::session::entries::find_program;
use crate::os::command::{Variable, join_session};

/// Much longer than what a program says.
const MAX_LINE: u64 = 4096;

const XSCREENSAVER: &str = "xscreensaver-command";

/// How a locker is asked to lock, and whether it runs. `xdg-screensaver` passes the request on to what there is, and
/// fails where there is nothing.
const COMMANDS: [(&str, &str, Option<&str>); 3] = [
    (XSCREENSAVER, "-lock", Some("-version")),
    ("light-locker-command", "--lock", Some("--query")),
    ("xdg-screensaver", "lock", None),
];

/// Whether a locker that has a program answers it.
pub(super) fn is_present(path: &OsStr, variables: &[Variable], until: &Until) -> bool {
    COMMANDS.iter().any(|(program, _, question)| {
        let answer = question.and_then(|question| run(path, variables, program, question, until));
        answer.is_some_and(|(status, _)| status.success())
    })
}

/// Locks by the first program that says it did; `None` if none does.
pub(super) fn lock(path: &OsStr, variables: &[Variable], until: &Until) -> Option<Effect> {
    let (program, _, _) = COMMANDS.into_iter().find(|(program, argument, _)| {
        run(path, variables, program, argument, until).is_some_and(|(status, _)| status.success())
    })?;
    let is_locked = || {
        if program != XSCREENSAVER {
            return None;
        }
        let (_, said) = run(path, variables, program, "-time", until)?;
        Some(said.contains("screen locked"))
    };
    Some(await_lock(until, is_locked))
}

/// Runs a program for as long as [`PATIENCE`] and gives how it ended and what it said.
fn run(
    path: &OsStr,
    variables: &[Variable],
    program: &str,
    argument: &str,
    until: &Until,
) -> Option<(ExitStatus, String)> {
    if until.is_over() {
        return None;
    }
    let mut command = Command::new(find_program(program, path)?);
    command.arg(argument);
    join_session(&mut command, variables);
    let outcome = supervise(&mut command, until);
    if let Err(error) = &outcome {
        tracing::debug!(%error, program, "a program that locks the screen did not do so");
    }
    outcome.ok()
}

fn supervise(command: &mut Command, until: &Until) -> io::Result<(ExitStatus, String)> {
    // What it says is a line; in a file nothing that it leaves running can keep us waiting.
    let mut said = tempfile::tempfile()?;
    command.process_group(0).stdin(Stdio::null()).stdout(said.try_clone()?).stderr(Stdio::null());
    let mut child = command.spawn()?;
    let status = match await_end(&mut child, until) {
        Ok(status) => status,
        Err(error) => {
            kill(child);
            return Err(error);
        }
    };
    let mut text = Vec::new();
    said.rewind()?;
    said.take(MAX_LINE).read_to_end(&mut text)?;
    Ok((status, String::from_utf8_lossy(&text).into_owned()))
}

fn await_end(child: &mut Child, until: &Until) -> io::Result<ExitStatus> {
    let begun = monotonic();
    let end: OwnedFd = rustix::process::pidfd_open(Pid::from_child(child), PidfdFlags::empty())?;
    let tick = Timespec::try_from(POLL).unwrap_or_default();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if until.is_cancelled() || begun.elapsed() >= PATIENCE {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "it did not end in time and was killed"));
        }
        match rustix::event::poll(&mut [PollFd::new(&end, PollFlags::IN)], Some(&tick)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Kills a child that has not been waited for, with its group: its number is nobody else's until then.
fn kill(mut child: Child) {
    match kill_process_group(Pid::from_child(&child), Signal::KILL) {
        Ok(()) | Err(Errno::SRCH) => {}
        Err(error) => tracing::warn!(%error, pid = child.id(), "a program that locks the screen could not be killed"),
    }
    // It ends at once, except where the kernel keeps it. Nobody waits for that here.
    let reaper = thread::Builder::new().name("opendesk-reaper".to_owned()).spawn(move || drop(child.wait()));
    if let Err(error) = reaper {
        tracing::warn!(%error, "a killed program stays in the list of processes");
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use super::*;
    use crate::cancel::Cancel;

    fn program(folder: &Path, name: &str, script: &str) {
        let file = folder.join(name);
        fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn until() -> Until {
        Until::within(Duration::from_secs(60), &Cancel::new())
    }

    #[test]
    fn the_first_program_that_succeeds_has_locked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().as_os_str();
        let file = folder.path().join("asked");
        let variables = [("ASKED".into(), Some(file.clone().into_os_string()))];
        assert_eq!(lock(path, &variables, &until()), None);
        assert!(!is_present(path, &variables, &until()));
        program(folder.path(), "xdg-screensaver", "echo \"$1\" > \"$ASKED\"; exit 4");
        assert_eq!(lock(path, &variables, &until()), None);
        assert!(!is_present(path, &variables, &until()), "it only passes requests on");
        assert_eq!(fs::read_to_string(&file).unwrap(), "lock\n");
        program(folder.path(), "light-locker-command", "exit 0");
        assert_eq!(lock(path, &variables, &until()), Some(Effect::Unverifiable));
        assert!(is_present(path, &variables, &until()));
        let said = "[ \"$1\" = -lock ] || echo 'XScreenSaver 6.06: screen locked since Mon'";
        program(folder.path(), "xscreensaver-command", said);
        assert_eq!(lock(path, &variables, &until()), Some(Effect::Confirmed));
    }

    #[test]
    fn a_program_that_does_not_end_is_ended() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().as_os_str();
        let file = folder.path().join("child");
        let variables = [("CHILD".into(), Some(file.clone().into_os_string()))];
        let script = "[ \"$1\" = -version ] && exit 1; sleep 600 & echo $! > \"$CHILD\"; wait";
        program(folder.path(), "xscreensaver-command", script);
        assert_eq!(lock(path, &variables, &until()), None);
        let child = fs::read_to_string(&file).unwrap();
        let child = Pid::from_raw(child.trim().parse().unwrap()).unwrap();
        // The signal is on its way; whether somebody waits for what has ended is open.
        let stat = || fs::read_to_string(format!("/proc/{}/stat", child.as_raw_pid())).unwrap_or_default();
        let is_over = |stat: &str| stat.is_empty() || stat.contains(") Z ") || stat.contains(") X ");
        let begun = monotonic();
        while !is_over(&stat()) {
            assert!(begun.elapsed() < PATIENCE, "{}", stat());
            thread::yield_now();
        }
        let cancel = Cancel::new();
        cancel.cancel();
        fs::remove_file(&file).unwrap();
        assert_eq!(lock(path, &variables, &Until::within(PATIENCE, &cancel)), None);
        assert!(!file.exists(), "nothing is started for nobody");
        assert!(!is_present(path, &[], &until()), "its locker does not run");
    }
}
