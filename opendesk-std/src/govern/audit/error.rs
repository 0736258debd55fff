//! How the audit log fails.

use core::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::home::{shown, way_out};

/// Why the audit log cannot be used.
#[derive(Debug)]
pub enum AuditError {
    /// Another process, or another log of this one, writes there.
    Busy {
        /// The directory.
        dir: PathBuf,
    },
    /// The operating system refused, or the file is not one that can be continued.
    Io {
        /// A verb: what could not be done.
        doing: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// Somebody else has changed the file while it was in use. Nothing that acts is recorded before the owner knows.
    Altered {
        /// The file as it was called then.
        path: PathBuf,
    },
    /// The record is longer than a line may be.
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// The system's clock shows a time that no calendar has.
    Clock,
}

impl AuditError {
    /// The same in a few words for a controller, whom it does not concern where the log is.
    #[must_use]
    pub fn outline(&self) -> String {
        match self {
            Self::Busy { .. } => "another program writes it".to_owned(),
            Self::Io { error, .. } => error.to_string(),
            Self::Altered { .. } => "somebody else has changed it".to_owned(),
            Self::TooLong { .. } | Self::Clock => self.to_string(),
        }
    }

    pub(super) fn io(doing: &'static str, path: &Path, error: io::Error) -> Self {
        Self::Io { doing, path: path.to_owned(), error }
    }
}

impl fmt::Display for AuditError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busy { dir } => {
                write!(f, "another opendesk writes the audit log in {}; stop it or use another --home", shown(dir))
            }
            Self::Io { doing, path, error } => {
                write!(f, "cannot {doing} the audit log {}: {error}{}", shown(path), way_out(error))
            }
            Self::Altered { path } => write!(
                f,
                "the audit log {} was changed by somebody else while it was in use; look at it with \
                 `opendesk audit verify`, then `opendesk audit acknowledge`",
                shown(path)
            ),
            Self::TooLong { bytes } => {
                write!(f, "an audit record of {bytes} bytes is longer than a line of the log may be")
            }
            Self::Clock => f.write_str("the audit log needs the date, but the system's clock is out of range; set it"),
        }
    }
}

impl core::error::Error for AuditError {}
