//! Windows and applications by name.

use super::*;

fn ids(desktop: &VirtualDesktop) -> Vec<String> {
    desktop.windows().unwrap().into_iter().map(|window| window.id).collect()
}

fn bounds(desktop: &VirtualDesktop, id: &str) -> Rect {
    let windows = desktop.windows().unwrap();
    windows.into_iter().find(|window| window.id == id).unwrap().bounds.unwrap()
}

#[test]
fn the_list_says_what_the_tree_says() {
    let desktop = VirtualDesktop::default();
    let windows = desktop.windows().unwrap();
    let outline: Vec<_> = windows.iter().map(|window| (window.id.as_str(), window.title.as_str())).collect();
    assert_eq!(outline, [("virtual-1", "Notes"), ("virtual-2", "Controls")]);
    for window in windows {
        let element = find(&desktop, "window", &window.title);
        assert_eq!((window.bounds, window.focused, &window.app_name), (element.bounds, element.focused, &element.name));
        assert_eq!((window.pid, window.minimized, window.workspace.as_deref()), (None, false, Some("1")));
    }
}

#[test]
fn focusing_raises() {
    let desktop = VirtualDesktop::new(400, 300);
    let count = find(&desktop, "push button", "Count").bounds.unwrap().center();
    desktop.focus_window("virtual-1").unwrap();
    click_at(&desktop, count);
    assert_eq!((desktop.counter(), ids(&desktop)), (0, vec!["virtual-1".to_owned(), "virtual-2".to_owned()]));
    let behind = pixels(&desktop);
    desktop.focus_window("virtual-2").unwrap();
    assert!(pixels(&desktop) != behind);
    let front = desktop.windows().unwrap().remove(0);
    assert_eq!((front.id.as_str(), front.focused), ("virtual-2", true));
    click_at(&desktop, count);
    assert_eq!(desktop.counter(), 1);
    assert_eq!(code(desktop.focus_window("virtual-9")), ErrorCode::NotFound);
}

#[test]
fn a_window_moves_to_where_it_is_told_and_nowhere_else() {
    let desktop = VirtualDesktop::default();
    let before = bounds(&desktop, "virtual-2");
    let still = pixels(&desktop);
    let Rect { width, height, .. } = before;
    for refused in [
        Rect { width: width + 1.0, ..before },
        Rect { height: height - 1.0, ..before },
        Rect { x: -1.0, ..before },
        Rect { y: -1.0, ..before },
        Rect { x: 1281.0 - width, ..before },
        Rect { y: 800.0 - height, ..before },
        Rect { x: f64::NAN, ..before },
        Rect { y: f64::INFINITY, ..before },
        Rect { width: f64::NAN, ..before },
        Rect { height: f64::INFINITY, ..before },
    ] {
        assert_eq!(code(desktop.move_window("virtual-2", refused)), ErrorCode::InvalidArgument, "{refused:?}");
        assert_eq!(bounds(&desktop, "virtual-2"), before);
    }
    assert!(pixels(&desktop) == still);
    let corner = Rect { x: 1280.0 - width, y: 0.2, ..before };
    desktop.move_window("virtual-2", corner).unwrap();
    assert_eq!(bounds(&desktop, "virtual-2"), Rect { y: 0.0, ..corner });
    assert_eq!(find(&desktop, "window", "Controls").bounds, Some(Rect { y: 0.0, ..corner }));
    assert!(pixels(&desktop) != still);
    click(&desktop, "push button", "Count");
    assert_eq!(desktop.counter(), 1);
    assert_eq!(code(desktop.move_window("Controls", before)), ErrorCode::NotFound);
}

#[test]
fn a_closed_window_is_gone_until_its_app_is_opened() {
    let desktop = VirtualDesktop::default();
    type_text(&desktop, "kept");
    desktop.close_window("virtual-1", false, &Cancel::new()).unwrap();
    assert_eq!((ids(&desktop), desktop.apps().unwrap()), (vec!["virtual-2".to_owned()], vec!["Controls".to_owned()]));
    assert!(!is_there(&desktop, "window", "Notes") && find(&desktop, "window", "Controls").focused);
    for outcome in [
        desktop.close_window("virtual-1", true, &Cancel::new()),
        desktop.focus_window("virtual-1"),
        desktop.move_window("virtual-1", Rect::new(0.0, 0.0, 10.0, 10.0)),
        desktop.focus_app("Notes"),
        desktop.close_app("notes", &Cancel::new()),
    ] {
        assert_eq!(code(outcome), ErrorCode::NotFound);
    }
    desktop.open_app("nOTES", &Cancel::new()).unwrap();
    assert_eq!(ids(&desktop), ["virtual-1", "virtual-2"]);
    assert_eq!(desktop.apps().unwrap(), ["Notes", "Controls"]);
    type_text(&desktop, "!");
    assert_eq!(desktop.editor_text(), "kept!");
}

