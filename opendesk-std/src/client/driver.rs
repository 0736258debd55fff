//! The event loop of a controller's link.

use core::future::poll_fn;
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use async_channel::Sender;
use futures_util::Stream;
use opendesk_core::{
    Bodies, BodyId, Client as Machine, ClientDelivery, ClientEvent, ItemPart, LinkId, Outcome, PublicKey, Reason,
    RequestId, ResponsePart, VerifyingKey, Wire, limits,
};

use super::dial::Claim;
use super::ending::{Ending, Teller};
use super::queue::{Answers, NewCall, Queue, Ticket};
use super::{ClientError, Orders, Pulse};
use crate::api::{Codec, ControllerGreeting, Error, HostGreeting};
use crate::runtime::{Alarm, Runtime};
use crate::socket::{Received, Socket, grow};

/// Rounds of work before other tasks of the thread get a turn.
const BUDGET: usize = 32;

/// Messages in one round.
const MESSAGES: usize = 16;

/// What the handle asks of the event loop.
pub(super) enum Command {
    Call(NewCall),
    /// The items of a stream are consumed up to that many bytes.
    Grant {
        ticket: Ticket,
        bytes: u32,
    },
    Cancel {
        ticket: Ticket,
    },
    /// Has the host say something, if it can be heard.
    Probe,
    /// Another session has taken the place of this one, whose host is not heard any more.
    Abandon,
    Close {
        reply: Sender<()>,
    },
}

impl core::fmt::Debug for Command {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Call(_) => "Call",
            Self::Grant { .. } => "Grant",
            Self::Cancel { .. } => "Cancel",
            Self::Probe => "Probe",
            Self::Abandon => "Abandon",
            Self::Close { .. } => "Close",
        })
    }
}

struct Pending {
    ticket: Ticket,
    method: String,
    /// The result or item that is arriving.
    body: Vec<u8>,
    /// Whether it is the result.
    responding: bool,
    /// When the answer is not waited for any more; a stream has no such time.
    until: Option<Instant>,
    answers: Answers,
}

/// How the handshake and the greeting ended.
pub(super) struct Opened {
    pub(super) wire: Wire,
    pub(super) host: PublicKey,
    /// Absent in version 1.
    pub(super) signing_key: Option<VerifyingKey>,
    pub(super) handshake: [u8; 32],
    pub(super) memory: u64,
    pub(super) greeting: HostGreeting,
    /// Set when the host proved its key and gave no session.
    pub(super) refused: Option<Reason>,
}

/// The parameters that are still to be sent, and the greeting.
#[derive(Default)]
struct Outgoing {
    greeting: Vec<u8>,
    params: BTreeMap<RequestId, Vec<u8>>,
}

impl Bodies for Outgoing {
    fn copy(&mut self, _link: LinkId, body: BodyId, offset: usize, out: &mut [u8]) {
        let bytes = match body {
            BodyId::Greeting => Some(&self.greeting),
            BodyId::Call(id) => self.params.get(&id),
            BodyId::Item(_) | BodyId::Push(_) => None,
        };
        let part = bytes.and_then(|bytes| bytes.get(offset..offset + out.len()));
        debug_assert!(part.is_some(), "{body:?} was announced and is kept until it is done");
        if let Some(part) = part {
            out.copy_from_slice(part);
        }
    }

    fn done(&mut self, _link: LinkId, body: BodyId) {
        if let BodyId::Call(id) = body {
            self.params.remove(&id);
        }
    }
}

pub(super) struct Driver<R: Runtime> {
    runtime: R,
    machine: Box<Machine>,
    codec: Codec,
    socket: Socket<R::Stream>,
    outgoing: Outgoing,
    orders: Pin<Box<Orders>>,
    /// Calls that found 64 others in flight.
    queue: Queue,
    pending: BTreeMap<RequestId, Pending>,
    opened: Option<Sender<Result<Opened, ClientError>>>,
    proved: Option<Opened>,
    closed: Option<ClientError>,
    /// Why the session is over, for the handles.
    ended: Teller,
    farewell: Option<Sender<()>>,
    /// Asked once, before the host is told that this is the link to be used.
    claim: Option<Claim>,
    alarm: Alarm<R::Timer>,
    pulse: Pulse,
    buf: Vec<u8>,
}

