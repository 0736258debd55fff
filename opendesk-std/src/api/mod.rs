//! Every method of a host, once: its name, parameters, result, and whether it only looks or also acts.

mod codec;
mod elements;
mod error;
mod few;
mod files;
mod greeting;
mod method;
mod ocr;
mod processes;
mod summary;
mod tree;
mod types;
pub mod v1;
mod windows;

pub use codec::{Codec, decode, encode};
pub use elements::{ElementTarget, TreeParams, UiActionParams, UiElement};
pub use error::{Error, ErrorCode, Result};
pub use few::WORDS;
pub use files::{
    DirectoryParams, FileData, FileEntry, FileMoveParams, FileParams, FileReadParams, FileWriteParams, SetstatParams,
};
pub use greeting::{ControllerGreeting, HostGreeting, RefusalInfo};
pub use method::*;
pub use ocr::{OcrClickParams, OcrClicked, OcrParams, OcrWord, ScreenText};
pub use processes::{
    CommandEnd, CommandId, CommandInput, CommandOutput, CommandSignal, CompletedCommand, ExecParams, InputTaken,
    OutputParams, Process, ShellParams, SignalParams, StartParams, StartedCommand,
};
pub(crate) use tree::MAX_NODES;
pub use tree::{UiNode, UiTree};
pub use types::*;
#[cfg(target_os = "linux")]
pub(crate) use windows::EVERYWHERE;
pub(crate) use windows::in_front;
#[cfg(target_os = "linux")]
pub(crate) use windows::window_number;
pub use windows::{App, AppParams, MoveWindowParams, Notification, Window, WindowCloseParams, WindowParams};
