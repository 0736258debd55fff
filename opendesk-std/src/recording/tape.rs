//! Writing a recording.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use opendesk_core::trace::{Entry, Tape};

use super::{ENTRY_BYTES, MAGIC, RecordingError};

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
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt;
            options.mode(0o600);
        }
        let mut file = BufWriter::new(options.open(path).map_err(failed)?);
        file.write_all(MAGIC).map_err(failed)?;
        Ok(Self { path: path.to_owned(), file: Some(file), buf: vec![0; ENTRY_BYTES] })
    }

    fn append(&mut self, entry: &Entry<'_>) -> io::Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        let bytes = postcard::to_slice(entry, &mut self.buf).map_err(io::Error::other)?;
        let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
        file.write_all(&length.to_le_bytes())?;
        file.write_all(bytes)
    }

    /// Hands what is buffered to the system.
    pub fn flush(&mut self) {
        let flushed = self.file.as_mut().map_or(Ok(()), BufWriter::flush);
        self.stop_at(flushed);
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
        let appended = self.append(entry);
        self.stop_at(appended);
    }
}
