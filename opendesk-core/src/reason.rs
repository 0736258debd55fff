//! Why a link ended, why a call failed, and whose fault it was.

use core::fmt;

use serde::{Deserialize, Serialize};

/// Why a link ends or an attempt is refused. The space is open: an unknown number survives a round trip.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Reason(pub u16);

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $number:literal, $word:literal, $text:literal;)*) => {
        impl Reason {
            $($(#[$doc])* pub const $name: Self = Self($number);)*

            /// The word that programs and logs use.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self.0 { $($number => $word,)* _ => "unknown" }
            }

            /// One line for a person.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self.0 { $($number => $text,)* _ => "the other side gave a reason that this version does not know" }
            }
        }
    };
}

reasons! {
    /// A side closed the link because it was done.
    DONE = 1, "done", "the session was closed";
    /// The machine is going down.
    SHUTDOWN = 2, "shutdown", "the other side is shutting down";
    /// The owner ended the session.
    EVICTED = 3, "evicted", "the session was ended on the driven machine";
    /// The same peer connected again.
    REPLACED = 4, "replaced", "the same controller connected again and took this session's place";
    /// Another controller drives.
    BUSY = 5, "busy", "another controller is driving this machine";
    /// The key is genuine and not trusted.
    UNTRUSTED = 6, "untrusted_peer", "the driven machine does not trust the controller's key; pair first";
    /// Bytes that no version of the protocol sends.
    MALFORMED = 7, "malformed", "a message could not be decoded";
    /// A message at a moment when the protocol forbids it.
    MISBEHAVED = 8, "protocol", "a message came at a moment when the protocol does not allow it";
    /// A record that does not open.
    FORGED = 9, "forged", "a record was altered, replayed or made with another key";
    /// A handshake deadline passed.
    TIMEOUT = 10, "timeout", "the handshake was not finished in time";
    /// A silent link.
    SILENT = 11, "silent", "nothing was heard from the other side for 30 seconds";
    /// The transport ended without a word.
    LOST = 12, "lost", "the connection was lost";
    /// A message over its limit.
    TOO_LARGE = 14, "too_large", "a message was larger than its limit";
    /// The code was wrong.
    WRONG_CODE = 15, "wrong_code", "the pairing code is wrong";
    /// No pairing window.
    NOT_PAIRING = 16, "not_pairing", "no pairing code is being shown on the other machine; run `opendesk pair` there";
    /// The wanted session kind does not exist here.
    UNSUPPORTED = 17, "unsupported", "the other side does not offer this kind of session";
    /// The key that answered is not the one that was expected.
    WRONG_HOST = 18, "wrong_host", "the machine that answered is not the one that was paired";
    /// The owner refuses this peer.
    REFUSED = 19, "refused", "the owner of the machine refused the connection";
    /// The host is at an end of its own resources.
    UNAVAILABLE = 20, "unavailable", "the other machine cannot serve a session at the moment";
}

impl fmt::Debug for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reason({} {})", self.0, self.word())
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

/// How a call fails; the closed list of both wire versions and `limit_exceeded`, which only version 2 has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[repr(u16)]
pub enum ErrorCode {
    /// The host or its desktop cannot do this at all.
    CapabilityUnsupported = 1,
    /// The owner's policy refused.
    PermissionDenied = 2,
    /// An argument that cannot be carried out.
    InvalidArgument = 3,
    /// What was named does not exist.
    NotFound = 4,
    /// It took too long.
    Timeout = 5,
    /// Somebody stopped it.
    Cancelled = 6,
    /// A fault of the host.
    Internal = 7,
    /// The two sides disagree about the protocol.
    Protocol = 8,
    /// Somebody else is using it.
    Busy = 9,
    /// A limit of docs/SECURITY.md.
    LimitExceeded = 10,
}

impl ErrorCode {
    /// Every code.
    pub const ALL: [Self; 10] = [
        Self::CapabilityUnsupported,
        Self::PermissionDenied,
        Self::InvalidArgument,
        Self::NotFound,
        Self::Timeout,
        Self::Cancelled,
        Self::Internal,
        Self::Protocol,
        Self::Busy,
        Self::LimitExceeded,
    ];

