//! Names and paths of both sides.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::home::hex;
use crate::os::names::{decode, encode};

/// What the name of a part ends in.
const SUFFIX: &str = ".opendesk-part";

/// Longest name of a file, in bytes, on the systems that hosts run on.
const LONGEST: usize = 255;

/// The path of a host as a call takes it: what is relative begins at the home directory there, and nothing is that
/// directory itself.
#[must_use]
pub fn host_path(path: &OsStr) -> String {
    let text = encode(path);
    match text.as_str() {
        "" => "~".to_owned(),
        "~" => text,
        other if other.starts_with('/') || other.starts_with("~/") => text,
        _ => format!("~/{text}"),
    }
}

/// The name of a file of this machine, as the host writes it.
pub(super) fn told(name: &OsStr) -> String {
    encode(name)
}

/// A name in a list of the host, as this machine writes it: `None` for what is no name but a way elsewhere.
pub(super) fn heard(name: &str) -> Option<PathBuf> {
    let bytes = decode(name);
    let is_name = !matches!(bytes.as_encoded_bytes(), b"" | b"." | b"..")
        && bytes.as_encoded_bytes().iter().all(|byte| *byte != b'/' && *byte != 0)
        && (!cfg!(windows) || is_name_on_windows(name));
    is_name.then(|| PathBuf::from(bytes))
}

/// Whether Windows takes this for the name of a file, and not for a way elsewhere, a stream of another file or a device
/// ("Naming Files, Paths, and Namespaces").
fn is_name_on_windows(name: &str) -> bool {
    const DEVICES: [&str; 6] = ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"];
    let stem = name.split('.').next().unwrap_or_default().trim_end();
    let is_port = ["COM", "LPT"].iter().any(|port| {
        let behind = stem.get(..3).filter(|begin| begin.eq_ignore_ascii_case(port)).map(|_| &stem[3..]);
        behind.is_some_and(|number| {
            matches!(number, "¹" | "²" | "³") || (number.len() == 1 && number.as_bytes()[0].is_ascii_digit())
        })
    });
    let is_device = is_port || DEVICES.iter().any(|device| stem.eq_ignore_ascii_case(device));
    !is_device
        && !name.ends_with([' ', '.'])
        && name.chars().all(|character| !character.is_ascii_control() && !r#"<>:"/\|?*"#.contains(character))
}

/// A path of the host without slashes at its end.
pub(super) fn trimmed(path: &str) -> &str {
    let trimmed = path.trim_end_matches('/');
    if trimmed.is_empty() && !path.is_empty() { "/" } else { trimmed }
}

/// The last name of a path of the host; `None` where it ends in none, such as `..`.
pub(super) fn last(path: &str) -> Option<&str> {
    let name = trimmed(path).rsplit('/').next()?;
    (!matches!(name, "" | "." | ".." | "~")).then_some(name)
}

/// The folder that a path of the host is in.
pub(super) fn parent(path: &str) -> &str {
    match trimmed(path).rsplit_once('/') {
        Some(("", _)) => "/",
        Some((parent, _)) => parent,
        None => ".",
    }
}

pub(super) fn joined(folder: &str, name: &str) -> String {
    let slash = if folder.ends_with('/') { "" } else { "/" };
    format!("{folder}{slash}{name}")
}

/// Whether a name is that of a part, or of the note beside one: in a folder they are nobody's files.
pub(super) fn is_part(name: &str) -> bool {
    name.strip_suffix(NOTE).unwrap_or(name).ends_with(SUFFIX)
}

/// What a part grows from. The same source at another time, or of another machine, is another.
pub(super) fn identity(parts: &[&[u8]]) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update((part.len() as u64).to_le_bytes());
        digest.update(part);
    }
    hex::encode(&digest.finalize()[..8])
}

/// Where a file of the host grows: its part's name says what from, because a host keeps no notes.
pub(super) fn part_there(path: &str, identity: &str) -> String {
    let name = last(path).unwrap_or_default();
    let part = format!("{name}.{identity}{SUFFIX}");
    let part = if decode(&part).len() > LONGEST { format!(".{identity}{SUFFIX}") } else { part };
    joined(parent(path), &part)
}

