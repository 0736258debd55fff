//! The chain of hashes over the lines of one file.

use core::fmt;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::lines::read_line;
use crate::home::hex;
use crate::home::json::{self, Style};

/// What `prev` is in the first line of a file.
pub(super) const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// What is wrong with a line without a hash, once there were some with.
pub(super) const NOT_CHAINED: &str = "it is not chained but follows lines that are";

/// Completes a record with `prev` and `hash`, and returns the latter.
pub(super) fn seal(entry: &mut Map<String, Value>, prev: &str) -> String {
    entry.remove("hash");
    entry.insert("prev".into(), prev.into());
    let hash = hash_of(entry);
    entry.insert("hash".into(), hash.as_str().into());
    hash
}

/// The hash that a line claims, if it is a line of a chain at all.
pub(super) fn claimed(line: &[u8]) -> Option<String> {
    let entry: Map<String, Value> = serde_json::from_slice(line).ok()?;
    entry.get("hash").and_then(Value::as_str).map(str::to_owned)
}

/// The hash of a line that follows one with hash `prev`; `None` when the line is not whole.
pub(super) fn whole(line: &[u8], prev: &str) -> Option<String> {
    let mut entry: Map<String, Value> = serde_json::from_slice(line).ok()?;
    check(&mut entry, prev).ok().flatten()
}

/// The hash of an entry without its `hash`.
fn hash_of(entry: &Map<String, Value>) -> String {
    hex::encode(Sha256::digest(json::object(entry, Style::Canonical)).as_slice())
}

/// The object that a line holds.
///
/// # Errors
/// What completes "line 7: …".
pub(super) fn parse(line: &[u8]) -> Result<Map<String, Value>, String> {
    match serde_json::from_slice(line).map_err(|error| format!("it is not valid JSON ({error})"))? {
        Value::Object(entry) => Ok(entry),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Err("it is not a JSON object".to_owned())
        }
    }
}

/// The entry's hash when it follows on `prev`, `None` when the entry is not chained at all. It is taken out of the entry.
///
/// # Errors
/// What completes "line 7: …".
pub(super) fn check(entry: &mut Map<String, Value>, prev: &str) -> Result<Option<String>, &'static str> {
    let Some(hash) = entry.remove("hash") else { return Ok(None) };
    if entry.get("prev").and_then(Value::as_str) != Some(prev) {
        return Err("prev is not the hash of the line before: a line was removed, added or moved");
    }
    let actual = hash_of(entry);
    if hash == actual { Ok(Some(actual)) } else { Err("the hash is not that of the line: it was changed") }
}

/// What an intact file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    /// Lines that are not blank.
    pub lines: u64,
    /// Those of them that are chained; the others stand before them and were written by older versions.
    pub chained: u64,
}

/// Where and why a file is not intact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyError {
    /// The number of the line, from 1; 0 when the file could not be opened.
    pub line: u64,
    /// What is wrong with it.
    pub why: String,
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => f.write_str(&self.why),
            line => write!(f, "line {line}: {}", self.why),
        }
    }
}

impl core::error::Error for VerifyError {}

/// Checks every line of an audit file, of this program or of a version 1 peer.
///
/// It looks at the chain of hashes alone: a file from whose end whole lines were cut is intact, and so is one that was
/// written anew. [`verify_log`](super::verify_log) looks at signatures as well.
///
/// # Errors
/// The first line that is not as it was written.
pub fn verify_file(path: &Path) -> Result<Verified, VerifyError> {
    let file =
        File::open(path).map_err(|error| VerifyError { line: 0, why: format!("it cannot be opened: {error}") })?;
    let mut reader = BufReader::new(file);
    let mut verified = Verified { lines: 0, chained: 0 };
    let mut prev = GENESIS.to_owned();
    let mut buffer = Vec::new();
    for line in 1.. {
        let failed = |why: &str| VerifyError { line, why: why.to_owned() };
        if !read_line(&mut reader, &mut buffer).map_err(|error| failed(&error.to_string()))? {
            break;
        }
        if buffer.trim_ascii().is_empty() {
            continue;
        }
        let mut entry = parse(&buffer).map_err(|why| failed(&why))?;
        verified.lines += 1;
        match check(&mut entry, &prev).map_err(failed)? {
            Some(hash) => {
                verified.chained += 1;
                prev = hash;
            }
            None if verified.chained > 0 => return Err(failed(NOT_CHAINED)),
            None => {}
        }
    }
    Ok(verified)
}

#[cfg(test)]
mod tests {
    use super::super::MAX_LINE;
    use super::*;

    fn entry(json: &str) -> Map<String, Value> {
        serde_json::from_str(json).unwrap()
    }

