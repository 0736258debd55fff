//! Lines of a file: one after the other, from a place on, and from the end.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, Read};
use std::path::Path;

use super::MAX_LINE;
use crate::home::file::open_careful;
use crate::platform;

/// Bytes that are read at a time.
pub(super) const BLOCK: usize = 64 << 10;

/// A file that is read at any place.
pub(super) trait Source: Sized {
    /// Opens a regular file; a symbolic link is not followed.
    fn open(path: &Path) -> io::Result<Self>;

    /// How long it is now.
    fn length(&self) -> io::Result<u64>;

    /// Fills the buffer from this place on.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()>;
}

impl Source for File {
    fn open(path: &Path) -> io::Result<Self> {
        open_careful(path, OpenOptions::new().read(true))
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        platform::read_exact_at(self, buffer, offset)
    }
}

/// Reads the next line into `buffer`, with its line break; `false` at the end of the file.
pub(super) fn read_line(reader: &mut impl BufRead, buffer: &mut Vec<u8>) -> io::Result<bool> {
    buffer.clear();
    reader.take(MAX_LINE as u64 + 1).read_until(b'\n', buffer)?;
    if buffer.len() > MAX_LINE { Err(too_long()) } else { Ok(!buffer.is_empty()) }
}

fn too_long() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("it holds a line of more than {MAX_LINE} bytes; move it away"))
}

/// The lines from one place to another, those that have a line break. What follows the last one is left.
pub(super) struct Forwards<'a, S> {
    source: &'a S,
    /// From where the source is read next.
    next: u64,
    end: u64,
    held: Vec<u8>,
    /// How many of the held bytes have been given.
    given: usize,
}

impl<'a, S: Source> Forwards<'a, S> {
    pub(super) const fn new(source: &'a S, start: u64, end: u64) -> Self {
        Self { source, next: start, end, held: Vec::new(), given: 0 }
    }

    /// Behind the last line that was given.
    pub(super) const fn position(&self) -> u64 {
        self.next - (self.held.len() - self.given) as u64
    }

    /// What was read and not given: after the last line, what has no line break.
    pub(super) fn rest(&self) -> &[u8] {
        &self.held[self.given..]
    }

    /// The next line without its line break.
    pub(super) fn line(&mut self) -> io::Result<Option<&[u8]>> {
        let mut seen = self.given;
        loop {
            if let Some(length) = self.held[seen..].iter().position(|byte| *byte == b'\n') {
                let start = self.given;
                self.given = seen + length + 1;
                return Ok(Some(&self.held[start..seen + length]));
            }
            if self.held.len() - self.given > MAX_LINE {
                return Err(too_long());
            }
            if self.next >= self.end {
                return Ok(None);
            }
            self.held.drain(..self.given);
            self.given = 0;
            seen = self.held.len();
            let size = (self.end - self.next).min(BLOCK as u64);
            self.held.resize(seen + size as usize, 0);
            if let Err(error) = self.source.read_at(&mut self.held[seen..], self.next) {
                self.held.truncate(seen);
                return Err(error);
            }
            self.next += size;
        }
    }
}

/// What stands between the line breaks of a file, from the end to the beginning, each with the place where it begins.
/// The first piece is what follows the last line break, empty when nothing does.
pub(super) struct Backwards<'a, S> {
    source: &'a S,
    /// Where in the source `held` begins.
    before: u64,
    held: Vec<u8>,
    done: bool,
}

impl<'a, S: Source> Backwards<'a, S> {
    pub(super) const fn new(source: &'a S, end: u64) -> Self {
        Self { source, before: end, held: Vec::new(), done: false }
    }

    fn read_block(&mut self) -> io::Result<()> {
        if self.held.len() > MAX_LINE {
            return Err(too_long());
        }
        let size = self.before.min(BLOCK as u64);
        let mut block = vec![0; size as usize];
        self.source.read_at(&mut block, self.before - size)?;
        self.before -= size;
        block.append(&mut self.held);
        self.held = block;
        Ok(())
    }
}

