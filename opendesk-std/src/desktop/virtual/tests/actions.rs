//! Actions on elements of the tree.

use super::*;
use crate::api::{ElementTarget, Modifier, UiActionParams};

fn act(desktop: &VirtualDesktop, action: &str, target: ElementTarget) -> Result<Effect, Error> {
    desktop.ui_action(&UiActionParams { target, action: action.to_owned(), app: None }, &Cancel::new())
}

fn act_in(desktop: &VirtualDesktop, app: &str, action: &str, target: ElementTarget) -> Result<Effect, Error> {
    desktop.ui_action(&UiActionParams { target, action: action.to_owned(), app: Some(app.to_owned()) }, &Cancel::new())
}

/// The element of a role and a name, by its reference.
fn known(desktop: &VirtualDesktop, role: &str, name: &str) -> ElementTarget {
    ElementTarget { reference: find(desktop, role, name).reference, ..ElementTarget::default() }
}

fn called(role: &str, name: &str) -> ElementTarget {
    ElementTarget { role: role.to_owned(), name: name.to_owned(), ..ElementTarget::default() }
}

fn with(value: &str, target: ElementTarget) -> ElementTarget {
    ElementTarget { value: Some(value.to_owned()), ..target }
}

fn key(name: &str, modifiers: &[Modifier], target: ElementTarget) -> ElementTarget {
    ElementTarget { key: Some(name.to_owned()), modifiers: modifiers.to_vec(), ..target }
}

fn path(labels: &[&str]) -> ElementTarget {
    let menu_path = labels.iter().map(|label| (*label).to_owned()).collect();
    ElementTarget { menu_path, ..called("menu item", "") }
}

fn every(element: UiElement, into: &mut Vec<UiElement>) {
    into.extend(element.children.iter().cloned().map(|child| UiElement { children: Vec::new(), ..child }));
    for child in element.children {
        every(child, into);
    }
}

#[test]
fn every_element_has_a_reference_of_its_own_that_stays() {
    let desktop = VirtualDesktop::default();
    let references = || {
        let mut all = Vec::new();
        every(tree(&desktop), &mut all);
        let mut references: Vec<String> = all.into_iter().map(|element| element.reference.unwrap()).collect();
        references.sort();
        references
    };
    let before = references();
    let mut distinct = before.clone();
    distinct.dedup();
    assert_eq!(distinct, before);
    type_text(&desktop, "x");
    desktop.focus_window("virtual-2").unwrap();
    desktop.close_app("Notes", &Cancel::new()).unwrap();
    assert!(references().len() < before.len());
    desktop.open_app("Notes", &Cancel::new()).unwrap();
    assert_eq!(references(), before);
}

#[test]
fn every_element_does_what_it_lists() {
    for dialog in [false, true] {
        let shown = || {
            let desktop = VirtualDesktop::default();
            if dialog {
                act(&desktop, "menu", path(&["File", "About"])).unwrap();
            } else {
                click(&desktop, "menu", "File");
            }
            desktop
        };
        let mut all = Vec::new();
        every(tree(&shown()), &mut all);
        assert!(all.len() > 15);
        for element in all {
            let given = ElementTarget { reference: element.reference.clone(), ..path(&["File", "New note"]) };
            let target = key("left", &[], with("text", given));
            for action in ["click", "press", "focus", "type", "set_value", "key"] {
                let listed = if action == "press" { "click" } else { action };
                let listed = element.actions.iter().any(|name| name == listed);
                let desktop = shown();
                let before = tree(&desktop);
                let outcome = act(&desktop, action, target.clone());
                assert_eq!(outcome.is_ok(), listed, "{action}: {element:?}: {outcome:?}");
                if let Err(error) = outcome {
                    assert_eq!(error.code, ErrorCode::InvalidArgument, "{error}");
                    assert_eq!(tree(&desktop), before, "{action}: {element:?}");
                }
            }
        }
    }
}

