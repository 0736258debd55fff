//! The folder of a log, and the right to be the one who writes there.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::AuditError;
use crate::home::{Attempt, try_exclusive};
use crate::platform::{self, FileId, OWN_FOLDER};

/// A folder that nobody else writes a log in.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    /// Open, and thereby locked, for as long as the log is.
    _lock: File,
    /// Which file the lock is.
    place: FileId,
}

impl Folder {
    /// Takes a folder, which is made where it is missing, with all above it.
    pub(super) fn take(path: &Path) -> Result<Self, AuditError> {
        platform::folders(OWN_FOLDER)
            .recursive(true)
            .create(path)
            .map_err(|error| AuditError::io("use", path, error))?;
        Self::lock(path)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Takes the folder anew where somebody has removed or replaced it since. What is above it is not made anew: where
    /// the home is gone, so is more than its log.
    pub(super) fn keep(&mut self) -> Result<(), AuditError> {
        if platform::entry(&lock_of(&self.path)).is_ok_and(|(place, _)| place == self.place) {
            return Ok(());
        }
        match platform::folders(OWN_FOLDER).create(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                Err(AuditError::io("make anew", &self.path, error))
            }
            _ => {
                *self = Self::lock(&self.path)?;
                Ok(())
            }
        }
    }

    fn lock(path: &Path) -> Result<Self, AuditError> {
        platform::make_private(path).map_err(|error| AuditError::io("use", path, error))?;
        let lock = lock_of(path);
        let failed = |error| AuditError::io("lock", &lock, error);
        match try_exclusive(&lock).map_err(failed)? {
            Attempt::Held(file) => {
                Ok(Self { path: path.to_owned(), place: platform::id(&file).map_err(failed)?, _lock: file })
            }
            Attempt::Busy(_) => Err(AuditError::Busy { dir: path.to_owned() }),
        }
    }
}

fn lock_of(folder: &Path) -> PathBuf {
    folder.join(".lock")
}
