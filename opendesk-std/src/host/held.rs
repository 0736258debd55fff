//! Calls that wait for the owner's word, and actions that wait behind one of them.
//!
//! ```text
//!   judged ──▶ held ──▶ its turn ──▶ hands are free ──▶ the owner is asked ──▶ performed, or refused
//!                │                                             ▲
//!                └── a word from `opendesk status --watch` ────┘
//! ```
//!
//! Actions keep their order, so one that is allowed waits behind one that is asked about. That also keeps a controller from
//! answering in the owner's place: while somebody is asked nothing acts, nothing is held down, and what was under way
//! has ended.

use core::time::Duration;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use opendesk_core::{LinkId, Outcome, RequestId};

use super::calls::Done;
use super::driver::Server;
use super::notice::Notice;
use crate::api::{Call, Error, ErrorCode, Kind, Result};
use crate::cancel::Cancel;
use crate::clock;
use crate::desktop::Freed;
use crate::govern::ask::{Answer, Question, describe};
use crate::govern::{Subject, Word};
use crate::home::Alone;
use crate::runtime::Runtime;

/// How many calls may wait for the owner at once: nobody answers more.
const MOST_QUESTIONS: usize = 16;

/// How long no question is put after one was withdrawn.
const REST: Duration = Duration::from_secs(2);

/// A call that waits.
#[derive(Debug)]
pub(super) struct Held {
    link: LinkId,
    call: RequestId,
    subject: Subject,
    decoded: Call,
    /// Bytes of its parameters.
    bytes: usize,
    asking: Option<Asking>,
}

/// What the owner is asked.
#[derive(Debug)]
struct Asking {
    question: Question,
    /// Nobody has answered by then.
    due: Instant,
    /// Raised when the answer is not needed any more.
    cancel: Cancel,
    /// What was held down and is not while the owner is asked.
    freed: Freed,
    /// Held while the question is put, so that no other program of this home answers it.
    alone: Option<Alone>,
    /// Whether it was told that the owner is asked.
    is_told: bool,
    progress: Progress,
}

impl Drop for Asking {
    /// Nobody waits for the answer any more.
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

#[derive(Debug)]
enum Progress {
    /// Others are before it, or something is under way.
    Waits,
    /// What is held down is being released.
    FreesHands,
    /// The owner is being asked.
    Asked,
    Answered(Answer),
}

/// The calls that wait, in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Queue {
    held: VecDeque<Held>,
    asked: u64,
    /// After a question was withdrawn the next one is not put at once: whoever was about to answer must see that it is
    /// another one.
    rests_until: Option<Instant>,
}

impl Queue {
    pub(super) fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// How many calls wait, and how many bytes of parameters.
    pub(super) fn size(&self) -> (usize, usize) {
        (self.held.len(), self.held.iter().map(|held| held.bytes).sum())
    }

    /// What the owner is asked at the moment. What waits is not shown: what the controller still does could answer it.
    pub(super) fn questions(&self) -> Vec<Question> {
        let asking = self.held.iter().filter_map(|held| held.asking.as_ref());
        let open = asking.filter(|asking| matches!(asking.progress, Progress::Asked));
        open.map(|asking| asking.question.clone()).collect()
    }

    /// How many calls wait for the owner.
    fn unanswered(&self) -> usize {
        self.held.iter().filter(|held| held.asking.is_some()).count()
    }

    fn asking(&mut self, number: u64) -> Option<&mut Asking> {
        self.held.iter_mut().filter_map(|held| held.asking.as_mut()).find(|asking| asking.question.number == number)
    }

    /// When the first question is over.
    fn due(&self) -> Option<Instant> {
        let asking = self.held.iter().filter_map(|held| held.asking.as_ref());
        asking.filter(|asking| !matches!(asking.progress, Progress::Answered(_))).map(|asking| asking.due).min()
    }
}

