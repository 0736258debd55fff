//! One reading of the clipboard: the questions to its owner, one after the other, and the answers, whole or in pieces.

use core::mem;
use core::time::Duration;
use std::collections::VecDeque;
use std::sync::mpsc::Sender;
use std::time::Instant;

use x11rb::connection::SequenceNumber;
use x11rb::protocol::xproto::{
    Atom, AtomEnum, ConnectionExt as _, GetPropertyReply, SelectionNotifyEvent, SelectionRequestEvent, Window,
};
use x11rb::{CURRENT_TIME, NONE};

use super::super::connection::{Fault, Outcome, Wire};
use super::atoms::Atoms;
use super::form::Said;
use super::offer::MAX_BYTES;
use super::plan::{Want, guess, plan};
use crate::api::{ClipboardContents, ClipboardEntry, Error, ErrorCode, Result};

/// How long the owner may take to say what it has, which every program knows at once, and to go on with what it has
/// begun to give.
const ANSWER: Duration = Duration::from_secs(1);

/// How long it may take to begin with a form: a large picture has to be encoded first.
const CONVERSION: Duration = Duration::from_secs(3);

/// How long one reading may take, however steadily the owner goes on.
const WHOLE: Duration = Duration::from_secs(30);

/// How long the window of a reading that was given up is kept. A program that wakes up and answers into a window that
/// is gone is ended by the error that this is, if it is as simple as most.
const FAREWELL: Duration = Duration::from_secs(60);

/// The most targets of an offer that are looked at.
const MAX_TARGETS: usize = 1024;

/// The 32-bit units that hold more than the most that is taken, so that more can be told from that.
const MOST_UNITS: u32 = (MAX_BYTES / 4 + 1) as u32;

/// Who reads.
pub(super) enum Reader {
    Call(Sender<Result<ClipboardContents>>),
    /// A program that is about to end and asks for its content to be kept.
    Save(SelectionRequestEvent),
}

pub(super) struct Read {
    /// Where the answers go. No other reading has it.
    pub(super) window: Window,
    /// `None` when it was given up, and only the window is still needed.
    pub(super) reader: Option<Reader>,
    /// The number of the first question: an owner that came after it is another one.
    pub(super) begun: SequenceNumber,
    /// How often it was begun anew because the owner had changed.
    pub(super) restarts: u8,
    asked: Asked,
    wants: VecDeque<Want>,
    /// Whether the owner said that it has something that is asked for.
    promised: bool,
    /// What has come of an answer in pieces.
    pieces: Option<Pieces>,
    entries: Vec<ClipboardEntry>,
    patience: Instant,
    /// When its time is over, however often it was begun anew.
    pub(super) limit: Instant,
}

enum Asked {
    Targets,
    Form(Want),
}

#[derive(Default)]
struct Pieces {
    kind: Atom,
    format: u8,
    data: Vec<u8>,
    /// Whether there was more than fits. The rest is taken all the same: to the end, so that the owner can end.
    spilt: bool,
}

/// How far a reading is.
pub(super) enum Step {
    Waiting,
    Over(Result<ClipboardContents>),
}

/// One answer.
enum Answer {
    Refused,
    TooLarge,
    Data { kind: Atom, format: u8, data: Vec<u8> },
}

impl Read {
    /// A reading that has yet to begin, of what the owner of the clipboard has. `limit` is that of the reading that it
    /// goes on with.
    pub(super) fn new(window: Window, reader: Reader, restarts: u8, limit: Option<Instant>, now: Instant) -> Self {
        Self {
            window,
            reader: Some(reader),
            begun: 0,
            restarts,
            asked: Asked::Targets,
            wants: VecDeque::new(),
            promised: false,
            pieces: None,
            entries: Vec::new(),
            patience: now + ANSWER,
            limit: limit.unwrap_or(now + WHOLE),
        }
    }

    /// Asks the first question: what there is or, if that is known, for the first of it.
    pub(super) fn begin(&mut self, wire: &Wire, atoms: &Atoms, known: &[Atom], now: Instant) -> Outcome<Step> {
        if known.is_empty() {
            self.begun = ask(wire, atoms, self.window, atoms.targets)?;
            return Ok(Step::Waiting);
        }
        self.plan(wire, known)?;
        self.next(wire, atoms, now)
    }

