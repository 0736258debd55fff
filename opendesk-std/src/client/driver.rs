//! The event loop of a controller's link.

use core::future::poll_fn;
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;
use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use async_channel::Sender;
use futures_util::Stream;
use opendesk_core::{
    Bodies, BodyId, Client as Machine, ClientDelivery, ClientEvent, ItemPart, LinkId, OperationId, Outcome, PublicKey,
    Reason, RequestId, ResponsePart, VerifyingKey, Wire, limits,
};

use super::{ClientError, Orders};
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
            Self::Close { .. } => "Close",
        })
    }
}

type Reply = Sender<Result<Vec<u8>, ClientError>>;

/// By what the handle knows a call; it is not sent.
pub(super) type Ticket = u64;

/// A call that is to be made.
pub(super) struct NewCall {
    pub(super) ticket: Ticket,
    pub(super) method: String,
    pub(super) params: Vec<u8>,
    /// What the host remembers it by; zero when it need not.
    pub(super) operation: OperationId,
    pub(super) answers: Answers,
}

/// Where what comes back goes.
pub(super) enum Answers {
    /// One result, within a time.
    Once { limit: Duration, reply: Reply },
    /// Items within this credit, and an error in the end.
    Stream { credit: u32, items: Reply },
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

impl NewCall {
    /// The call as it waits for its answer from now on.
    fn pending(self, now: Instant) -> Pending {
        let until = match &self.answers {
            Answers::Once { limit, .. } => Some(now + *limit),
            Answers::Stream { .. } => None,
        };
        let Self { ticket, method, answers, .. } = self;
        Pending { ticket, method, body: Vec::new(), responding: false, until, answers }
    }
}

impl Answers {
    /// Tells whoever waits that nothing more will come, and why.
    fn fail(self, error: ClientError) {
        let (Self::Once { reply, .. } | Self::Stream { items: reply, .. }) = self;
        drop(reply.try_send(Err(error)));
    }
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
    queue: VecDeque<NewCall>,
    pending: BTreeMap<RequestId, Pending>,
    opened: Option<Sender<Result<Opened, ClientError>>>,
    proved: Option<Opened>,
    closed: Option<ClientError>,
    /// Why the session is over, for the handles.
    ended: Arc<OnceLock<Reason>>,
    farewell: Option<Sender<()>>,
    alarm: Alarm<R::Timer>,
    epoch: Instant,
    buf: Vec<u8>,
}

impl<R: Runtime> Driver<R> {
    /// `machine` begins to be driven; what becomes of the handshake goes to `opened`.
    pub(super) fn new(
        runtime: R,
        machine: Machine,
        epoch: Instant,
        socket: Socket<R::Stream>,
        orders: Orders,
        opened: Sender<Result<Opened, ClientError>>,
        greeting: &ControllerGreeting,
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
            queue: VecDeque::new(),
            pending: BTreeMap::new(),
            opened: Some(opened),
            proved: None,
            closed: None,
            ended: Arc::default(),
            farewell: None,
            alarm: Alarm::new(runtime.timer()),
            epoch,
            buf: vec![0; limits::RECORD_BYTES],
            runtime,
        }
    }

    /// Where it is told why the session is over, before the first call fails for that.
    pub(super) fn ended(&self) -> Arc<OnceLock<Reason>> {
        Arc::clone(&self.ended)
    }

    pub(super) async fn run(mut self) {
        poll_fn(|cx| self.poll(cx)).await;
        let why = self.closed.take().unwrap_or(ClientError::Closed(Reason::LOST));
        if let ClientError::Closed(reason) = why {
            self.ended.get_or_init(|| reason);
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
            for call in core::mem::take(&mut self.queue) {
                call.answers.fail(ClientError::Closed(reason));
            }
        }
        // The host closes its side when it has read the goodbye; it is not waited for longer than politeness asks.
        let Self { runtime, mut socket, farewell, .. } = self;
        let _closed = crate::runtime::timeout(&runtime, limits::LINGER, poll_fn(|cx| socket.poll_close(cx))).await;
        drop(farewell);
    }

    fn now(&self) -> opendesk_core::Instant {
        let micros = self.runtime.now().saturating_duration_since(self.epoch).as_micros();
        opendesk_core::Instant::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
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
                self.queue.retain(|call| call.ticket != ticket);
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
                self.queue.push_back(call);
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
            let Some(mut call) = self.queue.pop_front() else { break };
            let begun = match call.answers {
                Answers::Once { .. } => self.machine.call(&call.method, call.operation, call.params.len()),
                Answers::Stream { credit, .. } => self.machine.subscribe(&call.method, credit, call.params.len()),
            };
            match begun {
                Err(misuse) => {
                    call.answers.fail(ClientError::Call(Error::invalid(misuse.to_string())));
                }
                Ok(id) => {
                    self.outgoing.params.insert(id, core::mem::take(&mut call.params));
                    let now = self.runtime.now();
                    self.pending.insert(id, call.pending(now));
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
                ClientDelivery::Response(part) => respond(&mut self.pending, &mut self.outgoing, self.codec, &part),
                ClientDelivery::Item(part) => take_item(&mut self.pending, &part),
            },
            Received::Control => self.machine.handle_alive(now),
            Received::Foreign => self.machine.close(now, Reason::MISBEHAVED),
            Received::End => self.machine.handle_eof(),
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
                ClientEvent::Closed { reason, .. } => self.closed = Some(ClientError::Closed(reason)),
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
            let call = self.pending.remove(id);
            self.cancel(*id);
            if let Some(call) = call
                && let Answers::Once { limit, .. } = call.answers
            {
                let what = format!("the host's {}", call.method);
                call.answers.fail(ClientError::Timeout { what, after: limit });
            }
        }
        let deadline = self.machine.poll_timeout();
        if deadline.is_some_and(|deadline| now >= deadline.at) {
            self.machine.handle_timeout(now);
            return true;
        }
        let protocol = deadline.map(|deadline| self.epoch + Duration::from_micros(deadline.at.micros()));
        let calls = self.pending.values().filter_map(|call| call.until).min();
        let first = [protocol, calls].into_iter().flatten().min();
        first.is_some_and(|at| self.alarm.poll(cx, at)) || !late.is_empty()
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
