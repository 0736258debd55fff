//! One session with a host for all programs of one user: the first that opens it lends it to the others through a socket
//! in the home directory. Without that each would take the session from the one before, because a host knows them as the
//! same controller.
//!
//! Whoever holds the lock of the place ([`place`]) is the owner of the session, may dial, and listens. The others borrow:
//! they have a [`Client`] like any other, whose event loop ([`borrower`]) talks to the owner's ([`lender`]) instead of the
//! host. The session ends with its owner; who connects next is the next owner.

mod borrower;
mod guest;
mod hands;
mod lender;
mod needed;
mod pipe;
mod place;
mod room;
mod wire;

use core::fmt;
use core::future::pending;
use core::time::Duration;
use std::sync::{Arc, Weak};

use async_channel::Receiver;
use opendesk_core::PublicKey;

use self::borrower::{Refusal, borrow};
pub(in crate::client) use self::hands::Hands;
use self::lender::Lender;
use self::needed::Needed;
use self::place::{Held, Place, Taken};
use super::connect::{Known, invalid};
use super::{Client, ClientError, ConnectOptions, connect};
use crate::home::{Home, HomeError, HomeErrorKind};
use crate::runtime::{Runtime, sleep};

/// How long another program may take to open the session that is to be shared: as long as one that finds nobody takes.
const PATIENCE: Duration = Duration::from_secs(15);

/// How often it is looked whether it has.
const PAUSE: Duration = Duration::from_millis(20);

/// What there is of a session with a host.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one for a moment, when a session begins")]
pub(crate) enum Shared {
    /// Another program has it open and shares it.
    Borrowed(Client),
    /// Nobody has: it may be opened.
    Ours(Lease),
}

/// The right to be the one program of this user that opens a session with a host. Others wait for it, so it is held while
/// the host is dialled and no longer, or lent with.
#[derive(Debug)]
pub(crate) struct Lease(Option<Arc<Held>>);

/// What the handles of a session that is lent know of that.
pub(in crate::client) struct Lent {
    pub(in crate::client) hands: Arc<Hands>,
    needed: Needed,
    held: Weak<Held>,
    /// Something comes when a borrower hears nothing of the host.
    doubts: Receiver<()>,
}

impl fmt::Debug for Lent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lent").field("hands", &self.hands).finish_non_exhaustive()
    }
}

/// The session with a host that another program of this user has open, or the right to open one. Where the home directory
/// has no room for sharing, everybody has that right.
///
/// # Errors
/// [`HomeErrorKind::Busy`] when another program has the session and does not share it: it is of another version, does not
/// answer, shares with too many, or has been opening it for 15 seconds.
pub(crate) async fn borrow_or_lease<R: Runtime>(
    runtime: &R,
    home: &Home,
    host: PublicKey,
) -> Result<Shared, ClientError> {
    let place = Place::new(home, host);
    let until = runtime.now() + PATIENCE;
    loop {
        let wanted = place.clone();
        let holder = match runtime.run_blocking(move || wanted.take()).await {
            Ok(Taken::Ours(held)) => return Ok(Shared::Ours(Lease(Some(Arc::new(held))))),
            Ok(Taken::Theirs(holder)) => holder,
            Err(error) => {
                tracing::warn!(%error, "the session with a host is not shared: whoever connects next takes it over");
                return Ok(Shared::Ours(Lease(None)));
            }
        };
        let why = match borrow(runtime, &place, host, &holder).await {
            Ok(client) => return Ok(Shared::Borrowed(client)),
            Err(Refusal::Never(error)) => return Err(error),
            Err(Refusal::NotNow(why)) => why,
        };
        if runtime.now() >= until {
            let message = format!(
                "another opendesk{holder} has been opening the session with this machine for {} s ({why}); try again, or \
                 end that process",
                PATIENCE.as_secs()
            );
            return Err(HomeError::new(HomeErrorKind::Busy, message).into());
        }
        sleep(runtime, PAUSE).await;
    }
}

impl Lease {
    /// From now on other programs may use this session. That ends with the session, which ends with the handles that this
    /// program has of it.
    pub(crate) fn lend<R: Runtime>(self, runtime: &R, client: Client) {
        let Some(held) = self.0 else { return };
        match Lender::start(runtime, Arc::clone(&held), &client) {
            Ok(lender) => runtime.spawn(lender.run()),
            Err(error) => {
                tracing::warn!(%error, "the session with a host cannot be shared: other programs have none until it ends");
                let over = client.ended.over();
                runtime.spawn(async move {
                    // Nothing is ever sent there.
                    let _closed = over.recv().await;
                    drop(held);
                });
            }
        }
    }
}

impl Client {
    /// Whether this session is lent and a borrower has a command on the host under way, which would end with it.
    pub(crate) fn is_needed(&self) -> bool {
        self.ended.lent().is_some_and(|lent| lent.needed.is_needed())
    }

    /// Waits until a borrower of this session hears nothing of a host that owes it an answer.
    pub(in crate::client) async fn doubted(&self) {
        // The lender ends with the session, of which others tell.
        match self.ended.lent() {
            Some(lent) if lent.doubts.recv().await.is_ok() => {}
            _ => pending().await,
        }
    }

    /// The right to open another session in the place of this one, if this one is lent: others wait for it instead of
    /// opening one themselves when this one ends.
    pub(crate) fn lease(&self) -> Option<Lease> {
        self.ended.lent()?.held.upgrade().map(|held| Lease(Some(held)))
    }
}

/// Opens a session with a trusted peer as [`connect()`] does, or borrows the one that another program of this user has open
/// with it: then [`Client::close`] ends the borrowing only, and the session ends with the program that opened it
/// ([`Reason::LOST`](opendesk_core::Reason::LOST)).
///
/// # Errors
/// As [`connect()`], and [`ClientError::Home`] of the kind [`HomeErrorKind::Busy`] when another program has the session and
/// does not share it.
pub async fn connect_shared<R: Runtime>(runtime: R, options: &ConnectOptions) -> Result<Client, ClientError> {
    let whom = options.peer.parse().map_err(|error| invalid(&error))?;
    let host = Known::load(&runtime, options.home.clone(), whom).await?.key;
    match borrow_or_lease(&runtime, &options.home, host).await? {
        Shared::Borrowed(client) => Ok(client),
        Shared::Ours(lease) => {
            let client = connect(runtime.clone(), options).await?;
            lease.lend(&runtime, client.clone());
            Ok(client)
        }
    }
}