    /// The owner has answered.
    pub(super) fn notified(
        &mut self,
        wire: &Wire,
        atoms: &Atoms,
        event: &SelectionNotifyEvent,
        now: Instant,
    ) -> Outcome<Step> {
        if event.target != self.target(atoms) || self.pieces.is_some() {
            return Ok(Step::Waiting);
        }
        if event.property == NONE {
            return self.take(wire, atoms, Answer::Refused, now);
        }
        let reply = fetch(wire, atoms, self.window)?;
        if reply.type_ == atoms.increments {
            self.pieces = Some(Pieces::default());
            self.go_on(now);
            return Ok(Step::Waiting);
        }
        let answer = if reply.bytes_after > 0 {
            wire.x.delete_property(self.window, atoms.inbox)?;
            Answer::TooLarge
        } else if reply.type_ == NONE {
            Answer::Refused
        } else {
            Answer::Data { kind: reply.type_, format: reply.format, data: reply.value }
        };
        self.take(wire, atoms, answer, now)
    }

    /// The owner has put something into the window; it counts if a piece is awaited.
    pub(super) fn changed(&mut self, wire: &Wire, atoms: &Atoms, now: Instant) -> Outcome<Step> {
        let Some(mut pieces) = self.pieces.take() else {
            return Ok(Step::Waiting);
        };
        let reply = fetch(wire, atoms, self.window)?;
        let is_end = reply.type_ != NONE && reply.value.is_empty();
        if is_end && pieces.kind == NONE {
            (pieces.kind, pieces.format) = (reply.type_, reply.format);
        }
        if !is_end {
            if reply.bytes_after > 0 {
                wire.x.delete_property(self.window, atoms.inbox)?;
            }
            pieces.add(reply, self.room());
            self.pieces = Some(pieces);
            self.go_on(now);
            return Ok(Step::Waiting);
        }
        let answer = if pieces.spilt {
            Answer::TooLarge
        } else {
            Answer::Data { kind: pieces.kind, format: pieces.format, data: pieces.data }
        };
        self.take(wire, atoms, answer, now)
    }

    fn take(&mut self, wire: &Wire, atoms: &Atoms, answer: Answer, now: Instant) -> Outcome<Step> {
        match (mem::replace(&mut self.asked, Asked::Targets), answer) {
            (Asked::Targets, Answer::Data { format: 32, data, .. }) => {
                let targets = data.as_chunks::<4>().0.iter().map(|bytes| Atom::from_ne_bytes(*bytes));
                self.plan(wire, &targets.collect::<Vec<_>>())?;
            }
            (Asked::Targets, _) => self.wants = guess(atoms),
            (Asked::Form(want), Answer::Data { kind, format: 8, data }) => {
                let needed = want.needed;
                if !self.keep(want, said(atoms, kind), data) && needed {
                    return Ok(Step::Over(Err(too_large())));
                }
            }
            (Asked::Form(want), Answer::TooLarge) if want.needed => return Ok(Step::Over(Err(too_large()))),
            (Asked::Form(_), _) => {}
        }
        self.next(wire, atoms, now)
    }

    fn plan(&mut self, wire: &Wire, targets: &[Atom]) -> Outcome<()> {
        self.wants = plan(&names(wire, targets.get(..MAX_TARGETS).unwrap_or(targets))?);
        self.promised = !self.wants.is_empty();
        Ok(())
    }

    /// Keeps a form if it is what it should be; whether it fits. In UTF-8 it may be longer than it came.
    fn keep(&mut self, want: Want, said: Said, data: Vec<u8>) -> bool {
        let Some(data) = want.encoding.decode(said, data) else {
            return true;
        };
        let fits = data.len() <= self.room();
        if fits {
            self.entries.push(ClipboardEntry { mime_type: want.mime_type, data });
        }
        fits
    }

    /// Asks for the next form.
    fn next(&mut self, wire: &Wire, atoms: &Atoms, now: Instant) -> Outcome<Step> {
        let is_had = |want: &Want| self.entries.iter().any(|entry| entry.mime_type == want.mime_type);
        while self.wants.front().is_some_and(is_had) {
            self.wants.pop_front();
        }
        let Some(want) = self.wants.pop_front().filter(|_| self.reader.is_some()) else {
            return Ok(Step::Over(self.outcome()));
        };
        let number = ask(wire, atoms, self.window, want.target)?;
        if self.begun == 0 {
            self.begun = number;
        }
        self.asked = Asked::Form(want);
        self.patience = now + CONVERSION;
        Ok(Step::Waiting)
    }

    fn outcome(&mut self) -> Result<ClipboardContents> {
        if self.entries.is_empty() && self.promised {
            return Err(Error::internal(
                "the program that owns the clipboard gives nothing of what it offers there; copy it again",
            ));
        }
        Ok(ClipboardContents { entries: mem::take(&mut self.entries) })
    }

    /// When [`expire`](Self::expire) has to be called.
    pub(super) fn deadline(&self) -> Instant {
        self.patience.min(self.limit)
    }

