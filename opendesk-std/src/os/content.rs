//! What is in a file: read in parts, replaced whole or written in place.

use std::ffi::OsStr;
use std::fs::{File, Permissions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};
use std::path::Path;

use opendesk_core::limits;
use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::fault::{limit, unfit};
use super::guard::{Guard, check_memory};
use super::handle::{kind, lstat, open_directory, unused_name};
use super::walk::{End, Place};
use crate::api::FileData;
use crate::clock;

/// Most that one call reads, in bytes: the answer is in memory, more than once, on both machines.
pub(super) const MAX_READ: u64 = limits::BODY_BYTES as u64 - 1024;

/// Reads `length` bytes from `offset` on, or all that follow it.
pub(super) fn read(guard: &Guard, path: &Path, offset: u64, length: Option<u64>) -> io::Result<FileData> {
    let place = guard.walk(path, End::Follow)?;
    let mut file = open(guard, &place.dir, &place.name, OFlags::RDONLY)?;
    let size = file.metadata()?.len();
    let wanted = length.unwrap_or(u64::MAX);
    check_length(size.saturating_sub(offset).min(wanted), size)?;
    if offset > 0 {
        file.seek(SeekFrom::Start(offset))?;
    }
    // Files of the kernel and files that grow hold more than they said.
    let mut data = Vec::new();
    file.take(wanted.min(MAX_READ + 1)).read_to_end(&mut data)?;
    let end = offset.saturating_add(data.len() as u64);
    check_length(data.len() as u64, size.max(end))?;
    Ok(FileData { size: if data.is_empty() { size } else { size.max(end) }, data })
}

fn check_length(length: u64, size: u64) -> io::Result<()> {
    if length <= MAX_READ {
        return Ok(());
    }
    Err(limit(format!(
        "it has {size} bytes and one call reads {MAX_READ}; read it in parts, with an offset and a length"
    )))
}

/// Replaces a file, or writes over a part of it. What is missing is created, directories as well.
///
/// Without an offset the path holds either all of the old content or all of the new one. Only where the directory
/// takes no new file, or the file cannot have the same owner again, an existing file is written over.
pub(super) fn write(guard: &Guard, path: &Path, data: &[u8], offset: Option<u64>) -> io::Result<()> {
    write_to(guard, &guard.walk(path, End::Create)?, data, offset)
}

fn write_to(guard: &Guard, place: &Place, data: &[u8], offset: Option<u64>) -> io::Result<()> {
    // What may not be written may not be replaced either.
    let old = match place.stat {
        Some(_) => Some(open(guard, &place.dir, &place.name, OFlags::WRONLY)?),
        None => None,
    };
    match (offset, old) {
        (Some(offset), Some(old)) => old.write_all_at(data, offset),
        (Some(offset), None) => match create(&place.dir, &place.name, Mode::from_raw_mode(0o666)) {
            // Of the first parts of a file, which are written at once, another one was there a moment earlier.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                open(guard, &place.dir, &place.name, OFlags::WRONLY)
            }
            created => created,
        }?
        .write_all_at(data, offset),
        (None, None) => replace(place, data, None),
        (None, Some(old)) => match replace(place, data, Some(&old)) {
            Err(error) if is_fixed(&error) => old.set_len(0).and_then(|()| old.write_all_at(data, 0)),
            done => done,
        },
    }
}

/// Whether a file can be written over though it cannot be replaced, like those of the kernel and mounted ones.
fn is_fixed(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::ResourceBusy
    )
}

fn replace(place: &Place, data: &[u8], old: Option<&File>) -> io::Result<()> {
    let name = unused_name(&place.dir)?;
    // What replaces a file that others may not read is theirs at no moment.
    let file = create(&place.dir, &name, Mode::from_raw_mode(if old.is_some() { 0o600 } else { 0o666 }))?;
    let done =
        fill(&file, data, old).and_then(|()| Ok(rustix::fs::renameat(&place.dir, &name, &place.dir, &place.name)?));
    if let Err(error) = done {
        // That it failed is what the caller has to know, and why.
        let _ = rustix::fs::unlinkat(&place.dir, &name, AtFlags::empty());
        return Err(error);
    }
    sync(&place.dir)
}

