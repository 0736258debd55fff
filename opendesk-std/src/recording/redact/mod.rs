//! A copy of a recording that may be shared: the same happens to a host with other keys, whose peers have other keys, other
//! addresses and nothing to say.
//!
//! The recorded inputs are done again twice, to the recorded host and to a disguised one. What a peer said is opened with
//! the recorded keys; a disguised peer says as much of it as may be known, under keys that exist only for this. The
//! disguised host is recorded, so what results is a recording as any other. Kept are times, lengths, the order of things,
//! names of methods, numbers of requests, error codes and verdicts.

mod peer;

use core::ops::ControlFlow;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use opendesk_core::dialect::v2::{self, Kind};
use opendesk_core::dialect::wire_of;
use opendesk_core::trace::{Delivered, Input, Output, Recorder, Secret, Stage, Start, Tape};
use opendesk_core::{
    Bodies, BodyId, Event, GreetingVerdict, Keys, LinkId, OperationId, PublicKey, SigningKey, StaticKey, Wire, limits,
};
use serde::Serialize;

use self::peer::Peer;
use super::walk::{Around, Walk};
use super::{ENTRY_BYTES, FileTape, LINKS, RecordingError, open};
use crate::seed;

/// What became of a recording that was to be redacted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Redacted {
    /// Inputs in the copy.
    pub inputs: u64,
    /// The first input, counted from 1, that could not be disguised so that the same came of it; the copy ends with it.
    pub stopped_at: Option<u64>,
}

/// Writes a copy of a recording that may be shared.
///
/// # Errors
/// As [`replay`](super::replay()), and [`RecordingError::Io`] when the copy cannot be written or is there already.
pub fn redact(path: &Path, copy: &Path) -> Result<Redacted, RecordingError> {
    let facts = Facts::gather(open(path)?, path)?;
    let (redacted, mut tape) = redact_from(open(path)?, path, facts, FileTape::create(copy)?)?;
    if let Some(tape) = &mut tape {
        tape.flush();
        if !tape.is_whole() {
            let error = std::io::Error::other("it could not be written to its end");
            return Err(RecordingError::Io { path: copy.to_owned(), error });
        }
    }
    Ok(redacted)
}

/// Redacts a recording in memory; `path` stands for it in errors.
///
/// # Errors
/// As [`redact`].
pub fn redact_bytes(recording: &[u8], path: &Path) -> Result<(Redacted, Vec<u8>), RecordingError> {
    let facts = Facts::gather(recording, path)?;
    let (redacted, tape) = redact_from(recording, path, facts, super::MemoryTape::default())?;
    Ok((redacted, tape.map(|tape| tape.bytes().to_vec()).unwrap_or_default()))
}

fn redact_from<T: Tape>(
    from: impl Read,
    path: &Path,
    facts: Facts,
    tape: T,
) -> Result<(Redacted, Option<T>), RecordingError> {
    let walk = Walk::begin(from, path)?;
    let mut disguise = Disguise::new(&walk.start, facts, tape);
    let mut redacted = Redacted { inputs: 0, stopped_at: None };
    walk.each(|original, input, output| {
        if disguise.step(original, input, output) {
            redacted.inputs += 1;
            ControlFlow::Continue(())
        } else {
            redacted.stopped_at = Some(redacted.inputs + 1);
            ControlFlow::Break(())
        }
    })?;
    Ok((redacted, disguise.machine.into_tape()))
}

/// What must be known of a link before it happens.
#[derive(Debug, Default)]
struct Facts {
    /// The peer's key and the host's, once there are some.
    keys: BTreeMap<LinkId, (PublicKey, PublicKey)>,
    /// Links on which a wrong code was proved.
    wrong: Vec<LinkId>,
}

