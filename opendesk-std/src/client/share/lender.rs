//! The event loop that lends a session to other programs of this machine.

use core::convert::Infallible;
use core::future::poll_fn;
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;
use std::io;
use std::sync::Arc;
use std::time::Instant;

use async_channel::Receiver;
use futures_util::Stream;
use opendesk_core::{Reason, limits};

use super::Lent;
use super::guest::{Guest, Moved, Running, Session};
use super::hands::{Hands, Holder};
use super::needed::Needed;
use super::place::Held;
use super::room::{GUESTS, Load};
use super::wire::{Facts, Tell, for_borrowers, write};
use crate::client::Client;
use crate::client::ending::Ending;
use crate::runtime::{Alarm, Listener, Runtime, is_own};

/// Rounds of work before other tasks of the thread get a turn.
const BUDGET: usize = 32;

/// How long a program may take to say who it is.
const PATIENCE: Duration = Duration::from_secs(5);

/// Programs that are told that there is no place for them, at once.
const TURNED_AWAY: usize = 8;

/// How long nobody is let in after the system could not.
const REST: Duration = Duration::from_secs(1);

/// Lends one session until it is over.
pub(super) struct Lender<R: Runtime> {
    runtime: R,
    /// Absent once the session is over.
    door: Option<Door<R>>,
    session: Session,
    ending: Arc<Ending>,
    over: Pin<Box<Receiver<Infallible>>>,
    /// What a borrower is told first, and the greeting of the host.
    welcome: (Vec<u8>, Vec<u8>),
    guests: Vec<Guest<R::LocalStream>>,
    /// Calls of borrowers that are gone.
    orphans: Vec<Running>,
    /// The number of the next borrower.
    next: Holder,
    /// Whose turn it is.
    turn: usize,
    alarm: Alarm<R::Timer>,
    /// When the farewell is over.
    ends_at: Option<Instant>,
}

/// Where borrowers come in.
struct Door<R: Runtime> {
    /// Dropped before the lock is given back.
    listener: R::LocalListener,
    held: Arc<Held>,
    rests_until: Option<Instant>,
}

