//! What a person sees of elements besides their names: where they are, what they contain, what can be done to them.

use futures_util::future::join4;

use super::actions::{self, Wanted};
use super::bus::{ACCESSIBLE, Bus, COMPONENT, Place, SELECTION, TEXT, VALUE, Wired};
use super::faces::Faces;
use super::item::{Item, bounded};
use super::read::Tree;
use super::roles;
use super::states::{self, is_showing};
use super::talk::Talk;
use crate::api::Rect;

/// The longest content that is given, in characters.
const VALUE_CHARACTERS: i32 = 4096;

/// What stands in a text for an element that is embedded in it.
const EMBEDDED: char = '\u{fffc}';

#[derive(Debug, Default)]
pub(super) struct Detail {
    /// In pixels of the desktop.
    pub(super) bounds: Option<Rect>,
    pub(super) value: Option<String>,
    pub(super) actions: Vec<String>,
    /// Its name gives away what it must not.
    pub(super) tells: bool,
}

/// Finds out about every element of a tree, all at once. What is not known when the time is over is missing, and the
/// tree says so.
pub(super) async fn add(talk: Talk<'_>, tree: &mut Tree) {
    let (nodes, bus) = (&tree.nodes, talk.bus);
    let mut found: Vec<(usize, Detail)> = Vec::with_capacity(nodes.len());
    let questions = nodes.iter().enumerate().map(|(index, node)| async move { (index, look(bus, &node.item).await) });
    let complete = talk.ticker.gather(talk.deadline, questions, |one| found.push(one)).await;
    let wanted = |(index, detail): &mut (usize, Detail)| Wanted {
        place: &nodes[*index].item.place,
        shown: core::mem::take(&mut detail.actions),
    };
    let wanted = found.iter_mut().map(wanted).collect();
    let names = actions::translated(talk, wanted).await;
    for ((index, mut detail), names) in found.into_iter().zip(names) {
        let node = &mut tree.nodes[index];
        detail.actions = actions::all(&node.item, names);
        node.detail = detail;
    }
    tree.truncated |= !complete;
}

/// One element. Its actions are as people call them.
async fn look(bus: &Bus, item: &Item) -> Detail {
    let (bounds, value, actions, tells) =
        join4(bounds(bus, item), value(bus, item), shown(bus, item), tells(bus, item)).await;
    Detail { bounds, value, actions, tells }
}

/// Where an element is, if it shows.
pub(super) async fn bounds(bus: &Bus, item: &Item) -> Option<Rect> {
    if !is_showing(item.states) || !item.faces.has(Faces::COMPONENT) {
        return None;
    }
    // Zero is the screen, one would be the window.
    let extents: (i32, i32, i32, i32) = bus.ask(&item.place, COMPONENT, "GetExtents", &0_u32).await.ok()?;
    rect(extents)
}

/// What is not on the screen has impossible places.
fn rect((x, y, width, height): (i32, i32, i32, i32)) -> Option<Rect> {
    let possible = x != i32::MIN && y != i32::MIN && width > 0 && height > 0;
    possible.then(|| Rect::new(x.into(), y.into(), width.into(), height.into()))
}

async fn shown(bus: &Bus, item: &Item) -> Vec<String> {
    if !item.faces.has(Faces::ACTION) {
        return Vec::new();
    }
    if !is_showing(item.states) {
        // There are many in closed menus, and all that is done to them is to click them.
        return vec![actions::CLICK.to_owned()];
    }
    actions::shown(bus, &item.place).await.unwrap_or_default()
}

/// The content of an element, if it has one. Passwords are not asked for.
pub(super) async fn value(bus: &Bus, item: &Item) -> Option<String> {
    if item.is_password() {
        return None;
    }
    if item.faces.has(Faces::VALUE) && !roles::is_handle(item.role) {
        let number: f64 = bus.property(&item.place, VALUE, "CurrentValue").await.ok()?;
        return number.is_finite().then(|| number.to_string());
    }
    if actions::is_choice(item) {
        return chosen(bus, item).await;
    }
    let caption = roles::is_caption(item.role) && item.name.is_empty();
    let content = item.is(states::EDITABLE) || roles::is_text(item.role);
    if !(content || caption) || !item.faces.has(Faces::TEXT) {
        return None;
    }
    let said = written(&text(bus, &item.place).await?);
    // An empty field is empty; a caption that says nothing is none.
    said.filter(|said| content || !said.is_empty())
}

