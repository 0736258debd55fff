//! Telling the network that a host is there.
//!
//! Without [`mdns_sd`], which keeps whatever it hears for as long as whoever said it wants: a host runs for months, and
//! whoever is on its network could fill its memory. Here nothing that others say is kept.

use core::net::SocketAddr;
use core::time::Duration;
use std::collections::BTreeMap;
use std::io;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread;
use std::time::Instant;

use opendesk_core::PublicKey;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::links::{Links, MESSAGE, receive};
use super::message::{Lasting, Query, Told, Wanted};
use super::record::{Record, instance};
use super::{DiscoveryError, SERVICE};
use crate::clock;
use crate::platform::Bell;

/// How often it is looked which networks there are. That costs some microseconds, and somebody may wait for a machine
/// that is back on its network.
const LOOK: Duration = Duration::from_secs(2);

/// No network is told of the same more often (RFC 6762, 6), and what is told without having been asked is told again
/// after this (8.3).
const PAUSE: Duration = Duration::from_secs(1);

/// Hosts that are asked at once do not answer at once (RFC 6762, 6).
const SPREAD_MS: u64 = 40;

/// Messages that are read before orders and time get their turn.
const MESSAGES: usize = 64;

/// Replies to somebody in a second who asked from a port of its own, and may not be who it says it is.
const REPLIES: u32 = 10;

/// How often something is told that nobody asked for: one message may be lost.
const TIMES: u8 = 2;

/// Announces a host until it is dropped: on all networks whose addresses it listens on, and on none but this machine's
/// own when it listens there only. Whoever is there can know its name, key, description, port and addresses.
///
/// Nothing of it blocks: it is a thread that does so.
#[derive(Debug)]
pub struct Announcer {
    orders: Sender<Order>,
    /// Wakes the thread, also by being closed.
    wake: Bell,
}

#[derive(Debug)]
enum Order {
    Describe(String),
    Rekey(PublicKey),
    /// Dropped when it has ended.
    End(async_channel::Sender<()>),
}

impl Announcer {
    /// Begins to announce the host with this key, on the machine of this name, that listens at this address.
    ///
    /// # Errors
    /// [`DiscoveryError`] where the port of multicast DNS cannot be had, or no thread. A machine without a network is
    /// no error: once it has one, the host is announced there.
    pub fn start(key: PublicKey, name: &str, description: &str, listening: SocketAddr) -> Result<Self, DiscoveryError> {
        let links = Links::open(listening.ip())?;
        let needed = |error: io::Error| DiscoveryError(format!("nothing can be announced: {error}"));
        let (wake, woken) = Bell::pair().map_err(needed)?;
        let (orders, told) = channel();
        let record = Record::ours(key, description);
        let announcing =
            Announcing { links, orders: told, woken, name: name.to_owned(), record, port: listening.port() };
        thread::Builder::new()
            .name("opendesk-announcer".to_owned())
            .spawn(move || announcing.run())
            .map_err(|error| DiscoveryError(format!("no thread could be started: {error}")))?;
        Ok(Self { orders, wake })
    }

    /// Announces another description of the host.
    ///
    /// # Errors
    /// [`DiscoveryError`] when nothing is announced any more.
    pub fn describe(&self, description: &str) -> Result<(), DiscoveryError> {
        self.order(Order::Describe(description.to_owned()))
    }

    /// The host has another key now: it says goodbye under the name that it had with the former one.
    ///
    /// # Errors
    /// [`DiscoveryError`] when nothing is announced any more.
    pub fn rekey(&self, key: PublicKey) -> Result<(), DiscoveryError> {
        self.order(Order::Rekey(key))
    }

    /// Says goodbye, and waits until it is said. When this is dropped instead it is said as well, and nobody waits for
    /// it.
    pub async fn end(self) {
        let (saying, said) = async_channel::bounded(1);
        if self.order(Order::End(saying)).is_ok() {
            let _dropped = said.recv().await;
        }
    }

    fn order(&self, order: Order) -> Result<(), DiscoveryError> {
        let over = || DiscoveryError("the host is not announced any more".to_owned());
        self.orders.send(order).map_err(|_| over())?;
        self.wake.ring().map_err(|_| over())
    }
}

/// What the thread has.
struct Announcing {
    links: Links,
    orders: Receiver<Order>,
    woken: Bell,
    name: String,
    record: Record,
    port: u16,
}

/// What a network is still to be told.
#[derive(Debug, Default)]
struct Due {
    wanted: Wanted,
    /// When.
    at: Option<Instant>,
    /// How often all of it is told once more.
    again: u8,
    /// When it was told of something last.
    last: Option<Instant>,
}

impl Due {
    /// Everything is new there.
    fn announce(&mut self, now: Instant) {
        (self.wanted, self.again) = (Wanted::ALL, TIMES - 1);
        self.at = Some(now);
    }

    fn ask(&mut self, wanted: Wanted, now: Instant, spread: Duration) {
        self.wanted = self.wanted.and(wanted);
        let from = self.last.map_or(now, |last| last + PAUSE).max(now + spread);
        self.at = Some(self.at.map_or(from, |at| at.min(from)));
    }

    /// What is to be told now.
    fn take(&mut self, now: Instant) -> Option<Wanted> {
        if self.at.is_none_or(|at| at > now) {
            return None;
        }
        let wanted = core::mem::take(&mut self.wanted);
        (self.last, self.at) = (Some(now), None);
        if self.again > 0 {
            self.again -= 1;
            (self.wanted, self.at) = (Wanted::ALL, Some(now + PAUSE));
        }
        Some(wanted)
    }
}

