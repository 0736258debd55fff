//! What a host's program says to its controller: responses, items of streams, pushes.

use super::Host;
use super::link::{Answer, Call, Phase};
use crate::crypto::keys::PublicKey;
use crate::id::{LinkId, OperationId, RequestId};
use crate::limits::{ANSWER_BYTES, BODY_BYTES, CHUNK_BYTES};
use crate::reason::Misuse;
use crate::session::{Item, Outcome};

impl<const N: usize> Host<N> {
    /// Answers a request. Its body has `total` bytes.
    ///
    /// # Errors
    /// [`Misuse::NoSuchLink`] or [`Misuse::NoSuchCall`] when the session or the call has ended meanwhile, which is
    /// no fault: drop the result. [`Misuse::BodyTooLarge`] and [`Misuse::TooManyAnswers`] leave the call running: answer
    /// with an error.
    pub fn respond(&mut self, id: LinkId, call: RequestId, outcome: Outcome, total: usize) -> Result<(), Misuse> {
        let link = self.links.get_mut(id).ok_or(Misuse::NoSuchLink)?;
        let (Phase::Open, Some(session)) = (&link.phase, &mut link.session) else { return Err(Misuse::NoSuchLink) };
        if total > BODY_BYTES {
            return Err(Misuse::BodyTooLarge);
        }
        if total > CHUNK_BYTES && session.outbox.large_bytes() + total > ANSWER_BYTES {
            return Err(Misuse::TooManyAnswers);
        }
        let ended = self.calls.end_complete(call).ok_or(Misuse::NoSuchCall)?;
        if let Some(peer) = link.peer {
            self.operations.finish(peer, ended.operation, outcome);
        }
        // Every running call keeps a place: requests are not read while the outbox is full.
        let _never_full = session.outbox.add(Item::new(Answer::response(call, outcome), total as u32));
        Ok(())
    }

    /// Sends the next item of the stream of a call: `total` bytes, asked for as [`BodyId::Item`](crate::BodyId::Item). The call goes on until
    /// [`Host::respond`], whose response follows the item.
    ///
    /// # Errors
    /// As [`Host::respond`], and [`Misuse::NotReady`] without credit or while the last item is on its way: what a stream
    /// does then, to keep or to leave out, is the business of its program.
    pub fn send_item(&mut self, id: LinkId, call: RequestId, total: usize) -> Result<(), Misuse> {
        let link = self.links.get_mut(id).ok_or(Misuse::NoSuchLink)?;
        let (Phase::Open, Some(session)) = (&link.phase, &mut link.session) else { return Err(Misuse::NoSuchLink) };
        if total > BODY_BYTES {
            return Err(Misuse::BodyTooLarge);
        }
        let running = self.calls.get_mut(call.0).ok_or(Misuse::NoSuchCall)?;
        if !running.is_stream_ready() {
            return Err(Misuse::NotReady);
        }
        if !running.unmetered {
            running.credit.spend(total as u32);
        }
        running.sending = true;
        let _never_full = session.outbox.add(Item::new(Answer::item(call), total as u32));
        Ok(())
    }

    /// Whether the stream of a call may send its next item now.
    #[must_use]
    pub fn is_stream_ready(&self, id: LinkId, call: RequestId) -> bool {
        let drives = self.arbiter.holder().is_some_and(|(link, _, _)| link == id);
        drives && self.calls.get(call.0).is_some_and(Call::is_stream_ready)
    }

    /// Tells the controller something that it did not ask for, in at most [`CHUNK_BYTES`].
    ///
    /// # Errors
    /// [`Misuse::NotOpen`] without a session, [`Misuse::BodyTooLarge`], or [`Misuse::TooManyCalls`] while 8 pushes
    /// wait to be sent.
    pub fn push(&mut self, id: LinkId, topic: u16, total: usize) -> Result<(), Misuse> {
        let link = self.links.get_mut(id).ok_or(Misuse::NoSuchLink)?;
        let (Phase::Open, Some(session)) = (&link.phase, &mut link.session) else { return Err(Misuse::NotOpen) };
        if total > CHUNK_BYTES {
            return Err(Misuse::BodyTooLarge);
        }
        if session.outbox.push(topic, total as u32) { Ok(()) } else { Err(Misuse::TooManyCalls) }
    }

    /// What came of an operation whose call ended before it did, because it was cancelled or its session ended: nothing
    /// is sent, but whoever asks for it again gets this outcome.
    pub fn settle(&mut self, peer: PublicKey, operation: OperationId, outcome: Outcome) {
        self.operations.finish(peer, operation, outcome);
    }
}
