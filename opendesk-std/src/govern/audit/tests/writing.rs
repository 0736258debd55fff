//! What stands in the files.

use std::os::unix::fs::PermissionsExt;

use super::*;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("it is there").permissions().mode() & 0o777
}

#[test]
fn a_record_has_the_fields_of_the_log_and_is_ascii() {
    let desk = Desk::new();
    let mut log = desk.open();
    let mut forged = record("call");
    for name in ["ts", "type", "peer", "prev", "hash"] {
        forged.fields.insert(name.into(), "forged".into());
    }
    log.append(forged).unwrap();
    log.append(Record { kind: "session.rejected", peer: None, fields: Map::new() }).unwrap();
    let text = fs::read_to_string(desk.today()).unwrap();
    assert!(text.is_ascii());
    assert!(text.contains("\"name\": \"Zo\\u00eb\""), "{text}");
    assert!(!text.contains("forged"), "{text}");
    let entries = desk.entries();
    assert_eq!(entries[2]["ts"], 1_778_623_190.0);
    assert_eq!(entries[2]["type"], "call");
    assert_eq!(entries[2]["peer"]["fp"], "0123456789abcdef");
    assert_eq!(entries[2]["duration"], 1.5);
    assert_eq!(entries[0]["prev"], "0".repeat(64));
    assert_eq!(entries[3]["prev"], entries[2]["hash"]);
    assert_eq!((&entries[3]["peer"]["name"], &entries[3]["peer"]["fp"]), (&"".into(), &"".into()));
    assert_eq!(verify_file(&desk.today()), Ok(Verified { lines: 4, chained: 4 }));
    assert_eq!((mode(&desk.dir()), mode(&desk.today()), mode(&desk.head())), (0o700, 0o600, 0o600));
}

#[test]
fn a_file_begins_signed_and_a_closed_log_ends_so() {
    let desk = Desk::new();
    let mut log = desk.open();
    assert_eq!(desk.kinds(), ["audit.opened", "audit.checkpoint"]);
    assert_eq!(desk.entries()[0]["previous"], Value::Null);
    assert_eq!(desk.intact().signed_lines, 2);
    calls(&mut log, 0..3);
    let open = desk.intact();
    assert_eq!((open.lines, open.signed_lines, open.is_closed), (5, 2, false));
    drop(log);
    let entries = desk.entries();
    assert_eq!((&entries[5]["type"], &entries[5]["closed"]), (&"audit.checkpoint".into(), &true.into()));
    assert_eq!((&entries[5]["date"], &entries[5]["lines"]), (&"2026-05-12".into(), &6.into()));
    let closed = desk.intact();
    assert_eq!((closed.lines, closed.signed_lines, closed.is_closed), (6, 6, true));
    assert_eq!(closed.signers, [own()]);
    let head = desk.verified().logs[0].head.clone().unwrap();
    assert_eq!((head.end.lines, head.key), (6, own()));
    assert_eq!(entries[5]["hash"], head.end.hash);
}

#[test]
fn every_sixty_four_entries_and_the_end_of_a_session_are_signed() {
    let desk = Desk::new();
    let mut log = desk.open();
    calls(&mut log, 0..63);
    assert_eq!(desk.intact().signed_lines, 2);
    calls(&mut log, 63..64);
    assert_eq!(desk.intact().signed_lines, 67);
    calls(&mut log, 64..128);
    assert_eq!(desk.intact().signed_lines, 132);
    log.append(record("session.opened")).unwrap();
    assert_eq!(desk.intact().signed_lines, 132);
    log.append(record("session.closed")).unwrap();
    let signed = desk.intact();
    assert_eq!((signed.lines, signed.signed_lines, signed.checkpoints), (135, 135, 4));
    log.checkpoint().unwrap();
    assert_eq!(desk.intact().lines, 135, "there is nothing to sign");
    calls(&mut log, 128..129);
    log.checkpoint().unwrap();
    assert_eq!(desk.intact().signed_lines, 137);
    assert_eq!(log.state(), AuditState { entries: 131, altered: false, error: None, unsettled: false });
}

#[test]
fn the_chain_continues_after_a_restart() {
    let desk = Desk::new();
    for _ in 0..3 {
        let mut log = desk.open();
        log.append(record("session.opened")).unwrap();
        log.append(record("session.closed")).unwrap();
    }
    let run = ["audit.checkpoint", "session.opened", "session.closed", "audit.checkpoint", "audit.checkpoint"];
    assert_eq!(desk.kinds(), [&["audit.opened"], &run[..], &run[..], &run[..]].concat());
    assert!(desk.intact().is_closed);
}

#[test]
fn a_log_in_which_nothing_is_recorded_stays_as_it_is() {
    let desk = Desk::new();
    drop(desk.open());
    let before = (fs::read(desk.today()).unwrap(), fs::read(desk.head()).unwrap());
    drop(desk.open());
    desk.set(DAY);
    assert_eq!((fs::read(desk.today()).unwrap(), fs::read(desk.head()).unwrap()), before);
    assert!(desk.intact().is_closed);
}

