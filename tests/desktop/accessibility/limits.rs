//! What a tree may cost, and programs that do not answer.

use core::time::Duration;
use std::thread;
use std::time::Instant;

use opendesk_std::Cancel;
use opendesk_std::api::{ElementTarget, ErrorCode, TreeParams, UiActionParams, UiTree};
use opendesk_std::desktop::Computer;
use opendesk_tests::desktop::{Form, PYTHON, TestDesktop};

use super::{APP, element, everything, form_only, has, started, tree};
use crate::wait_until;

/// Several times what any call may take whose program has stopped.
const PATIENT: Duration = Duration::from_secs(20);

/// More elements than a tree may have: the first ones show, the others are scrolled to.
const LONG_LIST: &str = "
import gi
gi.require_version('Gtk', '3.0')
from gi.repository import Gtk
window = Gtk.Window(title='Long')
window.set_default_size(400, 300)
store = Gtk.ListStore(str)
for number in range(20000):
    store.append([f'row {number}'])
view = Gtk.TreeView(model=store)
view.append_column(Gtk.TreeViewColumn('Rows', Gtk.CellRendererText(), text=0))
scrolled = Gtk.ScrolledWindow()
scrolled.add(view)
window.add(scrolled)
window.show_all()
Gtk.main()
";

fn signal(desktop: &TestDesktop, name: &str, process: u32) {
    desktop.run("sh", &["-c", "kill \"$1\" \"$2\"", "sh", name, &process.to_string()]);
}

fn silent(tree: &UiTree) -> usize {
    tree.nodes.iter().filter(|node| has(&node.states, "not responding")).count()
}

#[test]
fn a_stopped_program_costs_its_share_and_nothing_more() {
    let (mut desktop, computer, stopped) = started();
    let other = Form::start(&mut desktop);
    wait_until("both forms are in the tree", || {
        let tree = tree(&computer, &everything());
        tree.nodes.iter().filter(|node| node.name == "Plum" && node.role == "list item").count() == 2
    });
    let windows = computer.windows().unwrap();
    let of = |form: &Form| {
        let window = windows.iter().find(|window| window.pid == Some(form.process())).unwrap();
        TreeParams { window_id: Some(window.id.clone()), ..everything() }
    };
    let (stopped_window, other_window) = (of(&stopped), of(&other));
    let save = element(&tree(&computer, &stopped_window), "push button", "Save").reference.clone().unwrap();

    signal(&desktop, "-STOP", stopped.process());
    let begun = Instant::now();
    let all = tree(&computer, &everything());
    assert!(all.truncated);
    assert_eq!(silent(&all), 1);
    let apps: Vec<_> = all.nodes.iter().filter(|node| node.depth == 1 && node.name == APP).collect();
    assert_eq!(apps.len(), 2, "the one that is stopped still has its name");
    assert_eq!(all.nodes.iter().filter(|node| node.name == "Save").count(), 1, "the other one is all there");

    // While somebody waits for the one, others read and use the other.
    thread::scope(|scope| {
        let waiting = scope.spawn(|| tree(&computer, &stopped_window));
        let reading = scope.spawn(|| tree(&computer, &other_window));
        let read = reading.join().unwrap();
        assert!(!read.truncated && silent(&read) == 0);
        element(&read, "push button", "Save");
        let waited = waiting.join().unwrap();
        assert!(waited.truncated);
        assert_eq!((waited.nodes.len(), silent(&waited)), (1, 1));
        assert_eq!((waited.nodes[0].role.as_str(), waited.nodes[0].name.as_str()), ("window", "Form"));
        assert!(waited.nodes[0].bounds.is_some());
    });
    let target = ElementTarget { reference: Some(save), ..ElementTarget::default() };
    let click = UiActionParams { target, action: "click".to_owned(), app: None };
    assert_eq!(computer.ui_action(&click, &Cancel::new()).unwrap_err().code, ErrorCode::Timeout);
    assert!(begun.elapsed() < PATIENT, "{:?}", begun.elapsed());

    signal(&desktop, "-CONT", stopped.process());
    wait_until("the one that was stopped is back", || {
        let tree = tree(&computer, &everything());
        silent(&tree) == 0 && tree.nodes.iter().filter(|node| node.name == "Save").count() == 2
    });
    assert!(computer.ui_action(&click, &Cancel::new()).is_ok(), "the same element");
    wait_until("the button is clicked", || !stopped.seen("clicked", "Save").is_empty());
}

#[test]
fn a_tree_has_as_many_elements_and_levels_as_were_asked_for() {
    let (_desktop, computer, _form) = started();
    let whole = tree(&computer, &form_only());
    assert!(!whole.truncated);
    let few = tree(&computer, &TreeParams { max_nodes: 5, ..form_only() });
    assert!(few.truncated);
    assert_eq!(few.nodes.len(), 5);
    for pair in few.nodes.windows(2) {
        assert!(pair[1].depth <= pair[0].depth + 1, "every element stands below its parent");
    }
    let flat = tree(&computer, &TreeParams { max_depth: 1, ..form_only() });
    assert!(flat.truncated);
    let outline: Vec<_> = flat.nodes.iter().map(|node| (node.depth, node.role.as_str())).collect();
    assert_eq!(outline, [(0, "application"), (1, "window")]);
    let root = tree(&computer, &TreeParams { max_depth: 0, ..everything() });
    assert!(root.truncated);
    assert_eq!((root.nodes.len(), root.nodes[0].role.as_str()), (1, "desktop"));
    let exact = TreeParams { max_nodes: u32::try_from(whole.nodes.len()).unwrap(), ..form_only() };
    assert_eq!(tree(&computer, &exact), whole, "just enough room");
}

#[test]
fn of_a_long_list_the_rows_that_show_are_there() {
    let (mut desktop, computer, _form) = started();
    desktop.spawn(PYTHON, &["-c", LONG_LIST]);
    desktop.wait_for_window("Long");
    let window = computer.windows().unwrap().into_iter().find(|window| window.title == "Long").unwrap();
    let params = TreeParams { window_id: Some(window.id), ..everything() };
    let mut list = UiTree::default();
    wait_until("the list shows its first row", || {
        // It may not take part in accessibility yet.
        list = computer.ui_tree(&params, &Cancel::new()).unwrap_or_default();
        list.find("table cell", "row 0").is_some()
    });
    let bottom = window.bounds.map(|bounds| bounds.y + bounds.height).unwrap();
    let rows: Vec<_> = list.nodes.iter().filter(|node| node.role == "table cell").collect();
    assert!(rows.len() > 3 && rows.len() < 100, "{}", rows.len());
    assert!(rows.iter().all(|row| row.bounds.is_some_and(|bounds| bounds.y < bottom)));
    assert!(!list.truncated, "all that shows is there");
}

#[test]
fn a_cancelled_call_ends() {
    let (desktop, computer, form) = started();
    signal(&desktop, "-STOP", form.process());
    let cancel = Cancel::new();
    thread::scope(|scope| {
        let reading = scope.spawn(|| computer.ui_tree(&form_only(), &cancel));
        cancel.cancel();
        assert_eq!(reading.join().unwrap().unwrap_err().code, ErrorCode::Cancelled);
    });
    signal(&desktop, "-CONT", form.process());
}
