//! What the streams of a storm may send, and what of that must arrive.

use std::collections::BTreeMap;

use opendesk_core::{Misuse, RequestId, limits};

use super::truth::Call;
use crate::world::{Controller, Wire};

/// The stream of one request.
#[derive(Debug, Default)]
struct Stream {
    /// Bytes that the controller has granted, whether or not the host has heard of them.
    granted: u64,
    /// The items that the host has taken.
    sent: Vec<Vec<u8>>,
    /// Whether the program was told that it may send the next one.
    told: bool,
}

impl Stream {
    /// What is left of the credit for the item with this number, counted from 0.
    fn credit(&self, number: usize) -> i64 {
        let cost = |item: &Vec<u8>| item.len() as i64 + i64::from(limits::ITEM_COST);
        self.granted as i64 - self.sent.iter().take(number).map(cost).sum::<i64>()
    }

    /// The host takes the next item, which needs credit, and its program must know.
    fn check_ready(&self, call: Call) {
        assert!(self.credit(self.sent.len()) > 0, "the stream of {call:?} may go on beyond its credit");
        assert!(self.told, "the stream of {call:?} may go on, and its program was not told");
    }
}

/// All streams so far, by their requests.
#[derive(Debug, Default)]
pub(super) struct Streams {
    streams: BTreeMap<Call, Stream>,
}

impl Streams {
    /// A controller has granted more, or its machine found that too much.
    pub(super) fn granted(&mut self, call: Call, bytes: u32, granted: Result<(), Misuse>) {
        let stream = self.streams.entry(call).or_default();
        let sum = stream.granted + u64::from(bytes);
        match granted {
            Ok(()) => stream.granted = sum,
            Err(error) => {
                let is_too_much = error == Misuse::BodyTooLarge && sum > u64::from(limits::WINDOW_BYTES);
                assert!(is_too_much, "{call:?} may not have {bytes} bytes, which are not beyond its credit: {error}");
            }
        }
    }

    /// The program was told that it may send the next item.
    pub(super) fn told(&mut self, call: Call) {
        self.streams.entry(call).or_default().told = true;
    }

    /// The host has taken an item.
    pub(super) fn sent(&mut self, call: Call, item: Vec<u8>) {
        let stream = self.streams.entry(call).or_default();
        stream.check_ready(call);
        stream.told = false;
        stream.sent.push(item);
    }

    /// The host would take the next item of a request that runs.
    pub(super) fn check_ready(&self, call: Call) {
        let none = Stream::default();
        self.streams.get(&call).unwrap_or(&none).check_ready(call);
    }

    /// When everything has arrived, a request that runs may go on exactly while there is credit.
    pub(super) fn check_calm(&self, call: Call, is_ready: bool) {
        let has_credit = self.streams.get(&call).is_some_and(|stream| stream.credit(stream.sent.len()) > 0);
        assert_eq!(is_ready, has_credit, "whether the stream of {call:?} may go on in the calm");
    }

    /// A controller has the items that were sent, in their order and within the credit; all of them when it has the
    /// program's answer. Gives how many it has.
    pub(super) fn check(&self, wire: Wire, client: &Controller, is_answered: impl Fn(RequestId) -> bool) -> usize {
        let mut count = 0;
        for ((_, call), stream) in self.streams.range((wire, RequestId(0))..=(wire, RequestId(u32::MAX))) {
            let of_it = client.items.iter().filter(|(of, _)| of == call);
            let received: Vec<&[u8]> = of_it.map(|(_, body)| &body[..]).collect();
            let begun = client.partial_items.get(call);
            let mut sent = stream.sent.iter();
            let are_sent = received.iter().all(|item| sent.next().is_some_and(|sent| sent[..] == **item));
            let next = sent.next();
            let is_next = begun.is_none_or(|begun| next.is_some_and(|next| next.starts_with(begun)));
            let are_all = next.is_none() || !is_answered(*call);
            assert!(
                are_sent && is_next && are_all,
                "the items of {call} of {wire} are not those that were sent: {} of {}",
                received.len(),
                stream.sent.len()
            );
            let have_credit =
                (0..received.len() + usize::from(begun.is_some())).all(|number| stream.credit(number) > 0);
            assert!(have_credit, "the stream of {call} of {wire} went on beyond its credit");
            count += received.len();
        }
        assert_eq!(count, client.items.len(), "{wire} has items of requests that are no streams");
        count
    }
}
