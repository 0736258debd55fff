//! Creating directories, and deleting with everything below.

use std::ffi::OsStr;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{AtFlags, FileType};
use rustix::io::Errno;

use super::fault::{limit, unfit};
use super::guard::Guard;
use super::handle::{create_directory, entries, kind, lstat, open_directory};
use super::walk::{End, Place};

/// Deepest tree that is deleted or copied. Each level keeps a directory open, two for a copy, on each of eight threads, and
/// a process has about a thousand.
pub(super) const MAX_DEPTH: usize = 48;

/// Creates a directory, with `parents` those before it as well. One that is there already is success.
pub(super) fn mkdir(guard: &Guard, path: &Path, parents: bool) -> io::Result<()> {
    let place = guard.walk(path, if parents { End::Create } else { End::Follow })?;
    match &place.stat {
        Some(stat) if kind(stat) == FileType::Directory => Ok(()),
        Some(_) => Err(unfit("something that is not a directory is there already")),
        None => create_directory(&place.dir, &place.name),
    }
}

/// Deletes what stands at a path; nothing there is success. Symbolic links are deleted, never followed.
pub(super) fn delete(guard: &Guard, path: &Path) -> io::Result<()> {
    let place = match guard.walk(path, End::Keep) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        walked => walked?,
    };
    if let Some(stat) = &place.stat {
        guard.check_removal(stat)?;
    }
    check_named(&place)?;
    remove(guard, &place.dir, &place.name, MAX_DEPTH)
}

/// Refuses a path that ends in `..`, or is `/`: nothing can be removed by such a name.
pub(super) fn check_named(place: &Place) -> io::Result<()> {
    if place.name == "." { Err(unfit("name what is meant itself, without .. at the end")) } else { Ok(()) }
}

/// Removes what has this name, at most `depth` directories deep; nothing there is success.
pub(super) fn remove(guard: &Guard, dir: &OwnedFd, name: &OsStr, depth: usize) -> io::Result<()> {
    let Some(stat) = lstat(dir, name)? else { return Ok(()) };
    guard.check_removal(&stat)?;
    if kind(&stat) != FileType::Directory {
        return unlink(dir, name, AtFlags::empty());
    }
    let depth = deeper(depth)?;
    let inner = open_directory(dir, name)?;
    guard.check_removal(&rustix::fs::fstat(&inner)?)?;
    for name in entries(&inner)?.collect::<io::Result<Vec<_>>>()? {
        remove(guard, &inner, &name, depth)?;
    }
    unlink(dir, name, AtFlags::REMOVEDIR)
}

/// What is left of a depth one level down.
pub(super) fn deeper(depth: usize) -> io::Result<usize> {
    depth.checked_sub(1).ok_or_else(|| limit(format!("it nests deeper than {MAX_DEPTH} directories; use a command")))
}

fn unlink(dir: &OwnedFd, name: &OsStr, flags: AtFlags) -> io::Result<()> {
    match rustix::fs::unlinkat(dir, name, flags) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
