//! The table of methods and their codec: postcard of typed structs, so that a program of either version and of
//! either side reads the same value.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::{Error, ErrorCode, Result};
use super::tree::UiTree;
use super::types::*;

/// Whether a method changes anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It only looks.
    Observation,
    /// It acts: it is logged before and after, refused while the log cannot be written, and never carried out twice
    /// for one operation.
    Action,
    /// It looks again and again: its output is one item of many, and it goes on until it is cancelled.
    Stream,
}

/// A method: its marker type names parameters and result.
pub trait Method {
    /// Its name on the wire.
    const NAME: &'static str;
    /// Whether it acts.
    const KIND: Kind;
    /// What it takes.
    type Params: Serialize + DeserializeOwned + Send;
    /// What it gives.
    type Output: Serialize + DeserializeOwned + Send;
}

macro_rules! methods {
    ($($(#[$doc:meta])* $marker:ident = $name:literal, $kind:ident, $params:ty => $output:ty;)*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, Copy)]
            pub struct $marker;

            impl Method for $marker {
                const NAME: &'static str = $name;
                const KIND: Kind = Kind::$kind;
                type Params = $params;
                type Output = $output;
            }
        )*

        /// A request with its parameters decoded.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Call {
            $($(#[$doc])* $marker($params),)*
        }

        impl Call {
            /// The name of every method.
            pub const NAMES: &'static [&'static str] = &[$($name),*];

            /// Decodes the parameters of a request.
            ///
            /// # Errors
            /// `capability_unsupported` for a method that does not exist, `invalid_argument` for parameters that
            /// are not its own.
            pub fn decode(method: &str, params: &[u8]) -> Result<Self> {
                match method {
                    $($name => decode(params).map(Self::$marker).ok_or_else(|| {
                        Error::invalid(concat!("the parameters of ", $name, " could not be decoded"))
                    }),)*
                    other => Err(Error::new(
                        ErrorCode::CapabilityUnsupported,
                        format!("this host has no method called {other}"),
                    )),
                }
            }

            /// Encodes the parameters.
            ///
            /// # Errors
            /// As [`encode`].
            pub fn encode(&self) -> Result<Vec<u8>> {
                match self { $(Self::$marker(params) => encode(params),)* }
            }

            /// The method's name.
            #[must_use]
            pub const fn method(&self) -> &'static str {
                match self { $(Self::$marker(_) => $name,)* }
            }

            /// Whether the method of this name acts, if there is one.
            #[must_use]
            pub fn kind_of(method: &str) -> Option<Kind> {
                match method { $($name => Some(Kind::$kind),)* _ => None }
            }

            /// Whether it acts.
            #[must_use]
            pub const fn kind(&self) -> Kind {
                match self { $(Self::$marker(_) => Kind::$kind,)* }
            }
        }
    };
}

methods! {
    /// `system.capabilities`: what the host can do.
    SystemCapabilities = "system.capabilities", Observation, () => Manifest;
    /// `system.environment`: what the machine is.
    SystemEnvironment = "system.environment", Observation, () => Environment;
    /// `display.displays`: the monitors.
    DisplayDisplays = "display.displays", Observation, () => Vec<Display>;
    /// `display.capture`: a picture.
    DisplayCapture = "display.capture", Observation, CaptureParams => Picture;
    /// `display.subscribe`: a picture whenever what it shows has changed. Whoever is slow gets fewer.
    DisplaySubscribe = "display.subscribe", Stream, SubscribeParams => Picture;
    /// `display.cursor_position`: where the mouse pointer is.
    DisplayCursorPosition = "display.cursor_position", Observation, () => Point;
    /// `input.pointer`: one mouse event.
    InputPointer = "input.pointer", Action, PointerEvent => ();
    /// `input.key`: one key event.
    InputKey = "input.key", Action, KeyEvent => ();
    /// `input.text`: typed text.
    InputText = "input.text", Action, TextInput => ();
    /// `ui.tree`: the accessibility tree.
    UiTreeRead = "ui.tree", Observation, TreeParams => UiTree;
    /// `clipboard.read`: what the clipboard holds.
    ClipboardRead = "clipboard.read", Observation, () => ClipboardContents;
    /// `clipboard.write`: replaces what the clipboard holds.
    ClipboardWrite = "clipboard.write", Action, ClipboardContents => ();
}

impl Call {
    /// One line about the call for the audit log. What is typed, copied or shown never appears in it, only how
    /// much of it there was.
    #[must_use]
    pub fn summary(&self) -> String {
        match self {
            Self::SystemCapabilities(())
            | Self::SystemEnvironment(())
            | Self::DisplayDisplays(())
            | Self::DisplayCursorPosition(())
            | Self::ClipboardRead(())
            | Self::UiTreeRead(_) => self.method().to_owned(),
            Self::DisplayCapture(params) => match params.region {
                Some(Rect { x, y, width, height }) => format!("capture {width}x{height} at {x},{y}"),
                None => "capture".to_owned(),
            },
            Self::DisplaySubscribe(params) => format!("pictures, {} a second", params.fps),
            Self::InputPointer(event) => {
                let Point { x, y } = event.point;
                format!("pointer {:?} {x},{y}", event.action).to_lowercase()
            }
            Self::InputKey(event) => format!("key {:?}", event.action).to_lowercase(),
            Self::InputText(input) => format!("type {} characters", input.text.chars().count()),
            Self::ClipboardWrite(contents) => {
                let bytes: usize = contents.entries.iter().map(|entry| entry.data.len()).sum();
                format!("clipboard of {bytes} bytes")
            }
        }
    }
}

/// Encodes parameters or a result.
///
/// # Errors
/// `internal` when the value has no encoding, which no value of this crate's types is.
pub fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>> {
    postcard::to_stdvec(value).map_err(|error| Error::internal(format!("a value could not be encoded: {error}")))
}

/// Decodes parameters or a result; bytes behind it, which a later version may have added, are skipped.
#[must_use]
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    postcard::from_bytes(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_survives_its_codec_and_a_longer_future_form() {
        let input = TextInput { text: "grüße 世界".into(), interval_ms: 3 };
        let mut bytes = encode(&input).unwrap();
        bytes.extend_from_slice(b"fields of a later version");
        assert_eq!(Call::decode("input.text", &bytes), Ok(Call::InputText(input)));
    }

    #[test]
    fn unknown_methods_and_foreign_parameters_are_told_apart() {
        assert_eq!(Call::decode("input.mind", &[]).unwrap_err().code, ErrorCode::CapabilityUnsupported);
        assert_eq!(Call::decode("input.text", &[]).unwrap_err().code, ErrorCode::InvalidArgument);
    }

    #[test]
    fn a_summary_never_shows_what_was_typed() {
        let secret = "hunter2";
        let calls = [
            Call::InputText(TextInput { text: secret.into(), interval_ms: 0 }),
            Call::InputKey(KeyEvent { action: Press::Down, keysym: secret.into(), modifiers: vec![] }),
            Call::ClipboardWrite(ClipboardContents {
                entries: vec![ClipboardEntry { mime_type: "text/plain".into(), data: secret.into() }],
            }),
        ];
        for call in calls {
            assert!(!call.summary().contains(secret), "{}", call.summary());
        }
    }
}