    /// Gives up on an owner that took too long: tells how the reading ends for its reader. What was read before an
    /// extra form failed to come is whole without it.
    pub(super) fn expire(&mut self, now: Instant) -> Result<ClipboardContents> {
        let needed = match &self.asked {
            Asked::Targets => true,
            Asked::Form(want) => want.needed,
        };
        let spilt = self.pieces.as_ref().is_some_and(|pieces| pieces.spilt);
        let outcome = match (needed, spilt) {
            (true, true) => Err(too_large()),
            (true, false) => Err(no_answer(self.patience <= now)),
            (false, _) => self.outcome(),
        };
        self.abandon(now);
        outcome
    }

    /// From here on, only what the owner is about to give is awaited, and thrown away.
    pub(super) fn abandon(&mut self, now: Instant) {
        self.wants.clear();
        self.limit = now + FAREWELL;
        self.patience = self.limit;
        if let Some(pieces) = &mut self.pieces {
            pieces.spill();
        }
    }

    fn go_on(&mut self, now: Instant) {
        if self.reader.is_some() {
            self.patience = now + ANSWER;
        }
    }

    fn target(&self, atoms: &Atoms) -> Atom {
        match &self.asked {
            Asked::Targets => atoms.targets,
            Asked::Form(want) => want.target,
        }
    }

    /// How many bytes the entries have left.
    fn room(&self) -> usize {
        MAX_BYTES.saturating_sub(self.entries.iter().map(|entry| entry.data.len()).sum())
    }
}

impl Pieces {
    fn add(&mut self, piece: GetPropertyReply, room: usize) {
        if piece.type_ == NONE {
            return;
        }
        if piece.bytes_after > 0 || self.data.len() + piece.value.len() > room {
            self.spill();
        }
        (self.kind, self.format) = (piece.type_, piece.format);
        if self.spilt {
            return;
        }
        if self.data.is_empty() {
            self.data = piece.value;
        } else {
            self.data.extend_from_slice(&piece.value);
        }
    }

    fn spill(&mut self) {
        (self.data, self.spilt) = (Vec::new(), true);
    }
}

/// Asks the owner for a target, and gives the number of the question.
fn ask(wire: &Wire, atoms: &Atoms, window: Window, target: Atom) -> Outcome<SequenceNumber> {
    let asked = wire.x.convert_selection(window, atoms.clipboard, target, atoms.inbox, CURRENT_TIME)?;
    Ok(asked.sequence_number())
}

/// Takes what is in the window. If it is no more than fits, it is deleted there, which is the sign for the owner to go
/// on.
fn fetch(wire: &Wire, atoms: &Atoms, window: Window) -> Outcome<GetPropertyReply> {
    Ok(wire.x.get_property(true, window, atoms.inbox, AtomEnum::ANY, 0, MOST_UNITS)?.reply()?)
}

/// The names of targets, those left out that the server does not know.
fn names(wire: &Wire, targets: &[Atom]) -> Outcome<Vec<(Atom, String)>> {
    let mut asked = Vec::new();
    for target in targets {
        asked.push((*target, wire.x.get_atom_name(*target)?));
    }
    let mut names = Vec::new();
    for (target, reply) in asked {
        match reply.reply().map_err(Fault::from) {
            Ok(reply) => names.push((target, String::from_utf8_lossy(&reply.name).into_owned())),
            Err(Fault::Refused(_)) => {}
            Err(fault) => return Err(fault),
        }
    }
    Ok(names)
}

fn said(atoms: &Atoms, kind: Atom) -> Said {
    if kind == atoms.utf8 {
        Said::Utf8
    } else if kind == Atom::from(AtomEnum::STRING) {
        Said::Latin1
    } else {
        Said::Other
    }
}

fn too_large() -> Error {
    Error::new(
        ErrorCode::LimitExceeded,
        format!("the clipboard holds more than the {MAX_BYTES} bytes that one call carries; copy less, or use a file"),
    )
}

fn no_answer(is_silent: bool) -> Error {
    let text = if is_silent {
        "the program that owns the clipboard does not answer; wait until it does, or copy something in another program"
    } else {
        "the program that owns the clipboard has not given all of it within 30 s; copy less, or use a file"
    };
    Error::new(ErrorCode::Timeout, text)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;
    use crate::clock;

    #[test]
    fn a_reading_that_begins_anew_has_no_more_time() {
        let now = clock::monotonic();
        let read = |limit| Read::new(1, Reader::Call(channel().0), 0, limit, now);
        assert_eq!(read(None).limit, now + WHOLE);
        assert_eq!(read(None).deadline(), now + ANSWER);
        let left = now + Duration::from_millis(1);
        assert_eq!((read(Some(left)).limit, read(Some(left)).deadline()), (left, left));
    }
}
