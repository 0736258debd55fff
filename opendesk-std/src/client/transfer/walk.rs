//! Through a folder with all that it contains, one folder at a time: what is in the others is not known yet.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::call::Outcome;
use super::download::{below, is_special};
use super::part::{changed_at, is_same_time};
use super::run::{Direction, Job, Run};
use super::{Caller, Copied, Step, TransferError, names};
use crate::api::FileEntry;
use crate::home::{printable, shown};
use crate::platform;

/// Folders in folders. A path has no room for many more; a host that lists a folder in each folder must not be followed for
/// ever.
const MAX_DEPTH: usize = 256;

/// What may wait to be copied. A folder has 10,000 entries at most in one answer.
const MAX_WAITING: usize = 1_000_000;

/// A part that is copied would be taken for one of the copy itself.
const UNFINISHED: &str = "what an unfinished copy has left";

const TOO_DEEP: &str = "nests deeper than 256 folders; copy what is below it by itself";
const TOO_MANY: &str = "comes with more than 1000000 entries that wait to be copied; copy its folders one by one";

struct Folder {
    here: PathBuf,
    there: String,
    mode: Option<u32>,
    depth: usize,
    /// The outermost may be reached through a symbolic link: whoever asks for the copy has named it.
    is_named: bool,
}

/// What is still to be copied.
pub(super) struct Walk {
    /// The last one is next, so that as few as possible wait.
    folders: Vec<Folder>,
    files: Vec<Job>,
}

/// A file of this machine's folder.
struct Listed {
    path: PathBuf,
    metadata: fs::Metadata,
}

impl Walk {
    pub(super) fn down(there: String, here: PathBuf, mode: Option<u32>) -> Self {
        Self::of(Folder { here, there, mode, depth: 0, is_named: true })
    }

    pub(super) fn up(here: PathBuf, there: String, mode: Option<u32>) -> Self {
        Self::of(Folder { here, there, mode, depth: 0, is_named: true })
    }

    fn of(folder: Folder) -> Self {
        Self { folders: vec![folder], files: Vec::new() }
    }

    /// The next file. Folders are made at the destination on the way.
    pub(super) async fn next<C: Caller>(&mut self, run: &Run<'_, C>, copied: &mut Copied) -> Outcome<Option<Job>, C> {
        loop {
            if let Some(job) = self.files.pop() {
                return Ok(Some(job));
            }
            let Some(folder) = self.folders.pop() else { return Ok(None) };
            if folder.depth > MAX_DEPTH {
                return Err(match run.direction {
                    Direction::Down => TransferError::unfit_host(&folder.there, TOO_DEEP),
                    Direction::Up => TransferError::unfit_local(&folder.here, TOO_DEEP),
                });
            }
            let entered = match run.direction {
                Direction::Down => self.enter_there(run, &folder, copied).await,
                Direction::Up => self.enter_here(run, &folder, copied).await,
            };
            if let Err(error) = entered {
                // The folder that was asked for is no file among others.
                if folder.is_named {
                    return Err(error);
                }
                run.passed_over(error, copied)?;
            }
            // In the order in which they stand there.
            self.files.reverse();
            if self.folders.len() > MAX_WAITING {
                return Err(TransferError::unfit_local(&folder.here, TOO_MANY));
            }
        }
    }

    /// Takes in what a folder of the host contains.
    async fn enter_there<C: Caller>(
        &mut self,
        run: &Run<'_, C>,
        folder: &Folder,
        copied: &mut Copied,
    ) -> Outcome<(), C> {
        let entries = run.host.list(&folder.there).await?;
        let (path, mode, is_named) = (folder.here.clone(), folder.mode, folder.is_named);
        run.local("made", &folder.here, move || make(&path, mode, is_named)).await?;
        let anew = run.options.anew;
        let known: BTreeMap<PathBuf, fs::Metadata> = if anew {
            BTreeMap::new()
        } else {
            let path = folder.here.clone();
            let listed = run.local("listed", &folder.here, move || list(&path)).await?;
            listed.into_iter().map(|listed| (listed.path, listed.metadata)).collect()
        };
        for entry in entries {
            let there = names::joined(&folder.there, &entry.name);
            let FileEntry { is_dir, size, mtime, mode, is_link, .. } = entry;
            // Whatever path the host gives, only the name counts, and only if it is one.
            let Some(here) = below(&folder.here, &entry.name) else {
                skip(run, copied, &printable(&there), "a name that no file has");
                continue;
            };
            if names::is_part(&entry.name) {
                skip(run, copied, &printable(&there), UNFINISHED);
            } else if is_link {
                skip(run, copied, &printable(&there), "a symbolic link");
            } else if is_dir {
                self.folders.push(Folder { here, there, mode, depth: folder.depth + 1, is_named: false });
            } else if is_special(mode) {
                skip(run, copied, &printable(&there), "neither a file nor a folder");
            } else {
                let is_there = known.get(&here).is_some_and(|known| {
                    known.is_file() && known.len() == size && is_same_time(Some(changed_at(known)), mtime)
                });
                self.take(run, copied, Job { here, there, size, mtime, mode }, is_there);
            }
        }
        Ok(())
    }

