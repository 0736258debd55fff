//! Asking the user's systemd about the service.

use std::path::{Path, PathBuf};

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::error::ServiceError;
use super::runner::{Runner, Said};
use super::{State, file};

/// The name of the unit.
pub(super) const UNIT: &str = "opendesk.service";

/// The targets that start it, as the unit's `WantedBy=` has them.
const WANTED_BY: [&str; 2] = ["default.target", "graphical-session.target"];

/// Where the unit file belongs: among those of the user.
pub(super) fn place(config: Option<PathBuf>, home: Option<PathBuf>) -> Option<PathBuf> {
    let config = config.or_else(|| Some(home?.join(".config")))?;
    Some(config.join("systemd/user").join(UNIT))
}

/// `systemctl --user`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Systemctl<'a> {
    runner: &'a Runner,
}

impl<'a> Systemctl<'a> {
    pub(super) const fn new(runner: &'a Runner) -> Self {
        Self { runner }
    }

    /// Has the unit file read and the unit started at login, and now if `start` says so.
    pub(super) fn install(self, start: bool) -> Result<(), ServiceError> {
        let taken = || -> Result<(), ServiceError> {
            self.run(&["daemon-reload"])?;
            self.run(&["enable", UNIT])?;
            if start {
                // Tries that failed before count no more. Of a unit that has never run nothing is known, which is no
                // failure.
                self.ask(&["reset-failed", UNIT])?;
                self.run(&["restart", UNIT])?;
            }
            Ok(())
        };
        taken().map_err(|error| with_advice(error, "opendesk install-service"))
    }

    /// Stops the unit, has it started no more, and removes its file.
    pub(super) fn uninstall(self, path: &Path) -> Result<bool, ServiceError> {
        let was_there = file::is_own(path)?;
        if let Err(error) = self.show() {
            let links = unlink(path)?;
            let removed = file::remove(path)?;
            return if removed || links {
                Err(with_advice(error, "systemctl --user daemon-reload").after(&format!(
                    "{} is removed, so the service starts no more at login, but whether it runs now could not be asked:",
                    file::shown(path)
                )))
            } else {
                Ok(false)
            };
        }
        if !was_there {
            return Ok(false);
        }
        let stopped = self.run(&["disable", "--now", UNIT]);
        stopped.map_err(|error| error.after(&format!("{} stays:", file::shown(path))))?;
        // Links of an earlier unit, which this one does not name any more.
        unlink(path)?;
        file::remove(path)?;
        self.run(&["daemon-reload"])?;
        // Or a failure of it would still be listed.
        self.ask(&["reset-failed", UNIT])?;
        Ok(true)
    }

    pub(super) fn state(self, installed: bool) -> State {
        match self.show() {
            Ok(shown) => state_of(&shown, installed),
            Err(error) => {
                State { installed, enabled: None, running: None, pid: None, since: None, said: error.to_string() }
            }
        }
    }

    fn show(self) -> Result<String, ServiceError> {
        self.run(&["show", UNIT])
    }

    fn ask(self, arguments: &[&str]) -> Result<Said, ServiceError> {
        self.runner.ask(&Self::argv(arguments))
    }

    fn run(self, arguments: &[&str]) -> Result<String, ServiceError> {
        self.runner.run(&Self::argv(arguments))
    }

    fn argv<'w>(arguments: &[&'w str]) -> Vec<&'w str> {
        [&["systemctl", "--user"], arguments].concat()
    }
}

/// What to do where the manager of the user is not there: a machine without systemd, a container, a shell of `su`.
fn with_advice(error: ServiceError, again: &str) -> ServiceError {
    match error {
        ServiceError::Manager(why) => {
            ServiceError::Manager(format!("{why}; run `{again}` in a session that the user has logged in to"))
        }
        other => other,
    }
}

/// Removes the links by which targets start the unit; whether there was one.
fn unlink(path: &Path) -> Result<bool, ServiceError> {
    let mut removed = false;
    for target in WANTED_BY {
        let link = path.with_file_name(format!("{target}.wants")).join(UNIT);
        if std::fs::symlink_metadata(&link).is_ok_and(|found| found.is_symlink()) {
            removed |= file::remove(&link)?;
        }
    }
    Ok(removed)
}

/// Reads what `show` has said of the properties.
fn state_of(shown: &str, installed: bool) -> State {
    let value = |name: &str| {
        let value = shown.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        value.map(str::trim).unwrap_or_default()
    };
    let number = |name: &str| value(name).parse::<u32>().ok().filter(|number| *number != 0);
    let (active, sub) = (value("ActiveState"), value("SubState"));
    let running = active == "active" && sub == "running";
    let mut said = if active.is_empty() { "unknown".to_owned() } else { format!("{active} ({sub})") };
    if let (false, Some(code)) = (running, number("ExecMainStatus")) {
        said.push_str(&format!(", exit code {code}"));
    }
    if let Some(restarts) = number("NRestarts") {
        said.push_str(&format!(", started again {restarts} times after failures"));
    }
    State {
        installed,
        enabled: Some(matches!(value("UnitFileState"), "enabled" | "enabled-runtime")),
        running: Some(running),
        pid: number("MainPID").filter(|_| running),
        since: time(value("ExecMainStartTimestamp")).filter(|_| running),
        said,
    }
}

