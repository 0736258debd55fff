//! The notifications that applications show, read along on the session bus. What they say is in no log.

mod monitor;

use core::fmt;
use core::time::Duration;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use monitor::{Phase, Shared};

use super::bus::{Dial, Fault};
use super::environment::SessionEnvironment;
use super::notify::notify;
use crate::api::{Error, Notification, Result};
use crate::clock::monotonic;

/// How long the bus may take to let us read along.
const PATIENCE: Duration = Duration::from_secs(2);

/// Who shows notifications.
const SERVER: &str = "org.freedesktop.Notifications";

const NO_BUS: &str = "there is no D-Bus session bus; set DBUS_SESSION_BUS_ADDRESS";

const NO_SERVER: &str = "nothing in the session shows notifications; install and start a notification server, for example \
                         dunst or xfce4-notifyd";

/// The notifications of a session since it was first asked, the last 64 at most.
pub struct Notifications {
    /// The session bus, if there is one.
    bus: Option<Bus>,
    /// Whoever reads along; `None` until somebody wants to know.
    listener: Mutex<Option<Listener>>,
}

impl fmt::Debug for Notifications {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = self.bus.as_ref().map(|bus| &bus.address);
        f.debug_struct("Notifications").field("bus", &address).finish_non_exhaustive()
    }
}

struct Bus {
    address: String,
    /// For questions; what reads along can ask nothing.
    dial: Dial,
}

/// A thread that reads along until this is dropped or the bus goes away.
struct Listener {
    shared: Arc<Shared>,
    /// Dropping it ends the thread.
    _stop: async_channel::Sender<()>,
}

impl Notifications {
    /// The notifications of a session. Nothing is read yet.
    #[must_use]
    pub fn new(session: &SessionEnvironment) -> Self {
        let bus = session.session_bus.clone().map(|address| Bus { dial: Dial::session(&address), address });
        Self { bus, listener: Mutex::new(None) }
    }

    /// Begins to read along, if it has not begun or the bus went away since, and does not wait for it. What is shown
    /// before is not known later.
    pub fn start(&self) {
        let _has_begun = self.listener().is_ok();
    }

    /// What is shown, the newest first.
    ///
    /// # Errors
    /// `capability_unsupported` without a session bus and where nothing shows any, `internal` if the bus does not let us read
    /// along; the next call tries again.
    pub fn list(&self) -> Result<Vec<Notification>> {
        let shared = self.listener()?;
        match shared.await_begin(PATIENCE) {
            Phase::Listening => {
                let shown = shared.list(monotonic());
                // A bus that does not answer now is no reason to say that there are none.
                let is_served = !shown.is_empty() || self.is_served().unwrap_or(true);
                if is_served { Ok(shown) } else { Err(Error::missing("notifications.list", "x11", NO_SERVER)) }
            }
            Phase::Connecting => {
                Err(Error::internal(format!("the session bus did not let notifications be read within {PATIENCE:?}")))
            }
            Phase::Ended(why) => Err(Error::internal(format!(
                "the session bus does not let notifications be read; the next call tries again ({why})"
            ))),
        }
    }

    /// Shows a notification to whoever sits at the machine, for some seconds. The text may have several lines.
    ///
    /// # Errors
    /// `capability_unsupported` without a session bus, `internal` if nobody takes it within two seconds.
    pub fn show(&self, title: &str, text: &str) -> Result<()> {
        let Some(bus) = &self.bus else { return Err(Error::missing("notifications.list", "x11", NO_BUS)) };
        let shown = notify(&bus.dial, title, text);
        shown.map_err(|fault| Error::internal(format!("the notification is not shown: {}", fault.text())))
    }

    /// Whether notifications can be read, and somebody shows them.
    ///
    /// # Errors
    /// What is missing and what to install.
    pub fn probe(&self) -> core::result::Result<(), String> {
        let shared = self.listener().map_err(|error| error.message)?;
        if !self.is_served()? {
            return Err(NO_SERVER.to_owned());
        }
        match shared.await_begin(PATIENCE) {
            Phase::Listening => Ok(()),
            Phase::Connecting => Err("the session bus does not answer".to_owned()),
            Phase::Ended(why) => Err(format!("the session bus does not let notifications be read: {why}")),
        }
    }

    /// Whether somebody shows notifications, or would be started for it.
    fn is_served(&self) -> core::result::Result<bool, String> {
        let Some(bus) = &self.bus else { return Err(NO_BUS.to_owned()) };
        let asked = bus.dial.connect(PATIENCE);
        let bus = asked.map_err(|fault| format!("the session bus cannot be reached: {}", fault.text()))?;
        let silent = |fault: Fault| format!("the session bus does not answer: {}", fault.text());
        let is_there = |names: &[String]| names.iter().any(|name| name == SERVER);
        Ok(is_there(&bus.names().map_err(silent)?) || is_there(&bus.startable().map_err(silent)?))
    }

    fn listener(&self) -> Result<Arc<Shared>> {
        let Some(bus) = &self.bus else { return Err(Error::missing("notifications.list", "x11", NO_BUS)) };
        let mut listener = self.listener.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(listener) = listener.as_ref().filter(|listener| !listener.shared.has_ended()) {
            return Ok(Arc::clone(&listener.shared));
        }
        let shared = Arc::new(Shared::default());
        let (stop, stopped) = async_channel::bounded(1);
        let (address, reader) = (bus.address.clone(), Arc::clone(&shared));
        let read = move || monitor::read_along(&address, &reader, &stopped);
        thread::Builder::new().name("opendesk-notifications".to_owned()).spawn(read).map_err(|error| {
            Error::internal(format!("notifications cannot be read because no thread can be started: {error}"))
        })?;
        *listener = Some(Listener { shared: Arc::clone(&shared), _stop: stop });
        Ok(shared)
    }
}
