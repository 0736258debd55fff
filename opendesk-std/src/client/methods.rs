//! A typed method for each method of the API. What they have in common is written at [`Client`].

use core::result::Result;
use core::time::Duration;

use super::{CALL, Client, ClientError, Subscription};
use crate::api::*;

/// Credit of a stream of pictures: the next one is on its way while one is looked at.
const WATCH_CREDIT: u32 = 256 * 1024;

/// Credit of a stream of small items.
const EVENTS_CREDIT: u32 = 64 * 1024;

/// The host itself.
impl Client {
    /// What the host can do.
    ///
    /// # Errors
    /// See [`Client`].
    pub async fn capabilities(&self) -> Result<Manifest, ClientError> {
        self.call::<SystemCapabilities>(&()).await
    }

    /// What the host is.
    ///
    /// # Errors
    /// See [`Client`].
    pub async fn environment(&self) -> Result<Environment, ClientError> {
        self.call::<SystemEnvironment>(&()).await
    }

    /// Locks the session of the person at the host.
    ///
    /// # Errors
    /// See [`Client`].
    pub async fn lock(&self) -> Result<Effect, ClientError> {
        self.call::<PowerLock>(&()).await
    }

    /// The notifications that the host shows, the newest first.
    ///
    /// # Errors
    /// See [`Client`].
    pub async fn notifications(&self) -> Result<Vec<Notification>, ClientError> {
        self.call::<NotificationsList>(&()).await
    }
}

/// What the host shows.
impl Client {
    /// The host's displays, the primary one first.
    ///
    /// # Errors
    /// See [`Client`].
    pub async fn displays(&self) -> Result<Vec<Display>, ClientError> {
        self.call::<DisplayDisplays>(&()).await
    }

    /// A picture of the host's desktop.
    ///
    /// # Errors
    /// See [`Client`].
    pub async fn capture(&self, params: &CaptureParams) -> Result<Picture, ClientError> {
        self.call::<DisplayCapture>(params).await
    }

    /// Pictures of the host's desktop, one whenever what it shows has changed. Whoever reads slowly gets fewer of them.
    ///
    /// # Errors
    /// See [`Client`].
    pub async fn watch(&self, params: &SubscribeParams) -> Result<Subscription<DisplaySubscribe>, ClientError> {
        self.subscribe::<DisplaySubscribe>(params, WATCH_CREDIT).await
    }

    /// The text that is in a picture of the host's desktop.
    ///
    /// # Errors
    /// See [`Client`].
    pub async fn read_text(&self, params: &OcrParams) -> Result<ScreenText, ClientError> {
        self.call::<OcrRead>(params).await
    }

    /// Finds a text on the host's desktop and clicks on it.
    ///
    /// # Errors
    /// See [`Client`].
    pub async fn click_text(&self, params: &OcrClickParams) -> Result<OcrClicked, ClientError> {
        self.call::<OcrClick>(params).await
    }

    /// The accessibility tree.
    ///
    /// # Errors
    /// See [`Client`].
    pub async fn ui_tree(&self, params: &TreeParams) -> Result<UiTree, ClientError> {
        self.call::<UiTreeRead>(params).await
    }

    /// Does something to an element of the accessibility tree.
    ///
    /// # Errors
    /// See [`Client`].
    pub async fn ui_action(&self, params: &UiActionParams) -> Result<Effect, ClientError> {
        self.call::<UiAction>(params).await
    }
}

/// Mouse, keyboard, clipboard.
impl Client {
    /// Where the host's mouse pointer is.
    ///
    /// # Errors
    /// See [`Client`].
    pub async fn cursor_position(&self) -> Result<Point, ClientError> {
        self.call::<DisplayCursorPosition>(&()).await
    }

    /// One mouse event.
    ///
    /// # Errors
    /// See [`Client`].
    pub async fn pointer(&self, event: &PointerEvent) -> Result<Effect, ClientError> {
        self.call::<InputPointer>(event).await
    }

    /// One keyboard event.
    ///
    /// # Errors
    /// See [`Client`].
    pub async fn key(&self, event: &KeyEvent) -> Result<Effect, ClientError> {
        self.call::<InputKey>(event).await
    }

    /// Types text, within [`CALL`] and the pauses that were asked for.
    ///
    /// # Errors
    /// See [`Client`].
    pub async fn text(&self, input: &TextInput) -> Result<Effect, ClientError> {
        self.call_within::<InputText>(input, CALL.saturating_add(input.pauses())).await
    }

