//! Whether the window manager has carried out what it was asked for.

use core::time::Duration;

use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{ConnectionExt as _, CreateWindowAux, Window, WindowClass};

use super::super::connection::{Outcome, Wire};
use super::desk::Desk;
use super::property::ask;
use super::{WindowManager, wait_until};

impl WindowManager {
    /// Waits until the window manager has come to the end of what it was asked for, and tells whether it has. Requests
    /// are taken up in their order, and one has an answer: how large the frame of a window would be
    /// (`_NET_REQUEST_FRAME_EXTENTS`, EWMH). Where nobody knows that request, it has at once.
    pub(super) fn has_caught_up(&self, desk: &Desk, within: Duration) -> Outcome<bool> {
        let atoms = self.roster.atoms;
        if !desk.supports(atoms.request_frame_extents) {
            return Ok(true);
        }
        // One of its own: an answer that came too late would else be taken for that to the next question.
        let window = create(&self.wire)?;
        self.request(window, atoms.request_frame_extents, [0; 5])?;
        let has_answered =
            wait_until(within, || Ok(!ask(&self.wire, window, atoms.frame_extents, 4)?.reply()?.value.is_empty()))?;
        self.wire.x.destroy_window(window)?.ignore_error();
        Ok(has_answered)
    }
}

/// A window that nobody sees.
fn create(wire: &Wire) -> Outcome<Window> {
    let window = wire.x.generate_id()?;
    let (looks, kind) = (CreateWindowAux::new(), WindowClass::INPUT_OUTPUT);
    wire.x.create_window(0, window, wire.root(), -1, -1, 1, 1, 0, kind, 0, &looks)?.check()?;
    Ok(window)
}
