//! Clicks, drags and the wheel, with and without keys that are held.

use super::*;
use crate::desktop::r#virtual::text::BODY;

/// From the edges of the note's element to its text, and the height of a line, in pixels.
const PADDING: f64 = 10.0;
const ROW: f64 = 22.0;

/// The left half of a character of a line of the note.
fn character(desktop: &VirtualDesktop, column: u32, line: u32) -> Point {
    let text = find(desktop, "text", "Note").bounds.unwrap();
    let (x, y) = ((f64::from(column) + 0.3) * f64::from(BODY.cell()), (f64::from(line) + 0.5) * ROW);
    Point::new(text.x + PADDING + x, text.y + PADDING + y)
}

/// Copies what is selected in the window that has the keyboard.
fn copied(desktop: &VirtualDesktop) -> String {
    desktop.clipboard_write(&ClipboardContents::default()).unwrap();
    chord(desktop, &[Key::Control, Key::Char('c')]);
    let entry = desktop.clipboard_read().unwrap().entries.pop();
    entry.map(|entry| String::from_utf8(entry.data).unwrap()).unwrap_or_default()
}

fn bounds(desktop: &VirtualDesktop, window: &str) -> Rect {
    find(desktop, "window", window).bounds.unwrap()
}

#[test]
fn several_clicks_on_one_spot_select_words_and_lines() {
    let desktop = VirtualDesktop::default();
    type_text(&desktop, "one two three\nfour");
    let spot = character(&desktop, 5, 0);
    for (clicks, selected) in [(1, ""), (2, "two"), (3, "one two three"), (4, "")] {
        (0..clicks).for_each(|_| click_at(&desktop, spot));
        assert_eq!(copied(&desktop), selected, "{clicks} clicks");
    }
    click_at(&desktop, spot);
    chord(&desktop, &[Key::Left]);
    click_at(&desktop, spot);
    assert_eq!(copied(&desktop), "", "a key in between");
    click_at(&desktop, spot);
    click_at(&desktop, character(&desktop, 9, 0));
    click_at(&desktop, spot);
    assert_eq!(copied(&desktop), "", "a click elsewhere in between");
    click_at(&desktop, spot);
    click_with(&desktop, Button::Middle, spot);
    click_at(&desktop, spot);
    assert_eq!(copied(&desktop), "", "another button in between");
    type_text(&desktop, "!");
    assert_eq!(desktop.editor_text(), "one t!wo three\nfour");
}

#[test]
fn a_word_of_a_field_is_selected_and_all_of_a_password() {
    let desktop = VirtualDesktop::default();
    click(&desktop, "entry", "Name");
    type_text(&desktop, "Ada Lovelace\tnot for you");
    for (role, name) in [("entry", "Name"), ("password text", "Password")] {
        let field = find(&desktop, role, name).bounds.unwrap();
        let spot = Point::new(field.x + 12.0, field.center().y);
        click_at(&desktop, spot);
        click_at(&desktop, spot);
        type_text(&desktop, "x");
    }
    assert_eq!(find(&desktop, "entry", "Name").value.as_deref(), Some("x Lovelace"));
    let password = find(&desktop, "password text", "Password").bounds;
    let replaced = capture(&desktop, password, false);
    let other = VirtualDesktop::default();
    click(&other, "password text", "Password");
    type_text(&other, "x");
    assert!(replaced.pixels == capture(&other, password, false).pixels, "one character is left");
}

#[test]
fn shift_extends_the_selection_and_dragging_makes_one() {
    let desktop = VirtualDesktop::default();
    type_text(&desktop, "one two three\nfour");
    click_at(&desktop, character(&desktop, 4, 0));
    desktop.key(Key::Shift, Press::Down).unwrap();
    click_at(&desktop, character(&desktop, 2, 1));
    click_at(&desktop, character(&desktop, 2, 1));
    desktop.key(Key::Shift, Press::Up).unwrap();
    assert_eq!(copied(&desktop), "two three\nfo", "and a second click with it selects no word");

    button(&desktop, character(&desktop, 3, 1), Press::Down);
    desktop.move_pointer(character(&desktop, 1, 1)).unwrap();
    button(&desktop, character(&desktop, 8, 0), Press::Up);
    desktop.move_pointer(character(&desktop, 0, 0)).unwrap();
    assert_eq!(copied(&desktop), "three\nfou");
}

#[test]
fn alt_and_meta_drag_a_window_from_anywhere() {
    for modifier in [Key::Alt, Key::Meta] {
        let desktop = VirtualDesktop::default();
        let (before, count) = (bounds(&desktop, "Controls"), middle(&desktop, "push button", "Count"));
        desktop.key(modifier, Press::Down).unwrap();
        button(&desktop, count, Press::Down);
        button(&desktop, Point::new(count.x - 30.0, count.y + 50.0), Press::Up);
        desktop.key(modifier, Press::Up).unwrap();
        assert_eq!(bounds(&desktop, "Controls"), Rect { x: before.x - 30.0, y: before.y + 50.0, ..before });
        assert_eq!(desktop.counter(), 0, "the button was not clicked");
    }
}

#[test]
fn the_thumb_buttons_turn_pages() {
    let desktop = VirtualDesktop::default();
    type_text(&desktop, "first");
    let note = middle(&desktop, "text", "Note");
    click_with(&desktop, Button::X1, note);
    assert_eq!(desktop.editor_text(), "first", "there is no page before the first");
    let before = pixels(&desktop);
    click_with(&desktop, Button::X2, note);
    assert_eq!((desktop.editor_text().as_str(), find(&desktop, "text", "Note").value.as_deref()), ("", Some("")));
    assert!(pixels(&desktop) != before);
    type_text(&desktop, "second");
    chord(&desktop, &[Key::Alt, Key::Left]);
    assert_eq!(desktop.editor_text(), "first");
    click_with(&desktop, Button::X2, middle(&desktop, "push button", "Count"));
    assert_eq!(desktop.editor_text(), "first", "elsewhere they only bring the window forward");
    assert!(find(&desktop, "window", "Controls").focused);
    click_with(&desktop, Button::X2, note);
    assert_eq!(desktop.editor_text(), "second");
}

#[test]
fn the_wheel_turned_sideways_scrolls_a_narrow_field() {
    let desktop = VirtualDesktop::default();
    click(&desktop, "entry", "Name");
    type_text(&desktop, &"a long name ".repeat(10));
    let end = pixels(&desktop);
    assert_eq!(desktop.scroll(1.0, 0.0).unwrap(), NO_EFFECT, "this is the end");
    assert_eq!(desktop.scroll(-2.0, 0.0).unwrap(), CONFIRMED);
    assert!(pixels(&desktop) != end);
    desktop.key(Key::Shift, Press::Down).unwrap();
    assert_eq!(desktop.scroll(0.0, -2.0).unwrap(), CONFIRMED, "down is right with Shift");
    assert!(pixels(&desktop) == end);
}
