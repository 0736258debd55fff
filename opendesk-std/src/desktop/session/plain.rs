//! Opening files that others name.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::OFlags;

/// Opens a file for reading, and nothing but a file: a pipe or a device could keep whoever reads it for ever.
pub(super) fn plain(path: &Path) -> io::Result<File> {
    // Opening a pipe waits for somebody who writes.
    let flags = OFlags::NONBLOCK.union(OFlags::NOCTTY).bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no plain file"))
    }
}

/// A pipe that nobody writes to.
#[cfg(test)]
pub(super) fn pipe(path: &Path) {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    let made = mknodat(CWD, path, FileType::Fifo, Mode::from_raw_mode(0o600), 0);
    assert!(made.is_ok(), "{made:?}");
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn only_plain_files_are_opened() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("file"), "text").unwrap();
        pipe(&path("pipe"));
        std::os::unix::fs::symlink("file", path("link")).unwrap();
        std::os::unix::fs::symlink("pipe", path("link-to-pipe")).unwrap();
        assert!(plain(&path("file")).is_ok() && plain(&path("link")).is_ok());
        for other in [path("pipe"), path("link-to-pipe"), path("none"), path("."), "/dev/null".into()] {
            assert!(plain(&other).is_err(), "{}", other.display());
        }
    }
}