#[test]
fn a_click_needs_neither_pointer_nor_a_window_in_front() {
    let desktop = VirtualDesktop::new(400, 300);
    desktop.focus_window("virtual-1").unwrap();
    let pointer = desktop.cursor_position().unwrap();
    act(&desktop, "click", known(&desktop, "push button", "Count")).unwrap();
    act(&desktop, "press", called("Push Button", "count")).unwrap();
    assert_eq!((desktop.counter(), desktop.cursor_position().unwrap()), (2, pointer));
    assert!(find(&desktop, "window", "Controls").focused);
    act(&desktop, "click", known(&desktop, "check box", "Remember me")).unwrap();
    assert_eq!(find(&desktop, "check box", "Remember me").value.as_deref(), Some("checked"));
    act(&desktop, "focus", called("window", "Notes")).unwrap();
    assert!(find(&desktop, "window", "Notes").focused);
    act_in(&desktop, "Notes", "click", called("push button", "Close")).unwrap();
    assert!(!is_there(&desktop, "window", "Notes"));
    act(&desktop, "click", called("push button", "Notes")).unwrap();
    assert!(find(&desktop, "window", "Notes").focused);
}

#[test]
fn text_is_typed_at_the_caret_or_replaces_all() {
    let desktop = VirtualDesktop::default();
    let note = known(&desktop, "text", "Note");
    act(&desktop, "type", with("Grüße,\r\n世界", note.clone())).unwrap();
    chord(&desktop, &[Key::Home]);
    act(&desktop, "type", with("🚀\t", note.clone())).unwrap();
    assert_eq!(desktop.editor_text(), "Grüße,\n🚀\t世界");
    act(&desktop, "set_value", with("new", note.clone())).unwrap();
    assert_eq!(desktop.editor_text(), "new");
    chord(&desktop, &[Key::Control, Key::Char('z')]);
    assert_eq!(desktop.editor_text(), "Grüße,\n🚀\t世界");
    act(&desktop, "set_value", with("", note.clone())).unwrap();
    assert_eq!(desktop.editor_text(), "");

    act(&desktop, "type", with("Ada", called("entry", "Name"))).unwrap();
    act(&desktop, "type", with(" L", called("entry", "Name"))).unwrap();
    let name = find(&desktop, "entry", "Name");
    assert_eq!((name.value.as_deref(), name.focused), (Some("Ada L"), true));
    act(&desktop, "set_value", with("hunter2", called("", "Password"))).unwrap();
    assert!(!format!("{:?}", tree(&desktop)).contains("hunter2"));

    for (value, target) in [("two\nlines", called("entry", "Name")), ("\u{1b}", note.clone())] {
        let error = act(&desktop, "type", with(value, target)).unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidArgument);
    }
    assert_eq!(code(act(&desktop, "type", note)), ErrorCode::InvalidArgument);
    assert_eq!(find(&desktop, "entry", "Name").value.as_deref(), Some("Ada L"));
}

#[test]
fn keys_go_to_an_element_an_app_or_the_front_and_nothing_is_held_after() {
    let desktop = VirtualDesktop::default();
    act(&desktop, "key", key("h", &[Modifier::Shift], called("text", "Note"))).unwrap();
    act(&desktop, "key", key("I", &[], ElementTarget::default())).unwrap();
    assert_eq!(desktop.editor_text(), "Hi");
    act_in(&desktop, "Controls", "key", key("enter", &[], ElementTarget::default())).unwrap();
    assert_eq!(desktop.counter(), 1);
    act(&desktop, "key", key("a", &[Modifier::Ctrl], known(&desktop, "text", "Note"))).unwrap();
    act(&desktop, "key", key("Delete", &[], known(&desktop, "text", "Note"))).unwrap();
    assert_eq!(desktop.editor_text(), "");

    desktop.key(Key::Shift, Press::Down).unwrap();
    act(&desktop, "key", key("x", &[Modifier::Shift], ElementTarget::default())).unwrap();
    assert_eq!((desktop.editor_text().as_str(), desktop.held_keys()), ("X", vec![Key::Shift]), "held before and after");
    desktop.key(Key::Shift, Press::Up).unwrap();

    for bad in [
        key("hyperspace", &[], ElementTarget::default()),
        key("shift", &[], ElementTarget::default()),
        key("世", &[], ElementTarget::default()),
        key("a", &[Modifier::Fn], ElementTarget::default()),
        key("a", &[Modifier::CapsLock], ElementTarget::default()),
        ElementTarget::default(),
    ] {
        assert_eq!(code(act(&desktop, "key", bad.clone())), ErrorCode::InvalidArgument, "{bad:?}");
    }
    assert_eq!(desktop.editor_text(), "X");
    click_at(&desktop, Point::new(3.0, 3.0));
    assert_eq!(code(act(&desktop, "key", key("a", &[], ElementTarget::default()))), ErrorCode::NotFound);
}

