//! Writing a recording.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use opendesk_core::trace::{Entry, Tape};

use super::{ENTRY_BYTES, MAGIC, RecordingError};
use crate::platform;

/// Writes one entry; `buf` has room for [`ENTRY_BYTES`].
fn append(to: &mut impl Write, buf: &mut [u8], entry: &Entry<'_>) -> io::Result<()> {
    let bytes = postcard::to_slice(entry, buf).map_err(io::Error::other)?;
    let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
    to.write_all(&length.to_le_bytes())?;
    to.write_all(bytes)
}

/// A recording that is being written. When it cannot be written any more it ends there, and the host goes on.
#[derive(Debug)]
pub struct FileTape {
    path: PathBuf,
    /// Absent from the first failure on.
    file: Option<BufWriter<File>>,
    buf: Vec<u8>,
}

impl FileTape {
    /// Begins a recording in a new file that only this user may read.
    ///
    /// # Errors
    /// [`RecordingError::Io`], also when there is such a file: a recording is never written over.
    pub fn create(path: &Path) -> Result<Self, RecordingError> {
        let failed = |error| RecordingError::Io { path: path.to_owned(), error };
        let file = platform::careful(OpenOptions::new().write(true).create_new(true)).open(path).map_err(failed)?;
        let mut file = BufWriter::new(file);
        file.write_all(MAGIC).map_err(failed)?;
        Ok(Self { path: path.to_owned(), file: Some(file), buf: vec![0; ENTRY_BYTES] })
    }

    /// Hands what is buffered to the system.
    pub fn flush(&mut self) {
        let flushed = self.file.as_mut().map_or(Ok(()), BufWriter::flush);
        self.stop_at(flushed);
    }

    /// Whether everything so far could be written.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.file.is_some()
    }

    fn stop_at(&mut self, result: io::Result<()>) {
        if let Err(error) = result {
            tracing::error!(%error, path = %self.path.display(), "the recording ends here");
            self.file = None;
        }
    }
}

impl Tape for FileTape {
    fn write(&mut self, entry: &Entry<'_>) {
        let appended = self.file.as_mut().map_or(Ok(()), |file| append(file, &mut self.buf, entry));
        self.stop_at(appended);
    }
}

/// A recording in memory, as it would be in a file.
#[derive(Debug, Clone)]
pub struct MemoryTape {
    bytes: Vec<u8>,
    buf: Vec<u8>,
}

impl Default for MemoryTape {
    fn default() -> Self {
        Self { bytes: MAGIC.to_vec(), buf: vec![0; ENTRY_BYTES] }
    }
}

impl MemoryTape {
    /// What the file would hold.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl Tape for MemoryTape {
    fn write(&mut self, entry: &Entry<'_>) {
        let appended = append(&mut self.bytes, &mut self.buf, entry);
        debug_assert!(appended.is_ok(), "an entry has at most {ENTRY_BYTES} bytes");
    }
}
