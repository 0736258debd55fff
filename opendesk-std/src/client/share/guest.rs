//! One borrower, as the owner of the session has it.

use core::pin::Pin;
use core::task::{Context, Poll};
use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;

use async_channel::{Receiver, Sender, WeakSender};
use futures_io::{AsyncRead, AsyncWrite};
use futures_util::Stream;
use opendesk_core::{OperationId, limits};

use super::hands::{Hands, Holder, Touch};
use super::needed::{Need, Needed};
use super::pipe::{Broken, Pipe};
use super::room::{CALLS, Load, Parameters};
use super::wire::{Ask, Failure, Introduction, Number, PROTOCOL, Tell, Wants, read_ask, write};
use crate::api::{Call, Codec, Method, ProcessOutput, ProcessStart};
use crate::client::driver::Command;
use crate::client::queue::{Answers, NewCall, Ticket};
use crate::client::{CALL, ClientError, next_ticket, operation_of};

/// Messages of one borrower before the next one has its turn.
const MESSAGES: usize = 16;

/// The session that is shared.
pub(super) struct Session {
    /// Weak, so that the session ends with the handles of its owner.
    pub(super) commands: WeakSender<Command>,
    pub(super) codec: Codec,
    pub(super) hands: std::sync::Arc<Hands>,
    pub(super) needed: Needed,
    /// Where the owner of the session is told that a borrower hears nothing of the host.
    pub(super) doubts: Sender<()>,
}

impl Session {
    /// Whether the session is still there.
    fn order(&self, command: Command) -> bool {
        self.commands.upgrade().is_some_and(|commands| commands.try_send(command).is_ok())
    }

    /// Releases what a borrower held that is gone.
    pub(super) fn let_go(&self, holder: Holder) -> Vec<Running> {
        self.hands.leave(holder).into_iter().filter_map(|call| self.release(&call)).collect()
    }

    fn release(&self, call: &Call) -> Option<Running> {
        let (operation, params) = (operation_of(call.method()).ok()?, self.codec.encode_params(call).ok()?);
        let (reply, answers) = async_channel::bounded(1);
        let (ticket, method, answers) = (next_ticket(), call.method().to_owned(), Box::pin(answers));
        let order = NewCall { ticket, method, params, operation, answers: Answers::Once { limit: CALL, reply } };
        let running = Running { ticket, answers, is_stream: false, touch: None, need: None, starts: false, bytes: 0 };
        self.order(Command::Call(order)).then_some(running)
    }
}

/// What comes of a call, and after it the end.
type Answered = Receiver<Result<Vec<u8>, ClientError>>;

/// A call in flight.
pub(super) struct Running {
    ticket: Ticket,
    answers: Pin<Box<Answered>>,
    is_stream: bool,
    /// What it presses or releases.
    touch: Option<Touch>,
    /// Whether the session must not end before it does.
    need: Option<Need>,
    /// Whether it starts a command that is to be read.
    starts: bool,
    /// Of its parameters.
    bytes: usize,
}

impl Running {
    pub(super) const fn is_stream(&self) -> bool {
        self.is_stream
    }

    /// Whether it is over; what it gives has no reader any more.
    pub(super) fn poll_over(&mut self, cx: &mut Context<'_>) -> bool {
        loop {
            match self.answers.as_mut().poll_next(cx) {
                Poll::Pending => return false,
                Poll::Ready(Some(Ok(_))) if self.is_stream => {}
                Poll::Ready(_) => return true,
            }
        }
    }
}

/// A call that waits for room.
struct Asked {
    number: Number,
    method: String,
    operation: OperationId,
    wants: Wants,
    params: Vec<u8>,
}

