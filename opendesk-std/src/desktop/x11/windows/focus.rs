//! Bringing a window to the front.

use core::time::Duration;

use x11rb::CURRENT_TIME;
use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{ConfigureWindowAux, ConnectionExt as _, InputFocus, StackMode, Window};

use super::super::connection::Outcome;
use super::desk::{Desk, Manager};
use super::facts::{EVERYWHERE, Facts};
use super::{FROM_PERSON, WindowManager, wait_until};
use crate::api::Effect;

/// How long a window may take to get the keyboard: mostly a few milliseconds, more on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(1);

impl WindowManager {
    /// Shows the window's workspace, brings the window to the front, from its icon too, and gives it the keyboard.
    /// Unverifiable is a window that became the active one and does not take the keyboard.
    pub(in crate::desktop::x11) fn focus(&self, id: &str) -> Outcome<Effect> {
        let (desk, window) = self.find(id)?;
        let xid = window.xid;
        match desk.manager {
            Manager::Absent => self.raise(xid)?,
            Manager::Ewmh { .. } | Manager::Other => self.activate(&desk, &window)?,
        }
        let mut is_active = false;
        let has_keyboard = wait_until(PATIENCE, || {
            let now = self.roster.desk(&self.wire)?;
            is_active = now.active == Some(xid);
            let is_front = is_active || now.manager == Manager::Absent;
            Ok(is_front && now.keyboard(&self.wire)? == Some(xid))
        })?;
        Ok(match (has_keyboard, is_active) {
            (true, _) => Effect::Confirmed,
            (false, true) => Effect::Unverifiable,
            (false, false) => Effect::NoEffect,
        })
    }

    fn activate(&self, desk: &Desk, window: &Facts) -> Outcome<()> {
        let atoms = &self.roster.atoms;
        desk.needs(&self.wire, atoms.active_window, "_NET_ACTIVE_WINDOW")?;
        // Some window managers take a request for a window of another workspace for an intrusion.
        if let Some(workspace) = window.workspace
            && workspace != EVERYWHERE
            && desk.workspace.is_some_and(|shown| shown != workspace)
            && desk.supports(atoms.current_desktop)
        {
            self.request(self.wire.root(), atoms.current_desktop, [workspace, CURRENT_TIME, 0, 0, 0])?;
        }
        self.request(window.xid, atoms.active_window, [FROM_PERSON, CURRENT_TIME, 0, 0, 0])
    }

    /// What a window manager would do.
    fn raise(&self, xid: Window) -> Outcome<()> {
        let x = &self.wire.x;
        x.map_window(xid)?.ignore_error();
        x.configure_window(xid, &ConfigureWindowAux::new().stack_mode(StackMode::ABOVE))?.ignore_error();
        x.set_input_focus(InputFocus::PARENT, xid, CURRENT_TIME)?.ignore_error();
        Ok(x.flush()?)
    }
}
