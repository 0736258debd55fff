//! Our own controller in version 1, against a host of the test's making.

use opendesk_core::crypto::record::{Direction, Numbering};
use opendesk_core::dialect::v1::{PairHost, Step, auth_respond, split};
use opendesk_core::{
    Bodies, BodyId, Client, ClientDelivery, ClientEvent, ErrorCode, Instant, LinkId, Misuse, Outcome, Psk, PublicKey,
    Reason, RequestId, StaticKey, limits,
};
use serde_json::{Value, json};

use super::ANNA;
use crate::raw1::{map, packed, reply, seal, unpacked};

const NOW: Instant = Instant::from_micros(1);

/// Every body of the controller is an empty map.
const EMPTY: &[u8] = &[0x80];

struct Empty;

impl Bodies for Empty {
    fn copy(&mut self, _: LinkId, _: BodyId, offset: usize, out: &mut [u8]) {
        out.copy_from_slice(&EMPTY[offset..offset + out.len()]);
    }
}

/// What the controller's program was told.
#[derive(Debug, PartialEq, Eq)]
enum Heard {
    Nothing,
    Greeting(Vec<u8>),
    Item(RequestId, Vec<u8>),
    Answer(RequestId, Outcome, Vec<u8>),
}

/// A controller, and what its host needs to talk to it.
struct Desk {
    client: Client,
    outgoing: Direction,
    incoming: Direction,
}

fn host_key() -> StaticKey {
    StaticKey::new([0xd0; 32])
}

fn next_message(client: &mut Client) -> Option<Vec<u8>> {
    let mut buf = vec![0; client.transmit_bytes()];
    let length = client.poll_transmit(&mut Empty, &mut buf)?;
    buf.truncate(length);
    Some(buf)
}

fn events(client: &mut Client) -> Vec<ClientEvent> {
    core::iter::from_fn(|| client.poll_event()).collect()
}

impl Desk {
    /// The controller has its keys.
    fn keyed() -> Self {
        let mut client = Client::auth_version_1(NOW, ANNA.config(), host_key().public(), [3; 32]);
        client.greet(EMPTY.len());
        let first = next_message(&mut client).expect("the controller begins");
        let Ok(Step::AuthHello { ephemeral, claimed }) = split(&first) else { panic!("{first:02x?}") };
        assert_eq!(claimed, ANNA.public());
        let (transport, mut answer) = auth_respond(&host_key(), ephemeral, claimed, [4; 32]).expect("good keys");
        assert!(matches!(client.handle_message(NOW, &mut answer), ClientDelivery::Nothing));
        let outgoing = Direction::new(&transport.responder, Numbering::BigEndian);
        Self { client, outgoing, incoming: Direction::new(&transport.initiator, Numbering::BigEndian) }
    }

    /// The session is open, and what was said until then is forgotten.
    fn open() -> Self {
        let mut desk = Self::keyed();
        assert_eq!(desk.asked().len(), 1, "its greeting");
        let greeting = desk.says(&json!({"type": "hello", "role": "server", "capabilities": {"a": 1}}));
        assert_eq!(greeting, Heard::Greeting(packed(&json!({"a": 1}))));
        assert!(desk.client.is_open());
        assert!(matches!(events(&mut desk.client)[..], [ClientEvent::Opened { signing_key: None, memory: 0, .. }]));
        desk
    }

    fn says_bytes(&mut self, plaintext: &[u8]) -> Heard {
        let mut record = seal(&mut self.outgoing, plaintext);
        match self.client.handle_message(NOW, &mut record) {
            ClientDelivery::Nothing => Heard::Nothing,
            ClientDelivery::Greeting(body) => Heard::Greeting(body.to_vec()),
            ClientDelivery::Push { topic, .. } => panic!("version 1 has no topic {topic}"),
            ClientDelivery::Item(part) => {
                assert!(part.done && part.total == part.body.len(), "it comes whole");
                Heard::Item(part.call, part.body.to_vec())
            }
            ClientDelivery::Response(part) => {
                assert!(part.done && part.total == part.body.len(), "it comes whole");
                Heard::Answer(part.call, part.outcome, part.body.to_vec())
            }
        }
    }

