//! What the fuzz targets do with their bytes. Ordinary functions: `fuzz/` calls them under a fuzzer, `tests/core` with
//! the inputs that are kept.
//!
//! # Panics
//! Each panics when its bytes break what must hold; that is what a fuzzer looks for.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use opendesk_core::crypto::noise::Transport;
use opendesk_core::crypto::record::{Direction, Numbering};
use opendesk_core::dialect::v1;
use opendesk_core::dialect::v1::msgpack::Reader;
use opendesk_core::dialect::v2::{AuthClient, auth_respond};
use opendesk_core::frame::{self, Frame, Header, Hello, PROTOCOL, Role, SessionKind, Signed};
use opendesk_core::{
    Bodies, BodyId, Client, ClientDelivery, Decision, Delivery, Event, Host, Instant, Keys, LinkId, Outcome,
    PairingEnd, Psk, Reason, RequestId, SigningKey, StaticKey, Wire, limits,
};
use opendesk_std::api::Call;
use opendesk_std::discovery::Record;

use crate::world::model::{Op, run};

/// Bytes as a record's plaintext: whatever decodes encodes to something that decodes alike.
pub fn frame_decode(data: &[u8]) {
    let Ok(Frame::Known(header, body)) = frame::decode(data) else { return };
    assert!(body.len() <= limits::CHUNK_BYTES && data.ends_with(body));
    let mut out = vec![0; 1 + limits::HEADER_BYTES];
    let head = frame::encode(&header, &mut out).expect("what was decoded fits");
    out.truncate(head);
    out.extend_from_slice(body);
    assert_eq!(frame::decode(&out), Ok(Frame::Known(header, body)));
}

/// Bytes as the TXT record of a host: what is read is short, plain, and written so that it is read alike.
pub fn txt_record(data: &[u8]) {
    let Some(record) = Record::parse(data) else { return };
    assert!(record.description.chars().count() <= 255 && !record.description.chars().any(char::is_control));
    let again = Record::parse(&record.write()).expect("it has a key");
    assert_eq!((again.key, again.wire), (record.key, record.wire));
    assert!(record.description.starts_with(&again.description));
}

/// Messages, each behind its length in two bytes, little-endian; the last may be cut short.
fn messages(data: &[u8]) -> Vec<Vec<u8>> {
    let mut rest = data;
    let mut messages = Vec::new();
    while let Some(([low, high], after)) = rest.split_first_chunk::<2>() {
        let length = usize::from(u16::from_le_bytes([*low, *high])).min(after.len());
        let (message, next) = after.split_at(length);
        messages.push(message.to_vec());
        rest = next;
    }
    messages
}

/// A program without anything to say.
struct Nothing;

impl Bodies for Nothing {
    fn copy(&mut self, _: LinkId, _: BodyId, _: usize, out: &mut [u8]) {
        assert!(out.is_empty(), "every body here is empty");
    }
}

/// Bytes as the messages of two strangers, in turn, to a host that shows a code: nobody gets in, and the host goes on.
pub fn handshake_host(data: &[u8]) {
    let now = Instant::from_micros(1);
    let config = Keys { static_key: StaticKey::new([0xd0; 32]), signing_key: SigningKey::new([0xd1; 32]) };
    let mut host: Box<Host<4>> = Box::new(Host::new(config, [7; 32]));
    host.open_pairing(b"314159", now.after(limits::PAIRING)).expect("the code has a length");
    let links = [1, 2].map(|address| host.open(now, [address; 16]).expect("there is a place"));
    let mut buf = vec![0; limits::RECORD_BYTES];
    let mut wrong = 0;
    for (mut message, link) in messages(data).into_iter().zip(links.into_iter().cycle()) {
        match host.handle_message(now, link, &mut message) {
            Delivery::Nothing => {}
            Delivery::Claim(claim) => host.vouch(now, claim.link, false),
            Delivery::Hello(hello) => {
                assert!(!hello.paired, "nobody knows the code");
                host.decide(now, link, Decision::Refused(Reason::UNTRUSTED));
            }
            Delivery::Request(_) => panic!("a stranger asked for something"),
        }
        while let Some(event) = host.poll_event() {
            match event {
                Event::GreetingDue { link, .. } => host.greet(link, 0),
                Event::WrongCode { .. } => wrong += 1,
                Event::PairingEnded(end) => assert_eq!((end, wrong), (PairingEnd::WrongCodes, limits::PAIRING_TRIES)),
                Event::LinkClosed { .. } => {}
                Event::SessionOpened { .. }
                | Event::SessionEnded { .. }
                | Event::CallCancelled { .. }
                | Event::StreamReady { .. }
                | Event::ProbeDue { .. } => {
                    panic!("a stranger has a session: {event:?}")
                }
            }
        }
        for link in links {
            while let Some(length) = host.poll_transmit(link, &mut Nothing, &mut buf) {
                assert!(length <= limits::RECORD_BYTES);
            }
        }
        assert!(host.controller().is_none());
    }
    host.handle_timeout(now.after(limits::HANDSHAKE));
    for link in links {
        while host.poll_transmit(link, &mut Nothing, &mut buf).is_some() {}
        assert!(!host.wants_input(link), "a stranger outlived the deadline");
    }
}

