//! From the name of a trusted machine to an open session with it.

use core::time::Duration;
use std::time::Instant;

use opendesk_core::{Client as Machine, Keys, PublicKey, PublicKeys, Reason, Succession, Wire, follow};

use super::dial::{Attempt, CONNECT, Claim, address_of, is_vague};
use super::driver::Opened;
use super::target::{Place, Whom};
use super::{Client, ClientError};
use crate::api::{ControllerGreeting, Error, ErrorCode};
use crate::home::{Home, HomeError, Identity, Peers, TrustedPeer, hex, pin, plain_text};
use crate::machine;
use crate::runtime::Runtime;

/// The port that hosts listen on when nothing else is said.
pub const DEFAULT_PORT: u16 = 8423;

/// Whom to connect to.
#[derive(Debug, Clone)]
pub struct ConnectOptions {
    /// Keys and trusted peers.
    pub home: Home,
    /// The machine, as [`Whom`] reads it.
    pub peer: String,
}

/// Opens a session with a machine where it was last reached or is said to be. [`Remote`](super::Remote) seeks it elsewhere
/// too, and keeps it connected.
///
/// # Errors
/// [`ClientError`]; the host is waited for ten seconds at most, and a home directory that another process changes five.
pub async fn connect<R: Runtime>(runtime: R, options: &ConnectOptions) -> Result<Client, ClientError> {
    let whom: Whom = options.peer.parse().map_err(|error| invalid(&error))?;
    let known = Known::load(&runtime, options.home.clone(), whom).await?;
    let (mut outcome, by) = (Err(known.no_address()), runtime.now() + CONNECT);
    for (host, port) in known.places() {
        outcome = known.open(&runtime, &host, port, by, None).await;
        if outcome.is_ok() {
            break;
        }
    }
    Ok(known.admit(&runtime, outcome?).await?.client)
}

pub(super) fn invalid(error: &dyn core::fmt::Display) -> ClientError {
    ClientError::Call(Error::invalid(error.to_string()))
}

/// A machine of which it is known who it is, and all that is needed to reach it.
pub(super) struct Known {
    identity: Identity,
    peers: Peers,
    /// Absent for a machine that is not paired.
    peer: Option<TrustedPeer>,
    pub(super) key: PublicKey,
    /// What it is called here, or its address.
    pub(super) name: String,
    /// Where it was said to be.
    said: Option<(String, u16)>,
}

/// A host that has proved its key.
pub(super) struct Reached {
    client: Client,
    opened: Opened,
    host: String,
    port: u16,
}

/// A session with a host of which all is remembered.
pub(super) struct Admitted {
    pub(super) client: Client,
    /// By which key it is known from now on, where that is another one than before.
    pub(super) successor: Option<PublicKey>,
}

impl Known {
    /// # Errors
    /// When there is no such peer, or our own files cannot be read.
    pub(super) async fn load<R: Runtime>(runtime: &R, home: Home, whom: Whom) -> Result<Self, ClientError> {
        let loaded = move || Ok::<_, HomeError>((home.identity()?, Peers::load(&home)?));
        let (identity, peers) = runtime.run_blocking(loaded).await?;
        Ok(match whom {
            Whom::Peer(text) => {
                let peer = peers.find(&text).map_err(|error| not_found(&error, &peers))?.clone();
                let (key, name) = (PublicKey(peer.public_key), peer.name.to_string());
                Self { identity, peers, peer: Some(peer), key, name, said: None }
            }
            Whom::At(Place { host, port, key }) => {
                let peer = peers.by_key(&key.0).cloned();
                let name = peer.as_ref().map_or_else(|| address_of(&host, port), |peer| peer.name.to_string());
                Self { identity, peers, peer, key, name, said: Some((host, port)) }
            }
        })
    }

