//! The only place that reads the wall clock. Deadlines come from the runtime's own clock instead.

use std::time::{SystemTime, UNIX_EPOCH};

/// The time of day.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the one place that may")]
pub fn wall() -> SystemTime {
    SystemTime::now()
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
