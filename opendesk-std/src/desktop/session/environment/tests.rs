use std::os::unix::net::UnixListener;

use super::*;

/// A machine in a temporary folder.
struct Fake {
    folder: tempfile::TempDir,
    user: u32,
    own: BTreeMap<&'static str, OsString>,
}

impl Fake {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["proc", "tmp/.X11-unix", "run", "home"] {
            fs::create_dir_all(folder.path().join(name)).unwrap();
        }
        let user = fs::metadata(folder.path()).unwrap().uid();
        Self { folder, user, own: BTreeMap::new() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    fn own(&mut self, name: &'static str, value: &str) -> &mut Self {
        self.own.insert(name, value.into());
        self
    }

    fn server(&self, number: u32) {
        // The socket stays when nobody listens any more.
        drop(UnixListener::bind(self.path(&format!("tmp/.X11-unix/X{number}"))).unwrap());
    }

    fn process(&self, pid: u32, name: &str, variables: &[(&str, &str)]) {
        let folder = self.path(&format!("proc/{pid}"));
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("comm"), format!("{name}\n")).unwrap();
        fs::write(folder.join("status"), format!("Name:\t{name}\nUid:\t{0}\t{0}\t{0}\t{0}\n", self.user)).unwrap();
        let variables: String = variables.iter().map(|(name, value)| format!("{name}={value}\0")).collect();
        fs::write(folder.join("environ"), variables).unwrap();
    }

    fn find_for(&self, display: Option<&str>, bus: Option<&str>) -> SessionEnvironment {
        let machine = Machine {
            proc: &self.path("proc"),
            tmp: &self.path("tmp"),
            run: &self.path("run"),
            user: self.user,
            own: &|name| self.own.get(name).cloned(),
        };
        machine.session(display, bus)
    }

    fn find(&self) -> SessionEnvironment {
        self.find_for(None, None)
    }
}

fn process(pid: u32, name: &str) -> Option<Source> {
    Some(Source::Process { pid, name: name.to_owned() })
}

fn given(name: &str, value: &str) -> Variable {
    (name.into(), Some(value.into()))
}

#[test]
fn our_own_environment_comes_first() {
    let mut fake = Fake::new();
    fake.server(0);
    fake.process(10, "openbox", &[("DISPLAY", ":0"), ("DBUS_SESSION_BUS_ADDRESS", "unix:abstract=other")]);
    fake.own("DISPLAY", ":0.0").own("DBUS_SESSION_BUS_ADDRESS", "unix:abstract=own").own("XAUTHORITY", "/own");
    let found = fake.find();
    assert_eq!(found.display.as_deref(), Some(":0.0"));
    assert_eq!(found.session_bus.as_deref(), Some("unix:abstract=own"));
    assert_eq!(found.authority, Some(PathBuf::from("/own")));
    assert_eq!(found.source.session_bus, Some(Source::Environment));
    assert!(found.variables().is_empty(), "{:?}", found.variables());
    assert_eq!(found.lacking(), None);
}

#[test]
fn what_is_missing_is_found_in_the_processes_of_the_session() {
    let mut fake = Fake::new();
    fake.server(7);
    fs::write(fake.path("key"), "").unwrap();
    let key = fake.text("key");
    fake.process(5, "cron", &[("HOME", "/")]);
    fake.process(9, "xterm", &[("DISPLAY", ":7"), ("LANG", "C")]);
    fake.process(
        12,
        "xfce4-session",
        &[
            ("DISPLAY", ":7"),
            ("XAUTHORITY", &key),
            ("DBUS_SESSION_BUS_ADDRESS", "unix:abstract=a"),
            ("LANG", "de_DE.UTF-8"),
            ("SECRET", "no"),
        ],
    );
    fake.own("LANG", "C.UTF-8");
    let found = fake.find();
    assert_eq!(found.display.as_deref(), Some(":7"));
    assert_eq!(found.source.display, process(12, "xfce4-session"));
    assert_eq!(found.authority, Some(PathBuf::from(key.clone())));
    assert_eq!(found.session_bus.as_deref(), Some("unix:abstract=a"));
    let expected = [("DISPLAY", ":7"), ("XAUTHORITY", &key), ("DBUS_SESSION_BUS_ADDRESS", "unix:abstract=a")];
    assert_eq!(found.variables(), expected.map(|(name, value)| given(name, value)));
    let line = found.explain();
    assert!(line.contains("DISPLAY :7 from xfce4-session (process 12), XAUTHORITY"), "{line}");
    assert!(line.contains("from there, too") && line.lines().count() == 1, "{line}");
}

