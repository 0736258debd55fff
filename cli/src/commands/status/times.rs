//! Times as a person reads them.

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use opendesk_std::clock;

/// The present, and where it is read.
#[derive(Debug, Clone)]
pub(super) struct Times {
    /// Seconds since 1970.
    now: f64,
    zone: TimeZone,
}

impl Times {
    pub(super) fn now() -> Self {
        Self { now: clock::epoch_seconds(), zone: TimeZone::system() }
    }

    #[cfg(test)]
    pub(super) const fn utc(now: f64) -> Self {
        Self { now, zone: TimeZone::UTC }
    }

    fn zoned(&self, seconds: f64) -> Option<Zoned> {
        let milliseconds = (seconds * 1000.0) as i64;
        Timestamp::from_millisecond(milliseconds).ok().map(|time| time.to_zoned(self.zone.clone()))
    }

    /// The time of day.
    pub(super) fn clock(&self, seconds: f64) -> String {
        self.zoned(seconds).map_or_else(|| "?".to_owned(), |time| time.strftime("%H:%M:%S").to_string())
    }

    /// Since when and for how long: `14:02:11 (3 min)`, with the date where it was not today.
    pub(super) fn since(&self, seconds: f64) -> String {
        let (Some(then), Some(now)) = (self.zoned(seconds), self.zoned(self.now)) else { return "?".to_owned() };
        let form = if then.date() == now.date() { "%H:%M:%S" } else { "%Y-%m-%d %H:%M" };
        format!("{} ({})", then.strftime(form), span(self.now - seconds))
    }

    /// How many seconds are left until then, none at least.
    pub(super) fn left_until(&self, seconds: f64) -> u64 {
        (seconds - self.now).max(0.0).ceil() as u64
    }
}

/// A length of time in its largest fitting unit.
pub(super) fn span(seconds: f64) -> String {
    const MINUTE: f64 = 60.0;
    const HOUR: f64 = 3600.0;
    const DAY: f64 = 86_400.0;
    let seconds = seconds.max(0.0);
    if seconds < 2.0 * MINUTE {
        format!("{} s", seconds.round())
    } else if seconds < 2.0 * HOUR {
        format!("{} min", (seconds / MINUTE).floor())
    } else if seconds < 2.0 * DAY {
        format!("{} h", (seconds / HOUR).floor())
    } else {
        format!("{} days", (seconds / DAY).floor())
    }
}

#[cfg(test)]
mod tests {
    use super::super::seen::examples::NOON;
    use super::*;

    #[test]
    fn a_time_has_its_date_when_it_was_another_day() {
        let times = Times::utc(NOON);
        assert_eq!(times.clock(NOON - 5.0), "11:59:55");
        assert_eq!(times.since(NOON - 90.0), "11:58:30 (90 s)");
        assert_eq!(times.since(NOON - 86_400.0), "2025-12-31 12:00 (24 h)");
        assert_eq!((times.left_until(NOON + 1.2), times.left_until(NOON - 5.0)), (2, 0));
    }

    #[test]
    fn a_length_has_a_unit_that_fits() {
        let spans = [0.4, 119.0, 120.0, 7199.0, 7200.0, 172_799.0, 172_800.0].map(span);
        assert_eq!(spans, ["0 s", "119 s", "2 min", "119 min", "2 h", "47 h", "2 days"]);
        assert_eq!(span(-3.0), "0 s");
    }

    #[test]
    fn no_number_is_a_panic() {
        let times = Times::utc(NOON);
        for seconds in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, -1e18, 1e18] {
            drop((times.clock(seconds), times.since(seconds), times.left_until(seconds), span(seconds)));
            drop(Times::utc(seconds).since(NOON));
        }
    }
}