    /// What the person at the host does with mouse and keyboard, from a host that tells: none of ours does.
    ///
    /// # Errors
    /// See [`Client`].
    pub async fn watch_input(&self) -> Result<Subscription<InputSubscribe>, ClientError> {
        self.subscribe::<InputSubscribe>(&(), EVENTS_CREDIT).await
    }

    /// What the host's clipboard holds.
    ///
    /// # Errors
    /// See [`Client`].
    pub async fn clipboard_read(&self) -> Result<ClipboardContents, ClientError> {
        self.call::<ClipboardRead>(&()).await
    }

    /// Replaces what the host's clipboard holds.
    ///
    /// # Errors
    /// See [`Client`].
    pub async fn clipboard_write(&self, contents: &ClipboardContents) -> Result<Effect, ClientError> {
        self.call::<ClipboardWrite>(contents).await
    }
}

/// Windows and applications.
impl Client {
    /// The host's windows, the one in front first.
    ///
    /// # Errors
    /// See [`Client`].
    pub async fn windows(&self) -> Result<Vec<Window>, ClientError> {
        self.call::<WindowsList>(&()).await
    }

    /// The window that has the keyboard, if one has.
    ///
    /// # Errors
    /// See [`Client`].
    pub async fn focused_window(&self) -> Result<Option<Window>, ClientError> {
        self.call::<WindowsFocused>(&()).await
    }

    /// Brings a window, named by its [`Window::id`], to the front and gives it the keyboard.
    ///
    /// # Errors
    /// See [`Client`].
    pub async fn focus_window(&self, id: &str) -> Result<Effect, ClientError> {
        self.call::<WindowsFocus>(&WindowParams { window_id: id.to_owned() }).await
    }

    /// Gives a window this place and size, in logical pixels.
    ///
    /// # Errors
    /// See [`Client`].
    pub async fn move_window(&self, id: &str, bounds: Rect) -> Result<Effect, ClientError> {
        self.call::<WindowsMove>(&MoveWindowParams { window_id: id.to_owned(), bounds }).await
    }

    /// Asks a window to close. With `force` the process that it belongs to is ended if it does not.
    ///
    /// # Errors
    /// See [`Client`].
    pub async fn close_window(&self, id: &str, force: bool) -> Result<Effect, ClientError> {
        self.call::<WindowsClose>(&WindowCloseParams { window_id: id.to_owned(), force }).await
    }

    /// The names of the applications that run.
    ///
    /// # Errors
    /// See [`Client`].
    pub async fn apps(&self) -> Result<Vec<String>, ClientError> {
        self.call::<AppsList>(&()).await
    }

    /// The applications that can be opened.
    ///
    /// # Errors
    /// See [`Client`].
    pub async fn installed_apps(&self) -> Result<Vec<App>, ClientError> {
        self.call::<AppsInstalled>(&()).await
    }

    /// Starts an application, or brings it to the front if it is running.
    ///
    /// # Errors
    /// See [`Client`].
    pub async fn open_app(&self, name: &str) -> Result<Effect, ClientError> {
        self.call::<AppsOpen>(&AppParams { name: name.to_owned() }).await
    }

    /// Ends a running application.
    ///
    /// # Errors
    /// See [`Client`].
    pub async fn close_app(&self, name: &str) -> Result<Effect, ClientError> {
        self.call::<AppsClose>(&AppParams { name: name.to_owned() }).await
    }

    /// Brings a running application to the front and gives it the keyboard.
    ///
    /// # Errors
    /// See [`Client`].
    pub async fn focus_app(&self, name: &str) -> Result<Effect, ClientError> {
        self.call::<AppsFocus>(&AppParams { name: name.to_owned() }).await
    }
}

/// Files. A path is the host's own; `~` is its user's home.
impl Client {
    /// A file or a part of it, at most 16 MiB at a time.
    ///
    /// # Errors
    /// See [`Client`].
    pub async fn read_file(&self, params: &FileReadParams) -> Result<FileData, ClientError> {
        self.call::<FsRead>(params).await
    }

    /// Writes a file or a part of it.
    ///
    /// # Errors
    /// See [`Client`].
    pub async fn write_file(&self, params: &FileWriteParams) -> Result<(), ClientError> {
        self.call::<FsWrite>(params).await
    }

