//! A peer that says what no client of ours would say: the handshake is real, and the test writes each frame.

use opendesk_core::crypto::noise::Transport;
use opendesk_core::crypto::record::{Direction, Numbering};
use opendesk_core::dialect::v2::{self, AuthClient, Kind, PairClient, PairClientStep};
use opendesk_core::frame::{self, Frame, Header, Hello, PROTOCOL, Role, SessionKind, Signed};
use opendesk_core::{ErrorCode, Reason, StaticKey, limits};
use opendesk_tests::world::{Peer, Way, Wire, World};

/// What the host said in one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Said {
    Hello { error: Option<Reason>, body: Vec<u8> },
    Response { id: u32, status: u16, total: u32, body: Vec<u8> },
    Chunk { id: u32, body: Vec<u8> },
    Item { id: u32, total: u32, body: Vec<u8> },
    Push { topic: u16, body: Vec<u8> },
    Ping(u32),
    Pong(u32),
    Close(Reason),
}

impl Said {
    /// Request and status, when this begins an answer.
    pub(crate) fn answer(&self) -> Option<(u32, u16)> {
        if let Self::Response { id, status, .. } = self { Some((*id, *status)) } else { None }
    }
}

/// A peer with keys.
pub(crate) struct Raw {
    pub(crate) wire: Wire,
    pub(crate) hash: [u8; 32],
    outgoing: Direction,
    incoming: Direction,
}

impl Raw {
    /// Says `A` and hears `a`: it has keys now, and has proved nothing.
    pub(crate) fn keyed(world: &mut World, key: StaticKey) -> Self {
        let wire = world.raw();
        let (mut auth, first) =
            AuthClient::start(key, world.host_key(), world.random()).expect("the host's key is a good one");
        world.send(wire, Way::ToHost, &first);
        world.settle();
        let (kind, body) = reply(world, wire);
        assert_eq!(kind, Kind::AuthReply);
        Self::new(wire, &auth.finish(&body).expect("the answer is the host's"))
    }

    /// Proves a code: it has keys now.
    pub(crate) fn keyed_by_code(world: &mut World, key: StaticKey, code: &str) -> Self {
        let wire = world.raw();
        let (mut pairing, first) =
            PairClient::start(key, code.as_bytes(), [7; 16], &[8; 64]).expect("the code is short enough");
        world.send(wire, Way::ToHost, &first);
        loop {
            world.settle();
            let (kind, body) = reply(world, wire);
            match pairing.handle(kind, &body, world.random()).expect("the code is right") {
                PairClientStep::Send(next) => world.send(wire, Way::ToHost, &next),
                PairClientStep::Done(last, transport) => {
                    world.send(wire, Way::ToHost, &last);
                    world.settle();
                    return Self::new(wire, &transport);
                }
            }
        }
    }

    fn new(wire: Wire, transport: &Transport) -> Self {
        Self {
            wire,
            hash: transport.hash,
            outgoing: Direction::new(&transport.initiator, Numbering::Noise),
            incoming: Direction::new(&transport.responder, Numbering::Noise),
        }
    }

    /// A trusted peer that drives. What it heard so far is forgotten.
    pub(crate) fn open(world: &mut World, peer: Peer) -> Self {
        world.program.trusted.insert(peer.public());
        let mut raw = Self::keyed(world, peer.static_key());
        let hello = raw.hello(peer);
        raw.say(world, &Header::Hello(hello), b"");
        assert_eq!(raw.heard(world), [Said::Hello { error: None, body: b"welcome".to_vec() }]);
        assert_eq!(world.controller(), Some(raw.wire));
        raw
    }

    /// The HELLO by which this peer asks to drive.
    pub(crate) fn hello(&self, peer: Peer) -> Hello {
        let key = peer.signing_key();
        Hello {
            role: Role::Controller,
            kind: SessionKind::CONTROL,
            protocol: PROTOCOL,
            signed: Some(Signed { key: key.public(), signature: key.sign_hello(Role::Controller, &self.hash) }),
            error: None,
            memory: 0,
        }
    }

