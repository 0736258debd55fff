//! Reading and replacing a file that belongs to another program, its links and its owner respected.

use std::ffi::OsString;
use std::fs::{self, Metadata, OpenOptions};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::client::Scope;
use super::error::ConfigError;
use crate::home::file::{fill, open_careful, read_private, sync_directory, temporary};
use crate::platform::{self, OWN_FILE, OWN_FOLDER, Owner};

/// Far more than a configuration has: Claude Code keeps what was asked in each project in it, some megabytes.
const MAX_BYTES: usize = 64 << 20;

/// What is behind the name of the first backup, which holds the file as it was before opendesk ever changed it.
const FIRST: &str = ".opendesk-backup";

/// What is behind the name of the other one, which holds it as it was before the last change.
const LAST: &str = ".opendesk-backup-last";

/// A configuration as it was read.
#[derive(Debug)]
pub(super) struct Config {
    /// As the client names it.
    path: PathBuf,
    /// The same behind all symbolic links.
    real: PathBuf,
    /// What was in it; `None` where it is missing.
    pub(super) bytes: Option<Vec<u8>>,
    metadata: Option<Metadata>,
    scope: Scope,
}

/// Why nothing was written.
pub(super) enum WriteError {
    /// The file is not any more what was read.
    Changed,
    Config(ConfigError),
}

impl From<ConfigError> for WriteError {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}

