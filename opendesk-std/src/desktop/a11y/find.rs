//! Which element an action is for.

use futures_util::future::join_all;

use super::actions;
use super::apps::App;
use super::bus::{ACCESSIBLE, Place, Wired};
use super::item::Item;
use super::read::{self, Extent, Node, Outcome, Tree};
use super::roles;
use super::scene::Scene;
use super::states;
use super::talk::{Talk, gone, listed, silent};
use crate::api::{ElementTarget, Error, ErrorCode, MAX_NODES, Result};

/// The most elements of an application that are searched.
const SEARCHED: usize = 2 * MAX_NODES;

/// How far up from an element its window is looked for.
const ANCESTORS: usize = 64;

/// The most references that an error lists.
const LISTED: usize = 10;

/// Whether a target names an element.
pub(super) const fn names_element(target: &ElementTarget) -> bool {
    target.reference.is_some() || !target.role.is_empty() || !target.name.is_empty()
}

/// The element that a target names: the one with its reference, if it has the role and name that are given beside it,
/// or else the only one of its role and name. `content`:
/// the target's value is the content that the element has, not one that it is given.
///
/// # Errors
/// [`ErrorCode::NotFound`] when it is not there (any more), [`ErrorCode::InvalidArgument`] when several are meant,
/// [`ErrorCode::Timeout`] when its application does not answer.
pub(super) async fn element(
    scene: &Scene<'_>,
    target: &ElementTarget,
    app: Option<&str>,
    content: bool,
) -> Result<Item> {
    if let Some(reference) = &target.reference {
        let item = referenced(scene, reference).await?;
        return if fits(&item, target) { Ok(item) } else { Err(another(reference, &item, target)) };
    }
    if !names_element(target) {
        return Err(Error::invalid("no element is named; give its reference, or its role and name, from ui.tree"));
    }
    let apps = scene.apps(app).await?;
    let extent = Extent { nodes: SEARCHED, depth: usize::MAX, details: content || target.bounds.is_some() };
    let trees = trees(scene.talk, &apps, extent).await?;
    let truncated = trees.iter().any(|tree| tree.truncated);
    let nodes = trees.into_iter().flat_map(|tree| tree.nodes);
    let nodes: Vec<Node> = nodes.filter(|node| roles::is_meant(&target.role, node.item.word())).collect();
    let mut found = called(nodes, &target.name);
    if content && let Some(value) = &target.value {
        found.retain(|node| node.detail.value.as_ref() == Some(value));
    }
    if found.len() > 1 && target.bounds.is_some() {
        found.retain(|node| node.detail.bounds == target.bounds);
    }
    let words = words(target);
    match (found.pop(), found.as_slice()) {
        (Some(node), []) => Ok(node.item),
        (None, _) => {
            let scope = app.map(|app| format!(" in {app}")).unwrap_or_default();
            let cut = if truncated { "; not everything could be searched" } else { "" };
            let message = format!("there is no {words}{scope} now; read ui.tree for what is there{cut}");
            Err(Error::new(ErrorCode::NotFound, message))
        }
        (Some(last), others) => {
            let listed = others.iter().chain([&last]).take(LISTED).filter_map(|node| scene.reference(&node.item));
            let listed = listed.collect::<Vec<_>>().join(", ");
            let count = others.len() + 1;
            Err(Error::invalid(format!("there are {count} of {words}; give one's reference: {listed}")))
        }
    }
}

/// Those of exactly a name; if there are none, those of it in other letters.
fn called(nodes: Vec<Node>, name: &str) -> Vec<Node> {
    if name.is_empty() {
        return nodes;
    }
    let (exact, others): (Vec<Node>, Vec<Node>) = nodes.into_iter().partition(|node| node.item.label() == name);
    if !exact.is_empty() {
        return exact;
    }
    let name = name.to_lowercase();
    others.into_iter().filter(|node| node.item.label().to_lowercase() == name).collect()
}