#[test]
fn a_display_without_a_server_and_a_display_elsewhere_are_no_evidence() {
    let fake = Fake::new();
    fake.server(1);
    fake.process(3, "openbox", &[("DISPLAY", ":0")]);
    fake.process(4, "openbox", &[("DISPLAY", "localhost:10.0")]);
    fake.process(5, "xterm", &[("DISPLAY", ":1")]);
    assert_eq!(fake.find().source.display, process(5, "xterm"));
}

#[test]
fn of_several_displays_the_one_that_a_desktop_runs_on_is_taken() {
    let fake = Fake::new();
    for number in [0, 1, 2] {
        fake.server(number);
    }
    for pid in 10..15 {
        fake.process(pid, "xterm", &[("DISPLAY", ":0")]);
    }
    fake.process(20, "xterm", &[("DISPLAY", ":2")]);
    fake.process(21, "gnome-shell", &[("DISPLAY", ":2")]);
    fake.process(30, "gnome-shell", &[("DISPLAY", ":1")]);
    assert_eq!(fake.find().display.as_deref(), Some(":2"), "a desktop and one program more");
    fs::remove_dir_all(fake.path("proc/20")).unwrap();
    assert_eq!(fake.find().display.as_deref(), Some(":1"), "the lowest of equals");
}

#[test]
fn processes_of_other_users_are_not_looked_at() {
    let mut fake = Fake::new();
    fake.process(3, "openbox", &[("DISPLAY", ":0")]);
    fake.process(4, "openbox", &[("DISPLAY", ":0")]);
    // A program of another user who lent it to ours.
    fs::write(fake.path("proc/4/status"), format!("Uid:\t1\t{0}\t{0}\t{0}\n", fake.user)).unwrap();
    fake.server(0);
    assert_eq!(fake.find().source.display, process(3, "openbox"));
    fake.user += 1;
    let source = fake.find().source.display;
    assert!(!matches!(source, Some(Source::Process { .. })), "{source:?}");
}

#[test]
fn a_given_display_has_its_own_session() {
    let mut fake = Fake::new();
    fake.server(0);
    fake.server(5);
    fake.own("DISPLAY", ":0").own("DBUS_SESSION_BUS_ADDRESS", "unix:abstract=own").own("HOME", "/ours");
    fake.process(8, "openbox", &[("DISPLAY", ":5"), ("HOME", "/theirs")]);
    let found = fake.find_for(Some(":5"), None);
    assert_eq!((found.display.as_deref(), &found.source.display), (Some(":5"), &Some(Source::Given)));
    assert_eq!(found.session_bus, None);
    assert_eq!(found.text("HOME"), Some("/theirs"));
    assert!(found.variables().contains(&given("DISPLAY", ":5")));
    assert!(found.variables().contains(&given("HOME", "/theirs")));
    assert!(found.lacking().unwrap().contains("DBUS_SESSION_BUS_ADDRESS"));

    let found = fake.find_for(Some(":5"), Some("unix:abstract=given"));
    assert_eq!(found.session_bus.as_deref(), Some("unix:abstract=given"));
    assert_eq!(found.lacking(), None);

    let found = fake.find_for(Some(":0.0"), None);
    assert_eq!(found.session_bus.as_deref(), Some("unix:abstract=own"));
    assert_eq!(found.text("HOME"), Some("/ours"));
}

