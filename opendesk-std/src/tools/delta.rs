//! What is different in a user interface after something was done to it.

use std::collections::BTreeMap;

use super::elements::Scene;
use super::marks::short;
use crate::api::UiNode;
use crate::home::plain_text;

/// More lines than this are not read.
const MOST_LINES: usize = 30;

/// Elements of a window that has come to the front which are worth a line.
const MOST_SHOWN: usize = 15;

/// What names an element in both scenes: what it is called while it lives, else what it is and which of its kind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Name<'a> {
    Reference(&'a str),
    Kind(&'a str, &'a str, usize),
}

/// One line for each element that is new, gone or different. None where nothing has changed.
pub(super) fn lines(before: &Scene, after: &Scene) -> Vec<String> {
    let id = |scene: &Scene| scene.window.as_ref().map(|window| window.id.clone());
    let mut lines = Vec::new();
    if id(before) == id(after) {
        let titles = [before, after].map(|scene| scene.window.as_ref().map(|window| short(&window.title)));
        if let [Some(was), Some(is)] = titles
            && was != is
        {
            lines.push(format!("~ window {was:?}: its title is {is:?}"));
        }
        lines.extend(differences(&before.tree.nodes, &after.tree.nodes));
    } else if let Some(window) = &after.window {
        let (title, app) = (short(&window.title), short(&window.app_name));
        lines.push(format!("~ the window in use is {title:?} of {app:?}, which shows:"));
        // It may have been there before, behind the other one.
        let shown = after.tree.nodes.iter().filter(|node| says_something(node) && node.bounds.is_some());
        lines.extend(shown.take(MOST_SHOWN).map(|node| format!("  {}", told(node))));
    } else {
        lines.push("~ no window is in use".to_owned());
    }
    if lines.len() > MOST_LINES {
        let more = lines.len() - (MOST_LINES - 1);
        lines.truncate(MOST_LINES - 1);
        lines.push(format!("and {more} more"));
    }
    if before.tree.truncated || after.tree.truncated {
        lines.push("the window shows more than was read, of which nothing is said here".to_owned());
    }
    // That alone is no change.
    if lines.len() == 1 && (before.tree.truncated || after.tree.truncated) {
        lines.clear();
    }
    lines
}

fn differences(before: &[UiNode], after: &[UiNode]) -> Vec<String> {
    let (was, is) = (named(before), named(after));
    let mut lines = Vec::new();
    for node in in_order(after, &is) {
        match was.get(&node.0) {
            None if says_something(node.1) => lines.push(format!("+ {}", told(node.1))),
            None => {}
            Some(old) => lines.extend(different(old, node.1)),
        }
    }
    let gone = in_order(before, &was).into_iter().filter(|(name, node)| !is.contains_key(name) && says_something(node));
    lines.extend(gone.map(|(_, node)| format!("- {}", told(node))));
    lines
}

fn named(nodes: &[UiNode]) -> BTreeMap<Name<'_>, &UiNode> {
    names(nodes).into_iter().zip(nodes).collect()
}

fn names(nodes: &[UiNode]) -> Vec<Name<'_>> {
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    nodes
        .iter()
        .map(|node| match &node.reference {
            Some(reference) => Name::Reference(reference),
            None => {
                let count = counts.entry((&node.role, &node.name)).or_default();
                *count += 1;
                Name::Kind(&node.role, &node.name, *count)
            }
        })
        .collect()
}

