//! Running other programs from the root of the repository.

use core::fmt;
use std::env;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Why a check does not hold; one line, unless it quotes what a program printed.
#[derive(Debug)]
pub(crate) struct Failure(String);

impl Failure {
    pub(crate) fn new(line: impl Into<String>) -> Self {
        Self(line.into())
    }

    /// For `map_err` after doing something with a file.
    pub(crate) fn at(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |error| Self(format!("{}: {error}", path.display()))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether a check holds, and the line to close its output with, if it has one.
pub(crate) type Outcome = Result<Option<String>, Failure>;

/// The checked-out repository.
#[derive(Debug)]
pub(crate) struct Repo {
    /// Its root.
    pub(crate) root: PathBuf,
    /// Where cargo puts what it builds.
    pub(crate) target: PathBuf,
}

impl Repo {
    /// The repository that this program was built from.
    pub(crate) fn here() -> Self {
        let package = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = package.ancestors().nth(2).unwrap_or(package).to_path_buf();
        let target = root.join(env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| OsString::from("target")));
        Self { root, target }
    }

    /// A program, to be run at the root with nothing to read.
    pub(crate) fn program(&self, name: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(name);
        command.current_dir(&self.root).stdin(Stdio::null());
        command
    }

    /// The cargo that started this program.
    pub(crate) fn cargo(&self) -> Command {
        self.program(env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")))
    }
}

/// The command as one would type it.
pub(crate) fn line(command: &Command) -> String {
    let name = Path::new(command.get_program()).file_name().unwrap_or_else(|| command.get_program());
    let mut line = name.to_string_lossy().into_owned();
    for argument in command.get_args() {
        line.push(' ');
        line.push_str(&argument.to_string_lossy());
    }
    line
}

fn not_started(command: &Command, error: &io::Error) -> Failure {
    Failure::new(format!("`{}` could not be started: {error}", line(command)))
}

/// Runs a command; what it prints goes where this program's output goes.
pub(crate) fn run(command: &mut Command) -> Result<(), Failure> {
    let status = command.status().map_err(|error| not_started(command, &error))?;
    if status.success() { Ok(()) } else { Err(Failure::new(format!("`{}` ended with {status}", line(command)))) }
}

/// How a command ended and what it printed.
#[derive(Debug)]
pub(crate) struct Captured {
    pub(crate) success: bool,
    /// The exit code, unless a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs a command and keeps what it prints, in English and without colours, so that it can be searched.
pub(crate) fn capture(command: &mut Command) -> Result<Captured, Failure> {
    command.env("LC_ALL", "C").env("CARGO_TERM_COLOR", "never");
    let output = command.output().map_err(|error| not_started(command, &error))?;
    Ok(Captured {
        success: output.status.success(),
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

/// Runs a command that must succeed and gives what it printed to its standard output.
pub(crate) fn read(command: &mut Command) -> Result<String, Failure> {
    let captured = capture(command)?;
    if captured.success {
        Ok(captured.stdout)
    } else {
        Err(Failure::new(format!("`{}` failed:\n{}", line(command), captured.stderr.trim_end())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_is_where_the_workspace_is() {
        assert!(Repo::here().root.join("opendesk-core/Cargo.toml").is_file());
    }

    #[test]
    fn a_failure_names_the_command_and_how_it_ended() {
        let repo = Repo::here();
        let failure = run(repo.program("sh").args(["-c", "exit 3"])).unwrap_err().to_string();
        assert!(failure.contains("sh -c exit 3") && failure.contains("status: 3"), "{failure}");
        let failure = run(&mut repo.program("no-such-program-here")).unwrap_err().to_string();
        assert!(failure.contains("no-such-program-here"), "{failure}");
        let captured = capture(repo.program("sh").args(["-c", "echo out; echo err >&2; exit 3"])).unwrap();
        assert_eq!((captured.success, captured.code), (false, Some(3)));
        assert_eq!((captured.stdout.as_str(), captured.stderr.as_str()), ("out\n", "err\n"));
    }
}
