//! The one program of a home that does what is scheduled there.

use core::future::Future;
use core::pin::pin;
use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};
use std::fs::{File, TryLockError};
use std::io::Write as _;
use std::sync::Arc;

use async_channel::{Receiver, bounded};
use futures_util::FutureExt as _;
use futures_util::future::{Either, select};
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::hands::{Hands, place};
use super::plan::{Verdict, look};
use super::state::{End, Run, Seen, State};
use super::store::{FILE, MOST_BYTES, Schedule, Schedules};
use super::{job, now};
use crate::desktop::Backend;
use crate::home::{Attempt, Home, HomeError, HomeErrorKind, Kept, Watcher, holder, shown, try_exclusive};
use crate::runtime::{self, Runtime};

/// The file whose lock the runner holds.
const LOCK: &str = "scheduler.lock";

/// The file that others change.
const WATCHED: [&str; 1] = [FILE];

/// How long is slept at once: a clock that is set, or a machine that wakes up, is noticed after that much.
const NAP: Duration = Duration::from_secs(60);

/// How long is waited where what was decided could not be stored.
const TROUBLED: Duration = Duration::from_secs(10);

/// How often is looked whether somebody who does a task by hand on a desktop is done.
const BY_HAND: Duration = Duration::from_secs(2);

/// Whoever only looks whether there is a runner has the lock for microseconds.
const TRIES: u32 = 10;
const PAUSE: Duration = Duration::from_millis(20);

/// What a runner tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// It looks after this many tasks from now on, or after a change; the next is due then.
    Ready {
        /// How many there are.
        tasks: usize,
        /// The next, and when it is due.
        next: Option<(String, Timestamp)>,
    },
    /// A run begins.
    Begins {
        /// The task.
        name: String,
        /// What it does.
        title: String,
        /// When it was due.
        due: Timestamp,
    },
    /// A run has ended.
    Ended {
        /// The task.
        name: String,
        /// How.
        end: End,
    },
    /// A task was due while nothing ran that could have done it.
    Missed {
        /// The task.
        name: String,
        /// When it was due last.
        due: Timestamp,
        /// How many times.
        missed: u64,
    },
    /// A task was due while it was still being done.
    Overlaps {
        /// The task.
        name: String,
        /// When it was due.
        due: Timestamp,
    },
    /// Something keeps tasks from being done, in one line with the next step.
    Trouble(String),
}

impl Event {
    /// As a program reads it.
    #[must_use]
    pub fn to_json(&self) -> Value {
        match self {
            Self::Ready { tasks, next } => json!({
                "event": "ready", "tasks": tasks,
                "next": next.as_ref().map(|(name, at)| json!({"name": name, "at": at.to_string()})),
            }),
            Self::Begins { name, title, due } => {
                json!({"event": "begins", "name": name, "task": title, "due": due.to_string()})
            }
            Self::Ended { name, end } => {
                json!({"event": "ended", "name": name, "ok": end.ok, "took_ms": end.took_ms, "said": end.said})
            }
            Self::Missed { name, due, missed } => {
                json!({"event": "missed", "name": name, "due": due.to_string(), "missed": missed})
            }
            Self::Overlaps { name, due } => json!({"event": "overlaps", "name": name, "due": due.to_string()}),
            Self::Trouble(why) => json!({"event": "trouble", "error": why}),
        }
    }
}

