//! The Controls window: a counter, a check box, two fields, a menu and a dialog.

use super::clicks::Hit;
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
    Notify,
    About,
}

/// What came of an event, and what the rest of the desktop has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(super) enum Outcome {
    /// Nothing did.
    Nothing,
    /// It is done.
    Done,
    /// The note is to be emptied and brought to the front.
    NewNote,
    /// A notification is to be shown.
    Notify,
}

impl Outcome {
    /// Whether anything came of it.
    const fn of(done: bool) -> Self {
        if done { Self::Done } else { Self::Nothing }
    }
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
    pub(super) const ALL: [Self; 4] = [Self::NewNote, Self::ResetCounter, Self::Notify, Self::About];

    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::NewNote => "New note",
            Self::ResetCounter => "Reset counter",
            Self::Notify => "Notify",
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
    /// Whether moving the mouse selects text.
    selecting: bool,
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
            selecting: false,
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
    pub(super) const fn click(&mut self, widget: Widget) -> Outcome {
        self.focus_on(widget);
        self.activate(widget)
    }

    /// Opens the menu, or closes it.
    pub(super) const fn toggle_menu(&mut self) {
        if self.menu_open { self.close_menu() } else { self.open_menu(None) }
    }

    /// Does what an item of the menu says.
    pub(super) const fn pick(&mut self, item: Item) -> Outcome {
        self.close_menu();
        match item {
            Item::NewNote => return Outcome::NewNote,
            Item::ResetCounter => self.counter = 0,
            Item::Notify => return Outcome::Notify,
            Item::About => self.dialog = true,
        }
        Outcome::Done
    }

