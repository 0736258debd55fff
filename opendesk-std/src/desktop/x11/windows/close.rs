//! Closing a window: asking first, and ending its program only on request.

use core::time::Duration;

use x11rb::CURRENT_TIME;
use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{ClientMessageEvent, ConnectionExt as _, EventMask, Window};

use super::super::connection::Outcome;
use super::desk::{Desk, Manager};
use super::facts::Facts;
use super::known::Holder;
use super::property::{alive, ask, numbers};
use super::{FROM_PERSON, WindowManager, process, wait_until};
use crate::api::{Effect, Error};
use crate::cancel::Cancel;

/// How long an application may take to close its window. One that asks about work that is not saved takes longer than
/// anybody waits.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long the server may take to clear away what a program leaves behind that has ended.
const CLEARING: Duration = Duration::from_secs(2);

/// More protocols than any window speaks.
const PROTOCOLS_WORDS: u32 = 64;

impl WindowManager {
    /// Asks the window to close. Confirmed is one that is gone; one that is still there a second later, without effect, may be
    /// asking its person something.
    ///
    /// With `force` the program that owns such a window is ended: by the process that the server knows it as, or, where
    /// the server knows none, or it is not the one that the window belonged to when it was first seen, by cutting its
    /// connection. Neither the X server, nor the window manager, nor this process
    /// is ever ended.
    pub(in crate::desktop::x11) fn close(&self, id: &str, force: bool, cancel: &Cancel) -> Outcome<Effect> {
        cancel.check()?;
        let is_gone = || {
            cancel.check()?;
            self.is_gone(id)
        };
        let (desk, window) = self.find(id)?;
        let is_asked = self.ask_to_close(&desk, window.xid)?;
        if is_asked && wait_until(PATIENCE, is_gone)? {
            return Ok(Effect::Confirmed);
        }
        if force {
            self.end_owner(id, &desk)?;
            let is_over = wait_until(CLEARING, is_gone)?;
            return Ok(if is_over { Effect::Confirmed } else { Effect::Unverifiable });
        }
        if is_asked {
            return Ok(Effect::NoEffect);
        }
        Err(Error::invalid(format!("the window {id} cannot be asked to close; force ends the program behind it"))
            .into())
    }

    /// `false` for a window that takes no such request.
    fn ask_to_close(&self, desk: &Desk, xid: Window) -> Outcome<bool> {
        let atoms = &self.roster.atoms;
        if desk.manager != Manager::Absent {
            desk.needs(&self.wire, atoms.close_window, "_NET_CLOSE_WINDOW")?;
            self.request(xid, atoms.close_window, [CURRENT_TIME, FROM_PERSON, 0, 0, 0])?;
            return Ok(true);
        }
        let protocols = alive(ask(&self.wire, xid, atoms.protocols, PROTOCOLS_WORDS)?.reply())?;
        let takes_it = protocols.is_some_and(|protocols| numbers(&protocols).contains(&atoms.delete_window));
        if takes_it {
            let data = [atoms.delete_window, CURRENT_TIME, 0, 0, 0];
            let message = ClientMessageEvent::new(32, xid, atoms.protocols, data);
            self.wire.x.send_event(false, xid, EventMask::NO_EVENT, message)?.ignore_error();
            self.wire.x.flush()?;
        }
        Ok(takes_it)
    }

    /// Whether a window is not one of the open ones any more; it may have become an icon beside a clock.
    fn is_gone(&self, id: &str) -> Outcome<bool> {
        let desk = self.roster.desk(&self.wire)?;
        let is_open =
            |facts: &Facts| desk.windows.contains(&facts.xid) && (desk.manager != Manager::Absent || facts.is_viewable);
        Ok(!self.roster.named(&self.wire, id)?.as_ref().is_some_and(is_open))
    }

    fn end_owner(&self, id: &str, desk: &Desk) -> Outcome<()> {
        // It may have closed late, and another program may have a window of its number now.
        let Some(window) = &self.roster.named(&self.wire, id)? else { return Ok(()) };
        let (owners, xid) = (&self.roster.owners, window.xid);
        let pid = owners.pid(&self.wire, xid)?;
        if self.roster.is_elsewhere(window, pid) {
            let machine = window.machine.as_deref().unwrap_or_default();
            let message = format!("the window {id} belongs to a program on {machine}; only programs here can be ended");
            return Err(Error::invalid(message).into());
        }
        if let Some(whose) = self.spared(desk, window, pid)? {
            return Err(Error::invalid(format!("the window {id} belongs to {whose}, which is not ended")).into());
        }
        // The process that connected may have handed its connection on and ended, and its number may be another's.
        let mut is_known = false;
        if let Some(pid) = pid
            && process::end(pid, || {
                is_known = self.roster.known.is_held_by(xid, Holder::of(Some(pid)));
                Ok(is_known && owners.pid(&self.wire, xid)? == Some(pid))
            })?
            && is_known
        {
            return Ok(());
        }
        if self.roster.named(&self.wire, id)?.is_none() {
            return Ok(());
        }
        self.wire.x.kill_client(xid)?.ignore_error();
        Ok(self.wire.x.flush()?)
    }

    /// What a window belongs to that must go on.
    fn spared(&self, desk: &Desk, window: &Facts, pid: Option<u32>) -> Outcome<Option<&'static str>> {
        let owners = &self.roster.owners;
        let is_of = |other: Window| -> Outcome<bool> {
            let same_process = pid.is_some() && owners.pid(&self.wire, other)? == pid;
            Ok(same_process || owners.program(window.xid) == owners.program(other))
        };
        if let Manager::Ewmh { window: own, .. } = desk.manager
            && is_of(own)?
        {
            return Ok(Some("the window manager"));
        }
        if is_of(self.wire.root())? {
            return Ok(Some("the X server"));
        }
        // Where the server knows no processes, what the window says of itself has to do.
        let this = std::process::id();
        let own_connection = self.wire.x.setup().resource_id_base;
        if pid.or(window.named_pid) == Some(this) || is_of(own_connection)? {
            return Ok(Some("this program"));
        }
        Ok((pid == Some(1)).then_some("the first process of this machine"))
    }
}
