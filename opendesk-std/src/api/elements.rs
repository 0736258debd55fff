//! Elements of user interfaces, as a desktop gives them and as a controller names them.

use serde::{Deserialize, Serialize};

use super::few::few;
use super::tree::MAX_NODES;
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
    /// How many elements to give at most; 2,000 is the most there can be.
    pub max_nodes: u32,
}

impl Default for TreeParams {
    fn default() -> Self {
        Self { window_id: None, app: None, max_depth: 8, max_nodes: MAX_NODES as u32 }
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
    /// What else is so: `checked`, `selected`, `expanded`, `editable`…
    pub states: Vec<String>,
    /// What can be done to it.
    pub actions: Vec<String>,
    /// A short id that names it while it lives.
    pub reference: Option<String>,
    /// What it contains.
    pub children: Vec<Self>,
}

/// An element as a controller describes it: by its reference, or by what else is known of it.
#[derive(Clone, PartialEq, Default, Serialize, Deserialize)]
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

// What is set or typed may be secret: it is not for logs, of which no more than its size is.
impl core::fmt::Debug for ElementTarget {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self { role, name, value, bounds, reference, menu_path, key, modifiers } = self;
        f.debug_struct("ElementTarget")
            .field("role", role)
            .field("name", name)
            .field("value_bytes", &value.as_ref().map(String::len))
            .field("bounds", bounds)
            .field("reference", reference)
            .field("menu_path", menu_path)
            .field("key_bytes", &key.as_ref().map(String::len))
            .field("modifiers", modifiers)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_or_typed_is_not_for_logs() {
        let secret = || Some("hunter2".to_owned());
        let target =
            ElementTarget { name: "Password".to_owned(), value: secret(), key: secret(), ..Default::default() };
        let shown = format!("{target:?}");
        assert!(shown.contains("\"Password\"") && shown.contains("value_bytes: Some(7)"), "{shown}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