    /// Takes a press of the main button within the window.
    pub(super) fn press(&mut self, hit: Hit, client: Area) {
        let (form, spot) = (Form::of(client), hit.spot);
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
            self.selecting = hit.clicks == 1;
            if let Some((entry, bounds)) = self.field(&form) {
                entry.press(hit, bounds);
            }
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
                let selects = self.selecting && widget == self.focus;
                if selects && let Some((entry, bounds)) = self.field(&form) {
                    entry.point(spot, bounds, true);
                }
            }
            Some(Part::Ok) => self.on_grab = form.ok.contains(spot),
            Some(Part::Menu) | None => {}
        }
    }

    /// Takes the release of the main button, wherever it happens.
    pub(super) fn release(&mut self, spot: Spot, client: Area) -> Outcome {
        let form = Form::of(client);
        match self.grab.take() {
            Some(Part::Widget(widget)) if widget.bounds(&form).contains(spot) => self.activate(widget),
            Some(Part::Ok) if form.ok.contains(spot) => {
                self.dialog = false;
                Outcome::Done
            }
            Some(Part::Menu) if self.menu_open => {
                form.item_at(spot).map_or(Outcome::Nothing, |index| self.choose(index))
            }
            _ => Outcome::Nothing,
        }
    }

    /// Turns the wheel to the right over the window, which scrolls a field; whether it did.
    pub(super) fn wheel(&mut self, spot: Spot, client: Area, right: i64) -> bool {
        let form = Form::of(client);
        if self.dialog || self.menu_open {
            false
        } else if form.name.contains(spot) {
            self.name.wheel(right)
        } else {
            form.password.contains(spot) && self.password.wheel(right)
        }
    }

    /// Takes a key while the window has the keyboard.
    pub(super) fn key(&mut self, stroke: Stroke, clipboard: &mut Clipboard) -> Outcome {
        let activates = matches!(stroke.key, Key::Enter | Key::Space) && !stroke.is_chord();
        if self.dialog {
            let closes = activates || stroke.key == Key::Escape;
            self.dialog = !closes;
            Outcome::of(closes)
        } else if self.menu_open {
            self.menu_key(stroke.key, activates)
        } else if stroke.key == Key::Function(10) || (stroke.key == Key::Char('f') && stroke.alt) {
            self.open_menu(Some(0));
            Outcome::Done
        } else if stroke.key == Key::Tab && !stroke.is_chord() {
            self.focus = self.focus.next(stroke.shift);
            Outcome::Done
        } else {
            match self.focus {
                Widget::Name => Outcome::of(self.name.key(stroke, clipboard)),
                Widget::Password => Outcome::of(self.password.key(stroke, clipboard)),
                widget @ (Widget::Count | Widget::Check) if activates => self.activate(widget),
                Widget::Count | Widget::Check => Outcome::Nothing,
            }
        }
    }

    /// Closes what does not outlive the keyboard's going elsewhere.
    pub(super) const fn close_menu(&mut self) {
        self.menu_open = false;
        self.lit = None;
    }

    /// Lets go of what the mouse holds, and closes the menu.
    pub(super) const fn let_go(&mut self) {
        self.close_menu();
        self.grab = None;
    }

    /// Lets go of everything that does not outlive the window.
    pub(super) const fn calm(&mut self) {
        self.let_go();
        self.dialog = false;
    }

    const fn open_menu(&mut self, lit: Option<usize>) {
        self.menu_open = true;
        self.lit = lit;
    }

    /// Does what a widget is for.
    const fn activate(&mut self, widget: Widget) -> Outcome {
        match widget {
            Widget::Count => self.counter = self.counter.saturating_add(1),
            Widget::Check => self.checked = !self.checked,
            Widget::Name | Widget::Password => {}
        }
        Outcome::Done
    }

    /// The field that the keyboard is at, and where it is.
    fn field(&mut self, form: &Form) -> Option<(&mut Entry, Area)> {
        match self.focus {
            Widget::Name => Some((&mut self.name, form.name)),
            Widget::Password => Some((&mut self.password, form.password)),
            Widget::Count | Widget::Check => None,
        }
    }

    fn menu_key(&mut self, key: Key, activates: bool) -> Outcome {
        let count = Item::ALL.len();
        if activates {
            return self.lit.map_or(Outcome::Nothing, |index| self.choose(index));
        }
        if key == Key::Down {
            self.lit = Some(self.lit.map_or(0, |index| (index + 1) % count));
        } else if key == Key::Up {
            self.lit = Some(self.lit.map_or(count - 1, |index| (index + count - 1) % count));
        } else if matches!(key, Key::Escape | Key::Function(10)) {
            self.close_menu();
        } else {
            return Outcome::Nothing;
        }
        Outcome::Done
    }

    /// Does what the item at a place of the menu says.
    fn choose(&mut self, index: usize) -> Outcome {
        self.close_menu();
        Item::ALL.get(index).map_or(Outcome::Nothing, |item| self.pick(*item))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLIENT: Area = Area::new(40, 60, 400, 240);

    fn middle(area: Area) -> Spot {
        Spot::new(area.x + area.w / 2, area.y + area.h / 2)
    }

    fn click(controls: &mut Controls, area: Area) -> Outcome {
        controls.press(Hit::on(middle(area)), CLIENT);
        controls.release(middle(area), CLIENT)
    }

    fn enter(controls: &mut Controls, key: Key) -> Outcome {
        let text = matches!(key, Key::Space).then_some(' ');
        controls.key(Stroke { key, text, ..Stroke::typing('x') }, &mut Clipboard::default())
    }

    fn type_text(controls: &mut Controls, text: &str) {
        for character in text.chars() {
            let outcome = controls.key(Stroke::typing(character), &mut Clipboard::default());
            assert_eq!(outcome, Outcome::Done);
        }
    }

    #[test]
    fn a_button_needs_press_and_release_on_it() {
        let (mut controls, form) = (Controls::new(CLIENT), Form::of(CLIENT));
        assert_eq!(click(&mut controls, form.count), Outcome::Done);
        assert_eq!(controls.counter, 1);

        controls.press(Hit::on(middle(form.count)), CLIENT);
        assert!(controls.is_down(Part::Widget(Widget::Count)));
        controls.motion(middle(form.check), CLIENT);
        assert!(!controls.is_down(Part::Widget(Widget::Count)));
        assert_eq!(controls.release(middle(form.check), CLIENT), Outcome::Nothing);
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
        assert_eq!(controls.key(back, &mut Clipboard::default()), Outcome::Done);
        assert_eq!(controls.focus, Widget::Password);
    }

    #[test]
    fn the_menu_works_by_clicks_drags_and_keys() {
        let (mut controls, form) = (Controls::new(CLIENT), Form::of(CLIENT));
        assert_eq!(click(&mut controls, form.file), Outcome::Nothing);
        assert!(controls.menu_open());
        assert_eq!(click(&mut controls, form.items[0]), Outcome::NewNote);
        assert!(!controls.menu_open());

        controls.counter = 7;
        controls.press(Hit::on(middle(form.file)), CLIENT);
        controls.motion(middle(form.items[1]), CLIENT);
        assert_eq!(controls.lit(), Some(1));
        assert_eq!(controls.release(middle(form.items[1]), CLIENT), Outcome::Done);
        assert_eq!((controls.counter, controls.menu_open()), (0, false));

        for key in [Key::Function(10), Key::Up, Key::Enter] {
            assert_eq!(enter(&mut controls, key), Outcome::Done);
        }
        assert!(controls.dialog);
        assert_eq!(enter(&mut controls, Key::Enter), Outcome::Done);
        let keys = [Key::Function(10), Key::Home, Key::Down, Key::Down, Key::Enter];
        let (nothing, done) = (Outcome::Nothing, Outcome::Done);
        assert_eq!(keys.map(|key| enter(&mut controls, key)), [done, nothing, done, done, Outcome::Notify]);
    }

    #[test]
    fn a_click_beside_the_menu_only_closes_it() {
        let (mut controls, form) = (Controls::new(CLIENT), Form::of(CLIENT));
        for beside in [form.counter, form.file] {
            assert_eq!(click(&mut controls, form.file), Outcome::Nothing);
            assert_eq!(click(&mut controls, beside), Outcome::Nothing);
            assert_eq!((controls.menu_open(), controls.counter), (false, 0));
        }
    }

    #[test]
    fn the_dialog_blocks_everything_but_its_button() {
        let (mut controls, form) = (Controls::new(CLIENT), Form::of(CLIENT));
        controls.dialog = true;
        for area in [form.count, form.check, form.file] {
            assert_eq!(click(&mut controls, area), Outcome::Nothing);
        }
        assert_eq!(enter(&mut controls, Key::Tab), Outcome::Nothing);
        assert_eq!((controls.counter, controls.checked, controls.menu_open()), (0, false, false));
        assert!(controls.dialog && controls.focus == Widget::Count);
        assert_eq!(click(&mut controls, form.ok), Outcome::Done);
        assert!(!controls.dialog);
        controls.dialog = true;
        assert_eq!(enter(&mut controls, Key::Escape), Outcome::Done);
        assert!(!controls.dialog);
    }

    #[test]
    fn keys_that_mean_nothing_here_do_nothing() {
        let mut controls = Controls::new(CLIENT);
        assert_eq!([Key::Char('x'), Key::Left].map(|key| enter(&mut controls, key)), [Outcome::Nothing; 2]);
        controls.focus_on(Widget::Name);
        assert_eq!([Key::Enter, Key::Left].map(|key| enter(&mut controls, key)), [Outcome::Nothing; 2]);
    }

    #[test]
    fn the_mouse_selects_and_scrolls_in_a_field() {
        let (mut controls, form) = (Controls::new(CLIENT), Form::of(CLIENT));
        controls.focus_on(Widget::Name);
        type_text(&mut controls, &"word ".repeat(20));
        let spot = middle(form.name);
        assert!(!controls.wheel(spot, CLIENT, 1) && controls.wheel(spot, CLIENT, -1));
        assert!(!controls.wheel(middle(form.count), CLIENT, -1) && !controls.wheel(middle(form.password), CLIENT, -1));
        let cut = |controls: &mut Controls| {
            let mut clipboard = Clipboard::default();
            let cut = Stroke { ctrl: true, text: None, ..Stroke::typing('x') };
            assert_eq!(controls.key(cut, &mut clipboard), Outcome::Done);
            clipboard.text()
        };
        controls.press(Hit { clicks: 2, ..Hit::on(spot) }, CLIENT);
        controls.motion(Spot::new(spot.x + 60, spot.y), CLIENT);
        assert!(matches!(cut(&mut controls).as_str(), "word" | " "), "one word or one space");
        controls.press(Hit { clicks: 3, ..Hit::on(spot) }, CLIENT);
        assert!(cut(&mut controls).len() > 90);
    }
}
