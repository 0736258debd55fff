//! Starting an application so that it lives on its own.

use std::ffi::OsStr;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;

use super::entries::find_program;
use crate::api::{Error, ErrorCode, Result};
use crate::home::printable;
use crate::os::command::{Variable, join_session};

/// What to start and how.
pub(super) struct Launch<'a> {
    /// The program and its arguments.
    pub(super) arguments: &'a [String],
    /// The directory to start it in; without one, the person's own.
    pub(super) folder: Option<&'a Path>,
    pub(super) in_terminal: bool,
    /// How the session's environment differs from ours.
    pub(super) variables: &'a [Variable],
    /// Where programs are looked for.
    pub(super) path: &'a OsStr,
    pub(super) home: &'a OsStr,
}

/// An application that was started.
pub(super) struct Started {
    pub(super) pid: u32,
    end: Receiver<ExitStatus>,
}

impl Started {
    /// How it ended, once it has; asked again it does not say it again.
    pub(super) fn ended(&self) -> Option<ExitStatus> {
        self.end.try_recv().ok()
    }
}

impl Launch<'_> {
    /// Starts it in a session of its own, with no terminal and none of our open files. It is not ended with us; when it
    /// ends, a thread takes note.
    ///
    /// # Errors
    /// `not_found` for a program that is not there, `capability_unsupported` without a terminal for one that needs it,
    /// `internal` for what the system says.
    pub(super) fn start(&self) -> Result<Started> {
        let words = self.words()?;
        // What the program belongs to is no group of ours, and closing our terminal does not reach it.
        let own_session = find_program("setsid", self.path);
        let mut command = match &own_session {
            Some(setsid) => Command::new(setsid),
            None => Command::new(&words[0]),
        };
        match &own_session {
            Some(_) => command.args(&words),
            None => command.args(&words[1..]).process_group(0),
        };
        join_session(&mut command, self.variables);
        let folder = self.folder.unwrap_or_else(|| Path::new(self.home));
        if folder.is_dir() {
            command.current_dir(folder);
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let failed = |error: std::io::Error| {
            Error::internal(format!("{} could not be started: {error}", printable(&self.arguments[0])))
        };
        let mut child = command.spawn().map_err(failed)?;
        let pid = child.id();
        let (tell, end) = mpsc::channel();
        let wait = move || {
            if let Ok(status) = child.wait() {
                // Nobody may want to know any more.
                let _is_told = tell.send(status).is_ok();
            }
        };
        if let Err(error) = thread::Builder::new().name("opendesk-app".to_owned()).spawn(wait) {
            tracing::warn!(%error, pid, "an application stays in the list of processes when it ends");
        }
        Ok(Started { pid, end })
    }

    /// The program and its arguments, in a terminal if it needs one.
    fn words(&self) -> Result<Vec<String>> {
        let [program, ..] = self.arguments else { return Err(Error::invalid("there is no program to start")) };
        if program.starts_with('-') || find_program(program, self.path).is_none() {
            let program = printable(program);
            return Err(Error::new(
                ErrorCode::NotFound,
                format!("the application's program {program:?} is not installed; install it or open another"),
            ));
        }
        let mut words = Vec::new();
        if self.in_terminal {
            let terminal =
                ["x-terminal-emulator", "xterm"].into_iter().find(|name| find_program(name, self.path).is_some());
            let Some(terminal) = terminal else {
                return Err(Error::new(
                    ErrorCode::CapabilityUnsupported,
                    format!("{} runs in a terminal and there is none; install xterm", printable(program)),
                ));
            };
            words.extend([terminal.to_owned(), "-e".to_owned()]);
        }
        words.extend_from_slice(self.arguments);
        Ok(words)
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;
    use std::fs;

    use super::*;

    fn launch<'a>(arguments: &'a [String], home: &'a OsStr, variables: &'a [Variable]) -> Launch<'a> {
        let path = OsStr::new("/usr/local/bin:/usr/bin:/bin");
        Launch { arguments, folder: None, in_terminal: false, variables, path, home }
    }

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn a_program_is_started_in_a_session_of_its_own() {
        let home = tempfile::tempdir().unwrap();
        let script = "cut -d' ' -f1,5,6 /proc/self/stat > got; pwd >> got; echo \"$GIVEN$HOME\" >> got; \
                      readlink /proc/self/fd/0 >> got; cut -d' ' -f1 /proc/$$/stat >> got";
        let arguments = words(&["sh", "-c", script]);
        let variables = [("GIVEN".into(), Some("a value".into())), ("HOME".into(), None)];
        let started = launch(&arguments, home.path().as_os_str(), &variables).start().unwrap();
        let status = started.end.recv_timeout(Duration::from_secs(60)).unwrap();
        assert!(status.success(), "{status}");
        let got = fs::read_to_string(home.path().join("got")).unwrap();
        let lines: Vec<&str> = got.lines().collect();
        let numbers: Vec<u32> = lines[0].split(' ').map(|number| number.parse().unwrap()).collect();
        assert_eq!(numbers[1..], [started.pid, started.pid], "group and session");
        assert_eq!(lines[1], home.path().canonicalize().unwrap().to_str().unwrap());
        assert_eq!(lines[2..], ["a value", "/dev/null", &started.pid.to_string()]);
        assert!(!Path::new(&format!("/proc/{}", started.pid)).exists(), "it was waited for");
    }

    #[test]
    fn a_program_that_is_not_there_is_not_started() {
        for program in ["no-such-program-here", "/no/such/program", "relative/path", "-x"] {
            let arguments = words(&[program]);
            let error = launch(&arguments, OsStr::new("/"), &[]).start().err().unwrap();
            assert_eq!(error.code, ErrorCode::NotFound, "{error}");
        }
        assert!(launch(&[], OsStr::new("/"), &[]).start().is_err());
    }

    #[test]
    fn a_terminal_is_named_when_there_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let arguments = words(&["/bin/sh"]);
        let path = folder.path().as_os_str();
        let launch = Launch { in_terminal: true, path, ..launch(&arguments, OsStr::new("/"), &[]) };
        let error = launch.words().unwrap_err();
        assert_eq!(error.code, ErrorCode::CapabilityUnsupported);
        assert!(error.message.contains("xterm"), "{error}");
    }
}
