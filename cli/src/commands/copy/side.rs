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
    /// What was written. A machine's name or fingerprint may have colons itself: of all that ends at one, the longest
    /// that `is_paired` knows is the machine.
    pub(super) fn parse(text: &OsStr, is_paired: impl Fn(&str) -> bool) -> Result<Self, Failure> {
        if text.is_empty() {
            return Err(Failure::usage("a path is empty; write . for this directory, and PEER: for the one there"));
        }
        if text == "-" {
            let why = "- would be a file of that name; write ./- for one, and `opendesk exec PEER -- cat FILE` for what is in a \
                       file there";
            return Err(Failure::usage(why));
        }
        let bytes = text.as_encoded_bytes();
        let Some(end) = end_of_paired(bytes, is_paired).or_else(|| end_of_peer(bytes)) else {
            return Ok(Self::Here(text.into()));
        };
        let (peer, path) = (part(text, 0, end), part(text, end + 1, bytes.len()));
        let peer = peer.to_str().ok_or_else(|| {
            let why = "would be on a machine whose name is no text; write ./ before it for a file of this machine";
            Failure::usage(format!("{} {why}", shown(text.as_ref())))
        })?;
        Ok(Self::There { peer: peer.to_owned(), path })
    }
}

/// Where the colon stands that ends what is known to be a machine.
fn end_of_paired(text: &[u8], is_paired: impl Fn(&str) -> bool) -> Option<usize> {
    let is_name = |end: &usize| str::from_utf8(&text[..*end]).is_ok_and(&is_paired);
    (0..text.len()).rev().filter(|at| text[*at] == b':' && !is_drive(&text[..*at])).find(is_name)
}

/// Where the colon stands that ends the name of a machine that nobody knows.
fn end_of_peer(text: &[u8]) -> Option<usize> {
    let colon = |from: usize| text.iter().skip(from).position(|byte| *byte == b':').map(|at| at + from);
    // An address has colons and slashes of its own; its key is behind them.
    if text.starts_with(b"ws://") || text.starts_with(b"wss://") {
        return colon(text.iter().position(|byte| *byte == b'#')?);
    }
    let end = colon(0)?;
    let peer = &text[..end];
    let is_path = peer.is_empty() || peer.contains(&b'/');
    (!is_path && !is_drive(peer)).then_some(end)
}

fn is_drive(before_colon: &[u8]) -> bool {
    cfg!(windows) && matches!(before_colon, [letter] if letter.is_ascii_alphabetic())
}

/// A part of a text between two ASCII characters.
#[cfg(unix)]
fn part(text: &OsStr, from: usize, to: usize) -> OsString {
    use std::os::unix::ffi::OsStrExt;
    OsStr::from_bytes(&text.as_bytes()[from..to]).to_owned()
}

/// A part of a text between two ASCII characters. What is no text names nothing then.
#[cfg(not(unix))]
fn part(text: &OsStr, from: usize, to: usize) -> OsString {
    String::from_utf8_lossy(&text.as_encoded_bytes()[from..to]).into_owned().into()
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt;

    use super::*;

    fn nobody(_: &str) -> bool {
        false
    }

    #[test]
    fn a_name_or_fingerprint_with_colons_is_known_by_who_is_paired() {
        let paired = ["a", "a:b", "a/b", "3f:a2:77", "ws://odd"];
        let is_paired = |text: &str| paired.contains(&text);
        for (text, peer, path) in [
            ("a:x", "a", "x"),
            ("a:b:x", "a:b", "x"),
            ("a:bc:x", "a", "bc:x"),
            ("a:b", "a", "b"),
            ("a/b:x", "a/b", "x"),
            ("3f:a2:77:~/x:y", "3f:a2:77", "~/x:y"),
            ("ws://odd:x", "ws://odd", "x"),
            ("who:x:y", "who", "x:y"),
        ] {
            let there = Side::There { peer: peer.into(), path: path.into() };
            assert_eq!(Side::parse(text.as_ref(), is_paired).unwrap(), there, "{text}");
        }
        assert_eq!(Side::parse("./a/b:x".as_ref(), is_paired).unwrap(), Side::Here("./a/b:x".into()));
    }

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
                Side::parse(text.as_ref(), nobody).unwrap(),
                Side::There { peer: peer.into(), path: path.into() },
                "{text}"
            );
        }
        for text in ["a", ".", "./a:b", "/a:b", "../x:y", ":a", "d/e:f", "ws://10.0.0.7:8423"] {
            assert_eq!(Side::parse(text.as_ref(), nobody).unwrap(), Side::Here(text.into()), "{text}");
        }
        let odd = OsStr::from_bytes(b"desk:bad\xff");
        assert_eq!(
            Side::parse(odd, nobody).unwrap(),
            Side::There { peer: "desk".into(), path: OsStr::from_bytes(b"bad\xff").into() }
        );
        assert!(
            Side::parse(OsStr::from_bytes(b"bad\xff:x"), nobody)
                .unwrap_err()
                .to_string()
                .contains("write ./ before it")
        );
        Side::parse(OsStr::new(""), nobody).unwrap_err();
        assert!(Side::parse(OsStr::new("-"), nobody).unwrap_err().to_string().contains("write ./- for one"));
        assert_eq!(Side::parse("./-".as_ref(), nobody).unwrap(), Side::Here("./-".into()));
    }
}
