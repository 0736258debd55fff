//! Applications: which there are, which run, and opening, closing and bringing them to the front.

mod find;

use core::time::Duration;
use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::thread;

use find::Found;

use super::entries::{Entry, Reader, locales};
use super::environment::SessionEnvironment;
use super::exec;
use super::launch::{Launch, Started};
use super::running::{self, Group, RunningWindow};
use crate::api::{App, Effect, Error, ErrorCode, Result};
use crate::clock::monotonic;
use crate::home::printable;
use crate::os::command::Variable;

/// How long a window of an application that was started is awaited. Most come within a second; whoever waits longer
/// does not look like somebody who was told what happened.
const PATIENCE: Duration = Duration::from_secs(3);

/// How often the windows are looked at meanwhile.
const POLL: Duration = Duration::from_millis(50);

/// The applications of a session. Lists of windows that methods take have the one in front first.
#[derive(Debug, Clone)]
pub struct Apps {
    reader: Reader,
    variables: Vec<Variable>,
    home: OsString,
    proc: PathBuf,
}

/// What opening an application came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opened {
    /// It was running. This is the id of its frontmost window, which is to be brought to the front.
    Running(String),
    /// It was started: [`Effect::Confirmed`] once a window of it was seen, else [`Effect::Unverifiable`].
    Started(Effect),
}

