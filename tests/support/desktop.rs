//! A real X desktop for one test: its own Xvfb on a display number that is free, openbox, and the programs that the
//! test starts. Only what was started here is ended, and all of it is ended when the value is dropped, also what these
//! programs started. A desktop whose test fails leaves a picture of itself in `target/failures`.

#[path = "desktop/browser.rs"]
mod browser;
#[path = "desktop/failure.rs"]
mod failure;
#[path = "desktop/form.rs"]
mod form;
#[path = "desktop/monitors.rs"]
mod monitors;
#[path = "desktop/processes.rs"]
mod processes;
#[path = "desktop/session.rs"]
mod session;

use core::sync::atomic::{AtomicU32, Ordering};
use core::time::Duration;
use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File};
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Instant;
use std::{env, process};

pub use browser::Browser;
pub use form::Form;
use processes::Kin;

/// How often something that is awaited is looked at.
pub const POLL: Duration = Duration::from_millis(10);
/// Far longer than any program here takes to start or to do its work. A machine that was just set up reads each of them
/// from a slow disk for the first time: an X server, a window manager and one program have taken 80 s there.
pub const PATIENCE: Duration = Duration::from_secs(180);
/// Debian's own Python: it has the modules of Debian's packages, and another one may come first on the `PATH`.
pub const PYTHON: &str = "/usr/bin/python3";
/// How long a program may take to end when it is asked to, before it is ended.
const END: Duration = Duration::from_secs(2);

static NEXT_FOLDER: AtomicU32 = AtomicU32::new(0);

/// A running X server and window manager, with a home directory that is removed at the end.
#[derive(Debug)]
pub struct TestDesktop {
    folder: PathBuf,
    display: String,
    /// The address of the session bus, if there is one.
    bus: String,
    /// In the order in which they were started; they are ended in the reverse one.
    children: Vec<Child>,
    logs: u32,
}

impl TestDesktop {
    /// Starts a desktop with one screen of this many pixels, 24 bits deep, and waits until its window manager works.
    ///
    /// # Panics
    /// When it cannot be started; the line names the program that is missing.
    #[must_use]
    pub fn start(width: u16, height: u16) -> Self {
        let mut desktop = Self::start_server(width, height);
        desktop.start_manager();
        desktop
    }

    fn start_server(width: u16, height: u16) -> Self {
        let (display, bus) = (String::new(), String::new());
        let mut desktop = Self { folder: make_folder(), display, bus, children: Vec::new(), logs: 0 };
        let screen = format!("{width}x{height}x24");
        let number = desktop.folder.join("display");
        let mut server = desktop.command("Xvfb");
        server.args(["-displayfd", "1", "-screen", "0", &screen, "-dpi", "96", "-nolisten", "tcp", "-noreset", "-ac"]);
        desktop.start_child(server, Some(create(&number)));
        desktop.display = desktop.await_started("Xvfb", |_| {
            let written = fs::read_to_string(&number).ok()?;
            Some(format!(":{}", written.strip_suffix('\n')?.trim()))
        });
        desktop
    }

    fn start_manager(&mut self) {
        let mut manager = self.command("openbox");
        manager.arg("--sm-disable");
        self.start_child(manager, None);
        self.await_started("openbox", Self::manages);
    }

    /// Whether the window manager carries out what it is asked. One that only says that it is there has yet to look
    /// around, and never shows a window that comes up in between.
    fn manages(&self) -> Option<()> {
        // A number of workspaces that no configuration has.
        self.output("wmctrl", &["-n", "7"]);
        self.output("xprop", &["-root", "_NET_NUMBER_OF_DESKTOPS"]).1.trim().ends_with("= 7").then_some(())
    }

    /// The display as programs take it: `:5`.
    #[must_use]
    pub fn display(&self) -> &str {
        &self.display
    }

    /// The home directory of the programs on this desktop; it goes with it.
    #[must_use]
    pub fn home(&self) -> PathBuf {
        self.folder.join("home")
    }

    /// The runtime directory of the programs on this desktop, `XDG_RUNTIME_DIR`.
    #[must_use]
    pub fn run_dir(&self) -> PathBuf {
        self.folder.join("run")
    }

