//! What the owner's programs ask of a host that runs already.

use core::fmt;
use core::time::Duration;
use std::io;

use opendesk_core::Wire;
use serde::Deserialize;

use super::admin::{AdminRequest, read_frame, write_frame};
use super::handle::SessionInfo;
use crate::home::Home;
use crate::runtime::{Runtime, timeout};

/// How long a host may take to answer what it answers at once.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why a running host did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AdminError {
    /// No host runs with this home directory.
    NotRunning,
    /// It said no, or went away.
    Failed(String),
}

impl fmt::Display for AdminError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotRunning => f.write_str("no `opendesk serve` is running with this home directory"),
            Self::Failed(why) => f.write_str(why),
        }
    }
}

impl core::error::Error for AdminError {}

/// A controller that has just been trusted.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Newcomer {
    /// Under which name.
    pub name: String,
    /// The four words that its screen shows too; empty for one of version 1, which shows none.
    pub words: String,
}

#[derive(Deserialize)]
struct Answer {
    ok: bool,
    #[serde(default)]
    port: u16,
    #[serde(default)]
    error: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    words: String,
    #[serde(default)]
    sessions: Vec<SessionInfo>,
    #[serde(default)]
    killed: usize,
}

/// Has a running host show a code, and waits until somebody has paired or the code is void. Dropping the future
/// takes the code back.
///
/// # Errors
/// [`AdminError`].
pub async fn pair_through_running<R: Runtime>(
    runtime: &R,
    home: &Home,
    code: &str,
    lasting: Duration,
    oldest: Wire,
    shown: impl FnOnce(u16),
) -> Result<Newcomer, AdminError> {
    let (code, seconds, wire) = (Some(code.to_owned()), Some(lasting.as_secs()), Some(oldest.number()));
    let request = AdminRequest { op: "pair".to_owned(), id: None, code, seconds, wire };
    let mut stream = ask(runtime, home, &request).await?;
    let showing = answer(runtime, &mut stream, PATIENCE).await?;
    shown(showing.port);
    // The host closes the window itself; the margin only covers a host that hangs.
    let Answer { name, words, .. } = answer(runtime, &mut stream, lasting + PATIENCE).await?;
    Ok(Newcomer { name, words })
}

/// Has the running host of this home change the keys of this machine.
///
/// # Errors
/// [`AdminError`].
pub async fn rotate_through_running<R: Runtime>(runtime: &R, home: &Home) -> Result<(), AdminError> {
    order(runtime, home, "rotate_identity", None).await
}

/// Has the running host of this home forget the keys that it had before.
///
/// # Errors
/// [`AdminError`].
pub async fn forget_through_running<R: Runtime>(runtime: &R, home: &Home) -> Result<(), AdminError> {
    order(runtime, home, "forget_former_keys", None).await
}

/// Has the running host of this home end the trust in a peer, and its session.
///
/// # Errors
/// [`AdminError`].
pub async fn unpair_through_running<R: Runtime>(runtime: &R, home: &Home, name: &str) -> Result<(), AdminError> {
    order(runtime, home, "unpair", Some(name)).await
}

/// The session that drives the machine of this home, as its running host tells it.
///
/// # Errors
/// [`AdminError`].
pub async fn sessions_of_running<R: Runtime>(runtime: &R, home: &Home) -> Result<Vec<SessionInfo>, AdminError> {
    asked(runtime, home, "list", None).await.map(|answer| answer.sessions)
}

/// Has the running host of this home end the session that drives. Tells how many that were.
///
/// # Errors
/// [`AdminError`].
pub async fn disconnect_through_running<R: Runtime>(runtime: &R, home: &Home) -> Result<usize, AdminError> {
    asked(runtime, home, "kill_all", None).await.map(|answer| answer.killed)
}

async fn order<R: Runtime>(runtime: &R, home: &Home, op: &str, id: Option<&str>) -> Result<(), AdminError> {
    asked(runtime, home, op, id).await.map(drop)
}

async fn asked<R: Runtime>(runtime: &R, home: &Home, op: &str, id: Option<&str>) -> Result<Answer, AdminError> {
    let request = AdminRequest { op: op.to_owned(), id: id.map(Into::into), code: None, seconds: None, wire: None };
    let mut stream = ask(runtime, home, &request).await?;
    answer(runtime, &mut stream, PATIENCE).await
}

fn failed(error: &dyn fmt::Display) -> AdminError {
    AdminError::Failed(format!("the running host cannot be asked: {error}"))
}

async fn ask<R: Runtime>(runtime: &R, home: &Home, request: &AdminRequest) -> Result<R::LocalStream, AdminError> {
    let mut stream = runtime.connect_local(&home.admin_socket()).await.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused | io::ErrorKind::Unsupported => {
            AdminError::NotRunning
        }
        _ => failed(&error),
    })?;
    let frame = rmp_serde::to_vec_named(request).map_err(|error| failed(&error))?;
    write_frame(&mut stream, &frame).await.map_err(|error| failed(&error))?;
    Ok(stream)
}

async fn answer<R: Runtime>(runtime: &R, stream: &mut R::LocalStream, limit: Duration) -> Result<Answer, AdminError> {
    let Some(frame) = timeout(runtime, limit, read_frame(stream)).await else {
        return Err(AdminError::Failed("the running host does not answer".to_owned()));
    };
    let frame = frame.map_err(|_| AdminError::Failed("the host has stopped".to_owned()))?;
    let answer: Answer = rmp_serde::from_slice(&frame).map_err(|error| failed(&error))?;
    if answer.ok { Ok(answer) } else { Err(AdminError::Failed(answer.error)) }
}
