//! A desktop on show: one stream of its pictures for several viewers, and its mouse and keyboard for one of them at a
//! time. What a viewer is, a page in a browser or anything else, is the business of whoever carries the packets to it.
//!
//! All calls go through a [`Session`], so this machine's owner is asked, obeyed and can stop it as with an agent's.

mod feed;
mod hands;
mod input;
mod packet;
mod reel;
mod status;

use core::fmt;
use core::pin::pin;
use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_channel::{Receiver, Sender, bounded, unbounded};
use futures_util::future::{Either, join, select};

use self::feed::Painted;
use self::hands::Order;
pub use self::input::{Batch, Event, InputError, MOST_EVENTS};
pub use self::packet::Packet;
use self::reel::{Due, Reel};
pub use self::status::{Link, Status};
use crate::runtime::{Runtime, timeout};
use crate::tools::{Session, Target};

/// Viewers at the same time. Each costs what it has not taken yet, and a person has fewer windows.
pub const MOST_VIEWERS: usize = 8;

/// How often a viewer to whom there is nothing to say is told so: whoever carries it notices a dead one by that.
const BEAT: Duration = Duration::from_secs(20);

/// What is shown, and what viewers may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ViewOptions {
    /// Whether viewers may use the desktop's mouse and keyboard.
    pub control: bool,
    /// Whether the desktop's mouse pointer is drawn into the pictures. A host cannot sleep then: it has to look where the
    /// pointer is.
    pub cursor: bool,
    /// Pictures a second at most, 1 to 60.
    pub fps: u32,
}

/// A desktop on show. Clones are the same one.
pub struct View<R> {
    inner: Arc<Inner<R>>,
}

impl<R> Clone for View<R> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

impl<R> fmt::Debug for View<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View").field("target", &self.inner.target).finish_non_exhaustive()
    }
}

struct Inner<R> {
    runtime: R,
    session: Arc<Session>,
    target: Target,
    options: ViewOptions,
    shared: Mutex<Shared>,
    painted: Arc<Mutex<Painted>>,
    /// Wakes the feed: somebody came, went, or asked for another try.
    wake: (Sender<()>, Receiver<()>),
    orders: (Sender<Order>, Receiver<Order>),
    /// Closed in the end, which wakes whoever waits for something to come out of it.
    open: (Sender<()>, Receiver<()>),
}

/// What viewers, feed and hands know of each other.
#[derive(Default)]
struct Shared {
    viewers: BTreeMap<ViewerId, Seat>,
    last_viewer: u64,
    status: Status,
    /// Counts what the status has been.
    status_serial: u64,
    /// Who asked for another try since the feed gave up.
    again: bool,
    reel: Reel,
    /// Who has mouse and keyboard.
    driver: Option<ViewerId>,
}

/// One viewer, as the others know it.
struct Seat {
    poke: Sender<()>,
    /// Ends with the viewer.
    gone: Receiver<()>,
}

/// Names a viewer while the [`View`] lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ViewerId(pub u64);

impl Shared {
    fn poke_all(&self) {
        for seat in self.viewers.values() {
            // One that waits already will look at all there is.
            let _poked = seat.poke.try_send(()).is_ok();
        }
    }

    fn set_status(&mut self, status: Status) {
        if self.status != status {
            self.status = status;
            self.status_serial += 1;
            self.poke_all();
        }
    }

    fn set_driver(&mut self, driver: Option<ViewerId>) {
        if self.driver != driver {
            self.driver = driver;
            self.poke_all();
        }
    }
}