    fn says(&mut self, frame: &Value) -> Heard {
        self.says_bytes(&packed(frame))
    }

    /// All that the controller says, as bytes.
    fn asked(&mut self) -> Vec<Vec<u8>> {
        let mut frames = Vec::new();
        while let Some(mut record) = next_message(&mut self.client) {
            frames.push(self.incoming.open(&mut record).expect("the next record").to_vec());
        }
        frames
    }

    fn call(&mut self) -> RequestId {
        self.client.call("test.method", [7; 16], EMPTY.len()).expect("there is room")
    }

    fn closed(&mut self) -> Option<Reason> {
        events(&mut self.client).into_iter().find_map(|event| match event {
            ClientEvent::Closed { reason, .. } => Some(reason),
            ClientEvent::Opened { .. } | ClientEvent::Refused { .. } | ClientEvent::ProbeDue => None,
        })
    }
}

fn item(call: RequestId, seq: i64) -> Value {
    json!({"type": "res", "id": call.0, "seq": seq, "end": false, "result": {"seq": seq}})
}

fn result(call: RequestId) -> Value {
    json!({"type": "res", "id": call.0, "result": {"a": "result"}})
}

fn ok(call: RequestId) -> Heard {
    Heard::Answer(call, Outcome::Ok, packed(&json!({"a": "result"})))
}

#[test]
fn a_controller_writes_every_key_in_the_order_of_the_other_implementation() {
    let mut desk = Desk::keyed();
    let hello = map(&[
        ("v", json!(1)),
        ("type", json!("hello")),
        ("role", json!("client")),
        ("principal", json!("")),
        ("auth", json!({})),
        ("capabilities", json!({})),
        ("error", Value::Null),
    ]);
    assert_eq!(desk.asked(), [hello]);
    desk.says(&json!({"type": "hello", "role": "server"}));
    let request = |id: u32, method: &str, stream: bool| {
        map(&[
            ("v", json!(1)),
            ("type", json!("req")),
            ("id", json!(id)),
            ("method", json!(method)),
            ("stream", json!(stream)),
            ("params", json!({})),
        ])
    };
    let call = desk.call();
    let stream = desk.client.subscribe("display.subscribe", 1, EMPTY.len()).unwrap();
    // Without a body it is the same.
    desk.client.call("power.lock", [0; 16], 0).unwrap();
    let said =
        [request(1, "test.method", false), request(2, "display.subscribe", true), request(3, "power.lock", false)];
    assert_eq!(((call, stream), desk.asked()), ((RequestId(1), RequestId(2)), said.to_vec()));

    assert_eq!(desk.client.cancel(stream), Ok(false));
    let cancel =
        map(&[("v", json!(1)), ("type", json!("cancel")), ("id", json!(2)), ("reason", json!("caller cancelled"))]);
    assert_eq!(desk.asked(), [cancel]);
    // There is no word for more credit, none for a goodbye.
    desk.client.grant(call, 1).unwrap();
    desk.client.close(NOW, Reason::DONE);
    assert!(desk.asked().is_empty() && desk.client.is_closed());
}

#[test]
fn a_host_that_is_busy_says_so_and_others_say_why() {
    let codes = [
        ("busy", Reason::BUSY),
        ("permission_denied", Reason::REFUSED),
        ("capability_unsupported", Reason::UNSUPPORTED),
        ("internal", Reason::UNAVAILABLE),
        ("a code of the future", Reason::UNAVAILABLE),
    ];
    for (code, reason) in codes {
        let mut desk = Desk::keyed();
        let error = json!({"code": code, "message": "anna drives", "details": {}});
        let said = desk.says(&json!({"type": "hello", "role": "server", "error": error}));
        assert_eq!(said, Heard::Greeting(packed(&error)));
        let host: PublicKey = host_key().public();
        let events = events(&mut desk.client);
        let [ClientEvent::Refused { host: named, signing_key: None, reason: why, .. }, closed] = &events[..] else {
            panic!("{events:?}")
        };
        assert_eq!((*named, *why, *closed), (host, reason, ClientEvent::Closed { reason, tries_left: 0 }));
    }
}

