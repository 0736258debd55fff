//! The MCP server on HTTP: one address, `/mcp`, for many clients at the same time.
//!
//! It listens on the loopback interface unless it is told under which names it may be called elsewhere, and it answers nobody
//! who does not show its token. Clients that say `initialize` each have a session of their own; those of the revision 2026-07-28
//! have none, and share one in which nothing is remembered from call to call.

mod answer;
mod clients;
mod gate;
mod limits;
mod token;

use core::fmt;
use core::net::SocketAddr;
use core::time::Duration;
use std::io;
use std::sync::Arc;

use axum::Router;
use opendesk_std::tools::Session;
use rmcp::transport::StreamableHttpService;
use rmcp::transport::streamable_http_server::StreamableHttpServerConfig;

use self::answer::{Place, answer};
pub(super) use self::clients::{Clients, Own};
use self::gate::Gate;
use self::limits::Limited;
pub use self::token::{TOKEN_FILE, Token};
use super::server::{Server, Sessions};
use crate::listen::{Bounded, Peer};

/// The path of the one address.
pub(super) const PATH: &str = "/mcp";

/// Bytes of a request: a picture for a clipboard, in base64.
pub(super) const BODY_BYTES: usize = 4 * 1024 * 1024;

/// How long requests and sessions may take to end when the server does.
const GRACE: Duration = Duration::from_secs(3);

/// Why the server cannot be started; one line.
#[derive(Debug)]
pub enum HttpError {
    /// Other machines could reach it, and nobody said under which names they may.
    Open(SocketAddr),
    /// A name is none that a request could be for.
    Name(String),
    /// The port cannot be listened on.
    Listen {
        /// Where it would be.
        address: SocketAddr,
        /// The system's word.
        error: io::Error,
    },
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open(address) => write!(
                f,
                "on {address} other machines could reach this desktop; say with --allow-host under which name they may, or \
                 leave --host out"
            ),
            Self::Name(name) => {
                write!(f, "{name:?} is no name of a host; --allow-host takes one such as desk.lan or 192.168.1.7")
            }
            Self::Listen { address, error } if error.kind() == io::ErrorKind::AddrInUse => write!(
                f,
                "{address} is in use by another program; choose another with --port, or --port 0 for a free one"
            ),
            Self::Listen { address, error } => {
                write!(f, "{address} cannot be listened on: {error}; choose another with --host or --port")
            }
        }
    }
}

impl core::error::Error for HttpError {}

/// How the server is reached.
#[derive(Debug)]
pub struct HttpOptions {
    /// Where it listens; port 0 picks a free one.
    pub address: SocketAddr,
    /// Under which names it may be called besides those of the loopback interface.
    pub allow_hosts: Vec<String>,
    /// What every request has to show.
    pub token: Token,
}

/// A server that listens.
pub struct HttpServer {
    listener: Bounded,
    address: SocketAddr,
    place: Arc<Place>,
    clients: Arc<Clients>,
    ends: clients::Ends,
    config: StreamableHttpServerConfig,
}

impl fmt::Debug for HttpServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpServer").field("address", &self.address).finish_non_exhaustive()
    }
}

impl HttpServer {
    /// Listens. Every client's session is made by `sessions`.
    ///
    /// # Errors
    /// [`HttpError`].
    pub fn bind(
        options: HttpOptions,
        sessions: impl Fn() -> Session + Send + Sync + 'static,
    ) -> Result<Self, HttpError> {
        let HttpOptions { address: wanted, allow_hosts, token } = options;
        if !wanted.ip().is_loopback() && allow_hosts.is_empty() {
            return Err(HttpError::Open(wanted));
        }
        let gate = Gate::new(&allow_hosts).map_err(HttpError::Name)?;
        let failed = |error| HttpError::Listen { address: wanted, error };
        let listener = Bounded::bind(wanted, None).map_err(failed)?;
        let address = listener.address().map_err(failed)?;
        // The gate has looked at both already, more closely; this is for the day on which it errs.
        let config = StreamableHttpServerConfig::default()
            .with_allowed_hosts(gate.hosts())
            .with_allowed_origins(
                gate.hosts().flat_map(|host| ["http", "https"].map(|scheme| format!("{scheme}://{host}:*"))),
            )
            .enforce_origin_validation()
            .with_max_request_body_bytes(BODY_BYTES);
        let (clients, ends) = Clients::new(sessions);
        let clients = Arc::new(clients);
        let made = Arc::clone(&clients);
        let server = move || Ok(Server::new(Sessions::Many { clients: Arc::clone(&made), own: Own::default() }));
        let service = StreamableHttpService::new(server, Arc::new(Limited::default()), config.clone());
        let place = Arc::new(Place { gate, token, service, throttle: std::sync::Mutex::default() });
        Ok(Self { listener, address, place, clients, ends, config })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What clients are given, besides the token.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}{PATH}", self.address)
    }

    /// Serves until `end`. Then calls are cancelled, sessions end, and every host that was used is told.
    pub async fn run(self, end: impl Future<Output = ()>) {
        let Self { listener, place, clients, ends, config, .. } = self;
        let over = config.cancellation_token;
        let ended = over.clone();
        let service = Router::new().fallback(answer).with_state(place).into_make_service_with_connect_info::<Peer>();
        let served = axum::serve(listener, service).with_graceful_shutdown(async move { ended.cancelled().await });
        let served = async move {
            // It never fails: what goes wrong with a connection ends that connection.
            drop(served.await);
        };
        let rest = async {
            end.await;
            over.cancel();
            tokio::time::sleep(GRACE).await;
        };
        tokio::select! {
            () = served => {}
            () = rest => {}
        }
        let polite = async {
            clients.stateless.close().await;
            drop(clients);
            ends.all().await;
        };
        if tokio::time::timeout(GRACE, polite).await.is_err() {
            tracing::warn!("a session could not be ended in time");
        }
    }
}
