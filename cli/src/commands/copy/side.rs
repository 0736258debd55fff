//! Which machine an end of a copy is on.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use super::shown;
use crate::exit::Failure;

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// On this machine.
    Here(PathBuf),
    /// On a paired one.
    There { peer: String, path: OsString },
}

impl Side {
    /// What was written.
    pub(super) fn parse(text: &OsStr) -> Result<Self, Failure> {
        if text.is_empty() {
            return Err(Failure::usage("a path is empty; write . for this directory, and PEER: for the one there"));
        }
        let bytes = text.as_encoded_bytes();
        let Some(end) = end_of_peer(bytes) else { return Ok(Self::Here(text.into())) };
        let (peer, path) = (part(text, 0, end), part(text, end + 1, bytes.len()));
        let peer = peer.to_str().ok_or_else(|| {
            let why = "would be on a machine whose name is no text; write ./ before it for a file of this machine";
            Failure::usage(format!("{} {why}", shown(text.as_ref())))
        })?;
        Ok(Self::There { peer: peer.to_owned(), path })
    }
}

/// Where the colon stands that ends the name of a machine.
fn end_of_peer(text: &[u8]) -> Option<usize> {
    let colon = |from: usize| text.iter().skip(from).position(|byte| *byte == b':').map(|at| at + from);
    // An address has colons and slashes of its own; its key is behind them.
    if text.starts_with(b"ws://") || text.starts_with(b"wss://") {
        return colon(text.iter().position(|byte| *byte == b'#')?);
    }
    let end = colon(0)?;
    let peer = &text[..end];
    let is_path = peer.is_empty() || peer.contains(&b'/');
    let is_drive = cfg!(windows) && matches!(peer, [letter] if letter.is_ascii_alphabetic());
    (!is_path && !is_drive).then_some(end)
}

/// A part of a text between two ASCII characters.
fn part(text: &OsStr, from: usize, to: usize) -> OsString {
    use std::os::unix::ffi::OsStrExt;
    OsStr::from_bytes(&text.as_bytes()[from..to]).to_owned()
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt;

    use super::*;

    #[test]
    fn a_machine_is_what_stands_before_the_first_colon_unless_that_is_a_path() {
        let key = "ab".repeat(32);
        let (v4, v6) = (format!("ws://10.0.0.7:8423#{key}"), format!("ws://[fe80::1]:8423#{key}"));
        for (text, peer, path) in [
            ("desk:", "desk", ""),
            ("desk:a", "desk", "a"),
            ("desk:/a:b", "desk", "/a:b"),
            ("my desk:~/a", "my desk", "~/a"),
            ("7f3a:x", "7f3a", "x"),
            ("é:x", "é", "x"),
            ("c:x", "c", "x"),
            (&format!("{v4}:a:b"), &v4, "a:b"),
            (&format!("{v6}:/a"), &v6, "/a"),
        ] {
            assert_eq!(
                Side::parse(text.as_ref()).unwrap(),
                Side::There { peer: peer.into(), path: path.into() },
                "{text}"
            );
        }
        for text in ["a", ".", "./a:b", "/a:b", "../x:y", ":a", "d/e:f", "ws://10.0.0.7:8423"] {
            assert_eq!(Side::parse(text.as_ref()).unwrap(), Side::Here(text.into()), "{text}");
        }
        let odd = OsStr::from_bytes(b"desk:bad\xff");
        assert_eq!(
            Side::parse(odd).unwrap(),
            Side::There { peer: "desk".into(), path: OsStr::from_bytes(b"bad\xff").into() }
        );
        assert!(Side::parse(OsStr::from_bytes(b"bad\xff:x")).unwrap_err().to_string().contains("write ./ before it"));
        Side::parse(OsStr::new("")).unwrap_err();
    }
}
