//! Reading the log: its last entries that are wanted. Files are read from the end, as far back as is needed.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use jiff::{Timestamp, tz::TimeZone};

use super::days;
use super::entry::{Entry, Filter};
use super::error::AuditError;
use super::follow::Follower;
use super::lines::{Backwards, Forwards, Source};

/// How far a clock may have been set back while the log was written, in seconds: an entry that is older than what is
/// wanted ends the search only by more than this.
const SLACK: f64 = 60.0;

/// What is found in a log.
#[derive(Debug, Clone, PartialEq)]
pub enum Found {
    /// An entry that is wanted.
    Entry(Entry),
    /// So many lines of a file are no entries.
    Damaged {
        /// The file.
        path: PathBuf,
        /// How many.
        lines: u64,
    },
    /// A file could not be read, or not all of it.
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// A file that is followed is not what it was: it was cut, or another one is in its place.
    Changed {
        /// The file.
        path: PathBuf,
    },
}

/// Gives the last `limit` entries that are wanted, the oldest first, or all of them when `limit` is 0; of one day or of all.
/// What is added later is given by the [`Follower`], without a gap. The log need not be there.
///
/// # Errors
/// [`AuditError::Io`] when the folder cannot be read. Of a file that cannot be, [`Found::Unreadable`] tells.
pub fn read_log(
    folder: &Path,
    day: Option<Date>,
    filter: Filter,
    limit: usize,
    mut each: impl FnMut(Found),
) -> Result<Follower, AuditError> {
    let listed = days::days(folder).map_err(|error| AuditError::io("read", folder, error))?;
    let wanted = listed.iter().filter(|(date, _)| day.is_none_or(|day| day == *date)).cloned().collect();
    let ends = entries::<File>(wanted, &filter, limit, &mut each);
    Ok(Follower::new(folder.to_owned(), filter, &listed, &ends))
}

/// A part of a file.
struct Part<S> {
    date: Date,
    path: PathBuf,
    file: S,
    start: u64,
    end: u64,
}

/// Gives entries of these files, and up to where each file was read.
pub(super) fn entries<S: Source>(
    days: Vec<(Date, PathBuf)>,
    filter: &Filter,
    limit: usize,
    each: &mut impl FnMut(Found),
) -> Vec<(Date, u64)> {
    let earliest = filter.since.and_then(first_date);
    let mut parts = Vec::new();
    let mut unreadable = Vec::new();
    let mut left = limit;
    for (date, path) in days.into_iter().rev() {
        if earliest.is_some_and(|earliest| date < earliest) {
            break;
        }
        match part::<S>(date, path.clone(), filter, limit, &mut left) {
            Ok((part, is_enough)) => {
                parts.push(part);
                if is_enough {
                    break;
                }
            }
            Err(error) => unreadable.push(Found::Unreadable { path, why: error.to_string() }),
        }
    }
    unreadable.into_iter().rev().for_each(&mut *each);
    parts
        .into_iter()
        .rev()
        .map(|Part { date, path, file, start, end }| {
            let mut lines = Forwards::new(&file, start, end);
            if let Err(error) = give(&mut lines, &path, filter, each) {
                each(Found::Unreadable { path, why: error.to_string() });
            }
            (date, lines.position())
        })
        .collect()
}

/// The part of a file in which the wanted entries are, and whether there is no need to look into older files.
fn part<S: Source>(
    date: Date,
    path: PathBuf,
    filter: &Filter,
    limit: usize,
    left: &mut usize,
) -> io::Result<(Part<S>, bool)> {
    let file = S::open(&path)?;
    let end = file.length()?;
    let (mut start, mut is_enough) = (0, false);
    if limit > 0 || filter.since.is_some() {
        // The first piece is no line yet.
        for piece in Backwards::new(&file, end).skip(1) {
            let (at, line) = piece?;
            let Some(entry) = Entry::read(&line) else { continue };
            if filter.since.is_some_and(|since| entry.at() < since - SLACK) {
                (start, is_enough) = (at + line.len() as u64 + 1, true);
                break;
            }
            if filter.fits(&entry) {
                *left = left.saturating_sub(1);
                if limit > 0 && *left == 0 {
                    (start, is_enough) = (at, true);
                    break;
                }
            }
        }
    }
    Ok((Part { date, path, file, start, end }, is_enough))
}

/// Gives the wanted entries of some lines.
pub(super) fn give<S: Source>(
    lines: &mut Forwards<'_, S>,
    path: &Path,
    filter: &Filter,
    each: &mut impl FnMut(Found),
) -> io::Result<()> {
    let mut damaged = 0;
    let read = loop {
        match lines.line() {
            Ok(None) => break Ok(()),
            Ok(Some(line)) if line.trim_ascii().is_empty() => {}
            Ok(Some(line)) => match Entry::read(line) {
                Some(entry) if filter.fits(&entry) => each(Found::Entry(entry)),
                Some(_) => {}
                None => damaged += 1,
            },
            Err(error) => break Err(error),
        }
    };
    if damaged > 0 {
        each(Found::Damaged { path: path.to_owned(), lines: damaged });
    }
    read
}

/// The oldest date whose file can hold an entry of this time. Its writer may have been in another time zone.
fn first_date(since: f64) -> Option<Date> {
    let time = Timestamp::from_second(since as i64).ok()?;
    time.to_zoned(TimeZone::system()).date().yesterday().ok()
}