impl Apps {
    /// The applications as the session's own environment finds them.
    #[must_use]
    pub fn new(session: &SessionEnvironment) -> Self {
        let own = |name: &str| session.variable(name).map(OsStr::to_owned).or_else(|| std::env::var_os(name));
        let set = |name: &str| own(name).filter(|value| !value.is_empty());
        let home = set("HOME").unwrap_or_else(|| "/".into());
        let person = set("XDG_DATA_HOME").map_or_else(|| Path::new(&home).join(".local/share"), PathBuf::from);
        let machine = set("XDG_DATA_DIRS").unwrap_or_else(|| "/usr/local/share:/usr/share".into());
        let folders = core::iter::once(person).chain(std::env::split_paths(&machine));
        let desktops = session.text("XDG_CURRENT_DESKTOP").unwrap_or_default();
        let reader = Reader {
            folders: folders.filter(|folder| folder.is_absolute()).map(|folder| folder.join("applications")).collect(),
            locales: locales(|name| session.text(name)),
            desktops: desktops.split(':').filter(|name| !name.is_empty()).map(str::to_owned).collect(),
            path: set("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into()),
        };
        Self { reader, variables: session.variables(), home, proc: PathBuf::from("/proc") }
    }

    /// The applications that a person finds in the menus, sorted by name.
    #[must_use]
    pub fn installed(&self, windows: &[RunningWindow]) -> Vec<App> {
        let entries = self.reader.read();
        let groups = running::groups(windows, &entries, &self.proc);
        let running: BTreeSet<&str> = groups.iter().filter_map(|group| Some(group.entry?.id.as_str())).collect();
        let visible = entries.iter().filter(|entry| entry.is_visible);
        let app = |entry: &Entry| App {
            id: entry.id.clone(),
            name: entry.name.clone(),
            running: running.contains(entry.id.as_str()),
        };
        visible.map(app).collect()
    }

    /// The names of the applications that have windows, each once, the one in front first.
    #[must_use]
    pub fn running(&self, windows: &[RunningWindow]) -> Vec<String> {
        let entries = self.reader.read();
        let mut names: Vec<String> = Vec::new();
        for group in running::groups(windows, &entries, &self.proc) {
            if !names.contains(&group.name) {
                names.push(group.name);
            }
        }
        names
    }

    /// Starts an application that does not run: one of the menus by its id, its name, its program or a beginning of
    /// these that no other has, or else a program of that name on the `PATH`. `windows` lists the windows that are
    /// there when it is called; where it fails, nothing confirms that the application has come up.
    ///
    /// # Errors
    /// `not_found` for an unknown name, `invalid_argument` for one that several applications have,
    /// `capability_unsupported` for one that needs a terminal where there is none, `internal` for one that cannot be
    /// started or ends at once with an error.
    pub fn open(&self, name: &str, windows: &dyn Fn() -> Result<Vec<RunningWindow>>) -> Result<Opened> {
        let entries = self.reader.read();
        let found = find::installed(name, &entries, &self.reader.path)?;
        let before = windows().unwrap_or_default();
        let groups = running::groups(&before, &entries, &self.proc);
        let group = groups.iter().find(|group| match &found {
            Found::Entry(entry) => group.entry.is_some_and(|own| own.id == entry.id),
            Found::Program(program) => group.entry.is_none() && self.is_program(group, program),
        });
        if let Some(front) = group.and_then(|group| group.windows.first()) {
            return Ok(Opened::Running(front.id.clone()));
        }
        let bare;
        let (arguments, folder, in_terminal) = match &found {
            Found::Entry(entry) => (arguments(entry)?, entry.folder.as_deref(), entry.in_terminal),
            Found::Program(program) => {
                bare = [program.clone()];
                (&bare[..], None, false)
            }
        };
        let launch = Launch {
            arguments,
            folder,
            in_terminal,
            variables: &self.variables,
            path: &self.reader.path,
            home: &self.home,
        };
        let started = launch.start()?;
        let program = exec::identity(arguments.iter().map(String::as_str));
        let before: BTreeSet<&str> = before.iter().map(|window| window.id.as_str()).collect();
        let is_called = |own: &String| program.is_some_and(|program| own.eq_ignore_ascii_case(program));
        let is_its_window = |window: &RunningWindow| {
            let one = core::slice::from_ref(window);
            let group = running::groups(one, &entries, &self.proc);
            let is_of_entry =
                |entry: &Entry| group.iter().any(|group| group.entry.is_some_and(|own| own.id == entry.id));
            !before.contains(window.id.as_str())
                && (window.pid.is_some_and(|pid| running::descends(&self.proc, pid, started.pid))
                    || [&window.instance, &window.class].into_iter().any(is_called)
                    || matches!(&found, Found::Entry(entry) if is_of_entry(entry)))
        };
        await_window(&started, program.unwrap_or("the program"), windows, &is_its_window).map(Opened::Started)
    }

    /// Closes every window of a running application by `close`, which is given their ids. The effect is that of all:
    /// confirmed if each was. A window that `close` does not find went with another one.
    ///
    /// # Errors
    /// As [`focus`](Self::focus); `cancelled` as soon as `close` says so; what else it says first, after it was called
    /// for every window.
    pub fn close(
        &self,
        name: &str,
        windows: &[RunningWindow],
        close: &mut dyn FnMut(&str) -> Result<Effect>,
    ) -> Result<Effect> {
        let ids = self.windows_of(name, windows)?;
        let (mut effects, mut failure) = (Vec::new(), None);
        for id in &ids {
            match close(id) {
                Ok(effect) => effects.push(effect),
                Err(error) if error.code == ErrorCode::NotFound => effects.push(Effect::Confirmed),
                Err(error) if error.code == ErrorCode::Cancelled => return Err(error),
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        if let Some(error) = failure {
            return Err(error);
        }
        let first = effects.first().copied().unwrap_or(Effect::NoEffect);
        Ok(if effects.iter().all(|effect| *effect == first) { first } else { Effect::Unverifiable })
    }

    /// Brings the frontmost window of a running application to the front by `focus`, which is given its id.
    ///
    /// # Errors
    /// `not_found` for what does not run, `invalid_argument` for a name that several have, and what `focus` says.
    pub fn focus(
        &self,
        name: &str,
        windows: &[RunningWindow],
        focus: impl FnOnce(&str) -> Result<Effect>,
    ) -> Result<Effect> {
        let ids = self.windows_of(name, windows)?;
        let front = ids.first().ok_or_else(|| Error::internal("an application without a window runs"))?;
        focus(front)
    }

    /// The ids of the windows of a running application, the one in front first.
    ///
    /// # Errors
    /// As [`focus`](Self::focus).
    pub fn windows_of(&self, name: &str, windows: &[RunningWindow]) -> Result<Vec<String>> {
        let entries = self.reader.read();
        let groups = running::groups(windows, &entries, &self.proc);
        let group = find::running(name, &groups, |group, program| self.is_program(group, program))?;
        Ok(group.windows.iter().map(|window| window.id.clone()).collect())
    }

    /// Whether the windows of a group are of this program, by what they or their processes call themselves.
    fn is_program(&self, group: &Group<'_>, program: &str) -> bool {
        let of_process = |pid| running::programs(&self.proc, pid).iter().any(|own| own == program);
        group.windows.iter().any(|window| {
            [&window.instance, &window.class].into_iter().any(|own| own.eq_ignore_ascii_case(program))
                || window.pid.is_some_and(of_process)
        })
    }
}

fn arguments(entry: &Entry) -> Result<&[String]> {
    entry.arguments.as_deref().map_err(|why| {
        let id = printable(&entry.id);
        Error::internal(format!("{id} cannot be opened: the Exec line of its desktop entry is no command: {why}"))
    })
}

fn await_window(
    started: &Started,
    program: &str,
    windows: &dyn Fn() -> Result<Vec<RunningWindow>>,
    is_its_window: &dyn Fn(&RunningWindow) -> bool,
) -> Result<Effect> {
    let begun = monotonic();
    loop {
        match windows() {
            Ok(windows) if windows.iter().any(is_its_window) => return Ok(Effect::Confirmed),
            Err(error) if error.code == ErrorCode::Cancelled => return Err(error),
            Ok(_) | Err(_) => {}
        }
        // One that ends well may have handed over to another that was running.
        if let Some(status) = started.ended().filter(|status| !status.success()) {
            return Err(Error::new(
                ErrorCode::Internal,
                format!("{} ended at once without a window: {status}", printable(program)),
            ));
        }
        if begun.elapsed() >= PATIENCE {
            return Ok(Effect::Unverifiable);
        }
        pause();
    }
}

#[expect(clippy::disallowed_methods, reason = "windows are listed by whoever calls, and nobody says when one is new")]
fn pause() {
    thread::sleep(POLL);
}

#[cfg(test)]
mod tests;