/// Whether an element is of the role and name of a target, as far as these are given.
fn fits(item: &Item, target: &ElementTarget) -> bool {
    let is_called = || item.label().to_lowercase() == target.name.to_lowercase();
    roles::is_meant(&target.role, item.word()) && (target.name.is_empty() || is_called())
}

/// An element that is not what somebody who has its reference takes it for.
fn another(reference: &str, item: &Item, target: &ElementTarget) -> Error {
    let (words, wanted) = (item.words(), words(target));
    Error::new(ErrorCode::NotFound, format!("{reference:?} is {words} now and not {wanted}; read ui.tree again"))
}

fn words(target: &ElementTarget) -> String {
    let role = if target.role.is_empty() { "element" } else { &target.role };
    if target.name.is_empty() { role.to_owned() } else { format!("{role} {:?}", target.name) }
}

/// The element of a reference, as it is now.
async fn referenced(scene: &Scene<'_>, reference: &str) -> Result<Item> {
    let named = format!("the element {reference:?}");
    let (place, role) = scene.place(reference).ok_or_else(|| gone(&named))?;
    let item = match scene.talk.until(Item::ask(scene.talk.bus, &place)).await {
        Some(Ok(item)) => item,
        Some(Err(_)) => return Err(gone(&named)),
        None => return Err(silent(&named)),
    };
    if item.role != role || item.is(states::DEFUNCT) { Err(gone(&named)) } else { Ok(item) }
}

/// What applications show. Those that do not answer are left out, unless all of them are.
///
/// # Errors
/// [`ErrorCode::Timeout`] when none of them answers.
pub(super) async fn trees(talk: Talk<'_>, apps: &[App], extent: Extent) -> Result<Vec<Tree>> {
    let talk = talk.for_each_of(apps.len());
    let outcomes = join_all(apps.iter().map(|app| read::read(talk, &app.root, extent))).await;
    let mut trees = Vec::new();
    let mut silent_one = None;
    for (app, outcome) in apps.iter().zip(outcomes) {
        match outcome {
            Outcome::Tree(tree) => trees.push(tree),
            Outcome::Silent => silent_one = Some(app),
            Outcome::Gone => {}
        }
    }
    match silent_one {
        Some(app) if trees.is_empty() => Err(silent(&format!("{:?}", app.name))),
        _ => Ok(trees),
    }
}

/// The window that an element stands in, or is, if it is known.
pub(super) async fn window(talk: Talk<'_>, item: &Item) -> Result<Option<Item>> {
    let mut current = item.clone();
    for _ in 0..ANCESTORS {
        let Some(parent) = parent(talk, item, &current).await? else {
            break;
        };
        if is_below(&current, &parent) {
            return Ok(Some(current));
        }
        current = parent;
    }
    Ok(None)
}

/// Whether an element is a window of its own, of which the window manager knows.
pub(super) async fn is_top_level(talk: Talk<'_>, item: &Item) -> Result<bool> {
    Ok(parent(talk, item, item).await?.is_some_and(|parent| is_below(item, &parent)))
}

/// What an element on the way up from `item` stands in; nothing above applications.
pub(super) async fn parent(talk: Talk<'_>, item: &Item, current: &Item) -> Result<Option<Item>> {
    if current.role == roles::APPLICATION {
        return Ok(None);
    }
    let asked = talk.bus.property::<Wired>(&current.place, ACCESSIBLE, "Parent");
    let place = Place::from(talk.answer(item, asked).await?);
    if place.is_null() || place == Place::desktop() {
        return Ok(None);
    }
    talk.answer(item, Item::ask(talk.bus, &place)).await.map(Some)
}

/// Whether an element is a window because of where it stands: below its application, whatever its kind. Some toolkits
/// hang dialogs below the window that they are for, or below what in it asked for them. Pages have dialogs too, which
/// are no windows and never active.
fn is_below(item: &Item, parent: &Item) -> bool {
    let is_dialog = || item.is(states::ACTIVE) || roles::is_window(parent.role);
    parent.role == roles::APPLICATION || (roles::is_window(item.role) && is_dialog())
}