    /// The name that programs match on.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::CapabilityUnsupported => "capability_unsupported",
            Self::PermissionDenied => "permission_denied",
            Self::InvalidArgument => "invalid_argument",
            Self::NotFound => "not_found",
            Self::Timeout => "timeout",
            Self::Cancelled => "cancelled",
            Self::Internal => "internal",
            Self::Protocol => "protocol",
            Self::Busy => "busy",
            Self::LimitExceeded => "limit_exceeded",
        }
    }

    /// The code with this number; numbers of later versions read as `internal`.
    #[must_use]
    pub fn from_number(number: u16) -> Self {
        Self::ALL.into_iter().find(|code| *code as u16 == number).unwrap_or(Self::Internal)
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Bytes that are not what the protocol sends at that place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Reason::MALFORMED.text())
    }
}

impl core::error::Error for Malformed {}

/// A command that the program around a machine should not have given; reading the variant is enough to mend it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Misuse {
    /// The link does not exist any more, or not yet as a session.
    NoSuchLink,
    /// The call is not running: it was answered, cancelled, or never made.
    NoSuchCall,
    /// 64 calls are in flight; wait for one to end.
    TooManyCalls,
    /// A body over [`limits::BODY_BYTES`](crate::limits::BODY_BYTES).
    BodyTooLarge,
    /// A method name over [`limits::METHOD_BYTES`](crate::limits::METHOD_BYTES), or an empty one.
    MethodName,
    /// A pairing code that is empty or over [`limits::CODE_BYTES`](crate::limits::CODE_BYTES).
    Code,
    /// The link is not open, or is closing.
    NotOpen,
    /// The stream has no credit, or its last item has not been sent: wait for
    /// [`Event::StreamReady`](crate::Event::StreamReady).
    NotReady,
    /// Answers over [`limits::ANSWER_BYTES`](crate::limits::ANSWER_BYTES) together wait to be sent.
    TooManyAnswers,
}

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoSuchLink => "no such link",
            Self::NoSuchCall => "no such call is running",
            Self::TooManyCalls => "64 calls are in flight already",
            Self::BodyTooLarge => "the body is over 16 MiB",
            Self::MethodName => "a method name has 1 to 40 bytes",
            Self::Code => "a pairing code has 1 to 64 bytes",
            Self::NotOpen => "the session is not open",
            Self::NotReady => "the stream has no credit, or its last item has not been sent yet",
            Self::TooManyAnswers => "answers of more than 64 MiB together wait to be sent; read them first",
        })
    }
}

impl core::error::Error for Misuse {}

#[cfg(test)]
mod tests {
    use std::string::{String, ToString};
    use std::vec::Vec;

    use super::*;

    #[test]
    fn numbers_and_words_of_error_codes_are_distinct_and_survive() {
        for code in ErrorCode::ALL {
            assert_eq!(ErrorCode::from_number(code as u16), code);
            assert_eq!(ErrorCode::ALL.iter().filter(|other| other.word() == code.word()).count(), 1);
        }
        assert_eq!(ErrorCode::from_number(999), ErrorCode::Internal);
    }

    #[test]
    fn every_reason_code_and_misuse_is_one_line_of_its_own() {
        let mut lines: Vec<String> = (0..=64).map(|number| Reason(number).to_string()).collect();
        lines.retain(|line| *line != Reason(0).text());
        assert_eq!(lines.len(), (0..=64).filter(|number| Reason(*number).word() != "unknown").count());
        lines.push(Malformed.to_string());
        lines.extend(ErrorCode::ALL.iter().map(ErrorCode::to_string));
        lines.extend(
            [
                Misuse::NoSuchLink,
                Misuse::NoSuchCall,
                Misuse::TooManyCalls,
                Misuse::BodyTooLarge,
                Misuse::MethodName,
                Misuse::Code,
                Misuse::NotOpen,
                Misuse::NotReady,
                Misuse::TooManyAnswers,
            ]
            .map(|misuse| misuse.to_string()),
        );
        for line in &lines {
            assert!(!line.is_empty() && !line.contains('\n'), "{line:?}");
        }
        // A malformed message is the one thing that is both a reason and an error.
        assert_eq!(lines.iter().filter(|line| **line == Malformed.to_string()).count(), 2);
        lines.retain(|line| *line != Malformed.to_string());
        lines.sort_unstable();
        let all = lines.len();
        lines.dedup();
        assert_eq!(lines.len(), all);
    }

    #[test]
    fn an_unknown_reason_keeps_its_number() {
        assert_eq!(Reason(4711).word(), "unknown");
        assert_eq!(Reason(4711), Reason(4711));
        assert_ne!(Reason::BUSY, Reason::DONE);
    }
}