    fn verified(content: &[u8]) -> Result<Verified, VerifyError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("2026-05-12.jsonl");
        std::fs::write(&path, content).unwrap();
        verify_file(&path)
    }

    /// Three lines of one chain.
    fn chain() -> Vec<String> {
        let mut prev = GENESIS.to_owned();
        (0..3)
            .map(|number| {
                let mut entry = entry(&format!("{{\"ts\": 1760000000.5, \"type\": \"call\", \"number\": {number}}}"));
                prev = seal(&mut entry, &prev);
                json::object(&entry, Style::Line)
            })
            .collect()
    }

    #[test]
    fn a_record_has_the_hash_that_version_1_peers_give_it() {
        let mut entry = entry(
            "{\"ts\":1760000000.5,\"type\":\"call\",\"peer\":{\"name\":\"é\",\"fp\":\"00\"},\
             \"n\":3.0,\"big\":1e22,\"small\":1e-7}",
        );
        let hash = seal(&mut entry, GENESIS);
        assert_eq!(hash, "5796c32b466669a48a83b941e5fb4ca6723e6b064909b90da83c536c376e1b25");
        assert_eq!(
            json::object(&entry, Style::Line),
            format!(
                "{{\"big\": 1e+22, \"hash\": \"{hash}\", \"n\": 3.0, \"peer\": {{\"fp\": \"00\", \"name\": \"\\u00e9\"}}, \
                 \"prev\": \"{GENESIS}\", \"small\": 1e-07, \"ts\": 1760000000.5, \"type\": \"call\"}}"
            )
        );
        entry.remove("hash");
        assert_eq!(
            json::object(&entry, Style::Canonical),
            format!(
                "{{\"big\":1e+22,\"n\":3,\"peer\":{{\"fp\":\"00\",\"name\":\"é\"}},\"prev\":\"{GENESIS}\",\
                 \"small\":1e-07,\"ts\":1760000000.5,\"type\":\"call\"}}"
            )
        );
    }

    #[test]
    fn lines_of_a_version_1_peer_verify() {
        let line = format!(
            "{{\"hash\": \"f4623292ea69bb003958264be71c68e9f8a741b85070bc2fd641c79b6a55a363\", \"mode\": \"serve\", \
             \"peer\": {{\"fp\": \"0101010101010101\", \"name\": \"Zo\\u00eb\"}}, \"prev\": \"{GENESIS}\", \
             \"remote_addr\": \"127.0.0.1:5\", \"session_id\": \"s1\", \"ts\": 1760000000.25, \
             \"type\": \"session.opened\"}}\n"
        );
        assert_eq!(verified(line.as_bytes()), Ok(Verified { lines: 1, chained: 1 }));
    }

    #[test]
    fn an_intact_chain_verifies_with_older_lines_before_it() {
        let lines = chain().join("\n");
        assert_eq!(verified(lines.as_bytes()), Ok(Verified { lines: 3, chained: 3 }));
        let older = format!("{{\"type\": \"old\"}}\n\n{lines}\n\n");
        assert_eq!(verified(older.as_bytes()), Ok(Verified { lines: 4, chained: 3 }));
        assert_eq!(verified(b""), Ok(Verified { lines: 0, chained: 0 }));
    }

    #[test]
    fn every_tampering_is_found_in_its_line() {
        let lines = chain();
        let fails = |lines: &[&str], line: u64, why: &str| {
            let error = verified(lines.join("\n").as_bytes()).unwrap_err();
            assert_eq!(error.line, line, "{error}");
            assert!(error.why.contains(why), "{error}");
        };
        let [first, second, third] = [&*lines[0], &*lines[1], &*lines[2]];
        let changed = second.replace("\"number\": 1", "\"number\": 7");
        fails(&[first, &changed, third], 2, "it was changed");
        let renamed = second.replace("\"number\"", "\"nummer\"");
        fails(&[first, &renamed, third], 2, "it was changed");
        fails(&[first, third], 2, "removed, added or moved");
        fails(&[second, third], 1, "removed, added or moved");
        fails(&[first, first, second, third], 2, "removed, added or moved");
        fails(&[second, first, third], 1, "removed, added or moved");
        fails(&[first, "{\"type\": \"call\"}", second], 2, "not chained");
        fails(&[first, "", "{\"hash\": 5}"], 3, "removed, added or moved");
        fails(&[first, &second[..40]], 2, "not valid JSON");
        fails(&[first, "[]"], 2, "not a JSON object");
        let without_hash = second.replace("\"hash\"", "\"sash\"");
        fails(&[first, &without_hash, third], 2, "not chained");
    }

    #[test]
    fn what_is_no_log_is_an_error() {
        assert_eq!(verify_file(Path::new("/nowhere/at/all")).unwrap_err().line, 0);
        assert_eq!(verified(&[0xff, 0xfe]).unwrap_err().line, 1);
        assert!(verified(&vec![b' '; MAX_LINE + 1]).unwrap_err().why.contains("more than"));
        assert!(verified("[".repeat(100_000).as_bytes()).is_err());
    }

    #[test]
    fn only_a_whole_line_passes_as_one() {
        let lines = chain();
        let first = claimed(lines[0].as_bytes()).unwrap();
        assert_eq!(whole(lines[1].as_bytes(), &first), claimed(lines[1].as_bytes()));
        assert_eq!(whole(lines[1].as_bytes(), GENESIS), None);
        assert_eq!(whole(&lines[1].as_bytes()[..50], &first), None);
        assert_eq!(whole(b"{}", &first), None);
    }
}
