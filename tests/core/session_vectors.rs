//! Whole sessions with fixed keys and seeds, in bytes: `tests/vectors/session-*.json`. The machines must make exactly these
//! bytes, from both ends; `check.py` beside the files checks them from the specification alone.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use chacha20::ChaCha20Rng;
use chacha20::rand_core::{Rng, SeedableRng};
use opendesk_core::crypto::noise::Transport;
use opendesk_core::crypto::record::{Direction, Numbering};
use opendesk_core::dialect::v2::{self, AuthClient, PairClient, PairClientStep};
use opendesk_core::{
    Bodies, BodyId, Client, Decision, Delivery, ErrorCode, Event, Host, Instant, Keys, LinkId, Outcome, Reason,
    RequestId, SigningKey, StaticKey, limits,
};
use serde_json::{Value, json};

use crate::vectors::hex;

const CODE: &str = "482913";
const HOST_STATIC: [u8; 32] = [0x11; 32];
const HOST_SIGNING: [u8; 32] = [0x12; 32];
const HOST_SEED: [u8; 32] = [0x13; 32];
const CONTROLLER_STATIC: [u8; 32] = [0x21; 32];
const CONTROLLER_SIGNING: [u8; 32] = [0x22; 32];
const CONTROLLER_SEED: [u8; 32] = [0x23; 32];

/// Both programs: every body is these letters, as many as were announced.
struct Letters;

impl Bodies for Letters {
    fn copy(&mut self, _: LinkId, _: BodyId, offset: usize, out: &mut [u8]) {
        for (at, byte) in out.iter_mut().enumerate() {
            *byte = b'a' + ((offset + at) % 26) as u8;
        }
    }
}

/// A message and who sent it.
struct Sent {
    by_host: bool,
    message: Vec<u8>,
}

struct Conversation {
    host: Box<Host<4>>,
    client: Client,
    link: LinkId,
    now: Instant,
    sent: Vec<Sent>,
}

impl Conversation {
    fn new(pairing: bool) -> Self {
        let now = Instant::from_micros(0);
        let config = Keys { static_key: StaticKey::new(HOST_STATIC), signing_key: SigningKey::new(HOST_SIGNING) };
        let host_key = config.static_key.public();
        let mut host = Box::new(Host::new(config, HOST_SEED));
        let config =
            Keys { static_key: StaticKey::new(CONTROLLER_STATIC), signing_key: SigningKey::new(CONTROLLER_SIGNING) };
        let mut client = if pairing {
            host.open_pairing(CODE.as_bytes(), now.after(limits::PAIRING)).expect("the inputs are fixed");
            Client::pair(now, config, CODE.as_bytes(), CONTROLLER_SEED).expect("the inputs are fixed")
        } else {
            Client::auth(now, config, host_key, CONTROLLER_SEED)
        };
        client.greet(3);
        let link = host.open(now, [0; 16]).expect("the inputs are fixed");
        Self { host, client, link, now, sent: Vec::new() }
    }

    /// Moves messages until nobody has anything to say.
    fn settle(&mut self) {
        let mut buf = vec![0; limits::RECORD_BYTES];
        loop {
            let mut moved = false;
            while let Some(length) = self.client.poll_transmit(&mut Letters, &mut buf) {
                moved = true;
                self.sent.push(Sent { by_host: false, message: buf[..length].to_vec() });
                if let Delivery::Hello(_) = self.host.handle_message(self.now, self.link, &mut buf[..length]) {
                    self.host.decide(self.now, self.link, Decision::Trusted);
                }
                self.drain();
            }
            while let Some(length) = self.host.poll_transmit(self.link, &mut Letters, &mut buf) {
                moved = true;
                self.sent.push(Sent { by_host: true, message: buf[..length].to_vec() });
                let _told = self.client.handle_message(self.now, &mut buf[..length]);
                self.drain();
            }
            if !moved {
                return;
            }
        }
    }

    fn drain(&mut self) {
        while let Some(event) = self.host.poll_event() {
            if let Event::GreetingDue { link, .. } = event {
                self.host.greet(link, 4);
            }
        }
        while self.client.poll_event().is_some() {}
    }

