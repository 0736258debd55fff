//! What is added to a log, while it is added: over midnight, when a clock is set back, and when a file is cut or replaced.

use std::collections::BTreeMap;
use std::fs::File;
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

/// Up to where a file was read.
#[derive(Debug, Clone, Copy)]
struct Place {
    /// `None` before it was seen.
    file: Option<FileId>,
    offset: u64,
    /// Whether it was said that it cannot be read.
    is_told: bool,
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
            (*date, Place { file, offset, is_told: false })
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
            let place = self.places.entry(*date).or_insert(Place { file: None, offset: 0, is_told: false });
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
        if self.file == Some(file) && found.len() == self.offset {
            return Ok(());
        }
        let source: File = Source::open(path)?;
        let metadata = source.metadata()?;
        let (file, length) = (platform::id(&source)?, metadata.len());
        if self.file.is_some_and(|known| known != file) {
            each(Found::Changed { path: path.to_owned() });
            self.offset = 0;
        } else if length < self.offset {
            each(Found::Changed { path: path.to_owned() });
            self.offset = match Backwards::new(&source, length).next() {
                Some(rest) => rest?.0,
                None => 0,
            };
        }
        self.file = Some(file);
        let mut lines = Forwards::new(&source, self.offset, length);
        let given = give(&mut lines, path, filter, each);
        self.offset = lines.position();
        given
    }
}
