//! The controller: one future per link, and a handle with typed methods.

mod address;
mod announced;
mod computer;
mod connect;
mod dial;
mod driver;
mod ending;
mod error;
mod methods;
mod pairing;
mod queue;
mod remote;
mod resolve;
mod share;
mod subscription;
mod target;
pub mod transfer;

use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use core::time::Duration;
use std::sync::Arc;
use std::time::Instant;

use async_channel::{Receiver, Sender};
use opendesk_core::{OperationId, PublicKey, Reason, VerifyingKey, Wire, limits};

pub use self::address::{Address, BadAddress};
pub use self::announced::look_for;
pub use self::computer::{Link, RemoteComputer};
pub use self::connect::{ConnectOptions, DEFAULT_PORT, connect};
use self::driver::Command;
use self::ending::Ending;
pub use self::error::ClientError;
pub use self::pairing::{PairOptions, Paired, Proved, pair, prove};
use self::queue::{Answers, NewCall, Ticket};
pub use self::remote::{LinkState, Remote, RemoteOptions, RemoteSubscription, WhileBusy};
pub use self::share::connect_shared;
pub use self::subscription::Subscription;
pub use self::target::{BadPlace, Place, Whom};
use crate::api::{Call, Codec, Error, HostGreeting, Kind, Method};
use crate::seed;

/// How long a call may take when nothing else is said: as long as the owner of a host may think about it, and as any method
/// needs but typing a long text. That the host is there at all is asked more often.
pub const CALL: Duration = Duration::from_secs(90);

/// A session with a host. Clones share it; with the last one it ends, politely.
///
/// Every method fails with [`ClientError::Call`] when the host says no, with [`ClientError::Closed`] when the
/// session is over, and with [`ClientError::Timeout`] after [`CALL`]. Dropping the future of a call cancels the call.
#[derive(Debug, Clone)]
pub struct Client {
    commands: Sender<Command>,
    /// Why the session is over, once it is.
    ended: Arc<Ending>,
    /// When the host was last heard; absent in a session that belongs to another process.
    pulse: Option<Pulse>,
    /// Where the host was reached; absent in a session that belongs to another process.
    address: Option<String>,
    wire: Wire,
    host: PublicKey,
    signing_key: Option<VerifyingKey>,
    handshake: [u8; 32],
    memory: u64,
    greeting: HostGreeting,
}

/// When a link was last heard of.
#[derive(Debug, Clone)]
struct Pulse {
    begun: Instant,
    /// Microseconds from the beginning.
    heard: Arc<AtomicU64>,
    /// Whether the host has answered a call.
    answered: Arc<AtomicBool>,
}

impl Pulse {
    fn new(begun: Instant) -> Self {
        Self { begun, heard: Arc::default(), answered: Arc::default() }
    }

    const fn begun(&self) -> Instant {
        self.begun
    }

    fn micros(&self, now: Instant) -> u64 {
        u64::try_from(now.saturating_duration_since(self.begun).as_micros()).unwrap_or(u64::MAX)
    }

    fn beat(&self, micros: u64) {
        self.heard.store(micros, Ordering::Relaxed);
    }

    /// A call has an answer.
    fn answer(&self) {
        self.answered.store(true, Ordering::Relaxed);
    }

    fn has_answered(&self) -> bool {
        self.answered.load(Ordering::Relaxed)
    }

    fn heard(&self) -> Instant {
        self.begun + Duration::from_micros(self.heard.load(Ordering::Relaxed))
    }
}

/// Cancels its call when nobody waits for the answer any more.
struct Waiting {
    commands: Sender<Command>,
    ticket: Ticket,
    answered: bool,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if !self.answered {
            drop(self.commands.try_send(Command::Cancel { ticket: self.ticket }));
        }
    }
}

impl Client {
    /// The host's key.
    #[must_use]
    pub const fn host(&self) -> PublicKey {
        self.host
    }

