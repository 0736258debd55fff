//! What calls do on this machine besides its desktop: files, processes, commands.
//!
//! Everything here blocks and is called from worker threads. Files are reached by handles of directories, so that
//! opendesk's own directory stays out of reach whatever a path looks like; see [`Files`].

pub mod command;
mod content;
mod entry;
mod fault;
mod files;
mod guard;
mod handle;
pub(crate) mod live;
pub(crate) mod marked;
pub(crate) mod names;
mod path;
mod pipes;
pub mod processes;
mod relocate;
mod running;
mod tree;
mod walk;

pub use files::Files;
