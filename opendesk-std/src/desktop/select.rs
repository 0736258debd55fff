//! Which desktop `--backend` names.

use core::fmt;
use core::str::FromStr;
use std::sync::Arc;

use super::Computer;
use super::r#virtual::VirtualDesktop;
use crate::api::{Error, Result};

/// A backend as `--backend` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Backend {
    /// What works here: the X server of `$DISPLAY`.
    #[default]
    Auto,
    /// The X server of `$DISPLAY`.
    X11,
    /// A desktop inside the process.
    Virtual,
}

impl Backend {
    /// Every name.
    pub const NAMES: [&'static str; 3] = ["auto", "x11", "virtual"];
}

impl FromStr for Backend {
    type Err = String;

    fn from_str(name: &str) -> core::result::Result<Self, String> {
        match name {
            "auto" => Ok(Self::Auto),
            "x11" => Ok(Self::X11),
            "virtual" => Ok(Self::Virtual),
            "wayland" | "macos" | "windows" => {
                Err(format!("the {name} backend does not exist yet; use one of {}", Self::NAMES.join(", ")))
            }
            other => Err(format!("no backend is called {other:?}; use one of {}", Self::NAMES.join(", "))),
        }
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::X11 => "x11",
            Self::Virtual => "virtual",
        })
    }
}

/// Opens the desktop that a backend names.
///
/// # Errors
/// One line that says what is missing and what to do.
pub fn open(backend: Backend) -> Result<Arc<dyn Computer>> {
    match backend {
        Backend::Virtual => Ok(Arc::new(VirtualDesktop::default())),
        Backend::X11 => x11(),
        Backend::Auto => x11().map_err(|error| {
            Error::new(error.code, format!("{error}; `--backend virtual` gives a desktop inside the process"))
        }),
    }
}

#[cfg(target_os = "linux")]
fn x11() -> Result<Arc<dyn Computer>> {
    Ok(Arc::new(super::x11::X11Desktop::open(None)?))
}

#[cfg(not(target_os = "linux"))]
fn x11() -> Result<Arc<dyn Computer>> {
    Err(Error::unsupported("display.capture", std::env::consts::OS))
}
