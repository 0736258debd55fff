//! Directories by handle: a handle stays the directory that was checked, a path does not.

use core::sync::atomic::{AtomicU64, Ordering};
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

/// What is one file or directory whatever it is called: its device and its number there.
pub(super) type Id = (u64, u64);

pub(super) fn id(stat: &Stat) -> Id {
    (number(stat.st_dev), number(stat.st_ino))
}

/// A field of a [`Stat`], whose types differ from system to system.
pub(super) fn number<N: TryInto<u64>>(field: N) -> u64 {
    field.try_into().unwrap_or_default()
}

pub(super) fn kind(stat: &Stat) -> FileType {
    FileType::from_raw_mode(stat.st_mode)
}

/// The permissions alone, with the set-id and sticky bits.
pub(super) fn permissions(stat: &Stat) -> Mode {
    Mode::from_raw_mode(stat.st_mode)
}

/// What stands in a directory under this name, without following a symbolic link; `None` when nothing does.
pub(super) fn lstat(dir: impl AsFd, name: &OsStr) -> io::Result<Option<Stat>> {
    match rustix::fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some(stat)),
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Opens a directory in a directory for [`entries`].
pub(super) fn open_directory(dir: impl AsFd, name: &OsStr) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(rustix::fs::openat(dir, name, flags, Mode::empty())?)
}

/// Creates a directory in a directory; one that is there already is fine.
pub(super) fn create_directory(dir: impl AsFd, name: &OsStr) -> io::Result<()> {
    match rustix::fs::mkdirat(dir, name, Mode::from_raw_mode(0o777)) {
        Ok(()) | Err(Errno::EXIST) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// The names in a directory that [`open_directory`] opened, in no order.
pub(super) fn entries(dir: &OwnedFd) -> io::Result<impl Iterator<Item = io::Result<OsString>>> {
    Ok(Dir::read_from(dir)?.filter_map(|entry| match entry {
        Ok(entry) => match entry.file_name().to_bytes() {
            b"." | b".." => None,
            name => Some(Ok(OsString::from_vec(name.to_vec()))),
        },
        Err(error) => Some(Err(error.into())),
    }))
}

/// Where a symbolic link points.
pub(super) fn link_target(dir: impl AsFd, name: &OsStr) -> io::Result<PathBuf> {
    let target = rustix::fs::readlinkat(dir, name, Vec::<u8>::new())?;
    Ok(OsString::from_vec(target.into_bytes()).into())
}

/// A name for something unfinished that nothing in the directory has.
pub(super) fn unused_name(dir: impl AsFd) -> io::Result<OsString> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    loop {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = OsString::from(format!(".opendesk-{}-{number}.tmp", std::process::id()));
        if lstat(dir.as_fd(), &name)?.is_none() {
            return Ok(name);
        }
    }
}
