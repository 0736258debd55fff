//! The accessibility tree.

use super::apps::App;
use super::chrome;
use super::geometry::Area;
use super::handle::Handle;
use super::screen::Screen;
use crate::api::{Error, ErrorCode, Result, TreeParams, UiElement};

/// An element that can be used, without value and children.
pub(super) fn element(handle: Handle, role: &str, name: &str, bounds: Area) -> UiElement {
    UiElement {
        role: role.to_owned(),
        name: name.to_owned(),
        bounds: Some(bounds.rect()),
        enabled: true,
        actions: handle.actions().iter().map(|action| action.name().to_owned()).collect(),
        reference: Some(handle.reference().to_owned()),
        ..UiElement::default()
    }
}

impl Screen {
    /// The desktop with its open windows, and with its panel unless only some window was asked for.
    pub(super) fn tree(&self, params: &TreeParams) -> Result<UiElement> {
        let all = params.window_id.is_none() && params.app.is_none();
        let wanted = |app: App| {
            params.window_id.as_deref().is_none_or(|id| id == app.id())
                && params.app.as_deref().is_none_or(|name| name.eq_ignore_ascii_case(app.title()))
        };
        let mut root = element(Handle::Desktop, "desktop", "Virtual desktop", self.area());
        root.children =
            App::ALL.into_iter().filter(|app| self.is_open(*app) && wanted(*app)).map(|app| self.window(app)).collect();
        if all {
            root.children.push(self.panel());
        } else if root.children.is_empty() {
            return Err(self.no_such_window(params));
        }
        prune(&mut root, params.max_depth);
        Ok(root)
    }

    fn window(&self, app: App) -> UiElement {
        let area = self.window_area(app);
        let focused = self.focus() == Some(app);
        let mut window = element(Handle::Window(app), "window", app.title(), area);
        window.focused = focused;
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

    fn no_such_window(&self, params: &TreeParams) -> Error {
        let asked = [("window", &params.window_id), ("app", &params.app)]
            .into_iter()
            .filter_map(|(kind, name)| name.as_ref().map(|name| format!("{kind} {name:?}")))
            .collect::<Vec<_>>()
            .join(" of ");
        let open = self.open_windows();
        Error::new(ErrorCode::NotFound, format!("the virtual desktop has no open {asked}; open windows: {open}"))
    }
}

/// Cuts off what is deeper than a number of levels below an element.
fn prune(element: &mut UiElement, levels: u32) {
    if levels == 0 {
        element.children.clear();
    }
    for child in &mut element.children {
        prune(child, levels - 1);
    }
}
