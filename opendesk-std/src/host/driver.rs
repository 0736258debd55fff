//! The event loop of a host.

use core::future::poll_fn;
use core::net::SocketAddr;
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Instant;

use async_channel::{Receiver, Sender};
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{Stream, StreamExt};
use opendesk_core::trace::Recorder;
use serde_json::Value;

use opendesk_core::{
    BodyId, Delivery, Event, LinkId, Misuse, Outcome, PairingEnd, PublicKey, Reason, RequestId, Succession, Wire,
    limits,
};

use super::admin::Admin;
use super::announced::Announced;
use super::calls::Done;
use super::handle::{Command, HostHandle};
use super::held::Queue;
use super::link::{Link, Orphan, Transport, address_bytes};
use super::logged;
use super::notice::Notice;
use super::programs::Programs;
use super::recent::Recent;
use super::signs::Signs;
use super::stopping::policy_of;
use super::{HostOptions, LINKS, StartError};
use crate::api::{Error, ErrorCode};
use crate::desktop::Desk;
use crate::govern::ask::Approver;
use crate::govern::audit::AuditLog;
use crate::govern::control::{self, Switch};
use crate::govern::{Govern, Peer, Throttle, rules};
use crate::home::{AUDIT, Home, Identity, Peers, Role, ServeLock, Watcher};
use crate::os::Files;
use crate::recording::FileTape;
use crate::runtime::{Alarm, Listener, Runtime};
use crate::socket::{Received, Socket, grow};
use crate::{clock, seed};

/// Rounds of work before other tasks of the thread get a turn.
const BUDGET: usize = 32;

/// Messages of one link in one round, so that a busy link leaves the others theirs.
const MESSAGES: usize = 16;

/// The files of the home that the owner, or a program of theirs, may change at any time.
const WATCHED: [&str; 6] = [control::FILE, rules::FILE, "trusted-peers.json", "peers.json", "description.txt", AUDIT];

/// Links that may be on their way out, beyond those that the protocol's machine counts.
const LEAVING: usize = 64;

/// How long nobody is accepted after the listener failed.
const RECOVERY: Duration = Duration::from_millis(100);

/// How long a stopping host waits for its links to hear that it stops.
const STOPPING: Duration = limits::LINGER;

