//! The thread's work: it hears the server and the callers, and waits for both at once.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use x11rb::connection::{Connection as _, SequenceNumber};
use x11rb::protocol::xfixes::{self, ConnectionExt as _, SelectionEventMask};
use x11rb::protocol::xproto::{
    Atom, AtomEnum, ConnectionExt as _, CreateWindowAux, EventMask, PropMode, Property, PropertyNotifyEvent, Timestamp,
    Window, WindowClass,
};
use x11rb::protocol::{ErrorKind, Event};
use x11rb::wrapper::ConnectionExt as _;
use x11rb::{CURRENT_TIME, NONE};

use super::super::connection::{Fault, Outcome, Wire};
use super::atoms::Atoms;
use super::live::{Bell, Command};
use super::offer::Offer;
use super::read::{Read, Reader};
use super::save::Keeper;
use super::transfer::Transfers;
use crate::api::{Effect, Error, Result};
use crate::clock;

/// The most events that are handled before the callers are heard again.
const ROUND: usize = 64;

/// Everything that belongs to one connection.
pub(super) struct Service {
    pub(super) wire: Wire,
    pub(super) atoms: Atoms,
    /// What owns the selections.
    pub(super) window: Window,
    commands: Receiver<Command>,
    bell: Arc<Bell>,
    /// Events that came while an answer was awaited, with the numbers of the requests before them.
    backlog: VecDeque<(Event, SequenceNumber)>,
    /// What is on the clipboard while it is ours.
    pub(super) held: Option<Held>,
    pub(super) transfers: Transfers,
    pub(super) reads: Vec<Read>,
    /// Windows of readings that have ended.
    pub(super) windows: Vec<Window>,
    pub(super) keeper: Keeper,
    ending: Ending,
}

/// What we own.
pub(super) struct Held {
    pub(super) offer: Offer,
    /// Since when.
    pub(super) time: Timestamp,
    pub(super) targets: Vec<HeldTarget>,
}

/// What a program gets that asks for `name`.
pub(super) struct HeldTarget {
    pub(super) name: Atom,
    pub(super) kind: Atom,
    pub(super) data: Arc<Vec<u8>>,
}

/// How far the end is.
enum Ending {
    No,
    /// Another program takes what we hold, for at most so long.
    HandingOver(Instant),
    Over,
}

impl Service {
    pub(super) fn start(wire: Wire, commands: Receiver<Command>, bell: Arc<Bell>) -> Outcome<Self> {
        let atoms = Atoms::intern(&wire)?;
        let window = create_window(&wire)?;
        if wire.has(xfixes::X11_EXTENSION_NAME)? {
            wire.x.xfixes_query_version(5, 0)?.reply()?;
            let changes = SelectionEventMask::SET_SELECTION_OWNER
                | SelectionEventMask::SELECTION_WINDOW_DESTROY
                | SelectionEventMask::SELECTION_CLIENT_CLOSE;
            wire.x.xfixes_select_selection_input(window, atoms.clipboard, changes)?.check()?;
        }
        let transfers = Transfers::new(&wire);
        Ok(Self {
            wire,
            atoms,
            window,
            commands,
            bell,
            backlog: VecDeque::new(),
            held: None,
            transfers,
            reads: Vec::new(),
            windows: Vec::new(),
            keeper: Keeper::default(),
            ending: Ending::No,
        })
    }

    /// Serves until it is told to end, or the X server is gone.
    pub(super) fn run(&mut self) -> Outcome<()> {
        loop {
            self.bell.hush();
            while let Some(command) = self.next_command() {
                settle(self.obey(command))?.ok();
            }
            let now = clock::monotonic();
            self.transfers.expire(&self.wire, now)?;
            settle(self.expire_reads(now))?.ok();
            if self.is_over(now) {
                self.wire.x.flush()?;
                return Ok(());
            }
            self.wire.x.flush()?;
            // Events that were read while something was written wake no poll: all of them have to be taken first.
            if !self.hear()? {
                self.wait(now)?;
            }
        }
    }