    /// A command that sees this desktop and nothing else of the environment but `PATH`.
    #[must_use]
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", env::var_os("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into()))
            .env("HOME", self.home())
            .env("XDG_DATA_HOME", self.home().join(".local/share"))
            .env("XDG_RUNTIME_DIR", self.run_dir())
            .env("XDG_SESSION_TYPE", "x11")
            .env("SHELL", "/bin/sh")
            .env("LANG", "C.UTF-8")
            .env("LC_ALL", "C.UTF-8")
            .current_dir(self.home())
            .stdin(Stdio::null());
        if !self.display.is_empty() {
            command.env("DISPLAY", &self.display);
        }
        if !self.bus.is_empty() {
            command.env("DBUS_SESSION_BUS_ADDRESS", &self.bus).env("GTK_MODULES", "gail:atk-bridge");
        }
        command
    }

    /// Starts a program that is ended with the desktop, together with what it starts, and gives its process id.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn spawn(&mut self, program: &str, args: &[&str]) -> u32 {
        let mut command = self.command(program);
        // What it starts is in its group. The X server, the window manager and the buses stay in the group of the
        // tests, which a person's Ctrl-C ends, and with them the programs.
        command.args(args).process_group(0);
        self.start_child(command, None)
    }

    /// Runs a program to its end and gives what it wrote to its standard output.
    ///
    /// # Panics
    /// When it cannot be started, fails, or runs for longer than [`PATIENCE`].
    pub fn run(&self, program: &str, args: &[&str]) -> String {
        let (status, stdout, stderr) = self.output(program, args);
        assert!(status.success(), "{program} {args:?} on {}: {status}: {stderr}", self.display);
        stdout
    }

    /// Waits until a visible window has this text in its title, brings it to the front, waits until it has the
    /// keyboard, and gives its X11 identifier.
    ///
    /// # Panics
    /// When that has not happened within [`PATIENCE`]; the lines list the windows that
    /// are there and the programs that are not.
    pub fn wait_for_window(&mut self, title: &str) -> u32 {
        let pattern = literal(title);
        let start = Instant::now();
        let mut found = Vec::new();
        for attempt in 0_usize.. {
            let search = self.output("xdotool", &["search", "--onlyvisible", "--name", &pattern]).1;
            found = search.lines().filter_map(|line| line.trim().parse::<u32>().ok()).collect();
            if let Some(front) = self.answer("getactivewindow")
                && found.contains(&front)
                && self.answer("getwindowfocus") == Some(front)
            {
                return front;
            }
            if start.elapsed() >= PATIENCE {
                break;
            }
            // Programs may have helper windows of the same title that never become active: each in turn.
            if let Some(window) = found.get(attempt % found.len().max(1)) {
                self.output("xdotool", &["windowactivate", &window.to_string()]);
            }
            thread::sleep(POLL);
        }
        let windows = self.output("wmctrl", &["-l"]).1;
        let how = if found.is_empty() { "is visible" } else { "was given the keyboard" };
        let (display, ended) = (self.display.clone(), self.ended());
        panic!(
            "no window with `{title}` in its title {how} on {display} after {PATIENCE:?}; there are:\n{windows}\n{ended}"
        )
    }

    /// The programs that have ended, with what they said.
    fn ended(&mut self) -> String {
        let logs: Vec<String> = (1..=self.logs).map(|number| text(&self.log(number))).collect();
        let over = self.children.iter_mut().zip(logs).filter_map(|(child, log)| {
            let status = child.try_wait().ok().flatten()?;
            Some(format!("process {} has ended: {status}: {log}\n", child.id()))
        });
        over.collect()
    }

    /// What xdotool tells of one window, if it does.
    fn answer(&self, question: &str) -> Option<u32> {
        self.output("xdotool", &[question]).1.trim().parse().ok()
    }

    /// Runs a program and gives how it ended and what it wrote. Files take its output, not pipes: a program such as
    /// xclip leaves a child behind that would keep a pipe open.
    fn output(&self, program: &str, args: &[&str]) -> (ExitStatus, String, String) {
        let folder = self.folder.join(format!("tool-{}", NEXT_FOLDER.fetch_add(1, Ordering::Relaxed)));
        make(&folder);
        let (out, err) = (folder.join("out"), folder.join("err"));
        let mut command = self.command(program);
        command.args(args).stdout(create(&out)).stderr(create(&err));
        let mut child = spawned(&mut command);
        let status = wait(&mut child, PATIENCE).unwrap_or_else(|| {
            end(&mut child);
            panic!("{program} {args:?} on {} ran for longer than {PATIENCE:?}", self.display)
        });
        let output = (status, text(&out), text(&err));
        // What a tool wrote is of no use any more; if it stays, it goes with the desktop.
        let _removed = fs::remove_dir_all(&folder).is_ok();
        output
    }

    /// Starts a child that lives as long as the desktop and gives its process id. What it writes goes into a file of
    /// its own, its standard output into another one if that is given.
    fn start_child(&mut self, mut command: Command, stdout: Option<File>) -> u32 {
        self.logs += 1;
        let log = create(&self.log(self.logs));
        let stdout = stdout.unwrap_or_else(|| log.try_clone().expect("an open file can be shared"));
        let child = spawned(command.stdout(stdout).stderr(log));
        let id = child.id();
        self.children.push(child);
        id
    }

    fn log(&self, number: u32) -> PathBuf {
        self.folder.join(format!("child-{number}.log"))
    }

    /// Waits until the child that was started last is ready.
    fn await_started<T>(&mut self, program: &str, ready: impl Fn(&Self) -> Option<T>) -> T {
        let start = Instant::now();
        let runs = |desktop: &mut Self| desktop.children.last_mut().is_some_and(|child| !has_ended(child));
        while start.elapsed() < PATIENCE && runs(self) {
            if let Some(answer) = ready(self) {
                return answer;
            }
            thread::sleep(POLL);
        }
        panic!("{program} did not start: {}", text(&self.log(self.logs)))
    }
}