/// A host that listens. [`Server::run`] is its event loop.
pub struct Server<R: Runtime> {
    pub(super) runtime: R,
    pub(super) host: Box<Recorder<FileTape, LINKS>>,
    /// Whether the keys on disk are being changed.
    pub(super) rekeying: bool,
    /// How this machine came to the keys that it has.
    pub(super) successions: Vec<Succession>,
    pub(super) links: BTreeMap<LinkId, Link<R::Stream>>,
    pub(super) desk: Desk,
    pub(super) govern: Govern,
    pub(super) home: Home,
    pub(super) done: Sender<Done>,
    finished: Pin<Box<Receiver<Done>>>,
    /// What waits for the disk, away from this loop.
    elsewhere: FuturesUnordered<BoxFuture<'static, Option<Done>>>,
    listener: R::Listener,
    pub(super) address: SocketAddr,
    pub(super) admin: Option<Admin<R>>,
    handle: HostHandle,
    pub(super) commands: Pin<Box<Receiver<Command>>>,
    notices: (Sender<Notice>, Receiver<Notice>),
    /// The same for the owner's programs that follow.
    pub(super) told: (Sender<Value>, Receiver<Value>),
    /// Shows them on the desktop, where that is wanted.
    signs: Option<Signs>,
    /// Tells the network of this host, where that is wanted and can be done.
    pub(super) announced: Option<Announced>,
    alarm: Alarm<R::Timer>,
    epoch: Instant,
    buf: Vec<u8>,
    stopping: Option<Instant>,
    /// Calls that the desk has and has not reported, cancelled ones too, and bytes of their parameters.
    pub(super) submitted: (usize, usize),
    /// Calls that nobody waits for and that the desk has.
    pub(super) orphans: BTreeMap<(LinkId, RequestId), Orphan>,
    /// The last session while what it started is still at work, and until when that is waited for.
    pub(super) letting_go: Option<(LinkId, Instant)>,
    /// What recent operations gave.
    pub(super) recent: Recent,
    /// What sessions have started and read while it runs.
    pub(super) programs: Programs,
    /// What waits for the owner.
    pub(super) queue: Queue,
    /// Asks the owner.
    pub(super) approver: Arc<dyn Approver>,
    /// How long the owner is given to answer, where the policy does not say.
    pub(super) patience: Option<Duration>,
    /// What the status calls the policy.
    pub(super) approve: &'static str,
    /// For how long no controller may act after the person at the machine has used it.
    pub(super) pause: Option<Duration>,
    pub(super) left_alone_until: Option<Instant>,
    /// Which policy.json was there when it was last looked at.
    pub(super) policy: String,
    /// The list of peers when it was last looked at.
    pub(super) known: BTreeMap<PublicKey, Peer>,
    /// Peers whom the owner has unpaired and whom the list still has, because it could not be written.
    pub(super) banished: HashSet<PublicKey>,
    /// Changes of the list of peers that are under way here, and whether somebody else may have changed it meanwhile.
    pub(super) own_changes: (usize, bool),
    /// Until when the code is valid that is shown.
    pub(super) shown_until: Option<Instant>,
    /// What whoever proves it may do, and for how long it is trusted.
    pub(super) offered: (Role, Option<Duration>),
    /// What is said of strangers.
    pub(super) strangers: Throttle,
    /// Whether something happened that another part of the loop has yet to see.
    pub(super) restless: bool,
    /// Set after an error of the listener: nobody is accepted before that.
    accepts_from: Option<Instant>,
    /// Counts the codes that were to be shown, and those that were taken back.
    pub(super) showings: u64,
    /// Name and words of the last peer that paired.
    pub(super) newcomer: Option<(String, String)>,
    _watcher: Watcher,
    _lock: ServeLock,
}

impl<R: Runtime> core::fmt::Debug for Server<R> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Server")
            .field("address", &self.address)
            .field("links", &self.links.len())
            .finish_non_exhaustive()
    }
}