    /// A call with an answer, a failure, a stream that is cancelled, a ping, a push, the end.
    fn converse(&mut self) {
        self.settle();
        let call = |this: &mut Self, method: &str, number: u8, total| -> RequestId {
            let call = this.client.call(method, [number; 16], total).expect("the inputs are fixed");
            this.settle();
            call
        };
        let echo = call(self, "system.echo", 0x31, 5);
        self.host.respond(self.link, echo, Outcome::Ok, 5).expect("the inputs are fixed");
        self.settle();
        let missing = call(self, "mind.read", 0x32, 0);
        self.host.respond(self.link, missing, Outcome::Error(ErrorCode::NotFound), 10).expect("the inputs are fixed");
        self.settle();
        let stream = call(self, "display.subscribe", 0, 2);
        self.client.grant(stream, 400).expect("the inputs are fixed");
        self.settle();
        for total in [0, 200, 100] {
            self.host.send_item(self.link, stream, total).expect("the inputs are fixed");
            self.settle();
        }
        self.client.cancel(stream).expect("the inputs are fixed");
        self.settle();
        self.host.push(self.link, 3, 6).expect("the inputs are fixed");
        self.settle();
        self.now = self.now.after(limits::PING_AFTER);
        self.host.handle_timeout(self.now);
        self.client.handle_timeout(self.now);
        self.settle();
        self.client.close(self.now, Reason::DONE);
        self.settle();
    }
}

/// What the machine that was given this seed draws from it, in this order.
fn draws(seed: [u8; 32]) -> impl FnMut(usize) -> Vec<u8> {
    let mut rng = ChaCha20Rng::from_seed(seed);
    move |length| {
        let mut bytes = vec![0; length];
        rng.fill_bytes(&mut bytes);
        bytes
    }
}

pub(crate) fn machine(secret: [u8; 32], seed: [u8; 32]) -> Value {
    json!({
        "static_secret": hex(&secret),
        "static_public": hex(&StaticKey::new(secret).public().0),
        "signing_seed": hex(&seed),
        "signing_public": hex(&SigningKey::new(seed).public()),
    })
}

/// Repeats the handshake as the controller, to learn the keys that the machines keep to themselves.
fn keys_of_auth(sent: &[Sent], ephemeral: &[u8]) -> Transport {
    let host = StaticKey::new(HOST_STATIC).public();
    let (mut auth, first) =
        AuthClient::start(StaticKey::new(CONTROLLER_STATIC), host, ephemeral.try_into().expect("the inputs are fixed"))
            .expect("the inputs are fixed");
    assert_eq!(first[..], sent[0].message);
    let (_, body) = v2::split(&sent[1].message).expect("the inputs are fixed");
    auth.finish(body).expect("the inputs are fixed")
}

fn keys_of_pairing(sent: &[Sent], sid: &[u8], ya: &[u8], ephemeral: &[u8]) -> Transport {
    let key = StaticKey::new(CONTROLLER_STATIC);
    let (sid, ya) = (sid.try_into().expect("the inputs are fixed"), ya.try_into().expect("the inputs are fixed"));
    let (mut pairing, first) = PairClient::start(key, CODE.as_bytes(), sid, ya).expect("the inputs are fixed");
    assert_eq!(first[..], sent[0].message);
    let mut heard = sent.iter().filter(|sent| sent.by_host);
    loop {
        let (kind, body) = v2::split(&heard.next().expect("the handshake ends").message).expect("the inputs are fixed");
        match pairing
            .handle(kind, body, ephemeral.try_into().expect("the inputs are fixed"))
            .expect("the inputs are fixed")
        {
            PairClientStep::Send(_) => {}
            PairClientStep::Done(_, transport) => return transport,
        }
    }
}

/// A record that was sealed after the key was replaced.
fn rekeyed() -> Value {
    let key = [0x41; 32];
    let mut direction = Direction::new(&key, Numbering::Noise);
    let mut buf = [0; 64];
    for _ in 0..limits::REKEY_AFTER {
        direction.seal(&mut buf, 0).expect("the inputs are fixed");
    }
    let plaintext = b"under the second key";
    buf[..plaintext.len()].copy_from_slice(plaintext);
    let length = direction.seal(&mut buf, plaintext.len()).expect("the inputs are fixed");
    json!({
        "key": hex(&key), "counter": limits::REKEY_AFTER, "plaintext": hex(plaintext), "record": hex(&buf[..length]),
    })
}

