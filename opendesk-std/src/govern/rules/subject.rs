//! A call as rules see it: which tool it belongs to, what it does with it, and how much can go wrong.

use core::fmt;
use std::borrow::Cow;

use crate::api::Call;

/// How much can go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Risk {
    /// It only looks.
    Low,
    /// Input and the like.
    Medium,
    /// It runs programs, or deletes.
    High,
}

impl fmt::Display for Risk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Low => "read-only",
            Self::Medium => "normal input",
            Self::High => "of high risk",
        })
    }
}

/// A call of a controller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject<'a> {
    /// The controller's name.
    pub peer: &'a str,
    /// The method.
    pub method: &'a str,
    /// The tool that an agent uses for it.
    pub tool: &'a str,
    /// What the tool does.
    pub action: Option<Cow<'a, str>>,
    /// The application that is meant.
    pub app: Option<&'a str>,
}

/// Tool and action of each method (docs/PROTOCOL.md, section 12, and those of version 1); no action where the parameters
/// say what it is.
const METHODS: [(&str, &str, Option<&str>); 36] = [
    ("system.capabilities", "screenshot", None),
    ("system.environment", "screenshot", None),
    ("display.capture", "screenshot", None),
    ("display.displays", "screenshot", None),
    ("display.subscribe", "screenshot", None),
    ("display.cursor_position", "mouse", Some("cursor_position")),
    ("input.subscribe", "screenshot", None),
    ("input.pointer", "mouse", None),
    ("input.key", "keyboard", Some("press")),
    ("input.text", "keyboard", Some("type")),
    ("windows.list", "app", Some("list")),
    ("windows.focused", "app", Some("list")),
    ("windows.focus", "app", Some("focus")),
    ("windows.move", "app", Some("focus")),
    ("windows.close", "app", Some("close")),
    ("apps.list", "app", Some("list")),
    ("apps.installed", "app", Some("list")),
    ("apps.open", "app", Some("open")),
    ("apps.close", "app", Some("close")),
    ("apps.focus", "app", Some("focus")),
    ("ui.tree", "ui", Some("get_tree")),
    ("ui.action", "ui", None),
    ("clipboard.read", "clipboard", Some("read")),
    ("clipboard.write", "clipboard", Some("write")),
    ("fs.read", "fs", Some("read")),
    ("fs.list", "fs", Some("list")),
    ("fs.stat", "fs", Some("stat")),
    ("fs.write", "fs", Some("write")),
    ("fs.mkdir", "fs", Some("mkdir")),
    ("fs.move", "fs", Some("move")),
    ("fs.delete", "fs", Some("delete")),
    ("ocr.read", "ocr", None),
    ("ocr.click", "mouse", Some("click")),
    ("process.list", "process", Some("list")),
    ("process.shell", "script", Some("shell")),
    ("process.exec", "script", Some("exec")),
];

impl<'a> Subject<'a> {
    /// A call with its parameters.
    #[must_use]
    pub fn of(peer: &'a str, call: &'a Call) -> Self {
        let named = Self::named(peer, call.method());
        match call {
            Call::InputPointer(event) => {
                let action = format!("{:?}", event.action).to_lowercase();
                Self { action: Some(action.into()), ..named }
            }
            Call::UiTreeRead(params) => Self { app: params.app.as_deref(), ..named },
            Call::UiAction(params) => {
                Self { action: Some(params.action.as_str().into()), app: params.app.as_deref(), ..named }
            }
            Call::AppsOpen(app) | Call::AppsClose(app) | Call::AppsFocus(app) => Self { app: Some(&app.name), ..named },
            Call::SystemCapabilities(())
            | Call::SystemEnvironment(())
            | Call::DisplayDisplays(())
            | Call::DisplayCapture(_)
            | Call::DisplaySubscribe(_)
            | Call::DisplayCursorPosition(())
            | Call::InputKey(_)
            | Call::InputText(_)
            | Call::InputSubscribe(())
            | Call::WindowsList(())
            | Call::WindowsFocused(())
            | Call::WindowsFocus(_)
            | Call::WindowsMove(_)
            | Call::WindowsClose(_)
            | Call::AppsList(())
            | Call::AppsInstalled(())
            | Call::OcrRead(_)
            | Call::OcrClick(_)
            | Call::FsRead(_)
            | Call::FsWrite(_)
            | Call::FsList(_)
            | Call::FsStat(_)
            | Call::FsDelete(_)
            | Call::FsMove(_)
            | Call::FsMkdir(_)
            | Call::ProcessList(())
            | Call::ProcessShell(_)
            | Call::ProcessExec(_)
            | Call::PowerLock(())
            | Call::NotificationsList(())
            | Call::ClipboardRead(())
            | Call::ClipboardWrite(_) => named,
        }
    }

    /// A call of which only the method is known. A method that is unknown is a tool of its own.
    #[must_use]
    pub fn named(peer: &'a str, method: &'a str) -> Self {
        let known = METHODS.iter().find(|(name, ..)| *name == method);
        let (tool, action) = known.map_or((method, None), |(_, tool, action)| (*tool, *action));
        Self { peer, method, tool, action: action.map(Cow::Borrowed), app: None }
    }

    /// How much can go wrong.
    #[must_use]
    pub fn risk(&self) -> Risk {
        match (self.tool, self.action.as_deref()) {
            ("script", _) | ("fs", Some("delete")) => Risk::High,
            ("screenshot" | "ocr", _)
            | ("mouse", Some("cursor_position"))
            | ("app" | "process" | "fs", Some("list"))
            | ("ui", Some("get_tree"))
            | ("clipboard" | "fs", Some("read"))
            | ("fs", Some("stat"))
            | ("notifications.list", _) => Risk::Low,
            _ => Risk::Medium,
        }
    }
}

impl fmt::Display for Subject<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.action {
            Some(action) => write!(f, "{} {action}", self.tool),
            None => f.write_str(self.tool),
        }
    }
}
