//! The file of one date: where its chain ends, and adding to it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use super::MAX_LINE;
use super::chain::{GENESIS, claimed, whole};
use crate::home::file::{make_private, open_careful, sync_directory};

const BLOCK: usize = 64 << 10;

/// An open file whose chain is known.
#[derive(Debug)]
pub(super) struct Day {
    path: PathBuf,
    /// Appends only: whatever else happens to the file, nothing in it is overwritten.
    file: File,
    /// Device and number of the file.
    place: (u64, u64),
    length: u64,
    last: String,
    damaged: bool,
}

impl Day {
    /// Opens the file, new or not, and finds the end of its chain. Where it ends in a part of a line, that part is
    /// cut off and returned.
    pub(super) fn resume(path: &Path) -> io::Result<(Self, Option<Vec<u8>>)> {
        let mut file = open_careful(path, OpenOptions::new().read(true).append(true).create(true))?;
        make_private(path)?;
        let metadata = file.metadata()?;
        let mut length = metadata.len();
        if length == 0 {
            sync_directory(path)?;
        }
        let (mut last, rest) = end(&file, length)?;
        let mut torn = None;
        if let Some(hash) = whole(&rest, &last) {
            // Only the line break is missing.
            file.write_all(b"\n")?;
            length += 1;
            last = hash;
        } else if !rest.is_empty() {
            length -= rest.len() as u64;
            file.set_len(length)?;
            torn = Some(rest);
        }
        let place = (metadata.dev(), metadata.ino());
        Ok((Self { path: path.to_owned(), file, place, length, last, damaged: false }, torn))
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The hash of the last chained line.
    pub(super) fn last(&self) -> &str {
        &self.last
    }

    /// Whether a part of a line may be at the end, so that the file has to be opened anew.
    pub(super) const fn is_damaged(&self) -> bool {
        self.damaged
    }

    /// Whether the path still leads to this file and nobody else has changed its length.
    pub(super) fn is_untouched(&self) -> bool {
        fs::symlink_metadata(&self.path)
            .is_ok_and(|found| (found.dev(), found.ino()) == self.place && found.len() == self.length)
    }

    /// Adds a line with its line break, all of it or nothing; `hash` is the line's.
    pub(super) fn append(&mut self, line: &str, hash: String) -> io::Result<()> {
        if let Err(error) = self.file.write_all(line.as_bytes()) {
            self.damaged = self.file.set_len(self.length).is_err();
            return Err(error);
        }
        self.length += line.len() as u64;
        self.last = hash;
        Ok(())
    }

    /// Another handle of the file, for whoever forces it to the disk.
    pub(super) fn handle(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    /// Waits until all of it is on the disk.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }
}

/// The hash of the last chained line, and what follows the last line break.
fn end(file: &File, length: u64) -> io::Result<(String, Vec<u8>)> {
    let mut pieces = Backwards { file, before: length, held: Vec::new(), done: false };
    let rest = pieces.next().transpose()?.unwrap_or_default();
    for line in pieces {
        if let Some(hash) = claimed(&line?) {
            return Ok((hash, rest));
        }
    }
    Ok((GENESIS.to_owned(), rest))
}

/// What stands between the line breaks of a file, from the end to the beginning. The first piece is what follows the
/// last line break, empty when nothing does.
struct Backwards<'a> {
    file: &'a File,
    /// Where in the file `held` begins.
    before: u64,
    held: Vec<u8>,
    done: bool,
}

impl Iterator for Backwards<'_> {
    type Item = io::Result<Vec<u8>>;

    fn next(&mut self) -> Option<io::Result<Vec<u8>>> {
        if self.done {
            return None;
        }
        loop {
            if let Some(line_break) = self.held.iter().rposition(|byte| *byte == b'\n') {
                let piece = self.held.split_off(line_break + 1);
                self.held.truncate(line_break);
                return Some(Ok(piece));
            }
            if self.before == 0 {
                self.done = true;
                return Some(Ok(core::mem::take(&mut self.held)));
            }
            if let Err(error) = self.read_block() {
                self.done = true;
                return Some(Err(error));
            }
        }
    }
}

impl Backwards<'_> {
    fn read_block(&mut self) -> io::Result<()> {
        if self.held.len() > MAX_LINE {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("it holds a line of more than {MAX_LINE} bytes; move it away"),
            ));
        }
        let size = self.before.min(BLOCK as u64);
        let mut block = vec![0; size as usize];
        self.file.read_exact_at(&mut block, self.before - size)?;
        self.before -= size;
        block.append(&mut self.held);
        self.held = block;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(content: &[u8]) -> io::Result<Vec<Vec<u8>>> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(content).unwrap();
        Backwards { file: &file, before: content.len() as u64, held: Vec::new(), done: false }.collect()
    }

    #[test]
    fn pieces_come_from_the_end() {
        let cases: [(&str, &[&str]); 5] = [
            ("", &[""]),
            ("a", &["a"]),
            ("a\n", &["", "a"]),
            ("a\nb", &["b", "a"]),
            ("\na\n\nb\n", &["", "b", "", "a", ""]),
        ];
        for (content, expected) in cases {
            let expected: Vec<Vec<u8>> = expected.iter().map(|piece| piece.as_bytes().to_vec()).collect();
            assert_eq!(pieces(content.as_bytes()).unwrap(), expected, "{content:?}");
        }
    }

    #[test]
    fn lines_may_cross_blocks_but_not_be_endless() {
        let long = vec![b'x'; 3 * BLOCK + 7];
        let content = [&long[..], b"\nshort\n", &long[..], b"\n"].concat();
        assert_eq!(pieces(&content).unwrap(), [Vec::new(), long.clone(), b"short".to_vec(), long]);
        let endless = vec![b'x'; MAX_LINE + 2 * BLOCK];
        assert_eq!(pieces(&endless).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn a_failed_write_leaves_the_file_as_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("day.jsonl");
        let (mut day, torn) = Day::resume(&path).unwrap();
        assert_eq!(torn, None);
        assert_eq!(day.last(), GENESIS);
        day.append("{\"hash\": \"a\"}\n", "a".to_owned()).unwrap();
        let writable = core::mem::replace(&mut day.file, File::open(&path).unwrap());
        day.append("{\"hash\": \"b\"}\n", "b".to_owned()).unwrap_err();
        assert!(day.is_damaged());
        assert_eq!(day.last(), "a");
        drop(writable);
        assert_eq!(fs::read(&path).unwrap(), b"{\"hash\": \"a\"}\n");
        let (day, torn) = Day::resume(&path).unwrap();
        assert_eq!((day.last(), torn), ("a", None));
    }

    #[test]
    fn a_touched_file_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("day.jsonl");
        let (mut day, _) = Day::resume(&path).unwrap();
        day.append("{}\n", GENESIS.to_owned()).unwrap();
        assert!(day.is_untouched());
        fs::write(&path, "{}").unwrap();
        assert!(!day.is_untouched());
        fs::write(&path, "{}\n").unwrap();
        assert!(day.is_untouched());
        let other = dir.path().join("other");
        fs::write(&other, "{}\n").unwrap();
        fs::rename(&other, &path).unwrap();
        assert!(!day.is_untouched());
        fs::remove_file(&path).unwrap();
        assert!(!day.is_untouched());
    }
}
