//! The names that programs talk about selections in.

use x11rb::protocol::xproto::{Atom, ConnectionExt as _};

use super::super::connection::{Outcome, Wire};

/// As one server numbers them.
#[derive(Debug)]
pub(super) struct Atoms {
    pub(super) clipboard: Atom,
    /// The selection of the program that keeps what others leave on the clipboard.
    pub(super) keeper: Atom,
    /// The message that tells of a new owner of such a selection.
    pub(super) announcement: Atom,
    pub(super) targets: Atom,
    pub(super) timestamp: Atom,
    pub(super) multiple: Atom,
    pub(super) pair: Atom,
    pub(super) save: Atom,
    pub(super) increments: Atom,
    pub(super) nothing: Atom,
    pub(super) utf8: Atom,
    /// The property of our windows that answers come in.
    pub(super) inbox: Atom,
    /// The property of our window that is touched to learn the server's time.
    pub(super) clock: Atom,
}

impl Atoms {
    pub(super) fn intern(wire: &Wire) -> Outcome<Self> {
        let atom = |name: &str| -> Outcome<Atom> { Ok(wire.x.intern_atom(false, name.as_bytes())?.reply()?.atom) };
        Ok(Self {
            clipboard: atom("CLIPBOARD")?,
            keeper: atom("CLIPBOARD_MANAGER")?,
            announcement: atom("MANAGER")?,
            targets: atom("TARGETS")?,
            timestamp: atom("TIMESTAMP")?,
            multiple: atom("MULTIPLE")?,
            pair: atom("ATOM_PAIR")?,
            save: atom("SAVE_TARGETS")?,
            increments: atom("INCR")?,
            nothing: atom("NULL")?,
            utf8: atom("UTF8_STRING")?,
            inbox: atom("OPENDESK_CLIPBOARD")?,
            clock: atom("OPENDESK_TIME")?,
        })
    }
}
