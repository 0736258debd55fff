//! Opening an X server's desktop, and finding out what it can do.

use std::sync::Arc;

use super::X11Desktop;
use super::capture::Eyes;
use super::changes::Changes;
use super::clipboard::Clipboard;
use super::connection::{Server, Slot};
use super::input::Input;
use super::person::Person;
use super::windows::WindowManager;
use crate::api::{Error, Result};
use crate::desktop::Missing;
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
        let (can_capture, displays) = eyes.with(|eyes| Ok((eyes.can_capture(), eyes.layout()?.displays.len())))?;
        let (can_press, can_type) = input.with(|input| Ok((input.can_press(), input.can_type())))?;
        let (can_list, can_manage) = manager.with(|manager| Ok((manager.can_list()?, manager.can_manipulate()?)))?;
        let lacks = |extension: &str| format!("the X server at {display} has no {extension} extension");
        let no_manager = || "no window manager runs that speaks EWMH; start one, such as openbox".to_owned();
        let (reads, shows, locks) = std::thread::scope(|scope| {
            // Each may wait for a bus that does not answer.
            let reads = scope.spawn(|| accessibility.probe());
            let shows = scope.spawn(|| notifications.probe());
            let locks = locker.probe();
            let gone = || Err("the probe failed".to_owned());
            (reads.join().unwrap_or_else(|_| gone()), shows.join().unwrap_or_else(|_| gone()), locks)
        });
        let said = |so: bool, why: &dyn Fn() -> String| if so { Ok(()) } else { Err(why()) };
        let pixels = || format!("the X server at {display} does not keep pixels of four bytes in 24- or 32-bit colour");
        let mut capabilities = Vec::new();
        let mut missing = Vec::new();
        let mut probe = |names: &[&'static str], outcome: core::result::Result<(), String>| match outcome {
            Ok(()) => capabilities.extend_from_slice(names),
            Err(why) => missing.extend(names.iter().map(|capability| Missing { capability, why: why.clone() })),
        };
        probe(&["display.capture"], said(can_capture, &pixels));
        probe(&["input.keyboard", "input.pointer"], said(can_press, &|| lacks("XTEST")));
        probe(&["input.text"], said(can_press && can_type, &|| lacks("XTEST or XKEYBOARD")));
        probe(&["windows.list"], said(can_list, &no_manager));
        probe(&["windows.manipulate"], said(can_manage, &no_manager));
        probe(&["app.lifecycle"], said(can_list, &no_manager));
        probe(&["clipboard.read", "clipboard.write", "clipboard.multi_mime"], Ok(()));
        probe(&["ui.actions", "ui.tree"], reads);
        probe(&["notifications.list"], shows);
        probe(&["power.lock"], locks);
        if can_capture && displays > 1 {
            capabilities.push("display.multi_monitor");
        }
        tracing::info!("{}", session.explain());
        if let Some(lacking) = lacking {
            tracing::warn!("{lacking}");
        }
        let (apps, variables) = (Apps::new(session), session.variables());
        Ok(Self {
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
            capabilities,
            missing,
        })
    }
}
