//! Which file is in use: the first one, another one when the date has changed, or one that somebody touched; and what
//! is noted of how it was found.

use core::ops::Range;
use std::io;
use std::path::Path;
use std::time::SystemTime;

use jiff::civil::Date;
use jiff::{Timestamp, Zoned};

use super::day::{Day, Resumed};
use super::head::{End, Head};
use super::record::{Change, altered, recovered};
use super::{AuditError, AuditLog, chain, days};

/// What has to be written into a file before anything else.
#[derive(Debug)]
pub(super) enum Begin {
    /// The file is new, or nothing in it is signed; it follows on this one.
    File(Option<End>),
    /// The log had been closed.
    Run,
}

impl AuditLog {
    /// The file of today: the one in use, or another one when the date has changed or somebody touched it.
    pub(super) fn today(&mut self, now: SystemTime) -> Result<Day, AuditError> {
        if self.midnight.as_ref().is_some_and(|today| today.contains(&now))
            && self.day.as_ref().is_some_and(Day::is_untouched)
            && let Some(day) = self.day.take()
        {
            return Ok(day);
        }
        let zoned = Timestamp::try_from(now).map_err(|_| AuditError::Clock)?.to_zoned(self.zone.clone());
        self.midnight = span(&zoned);
        let date = zoned.date();
        match self.day.take() {
            Some(day) if day.date() == date && day.is_untouched() => Ok(day),
            Some(day) if day.date() == date => self.look_again(day, now),
            Some(day) => {
                self.leave(day, now);
                self.begin_day(date, now)
            }
            None => self.begin_day(date, now),
        }
    }

    /// Goes on with a file that is used for the first time, or again after another one.
    fn begin_day(&mut self, date: Date, now: SystemTime) -> Result<Day, AuditError> {
        self.folder.keep()?;
        let path = days::path_of(self.folder.path(), date);
        let resumed = Day::resume(&path, date, None).map_err(|error| AuditError::io("continue", &path, error))?;
        let Resumed { day, torn, .. } = resumed;
        let is_first = !core::mem::replace(&mut self.has_begun, true);
        self.begin = None;
        let left = self.left.take();
        if !day.is_signed() {
            self.begin = Some(Begin::File(left.or_else(|| self.previous(date, now))));
            if !torn.is_empty() {
                self.notes.push_back(recovered(&torn, 0));
            }
            return Ok(day);
        }
        match (day.was_closed(), day.unsigned()) {
            (true, 0) => {
                self.begin = Some(Begin::Run);
                if !torn.is_empty() {
                    self.notes.push_back(recovered(&torn, 0));
                }
            }
            // Whoever closed it would have signed when it began anew.
            (true, _) => {
                tracing::error!(path = %path.display(), "somebody else has added lines to the audit log");
                self.notes.push_back(altered(Change::Added, None));
            }
            (false, unsigned) if is_first || unsigned > 0 || !torn.is_empty() => {
                if torn.is_empty() {
                    tracing::info!(path = %path.display(), unsigned, "the audit log was not closed");
                } else {
                    tracing::warn!(path = %path.display(), bytes = torn.len(), "the audit log ended in a part of a line");
                }
                self.notes.push_back(recovered(&torn, unsigned));
            }
            (false, _) => {}
        }
        Ok(day)
    }

    /// Goes on with the file in use after somebody touched it, or a record was written in part.
    fn look_again(&mut self, old: Day, now: SystemTime) -> Result<Day, AuditError> {
        let (path, date) = (old.path().to_owned(), old.date());
        let seen = old.change();
        let resumed = self.folder.keep().and_then(|()| {
            Day::resume(&path, date, Some(old.lines())).map_err(|error| AuditError::io("continue", &path, error))
        });
        let Resumed { day, torn, watched } = match resumed {
            Ok(resumed) => resumed,
            Err(error) => {
                self.day = Some(old);
                return Err(error);
            }
        };
        let reached = if day.lines() == old.lines() { Some(day.last()) } else { watched.as_deref() };
        let change = match seen {
            Some(change @ (Change::Lost | Change::Replaced)) => Some(change),
            _ if day.lines() < old.lines() || (old.is_signed() && reached != Some(old.last())) => Some(Change::Cut),
            _ if day.lines() > old.lines() => Some(Change::Added),
            _ => None,
        };
        if let Some(change) = change {
            self.is_changed(change, &old);
        }
        if !torn.is_empty() {
            tracing::warn!(path = %path.display(), bytes = torn.len(), "the audit log ended in a part of a line");
            self.notes.push_back(recovered(&torn, 0));
        }
        if !day.is_signed() {
            self.begin = Some(Begin::File(self.previous(date, now)));
        }
        Ok(day)
    }

