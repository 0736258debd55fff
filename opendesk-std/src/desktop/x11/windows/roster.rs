//! The open windows of one server: which ones people see, and which one an id names.

use std::collections::HashMap;
use std::sync::Arc;

use x11rb::protocol::xproto::Window as Xid;

use super::super::connection::{Outcome, Wire};
use super::ClientWindow;
use super::atoms::Atoms;
use super::desk::{Desk, Manager};
use super::facts::{Facts, Question};
use super::ids;
use super::known::{Holder, Known};
use super::owners::Owners;
use crate::api::Window;
use crate::machine;

/// What reading windows takes. Nothing in here but what is known of the windows changes while the server runs.
#[derive(Debug)]
pub(in crate::desktop::x11) struct Roster {
    pub(super) atoms: Atoms,
    pub(super) owners: Owners,
    pub(super) known: Arc<Known>,
    /// Windows name the machine that their program runs on.
    machine: String,
}

impl Roster {
    pub(in crate::desktop::x11) fn probe(wire: &Wire) -> Outcome<Self> {
        let (atoms, owners) = (Atoms::intern(wire)?, Owners::probe(wire)?);
        Ok(Self { atoms, owners, known: Arc::clone(&wire.known), machine: machine::hostname() })
    }

    /// Whether somebody tells which windows there are, or nobody needs to; and whether everything can be done to them besides.
    pub(in crate::desktop::x11) fn can_manage(&self, wire: &Wire) -> Outcome<(bool, bool)> {
        let (desk, atoms) = (self.desk(wire)?, &self.atoms);
        let hints = [atoms.active_window, atoms.moveresize_window, atoms.close_window];
        let can_list = desk.can_list(atoms);
        Ok((can_list, can_list && hints.into_iter().all(|hint| desk.can_ask_for(hint))))
    }

    pub(super) fn desk(&self, wire: &Wire) -> Outcome<Desk> {
        Desk::read(wire, &self.atoms)
    }

    /// What one window is now; `None` when it is gone.
    pub(super) fn facts(&self, wire: &Wire, xid: Xid) -> Outcome<Option<Facts>> {
        Question::ask(wire, &self.atoms, xid)?.answer(&self.atoms)
    }

    /// What the window is now that an id names; `None` when it is gone, and when its number was given to another one.
    pub(super) fn named(&self, wire: &Wire, id: &str) -> Outcome<Option<Facts>> {
        let Some((xid, generation)) = ids::parse(id) else { return Ok(None) };
        let facts = self.facts(wire, xid)?;
        // Asked last: whose the window is now, it was when the rest was asked, too.
        let is_same = facts.is_some() && self.generation(wire, xid)? == generation;
        Ok(facts.filter(|_| is_same))
    }

    fn generation(&self, wire: &Wire, xid: Xid) -> Outcome<u32> {
        Ok(self.known.see(xid, Holder::of(self.owners.pid(wire, xid)?)))
    }

    /// The open window that an id names.
    pub(in crate::desktop::x11) fn window(&self, wire: &Wire, id: &str) -> Outcome<Window> {
        // An id may be spelt in other ways than here.
        let named = ids::parse(id);
        let is_it = |client: &ClientWindow| named.is_some() && ids::parse(&client.window.id) == named;
        let client = self.clients(wire)?.into_iter().find(is_it);
        client.map(|client| client.window).ok_or_else(|| ids::unknown(id).into())
    }

