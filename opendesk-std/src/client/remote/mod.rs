//! A machine that is kept connected: it is found wherever it is, its link is opened again when it breaks off, and what
//! was interrupted is brought to its end without ever being done twice.

mod actor;
mod backoff;
mod opening;
mod state;
mod stream;

use core::fmt;
use core::future::Future;
use core::time::Duration;
use std::pin::pin;
use std::sync::Arc;
use std::time::Instant;

use async_channel::{Receiver, Sender};
use futures_util::future::{BoxFuture, Either, select};
use opendesk_core::{Reason, Wire};

use self::actor::{Actor, Order};
use self::state::Board;
pub use self::state::LinkState;
pub use self::stream::RemoteSubscription;
use super::dial::CONNECT;
use super::target::Whom;
use super::{CALL, Client, ClientError, operation_of};
use crate::api::{Call, Codec, Error, ErrorCode, Kind, Manifest, Method};
use crate::home::Home;
use crate::runtime::{Runtime, after, sleep};

/// What becomes of those who want a machine that another controller drives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WhileBusy {
    /// They are told so.
    #[default]
    Fail,
    /// They wait until it is free.
    Wait,
}

/// Which machine, and how it is kept connected.
#[derive(Debug, Clone)]
pub struct RemoteOptions {
    /// Keys and trusted peers.
    pub home: Home,
    /// The machine.
    pub whom: Whom,
    /// Whether the network is asked where the machine is; see [`is_wanted`](crate::discovery::is_wanted).
    pub discover: bool,
    /// Whether all programs of this home directory share one session with the machine. Without it each that connects takes
    /// the session from the others.
    pub share: bool,
    /// What happens while another controller drives it.
    pub while_busy: WhileBusy,
    /// How long a call waits for a machine whose link broke off before.
    pub patience: Duration,
    /// For how long after its end a link is opened again by itself.
    pub reconnect_for: Duration,
}

impl RemoteOptions {
    /// The machine as agents use it: sought everywhere, shared, and back within ten minutes or not until it is used again.
    #[must_use]
    pub fn new(home: Home, whom: Whom) -> Self {
        Self {
            home,
            whom,
            discover: crate::discovery::is_wanted(),
            share: true,
            while_busy: WhileBusy::Fail,
            patience: Duration::from_secs(15),
            reconnect_for: Duration::from_secs(600),
        }
    }
}

/// How long nothing may be heard of a host that owes an answer before it is asked whether it is there.
const QUIET: Duration = Duration::from_secs(2);

/// Between questions after an operation that is still being carried out.
const STILL: Duration = Duration::from_millis(100);

/// How often a call is begun again; a host that breaks off every time is not asked forever.
const MOST_TRIES: u32 = 8;

/// A machine that is kept connected. Clones share it; with the last one its session ends, politely.
///
/// A call finds a session or waits for one. One that was interrupted is repeated in the next session where it only looks;
/// where it acts, the host is asked what became of it, which it remembers (version 2). Where that cannot be known the call
/// fails with [`ClientError::Unknown`] and is never repeated.
#[derive(Clone)]
pub struct Remote {
    orders: Sender<Order>,
    board: Arc<Board>,
    clock: Arc<dyn Clock>,
    patience: Duration,
    reconnect_for: Duration,
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote").field("state", &self.state()).finish_non_exhaustive()
    }
}

/// The time, whatever the runtime.
trait Clock: Send + Sync {
    fn now(&self) -> Instant;
    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()>;
}

struct On<R>(R);

impl<R: Runtime> Clock for On<R> {
    fn now(&self) -> Instant {
        self.0.now()
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()> {
        let runtime = self.0.clone();
        Box::pin(async move { sleep(&runtime, time).await })
    }
}

/// What is encoded as the session's version has it.
type Encode<'a> = dyn Fn(Codec) -> crate::api::Result<Vec<u8>> + Send + Sync + 'a;

impl Remote {
    /// A machine that is connected when it is first used. Must be called where the runtime can start tasks.
    #[must_use]
    pub fn new<R: Runtime>(runtime: R, options: RemoteOptions) -> Self {
        let (orders, taken) = async_channel::unbounded();
        let (board, patience, reconnect_for) = (Arc::new(Board::new()), options.patience, options.reconnect_for);
        let clock = Arc::new(On(runtime.clone()));
        runtime.spawn(Actor::new(runtime.clone(), options, taken, Arc::clone(&board)).run());
        Self { orders, board, clock, patience, reconnect_for }
    }

    /// What has become of the link.
    #[must_use]
    pub fn state(&self) -> LinkState {
        self.board.state()
    }

