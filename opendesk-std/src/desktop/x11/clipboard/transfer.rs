//! What we give to other programs: whole if it is small, else piece by piece (`INCR`), each when the one before was
//! taken.

use core::time::Duration;
use std::sync::Arc;
use std::time::Instant;

use x11rb::connection::{Connection as _, RequestConnection as _};
use x11rb::protocol::xproto::{
    Atom, ChangeWindowAttributesAux, ConnectionExt as _, EventMask, PropMode, PropertyNotifyEvent, Window,
};
use x11rb::wrapper::ConnectionExt as _;

use super::super::connection::{Outcome, Wire};
use super::atoms::Atoms;

/// The most bytes that are put into another program's window at once. The server holds them in memory; more at a time
/// are not taken any faster.
const PIECE: usize = 256 * 1024;

/// What a request has around its data, with room to spare.
const AROUND: usize = 256;

/// The most transfers at a time. More of them are refused: no desktop has so many programs that paste at once.
const MOST: usize = 16;

/// How long a program may take to take a piece.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where something goes: the window, its property, and the type of the data.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) window: Window,
    pub(super) property: Atom,
    pub(super) kind: Atom,
}

/// The transfers in pieces that are under way.
pub(super) struct Transfers {
    list: Vec<Transfer>,
    piece: usize,
}

struct Transfer {
    to: Place,
    data: Arc<Vec<u8>>,
    sent: usize,
    deadline: Instant,
}

impl Transfers {
    pub(super) fn new(wire: &Wire) -> Self {
        let piece = wire.x.maximum_request_bytes().saturating_sub(AROUND).clamp(AROUND, PIECE);
        Self { list: Vec::new(), piece }
    }

    /// Gives `data`, or begins to; `false` when there are too many transfers already.
    pub(super) fn give(
        &mut self,
        wire: &Wire,
        atoms: &Atoms,
        to: Place,
        data: Arc<Vec<u8>>,
        now: Instant,
    ) -> Outcome<bool> {
        // A program that asks again for the same place has forgotten the first time.
        self.list.retain(|transfer| !transfer.goes_to(to.window, to.property));
        if data.len() <= self.piece {
            wire.x.change_property8(PropMode::REPLACE, to.window, to.property, to.kind, &data)?;
            return Ok(true);
        }
        if self.list.len() >= MOST {
            return Ok(false);
        }
        listen(wire, to.window, EventMask::PROPERTY_CHANGE | EventMask::STRUCTURE_NOTIFY)?;
        let length = u32::try_from(data.len()).unwrap_or(u32::MAX);
        wire.x.change_property32(PropMode::REPLACE, to.window, to.property, atoms.increments, &[length])?;
        self.list.push(Transfer { to, data, sent: 0, deadline: now + PATIENCE });
        Ok(true)
    }

    /// A program has taken what was in a property of its window: the next piece, if it is one of these. A piece of no
    /// bytes is the end.
    pub(super) fn taken(&mut self, wire: &Wire, event: &PropertyNotifyEvent, now: Instant) -> Outcome<()> {
        let Some(index) = self.list.iter().position(|transfer| transfer.goes_to(event.window, event.atom)) else {
            return Ok(());
        };
        let transfer = &mut self.list[index];
        transfer.deadline = now + PATIENCE;
        let to = transfer.to;
        let piece = transfer.next(self.piece);
        wire.x.change_property8(PropMode::REPLACE, to.window, to.property, to.kind, piece)?;
        if piece.is_empty() {
            self.list.swap_remove(index);
            self.leave(wire, to.window)?;
        }
        Ok(())
    }

    /// A window is gone.
    pub(super) fn forget(&mut self, window: Window) {
        self.list.retain(|transfer| transfer.to.window != window);
    }

    /// Drops the transfers whose programs take nothing any more.
    pub(super) fn expire(&mut self, wire: &Wire, now: Instant) -> Outcome<()> {
        while let Some(index) = self.list.iter().position(|transfer| transfer.deadline <= now) {
            let transfer = self.list.swap_remove(index);
            self.leave(wire, transfer.to.window)?;
        }
        Ok(())
    }

    /// When [`expire`](Self::expire) has to be called.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.list.iter().map(|transfer| transfer.deadline).min()
    }

    /// Listens no more to a window to which nothing goes.
    fn leave(&self, wire: &Wire, window: Window) -> Outcome<()> {
        if self.list.iter().any(|transfer| transfer.to.window == window) {
            return Ok(());
        }
        listen(wire, window, EventMask::NO_EVENT)
    }
}

impl Transfer {
    fn goes_to(&self, window: Window, property: Atom) -> bool {
        (self.to.window, self.to.property) == (window, property)
    }

    fn next(&mut self, most: usize) -> &[u8] {
        let start = self.sent;
        self.sent = self.data.len().min(start + most);
        &self.data[start..self.sent]
    }
}

/// Chooses what we are told of another program's window. Our own windows listen to what they need, always.
fn listen(wire: &Wire, window: Window, events: EventMask) -> Outcome<()> {
    let setup = wire.x.setup();
    if window & !setup.resource_id_mask != setup.resource_id_base {
        wire.x.change_window_attributes(window, &ChangeWindowAttributesAux::new().event_mask(events))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    #[test]
    fn the_pieces_are_the_whole_and_the_last_one_is_empty() {
        for length in [0, 1, 9, 10, 11, 20, 25] {
            let data: Vec<u8> = (0..length).collect();
            let to = Place { window: 1, property: 2, kind: 3 };
            let mut transfer = Transfer { to, data: Arc::new(data.clone()), sent: 0, deadline: clock::monotonic() };
            let mut whole = Vec::new();
            loop {
                let piece = transfer.next(10);
                assert!(piece.len() <= 10);
                if piece.is_empty() {
                    break;
                }
                whole.extend_from_slice(piece);
            }
            assert_eq!(whole, data);
            assert!(transfer.next(10).is_empty(), "the end stays the end");
        }
    }
}
