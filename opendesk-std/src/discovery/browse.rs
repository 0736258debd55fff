//! Looking for hosts.

use core::fmt;
use core::time::Duration;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::Instant;

use async_channel::{Receiver, Sender};
use mdns_sd::{Receiver as Events, RecvTimeoutError, ServiceDaemon, ServiceEvent};
use opendesk_core::PublicKey;

use super::daemon::{self, Health, error_of};
use super::record::Found;
use super::seen::Seen;
use super::{DiscoveryError, SERVICE};
use crate::clock;

/// What was seen and not taken. With more than that nothing is heard until some of it is taken.
const WAITING: usize = 256;

/// How often the daemon is looked after, and how long one lives at least: whoever floods the network gets no more than
/// one new daemon a second.
const LOOK: Duration = Duration::from_secs(1);

/// How long everybody is given to be heard of by a new daemon: it asks at once, after one second and after three.
const ANEW: Duration = Duration::from_secs(5);

/// Something about a host. Whoever is on the network can make it so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sighting {
    /// A host is there, or something that it says has changed.
    Seen(Found),
    /// A host says that it goes, or has not been heard of for as long as it said it would stay.
    Gone {
        /// What it calls itself: one line.
        name: String,
        /// The key that it said it has; `None` when there were too many hosts to remember it.
        key: Option<PublicKey>,
    },
}

/// Looks for hosts on every network of this machine until it is dropped.
///
/// It remembers 1,024 hosts, and starts anew when what is on the network is more than it keeps.
pub struct Browser {
    sightings: Receiver<Sighting>,
    daemon: Shared,
    /// The thread sees it dropped.
    _end: mpsc::Sender<()>,
}

impl fmt::Debug for Browser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Browser").finish_non_exhaustive()
    }
}

impl Browser {
    /// Begins to look. Every host that is there is seen, first one after the other as they answer.
    ///
    /// # Errors
    /// [`DiscoveryError`] where the port of multicast DNS cannot be had, or no thread. A machine without a network is
    /// no error: it may get one.
    pub fn start() -> Result<Self, DiscoveryError> {
        let (daemon, events) = listen()?;
        let (tell, sightings) = async_channel::bounded(WAITING);
        let shared = Shared(Arc::new(Mutex::new(Some(daemon))));
        let (end, ended) = mpsc::channel();
        let watch = Watch { daemon: shared.clone(), tell, ended, seen: Seen::default() };
        // Dropped where there is no thread, which ends the daemon.
        let browser = Self { sightings, daemon: shared, _end: end };
        thread::Builder::new()
            .name("opendesk-browser".to_owned())
            .spawn(move || watch.run(events))
            .map_err(|error| DiscoveryError(format!("no thread could be started: {error}")))?;
        Ok(browser)
    }

    /// The next sighting; `None` when there will be none any more, because the system gives what is needed no more.
    pub async fn next(&mut self) -> Option<Sighting> {
        self.sightings.recv().await.ok()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        self.sightings.close();
        if let Some(daemon) = self.daemon.take() {
            drop(daemon.shutdown());
        }
    }
}

/// The daemon that listens now, for whoever ends it first.
#[derive(Clone)]
struct Shared(Arc<Mutex<Option<ServiceDaemon>>>);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Option<ServiceDaemon>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Option<ServiceDaemon> {
        self.lock().take()
    }

    fn put(&self, daemon: ServiceDaemon) {
        *self.lock() = Some(daemon);
    }

    fn health(&self) -> Health {
        let daemon = self.lock().clone();
        daemon.map_or(Health::Done, |daemon| daemon::health(&daemon))
    }
}

fn listen() -> Result<(ServiceDaemon, Events<ServiceEvent>), DiscoveryError> {
    let daemon = daemon::start()?;
    let events = daemon.browse(SERVICE).map_err(|error| error_of(&error))?;
    Ok((daemon, events))
}

/// What the thread has.
struct Watch {
    daemon: Shared,
    tell: Sender<Sighting>,
    ended: mpsc::Receiver<()>,
    seen: Seen,
}

impl Watch {
    fn run(mut self, mut events: Events<ServiceEvent>) {
        let mut look = clock::monotonic() + LOOK;
        let mut since = clock::monotonic();
        // When those are told of as gone that a new daemon has not heard of.
        let mut settled: Option<Instant> = None;
        while !self.tell.is_closed() {
            let mut is_over = false;
            match events.recv_timeout(look.saturating_duration_since(clock::monotonic())) {
                Ok(event) => self.hear(event),
                Err(RecvTimeoutError::Timeout) => {}
                // More came at once than it keeps for us.
                Err(RecvTimeoutError::Disconnected) => is_over = true,
            }
            let now = clock::monotonic();
            if now >= look {
                look = now + LOOK;
                is_over |= self.daemon.health() == Health::Done;
                if settled.is_some_and(|settled| now >= settled) {
                    settled = None;
                    let gone = self.seen.forget_unheard();
                    self.say(gone);
                }
            }
            if is_over && !self.tell.is_closed() {
                let Some(anew) = self.listen_anew(since + LOOK) else { break };
                events = anew;
                since = clock::monotonic();
                (look, settled) = (since + LOOK, Some(since + ANEW));
            }
        }
        if let Some(daemon) = self.daemon.take() {
            drop(daemon.shutdown());
        }
    }

    fn hear(&mut self, event: ServiceEvent) {
        match event {
            ServiceEvent::ServiceResolved(resolved) => {
                let found = Found::read(&resolved).and_then(|found| self.seen.see(&resolved.fullname, found));
                self.say(found);
            }
            ServiceEvent::ServiceRemoved(_, fullname) => {
                let gone = self.seen.lose(&fullname);
                self.say(gone);
            }
            _ => {}
        }
    }

    fn say(&self, sightings: impl IntoIterator<Item = Sighting>) {
        for sighting in sightings {
            // Nobody listens any more: the loop sees that.
            drop(self.tell.send_blocking(sighting));
        }
    }

    /// A new daemon, which remembers nothing of a flood, not before this time; `None` when nobody listens any more.
    fn listen_anew(&mut self, from: Instant) -> Option<Events<ServiceEvent>> {
        tracing::debug!("there is more multicast DNS than can be kept; beginning anew");
        if let Some(daemon) = self.daemon.take() {
            daemon::end(&daemon);
        }
        if self.ended.recv_timeout(from.saturating_duration_since(clock::monotonic()))
            != Err(mpsc::RecvTimeoutError::Timeout)
        {
            return None;
        }
        match listen() {
            Ok((daemon, events)) => {
                self.seen.begin_anew();
                self.daemon.put(daemon);
                Some(events)
            }
            Err(error) => {
                tracing::warn!(%error, "no more hosts are looked for");
                None
            }
        }
    }
}
