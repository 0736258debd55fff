//! From a request's bytes to its answer.

use core::time::Duration;

use opendesk_core::{
    BodyId, GreetingVerdict, LinkId, OperationId, Outcome, Psk, PublicKey, RequestId, RequestPart, limits,
};

use super::driver::Server;
use super::link::{Arriving, Orphan, Running};
use super::owner::Showing;
use super::peers::Admitted;
use super::programs::Key;
use crate::api::{Call, Codec, CommandEnd, Error, ErrorCode, Kind, PointerAction, Result, capability};
use crate::desktop::{Freed, Glimpse, Watch};
use crate::govern::ask::Answer;
use crate::govern::{Word, is_of_a_command};
use crate::home::{Alone, HomeError, Identity, TrustedPeer};
use crate::runtime::Runtime;

/// Calls that may be with the desk: those in flight and as many that were cancelled.
pub(super) const MOST_CALLS: usize = 2 * limits::CALLS;

/// Bytes of parameters that may be with the desk.
const MOST_BYTES: usize = 2 * limits::PARAMETER_BYTES;

/// How long a session that has ended may still be at work.
const LETTING_GO: Duration = Duration::from_secs(2);

/// What requests carry that need not be remembered.
const NO_OPERATION: OperationId = [0; 16];

/// What was done elsewhere.
pub(super) enum Done {
    Call {
        link: LinkId,
        call: RequestId,
        bytes: usize,
        result: Result<Vec<u8>>,
    },
    Seen {
        link: LinkId,
        call: RequestId,
        watch: Watch,
        seen: Result<Glimpse>,
    },
    /// There may be something to see for a stream that fell asleep.
    Changed {
        link: LinkId,
        call: RequestId,
    },
    /// What a command has written for this stream, as its item, and whether that was the last.
    Output {
        link: LinkId,
        call: RequestId,
        body: Result<Vec<u8>>,
        ended: bool,
    },
    /// Nothing of a command runs any more; how it ended, if it had begun.
    CommandGone {
        key: Key,
        end: Option<CommandEnd>,
    },
    /// Whether the key that somebody says it has is trusted.
    LookedUp {
        link: LinkId,
        peer: PublicKey,
        is_known: bool,
    },
    /// What the desktop can do is as well known as it will be for this greeting.
    Probed {
        link: LinkId,
        verdict: GreetingVerdict,
    },
    /// A code is ready to be shown, with what it becomes in version 1 where it is for that too; or why it is not.
    Prepared {
        psk: core::result::Result<Option<Psk>, String>,
        showing: Showing,
    },
    Released {
        link: LinkId,
        result: Result<Freed>,
    },
    Trusted {
        link: LinkId,
        key: PublicKey,
        /// Of a pairing.
        words: Option<String>,
        result: Admitted,
    },
    /// Nothing is held down, so that this question can be put to the owner.
    HandsFree {
        number: u64,
        result: Result<Freed>,
    },
    /// Nobody else acts on the desktop, until this is dropped; or why that cannot be had.
    ScreenFree {
        number: u64,
        result: core::result::Result<Alone, String>,
        /// Whether somebody is there to be asked.
        is_at_hand: bool,
    },
    /// The owner has answered this question, or cannot.
    Decided {
        number: u64,
        answer: Answer,
    },
    /// A file of the home has changed.
    HomeChanged,
    /// The person at the machine has used its mouse or keyboard.
    PersonUsed,
    /// The time of the trust in some peers was over.
    Expired(core::result::Result<Vec<TrustedPeer>, HomeError>),
    /// The trust in a peer has ended, for a program that asked for it.
    Unpaired {
        program: u64,
        key: PublicKey,
        result: core::result::Result<Option<TrustedPeer>, HomeError>,
    },
    /// The keys of this machine were changed, for a program that asked for it.
    Rekeyed {
        program: u64,
        result: core::result::Result<(), HomeError>,
        identity: core::result::Result<Identity, HomeError>,
    },
}

