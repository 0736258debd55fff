//! A desktop on show in a browser of this machine: a page, its pictures and, where that is allowed, its mouse and
//! keyboard. Everything that is shown and done is decided by [`opendesk_std::view`]; this is the HTTP around it.
//!
//! The page holds nothing secret. What opens the rest is a token that is made for each run and stands behind the `#` of
//! the address, which no browser sends to anybody: not in a request, not as a referrer.

mod answer;
mod gate;
mod keys;
mod page;

use core::fmt;
use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;
use std::io;
use std::sync::Arc;

use axum::Router;
use opendesk_std::tools::{Session, Target};
use opendesk_std::view::View;
pub use opendesk_std::view::ViewOptions;

use self::answer::{Place, answer};
use self::keys::Keys;
use crate::Tokio;
use crate::listen::{Bounded, Peer};

/// How long requests may take to end when the server does.
const GRACE: Duration = Duration::from_secs(2);

/// Bytes that wait for a browser that reads slowly; what waits there is old by the time it is read.
const UNSENT_BYTES: u32 = 128 * 1024;

/// Why a page cannot be served; one line.
#[derive(Debug)]
pub enum ViewError {
    /// The port cannot be listened on.
    Listen {
        /// Where it would be.
        address: SocketAddr,
        /// The system's word.
        error: io::Error,
    },
    /// There are no random numbers for the token.
    Random(String),
}

impl fmt::Display for ViewError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listen { address, error } if error.kind() == io::ErrorKind::AddrInUse => write!(
                f,
                "{address} is in use by another program; choose another with --port, or --port 0 for a free one"
            ),
            Self::Listen { address, error } => {
                write!(f, "{address} cannot be listened on: {error}; --port 0 picks a free one")
            }
            Self::Random(why) => f.write_str(why),
        }
    }
}

impl core::error::Error for ViewError {}

/// The server of one page, which shows one desktop. It listens on the loopback interface and nowhere else.
pub struct ViewServer {
    listener: Bounded,
    place: Arc<Place>,
    address: SocketAddr,
}

impl fmt::Debug for ViewServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ViewServer").field("address", &self.address).finish_non_exhaustive()
    }
}

impl ViewServer {
    /// Listens on a port of 127.0.0.1; 0 picks a free one. The desktop is asked for nothing before a page looks.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn bind(session: Arc<Session>, target: Target, options: ViewOptions, port: u16) -> Result<Self, ViewError> {
        let wanted = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let failed = |error| ViewError::Listen { address: wanted, error };
        let listener = Bounded::bind(wanted, Some(UNSENT_BYTES)).map_err(failed)?;
        let address = listener.address().map_err(failed)?;
        let keys = Keys::new().map_err(ViewError::Random)?;
        let view = View::new(Tokio, session, target, options);
        Ok(Self { listener, place: Arc::new(Place { port: address.port(), keys, view }), address })
    }

    /// What opens everything; whoever has it sees the desktop.
    #[must_use]
    pub fn token(&self) -> &str {
        self.place.keys.token()
    }

    /// The address of the page, with the token.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/#{}", self.address, self.token())
    }

    /// An address that opens the page once and within a minute, for a program's command line, which others on this
    /// machine can read. Each call gives another one, and the last one counts.
    ///
    /// # Errors
    /// [`ViewError::Random`].
    pub fn url_for_once(&self) -> Result<String, ViewError> {
        let key = self.place.keys.make_single(&Tokio).map_err(ViewError::Random)?;
        Ok(format!("http://{}/#{key}", self.address))
    }

    /// Serves until `end`. What viewers hold down is released then.
    pub async fn run(self, end: impl Future<Output = ()>) {
        let Self { listener, place, .. } = self;
        let view = place.view.clone();
        let router = Router::new().fallback(answer).with_state(place);
        let service = router.into_make_service_with_connect_info::<Peer>();
        let over = view.clone();
        let served = async move {
            let over = async move { over.closed().await };
            // It never fails: what goes wrong with a connection ends that connection.
            drop(axum::serve(listener, service).with_graceful_shutdown(over).await);
        };
        let end = async {
            end.await;
            view.close();
            // What is still open then is cut when the server is dropped.
            tokio::time::sleep(GRACE).await;
        };
        tokio::select! {
            // Both end soon after the end: the server when its last connection has, the show when all is released.
            _ended = async { tokio::join!(served, view.run()) } => {}
            () = end => {}
        }
    }
}
