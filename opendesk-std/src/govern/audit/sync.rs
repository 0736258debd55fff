//! Forcing the log to the disk, away from the event loop that writes it: that takes milliseconds, and a click must
//! not wait for them.

use std::fs::File;
use std::io;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

/// A thread that waits for the disk.
#[derive(Debug)]
pub(super) struct Syncer {
    files: Option<SyncSender<File>>,
    thread: Option<JoinHandle<()>>,
}

impl Syncer {
    pub(super) fn start() -> io::Result<Self> {
        let (files, asked) = sync_channel::<File>(1);
        let thread = thread::Builder::new().name("opendesk-audit".to_owned()).spawn(move || {
            while let Ok(file) = asked.recv() {
                if let Err(error) = file.sync_data() {
                    tracing::error!(%error, "the audit log may not survive a power failure");
                }
            }
        })?;
        Ok(Self { files: Some(files), thread: Some(thread) })
    }

    /// Has what was written to the file so far forced to the disk soon. A request that waits already covers this
    /// one: it begins later.
    pub(super) fn ask(&self, file: File) {
        if let Some(files) = &self.files {
            drop(files.try_send(file));
        }
    }
}

impl Drop for Syncer {
    /// Waits until everything that was asked for is on the disk.
    fn drop(&mut self) {
        drop(self.files.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that forces the audit log to the disk has failed");
        }
    }
}