impl Facts {
    fn gather(from: impl Read, path: &Path) -> Result<Self, RecordingError> {
        let mut facts = Self::default();
        Walk::begin(from, path)?.each(|around, input, output| {
            if let (Input::Message { link, .. }, Stage::Keyed { peer, own, .. }) = (input, around.after) {
                facts.keys.insert(*link, (peer, own));
            }
            if let Output::Event(Some(Event::WrongCode { link, .. })) = output {
                facts.wrong.push(*link);
            }
            ControlFlow::Continue(())
        })?;
        Ok(facts)
    }
}

/// Bodies of the host without a content.
struct Blank;

impl Bodies for Blank {
    fn copy(&mut self, _link: LinkId, _body: BodyId, _offset: usize, out: &mut [u8]) {
        out.fill(0);
    }
}

/// The disguised host and all that is known of its disguise.
struct Disguise<T> {
    machine: Box<Recorder<T, LINKS>>,
    facts: Facts,
    /// Those of the host, by the recorded public ones.
    own: BTreeMap<PublicKey, Keys>,
    /// Those of the peers, by the recorded public ones.
    peers: BTreeMap<PublicKey, Keys>,
    addresses: BTreeMap<[u8; 16], [u8; 16]>,
    operations: BTreeMap<OperationId, OperationId>,
    far: BTreeMap<LinkId, Peer>,
    code: Vec<u8>,
    buf: Vec<u8>,
}

/// Keys that exist only for a redacted recording, which shows them: they need not be secret, only different.
fn keys() -> Keys {
    let fresh = || seed::fresh().unwrap_or_default();
    Keys { static_key: StaticKey::new(fresh()), signing_key: SigningKey::new(fresh()) }
}

fn public(static_key: Secret) -> PublicKey {
    StaticKey::new(static_key.0).public()
}

impl<T: Tape> Disguise<T> {
    fn new(start: &Start, facts: Facts, tape: T) -> Self {
        let first = keys();
        Self {
            machine: Box::new(Recorder::new(first.clone(), seed::fresh().unwrap_or_default(), Some(tape))),
            facts,
            own: BTreeMap::from([(public(start.static_key), first)]),
            peers: BTreeMap::new(),
            addresses: BTreeMap::new(),
            operations: BTreeMap::new(),
            far: BTreeMap::new(),
            code: Vec::new(),
            buf: vec![0; ENTRY_BYTES.max(limits::RECORD_BYTES)],
        }
    }

    /// Does an input in disguise. Tells whether the same came of it.
    fn step(&mut self, around: &Around, input: &Input<'_>, output: &Output<'_>) -> bool {
        let message;
        let disguised = match *input {
            Input::Message { now, link, bytes } => {
                message = self.message(link, bytes, around);
                Input::Message { now, link, bytes: &message }
            }
            Input::Open { now, address } => Input::Open { now, address: self.address(address) },
            Input::Settle { peer, operation, outcome } => Input::Settle {
                peer: self.peer(peer).static_key.public(),
                operation: self.operation(operation),
                outcome,
            },
            Input::OpenPairing { code, until } => {
                self.code = vec![b'0'; code.len()];
                message = self.code.clone();
                Input::OpenPairing { code: &message, until }
            }
            // It is as good as the code.
            Input::AllowVersion1 { .. } => Input::AllowVersion1 { psk: Secret([0; 32]) },
            Input::Rotate { static_key, .. } => {
                let successor = keys();
                self.own.insert(public(static_key), successor.clone());
                self.machine.rotate(successor);
                return true;
            }
            other => other,
        };
        let given = self.machine.step(&disguised, &mut Blank, &mut self.buf);
        let sent = if let Output::Sent(Some(blob)) = given { blob.length as usize } else { 0 };
        let given = shape(given);
        if let Input::PollTransmit { link } = disguised
            && let Some(far) = self.far.get_mut(&link)
        {
            far.hears(&self.buf[..sent]);
        }
        given == self.expected(output)
    }