#[test]
fn an_eviction_ends_the_session_whenever_it_comes_and_other_pushes_are_ignored() {
    let push = |topic: &str| json!({"type": "push", "topic": topic, "payload": {"reason": "admin_disconnect"}});
    for mut desk in [Desk::keyed(), Desk::open()] {
        for topic in ["", "session", "session.evicted.not", "anything"] {
            assert_eq!(desk.says(&push(topic)), Heard::Nothing);
        }
        assert_eq!(desk.closed(), None);
        assert_eq!(desk.says(&push("session.evicted")), Heard::Nothing);
        assert_eq!(desk.closed(), Some(Reason::EVICTED));
    }
}

#[test]
fn answers_that_nobody_waits_for_are_ignored() {
    let mut desk = Desk::open();
    let call = desk.call();
    assert_eq!(desk.says(&result(call)), Heard::Nothing, "it was not asked yet");
    desk.asked();
    for stray in [result(RequestId(0)), result(RequestId(99)), item(RequestId(99), 0), json!({"type": "res", "id": -1})]
    {
        assert_eq!(desk.says(&stray), Heard::Nothing, "{stray}");
    }
    assert_eq!(desk.says(&result(call)), ok(call));
    assert_eq!(desk.says(&result(call)), Heard::Nothing, "a second time");
    for other in [json!({"type": "hello", "role": "server"}), json!({"type": "req", "id": 1, "method": "a"})] {
        assert_eq!(desk.says(&other), Heard::Nothing, "{other}");
    }
    assert!(desk.client.is_open() && desk.asked().is_empty());
}

#[test]
fn an_answer_is_what_its_frame_says() {
    let error = json!({"code": "not_found", "message": "no such file", "details": {"path": "/"}});
    let answers = [
        (json!({"result": {"a": 1}}), Outcome::Ok, packed(&json!({"a": 1}))),
        (json!({"result": null}), Outcome::Ok, packed(&Value::Null)),
        (json!({}), Outcome::Ok, packed(&Value::Null)),
        (json!({"error": error, "result": null}), Outcome::Error(ErrorCode::NotFound), packed(&error)),
        (json!({"error": {}}), Outcome::Error(ErrorCode::Internal), packed(&json!({}))),
        (json!({"error": {"code": "new"}}), Outcome::Error(ErrorCode::Internal), packed(&json!({"code": "new"}))),
        // A host that calls the answer to one request an item means it all the same.
        (json!({"end": false, "result": {}}), Outcome::Ok, packed(&json!({}))),
    ];
    let mut desk = Desk::open();
    for (mut frame, outcome, body) in answers {
        let call = desk.call();
        desk.asked();
        frame["type"] = json!("res");
        frame["id"] = json!(call.0);
        assert_eq!(desk.says(&frame), Heard::Answer(call, outcome, body), "{frame}");
    }
}

#[test]
fn items_within_the_credit_arrive_and_those_beyond_it_are_left_out() {
    let mut desk = Desk::open();
    let call = desk.client.subscribe("display.subscribe", 1, EMPTY.len()).unwrap();
    let slow = desk.client.subscribe("display.subscribe", 0, EMPTY.len()).unwrap();
    desk.asked();
    let body = |seq: i64| packed(&json!({"seq": seq}));
    assert_eq!(desk.says(&item(call, 0)), Heard::Item(call, body(0)));
    for seq in 1..200 {
        assert_eq!(desk.says(&item(call, seq)), Heard::Nothing);
        assert_eq!(desk.says(&item(slow, seq - 1)), Heard::Nothing);
    }
    desk.client.grant(call, 1000).unwrap();
    assert_eq!(desk.says(&item(call, 200)), Heard::Item(call, body(200)));
    // The last one may come with the end.
    assert_eq!(desk.says(&result(call)), ok(call));
    assert_eq!(desk.says(&item(call, 201)), Heard::Nothing, "after the end");
    let end = reply(i64::from(slow.0), 199, true, Value::Null, Value::Null);
    assert_eq!(desk.says_bytes(&end), Heard::Answer(slow, Outcome::Ok, packed(&Value::Null)));
    assert!(desk.client.is_open());
}

