//! The task that keeps one machine connected.

use core::future::{Future, pending, poll_fn};
use core::pin::pin;
use core::task::Poll;
use core::time::Duration;
use std::sync::Arc;
use std::time::Instant;

use async_channel::{Receiver, Sender};
use futures_util::future::BoxFuture;
use opendesk_core::{Reason, Wire, limits};

use super::backoff::{EAGER, asks, dial, flapping, rest, spread};
use super::opening::{Right, open};
use super::state::{Board, LinkState};
use super::{RemoteOptions, WhileBusy};
use crate::client::dial::{CONNECT, Race};
use crate::client::resolve::Search;
use crate::client::target::Whom;
use crate::client::{Client, ClientError};
use crate::runtime::{Runtime, after, timeout};
use crate::seed;

/// What the handles ask of it.
pub(super) enum Order {
    /// A session is wanted, other than the one with the handshake that was lost.
    Session {
        lost: Option<[u8; 32]>,
        by: Instant,
        reply: Sender<Result<Client, ClientError>>,
    },
    /// Something is to be said in the session, if there is one.
    Unheard(Box<dyn FnOnce(&Client) + Send>),
    /// The host owes an answer, and nothing is heard of it.
    Doubt {
        handshake: [u8; 32],
    },
    /// Whether another program has something under way that would end with the session.
    IsNeeded {
        reply: Sender<bool>,
    },
    /// A session may be opened again where one was ended on the machine.
    Forgive,
    Close {
        reply: Sender<()>,
    },
}

/// Between tries while another controller drives the machine.
const QUEUE: Duration = Duration::from_secs(2);

/// How long a host that was asked whether it is there may take to answer before it is sought anew.
const DOUBT: Duration = Duration::from_secs(1);

/// How long a link of which no answer is owed may be quiet: the protocol has asked by then, so a host that is there has said
/// something.
const IDLE: Duration = limits::PING_AFTER.saturating_add(Duration::from_secs(2));

/// A session that lasted this long had nothing wrong with it.
const STEADY: Duration = Duration::from_secs(10);

/// How long one attempt to open a link again may take.
const AGAIN: Duration = Duration::from_secs(5);

/// Somebody who wants a session.
struct Waiter {
    since: Instant,
    by: Instant,
    reply: Sender<Result<Client, ClientError>>,
}

/// A link that broke off.
struct Gone {
    since: Instant,
    tries: u32,
    why: String,
}

/// A link that may be dead, so that another one is tried beside it.
struct Doubt {
    since: Instant,
    tries: u32,
}

/// A session that is being opened, and the race that those run who open it.
struct Attempt {
    race: Race,
    opening: BoxFuture<'static, Result<Client, ClientError>>,
}

enum Event {
    Order(Option<Order>),
    Ended(Reason),
    /// A borrower of the session hears nothing of the host.
    Doubted,
    Tried(Box<Result<Client, ClientError>>),
    Time,
}

pub(super) struct Actor<R> {
    runtime: R,
    options: RemoteOptions,
    orders: Receiver<Order>,
    board: Arc<Board>,
    current: Option<Client>,
    attempt: Option<Attempt>,
    gone: Option<Gone>,
    doubt: Option<Doubt>,
    /// Nothing is tried before.
    rest_until: Option<Instant>,
    waiting: Vec<Waiter>,
    /// When the last session began, and how many have ended soon after they began without having answered anything.
    opened: Option<Instant>,
    flaps: u32,
    /// Whether those who wait do so for another controller to go.
    queues: bool,
    /// Why no session is opened until a person wants it.
    barred: Option<Reason>,
}

impl<R: Runtime> Actor<R> {
    pub(super) const fn new(runtime: R, options: RemoteOptions, orders: Receiver<Order>, board: Arc<Board>) -> Self {
        Self {
            runtime,
            options,
            orders,
            board,
            current: None,
            attempt: None,
            gone: None,
            doubt: None,
            rest_until: None,
            waiting: Vec::new(),
            opened: None,
            flaps: 0,
            queues: false,
            barred: None,
        }
    }

