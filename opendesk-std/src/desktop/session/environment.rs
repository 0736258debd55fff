//! The environment of the session that a display belongs to, also for a program that was not started in it.

mod report;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use super::authority;
use super::plain::plain;
use super::witness::{self, Witness};
use crate::os::command::Variable;

const DISPLAY: &str = "DISPLAY";
const AUTHORITY: &str = "XAUTHORITY";
const SESSION_BUS: &str = "DBUS_SESSION_BUS_ADDRESS";
const RUNTIME_DIR: &str = "XDG_RUNTIME_DIR";

/// What else a program needs to behave as one that a person started: language, folders, what the desktop is.
const OTHERS: [&str; 19] = [
    "DESKTOP_SESSION",
    "GTK_IM_MODULE",
    "HOME",
    "LANG",
    "LANGUAGE",
    "LC_ALL",
    "LC_CTYPE",
    "LC_MESSAGES",
    "PATH",
    "QT_IM_MODULE",
    "XDG_CONFIG_DIRS",
    "XDG_CONFIG_HOME",
    "XDG_CURRENT_DESKTOP",
    "XDG_DATA_DIRS",
    "XDG_DATA_HOME",
    "XDG_SESSION_DESKTOP",
    "XDG_SESSION_ID",
    "XDG_SESSION_TYPE",
    "XMODIFIERS",
];

/// What says which session a program is in. What our own environment has of these is of no use in another session, or
/// leads back to ours. The folder for sockets is not among them: it is of the user.
const IDENTITY: [&str; 12] = [
    DISPLAY,
    AUTHORITY,
    SESSION_BUS,
    "AT_SPI_BUS_ADDRESS",
    "DESKTOP_SESSION",
    "WAYLAND_DISPLAY",
    "XDG_CURRENT_DESKTOP",
    "XDG_SEAT_PATH",
    "XDG_SESSION_DESKTOP",
    "XDG_SESSION_ID",
    "XDG_SESSION_PATH",
    "XDG_SESSION_TYPE",
];

/// What a program needs to be part of a desktop session, from wherever it could be found. Nothing of it is put into
/// our own environment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SessionEnvironment {
    /// The X display, such as `:0`.
    pub display: Option<String>,
    /// The file with the display's key. Without one the X server asks for none, or it is where X libraries look.
    pub authority: Option<PathBuf>,
    /// The address of the D-Bus session bus, such as `unix:path=/run/user/1000/bus`.
    pub session_bus: Option<String>,
    /// The folder of the session's sockets.
    pub runtime_dir: Option<PathBuf>,
    /// Where these four are from.
    pub source: Sources,
    others: BTreeMap<&'static str, OsString>,
    variables: Vec<Variable>,
    user: u32,
}

/// Where the parts of a [`SessionEnvironment`] are from; `None` for what was not found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sources {
    /// Of the X display.
    pub display: Option<Source>,
    /// Of the file with its key.
    pub authority: Option<Source>,
    /// Of the address of the session bus.
    pub session_bus: Option<Source>,
    /// Of the folder for sockets.
    pub runtime_dir: Option<Source>,
}

/// Where something is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Whoever asked gave it.
    Given,
    /// Our own environment.
    Environment,
    /// The environment of another process of our user.
    Process {
        /// Its number.
        pid: u32,
        /// Its name, as the kernel has it.
        name: String,
    },
    /// It lies where it usually lies.
    Place(PathBuf),
}

impl SessionEnvironment {
    /// Finds the session of our own environment, or else the one whose processes our user runs on this machine.
    #[must_use]
    pub fn find() -> Self {
        Self::find_for(None, None)
    }

    /// Finds the session of a display, with a session bus if that is known already. What our own environment says of
    /// another display is then not believed of this one.
    #[must_use]
    pub fn find_for(display: Option<&str>, session_bus: Option<&str>) -> Self {
        let machine = Machine {
            proc: Path::new("/proc"),
            tmp: Path::new("/tmp"),
            run: Path::new("/run/user"),
            user: rustix::process::geteuid().as_raw(),
            own: &|name| std::env::var_os(name),
        };
        machine.session(display, session_bus)
    }

    /// The variables that programs of the session have and our own environment lacks, or has another value for, and
    /// without a value those of our own that say that we are in another session. Programs that we start in the session
    /// are given the ones and spared the others.
    #[must_use]
    pub fn variables(&self) -> Vec<Variable> {
        self.variables.clone()
    }

