//! opendesk's own directory, which no call reaches by whatever name.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{FileType, Stat};

use super::fault::limit;
use super::handle::{Id, entries, id, kind, lstat, number, open_directory};
use super::walk::{End, Place, walk};
use crate::cancel::Cancel;

/// Far more than opendesk keeps; a directory with more holds something else, and looking through it takes too long.
const MAX_INSIDE: usize = 100_000;

/// opendesk nests two levels.
const MAX_DEPTH: usize = 16;

/// What shows the keys that this process holds in memory, or the secrets that it was started with.
#[cfg(target_os = "linux")]
const MEMORY: [&str; 3] = ["mem", "environ", "kcore"];

/// What is refused, as it is at this moment. Files and directories are compared by device and number, so links,
/// other mounts of the same directory and names that changed since make no difference; and files by what else is kept of
/// them, for a mount that gives them numbers of its own, as overlayfs does.
#[derive(Debug)]
pub(super) struct Guard {
    /// The directory and everything below it: never touched.
    inside: HashSet<Id>,
    /// What these files look like.
    looks: HashSet<Look>,
    /// The directories and symbolic links through which opendesk finds it: never moved, deleted or replaced.
    above: HashSet<Id>,
    /// Asked wherever something is checked, so that a long walk ends with its call.
    cancel: Cancel,
}

impl Guard {
    /// Looks through the protected directory.
    ///
    /// # Errors
    /// What the operating system says: without knowing what is protected, nothing is.
    pub(super) fn look(protected: &Path, cancel: Cancel) -> io::Result<Self> {
        let mut above = HashSet::new();
        let place = walk(protected, End::Follow, &mut |stat| {
            above.insert(id(stat));
            Ok(())
        })?;
        let dir = open_directory(&place.dir, &place.name)?;
        let mut guard = Self { inside: HashSet::new(), looks: HashSet::new(), above, cancel };
        guard.add(&rustix::fs::fstat(&dir)?);
        guard.collect(&dir, MAX_DEPTH)?;
        Ok(guard)
    }

    /// Walks a path that leads through nothing protected.
    ///
    /// # Errors
    /// [`io::ErrorKind::PermissionDenied`] when it does, and what the operating system says.
    pub(super) fn walk(&self, path: &Path, end: End) -> io::Result<Place> {
        walk(path, end, &mut |stat| self.check(stat))
    }

    /// Refuses what is protected, and everything once the call is cancelled.
    pub(super) fn check(&self, stat: &Stat) -> io::Result<()> {
        if self.cancel.is_cancelled() {
            return Err(io::Error::new(io::ErrorKind::Interrupted, "it was stopped halfway"));
        }
        if self.inside.contains(&id(stat)) || Look::of(stat).is_some_and(|look| self.looks.contains(&look)) {
            return Err(refused("it belongs to opendesk itself (keys, trust, audit), which no call may touch"));
        }
        Ok(())
    }

    /// Refuses what is protected, and what it is found through.
    pub(super) fn check_removal(&self, stat: &Stat) -> io::Result<()> {
        self.check(stat)?;
        if self.above.contains(&id(stat)) {
            return Err(refused("it leads to opendesk's own directory, so no call may move, replace or delete it"));
        }
        Ok(())
    }

    fn add(&mut self, stat: &Stat) {
        self.inside.insert(id(stat));
        self.looks.extend(Look::of(stat));
    }

    fn collect(&mut self, dir: &OwnedFd, depth: usize) -> io::Result<()> {
        for name in entries(dir)? {
            let name = name?;
            let Some(stat) = lstat(dir, &name)? else { continue };
            self.add(&stat);
            if self.inside.len() > MAX_INSIDE {
                return Err(limit("it holds more than 100000 files"));
            }
            if kind(&stat) != FileType::Directory {
                continue;
            }
            let Some(depth) = depth.checked_sub(1) else { return Err(limit("it nests deeper than 16 directories")) };
            match open_directory(dir, &name) {
                Ok(inner) => self.collect(&inner, depth)?,
                // The host tidies its own files at any time.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// What stays the same of a file wherever it is mounted, with the nanosecond at which it was changed.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Look {
    owner: (u64, u64),
    changed: (u64, u64),
    size: u64,
}

impl Look {
    /// Of a file that nobody but its owner may open, as ours are. What says too little is like too many: an empty one, and
    /// a time in whole seconds. Directories are, too: each is changed in the moment in which one in it is made.
    fn of(stat: &Stat) -> Option<Self> {
        let (size, nanosecond) = (number(stat.st_size), number(stat.st_mtime_nsec));
        let is_private = kind(stat) == FileType::RegularFile && number(stat.st_mode) & 0o777 == 0o600;
        (is_private && size != 0 && nanosecond != 0).then(|| Self {
            owner: (number(stat.st_uid), number(stat.st_gid)),
            changed: (number(stat.st_mtime), nanosecond),
            size,
        })
    }
}

fn refused(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, why)
}

/// Refuses the memory and the environment of processes: ours holds what the directory holds.
pub(super) fn check_memory(dir: &OwnedFd, name: &OsStr) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    if MEMORY.iter().any(|memory| name == *memory) && rustix::fs::fstatfs(dir)?.f_type == rustix::fs::PROC_SUPER_MAGIC {
        return Err(refused("it shows the memory or the environment of a process, which can hold opendesk's keys"));
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (dir, name);
    Ok(())
}
