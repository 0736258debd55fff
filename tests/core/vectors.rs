//! Reading `tests/vectors`.

use serde_json::Value;

/// The bytes that a string of hex digits stands for.
pub(crate) fn unhex(text: &str) -> Vec<u8> {
    assert!(text.len().is_multiple_of(2), "{text} has half a byte");
    let digit = |byte: u8| char::from(byte).to_digit(16).unwrap_or_else(|| panic!("{text} is not hex")) as u8;
    text.as_bytes().chunks_exact(2).map(|pair| (digit(pair[0]) << 4) | digit(pair[1])).collect()
}

/// Bytes as hex digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A field of a vector as bytes.
pub(crate) fn bytes(vector: &Value, field: &str) -> Vec<u8> {
    unhex(vector[field].as_str().unwrap_or_else(|| panic!("a vector has no {field}")))
}

/// A field of a vector as bytes of this number.
pub(crate) fn array<const N: usize>(vector: &Value, field: &str) -> [u8; N] {
    bytes(vector, field).try_into().unwrap_or_else(|_| panic!("{field} has not {N} bytes"))
}

/// The same, of a field that may be missing.
pub(crate) fn optional<const N: usize>(vector: &Value, field: &str) -> Option<[u8; N]> {
    vector.get(field).map(|_| array(vector, field))
}
