//! Replaying a recording: the same inputs to a machine of this program, and a look at every output.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufReader, ErrorKind, Read};
use std::path::Path;

use opendesk_core::trace::{Entry, Input, Output, Replay};
use opendesk_core::{Bodies, BodyId, Event, LinkId, limits};
use serde::Serialize;

use super::{ENTRY_BYTES, LINKS, MAGIC, RecordingError};

/// What came of a replay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Replayed {
    /// Inputs that were done again.
    pub inputs: u64,
    /// Sessions among them.
    pub sessions: u64,
    /// Requests among them.
    pub requests: u64,
    /// The time from the first input to the last, in microseconds.
    pub lasted_us: u64,
    /// Whether the recording ends in the middle of an entry, as it does when its host was killed.
    pub cut: bool,
    /// The first output that is not the recorded one; nothing is replayed beyond it.
    pub difference: Option<Difference>,
}

/// An output that is not the recorded one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The input, counted from 1.
    pub input: u64,
    /// What was done.
    pub done: String,
    /// What the recorded host gave.
    pub recorded: String,
    /// What this one gives.
    pub replayed: String,
}

/// The recorded bodies of one input, in the order of asking.
#[derive(Debug, Default)]
struct Recorded {
    parts: VecDeque<Vec<u8>>,
    /// Something was asked for that was not asked for then.
    astray: bool,
}

impl Bodies for Recorded {
    fn copy(&mut self, _link: LinkId, _body: BodyId, _offset: usize, out: &mut [u8]) {
        match self.parts.pop_front() {
            Some(part) if part.len() == out.len() => out.copy_from_slice(&part),
            Some(_) | None => self.astray = true,
        }
    }
}

/// Reads entries one after the other.
struct Reader<R> {
    from: R,
    path: std::path::PathBuf,
    entry: u64,
    buf: Vec<u8>,
}

impl<R: Read> Reader<R> {
    fn new(from: R, path: &Path) -> Result<Self, RecordingError> {
        let mut reader = Self { from, path: path.to_owned(), entry: 0, buf: vec![0; ENTRY_BYTES] };
        let mut magic = [0; MAGIC.len()];
        match reader.from.read_exact(&mut magic) {
            Ok(()) if magic == *MAGIC => Ok(reader),
            Err(error) if error.kind() != ErrorKind::UnexpectedEof => Err(reader.io(error)),
            Ok(()) | Err(_) => Err(reader.damaged()),
        }
    }

    fn io(&self, error: std::io::Error) -> RecordingError {
        RecordingError::Io { path: self.path.clone(), error }
    }

    fn damaged(&self) -> RecordingError {
        RecordingError::Damaged { path: self.path.clone(), entry: self.entry }
    }

    /// The bytes of the next entry; `None` at the end, which may be in the middle of one.
    fn next(&mut self) -> Result<Option<Vec<u8>>, RecordingError> {
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

/// Replays a recording, at most `until` inputs of it.
///
/// # Errors
/// [`RecordingError`] when the file cannot be read, is no recording, is damaged, or was made by a host that this program
/// cannot be. A difference is not an error: it is in what is given back.
pub fn replay(path: &Path, until: Option<u64>) -> Result<Replayed, RecordingError> {
    let file = File::open(path).map_err(|error| RecordingError::Io { path: path.to_owned(), error })?;
    replay_from(BufReader::new(file), path, until)
}

/// Replays a recording that is read from anywhere; `path` stands for it in errors.
///
/// # Errors
/// As [`replay`].
pub fn replay_from(from: impl Read, path: &Path, until: Option<u64>) -> Result<Replayed, RecordingError> {
    let mut reader = Reader::new(from, path)?;
    let first = reader.next()?.ok_or_else(|| reader.damaged())?;
    let Entry::Start(start) = reader.decode(&first)? else { return Err(reader.damaged()) };
    let machine = Replay::<LINKS>::new(&start);
    let mut machine = Box::new(machine.map_err(|why| RecordingError::Foreign { path: path.to_owned(), why })?);
    let mut replayed = Replayed { inputs: 0, sessions: 0, requests: 0, lasted_us: 0, cut: false, difference: None };
    let mut begun = None;
    let mut buf = vec![0; ENTRY_BYTES.max(limits::RECORD_BYTES)];
    while until.is_none_or(|until| replayed.inputs < until) {
        let Some(bytes) = reader.next()? else { break };
        let Entry::Input(input) = reader.decode(&bytes)? else { return Err(reader.damaged()) };
        let mut bodies = Recorded::default();
        let expected = loop {
            let Some(bytes) = reader.next()? else {
                replayed.cut = true;
                return Ok(replayed);
            };
            match reader.decode(&bytes)? {
                Entry::Body(part) => bodies.parts.push_back(part.to_vec()),
                Entry::Output(_) => break bytes,
                Entry::Start(_) | Entry::Input(_) => return Err(reader.damaged()),
            }
        };
        let Entry::Output(recorded) = reader.decode(&expected)? else { return Err(reader.damaged()) };
        let output = machine.step(&input, &mut bodies, &mut buf);
        replayed.inputs += 1;
        if let Some(now) = time_of(&input) {
            let begun = *begun.get_or_insert(now);
            replayed.lasted_us = now.saturating_sub(begun);
        }
        let stray = bodies.astray || !bodies.parts.is_empty();
        if output != recorded || stray {
            let note = if stray { " (and asked for other bodies)" } else { "" };
            replayed.difference = Some(Difference {
                input: replayed.inputs,
                done: brief(&input),
                recorded: format!("{recorded:?}"),
                replayed: format!("{output:?}{note}"),
            });
            break;
        }
        match output {
            Output::Event(Some(Event::SessionOpened { .. })) => replayed.sessions += 1,
            Output::Delivered(opendesk_core::trace::Delivered::Request { done: true, .. }) => replayed.requests += 1,
            _ => {}
        }
    }
    Ok(replayed)
}

fn time_of(input: &Input<'_>) -> Option<u64> {
    match input {
        Input::Open { now, .. }
        | Input::Message { now, .. }
        | Input::Eof { now, .. }
        | Input::Timeout { now }
        | Input::Decide { now, .. }
        | Input::Close { now, .. }
        | Input::Released { now, .. } => Some(now.micros()),
        Input::PollEvent
        | Input::PollTransmit { .. }
        | Input::Greet { .. }
        | Input::Respond { .. }
        | Input::SendItem { .. }
        | Input::Push { .. }
        | Input::Settle { .. }
        | Input::OpenPairing { .. }
        | Input::Rotate { .. }
        | Input::ForgetFormerKeys
        | Input::CancelPairing => None,
    }
}

/// An input in a line. The bytes of a message are told by their number; a code is not told.
fn brief(input: &Input<'_>) -> String {
    match input {
        Input::Message { now, link, bytes } => {
            format!("Message of {} bytes on link {link} at {} us", bytes.len(), now.micros())
        }
        Input::OpenPairing { until, .. } => format!("OpenPairing until {} us", until.micros()),
        other => format!("{other:?}"),
    }
}