impl<R: Runtime> Server<R> {
    /// Takes the home directory, starts the desktop's threads and listens.
    ///
    /// # Errors
    /// [`StartError`], one line each.
    pub fn start(runtime: R, options: HostOptions) -> Result<Self, StartError> {
        let HostOptions { listen, home, computer, files, policy, audit, record, oldest, .. } = options;
        let HostOptions { approver, patience, approve, pause_on_local_input: pause, notifications, announce, .. } =
            options;
        let lock = home.lock_for_serving().map_err(|error| StartError::Home(error.to_string()))?;
        let identity = home.identity().map_err(|error| StartError::Home(error.to_string()))?;
        if let Err(error) = Peers::drop_former_names(&home) {
            tracing::warn!(%error, "rules on a machine that was renamed hold for its former name as well for now");
        }
        let log = match audit {
            true => {
                let signer = identity.keys.signing_key.clone();
                let opened = AuditLog::open(&home.audit_dir(), clock::wall, signer);
                Some(opened.map_err(|error| StartError::Home(error.to_string()))?)
            }
            false => None,
        };
        let listener = runtime.listen(listen).map_err(|error| StartError::Listen { address: listen, error })?;
        let address = listener.local_addr().map_err(|error| StartError::Listen { address: listen, error })?;
        let admin = Admin::start(&runtime, &home).map_err(StartError::Home)?;
        let mut govern = Govern::new(policy, Some(Switch::new(&home)), log);
        let seen = policy_of(&home);
        let files = files.then(|| Files::offered(home.path().to_owned())).flatten();
        let signs = notifications.then(|| Signs::start(Arc::clone(&computer))).transpose().map_err(StartError::Home)?;
        let person = Arc::clone(&computer);
        let desk = Desk::start(computer, files, Some(&home.screen())).map_err(StartError::Desktop)?;
        let seed = seed::fresh().map_err(StartError::Home)?;
        let tape = record.map(|path| FileTape::create(&path)).transpose().map_err(StartError::Record)?;
        let (commands, orders) = async_channel::bounded(64);
        let (done, finished) = async_channel::unbounded();
        if pause.is_some() {
            let used = done.clone();
            if !person.watch_person(Box::new(move || drop(used.try_send(Done::PersonUsed)))) {
                return Err(StartError::Person { backend: person.name() });
            }
        }
        let changed = done.clone();
        let watcher = Watcher::start(&home, &WATCHED, move || drop(changed.try_send(Done::HomeChanged)))
            .map_err(|error| StartError::Home(format!("{} cannot be watched: {error}", home.path().display())))?;
        tracing::info!(%address, approve, backend = person.name(), home = %home.path().display(), "a host starts");
        govern.host_started(&address.to_string(), person.name(), approve);
        let announced = announce.then(|| Announced::start(&home, &identity, address)).flatten();
        // What was said while nobody looked counts from the beginning.
        drop(done.try_send(Done::HomeChanged));
        Ok(Self {
            alarm: Alarm::new(runtime.timer()),
            epoch: runtime.now(),
            host: machine(&identity, seed, oldest, tape),
            rekeying: false,
            successions: identity.successions(),
            links: BTreeMap::new(),
            desk,
            govern,
            home,
            done,
            finished: Box::pin(finished),
            elsewhere: FuturesUnordered::new(),
            listener,
            address,
            admin,
            handle: HostHandle { commands },
            commands: Box::pin(orders),
            notices: async_channel::bounded(256),
            told: async_channel::bounded(256),
            signs,
            announced,
            buf: vec![0; limits::RECORD_BYTES],
            stopping: None,
            submitted: (0, 0),
            orphans: BTreeMap::new(),
            letting_go: None,
            recent: Recent::default(),
            programs: Programs::new(),
            queue: Queue::default(),
            approver,
            patience,
            approve,
            pause,
            left_alone_until: None,
            policy: seen,
            known: BTreeMap::new(),
            banished: HashSet::new(),
            own_changes: (0, false),
            shown_until: None,
            offered: (Role::Full, None),
            strangers: Throttle::default(),
            restless: false,
            accepts_from: None,
            showings: 0,
            newcomer: None,
            _watcher: watcher,
            _lock: lock,
            runtime,
        })
    }

    /// The address that it listens on.
    #[must_use]
    pub const fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Steers the server while it runs.
    #[must_use]
    pub fn handle(&self) -> HostHandle {
        self.handle.clone()
    }

    /// What happens on the host. Notices that nobody reads are dropped after 256.
    #[must_use]
    pub fn notices(&self) -> Receiver<Notice> {
        self.notices.1.clone()
    }

    /// Runs until [`HostHandle::stop`]. Dropping the future is safe at any moment: what is held is released.
    pub async fn run(mut self) {
        poll_fn(|cx| self.poll(cx)).await;
    }

    pub(super) fn notify(&self, notice: Notice) {
        logged::log(&notice);
        if let Some(signs) = &self.signs {
            signs.show(&notice);
        }
        if self.is_watched() {
            drop(self.told.0.try_send(notice.event()));
        }
        drop(self.notices.0.try_send(notice));
    }

