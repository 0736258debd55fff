//! The elements of the accessibility tree as actions address them.

use super::apps::App;
use super::controls::{Item, Widget};
use crate::api::{Error, Result};

/// Something that is done to an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Click,
    Focus,
    Type,
    SetValue,
    Key,
    Menu,
}

impl Action {
    /// Every name; `press` is another one for a click.
    const NAMES: [(&str, Self); 7] = [
        ("click", Self::Click),
        ("press", Self::Click),
        ("focus", Self::Focus),
        ("type", Self::Type),
        ("set_value", Self::SetValue),
        ("key", Self::Key),
        ("menu", Self::Menu),
    ];

    /// The action of a name.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidArgument`](crate::api::ErrorCode::InvalidArgument) for a name that none has.
    pub(super) fn named(name: &str) -> Result<Self> {
        let found = Self::NAMES.iter().find(|(known, _)| *known == name);
        found.map(|(_, action)| *action).ok_or_else(|| {
            let known = Self::NAMES.map(|(known, _)| known).join(", ");
            Error::invalid(format!("the virtual desktop has no action {name:?}; there are {known}"))
        })
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Click => "click",
            Self::Focus => "focus",
            Self::Type => "type",
            Self::SetValue => "set_value",
            Self::Key => "key",
            Self::Menu => "menu",
        }
    }
}

/// An element, there or not: those of a closed window, a closed menu and a closed dialog have a handle as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Handle {
    Desktop,
    Panel,
    /// An app's button in the panel.
    Task(App),
    Window(App),
    /// The button that closes a window.
    Close(App),
    Note,
    Status,
    MenuBar,
    Menu,
    Item(Item),
    Widget(Widget),
    Counter,
    Dialog,
    Headline,
    Line,
    /// The dialog's button.
    Ok,
}

impl Handle {
    /// Every one.
    const ALL: [Self; 24] = [
        Self::Desktop,
        Self::Panel,
        Self::Task(App::Notes),
        Self::Task(App::Controls),
        Self::Window(App::Notes),
        Self::Window(App::Controls),
        Self::Close(App::Notes),
        Self::Close(App::Controls),
        Self::Note,
        Self::Status,
        Self::MenuBar,
        Self::Menu,
        Self::Item(Item::NewNote),
        Self::Item(Item::ResetCounter),
        Self::Item(Item::About),
        Self::Widget(Widget::Count),
        Self::Widget(Widget::Check),
        Self::Widget(Widget::Name),
        Self::Widget(Widget::Password),
        Self::Counter,
        Self::Dialog,
        Self::Headline,
        Self::Line,
        Self::Ok,
    ];

    /// The handle of a reference, if any has it.
    pub(super) fn of(reference: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|handle| handle.reference() == reference)
    }

    /// Its name in the tree, the same for as long as the desktop lives.
    pub(super) const fn reference(self) -> &'static str {
        match self {
            Self::Desktop => "desktop",
            Self::Panel => "panel",
            Self::Task(App::Notes) => "panel/notes",
            Self::Task(App::Controls) => "panel/controls",
            Self::Window(app) => app.id(),
            Self::Close(App::Notes) => "virtual-1/close",
            Self::Close(App::Controls) => "virtual-2/close",
            Self::Note => "virtual-1/note",
            Self::Status => "virtual-1/status",
            Self::MenuBar => "virtual-2/menus",
            Self::Menu => "virtual-2/file",
            Self::Item(Item::NewNote) => "virtual-2/file/new-note",
            Self::Item(Item::ResetCounter) => "virtual-2/file/reset-counter",
            Self::Item(Item::About) => "virtual-2/file/about",
            Self::Widget(Widget::Count) => "virtual-2/count",
            Self::Widget(Widget::Check) => "virtual-2/remember",
            Self::Widget(Widget::Name) => "virtual-2/name",
            Self::Widget(Widget::Password) => "virtual-2/password",
            Self::Counter => "virtual-2/counter",
            Self::Dialog => "virtual-2/about",
            Self::Headline => "virtual-2/about/headline",
            Self::Line => "virtual-2/about/line",
            Self::Ok => "virtual-2/about/ok",
        }
    }

    /// What it takes while it is there and nothing is in front of it.
    pub(super) const fn actions(self) -> &'static [Action] {
        use Action::{Click, Focus, Key, Menu, SetValue, Type};
        match self {
            Self::Task(_) | Self::Close(_) | Self::Menu | Self::Item(_) => &[Click],
            Self::Window(App::Notes) | Self::Dialog => &[Focus, Key],
            Self::Window(App::Controls) => &[Focus, Key, Menu],
            Self::Note | Self::Widget(Widget::Name | Widget::Password) => &[Click, Focus, Type, SetValue, Key],
            Self::Widget(Widget::Count | Widget::Check) | Self::Ok => &[Click, Focus, Key],
            Self::Desktop
            | Self::Panel
            | Self::Status
            | Self::MenuBar
            | Self::Counter
            | Self::Headline
            | Self::Line => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reference_leads_back_to_its_handle() {
        for handle in Handle::ALL {
            assert_eq!(Handle::of(handle.reference()), Some(handle));
        }
        assert_eq!((Handle::of(""), Handle::of("virtual-3")), (None, None));
    }

    #[test]
    fn a_name_is_an_action_or_an_error_that_names_them() {
        for (name, action) in Action::NAMES {
            assert_eq!(Action::named(name), Ok(action));
            assert!(name == "press" || action.name() == name);
        }
        let error = Action::named("AXRaise").unwrap_err();
        assert!(error.message.ends_with("click, press, focus, type, set_value, key, menu"), "{error}");
    }
}
