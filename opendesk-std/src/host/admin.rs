//! The local socket by which the owner's programs steer a running host: `<home>/admin.sock`, a length of four bytes
//! (big-endian) and a msgpack map each way, one request a connection.

use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;
use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;

use futures_io::{AsyncRead, AsyncWrite};
use futures_util::{AsyncReadExt, AsyncWriteExt};
use opendesk_core::PairingEnd;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::home::Home;
use crate::platform;
use crate::runtime::{Listener, Runtime, is_own, timeout};

/// The largest request or answer: a status holds the whole text of what the owner is asked.
const FRAME_BYTES: usize = 4 * 1024 * 1024;

/// How many events wait for a program that follows; one that does not read them misses more.
const MOST_EVENTS: usize = 256;

/// How long a program may take to say what it wants, and to read the answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Programs that may wait at once.
const CONNECTIONS: usize = 16;

/// Programs that follow, besides those: they stay, and keep nobody else from being heard.
const FOLLOWERS: usize = 16;

/// What a program asks.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct AdminRequest {
    /// `list`, `kill`, `kill_all`, `pair`, `close_pairing`, `unpair`, `rotate_identity`, `forget_former_keys`, `status`,
    /// `follow`, `decide`, `reload`, `acknowledge_audit`.
    pub(crate) op: String,
    /// With `kill`: the session. With `unpair`: the peer's key in hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<Value>,
    /// With `pair`: the code to show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<String>,
    /// With `pair`: for how long, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) seconds: Option<u64>,
    /// With `pair`: the oldest version of the wire that may pair, 2 unless said otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) wire: Option<u8>,
    /// With `pair`: what the controller may do, `full` unless said otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) role: Option<String>,
    /// With `pair`: for how many seconds the controller is trusted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) trusted_for: Option<u64>,
    /// With `decide`: the question.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) number: Option<u64>,
    /// With `decide`: whether the call may happen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) allow: Option<bool>,
}

/// Reads one frame.
pub(crate) async fn read_frame<S: AsyncRead + Unpin>(stream: &mut S) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    stream.read_exact(&mut length).await?;
    let length = u32::from_be_bytes(length) as usize;
    if length > FRAME_BYTES {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the frame is over 4 MiB"));
    }
    let mut frame = vec![0; length];
    stream.read_exact(&mut frame).await?;
    Ok(frame)
}

/// Writes one frame.
pub(crate) async fn write_frame<S: AsyncWrite + Unpin>(stream: &mut S, frame: &[u8]) -> io::Result<()> {
    let length = u32::try_from(frame.len()).map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
    stream.write_all(&length.to_be_bytes()).await?;
    stream.write_all(frame).await?;
    stream.flush().await
}

/// What a program that has asked something is given back with.
type Reading<S> = Pin<Box<dyn Future<Output = Option<(S, Result<AdminRequest, String>)>> + Send>>;
type Telling<S> = Pin<Box<dyn Future<Output = Option<S>> + Send>>;

enum Connection<S> {
    Reading(Reading<S>),
    /// Waits for the host to do what it asked.
    Asking(S),
    /// Is told that its code is shown; `ended` is set when that is over already.
    Showing {
        telling: Telling<S>,
        ended: Option<Value>,
    },
    /// Waits for somebody to use the code that it shows.
    Waiting(S),
    /// Hears what happens for as long as it likes.
    Following(Follower<S>),
    Answering(Telling<S>),
    Over,
}

/// A program that follows.
struct Follower<S> {
    /// While it is being told something.
    telling: Option<Telling<S>>,
    /// While it waits for something to happen.
    listens: Option<S>,
    events: VecDeque<Value>,
}

/// What a program wants.
pub(super) enum AdminEvent {
    /// It asks: [`Admin::answer`] or [`Admin::show`].
    Asked(u64, Result<AdminRequest, String>),
    /// It is gone, and the code that it showed is void.
    TookBack,
}

pub(super) struct Admin<R: Runtime> {
    runtime: R,
    listener: R::LocalListener,
    path: PathBuf,
    connections: Vec<(u64, Connection<R::LocalStream>)>,
    next: u64,
    /// Whose code is shown.
    showing: Option<u64>,
}

