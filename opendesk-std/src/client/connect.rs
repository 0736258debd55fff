//! From a name or an address to an open session.

use core::net::SocketAddr;
use core::time::Duration;
use std::net::ToSocketAddrs;

use async_tungstenite::tungstenite::Error as SocketError;
use opendesk_core::{Client as Machine, Keys, Psk, PublicKey, PublicKeys, Reason, Wire, follow, limits};

use super::driver::{Driver, Opened};
use super::{Client, ClientError};
use crate::api::{ControllerGreeting, HostGreeting};
use crate::home::{Home, HomeError, Identity, NewPeer, Peers, pin, printable};
use crate::runtime::{Runtime, timeout};
use crate::socket::{self, Fair, Socket};
use crate::words::words;
use crate::{clock, machine, seed};

/// The port that hosts listen on when nothing else is said.
pub const DEFAULT_PORT: u16 = 8423;

/// How long reaching a host may take, from looking its name up to its greeting.
const CONNECT: Duration = limits::HANDSHAKE;

/// Whom to connect to.
#[derive(Debug, Clone)]
pub struct ConnectOptions {
    /// Keys and trusted peers.
    pub home: Home,
    /// The peer's name.
    pub peer: String,
}

/// Whom to pair with.
#[derive(Clone)]
pub struct PairOptions {
    /// Keys and trusted peers.
    pub home: Home,
    /// A name or an address on the network.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The code that the host shows.
    pub code: String,
    /// What to call the host; its own name when absent.
    pub name: Option<crate::home::PeerName>,
}

impl core::fmt::Debug for PairOptions {
    /// Without the code.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
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
    /// The four words that its screen shows too, in version 2.
    pub words: String,
    /// The version of the wire that the two have in common. What is said in a pairing of version 1 lets whoever stands
    /// between the two search a code of six digits.
    pub wire: Wire,
}

/// Opens a session with a trusted peer.
///
/// # Errors
/// [`ClientError`]; the host is waited for ten seconds at most, and a home directory that another process changes five.
pub async fn connect<R: Runtime>(runtime: R, options: &ConnectOptions) -> Result<Client, ClientError> {
    let (home, name) = (options.home.clone(), options.peer.clone());
    let loaded = move || Ok::<_, HomeError>((home.identity()?, Peers::load(&home)?));
    let (identity, peers) = runtime.run_blocking(loaded).await?;
    let peer = peers.by_name(&name).ok_or_else(|| unknown(&name, &peers))?;
    let (host, port) = match (peer.last_host.as_str(), peer.last_port) {
        ("", _) | (_, 0) => return Err(no_address(&name)),
        known => known,
    };
    let key = PublicKey(peer.public_key);
    let address = address_of(host, port);
    let attempt = Attempt { host, port, greeting: &greeting(&identity), by: runtime.now() + CONNECT };
    let first = |now, seed| Ok(Machine::auth_version_1(now, identity.keys.clone(), key, seed));
    let second = |now, seed| Ok(Machine::auth(now, identity.keys.clone(), key, seed));
    // Who was ever heard in version 2 is not spoken to in version 1 again: somebody in between could want that.
    let opening = if peer.wire.is_some_and(|wire| wire >= 2) {
        attempt.open(&runtime, second).await.map_err(|error| (Wire::V2, error))
    } else {
        match attempt.open(&runtime, first).await {
            // In version 2 a host says more of why it does not go on.
            Err(error) if is_vague(&error) || matches!(error, ClientError::Closed(Reason::WRONG_HOST)) => {
                let again = attempt.open(&runtime, second).await;
                again.map_err(|later| if is_vague(&later) { (Wire::V1, error) } else { (Wire::V2, later) })
            }
            opening => opening.map_err(|error| (Wire::V1, error)),
        }
    };
    let wrong_host = || ClientError::WrongHost { name: name.clone(), address: address.clone() };
    let (client, opened) = opening.map_err(|(wire, error)| match (wire, error) {
        (Wire::V1, ClientError::Closed(Reason::WRONG_HOST)) => {
            ClientError::NotRecognised { name: name.clone(), address: address.clone() }
        }
        (_, ClientError::Closed(Reason::WRONG_HOST | Reason::FORGED)) => wrong_host(),
        (_, other) => other,
    })?;
    match peer.keys() {
        _ if opened.wire == Wire::V1 => {
            if opened.greeting.newest_wire.is_some_and(|wire| wire >= 2) {
                runtime.spawn(pin(runtime.clone(), peers.clone(), key, None));
            }
        }
        Some(known) if Some(known.signing_key) == opened.signing_key => {
            if let Some(successor) = follow(&opened.greeting.successions, known)
                && has_shown(&identity.keys, successor, &opened)
            {
                succeed(&runtime, peers.clone(), key, successor).await;
            }
        }
        Some(_) => return Err(wrong_host()),
        None => runtime.spawn(pin(runtime.clone(), peers.clone(), key, opened.signing_key)),
    }
    match opened.refused {
        Some(reason) => Err(ClientError::Refused { reason, info: opened.greeting.refusal }),
        None => Ok(client),
    }
}

