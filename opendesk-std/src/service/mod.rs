//! Having a host started whenever its user logs in, by the service manager of the system: systemd, launchd or the Task
//! Scheduler of Windows.
//!
//! Each of them is given one file, which a module here writes, and is asked by its own program for all else. Everything
//! is of one user: nothing runs, and nothing is written, with more rights than theirs. All of it blocks its thread.

mod command;
mod error;
mod file;
pub mod launchd;
mod runner;
mod systemctl;
pub mod systemd;
pub mod task;
mod xml;

use std::path::{Path, PathBuf};

pub use command::HostCommand;
pub use error::ServiceError;

use launchd::Launchctl;
use runner::Runner;
use systemctl::Systemctl;
use task::Schtasks;

use crate::home::Home;
use crate::home::file::read_private;

/// Longer than any unit that is written here.
const MAX_UNIT: usize = 256 << 10;

/// What starts the programs of a user at login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manager {
    /// systemd, of Linux: its manager for each user.
    Systemd,
    /// launchd, of macOS: an agent of the user.
    Launchd,
    /// The Task Scheduler of Windows.
    TaskScheduler,
}

impl Manager {
    /// The one of the system that this program was built for.
    #[must_use]
    pub fn here() -> Option<Self> {
        match std::env::consts::OS {
            "linux" => Some(Self::Systemd),
            "macos" => Some(Self::Launchd),
            "windows" => Some(Self::TaskScheduler),
            _ => None,
        }
    }

    /// One lower-case word, for programs.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Systemd => "systemd",
            Self::Launchd => "launchd",
            Self::TaskScheduler => "task-scheduler",
        }
    }

    /// Whether services have ever been run by it, and not only their files been read by other programs.
    #[must_use]
    pub const fn is_tried(self) -> bool {
        match self {
            Self::Systemd => true,
            Self::Launchd | Self::TaskScheduler => false,
        }
    }

    /// Whether it keeps what a program writes to its standard error, and not for ever.
    #[must_use]
    pub const fn keeps_output(self) -> bool {
        match self {
            Self::Systemd => true,
            // launchd puts it into a file that grows without end.
            Self::Launchd | Self::TaskScheduler => false,
        }
    }
}

/// The file by which a service manager knows the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// Where it belongs.
    pub path: PathBuf,
    /// What is in it.
    pub text: String,
    manager: Manager,
}

impl Definition {
    /// What is in it as it is written: the Task Scheduler reads UTF-16 with a byte order mark, the others UTF-8.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        match self.manager {
            Manager::Systemd | Manager::Launchd => self.text.clone().into_bytes(),
            Manager::TaskScheduler => task::encode(&self.text),
        }
    }
}

/// How the service is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// Whether its file is there.
    pub installed: bool,
    /// Whether it is started at login; `None` when the manager could not be asked.
    pub enabled: Option<bool>,
    /// Whether it runs; `None` when the manager could not be asked.
    pub running: Option<bool>,
    /// The number of its process.
    pub pid: Option<u32>,
    /// Since when it runs, in seconds since 1970, where the manager tells.
    pub since: Option<u64>,
    /// One line: how it is in the manager's own words, or why the manager could not be asked.
    pub said: String,
}

/// The service of this user on this machine.
#[derive(Debug)]
pub struct Service {
    manager: Manager,
    path: PathBuf,
    home: PathBuf,
    runner: Runner,
}

impl Service {
    /// The service where the system's manager looks for it. The Task Scheduler keeps a service itself; the file that it
    /// was made from is kept in the home of the host.
    ///
    /// # Errors
    /// [`ServiceError::NoManager`] on other systems, [`ServiceError::File`] where the user has no home directory.
    pub fn here(home: &Home) -> Result<Self, ServiceError> {
        let manager = Manager::here().ok_or(ServiceError::NoManager)?;
        let place = |variable: &str| std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
        let path = match manager {
            Manager::Systemd => systemctl::place(place("XDG_CONFIG_HOME"), place("HOME")),
            Manager::Launchd => launchd::place(place("HOME")),
            Manager::TaskScheduler => Some(task::place(home.path())),
        };
        let path = path.ok_or_else(|| ServiceError::File("there is no home directory: set HOME".to_owned()))?;
        Ok(Self { manager, path, home: home.path().to_owned(), runner: Runner::here() })
    }

    /// What manages it.
    #[must_use]
    pub const fn manager(&self) -> Manager {
        self.manager
    }

    /// Where its file is, or would be.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file by which the manager would start this command.
    ///
    /// # Errors
    /// [`ServiceError::Words`] for a command that the manager does not take.
    pub fn definition(&self, command: &HostCommand) -> Result<Definition, ServiceError> {
        let text = match self.manager {
            Manager::Systemd => systemd::unit(command, command::umask())?,
            Manager::Launchd => launchd::agent(command),
            Manager::TaskScheduler => task::definition(command, &task::user()),
        };
        Ok(Definition { path: self.path.clone(), text, manager: self.manager })
    }

