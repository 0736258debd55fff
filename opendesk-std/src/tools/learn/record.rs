//! Turning the calls of a session into the steps of a program.

use serde_json::{Map, Value, json};

use super::program::{Check, Element, Kind, OF_ITS_SESSION, Parameter, Step};
use super::words;
use crate::api::Point;
use crate::tools::caller::Touched;
use crate::tools::history::Entry;

/// Actions that only look.
const LOOKS: [(&str, &[&str]); 4] = [
    ("app", &["list", "installed", "windows"]),
    ("clipboard", &["read"]),
    ("mouse", &["cursor_position"]),
    ("ui", &["get_tree", "find", "get_value"]),
];

/// Elements that have the keyboard once they were clicked, and that would be called otherwise if they took a password.
const FIELDS: [&str; 5] = ["autocomplete", "combo box", "entry", "spin button", "text"];

/// Characters of a content that are checked: desktops cut what is longer.
const LONGEST_CHECKED: usize = 200;

/// Characters that may give the keyboard to another field when they are typed.
const MOVERS: [char; 3] = ['\t', '\n', '\r'];

/// What `ui` says of an element that it clicked with the pointer.
const POINTED: &str = "its middle was clicked";

/// Keys with names that write, or erase, where the keyboard is.
const WRITING: [&str; 4] = ["backspace", "delete", "shift", "space"];

/// What came of calls.
#[derive(Debug, Default)]
pub(super) struct Recorded {
    pub(super) steps: Vec<Step>,
    pub(super) parameters: Vec<Parameter>,
    /// Actions that could not be made a step, and why.
    pub(super) left_out: Vec<String>,
    /// Typed texts that stand in the steps.
    pub(super) texts: usize,
    /// Typed texts that are parameters because nobody knows which field had the keyboard.
    pub(super) unknown: usize,
}

impl Recorded {
    /// A secret parameter in place of a text that is not kept.
    fn parameter(&mut self, kind: &str, description: &str) -> String {
        let number = self.parameters.iter().filter(|parameter| parameter.name.starts_with(kind)).count() + 1;
        let name = if number == 1 { kind.to_owned() } else { format!("{kind}_{number}") };
        self.parameters.push(Parameter { name: name.clone(), description: description.to_owned(), secret: true });
        words::placeholder(&name)
    }
}

/// The steps of those calls that did something. With `hide_typed` no typed text is kept.
pub(super) fn recorded(entries: &[Entry], hide_typed: bool) -> Recorded {
    let mut recorded = Recorded::default();
    let acting: Vec<&Entry> = entries.iter().filter(|entry| acts(entry)).collect();
    let mut focus = Focus::Unknown;
    let mut window = "";
    let mut behind = 0;
    for entry in entries {
        if acts(entry) {
            behind += 1;
            let next = acting.get(behind).copied();
            let step = if entry.is_whole() {
                step(&mut recorded, entry, focus, hide_typed)
            } else {
                Err("its arguments were too long to keep".to_owned())
            };
            match step {
                Ok(step) => {
                    let postcondition = check(entry, &step, focus, window, next);
                    recorded.steps.push(Step { postcondition, ..step });
                }
                Err(why) => recorded.left_out.push(format!("call {} ({}): {why}", entry.number, entry.tool)),
            }
        }
        focus = focus.after(entry);
        if is_action(entry) && entry.tool != "clipboard" {
            // Which window a program opened is not known.
            let is_same = matches!(entry.tool, "keyboard" | "mouse" | "ui");
            window = match &entry.touched {
                Some(touched) if !touched.window.is_empty() => &touched.window,
                _ if is_same => window,
                _ => "",
            };
        }
    }
    for (step, id) in recorded.steps.iter_mut().zip(1..) {
        step.id = id;
    }
    recorded
}

/// What has the keyboard, as far as the calls tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Focus<'a> {
    /// A field that is none of a password.
    Known(&'a Touched),
    Password,
    /// Nobody knows: it may be a password's.
    Unknown,
}

impl<'a> Focus<'a> {
    /// An element was clicked or given the keyboard. What is no field may have opened one.
    fn of(touched: Option<&'a Touched>) -> Self {
        match touched {
            Some(touched) if is_password(touched) => Self::Password,
            Some(touched) if FIELDS.contains(&touched.role.as_str()) => Self::Known(touched),
            _ => Self::Unknown,
        }
    }