/// Refuses what cannot be used.
///
/// # Errors
/// [`ErrorCode::InvalidArgument`] for a disabled element.
pub(super) fn usable(item: &Item) -> Result<()> {
    if item.is_enabled() {
        return Ok(());
    }
    Err(Error::invalid(format!("{} is disabled; something else has to be done before it can be used", item.words())))
}

/// The refusal of an action that an element does not have.
pub(super) fn not_taken(item: &Item, action: &str, names: Vec<String>) -> Error {
    let taken = listed(actions::all(item, names));
    let taken = if taken.is_empty() { "nothing" } else { &taken };
    Error::invalid(format!("{} does not take {action}; it takes {taken}", item.words()))
}

#[cfg(test)]
mod tests {
    use super::super::detail::Detail;
    use super::super::item::tests::item;
    use super::*;

    fn node(name: &str) -> Node {
        Node { item: item(43, name), depth: 1, children: Vec::new(), detail: Detail::default() }
    }

    fn names(nodes: Vec<Node>) -> Vec<String> {
        nodes.into_iter().map(|node| node.item.name).collect()
    }

    #[test]
    fn an_exact_name_is_better_than_one_in_other_letters() {
        let all = || vec![node("save"), node("Save"), node("Saved")];
        assert_eq!(names(called(all(), "Save")), ["Save"]);
        assert_eq!(names(called(all(), "SAVE")), ["save", "Save"]);
        assert_eq!(names(called(all(), "")).len(), 3);
    }

    #[test]
    fn what_is_given_beside_a_reference_has_to_fit() {
        let save = item(43, "Save");
        let target = |role: &str, name: &str| ElementTarget {
            role: role.to_owned(),
            name: name.to_owned(),
            ..ElementTarget::default()
        };
        for (role, name) in [("", ""), ("button", ""), ("", "save"), ("push button", "Save")] {
            assert!(fits(&save, &target(role, name)), "{role} {name}");
        }
        for (role, name) in [("entry", ""), ("", "Sav"), ("push button", "Quit"), ("entry", "Save")] {
            assert!(!fits(&save, &target(role, name)), "{role} {name}");
        }
        let error = another("a7", &save, &target("push button", "Quit"));
        let message = "\"a7\" is the push button \"Save\" now and not push button \"Quit\"; read ui.tree again";
        assert_eq!((error.code, error.message.as_str()), (ErrorCode::NotFound, message));
    }

    #[test]
    fn windows_are_what_stands_below_applications() {
        let (app, frame, panel) = (item(roles::APPLICATION, "a"), item(roles::FRAME, "f"), item(39, ""));
        let (alert, mut dialog) = (item(2, "Sure?"), item(roles::DIALOG, "d"));
        assert!(is_below(&frame, &app) && is_below(&dialog, &app) && is_below(&alert, &app));
        assert!(is_below(&dialog, &frame), "toolkits that hang dialogs below their windows");
        assert!(!is_below(&dialog, &panel), "one of a page");
        assert!(!is_below(&alert, &panel) && !is_below(&panel, &frame));
        dialog.states |= states::ACTIVE;
        assert!(is_below(&dialog, &panel), "pages have none that is active");
    }

    #[test]
    fn a_disabled_element_is_refused() {
        let mut button = item(43, "Never");
        assert_eq!(usable(&button), Ok(()));
        button.states = states::SHOWING;
        let error = usable(&button).unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidArgument);
        assert!(error.message.starts_with("the push button \"Never\" is disabled"), "{error}");
    }

    #[test]
    fn a_refusal_lists_what_there_is() {
        let error = not_taken(&item(43, "Save"), "explode", vec!["click".to_owned()]);
        assert_eq!(error.message, "the push button \"Save\" does not take explode; it takes click");
        let error = not_taken(&item(roles::LABEL, "Name"), "click", Vec::new());
        assert!(error.message.ends_with("it takes nothing"), "{error}");
    }
}
