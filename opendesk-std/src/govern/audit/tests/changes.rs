//! What the log does when somebody else changes it while it is in use, when it cannot be written, and when its key changes.

use super::*;
use crate::platform;

fn expected(entry: &Value) -> (&str, u64, &str) {
    let text = |name: &str| entry[name].as_str().unwrap_or_default();
    (text("change"), entry["expected_lines"].as_u64().unwrap_or(0), text("expected_hash"))
}

/// Checks that actions are not recorded, all else is, and both are once the owner knows.
fn is_held_back(desk: &Desk, log: &mut AuditLog) {
    for _ in 0..2 {
        let error = log.append(record("call.started")).unwrap_err();
        assert!(matches!(error, AuditError::Altered { .. }), "{error}");
        assert!(error.to_string().contains("2026-05-12.jsonl was changed by somebody else"), "{error}");
        assert_eq!(error.to_string().lines().count(), 1);
    }
    assert!(log.state().altered);
    log.append_anyway(record("session.rejected")).unwrap();
    assert_eq!(desk.kinds().last().map(String::as_str), Some("session.rejected"));
    log.acknowledge();
    assert!(!log.state().altered);
    log.append(record("call.started")).unwrap();
    assert_eq!(desk.kinds().last().map(String::as_str), Some("call.started"));
    verify_file(&desk.today()).unwrap();
}

#[test]
fn a_file_that_is_cut_while_in_use_holds_actions_back() {
    let desk = Desk::new();
    let mut log = desk.open();
    calls(&mut log, 0..1);
    let kept = fs::read(desk.today()).unwrap();
    calls(&mut log, 1..2);
    let hash = desk.entries()[3]["hash"].as_str().unwrap().to_owned();
    fs::write(desk.today(), kept).unwrap();
    is_held_back(&desk, &mut log);
    assert_eq!(desk.kinds()[2..5], ["call", "audit.altered", "audit.checkpoint"]);
    assert_eq!(expected(&desk.entries()[3]), ("cut", 4, &*hash));
    desk.found(
        "line 4: the log noted here that somebody else had changed it (cut); before, 2026-05-12.jsonl had 4 lines",
    );
}

#[test]
fn a_file_that_is_lost_while_in_use_holds_actions_back() {
    let desk = Desk::new();
    let mut log = desk.open();
    calls(&mut log, 0..1);
    let hash = desk.entries()[2]["hash"].as_str().unwrap().to_owned();
    fs::remove_file(desk.today()).unwrap();
    is_held_back(&desk, &mut log);
    assert_eq!(desk.kinds()[..3], ["audit.opened", "audit.checkpoint", "audit.altered"]);
    assert_eq!(expected(&desk.entries()[2]), ("lost", 3, &*hash));
    desk.found("(lost)");
}

#[test]
fn a_folder_that_is_lost_or_replaced_while_in_use_is_taken_anew_and_holds_actions_back() {
    for replaced in [false, true] {
        let desk = Desk::new();
        let mut log = desk.open();
        calls(&mut log, 0..1);
        let hash = desk.entries()[2]["hash"].as_str().unwrap().to_owned();
        if replaced {
            fs::rename(desk.dir(), desk.root.path().join("away")).unwrap();
            fs::create_dir(desk.dir()).unwrap();
        } else {
            fs::remove_dir_all(desk.dir()).unwrap();
        }
        assert!(matches!(log.look(), Err(AuditError::Altered { .. })));
        is_held_back(&desk, &mut log);
        assert!(log.look().is_ok());
        assert_eq!(expected(&desk.entries()[2]), ("lost", 3, &*hash));
        assert!(matches!(desk.try_open(key(1)).unwrap_err(), AuditError::Busy { .. }), "the lock went with the folder");
        assert_eq!(platform::mode(&fs::metadata(desk.dir()).unwrap()).map(|mode| mode & 0o777), Some(0o700));
        drop(log);
        desk.found("(lost)");
        desk.open();
    }
}

