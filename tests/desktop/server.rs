//! X servers of a test's own, which can be ended and started again.

use core::sync::atomic::{AtomicU32, Ordering};
use std::path::Path;
use std::process::Command;

use opendesk_tests::bin::Running;
use x11rb::rust_connection::RustConnection;

use crate::wait_until;

/// A display that no other test is given, so that nobody takes it while its server is away.
pub(super) fn display() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let own = NEXT.fetch_add(1, Ordering::Relaxed);
    format!(":{}", 3000 + 32 * (std::process::id() % 1000) + own)
}

fn xvfb(display: &str, access: &[&str]) -> Running {
    let mut xvfb = Command::new("Xvfb");
    xvfb.args([display, "-screen", "0", "640x480x24", "-nolisten", "tcp", "-noreset"]).args(access);
    Running::start(xvfb)
}

/// Starts a server that lets everybody in, and waits until it is there.
pub(super) fn start(display: &str) -> Running {
    let server = xvfb(display, &["-ac"]);
    wait_until("the X server is there", || RustConnection::connect(Some(display)).is_ok());
    server
}

/// Starts a server that lets in who has its key, waits until it is there, and gives the file with the key.
pub(super) fn start_with_key(display: &str, folder: &Path) -> (Running, String) {
    let key = folder.join("key").to_str().expect("its path is text").to_owned();
    let secret = "00112233445566778899aabbccddeeff";
    let added = Command::new("xauth").args(["-f", &key, "add", display, ".", secret]).output().expect("xauth starts");
    assert!(added.status.success(), "{added:?}");
    let server = xvfb(display, &["-auth", &key]);
    wait_until("the server answers who has its key", || {
        let asked = Command::new("xdpyinfo").env("DISPLAY", display).env("XAUTHORITY", &key).output();
        asked.expect("xdpyinfo starts").status.success()
    });
    (server, key)
}