/// The capability of the methods that version 1 has no words for. They could be written in it, but its readers drop items of streams that they
/// have no room for, and output with holes is worse than none.
const NOT_IN_VERSION_1: &str = "process.stream";

/// A method that gives items is another one than a method of that name that gives a result, where the controller says
/// which of the two it wants.
fn as_asked(call: Call, codec: Codec, stream: Option<bool>) -> Result<Call> {
    if codec == Codec::MessagePack && capability(call.method()) == NOT_IN_VERSION_1 {
        let text = format!("{} needs version 2 of the wire; use process.exec", call.method());
        return Err(Error::new(ErrorCode::CapabilityUnsupported, text));
    }
    let is_stream = call.kind() == Kind::Stream;
    match stream {
        Some(wanted) if wanted != is_stream => {
            let shape = if is_stream { "a stream" } else { "no stream" };
            let text = format!("{} is {shape}, and was not asked for as such", call.method());
            Err(Error::new(ErrorCode::CapabilityUnsupported, text))
        }
        _ => Ok(call),
    }
}

impl<R: Runtime> Server<R> {
    /// One part of a request's parameters, which are usually all of them.
    pub(super) fn request(&mut self, part: &RequestPart<'_>) {
        let Some(link) = self.links.get_mut(&part.link) else { return };
        if let Some(outcome) = part.repeats {
            if part.done {
                self.answer_again(part.link, part.call, part.operation, outcome);
            }
            return;
        }
        if part.operation != NO_OPERATION {
            link.operations.insert(part.call, part.operation);
        }
        if part.done && !link.arriving.contains_key(&part.call) {
            return self.carry_out(part.link, part.call, part.method, part.body, part.stream);
        }
        let arriving = link
            .arriving
            .entry(part.call)
            .or_insert_with(|| Arriving { method: part.method.to_owned(), params: Vec::with_capacity(part.total) });
        arriving.params.extend_from_slice(part.body);
        if part.done
            && let Some(Arriving { method, params }) = link.arriving.remove(&part.call)
        {
            // Only the version without parts says whether it wants a stream.
            self.carry_out(part.link, part.call, &method, &params, None);
        }
    }

    /// It was carried out before, on a link that was lost.
    fn answer_again(&mut self, id: LinkId, call: RequestId, operation: OperationId, outcome: Outcome) {
        self.look_at_control();
        if self.is_over(id) {
            return;
        }
        let Some(session) = self.links.get(&id).and_then(|link| link.session.as_ref()) else { return };
        let answer = match self.govern.halted() {
            // What it gave is not handed out either.
            Some(why) => Err(Error::new(ErrorCode::PermissionDenied, why)),
            None => self.recent.answer(session.subject.peer.key, operation, outcome),
        };
        let logged = answer.as_ref().map(|_| ()).map_err(Error::clone);
        self.govern.repeated(&session.subject, &logged);
        // Only the version that does not repeat operations tells the method of what failed.
        self.answer(id, call, "", answer);
    }

    /// The call path: what the owner says, then [`perform`](Self::perform), the desk, and `finish` after.
    fn carry_out(&mut self, id: LinkId, call: RequestId, method: &str, params: &[u8], stream: Option<bool>) {
        self.look_at_control();
        if self.is_over(id) {
            return;
        }
        let left_alone = self.left_alone_for();
        let Some(link) = self.links.get_mut(&id) else { return };
        let Some(session) = &link.session else { return };
        let codec = link.codec;
        let decoded = match codec.decode_call(method, params).and_then(|decoded| as_asked(decoded, codec, stream)) {
            Ok(decoded) => decoded,
            Err(error) => {
                self.govern.after(&session.subject, method, method, &Err(error.clone()));
                return self.answer(id, call, method, Err(error));
            }
        };
        match self.govern.judge(&session.subject, &decoded, left_alone) {
            Word::Refused(refusal) => self.answer(id, call, decoded.method(), Err(refusal)),
            Word::Ask(why) if !self.follows(id, &decoded) => self.hold(id, call, decoded, params.len(), Some(why)),
            Word::Allowed | Word::Ask(_) if decoded.kind() == Kind::Action && !self.queue.is_empty() => {
                self.hold(id, call, decoded, params.len(), None);
            }
            Word::Allowed | Word::Ask(_) => self.perform(id, call, decoded, params.len()),
        }
    }