    fn next_command(&self) -> Option<Command> {
        match self.commands.try_recv() {
            Ok(command) => Some(command),
            Err(TryRecvError::Empty) => None,
            // Nobody is left who could say it.
            Err(TryRecvError::Disconnected) => matches!(self.ending, Ending::No).then_some(Command::End),
        }
    }

    fn obey(&mut self, command: Command) -> Outcome<()> {
        match command {
            Command::Read(told) => {
                settle(self.become_keeper())?.ok();
                self.read(Reader::Call(told), 0, None)
            }
            Command::Write(offer, told) => {
                settle(self.become_keeper())?.ok();
                let written = settle(self.write(offer))?;
                // Who asked may have ended meanwhile.
                let _heard = told.send(written).is_ok();
                Ok(())
            }
            Command::Kept(told) => {
                let kept = self.held.as_ref().map(|held| held.offer.contents());
                let _heard = told.send(Ok(kept)).is_ok();
                Ok(())
            }
            Command::End => {
                let begun = self.hand_over()?;
                self.ending = begun.map_or(Ending::Over, Ending::HandingOver);
                Ok(())
            }
        }
    }

    /// What was handed over has been taken, or refused.
    pub(super) fn end(&mut self) {
        if matches!(self.ending, Ending::HandingOver(_)) {
            self.ending = Ending::Over;
        }
    }

    fn is_over(&self, now: Instant) -> bool {
        match self.ending {
            Ending::No => false,
            Ending::HandingOver(limit) => limit <= now,
            Ending::Over => true,
        }
    }

    /// Handles what the server has told, and says whether there was anything.
    fn hear(&mut self) -> Outcome<bool> {
        for round in 0..ROUND {
            let Some((event, number)) = self.next_event()? else {
                return Ok(round > 0);
            };
            // What another program asked for and the server refuses is that program's loss.
            settle(self.handle(&event, number))?.ok();
        }
        Ok(true)
    }

    fn next_event(&mut self) -> Outcome<Option<(Event, SequenceNumber)>> {
        match self.backlog.pop_front() {
            Some(event) => Ok(Some(event)),
            None => Ok(self.wire.x.poll_for_event_with_sequence()?),
        }
    }

