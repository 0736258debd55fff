//! One file, line by line.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use opendesk_core::VerifyingKey;
use serde_json::{Map, Value};

use super::{FileReport, Recovered};
use crate::govern::audit::chain::{GENESIS, NOT_CHAINED, check, parse};
use crate::govern::audit::checkpoint::{self, CHECKPOINT, SIGNER};
use crate::govern::audit::head::End;
use crate::govern::audit::lines::{Source, read_line};
use crate::home::json::{self, Style};
use crate::home::printable;

/// What the keys of a log did in a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    /// This one signed all that stands before.
    Signed { line: u64, key: VerifyingKey },
    /// One took over from another.
    Followed { line: u64, former: VerifyingKey, key: VerifyingKey },
}

/// A file as it was read, before it is known whose keys count.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) report: FileReport,
    pub(super) events: Vec<Event>,
    /// On which files it says that it follows, and in which line.
    pub(super) links: Vec<(u64, End)>,
    /// The hash of its last chained line.
    pub(super) last: String,
    /// Whether its last line has no line break.
    pub(super) is_broken_off: bool,
    /// That of the line that the signed end of the log names.
    pub(super) watched: Option<String>,
    /// Up to which line a later file knows it.
    pub(super) known: u64,
    /// Whether it has entries that only this program makes.
    pub(super) is_ours: bool,
    /// The last line, when it was one by which the log was closed.
    closed: Option<u64>,
}

impl Reading {
    /// Reads a file; `watch` is the number of a line whose hash is kept.
    pub(super) fn of(path: PathBuf, date: Option<Date>, watch: Option<u64>) -> Self {
        let report = FileReport {
            path,
            date,
            lines: 0,
            chained: 0,
            checkpoints: 0,
            signed_lines: 0,
            signers: Vec::new(),
            is_closed: false,
            torn_bytes: 0,
            recovered: Vec::new(),
            error: None,
        };
        let mut reading = Self {
            report,
            events: Vec::new(),
            links: Vec::new(),
            last: GENESIS.to_owned(),
            is_broken_off: false,
            watched: None,
            known: 0,
            is_ours: false,
            closed: None,
        };
        let path = reading.report.path.clone();
        if let Err((line, why)) = reading.read(&path, watch) {
            reading.report.fault(line, why);
        } else if reading.report.chained == 0 && reading.report.lines > 0 {
            // Nothing would be easier than to take the hashes away.
            reading.report.fault(1, "none of its lines is chained, so nothing can be checked");
        }
        reading.report.is_closed = reading.closed.is_some_and(|line| line == reading.report.lines);
        reading
    }

    fn read(&mut self, path: &Path, watch: Option<u64>) -> Result<(), (u64, String)> {
        let file: File = Source::open(path).map_err(|error| (0, format!("it cannot be opened: {error}")))?;
        let date = self.report.date.map(|date| date.to_string());
        let mut reader = BufReader::new(file);
        let mut buffer = Vec::new();
        for line in 1.. {
            if !read_line(&mut reader, &mut buffer).map_err(|error| (line, error.to_string()))? {
                break;
            }
            if buffer.trim_ascii().is_empty() {
                if self.is_ours {
                    return Err((line, "it is empty: it was added".to_owned()));
                }
                self.report.lines = line;
                continue;
            }
            let mut entry = match parse(&buffer) {
                Ok(entry) => entry,
                // What a crash leaves, or somebody who cuts at any place; the end of the log tells which.
                Err(_) if buffer.last() != Some(&b'\n') => {
                    self.report.torn_bytes = buffer.len() as u64;
                    break;
                }
                Err(why) => return Err((line, why)),
            };
            match check(&mut entry, &self.last).map_err(|why| (line, why.to_owned()))? {
                Some(hash) => {
                    self.note(line, &entry, date.as_deref()).map_err(|why| (line, why))?;
                    entry.insert("hash".into(), hash.as_str().into());
                    if self.is_ours && !is_as_written(&entry, &buffer) {
                        return Err((line, "it says the same, but not as it was written: it was changed".to_owned()));
                    }
                    if watch == Some(line) {
                        self.watched = Some(hash.clone());
                    }
                    self.last = hash;
                    self.report.chained += 1;
                }
                None if self.report.chained > 0 => return Err((line, NOT_CHAINED.to_owned())),
                None => {}
            }
            self.report.lines = line;
            self.is_broken_off = buffer.last() != Some(&b'\n');
        }
        Ok(())
    }

    /// Takes note of an entry of which the chain holds.
    fn note(&mut self, line: u64, entry: &Map<String, Value>, date: Option<&str>) -> Result<(), String> {
        let kind = entry.get("type").and_then(Value::as_str).unwrap_or_default();
        if self.closed.is_some_and(|closed| closed + 1 == line) && kind != CHECKPOINT {
            return Err("it was added after the log had been closed, by somebody without the key".to_owned());
        }
        self.is_ours |= kind.starts_with("audit.");
        match kind {
            CHECKPOINT => {
                let checkpoint = checkpoint::check(entry, line, date)?;
                self.events.push(Event::Signed { line, key: checkpoint.key });
                self.report.checkpoints += 1;
                self.closed = checkpoint.is_closed.then_some(line);
            }
            SIGNER => {
                let (former, key) = checkpoint::check_signer(entry)
                    .ok_or("the signatures by which another key takes over do not hold")?;
                self.events.push(Event::Followed { line, former, key });
            }
            "audit.opened" => {
                if let Some(Value::Object(previous)) = entry.get("previous") {
                    let end = End::read(previous).ok_or("it does not say on which file it follows")?;
                    self.links.push((line, end));
                }
            }
            "audit.recovered" => {
                let number = |name: &str| entry.get(name).and_then(Value::as_u64).unwrap_or(0);
                let (unsigned_lines, torn_bytes) = (number("unsigned_lines"), number("torn_bytes"));
                self.report.recovered.push(Recovered { line, unsigned_lines, torn_bytes });
            }
            "audit.altered" => self.report.fault(line, altered(entry)),
            _ => {}
        }
        Ok(())
    }
}

/// Whether a line is byte for byte what this program writes. A field that stands there twice, for instance, does not change
/// the hash, and readers differ in which one they take.
fn is_as_written(entry: &Map<String, Value>, line: &[u8]) -> bool {
    json::object(entry, Style::Line).as_bytes() == line.strip_suffix(b"\n").unwrap_or(line)
}

/// What an entry of the log says about what somebody else did to it.
fn altered(entry: &Map<String, Value>) -> String {
    let change = entry.get("change").and_then(Value::as_str).unwrap_or("changed");
    let date = entry.get("expected_date").and_then(Value::as_str);
    let lines = entry.get("expected_lines").and_then(Value::as_u64);
    let was = match (date, lines) {
        (Some(date), Some(lines)) => format!("; before, {date}.jsonl had {lines} lines"),
        _ => String::new(),
    };
    printable(&format!("the log noted here that somebody else had changed it ({change}){was}"))
}
