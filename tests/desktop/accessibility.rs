//! Accessibility. What the tree says of a GTK program is compared with what that says of itself, and what is done to its
//! elements is written down by it.

mod actions;
mod alike;
mod dialogs;
mod limits;

use opendesk_std::Cancel;
use opendesk_std::api::{ElementTarget, ErrorCode, Rect, TreeParams, UiNode, UiTree};
use opendesk_std::desktop::Computer;
use opendesk_std::desktop::x11::X11Desktop;
use opendesk_tests::desktop::{Form, TestDesktop};

use crate::wait_until;

/// What the form calls itself.
const APP: &str = "form.py";

/// A desktop with a form that takes part in accessibility.
fn started() -> (TestDesktop, X11Desktop, Form) {
    let mut desktop = TestDesktop::start_with_session(1280, 900);
    let form = Form::start(&mut desktop);
    let computer = opened(&desktop);
    (desktop, computer, form)
}

/// The desktop, once a form shows all that it has.
fn opened(desktop: &TestDesktop) -> X11Desktop {
    let computer =
        X11Desktop::open_with(Some(desktop.display()), Some(desktop.session_bus())).expect("the X server is there");
    wait_until("the form is in the tree", || {
        computer.ui_tree(&everything(), &Cancel::new()).is_ok_and(|tree| tree.find("list item", "Plum").is_some())
    });
    computer
}

/// Every element of all applications.
fn everything() -> TreeParams {
    TreeParams { max_depth: 64, ..TreeParams::default() }
}

/// Every element of the form.
fn form_only() -> TreeParams {
    TreeParams { app: Some(APP.to_owned()), ..everything() }
}

fn tree(computer: &X11Desktop, params: &TreeParams) -> UiTree {
    computer.ui_tree(params, &Cancel::new()).expect("there is a tree")
}

fn element<'a>(tree: &'a UiTree, role: &str, name: &str) -> &'a UiNode {
    tree.find(role, name).unwrap_or_else(|| panic!("there is no {role} {name:?} in {tree:#?}"))
}

/// An element of the form as it is now.
fn now(computer: &X11Desktop, role: &str, name: &str) -> UiNode {
    element(&tree(computer, &form_only()), role, name).clone()
}

fn called(role: &str, name: &str) -> ElementTarget {
    ElementTarget { role: role.to_owned(), name: name.to_owned(), ..ElementTarget::default() }
}

fn is_at(node: &UiNode, place: Rect) -> bool {
    let near = |one: f64, other: f64| (one - other).abs() <= 2.0;
    node.bounds.is_some_and(|bounds| {
        near(bounds.x, place.x)
            && near(bounds.y, place.y)
            && near(bounds.width, place.width)
            && near(bounds.height, place.height)
    })
}

fn has(list: &[String], word: &str) -> bool {
    list.iter().any(|one| one == word)
}

#[test]
fn the_tree_of_a_window_says_what_and_where_everything_is() {
    let (_desktop, computer, form) = started();
    assert!(computer.capabilities().contains(&"ui.tree") && computer.capabilities().contains(&"ui.actions"));
    let window = computer.windows().unwrap().into_iter().find(|window| window.title == "Form").unwrap();
    let tree = tree(&computer, &TreeParams { window_id: Some(window.id), ..everything() });
    assert!(!tree.truncated);
    let root = &tree.nodes[0];
    assert_eq!((root.depth, root.role.as_str(), root.name.as_str()), (0, "window", "Form"));
    assert!(has(&root.states, "active"));
    for (role, name, value) in [
        ("entry", "Name", Some("")),
        ("password text", "Password", None),
        ("push button", "Save", None),
        ("push button", "Never", None),
        ("check box", "Agree", None),
        ("combo box", "Colour", Some("Red")),
        ("slider", "Volume", Some("0")),
        ("text", "Notes", Some("")),
        ("list box", "Items", None),
        ("list item", "Pear", None),
    ] {
        let node = element(&tree, role, name);
        assert_eq!(node.value.as_deref(), value, "{role} {name}");
        assert!(is_at(node, form.place(name)), "{role} {name}: {:?} {:?}", node.bounds, form.place(name));
        assert_eq!(node.enabled, name != "Never", "{role} {name}");
        assert_eq!(node.focused, name == "Name", "{role} {name}");
        assert!(has(&node.states, "showing"), "{role} {name}: {:?}", node.states);
        assert!(node.reference.is_some(), "{role} {name}");
    }
    assert_eq!(element(&tree, "entry", "Name").actions[..5], ["click", "focus", "type", "set_value", "key"]);
    assert!(has(&element(&tree, "push button", "Save").actions, "click"));
    assert!(has(&element(&tree, "slider", "Volume").actions, "set_value"));
}

