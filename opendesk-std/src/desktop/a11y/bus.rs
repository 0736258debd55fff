//! The accessibility bus: finding it, and asking on it.

use core::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

use serde::Serialize;
use zbus::wire::{DynamicDeserialize, DynamicType};
use zbus::{Connection, Message, OwnedObjectPath, OwnedVariant, Variant, fdo};

use crate::desktop::session::open_bus;

/// The service of the session bus that knows where the accessibility bus is, and the object that tells it.
const LAUNCHER: &str = "org.a11y.Bus";
const LAUNCHER_PATH: &str = "/org/a11y/bus";
const STATUS: &str = "org.a11y.Status";

/// The service of the accessibility bus that knows the applications.
const REGISTRY: &str = "org.a11y.atspi.Registry";
const REGISTRY_PATH: &str = "/org/a11y/atspi/registry";
const ROOT_PATH: &str = "/org/a11y/atspi/accessible/root";
const CACHE_PATH: &str = "/org/a11y/atspi/cache";

/// The most data of one reply. The list of everything that the largest documents have is shorter.
const MOST_DATA: usize = 16 << 20;

/// The longest name of a program on a bus, and the longest path of an element, in bytes. Every place is kept.
const LONGEST_BUS: usize = 255;
const LONGEST_PATH: usize = 1024;

/// What stands for no element.
const NULL_PATH: &str = "/org/a11y/atspi/null";

const PROPERTIES: &str = "org.freedesktop.DBus.Properties";
/// The bus itself.
const DRIVER: &str = "org.freedesktop.DBus";
const DRIVER_PATH: &str = "/org/freedesktop/DBus";

pub(super) const ACCESSIBLE: &str = "org.a11y.atspi.Accessible";
pub(super) const APPLICATION: &str = "org.a11y.atspi.Application";
pub(super) const ACTION: &str = "org.a11y.atspi.Action";
pub(super) const CACHE: &str = "org.a11y.atspi.Cache";
pub(super) const COMPONENT: &str = "org.a11y.atspi.Component";
pub(super) const EDITABLE_TEXT: &str = "org.a11y.atspi.EditableText";
pub(super) const SELECTION: &str = "org.a11y.atspi.Selection";
pub(super) const TEXT: &str = "org.a11y.atspi.Text";
pub(super) const VALUE: &str = "org.a11y.atspi.Value";

/// An event that is rare everywhere: what counts is that somebody listens.
const EVENT: &str = "window:create";

/// What came of a question.
pub(super) type Answer<T> = Result<T, zbus::Error>;

/// An element as it stands in messages.
pub(super) type Wired = (String, OwnedObjectPath);

/// Where an element is: the unique name of its application on the bus, which no other one ever gets, and its path
/// there.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Place {
    pub(super) bus: Arc<str>,
    pub(super) path: Arc<str>,
}

impl Place {
    pub(super) fn new(bus: &str, path: &str) -> Self {
        Self { bus: bus.into(), path: path.into() }
    }

    /// The desktop, whose children are the applications.
    pub(super) fn desktop() -> Self {
        Self::new(REGISTRY, ROOT_PATH)
    }

    /// The application of this name.
    pub(super) fn root(bus: &str) -> Self {
        Self::new(bus, ROOT_PATH)
    }

    /// Where the application of an element lists what it has.
    pub(super) fn cache(&self) -> Self {
        Self { bus: Arc::clone(&self.bus), path: CACHE_PATH.into() }
    }

    /// Whether it stands for no element.
    pub(super) fn is_null(&self) -> bool {
        self.bus.is_empty() || &*self.path == NULL_PATH
    }

    /// The number at the end of its path. Applications count up.
    pub(super) fn number(&self) -> u64 {
        let digits = self.path.rsplit('/').next().unwrap_or_default();
        digits.parse().unwrap_or(u64::MAX)
    }
}

impl From<Wired> for Place {
    fn from((bus, path): Wired) -> Self {
        if bus.len() > LONGEST_BUS || path.as_str().len() > LONGEST_PATH {
            return Self::new("", NULL_PATH);
        }
        Self::new(&bus, path.as_str())
    }
}

/// A connection to the accessibility bus.
#[derive(Debug)]
pub(super) struct Bus {
    link: Connection,
    listening: AtomicBool,
}

