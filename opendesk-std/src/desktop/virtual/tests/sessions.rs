//! The lock screen, a screen that is switched off, and notifications.

use super::*;
use crate::api::{ElementTarget, UiActionParams};

fn act(desktop: &VirtualDesktop, action: &str, target: ElementTarget) -> Result<Effect, Error> {
    desktop.ui_action(&UiActionParams { target, action: action.to_owned(), app: None }, &Cancel::new())
}

fn reference(desktop: &VirtualDesktop, role: &str, name: &str) -> ElementTarget {
    ElementTarget { reference: find(desktop, role, name).reference, ..ElementTarget::default() }
}

fn key(name: &str) -> ElementTarget {
    ElementTarget { key: Some(name.to_owned()), ..ElementTarget::default() }
}

#[test]
fn a_locked_desktop_shows_and_hears_nothing_but_its_lock_screen() {
    let desktop = VirtualDesktop::default();
    type_text(&desktop, "private");
    let (count, note) = (middle(&desktop, "push button", "Count"), reference(&desktop, "text", "Note"));
    let open = pixels(&desktop);
    for _ in 0..2 {
        assert_eq!((desktop.lock(&Cancel::new()).unwrap(), desktop.screen_state()), (CONFIRMED, ScreenState::Locked));
    }
    let locked = pixels(&desktop);
    assert!(locked != open);

    desktop.move_pointer(count).unwrap();
    click_at(&desktop, count);
    click_with(&desktop, Button::X2, middle(&desktop, "label", "Locked"));
    assert_eq!(desktop.type_text("secret", Duration::ZERO, &Cancel::new()).unwrap(), NO_EFFECT);
    desktop.key(Key::Alt, Press::Down).unwrap();
    for key in [Key::Tab, Key::Function(4), Key::Enter] {
        assert_eq!(desktop.key(key, Press::Down).unwrap(), NO_EFFECT, "{key:?}");
        desktop.key(key, Press::Up).unwrap();
    }
    desktop.key(Key::Alt, Press::Up).unwrap();
    assert_eq!(desktop.scroll(0.0, 1.0).unwrap(), NO_EFFECT);
    for outcome in [
        desktop.focus_window("virtual-2"),
        desktop.close_window("virtual-1", true, &Cancel::new()),
        desktop.open_app("Controls", &Cancel::new()),
        desktop.close_app("Notes", &Cancel::new()),
        desktop.focus_app("Notes"),
    ] {
        assert_eq!(outcome.unwrap(), NO_EFFECT);
    }
    let windows = desktop.windows().unwrap();
    assert!(windows.len() == 2 && windows.iter().all(|window| !window.focused));
    assert_eq!(desktop.apps().unwrap(), ["Notes", "Controls"]);
    assert!(pixels(&desktop) == locked);

    let tree = tree(&desktop);
    let outline: Vec<_> = tree.children.iter().map(|child| (child.role.as_str(), child.name.as_str())).collect();
    assert_eq!(outline, [("window", "Lock screen")]);
    assert!(!format!("{tree:?}").contains("private"));
    for (window_id, app) in [(Some("virtual-1".to_owned()), None), (None, Some("Notes".to_owned()))] {
        let params = TreeParams { window_id, app, ..TreeParams::default() };
        assert_eq!(code(desktop.ui_tree(&params, &Cancel::new())), ErrorCode::NotFound);
    }
    let window = CaptureArea { window_id: Some("virtual-1".to_owned()), ..CaptureArea::default() };
    assert_eq!(code(desktop.capture(&window)), ErrorCode::InvalidArgument);
    let menu = ElementTarget { menu_path: vec!["File".to_owned(), "About".to_owned()], ..ElementTarget::default() };
    for (action, target) in [("focus", note.clone()), ("type", note), ("menu", menu.clone()), ("click", menu)] {
        let target = ElementTarget { value: Some("x".to_owned()), ..target };
        assert_eq!(code(act(&desktop, action, target)), ErrorCode::NotFound, "{action}");
    }
    let to_app = UiActionParams { target: key("x"), action: "key".to_owned(), app: Some("Notes".to_owned()) };
    assert_eq!(code(desktop.ui_action(&to_app, &Cancel::new())), ErrorCode::NotFound);

    chord(&desktop, &[Key::Enter]);
    assert_eq!((desktop.screen_state(), desktop.editor_text().as_str()), (ScreenState::Shown, "private"));
    assert_eq!(desktop.counter(), 0);
    assert!(pixels(&desktop) == open);
    assert!(find(&desktop, "text", "Note").focused);
}

