//! A stream that outlives the session that it began in.

use core::fmt;

use super::{MOST_TRIES, Remote, is_lost};
use crate::api::{Method, ProcessOutput};
use crate::client::{Client, ClientError, Subscription};
use crate::runtime::after;

/// The items of a stream, in order. Where a session is lost the stream begins anew in the next one: what happened in
/// between is missing, and a stream of pictures begins with a whole one. That of the output of a command does not: the
/// command ended with its session. Dropping it ends the stream.
pub struct RemoteSubscription<M: Method> {
    remote: Remote,
    /// The session that it is of, and its items.
    inner: Option<(Client, Subscription<M>)>,
    lost: Option<[u8; 32]>,
    params: M::Params,
    credit: u32,
    /// How often it began without a single item.
    fruitless: u32,
    begun: u64,
}

impl<M: Method> fmt::Debug for RemoteSubscription<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteSubscription").field("begun", &self.begun).finish_non_exhaustive()
    }
}

impl<M: Method> RemoteSubscription<M> {
    pub(super) const fn new(
        remote: Remote,
        client: Client,
        items: Subscription<M>,
        params: M::Params,
        credit: u32,
    ) -> Self {
        Self { remote, inner: Some((client, items)), lost: None, params, credit, fruitless: 0, begun: 1 }
    }

    /// In how many sessions it has begun. When it has grown, what came before is not continued by what comes now.
    #[must_use]
    pub const fn begun(&self) -> u64 {
        self.begun
    }

    /// The next item; `None` when the stream has ended. It may be asked for again after this future was dropped: nothing
    /// is lost.
    ///
    /// # Errors
    /// Why the stream has ended: see [`Remote`].
    pub async fn next(&mut self) -> Option<Result<M::Output, ClientError>> {
        loop {
            if self.inner.is_none() {
                match self.begin_again().await {
                    Ok(()) => {}
                    Err(error) if is_lost(&error) && self.fruitless < MOST_TRIES => continue,
                    Err(error) => return Some(Err(error)),
                }
            }
            let (client, items) = self.inner.as_mut()?;
            match items.next().await {
                Some(Err(error)) if is_lost(&error) && self.fruitless < MOST_TRIES && outlives_its_session::<M>() => {
                    self.lost = Some(client.handshake());
                    self.inner = None;
                }
                Some(Ok(item)) => {
                    self.fruitless = 0;
                    return Some(Ok(item));
                }
                other => return other,
            }
        }
    }

    async fn begin_again(&mut self) -> Result<(), ClientError> {
        let by = after(self.remote.clock.now(), self.remote.reconnect_for);
        let client = self.remote.session(self.lost, by).await?;
        // Counted when it begins: a reader may drop this future and come again.
        self.fruitless += 1;
        self.lost = Some(client.handshake());
        let items = client.subscribe::<M>(&self.params, self.credit).await?;
        self.lost = None;
        self.begun += 1;
        self.inner = Some((client, items));
        Ok(())
    }
}

/// Whether there is something to read when it begins anew.
fn outlives_its_session<M: Method>() -> bool {
    M::NAME != ProcessOutput::NAME
}
