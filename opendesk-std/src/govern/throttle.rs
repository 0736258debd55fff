//! How much is said of strangers: anybody can make a key and be refused with it, as often as the network carries, and
//! must not be able to fill the disk with that.

use core::time::Duration;
use std::time::Instant;

/// Lines in one minute.
const LINES: u32 = 10;

const MINUTE: Duration = Duration::from_secs(60);

/// Counts what was said in this minute, and what was not: ten lines are.
#[derive(Debug, Default)]
pub struct Throttle {
    since: Option<Instant>,
    said: u32,
    unsaid: u32,
}

impl Throttle {
    /// Whether to say something now, and how often nothing was said since the last time.
    pub fn speak(&mut self, now: Instant) -> Option<u32> {
        if self.since.is_none_or(|since| now.saturating_duration_since(since) >= MINUTE) {
            self.since = Some(now);
            self.said = 0;
        }
        if self.said >= LINES {
            self.unsaid = self.unsaid.saturating_add(1);
            return None;
        }
        self.said += 1;
        Some(core::mem::take(&mut self.unsaid))
    }

    /// When what was not said is to be counted although nobody comes any more.
    pub fn due(&self) -> Option<Instant> {
        self.since.filter(|_| self.unsaid > 0).map(|since| since + MINUTE)
    }

    /// What was not said and is not counted yet.
    pub fn settle(&mut self) -> u32 {
        core::mem::take(&mut self.unsaid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "any instant will do")]
    fn a_flood_is_ten_lines_a_minute_and_a_count() {
        let start = Instant::now();
        let mut throttle = Throttle::default();
        let said = (0..1000).filter(|_| throttle.speak(start).is_some()).count();
        assert_eq!(said, 10);
        assert_eq!(throttle.speak(start + MINUTE), Some(990));
        assert_eq!(throttle.speak(start + MINUTE), Some(0));
        assert_eq!(throttle.due(), None);
        let silent = (0..30).filter(|_| throttle.speak(start + MINUTE).is_none()).count() as u32;
        assert_eq!(throttle.due(), Some(start + MINUTE * 2));
        assert_eq!((throttle.settle(), throttle.settle(), throttle.due()), (silent, 0, None));
    }
}
