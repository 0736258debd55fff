//! Screen lockers on the session bus.

use super::bus::{Bus, Fault, Outcome, Target};

/// How one locker is called.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Saver {
    name: &'static str,
    interface: &'static str,
    /// Where its object is, or was in some version of it.
    paths: &'static [&'static str],
    /// Whether it takes a message to show to whoever comes by.
    takes_message: bool,
}

/// Those of the desktops first: what has the common name may only pass calls on.
const SAVERS: [Saver; 6] = [
    Saver {
        name: "org.gnome.ScreenSaver",
        interface: "org.gnome.ScreenSaver",
        paths: &["/org/gnome/ScreenSaver"],
        takes_message: false,
    },
    Saver {
        name: "org.cinnamon.ScreenSaver",
        interface: "org.cinnamon.ScreenSaver",
        paths: &["/org/cinnamon/ScreenSaver"],
        takes_message: true,
    },
    Saver {
        name: "org.mate.ScreenSaver",
        interface: "org.mate.ScreenSaver",
        paths: &["/org/mate/ScreenSaver", "/"],
        takes_message: false,
    },
    Saver {
        name: "org.xfce.ScreenSaver",
        interface: "org.xfce.ScreenSaver",
        paths: &["/org/xfce/ScreenSaver", "/"],
        takes_message: false,
    },
    Saver {
        name: "org.kde.screensaver",
        interface: "org.freedesktop.ScreenSaver",
        paths: &["/ScreenSaver", "/org/freedesktop/ScreenSaver"],
        takes_message: false,
    },
    Saver {
        name: "org.freedesktop.ScreenSaver",
        interface: "org.freedesktop.ScreenSaver",
        paths: &["/org/freedesktop/ScreenSaver", "/ScreenSaver"],
        takes_message: false,
    },
];

/// The lockers that run. None is started for being asked.
pub(super) fn present(bus: &Bus) -> Outcome<Vec<&'static Saver>> {
    let names = bus.names()?;
    Ok(SAVERS.iter().filter(|saver| names.iter().any(|name| name == saver.name)).collect())
}

impl Saver {
    /// Asks it to lock the screen.
    pub(super) fn lock(&self, bus: &Bus) -> Outcome<()> {
        self.ask(bus, |target| {
            let answer = if self.takes_message { bus.call(target, "Lock", &"") } else { bus.call(target, "Lock", &()) };
            answer.map(drop)
        })
    }

    /// Whether it says that the screen is locked.
    pub(super) fn is_active(&self, bus: &Bus) -> Outcome<bool> {
        self.ask(bus, |target| Ok(bus.call(target, "GetActive", &())?.body().deserialize()?))
    }

    fn ask<T>(&self, bus: &Bus, ask: impl Fn(Target<'_>) -> Outcome<T>) -> Outcome<T> {
        let owner = bus.owner(self.name)?;
        let mut refusal = Fault::Refused("it has no object".to_owned());
        for path in self.paths {
            match ask(Target { name: &owner, path, interface: self.interface }) {
                Err(fault @ Fault::Refused(_)) => refusal = fault,
                outcome => return outcome,
            }
        }
        Err(refusal)
    }
}
