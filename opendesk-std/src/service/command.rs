//! The command by which a host is started.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use super::ServiceError;
use crate::home::printable;

/// The program, by its absolute path, and its arguments: text that the file of every manager can hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostCommand {
    program: String,
    arguments: Vec<String>,
}

impl HostCommand {
    /// A command of these words; the program is not among the arguments.
    ///
    /// # Errors
    /// [`ServiceError::Words`] for a program without an absolute path, and for words that are no text or have line
    /// breaks or other control characters in them.
    pub fn new(program: &Path, arguments: impl IntoIterator<Item = OsString>) -> Result<Self, ServiceError> {
        let words: Result<Vec<String>, ServiceError> = arguments.into_iter().map(|word| text(&word)).collect();
        let command = Self { program: text(program.as_os_str())?, arguments: words? };
        if !program.is_absolute() {
            let program = printable(&command.program);
            return Err(ServiceError::Words(format!("{program} is no absolute path, so no service manager finds it")));
        }
        Ok(command)
    }

    /// The path of the program.
    #[must_use]
    pub fn program(&self) -> &str {
        &self.program
    }

    /// What it is given.
    #[must_use]
    pub fn arguments(&self) -> &[String] {
        &self.arguments
    }

    /// All of it.
    pub(super) fn words(&self) -> impl Iterator<Item = &str> {
        core::iter::once(self.program()).chain(self.arguments.iter().map(String::as_str))
    }
}

fn text(word: &OsStr) -> Result<String, ServiceError> {
    let Some(text) = word.to_str() else {
        let word = printable(&word.to_string_lossy());
        return Err(ServiceError::Words(format!(
            "{word:?} is not UTF-8, so it cannot stand in a service file; rename it"
        )));
    };
    // Besides control characters, XML has no place for these two.
    if text.contains(|character: char| character.is_control() || matches!(character, '\u{fffe}' | '\u{ffff}')) {
        let text = printable(text);
        return Err(ServiceError::Words(format!(
            "\"{text}\" has a line break or another control character in it, which no service file can hold; rename it"
        )));
    }
    Ok(text.to_owned())
}

/// The permissions that this process, and so its user, takes away from new files; where the system tells.
pub(super) fn umask() -> Option<u32> {
    umask_of(&std::fs::read_to_string("/proc/self/status").ok()?)
}

fn umask_of(status: &str) -> Option<u32> {
    let mask = status.lines().find_map(|line| line.strip_prefix("Umask:"))?;
    u32::from_str_radix(mask.trim(), 8).ok().filter(|mask| *mask <= 0o777)
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt as _;

    use super::*;

    #[test]
    fn what_no_file_can_hold_is_refused_in_one_line() {
        let program = Path::new("/usr/bin/opendesk");
        let bad = ["a\nb", "a\rb", "\0", "\u{1b}[31m", "\u{7f}", "\u{85}", "\u{ffff}"].map(OsString::from);
        for word in bad.into_iter().chain([OsString::from_vec(vec![0xff])]) {
            let error = HostCommand::new(program, [word.clone()]).unwrap_err().to_string();
            assert!(!error.contains(char::is_control), "{word:?}: {error:?}");
            assert!(error.ends_with("; rename it"), "{error}");
        }
        let error = HostCommand::new(Path::new("bin/opendesk"), []).unwrap_err().to_string();
        assert!(error.contains("absolute"), "{error}");
    }

    #[test]
    fn the_mask_is_read_as_the_kernel_writes_it() {
        assert_eq!(umask_of("Name:\tsh\nUmask:\t0027\nState:\tR\n"), Some(0o27));
        for unknown in ["", "Umask:\n", "Umask:\t9\n", "Umask:\t7777\n"] {
            assert_eq!(umask_of(unknown), None, "{unknown:?}");
        }
    }
}
