//! A Python process: what it prints goes into files, it has a deadline, and it is ended when it is dropped.

use core::time::Duration;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use opendesk_std::home::printable;

use super::{failed, sample};
use crate::exit::Failure;

/// How often a process is looked at. Rarely enough that looking takes nothing from what it measures.
const LOOK: Duration = Duration::from_millis(20);

/// Bytes of a line of an error that are told.
const TOLD: usize = 300;

pub(super) struct Process {
    child: Child,
    /// What it is, for messages.
    what: &'static str,
    out: PathBuf,
    errors: PathBuf,
}

impl Process {
    /// Starts it. Its input stays open as long as it is kept, so that it can tell when nobody needs it any more.
    pub(super) fn start(mut command: Command, folder: &Path, what: &'static str) -> Result<Self, Failure> {
        let out = folder.join(format!("{what}.out"));
        let errors = folder.join(format!("{what}.err"));
        command
            .stdin(Stdio::piped())
            .stdout(File::create(&out).map_err(failed)?)
            .stderr(File::create(&errors).map_err(failed)?);
        let program = command.get_program().to_owned();
        let child = command.spawn().map_err(|error| {
            Failure::failed(format!("{} cannot be started: {error}", printable(&program.to_string_lossy())))
        })?;
        Ok(Self { child, what, out, errors })
    }

    /// All that it prints, once it has ended well.
    pub(super) async fn finish(mut self, limit: Duration) -> Result<String, Failure> {
        self.until(limit, |process| {
            let Some(status) = process.child.try_wait().map_err(failed)? else { return Ok(None) };
            if status.success() { process.printed().map(Some) } else { Err(process.failure(&status.to_string())) }
        })
        .await
    }

    /// The first line that it prints.
    pub(super) async fn first_line(&mut self, limit: Duration) -> Result<String, Failure> {
        self.until(limit, |process| {
            if let Some((line, _)) = process.printed()?.split_once('\n') {
                return Ok(Some(line.to_owned()));
            }
            match process.child.try_wait().map_err(failed)? {
                Some(status) => Err(process.failure(&status.to_string())),
                None => Ok(None),
            }
        })
        .await
    }

    /// How it fails, with the last line of what it says about it.
    fn failure(&self, how: &str) -> Failure {
        let said = self.last_error().unwrap_or_else(|| "it says nothing about it".to_owned());
        Failure::failed(format!("the Python {} failed ({how}): {said}", self.what))
    }

    // These files are small and on this machine, and nothing else is served meanwhile.
    fn printed(&self) -> Result<String, Failure> {
        fs::read_to_string(&self.out).map_err(failed)
    }

    fn last_error(&self) -> Option<String> {
        last_line(&fs::read(&self.errors).ok()?)
    }

    async fn until<T>(
        &mut self,
        limit: Duration,
        mut look: impl FnMut(&mut Self) -> Result<Option<T>, Failure>,
    ) -> Result<T, Failure> {
        let begun = sample::now();
        loop {
            if let Some(found) = look(self)? {
                return Ok(found);
            }
            if begun.elapsed() > limit {
                return Err(self.failure(&format!("not done within {} s", limit.as_secs())));
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // One that has ended already cannot be ended, and that is no loss.
        drop(self.child.kill().and_then(|()| self.child.wait()));
    }
}

/// The last line with anything in it, safe to be shown.
fn last_line(text: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(text);
    let line = text.lines().map(str::trim).rfind(|line| !line.is_empty())?;
    Some(printable(&line.chars().take(TOLD).collect::<String>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_that_says_something_is_told() {
        assert_eq!(last_line(b"Traceback\n  File\nValueError: no\n\n").as_deref(), Some("ValueError: no"));
        assert_eq!(last_line(b"\x1b[31mred\n").as_deref(), Some("\\u{1b}[31mred"));
        assert_eq!(last_line(b" \n"), None);
    }

    #[tokio::test]
    async fn a_process_that_fails_is_told_by_its_last_error() {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "echo first >&2; echo last >&2; exit 3"]);
        let process = Process::start(command, folder.path(), "server").unwrap();
        let failure = process.finish(Duration::from_secs(30)).await.unwrap_err().to_string();
        assert_eq!(failure, "the Python server failed (exit status: 3): last");
    }

    #[tokio::test]
    async fn a_process_that_hangs_is_ended() {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "echo here; exec sleep 600"]);
        let mut process = Process::start(command, folder.path(), "client").unwrap();
        assert_eq!(process.first_line(Duration::from_secs(30)).await.unwrap(), "here");
        let failure = process.finish(Duration::from_millis(1)).await.unwrap_err().to_string();
        assert_eq!(failure, "the Python client failed (not done within 0 s): it says nothing about it");
    }
}