    /// Writes the file, has the manager read it and start the service at each login, and where `start` says so starts
    /// it now, anew if it runs. Without `start` one that runs goes on as it was started.
    ///
    /// # Errors
    /// [`ServiceError::File`], with nothing changed; [`ServiceError::Manager`] when the manager is not there or did not
    /// take it: the file then stays, and the line says so.
    pub fn install(&self, definition: &Definition, start: bool) -> Result<(), ServiceError> {
        match self.manager {
            Manager::Systemd | Manager::Launchd => file::write_own(&self.path, &definition.bytes())?,
            Manager::TaskScheduler => file::write(&self.path, &definition.bytes())?,
        }
        let taken = match self.manager {
            Manager::Systemd => self.systemctl().install(start),
            Manager::Launchd => self.launchctl().install(&self.path, start),
            Manager::TaskScheduler => self.schtasks().install(&self.path, start),
        };
        taken.map_err(|error| error.after(&format!("{} is written and stays, but", file::shown(&self.path))))
    }

    /// Stops the service, has the manager start it no more, and removes the file; `false` when none was installed.
    ///
    /// # Errors
    /// [`ServiceError::File`] for a file that opendesk has not written, and [`ServiceError::Manager`] when the manager
    /// did not stop the service: the file then stays. Where the manager cannot be asked at all, everything by which it
    /// would start the service again is removed, and the line says that it may still run.
    pub fn uninstall(&self) -> Result<bool, ServiceError> {
        match self.manager {
            Manager::Systemd => self.systemctl().uninstall(&self.path),
            Manager::Launchd => self.launchctl().uninstall(&self.path),
            Manager::TaskScheduler => self.schtasks().uninstall(&self.path),
        }
    }

    /// How the service is now.
    #[must_use]
    pub fn state(&self) -> State {
        let installed = std::fs::symlink_metadata(&self.path).is_ok();
        match self.manager {
            Manager::Systemd => self.systemctl().state(installed),
            Manager::Launchd => self.launchctl().state(installed),
            Manager::TaskScheduler => self.schtasks().state(installed),
        }
    }

    /// The command line by which the installed file has the host started, quoted as it stands there. `None` where there
    /// is no such file, and of launchd and the Task Scheduler, whose files are not read back.
    #[must_use]
    pub fn command_line(&self) -> Option<String> {
        match self.manager {
            Manager::Systemd => {
                let unit = String::from_utf8(read_private(&self.path, MAX_UNIT).ok()??).ok()?;
                let line = unit.lines().find_map(|line| line.strip_prefix("ExecStart="))?;
                // The colon in front of the program is for systemd.
                let quoted = line.strip_prefix("\":").map(|rest| format!("\"{rest}"));
                Some(quoted.unwrap_or_else(|| line.strip_prefix(':').unwrap_or(line).to_owned()))
            }
            Manager::Launchd | Manager::TaskScheduler => None,
        }
    }

    /// The home of the host that the installed file has started, where [`command_line`](Self::command_line) tells it.
    #[must_use]
    pub fn served_home(&self) -> Option<PathBuf> {
        let line = self.command_line()?;
        let (_, home) = line.split_once(" serve --home ")?;
        first_word(home).map(PathBuf::from)
    }

    /// The command by which a person starts it.
    #[must_use]
    pub fn to_start(&self) -> String {
        match self.manager {
            Manager::Systemd => format!("systemctl --user start {}", systemctl::UNIT),
            Manager::Launchd => format!("launchctl kickstart {}", self.launchctl().target()),
            Manager::TaskScheduler => format!("schtasks /run /tn {}", task::NAME),
        }
    }

    /// The command by which a person sees what it has said.
    #[must_use]
    pub fn to_look(&self) -> String {
        match self.manager {
            Manager::Systemd => format!("journalctl --user -u {}", systemctl::UNIT),
            Manager::Launchd => format!("cat {}", file::shown(&launchd::log(&self.home))),
            Manager::TaskScheduler => format!("schtasks /query /v /fo list /tn {}", task::NAME),
        }
    }

    const fn systemctl(&self) -> Systemctl<'_> {
        Systemctl::new(&self.runner)
    }

    fn launchctl(&self) -> Launchctl<'_> {
        Launchctl::new(&self.runner, crate::platform::real_user())
    }

    const fn schtasks(&self) -> Schtasks<'_> {
        Schtasks::new(&self.runner)
    }
}

/// The first word of a line as [`systemd::unit`] quotes it.
fn first_word(line: &str) -> Option<String> {
    let Some(quoted) = line.strip_prefix('"') else { return line.split(' ').next().map(str::to_owned) };
    let mut word = String::new();
    let mut characters = quoted.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => return Some(word.replace("%%", "%")),
            '\\' => word.push(characters.next()?),
            other => word.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests;
