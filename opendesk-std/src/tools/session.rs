//! What an agent's session remembers: the chosen peer, open links, and the last pictures.

use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_channel::Receiver;
use futures_util::future::{BoxFuture, join_all};
use opendesk_core::PublicKey;
use serde_json::Value;

use super::aside::aside;
use super::caller::Caller;
use super::guard::{Guard, Hands, unless_stopped};
use super::history::History;
use super::learn::Tape;
use super::links::Links;
use super::roster::Roster;
use super::shots::Shots;
use super::stream::SessionStream;
use super::target::{self, Because, Target, ToolError, fingerprint};
use crate::api::{Call, ClipboardContents, Codec, Error, ErrorCode, InputSubscribe, Manifest, Method, decode};
use crate::cancel::Cancel;
use crate::client::{self, ClientError, LinkState, Remote, RemoteOptions, WhileBusy, Whom};
use crate::desktop::{Backend, Desk, Freed, Key};
use crate::home::{Home, Peers};
use crate::os::Files;
use crate::runtime::Runtime;

/// Long enough for any window to open, short enough not to look like a hang.
const LONGEST_SETTLE_MS: u32 = 10_000;

/// How often is looked whether a session is needed still by others: nobody notices a tenth of a second at the end.
const LINGER_LOOK: Duration = Duration::from_millis(100);

/// How long calls may take to end once they are cancelled, and how often is looked whether they have.
const ENDS_WITHIN: Duration = Duration::from_secs(2);
const END_LOOK: Duration = Duration::from_millis(5);

/// What the tools need of the world around them.
pub trait Outside: Send + Sync {
    /// Has a machine kept connected from its first use on.
    fn remote(&self, options: RemoteOptions) -> Remote;

    /// Waits.
    fn sleep(&self, time: Duration) -> BoxFuture<'_, ()>;
}

/// [`Outside`] on any runtime.
#[derive(Debug, Clone)]
pub struct OnRuntime<R>(pub R);

impl<R: Runtime> Outside for OnRuntime<R> {
    fn remote(&self, options: RemoteOptions) -> Remote {
        Remote::new(self.0.clone(), options)
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'_, ()> {
        Box::pin(crate::runtime::sleep(&self.0, time))
    }
}

/// The state of one agent's session, as one caller sees it. All methods take it shared: calls may run at the same time, and a
/// peer that does not answer delays no other. A clone is the same session.
#[derive(Clone)]
pub struct Session {
    shared: Arc<Shared>,
    while_busy: WhileBusy,
    is_stateless: bool,
    keeper: Option<Keeper>,
    pub(super) caller: Caller,
}

/// Has another program keep what this one has put on the clipboard; why not, in one line. It may block for seconds.
pub type Keeper = Arc<dyn Fn(&ClipboardContents) -> Result<(), String> + Send + Sync>;

struct Shared {
    home: Home,
    backend: Backend,
    outside: Box<dyn Outside>,
    guard: Guard,
    roster: Mutex<Roster>,
    history: History,
    shots: Mutex<Shots>,
    memory: Arc<Mutex<Memory>>,
    here: Here,
}

/// The calls that this machine's own desktop carries out.
#[derive(Default)]
struct Here {
    /// Ends all of them.
    end: Cancel,
    /// Each has a share of it until it is over, also when nobody waits for it any more.
    under_way: Arc<()>,
}

impl Here {
    fn is_idle(&self) -> bool {
        Arc::strong_count(&self.under_way) == 1
    }
}

#[derive(Default)]
struct Memory {
    /// Set in the end: no desktop is opened any more, so that a tool that is still at work presses nothing.
    closed: bool,
    used: Option<Target>,
    local: Option<Desk>,
    links: Links,
    /// Buttons that one call holds down for later ones.
    gestures: BTreeMap<Target, Gesture>,
    /// What is recorded of what the person does.
    tape: Option<Tape>,
}

