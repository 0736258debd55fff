//! A peer of version 1 that says what no client of ours would say: the handshake is real, and the test writes each frame,
//! with an encoder of MessagePack that is not the core's.

use opendesk_core::crypto::noise::Transport;
use opendesk_core::crypto::record::{Direction, Numbering};
use opendesk_core::dialect::Message;
use opendesk_core::dialect::v1::{AuthClient, PairClient, Step, split};
use opendesk_core::{Psk, StaticKey, limits};
use opendesk_tests::world::{Peer, Way, Wire, World};
use serde_json::{Value, json};

/// A value in MessagePack.
pub(crate) fn packed(value: &Value) -> Vec<u8> {
    rmp_serde::to_vec(value).expect("every JSON value can be packed")
}

/// A map whose keys come in this order.
pub(crate) fn map(fields: &[(&str, Value)]) -> Vec<u8> {
    assert!(fields.len() < 16, "the head of a longer map is longer");
    let mut bytes = vec![0x80 | fields.len() as u8];
    for (key, value) in fields {
        bytes.extend(packed(&json!(key)));
        bytes.extend(packed(value));
    }
    bytes
}

/// The one value that these bytes are.
pub(crate) fn unpacked(bytes: &[u8]) -> Value {
    let mut rest = bytes;
    let value: Value = rmp_serde::from_read(&mut rest).expect("what is said is MessagePack");
    assert!(rest.is_empty(), "{} bytes follow {value}", rest.len());
    value
}

/// The greeting of a controller, with every key.
pub(crate) fn hello() -> Value {
    json!({"v": 1, "type": "hello", "role": "client", "principal": "", "auth": {}, "capabilities": {}, "error": null})
}

/// A request with every key.
pub(crate) fn req(id: impl Into<Value>, method: &str, stream: bool, params: Value) -> Value {
    let id: Value = id.into();
    json!({"v": 1, "type": "req", "id": id, "method": method, "stream": stream, "params": params})
}

/// A cancel with every key.
pub(crate) fn cancel(id: i64) -> Value {
    json!({"v": 1, "type": "cancel", "id": id, "reason": "caller cancelled"})
}

/// The greeting by which a host gives the session: all keys, in the order of the other implementation.
pub(crate) fn welcome() -> Vec<u8> {
    map(&[
        ("v", json!(1)),
        ("type", json!("hello")),
        ("role", json!("server")),
        ("principal", json!("")),
        ("auth", json!({})),
        ("capabilities", json!({"description": "welcome"})),
        ("error", Value::Null),
    ])
}

/// A reply, likewise.
pub(crate) fn reply(id: i64, seq: i64, end: bool, result: Value, error: Value) -> Vec<u8> {
    map(&[
        ("v", json!(1)),
        ("type", json!("res")),
        ("id", json!(id)),
        ("seq", json!(seq)),
        ("end", json!(end)),
        ("result", result),
        ("error", error),
    ])
}

/// The word by which a host ends a session, likewise.
pub(crate) fn eviction() -> Vec<u8> {
    map(&[
        ("v", json!(1)),
        ("type", json!("push")),
        ("topic", json!("session.evicted")),
        ("payload", json!({"reason": "admin_disconnect"})),
    ])
}

/// The next record of a direction.
pub(crate) fn seal(direction: &mut Direction, plaintext: &[u8]) -> Vec<u8> {
    let mut record = plaintext.to_vec();
    record.resize(plaintext.len() + limits::TAG_BYTES, 0);
    direction.seal(&mut record, plaintext.len()).expect("there is room");
    record
}

/// A peer with keys.
pub(crate) struct Raw1 {
    pub(crate) wire: Wire,
    pub(crate) hash: [u8; 32],
    outgoing: Direction,
    incoming: Direction,
}

impl Raw1 {
    /// Says who it is. Gives what the host answers.
    pub(crate) fn claim(world: &mut World, key: StaticKey) -> (Wire, AuthClient, Vec<Vec<u8>>) {
        let wire = world.raw();
        let (auth, first) = AuthClient::start(key, world.host_key(), world.random());
        world.send(wire, Way::ToHost, &first);
        world.settle();
        let answers = world.received(wire);
        (wire, auth, answers)
    }

