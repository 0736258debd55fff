//! The audit log: one line for everything that happened, chained by hashes, so that a line that is changed, removed
//! or slipped in is noticed.
//!
//! A log is a directory (0700) of one file (0600) for each local date, `2026-05-12.jsonl`, in the format of version 1
//! peers: one JSON object a line, whose `hash` covers the object and whose `prev` is the `hash` of the line before.
//! Each file is a chain of its own. Besides what the caller records there are two entries of the log's own:
//!
//! * `audit.recovered`: the file ended in a part of a line, which a crash leaves. Every verifier would stop there for
//!   good and could not tell it from tampering, so the part is moved into this entry (`torn`, its first bytes as
//!   text, and `torn_bytes`).
//! * `audit.altered`: somebody else changed the file while it was in use. `expected_hash` is the `hash` of the last
//!   line that was written before; a chain that lacks it was cut.
//!
//! Durability: each record is handed to the operating system before [`AuditLog::append`] returns, so it survives a
//! crash of this process. At the start and the end of each session, and every 64 records, a thread of its own is asked
//! to force the file to the disk, so that no call waits for the disk; the log waits for it itself when the date changes
//! and when it is closed. A power failure can take the records of the last moments.

mod chain;
mod day;
mod sync;

use core::fmt;
use core::ops::Range;
use std::collections::VecDeque;
use std::fs::{DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use serde_json::{Map, Value};

pub use self::chain::{Verified, VerifyError, verify_file};
use self::day::Day;
use self::sync::Syncer;
use crate::clock::seconds_of;
use crate::home::json::{self, Style};
use crate::home::{Attempt, file, shown, try_exclusive};

/// After so many records the file is forced to the disk.
const SYNC_EVERY: u32 = 64;

/// Longest line written or read, in bytes: far above what any record needs.
const MAX_LINE: usize = 1 << 20;

/// How much of a torn line is kept as text.
const MAX_TORN: usize = 4096;

/// Whom a record is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerRef {
    /// The name under which the peer is trusted; empty for a stranger.
    pub name: String,
    /// The first 16 digits of its public key.
    pub fp: String,
}

/// One thing that happened.
///
/// A record never holds what was typed, what is on the clipboard or in a file, or what a secret is: only lengths and
/// digests of such. The log is there to be read by others.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// What kind of thing: `call`, `session.opened`…
    pub kind: &'static str,
    /// Whom it is about; absent where nobody has proved a key.
    pub peer: Option<PeerRef>,
    /// What else is known. `ts`, `type`, `peer`, `prev` and `hash` are the log's own and replaced.
    pub fields: Map<String, Value>,
}

/// The one writer of a directory of audit files.
///
/// Every call of [`append`](Self::append) is a few system calls on a local file and, now and then, a wait for the
/// disk of some milliseconds.
pub struct AuditLog {
    dir: PathBuf,
    clock: Box<dyn Fn() -> SystemTime + Send>,
    zone: TimeZone,
    /// The file in use; `None` after a failure, when it must be looked at anew.
    day: Option<Day>,
    /// The time that belongs to the date of `day`, so that most records need no calendar.
    midnight: Option<Range<SystemTime>>,
    /// Entries of our own that could not be written yet.
    notes: VecDeque<Record>,
    unsynced: u32,
    syncer: Syncer,
    /// Open, and thereby locked, for as long as the log is.
    _lock: File,
}

impl fmt::Debug for AuditLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuditLog").field("dir", &self.dir).finish_non_exhaustive()
    }
}

impl AuditLog {
    /// Opens the log in `dir`, which is created where it is missing, and continues today's file. Today is the local
    /// date of what `clock` says, in the time zone of the system at this moment.
    ///
    /// # Errors
    /// [`AuditError::Busy`] when another log is open there, [`AuditError::Io`] when the file cannot be continued.
    pub fn open(dir: &Path, clock: impl Fn() -> SystemTime + Send + 'static) -> Result<Self, AuditError> {
        Self::open_in(dir, TimeZone::system(), Box::new(clock))
    }

