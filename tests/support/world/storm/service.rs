//! What the host's program does in a storm: answers, items of streams, pushes, and other keys.

use opendesk_core::{ErrorCode, Keys, Misuse, Outcome, SigningKey, StaticKey, limits};

use super::acts::Storm;
use super::truth::Call;

/// Keys after which there are no others: enough for the first ones to be forgotten for the last.
const ROTATIONS: usize = limits::FORMER_KEYS + 2;

impl Storm {
    pub(super) fn answer(&mut self) {
        for _ in 0..=self.dice.roll(2) {
            let Some(call) = self.dice.pick(&self.complete()) else { return };
            let error = self.dice.pick(&ErrorCode::ALL).filter(|_| self.dice.roll(4) == 0);
            let body = self.dice.body();
            self.respond(call, error.map_or(Outcome::Ok, Outcome::Error), body);
        }
    }

    /// Answers a request: one that repeats another with what came of that.
    pub(super) fn respond(&mut self, (wire, call): Call, outcome: Outcome, body: Vec<u8>) {
        let link = self.world.link(wire);
        let running = self.world.program.running.iter().find(|it| (it.link, it.call) == (link, call));
        let outcome = running.and_then(|running| running.repeats).unwrap_or(outcome);
        self.world.respond(wire, call, outcome, &body).expect("a request that runs can be answered");
        self.truth.answered(&mut self.world, (wire, call), outcome, body);
    }

    /// Streams go on, if they may.
    pub(super) fn stream(&mut self) {
        for _ in 0..=self.dice.roll(5) {
            let Some(call) = self.dice.pick(&self.complete()) else { return };
            let item = self.dice.body();
            self.send_item(call, item);
            if self.dice.roll(2) == 0 {
                self.world.settle();
            }
        }
    }

    pub(super) fn send_item(&mut self, (wire, call): Call, item: Vec<u8>) {
        self.truth.follow(&mut self.world);
        let is_ready = self.is_stream_ready((wire, call));
        let sent = self.world.send_item(wire, call, &item);
        let expected = if is_ready { Ok(()) } else { Err(Misuse::NotReady) };
        assert_eq!(sent, expected, "whether the host takes an item of {call} of {wire}");
        if is_ready {
            self.truth.streamed((wire, call), item);
        } else {
            self.truth.count("not_ready");
        }
    }

    pub(super) fn is_stream_ready(&self, (wire, call): Call) -> bool {
        self.world.host.is_stream_ready(self.world.link(wire), call)
    }

    /// The controller is told something; now and then more than can wait.
    pub(super) fn push(&mut self) {
        let Some(wire) = self.world.controller() else { return };
        let count = if self.dice.roll(6) == 0 { 12 } else { 1 + self.dice.roll(3) };
        for _ in 0..count {
            let topic = self.dice.roll(3) as u16;
            let mut body = self.dice.body();
            body.truncate(limits::CHUNK_BYTES);
            let pushed = self.world.push(wire, topic, &body);
            self.world.log(format_args!("push {topic} to {wire} with {}: {pushed:?}", body.len()));
            match pushed {
                Ok(()) => {
                    self.truth.pushes.sent(wire, topic, body);
                    self.truth.count("push");
                }
                Err(error) => {
                    self.truth.pushes.check_refused(wire, self.world.client(wire), error);
                    self.truth.count("push_refused");
                }
            }
        }
    }

    /// It turns out what came of operations whose requests are over.
    pub(super) fn report(&mut self) {
        self.truth.follow(&mut self.world);
        for (peer, operation) in self.truth.operations.unsettled() {
            let outcome = match self.dice.roll(3) {
                0 => continue,
                1 => Outcome::Error(ErrorCode::Cancelled),
                _ => Outcome::Ok,
            };
            self.world.host.settle(peer, operation, outcome);
            self.world.log(format_args!("it turns out what came of {operation:02x?} of {peer:?}: {outcome:?}"));
            self.truth.operations.finished(operation, outcome);
            self.truth.count("settled");
        }
    }

    /// The host gets other keys, or forgets those that it had.
    pub(super) fn rotate(&mut self) {
        if self.dice.roll(4) == 0 {
            self.world.host.forget_former_keys();
            self.world.log(format_args!("former keys are forgotten"));
            self.truth.identities.forgot();
            self.truth.count("forget_keys");
            return;
        }
        for _ in 0..=self.dice.roll(3) {
            if self.truth.identities.all().len() > ROTATIONS {
                return;
            }
            let (static_key, signing_key) = (StaticKey::new(self.dice.bytes()), SigningKey::new(self.dice.bytes()));
            let keys = Keys { static_key, signing_key };
            let public = keys.public();
            self.world.host.rotate(keys);
            self.world.log(format_args!("the host is {:?} from now on", public.static_key));
            self.truth.identities.rotated(public);
            self.truth.count("rotate");
        }
    }

    /// The requests that can be answered.
    pub(super) fn complete(&self) -> Vec<Call> {
        let complete = self.world.program.running.iter().filter(|running| running.complete);
        complete.map(|running| (self.world.wire(running.link), running.call)).collect()
    }
}
