//! How the files of the home directory fail.

use core::fmt;
use std::io;
use std::path::Path;

use super::name::printable;

/// What kind of failure a [`HomeError`] is, for callers that react to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HomeErrorKind {
    /// The operating system refused.
    Io,
    /// A file is there but does not hold what it should; it was left untouched.
    Corrupt,
    /// A path belongs to something or somebody else.
    Foreign,
    /// Another process holds it.
    Busy,
    /// What was asked for makes no sense here: a machine that nobody knows, a key that changed.
    Invalid,
    /// Another machine has the name.
    Taken,
}

/// Why the home directory could not be used: a kind that programs match on and one line for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HomeError {
    kind: HomeErrorKind,
    message: String,
}

/// What the owner can do about it, behind the error.
pub(crate) fn way_out(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "; free some space and try again",
        io::ErrorKind::ReadOnlyFilesystem => "; it can be written once its file system can",
        _ => "",
    }
}

impl HomeError {
    pub(crate) fn new(kind: HomeErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    /// `doing` is a verb, as in "cannot *read* /home/me/.opendesk/policy.json: …".
    pub(crate) fn io(doing: &str, path: &Path, error: &io::Error) -> Self {
        Self::new(HomeErrorKind::Io, format!("cannot {doing} {}: {error}{}", shown(path), way_out(error)))
    }

    /// `why` completes "/home/me/.opendesk/policy.json …".
    pub(crate) fn corrupt(path: &Path, why: impl fmt::Display) -> Self {
        Self::new(
            HomeErrorKind::Corrupt,
            format!("{} {why}; it was left untouched: fix it or move it away", shown(path)),
        )
    }

    /// What kind of failure this is.
    #[must_use]
    pub const fn kind(&self) -> HomeErrorKind {
        self.kind
    }
}

impl fmt::Display for HomeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl core::error::Error for HomeError {}

/// A path as one line that a terminal can show.
pub(crate) fn shown(path: &Path) -> String {
    printable(&path.display().to_string())
}