fn fill(mut file: &File, data: &[u8], old: Option<&File>) -> io::Result<()> {
    if let Some(old) = old {
        let (old, new) = (old.metadata()?, file.metadata()?);
        if (old.uid(), old.gid()) != (new.uid(), new.gid()) {
            std::os::unix::fs::fchown(file, Some(old.uid()), Some(old.gid()))?;
        }
        // Whose program it was does not make this content a program with those rights.
        file.set_permissions(Permissions::from_mode(old.mode() & 0o1777))?;
    }
    file.write_all(data)?;
    file.sync_all()
}

/// A rename is on disk only once its directory is. One that cannot be listed cannot be opened for this, and some file
/// systems have no such thing: there it is on disk a little later.
fn sync(dir: &OwnedFd) -> io::Result<()> {
    let Ok(dir) = open_directory(dir, OsStr::new(".")) else { return Ok(()) };
    match rustix::fs::fsync(&dir) {
        Ok(()) | Err(Errno::INVAL) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// What owner, group and others may do. Set-id bits are not among them: what a controller wrote is no program with the
/// rights of its owner for others.
const PERMISSIONS: u32 = 0o777;

/// Sets permissions, and the time of the last change in seconds since 1970.
pub(super) fn set_stat(guard: &Guard, path: &Path, mode: Option<u32>, mtime: Option<f64>) -> io::Result<()> {
    let mode = mode.map(|mode| if mode & !PERMISSIONS == 0 { Ok(mode) } else { Err(unfit(MORE)) }).transpose()?;
    let mtime =
        mtime.map(|mtime| clock::time_of(mtime).ok_or_else(|| unfit("no file can have this time"))).transpose()?;
    let place = guard.walk(path, End::Follow)?;
    let file = match &place.stat {
        Some(stat) if kind(stat) == FileType::Directory => File::from(open_directory(&place.dir, &place.name)?),
        // Whoever owns a file may change both without the right to read it.
        _ => open(guard, &place.dir, &place.name, OFlags::RDONLY).or_else(|error| match error.kind() {
            io::ErrorKind::PermissionDenied => open(guard, &place.dir, &place.name, OFlags::WRONLY),
            _ => Err(error),
        })?,
    };
    guard.check(&rustix::fs::fstat(&file)?)?;
    if let Some(mtime) = mtime {
        file.set_modified(mtime)?;
    }
    mode.map_or(Ok(()), |mode| file.set_permissions(Permissions::from_mode(mode)))
}

const MORE: &str = "only the permissions of owner, group and others can be set, 0 to 777 in octal";

/// Opens a regular file that exists.
///
/// # Errors
/// [`io::ErrorKind::InvalidInput`] for anything else, and what the guard or the operating system says.
pub(super) fn open(guard: &Guard, dir: &OwnedFd, name: &OsStr, access: OFlags) -> io::Result<File> {
    check_memory(dir, name)?;
    // To open a device can already do something, so what it is is asked first, and again of what was opened.
    let Some(stat) = lstat(dir, name)? else { return Err(Errno::NOENT.into()) };
    check_regular(&stat)?;
    let flags = access | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = rustix::fs::openat(dir, name, flags, Mode::empty())?;
    let stat = rustix::fs::fstat(&file)?;
    guard.check(&stat)?;
    check_regular(&stat)?;
    Ok(File::from(file))
}

/// Creates a file for writing under a name that nothing has.
pub(super) fn create(dir: &OwnedFd, name: &OsStr, mode: Mode) -> io::Result<File> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(File::from(rustix::fs::openat(dir, name, flags, mode)?))
}

fn check_regular(stat: &Stat) -> io::Result<()> {
    match kind(stat) {
        FileType::RegularFile => Ok(()),
        FileType::Directory => Err(unfit("it is a directory")),
        _ => Err(unfit("it is neither a file nor a directory")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cancel::Cancel;

    #[test]
    fn the_first_parts_of_a_file_may_come_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let (home, path) = (folder.path().join("home"), folder.path().join("file"));
        std::fs::create_dir(&home).unwrap();
        let guard = Guard::look(&home, Cancel::new()).unwrap();
        // Both have seen that nothing is there.
        let (one, other) = (guard.walk(&path, End::Create).unwrap(), guard.walk(&path, End::Create).unwrap());
        write_to(&guard, &other, b"behind", Some(2)).unwrap();
        write_to(&guard, &one, b"be", Some(0)).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"bebehind");
    }
}
