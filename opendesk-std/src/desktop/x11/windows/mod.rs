//! The windows of an X server's desktop, as its window manager (EWMH) and their own properties (ICCCM) tell of them:
//! listing them, bringing them to the front, moving, closing, and the pixels of one of them.
//!
//! A window's id is its X11 identifier, with a number after it where another program had a window of that identifier
//! before. Only windows that people switch between are listed, and only those can be named.
//! Without a window manager they are the titled windows that are on the screen; a window manager that does not speak
//! EWMH leaves nothing to go by.

mod answers;
mod area;
mod atoms;
mod close;
mod desk;
mod facts;
mod focus;
mod ids;
mod known;
mod owners;
mod place;
mod process;
mod property;
mod roster;
mod surface;
mod text;

use core::time::Duration;

use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{Atom, ClientMessageEvent, ConnectionExt as _, EventMask, Window as Xid};

use super::connection::{Outcome, Wire};
use super::input::wait;
use crate::api::Window;
use crate::clock::monotonic;
use desk::Desk;
use facts::Facts;

pub(super) use known::Known;
pub(super) use roster::Roster;
pub(super) use surface::{Surface, Surfaces};

/// How often a state that was asked for is looked at.
const POLL: Duration = Duration::from_millis(10);

/// The sender of a request is what a person operates, such as a panel, and no application on its own behalf (EWMH,
/// "Source indication in requests").
const FROM_PERSON: u32 = 2;

/// An open window, with what tells whose it is.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ClientWindow {
    pub(super) window: Window,
    /// Its X11 identifier.
    pub(super) xid: Xid,
    /// The first part of its `WM_CLASS`: mostly the program's name.
    pub(super) instance: String,
    /// The second part of its `WM_CLASS`: mostly the application's name.
    pub(super) class: String,
}

/// The connection that asks the window manager for something and sees what comes of it.
#[derive(Debug)]
pub(super) struct WindowManager {
    wire: Wire,
    roster: Roster,
}

impl WindowManager {
    pub(super) fn start(wire: Wire) -> Outcome<Self> {
        let roster = Roster::probe(&wire)?;
        Ok(Self { wire, roster })
    }

    /// Begins a call about one window.
    fn find(&self, id: &str) -> Outcome<(Desk, Facts)> {
        self.wire.take_events(|_| {})?;
        self.roster.find(&self.wire, id)
    }

    /// Asks the window manager for something.
    fn request(&self, window: Xid, what: Atom, data: [u32; 5]) -> Outcome<()> {
        let message = ClientMessageEvent::new(32, window, what, data);
        let listeners = EventMask::SUBSTRUCTURE_REDIRECT | EventMask::SUBSTRUCTURE_NOTIFY;
        self.wire.x.send_event(false, self.wire.root(), listeners, message)?.ignore_error();
        Ok(self.wire.x.flush()?)
    }
}

/// Looks again and again until it is so or the time is over, and tells whether it is so. Window managers and programs
/// answer no request: what came of it is seen in the windows.
fn wait_until(within: Duration, mut is_so: impl FnMut() -> Outcome<bool>) -> Outcome<bool> {
    let deadline = monotonic() + within;
    loop {
        if is_so()? {
            return Ok(true);
        }
        if monotonic() >= deadline {
            return Ok(false);
        }
        wait(POLL);
    }
}