/// What means something in one session with a machine only, as a chord of keys or a drag does: the host lets go of what is
/// held when the session ends, so nothing of it goes on in the next.
#[derive(Debug, Clone, Default)]
pub struct Gesture {
    /// The session in which it has begun.
    session: Option<[u8; 32]>,
}

impl core::fmt::Debug for Session {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Session")
            .field("home", &self.shared.home)
            .field("backend", &self.shared.backend)
            .finish_non_exhaustive()
    }
}

impl Session {
    /// A session that has done nothing yet. This machine's desktop is opened when it is first used.
    #[must_use]
    pub fn new(home: Home, backend: Backend, outside: Box<dyn Outside>) -> Self {
        let memory = Arc::<Mutex<Memory>>::default();
        let guard = Guard::new(&home, Held(Arc::clone(&memory)));
        let roster = Mutex::new(Roster::new(&home));
        let (history, shots) = (History::default(), Mutex::default());
        let here = Here::default();
        let shared = Shared { home, backend, outside, guard, roster, history, shots, memory, here };
        Self {
            shared: Arc::new(shared),
            while_busy: WhileBusy::Fail,
            is_stateless: false,
            keeper: None,
            caller: Caller::default(),
        }
    }

    /// The same session for one call of somebody who is to be told of its progress, or asked.
    #[must_use]
    pub fn for_caller(&self, caller: Caller) -> Self {
        Self { caller, ..self.clone() }
    }

    /// Whoever calls cannot be told from others: nothing that one call chooses, such as a default peer, a picture or a
    /// button that stays down, may mean anything in the next.
    #[must_use]
    pub fn stateless(self) -> Self {
        Self { is_stateless: true, ..self }
    }

    pub(super) const fn is_stateless(&self) -> bool {
        self.is_stateless
    }

    /// The directory of this machine's keys, programs and logs.
    pub(super) fn home(&self) -> &Home {
        &self.shared.home
    }

    pub(super) fn backend(&self) -> Backend {
        self.shared.backend
    }

    /// Nobody hears of a stop any more, as where the system has no room to watch for one.
    #[cfg(test)]
    pub(super) fn deafen(&mut self) {
        if let Some(shared) = Arc::get_mut(&mut self.shared) {
            shared.guard.watcher = None;
        }
    }

    /// What the tools of this session have been called for.
    pub(super) fn history(&self) -> &History {
        &self.shared.history
    }

    /// What happens where another controller drives a peer.
    #[must_use]
    pub fn while_busy(self, while_busy: WhileBusy) -> Self {
        Self { while_busy, ..self }
    }

