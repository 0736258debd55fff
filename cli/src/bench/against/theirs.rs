//! The Python package: its server and its client, in two processes, by the script that this program carries.

use core::time::Duration;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use opendesk_std::home::printable;
use serde_json::Value;

use super::ours::Size;
use super::rows::Row;
use crate::bench::failed;
use crate::bench::process::Process;
use crate::exit::Failure;

const SCRIPT: &str = include_str!("peer.py");

/// The version that this program is measured against.
pub(super) const VERSION: &str = "0.3.0";

/// Importing the package on a busy machine, with nothing compiled yet.
const START: Duration = Duration::from_secs(60);

/// All rows of one round take a few seconds.
const ROUND: Duration = Duration::from_secs(60);

/// An interpreter that has the package, and a folder with its script and homes.
pub(super) struct Python {
    interpreter: PathBuf,
    folder: PathBuf,
}

/// What the package's client measured at one row.
pub(super) struct Theirs {
    pub(super) median_us: f64,
    /// Of the row with pictures.
    pub(super) size: Option<Size>,
}

impl Python {
    /// The interpreter, and the version of the package that it has.
    pub(super) async fn open(interpreter: &Path, folder: &Path) -> Result<(Self, String), Failure> {
        let python = Self { interpreter: interpreter.to_owned(), folder: folder.to_owned() };
        fs::write(python.script(), SCRIPT).map_err(failed)?;
        fs::create_dir(python.home()).map_err(failed)?;
        // The package's way to the X server fails where there is no such file; it may be empty.
        let known = std::env::home_dir().map(|home| home.join(".Xauthority")).and_then(|path| fs::read(path).ok());
        fs::write(python.home().join(".Xauthority"), known.unwrap_or_default()).map_err(failed)?;
        let checked = python.start("check", "package check", &[])?.finish(START).await.map_err(|failure| {
            let name = printable(&interpreter.to_string_lossy());
            Failure::failed(format!(
                "{name} is no Python with the package opendesk: {failure}; install it with {name} -m pip install \
                 'opendesk[remote]=={VERSION}'"
            ))
        })?;
        let version = parsed(&checked)?["version"].as_str().unwrap_or("of no version").to_owned();
        Ok((python, printable(&version)))
    }

    /// Measures the rows, in their order.
    pub(super) async fn measure(
        &self,
        file: &Path,
        rows: &[&'static Row],
        rounds: usize,
    ) -> Result<Vec<Theirs>, Failure> {
        let (host, client) = (self.folder.join("python-host"), self.folder.join("python-client"));
        let (host, client, file) = (host.to_string_lossy(), client.to_string_lossy(), file.to_string_lossy());
        let mut server = self.start("serve", "server", &[&*host, &*client])?;
        let told = parsed(&server.first_line(START).await?)?;
        let (port, key) = (told["port"].to_string(), told["key"].as_str().unwrap_or_default());
        let counts: Vec<String> = rows.iter().map(|row| format!("{}={}", row.name, row.times * rounds)).collect();
        let mut arguments: Vec<&str> = vec![&*client, port.as_str(), key, &*file];
        arguments.extend(counts.iter().map(String::as_str));
        let measuring = self.start("measure", "client", &arguments)?;
        let limit = START + ROUND * u32::try_from(rounds).unwrap_or(u32::MAX);
        let printed = measuring.finish(limit).await?;
        drop(server);
        let lines: Vec<Value> = printed.lines().map(parsed).collect::<Result<_, _>>()?;
        rows.iter().map(|row| of_row(row, &lines)).collect()
    }

    fn script(&self) -> PathBuf {
        self.folder.join("peer.py")
    }

    fn home(&self) -> PathBuf {
        self.folder.join("home")
    }

    fn start(&self, command: &str, what: &'static str, arguments: &[&str]) -> Result<Process, Failure> {
        let mut process = Command::new(&self.interpreter);
        process.arg(self.script()).arg(command).args(arguments);
        process.env("HOME", self.home()).env("PYTHONDONTWRITEBYTECODE", "1");
        // Both programs are to see the same desktop: that of $DISPLAY.
        process.env_remove("WAYLAND_DISPLAY").env_remove("XDG_SESSION_TYPE");
        Process::start(process, &self.folder, what)
    }
}

fn parsed(line: &str) -> Result<Value, Failure> {
    serde_json::from_str(line.trim())
        .map_err(|error| Failure::failed(format!("the Python side said {}: {error}", printable(line))))
}

fn of_row(row: &Row, lines: &[Value]) -> Result<Theirs, Failure> {
    let line = lines.iter().find(|line| line["row"] == row.name);
    let median = line.and_then(|line| line["median_s"].as_f64()).filter(|median| *median > 0.0);
    let (Some(line), Some(median)) = (line, median) else {
        return Err(Failure::failed(format!("the Python client did not measure {}", row.name)));
    };
    let number = |name: &str| line[name].as_u64();
    let size = number("width").zip(number("height")).zip(number("bytes"));
    Ok(Theirs { median_us: median * 1e6, size: size.map(|((width, height), bytes)| (width, height, bytes)) })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::rows::ROWS;
    use super::*;

    #[test]
    fn a_row_that_was_not_measured_is_an_error() {
        let lines = [json!({"row": "connect", "rounds": 20, "median_s": 0.002})];
        assert!((of_row(&ROWS[0], &lines).map(|theirs| theirs.median_us).unwrap_or(0.0) - 2000.0).abs() < 1e-6);
        let failure = of_row(&ROWS[1], &lines).map(|_| ()).unwrap_err().to_string();
        assert_eq!(failure, "the Python client did not measure unary");
    }
}
