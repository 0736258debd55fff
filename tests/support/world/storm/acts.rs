//! What is done in a storm, by peers, by strangers, by the host's program, by the network and by the clock.

use core::time::Duration;

use opendesk_core::{ErrorCode, LinkId, Outcome, Reason, RequestId, limits};

use super::STRANGER;
use super::dice::Dice;
use super::truth::{Guest, Truth, live};
use super::weather::{self, Weather};
use crate::world::{Handler, LINKS, Peer, Way, Wire, World};

/// A trusted peer that comes when the storm is over.
const FRESH: Peer = Peer(60);

/// The first of the peers that are trusted when they have paired.
const NEWCOMER: u8 = 20;

const CODE: &str = "314159";
const WRONG_CODE: &str = "271828";

/// Links with which a peer still finds a place, whatever state they are in.
const ROOM: usize = limits::HALF_OPEN - 2;

/// When this has passed on a network that is whole, no deadline of a link is left, and every session was pinged.
const CALM: Duration = Duration::from_secs(
    limits::HANDSHAKE.as_secs() + limits::PING_AFTER.as_secs() + limits::SILENCE.as_secs() + limits::LINGER.as_secs(),
);

/// A world, what is done to it, and what must hold in it.
#[derive(Debug)]
pub(super) struct Storm {
    pub(super) world: World,
    dice: Dice,
    weather: Weather,
    pub(super) truth: Truth,
    /// How many peers are trusted from the beginning.
    trusted: usize,
    pub(super) step: usize,
}

impl Storm {
    pub(super) fn new(seed: u64) -> Self {
        let mut dice = Dice(!seed);
        let mut world = World::new(seed);
        world.program.handler = Handler::ByHand;
        world.program.releases_at_once = dice.roll(2) == 0;
        let trusted = 2 + dice.roll(3);
        let mut truth = Truth::default();
        for key in (0..trusted).map(|number| Peer(number as u8).public()) {
            world.program.trusted.insert(key);
            truth.friends.insert(key);
        }
        Self { world, dice, weather: Weather::default(), truth, trusted, step: 0 }
    }

    /// Does so many things and checks after each; then comes the calm.
    pub(super) fn blow(&mut self, steps: usize, sabotage: fn(&mut World)) {
        for step in 0..steps {
            self.step = step;
            self.world.log(format_args!("step {step}"));
            self.act();
            self.world.settle();
            sabotage(&mut self.world);
            self.check();
        }
        self.step = steps;
        self.world.log(format_args!("the calm"));
        self.calm();
    }

    fn act(&mut self) {
        // As its own time goes by, not as one of many acts: until then nobody drives.
        if self.dice.roll(3) == 0 {
            self.world.release();
        }
        // Without a connection there is nothing to break.
        let act = if self.step == 0 { 0 } else { self.dice.roll(40) };
        match act {
            0..5 => self.connect(),
            5 => self.pair(),
            6..13 => self.ask(),
            13..19 => self.answer(),
            19..21 => self.cancel(),
            21 => self.leave(),
            22..27 => self.hinder(),
            27..30 => self.clear(),
            30..36 => self.tamper(),
            36..38 => self.pass_time(),
            _ => self.intrude(),
        }
    }

    fn check(&mut self) {
        self.weather.observe(&self.world);
        self.truth.check(&mut self.world, &self.weather);
    }

    // Peers.

    fn connect(&mut self) {
        if live(&self.world) >= ROOM {
            return;
        }
        let peer = match self.dice.roll(10) {
            0 => STRANGER,
            1 => self.dice.peer(NEWCOMER, 2),
            _ => self.dice.peer(0, self.trusted),
        };
        let wire = self.world.connect(peer);
        self.arrived(wire, Guest::new(peer, false));
    }

    fn pair(&mut self) {
        if live(&self.world) >= ROOM {
            return;
        }
        if !self.world.host.is_pairing() || self.dice.roll(4) == 0 {
            self.world.show_code(CODE);
        }
        let knows_code = self.dice.roll(3) > 0;
        let (peer, code) = if knows_code { (self.dice.peer(NEWCOMER, 2), CODE) } else { (STRANGER, WRONG_CODE) };
        let wire = self.world.pair(peer, code);
        self.arrived(wire, Guest::new(peer, knows_code));
    }

    fn arrived(&mut self, wire: Wire, guest: Guest) {
        self.truth.guests.insert(wire, guest);
        if self.dice.roll(4) == 0 {
            self.hinder_one(wire);
        }
    }

    fn ask(&mut self) {
        let Some(wire) = self.dice.pick(&self.open()) else { return };
        for _ in 0..=self.dice.roll(3) {
            // A host remembers what its sessions left undone, and refuses what it cannot remember besides.
            if self.truth.asked.len() >= limits::OPERATIONS {
                return;
            }
            let body = self.dice.body();
            if let Ok(call) = self.world.try_call(wire, "test.method", &body) {
                self.truth.asked.insert((wire, call), body);
            }
        }
    }

