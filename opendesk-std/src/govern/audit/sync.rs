//! Forcing the log to the disk and writing where it ends, away from the event loop that writes it: that takes
//! milliseconds, and a click must not wait for them.

use core::sync::atomic::{AtomicBool, Ordering};
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};

use opendesk_core::SigningKey;

use super::head::{End, Head};

/// What is asked of the thread.
enum Ask {
    /// Force the file to the disk, then say that the log is signed up to there.
    Settle { file: Arc<File>, end: Option<(End, Arc<SigningKey>)> },
    /// Drop this when everything that was asked before is done.
    Tell(Sender<()>),
}

/// A thread that waits for the disk.
#[derive(Debug)]
pub(super) struct Syncer {
    asks: Option<Sender<Ask>>,
    has_failed: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Syncer {
    /// Starts the thread for the log in this folder.
    pub(super) fn start(folder: &Path) -> io::Result<Self> {
        let (asks, asked) = channel();
        let has_failed = Arc::new(AtomicBool::new(false));
        let (folder, failed) = (folder.to_owned(), Arc::clone(&has_failed));
        let thread =
            thread::Builder::new().name("opendesk-audit".to_owned()).spawn(move || work(&folder, &asked, &failed))?;
        Ok(Self { asks: Some(asks), has_failed, thread: Some(thread) })
    }

    /// Has what was written to the file so far forced to the disk soon, and then the end of the log noted. Where several
    /// such requests wait, the last one stands for all of them.
    pub(super) fn ask(&self, file: Arc<File>, end: Option<(End, Arc<SigningKey>)>) {
        if let Some(asks) = &self.asks {
            drop(asks.send(Ask::Settle { file, end }));
        }
    }

    /// Waits until everything that was asked for is done.
    pub(super) fn settle(&self) {
        let (tell, told) = channel();
        if let Some(asks) = &self.asks {
            drop(asks.send(Ask::Tell(tell)));
        }
        for () in told {}
    }

    /// Whether the last request could not be done.
    pub(super) fn has_failed(&self) -> bool {
        self.has_failed.load(Ordering::Relaxed)
    }
}

impl Drop for Syncer {
    /// Waits until everything that was asked for is done.
    fn drop(&mut self) {
        drop(self.asks.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that forces the audit log to the disk has failed");
        }
    }
}

fn work(folder: &Path, asked: &Receiver<Ask>, has_failed: &AtomicBool) {
    while let Ok(first) = asked.recv() {
        let (mut file, mut end, mut waiting) = (None, None, Vec::new());
        let mut next = Some(first);
        while let Some(ask) = next {
            match ask {
                Ask::Settle { file: newer, end: newer_end } => {
                    file = Some(newer);
                    end = newer_end.or(end);
                }
                Ask::Tell(tell) => waiting.push(tell),
            }
            next = asked.try_recv().ok();
        }
        if let Some(file) = file {
            let done = settle(folder, &file, end);
            has_failed.store(done.is_err(), Ordering::Relaxed);
            if let Err(error) = done {
                tracing::error!(%error, "the end of the audit log may not survive a power failure");
            }
        }
        drop(waiting);
    }
}

/// The head never knows of lines that are not on the disk: after a power failure they would seem to be cut off.
fn settle(folder: &Path, file: &File, end: Option<(End, Arc<SigningKey>)>) -> io::Result<()> {
    file.sync_data()?;
    match end {
        Some((end, signer)) => Head::sign(end, &signer)?.write(folder),
        None => Ok(()),
    }
}
