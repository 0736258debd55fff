//! Finding a trusted machine: where it was last reached, and where machines of the network announce that they have its
//! key. Who answers is decided by the key alone: what is announced is only ever a place to look at.

use core::future::{Future, pending, poll_fn};
use core::net::SocketAddr;
use core::pin::pin;
use core::task::Poll;
use core::time::Duration;
use std::collections::{BTreeSet, VecDeque};
use std::time::Instant;
use std::vec;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use super::ClientError;
use super::connect::{Known, Reached};
use super::dial::Race;
use crate::discovery::{Browser, Sighting};
use crate::runtime::{Runtime, timeout};

/// How long a place that is known is tried before the network is asked, whom everybody on it hears: a machine that is where
/// it was answers sooner on a cable. One that has moved is found within a fifth of a second, the time that it may take to
/// answer included (RFC 6762, section 6).
const HEAD_START: Duration = Duration::from_millis(20);

/// How long the network is listened to when nobody answers elsewhere. Machines answer within a tenth of a second, and a
/// question that was lost is asked again after one (RFC 6762, section 5.2).
pub(super) const LISTEN: Duration = Duration::from_millis(1500);

/// Announced places that are tried at once, so that a liar cannot have this machine knock everywhere.
const MOST_PLACES: usize = 16;

/// How long one of them may take to have a session. Who announces itself is on this network, where that takes no second;
/// who says nothing only keeps others waiting.
pub(super) const ANNOUNCED: Duration = Duration::from_secs(2);

/// How a machine is sought.
pub(super) struct Search {
    /// Whether the network is asked too.
    pub(super) discover: bool,
    /// Until when.
    pub(super) by: Instant,
    /// How long the network may take to connect to one place.
    pub(super) dial: Duration,
    /// While the network is listened to: how long after an attempt in vain a known place is tried again.
    pub(super) again: Option<Duration>,
    /// Of all attempts one opens a session.
    pub(super) race: Race,
}

/// The machine, at the first place where its key answers.
///
/// # Errors
/// What went wrong at the place that came closest.
pub(super) async fn find<R: Runtime>(runtime: &R, known: &Known, search: &Search) -> Result<Reached, ClientError> {
    let mut tried = BTreeSet::new();
    let mut trying = FuturesUnordered::new();
    let mut worst: Option<ClientError> = None;
    let attempt = |host: String, port: u16, is_announced: bool| async move {
        let claim = search.race.enter();
        let by = if is_announced { search.by.min(runtime.now() + ANNOUNCED) } else { search.by };
        let opened = known.open(runtime, &host, port, by, Some((&claim, search.dial))).await;
        if opened.is_err() {
            claim.give_up();
        }
        (is_announced, opened.map(Box::new))
    };
    for (host, port) in known.places() {
        if tried.insert((host.clone(), port)) {
            trying.push(attempt(host, port, false));
        }
    }
    // How many are under way.
    let (mut remembered, mut announced) = (trying.len(), 0);
    let mut waiting = Waiting::default();
    let mut browser: Option<Browser> = None;
    let begun = runtime.now();
    let mut asks_at = search.discover.then(|| if tried.is_empty() { begun } else { begun + HEAD_START });
    let mut listens_until = begun + LISTEN;
    let mut again_at: Option<Instant> = None;
    loop {
        let now = runtime.now();
        if asks_at.is_some_and(|at| now >= at) || (asks_at.is_some() && trying.is_empty()) {
            asks_at = None;
            listens_until = now + LISTEN;
            browser = Browser::start()
                .inspect_err(|error| tracing::debug!(%error, "the network cannot be asked for machines"))
                .ok();
        }
        // As long as a place is tried, listening costs nobody any time.
        if browser.is_some() && now >= listens_until && trying.is_empty() {
            browser = None;
        }
        if trying.is_empty() && browser.is_none() && asks_at.is_none() {
            return Err(worst.unwrap_or_else(|| nowhere(known, search.discover)));
        }
        if again_at.is_some_and(|at| now >= at) {
            again_at = None;
            for (host, port) in known.places() {
                trying.push(attempt(host, port, false));
                remembered += 1;
            }
        }
        let next = [asks_at, again_at, Some(listens_until).filter(|at| browser.is_some() && now < *at)];
        let next = next.into_iter().flatten().min();
        let limit = next.map_or(Duration::MAX, |at| at.saturating_duration_since(now));
        let sighted = async {
            match browser.as_mut() {
                Some(browser) => browser.next().await,
                None => pending().await,
            }
        };
        match timeout(runtime, limit, either(&mut trying, sighted)).await {
            None => {}
            Some(Step::Tried((_, Ok(reached)))) => return Ok(*reached),
            // What goes wrong at a place that anybody can announce says nothing of the machine.
            Some(Step::Tried((true, Err(error)))) => {
                announced -= 1;
                tracing::debug!(%error, "not at a place that was announced");
            }
            Some(Step::Tried((false, Err(error)))) => {
                remembered -= 1;
                if worst.as_ref().is_none_or(|worst| error.rank() > worst.rank()) {
                    worst = Some(error);
                }
                if remembered == 0 {
                    again_at = search.again.map(|pause| runtime.now() + pause);
                }
            }
            Some(Step::Sighted(Some(Sighting::Seen(found)))) if found.key == known.key => {
                waiting.join(found.addresses);
            }
            Some(Step::Sighted(Some(_))) => {}
            Some(Step::Sighted(None)) => browser = None,
        }
        while announced < MOST_PLACES
            && let Some((host, port)) = waiting.next()
        {
            if tried.insert((host.clone(), port)) {
                trying.push(attempt(host, port, true));
                announced += 1;
            }
        }
    }
}

