//! The login session that a display belongs to, as systemd-logind knows it.

use std::collections::HashMap;

use zbus::{OwnedObjectPath, OwnedVariant};

use super::bus::{Bus, Fault, Outcome, Target};
use super::witness::local_number;

const NAME: &str = "org.freedesktop.login1";
const MANAGER: Target<'_> =
    Target { name: NAME, path: "/org/freedesktop/login1", interface: "org.freedesktop.login1.Manager" };
const SESSION: &str = "org.freedesktop.login1.Session";

/// Which session is ours.
#[derive(Debug, Clone, Default)]
pub(super) struct Wanted {
    pub(super) user: u32,
    pub(super) display: Option<String>,
    /// The session that the display's own programs say they are in.
    pub(super) id: Option<String>,
}

/// A login session.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Login {
    id: String,
    /// Whether it says that it is locked. Not every locker tells it.
    pub(super) is_locked: bool,
}

/// A session as `ListSessions` has it: its id, its user's number and name, its seat, its object.
type Listed = (String, u32, String, String, OwnedObjectPath);

impl Wanted {
    /// The session, if there is one that is surely of this display: others of the same user stay as they are.
    pub(super) fn find(&self, bus: &Bus) -> Outcome<Option<Login>> {
        // Calling it would start it.
        if !bus.names()?.iter().any(|name| name == NAME) {
            return Ok(None);
        }
        let listed: Vec<Listed> = bus.call(MANAGER, "ListSessions", &())?.body().deserialize()?;
        for (id, _, _, _, path) in listed.into_iter().filter(|(_, user, ..)| *user == self.user) {
            let target = Target { name: NAME, path: path.as_str(), interface: "org.freedesktop.DBus.Properties" };
            let answer = match bus.call(target, "GetAll", &SESSION) {
                Ok(answer) => answer,
                // It has ended since.
                Err(Fault::Refused(_)) => continue,
                Err(fault) => return Err(fault),
            };
            let properties: HashMap<String, OwnedVariant> = answer.body().deserialize()?;
            let text =
                |name: &str| properties.get(name).and_then(|value| <&str>::try_from(value).ok()).unwrap_or_default();
            let flag =
                |name: &str| properties.get(name).and_then(|value| bool::try_from(value).ok()).unwrap_or_default();
            if self.is_of_display(&id, text("Type"), text("Class"), text("Display")) {
                return Ok(Some(Login { id, is_locked: flag("LockedHint") }));
            }
        }
        Ok(None)
    }

    fn is_of_display(&self, id: &str, kind: &str, class: &str, display: &str) -> bool {
        let is_graphical = matches!(kind, "x11" | "wayland" | "mir") && matches!(class, "user" | "");
        let is_shown = if display.is_empty() {
            // Not every display manager tells which display it started.
            self.id.as_deref() == Some(id)
        } else {
            let number = self.display.as_deref().and_then(local_number);
            number.is_some() && number == local_number(display)
        };
        is_graphical && is_shown
    }
}

impl Login {
    /// Tells the lockers of the session to lock it. Whether there are any, nobody says.
    pub(super) fn lock(&self, bus: &Bus) -> Outcome<()> {
        bus.call(MANAGER, "LockSession", &self.id.as_str()).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_session_of_the_display_is_ours() {
        let wanted = Wanted { user: 1000, display: Some(":1.0".to_owned()), id: None };
        assert!(wanted.is_of_display("2", "x11", "user", ":1"));
        assert!(wanted.is_of_display("2", "wayland", "user", ":1"));
        assert!(!wanted.is_of_display("2", "x11", "user", ":0"));
        assert!(!wanted.is_of_display("2", "x11", "greeter", ":1"));
        assert!(!wanted.is_of_display("2", "tty", "user", ":1"));
        assert!(!wanted.is_of_display("2", "x11", "user", ""));
        let wanted = Wanted { id: Some("2".to_owned()), ..wanted };
        assert!(wanted.is_of_display("2", "x11", "user", ""));
        assert!(!wanted.is_of_display("3", "x11", "user", ""));
        let elsewhere = Wanted { display: Some("host:1".to_owned()), ..Wanted::default() };
        assert!(!elsewhere.is_of_display("2", "x11", "user", ":1"));
    }
}
