//! Choosing from menus by the labels on the way. Most items can be chosen with their menus closed; a menu that is
//! filled when it opens is opened for it.

use super::act::{Plan, perform};
use super::actions::{self, MENU};
use super::by_hand;
use super::children;
use super::find::{self, not_taken, usable};
use super::item::Item;
use super::read::{Extent, Tree};
use super::roles;
use super::scene::Scene;
use super::states;
use super::talk::{Talk, listed};
use crate::api::{Effect, Error, ErrorCode, MAX_NODES, Result};
use crate::clock;

/// How many elements without a name may stand between a menu and its items.
const NAMELESS: usize = 3;

/// Chooses the item at the end of a path of labels that begins in a menu bar.
///
/// # Errors
/// [`ErrorCode::NotFound`] for a label that is not there, [`ErrorCode::InvalidArgument`] when several menu bars have
/// the first one, and for an item that is disabled.
pub(super) async fn follow(scene: &Scene<'_>, path: &[String], app: Option<&str>) -> Result<Plan> {
    let Some((first, rest)) = path.split_first() else {
        return Err(Error::invalid("menu_path has to name a menu and one of its items, and is empty"));
    };
    let menu = begin(scene, first, app).await?;
    // Menus that are open now, which would stay in the way after an error.
    let mut menus = 0;
    match choose(scene.talk, menu, rest, &mut menus).await {
        Ok(plan) => Ok(plan),
        Err(error) => Ok(Plan::Undo { error, menus }),
    }
}

/// The first menu of a path: the one in the only window that has the keyboard, or else the only one.
async fn begin(scene: &Scene<'_>, label: &str, app: Option<&str>) -> Result<Item> {
    let apps = scene.apps(app).await?;
    let extent = Extent { nodes: 2 * MAX_NODES, depth: usize::MAX, details: false };
    let trees = find::trees(scene.talk, &apps, extent).await?;
    let mut found = Vec::new();
    let mut labels = Vec::new();
    for bar in trees.iter().flat_map(bars) {
        match below(scene.talk, bar.item, label).await? {
            Ok(menu) => found.push((bar, menu)),
            Err(others) => labels.extend(others),
        }
    }
    found.sort_by_key(|(bar, _)| !bar.is_active);
    // Any program can say that its window has the keyboard.
    let decided = is_decided(&found.iter().map(|(bar, _)| bar.is_active).collect::<Vec<_>>());
    let scope = app.map(|app| format!(" of {app}")).unwrap_or_default();
    match found.into_iter().next() {
        Some((_, menu)) if decided => Ok(menu),
        Some(_) => Err(Error::invalid(format!(
            "several windows{scope} have a menu {label:?}; give the app, or bring one of the windows to the front"
        ))),
        None if labels.is_empty() => Err(Error::new(
            ErrorCode::NotFound,
            format!("no window{scope} has a menu bar; read ui.tree for what there is"),
        )),
        None => {
            let there = listed(labels);
            Err(Error::new(ErrorCode::NotFound, format!("no menu bar{scope} has {label:?}; there are {there}")))
        }
    }
}

/// Whether one of some menus is meant, by whether their windows have the keyboard.
fn is_decided(active: &[bool]) -> bool {
    active.len() == 1 || active.iter().filter(|active| **active).count() == 1
}

/// A menu bar, and whether its window has the keyboard.
struct Bar<'a> {
    item: &'a Item,
    is_active: bool,
}

fn bars(tree: &Tree) -> Vec<Bar<'_>> {
    let mut bars = Vec::new();
    let mut ahead = vec![(0, false)];
    while let Some((index, is_active)) = ahead.pop() {
        let Some(node) = tree.nodes.get(index) else {
            continue;
        };
        let is_active = is_active || (roles::is_window(node.item.role) && node.item.is(states::ACTIVE));
        if node.item.role == roles::MENU_BAR {
            bars.push(Bar { item: &node.item, is_active });
        }
        ahead.extend(node.children.iter().rev().map(|child| (*child, is_active)));
    }
    bars
}

/// Goes down from a menu and does what a click on the last item does.
async fn choose(talk: Talk<'_>, menu: Item, path: &[String], menus: &mut usize) -> Result<Plan> {
    let mut current = menu;
    for label in path {
        current = step(talk, &current, label, menus).await?;
    }
    usable(&current)?;
    if let Some(plan) = by_hand::choose(talk, &current, menus).await? {
        return Ok(plan);
    }
    open(talk, &current).await.map(Plan::Done)
}