#[test]
fn a_cancelled_call_is_forgotten_at_once_however_many_there_are() {
    let mut desk = Desk::open();
    for _ in 0..200 {
        let call = desk.call();
        assert_eq!(desk.asked().len(), 1);
        assert_eq!(desk.client.cancel(call), Ok(false));
        assert_eq!(desk.client.cancel(call), Err(Misuse::NoSuchCall));
        assert_eq!(desk.asked().len(), 1, "the cancel, which is never answered");
    }
    let calls: Vec<RequestId> = (0..limits::CALLS).map(|_| desk.call()).collect();
    assert!(!desk.client.has_room());
    assert_eq!(desk.asked().len(), limits::CALLS);
    for call in &calls {
        desk.client.cancel(*call).unwrap();
    }
    // Their answers were on their way.
    for call in &calls {
        assert_eq!(desk.says(&result(*call)), Heard::Nothing);
    }
    assert!(desk.asked().len() <= limits::CALLS);
    let call = desk.call();
    desk.asked();
    assert_eq!(desk.says(&result(call)), ok(call));
}

#[test]
fn a_call_that_is_cancelled_before_it_was_said_is_never_said() {
    let mut desk = Desk::open();
    for _ in 0..200 {
        let call = desk.call();
        assert_eq!(desk.client.cancel(call), Ok(false));
    }
    assert!(desk.asked().is_empty());
}

#[test]
fn a_wrong_code_is_noticed_from_what_the_host_offers() {
    let [right, wrong] = [b"314159", b"271828"].map(|code| Psk::derive(code));
    for (psk, reason) in [(right.clone(), None), (wrong, Some(Reason::WRONG_CODE))] {
        let mut client = Client::pair_version_1(NOW, ANNA.config(), psk, [3; 32]);
        let first = next_message(&mut client).expect("the controller begins");
        let Ok(Step::PairHello { ephemeral }) = split(&first) else { panic!("{first:02x?}") };
        let (host, mut offer) = PairHost::start(&host_key(), right.clone(), ephemeral, [4; 32]).unwrap();
        assert!(matches!(client.handle_message(NOW, &mut offer), ClientDelivery::Nothing));
        let last = next_message(&mut client);
        let closed = ClientEvent::Closed { reason: Reason::WRONG_CODE, tries_left: 0 };
        assert_eq!(events(&mut client), reason.map(|_| closed).into_iter().collect::<Vec<_>>());
        assert_eq!((last.is_none(), client.is_closed()), (reason.is_some(), reason.is_some()));
        if let Some(last) = last {
            let Ok(Step::PairFinish { sealed }) = split(&last) else { panic!("{last:02x?}") };
            assert_eq!(host.finish(&host_key(), sealed).unwrap().remote, ANNA.public());
        }
    }
}

