//! How reaching or using a host fails.

use core::fmt;
use core::time::Duration;

use opendesk_core::Reason;

use crate::api::{Error, RefusalInfo};
use crate::home::HomeError;

/// One line each: what failed, where, and what to do next.
#[derive(Debug)]
pub enum ClientError {
    /// Nobody answers at the address.
    Unreachable {
        /// The address that was tried.
        address: String,
        /// The system's word.
        why: String,
    },
    /// It took too long.
    Timeout {
        /// What was waited for.
        what: String,
        /// How long.
        after: Duration,
    },
    /// The code is wrong.
    WrongCode {
        /// How often it may still be tried.
        tries_left: u8,
    },
    /// Whoever answered did not prove that it shows the code.
    Unproven,
    /// Whoever answered has not the keys of the machine that was paired.
    WrongHost {
        /// What the machine is called.
        name: String,
        /// Where it was sought.
        address: String,
    },
    /// In version 1: whoever answered has not the keys of the machine that was paired, or does not trust this one; it does
    /// not say which.
    NotRecognised {
        /// What the machine is called.
        name: String,
        /// Where it was sought.
        address: String,
    },
    /// The host refused the session.
    Refused {
        /// Why.
        reason: Reason,
        /// The particulars, from a host that told them.
        info: Option<RefusalInfo>,
    },
    /// The session is over.
    Closed(Reason),
    /// The host refused the call, or it failed there.
    Call(Error),
    /// Our own files.
    Home(HomeError),
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable { address, why } => {
                write!(f, "{address} cannot be reached: {why}; is `opendesk serve` running there?")
            }
            Self::Timeout { what, after } => write!(f, "{what} did not answer within {} s", after.as_secs_f32()),
            Self::WrongCode { tries_left: 0 } => {
                f.write_str("the pairing code is wrong, and it was the last try; run `opendesk pair` there again")
            }
            Self::WrongCode { tries_left: 1 } => f.write_str("the pairing code is wrong; 1 try is left"),
            Self::WrongCode { tries_left } => write!(f, "the pairing code is wrong; {tries_left} tries are left"),
            Self::Unproven => f.write_str(
                "the machine that answered did not prove that it shows this code; is it the one in front of you?",
            ),
            Self::WrongHost { name, address } => write!(
                f,
                "the machine at {address} has not the keys that {name:?} was paired with: it is another one, or it has \
                 changed them; if it is the right one, remove {name:?} here and pair again",
                name = crate::home::printable(name)
            ),
            Self::NotRecognised { name, address } => write!(
                f,
                "the machine at {address} does not trust this one, or is not the one that {name:?} was paired with \
                 (version 1 does not say which); pair again",
                name = crate::home::printable(name)
            ),
            Self::Refused { reason, info: Some(info) } if *reason == Reason::BUSY => {
                write!(f, "busy: {}", crate::home::plain_text(&info.message))
            }
            Self::Refused { reason, .. } | Self::Closed(reason) => f.write_str(reason.text()),
            Self::Call(error) => f.write_str(&crate::home::printable(&error.message)),
            Self::Home(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for ClientError {}

impl From<Error> for ClientError {
    fn from(error: Error) -> Self {
        Self::Call(error)
    }
}

impl From<HomeError> for ClientError {
    fn from(error: HomeError) -> Self {
        Self::Home(error)
    }
}
