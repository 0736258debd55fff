//! The results that are not another module's business. A result is a map, so what is none is wrapped in one.

use super::Output;
use super::form::{Form, Read};
use super::value::{Fields, Value};
use crate::api::{
    ClipboardContents, CommandOutput, CompletedCommand, Effect, Environment, FileData, FileEntry, InputEvent,
    InputTaken, Manifest, OcrClicked, Point, ScreenText, StartedCommand, UiTree, Window,
};

/// Values that are the whole result.
macro_rules! bare {
    ($($type:ty),*) => {$(
        impl Output for $type {
            fn from_result(result: Value<'_>) -> Read<Self> {
                Self::from_value(result)
            }

            fn to_result(&self) -> Value<'_> {
                self.to_value()
            }
        }
    )*};
}

bare!(
    ClipboardContents,
    CommandOutput,
    CompletedCommand,
    Environment,
    FileEntry,
    InputEvent,
    InputTaken,
    Manifest,
    OcrClicked,
    Point,
    ScreenText,
    StartedCommand,
    UiTree
);

impl Output for () {
    fn from_result(_result: Value<'_>) -> Read<Self> {
        Ok(())
    }

    fn to_result(&self) -> Value<'_> {
        Value::Nil
    }
}

/// Version 1 does not say what an action has done.
impl Output for Effect {
    fn from_result(_result: Value<'_>) -> Read<Self> {
        Ok(Self::Unverifiable)
    }

    fn to_result(&self) -> Value<'_> {
        Value::Nil
    }
}

impl<T: Form> Output for Vec<T> {
    fn from_result(result: Value<'_>) -> Read<Self> {
        Fields::of(result)?.need("items")
    }

    fn to_result(&self) -> Value<'_> {
        Value::map([("items", self.to_value())])
    }
}

impl Output for Option<Window> {
    fn from_result(result: Value<'_>) -> Read<Self> {
        Fields::of(result)?.or("window", None)
    }

    fn to_result(&self) -> Value<'_> {
        Value::map([("window", self.to_value())])
    }
}

impl Output for FileData {
    fn from_result(result: Value<'_>) -> Read<Self> {
        let data: Vec<u8> = Fields::of(result)?.need("data")?;
        let size = data.len() as u64;
        Ok(Self { data, size })
    }

    fn to_result(&self) -> Value<'_> {
        Value::map([("data", self.data.to_value())])
    }
}
