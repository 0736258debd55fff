//! How links get the place, are refused, and end.

use super::link::{Pairing, Phase};
use super::{Claim, Event, GreetingVerdict, Host, PairingEnd};
use crate::id::LinkId;
use crate::limits::LINGER;
use crate::reason::Reason;
use crate::time::Instant;

impl<const N: usize> Host<N> {
    /// Gives the place to whoever waits for it, first come first.
    pub(super) fn admit(&mut self, now: Instant) {
        loop {
            let next = self
                .links
                .iter()
                .filter(|(_, link)| matches!(link.phase, Phase::Queued))
                .min_by_key(|(_, link)| link.ticket)
                .and_then(|(id, link)| Some((id, link.peer?)));
            let Some((id, peer)) = next else { return };
            match self.arbiter.claim(peer) {
                Claim::Wait => return,
                Claim::Granted => {
                    let granted = self.arbiter.grant(now, id, peer);
                    debug_assert!(granted, "claim and grant agree");
                    if let Some(link) = self.links.get_mut(id) {
                        link.phase = Phase::Open;
                        link.deadline = None;
                        link.greeting = Some(GreetingVerdict::Welcome);
                    }
                    let fresh = u64::from_le_bytes(self.random());
                    self.operations.enter(peer, fresh);
                    self.emit(Event::SessionOpened { link: id, peer });
                    self.emit(Event::GreetingDue { link: id, verdict: GreetingVerdict::Welcome });
                }
                Claim::Replaces(old) => self.end(now, old, Reason::REPLACED),
                Claim::Busy { holder, since } => self.refuse(now, id, GreetingVerdict::Busy { holder, since }),
            }
        }
    }

    /// A proved link gets a HELLO that says no, and some time to read it.
    pub(super) fn refuse(&mut self, now: Instant, id: LinkId, verdict: GreetingVerdict) {
        let Some(link) = self.links.get_mut(id) else { return };
        link.phase = Phase::Closing;
        link.deadline = Some(now.after(LINGER));
        link.greeting = Some(verdict);
        link.ended = verdict.reason().unwrap_or(Reason::DONE);
        if let Some(window) = &mut self.window {
            window.forget(id);
        }
        self.emit(Event::GreetingDue { link: id, verdict });
    }

    /// Begins the end of a link: the session's if it has one, and a word to the other side where there can be one.
    pub(super) fn end(&mut self, now: Instant, id: LinkId, reason: Reason) {
        let Some(link) = self.links.get_mut(id) else { return };
        if matches!(link.phase, Phase::Closing) {
            return;
        }
        let was_open = matches!(link.phase, Phase::Open);
        let guessed = match &link.phase {
            // Whoever has the answer to the first message can search the code; who does not go on did not know it.
            Phase::Pairing { pairing: Pairing::V1(_), window } if reason != Reason::NOT_PAIRING => Some(*window),
            Phase::Pairing { .. }
            | Phase::Waiting
            | Phase::Claimed { .. }
            | Phase::Keyed
            | Phase::Proved
            | Phase::Queued
            | Phase::Open
            | Phase::Closing => None,
        };
        // What the program has yet to decide about keeps its code.
        let is_undecided = matches!(link.phase, Phase::Proved);
        link.phase = Phase::Closing;
        link.deadline = Some(now.after(LINGER));
        link.ended = reason;
        link.greeting = None;
        let peer = link.peer;
        if let Some(session) = &mut link.session {
            session.outbox.close(reason);
        }
        if let (false, Some(window)) = (is_undecided, &mut self.window) {
            window.forget(id);
        }
        if let Some(number) = guessed {
            self.wrong_code(id, number);
        }
        if let (true, Some(peer)) = (was_open, peer) {
            let held = self.arbiter.leave(id);
            debug_assert!(held, "an open session holds the place");
            while let Some(call) = self.calls.end_next() {
                // Of the others the program tells what came of them.
                if call.missing() > 0 {
                    self.operations.forget(peer, call.operation);
                }
            }
            self.emit(Event::SessionEnded { link: id, peer, reason });
        }
    }

    /// A try at the window of this number has failed.
    pub(super) fn wrong_code(&mut self, link: LinkId, number: u32) -> u8 {
        let Some(window) = self.window.as_mut().filter(|window| window.number() == number) else { return 0 };
        let tries_left = window.wrong();
        self.emit(Event::WrongCode { link, tries_left });
        if tries_left == 0 {
            self.close_pairing(PairingEnd::WrongCodes);
        }
        tries_left
    }

    pub(super) fn retire(&mut self, id: LinkId) {
        if let Some(link) = self.links.remove(id) {
            self.emit(Event::LinkClosed { link: id, reason: link.ended });
        }
    }

    pub(super) fn close_pairing(&mut self, end: PairingEnd) {
        if self.window.take().is_some() {
            self.emit(Event::PairingEnded(end));
        }
    }
}
