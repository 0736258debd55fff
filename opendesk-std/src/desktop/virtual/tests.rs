//! The desktop as its users meet it: through [`Computer`] alone.

use core::time::Duration;
use std::thread;

use super::{VirtualDesktop, VirtualDisplay};
use crate::api::{
    Button, ClipboardContents, ClipboardEntry, Effect, Error, ErrorCode, Point, Press, Rect, ScreenState, TreeParams,
    UiElement, UiNode, UiTree,
};
use crate::cancel::Cancel;
use crate::desktop::{CaptureArea, Computer, Frame, Key};

mod actions;
mod effects;
mod mouse;
mod pictures;
mod sessions;
mod windows;

const CONFIRMED: Effect = Effect::Confirmed;
const NO_EFFECT: Effect = Effect::NoEffect;

/// Something to do to a desktop, and what it is called.
type Named = (&'static str, fn(&VirtualDesktop));

fn tree(desktop: &VirtualDesktop) -> UiElement {
    nested(&desktop.ui_tree(&TreeParams::default(), &Cancel::new()).unwrap().nodes)
}

/// The first element of a list with all below it.
fn nested(nodes: &[UiNode]) -> UiElement {
    let (node, rest) = nodes.split_first().unwrap();
    let below = rest.iter().take_while(|other| other.depth > node.depth).count();
    let child = |index: usize| (rest[index].depth == node.depth + 1).then(|| nested(&rest[index..below]));
    UiElement {
        role: node.role.clone(),
        name: node.name.clone(),
        value: node.value.clone(),
        bounds: node.bounds,
        focused: node.focused,
        enabled: node.enabled,
        states: node.states.clone(),
        actions: node.actions.clone(),
        reference: node.reference.clone(),
        children: (0..below).filter_map(child).collect(),
    }
}

fn search<'a>(element: &'a UiElement, role: &str, name: &str) -> Option<&'a UiElement> {
    if element.role == role && element.name == name {
        return Some(element);
    }
    element.children.iter().find_map(|child| search(child, role, name))
}

fn find(desktop: &VirtualDesktop, role: &str, name: &str) -> UiElement {
    let tree = tree(desktop);
    search(&tree, role, name).cloned().unwrap_or_else(|| panic!("no {role} {name:?} in {tree:#?}"))
}

fn is_there(desktop: &VirtualDesktop, role: &str, name: &str) -> bool {
    search(&tree(desktop), role, name).is_some()
}

fn button(desktop: &VirtualDesktop, at: Point, press: Press) {
    desktop.move_pointer(at).unwrap();
    desktop.button(Button::Left, press).unwrap();
}

fn click_at(desktop: &VirtualDesktop, at: Point) {
    button(desktop, at, Press::Down);
    button(desktop, at, Press::Up);
}

fn click(desktop: &VirtualDesktop, role: &str, name: &str) {
    click_at(desktop, find(desktop, role, name).bounds.unwrap().center());
}

/// The button that closes a window.
fn close(desktop: &VirtualDesktop, window: &str) {
    let window = find(desktop, "window", window);
    click_at(desktop, search(&window, "push button", "Close").unwrap().bounds.unwrap().center());
}

/// Clicks with another button than the main one.
fn click_with(desktop: &VirtualDesktop, other: Button, at: Point) {
    desktop.move_pointer(at).unwrap();
    for press in [Press::Down, Press::Up] {
        assert_eq!(desktop.button(other, press).unwrap(), CONFIRMED);
    }
}

/// The middle of an element.
fn middle(desktop: &VirtualDesktop, role: &str, name: &str) -> Point {
    find(desktop, role, name).bounds.unwrap().center()
}

/// Presses the keys in turn and releases them in reverse.
fn chord(desktop: &VirtualDesktop, keys: &[Key]) {
    for key in keys {
        desktop.key(*key, Press::Down).unwrap();
    }
    for key in keys.iter().rev() {
        desktop.key(*key, Press::Up).unwrap();
    }
}

fn type_text(desktop: &VirtualDesktop, text: &str) {
    desktop.type_text(text, Duration::ZERO, &Cancel::new()).unwrap();
}

fn capture(desktop: &VirtualDesktop, region: Option<Rect>, cursor: bool) -> Frame {
    desktop.capture(&CaptureArea { region, cursor, ..CaptureArea::default() }).unwrap()
}

fn pixels(desktop: &VirtualDesktop) -> Vec<u8> {
    capture(desktop, None, false).pixels
}

fn code<T>(outcome: Result<T, Error>) -> ErrorCode {
    outcome.err().unwrap().code
}

