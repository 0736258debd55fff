//! A log in a file that begins anew every day.
//!
//! The lines of today are in the file of the name that was given, those of a day before in one with its date behind the
//! name, `serve.log.2026-05-12`. Days are those of UTC, as the times in the lines are. Several programs may log into one
//! file: each line is one write at its end, and the first of them that finds a new day puts the file aside.

use core::mem;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use opendesk_std::home::file::open_careful;
use opendesk_std::platform;

/// Days that are kept, today among them.
const DAYS: usize = 8;

/// An open log.
#[derive(Debug)]
pub(super) struct LogFile {
    path: PathBuf,
    /// `None` while it cannot be opened.
    file: Option<File>,
    /// Whose lines are in it.
    day: Date,
    /// Whether the last line may be there in part.
    is_torn: bool,
}

impl LogFile {
    /// Continues the file of today, or begins it. Only its owner can read it.
    ///
    /// # Errors
    /// Whatever the operating system says, and [`io::ErrorKind::InvalidInput`] for what is not a regular file.
    pub(super) fn open(path: &Path, now: SystemTime) -> io::Result<Self> {
        let path = std::path::absolute(path)?;
        let (file, today) = (open(&path)?, date(now));
        let metadata = file.metadata()?;
        let day = if metadata.len() == 0 { today } else { date(metadata.modified()?) };
        let mut log = Self { path, file: Some(file), day, is_torn: false };
        log.turn(today)?;
        Ok(log)
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Adds a line, which has its end.
    ///
    /// # Errors
    /// Whatever the operating system says. The next line is tried afresh.
    pub(super) fn write(&mut self, line: &str, now: SystemTime) -> io::Result<()> {
        self.turn(date(now))?;
        let Some(file) = &mut self.file else { return Err(io::ErrorKind::NotFound.into()) };
        // What is left of the line before must not be a part of this one.
        let start = if mem::take(&mut self.is_torn) { "\n" } else { "" };
        let written = file.write_all(format!("{start}{line}").as_bytes());
        self.is_torn = written.is_err();
        written
    }

    /// Has the file of today open.
    fn turn(&mut self, today: Date) -> io::Result<()> {
        if today > self.day {
            let ended = mem::replace(&mut self.day, today);
            if let Some(file) = &self.file {
                put_aside(&self.path, file, ended);
            }
        }
        if !self.file.as_ref().is_some_and(|file| is_at(&self.path, file)) {
            self.file = None;
            self.file = Some(open(&self.path)?);
            self.is_torn = false;
        }
        Ok(())
    }
}

fn open(path: &Path) -> io::Result<File> {
    let file = open_careful(path, OpenOptions::new().create(true).append(true))?;
    if !platform::is_private(&file.metadata()?) {
        platform::set_mode(&file, platform::OWN_FILE)?;
    }
    Ok(file)
}

/// The day of a moment. One that no calendar has is before all others, so that nothing begins anew because of it.
fn date(time: SystemTime) -> Date {
    Timestamp::try_from(time).map_or(Date::MIN, |time| TimeZone::UTC.to_datetime(time).date())
}

fn is_at(path: &Path, file: &File) -> bool {
    matches!((platform::entry(path), platform::id(file)), (Ok((there, _)), Ok(ours)) if there == ours)
}

/// Puts the date of its day behind the name of a file, unless another program has done so. Where that cannot be, the file
/// goes on: no line is lost, and none of another file is written over.
fn put_aside(path: &Path, file: &File, day: Date) {
    // Whoever holds the lock is at it. Where there are no locks, nobody is.
    if matches!(file.try_lock(), Err(fs::TryLockError::WouldBlock)) {
        return;
    }
    let mut aside = OsString::from(path);
    aside.push(format!(".{day}"));
    let is_free = fs::symlink_metadata(&aside).is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
    if is_free && is_at(path, file) && fs::rename(path, &aside).is_ok() {
        remove_old(path);
    }
    let _is_open_to_others = file.unlock().is_ok();
}

/// Removes the files of the days that are not kept. What stays because it cannot be removed is tried again the next day.
fn remove_old(path: &Path) {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { return };
    let dated = |entry: fs::DirEntry| {
        let found = entry.file_name();
        let behind = found.as_encoded_bytes().strip_prefix(name.as_encoded_bytes())?.strip_prefix(b".")?;
        let behind = core::str::from_utf8(behind).ok()?;
        let day: Date = behind.parse().ok()?;
        // Other ways to write a date are not ours.
        (day.to_string() == behind && entry.file_type().ok()?.is_file()).then(|| (day, entry.path()))
    };
    let mut days: Vec<(Date, PathBuf)> =
        fs::read_dir(folder).into_iter().flatten().filter_map(|entry| dated(entry.ok()?)).collect();
    days.sort_unstable();
    let old = days.len().saturating_sub(DAYS - 1);
    for (_, path) in days.drain(..old) {
        let _is_gone = fs::remove_file(path).is_ok();
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt as _;
    use std::time::UNIX_EPOCH;

    use super::*;

    const DAY: u64 = 86_400;
    /// 2026-05-12, at noon.
    const NOON: u64 = 1_778_587_200;

    /// A moment so many seconds after noon of the 12th.
    fn after(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(NOON + seconds)
    }

    /// The files of a folder with what is in them, by name.
    fn files(folder: &Path) -> Vec<(String, String)> {
        let entry = |entry: io::Result<fs::DirEntry>| {
            let entry = entry.expect("an entry");
            let name = entry.file_name().into_string().expect("a name that is text");
            (name, fs::read_to_string(entry.path()).unwrap_or_default())
        };
        let mut files: Vec<_> = fs::read_dir(folder).expect("a folder").map(entry).collect();
        files.sort();
        files
    }

    fn owned(files: &[(&str, &str)]) -> Vec<(String, String)> {
        files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("it is there").permissions().mode() & 0o777
    }

    #[test]
    fn the_file_of_a_day_that_is_over_gets_its_date() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("serve.log");
        let mut log = LogFile::open(&path, after(0)).unwrap();
        log.write("one\n", after(0)).unwrap();
        log.write("two\n", after(DAY / 2 - 1)).unwrap();
        assert_eq!(files(folder.path()), owned(&[("serve.log", "one\ntwo\n")]));
        log.write("three\n", after(DAY / 2)).unwrap();
        assert_eq!(files(folder.path()), owned(&[("serve.log", "three\n"), ("serve.log.2026-05-12", "one\ntwo\n")]));
        assert_eq!([mode(&path), mode(&folder.path().join("serve.log.2026-05-12"))], [0o600; 2]);
        // A clock that is set back begins nothing anew.
        log.write("four\n", after(0)).unwrap();
        log.write("five\n", after(DAY)).unwrap();
        assert_eq!(files(folder.path())[0].1, "three\nfour\nfive\n");
    }

    #[test]
    fn eight_days_are_kept_and_nothing_else_is_touched() {
        let folder = tempfile::tempdir().unwrap();
        let others =
            ["log", "log.", "log.1", "log.2020-01-01.gz", "log.20200101", "log2.2020-01-01", "logbook", "x.log"];
        for name in &others[1..] {
            fs::write(folder.path().join(name), "mine").unwrap();
        }
        fs::create_dir(folder.path().join("log.2020-01-02")).unwrap();
        let mut log = LogFile::open(&folder.path().join("log"), after(0)).unwrap();
        for day in 0..30 {
            log.write(&format!("{day}\n"), after(day * DAY)).unwrap();
        }
        let (dated, rest): (Vec<_>, Vec<_>) =
            files(folder.path()).into_iter().partition(|(name, _)| name.starts_with("log.2026-"));
        assert_eq!(dated.len(), DAYS - 1);
        assert_eq!(dated[0], ("log.2026-06-03".to_owned(), "22\n".to_owned()));
        assert_eq!(dated[6], ("log.2026-06-09".to_owned(), "28\n".to_owned()));
        assert_eq!(rest.len(), others.len() + 1, "{rest:?}");
        assert_eq!(fs::read_to_string(folder.path().join("log")).unwrap(), "29\n");
    }

    #[test]
    fn a_file_of_another_day_is_put_aside_when_it_is_opened() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        fs::write(&path, "old\n").unwrap();
        File::options().write(true).open(&path).unwrap().set_modified(after(0)).unwrap();
        let mut log = LogFile::open(&path, after(3 * DAY)).unwrap();
        log.write("new\n", after(3 * DAY)).unwrap();
        assert_eq!(files(folder.path()), owned(&[("log", "new\n"), ("log.2026-05-12", "old\n")]));
        // Of today it goes on.
        drop(log);
        File::options().write(true).open(&path).unwrap().set_modified(after(3 * DAY)).unwrap();
        LogFile::open(&path, after(3 * DAY)).unwrap().write("more\n", after(3 * DAY)).unwrap();
        assert_eq!(files(folder.path())[0].1, "new\nmore\n");
    }