impl<R: Runtime> Admin<R> {
    /// Listens; the lock of the home directory makes sure that a socket lying there belongs to nobody. Systems
    /// without local sockets have no admin socket.
    pub(super) fn start(runtime: &R, home: &Home) -> Result<Option<Self>, String> {
        let path = home.admin_socket();
        if let Err(error) = std::fs::remove_file(&path)
            && error.kind() != io::ErrorKind::NotFound
        {
            return Err(format!("{} cannot be replaced: {error}", path.display()));
        }
        let listener = match runtime.listen_local(&path) {
            Ok(listener) => listener,
            Err(error) if error.kind() == io::ErrorKind::Unsupported => return Ok(None),
            // What the system says of the lengths of paths is meant for whoever wrote the program.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
                return Err(format!("{} is too long a path for a socket; give a shorter --home", path.display()));
            }
            Err(error) => return Err(format!("cannot listen on {}: {error}", path.display())),
        };
        platform::restrict_socket(&path)
            .map_err(|error| format!("cannot restrict {} to its owner: {error}", path.display()))?;
        let runtime = runtime.clone();
        Ok(Some(Self { runtime, listener, path, connections: Vec::new(), next: 0, showing: None }))
    }

    /// Whether anything moved, and what the programs want.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> (bool, Vec<AdminEvent>) {
        let mut progress = false;
        if self.connections.len() - self.followers() < CONNECTIONS
            && let Poll::Ready(Ok((stream, _))) = self.listener.poll_accept(cx)
        {
            progress = true;
            if !is_own(&stream, "the admin socket") {
                return (true, Vec::new());
            }
            self.connections.push((self.next, Connection::Reading(Box::pin(read(self.runtime.clone(), stream)))));
            self.next += 1;
        }
        let mut happened = Vec::new();
        for (program, connection) in &mut self.connections {
            if let Connection::Following(follower) = connection {
                if follower.poll(cx, &self.runtime).is_ready() {
                    *connection = Connection::Over;
                    progress = true;
                }
                continue;
            }
            let (moved, wants) = connection.poll(cx);
            progress |= moved;
            match wants {
                Some(Wants::Request(request)) => happened.push(AdminEvent::Asked(*program, request)),
                Some(Wants::NothingMore) if self.showing == Some(*program) => {
                    self.showing = None;
                    happened.push(AdminEvent::TookBack);
                }
                Some(Wants::NothingMore) | None => {}
            }
        }
        self.connections.retain(|(_, connection)| !matches!(connection, Connection::Over));
        (progress, happened)
    }

    fn change(
        &mut self,
        program: u64,
        change: impl FnOnce(&R, Connection<R::LocalStream>) -> Connection<R::LocalStream>,
    ) {
        if let Some((_, connection)) = self.connections.iter_mut().find(|(number, _)| *number == program) {
            *connection = change(&self.runtime, core::mem::replace(connection, Connection::Over));
        }
    }

    /// Answers a program; that ends its connection.
    pub(super) fn answer(&mut self, program: u64, answer: Value) {
        self.change(program, |runtime, connection| match connection {
            Connection::Asking(stream) | Connection::Waiting(stream) => {
                Connection::Answering(Box::pin(tell(runtime.clone(), stream, answer)))
            }
            Connection::Showing { telling, .. } => Connection::Showing { telling, ended: Some(answer) },
            other @ (Connection::Reading(_)
            | Connection::Following(_)
            | Connection::Answering(_)
            | Connection::Over) => other,
        });
    }

    /// From now on a program hears what happens; first that it does.
    pub(super) fn follow(&mut self, program: u64) {
        if self.followers() >= FOLLOWERS {
            let error = format!("{FOLLOWERS} programs follow this host already; end one of them");
            return self.answer(program, json!({"ok": false, "error": error}));
        }
        self.change(program, |runtime, connection| match connection {
            Connection::Asking(stream) => {
                let telling: Telling<_> = Box::pin(tell(runtime.clone(), stream, json!({"ok": true})));
                Connection::Following(Follower { telling: Some(telling), listens: None, events: VecDeque::new() })
            }
            other => other,
        });
    }

    /// Whether a program follows.
    pub(super) fn is_followed(&self) -> bool {
        self.followers() > 0
    }

    fn followers(&self) -> usize {
        self.connections.iter().filter(|(_, connection)| matches!(connection, Connection::Following(_))).count()
    }

    /// Has every program told that follows, when it is next polled.
    pub(super) fn happened(&mut self, event: &Value) {
        for (_, connection) in &mut self.connections {
            if let Connection::Following(Follower { events, .. }) = connection
                && events.len() < MOST_EVENTS
            {
                events.push_back(json!({"ok": true, "event": event}));
            }
        }
    }

    /// Tells a program that its code is shown; it hears how that ended.
    pub(super) fn show(&mut self, program: u64, showing: Value) {
        self.showing = Some(program);
        self.change(program, |runtime, connection| match connection {
            Connection::Asking(stream) => {
                Connection::Showing { telling: Box::pin(tell(runtime.clone(), stream, showing)), ended: None }
            }
            other => other,
        });
    }

    /// Tells whoever showed the code how it ended.
    pub(super) fn pairing_ended(&mut self, end: PairingEnd, newcomer: Option<(String, String)>) {
        let Some(program) = self.showing.take() else { return };
        let (name, words) = newcomer.unwrap_or_default();
        let answer = match pairing_failure(end) {
            None => json!({"ok": true, "name": name, "words": words}),
            Some(error) => json!({"ok": false, "error": error}),
        };
        self.answer(program, answer);
    }
}

