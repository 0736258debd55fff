//! Accessibility, in a window of our own: what the tree says is there, done to by what the tree calls it, and told by the
//! window's own program.

use super::common::unique;
use super::proofs::{Obstacle, Proof, Tried};
use crate::api::{ElementTarget, TreeParams, UiActionParams, UiNode, UiTree};
use crate::cancel::Cancel;
use crate::desktop::Computer;

/// A window of our own, and what its program tells of it.
pub(super) struct Witness<'a> {
    /// How the report names the window.
    pub(super) window: &'a str,
    /// How it is asked for.
    pub(super) tree: TreeParams,
    /// The name of its button.
    pub(super) button: &'a str,
    /// How often the program heard a click on the button.
    pub(super) clicks: &'a dyn Fn() -> u32,
    /// The name of its text field.
    pub(super) field: &'a str,
    /// What the program has in the field.
    pub(super) text: &'a dyn Fn() -> String,
}

/// Clicks the button and fills the text field by what the tree says of them, and asks the program what it heard.
pub(super) fn proof(computer: &dyn Computer, witness: &Witness<'_>, cancel: &Cancel) -> Proof {
    let Witness { window, button, field, .. } = *witness;
    let tree = witness.read(computer, cancel)?;
    let pressed = witness.find(&tree, "push button", button)?;
    let filled = witness.find(&tree, "text", field)?;

    let before = (witness.clicks)();
    computer.ui_action(&action(pressed, "click", None), cancel)?;
    let heard = (witness.clicks)().saturating_sub(before);
    if heard != 1 {
        let why = format!("the button {button} of {window} was clicked once, and its program heard {heard} clicks");
        return Err(Obstacle::failed(why));
    }

    let text = unique();
    computer.ui_action(&action(filled, "set_value", Some(&text)), cancel)?;
    if (witness.text)() != text {
        let why =
            format!("the text field {field} of {window} was filled, and its program has a different text or none");
        return Err(Obstacle::failed(why));
    }
    let after = witness.read(computer, cancel)?;
    if witness.find(&after, "text", field)?.value.as_ref() != Some(&text) {
        return Err(Obstacle::failed(format!("the tree of {window} does not tell the new text of its field {field}")));
    }
    let count = tree.nodes.len();
    Ok(format!("{count} elements of {window} were read, and a click and a text for them arrived there"))
}

impl Witness<'_> {
    fn read(&self, computer: &dyn Computer, cancel: &Cancel) -> Tried<UiTree> {
        Ok(computer.ui_tree(&self.tree, cancel)?)
    }

    fn find<'t>(&self, tree: &'t UiTree, role: &str, name: &str) -> Tried<&'t UiNode> {
        tree.find(role, name).ok_or_else(|| {
            let count = tree.nodes.len();
            Obstacle::failed(format!("there is no {role} {name} among the {count} elements of {}", self.window))
        })
    }
}

/// An action on an element that the tree has shown.
fn action(node: &UiNode, action: &str, value: Option<&str>) -> UiActionParams {
    let target = ElementTarget {
        role: node.role.clone(),
        name: node.name.clone(),
        value: value.map(str::to_owned),
        reference: node.reference.clone(),
        ..ElementTarget::default()
    };
    UiActionParams { target, action: action.to_owned(), app: None }
}

#[cfg(test)]
mod tests {
    use core::cell::{Cell, RefCell};
    use std::sync::Mutex;

    use super::*;
    use crate::api::{Effect, Result};

    /// A desktop that shows a button and a field, writes down what is done, and says that all of it worked.
    #[derive(Debug, Default)]
    struct Paper {
        nodes: Vec<UiNode>,
        done: Mutex<Vec<UiActionParams>>,
    }

    impl Paper {
        fn new(names: &[(&str, &str)]) -> Self {
            let node = |(role, name): &(&str, &str)| UiNode {
                role: (*role).to_owned(),
                name: (*name).to_owned(),
                reference: Some(format!("ref {name}")),
                ..UiNode::default()
            };
            Self { nodes: names.iter().map(node).collect(), done: Mutex::default() }
        }
    }

    impl Computer for Paper {
        fn name(&self) -> &'static str {
            "paper"
        }

        fn capabilities(&self) -> Vec<&'static str> {
            vec!["ui.tree"]
        }

        fn ui_tree(&self, _params: &TreeParams, _cancel: &Cancel) -> Result<UiTree> {
            let mut nodes = self.nodes.clone();
            let done = self.done.lock().unwrap();
            if let Some(text) = done.iter().find_map(|params| params.target.value.clone()) {
                nodes.iter_mut().filter(|node| node.role == "text").for_each(|node| node.value = Some(text.clone()));
            }
            Ok(UiTree { nodes, truncated: false })
        }

        fn ui_action(&self, params: &UiActionParams, _cancel: &Cancel) -> Result<Effect> {
            self.done.lock().unwrap().push(params.clone());
            Ok(Effect::Confirmed)
        }
    }

    const WHOLE: [(&str, &str); 3] = [("window", "Own"), ("push button", "Count"), ("text", "Note")];

    fn tried(paper: &Paper, clicks: &dyn Fn() -> u32, text: &dyn Fn() -> String) -> Proof {
        let witness =
            Witness { window: "Own", tree: TreeParams::default(), button: "Count", clicks, field: "Note", text };
        proof(paper, &witness, &Cancel::new())
    }

    fn refusal(proof: Proof) -> String {
        match proof {
            Err(Obstacle::Failed(why)) => why,
            other => panic!("{other:?}"),
        }
    }

    /// What the program of the window has after all that was done.
    fn written(paper: &Paper) -> String {
        let done = paper.done.lock().unwrap();
        done.iter().find_map(|params| params.target.value.clone()).unwrap_or_default()
    }

    #[test]
    fn what_the_program_heard_is_a_proof_and_names_the_window() {
        let paper = Paper::new(&WHOLE);
        let clicks = Cell::new(6);
        let count = || clicks.replace(clicks.get() + 1);
        let seen = tried(&paper, &count, &|| written(&paper)).unwrap();
        assert!(seen.starts_with("3 elements of Own were read"), "{seen}");
        let done = paper.done.lock().unwrap();
        let done: Vec<_> =
            done.iter().map(|params| (params.action.as_str(), params.target.reference.as_deref())).collect();
        assert_eq!(done, [("click", Some("ref Count")), ("set_value", Some("ref Note"))]);
    }

    #[test]
    fn what_the_program_did_not_hear_is_no_proof_whatever_the_desktop_says() {
        let paper = Paper::new(&WHOLE);
        let deaf = refusal(tried(&paper, &|| 6, &|| written(&paper)));
        assert!(deaf.ends_with("heard 0 clicks"), "{deaf}");
        assert_eq!(paper.done.lock().unwrap().len(), 1, "nothing is written after that");
        let clicks = RefCell::new(0..);
        let count = || clicks.borrow_mut().next().unwrap();
        let blank = refusal(tried(&Paper::new(&WHOLE), &count, &String::new));
        assert!(blank.contains("a different text or none"), "{blank}");
    }

    #[test]
    fn a_tree_that_lacks_the_elements_is_no_proof() {
        for lacking in [&WHOLE[..1], &WHOLE[..2], &[]] {
            let why = refusal(tried(&Paper::new(lacking), &|| 0, &String::new));
            assert!(why.contains(&format!("among the {} elements of Own", lacking.len())), "{why}");
        }
    }
}
