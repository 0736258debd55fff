//! Content that outlives its program: `CLIPBOARD_MANAGER`, the selection whose owner takes over what programs leave on
//! the clipboard when they end. We are that owner where no other is, and its customer where one is.

use core::time::Duration;
use std::time::Instant;

use x11rb::NONE;
use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{
    Atom, AtomEnum, ClientMessageEvent, ConnectionExt as _, EventMask, PropMode, SelectionRequestEvent, Window,
};
use x11rb::wrapper::ConnectionExt as _;

use super::super::connection::Outcome;
use super::offer::Offer;
use super::read::Reader;
use super::service::Service;
use crate::api::{ClipboardContents, Effect, Result};
use crate::clock;

/// How long another program may take to take over what we hold when we end.
const FAREWELL: Duration = Duration::from_millis(500);

/// The most targets that a program names that asks for its content to be kept.
const MAX_TARGETS: u32 = 256;

/// Whether we keep what others leave.
#[derive(Default)]
pub(super) struct Keeper {
    /// Whether it was found out who does.
    asked: bool,
    pub(super) is_ours: bool,
}

impl Service {
    /// Begins to keep what others leave, if nobody does. That is found out when the clipboard is first used, not
    /// when a session begins: there, the desktop's own program for this comes up too, and it must be first.
    pub(super) fn become_keeper(&mut self) -> Outcome<()> {
        if self.keeper.asked {
            return Ok(());
        }
        self.keeper.asked = true;
        let selection = self.atoms.keeper;
        if self.owner(selection)? != NONE {
            return Ok(());
        }
        let time = self.server_time()?;
        self.wire.x.set_selection_owner(self.window, selection, time)?;
        self.keeper.is_ours = self.owner(selection)? == self.window;
        if self.keeper.is_ours {
            let (root, announcement) = (self.wire.root(), self.atoms.announcement);
            let message = ClientMessageEvent::new(32, root, announcement, [time, selection, self.window, 0, 0]);
            self.wire.x.send_event(false, root, EventMask::STRUCTURE_NOTIFY, message)?;
        }
        Ok(())
    }

    /// Answers what is asked of the one who keeps.
    pub(super) fn answer_as_keeper(&mut self, request: &SelectionRequestEvent) -> Outcome<()> {
        let (x, atoms) = (&self.wire.x, &self.atoms);
        if request.target == atoms.targets {
            let names = [atoms.targets, atoms.save];
            x.change_property32(PropMode::REPLACE, request.requestor, request.property, AtomEnum::ATOM, &names)?;
            return self.tell(request, true);
        }
        let is_saving = self.reads.iter().any(|read| matches!(read.reader, Some(Reader::Save(_))));
        if request.target != atoms.save || !self.keeper.is_ours || is_saving {
            return self.tell(request, false);
        }
        let clipboard = self.owner(atoms.clipboard)?;
        if clipboard == NONE || clipboard == self.window {
            // Nothing to keep, or it is kept already.
            return self.finish_save(request, Ok(ClipboardContents::default()));
        }
        // Others have nothing to leave, and could have us read what is not theirs and own it.
        if !is_one_program(request.requestor, clipboard, x.setup().resource_id_mask) {
            return self.tell(request, false);
        }
        let asked = x.get_property(false, request.requestor, request.property, AtomEnum::ATOM, 0, MAX_TARGETS)?;
        let targets: Vec<Atom> = asked.reply()?.value32().map(Iterator::collect).unwrap_or_default();
        self.begin_save(request, &targets)
    }

    /// Owns what was read of a program that is about to end, and tells it that it may.
    pub(super) fn finish_save(
        &mut self,
        request: &SelectionRequestEvent,
        result: Result<ClipboardContents>,
    ) -> Outcome<()> {
        let kept = match result {
            Ok(contents) if contents.entries.is_empty() => true,
            Ok(contents) => self.write(Offer::taken(contents))? == Effect::Confirmed,
            Err(_) => false,
        };
        if kept {
            let (window, property) = (request.requestor, request.property);
            self.wire.x.change_property32(PropMode::REPLACE, window, property, self.atoms.nothing, &[])?;
        }
        self.tell(request, kept)
    }

    /// Asks the one who keeps to take over what we hold. `None` when there is nothing to hand over or nobody to take
    /// it; else when to wait no longer.
    pub(super) fn hand_over(&self) -> Outcome<Option<Instant>> {
        let (x, atoms) = (&self.wire.x, &self.atoms);
        let Some(held) = &self.held else {
            return Ok(None);
        };
        if [NONE, self.window].contains(&self.owner(atoms.keeper)?) {
            return Ok(None);
        }
        let names: Vec<Atom> = held.targets.iter().map(|target| target.name).collect();
        x.change_property32(PropMode::REPLACE, self.window, atoms.inbox, AtomEnum::ATOM, &names)?;
        x.convert_selection(self.window, atoms.keeper, atoms.save, atoms.inbox, held.time)?;
        Ok(Some(clock::monotonic() + FAREWELL))
    }
}

/// Whether two windows were made by one program; `own_part` are the bits that tell a program's things from each other.
const fn is_one_program(one: Window, other: Window, own_part: u32) -> bool {
    one & !own_part == other & !own_part
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_of_one_program_have_its_number() {
        let own_part = 0x1f_ffff;
        assert!(is_one_program(0x40_0001, 0x40_0001, own_part));
        assert!(is_one_program(0x40_0001, 0x5f_ffff, own_part));
        assert!(!is_one_program(0x40_0001, 0x60_0001, own_part));
    }
}