impl<R: Runtime> Drop for Admin<R> {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.path) {
            tracing::debug!(%error, "the admin socket was gone already");
        }
    }
}

/// What came of polling a connection.
enum Wants {
    Request(Result<AdminRequest, String>),
    /// The program is gone.
    NothingMore,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Connection<S> {
    /// Whether it moved, and what it wants.
    fn poll(&mut self, cx: &mut Context<'_>) -> (bool, Option<Wants>) {
        let (next, wants) = match self {
            Self::Over | Self::Asking(_) | Self::Following(_) => return (false, None),
            Self::Reading(reading) => match reading.as_mut().poll(cx) {
                Poll::Pending => return (false, None),
                Poll::Ready(None) => (Self::Over, None),
                Poll::Ready(Some((stream, request))) => (Self::Asking(stream), Some(Wants::Request(request))),
            },
            Self::Showing { telling, ended } => match telling.as_mut().poll(cx) {
                Poll::Pending => return (false, None),
                Poll::Ready(None) => (Self::Over, Some(Wants::NothingMore)),
                Poll::Ready(Some(stream)) => match ended.take() {
                    None => (Self::Waiting(stream), None),
                    Some(answer) => (Self::Answering(Box::pin(tell_now(stream, answer))), None),
                },
            },
            Self::Waiting(stream) => {
                // The program that shows the code says nothing more; its end takes the code back.
                let mut byte = [0; 1];
                match Pin::new(stream).poll_read(cx, &mut byte) {
                    Poll::Pending => return (false, None),
                    Poll::Ready(_) => (Self::Over, Some(Wants::NothingMore)),
                }
            }
            Self::Answering(answering) => match answering.as_mut().poll(cx) {
                Poll::Pending => return (false, None),
                Poll::Ready(_) => (Self::Over, None),
            },
        };
        *self = next;
        (true, wants)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Follower<S> {
    /// Ready when the program is gone.
    fn poll<R: Runtime<LocalStream = S>>(&mut self, cx: &mut Context<'_>, runtime: &R) -> Poll<()> {
        loop {
            if let Some(telling) = &mut self.telling {
                match telling.as_mut().poll(cx) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(None) => return Poll::Ready(()),
                    Poll::Ready(stream) => (self.telling, self.listens) = (None, stream),
                }
            }
            let Some(mut stream) = self.listens.take() else { return Poll::Ready(()) };
            let Some(event) = self.events.pop_front() else {
                // It says nothing more; that it is gone shows here.
                let gone = Pin::new(&mut stream).poll_read(cx, &mut [0; 1]).map(drop);
                self.listens = Some(stream);
                return gone;
            };
            self.telling = Some(Box::pin(tell(runtime.clone(), stream, event)));
        }
    }
}

/// Why a pairing window closed without a peer.
#[must_use]
pub const fn pairing_failure(end: PairingEnd) -> Option<&'static str> {
    match end {
        PairingEnd::Paired => None,
        PairingEnd::WrongCodes => Some("three wrong codes were tried, so the code is void"),
        PairingEnd::Expired => Some("nobody paired in time, so the code is void"),
        PairingEnd::Closed => Some("the code was taken back"),
    }
}

async fn read<R: Runtime>(
    runtime: R,
    mut stream: R::LocalStream,
) -> Option<(R::LocalStream, Result<AdminRequest, String>)> {
    let frame = timeout(&runtime, PATIENCE, read_frame(&mut stream)).await?.ok()?;
    let request = rmp_serde::from_slice(&frame).map_err(|error| format!("the request is not understood: {error}"));
    Some((stream, request))
}

/// Gives the stream back when the other side has taken the message.
async fn tell<R: Runtime>(runtime: R, stream: R::LocalStream, message: Value) -> Option<R::LocalStream> {
    timeout(&runtime, PATIENCE, tell_now(stream, message)).await?
}

async fn tell_now<S: AsyncWrite + Unpin>(mut stream: S, message: Value) -> Option<S> {
    let frame = rmp_serde::to_vec_named(&message).ok()?;
    write_frame(&mut stream, &frame).await.ok()?;
    Some(stream)
}
