//! What a peer says first, right and wrong.

use opendesk_core::frame::{Header, Hello, Role, SessionKind};
use opendesk_core::{Decision, Reason};
use opendesk_tests::world::{Handler, Way, World};

use super::{ANNA, BEN, CARL};
use crate::raw::{Raw, Said, refusal};

const ASK: Header<'static> =
    Header::Request { id: 1, operation: [1; 16], method: "test.method", total: 0, stream: None };

#[test]
fn bytes_that_are_no_handshake_message_get_a_reason_and_the_door() {
    let wrong: [(&[u8], Reason); 17] = [
        (b"", Reason::MALFORMED),
        (b"O", Reason::MALFORMED),
        (b"OD2", Reason::MALFORMED),
        (b"OD3A", Reason::MALFORMED),
        (b"OD2Z", Reason::MALFORMED),
        (b"GET / HTTP/1.1\r\n\r\n", Reason::MALFORMED),
        (b"OD2A", Reason::FORGED),
        (b"OD2A and so on", Reason::FORGED),
        (b"OD2a", Reason::MISBEHAVED),
        (b"OD2p", Reason::MISBEHAVED),
        (b"OD2C", Reason::MISBEHAVED),
        (b"OD2c", Reason::MISBEHAVED),
        (b"OD2F", Reason::MISBEHAVED),
        (b"OD2x\x01\x00\x00", Reason::MISBEHAVED),
        (b"OD2P", Reason::MALFORMED),
        (b"OD2P 16 bytes of sid, no share", Reason::MALFORMED),
        (&[0xff; 4096], Reason::MALFORMED),
    ];
    let mut world = World::new(1);
    let anna = world.open(ANNA);
    world.show_code("314159");
    for (bytes, reason) in wrong {
        let wire = world.raw();
        world.send(wire, Way::ToHost, bytes);
        world.settle();
        assert_eq!(world.received(wire), [refusal(reason, 0)], "{bytes:?}");
        assert!(world.is_gone(wire));
    }
    assert_eq!(world.controller(), Some(anna));
    assert!(world.host.is_pairing());
}

#[test]
fn a_record_other_than_a_hello_is_no_first_record() {
    let others =
        [ASK, Header::Chunk { id: 1 }, Header::Cancel { id: 1 }, Header::Ping { token: 1 }, Header::Pong { token: 1 }];
    for header in others {
        let mut world = World::new(1);
        world.program.trusted.insert(ANNA.public());
        let mut anna = Raw::keyed(&mut world, ANNA.static_key());
        anna.say(&mut world, &header, b"");
        let said = anna.heard(&mut world);
        assert_eq!(said.last(), Some(&Said::Close(Reason::MISBEHAVED)), "{header:?}");
        assert!(world.is_gone(anna.wire) && world.program.proved.is_empty());
    }
}

#[test]
fn a_request_right_behind_the_hello_is_delivered_once_its_sender_drives() {
    let mut world = World::new(1);
    world.program.decides_at_once = false;
    world.program.handler = Handler::ByHand;
    let mut anna = Raw::keyed(&mut world, ANNA.static_key());
    let hello = anna.hello(ANNA);
    anna.say(&mut world, &Header::Hello(hello), b"");
    anna.say(&mut world, &ASK, b"");
    assert!(world.program.running.is_empty(), "I2: it does not drive yet");
    world.decide(anna.wire, Decision::Trusted);
    world.settle();
    assert_eq!(world.program.running.len(), 1);
}

#[test]
fn a_request_right_behind_the_hello_of_somebody_who_may_not_is_never_delivered() {
    let mut world = World::new(1);
    let anna = world.open(ANNA);
    world.program.trusted.insert(CARL.public());
    for (peer, reason) in [(BEN, Reason::UNTRUSTED), (CARL, Reason::BUSY)] {
        let mut raw = Raw::keyed(&mut world, peer.static_key());
        let hello = raw.hello(peer);
        for record in [raw.record(&Header::Hello(hello), b""), raw.record(&ASK, b"")] {
            world.send(raw.wire, Way::ToHost, &record);
        }
        world.settle();
        let said = raw.heard(&mut world);
        assert!(matches!(said[..], [Said::Hello { error: Some(why), .. }] if why == reason), "{said:?}");
        assert!(world.is_gone(raw.wire));
    }
    assert_eq!(world.controller(), Some(anna));
}

