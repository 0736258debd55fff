//! Answers to programs that ask for what we own.

use x11rb::NONE;
use x11rb::protocol::xproto::{
    Atom, AtomEnum, ConnectionExt as _, EventMask, PropMode, SELECTION_NOTIFY_EVENT, SelectionNotifyEvent,
    SelectionRequestEvent, Window,
};
use x11rb::wrapper::ConnectionExt as _;

use super::super::connection::Outcome;
use super::service::Service;
use super::transfer::Place;
use crate::clock;

/// The most targets that one question may ask for.
const MAX_PAIRS: u32 = 64;

impl Service {
    pub(super) fn answer(&mut self, request: &SelectionRequestEvent) -> Outcome<()> {
        let request = SelectionRequestEvent { property: place_of(request), ..*request };
        if request.selection == self.atoms.keeper {
            return self.answer_as_keeper(&request);
        }
        let (window, property) = (request.requestor, request.property);
        let given = if request.selection != self.atoms.clipboard {
            Ok(false)
        } else if request.target == self.atoms.multiple {
            self.give_several(window, property)
        } else {
            self.give(window, request.target, property)
        };
        // Whoever asked waits for the answer, whatever it is.
        self.tell(&request, matches!(given, Ok(true)))?;
        given.map(drop)
    }

    /// Tells a program that what it asked for is in its window, or that there is no such thing.
    pub(super) fn tell(&self, request: &SelectionRequestEvent, is_given: bool) -> Outcome<()> {
        let event = SelectionNotifyEvent {
            response_type: SELECTION_NOTIFY_EVENT,
            sequence: 0,
            time: request.time,
            requestor: request.requestor,
            selection: request.selection,
            target: request.target,
            property: if is_given { request.property } else { NONE },
        };
        self.wire.x.send_event(false, request.requestor, EventMask::NO_EVENT, event)?;
        Ok(())
    }

    /// Puts one target of the clipboard into a property of a window, or begins to.
    fn give(&mut self, window: Window, target: Atom, property: Atom) -> Outcome<bool> {
        let (x, atoms) = (&self.wire.x, &self.atoms);
        let Some(held) = &self.held else {
            return Ok(false);
        };
        if target == atoms.targets {
            let known = [atoms.targets, atoms.timestamp, atoms.multiple, atoms.save];
            let names: Vec<Atom> = known.into_iter().chain(held.targets.iter().map(|target| target.name)).collect();
            x.change_property32(PropMode::REPLACE, window, property, AtomEnum::ATOM, &names)?;
            return Ok(true);
        }
        if target == atoms.timestamp {
            x.change_property32(PropMode::REPLACE, window, property, AtomEnum::INTEGER, &[held.time])?;
            return Ok(true);
        }
        if target == atoms.save {
            // That it is among the targets is all that it is for: a sign that the content is worth keeping.
            x.change_property32(PropMode::REPLACE, window, property, atoms.nothing, &[])?;
            return Ok(true);
        }
        let Some(found) = held.targets.iter().find(|held| held.name == target) else {
            return Ok(false);
        };
        let to = Place { window, property, kind: found.kind };
        let data = found.data.clone();
        self.transfers.give(&self.wire, &self.atoms, to, data, clock::monotonic())
    }

    /// Several at once: the property has pairs of targets and properties, and those are marked that are not given.
    fn give_several(&mut self, window: Window, property: Atom) -> Outcome<bool> {
        let asked = self.wire.x.get_property(false, window, property, AtomEnum::ANY, 0, 2 * MAX_PAIRS)?.reply()?;
        let Some(mut pairs) = asked.value32().map(Iterator::collect::<Vec<Atom>>) else {
            return Ok(false);
        };
        if asked.bytes_after > 0 {
            return Ok(false);
        }
        for pair in pairs.as_chunks_mut::<2>().0 {
            let [target, place] = *pair;
            if place == NONE || target == self.atoms.multiple || !self.give(window, target, place)? {
                pair[1] = NONE;
            }
        }
        self.wire.x.change_property32(PropMode::REPLACE, window, property, self.atoms.pair, &pairs)?;
        Ok(true)
    }
}

/// Old programs name no property and mean the one that is called like the target.
fn place_of(request: &SelectionRequestEvent) -> Atom {
    if request.property == NONE { request.target } else { request.property }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_without_a_property_means_the_target() {
        let request = |property| SelectionRequestEvent { target: 7, property, ..SelectionRequestEvent::default() };
        assert_eq!((place_of(&request(NONE)), place_of(&request(9))), (7, 9));
    }
}
