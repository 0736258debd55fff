//! Running the programs of service managers.

use std::ffi::OsString;
use std::path::PathBuf;

use super::ServiceError;
use crate::api::{ErrorCode, ExecParams};
use crate::cancel::Cancel;
use crate::home::printable;
use crate::os::command::run_exec;

/// Seconds that a program of a manager may take. Those of systemd wait for the service to start or stop, for which it
/// takes 90 s at most by itself.
const PATIENCE: f64 = 120.0;

/// Longest line of a program that is passed on, in characters.
const MAX_LINE: usize = 300;

/// Runs programs of the `PATH`.
#[derive(Debug)]
pub(super) struct Runner {
    environment: Vec<(String, String)>,
}

/// What a program that was run has said.
#[derive(Debug)]
pub(super) struct Said {
    /// Whether it succeeded.
    pub(super) ok: bool,
    /// What it wrote to its standard output.
    pub(super) text: String,
    /// What went wrong as it says itself, in one line.
    pub(super) complaint: String,
}

impl Runner {
    /// Runs them with our own environment, and in words and times that can be read by a program.
    pub(super) fn here() -> Self {
        let mut environment = vec![("LC_ALL".to_owned(), "C".to_owned()), ("TZ".to_owned(), "UTC".to_owned())];
        environment
            .extend(runtime_dir(std::env::var_os("XDG_RUNTIME_DIR")).map(|path| ("XDG_RUNTIME_DIR".to_owned(), path)));
        Self { environment }
    }

    /// Runs those of a folder.
    #[cfg(test)]
    pub(super) fn of(folder: &std::path::Path) -> Self {
        Self { environment: vec![("PATH".to_owned(), format!("{}:/usr/bin:/bin", folder.display()))] }
    }

    /// Runs a program to its end.
    ///
    /// # Errors
    /// [`ServiceError::Manager`] when it is not there or does not end.
    pub(super) fn ask(&self, argv: &[&str]) -> Result<Said, ServiceError> {
        let program = argv.first().copied().unwrap_or_default();
        let params = ExecParams {
            argv: argv.iter().map(|word| (*word).to_owned()).collect(),
            timeout: Some(PATIENCE),
            env: self.environment.clone(),
            ..ExecParams::default()
        };
        let ended = run_exec(&params, &[], &Cancel::new()).map_err(|error| {
            ServiceError::Manager(match error.code {
                ErrorCode::NotFound => format!("{program} is not on the PATH, so there is nothing to run services by"),
                ErrorCode::Timeout => format!("`{}` did not end within {PATIENCE} s", argv.join(" ")),
                _ => error.message,
            })
        })?;
        let stderr = String::from_utf8_lossy(&ended.stderr);
        let lines: Vec<&str> = stderr.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let complaint = match lines.as_slice() {
            [] => format!("exit code {}", ended.returncode),
            lines => printable(&lines.join(" ")).chars().take(MAX_LINE).collect(),
        };
        let text = String::from_utf8_lossy(&ended.stdout).into_owned();
        Ok(Said { ok: ended.returncode == 0, text, complaint })
    }

    /// The same, and it must succeed.
    pub(super) fn run(&self, argv: &[&str]) -> Result<String, ServiceError> {
        let said = self.ask(argv)?;
        if said.ok {
            return Ok(said.text);
        }
        Err(ServiceError::Manager(format!("`{}` failed: {}", argv.join(" "), said.complaint)))
    }
}

/// Where the manager of our user listens, for shells that were not told: those of `su` and `sudo`.
fn runtime_dir(given: Option<OsString>) -> Option<String> {
    if given.is_some_and(|path| !path.is_empty()) {
        return None;
    }
    let place = PathBuf::from(format!("/run/user/{}", crate::platform::real_user()));
    place.is_dir().then(|| place.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::super::tests::program;
    use super::*;

    #[test]
    fn what_a_program_says_is_told_and_how_it_failed() {
        let folder = tempfile::tempdir().unwrap();
        program(folder.path(), "manager", "echo \"$1\"; echo '  bad' >&2; echo \"no $2\" >&2; exit \"$3\"");
        let runner = Runner::of(folder.path());
        assert_eq!(runner.run(&["manager", "a b", "x", "0"]), Ok("a b\n".to_owned()));
        let error = runner.run(&["manager", "a", "bus", "1"]).unwrap_err();
        assert_eq!(error.to_string(), "`manager a bus 1` failed: bad no bus");
        program(folder.path(), "silent", "exit 3");
        assert_eq!(runner.run(&["silent"]).unwrap_err().to_string(), "`silent` failed: exit code 3");
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let error = Runner::of(folder.path()).run(&["no-such-manager"]).unwrap_err().to_string();
        assert!(error.starts_with("no-such-manager is not on the PATH"), "{error}");
    }

    #[test]
    fn a_runtime_folder_that_is_known_is_left() {
        assert_eq!(runtime_dir(Some("/run/user/5".into())), None);
    }
}
