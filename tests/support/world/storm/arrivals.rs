//! Who comes to a host in a storm, and who goes: peers, some of which stop half way, and strangers.

use opendesk_core::{Client, PublicKey, Reason, limits};

use super::STRANGER;
use super::acts::Storm;
use super::truth::Guest;
use crate::world::{LINKS, Peer, Way, Wire};

/// The first of the peers that are trusted when they have paired.
const NEWCOMER: u8 = 20;

/// The first of the peers that drive once, so that others are forgotten.
const PASSER_BY: u8 = 70;

const CODE: &str = "314159";
const WRONG_CODE: &str = "271828";

impl Storm {
    /// A peer dials the host, perhaps by keys that it had once.
    pub(super) fn connect(&mut self) {
        let peer = self.caller();
        let key = self.known_key();
        let address = self.world.own_address();
        if let Some(wire) = self.dial(peer, key, address) {
            self.arrived(wire);
        }
    }

    pub(super) fn pair(&mut self) {
        let address = self.world.own_address();
        if let Some(wire) = self.pair_from(address) {
            self.arrived(wire);
        }
    }

    /// Peers of one address begin and stop half way: what else they say stays under way until the network is clear.
    pub(super) fn dawdle(&mut self) {
        let address = self.shared_address();
        for _ in 0..=self.dice.roll(6) {
            let wire = if self.dice.roll(2) == 0 {
                let (peer, key) = (self.caller(), self.known_key());
                self.dial(peer, key, address)
            } else {
                self.pair_from(address)
            };
            let Some(wire) = wire else { continue };
            self.world.pipe(wire, Way::ToHost).held = true;
            for _ in 0..self.dice.roll(3) {
                self.world.settle();
                self.world.deliver(wire, Way::ToHost);
            }
            self.world.settle();
            self.truth.count("dawdler");
        }
    }

    /// As many others drive, one after the other, as a host remembers peers.
    pub(super) fn crowd(&mut self) {
        if self.world.controller().is_some() || !self.world.program.unreleased.is_empty() {
            return;
        }
        for peer in (0..limits::MEMORIES).map(|number| Peer(PASSER_BY + number as u8)) {
            self.world.program.trusted.insert(peer.public());
            self.truth.friends.insert(peer.public());
            let (key, address) = (self.truth.identities.current().static_key, self.world.own_address());
            let Some(wire) = self.dial(peer, key, address) else { return };
            self.world.settle();
            self.world.cut(wire);
            self.world.release();
        }
    }

    pub(super) fn leave(&mut self) {
        let Some(wire) = self.dice.pick(&self.alive()) else { return };
        match self.dice.roll(4) {
            0 => self.world.close(wire, Reason::DONE),
            1 => self.world.evict(self.world.controller().unwrap_or(wire), Reason::EVICTED),
            2 => self.world.evict(wire, Reason::EVICTED),
            _ => self.world.cut(wire),
        }
    }

    /// Strangers take places, say what somebody else has said, or nothing that makes sense.
    pub(super) fn intrude(&mut self) {
        let flood = self.dice.roll(12) == 0;
        let count = if flood { LINKS } else { 1 + self.dice.roll(2) };
        for number in 0..count {
            let address = if flood { [number as u8; 16] } else { self.shared_address() };
            let entered = self.world.raw_from(address);
            if let Some(wire) = self.truth.entered(&self.world, address, entered)
                && !flood
            {
                self.intruder_speaks(wire);
            }
        }
    }

    fn intruder_speaks(&mut self, wire: Wire) {
        let guests: Vec<Wire> = self.truth.guests.keys().copied().collect();
        let said: Vec<Vec<u8>> = match (self.dice.roll(5), self.dice.pick(&guests)) {
            (0 | 1, Some(guest)) => self.world.overheard(guest).iter().take(1 + self.dice.roll(4)).cloned().collect(),
            (2, _) => {
                let letter = b"APCFapcx"[self.dice.roll(8)];
                vec![[&b"OD2"[..], &[letter], &self.dice.body()[..]].concat()]
            }
            (3, _) => vec![self.dice.body()],
            _ => Vec::new(),
        };
        for message in said {
            self.world.send(wire, Way::ToHost, &message);
        }
        if self.dice.roll(4) == 0 {
            self.world.hang_up(wire);
        }
    }

    fn dial(&mut self, peer: Peer, key: PublicKey, address: [u8; 16]) -> Option<Wire> {
        let client = Client::auth(self.world.now(), peer.config(), key, self.world.random());
        let dialled = self.truth.identities.dialled(Some(key));
        self.enter(client, address, Guest::new(peer, false, dialled))
    }

    fn pair_from(&mut self, address: [u8; 16]) -> Option<Wire> {
        if !self.world.host.is_pairing() || self.dice.roll(4) == 0 {
            self.world.show_code(CODE);
        }
        let knows_code = self.dice.roll(3) > 0;
        let (peer, code) = if knows_code { (self.dice.peer(NEWCOMER, 2), CODE) } else { (STRANGER, WRONG_CODE) };
        let client = Client::pair(self.world.now(), peer.config(), code.as_bytes(), self.world.random());
        let client = client.expect("the code has a length");
        let dialled = self.truth.identities.dialled(None);
        self.enter(client, address, Guest::new(peer, knows_code, dialled))
    }

    fn enter(&mut self, client: Client, address: [u8; 16], guest: Guest) -> Option<Wire> {
        let entered = self.world.attach_from(client, address);
        let wire = self.truth.entered(&self.world, address, entered)?;
        self.truth.guests.insert(wire, guest);
        Some(wire)
    }

    fn arrived(&mut self, wire: Wire) {
        if self.dice.roll(4) == 0 {
            self.hinder_one(wire);
        }
    }

    fn caller(&mut self) -> Peer {
        match self.dice.roll(10) {
            0 => STRANGER,
            1 => self.dice.peer(NEWCOMER, 2),
            _ => self.dice.peer(0, self.trusted),
        }
    }

    /// The key by which somebody knows the host: mostly the one that it has.
    fn known_key(&mut self) -> PublicKey {
        let any = self.dice.pick(self.truth.identities.all());
        let keys = any.filter(|_| self.dice.roll(3) == 0).unwrap_or_else(|| self.truth.identities.current());
        keys.static_key
    }

    /// The address of one of two networks from which many come.
    fn shared_address(&mut self) -> [u8; 16] {
        [200 + self.dice.roll(2) as u8; 16]
    }
}
