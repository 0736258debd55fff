//! What a remote computer calls through.

use core::time::Duration;

use futures_util::stream::{self, BoxStream, StreamExt};

use crate::api::{DisplaySubscribe, Manifest, Method, SubscribeParams, SystemCapabilities};
use crate::client::{Client, ClientError, Remote, RemoteSubscription, Subscription};

/// A way to a host.
#[derive(Debug, Clone)]
pub enum Link {
    /// One session: when it is over, every call fails.
    Session(Box<Client>),
    /// A machine that is kept connected.
    Kept(Remote),
}

impl From<Client> for Link {
    fn from(client: Client) -> Self {
        Self::Session(Box::new(client))
    }
}

impl From<Remote> for Link {
    fn from(remote: Remote) -> Self {
        Self::Kept(remote)
    }
}

/// One for each change of what is watched.
pub(super) type Changes = BoxStream<'static, Result<(), ClientError>>;

impl Link {
    /// What the host can do.
    pub(super) async fn manifest(&self) -> Result<Manifest, ClientError> {
        match self {
            Self::Session(client) => Ok(client.greeting().manifest.clone()),
            Self::Kept(remote) => remote.call::<SystemCapabilities>(&()).await,
        }
    }

    pub(super) async fn call<M: Method>(&self, params: &M::Params, limit: Duration) -> Result<M::Output, ClientError> {
        match self {
            Self::Session(client) => client.call_within::<M>(params, limit).await,
            Self::Kept(remote) => remote.call_within::<M>(params, limit).await,
        }
    }

    /// Subscribes to pictures of which only the fact matters that they come.
    pub(super) async fn changes(self, params: SubscribeParams) -> Result<Changes, ClientError> {
        /// One picture at a time is more than is looked at.
        const CREDIT: u32 = 1;
        // The link itself is dropped: it is not to be kept for as long as somebody listens.
        match self {
            Self::Session(client) => {
                let pictures = client.subscribe::<DisplaySubscribe>(&params, CREDIT).await?;
                Ok(stream::unfold(pictures, next_of_session).boxed())
            }
            Self::Kept(remote) => {
                let pictures = remote.subscribe::<DisplaySubscribe>(&params, CREDIT).await?;
                Ok(stream::unfold(pictures, next_of_kept).boxed())
            }
        }
    }
}

type Next<S> = Option<(Result<(), ClientError>, S)>;

async fn next_of_session(mut pictures: Subscription<DisplaySubscribe>) -> Next<Subscription<DisplaySubscribe>> {
    let next = pictures.next().await?;
    Some((next.map(drop), pictures))
}

async fn next_of_kept(
    mut pictures: RemoteSubscription<DisplaySubscribe>,
) -> Next<RemoteSubscription<DisplaySubscribe>> {
    let next = pictures.next().await?;
    Some((next.map(drop), pictures))
}
