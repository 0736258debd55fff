//! What the elements answer, interface by interface. Only what is of use to those who read a window and act on it; to
//! anything else zbus answers that there is no such method.

use std::collections::HashMap;
use std::sync::Arc;

use zbus::connection::Builder;
use zbus::{fdo, interface};

use super::super::actions::CLICK;
use super::super::bus::{Place, Wired};
use super::element::{Element, Face, wired};
use super::{Part, Record};
use crate::api::Rect;

/// What stands for no element.
const NULL_PATH: &str = "/org/a11y/atspi/null";

/// The version of AT-SPI that programs name, the same since it is spoken over D-Bus.
const ATSPI_VERSION: &str = "2.1";

/// Whether a place is told from the corner of the screen, of the window, or of what an element stands in.
const OF_WINDOW: u32 = 1;
const OF_PARENT: u32 = 2;

/// An element, and what its window tells of it.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) element: Element,
    pub(super) record: Arc<Record>,
}

/// Puts an element on the connection that is being made.
pub(super) fn add<'a>(builder: Builder<'a>, seen: &Seen) -> Builder<'a> {
    let path = seen.element.path();
    seen.element.faces().iter().fold(builder, |builder, face| match face {
        Face::Accessible => builder.serve_at(path, Accessible(seen.clone())),
        Face::Action => builder.serve_at(path, Action(seen.clone())),
        Face::Application => builder.serve_at(path, Application),
        Face::Component => builder.serve_at(path, Component(seen.clone())),
        Face::EditableText => builder.serve_at(path, EditableText(seen.clone())),
        Face::Text => builder.serve_at(path, Text(seen.clone())),
    })
}

impl Seen {
    /// What the window says of it. It says only of what the program is called.
    fn part(&self) -> Option<&Part> {
        let outline = &self.record.outline;
        match self.element {
            Element::Program => None,
            Element::Window => Some(&outline.window),
            Element::Button => Some(&outline.button),
            Element::Field => Some(&outline.field),
        }
    }

    fn place(&self) -> Rect {
        self.part().map_or_else(Rect::default, |part| part.place)
    }
}

struct Accessible(Seen);

// A tuple of one is one answer that is a structure; a tuple alone would be several answers.
#[interface(name = "org.a11y.atspi.Accessible")]
impl Accessible {
    #[zbus(property)]
    fn name(&self) -> &str {
        self.0.part().map_or(self.0.record.outline.program, |part| part.name)
    }

    #[zbus(property)]
    fn description(&self) -> &str {
        ""
    }

    #[zbus(property)]
    fn parent(&self) -> Wired {
        match self.0.element.parent() {
            Some(parent) => self.0.record.wired(parent),
            None => wired(&Place::desktop().bus, Element::Program.path()),
        }
    }

    #[zbus(property)]
    fn child_count(&self) -> i32 {
        number(self.0.element.children().len())
    }

    fn get_children(&self) -> Vec<Wired> {
        self.0.element.children().iter().map(|child| self.0.record.wired(*child)).collect()
    }

    fn get_child_at_index(&self, index: i32) -> (Wired,) {
        let child = usize::try_from(index).ok().and_then(|index| self.0.element.children().get(index));
        (child.map_or_else(|| wired("", NULL_PATH), |child| self.0.record.wired(*child)),)
    }

    fn get_index_in_parent(&self) -> i32 {
        let siblings = self.0.element.parent().map(Element::children).unwrap_or_default();
        siblings.iter().position(|sibling| *sibling == self.0.element).map_or(-1, number)
    }

    fn get_role(&self) -> u32 {
        self.0.element.role()
    }

    fn get_role_name(&self) -> &str {
        self.0.element.role_name()
    }

    fn get_localized_role_name(&self) -> &str {
        self.0.element.role_name()
    }

    fn get_state(&self) -> Vec<u32> {
        self.0.element.states()
    }

    fn get_attributes(&self) -> HashMap<String, String> {
        HashMap::new()
    }

    fn get_relation_set(&self) -> Vec<(u32, Vec<Wired>)> {
        Vec::new()
    }

    fn get_application(&self) -> (Wired,) {
        (self.0.record.wired(Element::Program),)
    }

