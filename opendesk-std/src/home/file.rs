//! Reading and writing the files of the home: private, bounded, whole or not at all.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;

use tempfile::NamedTempFile;

use crate::platform::{self, OWN_FILE};

/// What the names of files begin with that are being written.
const UNFINISHED: &str = ".new-";

/// Replaces the file by one that holds `bytes`, readable by its owner only. After a crash or a full disk the path
/// holds either all of the old content or all of the new one. A symbolic link at `path` is itself replaced.
///
/// # Errors
/// Whatever the operating system says; the old file is then still there.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> io::Result<()> {
    staged(path, bytes)?.persist(path).map_err(|failure| failure.error)?;
    sync_directory(path)
}

/// Like [`write_atomic`], but leaves a file that is already there alone and returns `false`.
///
/// # Errors
/// Whatever the operating system says.
pub(crate) fn create_atomic(path: &Path, bytes: &[u8]) -> io::Result<bool> {
    match staged(path, bytes)?.persist_noclobber(path) {
        Ok(_) => sync_directory(path).map(|()| true),
        Err(failure) if failure.error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(failure) => Err(failure.error),
    }
}

/// Removes a file; `false` when there was none. After a power failure it stays removed.
///
/// # Errors
/// Whatever the operating system says.
pub(super) fn remove(path: &Path) -> io::Result<bool> {
    match std::fs::remove_file(path) {
        Ok(()) => sync_directory(path).map(|()| true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Reads a file of at most `max` bytes; `None` when there is none.
///
/// # Errors
/// Whatever the operating system says, [`io::ErrorKind::FileTooLarge`] for a longer file, and
/// [`io::ErrorKind::InvalidInput`] for what is not a regular file, such as a symbolic link or a pipe.
pub fn read_private(path: &Path, max: usize) -> io::Result<Option<Vec<u8>>> {
    let file = match open_careful(path, OpenOptions::new().read(true)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    file.take(max as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > max {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it is longer than {max} bytes")));
    }
    Ok(Some(bytes))
}

/// Opens a regular file without following a symbolic link; a file that this creates is readable by its owner only.
///
/// # Errors
/// Whatever the operating system says, and [`io::ErrorKind::InvalidInput`] for what is not a regular file.
pub fn open_careful(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    let file = platform::careful(options).open(path).map_err(|error| {
        if platform::is_link(&error) {
            io::Error::new(io::ErrorKind::InvalidInput, "it is a symbolic link, which is not followed here")
        } else {
            error
        }
    })?;
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"))
    }
}

/// A complete file beside `path`, on disk but under another name; dropping it removes it.
fn staged(path: &Path, bytes: &[u8]) -> io::Result<NamedTempFile> {
    let mut file = held(directory(path))?;
    fill(&mut file, bytes)?;
    Ok(file)
}

/// A file beside `path` of as many bytes, on disk; dropping it removes it.
pub(super) fn reserve(path: &Path, bytes: usize) -> io::Result<NamedTempFile> {
    staged(path, &vec![b' '; bytes])
}

/// Writes all of a [`temporary`] file, onto the disk. It is not written through its name, which a failure would tell.
pub(crate) fn fill(file: &mut NamedTempFile, bytes: &[u8]) -> io::Result<()> {
    let file = file.as_file_mut();
    file.write_all(bytes)?;
    file.sync_all()
}

/// An empty file of a new name in a directory, which may be used for this. What fails is told without that name, which
/// means nothing to anybody.
pub(crate) fn temporary(prefix: &str, mode: u32, directory: &Path) -> io::Result<NamedTempFile> {
    tempfile::Builder::new().prefix(prefix).make_in(directory, |path| platform::new_file(mode).open(path))
}

/// An empty file that [`sweep`] leaves alone for as long as it is open.
fn held(directory: &Path) -> io::Result<NamedTempFile> {
    loop {
        let file = temporary(UNFINISHED, OWN_FILE, directory)?;
        match file.as_file().lock() {
            // Whoever swept between its making and its locking took it for left behind.
            Ok(()) if platform::is_removed(file.as_file())? => {}
            // Where nothing can be locked, nothing is swept.
            Ok(()) | Err(_) => return Ok(file),
        }
    }
}

/// Removes the files in a directory that programs have not finished which were killed: keys may be in them. Those that are
/// being written are locked by whoever writes them. What cannot be removed stays.
pub(super) fn sweep(directory: &Path) {
    let Ok(entries) = std::fs::read_dir(directory) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        let is_unfinished = entry.file_name().as_encoded_bytes().starts_with(UNFINISHED.as_bytes());
        if is_unfinished
            && let Ok(file) = open_careful(&path, OpenOptions::new().read(true).write(true))
            && file.try_lock().is_ok()
            && let Err(error) = std::fs::remove_file(&path)
        {
            tracing::debug!(%error, "a file that was never finished stays for now");
        }
    }
}

/// A rename is on disk only once its directory is.
pub(crate) fn sync_directory(path: &Path) -> io::Result<()> {
    platform::sync_folder(directory(path))
}

fn directory(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::platform::make_private;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn what_fails_is_told_without_the_name_of_the_file_that_is_being_written() {
        let folder = tempfile::tempdir().unwrap();
        let gone = folder.path().join("gone");
        let error = write_atomic(&gone.join("file"), b"x").unwrap_err();
        assert_eq!((error.kind(), error.raw_os_error().is_some()), (io::ErrorKind::NotFound, true));
        assert!(!error.to_string().contains(UNFINISHED), "{error}");
    }

    #[test]
    fn a_written_file_is_whole_private_and_alone() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("file");
        std::fs::write(&path, b"old and longer").unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        write_atomic(&path, b"new").unwrap();
        assert_eq!(read_private(&path, 3).unwrap().as_deref(), Some(&b"new"[..]));
        assert_eq!(mode(&path), 0o600);
        assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_failed_write_leaves_nothing_behind() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("taken");
        std::fs::create_dir(&path).unwrap();
        assert!(write_atomic(&path, b"new").is_err());
        assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 1);
        assert!(path.is_dir());
    }

    #[test]
    fn what_was_left_half_written_is_swept_and_what_is_being_written_is_not() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("file");
        let (dead, kept) = (home.path().join(".new-dead"), home.path().join("new-kept"));
        std::fs::write(&dead, b"half a k").unwrap();
        std::fs::write(&kept, b"mine").unwrap();
        std::os::unix::fs::symlink(&kept, home.path().join(".new-link")).unwrap();
        let staged = staged(&path, b"whole").unwrap();
        sweep(home.path());
        assert!(!dead.exists() && kept.exists() && home.path().join(".new-link").exists());
        staged.persist(&path).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"whole");
    }

    #[test]
    fn writers_and_sweepers_never_harm_each_other() {
        let home = tempfile::tempdir().unwrap();
        let is_done = core::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            let sweeping = scope.spawn(|| {
                while !is_done.load(core::sync::atomic::Ordering::Relaxed) {
                    sweep(home.path());
                }
            });
            for round in 0..200 {
                write_atomic(&home.path().join("file"), format!("{round}").as_bytes()).unwrap();
            }
            is_done.store(true, core::sync::atomic::Ordering::Relaxed);
            sweeping.join().unwrap();
        });
    }

    #[test]
    fn creation_never_replaces() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("file");
        assert!(create_atomic(&path, b"first").unwrap());
        assert!(!create_atomic(&path, b"second").unwrap());
        assert_eq!(std::fs::read(&path).unwrap(), b"first");
        assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 1);
    }

    #[test]
    fn only_bounded_regular_files_are_read() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("file");
        assert_eq!(read_private(&path, 10).unwrap(), None);
        std::fs::write(&path, b"12345").unwrap();
        assert_eq!(read_private(&path, 4).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
        let link = home.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert_eq!(read_private(&link, 10).unwrap_err().kind(), io::ErrorKind::InvalidInput);
        assert_eq!(read_private(home.path(), 10).unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }

    #[test]
    fn a_pipe_is_refused_instead_of_waited_for() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("pipe");
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(rustix::fs::CWD, path.as_path(), rustix::fs::FileType::Fifo, mode, 0).unwrap();
        assert_eq!(read_private(&path, 10).unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }

    #[test]
    fn a_file_that_others_could_read_becomes_private() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("file");
        std::fs::write(&path, b"").unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        make_private(&path).unwrap();
        assert_eq!(mode(&path), 0o600);
    }
}