/// Does what is scheduled in a home until `stop` ends, and tells of it. What is being done then is ended.
///
/// # Errors
/// [`HomeErrorKind::Busy`] with the number of the process that does so already; [`HomeErrorKind::Corrupt`] for a file that
/// cannot be read, [`HomeErrorKind::Io`].
pub async fn run<R: Runtime>(
    runtime: &R,
    home: &Home,
    backend: Backend,
    stop: impl Future<Output = ()>,
    tell: impl Fn(&Event),
) -> Result<(), HomeError> {
    let _lock = acquire(runtime, home).await?;
    let (changed, changes) = bounded(1);
    let _open = changed.clone();
    let told = move || {
        // One that waits to be heard is enough.
        let _told = changed.try_send(()).is_ok();
    };
    let _watcher = Watcher::start(home, &WATCHED, told)
        .inspect_err(|error| tracing::warn!(%error, "changes of what is scheduled are seen within a minute only"))
        .ok();
    let state =
        blocking(runtime, home, |home| Schedules::load(home).and_then(|_| State::without_orphans(home))).await?;
    let mut runner = Runner::new(runtime, home, backend, state, &tell);
    let (stopping, stopped) = bounded(1);
    let mut jobs = FuturesUnordered::new();
    let mut stop = pin!(stop.fuse());
    loop {
        runner.read();
        let nap = runner.decide().await;
        jobs.extend(runner.turns().into_iter().map(|turn| runner.perform(turn, stopped.clone())));
        let done = async {
            match jobs.next().await {
                Some(done) => done,
                None => core::future::pending().await,
            }
        };
        let (done, change, nap) = (pin!(done), pin!(changes.recv()), pin!(runtime::sleep(runtime, nap)));
        match select(&mut stop, select(done, select(change, nap))).await {
            Either::Left(_) => break,
            Either::Right((Either::Left((done, _)), _)) => runner.ended(done),
            // They are looked at again.
            Either::Right((Either::Right(_), _)) => runner.by_hand.clear(),
        }
    }
    drop(stopping);
    while let Some(done) = jobs.next().await {
        runner.ended(done);
    }
    Ok(())
}

/// Who does what is scheduled in a home: ` (pid 123)`, or empty where that is not known; `None` when nobody does.
#[must_use]
pub fn runner_of(home: &Home) -> Option<String> {
    let file = File::open(home.path().join(LOCK)).ok()?;
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => Some(holder(file)),
        Ok(()) | Err(TryLockError::Error(_)) => None,
    }
}

/// Takes the right to be the one that does what is scheduled in a home.
async fn acquire<R: Runtime>(runtime: &R, home: &Home) -> Result<File, HomeError> {
    let path = home.path().join(LOCK);
    let failed = |error: std::io::Error| HomeError::io("lock", &path, &error);
    for attempt in 1.. {
        match try_exclusive(&path).map_err(failed)? {
            Attempt::Held(mut file) => {
                file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id())).map_err(failed)?;
                return Ok(file);
            }
            Attempt::Busy(_) if attempt < TRIES => runtime::sleep(runtime, PAUSE).await,
            Attempt::Busy(file) => {
                return Err(HomeError::new(
                    HomeErrorKind::Busy,
                    format!(
                        "another `opendesk scheduler start`{} already does what is scheduled in {}; it sees new tasks by itself",
                        holder(file),
                        shown(home.path())
                    ),
                ));
            }
        }
    }
    Err(HomeError::new(HomeErrorKind::Busy, "the scheduler's lock was not to be had; try again"))
}

/// Reads or writes files of the home beside the event loop.
async fn blocking<R: Runtime, T: Send + 'static>(
    runtime: &R,
    home: &Home,
    work: impl FnOnce(&Home) -> T + Send + 'static,
) -> T {
    let home = home.clone();
    runtime.run_blocking(move || work(&home)).await
}

/// A task whose time has come.
struct Turn {
    schedule: Arc<Schedule>,
    due: Timestamp,
    seen: Seen,
    /// Until when everything that was due had been seen to before.
    before: Option<Timestamp>,
}

/// What became of a turn.
enum Done {
    Ended(Arc<Schedule>, End),
    /// It has not begun, and nothing says that it was seen to: it was taken off the list, or the runner ends.
    Left(Arc<Schedule>),
    /// Somebody does a task by hand on its desktop, so it goes on waiting.
    Busy(Turn),
    /// That it begins could not be kept, so it has not begun.
    Unkept(Turn, HomeError),
}

/// What came of beginning a run.
enum Start {
    Begun(Hands),
    /// Somebody does a task by hand on that desktop.
    Busy,
    /// It was removed or paused meanwhile.
    Unwanted,
}

