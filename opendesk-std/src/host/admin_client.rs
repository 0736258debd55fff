//! What the owner's programs ask of a host that runs already.

use core::fmt;
use core::time::Duration;
use std::io;

use opendesk_core::PublicKey;
use serde::Deserialize;
use serde_json::Value;

use super::admin::{AdminRequest, read_frame, write_frame};
use super::handle::{Invitation, SessionInfo};
use super::status::Status;
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
    #[serde(default)]
    closed: bool,
    #[serde(default)]
    altered: bool,
    #[serde(default)]
    status: Option<Box<Status>>,
    #[serde(default)]
    event: Value,
}

/// Has a running host show a code, and waits until somebody has paired or the code is void. Dropping the future
/// takes the code back.
///
/// # Errors
/// [`AdminError`].
pub async fn pair_through_running<R: Runtime>(
    runtime: &R,
    home: &Home,
    invitation: &Invitation,
    shown: impl FnOnce(u16),
) -> Result<Newcomer, AdminError> {
    let lasting = invitation.lasting;
    let request = AdminRequest {
        code: Some(invitation.code.clone()),
        seconds: Some(lasting.as_secs()),
        wire: Some(invitation.oldest.number()),
        role: Some(invitation.role.word().to_owned()),
        trusted_for: invitation.trusted_for.map(|time| time.as_secs()),
        ..operation("pair")
    };
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
pub async fn unpair_through_running<R: Runtime>(runtime: &R, home: &Home, key: PublicKey) -> Result<(), AdminError> {
    order(runtime, home, "unpair", Some(&key.to_string())).await
}

/// Takes back the code that the running host of this home shows, and tells whether it showed one.
///
/// # Errors
/// [`AdminError`].
pub async fn close_pairing_of_running<R: Runtime>(runtime: &R, home: &Home) -> Result<bool, AdminError> {
    asked(runtime, home, operation("close_pairing")).await.map(|answer| answer.closed)
}

/// Has the running host of this home read anew what its owner may have changed.
///
/// # Errors
/// [`AdminError`].
pub async fn reload_running<R: Runtime>(runtime: &R, home: &Home) -> Result<(), AdminError> {
    order(runtime, home, "reload", None).await
}

/// Has the running host of this home act again after somebody else had changed, cut or removed its audit log, and tells
/// whether it knew of that.
///
/// # Errors
/// [`AdminError`].
pub async fn acknowledge_audit_of_running<R: Runtime>(runtime: &R, home: &Home) -> Result<bool, AdminError> {
    asked(runtime, home, operation("acknowledge_audit")).await.map(|answer| answer.altered)
}

/// What the running host of this home tells of itself.
///
/// # Errors
/// [`AdminError`].
pub async fn status_of_running<R: Runtime>(runtime: &R, home: &Home) -> Result<Status, AdminError> {
    let status = asked(runtime, home, operation("status")).await?.status;
    status
        .map(|status| *status)
        .ok_or_else(|| AdminError::Failed("the running host does not know its status".to_owned()))
}

/// Answers what the owner is asked by the running host of this home: whether the call with this number may happen.
///
/// # Errors
/// [`AdminError`], also when nothing with this number waits for an answer any more.
pub async fn decide_through_running<R: Runtime>(
    runtime: &R,
    home: &Home,
    number: u64,
    allow: bool,
) -> Result<(), AdminError> {
    let request = AdminRequest { number: Some(number), allow: Some(allow), ..operation("decide") };
    asked(runtime, home, request).await.map(drop)
}

/// Hears what happens on the running host of this home, until it stops: what [`Notice::event`](super::Notice::event) gives,
/// and `{"event": "call", "call": …}` for each call that has ended. `begun` is called when nothing more will be missed.
///
/// # Errors
/// [`AdminError::NotRunning`] when there is none, [`AdminError::Failed`] when it stops.
pub async fn follow_running<R: Runtime>(
    runtime: &R,
    home: &Home,
    begun: impl FnOnce(),
    mut each: impl FnMut(Value),
) -> Result<(), AdminError> {
    let mut stream = ask(runtime, home, &operation("follow")).await?;
    answer(runtime, &mut stream, PATIENCE).await?;
    begun();
    loop {
        let frame = read_frame(&mut stream).await.map_err(|_| stopped())?;
        let answer: Answer = rmp_serde::from_slice(&frame).map_err(|error| failed(&error))?;
        each(answer.event);
    }
}

fn operation(op: &str) -> AdminRequest {
    AdminRequest { op: op.to_owned(), ..AdminRequest::default() }
}

/// The session that drives the machine of this home, as its running host tells it.
///
/// # Errors
/// [`AdminError`].
pub async fn sessions_of_running<R: Runtime>(runtime: &R, home: &Home) -> Result<Vec<SessionInfo>, AdminError> {
    asked(runtime, home, operation("list")).await.map(|answer| answer.sessions)
}

/// Has the running host of this home end the session that drives. Tells how many that were.
///
/// # Errors
/// [`AdminError`].
pub async fn disconnect_through_running<R: Runtime>(runtime: &R, home: &Home) -> Result<usize, AdminError> {
    asked(runtime, home, operation("kill_all")).await.map(|answer| answer.killed)
}

async fn order<R: Runtime>(runtime: &R, home: &Home, op: &str, id: Option<&str>) -> Result<(), AdminError> {
    asked(runtime, home, AdminRequest { id: id.map(Into::into), ..operation(op) }).await.map(drop)
}

async fn asked<R: Runtime>(runtime: &R, home: &Home, request: AdminRequest) -> Result<Answer, AdminError> {
    let mut stream = ask(runtime, home, &request).await?;
    answer(runtime, &mut stream, PATIENCE).await
}

fn stopped() -> AdminError {
    AdminError::Failed("the host has stopped".to_owned())
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
    let frame = frame.map_err(|_| stopped())?;
    let answer: Answer = rmp_serde::from_slice(&frame).map_err(|error| failed(&error))?;
    if answer.ok { Ok(answer) } else { Err(AdminError::Failed(answer.error)) }
}
