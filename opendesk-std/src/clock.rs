//! The only place that reads the machine's clocks. Deadlines of event loops come from the runtime's own clock instead.

use core::time::Duration;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// The time of day.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the one place that may")]
pub fn wall() -> SystemTime {
    SystemTime::now()
}

/// How this machine's time zone calls itself now, such as `CET`.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the one place that may")]
pub(crate) fn timezone() -> String {
    jiff::Zoned::now().strftime("%Z").to_string()
}

/// A clock that only goes forward, for calls that block and have no runtime whose clock they could be given.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the one place that may")]
pub(crate) fn monotonic() -> Instant {
    Instant::now()
}

/// Seconds since 1970.
#[must_use]
pub fn epoch_seconds() -> f64 {
    seconds_of(wall())
}

/// A time of day in seconds since 1970.
#[must_use]
pub fn seconds_of(time: SystemTime) -> f64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

/// The time of day from seconds since 1970, before it as well; `None` for one that this system does not know.
pub(crate) fn time_of(seconds: f64) -> Option<SystemTime> {
    let distance = Duration::try_from_secs_f64(seconds.abs()).ok()?;
    if seconds < 0.0 { UNIX_EPOCH.checked_sub(distance) } else { UNIX_EPOCH.checked_add(distance) }
}