#[test]
fn every_way_to_unlock_works() {
    let ways: [Named; 5] = [
        ("the key", |desktop| chord(desktop, &[Key::Enter])),
        ("a line feed", |desktop| type_text(desktop, "\n")),
        ("the button", |desktop| click(desktop, "push button", "Unlock")),
        ("its element", |desktop| {
            let unlock = reference(desktop, "push button", "Unlock");
            assert_eq!(act(desktop, "click", unlock).unwrap(), CONFIRMED);
        }),
        ("a key of an action", |desktop| {
            assert_eq!(act(desktop, "key", key("a")).unwrap(), NO_EFFECT);
            assert_eq!(act(desktop, "key", key("Return")).unwrap(), CONFIRMED);
        }),
    ];
    for (way, unlock) in ways {
        let desktop = VirtualDesktop::new(320, 240);
        desktop.lock(&Cancel::new()).unwrap();
        unlock(&desktop);
        assert_eq!((desktop.screen_state(), desktop.editor_text().as_str()), (ScreenState::Shown, ""), "{way}");
        type_text(&desktop, "x");
        assert_eq!(desktop.editor_text(), "x", "{way}");
    }
}

#[test]
fn locking_lets_go_of_what_is_dragged() {
    let desktop = VirtualDesktop::default();
    let bounds = find(&desktop, "window", "Notes").bounds.unwrap();
    button(&desktop, Point::new(bounds.x + 150.0, bounds.y + 10.0), Press::Down);
    desktop.lock(&Cancel::new()).unwrap();
    let unlock = middle(&desktop, "push button", "Unlock");
    button(&desktop, unlock, Press::Up);
    assert_eq!(desktop.screen_state(), ScreenState::Locked, "it was not pressed there");
    button(&desktop, unlock, Press::Down);
    button(&desktop, Point::new(3.0, 3.0), Press::Up);
    assert_eq!(desktop.screen_state(), ScreenState::Locked, "nor released");
    click_at(&desktop, unlock);
    assert_eq!(find(&desktop, "window", "Notes").bounds, Some(bounds));
}

#[test]
fn any_input_wakes_a_screen_that_is_switched_off() {
    let inputs: [Named; 5] = [
        ("pointer", |desktop| drop(desktop.move_pointer(Point::new(640.0, 400.0)))),
        ("button", |desktop| drop(desktop.button(Button::Right, Press::Up))),
        ("wheel", |desktop| drop(desktop.scroll(0.0, 1.0))),
        ("key", |desktop| drop(desktop.key(Key::Shift, Press::Down))),
        ("text", |desktop| type_text(desktop, "x")),
    ];
    for (input, wake) in inputs {
        let desktop = VirtualDesktop::default();
        let shown = pixels(&desktop);
        desktop.sleep();
        assert_eq!(desktop.screen_state(), ScreenState::Asleep);
        let window = CaptureArea { window_id: Some("virtual-1".to_owned()), ..CaptureArea::default() };
        for dark in [capture(&desktop, None, true), desktop.capture(&window).unwrap()] {
            assert!(dark.pixels.chunks(4).all(|pixel| pixel[..3] == [0; 3]), "{input}");
        }
        assert!(is_there(&desktop, "text", "Note"), "looking wakes nothing");
        desktop.focus_window("virtual-1").unwrap();
        assert_eq!(desktop.screen_state(), ScreenState::Asleep, "nor does managing windows");
        wake(&desktop);
        assert_eq!(desktop.screen_state(), ScreenState::Shown, "{input}");
        assert_eq!(pixels(&desktop) == shown, input != "text");
    }
    let desktop = VirtualDesktop::default();
    desktop.lock(&Cancel::new()).unwrap();
    desktop.sleep();
    assert_eq!(desktop.screen_state(), ScreenState::Asleep);
    chord(&desktop, &[Key::Shift]);
    assert_eq!(desktop.screen_state(), ScreenState::Locked);
}

