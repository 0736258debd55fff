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
        assert_eq!((window.pid, window.minimized, window.workspace), (None, false, None));
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
    desktop.close_window("virtual-1").unwrap();
    assert_eq!((ids(&desktop), desktop.apps().unwrap()), (vec!["virtual-2".to_owned()], vec!["Controls".to_owned()]));
    assert!(!is_there(&desktop, "window", "Notes") && find(&desktop, "window", "Controls").focused);
    for outcome in [
        desktop.close_window("virtual-1"),
        desktop.focus_window("virtual-1"),
        desktop.move_window("virtual-1", Rect::new(0.0, 0.0, 10.0, 10.0)),
        desktop.focus_app("Notes"),
        desktop.close_app("notes"),
    ] {
        assert_eq!(code(outcome), ErrorCode::NotFound);
    }
    desktop.open_app("nOTES").unwrap();
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
    desktop.close_app("controls").unwrap();
    desktop.close_app("Notes").unwrap();
    assert!(ids(&desktop).is_empty() && desktop.apps().unwrap().is_empty());
    for outcome in [desktop.open_app("Note"), desktop.close_app("Note"), desktop.focus_app("")] {
        let error = outcome.unwrap_err();
        assert_eq!(error.code, ErrorCode::NotFound);
        assert!(error.message.contains("Notes, Controls"), "{error}");
    }
}

#[test]
fn what_the_desktop_lacks_is_refused_and_not_advertised() {
    let desktop = VirtualDesktop::default();
    assert_eq!(code(desktop.lock()), ErrorCode::CapabilityUnsupported);
    assert_eq!(code(desktop.notifications()), ErrorCode::CapabilityUnsupported);
    let capabilities = desktop.capabilities();
    assert!(capabilities.is_sorted());
    assert!(!capabilities.contains(&"power.lock") && !capabilities.contains(&"notifications.list"));
    for name in ["app.lifecycle", "ui.actions", "windows.list", "windows.manipulate"] {
        assert!(capabilities.contains(&name), "{name}");
    }
}