#[test]
fn what_says_that_we_are_in_another_session_is_taken_away() {
    let mut fake = Fake::new();
    fake.server(0);
    fake.server(5);
    fake.server(6);
    let own = [
        ("DISPLAY", ":0"),
        ("DBUS_SESSION_BUS_ADDRESS", "unix:abstract=own"),
        ("WAYLAND_DISPLAY", "wayland-0"),
        ("XDG_CURRENT_DESKTOP", "GNOME"),
        ("XDG_SESSION_ID", "2"),
        ("XDG_RUNTIME_DIR", "/run/ours"),
        ("LANG", "C"),
    ];
    for (name, value) in own {
        fake.own(name, value);
    }
    fake.process(8, "openbox", &[("DISPLAY", ":5"), ("XDG_SESSION_ID", "7")]);
    let taken = |found: &SessionEnvironment| -> Vec<OsString> {
        found.variables().into_iter().filter(|(_, value)| value.is_none()).map(|(name, _)| name).collect()
    };
    let found = fake.find_for(Some(":5"), None);
    assert_eq!(taken(&found), ["DBUS_SESSION_BUS_ADDRESS", "WAYLAND_DISPLAY", "XDG_CURRENT_DESKTOP"]);
    assert!(found.variables().contains(&given("XDG_SESSION_ID", "7")));
    let found = fake.find_for(Some(":5"), Some("unix:abstract=given"));
    assert_eq!(taken(&found), ["WAYLAND_DISPLAY", "XDG_CURRENT_DESKTOP"]);
    // Nobody tells of this one.
    let found = fake.find_for(Some(":6"), Some("unix:abstract=given"));
    assert_eq!(taken(&found), ["WAYLAND_DISPLAY", "XDG_CURRENT_DESKTOP", "XDG_SESSION_ID"]);
    assert!(taken(&fake.find()).is_empty() && taken(&fake.find_for(Some(":0.0"), None)).is_empty());
}

#[test]
fn a_pipe_is_no_key() {
    let fake = Fake::new();
    fake.server(3);
    crate::desktop::session::plain::pipe(&fake.path("pipe"));
    crate::desktop::session::plain::pipe(&fake.path("tmp/.X3-lock"));
    crate::desktop::session::plain::pipe(&fake.path("home/.Xauthority"));
    let (pipe, home) = (fake.text("pipe"), fake.text("home"));
    assert_eq!(fake.find().display.as_deref(), Some(":3"));
    fake.process(3, "xterm", &[("DISPLAY", ":3"), ("XAUTHORITY", &pipe), ("HOME", &home)]);
    assert_eq!(fake.find().authority, None);
}

#[test]
fn the_bus_and_the_key_are_found_where_they_usually_lie() {
    let mut fake = Fake::new();
    fake.server(3);
    fake.process(3, "xterm", &[("DISPLAY", ":3"), ("DBUS_SESSION_BUS_ADDRESS", "unix:path=/not/there,guid=1")]);
    let run = fake.path(&format!("run/{}", fake.user));
    fs::create_dir_all(run.join("gdm")).unwrap();
    drop(UnixListener::bind(run.join("bus")).unwrap());
    let home = fake.text("home");
    fake.own("HOME", &home);
    let key = |display| authority::written(256, b"here", display, b"MIT-MAGIC-COOKIE-1", b"secret");
    fs::write(fake.path("home/.Xauthority"), key("9")).unwrap();
    fs::write(run.join("gdm/Xauthority"), key("8")).unwrap();
    fs::write(run.join("xauth_abc"), key("3")).unwrap();
    let found = fake.find();
    assert_eq!(found.authority, Some(run.join("xauth_abc")));
    assert_eq!(found.runtime_dir, Some(run.clone()));
    assert_eq!(found.session_bus, Some(format!("unix:path={}", run.join("bus").display())));
    assert!(!found.explain().contains("secret"));
    fs::write(fake.path("home/.Xauthority"), key("3")).unwrap();
    assert_eq!(fake.find().authority, Some(fake.path("home/.Xauthority")));
}

#[test]
fn a_server_without_processes_is_still_found() {
    let fake = Fake::new();
    for number in [1, 4, 6] {
        fake.server(number);
    }
    fs::write(fake.path("tmp/.X11-unix/X0"), "no socket").unwrap();
    assert_eq!(fake.find().display.as_deref(), Some(":1"));
    // The others were left behind.
    fs::write(fake.path("tmp/.X4-lock"), "        44\n").unwrap();
    fs::create_dir(fake.path("proc/44")).unwrap();
    let found = fake.find();
    assert_eq!(found.display.as_deref(), Some(":4"));
    assert!(found.explain().contains("X4"), "{}", found.explain());
}

#[test]
fn what_is_lacking_is_said() {
    let found = Fake::new().find();
    assert_eq!(found.display, None);
    assert_eq!(found.explain(), "the desktop session: nothing was found");
    let line = found.lacking().unwrap();
    for word in ["DISPLAY", "XAUTHORITY", "DBUS_SESSION_BUS_ADDRESS"] {
        assert!(line.contains(word), "{line}");
    }
    assert_eq!(line.lines().count(), 1);
}
