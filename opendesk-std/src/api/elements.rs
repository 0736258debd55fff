//! Elements of user interfaces, as a desktop gives them and as a controller names them.

use serde::{Deserialize, Serialize};

use super::few::few;
use super::types::{Modifier, Rect};

/// What `ui.tree` takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TreeParams {
    /// Only this window.
    pub window_id: Option<String>,
    /// Only this application.
    pub app: Option<String>,
    /// How deep to go; the root is at depth 0.
    pub max_depth: u32,
}

impl Default for TreeParams {
    fn default() -> Self {
        Self { window_id: None, app: None, max_depth: 8 }
    }
}

/// An element of the accessibility tree.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct UiElement {
    /// Its kind: `window`, `button`, `menu`, `text`…
    pub role: String,
    /// Its label.
    pub name: String,
    /// Its content, where it has one.
    pub value: Option<String>,
    /// Where it is, in logical pixels.
    pub bounds: Option<Rect>,
    /// Whether it has the keyboard.
    pub focused: bool,
    /// Whether it can be used.
    pub enabled: bool,
    /// What can be done to it.
    pub actions: Vec<String>,
    /// A short id that names it while it lives.
    pub reference: Option<String>,
    /// What it contains.
    pub children: Vec<Self>,
}

/// An element as a controller describes it: by its reference, or by what else is known of it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ElementTarget {
    /// Its kind; empty is any.
    pub role: String,
    /// Its label; empty is any.
    pub name: String,
    /// What is to be set or typed; otherwise the content that it has.
    pub value: Option<String>,
    /// Where it is, in logical pixels.
    pub bounds: Option<Rect>,
    /// The id that the tree gave it ([`UiElement::reference`]).
    pub reference: Option<String>,
    /// The labels from a menu to an item of it, at most 64.
    #[serde(deserialize_with = "few::<64, _, _>")]
    pub menu_path: Vec<String>,
    /// With the action `key`: the key to press.
    pub key: Option<String>,
    /// With the action `key`: what is held meanwhile.
    pub modifiers: Vec<Modifier>,
}

/// What `ui.action` takes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UiActionParams {
    /// The element.
    pub target: ElementTarget,
    /// What is done to it: `click`, `focus`, `type`, `key`, `set_value`, or an action that it lists.
    pub action: String,
    /// The application that it belongs to.
    pub app: Option<String>,
}
