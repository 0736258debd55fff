//! WebSocket, the same way at both ends.

use core::pin::Pin;
use core::task::{Context, Poll};
use std::io;

use async_tungstenite::WebSocketStream;
use async_tungstenite::tungstenite::protocol::WebSocketConfig;
use async_tungstenite::tungstenite::{Bytes, Error, Message};
use futures_io::{AsyncRead, AsyncWrite};
use futures_util::{SinkExt, StreamExt};
use opendesk_core::limits::{self, RECORD_BYTES};

/// The largest message: the body of a call of version 1, which has no parts.
const MESSAGE_BYTES: usize = limits::BODY_BYTES + limits::ENVELOPE_BYTES + limits::TAG_BYTES;

/// What somebody may send before it has proved who it is: the upgrade, a handshake and a greeting.
const STRANGER_BYTES: usize = 16 * 1024 + 2 * RECORD_BYTES;

/// The limits of a link. The buffers of an idle one stay small.
pub(crate) fn config() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(16 * 1024)
        .write_buffer_size(RECORD_BYTES)
        .max_message_size(Some(MESSAGE_BYTES))
        .max_frame_size(Some(MESSAGE_BYTES))
}

/// Reads in one go before everybody else gets a turn.
const READS: u32 = 32;

/// A stream that makes room: a peer that sends without end, in pieces that never make a message, must not keep the
/// event loop to itself.
///
/// Of a link to which nothing can be written any more the reading side tells how it ended: what the peer said before it
/// closed the link may still be on its way to us, and is why it did.
pub(crate) struct Fair<S> {
    stream: S,
    reads: u32,
    /// Writing has failed, and what is written since goes nowhere.
    mute: bool,
    /// Bytes that may still come, while that is limited.
    allowance: Option<usize>,
}

impl<S> Fair<S> {
    pub(crate) const fn new(stream: S) -> Self {
        Self { stream, reads: 0, mute: false, allowance: Some(STRANGER_BYTES) }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Fair<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        if self.reads >= READS {
            self.reads = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        self.reads = if read.is_pending() { 0 } else { self.reads + 1 };
        if let (Poll::Ready(Ok(length)), Some(allowance)) = (&read, self.allowance) {
            match allowance.checked_sub(*length) {
                Some(left) => self.allowance = Some(left),
                None => {
                    let text = "more was sent than somebody may who has not proved who it is";
                    return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, text)));
                }
            }
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Fair<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if !self.mute {
            let written = Pin::new(&mut self.stream).poll_write(cx, buf);
            if !matches!(written, Poll::Ready(Err(_))) {
                return written;
            }
            self.mute = true;
        }
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.mute {
            let flushed = Pin::new(&mut self.stream).poll_flush(cx);
            if !matches!(flushed, Poll::Ready(Err(_))) {
                return flushed;
            }
            self.mute = true;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_close(cx)
    }
}

/// Makes room for a message of this size.
pub(crate) fn grow(buf: &mut Vec<u8>, size: usize) {
    if buf.len() < size {
        buf.resize(size, 0);
    }
}

/// What a link gave.
#[derive(Debug)]
pub(crate) enum Received {
    /// A binary message.
    Message(Vec<u8>),
    /// A ping or pong of the WebSocket layer, which has answered it.
    Control,
    /// A message of a kind that the protocol does not use.
    Foreign,
    /// The end.
    End,
}

