//! From the code that a host shows to trust on both sides.

use core::fmt;

use opendesk_core::{Client as Machine, Psk, PublicKey, Reason, Wire};

use super::connect::greeting;
use super::dial::{Attempt, CONNECT, is_vague};
use super::driver::Opened;
use super::{Client, ClientError};
use crate::api::Error;
use crate::clock;
use crate::home::{Home, HomeErrorKind, NewPeer, PeerName, Peers, Reached};
use crate::runtime::Runtime;
use crate::words::words;

/// Whom to pair with.
#[derive(Clone)]
pub struct PairOptions {
    /// Keys and trusted peers.
    pub home: Home,
    /// A name or an address on the network, without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The code that the host shows.
    pub code: String,
    /// What to call the host; its own name when absent, or the one that it has here already.
    pub name: Option<PeerName>,
}

impl fmt::Debug for PairOptions {
    /// Without the code.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PairOptions").field("host", &self.host).field("port", &self.port).finish_non_exhaustive()
    }
}

/// A host that is trusted from now on.
#[derive(Debug, Clone)]
pub struct Paired {
    /// Under which name.
    pub name: String,
    /// Its key.
    pub key: PublicKey,
    /// The four words that its screen shows too; empty in version 1, where it shows none.
    pub words: String,
    /// The version of the wire that the two have in common. What is said in a pairing of version 1 lets whoever stands
    /// between the two search a code of six digits.
    pub wire: Wire,
}

/// A host that has proved the code and trusts this machine. Nothing of it is stored here before [`trust`](Self::trust).
pub struct Proved<R: Runtime> {
    runtime: R,
    home: Home,
    host: String,
    port: u16,
    client: Client,
    opened: Opened,
}

impl<R: Runtime> fmt::Debug for Proved<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proved").field("key", &self.opened.host).finish_non_exhaustive()
    }
}

/// Pairs with a host that shows a code, and trusts it. The session that the handshake opens is closed again.
///
/// # Errors
/// [`ClientError`]; nothing is stored here then. The host is waited for ten seconds at most.
pub async fn pair<R: Runtime>(runtime: R, options: &PairOptions) -> Result<Paired, ClientError> {
    prove(runtime, options).await?.trust(options.name.as_ref()).await
}

/// The first half of [`pair`], for whoever can ask a person for another name where the host's is taken: proves the code,
/// and has the host prove it.
///
/// # Errors
/// [`ClientError::NameTaken`] when another machine than the one that answers has the name, as far as that can be told
/// before the host stores anything. Else as [`pair`].
pub async fn prove<R: Runtime>(runtime: R, options: &PairOptions) -> Result<Proved<R>, ClientError> {
    let invalid = |misuse: opendesk_core::Misuse| ClientError::Call(Error::invalid(misuse.to_string()));
    if options.code.is_empty() || options.code.len() > opendesk_core::limits::CODE_BYTES {
        return Err(invalid(opendesk_core::Misuse::Code));
    }
    let home = options.home.clone();
    let (identity, peers) =
        runtime.run_blocking(move || home.identity().and_then(|own| Ok((own, Peers::load(&home)?)))).await?;
    let expected = options.name.as_ref().and_then(|name| expected(&peers, name, options));
    let expecting = |mut machine: Machine| {
        if let Some(key) = expected {
            machine.expect(key);
        }
        machine
    };
    let (greeting, by) = (greeting(&identity), runtime.now() + CONNECT);
    let attempt = Attempt::new(&options.host, options.port, &greeting, by);
    let second = |now, seed| {
        let machine = Machine::pair(now, identity.keys.clone(), options.code.as_bytes(), seed);
        machine.map(expecting).map_err(invalid)
    };
    let opening = match attempt.open(&runtime, second).await {
        Err(error) if is_vague(&error) => {
            // Slow by intent, and needed with hosts of version 1 only.
            let code = options.code.clone();
            let psk = runtime.run_blocking(move || Psk::derive(code.as_bytes())).await;
            let first =
                |now, seed| Ok(expecting(Machine::pair_version_1(now, identity.keys.clone(), psk.clone(), seed)));
            let again = attempt.open(&runtime, first).await;
            again.map_err(|later| if is_vague(&later) { error } else { later })
        }
        opening => opening,
    };
    let (client, opened) = opening.map_err(|error| match (error, &options.name) {
        (ClientError::OtherHost(key), Some(name)) => taken(&peers, name, &key, false),
        (ClientError::Closed(Reason::WRONG_HOST | Reason::FORGED), _) => ClientError::Unproven,
        (other, _) => other,
    })?;
    // A host that is busy has stored this machine before it said so.
    if let Some(reason) = opened.refused.filter(|reason| *reason != Reason::BUSY) {
        return Err(ClientError::Refused { reason, info: opened.greeting.refusal });
    }
    let (home, host, port) = (options.home.clone(), options.host.clone(), options.port);
    Ok(Proved { runtime, home, host, port, client, opened })
}

