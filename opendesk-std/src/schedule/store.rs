//! What is scheduled: `schedules.json` in the home. Whoever changes it holds the lock of the home; the runner only reads it.

use core::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::task::Task;
use super::timing::{self, Timing};
use crate::client::{Place, Whom};
use crate::home::{Home, HomeError, HomeErrorKind, PeerName, hex, plain_text};

/// The file in the home.
pub(super) const FILE: &str = "schedules.json";

/// The form of the file that this program writes and reads.
const VERSION: u32 = 1;

/// Room for the most tasks with arguments of usual length.
pub(super) const MOST_BYTES: usize = 4 << 20;

/// More than a person looks through.
const MOST: usize = 200;

/// Longest name, so that a line of a list has room for it.
const MOST_NAME: usize = 64;

/// The longest that a run may be given.
const MOST_LIMIT: u64 = 24 * 60 * 60;

/// The desktop that a task is done on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Machine {
    /// None: its tool has no `peer`.
    None,
    /// This machine's.
    Local,
    /// Another's, by its key: it may be called something else by then.
    Peer {
        /// What it was called when the task was added.
        name: String,
        /// Its key as digits, or its place with the key where it is not paired.
        at: String,
    },
}

/// A task and its times.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    /// What it is called.
    pub name: String,
    /// What is done.
    pub task: Task,
    /// When.
    pub timing: Timing,
    /// By whose clocks.
    pub zone: TimeZone,
    /// Where.
    pub machine: Machine,
    /// Whether what was missed while nothing ran is done once, later.
    pub catch_up: bool,
    /// Whether nothing is done until it is resumed.
    pub paused: bool,
    /// How long a run may take.
    pub limit: Duration,
    /// When it was added. Intervals count from here.
    pub created: Timestamp,
    /// What was due until then counts no more: when it was added or resumed last.
    pub since: Timestamp,
}

impl Schedule {
    /// When it is due next, after this time; `None` when never again, or while it is paused.
    #[must_use]
    pub fn next(&self, after: Timestamp) -> Option<Timestamp> {
        if self.paused { None } else { self.timing.next(&self.zone, self.created, after) }
    }

    /// What its tool is called with.
    pub(crate) fn call(&self) -> serde_json::Value {
        let mut arguments = self.task.arguments.clone();
        let peer = match &self.machine {
            Machine::None => None,
            Machine::Local => Some("local".to_owned()),
            Machine::Peer { at, .. } => Some(at.clone()),
        };
        if let Some(peer) = peer {
            arguments.insert("peer".into(), peer.into());
        }
        arguments.into()
    }
}

/// How a name is written.
///
/// # Errors
/// One line.
pub(crate) fn good_name(name: &str) -> Result<(), String> {
    let fits = |character: char| character.is_alphanumeric() || matches!(character, '-' | '_' | '.');
    if (1..=MOST_NAME).contains(&name.chars().count()) && name.chars().all(fits) {
        return Ok(());
    }
    Err(format!(
        "the name of a task has 1 to {MOST_NAME} letters, digits, hyphens, underscores and points, and no spaces"
    ))
}

/// How long a run may take.
///
/// # Errors
/// One line.
pub(crate) fn good_limit(seconds: u64) -> Result<Duration, String> {
    if (1..=MOST_LIMIT).contains(&seconds) {
        return Ok(Duration::from_secs(seconds));
    }
    Err(format!("a run is given 1 to {MOST_LIMIT} seconds, not {seconds}"))
}

/// All that is scheduled, as the file says it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Schedules {
    /// In the order in which they were added.
    pub all: Vec<Schedule>,
}

impl Schedules {
    /// What the file says; nothing where there is none.
    ///
    /// # Errors
    /// [`HomeErrorKind::Corrupt`] for a file that says anything else, which is left as it is; [`HomeErrorKind::Io`].
    pub fn load(home: &Home) -> Result<Self, HomeError> {
        home.read(FILE, MOST_BYTES)?.map_or_else(|| Ok(Self::default()), |bytes| Self::read(home, &bytes))
    }

    pub(super) fn read(home: &Home, bytes: &[u8]) -> Result<Self, HomeError> {
        let corrupt = |why: String| HomeError::corrupt(&home.path().join(FILE), why);
        let written: Written = serde_json::from_slice(bytes)
            .map_err(|error| corrupt(format!("does not hold schedules: {}", plain_text(&error.to_string()))))?;
        if written.version != VERSION {
            return Err(corrupt(format!("has version {} and this program knows {VERSION}", written.version)));
        }
        let mut all: Vec<Schedule> = Vec::new();
        for written in written.schedules {
            let name = plain_text(&written.name);
            let read = written.read().map_err(|why| corrupt(format!("has a task {name:?} that cannot be: {why}")))?;
            if all.iter().any(|other| other.name == read.name) {
                return Err(corrupt(format!("has two tasks that are called {name:?}")));
            }
            all.push(read);
        }
        Ok(Self { all })
    }

    /// Changes what the file says. Nothing is written when `act` fails.
    ///
    /// # Errors
    /// As [`load`](Self::load); [`HomeErrorKind::Busy`] when another process keeps the lock of the home; and those of `act`.
    pub fn change<T>(home: &Home, act: impl FnOnce(&mut Self) -> Result<T, HomeError>) -> Result<T, HomeError> {
        let _lock = home.lock()?;
        let mut schedules = Self::load(home)?;
        let answer = act(&mut schedules)?;
        let written = Written { version: VERSION, schedules: schedules.all.iter().map(Entry::of).collect() };
        let mut text = serde_json::to_string_pretty(&written).map_err(|error| invalid(error.to_string()))?;
        text.push('\n');
        if text.len() > MOST_BYTES {
            return Err(invalid(format!(
                "all tasks together have {} bytes and {MOST_BYTES} are kept; remove some",
                text.len()
            )));
        }
        home.write(FILE, text.as_bytes())?;
        Ok(answer)
    }

