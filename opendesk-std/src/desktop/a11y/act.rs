//! Doing something to an element, by its application where that can and by the keyboard where it cannot.

use super::actions::{self, CLICK, FOCUS, KEY, MENU, PRESS, SET_VALUE, TYPE};
use super::bus::{ACTION, COMPONENT, ends, is_gone};
use super::by_hand;
use super::detail;
use super::edit;
use super::faces::Faces;
use super::find::{self, names_element, not_taken, usable};
use super::item::Item;
use super::menu;
use super::read::Extent;
use super::roles;
use super::scene::Scene;
use super::selection;
use super::states::{ACTIVE, CHECKED, FOCUSED, SELECTED, SHOWING, SWITCHED};
use super::talk::{Talk, gone};
use crate::api::{Effect, ElementTarget, Error, ErrorCode, Result, UiActionParams};
use crate::desktop::{Key, UnknownKey};

/// What is left to be done when applications have done their part. Its texts can be passwords: it is never shown.
pub(super) enum Plan {
    Done(Effect),
    /// What has the keyboard now is to be typed into.
    Type(String),
    /// A key is to be pressed at what has the keyboard now.
    Press(Key),
    /// All that is in this element, which has the keyboard, is to be replaced by typing.
    Replace(Item, String),
    /// A window is to be brought to the front by the desktop first: applications do not do it for themselves.
    Front {
        process: u32,
        title: String,
        then: Box<Self>,
    },
    /// An item of a menu is selected, and Return chooses it.
    Choose(Item),
    /// A button is to be clicked.
    Click(Item),
    /// It went wrong, and menus were opened that have to be closed.
    Undo {
        error: Error,
        menus: usize,
    },
}

/// Does an action as far as applications do it.
///
/// # Errors
/// Nothing has been typed and no key pressed after one.
pub(super) async fn prepare(scene: &Scene<'_>, params: &UiActionParams) -> Result<Plan> {
    let UiActionParams { target, action, app } = params;
    let (talk, app) = (scene.talk, app.as_deref());
    let action = action.trim();
    let is = |name: &str| action.eq_ignore_ascii_case(name);
    // A menu item is named by its path: most are no elements as long as their menu is closed.
    let by_path = target.reference.is_none() && !target.menu_path.is_empty();
    if is(MENU) || (by_path && (is(CLICK) || is(PRESS))) {
        return menu::follow(scene, &target.menu_path, app).await;
    }
    if is(KEY) {
        return key(scene, target, app).await;
    }
    let value = target.value.as_deref();
    let takes_value = is(TYPE) || is(SET_VALUE);
    if takes_value && value.is_none() {
        return Err(Error::invalid(format!("{action} needs its text in value, and there is none")));
    }
    let item = find::element(scene, target, app, !takes_value).await?;
    usable(&item)?;
    if is(FOCUS) && find::is_top_level(talk, &item).await? {
        return front(talk, &item, Plan::Done(Effect::Confirmed)).await;
    }
    match value {
        Some(text) if is(SET_VALUE) => edit::set(talk, &item, text).await,
        Some(text) if is(TYPE) => {
            let plan = at(talk, &item, Plan::Type(text.to_owned())).await?;
            if let Plan::Type(_) = plan {
                selection::end(talk, &item).await?;
            }
            Ok(plan)
        }
        _ if is(FOCUS) => focus(talk, &item).await.map(Plan::Done),
        _ => carry_out(talk, &item, action).await,
    }
}

/// Presses a key at an element, at an application, or at whatever has the keyboard.
async fn key(scene: &Scene<'_>, target: &ElementTarget, app: Option<&str>) -> Result<Plan> {
    let Some(name) = &target.key else {
        return Err(Error::invalid("key needs the name of a key in key, and there is none"));
    };
    let key: Key = name.parse().map_err(|unknown: UnknownKey| Error::invalid(unknown.to_string()))?;
    if names_element(target) {
        let item = find::element(scene, target, app, true).await?;
        usable(&item)?;
        return at(scene.talk, &item, Plan::Press(key)).await;
    }
    if app.is_some() {
        let apps = scene.apps(app).await?;
        let windows = find::trees(scene.talk, &apps, Extent { nodes: usize::MAX, depth: 1, details: false });
        let windows = windows.await?.into_iter().flat_map(|tree| tree.nodes).filter(|node| node.depth == 1);
        let mut windows: Vec<Item> = windows.map(|node| node.item).collect();
        // The one that has the keyboard keeps it.
        windows.sort_by_key(|window| (!window.is(ACTIVE), !roles::is_window(window.role)));
        let Some(window) = windows.first() else {
            let message = format!("the application {:?} has no window that could take a key", app.unwrap_or_default());
            return Err(Error::new(ErrorCode::NotFound, message));
        };
        return front(scene.talk, window, Plan::Press(key)).await;
    }
    Ok(Plan::Press(key))
}

/// Does the rest when an element has the keyboard, and nothing else has.
async fn at(talk: Talk<'_>, item: &Item, then: Plan) -> Result<Plan> {
    if find::is_top_level(talk, item).await? {
        return front(talk, item, then).await;
    }
    give_keyboard(talk, item).await?;
    Ok(then)
}

