//! The Controls window: a counter, a check box, two fields, a menu and a dialog.

use super::clipboard::Clipboard;
use super::entry::Entry;
use super::form::Form;
use super::geometry::{Area, Spot};
use super::keyboard::Stroke;
use crate::desktop::Key;

/// What the keyboard can be at, in the order of Tab.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Widget {
    Count,
    Check,
    Name,
    Password,
}

/// What the mouse was pressed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Widget(Widget),
    Menu,
    Ok,
}

/// What the menu offers, from the top.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Item {
    NewNote,
    ResetCounter,
    About,
}

/// What the rest of the desktop has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(super) enum Effect {
    Nothing,
    /// The note is to be emptied and brought to the front.
    NewNote,
}

impl Widget {
    const ALL: [Self; 4] = [Self::Count, Self::Check, Self::Name, Self::Password];

    /// The widget that Tab, or Shift+Tab, goes to from this one.
    fn next(self, backwards: bool) -> Self {
        let steps = if backwards { Self::ALL.len() - 1 } else { 1 };
        let place = Self::ALL.iter().position(|widget| *widget == self).unwrap_or(0);
        Self::ALL[(place + steps) % Self::ALL.len()]
    }

    pub(super) const fn bounds(self, form: &Form) -> Area {
        match self {
            Self::Count => form.count,
            Self::Check => form.check,
            Self::Name => form.name,
            Self::Password => form.password,
        }
    }
}

impl Item {
    pub(super) const ALL: [Self; 3] = [Self::NewNote, Self::ResetCounter, Self::About];

    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::NewNote => "New note",
            Self::ResetCounter => "Reset counter",
            Self::About => "About",
        }
    }
}

/// The state of the window's widgets.
#[derive(Debug)]
pub(super) struct Controls {
    pub(super) counter: u32,
    pub(super) checked: bool,
    pub(super) name: Entry,
    pub(super) password: Entry,
    /// The widget that the keyboard is at.
    pub(super) focus: Widget,
    /// What the mouse holds down, and whether it is still on it.
    grab: Option<Part>,
    on_grab: bool,
    menu_open: bool,
    /// The item of the open menu that is lit.
    lit: Option<usize>,
    pub(super) dialog: bool,
}

impl Controls {
    /// The widgets in a window whose inside has this size for good.
    pub(super) fn new(client: Area) -> Self {
        let form = Form::of(client);
        Self {
            counter: 0,
            checked: false,
            name: Entry::new(form.name.w, false),
            password: Entry::new(form.password.w, true),
            focus: Widget::Count,
            grab: None,
            on_grab: false,
            menu_open: false,
            lit: None,
            dialog: false,
        }
    }

    /// Whether a part is held down by the mouse, and so looks pressed.
    pub(super) fn is_down(&self, part: Part) -> bool {
        self.on_grab && self.grab == Some(part)
    }

    pub(super) const fn menu_open(&self) -> bool {
        self.menu_open
    }

    /// The place of the lit item, while the menu is open.
    pub(super) const fn lit(&self) -> Option<usize> {
        self.lit
    }

    /// Gives the keyboard to a widget.
    pub(super) const fn focus_on(&mut self, widget: Widget) {
        self.close_menu();
        self.focus = widget;
    }

    /// Does what a click on a widget does.
    pub(super) const fn click(&mut self, widget: Widget) {
        self.focus_on(widget);
        self.activate(widget);
    }

    /// Opens the menu, or closes it.
    pub(super) const fn toggle_menu(&mut self) {
        if self.menu_open { self.close_menu() } else { self.open_menu(None) }
    }

    /// Does what an item of the menu says.
    pub(super) const fn pick(&mut self, item: Item) -> Effect {
        self.close_menu();
        match item {
            Item::NewNote => return Effect::NewNote,
            Item::ResetCounter => self.counter = 0,
            Item::About => self.dialog = true,
        }
        Effect::Nothing
    }

    /// Takes a press of the main button within the window.
    pub(super) fn press(&mut self, spot: Spot, client: Area, extend: bool) {
        let form = Form::of(client);
        self.grab = None;
        self.on_grab = true;
        if self.dialog {
            self.grab = form.ok.contains(spot).then_some(Part::Ok);
        } else if self.menu_open {
            self.lit = form.item_at(spot);
            if form.popup.contains(spot) {
                self.grab = Some(Part::Menu);
            } else {
                self.close_menu();
            }
        } else if form.file.contains(spot) {
            self.grab = Some(Part::Menu);
            self.open_menu(None);
        } else if let Some(widget) = Widget::ALL.into_iter().find(|widget| widget.bounds(&form).contains(spot)) {
            self.grab = Some(Part::Widget(widget));
            self.focus = widget;
            self.point(spot, &form, extend);
        }
    }

