//! A host that writes down what is done to it.

use core::ops::Deref;

use super::replay::keys;
use super::{Blob, Delivered, Entry, Input, Output, Secret, Start, VERSION};
use crate::crypto::keys::{Keys, PublicKey};
use crate::dialect::Wire;
use crate::dialect::v1::Psk;
use crate::host::{Decision, Delivery, Event, Host, Refusal};
use crate::id::{LinkId, OperationId, RequestId};
use crate::reason::{Misuse, Reason};
use crate::session::{Bodies, BodyId, Outcome};
use crate::time::Instant;

/// Takes the entries of a recording, in order.
pub trait Tape {
    /// Takes one.
    fn write(&mut self, entry: &Entry<'_>);
}

/// A [`Host`] behind the same methods, which writes them to a [`Tape`] while it has one. What only looks goes to the host
/// itself.
#[derive(Debug)]
pub struct Recorder<T, const N: usize> {
    host: Host<N>,
    tape: Option<T>,
}

impl<T, const N: usize> Deref for Recorder<T, N> {
    type Target = Host<N>;

    fn deref(&self) -> &Host<N> {
        &self.host
    }
}

/// The program's bodies, each written down as it is asked for.
struct Taped<'a, B, T> {
    bodies: &'a mut B,
    tape: &'a mut T,
}

impl<B: Bodies, T: Tape> Bodies for Taped<'_, B, T> {
    fn copy(&mut self, link: LinkId, body: BodyId, offset: usize, out: &mut [u8]) {
        self.bodies.copy(link, body, offset, out);
        self.tape.write(&Entry::Body(out));
    }

    fn done(&mut self, link: LinkId, body: BodyId) {
        self.bodies.done(link, body);
    }
}

impl<T: Tape, const N: usize> Recorder<T, N> {
    /// [`Host::new`], recorded if there is a tape.
    #[must_use]
    pub fn new(keys: Keys, seed: [u8; 32], mut tape: Option<T>) -> Self {
        if let Some(tape) = &mut tape {
            tape.write(&Entry::Start(Start {
                version: VERSION,
                links: N as u16,
                static_key: Secret(keys.static_key.secret()),
                signing_key: Secret(keys.signing_key.seed()),
                seed: Secret(seed),
            }));
        }
        Self { host: Host::new(keys, seed), tape }
    }

    /// The tape, to empty its buffer.
    pub const fn tape(&mut self) -> Option<&mut T> {
        self.tape.as_mut()
    }

    /// The tape, when nothing more is to be recorded.
    #[must_use]
    pub fn into_tape(self) -> Option<T> {
        self.tape
    }

    fn input(&mut self, input: Input<'_>) {
        if let Some(tape) = &mut self.tape {
            tape.write(&Entry::Input(input));
        }
    }

    fn output(&mut self, output: Output<'_>) {
        if let Some(tape) = &mut self.tape {
            tape.write(&Entry::Output(output));
        }
    }

    fn command(&mut self, result: Result<(), Misuse>) -> Result<(), Misuse> {
        self.output(Output::Command(result));
        result
    }

    /// [`Host::open`].
    ///
    /// # Errors
    /// As there.
    pub fn open(&mut self, now: Instant, address: [u8; 16]) -> Result<LinkId, Refusal> {
        self.input(Input::Open { now, address });
        let opened = self.host.open(now, address);
        self.output(Output::Opened(opened));
        opened
    }

