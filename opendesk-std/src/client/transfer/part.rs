//! A file of this machine that is not complete yet.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};

use super::names::part_here;
use crate::clock;
use crate::home::file::{open_careful, read_private};
use crate::home::{Attempt, try_exclusive};
use crate::platform::{self, OWN_FOLDER};

/// Far more than a note has.
const MOST_NOTE: usize = 64 << 10;

/// What a file of a host without a word about permissions may be used for: what a new file usually may.
const USUAL: u32 = 0o644;

/// Permissions without set-id bits: what came from elsewhere is no program with the rights of its owner here.
const PERMISSIONS: u32 = 0o777;

/// What a part grows from, as it is noted beside it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Source {
    /// The two machines.
    pub(super) between: String,
    /// The path on the host.
    pub(super) path: String,
    /// Its bytes.
    pub(super) size: u64,
    /// When it was last changed.
    pub(super) mtime: Option<f64>,
}

/// A part, which nobody else writes while it is held.
#[derive(Debug)]
pub(super) struct Part {
    file: Arc<File>,
    path: PathBuf,
    note: PathBuf,
    destination: PathBuf,
    kept: u64,
}

impl Part {
    /// Opens the part of a destination. What is in it is kept where it came from this source, and `resumes` says so. It is
    /// noted where from it comes if it is worth to be gone on with.
    pub(super) fn open(destination: &Path, source: &Source, resumes: bool, is_noted: bool) -> io::Result<Self> {
        let (path, note) = part_here(destination);
        let file = lock(&path)?;
        let size = file.metadata()?.len();
        let known = read_private(&note, MOST_NOTE).ok().flatten();
        let known: Option<Source> = known.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        // Without a time nothing tells the source from what was written there since.
        let is_same = source.mtime.is_some() && known.as_ref() == Some(source) && size <= source.size;
        let kept = if resumes && is_noted && is_same { size } else { 0 };
        if kept == 0 {
            // In this order: at no moment the note is of something else than the part.
            remove(&note)?;
            file.set_len(0)?;
            if is_noted {
                let mut noted = open_careful(&note, OpenOptions::new().write(true).create_new(true))?;
                noted.write_all(&serde_json::to_vec(source)?)?;
            }
        }
        Ok(Self { file: Arc::new(file), path, note, destination: destination.to_owned(), kept })
    }

    /// As many bytes are in it already.
    pub(super) const fn kept(&self) -> u64 {
        self.kept
    }

    /// Writes more of it.
    pub(super) fn write(&self, data: Vec<u8>, offset: u64) -> impl FnOnce() -> io::Result<()> + Send + 'static {
        let file = Arc::clone(&self.file);
        move || platform::write_all_at(&file, &data, offset)
    }

    /// Gives it the destination's name, with the time and the permissions of its source.
    pub(super) fn finish(self, mtime: Option<f64>, mode: Option<u32>) -> io::Result<()> {
        if let Some(mtime) = mtime.and_then(clock::time_of) {
            self.file.set_modified(mtime)?;
        }
        platform::set_mode(&self.file, mode.unwrap_or(USUAL) & PERMISSIONS)?;
        platform::make_replaceable(&self.destination)?;
        fs::rename(&self.path, &self.destination)?;
        remove(&self.note)
    }

    /// Leaves it for the next copy, if there is anything in it.
    pub(super) fn leave(self) -> io::Result<()> {
        if self.file.metadata()?.len() == 0 { self.discard() } else { Ok(()) }
    }

    /// Removes it.
    pub(super) fn discard(self) -> io::Result<()> {
        remove(&self.note)?;
        remove(&self.path)
    }
}

/// The right to write to a part on a host, which has no locks: no other program of this machine that asks for it has it too.
#[derive(Debug)]
pub(super) struct Turn {
    path: PathBuf,
    /// Open for as long as the lock is held.
    _file: File,
}

impl Turn {
    /// Takes it, by a file in this folder.
    ///
    /// # Errors
    /// `ResourceBusy` while somebody else has it.
    pub(super) fn take(folder: &Path, identity: &str) -> io::Result<Self> {
        platform::folders(OWN_FOLDER).recursive(true).create(folder)?;
        let path = folder.join(identity);
        let file = lock(&path)?;
        Ok(Self { path, _file: file })
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        // Before the lock is let go, so that nobody loses a file that has just been locked.
        if let Err(error) = remove(&self.path) {
            tracing::debug!(%error, path = %self.path.display(), "the lock of a copy stays");
        }
    }
}

