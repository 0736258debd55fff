//! How a call fails, in a map of its own.

use super::form::Form;
use super::value::{Fields, Value, to_bytes};
use crate::api::{Error, ErrorCode, capability};

/// Encodes why a call of `method` failed.
pub(in crate::api) fn error(error: &Error, method: &str, backend: &str) -> Vec<u8> {
    // A code that version 1 does not have would end the session; the details may say anything.
    let (code, details) = match error.code {
        ErrorCode::CapabilityUnsupported => {
            let details = [("capability", Value::Str(capability(method))), ("backend", Value::Str(backend))];
            (error.code, Value::map(details))
        }
        ErrorCode::LimitExceeded => (ErrorCode::Internal, Value::map([("code", Value::Str(error.code.word()))])),
        code => (code, Value::map([])),
    };
    let info =
        Value::map([("code", Value::Str(code.word())), ("message", error.message.to_value()), ("details", details)]);
    // A map of texts always has an encoding.
    to_bytes(&info).unwrap_or_default()
}

/// Decodes why a call failed; `code` is what the frame around it says, for when the map does not.
pub(in crate::api) fn read_error(code: ErrorCode, body: &[u8]) -> Error {
    let told = |word: Option<String>| ErrorCode::ALL.into_iter().find(|known| Some(known.word()) == word.as_deref());
    let Ok(mut fields) = Value::parse(body).and_then(Fields::of) else { return Error::new(code, code.word()) };
    let code = told(fields.or("code", None).unwrap_or_default()).unwrap_or(code);
    let details = fields.take("details").and_then(|details| Fields::of(details).ok());
    let precise = details.and_then(|mut details| told(details.or("code", None).unwrap_or_default()));
    let code = precise.filter(|_| code == ErrorCode::Internal).unwrap_or(code);
    // A timeout of version 1 often has no message.
    match fields.or("message", String::new()) {
        Ok(message) if !message.is_empty() => Error::new(code, message),
        _ => Error::new(code, code.word()),
    }
}
