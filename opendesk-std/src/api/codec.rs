//! How calls, results and errors are written as bytes.

use postcard::ser_flavors::{Flavor, Size};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::{Error, ErrorCode, Result};
use super::method::{Call, Method};
use super::v1;

/// How parameters and results are written: by the version of the wire that the link speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    /// Version 2: postcard of the typed structs.
    Postcard,
    /// Version 1: MessagePack maps.
    MessagePack,
}

impl Codec {
    /// Whether a stream of pictures may send parts of a picture. Version 1 knows only whole ones.
    #[must_use]
    pub const fn has_deltas(self) -> bool {
        matches!(self, Self::Postcard)
    }

    /// Decodes a request.
    ///
    /// # Errors
    /// `capability_unsupported` for a method that does not exist, `invalid_argument` for parameters that are not its
    /// own.
    pub fn decode_call(self, method: &str, params: &[u8]) -> Result<Call> {
        Call::read(self, method, params)
    }

    /// Encodes the parameters of a request.
    ///
    /// # Errors
    /// As [`params`](Self::params).
    pub fn encode_params(self, call: &Call) -> Result<Vec<u8>> {
        call.write(self)
    }

    /// Encodes the parameters of a method.
    ///
    /// # Errors
    /// `capability_unsupported` for what version 1 has no words for, such as a part of a file.
    pub fn params<M: Method>(self, params: &M::Params) -> Result<Vec<u8>> {
        match self {
            Self::Postcard => encode(params),
            Self::MessagePack => v1::to_bytes(&v1::Params::to_fields(params)?),
        }
    }

    /// Decodes the parameters of a method.
    ///
    /// # Errors
    /// `invalid_argument` for parameters that are not its own.
    pub fn read_params<M: Method>(self, bytes: &[u8]) -> Result<M::Params> {
        match self {
            Self::Postcard => postcard::from_bytes(bytes).map_err(|fault| {
                // Whatever a value's own decoder says is lost on the way.
                let why = match fault {
                    postcard::Error::SerdeDeCustom => "one of them is not what it takes, such as too long a list",
                    _ => "they are not its own",
                };
                Error::invalid(format!("the parameters of {} could not be decoded: {why}", M::NAME))
            }),
            Self::MessagePack => v1::Value::parse(bytes)
                .and_then(v1::Fields::of)
                .and_then(|mut fields| v1::Params::from_fields(&mut fields))
                .map_err(|fault| Error::invalid(format!("{}: {fault}", M::NAME))),
        }
    }

    /// Encodes the result of a method.
    ///
    /// # Errors
    /// `internal` when the value has no encoding, which no value of this crate's types is.
    pub fn result<M: Method>(self, output: &M::Output) -> Result<Vec<u8>> {
        match self {
            Self::Postcard => encode(output),
            Self::MessagePack => v1::to_bytes(&v1::Output::to_result(output)),
        }
    }

    /// Decodes the result of a method.
    ///
    /// # Errors
    /// `internal` for a result that is not its own.
    pub fn read_result<M: Method>(self, bytes: &[u8]) -> Result<M::Output> {
        match self {
            Self::Postcard => decode(bytes).ok_or_else(|| unreadable(M::NAME)),
            Self::MessagePack => {
                v1::Value::parse(bytes).and_then(v1::Output::from_result).map_err(|fault| unlike(M::NAME, &fault))
            }
        }
    }

    /// Encodes an item of a stream; `number` counts the items of this stream from 0.
    ///
    /// # Errors
    /// As [`result`](Self::result).
    pub fn item<M: Method>(self, output: &M::Output, number: u64) -> Result<Vec<u8>> {
        match self {
            Self::Postcard => encode(output),
            Self::MessagePack => v1::to_bytes(&v1::Output::to_item(output, number)),
        }
    }

    /// Decodes an item of a stream.
    ///
    /// # Errors
    /// As [`read_result`](Self::read_result).
    pub fn read_item<M: Method>(self, bytes: &[u8]) -> Result<M::Output> {
        match self {
            Self::Postcard => decode(bytes).ok_or_else(|| unreadable(M::NAME)),
            Self::MessagePack => {
                v1::Value::parse(bytes).and_then(v1::Output::from_item).map_err(|fault| unlike(M::NAME, &fault))
            }
        }
    }

