//! Connections between programs of one machine: named pipes of Windows that only their owner can connect to (adr/0025). They
//! have run under Wine, and on no Windows.
//!
//! A pipe has no place in a folder, so the file at a path says which pipe it is, by a name that nobody can have taken before.

use core::future::Future;
use core::net::SocketAddr;
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;
use std::io;
use std::path::Path;
use std::sync::Arc;

use interprocess::os::windows::named_pipe::PipeListenerOptions;
use interprocess::os::windows::named_pipe::pipe_mode::Bytes;
use interprocess::os::windows::named_pipe::tokio::{DuplexPipeStream, PipeListener};
use interprocess::os::windows::security_descriptor::SecurityDescriptor;
use opendesk_std::platform::{new_pipe, pipe_at, tell_pipe};
use opendesk_std::runtime::{Listener, Local};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::windows::named_pipe::{ClientOptions, NamedPipeClient};
use widestring::{U16CStr, u16cstr};

use crate::io::Compat;

/// Who may use a pipe, and nobody else by inheritance: whoever made it (owner rights, `OW`) and the system (`SY`), everything
/// ("Security Descriptor String Format"). Without it everybody could read from it.
const OWNER_ALONE: &U16CStr = u16cstr!("D:P(A;;GA;;;OW)(A;;GA;;;SY)");

/// All instances of a pipe are taken for a moment, between one who connects and the next (`ERROR_PIPE_BUSY`).
const TAKEN: i32 = 231;

/// How often and after what pause it is tried again then: together longer than a busy machine takes.
const TRIES: u32 = 100;
const PAUSE: Duration = Duration::from_millis(20);

/// Bytes that a pipe keeps in each direction.
const KEPT: u32 = 64 << 10;

/// One end of a connection.
#[derive(Debug)]
pub enum Pipe {
    /// Of whoever listened.
    Server(DuplexPipeStream<Bytes>),
    /// Of whoever connected.
    Client(NamedPipeClient),
}

/// A connection.
pub type LocalStream = Compat<Pipe>;

impl LocalStream {
    pub(crate) async fn connect(path: &Path) -> io::Result<Self> {
        let name = pipe_at(path)?;
        let mut tries = 0;
        loop {
            match ClientOptions::new().open(&name) {
                Ok(client) => return Ok(Self(Pipe::Client(client))),
                Err(error) if error.raw_os_error() == Some(TAKEN) && tries < TRIES => tries += 1,
                // The file is left over from a program that has ended.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    return Err(io::Error::new(io::ErrorKind::ConnectionRefused, error));
                }
                Err(error) => return Err(error),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

impl Local for LocalStream {
    fn user(&self) -> io::Result<Option<u32>> {
        Ok(None)
    }
}

impl AsyncRead for Pipe {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Server(pipe) => Pin::new(pipe).poll_read(cx, buf),
            Self::Client(pipe) => Pin::new(pipe).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Pipe {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Server(pipe) => Pin::new(pipe).poll_write(cx, buf),
            Self::Client(pipe) => Pin::new(pipe).poll_write(cx, buf),
        }
    }

    /// What was written is on its way, and what is called flushing of a pipe waits until the other end has read everything.
    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// Neither is waited for here: the end of a server that is dropped stays until all was read, and those that are dropped
    /// after it may have to wait for that.
    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

type Accepting = Pin<Box<dyn Future<Output = io::Result<DuplexPipeStream<Bytes>>> + Send>>;

/// A listener.
pub struct LocalListener {
    listener: Arc<PipeListener<Bytes, Bytes>>,
    accepting: Option<Accepting>,
}

impl core::fmt::Debug for LocalListener {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        // Its name is nobody's business.
        f.debug_struct("LocalListener").finish_non_exhaustive()
    }
}

impl LocalListener {
    pub(crate) fn bind(path: &Path) -> io::Result<Self> {
        let name = new_pipe()?;
        let mut options = PipeListenerOptions::new().path(name.as_str());
        options.security_descriptor = Some(SecurityDescriptor::deserialize(OWNER_ALONE)?);
        options.accept_remote = false;
        (options.input_buffer_size_hint, options.output_buffer_size_hint) = (KEPT, KEPT);
        let listener = Arc::new(options.create_tokio_duplex()?);
        // Whoever reads the name finds the pipe.
        tell_pipe(path, &name)?;
        Ok(Self { listener, accepting: None })
    }
}

impl Listener for LocalListener {
    type Stream = LocalStream;

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(LocalStream, Option<SocketAddr>)>> {
        let listener = &self.listener;
        let accepting = self.accepting.get_or_insert_with(|| {
            let listener = Arc::clone(listener);
            Box::pin(async move { listener.accept().await })
        });
        let accepted = accepting.as_mut().poll(cx);
        if accepted.is_ready() {
            self.accepting = None;
        }
        accepted.map_ok(|pipe| (Compat(Pipe::Server(pipe)), None))
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "a pipe has no network address"))
    }
}
