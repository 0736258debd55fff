//! The elements of the accessibility tree as actions address them.

use std::borrow::Cow;

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
    Minimize,
}

impl Action {
    /// Every name; `press` is another one for a click.
    const NAMES: [(&str, Self); 8] = [
        ("click", Self::Click),
        ("press", Self::Click),
        ("focus", Self::Focus),
        ("type", Self::Type),
        ("set_value", Self::SetValue),
        ("key", Self::Key),
        ("menu", Self::Menu),
        ("minimize", Self::Minimize),
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
            Self::Minimize => "minimize",
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
    /// A notification, by its number.
    Toast(u32),
    LockScreen,
    LockText,
    /// The button of the lock screen.
    Unlock,
}

/// Before the number of a notification.
const TOAST: &str = "notification/";

impl Handle {
    /// Every one but the notifications.
    const ALL: [Self; 28] = [
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
        Self::Item(Item::Notify),
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
        Self::LockScreen,
        Self::LockText,
        Self::Unlock,
    ];

    /// The handle of a reference, if any has it.
    pub(super) fn of(reference: &str) -> Option<Self> {
        let toast = || reference.strip_prefix(TOAST)?.parse::<u32>().ok().map(Self::Toast);
        Self::ALL.into_iter().find(|handle| handle.reference() == reference).or_else(toast)
    }

    /// Its name in the tree, the same for as long as the desktop lives.
    pub(super) fn reference(self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Toast(number) => return Cow::Owned(format!("{TOAST}{number}")),
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
            Self::Item(Item::Notify) => "virtual-2/file/notify",
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
            Self::LockScreen => "lock",
            Self::LockText => "lock/text",
            Self::Unlock => "lock/unlock",
        })
    }

    /// What it takes while it is there and nothing is in front of it.
    pub(super) const fn actions(self) -> &'static [Action] {
        use Action::{Click, Focus, Key, Menu, Minimize, SetValue, Type};
        match self {
            Self::Task(_) | Self::Close(_) | Self::Menu | Self::Item(_) | Self::Toast(_) | Self::Unlock => &[Click],
            Self::Window(App::Notes) => &[Focus, Key, Minimize],
            Self::Window(App::Controls) => &[Focus, Key, Menu, Minimize],
            Self::Dialog => &[Focus, Key],
            Self::Note | Self::Widget(Widget::Name | Widget::Password) => &[Click, Focus, Type, SetValue, Key],
            Self::Widget(Widget::Count | Widget::Check) | Self::Ok => &[Click, Focus, Key],
            Self::Desktop
            | Self::Panel
            | Self::Status
            | Self::MenuBar
            | Self::Counter
            | Self::Headline
            | Self::Line
            | Self::LockScreen
            | Self::LockText => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reference_leads_back_to_its_handle() {
        for handle in Handle::ALL.into_iter().chain([Handle::Toast(1), Handle::Toast(u32::MAX)]) {
            assert_eq!(Handle::of(&handle.reference()), Some(handle));
        }
        for none in ["", "virtual-3", "notification/", "notification/x"] {
            assert_eq!(Handle::of(none), None, "{none:?}");
        }
    }

    #[test]
    fn a_name_is_an_action_or_an_error_that_names_them() {
        for (name, action) in Action::NAMES {
            assert_eq!(Action::named(name), Ok(action));
            assert!(name == "press" || action.name() == name);
        }
        let error = Action::named("AXRaise").unwrap_err();
        assert!(error.message.ends_with("click, press, focus, type, set_value, key, menu, minimize"), "{error}");
    }
}
