//! The values that are maps of just their fields.

use super::form::{Form, Read, field, records, words};
use super::value::{Fault, Fields, Value};
use crate::api::{
    App, Button, ClipboardContents, ClipboardEntry, CommandEnd, CommandId, CommandOutput, CommandSignal,
    CompletedCommand, Display, Effect, Environment, FileEntry, InputTaken, Modifier, Notification, OcrClicked,
    OcrParams, OcrWord, PictureFormat, Point, PointerAction, Press, Process, Rect, ScreenText, StartedCommand,
    TextInput, Window,
};

records! {
    Point { x, y }
    Rect { x, y, width, height }
    Display { id, bounds, scale_factor = 1.0, primary = false, name = None }
    Window {
        id, title, app_name, pid = None, bounds = None, focused = false, minimized = false, workspace = None,
    }
    Process { pid, name, ppid = None, cmdline = Vec::new() }
    TextInput { text, interval_ms = 20 }
    ClipboardEntry { mime_type, data }
    // Version 1 has no word for a symbolic link, and its entries take no other fields.
    FileEntry { path, name, is_dir, size = 0, mtime = None, mode = None; ..Self::default() }
    CompletedCommand { returncode, stdout, stderr, duration = 0.0; ..Self::default() }
    StartedCommand { id }
    CommandOutput { stdout, stderr, ended = None }
    CommandEnd { returncode, timed_out = false, duration = 0.0 }
    InputTaken { open }
    Environment {
        os,
        os_version = String::new(),
        hostname = String::new(),
        locale = String::new(),
        timezone = String::new(),
        displays = Vec::new(),
    }
    App { id, name, running = false }
    OcrParams { display_id = None, region = None, window_id = None, language = None }
    OcrWord { text, bounds, confidence = 0.0, line = 0 }
    ScreenText { area, words = Vec::new() }
    OcrClicked { point, bounds, text, effect = Effect::Unverifiable }
    Notification { id, title, body = String::new(), app = None, timestamp = 0.0 }
}

words! {
    Button { Left = "left", Right = "right", Middle = "middle", X1 = "x1", X2 = "x2" }
    Modifier {
        Shift = "shift", Ctrl = "ctrl", Alt = "alt", Meta = "meta", Fn = "fn", CapsLock = "caps_lock",
    }
    PointerAction { Move = "move", Down = "down", Up = "up", Scroll = "scroll" }
    Press { Down = "down", Up = "up" }
    CommandSignal { Interrupt = "interrupt", Terminate = "terminate", Kill = "kill" }
    PictureFormat { Png = "png", RawRgba = "raw_rgba", Jpeg = "jpeg", RawRgb = "raw_rgb", Webp = "webp" }
    Effect { Confirmed = "confirmed", Unverifiable = "unverifiable", NoEffect = "no_effect" }
}

impl Form for CommandId {
    fn from_value(value: Value<'_>) -> Read<Self> {
        u64::from_value(value).map(Self)
    }

    fn to_value(&self) -> Value<'_> {
        self.0.to_value()
    }
}

impl Form for ClipboardContents {
    fn from_value(value: Value<'_>) -> Read<Self> {
        let mut fields = Fields::of(value)?;
        let entries: Vec<ClipboardEntry> = fields.or("entries", Vec::new())?;
        fields.end()?;
        if entries.len() > 16 {
            return Err(Fault::new("must have at most 16 entries").within("entries"));
        }
        Ok(Self { entries })
    }

    fn to_value(&self) -> Value<'_> {
        Value::map([("entries", self.entries.to_value())])
    }
}