    /// Where it was said to be, and where it was last reached.
    pub(super) fn places(&self) -> Vec<(String, u16)> {
        let last = self.peer.as_ref().filter(|peer| !peer.last_host.is_empty() && peer.last_port != 0);
        let last = last.map(|peer| (peer.last_host.clone(), peer.last_port));
        let mut places: Vec<_> = self.said.iter().cloned().chain(last).collect();
        places.dedup();
        places
    }

    pub(super) fn no_address(&self) -> ClientError {
        ClientError::Call(Error::new(
            ErrorCode::NotFound,
            format!("the address of {:?} is not known; it was paired from there, not from here", self.name),
        ))
    }

    /// Opens a session with it at one place. A host that has proved its key and refuses is one that was reached.
    ///
    /// # Errors
    /// [`ClientError`].
    pub(super) async fn open<R: Runtime>(
        &self,
        runtime: &R,
        host: &str,
        port: u16,
        by: Instant,
        among: Option<(&Claim, Duration)>,
    ) -> Result<Reached, ClientError> {
        let (key, keys) = (self.key, &self.identity.keys);
        let greeting = greeting(&self.identity);
        let attempt = Attempt::new(host, port, &greeting, by);
        let attempt = match among {
            Some((claim, dial)) => attempt.among(claim.clone(), dial),
            None => attempt,
        };
        // Whoever lost a race need not run it again.
        let may_go_on = || among.is_none_or(|(claim, _)| claim.is_open());
        let start = |wire: Wire| {
            move |now, seed| {
                Ok(match wire {
                    Wire::V1 => Machine::auth_version_1(now, keys.clone(), key, seed),
                    Wire::V2 => Machine::auth(now, keys.clone(), key, seed),
                })
            }
        };
        // Who was ever heard in version 2 is not spoken to in version 1 again: somebody in between could want that.
        let (wire, other) = match self.peer.as_ref().map(|peer| peer.wire.is_some_and(|wire| wire >= 2)) {
            Some(true) => (Wire::V2, None),
            Some(false) => (Wire::V1, Some(Wire::V2)),
            None => (Wire::V2, Some(Wire::V1)),
        };
        // In version 2 a host says more of why it does not go on.
        let may_say_more = |error: &ClientError| {
            is_vague(error) || (wire == Wire::V1 && matches!(error, ClientError::Closed(Reason::WRONG_HOST)))
        };
        let opening = match (attempt.open(runtime, start(wire)).await, other) {
            (Err(error), Some(other)) if may_say_more(&error) && may_go_on() => {
                let again = attempt.open(runtime, start(other)).await;
                again.map_err(|later| if is_vague(&later) { (wire, error) } else { (other, later) })
            }
            (opening, _) => opening.map_err(|error| (wire, error)),
        };
        let (name, address) = (self.name.clone(), address_of(host, port));
        let (client, opened) = opening.map_err(|(wire, error)| match (wire, error) {
            (Wire::V1, ClientError::Closed(Reason::WRONG_HOST)) => {
                ClientError::NotRecognised { name: name.clone(), address: address.clone() }
            }
            (_, ClientError::Closed(Reason::WRONG_HOST | Reason::FORGED)) => {
                ClientError::WrongHost { name: name.clone(), address: address.clone() }
            }
            (_, other) => other,
        })?;
        let pinned = self.peer.as_ref().and_then(TrustedPeer::keys);
        if opened.wire != Wire::V1 && pinned.is_some_and(|pinned| Some(pinned.signing_key) != opened.signing_key) {
            return Err(ClientError::WrongHost { name, address });
        }
        Ok(Reached { client, opened, host: host.to_owned(), port })
    }