    /// What a peer says instead.
    fn message(&mut self, link: LinkId, bytes: &[u8], around: &Around) -> Vec<u8> {
        let said = match (around.before, &around.plaintext) {
            (Stage::Keyed { hash, .. }, Some(plaintext)) => {
                let mut far = self.far.remove(&link);
                let record = far.as_mut().and_then(|far| far.record(plaintext, &hash, |it| self.operation(it)));
                if let Some(far) = far {
                    self.far.insert(link, far);
                }
                record
            }
            (Stage::Keyed { .. }, None) => None,
            (Stage::Pairing, _) if matches!(v2::split(bytes), Ok((Kind::Confirm | Kind::Finish, _))) => {
                let mut next = self.far.get_mut(&link).and_then(Peer::handshake);
                // Refused, and not for a wrong code: what it should have proved it has not.
                if around.after == Stage::Silent
                    && !self.facts.wrong.contains(&link)
                    && let Some(last) = next.as_mut().and_then(|message| message.last_mut())
                {
                    *last ^= 1;
                }
                next
            }
            (Stage::Pairing, _) => None,
            (Stage::Silent, _) => self.first(link, bytes, around.after),
        };
        said.unwrap_or_else(|| noise(bytes))
    }

    /// What a peer says first, if the host made something of it.
    fn first(&mut self, link: LinkId, bytes: &[u8], after: Stage) -> Option<Vec<u8>> {
        let (kind, _) = v2::split(bytes).ok()?;
        let known = self.facts.keys.get(&link).copied();
        let keys = known.map_or_else(keys, |(peer, _)| self.peer(peer));
        let (far, first) = match (kind, after, known) {
            (Kind::Auth, Stage::Keyed { .. }, Some((_, own))) => {
                Peer::auth(keys, self.own.get(&own)?.static_key.public())?
            }
            (Kind::Pair, Stage::Pairing, _) if self.facts.wrong.contains(&link) => Peer::pair(keys, b"another code")?,
            (Kind::Pair, Stage::Pairing, _) => Peer::pair(keys, &self.code)?,
            _ => return None,
        };
        self.far.insert(link, far);
        Some(first)
    }

    fn peer(&mut self, recorded: PublicKey) -> Keys {
        self.peers.entry(recorded).or_insert_with(keys).clone()
    }

    fn operation(&mut self, recorded: OperationId) -> OperationId {
        let number = self.operations.len() as u128 + 1;
        let none = recorded == OperationId::default();
        if none { recorded } else { *self.operations.entry(recorded).or_insert_with(|| number.to_le_bytes()) }
    }

    /// The same for the same address, and of a network that is nobody's (RFC 4193).
    fn address(&mut self, recorded: [u8; 16]) -> [u8; 16] {
        let number = self.addresses.len() as u64 + 1;
        *self.addresses.entry(recorded).or_insert_with(|| {
            let mut address = [0; 16];
            address[..8].copy_from_slice(&number.to_be_bytes());
            address[0] = 0xfd;
            address
        })
    }

    /// The recorded output as it must look in disguise.
    fn expected(&mut self, recorded: &Output<'_>) -> String {
        let event = |this: &mut Self, event: Event| match event {
            Event::SessionOpened { link, peer } => {
                Event::SessionOpened { link, peer: this.peer(peer).static_key.public() }
            }
            Event::SessionEnded { link, peer, reason } => {
                Event::SessionEnded { link, peer: this.peer(peer).static_key.public(), reason }
            }
            Event::GreetingDue { link, verdict: GreetingVerdict::Busy { holder, since } } => {
                let holder = this.peer(holder).static_key.public();
                Event::GreetingDue { link, verdict: GreetingVerdict::Busy { holder, since } }
            }
            other => other,
        };
        match *recorded {
            Output::Event(Some(recorded)) => shape(Output::Event(Some(event(self, recorded)))),
            Output::Delivered(Delivered::Hello { link, wire, peer, signing_key, paired, handshake, body }) => {
                let peer = self.peer(peer).static_key.public();
                shape(Output::Delivered(Delivered::Hello { link, wire, peer, signing_key, paired, handshake, body }))
            }
            Output::Delivered(Delivered::Request {
                link,
                call,
                method,
                operation,
                stream,
                repeats,
                total,
                body,
                done,
            }) => {
                let operation = self.operation(operation);
                let request = Delivered::Request { link, call, method, operation, stream, repeats, total, body, done };
                shape(Output::Delivered(request))
            }
            other => shape(other),
        }
    }
}

