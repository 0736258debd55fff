//! Reading a recording, one input with all that belongs to it at a time.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

use opendesk_core::trace::{Entry, Input, Output, Start};
use opendesk_core::{Bodies, BodyId, LinkId};

use super::{ENTRY_BYTES, MAGIC, RecordingError};

/// The recorded bodies of one input, in the order of asking.
#[derive(Debug, Default)]
pub(super) struct Recorded {
    parts: VecDeque<Vec<u8>>,
    /// Something was asked for that was not asked for then.
    astray: bool,
}

impl Recorded {
    /// Whether something else was asked for than was recorded.
    pub(super) fn is_astray(&self) -> bool {
        self.astray || !self.parts.is_empty()
    }
}

impl Bodies for Recorded {
    fn copy(&mut self, _link: LinkId, _body: BodyId, _offset: usize, out: &mut [u8]) {
        match self.parts.pop_front() {
            Some(part) if part.len() == out.len() => out.copy_from_slice(&part),
            Some(_) | None => self.astray = true,
        }
    }
}

/// An input, the bodies that were given for it, and what came of it.
#[derive(Debug)]
pub(super) struct Step {
    input: Vec<u8>,
    pub(super) bodies: Recorded,
    output: Vec<u8>,
    /// The number of the output's entry.
    entry: u64,
}

/// What comes next in a recording.
#[derive(Debug)]
pub(super) enum Next {
    Step(Step),
    End,
    /// The recording ends in the middle of a step.
    Cut,
}

/// Reads entries one after the other.
pub(super) struct Reader<R> {
    from: R,
    path: PathBuf,
    entry: u64,
    buf: Vec<u8>,
}

impl<R: Read> Reader<R> {
    /// Reads the beginning. `path` stands for the recording in errors.
    pub(super) fn new(from: R, path: &Path) -> Result<(Self, Start), RecordingError> {
        let mut reader = Self { from, path: path.to_owned(), entry: 0, buf: vec![0; ENTRY_BYTES] };
        let mut magic = [0; MAGIC.len()];
        match reader.from.read_exact(&mut magic) {
            Ok(()) if magic == *MAGIC => {}
            Err(error) if error.kind() != ErrorKind::UnexpectedEof => return Err(reader.io(error)),
            Ok(()) | Err(_) => return Err(reader.damaged()),
        }
        let first = reader.read()?.ok_or_else(|| reader.damaged())?;
        match reader.decode(&first)? {
            Entry::Start(start) => Ok((reader, start)),
            Entry::Input(_) | Entry::Body(_) | Entry::Output(_) => Err(reader.damaged()),
        }
    }

    /// The next input and what belongs to it.
    pub(super) fn next(&mut self) -> Result<Next, RecordingError> {
        let Some(input) = self.read()? else { return Ok(Next::End) };
        if !matches!(self.decode(&input)?, Entry::Input(_)) {
            return Err(self.damaged());
        }
        let mut bodies = Recorded::default();
        loop {
            let Some(bytes) = self.read()? else { return Ok(Next::Cut) };
            match self.decode(&bytes)? {
                Entry::Body(part) => bodies.parts.push_back(part.to_vec()),
                Entry::Output(_) => return Ok(Next::Step(Step { input, bodies, output: bytes, entry: self.entry })),
                Entry::Start(_) | Entry::Input(_) => return Err(self.damaged()),
            }
        }
    }

    fn io(&self, error: io::Error) -> RecordingError {
        RecordingError::Io { path: self.path.clone(), error }
    }

    fn damaged(&self) -> RecordingError {
        RecordingError::Damaged { path: self.path.clone(), entry: self.entry }
    }

    /// The bytes of the next entry; `None` at the end, which may be in the middle of one.
    fn read(&mut self) -> Result<Option<Vec<u8>>, RecordingError> {
        self.entry += 1;
        let mut length = [0; 4];
        match self.from.read_exact(&mut length) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(self.io(error)),
        }
        let length = u32::from_le_bytes(length) as usize;
        if length > ENTRY_BYTES {
            return Err(self.damaged());
        }
        let Some(room) = self.buf.get_mut(..length) else { return Err(self.damaged()) };
        match self.from.read_exact(room) {
            Ok(()) => Ok(Some(room.to_vec())),
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(self.io(error)),
        }
    }

    fn decode<'a>(&self, bytes: &'a [u8]) -> Result<Entry<'a>, RecordingError> {
        postcard::from_bytes(bytes).map_err(|_| self.damaged())
    }
}

impl Step {
    /// What was done and what came of it.
    pub(super) fn decoded(&self, path: &Path) -> Result<(Input<'_>, Output<'_>), RecordingError> {
        match (postcard::from_bytes(&self.input), postcard::from_bytes(&self.output)) {
            (Ok(Entry::Input(input)), Ok(Entry::Output(output))) => Ok((input, output)),
            _ => Err(RecordingError::Damaged { path: path.to_owned(), entry: self.entry }),
        }
    }
}
