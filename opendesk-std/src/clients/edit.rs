//! The text of a configuration with an entry put in or taken out.

mod json;
mod toml;

use super::client::{Format, Row};

/// How a client starts the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The program, as an absolute path.
    pub command: String,
    /// What it is given.
    pub args: Vec<String>,
}

/// What stands under the name already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    /// A program that is started.
    Command(Entry),
    /// Something else, such as the address of a server.
    Other(String),
}

impl Found {
    /// One line for people.
    pub(super) fn line(&self) -> String {
        match self {
            Self::Command(entry) => [core::slice::from_ref(&entry.command), &entry.args].concat().join(" "),
            Self::Other(what) => what.clone(),
        }
    }

    /// Whether opendesk is started by it, here or on another machine.
    pub(super) fn is_ours(&self) -> bool {
        let Self::Command(entry) = self else { return false };
        let mut words = core::iter::once(&entry.command).chain(&entry.args);
        words.any(|word| word.rsplit(['/', '\\']).next().is_some_and(|name| name.starts_with("opendesk")))
    }
}

/// Why a text is not edited.
#[derive(Debug)]
pub(super) struct Fault {
    /// Where, in bytes.
    pub(super) at: usize,
    pub(super) why: String,
}

impl Fault {
    fn new(at: usize, why: impl Into<String>) -> Self {
        Self { at, why: why.into() }
    }

    /// Line and column, from 1.
    pub(super) fn position(&self, bytes: &[u8]) -> (usize, usize) {
        let before = &bytes[..self.at.min(bytes.len())];
        let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        (line, 1 + String::from_utf8_lossy(&before[start..]).chars().count())
    }
}

const MARK: &str = "\u{feff}";

/// The text, and the byte order mark before it.
fn text(bytes: &[u8]) -> Result<(&'static str, &str), Fault> {
    let text = core::str::from_utf8(bytes)
        .map_err(|error| Fault::new(error.valid_up_to(), "this is not UTF-8, which the client reads"))?;
    Ok(text.strip_prefix(MARK).map_or(("", text), |text| (MARK, text)))
}

/// What stands under this name.
pub(super) fn find(row: &Row, bytes: &[u8], name: &str) -> Result<Option<Found>, Fault> {
    let (mark, text) = text(bytes)?;
    let found = match row.format {
        Format::Toml => toml::find(text, row.servers, name),
        _ => json::find(text, row, name),
    };
    found.map_err(|fault| Fault { at: fault.at + mark.len(), ..fault })
}

/// The same with the entry under this name; byte for byte the same where it is there already.
pub(super) fn put(row: &Row, bytes: &[u8], name: &str, entry: &Entry) -> Result<Vec<u8>, Fault> {
    let (mark, text) = text(bytes)?;
    let put = match row.format {
        Format::Toml => toml::put(text, row.servers, name, entry),
        _ => json::put(text, row, name, entry),
    };
    let put = put.map_err(|fault| Fault { at: fault.at + mark.len(), ..fault })?;
    Ok([mark.as_bytes(), put.as_bytes()].concat())
}

/// The same without what stands under this name.
pub(super) fn take(row: &Row, bytes: &[u8], name: &str) -> Result<Vec<u8>, Fault> {
    let (mark, text) = text(bytes)?;
    let taken = match row.format {
        Format::Toml => toml::take(text, row.servers, name),
        _ => json::take(text, row, name),
    };
    let taken = taken.map_err(|fault| Fault { at: fault.at + mark.len(), ..fault })?;
    Ok([mark.as_bytes(), taken.as_bytes()].concat())
}