    /// Where the host was reached; `None` in a session that another program of this home has opened.
    #[must_use]
    pub fn address(&self) -> Option<&str> {
        self.address.as_deref()
    }

    /// The version of the wire that the session speaks.
    #[must_use]
    pub const fn wire(&self) -> Wire {
        self.wire
    }

    fn codec(&self) -> Codec {
        Codec::from(self.wire)
    }

    /// The host's Ed25519 key, proved in the handshake; absent in version 1.
    #[must_use]
    pub const fn signing_key(&self) -> Option<VerifyingKey> {
        self.signing_key
    }

    /// Names this session's handshake; the host has the same.
    #[must_use]
    pub const fn handshake(&self) -> [u8; 32] {
        self.handshake
    }

    /// Names the host's memory of what this machine asked for. See [`Client::call_for`].
    #[must_use]
    pub const fn memory(&self) -> u64 {
        self.memory
    }

    /// What the host told of itself.
    #[must_use]
    pub const fn greeting(&self) -> &HostGreeting {
        &self.greeting
    }

    /// Whether the session is still there, as far as is known.
    #[must_use]
    pub fn is_open(&self) -> bool {
        !self.commands.is_closed()
    }

    /// Waits for the end of the session, and tells why it ended.
    pub async fn ended(&self) -> Reason {
        self.commands.closed().await;
        self.ended.reason()
    }

    /// How a call fails when the session is over.
    fn over(&self) -> ClientError {
        ClientError::Closed(self.ended.reason())
    }

    /// Whether nothing was heard of the host since then, as far as is known here: what its owner has heard in a borrowed
    /// session is not.
    fn is_silent_since(&self, then: Instant) -> bool {
        self.pulse.as_ref().is_none_or(|pulse| pulse.heard() <= then)
    }

    /// Whether the session belongs to another process, which looks after its link.
    const fn is_borrowed(&self) -> bool {
        self.pulse.is_none()
    }

    /// Has the host say something, if it can be heard. In a borrowed session its owner is asked to look after it.
    fn probe(&self) {
        drop(self.commands.try_send(Command::Probe));
    }

    /// Ends a session whose host is not heard any more: calls in flight fail with [`Reason::LOST`] at once.
    fn abandon(&self) {
        drop(self.commands.try_send(Command::Abandon));
    }

    /// Ends the session. Calls in flight fail with [`ClientError::Closed`].
    pub async fn close(&self) {
        let (reply, closed) = async_channel::bounded(1);
        if self.commands.send(Command::Close { reply }).await.is_ok() {
            // The event loop ends by dropping the other end.
            let _closed = closed.recv().await;
        }
    }

    /// Calls any method within [`CALL`].
    ///
    /// # Errors
    /// See [`Client`].
    pub async fn call<M: Method>(&self, params: &M::Params) -> Result<M::Output, ClientError> {
        self.call_within::<M>(params, CALL).await
    }

    /// Calls any method within a time of the caller's choice.
    ///
    /// # Errors
    /// See [`Client`].
    pub async fn call_within<M: Method>(&self, params: &M::Params, limit: Duration) -> Result<M::Output, ClientError> {
        let result = self.call_encoded(M::NAME, self.codec().params::<M>(params)?, limit).await?;
        Ok(self.codec().read_result::<M>(&result)?)
    }

    /// Calls a method by its name with parameters that are encoded as [`wire`](Self::wire) says ([`Codec`]), for programs
    /// that pass calls on.
    ///
    /// # Errors
    /// See [`Client`].
    pub async fn call_encoded(&self, method: &str, params: Vec<u8>, limit: Duration) -> Result<Vec<u8>, ClientError> {
        self.call_for(operation_of(method)?, method, params, limit).await
    }