/// Bytes as the messages of a host, to a controller that authenticates or pairs, as the first byte says: it opens
/// nothing.
pub fn handshake_client(data: &[u8]) {
    let Some((first, rest)) = data.split_first() else { return };
    let now = Instant::from_micros(1);
    let config = Keys { static_key: StaticKey::new([1; 32]), signing_key: SigningKey::new([2; 32]) };
    let mut client = if first.is_multiple_of(2) {
        Client::auth(now, config, StaticKey::new([0xd0; 32]).public(), [3; 32])
    } else {
        Client::pair(now, config, b"314159", [3; 32]).expect("the code has a length")
    };
    let mut buf = vec![0; limits::RECORD_BYTES];
    for mut message in messages(rest) {
        while let Some(length) = client.poll_transmit(&mut Nothing, &mut buf) {
            assert!(length <= limits::RECORD_BYTES);
        }
        let _whatever = client.handle_message(now, &mut message);
        assert!(!client.is_open(), "somebody who is not the host opened a session");
        while client.poll_event().is_some() {}
    }
    client.handle_timeout(now.after(limits::HANDSHAKE));
    while client.poll_transmit(&mut Nothing, &mut buf).is_some() {}
    client.handle_timeout(now.after(limits::HANDSHAKE).after(limits::LINGER));
    assert!(client.is_closed(), "the controller outlived the deadline");
}

/// Bytes as operations on a world, two for each, compared with the model after each.
pub fn host_ops(data: &[u8]) {
    let ops: Vec<Op> = data.chunks_exact(2).take(100).map(|pair| Op::from_bytes(pair[0], pair[1])).collect();
    drop(run(1, &ops));
}

/// Bytes as a method and its parameters: whatever decodes encodes to something that decodes alike.
pub fn call_decode(data: &[u8]) {
    let Some((first, params)) = data.split_first() else { return };
    let method = Call::NAMES[usize::from(*first) % Call::NAMES.len()];
    let Ok(call) = Call::decode(method, params) else { return };
    assert_eq!(call.method(), method);
    assert!(!call.summary().contains('\n'), "the log has a line for each call");
    let again = Call::decode(method, &call.encode().expect("what was decoded can be encoded"));
    // What is not a number equals nothing.
    if !format!("{call:?}").contains("NaN") {
        assert_eq!(again, Ok(call));
    }
}

/// A session's keys as the test's end of it has them.
fn records(transport: &Transport, as_host: bool) -> (Direction, Direction) {
    let (out, back) = if as_host {
        (&transport.responder, &transport.initiator)
    } else {
        (&transport.initiator, &transport.responder)
    };
    (Direction::new(out, Numbering::Noise), Direction::new(back, Numbering::Noise))
}

fn seal(direction: &mut Direction, plaintext: &[u8]) -> Vec<u8> {
    let mut record = plaintext.to_vec();
    record.resize(plaintext.len() + limits::TAG_BYTES, 0);
    direction.seal(&mut record, plaintext.len()).expect("there is room");
    record
}

fn hello(role: Role, signing_key: &SigningKey, hash: &[u8; 32], memory: u64) -> Vec<u8> {
    let hello = Hello {
        role,
        kind: SessionKind::CONTROL,
        protocol: PROTOCOL,
        signed: Some(Signed { key: signing_key.public(), signature: signing_key.sign_hello(role, hash) }),
        error: None,
        memory,
    };
    let mut out = vec![0; 1 + limits::HEADER_BYTES];
    let length = frame::encode(&Header::Hello(hello), &mut out).expect("there is room");
    out.truncate(length);
    out
}

