//! Connections between programs of one machine: Unix sockets.

use core::net::SocketAddr;
use core::task::{Context, Poll};
use std::io;
use std::path::Path;

use opendesk_std::runtime::Listener;
use smol::Async;

use crate::runtime::poll_accept;

/// A connection.
pub type LocalStream = smol::net::unix::UnixStream;

/// A listener.
#[derive(Debug)]
pub struct LocalListener(Async<std::os::unix::net::UnixListener>);

impl LocalListener {
    pub(crate) fn bind(path: &Path) -> io::Result<Self> {
        Async::<std::os::unix::net::UnixListener>::bind(path).map(Self)
    }
}

impl Listener for LocalListener {
    type Stream = LocalStream;

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(LocalStream, Option<SocketAddr>)>> {
        let accepted = poll_accept(&self.0, cx, std::os::unix::net::UnixListener::accept);
        accepted.map(|accepted| Ok((Async::new(accepted?.0)?.into(), None)))
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "a local socket has no network address"))
    }
}
