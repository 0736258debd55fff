use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use super::*;

/// 2026-05-12, 23:59:50 two hours east of Greenwich.
const EVENING: u64 = 1_778_623_190;

/// A log whose clock the test sets.
struct Desk {
    root: tempfile::TempDir,
    seconds: Arc<AtomicU64>,
}

impl Desk {
    fn new() -> Self {
        Self { root: tempfile::tempdir().unwrap(), seconds: Arc::new(AtomicU64::new(EVENING)) }
    }

    fn dir(&self) -> PathBuf {
        self.root.path().join("audit")
    }

    fn open(&self) -> Result<AuditLog, AuditError> {
        let seconds = Arc::clone(&self.seconds);
        let clock = move || UNIX_EPOCH + Duration::from_secs(seconds.load(Ordering::Relaxed));
        AuditLog::open_in(&self.dir(), TimeZone::fixed(jiff::tz::offset(2)), Box::new(clock))
    }

    fn today(&self) -> PathBuf {
        self.dir().join("2026-05-12.jsonl")
    }

    fn entries(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.today()).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn kinds(&self) -> Vec<String> {
        self.entries().iter().map(|entry| entry["type"].as_str().unwrap().to_owned()).collect()
    }

    fn chained(&self) -> u64 {
        verify_file(&self.today()).unwrap().chained
    }

    fn add_bytes(&self, bytes: &[u8]) {
        OpenOptions::new().append(true).open(self.today()).unwrap().write_all(bytes).unwrap();
    }
}

