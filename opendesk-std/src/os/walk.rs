//! From a path to a handle of the directory that it ends in, one name at a time and every one of them looked at.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Component, Path};

use rustix::fs::{CWD, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::handle::{create_directory, kind, link_target, lstat};

/// Symbolic links on one path, as the kernel has it.
const MAX_LINKS: u32 = 40;

/// How a directory is opened to go through it: where the system can, without the right to list it.
#[cfg(target_os = "linux")]
const THROUGH: OFlags = OFlags::PATH;
#[cfg(not(target_os = "linux"))]
const THROUGH: OFlags = OFlags::RDONLY;

/// What happens at the end of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// A symbolic link there is what is meant.
    Keep,
    /// A symbolic link there is followed.
    Follow,
    /// As [`Follow`](Self::Follow), and directories that are missing before it are created.
    Create,
}

/// Where a path ends.
#[derive(Debug)]
pub(super) struct Place {
    /// The directory.
    pub(super) dir: OwnedFd,
    /// The name in it; `.` for the directory itself, when the path ends in `..` or is `/`.
    pub(super) name: OsString,
    /// What stands there, if anything does; no symbolic link that was to be followed.
    pub(super) stat: Option<Stat>,
}

/// Sees everything that a path leads through, what it ends in as well, and can refuse it.
pub(super) type Visit<'a> = dyn FnMut(&Stat) -> io::Result<()> + 'a;

/// Walks an absolute path.
///
/// # Errors
/// What the operating system or `visit` says.
pub(super) fn walk(path: &Path, end: End, visit: &mut Visit<'_>) -> io::Result<Place> {
    let mut dir = root(visit)?;
    let mut ahead = Vec::new();
    push(&mut ahead, path);
    let mut links = 0;
    while let Some(name) = ahead.pop() {
        if name == ".." {
            dir = enter(&dir, &name, visit)?;
            continue;
        }
        let stat = lstat(&dir, &name)?;
        if let Some(stat) = &stat {
            visit(stat)?;
        }
        let is_last = ahead.is_empty();
        let is_link = stat.as_ref().is_some_and(|stat| kind(stat) == FileType::Symlink);
        if is_link && !(is_last && end == End::Keep) {
            links += 1;
            if links > MAX_LINKS {
                return Err(Errno::LOOP.into());
            }
            let target = link_target(&dir, &name)?;
            if target.is_absolute() {
                dir = root(visit)?;
            }
            push(&mut ahead, &target);
            continue;
        }
        if is_last {
            return Ok(Place { dir, name, stat });
        }
        if stat.is_none() {
            if end != End::Create {
                return Err(Errno::NOENT.into());
            }
            create_directory(&dir, &name)?;
        }
        dir = enter(&dir, &name, visit)?;
    }
    let stat = rustix::fs::fstat(&dir)?;
    Ok(Place { dir, name: ".".into(), stat: Some(stat) })
}

fn root(visit: &mut Visit<'_>) -> io::Result<OwnedFd> {
    let flags = THROUGH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let dir = rustix::fs::openat(CWD, "/", flags, Mode::empty())?;
    visit(&rustix::fs::fstat(&dir)?)?;
    Ok(dir)
}

/// Asks the opened directory again what it is: since the name was looked at, another can have taken its place.
fn enter(dir: &OwnedFd, name: &OsStr, visit: &mut Visit<'_>) -> io::Result<OwnedFd> {
    let flags = THROUGH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let inner = rustix::fs::openat(dir, name, flags, Mode::empty())?;
    visit(&rustix::fs::fstat(&inner)?)?;
    Ok(inner)
}

/// Puts the names of a path before those that are still ahead, which are in reverse order.
fn push(ahead: &mut Vec<OsString>, path: &Path) {
    ahead.extend(path.components().rev().filter_map(|component| match component {
        Component::ParentDir => Some("..".into()),
        Component::Normal(name) => Some(name.to_owned()),
        Component::Prefix(_) | Component::RootDir | Component::CurDir => None,
    }));
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::os::handle::id;

    fn ends(path: &Path, end: End) -> io::Result<Place> {
        walk(path, end, &mut |_| Ok(()))
    }

    #[test]
    fn a_path_ends_where_the_system_ends_it() {
        let root = tempfile::tempdir().unwrap();
        let at = |path: &str| root.path().join(path);
        std::fs::create_dir_all(at("a/b")).unwrap();
        std::fs::write(at("a/file"), b"").unwrap();
        symlink("a/b", at("relative")).unwrap();
        symlink(at("a"), at("absolute")).unwrap();
        symlink("../file", at("a/b/up")).unwrap();
        for path in
            ["a", "a/b/..", "a/b/../file", "relative", "relative/../file", "absolute/b/up", ".", "a/./b", "a/b/"]
        {
            let expected = rustix::fs::stat(at(path)).unwrap();
            let place = ends(&at(path), End::Follow).unwrap();
            assert_eq!(place.stat.as_ref().map(id), Some(id(&expected)), "{path}");
        }
        let link = ends(&at("relative"), End::Keep).unwrap();
        assert_eq!(link.stat.as_ref().map(kind), Some(FileType::Symlink));
        assert_eq!(ends(Path::new("/"), End::Follow).unwrap().name, ".");
    }

    #[test]
    fn a_path_through_nothing_ends_in_an_error() {
        let root = tempfile::tempdir().unwrap();
        let at = |path: &str| root.path().join(path);
        std::fs::write(at("file"), b"").unwrap();
        symlink("loop", at("loop")).unwrap();
        let kind = |path: &str| ends(&at(path), End::Follow).unwrap_err().kind();
        assert_eq!(kind("missing/x"), io::ErrorKind::NotFound);
        assert_eq!(kind("file/x"), io::ErrorKind::NotADirectory);
        let error = ends(&at("loop"), End::Follow).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(Errno::LOOP.raw_os_error()));
        assert!(ends(&at("missing"), End::Follow).unwrap().stat.is_none());
        assert!(ends(&at("new/deep/x"), End::Create).unwrap().stat.is_none());
        assert!(at("new/deep").is_dir());
    }

    #[test]
    fn everything_on_the_way_is_seen() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join("a/b")).unwrap();
        symlink("a", root.path().join("link")).unwrap();
        let mut seen = Vec::new();
        let path = root.path().join("link/b");
        walk(&path, End::Follow, &mut |stat| {
            seen.push(id(stat));
            Ok(())
        })
        .unwrap();
        for part in ["", "link", "a", "a/b"] {
            let stat = rustix::fs::lstat(root.path().join(part)).unwrap();
            assert!(seen.contains(&id(&stat)), "{part:?}");
        }
    }
}