impl Announcing {
    fn told(&self) -> Told {
        Told::new(SERVICE, &instance(&self.name, &self.record.key), self.port, self.record.write())
    }

    fn run(mut self) {
        let mut told = self.told();
        let mut due: BTreeMap<u32, Due> = BTreeMap::new();
        let mut look = clock::monotonic();
        let mut replies = (look, REPLIES);
        let mut room = Box::new([0; MESSAGE]);
        loop {
            let now = clock::monotonic();
            if now >= look {
                look = now + LOOK;
                for index in self.links.refresh() {
                    due.entry(index).or_default().announce(now);
                }
                due.retain(|index, _| self.links.get(*index).is_some());
            }
            for (index, due) in &mut due {
                if let (Some(wanted), Some(link)) = (due.take(now), self.links.get(*index)) {
                    self.links.tell(*index, &told.message(wanted, &link.addresses, Lasting::Usual));
                }
            }
            let next = due.values().filter_map(|due| due.at).min().map_or(look, |at| at.min(look));
            if let Err(error) = self.wait(next.saturating_duration_since(now)) {
                tracing::warn!(%error, "this host is not announced any more");
                return;
            }
            match self.obey() {
                Obeyed::Nothing => {}
                Obeyed::Changed(key) => {
                    if key != self.record.key {
                        self.say_goodbye(&told);
                        self.record.key = key;
                    }
                    told = self.told();
                    let now = clock::monotonic();
                    due.values_mut().for_each(|due| due.announce(now));
                }
                Obeyed::End(saying) => {
                    self.say_goodbye(&told);
                    drop(saying);
                    return;
                }
            }
            let now = clock::monotonic();
            if now.saturating_duration_since(replies.0) >= PAUSE {
                replies = (now, REPLIES);
            }
            self.answer(&told, &mut due, &mut replies.1, &mut room);
        }
    }

    /// Waits until something has come, an order or a message, or this time is over.
    fn wait(&self, limit: Duration) -> Result<(), Errno> {
        let limit = Timespec::try_from(limit).unwrap_or_default();
        let mut sources = vec![PollFd::new(&self.woken, PollFlags::IN)];
        sources.extend(self.links.sockets().map(|socket| PollFd::new(socket, PollFlags::IN)));
        match poll(&mut sources, Some(&limit)) {
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn obey(&mut self) -> Obeyed {
        self.woken.hush();
        let before = self.record.clone();
        let mut key = before.key;
        loop {
            match self.orders.try_recv() {
                Ok(Order::Describe(description)) => self.record = Record::ours(before.key, &description),
                Ok(Order::Rekey(changed)) => key = changed,
                Ok(Order::End(saying)) => return Obeyed::End(Some(saying)),
                Err(TryRecvError::Disconnected) => return Obeyed::End(None),
                Err(TryRecvError::Empty) => break,
            }
        }
        if key == before.key && self.record == before { Obeyed::Nothing } else { Obeyed::Changed(key) }
    }

    fn say_goodbye(&self, told: &Told) {
        for index in self.links.all() {
            let Some(link) = self.links.get(index) else { continue };
            let goodbye = told.message(Wanted::ALL, &link.addresses, Lasting::Over);
            for _ in 0..TIMES {
                self.links.tell(index, &goodbye);
            }
        }
    }

    /// Reads some of the messages that have come, and notes what is to be answered.
    fn answer(&self, told: &Told, due: &mut BTreeMap<u32, Due>, replies: &mut u32, room: &mut [u8; MESSAGE]) {
        let now = clock::monotonic();
        let spread = Duration::from_millis(u64::from(self.record.key.0[31]) % SPREAD_MS);
        for socket in self.links.sockets() {
            for _ in 0..MESSAGES {
                let Some((message, from)) = receive(socket, room) else { break };
                let Some(query) = Query::read(message) else { continue };
                let wanted = told.wanted(&query);
                if wanted.is_nothing() {
                    continue;
                }
                let Some(index) = self.links.link_of(&from) else { continue };
                if from.port() == mdns_sd::MDNS_PORT {
                    due.entry(index).or_default().ask(wanted, now, spread);
                } else if let (Some(link), Some(left)) = (self.links.get(index), replies.checked_sub(1)) {
                    *replies = left;
                    self.links.reply(from, &told.reply(&query, &link.addresses));
                }
            }
        }
    }
}

/// What the host has had done.
enum Obeyed {
    Nothing,
    /// Something that is told is another now; this is its key.
    Changed(PublicKey),
    End(Option<async_channel::Sender<()>>),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_new_is_told_at_once_and_once_more() {
        let now = clock::monotonic();
        let mut due = Due::default();
        due.announce(now);
        assert_eq!(due.take(now), Some(Wanted::ALL));
        assert_eq!(due.take(now), None);
        assert_eq!(due.at, Some(now + PAUSE));
        assert_eq!(due.take(now + PAUSE), Some(Wanted::ALL));
        assert_eq!(due.at, None);
    }

    #[test]
    fn however_often_a_network_asks_it_is_told_once_a_second() {
        let start = clock::monotonic();
        let mut due = Due::default();
        let mut told = Vec::new();
        for ms in 0..3000 {
            let now = start + Duration::from_millis(ms);
            due.ask(Wanted::ALL, now, Duration::from_millis(7));
            if due.take(now).is_some() {
                told.push(ms);
            }
        }
        assert_eq!(told, [7, 1007, 2007]);
    }
}
