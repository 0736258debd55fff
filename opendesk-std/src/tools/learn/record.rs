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

/// Elements that are still there and called the same after they were clicked.
const LASTING: [&str; 9] =
    ["check box", "combo box", "entry", "page tab", "radio button", "slider", "spin button", "text", "toggle button"];

/// What came of calls.
#[derive(Debug, Default)]
pub(super) struct Recorded {
    pub(super) steps: Vec<Step>,
    pub(super) parameters: Vec<Parameter>,
    /// Actions that could not be made a step, and why.
    pub(super) left_out: Vec<String>,
    /// Typed texts that stand in the steps.
    pub(super) texts: usize,
}

impl Recorded {
    /// A parameter in place of a text that is not kept.
    fn parameter(&mut self, kind: &str, description: &str) -> String {
        let number = self.parameters.iter().filter(|parameter| parameter.name.starts_with(kind)).count() + 1;
        let name = if number == 1 { kind.to_owned() } else { format!("{kind}_{number}") };
        self.parameters.push(Parameter { name: name.clone(), description: description.to_owned() });
        words::placeholder(&name)
    }
}

/// The steps of those calls that did something. With `hide_typed` no typed text is kept.
pub(super) fn recorded(entries: &[Entry], hide_typed: bool) -> Recorded {
    let mut recorded = Recorded::default();
    let acting: Vec<&Entry> = entries.iter().filter(|entry| acts(entry)).collect();
    let mut focus = Focus::Known;
    for (index, entry) in acting.iter().enumerate() {
        if !entry.is_whole() {
            recorded
                .left_out
                .push(format!("call {} ({}): its arguments were too long to keep", entry.number, entry.tool));
            continue;
        }
        if let Some(touched) = &entry.touched {
            focus = if is_password(touched) { Focus::Password } else { Focus::Known };
        } else if entry.tool == "mouse" {
            focus = Focus::Known;
        }
        let next = acting.get(index + 1).copied();
        match step(&mut recorded, entry, focus, hide_typed) {
            Ok(step) => recorded.steps.push(Step { postcondition: check(entry, next), ..step }),
            Err(why) => recorded.left_out.push(format!("call {} ({}): {why}", entry.number, entry.tool)),
        }
        if moves_on(entry) {
            focus = Focus::Moved;
        }
    }
    for (step, id) in recorded.steps.iter_mut().zip(1..) {
        step.id = id;
    }
    recorded
}

/// What has the keyboard, as far as the calls tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Focus {
    /// What was touched last, which is no password field.
    Known,
    Password,
    /// Another field than the one that was touched last: nobody knows of which kind.
    Moved,
}

/// Whether a call gives the keyboard to the next field, or to the one before.
fn moves_on(entry: &Entry) -> bool {
    let is_tab = |text: &str| {
        text.split('+').any(|key| ["tab", "backtab", "iso_left_tab"].contains(&key.trim().to_lowercase().as_str()))
    };
    let text = |name: &str| entry.arguments.get(name).and_then(Value::as_str);
    let keys = entry.arguments.get("keys").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let presses = text("key").into_iter().chain(keys).any(is_tab);
    presses || text("text").is_some_and(|text| text.contains('\t'))
}

/// Whether a call did something that can be done again.
fn acts(entry: &Entry) -> bool {
    let action = entry.arguments.get("action").and_then(Value::as_str);
    let looks = LOOKS
        .iter()
        .any(|(tool, actions)| *tool == entry.tool && action.is_some_and(|action| actions.contains(&action)));
    let reads = entry.tool == "ocr" && entry.arguments.get("click").is_none();
    let is_action = ["app", "clipboard", "keyboard", "mouse", "ocr", "script", "ui"].contains(&entry.tool);
    is_action && !entry.is_error && !looks && !reads
}

fn is_password(touched: &Touched) -> bool {
    touched.role.contains("password")
}

fn element(touched: &Touched) -> Element {
    let Touched { app, window, role, name } = touched.clone();
    Element { app, window, role, name }
}

fn step(recorded: &mut Recorded, entry: &Entry, focus: Focus, hide_typed: bool) -> Result<Step, String> {
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
    for (name, value) in &mut arguments {
        if types && name == "text" {
            *value = typed(recorded, value, focus, hide_typed);
        } else if tool == "script" && name == "code" && value.as_str().is_some_and(|code| code.contains("{{")) {
            return Err("its code has two opening braces in it, which stand for a parameter here".to_owned());
        } else {
            literal(value);
        }
    }
    Ok(Step { id: 0, tool: tool.to_owned(), arguments, target, postcondition: None, wait_ms: 0, note: String::new() })
}

