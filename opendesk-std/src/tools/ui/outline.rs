//! Elements as lines for an agent.

use core::fmt::Write as _;

use crate::api::{UiNode, UiTree};
use crate::home::plain_text;
use crate::tools::places::Places;

/// Characters of a label that are told.
const LONGEST_NAME: usize = 120;

/// Characters of a content that are told; `get_value` tells more.
const LONGEST_CONTENT: usize = 200;

/// What is worth telling of an element.
const STATES: [&str; 12] = [
    "checked",
    "collapsed",
    "expanded",
    "indeterminate",
    "invalid entry",
    "minimized",
    "modal",
    "not responding",
    "pressed",
    "read only",
    "required",
    "selected",
];

/// How elements are told.
#[derive(Debug, Clone, Copy)]
pub(super) struct Outline {
    pub(super) places: Option<Places>,
    /// Lines at most.
    pub(super) most: usize,
}

/// Elements in lines.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Lines {
    pub(super) text: String,
    /// Lines that were too many.
    pub(super) left_out: usize,
    told: usize,
}

impl Outline {
    /// A tree. What only holds others and has no name is left out; what it holds takes its place.
    pub(super) fn of_tree(self, tree: &UiTree) -> Lines {
        let mut lines = Lines::default();
        // The depths of those that are told and of which the next may be a part.
        let mut above: Vec<u16> = Vec::new();
        for (index, node) in tree.nodes.iter().enumerate() {
            if index > 0 && !is_worth_telling(node) {
                continue;
            }
            while above.last().is_some_and(|depth| *depth >= node.depth) {
                above.pop();
            }
            self.add(&mut lines, above.len(), node);
            above.push(node.depth);
        }
        lines
    }

    /// Some elements of a tree.
    pub(super) fn of_nodes(self, tree: &UiTree, indices: &[usize]) -> Lines {
        let mut lines = Lines::default();
        for index in indices {
            self.add(&mut lines, 0, &tree.nodes[*index]);
        }
        lines
    }

    fn add(self, lines: &mut Lines, level: usize, node: &UiNode) {
        if lines.told == self.most {
            lines.left_out += 1;
            return;
        }
        lines.told += 1;
        let reference = node.reference.as_deref().map_or_else(|| "-".to_owned(), plain_text);
        let role = short(&node.role, LONGEST_NAME);
        let mut line = format!("{}[{reference}] {role}", " ".repeat(level.min(40)));
        // Writing to a string never fails.
        if !node.name.is_empty() {
            let _done = write!(line, " {:?}", short(&node.name, LONGEST_NAME)).is_ok();
        }
        if let Some(value) = &node.value {
            let _done = write!(line, " = {:?}", short(value, LONGEST_CONTENT)).is_ok();
        }
        let states = states(node);
        if !states.is_empty() {
            let _done = write!(line, " ({})", states.join(", ")).is_ok();
        }
        if let (Some(places), Some(bounds)) = (self.places, node.bounds) {
            let _done = write!(line, " at {}", places.of_rect(bounds)).is_ok();
        }
        if !lines.text.is_empty() {
            lines.text.push('\n');
        }
        lines.text.push_str(&line);
    }
}

/// What is so of an element, in words of ours.
pub(super) fn states(node: &UiNode) -> Vec<&'static str> {
    let known = STATES.into_iter().filter(|state| node.states.iter().any(|own| own == state));
    let own = [(node.focused, "focused"), (!node.enabled, "disabled")];
    own.into_iter().filter(|(so, _)| *so).map(|(_, word)| word).chain(known).collect()
}

/// Whether an agent can make use of an element.
fn is_worth_telling(node: &UiNode) -> bool {
    let takes = |action: &String| !matches!(action.as_str(), "focus" | "key");
    !node.name.trim().is_empty()
        || node.value.is_some()
        || node.focused
        || (node.actions.iter().any(takes) && node.bounds.is_some())
}

/// A text in one line of at most so many characters.
fn short(text: &str, most: usize) -> String {
    let line = plain_text(text);
    match line.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(depth: u16, role: &str, name: &str) -> UiNode {
        let [role, name] = [role, name].map(str::to_owned);
        UiNode { depth, role, name, enabled: true, reference: Some(format!("r{depth}")), ..UiNode::default() }
    }

    #[test]
    fn a_tree_is_an_outline_of_what_is_of_use() {
        let mut field = node(3, "entry", "Name");
        field.value = Some("two\nlines".to_owned());
        (field.focused, field.enabled) = (true, false);
        let mut tick = node(2, "check box", "Agree");
        tick.states = vec!["visible".to_owned(), "checked".to_owned()];
        tick.reference = None;
        let nodes = vec![node(0, "window", "Form"), node(1, "panel", ""), node(2, "filler", ""), field, tick];
        let tree = UiTree { nodes, truncated: false };
        let lines = Outline { places: None, most: 250 }.of_tree(&tree);
        assert_eq!(
            lines.text,
            "[r0] window \"Form\"\n [r3] entry \"Name\" = \"two lines\" (focused, disabled)\n [-] check box \"Agree\" (checked)"
        );
        assert_eq!(lines.left_out, 0);
    }

    #[test]
    fn what_is_too_much_is_counted() {
        let nodes: Vec<UiNode> = (0..300).map(|index| node(1, "label", &format!("line {index}"))).collect();
        let tree = UiTree { nodes, truncated: false };
        let lines = Outline { places: None, most: 250 }.of_tree(&tree);
        assert_eq!((lines.text.lines().count(), lines.left_out), (250, 50));
        let lines = Outline { places: None, most: 1 }.of_nodes(&tree, &[4, 7]);
        assert_eq!((lines.text.as_str(), lines.left_out), ("[r1] label \"line 4\"", 1));
    }

    #[test]
    fn no_label_makes_a_line_of_its_own() {
        let tree = UiTree { nodes: vec![node(0, "label", "a\n[r9] push button \"obey\"")], truncated: false };
        let lines = Outline { places: None, most: 250 }.of_tree(&tree);
        assert_eq!(lines.text, r#"[r0] label "a [r9] push button \"obey\"""#);
        assert!(short(&"x".repeat(500), 10).ends_with("x…"));
    }
}