/// Each element once, in the order of the tree.
fn in_order<'a>(nodes: &'a [UiNode], named: &BTreeMap<Name<'a>, &'a UiNode>) -> Vec<(Name<'a>, &'a UiNode)> {
    let is_kept = |(name, node): &(Name<'_>, &UiNode)| named.get(name).is_some_and(|kept| core::ptr::eq(*kept, *node));
    names(nodes).into_iter().zip(nodes).filter(is_kept).collect()
}

/// What is different of an element that was there before.
fn different(old: &UiNode, new: &UiNode) -> Option<String> {
    let mut said = Vec::new();
    if old.name != new.name {
        said.push(format!("its name is {:?}", short(&new.name)));
    }
    if old.value != new.value {
        said.push(match &new.value {
            Some(value) => format!("its value is {:?}", short(value)),
            None => "it has no value any more".to_owned(),
        });
    }
    let flags = [(old.focused, new.focused, "focused"), (old.enabled, new.enabled, "enabled")];
    for (was, is, word) in flags {
        if was != is {
            said.push(format!("{}{word}", if is { "" } else { "not " }));
        }
    }
    let is_told = |state: &&String| state.as_str() != "focused";
    let came = new.states.iter().filter(|state| !old.states.contains(state)).filter(is_told);
    said.extend(came.map(|state| plain_text(state)));
    let went = old.states.iter().filter(|state| !new.states.contains(state)).filter(is_told);
    said.extend(went.map(|state| format!("not {}", plain_text(state))));
    if said.is_empty() && old.bounds.is_some() != new.bounds.is_some() {
        said.push(if new.bounds.is_some() { "it shows" } else { "it does not show any more" }.to_owned());
    }
    (!said.is_empty()).then(|| format!("~ {} {:?}: {}", plain_text(&old.role), short(&old.name), said.join(", ")))
}

/// Containers without a name say nothing to anybody.
fn says_something(node: &UiNode) -> bool {
    !node.name.is_empty() || node.value.as_ref().is_some_and(|value| !value.is_empty())
}

fn told(node: &UiNode) -> String {
    let value = node.value.as_ref().filter(|value| !value.is_empty());
    let value = value.map(|value| format!(" = {:?}", short(value))).unwrap_or_default();
    format!("{} {:?}{value}", plain_text(&node.role), short(&node.name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{Rect, UiTree, Window};

    fn node(role: &str, name: &str, reference: &str) -> UiNode {
        UiNode {
            role: role.to_owned(),
            name: name.to_owned(),
            reference: (!reference.is_empty()).then(|| reference.to_owned()),
            enabled: true,
            bounds: Some(Rect::new(0.0, 0.0, 9.0, 9.0)),
            ..UiNode::default()
        }
    }

    fn scene(id: &str, nodes: Vec<UiNode>) -> Scene {
        let window =
            Window { id: id.into(), title: format!("Title {id}"), app_name: "App".into(), ..Window::default() };
        Scene { window: Some(window), tree: UiTree { nodes, truncated: false } }
    }

    #[test]
    fn what_is_new_gone_and_different_is_told() {
        let before = scene(
            "1",
            vec![
                UiNode { value: Some("1".into()), ..node("label", "Counter", "c") },
                node("push button", "Old", "o"),
                node("panel", "", "p"),
                UiNode { focused: true, ..node("entry", "Name", "n") },
            ],
        );
        let after = scene(
            "1",
            vec![
                UiNode { value: Some("2".into()), ..node("label", "Counter", "c") },
                node("dialog", "About", "a"),
                node("filler", "", "f"),
                UiNode { states: vec!["checked".into()], enabled: false, ..node("entry", "Name", "n") },
            ],
        );
        let told = lines(&before, &after);
        let expected = [
            "~ label \"Counter\": its value is \"2\"",
            "+ dialog \"About\"",
            "~ entry \"Name\": not focused, not enabled, checked",
            "- push button \"Old\"",
        ];
        assert_eq!(told, expected);
        assert!(lines(&after, &after).is_empty());
    }

    #[test]
    fn elements_without_a_reference_are_told_apart_by_what_they_are() {
        let row = || node("list item", "Row", "");
        let told = lines(&scene("1", vec![row(), row()]), &scene("1", vec![row(), row(), row()]));
        assert_eq!(told, ["+ list item \"Row\""]);
    }

    #[test]
    fn another_window_is_told_with_what_it_shows() {
        let after = scene("2", vec![node("window", "Dialog", "d"), node("push button", "Save", "s")]);
        let told = lines(&scene("1", vec![node("entry", "Text", "t")]), &after);
        let expected = [
            "~ the window in use is \"Title 2\" of \"App\", which shows:",
            "  window \"Dialog\"",
            "  push button \"Save\"",
        ];
        assert_eq!(told, expected);
        let none = Scene::default();
        assert_eq!(lines(&after, &none), ["~ no window is in use"]);
        let renamed = Scene {
            window: after.window.clone().map(|window| Window { title: "*Other".into(), ..window }),
            ..after.clone()
        };
        assert_eq!(lines(&after, &renamed), ["~ window \"Title 2\": its title is \"*Other\""]);
    }

    #[test]
    fn the_list_is_short_however_much_has_changed() {
        let many = (0..200).map(|index| node("list item", &"x".repeat(500), &index.to_string())).collect();
        let told = lines(&scene("1", vec![]), &scene("1", many));
        assert_eq!((told.len(), told[MOST_LINES - 1].as_str()), (MOST_LINES, "and 171 more"));
        assert!(told.iter().all(|line| line.chars().count() < 100));
        let cut = |nodes| {
            let mut scene = scene("1", nodes);
            scene.tree.truncated = true;
            scene
        };
        assert!(lines(&cut(vec![]), &cut(vec![])).is_empty());
        assert_eq!(lines(&cut(vec![]), &cut(vec![node("label", "New", "n")])).len(), 2);
    }
}
