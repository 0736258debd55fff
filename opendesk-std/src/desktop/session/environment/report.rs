//! What a log says of a session's environment.

use super::{SessionEnvironment, Source};
use crate::home::printable;

impl SessionEnvironment {
    /// One line for the log: what was found where.
    #[must_use]
    pub fn explain(&self) -> String {
        let path = |path: &Option<std::path::PathBuf>| path.as_ref().map(|path| path.display().to_string());
        let parts = [
            ("DISPLAY", self.display.clone(), &self.source.display),
            ("XAUTHORITY", path(&self.authority), &self.source.authority),
            ("D-Bus", self.session_bus.clone(), &self.source.session_bus),
            ("XDG_RUNTIME_DIR", path(&self.runtime_dir), &self.source.runtime_dir),
        ];
        let mut last = None;
        let mut texts = Vec::new();
        for (name, value, source) in parts {
            let (Some(value), Some(source)) = (value, source) else { continue };
            let from = match source {
                Source::Process { .. } if last == Some(source) => "from there, too".to_owned(),
                _ => source.explain(),
            };
            texts.push(format!("{name} {value} {from}"));
            last = Some(source);
        }
        if texts.is_empty() {
            texts.push("nothing was found".to_owned());
        }
        printable(&format!("the desktop session: {}", texts.join(", ")))
    }

    /// One line that says what was not found, what that costs and what to set; `None` when nothing is lacking.
    #[must_use]
    pub fn lacking(&self) -> Option<String> {
        let user = self.user;
        let display = self.display.is_none().then(|| {
            format!(
                "no DISPLAY, because no process of user {user} has one and no X server of theirs is here; start \
                 opendesk in the desktop session or as its user, or set DISPLAY, for example to :0, and XAUTHORITY"
            )
        });
        let bus = self.session_bus.is_none().then(|| {
            format!(
                "no D-Bus session bus, so that accessibility, lock and notifications are not available; set \
                 DBUS_SESSION_BUS_ADDRESS, for example to unix:path=/run/user/{user}/bus"
            )
        });
        let lacking: Vec<String> = [display, bus].into_iter().flatten().collect();
        (!lacking.is_empty()).then(|| format!("the desktop session has {}", lacking.join("; and it has ")))
    }
}

impl Source {
    fn explain(&self) -> String {
        match self {
            Self::Given => "as given".to_owned(),
            Self::Environment => "from the environment".to_owned(),
            Self::Process { pid, name } => format!("from {name} (process {pid})"),
            Self::Place(path) => format!("at {}", path.display()),
        }
    }
}
