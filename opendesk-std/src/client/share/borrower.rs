//! The event loop of a session that belongs to another program of this machine.

use core::future::poll_fn;
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;
use std::collections::BTreeMap;
use std::io;
use std::time::Instant;

use async_channel::Sender;
use futures_util::Stream;
use opendesk_core::{Misuse, PublicKey, Reason, limits};

use super::pipe::{Broken, Pipe};
use super::place::Place;
use super::room::{CALLS, GUESTS, Parameters};
use super::wire::{Ask, Facts, Introduction, Number, PROTOCOL, Tell, Wants, for_borrowers, read_tell, write};
use crate::api::{Error, HostGreeting, decode};
use crate::client::driver::Command;
use crate::client::ending::Teller;
use crate::client::queue::{Answers, NewCall, Queue};
use crate::client::{Client, ClientError, Orders};
use crate::home::{HomeError, HomeErrorKind, printable, shown};
use crate::runtime::{Alarm, Runtime, is_own, timeout};

/// Rounds of work before other tasks of the thread get a turn.
const BUDGET: usize = 32;

/// Messages in one round.
const MESSAGES: usize = 16;

/// How long the owner of a session may take to share it: it does nothing else that takes time.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why there is nothing to borrow.
pub(super) enum Refusal {
    /// Nobody shares the session; the system's word. Somebody may, soon.
    NotNow(String),
    Never(ClientError),
}

fn busy(message: String) -> Refusal {
    Refusal::Never(HomeError::new(HomeErrorKind::Busy, message).into())
}

/// Borrows the session with this host from the program that shares it.
pub(super) async fn borrow<R: Runtime>(
    runtime: &R,
    place: &Place,
    host: PublicKey,
    holder: &str,
) -> Result<Client, Refusal> {
    let gone = |error: &dyn core::fmt::Display| Refusal::NotNow(error.to_string());
    let stream = {
        let address = place.address().map_err(|error| {
            busy(format!("another opendesk{holder} has the session with this machine and cannot share it: {error}"))
        })?;
        runtime.connect_local(address.path()).await.map_err(|error| match error.kind() {
            io::ErrorKind::Unsupported => busy(format!(
                "another opendesk{holder} has the session with this machine and it cannot be shared: {error}"
            )),
            _ => gone(&error),
        })?
    };
    if !is_own(&stream, "the socket of a shared session") {
        let message = format!("{} is shared by another user; remove it", shown(&place.socket()));
        return Err(Refusal::Never(HomeError::new(HomeErrorKind::Foreign, message).into()));
    }
    let mut pipe = Pipe::new(stream);
    pipe.push(&Introduction::own().write(), Vec::new(), false);
    let Some(met) = timeout(runtime, PATIENCE, meet(&mut pipe, host)).await else {
        return Err(busy(format!(
            "another opendesk{holder} has the session with this machine and does not answer; end it and try again"
        )));
    };
    let (facts, greeting) = met?;
    let Facts { wire, host, signing_key, handshake, memory } = facts;
    let (commands, orders) = async_channel::unbounded();
    let ended = Teller::default();
    let client = Client {
        commands,
        ended: std::sync::Arc::clone(&ended.0),
        pulse: None,
        address: None,
        wire,
        host,
        signing_key,
        handshake,
        memory,
        greeting,
    };
    runtime.spawn(Borrower::new(runtime.clone(), pipe, orders, ended).run());
    Ok(client)
}

/// The first messages: who the two are, and what the session is.
async fn meet<S>(pipe: &mut Pipe<S>, host: PublicKey) -> Result<(Facts, HostGreeting), Refusal>
where
    S: futures_io::AsyncRead + futures_io::AsyncWrite + Unpin,
{
    let ended = |broken: Broken| match broken {
        Broken::Gone => Refusal::NotNow("the program that shared it has ended".to_owned()),
        Broken::Senseless => busy("whoever shares the session with this machine is no opendesk".to_owned()),
    };
    let other = next(pipe, Introduction::read).await.map_err(ended)?;
    if other.protocol != PROTOCOL {
        return Err(stranger(&other));
    }
    pipe.admit();
    let (tell, greeting) = next(pipe, read_tell).await.map_err(ended)?;
    match tell {
        Tell::Welcome(facts) if facts.host == host => match decode(&greeting) {
            Some(greeting) => Ok((facts, greeting)),
            None => Err(ended(Broken::Senseless)),
        },
        Tell::Welcome(_) => Err(busy(format!(
            "opendesk (pid {}) has a session with another machine there; end it and try again",
            other.pid
        ))),
        Tell::Full => Err(busy(format!(
            "{GUESTS} programs share the session of opendesk (pid {}) already; end one of them and try again",
            other.pid
        ))),
        Tell::Over(_) => Err(ended(Broken::Gone)),
        Tell::Answer { .. } | Tell::Item { .. } | Tell::Done { .. } | Tell::Failed { .. } => {
            Err(ended(Broken::Senseless))
        }
    }
}

