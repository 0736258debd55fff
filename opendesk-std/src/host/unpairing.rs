//! The end of the trust in a peer.

use opendesk_core::{PublicKey, Reason};

use super::calls::Done;
use super::driver::Server;
use super::handle::Notice;
use super::rotation::log_at_rest;
use crate::govern::Peer;
use crate::home::{Home, HomeError, Peers, ServeLock, TrustedPeer};
use crate::runtime::Runtime;

/// Ends the trust in the peer of this name on a machine on which no host runs, and logs it; `None` when there is none.
///
/// # Errors
/// Those of [`Peers::remove`].
pub fn unpair_at_rest(home: &Home, name: &str, _no_host: &ServeLock) -> Result<Option<TrustedPeer>, HomeError> {
    let removed = remove(home, name)?;
    if let Some(peer) = &removed {
        log_at_rest(home, "trust.removed", Some(&subject(peer)), "by the owner");
    }
    Ok(removed)
}

fn remove(home: &Home, name: &str) -> Result<Option<TrustedPeer>, HomeError> {
    Peers::load(home)?.remove_named(name)
}

fn subject(peer: &TrustedPeer) -> Peer {
    Peer { key: PublicKey(peer.public_key), name: peer.name.to_string() }
}

impl<R: Runtime> Server<R> {
    /// A program of the owner wants the trust in a peer ended; it is answered when it is.
    pub(super) fn unpair(&mut self, program: u64, name: String) {
        let (home, runtime) = (self.home.clone(), self.runtime.clone());
        self.send_away(Box::pin(async move {
            let result = runtime.run_blocking(move || remove(&home, &name)).await;
            Some(Done::Unpaired { program, result })
        }));
    }

    /// A peer is off the list, or was not on it. Its links end, whatever they were about to be.
    pub(super) fn unpaired(&mut self, program: u64, result: Result<Option<TrustedPeer>, HomeError>) {
        let told = result.map_err(|error| error.to_string()).and_then(|removed| {
            let peer = subject(&removed.ok_or("no paired machine has that name")?);
            self.end_links_of(peer.key, Reason::EVICTED);
            self.govern.trust("trust.removed", Some(&peer), "by the owner");
            self.notify(Notice::Unpaired { name: peer.name, key: peer.key });
            Ok(())
        });
        self.tell(program, told);
    }
}
