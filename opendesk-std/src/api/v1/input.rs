//! Events of mouse and keyboard. When one happened goes unsaid: the receiver fills in when it came.

use super::form::{Form, Read};
use super::value::{Fields, Value};
use crate::api::{InputEvent, KeyEvent, PointerEvent};

impl Form for PointerEvent {
    fn from_value(value: Value<'_>) -> Read<Self> {
        let mut fields = Fields::of(value)?;
        fields.skip(&["pressure", "tilt_x", "tilt_y", "timestamp"]);
        let event = Self {
            action: fields.need("action")?,
            point: fields.need("point")?,
            button: fields.or("button", None)?,
            modifiers: fields.or("modifiers", Vec::new())?,
            dx: fields.or("dx", 0.0)?,
            dy: fields.or("dy", 0.0)?,
        };
        fields.end()?;
        Ok(event)
    }

    fn to_value(&self) -> Value<'_> {
        Value::map([
            ("action", self.action.to_value()),
            ("point", self.point.to_value()),
            ("button", self.button.to_value()),
            ("modifiers", self.modifiers.to_value()),
            ("dx", self.dx.to_value()),
            ("dy", self.dy.to_value()),
            ("pressure", Value::Nil),
            ("tilt_x", Value::Nil),
            ("tilt_y", Value::Nil),
        ])
    }
}

impl Form for KeyEvent {
    fn from_value(value: Value<'_>) -> Read<Self> {
        let mut fields = Fields::of(value)?;
        fields.skip(&["char", "scancode", "is_repeat", "timestamp"]);
        let event = Self {
            action: fields.need("action")?,
            keysym: fields.need("keysym")?,
            modifiers: fields.or("modifiers", Vec::new())?,
        };
        fields.end()?;
        Ok(event)
    }

    fn to_value(&self) -> Value<'_> {
        Value::map([
            ("action", self.action.to_value()),
            ("keysym", self.keysym.to_value()),
            ("char", Value::Nil),
            ("scancode", Value::Nil),
            ("modifiers", self.modifiers.to_value()),
            ("is_repeat", Value::Bool(false)),
        ])
    }
}

impl Form for InputEvent {
    fn from_value(value: Value<'_>) -> Read<Self> {
        let is_key = matches!(&value, Value::Map(entries) if entries.iter().any(|(key, _)| *key == "keysym"));
        if is_key {
            KeyEvent::from_value(value).map(Self::Key)
        } else {
            PointerEvent::from_value(value).map(Self::Pointer)
        }
    }

    fn to_value(&self) -> Value<'_> {
        match self {
            Self::Key(event) => event.to_value(),
            Self::Pointer(event) => event.to_value(),
        }
    }
}
