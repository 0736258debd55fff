//! A value as MessagePack has it, borrowed from the bytes that it is read from or from what is to be written.

use core::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

use super::form::Form;
use crate::api::{Error, Result};
use crate::home::printable;

/// The most values of one body: each takes up to 48 bytes of memory, and as little as one on the wire.
const MAX_VALUES: usize = 1 << 20;

/// How deep a body is nested: two levels for each of the elements of the deepest tree, and some for what is in and
/// around it.
const MAX_NESTING: usize = 2 * super::tree::MAX_DEPTH as usize + 10;

/// How much of an unknown key an error shows.
const SHOWN_CHARACTERS: usize = 40;

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    /// Nothing.
    Nil,
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// A text.
    Str(&'a str),
    /// Bytes.
    Bin(&'a [u8]),
    /// Values in order.
    List(Vec<Self>),
    /// Values by name.
    Map(Vec<(&'a str, Self)>),
}

impl<'a> Value<'a> {
    /// Reads a body: exactly one value.
    pub(crate) fn parse(bytes: &'a [u8]) -> core::result::Result<Self, Fault> {
        let mut deserializer = rmp_serde::Deserializer::from_read_ref(bytes);
        deserializer.set_max_depth(MAX_NESTING);
        let mut left = MAX_VALUES;
        let value = Seed(&mut left).deserialize(&mut deserializer).map_err(|_| Fault::new("is not in MessagePack"))?;
        // The first byte of whatever else there is could be read; that it is no truth value does not matter.
        match bool::deserialize(&mut deserializer) {
            Err(rmp_serde::decode::Error::InvalidMarkerRead(_)) => Ok(value),
            _ => Err(Fault::new("has bytes behind its end")),
        }
    }

    pub(super) fn map<const N: usize>(entries: [(&'a str, Self); N]) -> Self {
        Self::Map(entries.into())
    }
}

/// Writes a body.
///
/// # Errors
/// `internal` when the value has no encoding, which no value of this crate's types is.
pub(in crate::api) fn to_bytes(value: &Value<'_>) -> Result<Vec<u8>> {
    rmp_serde::to_vec(value).map_err(|error| Error::internal(format!("a value could not be encoded: {error}")))
}

impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> core::result::Result<S::Ok, S::Error> {
        match self {
            Self::Nil => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Int(value) => serializer.serialize_i64(*value),
            Self::Float(value) => serializer.serialize_f64(*value),
            Self::Str(text) => serializer.serialize_str(text),
            Self::Bin(bytes) => serializer.serialize_bytes(bytes),
            Self::List(values) => {
                let mut list = serializer.serialize_seq(Some(values.len()))?;
                for value in values {
                    list.serialize_element(value)?;
                }
                list.end()
            }
            Self::Map(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                for (key, value) in entries {
                    map.serialize_entry(key, value)?;
                }
                map.end()
            }
        }
    }
}

/// Reads a value and counts it against how many there may still be.
struct Seed<'b>(&'b mut usize);

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> core::result::Result<Self::Value, D::Error> {
        *self.0 = self.0.checked_sub(1).ok_or_else(|| D::Error::custom("too many values"))?;
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of MessagePack")
    }

    fn visit_unit<E>(self) -> core::result::Result<Self::Value, E> {
        Ok(Value::Nil)
    }

    fn visit_bool<E>(self, value: bool) -> core::result::Result<Self::Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> core::result::Result<Self::Value, E> {
        Ok(Value::Int(value))
    }

    fn visit_u64<E>(self, value: u64) -> core::result::Result<Self::Value, E> {
        Ok(i64::try_from(value).map_or(Value::Float(value as f64), Value::Int))
    }

    fn visit_f64<E>(self, value: f64) -> core::result::Result<Self::Value, E> {
        Ok(Value::Float(value))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> core::result::Result<Self::Value, E> {
        Ok(Value::Str(text))
    }

    fn visit_borrowed_bytes<E>(self, bytes: &'de [u8]) -> core::result::Result<Self::Value, E> {
        Ok(Value::Bin(bytes))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut given: A) -> core::result::Result<Self::Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = given.next_element_seed(Seed(&mut *self.0))? {
            values.push(value);
        }
        Ok(Value::List(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut given: A) -> core::result::Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = given.next_key::<&'de str>()? {
            entries.push((key, given.next_value_seed(Seed(&mut *self.0))?));
        }
        Ok(Value::Map(entries))
    }
}

/// Where a value is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    at: String,
    problem: &'static str,
}

impl Fault {
    pub(super) const fn new(problem: &'static str) -> Self {
        Self { at: String::new(), problem }
    }

    /// The same of what has it as the entry `key`.
    pub(super) fn within(mut self, key: impl fmt::Display) -> Self {
        self.at = if self.at.is_empty() { key.to_string() } else { format!("{key}.{}", self.at) };
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = if self.at.is_empty() { "the body" } else { &self.at };
        write!(f, "{at} {}", self.problem)
    }
}

/// The entries of a map that have not been read yet.
#[derive(Debug)]
pub struct Fields<'a> {
    entries: Vec<(&'a str, Value<'a>)>,
}

impl<'a> Fields<'a> {
    pub(crate) fn of(value: Value<'a>) -> core::result::Result<Self, Fault> {
        match value {
            Value::Map(entries) => Ok(Self { entries }),
            _ => Err(Fault::new("must be a map")),
        }
    }

    /// An entry as it is.
    pub(super) fn take(&mut self, key: &str) -> Option<Value<'a>> {
        let index = self.entries.iter().position(|(name, _)| *name == key)?;
        Some(self.entries.swap_remove(index).1)
    }

    /// An entry that must be there.
    pub(super) fn need<T: Form>(&mut self, key: &str) -> core::result::Result<T, Fault> {
        let value = self.take(key).ok_or_else(|| Fault::new("is missing").within(key))?;
        T::from_value(value).map_err(|fault| fault.within(key))
    }

    /// An entry that may be absent or null.
    pub(super) fn or<T: Form>(&mut self, key: &str, default: T) -> core::result::Result<T, Fault> {
        match self.take(key) {
            None | Some(Value::Nil) => Ok(default),
            Some(value) => T::from_value(value).map_err(|fault| fault.within(key)),
        }
    }

    /// Entries that mean nothing to a host.
    pub(super) fn skip(&mut self, keys: &[&str]) {
        self.entries.retain(|(name, _)| !keys.contains(name));
    }

    /// Nothing is left.
    pub(super) fn end(self) -> core::result::Result<(), Fault> {
        match self.entries.first() {
            None => Ok(()),
            Some((key, _)) => {
                let shown: String = key.chars().take(SHOWN_CHARACTERS).collect();
                Err(Fault::new("is not known").within(printable(&shown)))
            }
        }
    }
}
