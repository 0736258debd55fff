//! What the operating system says, as the error of a call.

use core::time::Duration;
use std::io;

use rustix::io::Errno;

use crate::api::{Error, ErrorCode};
use crate::home::printable;

/// Longest path in a message, in characters: the line is for a person, and the caller knows what it sent.
const MAX_SHOWN: usize = 512;

/// `doing` and `what` complete "cannot *read* */etc/shadow*: …".
pub(super) fn failed(doing: &str, what: &str, error: &io::Error) -> Error {
    Error::new(code(error), format!("cannot {doing} {what}: {error}"))
}

/// A text of the caller as part of one line.
pub(super) fn shown(text: &str) -> String {
    let mut start: String = text.chars().take(MAX_SHOWN).collect();
    if start.len() < text.len() {
        start.push('…');
    }
    printable(&start)
}

/// A limit of ours that a call ran into.
#[cfg(unix)]
pub(super) fn limit(why: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::FileTooLarge, why.into())
}

/// Something that cannot be done with what is there.
#[cfg(unix)]
pub(super) fn unfit(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, why)
}

/// A command was lost sight of.
pub(super) fn lost(error: &io::Error) -> Error {
    Error::internal(format!("the command could not be followed and was killed: {error}"))
}

/// A command's time was over.
pub(super) fn late(limit: Duration) -> Error {
    let seconds = limit.as_secs_f64();
    let text = format!("the command did not end within {seconds} s and was killed; give it a longer timeout");
    Error::new(ErrorCode::Timeout, text)
}

fn code(error: &io::Error) -> ErrorCode {
    match error.kind() {
        io::ErrorKind::NotFound => ErrorCode::NotFound,
        io::ErrorKind::Interrupted => ErrorCode::Cancelled,
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => ErrorCode::PermissionDenied,
        io::ErrorKind::FileTooLarge | io::ErrorKind::ArgumentListTooLong => ErrorCode::LimitExceeded,
        io::ErrorKind::InvalidInput
        | io::ErrorKind::InvalidFilename
        | io::ErrorKind::NotADirectory
        | io::ErrorKind::IsADirectory
        | io::ErrorKind::DirectoryNotEmpty
        | io::ErrorKind::AlreadyExists => ErrorCode::InvalidArgument,
        _ if error.raw_os_error() == Some(Errno::LOOP.raw_os_error()) => ErrorCode::InvalidArgument,
        _ => ErrorCode::Internal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_says_whose_fault_it_is() {
        for (errno, expected) in [
            (Errno::NOENT, ErrorCode::NotFound),
            (Errno::ACCESS, ErrorCode::PermissionDenied),
            (Errno::PERM, ErrorCode::PermissionDenied),
            (Errno::ROFS, ErrorCode::PermissionDenied),
            (Errno::FBIG, ErrorCode::LimitExceeded),
            (Errno::LOOP, ErrorCode::InvalidArgument),
            (Errno::NAMETOOLONG, ErrorCode::InvalidArgument),
            (Errno::NOTDIR, ErrorCode::InvalidArgument),
            (Errno::NOSPC, ErrorCode::Internal),
        ] {
            assert_eq!(failed("read", "x", &errno.into()).code, expected, "{errno:?}");
        }
    }

    #[test]
    fn a_shown_path_is_one_short_line() {
        assert_eq!(shown("a\n\u{1b}[31mb"), "a\\n\\u{1b}[31mb");
        assert_eq!(shown(&"é".repeat(600)), format!("{}…", "é".repeat(512)));
    }
}
