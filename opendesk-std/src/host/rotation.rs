//! Changed keys: a controller that comes with new ones, and this machine that gets some.

use opendesk_core::{Keys, LinkId, ProvedPeer, PublicKey, Reason};

use super::calls::Done;
use super::driver::Server;
use super::notice::Notice;
use super::unpairing::subject;
use crate::clock;
use crate::govern::audit::AuditLog;
use crate::govern::{AllowAll, Govern, Peer};
use crate::home::{Home, HomeError, Identity, Peers, ServeLock, TrustedPeer};
use crate::runtime::Runtime;

/// What is done to the keys of this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rekey {
    /// It gets new ones.
    Rotate,
    /// Those that it had before count no more.
    Forget,
}

/// Gives a machine on which no host runs new keys, and logs it.
///
/// # Errors
/// Those of [`Home::rotate_identity`].
pub fn rotate_at_rest(home: &Home, _no_host: &ServeLock) -> Result<(), HomeError> {
    // Both sign that the one follows the other: who verifies knows one of them.
    let log = log_of(home);
    let identity = home.rotate_identity()?;
    if let Some(mut log) = log {
        log.sign_with(identity.keys.signing_key.clone());
        log.trust("identity.rotated", None, &format!("the key is {}", identity.keys.static_key.public()));
    }
    Ok(())
}

/// Has a machine on which no host runs forget the keys that it had before, and logs it.
///
/// # Errors
/// Those of [`Home::forget_former_keys`].
pub fn forget_at_rest(home: &Home, no_host: &ServeLock) -> Result<(), HomeError> {
    let forgotten = home.forget_former_keys()?;
    log_at_rest(home, "identity.forgot_former", None, &format!("{forgotten} former keys count no more"), no_host);
    Ok(())
}

/// Logs what the owner has changed on a machine on which no host runs; one that runs sees it and logs it itself.
pub fn log_at_rest(home: &Home, kind: &'static str, peer: Option<&TrustedPeer>, detail: &str, _no_host: &ServeLock) {
    if let Some(mut log) = log_of(home) {
        log.trust(kind, peer.map(subject).as_ref(), detail);
    }
}

/// The log of a machine on which no host runs, signed with its present key.
fn log_of(home: &Home) -> Option<Govern> {
    let opened = home.identity().map_err(|error| error.to_string()).and_then(|identity| {
        let signer = identity.keys.signing_key;
        AuditLog::open(&home.audit_dir(), clock::wall, signer).map_err(|error| error.to_string())
    });
    match opened {
        Ok(log) => Some(Govern::new(Box::new(AllowAll), None, Some(log))),
        Err(error) => {
            tracing::error!(%error, "it could not be logged");
            None
        }
    }
}

impl<R: Runtime> Server<R> {
    /// A trusted controller has shown that it has these keys now. They are stored before it may drive; the link waits.
    pub(super) fn follow(&mut self, proved: &ProvedPeer<'_>, former: PublicKey) {
        let Some(successor) = proved.keys() else { return };
        let (link, key) = (proved.link, proved.peer);
        let (home, runtime) = (self.home.clone(), self.runtime.clone());
        self.change_trust(Box::pin(async move {
            let store = move || Peers::load(&home)?.succeed(&former.0, successor);
            let result = runtime.run_blocking(store).await.map(|stored| (stored, Some(former)));
            Some(Done::Trusted { link, key, words: None, result })
        }));
    }

    /// A trusted peer has other keys now. It is the same peer, so what it has under the former ones is replaced as any of
    /// its links would be, also what only waits for the place.
    pub(super) fn supersede(&mut self, former: PublicKey, peer: &Peer) {
        self.govern.trust("trust.followed", Some(peer), &format!("the key was {former}"));
        self.notify(Notice::Followed { name: peer.name.clone(), former, key: peer.key });
        self.end_links_of(former, Reason::REPLACED);
    }

    /// Ends every link of a peer, whatever it was about to be.
    pub(super) fn end_links_of(&mut self, key: PublicKey, reason: Reason) {
        let its = |peer: &Option<Peer>| peer.as_ref().is_some_and(|peer| peer.key == key);
        let links: Vec<LinkId> = self.links.iter().filter(|(_, link)| its(&link.peer)).map(|(id, _)| *id).collect();
        let now = self.now();
        for id in links {
            if let Some(link) = self.links.get_mut(&id) {
                link.dismissed = true;
            }
            self.host.close(now, id, reason);
        }
    }

    /// A program of the owner wants the keys of this machine changed; it is answered when they are.
    /// There is one change at a time: what two of them left on disk could be told of in the other order.
    ///
    /// # Errors
    /// A line for the program, while another change is under way.
    pub(super) fn rekey(&mut self, program: u64, what: Rekey) -> Result<(), String> {
        if core::mem::replace(&mut self.rekeying, true) {
            return Err("the keys are being changed already; try again when that is over".to_owned());
        }
        let (home, runtime) = (self.home.clone(), self.runtime.clone());
        self.send_away(Box::pin(async move {
            let change = move || {
                let result = match what {
                    Rekey::Rotate => home.rotate_identity().map(drop),
                    Rekey::Forget => home.forget_former_keys().map(drop),
                };
                // A change that was interrupted is finished by whoever looks next, so it is looked at in any case.
                (result, home.identity())
            };
            let (result, identity) = runtime.run_blocking(change).await;
            Some(Done::Rekeyed { program, result, identity })
        }));
        Ok(())
    }

    /// The keys on disk are changed, or could not be. What is there now counts.
    pub(super) fn rekeyed(
        &mut self,
        program: u64,
        result: Result<(), HomeError>,
        identity: Result<Identity, HomeError>,
    ) {
        self.rekeying = false;
        let done = identity.map(|identity| self.take_identity(&identity));
        self.tell(program, result.and(done).map_err(|error| error.to_string()));
    }

    /// Makes the host the machine with this identity, which came from its own by changes of keys and by forgetting.
    fn take_identity(&mut self, identity: &Identity) {
        let present = self.host.keys().public();
        let chain: Vec<&Keys> = identity.former.iter().chain([&identity.keys]).collect();
        let reached = chain.iter().position(|keys| keys.public() == present);
        if reached.is_none_or(|index| index == 0) && !self.successions.is_empty() {
            self.host.forget_former_keys();
            self.govern.trust("identity.forgot_former", None, "former keys count no more");
        }
        for keys in chain.into_iter().skip(reached.map_or(0, |index| index + 1)) {
            let key = keys.static_key.public();
            self.host.rotate(keys.clone());
            self.govern.sign_with(keys.signing_key.clone());
            self.govern.trust("identity.rotated", None, &format!("the key is {key}"));
            if let Some(announced) = &self.announced {
                announced.rekey(key);
            }
            self.notify(Notice::IdentityRotated { key });
        }
        self.successions = identity.successions();
    }
}
