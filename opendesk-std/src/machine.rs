//! What the machine says of itself.

use crate::api::Environment;

/// The machine's name on its network.
#[must_use]
pub fn hostname() -> String {
    #[cfg(unix)]
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    #[cfg(not(unix))]
    let name = std::env::var("COMPUTERNAME").unwrap_or_default();
    if name.is_empty() { "unnamed".to_owned() } else { name }
}

/// Everything but the displays.
pub(crate) fn environment() -> Environment {
    #[cfg(unix)]
    let (os, os_version) = {
        let system = rustix::system::uname();
        (system.sysname().to_string_lossy().into_owned(), system.release().to_string_lossy().into_owned())
    };
    #[cfg(not(unix))]
    let (os, os_version) = ("Windows".to_owned(), String::new());
    Environment { os, os_version, hostname: hostname(), displays: Vec::new() }
}
