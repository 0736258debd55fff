//! A host that nobody started in a session, as a service of the machine is: without a terminal's environment it finds
//! the session of its user, or says in one line what it lacks.
//!
//! Where nothing is given, the likeliest of all sessions on the machine is taken, and there are those of other tests.
//! Here as many programs as no session has make one the likeliest, and tests that do so wait for each other.

use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use opendesk_std::api::{Effect, Point, PointerAction, PointerEvent, ProcessShell, ShellParams};
use opendesk_std::home::Home;
use opendesk_tests::bin::{Finished, PEER, Running, Served, command};
use opendesk_tests::desktop::TestDesktop;
use opendesk_tests::unit::exec_start;
use opendesk_tokio::ConnectOptions;
use serde_json::Value;
use tempfile::TempDir;

use crate::drive::run;
use crate::{LIMIT, server, wait_until};

/// A program that a session starts for itself, by its name.
const NAME: &str = "xfce4-session";

/// More of them than any session has.
const MANY: usize = 16;

/// Arguments of a host on a port that is free.
const SERVE: [&str; 5] = ["serve", "--host", "127.0.0.1", "--port", "0"];

/// Waits until no other test of this user makes a session the likeliest; none does while the file is open.
fn turn() -> File {
    let user = fs::metadata("/proc/self").expect("this process has a folder").uid();
    let turn = File::create(std::env::temp_dir().join(format!("opendesk-tests-{user}.turn")));
    let turn = turn.expect("a file of this user");
    turn.lock().expect("the file can be locked");
    turn
}

/// A program of this name that does nothing.
fn session_program(folder: &Path) -> PathBuf {
    let program = folder.join(NAME);
    symlink("/bin/sleep", &program).expect("the folder can be written to");
    program
}

/// Two homes, and what goes with them in the end.
struct Homes(TempDir);

impl Homes {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary directory"))
    }

    fn host(&self) -> PathBuf {
        self.0.path().join("host")
    }

    fn controller(&self) -> PathBuf {
        self.0.path().join("controller")
    }
}

/// The line in which a host says what it has found where.
fn said(served: &Served) -> String {
    let log = served.stderr();
    let line = log.lines().find(|line| line.contains("the desktop session: "));
    line.unwrap_or_else(|| panic!("it says nothing of its session: {log}")).to_owned()
}

/// What was found is followed by where.
fn assert_found(said: &str, name: &str, value: &str) {
    assert!(said.contains(&format!("{name} {value} ")), "{name} {value}: {said}");
}

#[test]
fn a_host_without_a_terminal_finds_display_bus_and_folder_of_its_users_session() {
    let _turn = turn();
    let mut desktop = TestDesktop::start_with_session(1024, 768);
    let program = session_program(&desktop.home());
    for _ in 0..MANY {
        desktop.spawn(program.to_str().expect("its path is text"), &["600"]);
    }
    let folder = desktop.run_dir().to_str().expect("its path is text").to_owned();
    // What a service manager may know of the session, and what one that is told a display knows.
    let (run_dir, display) = ([("XDG_RUNTIME_DIR", folder.as_str())], [("DISPLAY", desktop.display())]);
    let nothing: [(&str, &str); 0] = [];
    for given in [&nothing[..], &run_dir, &display] {
        let homes = Homes::new();
        let served = Served::start_with(&homes.host(), "auto", &["-v"], given);
        let said = said(&served);
        assert_found(&said, "DISPLAY", desktop.display());
        assert_found(&said, "D-Bus", desktop.session_bus());
        assert_found(&said, "XDG_RUNTIME_DIR", &folder);
        assert!(said.contains(NAME), "{said}");
        assert!(!served.stderr().contains("the desktop session has no"), "{}", served.stderr());
    }
}