#[test]
fn whoever_is_not_the_host_opens_nothing() {
    let other = StaticKey::new([0xee; 32]);
    let answers: [&dyn Fn(PublicKey) -> Vec<u8>; 4] = [
        &|ephemeral| auth_respond(&other, ephemeral, ANNA.public(), [4; 32]).expect("good keys").1.to_vec(),
        &|ephemeral| auth_respond(&host_key(), ephemeral, other.public(), [4; 32]).expect("good keys").1.to_vec(),
        // What the other implementation says to whom it does not trust.
        &|_| [&b"\x84\xa1v\x01\xa4kind\xaaauth_offer\xa1e\xc4\x20"[..], &[9; 32], b"\xa2ct\xc4\x00"].concat(),
        &|_| [&b"\x84\xa1v\x01\xa4kind\xaaauth_offer\xa1e\xc4\x20"[..], &[0; 32], b"\xa2ct\xc4\x00"].concat(),
    ];
    for answer in answers {
        let mut client = Client::auth_version_1(NOW, ANNA.config(), host_key().public(), [3; 32]);
        let first = next_message(&mut client).expect("the controller begins");
        let Ok(Step::AuthHello { ephemeral, .. }) = split(&first) else { panic!("{first:02x?}") };
        assert!(matches!(client.handle_message(NOW, &mut answer(ephemeral)), ClientDelivery::Nothing));
        assert_eq!(events(&mut client), [ClientEvent::Closed { reason: Reason::WRONG_HOST, tries_left: 0 }]);
        assert_eq!(next_message(&mut client), None);
    }
}

#[test]
fn a_host_that_says_what_is_no_frame_loses_its_controller_without_a_word() {
    let good = packed(&json!({"type": "push", "topic": "a"}));
    let wrong = [
        Vec::new(),
        [&good[..], &[0xc0]].concat(),
        packed(&json!({"type": "push", "topic": "a", "extra": 1})),
        packed(&json!({"type": "res", "id": 1, "result": [1]})),
        packed(&json!({"type": "res", "id": 1, "error": {"extra": 1}})),
        packed(&json!({"type": "pong"})),
    ];
    for bytes in wrong {
        let mut desk = Desk::open();
        desk.call();
        desk.asked();
        assert_eq!(desk.says_bytes(&bytes), Heard::Nothing);
        assert_eq!(desk.closed(), Some(Reason::MALFORMED), "{bytes:02x?}");
        assert!(desk.asked().is_empty() && desk.client.is_closed());
    }
    let mut desk = Desk::open();
    let mut record = vec![0; 40];
    assert!(matches!(desk.client.handle_message(NOW, &mut record), ClientDelivery::Nothing));
    assert_eq!(desk.closed(), Some(Reason::FORGED));
}

/// A message has room for a body over the limit, just so. Its call must not wait for ever.
#[test]
fn an_answer_or_an_item_over_the_limit_ends_the_session() {
    for is_item in [false, true] {
        let mut desk = Desk::open();
        let call = desk.client.subscribe("fs.read", 1, EMPTY.len()).unwrap();
        desk.asked();
        let data = "x".repeat(limits::BODY_BYTES);
        let frame = json!({"type": "res", "id": call.0, "end": !is_item, "result": {"d": data}});
        assert_eq!(desk.says(&frame), Heard::Nothing);
        assert!(desk.closed().is_some(), "an item: {is_item}");
    }
}

/// A body of zeros, which are values as good as any where only the length counts.
struct Zeros;

impl Bodies for Zeros {
    fn copy(&mut self, _: LinkId, _: BodyId, _: usize, out: &mut [u8]) {
        out.fill(0);
    }
}

#[test]
fn a_large_request_is_one_message_and_the_client_says_how_large() {
    let mut desk = Desk::open();
    let small = desk.client.transmit_bytes();
    desk.client.call("fs.write", [0; 16], 1 << 20).unwrap();
    let large = desk.client.transmit_bytes();
    assert!(small < 1 << 17 && large > 1 << 20);
    let mut buf = vec![0; large];
    assert_eq!(desk.client.poll_transmit(&mut Zeros, &mut buf[..large - 1]), None, "and nothing is lost");
    let length = desk.client.poll_transmit(&mut Zeros, &mut buf).unwrap();
    assert!(length > 1 << 20 && desk.incoming.open(&mut buf[..length]).unwrap().ends_with(&vec![0; 1 << 20]));
    assert_eq!(desk.client.transmit_bytes(), small);
    // The next word is an ordinary one again.
    desk.call();
    assert_eq!(desk.asked().iter().map(|frame| unpacked(frame)["id"].clone()).collect::<Vec<_>>(), [json!(2)]);
}