impl Asked {
    const fn is_stream(&self) -> bool {
        matches!(self.wants, Wants::Stream(_))
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// It has to say who it is by then.
    Introducing(Instant),
    Borrowing,
    /// It is told something, and that is all.
    Leaving,
}

/// A borrower.
pub(super) struct Guest<S> {
    holder: Holder,
    pipe: Pipe<S>,
    phase: Phase,
    asked: VecDeque<Asked>,
    running: BTreeMap<Number, Running>,
    /// For commands that it has started and does not read yet.
    unread: Vec<Need>,
    parameters: Parameters,
    /// Since when it has not taken what is there for it.
    stuck: Option<Instant>,
}

/// What came of polling a borrower.
pub(super) enum Moved {
    Nothing,
    Something,
    /// It has said who it is and wants to borrow.
    Introduced,
    /// It is gone, or has to go.
    Gone,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Guest<S> {
    pub(super) fn new(holder: Holder, stream: S, until: Instant) -> Self {
        let mut pipe = Pipe::new(stream);
        pipe.push(&Introduction::own().write(), Vec::new(), false);
        let (phase, parameters) = (Phase::Introducing(until), Parameters::default());
        Self {
            holder,
            pipe,
            phase,
            asked: VecDeque::new(),
            running: BTreeMap::new(),
            unread: Vec::new(),
            parameters,
            stuck: None,
        }
    }

    pub(super) const fn holder(&self) -> Holder {
        self.holder
    }

    pub(super) fn is_borrowing(&self) -> bool {
        self.phase == Phase::Borrowing
    }

    /// It may use the session from now on.
    pub(super) fn welcome(&mut self, head: &[u8], greeting: Vec<u8>) {
        self.phase = Phase::Borrowing;
        self.pipe.admit();
        self.pipe.push(head, greeting, false);
    }

    /// It is told this and nothing more.
    pub(super) fn dismiss(&mut self, why: &Tell) {
        self.phase = Phase::Leaving;
        self.pipe.push(&write(why), Vec::new(), false);
    }

    /// When something has to be done about it if it does nothing.
    pub(super) fn deadline(&self) -> Option<Instant> {
        match self.phase {
            Phase::Introducing(until) => Some(until),
            // As long as the host would wait for a link.
            Phase::Borrowing | Phase::Leaving => self.stuck.map(|since| since + limits::SILENCE),
        }
    }

    pub(super) fn poll(&mut self, cx: &mut Context<'_>, now: Instant, session: &Session) -> Moved {
        if self.deadline().is_some_and(|deadline| now >= deadline) {
            return Moved::Gone;
        }
        let moved = match self.phase {
            Phase::Introducing(_) => match self.pipe.poll_message(cx, Introduction::read) {
                Poll::Ready(Ok(introduction)) if introduction.protocol == PROTOCOL => Moved::Introduced,
                // It has read the same of us, and tells its user.
                Poll::Ready(_) => return Moved::Gone,
                Poll::Pending => Moved::Nothing,
            },
            Phase::Borrowing => {
                let listened = self.listen(cx, session);
                let answered = self.answer(cx, session);
                match listened {
                    Err(_) => return Moved::Gone,
                    Ok(false) if !answered => Moved::Nothing,
                    Ok(_) => Moved::Something,
                }
            }
            Phase::Leaving => Moved::Nothing,
        };
        match self.pipe.poll_send(cx) {
            Poll::Ready(Err(_)) => return Moved::Gone,
            Poll::Ready(Ok(())) if self.phase == Phase::Leaving => return Moved::Gone,
            Poll::Ready(Ok(())) => self.stuck = None,
            Poll::Pending if self.pipe.has_moved() => self.stuck = Some(now),
            Poll::Pending => _ = self.stuck.get_or_insert(now),
        }
        if self.pipe.waiting() > limits::ANSWER_BYTES {
            tracing::warn!(bytes = self.pipe.waiting(), "a program does not read what it asked of a shared session");
            return Moved::Gone;
        }
        moved
    }

    /// Whether it asked for something.
    fn listen(&mut self, cx: &mut Context<'_>, session: &Session) -> Result<bool, Broken> {
        for count in 0..MESSAGES {
            match self.pipe.poll_message(cx, read_ask) {
                Poll::Pending => return Ok(count > 0),
                Poll::Ready(message) => {
                    let (ask, params) = message?;
                    self.hear(ask, params, session)?;
                }
            }
        }
        Ok(true)
    }

    fn hear(&mut self, ask: Ask, params: Vec<u8>, session: &Session) -> Result<(), Broken> {
        match ask {
            Ask::Call { number, method, operation, wants } => {
                let is_known =
                    self.running.contains_key(&number) || self.asked.iter().any(|call| call.number == number);
                let on_their_way = self.running.len() + self.asked.len() + self.pipe.finals();
                let is_bounded = !matches!(wants, Wants::Stream(credit) if credit > limits::WINDOW_BYTES)
                    && params.len() <= limits::BODY_BYTES;
                if is_known || on_their_way >= CALLS || !is_bounded || !self.parameters.take(params.len()) {
                    return Err(Broken::Senseless);
                }
                self.asked.push_back(Asked { number, method, operation, wants, params });
            }
            // A call that has just been answered is not known any more.
            Ask::Grant { number, bytes } => {
                if let Some(call) = self.running.get(&number) {
                    session.order(Command::Grant { ticket: call.ticket, bytes });
                }
            }
            Ask::Cancel { number } => {
                if let Some(call) = self.running.get(&number) {
                    session.order(Command::Cancel { ticket: call.ticket });
                } else if let Some(index) = self.asked.iter().position(|call| call.number == number)
                    && let Some(call) = self.asked.remove(index)
                {
                    self.parameters.give_back(call.params.len());
                    self.tell(&Tell::Done { number }, Vec::new());
                }
            }
            Ask::Probe => {
                session.order(Command::Probe);
                let _one_is_waiting_already = session.doubts.try_send(());
            }
        }
        Ok(())
    }

    fn tell(&mut self, what: &Tell, body: Vec<u8>) {
        self.pipe.push(&write(what), body, what.is_final());
    }

    /// Begins the first of its calls that there is room for, given what is in flight of all borrowers. Whether there was one.
    pub(super) fn begin(&mut self, all: &mut Load, session: &Session) -> bool {
        let mut own = Load::default();
        self.running.values().for_each(|call| own.add(call.is_stream));
        let first = self.asked.iter().position(|call| all.has_room(own, call.is_stream()));
        let Some(call) = first.and_then(|index| self.asked.remove(index)) else { return false };
        let (ticket, is_stream, bytes) = (next_ticket(), call.is_stream(), call.params.len());
        let Asked { number, method, operation, wants, params } = call;
        let touch = session.hands.begin(self.holder, session.codec, &method, &params);
        let (need, starts) = (session.needed.begin(&method), method == ProcessStart::NAME);
        if method == ProcessOutput::NAME {
            drop(self.unread.pop());
        }
        let (reply, answers) = match wants {
            Wants::Result(_) => async_channel::bounded(1),
            // The credit bounds what waits here.
            Wants::Stream(_) => async_channel::unbounded(),
        };
        let sink = match wants {
            Wants::Result(limit) => Answers::Once { limit, reply },
            Wants::Stream(credit) => Answers::Stream { credit, items: reply },
        };
        if session.order(Command::Call(NewCall { ticket, method, params, operation, answers: sink })) {
            let answers = Box::pin(answers);
            self.running.insert(number, Running { ticket, answers, is_stream, touch, need, starts, bytes });
            all.add(is_stream);
        } else {
            // The session is over, which it is told of all its calls at once.
            self.parameters.give_back(bytes);
        }
        true
    }

    /// Whether something came from the host.
    pub(super) fn answer(&mut self, cx: &mut Context<'_>, session: &Session) -> bool {
        let (mut moved, mut over) = (false, Vec::new());
        for (number, call) in &mut self.running {
            let number = *number;
            while let Poll::Ready(answer) = call.answers.as_mut().poll_next(cx) {
                moved = true;
                let is_item = call.is_stream && matches!(answer, Some(Ok(_)));
                if let (Some(touch), Some(outcome)) = (&call.touch, &answer) {
                    session.hands.answered(self.holder, touch, outcome);
                }
                let (tell, body) = match answer {
                    Some(Ok(item)) if is_item => (Tell::Item { number }, item),
                    Some(Ok(result)) => {
                        if call.starts {
                            self.unread.extend(call.need.take());
                        }
                        (Tell::Answer { number }, result)
                    }
                    // Of which it is told of all its calls at once.
                    Some(Err(ClientError::Closed(_))) => {
                        over.push(number);
                        break;
                    }
                    Some(Err(error)) => {
                        let (how, text) = Failure::of(error);
                        (Tell::Failed { number, how }, text.into_bytes())
                    }
                    None => (Tell::Done { number }, Vec::new()),
                };
                self.pipe.push(&write(&tell), body, tell.is_final());
                if !is_item {
                    over.push(number);
                    break;
                }
            }
        }
        for number in over {
            if let Some(call) = self.running.remove(&number) {
                self.parameters.give_back(call.bytes);
            }
        }
        moved
    }

    pub(super) fn load(&self, all: &mut Load) {
        self.running.values().for_each(|call| all.add(call.is_stream));
    }

    /// It is gone: its calls are cancelled. They are in flight until the host says otherwise.
    pub(super) fn cancel_all(self, session: &Session) -> Vec<Running> {
        let calls: Vec<Running> = self.running.into_values().collect();
        for call in &calls {
            session.order(Command::Cancel { ticket: call.ticket });
        }
        calls
    }
}
