//! How reaching or using a host fails.

use core::fmt;
use core::time::Duration;

use jiff::tz::TimeZone;
use opendesk_core::{PublicKey, Reason};

use crate::api::{Error, RefusalInfo};
use crate::home::{HomeError, MAX_NAME, PeerName, plain_text};
use crate::{clock, span};

/// What to do about a machine that nobody answers at.
const ADVICE: &str = "; is `opendesk serve` running there?";

/// Characters of a host's own line on why it is busy that are told.
const LONGEST_REFUSAL: usize = 200;

/// One line each: what failed, where, and what to do next.
#[derive(Debug, Clone)]
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
    /// Whoever answered proved the code, and is not the only machine that was wanted.
    OtherHost(PublicKey),
    /// Another machine is called what this one was to be called; nothing is stored here.
    NameTaken {
        /// The name, as that machine has it.
        name: PeerName,
        /// What the one that answers is called here already; else a name like it that is free.
        free: PeerName,
        /// Whether the machine that was paired with trusts this one by now. Else its code can still be used.
        is_trusted_there: bool,
    },
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
    /// The session ended while the host carried out an action, and the host that was reached afterwards does not know what
    /// became of it. It was not repeated.
    Unknown {
        /// The method.
        method: String,
        /// Why the session ended.
        why: Reason,
    },
    /// The session is over.
    Closed(Reason),
    /// The host refused the call, or it failed there.
    Call(Error),
    /// Our own files.
    Home(HomeError),
}

impl ClientError {
    /// That it could not be reached for a reason that an earlier failure told in its own line: with one advice, not two.
    pub(super) fn unreachable_since(name: &str, why: &str) -> Self {
        let cause = why.strip_suffix(ADVICE).unwrap_or(why);
        Self::Unreachable { address: name.to_owned(), why: cause.to_owned() }
    }

    /// How much it tells of a machine that was sought at several places.
    pub(super) const fn rank(&self) -> u8 {
        match self {
            Self::Unreachable { .. } => 0,
            Self::Timeout { .. } => 1,
            Self::WrongHost { .. } | Self::NotRecognised { .. } => 2,
            _ => 3,
        }
    }
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable { address, why } => write!(f, "{address} cannot be reached: {why}{ADVICE}"),
            Self::Timeout { what, after } => write!(f, "{what} did not answer within {} s", after.as_secs_f32()),
            Self::WrongCode { tries_left: 0 } => {
                f.write_str("the pairing code is wrong, and it was the last try; run `opendesk pair` there again")
            }
            Self::WrongCode { tries_left: 1 } => f.write_str("the pairing code is wrong; 1 try is left"),
            Self::WrongCode { tries_left } => write!(f, "the pairing code is wrong; {tries_left} tries are left"),
            Self::Unproven => f.write_str(
                "the machine that answered did not prove that it shows this code; is it the one in front of you?",
            ),
            Self::OtherHost(key) => {
                write!(f, "the machine that answered is {key:?}, which is not the one that was wanted")
            }
            Self::NameTaken { name, is_trusted_there: false, .. } => write!(
                f,
                "another paired machine is called \"{name}\"; say --name with another name, for which the code is still \
                 good, or no --name if it is that machine and has new keys"
            ),
            Self::NameTaken { name, is_trusted_there: true, .. } => write!(
                f,
                "another paired machine is called \"{name}\", so this one was not stored, although it trusts this machine \
                 by now; run `opendesk pair` there again and say --name with another name here"
            ),
            // One that is not paired is called by its address.
            Self::WrongHost { name, address } if name == address => write!(
                f,
                "the machine at {address} has not the key that was named with it: it is another one, or has changed it"
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
                write!(f, "busy: {}", busy(info, clock::epoch_seconds(), &TimeZone::system()))
            }
            Self::Refused { reason, .. } | Self::Closed(reason) => f.write_str(reason.text()),
            Self::Unknown { method, why } => write!(
                f,
                "whether {} was done is not known: {why} before the host had answered; look before you do it again",
                crate::home::printable(method)
            ),
            Self::Call(error) => f.write_str(&crate::home::printable(&error.message)),
            Self::Home(error) => error.fmt(f),
        }
    }
}