    /// Says who it is, and is believed: it has keys now, and has proved nothing.
    pub(crate) fn keyed(world: &mut World, key: StaticKey) -> Self {
        let (wire, auth, answers) = Self::claim(world, key);
        let Ok(Step::AuthOffer { ephemeral, sealed }) = split(&answers[0]) else { panic!("{answers:?}") };
        Self::new(wire, &auth.finish(ephemeral, sealed).expect("the host trusts it"))
    }

    /// Begins to pair. Gives the pairing's last message with the keys that follow it.
    pub(crate) fn offered(world: &mut World, key: StaticKey, psk: &Psk) -> (Self, Message) {
        let wire = world.raw();
        let (pairing, first) = PairClient::start(key, psk.clone(), world.random());
        world.send(wire, Way::ToHost, &first);
        world.settle();
        let answers = world.received(wire);
        let Ok(Step::PairOffer { ephemeral, sealed }) = split(&answers[0]) else { panic!("{answers:?}") };
        let (transport, last) = pairing.finish(ephemeral, sealed).expect("the code is right");
        (Self::new(wire, &transport), last)
    }

    fn new(wire: Wire, transport: &Transport) -> Self {
        Self {
            wire,
            hash: transport.hash,
            outgoing: Direction::new(&transport.initiator, Numbering::BigEndian),
            incoming: Direction::new(&transport.responder, Numbering::BigEndian),
        }
    }

    /// A trusted peer that drives.
    pub(crate) fn open(world: &mut World, peer: Peer) -> Self {
        world.program.trusted.insert(peer.public());
        let mut raw = Self::keyed(world, peer.static_key());
        raw.say(world, &hello());
        assert_eq!(raw.heard_bytes(world), [welcome()]);
        assert_eq!(world.controller(), Some(raw.wire));
        raw
    }

    /// A peer that pairs and drives; a window that allows it is open.
    pub(crate) fn pair(world: &mut World, peer: Peer, psk: &Psk) -> Self {
        let (mut raw, last) = Self::offered(world, peer.static_key(), psk);
        world.send(raw.wire, Way::ToHost, &last);
        raw.say(world, &hello());
        assert_eq!(raw.heard_bytes(world), [welcome()]);
        assert_eq!(world.controller(), Some(raw.wire));
        raw
    }

    /// A trusted peer that greets while somebody else drives.
    pub(crate) fn open_beside(world: &mut World, peer: Peer) -> Wire {
        world.program.trusted.insert(peer.public());
        let mut raw = Self::keyed(world, peer.static_key());
        raw.say(world, &hello());
        raw.wire
    }

    /// The next record, with these bytes in place of a frame.
    pub(crate) fn sealed(&mut self, plaintext: &[u8]) -> Vec<u8> {
        seal(&mut self.outgoing, plaintext)
    }

    /// Says these bytes in a record, and lets the host take them in.
    pub(crate) fn say_bytes(&mut self, world: &mut World, plaintext: &[u8]) {
        let record = self.sealed(plaintext);
        world.send(self.wire, Way::ToHost, &record);
        world.settle();
    }

    /// Says this frame, likewise.
    pub(crate) fn say(&mut self, world: &mut World, frame: &Value) {
        self.say_bytes(world, &packed(frame));
    }

    /// The frames that the host has said since it was asked last, as bytes.
    pub(crate) fn heard_bytes(&mut self, world: &mut World) -> Vec<Vec<u8>> {
        let open = |mut record: Vec<u8>| self.incoming.open(&mut record).expect("the record is the next one").to_vec();
        world.received(self.wire).into_iter().map(open).collect()
    }

    /// The same, taken apart.
    pub(crate) fn heard(&mut self, world: &mut World) -> Vec<Value> {
        self.heard_bytes(world).iter().map(|frame| unpacked(frame)).collect()
    }

    /// Asks for an echo and gets it: the session goes on.
    pub(crate) fn is_served(&mut self, world: &mut World) -> bool {
        self.say(world, &req(i64::from(i32::MAX), "system.echo", false, json!({"still": "here"})));
        self.heard_bytes(world) == [reply(i64::from(i32::MAX), 0, true, json!({"still": "here"}), Value::Null)]
    }
}