#[test]
fn what_such_a_host_has_found_is_what_it_drives() {
    let _turn = turn();
    let mut desktop = TestDesktop::start_with_session(1024, 768);
    let program = session_program(&desktop.home());
    for _ in 0..MANY {
        desktop.spawn(program.to_str().expect("its path is text"), &["600"]);
    }
    let homes = Homes::new();
    let served = Served::start(&homes.host(), "auto", &[]);
    served.pair(&homes.controller());
    run(async {
        let home = Home::open(Some(homes.controller())).unwrap();
        let client = opendesk_tokio::connect(&ConnectOptions { home, peer: PEER.to_owned() }).await.unwrap();
        let manifest = client.capabilities().await.unwrap();
        assert_eq!(manifest.backend, "local/x11");
        for capability in ["display.capture", "input.pointer", "clipboard.read", "windows.list", "ui.tree"] {
            assert!(manifest.capabilities.iter().any(|known| known == capability), "{capability}: {manifest:?}");
        }
        let displays = client.displays().await.unwrap();
        assert_eq!((displays[0].bounds.width, displays[0].bounds.height), (1024.0, 768.0));
        let (action, point) = (PointerAction::Move, Point::new(321.0, 234.0));
        let event = PointerEvent { action, point, button: None, modifiers: vec![], dx: 0.0, dy: 0.0 };
        assert_eq!(client.pointer(&event).await.unwrap(), Effect::Confirmed);
        // What it starts is part of the session.
        let line = "echo \"$DISPLAY $DBUS_SESSION_BUS_ADDRESS $XDG_RUNTIME_DIR\"";
        let shell = ShellParams { command: line.to_owned(), ..ShellParams::default() };
        let told = client.call::<ProcessShell>(&shell).await.unwrap();
        let expected = format!("{} {} {}\n", desktop.display(), desktop.session_bus(), desktop.run_dir().display());
        assert_eq!(String::from_utf8_lossy(&told.stdout), expected);
        client.close().await;
    });
    let place = desktop.run("xdotool", &["getmouselocation"]);
    assert!(place.starts_with("x:321 y:234 "), "{place}");
}

/// The one line of a host that cannot serve.
fn failure(finished: &Finished) -> &str {
    assert_eq!((finished.status.code(), finished.stdout.as_str()), (Some(7), ""), "{finished:?}");
    let line = finished.stderr.lines().last().unwrap_or_default();
    line.strip_prefix("opendesk: ").unwrap_or_else(|| panic!("no line of a failure: {finished:?}"))
}

#[test]
fn the_key_of_a_server_is_found_with_its_display() {
    let _turn = turn();
    let homes = Homes::new();
    let display = server::display();
    let (_server, key) = server::start_with_key(&display, homes.0.path());
    let serve = |backend: &str| -> Command { command(&homes.host(), &[&SERVE[..], &["--backend", backend]].concat()) };

    // The control: nobody there has the key, so the host has it not either.
    let mut keyless = serve("x11");
    keyless.env("DISPLAY", &display);
    let keyless = Running::start(keyless).finish(LIMIT);
    let line = failure(&keyless);
    assert!(line.contains(&display) && line.contains("XAUTHORITY"), "{line}");

    let program = session_program(homes.0.path());
    let programs: Vec<Running> = (0..MANY)
        .map(|_| {
            let mut idle = Command::new(&program);
            idle.arg("600").env_clear().env("DISPLAY", &display).env("XAUTHORITY", &key);
            Running::start(idle)
        })
        .collect();
    let served = Served::start_with(&homes.host(), "auto", &["-v"], &[]);
    let said = said(&served);
    assert_found(&said, "DISPLAY", &display);
    assert_found(&said, "XAUTHORITY", &key);
    served.pair(&homes.controller());
    let picture = homes.0.path().join("picture.png");
    let file = picture.to_str().expect("its path is text");
    let arguments = ["call", "screenshot", "--peer", PEER, "--out", file];
    let shot = Running::start(command(&homes.controller(), &arguments)).finish(LIMIT);
    assert!(shot.status.success(), "{shot:?}");
    assert!(fs::read(&picture).unwrap().starts_with(b"\x89PNG"));
    drop(programs);
}

/// The program where it sees no process but itself, no X server and nobody's folder for sockets.
fn alone(command: &Command) -> Command {
    let hide = "for place in /tmp/.X11-unix /run/user; do \
                if [ -d \"$place\" ]; then mount -t tmpfs none \"$place\" || exit 99; fi; done; exec \"$@\"";
    let mut alone = Command::new("unshare");
    alone
        .args(["--user", "--map-root-user", "--pid", "--fork", "--kill-child", "--mount", "--mount-proc", "--"])
        .args(["sh", "-c", hide, "sh"])
        .arg(command.get_program())
        .args(command.get_args())
        .env_clear()
        .stdin(Stdio::null());
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            alone.env(name, value);
        }
    }
    alone
}