    /// What the host said in its last greeting that it can do; nothing before there was one. Asks nobody.
    #[must_use]
    pub fn manifest(&self) -> Option<Manifest> {
        self.board.manifest()
    }

    /// What becomes of it from now on. A reader that falls behind by more than 64 changes misses the oldest.
    #[must_use]
    pub fn events(&self) -> Receiver<LinkState> {
        self.board.watch()
    }

    /// The session, which is opened if need be: also where it was ended on the machine.
    ///
    /// # Errors
    /// [`ClientError`]; see [`RemoteOptions::while_busy`] for machines that another controller drives.
    pub async fn connect(&self) -> Result<Client, ClientError> {
        self.forgive();
        self.session(None, after(self.clock.now(), self.patience.max(CONNECT + QUIET))).await
    }

    /// Forgets that the session was ended on the machine: the next call may open another one.
    pub fn forgive(&self) {
        drop(self.orders.try_send(Order::Forgive));
    }

    /// Whether another program of this machine has borrowed the session and runs a command through it, which would end
    /// with it.
    pub async fn is_needed(&self) -> bool {
        let (reply, told) = async_channel::bounded(1);
        self.orders.try_send(Order::IsNeeded { reply }).is_ok() && told.recv().await.unwrap_or(false)
    }

    /// Ends the session and whatever waits for one. The next call opens another.
    pub async fn close(&self) {
        let (reply, closed) = async_channel::bounded(1);
        if self.orders.try_send(Order::Close { reply }).is_ok() {
            let _done_or_ended = closed.recv().await;
        }
    }

    /// As [`close`](Self::close), for those who cannot wait.
    pub(crate) fn hang_up(&self) {
        let (reply, _nobody) = async_channel::bounded(1);
        drop(self.orders.try_send(Order::Close { reply }));
    }

    /// A session other than the one with this handshake, which was lost.
    async fn session(&self, lost: Option<[u8; 32]>, by: Instant) -> Result<Client, ClientError> {
        let (reply, given) = async_channel::bounded(1);
        drop(self.orders.try_send(Order::Session { lost, by, reply }));
        given.recv().await.unwrap_or(Err(ClientError::Closed(Reason::LOST)))
    }

    /// Calls any method within [`CALL`].
    ///
    /// # Errors
    /// See [`Remote`].
    pub async fn call<M: Method>(&self, params: &M::Params) -> Result<M::Output, ClientError> {
        self.call_within::<M>(params, CALL).await
    }

    /// Calls any method within a time of the caller's choice.
    ///
    /// # Errors
    /// See [`Remote`].
    pub async fn call_within<M: Method>(&self, params: &M::Params, limit: Duration) -> Result<M::Output, ClientError> {
        let (result, codec) = self.carry_out(M::NAME, &|codec| codec.params::<M>(params), limit, None).await?;
        Ok(codec.read_result::<M>(&result)?)
    }

    /// Calls a method that means something in one session only, as the second key of a chord does: the first call with a
    /// `pin` chooses the session, and each later one fails when it is over, because its host has let go of what was held.
    ///
    /// # Errors
    /// See [`Remote`]; `cancelled` when the session of the pin is over.
    pub async fn call_pinned<M: Method>(
        &self,
        params: &M::Params,
        limit: Duration,
        pin: &mut Option<[u8; 32]>,
    ) -> Result<M::Output, ClientError> {
        let (result, codec) = self.carry_out(M::NAME, &|codec| codec.params::<M>(params), limit, Some(pin)).await?;
        Ok(codec.read_result::<M>(&result)?)
    }

    /// Calls a method without waiting for its answer, if there is a session.
    pub(crate) fn call_unheard<M: Method>(&self, params: &M::Params) {
        let params = params.clone();
        let call = move |client: &Client| client.call_unheard::<M>(&params);
        drop(self.orders.try_send(Order::Unheard(Box::new(call))));
    }

    /// Subscribes to any stream, which goes on in the next session when one is lost. See
    /// [`Client::subscribe`](super::Client::subscribe).
    ///
    /// # Errors
    /// See [`Remote`].
    pub async fn subscribe<M: Method>(
        &self,
        params: &M::Params,
        credit: u32,
    ) -> Result<RemoteSubscription<M>, ClientError> {
        let by = after(self.clock.now(), self.patience);
        let mut lost = None;
        for _ in 0..MOST_TRIES {
            let client = self.session(lost, by).await?;
            match client.subscribe::<M>(params, credit).await {
                Err(error) if is_lost(&error) => lost = Some(client.handshake()),
                Err(error) => return Err(error),
                Ok(items) => return Ok(RemoteSubscription::new(self.clone(), client, items, params.clone(), credit)),
            }
        }
        Err(ClientError::Closed(Reason::LOST))
    }

