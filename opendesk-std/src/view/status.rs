//! How the link to the desktop is, and what a failure of it means for those who look.

use opendesk_core::Reason;

use crate::api::ErrorCode;
use crate::client::ClientError;
use crate::home::plain_text;
use crate::tools::ToolError;

/// How the link to the desktop is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Link {
    /// Nobody looks, or somebody has just begun to.
    #[default]
    Connecting,
    /// Pictures come.
    Connected,
    /// It was lost or cannot be made; it is tried again.
    Reconnecting,
    /// Another controller drives the desktop; it is tried again now and then.
    Busy,
    /// It is not tried again before somebody asks for that.
    Ended,
}

impl Link {
    /// The word that viewers are told.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::Connected => "connected",
            Self::Reconnecting => "reconnecting",
            Self::Busy => "busy",
            Self::Ended => "ended",
        }
    }
}

/// How the link is, and why.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Status {
    /// How it is.
    pub link: Link,
    /// One line for a person; empty when all is well.
    pub why: String,
}

impl Status {
    pub(super) const fn of(link: Link) -> Self {
        Self { link, why: String::new() }
    }

    pub(super) fn after(error: &ToolError) -> Self {
        Self { link: outlook(error), why: plain_text(&error.to_string()) }
    }
}

/// Whether another try makes sense without anybody doing anything.
fn outlook(error: &ToolError) -> Link {
    match error {
        ToolError::Peer { error, .. } => match error {
            ClientError::Unreachable { .. } | ClientError::Timeout { .. } => Link::Reconnecting,
            ClientError::Refused { reason, .. } | ClientError::Closed(reason) => match *reason {
                Reason::BUSY => Link::Busy,
                Reason::DONE
                | Reason::SHUTDOWN
                | Reason::SILENT
                | Reason::LOST
                | Reason::TIMEOUT
                | Reason::UNAVAILABLE => Link::Reconnecting,
                _ => Link::Ended,
            },
            ClientError::Call(error) => of_code(error.code),
            _ => Link::Ended,
        },
        ToolError::Desktop(error) => of_code(error.code),
        _ => Link::Ended,
    }
}

const fn of_code(code: ErrorCode) -> Link {
    match code {
        ErrorCode::Busy => Link::Busy,
        // A desktop that went away for a moment: its session is restarted, its screen is another one now.
        ErrorCode::Timeout | ErrorCode::Cancelled | ErrorCode::Internal => Link::Reconnecting,
        ErrorCode::CapabilityUnsupported
        | ErrorCode::PermissionDenied
        | ErrorCode::InvalidArgument
        | ErrorCode::NotFound
        | ErrorCode::Protocol
        | ErrorCode::LimitExceeded => Link::Ended,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Error;

    #[test]
    fn what_time_heals_is_tried_again_and_what_a_person_decided_is_not() {
        let peer = |error| ToolError::Peer { name: "desk".to_owned(), error };
        let told = |error: ToolError| Status::after(&error).link;
        for reason in [Reason::LOST, Reason::SILENT, Reason::SHUTDOWN, Reason::UNAVAILABLE] {
            assert_eq!(told(peer(ClientError::Closed(reason))), Link::Reconnecting, "{reason}");
        }
        for reason in [Reason::EVICTED, Reason::UNTRUSTED, Reason::REFUSED, Reason::REPLACED, Reason::WRONG_HOST] {
            assert_eq!(told(peer(ClientError::Closed(reason))), Link::Ended, "{reason}");
        }
        assert_eq!(told(peer(ClientError::Refused { reason: Reason::BUSY, info: None })), Link::Busy);
        let stopped = Error::new(ErrorCode::PermissionDenied, "stopped\nby \u{1b}[31mits owner");
        let status = Status::after(&stopped.into());
        assert_eq!((status.link, status.why.contains('\u{1b}')), (Link::Ended, false), "{status:?}");
    }
}