    /// Calls a method for an operation of the caller's choice (16 random bytes). An action that had no answer because
    /// the session was lost can be called for again in a later session with the same operation: while
    /// [`memory`](Self::memory) is the same as it was, the host carries it out if it never began, and otherwise answers
    /// what came of it. With another memory it must not be called for again: it may be carried out twice.
    ///
    /// # Errors
    /// See [`Client`]. [`ErrorCode::Busy`](crate::api::ErrorCode::Busy) while it is still being carried out.
    pub async fn call_for(
        &self,
        operation: OperationId,
        method: &str,
        params: Vec<u8>,
        limit: Duration,
    ) -> Result<Vec<u8>, ClientError> {
        let touch = self.ended.hands().and_then(|hands| hands.owner_calls(self.codec(), method, &params));
        let (reply, answer) = async_channel::bounded(1);
        let ticket = next_ticket();
        let answers = Answers::Once { limit, reply };
        let command = Command::Call(NewCall { ticket, method: method.to_owned(), params, operation, answers });
        self.commands.send(command).await.map_err(|_| self.over())?;
        let mut waiting = Waiting { commands: self.commands.clone(), ticket, answered: false };
        let answered = answer.recv().await;
        waiting.answered = true;
        let outcome = answered.unwrap_or_else(|_| Err(self.over()));
        if let Some(touch) = touch {
            touch.answered(&outcome);
        }
        outcome
    }

    /// Calls a method whose answer nobody waits for.
    pub(crate) fn call_unheard<M: Method>(&self, params: &M::Params) {
        let (Ok(operation), Ok(params)) = (operation_of(M::NAME), self.codec().params::<M>(params)) else { return };
        if let Some(hands) = self.ended.hands() {
            drop(hands.owner_calls(self.codec(), M::NAME, &params));
        }
        let (reply, _nobody) = async_channel::bounded(1);
        let (ticket, answers) = (next_ticket(), Answers::Once { limit: CALL, reply });
        let command = NewCall { ticket, method: M::NAME.to_owned(), params, operation, answers };
        drop(self.commands.try_send(Command::Call(command)));
    }

    /// Subscribes to any stream. The host sends while `credit` bytes are not used up: an item costs its own bytes and 64
    /// more, may be larger than what is left, and gives its credit back when it is read.
    ///
    /// # Errors
    /// See [`Client`], and `invalid_argument` for a credit over [`limits::WINDOW_BYTES`]; what the host says against it
    /// comes as the first item.
    pub async fn subscribe<M: Method>(&self, params: &M::Params, credit: u32) -> Result<Subscription<M>, ClientError> {
        // Refused before anything is asked: the protocol's machine would have made the call by the time it says no.
        if credit > limits::WINDOW_BYTES {
            let text = format!("a credit of {credit} bytes was asked for; {} can be", limits::WINDOW_BYTES);
            return Err(ClientError::Call(Error::invalid(text)));
        }
        // The credit bounds what waits here.
        let (items, arrive) = async_channel::unbounded();
        let (ticket, answers) = (next_ticket(), Answers::Stream { credit, items });
        let (method, params) = (M::NAME.to_owned(), self.codec().params::<M>(params)?);
        let command = NewCall { ticket, method, params, operation: NOT_REMEMBERED, answers };
        self.commands.send(Command::Call(command)).await.map_err(|_| self.over())?;
        let waiting = Waiting { commands: self.commands.clone(), ticket, answered: false };
        Ok(Subscription::new(waiting, arrive, self.codec()))
    }
}

/// The operation of a call that the host need not remember.
const NOT_REMEMBERED: OperationId = [0; 16];

/// Names what a call of this method wants done: what only looks need not be remembered.
fn operation_of(method: &str) -> Result<OperationId, ClientError> {
    match Call::kind_of(method) {
        Some(Kind::Observation | Kind::Stream) => Ok(NOT_REMEMBERED),
        Some(Kind::Action) | None => seed::operation().map_err(|error| ClientError::Call(Error::internal(error))),
    }
}

fn next_ticket() -> Ticket {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// The commands of a client that is being connected.
type Orders = Receiver<Command>;
