//! Tasks that are done at their times: what is to be done and when (`schedules.json`), what has become of it
//! (`schedule-state.json`), and the one runner of a home that does it.

mod hands;
mod job;
mod listing;
mod plan;
mod runner;
mod state;
mod store;
mod task;
mod timing;

pub(crate) use self::hands::Hands;
pub(crate) use self::job::is_there;
pub use self::listing::{Listed, Listing};
pub use self::plan::{GRACE, Look, Verdict, look};
pub use self::runner::{Event, run, runner_of};
pub use self::state::{End, Kept, Run, State};
pub use self::store::{Machine, Schedule, Schedules};
pub(crate) use self::store::{good_limit, good_name};
pub use self::task::Task;
pub use self::timing::{BadTiming, Timing, name_of, zone};

use jiff::Timestamp;

use crate::clock;

/// The time of day, as all here reckon.
#[must_use]
pub fn now() -> Timestamp {
    // A clock before the year -9999 is no clock.
    Timestamp::try_from(clock::wall()).unwrap_or(Timestamp::UNIX_EPOCH)
}