#[test]
fn the_default_desktop_shows_both_windows() {
    let desktop = VirtualDesktop::default();
    let displays = desktop.displays().unwrap();
    let display = &displays[0];
    assert_eq!((displays.len(), display.id.as_str(), display.scale_factor, display.primary), (1, "1", 1.0, true));
    assert_eq!(display.bounds, Rect::new(0.0, 0.0, 1280.0, 800.0));
    let frame = capture(&desktop, None, false);
    assert_eq!((frame.width, frame.height, frame.area), (1280, 800, display.bounds));
    assert_eq!(frame.pixels.len(), 1280 * 800 * 4);
    let tree = tree(&desktop);
    let roles: Vec<&str> = tree.children.iter().map(|child| child.role.as_str()).collect();
    assert_eq!((tree.role.as_str(), roles), ("desktop", vec!["window", "window", "panel"]));
    assert!(search(&tree, "window", "Notes").unwrap().focused);
    assert!(search(&tree, "text", "Note").unwrap().focused);
}

#[test]
fn sizes_stay_within_their_limits() {
    for (asked, given) in [((1, 1), (320, 240)), ((640, 100), (640, 240)), ((800, 600), (800, 600))] {
        let desktop = VirtualDesktop::new(asked.0, asked.1);
        let frame = capture(&desktop, None, true);
        assert_eq!((frame.width, frame.height), given);
        click(&desktop, "push button", "Controls");
        click(&desktop, "push button", "Count");
        assert_eq!(desktop.counter(), 1, "{given:?}");
    }
}

#[test]
fn clicking_count_changes_counter_pixels_and_tree() {
    let desktop = VirtualDesktop::default();
    let before = pixels(&desktop);
    click(&desktop, "push button", "Count");
    assert_eq!(desktop.counter(), 1);
    assert!(pixels(&desktop) != before);
    assert_eq!(find(&desktop, "label", "Counter").value.as_deref(), Some("1"));

    // Released elsewhere, it is no click; nor is one of another button.
    let count = find(&desktop, "push button", "Count").bounds.unwrap().center();
    button(&desktop, count, Press::Down);
    button(&desktop, Point::new(5.0, 5.0), Press::Up);
    desktop.move_pointer(count).unwrap();
    desktop.button(Button::Right, Press::Down).unwrap();
    desktop.button(Button::Right, Press::Up).unwrap();
    assert_eq!(desktop.counter(), 1);
}

#[test]
fn typed_text_of_any_script_arrives_exactly() {
    let desktop = VirtualDesktop::default();
    let before = pixels(&desktop);
    let text = "Grüße, Привет 世界 🚀\n\tλ {|}~ \"quoted\" e\u{301}\n";
    type_text(&desktop, text);
    assert_eq!(desktop.editor_text(), text);
    assert_eq!(find(&desktop, "text", "Note").value.as_deref(), Some(text));
    assert!(pixels(&desktop) != before);
    type_text(&desktop, "a\r\nb\rc");
    assert!(desktop.editor_text().ends_with("a\nb\nc"));
    assert_eq!(code(desktop.type_text("x\u{1b}", Duration::ZERO, &Cancel::new())), ErrorCode::InvalidArgument);
    assert!(!desktop.editor_text().ends_with('x'));
}

#[test]
fn keys_type_and_chords_command() {
    let desktop = VirtualDesktop::default();
    chord(&desktop, &[Key::Shift, Key::Char('h')]);
    chord(&desktop, &[Key::Char('i')]);
    chord(&desktop, &[Key::Shift, Key::Char('1')]);
    chord(&desktop, &[Key::CapsLock]);
    chord(&desktop, &[Key::Char('a')]);
    chord(&desktop, &[Key::CapsLock]);
    chord(&desktop, &[Key::Enter]);
    assert_eq!(desktop.editor_text(), "Hi!A\n");
    chord(&desktop, &[Key::Backspace]);
    chord(&desktop, &[Key::Shift, Key::Left]);
    chord(&desktop, &[Key::Control, Key::Char('x')]);
    assert_eq!(desktop.editor_text(), "Hi!");
    chord(&desktop, &[Key::Control, Key::Char('v')]);
    chord(&desktop, &[Key::Control, Key::Char('v')]);
    assert_eq!(desktop.editor_text(), "Hi!AA");
    chord(&desktop, &[Key::Control, Key::Char('z')]);
    assert_eq!(desktop.editor_text(), "Hi!A");
    chord(&desktop, &[Key::Control, Key::Char('a')]);
    chord(&desktop, &[Key::Delete]);
    assert_eq!(desktop.editor_text(), "");
    chord(&desktop, &[Key::PrintScreen, Key::Function(12), Key::Escape, Key::NumLock, Key::Menu, Key::Pause]);
    assert_eq!(desktop.editor_text(), "");
    assert_eq!(code(desktop.key(Key::Char('世'), Press::Down)), ErrorCode::InvalidArgument);
}

