//! What opendesk itself needs of a system and systems do in different ways: files that are their owner's alone, which file
//! is which, sockets with a name, being woken. What calls of controllers do is in [`os`](crate::os).
//!
//! One file for each kind of system, with the same functions in it.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub use self::unix::*;
#[cfg(windows)]
pub use self::windows::*;

/// What only its owner may use, of a file.
pub const OWN_FILE: u32 = 0o600;

/// The same of a folder.
pub(crate) const OWN_FOLDER: u32 = 0o700;

/// Which file of this machine it is: its disk and its number there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileId {
    disk: u64,
    number: u64,
}
