//! Parameters and results in the words of version 1: MessagePack maps whose values are checked as strictly, and read as
//! leniently, as its Python program does. A value is one of a closed set of shapes and an unknown key in it is an
//! error; beside the values, directly in the parameters, unknown keys are ignored. Numbers and truth values may come as
//! text.

mod error;
mod form;
mod input;
mod manifest;
mod params;
mod picture;
mod results;
#[cfg(test)]
mod tests;
mod tree;
mod value;
mod values;

pub(super) use error::{busy, error, read_error, read_refusal};
pub(crate) use manifest::CAPABILITIES;
pub use manifest::{Described, manifest_v1, read_manifest_v1};
pub(super) use value::to_bytes;
pub use value::{Fault, Fields, Value};

use super::error::Result;

/// The parameters of a method as version 1 writes them.
pub trait Params: Sized {
    /// Reads them from the map's entries; those that are left are no concern of the method.
    ///
    /// # Errors
    /// What is missing or has another shape, and where.
    fn from_fields(fields: &mut Fields<'_>) -> core::result::Result<Self, Fault>;

    /// The map.
    ///
    /// # Errors
    /// `capability_unsupported` for what version 1 has no words for.
    fn to_fields(&self) -> Result<Value<'_>>;
}

/// The result of a method as version 1 writes it, or the items of its stream: a map, or nil for nothing.
pub trait Output: Sized {
    /// Reads the result.
    ///
    /// # Errors
    /// What is missing or has another shape, and where.
    fn from_result(result: Value<'_>) -> core::result::Result<Self, Fault>;

    /// The result.
    fn to_result(&self) -> Value<'_>;

    /// Reads an item.
    ///
    /// # Errors
    /// As [`from_result`](Self::from_result).
    fn from_item(item: Value<'_>) -> core::result::Result<Self, Fault> {
        Self::from_result(item)
    }

    /// An item; the first of a stream has number 0.
    fn to_item(&self, _number: u64) -> Value<'_> {
        self.to_result()
    }
}
