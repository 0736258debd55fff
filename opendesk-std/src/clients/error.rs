//! Why a configuration was not changed.

use core::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::client::Client;
use crate::home::{printable, shown};

/// Why a configuration was not changed. Whatever it is, the file is as it was.
#[derive(Debug)]
pub enum ConfigError {
    /// The user has no home directory.
    NoHome,
    /// The client knows no servers of a project.
    NoProjectFile {
        /// The client.
        client: Client,
    },
    /// A word of the entry has a `$`, and the client would take what follows for a variable.
    Expands {
        /// The client.
        client: Client,
        /// The word.
        word: String,
    },
    /// The name of the entry is not one that every client takes.
    Name(String),
    /// The operating system refused.
    Io {
        /// What was being done: a verb.
        doing: &'static str,
        /// With which file.
        path: PathBuf,
        /// What it said.
        error: io::Error,
    },
    /// The file is not one that is safe to edit.
    Unfit {
        /// The file.
        path: PathBuf,
        /// Completes "the file …".
        why: String,
    },
    /// What is in the file is not what it should be.
    Content {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The character in the line, from 1.
        column: usize,
        /// What is wrong there.
        why: String,
    },
    /// Somebody else changed the file in the meantime, twice.
    Changed {
        /// The file.
        path: PathBuf,
        /// The client whose file it is.
        client: Client,
    },
}

impl ConfigError {
    pub(super) fn io(doing: &'static str, path: &Path, error: &io::Error) -> Self {
        let error = io::Error::new(error.kind(), error.to_string());
        Self::Io { doing, path: path.to_owned(), error }
    }

    pub(super) fn unfit(path: &Path, why: impl Into<String>) -> Self {
        Self::Unfit { path: path.to_owned(), why: why.into() }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoHome => f.write_str("there is no home directory: set HOME"),
            Self::NoProjectFile { client } => {
                write!(f, "{} has no configuration of a project; leave --scope project away", client.title())
            }
            Self::Expands { client, word } => write!(
                f,
                "{} would take the $ in {} for the beginning of a variable; use a path without one",
                client.title(),
                printable(word)
            ),
            Self::Name(name) => write!(
                f,
                "{:?} cannot be the name of a server: clients take 1 to 64 letters, digits, - and _",
                printable(name)
            ),
            Self::Io { doing, path, error } => write!(f, "cannot {doing} {}: {error}", shown(path)),
            Self::Unfit { path, why } => write!(f, "{} {why}; it was left untouched", shown(path)),
            Self::Content { path, line, column, why } => write!(
                f,
                "{}, line {line}, column {column}: {}; it was left untouched: fix it or move it away",
                shown(path),
                printable(why)
            ),
            Self::Changed { path, client } => {
                write!(f, "{} is being changed by another program; end {} and try again", shown(path), client.title())
            }
        }
    }
}

impl core::error::Error for ConfigError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Io { error, .. } => Some(error),
            _ => None,
        }
    }
}
