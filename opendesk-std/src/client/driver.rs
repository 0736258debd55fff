//! The event loop of a controller's link.

use core::future::poll_fn;
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;
use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::time::Instant;

use async_channel::Sender;
use futures_util::Stream;
use opendesk_core::{
    Bodies, BodyId, Client as Machine, ClientDelivery, ClientEvent, LinkId, OperationId, Outcome, PublicKey, Reason,
    RequestId, ResponsePart, VerifyingKey, limits,
};

use super::{ClientError, Orders};
use crate::api::{ControllerGreeting, Error, HostGreeting, decode, encode};
use crate::machine;
use crate::runtime::{Alarm, Runtime};
use crate::socket::{Received, Socket};

/// Rounds of work before other tasks of the thread get a turn.
const BUDGET: usize = 32;

/// Messages in one round.
const MESSAGES: usize = 16;

/// What the handle asks of the event loop.
pub(super) enum Command {
    Call { method: String, params: Vec<u8>, operation: OperationId, limit: Duration, reply: Reply },
    Cancel { operation: OperationId },
    Close { reply: Sender<()> },
}

impl core::fmt::Debug for Command {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Call { .. } => "Call",
            Self::Cancel { .. } => "Cancel",
            Self::Close { .. } => "Close",
        })
    }
}

type Reply = Sender<Result<Vec<u8>, ClientError>>;

struct Pending {
    operation: OperationId,
    method: String,
    body: Vec<u8>,
    limit: Duration,
    until: Instant,
    reply: Reply,
}

/// How the handshake and the greeting ended.
pub(super) struct Opened {
    pub(super) host: PublicKey,
    pub(super) signing_key: VerifyingKey,
    pub(super) handshake: [u8; 32],
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
            BodyId::Push(_) => None,
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
    socket: Socket<R::Stream>,
    outgoing: Outgoing,
    orders: Pin<Box<Orders>>,
    /// Calls that found 64 others in flight.
    queue: VecDeque<(RequestParts, Reply)>,
    pending: BTreeMap<RequestId, Pending>,
    opened: Option<Sender<Result<Opened, ClientError>>>,
    proved: Option<Opened>,
    closed: Option<ClientError>,
    farewell: Option<Sender<()>>,
    alarm: Alarm<R::Timer>,
    epoch: Instant,
    buf: Vec<u8>,
}

