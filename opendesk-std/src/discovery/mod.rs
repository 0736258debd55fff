//! Hosts on the same network, by multicast DNS: `_opendesk._tcp.local.`
//!
//! All of it is what machines say of themselves, and whoever is on the network can say anything. It tells where a
//! machine may be asked; who answers there is proved by its key, and nothing that is learnt here chooses a key, a name
//! or trust.

mod announce;
mod browse;
mod daemon;
mod links;
mod message;
mod record;
mod seen;

use core::fmt;

pub use self::announce::Announcer;
pub use self::browse::{Browser, Sighting};
pub use self::record::{Found, Record};

/// The name under which hosts are found.
pub(crate) const SERVICE: &str = "_opendesk._tcp.local.";

/// Why nothing can be found or announced: one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiscoveryError(String);

impl fmt::Display for DiscoveryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl core::error::Error for DiscoveryError {}

/// The variable by which everything of multicast DNS is switched off for a program: `off`.
const SWITCH: &str = "OPENDESK_MDNS";

/// Whether this program may ask the network and announce itself there: unless `$OPENDESK_MDNS` is `off`.
#[must_use]
pub fn is_wanted() -> bool {
    std::env::var_os(SWITCH).is_none_or(|value| value != "off")
}