/// An item of a menu, which is opened if it does not have it otherwise.
async fn step(talk: Talk<'_>, menu: &Item, label: &str, menus: &mut usize) -> Result<Item> {
    let mut labels = match below(talk, menu, label).await? {
        Ok(item) => return Ok(item),
        Err(labels) => labels,
    };
    // An item that is no menu would be chosen by this.
    if labels.is_empty() && (menu.role == roles::MENU || menu.is(states::HAS_POPUP)) {
        usable(menu)?;
        let is_open = open(talk, menu).await? != Effect::NoEffect;
        *menus += usize::from(is_open);
        let end = talk.soon();
        while is_open && clock::monotonic() < end {
            talk.moment().await;
            labels = match below(talk, menu, label).await? {
                Ok(item) => return Ok(item),
                Err(labels) => labels,
            };
        }
    }
    let there = if labels.is_empty() { "it has no items".to_owned() } else { format!("it has {}", listed(labels)) };
    Err(Error::new(ErrorCode::NotFound, format!("{} has no item {label:?}; {there}", menu.words())))
}

/// Has the application do what a click does.
pub(super) async fn open(talk: Talk<'_>, item: &Item) -> Result<Effect> {
    let names = talk.answer(item, actions::names(talk.bus, &item.place)).await?;
    match actions::default(&names) {
        Some(index) => perform(talk, item, index).await,
        None => Err(not_taken(item, MENU, names)),
    }
}

/// The element of a label that stands below another one, or the labels that are there instead.
pub(super) async fn below(
    talk: Talk<'_>,
    parent: &Item,
    label: &str,
) -> Result<core::result::Result<Item, Vec<String>>> {
    let mut labels = Vec::new();
    // How many children it had when it was read is not how many it has since it was opened.
    let mut level = vec![Item { count: None, ..parent.clone() }];
    for _ in 0..=NAMELESS {
        let mut next = Vec::new();
        for item in &level {
            for child in family(talk, item).await? {
                let name = child.label();
                if is_same(&name, label) {
                    return Ok(Ok(child));
                }
                if name.is_empty() {
                    next.push(child);
                } else {
                    labels.push(name);
                }
            }
        }
        level = next;
    }
    Ok(Err(labels))
}

/// The children of an element, in order.
async fn family(talk: Talk<'_>, item: &Item) -> Result<Vec<Item>> {
    let (places, _) = talk.answer(item, children::ask(talk.bus, item)).await?;
    let mut children = Vec::new();
    let questions = places
        .iter()
        .enumerate()
        .map(|(index, place)| async move { Item::ask(talk.bus, place).await.map(|child| (index, child)) });
    talk.ticker.gather(talk.deadline, questions, |child| children.extend(child.ok())).await;
    children.sort_by_key(|(index, _)| *index);
    Ok(children.into_iter().map(|(_, child)| child).collect())
}

/// Whether a label is the one that is meant: in any letters, with or without the dots of an item that opens a window.
fn is_same(one: &str, other: &str) -> bool {
    let plain = |label: &str| label.trim().trim_end_matches(['.', '…']).trim_end().to_lowercase();
    !one.is_empty() && plain(one) == plain(other)
}

#[cfg(test)]
mod tests {
    use super::super::detail::Detail;
    use super::super::item::tests::item;
    use super::super::read::Node;
    use super::*;

    #[test]
    fn labels_are_compared_as_people_read_them() {
        assert!(is_same("Open…", "open") && is_same("Save As...", "Save as…") && is_same("Öffnen", "öffnen "));
        assert!(!is_same("Open", "Open Recent") && !is_same("", "…"));
    }

    #[test]
    fn a_menu_is_meant_when_it_is_the_only_one_or_the_only_one_with_the_keyboard() {
        assert!(is_decided(&[false]) && is_decided(&[true]) && is_decided(&[true, false, false]));
        assert!(!is_decided(&[false, false]) && !is_decided(&[true, true, false]) && !is_decided(&[]));
    }

    #[test]
    fn a_menu_bar_belongs_to_the_window_above_it() {
        let node = |role, states: u64, children: &[usize]| {
            let mut item = item(role, "");
            item.states |= states;
            Node { item, depth: 0, children: children.to_vec(), detail: Detail::default() }
        };
        let nodes = vec![
            node(roles::APPLICATION, 0, &[1, 2]),
            node(roles::FRAME, 0, &[3]),
            node(roles::FRAME, states::ACTIVE, &[4]),
            node(roles::MENU_BAR, 0, &[]),
            node(39, 0, &[5]),
            node(roles::MENU_BAR, 0, &[]),
        ];
        let tree = Tree { nodes, truncated: false };
        assert_eq!(bars(&tree).iter().map(|bar| bar.is_active).collect::<Vec<_>>(), [false, true]);
    }
}
