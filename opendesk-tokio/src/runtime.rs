//! The [`Runtime`] of tokio.

use core::future::Future;
use core::net::SocketAddr;
use core::pin::Pin;
use core::task::{Context, Poll};
use std::io;
use std::path::Path;
use std::time::Instant;

use opendesk_std::runtime::{Listener, Runtime, Timer, tune};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Sleep;

use crate::io::Compat;
use crate::{LocalListener, LocalStream};

/// tokio, as opendesk uses it. Its methods must be called inside a tokio runtime; one thread is enough, and faster.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tokio;

impl Runtime for Tokio {
    type Stream = Compat<TcpStream>;
    type Listener = TokioListener;
    type LocalStream = LocalStream;
    type LocalListener = LocalListener;
    type Timer = TokioTimer;

    fn now(&self) -> Instant {
        tokio::time::Instant::now().into_std()
    }

    fn timer(&self) -> TokioTimer {
        TokioTimer { sleep: None }
    }

    fn listen(&self, address: SocketAddr) -> io::Result<TokioListener> {
        let listener = std::net::TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        TcpListener::from_std(listener).map(TokioListener)
    }

    async fn connect(&self, address: SocketAddr) -> io::Result<Compat<TcpStream>> {
        let stream = TcpStream::connect(address).await?;
        tune(&stream)?;
        Ok(Compat(stream))
    }

    fn listen_local(&self, path: &Path) -> io::Result<LocalListener> {
        LocalListener::bind(path)
    }

    async fn connect_local(&self, path: &Path) -> io::Result<LocalStream> {
        LocalStream::connect(path).await
    }

    async fn run_blocking<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
        match tokio::task::spawn_blocking(work).await {
            Ok(done) => done,
            Err(failed) => std::panic::resume_unwind(failed.into_panic()),
        }
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        drop(tokio::spawn(task));
    }
}

/// A TCP listener.
#[derive(Debug)]
pub struct TokioListener(TcpListener);

impl Listener for TokioListener {
    type Stream = Compat<TcpStream>;

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(Self::Stream, Option<SocketAddr>)>> {
        self.0.poll_accept(cx).map(|accepted| {
            let (stream, address) = accepted?;
            tune(&stream)?;
            Ok((Compat(stream), Some(address)))
        })
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

/// A timer.
#[derive(Debug)]
pub struct TokioTimer {
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Timer for TokioTimer {
    fn set(&mut self, at: Instant) {
        let at = tokio::time::Instant::from_std(at);
        match &mut self.sleep {
            Some(sleep) if sleep.deadline() == at => {}
            Some(sleep) => sleep.as_mut().reset(at),
            None => self.sleep = Some(Box::pin(tokio::time::sleep_until(at))),
        }
    }

    fn poll_elapsed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.sleep {
            Some(sleep) => sleep.as_mut().poll(cx),
            None => Poll::Pending,
        }
    }
}