/// An upgraded link.
pub(crate) struct Socket<S> {
    stream: WebSocketStream<Fair<S>>,
    unflushed: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Socket<S> {
    pub(crate) const fn new(stream: WebSocketStream<Fair<S>>) -> Self {
        Self { stream, unflushed: false }
    }

    /// Sends what `next` writes to the front of `buf`, while it writes something and the link has room.
    pub(crate) fn fill(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut Vec<u8>,
        mut next: impl FnMut(&mut Vec<u8>) -> Option<usize>,
    ) -> Result<(), Error> {
        while let Poll::Ready(ready) = self.stream.poll_ready_unpin(cx) {
            ready?;
            let Some(length) = next(buf) else { break };
            // Lent to the stream, which copies what is masked and framed, and given back.
            let whole = Bytes::from(core::mem::take(buf));
            let sent = self.send(whole.slice(..length));
            *buf = whole.into();
            sent?;
        }
        // Only a message of version 1 is larger than a record; an idle link keeps no room for another.
        buf.truncate(RECORD_BYTES);
        buf.shrink_to_fit();
        Ok(())
    }

    /// Hands over a message; only when the stream has room.
    fn send(&mut self, message: Bytes) -> Result<(), Error> {
        self.unflushed = true;
        self.stream.start_send_unpin(Message::Binary(message))
    }

    /// Asks whether the other side lives. Where nothing more can be handed over now, what waits will show it.
    pub(crate) fn ping(&mut self) {
        self.unflushed = true;
        drop(self.stream.start_send_unpin(Message::Ping(Vec::new().into())));
    }

    /// The other side has proved who it is: it may send more than a stranger.
    pub(crate) fn admit(&mut self) {
        self.stream.get_mut().allowance = None;
    }

    /// Pushes what was handed over to the network. Ready once all of it is there.
    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if !self.unflushed {
            return Poll::Ready(Ok(()));
        }
        let flushed = self.stream.poll_flush_unpin(cx);
        self.unflushed = flushed.is_pending();
        flushed
    }

    pub(crate) fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Received> {
        self.stream.poll_next_unpin(cx).map(|message| match message {
            Some(Ok(Message::Binary(bytes))) => Received::Message(bytes.into()),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {
                // A pong was queued by the WebSocket layer.
                self.unflushed = true;
                Received::Control
            }
            Some(Ok(Message::Text(_) | Message::Frame(_))) => Received::Foreign,
            Some(Ok(Message::Close(_)) | Err(_)) | None => Received::End,
        })
    }

    /// Closes politely; ready when the other side has said so too or is gone.
    pub(crate) fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.stream.poll_close_unpin(cx).map(|_| ())
    }
}

impl<S> core::fmt::Debug for Socket<S> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Socket(..)")
    }
}

#[cfg(test)]
mod tests {
    use core::task::Waker;
    use std::collections::VecDeque;

    use async_tungstenite::tungstenite::protocol::Role;
    use futures_util::FutureExt;

    use super::*;

    /// A link whose peer said something, and closed it so that nothing can be written. A turn passes before that is there.
    struct Shut {
        said: VecDeque<u8>,
        turns: u32,
    }

    impl AsyncRead for Shut {
        fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
            if self.turns > 0 {
                self.turns -= 1;
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            let length = buf.len().min(self.said.len());
            for (to, from) in buf.iter_mut().zip(self.said.drain(..length)) {
                *to = from;
            }
            Poll::Ready(Ok(length))
        }
    }

    impl AsyncWrite for Shut {
        fn poll_write(self: Pin<&mut Self>, _cx: &mut Context<'_>, _buf: &[u8]) -> Poll<io::Result<usize>> {
            Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()))
        }

        fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()))
        }

        fn poll_close(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    #[test]
    fn what_was_said_before_the_link_was_closed_is_heard_by_who_was_writing() {
        // A ping, which wants an answer, a binary message and a close, as a server writes them.
        let said = [0x89, 0, 0x82, 3, b'b', b'y', b'e', 0x88, 0].into();
        let shut = Fair::new(Shut { said, turns: 1 });
        let stream = WebSocketStream::from_raw_socket(shut, Role::Client, Some(config())).now_or_never().unwrap();
        let mut socket = Socket::new(stream);
        let (mut cx, mut buf) = (Context::from_waker(Waker::noop()), vec![0; RECORD_BYTES]);
        let mut words = [5, 14].into_iter();
        socket.fill(&mut cx, &mut buf, |_| words.next()).unwrap();
        assert!(words.next().is_none(), "the second word was not handed over");
        let mut heard = Vec::new();
        for _ in 0..4 {
            assert!(socket.poll_flush(&mut cx).map(Result::unwrap).is_ready());
            heard.push(format!("{:?}", socket.poll_receive(&mut cx)));
        }
        assert_eq!(heard, ["Pending", "Ready(Control)", "Ready(Message([98, 121, 101]))", "Ready(End)"]);
    }
}
