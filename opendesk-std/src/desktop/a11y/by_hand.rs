//! Clicking as a person does where an application must not be asked to. GTK 3 carries an action out within the request for
//! it: while a dialog is open that the action has opened, it answers nobody and takes no key.

use super::act::{Plan, focus};
use super::actions;
use super::bus::{ACCESSIBLE, APPLICATION, Place, SELECTION};
use super::detail;
use super::faces::Faces;
use super::find::{self, not_taken};
use super::item::Item;
use super::menu;
use super::roles;
use super::states::{FOCUSABLE, SELECTED, SHOWING};
use super::talk::Talk;
use crate::api::{Effect, Error, Point, Result};

/// How many menus may stand in each other.
const MENUS: usize = 16;

/// A click on a button or an item of a menu as the desktop does it; nothing for what its application can be asked to click.
///
/// # Errors
/// Those of talking to the application, before anything was done.
pub(super) async fn click(talk: Talk<'_>, item: &Item) -> Result<Option<Plan>> {
    if is_item(item) {
        let mut menus = 0;
        return match choose(talk, item, &mut menus).await {
            Ok(plan) => Ok(plan),
            Err(error) => Ok(Some(Plan::Undo { error, menus })),
        };
    }
    if !roles::is_button(item.role) || !is_held_up(talk, item).await {
        return Ok(None);
    }
    let Some(window) = find::window(talk, item).await? else { return Ok(None) };
    let then = Box::new(Plan::Click(item.clone()));
    let process = talk.answer(item, talk.bus.process(&item.place.bus)).await?;
    Ok(Some(Plan::Front { process, title: window.name, then }))
}

/// Selects an item of a menu, which Return chooses then, and opens the menus that it stands in. Those that were opened are
/// counted.
///
/// # Errors
/// When the item does not show or cannot be selected.
pub(super) async fn choose(talk: Talk<'_>, item: &Item, menus: &mut usize) -> Result<Option<Plan>> {
    if !is_item(item) || !is_held_up(talk, item).await {
        return Ok(None);
    }
    let mut way = vec![item.clone()];
    for _ in 0..MENUS {
        let Some(last) = way.last() else { break };
        match find::parent(talk, item, last).await? {
            Some(above) if roles::is_menu(above.role) => way.push(above),
            _ => break,
        }
    }
    let [_, inner, ..] = &way[..] else { return Ok(None) };
    if !inner.faces.has(Faces::SELECTION) {
        return Ok(None);
    }
    for pair in way.windows(2).rev() {
        let [below, above] = pair else { continue };
        let is_shown = |now: u64| now & SHOWING != 0;
        if roles::is_bar(above.role)
            || talk.until(Item::states_of(talk.bus, &below.place)).await.is_some_and(|now| now.is_ok_and(is_shown))
        {
            continue;
        }
        *menus += usize::from(menu::open(talk, above).await? != Effect::NoEffect);
        if !talk.see(below, is_shown).await.is_some_and(is_shown) {
            return Err(Error::invalid(format!("the menu of {} does not open", item.words())));
        }
    }
    let index: i32 = talk.answer(item, talk.bus.ask(&item.place, ACCESSIBLE, "GetIndexInParent", &())).await?;
    let _done: bool = talk.answer(inner, talk.bus.ask(&inner.place, SELECTION, "SelectChild", &index)).await?;
    let is_selected = |now: u64| now & SELECTED != 0;
    match talk.see(item, is_selected).await {
        Some(now) if is_selected(now) => Ok(Some(Plan::Choose(item.clone()))),
        // It would choose what is selected instead.
        _ => {
            let names = talk.answer(item, actions::names(talk.bus, &item.place)).await?;
            Err(not_taken(item, actions::CLICK, names))
        }
    }
}

/// Gives a button the keyboard, if it takes it.
///
/// # Errors
/// When its application does not answer.
pub(super) async fn takes_key(talk: Talk<'_>, item: &Item) -> Result<bool> {
    Ok(item.is(FOCUSABLE) && focus(talk, item).await? == Effect::Confirmed)
}

/// The middle of a button.
///
/// # Errors
/// When it does not show.
pub(super) async fn place(talk: Talk<'_>, item: &Item) -> Result<Point> {
    let bounds = talk.until(detail::bounds(talk.bus, item)).await.flatten();
    bounds.map(|bounds| bounds.center()).ok_or_else(|| Error::invalid(format!("{} does not show", item.words())))
}

fn is_item(item: &Item) -> bool {
    matches!(item.role, roles::MENU_ITEM | roles::CHECK_MENU_ITEM | roles::RADIO_MENU_ITEM)
}

/// Whether the application of an element answers nobody while something is open that an action of it has opened.
async fn is_held_up(talk: Talk<'_>, item: &Item) -> bool {
    let root = Place::root(&item.place.bus);
    let name = talk.until(talk.bus.property::<String>(&root, APPLICATION, "ToolkitName")).await;
    if !name.is_some_and(|name| name.is_ok_and(|name| name.eq_ignore_ascii_case("gtk"))) {
        return false;
    }
    let version = talk.until(talk.bus.property::<String>(&root, APPLICATION, "Version")).await;
    version.is_some_and(|version| version.is_ok_and(|version| version.starts_with("3.")))
}