impl<R: Runtime> Server<R> {
    /// Has a call wait: for the owner's word where there is a reason to ask, else behind those that do.
    pub(super) fn hold(&mut self, id: LinkId, call: RequestId, decoded: Call, bytes: usize, why: Option<String>) {
        let Some(session) = self.links.get(&id).and_then(|link| link.session.as_ref()) else { return };
        let subject = session.subject.clone();
        if why.is_some() && self.queue.unanswered() >= MOST_QUESTIONS {
            let busy =
                format!("{MOST_QUESTIONS} calls wait for the owner of this machine already; wait for their answer");
            let refusal = Err(Error::new(ErrorCode::LimitExceeded, busy));
            self.govern.after(&subject, decoded.method(), &decoded.summary(), &refusal);
            return self.answer(id, call, decoded.method(), refusal.map(|()| Vec::new()));
        }
        let asking = why.map(|why| self.question(&subject, &decoded, why));
        if let Some(Asking { question, .. }) = &asking {
            self.govern.asked(&subject, &decoded, question);
        }
        self.queue.held.push_back(Held { link: id, call, subject, decoded, bytes, asking });
        self.restless = true;
    }

    fn question(&mut self, subject: &Subject, call: &Call, why: String) -> Asking {
        self.queue.asked += 1;
        let patience = self.patience.unwrap_or_else(|| self.govern.patience());
        let question = Question {
            number: self.queue.asked,
            peer: subject.peer.name.clone(),
            fingerprint: format!("{:?}", subject.peer.key),
            method: call.method().to_owned(),
            what: describe(call),
            why,
            asked_at: clock::epoch_seconds(),
            within: patience.as_secs(),
        };
        Asking {
            question,
            due: self.runtime.now() + patience,
            cancel: Cancel::new(),
            freed: Freed::default(),
            alone: None,
            is_told: false,
            progress: Progress::Waits,
        }
    }

    /// Goes on with the calls that wait, as far as they may. Gives the time when somebody has waited long enough.
    pub(super) fn advance_held(&mut self) -> Option<Instant> {
        if self.queue.is_empty() {
            return None;
        }
        self.end_patience();
        while let Some(front) = self.queue.held.front_mut() {
            let Some(asking) = &mut front.asking else {
                let Some(held) = self.queue.held.pop_front() else { break };
                self.judge_held(held);
                continue;
            };
            match &asking.progress {
                Progress::Answered(answer) => {
                    let answer = answer.clone();
                    let Some(held) = self.queue.held.pop_front() else { break };
                    self.answered(held, &answer);
                }
                Progress::Waits => {
                    let number = asking.question.number;
                    let rests = self.queue.rests_until.is_some_and(|until| until > self.runtime.now());
                    if rests || self.is_acting() {
                        break;
                    }
                    if let Some(asking) = self.queue.asking(number) {
                        asking.progress = Progress::FreesHands;
                    }
                    let done = self.done.clone();
                    self.desk.release(move |result| drop(done.try_send(Done::HandsFree { number, result })));
                    break;
                }
                Progress::FreesHands | Progress::Asked => break,
            }
        }
        let rests_until = self.queue.rests_until.filter(|until| *until > self.runtime.now());
        self.queue.due().into_iter().chain(rests_until).min()
    }

    /// Whether something is under way that acts on the desktop, or that changes files which the owner may look at before
    /// they answer.
    fn is_acting(&self) -> bool {
        let running = self.links.values().flat_map(|link| link.running.values());
        let orphans = self.orphans.values().map(|orphan| &orphan.running);
        running.chain(orphans).any(|running| running.acts || running.writes)
    }

    fn end_patience(&mut self) {
        let now = self.runtime.now();
        for asking in self.queue.held.iter_mut().filter_map(|held| held.asking.as_mut()) {
            if asking.due <= now && !matches!(asking.progress, Progress::Answered(_)) {
                asking.cancel.cancel();
                asking.alone = None;
                let why = format!("nobody answered within {} s", asking.question.within);
                asking.progress = Progress::Answered(Answer::Nobody(why));
            }
        }
    }

    /// Nothing is held down any more: the owner can be asked.
    pub(super) fn hands_free(&mut self, number: u64, result: Result<Freed>) {
        let now = self.runtime.now();
        let Some(asking) = self.queue.asking(number) else { return };
        if !matches!(asking.progress, Progress::FreesHands) {
            return;
        }
        match result {
            Ok(freed) => asking.freed = freed,
            Err(error) => {
                // A key that stays down could answer.
                asking.progress = Progress::Answered(Answer::Nobody(format!("what is held down stays down: {error}")));
                self.restless = true;
                return;
            }
        }
        if !asking.freed.modifiers.is_empty() {
            let keys: Vec<String> = asking.freed.modifiers.iter().map(|key| format!("{key:?}")).collect();
            asking.question.what.push_str(&format!("\nHeld down with it: {}.", keys.join(", ")));
        }
        let within = asking.due.saturating_duration_since(now);
        let (cancel, screen, runtime) = (asking.cancel.clone(), self.home.screen(), self.runtime.clone());
        let approver = Arc::clone(&self.approver);
        self.send_away(Box::pin(async move {
            let wait = move || (screen.alone(within, &cancel), approver.is_at_hand());
            let (result, is_at_hand) = runtime.run_blocking(wait).await;
            Some(Done::ScreenFree { number, result, is_at_hand })
        }));
    }