    /// The open windows, the one in front first and those of workspaces that are not shown last: three round trips, however
    /// many there are.
    pub(in crate::desktop::x11) fn clients(&self, wire: &Wire) -> Outcome<Vec<ClientWindow>> {
        let desk = self.desk(wire)?;
        if !desk.can_list(&self.atoms) {
            return Err(Desk::cannot_list(wire).into());
        }
        let questions: Vec<Question<'_>> =
            desk.windows.iter().map(|xid| Question::ask(wire, &self.atoms, *xid)).collect::<Outcome<_>>()?;
        let pids = self.owners.ask(wire, &desk.windows)?;
        let mut open = Vec::new();
        for question in questions {
            open.extend(question.answer(&self.atoms)?.filter(|facts| is_open(&desk, facts)));
        }
        // A window manager stacks what it does not show wherever it was.
        open.sort_by_key(|facts| !desk.shows(facts.workspace));
        let pids = self.owners.pids(pids)?;
        let keyboard = desk.keyboard(wire)?;
        let mut holders = HashMap::new();
        let mut client = |facts: Facts| {
            let pid = pids.of(facts.xid);
            let holder = *holders.entry(pid).or_insert_with(|| Holder::of(pid));
            self.client(&desk, facts, holder, pid, keyboard)
        };
        Ok(open.into_iter().map(&mut client).collect())
    }

    /// The open window that an id names.
    pub(super) fn find(&self, wire: &Wire, id: &str) -> Outcome<(Desk, Facts)> {
        let desk = self.desk(wire)?;
        if !desk.can_list(&self.atoms) {
            return Err(Desk::cannot_list(wire).into());
        }
        let is_there = ids::parse(id).is_some_and(|(xid, _)| desk.windows.contains(&xid));
        let facts = if is_there { self.named(wire, id)? } else { None };
        match facts.filter(|facts| is_open(&desk, facts)) {
            Some(facts) => Ok((desk, facts)),
            None => Err(ids::unknown(id).into()),
        }
    }

    fn client(
        &self,
        desk: &Desk,
        facts: Facts,
        holder: Holder,
        pid: Option<u32>,
        keyboard: Option<Xid>,
    ) -> ClientWindow {
        let is_active = desk.manager == Manager::Absent || desk.active == Some(facts.xid);
        let named_pid = facts.named_pid.filter(|_| self.is_here(&facts));
        let app_name = if facts.class.is_empty() { &facts.instance } else { &facts.class };
        let window = Window {
            id: ids::spell(facts.xid, self.known.see(facts.xid, holder)),
            app_name: app_name.clone(),
            pid: pid.or(named_pid),
            bounds: Some(facts.bounds().rect()),
            focused: is_active && keyboard == Some(facts.xid),
            minimized: if desk.supports(self.atoms.hidden) { facts.is_hidden } else { facts.is_iconic },
            workspace: facts.workspace.map(|workspace| desk.workspace_name(workspace)),
            title: facts.title,
        };
        ClientWindow { window, xid: facts.xid, instance: facts.instance, class: facts.class }
    }

    /// Whether a window says that its program runs on this machine.
    fn is_here(&self, facts: &Facts) -> bool {
        facts.machine.as_deref().is_some_and(|machine| is_same_machine(machine, &self.machine))
    }

    /// Whether a window's program runs on another machine, as far as the window tells. A machine that was given another
    /// name meanwhile is the same one: the process that the window names is the one that the server sees.
    pub(super) fn is_elsewhere(&self, facts: &Facts, pid: Option<u32>) -> bool {
        facts.machine.is_some() && !self.is_here(facts) && (pid.is_none() || facts.named_pid != pid)
    }
}

/// Whether a window of the list is one that people see. Without a window manager the list holds whatever any program
/// made, most of which is never shown.
fn is_open(desk: &Desk, facts: &Facts) -> bool {
    let is_shown = || facts.is_viewable && facts.has_pixels && !facts.title.is_empty();
    facts.is_ordinary && (desk.manager != Manager::Absent || is_shown())
}

/// A name may be spelt with its domain and without it.
fn is_same_machine(one: &str, other: &str) -> bool {
    let short = |name: &str| name.split('.').next().unwrap_or_default().to_lowercase();
    short(one) == short(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_is_the_same_with_and_without_its_domain() {
        assert!(is_same_machine("desk", "desk"));
        assert!(is_same_machine("desk.example.org", "Desk"));
        assert!(!is_same_machine("desk", "desk2"));
        assert!(!is_same_machine("", "desk"));
    }
}