/// What stands for a text that was typed.
fn typed(recorded: &mut Recorded, text: &Value, focus: Focus, hide_typed: bool) -> Value {
    if focus == Focus::Password {
        return recorded.parameter("password", "what was typed into a password field").into();
    }
    // A part of it went to the next field.
    let is_split = text.as_str().is_some_and(|text| text.contains('\t'));
    if focus == Focus::Moved || is_split {
        return recorded.parameter("text", "what was typed behind a Tab, perhaps into a password field").into();
    }
    if hide_typed {
        return recorded.parameter("text", "what was typed").into();
    }
    recorded.texts += 1;
    let mut text = text.clone();
    literal(&mut text);
    text
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

/// What has to be so after a call, as far as the calls tell.
fn check(entry: &Entry, next: Option<&Entry>) -> Option<Check> {
    let text = |name: &str| entry.arguments.get(name).and_then(Value::as_str).unwrap_or_default();
    let action = text("action");
    if entry.tool == "app" && matches!(action, "open" | "focus") {
        return Some(Check::new(Kind::AppFrontmost, &words::literal(text("name"))));
    }
    if entry.tool == "clipboard" && entry.arguments.get("html").is_none() {
        return Some(Check::new(Kind::ClipboardIs, &words::literal(text("text"))));
    }
    let touched = entry.touched.as_ref()?;
    if !matches!(entry.tool, "ui" | "mouse") {
        return None;
    }
    if let Some(next) = next.and_then(|next| next.touched.as_ref())
        && !next.window.is_empty()
        && !touched.window.is_empty()
        && next.window != touched.window
    {
        return Some(Check::new(
            Kind::WindowTitleContains,
            &words::literal(next.window.trim_start_matches('*').trim()),
        ));
    }
    let stays = matches!(action, "type" | "focus") || LASTING.contains(&touched.role.as_str());
    if !stays || touched.name.is_empty() || !matches!(action, "type" | "focus" | "press_key" | "click") {
        return None;
    }
    let role = Some(touched.role.clone());
    Some(Check { role, ..Check::new(Kind::ElementExists, &words::literal(&touched.name)) })
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;
    use crate::tools::target::Target;

    fn entry(tool: &'static str, arguments: Value) -> Entry {
        Entry {
            number: 7,
            at: 0.0,
            tool,
            arguments,
            target: Some(Target::Local),
            touched: None,
            points: Vec::new(),
            said: String::new(),
            is_error: false,
            took: Duration::ZERO,
        }
    }

    fn touching(tool: &'static str, arguments: Value, [window, role, name]: [&str; 3]) -> Entry {
        let [window, role, name] = [window, role, name].map(str::to_owned);
        Entry { touched: Some(Touched { app: "Editor".to_owned(), window, role, name }), ..entry(tool, arguments) }
    }

    fn steps(entries: &[Entry]) -> Vec<Value> {
        recorded(entries, false).steps.iter().map(|step| serde_json::to_value(step).unwrap()).collect()
    }

    #[test]
    fn what_is_typed_behind_a_tab_is_never_stored() {
        let field = || touching("ui", json!({"action": "click"}), ["Log in", "entry", "Name"]);
        let typed = |text: &str| entry("keyboard", json!({"action": "type", "text": text}));
        let tabs = [
            entry("keyboard", json!({"action": "press", "key": "Tab"})),
            entry("keyboard", json!({"action": "hotkey", "keys": ["shift", "tab"]})),
            entry("keyboard", json!({"action": "press", "key": "shift+tab"})),
            touching("ui", json!({"action": "press_key", "key": "tab"}), ["Log in", "entry", "Name"]),
            typed("ada\t"),
        ];
        for tab in tabs {
            let recorded = recorded(&[field(), tab, typed("sesame")], false);
            let text = serde_json::to_string(&recorded.steps).unwrap();
            assert!(!text.contains("sesame") && text.contains("{{text"), "{text}");
        }
        let recorded = recorded(&[field(), typed("ada\tsesame\n")], false);
        assert!(!serde_json::to_string(&recorded.steps).unwrap().contains("sesame"));
        // The control: another key moves nothing on.
        let other = entry("keyboard", json!({"action": "press", "key": "a"}));
        assert_eq!(super::recorded(&[field(), other, typed("words")], false).texts, 1);
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
    fn checks_are_what_the_calls_tell() {
        let entries = [
            entry("app", json!({"action": "open", "name": "Editor"})),
            touching("ui", json!({"action": "type", "title": "Name", "text": "a"}), ["One", "entry", "Name"]),
            touching("ui", json!({"action": "click", "title": "Save"}), ["One", "push button", "Save"]),
            touching("ui", json!({"action": "click", "title": "OK"}), ["*Really?", "push button", "OK"]),
            entry("clipboard", json!({"action": "write", "text": "x"})),
        ];
        let steps = steps(&entries);
        let check = |index: usize| {
            (steps[index]["postcondition"]["kind"].as_str(), steps[index]["postcondition"]["value"].as_str())
        };
        assert_eq!(check(0), (Some("app_frontmost"), Some("Editor")));
        assert_eq!(check(1), (Some("element_exists"), Some("Name")));
        assert_eq!(check(2), (Some("window_title_contains"), Some("Really?")));
        assert_eq!(check(3), (None, None), "the button may have gone with its dialog");
        assert_eq!(check(4), (Some("clipboard_is"), Some("x")));
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