    /// Adds a task.
    ///
    /// # Errors
    /// [`HomeErrorKind::Taken`] when another has the name, [`HomeErrorKind::Invalid`] when there are too many; see
    /// [`change`](Self::change).
    pub fn add(home: &Home, schedule: Schedule) -> Result<(), HomeError> {
        Self::change(home, |schedules| {
            if schedules.all.iter().any(|other| other.name == schedule.name) {
                let why =
                    format!("a task is called {:?} already; choose another name or remove that one", schedule.name);
                return Err(HomeError::new(HomeErrorKind::Taken, why));
            }
            if schedules.all.len() >= MOST {
                return Err(invalid(format!("there are {MOST} tasks, which is the most; remove one first")));
            }
            schedules.all.push(schedule);
            Ok(())
        })
    }

    /// Removes a task. A run that has begun comes to its end.
    ///
    /// # Errors
    /// [`HomeErrorKind::Invalid`] when none is called so; see [`change`](Self::change).
    pub fn remove(home: &Home, name: &str) -> Result<(), HomeError> {
        Self::change(home, |schedules| {
            schedules.find(name)?;
            schedules.all.retain(|schedule| schedule.name != name);
            Ok(())
        })
    }

    /// Has a task rest, or go on. What would have been due meanwhile is not made up for.
    ///
    /// # Errors
    /// As [`remove`](Self::remove).
    pub fn pause(home: &Home, name: &str, paused: bool, now: Timestamp) -> Result<(), HomeError> {
        Self::change(home, |schedules| {
            schedules.find(name)?;
            for schedule in schedules.all.iter_mut().filter(|schedule| schedule.name == name) {
                if schedule.paused && !paused {
                    schedule.since = now;
                }
                schedule.paused = paused;
            }
            Ok(())
        })
    }

    /// The task that is called so.
    ///
    /// # Errors
    /// [`HomeErrorKind::Invalid`] with the names that there are.
    pub fn find(&self, name: &str) -> Result<&Schedule, HomeError> {
        self.all.iter().find(|schedule| schedule.name == name).ok_or_else(|| {
            let names: Vec<&str> = self.all.iter().map(|schedule| schedule.name.as_str()).collect();
            let there = if names.is_empty() {
                "none is scheduled".to_owned()
            } else {
                format!("there are: {}", names.join(", "))
            };
            invalid(format!("no task is called {:?}; {there}", plain_text(name)))
        })
    }
}

fn invalid(why: String) -> HomeError {
    HomeError::new(HomeErrorKind::Invalid, why)
}

/// The file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    version: u32,
    schedules: Vec<Entry>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    task: Task,
    timing: String,
    timezone: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    peer: Option<Peer>,
    #[serde(default)]
    catch_up: bool,
    #[serde(default)]
    paused: bool,
    limit_seconds: u64,
    created: String,
    since: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Peer {
    name: String,
    /// Missing for this machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at: Option<String>,
}

impl Entry {
    fn of(schedule: &Schedule) -> Self {
        let peer = match &schedule.machine {
            Machine::None => None,
            Machine::Local => Some(Peer { name: "local".to_owned(), at: None }),
            Machine::Peer { name, at } => Some(Peer { name: name.clone(), at: Some(at.clone()) }),
        };
        Self {
            name: schedule.name.clone(),
            task: schedule.task.clone(),
            timing: schedule.timing.to_string(),
            timezone: timing::name_of(&schedule.zone).to_owned(),
            peer,
            catch_up: schedule.catch_up,
            paused: schedule.paused,
            limit_seconds: schedule.limit.as_secs(),
            created: schedule.created.to_string(),
            since: schedule.since.to_string(),
        }
    }

    fn read(self) -> Result<Schedule, String> {
        good_name(&self.name)?;
        self.task.check()?;
        let machine = match (self.peer, self.task.has_machine()) {
            (None, false) => Machine::None,
            (Some(Peer { name, at: None }), true) if name == "local" => Machine::Local,
            (Some(Peer { name, at: Some(at) }), true) if is_machine(&name, &at) => Machine::Peer { name, at },
            (Some(_), true) => return Err("its peer is neither local nor a name and a key".to_owned()),
            (None, true) => return Err(format!("it has no peer, and `{}` needs one", self.task.tool)),
            (Some(_), false) => return Err(format!("it has a peer, and `{}` takes none", self.task.tool)),
        };
        let time = |text: &str| text.parse::<Timestamp>().map_err(|_| format!("{:?} is no time", plain_text(text)));
        Ok(Schedule {
            timing: self.timing.parse().map_err(|error: timing::BadTiming| error.to_string())?,
            zone: timing::zone(Some(&self.timezone)).map_err(|error| error.to_string())?,
            limit: good_limit(self.limit_seconds)?,
            created: time(&self.created)?,
            since: time(&self.since)?,
            name: self.name,
            task: self.task,
            machine,
            catch_up: self.catch_up,
            paused: self.paused,
        })
    }
}

/// A machine by its key, or by its place; the fingerprint is the name of one that is not paired.
fn is_machine(name: &str, at: &str) -> bool {
    let is_name = name.parse::<PeerName>().is_ok() || name.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b':');
    let place = matches!(at.parse::<Whom>(), Ok(Whom::At(Place { .. })));
    is_name && (place || hex::decode_key(at).is_some())
}

#[cfg(test)]
pub(super) mod tests;