    /// Nobody else acts on the desktop any more: the owner is asked.
    pub(super) fn screen_free(&mut self, number: u64, result: core::result::Result<Alone, String>, is_at_hand: bool) {
        let now = self.runtime.now();
        let Some(asking) = self.queue.asking(number) else { return };
        if !matches!(asking.progress, Progress::FreesHands) {
            return;
        }
        match result {
            Ok(alone) => asking.alone = Some(alone),
            Err(why) => {
                asking.progress = Progress::Answered(Answer::Nobody(why));
                self.restless = true;
                return;
            }
        }
        asking.progress = Progress::Asked;
        let left = asking.due.saturating_duration_since(now);
        let question = Question { within: (left.as_secs_f64().ceil() as u64).max(1), ..asking.question.clone() };
        // What is refused at once waits for nobody.
        let is_told = is_at_hand || self.is_watched();
        if is_told {
            self.notify(Notice::Asked(Box::new(question.clone())));
        }
        let Some(asking) = self.queue.asking(number) else { return };
        asking.is_told = is_told;
        let (cancel, approver, runtime) = (asking.cancel.clone(), Arc::clone(&self.approver), self.runtime.clone());
        self.send_away(Box::pin(async move {
            let answer = runtime.run_blocking(move || approver.ask(&question, &cancel)).await;
            Some(Done::Decided { number, answer })
        }));
    }

    /// A program of the owner has answered. A yes counts only for what they are asked at the moment.
    ///
    /// # Errors
    /// A line for the program when nobody waits for that.
    pub(super) fn decide_held(&mut self, number: u64, answer: Answer) -> core::result::Result<(), String> {
        let early = |asking: &Asking| matches!(asking.progress, Progress::Waits | Progress::FreesHands);
        if matches!(answer, Answer::Allowed { .. }) && self.queue.asking(number).is_some_and(|asking| early(asking)) {
            return Err(format!("question {number} has not been asked yet"));
        }
        if self.decided(number, answer) {
            return Ok(());
        }
        Err(format!("nothing with the number {number} waits for an answer any more"))
    }

    /// The owner has answered, by whatever way, or cannot be asked. Tells whether anybody waited for that.
    pub(super) fn decided(&mut self, number: u64, answer: Answer) -> bool {
        // Whoever watches may still answer where no other way leads to the owner.
        let may_come = matches!(answer, Answer::Nobody(_)) && self.is_watched();
        let Some(asking) = self.queue.asking(number) else { return false };
        if matches!(asking.progress, Progress::Answered(_)) {
            return false;
        }
        if !may_come {
            asking.cancel.cancel();
            asking.alone = None;
            asking.progress = Progress::Answered(answer);
            self.restless = true;
        }
        true
    }

    /// A question is over; nobody hears the end of what they did not hear of.
    fn tell_end(&self, asking: &Asking, is_allowed: bool) {
        if asking.is_told {
            self.notify(Notice::Decided { number: asking.question.number, is_allowed });
        }
    }

    fn answered(&mut self, held: Held, answer: &Answer) {
        if let Some(asking) = &held.asking {
            self.govern.decided(&held.subject, &asking.question, answer);
            self.tell_end(asking, matches!(answer, Answer::Allowed { .. }));
        }
        let why = match answer {
            Answer::Allowed { .. } => return self.go_on(held),
            Answer::Denied { .. } => "the owner of this machine said no".to_owned(),
            Answer::Nobody(why) => format!("the owner of this machine was not there to allow it: {why}"),
        };
        self.refuse(held, &Error::new(ErrorCode::PermissionDenied, why));
    }