#[test]
fn the_menu_opens_and_its_items_work() {
    let desktop = VirtualDesktop::default();
    type_text(&desktop, "old note");
    click(&desktop, "push button", "Count");
    assert!(!is_there(&desktop, "menu item", "Reset counter"));
    click(&desktop, "menu", "File");
    click(&desktop, "menu item", "Reset counter");
    assert_eq!(desktop.counter(), 0);
    assert!(!is_there(&desktop, "menu item", "Reset counter"));

    click(&desktop, "menu", "File");
    click(&desktop, "menu item", "About");
    let dialog = find(&desktop, "dialog", "About");
    assert!(dialog.enabled && !find(&desktop, "push button", "Count").enabled);
    click(&desktop, "push button", "OK");
    assert!(!is_there(&desktop, "dialog", "About"));

    click(&desktop, "menu", "File");
    click(&desktop, "menu item", "New note");
    assert_eq!(desktop.editor_text(), "");
    assert!(find(&desktop, "window", "Notes").focused);
}

#[test]
fn the_keyboard_goes_where_the_focus_is() {
    let desktop = VirtualDesktop::default();
    click(&desktop, "entry", "Name");
    assert!(find(&desktop, "window", "Controls").focused && !find(&desktop, "window", "Notes").focused);
    type_text(&desktop, "Ada\tsecret");
    assert_eq!(find(&desktop, "entry", "Name").value.as_deref(), Some("Ada"));
    let password = find(&desktop, "password text", "Password");
    assert!(password.focused && password.value.is_none());
    assert!(!format!("{:?}", tree(&desktop)).contains("secret"));
    assert_eq!(desktop.editor_text(), "");

    chord(&desktop, &[Key::Alt, Key::Tab]);
    type_text(&desktop, "note");
    assert_eq!(desktop.editor_text(), "note");
    click_at(&desktop, Point::new(3.0, 3.0));
    type_text(&desktop, "lost");
    assert_eq!(desktop.editor_text(), "note");
}

#[test]
fn windows_are_dragged_closed_and_opened_again() {
    let desktop = VirtualDesktop::default();
    let before = find(&desktop, "window", "Notes").bounds.unwrap();
    let grip = Point::new(before.x + 150.0, before.y + 10.0);
    button(&desktop, grip, Press::Down);
    button(&desktop, Point::new(grip.x + 60.0, grip.y + 25.0), Press::Up);
    let after = find(&desktop, "window", "Notes").bounds.unwrap();
    assert_eq!(after, Rect::new(before.x + 60.0, before.y + 25.0, before.width, before.height));
    desktop.move_pointer(Point::new(700.0, 700.0)).unwrap();
    assert_eq!(find(&desktop, "window", "Notes").bounds, Some(after));

    type_text(&desktop, "kept");
    close(&desktop, "Notes");
    assert!(!is_there(&desktop, "window", "Notes"));
    assert!(find(&desktop, "window", "Controls").focused);
    chord(&desktop, &[Key::Alt, Key::Function(4)]);
    assert!(!is_there(&desktop, "window", "Controls"));
    click(&desktop, "push button", "Notes");
    assert!(find(&desktop, "window", "Notes").focused);
    assert_eq!(find(&desktop, "text", "Note").value.as_deref(), Some("kept"));
}

#[test]
fn a_window_in_front_takes_the_click() {
    let desktop = VirtualDesktop::new(400, 300);
    click(&desktop, "push button", "Notes");
    let count = find(&desktop, "push button", "Count").bounds.unwrap().center();
    click_at(&desktop, count);
    assert_eq!(desktop.counter(), 0);
    chord(&desktop, &[Key::Alt, Key::Tab]);
    click_at(&desktop, count);
    assert_eq!(desktop.counter(), 1);
}

