//! What a call would do, said to the person who decides about it: every argument, whole.

use core::fmt::Display;

use serde::Serialize;

use super::Question;
use super::sheet::Sheet;
use crate::api::{
    AppParams, Call, CaptureParams, ClipboardContents, ClipboardEntry, CommandId, CommandInput, CommandSignal,
    DirectoryParams, ElementTarget, ExecParams, FileMoveParams, FileParams, FileReadParams, FileWriteParams, KeyEvent,
    Modifier, MoveWindowParams, OcrClickParams, OcrParams, OutputParams, Point, PointerAction, PointerEvent, Press,
    Rect, SetstatParams, ShellParams, SignalParams, StartParams, SubscribeParams, TextInput, TreeParams,
    UiActionParams, WindowCloseParams, WindowParams,
};
use crate::home::printable;

impl Question {
    /// The question as a person reads it: who asks, for what, and why they are asked. It holds no control characters but
    /// line breaks.
    #[must_use]
    pub fn text(&self) -> String {
        let Self { number: _, peer, fingerprint, method, what, why, asked_at: _, within } = self;
        let mut sheet = Sheet::default();
        sheet.line("A controller asks whether it may act on this machine.");
        sheet.quote("controller", peer);
        sheet.quote("its key", fingerprint);
        sheet.quote("why you are asked", why);
        sheet.quote("method", method);
        sheet.line("");
        for line in what.lines() {
            sheet.line(printable(line));
        }
        sheet.line("");
        sheet.line(format_args!("No answer within {within} seconds is a no."));
        sheet.finish()
    }
}