    /// Whether a call only follows from what was allowed, so that nobody is asked about it: a button that comes up, or the
    /// output or the end of a command.
    pub(super) fn follows(&self, id: LinkId, call: &Call) -> bool {
        is_of_a_command(call) || self.lets_go(id, call)
    }

    /// Whether a button comes up where it went down. That ends what was allowed and begins nothing, so nobody is asked: it
    /// would have come up for the question.
    fn lets_go(&self, id: LinkId, call: &Call) -> bool {
        let Call::InputPointer(event) = call else { return false };
        let session = self.links.get(&id).and_then(|link| link.session.as_ref());
        event.action == PointerAction::Up && session.is_some_and(|session| session.pointer == Some(event.point))
    }

    /// Whether a controller is trusted no more. It is told so by the end of its session.
    fn is_over(&mut self, id: LinkId) -> bool {
        self.expire();
        self.links.get(&id).is_some_and(|link| link.dismissed)
    }

    /// Carries out what may happen; `bytes` are those of its parameters.
    pub(super) fn perform(&mut self, id: LinkId, call: RequestId, decoded: Call, bytes: usize) {
        let Some(link) = self.links.get_mut(&id) else { return };
        let Some(session) = &link.session else { return };
        let codec = link.codec;
        if let Err(refusal) = self.govern.begin(&session.subject, &decoded) {
            return self.answer(id, call, decoded.method(), Err(refusal));
        }
        let at_once = self.desk.answer(&decoded, codec);
        if matches!(decoded, Call::DisplaySubscribe(_) | Call::ProcessOutput(_)) && at_once.is_none() {
            // What only looks is not remembered, whatever the controller says.
            if let Some(operation) = link.operations.remove(&call) {
                let peer = session.subject.peer.key;
                self.host.settle(peer, operation, Outcome::Ok);
            }
            return self.begin_stream(id, call, decoded);
        }
        if let Some(answer) = at_once {
            let outcome = answer.as_ref().map(|_| ()).map_err(Error::clone);
            self.govern.after(&session.subject, decoded.method(), &decoded.summary(), &outcome);
            return self.answer(id, call, decoded.method(), answer);
        }
        // A controller that cancels is answered at once; what it asked for stays with the desk until the desk gets to it.
        let (calls, submitted) = self.submitted;
        let (held, waiting) = self.queue.size();
        if calls + held >= MOST_CALLS || submitted + waiting + bytes > MOST_BYTES {
            let busy = "the desktop is still busy with what was asked before; wait for it, or ask for less at once";
            let refusal = Err(Error::new(ErrorCode::LimitExceeded, busy));
            self.govern.after(&session.subject, decoded.method(), &decoded.summary(), &refusal);
            return self.answer(id, call, decoded.method(), refusal.map(|()| Vec::new()));
        }
        self.submitted = (calls + 1, submitted + bytes);
        let cancel = session.ended.0.child();
        let acts = decoded.kind() == Kind::Action && !self.desk.is_errand(&decoded);
        if let Call::InputPointer(event) = &decoded
            && let Some(session) = &mut link.session
        {
            session.pointer = Some(event.point);
        }
        let writes = decoded.kind() == Kind::Action && decoded.method().starts_with("fs.");
        let running =
            Running { method: decoded.method(), acts, writes, summary: decoded.summary(), cancel: cancel.clone() };
        link.running.insert(call, running);
        self.submit((id, call), decoded, bytes, codec, cancel);
    }

