//! The end of the trust in a peer: the owner's word, or its time.

use core::time::Duration;
use std::collections::BTreeMap;
use std::time::Instant;

use futures_util::future::BoxFuture;
use opendesk_core::{LinkId, PublicKey, Reason};

use super::calls::Done;
use super::driver::Server;
use super::notice::Notice;
use super::rotation::log_at_rest;
use crate::clock;
use crate::govern::Peer;
use crate::home::{Home, HomeError, Peers, ServeLock, TrustedPeer};
use crate::runtime::Runtime;

/// How often it is looked whether the time of a trust is over, in seconds.
const LOOK_AGAIN: f64 = 30.0;

/// Ends the trust in the peer with this key on a machine on which no host runs, and logs it; `None` when there is none.
///
/// # Errors
/// Those of [`Peers::remove`].
pub fn unpair_at_rest(home: &Home, key: PublicKey, no_host: &ServeLock) -> Result<Option<TrustedPeer>, HomeError> {
    let removed = remove(home, key)?;
    if let Some(peer) = &removed {
        log_at_rest(home, "trust.removed", Some(peer), "by the owner", no_host);
    }
    Ok(removed)
}

fn remove(home: &Home, key: PublicKey) -> Result<Option<TrustedPeer>, HomeError> {
    Peers::load(home)?.remove(&key.0)
}

pub(super) fn subject(peer: &TrustedPeer) -> Peer {
    Peer { key: PublicKey(peer.public_key), name: peer.name.to_string(), role: peer.role }
}

impl<R: Runtime> Server<R> {
    /// A program of the owner wants the trust in a peer ended; it is answered when it is.
    pub(super) fn unpair(&mut self, program: u64, key: PublicKey) {
        let (home, runtime) = (self.home.clone(), self.runtime.clone());
        self.change_trust(Box::pin(async move {
            let result = runtime.run_blocking(move || remove(&home, key)).await;
            Some(Done::Unpaired { program, key, result })
        }));
    }

    /// A peer is off the list, or was not on it. Its links end, whatever they were about to be.
    /// One that cannot be taken off the list is not served either, for as long as this host runs.
    pub(super) fn unpaired(&mut self, program: u64, key: PublicKey, result: Result<Option<TrustedPeer>, HomeError>) {
        if let Err(error) = &result {
            tracing::error!(%error, "a peer could not be taken off the list; it is turned away until this host ends");
            self.banished.insert(key);
            self.end_links_of(key, Reason::EVICTED);
        }
        let only_until = |error: HomeError| {
            let lasting = "it is turned away until this host ends and trusted again after that";
            format!("{error}; {lasting}: mend that and unpair it once more")
        };
        let told = result.map_err(only_until).and_then(|removed| {
            let peer = subject(&removed.ok_or("no paired machine has that key")?);
            self.end_links_of(peer.key, Reason::EVICTED);
            self.govern.trust("trust.removed", Some(&peer), "by the owner");
            self.notify(Notice::Unpaired { name: peer.name, key: peer.key });
            Ok(())
        });
        self.tell(program, told);
    }

    /// Has the list of peers changed away from the event loop. What comes of it is told by its own [`Done`], so until then
    /// the list is not looked at for what other programs did.
    pub(super) fn change_trust(&mut self, change: BoxFuture<'static, Option<Done>>) {
        self.own_changes.0 += 1;
        self.send_away(change);
    }

    /// A change of the list has come to its end, and what it means has been done.
    pub(super) fn trust_changed(&mut self) {
        self.own_changes.0 = self.own_changes.0.saturating_sub(1);
        if self.own_changes == (0, true) {
            self.look_at_trust();
        }
    }

    /// Who is trusted may have changed by another program: whoever is not, is not served any more, and who may do less
    /// now does less.
    pub(super) fn look_at_trust(&mut self) {
        self.own_changes.1 = self.own_changes.0 > 0;
        if self.own_changes.1 {
            return;
        }
        let peers = match Peers::load(&self.home) {
            Ok(peers) => peers,
            Err(error) => {
                // Nobody new can be recognised either; who drives was trusted when the list could be read.
                tracing::error!(%error, "nobody can be recognised");
                return;
            }
        };
        let open = self.links.iter().filter(|(_, link)| link.leaves_by.is_none() && !link.dismissed);
        let met: Vec<(LinkId, Peer)> = open.filter_map(|(id, link)| Some((*id, link.peer.clone()?))).collect();
        let mut gone: Vec<Peer> = Vec::new();
        let now: BTreeMap<PublicKey, Peer> = peers.list().iter().map(subject).map(|peer| (peer.key, peer)).collect();
        for (key, peer) in &now {
            if let Some(before) = self.known.get(key).filter(|before| *before != peer) {
                let was = format!("it was {:?} with the role {}", before.name, before.role.word());
                self.govern.trust("trust.changed", Some(peer), &was);
            }
        }
        self.known = now;
        let mut is_other = false;
        for (id, peer) in met {
            match peers.by_key(&peer.key.0) {
                None => gone.push(peer),
                Some(known) => {
                    is_other |= subject(known) != peer;
                    self.meet(id, known);
                }
            }
        }
        if is_other {
            // What was allowed to who it was need not be allowed to who it is.
            self.judge_streams();
        }
        for peer in gone {
            // One that has just paired is removed again by whoever removed it, and that is told there.
            if self.host.controller().is_some_and(|(_, key, _)| key == peer.key) {
                self.govern.trust("trust.removed", Some(&peer), "by another program");
                self.notify(Notice::Unpaired { name: peer.name.clone(), key: peer.key });
            }
            self.end_links_of(peer.key, Reason::EVICTED);
        }
    }

    /// Ends the trust whose time is over. Gives the time when that of whoever drives is to be looked at again.
    pub(super) fn expire(&mut self) -> Option<Instant> {
        let (id, ..) = self.host.controller()?;
        let link = self.links.get(&id).filter(|link| !link.dismissed)?;
        let left = link.trusted_until? - clock::epoch_seconds();
        if left > 0.0 {
            // Timers stand still while the machine sleeps, and the time of day does not.
            return Some(self.runtime.now() + Duration::from_secs_f64(left.min(LOOK_AGAIN)));
        }
        let key = link.peer.as_ref()?.key;
        // Whatever becomes of the list on disk.
        self.end_links_of(key, Reason::UNTRUSTED);
        self.remove_expired();
        None
    }

    /// Takes everybody off the list whose time is over.
    pub(super) fn remove_expired(&mut self) {
        let (home, runtime) = (self.home.clone(), self.runtime.clone());
        self.change_trust(Box::pin(async move {
            let remove = move || Peers::load(&home)?.remove_expired(clock::epoch_seconds());
            Some(Done::Expired(runtime.run_blocking(remove).await))
        }));
    }

    pub(super) fn expired(&mut self, removed: Result<Vec<TrustedPeer>, HomeError>) {
        match removed {
            Ok(removed) => {
                for peer in removed.iter().map(subject) {
                    self.end_links_of(peer.key, Reason::UNTRUSTED);
                    self.govern.trust("trust.expired", Some(&peer), "the time for which it was trusted is over");
                    self.notify(Notice::Expired { name: peer.name, key: peer.key });
                }
            }
            // It is refused all the same when it comes again.
            Err(error) => tracing::error!(%error, "a peer whose time is over could not be taken off the list"),
        }
    }
}
