//! What commands leave running when they end by themselves, found again by a variable in its environment.
//!
//! A process keeps it through `setsid` and a double fork. One that takes it out of its environment, or whose environment
//! may not be read because it runs as somebody else, is not found.

use core::sync::atomic::{AtomicBool, Ordering};
use std::ffi::OsString;
use std::sync::Arc;

use super::command::Variable;

/// The variable. No program of opendesk passes on what it has of it itself.
pub(super) const VARIABLE: &str = "OPENDESK_COMMAND";

/// The mark of all commands that are run for one desktop.
#[derive(Debug, Clone)]
pub(crate) struct Mark {
    value: OsString,
    /// Whether it was ever given to a command.
    is_used: Arc<AtomicBool>,
}

impl Mark {
    /// # Errors
    /// One line, when the system gives no random numbers.
    pub(crate) fn new() -> Result<Self, String> {
        Ok(Self { value: crate::token()?.into(), is_used: Arc::default() })
    }

    /// What a command gets in its environment.
    pub(crate) fn variable(&self) -> Variable {
        (VARIABLE.into(), Some(self.value.clone()))
    }

    /// A command is about to be started.
    pub(crate) fn is_given(&self) {
        self.is_used.store(true, Ordering::Release);
    }

    /// Kills all that has the mark. Blocks for some milliseconds.
    pub(crate) fn kill(&self) {
        #[cfg(target_os = "linux")]
        if self.is_used.load(Ordering::Acquire) {
            linux::kill(&self.value);
        }
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::ffi::OsStr;
    use std::fs::File;
    use std::io::Read;
    use std::os::unix::ffi::OsStrExt;
    use std::path::Path;

    use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

    use super::VARIABLE;

    /// What starts another process each time that it is looked for is not looked for without end.
    const ROUNDS: usize = 16;

    /// More than the kernel gives a process by default.
    const ENVIRONMENT: u64 = 4 << 20;

    pub(super) fn kill(value: &OsStr) {
        let wanted = [VARIABLE.as_bytes(), b"=", value.as_bytes()].concat();
        for _ in 0..ROUNDS {
            let Ok(listed) = std::fs::read_dir("/proc") else { return };
            let numbers = listed.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
            if numbers.filter(|number| end(*number, &wanted)).count() == 0 {
                return;
            }
        }
        tracing::warn!("a command starts processes faster than they can be killed");
    }

    /// Kills a process that has the mark. The handle comes first: what is looked at is what is killed.
    fn end(number: i32, wanted: &[u8]) -> bool {
        let Some(handle) = Pid::from_raw(number).and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok()) else {
            return false;
        };
        let mut environment = Vec::new();
        let path = Path::new("/proc").join(number.to_string()).join("environ");
        let read = File::open(path).and_then(|file| file.take(ENVIRONMENT).read_to_end(&mut environment));
        if read.is_err() || !environment.split(|byte| *byte == 0).any(|variable| variable == wanted) {
            return false;
        }
        match pidfd_send_signal(&handle, Signal::KILL) {
            Ok(()) => true,
            Err(error) => {
                tracing::warn!(%error, pid = number, "what a command left running could not be killed");
                false
            }
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn what_has_the_mark_is_killed_and_nothing_else() {
        let (mark, other) = (Mark::new().unwrap(), Mark::new().unwrap());
        let sleep = |mark: &Mark| {
            let (name, value) = mark.variable();
            Command::new("sleep").arg("1000").env(name, value.unwrap()).spawn().unwrap()
        };
        let (mut one, mut another) = (sleep(&mark), sleep(&other));
        // Not asked for by anybody.
        mark.kill();
        assert!(one.try_wait().unwrap().is_none());
        mark.is_given();
        mark.kill();
        assert!(!one.wait().unwrap().success());
        assert!(another.try_wait().unwrap().is_none());
        another.kill().unwrap();
        another.wait().unwrap();
    }
}
