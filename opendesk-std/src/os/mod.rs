//! What calls do on this machine besides its desktop: files, processes, commands.
//!
//! Everything here blocks and is called from worker threads. Files are reached by handles of directories, so that
//! opendesk's own directory stays out of reach whatever a path looks like; see [`Files`]. Where there are no such handles,
//! on Windows, no call can use files and programs; opendesk itself still runs the programs that it needs.

pub mod command;
#[cfg(unix)]
mod content;
#[cfg(not(unix))]
mod elsewhere;
#[cfg(unix)]
mod entry;
mod fault;
#[cfg(unix)]
mod files;
#[cfg(unix)]
mod guard;
#[cfg(unix)]
mod handle;
mod kept;
#[cfg(unix)]
pub(crate) mod live;
pub(crate) mod marked;
pub(crate) mod names;
mod path;
#[cfg(unix)]
mod pipes;
pub mod processes;
#[cfg(unix)]
mod relocate;
#[cfg(unix)]
mod running;
#[cfg(unix)]
mod tree;
#[cfg(unix)]
mod walk;

use core::time::Duration;

#[cfg(not(unix))]
pub use elsewhere::files::Files;
#[cfg(not(unix))]
pub(crate) use elsewhere::live;
#[cfg(not(unix))]
use elsewhere::running;
#[cfg(unix)]
pub use files::Files;

/// How often a command is looked at when nothing else happens: a person who stops it does not notice the delay.
const TICK: Duration = Duration::from_millis(20);

/// How long output is awaited after the command itself has ended: what it wrote is in the pipe already, and what it
/// left running in the background may never close it.
const LINGER: Duration = Duration::from_millis(200);
