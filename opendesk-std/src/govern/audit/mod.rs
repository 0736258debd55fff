//! The audit log: one line for everything that happened, chained by hashes and signed, so that a line that is changed,
//! removed or slipped in is noticed. docs/AUDIT.md describes every entry, what is signed and what cannot be noticed.
//!
//! A log is a directory (0700) of one file (0600) for each local date, `2026-05-12.jsonl`, in the format of version 1
//! peers: one JSON object a line, whose `hash` covers the object and whose `prev` is the `hash` of the line before.
//! Each file is a chain of its own, and says on which other file it follows. Besides what the caller records there are
//! entries of the log's own:
//!
//! * `audit.opened` begins a file: date, lines and last hash of the one before.
//! * `audit.checkpoint` signs all lines before it: behind `audit.opened`, when the log is opened, every 64 entries, when
//!   a session ends, before the date changes, and, with `closed`, when the log is closed. `head.json` then says, signed,
//!   up to where the log goes.
//! * `audit.signer`: this machine has another signing key from here on.
//! * `audit.recovered`: the log was not closed, as after a crash, and perhaps ended in a part of a line. Every verifier
//!   would stop there for good and could not tell it from tampering, so the part is moved into this entry.
//! * `audit.altered`: somebody else changed the log, and what it was before.
//! * `audit.missed`: entries that could not be written, as on a full disk: how many, and since when.
//!
//! Durability: each record is handed to the operating system before [`AuditLog::append`] returns, so it survives a
//! crash of this process. When a session begins, and with each checkpoint, a thread of its own is asked to force the file
//! to the disk, so that no call waits for the disk; the log waits for it itself when it is opened, when the date changes
//! and when it is closed. A power failure can take the records of the last moments.

mod chain;
mod checkpoint;
mod day;
mod days;
mod entry;
mod error;
mod folder;
mod follow;
mod head;
mod lines;
mod read;
mod record;
mod resume;
mod sync;
mod verify;

use core::fmt;
use core::ops::Range;
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use jiff::tz::TimeZone;
use opendesk_core::SigningKey;

pub use self::chain::{Verified, VerifyError, verify_file};
use self::day::Day;
pub use self::entry::{Entry, Filter};
pub use self::error::AuditError;
use self::folder::Folder;
pub use self::follow::Follower;
pub use self::head::{End, HEAD, Head};
pub use self::read::{Found, read_log};
pub use self::record::{PeerRef, Record};
use self::record::{fields, missed, opened};
use self::resume::Begin;
use self::sync::Syncer;
pub use self::verify::{FileReport, LogReport, Recovered, Report, verify_log};
use crate::clock::seconds_of;
use crate::home::json::{self, Style};

/// After so many entries there is a checkpoint: a signature takes as long as a few entries, and this many may be cut
/// off unnoticed from a log that was not closed.
const SIGN_EVERY: u64 = 64;

/// Longest line written or read, in bytes: far above what any record needs.
const MAX_LINE: usize = 1 << 20;

/// How a log is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditState {
    /// Records since it was opened.
    pub entries: u64,
    /// Whether somebody else has changed it since then and the owner does not know yet: nothing that acts is recorded.
    pub altered: bool,
    /// Why the last record could not be written.
    pub error: Option<String>,
    /// Whether its end may not survive a power failure, because the disk did not take it. That holds nothing back.
    pub unsettled: bool,
}

/// Entries that could not be written, and that nothing in the log tells of yet.
#[derive(Debug, Clone, Copy)]
struct Unwritten {
    entries: u64,
    /// When the first of them should have been, in seconds since 1970.
    since: f64,
}