    fn is_changed(&mut self, change: Change, old: &Day) {
        tracing::error!(path = %old.path().display(), ?change, "the audit log was changed by somebody else");
        self.notes.push_back(altered(change, Some(&old.end())));
        self.altered = Some(old.path().to_owned());
    }

    /// Ends the use of a file whose date is over.
    fn leave(&mut self, mut old: Day, now: SystemTime) {
        self.begin = None;
        if let Some(change) = old.change() {
            self.is_changed(change, &old);
        } else if old.is_signed() && old.unsigned() > 0 {
            let (path, date) = (old.path().to_owned(), old.date());
            let ended = if old.is_untouched() {
                self.sign(&mut old, now, false).and_then(|()| {
                    old.sync().map_err(|error| AuditError::io("sync", &path, error))?;
                    Ok(old.end())
                })
            } else {
                self.finish(&path, date, now)
            };
            match ended {
                Ok(end) => self.left = Some(end),
                Err(error) => tracing::error!(%error, "the audit log of a day that is over cannot be signed"),
            }
        }
        if self.left.is_none() && old.is_signed() {
            self.left = Some(old.end());
        }
    }

    /// Where the file ends that was written before that of `date`. What a crash left there is put right.
    fn previous(&self, date: Date, now: SystemTime) -> Option<End> {
        let days = days::days(self.folder.path()).unwrap_or_default();
        let last_written = Head::read(self.folder.path()).ok().flatten().map(|head| head.end.date);
        let (of, path) = last_written
            .and_then(|last| days.iter().find(|(of, _)| *of == last && last != date))
            .or_else(|| days.iter().rfind(|(of, _)| *of < date))?;
        let ended = days::scan(path).map_err(|error| AuditError::io("read", path, error)).and_then(|scan| {
            let unsigned = scan.mark.map(|mark| scan.lines - mark.line);
            if unsigned.is_some_and(|lines| lines > 0 || !scan.rest.is_empty()) {
                return self.finish(path, *of, now).map(Some);
            }
            Ok((scan.last != chain::GENESIS).then_some(End { date: *of, lines: scan.lines, hash: scan.last }))
        });
        ended.unwrap_or_else(|error| {
            tracing::error!(%error, "the audit log of the day before cannot be used");
            days::end_of(path, *of).ok().flatten()
        })
    }

    /// Signs a file that was left without it.
    fn finish(&self, path: &Path, date: Date, now: SystemTime) -> Result<End, AuditError> {
        let resumed = Day::resume(path, date, None).map_err(|error| AuditError::io("continue", path, error))?;
        let Resumed { mut day, torn, .. } = resumed;
        let note = match (day.was_closed(), day.unsigned()) {
            (true, 0) => {
                self.sign(&mut day, now, false)?;
                recovered(&torn, 0)
            }
            (true, _) => altered(Change::Added, None),
            (false, unsigned) => recovered(&torn, unsigned),
        };
        self.write(&mut day, now, note)?;
        self.sign(&mut day, now, false)?;
        day.sync().map_err(|error| AuditError::io("sync", path, error))?;
        Ok(day.end())
    }

    /// Notes what the signed end of the log tells about what was done to it while it was closed.
    pub(super) fn compare_with_head(&mut self) {
        let (change, end) = match Head::read(self.folder.path()) {
            Ok(Some(head)) if head.is_genuine() => {
                let path = days::path_of(self.folder.path(), head.end.date);
                match days::hash_at(&path, head.end.lines) {
                    Ok(hash) if hash.as_ref() == Some(&head.end.hash) => return,
                    Ok(_) => (Change::Cut, Some(head.end)),
                    Err(error) if error.kind() == io::ErrorKind::NotFound => (Change::Lost, Some(head.end)),
                    // Whoever goes on with the file meets it again.
                    Err(_) => return,
                }
            }
            Ok(Some(_)) | Err(_) => (Change::HeadDamaged, None),
            Ok(None) if days::has_lost_its_head(self.folder.path()) => (Change::HeadLost, None),
            Ok(None) => return,
        };
        tracing::error!(dir = %self.folder.path().display(), ?change, "the audit log was changed while it was closed");
        self.notes.push_back(altered(change, end.as_ref()));
    }
}

/// From the first moment of a date to the first of the next one.
fn span(zoned: &Zoned) -> Option<Range<SystemTime>> {
    let start = zoned.start_of_day().ok()?;
    let end = start.tomorrow().ok()?.start_of_day().ok()?;
    Some(start.timestamp().into()..end.timestamp().into())
}