/// Does the rest when a window is in front.
async fn front(talk: Talk<'_>, item: &Item, then: Plan) -> Result<Plan> {
    if item.is(ACTIVE) {
        return Ok(then);
    }
    let process = talk.answer(item, talk.bus.process(&item.place.bus)).await?;
    Ok(Plan::Front { process, title: item.name.clone(), then: Box::new(then) })
}

/// A click, or an action that the application has.
async fn carry_out(talk: Talk<'_>, item: &Item, action: &str) -> Result<Plan> {
    let names = if item.faces.has(Faces::ACTION) {
        talk.answer(item, actions::names(talk.bus, &item.place)).await?
    } else {
        Vec::new()
    };
    let own = names.iter().position(|name| name.eq_ignore_ascii_case(action));
    let click = action.eq_ignore_ascii_case(CLICK) || (own.is_none() && action.eq_ignore_ascii_case(PRESS));
    if click && item.is_field() {
        // What toolkits do to a field is what Return does: send the form.
        return focus(talk, item).await.map(Plan::Done);
    }
    if let Some(index) = own.or_else(|| actions::default(&names).filter(|_| click)) {
        let is_click = click || own == actions::default(&names);
        if is_click && let Some(plan) = by_hand::click(talk, item).await? {
            return Ok(plan);
        }
        return perform(talk, item, index).await.map(Plan::Done);
    }
    if click { Err(no_click(talk, item).await) } else { Err(not_taken(item, action, names)) }
}

/// Has the application do one of the actions of an element, and looks what became of it where that can be seen.
pub(super) async fn perform(talk: Talk<'_>, item: &Item, index: usize) -> Result<Effect> {
    let number = i32::try_from(index).unwrap_or(i32::MAX);
    match talk.until(talk.bus.ask::<_, bool>(&item.place, ACTION, "DoAction", &number)).await {
        Some(Ok(true)) => {}
        Some(Ok(false)) => return Ok(Effect::NoEffect),
        // It had it, and ended by it or is busy with it, as with a dialog.
        Some(Err(error)) if ends(&error) => return Ok(Effect::Unverifiable),
        None => return Ok(Effect::Unverifiable),
        Some(Err(error)) if is_gone(&error) => return Err(gone(&item.words())),
        Some(Err(error)) => return talk.answer(item, async { Err(error) }).await,
    }
    Ok(came_of(talk, item).await)
}

/// What became of a click on an element, where that can be seen.
pub(super) async fn came_of(talk: Talk<'_>, item: &Item) -> Effect {
    if !roles::is_switch(item.role) {
        return Effect::Unverifiable;
    }
    let changes = |now: u64| (now ^ item.states) & SWITCHED != 0;
    match talk.see(item, changes).await {
        None => Effect::Unverifiable,
        Some(now) if changes(now) => Effect::Confirmed,
        // One of several stays chosen however often it is chosen.
        Some(now) if roles::is_one_of(item.role) && now & (CHECKED | SELECTED) != 0 => Effect::Confirmed,
        Some(_) => Effect::NoEffect,
    }
}

/// Gives an element the keyboard. Applications bring its window to the front with it.
pub(super) async fn focus(talk: Talk<'_>, item: &Item) -> Result<Effect> {
    if !item.faces.has(Faces::COMPONENT) {
        return Err(not_taken(item, FOCUS, Vec::new()));
    }
    let _granted: bool = talk.answer(item, talk.bus.ask(&item.place, COMPONENT, "GrabFocus", &())).await?;
    match talk.see(item, |now| now & FOCUSED != 0).await {
        None => Err(gone(&item.words())),
        Some(now) if now & FOCUSED != 0 => Ok(Effect::Confirmed),
        Some(_) => Ok(Effect::NoEffect),
    }
}

/// Gives an element the keyboard and makes sure of it: what is typed next goes there and nowhere else.
pub(super) async fn give_keyboard(talk: Talk<'_>, item: &Item) -> Result<()> {
    let refusal = |what: &str| Error::invalid(format!("{what} does not take the keyboard; nothing was typed"));
    if focus(talk, item).await? != Effect::Confirmed {
        return Err(refusal(&item.words()));
    }
    let Some(window) = find::window(talk, item).await? else {
        let message = format!("{} is in no window that is known; nothing was typed", item.words());
        return Err(Error::invalid(message));
    };
    let active = talk.see(&window, |now| now & ACTIVE != 0).await;
    if active.is_some_and(|now| now & ACTIVE != 0) { Ok(()) } else { Err(refusal(&window.words())) }
}

/// The refusal of a click on something that has no action.
async fn no_click(talk: Talk<'_>, item: &Item) -> Error {
    let bounds = talk.until(detail::bounds(talk.bus, item)).await.flatten();
    let instead = match bounds.map(|bounds| bounds.center()) {
        Some(point) => format!("click at its bounds instead, at x {}, y {}", point.x, point.y),
        None if item.is(SHOWING) => "click at what stands in it instead".to_owned(),
        None => "it is not on the screen, bring it there first".to_owned(),
    };
    Error::new(ErrorCode::CapabilityUnsupported, format!("{} has no action of its own; {instead}", item.words()))
}