impl Bus {
    /// Finds the accessibility bus by the session bus, which is at `session`, and connects to it. A session without a
    /// bus has no accessibility: the bus of another one would show the elements of that. Accessibility is switched on
    /// for the session, so that programs take part in it that otherwise do not.
    ///
    /// # Errors
    /// One line that says what is missing and what helps.
    pub(super) async fn connect(session: Option<&str>) -> Result<Self, String> {
        let session = session.ok_or("the session has no D-Bus session bus; set DBUS_SESSION_BUS_ADDRESS")?;
        let own = accessibility_address(session).await?;
        let link = open_bus(&own, None).await.map_err(|error| {
            format!(
                "the accessibility bus at {own} cannot be reached ({}); look whether at-spi-bus-launcher of the Debian \
                 package at-spi2-core runs",
                brief(&error)
            )
        })?;
        Ok(Self { link, listening: AtomicBool::new(false) })
    }

    /// Which bus it is, as long as that runs.
    pub(super) fn id(&self) -> String {
        self.link.server_guid().to_string()
    }

    /// Whether the connection has ended.
    pub(super) fn is_lost(&self) -> bool {
        self.link.is_closed()
    }

    /// Whether the bus itself answers.
    pub(super) async fn answers(&self) -> bool {
        self.ask::<_, String>(&driver(), DRIVER, "GetId", &()).await.is_ok()
    }

    /// Says that somebody listens. Applications of GTK keep the list that [`super::cache`] reads only then. Nothing is
    /// sent here because of it: that takes a match rule.
    pub(super) async fn listen(&self) {
        if self.listening.load(Ordering::Relaxed) {
            return;
        }
        let registry = Place::new(REGISTRY, REGISTRY_PATH);
        let properties: Vec<&str> = Vec::new();
        let mut asked = self.tell(&registry, REGISTRY, "RegisterEvent", &(EVENT, properties, "")).await;
        if asked.is_err() {
            // Older registries take the name alone.
            asked = self.tell(&registry, REGISTRY, "RegisterEvent", &EVENT).await;
        }
        match asked {
            Ok(()) => self.listening.store(true, Ordering::Relaxed),
            Err(error) => tracing::debug!("the accessibility registry takes no listener: {}", brief(&error)),
        }
    }

    /// The process behind a name of the bus.
    pub(super) async fn process(&self, name: &str) -> Answer<u32> {
        self.ask(&driver(), DRIVER, "GetConnectionUnixProcessID", &name).await
    }

    /// Asks an element and gives the whole reply. One that is too long is an error.
    pub(super) async fn reply<B>(&self, place: &Place, interface: &str, method: &str, arguments: &B) -> Answer<Message>
    where
        B: Serialize + DynamicType,
    {
        let reply = self.link.call_method(Some(&*place.bus), &*place.path, Some(interface), method, arguments).await?;
        within(reply.body().len(), MOST_DATA)?;
        Ok(reply)
    }

    /// Asks an element.
    pub(super) async fn ask<B, R>(&self, place: &Place, interface: &str, method: &str, arguments: &B) -> Answer<R>
    where
        B: Serialize + DynamicType,
        R: for<'d> DynamicDeserialize<'d>,
    {
        let reply = self.reply(place, interface, method, arguments).await?;
        let body = reply.body();
        body.deserialize()
    }

    /// Tells an element something that has no answer but that it was heard.
    pub(super) async fn tell<B>(&self, place: &Place, interface: &str, method: &str, arguments: &B) -> Answer<()>
    where
        B: Serialize + DynamicType,
    {
        self.reply(place, interface, method, arguments).await.map(drop)
    }

    /// What a property of an element is.
    pub(super) async fn property<T>(&self, place: &Place, interface: &str, name: &str) -> Answer<T>
    where
        T: TryFrom<OwnedVariant, Error = zbus::Error>,
    {
        let value: OwnedVariant = self.ask(place, PROPERTIES, "Get", &(interface, name)).await?;
        T::try_from(value)
    }

    /// Sets a property of an element to a number.
    pub(super) async fn set_number(&self, place: &Place, interface: &str, name: &str, value: f64) -> Answer<()> {
        self.tell(place, PROPERTIES, "Set", &(interface, name, Variant::from(value))).await
    }
}

/// Whether an answer means that what was asked is not there any more.
pub(super) fn is_gone(error: &zbus::Error) -> bool {
    let zbus::Error::FDO(kind) = error else {
        return false;
    };
    matches!(
        **kind,
        fdo::Error::ServiceUnknown(_)
            | fdo::Error::NameHasNoOwner(_)
            | fdo::Error::UnknownObject(_)
            | fdo::Error::UnknownMethod(_)
    ) || ends(error)
}

