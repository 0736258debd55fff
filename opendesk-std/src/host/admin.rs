//! The local socket by which the owner's programs steer a running host: `<home>/admin.sock`, a length of four bytes
//! (big-endian) and a msgpack map each way, one request a connection.

use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;
use std::io;
use std::path::PathBuf;

use futures_io::{AsyncRead, AsyncWrite};
use futures_util::{AsyncReadExt, AsyncWriteExt};
use opendesk_core::PairingEnd;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::driver::Server;
use crate::home::Home;
use crate::runtime::{Listener, Runtime, timeout};

/// The largest request or answer.
const FRAME_BYTES: usize = 64 * 1024;

/// How long a program may take to say what it wants, and to read the answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Programs that may wait at once.
const CONNECTIONS: usize = 16;

/// What a program asks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct AdminRequest {
    /// `list`, `kill`, `kill_all`, `pair`.
    pub(crate) op: String,
    /// With `kill`: the session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<Value>,
    /// With `pair`: the code to show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<String>,
    /// With `pair`: for how long, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) seconds: Option<u64>,
}

/// Reads one frame.
pub(crate) async fn read_frame<S: AsyncRead + Unpin>(stream: &mut S) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    stream.read_exact(&mut length).await?;
    let length = u32::from_be_bytes(length) as usize;
    if length > FRAME_BYTES {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the frame is over 64 KiB"));
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

type Reading<S> = Pin<Box<dyn Future<Output = Option<(S, Result<AdminRequest, String>)>> + Send>>;
type Telling<S> = Pin<Box<dyn Future<Output = Option<S>> + Send>>;
type Writing = Pin<Box<dyn Future<Output = ()> + Send>>;

enum Connection<S> {
    Reading(Reading<S>),
    /// Is told that the pairing window is open, and then waits for it; `ended` is set when that is over already.
    Showing {
        telling: Telling<S>,
        ended: Option<Value>,
    },
    /// Waits for the pairing window that it opened.
    Pairing(S),
    Writing(Writing),
    Over,
}

pub(super) struct Admin<R: Runtime> {
    runtime: R,
    listener: R::LocalListener,
    path: PathBuf,
    connections: Vec<Connection<R::LocalStream>>,
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
            Err(error) => return Err(format!("cannot listen on {}: {error}", path.display())),
        };
        restrict(&path).map_err(|error| format!("cannot restrict {} to its owner: {error}", path.display()))?;
        Ok(Some(Self { runtime: runtime.clone(), listener, path, connections: Vec::new() }))
    }

    pub(super) fn poll(&mut self, server: &mut Server<R>, cx: &mut Context<'_>) -> bool {
        let mut progress = false;
        if self.connections.len() < CONNECTIONS
            && let Poll::Ready(accepted) = self.listener.poll_accept(cx)
        {
            progress = true;
            if let Ok((stream, _)) = accepted {
                self.connections.push(Connection::Reading(Box::pin(read(self.runtime.clone(), stream))));
            }
        }
        for connection in &mut self.connections {
            progress |= connection.poll(&self.runtime, server, cx);
        }
        self.connections.retain(|connection| !matches!(connection, Connection::Over));
        progress
    }

    /// Tells whoever opened the window how it ended.
    pub(super) fn pairing_ended(&mut self, end: PairingEnd, newcomer: Option<(String, String)>) {
        let (name, words) = newcomer.unwrap_or_default();
        let answer = match pairing_failure(end) {
            None => json!({"ok": true, "name": name, "words": words}),
            Some(error) => json!({"ok": false, "error": error}),
        };
        for connection in &mut self.connections {
            match core::mem::replace(connection, Connection::Over) {
                Connection::Pairing(stream) => {
                    *connection = Connection::Writing(Box::pin(write(self.runtime.clone(), stream, answer.clone())));
                }
                Connection::Showing { telling, .. } => {
                    *connection = Connection::Showing { telling, ended: Some(answer.clone()) };
                }
                other => *connection = other,
            }
        }
    }
}