struct Runner<'a, R, T> {
    runtime: &'a R,
    home: &'a Home,
    backend: Backend,
    tell: &'a T,
    file: Kept,
    /// None while the file cannot be read: then nothing is begun.
    schedules: Option<Vec<Arc<Schedule>>>,
    /// Until when everything that was due has been seen to, by name and by when the task was added.
    handled: BTreeMap<(String, Timestamp), Timestamp>,
    /// What waits for its desktop.
    queue: VecDeque<Turn>,
    /// What is being done, and where.
    running: Vec<Arc<Schedule>>,
    /// What was told last.
    trouble: Option<String>,
    /// Something could not be kept, and is tried again after a while.
    rests: bool,
    /// Desktops on which somebody does a task by hand, as of the last look.
    by_hand: Vec<String>,
}

impl<'a, R: Runtime, T: Fn(&Event)> Runner<'a, R, T> {
    fn new(runtime: &'a R, home: &'a Home, backend: Backend, state: State, tell: &'a T) -> Self {
        let handled = state.tasks.into_iter().map(|(name, kept)| ((name, kept.created), kept.handled)).collect();
        Self {
            runtime,
            home,
            backend,
            tell,
            file: Kept::new(home, FILE, MOST_BYTES),
            schedules: None,
            handled,
            queue: VecDeque::new(),
            running: Vec::new(),
            trouble: None,
            rests: false,
            by_hand: Vec::new(),
        }
    }

    fn troubled(&mut self, why: String) {
        if self.trouble.as_ref() != Some(&why) {
            tracing::error!(%why, "what is scheduled is not done");
            (self.tell)(&Event::Trouble(why.clone()));
            self.trouble = Some(why);
        }
    }

    /// Reads what is scheduled, if that may be another: a look at the file, and the reading of a short one.
    fn read(&mut self) {
        let Some(content) = self.file.renewed() else { return };
        let read = content.and_then(|bytes| match bytes {
            None => Ok(Schedules::default()),
            Some(bytes) => Schedules::read(self.home, &bytes),
        });
        match read {
            Ok(schedules) => {
                self.trouble = None;
                let all: Vec<_> = schedules.all.into_iter().map(Arc::new).collect();
                let is_new = self.schedules.as_ref() != Some(&all);
                self.handled
                    .retain(|(name, created), _| all.iter().any(|task| task.name == *name && task.created == *created));
                self.schedules = Some(all);
                if is_new {
                    self.introduce();
                }
            }
            Err(error) => {
                self.schedules = None;
                self.troubled(format!("{error}; until then nothing is done"));
            }
        }
    }

    fn introduce(&self) {
        let all = self.schedules.as_deref().unwrap_or_default();
        let now = now();
        let due = all.iter().filter_map(|task| Some((task.name.clone(), task.next(now)?)));
        (self.tell)(&Event::Ready { tasks: all.len(), next: due.min_by_key(|(_, at)| *at) });
    }

    fn is_busy(&self, schedule: &Schedule) -> bool {
        let waiting = self.queue.iter().map(|turn| &turn.schedule);
        self.running.iter().chain(waiting).any(|other| other.name == schedule.name)
    }

