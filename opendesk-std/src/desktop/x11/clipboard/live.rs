//! The thread, and what the callers have of it.

use core::time::Duration;
use std::os::fd::OwnedFd;
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use rustix::event::{EventfdFlags, eventfd};

use super::super::connection::{Fault, Outcome, Wire};
use super::offer::Offer;
use super::service::Service;
use crate::api::{ClipboardContents, Effect, Error, Result};

/// How long the end of the thread is waited for. It ends at once, or after handing its contents over; only a server
/// that answers nothing any more keeps it.
const END: Duration = Duration::from_secs(1);

/// What the thread is asked.
pub(super) enum Command {
    Read(Sender<Result<ClipboardContents>>),
    Write(Offer, Sender<Result<Effect>>),
    /// What is ours of the clipboard.
    Kept(Sender<Result<Option<ClipboardContents>>>),
    End,
}

/// A thread that serves the clipboard over one connection.
pub(super) struct Live {
    commands: Sender<Command>,
    bell: Arc<Bell>,
    end: Arc<End>,
    thread: Option<JoinHandle<()>>,
}

impl Live {
    pub(super) fn start(wire: Wire) -> Outcome<Self> {
        let bell = Arc::new(Bell::new()?);
        let (commands, heard) = mpsc::channel();
        let mut service = Service::start(wire, heard, Arc::clone(&bell))?;
        let end = Arc::<End>::default();
        let told = Arc::clone(&end);
        let serve = move || {
            let reason = match service.run() {
                Ok(()) => "it was closed".to_owned(),
                Err(Fault::Gone(reason)) => reason,
                Err(fault) => format!("{fault:?}"),
            };
            // First the reason, then the calls that are dropped with the service, so that who made them can tell it.
            told.tell(reason);
            drop(service);
        };
        let thread = thread::Builder::new()
            .name("opendesk-clipboard".to_owned())
            .spawn(serve)
            .map_err(|error| Error::internal(format!("no thread for the clipboard could be started: {error}")))?;
        Ok(Self { commands, bell, end, thread: Some(thread) })
    }

    /// Hands a command to the thread. What it answers comes by the command's own way, or that is closed when the
    /// thread ends.
    pub(super) fn submit(&self, command: Command) -> Outcome<()> {
        self.check()?;
        self.commands.send(command).map_err(|_| Fault::Gone("the clipboard's thread has ended".to_owned()))?;
        self.bell.ring();
        Ok(())
    }

    /// An error once the thread has ended.
    pub(super) fn check(&self) -> Outcome<()> {
        self.end.reason().clone().map_or(Ok(()), |reason| Err(Fault::Gone(reason)))
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        if self.commands.send(Command::End).is_ok() {
            self.bell.ring();
        }
        if let (true, Some(thread)) = (self.end.wait(END), self.thread.take()) {
            let _ended = thread.join().is_ok();
        }
    }
}

/// Wakes the thread from its wait for the server.
pub(super) struct Bell(OwnedFd);

impl Bell {
    fn new() -> Result<Self> {
        eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)
            .map(Self)
            .map_err(|error| Error::internal(format!("the clipboard's thread cannot be woken: {error}")))
    }

    fn ring(&self) {
        // It fails only when it rings already.
        let _rung = rustix::io::write(&self.0, &1_u64.to_ne_bytes()).is_ok();
    }

    /// Makes it silent until it is rung again.
    pub(super) fn hush(&self) {
        let _rung = rustix::io::read(&self.0, &mut [0_u8; 8]).is_ok();
    }

    pub(super) const fn descriptor(&self) -> &OwnedFd {
        &self.0
    }
}

/// Why the thread has ended, once it has.
#[derive(Default)]
struct End {
    reason: Mutex<Option<String>>,
    told: Condvar,
}

impl End {
    fn reason(&self) -> MutexGuard<'_, Option<String>> {
        self.reason.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, reason: String) {
        *self.reason() = Some(reason);
        self.told.notify_all();
    }

    /// Whether it ends within this time.
    fn wait(&self, within: Duration) -> bool {
        let waited = self.told.wait_timeout_while(self.reason(), within, |reason| reason.is_none());
        waited.unwrap_or_else(PoisonError::into_inner).0.is_some()
    }
}

#[cfg(test)]
mod tests {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    use super::*;

    fn rings(bell: &Bell) -> bool {
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        poll(&mut [PollFd::new(bell.descriptor(), PollFlags::IN)], Some(&now)).unwrap() == 1
    }

    #[test]
    fn a_bell_rings_until_it_is_hushed() {
        let bell = Bell::new().unwrap();
        assert!(!rings(&bell));
        bell.ring();
        bell.ring();
        assert!(rings(&bell) && rings(&bell));
        bell.hush();
        assert!(!rings(&bell));
        bell.hush();
    }

    #[test]
    fn the_end_is_told_to_who_waits_and_to_who_comes_later() {
        let end = Arc::<End>::default();
        assert!(!end.wait(Duration::ZERO));
        let told = Arc::clone(&end);
        let thread = thread::spawn(move || told.tell("gone".to_owned()));
        assert!(end.wait(Duration::from_secs(60)));
        thread.join().unwrap();
        assert!(end.wait(Duration::ZERO));
        assert_eq!(end.reason().as_deref(), Some("gone"));
    }
}
