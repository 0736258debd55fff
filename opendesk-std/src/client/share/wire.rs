//! What the owner of a session and a borrower say to each other: messages with a length before them, each a head in
//! postcard and, where it has one, a body of bytes.

use core::time::Duration;

use opendesk_core::{ErrorCode, OperationId, PublicKey, Reason, VerifyingKey, Wire, limits};
use serde::{Deserialize, Serialize};

use crate::api::{Error, encode};
use crate::client::ClientError;

/// What this version of the program says. It grows with every change of the types below.
pub(super) const PROTOCOL: u16 = 2;

/// The beginning of the first message of each side. It never changes, nor does the form of that message: programs that
/// do not understand each other must be able to say so.
const MAGIC: &[u8; 8] = b"odlinks\n";

/// The longest first message.
pub(super) const FIRST_BYTES: usize = 256;

/// The longest message: the largest body, and a head that holds no more than a method's name.
pub(super) const MESSAGE_BYTES: usize = limits::BODY_BYTES + 4096;

/// The first message of each side: who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Introduction {
    pub(super) protocol: u16,
    pub(super) pid: u32,
    pub(super) version: String,
}

impl Introduction {
    /// Of this program.
    pub(super) fn own() -> Self {
        let version = env!("CARGO_PKG_VERSION").to_owned();
        Self { protocol: PROTOCOL, pid: std::process::id(), version }
    }

    pub(super) fn write(&self) -> Vec<u8> {
        let Self { protocol, pid, version } = self;
        [MAGIC.as_slice(), &protocol.to_be_bytes(), &pid.to_be_bytes(), version.as_bytes()].concat()
    }

    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let rest = bytes.strip_prefix(MAGIC)?;
        let (protocol, rest) = rest.split_first_chunk()?;
        let (pid, version) = rest.split_first_chunk()?;
        let (protocol, pid) = (u16::from_be_bytes(*protocol), u32::from_be_bytes(*pid));
        let version = core::str::from_utf8(version).ok()?.to_owned();
        Some(Self { protocol, pid, version })
    }
}

/// By what a borrower knows a call.
pub(super) type Number = u64;

/// What a borrower says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Ask {
    /// A call; the body are its parameters.
    Call { number: Number, method: String, operation: OperationId, wants: Wants },
    /// Items of a stream are consumed up to that many bytes.
    Grant { number: Number, bytes: u32 },
    /// Nobody waits for the answer any more. It still comes.
    Cancel { number: Number },
    /// Nothing is heard of the host, which owes an answer: the owner of the session is to see whether it is there.
    Probe,
}

/// What a call is to give.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Wants {
    /// One result within a time.
    Result(Duration),
    /// A stream, with this credit.
    Stream(u32),
}

/// What the owner of the session says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Tell {
    /// The session is shared; the body is what the host told of itself.
    Welcome(Facts),
    /// There is no place for one more.
    Full,
    /// The result of a call, in the body.
    Answer { number: Number },
    /// An item of a stream, in the body.
    Item { number: Number },
    /// A stream has ended, or a call that nobody waited for.
    Done { number: Number },
    /// A call has failed; the body is text of it.
    Failed { number: Number, how: Failure },
    /// The session is over.
    Over(Reason),
}

/// What is known of the session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Facts {
    pub(super) wire: Wire,
    pub(super) host: PublicKey,
    pub(super) signing_key: Option<VerifyingKey>,
    pub(super) handshake: [u8; 32],
    pub(super) memory: u64,
}

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Failure {
    /// The host says no; the text is why.
    Call(ErrorCode),
    /// It took too long; the text is what did.
    Timeout(Duration),
}

impl Failure {
    /// The failure and its text.
    pub(super) fn of(error: ClientError) -> (Self, String) {
        match error {
            ClientError::Call(Error { code, message }) => (Self::Call(code), message),
            ClientError::Timeout { what, after } => (Self::Timeout(after), what),
            // No call of an open session fails so.
            other => (Self::Call(ErrorCode::Internal), other.to_string()),
        }
    }

    pub(super) fn error(self, text: &[u8]) -> ClientError {
        let text = String::from_utf8_lossy(text).into_owned();
        match self {
            Self::Call(code) => ClientError::Call(Error::new(code, text)),
            Self::Timeout(after) => ClientError::Timeout { what: text, after },
        }
    }
}

/// Why a borrowed session is over. That its owner was done with it is no reason for a borrower to be.
pub(super) const fn for_borrowers(reason: Reason) -> Reason {
    match reason {
        Reason::DONE => Reason::LOST,
        other => other,
    }
}

impl Ask {
    /// Whether a body belongs to it.
    const fn has_body(&self) -> bool {
        matches!(self, Self::Call { .. })
    }
}

impl Tell {
    /// Whether a body belongs to it.
    const fn has_body(&self) -> bool {
        matches!(self, Self::Welcome(_) | Self::Answer { .. } | Self::Item { .. } | Self::Failed { .. })
    }

    /// Whether the call that it is about is over with it.
    pub(super) const fn is_final(&self) -> bool {
        matches!(self, Self::Answer { .. } | Self::Done { .. } | Self::Failed { .. })
    }
}

