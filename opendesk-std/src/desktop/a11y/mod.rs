//! Accessibility on Linux, by AT-SPI: what windows show, as a tree of elements, and doing something to them.
//!
//! The session bus knows where the accessibility bus is. There every application that takes part answers for its
//! elements itself, so every answer has a deadline: one that is stopped costs its share of the time and is shown as not
//! responding. Connecting switches accessibility on for the session (`IsEnabled` of `org.a11y.Status`, which the
//! desktop keeps as its setting *toolkit-accessibility*), and the first tree registers a listener: without the one
//! Chromium and programs of Qt do not take part, without the other programs of GTK keep no list of their elements.
//! Chromium shows its pages only to those that were there when it started, or with `--force-renderer-accessibility`.
//!
//! Places are pixels of the X server's screen, as applications tell them.

mod act;
mod actions;
mod apps;
mod bus;
mod by_hand;
mod cache;
mod children;
mod detail;
mod edit;
mod faces;
mod find;
mod frames;
mod item;
mod menu;
mod provider;
mod read;
mod refs;
mod roles;
mod scene;
mod selection;
mod shape;
mod states;
mod talk;
mod wait;

use core::fmt;
use core::time::Duration;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use act::Plan;
use apps::Names;
use bus::Bus;
pub(super) use provider::{Outline, Part, Provider};
use refs::References;
use scene::Scene;
use talk::{Talk, short};
use wait::{Ticker, run};

use crate::api::{Effect, Error, ErrorCode, Modifier, Point, Result, TreeParams, UiActionParams, UiTree, Window};
use crate::cancel::Cancel;
use crate::clock;
use crate::desktop::Key;

/// How long one call may take, whatever applications do.
const BUDGET: Duration = Duration::from_secs(2);

/// How long it may take to find out whether there is accessibility at all.
const PROBE: Duration = Duration::from_millis(900);

/// How long a bus that may not be well has to answer.
const DOUBT: Duration = Duration::from_millis(300);

/// What the desktop does for what applications cannot be asked to do. Its keyboard is used when an element has it.
pub(super) trait Seat {
    /// Brings the window of this title of a process to the front and gives it the keyboard.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] when there is no such window, [`ErrorCode::InvalidArgument`] when there are several.
    fn bring_forward(&self, process: u32, title: &str) -> Result<Effect>;

    /// Presses a key and releases it, with these keys held meanwhile.
    ///
    /// # Errors
    /// Those of [`Computer::key`](crate::desktop::Computer::key). Nothing stays pressed.
    fn press(&self, key: Key, modifiers: &[Modifier]) -> Result<Effect>;

    /// Clicks at a point of the desktop.
    ///
    /// # Errors
    /// Those of [`Computer::button`](crate::desktop::Computer::button). Nothing stays pressed.
    fn click(&self, point: Point) -> Result<Effect>;

    /// Types a text of any script.
    ///
    /// # Errors
    /// Those of [`Computer::type_text`](crate::desktop::Computer::type_text).
    fn type_text(&self, text: &str) -> Result<Effect>;
}

/// The accessibility of one session. It connects when it is first needed, and again when the connection is lost.
pub(super) struct Accessibility {
    session_bus: Option<String>,
    link: Mutex<Link>,
    names: Names,
    references: Mutex<References>,
}

#[derive(Debug, Default)]
struct Link {
    bus: Option<Arc<Bus>>,
    /// Whether somebody did not answer last time, which can be the bus.
    is_doubtful: bool,
}

impl fmt::Debug for Accessibility {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accessibility").field("session_bus", &self.session_bus).finish_non_exhaustive()
    }
}

impl Accessibility {
    /// The accessibility of the session whose bus has this address. A session without a bus has none. Nothing is
    /// connected yet.
    pub(super) fn new(session_bus: Option<String>) -> Self {
        Self { session_bus, link: Mutex::default(), names: Names::default(), references: Mutex::default() }
    }

    /// Whether there is accessibility, in less than a second.
    ///
    /// # Errors
    /// One line that says what is missing and which Debian package helps.
    pub(super) fn probe(&self) -> core::result::Result<(), String> {
        let (ticker, deadline) = (Ticker::default(), clock::monotonic() + PROBE);
        let found = run(&ticker, &Cancel::new(), async {
            let bus = self.connected(&ticker, deadline).await?;
            let talk = Talk { bus: &bus, ticker: &ticker, deadline };
            self.names.list(talk, clock::monotonic()).await
        });
        found.map(drop).map_err(|error| error.message)
    }