    /// That HELLO, signed in another way.
    pub(crate) fn signed(&self, peer: Peer, change: impl FnOnce(&mut Signed)) -> Hello {
        let mut hello = self.hello(peer);
        if let Some(signed) = &mut hello.signed {
            change(signed);
        }
        hello
    }

    /// The next record, with these bytes in place of a frame.
    pub(crate) fn sealed(&mut self, plaintext: &[u8]) -> Vec<u8> {
        let mut record = plaintext.to_vec();
        record.resize(plaintext.len() + limits::TAG_BYTES, 0);
        self.outgoing.seal(&mut record, plaintext.len()).expect("there is room");
        record
    }

    /// The next record.
    pub(crate) fn record(&mut self, header: &Header<'_>, body: &[u8]) -> Vec<u8> {
        let mut plaintext = vec![0; 1 + limits::HEADER_BYTES];
        let head = frame::encode(header, &mut plaintext).expect("there is room");
        plaintext.truncate(head);
        plaintext.extend_from_slice(body);
        self.sealed(&plaintext)
    }

    /// Says this, and lets the host take it in.
    pub(crate) fn say(&mut self, world: &mut World, header: &Header<'_>, body: &[u8]) {
        let record = self.record(header, body);
        world.send(self.wire, Way::ToHost, &record);
        world.settle();
    }

    /// Asks for a method; all or the beginning of the parameters is `body`.
    pub(crate) fn ask(&mut self, world: &mut World, id: u32, total: u32, body: &[u8]) {
        let request = Header::Request { id, operation: [id as u8; 16], method: "test.method", total, stream: None };
        self.say(world, &request, body);
    }

    /// What the host has said since it was asked last.
    pub(crate) fn heard(&mut self, world: &mut World) -> Vec<Said> {
        let records = world.received(self.wire);
        records.into_iter().map(|mut record| self.read(&mut record)).collect()
    }

    fn read(&mut self, record: &mut [u8]) -> Said {
        let plaintext = self.incoming.open(record).expect("the record is the next one");
        let (header, body) = match frame::decode(plaintext).expect("the host sends frames") {
            Frame::Known(header, body) => (header, body.to_vec()),
            Frame::Skipped => panic!("the host sends no frames from the future"),
        };
        match header {
            Header::Hello(hello) => {
                assert_eq!(hello.error.is_some(), hello.memory == 0, "only who drives learns of the memory");
                Said::Hello { error: hello.error, body }
            }
            Header::Response { id, status, total } => Said::Response { id, status, total, body },
            Header::Chunk { id } => Said::Chunk { id, body },
            Header::Push { topic } => Said::Push { topic, body },
            Header::Ping { token } => Said::Ping(token),
            Header::Pong { token } => Said::Pong(token),
            Header::Close { reason } => Said::Close(reason),
            Header::Item { id, total } => Said::Item { id, total, body },
            Header::Request { .. } | Header::Cancel { .. } | Header::Window { .. } => {
                panic!("a host asks for nothing: {header:?}")
            }
        }
    }
}

/// The host's answer to a handshake message.
fn reply(world: &mut World, wire: Wire) -> (Kind, Vec<u8>) {
    let reply = world.received(wire).pop().expect("the host answers");
    let (kind, body) = v2::split(&reply).expect("the answer is a handshake message");
    (kind, body.to_vec())
}

/// What the host says in clear when it refuses.
pub(crate) fn refusal(reason: Reason, tries_left: u8) -> Vec<u8> {
    let [low, high] = reason.0.to_le_bytes();
    [&b"OD2x"[..], &[low, high, tries_left]].concat()
}

/// The number that stands for an error on the wire.
pub(crate) const fn status(code: ErrorCode) -> u16 {
    code as u16
}