    /// Takes in what a folder of this machine contains.
    async fn enter_here<C: Caller>(
        &mut self,
        run: &Run<'_, C>,
        folder: &Folder,
        copied: &mut Copied,
    ) -> Outcome<(), C> {
        let path = folder.here.clone();
        let listed = run.local("listed", &folder.here, move || list(&path)).await?;
        let mut known = BTreeMap::new();
        match run.host.find(&folder.there).await? {
            Some(there) if there.is_dir && run.options.anew => {}
            Some(there) if there.is_dir => {
                // What is there saves work; where it cannot be told, all is copied.
                let entries = run.host.list(&folder.there).await.unwrap_or_default();
                known.extend(entries.into_iter().map(|entry| (entry.name.clone(), entry)));
            }
            Some(_) => return Err(TransferError::unfit_host(&folder.there, "is a file, and a folder is to go there")),
            None => {
                run.host.make_folder(&folder.there).await?;
                // Nobody is kept out who makes what is in it.
                let mode = folder.mode.map(|mode| mode & 0o777 | 0o700);
                run.host.set(&folder.there, mode, None).await?;
            }
        }
        for Listed { path: here, metadata } in listed {
            let name = names::told(here.file_name().unwrap_or_default());
            let there = names::joined(&folder.there, &name);
            let mode = platform::mode(&metadata);
            if names::is_part(&name) {
                skip(run, copied, &shown(&here), UNFINISHED);
            } else if metadata.is_symlink() {
                skip(run, copied, &shown(&here), "a symbolic link");
            } else if metadata.is_dir() {
                self.folders.push(Folder { here, there, mode, depth: folder.depth + 1, is_named: false });
            } else if !metadata.is_file() {
                skip(run, copied, &shown(&here), "neither a file nor a folder");
            } else {
                let (size, mtime) = (metadata.len(), Some(changed_at(&metadata)));
                let is_there = known.get(&name).is_some_and(|known| {
                    !known.is_dir && !known.is_link && known.size == size && is_same_time(known.mtime, mtime)
                });
                self.take(run, copied, Job { here, there, size, mtime, mode }, is_there);
            }
        }
        Ok(())
    }

    fn take<C: Caller>(&mut self, run: &Run<'_, C>, copied: &mut Copied, job: Job, is_there: bool) {
        (run.watch)(Step::Found { bytes: job.size });
        if !is_there {
            return self.files.push(job);
        }
        let path = match run.direction {
            Direction::Down => printable(&job.there),
            Direction::Up => shown(&job.here),
        };
        (run.watch)(Step::Begins { path: &path, kept: job.size });
        copied.files += 1;
        copied.kept += job.size;
    }
}

fn skip<C: Caller>(run: &Run<'_, C>, copied: &mut Copied, path: &str, why: &str) {
    copied.skipped += 1;
    (run.watch)(Step::Skipped { path, why });
}

/// What stands in a folder of this machine, by name. Symbolic links are not followed.
fn list(path: &Path) -> io::Result<Vec<Listed>> {
    let mut listed = Vec::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        match entry.metadata() {
            Ok(metadata) => listed.push(Listed { path: entry.path(), metadata }),
            // It went meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    listed.sort_unstable_by(|one, other| one.path.cmp(&other.path));
    Ok(listed)
}

/// Makes a folder where there is none. In the place of one below the destination nothing is followed that leads elsewhere.
fn make(path: &Path, mode: Option<u32>, is_named: bool) -> io::Result<()> {
    let there = if is_named { fs::metadata(path) } else { fs::symlink_metadata(path) };
    match there {
        Ok(there) if there.is_dir() => Ok(()),
        Ok(there) if there.is_symlink() => {
            Err(io::Error::new(io::ErrorKind::AlreadyExists, "a symbolic link is in its place, which is not followed"))
        }
        Ok(_) => Err(io::Error::new(io::ErrorKind::AlreadyExists, "something that is no folder is in its place")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            // Its owner at least can fill it.
            platform::folders(mode.map_or(0o777, |mode| mode & 0o777 | 0o700)).create(path)
        }
        Err(error) => Err(error),
    }
}
