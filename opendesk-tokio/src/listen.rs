//! The connections of HTTP servers: bounded in number, and in what they may hold back.

use core::net::SocketAddr;
use core::pin::Pin;
use core::sync::atomic::{AtomicBool, Ordering};
use core::task::{Context, Poll};
use core::time::Duration;
use std::io;
use std::sync::Arc;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Sleep;

/// Connections at the same time. A browser opens six for a page, an agent's client one for each call under way.
const MOST: usize = 64;

/// Those that still have to connect while others are accepted.
const BACKLOG: u32 = 64;

/// How long a connection may go on that has not shown a token: long enough for a page itself.
const UNKNOWN: Duration = Duration::from_secs(10);

/// A pause after the system has no connection to give, so that it is not asked in a circle.
const AFTER_FAILURE: Duration = Duration::from_millis(100);

/// A listener that accepts no more than it can keep.
pub(crate) struct Bounded {
    listener: TcpListener,
    places: Arc<Semaphore>,
}

impl Bounded {
    /// Listens. `unsent_bytes` may wait in the system for whoever reads slowly, of which Linux takes twice as many; without it,
    /// as many as the system likes.
    pub(crate) fn bind(address: SocketAddr, unsent_bytes: Option<u32>) -> io::Result<Self> {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        // Elsewhere this lets another program take the port away.
        #[cfg(unix)]
        socket.set_reuseaddr(true)?;
        if let Some(bytes) = unsent_bytes {
            socket.set_send_buffer_size(bytes)?;
        }
        socket.bind(address)?;
        Ok(Self { listener: socket.listen(BACKLOG)?, places: Arc::new(Semaphore::new(MOST)) })
    }

    pub(crate) fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

impl Listener for Bounded {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        loop {
            let accepted = match Arc::clone(&self.places).acquire_owned().await {
                Ok(place) => self.listener.accept().await.map(|accepted| (accepted, place)),
                // Never: nobody closes it.
                Err(closed) => Err(io::Error::other(closed)),
            };
            match accepted {
                Ok(((stream, address), place)) => {
                    // A connection that cannot be hurried is slower, and works.
                    drop(stream.set_nodelay(true));
                    let peer = Peer::default();
                    let limit = Box::pin(tokio::time::sleep(UNKNOWN));
                    return (Connection { stream, limit, peer, _place: place }, address);
                }
                Err(_) => tokio::time::sleep(AFTER_FAILURE).await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.address()
    }
}

/// Who is at the other end of a connection.
#[derive(Debug, Clone, Default)]
pub(crate) struct Peer(Arc<AtomicBool>);

impl Peer {
    /// It has shown the token.
    pub(crate) fn is_known(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Connected<IncomingStream<'_, Bounded>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Bounded>) -> Self {
        stream.io().peer.clone()
    }
}

/// One connection. It ends by itself when it has not shown the token in time.
pub(crate) struct Connection {
    stream: TcpStream,
    limit: Pin<Box<Sleep>>,
    peer: Peer,
    _place: OwnedSemaphorePermit,
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let known = self.peer.0.load(Ordering::Relaxed);
        if !known && self.limit.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