    /// Follows the mouse, with or without the button held.
    pub(super) fn motion(&mut self, spot: Spot, client: Area) {
        let form = Form::of(client);
        if self.menu_open {
            self.lit = form.item_at(spot);
        }
        match self.grab {
            Some(Part::Widget(widget)) => {
                self.on_grab = widget.bounds(&form).contains(spot);
                if widget == self.focus {
                    self.point(spot, &form, true);
                }
            }
            Some(Part::Ok) => self.on_grab = form.ok.contains(spot),
            Some(Part::Menu) | None => {}
        }
    }

    /// Takes the release of the main button, wherever it happens.
    pub(super) fn release(&mut self, spot: Spot, client: Area) -> Effect {
        let form = Form::of(client);
        match self.grab.take() {
            Some(Part::Widget(widget)) if widget.bounds(&form).contains(spot) => self.activate(widget),
            Some(Part::Ok) if form.ok.contains(spot) => self.dialog = false,
            Some(Part::Menu) if self.menu_open => {
                if let Some(index) = form.item_at(spot) {
                    return self.choose(index);
                }
            }
            _ => {}
        }
        Effect::Nothing
    }

    /// Takes a key while the window has the keyboard.
    pub(super) fn key(&mut self, stroke: Stroke, clipboard: &mut Clipboard) -> Effect {
        let activates = matches!(stroke.key, Key::Enter | Key::Space) && !stroke.is_chord();
        if self.dialog {
            if activates || stroke.key == Key::Escape {
                self.dialog = false;
            }
        } else if self.menu_open {
            return self.menu_key(stroke.key, activates);
        } else if stroke.key == Key::Function(10) || (stroke.key == Key::Char('f') && stroke.alt) {
            self.open_menu(Some(0));
        } else if stroke.key == Key::Tab && !stroke.is_chord() {
            self.focus = self.focus.next(stroke.shift);
        } else {
            match self.focus {
                Widget::Name => self.name.key(stroke, clipboard),
                Widget::Password => self.password.key(stroke, clipboard),
                widget @ (Widget::Count | Widget::Check) if activates => self.activate(widget),
                Widget::Count | Widget::Check => {}
            }
        }
        Effect::Nothing
    }

    /// Closes what does not outlive the keyboard's going elsewhere.
    pub(super) const fn close_menu(&mut self) {
        self.menu_open = false;
        self.lit = None;
    }

    /// Lets go of everything that does not outlive the window.
    pub(super) const fn calm(&mut self) {
        self.close_menu();
        self.dialog = false;
        self.grab = None;
    }

    const fn open_menu(&mut self, lit: Option<usize>) {
        self.menu_open = true;
        self.lit = lit;
    }

    /// Does what a widget is for.
    const fn activate(&mut self, widget: Widget) {
        match widget {
            Widget::Count => self.counter = self.counter.saturating_add(1),
            Widget::Check => self.checked = !self.checked,
            Widget::Name | Widget::Password => {}
        }
    }

    /// Moves the caret of the field that the keyboard is at.
    fn point(&mut self, spot: Spot, form: &Form, extend: bool) {
        match self.focus {
            Widget::Name => self.name.point(spot, form.name, extend),
            Widget::Password => self.password.point(spot, form.password, extend),
            Widget::Count | Widget::Check => {}
        }
    }

    fn menu_key(&mut self, key: Key, activates: bool) -> Effect {
        let count = Item::ALL.len();
        if activates {
            return self.lit.map_or(Effect::Nothing, |index| self.choose(index));
        }
        if key == Key::Down {
            self.lit = Some(self.lit.map_or(0, |index| (index + 1) % count));
        } else if key == Key::Up {
            self.lit = Some(self.lit.map_or(count - 1, |index| (index + count - 1) % count));
        } else if matches!(key, Key::Escape | Key::Function(10)) {
            self.close_menu();
        }
        Effect::Nothing
    }