/// Bytes as the frames of a controller that is trusted and drives, to a host whose program answers everything at once and
/// sends an item whenever it may: each call gets one answer, and after the end nothing is delivered.
pub fn host_frames(data: &[u8]) {
    let now = Instant::from_micros(1);
    let config = Keys { static_key: StaticKey::new([0xd0; 32]), signing_key: SigningKey::new([0xd1; 32]) };
    let host_key = config.static_key.public();
    let mut host: Box<Host<2>> = Box::new(Host::new(config, [7; 32]));
    let link = host.open(now, [1; 16]).expect("there is a place");
    let (mut auth, mut first) = AuthClient::start(StaticKey::new([1; 32]), host_key, [2; 32]).expect("a good key");
    let mut buf = vec![0; limits::RECORD_BYTES];
    assert!(matches!(host.handle_message(now, link, &mut first), Delivery::Nothing));
    let length = host.poll_transmit(link, &mut Nothing, &mut buf).expect("the host answers");
    let transport = auth.finish(&buf[4..length]).expect("the answer is the host's");
    let (mut outgoing, _) = records(&transport, false);
    let mut greeting = seal(&mut outgoing, &hello(Role::Controller, &SigningKey::new([3; 32]), &transport.hash, 0));
    assert!(matches!(host.handle_message(now, link, &mut greeting), Delivery::Hello(_)));
    host.decide(now, link, Decision::Trusted);
    let mut over = false;
    let mut running = BTreeSet::new();
    let mut highest = None;
    for message in messages(data) {
        let mut record = seal(&mut outgoing, &message);
        let mut complete = None;
        match host.handle_message(now, link, &mut record) {
            Delivery::Nothing => {}
            Delivery::Claim(_) | Delivery::Hello(_) => panic!("a session begins once"),
            Delivery::Request(part) => {
                assert!(!over, "something was delivered after the end");
                if !running.contains(&part.call) {
                    assert!(highest < Some(part.call), "an id came twice");
                    highest = Some(part.call);
                    running.insert(part.call);
                }
                complete = part.done.then_some(part.call);
            }
        }
        drain(&mut host, &mut running, &mut over);
        if let Some(call) = complete.filter(|call| running.contains(call)) {
            // Every other call stays, for what comes after it.
            if call.0.is_multiple_of(2) {
                host.respond(link, call, Outcome::Ok, 0).expect("it runs");
                running.remove(&call);
                assert!(host.respond(link, call, Outcome::Ok, 0).is_err(), "it was answered twice");
            }
        }
        while host.poll_transmit(link, &mut Nothing, &mut buf).is_some() {
            drain(&mut host, &mut running, &mut over);
        }
    }
}

/// What the program of [`host_frames`] makes of events.
fn drain(host: &mut Host<2>, running: &mut BTreeSet<RequestId>, over: &mut bool) {
    let now = Instant::from_micros(1);
    while let Some(event) = host.poll_event() {
        match event {
            Event::GreetingDue { link, .. } => host.greet(link, 0),
            Event::SessionEnded { link, .. } => {
                *over = true;
                running.clear();
                host.released(now, link);
            }
            Event::CallCancelled { call, .. } => assert!(running.remove(&call), "it was not running"),
            Event::StreamReady { link, call } => {
                assert!(running.contains(&call) && host.is_stream_ready(link, call));
                host.send_item(link, call, 0).expect("it may be sent");
            }
            Event::SessionOpened { .. } | Event::LinkClosed { .. } => {}
            Event::WrongCode { .. } | Event::PairingEnded(_) => panic!("nobody pairs"),
            Event::ProbeDue { .. } => panic!("version 2 has pings"),
        }
    }
}

/// Bytes as the frames of the host to a controller with three calls, one of them a stream: none is answered twice, items
/// come within the credit only, and after the end nothing is delivered.
pub fn client_frames(data: &[u8]) {
    let now = Instant::from_micros(1);
    let host_key = StaticKey::new([0xd0; 32]);
    let config = Keys { static_key: StaticKey::new([1; 32]), signing_key: SigningKey::new([2; 32]) };
    let mut client = Client::auth(now, config, host_key.public(), [3; 32]);
    let mut buf = vec![0; limits::RECORD_BYTES];
    let length = client.poll_transmit(&mut Nothing, &mut buf).expect("the controller begins");
    let (transport, mut answer) = auth_respond(host_key, &buf[4..length], [4; 32]).expect("the message holds");
    assert!(matches!(client.handle_message(now, &mut answer), ClientDelivery::Nothing));
    let (mut outgoing, _) = records(&transport, true);
    let mut greeting = seal(&mut outgoing, &hello(Role::Host, &SigningKey::new([0xd1; 32]), &transport.hash, 5));
    assert!(matches!(client.handle_message(now, &mut greeting), ClientDelivery::Greeting(_)));
    assert!(client.is_open());
    let calls = [(); 3].map(|()| client.call("test.method", [0; 16], 0).expect("there is room"));
    client.grant(calls[2], 100).expect("it runs");
    let (mut waiting, mut items) = (BTreeSet::from(calls), 0);
    for message in messages(data) {
        while client.poll_transmit(&mut Nothing, &mut buf).is_some() {}
        let open = client.is_open();
        match client.handle_message(now, &mut seal(&mut outgoing, &message)) {
            ClientDelivery::Nothing => {}
            ClientDelivery::Greeting(_) => panic!("a session begins once"),
            ClientDelivery::Push { .. } => assert!(open),
            ClientDelivery::Item(part) => {
                assert!(open && part.call == calls[2] && waiting.contains(&part.call));
                items += usize::from(part.done);
                assert!(items <= 2, "100 bytes of credit are used up by the second item");
            }
            ClientDelivery::Response(part) => {
                assert!(open && waiting.contains(&part.call), "it was answered twice");
                if part.done {
                    waiting.remove(&part.call);
                }
            }
        }
        while client.poll_event().is_some() {}
    }
}

