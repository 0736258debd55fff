//! A call as rules see it: which tool it belongs to, what it does with it, and how much can go wrong.

use core::fmt;
use std::borrow::Cow;

use opendesk_core::PublicKey;
use serde_json::{Map, Value};

use crate::api::{Call, Codec, Error, PointerAction};

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

impl Risk {
    /// As version 1 peers call it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
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
    /// Its key, where that is known. Where it is not, a rule on one key fits unless it allows.
    pub key: Option<PublicKey>,
    /// The method.
    pub method: &'a str,
    /// The tool that an agent uses for it.
    pub tool: &'a str,
    /// What the tool does.
    pub action: Option<Cow<'a, str>>,
    /// The application that is meant.
    pub app: Option<&'a str>,
}

/// What the calls of a method do with its tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// Nothing that has a name of its own.
    Unnamed,
    /// Always this.
    Always(&'static str),
    /// What the event says.
    Pointer,
    /// Whatever the parameters say: what can be done to an element depends on it.
    Any,
}

/// A method as rules see it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    pub(super) method: &'static str,
    pub(super) tool: &'static str,
    pub(super) action: Action,
    /// Whether its parameters can say which application is meant.
    pub(super) names_app: bool,
}

impl Known {
    const fn new(method: &'static str, tool: &'static str, action: Action) -> Self {
        Self { method, tool, action, names_app: false }
    }

    const fn of_app(method: &'static str, tool: &'static str, action: Action) -> Self {
        Self { method, tool, action, names_app: true }
    }

    /// Names that its actions can have; none where every name is one.
    pub(super) fn actions(&self) -> Option<Vec<&'static str>> {
        match self.action {
            Unnamed => Some(Vec::new()),
            Always(action) => Some(vec![action]),
            Pointer => {
                let all = [PointerAction::Move, PointerAction::Down, PointerAction::Up, PointerAction::Scroll];
                Some(all.into_iter().map(pointer).collect())
            }
            Any => None,
        }
    }
}

use Action::{Always, Any, Pointer, Unnamed};

/// Every method (docs/PROTOCOL.md, section 12): tool and action are those that version 1 peers give it, where they have
/// it.
pub(super) const METHODS: [Known; 43] = [
    Known::new("system.capabilities", "screenshot", Unnamed),
    Known::new("system.environment", "screenshot", Unnamed),
    Known::new("display.capture", "screenshot", Unnamed),
    Known::new("display.displays", "screenshot", Unnamed),
    Known::new("display.subscribe", "screenshot", Unnamed),
    Known::new("display.cursor_position", "mouse", Always("cursor_position")),
    Known::new("input.subscribe", "screenshot", Unnamed),
    Known::new("input.pointer", "mouse", Pointer),
    Known::new("input.key", "keyboard", Always("press")),
    Known::new("input.text", "keyboard", Always("type")),
    Known::new("windows.list", "app", Always("list")),
    Known::new("windows.focused", "app", Always("list")),
    Known::new("windows.focus", "app", Always("focus")),
    Known::new("windows.move", "app", Always("focus")),
    Known::new("windows.close", "app", Always("close")),
    Known::new("apps.list", "app", Always("list")),
    Known::new("apps.installed", "app", Always("list")),
    Known::of_app("apps.open", "app", Always("open")),
    Known::of_app("apps.close", "app", Always("close")),
    Known::of_app("apps.focus", "app", Always("focus")),
    Known::of_app("ui.tree", "ui", Always("get_tree")),
    Known::of_app("ui.action", "ui", Any),
    Known::new("clipboard.read", "clipboard", Always("read")),
    Known::new("clipboard.write", "clipboard", Always("write")),
    Known::new("fs.read", "fs", Always("read")),
    Known::new("fs.list", "fs", Always("list")),
    Known::new("fs.stat", "fs", Always("stat")),
    Known::new("fs.write", "fs", Always("write")),
    Known::new("fs.mkdir", "fs", Always("mkdir")),
    Known::new("fs.setstat", "fs", Always("setstat")),
    Known::new("fs.move", "fs", Always("move")),
    Known::new("fs.delete", "fs", Always("delete")),
    Known::new("ocr.read", "ocr", Always("read")),
    Known::new("ocr.click", "mouse", Always("click")),
    Known::new("process.list", "process", Always("list")),
    Known::new("process.shell", "script", Always("shell")),
    Known::new("process.exec", "script", Always("exec")),
    Known::new("process.start", "script", Always("start")),
    Known::new("process.output", "script", Always("output")),
    Known::new("process.write", "script", Always("write")),
    Known::new("process.signal", "script", Always("signal")),
    Known::new("power.lock", "power", Always("lock")),
    Known::new("notifications.list", "notifications", Always("list")),
];

const fn pointer(action: PointerAction) -> &'static str {
    match action {
        PointerAction::Move => "move",
        PointerAction::Down => "down",
        PointerAction::Up => "up",
        PointerAction::Scroll => "scroll",
    }
}

/// A call of which parameters are given as version 1 writes them, in JSON instead of MessagePack.
///
/// # Errors
/// `capability_unsupported` for a method that does not exist, `invalid_argument` for parameters that are not its own.
pub fn call_of(method: &str, parameters: &Map<String, Value>) -> Result<Call, Error> {
    let bytes = rmp_serde::to_vec(parameters)
        .map_err(|error| Error::invalid(format!("the parameters cannot be encoded: {error}")))?;
    Codec::MessagePack.decode_call(method, &bytes)
}

