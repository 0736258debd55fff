//! The parameters that are not another module's business.

use super::Params;
use super::form::{Form, Read, field};
use super::tree::MAX_DEPTH;
use super::value::{Fault, Fields, Value};
use crate::api::few::WORDS;
use crate::api::{
    AppParams, ClipboardContents, CommandInput, DirectoryParams, Error, ErrorCode, ExecParams, FileMoveParams,
    FileParams, FileReadParams, FileWriteParams, KeyEvent, MoveWindowParams, OcrClickParams, OcrParams, OutputParams,
    PointerEvent, Result, SetstatParams, ShellParams, SignalParams, StartParams, TextInput, TreeParams,
    WindowCloseParams, WindowParams,
};

/// Structs whose fields are the parameters; those with a default may be absent.
macro_rules! params {
    ($($type:ident { $($field:ident $(by $read:ident)? $(= $default:expr)?),* $(; ..$rest:expr)? })*) => {$(
        impl Params for $type {
            fn from_fields(fields: &mut Fields<'_>) -> Read<Self> {
                Ok(Self { $($field: field!(fields $field $(by $read)? $($default)?)),* $(, ..$rest)? })
            }

            fn to_fields(&self) -> Result<Value<'_>> {
                Ok(Value::map([$((stringify!($field), self.$field.to_value())),*]))
            }
        }
    )*};
}

params! {
    WindowParams { window_id }
    OcrParams { display_id = None, region = None, window_id = None, language = None }
    OcrClickParams {
        text, occurrence = 0, button = None, clicks = 1, modifiers = Vec::new(), within = OcrParams::default()
    }
    MoveWindowParams { window_id, bounds }
    AppParams { name }
    FileParams { path }
    FileMoveParams { src, dst }
    DirectoryParams { path, parents = true }
    SetstatParams { path, mode = None, mtime = None }
    // In version 1 a command whose time is over fails with `timeout`.
    ShellParams { command, timeout = None, cwd = None, env = Vec::new(); ..Self::default() }
    ExecParams { argv by argv, timeout = None, cwd = None, env = Vec::new(), stdin = None; ..Self::default() }
    StartParams { argv by argv, timeout = None, cwd = None, env = Vec::new(), stdin = false }
    OutputParams { id }
    CommandInput { id, data, eof = false }
    SignalParams { id, signal }
}

/// Values that are the only parameter.
macro_rules! wrapped {
    ($($type:ident = $key:literal),*) => {$(
        impl Params for $type {
            fn from_fields(fields: &mut Fields<'_>) -> Read<Self> {
                fields.need($key)
            }

            fn to_fields(&self) -> Result<Value<'_>> {
                Ok(Value::map([($key, self.to_value())]))
            }
        }
    )*};
}

wrapped!(PointerEvent = "event", KeyEvent = "event", TextInput = "text_input", ClipboardContents = "contents");

impl Params for () {
    fn from_fields(_fields: &mut Fields<'_>) -> Read<Self> {
        Ok(())
    }

    fn to_fields(&self) -> Result<Value<'_>> {
        Ok(Value::map([]))
    }
}

impl Params for TreeParams {
    fn from_fields(fields: &mut Fields<'_>) -> Read<Self> {
        Ok(Self {
            window_id: fields.or("window_id", None)?,
            app: fields.or("app", None)?,
            max_depth: fields.or("max_depth", 8)?,
            max_nodes: Self::default().max_nodes,
        })
    }

    fn to_fields(&self) -> Result<Value<'_>> {
        Ok(Value::map([
            ("window_id", self.window_id.to_value()),
            ("app", self.app.to_value()),
            // A deeper answer would not be read.
            ("max_depth", Value::Int(i64::from(self.max_depth.min(MAX_DEPTH)))),
        ]))
    }
}

impl Params for WindowCloseParams {
    fn from_fields(fields: &mut Fields<'_>) -> Read<Self> {
        Ok(Self { window_id: fields.need("window_id")?, force: false })
    }

    fn to_fields(&self) -> Result<Value<'_>> {
        if self.force {
            let message = "a host of version 1 only asks a window to close; leave out `force`";
            return Err(Error::new(ErrorCode::CapabilityUnsupported, message));
        }
        Ok(Value::map([("window_id", self.window_id.to_value())]))
    }
}

impl Params for FileReadParams {
    fn from_fields(fields: &mut Fields<'_>) -> Read<Self> {
        Ok(Self { path: fields.need("path")?, offset: 0, length: None })
    }

    fn to_fields(&self) -> Result<Value<'_>> {
        if self.offset != 0 || self.length.is_some() {
            return Err(whole_files_only("reads"));
        }
        Ok(Value::map([("path", self.path.to_value())]))
    }
}

impl Params for FileWriteParams {
    fn from_fields(fields: &mut Fields<'_>) -> Read<Self> {
        Ok(Self { path: fields.need("path")?, data: fields.need("data")?, offset: None })
    }

    fn to_fields(&self) -> Result<Value<'_>> {
        if self.offset.is_some() {
            return Err(whole_files_only("writes"));
        }
        Ok(Value::map([("path", self.path.to_value()), ("data", self.data.to_value())]))
    }
}

fn whole_files_only(does: &str) -> Error {
    let message = format!("a host of version 1 {does} whole files only; leave out the offset and the length");
    Error::new(ErrorCode::CapabilityUnsupported, message)
}

fn argv(fields: &mut Fields<'_>) -> Read<Vec<String>> {
    let argv: Vec<String> = fields.need("argv")?;
    if argv.len() > WORDS {
        return Err(Fault::new("must have at most 4096 entries").within("argv"));
    }
    Ok(argv)
}

/// What an environment is overlaid with.
impl Form for Vec<(String, String)> {
    fn from_value(value: Value<'_>) -> Read<Self> {
        let Value::Map(entries) = value else { return Err(Fault::new("must be a map")) };
        if entries.len() > WORDS {
            return Err(Fault::new("must have at most 4096 entries"));
        }
        let entry = |(name, value): (&str, Value<'_>)| String::from_value(value).map(|value| (name.to_owned(), value));
        entries.into_iter().map(entry).collect()
    }

    fn to_value(&self) -> Value<'_> {
        if self.is_empty() {
            return Value::Nil;
        }
        Value::Map(self.iter().map(|(name, value)| (name.as_str(), value.to_value())).collect())
    }
}
