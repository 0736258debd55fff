//! How the failure of a call looks to whoever takes the other desktop for one of this machine.

use opendesk_core::Reason;

use crate::api::{Error, ErrorCode, Kind};
use crate::client::ClientError;

/// What the host said is passed on as it is. An action that had no answer because the link was lost may have been carried
/// out: that is what is said of it, and never that it was not.
pub(super) fn failure(error: ClientError, kind: Kind) -> Error {
    let text = error.to_string();
    match error {
        ClientError::Call(error) => error,
        ClientError::Timeout { .. } => Error::new(ErrorCode::Timeout, unknown(text, kind)),
        ClientError::Refused { reason: Reason::BUSY, .. } => Error::new(ErrorCode::Busy, text),
        ClientError::Refused { .. }
        | ClientError::WrongHost { .. }
        | ClientError::NotRecognised { .. }
        | ClientError::OtherHost(_)
        | ClientError::Unproven
        | ClientError::WrongCode { .. } => Error::new(ErrorCode::PermissionDenied, text),
        ClientError::Closed(_) => Error::internal(unknown(text, kind)),
        _ => Error::internal(text),
    }
}

fn unknown(text: String, kind: Kind) -> String {
    match kind {
        Kind::Action => format!("{text}; whether it was done is not known: look before you repeat it"),
        Kind::Observation | Kind::Stream => text,
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;

    #[test]
    fn what_the_host_said_is_said_again() {
        for code in ErrorCode::ALL {
            let said = Error::new(code, "in its own words");
            assert_eq!(failure(ClientError::Call(said.clone()), Kind::Action), said);
        }
    }

    #[test]
    fn what_may_have_been_done_is_not_said_to_have_failed() {
        for error in [
            || ClientError::Closed(Reason::LOST),
            || ClientError::Timeout { what: "the host's input.key".to_owned(), after: Duration::from_secs(90) },
        ] {
            let (action, look) = (failure(error(), Kind::Action), failure(error(), Kind::Observation));
            assert!(action.message.ends_with("is not known: look before you repeat it"), "{action}");
            assert!(!look.message.contains("not known"), "{look}");
            // What Hands takes for a key that was not pressed.
            assert!(!matches!(action.code, ErrorCode::InvalidArgument | ErrorCode::CapabilityUnsupported));
        }
        let unknown = ClientError::Unknown { method: "input.key".to_owned(), why: Reason::LOST };
        let told = failure(unknown, Kind::Action);
        assert!(told.code == ErrorCode::Internal && told.message.contains("is not known"), "{told}");
        let busy = ClientError::Refused { reason: Reason::BUSY, info: None };
        assert_eq!(failure(busy, Kind::Action).code, ErrorCode::Busy);
        let stranger = ClientError::Refused { reason: Reason::UNTRUSTED, info: None };
        assert_eq!(failure(stranger, Kind::Action).code, ErrorCode::PermissionDenied);
    }
}
