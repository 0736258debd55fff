//! From an address to an open link.

use core::net::SocketAddr;
use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use std::io;
use std::net::ToSocketAddrs;
use std::sync::Arc;
use std::time::Instant;

use async_tungstenite::tungstenite::Error as SocketError;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use opendesk_core::{Client as Machine, Reason, limits};

use super::driver::{Driver, Opened};
use super::{Client, ClientError, Pulse};
use crate::api::ControllerGreeting;
use crate::runtime::{Runtime, timeout};
use crate::seed;
use crate::socket::{self, Fair, Socket};

/// How long reaching a host may take, from looking its name up to its greeting.
pub(super) const CONNECT: Duration = limits::HANDSHAKE;

/// How long one address of a name is tried before the next one is tried as well: RFC 8305, section 5.
const HEAD_START: Duration = Duration::from_millis(250);

/// How long one of several addresses of a name is listened to that takes a connection and says nothing.
const ONE_OF_SEVERAL: Duration = Duration::from_secs(2);

/// Several attempts to reach one host at once, of which one may open the session: two would replace each other.
#[derive(Clone)]
pub(super) struct Race {
    /// The number of the attempt that goes on; 0 while none does.
    taken: Arc<AtomicU64>,
    next: Arc<AtomicU64>,
    wanted: Arc<dyn Fn() -> bool + Send + Sync>,
}

impl Race {
    /// No attempt opens a session at a moment when it is not `wanted` any more.
    pub(super) fn new(wanted: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self { taken: Arc::default(), next: Arc::new(AtomicU64::new(1)), wanted: Arc::new(wanted) }
    }

    /// Whether an attempt goes on that the host may have been told of.
    pub(super) fn is_taken(&self) -> bool {
        self.taken.load(Ordering::Acquire) != 0
    }

    pub(super) fn enter(&self) -> Claim {
        Claim { race: self.clone(), number: self.next.fetch_add(1, Ordering::Relaxed) }
    }
}

/// One attempt's part in a [`Race`].
#[derive(Clone)]
pub(super) struct Claim {
    race: Race,
    number: u64,
}

impl Claim {
    /// Whether this attempt may go on, now that the host has proved its key.
    pub(super) fn take(&self) -> bool {
        let order = Ordering::AcqRel;
        let taken = self.race.taken.compare_exchange(0, self.number, order, Ordering::Acquire);
        (taken.is_ok() || taken == Err(self.number)) && (self.race.wanted)()
    }

    /// Whether it may still be the one that goes on.
    pub(super) fn is_open(&self) -> bool {
        let taken = self.race.taken.load(Ordering::Acquire);
        (taken == 0 || taken == self.number) && (self.race.wanted)()
    }

    /// It came to nothing.
    pub(super) fn give_up(&self) {
        let _another_has_it = self.race.taken.compare_exchange(self.number, 0, Ordering::AcqRel, Ordering::Acquire);
    }
}

/// Whom to reach, and until when.
pub(super) struct Attempt<'a> {
    host: &'a str,
    port: u16,
    greeting: &'a ControllerGreeting,
    by: Instant,
    /// How long the network may take to connect.
    dial: Duration,
    claim: Option<Claim>,
}

impl<'a> Attempt<'a> {
    pub(super) const fn new(host: &'a str, port: u16, greeting: &'a ControllerGreeting, by: Instant) -> Self {
        Self { host, port, greeting, by, dial: CONNECT, claim: None }
    }

    /// One of several.
    pub(super) fn among(self, claim: Claim, dial: Duration) -> Self {
        Self { claim: Some(claim), dial, ..self }
    }

    /// Opens a session with the machine that `start` makes.
    pub(super) async fn open<R: Runtime>(
        &self,
        runtime: &R,
        start: impl Fn(opendesk_core::Instant, [u8; 32]) -> Result<Machine, ClientError>,
    ) -> Result<(Client, Opened), ClientError> {
        let address = address_of(self.host, self.port);
        let left = self.by.saturating_duration_since(runtime.now());
        if left.is_zero() {
            // The time went by before it began, with others who did not answer.
            return Err(ClientError::Timeout { what: address, after: self.dial });
        }
        let reached = timeout(runtime, left, self.reach(runtime, &address, start)).await;
        // What went by before it began is no part of what a person waits for.
        let after = Duration::from_millis((left.as_millis() as u64).div_ceil(100) * 100);
        reached.unwrap_or(Err(ClientError::Timeout { what: address, after }))
    }