struct RequestParts {
    method: String,
    params: Vec<u8>,
    operation: OperationId,
    limit: Duration,
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
    ) -> Result<Self, ClientError> {
        let greeting = encode(&ControllerGreeting { name: machine::hostname() })?;
        let mut machine = Box::new(machine);
        machine.greet(greeting.len());
        Ok(Self {
            machine,
            socket,
            outgoing: Outgoing { greeting, params: BTreeMap::new() },
            orders: Box::pin(orders),
            queue: VecDeque::new(),
            pending: BTreeMap::new(),
            opened: Some(opened),
            proved: None,
            closed: None,
            farewell: None,
            alarm: Alarm::new(runtime.timer()),
            epoch,
            buf: vec![0; limits::RECORD_BYTES],
            runtime,
        })
    }

    pub(super) async fn run(mut self) {
        poll_fn(|cx| self.poll(cx)).await;
        self.orders.close();
        let why = self.closed.take().unwrap_or(ClientError::Closed(Reason::LOST));
        if let Some(opened) = self.opened.take() {
            drop(opened.try_send(match (self.proved.take(), why) {
                (Some(proved), _) if proved.refused.is_some() => Ok(proved),
                (_, why) => Err(why),
            }));
        } else {
            let reason = if let ClientError::Closed(reason) = why { reason } else { Reason::LOST };
            for reply in core::mem::take(&mut self.pending).into_values().map(|call| call.reply) {
                drop(reply.try_send(Err(ClientError::Closed(reason))));
            }
            for (_, reply) in core::mem::take(&mut self.queue) {
                drop(reply.try_send(Err(ClientError::Closed(reason))));
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
                self.transmit(cx);
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
            Poll::Ready(Some(Command::Cancel { operation })) => {
                self.queue.retain(|(call, _)| call.operation != operation);
                let found = self.pending.iter().find(|(_, call)| call.operation == operation).map(|(id, _)| *id);
                if let Some(id) = found {
                    // A call that has just been answered needs no cancelling.
                    let _answered_already = self.machine.cancel(id);
                }
                true
            }
            Poll::Ready(Some(Command::Call { method, params, operation, limit, reply })) => {
                self.queue.push_back((RequestParts { method, params, operation, limit }, reply));
                true
            }
        }
    }

    fn start_queued(&mut self) {
        while self.machine.is_open() && self.machine.has_room() {
            let Some((call, reply)) = self.queue.pop_front() else { break };
            let RequestParts { method, params, operation, limit } = call;
            match self.machine.call(&method, operation, params.len()) {
                Err(misuse) => drop(reply.try_send(Err(ClientError::Call(Error::invalid(misuse.to_string()))))),
                Ok(id) => {
                    self.outgoing.params.insert(id, params);
                    let until = self.runtime.now() + limit;
                    self.pending.insert(id, Pending { operation, method, body: Vec::new(), limit, until, reply });
                }
            }
        }
    }

    fn transmit(&mut self, cx: &mut Context<'_>) {
        let lost = loop {
            match self.socket.poll_ready(cx) {
                Poll::Pending => break false,
                Poll::Ready(Err(_)) => break true,
                Poll::Ready(Ok(())) => {}
            }
            let Some(length) = self.machine.poll_transmit(&mut self.outgoing, &mut self.buf) else { break false };
            if self.socket.send(&self.buf[..length]).is_err() {
                break true;
            }
        };
        if lost || matches!(self.socket.poll_flush(cx), Poll::Ready(Err(_))) {
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
                    let greeting: HostGreeting = decode(body).unwrap_or_default();
                    self.poll_events();
                    if let Some(proved) = &mut self.proved {
                        proved.greeting = greeting;
                    }
                    self.tell_opened();
                }
                ClientDelivery::Response(part) => respond(&mut self.pending, &mut self.outgoing, &part),
            },
            Received::Control => {}
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
            let greeting = HostGreeting::default();
            match event {
                ClientEvent::Opened { host, signing_key, handshake } => {
                    self.proved = Some(Opened { host, signing_key, handshake, greeting, refused: None });
                }
                ClientEvent::Refused { host, signing_key, handshake, reason } => {
                    self.proved = Some(Opened { host, signing_key, handshake, greeting, refused: Some(reason) });
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
        let late: Vec<RequestId> =
            self.pending.iter().filter(|(_, call)| clock >= call.until).map(|(id, _)| *id).collect();
        for id in &late {
            let _answered_already = self.machine.cancel(*id);
            if let Some(call) = self.pending.remove(id) {
                let what = format!("the host's {}", call.method);
                drop(call.reply.try_send(Err(ClientError::Timeout { what, after: call.limit })));
            }
        }
        let deadline = self.machine.poll_timeout();
        if deadline.is_some_and(|deadline| now >= deadline.at) {
            self.machine.handle_timeout(now);
            return true;
        }
        let protocol = deadline.map(|deadline| self.epoch + Duration::from_micros(deadline.at.micros()));
        let calls = self.pending.values().map(|call| call.until).min();
        let first = [protocol, calls].into_iter().flatten().min();
        first.is_some_and(|at| self.alarm.poll(cx, at)) || !late.is_empty()
    }
}

/// One part of an answer; the last one goes to whoever waits for it.
fn respond(pending: &mut BTreeMap<RequestId, Pending>, outgoing: &mut Outgoing, part: &ResponsePart<'_>) {
    if part.done {
        outgoing.params.remove(&part.call);
    }
    // Nobody may be waiting any more.
    let Some(call) = pending.get_mut(&part.call) else { return };
    call.body.extend_from_slice(part.body);
    if part.done
        && let Some(Pending { body, reply, .. }) = pending.remove(&part.call)
    {
        drop(reply.try_send(match part.outcome {
            Outcome::Ok => Ok(body),
            Outcome::Error(code) => {
                Err(ClientError::Call(Error::new(code, String::from_utf8_lossy(&body).into_owned())))
            }
        }));
    }
}
