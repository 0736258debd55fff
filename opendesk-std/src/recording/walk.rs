//! Going through a recording with the recorded host at hand, which can open what its peers said.

use core::ops::ControlFlow;
use std::io::Read;
use std::path::{Path, PathBuf};

use opendesk_core::limits;
use opendesk_core::trace::{Input, Output, Replay, Stage, Start};

use super::reader::{Next, Reader};
use super::{ENTRY_BYTES, LINKS, RecordingError};

/// The recorded host before and after an input.
pub(super) struct Around {
    pub(super) before: Stage,
    pub(super) after: Stage,
    /// What a record says.
    pub(super) plaintext: Option<Vec<u8>>,
}

/// A recording that is read, and the recorded host as it is after what was read.
pub(super) struct Walk<R> {
    pub(super) reader: Reader<R>,
    pub(super) start: Start,
    pub(super) original: Box<Replay<LINKS>>,
    path: PathBuf,
}

impl<R: Read> Walk<R> {
    /// Reads the beginning and makes the host as it was made. `path` stands for the recording in errors.
    pub(super) fn begin(from: R, path: &Path) -> Result<Self, RecordingError> {
        let (reader, start) = Reader::new(from, path)?;
        let original = Replay::new(&start);
        let original = Box::new(original.map_err(|why| RecordingError::Foreign { path: path.to_owned(), why })?);
        Ok(Self { reader, start, original, path: path.to_owned() })
    }

    /// Does every recorded input again and shows it, to the end or to a break.
    ///
    /// # Errors
    /// [`RecordingError::Differs`] where this program's host gives something else than was recorded.
    pub(super) fn each(
        mut self,
        mut see: impl FnMut(&Around, &Input<'_>, &Output<'_>) -> ControlFlow<()>,
    ) -> Result<(), RecordingError> {
        let mut number = 0;
        let mut buf = vec![0; ENTRY_BYTES.max(limits::RECORD_BYTES)];
        while let Next::Step(mut step) = self.reader.next()? {
            let mut bodies = core::mem::take(&mut step.bodies);
            let (input, recorded) = step.decoded(&self.path)?;
            let message = if let Input::Message { link, bytes, .. } = input { Some((link, bytes)) } else { None };
            let stage = |original: &Replay<LINKS>| message.map_or(Stage::Silent, |(link, _)| original.stage(link));
            let before = stage(&self.original);
            let plaintext =
                message.and_then(|(link, bytes)| self.original.read(link, &mut bytes.to_vec()).map(<[u8]>::to_vec));
            let output = self.original.step(&input, &mut bodies, &mut buf);
            number += 1;
            if output != recorded || bodies.is_astray() {
                return Err(RecordingError::Differs { path: self.path, input: number });
            }
            let around = Around { before, after: stage(&self.original), plaintext };
            if see(&around, &input, &output).is_break() {
                break;
            }
        }
        Ok(())
    }
}
