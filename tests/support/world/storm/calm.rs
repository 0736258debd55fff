//! The end of a storm: everything that was held arrives, everything is answered, and nothing of the storm may be left.

use core::time::Duration;

use opendesk_core::{Client, Outcome, Reason, limits};

use super::acts::Storm;
use super::places::live;
use super::weather;
use crate::world::{Handler, Peer};

/// A trusted peer that comes when the storm is over.
const FRESH: Peer = Peer(60);

/// When this has passed on a network that is whole, no deadline of a link is left, and every session was pinged.
const CALM: Duration = Duration::from_secs(
    limits::HANDSHAKE.as_secs() + limits::PING_AFTER.as_secs() + limits::SILENCE.as_secs() + limits::LINGER.as_secs(),
);

/// Items after which a stream that may go on need not.
const ITEMS: usize = 3;

impl Storm {
    pub(super) fn calm(&mut self) {
        for wire in self.world.all() {
            weather::clear(&mut self.world, wire);
        }
        self.world.program.releases_at_once = true;
        self.world.release();
        self.world.advance(CALM);
        self.check();
        self.streams_go_on();
        while let Some(call) = self.complete().first().copied() {
            self.respond(call, Outcome::Ok, b"late".to_vec());
            self.world.settle();
        }
        self.check();
        self.truth.check_calm(&self.world, &self.weather);

        if let Some(wire) = self.world.controller() {
            self.world.evict(wire, Reason::EVICTED);
            self.world.settle();
        }
        assert_eq!(live(&self.world), 0, "links that nobody has");
        self.serve_a_fresh_peer();
    }

    /// Streams that have credit send some items; those that have none may not.
    fn streams_go_on(&mut self) {
        for call in self.complete() {
            for _ in 0..ITEMS {
                let is_ready = self.is_stream_ready(call);
                self.truth.streams.check_calm(call, is_ready);
                if is_ready {
                    self.send_item(call, b"an item of the calm".to_vec());
                    self.world.settle();
                }
            }
        }
    }

    /// It knows the host by the oldest keys that the host still has.
    fn serve_a_fresh_peer(&mut self) {
        self.world.program.handler = Handler::Echo(Duration::ZERO);
        self.world.program.trusted.insert(FRESH.public());
        let key = self.truth.identities.oldest().static_key;
        let client = Client::auth(self.world.now(), FRESH.config(), key, self.world.random());
        let fresh = self.world.attach(client);
        self.world.settle();
        let holder = self.world.controller();
        assert_eq!(holder, Some(fresh), "a fresh peer, although the host still has the keys that it dialled");
        let call = self.world.call(fresh, "system.echo", b"is anybody there?");
        self.world.settle();
        let answer = self.world.client(fresh).answer(call);
        assert_eq!(answer.map(|answer| &answer.body[..]), Some(&b"is anybody there?"[..]), "a fresh peer is served");
        assert_eq!(live(&self.world), 1);
    }
}