/// All that a call would do, in several lines. What the controller gave stands between quotation marks, with everything
/// in it that is not seen or that misleads as an escape. Of the contents of files and of a clipboard without text, the
/// size is told.
#[must_use]
pub fn describe(call: &Call) -> String {
    let mut sheet = Sheet::default();
    match call {
        Call::SystemCapabilities(()) => sheet.line("Tell what this machine can do."),
        Call::SystemEnvironment(()) => sheet.line("Tell its name, system, displays, language and time zone."),
        Call::DisplayDisplays(()) => sheet.line("Tell which displays there are."),
        Call::DisplayCapture(params) => {
            sheet.line("Take a picture of the screen.");
            capture(&mut sheet, params);
        }
        Call::DisplaySubscribe(SubscribeParams { capture: params, fps }) => {
            sheet.line("Send pictures of the screen, again and again.");
            capture(&mut sheet, params);
            sheet.fact("pictures a second", format_args!("{fps} at most"));
        }
        Call::DisplayCursorPosition(()) => sheet.line("Tell where the mouse pointer is."),
        Call::InputPointer(event) => pointer(&mut sheet, event),
        Call::InputKey(KeyEvent { action, keysym, modifiers }) => {
            sheet.line(match action {
                Press::Down => "Press a key and keep it down.",
                Press::Up => "Let a key come up.",
            });
            sheet.quote("key", keysym);
            held(&mut sheet, modifiers);
        }
        Call::InputText(TextInput { text, interval_ms }) => {
            sheet.line("Type a text; a line break in it presses Return.");
            sheet.quote("text", text);
            unless_zero(&mut sheet, "pause after each character, in milliseconds", *interval_ms);
        }
        Call::InputSubscribe(()) => sheet.line("Tell all that is typed and clicked at this machine, again and again."),
        Call::WindowsList(()) => sheet.line("List the windows."),
        Call::WindowsFocused(()) => sheet.line("Tell which window has the keyboard."),
        Call::WindowsFocus(WindowParams { window_id }) => {
            sheet.line("Give a window the keyboard.");
            sheet.quote("window", window_id);
        }
        Call::WindowsMove(MoveWindowParams { window_id, bounds }) => {
            sheet.line("Move and resize a window.");
            sheet.quote("window", window_id);
            sheet.fact("new place", area(bounds));
        }
        Call::WindowsClose(WindowCloseParams { window_id, force }) => {
            sheet.line("Close a window.");
            sheet.quote("window", window_id);
            sheet.fact("end its program if it stays", yes_or_no(*force));
        }
        Call::AppsList(()) => sheet.line("List the applications that run."),
        Call::AppsInstalled(()) => sheet.line("List the applications that can be opened."),
        Call::AppsOpen(params) => application(&mut sheet, "Open an application.", params),
        Call::AppsClose(params) => application(&mut sheet, "End an application.", params),
        Call::AppsFocus(params) => application(&mut sheet, "Give an application the keyboard.", params),
        Call::UiTreeRead(TreeParams { window_id, app, max_depth, max_nodes }) => {
            sheet.line("Read what windows show: their elements and texts.");
            sheet.quote_if("window", window_id.as_ref());
            sheet.quote_if("application", app.as_ref());
            sheet.fact("depth", format_args!("{max_depth} at most"));
            sheet.fact("elements", format_args!("{max_nodes} at most"));
        }
        Call::UiAction(params) => element(&mut sheet, params),
        Call::ClipboardRead(()) => sheet.line("Read the clipboard."),
        Call::ClipboardWrite(contents) => clipboard(&mut sheet, contents),
        Call::FsRead(FileReadParams { path, offset, length }) => {
            sheet.line("Read a file.");
            sheet.quote("file", path);
            unless_zero(&mut sheet, "bytes to skip", *offset);
            if let Some(length) = length {
                sheet.fact("bytes", format_args!("{length} at most"));
            }
        }
        Call::FsWrite(FileWriteParams { path, data, offset }) => {
            sheet.line(match offset {
                None => "Write a file, in place of what it contains.",
                Some(_) => "Write a part of a file.",
            });
            sheet.quote("file", path);
            sheet.fact("bytes to write", data.len());
            if let Some(offset) = offset {
                sheet.fact("first byte to write", offset);
            }
        }
        Call::FsList(params) => file(&mut sheet, "List what a folder contains.", "folder", params),
        Call::FsStat(params) => file(&mut sheet, "Tell what is known of a file or folder.", "path", params),
        Call::FsDelete(params) => {
            file(&mut sheet, "Delete a file, or a folder with all that it contains.", "path", params);
        }
        Call::FsMove(FileMoveParams { src, dst }) => {
            sheet.line("Move or rename a file or folder.");
            sheet.quote("from", src);
            sheet.quote("to", dst);
        }
        Call::FsMkdir(DirectoryParams { path, parents }) => {
            sheet.line("Make a folder.");
            sheet.quote("folder", path);
            sheet.fact("make the folders above it too", yes_or_no(*parents));
        }
        Call::FsSetstat(SetstatParams { path, mode, mtime }) => {
            sheet.line("Set the permissions or the time of a file or folder.");
            sheet.quote("path", path);
            if let Some(mode) = mode {
                sheet.fact("permissions", format_args!("{mode:o}"));
            }
            if let Some(mtime) = mtime {
                sheet.fact("time, in seconds since 1970", mtime);
            }
        }
        Call::ProcessList(()) => sheet.line("List the processes that run, with their arguments."),
        Call::ProcessShell(ShellParams { command, timeout, cwd, env, partial: _ }) => {
            sheet.line("Have the shell carry out a command.");
            sheet.quote("command", command);
            surroundings(&mut sheet, *timeout, cwd.as_ref(), env);
        }
        Call::ProcessExec(ExecParams { argv, timeout, cwd, env, stdin, partial: _ }) => {
            sheet.line("Run a program.");
            sheet.list("program and arguments", argv.iter());
            surroundings(&mut sheet, *timeout, cwd.as_ref(), env);
            if let Some(stdin) = stdin {
                sheet.quote("standard input", stdin);
            }
        }
        Call::ProcessStart(StartParams { argv, timeout, cwd, env, stdin }) => {
            sheet.line("Run a program, and send what it writes while it runs.");
            sheet.list("program and arguments", argv.iter());
            surroundings(&mut sheet, *timeout, cwd.as_ref(), env);
            sheet.fact("it reads what the controller sends later", yes_or_no(*stdin));
        }
        Call::ProcessOutput(OutputParams { id: CommandId(id) }) => {
            sheet.line("Send what a program writes that it has started.");
            sheet.fact("command", id);
        }
        Call::ProcessWrite(CommandInput { id: CommandId(id), data, eof }) => {
            sheet.line("Give a program that it has started something to read.");
            sheet.fact("command", id);
            sheet.quote("standard input", data);
            sheet.fact("that is all", yes_or_no(*eof));
        }
        Call::ProcessSignal(SignalParams { id: CommandId(id), signal }) => {
            sheet.line(match signal {
                CommandSignal::Interrupt => "Interrupt a program that it has started.",
                CommandSignal::Terminate => "Ask a program that it has started to end.",
                CommandSignal::Kill => "End a program that it has started.",
            });
            sheet.fact("command", id);
            sheet.fact("signal", word(signal));
        }
        Call::OcrRead(params) => {
            sheet.line("Read the text on the screen.");
            reading(&mut sheet, params);
        }
        Call::OcrClick(OcrClickParams { text, occurrence, button, clicks, modifiers, within }) => {
            sheet.line("Look for a text on the screen and click on it.");
            sheet.quote("text", text);
            sheet.fact("which of several, counted from 0", occurrence);
            sheet.fact("button", button.as_ref().map_or_else(|| "left".to_owned(), word));
            sheet.fact("clicks", clicks);
            held(&mut sheet, modifiers);
            reading(&mut sheet, within);
        }
        Call::PowerLock(()) => sheet.line("Lock the screen."),
        Call::NotificationsList(()) => sheet.line("Read the notifications."),
    }
    sheet.finish()
}

