//! Which files a log has.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use jiff::civil::Date;

use super::day::Scan;
use super::head::End;
use super::lines::{Forwards, Source};

/// The file of a date.
pub(super) fn path_of(folder: &Path, date: Date) -> PathBuf {
    folder.join(format!("{date}.jsonl"))
}

/// The date of which a file is, when its name is one of the log's own.
pub(super) fn date_of(path: &Path) -> Option<Date> {
    let date: Date = path.file_stem()?.to_str()?.parse().ok()?;
    (path_of(Path::new(""), date).file_name() == path.file_name()).then_some(date)
}

/// The files of a log, the oldest first; none where there is no such folder.
pub(super) fn days(folder: &Path) -> io::Result<Vec<(Date, PathBuf)>> {
    let mut days: Vec<(Date, PathBuf)> =
        files(folder)?.into_iter().filter_map(|path| Some((date_of(&path)?, path))).collect();
    days.sort_unstable();
    Ok(days)
}

/// All files of lines of JSON in a folder, also those that other programs keep there, sorted by their names.
pub(super) fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "jsonl") {
            files.push(path);
        }
    }
    files.sort_unstable();
    Ok(files)
}

/// What a file holds; nothing is changed in it.
pub(super) fn scan(path: &Path) -> io::Result<Scan> {
    let file: File = Source::open(path)?;
    Scan::of(&file, file.length()?, None)
}

/// The hash that the line of this number claims; `None` when there is no such line.
pub(super) fn hash_at(path: &Path, line: u64) -> io::Result<Option<String>> {
    let file: File = Source::open(path)?;
    let mut reader = Forwards::new(&file, 0, file.length()?);
    let mut number = 0;
    while let Some(text) = reader.line()? {
        number += 1;
        if number == line {
            return Ok(super::chain::claimed(text));
        }
    }
    Ok(None)
}

/// Where a file ends; `None` when nothing in it is chained.
pub(super) fn end_of(path: &Path, date: Date) -> io::Result<Option<End>> {
    let Scan { lines, last, .. } = scan(path)?;
    Ok((last != super::chain::GENESIS).then_some(End { date, lines, hash: last }))
}

/// Whether there was a signed end: more was signed than the first lines of a single file, when it may not be there yet.
pub(super) fn has_lost_its_head(folder: &Path) -> bool {
    let signed = days(folder).unwrap_or_default().into_iter().filter_map(|(_, path)| {
        let scan = scan(&path).ok()?;
        Some((scan.marks, scan.lines - scan.mark?.line))
    });
    let signed: Vec<(u64, u64)> = signed.collect();
    !signed.is_empty() && signed != [(1, 0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_dates_are_days() {
        let named = |name: &str| date_of(Path::new(name)).map(|date| date.to_string());
        assert_eq!(named("/a/2026-05-12.jsonl").as_deref(), Some("2026-05-12"));
        for name in
            ["tools-2026-05-12.jsonl", "2026-05-12", "20260512.jsonl", "2026-05-12T00.jsonl", "2026-13-01.jsonl"]
        {
            assert_eq!(named(name), None, "{name}");
        }
    }
}
