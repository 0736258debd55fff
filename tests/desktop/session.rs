//! What a session has besides its X server: its environment, its applications, its locker, its notifications.

mod apps;
mod environment;
mod lock;
mod notifications;

use std::fs;
use std::path::{Path, PathBuf};

use opendesk_std::desktop::x11::X11Desktop;
use opendesk_tests::desktop::{PYTHON, TestDesktop};

use crate::wait_until;

pub(super) fn open_session(desktop: &TestDesktop) -> X11Desktop {
    X11Desktop::open_with(Some(desktop.display()), Some(desktop.session_bus())).expect("the X server is there")
}

/// Starts one of the programs beside this file, which writes down what happens to it, and waits until it is ready.
pub(super) fn start_service(desktop: &mut TestDesktop, program: &str, arguments: &[&str]) -> (u32, PathBuf) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("desktop/programs").join(program);
    let events = desktop.home().join(format!("{program}.events"));
    let mut words = vec![path.to_str().expect("its path is text"), events.to_str().expect("its path is text")];
    words.extend_from_slice(arguments);
    let process = desktop.spawn(PYTHON, &words);
    wait_until("the program has its name on the bus", || lines(&events).iter().any(|line| line == "ready"));
    (process, events)
}

fn lines(file: &Path) -> Vec<String> {
    fs::read_to_string(file).unwrap_or_default().lines().map(str::to_owned).collect()
}

/// Calls a method of a service that has a name, an object and an interface of one word.
fn call(desktop: &TestDesktop, name: &str, method: &str, arguments: &[&str]) -> String {
    let path = format!("/{}", name.replace('.', "/"));
    let method = format!("{name}.{method}");
    let call = ["call", "--session", "--dest", name, "--object-path", &path, "--method", &method, "--"];
    desktop.run("gdbus", &[&call, arguments].concat()).trim().to_owned()
}