fn capture(sheet: &mut Sheet, params: &CaptureParams) {
    let CaptureParams { display_id, region, window_id, profile, format, cursor, max_bytes, unless_shot } = params;
    place(sheet, display_id.as_ref(), *region, window_id.as_ref());
    sheet.fact("size", word(profile));
    sheet.fact("format", word(format));
    sheet.fact("with the mouse pointer", yes_or_no(*cursor));
    if let Some(bytes) = max_bytes {
        sheet.fact("bytes", format_args!("{bytes} at most"));
    }
    if let Some(shot) = unless_shot {
        sheet.fact("only if it has changed since picture", shot);
    }
}

fn reading(sheet: &mut Sheet, params: &OcrParams) {
    let OcrParams { display_id, region, window_id, language } = params;
    place(sheet, display_id.as_ref(), *region, window_id.as_ref());
    sheet.quote_if("language", language.as_ref());
}

fn place(sheet: &mut Sheet, display: Option<&String>, region: Option<Rect>, window: Option<&String>) {
    sheet.quote_if("display", display);
    if let Some(region) = region {
        sheet.fact("region", area(&region));
    }
    sheet.quote_if("window", window);
}

fn pointer(sheet: &mut Sheet, event: &PointerEvent) {
    let PointerEvent { action, point: Point { x, y }, button, modifiers, dx, dy } = event;
    sheet.line(match action {
        PointerAction::Move => "Move the mouse.",
        PointerAction::Down => "Press a mouse button and keep it down.",
        PointerAction::Up => "Let a mouse button come up.",
        PointerAction::Scroll => "Turn the mouse wheel.",
    });
    sheet.fact("place", format_args!("{x},{y}"));
    let uses_button = matches!(action, PointerAction::Down | PointerAction::Up);
    if uses_button || button.is_some() {
        sheet.fact("button", button.as_ref().map_or_else(|| "left".to_owned(), word));
    }
    if matches!(action, PointerAction::Scroll) || *dx != 0.0 || *dy != 0.0 {
        sheet.fact("wheel", format_args!("{dx} to the right, {dy} upwards"));
    }
    held(sheet, modifiers);
}

fn application(sheet: &mut Sheet, what: &str, params: &AppParams) {
    let AppParams { name } = params;
    sheet.line(what);
    sheet.quote("application", name);
}

fn element(sheet: &mut Sheet, params: &UiActionParams) {
    let UiActionParams { target, action, app } = params;
    let ElementTarget { role, name, value, bounds, reference, menu_path, key, modifiers } = target;
    sheet.line("Do something to an element of a window.");
    sheet.quote("what", action);
    sheet.quote_if("application", app.as_ref());
    sheet.quote("kind of element", role);
    sheet.quote("label", name);
    sheet.quote_if("value", value.as_ref());
    if let Some(bounds) = bounds {
        sheet.fact("place", area(bounds));
    }
    sheet.quote_if("reference", reference.as_ref());
    if !menu_path.is_empty() {
        sheet.list("menus", menu_path.iter());
    }
    sheet.quote_if("key", key.as_ref());
    held(sheet, modifiers);
}

fn clipboard(sheet: &mut Sheet, contents: &ClipboardContents) {
    let ClipboardContents { entries } = contents;
    sheet.line(if entries.is_empty() { "Empty the clipboard." } else { "Put something into the clipboard." });
    for ClipboardEntry { mime_type, data } in entries {
        sheet.quote("kind", mime_type);
        if str::from_utf8(data).is_ok() || mime_type.starts_with("text/") {
            sheet.quote("text", data);
        } else {
            sheet.fact("bytes", data.len());
        }
    }
}

fn file(sheet: &mut Sheet, what: &str, name: &str, params: &FileParams) {
    let FileParams { path } = params;
    sheet.line(what);
    sheet.quote(name, path);
}

fn surroundings(sheet: &mut Sheet, timeout: Option<f64>, cwd: Option<&String>, env: &[(String, String)]) {
    sheet.quote_if("folder", cwd);
    if !env.is_empty() {
        sheet.list("variables", env.iter().map(|(name, value)| format!("{name}={value}")));
    }
    if let Some(seconds) = timeout {
        sheet.fact("seconds", format_args!("{seconds} at most"));
    }
}

fn held(sheet: &mut Sheet, modifiers: &[Modifier]) {
    let mut names: Vec<String> = Vec::new();
    for name in modifiers.iter().map(word) {
        // A key that is named again is not held twice.
        if !names.contains(&name) {
            names.push(name);
        }
    }
    if !names.is_empty() {
        sheet.fact("with these keys held", names.join(", "));
    }
}

fn unless_zero<T: Default + PartialEq + Display>(sheet: &mut Sheet, name: &str, value: T) {
    if value != T::default() {
        sheet.fact(name, value);
    }
}

fn area(bounds: &Rect) -> String {
    let Rect { x, y, width, height } = bounds;
    format!("{width}x{height} at {x},{y}")
}

const fn yes_or_no(is_so: bool) -> &'static str {
    if is_so { "yes" } else { "no" }
}

/// A name out of a fixed list, as it is on the wire.
fn word(name: &impl Serialize) -> String {
    serde_json::to_value(name).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

#[cfg(test)]
mod tests;
