//! Windows, applications and notifications.

use serde::{Deserialize, Serialize};

use super::types::{Point, Rect};

/// The workspace of a window that is on every one.
pub(crate) const EVERYWHERE: &str = "all";

/// A window of an application.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Window {
    /// The name that the other methods of windows take.
    pub id: String,
    /// What its title bar says.
    pub title: String,
    /// The application that it belongs to.
    pub app_name: String,
    /// The process that it belongs to.
    pub pid: Option<u32>,
    /// Where it is, in logical pixels, its frame included.
    pub bounds: Option<Rect>,
    /// Whether it has the keyboard.
    pub focused: bool,
    /// Whether it is hidden in a panel or dock.
    pub minimized: bool,
    /// The workspace that it is on, as the desktop names it; `all` for one that is on every one.
    pub workspace: Option<String>,
}

impl Window {
    /// Whether this is its [`id`](Self::id), in whatever way its number is written.
    #[must_use]
    pub fn is_called(&self, id: &str) -> bool {
        self.id == id || window_number(&self.id).is_some_and(|own| window_number(id) == Some(own))
    }

    /// Whether it may be on the screen together with another one: both on one workspace, or one on all of them.
    pub(crate) fn is_shown_with(&self, other: &Self) -> bool {
        let is_everywhere = |window: &Self| window.workspace.as_deref() == Some(EVERYWHERE);
        self.workspace == other.workspace || is_everywhere(self) || is_everywhere(other)
    }

    /// Whether some of it is at a point, as far as nothing covers it.
    pub(crate) fn is_at(&self, point: Point) -> bool {
        !self.minimized && self.bounds.is_some_and(|bounds| bounds.contains(point))
    }
}

/// The number that an id is, in hexadecimal digits after `0x` or in decimal ones, and its generation, behind a dot unless it is
/// the first: as desktops write it that number their windows (X11), and as other tools do.
pub(crate) fn window_number(id: &str) -> Option<(u32, u32)> {
    let number = |id: &str| {
        let hexadecimal = id.strip_prefix("0x").or_else(|| id.strip_prefix("0X"));
        let (digits, radix) = hexadecimal.map_or((id, 10), |digits| (digits, 16));
        // Signs would be taken for a part of the number.
        let is_number = digits.chars().all(|digit| digit.is_digit(radix));
        is_number.then(|| u32::from_str_radix(digits, radix).ok()).flatten()
    };
    let Some((id, generation)) = id.split_once('.') else { return Some((number(id)?, 1)) };
    // Written in one way only: without signs and zeros before it.
    let known = generation.parse().ok().filter(|known| *known > 1 && u32::to_string(known) == generation)?;
    Some((number(id)?, known))
}

/// The window in front at a point: the first of a list is the one in front, those of workspaces that are not shown are the last,
/// and what has the keyboard tells which workspace is shown.
pub(crate) fn in_front(windows: &[Window], point: Point) -> Option<&Window> {
    let focused = windows.iter().find(|window| window.focused);
    windows.iter().find(|window| window.is_at(point) && focused.is_none_or(|focused| window.is_shown_with(focused)))
}

/// What `windows.focus` takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowParams {
    /// The window, by its [`id`](Window::id).
    pub window_id: String,
}

/// What `windows.close` takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowCloseParams {
    /// The window, by its [`id`](Window::id).
    pub window_id: String,
    /// Whether the process that the window belongs to is ended if the window does not close when asked to.
    pub force: bool,
}

/// What `windows.move` takes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MoveWindowParams {
    /// The window, by its [`id`](Window::id).
    pub window_id: String,
    /// Where it is to be, in logical pixels, its frame included.
    pub bounds: Rect,
}

/// What `apps.open`, `apps.close` and `apps.focus` take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppParams {
    /// The application, as `apps.list` or `apps.installed` names it.
    pub name: String,
}

/// An application that can be opened.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct App {
    /// What the desktop calls it; `apps.open` takes it too.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Whether it has a window.
    pub running: bool,
}

/// A message that an application shows outside its windows.
#[derive(Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Notification {
    /// What tells it from the others.
    pub id: String,
    /// Its first line.
    pub title: String,
    /// The rest of it.
    pub body: String,
    /// The application that it comes from.
    pub app: Option<String>,
    /// When it was shown, in seconds since 1970.
    pub timestamp: f64,
}

// What is sent to people is often private, and sometimes a code to sign in with: it is not for logs.
impl core::fmt::Debug for Notification {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self { id, title, body, app, timestamp } = self;
        f.debug_struct("Notification")
            .field("id", id)
            .field("title_bytes", &title.len())
            .field("body_bytes", &body.len())
            .field("app", app)
            .field("timestamp", timestamp)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_on_every_workspace_is_in_front_on_each() {
        let window = |id: &str, workspace: &str, focused: bool| Window {
            id: id.to_owned(),
            workspace: Some(workspace.to_owned()),
            focused,
            bounds: Some(Rect::new(0.0, 0.0, 10.0, 10.0)),
            ..Window::default()
        };
        let front = |windows: &[Window]| in_front(windows, Point::new(5.0, 5.0)).map(|window| window.id.clone());
        let (here, there) = (window("here", "1", true), window("there", "2", false));
        assert_eq!(front(&[there.clone(), here.clone()]).as_deref(), Some("here"), "on another workspace");
        let everywhere = window("everywhere", EVERYWHERE, false);
        assert_eq!(front(&[everywhere.clone(), here.clone()]).as_deref(), Some("everywhere"));
        let focused = Window { focused: true, bounds: None, ..everywhere };
        assert_eq!(front(&[focused, Window { focused: false, ..here }]).as_deref(), Some("here"));
    }

    #[test]
    fn what_a_notification_says_is_not_for_logs() {
        let (id, title, body) = ("7".to_owned(), "Your code".to_owned(), "123456".to_owned());
        let shown = format!("{:?}", Notification { id, title, body, app: Some("mail".to_owned()), timestamp: 2.5 });
        let expected = "Notification { id: \"7\", title_bytes: 9, body_bytes: 6, app: Some(\"mail\"), timestamp: 2.5 }";
        assert_eq!(shown, expected);
    }
}
