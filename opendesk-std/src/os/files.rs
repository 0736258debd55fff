//! The files of this machine, as calls use them.

use std::io;
use std::path::{Path, PathBuf};

use super::fault::{failed, shown};
use super::guard::Guard;
use super::{content, entry, path, relocate, tree};
use crate::api::{
    DirectoryParams, FileData, FileEntry, FileMoveParams, FileParams, FileReadParams, FileWriteParams, Result,
    SetstatParams,
};
use crate::cancel::Cancel;

/// Everything that whoever runs the host may do with files, except to one directory: opendesk's own.
///
/// That directory and everything in it can be neither read, listed, looked at, written, moved nor deleted, and what
/// it is reached through can be neither moved nor deleted. Files are compared by device and number at each step of
/// a path, so that symbolic links, hard links, `..` and other mounts of it make no difference. The memory and the
/// environment of processes under `/proc` are refused as well, because ours holds the same keys.
///
/// In a path `~` is the home directory, and what is relative begins at the host's current directory. A byte of a name
/// that is not UTF-8 is the character U+F700 + byte, in what is given as in what is taken.
///
/// All methods block. Their errors are `not_found`; `permission_denied`, by the system or because it is opendesk's
/// own; `invalid_argument` for what makes no sense for what is there; `limit_exceeded`; and `internal` for everything
/// else that the system says. Each is one line that names the path.
#[derive(Debug, Clone)]
pub struct Files {
    protected: PathBuf,
}

impl Files {
    /// The files of this machine without those in `protected`, which is an absolute path. It is looked at anew by
    /// each call: while it does not exist, no call touches any file.
    #[must_use]
    pub const fn new(protected: PathBuf) -> Self {
        Self { protected }
    }

    /// The same where this system lets files be reached without that directory: everywhere but on Windows.
    #[must_use]
    pub const fn offered(protected: PathBuf) -> Option<Self> {
        Some(Self::new(protected))
    }

    /// Reads a file, at most 16 MiB at a time. Past the end there is no data; `size` is that of the whole file, in
    /// bytes.
    ///
    /// # Errors
    /// `limit_exceeded` for more, with the size; `invalid_argument` for what is no regular file.
    pub fn read(&self, params: &FileReadParams) -> Result<FileData> {
        self.at("read", &params.path, &Cancel::new(), |guard, path| {
            content::read(guard, path, params.offset, params.length)
        })
    }

    /// Writes a file, and creates what is missing, directories as well.
    ///
    /// Without an offset the file is replaced, whole or not at all, and keeps its owner and permissions, without set-id
    /// bits, access lists, extended attributes and other hard links to it; a symbolic
    /// link stays and what it points to is replaced. Only where the directory takes no new file, or the owner cannot
    /// be kept, an existing file is written over instead. With an offset the data goes there, the rest stays.
    ///
    /// # Errors
    /// `invalid_argument` for what is no regular file.
    pub fn write(&self, params: &FileWriteParams) -> Result<()> {
        self.at("write", &params.path, &Cancel::new(), |guard, path| {
            content::write(guard, path, &params.data, params.offset)
        })
    }

    /// What stands in a directory, sorted by name, with absolute paths. Symbolic links are described by what they
    /// point to; what cannot be looked at, or is opendesk's own, is left out.
    ///
    /// # Errors
    /// `limit_exceeded` for more than 10,000 entries, `invalid_argument` for what is no directory.
    pub fn list(&self, params: &FileParams) -> Result<Vec<FileEntry>> {
        self.at("list", &params.path, &Cancel::new(), entry::list)
    }

    /// What a path names; a symbolic link is followed.
    ///
    /// # Errors
    /// As of [`Files`].
    pub fn stat(&self, params: &FileParams) -> Result<FileEntry> {
        self.at("look at", &params.path, &Cancel::new(), entry::stat)
    }

    /// Deletes a file, or a directory with everything below it. Symbolic links are deleted and never followed. That
    /// nothing is there is success.
    ///
    /// # Errors
    /// `limit_exceeded` for what nests deeper than 48 directories, `cancelled` once `cancel` says so. What was deleted before an error stays deleted.
    pub fn delete(&self, params: &FileParams, cancel: &Cancel) -> Result<()> {
        self.at("delete", &params.path, cancel, tree::delete)
    }

    /// Gives a file or directory another name; a file that has it is replaced. To another disk it is copied and then
    /// deleted, without owners and extended attributes.
    ///
    /// # Errors
    /// `invalid_argument` for a directory that would replace something or go into itself, `cancelled` once `cancel` says
    /// so while it is copied: then the destination is not there. When the copy is complete and the original cannot be
    /// deleted, the message says so.
    pub fn rename(&self, params: &FileMoveParams, cancel: &Cancel) -> Result<()> {
        let both = format!("{} to {}", shown(&params.src), shown(&params.dst));
        let run = || -> io::Result<()> {
            relocate::rename(&self.guard(cancel)?, &path::local(&params.src)?, &path::local(&params.dst)?)
        };
        run().map_err(|error| failed("move", &both, &error))
    }

    /// Creates a directory, with `parents` those before it as well. That it is there already is success.
    ///
    /// # Errors
    /// `invalid_argument` when something else is there, `not_found` for a missing parent.
    pub fn mkdir(&self, params: &DirectoryParams) -> Result<()> {
        self.at("create", &params.path, &Cancel::new(), |guard, path| tree::mkdir(guard, path, params.parents))
    }

    /// Sets the permissions of a file or directory, and when its content last changed; what is absent stays. A symbolic
    /// link is followed.
    ///
    /// # Errors
    /// `invalid_argument` for more than permissions, such as set-id bits, for a time that no file can have, and for what is
    /// neither a regular file nor a directory.
    pub fn set_stat(&self, params: &SetstatParams) -> Result<()> {
        self.at("set the permissions or the time of", &params.path, &Cancel::new(), |guard, path| {
            content::set_stat(guard, path, params.mode, params.mtime)
        })
    }

    fn at<T>(
        &self,
        doing: &str,
        text: &str,
        cancel: &Cancel,
        run: impl FnOnce(&Guard, &Path) -> io::Result<T>,
    ) -> Result<T> {
        let done = || -> io::Result<T> { run(&self.guard(cancel)?, &path::local(text)?) };
        done().map_err(|error| failed(doing, &shown(text), &error))
    }

    /// The fault is ours, whatever it is, so it does not have the kind of one of the caller's path.
    fn guard(&self, cancel: &Cancel) -> io::Result<Guard> {
        Guard::look(&self.protected, cancel.clone()).map_err(|error| {
            io::Error::other(format!(
                "opendesk cannot look through its own directory {} ({error}), and touches no file until it can",
                shown(&self.protected.display().to_string())
            ))
        })
    }
}

#[cfg(test)]
mod tests;