    fn handle(&mut self, event: &Event, number: SequenceNumber) -> Outcome<()> {
        match event {
            Event::SelectionRequest(request) => self.answer(request),
            Event::SelectionClear(clear) => self.check_ownership(clear.selection),
            Event::SelectionNotify(notify) if notify.requestor == self.window => {
                if notify.selection == self.atoms.keeper {
                    self.end();
                }
                Ok(())
            }
            Event::SelectionNotify(notify) => self.read_answered(notify),
            Event::PropertyNotify(change) if change.state == Property::DELETE => {
                self.transfers.taken(&self.wire, change, clock::monotonic())
            }
            Event::PropertyNotify(change) if change.atom == self.atoms.inbox => self.read_changed(change.window),
            Event::XfixesSelectionNotify(_) => self.owner_changed(number),
            Event::DestroyNotify(gone) => {
                self.transfers.forget(gone.window);
                Ok(())
            }
            Event::Error(error) => {
                if error.error_kind == ErrorKind::Window {
                    self.transfers.forget(error.bad_value);
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Waits for the server, a caller, or the next deadline.
    fn wait(&self, now: Instant) -> Outcome<()> {
        let handing_over = if let Ending::HandingOver(limit) = self.ending { Some(limit) } else { None };
        let reads = self.reads.iter().map(Read::deadline).min();
        let next = [self.transfers.deadline(), reads, handing_over].into_iter().flatten().min();
        let pause = next.and_then(|next| Timespec::try_from(next.saturating_duration_since(now)).ok());
        let stream = self.wire.x.stream();
        let mut sources = [PollFd::new(stream, PollFlags::IN), PollFd::new(self.bell.descriptor(), PollFlags::IN)];
        match poll(&mut sources, pause.as_ref()) {
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(error) => Err(Fault::Gone(error.to_string())),
        }
    }

    /// Takes the clipboard with this on it, or empties it.
    pub(super) fn write(&mut self, offer: Offer) -> Outcome<Effect> {
        let time = self.server_time()?;
        let held = if offer.is_empty() { None } else { Some(self.hold(offer, time)?) };
        let owner = if held.is_some() { self.window } else { NONE };
        self.wire.x.set_selection_owner(owner, self.atoms.clipboard, time)?;
        if self.owner(self.atoms.clipboard)? == owner {
            self.held = held;
            Ok(Effect::Confirmed)
        } else {
            Ok(Effect::NoEffect)
        }
    }

    fn hold(&self, offer: Offer, time: Timestamp) -> Outcome<Held> {
        let atom = |name: &str| -> Outcome<Atom> { Ok(self.wire.x.intern_atom(false, name.as_bytes())?.reply()?.atom) };
        let mut targets = Vec::new();
        for target in offer.targets() {
            targets.push(HeldTarget { name: atom(target.name)?, kind: atom(target.kind)?, data: target.data });
        }
        Ok(Held { offer, time, targets })
    }

    pub(super) fn owner(&self, selection: Atom) -> Outcome<Window> {
        Ok(self.wire.x.get_selection_owner(selection)?.reply()?.owner)
    }

    /// A selection was taken from us, or so it is said: we may have taken it back since.
    fn check_ownership(&mut self, selection: Atom) -> Outcome<()> {
        if self.owner(selection)? == self.window {
            return Ok(());
        }
        if selection == self.atoms.clipboard {
            self.held = None;
        } else if selection == self.atoms.keeper {
            self.keeper.is_ours = false;
        }
        Ok(())
    }

    /// The server's time, which it tells with the event of a property that changes.
    pub(super) fn server_time(&mut self) -> Outcome<Timestamp> {
        let (x, clock) = (&self.wire.x, self.atoms.clock);
        let asked = x.change_property8(PropMode::APPEND, self.window, clock, AtomEnum::STRING, &[])?.sequence_number();
        x.sync()?;
        // The event came before the answer to the last question. What comes after it can wait, and may never end.
        while let Some((event, number)) = self.wire.x.poll_for_event_with_sequence()? {
            if let Event::PropertyNotify(change) = &event
                && is_told(change, self.window, clock)
                && number >= asked
            {
                return Ok(change.time);
            }
            self.backlog.push_back((event, number));
        }
        Ok(CURRENT_TIME)
    }
}

/// Whether the server itself tells that a window's property has changed: programs can send each other anything.
fn is_told(change: &PropertyNotifyEvent, window: Window, atom: Atom) -> bool {
    const SENT: u8 = 0x80;
    change.response_type & SENT == 0 && (change.window, change.atom) == (window, atom)
}

/// A window that nobody sees and that hears of its properties.
pub(super) fn create_window(wire: &Wire) -> Outcome<Window> {
    let window = wire.x.generate_id()?;
    let events = CreateWindowAux::new().event_mask(EventMask::PROPERTY_CHANGE);
    wire.x.create_window(0, window, wire.root(), -1, -1, 1, 1, 0, WindowClass::INPUT_ONLY, 0, &events)?.check()?;
    Ok(window)
}

/// Makes of an outcome what a caller is told. Only a lost connection stays a fault.
pub(super) fn settle<T>(outcome: Outcome<T>) -> Outcome<Result<T>> {
    match outcome {
        Ok(done) => Ok(Ok(done)),
        Err(Fault::Call(error)) => Ok(Err(error)),
        Err(Fault::Refused(error)) => {
            let (request, kind) = (error.request_name.unwrap_or("a request"), error.error_kind);
            Ok(Err(Error::internal(format!("the X server refused {request} for the clipboard ({kind:?})"))))
        }
        Err(fault) => Err(fault),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_server_tells_the_time() {
        let change = PropertyNotifyEvent { response_type: 28, window: 1, atom: 2, ..Default::default() };
        assert!(is_told(&change, 1, 2));
        assert!(!is_told(&change, 1, 3) && !is_told(&change, 3, 2));
        let sent = PropertyNotifyEvent { response_type: 28 | 0x80, ..change };
        assert!(!is_told(&sent, 1, 2));
    }
}