/// The one writer of a directory of audit files.
///
/// Every call of [`append`](Self::append) is a few system calls on a local file and, now and then, a signature or a wait
/// for the disk of some milliseconds.
pub struct AuditLog {
    folder: Folder,
    clock: Box<dyn Fn() -> SystemTime + Send>,
    zone: TimeZone,
    signer: Arc<SigningKey>,
    /// The file in use.
    day: Option<Day>,
    /// The time that belongs to the date of `day`, so that most records need no calendar.
    midnight: Option<Range<SystemTime>>,
    /// Whether a file was in use.
    has_begun: bool,
    begin: Option<Begin>,
    /// Where the file ends that was in use before the date changed.
    left: Option<End>,
    /// Entries of our own that could not be written yet.
    notes: VecDeque<Record>,
    unwritten: Option<Unwritten>,
    entries: u64,
    /// The file that somebody else has changed.
    altered: Option<PathBuf>,
    error: Option<String>,
    syncer: Syncer,
}

impl fmt::Debug for AuditLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuditLog").field("folder", &self.folder.path()).finish_non_exhaustive()
    }
}

impl AuditLog {
    /// Opens the log in `dir`, which is created where it is missing, and continues today's file. Today is the local
    /// date of what `clock` says, in the time zone of the system at this moment. `signer` is this machine's key. What was
    /// done to the log since it was last closed is noted in it. It waits for the disk.
    ///
    /// # Errors
    /// [`AuditError::Busy`] when another log is open there, [`AuditError::Io`] when the file cannot be continued.
    pub fn open(
        dir: &Path,
        clock: impl Fn() -> SystemTime + Send + 'static,
        signer: SigningKey,
    ) -> Result<Self, AuditError> {
        Self::open_in(dir, TimeZone::system(), Box::new(clock), signer)
    }

    fn open_in(
        dir: &Path,
        zone: TimeZone,
        clock: Box<dyn Fn() -> SystemTime + Send>,
        signer: SigningKey,
    ) -> Result<Self, AuditError> {
        let mut log = Self {
            folder: Folder::take(dir)?,
            clock,
            zone,
            signer: Arc::new(signer),
            day: None,
            midnight: None,
            has_begun: false,
            begin: None,
            left: None,
            notes: VecDeque::new(),
            unwritten: None,
            entries: 0,
            altered: None,
            error: None,
            syncer: Syncer::start(dir).map_err(|error| AuditError::io("sync", dir, error))?,
        };
        log.compare_with_head();
        let now = (log.clock)();
        let mut day = log.today(now)?;
        // A failure here must not lose the notes of what was found; the first record meets it again.
        if !log.is_unused()
            && let Err(error) = log.catch_up(&mut day, now)
        {
            tracing::error!(%error, "the audit log cannot be written");
            log.error = Some(error.to_string());
        }
        log.day = Some(day);
        log.syncer.settle();
        Ok(log)
    }

    /// Adds a record with the time of now.
    ///
    /// # Errors
    /// [`AuditError::Io`], for instance when the disk is full. No part of the record is then left in the file, and
    /// the next call tries afresh. [`AuditError::Altered`] while somebody else has changed the file and nobody has
    /// [acknowledged](Self::acknowledge) it: then the record is not written either. But for that one and for a record
    /// that is too long, the next call that works first says in the log that one is missing.
    pub fn append(&mut self, record: Record) -> Result<(), AuditError> {
        self.add(record, true)
    }

    /// Adds a record of what needs no permission, or has happened already: also to a file that somebody else has changed.
    ///
    /// # Errors
    /// As [`append`](Self::append), but for [`AuditError::Altered`].
    pub fn append_anyway(&mut self, record: Record) -> Result<(), AuditError> {
        self.add(record, false)
    }

    /// The owner knows what somebody else did to the log: actions are recorded again.
    pub fn acknowledge(&mut self) {
        self.altered = None;
    }

    /// Looks whether somebody else has changed the file in use, its folder or its place, and notes it.
    ///
    /// # Errors
    /// As [`append`](Self::append), while what was found holds actions back.
    pub fn look(&mut self) -> Result<(), AuditError> {
        if self.day.as_ref().is_some_and(|day| day.change().is_some()) {
            let found = self.in_use(|_, _, _| Ok(()));
            self.error = found.as_ref().err().map(AuditError::to_string);
            found?;
        }
        match &self.altered {
            Some(path) => Err(AuditError::Altered { path: path.clone() }),
            None => Ok(()),
        }
    }

