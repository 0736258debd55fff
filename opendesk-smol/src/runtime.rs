//! The [`Runtime`] of smol.

use core::future::Future;
use core::net::SocketAddr;
use core::pin::Pin;
use core::task::{Context, Poll};
use std::io;
use std::path::Path;
use std::time::Instant;

use opendesk_std::runtime::{Listener, Runtime, Timer, tune};
use smol::Async;
use smol::net::TcpStream;

use crate::{LocalListener, LocalStream};

/// smol, as opendesk uses it. Tasks go to smol's global executor.
#[derive(Debug, Clone, Copy, Default)]
pub struct Smol;

impl Runtime for Smol {
    type Stream = TcpStream;
    type Listener = SmolListener;
    type LocalStream = LocalStream;
    type LocalListener = LocalListener;
    type Timer = SmolTimer;

    fn now(&self) -> Instant {
        Instant::now()
    }

    fn timer(&self) -> SmolTimer {
        SmolTimer { timer: smol::Timer::never(), at: None }
    }

    fn listen(&self, address: SocketAddr) -> io::Result<SmolListener> {
        Async::<std::net::TcpListener>::bind(address).map(SmolListener)
    }

    async fn connect(&self, address: SocketAddr) -> io::Result<TcpStream> {
        let stream = TcpStream::connect(address).await?;
        tune(&stream)?;
        Ok(stream)
    }

    fn listen_local(&self, path: &Path) -> io::Result<LocalListener> {
        LocalListener::bind(path)
    }

    async fn connect_local(&self, path: &Path) -> io::Result<LocalStream> {
        LocalStream::connect(path).await
    }

    async fn run_blocking<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
        smol::unblock(work).await
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        smol::spawn(task).detach();
    }
}

/// Accepts what waits, or asks to be woken when something does.
pub(crate) fn poll_accept<L, T>(
    listener: &Async<L>,
    cx: &mut Context<'_>,
    accept: impl Fn(&L) -> io::Result<T>,
) -> Poll<io::Result<T>> {
    loop {
        match accept(listener.get_ref()) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            accepted => return Poll::Ready(accepted),
        }
        match listener.poll_readable(cx) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
            Poll::Ready(Ok(())) => {}
        }
    }
}

/// A TCP listener.
#[derive(Debug)]
pub struct SmolListener(Async<std::net::TcpListener>);

impl Listener for SmolListener {
    type Stream = TcpStream;

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(Self::Stream, Option<SocketAddr>)>> {
        let accepted = poll_accept(&self.0, cx, std::net::TcpListener::accept);
        accepted.map(|accepted| {
            let (stream, address) = accepted?;
            tune(&stream)?;
            Ok((Async::new(stream)?.into(), Some(address)))
        })
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.get_ref().local_addr()
    }
}

/// A timer.
#[derive(Debug)]
pub struct SmolTimer {
    timer: smol::Timer,
    at: Option<Instant>,
}

impl Timer for SmolTimer {
    fn set(&mut self, at: Instant) {
        if self.at != Some(at) {
            self.timer.set_at(at);
            self.at = Some(at);
        }
    }

    fn poll_elapsed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let rang = Pin::new(&mut self.timer).poll(cx).map(|_at| ());
        if rang.is_ready() {
            self.at = None;
        }
        rang
    }
}
