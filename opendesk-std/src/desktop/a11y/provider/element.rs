//! The elements of the window: what they are, how they hang together, and what they can be asked.

use zbus::{ObjectPath, OwnedObjectPath};

use super::super::bus::{self, Wired};
use super::super::{roles, states};

/// The kind of what is clicked, which only this window needs a name for.
const PUSH_BUTTON: u32 = 43;

const VISIBLE: u64 = 1 << 30;
const MULTI_LINE: u64 = 1 << 17;

/// An element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Element {
    Program,
    Window,
    Button,
    Field,
}

/// An interface of an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Face {
    Accessible,
    Action,
    Application,
    Component,
    EditableText,
    Text,
}

impl Element {
    pub(super) const ALL: [Self; 4] = [Self::Program, Self::Window, Self::Button, Self::Field];

    /// Its object on the bus. Where the program is, is the same for all programs.
    pub(super) const fn path(self) -> &'static str {
        match self {
            Self::Program => "/org/a11y/atspi/accessible/root",
            Self::Window => "/org/a11y/atspi/accessible/1",
            Self::Button => "/org/a11y/atspi/accessible/2",
            Self::Field => "/org/a11y/atspi/accessible/3",
        }
    }

    pub(super) const fn role(self) -> u32 {
        match self {
            Self::Program => roles::APPLICATION,
            Self::Window => roles::FRAME,
            Self::Button => PUSH_BUTTON,
            Self::Field => roles::TEXT,
        }
    }

    /// AT-SPI's own name of its kind.
    pub(super) const fn role_name(self) -> &'static str {
        match self {
            Self::Program => "application",
            Self::Window => "frame",
            Self::Button => "push button",
            Self::Field => "text",
        }
    }

    /// What is so of it, the low half first. A program has no states.
    pub(super) fn states(self) -> Vec<u32> {
        const SHOWN: u64 = states::ENABLED | states::SENSITIVE | states::SHOWING | VISIBLE;
        let states = match self {
            Self::Program => 0,
            Self::Window | Self::Button => SHOWN,
            Self::Field => SHOWN | states::EDITABLE | MULTI_LINE,
        };
        vec![states as u32, (states >> 32) as u32]
    }

    pub(super) const fn faces(self) -> &'static [Face] {
        match self {
            Self::Program => &[Face::Accessible, Face::Application],
            Self::Window => &[Face::Accessible, Face::Component],
            Self::Button => &[Face::Accessible, Face::Component, Face::Action],
            Self::Field => &[Face::Accessible, Face::Component, Face::Text, Face::EditableText],
        }
    }

    /// What it stands in. The program stands in the desktop, which is the registry's.
    pub(super) const fn parent(self) -> Option<Self> {
        match self {
            Self::Program => None,
            Self::Window => Some(Self::Program),
            Self::Button | Self::Field => Some(Self::Window),
        }
    }

    pub(super) const fn children(self) -> &'static [Self] {
        match self {
            Self::Program => &[Self::Window],
            Self::Window => &[Self::Button, Self::Field],
            Self::Button | Self::Field => &[],
        }
    }
}

impl Face {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Accessible => bus::ACCESSIBLE,
            Self::Action => bus::ACTION,
            Self::Application => "org.a11y.atspi.Application",
            Self::Component => bus::COMPONENT,
            Self::EditableText => bus::EDITABLE_TEXT,
            Self::Text => bus::TEXT,
        }
    }
}

/// An element as it stands in messages.
pub(super) fn wired(owner: &str, path: &'static str) -> Wired {
    (owner.to_owned(), OwnedObjectPath::from(ObjectPath::from_static_str_unchecked(path)))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_element_but_the_program_is_a_child_of_what_it_stands_in() {
        for element in Element::ALL {
            assert_eq!(element.parent().is_none(), element == Element::Program);
            assert!(element.parent().is_none_or(|parent| parent.children().contains(&element)), "{element:?}");
            assert!(element.children().iter().all(|child| child.parent() == Some(element)), "{element:?}");
        }
    }

    #[test]
    fn every_element_has_a_path_of_its_own() {
        let paths: HashSet<&str> = Element::ALL.iter().map(|element| element.path()).collect();
        assert_eq!(paths.len(), Element::ALL.len());
        for path in paths {
            assert_eq!(ObjectPath::try_from(path).map(|path| path.to_string()), Ok(path.to_owned()));
        }
    }

    #[test]
    fn the_tree_calls_the_elements_what_they_are() {
        let words = [Element::Window, Element::Button, Element::Field].map(|element| {
            let states = states::joined(&element.states());
            assert!(states::is_showing(states) && states::is_enabled(states), "{element:?}");
            roles::word(element.role(), states)
        });
        assert_eq!(words, ["window", "push button", "text"]);
    }
}
