//! Dialogs that a program opens and waits for while it carries out what it was asked to do.

use opendesk_std::Cancel;
use opendesk_std::api::{Effect, ElementTarget, Press, UiActionParams};
use opendesk_std::desktop::{Computer, Key};
use opendesk_tests::desktop::PYTHON;

use super::{called, element, everything, started, tree};
use crate::wait_until;

/// All of them ask, and show how often they were answered: one that takes the keyboard, one that does not, one that is
/// switched, and an item in a menu within a menu.
const ASKS: &str = "
import gi
gi.require_version('Gtk', '3.0')
from gi.repository import Gtk
window = Gtk.Window(title='Asks')
box = Gtk.VBox()
window.add(box)
answers = Gtk.Label(label='answers 0')
def ask(_widget):
    question = Gtk.MessageDialog(window, 0, Gtk.MessageType.QUESTION, Gtk.ButtonsType.YES_NO, 'Sure?')
    question.run()
    question.destroy()
    answers.set_text('answers %d' % (int(answers.get_text().split()[1]) + 1))
bar, outer, inner = Gtk.MenuBar(), Gtk.Menu(), Gtk.Menu()
def item(menu, label, below=None):
    made = Gtk.MenuItem(label=label)
    menu.append(made)
    if below:
        made.set_submenu(below)
    else:
        made.connect('activate', ask)
item(bar, 'Outer', outer)
item(outer, 'Other')
item(outer, 'Inner', inner)
item(inner, 'First')
item(inner, 'Second')
button, tool, check = Gtk.Button(label='Button'), Gtk.ToolButton(label='Tool'), Gtk.CheckButton(label='Check')
button.connect('clicked', ask)
tool.connect('clicked', ask)
check.connect('toggled', ask)
for part in [bar, button, tool, check, answers]:
    box.add(part)
window.show_all()
Gtk.main()
";

#[test]
fn a_program_of_gtk_3_goes_on_answering_while_a_dialog_is_open_that_was_asked_for() {
    let (mut desktop, computer, _form) = started();
    desktop.spawn(PYTHON, &["-c", ASKS]);
    desktop.wait_for_window("Asks");
    let all = || tree(&computer, &everything());
    wait_until("the program is in the tree", || all().find("push button", "Tool").is_some());
    let menu = |path: &[&str]| {
        let menu_path = path.iter().map(|label| (*label).to_owned()).collect();
        ("menu", ElementTarget { menu_path, ..ElementTarget::default() })
    };
    let asked = [
        ("click", called("push button", "Button")),
        ("click", called("push button", "Tool")),
        ("click", called("check box", "Check")),
        menu(&["Outer", "Inner", "Second"]),
        menu(&["Outer", "Other"]),
        ("click", called("menu item", "First")),
    ];
    for (before, (action, target)) in asked.into_iter().enumerate() {
        // The form has the keyboard in the beginning, and a window behind another one is used, too.
        let params = UiActionParams { target: target.clone(), action: action.to_owned(), app: None };
        let effect = computer.ui_action(&params, &Cancel::new()).unwrap();
        let is_switch = target.role == "check box";
        assert_eq!(effect, if is_switch { Effect::Confirmed } else { Effect::Unverifiable }, "{target:?}");
        wait_until("the question tells what is in it", || all().find("push button", "Yes").is_some());
        // It takes keys, which it does not while it is held up.
        for press in [Press::Down, Press::Up] {
            computer.key(Key::Escape, press).unwrap();
        }
        let answers = format!("answers {}", before + 1);
        wait_until("the question is answered", || all().find("label", &answers).is_some());
    }
    assert!(element(&all(), "check box", "Check").states.iter().any(|state| state == "checked"));
}
