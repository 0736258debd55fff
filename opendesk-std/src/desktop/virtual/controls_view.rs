//! What the Controls window looks like, to the eye and to the accessibility tree.

use super::controls::{Controls, Item, Part, Widget};
use super::form::{CHECK, Form, MENU};
use super::geometry::Area;
use super::handle::Handle;
use super::paint::{Canvas, Corners};
use super::text::{Align, BODY, BOLD, SMALL};
use super::theme::{
    ACCENT, BLACK, BUTTON, BUTTON_DOWN, DIM_TEXT, FACE, LINE, ON_ACCENT, PAPER, TEXT, TITLE_IDLE, TROUGH,
};
use super::tree::{element, states};
use crate::api::UiElement;

/// Edge of the check box.
const BOX: i32 = 20;
/// What the dialog says, from the top.
const ABOUT: [&str; 3] = ["About", "opendesk virtual desktop", "A small desktop inside this process."];
/// The dialog's button.
const OK: &str = "OK";

impl Controls {
    pub(super) fn paint(&self, canvas: &mut Canvas, client: Area, active: bool) {
        let form = Form::of(client);
        let focus = (active && !self.dialog && !self.menu_open()).then_some(self.focus);
        canvas.fill(client, FACE);
        let down = self.is_down(Part::Widget(Widget::Count));
        paint_button(canvas, form.count, "Count", down, focus == Some(Widget::Count));
        canvas.text(form.counter, Align::Left, &format!("Counter: {}", self.counter), BOLD, TEXT);
        self.paint_check(canvas, form.check, focus == Some(Widget::Check));
        for (label, field, entry, widget) in [
            ("Name", form.name, &self.name, Widget::Name),
            ("Password", form.password, &self.password, Widget::Password),
        ] {
            canvas.text(Form::label_of(field), Align::Left, label, BODY, TEXT);
            entry.paint(canvas, field, focus == Some(widget));
        }
        self.paint_menu(canvas, &form);
        if self.dialog {
            self.paint_dialog(canvas, client, &form);
        }
    }

    fn paint_check(&self, canvas: &mut Canvas, bounds: Area, focused: bool) {
        let square = Area::new(bounds.x, bounds.y + (bounds.h - BOX) / 2, BOX, BOX);
        let down = self.is_down(Part::Widget(Widget::Check));
        let edge = if focused || self.checked { ACCENT } else { LINE };
        canvas.round(square, 4, Corners::All, edge);
        let face = match (self.checked, down) {
            (true, _) => ACCENT,
            (false, true) => BUTTON_DOWN,
            (false, false) => PAPER,
        };
        canvas.round(square.grown(if focused { -2 } else { -1 }), 3, Corners::All, face);
        if self.checked {
            // A tick of two strokes, three pixels thick: down to the right, then up.
            for step in 0..11 {
                let rise = if step < 4 { step } else { 7 - step };
                canvas.fill(Area::new(square.x + 5 + step, square.y + 9 + rise, 1, 3), ON_ACCENT);
            }
        }
        let label = Area::new(bounds.x + 32, bounds.y, bounds.w - 32, bounds.h);
        canvas.text(label, Align::Left, CHECK, BODY, TEXT);
        if focused {
            canvas.fill(Area::new(label.x, label.bottom() - 1, BODY.width(CHECK).min(label.w), 1), ACCENT);
        }
    }

    fn paint_menu(&self, canvas: &mut Canvas, form: &Form) {
        canvas.fill(form.menu_bar, TROUGH);
        canvas.fill(Area::new(form.menu_bar.x, form.menu_bar.bottom() - 1, form.menu_bar.w, 1), LINE);
        if !self.menu_open() {
            canvas.text(form.file, Align::Center, MENU, BODY, TEXT);
            return;
        }
        canvas.round(form.file, 4, Corners::All, ACCENT);
        canvas.text(form.file, Align::Center, MENU, BODY, ON_ACCENT);
        canvas.shadow(form.popup, 6, 50);
        canvas.fill(form.popup, PAPER);
        canvas.outline(form.popup, LINE);
        for (index, (item, bounds)) in Item::ALL.into_iter().zip(form.items).enumerate() {
            let lit = self.lit() == Some(index);
            if lit {
                canvas.round(bounds, 4, Corners::All, ACCENT);
            }
            let words = Area::new(bounds.x + 10, bounds.y, bounds.w - 20, bounds.h);
            canvas.text(words, Align::Left, item.label(), BODY, if lit { ON_ACCENT } else { TEXT });
        }
    }

    fn paint_dialog(&self, canvas: &mut Canvas, client: Area, form: &Form) {
        let [title, headline, line] = ABOUT;
        let dialog = form.dialog;
        canvas.tint(client, BLACK, 70);
        canvas.shadow(dialog, 10, 70);
        canvas.round(dialog, 6, Corners::All, LINE);
        canvas.round(dialog.grown(-1), 5, Corners::All, PAPER);
        canvas.round(Area::new(dialog.x + 1, dialog.y + 1, dialog.w - 2, 29), 5, Corners::Top, TITLE_IDLE);
        let row = |y: i32, height: i32| Area::new(dialog.x + 12, dialog.y + y, dialog.w - 24, height);
        canvas.text(row(1, 29), Align::Center, title, BOLD, TEXT);
        canvas.text(row(38, 22), Align::Center, headline, BODY, TEXT);
        canvas.text(row(62, 18), Align::Center, line, SMALL, DIM_TEXT);
        paint_button(canvas, form.ok, OK, self.is_down(Part::Ok), true);
    }