    pub(super) fn now(&self) -> opendesk_core::Instant {
        let micros = self.runtime.now().saturating_duration_since(self.epoch).as_micros();
        opendesk_core::Instant::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        for _ in 0..BUDGET {
            let mut progress = self.poll_commands(cx);
            progress |= self.poll_done(cx);
            progress |= self.poll_accept(cx);
            progress |= self.poll_admin(cx);
            let ids: Vec<LinkId> = self.links.keys().copied().collect();
            for id in ids {
                progress |= self.poll_link(cx, id);
            }
            self.poll_events();
            progress |= self.poll_time(cx);
            progress |= self.tell_followers();
            progress |= core::mem::take(&mut self.restless);
            let idle = self.elsewhere.is_empty() && self.orphans.is_empty() && self.programs.is_idle();
            let over = self.links.is_empty() && self.host.is_idle() && idle;
            if self.stopping.is_some_and(|by| over || self.runtime.now() >= by) {
                return Poll::Ready(());
            }
            if !progress {
                // Nothing is to be done: time to write.
                if let Some(tape) = self.host.tape() {
                    tape.flush();
                }
                return Poll::Pending;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Has something done away from this loop.
    pub(super) fn send_away(&mut self, work: BoxFuture<'static, Option<Done>>) {
        self.elsewhere.push(work);
        self.restless = true;
    }

    pub(super) fn stop(&mut self) {
        if self.stopping.is_some() {
            return;
        }
        let now = self.now();
        self.stopping = Some(self.runtime.now() + STOPPING);
        self.settle_strangers(true);
        self.take_back();
        if let Some(announced) = self.announced.take() {
            self.send_away(Box::pin(announced.end()));
        }
        let ids: Vec<LinkId> = self.links.keys().copied().collect();
        for id in ids {
            self.host.close(now, id, Reason::SHUTDOWN);
        }
    }

    fn poll_done(&mut self, cx: &mut Context<'_>) -> bool {
        let mut progress = false;
        while let Poll::Ready(Some(done)) = self.finished.as_mut().poll_next(cx) {
            self.finish(done);
            progress = true;
        }
        while let Poll::Ready(Some(done)) = self.elsewhere.poll_next_unpin(cx) {
            if let Some(done) = done {
                self.finish(done);
            }
            progress = true;
        }
        progress
    }

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> bool {
        if self.accepts_from.is_some_and(|from| self.runtime.now() >= from) {
            self.accepts_from = None;
        }
        if self.stopping.is_some() || self.accepts_from.is_some() {
            return false;
        }
        match self.listener.poll_accept(cx) {
            Poll::Pending => false,
            Poll::Ready(Err(error)) => {
                // A connection that was gone before it was accepted; or there are no file descriptors, and trying
                // again at once would do nothing but that.
                tracing::warn!(%error, "a connection could not be accepted");
                self.accepts_from = Some(self.runtime.now() + RECOVERY);
                true
            }
            Poll::Ready(Ok((stream, address))) => {
                match self.host.open(self.now(), address_bytes(address)) {
                    Ok(id) => drop(self.links.insert(id, Link::new(stream, address))),
                    Err(refusal) => tracing::debug!(?refusal, ?address, "a connection was turned away"),
                }
                true
            }
        }
    }

    fn poll_link(&mut self, cx: &mut Context<'_>, id: LinkId) -> bool {
        let (now, clock) = (self.now(), self.runtime.now());
        let Some(link) = self.links.get_mut(&id) else { return false };
        if let Some(by) = link.leaves_by {
            let over = link.poll_leave(cx).is_ready() || clock >= by;
            if over {
                self.links.remove(&id);
            }
            return over;
        }
        match &mut link.transport {
            Transport::Gone => false,
            Transport::Upgrading(upgrade) => match upgrade.as_mut().poll(cx) {
                Poll::Pending => false,
                Poll::Ready(Some(stream)) => {
                    link.transport = Transport::Open(Box::new(Socket::new(stream)));
                    true
                }
                Poll::Ready(None) => {
                    link.transport = Transport::Gone;
                    self.host.handle_eof(now, id);
                    true
                }
            },
            Transport::Open(_) => {
                self.transmit(cx, id);
                let mut messages = 0;
                while messages < MESSAGES && self.receive(cx, id, now) {
                    messages += 1;
                    // What the message means for other links comes before the next message.
                    self.poll_events();
                    self.fill(cx, id);
                }
                if messages > 0 {
                    self.flush(cx, id);
                }
                // The socket wakes us for what comes next, so another round would find nothing here.
                messages == MESSAGES
            }
        }
    }

    fn transmit(&mut self, cx: &mut Context<'_>, id: LinkId) {
        self.fill(cx, id);
        self.flush(cx, id);
    }

    /// Hands what there is to send to the link while it has room. Answers that come together go to the network together.
    fn fill(&mut self, cx: &mut Context<'_>, id: LinkId) {
        let Some(link) = self.links.get_mut(&id) else { return };
        let Transport::Open(socket) = &mut link.transport else { return };
        let filled = socket.fill(cx, &mut self.buf, |buf| {
            grow(buf, self.host.transmit_bytes(id));
            self.host.poll_transmit(id, &mut link.bodies, buf)
        });
        if filled.is_err() {
            let now = self.now();
            self.host.handle_eof(now, id);
        }
    }

    fn flush(&mut self, cx: &mut Context<'_>, id: LinkId) {
        let Some(Link { transport: Transport::Open(socket), .. }) = self.links.get_mut(&id) else { return };
        if matches!(socket.poll_flush(cx), Poll::Ready(Err(_))) {
            let now = self.now();
            self.host.handle_eof(now, id);
        }
    }

    fn receive(&mut self, cx: &mut Context<'_>, id: LinkId, now: opendesk_core::Instant) -> bool {
        if !self.host.wants_input(id) {
            return false;
        }
        let Some(Link { transport: Transport::Open(socket), .. }) = self.links.get_mut(&id) else { return false };
        let Poll::Ready(received) = socket.poll_receive(cx) else { return false };
        match received {
            Received::Message(mut message) => match self.host.handle_message(now, id, &mut message) {
                Delivery::Nothing => {}
                Delivery::Claim(claim) => self.look_up(&claim),
                Delivery::Hello(proved) => self.welcome(now, &proved),
                Delivery::Request(part) => self.request(&part),
            },
            Received::Control => self.host.handle_alive(now, id),
            Received::Foreign => self.host.close(now, id, Reason::MISBEHAVED),
            Received::End => self.host.handle_eof(now, id),
        }
        true
    }

    pub(super) fn poll_events(&mut self) {
        while let Some(event) = self.host.poll_event() {
            self.restless = true;
            match event {
                Event::GreetingDue { link, verdict } => self.greeting_due(link, verdict),
                Event::SessionOpened { link, peer } => self.session_opened(link, peer),
                Event::SessionEnded { link, reason, .. } => self.session_ended(link, reason),
                Event::CallCancelled { link, call } => self.cancelled(link, call),
                // Every round looks after the streams.
                Event::StreamReady { .. } => {}
                Event::WrongCode { link, tries_left } => self.wrong_code(link, tries_left),
                Event::PairingEnded(end) => self.pairing_ended(end),
                Event::LinkClosed { link, reason } => {
                    self.reject_garbled(link, reason);
                    self.link_closed(link);
                }
                Event::ProbeDue { link } => self.probe(link),
            }
        }
    }

    fn wrong_code(&mut self, link: LinkId, tries_left: u8) {
        let address = self.links.get(&link).map(|link| link.address.clone()).unwrap_or_default();
        self.govern.trust("pairing.wrong_code", None, &format!("from {address}, {tries_left} tries left"));
        self.notify(Notice::WrongCode { address, tries_left });
    }

    fn pairing_ended(&mut self, end: PairingEnd) {
        let how = match end {
            PairingEnd::Paired => "paired",
            PairingEnd::WrongCodes => "three wrong codes",
            PairingEnd::Expired => "expired",
            PairingEnd::Closed => "closed by the owner",
        };
        self.shown_until = None;
        self.govern.trust("pairing.closed", None, how);
        if let Some(admin) = &mut self.admin {
            admin.pairing_ended(end, self.newcomer.take());
        }
        self.notify(Notice::PairingEnded(end));
    }

    fn link_closed(&mut self, id: LinkId) {
        let now = self.runtime.now();
        let leaving = self.links.values().filter(|link| link.leaves_by.is_some()).count();
        if leaving >= LEAVING {
            self.links.remove(&id);
        } else if let Some(link) = self.links.get_mut(&id) {
            link.leave(now);
        }
    }

    fn probe(&mut self, id: LinkId) {
        if let Some(Link { transport: Transport::Open(socket), .. }) = self.links.get_mut(&id) {
            socket.ping();
        }
    }

    fn poll_time(&mut self, cx: &mut Context<'_>) -> bool {
        let now = self.now();
        let deadline = self.host.poll_timeout();
        if deadline.is_some_and(|deadline| now >= deadline.at) {
            self.host.handle_timeout(now);
            // A ping that is due is sent by the next round.
            return true;
        }
        let protocol = deadline.map(|deadline| self.epoch + Duration::from_micros(deadline.at.micros()));
        let links = self.links.values().filter_map(|link| link.leaves_by).min();
        let streams = self.advance_streams();
        // Before anything that waits goes on.
        let (paused, trusted) = (self.end_pause(), self.expire());
        self.poll_events();
        let held = self.advance_held();
        self.watch_audit();
        self.let_in();
        let strangers = self.settle_strangers(false);
        let letting_go = self.letting_go.map(|(_, by)| by);
        let first = [protocol, links, streams, held, paused, trusted, strangers, letting_go];
        let first = first.into_iter().chain([self.stopping, self.accepts_from]).flatten().min();
        first.is_some_and(|at| self.alarm.poll(cx, at))
    }

    /// Says loudly that the log cannot be written, once, and that it can again.
    fn watch_audit(&mut self) {
        if let Some(trouble) = self.govern.trouble() {
            self.notify(Notice::AuditFailing(trouble));
        }
    }

    /// Answers a call of a controller, if it still waits for the answer.
    pub(super) fn answer(&mut self, id: LinkId, call: RequestId, method: &str, result: Result<Vec<u8>, Error>) {
        let result = result.and_then(|body| {
            if body.len() > limits::BODY_BYTES {
                let text = format!("the result has {} bytes, more than 16 MiB; ask for a smaller part", body.len());
                return Err(Error::new(ErrorCode::LimitExceeded, text));
            }
            Ok(body)
        });
        let Some(link) = self.links.get_mut(&id) else { return };
        if let (Some(operation), Some(session)) = (link.operations.remove(&call), &link.session) {
            self.recent.keep(session.subject.peer.key, operation, &result);
        }
        let (codec, desk) = (link.codec, &self.desk);
        let failure =
            |error: &Error| (Outcome::Error(error.code), codec.error(error, method, &desk.manifest().backend));
        let (outcome, body) = match result {
            Ok(body) => (Outcome::Ok, body),
            Err(error) => failure(&error),
        };
        match self.host.respond(id, call, outcome, body.len()) {
            Ok(()) => link.bodies.insert(BodyId::Call(call), body),
            Err(Misuse::TooManyAnswers) => {
                let error = Error::new(ErrorCode::LimitExceeded, Misuse::TooManyAnswers.to_string());
                let (outcome, body) = failure(&error);
                if self.host.respond(id, call, outcome, body.len()).is_ok() {
                    link.bodies.insert(BodyId::Call(call), body);
                }
            }
            // Cancelled meanwhile.
            Err(_) => {}
        }
    }
}

/// The protocol's machine as it would be had it run through every change of keys.
fn machine(
    identity: &Identity,
    seed: [u8; 32],
    oldest: Wire,
    tape: Option<FileTape>,
) -> Box<Recorder<FileTape, LINKS>> {
    let mut keys = identity.former.iter().chain([&identity.keys]).cloned();
    let first = keys.next().unwrap_or_else(|| identity.keys.clone());
    let mut machine = Box::new(Recorder::new(first, seed, tape));
    keys.for_each(|successor| machine.rotate(successor));
    machine.set_oldest(oldest);
    machine
}