/// Pairs with a host that shows a code, and trusts it. The session that the handshake opens is closed again.
///
/// # Errors
/// [`ClientError`]; nothing is stored then.
pub async fn pair<R: Runtime>(runtime: R, options: &PairOptions) -> Result<Paired, ClientError> {
    let home = options.home.clone();
    let identity = runtime.run_blocking(move || home.identity()).await?;
    let (host, greeting, by) = (options.host.as_str(), greeting(&identity), runtime.now() + CONNECT);
    let attempt = Attempt { host, port: options.port, greeting: &greeting, by };
    let second = |now, seed| {
        Machine::pair(now, identity.keys.clone(), options.code.as_bytes(), seed)
            .map_err(|misuse| ClientError::Call(crate::api::Error::invalid(misuse.to_string())))
    };
    let opening = match attempt.open(&runtime, second).await {
        Err(error) if is_vague(&error) => {
            // Slow by intent, and needed with hosts of version 1 only.
            let code = options.code.clone();
            let psk = runtime.run_blocking(move || Psk::derive(code.as_bytes())).await;
            let first = |now, seed| Ok(Machine::pair_version_1(now, identity.keys.clone(), psk, seed));
            let again = attempt.open(&runtime, first).await;
            again.map_err(|later| if is_vague(&later) { error } else { later })
        }
        opening => opening,
    };
    let (client, opened) = opening.map_err(|error| match error {
        ClientError::Closed(Reason::WRONG_HOST | Reason::FORGED) => ClientError::Unproven,
        other => other,
    })?;
    // A host that is busy has stored this machine before it said so.
    if let Some(reason) = opened.refused.filter(|reason| *reason != Reason::BUSY) {
        return Err(ClientError::Refused { reason, info: opened.greeting.refusal });
    }
    let name = options.name.as_ref().map_or(opened.greeting.name.as_str(), |name| name.as_str());
    let newcomer = NewPeer {
        public_key: opened.host.0,
        name: name.to_owned(),
        paired_at: clock::epoch_seconds(),
        signing_key: opened.signing_key,
        wire: opened.wire.number(),
        terms: None,
    };
    let (home, host, port) = (options.home.clone(), options.host.clone(), options.port);
    let HostGreeting { description, successions, .. } = opened.greeting.clone();
    let stored = runtime
        .run_blocking(move || {
            let mut peers = Peers::load(&home)?;
            let (stored, _former) = peers.admit(&newcomer, &successions)?;
            peers.set_endpoint(&newcomer.public_key, &host, port)?;
            peers.set_description(&newcomer.public_key, &description)?;
            Ok::<_, HomeError>(stored)
        })
        .await?;
    client.close().await;
    let (name, words) = (stored.name.to_string(), words(&opened.handshake));
    Ok(Paired { name, key: opened.host, words, wire: opened.wire })
}

fn unknown(name: &str, peers: &Peers) -> ClientError {
    let known: Vec<&str> = peers.list().iter().map(|peer| peer.name.as_str()).collect();
    let known = if known.is_empty() {
        "no machine is paired yet; run `opendesk pair` on the other machine and `opendesk pair-with` here".to_owned()
    } else {
        format!("paired are: {}", known.join(", "))
    };
    let message = format!("no paired machine is called {:?}; {known}", printable(name));
    ClientError::Call(crate::api::Error::new(crate::api::ErrorCode::NotFound, message))
}

fn no_address(name: &str) -> ClientError {
    let message = format!("the address of {:?} is not known; it was paired from there, not from here", printable(name));
    ClientError::Call(crate::api::Error::new(crate::api::ErrorCode::NotFound, message))
}

/// What this machine tells of itself.
fn greeting(identity: &Identity) -> ControllerGreeting {
    ControllerGreeting { name: machine::hostname(), successions: identity.successions() }
}

/// Whether the host has shown that the key it is to be known by is its own, and not one that it has seen elsewhere.
fn has_shown(own: &Keys, successor: PublicKeys, opened: &Opened) -> bool {
    let shown = opened.greeting.possession.as_ref();
    let key = successor.static_key;
    shown.is_some_and(|shown| own.static_key.check_possession(key, &opened.handshake, shown).is_ok())
}

