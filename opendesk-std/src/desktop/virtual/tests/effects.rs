//! What actions say that they did.

use super::*;

fn key(desktop: &VirtualDesktop, key: Key) -> Effect {
    let effect = desktop.key(key, Press::Down).unwrap();
    assert_eq!(desktop.key(key, Press::Up).unwrap(), CONFIRMED, "a released key is up");
    effect
}

fn text(desktop: &VirtualDesktop, text: &str) -> Effect {
    desktop.type_text(text, Duration::ZERO, &Cancel::new()).unwrap()
}

#[test]
fn keys_and_text_have_an_effect_where_something_takes_them() {
    let desktop = VirtualDesktop::default();
    assert_eq!((text(&desktop, "ab\n"), key(&desktop, Key::Char('c'))), (CONFIRMED, CONFIRMED));
    assert_eq!((key(&desktop, Key::Left), key(&desktop, Key::PageUp)), (CONFIRMED, CONFIRMED));
    assert_eq!(key(&desktop, Key::Up), NO_EFFECT, "the first line");
    for unused in [Key::Function(12), Key::Escape, Key::PrintScreen, Key::NumLock, Key::Menu, Key::Pause] {
        assert_eq!(key(&desktop, unused), NO_EFFECT, "{unused:?}");
    }
    for modifier in [Key::Shift, Key::Control, Key::Alt, Key::Meta, Key::CapsLock] {
        assert_eq!(key(&desktop, modifier), CONFIRMED, "{modifier:?} was held");
    }
    assert_eq!(text(&desktop, ""), NO_EFFECT);

    click(&desktop, "entry", "Name");
    assert_eq!((text(&desktop, "Ada\t"), key(&desktop, Key::Tab)), (CONFIRMED, CONFIRMED));
    assert_eq!(text(&desktop, "xyz"), NO_EFFECT, "a button takes no letters");
    assert_eq!(text(&desktop, "x "), Effect::Unverifiable, "but it takes a space");
    assert_eq!((key(&desktop, Key::Space), desktop.counter()), (CONFIRMED, 2));

    click_at(&desktop, Point::new(3.0, 3.0));
    let before = (pixels(&desktop), tree(&desktop));
    assert_eq!((text(&desktop, "lost"), key(&desktop, Key::Enter)), (NO_EFFECT, NO_EFFECT));
    assert!((pixels(&desktop), tree(&desktop)) == before);
}

#[test]
fn a_key_that_is_down_already_does_nothing() {
    let desktop = VirtualDesktop::default();
    assert_eq!(desktop.key(Key::Char('a'), Press::Down).unwrap(), CONFIRMED);
    assert_eq!(desktop.key(Key::Char('a'), Press::Down).unwrap(), NO_EFFECT);
    assert_eq!(desktop.key(Key::Shift, Press::Down).unwrap(), CONFIRMED);
    assert_eq!(desktop.key(Key::Shift, Press::Down).unwrap(), CONFIRMED, "it is held");
    assert_eq!(desktop.editor_text(), "a");
}

#[test]
fn chords_of_the_desktop_say_whether_there_was_a_window() {
    let desktop = VirtualDesktop::default();
    desktop.key(Key::Alt, Press::Down).unwrap();
    for expected in [CONFIRMED, CONFIRMED, NO_EFFECT] {
        assert_eq!(key(&desktop, Key::Function(4)), expected);
    }
    assert_eq!((key(&desktop, Key::Tab), key(&desktop, Key::Function(9))), (NO_EFFECT, NO_EFFECT));
}

#[test]
fn the_mouse_is_confirmed_and_the_wheel_where_it_scrolls() {
    let desktop = VirtualDesktop::default();
    let note = middle(&desktop, "text", "Note");
    for _ in 0..2 {
        assert_eq!(desktop.move_pointer(note).unwrap(), CONFIRMED);
    }
    for press in [Press::Down, Press::Down, Press::Up, Press::Up] {
        assert_eq!(desktop.button(Button::Middle, press).unwrap(), CONFIRMED);
    }
    assert_eq!(desktop.scroll(0.0, 3.0).unwrap(), NO_EFFECT, "all of it is shown");
    text(&desktop, &"line\n".repeat(60));
    assert_eq!(desktop.scroll(0.0, -1.0).unwrap(), NO_EFFECT, "this is the end");
    assert_eq!(desktop.scroll(0.0, 1.0).unwrap(), CONFIRMED);
    assert_eq!(desktop.scroll(4.0, 0.0).unwrap(), NO_EFFECT, "nothing is wider than the window");
    desktop.move_pointer(middle(&desktop, "push button", "Count")).unwrap();
    assert_eq!(desktop.scroll(0.0, 1.0).unwrap(), NO_EFFECT);
    desktop.move_pointer(Point::new(2.0, 2.0)).unwrap();
    assert_eq!(desktop.scroll(0.0, 1.0).unwrap(), NO_EFFECT);
}

#[test]
fn what_is_so_already_is_confirmed() {
    let desktop = VirtualDesktop::default();
    let bounds = desktop.windows().unwrap()[0].bounds.unwrap();
    for _ in 0..2 {
        assert_eq!(desktop.focus_window("virtual-1").unwrap(), CONFIRMED);
        assert_eq!(desktop.move_window("virtual-1", bounds).unwrap(), CONFIRMED);
        assert_eq!(desktop.open_app("Notes", &Cancel::new()).unwrap(), CONFIRMED);
        assert_eq!(desktop.focus_app("notes").unwrap(), CONFIRMED);
    }
    assert_eq!(desktop.close_window("virtual-1", true, &Cancel::new()).unwrap(), CONFIRMED);
    assert_eq!(desktop.close_app("Controls", &Cancel::new()).unwrap(), CONFIRMED);
    assert!(desktop.windows().unwrap().is_empty());
}
