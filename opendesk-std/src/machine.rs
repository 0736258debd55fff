//! What the machine says of itself.

use crate::api::Environment;
use crate::clock;

/// The machine's name on its network.
#[must_use]
pub fn hostname() -> String {
    #[cfg(unix)]
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    #[cfg(not(unix))]
    let name = std::env::var("COMPUTERNAME").unwrap_or_default();
    if name.is_empty() { "unnamed".to_owned() } else { name }
}

/// The language of its texts, such as `en_US`; empty when none is set (POSIX, "Internationalization Variables").
fn locale() -> String {
    let set = |name| std::env::var(name).ok().filter(|value: &String| !value.is_empty());
    let locale = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().find_map(set).unwrap_or_default();
    locale.split(['.', '@']).next().unwrap_or_default().to_owned()
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
    Environment {
        os,
        os_version,
        hostname: hostname(),
        displays: Vec::new(),
        locale: locale(),
        timezone: clock::timezone(),
    }
}