#[test]
fn the_items_of_closed_menus_are_there_without_a_place() {
    let (_desktop, computer, _form) = started();
    let tree = tree(&computer, &form_only());
    assert!(element(&tree, "menu", "File").bounds.is_some());
    let labels: Vec<&str> =
        tree.nodes.iter().filter(|node| node.role == "menu item").map(|node| node.name.as_str()).collect();
    assert_eq!(labels, ["Open", "One", "Two", "Quit"], "in order, and none of the closed list of colours");
    for (role, name) in [("menu item", "Open"), ("menu", "Recent"), ("menu item", "One")] {
        let node = element(&tree, role, name);
        assert_eq!(node.bounds, None, "{name}");
        assert!(has(&node.actions, "click") && !has(&node.states, "showing"), "{name}");
    }
}

#[test]
fn the_bounds_of_an_element_are_where_a_click_reaches_it() {
    let (desktop, computer, form) = started();
    let center = now(&computer, "push button", "Save").bounds.unwrap().center();
    desktop.run("xdotool", &["mousemove", &center.x.to_string(), &center.y.to_string(), "click", "1"]);
    wait_until("the button is clicked", || !form.seen("clicked", "Save").is_empty());
}

#[test]
fn the_whole_desktop_is_the_applications_below_one_root() {
    let (mut desktop, computer, form) = started();
    let second = Form::start(&mut desktop);
    assert_ne!(form.process(), second.process());
    let mut all = UiTree::default();
    wait_until("both forms are in the tree", || {
        all = tree(&computer, &everything());
        all.nodes.iter().filter(|node| node.role == "list item" && node.name == "Plum").count() == 2
    });
    assert_eq!((all.nodes[0].role.as_str(), all.nodes[0].depth), ("desktop", 0));
    let apps: Vec<&UiNode> = all.nodes.iter().filter(|node| node.depth == 1).collect();
    assert!(apps.iter().all(|node| node.role == "application"), "{apps:#?}");
    assert_eq!(apps.iter().filter(|node| node.name == APP).count(), 2);

    let error = computer.ui_tree(&form_only(), &Cancel::new()).unwrap_err();
    assert_eq!(error.code, ErrorCode::InvalidArgument);
    assert!(error.message.contains(&format!("process {}", second.process())), "{error}");
    let error = computer.ui_tree(&TreeParams { app: Some("spreadsheet".into()), ..everything() }, &Cancel::new());
    let error = error.unwrap_err();
    assert_eq!(error.code, ErrorCode::NotFound);
    assert!(error.message.contains(APP), "{error}");
}

#[test]
fn an_application_is_found_by_a_part_of_its_name() {
    let (_desktop, computer, _form) = started();
    for name in ["FORM.PY", "form", "orm.p"] {
        let tree = tree(&computer, &TreeParams { app: Some(name.to_owned()), ..everything() });
        assert_eq!((tree.nodes[0].role.as_str(), tree.nodes[0].name.as_str()), ("application", APP), "{name}");
        element(&tree, "push button", "Save");
    }
}

#[test]
fn a_window_that_tells_nothing_is_said_to() {
    let (mut desktop, computer, _form) = started();
    desktop.spawn("xterm", &["-T", "mute", "-e", "cat"]);
    desktop.wait_for_window("mute");
    let window = computer.windows().unwrap().into_iter().find(|window| window.title == "mute").unwrap();
    let params = TreeParams { window_id: Some(window.id), ..everything() };
    let error = computer.ui_tree(&params, &Cancel::new()).unwrap_err();
    assert_eq!(error.code, ErrorCode::NotFound);
    assert!(error.message.contains("\"mute\"") && error.message.contains("by OCR"), "{error}");
}