    /// How the log is.
    #[must_use]
    pub fn state(&self) -> AuditState {
        let (altered, error) = (self.altered.is_some(), self.error.clone());
        AuditState { entries: self.entries, altered, error, unsettled: self.syncer.has_failed() }
    }

    /// Signs what was recorded so far. The log does so itself now and then.
    ///
    /// # Errors
    /// [`AuditError::Io`].
    pub fn checkpoint(&mut self) -> Result<(), AuditError> {
        self.sign_all(false)
    }

    /// Signs with another key from now on: that of a machine whose keys were changed. The former key signs what was
    /// recorded before, and both sign that the one follows on the other.
    pub fn set_signer(&mut self, signer: SigningKey) {
        if signer.public() == self.signer.public() {
            return;
        }
        let told = |done: Result<(), AuditError>| {
            if let Err(error) = done {
                tracing::error!(%error, "the audit log cannot be signed");
            }
        };
        told(self.sign_all(false));
        self.notes.push_back(checkpoint::signer(&self.signer, &signer));
        self.signer = Arc::new(signer);
        told(self.sign_all(false));
    }

    fn add(&mut self, record: Record, is_action: bool) -> Result<(), AuditError> {
        let added = self.in_use(|log, day, now| {
            if let Some(path) = log.altered.clone().filter(|_| is_action) {
                return Err(AuditError::Altered { path });
            }
            let is_end = record.kind == "session.closed";
            let is_start = record.kind == "session.opened";
            log.write(day, now, record)?;
            log.entries += 1;
            if is_end || day.unsigned() >= SIGN_EVERY {
                // The record is there; the next one tries again.
                if let Err(error) = log.sign(day, now, false) {
                    tracing::error!(%error, "the audit log cannot be signed");
                }
            } else if is_start {
                log.syncer.ask(day.handle(), None);
            }
            Ok(())
        });
        match &added {
            Ok(()) => self.error = None,
            Err(AuditError::Altered { .. } | AuditError::TooLong { .. }) => {}
            Err(error @ (AuditError::Busy { .. } | AuditError::Io { .. } | AuditError::Clock)) => {
                self.error = Some(error.to_string());
                self.miss();
            }
        }
        added
    }

    /// Remembers that an entry is not in the log, until the log says so itself.
    fn miss(&mut self) {
        let none = || Unwritten { entries: 0, since: microseconds((self.clock)()) };
        let former = self.unwritten.unwrap_or_else(none);
        self.unwritten = Some(Unwritten { entries: former.entries + 1, ..former });
    }

    /// Does something with the file of today, once everything is in it that has to come first.
    fn in_use(
        &mut self,
        act: impl FnOnce(&mut Self, &mut Day, SystemTime) -> Result<(), AuditError>,
    ) -> Result<(), AuditError> {
        let now = (self.clock)();
        let mut day = self.today(now)?;
        let done = self.catch_up(&mut day, now).and_then(|()| act(self, &mut day, now));
        self.day = Some(day);
        done
    }

    fn sign_all(&mut self, is_closed: bool) -> Result<(), AuditError> {
        self.in_use(
            |log, day, now| {
                if day.unsigned() > 0 || is_closed { log.sign(day, now, is_closed) } else { Ok(()) }
            },
        )
    }

    /// Whether the log is as it was when it was last closed, and nothing is to be noted.
    fn is_unused(&self) -> bool {
        matches!(self.begin, Some(Begin::Run)) && self.has_said_all()
    }

    /// Whether no entry of our own is still to be written.
    fn has_said_all(&self) -> bool {
        self.notes.is_empty() && self.unwritten.is_none()
    }

