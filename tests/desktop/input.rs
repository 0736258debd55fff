//! Mouse and keyboard as programs see them: where, with which modifiers, how often.

mod keys;
mod pointer;

use opendesk_std::api::{Button, KeyEvent, Modifier, Point, PointerAction, PointerEvent, Press};
use opendesk_std::desktop::Hands;
use opendesk_std::desktop::x11::X11Desktop;
use opendesk_tests::desktop::{Form, TestDesktop};
use serde_json::Value;

use crate::open;

/// A desktop with a form on it, and the hands of a session.
struct Desk {
    hands: Hands,
    computer: X11Desktop,
    form: Form,
    desktop: TestDesktop,
}

impl Desk {
    fn new() -> Self {
        let mut desktop = TestDesktop::start(1024, 768);
        let form = Form::start(&mut desktop);
        Self { hands: Hands::new(), computer: open(&desktop), form, desktop }
    }

    /// The middle of the form's free place.
    fn canvas(&self) -> Point {
        let Point { x, y } = self.form.place("Canvas").center();
        Point::new(x.floor(), y.floor())
    }

    /// Where the X server has the form's window.
    fn geometry(&self) -> String {
        self.desktop.run("xdotool", &["getwindowgeometry", &self.form.window().to_string()])
    }

    fn pointer(&mut self, action: PointerAction, point: Point, button: Button, modifiers: &[Modifier]) {
        self.hands.pointer(&self.computer, &pointer(action, point, button, modifiers)).expect("the pointer does it");
    }

    fn click(&mut self, point: Point, button: Button, modifiers: &[Modifier]) {
        self.pointer(PointerAction::Down, point, button, modifiers);
        self.pointer(PointerAction::Up, point, button, modifiers);
    }

    fn scroll(&mut self, point: Point, (dx, dy): (f64, f64), modifiers: &[Modifier]) {
        let (action, modifiers) = (PointerAction::Scroll, modifiers.to_vec());
        let event = PointerEvent { action, point, button: None, modifiers, dx, dy };
        self.hands.pointer(&self.computer, &event).expect("the wheel turns");
    }

    fn key(&mut self, action: Press, name: &str, modifiers: &[Modifier]) {
        self.hands.key(&self.computer, &key(action, name, modifiers)).expect("the key does it");
    }

    /// Waits until this many of these events have been seen on the widget, and gives them.
    fn seen(&self, event: &str, widget: &str, count: usize) -> Vec<Value> {
        self.form.wait_until(&format!("{count} {event} on {widget}"), |form| form.seen(event, widget).len() >= count);
        self.form.seen(event, widget)
    }

    /// Nothing is held when a test is over, neither in the ledger nor by the X server.
    fn assert_nothing_is_held(&self) {
        assert!(self.hands.is_empty(), "{:?} {:?}", self.hands.held_keys(), self.hands.held_buttons());
        assert_eq!(self.computer.pressed_keys().expect("the X server answers"), Vec::<u8>::new());
    }
}

fn pointer(action: PointerAction, point: Point, button: Button, modifiers: &[Modifier]) -> PointerEvent {
    let modifiers = modifiers.to_vec();
    PointerEvent { action, point, button: Some(button), modifiers, dx: 0.0, dy: 0.0 }
}

fn key(action: Press, name: &str, modifiers: &[Modifier]) -> KeyEvent {
    KeyEvent { action, keysym: name.to_owned(), modifiers: modifiers.to_vec() }
}

/// The modifiers as the form writes them.
fn names(modifiers: &[Modifier]) -> Vec<&'static str> {
    let all = [(Modifier::Shift, "shift"), (Modifier::Ctrl, "ctrl"), (Modifier::Alt, "alt"), (Modifier::Meta, "meta")];
    all.into_iter().filter(|(modifier, _)| modifiers.contains(modifier)).map(|(_, name)| name).collect()
}