#[test]
fn apps_are_focused_and_closed_by_name() {
    let desktop = VirtualDesktop::default();
    desktop.focus_app("CONTROLS").unwrap();
    assert_eq!(ids(&desktop), ["virtual-2", "virtual-1"]);
    desktop.close_app("controls", &Cancel::new()).unwrap();
    desktop.close_app("Notes", &Cancel::new()).unwrap();
    assert!(ids(&desktop).is_empty() && desktop.apps().unwrap().is_empty());
    for outcome in
        [desktop.open_app("Note", &Cancel::new()), desktop.close_app("Note", &Cancel::new()), desktop.focus_app("")]
    {
        let error = outcome.unwrap_err();
        assert_eq!(error.code, ErrorCode::NotFound);
        assert!(error.message.contains("Notes, Controls"), "{error}");
    }
}

#[test]
fn installed_apps_say_what_runs() {
    let desktop = VirtualDesktop::default();
    desktop.close_app("Notes", &Cancel::new()).unwrap();
    let installed = desktop.installed_apps().unwrap();
    let outline: Vec<_> = installed.iter().map(|app| (app.id.as_str(), app.name.as_str(), app.running)).collect();
    assert_eq!(outline, [("notes", "Notes", false), ("controls", "Controls", true)]);
    desktop.open_app(&installed[0].id, &Cancel::new()).unwrap();
    assert_eq!(desktop.apps().unwrap(), ["Notes", "Controls"]);
}

#[test]
fn a_minimised_window_is_listed_last_and_shows_nothing() {
    let desktop = VirtualDesktop::default();
    type_text(&desktop, "kept");
    let before = pixels(&desktop);
    chord(&desktop, &[Key::Alt, Key::Function(9)]);
    let windows = desktop.windows().unwrap();
    let outline: Vec<_> = windows.iter().map(|window| (window.id.as_str(), window.minimized, window.focused)).collect();
    assert_eq!(outline, [("virtual-2", false, true), ("virtual-1", true, false)]);
    assert_eq!(desktop.apps().unwrap(), ["Notes", "Controls"]);
    assert!(pixels(&desktop) != before && !is_there(&desktop, "text", "Note"));
    let window = find(&desktop, "window", "Notes");
    assert_eq!((window.states, window.bounds, window.children.len()), (vec!["minimized".to_owned()], None, 0));
    let notes = CaptureArea { window_id: Some("virtual-1".to_owned()), ..CaptureArea::default() };
    assert_eq!(code(desktop.capture(&notes)), ErrorCode::InvalidArgument);

    for back in ["focus_window", "open_app", "panel"] {
        match back {
            "focus_window" => assert_eq!(desktop.focus_window("virtual-1").unwrap(), CONFIRMED),
            "open_app" => assert_eq!(desktop.open_app("notes", &Cancel::new()).unwrap(), CONFIRMED),
            _ => click(&desktop, "push button", "Notes"),
        }
        assert!(find(&desktop, "text", "Note").focused, "{back}");
        assert!(desktop.capture(&notes).is_ok());
        chord(&desktop, &[Key::Alt, Key::Function(9)]);
    }
    assert_eq!(desktop.close_window("virtual-1", false, &Cancel::new()).unwrap(), CONFIRMED);
    assert_eq!(ids(&desktop), ["virtual-2"]);
}

#[test]
fn what_the_desktop_has_is_advertised() {
    let capabilities = VirtualDesktop::default().capabilities();
    assert!(capabilities.is_sorted());
    for name in ["app.lifecycle", "notifications.list", "power.lock", "ui.actions", "windows.list"] {
        assert!(capabilities.contains(&name), "{name}");
    }
    assert!(!capabilities.contains(&"display.multi_monitor"));
}
