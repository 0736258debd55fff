//! What is done to elements of the accessibility tree, without mouse and keyboard.

use super::apps::App;
use super::controls::{Item, Widget};
use super::editing::{self, Field};
use super::form::MENU;
use super::handle::{Action, Handle};
use super::keyboard::{Keyboard, Stroke};
use super::screen::Screen;
use super::tree::locked;
use crate::api::{ElementTarget, Error, ErrorCode, Modifier, Result, UiActionParams, UiElement};
use crate::desktop::{Key, UnknownKey};

impl Screen {
    /// Does something to one element; whether that did anything. Everything is checked first: after an error nothing
    /// has changed.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] for an app, element or menu item that is not there, [`ErrorCode::InvalidArgument`] for
    /// an action that does not exist or that the element does not take, and for what a text or key cannot be.
    pub(super) fn act(&mut self, params: &UiActionParams) -> Result<bool> {
        let UiActionParams { target, action, app } = params;
        let action = Action::named(action)?;
        let app = app.as_deref().map(|name| self.running(name)).transpose()?;
        // A menu item of a closed menu is no element yet; its path says which one it is.
        let by_path = target.reference.is_none() && !target.menu_path.is_empty();
        let done = match action {
            Action::Click if by_path => self.follow(&target.menu_path, app)?,
            Action::Menu => {
                if target.reference.is_some() {
                    self.find(target, app)?.takes(action)?;
                }
                self.follow(&target.menu_path, app)?
            }
            Action::Key => self.strike(target, app)?,
            Action::Click => self.click(&self.find(target, app)?)?,
            Action::Focus => self.focus_on(&self.find(target, app)?)?,
            Action::Minimize => self.hide(&self.find(target, app)?)?,
            Action::Type | Action::SetValue => self.enter(&self.find(target, app)?, action, target.value.as_deref())?,
        };
        self.clicks.end();
        // Even where a key did nothing, something may have got the keyboard.
        self.touch();
        Ok(done)
    }

    fn click(&mut self, found: &Found) -> Result<bool> {
        found.takes(Action::Click)?;
        match found.handle {
            Handle::Close(app) => self.close(app),
            Handle::Task(app) => self.activate(app),
            Handle::Note => self.activate(App::Notes),
            Handle::Menu => {
                self.activate(App::Controls);
                self.controls.toggle_menu();
            }
            Handle::Item(item) => {
                self.activate(App::Controls);
                let outcome = self.controls.pick(item);
                self.carry_out(outcome);
            }
            Handle::Widget(widget) => {
                self.activate(App::Controls);
                let outcome = self.controls.click(widget);
                self.carry_out(outcome);
            }
            Handle::Ok => {
                self.activate(App::Controls);
                self.controls.dialog = false;
            }
            Handle::Toast(number) => {
                self.toasts.dismiss(number);
            }
            Handle::Unlock => self.unlock(),
            _ => return Err(found.refusal(Action::Click)),
        }
        Ok(true)
    }

    /// Gives an element the keyboard.
    fn focus_on(&mut self, found: &Found) -> Result<bool> {
        found.takes(Action::Focus)?;
        match found.handle {
            Handle::Window(app) => self.activate(app),
            Handle::Note => self.activate(App::Notes),
            Handle::Widget(widget) => {
                self.activate(App::Controls);
                self.controls.focus_on(widget);
            }
            Handle::Dialog | Handle::Ok => self.activate(App::Controls),
            _ => return Err(found.refusal(Action::Focus)),
        }
        Ok(true)
    }

    /// Minimises a window.
    fn hide(&mut self, found: &Found) -> Result<bool> {
        found.takes(Action::Minimize)?;
        let Handle::Window(app) = found.handle else { return Err(found.refusal(Action::Minimize)) };
        self.minimize(app);
        Ok(true)
    }

    /// Types a text into a field, or has it replace what is there. Typing no text does nothing.
    fn enter(&mut self, found: &Found, action: Action, text: Option<&str>) -> Result<bool> {
        found.takes(action)?;
        let Some(text) = text else {
            return Err(Error::invalid(format!("{} needs its text in value, and there is none", action.name())));
        };
        editing::check(text, if found.handle == Handle::Note { Field::Lines } else { Field::Line })?;
        self.focus_on(found)?;
        let entry = match found.handle {
            Handle::Widget(Widget::Name) => &mut self.controls.name,
            Handle::Widget(Widget::Password) => &mut self.controls.password,
            Handle::Note => {
                let sheet = self.notes.sheet();
                if action == Action::Type {
                    return Ok(sheet.enter(text));
                }
                sheet.set(text);
                return Ok(true);
            }
            _ => return Err(found.refusal(action)),
        };
        if action == Action::Type {
            return Ok(entry.enter(text));
        }
        entry.set(text);
        Ok(true)
    }

    /// Presses a key at an element, at an app, or at whatever has the keyboard; whether that did anything.
    fn strike(&mut self, target: &ElementTarget, app: Option<App>) -> Result<bool> {
        let stroke = stroke(&self.keyboard, target)?;
        if names_element(target) {
            let found = self.find(target, app)?;
            found.takes(Action::Key)?;
            self.focus_on(&found)?;
        } else if let Some(app) = app {
            if self.is_locked() {
                return Err(locked());
            }
            self.activate(app);
        } else if self.focus().is_none() && !self.is_locked() {
            let message = "no window of the virtual desktop has the keyboard; name an element or an app for the key";
            return Err(Error::new(ErrorCode::NotFound, message));
        }
        Ok(self.stroke(stroke))
    }