fn record(kind: &'static str) -> Record {
    let peer = PeerRef { name: "Zoë".into(), fp: "0123456789abcdef".into() };
    Record { kind, peer: Some(peer), fields: fields([("session_id", "s1".into()), ("duration", Value::from(1.5))]) }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_record_has_the_fields_of_the_log_and_is_ascii() {
    let desk = Desk::new();
    let mut log = desk.open().unwrap();
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
    assert_eq!(entries[0]["ts"], 1_778_623_190.0);
    assert_eq!(entries[0]["type"], "call");
    assert_eq!(entries[0]["peer"]["fp"], "0123456789abcdef");
    assert_eq!(entries[0]["duration"], 1.5);
    assert_eq!(entries[0]["prev"], "0".repeat(64));
    assert_eq!(entries[1]["prev"], entries[0]["hash"]);
    assert_eq!(entries[1]["peer"]["name"], "");
    assert_eq!(entries[1]["peer"]["fp"], "");
    assert_eq!(desk.chained(), 2);
    assert_eq!((mode(&desk.dir()), mode(&desk.today())), (0o700, 0o600));
}

#[test]
fn the_chain_continues_after_a_restart() {
    let desk = Desk::new();
    for _ in 0..3 {
        let mut log = desk.open().unwrap();
        log.append(record("session.opened")).unwrap();
        log.append(record("session.closed")).unwrap();
    }
    assert_eq!(verify_file(&desk.today()), Ok(Verified { lines: 6, chained: 6 }));
}

#[test]
fn a_version_1_file_is_continued_after_its_older_lines() {
    let desk = Desk::new();
    fs::create_dir(desk.dir()).unwrap();
    fs::write(desk.today(), "{\"type\": \"old\"}\n").unwrap();
    fs::set_permissions(desk.today(), fs::Permissions::from_mode(0o644)).unwrap();
    desk.open().unwrap().append(record("call")).unwrap();
    assert_eq!(verify_file(&desk.today()), Ok(Verified { lines: 2, chained: 1 }));
    assert_eq!((mode(&desk.dir()), mode(&desk.today())), (0o700, 0o600));
}

#[test]
fn a_second_writer_is_refused() {
    let desk = Desk::new();
    let first = desk.open().unwrap();
    let error = desk.open().unwrap_err();
    assert!(matches!(error, AuditError::Busy { .. }), "{error}");
    assert!(error.to_string().starts_with("another opendesk writes the audit log in "), "{error}");
    drop(first);
    desk.open().unwrap();
}

#[test]
fn midnight_begins_a_new_chain() {
    let desk = Desk::new();
    let mut log = desk.open().unwrap();
    log.append(record("call")).unwrap();
    desk.seconds.store(EVENING + 9, Ordering::Relaxed);
    log.append(record("call")).unwrap();
    desk.seconds.store(EVENING + 10, Ordering::Relaxed);
    log.append(record("call")).unwrap();
    assert_eq!(desk.chained(), 2);
    let tomorrow = desk.dir().join("2026-05-13.jsonl");
    assert_eq!(verify_file(&tomorrow), Ok(Verified { lines: 1, chained: 1 }));
    // A clock that is set back continues the earlier file.
    desk.seconds.store(EVENING, Ordering::Relaxed);
    log.append(record("call")).unwrap();
    assert_eq!(desk.chained(), 3);
    assert_eq!(desk.kinds(), ["call"; 3]);
}

#[test]
fn a_torn_line_is_moved_into_an_entry() {
    let desk = Desk::new();
    desk.open().unwrap().append(record("call")).unwrap();
    let torn = b"{\"hash\": \"5796c3\xff";
    desk.add_bytes(torn);
    assert!(verify_file(&desk.today()).is_err());
    drop(desk.open().unwrap());
    assert_eq!(desk.kinds(), ["call", "audit.recovered"]);
    let entries = desk.entries();
    assert_eq!(entries[1]["torn_bytes"], torn.len());
    assert_eq!(entries[1]["torn"], "{\"hash\": \"5796c3\u{fffd}");
    desk.open().unwrap().append(record("call")).unwrap();
    assert_eq!(desk.chained(), 3);
}

#[test]
fn a_line_that_lacks_only_its_line_break_is_kept() {
    let desk = Desk::new();
    let mut log = desk.open().unwrap();
    log.append(record("call")).unwrap();
    log.append(record("call")).unwrap();
    drop(log);
    let text = fs::read(desk.today()).unwrap();
    fs::write(desk.today(), &text[..text.len() - 1]).unwrap();
    desk.open().unwrap().append(record("call")).unwrap();
    assert_eq!(desk.kinds(), ["call"; 3]);
    assert_eq!(desk.chained(), 3);
}

#[test]
fn a_torn_line_while_running_is_moved_into_an_entry_too() {
    let desk = Desk::new();
    let mut log = desk.open().unwrap();
    log.append(record("call")).unwrap();
    desk.add_bytes(b"{\"half");
    log.append(record("call")).unwrap();
    assert_eq!(desk.kinds(), ["call", "audit.recovered", "call"]);
    assert_eq!(desk.chained(), 3);
}

#[test]
fn a_chain_that_was_cut_while_in_use_says_so() {
    let desk = Desk::new();
    let mut log = desk.open().unwrap();
    log.append(record("call")).unwrap();
    let kept = fs::read(desk.today()).unwrap();
    log.append(record("call")).unwrap();
    let cut = desk.entries()[1]["hash"].clone();
    fs::write(desk.today(), kept).unwrap();
    log.append(record("call")).unwrap();
    assert_eq!(desk.kinds(), ["call", "audit.altered", "call"]);
    assert_eq!(desk.entries()[1]["expected_hash"], cut);
    fs::remove_file(desk.today()).unwrap();
    log.append(record("call")).unwrap();
    assert_eq!(desk.kinds(), ["audit.altered", "call"]);
    assert_eq!(desk.chained(), 2);
}

#[test]
fn a_failed_write_is_an_error_and_the_next_one_works() {
    let desk = Desk::new();
    let mut log = desk.open().unwrap();
    log.append(record("call")).unwrap();
    let saved = desk.dir().join("saved");
    fs::rename(desk.today(), &saved).unwrap();
    fs::create_dir(desk.today()).unwrap();
    for _ in 0..2 {
        let error = log.append(record("call")).unwrap_err();
        assert!(error.to_string().starts_with("cannot continue the audit log "), "{error}");
        assert_eq!(error.to_string().lines().count(), 1);
    }
    fs::remove_dir(desk.today()).unwrap();
    fs::rename(&saved, desk.today()).unwrap();
    log.append(record("call")).unwrap();
    assert_eq!(desk.kinds(), ["call"; 2]);
    assert_eq!(desk.chained(), 2);
}

#[test]
fn a_record_that_no_reader_would_take_is_refused() {
    let desk = Desk::new();
    let mut log = desk.open().unwrap();
    let endless = Record { fields: fields([("summary", "x".repeat(MAX_LINE).into())]), ..record("call") };
    assert!(matches!(log.append(endless), Err(AuditError::TooLong { .. })));
    log.append(record("call")).unwrap();
    assert_eq!(desk.chained(), 1);
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