impl<'a> Subject<'a> {
    /// A call with its parameters.
    #[must_use]
    pub fn of(peer: &'a str, call: &'a Call) -> Self {
        let named = Self::named(peer, call.method());
        match call {
            Call::InputPointer(event) => Self { action: Some(pointer(event.action).into()), ..named },
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
            | Call::FsSetstat(_)
            | Call::ProcessList(())
            | Call::ProcessShell(_)
            | Call::ProcessExec(_)
            | Call::ProcessStart(_)
            | Call::ProcessOutput(_)
            | Call::ProcessWrite(_)
            | Call::ProcessSignal(_)
            | Call::PowerLock(())
            | Call::NotificationsList(())
            | Call::ClipboardRead(())
            | Call::ClipboardWrite(_) => named,
        }
    }

    /// A call of which only the method is known. A method that is unknown is a tool of its own.
    #[must_use]
    pub fn named(peer: &'a str, method: &'a str) -> Self {
        let Some(known) = METHODS.iter().find(|known| known.method == method) else {
            return Self { peer, key: None, method, tool: method, action: None, app: None };
        };
        let action = match known.action {
            Always(action) => Some(action.into()),
            Unnamed | Pointer | Any => None,
        };
        Self { peer, key: None, method, tool: known.tool, action, app: None }
    }

    /// The same call by the controller with this key.
    #[must_use]
    pub fn with_key(self, key: PublicKey) -> Self {
        Self { key: Some(key), ..self }
    }

    /// How much can go wrong.
    #[must_use]
    pub fn risk(&self) -> Risk {
        // Who calls it names the action, and could name it like one that only looks.
        if self.method == "ui.action" {
            return Risk::Medium;
        }
        match (self.tool, self.action.as_deref()) {
            // What a command does was allowed with it, and so was its end.
            ("script", Some("output")) => Risk::Low,
            ("script", Some("signal")) => Risk::Medium,
            ("script", _) | ("fs", Some("delete")) => Risk::High,
            ("screenshot" | "ocr", _)
            | ("mouse", Some("cursor_position"))
            | ("app" | "process" | "fs" | "notifications", Some("list"))
            | ("ui", Some("get_tree"))
            | ("clipboard" | "fs", Some("read"))
            | ("fs", Some("stat")) => Risk::Low,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Kind;

    #[test]
    fn every_method_is_known_once_and_its_risk_is_that_of_what_it_does() {
        for name in Call::NAMES {
            assert_eq!(METHODS.iter().filter(|known| known.method == *name).count(), 1, "{name}");
            let risk = Subject::named("pc", name).risk();
            let looks = Call::kind_of(name) != Some(Kind::Action);
            assert_eq!(risk == Risk::Low, looks, "{name}: what only looks is of low risk, and nothing else is");
        }
        assert_eq!(METHODS.len(), Call::NAMES.len());
        for (method, risk) in [
            ("process.shell", Risk::High),
            ("process.exec", Risk::High),
            ("process.start", Risk::High),
            ("process.write", Risk::High),
            ("process.signal", Risk::Medium),
            ("fs.delete", Risk::High),
            ("process.list", Risk::Low),
            ("fs.write", Risk::Medium),
            ("fs.move", Risk::Medium),
            ("fs.mkdir", Risk::Medium),
            ("fs.setstat", Risk::Medium),
            ("power.lock", Risk::Medium),
            ("ocr.click", Risk::Medium),
            ("input.mind", Risk::Medium),
        ] {
            assert_eq!(Subject::named("pc", method).risk(), risk, "{method}");
        }
    }

    #[test]
    fn an_action_cannot_be_named_so_that_it_is_of_low_risk() {
        let params = |action: &str| {
            let given = serde_json::json!({"element": {"role": "button", "name": "OK"}, "action": action});
            call_of("ui.action", given.as_object().unwrap()).unwrap()
        };
        for action in ["click", "get_tree", "GET_TREE", "read", "list"] {
            assert_eq!(Subject::of("pc", &params(action)).risk(), Risk::Medium, "{action}");
        }
    }

    #[test]
    fn parameters_in_json_are_those_of_version_1() {
        let call = |method: &str, given: &str| call_of(method, &serde_json::from_str(given).unwrap());
        let pointer = call("input.pointer", r#"{"event": {"action": "scroll", "point": {"x": 1, "y": 2}}}"#).unwrap();
        assert_eq!(Subject::of("pc", &pointer).action.as_deref(), Some("scroll"));
        let open = call("apps.open", r#"{"name": "GNOME Terminal"}"#).unwrap();
        assert_eq!(Subject::of("pc", &open).app, Some("GNOME Terminal"));
        let exec = call("process.exec", r#"{"argv": ["ls"], "env": {"A": "b"}, "stdin": "text"}"#).unwrap();
        assert_eq!(exec.summary(), "run ls, 0 arguments, 4 bytes of input");
        for (method, given, why) in [
            ("input.text", "{}", "text_input is missing"),
            ("input.mind", "{}", "no method called input.mind"),
            ("input.pointer", r#"{"event": {"action": "fly"}}"#, "event.action must be one of"),
        ] {
            let error = call(method, given).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
    }
}
