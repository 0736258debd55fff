//! A writer that ends in the middle.

use super::*;

/// A log that nobody closes, as after a kill: the files are copied while it is open.
fn abandoned(desk: &Desk, entries: u64) -> Desk {
    let mut log = desk.open();
    calls(&mut log, 0..entries);
    log.syncer.settle();
    let copy = Desk::new();
    fs::create_dir(copy.dir()).expect("a new folder");
    for file in [desk.today(), desk.head()] {
        fs::copy(&file, copy.dir().join(file.file_name().unwrap_or_default())).expect("a copy");
    }
    copy
}

#[test]
fn an_abandoned_log_is_intact_and_says_what_was_found_when_it_goes_on() {
    let crashed = abandoned(&Desk::new(), 70);
    let report = crashed.intact();
    assert_eq!((report.lines, report.signed_lines, report.is_closed), (73, 67, false));
    calls(&mut crashed.open(), 70..71);
    assert_eq!(crashed.kinds()[73..], ["audit.recovered", "audit.checkpoint", "call", "audit.checkpoint"]);
    let report = crashed.intact();
    assert_eq!(report.recovered, [Recovered { line: 74, unsigned_lines: 6, torn_bytes: 0 }]);
    assert!(report.is_closed);
}

#[test]
fn a_line_that_is_torn_at_any_byte_is_moved_into_an_entry() {
    let crashed = abandoned(&Desk::new(), 3);
    let whole = fs::read(crashed.today()).unwrap();
    let last = whole.len() - whole[..whole.len() - 1].iter().rev().position(|byte| *byte == b'\n').unwrap() - 1;
    for length in last..whole.len() {
        fs::write(crashed.today(), &whole[..length]).unwrap();
        let before = crashed.intact();
        // Only the line break is missing: nothing is lost.
        let torn = if length == whole.len() - 1 { 0 } else { length - last };
        assert_eq!((before.torn_bytes, before.lines), (torn as u64, if torn > 0 || length == last { 4 } else { 5 }));
        let copy = fs::read(crashed.head()).unwrap();
        calls(&mut crashed.open(), 3..4);
        let report = crashed.intact();
        let (unsigned_lines, line) = (before.lines - 2, before.lines + 1);
        assert_eq!(report.recovered, [Recovered { line, unsigned_lines, torn_bytes: torn as u64 }], "{length}");
        if torn > 0 {
            let entry = &crashed.entries()[line as usize - 1];
            assert_eq!(entry["torn"].as_str().unwrap().as_bytes(), &whole[last..length]);
        }
        fs::write(crashed.head(), copy).unwrap();
    }
}

#[test]
fn a_first_write_that_is_torn_at_any_byte_is_begun_anew() {
    let desk = Desk::new();
    drop(desk.open());
    let whole = fs::read(desk.today()).unwrap();
    let closing = whole[..whole.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
    for length in 0..=closing {
        let crashed = Desk::new();
        fs::create_dir(crashed.dir()).unwrap();
        fs::write(crashed.today(), &whole[..length]).unwrap();
        calls(&mut crashed.open(), 0..1);
        assert!(crashed.intact().is_closed, "{length}");
        assert!(crashed.kinds().contains(&"call".to_owned()));
    }
}

#[test]
fn a_torn_line_of_bytes_that_are_no_text_is_kept_as_far_as_it_goes() {
    let desk = Desk::new();
    calls(&mut desk.open(), 0..1);
    desk.add_bytes(b"{\"hash\": \"5796c3\xff");
    assert!(verify_file(&desk.today()).is_err());
    assert_eq!(desk.intact().torn_bytes, 17);
    drop(desk.open());
    assert_eq!(desk.kinds()[4..], ["audit.checkpoint", "audit.recovered", "audit.checkpoint", "audit.checkpoint"]);
    assert_eq!(desk.entries()[5]["torn"], "{\"hash\": \"5796c3\u{fffd}");
    desk.add_bytes(&vec![b'x'; 3 * 4096]);
    drop(desk.open());
    let entries = desk.entries();
    assert_eq!((&entries[9]["torn_bytes"], entries[9]["torn"].as_str().unwrap().len()), (&12288.into(), 4096));
    desk.intact();
}

#[test]
fn what_a_crash_left_on_an_earlier_day_is_put_right_on_the_next() {
    let crashed = abandoned(&Desk::new(), 3);
    crashed.add_bytes(b"{\"torn");
    crashed.set(3 * DAY);
    calls(&mut crashed.open(), 3..4);
    assert_eq!(crashed.kinds()[5..], ["audit.recovered", "audit.checkpoint"]);
    let report = crashed.verified();
    assert!(report.is_intact(), "{report:#?}");
    let old = report.files().next().unwrap();
    assert_eq!(old.recovered, [Recovered { line: 6, unsigned_lines: 3, torn_bytes: 6 }]);
    let previous = &entries_of(&crashed.path("2026-05-15"))[0]["previous"];
    assert_eq!((&previous["date"], &previous["lines"]), (&"2026-05-12".into(), &7.into()));
}

#[test]
fn a_head_that_lags_behind_is_no_fault() {
    let desk = Desk::new();
    let mut log = desk.open();
    calls(&mut log, 0..64);
    log.syncer.settle();
    let older = fs::read(desk.head()).unwrap();
    calls(&mut log, 64..200);
    drop(log);
    fs::write(desk.head(), older).unwrap();
    let report = desk.intact();
    assert!(report.is_closed && report.signed_lines > 200);
    calls(&mut desk.open(), 200..201);
    assert!(!desk.kinds().contains(&"audit.altered".to_owned()));
    desk.intact();
}

#[test]
fn a_log_that_just_began_may_have_no_head_yet() {
    let desk = Desk::new();
    let log = desk.open();
    fs::remove_file(desk.head()).unwrap();
    desk.intact();
    let copy = Desk::new();
    fs::create_dir(copy.dir()).unwrap();
    fs::copy(desk.today(), copy.today()).unwrap();
    drop(log);
    calls(&mut copy.open(), 0..1);
    assert!(!copy.kinds().contains(&"audit.altered".to_owned()));
    copy.intact();
}
