//! The x11 desktop on a real X server with a window manager and real programs. Effects are seen from outside: by
//! xdotool, by files that programs write, and by the X server's own key state.

mod accessibility;
mod agent;
mod agent_tools;
mod approval;
mod blank;
mod brush;
mod clipboard;
mod displays;
mod drive;
mod input;
mod layouts;
mod learning;
mod ledger;
mod lifetime;
mod mcp;
mod ocr;
mod person;
mod pictures;
mod restart;
mod server;
mod service;
mod session;
mod sign;
mod stream;
mod typing;
mod windows;

use core::time::Duration;
use std::path::PathBuf;
use std::time::Instant;

use opendesk_std::desktop::x11::X11Desktop;
use opendesk_tests::desktop::{PATIENCE, TestDesktop};

/// Longer than any effect here takes.
const LIMIT: Duration = PATIENCE;

fn open(desktop: &TestDesktop) -> X11Desktop {
    X11Desktop::open(Some(desktop.display())).expect("the X server is there")
}

/// Waits until something is so.
fn wait_until(what: &str, mut so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !so() {
        assert!(begun.elapsed() < LIMIT, "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A terminal that writes what is typed into it, up to Ctrl-D, to a file.
fn terminal_that_keeps_text(desktop: &mut TestDesktop, name: &str) -> PathBuf {
    let file = desktop.home().join(name);
    let script = format!("stty -echo; cat > {0}.part; mv {0}.part {0}", file.display());
    desktop.spawn("xterm", &["-u8", "-T", name, "-e", "sh", "-c", &script]);
    desktop.wait_for_window(name);
    // The program in the terminal has begun when its file is there.
    let part = PathBuf::from(format!("{}.part", file.display()));
    wait_until("the terminal's program begins", || part.exists());
    file
}
