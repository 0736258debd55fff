//! How plain values are written, and the kinds of shapes that the others have.

use opendesk_core::dialect::v1::msgpack;

use super::value::{Fault, Value};

pub(super) type Read<T> = Result<T, Fault>;

/// What is always written alike, wherever it stands.
pub(super) trait Form: Sized {
    fn from_value(value: Value<'_>) -> Read<Self>;
    fn to_value(&self) -> Value<'_>;
}

/// Structs whose fields are the entries of a strict map; those with a default may be absent.
macro_rules! records {
    ($($type:ident { $($field:ident $(= $default:expr)?),* $(,)? $(; ..$rest:expr)? })*) => {$(
        impl Form for $type {
            fn from_value(value: Value<'_>) -> Read<Self> {
                let mut fields = Fields::of(value)?;
                let record = Self { $($field: field!(fields $field $($default)?)),* $(, ..$rest)? };
                fields.end()?;
                Ok(record)
            }

            fn to_value(&self) -> Value<'_> {
                Value::map([$((stringify!($field), self.$field.to_value())),*])
            }
        }
    )*};
}
pub(super) use records;

/// An entry that must be there, one that a function reads, or one with a default.
macro_rules! field {
    ($fields:ident $field:ident) => {
        $fields.need(stringify!($field))?
    };
    ($fields:ident $field:ident by $read:ident) => {
        $read($fields)?
    };
    ($fields:ident $field:ident $default:expr) => {
        $fields.or(stringify!($field), $default)?
    };
}
pub(super) use field;

/// Enumerations that are one word.
macro_rules! words {
    ($($type:ident { $($variant:ident = $word:literal),* $(,)? })*) => {$(
        impl Form for $type {
            fn from_value(value: Value<'_>) -> Read<Self> {
                match value {
                    $(Value::Str($word) => Ok(Self::$variant),)*
                    _ => Err(Fault::new(concat!("must be one of:" $(, " ", $word)*))),
                }
            }

            fn to_value(&self) -> Value<'_> {
                Value::Str(match self { $(Self::$variant => $word,)* })
            }
        }
    )*};
}
pub(super) use words;

impl Form for bool {
    fn from_value(value: Value<'_>) -> Read<Self> {
        plain(&value).truth().map_err(|_| Fault::new("must be true or false"))
    }

    fn to_value(&self) -> Value<'_> {
        Value::Bool(*self)
    }
}

impl Form for f64 {
    fn from_value(value: Value<'_>) -> Read<Self> {
        float(&value).ok_or_else(|| Fault::new("must be a number"))
    }

    fn to_value(&self) -> Value<'_> {
        Value::Float(*self)
    }
}

macro_rules! whole {
    ($($type:ty),*) => {$(
        impl Form for $type {
            fn from_value(value: Value<'_>) -> Read<Self> {
                integer(&value)
                    .and_then(|number| Self::try_from(number).ok())
                    .ok_or_else(|| Fault::new(concat!("must be a whole number of type ", stringify!($type))))
            }

            fn to_value(&self) -> Value<'_> {
                Value::Int(i64::from(*self))
            }
        }
    )*};
}
whole!(u32, i32);

impl Form for i64 {
    fn from_value(value: Value<'_>) -> Read<Self> {
        integer(&value).ok_or_else(|| Fault::new("must be a whole number"))
    }

    fn to_value(&self) -> Value<'_> {
        Value::Int(*self)
    }
}

impl Form for u64 {
    fn from_value(value: Value<'_>) -> Read<Self> {
        integer(&value)
            .and_then(|number| Self::try_from(number).ok())
            .ok_or_else(|| Fault::new("must be a whole number from 0"))
    }

    fn to_value(&self) -> Value<'_> {
        Value::Int(i64::try_from(*self).unwrap_or(i64::MAX))
    }
}

impl Form for String {
    fn from_value(value: Value<'_>) -> Read<Self> {
        let text = match value {
            Value::Str(text) => Some(text),
            Value::Bin(bytes) => core::str::from_utf8(bytes).ok(),
            _ => None,
        };
        text.map(str::to_owned).ok_or_else(|| Fault::new("must be text"))
    }

    fn to_value(&self) -> Value<'_> {
        Value::Str(self)
    }
}

impl Form for Vec<u8> {
    fn from_value(value: Value<'_>) -> Read<Self> {
        match value {
            Value::Bin(bytes) => Ok(bytes.to_vec()),
            Value::Str(text) => Ok(text.as_bytes().to_vec()),
            _ => Err(Fault::new("must be bytes")),
        }
    }

    fn to_value(&self) -> Value<'_> {
        Value::Bin(self)
    }
}

impl<T: Form> Form for Option<T> {
    fn from_value(value: Value<'_>) -> Read<Self> {
        match value {
            Value::Nil => Ok(None),
            value => T::from_value(value).map(Some),
        }
    }

    fn to_value(&self) -> Value<'_> {
        self.as_ref().map_or(Value::Nil, T::to_value)
    }
}

impl<T: Form> Form for Vec<T> {
    fn from_value(value: Value<'_>) -> Read<Self> {
        let Value::List(values) = value else { return Err(Fault::new("must be a list")) };
        let entry = |(index, value): (usize, Value<'_>)| T::from_value(value).map_err(|fault| fault.within(index));
        values.into_iter().enumerate().map(entry).collect()
    }

    fn to_value(&self) -> Value<'_> {
        Value::List(self.iter().map(T::to_value).collect())
    }
}

fn float(value: &Value<'_>) -> Option<f64> {
    match value {
        Value::Float(number) => Some(*number),
        Value::Int(number) => Some(*number as f64),
        Value::Bool(truth) => Some(f64::from(u8::from(*truth))),
        Value::Str(text) => text.trim().parse().ok(),
        Value::Nil | Value::Bin(_) | Value::List(_) | Value::Map(_) => None,
    }
}

fn integer(value: &Value<'_>) -> Option<i64> {
    plain(value).integer().ok()
}

/// The value as the core reads it, which knows what is taken for what. Lists and maps are taken for nothing.
fn plain<'a>(value: &Value<'a>) -> msgpack::Value<'a> {
    match *value {
        Value::Bool(truth) => msgpack::Value::Bool(truth),
        Value::Int(number) => msgpack::Value::Int(number),
        Value::Float(number) => msgpack::Value::Float(number),
        Value::Str(text) => msgpack::Value::Str(text),
        Value::Nil | Value::Bin(_) | Value::List(_) | Value::Map(_) => msgpack::Value::Nil,
    }
}