#[test]
fn the_wheel_scrolls_the_editor() {
    let desktop = VirtualDesktop::default();
    type_text(&desktop, &"line\n".repeat(60));
    desktop.move_pointer(find(&desktop, "text", "Note").bounds.unwrap().center()).unwrap();
    let end = pixels(&desktop);
    desktop.scroll(0.0, 2.4).unwrap();
    assert!(pixels(&desktop) != end);
    desktop.scroll(0.0, -2.0).unwrap();
    assert!(pixels(&desktop) == end);
    assert_eq!(desktop.scroll(5.0, 0.2).unwrap(), NO_EFFECT);
    assert!(pixels(&desktop) == end);
    assert_eq!(code(desktop.scroll(0.0, f64::NAN)), ErrorCode::InvalidArgument);
}

#[test]
fn held_keys_and_buttons_are_seen_until_released() {
    let desktop = VirtualDesktop::default();
    desktop.key(Key::Shift, Press::Down).unwrap();
    desktop.key(Key::Char('a'), Press::Down).unwrap();
    desktop.button(Button::Right, Press::Down).unwrap();
    desktop.button(Button::Left, Press::Down).unwrap();
    assert_eq!(desktop.held_keys(), [Key::Char('a'), Key::Shift]);
    assert_eq!(desktop.held_buttons(), [Button::Left, Button::Right]);
    for key in desktop.held_keys() {
        desktop.key(key, Press::Up).unwrap();
    }
    for button in desktop.held_buttons() {
        desktop.button(button, Press::Up).unwrap();
    }
    desktop.key(Key::Control, Press::Up).unwrap();
    assert!(desktop.held_keys().is_empty() && desktop.held_buttons().is_empty());
}

#[test]
fn a_region_is_a_crop_of_the_whole() {
    let desktop = VirtualDesktop::default();
    type_text(&desktop, "some text");
    desktop.move_pointer(Point::new(60.9, 101.0)).unwrap();
    assert_eq!(desktop.cursor_position().unwrap(), Point::new(60.0, 101.0));
    for cursor in [false, true] {
        let whole = capture(&desktop, None, cursor);
        let part = capture(&desktop, Some(Rect::new(50.5, 95.0, 100.0, 33.0)), cursor);
        assert_eq!((part.width, part.height), (101, 33));
        assert_eq!(part.area, Rect::new(50.0, 95.0, 101.0, 33.0));
        let rows = whole.pixels.chunks(1280 * 4).skip(95).take(33);
        let crop: Vec<u8> = rows.flat_map(|row| &row[50 * 4..151 * 4]).copied().collect();
        assert!(crop == part.pixels);
    }
    assert!(capture(&desktop, None, true).pixels != pixels(&desktop));
}

#[test]
fn places_off_the_desktop_are_refused() {
    let desktop = VirtualDesktop::default();
    for (x, y, width, height) in [
        (0.0, 0.0, 0.0, 10.0),
        (-1.0, 0.0, 10.0, 10.0),
        (1270.0, 0.0, 11.0, 10.0),
        (0.0, 800.0, 1.0, 1e-20),
        (0.0, 0.0, f64::NAN, 10.0),
        (0.0, 0.0, f64::INFINITY, 10.0),
    ] {
        let region = Some(Rect::new(x, y, width, height));
        let outcome = desktop.capture(&CaptureArea { region, ..CaptureArea::default() });
        assert_eq!(code(outcome), ErrorCode::InvalidArgument);
    }
    for at in [Point::new(1280.0, 5.0), Point::new(5.0, -0.1), Point::new(f64::NAN, 5.0)] {
        assert_eq!(code(desktop.move_pointer(at)), ErrorCode::InvalidArgument);
    }
    let display =
        |id: &str| desktop.capture(&CaptureArea { display_id: Some(id.to_owned()), ..CaptureArea::default() });
    assert_eq!(code(display("2")), ErrorCode::NotFound);
    assert_eq!(display("1").unwrap().width, 1280);
}