    /// What has it after a call.
    fn after(self, entry: &'a Entry) -> Self {
        if !is_action(entry) {
            // What a program or a task did is not among these calls.
            return if matches!(entry.tool, "learn" | "schedule") { Self::Unknown } else { self };
        }
        if entry.is_error || !entry.is_whole() {
            return Self::Unknown;
        }
        match (entry.tool, text(entry, "action")) {
            ("clipboard", _) | ("mouse", "move" | "scroll" | "left_up") => self,
            ("mouse", "click" | "double_click" | "triple_click" | "left_down" | "drag") | ("ui", "focus") => {
                Self::of(entry.touched.as_ref())
            }
            ("ui", "click") => match Self::of(entry.touched.as_ref()) {
                // An element's own action need not give it the keyboard.
                Self::Known(_) if !entry.said.contains(POINTED) => Self::Unknown,
                focus => focus,
            },
            ("keyboard", "type") if !text(entry, "text").contains(MOVERS) => self,
            ("keyboard", "press" | "hotkey" | "hold") if keys_stay(entry) => self,
            _ => Self::Unknown,
        }
    }
}

/// A text that is given.
fn text<'a>(entry: &'a Entry, name: &str) -> &'a str {
    entry.arguments.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// The keys that are pressed together.
fn keys(entry: &Entry) -> Vec<String> {
    let listed = entry.arguments.get("keys").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let one = entry.arguments.get("key").and_then(Value::as_str);
    one.into_iter().chain(listed).flat_map(|keys| keys.split('+')).map(|key| key.trim().to_lowercase()).collect()
}

/// Whether a key is a part of a text.
fn is_character(entry: &Entry) -> bool {
    let keys = keys(entry);
    let mut others = keys.iter().filter(|key| *key != "shift");
    matches!((others.next(), others.next()), (Some(key), None) if key.chars().count() == 1 || key == "space")
}

/// Whether keys write or erase and leave the keyboard to what has it. Of all others nobody knows: Tab, Return and arrows go
/// to other fields, and a program may have any other key do so.
fn keys_stay(entry: &Entry) -> bool {
    let keys = keys(entry);
    if let [held, key] = keys.as_slice()
        && matches!(held.as_str(), "ctrl" | "control" | "cmd")
    {
        return matches!(key.as_str(), "a" | "c" | "v" | "x" | "y" | "z");
    }
    keys.iter().all(|key| key.chars().count() == 1 || WRITING.contains(&key.as_str()))
}

/// Whether a call did something that can be done again.
fn acts(entry: &Entry) -> bool {
    is_action(entry) && !entry.is_error
}

/// Whether a call does more than look at a desktop.
fn is_action(entry: &Entry) -> bool {
    let action = entry.arguments.get("action").and_then(Value::as_str);
    let looks = LOOKS
        .iter()
        .any(|(tool, actions)| *tool == entry.tool && action.is_some_and(|action| actions.contains(&action)));
    let reads = entry.tool == "ocr" && entry.arguments.get("click").is_none();
    let is_action = ["app", "clipboard", "keyboard", "mouse", "ocr", "script", "ui"].contains(&entry.tool);
    is_action && !looks && !reads
}

fn is_password(touched: &Touched) -> bool {
    touched.role.contains("password")
}

fn element(touched: &Touched) -> Element {
    let Touched { app, window, role, name } = touched.clone();
    Element { app, window, role, name }
}

