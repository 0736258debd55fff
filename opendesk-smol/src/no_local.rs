//! Connections between programs of one machine, of which there are none: smol waits for sockets, and what Windows has are
//! pipes.

use core::net::SocketAddr;
use core::pin::Pin;
use core::task::{Context, Poll};
use std::io;
use std::path::Path;

use opendesk_std::runtime::{Listener, Local};
use smol::io::{AsyncRead, AsyncWrite};

fn unsupported() -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, "opendesk-smol has no local connections on Windows; use opendesk-tokio")
}

/// A connection, of which there is none.
#[derive(Debug)]
pub enum LocalStream {}

impl LocalStream {
    pub(crate) async fn connect(_path: &Path) -> io::Result<Self> {
        Err(unsupported())
    }
}

impl Local for LocalStream {
    fn user(&self) -> io::Result<Option<u32>> {
        match *self {}
    }
}

impl AsyncRead for LocalStream {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut [u8]) -> Poll<io::Result<usize>> {
        match *self {}
    }
}

impl AsyncWrite for LocalStream {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        match *self {}
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        match *self {}
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        match *self {}
    }
}

/// A listener, of which there is none.
#[derive(Debug)]
pub enum LocalListener {}

impl LocalListener {
    pub(crate) fn bind(_path: &Path) -> io::Result<Self> {
        Err(unsupported())
    }
}

impl Listener for LocalListener {
    type Stream = LocalStream;

    fn poll_accept(&mut self, _: &mut Context<'_>) -> Poll<io::Result<(LocalStream, Option<SocketAddr>)>> {
        match *self {}
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        match *self {}
    }
}