/// Who drives a host and since when, as far as it told. Its own line has no clock on the wall, and counts in seconds.
fn busy(info: &RefusalInfo, now: f64, zone: &TimeZone) -> String {
    let holder = info.holder.as_deref().map(|name| cut(name, MAX_NAME)).filter(|holder| !holder.is_empty());
    let since = info.since.and_then(|since| span::since(since, now, zone));
    match (holder, since) {
        (Some(holder), Some(since)) => format!("\"{holder}\" has driven it since {since}"),
        (Some(holder), None) => format!("\"{holder}\" drives it"),
        (None, Some(since)) => format!("another controller has driven it since {since}"),
        (None, None) if info.message.trim().is_empty() => Reason::BUSY.text().to_owned(),
        (None, None) => format!("it says {:?}", cut(&info.message, LONGEST_REFUSAL)),
    }
}

fn cut(text: &str, most: usize) -> String {
    plain_text(text).chars().take(most).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_host_is_told_with_who_drives_it_and_since_when() {
        let zone = TimeZone::UTC;
        // 2026-02-03 04:05:06 UTC.
        let then = 1_770_091_506.0;
        let told = |holder: Option<&str>, since, message: &str| {
            let info = RefusalInfo { message: message.to_owned(), holder: holder.map(str::to_owned), since };
            busy(&info, then + 300.0, &zone)
        };
        assert_eq!(told(Some("laptop"), Some(then), "x"), "\"laptop\" has driven it since 04:05 (for 5 min)");
        assert_eq!(told(Some("laptop"), Some(f64::NAN), "x"), "\"laptop\" drives it");
        assert_eq!(told(None, Some(then), ""), "another controller has driven it since 04:05 (for 5 min)");
        assert_eq!(told(Some("\u{1b}[2J\nx"), None, ""), "\"[2J x\" drives it");
        // Version 1 has one line.
        assert_eq!(told(None, None, "laptop has driven\u{7} it"), "it says \"laptop has driven it\"");
        assert_eq!(told(None, None, &"x".repeat(5000)).len(), LONGEST_REFUSAL + "it says \"\"".len());
        assert_eq!(told(Some(&"é".repeat(5000)), None, "").chars().count(), MAX_NAME + "\"\" drives it".len());
        assert_eq!(told(Some(" "), None, " \n"), Reason::BUSY.text());
    }

    #[test]
    fn what_to_do_is_said_once() {
        let first = ClientError::Unreachable { address: "127.0.0.1:9".to_owned(), why: "refused".to_owned() };
        let line = ClientError::unreachable_since("desk", &first.to_string()).to_string();
        let told = "desk cannot be reached: 127.0.0.1:9 cannot be reached: refused; is `opendesk serve` running there?";
        assert_eq!(line, told);
        assert_eq!(ClientError::unreachable_since("127.0.0.1:9", "refused").to_string(), first.to_string());
    }

    #[test]
    fn every_failure_is_one_line_whatever_the_other_machine_said() {
        let hostile = "x\u{1b}[31m\ny\u{202e}";
        let info = RefusalInfo { message: hostile.to_owned(), holder: Some(hostile.to_owned()), since: Some(1e300) };
        let named = || "desk".parse().expect("a name");
        for error in [
            ClientError::Refused { reason: Reason::BUSY, info: Some(info.clone()) },
            ClientError::Refused { reason: Reason::UNTRUSTED, info: Some(info) },
            ClientError::Call(Error::new(crate::api::ErrorCode::Internal, hostile)),
            ClientError::WrongHost { name: hostile.to_owned(), address: "box:1".to_owned() },
            ClientError::NotRecognised { name: hostile.to_owned(), address: "box:1".to_owned() },
            ClientError::OtherHost(PublicKey([7; 32])),
            ClientError::NameTaken { name: named(), free: named(), is_trusted_there: true },
            ClientError::NameTaken { name: named(), free: named(), is_trusted_there: false },
            ClientError::Unproven,
            ClientError::WrongCode { tries_left: 0 },
        ] {
            let line = error.to_string();
            assert!(!line.is_empty() && !line.contains(['\n', '\u{1b}', '\u{202e}']), "{line:?}");
        }
    }
}
