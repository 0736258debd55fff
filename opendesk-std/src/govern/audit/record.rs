//! What an entry of the log is made of, and the entries that the log makes itself.

use serde_json::{Map, Value};

use super::head::End;

/// How much of a torn line is kept as text, in bytes.
const MAX_TORN: usize = 4096;

/// Whom a record is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerRef {
    /// The name under which the peer is trusted; empty for a stranger.
    pub name: String,
    /// The first 16 digits of its public key.
    pub fp: String,
}

/// One thing that happened.
///
/// A record never holds what was typed, what is on the clipboard or in a file, or what a secret is: only lengths and
/// digests of such. The log is there to be read by others.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// What kind of thing: `call`, `session.opened`…
    pub kind: &'static str,
    /// Whom it is about; absent where nobody has proved a key.
    pub peer: Option<PeerRef>,
    /// What else is known. `ts`, `type`, `peer`, `prev` and `hash` are the log's own and replaced.
    pub fields: Map<String, Value>,
}

/// What somebody else did to the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// The file is not there.
    Lost,
    /// Another file is in its place.
    Replaced,
    /// It lacks lines that it had.
    Cut,
    /// It has lines that were not written by the log.
    Added,
    /// `head.json` is not there.
    HeadLost,
    /// `head.json` is not what was written.
    HeadDamaged,
}

impl Change {
    const fn word(self) -> &'static str {
        match self {
            Self::Lost => "lost",
            Self::Replaced => "replaced",
            Self::Cut => "cut",
            Self::Added => "added",
            Self::HeadLost => "head lost",
            Self::HeadDamaged => "head damaged",
        }
    }
}

pub(super) fn fields<const N: usize>(pairs: [(&str, Value); N]) -> Map<String, Value> {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// A file begins, or is signed for the first time: on which one it follows, and how many lines it had already.
pub(super) fn opened(previous: Option<&End>, unsigned_lines: u64) -> Record {
    let previous = previous.map_or(Value::Null, |end| end.fields().into());
    let mut fields = fields([("previous", previous)]);
    if unsigned_lines > 0 {
        fields.insert("unsigned_lines".into(), unsigned_lines.into());
    }
    Record { kind: "audit.opened", peer: None, fields }
}

/// The file was left without being closed: with so many lines that nothing has signed, and perhaps a part of a line.
pub(super) fn recovered(torn: &[u8], unsigned_lines: u64) -> Record {
    let mut fields = fields([("torn_bytes", torn.len().into()), ("unsigned_lines", unsigned_lines.into())]);
    if !torn.is_empty() {
        let text = String::from_utf8_lossy(&torn[..torn.len().min(MAX_TORN)]).into_owned();
        fields.insert("torn".into(), text.into());
    }
    Record { kind: "audit.recovered", peer: None, fields }
}

/// Somebody else changed the log: what it was before, as far as that is known.
pub(super) fn altered(change: Change, expected: Option<&End>) -> Record {
    let mut fields = fields([("change", change.word().into())]);
    if let Some(End { date, lines, hash }) = expected {
        fields.insert("expected_date".into(), date.to_string().into());
        fields.insert("expected_lines".into(), (*lines).into());
        fields.insert("expected_hash".into(), hash.as_str().into());
    }
    Record { kind: "audit.altered", peer: None, fields }
}

/// So many entries could not be written, the first of them at this time, in seconds since 1970.
pub(super) fn missed(entries: u64, since: f64) -> Record {
    let fields = fields([("entries", entries.into()), ("since", since.into())]);
    Record { kind: "audit.missed", peer: None, fields }
}
