//! A stream under the eyes of this machine's owner.

use core::fmt;

use async_channel::Receiver;

use super::guard::unless_stopped;
use crate::api::Method;
use crate::client::{ClientError, RemoteSubscription};

/// The items of a stream of a peer's desktop, in order; see [`RemoteSubscription`]. A stop of the owner's ends it.
pub struct SessionStream<M: Method> {
    /// Until a stop.
    items: Option<RemoteSubscription<M>>,
    stopped: Receiver<String>,
    begun: u64,
}

impl<M: Method> fmt::Debug for SessionStream<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionStream").field("items", &self.items).finish_non_exhaustive()
    }
}

impl<M: Method> SessionStream<M> {
    /// `stopped` listens since before it was asked whether there is to be a stream.
    pub(super) fn new(items: RemoteSubscription<M>, stopped: Receiver<String>) -> Self {
        Self { begun: items.begun(), items: Some(items), stopped }
    }

    /// In how many sessions it has begun; see [`RemoteSubscription::begun`].
    #[must_use]
    pub fn begun(&self) -> u64 {
        self.items.as_ref().map_or(self.begun, RemoteSubscription::begun)
    }

    /// The next item; `None` when the stream has ended. It may be asked for again after this future was dropped: nothing
    /// is lost.
    ///
    /// # Errors
    /// Why the stream has ended: see [`Remote`](crate::client::Remote); `permission_denied` after a stop.
    pub async fn next(&mut self) -> Option<Result<M::Output, ClientError>> {
        let items = self.items.as_mut()?;
        match unless_stopped(&self.stopped, items.next()).await {
            Ok(item) => item,
            Err(stopped) => {
                self.begun = items.begun();
                self.items = None;
                Some(Err(stopped.into()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use futures_util::FutureExt as _;
    use futures_util::future::BoxFuture;

    use crate::api::{DisplaySubscribe, SubscribeParams};
    use crate::client::{Remote, RemoteOptions};
    use crate::desktop::Backend;
    use crate::home::Home;
    use crate::tools::{Outside, Session, Target};

    /// Nothing is opened.
    struct Nowhere;

    impl Outside for Nowhere {
        fn remote(&self, options: RemoteOptions) -> Remote {
            panic!("{options:?} is opened")
        }

        fn sleep(&self, _: Duration) -> BoxFuture<'_, ()> {
            Box::pin(core::future::ready(()))
        }
    }

    #[test]
    fn a_stream_that_no_stop_would_end_does_not_begin() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(Some(folder.path().join("home"))).unwrap();
        let mut session = Session::new(home, Backend::Virtual, Box::new(Nowhere));
        session.deafen();
        let (target, params) = (Target::Peer("desk".to_owned()), SubscribeParams::default());
        let begun = session.subscribe::<DisplaySubscribe>(&target, &params, 1).now_or_never().unwrap();
        let refused = begun.unwrap_err().to_string();
        assert!(refused.contains("a stop of the owner's would not end"), "{refused}");
    }
}
