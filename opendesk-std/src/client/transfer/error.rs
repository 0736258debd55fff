//! How a copy fails.

use core::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::Fault;
use crate::api::ErrorCode;
use crate::home::{printable, shown};

/// Why something was not copied: one line that says which file and on which side.
#[derive(Debug)]
#[non_exhaustive]
pub enum TransferError<E> {
    /// The host said no, or could not be asked.
    Host {
        /// What it was asked for, such as `read`.
        doing: &'static str,
        /// The path there.
        path: String,
        /// How that failed.
        error: E,
    },
    /// This machine said no.
    Local {
        /// What was tried, such as `read`.
        doing: &'static str,
        /// The path here.
        path: PathBuf,
        /// The system's word.
        error: io::Error,
    },
    /// The source was written to while it was copied. The part is gone.
    Changed {
        /// The source, fit for a terminal.
        path: String,
    },
    /// It cannot be copied as it was asked for.
    Unfit {
        /// What cannot, fit for a terminal.
        path: String,
        /// Why, and what to do.
        why: &'static str,
    },
}

impl<E> TransferError<E> {
    pub(super) fn local(doing: &'static str, path: &Path, error: io::Error) -> Self {
        Self::Local { doing, path: path.to_owned(), error }
    }

    pub(super) fn unfit_local(path: &Path, why: &'static str) -> Self {
        Self::Unfit { path: shown(path), why }
    }

    pub(super) fn unfit_host(path: &str, why: &'static str) -> Self {
        Self::Unfit { path: on_host(path), why }
    }
}

impl<E: Fault> TransferError<E> {
    /// Whether the host refused with this code.
    pub(super) fn is_refusal(&self, code: ErrorCode) -> bool {
        matches!(self, Self::Host { error, .. } if error.refusal().is_some_and(|refusal| refusal.code == code))
    }
}

/// How a path of the host is shown.
pub(super) fn on_host(path: &str) -> String {
    format!("{} on the host", printable(path))
}

impl<E: Fault> fmt::Display for TransferError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // What the host says of a file names it.
            Self::Host { error, .. }
                if let Some(said) = error.refusal()
                    && said.message.starts_with("cannot ") =>
            {
                write!(f, "the host {}", printable(&said.message))
            }
            Self::Host { doing, path, error } => write!(f, "{} could not be {doing}: {error}", on_host(path)),
            Self::Local { doing, path, error } => write!(f, "{} could not be {doing}: {error}", shown(path)),
            Self::Changed { path } => write!(f, "{path} was changed while it was copied; copy it again"),
            Self::Unfit { path, why } => write!(f, "{path} {why}"),
        }
    }
}

impl<E: Fault> core::error::Error for TransferError<E> {}