    /// Chooses an item of a menu, which need not be open.
    fn follow(&mut self, path: &[String], app: Option<App>) -> Result<bool> {
        let [menu, label] = path else {
            let count = path.len();
            return Err(Error::invalid(format!(
                "menu_path has to be a menu and one of its items, such as {MENU} and {}, not {count} names",
                Item::About.label()
            )));
        };
        let owner = App::Controls;
        if let Some(app) = app.filter(|app| *app != owner) {
            let message = format!("the app {} has no menu; {} has one called {MENU}", app.title(), owner.title());
            return Err(Error::new(ErrorCode::NotFound, message));
        }
        self.running(owner.title())?;
        let named = |item: &Item| menu.eq_ignore_ascii_case(MENU) && label.eq_ignore_ascii_case(item.label());
        let Some(item) = Item::ALL.into_iter().find(named) else {
            let known = Item::ALL.map(Item::label).join(", ");
            let message = format!("there is no menu item {menu:?}, {label:?}; the menu {MENU} has {known}");
            return Err(Error::new(ErrorCode::NotFound, message));
        };
        if self.is_locked() {
            return Err(locked());
        }
        if self.controls.dialog {
            return Err(behind_dialog(&format!("the menu item {:?}", item.label())));
        }
        self.activate(owner);
        let outcome = self.controls.pick(item);
        Ok(self.carry_out(outcome))
    }

    /// The element that a target names: the one with its reference, or else the only one of its role and name.
    fn find(&self, target: &ElementTarget, app: Option<App>) -> Result<Found> {
        let mut there = Vec::new();
        flatten(self.elements(None, app.map(App::title))?, &mut there);
        if let Some(reference) = &target.reference {
            let found = there.into_iter().find(|found| found.handle.reference() == *reference);
            return found.ok_or_else(|| {
                let message = format!(
                    "no element that is there now has the reference {reference:?}: it is stale or of another app; read ui.tree again"
                );
                Error::new(ErrorCode::NotFound, message)
            });
        }
        if !names_element(target) {
            return Err(Error::invalid("no element is named; give its reference, or its role and name, from ui.tree"));
        }
        there.retain(|found| found.is_called(target));
        if there.len() > 1 && target.bounds.is_some() {
            there.retain(|found| found.element.bounds == target.bounds);
        }
        let called = format!("{} {:?}", if target.role.is_empty() { "element" } else { &target.role }, target.name);
        match (there.pop(), there.as_slice()) {
            (None, _) => {
                let message = format!("the virtual desktop shows no {called} now; read ui.tree for what is there");
                Err(Error::new(ErrorCode::NotFound, message))
            }
            (Some(found), []) => Ok(found),
            (Some(last), others) => {
                let all: Vec<_> = others.iter().chain([&last]).map(|found| found.handle.reference()).collect();
                Err(Error::invalid(format!(
                    "the virtual desktop shows {} of {called}; give one's reference: {}",
                    all.len(),
                    all.join(", ")
                )))
            }
        }
    }
}

/// An element that is there.
#[derive(Debug)]
struct Found {
    handle: Handle,
    element: UiElement,
}

impl Found {
    /// Whether a target that has no reference can mean it.
    fn is_called(&self, target: &ElementTarget) -> bool {
        let UiElement { role, name, .. } = &self.element;
        (target.role.is_empty() || target.role.eq_ignore_ascii_case(role))
            && (target.name.is_empty() || target.name.eq_ignore_ascii_case(name))
    }

    /// Makes sure that an action can be done to it now.
    fn takes(&self, action: Action) -> Result<()> {
        if !self.element.enabled {
            return Err(behind_dialog(&self.words()));
        }
        if self.handle.actions().contains(&action) { Ok(()) } else { Err(self.refusal(action)) }
    }

    fn refusal(&self, action: Action) -> Error {
        let taken = self.element.actions.join(", ");
        let taken = if taken.is_empty() { "nothing" } else { &taken };
        Error::invalid(format!("{} does not take {}; it takes {taken}", self.words(), action.name()))
    }

    fn words(&self) -> String {
        format!("the {} {:?}", self.element.role, self.element.name)
    }
}

/// Lists an element and all below it, each before its children.
fn flatten(mut element: UiElement, into: &mut Vec<Found>) {
    let children = core::mem::take(&mut element.children);
    if let Some(handle) = element.reference.as_deref().and_then(Handle::of) {
        into.push(Found { handle, element });
    }
    for child in children {
        flatten(child, into);
    }
}

const fn names_element(target: &ElementTarget) -> bool {
    target.reference.is_some() || !target.role.is_empty() || !target.name.is_empty()
}

fn behind_dialog(what: &str) -> Error {
    Error::invalid(format!("{what} cannot be used while the dialog About is in front of it; click its OK first"))
}

/// The key of a target going down, with its modifiers besides those that are held.
fn stroke(keyboard: &Keyboard, target: &ElementTarget) -> Result<Stroke> {
    let Some(name) = &target.key else {
        return Err(Error::invalid("key needs the name of a key in key, and there is none"));
    };
    let key: Key = name.parse().map_err(|unknown: UnknownKey| Error::invalid(unknown.to_string()))?;
    let modifiers = target.modifiers.iter().map(|modifier| held(*modifier)).collect::<Result<Vec<Key>>>()?;
    keyboard.stroke(Keyboard::locate(key)?, &modifiers).ok_or_else(|| {
        Error::invalid(format!(
            "the key {name:?} does nothing by itself; give it in modifiers, and the key it goes with"
        ))
    })
}

/// The key of a modifier that can be held for the time of another key.
fn held(modifier: Modifier) -> Result<Key> {
    let key = Key::of_modifier(modifier).filter(|key| *key != Key::CapsLock);
    key.ok_or_else(|| Error::invalid("the modifiers of a key are shift, ctrl, alt and meta"))
}
