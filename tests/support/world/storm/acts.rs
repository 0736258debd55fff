//! What is done in a storm, act by act: by peers and strangers (`arrivals.rs`, `requests.rs`), by the host's program
//! (`service.rs`), and here by the network and by the clock.

use core::time::Duration;

use super::dice::Dice;
use super::truth::Truth;
use super::weather::{self, Weather};
use crate::world::{Handler, Peer, Wire, World};

/// A world, what is done to it, and what must hold in it.
#[derive(Debug)]
pub(super) struct Storm {
    pub(super) world: World,
    pub(super) dice: Dice,
    pub(super) weather: Weather,
    pub(super) truth: Truth,
    /// How many peers are trusted from the beginning.
    pub(super) trusted: usize,
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
        truth.identities.rotated(world.host.keys().public());
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
        let act = if self.step == 0 { 0 } else { self.dice.roll(60) };
        match act {
            0..7 => self.connect(),
            7 => self.pair(),
            8 => self.dawdle(),
            9 => self.crowd(),
            10 => self.leave(),
            11..13 => self.intrude(),
            13..20 => self.ask(),
            20..24 => self.ask_again(),
            24..27 => self.grant(),
            27..29 => self.cancel(),
            29..35 => self.stream(),
            35..40 => self.answer(),
            40..42 => self.push(),
            42..44 => self.report(),
            44 => self.rotate(),
            45..49 => self.hinder(),
            49..53 => self.clear(),
            53..57 => self.tamper(),
            _ => self.pass_time(),
        }
    }

    pub(super) fn check(&mut self) {
        self.weather.observe(&self.world);
        self.truth.check(&mut self.world, &self.weather);
    }

    // The network and the clock.

    fn hinder(&mut self) {
        if let Some(wire) = self.dice.pick(&self.alive()) {
            self.hinder_one(wire);
        }
    }

    pub(super) fn hinder_one(&mut self, wire: Wire) {
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
    pub(super) fn alive(&self) -> Vec<Wire> {
        self.truth.guests.keys().copied().filter(|wire| !self.world.is_gone(*wire)).collect()
    }

    /// Guests that believe they drive.
    pub(super) fn open(&self) -> Vec<Wire> {
        self.truth.guests.keys().copied().filter(|wire| self.world.client(*wire).client.is_open()).collect()
    }
}
