//! The program around the host: whom it trusts, what it answers, what it has yet to release.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use opendesk_core::dialect::v1::msgpack::Writer;
use opendesk_core::{
    Bodies, BodyId, Decision, GreetingVerdict, Instant, LinkId, OperationId, Outcome, PublicKey, Reason, RequestId,
    RequestPart, VerifyingKey,
};

/// When the program answers a request whose parameters have all arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handler {
    /// After this time, with the parameters as the result.
    Echo(Duration),
    /// When the test says so, with [`World::respond`](super::World::respond).
    ByHand,
}

/// A request that the program was given and has not answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Running {
    /// Its link.
    pub link: LinkId,
    /// Its number.
    pub call: RequestId,
    /// Its method.
    pub method: String,
    /// What it wants done.
    pub operation: OperationId,
    /// What came of that before.
    pub repeats: Option<Outcome>,
    /// Bytes that it announced.
    pub total: usize,
    /// Its parameters, as far as they have arrived.
    pub body: Vec<u8>,
    /// Whether they have all arrived.
    pub complete: bool,
    /// When it is answered by itself.
    pub due: Option<Instant>,
}

/// A peer that has proved its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proved {
    /// Its link.
    pub link: LinkId,
    /// Its key.
    pub peer: PublicKey,
    /// Its signing key.
    pub signing_key: Option<VerifyingKey>,
    /// Whether it came by the code.
    pub paired: bool,
    /// The hash of its handshake.
    pub handshake: [u8; 32],
    /// What it tells of itself.
    pub body: Vec<u8>,
}

/// What the program was told of sessions and their requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Note {
    /// A session began.
    Opened { link: LinkId, peer: PublicKey },
    /// It is over, and so are its requests.
    Ended,
    /// The first part of a request came.
    Began { link: LinkId, call: RequestId, operation: OperationId, repeats: Option<Outcome> },
    /// The last part of it came.
    Complete { link: LinkId, call: RequestId },
    /// Nobody wants it any more.
    Cancelled { link: LinkId, call: RequestId },
}

/// The bodies that the host sends.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    greetings: BTreeMap<LinkId, Vec<u8>>,
    pub(super) calls: BTreeMap<(LinkId, RequestId), Vec<u8>>,
    pub(super) items: BTreeMap<(LinkId, RequestId), Vec<u8>>,
    pub(super) pushes: BTreeMap<(LinkId, u16), VecDeque<Vec<u8>>>,
}

impl Bodies for Outgoing {
    fn copy(&mut self, link: LinkId, body: BodyId, offset: usize, out: &mut [u8]) {
        let bytes = match body {
            BodyId::Greeting => self.greetings.get(&link),
            BodyId::Call(call) => self.calls.get(&(link, call)),
            BodyId::Item(call) => self.items.get(&(link, call)),
            BodyId::Push(topic) => self.pushes.get(&(link, topic)).and_then(VecDeque::front),
        };
        let bytes = bytes.expect("a body is asked for until it is done");
        out.copy_from_slice(&bytes[offset..offset + out.len()]);
    }

    fn done(&mut self, link: LinkId, body: BodyId) {
        match body {
            BodyId::Greeting => drop(self.greetings.remove(&link)),
            BodyId::Call(call) => drop(self.calls.remove(&(link, call))),
            BodyId::Item(call) => drop(self.items.remove(&(link, call))),
            BodyId::Push(topic) => drop(self.pushes.get_mut(&(link, topic)).and_then(VecDeque::pop_front)),
        }
    }
}

/// The program around the host. It checks that the host keeps I1, I2, I3 and the host's half of I6.
#[derive(Debug)]
pub struct Program {
    /// Who may drive.
    pub trusted: BTreeSet<PublicKey>,
    /// When requests are answered.
    pub handler: Handler,
    /// Whether what a past controller holds is released as soon as its session ends.
    pub releases_at_once: bool,
    /// Whether peers are judged as soon as they have proved their key: by [`Program::trusted`] and by the code.
    pub decides_at_once: bool,
    /// Whoever has proved its key so far.
    pub proved: Vec<Proved>,
    /// The requests that are arriving or being carried out, oldest first.
    pub running: Vec<Running>,
    /// Links whose sessions have ended and hold something still.
    pub unreleased: Vec<LinkId>,
    /// All that it was told of requests, in that order: some are over before anybody looks at those that run.
    pub(super) notes: Vec<Note>,
    pub(super) open: Option<(LinkId, PublicKey)>,
    pub(super) bodies: Outgoing,
}

impl Program {
    pub(super) fn new() -> Self {
        Self {
            trusted: BTreeSet::new(),
            handler: Handler::Echo(Duration::ZERO),
            releases_at_once: true,
            decides_at_once: true,
            proved: Vec::new(),
            running: Vec::new(),
            unreleased: Vec::new(),
            notes: Vec::new(),
            open: None,
            bodies: Outgoing::default(),
        }
    }

