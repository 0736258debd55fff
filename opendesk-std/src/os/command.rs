//! Running a command and collecting what it says.
//!
//! A command leads a process group of its own and is given nothing of ours: of our open files only its three streams,
//! and of our environment no variable that begins with `OPENDESK_`, because those can hold secrets; it gets one by which it
//! is known. Standard input is what the call gives, else empty.
//!
//! When its time is over or its call is cancelled, the whole group is killed; a process that left the group, as
//! `setsid` does, is not found that way. When the command ends by itself, what it left running in the background stays,
//! and is not waited for: its output is read for 200 ms at most. A stop of the owner's ends that too: it is known by a
//! variable of its environment.

use core::time::Duration;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use super::fault::{failed, shown};
use super::{marked, path, running};
#[cfg(unix)]
use crate::api::StartParams;
use crate::api::{CompletedCommand, Error, ErrorCode, ExecParams, Result, ShellParams};
use crate::cancel::Cancel;
use crate::platform;

/// A variable of an environment; one without a value is to be taken away.
pub type Variable = (OsString, Option<OsString>);

/// Runs a line of `/bin/sh` and waits for it; it has no standard input.
///
/// Of each stream 1 MiB is kept, and a line at the end says how much more there was. `timeout` is in seconds; without
/// one only `cancel` ends a command that does not. With `partial` one whose time is over gives what it had written.
/// `session` is how the desktop's environment differs from ours. The result has the exit code, or the number of the
/// signal that ended the command as a negative one.
///
/// # Errors
/// As [`run_exec`].
pub fn run_shell(params: &ShellParams, session: &[Variable], cancel: &Cancel) -> Result<CompletedCommand> {
    let start = Start {
        argv: &["/bin/sh", "-c", &params.command],
        cwd: params.cwd.as_deref(),
        session,
        env: &params.env,
        stdin: None,
        timeout: params.timeout,
    };
    start.run(params.partial, cancel)
}

/// Runs a program with arguments, without a shell, and waits for it, as [`run_shell`] does. A program without a `/` is
/// looked for on the `PATH`.
///
/// # Errors
/// `not_found` for a program or directory that does not exist; `timeout` and `cancelled` with the process group
/// killed, and with nothing started for a timeout of 0; `invalid_argument` for no program, NUL characters, a
/// negative timeout or an impossible name of a variable; `permission_denied` for what may not be run; `internal` for
/// what else the system says.
pub fn run_exec(params: &ExecParams, session: &[Variable], cancel: &Cancel) -> Result<CompletedCommand> {
    let argv: Vec<&str> = params.argv.iter().map(String::as_str).collect();
    let start = Start {
        argv: &argv,
        cwd: params.cwd.as_deref(),
        session,
        env: &params.env,
        stdin: params.stdin.as_deref(),
        timeout: params.timeout,
    };
    start.run(params.partial, cancel)
}

/// Starts a program as [`run_exec`] does, and gives it with the time that it may take.
///
/// # Errors
/// As [`run_exec`] before anything has run.
#[cfg(unix)]
pub(super) fn start(params: &StartParams, session: &[Variable]) -> Result<(Child, Option<Duration>)> {
    let argv: Vec<&str> = params.argv.iter().map(String::as_str).collect();
    let start = Start {
        argv: &argv,
        cwd: params.cwd.as_deref(),
        session,
        env: &params.env,
        stdin: params.stdin.then_some(&[]),
        timeout: params.timeout,
    };
    start.spawn()
}

struct Start<'a> {
    argv: &'a [&'a str],
    cwd: Option<&'a str>,
    session: &'a [Variable],
    env: &'a [(String, String)],
    stdin: Option<&'a [u8]>,
    timeout: Option<f64>,
}

impl Start<'_> {
    fn run(&self, partial: bool, cancel: &Cancel) -> Result<CompletedCommand> {
        cancel.check()?;
        let (child, limit) = self.spawn()?;
        running::supervise(child, self.stdin.unwrap_or_default(), limit, partial, cancel)
    }

    fn spawn(&self) -> Result<(Child, Option<Duration>)> {
        let mut command = self.command()?;
        let limit = limit(self.timeout)?;
        if limit == Some(Duration::ZERO) {
            return Err(Error::new(ErrorCode::Timeout, "a timeout of 0 seconds leaves the command no time"));
        }
        let program = shown(self.argv.first().unwrap_or(&""));
        let child = command.spawn().map_err(|error| {
            let failed = failed("run", &program, &error);
            if error.kind() != io::ErrorKind::NotFound {
                return failed;
            }
            Error::new(failed.code, format!("{}; install it on that machine, or use another program", failed.message))
        })?;
        Ok((child, limit))
    }

    fn command(&self) -> Result<Command> {
        let Some((program, arguments)) = self.argv.split_first().filter(|(program, _)| !program.is_empty()) else {
            return Err(Error::invalid("there is no program to run"));
        };
        if self.argv.iter().any(|word| word.contains('\0')) {
            return Err(Error::invalid("a command cannot hold a NUL character"));
        }
        let mut command = Command::new(program);
        command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.stdin(if self.stdin.is_some() { Stdio::piped() } else { Stdio::null() });
        platform::lead_group(&mut command);
        join_session(&mut command, self.session);
        for (name, value) in self.env {
            if name.is_empty() || name.contains(['=', '\0']) || value.contains('\0') {
                let name = shown(name);
                return Err(Error::invalid(format!("the environment cannot hold {name:?} with the given value")));
            }
            command.env(name, value);
        }
        // Whoever calls does not say otherwise.
        command.envs(self.session.iter().filter(|(name, _)| name == marked::VARIABLE).filter_map(set));
        if let Some(cwd) = self.cwd {
            command.current_dir(directory(cwd)?);
        }
        Ok(command)
    }
}

fn set((name, value): &Variable) -> Option<(&OsStr, &OsStr)> {
    Some((name, value.as_deref()?))
}

/// Asked first, because a program that is not there fails in the same way.
fn directory(cwd: &str) -> Result<PathBuf> {
    let find = || -> io::Result<PathBuf> {
        let path = path::local(cwd)?;
        if std::fs::metadata(&path)?.is_dir() { Ok(path) } else { Err(io::ErrorKind::NotADirectory.into()) }
    };
    find().map_err(|error| failed("run a command in", &shown(cwd), &error))
}

fn limit(timeout: Option<f64>) -> Result<Option<Duration>> {
    let Some(seconds) = timeout else { return Ok(None) };
    if seconds.is_nan() || seconds < 0.0 {
        return Err(Error::invalid(format!("a timeout of {seconds} seconds cannot be kept; give 0 or more")));
    }
    // What no clock can count to is no limit.
    Ok(Duration::try_from_secs_f64(seconds).ok())
}

/// Gives what is started the environment of a session: ours, without what is opendesk's own, and with what `session`
/// gives and takes away.
pub(crate) fn join_session(command: &mut Command, session: &[Variable]) {
    for (name, _) in std::env::vars_os().filter(|(name, _)| is_ours(name)) {
        command.env_remove(name);
    }
    for (name, value) in session {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
}

fn is_ours(variable: &OsStr) -> bool {
    variable.as_encoded_bytes().starts_with(b"OPENDESK_")
}

#[cfg(test)]
mod tests;
