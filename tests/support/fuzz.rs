//! What the fuzz targets do with their bytes. Ordinary functions: `fuzz/` calls them under a fuzzer, `tests/core` with
//! the inputs that are kept.
//!
//! # Panics
//! Each panics when its bytes break what must hold; that is what a fuzzer looks for.

use opendesk_core::frame::{self, Frame};
use opendesk_core::{
    Bodies, BodyId, Client, ClientConfig, Decision, Delivery, Event, Host, HostConfig, Instant, LinkId, PairingEnd,
    Reason, SigningKey, StaticKey, limits,
};

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
    let config = HostConfig { static_key: StaticKey::new([0xd0; 32]), signing_key: SigningKey::new([0xd1; 32]) };
    let mut host: Box<Host<4>> = Box::new(Host::new(config, [7; 32]));
    host.open_pairing(b"314159", now.after(limits::PAIRING)).expect("the code has a length");
    let links = [1, 2].map(|address| host.open(now, [address; 16]).expect("there is a place"));
    let mut buf = vec![0; limits::RECORD_BYTES];
    let mut wrong = 0;
    for (mut message, link) in messages(data).into_iter().zip(links.into_iter().cycle()) {
        match host.handle_message(now, link, &mut message) {
            Delivery::Nothing => {}
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
                | Event::StreamReady { .. } => {
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
    let config = ClientConfig { static_key: StaticKey::new([1; 32]), signing_key: SigningKey::new([2; 32]) };
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