    /// It is the turn of an action that was allowed when it came. What counts is what is said now.
    fn judge_held(&mut self, mut held: Held) {
        self.look_at_control();
        match self.word_now(&mut held, self.left_alone_for()) {
            Word::Allowed => self.perform(held.link, held.call, held.decoded, held.bytes),
            Word::Refused(refusal) => self.answer(held.link, held.call, held.decoded.method(), Err(refusal)),
            Word::Ask(_) if self.follows(held.link, &held.decoded) => {
                self.perform(held.link, held.call, held.decoded, held.bytes);
            }
            Word::Ask(why) => {
                let asking = self.question(&held.subject, &held.decoded, why);
                self.govern.asked(&held.subject, &held.decoded, &asking.question);
                self.queue.held.push_front(Held { asking: Some(asking), ..held });
            }
        }
    }

    /// The owner has said yes. That does not lift what was forbidden since they were asked; that they use the machine
    /// themselves at the moment is how they said it.
    fn go_on(&mut self, mut held: Held) {
        self.look_at_control();
        let freed = held.asking.as_mut().map(|asking| core::mem::take(&mut asking.freed)).unwrap_or_default();
        match self.word_now(&mut held, None) {
            // With another meaning than it was asked for with, it does not happen.
            Word::Allowed | Word::Ask(_) if freed.others => self.refuse(held, &released()),
            Word::Allowed | Word::Ask(_) => {
                if !freed.modifiers.is_empty() {
                    self.desk.hold(freed.modifiers);
                }
                self.perform(held.link, held.call, held.decoded, held.bytes);
            }
            Word::Refused(refusal) => self.answer(held.link, held.call, held.decoded.method(), Err(refusal)),
        }
    }

    /// What is said to a call now, of the controller as it is known now.
    fn word_now(&mut self, held: &mut Held, left_alone: Option<Duration>) -> Word {
        if let Some(session) = self.links.get(&held.link).and_then(|link| link.session.as_ref()) {
            held.subject = session.subject.clone();
        }
        self.govern.judge(&held.subject, &held.decoded, left_alone)
    }

    fn refuse(&mut self, held: Held, why: &Error) {
        self.govern.refused(&held.subject, &held.decoded, why);
        self.answer(held.link, held.call, held.decoded.method(), Err(why.clone()));
    }

    /// Refuses everything that waits.
    pub(super) fn refuse_held(&mut self, why: &Error) {
        for held in self.take_held(|_| true) {
            self.refuse(held, why);
        }
    }

    /// Refuses the actions that wait, but for the one that the owner is asked about: they use the mouse to answer.
    pub(super) fn refuse_held_actions(&mut self, why: &Error) {
        let is_asked = |held: &Held| {
            held.asking
                .as_ref()
                .is_some_and(|asking| matches!(asking.progress, Progress::Asked | Progress::Answered(_)))
        };
        for held in self.take_held(|held| held.decoded.kind() == Kind::Action && !is_asked(held)) {
            self.refuse(held, why);
        }
    }

    /// Takes calls out of the queue. The owner need not answer about them any more.
    fn take_held(&mut self, is_meant: impl Fn(&Held) -> bool) -> VecDeque<Held> {
        let (taken, kept): (VecDeque<Held>, VecDeque<Held>) =
            core::mem::take(&mut self.queue.held).into_iter().partition(is_meant);
        self.queue.held = kept;
        for asking in taken.iter().filter_map(|held| held.asking.as_ref()) {
            asking.cancel.cancel();
            if matches!(asking.progress, Progress::Asked) {
                self.queue.rests_until = Some(self.runtime.now() + REST);
            }
            self.tell_end(asking, false);
        }
        taken
    }

    /// Nobody waits for a call any more, or for any of a link. Gives whether one of them was held.
    pub(super) fn drop_held(&mut self, link: LinkId, call: Option<RequestId>) -> bool {
        let dropped = self.take_held(|held| held.link == link && call.is_none_or(|call| held.call == call));
        let any = !dropped.is_empty();
        for held in dropped {
            let cancelled = Err(Error::cancelled());
            self.govern.after(&held.subject, held.decoded.method(), &held.decoded.summary(), &cancelled);
            let operation = self.links.get_mut(&held.link).and_then(|link| link.operations.remove(&held.call));
            if let Some(operation) = operation {
                let peer = held.subject.peer.key;
                self.recent.keep(peer, operation, &Err(Error::cancelled()));
                self.host.settle(peer, operation, Outcome::Error(ErrorCode::Cancelled));
            }
        }
        any
    }
}

fn released() -> Error {
    Error::new(
        ErrorCode::PermissionDenied,
        "the button or key that was held down came up while the owner was asked, so it was not done; a drag, and keys that \
         are held, need an owner who is not asked about each step",
    )
}
