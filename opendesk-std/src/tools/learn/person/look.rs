//! Which element is at a point of this machine's desktop.

use core::time::Duration;
use std::sync::mpsc::channel;

use crate::api::{Codec, Method, Point, TreeParams, UiNode, UiTree, UiTreeRead, Window, WindowsList, decode, in_front};
use crate::cancel::Cancel;
use crate::desktop::Desk;
use crate::tools::caller::Touched;
use crate::tools::marks;
use crate::tools::ui::{checked, touched};

/// How long is looked: the button comes up after about a tenth of a second, and then the element may be gone.
const WITHIN: Duration = Duration::from_millis(700);

const DEEPEST: u32 = 40;
const MOST: u32 = 1000;

/// An element, and whether it was checked before it was clicked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hit {
    pub(super) touched: Touched,
    pub(super) was_checked: Option<bool>,
}

/// The element at a point, where a program tells of one. `last` is what was clicked before.
pub(super) fn at(desk: &Desk, point: Point, last: Option<&Touched>) -> Option<Hit> {
    let windows = ask::<WindowsList>(desk, ())?;
    let (front, focused) = (in_front(&windows, point), windows.iter().find(|window| window.focused));
    // An open menu is a window of its own that no list has, and belongs to the one that has the keyboard.
    if let Some(window) = focused.filter(|focused| front.is_none_or(|front| front.id != focused.id))
        && let Some(hit) = hit(&tree(desk, window)?, window, (point, last), |role| role.ends_with("menu item"))
    {
        return Some(hit);
    }
    let window = front?;
    hit(&tree(desk, window)?, window, (point, last), |_| true)
}

/// The smallest element at a point that people use.
///
/// A list of choices opens over its box while the button is down, so that one of the choices is there already. Unless the box was
/// what was clicked last, the box is what is clicked.
fn hit(
    tree: &UiTree,
    window: &Window,
    (point, last): (Point, Option<&Touched>),
    is_meant: impl Fn(&str) -> bool,
) -> Option<Hit> {
    let is_there = |node: &UiNode| node.bounds.is_some_and(|bounds| bounds.contains(point));
    let size = |node: &UiNode| node.bounds.map_or(f64::INFINITY, |bounds| bounds.width * bounds.height);
    let used = tree.nodes.iter().enumerate().filter(|(_, node)| is_there(node) && marks::is_used(node));
    let smallest = |found: &mut dyn Iterator<Item = (usize, &UiNode)>| {
        found.min_by(|(_, one), (_, other)| size(one).total_cmp(&size(other))).map(|(index, _)| index)
    };
    let mut index = smallest(&mut used.clone().filter(|(_, node)| is_meant(&node.role)))?;
    if is_choice(&tree.nodes[index].role)
        && let Some(opens) = smallest(&mut used.filter(|(_, node)| node.role == "combo box"))
        && last != Some(&touched(tree, Some(window), None, opens))
    {
        index = opens;
    }
    Some(Hit { touched: touched(tree, Some(window), None, index), was_checked: checked(&tree.nodes[index]) })
}

fn is_choice(role: &str) -> bool {
    role.ends_with("menu item") || role == "list item"
}

fn tree(desk: &Desk, window: &Window) -> Option<UiTree> {
    let window_id = Some(window.id.clone());
    ask::<UiTreeRead>(desk, TreeParams { window_id, app: None, max_depth: DEEPEST, max_nodes: MOST })
}

/// What the desktop answers, unless that takes too long.
fn ask<M: Method>(desk: &Desk, params: M::Params) -> Option<M::Output> {
    let (cancel, (reply, answer)) = (Cancel::new(), channel());
    desk.submit(M::call(params), Codec::Postcard, cancel.clone(), Box::new(move |result| drop(reply.send(result))));
    let answer = answer.recv_timeout(WITHIN).inspect_err(|_| cancel.cancel());
    decode(&answer.ok()?.ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Rect;

    fn node(depth: u16, role: &str, name: &str, bounds: Rect) -> UiNode {
        UiNode {
            depth,
            role: role.to_owned(),
            name: name.to_owned(),
            value: None,
            bounds: Some(bounds),
            focused: false,
            enabled: true,
            states: vec!["checked".to_owned()],
            actions: Vec::new(),
            reference: None,
        }
    }

    fn window(id: &str, bounds: Rect) -> Window {
        Window { id: id.to_owned(), app_name: "notes".to_owned(), bounds: Some(bounds), ..Window::default() }
    }

    #[test]
    fn the_smallest_element_that_is_used_is_the_one_that_was_hit() {
        let whole = Rect::new(0.0, 0.0, 100.0, 100.0);
        let nodes = vec![
            node(0, "application", "Notes", whole),
            node(1, "window", "One", whole),
            node(2, "panel", "", Rect::new(10.0, 10.0, 20.0, 20.0)),
            node(3, "check box", "Agree", Rect::new(10.0, 10.0, 40.0, 20.0)),
            node(3, "text", "Note", Rect::new(0.0, 0.0, 100.0, 90.0)),
        ];
        let tree = UiTree { nodes, ..UiTree::default() };
        let hit = |x| hit(&tree, &window("1", whole), (Point::new(x, 15.0), None), |_| true);
        let found = hit(12.0).unwrap();
        assert_eq!(found.was_checked, Some(true));
        let Touched { app, window, role, name } = found.touched;
        assert_eq!([app, window, role, name], ["Notes", "One", "check box", "Agree"]);
        assert_eq!(hit(80.0).unwrap().touched.name, "Note");
        assert_eq!(hit(100.0), None);
    }

    #[test]
    fn a_list_that_opens_over_its_box_is_not_what_was_clicked_unless_it_was_open() {
        let whole = Rect::new(0.0, 0.0, 100.0, 100.0);
        let nodes = vec![
            node(0, "window", "One", whole),
            node(1, "combo box", "Colour", Rect::new(0.0, 10.0, 50.0, 20.0)),
            node(2, "menu item", "Green", Rect::new(0.0, 10.0, 40.0, 18.0)),
            node(2, "menu item", "Blue", Rect::new(0.0, 40.0, 40.0, 18.0)),
        ];
        let tree = UiTree { nodes, ..UiTree::default() };
        let window = window("1", whole);
        let name =
            |y, last: Option<&Touched>| hit(&tree, &window, (Point::new(5.0, y), last), |_| true).unwrap().touched.name;
        assert_eq!(name(15.0, None), "Colour");
        let opened = touched(&tree, Some(&window), None, 1);
        assert_eq!((name(15.0, Some(&opened)), name(45.0, Some(&opened))), ("Green".to_owned(), "Blue".to_owned()));
    }

    #[test]
    fn the_window_in_front_is_the_first_that_is_there() {
        let far = Rect::new(500.0, 0.0, 10.0, 10.0);
        let mut windows =
            vec![window("far", far), window("hidden", far), window("front", Rect::new(0.0, 0.0, 50.0, 50.0))];
        windows.push(window("behind", Rect::new(0.0, 0.0, 100.0, 100.0)));
        windows[1] = Window { minimized: true, ..window("hidden", Rect::new(0.0, 0.0, 50.0, 50.0)) };
        let id = |x| in_front(&windows, Point::new(x, 5.0)).map(|window| window.id.as_str());
        assert_eq!((id(5.0), id(60.0), id(200.0)), (Some("front"), Some("behind"), None));
        (windows[2].workspace, windows[3].focused) = (Some("another".to_owned()), true);
        assert_eq!(in_front(&windows, Point::new(5.0, 5.0)).map(|window| window.id.as_str()), Some("behind"));
    }
}