#[test]
fn whoever_closes_instead_of_a_hello_is_answered_as_everybody_who_closes() {
    for (given, answered) in [(Reason::SHUTDOWN, Reason::SHUTDOWN), (Reason::LOST, Reason::DONE)] {
        let mut world = World::new(1);
        let mut anna = Raw::keyed(&mut world, ANNA.static_key());
        anna.say(&mut world, &Header::Close { reason: given }, b"");
        world.settle();
        assert_eq!(anna.heard(&mut world), [Said::Close(answered)]);
        assert!(world.is_gone(anna.wire));
    }
}

#[test]
fn a_hello_whose_signature_does_not_hold_is_forged() {
    let wrong: [fn(&Raw) -> Hello; 5] = [
        |raw| raw.signed(ANNA, |signed| signed.key = BEN.signing_key().public()),
        |raw| raw.signed(ANNA, |signed| signed.signature = BEN.signing_key().sign_hello(Role::Controller, &raw.hash)),
        |raw| raw.signed(ANNA, |signed| signed.signature = ANNA.signing_key().sign_hello(Role::Host, &raw.hash)),
        |raw| raw.signed(ANNA, |signed| signed.signature = ANNA.signing_key().sign_hello(Role::Controller, &[0; 32])),
        |raw| Hello { role: Role::Host, ..raw.hello(ANNA) },
    ];
    for hello in wrong {
        let mut world = World::new(1);
        world.program.trusted.insert(ANNA.public());
        let mut anna = Raw::keyed(&mut world, ANNA.static_key());
        let hello = hello(&anna);
        anna.say(&mut world, &Header::Hello(hello), b"");
        assert_eq!(anna.heard(&mut world), [Said::Close(Reason::FORGED)]);
        assert!(world.is_gone(anna.wire) && world.program.proved.is_empty());
    }
}

#[test]
fn a_signature_proves_the_key_that_is_told_to_the_program() {
    let mut world = World::new(1);
    world.program.trusted.insert(ANNA.public());
    let mut anna = Raw::keyed(&mut world, ANNA.static_key());
    // A machine may have any signing key as long as it has it.
    let hello = anna.hello(CARL);
    anna.say(&mut world, &Header::Hello(hello), b"");
    assert_eq!(world.controller(), Some(anna.wire));
    assert_eq!(world.program.proved[0].signing_key, Some(CARL.signing_key().public()));
}

#[test]
fn another_kind_of_session_is_refused_as_unsupported() {
    for kind in [SessionKind::OBSERVE, SessionKind(2), SessionKind(255)] {
        let mut world = World::new(1);
        world.program.trusted.insert(ANNA.public());
        let mut anna = Raw::keyed(&mut world, ANNA.static_key());
        let hello = Hello { kind, ..anna.hello(ANNA) };
        anna.say(&mut world, &Header::Hello(hello), b"");
        assert_eq!(anna.heard(&mut world), [Said::Hello { error: Some(Reason::UNSUPPORTED), body: vec![] }]);
        assert!(world.is_gone(anna.wire));
    }
}

#[test]
fn what_only_a_host_says_or_only_once_ends_the_session() {
    let words: [fn(&Raw) -> Header<'static>; 3] = [
        |_| Header::Response { id: 1, status: 0, total: 0 },
        |_| Header::Push { topic: 1 },
        |raw| Header::Hello(raw.hello(ANNA)),
    ];
    for word in words {
        let mut world = World::new(1);
        let mut anna = Raw::open(&mut world, ANNA);
        let header = word(&anna);
        anna.say(&mut world, &header, b"");
        assert_eq!(anna.heard(&mut world), [Said::Close(Reason::MISBEHAVED)], "{header:?}");
        assert_eq!(world.controller(), None);
    }
}

#[test]
fn frames_from_the_future_are_skipped_and_kinds_that_must_be_known_end_the_session() {
    let mut world = World::new(1);
    let mut anna = Raw::open(&mut world, ANNA);
    for plaintext in [&[1, 64][..], &[3, 200, 1, 2, 9, 9, 9], &[1, 255]] {
        let record = anna.sealed(plaintext);
        world.send(anna.wire, Way::ToHost, &record);
    }
    anna.say(&mut world, &Header::Ping { token: 5 }, b"a body that pings do not have yet");
    assert_eq!(anna.heard(&mut world), [Said::Pong(5)]);

    let record = anna.sealed(&[1, 63]);
    world.send(anna.wire, Way::ToHost, &record);
    world.settle();
    assert_eq!(anna.heard(&mut world), [Said::Close(Reason::MALFORMED)]);
    assert_eq!(world.controller(), None);
}
