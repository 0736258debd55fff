//! The accessibility tree as it travels: flat, so that no peer can nest it deeper than a stack is.

use serde::{Deserialize, Serialize};

use super::elements::UiElement;
use super::few::few;
use super::types::Rect;

/// The most elements a tree has; a larger one is marked as truncated.
pub(crate) const MAX_NODES: usize = 2000;

/// An accessibility tree: every element before its children.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct UiTree {
    /// The elements, at most 2,000; the first is the root.
    #[serde(deserialize_with = "few::<MAX_NODES, _, _>")]
    pub nodes: Vec<UiNode>,
    /// Whether elements are missing because a limit was reached.
    pub truncated: bool,
}

/// One element of a [`UiTree`].
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct UiNode {
    /// How far below the root; an element's parent is the nearest one before it that is one less deep.
    pub depth: u16,
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
    /// What else is so: `checked`, `selected`, `expanded`, `editable`…; at most 64.
    #[serde(deserialize_with = "few::<64, _, _>")]
    pub states: Vec<String>,
    /// What can be done to it, at most 64.
    #[serde(deserialize_with = "few::<64, _, _>")]
    pub actions: Vec<String>,
    /// A short id that names it while it lives.
    pub reference: Option<String>,
}

impl From<UiElement> for UiTree {
    fn from(root: UiElement) -> Self {
        let mut tree = Self::default();
        let mut ahead = vec![(0, root)];
        while let Some((depth, element)) = ahead.pop() {
            if tree.nodes.len() == MAX_NODES {
                tree.truncated = true;
                break;
            }
            let UiElement { role, name, value, bounds, focused, enabled, states, actions, reference, children } =
                element;
            tree.nodes.push(UiNode { depth, role, name, value, bounds, focused, enabled, states, actions, reference });
            ahead.extend(children.into_iter().rev().map(|child| (depth.saturating_add(1), child)));
        }
        tree
    }
}

impl UiTree {
    /// The first element of this role and name.
    #[must_use]
    pub fn find(&self, role: &str, name: &str) -> Option<&UiNode> {
        self.nodes.iter().find(|node| node.role == role && node.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn element(name: &str, children: Vec<UiElement>) -> UiElement {
        UiElement { role: "group".into(), name: name.into(), children, ..UiElement::default() }
    }

    #[test]
    fn parents_come_before_children_in_order() {
        let root = element("root", vec![element("a", vec![element("a1", vec![])]), element("b", vec![])]);
        let tree = UiTree::from(root);
        let outline: Vec<_> = tree.nodes.iter().map(|node| (node.depth, node.name.as_str())).collect();
        assert_eq!(outline, [(0, "root"), (1, "a"), (2, "a1"), (1, "b")]);
        assert!(!tree.truncated);
    }

    #[test]
    fn a_large_tree_is_cut_and_says_so() {
        let root = element("root", (0..MAX_NODES).map(|_| element("x", vec![])).collect());
        let tree = UiTree::from(root);
        assert!(tree.truncated);
        assert_eq!(tree.nodes.len(), MAX_NODES);
    }
}
