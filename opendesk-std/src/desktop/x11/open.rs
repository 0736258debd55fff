//! Opening an X server's desktop.

use std::sync::{Arc, Mutex};

use super::X11Desktop;
use super::capture::Eyes;
use super::changes::Changes;
use super::clipboard::Clipboard;
use super::connection::{Server, Slot};
use super::input::Input;
use super::person::Person;
use super::windows::WindowManager;
use crate::api::{Error, Result};
use crate::desktop::a11y::Accessibility;
use crate::desktop::session::{Apps, Locker, Notifications, SessionEnvironment};

impl X11Desktop {
    /// Connects to a display such as `:0`, or to the one of the session that our environment or our user's processes
    /// tell of, and finds out what it can do.
    ///
    /// # Errors
    /// [`ErrorCode::Internal`](crate::api::ErrorCode::Internal) when there is no server to connect to. A server
    /// that lacks an extension is no error: what needs it is missing from
    /// [`Computer::capabilities`](crate::desktop::Computer::capabilities).
    pub fn open(display: Option<&str>) -> Result<Self> {
        Self::open_with(display, None)
    }

    /// The same, of a session whose D-Bus has this address.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_with(display: Option<&str>, session_bus: Option<&str>) -> Result<Self> {
        Self::open_in(&SessionEnvironment::find_for(display, session_bus))
    }

    /// The same, of a session that was found.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_in(session: &SessionEnvironment) -> Result<Self> {
        let lacking = session.lacking();
        let Some(display) = session.display.clone() else { return Err(Error::internal(lacking.unwrap_or_default())) };
        let server = Server { display: display.clone(), authority: session.authority.clone() };
        // What one of them lists, another one acts on.
        let known = Arc::default();
        let eyes = Slot::open_knowing(server.clone(), &known, Eyes::start)?;
        let panes = Slot::open_knowing(server.clone(), &known, Eyes::start)?;
        let input = Arc::new(Slot::open(server.clone(), Input::start)?);
        let changes = Slot::open(server.clone(), Changes::start)?;
        let manager = Slot::open_knowing(server.clone(), &known, WindowManager::start)?;
        let person = Person::new(server.clone());
        let clipboard = Clipboard::open(server)?;
        let accessibility = Accessibility::new(session.session_bus.clone());
        let (locker, notifications) = (Locker::new(session), Notifications::new(session));
        tracing::info!("{}", session.explain());
        if let Some(lacking) = lacking {
            tracing::warn!("{lacking}");
        }
        let (apps, variables) = (Apps::new(session), session.variables());
        let desktop = Self {
            display,
            eyes,
            panes,
            input,
            changes,
            person,
            manager,
            clipboard,
            accessibility,
            apps,
            locker,
            notifications,
            variables,
            offer: Mutex::default(),
        };
        desktop.look_for_all()?;
        Ok(desktop)
    }
}
