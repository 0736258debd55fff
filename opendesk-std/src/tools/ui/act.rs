//! Doing something to an element.

use super::click::click;
use super::pick::{folded, named};
use super::scope::{Scene, WINDOWS};
use super::{Action, Arguments, Choice, one};
use crate::api::{Effect, ElementTarget, Modifier, UiAction, UiActionParams, UiNode, UiTree};
use crate::home::plain_text;
use crate::tools::fence::refusal;
use crate::tools::observe::around;
use crate::tools::proof::proved;
use crate::tools::session::Session;
use crate::tools::target::{Target, ToolError};
use crate::tools::{Output, fence};

const ADVICE: &str = "The element was not used; read get_tree again. The desktop says:";

/// Does what is asked, or lists what it could be asked of.
pub(super) async fn perform(session: &Session, target: &Target, asked: &Arguments) -> Result<Output, ToolError> {
    let is_named = asked.reference.is_some() || asked.wanted(&[]).says_something();
    let (observe, settle) = (asked.observe, asked.settle_ms);
    match asked.action {
        Action::ClickMenu => return around(session, target, observe, settle, menu(session, target, asked)).await,
        Action::PressKey if !is_named => {
            return around(session, target, observe, settle, key(session, target, asked)).await;
        }
        _ => {}
    }
    let taking: &[&str] = match asked.action {
        Action::Type if asked.append => &["type"],
        Action::Type => &["set_value"],
        Action::PressKey => &["key"],
        Action::Focus => &["focus"],
        _ => &["click", "press"],
    };
    let (scene, index) = match one(session, target, asked, taking).await? {
        Choice::One(scene, index) => (scene, index),
        Choice::Several(output) => return Ok(output),
    };
    session.caller.touch(scene.touched(index));
    if let Some(checked) = checked(&scene.tree.nodes[index]) {
        session.caller.found_checked(checked);
    }
    let label = label(&scene.tree.nodes[index], asked)?;
    let work = async {
        let said = to_element(session, target, asked, &scene, index).await?;
        Ok(format!("{said}{label}"))
    };
    around(session, target, observe, settle, work).await
}

async fn to_element(
    session: &Session,
    target: &Target,
    asked: &Arguments,
    scene: &Scene,
    index: usize,
) -> Result<String, ToolError> {
    let node = &scene.tree.nodes[index];
    let named = named(node);
    let params = |action: &str, element: ElementTarget| UiActionParams {
        app: app_of(&element, scene),
        target: element,
        action: action.to_owned(),
    };
    let (effect, done) = match asked.action {
        Action::Type => {
            let text = asked.text.clone().unwrap_or_default();
            let count = text.chars().count();
            let (action, what) = if asked.append { ("type", "more ") } else { ("set_value", "") };
            let element = ElementTarget { value: Some(text), ..element(node) };
            (act(session, target, &params(action, element)).await?, format!("was given {count} {what}characters"))
        }
        Action::PressKey => {
            let element = with_key(element(node), asked);
            let key = asked.key.as_deref().unwrap_or_default();
            (act(session, target, &params("key", element)).await?, format!("was sent the key {:?}", plain_text(key)))
        }
        Action::Focus => {
            (act(session, target, &params("focus", element(node))).await?, "was given the keyboard".to_owned())
        }
        _ => return click(session, target, scene, index, &params("click", element(node))).await,
    };
    Ok(format!("{named} {done}.{}", proved(session, target, effect)))
}

/// An element as the desktop finds it again. It has to be what it was in the tree: a reference alone may mean something
/// else by now.
fn element(node: &UiNode) -> ElementTarget {
    ElementTarget {
        role: node.role.clone(),
        name: node.name.clone(),
        bounds: node.bounds.filter(|_| node.reference.is_none()),
        reference: node.reference.clone(),
        ..ElementTarget::default()
    }
}

/// The application in which an element without a reference is looked for.
fn app_of(element: &ElementTarget, scene: &Scene) -> Option<String> {
    let of_window = || scene.window.as_ref().map(|window| window.app_name.clone()).filter(|name| !name.is_empty());
    if element.reference.is_some() { None } else { scene.app.clone().or_else(of_window) }
}

fn with_key(element: ElementTarget, asked: &Arguments) -> ElementTarget {
    let modifiers = asked.modifiers.iter().copied().map(Modifier::from).collect();
    ElementTarget { key: asked.key.clone(), modifiers, ..element }
}

async fn act(session: &Session, target: &Target, params: &UiActionParams) -> Result<Effect, ToolError> {
    session.call::<UiAction>(target, params).await.map_err(|error| refusal(target, ADVICE, error))
}

