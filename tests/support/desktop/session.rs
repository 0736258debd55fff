//! What a person's session has besides a screen: a message bus, and accessibility on it.

use std::fs;

use super::{TestDesktop, create};

/// Debian's place for it; it is on nobody's `PATH`.
const ACCESSIBILITY: &str = "/usr/libexec/at-spi-bus-launcher";

impl TestDesktop {
    /// Starts a desktop as [`start`](Self::start) does, with a session bus of its own, which is also found at `bus` in
    /// the runtime directory, and with accessibility, switched on before any program asks for it.
    ///
    /// # Panics
    /// When it cannot be started; the line names the program that is missing.
    #[must_use]
    pub fn start_with_session(width: u16, height: u16) -> Self {
        let mut desktop = Self::start(width, height);
        desktop.start_bus();
        desktop.start_accessibility();
        desktop
    }

    /// The address of the session bus.
    ///
    /// # Panics
    /// When the desktop has none.
    #[must_use]
    pub fn session_bus(&self) -> &str {
        self.bus().expect("this desktop was started with a session bus")
    }

    /// The same, if there is one.
    #[must_use]
    pub fn bus(&self) -> Option<&str> {
        Some(self.bus.as_str()).filter(|bus| !bus.is_empty())
    }

    fn start_bus(&mut self) {
        let printed = self.folder.join("bus-address");
        let mut daemon = self.command("dbus-daemon");
        let address = format!("--address=unix:path={}", self.run_dir().join("bus").display());
        daemon.args(["--session", "--nofork", "--nopidfile", "--print-address=1", &address]);
        self.start_child(daemon, Some(create(&printed)));
        self.bus = self.await_started("dbus-daemon", |_| {
            let written = fs::read_to_string(&printed).ok()?;
            written.strip_suffix('\n').map(|line| line.trim().to_owned())
        });
    }

    fn start_accessibility(&mut self) {
        let mut launcher = self.command(ACCESSIBILITY);
        launcher.arg("--launch-immediately");
        self.start_child(launcher, None);
        // A question to its name would have the bus start a second one, as long as this one does not have the name.
        self.await_started("at-spi-bus-launcher", |desktop| {
            let owned = desktop.ask_bus("org.freedesktop.DBus.NameHasOwner", &["org.a11y.Bus"]);
            (owned? == "(true,)").then_some(())
        });
        self.await_started("at-spi-bus-launcher", |desktop| {
            let enable = ["org.a11y.Status", "IsEnabled", "<true>"];
            desktop.call_bus("org.a11y.Bus", "/org/a11y/bus", "org.freedesktop.DBus.Properties.Set", &enable)
        });
    }

    /// Asks the bus itself.
    fn ask_bus(&self, method: &str, args: &[&str]) -> Option<String> {
        self.call_bus("org.freedesktop.DBus", "/org/freedesktop/DBus", method, args)
    }

    /// Calls a method on the session bus and gives its result as `gdbus` prints it; `None` when it failed.
    fn call_bus(&self, name: &str, path: &str, method: &str, args: &[&str]) -> Option<String> {
        let call = ["call", "--session", "--dest", name, "--object-path", path, "--method", method];
        let (status, stdout, _) = self.output("gdbus", &[&call, args].concat());
        status.success().then(|| stdout.trim().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::thread;
    use std::time::Instant;

    use super::super::processes::Kin;
    use super::super::{Browser, Form, PATIENCE, POLL};
    use super::*;

    fn names(processes: &[u32]) -> Vec<String> {
        let name = |process| fs::read_to_string(Path::new("/proc").join(format!("{process}/comm")));
        let mut names: Vec<String> =
            processes.iter().filter_map(|process| Some(name(process).ok()?.trim().to_owned())).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn everything_that_a_session_starts_ends_with_it() {
        let mut desktop = TestDesktop::start_with_session(800, 600);
        let _form = Form::start(&mut desktop);
        let browser = Browser::start(&mut desktop);
        // It has lost its mark, and its helpers are no children of ours.
        let kin = Kin::new(vec![browser.process()], &desktop.run_dir());
        let start = Instant::now();
        // The registry is started by the bus when a program first looks for it.
        while !names(&kin.left()).contains(&"at-spi2-registr".to_owned()) {
            assert!(start.elapsed() < PATIENCE, "{:?}", names(&kin.left()));
            thread::sleep(POLL);
        }
        let there = kin.left();
        let named = names(&there);
        for name in ["Xvfb", "openbox", "dbus-daemon", "at-spi-bus-laun", "python3"] {
            assert!(named.iter().any(|there| there == name), "{name} is not among {named:?}");
        }
        drop(desktop);
        let left = kin.left();
        assert!(left.is_empty(), "{:?}", names(&left));
    }

    #[test]
    fn programs_see_the_bus_and_accessibility_is_on() {
        let desktop = TestDesktop::start_with_session(640, 480);
        assert!(desktop.session_bus().starts_with("unix:path="), "{}", desktop.session_bus());
        let read = ["org.a11y.Status", "IsEnabled"];
        let on = desktop.call_bus("org.a11y.Bus", "/org/a11y/bus", "org.freedesktop.DBus.Properties.Get", &read);
        assert_eq!(on.as_deref(), Some("(<true>,)"));
        let found =
            desktop.run("sh", &["-c", "test -S \"$XDG_RUNTIME_DIR/bus\" && echo \"$DBUS_SESSION_BUS_ADDRESS\""]);
        assert_eq!(found.trim(), desktop.session_bus());
    }
}