    /// The result of a call, and what it is written in.
    async fn carry_out(
        &self,
        method: &str,
        encode: &Encode<'_>,
        limit: Duration,
        mut pin: Option<&mut Option<[u8; 32]>>,
    ) -> Result<(Vec<u8>, Codec), ClientError> {
        let by = after(self.clock.now(), limit);
        let operation = operation_of(method)?;
        let acts = !matches!(Call::kind_of(method), Some(Kind::Observation));
        // A session that ended before the host answered.
        let mut before: Option<Interrupted> = None;
        for _ in 0..MOST_TRIES {
            let (lost, wait) = match &before {
                Some(before) => (Some(before.handshake), by),
                None => (None, by.min(after(self.clock.now(), self.patience))),
            };
            let client = match (self.session(lost, wait).await, &before) {
                (Ok(client), _) => client,
                (Err(_), Some(before)) if acts => return Err(before.unknown(method)),
                (Err(error), _) => return Err(error),
            };
            if let Some(pin) = pin.as_deref_mut()
                && *pin.get_or_insert(client.handshake()) != client.handshake()
            {
                return Err(ClientError::Call(Error::new(
                    ErrorCode::Cancelled,
                    "the link was lost while a key or button was held, so the host let go of it; look before you go on",
                )));
            }
            if let Some(before) = before.as_ref().filter(|before| acts && !before.is_remembered(&client)) {
                return Err(before.unknown(method));
            }
            let answer = loop {
                let left = by.saturating_duration_since(self.clock.now());
                let params = encode(client.codec())?;
                let answer = self.listen(&client, client.call_for(operation, method, params, left)).await;
                // The session before may not have ended for the host yet, or the call is still being carried out there.
                let is_still = matches!(&answer, Err(ClientError::Call(error)) if error.code == ErrorCode::Busy);
                if !(is_still && acts && before.is_some()) || left.is_zero() {
                    break answer;
                }
                self.clock.sleep(STILL).await;
            };
            match answer {
                Err(ref error @ ClientError::Closed(why)) if is_lost(error) => {
                    let (handshake, memory, wire) = (client.handshake(), client.memory(), client.wire());
                    before = Some(Interrupted { handshake, memory, wire, why });
                }
                Err(ClientError::Timeout { .. }) if acts && let Some(before) = &before => {
                    return Err(before.unknown(method));
                }
                // A host ends what it carries out when a session is lost (I3), and remembers that.
                Err(ClientError::Call(error)) if before.is_some() && error.code == ErrorCode::Cancelled => {
                    return Err(ClientError::Call(Error::new(
                        ErrorCode::Cancelled,
                        format!(
                            "the link was lost while the host carried out {method}, so it stopped; some of it may be done"
                        ),
                    )));
                }
                answer => return answer.map(|result| (result, client.codec())),
            }
        }
        Err(match before {
            Some(before) if acts => before.unknown(method),
            _ => ClientError::Closed(Reason::LOST),
        })
    }

    /// Waits for an answer, and has it looked after whether the host is there where nothing comes.
    async fn listen<T>(
        &self,
        client: &Client,
        answer: impl Future<Output = Result<T, ClientError>>,
    ) -> Result<T, ClientError> {
        let mut answer = pin!(answer);
        loop {
            let asked = self.clock.now();
            match select(answer.as_mut(), self.clock.sleep(QUIET)).await {
                Either::Left((answer, _)) => return answer,
                Either::Right(_) => {
                    if client.is_silent_since(asked) {
                        drop(self.orders.try_send(Order::Doubt { handshake: client.handshake() }));
                    }
                }
            }
        }
    }
}

/// A session that ended before the host had answered a call.
struct Interrupted {
    handshake: [u8; 32],
    memory: u64,
    wire: Wire,
    why: Reason,
}

impl Interrupted {
    /// Whether the host of another session knows what became of a call of this one.
    fn is_remembered(&self, later: &Client) -> bool {
        (self.wire, later.wire()) == (Wire::V2, Wire::V2) && self.memory == later.memory()
    }

    fn unknown(&self, method: &str) -> ClientError {
        ClientError::Unknown { method: method.to_owned(), why: self.why }
    }
}

/// Whether a session ended in such a way that another one can take its place.
const fn is_lost(error: &ClientError) -> bool {
    matches!(
        error,
        ClientError::Closed(Reason::LOST | Reason::SILENT | Reason::SHUTDOWN | Reason::TIMEOUT | Reason::REPLACED)
    )
}
