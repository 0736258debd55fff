//! Locking the screen, and whether it is locked.

mod programs;

use core::ops::ControlFlow;
use core::time::Duration;
use std::ffi::{OsStr, OsString};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread;
use std::time::Instant;

use super::bus::{Bus, Dial, Fault, Outcome, Until};
use super::environment::SessionEnvironment;
use super::logind::Wanted;
use super::savers;
use crate::api::{Effect, Error, ErrorCode, Result};
use crate::cancel::Cancel;
use crate::clock::monotonic;
use crate::os::command::Variable;

/// The deadline of each call when the screen is to be locked, and of looking whether it is.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long after it was asked to lock something new is begun. With the deadline of that it is ten seconds.
const TURN: Duration = Duration::from_secs(8);

/// How often it is looked at meanwhile.
const POLL: Duration = Duration::from_millis(50);

/// The deadline of a call that asks whether the screen is locked, and how long after the first another begins: so it is
/// known after twice this at most. A picture may be waiting for it.
const GLANCE: Duration = Duration::from_millis(200);

/// How long an answer to that is good.
const FRESH: Duration = Duration::from_millis(500);

/// How long a bus that did not answer is left alone.
const RESPITE: Duration = Duration::from_secs(10);

/// What to install where nothing locks the screen.
const ADVICE: &str = "install a screen locker, for example xscreensaver or light-locker, and start it in the session";

/// What locks the screen of a session.
#[derive(Debug)]
pub struct Locker {
    /// `None` without a session bus.
    session_bus: Option<Dial>,
    system_bus: Dial,
    wanted: Wanted,
    variables: Vec<Variable>,
    path: OsString,
    seen: Mutex<Seen>,
    /// Held by whoever looks.
    lines: Mutex<Lines>,
}

/// What was seen of the lock.
#[derive(Debug, Default)]
struct Seen {
    at: Option<Instant>,
    is_locked: Option<bool>,
    /// How often it was locked. What was asked before tells nothing of afterwards.
    round: u64,
}

/// The connections that the lock is seen through.
#[derive(Debug, Default)]
struct Lines {
    session: Line,
    system: Line,
}

/// A connection that is kept.
#[derive(Debug, Default)]
struct Line {
    bus: Option<Bus>,
    failed: Option<Instant>,
}

impl Locker {
    /// The locker of a session. Nothing is asked yet.
    #[must_use]
    pub fn new(session: &SessionEnvironment) -> Self {
        Self {
            session_bus: session.session_bus.as_deref().map(Dial::session),
            system_bus: Dial::system(),
            wanted: Wanted {
                user: rustix::process::geteuid().as_raw(),
                display: session.display.clone(),
                id: session.text("XDG_SESSION_ID").map(str::to_owned),
            },
            variables: session.variables(),
            path: session.variable("PATH").map_or_else(|| "/usr/local/bin:/usr/bin:/bin".into(), OsStr::to_owned),
            seen: Mutex::default(),
            lines: Mutex::default(),
        }
    }

    /// Whether there is something to lock the screen with.
    ///
    /// # Errors
    /// What is missing and what to install.
    pub fn probe(&self) -> core::result::Result<(), String> {
        let until = Until::within(TURN, &Cancel::new());
        let has_saver = |bus: Bus| savers::present(&bus).is_ok_and(|savers| !savers.is_empty());
        let has_login = |bus: Bus| self.wanted.find(&bus).is_ok_and(|login| login.is_some());
        let session_bus = self.session_bus.as_ref();
        if session_bus.is_some_and(|dial| dial.connect(PATIENCE).is_ok_and(has_saver))
            || self.system_bus.connect(PATIENCE).is_ok_and(has_login)
            || programs::is_present(&self.path, &self.variables, &until)
        {
            return Ok(());
        }
        Err(format!("nothing that locks the screen answers in the session; {ADVICE}"))
    }

    /// Locks the screen by the first that can: a locker on the session bus, the lockers that the login session is
    /// known to, a locker's own program. [`Effect::Confirmed`] once it says that the screen is locked,
    /// [`Effect::NoEffect`] if it says that it is not, [`Effect::Unverifiable`] if it says nothing. It takes ten seconds
    /// at most.
    ///
    /// # Errors
    /// `capability_unsupported` if there is none, `timeout` if there may be one that does not answer, `cancelled`.
    pub fn lock(&self, cancel: &Cancel) -> Result<Effect> {
        cancel.check()?;
        let until = Until::within(TURN, cancel);
        let effect = self.lock_by_any(&until);
        self.forget(effect);
        if effect != Some(Effect::Confirmed) {
            cancel.check()?;
        }
        effect.ok_or_else(|| {
            if until.is_over() {
                let text = "what locks the screen did not answer within 10 seconds; look whether it is locked";
                return Error::new(ErrorCode::Timeout, text);
            }
            let error = Error::unsupported("power.lock", "x11");
            Error::new(error.code, format!("{}: nothing in the session locks the screen; {ADVICE}", error.message))
        })
    }