    /// What a folder contains.
    ///
    /// # Errors
    /// See [`Client`].
    pub async fn list_folder(&self, path: &str) -> Result<Vec<FileEntry>, ClientError> {
        self.call::<FsList>(&FileParams { path: path.to_owned() }).await
    }

    /// What is known of a file or folder.
    ///
    /// # Errors
    /// See [`Client`].
    pub async fn stat(&self, path: &str) -> Result<FileEntry, ClientError> {
        self.call::<FsStat>(&FileParams { path: path.to_owned() }).await
    }

    /// Deletes a file, or a folder with all that it contains.
    ///
    /// # Errors
    /// See [`Client`].
    pub async fn delete(&self, path: &str) -> Result<(), ClientError> {
        self.call::<FsDelete>(&FileParams { path: path.to_owned() }).await
    }

    /// Moves or renames a file or folder.
    ///
    /// # Errors
    /// See [`Client`].
    pub async fn rename(&self, from: &str, to: &str) -> Result<(), ClientError> {
        self.call::<FsMove>(&FileMoveParams { src: from.to_owned(), dst: to.to_owned() }).await
    }

    /// Makes a folder, with `parents` those that it lies in as well.
    ///
    /// # Errors
    /// See [`Client`].
    pub async fn make_folder(&self, path: &str, parents: bool) -> Result<(), ClientError> {
        self.call::<FsMkdir>(&DirectoryParams { path: path.to_owned(), parents }).await
    }

    /// Sets the permissions and the time of a file or folder.
    ///
    /// # Errors
    /// See [`Client`].
    pub async fn set_stat(&self, params: &SetstatParams) -> Result<(), ClientError> {
        self.call::<FsSetstat>(params).await
    }
}

/// Programs.
impl Client {
    /// The processes that run.
    ///
    /// # Errors
    /// See [`Client`].
    pub async fn processes(&self) -> Result<Vec<Process>, ClientError> {
        self.call::<ProcessList>(&()).await
    }

    /// Has the host's shell carry out a command, within [`CALL`] and the time that it was given.
    ///
    /// # Errors
    /// See [`Client`].
    pub async fn shell(&self, params: &ShellParams) -> Result<CompletedCommand, ClientError> {
        self.call_within::<ProcessShell>(params, with(params.timeout)).await
    }

    /// Runs a program, within [`CALL`] and the time that it was given.
    ///
    /// # Errors
    /// See [`Client`].
    pub async fn exec(&self, params: &ExecParams) -> Result<CompletedCommand, ClientError> {
        self.call_within::<ProcessExec>(params, with(params.timeout)).await
    }

    /// Starts a program whose output is read while it runs. It ends with the session.
    ///
    /// # Errors
    /// See [`Client`].
    pub async fn start_command(&self, params: &StartParams) -> Result<StartedCommand, ClientError> {
        self.call::<ProcessStart>(params).await
    }

    /// What a started program writes, up to its end. Whoever reads slowly holds it up, and dropping this ends it.
    ///
    /// # Errors
    /// See [`Client`].
    pub async fn command_output(&self, id: CommandId) -> Result<Subscription<ProcessOutput>, ClientError> {
        self.subscribe::<ProcessOutput>(&OutputParams { id }, OUTPUT_CREDIT).await
    }

    /// Gives a started program something to read, and waits until it has taken all of it.
    ///
    /// # Errors
    /// See [`Client`].
    pub async fn command_input(&self, input: &CommandInput) -> Result<InputTaken, ClientError> {
        self.call::<ProcessWrite>(input).await
    }

    /// Interrupts or ends a started program.
    ///
    /// # Errors
    /// See [`Client`].
    pub async fn signal_command(&self, id: CommandId, signal: CommandSignal) -> Result<Effect, ClientError> {
        self.call::<ProcessSignal>(&SignalParams { id, signal }).await
    }
}

/// Credit of a command's output: some parts of it are on their way while one is looked at.
const OUTPUT_CREDIT: u32 = 1024 * 1024;

/// How long a call may take that runs a command of this many seconds.
fn with(timeout: Option<f64>) -> Duration {
    // What is no time is refused by the host.
    let asked_for = timeout.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).unwrap_or_default();
    CALL.saturating_add(asked_for)
}
