//! Whom the host of a storm must remember, and by which number it must say so.

use std::collections::{BTreeMap, BTreeSet};

use opendesk_core::{PublicKey, limits};

use crate::world::Wire;

/// All memories so far, numbered in the order of making.
#[derive(Debug, Default)]
pub(super) struct Memories {
    /// The peers that drove last, the latest last, with their memories.
    remembered: Vec<(PublicKey, usize)>,
    made: usize,
    /// Whoever has ever driven.
    drove: BTreeSet<PublicKey>,
    /// The memory that a session has.
    sessions: BTreeMap<Wire, usize>,
    /// The numbers that peers were told of memories.
    told: BTreeMap<usize, u64>,
}

impl Memories {
    /// A session begins. Tells whether its peer was forgotten since it drove last.
    pub(super) fn opened(&mut self, wire: Wire, peer: PublicKey) -> bool {
        let place = self.remembered.iter().position(|(of, _)| *of == peer);
        let memory = match place {
            Some(place) => self.remembered.remove(place).1,
            None => {
                self.made += 1;
                self.made
            }
        };
        if self.remembered.len() == limits::MEMORIES {
            self.remembered.remove(0);
        }
        self.remembered.push((peer, memory));
        self.sessions.insert(wire, memory);
        let is_new = self.drove.insert(peer);
        place.is_none() && !is_new
    }

    /// A peer was told a number: that of its memory, and of no other.
    pub(super) fn check(&mut self, wire: Wire, number: u64) {
        let memory = *self.sessions.get(&wire).unwrap_or_else(|| panic!("{wire} has a session that was not opened"));
        let first = *self.told.entry(memory).or_insert(number);
        assert_eq!(number, first, "{wire} is told another number, and its peer is remembered");
        let is_other = self.told.iter().all(|(of, told)| *of == memory || *told != number);
        assert!(is_other && number != 0, "{wire} is told {number}, which is not the number of its peer's memory");
    }
}
