//! The accessibility tree.

use super::apps::App;
use super::chrome;
use super::geometry::Area;
use super::handle::Handle;
use super::lock;
use super::screen::Screen;
use crate::api::{Error, ErrorCode, MAX_NODES, Result, TreeParams, UiElement, UiNode, UiTree};
use crate::cancel::Cancel;

/// An element that can be used, without value and children.
pub(super) fn element(handle: Handle, role: &str, name: &str, bounds: Area) -> UiElement {
    UiElement {
        role: role.to_owned(),
        name: name.to_owned(),
        bounds: Some(bounds.rect()),
        enabled: true,
        actions: handle.actions().iter().map(|action| action.name().to_owned()).collect(),
        reference: Some(handle.reference().into_owned()),
        ..UiElement::default()
    }
}

/// Those states that are so.
pub(super) fn states(all: &[(&str, bool)]) -> Vec<String> {
    all.iter().filter(|(_, so)| *so).map(|(name, _)| (*name).to_owned()).collect()
}

impl Screen {
    /// What [`elements`](Self::elements) gives, as deep and as much of it as was asked for.
    ///
    /// # Errors
    /// Those of [`elements`](Self::elements), and [`ErrorCode::Cancelled`].
    pub(super) fn tree(&self, params: &TreeParams, cancel: &Cancel) -> Result<UiTree> {
        let root = self.elements(params.window_id.as_deref(), params.app.as_deref())?;
        // A tree has a root.
        let most = (params.max_nodes as usize).clamp(1, MAX_NODES);
        flat(root, params.max_depth, most, cancel)
    }

    /// The desktop with its open windows, and with its panel and notifications unless only some window was asked for.
    /// While it is locked, the lock screen alone.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] for a window or an app that is not there.
    pub(super) fn elements(&self, window: Option<&str>, app: Option<&str>) -> Result<UiElement> {
        let all = window.is_none() && app.is_none();
        let wanted = |known: App| {
            window.is_none_or(|id| id == known.id()) && app.is_none_or(|name| name.eq_ignore_ascii_case(known.title()))
        };
        let mut root = element(Handle::Desktop, "desktop", "Virtual desktop", self.displays.bounds());
        if self.is_locked() {
            if !all {
                return Err(locked());
            }
            root.children.push(lock::elements(self.area()));
            return Ok(root);
        }
        root.children =
            App::ALL.into_iter().filter(|app| self.is_open(*app) && wanted(*app)).map(|app| self.window(app)).collect();
        if all {
            root.children.push(self.panel());
            root.children.extend(self.toasts.elements(self.area()));
        } else if root.children.is_empty() {
            return Err(self.no_such_window(window, app));
        }
        Ok(root)
    }

    fn window(&self, app: App) -> UiElement {
        let area = self.window_area(app);
        let focused = self.focus() == Some(app);
        let mut window = element(Handle::Window(app), "window", app.title(), area);
        window.focused = focused;
        window.states = states(&[("active", focused), ("minimized", self.is_minimized(app))]);
        if self.is_minimized(app) {
            window.bounds = None;
            return window;
        }
        window.children = self.content_elements(app, focused);
        window.children.push(element(Handle::Close(app), "push button", "Close", chrome::close_button(area)));
        window
    }

    fn panel(&self) -> UiElement {
        let mut panel = element(Handle::Panel, "panel", "Panel", chrome::panel(self.area()));
        panel.children = App::ALL
            .into_iter()
            .map(|app| {
                let bounds = chrome::task_button(self.area(), app);
                let mut task = element(Handle::Task(app), "push button", app.title(), bounds);
                task.value = Some(if self.is_open(app) { "open" } else { "closed" }.to_owned());
                task
            })
            .collect();
        panel
    }

    fn no_such_window(&self, window: Option<&str>, app: Option<&str>) -> Error {
        let asked = [("window", window), ("app", app)]
            .into_iter()
            .filter_map(|(kind, name)| name.map(|name| format!("{kind} {name:?}")))
            .collect::<Vec<_>>()
            .join(" of ");
        let open = self.open_windows();
        Error::new(ErrorCode::NotFound, format!("the virtual desktop has no open {asked}; open windows: {open}"))
    }
}

/// Why windows cannot be reached.
pub(super) fn locked() -> Error {
    let message = "the virtual desktop is locked and shows nothing but its lock screen; press Return to unlock it";
    Error::new(ErrorCode::NotFound, message)
}

/// Lists an element and what is below it, each before its children, down to a depth and up to a number.
fn flat(root: UiElement, max_depth: u32, max_nodes: usize, cancel: &Cancel) -> Result<UiTree> {
    let mut tree = UiTree::default();
    let mut ahead = vec![(0_u16, root)];
    while let Some((depth, element)) = ahead.pop() {
        cancel.check()?;
        if tree.nodes.len() == max_nodes {
            tree.truncated = true;
            break;
        }
        let UiElement { role, name, value, bounds, focused, enabled, states, actions, reference, children } = element;
        tree.nodes.push(UiNode { depth, role, name, value, bounds, focused, enabled, states, actions, reference });
        if u32::from(depth) < max_depth {
            ahead.extend(children.into_iter().rev().map(|child| (depth.saturating_add(1), child)));
        } else if !children.is_empty() {
            tree.truncated = true;
        }
    }
    Ok(tree)
}
