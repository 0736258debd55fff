//! Windows that are hard to tell apart, and windows that are no frames.

use opendesk_std::Cancel;
use opendesk_std::api::{ElementTarget, ErrorCode, TreeParams, UiActionParams, Window};
use opendesk_std::desktop::Computer;
use opendesk_tests::desktop::PYTHON;

use super::{called, element, everything, has, started, tree};
use crate::wait_until;

/// Two windows of one title at one place, each with a button that says which one it is.
const TWINS: &str = "
import gi
gi.require_version('Gtk', '3.0')
from gi.repository import Gtk
for label in ['first', 'second']:
    window = Gtk.Window(title='Twin')
    window.set_default_size(300, 200)
    window.add(Gtk.Button(label=label))
    window.show_all()
    window.move(200, 200)
Gtk.main()
";

/// A question, which is an alert and no dialog, with a field for the answer.
const QUESTION: &str = "
import gi
gi.require_version('Gtk', '3.0')
from gi.repository import Gtk
question = Gtk.MessageDialog(title='Question', text='Which?')
question.get_accessible().set_name('Question')
entry = Gtk.Entry()
entry.get_accessible().set_name('Answer')
question.get_content_area().add(entry)
question.show_all()
Gtk.main()
";

#[test]
fn windows_of_one_title_are_not_mixed_up() {
    let (mut desktop, computer, _form) = started();
    desktop.spawn(PYTHON, &["-c", TWINS]);
    let twins =
        || -> Vec<Window> { computer.windows().unwrap().into_iter().filter(|window| window.title == "Twin").collect() };
    let button = |window: &Window| {
        let params = TreeParams { window_id: Some(window.id.clone()), ..everything() };
        let tree = computer.ui_tree(&params, &Cancel::new())?;
        let name = ["first", "second"].into_iter().find(|name| tree.find("push button", name).is_some());
        Ok::<_, opendesk_std::api::Error>((name, has(&tree.nodes[0].states, "active")))
    };
    wait_until("both windows tell what they show", || {
        let twins = twins();
        twins.len() == 2 && twins.iter().all(|twin| button(twin).is_ok_and(|(name, _)| name.is_some()))
    });
    let ids: Vec<String> = twins().into_iter().map(|twin| twin.id).collect();
    for id in &ids {
        computer.focus_window(id).unwrap();
        wait_until("each window is known by the keyboard", || {
            let told: Vec<_> = twins().into_iter().map(|twin| (twin.focused, button(&twin))).collect();
            told.iter().all(|(focused, told)| told.as_ref().is_ok_and(|(_, active)| active == focused))
                && told[0].1.as_ref().ok().map(|told| told.0) != told[1].1.as_ref().ok().map(|told| told.0)
        });
    }
}

#[test]
fn a_question_takes_what_is_typed_into_it() {
    let (mut desktop, computer, form) = started();
    desktop.spawn(PYTHON, &["-c", QUESTION]);
    desktop.wait_for_window("Question");
    wait_until("the question is in the tree", || tree(&computer, &everything()).find("entry", "Answer").is_some());
    let act = |action: &str, target: ElementTarget| {
        computer.ui_action(&UiActionParams { target, action: action.to_owned(), app: None }, &Cancel::new())
    };
    // The form has the keyboard.
    act("focus", called("window", "Form")).unwrap();
    let typed = ElementTarget { value: Some("both".to_owned()), ..called("entry", "Answer") };
    assert!(act("type", typed).is_ok());
    wait_until("the answer is there", || {
        element(&tree(&computer, &everything()), "entry", "Answer").value.as_deref() == Some("both")
    });
    assert_eq!(form.text("Name"), "");
    act("focus", called("window", "Form")).unwrap();
    act("focus", called("alert", "Question")).unwrap();
    wait_until("the question has the keyboard", || {
        computer.windows().unwrap().iter().any(|window| window.title == "Question" && window.focused)
    });
    let nowhere = act("focus", called("alert", "Answer")).unwrap_err();
    assert_eq!(nowhere.code, ErrorCode::NotFound);
}
