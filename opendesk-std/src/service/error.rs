//! How looking after a service fails.

use core::fmt;

/// Why a service could not be looked after; each is one line for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServiceError {
    /// This system has no service manager that is known here.
    NoManager,
    /// A path or an argument cannot stand in the manager's file.
    Words(String),
    /// A file cannot be read, written or removed, or is somebody else's.
    File(String),
    /// A program of the manager is not there, or failed.
    Manager(String),
}

impl ServiceError {
    /// The same, with what has happened before.
    pub(super) fn after(self, before: &str) -> Self {
        match self {
            Self::NoManager => Self::NoManager,
            Self::Words(why) => Self::Words(format!("{before} {why}")),
            Self::File(why) => Self::File(format!("{before} {why}")),
            Self::Manager(why) => Self::Manager(format!("{before} {why}")),
        }
    }
}

impl fmt::Display for ServiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoManager => {
                write!(
                    f,
                    "services of {} are not known here; have `opendesk serve` started at login by what it has for that",
                    std::env::consts::OS
                )
            }
            Self::Words(why) | Self::File(why) | Self::Manager(why) => f.write_str(why),
        }
    }
}

impl core::error::Error for ServiceError {}
