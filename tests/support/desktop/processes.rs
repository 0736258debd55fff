//! Ending what the programs of a desktop left behind: their children, and services that a bus started for them.
//!
//! A process belongs to a desktop when it is in the process group of one of its programs, or when its environment holds
//! the desktop's own runtime directory. Both are needed: a browser wipes its environment, and a service that a bus
//! starts has a group of its own.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Instant;

use super::{END, POLL};

/// What all processes of one desktop have in common.
#[derive(Debug)]
pub(super) struct Kin {
    /// The programs that were started, each the leader of a group.
    pub(super) leaders: Vec<u32>,
    /// A variable in the environment of all of them, as `NAME=VALUE`.
    pub(super) mark: Vec<u8>,
}

impl Kin {
    /// The programs and the mark of a desktop whose runtime directory is this.
    pub(super) fn new(leaders: Vec<u32>, run: &Path) -> Self {
        Self { leaders, mark: [b"XDG_RUNTIME_DIR=", run.as_os_str().as_bytes()].concat() }
    }

    /// Asks every process that is left to end and, when it does not, ends it. The leaders have been waited for: a
    /// process that has the number of one of them is a stranger, to whom the number was given anew.
    pub(super) fn end(&self) {
        for signal in ["-TERM", "-KILL"] {
            let start = Instant::now();
            let mut asked = Vec::new();
            loop {
                let left = self.left();
                if left.is_empty() {
                    return;
                }
                // One that was started in between has yet to be asked.
                let new: Vec<u32> = left.into_iter().filter(|process| !asked.contains(process)).collect();
                send(signal, &new);
                asked.extend(new);
                if start.elapsed() >= END {
                    break;
                }
                thread::sleep(POLL);
            }
        }
    }

    /// The processes that still run.
    pub(super) fn left(&self) -> Vec<u32> {
        let Ok(listed) = fs::read_dir("/proc") else { return Vec::new() };
        let ids = listed.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        ids.filter(|process| *process != std::process::id() && self.has(*process)).collect()
    }

    fn has(&self, process: u32) -> bool {
        let folder = Path::new("/proc").join(process.to_string());
        let group = fs::read(folder.join("stat")).ok().and_then(|stat| running_group(&stat));
        let Some(group) = group else { return false };
        // A group is one of ours as long as its number belongs to no process.
        let grouped = self.leaders.contains(&group) && !Path::new("/proc").join(group.to_string()).exists();
        grouped
            || fs::read(folder.join("environ"))
                .is_ok_and(|environment| environment.split(|byte| *byte == 0).any(|entry| entry == self.mark))
    }
}

/// The process group in a line of `/proc/PID/stat`; `None` for a process that has ended and was not waited for.
fn running_group(stat: &[u8]) -> Option<u32> {
    // The name, in parentheses, may hold anything.
    let end = stat.iter().rposition(|byte| *byte == b')')?;
    let mut fields = str::from_utf8(&stat[end + 1..]).ok()?.split_ascii_whitespace();
    let state = fields.next()?;
    let group = fields.nth(1)?.parse().ok()?;
    (!matches!(state, "Z" | "X")).then_some(group)
}

/// Sends a signal; a process that has ended meanwhile is no failure.
fn send(signal: &str, processes: &[u32]) {
    if processes.is_empty() {
        return;
    }
    let ids = processes.iter().map(u32::to_string);
    let script = OsStr::new("signal=$1; shift; for process; do kill \"$signal\" \"$process\"; done");
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(script).args(["sh", signal]).args(ids).stdin(Stdio::null()).stderr(Stdio::null());
    let _sent = shell.status().is_ok();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_group_is_read_whatever_a_process_calls_itself() {
        assert_eq!(running_group(b"12 (a) b) R 1) S 1 77 77 0 -1"), Some(77));
        assert_eq!(running_group(b"12 (done) Z 1 77 77 0 -1"), None);
        for bad in [&b""[..], b"12 (name", b"12 (name) S", b"12 (name) S 1 x"] {
            assert_eq!(running_group(bad), None);
        }
    }
}
