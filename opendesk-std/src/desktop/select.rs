//! Which desktop `--backend` names.

use core::fmt;
use core::str::FromStr;
use std::sync::Arc;

use super::Computer;
use super::r#virtual::VirtualDesktop;
use crate::api::{Error, ErrorCode, Result};

/// A backend as `--backend` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Backend {
    /// What works here: the X server of `$DISPLAY`.
    #[default]
    Auto,
    /// The X server of `$DISPLAY`.
    X11,
    /// What macOS offers.
    MacOs,
    /// What Windows offers.
    Windows,
    /// A desktop inside the process.
    Virtual,
}

impl Backend {
    /// Every name.
    pub const NAMES: [&'static str; 5] = ["auto", "x11", "macos", "windows", "virtual"];
}

impl FromStr for Backend {
    type Err = String;

    fn from_str(name: &str) -> core::result::Result<Self, String> {
        match name {
            "auto" => Ok(Self::Auto),
            "x11" => Ok(Self::X11),
            "virtual" => Ok(Self::Virtual),
            "macos" => Ok(Self::MacOs),
            "windows" => Ok(Self::Windows),
            "wayland" => Err(format!("the {name} backend does not exist yet; use one of {}", Self::NAMES.join(", "))),
            other => Err(format!("no backend is called {other:?}; use one of {}", Self::NAMES.join(", "))),
        }
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::X11 => "x11",
            Self::MacOs => "macos",
            Self::Windows => "windows",
            Self::Virtual => "virtual",
        })
    }
}

/// Opens the desktop that a backend names.
///
/// # Errors
/// One line that says what is missing and what to do.
pub fn open(backend: Backend) -> Result<Arc<dyn Computer>> {
    let here = |system: &str| std::env::consts::OS == system;
    match backend {
        Backend::Virtual => Ok(Arc::new(VirtualDesktop::default())),
        Backend::X11 if here("linux") => machine(),
        Backend::MacOs if here("macos") => machine(),
        Backend::Windows if here("windows") => machine(),
        Backend::X11 | Backend::MacOs | Backend::Windows => Err(Error::new(
            ErrorCode::CapabilityUnsupported,
            format!("the {backend} backend does not exist on {}; use auto or virtual", std::env::consts::OS),
        )),
        Backend::Auto => machine().map_err(|error| {
            Error::new(error.code, format!("{error}; `--backend virtual` gives a desktop inside the process"))
        }),
    }
}

/// The desktop of this machine.
#[cfg(target_os = "linux")]
fn machine() -> Result<Arc<dyn Computer>> {
    Ok(Arc::new(super::x11::X11Desktop::open(None)?))
}

/// The desktop of this machine.
#[cfg(any(target_os = "macos", windows))]
fn machine() -> Result<Arc<dyn Computer>> {
    Ok(Arc::new(super::native::NativeDesktop::open()?))
}

/// The desktop of this machine.
#[cfg(not(any(target_os = "linux", target_os = "macos", windows)))]
fn machine() -> Result<Arc<dyn Computer>> {
    Err(Error::unsupported("display.capture", std::env::consts::OS))
}