    /// What was learned of a host that was reached is remembered.
    ///
    /// # Errors
    /// [`ClientError::Refused`].
    pub(super) async fn admit<R: Runtime>(&self, runtime: &R, reached: Reached) -> Result<Admitted, ClientError> {
        let Reached { client, opened, host, port } = reached;
        if self.peer.is_none()
            && let Some(peer) = self.other_keys_of(&opened.greeting.successions)
        {
            client.close().await;
            return Err(invalid(&format!(
                "the machine at {} is paired as \"{}\" and has changed its keys; name it so, because the owner's rules do",
                self.name, peer.name
            )));
        }
        let (key, mut renewed) = (self.key, None);
        // An address that means something on one link of this machine only is not one to come back to.
        let stored = self.peer.as_ref().map(|peer| (peer.last_host.as_str(), peer.last_port));
        if stored.is_some_and(|stored| stored != (host.as_str(), port)) && !host.contains('%') {
            // Waited for: a program may end with its only call.
            place(runtime, self.peers.clone(), key, host, port).await;
        }
        if let Some(peer) = &self.peer
            && let Some(words) = news(peer, &opened)
        {
            describe(runtime, self.peers.clone(), key, words).await;
        }
        match self.peer.as_ref().map(TrustedPeer::keys) {
            None => {}
            Some(_) if opened.wire == Wire::V1 && opened.greeting.newest_wire.is_some_and(|wire| wire >= 2) => {
                runtime.spawn(pin(runtime.clone(), self.peers.clone(), key, None));
            }
            Some(_) if opened.wire == Wire::V1 => {}
            Some(Some(pinned)) => {
                if let Some(successor) = follow(&opened.greeting.successions, pinned)
                    && has_shown(&self.identity.keys, successor, &opened)
                    && succeed(runtime, self.peers.clone(), key, successor).await
                {
                    renewed = Some(successor.static_key);
                }
            }
            Some(None) => runtime.spawn(pin(runtime.clone(), self.peers.clone(), key, opened.signing_key)),
        }
        match opened.refused {
            Some(reason) => Err(ClientError::Refused { reason, info: opened.greeting.refusal }),
            None => Ok(Admitted { client, successor: renewed }),
        }
    }

    /// The paired machine that says that it has, had or will have these keys. Nothing is proved by that, and whoever lies is
    /// only not used.
    fn other_keys_of(&self, chain: &[Succession]) -> Option<&TrustedPeer> {
        let keys = chain.iter().flat_map(|link| [link.former.static_key, link.successor.static_key]);
        keys.into_iter().find_map(|key| self.peers.by_key(&key.0))
    }
}

fn not_found(error: &HomeError, peers: &Peers) -> ClientError {
    let message = if peers.list().is_empty() {
        format!("{error}; run `opendesk pair` on the other machine and `opendesk pair-with` here")
    } else {
        error.to_string()
    };
    ClientError::Call(Error::new(ErrorCode::NotFound, message))
}

/// Remembers where a host was reached.
async fn place<R: Runtime>(runtime: &R, mut peers: Peers, key: PublicKey, host: String, port: u16) {
    let stored = runtime.run_blocking(move || peers.set_endpoint(&key.0, &host, port)).await;
    if let Err(error) = stored {
        tracing::warn!(%error, key = %hex::encode(&key.0), "where a host was reached could not be stored");
    }
}

/// How a host describes itself, where that is not what is known of it.
fn news(peer: &TrustedPeer, opened: &Opened) -> Option<String> {
    // Whoever is refused is told nothing of it, and version 1 need not tell it.
    let is_told = opened.refused.is_none() && (opened.wire != Wire::V1 || !opened.greeting.description.is_empty());
    let words = plain_text(&opened.greeting.description);
    (is_told && words != peer.description).then_some(words)
}

/// Remembers how a host describes itself.
async fn describe<R: Runtime>(runtime: &R, mut peers: Peers, key: PublicKey, words: String) {
    let stored = runtime.run_blocking(move || peers.set_description(&key.0, &words)).await;
    if let Err(error) = stored {
        tracing::warn!(%error, key = %hex::encode(&key.0), "how a host describes itself could not be stored");
    }
}

/// What this machine tells of itself.
pub(super) fn greeting(identity: &Identity) -> ControllerGreeting {
    ControllerGreeting { name: machine::hostname(), successions: identity.successions() }
}

