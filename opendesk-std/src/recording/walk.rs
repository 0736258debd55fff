//! Going through a recording with the recorded host at hand, which can open what its peers said.

use core::ops::ControlFlow;
use std::io::Read;
use std::path::Path;

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

/// Does every recorded input again and shows it. Ends where this program's host gives something else than was recorded.
pub(super) fn each_step(
    from: impl Read,
    path: &Path,
    mut see: impl FnMut(&Start, &Around, &Input<'_>, &Output<'_>) -> ControlFlow<()>,
) -> Result<(), RecordingError> {
    let mut number = 0;
    let (mut reader, start) = Reader::new(from, path)?;
    let original = Replay::<LINKS>::new(&start);
    let mut original = Box::new(original.map_err(|why| RecordingError::Foreign { path: path.to_owned(), why })?);
    let mut buf = vec![0; ENTRY_BYTES.max(limits::RECORD_BYTES)];
    while let Next::Step(mut step) = reader.next()? {
        let mut bodies = core::mem::take(&mut step.bodies);
        let (input, recorded) = step.decoded(path)?;
        let link = if let Input::Message { link, .. } = input { Some(link) } else { None };
        let before = link.map_or(Stage::Silent, |link| original.stage(link));
        let plaintext = match input {
            Input::Message { link, bytes, .. } => original.read(link, &mut bytes.to_vec()).map(<[u8]>::to_vec),
            _ => None,
        };
        let output = original.step(&input, &mut bodies, &mut buf);
        number += 1;
        if output != recorded || bodies.is_astray() {
            return Err(RecordingError::Differs { path: path.to_owned(), input: number });
        }
        let after = link.map_or(Stage::Silent, |link| original.stage(link));
        if see(&start, &Around { before, after, plaintext }, &input, &output).is_break() {
            break;
        }
    }
    Ok(())
}