    /// A variable as the programs of the session see it, if it is one of those that matter here.
    pub(super) fn variable(&self, name: &str) -> Option<&OsStr> {
        self.others.get(name).map(OsString::as_os_str)
    }

    /// The same, if it is text.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.variable(name)?.to_str()
    }
}

/// Where to look; tests look elsewhere.
struct Machine<'a> {
    proc: &'a Path,
    tmp: &'a Path,
    run: &'a Path,
    user: u32,
    own: &'a dyn Fn(&str) -> Option<OsString>,
}

impl Machine<'_> {
    fn session(&self, display: Option<&str>, session_bus: Option<&str>) -> SessionEnvironment {
        let ours = self.own(DISPLAY).and_then(|ours| ours.into_string().ok());
        let is_shown = ours.as_deref().is_some_and(|ours| display.is_none_or(|given| is_same(ours, given)));
        let is_ours = display.is_none() || is_shown;
        let known = display.map(|given| (given.to_owned(), Source::Given));
        let known = known.or_else(|| ours.map(|ours| (ours, Source::Environment)));
        let number = known.as_ref().map(|(display, _)| witness::local_number(display));
        // The display of another machine has no processes here.
        let witnesses = match number {
            Some(None) => Vec::new(),
            number => witness::witnesses(self.proc, self.tmp, self.user, number.flatten()),
        };
        let evidence = Evidence { machine: self, is_ours, is_shown, witnesses };

        let (runtime_dir, runtime_source) = split(evidence.runtime_dir());
        let (display, display_source) = split(known.or_else(|| evidence.display()));
        let number = display.as_deref().and_then(witness::local_number);
        let (authority, authority_source) = split(evidence.authority(number, runtime_dir.as_deref()));
        let given = session_bus.map(|given| (given.to_owned(), Source::Given));
        let (session_bus, bus_source) = split(given.or_else(|| evidence.session_bus(runtime_dir.as_deref())));

        let mut session = SessionEnvironment {
            display,
            authority,
            session_bus,
            runtime_dir,
            source: Sources {
                display: display_source,
                authority: authority_source,
                session_bus: bus_source,
                runtime_dir: runtime_source,
            },
            others: OTHERS.iter().filter_map(|name| Some((*name, evidence.other(name)?))).collect(),
            variables: Vec::new(),
            user: self.user,
        };
        session.variables = self.differences(&session, is_shown);
        session
    }

    fn own(&self, name: &str) -> Option<OsString> {
        (self.own)(name).filter(|value| !value.is_empty())
    }

    fn differences(&self, session: &SessionEnvironment, is_shown: bool) -> Vec<Variable> {
        let found = [
            (DISPLAY, session.display.as_ref().map(OsString::from)),
            (AUTHORITY, session.authority.as_ref().map(OsString::from)),
            (SESSION_BUS, session.session_bus.as_ref().map(OsString::from)),
            (RUNTIME_DIR, session.runtime_dir.as_ref().map(OsString::from)),
        ];
        let found = found.into_iter().filter_map(|(name, value)| Some((name, value?)));
        let found: Vec<(&str, OsString)> =
            found.chain(session.others.iter().map(|(name, value)| (*name, value.clone()))).collect();
        let is_foreign =
            |name: &&str| !is_shown && self.own(name).is_some() && !found.iter().any(|(found, _)| found == name);
        let taken: Vec<Variable> =
            IDENTITY.iter().filter(|name| is_foreign(name)).map(|name| (name.into(), None)).collect();
        let missing = found.into_iter().filter(|(name, value)| self.own(name).as_ref() != Some(value));
        missing.map(|(name, value)| (name.into(), Some(value))).chain(taken).collect()
    }
}

/// What there is to go by.
struct Evidence<'a> {
    machine: &'a Machine<'a>,
    /// Whether what our own environment says is believed of the session.
    is_ours: bool,
    /// Whether our own environment names the display.
    is_shown: bool,
    /// Of the display, the best first.
    witnesses: Vec<Witness>,
}

