//! Doing to a host again what was done to a recorded one.

use core::fmt;

use super::{Entry, Input, Output, Recorder, Secret, Stage, Start, Tape, VERSION};
use crate::crypto::keys::{Keys, SigningKey, StaticKey};
use crate::id::LinkId;
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

/// Nothing is recorded.
#[derive(Debug)]
enum NoTape {}

impl Tape for NoTape {
    fn write(&mut self, _: &Entry<'_>) {
        match *self {}
    }
}

/// A host to which a recording is done again.
#[derive(Debug)]
pub struct Replay<const N: usize> {
    host: Recorder<NoTape, N>,
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
        let keys = keys(start.static_key, start.signing_key);
        Ok(Self { host: Recorder::new(keys, start.seed.0, None) })
    }

    /// Does this and tells what came of it: [`Recorder::step`].
    pub fn step<'a>(&mut self, input: &Input<'_>, bodies: &mut impl Bodies, buf: &'a mut [u8]) -> Output<'a> {
        self.host.step(input, bodies, buf)
    }

    /// What a link of it is, for whoever disguises what its peer says.
    #[must_use]
    pub fn stage(&self, link: LinkId) -> Stage {
        self.host.stage(link)
    }

    /// What a record of a link says, without taking it in; `None` where it does not open.
    pub fn read<'a>(&self, link: LinkId, record: &'a mut [u8]) -> Option<&'a [u8]> {
        self.host.peek(link, record)
    }
}

pub(super) fn keys(static_key: Secret, signing_key: Secret) -> Keys {
    Keys { static_key: StaticKey::new(static_key.0), signing_key: SigningKey::new(signing_key.0) }
}
