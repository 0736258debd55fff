//! What the host of a storm tells without being asked.

use std::collections::BTreeMap;

use opendesk_core::Misuse;

use crate::world::{Controller, Wire};

/// Pushes that may wait to be sent.
const WAITING: usize = 8;

/// All pushes so far, in the order of each topic.
#[derive(Debug, Default)]
pub(super) struct Pushes {
    sent: BTreeMap<(Wire, u16), Vec<Vec<u8>>>,
}

impl Pushes {
    /// The host has taken one.
    pub(super) fn sent(&mut self, wire: Wire, topic: u16, body: Vec<u8>) {
        self.sent.entry((wire, topic)).or_default().push(body);
    }

    /// The host has not taken one: as many as may wait have not arrived.
    pub(super) fn check_refused(&self, wire: Wire, client: &Controller, error: Misuse) {
        let waiting = self.of(wire).map(|(_, sent)| sent.len()).sum::<usize>() - client.pushes.len();
        let is_right = error == Misuse::TooManyCalls && waiting >= WAITING;
        assert!(is_right, "the pushes to {wire}: another is refused while {waiting} wait: {error}");
    }

    /// What has arrived was sent, in the order of its topic.
    pub(super) fn check(&self, wire: Wire, client: &Controller) {
        let mut numbers = BTreeMap::<u16, usize>::new();
        for (topic, body) in &client.pushes {
            let number = numbers.entry(*topic).or_default();
            let sent = self.sent.get(&(wire, *topic)).and_then(|sent| sent.get(*number));
            assert!(
                sent == Some(body),
                "the pushes to {wire} are not those that were sent: number {number} of {topic}"
            );
            *number += 1;
        }
    }

    /// All of them have arrived where a session still is.
    pub(super) fn check_calm(&self, wire: Wire, client: &Controller) {
        for (topic, sent) in self.of(wire) {
            let arrived = client.pushes.iter().filter(|(of, _)| *of == topic).count();
            assert_eq!(arrived, sent.len(), "the pushes to {wire} are not all there: topic {topic}");
        }
    }

    fn of(&self, wire: Wire) -> impl Iterator<Item = (u16, &Vec<Vec<u8>>)> {
        self.sent.range((wire, 0)..=(wire, u16::MAX)).map(|((_, topic), sent)| (*topic, sent))
    }
}
