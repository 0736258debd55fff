//! The tree as it is given: flat, with references, and no larger than was asked for.

use super::item::Item;
use super::read::{Node, Tree};
use super::refs::References;
use super::states;
use crate::api::{Rect, UiNode, UiTree};

/// What an element is said to be whose application does not answer.
const NOT_RESPONDING: &str = "not responding";

/// Something below the root of what is given.
#[derive(Debug)]
pub(super) enum Part {
    Tree(Tree),
    /// An element whose application does not answer, and where it is.
    Silent(Item, Option<Rect>),
}

/// Puts the tree together. `desktop`: the parts are the applications of the desktop, and hang below it; otherwise there
/// is one. The elements of a level are kept before those below them when there is not room for all.
pub(super) fn flat(desktop: bool, parts: &[Part], most: usize, references: &mut References) -> UiTree {
    let mut tree = UiTree::default();
    let mut depths = Vec::new();
    if desktop {
        depths.push(0);
    }
    let offset = usize::from(desktop);
    for part in parts {
        match part {
            Part::Tree(part) => {
                tree.truncated |= part.truncated;
                depths.extend(part.nodes.iter().map(|node| node.depth + offset));
            }
            Part::Silent(..) => {
                tree.truncated = true;
                depths.push(offset);
            }
        }
    }
    let mut room = Room::new(&mut depths, most);
    tree.truncated |= room.is_short;
    if desktop && room.takes(0) {
        tree.nodes.push(UiNode {
            role: "desktop".to_owned(),
            name: "Desktop".to_owned(),
            enabled: true,
            ..UiNode::default()
        });
    }
    for part in parts {
        match part {
            Part::Tree(part) => add(part, offset, &mut room, references, &mut tree.nodes),
            Part::Silent(item, bounds) => {
                if room.takes(offset) {
                    tree.nodes.push(silent(item, *bounds, offset, references));
                }
            }
        }
    }
    tree
}

/// Which elements there is room for: all down to a level, and the first ones of the next.
struct Room {
    /// All above this level.
    level: usize,
    /// How many of this level.
    left: usize,
    /// Whether there is not room for all.
    is_short: bool,
}

impl Room {
    fn new(depths: &mut [usize], most: usize) -> Self {
        depths.sort_unstable();
        match depths.get(most) {
            None => Self { level: usize::MAX, left: 0, is_short: false },
            Some(level) => {
                let above = depths.partition_point(|depth| depth < level);
                Self { level: *level, left: most - above, is_short: true }
            }
        }
    }

    fn takes(&mut self, depth: usize) -> bool {
        if depth == self.level && self.left > 0 {
            self.left -= 1;
            return true;
        }
        depth < self.level
    }
}

/// Adds a tree, each element before its children.
fn add(tree: &Tree, offset: usize, room: &mut Room, references: &mut References, into: &mut Vec<UiNode>) {
    let mut ahead = vec![0];
    while let Some(index) = ahead.pop() {
        let Some(node) = tree.nodes.get(index) else {
            continue;
        };
        let depth = node.depth + offset;
        if room.takes(depth) {
            into.push(shown(node, depth, references));
            ahead.extend(node.children.iter().rev());
        }
    }
}

fn shown(node: &Node, depth: usize, references: &mut References) -> UiNode {
    let Node { item, detail, .. } = node;
    UiNode {
        depth: level(depth),
        role: item.word().to_owned(),
        name: if detail.tells { String::new() } else { item.label() },
        value: detail.value.clone(),
        bounds: detail.bounds,
        focused: item.is(states::FOCUSED),
        enabled: item.is_enabled(),
        states: states::words(item.states),
        actions: detail.actions.clone(),
        reference: Some(references.give(item)),
    }
}

fn silent(item: &Item, bounds: Option<Rect>, depth: usize, references: &mut References) -> UiNode {
    UiNode {
        depth: level(depth),
        role: item.word().to_owned(),
        name: item.label(),
        bounds,
        states: vec![NOT_RESPONDING.to_owned()],
        reference: (!item.place.is_null()).then(|| references.give(item)),
        ..UiNode::default()
    }
}

fn level(depth: usize) -> u16 {
    u16::try_from(depth).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::detail::Detail;
    use super::super::item::tests::item;
    use super::super::roles;
    use super::*;

    /// A window with two panels of two buttons each.
    fn tree() -> Tree {
        let node = |role, name: &str, depth, children: &[usize]| Node {
            item: item(role, name),
            depth,
            children: children.to_vec(),
            detail: Detail::default(),
        };
        let nodes = vec![
            node(roles::FRAME, "window", 0, &[1, 2]),
            node(39, "left", 1, &[3, 4]),
            node(39, "right", 1, &[5, 6]),
            node(43, "a", 2, &[]),
            node(43, "b", 2, &[]),
            node(43, "c", 2, &[]),
            node(43, "d", 2, &[]),
        ];
        Tree { nodes, truncated: false }
    }

    fn outline(tree: &UiTree) -> Vec<(u16, &str)> {
        tree.nodes.iter().map(|node| (node.depth, node.name.as_str())).collect()
    }

    #[test]
    fn every_element_stands_before_its_children() {
        let flat = flat(false, &[Part::Tree(tree())], 2000, &mut References::default());
        let all = [(0, "window"), (1, "left"), (2, "a"), (2, "b"), (1, "right"), (2, "c"), (2, "d")];
        assert_eq!(outline(&flat), all);
        assert!(!flat.truncated);
        assert_eq!((flat.nodes[0].role.as_str(), flat.nodes[2].role.as_str()), ("window", "push button"));
    }

    #[test]
    fn what_is_near_the_root_is_kept_first() {
        for (most, kept) in [
            (1, vec![(0, "window")]),
            (3, vec![(0, "window"), (1, "left"), (1, "right")]),
            (5, vec![(0, "window"), (1, "left"), (2, "a"), (2, "b"), (1, "right")]),
            (6, vec![(0, "window"), (1, "left"), (2, "a"), (2, "b"), (1, "right"), (2, "c")]),
        ] {
            let flat = flat(false, &[Part::Tree(tree())], most, &mut References::default());
            assert_eq!(outline(&flat), kept, "{most}");
            assert!(flat.truncated);
        }
    }

    #[test]
    fn an_application_that_does_not_answer_is_named() {
        let silent = Part::Silent(item(roles::APPLICATION, "stopped"), None);
        let flat = flat(true, &[silent, Part::Tree(tree())], 3, &mut References::default());
        assert_eq!(outline(&flat), [(0, "Desktop"), (1, "stopped"), (1, "window")]);
        assert_eq!(flat.nodes[1].states, [NOT_RESPONDING]);
        assert!(flat.truncated && !flat.nodes[1].enabled);
        assert_eq!(flat.nodes[2].reference.as_deref(), Some("a2"));
    }

    #[test]
    fn a_name_that_tells_the_password_is_not_shown() {
        let mut secret = tree();
        secret.nodes[0].item = item(roles::PASSWORD_TEXT, "hunter2");
        secret.nodes[0].detail.tells = true;
        let flat = flat(false, &[Part::Tree(secret)], 1, &mut References::default());
        assert_eq!((flat.nodes[0].role.as_str(), flat.nodes[0].name.as_str()), ("password text", ""));
    }
}
