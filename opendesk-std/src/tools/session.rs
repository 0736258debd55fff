//! What an agent's session remembers: the chosen peer, open links, and the last picture of each desktop.

use core::time::Duration;
use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::{BoxFuture, Either, select};
use futures_util::lock::Mutex as AsyncMutex;
use opendesk_core::Reason;

use super::guard::{Guard, Hands};
use super::target::{self, Because, Target, ToolError};
use crate::api::{Call, Codec, Error, ErrorCode, Kind, Method, decode, encode};
use crate::cancel::Cancel;
use crate::client::{self, Client, ClientError, ConnectOptions};
use crate::desktop::{Backend, Desk, Freed, Key};
use crate::home::{Home, Peers};
use crate::picture::Mapping;
use crate::runtime::Runtime;

/// Long enough for any window to open, short enough not to look like a hang.
const LONGEST_SETTLE_MS: u32 = 10_000;

/// What the tools need of the world around them.
pub trait Outside: Send + Sync {
    /// Opens a session with a peer.
    fn connect<'a>(&'a self, home: &'a Home, peer: &'a str) -> BoxFuture<'a, Result<Client, ClientError>>;

    /// Waits.
    fn sleep(&self, time: Duration) -> BoxFuture<'_, ()>;
}

/// [`Outside`] on any runtime.
#[derive(Debug, Clone)]
pub struct OnRuntime<R>(pub R);

impl<R: Runtime> Outside for OnRuntime<R> {
    fn connect<'a>(&'a self, home: &'a Home, peer: &'a str) -> BoxFuture<'a, Result<Client, ClientError>> {
        Box::pin(async move {
            client::connect(self.0.clone(), &ConnectOptions { home: home.clone(), peer: peer.to_owned() }).await
        })
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            // The future never ends, so the time does.
            let _elapsed: Option<()> = crate::runtime::timeout(&self.0, time, core::future::pending()).await;
        })
    }
}

/// The state of one agent's session. All methods take it shared: calls may run at the same time, and a peer that
/// does not answer delays no other.
pub struct Session {
    home: Home,
    backend: Backend,
    outside: Box<dyn Outside>,
    guard: Guard,
    memory: Arc<Mutex<Memory>>,
}

#[derive(Default)]
struct Memory {
    /// Set in the end: no desktop is opened any more, so that a tool that is still at work presses nothing.
    closed: bool,
    used: Option<Target>,
    local: Option<Desk>,
    links: BTreeMap<String, Arc<AsyncMutex<Option<Client>>>>,
    pictures: BTreeMap<Target, Mapping>,
}

impl core::fmt::Debug for Session {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Session").field("home", &self.home).field("backend", &self.backend).finish_non_exhaustive()
    }
}

