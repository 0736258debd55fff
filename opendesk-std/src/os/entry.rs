//! What stands in a directory, and what one path names.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{FileType, Stat};
use rustix::io::Errno;

use super::fault::limit;
use super::guard::Guard;
use super::handle::{entries, kind, lstat, number, open_directory};
use super::names::encode;
use super::walk::End;
use crate::api::FileEntry;

/// Most entries of a listed directory.
const MAX_ENTRIES: usize = 10_000;

/// Most bytes of paths and names in one answer.
const MAX_NAMES: usize = 8 << 20;

/// What a path names; a symbolic link is followed.
pub(super) fn stat(guard: &Guard, path: &Path) -> io::Result<FileEntry> {
    match guard.walk(path, End::Follow)?.stat {
        Some(stat) => Ok(describe(path, &stat)),
        None => Err(Errno::NOENT.into()),
    }
}

/// What stands in a directory, by name. Left out is what cannot be looked at, and what is opendesk's own.
pub(super) fn list(guard: &Guard, path: &Path) -> io::Result<Vec<FileEntry>> {
    let place = guard.walk(path, End::Follow)?;
    let dir = open_directory(&place.dir, &place.name)?;
    guard.check(&rustix::fs::fstat(&dir)?)?;
    let mut names: Vec<OsString> = entries(&dir)?.take(MAX_ENTRIES + 1).collect::<io::Result<_>>()?;
    if names.len() > MAX_ENTRIES {
        return Err(limit("it has more than 10000 entries, which is what one call lists; list it with a command"));
    }
    names.sort_unstable();
    let look = |name: &OsString| {
        let path = path.join(name);
        look_at(guard, &dir, name, &path).map(|(stat, is_link)| FileEntry { is_link, ..describe(&path, &stat) })
    };
    let entries: Vec<FileEntry> = names.iter().filter_map(look).collect();
    if entries.iter().map(|entry| entry.path.len() + entry.name.len()).sum::<usize>() > MAX_NAMES {
        return Err(limit(
            "its names are more than 8 MiB together, which is what one call lists; list it with a command",
        ));
    }
    Ok(entries)
}

/// What it is, or what it points to, and whether it is a symbolic link. One that leads nowhere is told as itself.
fn look_at(guard: &Guard, dir: &OwnedFd, name: &OsStr, path: &Path) -> Option<(Stat, bool)> {
    let stat = lstat(dir, name).ok()??;
    guard.check(&stat).ok()?;
    if kind(&stat) != FileType::Symlink {
        return Some((stat, false));
    }
    match guard.walk(path, End::Follow) {
        Ok(place) => Some((place.stat.unwrap_or(stat), true)),
        Err(error) if matches!(Errno::from_io_error(&error), Some(Errno::NOENT | Errno::NOTDIR | Errno::LOOP)) => {
            Some((stat, true))
        }
        Err(_) => None,
    }
}

fn describe(path: &Path, stat: &Stat) -> FileEntry {
    FileEntry {
        path: encode(path.as_os_str()),
        name: encode(path.file_name().unwrap_or(path.as_os_str())),
        is_dir: kind(stat) == FileType::Directory,
        size: number(stat.st_size),
        mtime: Some(seconds(stat.st_mtime, number(stat.st_mtime_nsec))),
        mode: u32::try_from(number(stat.st_mode)).ok(),
        is_link: false,
    }
}

/// Seconds since 1970, before it as well.
fn seconds<N: TryInto<i64>>(whole: N, nanoseconds: u64) -> f64 {
    let whole: i64 = whole.try_into().unwrap_or_default();
    whole as f64 + nanoseconds as f64 / 1e9
}