/// Another version of the program has the session.
fn stranger(other: &Introduction) -> Refusal {
    busy(format!(
        "opendesk {} (pid {}) has the session with this machine, and opendesk {} cannot share it with that version; end that \
         process and try again",
        printable(&other.version),
        other.pid,
        env!("CARGO_PKG_VERSION"),
    ))
}

async fn next<S, T>(pipe: &mut Pipe<S>, read: impl Fn(&[u8]) -> Option<T>) -> Result<T, Broken>
where
    S: futures_io::AsyncRead + futures_io::AsyncWrite + Unpin,
{
    poll_fn(|cx| {
        // What the other side does not take any more, it does not answer.
        let _sent = pipe.poll_send(cx);
        pipe.poll_message(cx, &read)
    })
    .await
}

/// A call that the owner of the session has been asked for.
struct Pending {
    method: String,
    /// Absent when nobody waits any more.
    answers: Option<Answers>,
    /// When the answer is not waited for any more; a stream has no such time.
    until: Option<Instant>,
    /// Of its parameters.
    bytes: usize,
}

struct Borrower<R: Runtime> {
    runtime: R,
    pipe: Pipe<R::LocalStream>,
    orders: Pin<Box<Orders>>,
    /// Calls that there is no room for.
    queue: Queue,
    pending: BTreeMap<Number, Pending>,
    parameters: Parameters,
    /// Set in the end.
    reason: Option<Reason>,
    ended: Teller,
    farewell: Option<Sender<()>>,
    alarm: Alarm<R::Timer>,
}

impl<R: Runtime> Borrower<R> {
    fn new(runtime: R, pipe: Pipe<R::LocalStream>, orders: Orders, ended: Teller) -> Self {
        Self {
            pipe,
            orders: Box::pin(orders),
            queue: Queue::default(),
            pending: BTreeMap::new(),
            parameters: Parameters::default(),
            reason: None,
            ended,
            farewell: None,
            alarm: Alarm::new(runtime.timer()),
            runtime,
        }
    }

