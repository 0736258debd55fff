//! The table of methods: typed structs, so that a program of either version and of either side reads the same value.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::codec::Codec;
use super::elements::{TreeParams, UiActionParams};
use super::error::{Error, ErrorCode, Result};
use super::files::{
    DirectoryParams, FileData, FileEntry, FileMoveParams, FileParams, FileReadParams, FileWriteParams, SetstatParams,
};
use super::ocr::{OcrClickParams, OcrClicked, OcrParams, ScreenText};
use super::processes::{
    CommandInput, CommandOutput, CompletedCommand, ExecParams, InputTaken, OutputParams, Process, ShellParams,
    SignalParams, StartParams, StartedCommand,
};
use super::tree::UiTree;
use super::types::*;
use super::v1;
use super::windows::{App, AppParams, MoveWindowParams, Notification, Window, WindowCloseParams, WindowParams};

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
    type Params: Serialize + DeserializeOwned + v1::Params + Clone + Send + Sync + 'static;
    /// What it gives.
    type Output: Serialize + DeserializeOwned + v1::Output + Send + 'static;

    /// The call of it with these parameters.
    fn call(params: Self::Params) -> Call;
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

                fn call(params: $params) -> Call {
                    Call::$marker(params)
                }
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

            /// Decodes the parameters of a request of version 2.
            ///
            /// # Errors
            /// As [`Codec::decode_call`].
            pub fn decode(method: &str, params: &[u8]) -> Result<Self> {
                Codec::Postcard.decode_call(method, params)
            }

            /// Encodes the parameters for version 2.
            ///
            /// # Errors
            /// As [`encode`](super::encode).
            pub fn encode(&self) -> Result<Vec<u8>> {
                Codec::Postcard.encode_params(self)
            }

            pub(super) fn read(codec: Codec, method: &str, params: &[u8]) -> Result<Self> {
                match method {
                    $($name => codec.read_params::<$marker>(params).map(Self::$marker),)*
                    other => Err(Error::new(
                        ErrorCode::CapabilityUnsupported,
                        format!("this host has no method called {other}"),
                    )),
                }
            }

            pub(super) fn write(&self, codec: Codec) -> Result<Vec<u8>> {
                match self { $(Self::$marker(params) => codec.params::<$marker>(params),)* }
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
    DisplaySubscribe = "display.subscribe", Stream, SubscribeParams => ScreenUpdate;
    /// `display.cursor_position`: where the mouse pointer is.
    DisplayCursorPosition = "display.cursor_position", Observation, () => Point;
    /// `input.pointer`: one mouse event.
    InputPointer = "input.pointer", Action, PointerEvent => Effect;
    /// `input.key`: one key event.
    InputKey = "input.key", Action, KeyEvent => Effect;
    /// `input.text`: typed text.
    InputText = "input.text", Action, TextInput => Effect;
    /// `input.subscribe`: what a person does at the machine.
    InputSubscribe = "input.subscribe", Stream, () => InputEvent;
    /// `windows.list`: the windows, the one on top first.
    WindowsList = "windows.list", Observation, () => Vec<Window>;
    /// `windows.focused`: the window that has the keyboard, if one has.
    WindowsFocused = "windows.focused", Observation, () => Option<Window>;
    /// `windows.focus`: gives a window the keyboard.
    WindowsFocus = "windows.focus", Action, WindowParams => Effect;
    /// `windows.move`: moves and resizes a window.
    WindowsMove = "windows.move", Action, MoveWindowParams => Effect;
    /// `windows.close`: asks a window to close.
    WindowsClose = "windows.close", Action, WindowCloseParams => Effect;
    /// `apps.list`: the names of the applications that run.
    AppsList = "apps.list", Observation, () => Vec<String>;
    /// `apps.installed`: the applications that can be opened.
    AppsInstalled = "apps.installed", Observation, () => Vec<App>;
    /// `apps.open`: starts an application.
    AppsOpen = "apps.open", Action, AppParams => Effect;
    /// `apps.close`: ends an application.
    AppsClose = "apps.close", Action, AppParams => Effect;
    /// `apps.focus`: gives a window of an application the keyboard.
    AppsFocus = "apps.focus", Action, AppParams => Effect;
    /// `ui.tree`: the accessibility tree.
    UiTreeRead = "ui.tree", Observation, TreeParams => UiTree;
    /// `ui.action`: does something to an element of the accessibility tree.
    UiAction = "ui.action", Action, UiActionParams => Effect;
    /// `clipboard.read`: what the clipboard holds.
    ClipboardRead = "clipboard.read", Observation, () => ClipboardContents;
    /// `clipboard.write`: replaces what the clipboard holds.
    ClipboardWrite = "clipboard.write", Action, ClipboardContents => Effect;
    /// `fs.read`: a file or a part of it.
    FsRead = "fs.read", Observation, FileReadParams => FileData;
    /// `fs.write`: writes a file or a part of it.
    FsWrite = "fs.write", Action, FileWriteParams => ();
    /// `fs.list`: what a folder contains.
    FsList = "fs.list", Observation, FileParams => Vec<FileEntry>;
    /// `fs.stat`: what is known of a file or folder.
    FsStat = "fs.stat", Observation, FileParams => FileEntry;
    /// `fs.delete`: deletes a file, or a folder with all that it contains.
    FsDelete = "fs.delete", Action, FileParams => ();
    /// `fs.move`: moves or renames a file or folder.
    FsMove = "fs.move", Action, FileMoveParams => ();
    /// `fs.mkdir`: makes a folder.
    FsMkdir = "fs.mkdir", Action, DirectoryParams => ();
    /// `fs.setstat`: sets the permissions and the time of a file or folder.
    FsSetstat = "fs.setstat", Action, SetstatParams => ();
    /// `process.list`: the processes that run.
    ProcessList = "process.list", Observation, () => Vec<Process>;
    /// `process.shell`: has the host's shell carry out a command.
    ProcessShell = "process.shell", Action, ShellParams => CompletedCommand;
    /// `process.exec`: runs a program.
    ProcessExec = "process.exec", Action, ExecParams => CompletedCommand;
    /// `process.start`: starts a program whose output is read while it runs. It ends with the session.
    ProcessStart = "process.start", Action, StartParams => StartedCommand;
    /// `process.output`: what a started program writes, up to its end. Whoever reads slowly holds it up, and whoever stops
    /// reading ends it.
    ProcessOutput = "process.output", Stream, OutputParams => CommandOutput;
    /// `process.write`: gives a started program something to read. It is answered when all of it has been taken.
    ProcessWrite = "process.write", Action, CommandInput => InputTaken;
    /// `process.signal`: interrupts or ends a started program.
    ProcessSignal = "process.signal", Action, SignalParams => Effect;
    /// `ocr.read`: reads the text that is on the screen.
    OcrRead = "ocr.read", Observation, OcrParams => ScreenText;
    /// `ocr.click`: finds a text on the screen and clicks on it.
    OcrClick = "ocr.click", Action, OcrClickParams => OcrClicked;
    /// `power.lock`: locks the screen.
    PowerLock = "power.lock", Action, () => Effect;
    /// `notifications.list`: the notifications that are shown.
    NotificationsList = "notifications.list", Observation, () => Vec<Notification>;
}

