//! The keys of X servers in an Xauthority file.

use std::io::{self, Read};
use std::path::Path;

use super::plain::plain;

/// Far more than the keys of one person take.
const MAX_FILE: u64 = 1 << 20;

/// The one method that every server takes.
const METHOD: &[u8] = b"MIT-MAGIC-COOKIE-1";

/// What a client shows to a server.
pub(super) struct Key<'a> {
    pub(super) method: &'a [u8],
    pub(super) secret: &'a [u8],
}

/// The bytes of such a file.
pub(super) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    plain(path)?.take(MAX_FILE).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The key of a display among those whose family and address `is_for` accepts. What follows a damaged entry is not
/// read.
pub(super) fn find(file: &[u8], display: u16, is_for: impl Fn(u16, &[u8]) -> bool) -> Option<Key<'_>> {
    let display = display.to_string();
    let mut rest = file;
    loop {
        let entry = Entry::take(&mut rest)?;
        let is_of_display = entry.display.is_empty() || entry.display == display.as_bytes();
        if is_of_display && entry.method == METHOD && is_for(entry.family, entry.address) {
            return Some(Key { method: entry.method, secret: entry.secret });
        }
    }
}

/// Whether a file has a key for a display, whatever the machine calls itself.
pub(super) fn has_key(path: &Path, display: u16) -> bool {
    read(path).is_ok_and(|file| find(&file, display, |_, _| true).is_some())
}

struct Entry<'a> {
    family: u16,
    address: &'a [u8],
    /// Empty stands for every display.
    display: &'a [u8],
    method: &'a [u8],
    secret: &'a [u8],
}

impl<'a> Entry<'a> {
    fn take(rest: &mut &'a [u8]) -> Option<Self> {
        Some(Self {
            family: number(rest)?,
            address: field(rest)?,
            display: field(rest)?,
            method: field(rest)?,
            secret: field(rest)?,
        })
    }
}

fn field<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = number(rest)?;
    let (field, after) = rest.split_at_checked(usize::from(length))?;
    *rest = after;
    Some(field)
}

fn number(rest: &mut &[u8]) -> Option<u16> {
    let (bytes, after) = rest.split_first_chunk::<2>()?;
    *rest = after;
    Some(u16::from_be_bytes(*bytes))
}

/// One entry as a file holds it.
#[cfg(test)]
pub(super) fn written(family: u16, address: &[u8], display: &str, method: &[u8], secret: &[u8]) -> Vec<u8> {
    let mut bytes = family.to_be_bytes().to_vec();
    for field in [address, display.as_bytes(), method, secret] {
        bytes.extend(u16::try_from(field.len()).unwrap_or_default().to_be_bytes());
        bytes.extend(field);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCAL: u16 = 256;

    fn secret(file: &[u8], display: u16, host: &[u8]) -> Option<Vec<u8>> {
        find(file, display, |family, address| family == LOCAL && address == host).map(|key| key.secret.to_vec())
    }

    #[test]
    fn the_key_of_a_display_on_this_machine_is_found() {
        let file = [
            written(LOCAL, b"elsewhere", "1", METHOD, b"wrong host"),
            written(0, &[1, 2, 3, 4], "1", METHOD, b"wrong family"),
            written(LOCAL, b"here", "1", b"XDM-AUTHORIZATION-1", b"wrong method"),
            written(LOCAL, b"here", "1", METHOD, b"one"),
            written(LOCAL, b"here", "", METHOD, b"any"),
        ]
        .concat();
        assert_eq!(secret(&file, 1, b"here").unwrap(), b"one");
        assert_eq!(secret(&file, 7, b"here").unwrap(), b"any");
        assert_eq!(secret(&file, 1, b"nowhere"), None);
    }

    #[test]
    fn a_damaged_file_ends_where_it_is_damaged() {
        let whole =
            [written(LOCAL, b"here", "1", METHOD, b"one"), written(LOCAL, b"here", "2", METHOD, b"two")].concat();
        let first = written(LOCAL, b"here", "1", METHOD, b"one").len();
        for length in 0..whole.len() {
            let part = whole.get(..length).unwrap();
            assert_eq!(secret(part, 1, b"here").is_some(), length >= first, "{length}");
            assert_eq!(secret(part, 2, b"here"), None, "{length}");
        }
        assert_eq!(secret(&whole, 2, b"here").unwrap(), b"two");
    }
}
