//! From a name or an address to an open session.

use core::net::SocketAddr;
use core::time::Duration;
use std::net::ToSocketAddrs;

use async_tungstenite::tungstenite::Error as SocketError;
use opendesk_core::{Client as Machine, Keys, Misuse, Psk, PublicKey, PublicKeys, Reason, Wire, follow, limits};

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
    let start = |wire, now, seed| {
        let keys = identity.keys.clone();
        match wire {
            Wire::V1 => Machine::auth_version_1(now, keys, key, seed),
            Wire::V2 => Machine::auth(now, keys, key, seed),
        }
    };
    // Who was ever heard in version 2 is not spoken to in version 1 again: somebody in between could want that.
    let wires: &[Wire] = if peer.wire.is_some_and(|wire| wire >= 2) { &[Wire::V2] } else { &[Wire::V1, Wire::V2] };
    let opening = open(&runtime, host, port, &greeting(&identity), wires, start).await;
    let address = address_of(host, port);
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
    let code = options.code.as_bytes();
    if !(1..=limits::CODE_BYTES).contains(&code.len()) {
        return Err(ClientError::Call(crate::api::Error::invalid(Misuse::Code.to_string())));
    }
    let slow = code.to_vec();
    let psk = runtime.run_blocking(move || Psk::derive(&slow)).await;
    let start = |wire, now, seed| {
        let keys = identity.keys.clone();
        match wire {
            Wire::V1 => Machine::pair_version_1(now, keys, psk.clone(), seed),
            // The length of the code was checked.
            Wire::V2 => Machine::pair(now, keys.clone(), code, seed)
                .unwrap_or_else(|_| Machine::pair_version_1(now, keys, psk.clone(), seed)),
        }
    };
    let wires = [Wire::V2, Wire::V1];
    let opening = open(&runtime, &options.host, options.port, &greeting(&identity), &wires, start).await;
    let (client, opened) = opening.map_err(|(_, error)| match error {
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

/// Opens a session in the first of these versions that the host answers to. How the last one failed comes with its version.
async fn open<R: Runtime>(
    runtime: &R,
    host: &str,
    port: u16,
    greeting: &ControllerGreeting,
    wires: &[Wire],
    start: impl Fn(Wire, opendesk_core::Instant, [u8; 32]) -> Machine,
) -> Result<(Client, Opened), (Wire, ClientError)> {
    let address = address_of(host, port);
    let mut failed = None;
    let by = runtime.now() + CONNECT;
    for wire in wires.iter().copied() {
        let start = |now, seed| start(wire, now, seed);
        let left = by.saturating_duration_since(runtime.now());
        let reached = timeout(runtime, left, reach(runtime, host, port, &address, greeting, start)).await;
        match reached.unwrap_or_else(|| Err(ClientError::Timeout { what: address.clone(), after: CONNECT })) {
            Ok(reached) => return Ok(reached),
            Err(error) => {
                // What a host of the other version says to a first message that it does not know: nothing, and closes.
                let is_vague = matches!(
                    error,
                    ClientError::Closed(Reason::LOST | Reason::MALFORMED | Reason::MISBEHAVED | Reason::UNSUPPORTED)
                );
                // In version 2 a host says more of why it does not go on.
                let could_say_more = wire == Wire::V1 && matches!(error, ClientError::Closed(Reason::WRONG_HOST));
                if !is_vague || failed.is_none() {
                    failed = Some((wire, error));
                }
                if !is_vague && !could_say_more {
                    break;
                }
            }
        }
    }
    Err(failed.unwrap_or((Wire::V2, ClientError::Closed(Reason::LOST))))
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
    start: impl FnOnce(opendesk_core::Instant, [u8; 32]) -> Machine,
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
    let machine = start(opendesk_core::Instant::default(), seed);
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
