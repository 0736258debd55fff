//! A desktop without a window manager.

use std::process::Command;

use opendesk_std::Cancel;
use opendesk_std::api::{Effect, Rect};
use opendesk_std::desktop::x11::X11Desktop;
use opendesk_std::desktop::{CaptureArea, Computer};
use opendesk_tests::bin::Running;
use opendesk_tests::desktop::PYTHON;

use super::{PANE, find, unmanaged_server};
use crate::wait_until;

fn start(display: &str, program: &str, arguments: &[&str]) -> Running {
    let mut command = Command::new(program);
    command.args(arguments).env("DISPLAY", display).env_remove("XAUTHORITY");
    Running::start(command)
}

#[test]
fn windows_are_seen_and_moved_where_nobody_manages_them() {
    let (_server, display) = unmanaged_server("640x480x24");
    let computer = X11Desktop::open(Some(&display)).unwrap();
    for capability in ["windows.list", "windows.manipulate"] {
        assert!(computer.capabilities().contains(&capability), "{capability}");
    }
    assert_eq!(computer.windows().unwrap(), []);

    let _terminal = start(&display, "xterm", &["-T", "terminal", "-geometry", "30x5+10+10", "-e", "cat"]);
    let _pane = start(&display, PYTHON, &["-c", PANE, "pane", "200x150+50+60", "#204060"]);
    wait_until("both are listed", || find(&computer, "terminal").is_some() && find(&computer, "pane").is_some());
    let (terminal, pane) = (find(&computer, "terminal").unwrap(), find(&computer, "pane").unwrap());
    assert!(terminal.pid.is_some() && pane.pid.is_some() && terminal.pid != pane.pid);

    for window in [&terminal, &pane] {
        assert_eq!(computer.focus_window(&window.id), Ok(Effect::Confirmed));
        let windows = computer.windows().unwrap();
        assert_eq!(windows[0].id, window.id, "in front");
        let focused: Vec<&str> =
            windows.iter().filter(|window| window.focused).map(|window| window.id.as_str()).collect();
        assert_eq!(focused, [&window.id]);
    }
    let bounds = Rect::new(-20.0, 30.0, 300.0, 200.0);
    assert_eq!(computer.move_window(&pane.id, bounds), Ok(Effect::Confirmed));
    assert_eq!(find(&computer, "pane").unwrap().bounds, Some(bounds));
    let area = CaptureArea { window_id: Some(pane.id.clone()), ..CaptureArea::default() };
    wait_until("it is painted", || {
        let picture = computer.capture(&area).unwrap();
        picture.area == bounds && picture.pixels.chunks_exact(4).all(|pixel| pixel[..3] == [0x60, 0x40, 0x20])
    });
    for window in [pane, terminal] {
        assert_eq!(computer.close_window(&window.id, false, &Cancel::new()), Ok(Effect::Confirmed));
        assert_eq!(find(&computer, &window.title), None);
    }
}
