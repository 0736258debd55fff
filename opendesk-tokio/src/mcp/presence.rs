//! Whether a client is still there: what it asked for is not gone on with once it has left.

use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;
use std::io;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::sync::watch;

/// How long answers are waited for by a client that says nothing more, but may still read: one that was started for a
/// single call, with its request in a pipe. Clients that have done give a server two seconds to end.
const ANSWERS: Duration = Duration::from_millis(1500);

/// A client. A clone is the same one.
#[derive(Clone)]
pub(super) struct Presence(Arc<watch::Sender<bool>>);

impl Default for Presence {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }
}

impl Presence {
    /// It has gone.
    pub(super) fn leave(&self) {
        self.0.send_replace(true);
    }

    /// Waits until it has gone.
    pub(super) async fn left(&self) {
        // There is always a sender: this one.
        drop(self.0.subscribe().wait_for(|left| *left).await);
    }

    /// The stream that it speaks on, at whose end it leaves: at once when nobody reads the answers any more, which `unread`
    /// waits for, else after a moment.
    pub(super) fn heard<R>(&self, stream: R, unread: BoxFuture<'static, ()>) -> Heard<R> {
        Heard { stream, presence: self.clone(), unread: Some(unread) }
    }
}

/// A stream whose end is noticed.
pub(super) struct Heard<R> {
    stream: R,
    presence: Presence,
    unread: Option<BoxFuture<'static, ()>>,
}

impl<R: AsyncRead + Unpin> AsyncRead for Heard<R> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        let is_over = match &read {
            Poll::Ready(Ok(())) => buffer.filled().len() == before && buffer.remaining() > 0,
            Poll::Ready(Err(_)) => true,
            Poll::Pending => false,
        };
        if is_over && let Some(unread) = self.unread.take() {
            let presence = self.presence.clone();
            tokio::spawn(async move {
                let _late = tokio::time::timeout(ANSWERS, unread).await;
                presence.leave();
            });
        }
        read
    }
}
