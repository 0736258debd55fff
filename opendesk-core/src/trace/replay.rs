//! Doing to a host again what was done to a recorded one.

use core::fmt;

use super::{Blob, Delivered, Input, Output, Secret, Start, VERSION};
use crate::crypto::keys::{Keys, SigningKey, StaticKey};
use crate::host::Host;
use crate::session::Bodies;

/// The recording was made by a host that this program cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WrongStart {
    /// Another version of the entries.
    Version(u16),
    /// Another number of links.
    Links(u16),
}

impl fmt::Display for WrongStart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(version) => {
                write!(f, "the recording is of version {version} and this program replays version {VERSION}")
            }
            Self::Links(links) => {
                write!(f, "the recording is of a host with {links} links, which this program has not")
            }
        }
    }
}

impl core::error::Error for WrongStart {}

/// A host to which a recording is done again.
#[derive(Debug)]
pub struct Replay<const N: usize> {
    host: Host<N>,
}

impl<const N: usize> Replay<N> {
    /// A host as the recorded one was made.
    ///
    /// # Errors
    /// [`WrongStart`] when it was made by another version or with another number of links.
    pub fn new(start: &Start) -> Result<Self, WrongStart> {
        if start.version != VERSION {
            return Err(WrongStart::Version(start.version));
        }
        if usize::from(start.links) != N {
            return Err(WrongStart::Links(start.links));
        }
        Ok(Self { host: Host::new(keys(start.static_key, start.signing_key), start.seed.0) })
    }

    /// Does this and tells what came of it. `bodies` gives the recorded bodies in their order; `buf` is at least as long as
    /// a message of the input and as [`RECORD_BYTES`](crate::limits::RECORD_BYTES), and is overwritten.
    pub fn step<'a>(&mut self, input: &Input<'_>, bodies: &mut impl Bodies, buf: &'a mut [u8]) -> Output<'a> {
        let host = &mut self.host;
        match *input {
            Input::Open { now, address } => return Output::Opened(host.open(now, address)),
            Input::Message { now, link, bytes } => {
                let Some(message) = buf.get_mut(..bytes.len()) else { return Output::Delivered(Delivered::Nothing) };
                message.copy_from_slice(bytes);
                return Output::Delivered(Delivered::from(&host.handle_message(now, link, message)));
            }
            Input::PollEvent => return Output::Event(host.poll_event()),
            Input::PollTransmit { link } => {
                let sent = host.poll_transmit(link, bodies, buf);
                return Output::Sent(sent.and_then(|length| buf.get(..length)).map(Blob::of));
            }
            Input::Respond { link, call, outcome, total } => {
                return Output::Command(host.respond(link, call, outcome, total as usize));
            }
            Input::SendItem { link, call, total } => {
                return Output::Command(host.send_item(link, call, total as usize));
            }
            Input::Push { link, topic, total } => return Output::Command(host.push(link, topic, total as usize)),
            Input::OpenPairing { code, until } => return Output::Command(host.open_pairing(code, until)),
            Input::Eof { now, link } => host.handle_eof(now, link),
            Input::Timeout { now } => host.handle_timeout(now),
            Input::Decide { now, link, decision } => host.decide(now, link, decision),
            Input::Greet { link, total } => host.greet(link, total as usize),
            Input::Settle { peer, operation, outcome } => host.settle(peer, operation, outcome),
            Input::Close { now, link, reason } => host.close(now, link, reason),
            Input::Released { now, link } => host.released(now, link),
            Input::CancelPairing => host.cancel_pairing(),
            Input::Rotate { static_key, signing_key } => host.rotate(keys(static_key, signing_key)),
            Input::ForgetFormerKeys => host.forget_former_keys(),
        }
        Output::Done
    }
}

fn keys(static_key: Secret, signing_key: Secret) -> Keys {
    Keys { static_key: StaticKey::new(static_key.0), signing_key: SigningKey::new(signing_key.0) }
}
