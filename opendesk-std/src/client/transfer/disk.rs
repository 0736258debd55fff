//! This machine's files, on a thread of their own: what blocks never runs on an event loop, whichever runtime it is of.

use std::io;
use std::thread;

use async_channel::Sender;

type Work = Box<dyn FnOnce() + Send>;

/// A thread that does one thing after the other. It ends with the value, after what it was given.
#[derive(Debug)]
pub(super) struct Disk {
    work: Sender<Work>,
}

impl Disk {
    pub(super) fn start() -> io::Result<Self> {
        let (work, given) = async_channel::unbounded::<Work>();
        let run = move || {
            while let Ok(work) = given.recv_blocking() {
                work();
            }
        };
        let _detached = thread::Builder::new().name("opendesk-copy".to_owned()).spawn(run)?;
        Ok(Self { work })
    }

    /// Has something done, in the order in which it is asked for. Whoever stops waiting does not stop it.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let (reply, answer) = async_channel::bounded(1);
        let done = move || drop(reply.try_send(work()));
        let gone = || io::Error::other("the thread for files of this machine is gone");
        self.work.try_send(Box::new(done)).map_err(|_| gone())?;
        answer.recv().await.unwrap_or_else(|_| Err(gone()))
    }
}
