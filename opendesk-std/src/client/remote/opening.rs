//! One attempt to open a session with the machine.

use super::RemoteOptions;
use crate::client::connect::{Admitted, Known};
use crate::client::dial::Race;
use crate::client::resolve::{Search, find};
use crate::client::share::{self, Lease, Shared};
use crate::client::target::Whom;
use crate::client::{Client, ClientError};
use crate::home::hex;
use crate::runtime::Runtime;

/// By what right a session is opened.
pub(super) enum Right {
    /// It is asked for; another program may have the session.
    Sought,
    /// It is there already, or sharing is not wanted.
    Had(Option<Lease>),
}

/// Opens a session: the one that another program of this home has, or one of our own.
pub(super) async fn open<R: Runtime>(
    runtime: R,
    options: RemoteOptions,
    whom: Whom,
    search: Search,
    right: Right,
) -> Result<Client, ClientError> {
    let known = Known::load(&runtime, options.home.clone(), whom).await?;
    let lease = match right {
        Right::Sought => match share::borrow_or_lease(&runtime, &options.home, known.key).await? {
            Shared::Borrowed(client) => return Ok(client),
            Shared::Ours(lease) => Some(lease),
        },
        Right::Had(lease) => lease,
    };
    let reached = find(&runtime, &known, &search).await?;
    let Admitted { client, successor } = known.admit(&runtime, reached).await?;
    match (lease, successor) {
        // It is shared under the key by which others seek it from now on.
        (Some(lease), Some(successor)) => {
            client.close().await;
            drop(lease);
            let whom = Whom::Peer(hex::encode(&successor.0));
            let search = Search { race: Race::new(|| true), ..search };
            Box::pin(open(runtime, options, whom, search, Right::Sought)).await
        }
        (Some(lease), None) => {
            lease.lend(&runtime, client.clone());
            Ok(client)
        }
        (None, _) => Ok(client),
    }
}