impl<R: Runtime> Driver<R> {
    /// `machine` begins to be driven; what becomes of the handshake goes to `opened`. It goes on from there only with
    /// the `claim`, if there is one.
    #[expect(clippy::too_many_arguments, reason = "each is another part of one link")]
    pub(super) fn new(
        runtime: R,
        machine: Machine,
        pulse: Pulse,
        socket: Socket<R::Stream>,
        orders: Orders,
        opened: Sender<Result<Opened, ClientError>>,
        greeting: &ControllerGreeting,
        claim: Option<Claim>,
    ) -> Self {
        let codec = Codec::from(machine.wire());
        let greeting = codec.write_controller_greeting(greeting);
        let mut machine = Box::new(machine);
        machine.greet(greeting.len());
        Self {
            machine,
            codec,
            socket,
            outgoing: Outgoing { greeting, params: BTreeMap::new() },
            orders: Box::pin(orders),
            queue: Queue::default(),
            pending: BTreeMap::new(),
            opened: Some(opened),
            proved: None,
            closed: None,
            ended: Teller::default(),
            farewell: None,
            claim,
            alarm: Alarm::new(runtime.timer()),
            pulse,
            buf: vec![0; limits::RECORD_BYTES],
            runtime,
        }
    }

    /// Where it is told why the session is over, before the first call fails for that.
    pub(super) fn ended(&self) -> Arc<Ending> {
        Arc::clone(&self.ended.0)
    }

    pub(super) async fn run(mut self) {
        poll_fn(|cx| self.poll(cx)).await;
        let why = self.closed.take().unwrap_or(ClientError::Closed(Reason::LOST));
        if let ClientError::Closed(reason) = why {
            self.ended.0.tell(reason);
        }
        self.orders.close();
        if let Some(opened) = self.opened.take() {
            drop(opened.try_send(match (self.proved.take(), why) {
                (Some(proved), _) if proved.refused.is_some() => Ok(proved),
                (_, why) => Err(why),
            }));
        } else {
            let reason = if let ClientError::Closed(reason) = why { reason } else { Reason::LOST };
            for call in core::mem::take(&mut self.pending).into_values() {
                call.answers.fail(ClientError::Closed(reason));
            }
            for call in self.queue.take() {
                call.answers.fail(ClientError::Closed(reason));
            }
        }
        // The host closes its side when it has read the goodbye; it is not waited for longer than politeness asks.
        let Self { runtime, mut socket, farewell, .. } = self;
        let _closed = crate::runtime::timeout(&runtime, limits::LINGER, poll_fn(|cx| socket.poll_close(cx))).await;
        drop(farewell);
    }

