//! Who comes, who is trusted, who drives, who goes.

use core::time::Duration;

use opendesk_core::{
    BodyId, ClaimedPeer, Decision, GreetingVerdict, Instant, LinkId, ProvedPeer, PublicKey, Reason, Wire,
};

use super::calls::Done;
use super::driver::Server;
use super::link::{Ended, Orphan, Session, Transport};
use super::notice::Notice;
use super::unpairing::subject;
use crate::api::{Call, Codec, ControllerGreeting, Error, HostGreeting, Manifest, RefusalInfo};
use crate::cancel::Cancel;
use crate::govern::{Govern, Peer, Subject, stranger};
use crate::home::{HomeError, NewPeer, Peers, TrustedPeer, pin, printable};
use crate::runtime::{Runtime, timeout};
use crate::span::span;
use crate::words::words;
use crate::{clock, machine, seed};

/// How long a greeting waits for what the desktop can do: a desktop that answers does so within a fraction of that.
const PROBING: Duration = Duration::from_millis(250);

/// A peer that was stored, and the key by which it was known before.
pub(super) type Admitted = Result<(TrustedPeer, Option<PublicKey>), HomeError>;

/// What is known of a peer that has proved its key.
enum Recognised {
    Decided(Decision),
    /// It is the trusted peer that had this key.
    Successor(PublicKey),
}

impl<R: Runtime> Server<R> {
    /// A peer has proved its key: whoever is trusted may drive, and whoever came by the code is trusted.
    pub(super) fn welcome(&mut self, now: Instant, proved: &ProvedPeer<'_>) {
        if let Some(link) = self.links.get_mut(&proved.link) {
            link.codec = Codec::from(proved.wire);
        }
        if proved.paired {
            return self.trust(proved);
        }
        match self.recognise(proved) {
            Recognised::Decided(decision) => self.decide(now, proved.link, proved.peer, decision),
            Recognised::Successor(former) => self.follow(proved, former),
        }
    }

    /// Somebody says in clear which key it has. Whether that is trusted decides how it is answered; the disk is asked
    /// elsewhere, because nobody has proved anything yet.
    pub(super) fn look_up(&mut self, claim: &ClaimedPeer) {
        let (link, peer) = (claim.link, claim.peer);
        if self.banished.contains(&peer) {
            return self.looked_up(link, peer, false);
        }
        let (home, runtime) = (self.home.clone(), self.runtime.clone());
        self.send_away(Box::pin(async move {
            let known = move || {
                let peers = Peers::load(&home)?;
                Ok::<_, HomeError>(peers.by_key(&peer.0).is_some_and(|peer| !peer.is_expired(clock::epoch_seconds())))
            };
            let is_known = runtime.run_blocking(known).await.unwrap_or_else(|error| {
                tracing::error!(%error, "nobody can be recognised");
                false
            });
            Some(Done::LookedUp { link, peer, is_known })
        }));
    }

    pub(super) fn looked_up(&mut self, id: LinkId, peer: PublicKey, is_known: bool) {
        let now = self.now();
        self.host.vouch(now, id, is_known);
        if !is_known {
            self.reject(id, peer, Reason::UNTRUSTED, Govern::claim_rejected);
        }
    }

    /// Says that a peer gets no session.
    fn reject(&mut self, id: LinkId, key: PublicKey, reason: Reason, log: fn(&mut Govern, &Peer, &str, Reason)) {
        if let Some(link) = self.links.get(&id).filter(|link| link.leaves_by.is_none()) {
            let address = link.address.clone();
            if !self.may_speak() {
                return;
            }
            log(&mut self.govern, &stranger(key), &address, reason);
            self.notify(Notice::Refused { name: String::new(), key, address, reason });
        }
    }

    /// Says that somebody did not speak as a controller does. Whoever only connects has said nothing.
    pub(super) fn reject_garbled(&mut self, id: LinkId, reason: Reason) {
        let of_garbled =
            [Reason::MALFORMED, Reason::MISBEHAVED, Reason::UNSUPPORTED, Reason::FORGED, Reason::TOO_LARGE];
        let is_garbled = of_garbled.contains(&reason);
        let Some(link) = self.links.get(&id).filter(|link| is_garbled && link.peer.is_none()) else { return };
        let address = link.address.clone();
        if self.may_speak() {
            self.govern.stranger_rejected(&address, reason);
        }
    }