/// The host has changed its keys, and is known by the new ones from now on. Where that cannot be stored, it is known by
/// the former ones still.
async fn succeed<R: Runtime>(runtime: &R, mut peers: Peers, former: PublicKey, successor: PublicKeys) {
    let stored = runtime.run_blocking(move || peers.succeed(&former.0, successor)).await;
    match stored {
        Ok(peer) => tracing::info!(peer = %peer.name, key = ?successor.static_key, "the host has changed its keys"),
        Err(error) => tracing::warn!(%error, "the new keys of a host could not be stored"),
    }
}

/// Whether a host that speaks the other version only may have ended the link so: it says nothing to a first message that
/// it does not know, and closes.
const fn is_vague(error: &ClientError) -> bool {
    matches!(error, ClientError::Closed(Reason::LOST | Reason::MALFORMED | Reason::MISBEHAVED | Reason::UNSUPPORTED))
}

/// Whom to reach, and until when.
struct Attempt<'a> {
    host: &'a str,
    port: u16,
    greeting: &'a ControllerGreeting,
    by: std::time::Instant,
}

impl Attempt<'_> {
    /// Opens a session with the machine that `start` makes.
    async fn open<R: Runtime>(
        &self,
        runtime: &R,
        start: impl FnOnce(opendesk_core::Instant, [u8; 32]) -> Result<Machine, ClientError>,
    ) -> Result<(Client, Opened), ClientError> {
        let address = address_of(self.host, self.port);
        let left = self.by.saturating_duration_since(runtime.now());
        let reaching = reach(runtime, self.host, self.port, &address, self.greeting, start);
        let reached = timeout(runtime, left, reaching).await;
        reached.unwrap_or(Err(ClientError::Timeout { what: address, after: CONNECT }))
    }
}

fn address_of(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

async fn reach<R: Runtime>(
    runtime: &R,
    host: &str,
    port: u16,
    address: &str,
    greeting: &ControllerGreeting,
    start: impl FnOnce(opendesk_core::Instant, [u8; 32]) -> Result<Machine, ClientError>,
) -> Result<(Client, Opened), ClientError> {
    let unreachable =
        |why: &dyn core::fmt::Display| ClientError::Unreachable { address: address.to_owned(), why: why.to_string() };
    let name = host.to_owned();
    let looked_up = runtime
        .run_blocking(move || (name.as_str(), port).to_socket_addrs().map(Iterator::collect::<Vec<SocketAddr>>))
        .await
        .map_err(|error| unreachable(&error))?;
    let stream = dial(runtime, &looked_up).await.map_err(|error| unreachable(&error))?;
    let upgraded = async_tungstenite::client_async_with_config(
        format!("ws://{address}/"),
        Fair::new(stream),
        Some(socket::config()),
    )
    .await;
    let (stream, _response) = upgraded.map_err(|error| match error {
        SocketError::Http(response) => unreachable(&format!("it answers HTTP {} instead", response.status())),
        other => unreachable(&other),
    })?;
    let seed = seed::fresh().map_err(|error| unreachable(&error))?;
    let epoch = runtime.now();
    let machine = start(opendesk_core::Instant::default(), seed)?;
    // Without a bound, so that the cancel of a dropped call always finds room; every call in it has a caller that waits.
    let (commands, orders) = async_channel::unbounded();
    let (tell, told) = async_channel::bounded(1);
    let driver = Driver::new(runtime.clone(), machine, epoch, Socket::new(stream), orders, tell, greeting);
    let ended = driver.ended();
    runtime.spawn(driver.run());
    let opened = told.recv().await.map_err(|_| ClientError::Closed(Reason::LOST))??;
    let client = Client {
        commands,
        ended,
        wire: opened.wire,
        host: opened.host,
        signing_key: opened.signing_key,
        handshake: opened.handshake,
        memory: opened.memory,
        greeting: opened.greeting.clone(),
    };
    Ok((client, opened))
}

/// Tries the addresses of a name in turn.
async fn dial<R: Runtime>(runtime: &R, addresses: &[SocketAddr]) -> std::io::Result<R::Stream> {
    let mut last = std::io::Error::new(std::io::ErrorKind::NotFound, "the name has no address");
    for address in addresses {
        match runtime.connect(*address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

#[cfg(test)]
mod tests {
    use opendesk_core::{SigningKey, StaticKey};

    use super::*;

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