/// A message that was read, and its body.
pub(super) type Parts<T> = Option<(T, Vec<u8>)>;

pub(super) fn read_ask(message: &[u8]) -> Parts<Ask> {
    let (head, body) = postcard::take_from_bytes::<Ask>(message).ok()?;
    (head.has_body() || body.is_empty()).then(|| (head, body.to_vec()))
}

pub(super) fn read_tell(message: &[u8]) -> Parts<Tell> {
    let (head, body) = postcard::take_from_bytes::<Tell>(message).ok()?;
    (head.has_body() || body.is_empty()).then(|| (head, body.to_vec()))
}

/// The head of a message. A value of these types always has an encoding.
pub(super) fn write<T: Serialize>(head: &T) -> Vec<u8> {
    encode(head).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPERATION: OperationId = [9; 16];

    fn asks() -> Vec<Ask> {
        let call = |wants| Ask::Call { number: 300, method: "input.key".to_owned(), operation: OPERATION, wants };
        vec![
            call(Wants::Result(Duration::from_millis(1500))),
            call(Wants::Stream(65536)),
            Ask::Grant { number: 1, bytes: 64 },
            Ask::Cancel { number: 1 },
            Ask::Probe,
        ]
    }

    fn tells() -> Vec<Tell> {
        let (host, handshake) = (PublicKey([1; 32]), [2; 32]);
        vec![
            Tell::Welcome(Facts { wire: Wire::V2, host, signing_key: None, handshake, memory: 7 }),
            Tell::Full,
            Tell::Answer { number: 2 },
            Tell::Item { number: 2 },
            Tell::Done { number: 2 },
            Tell::Failed { number: 2, how: Failure::Call(ErrorCode::NotFound) },
            Tell::Failed { number: 2, how: Failure::Timeout(Duration::from_secs(90)) },
            Tell::Over(Reason::EVICTED),
        ]
    }

    #[test]
    fn every_message_survives_and_bodies_stand_only_where_they_belong() {
        for ask in asks() {
            let mut bytes = write(&ask);
            assert_eq!(read_ask(&bytes), Some((ask.clone(), vec![])));
            bytes.extend(b"body");
            assert_eq!(read_ask(&bytes).is_some(), ask.has_body(), "{ask:?}");
        }
        for tell in tells() {
            let mut bytes = write(&tell);
            assert_eq!(read_tell(&bytes), Some((tell.clone(), vec![])));
            bytes.extend(b"body");
            assert_eq!(read_tell(&bytes).is_some(), tell.has_body(), "{tell:?}");
        }
        for garbage in [&[][..], &[99], &[0xff; 40]] {
            assert_eq!((read_ask(garbage), read_tell(garbage)), (None, None));
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused() {
        let (mut state, mut read) = (1_u64, 0);
        let mut byte = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as u8
        };
        for round in 0..20_000 {
            let mut message: Vec<u8> = (0..round % 70).map(|_| byte()).collect();
            if let Some(kind) = message.first_mut() {
                *kind %= 8;
            }
            read += usize::from(read_ask(&message).is_some()) + usize::from(read_tell(&message).is_some());
            assert_eq!(Introduction::read(&message), None);
        }
        assert!(read > 1000, "some of them are messages: {read}");
    }

    /// Whoever changes one of these has to count [`PROTOCOL`] up: programs of two versions may meet.
    #[test]
    fn the_bytes_of_protocol_2_stay_what_they_are() {
        let written: Vec<Vec<u8>> = asks().iter().map(write).chain(tells().iter().map(write)).collect();
        let digest = crate::home::hex::encode(&<sha2::Sha256 as sha2::Digest>::digest(written.concat()));
        assert_eq!(
            (PROTOCOL, digest.as_str()),
            (2, "e64fca90b7a8e5462b74511a1ed165a48e93e4678f41f38432abc5f4efe2dc93")
        );
    }

    #[test]
    fn an_introduction_is_read_whatever_comes_after_it_in_later_versions() {
        let own = Introduction::own();
        let written = own.write();
        assert!(written.len() <= FIRST_BYTES);
        assert_eq!(Introduction::read(&written), Some(own));
        let later = [MAGIC.as_slice(), &[1, 0], &[0, 0, 0, 9], b"2.0.0 with more"].concat();
        let read = Introduction::read(&later).unwrap();
        assert_eq!((read.protocol, read.pid, read.version.as_str()), (256, 9, "2.0.0 with more"));
        for other in
            [&b""[..], b"odlinks", b"odlinks\n", b"GET / HTTP/1.1\r\n\r\n", b"odlinks\n\x00\x01\x00\x00\x00\x01\xff"]
        {
            assert_eq!(Introduction::read(other), None);
        }
    }

    #[test]
    fn failures_keep_their_kind_and_their_text() {
        for error in [
            ClientError::Call(Error::new(ErrorCode::Busy, "later")),
            ClientError::Timeout { what: "the host's fs.read".to_owned(), after: Duration::from_millis(250) },
        ] {
            let shown = format!("{error:?}");
            let (how, text) = Failure::of(error);
            assert_eq!(format!("{:?}", how.error(text.as_bytes())), shown);
        }
    }
}