impl<S: Source> Iterator for Backwards<'_, S> {
    type Item = io::Result<(u64, Vec<u8>)>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        loop {
            if let Some(line_break) = self.held.iter().rposition(|byte| *byte == b'\n') {
                let piece = self.held.split_off(line_break + 1);
                self.held.truncate(line_break);
                return Some(Ok((self.before + line_break as u64 + 1, piece)));
            }
            if self.before == 0 {
                self.done = true;
                return Some(Ok((0, core::mem::take(&mut self.held))));
            }
            if let Err(error) = self.read_block() {
                self.done = true;
                return Some(Err(error));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn file(content: &[u8]) -> File {
        let mut file = tempfile::tempfile().expect("a temporary file");
        file.write_all(content).expect("it takes bytes");
        file
    }

    fn backwards(content: &[u8]) -> io::Result<Vec<(u64, Vec<u8>)>> {
        Backwards::new(&file(content), content.len() as u64).collect()
    }

    /// The lines, where the last one ends, and what is left.
    fn forwards(content: &[u8], start: u64) -> io::Result<(Vec<Vec<u8>>, u64, Vec<u8>)> {
        let file = file(content);
        let mut reader = Forwards::new(&file, start, content.len() as u64);
        let mut lines = Vec::new();
        while let Some(line) = reader.line()? {
            lines.push(line.to_vec());
        }
        Ok((lines, reader.position(), reader.rest().to_vec()))
    }

    #[test]
    fn pieces_come_from_the_end_with_their_places() {
        let cases: [(&str, &[(u64, &str)]); 5] = [
            ("", &[(0, "")]),
            ("a", &[(0, "a")]),
            ("a\n", &[(2, ""), (0, "a")]),
            ("a\nb", &[(2, "b"), (0, "a")]),
            ("\na\n\nb\n", &[(6, ""), (4, "b"), (3, ""), (1, "a"), (0, "")]),
        ];
        for (content, expected) in cases {
            let expected: Vec<_> = expected.iter().map(|(at, piece)| (*at, piece.as_bytes().to_vec())).collect();
            assert_eq!(backwards(content.as_bytes()).unwrap(), expected, "{content:?}");
        }
    }

    #[test]
    fn lines_come_in_order_and_the_rest_is_left() {
        let lines = |texts: &[&str]| texts.iter().map(|text| text.as_bytes().to_vec()).collect::<Vec<_>>();
        assert_eq!(forwards(b"", 0).unwrap(), (lines(&[]), 0, Vec::new()));
        assert_eq!(forwards(b"a\n\nbc\nd", 0).unwrap(), (lines(&["a", "", "bc"]), 6, b"d".to_vec()));
        assert_eq!(forwards(b"a\n\nbc\nd", 2).unwrap(), (lines(&["", "bc"]), 6, b"d".to_vec()));
        assert_eq!(forwards(b"abc", 0).unwrap(), (lines(&[]), 0, b"abc".to_vec()));
    }

    #[test]
    fn lines_may_cross_blocks_but_not_be_endless() {
        let long = vec![b'x'; 3 * BLOCK + 7];
        let content = [&long[..], b"\nshort\n", &long[..], b"\n"].concat();
        let pieces: Vec<_> = backwards(&content).unwrap().into_iter().map(|(_, piece)| piece).collect();
        assert_eq!(pieces, [Vec::new(), long.clone(), b"short".to_vec(), long.clone()]);
        assert_eq!(forwards(&content, 0).unwrap().0, [long.clone(), b"short".to_vec(), long]);
        let endless = vec![b'x'; MAX_LINE + 2 * BLOCK];
        assert_eq!(backwards(&endless).unwrap_err().kind(), io::ErrorKind::InvalidData);
        assert_eq!(forwards(&endless, 0).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }
}
