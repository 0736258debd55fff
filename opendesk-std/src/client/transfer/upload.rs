//! From this machine to the host.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read as _};
use std::path::Path;
use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesOrdered;

use super::call::Outcome;
use super::download::{NO_FILE, WHOLE, is_special, is_written_as_folder};
use super::part::{Turn, changed_at, is_same_time};
use super::run::{Job, Moved, Run};
use super::walk::Walk;
use super::{CHUNK, Caller, Copied, DEPTH, Step, TransferError, names};
use crate::api::ErrorCode;
use crate::home::shown;
use crate::platform;

/// What may not be there yet when something behind it is: the parts that were on their way.
const WINDOW: u64 = CHUNK * DEPTH as u64;

/// Who may read what others may read anyway.
const FOR_OTHERS: u32 = 0o044;

const NO_PARTS: &str =
    "is larger than 16 MiB, and a host of version 1 takes no parts of files; use another program for it";

/// A file that is read.
struct Open {
    file: Arc<File>,
    size: u64,
    mtime: f64,
    mode: Option<u32>,
}

impl<C: Caller> Run<'_, C> {
    /// Copies what is at `from` to `to` on the host.
    pub(super) async fn upload(&self, from: &Path, to: &str) -> Outcome<Copied, C> {
        let path = from.to_owned();
        let source = self.local("read", from, move || fs::metadata(path)).await?;
        if source.is_dir() && !self.options.recursive {
            return Err(TransferError::unfit_local(from, "is a folder; -r copies it with all that it contains"));
        }
        if !source.is_dir() && (!source.is_file() || is_written_as_folder(from)) {
            return Err(TransferError::unfit_local(from, "is no file"));
        }
        let (is_folder, folder) = (to.ends_with('/'), names::trimmed(to));
        // `Path` does not see the dot at the end of `folder/.`, which names what the folder contains.
        let name = from.file_name().filter(|_| !names::trimmed(&names::told(from.as_os_str())).ends_with("/."));
        let to = match (self.host.find(folder).await?, name) {
            (Some(there), Some(name)) if there.is_dir => names::joined(folder, &names::told(name)),
            (Some(there), _) if !there.is_dir && (source.is_dir() || is_folder) => {
                return Err(TransferError::unfit_host(folder, "is a file, and a folder is to go there"));
            }
            (None, _) if is_folder && !source.is_dir() => {
                return Err(TransferError::unfit_host(folder, "is no folder"));
            }
            // A host makes what is missing above a file, and a name that was mistyped would be among it.
            (None, _) => {
                let parent = names::parent(folder);
                match self.host.find(parent).await? {
                    Some(parent) if parent.is_dir => folder.to_owned(),
                    _ => return Err(TransferError::unfit_host(parent, "is no folder")),
                }
            }
            // What has no name of its own is copied as what it contains.
            (Some(_), _) => folder.to_owned(),
        };
        if source.is_dir() {
            return self.all(Walk::up(from.to_owned(), to, platform::mode(&source))).await;
        }
        match self.host.find(&to).await? {
            Some(there) if there.is_dir => {
                return Err(TransferError::unfit_host(&to, "is a folder, and a file is to go there"));
            }
            Some(there) if is_special(there.mode) && !there.is_link => {
                return Err(TransferError::unfit_host(&to, NO_FILE));
            }
            _ => {}
        }
        let mtime = Some(changed_at(&source));
        self.one(Job { here: from.to_owned(), there: to, size: source.len(), mtime, mode: platform::mode(&source) })
            .await
    }

    /// Copies one file of this machine.
    pub(super) async fn send(&self, job: &Job) -> Outcome<Moved, C> {
        let path = job.here.clone();
        let source = self.local("read", &job.here, move || open(&path)).await?;
        let path = std::path::absolute(&job.here).unwrap_or_else(|_| job.here.clone());
        let identity = names::identity(&[
            self.options.between.as_bytes(),
            path.as_os_str().as_encoded_bytes(),
            job.there.as_bytes(),
            &source.size.to_le_bytes(),
            &source.mtime.to_bits().to_le_bytes(),
        ]);
        let part = names::part_there(&job.there, &identity);
        let _turn = self.turn(job, identity).await?;
        let kept = if self.options.anew || source.size <= CHUNK { 0 } else { self.kept(&source, &part).await? };
        (self.watch)(Step::Begins { path: &shown(&job.here), kept });
        let bytes = match self.pour(job, &source, &part, kept).await {
            Ok(bytes) => bytes,
            Err(error) => {
                if matches!(error, TransferError::Changed { .. }) {
                    // Why it failed is what has to be said.
                    drop(self.host.delete(&part).await);
                }
                return Err(error);
            }
        };
        // Of a folder most files are small ones, that leave no parts worth a look.
        if source.size > CHUNK || !self.options.recursive {
            // What cannot be looked at or removed stays; the copy is complete.
            drop(self.sweep(&job.there, &part).await);
        }
        self.host.set(&part, source.mode.map(|mode| mode & 0o777), Some(source.mtime)).await?;
        self.host.rename(&part, &job.there, kept + bytes, source.mtime).await?;
        Ok((bytes, kept))
    }

    /// While this is held no other program of this machine writes to the part.
    async fn turn(&self, job: &Job, identity: String) -> Outcome<Option<Turn>, C> {
        let Some(folder) = self.options.locks.clone() else { return Ok(None) };
        let shown = folder.clone();
        match self.disk.run(move || Turn::take(&folder, &identity)).await {
            Ok(turn) => Ok(Some(turn)),
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
                Err(TransferError::unfit_host(&job.there, "is where another copy of this file is under way to"))
            }
            Err(error) => Err(TransferError::local("locked", &shown, error)),
        }
    }

    /// As many bytes of a part are certainly there.
    async fn kept(&self, source: &Open, part: &str) -> Outcome<u64, C> {
        let Some(there) = self.host.find(part).await?.filter(|there| !there.is_dir) else { return Ok(0) };
        if there.size == source.size && is_same_time(there.mtime, Some(source.mtime)) {
            // It was given its time, and only its name is missing.
            return Ok(source.size);
        }
        if there.size > source.size {
            self.host.write(part, Vec::new(), None).await?;
            return Ok(0);
        }
        Ok(there.size.saturating_sub(WINDOW) / CHUNK * CHUNK)
    }

    /// Has a part grow to the size of its source, and gives how many bytes went there for that.
    async fn pour(&self, job: &Job, source: &Open, part: &str, kept: u64) -> Outcome<u64, C> {
        if source.size == 0 {
            return self.pour_whole(job, source, part).await;
        }
        if kept == 0 && source.mode.is_some_and(|mode| mode & FOR_OTHERS != FOR_OTHERS) {
            // What others may not read is theirs at no moment.
            let made = match self.host.write(part, Vec::new(), Some(0)).await {
                Err(error) if error.is_refusal(ErrorCode::CapabilityUnsupported) => {
                    return self.pour_whole(job, source, part).await;
                }
                made => made,
            };
            made?;
            self.host.set(part, Some(0o600), None).await?;
        }
        let mut offsets = (kept..source.size).step_by(CHUNK as usize);
        let mut window = FuturesOrdered::new();
        let mut bytes = 0;
        loop {
            // A part is sent only once all but the last few before it are there: so its size tells what is.
            while window.len() < DEPTH
                && let Some(offset) = offsets.next()
            {
                window.push_back(self.put(job, source, part, offset));
            }
            match window.next().await {
                None => break,
                Some(Err(error)) if error.is_refusal(ErrorCode::CapabilityUnsupported) && kept == 0 && bytes == 0 => {
                    drop(window);
                    return self.pour_whole(job, source, part).await;
                }
                Some(length) => {
                    let length = length?;
                    bytes += length;
                    (self.watch)(Step::Copied { bytes: length });
                }
            }
        }
        self.check(job, source).await?;
        if source.size > CHUNK && self.host.stat(part).await?.size != source.size {
            return Err(TransferError::unfit_host(part, "is not as long as what was written to it; copy it again"));
        }
        Ok(bytes)
    }

    async fn put(&self, job: &Job, source: &Open, part: &str, offset: u64) -> Outcome<u64, C> {
        let length = CHUNK.min(source.size - offset);
        let file = Arc::clone(&source.file);
        let read = move || {
            let mut data = vec![0; length as usize];
            platform::read_exact_at(&file, &mut data, offset).map(|()| data)
        };
        let data = match self.local("read", &job.here, read).await {
            Err(TransferError::Local { error, .. }) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return Err(changed(job));
            }
            read => read?,
        };
        self.host.write(part, data, Some(offset)).await?;
        Ok(length)
    }

    /// The file in one call: to a host that takes no parts of files, and of one that says that there is nothing, because
    /// files of the kernel hold more than they say.
    async fn pour_whole(&self, job: &Job, source: &Open, part: &str) -> Outcome<u64, C> {
        let file = Arc::clone(&source.file);
        let read = move || {
            let mut data = Vec::new();
            (&*file).take(WHOLE + 1).read_to_end(&mut data).map(|_| data)
        };
        let data = self.local("read", &job.here, read).await?;
        let bytes = data.len() as u64;
        if bytes > WHOLE {
            return Err(TransferError::unfit_local(&job.here, NO_PARTS));
        }
        self.host.write(part, data, None).await?;
        if source.size != 0 {
            self.check(job, source).await?;
        }
        (self.watch)(Step::Copied { bytes });
        Ok(bytes)
    }

    /// Fails if a file was written to since it was opened.
    async fn check(&self, job: &Job, source: &Open) -> Outcome<(), C> {
        let file = Arc::clone(&source.file);
        let now = self.local("read", &job.here, move || file.metadata()).await?;
        if now.len() != source.size || changed_at(&now).to_bits() != source.mtime.to_bits() {
            return Err(changed(job));
        }
        Ok(())
    }
}

fn changed<E>(job: &Job) -> TransferError<E> {
    TransferError::Changed { path: shown(&job.here) }
}

/// Opens a file for reading; a pipe in its place is not waited for.
fn open(path: &Path) -> io::Result<Open> {
    let file = platform::patient(OpenOptions::new().read(true)).open(path)?;
    let metadata: Metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no file any more"));
    }
    let (size, mtime, mode) = (metadata.len(), changed_at(&metadata), platform::mode(&metadata));
    Ok(Open { file: Arc::new(file), size, mtime, mode })
}