impl Evidence<'_> {
    /// A variable of the session, as its programs have it where our own environment says nothing. `is_good` judges
    /// only what other processes have.
    fn value(&self, name: &str, is_good: impl Fn(&OsStr) -> bool) -> Option<(OsString, Source)> {
        let own = || self.machine.own(name).map(|value| (value, Source::Environment));
        let seen = || {
            self.witnesses.iter().find_map(|witness| {
                let value = witness.variable(name).filter(|value| is_good(value))?;
                Some((value.to_owned(), Source::Process { pid: witness.pid, name: witness.name.clone() }))
            })
        };
        if self.is_ours || self.witnesses.is_empty() { own().or_else(seen) } else { seen() }
    }

    /// A variable of [`OTHERS`]. Which session it is, only programs of its display say.
    fn other(&self, name: &str) -> Option<OsString> {
        if IDENTITY.contains(&name) && !self.is_shown {
            return self.witnesses.iter().find_map(|witness| witness.variable(name)).map(OsStr::to_owned);
        }
        self.value(name, |_| true).map(|(value, _)| value)
    }

    fn display(&self) -> Option<(String, Source)> {
        let is_text = |value: &OsStr| value.to_str().is_some();
        if let Some((display, source)) = self.value(DISPLAY, is_text) {
            return Some((display.into_string().ok()?, source));
        }
        let Machine { proc, tmp, user, .. } = *self.machine;
        let number = witness::server(proc, tmp, user)?;
        Some((format!(":{number}"), Source::Place(tmp.join(format!(".X11-unix/X{number}")))))
    }

    fn runtime_dir(&self) -> Option<(PathBuf, Source)> {
        let is_folder = |path: &OsStr| Path::new(path).is_dir();
        if let Some((folder, source)) = self.value(RUNTIME_DIR, is_folder) {
            return Some((folder.into(), source));
        }
        let folder = self.machine.run.join(self.machine.user.to_string());
        let is_own = fs::metadata(&folder).is_ok_and(|found| found.is_dir() && found.uid() == self.machine.user);
        is_own.then(|| (folder.clone(), Source::Place(folder)))
    }

    /// Display managers that do not write `~/.Xauthority` put the file among the session's sockets.
    fn authority(&self, display: Option<u16>, runtime_dir: Option<&Path>) -> Option<(PathBuf, Source)> {
        if let Some((file, source)) = self.value(AUTHORITY, |path| plain(Path::new(path)).is_ok()) {
            return Some((file.into(), source));
        }
        let home = self.value("HOME", |_| true).map(|(home, _)| PathBuf::from(home).join(".Xauthority"));
        let mut places: Vec<PathBuf> = home.into_iter().collect();
        places.extend(runtime_dir.into_iter().flat_map(keys_among_sockets));
        let has_key = |path: &&PathBuf| display.is_some_and(|display| authority::has_key(path, display));
        let file = places.iter().find(has_key)?;
        Some((file.clone(), Source::Place(file.clone())))
    }

    fn session_bus(&self, runtime_dir: Option<&Path>) -> Option<(String, Source)> {
        let is_good = |address: &OsStr| address.to_str().is_some_and(may_be_there);
        if let Some((address, source)) = self.value(SESSION_BUS, is_good) {
            return Some((address.into_string().ok()?, source));
        }
        let socket = runtime_dir?.join("bus");
        let is_socket = fs::metadata(&socket).is_ok_and(|found| found.file_type().is_socket());
        let address = format!("unix:path={}", socket.to_str()?);
        is_socket.then_some((address, Source::Place(socket)))
    }
}

fn split<T>(found: Option<(T, Source)>) -> (Option<T>, Option<Source>) {
    found.map_or((None, None), |(value, source)| (Some(value), Some(source)))
}

fn is_same(display: &str, other: &str) -> bool {
    let number = witness::local_number(display);
    display == other || (number.is_some() && number == witness::local_number(other))
}

/// Whether the socket that an address of a bus names exists, as far as a file tells.
fn may_be_there(address: &str) -> bool {
    // What some browsers give the helpers that they start.
    if address.starts_with("disabled:") {
        return false;
    }
    let path = address.strip_prefix("unix:path=").and_then(|rest| rest.split([',', ';']).next());
    path.is_none_or(|path| path.contains('%') || Path::new(path).exists())
}

fn keys_among_sockets(runtime_dir: &Path) -> Vec<PathBuf> {
    let mut found = vec![runtime_dir.join("gdm/Xauthority")];
    let is_key = |name: &str| name.starts_with("xauth_") || name.starts_with(".mutter-Xwaylandauth.");
    let listed = fs::read_dir(runtime_dir).into_iter().flatten().filter_map(|entry| entry.ok());
    let mut others: Vec<PathBuf> =
        listed.filter(|entry| entry.file_name().to_str().is_some_and(is_key)).map(|entry| entry.path()).collect();
    others.sort_unstable();
    found.append(&mut others);
    found
}

#[cfg(test)]
mod tests;