    pub(super) fn finish(&mut self, done: Done) {
        match done {
            Done::Call { link: id, call, bytes, result } => {
                self.submitted = (self.submitted.0.saturating_sub(1), self.submitted.1.saturating_sub(bytes));
                let outcome = result.as_ref().map(|_| ()).map_err(Error::clone);
                if let Some(orphan) = self.orphans.remove(&(id, call)) {
                    self.settle(orphan, &outcome, &result);
                    return self.let_in();
                }
                let Some(link) = self.links.get_mut(&id) else { return };
                let (Some(running), Some(session)) = (link.running.remove(&call), &link.session) else { return };
                self.govern.after(&session.subject, running.method, &running.summary, &outcome);
                self.answer(id, call, running.method, result);
            }
            Done::Seen { link, call, watch, seen } => self.seen(link, call, watch, seen),
            Done::Changed { link, call } => self.changed(link, call),
            Done::Output { link, call, body, ended } => self.written(link, call, body, ended),
            Done::CommandGone { key, end } => self.command_gone(key, end),
            Done::Probed { link, verdict } => self.greet(link, verdict),
            Done::LookedUp { link, peer, is_known } => self.looked_up(link, peer, is_known),
            Done::Prepared { psk, showing } => self.prepared(psk, showing),
            Done::Trusted { link, key, words, result } => {
                self.trusted(link, key, words, result);
                self.trust_changed();
            }
            Done::HandsFree { number, result } => self.hands_free(number, result),
            Done::ScreenFree { number, result, is_at_hand } => self.screen_free(number, result, is_at_hand),
            Done::Decided { number, answer } => drop(self.decided(number, answer)),
            Done::HomeChanged => self.home_changed(),
            Done::PersonUsed => self.person_used(),
            Done::Expired(result) => {
                self.expired(result);
                self.trust_changed();
            }
            Done::Unpaired { program, key, result } => {
                self.unpaired(program, key, result);
                self.trust_changed();
            }
            Done::Rekeyed { program, result, identity } => self.rekeyed(program, result, identity),
            Done::Released { link, result } => {
                if let Err(error) = result {
                    tracing::warn!(%error, "something that the last controller held could not be released");
                }
                self.letting_go = Some((link, self.runtime.now() + LETTING_GO));
                self.let_in();
            }
        }
    }

    /// Nothing is held any more. What the last session started must have ended as well before another controller comes
    /// (I3); what does not end within [`LETTING_GO`] is not waited for, or one that hangs would shut everybody out.
    pub(super) fn let_in(&mut self) {
        let Some((link, by)) = self.letting_go else { return };
        let is_at_work = self.orphans.keys().any(|(of, _)| *of == link) || self.programs.is_at_work(link);
        if is_at_work && self.runtime.now() < by {
            return;
        }
        self.letting_go = None;
        let now = self.now();
        self.host.released(now, link);
        self.restless = true;
    }

    /// The protocol has answered this call with `cancelled`.
    pub(super) fn cancelled(&mut self, id: LinkId, call: RequestId) {
        let is_stream = self.end_stream(id, call, Some(&Error::cancelled()));
        self.programs.end_of_call(id, call);
        if self.drop_held(id, Some(call)) {
            return;
        }
        let Some(link) = self.links.get_mut(&id) else { return };
        link.arriving.remove(&call);
        let operation = link.operations.remove(&call);
        if is_stream {
            link.bodies.remove(BodyId::Item(call));
            return;
        }
        let (Some(running), Some(session)) = (link.running.remove(&call), &link.session) else { return };
        running.cancel.cancel();
        self.orphans.insert((id, call), Orphan { subject: session.subject.clone(), running, operation });
    }

    /// The desk has let go of a call that was cancelled or whose session has ended. It may have been too late to stop it.
    fn settle(&mut self, orphan: Orphan, outcome: &Result<()>, result: &Result<Vec<u8>>) {
        let Orphan { subject, running, operation } = orphan;
        self.govern.after(&subject, running.method, &running.summary, outcome);
        if let Some(operation) = operation {
            self.recent.keep(subject.peer.key, operation, result);
            let outcome = outcome.as_ref().map_or_else(|error| Outcome::Error(error.code), |()| Outcome::Ok);
            self.host.settle(subject.peer.key, operation, outcome);
        }
    }
}
