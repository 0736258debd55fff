//! What a freedesktop session has besides its X server: its environment, its applications, its locker and its
//! notifications.
//!
//! Everything here blocks, each D-Bus call with a deadline, and is called from worker threads.

mod apps;
mod authority;
mod bus;
mod connect;
mod entries;
mod environment;
mod exec;
mod launch;
mod lock;
mod logind;
mod markup;
mod notifications;
mod notify;
mod plain;
mod running;
mod savers;
mod shown;
mod witness;

pub use apps::{Apps, Opened};
pub(crate) use bus::open as open_bus;
pub(crate) use connect::connect;
pub use environment::{SessionEnvironment, Source, Sources};
pub use lock::Locker;
pub use notifications::Notifications;
pub use running::RunningWindow;