impl<R: Runtime> Lender<R> {
    /// Listens for those who want to use this session as well.
    pub(super) fn start(runtime: &R, held: Arc<Held>, client: &Client) -> io::Result<Self> {
        let (hands, needed) = (Arc::<Hands>::default(), Needed::default());
        // One is as good as many.
        let (doubts, hears) = async_channel::bounded(1);
        let (own, held_by) = (Arc::clone(&hands), Arc::downgrade(&held));
        if !client.ended.lend(Lent { hands: own, needed: needed.clone(), held: held_by, doubts: hears }) {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, "it is lent already"));
        }
        // A few short calls of the system, on an event loop: nobody may find the session taken and nobody who shares it.
        held.clear()?;
        let listener = runtime.listen_local(held.place().address()?.path())?;
        held.restrict()?;
        let facts = Facts {
            wire: client.wire,
            host: client.host,
            signing_key: client.signing_key,
            handshake: client.handshake,
            memory: client.memory,
        };
        Ok(Self {
            door: Some(Door { listener, held, rests_until: None }),
            session: Session { commands: client.commands.downgrade(), codec: client.codec(), hands, needed, doubts },
            ending: Arc::clone(&client.ended),
            over: Box::pin(client.ended.over()),
            welcome: (write(&Tell::Welcome(facts)), write(&client.greeting)),
            guests: Vec::new(),
            orphans: Vec::new(),
            next: 1,
            turn: 0,
            alarm: Alarm::new(runtime.timer()),
            ends_at: None,
            runtime: runtime.clone(),
        })
    }

    pub(super) async fn run(mut self) {
        poll_fn(|cx| self.poll(cx)).await;
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        for _ in 0..BUDGET {
            let now = self.runtime.now();
            let mut progress = self.poll_over(cx, now);
            progress |= self.accept(cx, now);
            progress |= self.poll_guests(cx, now);
            progress |= self.begin();
            self.orphans.retain_mut(|call| !call.poll_over(cx));
            progress |= self.poll_time(cx);
            if self.ends_at.is_some_and(|at| now >= at || self.guests.is_empty()) {
                return Poll::Ready(());
            }
            if !progress {
                return Poll::Pending;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// The session may be over: the place is free for another one at once, and then the borrowers hear.
    fn poll_over(&mut self, cx: &mut Context<'_>, now: Instant) -> bool {
        if self.ends_at.is_some() || self.over.as_mut().poll_next(cx).is_pending() {
            return false;
        }
        self.ends_at = Some(now + limits::LINGER);
        self.orphans.clear();
        // This program opens another session in the place of this one, and the borrowers will have that.
        let goes_on = self.door.take().is_some_and(|door| Arc::strong_count(&door.held) > 1);
        let reason = match self.ending.reason() {
            Reason::REPLACED if goes_on => Reason::LOST,
            reason => for_borrowers(reason),
        };
        self.guests.retain(Guest::is_borrowing);
        for guest in &mut self.guests {
            // What the host has answered by now is theirs still.
            guest.answer(cx, &self.session);
            guest.dismiss(&Tell::Over(reason));
        }
        true
    }

    fn accept(&mut self, cx: &mut Context<'_>, now: Instant) -> bool {
        let Some(door) = &mut self.door else { return false };
        if self.guests.len() >= GUESTS + TURNED_AWAY || door.rests_until.is_some_and(|until| now < until) {
            return false;
        }
        door.rests_until = None;
        match door.listener.poll_accept(cx) {
            Poll::Pending => false,
            Poll::Ready(Ok((stream, _))) => {
                if is_own(&stream, "the socket of a shared session") {
                    self.guests.push(Guest::new(self.next, stream, now + PATIENCE));
                    self.next += 1;
                }
                true
            }
            Poll::Ready(Err(error)) => {
                tracing::warn!(%error, "nobody can be let in who wants to share a session; it is tried again");
                door.rests_until = Some(now + REST);
                true
            }
        }
    }

    fn poll_guests(&mut self, cx: &mut Context<'_>, now: Instant) -> bool {
        let (mut progress, mut index) = (false, 0);
        while let Some(guest) = self.guests.get_mut(index) {
            match guest.poll(cx, now, &self.session) {
                Moved::Nothing => index += 1,
                Moved::Something => {
                    progress = true;
                    index += 1;
                }
                Moved::Introduced => {
                    progress = true;
                    if self.guests.iter().filter(|guest| guest.is_borrowing()).count() < GUESTS {
                        self.guests[index].welcome(&self.welcome.0, self.welcome.1.clone());
                    } else {
                        self.guests[index].dismiss(&Tell::Full);
                    }
                    index += 1;
                }
                Moved::Gone => {
                    progress = true;
                    let guest = self.guests.remove(index);
                    self.take_leave(guest);
                }
            }
        }
        progress
    }

    /// Nothing of a borrower goes on without it, and nothing stays pressed.
    fn take_leave(&mut self, guest: Guest<R::LocalStream>) {
        if self.ends_at.is_some() {
            return;
        }
        let holder = guest.holder();
        self.orphans.extend(guest.cancel_all(&self.session));
        self.orphans.extend(self.session.let_go(holder));
    }

    /// Begins what there is room for, one call of each borrower in turn.
    fn begin(&mut self) -> bool {
        if self.ends_at.is_some() || self.guests.is_empty() {
            return false;
        }
        let mut all = Load::default();
        self.orphans.iter().for_each(|call| all.add(call.is_stream()));
        self.guests.iter().for_each(|guest| guest.load(&mut all));
        let (mut begun, mut passed) = (false, 0);
        while passed < self.guests.len() {
            let turn = self.turn % self.guests.len();
            self.turn = turn + 1;
            if self.guests[turn].begin(&mut all, &self.session) {
                (begun, passed) = (true, 0);
            } else {
                passed += 1;
            }
        }
        begun
    }

    fn poll_time(&mut self, cx: &mut Context<'_>) -> bool {
        let rest = self.door.as_ref().and_then(|door| door.rests_until);
        let guests = self.guests.iter().filter_map(Guest::deadline).min();
        let first = [self.ends_at, rest, guests].into_iter().flatten().min();
        first.is_some_and(|at| self.alarm.poll(cx, at))
    }
}