    /// Writes what has to come before the next record.
    fn catch_up(&mut self, day: &mut Day, now: SystemTime) -> Result<(), AuditError> {
        match &self.begin {
            Some(Begin::File(previous)) => {
                let note = opened(previous.as_ref(), day.lines());
                self.open_file(day, now, note)?;
            }
            Some(Begin::Run) => self.sign(day, now, false)?,
            None => {}
        }
        self.begin = None;
        let is_behind = !self.has_said_all();
        while let Some(note) = self.notes.front().cloned() {
            self.write(day, now, note)?;
            self.notes.pop_front();
        }
        if let Some(Unwritten { entries, since }) = self.unwritten {
            self.write(day, now, missed(entries, since))?;
            self.unwritten = None;
        }
        if is_behind { self.sign(day, now, false) } else { Ok(()) }
    }

    /// Both first lines at once: a file of ours is signed from its beginning, or is not there.
    fn open_file(&self, day: &mut Day, now: SystemTime, note: Record) -> Result<(), AuditError> {
        let (first, hash) = sealed(now, note, day.last())?;
        let end = End { lines: day.lines() + 1, hash, ..day.end() };
        let (second, hash) = self.checkpoint_at(now, &end, false)?;
        day.append(&(first + &second), hash).map_err(|error| AuditError::io("write", day.path(), error))?;
        self.signed(day, false);
        Ok(())
    }

    fn write(&self, day: &mut Day, now: SystemTime, record: Record) -> Result<(), AuditError> {
        let (line, hash) = sealed(now, record, day.last())?;
        day.append(&line, hash).map_err(|error| AuditError::io("write", day.path(), error))
    }

    fn sign(&self, day: &mut Day, now: SystemTime, is_closed: bool) -> Result<(), AuditError> {
        let (line, hash) = self.checkpoint_at(now, &day.end(), is_closed)?;
        day.append(&line, hash).map_err(|error| AuditError::io("sign", day.path(), error))?;
        self.signed(day, is_closed);
        Ok(())
    }

    /// The last line is a checkpoint.
    fn signed(&self, day: &mut Day, is_closed: bool) {
        day.marked(is_closed);
        self.syncer.ask(day.handle(), Some((day.end(), Arc::clone(&self.signer))));
    }

    fn checkpoint_at(&self, now: SystemTime, end: &End, is_closed: bool) -> Result<(String, String), AuditError> {
        let checkpoint = checkpoint::checkpoint(&self.signer, end, is_closed).ok_or(AuditError::Clock)?;
        sealed(now, checkpoint, &end.hash)
    }
}

impl Drop for AuditLog {
    fn drop(&mut self) {
        if self.is_unused() {
            return;
        }
        // A date that has changed needs no new file for that.
        let closed = match self.day.take() {
            Some(mut day) if self.has_said_all() && day.is_signed() && day.is_untouched() => {
                self.sign(&mut day, (self.clock)(), true)
            }
            day => {
                self.day = day;
                self.sign_all(true)
            }
        };
        if let Err(error) = closed {
            tracing::warn!(%error, "the audit log could not be closed");
        }
    }
}

/// The line of a record that follows on the one with hash `prev`, with its line break, and its hash.
fn sealed(now: SystemTime, record: Record, prev: &str) -> Result<(String, String), AuditError> {
    let Record { kind, peer, fields: mut entry } = record;
    let (name, fp) = peer.map_or_else(Default::default, |peer| (peer.name, peer.fp));
    entry.insert("ts".into(), microseconds(now).into());
    entry.insert("type".into(), kind.into());
    entry.insert("peer".into(), fields([("name", name.into()), ("fp", fp.into())]).into());
    let hash = chain::seal(&mut entry, prev);
    let mut line = json::object(&entry, Style::Line);
    line.push('\n');
    if line.len() > MAX_LINE { Err(AuditError::TooLong { bytes: line.len() }) } else { Ok((line, hash)) }
}

/// Seconds since 1970 in whole microseconds: such a number has at most 16 digits, which every reader gets right.
fn microseconds(time: SystemTime) -> f64 {
    (seconds_of(time) * 1e6).round() / 1e6
}

#[cfg(test)]
mod tests;
