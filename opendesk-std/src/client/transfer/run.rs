//! One copy: where it goes, and one file after the other, the small ones several at a time.

use std::io;
use std::path::{Path, PathBuf};

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;

use super::call::{Host, Outcome};
use super::disk::Disk;
use super::leftover::Leftovers;
use super::walk::Walk;
use super::{CHUNK, Caller, Copied, CopyOptions, FILES, Step, TransferError, Watch};
use crate::api::ErrorCode;

/// As many files of a folder may fail before the copy ends: then it is no matter of single files.
const MOST_FAILED: u64 = 100;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    /// From the host.
    Down,
    /// To the host.
    Up,
}

/// A file that is to be copied.
#[derive(Debug, Clone)]
pub(super) struct Job {
    pub(super) here: PathBuf,
    pub(super) there: String,
    pub(super) size: u64,
    pub(super) mtime: Option<f64>,
    pub(super) mode: Option<u32>,
}

/// What became of a file: bytes that were sent, and bytes that were there.
pub(super) type Moved = (u64, u64);

pub(super) struct Run<'a, C> {
    pub(super) host: Host<'a, C>,
    pub(super) options: &'a CopyOptions,
    pub(super) watch: Watch<'a>,
    pub(super) disk: Disk,
    pub(super) direction: Direction,
    /// What earlier copies have left in the host's folders, as far as that was looked at.
    pub(super) leftovers: Leftovers,
}

impl<'a, C: Caller> Run<'a, C> {
    pub(super) fn start(
        caller: &'a C,
        options: &'a CopyOptions,
        watch: Watch<'a>,
        direction: Direction,
    ) -> Outcome<Self, C> {
        let disk = Disk::start().map_err(|error| TransferError::local("read", Path::new("."), error))?;
        let (host, leftovers) = (Host::new(caller, watch), Leftovers::default());
        Ok(Self { host, options, watch, disk, direction, leftovers })
    }

    /// Does something with a file of this machine.
    pub(super) async fn local<T: Send + 'static>(
        &self,
        doing: &'static str,
        path: &Path,
        work: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> Outcome<T, C> {
        self.disk.run(work).await.map_err(|error| TransferError::local(doing, path, error))
    }

    async fn copy(&self, job: Job) -> Outcome<Moved, C> {
        match self.direction {
            Direction::Down => self.fetch(&job).await,
            Direction::Up => self.send(&job).await,
        }
    }

    /// Copies one file.
    pub(super) async fn one(&self, job: Job) -> Outcome<Copied, C> {
        (self.watch)(Step::Found { bytes: job.size });
        let (bytes, kept) = self.copy(job).await?;
        Ok(Copied { files: 1, bytes, kept, ..Copied::default() })
    }

    /// Copies what a walk comes to.
    pub(super) async fn all(&self, mut walk: Walk) -> Outcome<Copied, C> {
        let mut copied = Copied::default();
        let mut running = FuturesUnordered::new();
        let mut large = None;
        let mut is_over = false;
        loop {
            while !is_over && large.is_none() && running.len() < FILES {
                match walk.next(self, &mut copied).await? {
                    None => is_over = true,
                    // It fills the link by itself, and memory is bounded by its parts.
                    Some(job) if job.size > CHUNK => large = Some(job),
                    Some(job) => running.push(self.copy(job)),
                }
            }
            let outcome = match running.next().await {
                Some(outcome) => outcome,
                None => match large.take() {
                    Some(job) => self.copy(job).await,
                    None => return Ok(copied),
                },
            };
            match outcome {
                Ok((bytes, kept)) => {
                    copied.files += 1;
                    copied.bytes += bytes;
                    copied.kept += kept;
                }
                Err(error) => self.passed_over(error, &mut copied)?,
            }
        }
    }

    /// What keeps one file of many from being read keeps no other from being copied; everything else ends the copy.
    pub(super) fn passed_over(&self, error: TransferError<C::Error>, copied: &mut Copied) -> Outcome<(), C> {
        let is_of_one_file = match (&error, self.direction) {
            (TransferError::Changed { .. }, _) => true,
            (TransferError::Host { doing, .. }, Direction::Down) => {
                matches!(*doing, "read" | "looked at" | "listed")
                    && [
                        ErrorCode::NotFound,
                        ErrorCode::PermissionDenied,
                        ErrorCode::InvalidArgument,
                        ErrorCode::LimitExceeded,
                    ]
                    .into_iter()
                    .any(|code| error.is_refusal(code))
            }
            (TransferError::Local { doing, error, .. }, Direction::Up) => {
                matches!(*doing, "read" | "listed")
                    && matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied)
            }
            _ => false,
        };
        if !is_of_one_file || copied.failed >= MOST_FAILED {
            return Err(error);
        }
        copied.failed += 1;
        (self.watch)(Step::Failed { why: &error.to_string() });
        Ok(())
    }
}