    /// Whether a line more is said of strangers in this minute.
    fn may_speak(&mut self) -> bool {
        let Some(unsaid) = self.strangers.speak(self.runtime.now()) else { return false };
        self.count_strangers(unsaid);
        true
    }

    /// Says how many were refused of whom nothing was said, a minute after the first of them, or `at_once`. Gives the time
    /// when that will be.
    pub(super) fn settle_strangers(&mut self, at_once: bool) -> Option<std::time::Instant> {
        let due = self.strangers.due()?;
        if !at_once && due > self.runtime.now() {
            return Some(due);
        }
        let unsaid = self.strangers.settle();
        self.count_strangers(unsaid);
        None
    }

    fn count_strangers(&mut self, unsaid: u32) {
        if unsaid > 0 {
            self.govern.trust("session.rejected.more", None, &format!("{unsaid} more were refused before"));
        }
    }

    fn decide(&mut self, now: Instant, id: LinkId, key: PublicKey, decision: Decision) {
        if let Decision::Refused(reason) = decision {
            self.reject(id, key, reason, Govern::session_rejected);
        }
        self.host.decide(now, id, decision);
    }

    /// Storing waits for the disk and perhaps for another program, so it happens elsewhere; the link waits.
    fn trust(&mut self, proved: &ProvedPeer<'_>) {
        let codec = Codec::from(proved.wire);
        let ControllerGreeting { name, successions } = codec.controller_greeting(proved.body);
        let newcomer = NewPeer {
            public_key: proved.peer.0,
            name,
            paired_at: clock::epoch_seconds(),
            signing_key: proved.signing_key,
            wire: proved.wire.number(),
            terms: Some(self.terms()),
        };
        // A peer of version 1 shows no words.
        let words = match proved.wire {
            Wire::V1 => String::new(),
            Wire::V2 => words(&proved.handshake),
        };
        let (link, key, words) = (proved.link, proved.peer, Some(words));
        let (home, runtime) = (self.home.clone(), self.runtime.clone());
        self.change_trust(Box::pin(async move {
            let store = move || Peers::load(&home).and_then(|mut peers| peers.admit(&newcomer, &successions));
            let result = runtime.run_blocking(store).await;
            let result = result.map(|(peer, former)| (peer, former.map(PublicKey)));
            Some(Done::Trusted { link, key, words, result })
        }));
    }

    /// A peer is stored that has just paired, and then both screens show these words, or that came with new keys; or it
    /// could not be.
    pub(super) fn trusted(&mut self, id: LinkId, key: PublicKey, words: Option<String>, result: Admitted) {
        let decision = match result {
            Ok((stored, former)) => {
                if words.is_some() {
                    self.banished.remove(&key);
                }
                let (peer, name) = (subject(&stored), stored.name.to_string());
                if words.is_some() {
                    self.govern.trust("pairing.paired", Some(&peer), "by code");
                }
                if let Some(former) = former {
                    self.supersede(former, &peer);
                }
                self.meet(id, &stored);
                if let Some(link) = self.links.get_mut(&id) {
                    link.paired = words.is_some();
                }
                if let Some(words) = words {
                    self.newcomer = Some((name.clone(), words.clone()));
                    self.notify(Notice::Paired { name, key, words });
                }
                self.decision_about(key)
            }
            Err(error) => {
                tracing::error!(%error, "the keys of a peer could not be stored");
                if words.is_some() {
                    self.notify(Notice::NotStored { why: error.to_string() });
                }
                Decision::Refused(Reason::UNAVAILABLE)
            }
        };
        let now = self.now();
        self.decide(now, id, key, decision);
    }

    /// Of a peer that has just been stored: somebody may have removed it since.
    fn decision_about(&self, key: PublicKey) -> Decision {
        match Peers::load(&self.home) {
            Ok(peers) if peers.by_key(&key.0).is_some_and(|peer| !peer.is_expired(clock::epoch_seconds())) => {
                Decision::Trusted
            }
            Ok(_) => Decision::Refused(Reason::UNTRUSTED),
            Err(error) => {
                tracing::error!(%error, "nobody can be recognised");
                Decision::Refused(Reason::UNAVAILABLE)
            }
        }
    }