    async fn run(mut self) {
        let reason = poll_fn(|cx| self.poll(cx)).await;
        self.ended.0.tell(reason);
        self.orders.close();
        let pending = core::mem::take(&mut self.pending).into_values().filter_map(|call| call.answers);
        let queue = self.queue.take().map(|call| call.answers);
        for answers in pending.chain(queue) {
            answers.fail(ClientError::Closed(reason));
        }
        drop(self.farewell);
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Reason> {
        for _ in 0..BUDGET {
            let mut progress = false;
            while self.reason.is_none() && self.poll_orders(cx) {
                progress = true;
            }
            progress |= self.start_queued();
            progress |= self.listen(cx);
            progress |= self.poll_time(cx);
            if let Poll::Ready(Err(_)) = self.pipe.poll_send(cx) {
                self.reason.get_or_insert(Reason::LOST);
            }
            if let Some(reason) = self.reason {
                return Poll::Ready(reason);
            }
            if !progress {
                return Poll::Pending;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn poll_orders(&mut self, cx: &mut Context<'_>) -> bool {
        match self.orders.as_mut().poll_next(cx) {
            Poll::Pending => return false,
            Poll::Ready(None) => self.reason = Some(Reason::DONE),
            Poll::Ready(Some(Command::Abandon)) => self.reason = Some(Reason::LOST),
            // Whether the host is there is for the owner of the session to find out.
            Poll::Ready(Some(Command::Probe)) => self.ask(&Ask::Probe, Vec::new()),
            Poll::Ready(Some(Command::Close { reply })) => {
                self.farewell = Some(reply);
                self.reason = Some(Reason::DONE);
            }
            Poll::Ready(Some(Command::Cancel { ticket })) => {
                self.queue.cancel(ticket);
                self.cancel(ticket);
            }
            Poll::Ready(Some(Command::Grant { ticket, bytes })) => {
                if self.pending.contains_key(&ticket) {
                    self.ask(&Ask::Grant { number: ticket, bytes }, Vec::new());
                }
            }
            Poll::Ready(Some(Command::Call(call))) => match fault(&call) {
                None => self.queue.push(call, self.runtime.now()),
                Some(misuse) => call.answers.fail(ClientError::Call(Error::invalid(misuse.to_string()))),
            },
        }
        true
    }

    fn ask(&mut self, what: &Ask, params: Vec<u8>) {
        self.pipe.push(&write(what), params, false);
    }

    /// Nobody waits for this call any more. It takes its place until its end is told.
    fn cancel(&mut self, number: Number) -> Option<Answers> {
        let call = self.pending.get_mut(&number)?;
        call.until = None;
        let answers = call.answers.take()?;
        self.ask(&Ask::Cancel { number }, Vec::new());
        Some(answers)
    }

    fn start_queued(&mut self) -> bool {
        let mut begun = false;
        while self.pending.len() < CALLS
            && let Some((call, until)) = self.queue.pop_if(|call| self.parameters.take(call.params.len()))
        {
            begun = true;
            let NewCall { ticket: number, method, params, operation, answers } = call;
            let wants = match &answers {
                // Its own time ends before, and is cancelled for that.
                Answers::Once { limit, .. } => Wants::Result(*limit),
                Answers::Stream { credit, .. } => Wants::Stream(*credit),
            };
            let (bytes, name) = (params.len(), method.clone());
            self.ask(&Ask::Call { number, method, operation, wants }, params);
            self.pending.insert(number, Pending { method: name, answers: Some(answers), until, bytes });
        }
        begun
    }

    /// Whether the owner of the session said something.
    fn listen(&mut self, cx: &mut Context<'_>) -> bool {
        for count in 0..MESSAGES {
            let Poll::Ready(message) = self.pipe.poll_message(cx, read_tell) else { return count > 0 };
            let heard = message.map(|message| self.hear(message));
            if let Ok(Some(())) = heard {
                continue;
            }
            self.reason.get_or_insert(Reason::LOST);
            return true;
        }
        true
    }

    /// Nothing for what makes no sense.
    fn hear(&mut self, (tell, body): (Tell, Vec<u8>)) -> Option<()> {
        match tell {
            Tell::Item { number } => {
                if let Some(Answers::Stream { items, .. }) = &self.pending.get(&number)?.answers {
                    drop(items.try_send(Ok(body)));
                }
            }
            Tell::Answer { number } => {
                if let Some(Answers::Once { reply, .. }) = self.finish(number)? {
                    drop(reply.try_send(Ok(body)));
                }
            }
            // A stream that is over ends without an error.
            Tell::Done { number } => drop(self.finish(number)?),
            Tell::Failed { number, how } => {
                if let Some(answers) = self.finish(number)? {
                    answers.fail(how.error(&body));
                }
            }
            Tell::Over(reason) => self.reason = Some(for_borrowers(reason)),
            Tell::Welcome(_) | Tell::Full => return None,
        }
        Some(())
    }

    /// The call is over; gives whoever waits for it.
    fn finish(&mut self, number: Number) -> Option<Option<Answers>> {
        let call = self.pending.remove(&number)?;
        self.parameters.give_back(call.bytes);
        Some(call.answers)
    }

    fn poll_time(&mut self, cx: &mut Context<'_>) -> bool {
        let now = self.runtime.now();
        let is_late = |call: &Pending| call.until.is_some_and(|at| now >= at);
        let late: Vec<Number> =
            self.pending.iter().filter(|(_, call)| is_late(call)).map(|(number, _)| *number).collect();
        for number in &late {
            let method = self.pending.get(number).map_or_else(String::new, |call| call.method.clone());
            if let Some(answers) = self.cancel(*number) {
                answers.fail_late(&method);
            }
        }
        let expired = self.queue.expire(now);
        let calls = self.pending.values().filter_map(|call| call.until).min();
        let first = [calls, self.queue.deadline()].into_iter().flatten().min();
        first.is_some_and(|at| self.alarm.poll(cx, at)) || expired || !late.is_empty()
    }
}

/// What the protocol's machine would say against a call.
fn fault(call: &NewCall) -> Option<Misuse> {
    if call.method.is_empty() || call.method.len() > limits::METHOD_BYTES {
        Some(Misuse::MethodName)
    } else if call.params.len() > limits::BODY_BYTES {
        Some(Misuse::BodyTooLarge)
    } else {
        None
    }
}