impl Config {
    /// Reads the file. A symbolic link is followed, since that is how people keep their settings in one place; one that
    /// comes with a project, and leaves it, is not.
    pub(super) fn read(path: &Path, scope: Scope, project: &Path) -> Result<Self, ConfigError> {
        let failed = |error: io::Error| ConfigError::io("read", path, &error);
        let real = match fs::canonicalize(path) {
            Ok(real) => real,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if fs::symlink_metadata(path).is_ok() {
                    return Err(ConfigError::unfit(path, "is a symbolic link to a file that is not there"));
                }
                let real = real_of_missing(path).map_err(failed)?;
                keep_inside(path, &real, scope, project)?;
                return Ok(Self { path: path.to_owned(), real, bytes: None, metadata: None, scope });
            }
            Err(error) => return Err(failed(error)),
        };
        keep_inside(path, &real, scope, project)?;
        let file = open_careful(&real, OpenOptions::new().read(true)).map_err(|error| match error.kind() {
            io::ErrorKind::InvalidInput => ConfigError::unfit(path, "is not a regular file"),
            _ => failed(error),
        })?;
        let metadata = file.metadata().map_err(failed)?;
        if !Owner::of(&metadata).is_me() && !platform::is_root() {
            return Err(ConfigError::unfit(path, "belongs to another user"));
        }
        let mut bytes = Vec::new();
        file.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
        if bytes.len() > MAX_BYTES {
            return Err(ConfigError::unfit(path, format!("is longer than {MAX_BYTES} bytes")));
        }
        Ok(Self { path: path.to_owned(), real, bytes: Some(bytes), metadata: Some(metadata), scope })
    }

    /// The same behind all symbolic links.
    pub(super) fn real(&self) -> &Path {
        &self.real
    }

    /// What the backups hold, the newer one first.
    pub(super) fn backups(&self) -> Vec<Vec<u8>> {
        let read = |end| read_private(&with_end(&self.path, end), MAX_BYTES).ok().flatten();
        [LAST, FIRST].into_iter().filter_map(read).collect()
    }

    /// Replaces the file, whole or not at all. With `is_kept` what was in it is kept beside it; gives that backup.
    pub(super) fn replace(&self, bytes: &[u8], is_kept: bool) -> Result<Option<PathBuf>, WriteError> {
        self.make_folders()?;
        let backup = if is_kept { self.back_up()? } else { None };
        let staged = self.staged(&self.real, bytes).map_err(|error| ConfigError::io("write", &self.path, &error))?;
        self.persist(staged)?;
        Ok(backup)
    }

    /// The same, when what is written was in it before opendesk came: then the backups are of no more use, and go.
    pub(super) fn restore(&self, bytes: &[u8]) -> Result<(), WriteError> {
        let staged = self.staged(&self.real, bytes).map_err(|error| ConfigError::io("write", &self.path, &error))?;
        self.persist(staged)?;
        // What stays is a copy too many; but where it was changed since, the first is the only one of what there was.
        let first = with_end(&self.path, FIRST);
        let is_first = fs::read(&first).is_ok_and(|kept| kept == bytes);
        drop(fs::remove_file(with_end(&self.path, LAST)));
        if is_first {
            drop(fs::remove_file(first));
        }
        Ok(())
    }

    /// The last look at the file, and the rename.
    fn persist(&self, staged: NamedTempFile) -> Result<(), WriteError> {
        let failed = |error: &io::Error| WriteError::Config(ConfigError::io("write", &self.path, error));
        if self.bytes.is_none() {
            match staged.persist_noclobber(&self.real) {
                Ok(_) => {}
                Err(failure) if failure.error.kind() == io::ErrorKind::AlreadyExists => {
                    return Err(WriteError::Changed);
                }
                Err(failure) => return Err(failed(&failure.error)),
            }
        } else {
            let now = read_private(&self.real, MAX_BYTES).map_err(|error| failed(&error))?;
            if now != self.bytes || fs::canonicalize(&self.path).ok().as_deref() != Some(&self.real) {
                return Err(WriteError::Changed);
            }
            platform::make_replaceable(&self.real).map_err(|error| failed(&error))?;
            staged.persist(&self.real).map_err(|failure| failed(&failure.error))?;
        }
        sync_directory(&self.real).map_err(|error| failed(&error))
    }

    fn back_up(&self) -> Result<Option<PathBuf>, ConfigError> {
        let Some(bytes) = &self.bytes else { return Ok(None) };
        let (first, last) = (with_end(&self.path, FIRST), with_end(&self.path, LAST));
        let failed = |path: &Path, error: &io::Error| ConfigError::io("write", path, error);
        let staged = self.staged(&first, bytes).map_err(|error| failed(&first, &error))?;
        match staged.persist_noclobber(&first) {
            Ok(_) => return Ok(Some(first)),
            Err(failure) if failure.error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(failed(&first, &failure.error));
            }
            Err(_) if read_private(&first, MAX_BYTES).is_ok_and(|kept| kept.as_ref() == Some(bytes)) => {
                return Ok(Some(first));
            }
            Err(failure) => failure.file.persist(&last).map_err(|failure| failed(&last, &failure.error))?,
        };
        Ok(Some(last))
    }

    /// A complete file beside `path`, on disk but under another name, with the owner and the permissions of the old.
    fn staged(&self, path: &Path, bytes: &[u8]) -> io::Result<NamedTempFile> {
        let folder = path.parent().unwrap_or_else(|| Path::new("/"));
        let mode = match self.scope {
            Scope::User => OWN_FILE,
            Scope::Project => 0o666,
        };
        let mut file = temporary(".opendesk-", mode, folder)?;
        let made = file.as_file().metadata()?;
        // Root edits for a user: what it makes is that user's.
        let owner = match &self.metadata {
            Some(old) => Some(Owner::of(old)),
            None if Owner::of(&made).is_root() => fs::metadata(folder).map(|folder| Owner::of(&folder)).ok(),
            None => None,
        };
        if let Some(owner) = owner.filter(|owner| *owner != Owner::of(&made)) {
            owner.take(file.as_file())?;
        }
        if let Some(old) = &self.metadata {
            platform::set_mode(file.as_file(), platform::mode(old).unwrap_or(mode) & 0o777)?;
        }
        fill(&mut file, bytes)?;
        Ok(file)
    }

    /// Makes the folders that are missing above the file.
    fn make_folders(&self) -> Result<(), ConfigError> {
        let missing: Vec<&Path> = self.real.ancestors().skip(1).take_while(|folder| !folder.exists()).collect();
        let mode = match self.scope {
            Scope::User => OWN_FOLDER,
            Scope::Project => 0o777,
        };
        for folder in missing.into_iter().rev() {
            let made = platform::folders(mode).create(folder).and_then(|()| {
                let above = Owner::of(&fs::metadata(folder.parent().unwrap_or(folder))?);
                if platform::is_root() && !above.is_me() {
                    above.take_folder(folder)?;
                }
                Ok(())
            });
            made.map_err(|error| ConfigError::io("create", folder, &error))?;
        }
        Ok(())
    }
}

/// Where a file that is not there yet comes to be: behind the links of the folders that are.
fn real_of_missing(path: &Path) -> io::Result<PathBuf> {
    let there = path.ancestors().skip(1).find(|folder| folder.exists());
    let Some(there) = there else { return Ok(path.to_owned()) };
    let below = path.strip_prefix(there).unwrap_or(path);
    Ok(fs::canonicalize(there)?.join(below))
}

fn keep_inside(path: &Path, real: &Path, scope: Scope, project: &Path) -> Result<(), ConfigError> {
    let is_outside = || fs::canonicalize(project).is_ok_and(|project| !real.starts_with(project));
    if scope == Scope::Project && is_outside() {
        return Err(ConfigError::unfit(path, "leads out of the project by a symbolic link"));
    }
    Ok(())
}

fn with_end(path: &Path, end: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(end);
    PathBuf::from(name)
}
