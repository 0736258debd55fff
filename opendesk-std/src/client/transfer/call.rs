//! The calls of a copy. All of them may be made twice: what is read is read again, what is written goes to the same
//! place; so one whose link was lost is made again, a few times.

use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;

use super::part::is_same_time;
use super::{Caller, Fault, Step, TransferError, Watch};
use crate::api::{
    DirectoryParams, ErrorCode, FileEntry, FileMoveParams, FileParams, FileReadParams, FileWriteParams, FsDelete,
    FsList, FsMkdir, FsMove, FsRead, FsSetstat, FsStat, FsWrite, Method, SetstatParams,
};

/// How long is waited before each further try of a call whose link was lost under it. The link itself is sought anew all the
/// while, for as long as its owner gives it; a minute after that has been given up, the person is told that the copy can be
/// resumed.
const PAUSES: [Duration; 6] = [
    Duration::from_millis(200),
    Duration::from_secs(1),
    Duration::from_secs(4),
    Duration::from_secs(10),
    Duration::from_secs(20),
    Duration::from_secs(25),
];

pub(super) type Outcome<T, C> = Result<T, TransferError<<C as Caller>::Error>>;

/// The host, as a copy asks it.
pub(super) struct Host<'a, C> {
    caller: &'a C,
    watch: Watch<'a>,
    /// Whether it has answered: one that never did is not waited for.
    has_answered: AtomicBool,
    /// Whether it was said that it cannot set permissions and times.
    is_plain: AtomicBool,
}

impl<'a, C: Caller> Host<'a, C> {
    pub(super) fn new(caller: &'a C, watch: Watch<'a>) -> Self {
        Self { caller, watch, has_answered: AtomicBool::new(false), is_plain: AtomicBool::new(false) }
    }

    /// Makes a call. `doing` is what it is for, such as `read`.
    async fn call<M>(&self, doing: &'static str, path: &str, params: &M::Params) -> Outcome<M::Output, C>
    where
        M: Method<Params: Sync>,
    {
        let mut pauses = PAUSES.iter();
        loop {
            let outcome = self.caller.call::<M>(params).await;
            if !outcome.as_ref().is_err_and(Fault::is_lost) {
                self.has_answered.store(true, Ordering::Relaxed);
            } else if self.has_answered.load(Ordering::Relaxed)
                && let Some(pause) = pauses.next()
            {
                (self.watch)(Step::Waits);
                if self.caller.wait(*pause).await {
                    continue;
                }
            }
            return outcome.map_err(|error| TransferError::Host { doing, path: path.to_owned(), error });
        }
    }

    pub(super) async fn stat(&self, path: &str) -> Outcome<FileEntry, C> {
        self.call::<FsStat>("looked at", path, &FileParams { path: path.to_owned() }).await
    }

    /// What is there; `None` when nothing is.
    pub(super) async fn find(&self, path: &str) -> Outcome<Option<FileEntry>, C> {
        match self.stat(path).await {
            Err(error) if error.is_refusal(ErrorCode::NotFound) => Ok(None),
            found => found.map(Some),
        }
    }

    pub(super) async fn list(&self, path: &str) -> Outcome<Vec<FileEntry>, C> {
        self.call::<FsList>("listed", path, &FileParams { path: path.to_owned() }).await
    }

    /// A part of a file and the size of all of it; without a length all of it.
    pub(super) async fn read(&self, path: &str, offset: u64, length: Option<u64>) -> Outcome<(Vec<u8>, u64), C> {
        let params = FileReadParams { path: path.to_owned(), offset, length };
        let read = self.call::<FsRead>("read", path, &params).await?;
        Ok((read.data, read.size))
    }

    /// Writes a part of a file; without an offset all of it.
    pub(super) async fn write(&self, path: &str, data: Vec<u8>, offset: Option<u64>) -> Outcome<(), C> {
        let params = FileWriteParams { path: path.to_owned(), data, offset };
        self.call::<FsWrite>("written", path, &params).await
    }

    pub(super) async fn make_folder(&self, path: &str) -> Outcome<(), C> {
        let params = DirectoryParams { path: path.to_owned(), parents: false };
        self.call::<FsMkdir>("made", path, &params).await
    }

    pub(super) async fn delete(&self, path: &str) -> Outcome<(), C> {
        self.call::<FsDelete>("deleted", path, &FileParams { path: path.to_owned() }).await
    }

    /// Sets permissions and time. A host that has no such method leaves them as they are; that is told once.
    pub(super) async fn set(&self, path: &str, mode: Option<u32>, mtime: Option<f64>) -> Outcome<(), C> {
        if self.is_plain.load(Ordering::Relaxed) {
            return Ok(());
        }
        let params = SetstatParams { path: path.to_owned(), mode, mtime };
        match self.call::<FsSetstat>("given its permissions and time", path, &params).await {
            Err(error) if error.is_refusal(ErrorCode::CapabilityUnsupported) => {
                if !self.is_plain.swap(true, Ordering::Relaxed) {
                    (self.watch)(Step::Plain);
                }
                Ok(())
            }
            done => done,
        }
    }

    /// Gives a part the name of its destination. Of a move whose link was lost nobody knows whether it was done; then the
    /// part is gone, and what is in its place has its size and time.
    pub(super) async fn rename(&self, part: &str, to: &str, size: u64, mtime: f64) -> Outcome<(), C> {
        let params = FileMoveParams { src: part.to_owned(), dst: to.to_owned() };
        match self.call::<FsMove>("put in its place", to, &params).await {
            Err(error) if error.is_refusal(ErrorCode::NotFound) => match self.find(to).await? {
                Some(there) if there.size == size && is_same_time(there.mtime, Some(mtime)) => Ok(()),
                _ => Err(error),
            },
            done => done,
        }
    }
}
