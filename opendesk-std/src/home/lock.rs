//! Who may write here: locks that the operating system drops with the process that held them.

use core::time::Duration;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::Path;

use super::AUDIT;
use super::error::{HomeError, HomeErrorKind, shown};
use super::file::{open_careful, sweep};

/// Sections under [`HomeLock`] take milliseconds, so somebody who waited five seconds waits for a stopped process.
const TRIES: u32 = 500;
const PAUSE: Duration = Duration::from_millis(10);

/// The right to read, change and write back the files of a home. Held for one short section; other processes and
/// other threads wait for it.
#[derive(Debug)]
pub struct HomeLock {
    /// Open for as long as the lock is held.
    _file: File,
}

impl HomeLock {
    /// Waits for the lock, five seconds at most, and sweeps what killed programs left half written. Blocks its thread:
    /// not for an event loop.
    pub(super) fn acquire(home: &Path) -> Result<Self, HomeError> {
        Self::acquire_within(home, TRIES)
    }

    fn acquire_within(home: &Path, tries: u32) -> Result<Self, HomeError> {
        let path = home.join("lock");
        for attempt in 1..=tries {
            match try_exclusive(&path).map_err(|error| HomeError::io("lock", &path, &error))? {
                Attempt::Held(file) => {
                    for folder in ["", AUDIT, "programs"] {
                        sweep(&home.join(folder));
                    }
                    return Ok(Self { _file: file });
                }
                Attempt::Busy(_) if attempt < tries => pause(PAUSE),
                Attempt::Busy(_) => {}
            }
        }
        Err(HomeError::new(
            HomeErrorKind::Busy,
            format!("another opendesk is writing to {}; try again when it is done", shown(home)),
        ))
    }
}

#[expect(clippy::disallowed_methods, reason = "the system has no wait for such a lock that ends after a time")]
pub(super) fn pause(time: Duration) {
    std::thread::sleep(time);
}

/// The right to be the one host of a home, held for as long as the host runs.
#[derive(Debug)]
pub struct ServeLock {
    /// Open for as long as the lock is held.
    _file: File,
}

impl ServeLock {
    /// Takes the lock or says who has it.
    pub(super) fn acquire(home: &Path) -> Result<Self, HomeError> {
        let path = home.join("serve.lock");
        let failed = |error: io::Error| HomeError::io("lock", &path, &error);
        match try_exclusive(&path).map_err(failed)? {
            Attempt::Held(mut file) => {
                // The lock holds without it, also where the disk is full.
                if let Err(error) = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id())) {
                    tracing::debug!(%error, "a second host will not be told who this one is");
                }
                Ok(Self { _file: file })
            }
            Attempt::Busy(file) => Err(HomeError::new(
                HomeErrorKind::Busy,
                format!(
                    "another `opendesk serve`{} already uses {}; stop it or give this one another --home",
                    holder(file),
                    shown(home)
                ),
            )),
        }
    }
}

/// What came of [`try_exclusive`]; either way the open file of the lock.
pub(crate) enum Attempt {
    /// The lock is ours until the file is closed.
    Held(File),
    /// Somebody else has it.
    Busy(File),
}

/// Opens the file at `path`, creating it empty where it is missing, and locks it without waiting.
pub(crate) fn try_exclusive(path: &Path) -> io::Result<Attempt> {
    let file = open_lock(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Attempt::Held(file)),
        Err(TryLockError::WouldBlock) => Ok(Attempt::Busy(file)),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Opens the file of a lock, creating it empty where it is missing.
pub(super) fn open_lock(path: &Path) -> io::Result<File> {
    open_careful(path, OpenOptions::new().read(true).write(true).create(true).truncate(false))
}

/// ` (pid 123)`, or nothing while the holder has not written its number yet.
pub(crate) fn holder(file: File) -> String {
    let mut text = String::new();
    let read = file.take(16).read_to_string(&mut text);
    match (read, text.trim().parse::<u32>()) {
        (Ok(_), Ok(pid)) => format!(" (pid {pid})"),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_held_lock_ends_in_an_error_that_says_so() {
        let home = tempfile::tempdir().unwrap();
        let held = HomeLock::acquire(home.path()).unwrap();
        let error = HomeLock::acquire_within(home.path(), 1).unwrap_err();
        assert_eq!(error.kind(), HomeErrorKind::Busy);
        assert!(error.to_string().starts_with("another opendesk is writing to "), "{error}");
        drop(held);
        HomeLock::acquire_within(home.path(), 1).unwrap();
    }

    #[test]
    fn a_second_host_is_told_who_the_first_is() {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("serve.lock"), "99999999 and more\n").unwrap();
        let held = ServeLock::acquire(home.path()).unwrap();
        let error = ServeLock::acquire(home.path()).unwrap_err();
        assert_eq!(error.kind(), HomeErrorKind::Busy);
        assert!(error.to_string().contains(&format!("(pid {})", std::process::id())), "{error}");
        drop(held);
        ServeLock::acquire(home.path()).unwrap();
    }

    #[test]
    fn a_holder_without_a_number_is_still_a_holder() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("serve.lock");
        let Attempt::Held(held) = try_exclusive(&path).unwrap() else { panic!("nobody else has it") };
        let error = ServeLock::acquire(home.path()).unwrap_err();
        assert!(error.to_string().starts_with("another `opendesk serve` already uses "), "{error}");
        drop(held);
    }
}