    /// Whether the screen is locked, or was half a second ago or when it was last known while somebody else asks;
    /// `None` if nobody says. It takes 400 ms at most. A bus that takes longer is not asked again for ten seconds.
    #[must_use]
    pub fn is_locked(&self) -> Option<bool> {
        let (last, round) = {
            let seen = self.seen();
            if seen.at.is_some_and(|at| at.elapsed() < FRESH) {
                return seen.is_locked;
            }
            (seen.is_locked, seen.round)
        };
        let mut lines = match self.lines.try_lock() {
            Ok(lines) => lines,
            Err(TryLockError::Poisoned(lines)) => lines.into_inner(),
            Err(TryLockError::WouldBlock) => return last,
        };
        let is_locked = self.look(&mut lines);
        let mut seen = self.seen();
        if seen.round == round {
            seen.is_locked = is_locked;
            seen.at = Some(monotonic());
        }
        seen.is_locked
    }

    fn look(&self, lines: &mut Lines) -> Option<bool> {
        let until = Until::within(GLANCE, &Cancel::new());
        let saver = self.session_bus.as_ref().and_then(|dial| lines.session.ask(dial, &until, is_any_active)).flatten();
        if saver == Some(true) {
            return saver;
        }
        let login = lines.system.ask(&self.system_bus, &until, |bus| self.wanted.find(bus)).flatten();
        login.map(|login| login.is_locked).or(saver)
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn forget(&self, effect: Option<Effect>) {
        let mut seen = self.seen();
        let is_locked = if effect == Some(Effect::Confirmed) { Some(true) } else { seen.is_locked };
        *seen = Seen { at: None, is_locked, round: seen.round.wrapping_add(1) };
    }

    fn lock_by_any(&self, until: &Until) -> Option<Effect> {
        let saver = match self.lock_by_saver(until) {
            ControlFlow::Break(effect) => return Some(effect),
            ControlFlow::Continue(effect) => effect,
        };
        let login = self.lock_by_login(until);
        if login == Some(Effect::Confirmed) {
            return login;
        }
        programs::lock(&self.path, &self.variables, until).or(login).or(saver)
    }

    /// Ends the search once a locker answered that did not say that the screen is unlocked.
    fn lock_by_saver(&self, until: &Until) -> ControlFlow<Effect, Option<Effect>> {
        let dial = self.session_bus.as_ref().filter(|_| !until.is_over());
        let Some(bus) = dial.and_then(|dial| dial.connect(PATIENCE).ok()) else { return ControlFlow::Continue(None) };
        let bus = bus.within(until);
        let mut asked = None;
        for saver in savers::present(&bus).unwrap_or_default() {
            let has_answered = match saver.lock(&bus) {
                Ok(()) => true,
                // It may be busy locking.
                Err(Fault::Gone(_)) if !bus.is_closed() && !until.is_over() => false,
                Err(fault) => {
                    tracing::debug!(?saver, error = fault.text(), "a screen locker does not lock");
                    continue;
                }
            };
            match await_lock(until, || saver.is_active(&bus).ok()) {
                Effect::NoEffect => asked = asked.or(Some(Effect::NoEffect)),
                // It hangs. What else there is may still lock.
                Effect::Unverifiable if !has_answered => asked = Some(Effect::Unverifiable),
                // One locker over another would be more than was asked for.
                effect => return ControlFlow::Break(effect),
            }
        }
        ControlFlow::Continue(asked)
    }

    fn lock_by_login(&self, until: &Until) -> Option<Effect> {
        if until.is_over() {
            return None;
        }
        let bus = self.system_bus.connect(PATIENCE).ok()?.within(until);
        self.wanted.find(&bus).ok()??.lock(&bus).ok()?;
        // What is locked says so, but not all that locks says anything.
        let effect = await_lock(until, || Some(self.wanted.find(&bus).ok()??.is_locked));
        Some(if effect == Effect::Confirmed { effect } else { Effect::Unverifiable })
    }
}

/// Whether any locker on the session bus says that it is active; `None` without one that says anything.
fn is_any_active(bus: &Bus) -> Outcome<Option<bool>> {
    let mut said = None;
    for saver in savers::present(bus)? {
        match saver.is_active(bus) {
            Ok(true) => return Ok(Some(true)),
            Ok(false) => said = Some(false),
            Err(Fault::Refused(_)) => {}
            Err(fault @ Fault::Gone(_)) => return Err(fault),
        }
    }
    Ok(said)
}

/// Looks until the screen is locked, for as long as [`PATIENCE`], or until there is no more time.
fn await_lock(until: &Until, is_locked: impl Fn() -> Option<bool>) -> Effect {
    let begun = monotonic();
    loop {
        match is_locked() {
            Some(true) => return Effect::Confirmed,
            None => return Effect::Unverifiable,
            Some(false) if begun.elapsed() >= PATIENCE || until.is_over() => return Effect::NoEffect,
            Some(false) => pause(),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a locker is asked, because not all of them tell by themselves")]
fn pause() {
    thread::sleep(POLL);
}

impl Line {
    /// Asks on the connection, which is made if there is none. After a failure the bus is left alone for a while.
    fn ask<T>(&mut self, dial: &Dial, until: &Until, ask: impl FnOnce(&Bus) -> Outcome<T>) -> Option<T> {
        if until.is_over() || self.failed.is_some_and(|at| at.elapsed() < RESPITE) {
            return None;
        }
        let bus = match self.bus.take().filter(|bus| !bus.is_closed()) {
            Some(bus) => Ok(bus),
            None => dial.connect(GLANCE),
        };
        let outcome = bus.and_then(|bus| {
            let outcome = ask(&bus.within(until));
            if !matches!(outcome, Err(Fault::Gone(_))) {
                self.bus = Some(bus);
            }
            outcome
        });
        self.failed = outcome.is_err().then(monotonic);
        outcome.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_confirmed_by_who_says_that_it_is_there() {
        let until = Until::within(TURN, &Cancel::new());
        let looks = core::cell::Cell::new(0);
        let third = || {
            looks.set(looks.get() + 1);
            Some(looks.get() == 3)
        };
        assert_eq!(await_lock(&until, third), Effect::Confirmed);
        assert_eq!(looks.get(), 3);
        assert_eq!(await_lock(&until, || None), Effect::Unverifiable);
        assert_eq!(await_lock(&until, || Some(false)), Effect::NoEffect);
        let cancel = Cancel::new();
        cancel.cancel();
        let begun = monotonic();
        assert_eq!(await_lock(&Until::within(TURN, &cancel), || Some(false)), Effect::NoEffect);
        assert!(begun.elapsed() < PATIENCE, "nobody waits for it");
    }

    #[test]
    fn a_bus_that_is_not_there_is_left_alone_for_a_while() {
        let folder = tempfile::tempdir().unwrap();
        let dial = Dial::session(&format!("unix:path={}", folder.path().join("bus").display()));
        let mut line = Line::default();
        let until = Until::within(TURN, &Cancel::new());
        assert_eq!(line.ask(&dial, &until, |_| Ok(())), None);
        let failed = line.failed.unwrap();
        assert_eq!(line.ask(&dial, &until, |_| Ok(())), None);
        assert_eq!(line.failed, Some(failed), "it was not asked again");
    }

    /// A bus that takes connections and says nothing.
    fn silent() -> (tempfile::TempDir, std::os::unix::net::UnixListener, Locker) {
        let folder = tempfile::tempdir().unwrap();
        let listener = std::os::unix::net::UnixListener::bind(folder.path().join("bus")).unwrap();
        let dial = Dial::session(&format!("unix:path={}", folder.path().join("bus").display()));
        let locker = Locker {
            session_bus: Some(dial.clone()),
            system_bus: dial,
            wanted: Wanted::default(),
            variables: Vec::new(),
            path: folder.path().as_os_str().to_owned(),
            seen: Mutex::default(),
            lines: Mutex::default(),
        };
        (folder, listener, locker)
    }

    #[test]
    fn a_bus_that_says_nothing_is_not_waited_for() {
        let (_folder, _listener, locker) = silent();
        let begun = monotonic();
        assert_eq!(locker.is_locked(), None);
        assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
        let error = locker.lock(&Cancel::new()).unwrap_err();
        assert_eq!(error.code, ErrorCode::CapabilityUnsupported);
        assert!(begun.elapsed() < Duration::from_secs(12), "{:?}", begun.elapsed());
        let cancel = Cancel::new();
        cancel.cancel();
        assert_eq!(locker.lock(&cancel).unwrap_err().code, ErrorCode::Cancelled);
    }

    #[test]
    fn what_is_known_is_told_while_somebody_asks() {
        let (_folder, _listener, locker) = silent();
        locker.forget(Some(Effect::Confirmed));
        let lines = locker.lines.lock().unwrap();
        assert_eq!(locker.is_locked(), Some(true));
        drop(lines);
    }
}
