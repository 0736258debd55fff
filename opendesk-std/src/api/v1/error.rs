//! How a call fails, in a map of its own.

use super::value::{Fields, Value, to_bytes};
use crate::api::{Error, ErrorCode, RefusalInfo, capability};

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
    map(code, &error.message, details)
}

fn map(code: ErrorCode, message: &str, details: Value<'_>) -> Vec<u8> {
    let info = Value::map([("code", Value::Str(code.word())), ("message", Value::Str(message)), ("details", details)]);
    // A map of texts and numbers always has an encoding.
    to_bytes(&info).unwrap_or_default()
}

/// Encodes why there is no session when another controller has it, with who that is and since when.
pub(in crate::api) fn busy(info: &RefusalInfo) -> Vec<u8> {
    let holder = info.holder.as_deref().map(|holder| ("holder", Value::Str(holder)));
    let since = info.since.map(|since| ("since", Value::Float(since)));
    map(ErrorCode::Busy, &info.message, Value::Map(holder.into_iter().chain(since).collect()))
}

/// Decodes why there is no session. What is not in the details, or is something else there, was not told.
pub(in crate::api) fn read_refusal(body: &[u8]) -> RefusalInfo {
    let message = read_error(ErrorCode::Internal, body).message;
    let details = Value::parse(body).and_then(Fields::of).ok().and_then(|mut fields| fields.take("details"));
    let Some(mut details) = details.and_then(|details| Fields::of(details).ok()) else {
        return RefusalInfo { message, ..RefusalInfo::default() };
    };
    let holder = match details.take("holder") {
        Some(Value::Str(holder)) => Some(holder.to_owned()),
        _ => None,
    };
    let since = match details.take("since") {
        Some(Value::Float(since)) => Some(since),
        Some(Value::Int(since)) => Some(since as f64),
        _ => None,
    };
    RefusalInfo { message, holder, since }
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