    /// What this program makes of a peer; the code makes it trusted.
    pub(super) fn judge(&mut self, proved: &Proved) -> Decision {
        if proved.paired {
            self.trusted.insert(proved.peer);
        }
        if self.trusted.contains(&proved.peer) { Decision::Trusted } else { Decision::Refused(Reason::UNTRUSTED) }
    }

    /// Writes the greeting of a link and gives its length.
    pub(super) fn greet(&mut self, link: LinkId, verdict: GreetingVerdict, is_version_1: bool) -> usize {
        let text = match verdict {
            GreetingVerdict::Welcome => "welcome".to_owned(),
            GreetingVerdict::Busy { holder, since } => format!("busy: {holder} since {}", since.micros()),
            // Whoever is refused learns the reason and nothing else.
            GreetingVerdict::Refused(_) => String::new(),
        };
        let body = if is_version_1 { version_1(verdict, &text) } else { text.into_bytes() };
        let length = body.len();
        self.bodies.greetings.insert(link, body);
        length
    }

    pub(super) fn opened(&mut self, link: LinkId, peer: PublicKey) {
        assert_eq!(self.open, None, "I1: a second session was opened");
        assert!(self.unreleased.is_empty(), "I3: a session was opened before the last one was released");
        self.open = Some((link, peer));
        self.notes.push(Note::Opened { link, peer });
    }

    pub(super) fn ended(&mut self, link: LinkId, peer: PublicKey) {
        assert_eq!(self.open.take(), Some((link, peer)), "a session ended that was not open");
        self.running.retain(|running| running.link != link);
        self.unreleased.push(link);
        self.notes.push(Note::Ended);
    }

    pub(super) fn cancelled(&mut self, link: LinkId, call: RequestId) {
        let before = self.running.len();
        self.running.retain(|running| (running.link, running.call) != (link, call));
        assert_eq!(self.running.len() + 1, before, "I6: call {call} was cancelled and did not run");
        self.notes.push(Note::Cancelled { link, call });
    }

    pub(super) fn closed(&mut self, link: LinkId) {
        assert!(self.open.is_none_or(|(open, _)| open != link), "a link closed before its session ended");
        self.bodies.greetings.remove(&link);
        self.bodies.calls.retain(|(of, _), _| *of != link);
        self.bodies.items.retain(|(of, _), _| *of != link);
        self.bodies.pushes.retain(|(of, _), _| *of != link);
    }

    /// Takes a part of a request in. Tells whether it was the last one.
    pub(super) fn request(&mut self, now: Instant, part: &RequestPart<'_>) -> bool {
        assert_eq!(self.open.map(|(link, _)| link), Some(part.link), "I2: a request of a link that does not drive");
        let RequestPart { link, call, operation, repeats, .. } = *part;
        let known = self.running.iter().position(|it| (it.link, it.call) == (link, call));
        let index = known.unwrap_or_else(|| {
            assert!(!part.method.is_empty(), "the first part of a request names its method");
            self.notes.push(Note::Began { link, call, operation, repeats });
            self.running.push(Running {
                link,
                call,
                method: part.method.to_owned(),
                operation,
                repeats,
                total: part.total,
                body: Vec::new(),
                complete: false,
                due: None,
            });
            self.running.len() - 1
        });
        let running = &mut self.running[index];
        assert!(!running.complete, "I6: call {} was delivered twice", part.call);
        running.body.extend_from_slice(part.body);
        assert!(running.total == part.total && running.body.len() <= part.total);
        running.complete = part.done;
        assert_eq!(running.body.len() == part.total, part.done);
        if part.done {
            self.notes.push(Note::Complete { link, call });
        }
        if let Handler::Echo(after) = self.handler
            && part.done
        {
            running.due = Some(now.after(after));
        }
        part.done
    }

    /// The stream of a call may go on; only a call that runs has one.
    pub(super) fn stream_ready(&self, link: LinkId, call: RequestId) {
        let runs = self.running.iter().any(|it| (it.link, it.call) == (link, call) && it.complete);
        assert!(runs, "I6: the stream of call {call}, which does not run, is to go on");
    }

    /// The next request that is to be answered by itself, and when.
    pub(super) fn next_due(&self) -> Option<(Instant, LinkId, RequestId)> {
        self.running.iter().filter_map(|it| Some((it.due?, it.link, it.call))).min()
    }
}

/// A greeting as version 1 has it: what this machine can do, or why there is no session.
fn version_1(verdict: GreetingVerdict, text: &str) -> Vec<u8> {
    let mut body = vec![0; 512];
    let mut writer = Writer::new(&mut body);
    match verdict {
        GreetingVerdict::Welcome => writer.map(1).text("description").text(text),
        GreetingVerdict::Busy { .. } => {
            writer.map(3).text("code").text("busy").text("message").text(text).text("details").map(0)
        }
        GreetingVerdict::Refused(_) => {
            writer.map(3).text("code").text("permission_denied").text("message").text(text).text("details").map(0)
        }
    };
    let length = writer.finish().expect("there is room");
    body.truncate(length);
    body
}
