//! Recordings of a host in files: everything that was done to the protocol's machine and what it gave for it.
//!
//! The file begins with the 16 bytes [`MAGIC`]. Each [`Entry`](opendesk_core::trace::Entry) follows as its length in four
//! bytes (little-endian) and its bytes in postcard. docs/TRACE.md describes it.

mod reader;
mod redact;
mod replay;
mod tape;
mod trial;
mod walk;

use core::fmt;
use std::fs::File;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

use opendesk_core::limits;
use opendesk_core::trace::WrongStart;

pub use redact::{Redacted, redact, redact_bytes};
pub use replay::{Difference, Replayed, replay, replay_from};
pub use tape::{FileTape, MemoryTape};
pub use trial::{Judged, Trial, trial};

/// The first bytes of a recording.
pub const MAGIC: &[u8; 16] = b"opendesk trace\r\n";

/// Links of the host that is recorded.
const LINKS: usize = crate::host::LINKS;

/// The longest entry: the largest message, of version 1, and what says that it is one.
const ENTRY_BYTES: usize = limits::BODY_BYTES + 4096;

/// Why a recording cannot be made or used.
#[derive(Debug)]
pub enum RecordingError {
    /// The file cannot be written or read.
    Io {
        /// The file.
        path: PathBuf,
        /// The system's word.
        error: io::Error,
    },
    /// It is no recording, or is damaged from this entry on.
    Damaged {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        entry: u64,
    },
    /// This program's host gives something else than was recorded, so that nothing can be said of it.
    Differs {
        /// The file.
        path: PathBuf,
        /// The input, counted from 1.
        input: u64,
    },
    /// It is one that this program cannot replay.
    Foreign {
        /// The file.
        path: PathBuf,
        /// Why.
        why: WrongStart,
    },
}

impl fmt::Display for RecordingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { path, error } => write!(f, "{}: {error}", path.display()),
            Self::Damaged { path, entry: 0 } => {
                write!(f, "{} is no recording of opendesk; `opendesk serve --record` makes them", path.display())
            }
            Self::Damaged { path, entry } => write!(f, "{} is damaged at entry {entry}", path.display()),
            Self::Differs { path, input } => write!(
                f,
                "input {input} of {} has another output here than recorded; use the program that recorded it",
                path.display()
            ),
            Self::Foreign { path, why } => write!(f, "{} cannot be replayed: {why}", path.display()),
        }
    }
}

impl core::error::Error for RecordingError {}

fn open(path: &Path) -> Result<BufReader<File>, RecordingError> {
    let file = File::open(path).map_err(|error| RecordingError::Io { path: path.to_owned(), error })?;
    Ok(BufReader::new(file))
}