#[test]
fn a_host_that_finds_no_session_says_in_one_line_what_it_lacks() {
    // It is shut off from all other programs, of which there are many here.
    let mut look = Command::new("sh");
    look.args(["-c", "echo /proc/[0-9]*"]).env("PATH", std::env::var_os("PATH").unwrap_or_default());
    let seen = Running::start(alone(&look)).finish(LIMIT);
    assert_eq!((seen.stdout.as_str(), seen.status.success()), ("/proc/1\n", true), "{seen:?}");

    for backend in ["x11", "auto"] {
        let homes = Homes::new();
        let serve = command(&homes.host(), &[&SERVE[..], &["--backend", backend]].concat());
        let tried = Running::start(alone(&serve)).finish(LIMIT);
        let line = failure(&tried);
        assert_eq!(tried.stderr.lines().count(), 1, "{tried:?}");
        for lacking in ["no DISPLAY", "set DISPLAY", "XAUTHORITY", "DBUS_SESSION_BUS_ADDRESS"] {
            assert!(line.contains(lacking), "{lacking}: {line}");
        }
        assert_eq!(line.contains("--backend virtual"), backend == "auto", "{line}");
    }
}

#[test]
fn a_display_that_is_not_there_is_named() {
    let homes = Homes::new();
    let mut serve = command(&homes.host(), &[&SERVE[..], &["--backend", "auto"]].concat());
    serve.env("DISPLAY", ":4242");
    let tried = Running::start(serve).finish(LIMIT);
    let line = failure(&tried);
    assert!(line.contains(":4242") && line.contains("check that it runs"), "{line}");
}

/// What the Python package installed ended at once while nobody was paired, and was started again for ever.
#[test]
fn w45_the_unit_starts_a_host_that_finds_the_session_and_stays_while_nobody_is_paired() {
    let _turn = turn();
    let mut desktop = TestDesktop::start_with_session(800, 600);
    let program = session_program(&desktop.home());
    for _ in 0..MANY {
        desktop.spawn(program.to_str().expect("its path is text"), &["600"]);
    }
    let homes = Homes::new();
    let home = homes.0.path().join("a home");
    let opendesk = |args: &[&str]| Running::start(command(&home, args)).finish(LIMIT);
    let install = ["install-service", "--dry-run", "--json", "-v", "--host", "127.0.0.1", "--port", "0"];
    let shown: Value = serde_json::from_str(&opendesk(&install).stdout).unwrap();
    // As the manager of a user starts it: in a session without a terminal, and with next to no environment.
    let mut start = Command::new("/usr/bin/setsid");
    start.args(exec_start(shown["text"].as_str().unwrap())).stdin(Stdio::null());
    start.env_clear().env("HOME", homes.0.path()).env("XDG_RUNTIME_DIR", desktop.run_dir());
    let mut host = Running::start(start);
    let line = host.first_line();
    assert!(line.starts_with("listening on 127.0.0.1:"), "{line}");
    assert!(host.stderr().contains(&format!("DISPLAY {} ", desktop.display())), "{}", host.stderr());

    // A code that nobody takes is over, and the host still answers.
    let pairing = opendesk(&["pair", "--code", "482913", "--timeout", "1"]);
    assert!(!pairing.status.success(), "{pairing:?}");
    assert_eq!(opendesk(&["peers", "--json"]).stdout.trim(), "[]");
    let sessions = opendesk(&["sessions"]);
    assert!(sessions.status.success(), "{sessions:?}: {}", host.stderr());

    host.signal("TERM");
    let ended = host.finish(LIMIT);
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
}

/// A host that waits for a display which is not there.
fn waiting(homes: &Homes, display: &str) -> Running {
    let arguments = [&SERVE[..], &["--backend", "x11", "--wait-for-desktop"]].concat();
    let mut serve = command(&homes.host(), &arguments);
    serve.env("DISPLAY", display);
    let host = Running::start(serve);
    wait_until("it says that it waits", || host.stderr().contains("waiting for a desktop: "));
    host
}

#[test]
fn a_host_that_was_started_before_the_session_serves_the_one_that_comes() {
    let homes = Homes::new();
    let display = server::display();
    let mut host = waiting(&homes, &display);
    let _server = server::start(&display);
    let mut manager = Command::new("openbox");
    manager.arg("--sm-disable").env("DISPLAY", &display).env("HOME", homes.0.path());
    let _manager = Running::start(manager);
    let line = host.first_line();
    assert!(line.starts_with("listening on 127.0.0.1:"), "{line}");
}

#[test]
fn a_host_that_waits_ends_when_it_is_asked_to() {
    let homes = Homes::new();
    let host = waiting(&homes, &server::display());
    host.signal("TERM");
    let ended = host.finish(LIMIT);
    assert_eq!((ended.status.code(), ended.stdout.as_str()), (Some(0), ""), "{ended:?}");
}