impl<R: Runtime> Proved<R> {
    /// Trusts the host and closes the session. It is called `name`, or without one what it calls itself; a host that is
    /// known already then keeps its name.
    ///
    /// # Errors
    /// [`ClientError::NameTaken`] when another machine has the name: then nothing is stored, and another one can be
    /// tried. [`ClientError::Home`].
    pub async fn trust(&self, name: Option<&PeerName>) -> Result<Paired, ClientError> {
        let Opened { host: key, greeting, .. } = &self.opened;
        let newcomer = NewPeer {
            public_key: key.0,
            name: greeting.name.clone(),
            paired_at: clock::epoch_seconds(),
            signing_key: self.opened.signing_key,
            wire: self.opened.wire.number(),
            terms: None,
        };
        let wanted = name.cloned();
        let own = PeerName::sanitize(&greeting.name, &key.0);
        // A host that is busy tells nothing of itself.
        let description = self.opened.refused.is_none().then(|| greeting.description.clone());
        let (home, host, port, successions) =
            (self.home.clone(), self.host.clone(), self.port, greeting.successions.clone());
        let store = move || {
            let mut peers = Peers::load(&home)?;
            let reached = Reached { host: &host, port, description: description.as_deref() };
            match peers.pair(&newcomer, &successions, wanted.as_ref(), reached) {
                Err(error) if error.kind() == HomeErrorKind::Taken => {
                    peers.reload()?;
                    Err(taken(&peers, &wanted.unwrap_or(own), &PublicKey(newcomer.public_key), true))
                }
                stored => Ok(stored?),
            }
        };
        let stored = self.runtime.run_blocking(store).await;
        self.client.close().await;
        let words = match self.opened.wire {
            Wire::V1 => String::new(),
            Wire::V2 => words(&self.opened.handshake),
        };
        Ok(Paired { name: stored?.name.to_string(), key: *key, words, wire: self.opened.wire })
    }
}

/// The key that a machine must have to be called `name`, because that is what the machine with it is called. Where that
/// one was last reached at the very place it may be the same machine with new keys, which it shows later.
fn expected(peers: &Peers, name: &PeerName, options: &PairOptions) -> Option<PublicKey> {
    let holder = peers.by_name_like(name)?;
    let is_there = (holder.last_host.as_str(), holder.last_port) == (options.host.as_str(), options.port);
    (!is_there).then_some(PublicKey(holder.public_key))
}

/// That another machine than the one with this key has the name. One that is paired already is proposed what it is called.
fn taken(peers: &Peers, name: &PeerName, key: &PublicKey, is_trusted_there: bool) -> ClientError {
    let holder = peers.by_name_like(name).map_or_else(|| name.clone(), |holder| holder.name.clone());
    let free = peers.by_key(&key.0).map_or_else(|| peers.free_name(name), |known| known.name.clone());
    ClientError::NameTaken { name: holder, free, is_trusted_there }
}