#[test]
fn the_tree_can_be_narrowed_and_cut() {
    let desktop = VirtualDesktop::default();
    let ask = |window: Option<&str>, app: Option<&str>, max_depth: u32, max_nodes: u32| {
        let (window_id, app) = (window.map(str::to_owned), app.map(str::to_owned));
        desktop.ui_tree(&TreeParams { window_id, app, max_depth, max_nodes }, &Cancel::new())
    };
    let names = |tree: &UiTree| {
        let below = tree.nodes.iter().filter(|node| node.depth == 1);
        below.map(|node| node.name.clone()).collect::<Vec<_>>()
    };
    let of_controls = ask(Some("virtual-2"), None, 8, 2000).unwrap();
    assert_eq!((names(&of_controls), of_controls.truncated), (vec!["Controls".to_owned()], false));
    assert_eq!(names(&ask(None, Some("notes"), 8, 2000).unwrap()), ["Notes"]);
    assert_eq!(code(ask(Some("virtual-9"), None, 8, 2000)), ErrorCode::NotFound);
    assert_eq!(code(ask(Some("virtual-1"), Some("Controls"), 8, 2000)), ErrorCode::NotFound);
    let whole = ask(None, None, u32::MAX, u32::MAX).unwrap();
    assert!(!whole.truncated && whole.nodes.len() > 15);
    for (depth, most) in [(0, 2000), (1, 2000), (2, 2000), (8, 0), (8, 1), (8, 7)] {
        let cut = ask(None, None, depth, most).unwrap();
        let expected = whole.nodes.iter().filter(|node| u32::from(node.depth) <= depth);
        let expected: Vec<UiNode> = expected.take(most.max(1) as usize).cloned().collect();
        assert_eq!((cut.nodes, cut.truncated), (expected, true), "{depth} {most}");
    }
    let all = whole.nodes.len() as u32;
    assert!(!ask(None, None, 4, all).unwrap().truncated && ask(None, None, 4, all - 1).unwrap().truncated);
    let cancel = Cancel::new();
    cancel.cancel();
    assert_eq!(code(desktop.ui_tree(&TreeParams::default(), &cancel)), ErrorCode::Cancelled);
    close(&desktop, "Controls");
    assert_eq!(code(ask(Some("virtual-2"), None, 8, 2000)), ErrorCode::NotFound);
}

#[test]
fn the_clipboard_is_shared_with_the_windows() {
    let desktop = VirtualDesktop::default();
    assert_eq!(desktop.clipboard_read().unwrap(), ClipboardContents::default());
    type_text(&desktop, "größer");
    chord(&desktop, &[Key::Control, Key::Char('a')]);
    chord(&desktop, &[Key::Control, Key::Char('c')]);
    let entry = |mime_type: &str, data: &[u8]| ClipboardEntry { mime_type: mime_type.to_owned(), data: data.to_vec() };
    let copied = entry("text/plain;charset=utf-8", "größer".as_bytes());
    assert_eq!(desktop.clipboard_read().unwrap().entries, [copied]);

    let contents =
        ClipboardContents { entries: vec![entry("image/png", &[137, 80]), entry("text/plain", b"from outside")] };
    desktop.clipboard_write(&contents).unwrap();
    assert_eq!(desktop.clipboard_read().unwrap(), contents);
    chord(&desktop, &[Key::Control, Key::Char('v')]);
    assert_eq!(desktop.editor_text(), "from outside");

    assert_eq!(desktop.clipboard_write(&ClipboardContents::default()).unwrap(), CONFIRMED);
    assert_eq!(desktop.clipboard_read().unwrap().entries, []);
    desktop.key(Key::Control, Press::Down).unwrap();
    assert_eq!(desktop.key(Key::Char('v'), Press::Down).unwrap(), NO_EFFECT, "there is nothing to paste");
    assert_eq!(desktop.editor_text(), "from outside");
}

#[test]
fn the_same_inputs_give_the_same_pixels() {
    let run = |look_often: bool| {
        let desktop = VirtualDesktop::default();
        let look = || {
            if look_often {
                pixels(&desktop);
                tree(&desktop);
            }
        };
        type_text(&desktop, &"words that wrap somewhere ".repeat(80));
        look();
        desktop.scroll(0.0, 3.0).unwrap();
        look();
        chord(&desktop, &[Key::Up]);
        click(&desktop, "push button", "Count");
        look();
        click(&desktop, "menu", "File");
        desktop.key(Key::Shift, Press::Down).unwrap();
        capture(&desktop, None, true).pixels
    };
    assert!(run(false) == run(true));
}

#[test]
fn cancelling_stops_typing_midway() {
    let desktop = VirtualDesktop::default();
    let cancel = Cancel::new();
    let text = "x".repeat(100_000);
    let outcome = thread::scope(|scope| {
        let typist = scope.spawn(|| desktop.type_text(&text, Duration::from_millis(1), &cancel));
        while desktop.editor_text().is_empty() {
            thread::yield_now();
        }
        cancel.cancel();
        typist.join().unwrap()
    });
    assert_eq!(code(outcome), ErrorCode::Cancelled);
    let typed = desktop.editor_text();
    assert!(!typed.is_empty() && typed.len() < text.len());
    assert_eq!(code(desktop.type_text("y", Duration::ZERO, &cancel)), ErrorCode::Cancelled);
    assert_eq!(desktop.editor_text(), typed);
}
