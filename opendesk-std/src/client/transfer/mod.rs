//! Files copied from a host and to it: in parts of which several are on their way, resumed where an earlier copy broke
//! off, and put in place whole or not at all.
//!
//! What is copied grows in a *part*, a file beside the destination, and takes the destination's name once it is
//! complete. A part that is left behind is gone on with by the next copy of the same source to the same place.

mod call;
mod disk;
mod download;
mod error;
mod leftover;
mod names;
mod part;
mod run;
mod upload;
mod walk;

use core::future::Future;
use core::time::Duration;
use std::path::{Path, PathBuf};

pub use self::error::TransferError;
pub use self::names::host_path;
use self::run::{Direction, Run};
use super::{Client, ClientError, Remote};
use crate::api::{Error, ErrorCode, Method};

/// Bytes of one part of a file. Large enough that what a call costs besides its bytes disappears, small enough that
/// [`DEPTH`] of them fit many times into what a host takes at once (32 MiB).
const CHUNK: u64 = 1 << 20;

/// Parts of one file that are on their way. Reading, sealing, sending, opening and writing each have one at hand.
const DEPTH: usize = 8;

/// Files of at most one [`CHUNK`] that are copied at the same time: their round trips, not their bytes, take the time.
const FILES: usize = 8;

/// How long a call may take: as long as the owner of a host may think about it, and as all parts under way may need on a slow
/// link. That the host is there at all is asked more often.
pub const PATIENCE: Duration = Duration::from_secs(600);

/// Makes the calls of a copy.
pub trait Caller: Sync {
    /// How a call fails.
    type Error: Fault;

    /// Calls a method of the host, within [`PATIENCE`].
    fn call<M>(&self, params: &M::Params) -> impl Future<Output = Result<M::Output, Self::Error>> + Send
    where
        M: Method<Params: Sync>;

    /// Waits before what failed for the link is asked for again. `false`, at once, where no other link will come.
    fn wait(&self, time: Duration) -> impl Future<Output = bool> + Send;
}

/// What a copy has to know of a failed call.
pub trait Fault: core::error::Error + Send + 'static {
    /// Whether the host did not answer for want of a link, so that asking again may help. What was asked for may have been
    /// done.
    fn is_lost(&self) -> bool;

    /// What the host said against it, if it did.
    fn refusal(&self) -> Option<&Error>;
}

impl Fault for ClientError {
    fn is_lost(&self) -> bool {
        use opendesk_core::Reason;
        match self {
            Self::Closed(reason) => matches!(*reason, Reason::LOST | Reason::SILENT | Reason::SHUTDOWN),
            Self::Unreachable { .. } | Self::Timeout { .. } | Self::Unknown { .. } => true,
            // A host stops what it carries out when its session is lost, and says so in the next one.
            Self::Call(error) => matches!(error.code, ErrorCode::Busy | ErrorCode::Cancelled),
            _ => false,
        }
    }

    fn refusal(&self) -> Option<&Error> {
        if let Self::Call(error) = self { Some(error) } else { None }
    }
}

/// One session: with its link the copy ends, and can be resumed.
impl Caller for Client {
    type Error = ClientError;

    async fn call<M>(&self, params: &M::Params) -> Result<M::Output, ClientError>
    where
        M: Method<Params: Sync>,
    {
        self.call_within::<M>(params, PATIENCE).await
    }

    async fn wait(&self, _time: Duration) -> bool {
        false
    }
}

/// A machine that is kept connected: what is lost with a link is asked for in the next one.
impl Caller for Remote {
    type Error = ClientError;

    async fn call<M>(&self, params: &M::Params) -> Result<M::Output, ClientError>
    where
        M: Method<Params: Sync>,
    {
        self.call_within::<M>(params, PATIENCE).await
    }

    async fn wait(&self, _time: Duration) -> bool {
        // The call itself waits for the link.
        true
    }
}

/// How to copy.
#[derive(Debug, Clone, Default)]
pub struct CopyOptions {
    /// Whether a folder is copied, with all that it contains.
    pub recursive: bool,
    /// Whether what an earlier copy has left is copied again: parts, and in a folder files of the same size and time.
    pub anew: bool,
    /// Names the two machines, such as by their keys, so that no copy goes on with a part that came from another one.
    pub between: String,
    /// The folder in which an upload keeps a file locked that stands for its part on the host, so that no other program writes
    /// to that part too: the same for all programs that copy between the two machines. It is made where it is missing. Without it whoever copies sees to that.
    pub locks: Option<PathBuf>,
}

/// What a copy does, told while it does it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step<'a> {
    /// A file is to be copied. In a folder more are found while others are copied.
    Found {
        /// Its bytes.
        bytes: u64,
    },
    /// A file begins.
    Begins {
        /// Its source, fit for a terminal.
        path: &'a str,
        /// As many bytes of it are at the destination already.
        kept: u64,
    },
    /// So many bytes more are at the destination.
    Copied {
        /// Their number.
        bytes: u64,
    },
    /// Something is not copied, because it is nothing that is copied.
    Skipped {
        /// Its source, fit for a terminal.
        path: &'a str,
        /// What it is.
        why: &'a str,
    },
    /// A file could not be copied, and the others are.
    Failed {
        /// Why, in one line that names it.
        why: &'a str,
    },
    /// The link was lost, and a call is made again.
    Waits,
    /// The host cannot set permissions and times, so what it was given has its own.
    Plain,
}

/// Hears of each [`Step`].
pub type Watch<'a> = &'a (dyn Fn(Step<'_>) + Sync);

/// What was copied.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Copied {
    /// Files that are complete at the destination.
    pub files: u64,
    /// Bytes that were sent.
    pub bytes: u64,
    /// Bytes that were there from an earlier copy.
    pub kept: u64,
    /// What was left out, such as symbolic links in a folder.
    pub skipped: u64,
    /// Files that could not be read; [`Step::Failed`] told of each.
    pub failed: u64,
}

/// Copies a file of the host, or with `recursive` a folder, to this machine. A path of the host is as in calls; a
/// destination that is a folder is copied into.
///
/// A file keeps its time and its permissions, without set-id bits. What is in a folder is written nowhere but below the
/// destination, whatever the host calls it; symbolic links in it are neither followed nor made, but where a host of version 1
/// does not tell of them. A symbolic link at the destination of a file is replaced.
///
/// # Errors
/// [`TransferError`]. What was copied stays, and a copy that is made again goes on from there.
pub async fn download<C: Caller>(
    caller: &C,
    from: &str,
    to: &Path,
    options: &CopyOptions,
    watch: Watch<'_>,
) -> Result<Copied, TransferError<C::Error>> {
    Run::start(caller, options, watch, Direction::Down)?.download(from, to).await
}

/// Copies a file of this machine, or with `recursive` a folder, to the host. All is as in [`download()`].
///
/// # Errors
/// As [`download()`].
pub async fn upload<C: Caller>(
    caller: &C,
    from: &Path,
    to: &str,
    options: &CopyOptions,
    watch: Watch<'_>,
) -> Result<Copied, TransferError<C::Error>> {
    Run::start(caller, options, watch, Direction::Up)?.upload(from, to).await
}

#[cfg(test)]
mod tests;