/// The beginning of the text of an element.
async fn text(bus: &Bus, place: &Place) -> Option<String> {
    bus.ask(place, TEXT, "GetText", &(0_i32, VALUE_CHARACTERS)).await.ok()
}

/// What a text says; nothing if all of it is elements that stand below it.
fn written(text: &str) -> Option<String> {
    let most = usize::try_from(VALUE_CHARACTERS).unwrap_or_default();
    let said: String = text.chars().filter(|character| *character != EMBEDDED).take(most).collect();
    (text.is_empty() || !said.trim().is_empty() || !text.contains(EMBEDDED)).then_some(said)
}

/// What is chosen of a list of choices. In a browser the menu of the choices knows it, not the box.
pub(super) async fn chosen(bus: &Bus, item: &Item) -> Option<String> {
    let child = async |place: &Place, interface, method| {
        let child: Wired = bus.ask(place, interface, method, &0_i32).await.ok()?;
        Some(Place::from(child)).filter(|child| !child.is_null())
    };
    let choice = if item.faces.has(Faces::SELECTION) {
        child(&item.place, SELECTION, "GetSelectedChild").await?
    } else {
        let menu = child(&item.place, ACCESSIBLE, "GetChildAtIndex").await?;
        child(&menu, SELECTION, "GetSelectedChild").await?
    };
    bus.property(&choice, ACCESSIBLE, "Name").await.ok().map(bounded)
}

/// Whether the name of a password field has the password in it. Most toolkits give dots when they are asked for the
/// content; those that do not can have put it there too.
async fn tells(bus: &Bus, item: &Item) -> bool {
    let named = !item.name.is_empty() || !item.description.is_empty();
    if !item.is_password() || !named || !item.faces.has(Faces::TEXT) {
        return false;
    }
    let secret = text(bus, &item.place).await.unwrap_or_default();
    gives_away(&item.name, &secret) || gives_away(&item.description, &secret)
}

/// Short secrets are found by chance in any name.
fn gives_away(name: &str, secret: &str) -> bool {
    !secret.is_empty() && (name == secret || (secret.chars().count() > 3 && name.contains(secret)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_on_the_screen_has_no_place() {
        assert_eq!(rect((1, 442, 500, 34)), Some(Rect::new(1.0, 442.0, 500.0, 34.0)));
        assert_eq!(rect((-20, 0, 5, 5)), Some(Rect::new(-20.0, 0.0, 5.0, 5.0)), "left of the primary display");
        for unmapped in [(i32::MIN, i32::MIN, 1, 1), (0, 0, 0, 0), (5, 5, -1, -1)] {
            assert_eq!(rect(unmapped), None);
        }
    }

    #[test]
    fn a_text_of_elements_only_is_none() {
        assert_eq!(written(""), Some(String::new()), "an empty field is empty");
        assert_eq!(written("\u{fffc} \u{fffc}"), None);
        assert_eq!(written("two\nlines"), Some("two\nlines".to_owned()));
        assert_eq!(written("see \u{fffc}"), Some("see ".to_owned()));
        assert_eq!(written(" "), Some(" ".to_owned()));
        assert_eq!(written(&"ü".repeat(5000)).map(|text| text.chars().count()), Some(4096));
    }

    #[test]
    fn a_name_that_is_the_password_is_noticed() {
        assert!(gives_away("hunter2", "hunter2") && gives_away("Password: hunter2", "hunter2"));
        assert!(!gives_away("Password", "●●●●●●") && !gives_away("Password", ""));
        assert!(gives_away("ab", "ab") && !gives_away("Password", "a"));
    }
}