    /// The tree of a window, of the application that `params` names, or of all applications below an element of the
    /// role `desktop`. `window` is the window that `params` names. It takes two seconds at most and gives what was read
    /// by then.
    ///
    /// Elements that do not show are left out, but for the items of closed menus. References stay the same for as long
    /// as an element lives, and passwords are never in it.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] when there is no such window or application, [`ErrorCode::InvalidArgument`] when several
    /// applications are meant, [`ErrorCode::CapabilityUnsupported`] when there is no accessibility,
    /// [`ErrorCode::Cancelled`].
    pub(super) fn tree(&self, params: &TreeParams, window: Option<&Window>, cancel: &Cancel) -> Result<UiTree> {
        let tree = self.call(cancel, async |scene: &Scene<'_>| {
            scene.talk.until(scene.talk.bus.listen()).await;
            scene.tree(params, window).await
        });
        if tree.as_ref().is_ok_and(|tree| tree.truncated) {
            self.link().is_doubtful = true;
        }
        tree
    }

    /// Does something to one element: an action that its application lists, or `click`, `focus`, `type`, `key`,
    /// `set_value` and `menu`. What the desktop has to do is left to `seat`, typing when the element has the keyboard.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] for an element that is not there any more, [`ErrorCode::InvalidArgument`] for what it
    /// does not take or what names several, [`ErrorCode::CapabilityUnsupported`] for a click on what has no action and
    /// when there is no accessibility, [`ErrorCode::Timeout`] when its application does not answer.
    pub(super) fn act(&self, params: &UiActionParams, seat: &dyn Seat, cancel: &Cancel) -> Result<Effect> {
        let plan = self.call(cancel, async |scene: &Scene<'_>| {
            scene.talk.until(scene.talk.bus.listen()).await;
            act::prepare(scene, params).await
        })?;
        self.finish(plan, &params.target.modifiers, seat, cancel)
    }

    /// Does the desktop's part of an action.
    fn finish(&self, plan: Plan, modifiers: &[Modifier], seat: &dyn Seat, cancel: &Cancel) -> Result<Effect> {
        match plan {
            Plan::Done(effect) => Ok(effect),
            Plan::Type(text) => seat.type_text(&text),
            Plan::Press(key) => seat.press(key, modifiers),
            Plan::Replace(item, text) => {
                seat.press(Key::Char('a'), &[Modifier::Ctrl])?;
                self.call(cancel, async |scene: &Scene<'_>| {
                    selection::all(scene.talk, &item).await;
                    Ok(())
                })?;
                if text.is_empty() {
                    seat.press(Key::Delete, &[])?;
                } else {
                    seat.type_text(&text)?;
                }
                let confirm = async |scene: &Scene<'_>| edit::confirm(scene.talk, &item, &text).await;
                // It was typed. A browser that is busy tells of it later than anybody waits for it.
                self.call(cancel, confirm).map(|effect| match effect {
                    Effect::NoEffect => Effect::Unverifiable,
                    seen => seen,
                })
            }
            Plan::Front { process, title, then } => match (seat.bring_forward(process, &title)?, *then) {
                (effect, Plan::Done(_)) => Ok(effect),
                (Effect::Confirmed, then) => self.finish(then, modifiers, seat, cancel),
                // It would go to whatever has the keyboard instead.
                (Effect::Unverifiable | Effect::NoEffect, _) => {
                    let window = short(&title);
                    let message = format!("the window \"{window}\" does not come to the front; nothing was done");
                    Err(Error::invalid(message))
                }
            },
            Plan::Choose(item) => {
                seat.press(Key::Enter, &[])?;
                self.call(cancel, async |scene: &Scene<'_>| Ok(act::came_of(scene.talk, &item).await))
            }
            Plan::Click(item) => {
                let takes_key = async |scene: &Scene<'_>| by_hand::takes_key(scene.talk, &item).await;
                if self.call(cancel, takes_key)? {
                    seat.press(Key::Space, &[])?;
                } else {
                    let place = async |scene: &Scene<'_>| by_hand::place(scene.talk, &item).await;
                    seat.click(self.call(cancel, place)?)?;
                }
                self.call(cancel, async |scene: &Scene<'_>| Ok(act::came_of(scene.talk, &item).await))
            }
            Plan::Undo { error, menus } => {
                for _ in 0..menus {
                    if let Err(error) = seat.press(Key::Escape, &[]) {
                        tracing::debug!("a menu stays open: {error}");
                    }
                }
                Err(error)
            }
        }
    }

    /// Talks to applications for as long as a call may take.
    fn call<T>(&self, cancel: &Cancel, work: impl AsyncFnOnce(&Scene<'_>) -> Result<T>) -> Result<T> {
        let (ticker, deadline) = (Ticker::default(), clock::monotonic() + BUDGET);
        let outcome = run(&ticker, cancel, async {
            let bus = self.connected(&ticker, deadline).await?;
            let talk = Talk { bus: &bus, ticker: &ticker, deadline };
            let id = bus.id();
            let scene = Scene { talk, names: &self.names, references: &self.references, bus: &id };
            work(&scene).await
        });
        if outcome.as_ref().is_err_and(|error| error.code == ErrorCode::Timeout) {
            self.link().is_doubtful = true;
        }
        outcome
    }

    fn link(&self) -> MutexGuard<'_, Link> {
        self.link.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connection that there is, or a new one.
    async fn connected(&self, ticker: &Ticker, deadline: Instant) -> Result<Arc<Bus>> {
        let (kept, is_doubtful) = {
            let link = self.link();
            (link.bus.clone(), link.is_doubtful)
        };
        if let Some(bus) = kept.filter(|bus| !bus.is_lost()) {
            let doubt = deadline.min(clock::monotonic() + DOUBT);
            // A message that was given up while it was sent leaves a connection on which nothing arrives any more.
            if !is_doubtful || ticker.until(doubt, bus.answers()).await == Some(true) {
                self.link().is_doubtful = false;
                return Ok(bus);
            }
        }
        let bus = match ticker.until(deadline, Bus::connect(self.session_bus.as_deref())).await {
            Some(Ok(bus)) => Arc::new(bus),
            Some(Err(why)) => return Err(Error::new(ErrorCode::CapabilityUnsupported, why)),
            None => {
                let message = "the accessibility bus does not answer; look whether at-spi-bus-launcher of the Debian \
                               package at-spi2-core is stopped";
                return Err(Error::new(ErrorCode::Timeout, message));
            }
        };
        // Both under one lock: calls at once may have found different buses.
        let mut link = self.link();
        self.references.lock().unwrap_or_else(PoisonError::into_inner).belong_to(bus.id());
        *link = Link { bus: Some(Arc::clone(&bus)), is_doubtful: false };
        Ok(bus)
    }
}

#[cfg(test)]
mod tests {
    use core::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn a_session_without_a_bus_says_what_helps() {
        let accessibility = Accessibility::new(Some("unix:path=/nowhere/bus".to_owned()));
        let why = accessibility.probe().unwrap_err();
        assert!(why.starts_with("there is no session bus at unix:path=/nowhere/bus"), "{why}");
        assert!(why.contains("dbus-user-session") && !why.contains('\n'), "{why}");
        let error = accessibility.tree(&TreeParams::default(), None, &Cancel::new()).unwrap_err();
        assert_eq!((error.code, error.message), (ErrorCode::CapabilityUnsupported, why));
    }

    #[test]
    fn a_session_that_has_no_bus_has_no_accessibility() {
        let accessibility = Accessibility::new(None);
        let why = "the session has no D-Bus session bus; set DBUS_SESSION_BUS_ADDRESS";
        assert_eq!(accessibility.probe(), Err(why.to_owned()));
        let error = accessibility.tree(&TreeParams::default(), None, &Cancel::new()).unwrap_err();
        assert_eq!((error.code, error.message.as_str()), (ErrorCode::CapabilityUnsupported, why));
    }

    /// A desktop whose windows come to the front as surely as this says.
    struct Still(Effect, AtomicUsize);

    impl Seat for Still {
        fn bring_forward(&self, _process: u32, _title: &str) -> Result<Effect> {
            Ok(self.0)
        }

        fn press(&self, _key: Key, _modifiers: &[Modifier]) -> Result<Effect> {
            self.1.fetch_add(1, Ordering::Relaxed);
            Ok(Effect::Unverifiable)
        }

        fn click(&self, _point: Point) -> Result<Effect> {
            self.press(Key::Delete, &[])
        }

        fn type_text(&self, _text: &str) -> Result<Effect> {
            self.press(Key::Delete, &[])
        }
    }

    #[test]
    fn nothing_is_typed_unless_the_window_is_known_to_have_the_keyboard() {
        let accessibility = Accessibility::new(None);
        for (effect, typed) in [(Effect::Confirmed, 1), (Effect::Unverifiable, 0), (Effect::NoEffect, 0)] {
            for then in [Plan::Type("secret".to_owned()), Plan::Press(Key::Delete)] {
                let seat = Still(effect, AtomicUsize::new(0));
                let plan = Plan::Front { process: 1, title: "Form".to_owned(), then: Box::new(then) };
                let outcome = accessibility.finish(plan, &[], &seat, &Cancel::new());
                assert_eq!(seat.1.load(Ordering::Relaxed), typed, "{effect:?}");
                assert_eq!(outcome.is_ok(), typed == 1, "{effect:?}");
                assert!(outcome.err().is_none_or(|error| error.message.ends_with("nothing was done")));
            }
            let seat = Still(effect, AtomicUsize::new(0));
            let then = Box::new(Plan::Done(Effect::Confirmed));
            let plan = Plan::Front { process: 1, title: "Form".to_owned(), then };
            assert_eq!(accessibility.finish(plan, &[], &seat, &Cancel::new()), Ok(effect));
        }
    }

    #[test]
    fn a_call_that_is_cancelled_begins_nothing() {
        let accessibility = Accessibility::new(Some("unix:path=/nowhere/bus".to_owned()));
        let cancel = Cancel::new();
        cancel.cancel();
        let error = accessibility.tree(&TreeParams::default(), None, &cancel).unwrap_err();
        assert_eq!(error.code, ErrorCode::Cancelled);
    }
}