/// An address without its port, as it is dialled.
pub(super) fn host_of(address: SocketAddr) -> String {
    match address {
        SocketAddr::V6(v6) if v6.scope_id() != 0 => format!("{}%{}", v6.ip(), v6.scope_id()),
        address => address.ip().to_string(),
    }
}

/// Announced places that are still to be tried.
#[derive(Default)]
struct Waiting {
    /// For each announcement what is left of it; whose turn it is comes first.
    announcements: VecDeque<vec::IntoIter<SocketAddr>>,
}

impl Waiting {
    /// Announcements that wait. More of one machine are a flood.
    const MOST: usize = 256;

    fn join(&mut self, addresses: Vec<SocketAddr>) {
        if self.announcements.len() < Self::MOST {
            self.announcements.push_back(addresses.into_iter());
        }
    }

    /// One place of each announcement in turn: many places of a liar do not keep the true one waiting.
    fn next(&mut self) -> Option<(String, u16)> {
        while let Some(mut announcement) = self.announcements.pop_front() {
            if let Some(address) = announcement.next() {
                self.announcements.push_back(announcement);
                return Some((host_of(address), address.port()));
            }
        }
        None
    }
}

/// An attempt that has ended, and whether it was at a place that was announced.
type Tried = (bool, Result<Box<Reached>, ClientError>);

enum Step {
    Tried(Tried),
    Sighted(Option<Sighting>),
}

/// What happens first. An attempt that has ended comes before a place that was announced.
async fn either<F: Future<Output = Tried>>(
    trying: &mut FuturesUnordered<F>,
    sighted: impl Future<Output = Option<Sighting>>,
) -> Step {
    let mut sighted = pin!(sighted);
    poll_fn(|cx| {
        if let Poll::Ready(Some(tried)) = trying.poll_next_unpin(cx) {
            return Poll::Ready(Step::Tried(tried));
        }
        sighted.as_mut().poll(cx).map(Step::Sighted)
    })
    .await
}

fn nowhere(known: &Known, discover: bool) -> ClientError {
    if discover {
        let why = "it was never reached from here, and it does not announce itself on this network";
        ClientError::Unreachable { address: known.name.clone(), why: why.to_owned() }
    } else {
        known.no_address()
    }
}