    /// The window's part of the accessibility tree.
    pub(super) fn elements(&self, client: Area, active: bool) -> Vec<UiElement> {
        let form = Form::of(client);
        let focus = (active && !self.dialog && !self.menu_open()).then_some(self.focus);
        let widget = |role: &str, name: &str, bounds: Area, widget: Widget| {
            let mut element = element(Handle::Widget(widget), role, name, bounds);
            element.focused = focus == Some(widget);
            element
        };
        let mut counter = element(Handle::Counter, "label", "Counter", form.counter);
        counter.value = Some(self.counter.to_string());
        let mut check = widget("check box", CHECK, form.check, Widget::Check);
        check.value = Some(if self.checked { "checked" } else { "unchecked" }.to_owned());
        check.states = states(&[("checked", self.checked)]);
        let mut name = widget("entry", "Name", form.name, Widget::Name);
        name.value = self.name.value();
        name.states = states(&[("editable", true)]);
        let mut password = widget("password text", "Password", form.password, Widget::Password);
        password.value = self.password.value();
        password.states = states(&[("editable", true), ("protected", true)]);
        let count = widget("push button", "Count", form.count, Widget::Count);
        let mut elements = vec![self.menu_bar(&form, active), count, counter, check, name, password];
        if self.dialog {
            elements.iter_mut().for_each(disable);
            elements.push(about(&form, active));
        }
        elements
    }

    /// The menu bar; the menu has its items only while they can be seen.
    fn menu_bar(&self, form: &Form, active: bool) -> UiElement {
        let mut menu = element(Handle::Menu, "menu", MENU, form.file);
        menu.states = states(&[("expanded", self.menu_open())]);
        if self.menu_open() {
            for (index, (item, bounds)) in Item::ALL.into_iter().zip(form.items).enumerate() {
                let mut element = element(Handle::Item(item), "menu item", item.label(), bounds);
                element.focused = active && self.lit() == Some(index);
                element.states = states(&[("selected", self.lit() == Some(index))]);
                menu.children.push(element);
            }
        }
        let mut bar = element(Handle::MenuBar, "menu bar", "Menu bar", form.menu_bar);
        bar.children.push(menu);
        bar
    }
}

/// The open dialog.
fn about(form: &Form, active: bool) -> UiElement {
    let [title, headline, line] = ABOUT;
    let mut ok = element(Handle::Ok, "push button", OK, form.ok);
    ok.focused = active;
    let dialog = form.dialog;
    let row = |y: i32, height: i32| Area::new(dialog.x + 12, dialog.y + y, dialog.w - 24, height);
    let mut about = element(Handle::Dialog, "dialog", title, dialog);
    about.states = states(&[("modal", true)]);
    about.children = vec![
        element(Handle::Headline, "label", headline, row(38, 22)),
        element(Handle::Line, "label", line, row(62, 18)),
        ok,
    ];
    about
}

/// Marks an element and all it contains as not to be used.
fn disable(element: &mut UiElement) {
    element.enabled = false;
    element.actions.clear();
    element.children.iter_mut().for_each(disable);
}

/// Draws a push button; a pressed one is darker and its label a pixel lower.
pub(super) fn paint_button(canvas: &mut Canvas, bounds: Area, label: &str, down: bool, focused: bool) {
    canvas.round(bounds, 6, Corners::All, if focused { ACCENT } else { LINE });
    let face = if down { BUTTON_DOWN } else { BUTTON };
    canvas.round(bounds.grown(if focused { -2 } else { -1 }), 5, Corners::All, face);
    let shift = i32::from(down);
    canvas.text(bounds.moved(shift, shift), Align::Center, label, BODY, TEXT);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desktop::r#virtual::clicks::Hit;
    use crate::desktop::r#virtual::geometry::Spot;

    const CLIENT: Area = Area::new(0, 0, 400, 240);

    fn pixels(controls: &Controls, active: bool) -> Vec<u8> {
        let mut canvas = Canvas::new(CLIENT.w, CLIENT.h);
        controls.paint(&mut canvas, CLIENT, active);
        canvas.into_pixels()
    }

    #[test]
    fn every_state_looks_different() {
        let states: [fn(&mut Controls); 7] = [
            |_| {},
            |controls| controls.counter = 1,
            |controls| controls.checked = true,
            |controls| controls.focus = Widget::Password,
            |controls| controls.dialog = true,
            |controls| controls.press(Hit::on(Spot::new(30, 60)), CLIENT),
            |controls| controls.press(Hit::on(Spot::new(10, 10)), CLIENT),
        ];
        let pictures: Vec<Vec<u8>> = states
            .iter()
            .map(|change| {
                let mut controls = Controls::new(CLIENT);
                change(&mut controls);
                pixels(&controls, true)
            })
            .collect();
        for (index, picture) in pictures.iter().enumerate() {
            assert!(pictures[index + 1..].iter().all(|other| other != picture), "state {index}");
        }
        assert!(pixels(&Controls::new(CLIENT), false) != pictures[0]);
    }

    #[test]
    fn an_open_dialog_disables_the_rest() {
        let mut controls = Controls::new(CLIENT);
        assert!(controls.elements(CLIENT, true).iter().all(|element| element.enabled));
        controls.dialog = true;
        let elements = controls.elements(CLIENT, true);
        let (dialog, rest) = elements.split_last().unwrap();
        assert!(rest.iter().all(|element| !element.enabled && !element.focused && element.actions.is_empty()));
        assert!(dialog.enabled && dialog.children[2].focused);
    }
}