    /// Until the last handle is dropped.
    pub(super) async fn run(mut self) {
        loop {
            self.begin();
            match self.next().await {
                Event::Order(None) => break,
                Event::Order(Some(order)) => self.take(order).await,
                Event::Ended(reason) => self.ended(reason),
                Event::Doubted => self.doubt(),
                Event::Tried(outcome) => {
                    self.attempt = None;
                    self.tried(*outcome);
                }
                Event::Time => self.look(),
            }
        }
        if let Some(client) = self.current.take() {
            client.close().await;
        }
    }

    /// What happens next.
    async fn next(&mut self) -> Event {
        let now = self.runtime.now();
        let limit = self.deadline().map_or(Duration::MAX, |at| at.saturating_duration_since(now));
        let orders = &self.orders;
        let mut order = pin!(orders.recv());
        let current = self.current.as_ref();
        let mut ended = pin!(async {
            match current {
                Some(client) => client.ended().await,
                None => pending().await,
            }
        });
        let mut doubted = pin!(async {
            match current {
                Some(client) => client.doubted().await,
                None => pending().await,
            }
        });
        let attempt = &mut self.attempt;
        let first = poll_fn(|cx| {
            // The end of a session before what is wanted of it.
            if let Poll::Ready(reason) = ended.as_mut().poll(cx) {
                return Poll::Ready(Event::Ended(reason));
            }
            if let Poll::Ready(outcome) =
                attempt.as_mut().map_or(Poll::Pending, |attempt| attempt.opening.as_mut().poll(cx))
            {
                return Poll::Ready(Event::Tried(Box::new(outcome)));
            }
            if doubted.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Event::Doubted);
            }
            order.as_mut().poll(cx).map(|order| Event::Order(order.ok()))
        });
        timeout(&self.runtime, limit, first).await.unwrap_or(Event::Time)
    }

    /// When something is due that nobody tells of.
    fn deadline(&self) -> Option<Instant> {
        let waiters = self.waiting.iter().map(|waiter| waiter.by).filter(|_| !self.queues);
        let rest = self.rest_until.filter(|_| self.attempt.is_none() && self.wants_link());
        let given_up = self.gone.as_ref().map(|gone| after(gone.since, self.options.reconnect_for));
        let doubt = self.doubt.as_ref().filter(|_| self.attempt.is_none()).map(|doubt| doubt.since + DOUBT);
        let quiet = match (&self.doubt, &self.current) {
            (None, Some(client)) => client.pulse.as_ref().map(|pulse| pulse.heard() + IDLE),
            _ => None,
        };
        let doubt = doubt.map(|at| self.rest_until.map_or(at, |rest| rest.max(at)));
        waiters.chain(rest).chain(given_up).chain(doubt).chain(quiet).min()
    }

    /// Whether there ought to be a session.
    const fn wants_link(&self) -> bool {
        self.current.is_none() && (!self.waiting.is_empty() || self.gone.is_some())
    }

    /// Tries to open a link, if it is wanted and time to.
    fn begin(&mut self) {
        let now = self.runtime.now();
        if self.attempt.is_some() || self.rest_until.is_some_and(|until| now < until) {
            return;
        }
        let (race, tries) = match (&self.current, &self.doubt) {
            (Some(client), Some(doubt)) if now >= doubt.since + DOUBT => {
                if !client.is_silent_since(doubt.since) {
                    self.doubt = None;
                    return;
                }
                let (client, since) = (client.clone(), doubt.since);
                (Race::new(move || client.is_silent_since(since)), Some(doubt.tries))
            }
            (None, _) if self.wants_link() => (Race::new(|| true), self.gone.as_ref().map(|gone| gone.tries)),
            _ => return,
        };
        if self.current.is_none() && tries.is_none() {
            self.board.set(LinkState::Connecting);
        }
        let of = race.clone();
        let search = match tries {
            None => Search { discover: self.options.discover, by: now + CONNECT, dial: CONNECT, again: None, race },
            Some(tries) => Search {
                discover: self.options.discover && asks(tries),
                by: now + AGAIN,
                dial: dial(tries),
                again: Some(EAGER),
                race,
            },
        };
        let right = match &self.current {
            // Its end is told next.
            Some(client) if !client.is_open() => return,
            // What this program lends it must not borrow.
            Some(client) => Right::Had(client.lease()),
            None if self.options.share => Right::Sought,
            None => Right::Had(None),
        };
        let (options, whom) = (self.options.clone(), self.options.whom.clone());
        let opening = Box::pin(open(self.runtime.clone(), options, whom, search, right));
        self.attempt = Some(Attempt { race: of, opening });
    }

    async fn take(&mut self, order: Order) {
        match order {
            Order::Session { lost, by, reply } => {
                let is_over =
                    self.current.as_ref().is_some_and(|client| !client.is_open() || lost == Some(client.handshake()));
                if is_over && let Some(client) = &self.current {
                    let reason = client.ended.reason();
                    self.ended(reason);
                }
                match (self.barred, &self.current) {
                    (Some(reason), _) => drop(reply.try_send(Err(ClientError::Closed(reason)))),
                    (None, Some(client)) => drop(reply.try_send(Ok(client.clone()))),
                    (None, None) => {
                        if self.gone.is_none() && self.waiting.is_empty() {
                            self.rest_until = None;
                        }
                        self.waiting.push(Waiter { since: self.runtime.now(), by, reply });
                    }
                }
            }
            Order::Unheard(call) => {
                if let Some(client) = &self.current {
                    call(client);
                }
            }
            Order::Doubt { handshake } => {
                if self.current.as_ref().is_some_and(|client| client.handshake() == handshake) {
                    self.doubt();
                }
            }
            Order::IsNeeded { reply } => {
                let is_needed = self.current.as_ref().is_some_and(Client::is_needed);
                let _nobody_may_wait = reply.try_send(is_needed);
            }
            Order::Forgive => self.barred = None,
            Order::Close { reply } => {
                self.queues = false;
                (self.attempt, self.gone, self.doubt, self.rest_until) = (None, None, None, None);
                self.refuse_all(|| ClientError::Closed(Reason::DONE));
                if let Some(client) = self.current.take() {
                    client.close().await;
                }
                self.board.set(LinkState::Idle);
                let _nobody_may_wait = reply.try_send(());
            }
        }
    }

    /// The host owes an answer, and nothing is heard of it.
    fn doubt(&mut self) {
        let Some(client) = &self.current else { return };
        client.probe();
        // The owner of a borrowed session replaces it.
        if !client.is_borrowed() {
            let since = self.runtime.now();
            self.doubt.get_or_insert(Doubt { since, tries: 0 });
        }
    }

    /// The session is over.
    fn ended(&mut self, reason: Reason) {
        let former = self.current.take();
        let wire = former.as_ref().map(Client::wire);
        let was_of_use = former.is_some_and(|client| client.pulse.is_none_or(|pulse| pulse.has_answered()));
        self.doubt = None;
        // Version 1 has one word for both.
        let is_replaced = reason == Reason::REPLACED || (reason == Reason::EVICTED && wire == Some(Wire::V1));
        let goes_on = self.attempt.as_ref().is_some_and(|attempt| attempt.race.is_taken());
        match reason {
            // By an attempt of our own, of which the host has been told.
            _ if is_replaced && goes_on => self.gone(Reason::LOST, was_of_use),
            Reason::EVICTED | Reason::REPLACED | Reason::REFUSED => {
                self.barred = Some(reason);
                self.attempt = None;
                self.refuse_all(|| ClientError::Closed(reason));
                self.board.set(LinkState::Evicted { why: reason.text().to_owned() });
            }
            Reason::UNTRUSTED => {
                self.attempt = None;
                self.refuse_all(|| ClientError::Closed(reason));
                self.board.set(LinkState::Untrusted { why: reason.text().to_owned() });
            }
            Reason::DONE => self.board.set(LinkState::Idle),
            _ => self.gone(reason, was_of_use),
        }
    }

    /// A session that had an answer, or not, has broken off.
    fn gone(&mut self, reason: Reason, was_of_use: bool) {
        let why = reason.text().to_owned();
        self.board.set(LinkState::Reconnecting { tries: 0, why: why.clone() });
        let now = self.runtime.now();
        self.gone = Some(Gone { since: now, tries: 0, why });
        // A host that ends each session as soon as it is there is not asked for the next one at once.
        let is_soon = self.opened.is_some_and(|opened| now.saturating_duration_since(opened) < STEADY);
        self.flaps = if is_soon && !was_of_use { self.flaps + 1 } else { 0 };
        self.rest_until = (self.flaps > 1).then(|| now + spread(flapping(self.flaps), chance()));
    }

    /// An attempt has ended.
    fn tried(&mut self, outcome: Result<Client, ClientError>) {
        let now = self.runtime.now();
        match outcome {
            Ok(client) => {
                if let Some(former) = self.current.replace(client.clone()) {
                    // What waits for it is to go on in the new one.
                    former.abandon();
                }
                (self.gone, self.doubt, self.rest_until, self.queues) = (None, None, None, false);
                self.opened = Some(now);
                self.board.greeted(client.greeting().manifest.clone());
                self.board.set(LinkState::Connected { wire: client.wire() });
                for waiter in self.waiting.drain(..) {
                    drop(waiter.reply.try_send(Ok(client.clone())));
                }
            }
            Err(_) if self.current.is_some() => {
                if let Some(doubt) = &mut self.doubt {
                    doubt.tries += 1;
                    self.rest_until = Some(now + rest(doubt.tries, now - doubt.since, chance()));
                }
            }
            Err(error) => self.failed(error, now),
        }
    }

    fn failed(&mut self, error: ClientError, now: Instant) {
        let why = error.to_string();
        self.queues = false;
        match &error {
            ClientError::Refused { reason: Reason::BUSY, info } => {
                let (holder, since) = info.as_ref().map_or((None, None), |info| (info.holder.clone(), info.since));
                self.board.set(LinkState::Busy { why, holder, since });
                self.gone = None;
                if self.options.while_busy == WhileBusy::Wait && !self.waiting.is_empty() {
                    self.rest_until = Some(now + spread(QUEUE, chance()));
                    self.queues = true;
                    return;
                }
            }
            ClientError::Refused { reason: Reason::UNTRUSTED | Reason::REFUSED, .. } => {
                self.gone = None;
                self.board.set(LinkState::Untrusted { why });
            }
            // Where the machine was, another may be by now, and it elsewhere.
            ClientError::WrongHost { .. } | ClientError::NotRecognised { .. } if self.gone.is_none() => {
                self.board.set(LinkState::Untrusted { why });
            }
            _ => {
                if let Some(gone) = &mut self.gone {
                    gone.tries += 1;
                    gone.why.clone_from(&why);
                    self.rest_until = Some(now + rest(gone.tries, now - gone.since, chance()));
                    self.board.set(LinkState::Reconnecting { tries: gone.tries, why });
                    return;
                }
                self.board.set(LinkState::Unreachable { why });
            }
        }
        self.refuse_all(|| error.clone());
    }

    /// Something may be due.
    fn look(&mut self) {
        let now = self.runtime.now();
        if let Some(gone) = self.gone.take_if(|gone| now >= after(gone.since, self.options.reconnect_for)) {
            self.attempt = None;
            self.board.set(LinkState::Unreachable { why: gone.why });
            let (name, away) = (name_of(&self.options.whom), self.options.reconnect_for);
            self.refuse_all(|| ClientError::Timeout { what: name.clone(), after: away });
        }
        let (name, why) = (name_of(&self.options.whom), self.gone.as_ref().map(|gone| gone.why.clone()));
        let queues = self.queues;
        self.waiting.retain(|waiter| {
            // Whoever waits for a machine that is busy waits until it is free.
            if now < waiter.by || queues {
                return !waiter.reply.is_closed();
            }
            let waited = now - waiter.since;
            let error = match &why {
                Some(why) => ClientError::unreachable_since(&name, why),
                None => ClientError::Timeout { what: name.clone(), after: waited },
            };
            drop(waiter.reply.try_send(Err(error)));
            false
        });
        if let (None, Some(client)) = (&self.doubt, &self.current)
            && client.pulse.as_ref().is_some_and(|pulse| now >= pulse.heard() + IDLE)
        {
            client.probe();
            self.doubt = Some(Doubt { since: now, tries: 0 });
        }
    }

    fn refuse_all(&mut self, why: impl Fn() -> ClientError) {
        for waiter in self.waiting.drain(..) {
            drop(waiter.reply.try_send(Err(why())));
        }
    }
}

fn name_of(whom: &Whom) -> String {
    match whom {
        Whom::Peer(name) => name.clone(),
        Whom::At(place) => place.to_string(),
    }
}

/// Any byte.
fn chance() -> u8 {
    // Without randomness the tries come at even times.
    seed::operation().map_or(128, |bytes| bytes[0])
}