    /// The list is read for every connection, so that a change by another program counts at once.
    fn recognise(&mut self, proved: &ProvedPeer<'_>) -> Recognised {
        if self.banished.contains(&proved.peer) {
            return Recognised::Decided(Decision::Refused(Reason::UNTRUSTED));
        }
        let peers = match Peers::load(&self.home) {
            Ok(peers) => peers,
            Err(error) => {
                tracing::error!(%error, "nobody can be recognised");
                return Recognised::Decided(Decision::Refused(Reason::UNAVAILABLE));
            }
        };
        let Some(known) = peers.by_key(&proved.peer.0) else {
            let chain = Codec::from(proved.wire).controller_greeting(proved.body).successions;
            let former = proved.keys().and_then(|keys| peers.predecessor(&chain, keys));
            let may = |former: &&TrustedPeer| {
                !former.is_expired(clock::epoch_seconds()) && !self.banished.contains(&PublicKey(former.public_key))
            };
            return match former.filter(may) {
                Some(former) => Recognised::Successor(PublicKey(former.public_key)),
                None => Recognised::Decided(Decision::Refused(Reason::UNTRUSTED)),
            };
        };
        match (known.signing_key, proved.signing_key) {
            // In version 1 a machine is its one key.
            (_, None) => {}
            (Some(pinned), Some(shown)) if pinned == shown => {}
            (Some(_), Some(_)) => {
                tracing::warn!(name = %known.name, "a trusted peer came with another signing key and was refused");
                return Recognised::Decided(Decision::Refused(Reason::UNTRUSTED));
            }
            (None, Some(shown)) => {
                let pinning = pin(self.runtime.clone(), peers.clone(), proved.peer, Some(shown));
                self.send_away(Box::pin(async move {
                    pinning.await;
                    None
                }));
            }
        }
        if known.is_expired(clock::epoch_seconds()) {
            self.remove_expired();
            return Recognised::Decided(Decision::Refused(Reason::UNTRUSTED));
        }
        self.meet(proved.link, known);
        Recognised::Decided(Decision::Trusted)
    }

    /// A link is that of a trusted peer.
    pub(super) fn meet(&mut self, id: LinkId, known: &TrustedPeer) {
        let Some(link) = self.links.get_mut(&id) else { return };
        let peer = subject(known);
        if let Some(session) = &mut link.session {
            session.subject.meet(peer.clone());
        }
        link.peer = Some(peer);
        link.trusted_until = known.expires_at;
    }

    fn name_of(&self, key: PublicKey) -> String {
        let peers = Peers::load(&self.home).ok();
        peers.and_then(|peers| peers.by_key(&key.0).map(|peer| peer.name.to_string())).unwrap_or_default()
    }

    /// Whoever is welcome is told what the desktop can do by then, unless it takes too long to find out.
    pub(super) fn greeting_due(&mut self, id: LinkId, verdict: GreetingVerdict) {
        if !matches!(verdict, GreetingVerdict::Welcome) {
            return self.greet(id, verdict);
        }
        let (found, is_found) = async_channel::bounded::<()>(1);
        let capabilities = Call::SystemCapabilities(());
        self.desk.submit(capabilities, Codec::Postcard, Cancel::new(), Box::new(move |_told| drop(found)));
        let runtime = self.runtime.clone();
        self.send_away(Box::pin(async move {
            let _late = timeout(&runtime, PROBING, is_found.recv()).await;
            Some(Done::Probed { link: id, verdict })
        }));
    }

