//! The file of one date: where its chain ends, and adding to it.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::civil::Date;

use super::chain::{GENESIS, claimed, whole};
use super::head::End;
use super::lines::{Backwards, Forwards, Source};
use super::record::Change;
use crate::home::file::{open_careful, sync_directory};
use crate::platform::{self, FileId};

/// How a line of ours ends that is a checkpoint: names of fields are sorted, and none comes after `type`.
const CHECKPOINT_ENDS: &[u8] = b"\"type\": \"audit.checkpoint\"}";

/// How the line begins when the log was closed with it.
const CLOSED_BEGINS: &[u8] = b"{\"closed\": true, ";

/// A checkpoint as it stands in a file. Whether its signature holds is not looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) line: u64,
    pub(super) is_closed: bool,
}

/// What a file holds.
#[derive(Debug)]
pub(super) struct Scan {
    /// Lines with a line break.
    pub(super) lines: u64,
    /// The hash of the last chained one.
    pub(super) last: String,
    /// The last checkpoint.
    pub(super) mark: Option<Mark>,
    /// How many there are.
    pub(super) marks: u64,
    /// The hash that the watched line claims.
    pub(super) watched: Option<String>,
    /// What follows the last line break.
    pub(super) rest: Vec<u8>,
}

impl Scan {
    /// Reads a file up to `length`, and looks at the line of this number.
    pub(super) fn of(file: &impl Source, length: u64, watch: Option<u64>) -> io::Result<Self> {
        let (mut lines, mut mark, mut marks, mut watched) = (0, None, 0, None);
        let mut reader = Forwards::new(file, 0, length);
        while let Some(line) = reader.line()? {
            lines += 1;
            if let Some(found) = mark_of(line, lines) {
                mark = Some(found);
                marks += 1;
            }
            if watch == Some(lines) {
                watched = claimed(line);
            }
        }
        let rest = reader.rest().to_vec();
        Ok(Self { lines, last: last(file, reader.position())?, mark, marks, watched, rest })
    }
}

fn mark_of(line: &[u8], number: u64) -> Option<Mark> {
    line.ends_with(CHECKPOINT_ENDS).then(|| Mark { line: number, is_closed: line.starts_with(CLOSED_BEGINS) })
}

/// The hash of the last chained line before this place.
fn last(file: &impl Source, end: u64) -> io::Result<String> {
    for line in Backwards::new(file, end) {
        if let Some(hash) = claimed(&line?.1) {
            return Ok(hash);
        }
    }
    Ok(GENESIS.to_owned())
}

/// An open file whose chain is known.
#[derive(Debug)]
pub(super) struct Day {
    path: PathBuf,
    date: Date,
    /// Appends only: whatever else happens to the file, nothing in it is overwritten.
    file: Arc<File>,
    place: FileId,
    length: u64,
    lines: u64,
    last: String,
    mark: Option<Mark>,
    is_damaged: bool,
}

/// A file that can be continued, and how it was found.
#[derive(Debug)]
pub(super) struct Resumed {
    pub(super) day: Day,
    /// The part of a line that it ended in. It is cut off.
    pub(super) torn: Vec<u8>,
    /// The hash that the watched line claims.
    pub(super) watched: Option<String>,
}

impl Day {
    /// Opens the file, new or not, and finds the end of its chain. Where it ends in a part of a line, that part is
    /// cut off.
    pub(super) fn resume(path: &Path, date: Date, watch: Option<u64>) -> io::Result<Resumed> {
        let mut file = open_careful(path, OpenOptions::new().read(true).append(true).create(true))?;
        platform::make_private(path)?;
        let metadata = file.metadata()?;
        let mut length = metadata.len();
        if length == 0 {
            sync_directory(path)?;
        }
        let Scan { mut lines, mut last, mut mark, mut watched, rest, .. } = Scan::of(&file, length, watch)?;
        let mut torn = Vec::new();
        if let Some(hash) = whole(&rest, &last) {
            // Only the line break is missing.
            file.write_all(b"\n")?;
            length += 1;
            lines += 1;
            mark = mark_of(&rest, lines).or(mark);
            if watch == Some(lines) {
                watched = Some(hash.clone());
            }
            last = hash;
        } else if !rest.is_empty() {
            length -= rest.len() as u64;
            file.set_len(length)?;
            torn = rest;
        }
        let place = platform::id(&file)?;
        let (path, file) = (path.to_owned(), Arc::new(file));
        let day = Self { path, date, file, place, length, lines, last, mark, is_damaged: false };
        Ok(Resumed { day, torn, watched })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) const fn date(&self) -> Date {
        self.date
    }

    /// Its lines, and the hash of the last chained one.
    pub(super) fn end(&self) -> End {
        End { date: self.date, lines: self.lines, hash: self.last.clone() }
    }

    /// The hash of the last chained line.
    pub(super) fn last(&self) -> &str {
        &self.last
    }

    pub(super) const fn lines(&self) -> u64 {
        self.lines
    }

    /// Whether there is a checkpoint in it.
    pub(super) const fn is_signed(&self) -> bool {
        self.mark.is_some()
    }

