//! What opendesk needs of an async runtime. An adapter is this trait and nothing else.

use core::future::{Future, pending, poll_fn};
use core::net::SocketAddr;
use core::task::{Context, Poll};
use core::time::Duration;
use std::io;
use std::path::Path;
use std::pin::pin;
use std::time::Instant;

use futures_io::{AsyncRead, AsyncWrite};

use crate::platform;

/// Bytes that wait at the receiver, as the system is asked; Linux takes twice as many. What waits there cannot be
/// overtaken, so an input behind a picture waits for this much of it. Enough for 100 MB/s at a round trip of two
/// milliseconds.
const RECEIVED_BYTES: usize = 128 * 1024;

/// Bytes that wait at the sender and have not been sent, for the same reason.
#[cfg(target_os = "linux")]
const UNSENT_BYTES: u32 = 64 * 1024;

/// Longer than anybody waits, and every clock of a machine that runs has room for it.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);

/// Makes a connection fit for input beside bulk: nothing waits for a full segment, and little waits unsent. An adapter
/// does so with every TCP connection.
///
/// # Errors
/// The system's.
#[cfg(unix)]
pub fn tune(connection: &impl std::os::fd::AsFd) -> io::Result<()> {
    tune_socket(&socket2::SockRef::from(connection))
}

/// Makes a connection fit for input beside bulk: nothing waits for a full segment, and little waits unsent. An adapter
/// does so with every TCP connection.
///
/// # Errors
/// The system's.
#[cfg(windows)]
pub fn tune(connection: &impl std::os::windows::io::AsSocket) -> io::Result<()> {
    tune_socket(&socket2::SockRef::from(connection))
}

fn tune_socket(socket: &socket2::SockRef<'_>) -> io::Result<()> {
    socket.set_tcp_nodelay(true)?;
    let bounded = socket.set_recv_buffer_size(RECEIVED_BYTES);
    #[cfg(target_os = "linux")]
    let bounded = bounded.and_then(|()| socket.set_tcp_notsent_lowat(UNSENT_BYTES));
    // A system that knows no bounds is slower beside bulk, and works.
    if let Err(error) = bounded {
        tracing::debug!(%error, "what waits in a connection cannot be bounded");
    }
    Ok(())
}

/// A runtime: a clock, timers, sockets, a place for blocking work and a way to start a task.
pub trait Runtime: Clone + Send + Sync + 'static {
    /// A TCP connection, [`tune`]d.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;
    /// A TCP listener.
    type Listener: Listener<Stream = Self::Stream>;
    /// A connection between two programs of one machine.
    type LocalStream: Local;
    /// A listener for such connections.
    type LocalListener: Listener<Stream = Self::LocalStream>;
    /// A timer.
    type Timer: Timer;

    /// The clock that the timers follow.
    fn now(&self) -> Instant;

    /// A timer that is not set.
    fn timer(&self) -> Self::Timer;

    /// Listens on an address; port 0 picks a free one.
    ///
    /// # Errors
    /// The system's.
    fn listen(&self, address: SocketAddr) -> io::Result<Self::Listener>;

    /// Connects to an address.
    fn connect(&self, address: SocketAddr) -> impl Future<Output = io::Result<Self::Stream>> + Send;

    /// Listens on a path of the file system: a socket, or on Windows a file that names a pipe. The caller has made sure that
    /// nobody else does, and removes the file.
    ///
    /// # Errors
    /// The system's, or [`io::ErrorKind::Unsupported`] where there are no such sockets.
    fn listen_local(&self, path: &Path) -> io::Result<Self::LocalListener>;

    /// Connects to a path of the file system.
    fn connect_local(&self, path: &Path) -> impl Future<Output = io::Result<Self::LocalStream>> + Send;

    /// Runs work that blocks, away from the event loop.
    fn run_blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> impl Future<Output = T> + Send;

    /// Starts a task.
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static);
}

/// A connection between two programs of one machine.
pub trait Local: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    /// The number of the user whose program is at the other end; `None` where the system does not tell, and where nobody
    /// else can be there, as at a pipe of Windows.
    ///
    /// # Errors
    /// The system's.
    fn user(&self) -> io::Result<Option<u32>>;
}

#[cfg(unix)]
impl<S: AsyncRead + AsyncWrite + std::os::fd::AsFd + Unpin + Send + 'static> Local for S {
    #[cfg(target_os = "linux")]
    fn user(&self) -> io::Result<Option<u32>> {
        Ok(Some(rustix::net::sockopt::socket_peercred(self)?.uid.as_raw()))
    }

    #[cfg(not(target_os = "linux"))]
    fn user(&self) -> io::Result<Option<u32>> {
        Ok(None)
    }
}

/// Whether the program at the other end runs as the user whose home this is, or as the one who may do everything. One
/// that does not is in the log.
pub(crate) fn is_own(stream: &impl Local, socket: &str) -> bool {
    match stream.user() {
        Ok(None) => true,
        Ok(Some(user)) if user == 0 || user == platform::user() => true,
        Ok(Some(user)) => {
            tracing::warn!(user, socket, "a program of another user was turned away");
            false
        }
        Err(error) => {
            tracing::warn!(%error, socket, "a program that does not show its user was turned away");
            false
        }
    }
}

/// Accepts connections.
pub trait Listener: Send + 'static {
    /// What it accepts.
    type Stream;

    /// The next connection and, where there is one, the address it came from.
    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(Self::Stream, Option<SocketAddr>)>>;

    /// Where it listens, for listeners on addresses.
    ///
    /// # Errors
    /// The system's.
    fn local_addr(&self) -> io::Result<SocketAddr>;
}

/// A timer that can be set again and again.
pub trait Timer: Unpin + Send + 'static {
    /// Sets it; setting it to the instant it is set to already costs nothing.
    fn set(&mut self, at: Instant);

    /// Whether its instant has come; the task is woken then.
    fn poll_elapsed(&mut self, cx: &mut Context<'_>) -> Poll<()>;
}

/// A timer that is set again only when it would ring too late. Deadlines move on with every message, and setting a
/// timer costs more than looking at one that rings too early now and then.
#[derive(Debug)]
pub(crate) struct Alarm<T> {
    timer: T,
    rings: Option<Instant>,
}

impl<T: Timer> Alarm<T> {
    pub(crate) const fn new(timer: T) -> Self {
        Self { timer, rings: None }
    }

    /// Whether the caller should look at its deadlines; if not, it is woken at `at` or before.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, at: Instant) -> bool {
        if self.rings.is_none_or(|rings| rings > at) {
            self.timer.set(at);
            self.rings = Some(at);
        }
        let rang = self.timer.poll_elapsed(cx).is_ready();
        if rang {
            self.rings = None;
        }
        rang
    }
}

/// What happened first: the future, or the deadline.
pub async fn timeout<R: Runtime, F: Future>(runtime: &R, limit: Duration, future: F) -> Option<F::Output> {
    let mut timer = runtime.timer();
    timer.set(after(runtime.now(), limit));
    let mut future = pin!(future);
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => timer.poll_elapsed(cx).map(|()| None),
    })
    .await
}

/// Waits for a time.
pub(crate) async fn sleep<R: Runtime>(runtime: &R, time: Duration) {
    let _never = timeout(runtime, time, pending::<()>()).await;
}

/// That much later, but no later than in a year: whoever calls may choose any duration, and an instant overflows.
pub(crate) fn after(now: Instant, time: Duration) -> Instant {
    now + time.min(LONGEST)
}
