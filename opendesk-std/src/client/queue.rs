//! Calls that are ordered, until there is room for them in their session.

use core::time::Duration;
use std::collections::VecDeque;
use std::time::Instant;

use async_channel::Sender;
use opendesk_core::OperationId;

use super::ClientError;
use crate::runtime::after;

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

impl Answers {
    /// Tells whoever waits that nothing more will come, and why.
    pub(super) fn fail(self, error: ClientError) {
        let (Self::Once { reply, .. } | Self::Stream { items: reply, .. }) = self;
        drop(reply.try_send(Err(error)));
    }

    /// Tells whoever waits that the host took too long with this method.
    pub(super) fn fail_late(self, method: &str) {
        if let Self::Once { limit: after, .. } = self {
            self.fail(ClientError::Timeout { what: format!("the host's {method}"), after });
        }
    }

    /// When the answer to a call that is ordered now is not waited for any more; a stream has no such time.
    fn until(&self, now: Instant) -> Option<Instant> {
        match self {
            Self::Once { limit, .. } => Some(after(now, *limit)),
            Self::Stream { .. } => None,
        }
    }
}

/// A call, and until when it is waited for: its time runs from the order on, wherever it waits.
type Ordered = (NewCall, Option<Instant>);

/// Calls that there is no room for, in their order.
#[derive(Default)]
pub(super) struct Queue(VecDeque<Ordered>);

impl Queue {
    /// This call is ordered now.
    pub(super) fn push(&mut self, call: NewCall, now: Instant) {
        let until = call.answers.until(now);
        self.0.push_back((call, until));
    }

    /// The first.
    pub(super) fn pop(&mut self) -> Option<Ordered> {
        self.0.pop_front()
    }

    /// The first, if there is room for it.
    pub(super) fn pop_if(&mut self, has_room: impl FnOnce(&NewCall) -> bool) -> Option<Ordered> {
        if has_room(&self.0.front()?.0) { self.pop() } else { None }
    }

    /// Nobody waits for this one any more.
    pub(super) fn cancel(&mut self, ticket: Ticket) {
        self.0.retain(|(call, _)| call.ticket != ticket);
    }

    /// Fails those whose time is over. Whether there were any.
    pub(super) fn expire(&mut self, now: Instant) -> bool {
        let is_late = |until: &Option<Instant>| until.is_some_and(|at| now >= at);
        if !self.0.iter().any(|(_, until)| is_late(until)) {
            return false;
        }
        let (late, kept) = core::mem::take(&mut self.0).into_iter().partition(|(_, until)| is_late(until));
        self.0 = kept;
        let late: VecDeque<Ordered> = late;
        late.into_iter().for_each(|(call, _)| call.answers.fail_late(&call.method));
        true
    }

    /// When the first of them is late.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.0.iter().filter_map(|(_, until)| *until).min()
    }

    /// All of them, which will not begin any more.
    pub(super) fn take(&mut self) -> impl Iterator<Item = NewCall> + use<> {
        core::mem::take(&mut self.0).into_iter().map(|(call, _)| call)
    }
}

#[cfg(test)]
mod tests {
    use async_channel::Receiver;

    use super::*;

    type Told = Receiver<Result<Vec<u8>, ClientError>>;

    fn call(ticket: Ticket, limit: Option<Duration>) -> (NewCall, Told) {
        let (reply, told) = async_channel::bounded(1);
        let answers = match limit {
            Some(limit) => Answers::Once { limit, reply },
            None => Answers::Stream { credit: 64, items: reply },
        };
        let call = NewCall { ticket, method: "fs.read".to_owned(), params: vec![], operation: [0; 16], answers };
        (call, told)
    }

    #[test]
    fn the_time_of_a_call_runs_while_it_waits_for_room() {
        let (now, mut queue) = (crate::clock::monotonic(), Queue::default());
        let second = Duration::from_secs(1);
        let limits = [Some(5 * second), None, Some(2 * second), Some(Duration::MAX)];
        let told: Vec<Told> = limits
            .into_iter()
            .zip(1..)
            .map(|(limit, ticket)| {
                let (call, told) = call(ticket, limit);
                queue.push(call, now);
                told
            })
            .collect();
        assert!(queue.pop_if(|_| false).is_none());
        assert_eq!(queue.deadline(), Some(now + 2 * second));
        assert!(!queue.expire(now + second) && queue.expire(now + 2 * second) && !queue.expire(now + 3 * second));
        let late = told[2].try_recv().unwrap().unwrap_err();
        assert_eq!(late.to_string(), "the host's fs.read did not answer within 2 s");
        assert_eq!(queue.deadline(), Some(now + 5 * second));
        let (first, until) = queue.pop_if(|call| call.ticket == 1).unwrap();
        assert_eq!((first.ticket, until), (1, Some(now + 5 * second)), "it has no more time because it has begun");
        queue.cancel(2);
        assert_eq!(queue.take().map(|call| call.ticket).collect::<Vec<_>>(), [4]);
        assert!(told[0].is_empty() && queue.deadline().is_none());
    }
}
