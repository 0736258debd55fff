//! What a path in a call means on this machine.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

use super::names::decode;

/// Longest path of a call in bytes, as the system has it. Paths are walked name by name, so it does not check.
const MAX_PATH: usize = 4096;

/// The absolute path: `~` is the home directory of whoever runs the host, what is relative begins at the current
/// directory. `..` stays, because what it means depends on symbolic links.
///
/// # Errors
/// [`io::ErrorKind::InvalidInput`] for no path, [`io::ErrorKind::NotFound`] for `~` without a home directory.
pub(super) fn local(text: &str) -> io::Result<PathBuf> {
    std::path::absolute(expand(text, std::env::var_os("HOME"))?)
}

fn expand(text: &str, home: Option<OsString>) -> io::Result<PathBuf> {
    let invalid = |why: &str| Err(io::Error::new(io::ErrorKind::InvalidInput, why));
    if text.is_empty() {
        return invalid("the path is empty");
    }
    if text.contains('\0') {
        return invalid("a path cannot hold a NUL character");
    }
    if text.len() > MAX_PATH {
        return invalid("a path cannot be longer than 4096 bytes");
    }
    let rest = if text == "~" { Some("") } else { text.strip_prefix("~/") };
    let Some(rest) = rest else { return Ok(decode(text).into()) };
    let Some(home) = home.filter(|home| !home.is_empty()) else {
        return Err(io::Error::new(io::ErrorKind::NotFound, "HOME is not set there, so ~ names nothing"));
    };
    Ok(PathBuf::from(home).join(decode(rest.trim_start_matches('/'))))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_tilde_is_the_home_directory() {
        for (text, path) in [
            ("~", "/home/me"),
            ("~/a", "/home/me/a"),
            ("~//etc", "/home/me/etc"),
            ("~you", "~you"),
            ("a/~", "a/~"),
            ("/x/../y", "/x/../y"),
        ] {
            assert_eq!(expand(text, Some("/home/me".into())).unwrap(), Path::new(path));
        }
        for home in [None, Some(OsString::new())] {
            assert_eq!(expand("~/a", home).unwrap_err().kind(), io::ErrorKind::NotFound);
        }
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for text in ["", "a\0b", &"a/".repeat(3000)] {
            assert_eq!(expand(text, None).unwrap_err().kind(), io::ErrorKind::InvalidInput);
        }
    }

    #[test]
    fn a_local_path_is_absolute() {
        assert_eq!(local("a/b").unwrap(), std::env::current_dir().unwrap().join("a/b"));
    }
}