fn step(recorded: &mut Recorded, entry: &Entry, focus: Focus<'_>, hide_typed: bool) -> Result<Step, String> {
    let mut arguments = entry.arguments.as_object().cloned().unwrap_or_default();
    arguments.retain(|name, value| !OF_ITS_SESSION.contains(&name.as_str()) && !value.is_null());
    let action = arguments.get("action").and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut target = None;
    let mut tool = entry.tool;
    match (entry.tool, action.as_str()) {
        ("mouse", _) => {
            let is_plain =
                action == "click" && arguments.get("modifiers").and_then(Value::as_array).is_none_or(Vec::is_empty);
            match &entry.touched {
                Some(touched) if is_plain && !touched.name.is_empty() => {
                    tool = "ui";
                    arguments.retain(|name, _| matches!(name.as_str(), "action" | "settle_ms"));
                    target = Some(element(touched));
                }
                _ => at_desktop(&mut arguments, &entry.points, entry.arguments.get("mark").is_some())?,
            }
        }
        ("ui", "click_menu") => {
            arguments.remove("window");
            let app = entry.touched.as_ref().map(|touched| touched.app.clone()).filter(|app| !app.is_empty());
            if let (Some(app), false) = (app, arguments.contains_key("app")) {
                arguments.insert("app".to_owned(), app.into());
            }
        }
        ("ui", _) => match &entry.touched {
            Some(touched) => {
                arguments.retain(|name, _| !matches!(name.as_str(), "app" | "window" | "role" | "title" | "bounds"));
                if action != "type" {
                    arguments.remove("text");
                }
                target = Some(element(touched));
            }
            None if arguments.contains_key("window") => {
                return Err("its window was named by an id, which is another one next time".to_owned());
            }
            None => {}
        },
        ("app", _) if arguments.remove("window").is_some() => match &entry.touched {
            Some(touched) => target = Some(element(touched)),
            None => return Err("its window is not known".to_owned()),
        },
        ("ocr", _) if arguments.contains_key("window") => {
            return Err("its window was named by an id, which is another one next time".to_owned());
        }
        _ => {}
    }
    let types = action == "type" && matches!(entry.tool, "keyboard" | "ui");
    if entry.tool == "keyboard" && !types && focus == Focus::Password && is_character(entry) {
        return Err("it pressed a character in a password field, which is not kept; use `type` there".to_owned());
    }
    for (name, value) in &mut arguments {
        if types && name == "text" {
            *value = typed(recorded, value, field_of(entry, focus), hide_typed);
        } else if tool == "script" && name == "code" && value.as_str().is_some_and(|code| code.contains("{{")) {
            return Err("its code has two opening braces in it, which stand for a parameter here".to_owned());
        } else {
            literal(value);
        }
    }
    Ok(Step { id: 0, tool: tool.to_owned(), arguments, target, postcondition: None, wait_ms: 0, note: String::new() })
}

/// What stands for a text that was typed.
fn typed(recorded: &mut Recorded, text: &Value, focus: Focus<'_>, hide_typed: bool) -> Value {
    match focus {
        Focus::Password => recorded.parameter("password", "what was typed into a password field").into(),
        Focus::Unknown => {
            recorded.unknown += 1;
            let about = "what was typed while nobody knew which field had the keyboard; perhaps a password";
            recorded.parameter("text", about).into()
        }
        Focus::Known(_) if hide_typed => recorded.parameter("text", "what was typed").into(),
        Focus::Known(_) => {
            recorded.texts += 1;
            let mut text = text.clone();
            literal(&mut text);
            text
        }
    }
}

/// Where a text went that a call typed, while `focus` had the keyboard.
fn field_of<'a>(entry: &'a Entry, focus: Focus<'a>) -> Focus<'a> {
    let is_given = entry.tool == "ui" && entry.arguments.get("append") != Some(&Value::Bool(true));
    let field = match (entry.tool, &entry.touched) {
        ("ui", Some(touched)) if is_password(touched) => Focus::Password,
        ("ui", Some(touched)) => Focus::Known(touched),
        ("ui", None) => Focus::Unknown,
        _ => focus,
    };
    // What is behind a Tab or a Return was typed somewhere else.
    let is_split = text(entry, "text").trim_end_matches(MOVERS).contains(MOVERS);
    if is_split && !is_given && matches!(field, Focus::Known(_)) { Focus::Unknown } else { field }
}