    fn now(&self) -> opendesk_core::Instant {
        opendesk_core::Instant::from_micros(self.pulse.micros(self.runtime.now()))
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        for _ in 0..BUDGET {
            let opening = self.opened.is_some();
            while self.poll_orders(cx) {}
            self.start_queued();
            self.transmit(cx);
            let mut messages = 0;
            while messages < MESSAGES && self.receive(cx) {
                messages += 1;
                // An answer makes room for a call that waits, a ping wants its pong.
                self.start_queued();
                self.fill(cx);
            }
            if messages > 0 {
                self.flush(cx);
            }
            // The socket wakes us for what comes next; orders are listened to from the opening on.
            let mut progress = messages == MESSAGES || opening != self.opened.is_some();
            progress |= self.poll_events();
            progress |= self.poll_time(cx);
            if self.machine.is_closed() {
                // A deadline that has just passed is the reason, and not that nothing more is heard.
                self.poll_events();
                return Poll::Ready(());
            }
            if !progress {
                return Poll::Pending;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn poll_orders(&mut self, cx: &mut Context<'_>) -> bool {
        // Before the session is open nobody has a handle; the end of all handles ends the session.
        if self.opened.is_some() {
            return false;
        }
        match self.orders.as_mut().poll_next(cx) {
            Poll::Pending => false,
            Poll::Ready(None) => {
                let closing = !self.machine.is_open();
                let now = self.now();
                self.machine.close(now, Reason::DONE);
                !closing
            }
            Poll::Ready(Some(Command::Close { reply })) => {
                let now = self.now();
                self.farewell = Some(reply);
                self.machine.close(now, Reason::DONE);
                true
            }
            Poll::Ready(Some(Command::Cancel { ticket })) => {
                self.queue.cancel(ticket);
                if let Some(id) = self.call_of(ticket) {
                    self.cancel(id);
                }
                true
            }
            Poll::Ready(Some(Command::Grant { ticket, bytes })) => {
                if let Some(id) = self.call_of(ticket) {
                    let _answered_already = self.machine.grant(id, bytes);
                }
                true
            }
            Poll::Ready(Some(Command::Call(call))) => {
                self.queue.push(call, self.runtime.now());
                true
            }
            Poll::Ready(Some(Command::Abandon)) => {
                self.machine.handle_eof();
                true
            }
            Poll::Ready(Some(Command::Probe)) => {
                self.socket.ping();
                true
            }
        }
    }

    /// Nobody waits for this call any more.
    fn cancel(&mut self, id: RequestId) {
        // A call that has just been answered needs no cancelling.
        if matches!(self.machine.cancel(id), Ok(false)) {
            self.pending.remove(&id);
            self.outgoing.params.remove(&id);
        }
    }

    fn call_of(&self, ticket: Ticket) -> Option<RequestId> {
        self.pending.iter().find(|(_, call)| call.ticket == ticket).map(|(id, _)| *id)
    }

    fn start_queued(&mut self) {
        while self.machine.is_open() && self.machine.has_room() {
            let Some((call, until)) = self.queue.pop() else { break };
            let begun = match call.answers {
                Answers::Once { .. } => self.machine.call(&call.method, call.operation, call.params.len()),
                Answers::Stream { credit, .. } => self.machine.subscribe(&call.method, credit, call.params.len()),
            };
            match begun {
                Err(misuse) => {
                    call.answers.fail(ClientError::Call(Error::invalid(misuse.to_string())));
                }
                Ok(id) => {
                    let NewCall { ticket, method, params, answers, .. } = call;
                    self.outgoing.params.insert(id, params);
                    let (body, responding) = (Vec::new(), false);
                    self.pending.insert(id, Pending { ticket, method, body, responding, until, answers });
                }
            }
        }
    }

    fn transmit(&mut self, cx: &mut Context<'_>) {
        self.fill(cx);
        self.flush(cx);
    }

    fn fill(&mut self, cx: &mut Context<'_>) {
        let filled = self.socket.fill(cx, &mut self.buf, |buf| {
            grow(buf, self.machine.transmit_bytes());
            self.machine.poll_transmit(&mut self.outgoing, buf)
        });
        if filled.is_err() {
            self.machine.handle_eof();
        }
    }

    fn flush(&mut self, cx: &mut Context<'_>) {
        if matches!(self.socket.poll_flush(cx), Poll::Ready(Err(_))) {
            self.machine.handle_eof();
        }
    }

    fn receive(&mut self, cx: &mut Context<'_>) -> bool {
        if self.machine.is_closed() {
            return false;
        }
        let now = self.now();
        let Poll::Ready(received) = self.socket.poll_receive(cx) else { return false };
        if !matches!(received, Received::End) {
            self.pulse.beat(now.micros());
        }
        match received {
            Received::Message(mut message) => match self.machine.handle_message(now, &mut message) {
                ClientDelivery::Nothing | ClientDelivery::Push { .. } => {}
                ClientDelivery::Greeting(body) => {
                    let body = body.to_vec();
                    self.poll_events();
                    if let Some(proved) = &mut self.proved {
                        proved.greeting = self.codec.read_host_greeting(&body, proved.refused.is_some());
                    }
                    self.socket.admit();
                    self.tell_opened();
                }
                ClientDelivery::Response(part) => {
                    self.pulse.answer();
                    respond(&mut self.pending, &mut self.outgoing, self.codec, &part);
                }
                ClientDelivery::Item(part) => take_item(&mut self.pending, &part),
            },
            Received::Control => self.machine.handle_alive(now),
            Received::Foreign => self.machine.close(now, Reason::MISBEHAVED),
            Received::End => self.machine.handle_eof(),
        }
        if self.machine.has_proof()
            && let Some(claim) = self.claim.take()
        {
            // Nobody waits for an attempt that was dropped.
            let is_waited_for = self.opened.as_ref().is_none_or(|opened| !opened.is_closed());
            if !is_waited_for || !claim.take() {
                self.machine.handle_eof();
            }
        }
        true
    }

    /// The session is open and the greeting is there.
    fn tell_opened(&mut self) {
        if self.machine.is_open()
            && let (Some(opened), Some(proved)) = (self.opened.take(), self.proved.take())
        {
            drop(opened.try_send(Ok(proved)));
        }
    }

    fn poll_events(&mut self) -> bool {
        let mut progress = false;
        while let Some(event) = self.machine.poll_event() {
            progress = true;
            let (greeting, wire) = (HostGreeting::default(), self.machine.wire());
            match event {
                ClientEvent::ProbeDue => self.socket.ping(),
                ClientEvent::Opened { host, signing_key, handshake, memory } => {
                    self.proved = Some(Opened { wire, host, signing_key, handshake, memory, greeting, refused: None });
                }
                ClientEvent::Refused { host, signing_key, handshake, reason } => {
                    let refused = Some(reason);
                    self.proved = Some(Opened { wire, host, signing_key, handshake, memory: 0, greeting, refused });
                }
                ClientEvent::Closed { reason: Reason::WRONG_CODE, tries_left } => {
                    self.closed = Some(ClientError::WrongCode { tries_left });
                }
                ClientEvent::Closed { reason, .. } => {
                    let other = self.machine.other().map(ClientError::OtherHost);
                    self.closed = Some(other.unwrap_or(ClientError::Closed(reason)));
                }
            }
        }
        progress
    }

    fn poll_time(&mut self, cx: &mut Context<'_>) -> bool {
        let (now, clock) = (self.now(), self.runtime.now());
        let late: Vec<RequestId> = self
            .pending
            .iter()
            .filter(|(_, call)| call.until.is_some_and(|at| clock >= at))
            .map(|(id, _)| *id)
            .collect();
        for id in &late {
            if let Some(call) = self.pending.remove(id) {
                self.cancel(*id);
                call.answers.fail_late(&call.method);
            }
        }
        let expired = self.queue.expire(clock);
        let deadline = self.machine.poll_timeout();
        if deadline.is_some_and(|deadline| now >= deadline.at) {
            self.machine.handle_timeout(now);
            return true;
        }
        let protocol = deadline.map(|deadline| self.pulse.begun() + Duration::from_micros(deadline.at.micros()));
        let calls = self.pending.values().filter_map(|call| call.until).min();
        let first = [protocol, calls, self.queue.deadline()].into_iter().flatten().min();
        first.is_some_and(|at| self.alarm.poll(cx, at)) || expired || !late.is_empty()
    }
}

/// One part of an answer; the last one goes to whoever waits for it.
fn respond(pending: &mut BTreeMap<RequestId, Pending>, outgoing: &mut Outgoing, codec: Codec, part: &ResponsePart<'_>) {
    if part.done {
        outgoing.params.remove(&part.call);
    }
    // Nobody may be waiting any more.
    let Some(call) = pending.get_mut(&part.call) else { return };
    if !core::mem::replace(&mut call.responding, true) {
        // The rest of an item that was on its way is void.
        call.body.clear();
    }
    append(&mut call.body, part.body, part.total);
    if part.done
        && let Some(mut call) = pending.remove(&part.call)
    {
        let body = core::mem::take(&mut call.body);
        match (part.outcome, &call.answers) {
            (Outcome::Ok, Answers::Once { reply, .. }) => drop(reply.try_send(Ok(body))),
            // A stream that is over ends without an error.
            (Outcome::Ok, Answers::Stream { .. }) => {}
            (Outcome::Error(code), _) => {
                call.answers.fail(ClientError::Call(codec.read_error(code, &body)));
            }
        }
    }
}

/// One part of an item; the last one goes to whoever reads the stream.
fn take_item(pending: &mut BTreeMap<RequestId, Pending>, part: &ItemPart<'_>) {
    let Some(call) = pending.get_mut(&part.call) else { return };
    append(&mut call.body, part.body, part.total);
    if part.done
        && let Answers::Stream { items, .. } = &call.answers
    {
        drop(items.try_send(Ok(core::mem::take(&mut call.body))));
    }
}

/// One more part of a body; with the first comes the room for all.
fn append(body: &mut Vec<u8>, part: &[u8], total: usize) {
    if body.is_empty() {
        body.reserve_exact(total.min(limits::BODY_BYTES));
    }
    body.extend_from_slice(part);
}
