//! From the host to this machine.

use std::fs;
use std::path::{Path, PathBuf};

use futures_util::StreamExt as _;
use futures_util::future::{Either, join, ready};
use futures_util::stream::FuturesOrdered;
use opendesk_core::limits;

use super::call::Outcome;
use super::error::on_host;
use super::part::{Part, Source};
use super::run::{Job, Moved, Run};
use super::walk::Walk;
use super::{CHUNK, Caller, Copied, DEPTH, Step, TransferError, names};
use crate::api::{ErrorCode, FileEntry};
use crate::home::printable;

/// Most that one answer carries, so most of a file that a host without parts can give.
pub(super) const WHOLE: u64 = limits::BODY_BYTES as u64 - 1024;

const NO_PARTS: &str =
    "is larger than 16 MiB, and a host of version 1 has no parts of files; use another program for it";

impl<C: Caller> Run<'_, C> {
    /// Copies what is at `from` on the host to `to`.
    pub(super) async fn download(&self, from: &str, to: &Path) -> Outcome<Copied, C> {
        let from = names::trimmed(from);
        let source = self.host.stat(from).await?;
        if source.is_dir && !self.options.recursive {
            return Err(TransferError::unfit_host(from, "is a folder; -r copies it with all that it contains"));
        }
        let is_folder = is_written_as_folder(to);
        let path = to.to_owned();
        let there = self.local("looked at", to, move || found(&path)).await?;
        let name = names::last(from).and_then(names::heard);
        let to = match (there, name) {
            (Some(true), Some(name)) => to.join(name),
            (None, _) if !source.is_dir && is_folder => {
                return Err(TransferError::unfit_local(to, "is no folder"));
            }
            (Some(false), _) if source.is_dir || is_folder => {
                return Err(TransferError::unfit_local(to, "is a file, and a folder is to go there"));
            }
            // What has no name of its own is copied as what it contains.
            _ => to.to_owned(),
        };
        if source.is_dir {
            return self.all(Walk::down(from.to_owned(), to, source.mode)).await;
        }
        let path = to.clone();
        let looked_at = move || Ok(fs::symlink_metadata(path).ok().map(|there| there.file_type()));
        match self.local("looked at", &to, looked_at).await? {
            Some(there) if there.is_dir() => {
                return Err(TransferError::unfit_local(&to, "is a folder, and a file is to go there"));
            }
            Some(there) if !there.is_file() && !there.is_symlink() => {
                return Err(TransferError::unfit_local(&to, NO_FILE));
            }
            _ => {}
        }
        if is_special(source.mode) {
            return Err(TransferError::unfit_host(from, "is neither a file nor a folder"));
        }
        let FileEntry { size, mtime, mode, .. } = source;
        self.one(Job { here: to, there: from.to_owned(), size, mtime, mode }).await
    }

    /// Copies one file of the host.
    pub(super) async fn fetch(&self, job: &Job) -> Outcome<Moved, C> {
        let source =
            Source { between: self.options.between.clone(), path: job.there.clone(), size: job.size, mtime: job.mtime };
        let (path, resumes, is_noted) = (job.here.clone(), !self.options.anew, job.size > CHUNK);
        let opened = move || Part::open(&path, &source, resumes, is_noted);
        let part = self.local("written", &job.here, opened).await?;
        let kept = part.kept();
        (self.watch)(Step::Begins { path: &printable(&job.there), kept });
        let bytes = match self.fill(job, &part).await {
            Ok(bytes) => bytes,
            Err(error) => {
                let is_worthless = matches!(error, TransferError::Changed { .. }) || job.size <= CHUNK;
                let left = move || if is_worthless { part.discard() } else { part.leave() };
                // Why it failed is what has to be said.
                drop(self.local("deleted", &job.here, left).await);
                return Err(error);
            }
        };
        let (mtime, mode) = (job.mtime, job.mode);
        self.local("written", &job.here, move || part.finish(mtime, mode)).await?;
        Ok((bytes, kept))
    }

    /// Has a part grow to the size of its source, and gives how many bytes came for that.
    async fn fill(&self, job: &Job, part: &Part) -> Outcome<u64, C> {
        if job.size == 0 {
            return self.fill_whole(job, part).await;
        }
        let mut offsets = (part.kept()..job.size).step_by(CHUNK as usize);
        let mut window = FuturesOrdered::new();
        // What was read last is written while the next one arrives.
        let mut writing = Either::Left(ready(Ok(())));
        let mut bytes = 0;
        loop {
            while window.len() < DEPTH
                && let Some(offset) = offsets.next()
            {
                window.push_back(self.chunk(job, offset));
            }
            let (written, chunk) = join(writing, window.next()).await;
            written?;
            let (data, offset) = match chunk {
                None => break,
                Some(Err(error))
                    if error.is_refusal(ErrorCode::CapabilityUnsupported) && part.kept() == 0 && bytes == 0 =>
                {
                    drop(window);
                    return self.fill_whole(job, part).await;
                }
                Some(chunk) => chunk?,
            };
            let length = data.len() as u64;
            bytes += length;
            (self.watch)(Step::Copied { bytes: length });
            writing = Either::Right(self.local("written", &job.here, part.write(data, offset)));
        }
        // One answer is of one moment; of several it has to be asked.
        if bytes > CHUNK || part.kept() > 0 {
            let now = self.host.stat(&job.there).await?;
            if now.size != job.size || now.mtime != job.mtime {
                return Err(changed(job));
            }
        }
        Ok(bytes)
    }

    async fn chunk(&self, job: &Job, offset: u64) -> Outcome<(Vec<u8>, u64), C> {
        let length = CHUNK.min(job.size - offset);
        let (data, size) = self.host.read(&job.there, offset, Some(length)).await?;
        if size != job.size || data.len() as u64 != length {
            return Err(changed(job));
        }
        Ok((data, offset))
    }

    /// The file in one answer: of a host that has no parts of files, and of one that says that there is nothing, because files of
    /// the kernel hold more than they say.
    async fn fill_whole(&self, job: &Job, part: &Part) -> Outcome<u64, C> {
        if job.size > WHOLE {
            return Err(TransferError::unfit_host(&job.there, NO_PARTS));
        }
        let (data, _) = self.host.read(&job.there, 0, None).await?;
        let bytes = data.len() as u64;
        if job.size != 0 && bytes != job.size {
            return Err(changed(job));
        }
        (self.watch)(Step::Copied { bytes });
        self.local("written", &job.here, part.write(data, 0)).await?;
        Ok(bytes)
    }
}

