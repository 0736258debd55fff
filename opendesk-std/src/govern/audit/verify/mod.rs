//! Whether a log is as it was written: the chain of each file, its signed checkpoints, how the files follow on each
//! other, and the signed end.

mod file;
mod trust;
mod whole;

use std::io;
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use opendesk_core::VerifyingKey;

use self::file::Reading;
use super::chain::VerifyError;
use super::days;
use super::head::Head;

/// What was found in some logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// One for each folder.
    pub logs: Vec<LogReport>,
}

impl Report {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_intact(&self) -> bool {
        self.logs.iter().all(|log| log.faults.is_empty() && log.files.iter().all(|file| file.error.is_none()))
    }

    /// Every file, of whichever log.
    pub fn files(&self) -> impl Iterator<Item = &FileReport> {
        self.logs.iter().flat_map(|log| &log.files)
    }
}

/// What was found in the log of one folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogReport {
    /// Where it is.
    pub folder: PathBuf,
    /// Whether all of the folder was looked at, so that nothing may be missing, or only some of its files.
    pub is_whole: bool,
    /// Its files, the oldest first, then those that are no days.
    pub files: Vec<FileReport>,
    /// The signed end of the log, when it is genuine and the log goes on from there.
    pub head: Option<Head>,
    /// What is wrong with the log as a whole; what is wrong with one file stands there.
    pub faults: Vec<String>,
    /// What could not be looked at, because not all of the log is here.
    pub unchecked: Vec<String>,
}

/// What was found in one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileReport {
    /// Where it is.
    pub path: PathBuf,
    /// Of which date it is; `None` for a file that is no day of this log.
    pub date: Option<Date>,
    /// Whole lines up to its end, or to the one that is wrong.
    pub lines: u64,
    /// Those of them that are chained; the others stand before them and were written by older versions.
    pub chained: u64,
    /// Checkpoints whose signature holds.
    pub checkpoints: u64,
    /// The number of the last line that one of the keys has signed for; 0 when there is none.
    pub signed_lines: u64,
    /// The keys that have signed it.
    pub signers: Vec<VerifyingKey>,
    /// Whether the last line says that the log was closed.
    pub is_closed: bool,
    /// How long the part of a line is that it ends in, which a crash leaves. The next host that starts puts it right.
    pub torn_bytes: u64,
    /// What was put right in it.
    pub recovered: Vec<Recovered>,
    /// What is wrong with it: the first line that is not as it was written.
    pub error: Option<VerifyError>,
}

impl FileReport {
    /// Notes what is wrong with it, unless an earlier line is.
    fn fault(&mut self, line: u64, why: impl Into<String>) {
        if self.error.as_ref().is_none_or(|error| line < error.line) {
            self.error = Some(VerifyError { line, why: why.into() });
        }
    }

    /// Its name as it stands in messages.
    fn name(&self) -> String {
        crate::home::printable(&self.path.file_name().unwrap_or_default().to_string_lossy())
    }
}

/// The log had not been closed, and went on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recovered {
    /// The line that says so.
    pub line: u64,
    /// How many lines before it were not signed when they were found.
    pub unsigned_lines: u64,
    /// How long the part of a line was that they ended in.
    pub torn_bytes: u64,
}

/// Checks logs against the signing keys of the machine that wrote them. A folder is a whole log, from which nothing may be
/// missing; files are looked at each for itself, and together as far as they follow on each other. Nothing is written.
///
/// Without its last moments a log may look as it did before them: what is only recorded since the last checkpoint can be
/// cut off unnoticed, unless the log was closed. Whoever keeps a [`Head`] elsewhere can tell later whether all files were
/// set back.
#[must_use]
pub fn verify_log(paths: &[PathBuf], keys: &[VerifyingKey]) -> Report {
    let mut logs: Vec<(PathBuf, Option<Vec<PathBuf>>)> = Vec::new();
    for path in paths {
        if path.is_dir() {
            logs.retain(|(folder, _)| folder != path);
            logs.push((path.clone(), None));
            continue;
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
        match logs.iter_mut().find(|(known, _)| known == folder) {
            Some((_, Some(files))) => files.push(path.clone()),
            Some((_, None)) => {}
            None => logs.push((folder.to_owned(), Some(vec![path.clone()]))),
        }
    }
    Report { logs: logs.into_iter().map(|(folder, files)| log(folder, files, keys)).collect() }
}

/// Looks at all of a folder, or at some of its files.
fn log(folder: PathBuf, files: Option<Vec<PathBuf>>, keys: &[VerifyingKey]) -> LogReport {
    // Read first: a host that runs meanwhile only adds to what it says.
    let head = Head::read(&folder);
    let is_whole = files.is_none();
    let listed = files.map_or_else(|| days::files(&folder), Ok);
    let mut faults = Vec::new();
    let mut readings = listed.map(|files| read(files, &head)).unwrap_or_else(|error: io::Error| {
        faults.push(format!("the folder cannot be read: {error}"));
        Vec::new()
    });
    let trusted = trust::all(keys, &readings);
    trust::judge(&mut readings, &trusted);
    whole::signatures(&mut readings);
    let mut unchecked = Vec::new();
    whole::follow(&mut readings, is_whole, &mut unchecked);
    whole::ends(&mut readings, is_whole);
    let mut report = LogReport { folder, is_whole, files: Vec::new(), head: None, faults, unchecked };
    whole::head(head, &mut readings, &trusted, &mut report);
    report.files = readings.into_iter().map(|reading| reading.report).collect();
    report
}

fn read(mut files: Vec<PathBuf>, head: &Result<Option<Head>, String>) -> Vec<Reading> {
    let end = head.as_ref().ok().and_then(Option::as_ref).map(|head| &head.end);
    files.sort_by_key(|path| (days::date_of(path).is_none(), days::date_of(path), path.clone()));
    files.dedup();
    files
        .into_iter()
        .map(|path| {
            let date = days::date_of(&path);
            let watch = end.filter(|end| Some(end.date) == date).map(|end| end.lines);
            Reading::of(path, date, watch)
        })
        .collect()
}
