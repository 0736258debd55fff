//! What is lent, noted at the server: a program that is killed gives nothing back, and the next one does so in its place.
//!
//! A property of the root window has five words for each keycode: a window of whoever lent it, a number that the same
//! property of that window has, the keycode and its two keysyms. A window goes with its program, and the server gives its
//! name to others.

use x11rb::connection::Connection as _;
use x11rb::errors::ReplyError;
use x11rb::protocol::xproto::{Atom, AtomEnum, ConnectionExt as _, CreateWindowAux, PropMode, Window, WindowClass};
use x11rb::wrapper::ConnectionExt as _;
use x11rb::{COPY_DEPTH_FROM_PARENT, COPY_FROM_PARENT};

use super::connection::{Outcome, Wire};
use super::lent::Loan;
use crate::clock;

const PROPERTY: &[u8] = b"_OPENDESK_LENT";

/// Those of a note.
const WORDS: usize = 5;

/// Far more than there are keycodes.
const MOST_WORDS: u32 = 4096;

/// The notes of one connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Notes {
    property: Atom,
    /// Stands for this connection.
    us: Owner,
}

/// Who lends: a window and its number.
type Owner = (Window, u32);

/// A keycode that is lent, and who lent it.
type Note = (Owner, Loan);

impl Notes {
    /// Begins to take notes, and gives what was lent by programs that are not there any more. From now on that is ours.
    pub(super) fn start(wire: &Wire) -> Outcome<(Self, Vec<Loan>)> {
        let property = wire.x.intern_atom(false, PROPERTY)?.reply()?.atom;
        let window = wire.x.generate_id()?;
        let (only_input, aux) = (WindowClass::INPUT_ONLY, CreateWindowAux::new());
        let depth = COPY_DEPTH_FROM_PARENT;
        wire.x.create_window(depth, window, wire.root(), -1, -1, 1, 1, 0, only_input, COPY_FROM_PARENT, &aux)?;
        let number = std::process::id().rotate_left(16) ^ (clock::epoch_seconds() * 1e6) as u64 as u32;
        wire.x.change_property32(PropMode::REPLACE, window, property, AtomEnum::CARDINAL, &[number])?;
        let notes = Self { property, us: (window, number) };
        let mut abandoned = Vec::new();
        let mut others = Vec::new();
        for (owner, loan) in notes.read(wire)? {
            if notes.is_there(wire, owner)? { others.push((owner, loan)) } else { abandoned.push(loan) }
        }
        if !abandoned.is_empty() {
            notes.put(wire, others, &abandoned)?;
        }
        Ok((notes, abandoned))
    }

    /// Notes what this connection has lent, instead of all that it had before.
    pub(super) fn write(&self, wire: &Wire, loans: &[Loan]) -> Outcome<()> {
        let others = self.read(wire)?.into_iter().filter(|(owner, _)| *owner != self.us).collect();
        self.put(wire, others, loans)
    }

    fn put(&self, wire: &Wire, others: Vec<Note>, loans: &[Loan]) -> Outcome<()> {
        let ours = loans.iter().map(|loan| (self.us, *loan));
        let words: Vec<u32> = others.into_iter().chain(ours).flat_map(words).collect();
        if words.is_empty() {
            wire.x.delete_property(wire.root(), self.property)?;
        } else {
            let kind = AtomEnum::CARDINAL;
            wire.x.change_property32(PropMode::REPLACE, wire.root(), self.property, kind, &words)?;
        }
        // Nothing may follow that does so.
        Ok(wire.x.flush()?)
    }

    fn is_there(&self, wire: &Wire, (window, number): Owner) -> Outcome<bool> {
        match wire.x.get_property(false, window, self.property, AtomEnum::CARDINAL, 0, 1)?.reply() {
            Ok(property) => Ok(property.value32().and_then(|mut words| words.next()) == Some(number)),
            Err(ReplyError::X11Error(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn read(&self, wire: &Wire) -> Outcome<Vec<Note>> {
        let asked = wire.x.get_property(false, wire.root(), self.property, AtomEnum::CARDINAL, 0, MOST_WORDS)?;
        let words: Vec<u32> = asked.reply()?.value32().into_iter().flatten().collect();
        Ok(notes(&words))
    }
}

fn words(((window, number), (keycode, [plain, shifted])): Note) -> [u32; WORDS] {
    [window, number, keycode.into(), plain, shifted]
}

/// Whatever somebody has written there: what is no note is passed over.
fn notes(words: &[u32]) -> Vec<Note> {
    let note = |words: &[u32]| match *words {
        [window, number, keycode, plain, shifted] => {
            Some(((window, number), (u8::try_from(keycode).ok()?, [plain, shifted])))
        }
        _ => None,
    };
    words.chunks_exact(WORDS).filter_map(note).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_read_as_they_are_written_and_nothing_else_is_one() {
        let written = [((7, 1), (248, [0x0100_4e16, 0x0100_754c])), ((9, 2), (8, [0x48, 0]))];
        let mut all: Vec<u32> = written.into_iter().flat_map(words).collect();
        assert_eq!(notes(&all), written);
        all.extend([7, 1, 256, 1, 1, 7, 1, 8, 9]);
        assert_eq!(notes(&all), written, "no keycode, and a part of a note");
        assert_eq!(notes(&[]), []);
    }
}