/// The capability that a host lacks when it cannot carry this method out (docs/PROTOCOL.md, "Capabilities").
#[must_use]
pub fn capability(method: &str) -> &'static str {
    match method.split_once('.') {
        Some(("display", "subscribe")) => "display.stream",
        Some(("display", "cursor_position") | ("input", "pointer" | "subscribe")) => "input.pointer",
        Some(("input", "key")) => "input.keyboard",
        Some(("input", "text")) => "input.text",
        Some(("windows", "list" | "focused")) => "windows.list",
        Some(("windows", _)) => "windows.manipulate",
        Some(("apps", _)) => "app.lifecycle",
        Some(("ui", "action")) => "ui.actions",
        Some(("ui", _)) => "ui.tree",
        Some(("clipboard", "write")) => "clipboard.write",
        Some(("clipboard", _)) => "clipboard.read",
        Some(("fs", "read" | "list" | "stat")) => "fs.read",
        Some(("fs", _)) => "fs.write",
        Some(("process", "list")) => "process.list",
        Some(("process", "shell")) => "process.shell",
        Some(("process", "start" | "output" | "write" | "signal")) => "process.stream",
        Some(("process", _)) => "process.spawn",
        Some(("ocr", _)) => "ocr",
        Some(("power", _)) => "power.lock",
        Some(("notifications", _)) => "notifications.list",
        _ => "display.capture",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_method_has_one_name_and_a_kind() {
        for name in Call::NAMES {
            assert_eq!(Call::NAMES.iter().filter(|other| *other == name).count(), 1, "{name}");
            assert!(Call::kind_of(name).is_some(), "{name}");
        }
        assert_eq!(Call::NAMES.len(), 43, "what version 1 has, and eight more");
        assert_eq!(Call::kind_of("fs.read"), Some(Kind::Observation));
        assert_eq!(Call::kind_of("process.exec"), Some(Kind::Action));
        assert_eq!(Call::kind_of("input.subscribe"), Some(Kind::Stream));
        assert_eq!(Call::kind_of("process.start"), Some(Kind::Action));
        assert_eq!(Call::kind_of("input.mind"), None);
    }
}
