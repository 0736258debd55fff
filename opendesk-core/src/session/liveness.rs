//! Whether the other side lives: pinged when quiet, dead when silent.

use crate::limits::{PING_AFTER, SILENCE};
use crate::time::{Deadline, Instant, Timer};

#[derive(Debug)]
pub(crate) struct Liveness {
    heard: Instant,
    pinged: Instant,
}

impl Liveness {
    pub(crate) const fn new(now: Instant) -> Self {
        Self { heard: now, pinged: now }
    }

    pub(crate) const fn heard(&mut self, now: Instant) {
        self.heard = now;
    }

    fn next_ping(&self) -> Instant {
        self.heard.max(self.pinged).after(PING_AFTER)
    }

    /// Whether a ping is due; the next one then counts from `now`.
    pub(crate) fn take_ping(&mut self, now: Instant) -> bool {
        let due = now >= self.next_ping();
        if due {
            self.pinged = now;
        }
        due
    }

    pub(crate) fn is_dead(&self, now: Instant) -> bool {
        now >= self.heard.after(SILENCE)
    }

    /// Whether `poll_transmit` would send a ping.
    pub(crate) fn deadline(&self) -> Deadline {
        let silence = Deadline { at: self.heard.after(SILENCE), why: Timer::Silence };
        let ping = Deadline { at: self.next_ping(), why: Timer::Ping };
        if ping.at < silence.at { ping } else { silence }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silent_peer_is_pinged_and_then_dead() {
        let start = Instant::from_micros(5);
        let mut liveness = Liveness::new(start);
        let mut now = start;
        let mut pings = 0;
        while !liveness.is_dead(now) {
            now = liveness.deadline().at;
            pings += usize::from(liveness.take_ping(now));
        }
        assert_eq!(now, start.after(SILENCE));
        assert!(pings >= 2, "{pings}");
    }

    #[test]
    fn a_word_resets_both() {
        let mut liveness = Liveness::new(Instant::from_micros(0));
        let later = Instant::from_micros(0).after(PING_AFTER);
        liveness.heard(later);
        assert!(!liveness.take_ping(later));
        assert_eq!(liveness.deadline().at, later.after(PING_AFTER));
    }
}