/// Presses a key at a window, at an application, or at what has the keyboard.
async fn key(session: &Session, target: &Target, asked: &Arguments) -> Result<String, ToolError> {
    let (mut element, mut app) = (ElementTarget::default(), asked.app.clone());
    let at = match (&asked.window, &app) {
        (Some(id), _) => {
            let scene = Scene::read(session, target, None, Some(id)).await?;
            // Some desktops tell a window below the desktop.
            let takes_keys = |node: &UiNode| node.actions.iter().any(|action| action == "key");
            let is_window = |node: &UiNode| WINDOWS.contains(&node.role.as_str()) || takes_keys(node);
            if let Some(index) = scene.tree.nodes.iter().position(is_window) {
                session.caller.touch(scene.touched(index));
                element = self::element(&scene.tree.nodes[index]);
                app = app_of(&element, &scene);
            }
            "the window"
        }
        (None, Some(_)) => "the application",
        (None, None) => "what has the keyboard",
    };
    let params = UiActionParams { target: with_key(element, asked), action: "key".to_owned(), app };
    let effect = act(session, target, &params).await?;
    let key = plain_text(asked.key.as_deref().unwrap_or_default());
    Ok(format!("The key {key:?} was pressed at {at}.{}", proved(session, target, effect)))
}

/// Chooses from a menu.
async fn menu(session: &Session, target: &Target, asked: &Arguments) -> Result<String, ToolError> {
    let mut app = asked.app.clone();
    if app.is_none() {
        let scene = Scene::read(session, target, None, asked.window.as_deref()).await?;
        if let Some(index) = at_path(&scene.tree, &asked.menu) {
            session.caller.touch(scene.touched(index));
            let element = element(&scene.tree.nodes[index]);
            let params = UiActionParams { app: app_of(&element, &scene), target: element, action: "click".to_owned() };
            let effect = act(session, target, &params).await?;
            let named = named(&scene.tree.nodes[index]);
            return Ok(format!("{named} was chosen.{}", proved(session, target, effect)));
        }
        // An item that is no element before its menu is open. No other program's menu is meant.
        app = Some(scene.window.map(|window| window.app_name).filter(|name| !name.is_empty()).ok_or_else(|| {
            let why = "the window that has the keyboard has no such menu item; name the `app`, or read get_tree";
            ToolError::Arguments(why.to_owned())
        })?);
    }
    let element = ElementTarget { menu_path: asked.menu.clone(), ..ElementTarget::default() };
    let params = UiActionParams { target: element, action: "menu".to_owned(), app };
    let effect = act(session, target, &params).await?;
    Ok(format!("The menu item was chosen.{}", proved(session, target, effect)))
}

/// The element at the end of the labels on the way to it, if each names one.
fn at_path(tree: &UiTree, labels: &[String]) -> Option<usize> {
    let nodes = &tree.nodes;
    let is_called = |index: &usize, label: &str| folded(&plain_text(&nodes[*index].name)) == folded(label);
    let (first, rest) = labels.split_first()?;
    let is_menu = |index: &usize| nodes[*index].role.contains("menu");
    let mut found: Vec<usize> = (0..nodes.len()).filter(|index| is_menu(index) && is_called(index, first)).collect();
    for label in rest {
        let [parent] = found[..] else { return None };
        let depth = nodes[parent].depth;
        let below = (parent + 1..nodes.len()).take_while(|index| nodes[*index].depth > depth);
        found = below.filter(|index| is_menu(index) && is_called(index, label)).collect();
    }
    match found[..] {
        [only] => Some(only),
        _ => None,
    }
}

/// Whether a box is checked; nothing of what is none.
pub(in crate::tools) fn checked(node: &UiNode) -> Option<bool> {
    let is_box = matches!(node.role.as_str(), "check box" | "radio button");
    is_box.then(|| node.states.iter().any(|state| state == "checked"))
}

/// What an element is called, where that is not what was asked for by name.
fn label(node: &UiNode, asked: &Arguments) -> Result<String, ToolError> {
    let is_known = |title: &str| folded(&plain_text(&node.name)) == folded(title);
    if asked.reference.is_some() || asked.title.as_deref().is_some_and(is_known) || node.name.is_empty() {
        return Ok(String::new());
    }
    Ok(format!("\n{}", fence("the element's label", &plain_text(&node.name))?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_to_one_item_only() {
        let node = |depth: u16, role: &str, name: &str| UiNode {
            depth,
            role: role.to_owned(),
            name: name.to_owned(),
            ..UiNode::default()
        };
        let nodes = vec![
            node(0, "window", "Form"),
            node(1, "menu bar", ""),
            node(2, "menu", "File"),
            node(3, "menu item", "Open…"),
            node(3, "menu", "Recent"),
            node(4, "menu item", "One"),
            node(2, "menu", "Help"),
            node(3, "menu item", "About"),
            node(1, "push button", "File"),
        ];
        let tree = UiTree { nodes, truncated: false };
        let path = |labels: &[&str]| {
            let labels: Vec<String> = labels.iter().map(|label| (*label).to_owned()).collect();
            at_path(&tree, &labels)
        };
        assert_eq!(path(&["file", "open"]), Some(3));
        assert_eq!(path(&["File", "Recent", "One"]), Some(5));
        assert_eq!(path(&["File", "About"]), None, "it is in another menu");
        assert_eq!(path(&["Edit", "Copy"]), None);
        assert_eq!(path(&[]), None);
    }
}
