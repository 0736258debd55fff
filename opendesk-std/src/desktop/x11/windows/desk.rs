//! What the window manager says: which windows there are, which one is active, which workspaces there are.

use x11rb::protocol::xproto::{Atom, ConnectionExt as _, EventMask, Window};

use super::super::connection::{Outcome, Wire};
use super::atoms::Atoms;
use super::facts::EVERYWHERE;
use super::property::{alive, ask, number, numbers};
use super::text::{TEXT_WORDS, parts};
use crate::api::{self, Error, Result};

/// More windows, names of hints and so on than any desktop has.
const LIST_WORDS: u32 = 4096;

/// Windows within windows, deeper than any program goes.
const MAX_DEPTH: usize = 32;

/// Focus on nothing, or on whatever is under the pointer.
const NO_WINDOW: [Window; 2] = [0, 1];

/// Who arranges the windows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Manager {
    /// A window manager that speaks EWMH.
    Ewmh {
        /// Its own window, which tells that it runs.
        window: Window,
        /// What it carries out and keeps.
        supported: Vec<Atom>,
    },
    /// One that does not: nobody says which windows are the applications'.
    Other,
    /// Nobody: the applications' windows are the root's children.
    Absent,
}

/// The windows at one moment.
#[derive(Debug, Clone)]
pub(super) struct Desk {
    pub(super) manager: Manager,
    /// The one in front first.
    pub(super) windows: Vec<Window>,
    pub(super) active: Option<Window>,
    /// What has the keyboard, which may be a window within one of these.
    focus: Window,
    /// The workspace that is shown.
    pub(super) workspace: Option<u32>,
    workspaces: Vec<String>,
}

impl Desk {
    pub(super) fn read(wire: &Wire, atoms: &Atoms) -> Outcome<Self> {
        let on_root = |property, words| ask(wire, wire.root(), property, words);
        let check = on_root(atoms.supporting_check, 1)?;
        let supported = on_root(atoms.supported, LIST_WORDS)?;
        let stacking = on_root(atoms.client_list_stacking, LIST_WORDS)?;
        let list = on_root(atoms.client_list, LIST_WORDS)?;
        let active = on_root(atoms.active_window, 1)?;
        let workspace = on_root(atoms.current_desktop, 1)?;
        let workspaces = on_root(atoms.desktop_names, TEXT_WORDS)?;
        let focus = wire.x.get_input_focus()?;
        let check = number(&check.reply()?);
        let supported = numbers(&supported.reply()?);
        let mut windows = numbers(&stacking.reply()?);
        if windows.is_empty() {
            windows = numbers(&list.reply()?);
        }
        let mut desk = Self {
            manager: Manager::Other,
            windows,
            active: number(&active.reply()?).filter(|window| *window != x11rb::NONE),
            workspace: number(&workspace.reply()?),
            workspaces: parts(&workspaces.reply()?, atoms.utf8_string),
            focus: focus.reply()?.focus,
        };
        // What a window manager leaves behind stays on the root window; its own window does not.
        let manager = match check {
            Some(window) => {
                let same = alive(ask(wire, window, atoms.supporting_check, 1)?.reply())?;
                Some(window).filter(|window| same.and_then(|same| number(&same)) == Some(*window))
            }
            None => None,
        };
        match manager {
            Some(window) => desk.manager = Manager::Ewmh { window, supported },
            None => desk.look_without_manager(wire)?,
        }
        desk.windows.reverse();
        Ok(desk)
    }

    /// Looks whether there is a window manager of another kind, and takes the root's children if there is none.
    fn look_without_manager(&mut self, wire: &Wire) -> Outcome<()> {
        let attributes = wire.x.get_window_attributes(wire.root())?;
        let tree = wire.x.query_tree(wire.root())?;
        // Only one program can ask for this, and only a window manager does.
        let redirected = u32::from(EventMask::SUBSTRUCTURE_REDIRECT);
        let is_managed = u32::from(attributes.reply()?.all_event_masks) & redirected != 0;
        let children = topmost(tree.reply()?.children);
        self.active = None;
        self.workspace = None;
        self.workspaces.clear();
        (self.manager, self.windows) =
            if is_managed { (Manager::Other, Vec::new()) } else { (Manager::Absent, children) };
        Ok(())
    }

    /// Whether the window manager says that it supports this.
    pub(super) fn supports(&self, hint: Atom) -> bool {
        matches!(&self.manager, Manager::Ewmh { supported, .. } if supported.contains(&hint))
    }

    /// Whether it is known which windows there are.
    pub(super) fn can_list(&self, atoms: &Atoms) -> bool {
        match self.manager {
            Manager::Ewmh { .. } => self.supports(atoms.client_list_stacking) || self.supports(atoms.client_list),
            Manager::Other => false,
            Manager::Absent => true,
        }
    }

    /// Whether there is somebody, or nobody in the way, to carry this out.
    pub(super) fn can_ask_for(&self, hint: Atom) -> bool {
        self.manager == Manager::Absent || self.supports(hint)
    }

    /// Refuses what the window manager does not carry out.
    pub(super) fn needs(&self, wire: &Wire, hint: Atom, name: &str) -> Result<()> {
        if self.can_ask_for(hint) {
            return Ok(());
        }
        let why = format!("has a window manager that does not support {name}");
        Err(wire.cannot("windows.manipulate", &why))
    }

    /// The window of the list that has the keyboard: the focus is on it, or on a window within it.
    pub(super) fn keyboard(&self, wire: &Wire) -> Outcome<Option<Window>> {
        let mut window = self.focus;
        for _ in 0..MAX_DEPTH {
            if self.windows.contains(&window) {
                return Ok(Some(window));
            }
            if NO_WINDOW.contains(&window) {
                break;
            }
            let Some(tree) = alive(wire.x.query_tree(window)?.reply())? else { break };
            window = tree.parent;
        }
        Ok(None)
    }

    /// Whether the windows of a workspace are shown, as far as the window manager tells.
    pub(super) fn shows(&self, workspace: Option<u32>) -> bool {
        let (Some(workspace), Some(shown)) = (workspace, self.workspace) else { return true };
        workspace == EVERYWHERE || workspace == shown
    }

    /// How the desktop names a workspace; one without a name goes by its number, the first one being 0.
    pub(super) fn workspace_name(&self, workspace: u32) -> String {
        if workspace == EVERYWHERE {
            return api::EVERYWHERE.to_owned();
        }
        let index = usize::try_from(workspace).ok();
        let name = index.and_then(|index| self.workspaces.get(index)).filter(|name| !name.is_empty());
        name.cloned().unwrap_or_else(|| workspace.to_string())
    }

    /// The error of a call that has to know the windows.
    pub(super) fn cannot_list(wire: &Wire) -> Error {
        wire.cannot("windows.list", "has a window manager that does not say which windows there are (EWMH)")
    }
}

/// As many of the root's children, the lowest of which comes first, as a window manager's list is read of.
fn topmost(mut children: Vec<Window>) -> Vec<Window> {
    let beyond = children.len().saturating_sub(LIST_WORDS as usize);
    children.split_off(beyond)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_topmost_children_are_kept() {
        assert_eq!(topmost(vec![1, 2]), [1, 2]);
        let kept = topmost((1..=LIST_WORDS + 2).collect());
        assert_eq!((kept.len(), kept.first(), kept.last()), (LIST_WORDS as usize, Some(&3), Some(&(LIST_WORDS + 2))));
    }
}