fn vector(pairing: bool) -> Value {
    let mut conversation = Conversation::new(pairing);
    conversation.converse();
    let sent = conversation.sent;
    let (mut controller, mut host) = (draws(CONTROLLER_SEED), draws(HOST_SEED));
    let mut vector = json!({
        "host": machine(HOST_STATIC, HOST_SIGNING), "controller": machine(CONTROLLER_STATIC, CONTROLLER_SIGNING),
    });
    let (transport, messages) = if pairing {
        let (sid, ya, ephemeral) = (controller(16), controller(64), controller(32));
        // The host draws for each message what any of them might need: 64 bytes and 32.
        let (yb, _, _, host_ephemeral) = (host(64), host(32), host(64), host(32));
        vector["what"] = "pairing by a code, and the session that follows; all bodies are a, b, c, …".into();
        vector["code"] = CODE.into();
        for (name, bytes) in [("sid", &sid), ("ya_random", &ya), ("yb_random", &yb)] {
            vector[name] = hex(bytes).into();
        }
        vector["controller_ephemeral"] = hex(&ephemeral).into();
        vector["host_ephemeral"] = hex(&host_ephemeral).into();
        (keys_of_pairing(&sent, &sid, &ya, &ephemeral), 5)
    } else {
        let (ephemeral, _, host_ephemeral) = (controller(32), host(64), host(32));
        vector["what"] = "a known peer authenticates, and its session; all bodies are a, b, c, …".into();
        vector["controller_ephemeral"] = hex(&ephemeral).into();
        vector["host_ephemeral"] = hex(&host_ephemeral).into();
        (keys_of_auth(&sent, &ephemeral), 2)
    };
    vector["hash"] = hex(&transport.hash).into();
    vector["initiator_key"] = hex(&transport.initiator).into();
    vector["responder_key"] = hex(&transport.responder).into();
    let from = |by_host: bool| if by_host { "host" } else { "controller" };
    let (handshake, records) = sent.split_at(messages);
    vector["handshake"] =
        handshake.iter().map(|sent| json!({"from": from(sent.by_host), "message": hex(&sent.message)})).collect();
    let mut directions = [
        Direction::new(&transport.initiator, Numbering::Noise),
        Direction::new(&transport.responder, Numbering::Noise),
    ];
    vector["records"] = records
        .iter()
        .map(|sent| {
            let mut record = sent.message.clone();
            let plaintext = directions[usize::from(sent.by_host)].open(&mut record).expect("the keys are these");
            json!({"from": from(sent.by_host), "message": hex(&sent.message), "plaintext": hex(plaintext)})
        })
        .collect();
    vector["rekey"] = rekeyed();
    vector
}

/// The committed vector is the one that is made now.
pub(crate) fn compare(name: &str, made: &Value) {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/vectors")).join(name);
    if std::env::var_os("UPDATE_VECTORS").is_some() {
        let text = serde_json::to_string_pretty(made).expect("JSON") + "\n";
        fs::write(&path, text).expect("the vectors can be written");
    }
    let text = fs::read_to_string(&path).expect("the vectors are there");
    let committed: Value = serde_json::from_str(&text).expect("JSON");
    for (field, value) in committed.as_object().expect("an object") {
        assert_eq!(&made[field], value, "{name}: {field}; UPDATE_VECTORS=1 writes what is made now");
    }
    assert_eq!(*made, committed, "{name}");
}

#[test]
fn an_authenticated_session_has_these_bytes() {
    compare("session-auth.json", &vector(false));
}

#[test]
fn a_pairing_has_these_bytes() {
    compare("session-pair.json", &vector(true));
}

/// The program that knows the specification and nothing of this code, on these files.
pub(crate) fn checked(files: &[PathBuf]) -> Output {
    let tests = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let python = tests.join("../target/venv/bin/python");
    let mut check = Command::new(&python);
    check.env_clear().arg(tests.join("vectors/check.py")).args(files);
    let output = check.output();
    output.unwrap_or_else(|error| panic!("{}: {error}; `cargo ci setup` makes it", python.display()))
}

#[test]
fn an_independent_program_makes_the_same_bytes_from_the_specification() {
    let output = checked(&[]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(said.lines().count(), 3, "{said}");
}

#[test]
fn the_independent_program_notices_a_single_wrong_byte() {
    let folder = tempfile::tempdir().unwrap();
    let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/vectors/session-pair.json")).unwrap();
    let vector: Value = serde_json::from_str(&text).unwrap();
    let change = |at: &str| {
        let mut changed = vector.clone();
        let field = changed.pointer_mut(at).unwrap();
        let digits = field.as_str().unwrap();
        let last = if digits.ends_with('0') { "1" } else { "0" };
        *field = format!("{}{last}", &digits[..digits.len() - 1]).into();
        let path = folder.path().join("changed.json");
        fs::write(&path, changed.to_string()).unwrap();
        checked(&[path])
    };
    for at in ["/handshake/2/message", "/hash", "/responder_key", "/records/3/message", "/records/5/plaintext"] {
        let output = change(at);
        assert_eq!(output.status.code(), Some(1), "{at}: {output:?}");
        assert_eq!(String::from_utf8_lossy(&output.stderr).lines().count(), 1, "{at}: {output:?}");
    }
}