    fn cancel(&mut self) {
        let calls = |wire: Wire| self.world.client(wire).unanswered.iter().map(move |call| (wire, *call));
        let waiting: Vec<(Wire, RequestId)> = self.open().into_iter().flat_map(calls).collect();
        if let Some((wire, call)) = self.dice.pick(&waiting)
            && self.world.cancel(wire, call).is_ok()
        {
            self.truth.unwanted.insert((wire, call));
        }
    }

    fn leave(&mut self) {
        let Some(wire) = self.dice.pick(&self.alive()) else { return };
        match self.dice.roll(4) {
            0 => self.world.close(wire, Reason::DONE),
            1 => self.world.evict(self.world.controller().unwrap_or(wire), Reason::EVICTED),
            2 => self.world.evict(wire, Reason::EVICTED),
            _ => self.world.cut(wire),
        }
    }

    /// Strangers take places, say what somebody else has said, or nothing that makes sense.
    fn intrude(&mut self) {
        let flood = self.dice.roll(12) == 0;
        let count = if flood { LINKS } else { 1 + self.dice.roll(2) };
        for number in 0..count {
            let address = [if flood { number as u8 } else { 200 + self.dice.roll(2) as u8 }; 16];
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

    // The host's program.

    fn answer(&mut self) {
        for _ in 0..=self.dice.roll(2) {
            let Some((link, call)) = self.dice.pick(&self.complete()) else { return };
            let error = self.dice.pick(&ErrorCode::ALL).filter(|_| self.dice.roll(4) == 0);
            let body = self.dice.body();
            self.respond(link, call, error.map_or(Outcome::Ok, Outcome::Error), body);
        }
    }

    fn respond(&mut self, link: LinkId, call: RequestId, outcome: Outcome, body: Vec<u8>) {
        let wire = self.world.wire(link);
        self.world.respond(wire, call, outcome, &body).expect("a request that runs can be answered");
        self.truth.answered((wire, call), outcome, body);
    }

    /// The requests that can be answered.
    fn complete(&self) -> Vec<(LinkId, RequestId)> {
        let complete = self.world.program.running.iter().filter(|running| running.complete);
        complete.map(|running| (running.link, running.call)).collect()
    }

    // The network and the clock.

    fn hinder(&mut self) {
        if let Some(wire) = self.dice.pick(&self.alive()) {
            self.hinder_one(wire);
        }
    }

    fn hinder_one(&mut self, wire: Wire) {
        let word = weather::hinder(&mut self.world, &mut self.dice, wire);
        self.truth.count(word);
    }

    fn clear(&mut self) {
        let alive = self.alive();
        let one = if self.dice.roll(2) == 0 { None } else { self.dice.pick(&alive) };
        for wire in alive.into_iter().filter(|wire| one.is_none_or(|one| one == *wire)) {
            weather::clear(&mut self.world, wire);
        }
    }

    fn tamper(&mut self) {
        let alive = self.alive();
        if let Some(word) = self.weather.tamper(&mut self.world, &mut self.dice, &alive) {
            self.truth.count(word);
        }
    }

    fn pass_time(&mut self) {
        let (leaps, by) = match self.dice.roll(8) {
            0 => (true, Duration::from_secs(60) * (1 + self.dice.roll(10) as u32)),
            1 => (true, Duration::from_secs(1) * (1 + self.dice.roll(60) as u32)),
            2 => (false, Duration::from_secs(1) * (1 + self.dice.roll(20) as u32)),
            _ => (false, Duration::from_millis(1) * self.dice.roll(2000) as u32),
        };
        if leaps {
            // As after a sleep of the machine: all deadlines on the way are met late, and together.
            self.truth.count("leap");
            self.world.now = self.world.now.after(by);
            self.world.advance(Duration::ZERO);
        } else {
            self.world.advance(by);
        }
    }

    /// Guests that the host has not let go of.
    fn alive(&self) -> Vec<Wire> {
        self.truth.guests.keys().copied().filter(|wire| !self.world.is_gone(*wire)).collect()
    }

    /// Guests that believe they drive.
    fn open(&self) -> Vec<Wire> {
        self.truth.guests.keys().copied().filter(|wire| self.world.client(*wire).client.is_open()).collect()
    }

    /// Everything that was held arrives and everything is answered; then nothing of the storm may be left.
    fn calm(&mut self) {
        for wire in self.world.all() {
            weather::clear(&mut self.world, wire);
        }
        self.world.program.releases_at_once = true;
        self.world.release();
        self.world.advance(CALM);
        while let Some((link, call)) = self.complete().first().copied() {
            self.respond(link, call, Outcome::Ok, b"late".to_vec());
            self.world.settle();
        }
        self.check();
        self.truth.check_calm(&self.world, &self.weather);

        if let Some(wire) = self.world.controller() {
            self.world.evict(wire, Reason::EVICTED);
            self.world.settle();
        }
        assert_eq!(live(&self.world), 0, "links that nobody has");
        self.world.program.handler = Handler::Echo(Duration::ZERO);
        let fresh = self.world.open(FRESH);
        let call = self.world.call(fresh, "system.echo", b"is anybody there?");
        self.world.settle();
        let answer = self.world.client(fresh).answer(call);
        assert_eq!(answer.map(|answer| &answer.body[..]), Some(&b"is anybody there?"[..]), "a fresh peer is served");
        assert_eq!(live(&self.world), 1);
    }
}