#[test]
fn menu_items_are_chosen_by_their_path() {
    let desktop = VirtualDesktop::default();
    click(&desktop, "push button", "Count");
    act(&desktop, "click", path(&["file", "reset counter"])).unwrap();
    assert_eq!(desktop.counter(), 0);
    type_text(&desktop, " ");
    assert_eq!(desktop.counter(), 1, "the button has the keyboard");
    act_in(&desktop, "Controls", "menu", path(&["File", "About"])).unwrap();
    assert!(is_there(&desktop, "dialog", "About"));
    assert_eq!(code(act(&desktop, "menu", path(&["File", "Reset counter"]))), ErrorCode::InvalidArgument);
    act(&desktop, "click", called("push button", "OK")).unwrap();
    assert!(!is_there(&desktop, "dialog", "About"));

    for (labels, refusal) in [
        (&["File", "Quit"][..], ErrorCode::NotFound),
        (&["Edit", "About"], ErrorCode::NotFound),
        (&["File"], ErrorCode::InvalidArgument),
        (&[], ErrorCode::InvalidArgument),
    ] {
        assert_eq!(code(act(&desktop, "menu", path(labels))), refusal, "{labels:?}");
    }
    assert_eq!(code(act_in(&desktop, "Notes", "menu", path(&["File", "About"]))), ErrorCode::NotFound);
    desktop.close_app("Controls", &Cancel::new()).unwrap();
    assert_eq!(code(act(&desktop, "menu", path(&["File", "About"]))), ErrorCode::NotFound);
}

#[test]
fn a_stale_reference_is_not_found() {
    let desktop = VirtualDesktop::default();
    click(&desktop, "menu", "File");
    let item = known(&desktop, "menu item", "About");
    click(&desktop, "menu", "File");
    let error = act(&desktop, "click", item.clone()).unwrap_err();
    assert!(error.code == ErrorCode::NotFound && error.message.contains("stale"), "{error}");
    act(&desktop, "click", called("menu", "File")).unwrap();
    act(&desktop, "click", item).unwrap();
    assert!(is_there(&desktop, "dialog", "About"));

    let note = known(&desktop, "text", "Note");
    assert_eq!(code(act_in(&desktop, "Controls", "focus", note.clone())), ErrorCode::NotFound, "of another app");
    desktop.close_app("Notes", &Cancel::new()).unwrap();
    assert_eq!(code(act(&desktop, "focus", note)), ErrorCode::NotFound);
    let unknown = ElementTarget { reference: Some("virtual-7".to_owned()), ..called("push button", "Count") };
    assert_eq!(code(act(&desktop, "click", unknown)), ErrorCode::NotFound, "the name does not help");
}

#[test]
fn what_is_not_there_or_not_clear_is_refused() {
    let desktop = VirtualDesktop::default();
    let refusal = |action: &str, target: ElementTarget| act(&desktop, action, target).unwrap_err();
    assert_eq!(refusal("click", called("push button", "Cancel")).code, ErrorCode::NotFound);
    assert_eq!(refusal("click", ElementTarget::default()).code, ErrorCode::InvalidArgument);
    let several = refusal("click", called("push button", "Close"));
    assert_eq!(several.code, ErrorCode::InvalidArgument);
    assert!(several.message.contains("virtual-1/close, virtual-2/close"), "{several}");
    let unknown = refusal("AXRaise", called("window", "Notes"));
    assert_eq!(unknown.code, ErrorCode::InvalidArgument);
    assert!(unknown.message.contains("click, press, focus, type, set_value, key, menu"), "{unknown}");
    for app in ["Mail", ""] {
        let error = act_in(&desktop, app, "click", called("push button", "Count")).unwrap_err();
        assert!(error.code == ErrorCode::NotFound && error.message.contains("Notes, Controls"), "{error}");
    }

    let window = find(&desktop, "window", "Controls");
    let close = search(&window, "push button", "Close").unwrap();
    act(&desktop, "click", ElementTarget { bounds: close.bounds, ..called("push button", "Close") }).unwrap();
    assert!(!is_there(&desktop, "window", "Controls") && is_there(&desktop, "window", "Notes"));
}