impl<R: Runtime> Drop for Admin<R> {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.path) {
            tracing::debug!(%error, "the admin socket was gone already");
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Connection<S> {
    fn poll<R: Runtime<LocalStream = S>>(&mut self, runtime: &R, server: &mut Server<R>, cx: &mut Context<'_>) -> bool {
        match self {
            Self::Over => false,
            Self::Reading(reading) => {
                let Poll::Ready(read) = reading.as_mut().poll(cx) else { return false };
                *self = match read {
                    None => Self::Over,
                    Some((stream, Ok(request))) if request.op == "pair" => match begin_pairing(server, &request) {
                        Ok(()) => {
                            let showing = json!({"ok": true, "port": server.local_addr().port()});
                            let telling = Box::pin(tell(runtime.clone(), stream, showing));
                            Self::Showing { telling, ended: None }
                        }
                        Err(error) => {
                            let answer = json!({"ok": false, "error": error});
                            Self::Writing(Box::pin(write(runtime.clone(), stream, answer)))
                        }
                    },
                    Some((stream, request)) => {
                        let answer = request.and_then(|request| answer(server, &request));
                        let answer = answer.unwrap_or_else(|error| json!({"ok": false, "error": error}));
                        Self::Writing(Box::pin(write(runtime.clone(), stream, answer)))
                    }
                };
                true
            }
            Self::Showing { telling, ended } => {
                let Poll::Ready(told) = telling.as_mut().poll(cx) else { return false };
                *self = match (told, ended.take()) {
                    (Some(stream), None) => Self::Pairing(stream),
                    (Some(stream), Some(answer)) => Self::Writing(Box::pin(write(runtime.clone(), stream, answer))),
                    (None, _) => {
                        server.close_pairing();
                        Self::Over
                    }
                };
                true
            }
            Self::Pairing(stream) => {
                // The program that shows the code says nothing more; its end takes the code back.
                let mut byte = [0; 1];
                let ended = Pin::new(stream).poll_read(cx, &mut byte).is_ready();
                if ended {
                    *self = Self::Over;
                    server.close_pairing();
                }
                ended
            }
            Self::Writing(writing) => {
                let written = writing.as_mut().poll(cx).is_ready();
                if written {
                    *self = Self::Over;
                }
                written
            }
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

fn begin_pairing<R: Runtime>(server: &mut Server<R>, request: &AdminRequest) -> Result<(), String> {
    let code = request.code.as_deref().ok_or("pair needs a code")?;
    let seconds = request.seconds.unwrap_or(opendesk_core::limits::PAIRING.as_secs());
    if !(1..=3600).contains(&seconds) {
        return Err("a code is shown for 1 to 3600 seconds".to_owned());
    }
    server.open_pairing(code, Duration::from_secs(seconds))
}

fn answer<R: Runtime>(server: &mut Server<R>, request: &AdminRequest) -> Result<Value, String> {
    match request.op.as_str() {
        "list" => Ok(json!({"ok": true, "sessions": server.sessions()})),
        "kill" => {
            let Some(Value::String(id)) = &request.id else { return Err("kill needs the id of a session".to_owned()) };
            let killed = server.disconnect(Some(id));
            Ok(json!({"ok": killed > 0, "killed": killed}))
        }
        "kill_all" => Ok(json!({"ok": true, "killed": server.disconnect(None)})),
        other => Err(format!("no operation is called {other:?}")),
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

async fn write<R: Runtime>(runtime: R, stream: R::LocalStream, answer: Value) {
    // Whoever asked and does not read the answer loses only the answer.
    drop(tell(runtime, stream, answer).await);
}

/// Gives the stream back when the other side has taken the message.
async fn tell<R: Runtime>(runtime: R, mut stream: R::LocalStream, message: Value) -> Option<R::LocalStream> {
    let frame = rmp_serde::to_vec_named(&message).ok()?;
    timeout(&runtime, PATIENCE, write_frame(&mut stream, &frame)).await?.ok()?;
    Some(stream)
}

#[cfg(unix)]
fn restrict(path: &std::path::Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
}

#[cfg(not(unix))]
fn restrict(_path: &std::path::Path) -> io::Result<()> {
    Ok(())
}