/// Opens and locks. Between the two another copy may have given it its destination's name, which must not be written to.
fn lock(path: &Path) -> io::Result<File> {
    loop {
        let Attempt::Held(file) = try_exclusive(path)? else {
            return Err(io::Error::new(io::ErrorKind::ResourceBusy, "another copy to the same place is under way"));
        };
        match platform::entry(path) {
            Ok((named, _)) if named == platform::id(&file)? => return Ok(file),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// When the content of a file was last changed, in seconds since 1970.
pub(super) fn changed_at(metadata: &fs::Metadata) -> f64 {
    let since = metadata.modified().map(|modified| modified.duration_since(UNIX_EPOCH));
    since.map_or(0.0, |since| since.map_or_else(|before| -before.duration().as_secs_f64(), |since| since.as_secs_f64()))
}

/// Whether two times are one: a file system may keep less of it than was set.
pub(super) fn is_same_time(one: Option<f64>, other: Option<f64>) -> bool {
    matches!((one, other), (Some(one), Some(other)) if (one - other).abs() < 2e-6)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt as _, symlink};

    use super::*;

    fn source(size: u64) -> Source {
        Source { between: "a b".into(), path: "/x".into(), size, mtime: Some(1.25) }
    }

    fn begun(destination: &Path, bytes: &[u8]) {
        let part = Part::open(destination, &source(100), true, true).unwrap();
        part.write(bytes.to_vec(), 0)().unwrap();
    }

    #[test]
    fn a_part_is_gone_on_with_only_for_the_source_that_it_came_from() {
        let folder = tempfile::tempdir().unwrap();
        let destination = folder.path().join("d");
        begun(&destination, b"half");
        let kept = |source: &Source, resumes| Part::open(&destination, source, resumes, true).unwrap().kept();
        assert_eq!(kept(&source(100), true), 4);
        for (other, resumes) in [
            (source(101), true),
            (Source { mtime: Some(1.5), ..source(100) }, true),
            (Source { mtime: None, ..source(100) }, true),
            (Source { path: "/y".into(), ..source(100) }, true),
            (Source { between: "a c".into(), ..source(100) }, true),
            (source(100), false),
        ] {
            begun(&destination, b"half");
            assert_eq!(kept(&other, resumes), 0, "{other:?} {resumes}");
        }
        begun(&destination, b"half");
        fs::write(part_here(&destination).1, b"{").unwrap();
        assert_eq!(kept(&source(100), true), 0, "a note that cannot be read is none");
    }

    #[test]
    fn a_complete_part_takes_the_destinations_name_and_leaves_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let destination = folder.path().join("d");
        fs::write(&destination, b"before").unwrap();
        let part = Part::open(&destination, &source(3), true, true).unwrap();
        part.write(b"new".to_vec(), 0)().unwrap();
        assert_eq!(fs::read(&destination).unwrap(), b"before");
        part.finish(Some(1.25), Some(0o106_751)).unwrap();
        let metadata = fs::metadata(&destination).unwrap();
        assert_eq!(fs::read(&destination).unwrap(), b"new");
        assert_eq!((metadata.mode() & 0o7777, changed_at(&metadata)), (0o751, 1.25));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_somebody_put_in_the_place_of_a_part_is_not_written_to() {
        let folder = tempfile::tempdir().unwrap();
        let (destination, other) = (folder.path().join("d"), folder.path().join("other"));
        fs::write(&other, b"precious").unwrap();
        symlink(&other, part_here(&destination).0).unwrap();
        let error = Part::open(&destination, &source(3), true, true).unwrap_err();
        assert!(error.to_string().contains("symbolic link"), "{error}");
        assert_eq!(fs::read(&other).unwrap(), b"precious");
    }

    #[test]
    fn two_copies_to_one_place_do_not_mix() {
        let folder = tempfile::tempdir().unwrap();
        let destination = folder.path().join("d");
        let first = Part::open(&destination, &source(3), true, true).unwrap();
        let error = Part::open(&destination, &source(3), true, true).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ResourceBusy);
        first.finish(None, None).unwrap();
        Part::open(&destination, &source(3), true, true).unwrap().discard().unwrap();
        assert_eq!(fs::metadata(&destination).unwrap().mode() & 0o777, 0o644);
    }
}
