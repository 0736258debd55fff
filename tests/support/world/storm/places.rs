//! Who may be half open in a storm (I7): how many, from where, and for how long.

use opendesk_core::{Instant, Refusal, limits};

use super::weather;
use crate::world::{LINKS, Way, Wire, World};

/// Links that the host has in its table.
pub(super) fn live(world: &World) -> usize {
    world.all().filter(|wire| !world.is_gone(*wire)).count()
}

/// A connection from which no key was proved when it was looked at last.
#[derive(Debug, Clone, Copy)]
struct Visitor {
    wire: Wire,
    address: [u8; 16],
    since: Instant,
    /// When its time was seen to be up.
    late: Option<Instant>,
}

impl Visitor {
    fn is_unproved(&self, world: &World) -> bool {
        let link = world.link(self.wire);
        !world.is_gone(self.wire) && world.program.proved.iter().all(|proved| proved.link != link)
    }

    /// Whether it can be there still to take the host's last word, which nothing else keeps.
    fn may_be_closing(&self, world: &World) -> bool {
        weather::pipe(world, self.wire, Way::ToPeer).stalled
    }
}

/// Who has come.
#[derive(Debug, Default)]
pub(super) struct Places {
    visitors: Vec<Visitor>,
}

impl Places {
    /// Somebody found a place or not, which must both have a reason. Gives the connection.
    pub(super) fn entered(&mut self, world: &World, address: [u8; 16], entered: Result<Wire, Refusal>) -> Option<Wire> {
        let is_crowd = |addresses: &[[u8; 16]]| {
            let from_there = addresses.iter().filter(|other| **other == address).count();
            addresses.len() >= limits::HALF_OPEN || from_there >= limits::HALF_OPEN_PER_ADDRESS
        };
        match entered {
            Ok(wire) => {
                assert!(!is_crowd(&self.half_open(world)), "I7: {wire} is one stranger too many");
                self.visitors.push(Visitor { wire, address, since: world.now(), late: None });
                Some(wire)
            }
            Err(Refusal::Crowded) => {
                let unproved = self.visitors.iter().filter(|it| it.is_unproved(world)).map(|it| it.address);
                assert!(is_crowd(&unproved.collect::<Vec<_>>()), "I7: {address:?} is refused, and there is no crowd");
                None
            }
            Err(Refusal::Full) => {
                assert!(live(world) >= LINKS, "I7: {address:?} is refused, and there is room");
                None
            }
        }
    }

    /// What must hold after every step.
    pub(super) fn check(&mut self, world: &World) {
        self.visitors.retain(|it| it.is_unproved(world));
        let half_open = self.half_open(world);
        assert!(half_open.len() <= limits::HALF_OPEN, "I7: {} links are half open", half_open.len());
        for address in &half_open {
            let from_there = half_open.iter().filter(|other| *other == address).count();
            assert!(from_there <= limits::HALF_OPEN_PER_ADDRESS, "I7: {from_there} half-open links of {address:?}");
        }
        let now = world.now();
        for it in self.visitors.iter_mut().filter(|it| now >= it.since.after(limits::HANDSHAKE)) {
            let late = *it.late.get_or_insert(now);
            let reads_why = it.may_be_closing(world) && now < late.after(limits::LINGER);
            assert!(reads_why, "I7: {} has kept its place too long", it.wire);
        }
    }

    /// The addresses of those that are half open for certain. Since the world settled there were only arrivals.
    fn half_open(&self, world: &World) -> Vec<[u8; 16]> {
        let certain = self.visitors.iter().filter(|it| it.is_unproved(world) && !it.may_be_closing(world));
        certain.map(|it| it.address).collect()
    }
}