    /// Decides what is due, stores what is let go by, and tells for how long nothing else is. What is to be done is stored when
    /// it begins.
    async fn decide(&mut self) -> Duration {
        if core::mem::take(&mut self.rests) {
            return TROUBLED;
        }
        let all = self.schedules.clone().unwrap_or_default();
        let now = now();
        let mut wake: Option<Timestamp> = None;
        let mut acts = Vec::new();
        for schedule in all {
            let before = self.handled.get(&(schedule.name.clone(), schedule.created)).copied();
            let look = look(&schedule, before, self.is_busy(&schedule), now);
            wake = [wake, look.next].into_iter().flatten().min();
            let Some(handled) = look.handled() else { continue };
            match (look.verdict, self.queue.iter_mut().find(|turn| turn.schedule.name == schedule.name)) {
                // Kept when it begins.
                (Verdict::Run { due, missed }, _) => {
                    self.handled.insert((schedule.name.clone(), schedule.created), handled);
                    let seen = Seen { handled, missed, overlapped: 0 };
                    self.queue.push_back(Turn { schedule, due, seen, before });
                }
                (Verdict::Overlaps { due }, Some(waiting)) => {
                    waiting.seen = Seen { handled, overlapped: waiting.seen.overlapped + 1, ..waiting.seen };
                    self.handled.insert((schedule.name.clone(), schedule.created), handled);
                    (self.tell)(&Event::Overlaps { name: schedule.name.clone(), due });
                }
                (verdict, _) => acts.push((schedule, handled, verdict)),
            }
        }
        if !acts.is_empty() {
            let stored = acts.clone();
            let store = move |home: &Home| State::change(home, |state| keep(state, &stored));
            if let Err(error) = blocking(self.runtime, self.home, store).await {
                self.troubled(error.to_string());
                return TROUBLED;
            }
            for (schedule, handled, verdict) in acts {
                self.handled.insert((schedule.name.clone(), schedule.created), handled);
                self.act(&schedule, verdict);
            }
        }
        let until = wake.map(|wake| wake.duration_since(super::now()));
        let longest = if self.by_hand.is_empty() { NAP } else { BY_HAND };
        until.map_or(longest, |until| Duration::try_from(until).unwrap_or_default().min(longest))
    }

    fn act(&self, schedule: &Schedule, verdict: Verdict) {
        let name = schedule.name.clone();
        match verdict {
            Verdict::Rest | Verdict::Run { .. } => {}
            Verdict::Overlaps { due } => (self.tell)(&Event::Overlaps { name, due }),
            Verdict::Missed { due, missed } => (self.tell)(&Event::Missed { name, due, missed }),
        }
    }

    /// What can begin: on one desktop one thing is done at a time.
    fn turns(&mut self) -> Vec<Turn> {
        let Some(schedules) = &self.schedules else { return Vec::new() };
        // Whoever was removed or paused while it waited does not begin any more.
        let is_wanted = |turn: &Turn| {
            let mut wanted = schedules.iter().filter(|task| !task.paused);
            wanted.any(|task| task.name == turn.schedule.name && task.created == turn.schedule.created)
        };
        let mut turns = Vec::new();
        let mut waiting = VecDeque::new();
        for turn in self.queue.drain(..).filter(is_wanted) {
            let desktop = place(&turn.schedule.machine);
            let is_taken = |desktop: &String| {
                let mut running = self.running.iter().filter_map(|other| place(&other.machine));
                self.by_hand.contains(desktop) || running.any(|other| other == *desktop)
            };
            if desktop.as_ref().is_some_and(is_taken) {
                waiting.push_back(turn);
            } else {
                self.running.push(Arc::clone(&turn.schedule));
                turns.push(turn);
            }
        }
        self.queue = waiting;
        turns
    }

