//! The accessibility tree of the window that a call is about.

use super::session::Session;
use super::shots::told;
use super::target::{Target, ToolError};
use crate::api::{Rect, TreeParams, UiTree, UiTreeRead, Window, WindowsList};

/// How deep pages in browsers put what people use.
const DEEPEST: u32 = 40;

/// The most elements that are asked for: each costs the program that shows it.
const MOST: u32 = 1000;

/// A window and what it shows.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Scene {
    /// None where the whole desktop is meant.
    pub(super) window: Option<Window>,
    pub(super) tree: UiTree,
}

impl Session {
    /// What is shown in a part of a desktop, or anywhere: the window of this id, else the one that has the keyboard, else
    /// the one in front, else everything.
    ///
    /// # Errors
    /// Those of [`Session::call`]; most of all that a desktop has no accessibility tree.
    pub(super) async fn scene(
        &self,
        target: &Target,
        area: Option<Rect>,
        id: Option<&str>,
    ) -> Result<Scene, ToolError> {
        let windows = told(self.call::<WindowsList>(target, &()).await)?.unwrap_or_default();
        let window = chosen(windows, area, id);
        if let Some(window) = window {
            let tree = told(self.tree(target, Some(window.id.clone())).await)?;
            if let Some(tree) = tree {
                return Ok(Scene { window: Some(window), tree });
            }
        }
        // Such as a lock screen, which is no window.
        Ok(Scene { window: None, tree: self.tree(target, None).await? })
    }

    /// The elements of a window, or of the whole desktop.
    ///
    /// # Errors
    /// Those of [`Session::call`].
    pub(super) async fn tree(&self, target: &Target, window_id: Option<String>) -> Result<UiTree, ToolError> {
        let params = TreeParams { window_id, app: None, max_depth: DEEPEST, max_nodes: MOST };
        self.call::<UiTreeRead>(target, &params).await
    }
}

/// The first of the windows is the one in front.
fn chosen(windows: Vec<Window>, area: Option<Rect>, id: Option<&str>) -> Option<Window> {
    if let Some(id) = id {
        return windows.into_iter().find(|window| window.is_called(id));
    }
    let is_seen = |window: &Window| {
        !window.minimized && area.is_none_or(|area| window.bounds.is_none_or(|bounds| overlap(area, bounds)))
    };
    let mut seen: Vec<Window> = windows.into_iter().filter(is_seen).collect();
    let index = seen.iter().position(|window| window.focused).or_else(|| (!seen.is_empty()).then_some(0))?;
    Some(seen.swap_remove(index))
}

/// Whether two areas have anything in common.
pub(super) fn overlap(one: Rect, other: Rect) -> bool {
    one.x < other.x + other.width
        && other.x < one.x + one.width
        && one.y < other.y + other.height
        && other.y < one.y + one.height
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(id: &str, x: f64, focused: bool) -> Window {
        Window { id: id.to_owned(), bounds: Some(Rect::new(x, 0.0, 10.0, 10.0)), focused, ..Window::default() }
    }

    #[test]
    fn the_window_with_the_keyboard_comes_before_the_one_in_front() {
        let windows = || vec![window("front", 0.0, false), window("typing", 20.0, true), window("back", 40.0, false)];
        let id = |area, id| chosen(windows(), area, id).map(|window| window.id);
        assert_eq!(id(None, None).as_deref(), Some("typing"));
        assert_eq!(id(Some(Rect::new(0.0, 0.0, 100.0, 5.0)), None).as_deref(), Some("typing"));
        assert_eq!(id(Some(Rect::new(0.0, 0.0, 15.0, 5.0)), None).as_deref(), Some("front"));
        assert_eq!(id(Some(Rect::new(45.0, 5.0, 1.0, 1.0)), None).as_deref(), Some("back"));
        assert_eq!(id(Some(Rect::new(70.0, 5.0, 1.0, 1.0)), None), None);
        assert_eq!(id(None, Some("back")).as_deref(), Some("back"));
        assert_eq!(id(None, Some("gone")), None);
        let hidden = Window { minimized: true, ..window("hidden", 0.0, true) };
        assert_eq!(chosen(vec![hidden], None, None), None);
    }
}
