//! Replaying a recording: the same inputs to a machine of this program, and a look at every output.

use std::io::Read;
use std::path::Path;

use opendesk_core::trace::{Delivered, Input, Output};
use opendesk_core::{Event, limits};
use serde::Serialize;

use super::reader::Next;
use super::walk::Walk;
use super::{ENTRY_BYTES, RecordingError, open};

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

/// Replays a recording, at most `until` inputs of it.
///
/// # Errors
/// [`RecordingError`] when the file cannot be read, is no recording, is damaged, or was made by a host that this program
/// cannot be. A difference is not an error: it is in what is given back.
pub fn replay(path: &Path, until: Option<u64>) -> Result<Replayed, RecordingError> {
    replay_from(open(path)?, path, until)
}

/// Replays a recording that is read from anywhere; `path` stands for it in errors.
///
/// # Errors
/// As [`replay`].
pub fn replay_from(from: impl Read, path: &Path, until: Option<u64>) -> Result<Replayed, RecordingError> {
    let Walk { mut reader, mut original, .. } = Walk::begin(from, path)?;
    let mut replayed = Replayed { inputs: 0, sessions: 0, requests: 0, lasted_us: 0, cut: false, difference: None };
    let mut begun = None;
    let mut buf = vec![0; ENTRY_BYTES.max(limits::RECORD_BYTES)];
    while until.is_none_or(|until| replayed.inputs < until) {
        let mut step = match reader.next()? {
            Next::Step(step) => step,
            Next::End => break,
            Next::Cut => {
                replayed.cut = true;
                break;
            }
        };
        let mut bodies = core::mem::take(&mut step.bodies);
        let (input, recorded) = step.decoded(path)?;
        let output = original.step(&input, &mut bodies, &mut buf);
        replayed.inputs += 1;
        if let Some(now) = time_of(&input) {
            let begun = *begun.get_or_insert(now);
            replayed.lasted_us = now.saturating_sub(begun);
        }
        let stray = bodies.is_astray();
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
            Output::Delivered(Delivered::Request { done: true, .. }) => replayed.requests += 1,
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
        | Input::Vouch { now, .. }
        | Input::Alive { now, .. }
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
        | Input::SetOldest { .. }
        | Input::AllowVersion1 { .. }
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