/// Whether the host has shown that the key it is to be known by is its own, and not one that it has seen elsewhere.
fn has_shown(own: &Keys, successor: PublicKeys, opened: &Opened) -> bool {
    let shown = opened.greeting.possession.as_ref();
    let key = successor.static_key;
    shown.is_some_and(|shown| own.static_key.check_possession(key, &opened.handshake, shown).is_ok())
}

/// The host has changed its keys, and is known by the new ones from now on. Where that cannot be stored, it is known by
/// the former ones still. Gives whether it is.
async fn succeed<R: Runtime>(runtime: &R, mut peers: Peers, former: PublicKey, successor: PublicKeys) -> bool {
    let stored = runtime.run_blocking(move || peers.succeed(&former.0, successor)).await;
    match &stored {
        Ok(peer) => tracing::info!(peer = %peer.name, key = ?successor.static_key, "the host has changed its keys"),
        Err(error) => tracing::warn!(%error, "the new keys of a host could not be stored"),
    }
    stored.is_ok()
}

#[cfg(test)]
mod tests {
    use opendesk_core::{SigningKey, StaticKey};

    use super::*;
    use crate::api::HostGreeting;

    fn keys(byte: u8) -> Keys {
        Keys { static_key: StaticKey::new([byte; 32]), signing_key: SigningKey::new([byte; 32]) }
    }

    /// A session in whose greeting this is shown.
    fn opened(possession: Option<[u8; 32]>) -> Opened {
        Opened {
            wire: Wire::V2,
            host: keys(1).static_key.public(),
            signing_key: Some(keys(1).signing_key.public()),
            handshake: [7; 32],
            memory: 1,
            greeting: HostGreeting { possession, ..HostGreeting::default() },
            refused: None,
        }
    }

    #[test]
    fn what_a_host_says_of_itself_is_news_once() {
        let folder = tempfile::tempdir().unwrap();
        let mut peers = Peers::load(&Home::open(Some(folder.path().join("home"))).unwrap()).unwrap();
        let key = keys(1).static_key.public();
        let new = crate::home::NewPeer {
            public_key: key.0,
            name: "desk".to_owned(),
            paired_at: 0.0,
            signing_key: None,
            wire: 1,
            terms: None,
        };
        peers.add(&new).unwrap();
        let told = |words: &str, wire, refused| {
            let greeting = HostGreeting { description: words.to_owned(), ..HostGreeting::default() };
            Opened { wire, greeting, refused, ..opened(None) }
        };
        let says = |peers: &Peers, opened: &Opened| news(peers.by_key(&key.0).unwrap(), opened);
        let words = told("the bü\u{202e}ro PC\n", Wire::V2, None);
        assert_eq!(says(&peers, &words).as_deref(), Some("the büro PC"));
        peers.set_description(&key.0, "the büro PC").unwrap();
        assert_eq!(says(&peers, &words), None);
        assert_eq!(says(&peers, &told("", Wire::V2, None)).as_deref(), Some(""));
        assert_eq!(says(&peers, &told("", Wire::V1, None)), None);
        assert_eq!(says(&peers, &told("", Wire::V2, Some(Reason::BUSY))), None);
    }

    #[test]
    fn a_host_is_followed_to_a_key_that_it_has_and_to_no_other() {
        let (own, successor, victim) = (keys(2), keys(3), keys(4).public());
        let show = |key: &Keys, to: &Keys| Some(key.static_key.possession(to.static_key.public(), &[7; 32]).unwrap());
        assert!(has_shown(&own, successor.public(), &opened(show(&successor, &own))));
        for (lie, why) in [
            (None, "nothing is shown"),
            (show(&successor, &keys(5)), "it is shown to somebody else"),
            (show(&keys(1), &own), "the former key is shown"),
            (Some(keys(3).static_key.possession(own.static_key.public(), &[8; 32]).unwrap()), "of another session"),
        ] {
            assert!(!has_shown(&own, successor.public(), &opened(lie)), "{why}");
        }
        assert!(!has_shown(&own, victim, &opened(show(&successor, &own))), "somebody else's key is named");
    }
}
