//! The readings that are under way.

use std::time::Instant;

use x11rb::NONE;
use x11rb::connection::SequenceNumber;
use x11rb::protocol::xproto::{Atom, ConnectionExt as _, SelectionNotifyEvent, SelectionRequestEvent, Window};

use super::super::connection::Outcome;
use super::read::{Read, Reader, Step};
use super::service::{Service, create_window, settle};
use crate::api::{ClipboardContents, Result};
use crate::clock;

/// How often a reading begins anew when the owner changes meanwhile, before it takes what it gets.
const RESTARTS: u8 = 3;

/// The most readings that were given up and whose windows are kept.
const ABANDONED: usize = 16;

impl Service {
    /// Reads the clipboard for a caller; `limit` is when the time of one that begins anew is over.
    pub(super) fn read(&mut self, reader: Reader, restarts: u8, limit: Option<Instant>) -> Outcome<()> {
        let owner = self.owner(self.atoms.clipboard)?;
        if owner == NONE {
            return self.finish(reader, Ok(ClipboardContents::default()));
        }
        if let (true, Some(held)) = (owner == self.window, &self.held) {
            let contents = held.offer.contents();
            return self.finish(reader, Ok(contents));
        }
        self.begin(reader, restarts, limit, &[])
    }

    /// Asks the owner, whoever it is. `known` are its targets, if they are known.
    fn begin(&mut self, reader: Reader, restarts: u8, limit: Option<Instant>, known: &[Atom]) -> Outcome<()> {
        let window = match self.windows.pop() {
            Some(window) => window,
            None => match settle(create_window(&self.wire))? {
                Ok(window) => window,
                Err(error) => return self.finish(reader, Err(error)),
            },
        };
        let now = clock::monotonic();
        let mut read = Read::new(window, reader, restarts, limit, now);
        let step = settle(read.begin(&self.wire, &self.atoms, known, now))?;
        self.reads.push(read);
        self.go_on(self.reads.len() - 1, step)
    }

    /// Reads what a program asks to be kept.
    pub(super) fn begin_save(&mut self, request: &SelectionRequestEvent, targets: &[Atom]) -> Outcome<()> {
        self.begin(Reader::Save(*request), RESTARTS, None, targets)
    }

    pub(super) fn read_answered(&mut self, event: &SelectionNotifyEvent) -> Outcome<()> {
        let Some(index) = self.reads.iter().position(|read| read.window == event.requestor) else {
            return Ok(());
        };
        let step = self.reads[index].notified(&self.wire, &self.atoms, event, clock::monotonic());
        let step = settle(step)?;
        self.go_on(index, step)
    }

    pub(super) fn read_changed(&mut self, window: Window) -> Outcome<()> {
        let Some(index) = self.reads.iter().position(|read| read.window == window) else {
            return Ok(());
        };
        let step = self.reads[index].changed(&self.wire, &self.atoms, clock::monotonic());
        let step = settle(step)?;
        self.go_on(index, step)
    }

    fn go_on(&mut self, index: usize, step: Result<Step>) -> Outcome<()> {
        let result = match step {
            Ok(Step::Waiting) => return Ok(()),
            Ok(Step::Over(result)) => result,
            Err(error) => Err(error),
        };
        let read = self.reads.swap_remove(index);
        // Nothing is under way to it any more.
        self.windows.push(read.window);
        match read.reader {
            Some(reader) => self.finish(reader, result),
            None => Ok(()),
        }
    }

    fn finish(&mut self, reader: Reader, result: Result<ClipboardContents>) -> Outcome<()> {
        match reader {
            Reader::Call(told) => {
                // Who asked may have ended meanwhile.
                let _heard = told.send(result).is_ok();
                Ok(())
            }
            Reader::Save(request) => self.finish_save(&request, result),
        }
    }

    /// The clipboard has another owner, since the request of this number. What was asked of the one before may never be
    /// answered, and is not what is on the clipboard now.
    pub(super) fn owner_changed(&mut self, number: SequenceNumber) -> Outcome<()> {
        let now = clock::monotonic();
        let mut readers = Vec::new();
        for read in &mut self.reads {
            let is_last = read.restarts >= RESTARTS && matches!(read.reader, Some(Reader::Call(_)));
            if read.begun > number || is_last {
                continue;
            }
            if let Some(reader) = read.reader.take() {
                readers.push((reader, read.restarts, read.limit));
                read.abandon(now);
            }
        }
        for (reader, restarts, limit) in readers {
            match reader {
                Reader::Call(_) => self.read(reader, restarts + 1, Some(limit))?,
                Reader::Save(request) => self.tell(&request, false)?,
            }
        }
        self.limit_abandoned()
    }

    /// Ends the readings whose owners took too long, and removes the windows that were kept long enough.
    pub(super) fn expire_reads(&mut self, now: Instant) -> Outcome<()> {
        while let Some(index) = self.reads.iter().position(|read| read.deadline() <= now) {
            let read = &mut self.reads[index];
            let Some(reader) = read.reader.take() else {
                let read = self.reads.swap_remove(index);
                self.wire.x.destroy_window(read.window)?;
                continue;
            };
            let result = read.expire(now);
            self.finish(reader, result)?;
        }
        self.limit_abandoned()
    }

    fn limit_abandoned(&mut self) -> Outcome<()> {
        while self.reads.iter().filter(|read| read.reader.is_none()).count() > ABANDONED {
            let abandoned = self.reads.iter().enumerate().filter(|(_, read)| read.reader.is_none());
            let Some((index, _)) = abandoned.min_by_key(|(_, read)| read.deadline()) else {
                return Ok(());
            };
            let read = self.reads.swap_remove(index);
            self.wire.x.destroy_window(read.window)?;
        }
        Ok(())
    }
}