    /// Encodes why a call of `method` failed on a host with this backend.
    #[must_use]
    pub fn error(self, error: &Error, method: &str, backend: &str) -> Vec<u8> {
        match self {
            Self::Postcard => error.message.clone().into_bytes(),
            Self::MessagePack => v1::error(error, method, backend),
        }
    }

    /// Decodes why a call failed; `code` is what the frame around it says.
    #[must_use]
    pub fn read_error(self, code: ErrorCode, body: &[u8]) -> Error {
        match self {
            Self::Postcard => Error::new(code, String::from_utf8_lossy(body)),
            Self::MessagePack => v1::read_error(code, body),
        }
    }
}

fn unreadable(method: &str) -> Error {
    Error::internal(format!("the host's answer to {method} could not be decoded"))
}

fn unlike(method: &str, fault: &v1::Fault) -> Error {
    Error::internal(format!("the host's answer to {method} could not be decoded: {fault}"))
}

/// Encodes a value for version 2.
///
/// # Errors
/// `internal` when the value has no encoding, which no value of this crate's types is.
pub fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>> {
    let encoded = postcard::serialize_with_flavor::<T, Size, usize>(value, Size::default())
        .and_then(|size| postcard::serialize_with_flavor(value, Room(Vec::with_capacity(size))));
    encoded.map_err(|error| Error::internal(format!("a value could not be encoded: {error}")))
}

/// A vector that has room for all that comes: one that grows copies parts of files and pictures once more.
struct Room(Vec<u8>);

impl Flavor for Room {
    type Output = Vec<u8>;

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.push(byte);
        Ok(())
    }

    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<Vec<u8>> {
        Ok(self.0)
    }
}

/// Decodes a value of version 2; bytes behind it, which a later version may have added, are skipped.
#[must_use]
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    postcard::from_bytes(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::super::{ExecParams, FileData, TextInput};
    use super::*;

    #[test]
    fn a_call_survives_its_codec_and_a_longer_future_form() {
        let input = TextInput { text: "grüße 世界".into(), interval_ms: 3 };
        let mut bytes = encode(&input).unwrap();
        bytes.extend_from_slice(b"fields of a later version");
        assert_eq!(Call::decode("input.text", &bytes), Ok(Call::InputText(input)));
    }

    #[test]
    fn what_is_encoded_takes_as_much_room_as_it_needs() {
        let data = FileData { data: vec![7; 1 << 20], size: u64::MAX };
        let bytes = encode(&data).unwrap();
        assert_eq!(bytes.capacity(), bytes.len());
        assert_eq!(bytes, postcard::to_stdvec(&data).unwrap());
        assert_eq!(decode(&bytes), Some(data));
    }

    #[test]
    fn unknown_methods_and_foreign_parameters_are_told_apart() {
        for codec in [Codec::Postcard, Codec::MessagePack] {
            assert_eq!(codec.decode_call("input.mind", &[]).unwrap_err().code, ErrorCode::CapabilityUnsupported);
            assert_eq!(codec.decode_call("input.text", &[]).unwrap_err().code, ErrorCode::InvalidArgument);
        }
    }

    #[test]
    fn more_arguments_than_a_program_takes_are_refused() {
        let call = |count: usize| ExecParams { argv: vec![String::new(); count], ..ExecParams::default() };
        for (count, taken) in [(4096, true), (4097, false)] {
            let params = encode(&call(count)).unwrap();
            let decoded = Call::decode("process.exec", &params);
            assert_eq!(decoded.is_ok(), taken, "{count}");
            assert!(taken || decoded.unwrap_err().message.ends_with("such as too long a list"));
        }
    }

    #[test]
    fn an_error_of_version_2_is_its_line() {
        let error = Error::invalid("no such key");
        let body = Codec::Postcard.error(&error, "input.key", "local/x11");
        assert_eq!(body, b"no such key");
        assert_eq!(Codec::Postcard.read_error(ErrorCode::InvalidArgument, &body), error);
    }
}
