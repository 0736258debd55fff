//! What is added to a log, while it is added: over midnight, when a clock is set back, and when a file is cut or replaced.

use core::hash::Hasher;
use std::collections::BTreeMap;
use std::fs::File;
use std::hash::DefaultHasher;
use std::io;
use std::path::{Path, PathBuf};

use jiff::civil::Date;

use super::days;
use super::entry::Filter;
use super::error::AuditError;
use super::lines::{Backwards, Forwards, Source};
use super::read::{Found, give};
use crate::platform::{self, FileId};

/// How many of the newest files are looked at: the one in use, the one before when the date has just changed or the clock
/// was set back, and one more.
const LOOKED_AT: usize = 3;

/// How many of the last lines are known again: where a file was cut, what follows on the last one that is left is new. More
/// than are written between two looks.
const KNOWN: usize = 256;

/// Up to where a file was read.
#[derive(Debug, Clone, Default)]
struct Place {
    /// `None` before it was seen.
    file: Option<FileId>,
    /// When it was changed last, as far as it was looked at.
    changed: Option<(i64, i64)>,
    offset: u64,
    /// The last lines before that.
    known: Vec<Line>,
    /// Whether it was said that it cannot be read.
    is_told: bool,
}

/// A line that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Line {
    start: u64,
    length: usize,
    digest: u64,
}

/// Gives what is added to a log. It has no thread: [`poll`](Self::poll) is called now and then.
#[derive(Debug)]
pub struct Follower {
    folder: PathBuf,
    filter: Filter,
    places: BTreeMap<Date, Place>,
}

impl Follower {
    /// Goes on after what was read of these files; of the others only what is added from now on counts.
    pub(super) fn new(folder: PathBuf, filter: Filter, days: &[(Date, PathBuf)], read: &[(Date, u64)]) -> Self {
        let places = days.iter().map(|(date, path)| {
            let (file, found) = platform::entry(path).ok().unzip();
            let end = read.iter().find(|(of, _)| of == date).map(|(_, end)| *end);
            let offset = end.unwrap_or_else(|| found.map_or(0, |found| found.len()));
            let mut place = Place { file, offset, ..Place::default() };
            // Without them a change is noticed by the length alone.
            if let Ok(source) = <File as Source>::open(path) {
                drop(place.learn(&source));
            }
            (*date, place)
        });
        Self { folder, filter, places: places.collect() }
    }

    /// Gives the wanted entries that were added since this was last called.
    ///
    /// # Errors
    /// [`AuditError::Io`] when the folder cannot be read. Of a file that cannot be, [`Found::Unreadable`] tells once.
    pub fn poll(&mut self, mut each: impl FnMut(Found)) -> Result<(), AuditError> {
        let days = days::days(&self.folder).map_err(|error| AuditError::io("read", &self.folder, error))?;
        for (date, path) in days.iter().skip(days.len().saturating_sub(LOOKED_AT)) {
            let place = self.places.entry(*date).or_default();
            match place.go_on(path, &self.filter, &mut each) {
                Ok(()) => place.is_told = false,
                // It was there a moment ago.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) if !place.is_told => {
                    place.is_told = true;
                    each(Found::Unreadable { path: path.clone(), why: error.to_string() });
                }
                Err(_) => {}
            }
        }
        Ok(())
    }
}

impl Place {
    fn go_on(&mut self, path: &Path, filter: &Filter, each: &mut impl FnMut(Found)) -> io::Result<()> {
        let (file, found) = platform::entry(path)?;
        let changed = Some(platform::changed(&found));
        if self.file == Some(file) && found.len() == self.offset && self.changed == changed {
            return Ok(());
        }
        let source: File = Source::open(path)?;
        let metadata = source.metadata()?;
        let (file, length) = (platform::id(&source)?, metadata.len());
        let is_another = self.file.is_some_and(|known| known != file);
        let left = if is_another { 0 } else { self.left(&source, length)? };
        if is_another || left < self.offset {
            each(Found::Changed { path: path.to_owned() });
            self.offset = left;
        }
        self.file = Some(file);
        // What is written from here on changes it again.
        self.changed = Some(platform::changed(&metadata));
        let mut lines = Forwards::new(&source, self.offset, length);
        let given = give(&mut lines, path, filter, each);
        self.offset = lines.position();
        self.learn(&source)?;
        given
    }

    /// Up to where the file is as it was read.
    fn left(&self, source: &File, length: u64) -> io::Result<u64> {
        for line in self.known.iter().rev().filter(|line| line.end() <= length) {
            if line.is_in(source)? {
                return Ok(line.end());
            }
        }
        // Before its first line there is nothing that could have changed.
        Ok(if self.known.is_empty() { self.offset.min(length) } else { 0 })
    }

    /// Takes note of the last lines that were read.
    fn learn(&mut self, source: &File) -> io::Result<()> {
        let mut known = Vec::new();
        // The first piece is what follows the last line.
        for piece in Backwards::new(source, self.offset).skip(1).take(KNOWN) {
            let (start, line) = piece?;
            known.push(Line { start, length: line.len(), digest: digest(&line) });
        }
        known.reverse();
        self.known = known;
        Ok(())
    }
}

impl Line {
    /// Behind its line break.
    const fn end(&self) -> u64 {
        self.start + self.length as u64 + 1
    }

    /// Whether it still stands there.
    fn is_in(&self, source: &File) -> io::Result<bool> {
        let mut line = vec![0; self.length + 1];
        source.read_at(&mut line, self.start)?;
        Ok(line.pop() == Some(b'\n') && digest(&line) == self.digest)
    }
}

/// Tells lines apart, within this process.
fn digest(line: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(line);
    hasher.finish()
}