/// What of an output is the same in disguise.
fn shape(output: Output<'_>) -> String {
    match output {
        // A HELLO has a random number in it, whose encoding is not always of the same length.
        Output::Sent(sent) => format!("sent {}", sent.is_some()),
        Output::Delivered(Delivered::Hello { link, peer, paired, body, .. }) => {
            format!("hello {link} {peer} {paired} {}", body.length)
        }
        Output::Delivered(Delivered::Request { link, call, method, operation, stream, repeats, total, body, done }) => {
            format!(
                "request {link} {call} {method} {operation:?} {stream:?} {repeats:?} {total} {} {done}",
                body.length
            )
        }
        other => format!("{other:?}"),
    }
}

/// As many bytes that mean nothing, behind the same letter if there is one, or as a map of version 1.
fn noise(bytes: &[u8]) -> Vec<u8> {
    let kept = match wire_of(bytes) {
        Wire::V1 => 1,
        Wire::V2 => v2::split(bytes).map_or(0, |_| 4),
    };
    bytes.iter().enumerate().map(|(index, byte)| if index < kept { *byte } else { 0xff }).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::thread;

    use opendesk_core::frame::{self, Frame};

    use super::*;

    /// What stands in a recording below its keys: bodies that peers sent and that the host sent, addresses and codes.
    fn contents(recording: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
        let mut found = Vec::new();
        let walk = Walk::begin(recording, Path::new("the recording")).unwrap();
        walk.each(|around, input, _| {
            match input {
                Input::Open { address, .. } => found.push(("address", address.to_vec())),
                Input::OpenPairing { code, .. } => found.push(("code", code.to_vec())),
                _ => {}
            }
            if let Some(Ok(Frame::Known(_, body))) = around.plaintext.as_deref().map(frame::decode) {
                found.push(("body", body.to_vec()));
            }
            ControlFlow::Continue(())
        })
        .unwrap();
        found
    }

    fn says_nothing(what: &str, bytes: &[u8]) -> bool {
        match what {
            "address" => bytes.starts_with(&[0xfd, 0]) && bytes.ends_with(&[0; 8]),
            "code" => bytes.iter().all(|byte| *byte == b'0'),
            _ => bytes.iter().all(|byte| *byte == u8::MAX),
        }
    }

    /// The kept recording of a pairing, typed text and two sessions.
    fn check() {
        let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/session.trace"));
        let whole = fs::read(path).unwrap();
        let (redacted, copy) = redact_bytes(&whole, path).unwrap();
        assert_eq!(redacted.stopped_at, None);
        let (before, after) = (contents(&whole), contents(&copy));
        assert_eq!(before.len(), after.len());
        for ((what, original), (_, bytes)) in before.iter().zip(&after) {
            assert!(says_nothing(what, bytes), "{what}: {bytes:?}");
            assert!(*what == "address" || original.len() == bytes.len(), "{what}");
        }
        for what in ["address", "code", "body"] {
            let all = || before.iter().filter(|(name, _)| *name == what);
            assert!(all().count() > 0 && !all().all(|(_, bytes)| says_nothing(what, bytes)), "{what} would be noticed");
        }
        let typed = b"secret words";
        let is_there = |all: &[(&str, Vec<u8>)]| all.iter().any(|(_, bytes)| bytes.windows(12).any(|it| it == typed));
        assert!(is_there(&before) && !is_there(&after));
    }

    #[test]
    fn below_its_keys_a_copy_says_nothing_and_the_same_look_at_the_original_finds_everything() {
        // Unoptimised, the machines pass through the stack several times.
        let roomy = thread::Builder::new().stack_size(16 << 20).spawn(check).unwrap();
        roomy.join().unwrap();
    }
}