/// Whether a name is that of a part of this path of the host, from whatever source.
pub(super) fn is_part_of(path: &str, name: &str) -> bool {
    let identity = last(path)
        .and_then(|last| name.strip_prefix(last)?.strip_prefix('.')?.strip_suffix(SUFFIX))
        .unwrap_or_default();
    identity.len() == 16 && identity.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Where a file of this machine grows, and where it is noted what from.
pub(super) fn part_here(path: &Path) -> (PathBuf, PathBuf) {
    let name = path.file_name().unwrap_or_default();
    let mut part = name.to_owned();
    part.push(SUFFIX);
    if part.len() + NOTE.len() > LONGEST {
        part = format!(".{}{SUFFIX}", identity(&[name.as_encoded_bytes()])).into();
    }
    let mut note = part.clone();
    note.push(NOTE);
    (path.with_file_name(part), path.with_file_name(note))
}

const NOTE: &str = ".json";

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt as _;

    use super::*;

    #[test]
    fn a_name_of_the_host_that_leads_elsewhere_is_none() {
        for hostile in ["", ".", "..", "../x", "/etc/passwd", "a/b", "a\0b", "/"] {
            assert_eq!(heard(hostile), None, "{hostile:?}");
        }
        // No byte of a name that stands for itself can become a slash or a dot.
        for odd in ["...", "~", "-rf", "a\\b", "\u{f7ff}", "\u{f72f}", "\u{202e}x", "C:"] {
            let name = heard(odd).unwrap();
            assert_eq!(name.components().count(), 1, "{odd:?}");
            assert_eq!(Path::new("/d").join(&name).parent(), Some(Path::new("/d")), "{odd:?}");
        }
        assert_eq!(heard("bad\u{f7ff}").unwrap().as_os_str().as_bytes(), b"bad\xff");
    }

    #[test]
    fn on_windows_a_name_is_no_way_elsewhere_no_stream_and_no_device() {
        for name in ["a", "a.b", ".a", "a b", "büro", "con2", "com", "com10", "console", "xcon", "l\u{f7ff}"] {
            assert!(is_name_on_windows(name), "{name:?}");
        }
        for odd in [
            "a\\b", "a/b", "c:", "a:b", "a:$DATA", "..", "a.", "a ", "con", "CON", "nul.txt", "Aux .x", "com1",
            "LPT9.log", "com¹", "CONIN$", "a?", "*", "a|b", "\"", "<", ">", "a\n", "a\0",
        ] {
            assert!(!is_name_on_windows(odd), "{odd:?}");
        }
    }

    #[test]
    fn a_path_of_a_host_begins_at_its_home_unless_it_says_otherwise() {
        for (given, path) in
            [("", "~"), ("~", "~"), ("~/a", "~/a"), ("/a", "/a"), ("a/b", "~/a/b"), ("~you", "~/~you"), (".", "~/.")]
        {
            assert_eq!(host_path(OsStr::new(given)), path);
        }
        assert_eq!(host_path(OsStr::from_bytes(b"bad\xff")), "~/bad\u{f7ff}");
    }

    #[test]
    fn the_parts_of_a_path_are_found_from_its_end() {
        for (path, name, folder) in [
            ("/a/b", Some("b"), "/a"),
            ("/a/b//", Some("b"), "/a"),
            ("/a", Some("a"), "/"),
            ("/", None, "/"),
            ("~", None, "."),
            ("~/x", Some("x"), "~"),
            ("/a/..", None, "/a"),
        ] {
            assert_eq!((last(path), parent(path)), (name, folder), "{path}");
        }
        assert_eq!((joined("/", "a"), joined("~", "a")), ("/a".to_owned(), "~/a".to_owned()));
    }

    #[test]
    fn the_name_of_a_part_is_one_that_a_file_can_have() {
        let identity = identity(&[b"a", b"b"]);
        assert_ne!(identity, super::identity(&[b"ab", b""]));
        assert_eq!(part_there("/d/file", &identity), format!("/d/file.{identity}.opendesk-part"));
        let (long, bytes) = ("x".repeat(250), "\u{f7ff}".repeat(220));
        assert_eq!(part_there(&format!("/d/{long}"), &identity), format!("/d/.{identity}.opendesk-part"));
        // Three bytes in the text, one in the name.
        assert!(part_there(&bytes, &identity).contains('\u{f7ff}'));
        let (part, note) = part_here(Path::new("/d/file"));
        assert_eq!((part.to_str(), note.to_str()), (Some("/d/file.opendesk-part"), Some("/d/file.opendesk-part.json")));
        let (part, note) = part_here(&Path::new("/d").join(&long));
        assert!(part.file_name().unwrap().len() < 60 && note.file_name().unwrap().len() < 60, "{part:?}");
    }
}
