//! How a call fails.

use core::fmt;

pub use opendesk_core::ErrorCode;

/// The outcome of a method.
pub type Result<T> = core::result::Result<T, Error>;

/// Why a call failed: a code that programs match on and one line for a person, saying what failed, where, and
/// what to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// One of the closed list of docs/PROTOCOL.md.
    pub code: ErrorCode,
    /// One line.
    pub message: String,
}

impl Error {
    /// An error of any code.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// An argument that no desktop could carry out.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidArgument, message)
    }

    /// A capability that this backend lacks.
    #[must_use]
    pub fn unsupported(capability: &str, backend: &str) -> Self {
        Self::new(ErrorCode::CapabilityUnsupported, format!("{capability} is not available on the {backend} desktop"))
    }

    /// A capability that this backend would have if something else were there: what is missing, and what to do.
    #[must_use]
    pub fn missing(capability: &str, backend: &str, why: &str) -> Self {
        let message = format!("{capability} is not available on the {backend} desktop: {why}");
        Self::new(ErrorCode::CapabilityUnsupported, message)
    }

    /// A call that somebody stopped.
    #[must_use]
    pub fn cancelled() -> Self {
        Self::new(ErrorCode::Cancelled, "cancelled")
    }

    /// A fault of ours or of the machine.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::Internal, message)
    }

    /// Whether nothing was done: the call itself was refused. After any other failure something may have been.
    pub(crate) const fn is_refused(&self) -> bool {
        matches!(self.code, ErrorCode::InvalidArgument | ErrorCode::CapabilityUnsupported | ErrorCode::PermissionDenied)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl core::error::Error for Error {}