    /// Lines after the last checkpoint.
    pub(super) fn unsigned(&self) -> u64 {
        self.lines - self.mark.map_or(0, |mark| mark.line)
    }

    /// Whether the last checkpoint is one by which the log was closed.
    pub(super) fn was_closed(&self) -> bool {
        self.mark.is_some_and(|mark| mark.is_closed)
    }

    /// Whether the path still leads to this file, nobody else has changed its length, and no part of a line of our own
    /// may be at its end.
    pub(super) fn is_untouched(&self) -> bool {
        !self.is_damaged
            && platform::entry(&self.path).is_ok_and(|(id, found)| id == self.place && found.len() == self.length)
    }

    /// What somebody else did to the file, as far as its place and length tell.
    pub(super) fn change(&self) -> Option<Change> {
        match platform::entry(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Some(Change::Lost),
            Err(_) => None,
            Ok((id, _)) if id != self.place => Some(Change::Replaced),
            Ok((_, found)) if found.len() < self.length => Some(Change::Cut),
            Ok((_, found)) if found.len() > self.length && !self.is_damaged => Some(Change::Added),
            Ok(_) => None,
        }
    }

    /// Adds whole lines, all of it or nothing; the last one has this hash.
    pub(super) fn append(&mut self, text: &str, hash: String) -> io::Result<()> {
        if let Err(error) = (&*self.file).write_all(text.as_bytes()) {
            self.is_damaged = self.file.set_len(self.length).is_err();
            return Err(error);
        }
        self.length += text.len() as u64;
        self.lines += text.bytes().filter(|byte| *byte == b'\n').count() as u64;
        self.last = hash;
        Ok(())
    }

    /// The line that was added last is a checkpoint.
    pub(super) const fn marked(&mut self, is_closed: bool) {
        self.mark = Some(Mark { line: self.lines, is_closed });
    }

    /// The file, for whoever forces it to the disk.
    pub(super) fn handle(&self) -> Arc<File> {
        Arc::clone(&self.file)
    }

    /// Waits until all of it is on the disk.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use jiff::civil::date;

    use super::*;

    const DATE: Date = date(2026, 5, 12);

    fn resumed(path: &Path) -> (Day, Vec<u8>) {
        let Resumed { day, torn, .. } = Day::resume(path, DATE, None).expect("the file can be continued");
        (day, torn)
    }

    #[test]
    fn a_failed_write_leaves_the_file_as_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("day.jsonl");
        let (mut day, torn) = resumed(&path);
        assert_eq!((day.last(), torn.len(), day.lines()), (GENESIS, 0, 0));
        day.append("{\"hash\": \"a\"}\n", "a".to_owned()).unwrap();
        let writable = core::mem::replace(&mut day.file, Arc::new(File::open(&path).unwrap()));
        day.append("{\"hash\": \"b\"}\n", "b".to_owned()).unwrap_err();
        assert!(day.is_damaged && !day.is_untouched());
        assert_eq!((day.last(), day.lines()), ("a", 1));
        drop(writable);
        assert_eq!(fs::read(&path).unwrap(), b"{\"hash\": \"a\"}\n");
        let (day, torn) = resumed(&path);
        assert_eq!((day.last(), torn.len(), day.lines()), ("a", 0, 1));
    }

    #[test]
    fn a_touched_file_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("day.jsonl");
        let (mut day, _) = resumed(&path);
        day.append("{}\n", GENESIS.to_owned()).unwrap();
        assert!(day.is_untouched());
        fs::write(&path, "{}").unwrap();
        assert!(!day.is_untouched());
        assert_eq!(day.change(), Some(Change::Cut));
        fs::write(&path, "{}\n").unwrap();
        assert!(day.is_untouched());
        assert_eq!(day.change(), None);
        fs::write(&path, "{}\n\n").unwrap();
        assert_eq!(day.change(), Some(Change::Added));
        let other = dir.path().join("other");
        fs::write(&other, "{}\n").unwrap();
        fs::rename(&other, &path).unwrap();
        assert!(!day.is_untouched());
        assert_eq!(day.change(), Some(Change::Replaced));
        fs::remove_file(&path).unwrap();
        assert!(!day.is_untouched());
        assert_eq!(day.change(), Some(Change::Lost));
    }

    #[test]
    fn lines_and_the_last_checkpoint_are_counted() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("day.jsonl");
        let closed = "{\"closed\": true, \"hash\": \"b\", \"type\": \"audit.checkpoint\"}";
        fs::write(&path, format!("{{\"hash\": \"a\"}}\n{closed}\n\n{{\"type\": \"old\"}}\n{{\"ha")).unwrap();
        let Resumed { day, torn, watched } = Day::resume(&path, DATE, Some(2)).unwrap();
        assert_eq!((day.lines(), day.last(), torn.as_slice()), (4, "b", b"{\"ha".as_slice()));
        assert_eq!((day.unsigned(), day.was_closed(), watched.as_deref()), (2, true, Some("b")));
        assert_eq!(Day::resume(&path, DATE, Some(9)).unwrap().watched, None);
    }
}