/// What the code becomes in version 1. It takes long to derive, by intent.
static PSK: LazyLock<Psk> = LazyLock::new(|| Psk::derive(b"314159"));

/// Bytes as the messages of four strangers, in turn, to a host that shows a code to version 1 as well and trusts a key that
/// they may claim to have: nobody gets in, whoever was offered something has tried, and the host goes on.
pub fn v1_handshake(data: &[u8]) {
    let now = Instant::from_micros(1);
    let config = Keys { static_key: StaticKey::new([0xd0; 32]), signing_key: SigningKey::new([0xd1; 32]) };
    let known = StaticKey::new([1; 32]).public();
    let mut host: Box<Host<4>> = Box::new(Host::new(config, [7; 32]));
    host.open_pairing(b"314159", now.after(limits::PAIRING)).expect("the code has a length");
    host.allow_version_1(PSK.clone()).expect("a window is open");
    let links = [1, 2, 3, 4].map(|address| host.open(now, [address; 16]).expect("there is a place"));
    let mut wrong = 0;
    for (mut message, link) in messages(data).into_iter().zip(links.into_iter().cycle()) {
        match host.handle_message(now, link, &mut message) {
            Delivery::Nothing => {}
            Delivery::Claim(claim) => host.vouch(now, claim.link, claim.peer == known),
            Delivery::Hello(hello) => {
                assert!(!hello.paired && hello.wire == Wire::V2, "nobody knows the code, or the secret of that key");
                host.decide(now, link, Decision::Refused(Reason::UNTRUSTED));
            }
            Delivery::Request(_) => panic!("a stranger asked for something"),
        }
        drain_strangers(&mut host, links, &mut wrong);
    }
    host.handle_timeout(now.after(limits::HANDSHAKE));
    drain_strangers(&mut host, links, &mut wrong);
    assert!(links.iter().all(|link| !host.wants_input(*link)), "a stranger outlived the deadline");
    assert_eq!(host.is_pairing(), wrong < limits::PAIRING_TRIES);
}

/// What the program of [`v1_handshake`] makes of events, and what the host says meanwhile.
fn drain_strangers(host: &mut Host<4>, links: [LinkId; 4], wrong: &mut u8) {
    // Sending makes events too: a link is gone when its last word is.
    for _ in 0..2 {
        while let Some(event) = host.poll_event() {
            match event {
                Event::GreetingDue { link, .. } => host.greet(link, 0),
                Event::WrongCode { tries_left, .. } => {
                    *wrong += 1;
                    assert_eq!(*wrong + tries_left, limits::PAIRING_TRIES, "tries of one code");
                }
                Event::PairingEnded(end) => assert_eq!((end, *wrong), (PairingEnd::WrongCodes, limits::PAIRING_TRIES)),
                Event::LinkClosed { .. } => {}
                Event::SessionOpened { .. }
                | Event::SessionEnded { .. }
                | Event::CallCancelled { .. }
                | Event::StreamReady { .. }
                | Event::ProbeDue { .. } => panic!("a stranger has a session: {event:?}"),
            }
        }
        for link in links {
            let mut buf = vec![0; host.transmit_bytes(link)];
            while host.poll_transmit(link, &mut Nothing, &mut buf).is_some() {}
        }
    }
    assert!(host.controller().is_none());
}