    fn open_in(dir: &Path, zone: TimeZone, clock: Box<dyn Fn() -> SystemTime + Send>) -> Result<Self, AuditError> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(dir)
            .and_then(|()| file::make_private(dir))
            .map_err(|error| AuditError::io("use", dir, error))?;
        let lock = dir.join(".lock");
        let lock = match try_exclusive(&lock).map_err(|error| AuditError::io("lock", &lock, error))? {
            Attempt::Held(file) => file,
            Attempt::Busy(_) => return Err(AuditError::Busy { dir: dir.to_owned() }),
        };
        let mut log = Self {
            dir: dir.to_owned(),
            clock,
            zone,
            day: None,
            midnight: None,
            notes: VecDeque::new(),
            unsynced: 0,
            syncer: Syncer::start().map_err(|error| AuditError::io("sync", dir, error))?,
            _lock: lock,
        };
        let now = (log.clock)();
        let mut day = log.today(now)?;
        // A failure here must not lose the note of what was cut off; the first append meets it again.
        if let Err(error) = log.write_notes(&mut day, now) {
            tracing::error!(%error, "the audit log cannot be written");
        }
        log.keep(day);
        Ok(log)
    }

    /// Adds a record with the time of now.
    ///
    /// # Errors
    /// [`AuditError::Io`], for instance when the disk is full. No part of the record is then left in the file, and
    /// the next call tries afresh. The exception is a failure to force it to the disk, when the record is there
    /// but may not survive a power failure.
    pub fn append(&mut self, record: Record) -> Result<(), AuditError> {
        let now = (self.clock)();
        let mut day = self.today(now)?;
        let written = self.write_notes(&mut day, now).and_then(|()| self.write(&mut day, now, record));
        self.keep(day);
        written
    }

    fn keep(&mut self, day: Day) {
        self.day = (!day.is_damaged()).then_some(day);
    }

    /// The file of today: the one in use, or another one when the date has changed or somebody touched it.
    fn today(&mut self, now: SystemTime) -> Result<Day, AuditError> {
        if self.midnight.as_ref().is_some_and(|today| today.contains(&now))
            && self.day.as_ref().is_some_and(Day::is_untouched)
            && let Some(day) = self.day.take()
        {
            return Ok(day);
        }
        let zoned = Timestamp::try_from(now).map_err(|_| AuditError::Clock)?.to_zoned(self.zone.clone());
        self.midnight = span(&zoned);
        let date = zoned.date();
        let path = self.dir.join(format!("{date}.jsonl"));
        let old = match self.day.take() {
            Some(day) if day.path() == path && day.is_untouched() => return Ok(day),
            old => old,
        };
        let (day, torn) = match Day::resume(&path) {
            Ok(resumed) => resumed,
            Err(error) => {
                self.day = old;
                return Err(AuditError::io("continue", &path, error));
            }
        };
        if let Some(torn) = torn {
            tracing::warn!(path = %path.display(), bytes = torn.len(), "the audit log ended in a part of a line");
            self.notes.push_back(recovered(&torn));
        }
        match old {
            Some(old) if old.path() != path => old.sync().map_err(|error| AuditError::io("sync", old.path(), error))?,
            Some(old) if old.last() != day.last() => {
                tracing::error!(path = %path.display(), "the audit log was changed by somebody else");
                self.notes.push_back(altered(old.last()));
            }
            _ => {}
        }
        Ok(day)
    }

    fn write_notes(&mut self, day: &mut Day, now: SystemTime) -> Result<(), AuditError> {
        while let Some(note) = self.notes.front().cloned() {
            self.write(day, now, note)?;
            self.notes.pop_front();
        }
        Ok(())
    }

    fn write(&mut self, day: &mut Day, now: SystemTime, record: Record) -> Result<(), AuditError> {
        let Record { kind, peer, fields: mut entry } = record;
        let (name, fp) = peer.map_or_else(Default::default, |peer| (peer.name, peer.fp));
        entry.insert("ts".into(), microseconds(now).into());
        entry.insert("type".into(), kind.into());
        entry.insert("peer".into(), fields([("name", name.into()), ("fp", fp.into())]).into());
        let hash = chain::seal(&mut entry, day.last());
        let mut line = json::object(&entry, Style::Line);
        line.push('\n');
        if line.len() > MAX_LINE {
            return Err(AuditError::TooLong { bytes: line.len() });
        }
        day.append(&line, hash).map_err(|error| AuditError::io("write", day.path(), error))?;
        self.unsynced += 1;
        if self.unsynced >= SYNC_EVERY || matches!(kind, "session.opened" | "session.closed") {
            self.syncer.ask(day.handle().map_err(|error| AuditError::io("sync", day.path(), error))?);
            self.unsynced = 0;
        }
        Ok(())
    }
}

impl Drop for AuditLog {
    fn drop(&mut self) {
        if let Some(day) = &self.day
            && let Err(error) = day.sync()
        {
            tracing::warn!(%error, "the end of the audit log may not survive a power failure");
        }
    }
}

/// From the first moment of a date to the first of the next one.
fn span(zoned: &Zoned) -> Option<Range<SystemTime>> {
    let start = zoned.start_of_day().ok()?;
    let end = start.tomorrow().ok()?.start_of_day().ok()?;
    Some(start.timestamp().into()..end.timestamp().into())
}

/// Seconds since 1970 in whole microseconds: such a number has at most 16 digits, which every reader gets right.
fn microseconds(time: SystemTime) -> f64 {
    (seconds_of(time) * 1e6).round() / 1e6
}

fn recovered(torn: &[u8]) -> Record {
    let text = String::from_utf8_lossy(&torn[..torn.len().min(MAX_TORN)]).into_owned();
    let fields = fields([("torn_bytes", torn.len().into()), ("torn", text.into())]);
    Record { kind: "audit.recovered", peer: None, fields }
}

fn altered(expected_hash: &str) -> Record {
    let fields = fields([("expected_hash", expected_hash.into())]);
    Record { kind: "audit.altered", peer: None, fields }
}

fn fields<const N: usize>(pairs: [(&str, Value); N]) -> Map<String, Value> {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Why the audit log cannot be used.
#[derive(Debug)]
pub enum AuditError {
    /// Another process, or another log of this one, writes there.
    Busy {
        /// The directory.
        dir: PathBuf,
    },
    /// The operating system refused, or the file is not one that can be continued.
    Io {
        /// A verb: what could not be done.
        doing: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The record is longer than a line may be.
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// The system's clock shows a time that no calendar has.
    Clock,
}

impl AuditError {
    fn io(doing: &'static str, path: &Path, error: io::Error) -> Self {
        Self::Io { doing, path: path.to_owned(), error }
    }
}

impl fmt::Display for AuditError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busy { dir } => {
                write!(f, "another opendesk writes the audit log in {}; stop it or use another --home", shown(dir))
            }
            Self::Io { doing, path, error } => write!(f, "cannot {doing} the audit log {}: {error}", shown(path)),
            Self::TooLong { bytes } => {
                write!(f, "an audit record of {bytes} bytes is longer than a line of the log may be")
            }
            Self::Clock => f.write_str("the audit log needs the date, but the system's clock is out of range; set it"),
        }
    }
}

impl core::error::Error for AuditError {}

#[cfg(test)]
mod tests;