#[test]
fn what_is_lost_when_the_log_is_closed_is_noted_all_the_same() {
    let desk = Desk::new();
    let mut log = desk.open();
    calls(&mut log, 0..1);
    fs::remove_dir_all(desk.dir()).unwrap();
    drop(log);
    assert_eq!(desk.kinds()[2], "audit.altered");
    desk.found("(lost)");
}

#[test]
fn a_log_does_not_make_its_home_anew() {
    let desk = Desk::new();
    let mut log = desk.open();
    calls(&mut log, 0..1);
    let away = desk.root.path().with_extension("away");
    fs::rename(desk.root.path(), &away).unwrap();
    let error = log.append(record("call.started")).unwrap_err();
    assert!(error.to_string().starts_with("cannot make anew the audit log "), "{error}");
    assert!(log.look().is_err() && log.state().error.is_some());
    fs::rename(&away, desk.root.path()).unwrap();
    assert!(log.look().is_ok());
    calls(&mut log, 1..2);
    assert_eq!(desk.kinds()[2..], ["call", "audit.missed", "audit.checkpoint", "call"]);
    desk.intact();
}

#[test]
fn a_file_that_is_replaced_while_in_use_holds_actions_back() {
    let desk = Desk::new();
    let mut log = desk.open();
    calls(&mut log, 0..1);
    let other = desk.dir().join("other");
    fs::copy(desk.today(), &other).unwrap();
    fs::rename(&other, desk.today()).unwrap();
    is_held_back(&desk, &mut log);
    assert_eq!(expected(&desk.entries()[3]).0, "replaced");
    desk.found("(replaced)");
}

#[test]
fn a_line_of_somebody_else_while_in_use_holds_actions_back() {
    let desk = Desk::new();
    let mut log = desk.open();
    calls(&mut log, 0..1);
    let lines = fs::read_to_string(desk.today()).unwrap();
    let forged = rechained(lines.lines().chain(["{\"type\": \"call\"}"]).map(str::to_owned));
    desk.add_bytes(forged.lines().last().unwrap().as_bytes());
    desk.add_bytes(b"\n");
    is_held_back(&desk, &mut log);
    assert_eq!(expected(&desk.entries()[4]), ("added", 3, desk.entries()[2]["hash"].as_str().unwrap()));
    desk.found("(added)");
}

#[test]
fn a_file_that_is_changed_when_its_day_is_over_holds_actions_back() {
    let desk = Desk::new();
    let mut log = desk.open();
    calls(&mut log, 0..2);
    fs::remove_file(desk.today()).unwrap();
    desk.set(DAY);
    assert!(matches!(log.append(record("call.started")), Err(AuditError::Altered { .. })));
    assert_eq!(kinds_of(&desk.path("2026-05-13"))[2], "audit.altered");
    desk.found("2026-05-12.jsonl, on which it follows, is not here");
}

#[test]
fn bytes_that_are_no_line_are_moved_into_an_entry_and_hold_nothing_back() {
    let desk = Desk::new();
    let mut log = desk.open();
    calls(&mut log, 0..1);
    desk.add_bytes(b"{\"half");
    calls(&mut log, 1..2);
    assert_eq!(desk.kinds()[2..], ["call", "audit.recovered", "audit.checkpoint", "call"]);
    assert_eq!(desk.entries()[3]["torn"], "{\"half");
    assert!(!log.state().altered);
    desk.intact();
}

#[test]
fn a_failed_write_is_an_error_and_the_next_one_works() {
    let desk = Desk::new();
    let mut log = desk.open();
    calls(&mut log, 0..1);
    let saved = desk.dir().join("saved");
    fs::rename(desk.today(), &saved).unwrap();
    fs::create_dir(desk.today()).unwrap();
    for seconds in [3, 4] {
        desk.set(seconds);
        let error = log.append_anyway(record("call")).unwrap_err();
        assert!(error.to_string().starts_with("cannot continue the audit log "), "{error}");
        assert_eq!(error.to_string().lines().count(), 1);
        assert!(log.state().error.unwrap().starts_with("cannot continue"));
    }
    fs::remove_dir(desk.today()).unwrap();
    fs::rename(&saved, desk.today()).unwrap();
    calls(&mut log, 1..3);
    assert_eq!(log.state(), AuditState { entries: 3, altered: false, error: None, unsettled: false });
    assert_eq!(desk.kinds()[2..], ["call", "audit.missed", "audit.checkpoint", "call", "call"]);
    let missed = &desk.entries()[3];
    assert_eq!((&missed["entries"], &missed["since"]), (&2.into(), &Value::from(1_778_623_193.0)));
    desk.intact();
}