/// Bytes as the frames of a controller of version 1 that is trusted and drives, to a host whose program sends items where
/// it may and answers every other call: each call gets one answer, all that the host says is a map, and after the end
/// nothing is delivered.
pub fn v1_frames(data: &[u8]) {
    let now = Instant::from_micros(1);
    let config = Keys { static_key: StaticKey::new([0xd0; 32]), signing_key: SigningKey::new([0xd1; 32]) };
    let host_key = config.static_key.public();
    let mut host: Box<Host<2>> = Box::new(Host::new(config, [7; 32]));
    let link = host.open(now, [1; 16]).expect("there is a place");
    let (auth, mut first) = v1::AuthClient::start(StaticKey::new([1; 32]), host_key, [2; 32]);
    assert!(matches!(host.handle_message(now, link, &mut first), Delivery::Claim(_)));
    host.vouch(now, link, true);
    let mut buf = vec![0; limits::RECORD_BYTES];
    let length = host.poll_transmit(link, &mut Nothing, &mut buf).expect("the host answers");
    let Ok(v1::Step::AuthOffer { ephemeral, sealed }) = v1::split(&buf[..length]) else { panic!("it offers") };
    let transport = auth.finish(ephemeral, sealed).expect("the answer is the host's");
    let mut outgoing = Direction::new(&transport.initiator, Numbering::BigEndian);
    let mut talk = Talk {
        incoming: Direction::new(&transport.responder, Numbering::BigEndian),
        running: BTreeMap::new(),
        over: false,
    };
    let mut greeting = seal(&mut outgoing, b"\x82\xa4type\xa5hello\xa4role\xa6client");
    assert!(matches!(host.handle_message(now, link, &mut greeting), Delivery::Hello(_)));
    host.decide(now, link, Decision::Trusted);
    talk.drain(&mut host);
    talk.hear(&mut host, link);
    let mut highest = None;
    for message in messages(data) {
        let mut record = seal(&mut outgoing, &message);
        match host.handle_message(now, link, &mut record) {
            Delivery::Nothing => {}
            Delivery::Claim(_) | Delivery::Hello(_) => panic!("a session begins once"),
            Delivery::Request(part) => {
                assert!(!talk.over && part.done && part.body.len() == part.total, "it comes whole, before the end");
                assert!(highest < Some(part.call), "an id came twice");
                highest = Some(part.call);
                talk.running.insert(part.call, part.stream == Some(true));
            }
        }
        talk.drain(&mut host);
        if let Some((call, is_stream)) = talk.running.last_key_value().map(|(call, is_stream)| (*call, *is_stream)) {
            // All earlier items have been sent.
            assert_eq!(host.is_stream_ready(link, call), is_stream);
            assert_eq!(host.send_item(link, call, 0).is_ok(), is_stream);
            // Every other call stays, for what comes after it.
            if call.0.is_multiple_of(2) {
                host.respond(link, call, Outcome::Ok, 0).expect("it runs");
                talk.running.remove(&call);
                assert!(host.respond(link, call, Outcome::Ok, 0).is_err(), "it was answered twice");
            }
        }
        talk.hear(&mut host, link);
    }
}

/// What the program of [`v1_frames`] and its controller know of each other.
struct Talk {
    incoming: Direction,
    /// The calls that run, and whether each is a stream.
    running: BTreeMap<RequestId, bool>,
    over: bool,
}

impl Talk {
    fn drain(&mut self, host: &mut Host<2>) {
        while let Some(event) = host.poll_event() {
            match event {
                Event::GreetingDue { link, .. } => host.greet(link, 0),
                Event::SessionEnded { link, .. } => {
                    self.over = true;
                    self.running.clear();
                    host.released(Instant::from_micros(1), link);
                }
                Event::CallCancelled { call, .. } => assert!(self.running.remove(&call).is_some(), "it did not run"),
                Event::StreamReady { link, call } => {
                    assert!(self.running.get(&call) == Some(&true) && host.is_stream_ready(link, call));
                }
                Event::SessionOpened { .. } | Event::LinkClosed { .. } => {}
                Event::WrongCode { .. } | Event::PairingEnded(_) => panic!("nobody pairs"),
                Event::ProbeDue { .. } => panic!("no time passes"),
            }
        }
    }

    fn hear(&mut self, host: &mut Host<2>, link: LinkId) {
        let mut buf = vec![0; host.transmit_bytes(link)];
        while let Some(length) = host.poll_transmit(link, &mut Nothing, &mut buf) {
            let frame = self.incoming.open(&mut buf[..length]).expect("it is the next record");
            let mut reader = Reader::new(frame);
            assert!(reader.raw().is_ok() && reader.is_at_end(), "what the host says is no map: {frame:02x?}");
            self.drain(host);
        }
        self.drain(host);
    }
}
