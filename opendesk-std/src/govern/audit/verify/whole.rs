//! What holds between the files of a log: that each is there on which another follows, and where it ends.

use std::collections::BTreeMap;

use jiff::civil::Date;
use opendesk_core::{PublicKey, VerifyingKey};

use super::LogReport;
use super::file::Reading;
use super::trust::STRANGE;
use crate::govern::audit::days;
use crate::govern::audit::head::{End, HEAD, Head};

/// What is said of a line that was on the disk with its line break.
const BROKEN_OFF: &str = "its line break is not here: it was cut off";

/// Looks for files from which the checkpoints were taken.
pub(super) fn signatures(readings: &mut [Reading]) {
    for Reading { report, is_ours, .. } in readings {
        if report.error.is_none() && *is_ours && report.signed_lines == 0 {
            report.fault(1, "this program wrote it, but nothing in it is signed: its checkpoints were removed");
        }
    }
}

/// Looks for the files on which others follow. Up to where a later file knows an earlier one, that is as good as signed.
pub(super) fn follow(readings: &mut [Reading], is_whole: bool, unchecked: &mut Vec<String>) {
    let links: Vec<(usize, u64, End)> = readings
        .iter()
        .enumerate()
        .flat_map(|(from, reading)| reading.links.iter().map(move |(line, end)| (from, *line, end.clone())))
        // What is not signed can say anything.
        .filter(|(from, line, _)| *line < readings[*from].report.signed_lines)
        .collect();
    for (from, line, end) in links {
        let follower = readings[from].report.name();
        let Some(target) = readings.iter_mut().find(|reading| reading.report.date == Some(end.date)) else {
            let missing = days::path_of("".as_ref(), end.date).display().to_string();
            if is_whole {
                let why = format!(
                    "{missing}, on which it follows, is not here; if you removed it, name the files that are left"
                );
                readings[from].report.fault(line, why);
            } else {
                unchecked.push(format!("{missing}, on which {follower} follows, is not among these files"));
            }
            continue;
        };
        let hash = if target.report.lines == end.lines {
            Some(target.last.clone())
        } else {
            days::hash_at(&target.report.path, end.lines).ok().flatten()
        };
        if hash.as_ref() == Some(&end.hash) {
            target.known = target.known.max(end.lines);
        } else {
            let why =
                format!("{follower} follows on {} lines of this file, and this is not the last of them", end.lines);
            target.report.fault(end.lines.min(target.report.lines + 1), why);
        }
    }
}

/// Looks at where files end, and at those in which nothing is signed.
pub(super) fn ends(readings: &mut [Reading], is_whole: bool) {
    let dated = readings.iter().filter(|reading| reading.report.date.is_some()).count();
    let first_signed = readings.iter().position(|reading| reading.report.signed_lines > 0);
    for (index, Reading { report, known, is_broken_off, .. }) in readings.iter_mut().enumerate() {
        if report.error.is_some() || report.lines == 0 {
            continue;
        }
        let (signed, is_day) = (report.signed_lines, report.date.is_some());
        if is_whole && is_day && signed == 0 && *known == 0 && first_signed.is_some_and(|first| first < index) {
            report.fault(1, "nothing in it is signed, and no later file knows it: it was added, or written anew");
        }
        // Only the file that was written last may go on.
        if index + 1 >= dated {
            continue;
        }
        let sure = signed.max(*known);
        if is_whole && sure > 0 && report.lines > sure {
            report.fault(sure + 1, "from here on it is neither signed nor known to a later file: lines were added");
        }
        if report.torn_bytes > 0 {
            report.fault(report.lines + 1, "the file ends in a part of a line");
        }
        if *is_broken_off {
            report.fault(report.lines, BROKEN_OFF);
        }
    }
}

/// Looks at the signed end of the log.
pub(super) fn head(
    head: Result<Option<Head>, String>,
    readings: &mut [Reading],
    trusted: &[VerifyingKey],
    log: &mut LogReport,
) {
    let signed: BTreeMap<Option<Date>, (u64, u64)> = readings
        .iter()
        .map(|Reading { report, .. }| {
            (report.date, (report.checkpoints, report.lines.saturating_sub(report.signed_lines)))
        })
        .filter(|(_, (checkpoints, _))| *checkpoints > 0)
        .collect();
    let head = match head {
        Ok(Some(head)) => head,
        // A log that has just begun has none yet.
        Ok(None) if signed.is_empty() || signed.values().eq([&(1, 0)]) => return,
        Ok(None) => {
            let why = format!("{HEAD} is not there, so it cannot be told whether lines were cut off at the end");
            if log.is_whole {
                log.faults.push(why)
            } else {
                log.unchecked.push(why)
            }
            return;
        }
        Err(why) => return log.faults.push(format!("{HEAD}: {why}")),
    };
    if !head.is_genuine() {
        return log.faults.push(format!("{HEAD}: its signature does not hold: it was changed"));
    }
    if !trusted.contains(&head.key) {
        let key = PublicKey(head.key);
        return log.faults.push(format!("{HEAD} is signed by the key {key}, {STRANGE}"));
    }
    let Some(last) = readings.iter_mut().find(|reading| reading.report.date == Some(head.end.date)) else {
        let missing = days::path_of("".as_ref(), head.end.date).display().to_string();
        let why = format!("{missing}, with which the log ends, is not here");
        return if log.is_whole { log.faults.push(why) } else { log.unchecked.push(why) };
    };
    if last.watched.as_ref() == Some(&head.end.hash) {
        // The signed end was written when the line was on the disk with all that belongs to it.
        if last.is_broken_off && last.report.lines == head.end.lines {
            last.report.fault(head.end.lines, BROKEN_OFF);
        }
        log.head = Some(head);
    } else {
        let lines = head.end.lines;
        let why =
            format!("the log went on to line {lines} of this file, and that is not here: it was cut off or changed");
        last.report.fault(lines.min(last.report.lines + 1), why);
    }
}
