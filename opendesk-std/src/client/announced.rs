//! Where a machine takes connections that is called by the name under which it announces itself.

use super::Address;
use super::dial::dial;
use super::resolve::{ANNOUNCED, LISTEN, host_of};
use crate::discovery::{Browser, Sighting, is_wanted};
use crate::home::{announced_digits, hex};
use crate::runtime::{Runtime, timeout};

impl Address {
    /// Whether it is written as machines announce themselves, with the beginning of their key and without a port:
    /// `box-3f2a11`.
    #[must_use]
    pub fn is_announced(&self) -> bool {
        self.port.is_none() && announced_digits(&self.host).is_some()
    }
}

/// Looks on the network for a machine that announces itself under a name, and gives where it takes connections; `None`
/// when nobody does within 1.5 s, or multicast DNS is [switched off](is_wanted).
///
/// Whoever is on the network can announce any name. So the place is good for pairing, where the code tells who answers,
/// and proves nothing by itself.
pub async fn look_for<R: Runtime>(runtime: &R, name: &str) -> Option<Address> {
    let digits = announced_digits(name).filter(|_| is_wanted())?;
    let mut browser = Browser::start()
        .inspect_err(|error| tracing::debug!(%error, "the network cannot be asked for machines"))
        .ok()?;
    let by = runtime.now() + LISTEN;
    loop {
        let left = by.saturating_duration_since(runtime.now());
        let Sighting::Seen(found) = timeout(runtime, left, browser.next()).await?? else { continue };
        if !found.name.eq_ignore_ascii_case(name) || !hex::encode(&found.key.0).starts_with(&digits) {
            continue;
        }
        if let Some(Ok((address, ..))) = timeout(runtime, ANNOUNCED, dial(runtime, &found.addresses)).await {
            return Some(Address { host: host_of(address), port: Some(address.port()) });
        }
    }
}