    /// [`Host::handle_message`].
    pub fn handle_message<'a>(&mut self, now: Instant, link: LinkId, message: &'a mut [u8]) -> Delivery<'a> {
        // Of a message over the limit nothing else counts.
        let bytes = message.get(..=self.host.message_bytes(link)).unwrap_or(message);
        self.input(Input::Message { now, link, bytes });
        let delivery = self.host.handle_message(now, link, message);
        if let Some(tape) = &mut self.tape {
            tape.write(&Entry::Output(Output::Delivered(Delivered::from(&delivery))));
        }
        delivery
    }

    /// [`Host::handle_eof`].
    pub fn handle_eof(&mut self, now: Instant, link: LinkId) {
        self.input(Input::Eof { now, link });
        self.host.handle_eof(now, link);
        self.output(Output::Done);
    }

    /// [`Host::handle_timeout`].
    pub fn handle_timeout(&mut self, now: Instant) {
        self.input(Input::Timeout { now });
        self.host.handle_timeout(now);
        self.output(Output::Done);
    }

    /// [`Host::poll_event`]; that there is none is not written down.
    pub fn poll_event(&mut self) -> Option<Event> {
        let event = self.host.poll_event();
        if event.is_some() {
            self.input(Input::PollEvent);
            self.output(Output::Event(event));
        }
        event
    }

    /// [`Host::poll_transmit`]; that there is nothing is written down only where it changes something.
    pub fn poll_transmit(&mut self, link: LinkId, bodies: &mut impl Bodies, buf: &mut [u8]) -> Option<usize> {
        let Some(tape) = &mut self.tape else { return self.host.poll_transmit(link, bodies, buf) };
        // What is asked for has to be known before it is known whether anything comes of it.
        let mut late = Late { tape, input: Some(Input::PollTransmit { link }) };
        if self.host.is_closing(link) {
            late.begin();
        }
        let sent = self.host.poll_transmit(link, &mut Taped { bodies, tape: &mut late }, buf);
        if sent.is_some() {
            late.begin();
        }
        if late.input.is_none() {
            let blob = sent.and_then(|length| buf.get(..length)).map(Blob::of);
            late.tape.write(&Entry::Output(Output::Sent(blob)));
        }
        sent
    }

    /// [`Host::decide`].
    pub fn decide(&mut self, now: Instant, link: LinkId, decision: Decision) {
        self.input(Input::Decide { now, link, decision });
        self.host.decide(now, link, decision);
        self.output(Output::Done);
    }

    /// [`Host::greet`].
    pub fn greet(&mut self, link: LinkId, total: usize) {
        self.input(Input::Greet { link, total: total as u32 });
        self.host.greet(link, total);
        self.output(Output::Done);
    }

    /// [`Host::respond`].
    ///
    /// # Errors
    /// As there.
    pub fn respond(&mut self, link: LinkId, call: RequestId, outcome: Outcome, total: usize) -> Result<(), Misuse> {
        self.input(Input::Respond { link, call, outcome, total: total as u32 });
        let result = self.host.respond(link, call, outcome, total);
        self.command(result)
    }

    /// [`Host::send_item`].
    ///
    /// # Errors
    /// As there.
    pub fn send_item(&mut self, link: LinkId, call: RequestId, total: usize) -> Result<(), Misuse> {
        self.input(Input::SendItem { link, call, total: total as u32 });
        let result = self.host.send_item(link, call, total);
        self.command(result)
    }

    /// [`Host::push`].
    ///
    /// # Errors
    /// As there.
    pub fn push(&mut self, link: LinkId, topic: u16, total: usize) -> Result<(), Misuse> {
        self.input(Input::Push { link, topic, total: total as u32 });
        let result = self.host.push(link, topic, total);
        self.command(result)
    }

    /// [`Host::settle`].
    pub fn settle(&mut self, peer: PublicKey, operation: OperationId, outcome: Outcome) {
        self.input(Input::Settle { peer, operation, outcome });
        self.host.settle(peer, operation, outcome);
        self.output(Output::Done);
    }

    /// [`Host::close`].
    pub fn close(&mut self, now: Instant, link: LinkId, reason: Reason) {
        self.input(Input::Close { now, link, reason });
        self.host.close(now, link, reason);
        self.output(Output::Done);
    }

    /// [`Host::released`].
    pub fn released(&mut self, now: Instant, link: LinkId) {
        self.input(Input::Released { now, link });
        self.host.released(now, link);
        self.output(Output::Done);
    }

    /// [`Host::open_pairing`].
    ///
    /// # Errors
    /// As there.
    pub fn open_pairing(&mut self, code: &[u8], until: Instant) -> Result<(), Misuse> {
        self.input(Input::OpenPairing { code, until });
        let result = self.host.open_pairing(code, until);
        self.command(result)
    }

    /// [`Host::rotate`].
    pub fn rotate(&mut self, successor: Keys) {
        self.input(Input::Rotate {
            static_key: Secret(successor.static_key.secret()),
            signing_key: Secret(successor.signing_key.seed()),
        });
        self.host.rotate(successor);
        self.output(Output::Done);
    }

    /// [`Host::forget_former_keys`].
    pub fn forget_former_keys(&mut self) {
        self.input(Input::ForgetFormerKeys);
        self.host.forget_former_keys();
        self.output(Output::Done);
    }

    /// [`Host::set_oldest`].
    pub fn set_oldest(&mut self, oldest: Wire) {
        self.input(Input::SetOldest { oldest });
        self.host.set_oldest(oldest);
        self.output(Output::Done);
    }

    /// [`Host::allow_version_1`].
    ///
    /// # Errors
    /// As there.
    pub fn allow_version_1(&mut self, psk: Psk) -> Result<(), Misuse> {
        self.input(Input::AllowVersion1 { psk: Secret(psk.bytes()) });
        let result = self.host.allow_version_1(psk);
        self.command(result)
    }

    /// [`Host::vouch`].
    pub fn vouch(&mut self, now: Instant, link: LinkId, is_known: bool) {
        self.input(Input::Vouch { now, link, is_known });
        self.host.vouch(now, link, is_known);
        self.output(Output::Done);
    }

    /// [`Host::handle_alive`].
    pub fn handle_alive(&mut self, now: Instant, link: LinkId) {
        self.input(Input::Alive { now, link });
        self.host.handle_alive(now, link);
        self.output(Output::Done);
    }

    /// [`Host::cancel_pairing`].
    pub fn cancel_pairing(&mut self) {
        self.input(Input::CancelPairing);
        self.host.cancel_pairing();
        self.output(Output::Done);
    }

    /// Does this and tells what came of it. `bodies` gives the recorded bodies in their order; `buf` is at least as long as
    /// a message of the input and as [`Host::transmit_bytes`] says, and is overwritten.
    pub fn step<'a>(&mut self, input: &Input<'_>, bodies: &mut impl Bodies, buf: &'a mut [u8]) -> Output<'a> {
        match *input {
            Input::Open { now, address } => return Output::Opened(self.open(now, address)),
            Input::Message { now, link, bytes } => {
                let Some(message) = buf.get_mut(..bytes.len()) else { return Output::Delivered(Delivered::Nothing) };
                message.copy_from_slice(bytes);
                return Output::Delivered(Delivered::from(&self.handle_message(now, link, message)));
            }
            Input::PollEvent => return Output::Event(self.poll_event()),
            Input::PollTransmit { link } => {
                let sent = self.poll_transmit(link, bodies, buf);
                return Output::Sent(sent.and_then(|length| buf.get(..length)).map(Blob::of));
            }
            Input::Respond { link, call, outcome, total } => {
                return Output::Command(self.respond(link, call, outcome, total as usize));
            }
            Input::SendItem { link, call, total } => {
                return Output::Command(self.send_item(link, call, total as usize));
            }
            Input::Push { link, topic, total } => return Output::Command(self.push(link, topic, total as usize)),
            Input::OpenPairing { code, until } => return Output::Command(self.open_pairing(code, until)),
            Input::Eof { now, link } => self.handle_eof(now, link),
            Input::Timeout { now } => self.handle_timeout(now),
            Input::Decide { now, link, decision } => self.decide(now, link, decision),
            Input::Greet { link, total } => self.greet(link, total as usize),
            Input::Settle { peer, operation, outcome } => self.settle(peer, operation, outcome),
            Input::Close { now, link, reason } => self.close(now, link, reason),
            Input::Released { now, link } => self.released(now, link),
            Input::CancelPairing => self.cancel_pairing(),
            Input::Rotate { static_key, signing_key } => self.rotate(keys(static_key, signing_key)),
            Input::ForgetFormerKeys => self.forget_former_keys(),
            Input::SetOldest { oldest } => self.set_oldest(oldest),
            Input::AllowVersion1 { psk } => return Output::Command(self.allow_version_1(Psk::new(psk.0))),
            Input::Vouch { now, link, is_known } => self.vouch(now, link, is_known),
            Input::Alive { now, link } => self.handle_alive(now, link),
        }
        Output::Done
    }
}

/// Writes an input when the first thing that follows from it is written.
struct Late<'a, T> {
    tape: &'a mut T,
    input: Option<Input<'static>>,
}

impl<T: Tape> Late<'_, T> {
    fn begin(&mut self) {
        if let Some(input) = self.input.take() {
            self.tape.write(&Entry::Input(input));
        }
    }
}

impl<T: Tape> Tape for Late<'_, T> {
    fn write(&mut self, entry: &Entry<'_>) {
        self.begin();
        self.tape.write(entry);
    }
}