impl Drop for TestDesktop {
    fn drop(&mut self) {
        if thread::panicking() && !self.display.is_empty() {
            failure::keep_picture(&self.display);
        }
        let kin = Kin::new(self.children.iter().map(Child::id).collect(), &self.run_dir());
        for mut child in self.children.drain(..).rev() {
            end(&mut child);
        }
        kin.end();
        // A drop cannot report anything, and what is left behind is in the system's folder for temporary files.
        let _removed = fs::remove_dir_all(&self.folder).is_ok();
    }
}

/// A new folder that only this user may read, with a home and a runtime directory in it.
fn make_folder() -> PathBuf {
    let number = NEXT_FOLDER.fetch_add(1, Ordering::Relaxed);
    let folder = env::temp_dir().join(format!("opendesk-desktop-{}-{number}", process::id()));
    for path in [folder.clone(), folder.join("home"), folder.join("run")] {
        make(&path);
    }
    folder
}

fn make(folder: &Path) {
    DirBuilder::new().mode(0o700).create(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
}

pub(crate) fn create(path: &Path) -> File {
    File::create(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

pub(crate) fn text(path: &Path) -> String {
    fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

pub(crate) fn spawned(command: &mut Command) -> Child {
    command.spawn().unwrap_or_else(|error| {
        let program = command.get_program().to_string_lossy();
        panic!("{program} could not be started ({error}); `cargo ci setup` installs what the tests need")
    })
}

/// The path of a program or page of `tests/desktop/programs`.
pub fn program(name: &str) -> String {
    format!("{}/desktop/programs/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// Waits until something is there.
///
/// # Panics
/// When it is not within [`PATIENCE`].
pub(crate) fn await_until<T>(what: &str, mut ready: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(answer) = ready() {
            return answer;
        }
        assert!(start.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}");
        thread::sleep(POLL);
    }
}

/// Waits for a child's end, up to a limit.
pub(crate) fn wait(child: &mut Child, limit: Duration) -> Option<ExitStatus> {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("a child can be waited for") {
            return Some(status);
        }
        if start.elapsed() >= limit {
            return None;
        }
        thread::sleep(POLL);
    }
}

pub(crate) fn has_ended(child: &mut Child) -> bool {
    child.try_wait().is_ok_and(|status| status.is_some())
}

/// Asks a child to end and, when it does not, ends it. Until it has been waited for, its process id is its own.
pub(crate) fn end(child: &mut Child) {
    if has_ended(child) {
        return;
    }
    let asked = Command::new("sh")
        .args(["-c", "kill -TERM \"$1\"", "sh", &child.id().to_string()])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    let start = Instant::now();
    while asked && start.elapsed() < END {
        if has_ended(child) {
            return;
        }
        thread::sleep(POLL);
    }
    let _already_gone = child.kill().is_err();
    let _status = child.wait().is_ok();
}

/// The regular expression that stands for just this text.
fn literal(text: &str) -> String {
    let mut pattern = String::new();
    for letter in text.chars() {
        if r"\.[]{}()*+?^$|".contains(letter) {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_found_by_its_title_and_everything_ends_with_the_desktop() {
        let mut desktop = TestDesktop::start(640, 480);
        let folder = desktop.folder.clone();
        let process = desktop.spawn("xterm", &["-title", "a (test) window", "-e", "cat"]);
        let window = desktop.wait_for_window("(test)");
        let listed = desktop.run("xdotool", &["getwindowname", &window.to_string()]);
        assert_eq!(listed.trim(), "a (test) window");
        let display = desktop.display().to_owned();
        drop(desktop);
        assert!(!Path::new(&format!("/proc/{process}")).exists(), "xterm is still there");
        assert!(!folder.exists(), "{} is still there", folder.display());
        let gone = Command::new("xprop").args(["-display", &display, "-root"]).output().expect("xprop starts");
        assert!(!gone.status.success(), "{display} is still there");
    }

    #[test]
    fn a_window_is_shown_however_slowly_the_window_manager_starts() {
        let mut desktop = TestDesktop::start(640, 480);
        let manager = desktop.children[1].id().to_string();
        let signal = |name: &str| {
            let sent = Command::new("sh").args(["-c", "kill \"$1\" \"$2\"", "sh", name, &manager]).status();
            assert!(sent.is_ok_and(|status| status.success()), "{name}");
        };
        signal("-STOP");
        desktop.spawn("xterm", &["-title", "early", "-e", "cat"]);
        let created = || desktop.output("xwininfo", &["-name", "early"]).0.success();
        let start = Instant::now();
        while !created() {
            assert!(start.elapsed() < PATIENCE, "xterm makes its window");
            thread::sleep(POLL);
        }
        signal("-CONT");
        desktop.wait_for_window("early");
    }

    #[test]
    fn two_desktops_do_not_meet() {
        let (first, second) = (TestDesktop::start(320, 200), TestDesktop::start(320, 200));
        assert_ne!(first.display(), second.display());
    }

    #[test]
    fn a_title_is_no_pattern() {
        assert_eq!(literal("a.b (c)*"), r"a\.b \(c\)\*");
    }
}