impl Session {
    /// A session that has done nothing yet. This machine's desktop is opened when it is first used.
    #[must_use]
    pub fn new(home: Home, backend: Backend, outside: Box<dyn Outside>) -> Self {
        let memory = Arc::<Mutex<Memory>>::default();
        let guard = Guard::new(&home, Held(Arc::clone(&memory)));
        Self { home, backend, outside, guard, memory }
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn peers(&self) -> Result<Peers, ToolError> {
        Ok(Peers::load(&self.home)?)
    }

    /// Where a call with this `peer` argument goes.
    ///
    /// # Errors
    /// [`ToolError::Unknown`], [`ToolError::Several`], or what keeps the list of peers from being read.
    pub fn target(&self, peer: Option<&str>) -> Result<Target, ToolError> {
        self.explain(peer).map(|(target, _)| target)
    }

    pub(super) fn explain(&self, peer: Option<&str>) -> Result<(Target, Because), ToolError> {
        let used = self.memory().used.clone();
        target::resolve(peer, used.as_ref(), &self.peers()?)
    }

    /// From now on calls without `peer` go there.
    pub(super) fn choose(&self, target: Target) {
        self.memory().used = Some(target);
    }

    pub(super) fn open_links(&self) -> Vec<String> {
        let links = self.memory().links.clone();
        let open = |link: &AsyncMutex<Option<Client>>| {
            link.try_lock().is_some_and(|link| link.as_ref().is_some_and(Client::is_open))
        };
        links.into_iter().filter(|(_, link)| open(link)).map(|(name, _)| name).collect()
    }

    pub(super) fn remember(&self, target: &Target, picture: Mapping) {
        self.memory().pictures.insert(target.clone(), picture);
    }

    pub(super) fn picture(&self, target: &Target) -> Option<Mapping> {
        self.memory().pictures.get(target).copied()
    }

    pub(super) async fn sleep(&self, time: Duration) {
        if !time.is_zero() {
            self.outside.sleep(time).await;
        }
    }

    /// Gives the desktop time to show what an action did.
    pub(super) async fn settle(&self, milliseconds: u32) {
        self.sleep(Duration::from_millis(milliseconds.min(LONGEST_SETTLE_MS).into())).await;
    }

    fn local(&self) -> Result<Desk, ToolError> {
        let mut memory = self.memory();
        if let Some(desk) = &memory.local {
            return Ok(desk.clone());
        }
        if memory.closed {
            return Err(Error::cancelled().into());
        }
        let desk = Desk::start(crate::desktop::open(self.backend)?, None)?;
        memory.local = Some(desk.clone());
        Ok(desk)
    }

    /// The link to a peer: the open one, or a new one.
    async fn link(&self, name: &str) -> Result<Client, ToolError> {
        let link = Arc::clone(self.memory().links.entry(name.to_owned()).or_default());
        let mut link = link.lock().await;
        if let Some(open) = link.as_ref().filter(|client| client.is_open()) {
            return Ok(open.clone());
        }
        let connected = self.outside.connect(&self.home, name).await;
        let client = connected.map_err(|error| ToolError::Peer { name: name.to_owned(), error })?;
        *link = Some(client.clone());
        Ok(client)
    }

    /// Calls a method of a desktop.
    ///
    /// # Errors
    /// [`ToolError::Desktop`] or [`ToolError::Peer`].
    pub async fn call<M: Method>(&self, target: &Target, params: &M::Params) -> Result<M::Output, ToolError> {
        self.call_within::<M>(target, params, client::CALL).await
    }

    /// Calls a method of a desktop that may take this long.
    pub(super) async fn call_within<M: Method>(
        &self,
        target: &Target,
        params: &M::Params,
        limit: Duration,
    ) -> Result<M::Output, ToolError> {
        let call = Call::decode(M::NAME, &encode(params)?)?;
        let stopped = self.guard.pass(target, &call).await?;
        let work = Box::pin(self.carry_out::<M>(target, params, call, limit));
        let why = match select(pin!(stopped.recv()), work).await {
            Either::Left((Ok(why), work)) => {
                drop(work);
                why
            }
            // Never: the guard lives as long as the session.
            Either::Left((Err(_), work)) => return work.await,
            Either::Right((outcome, _)) => return outcome,
        };
        // The hands may have begun with it before they heard.
        self.guard.let_go();
        Err(Error::new(ErrorCode::PermissionDenied, why).into())
    }

    async fn carry_out<M: Method>(
        &self,
        target: &Target,
        params: &M::Params,
        call: Call,
        limit: Duration,
    ) -> Result<M::Output, ToolError> {
        match target {
            Target::Peer(name) => {
                let called = self.link(name).await?.call_within::<M>(params, limit).await;
                // A link that had died unnoticed costs an agent nothing where looking twice does no harm. Whoever was sent
                // away stays away.
                let is_lost =
                    matches!(called, Err(ClientError::Closed(Reason::LOST | Reason::SILENT | Reason::SHUTDOWN)));
                let called = match called {
                    Err(_) if is_lost && M::KIND == Kind::Observation => {
                        self.link(name).await?.call_within::<M>(params, limit).await
                    }
                    called => called,
                };
                called.map_err(|error| ToolError::Peer { name: name.clone(), error })
            }
            Target::Local => {
                let cancel = CancelOnDrop(Cancel::new());
                let desk = self.local()?;
                let (reply, answer) = async_channel::bounded(1);
                let reply = move |result| drop(reply.try_send(result));
                desk.submit(call, Codec::Postcard, cancel.0.clone(), Box::new(reply));
                let result = answer.recv().await.unwrap_or_else(|_| Err(Error::cancelled()))?;
                let decoded = decode(&result);
                Ok(decoded.ok_or_else(|| Error::internal("a result of our own could not be decoded"))?)
            }
        }
    }

    /// Ends every open link, politely: each host is told that the session is over. What is held on this machine's
    /// own desktop is released.
    pub async fn close(&self) {
        let (links, local) = {
            let mut memory = self.memory();
            memory.closed = true;
            (core::mem::take(&mut memory.links), memory.local.take())
        };
        if let Some(desk) = local {
            let (reply, released) = async_channel::bounded(1);
            desk.release(move |result| drop(reply.try_send(result)));
            if !matches!(released.recv().await, Ok(Ok(_))) {
                tracing::warn!("what was held could not be released");
            }
        }
        for link in links.into_values() {
            if let Some(client) = link.lock().await.take() {
                client.close().await;
            }
        }
    }

    /// Asks for something whose answer nobody waits for: the release of a key when its call was dropped.
    pub(super) fn call_unheard<M: Method>(&self, target: &Target, params: &M::Params) {
        match target {
            Target::Local => {
                let local = self.memory().local.clone();
                let call = encode(params).and_then(|encoded| Call::decode(M::NAME, &encoded));
                if let (Some(desk), Ok(call)) = (local, call) {
                    desk.submit(call, Codec::Postcard, Cancel::new(), Box::new(drop));
                }
            }
            Target::Peer(name) => {
                let link = self.memory().links.get(name).cloned();
                if let Some(link) = link
                    && let Some(link) = link.try_lock()
                    && let Some(client) = link.as_ref()
                {
                    client.call_unheard::<M>(params);
                }
            }
        }
    }
}

/// What a session may hold down, here and elsewhere.
struct Held(Arc<Mutex<Memory>>);

impl Held {
    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Hands for Held {
    fn free(&self, done: Box<dyn FnOnce(crate::api::Result<Freed>) + Send>) {
        let local = self.memory().local.clone();
        match local {
            Some(desk) => desk.release(done),
            None => done(Ok(Freed::default())),
        }
    }

    fn hold(&self, modifiers: Vec<Key>) {
        let local = self.memory().local.clone();
        if let (Some(desk), false) = (local, modifiers.is_empty()) {
            desk.hold(modifiers);
        }
    }

    fn hang_up(&self) {
        let links: Vec<_> = self.memory().links.values().cloned().collect();
        for link in links {
            // One that is just being opened has held nothing yet.
            if let Some(mut link) = link.try_lock() {
                drop(link.take());
            }
        }
    }
}

/// What goes on elsewhere for a future that is dropped is cancelled.
pub(super) struct CancelOnDrop(pub(super) Cancel);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}