    #[test]
    fn a_day_that_is_there_already_is_not_written_over() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("log.2026-05-12"), "before\n").unwrap();
        let mut log = LogFile::open(&folder.path().join("log"), after(0)).unwrap();
        log.write("one\n", after(0)).unwrap();
        log.write("two\n", after(DAY)).unwrap();
        assert_eq!(files(folder.path()), owned(&[("log", "one\ntwo\n"), ("log.2026-05-12", "before\n")]));
    }

    #[test]
    fn two_programs_share_a_file_over_midnight() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let (mut one, mut two) = (LogFile::open(&path, after(0)).unwrap(), LogFile::open(&path, after(0)).unwrap());
        one.write("1a\n", after(1)).unwrap();
        two.write("2a\n", after(2)).unwrap();
        one.write("1b\n", after(DAY)).unwrap();
        two.write("2b\n", after(DAY)).unwrap();
        one.write("1c\n", after(DAY)).unwrap();
        assert_eq!(files(folder.path()), owned(&[("log", "1b\n2b\n1c\n"), ("log.2026-05-12", "1a\n2a\n")]));
    }

    #[test]
    fn threads_that_race_over_midnight_lose_no_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let logs: Vec<LogFile> = (0..8).map(|_| LogFile::open(&path, after(0)).unwrap()).collect();
        std::thread::scope(|scope| {
            for (program, mut log) in logs.into_iter().enumerate() {
                scope.spawn(move || {
                    for line in 0..400 {
                        log.write(&format!("{program} {line}\n"), after(if line < 200 { 0 } else { DAY })).unwrap();
                    }
                });
            }
        });
        let text: String = files(folder.path()).into_iter().map(|(_, text)| text).collect();
        let mut lines: Vec<&str> = text.lines().collect();
        lines.sort_unstable();
        lines.dedup();
        assert_eq!(lines.len(), 8 * 400);
    }

    #[test]
    fn a_file_that_was_moved_away_or_removed_begins_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let mut log = LogFile::open(&path, after(0)).unwrap();
        log.write("one\n", after(0)).unwrap();
        fs::rename(&path, folder.path().join("log.1")).unwrap();
        log.write("two\n", after(0)).unwrap();
        assert_eq!(files(folder.path()), owned(&[("log", "two\n"), ("log.1", "one\n")]));
        fs::remove_file(&path).unwrap();
        log.write("three\n", after(0)).unwrap();
        assert_eq!(files(folder.path())[0], ("log".to_owned(), "three\n".to_owned()));
    }

    #[test]
    fn what_cannot_hold_a_log_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (target, link) = (folder.path().join("target"), folder.path().join("link"));
        fs::write(&target, "mine").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        let error = LogFile::open(&link, after(0)).unwrap_err();
        assert!(error.to_string().contains("symbolic link"), "{error}");
        assert!(LogFile::open(Path::new("/dev/null"), after(0)).is_err(), "a device is not renamed");
        assert!(LogFile::open(folder.path(), after(0)).is_err());
        assert!(LogFile::open(&folder.path().join("none/log"), after(0)).is_err());
        assert!(!folder.path().join("none").exists());
        assert_eq!(fs::read_to_string(&target).unwrap(), "mine");
    }

    #[test]
    fn a_file_that_others_could_read_is_closed_to_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        fs::write(&path, "").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        drop(LogFile::open(&path, after(0)).unwrap());
        assert_eq!(mode(&path), 0o600);
    }

    #[test]
    fn a_line_is_whole_after_one_that_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let mut log = LogFile::open(&path, after(0)).unwrap();
        log.write("one\n", after(0)).unwrap();
        // As after a disk that was full.
        File::options().append(true).open(&path).unwrap().write_all(b"a pa").unwrap();
        log.is_torn = true;
        log.write("two\n", after(0)).unwrap();
        log.write("three\n", after(0)).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "one\na pa\ntwo\nthree\n");
    }
}
