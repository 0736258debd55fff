//! Whose turn it is on the desktop. Whoever acts there shares it, and whoever asks the owner has it alone, so that nothing
//! that opendesk does answers in their place: not another session, another program or a host of the same home.

use core::time::Duration;
use std::fs::{File, TryLockError};
use std::io;
use std::path::PathBuf;

use super::error::HomeError;
use super::lock::{open_lock, pause};
use crate::api::{Error, ErrorCode, Result};
use crate::cancel::Cancel;

/// How long an action waits for a question to be answered. Whoever called waits about as long for an answer.
const PATIENCE: u32 = 20_000;

/// How often is looked whether the turn has come, in milliseconds.
const LOOK: u32 = 20;

/// The desktop as programs of one home share it.
#[derive(Debug, Clone)]
pub struct Screen {
    path: PathBuf,
}

impl Screen {
    pub(super) const fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// One who may act. It does not yet.
    ///
    /// # Errors
    /// `HomeErrorKind::Io`.
    pub(crate) fn actor(&self) -> core::result::Result<Actor, HomeError> {
        let file = open_lock(&self.path).map_err(|error| HomeError::io("lock", &self.path, &error))?;
        Ok(Actor { file, acts: false })
    }

    /// Waits until nobody acts on the desktop or holds anything down there, nor asks the owner something else: `within`
    /// at most. Blocks its thread.
    ///
    /// # Errors
    /// One line, when the time is over, `cancel` is raised or the system refuses.
    pub(crate) fn alone(&self, within: Duration, cancel: &Cancel) -> core::result::Result<Alone, String> {
        let failed = |error: io::Error| format!("{} cannot be locked: {error}", self.path.display());
        let file = open_lock(&self.path).map_err(failed)?;
        let mut left = within.as_millis();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Alone { _file: file }),
                Err(TryLockError::Error(error)) => return Err(failed(error)),
                Err(TryLockError::WouldBlock) => {}
            }
            if cancel.is_cancelled() {
                return Err("the question was withdrawn before it was put".to_owned());
            }
            if left == 0 {
                return Err(
                    "another program of this home acts on the desktop, holds a key or a button down there, or asks \
                            about something else; try again when it is done"
                        .to_owned(),
                );
            }
            left = left.saturating_sub(LOOK.into());
            pause(Duration::from_millis(LOOK.into()));
        }
    }
}

/// One who acts on the desktop.
#[derive(Debug)]
pub(crate) struct Actor {
    file: File,
    acts: bool,
}

impl Actor {
    /// Begins to act, or goes on; while the owner is asked something it waits. Blocks its thread. Tells whether it had to
    /// wait.
    ///
    /// # Errors
    /// [`ErrorCode::Cancelled`] once `cancel` is raised, [`ErrorCode::PermissionDenied`] when the owner has not answered
    /// for a long time.
    pub(crate) fn acts(&mut self, cancel: &Cancel) -> Result<bool> {
        if self.acts {
            return Ok(false);
        }
        let mut waited = 0;
        loop {
            match self.file.try_lock_shared() {
                Ok(()) => break,
                Err(TryLockError::Error(error)) => {
                    return Err(Error::internal(format!("the desktop cannot be shared with other programs: {error}")));
                }
                Err(TryLockError::WouldBlock) => {}
            }
            cancel.check()?;
            if waited >= PATIENCE {
                let why = "the owner of this machine is being asked about something, and until that is answered nothing is \
                           done on its desktop; try again later";
                return Err(Error::new(ErrorCode::PermissionDenied, why));
            }
            waited += LOOK;
            pause(Duration::from_millis(LOOK.into()));
        }
        self.acts = true;
        Ok(waited > 0)
    }

    /// Does nothing and holds nothing any more.
    pub(crate) fn rests(&mut self) {
        if self.acts {
            match self.file.unlock() {
                Ok(()) => self.acts = false,
                Err(error) => tracing::warn!(%error, "the desktop could not be given back; nobody can be asked"),
            }
        }
    }
}

/// Nobody acts on the desktop while this lives.
#[derive(Debug)]
pub struct Alone {
    /// Open for as long as the lock is held.
    _file: File,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn screen() -> (tempfile::TempDir, Screen) {
        let folder = tempfile::tempdir().unwrap();
        let screen = Screen::new(folder.path().join("screen.lock"));
        (folder, screen)
    }

    #[test]
    fn several_act_and_nobody_is_asked_meanwhile() {
        let (_folder, screen) = screen();
        let (mut one, mut other) = (screen.actor().unwrap(), screen.actor().unwrap());
        assert!(!one.acts(&Cancel::new()).unwrap());
        assert!(!other.acts(&Cancel::new()).unwrap());
        for actor in [&mut one, &mut other] {
            let why = screen.alone(Duration::ZERO, &Cancel::new()).unwrap_err();
            assert!(why.contains("another program of this home acts"), "{why}");
            actor.rests();
        }
        drop(screen.alone(Duration::ZERO, &Cancel::new()).unwrap());
    }

    #[test]
    fn who_acts_waits_for_the_answer() {
        let (_folder, screen) = screen();
        let mut actor = screen.actor().unwrap();
        let alone = screen.alone(Duration::ZERO, &Cancel::new()).unwrap();
        let cancel = Cancel::new();
        cancel.cancel();
        assert_eq!(actor.acts(&cancel).unwrap_err().code, ErrorCode::Cancelled);
        assert!(screen.alone(Duration::ZERO, &Cancel::new()).is_err(), "one question at a time");
        let waits = std::thread::spawn(move || actor.acts(&Cancel::new()));
        pause(Duration::from_millis(u64::from(LOOK) * 2));
        drop(alone);
        assert!(waits.join().unwrap().unwrap());
    }

    #[test]
    fn a_question_that_is_withdrawn_is_not_put() {
        let (_folder, screen) = screen();
        let mut actor = screen.actor().unwrap();
        actor.acts(&Cancel::new()).unwrap();
        let cancel = Cancel::new();
        cancel.cancel();
        let why = screen.alone(Duration::from_secs(600), &cancel).unwrap_err();
        assert!(why.contains("withdrawn"), "{why}");
    }
}