fn changed<E>(job: &Job) -> TransferError<E> {
    TransferError::Changed { path: on_host(&job.there) }
}

/// Whether there is a folder at a path, or something else; `None` for nothing. A symbolic link to a folder is one.
fn found(path: &Path) -> std::io::Result<Option<bool>> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(Some(metadata.is_dir())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether a path can only be one of a folder.
pub(super) fn is_written_as_folder(path: &Path) -> bool {
    let text = path.as_os_str().as_encoded_bytes();
    text.ends_with(b"/") || text.ends_with(b"/.") || text == b"."
}

/// Why what takes the place of what it finds does not go to a device or a pipe.
pub(super) const NO_FILE: &str = "is no file, and would be one afterwards; copy into a file and read that";

/// Whether what is no folder is no regular file either but a device, pipe or socket, where the host tells what it is.
pub(super) fn is_special(mode: Option<u32>) -> bool {
    /// The kind in Unix's `st_mode`, and that of a regular file.
    const KIND: u32 = 0o170_000;
    const REGULAR: u32 = 0o100_000;
    mode.is_some_and(|mode| mode & KIND != 0 && mode & KIND != REGULAR)
}

/// Where something of a folder of the host goes: a name that is none leads nowhere.
pub(super) fn below(folder: &Path, name: &str) -> Option<PathBuf> {
    names::heard(name).map(|name| folder.join(name))
}