    fn get_interfaces(&self) -> Vec<&str> {
        self.0.element.faces().iter().map(|face| face.name()).collect()
    }
}

struct Application;

#[interface(name = "org.a11y.atspi.Application")]
impl Application {
    #[zbus(property)]
    fn toolkit_name(&self) -> &str {
        "opendesk"
    }

    #[zbus(property)]
    fn version(&self) -> &str {
        env!("CARGO_PKG_VERSION")
    }

    #[zbus(property)]
    fn atspi_version(&self) -> &str {
        ATSPI_VERSION
    }
}

struct Component(Seen);

#[interface(name = "org.a11y.atspi.Component")]
impl Component {
    fn get_extents(&self, from: u32) -> ((i32, i32, i32, i32),) {
        let Rect { x, y, width, height } = self.0.place();
        // Nothing stands deeper in the window than its own children.
        let is_window = self.0.element == Element::Window;
        let corner = match from {
            OF_WINDOW => self.0.record.outline.window.place,
            OF_PARENT if !is_window => self.0.record.outline.window.place,
            _ => Rect::default(),
        };
        ((pixels(x - corner.x), pixels(y - corner.y), pixels(width), pixels(height)),)
    }

    /// Only the window itself knows how to take the keyboard.
    fn grab_focus(&self) -> bool {
        false
    }
}

struct Action(Seen);

#[interface(name = "org.a11y.atspi.Action")]
impl Action {
    #[zbus(property, name = "NActions")]
    fn count(&self) -> i32 {
        1
    }

    fn get_actions(&self) -> Vec<(&str, &str, &str)> {
        vec![(CLICK, "", "")]
    }

    fn get_name(&self, index: i32) -> fdo::Result<&str> {
        only(index).map(|()| CLICK)
    }

    fn do_action(&self, index: i32) -> fdo::Result<bool> {
        only(index)?;
        self.0.record.click();
        Ok(true)
    }
}

struct Text(Seen);

#[interface(name = "org.a11y.atspi.Text")]
impl Text {
    #[zbus(property)]
    fn character_count(&self) -> i32 {
        number(self.0.record.text().chars().count())
    }

    fn get_text(&self, start: i32, end: i32) -> String {
        part(&self.0.record.text(), start, end)
    }
}

struct EditableText(Seen);

#[interface(name = "org.a11y.atspi.EditableText")]
impl EditableText {
    fn set_text_contents(&self, text: String) -> bool {
        self.0.record.write(text);
        true
    }
}

/// Refuses an action that there is not.
fn only(index: i32) -> fdo::Result<()> {
    if index == 0 { Ok(()) } else { Err(fdo::Error::InvalidArgs(format!("there is no action {index}"))) }
}

/// Characters of a text from one up to another one. Before the first one is the last one.
fn part(text: &str, start: i32, end: i32) -> String {
    let start = usize::try_from(start).unwrap_or_default();
    let end = usize::try_from(end).unwrap_or(usize::MAX);
    text.chars().skip(start).take(end.saturating_sub(start)).collect()
}

fn number(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

fn pixels(length: f64) -> i32 {
    length.round() as i32
}

#[cfg(test)]
mod tests {
    use zbus::object_server::Interface;

    use super::*;

    fn served<I: Interface>() -> String {
        I::name().to_string()
    }

    #[test]
    fn the_interfaces_are_served_by_the_names_that_the_elements_give_them() {
        for (served, face) in [
            (served::<Accessible>(), Face::Accessible),
            (served::<Action>(), Face::Action),
            (served::<Application>(), Face::Application),
            (served::<Component>(), Face::Component),
            (served::<EditableText>(), Face::EditableText),
            (served::<Text>(), Face::Text),
        ] {
            assert_eq!(served, face.name());
        }
    }

    #[test]
    fn a_part_of_a_text_is_counted_in_characters() {
        for (start, end, expected) in
            [(0, -1, "grün"), (0, 3, "grü"), (2, 4, "ün"), (3, 2, ""), (9, -1, ""), (-5, 1, "g")]
        {
            assert_eq!(part("grün", start, end), expected, "{start} {end}");
        }
    }

    #[test]
    fn there_is_one_action() {
        assert!(only(0).is_ok());
        assert!(only(1).is_err() && only(-1).is_err());
    }
}