/// Every text stands for itself.
fn literal(value: &mut Value) {
    match value {
        Value::String(text) => *text = words::literal(text),
        Value::Array(items) => items.iter_mut().for_each(literal),
        Value::Object(fields) => fields.values_mut().for_each(literal),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Places in a picture become those of the desktop.
fn at_desktop(arguments: &mut Map<String, Value>, points: &[Point], marked: bool) -> Result<(), String> {
    let has_place = marked || ["x", "y"].into_iter().any(|name| arguments.contains_key(name));
    for name in ["x", "y", "end_x", "end_y", "path"] {
        arguments.remove(name);
    }
    let Some((start, then)) = points.split_first() else {
        return if has_place { Err("it is not known where on the desktop that was".to_owned()) } else { Ok(()) };
    };
    arguments.insert("x".to_owned(), start.x.into());
    arguments.insert("y".to_owned(), start.y.into());
    match then {
        [] => {}
        [end] => {
            arguments.insert("end_x".to_owned(), end.x.into());
            arguments.insert("end_y".to_owned(), end.y.into());
        }
        through => {
            let path: Vec<Value> = through.iter().map(|point| json!([point.x, point.y])).collect();
            arguments.insert("path".to_owned(), path.into());
        }
    }
    Ok(())
}

/// What has to be so after a call and was not before, as far as the calls tell. `window` is the last one that was acted in.
fn check(entry: &Entry, step: &Step, focus: Focus<'_>, window: &str, next: Option<&Entry>) -> Option<Check> {
    let text = |name: &str| text(entry, name);
    match (entry.tool, text("action")) {
        ("app", "open" | "focus") => return Some(Check::new(Kind::AppFrontmost, &words::literal(text("name")))),
        ("app", "focus_window") => {
            let title = entry.touched.as_ref().map(|touched| words::literal(&touched.window))?;
            return Some(Check::new(Kind::WindowFocused, &title)).filter(|check| !check.value.is_empty());
        }
        ("clipboard", _) if entry.arguments.get("html").is_none() => {
            return Some(Check::new(Kind::ClipboardIs, &words::literal(text("text"))));
        }
        ("keyboard" | "mouse" | "ui", _) => {}
        _ => return None,
    }
    // Typing opens nothing, whatever is acted in next.
    if text("action") == "type"
        && let Some(held) = holds(entry, step, focus)
    {
        return Some(held);
    }
    let touched = entry.touched.as_ref();
    let own = touched.map_or("", |touched| &touched.window);
    let own = if own.is_empty() { window } else { own };
    let then = next.filter(|next| follows(next, touched)).and_then(|next| next.touched.as_ref());
    let then = then.map_or("", |next| &next.window);
    if !own.is_empty() && !then.is_empty() && own != then {
        return Some(Check::new(Kind::WindowTitleContains, &words::literal(then.trim_start_matches('*').trim())));
    }
    match (text("action"), touched) {
        ("click", Some(touched)) => {
            let was = entry.was_checked.filter(|_| step.target.is_some())?;
            let is = touched.role == "radio button" || !was;
            Some(Check::new(Kind::ElementChecked, if is { "true" } else { "false" }))
        }
        _ => None,
    }
}

/// Whether the window of the next call is one that this call may have opened or left: not one that was named or brought to
/// the front for itself.
fn follows(next: &Entry, touched: Option<&Touched>) -> bool {
    let app = |touched: Option<&Touched>| touched.map(|touched| touched.app.clone());
    let is_named = ["app", "window"].into_iter().any(|name| !text(next, name).is_empty());
    matches!(next.tool, "mouse" | "ui") && (!is_named || app(touched) == app(next.touched.as_ref()))
}

/// What a field holds once something was typed into it. What is no secret stands in the step already.
fn holds(entry: &Entry, step: &Step, focus: Focus<'_>) -> Option<Check> {
    let typed = text(entry, "text");
    let Focus::Known(field) = field_of(entry, focus) else { return None };
    let is_told = !field.name.is_empty() && typed.chars().count() <= LONGEST_CHECKED;
    // A Return may send the text away, and a Tab is none of it.
    if !is_told || (entry.tool == "keyboard" && typed.contains(MOVERS)) {
        return None;
    }
    let is_all = entry.tool == "ui" && entry.arguments.get("append") != Some(&Value::Bool(true));
    let kind = if is_all { Kind::ElementValueIs } else { Kind::ElementValueContains };
    let value = step.arguments.get("text").and_then(Value::as_str)?;
    if value.is_empty() && !is_all {
        return None;
    }
    Some(Check { element: step.target.is_none().then(|| element(field)), ..Check::new(kind, value) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::target::Target;

    fn entry(tool: &'static str, arguments: Value) -> Entry {
        Entry { number: 7, ..Entry::new(tool, arguments, Some(Target::Local)) }
    }

    fn touching(tool: &'static str, arguments: Value, [window, role, name]: [&str; 3]) -> Entry {
        let [window, role, name] = [window, role, name].map(str::to_owned);
        Entry { touched: Some(Touched { app: "Editor".to_owned(), window, role, name }), ..entry(tool, arguments) }
    }

    fn steps(entries: &[Entry]) -> Vec<Value> {
        recorded(entries, false).steps.iter().map(|step| serde_json::to_value(step).unwrap()).collect()
    }

    fn typing(text: &str) -> Entry {
        entry("keyboard", json!({"action": "type", "text": text}))
    }

    #[test]
    fn what_is_typed_behind_a_tab_is_never_stored() {
        let field = || touching("ui", json!({"action": "focus"}), ["Log in", "entry", "Name"]);
        let key = |key: &str| entry("keyboard", json!({"action": "press", "key": key}));
        let keys = |keys: &[&str]| entry("keyboard", json!({"action": "hotkey", "keys": keys}));
        let moves = [
            key("Tab"),
            key("shift+tab"),
            key("Return"),
            key("enter"),
            key("down"),
            key("f6"),
            keys(&["shift", "tab"]),
            keys(&["alt", "p"]),
            keys(&["ctrl", "l"]),
            touching("ui", json!({"action": "press_key", "key": "tab"}), ["Log in", "entry", "Name"]),
            touching("ui", json!({"action": "type", "text": "ada"}), ["Log in", "entry", "Name"]),
            touching("ui", json!({"action": "click"}), ["Log in", "push button", "Log in"]),
            touching("ui", json!({"action": "click"}), ["Log in", "entry", "Name"]),
            touching("ocr", json!({"click": "Password"}), ["", "text", "Password"]),
            entry("mouse", json!({"action": "click", "x": 1, "y": 2})),
            entry("app", json!({"action": "open", "name": "Vault"})),
            entry("script", json!({"action": "shell", "code": "xdotool key Tab"})),
            entry("learn", json!({"action": "run", "name": "log-in"})),
            Entry { is_error: true, ..key("a") },
            Entry { arguments: Value::Null, ..key("a") },
            typing("ada\t"),
            typing("ada\n"),
        ];
        for moved in moves {
            let about = format!("{moved:?}");
            let recorded = recorded(&[field(), moved, typing("sesame")], false);
            let text = serde_json::to_string(&recorded.steps).unwrap();
            assert!(!text.contains("sesame") && text.contains("{{text}}"), "{about}: {text}");
            assert!(recorded.unknown == 1 && recorded.parameters[0].secret, "{about}");
        }
        // Nor what is typed first, or goes on behind a Tab or a Return.
        for (before, text) in [(None, "sesame"), (Some(field()), "ada\tsesame"), (Some(field()), "ada\nsesame\n")] {
            let entries: Vec<Entry> = before.into_iter().chain([typing(text)]).collect();
            let kept = recorded(&entries, false);
            assert!(!serde_json::to_string(&kept.steps).unwrap().contains("sesame"), "{text}");
        }
    }

    #[test]
    fn what_is_typed_into_a_field_that_is_known_stands_in_the_step() {
        let field = || touching("ui", json!({"action": "focus"}), ["Log in", "entry", "Name"]);
        let stays = [
            entry("keyboard", json!({"action": "press", "key": "a"})),
            entry("keyboard", json!({"action": "press", "key": "backspace"})),
            entry("keyboard", json!({"action": "hotkey", "keys": ["ctrl", "a"]})),
            entry("mouse", json!({"action": "scroll", "direction": "down"})),
            entry("clipboard", json!({"action": "write", "text": "x"})),
            entry("screenshot", json!({})),
            touching("mouse", json!({"action": "click", "mark": 1}), ["Log in", "text", "Note"]),
        ];
        let said =
            "The entry \"Name\" has no action of its own; its middle was clicked, at 1,2 on the desktop.".to_owned();
        let pointed = Entry { said, ..touching("ui", json!({"action": "click"}), ["Log in", "entry", "Name"]) };
        for other in stays.into_iter().chain([pointed]) {
            let about = format!("{other:?}");
            let recorded = recorded(&[field(), other, typing("words\n")], false);
            assert_eq!((recorded.texts, recorded.unknown), (1, 0), "{about}");
        }
        let given = touching("ui", json!({"action": "type", "text": "one\ntwo"}), ["One", "text", "Note"]);
        assert_eq!(recorded(&[given], false).texts, 1, "it went to no other element");
    }

    #[test]
    fn a_character_that_was_pressed_in_a_password_field_is_left_out() {
        let field = touching("ui", json!({"action": "click"}), ["One", "password text", "Password"]);
        let pressed = entry("keyboard", json!({"action": "press", "key": "Q"}));
        let erased = entry("keyboard", json!({"action": "press", "key": "backspace"}));
        let recorded = recorded(&[field, pressed, erased], false);
        assert!(recorded.left_out[0].contains("a character in a password field"), "{:?}", recorded.left_out);
        assert_eq!((recorded.steps.len(), recorded.left_out.len()), (2, 1));
    }

    #[test]
    fn only_what_did_something_becomes_a_step() {
        let failed = Entry { is_error: true, ..entry("keyboard", json!({"action": "press", "key": "a"})) };
        let looking = [
            failed,
            entry("screenshot", json!({})),
            entry("ui", json!({"action": "get_tree"})),
            entry("app", json!({"action": "list"})),
            entry("clipboard", json!({"action": "read"})),
            entry("mouse", json!({"action": "cursor_position"})),
            entry("ocr", json!({})),
            entry("computer_batch", json!({"actions": []})),
            entry("learn", json!({"action": "start"})),
        ];
        assert!(steps(&looking).is_empty());
        let whole = Entry { arguments: Value::Null, ..entry("keyboard", json!({})) };
        let recorded = recorded(&[whole], false);
        assert!(recorded.steps.is_empty() && recorded.left_out[0].contains("call 7 (keyboard): its arguments"));
    }

    #[test]
    fn clicks_on_known_elements_are_clicks_by_name_and_others_are_places_of_the_desktop() {
        let known =
            touching("mouse", json!({"action": "click", "mark": 3, "settle_ms": 5}), ["One", "push button", "Save"]);
        let at = Entry {
            points: vec![Point::new(20.0, 40.5)],
            ..entry("mouse", json!({"action": "double_click", "x": 10, "y": 20, "shot_id": "s1", "observe": "ui"}))
        };
        let drag = Entry {
            points: vec![Point::new(1.0, 2.0), Point::new(3.0, 4.0)],
            ..entry("mouse", json!({"action": "drag", "x": 1, "y": 2, "path": [[3, 4]], "peer": "box"}))
        };
        let lost = entry("mouse", json!({"action": "click", "x": 1, "y": 2}));
        let recorded = recorded(&[known, at, drag, lost], false);
        assert_eq!(recorded.left_out.len(), 1);
        let steps: Vec<Value> = recorded.steps.iter().map(|step| serde_json::to_value(step).unwrap()).collect();
        assert_eq!(steps[0]["tool"], "ui");
        assert_eq!(steps[0]["arguments"], json!({"action": "click", "settle_ms": 5}));
        assert_eq!(
            steps[0]["target"],
            json!({"app": "Editor", "window": "One", "role": "push button", "name": "Save"})
        );
        assert_eq!(steps[1]["arguments"], json!({"action": "double_click", "x": 20.0, "y": 40.5}));
        let dragged = json!({"action": "drag", "x": 1.0, "y": 2.0, "end_x": 3.0, "end_y": 4.0});
        assert_eq!((&steps[2]["arguments"], &steps[2]["id"]), (&dragged, &json!(3)));
    }

    #[test]
    fn a_password_is_never_stored() {
        let field = ["One", "password text", "Password"];
        let entries = [
            touching("ui", json!({"action": "type", "ref": "a1", "text": "hunter2"}), field),
            touching("mouse", json!({"action": "click", "mark": 1}), field),
            entry("keyboard", json!({"action": "type", "text": "hunter2"})),
            touching("ui", json!({"action": "focus", "title": "Name"}), ["One", "entry", "Name"]),
            entry("keyboard", json!({"action": "type", "text": "Ada {{x}}"})),
        ];
        let kept = recorded(&entries, false);
        assert!(!format!("{:?}", kept.steps).contains("hunter2"), "{:?}", kept.steps);
        assert_eq!(kept.steps[0].arguments["text"], "{{password}}");
        assert_eq!(kept.steps[2].arguments["text"], "{{password_2}}");
        assert_eq!(kept.steps[4].arguments["text"], r"Ada \{{x}}");
        assert_eq!((kept.texts, kept.parameters.len()), (1, 2));
        let hidden = recorded(&entries, true);
        assert_eq!((hidden.texts, hidden.steps[4].arguments["text"].as_str()), (0, Some("{{text}}")));
    }

    #[test]
    fn a_check_is_of_what_the_call_changed() {
        let name = ["One", "entry", "Name"];
        let boxed = |role, was| Entry {
            was_checked: Some(was),
            ..touching("ui", json!({"action": "click", "title": "Agree"}), ["One", role, "Agree"])
        };
        let entries = [
            entry("app", json!({"action": "open", "name": "Editor"})),
            touching("ui", json!({"action": "type", "title": "Name", "text": "a{{"}), name),
            touching("ui", json!({"action": "click", "title": "Save"}), ["One", "push button", "Save"]),
            touching("ui", json!({"action": "click", "title": "OK"}), ["*Really?", "push button", "OK"]),
            entry("clipboard", json!({"action": "write", "text": "x"})),
            touching("ui", json!({"action": "focus", "title": "Name"}), name),
            typing("Ada"),
            typing("Ada\n"),
            touching("ui", json!({"action": "type", "title": "Name", "text": ""}), name),
            boxed("check box", true),
            boxed("check box", false),
            boxed("radio button", true),
            touching("ui", json!({"action": "type", "title": "Name", "text": "b", "append": true}), name),
            touching("ui", json!({"action": "click", "title": "Go"}), ["Two", "push button", "Go"]),
            entry("ui", json!({"action": "click_menu", "menu": ["File", "Open"], "app": "Editor"})),
            touching("ui", json!({"action": "click", "title": "OK"}), ["Open", "push button", "OK"]),
            touching("app", json!({"action": "focus_window", "window": "0x1a"}), ["Open", "window", "Open"]),
            entry("script", json!({"action": "shell", "code": "true"})),
            entry("ui", json!({"action": "click_menu", "menu": ["File", "Open"], "app": "Editor"})),
            touching("ui", json!({"action": "click", "title": "OK"}), ["Else", "push button", "OK"]),
        ];
        let steps = recorded(&entries, false).steps;
        let checks: Vec<Option<(&str, &str)>> = steps
            .iter()
            .map(|step| step.postcondition.as_ref().map(|check| (check.name(), check.value.as_str())))
            .collect();
        let expected = [
            Some(("app_frontmost", "Editor")),
            Some(("element_value_is", r"a\{{")),
            Some(("window_title_contains", "Really?")),
            None, // The button may have gone with its dialog.
            Some(("clipboard_is", "x")),
            None,
            Some(("element_value_contains", "Ada")),
            None, // A Return may have sent it away.
            Some(("element_value_is", "")),
            Some(("element_checked", "false")),
            Some(("element_checked", "true")),
            Some(("element_checked", "true")),
            Some(("element_value_contains", "b")),
            None,
            Some(("window_title_contains", "Open")),
            None, // It was brought to the front by the next call.
            Some(("window_focused", "Open")),
            None,
            None, // Which window the script left nobody knows.
            None,
        ];
        assert_eq!(checks, expected);
        let of = |index: usize| steps[index].postcondition.as_ref().and_then(|check| check.element.clone());
        assert_eq!((of(1), of(6).unwrap().name.as_str()), (None, "Name"), "a step that has a target is about it");
        let mut program =
            crate::tools::learn::program::Program::new("a", "", crate::tools::learn::program::Source::Session);
        program.steps = steps;
        program.check().unwrap();
    }

    #[test]
    fn no_check_tells_what_a_password_is() {
        let field = || touching("ui", json!({"action": "focus"}), ["One", "password text", "Password"]);
        let given = touching("ui", json!({"action": "type", "text": "hunter2"}), ["One", "password text", "Password"]);
        for entries in [vec![given], vec![field(), typing("hunter2")], vec![typing("hunter2")]] {
            let recorded = recorded(&entries, false);
            assert!(recorded.steps.iter().all(|step| step.postcondition.is_none()), "{:?}", recorded.steps);
        }
        let name = touching("ui", json!({"action": "type", "text": "Ada"}), ["One", "entry", "Name"]);
        let hidden = recorded(&[name], true);
        assert_eq!(hidden.steps[0].postcondition.as_ref().unwrap().value, "{{text}}");
    }

    #[test]
    fn windows_are_known_by_their_titles() {
        let window = touching("app", json!({"action": "focus_window", "window": "0x1a"}), ["One", "window", "One"]);
        let steps = steps(&[window]);
        assert_eq!(steps[0]["arguments"], json!({"action": "focus_window"}));
        assert_eq!(steps[0]["target"]["window"], "One");
        let key = entry("ui", json!({"action": "press_key", "key": "a", "window": "0x1a"}));
        assert_eq!(recorded(&[key], false).left_out.len(), 1);
    }
}
