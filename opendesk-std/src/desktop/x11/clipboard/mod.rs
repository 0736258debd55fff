//! The clipboard: the selection `CLIPBOARD`, read from whoever owns it, and owned by us after a write.
//!
//! X11 keeps no copy of what is on the clipboard; its owner answers whoever asks. One thread does that here, on a
//! connection of its own, for as long as the [`Clipboard`] exists. It never waits for another program: what others
//! take and give, in any number of pieces, are states that the next event or deadline moves on.
//!
//! What is copied appears in no message and no log.

mod answer;
mod atoms;
mod form;
mod live;
mod offer;
mod plan;
mod read;
mod reads;
mod save;
mod service;
mod transfer;

use std::sync::mpsc::{self, Sender};

use live::{Command, Live};
use offer::Offer;

use super::connection::{Server, Slot};
use crate::api::{ClipboardContents, Effect, Error, Result};

/// The clipboard of one X server. Calls come from any thread; a server that goes away costs those that are under way,
/// and the next one connects again.
#[derive(Debug)]
pub(super) struct Clipboard {
    display: String,
    slot: Slot<Live>,
}

impl Clipboard {
    /// Connects. Nothing on the clipboard changes.
    pub(super) fn open(server: impl Into<Server>) -> Result<Self> {
        let server = server.into();
        Ok(Self { display: server.display.clone(), slot: Slot::open(server, Live::start)? })
    }

    /// What is on the clipboard, in the forms of [`plan`]; no entry when nobody owns it. An owner that does not answer
    /// is an error of the code `timeout` after a second.
    pub(super) fn read(&self) -> Result<ClipboardContents> {
        self.ask(Command::Read)
    }

    /// Puts these forms on the clipboard, instead of all that was there; none empties it.
    pub(super) fn write(&self, contents: &ClipboardContents) -> Result<Effect> {
        let offer = Offer::new(contents)?;
        self.ask(|told| Command::Write(offer.clone(), told))
    }

    /// What we have on the clipboard, if that is ours.
    pub(super) fn kept(&self) -> Result<Option<ClipboardContents>> {
        self.ask(Command::Kept)
    }

    fn ask<T>(&self, command: impl Fn(Sender<Result<T>>) -> Command) -> Result<T> {
        let (told, answer) = mpsc::channel();
        let mut was_gone = false;
        let submit = |live: &mut Live| live.submit(command(told.clone())).inspect_err(|_| was_gone = true);
        // A server that went away while nobody called costs nobody a call.
        if let Err(error) = self.slot.with(submit) {
            if !was_gone {
                return Err(error);
            }
            self.slot.with(|live| live.submit(command(told.clone())))?;
        }
        drop(told);
        // The lock is not held here: who waits for a slow program keeps nobody from writing.
        answer.recv().unwrap_or_else(|_| {
            self.slot.with(|live| live.check())?;
            let display = &self.display;
            Err(Error::internal(format!("the X server at {display} went away meanwhile; repeat the call")))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::ErrorCode;

    #[test]
    fn without_a_server_there_is_no_clipboard_and_one_line_says_so() {
        let error = Clipboard::open("unix/:4242").unwrap_err();
        assert_eq!(error.code, ErrorCode::Internal);
        assert!(error.message.starts_with("cannot connect to the X server at unix/:4242"), "{error}");
    }

    #[test]
    fn a_clipboard_can_be_used_from_any_thread() {
        fn shared<T: core::fmt::Debug + Send + Sync>() {}
        shared::<Clipboard>();
    }
}
