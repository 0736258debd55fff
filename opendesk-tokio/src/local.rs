//! Connections between programs of one machine: Unix sockets.

use core::net::SocketAddr;
use core::task::{Context, Poll};
use std::io;
use std::path::Path;

use opendesk_std::runtime::Listener;
use tokio::net::{UnixListener, UnixStream};

use crate::io::Compat;

/// A connection.
pub type LocalStream = Compat<UnixStream>;

impl LocalStream {
    pub(crate) async fn connect(path: &Path) -> io::Result<Self> {
        UnixStream::connect(path).await.map(Compat)
    }
}

/// A listener.
#[derive(Debug)]
pub struct LocalListener(UnixListener);

impl LocalListener {
    pub(crate) fn bind(path: &Path) -> io::Result<Self> {
        UnixListener::bind(path).map(Self)
    }
}

impl Listener for LocalListener {
    type Stream = LocalStream;

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(LocalStream, Option<SocketAddr>)>> {
        self.0.poll_accept(cx).map_ok(|(stream, _)| (Compat(stream), None))
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "a local socket has no network address"))
    }
}