    /// Does what the item at a place of the menu says.
    fn choose(&mut self, index: usize) -> Effect {
        self.close_menu();
        Item::ALL.get(index).map_or(Effect::Nothing, |item| self.pick(*item))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLIENT: Area = Area::new(40, 60, 400, 240);

    fn middle(area: Area) -> Spot {
        Spot::new(area.x + area.w / 2, area.y + area.h / 2)
    }

    fn click(controls: &mut Controls, area: Area) -> Effect {
        controls.press(middle(area), CLIENT, false);
        controls.release(middle(area), CLIENT)
    }

    fn enter(controls: &mut Controls, key: Key) -> Effect {
        let text = matches!(key, Key::Space).then_some(' ');
        controls.key(Stroke { key, text, ..Stroke::typing('x') }, &mut Clipboard::default())
    }

    fn type_text(controls: &mut Controls, text: &str) {
        for character in text.chars() {
            let effect = controls.key(Stroke::typing(character), &mut Clipboard::default());
            assert_eq!(effect, Effect::Nothing);
        }
    }

    #[test]
    fn a_button_needs_press_and_release_on_it() {
        let (mut controls, form) = (Controls::new(CLIENT), Form::of(CLIENT));
        assert_eq!(click(&mut controls, form.count), Effect::Nothing);
        assert_eq!(controls.counter, 1);

        controls.press(middle(form.count), CLIENT, false);
        assert!(controls.is_down(Part::Widget(Widget::Count)));
        controls.motion(middle(form.check), CLIENT);
        assert!(!controls.is_down(Part::Widget(Widget::Count)));
        assert_eq!(controls.release(middle(form.check), CLIENT), Effect::Nothing);
        assert_eq!((controls.counter, controls.checked), (1, false));
    }

    #[test]
    fn tab_visits_every_widget_and_back() {
        let mut controls = Controls::new(CLIENT);
        type_text(&mut controls, " \t \tAda L\tpw\t\n");
        assert_eq!((controls.counter, controls.checked), (2, true));
        assert_eq!(controls.name.value().as_deref(), Some("Ada L"));
        assert_eq!(controls.password.value(), None);
        let back = Stroke { shift: true, ..Stroke::typing('\t') };
        assert_eq!(controls.key(back, &mut Clipboard::default()), Effect::Nothing);
        assert_eq!(controls.focus, Widget::Password);
    }

    #[test]
    fn the_menu_works_by_clicks_drags_and_keys() {
        let (mut controls, form) = (Controls::new(CLIENT), Form::of(CLIENT));
        assert_eq!(click(&mut controls, form.file), Effect::Nothing);
        assert!(controls.menu_open());
        assert_eq!(click(&mut controls, form.items[0]), Effect::NewNote);
        assert!(!controls.menu_open());

        controls.counter = 7;
        controls.press(middle(form.file), CLIENT, false);
        controls.motion(middle(form.items[1]), CLIENT);
        assert_eq!(controls.lit(), Some(1));
        assert_eq!(controls.release(middle(form.items[1]), CLIENT), Effect::Nothing);
        assert_eq!((controls.counter, controls.menu_open()), (0, false));

        for key in [Key::Function(10), Key::Up, Key::Enter] {
            assert_eq!(enter(&mut controls, key), Effect::Nothing);
        }
        assert!(controls.dialog);
    }

    #[test]
    fn a_click_beside_the_menu_only_closes_it() {
        let (mut controls, form) = (Controls::new(CLIENT), Form::of(CLIENT));
        for beside in [form.check, form.file] {
            assert_eq!(click(&mut controls, form.file), Effect::Nothing);
            assert_eq!(click(&mut controls, beside), Effect::Nothing);
            assert_eq!((controls.menu_open(), controls.checked), (false, false));
        }
    }

    #[test]
    fn the_dialog_blocks_everything_but_its_button() {
        let (mut controls, form) = (Controls::new(CLIENT), Form::of(CLIENT));
        controls.dialog = true;
        for area in [form.count, form.check, form.file] {
            assert_eq!(click(&mut controls, area), Effect::Nothing);
        }
        assert_eq!(enter(&mut controls, Key::Tab), Effect::Nothing);
        assert_eq!((controls.counter, controls.checked, controls.menu_open()), (0, false, false));
        assert!(controls.dialog && controls.focus == Widget::Count);
        assert_eq!(click(&mut controls, form.ok), Effect::Nothing);
        assert!(!controls.dialog);
        controls.dialog = true;
        assert_eq!(enter(&mut controls, Key::Escape), Effect::Nothing);
        assert!(!controls.dialog);
    }
}