    pub(super) fn greet(&mut self, id: LinkId, verdict: GreetingVerdict) {
        let greeting = match verdict {
            GreetingVerdict::Welcome => HostGreeting {
                name: machine::hostname(),
                description: self.home.description(),
                manifest: self.desk.manifest(),
                refusal: None,
                successions: self.successions.clone(),
                possession: self.possession(id),
                newest_wire: None,
            },
            GreetingVerdict::Refused(reason) => refusal(reason.text().to_owned(), None, None),
            GreetingVerdict::Busy { holder, since } => {
                let driven = self.now().since(since);
                let name = self.name_of(holder);
                let message = format!("\"{}\" is driving this machine (for {})", printable(&name), span(driven));
                let started = clock::epoch_seconds() - driven.as_secs_f64();
                self.refused_busy(id);
                let successions = self.successions.clone();
                HostGreeting {
                    name: machine::hostname(),
                    successions,
                    possession: self.possession(id),
                    ..refusal(message, Some(name), Some(started))
                }
            }
        };
        let Some(link) = self.links.get_mut(&id) else { return };
        let reason = match verdict {
            GreetingVerdict::Welcome => None,
            GreetingVerdict::Busy { .. } => Some(Reason::BUSY),
            GreetingVerdict::Refused(reason) => Some(reason),
        };
        let body = link.codec.host_greeting(&greeting, reason);
        let total = body.len();
        link.bodies.insert(BodyId::Greeting, body);
        self.host.greet(id, total);
    }

    /// Shows the peer of a link that this machine has the keys to which its successions lead.
    fn possession(&self, id: LinkId) -> Option<[u8; 32]> {
        if self.successions.is_empty() {
            return None;
        }
        let (peer, handshake) = (self.links.get(&id)?.peer.as_ref()?, self.host.handshake_hash(id)?);
        self.host.keys().static_key.possession(peer.key, &handshake).ok()
    }

    /// A trusted peer found the place taken.
    fn refused_busy(&mut self, id: LinkId) {
        let Some(link) = self.links.get(&id) else { return };
        let (Some(peer), address) = (link.peer.clone(), link.address.clone()) else { return };
        self.govern.session_rejected(&peer, &address, Reason::BUSY);
        self.notify(Notice::Refused { name: peer.name, key: peer.key, address, reason: Reason::BUSY });
    }

    pub(super) fn session_opened(&mut self, id: LinkId, key: PublicKey) {
        let Some(link) = self.links.get_mut(&id) else { return };
        if let Transport::Open(socket) = &mut link.transport {
            socket.admit();
        }
        let mode = if link.paired { "pair" } else { "serve" };
        let peer = link.peer.clone().unwrap_or_else(|| stranger(key));
        let name = peer.name.clone();
        let subject = Subject::new(seed::session_number(), peer);
        let address = link.address.clone();
        self.govern.session_opened(&subject, &address, mode);
        link.session = Some(Session {
            subject,
            mode,
            started_at: clock::epoch_seconds(),
            opened: self.runtime.now(),
            pointer: None,
            ended: Ended::default(),
        });
        self.notify(Notice::SessionOpened { name, address });
    }

    /// Stops all that the session started, and has all that it holds released before anybody else comes (I3).
    pub(super) fn session_ended(&mut self, id: LinkId, reason: Reason) {
        // First, so that nothing begins behind the release.
        if let Some(session) = self.links.get(&id).and_then(|link| link.session.as_ref()) {
            session.ended.0.cancel();
        }
        let done = self.done.clone();
        self.desk.release(move |result| drop(done.try_send(Done::Released { link: id, result })));
        self.drop_held(id, None);
        self.programs.end_all(id);
        let Some(link) = self.links.get_mut(&id) else { return };
        link.bodies.clear();
        link.arriving.clear();
        let running = core::mem::take(&mut link.running);
        let streams = core::mem::take(&mut link.streams);
        let mut operations = core::mem::take(&mut link.operations);
        let Some(session) = link.session.take() else { return };
        for stream in streams.into_values() {
            self.govern.stream_ended(&session.subject, stream.account(), Some(&Error::cancelled()));
        }
        for (call, running) in running {
            let operation = operations.remove(&call);
            self.orphans.insert((id, call), Orphan { subject: session.subject.clone(), running, operation });
        }
        let lasted = self.runtime.now().saturating_duration_since(session.opened);
        self.govern.session_closed(&session.subject, lasted.as_secs_f64(), reason);
        self.notify(Notice::SessionEnded { name: session.subject.peer.name, reason, lasted });
    }
}

fn refusal(message: String, holder: Option<String>, since: Option<f64>) -> HostGreeting {
    HostGreeting {
        name: String::new(),
        description: String::new(),
        manifest: Manifest::default(),
        refusal: Some(RefusalInfo { message, holder, since }),
        successions: Vec::new(),
        possession: None,
        newest_wire: None,
    }
}
