//! Version 2: the handshakes of docs/PROTOCOL.md.
//!
//! Every message before the first record begins with `OD2` and one letter. Capital letters come from the
//! controller, small ones from the host:
//!
//! ```text
//! known peer                                 first contact
//!   A  Noise IK, message 1                     P  sid ‖ CPace share
//!   a  Noise IK, message 2                     p  CPace share
//!   records                                    C  confirmation ‖ Noise XXpsk0, message 1
//!                                              c  confirmation ‖ Noise XXpsk0, message 2
//!                                              F  Noise XXpsk0, message 3
//!   x  refused: reason, tries left             records
//! ```

mod auth;
mod pair;

pub use auth::{AuthClient, auth_respond};
pub use pair::{PairClient, PairClientStep, PairHost, PairHostStep};

use super::Message;
use crate::limits::PRE_AUTH_BYTES;
use crate::reason::{Malformed, Reason};

const MAGIC: &[u8; 3] = b"OD2";

/// The letter of a handshake message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `A`: a known controller begins.
    Auth,
    /// `a`: the host answers.
    AuthReply,
    /// `P`: an unknown controller begins.
    Pair,
    /// `p`: the host answers.
    PairReply,
    /// `C`: the controller proves that it knows the code.
    Confirm,
    /// `c`: the host proves it too.
    ConfirmReply,
    /// `F`: the controller proves its key.
    Finish,
    /// `x`: the host refuses, in clear: there is no key yet.
    Refused,
}

impl Kind {
    const ALL: [Self; 8] = [
        Self::Auth,
        Self::AuthReply,
        Self::Pair,
        Self::PairReply,
        Self::Confirm,
        Self::ConfirmReply,
        Self::Finish,
        Self::Refused,
    ];

    const fn letter(self) -> u8 {
        match self {
            Self::Auth => b'A',
            Self::AuthReply => b'a',
            Self::Pair => b'P',
            Self::PairReply => b'p',
            Self::Confirm => b'C',
            Self::ConfirmReply => b'c',
            Self::Finish => b'F',
            Self::Refused => b'x',
        }
    }
}

/// Takes a handshake message apart.
///
/// # Errors
/// [`Malformed`] when it does not begin as one, or is over [`PRE_AUTH_BYTES`].
pub fn split(message: &[u8]) -> Result<(Kind, &[u8]), Malformed> {
    if message.len() > PRE_AUTH_BYTES {
        return Err(Malformed);
    }
    let (magic, rest) = message.split_first_chunk::<3>().ok_or(Malformed)?;
    let (&letter, body) = rest.split_first().ok_or(Malformed)?;
    if magic != MAGIC {
        return Err(Malformed);
    }
    let kind = Kind::ALL.into_iter().find(|kind| kind.letter() == letter).ok_or(Malformed)?;
    Ok((kind, body))
}

/// Puts a handshake message together.
fn message(kind: Kind, parts: &[&[u8]]) -> Message {
    let mut message = Message::new();
    let mut fits = message.extend_from_slice(MAGIC).is_ok() && message.push(kind.letter()).is_ok();
    for part in parts {
        fits &= message.extend_from_slice(part).is_ok();
    }
    debug_assert!(fits, "the longest message has 164 bytes");
    message
}

/// The message by which a host refuses before there is a key.
#[must_use]
pub fn refusal(reason: Reason, tries_left: u8) -> Message {
    message(Kind::Refused, &[&reason.0.to_le_bytes(), &[tries_left]])
}

/// Reads the body of a [`Kind::Refused`] message: the reason and how often the code may still be tried.
///
/// # Errors
/// [`Malformed`] when it is shorter than that.
pub fn read_refusal(body: &[u8]) -> Result<(Reason, u8), Malformed> {
    match body {
        [low, high, tries, ..] => Ok((Reason(u16::from_le_bytes([*low, *high])), *tries)),
        _ => Err(Malformed),
    }
}

/// The prologue of both Noise handshakes: what was said before them.
fn prologue(kind: Kind, parts: &[&[u8]]) -> Message {
    message(kind, parts)
}