#[test]
fn notifications_are_listed_shown_and_clicked_away() {
    let desktop = VirtualDesktop::default();
    assert!(desktop.notifications().unwrap().is_empty());
    let before = pixels(&desktop);
    desktop.notify("Mail", "First", "one");
    desktop.notify("Mail", "Second", "two");
    let listed = desktop.notifications().unwrap();
    let outline: Vec<_> =
        listed.iter().map(|one| (one.title.as_str(), one.body.as_str(), one.app.as_deref())).collect();
    assert_eq!(outline, [("Second", "two", Some("Mail")), ("First", "one", Some("Mail"))]);
    assert!(listed[0].id != listed[1].id && listed[0].timestamp >= listed[1].timestamp && listed[1].timestamp > 0.0);
    assert!(pixels(&desktop) != before);
    let second = find(&desktop, "notification", "Second");
    assert_eq!((second.value.as_deref(), second.actions.as_slice()), (Some("two"), &["click".to_owned()][..]));

    let first = reference(&desktop, "notification", "First");
    click(&desktop, "notification", "Second");
    assert_eq!(desktop.notifications().unwrap().len(), 1);
    let stale = ElementTarget { reference: second.reference, ..ElementTarget::default() };
    assert_eq!(code(act(&desktop, "click", stale)), ErrorCode::NotFound);
    assert_eq!(act(&desktop, "click", first).unwrap(), CONFIRMED);
    assert!(desktop.notifications().unwrap().is_empty());
    assert!(pixels(&desktop) == before);
    type_text(&desktop, "x");
    assert_eq!(desktop.editor_text(), "x", "the keyboard was left where it was");
}

#[test]
fn a_host_shows_a_notification_as_any_program_does() {
    let desktop = VirtualDesktop::default();
    let before = pixels(&desktop);
    desktop.show_notification("laptop drives this machine", "From 192.168.1.5:40000").unwrap();
    let shown = desktop.notifications().unwrap().remove(0);
    let said = (shown.app.as_deref(), shown.title.as_str(), shown.body.as_str());
    assert_eq!(said, (Some("opendesk"), "laptop drives this machine", "From 192.168.1.5:40000"));
    assert!(pixels(&desktop) != before && is_there(&desktop, "notification", "laptop drives this machine"));
    click(&desktop, "notification", "laptop drives this machine");
    assert!(pixels(&desktop) == before);
}

#[test]
fn controls_shows_a_notification_of_its_own() {
    let desktop = VirtualDesktop::default();
    click(&desktop, "push button", "Count");
    click(&desktop, "menu", "File");
    click(&desktop, "menu item", "Notify");
    let shown = desktop.notifications().unwrap().remove(0);
    let said = (shown.app.as_deref(), shown.title.as_str(), shown.body.as_str());
    assert_eq!(said, (Some("Controls"), "A notification", "The counter is at 1."));
    assert!(is_there(&desktop, "notification", "A notification"));
    desktop.lock(&Cancel::new()).unwrap();
    assert!(!is_there(&desktop, "notification", "A notification"), "the lock screen hides it");
    assert_eq!(desktop.notifications().unwrap().len(), 1);
}