    /// Does a task, and keeps what became of it.
    fn perform(&self, turn: Turn, stopped: Receiver<()>) -> impl Future<Output = Done> + use<'a, R, T> {
        let (runtime, home, backend, tell) = (self.runtime, self.home, self.backend, self.tell);
        async move {
            let (schedule, due, seen) = (Arc::clone(&turn.schedule), turn.due, turn.seen);
            let title = schedule.task.title();
            if stopped.is_closed() {
                return Done::Left(schedule);
            }
            let run = Run { begun: now(), by_hand: false, end: None };
            let (of, first) = (Arc::clone(&schedule), run.clone());
            // Before anything is done: what was begun is not begun again, whatever happens then.
            let hands = match blocking(runtime, home, move |home: &Home| begin(home, &of, &first, seen)).await {
                Ok(Start::Begun(hands)) => hands,
                Ok(Start::Busy) => return Done::Busy(turn),
                Ok(Start::Unwanted) => return Done::Left(schedule),
                Err(error) => return Done::Unkept(turn, error),
            };
            if seen.missed > 0 {
                tell(&Event::Missed { name: schedule.name.clone(), due, missed: seen.missed });
            }
            tell(&Event::Begins { name: schedule.name.clone(), title, due });
            let end = job::carry_out(runtime, home, backend, &schedule, &stopped).await;
            drop(hands);
            let (of, last) = (Arc::clone(&schedule), end.clone());
            let kept = blocking(runtime, home, move |home| State::end(home, &of.name, of.created, &run, last)).await;
            if let Err(error) = kept {
                tracing::warn!(%error, task = schedule.name, "what became of a task could not be kept");
            }
            Done::Ended(schedule, end)
        }
    }

    fn ended(&mut self, done: Done) {
        let schedule = match &done {
            Done::Ended(schedule, _) | Done::Left(schedule) => schedule,
            Done::Busy(turn) | Done::Unkept(turn, _) => &turn.schedule,
        };
        self.running.retain(|other| !Arc::ptr_eq(other, schedule));
        match done {
            Done::Left(_) => {}
            Done::Busy(turn) => {
                self.by_hand.extend(place(&turn.schedule.machine));
                self.queue.push_front(turn);
            }
            Done::Ended(schedule, end) => {
                // What could not be kept can be kept again; the next failure is news.
                self.trouble = None;
                (self.tell)(&Event::Ended { name: schedule.name.clone(), end });
            }
            Done::Unkept(Turn { schedule, before, .. }, error) => {
                let of = (schedule.name.clone(), schedule.created);
                // It is due again, and done once that can be kept, or missed when it is too late.
                match before {
                    Some(before) => drop(self.handled.insert(of, before)),
                    None => drop(self.handled.remove(&of)),
                }
                self.rests = true;
                self.troubled(format!("{} has not begun: {error}", schedule.name));
            }
        }
    }
}

/// Takes the desktop and keeps that a run begins there.
fn begin(home: &Home, schedule: &Schedule, run: &Run, seen: Seen) -> Result<Start, HomeError> {
    let Some(hands) = Hands::take(home, &schedule.machine)? else { return Ok(Start::Busy) };
    let is_it = |task: &Schedule| task.name == schedule.name && task.created == schedule.created && !task.paused;
    if !Schedules::load(home)?.all.iter().any(is_it) {
        return Ok(Start::Unwanted);
    }
    State::begin_due(home, &schedule.name, schedule.created, run, seen)?;
    Ok(Start::Begun(hands))
}

fn keep(state: &mut State, acts: &[(Arc<Schedule>, Timestamp, Verdict)]) {
    for (schedule, handled, verdict) in acts {
        let kept = state.entry(&schedule.name, schedule.created, *handled);
        kept.handled = *handled;
        match verdict {
            Verdict::Rest | Verdict::Run { .. } => {}
            Verdict::Missed { missed, .. } => kept.missed += missed,
            Verdict::Overlaps { .. } => kept.overlapped += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::schedule::store::tests::{home, schedule};

    #[test]
    fn what_cannot_be_kept_or_is_wanted_no_more_does_not_begin() {
        let (_folder, home) = home();
        let task = schedule("a", "every 1h", "UTC");
        let run = Run { begun: now(), by_hand: false, end: None };
        let seen = Seen { handled: now(), missed: 0, overlapped: 0 };
        let start = || begin(&home, &task, &run, seen);
        assert!(matches!(start(), Ok(Start::Unwanted)), "it was removed");
        Schedules::add(&home, task.clone()).unwrap();
        let held = Hands::take(&home, &task.machine).unwrap();
        assert!(held.is_some() && matches!(start(), Ok(Start::Busy)));
        drop(held);
        let path = home.path().join("schedule-state.json");
        fs::write(&path, "{").unwrap();
        assert!(start().is_err());
        fs::remove_file(&path).unwrap();
        assert_eq!(State::load(&home).unwrap(), State::default(), "none of these was a run");
        assert!(matches!(start(), Ok(Start::Begun(_))));
        assert_eq!(State::load(&home).unwrap().of("a", task.created).map(|kept| kept.runs.len()), Some(1));
    }
}
