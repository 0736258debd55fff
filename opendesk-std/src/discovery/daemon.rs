//! The thread of [`mdns_sd`] that asks and hears, kept within bounds from outside.

use core::net::{Ipv4Addr, Ipv6Addr};
use core::time::Duration;

use mdns_sd::{Error, Metrics, RecvTimeoutError, ServiceDaemon};

use super::{DiscoveryError, links};

/// Records of others that a daemon may keep. It keeps whatever it hears, and some of it for good; a network of hundreds
/// of hosts has fewer.
const RECORDS: i64 = 4096;

/// Instants at which it means to do something, of which it makes two for each record that it hears.
const TIMERS: i64 = 16 * RECORDS;

/// How often it looks for addresses that this machine has got or lost, in seconds. Five, as it does by itself, is long
/// for somebody who waits.
const ADDRESSES: u32 = 2;

/// How long it is given to answer.
const ANSWER: Duration = Duration::from_millis(500);

/// How a daemon is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Health {
    /// As it should be, or too busy to say.
    Well,
    /// It has ended, or keeps more than it may.
    Done,
}

/// Starts one, on every network of this machine.
pub(super) fn start() -> Result<ServiceDaemon, DiscoveryError> {
    can_open()?;
    let daemon = ServiceDaemon::new().map_err(|error| error_of(&error))?;
    daemon.set_ip_check_interval(ADDRESSES).map_err(|error| error_of(&error))?;
    Ok(daemon)
}

/// Ends one. It is waited for, as long as it is given to answer.
pub(super) fn end(daemon: &ServiceDaemon) {
    if let Ok(ended) = daemon.shutdown() {
        drop(ended.recv_timeout(ANSWER));
    }
}

pub(super) fn health(daemon: &ServiceDaemon) -> Health {
    let asked = match daemon.get_metrics() {
        Ok(asked) => asked,
        Err(Error::DaemonShutdown) => return Health::Done,
        Err(_) => return Health::Well,
    };
    match asked.recv_timeout(ANSWER) {
        Ok(counts) if is_overfull(&counts) => Health::Done,
        Ok(_) | Err(RecvTimeoutError::Timeout) => Health::Well,
        Err(RecvTimeoutError::Disconnected) => Health::Done,
    }
}

fn is_overfull(counts: &Metrics) -> bool {
    let kept = counts.iter().filter(|(name, _)| name.starts_with("cached-")).map(|(_, count)| *count);
    kept.sum::<i64>() > RECORDS || counts.get("timer").is_some_and(|timers| *timers > TIMERS)
}

pub(super) fn error_of(error: &Error) -> DiscoveryError {
    DiscoveryError(format!("multicast DNS cannot be used: {error}"))
}

/// The daemon opens its sockets on its own thread and tells nobody that it could not.
fn can_open() -> Result<(), DiscoveryError> {
    match links::open(Ipv4Addr::UNSPECIFIED.into()) {
        Ok(_) => Ok(()),
        Err(_) if links::open(Ipv6Addr::UNSPECIFIED.into()).is_ok() => Ok(()),
        Err(error) => Err(links::refusal(&error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(counts: &[(&str, i64)]) -> Metrics {
        counts.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
    }

    #[test]
    fn a_daemon_is_overfull_by_all_that_it_keeps_together() {
        assert!(!is_overfull(&counts(&[])));
        assert!(!is_overfull(&counts(&[("cached-ptr", 4000), ("cached-txt", 96), ("browse", 9999), ("timer", 65536)])));
        assert!(is_overfull(&counts(&[("cached-ptr", 4000), ("cached-txt", 97)])));
        assert!(is_overfull(&counts(&[("timer", 65537)])));
    }
}