/// Whether an answer means that the program ended before it answered.
pub(super) fn ends(error: &zbus::Error) -> bool {
    matches!(error, zbus::Error::FDO(error) if matches!(**error, fdo::Error::NoReply(_)))
}

/// What went wrong, on one line.
pub(super) fn brief(error: &zbus::Error) -> String {
    error.to_string().replace(char::is_control, " ").trim().to_owned()
}

/// Refuses a reply of too many bytes.
fn within(bytes: usize, most: usize) -> Answer<()> {
    if bytes > most {
        return Err(zbus::Error::Failure(format!(
            "its reply has {bytes} bytes, and {most} are the most that is taken"
        )));
    }
    Ok(())
}

fn driver() -> Place {
    Place::new(DRIVER, DRIVER_PATH)
}

/// Asks the session bus where the accessibility bus is, and switches accessibility on.
async fn accessibility_address(address: &str) -> Result<String, String> {
    let link = open_bus(address, None).await.map_err(|error| {
        format!(
            "there is no session bus at {address} ({}); run opendesk within a desktop session, or install the Debian \
             package dbus-user-session for one",
            brief(&error)
        )
    })?;
    let told = link.call_method(Some(LAUNCHER), LAUNCHER_PATH, Some(LAUNCHER), "GetAddress", &()).await;
    let own = told.and_then(|reply| reply.body().deserialize::<String>()).map_err(|error| {
        if is_gone(&error) {
            format!("the session bus at {address} has no accessibility; install the Debian package at-spi2-core")
        } else {
            format!("the accessibility bus cannot be started ({}); see the Debian package at-spi2-core", brief(&error))
        }
    })?;
    if let Err(error) = switch_on(&link).await {
        tracing::debug!("accessibility cannot be switched on: {}", brief(&error));
    }
    if own.is_empty() {
        return Err("the session has no accessibility bus; see the Debian package at-spi2-core".to_owned());
    }
    Ok(own)
}

/// Sets `IsEnabled` of the session where it is not set. Chromium and programs of Qt stay silent without it, and look at
/// it when they start.
async fn switch_on(link: &Connection) -> Answer<()> {
    let reply =
        link.call_method(Some(LAUNCHER), LAUNCHER_PATH, Some(PROPERTIES), "Get", &(STATUS, "IsEnabled")).await?;
    let value: OwnedVariant = reply.body().deserialize()?;
    if bool::try_from(value)? {
        return Ok(());
    }
    let on = Variant::from(true);
    link.call_method(Some(LAUNCHER), LAUNCHER_PATH, Some(PROPERTIES), "Set", &(STATUS, "IsEnabled", on)).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_tells_what_is_nothing_and_what_came_first() {
        assert!(Place::new(":1.4", NULL_PATH).is_null() && Place::new("", ROOT_PATH).is_null());
        assert!(!Place::desktop().is_null());
        let numbers = ["7", "12", "root"].map(|last| Place::new(":1.4", &format!("/accessible/{last}")).number());
        assert_eq!(numbers, [7, 12, u64::MAX]);
    }

    #[test]
    fn what_is_too_long_is_not_kept() {
        let place = |bus: usize, path: usize| -> Place {
            let path = OwnedObjectPath::try_from(format!("/{}", "p".repeat(path - 1))).unwrap();
            ("b".repeat(bus), path).into()
        };
        assert!(!place(LONGEST_BUS, LONGEST_PATH).is_null());
        assert!(place(5, LONGEST_PATH + 1).is_null() && place(LONGEST_BUS + 1, 5).is_null());
        assert!(within(MOST_DATA, MOST_DATA).is_ok());
        let why = brief(&within(MOST_DATA + 1, MOST_DATA).unwrap_err());
        assert!(why.contains("16777217 bytes"), "{why}");
    }

    #[test]
    fn only_some_errors_mean_that_something_is_gone() {
        let fdo = |error| zbus::Error::FDO(Box::new(error));
        assert!(is_gone(&fdo(fdo::Error::UnknownObject(String::new()))));
        assert!(is_gone(&fdo(fdo::Error::ServiceUnknown(String::new()))));
        assert!(!is_gone(&fdo(fdo::Error::AccessDenied(String::new()))));
        assert!(!is_gone(&zbus::Error::InvalidReply));
    }
}
