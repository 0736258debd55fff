//! Windows, applications and notifications.

use serde::{Deserialize, Serialize};

use super::types::Rect;

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
    /// The workspace that it is on, as the desktop names it.
    pub workspace: Option<String>,
}

/// What `windows.focus` and `windows.close` take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowParams {
    /// The window, by its [`id`](Window::id).
    pub window_id: String,
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
    /// The application, as `apps.list` names it.
    pub name: String,
}

/// A message that an application shows outside its windows.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
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