    /// What this session has put on this machine's clipboard is kept by another program from its end on. Without one it goes with
    /// the program that has the session, on desktops where the clipboard belongs to programs.
    #[must_use]
    pub fn keeping(self, keeper: Keeper) -> Self {
        Self { keeper: Some(keeper), ..self }
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.shared.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn peers(&self) -> Result<Arc<Peers>, ToolError> {
        Ok(self.shared.roster.lock().unwrap_or_else(PoisonError::into_inner).now()?)
    }

    /// The key of the machine that a target means now; none for this machine.
    ///
    /// # Errors
    /// [`ToolError::Unknown`] for a name that means nobody any more, or what keeps the list of peers from being read.
    pub fn key(&self, target: &Target) -> Result<Option<PublicKey>, ToolError> {
        let Target::Peer(name) = target else { return Ok(None) };
        self.key_of(name).map(Some)
    }

    fn key_of(&self, name: &str) -> Result<PublicKey, ToolError> {
        let peers = self.peers()?;
        if let Some(peer) = peers.by_name(name) {
            return Ok(PublicKey(peer.public_key));
        }
        // No name of a paired machine looks like what others are called.
        let said = self.memory().links.said_key(name).filter(|key| fingerprint(*key) == name);
        said.ok_or_else(|| ToolError::Unknown { name: name.to_owned(), known: target::drivable(&peers) })
    }

    /// How this machine's owner describes it.
    pub(super) fn description(&self) -> String {
        self.shared.home.description()
    }

    /// Where a call with this `peer` argument goes.
    ///
    /// # Errors
    /// [`ToolError::Unknown`], [`ToolError::Several`], or what keeps the list of peers from being read.
    pub fn target(&self, peer: Option<&str>) -> Result<Target, ToolError> {
        self.explain(peer).map(|(target, _)| target)
    }

    /// Where a call with these arguments goes, if it can go anywhere.
    pub(super) fn target_of(&self, arguments: &Value) -> Option<Target> {
        self.target(arguments.get("peer").and_then(Value::as_str)).ok()
    }

    pub(super) fn explain(&self, peer: Option<&str>) -> Result<(Target, Because), ToolError> {
        let peers = self.peers()?;
        let mut memory = self.memory();
        let used = memory.used.clone();
        let is_said = |name: &str| memory.links.said_key(name).is_some();
        let resolved = target::resolve(peer, used.as_ref(), &peers, &is_said)?;
        if let Some(Ok(Whom::At(place))) = peer.map(str::parse) {
            memory.links.say(resolved.0.name(), place);
        }
        Ok(resolved)
    }

    /// From now on calls without `peer` go there.
    pub(super) fn choose(&self, target: Target) {
        let mut memory = self.memory();
        if let Some(link) = memory.links.get(target.name()) {
            // Whoever was sent away comes back when they are asked to.
            link.forgive();
        }
        memory.used = Some(target);
    }

    /// The links that were used, and what has become of each.
    pub(super) fn links(&self) -> Vec<(String, LinkState)> {
        self.memory().links.iter().map(|(name, link)| (name.clone(), link.state())).collect()
    }

    /// What may be held: the links that were used, those of one desktop or all, and this machine's desktop. What was begun
    /// there and left for later calls is not known any more.
    pub(super) fn held(&self, only: Option<&Target>) -> (Vec<(String, Remote)>, Option<Desk>) {
        let mut memory = self.memory();
        memory.gestures.retain(|target, _| only.is_some_and(|only| target != only));
        let is_meant = |name: &str| only.is_none_or(|only| only.name() == name);
        let links = memory.links.iter().filter(|(name, _)| is_meant(name));
        let links = links.map(|(name, link)| (name.clone(), link.clone())).collect();
        (links, memory.local.clone().filter(|_| is_meant(target::LOCAL)))
    }

    /// The pictures that were shown to whoever has this session.
    pub(super) fn shots(&self) -> MutexGuard<'_, Shots> {
        self.shared.shots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a desktop can do, as far as it has been told: nothing before it was used. Asks nobody.
    pub(super) fn manifest(&self, target: &Target) -> Option<Manifest> {
        let memory = self.memory();
        match target {
            Target::Local => memory.local.as_ref().map(|desk| desk.manifest().clone()),
            Target::Peer(name) => memory.links.get(name).and_then(Remote::manifest),
        }
    }

    /// The gesture that an earlier call has begun on a desktop and left for later ones. It is not kept any more.
    pub(super) fn take_gesture(&self, target: &Target) -> Option<Gesture> {
        self.memory().gestures.remove(target)
    }

    pub(super) fn keep_gesture(&self, target: &Target, gesture: Gesture) {
        self.memory().gestures.insert(target.clone(), gesture);
    }

    pub(super) async fn sleep(&self, time: Duration) {
        if !time.is_zero() {
            self.shared.outside.sleep(time).await;
        }
    }

    /// Waits so long, unless the owner of this machine stops everything.
    ///
    /// # Errors
    /// [`ToolError::Desktop`] with `permission_denied`.
    pub(super) async fn pause(&self, time: Duration) -> Result<(), ToolError> {
        let stopped = self.shared.guard.heed()?;
        Ok(unless_stopped(&stopped, self.sleep(time)).await?)
    }

    /// Gives the desktop time to show what an action did.
    pub(super) async fn settle(&self, milliseconds: u32) {
        self.sleep(Duration::from_millis(milliseconds.min(LONGEST_SETTLE_MS).into())).await;
    }

    /// This machine's desktop.
    ///
    /// # Errors
    /// What keeps it from being opened; `cancelled` once the session was closed.
    pub(super) fn local(&self) -> Result<Desk, ToolError> {
        let mut memory = self.memory();
        if let Some(desk) = &memory.local {
            return Ok(desk.clone());
        }
        if memory.closed {
            return Err(Error::cancelled().into());
        }
        let files = Files::offered(self.shared.home.path().to_owned());
        let screen = self.shared.home.screen();
        let desk = Desk::start(crate::desktop::open(self.shared.backend)?, files, Some(&screen))?;
        memory.local = Some(desk.clone());
        Ok(desk)
    }

    /// The link to a peer, as [`target`](Self::target) calls it.
    ///
    /// # Errors
    /// [`ToolError::Unknown`] for a name that means nobody any more; `cancelled` once the session was closed.
    pub fn link(&self, name: &str) -> Result<Remote, ToolError> {
        self.reach(name, self.key_now(name)?)
    }

    /// The link to the machine that had the name when it was asked whether it may be called.
    fn link_to(&self, name: &str, meant: Option<PublicKey>) -> Result<Remote, ToolError> {
        let key = self.key_now(name)?;
        if Some(key) != meant {
            let why = format!("{name:?} is another machine than when this was begun; look before you go on");
            return Err(Error::new(ErrorCode::Cancelled, why).into());
        }
        self.reach(name, key)
    }

    /// As [`key_of`](Self::key_of). There is no link any more to a name that means nobody.
    fn key_now(&self, name: &str) -> Result<PublicKey, ToolError> {
        self.key_of(name).inspect_err(|_| self.memory().links.forget(name))
    }

    fn reach(&self, name: &str, key: PublicKey) -> Result<Remote, ToolError> {
        let mut memory = self.memory();
        if memory.closed {
            return Err(Error::cancelled().into());
        }
        let options =
            |whom| RemoteOptions { while_busy: self.while_busy, ..RemoteOptions::new(self.shared.home.clone(), whom) };
        Ok(memory.links.reach(name, key, |whom| self.shared.outside.remote(options(whom)))?)
    }

    /// Whether the owner of this machine lets a method be called, without a call of it.
    ///
    /// # Errors
    /// As [`call`](Self::call), where it may not.
    pub async fn may<M: Method>(&self, target: &Target, params: &M::Params) -> Result<(), ToolError> {
        let (meant, call) = (self.key(target)?, M::call(params.clone()));
        self.shared.guard.pass(target, meant, &call, &self.caller).await.map(drop)
    }

    /// Asks the person at this machine whether what they do may be recorded. Then what ends it: the line that the agent is told.
    ///
    /// # Errors
    /// `permission_denied`, where it may not.
    pub(super) async fn may_record(&self, what: &str, why: &str) -> Result<Receiver<String>, ToolError> {
        self.shared.guard.pass_asked(&InputSubscribe::call(()), &self.caller, (what, why)).await
    }

    /// What is recorded of what the person does, or was last and is not saved.
    pub(super) fn with_tape<T>(&self, work: impl FnOnce(&mut Option<Tape>) -> T) -> T {
        work(&mut self.memory().tape)
    }

    /// Calls a method of a desktop.
    ///
    /// # Errors
    /// [`ToolError::Desktop`] or [`ToolError::Peer`].
    pub async fn call<M: Method>(&self, target: &Target, params: &M::Params) -> Result<M::Output, ToolError> {
        self.call_within::<M>(target, params, client::CALL).await
    }

    /// Calls a method of a desktop that may take this long.
    ///
    /// # Errors
    /// [`ToolError::Desktop`] or [`ToolError::Peer`].
    pub async fn call_within<M: Method>(
        &self,
        target: &Target,
        params: &M::Params,
        limit: Duration,
    ) -> Result<M::Output, ToolError> {
        self.call_as_allowed::<M>(target, params, limit, None).await
    }

    /// Calls a method of a desktop that is a part of a gesture. The first call chooses the session of the gesture.
    ///
    /// # Errors
    /// [`ToolError::Desktop`] or [`ToolError::Peer`]; `cancelled` when the session is over in which it has begun.
    pub async fn call_held<M: Method>(
        &self,
        target: &Target,
        params: &M::Params,
        gesture: &mut Gesture,
    ) -> Result<M::Output, ToolError> {
        self.call_as_allowed::<M>(target, params, client::CALL, Some(gesture)).await
    }

    async fn call_as_allowed<M: Method>(
        &self,
        target: &Target,
        params: &M::Params,
        limit: Duration,
        gesture: Option<&mut Gesture>,
    ) -> Result<M::Output, ToolError> {
        let call = M::call(params.clone());
        let meant = self.key(target)?;
        let stopped = self.shared.guard.pass(target, meant, &call, &self.caller).await?;
        let work = Box::pin(self.carry_out::<M>(target, meant, params, call, limit, gesture));
        // The hands may have begun with it before they heard.
        unless_stopped(&stopped, work).await.inspect_err(|_| self.shared.guard.let_go())?
    }

    /// Subscribes to a stream of a peer's desktop; see [`Client::subscribe`](client::Client::subscribe). A stop of the
    /// owner's ends it.
    ///
    /// # Errors
    /// [`ToolError::Desktop`] or [`ToolError::Peer`]; this machine's own desktop has no streams.
    pub async fn subscribe<M: Method>(
        &self,
        target: &Target,
        params: &M::Params,
        credit: u32,
    ) -> Result<SessionStream<M>, ToolError> {
        let Target::Peer(name) = target else {
            return Err(Error::invalid("a stream is of a peer's desktop; this machine's is captured").into());
        };
        if !self.shared.guard.hears_of_stops() {
            let why = "a stop of the owner's would not end a stream, because the system has no room to watch for one; \
                       close other programs and try again";
            return Err(Error::new(ErrorCode::PermissionDenied, why).into());
        }
        let call = M::call(params.clone());
        let meant = self.key(target)?;
        let stopped = self.shared.guard.pass(target, meant, &call, &self.caller).await?;
        let link = self.link_to(name, meant)?;
        let subscribed = unless_stopped(&stopped, link.subscribe::<M>(params, credit)).await?;
        match subscribed {
            Ok(items) => Ok(SessionStream::new(items, stopped)),
            Err(error) => Err(ToolError::Peer { name: name.clone(), error }),
        }
    }

    async fn carry_out<M: Method>(
        &self,
        target: &Target,
        meant: Option<PublicKey>,
        params: &M::Params,
        call: Call,
        limit: Duration,
        gesture: Option<&mut Gesture>,
    ) -> Result<M::Output, ToolError> {
        match target {
            Target::Peer(name) => {
                let link = self.link_to(name, meant)?;
                let called = match gesture {
                    None => link.call_within::<M>(params, limit).await,
                    Some(gesture) => {
                        let has_begun = gesture.session.is_some();
                        let called = link.call_pinned::<M>(params, limit, &mut gesture.session).await;
                        called.map_err(|error| if has_begun { unfinished(error) } else { error })
                    }
                };
                called.map_err(|error| ToolError::Peer { name: name.clone(), error })
            }
            Target::Local => {
                let cancel = CancelOnDrop(self.shared.here.end.child());
                let desk = self.local()?;
                let (reply, answer) = async_channel::bounded(1);
                let under_way = Arc::clone(&self.shared.here.under_way);
                let reply = move |result| {
                    drop(under_way);
                    drop(reply.try_send(result));
                };
                desk.submit(call, Codec::Postcard, cancel.0.clone(), Box::new(reply));
                let result = answer.recv().await.unwrap_or_else(|_| Err(Error::cancelled()))?;
                let decoded = decode(&result);
                Ok(decoded.ok_or_else(|| Error::internal("a result of our own could not be decoded"))?)
            }
        }
    }

    /// Whether another program of this machine runs a command through a link of this session, which would end with it.
    pub async fn is_needed(&self) -> bool {
        let links: Vec<Remote> = self.memory().links.iter().map(|(_, link)| link.clone()).collect();
        join_all(links.iter().map(Remote::is_needed)).await.contains(&true)
    }

    /// Waits while [`is_needed`](Self::is_needed): for programs that have done their work.
    pub async fn linger(&self) {
        while self.is_needed().await {
            self.sleep(LINGER_LOOK).await;
        }
    }

    /// Ends every open link, politely: each host is told that the session is over. What this machine's own desktop does is
    /// cancelled, programs that run for it are killed, questions to its owner are taken away, and what is held is released.
    pub async fn close(&self) {
        let (links, local, tape) = {
            let mut memory = self.memory();
            memory.closed = true;
            (core::mem::take(&mut memory.links), memory.local.take(), memory.tape.take())
        };
        drop(tape);
        self.shared.here.end.cancel();
        let mut left = ENDS_WITHIN;
        while (!self.shared.here.is_idle() || self.shared.guard.is_asking()) && !left.is_zero() {
            self.sleep(END_LOOK).await;
            left = left.saturating_sub(END_LOOK);
        }
        if let Some(desk) = local {
            self.leave(&desk).await;
        }
        join_all(links.iter().map(|(_, link)| link.close())).await;
    }

    /// Gives this machine's desktop back as it was, but for what was done there.
    async fn leave(&self, desk: &Desk) {
        let (reply, left) = async_channel::bounded(1);
        desk.leave(move |result| drop(reply.try_send(result)));
        let kept = match left.recv().await.unwrap_or_else(|_| Err(Error::cancelled())) {
            Ok(Some(contents)) if !contents.entries.is_empty() => {
                let Some(keeper) = self.keeper.clone() else { return };
                aside(move || keeper(&contents).map_err(Error::internal)).await
            }
            left => left.map(drop).map_err(ToolError::from),
        };
        if let Err(error) = kept {
            tracing::warn!(%error, "something of this session on the desktop was not given back, or is lost with it");
        }
    }

    /// Asks for something whose answer nobody waits for: the release of a key when its call was dropped.
    pub(super) fn call_unheard<M: Method>(&self, target: &Target, params: &M::Params) {
        match target {
            Target::Local => {
                let local = self.memory().local.clone();
                if let Some(desk) = local {
                    desk.submit(M::call(params.clone()), Codec::Postcard, Cancel::new(), Box::new(drop));
                }
            }
            Target::Peer(name) => {
                if let Some(link) = self.memory().links.get(name) {
                    link.call_unheard::<M>(params);
                }
            }
        }
    }
}

/// What became of a gesture whose machine is not there any more, where the failure alone does not say it.
fn unfinished(error: ClientError) -> ClientError {
    match error {
        ClientError::Unreachable { .. } | ClientError::Timeout { .. } => {
            let why = format!("{error}; what was begun there was not finished, so look before you go on");
            ClientError::Call(Error::new(ErrorCode::Timeout, why))
        }
        error => error,
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

    fn end_programs(&self) {
        let local = self.memory().local.clone();
        if let Some(desk) = local {
            desk.release_all(drop);
        }
    }

    fn hang_up(&self) {
        for (_, link) in self.memory().links.iter() {
            link.hang_up();
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