#[test]
fn entries_that_are_lost_until_the_log_is_closed_are_told_of_at_its_end() {
    let desk = Desk::new();
    calls(&mut desk.open(), 0..1);
    let mut log = desk.open();
    let saved = desk.dir().join("saved");
    fs::rename(desk.today(), &saved).unwrap();
    fs::create_dir(desk.today()).unwrap();
    for _ in 0..3 {
        log.append(record("call.started")).unwrap_err();
    }
    fs::remove_dir(desk.today()).unwrap();
    fs::rename(&saved, desk.today()).unwrap();
    drop(log);
    let kinds = desk.kinds();
    assert_eq!(kinds[4..], ["audit.checkpoint", "audit.missed", "audit.checkpoint", "audit.checkpoint"]);
    assert_eq!(desk.entries()[5]["entries"], 3);
    assert!(desk.intact().is_closed);
}

#[test]
fn a_key_that_takes_over_is_signed_for_by_the_former_one() {
    let desk = Desk::new();
    let mut log = desk.open();
    calls(&mut log, 0..1);
    log.set_signer(key(1));
    assert_eq!(desk.kinds().len(), 3, "it is the same key");
    log.set_signer(key(2));
    calls(&mut log, 1..2);
    drop(log);
    let kinds = ["call", "audit.checkpoint", "audit.signer", "audit.checkpoint", "call", "audit.checkpoint"];
    assert_eq!(desk.kinds()[2..], kinds);
    // Whoever knows one of the keys knows both.
    for known in [1, 2] {
        let report = verify_log(&[desk.dir()], &[key(known).public()]);
        assert!(report.is_intact(), "{report:#?}");
        let file = report.files().next().unwrap();
        assert_eq!((file.signed_lines, file.signers.len(), file.is_closed), (8, 2, true));
    }
    assert_eq!(faults_of(&verify_log(&[desk.dir()], &[key(3).public()])).len(), 2);
    // The former key signs no more.
    let mut log = desk.try_open(key(1)).unwrap();
    calls(&mut log, 2..3);
    drop(log);
    desk.found(
        "line 9: it is signed by the key 8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c, from which",
    );
}

#[test]
fn a_key_takes_over_in_a_log_that_was_just_opened() {
    let desk = Desk::new();
    calls(&mut desk.open(), 0..1);
    desk.open().set_signer(key(2));
    assert_eq!(desk.kinds()[4..], ["audit.checkpoint", "audit.signer", "audit.checkpoint", "audit.checkpoint"]);
    let report = verify_log(&[desk.dir()], &[key(2).public()]);
    assert!(report.is_intact() && report.files().next().unwrap().is_closed, "{report:?}");
}

#[test]
fn a_key_that_was_changed_while_no_log_was_open_needs_to_be_known() {
    let desk = Desk::new();
    calls(&mut desk.open(), 0..1);
    calls(&mut desk.try_open(key(2)).unwrap(), 1..2);
    desk.found("line 5: it is signed by the key");
    assert!(verify_log(&[desk.dir()], &[key(1).public(), key(2).public()]).is_intact());
}

#[test]
fn a_former_key_signs_no_more_on_later_days_either() {
    let desk = Desk::new();
    let mut log = desk.open();
    log.set_signer(key(2));
    drop(log);
    desk.set(DAY);
    calls(&mut desk.try_open(key(2)).unwrap(), 0..1);
    desk.intact();
    desk.set(2 * DAY);
    calls(&mut desk.try_open(key(1)).unwrap(), 0..1);
    desk.found("2026-05-14.jsonl: line 2: it is signed by the key");
}