    async fn reach<R: Runtime>(
        &self,
        runtime: &R,
        address: &str,
        start: impl Fn(opendesk_core::Instant, [u8; 32]) -> Result<Machine, ClientError>,
    ) -> Result<(Client, Opened), ClientError> {
        let unreachable = |why: io::Error| unreachable(address, &why);
        let late = |after| ClientError::Timeout { what: address.to_owned(), after };
        let (name, port) = (self.host.to_owned(), self.port);
        let look_up = move || (name.as_str(), port).to_socket_addrs().map(Iterator::collect);
        let looked_up = timeout(runtime, self.dial, runtime.run_blocking(look_up)).await;
        let mut places: Vec<SocketAddr> = looked_up.ok_or_else(|| late(self.dial))?.map_err(unreachable)?;
        let mut said: Option<ClientError> = None;
        loop {
            let dialled = timeout(runtime, self.dial, dial(runtime, &places)).await;
            let dialled = dialled.map_or_else(|| Err(late(self.dial)), |dialled| dialled.map_err(unreachable));
            let (_, stream, others) = match dialled {
                Ok(dialled) => dialled,
                // What somebody said tells more than that another place is silent.
                Err(error) => return Err(said.unwrap_or(error)),
            };
            // Of two attempts to pair one could be too many.
            let limit = self.claim.as_ref().filter(|_| !others.is_empty()).map_or(Duration::MAX, |_| ONE_OF_SEVERAL);
            let opened = timeout(runtime, limit, self.speak(runtime, address, stream, &start)).await;
            match opened.unwrap_or_else(|| Err(late(limit))) {
                Err(error) if is_of_another(&error) => {
                    tracing::debug!(%error, "not at this address of the name");
                    let most = said.take().filter(|said| said.rank() >= error.rank()).unwrap_or(error);
                    if others.is_empty() {
                        return Err(most);
                    }
                    (said, places) = (Some(most), others);
                }
                opened => return opened,
            }
        }
    }

    /// Opens the session over a stream.
    async fn speak<R: Runtime>(
        &self,
        runtime: &R,
        address: &str,
        stream: R::Stream,
        start: impl FnOnce(opendesk_core::Instant, [u8; 32]) -> Result<Machine, ClientError>,
    ) -> Result<(Client, Opened), ClientError> {
        // What a zone names is known on this machine only.
        let host = self.host.split('%').next().unwrap_or_default();
        let upgraded = async_tungstenite::client_async_with_config(
            format!("ws://{}/", address_of(host, self.port)),
            Fair::new(stream),
            Some(socket::config()),
        )
        .await;
        let (stream, _response) = upgraded.map_err(|error| match error {
            SocketError::Http(response) => {
                unreachable(address, &format!("it answers HTTP {} instead", response.status()))
            }
            other => unreachable(address, &other),
        })?;
        let seed = seed::fresh().map_err(|error| unreachable(address, &error))?;
        let pulse = Pulse::new(runtime.now());
        let machine = start(opendesk_core::Instant::default(), seed)?;
        // Without a bound, so that the cancel of a dropped call always finds room; every call in it has a caller that
        // waits.
        let (commands, orders) = async_channel::unbounded();
        let (tell, told) = async_channel::bounded(1);
        let (socket, claim) = (Socket::new(stream), self.claim.clone());
        let driver = Driver::new(runtime.clone(), machine, pulse.clone(), socket, orders, tell, self.greeting, claim);
        let ended = driver.ended();
        runtime.spawn(driver.run());
        let opened = told.recv().await.map_err(|_| ClientError::Closed(Reason::LOST))??;
        let client = Client {
            commands,
            ended,
            pulse: Some(pulse),
            address: Some(address.to_owned()),
            wire: opened.wire,
            host: opened.host,
            signing_key: opened.signing_key,
            handshake: opened.handshake,
            memory: opened.memory,
            greeting: opened.greeting.clone(),
        };
        Ok((client, opened))
    }
}

fn unreachable(address: &str, why: &dyn core::fmt::Display) -> ClientError {
    ClientError::Unreachable { address: address.to_owned(), why: why.to_string() }
}

/// An address as it is written.
pub(super) fn address_of(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

/// Whether a host that speaks the other version only may have ended the link so: it says nothing to a first message that
/// it does not know, and closes.
pub(super) const fn is_vague(error: &ClientError) -> bool {
    matches!(error, ClientError::Closed(Reason::LOST | Reason::MALFORMED | Reason::MISBEHAVED | Reason::UNSUPPORTED))
}

/// Whether it tells that somebody else is at this address, and nothing of the machine that was sought.
const fn is_of_another(error: &ClientError) -> bool {
    matches!(error, ClientError::Closed(Reason::WRONG_HOST | Reason::FORGED))
        || matches!(error, ClientError::Unreachable { .. } | ClientError::Timeout { .. })
        || is_vague(error)
}

/// Tries the addresses of a name, each a little later than the one before it unless that has failed. Gives the one that
/// answers, and those that have not failed.
pub(super) async fn dial<R: Runtime>(
    runtime: &R,
    addresses: &[SocketAddr],
) -> io::Result<(SocketAddr, R::Stream, Vec<SocketAddr>)> {
    let mut waiting = addresses.iter();
    let mut trying = FuturesUnordered::new();
    let mut left = addresses.to_vec();
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    loop {
        if let Some(address) = waiting.next() {
            trying.push(async move { (*address, runtime.connect(*address).await) });
        }
        let tried = if waiting.len() == 0 {
            trying.next().await
        } else {
            timeout(runtime, HEAD_START, trying.next()).await.flatten()
        };
        if let Some((tried, _)) = &tried {
            left.retain(|address| address != tried);
        }
        match tried {
            Some((address, Ok(stream))) => return Ok((address, stream, left)),
            Some((_, Err(error))) => last = error,
            None if trying.is_empty() && waiting.len() == 0 => return Err(last),
            None => {}
        }
    }
}