#[test]
fn a_version_1_file_is_continued_after_its_older_lines() {
    let desk = Desk::new();
    fs::create_dir(desk.dir()).unwrap();
    fs::write(desk.today(), "{\"type\": \"old\"}\n").unwrap();
    fs::set_permissions(desk.today(), fs::Permissions::from_mode(0o644)).unwrap();
    calls(&mut desk.open(), 0..1);
    assert_eq!(verify_file(&desk.today()), Ok(Verified { lines: 5, chained: 4 }));
    assert_eq!(desk.entries()[1]["unsigned_lines"], 1);
    let report = desk.intact();
    assert_eq!((report.lines, report.chained, report.signed_lines), (5, 4, 5));
    assert_eq!((mode(&desk.dir()), mode(&desk.today())), (0o700, 0o600));
}

#[test]
fn files_of_version_1_are_read_as_they_are_and_followed() {
    let desk = Desk::new();
    fs::create_dir(desk.dir()).unwrap();
    let foreign = rechained((0..3).map(|number| format!("{{\"type\": \"call\", \"number\": {number}}}")));
    fs::write(desk.path("2026-05-11"), &foreign).unwrap();
    fs::write(desk.path("tools-2026-05-11"), &foreign).unwrap();
    let report = desk.verified();
    assert!(report.is_intact() && report.logs[0].head.is_none(), "{report:?}");
    assert!(report.files().all(|file| file.signed_lines == 0 && file.chained == 3));
    calls(&mut desk.open(), 0..1);
    let previous = &desk.entries()[0]["previous"];
    assert_eq!((&previous["date"], &previous["lines"]), (&"2026-05-11".into(), &3.into()));
    desk.intact();
    assert_eq!(fs::read_to_string(desk.path("2026-05-11")).unwrap(), foreign);
    // What another file follows on cannot be changed any more, whoever wrote it.
    fs::write(desk.path("2026-05-11"), rechained(foreign.lines().take(2).map(str::to_owned))).unwrap();
    desk.found("2026-05-11.jsonl: line 3: 2026-05-12.jsonl follows on 3 lines");
}

#[test]
fn a_second_writer_is_refused() {
    let desk = Desk::new();
    let first = desk.open();
    let error = desk.try_open(key(1)).unwrap_err();
    assert!(matches!(error, AuditError::Busy { .. }), "{error}");
    assert!(error.to_string().starts_with("another opendesk writes the audit log in "), "{error}");
    drop(first);
    desk.open();
}

#[test]
fn midnight_begins_a_new_file_that_follows_on_the_signed_old_one() {
    let desk = Desk::new();
    let mut log = desk.open();
    calls(&mut log, 0..1);
    desk.set(9);
    calls(&mut log, 1..2);
    desk.set(10);
    calls(&mut log, 2..3);
    assert_eq!(desk.kinds(), ["audit.opened", "audit.checkpoint", "call", "call", "audit.checkpoint"]);
    let tomorrow = desk.path("2026-05-13");
    assert_eq!(kinds_of(&tomorrow), ["audit.opened", "audit.checkpoint", "call"]);
    let previous = &entries_of(&tomorrow)[0]["previous"];
    assert_eq!((&previous["date"], &previous["lines"]), (&"2026-05-12".into(), &5.into()));
    assert_eq!(previous["hash"], desk.entries()[4]["hash"]);
    desk.intact();
    // A clock that is set back continues the earlier file.
    desk.set(0);
    calls(&mut log, 3..4);
    assert_eq!(desk.kinds()[5..], ["call"]);
    desk.set(11);
    calls(&mut log, 4..5);
    drop(log);
    assert_eq!(desk.kinds()[5..], ["call", "audit.checkpoint"]);
    assert_eq!(
        kinds_of(&tomorrow),
        ["audit.opened", "audit.checkpoint", "call", "audit.checkpoint", "call", "audit.checkpoint"]
    );
    assert!(desk.intact().is_closed);
}

#[test]
fn a_day_without_a_host_leaves_no_gap() {
    let desk = Desk::new();
    for day in [0, 1, 4] {
        desk.set(day * DAY);
        calls(&mut desk.open(), 0..1);
    }
    let previous = &entries_of(&desk.path("2026-05-16"))[0]["previous"];
    assert_eq!((&previous["date"], &previous["lines"]), (&"2026-05-13".into(), &4.into()));
    assert_eq!(desk.verified().files().count(), 3);
    desk.intact();
}

#[test]
fn a_record_that_no_reader_would_take_is_refused() {
    let desk = Desk::new();
    let mut log = desk.open();
    let endless = Record { fields: fields([("summary", "x".repeat(MAX_LINE).into())]), ..record("call") };
    assert!(matches!(log.append(endless), Err(AuditError::TooLong { .. })));
    assert_eq!(log.state().error, None);
    calls(&mut log, 0..1);
    assert_eq!(desk.intact().lines, 3);
}

#[test]
fn a_time_stamp_reads_back_as_it_was_written() {
    for micros in [0, 1, 1_760_000_000_123_457, 4_102_444_799_999_999] {
        let seconds = microseconds(UNIX_EPOCH + Duration::from_micros(micros));
        assert_eq!((seconds * 1e6).round() as u64, micros);
        let read: f64 = serde_json::from_str(&format!("{seconds:?}")).unwrap();
        assert_eq!(read.to_bits(), seconds.to_bits());
    }
    assert_eq!(microseconds(UNIX_EPOCH - Duration::from_secs(1)), 0.0);
}