/// A time such as `Thu 2026-05-14 10:20:30 UTC`, in seconds since 1970.
fn time(text: &str) -> Option<u64> {
    let date = text.strip_suffix(" UTC")?.split_once(' ')?.1;
    let time = DateTime::strptime("%Y-%m-%d %H:%M:%S", date).ok()?.to_zoned(TimeZone::UTC).ok()?;
    u64::try_from(time.timestamp().as_second()).ok()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{said, service};
    use super::super::{HostCommand, Manager};
    use super::*;

    const RUNS: &str = "\
UnitFileState=enabled
ActiveState=active
SubState=running
MainPID=4242
ExecMainStartTimestamp=Thu 2026-05-14 10:20:30 UTC
ExecMainStatus=0
NRestarts=0
";

    #[test]
    fn the_file_is_where_systemd_looks() {
        let place = |config: Option<&str>, home: Option<&str>| place(config.map(Into::into), home.map(Into::into));
        assert_eq!(place(None, Some("/h")), Some("/h/.config/systemd/user/opendesk.service".into()));
        assert_eq!(place(Some("/c"), Some("/h")), Some("/c/systemd/user/opendesk.service".into()));
        assert_eq!(place(None, None), None);
    }

    #[test]
    fn a_unit_that_runs_is_told_with_its_process_and_since_when() {
        let state = state_of(RUNS, true);
        assert_eq!((state.enabled, state.running, state.pid), (Some(true), Some(true), Some(4242)));
        assert_eq!(state.since, Some(1_778_754_030));
        assert_eq!(state.said, "active (running)");
    }

    #[test]
    fn one_that_does_not_run_is_told_with_how_it_ended() {
        let waits = RUNS.replace("=active", "=activating").replace("=running", "=auto-restart");
        let waits = state_of(&waits.replace("Status=0", "Status=7").replace("NRestarts=0", "NRestarts=3"), true);
        assert_eq!((waits.running, waits.pid, waits.since), (Some(false), None, None));
        assert_eq!(waits.said, "activating (auto-restart), exit code 7, started again 3 times after failures");
        let unknown = state_of("UnitFileState=\nActiveState=inactive\nSubState=dead\nMainPID=0\n", false);
        assert_eq!((unknown.enabled, unknown.running), (Some(false), Some(false)));
        assert_eq!(unknown.said, "inactive (dead)");
        assert_eq!(state_of("", false).said, "unknown");
    }

    #[test]
    fn only_times_as_they_were_asked_for_are_read() {
        for text in ["", "n/a", "@12", "Thu 2026-05-14 10:20:30 CEST", "Thu 2026-99-14 10:20:30 UTC"] {
            assert_eq!(time(text), None, "{text}");
        }
    }

    #[test]
    fn it_is_installed_and_removed_step_by_step() {
        let folder = tempfile::tempdir().unwrap();
        let service = service(folder.path(), Manager::Systemd, "systemctl", "exit 0");
        let command = HostCommand::new(Path::new("/usr/bin/opendesk"), ["serve".into()]).unwrap();
        let definition = service.definition(&command).unwrap();
        service.install(&definition, true).unwrap();
        assert_eq!(std::fs::read_to_string(service.path()).unwrap(), definition.text);
        let options = "--user ";
        let steps =
            ["daemon-reload", "enable opendesk.service", "reset-failed opendesk.service", "restart opendesk.service"];
        assert_eq!(said(folder.path()), steps.map(|step| format!("{options}{step}")));
        service.install(&definition, false).unwrap();
        assert_eq!(said(folder.path()).len(), steps.len() + 2);
        assert_eq!(service.uninstall(), Ok(true));
        assert!(!service.path().exists());
        let stop = format!("{options}disable --now opendesk.service");
        assert!(said(folder.path()).contains(&stop), "{:?}", said(folder.path()));
        assert_eq!(service.uninstall(), Ok(false));
    }

    #[test]
    fn a_manager_that_is_not_there_keeps_nobody_from_removing_the_service() {
        let folder = tempfile::tempdir().unwrap();
        let script = "echo 'Failed to connect to bus: No medium found' >&2; exit 1";
        let service = service(folder.path(), Manager::Systemd, "systemctl", script);
        let command = HostCommand::new(Path::new("/usr/bin/opendesk"), ["serve".into()]).unwrap();
        let error = service.install(&service.definition(&command).unwrap(), true).unwrap_err().to_string();
        assert!(error.contains("is written and stays, but") && error.contains("No medium found"), "{error}");
        assert!(service.path().exists());
        assert_eq!((service.state().running, service.state().enabled), (None, None));
        let wants = service.path().with_file_name("default.target.wants");
        std::fs::create_dir(&wants).unwrap();
        std::os::unix::fs::symlink(service.path(), wants.join(UNIT)).unwrap();
        let error = service.uninstall().unwrap_err().to_string();
        assert!(error.contains("is removed") && error.contains("could not be asked"), "{error}");
        assert!(!service.path().exists() && std::fs::symlink_metadata(wants.join(UNIT)).is_err());
        assert_eq!(service.uninstall(), Ok(false));
    }

    #[test]
    fn what_does_not_stop_stays_installed() {
        let folder = tempfile::tempdir().unwrap();
        let script = "case \"$*\" in *disable*) echo 'it does not stop' >&2; exit 1;; esac";
        let service = service(folder.path(), Manager::Systemd, "systemctl", script);
        let command = HostCommand::new(Path::new("/usr/bin/opendesk"), ["serve".into()]).unwrap();
        service.install(&service.definition(&command).unwrap(), false).unwrap();
        let error = service.uninstall().unwrap_err().to_string();
        assert!(error.contains("stays:") && error.contains("it does not stop"), "{error}");
        assert!(service.path().exists());
    }
}
