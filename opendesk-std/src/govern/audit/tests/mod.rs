mod changes;
mod crashes;
mod following;
mod reading;
mod tampering;
mod writing;

use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::time::UNIX_EPOCH;

use opendesk_core::VerifyingKey;
use serde_json::{Map, Value};

use super::*;

/// 2026-05-12, 23:59:50 two hours east of Greenwich.
const EVENING: u64 = 1_778_623_190;

const DAY: u64 = 86_400;

fn key(byte: u8) -> SigningKey {
    SigningKey::new([byte; 32])
}

/// The key with which the logs of these tests are signed.
fn own() -> VerifyingKey {
    key(1).public()
}

/// A log whose clock the test sets.
struct Desk {
    root: tempfile::TempDir,
    seconds: Arc<AtomicU64>,
}

impl Desk {
    fn new() -> Self {
        let root = tempfile::tempdir().expect("a temporary directory");
        Self { root, seconds: Arc::new(AtomicU64::new(EVENING)) }
    }

    fn dir(&self) -> PathBuf {
        self.root.path().join("audit")
    }

    fn try_open(&self, signer: SigningKey) -> Result<AuditLog, AuditError> {
        let seconds = Arc::clone(&self.seconds);
        let clock = move || UNIX_EPOCH + Duration::from_secs(seconds.load(Ordering::Relaxed));
        AuditLog::open_in(&self.dir(), TimeZone::fixed(jiff::tz::offset(2)), Box::new(clock), signer)
    }

    fn open(&self) -> AuditLog {
        self.try_open(key(1)).expect("the log opens")
    }

    /// Sets the clock to so many seconds after the evening of 2026-05-12.
    fn set(&self, after: u64) {
        self.seconds.store(EVENING + after, Ordering::Relaxed);
    }

    fn path(&self, date: &str) -> PathBuf {
        self.dir().join(format!("{date}.jsonl"))
    }

    fn today(&self) -> PathBuf {
        self.path("2026-05-12")
    }

    fn head(&self) -> PathBuf {
        self.dir().join(HEAD)
    }

    fn entries(&self) -> Vec<Value> {
        entries_of(&self.today())
    }

    fn kinds(&self) -> Vec<String> {
        kinds_of(&self.today())
    }

    fn add_bytes(&self, bytes: &[u8]) {
        let mut file = OpenOptions::new().append(true).open(self.today()).expect("today's file is there");
        file.write_all(bytes).expect("it takes bytes");
    }

    /// What `opendesk audit verify` finds.
    fn verified(&self) -> Report {
        verify_log(&[self.dir()], &[own()])
    }

    /// Checks that nothing is wrong, and gives what was found in the last file.
    fn intact(&self) -> FileReport {
        let report = self.verified();
        assert!(report.is_intact(), "{report:#?}");
        report.files().last().expect("a file").clone()
    }

    /// Everything that is wrong, each with its file and line.
    fn faults(&self) -> Vec<String> {
        faults_of(&self.verified())
    }

    /// Checks that something is wrong, and that one of it is said so.
    fn found(&self, what: &str) {
        let faults = self.faults();
        assert!(faults.iter().any(|fault| fault.contains(what)), "{what:?} is not in {faults:#?}");
    }
}

fn faults_of(report: &Report) -> Vec<String> {
    let mut faults = Vec::new();
    for log in &report.logs {
        faults.extend(log.faults.clone());
        for FileReport { path, error, .. } in &log.files {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            faults.extend(error.iter().map(|error| format!("{name}: {error}")));
        }
    }
    assert_eq!(report.is_intact(), faults.is_empty());
    faults
}

fn entries_of(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).expect("the file is there");
    text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}

fn kinds_of(path: &Path) -> Vec<String> {
    entries_of(path).iter().map(|entry| entry["type"].as_str().unwrap_or_default().to_owned()).collect()
}

fn record(kind: &'static str) -> Record {
    let peer = PeerRef { name: "Zoë".into(), fp: "0123456789abcdef".into() };
    Record { kind, peer: Some(peer), fields: fields([("session_id", "s1".into()), ("duration", Value::from(1.5))]) }
}

/// So many calls, numbered from this one.
fn calls(log: &mut AuditLog, numbers: Range<u64>) {
    for number in numbers {
        let fields = fields([("method", "input.key".into()), ("number", number.into())]);
        log.append(Record { fields, ..record("call") }).expect("it is recorded");
    }
}

/// The same lines in a new chain, as somebody without the key could write them.
fn rechained(lines: impl IntoIterator<Item = String>) -> String {
    let mut prev = chain::GENESIS.to_owned();
    let mut text = String::new();
    for line in lines {
        let mut entry: Map<String, Value> = serde_json::from_str(&line).expect("a line of JSON");
        prev = chain::seal(&mut entry, &prev);
        text.push_str(&json::object(&entry, Style::Line));
        text.push('\n');
    }
    text
}
