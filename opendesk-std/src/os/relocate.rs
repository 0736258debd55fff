//! Giving something another name, on another disk as well.

use std::ffi::OsStr;
use std::fs::Permissions;
use std::io::{self, Read as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::Errno;

use super::content::{create, open};
use super::fault::unfit;
use super::guard::Guard;
use super::handle::{entries, kind, link_target, lstat, open_directory, permissions, unused_name};
use super::tree::{MAX_DEPTH, check_named, deeper, remove};
use super::walk::{End, Place};

/// Renames; a file at `dst` is replaced. From one disk to another it is copied, then deleted: content, permissions
/// and the times of files go along, owners and extended attributes do not.
pub(super) fn rename(guard: &Guard, src: &Path, dst: &Path) -> io::Result<()> {
    let from = guard.walk(src, End::Keep)?;
    let to = guard.walk(dst, End::Keep)?;
    let Some(stat) = &from.stat else { return Err(Errno::NOENT.into()) };
    for stat in [Some(stat), to.stat.as_ref()].into_iter().flatten() {
        guard.check_removal(stat)?;
    }
    check_named(&from)?;
    check_named(&to)?;
    match rustix::fs::renameat(&from.dir, &from.name, &to.dir, &to.name) {
        Err(Errno::XDEV) => carry_over(guard, &from, &to),
        done => Ok(done?),
    }
}

/// Copies under another name first, so that `to` is complete or not there at all.
fn carry_over(guard: &Guard, from: &Place, to: &Place) -> io::Result<()> {
    let name = unused_name(&to.dir)?;
    let done = copy(guard, (&from.dir, &from.name), (&to.dir, &name), MAX_DEPTH)
        .and_then(|()| Ok(rustix::fs::renameat(&to.dir, &name, &to.dir, &to.name)?));
    if let Err(error) = done {
        // That it failed is what the caller has to know, and why.
        drop(remove(guard, &to.dir, &name, MAX_DEPTH));
        return Err(error);
    }
    remove(guard, &from.dir, &from.name, MAX_DEPTH).map_err(|error| {
        io::Error::new(error.kind(), format!("the copy is complete, but the original could not be deleted: {error}"))
    })
}

/// Bytes that are copied before it is asked again whether they are still wanted.
const PIECE: u64 = 64 << 20;

/// A directory and a name in it.
type Named<'a> = (&'a OwnedFd, &'a OsStr);

fn copy(guard: &Guard, from: Named<'_>, to: Named<'_>, depth: usize) -> io::Result<()> {
    let Some(stat) = lstat(from.0, from.1)? else { return Err(Errno::NOENT.into()) };
    guard.check(&stat)?;
    match kind(&stat) {
        FileType::RegularFile => copy_file(guard, from, to),
        FileType::Directory => {
            let depth = deeper(depth)?;
            rustix::fs::mkdirat(to.0, to.1, Mode::from_raw_mode(0o700))?;
            let (source, target) = (open_directory(from.0, from.1)?, open_directory(to.0, to.1)?);
            guard.check(&rustix::fs::fstat(&source)?)?;
            for name in entries(&source)?.collect::<io::Result<Vec<_>>>()? {
                copy(guard, (&source, &name), (&target, &name), depth)?;
            }
            Ok(rustix::fs::fchmod(&target, permissions(&stat))?)
        }
        FileType::Symlink => Ok(rustix::fs::symlinkat(link_target(from.0, from.1)?, to.0, to.1)?),
        _ => Err(unfit("a device, pipe or socket cannot be moved to another disk")),
    }
}

fn copy_file(guard: &Guard, from: Named<'_>, to: Named<'_>) -> io::Result<()> {
    let mut source = open(guard, from.0, from.1, OFlags::RDONLY)?;
    let mut target = create(to.0, to.1, Mode::from_raw_mode(0o600))?;
    // In pieces, between which the call can be stopped.
    let stat = rustix::fs::fstat(&source)?;
    while io::copy(&mut (&mut source).take(PIECE), &mut target)? == PIECE {
        guard.check(&stat)?;
    }
    let metadata = source.metadata()?;
    target.set_modified(metadata.modified()?)?;
    target.set_permissions(Permissions::from_mode(metadata.mode() & 0o777))?;
    target.sync_all()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::cancel::Cancel;

    #[test]
    fn a_tree_is_the_same_on_another_disk() {
        let root = tempfile::tempdir().unwrap();
        let at = |path: &str| root.path().join(path);
        fs::create_dir_all(at("home")).unwrap();
        fs::create_dir_all(at("src/deep")).unwrap();
        fs::write(at("src/deep/file"), b"content").unwrap();
        fs::set_permissions(at("src/deep/file"), Permissions::from_mode(0o640)).unwrap();
        fs::set_permissions(at("src/deep"), Permissions::from_mode(0o750)).unwrap();
        symlink("deep/file", at("src/link")).unwrap();
        let modified = fs::metadata(at("src/deep/file")).unwrap().modified().unwrap();
        let guard = Guard::look(&at("home"), Cancel::new()).unwrap();
        let place = |path: &str| guard.walk(&at(path), End::Keep).unwrap();
        carry_over(&guard, &place("src"), &place("dst")).unwrap();
        assert!(!at("src").exists());
        assert_eq!(fs::read(at("dst/link")).unwrap(), b"content");
        assert_eq!(fs::read_link(at("dst/link")).unwrap(), Path::new("deep/file"));
        let file = fs::metadata(at("dst/deep/file")).unwrap();
        assert_eq!(file.mode() & 0o7777, 0o640);
        assert_eq!(file.modified().unwrap(), modified);
        assert_eq!(fs::metadata(at("dst/deep")).unwrap().mode() & 0o7777, 0o750);
    }

    #[test]
    fn a_tree_that_cannot_be_copied_stays_and_leaves_nothing() {
        let root = tempfile::tempdir().unwrap();
        let at = |path: &str| root.path().join(path);
        fs::create_dir_all(at("home")).unwrap();
        fs::write(at("home/key"), b"secret").unwrap();
        fs::create_dir_all(at("src")).unwrap();
        fs::write(at("src/file"), b"content").unwrap();
        fs::hard_link(at("home/key"), at("src/key")).unwrap();
        let guard = Guard::look(&at("home"), Cancel::new()).unwrap();
        let place = |path: &str| guard.walk(&at(path), End::Keep).unwrap();
        let error = carry_over(&guard, &place("src"), &place("dst")).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
        assert_eq!(fs::read(at("src/file")).unwrap(), b"content");
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 2);
    }
}
