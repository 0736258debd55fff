//! Times as people read them.

use core::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// A time in words that are short.
pub(crate) fn span(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

/// Since when something is so: `14:05 (for 5 min)`, on another day with its date. Both times in seconds since 1970, the
/// first by the clock of another machine, which may go ahead of ours. `None` for a number that is no time.
pub(crate) fn since(then: f64, now: f64, zone: &TimeZone) -> Option<String> {
    let zoned = |seconds: f64| {
        let time = SignedDuration::try_from_secs_f64(seconds).ok()?;
        Some(Timestamp::from_duration(time).ok()?.to_zoned(zone.clone()))
    };
    let (began, today) = (zoned(then)?, zoned(now)?);
    let form = if began.date() == today.date() { "%H:%M" } else { "%Y-%m-%d %H:%M" };
    let lasted = if now > then { Duration::try_from_secs_f64(now - then).ok() } else { None };
    let lasted = lasted.map_or_else(String::new, |lasted| format!(" (for {})", span(lasted)));
    Some(format!("{}{lasted}", began.strftime(form)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_the_unit_that_suits_it() {
        let span = |seconds: u64| span(Duration::from_secs(seconds));
        assert_eq!([span(0), span(119), span(120), span(7199)], ["0 s", "119 s", "2 min", "119 min"]);
        assert_eq!([span(7200), span(90_000)], ["2 h 0 min", "25 h 0 min"]);
    }

    #[test]
    fn a_moment_is_told_by_the_clock_on_the_wall() {
        // 2026-02-03 04:05:06 UTC.
        let then = 1_770_091_506.0;
        let zone = TimeZone::fixed(jiff::tz::offset(2));
        let since = |then: f64, now: f64| since(then, now, &zone);
        assert_eq!(since(then, then + 300.0).as_deref(), Some("06:05 (for 5 min)"));
        assert_eq!(since(then, then + 90_000.0).as_deref(), Some("2026-02-03 06:05 (for 25 h 0 min)"));
        assert_eq!(since(then + 60.0, then).as_deref(), Some("06:06"), "the other clock goes ahead");
        for nonsense in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300, -1e300] {
            assert_eq!(since(nonsense, then), None, "{nonsense}");
        }
    }
}
