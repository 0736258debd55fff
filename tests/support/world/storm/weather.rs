//! The network of a storm: what it delays, loses, changes and repeats, and what of that has arrived.

use core::time::Duration;

use super::dice::Dice;
use crate::world::{Pipe, Way, Wire, World};

/// Both directions of a connection.
pub(super) const WAYS: [Way; 2] = [Way::ToHost, Way::ToPeer];

/// Delays of one connection.
pub(super) fn hinder(world: &mut World, dice: &mut Dice, wire: Wire) -> &'static str {
    let way = WAYS[dice.roll(2)];
    let word = match dice.roll(5) {
        0 => {
            world.pipe(wire, way).stalled = true;
            "stall"
        }
        1 => {
            world.pipe(wire, way).latency = Duration::from_millis(1) * dice.roll(3000) as u32;
            "delay"
        }
        2 => {
            for way in WAYS {
                world.pipe(wire, way).held = true;
            }
            "vanish"
        }
        _ => {
            world.pipe(wire, way).held = true;
            "hold"
        }
    };
    world.log(format_args!("{wire} {way:?}: {word}"));
    word
}

/// Ends the delays of one connection; what was held arrives in its order.
pub(super) fn clear(world: &mut World, wire: Wire) {
    for way in WAYS {
        let pipe = world.pipe(wire, way);
        (pipe.held, pipe.stalled, pipe.latency) = (false, false, Duration::ZERO);
    }
}

/// One direction of a connection: all that has arrived and all that is under way.
#[derive(Debug, Default)]
struct Line {
    /// In the order of arrival: which of the sender's messages it is, `None` for what the sender never said.
    order: Vec<Option<usize>>,
    /// Messages that the sender has sent.
    sent: usize,
}

/// What the network has done to messages.
#[derive(Debug, Default)]
pub(super) struct Weather {
    lines: Vec<[Line; 2]>,
}

impl Weather {
    /// Takes note of what was sent since the last time.
    pub(super) fn observe(&mut self, world: &World) {
        self.lines.resize_with(world.wires.len(), Default::default);
        for (lines, wire) in self.lines.iter_mut().zip(world.all()) {
            for way in WAYS {
                let line = &mut lines[way as usize];
                let sent = pipe(world, wire, way).overheard.len();
                line.order.extend((line.sent..sent).map(Some));
                line.sent = sent;
            }
        }
    }

    /// Whether all that has arrived is what was sent, in its order.
    pub(super) fn is_genuine(&self, world: &World, wire: Wire, way: Way) -> bool {
        let order = &self.lines[wire.0][way as usize].order;
        let arrived = order.len() - pipe(world, wire, way).under_way.len();
        order.iter().take(arrived).zip(0..).all(|(message, number)| *message == Some(number))
    }

    /// Whether nothing was ever lost, changed, repeated or put in, arrived or not.
    pub(super) fn is_whole(&self, wire: Wire, way: Way) -> bool {
        let line = &self.lines[wire.0][way as usize];
        line.order.iter().copied().eq((0..line.sent).map(Some))
    }

    /// Does something to one message of these connections, if it can.
    pub(super) fn tamper(&mut self, world: &mut World, dice: &mut Dice, wires: &[Wire]) -> Option<&'static str> {
        self.observe(world);
        let pipes = |wire: Wire| WAYS.map(|way| (wire, way));
        let targets: Vec<(Wire, Way)> = wires.iter().copied().flat_map(pipes).collect();
        let kind = dice.roll(6);
        let (target, word) = if kind < 4 {
            let busy = targets.iter().copied().filter(|(wire, way)| !pipe(world, *wire, *way).under_way.is_empty());
            let target = dice.pick(&busy.collect::<Vec<_>>())?;
            (target, self.change(world, dice, target, kind)?)
        } else {
            let target = dice.pick(&targets)?;
            let from = if kind == 4 {
                target
            } else {
                let said = |(wire, way): &(Wire, Way)| !pipe(world, *wire, *way).overheard.is_empty();
                dice.pick(&world.all().flat_map(pipes).filter(said).collect::<Vec<_>>())?
            };
            (target, self.put_in(world, dice, target, from)?)
        };
        world.log(format_args!("{} {:?}: {word}", target.0, target.1));
        Some(word)
    }

    /// Changes, loses or moves a message that is under way.
    fn change(
        &mut self,
        world: &mut World,
        dice: &mut Dice,
        (wire, way): (Wire, Way),
        kind: usize,
    ) -> Option<&'static str> {
        let order = &mut self.lines[wire.0][way as usize].order;
        let under_way = &mut world.pipe(wire, way).under_way;
        let first = order.len() - under_way.len();
        let index = dice.roll(under_way.len());
        let message = &mut under_way[index].1;
        match kind {
            // A second flip could undo the first.
            0 if order[first + index].is_some() => {
                let bit = dice.roll(message.len() * 8);
                message[bit / 8] ^= 1 << (bit % 8);
                order[first + index] = None;
                Some("flip")
            }
            1 if !message.is_empty() => {
                message.truncate(dice.roll(message.len()));
                order[first + index] = None;
                Some("truncate")
            }
            2 => {
                under_way.remove(index);
                order.remove(first + index);
                Some("drop")
            }
            3 => {
                let other = dice.roll(under_way.len());
                under_way.swap(index, other);
                order.swap(first + index, first + other);
                (index != other).then_some("swap")
            }
            _ => None,
        }
    }

    /// Says again, on `target`, what was said on `from`.
    fn put_in(
        &mut self,
        world: &mut World,
        dice: &mut Dice,
        target: (Wire, Way),
        from: (Wire, Way),
    ) -> Option<&'static str> {
        let said = &pipe(world, from.0, from.1).overheard;
        if said.is_empty() {
            return None;
        }
        let message = said[dice.roll(said.len())].clone();
        let now = world.now();
        let pipe = world.pipe(target.0, target.1);
        // What comes from elsewhere may be a copy of what was said here.
        let own = pipe.overheard.iter().position(|own| *own == message);
        let place = dice.roll(pipe.under_way.len() + 1);
        let order = &mut self.lines[target.0.0][target.1 as usize].order;
        order.insert(order.len() - pipe.under_way.len() + place, own);
        pipe.under_way.insert(place, (now, message));
        Some(if own.is_some() { "repeat" } else { "splice" })
    }
}

/// One direction of a connection, to look at.
pub(super) fn pipe(world: &World, wire: Wire, way: Way) -> &Pipe {
    let connection = &world.wires[wire.0];
    match way {
        Way::ToHost => &connection.to_host,
        Way::ToPeer => &connection.to_peer,
    }
}