impl<R: Runtime> View<R> {
    /// Puts a desktop on show. Nothing is asked of it before somebody looks and [`run`](Self::run) runs.
    #[must_use]
    pub fn new(runtime: R, session: Arc<Session>, target: Target, options: ViewOptions) -> Self {
        let (shared, painted) = (Mutex::default(), Arc::default());
        let inner = Inner {
            runtime,
            session,
            target,
            options,
            shared,
            painted,
            wake: bounded(1),
            orders: unbounded(),
            open: bounded(1),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Follows the desktop while somebody looks, and does to it what its driver wants, until [`close`](Self::close) is
    /// called. Then what is held down is released.
    pub async fn run(&self) {
        let feed = unless(self.closed(), self.inner.follow());
        join(feed, self.inner.serve_hands()).await;
    }

    /// Ends the show: viewers get no more packets and [`run`](Self::run) returns.
    pub fn close(&self) {
        self.inner.open.0.close();
        self.inner.orders.0.close();
        self.inner.shared().poke_all();
    }

    /// Waits for the end of the show.
    pub async fn closed(&self) {
        self.inner.closed().await;
    }

    /// Somebody begins to look; `None` while [`MOST_VIEWERS`] do so already.
    #[must_use]
    pub fn join(&self) -> Option<Viewer<R>> {
        let (poke, poked) = bounded(1);
        let (alive, gone) = bounded(1);
        let mut shared = self.inner.shared();
        if shared.viewers.len() >= MOST_VIEWERS {
            return None;
        }
        shared.last_viewer += 1;
        let id = ViewerId(shared.last_viewer);
        shared.viewers.insert(id, Seat { poke, gone });
        drop(shared);
        self.inner.wake();
        let told = Told::default();
        Some(Viewer { view: self.clone(), id, poked, _alive: alive, told, version: 0 })
    }

    /// Whether viewers may use mouse and keyboard.
    #[must_use]
    pub fn takes_input(&self) -> bool {
        self.inner.options.control
    }

    /// Does to the desktop what a viewer wants, in order, and waits until it is done.
    ///
    /// # Errors
    /// [`InputError`], one line each.
    pub async fn input(&self, batch: Batch) -> Result<(), InputError> {
        if !self.takes_input() {
            return Err(InputError::LookOnly);
        }
        let (reply, answer) = bounded(1);
        // A full or closed channel has dropped the reply, which answers below.
        drop(self.inner.orders.0.try_send(Order::Batch { batch, reply }));
        answer.recv().await.unwrap_or(Err(InputError::Over))
    }

    /// Tries again to reach a desktop that was given up.
    pub fn try_again(&self) {
        self.inner.shared().again = true;
        self.inner.wake();
    }
}

impl<R> Inner<R> {
    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake(&self) {
        // One that waits already is as good.
        let _woken = self.wake.0.try_send(()).is_ok();
    }

    fn is_closed(&self) -> bool {
        self.open.0.is_closed()
    }

    async fn closed(&self) {
        // Nothing is ever sent.
        let _end = self.open.1.recv().await;
    }
}

/// What a viewer was told last.
#[derive(Default)]
struct Told {
    greeted: bool,
    status_serial: Option<u64>,
    drives: Option<bool>,
}

/// Somebody who looks. Dropping it ends that, and releases what it holds down.
pub struct Viewer<R: Runtime> {
    view: View<R>,
    id: ViewerId,
    poked: Receiver<()>,
    _alive: Sender<()>,
    told: Told,
    /// Of the picture that it has.
    version: u64,
}

impl<R: Runtime> fmt::Debug for Viewer<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Viewer").field("id", &self.id).finish_non_exhaustive()
    }
}

impl<R: Runtime> Viewer<R> {
    /// The next packet for it; `None` when the show is over. A viewer that asks rarely gets fewer and newer pictures.
    pub async fn next(&mut self) -> Option<Packet> {
        loop {
            let inner = Arc::clone(&self.view.inner);
            if inner.is_closed() {
                return None;
            }
            if let Some(packet) = self.news() {
                return Some(packet);
            }
            let due = inner.shared().reel.due(self.version);
            match due {
                Due::Packet { version, packet } => {
                    self.version = version;
                    return Some(packet);
                }
                Due::Whole => {
                    let (version, packet) = inner.whole().await;
                    self.version = version;
                    if packet.is_some() {
                        return packet;
                    }
                }
                Due::Nothing => {
                    if timeout(&inner.runtime, BEAT, self.poked.recv()).await.is_none() {
                        return Some(Packet::beat());
                    }
                }
            }
        }
    }

    /// What it has to be told besides pictures.
    fn news(&mut self) -> Option<Packet> {
        let inner = &self.view.inner;
        if !core::mem::replace(&mut self.told.greeted, true) {
            return Some(Packet::hello(self.id, inner.target.name(), inner.options.control));
        }
        let shared = inner.shared();
        if self.told.status_serial.replace(shared.status_serial) != Some(shared.status_serial) {
            return Some(Packet::status(&shared.status));
        }
        let drives = shared.driver == Some(self.id);
        (self.told.drives.replace(drives) != Some(drives)).then(|| Packet::drives(drives))
    }
}

impl<R: Runtime> Drop for Viewer<R> {
    fn drop(&mut self) {
        let inner = &self.view.inner;
        inner.shared().viewers.remove(&self.id);
        drop(inner.orders.0.try_send(Order::Gone(self.id)));
        inner.wake();
    }
}

/// The future, unless something else comes first.
async fn unless<T>(something: impl Future<Output = ()>, future: impl Future<Output = T>) -> Option<T> {
    match select(pin!(something), pin!(future)).await {
        Either::Left(_) => None,
        Either::Right((output, _)) => Some(output),
    }
}
