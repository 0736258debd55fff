//! A learned program: what its file holds, and what makes it one that can be run.

use core::fmt::Write as _;
use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::words;
use crate::clock;
use crate::tools::TOOLS;
use crate::tools::mouse::OnDesktop;

/// More is several programs.
pub(super) const MOST_STEPS: usize = 500;

/// Of the file.
pub(super) const MOST_BYTES: usize = 1 << 20;

/// Of the format.
const VERSION: u32 = 1;

/// The longest that a step waits before it is done.
const LONGEST_WAIT_MS: u32 = 60_000;

/// The longest that a check is given to come true.
const LONGEST_CHECK_MS: u32 = 120_000;

/// A step that does nothing: for its wait and its check.
pub(super) const WAIT: &str = "wait";

/// The tools that act on a desktop.
const ACTING: [&str; 7] = ["app", "clipboard", "keyboard", "mouse", "ocr", "script", "ui"];

/// Arguments that mean something in the session in which they were given only.
pub(super) const OF_ITS_SESSION: [&str; 5] = ["mark", "observe", "peer", "ref", "shot_id"];

/// A task that was recorded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Program {
    pub(super) name: String,
    version: u32,
    #[serde(default)]
    pub(super) description: String,
    /// When it was recorded, as RFC 3339 has it.
    #[serde(default)]
    pub(super) created: String,
    pub(super) source: Source,
    #[serde(default)]
    pub(super) parameters: Vec<Parameter>,
    pub(super) steps: Vec<Step>,
}

/// What a program was recorded from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Source {
    /// The calls of an agent's session.
    Session,
    /// The mouse and keyboard of the person at the machine.
    Person,
    /// Nothing: it was written step by step.
    Written,
}

/// What is filled in when a program is run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Parameter {
    pub(super) name: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) description: String,
    /// Its value may be a password.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub(super) secret: bool,
}

impl Parameter {
    /// What it is called, and whether it is secret.
    pub(super) fn title(&self) -> String {
        if self.secret { format!("{} (secret)", self.name) } else { self.name.clone() }
    }
}

/// One action.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Step {
    pub(super) id: u32,
    pub(super) tool: String,
    /// Those of the tool, without what is of one session only. The coordinates of `mouse` are desktop pixels.
    #[serde(default)]
    pub(super) arguments: Map<String, Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) target: Option<Element>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) postcondition: Option<Check>,
    /// Before the action.
    #[serde(default)]
    pub(super) wait_ms: u32,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) note: String,
}

/// What is acted on, by what is the same whenever its program is started.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Element {
    #[serde(default)]
    pub(super) app: String,
    #[serde(default)]
    pub(super) window: String,
    #[serde(default)]
    pub(super) role: String,
    #[serde(default)]
    pub(super) name: String,
}

/// What has to be so after a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Check {
    pub(super) kind: Kind,
    pub(super) value: String,
    /// Of `element_exists`: the element's kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) role: Option<String>,
    /// Of those about one element or window: which one, where it is not what the step acts on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) element: Option<Element>,
    #[serde(default = "five_seconds")]
    pub(super) timeout_ms: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    /// The window that has the keyboard is of this application.
    AppFrontmost,
    /// The title of the window that has the keyboard has this in it.
    WindowTitleContains,
    /// An element has this label.
    ElementExists,
    /// An element's content is this text.
    ElementValueIs,
    /// An element's content has this in it.
    ElementValueContains,
    /// A box is checked, `true`, or not, `false`.
    ElementChecked,
    /// The window that was meant has the keyboard.
    WindowFocused,
    /// The screen shows this text.
    TextVisible,
    /// The clipboard holds this text and no other.
    ClipboardIs,
}

pub(super) const fn five_seconds() -> u32 {
    5_000
}

impl Check {
    pub(super) fn new(kind: Kind, value: &str) -> Self {
        Self { kind, value: value.to_owned(), role: None, element: None, timeout_ms: five_seconds() }
    }

    pub(super) const fn name(&self) -> &'static str {
        match self.kind {
            Kind::AppFrontmost => "app_frontmost",
            Kind::WindowTitleContains => "window_title_contains",
            Kind::ElementExists => "element_exists",
            Kind::ElementValueIs => "element_value_is",
            Kind::ElementValueContains => "element_value_contains",
            Kind::ElementChecked => "element_checked",
            Kind::WindowFocused => "window_focused",
            Kind::TextVisible => "text_visible",
            Kind::ClipboardIs => "clipboard_is",
        }
    }

    /// Whether it is about one element or window.
    const fn is_of_one(&self) -> bool {
        matches!(
            self.kind,
            Kind::ElementValueIs | Kind::ElementValueContains | Kind::ElementChecked | Kind::WindowFocused
        )
    }
}

impl Program {
    /// A program that is recorded now.
    pub(super) fn new(name: &str, description: &str, source: Source) -> Self {
        let now = jiff::Timestamp::from_second(clock::epoch_seconds() as i64);
        Self {
            name: name.to_owned(),
            version: VERSION,
            description: description.to_owned(),
            created: now.map(|now| now.to_string()).unwrap_or_default(),
            source,
            parameters: Vec::new(),
            steps: Vec::new(),
        }
    }

    /// The program of a file.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let program: Self = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        program.check()?;
        Ok(program)
    }

    /// The content of its file.
    ///
    /// # Errors
    /// When it is too long.
    pub(super) fn to_bytes(&self) -> Result<Vec<u8>, String> {
        let mut bytes = serde_json::to_vec_pretty(self).map_err(|error| error.to_string())?;
        bytes.push(b'\n');
        if bytes.len() > MOST_BYTES {
            return Err(format!(
                "it would have {} bytes and a program has {MOST_BYTES} at most; split it",
                bytes.len()
            ));
        }
        Ok(bytes)
    }

    /// Gives every step its number.
    pub(super) fn number(&mut self) {
        for (step, id) in self.steps.iter_mut().zip(1..) {
            step.id = id;
        }
    }

    /// Takes on the parameters that are used and not listed yet.
    pub(super) fn list_parameters(&mut self) -> Result<(), String> {
        for name in self.used()? {
            if !self.parameters.iter().any(|parameter| parameter.name == name) {
                self.parameters.push(Parameter { name, description: String::new(), secret: false });
            }
        }
        Ok(())
    }

    /// The place of the step of a number.
    ///
    /// # Errors
    /// The numbers that there are.
    pub(super) fn position(&self, id: u32) -> Result<usize, String> {
        self.steps.iter().position(|step| step.id == id).ok_or_else(|| {
            let ids: Vec<String> = self.steps.iter().map(|step| step.id.to_string()).collect();
            let ids = if ids.len() > 20 { format!("{} to {}", ids[0], ids[ids.len() - 1]) } else { ids.join(", ") };
            format!("{} has no step {id}; there are {ids}", self.name)
        })
    }

    /// The parameters that the steps name.
    pub(super) fn used(&self) -> Result<BTreeSet<String>, String> {
        used(&self.steps)
    }

    /// Makes sure that it can be run as far as that can be known.
    ///
    /// # Errors
    /// What is wrong, and in which step.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.version != VERSION {
            return Err(format!("it is of version {} of the format, and this opendesk reads {VERSION}", self.version));
        }
        if self.steps.is_empty() || self.steps.len() > MOST_STEPS {
            return Err(format!("it has {} steps; a program has 1 to {MOST_STEPS}", self.steps.len()));
        }
        let mut listed = BTreeSet::new();
        for Parameter { name, .. } in &self.parameters {
            words::good_name(name)?;
            if !listed.insert(name.clone()) {
                return Err(format!("the parameter {name} is listed twice"));
            }
        }
        let mut ids = BTreeSet::new();
        for step in &self.steps {
            if step.id == 0 || !ids.insert(step.id) {
                return Err(format!("two steps have the number {}, or it is 0; each has its own, from 1 on", step.id));
            }
            step.check().map_err(|why| format!("step {}: {why}", step.id))?;
        }
        match self.used()?.difference(&listed).next() {
            Some(missing) => Err(format!("{{{{{missing}}}}} is used and not listed in `parameters`")),
            None => Ok(()),
        }
    }
}

impl Element {
    fn line(&self) -> String {
        let Self { app, window, role, name } = self;
        let parts = [("app", app), ("window", window), ("role", role), ("name", name)].into_iter();
        let parts = parts.filter(|(_, part)| !part.is_empty()).map(|(what, part)| format!("{what} {part:?}"));
        parts.collect::<Vec<_>>().join(", ")
    }
}

impl Step {
    /// What it does, in a line.
    pub(super) fn line(&self) -> String {
        let mut line = format!("{}. {} {}", self.id, self.tool, Value::Object(self.arguments.clone()));
        if let Some(element) = &self.target {
            // Writing to a string never fails.
            let _done = write!(line, " at {}", element.line()).is_ok();
        }
        if self.wait_ms > 0 {
            let _done = write!(line, ", after {} ms", self.wait_ms).is_ok();
        }
        if let Some(check) = &self.postcondition {
            let role = check.role.as_ref().map(|role| format!(" of role {role:?}")).unwrap_or_default();
            let of = check.element.as_ref().map(|element| format!(" at {}", element.line())).unwrap_or_default();
            let within = check.timeout_ms;
            let _done = write!(line, "; then {} {:?}{role}{of} within {within} ms", check.name(), check.value).is_ok();
        }
        if !self.note.is_empty() {
            let _done = write!(line, " ({})", self.note).is_ok();
        }
        line
    }

    /// What it does, without a word of anybody's.
    pub(super) fn title(&self) -> String {
        let known =
            |action: &&str| action.len() < 20 && action.chars().all(|each| each.is_ascii_lowercase() || each == '_');
        match self.arguments.get("action").and_then(Value::as_str).filter(known) {
            Some(action) => format!("{} {action}", self.tool),
            None => self.tool.clone(),
        }
    }

    fn for_texts<'a>(&'a self, hear: &mut dyn FnMut(&'a str) -> Result<(), String>) -> Result<(), String> {
        self.arguments.values().try_for_each(|value| for_strings(value, hear))?;
        self.postcondition.iter().try_for_each(|check| hear(&check.value))
    }

    /// The step with what its placeholders stand for.
    pub(super) fn filled(&self, values: &Map<String, Value>) -> Result<Self, String> {
        let mut step = self.clone();
        for value in step.arguments.values_mut() {
            fill_strings(value, values)?;
        }
        if let Some(check) = &mut step.postcondition {
            check.value = words::fill(&check.value, values)?;
        }
        Ok(step)
    }

    fn check(&self) -> Result<(), String> {
        if self.wait_ms > LONGEST_WAIT_MS {
            return Err(format!("`wait_ms` is {} and at most {LONGEST_WAIT_MS}", self.wait_ms));
        }
        if let Some(check) = &self.postcondition {
            if check.timeout_ms > LONGEST_CHECK_MS {
                return Err(format!("`timeout_ms` is {} and at most {LONGEST_CHECK_MS}", check.timeout_ms));
            }
            if check.value.is_empty() && !matches!(check.kind, Kind::ClipboardIs | Kind::ElementValueIs) {
                return Err(format!("{} needs a `value`", check.name()));
            }
            if check.role.is_some() && check.kind != Kind::ElementExists {
                return Err(format!("`role` goes with element_exists, not with {}", check.name()));
            }
            if check.is_of_one() && check.element.is_none() && self.target.is_none() {
                return Err(format!("{} needs an `element`, such as {{\"role\", \"name\"}}", check.name()));
            }
            if check.element.is_some() && !check.is_of_one() {
                return Err(format!("`element` does not go with {}", check.name()));
            }
            if check.kind == Kind::ElementChecked && !matches!(check.value.as_str(), "true" | "false") {
                return Err("the `value` of element_checked is \"true\" or \"false\"".to_owned());
            }
        }
        if self.tool == WAIT {
            return if self.arguments.is_empty() { Ok(()) } else { Err("`wait` takes no arguments".to_owned()) };
        }
        if !ACTING.contains(&self.tool.as_str()) {
            return Err(format!("a step is done by one of {}, or is a {WAIT}", ACTING.join(", ")));
        }
        if let Some(name) = OF_ITS_SESSION.into_iter().find(|name| self.arguments.contains_key(*name)) {
            return Err(format!("`{name}` means something in one session only; leave it out"));
        }
        self.for_texts(&mut |text| words::names(text).map(drop))?;
        match self.tool.as_str() {
            "mouse" => OnDesktop::of(&self.arguments).map(drop).map_err(|error| error.to_string()),
            "script" if self.arguments.get("code").and_then(Value::as_str).is_some_and(words::is_open) => {
                Err("a placeholder in `code` would be run as a part of it; put it into `env`".to_owned())
            }
            _ => self.check_arguments(),
        }
    }

    /// Whether the tool knows what it is given. What is named by the target need not be.
    fn check_arguments(&self) -> Result<(), String> {
        let Some(tool) = TOOLS.iter().find(|tool| tool.name == self.tool) else { return Ok(()) };
        let schema = Value::Object(tool.schema());
        if let Some(name) = self.arguments.keys().find(|name| schema["properties"].get(name.as_str()).is_none()) {
            return Err(format!("{} takes no argument {name:?}", self.tool));
        }
        let needed = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
        match needed.into_iter().find(|name| !self.arguments.contains_key(*name)) {
            Some(name) => Err(format!("{} needs the argument {name:?}", self.tool)),
            None => {
                let action = &self.arguments.get("action");
                let choices = &schema["properties"]["action"]["enum"];
                match (action, choices.as_array()) {
                    (Some(action), Some(choices)) if !choices.contains(action) => {
                        Err(format!("{} has no action {action}", self.tool))
                    }
                    _ => Ok(()),
                }
            }
        }
    }
}

/// The parameters that some steps name.
///
/// # Errors
/// For two braces that are no placeholder.
pub(super) fn used(steps: &[Step]) -> Result<BTreeSet<String>, String> {
    let mut used = BTreeSet::new();
    for step in steps {
        step.for_texts(&mut |text| {
            used.extend(words::names(text)?.into_iter().map(str::to_owned));
            Ok(())
        })
        .map_err(|why| format!("step {}: {why}", step.id))?;
    }
    Ok(used)
}

fn for_strings<'a>(value: &'a Value, hear: &mut dyn FnMut(&'a str) -> Result<(), String>) -> Result<(), String> {
    match value {
        Value::String(text) => hear(text),
        Value::Array(items) => items.iter().try_for_each(|item| for_strings(item, hear)),
        Value::Object(fields) => fields.values().try_for_each(|field| for_strings(field, hear)),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

fn fill_strings(value: &mut Value, values: &Map<String, Value>) -> Result<(), String> {
    match value {
        Value::String(text) => {
            *text = words::fill(text, values)?;
            Ok(())
        }
        Value::Array(items) => items.iter_mut().try_for_each(|item| fill_strings(item, values)),
        Value::Object(fields) => fields.values_mut().try_for_each(|field| fill_strings(field, values)),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn program(steps: Value) -> Value {
        json!({"name": "a", "version": 1, "source": "session", "parameters": [{"name": "who"}], "steps": steps})
    }

    fn refused(value: &Value) -> String {
        Program::parse(value.to_string().as_bytes()).unwrap_err()
    }

    #[test]
    fn a_program_comes_back_as_it_was_written() {
        let steps = json!([
            {"id": 1, "tool": "app", "arguments": {"action": "open", "name": "xterm"},
             "postcondition": {"kind": "app_frontmost", "value": "xterm"}},
            {"id": 7, "tool": "ui", "arguments": {"action": "type", "text": "hello {{who}}"},
             "target": {"app": "Notes", "role": "text", "name": "Note"}, "note": "the greeting"},
            {"id": 3, "tool": "mouse", "arguments": {"action": "click", "x": 5, "y": 6.5}, "wait_ms": 100},
            {"id": 4, "tool": "wait", "postcondition": {"kind": "text_visible", "value": "Saved {{who}}", "timeout_ms": 9}},
        ]);
        let read = Program::parse(program(steps).to_string().as_bytes()).unwrap();
        assert_eq!(Program::parse(&read.to_bytes().unwrap()).unwrap(), read);
        assert_eq!(read.position(3), Ok(2));
        assert!(read.position(2).unwrap_err().contains("there are 1, 7, 3, 4"));
        let values = Map::from_iter([("who".to_owned(), json!("{{who}}"))]);
        let filled = read.steps[1].filled(&values).unwrap();
        assert_eq!(filled.arguments["text"], "hello {{who}}", "a value is not read once more");
        assert_eq!(read.steps[3].filled(&values).unwrap().postcondition.unwrap().value, "Saved {{who}}");
    }

    #[test]
    fn what_is_no_program_is_refused_with_its_place() {
        let step = |tool: &str, arguments: Value| json!([{"id": 1, "tool": tool, "arguments": arguments}]);
        for (steps, why) in [
            (json!([]), "0 steps"),
            (json!([{"id": 1, "tool": "wait", "then": 1}]), "unknown field `then`"),
            (json!([{"id": 1, "tool": "wait"}, {"id": 1, "tool": "wait"}]), "two steps have the number 1"),
            (step("learn", json!({"action": "run", "name": "a"})), "step 1: a step is done by one of app,"),
            (step("opendesk_use", json!({"peer": "x"})), "a step is done by one of"),
            (step("app", json!({"action": "open", "nam": "x"})), "app takes no argument \"nam\""),
            (step("app", json!({"name": "x"})), "app needs the argument \"action\""),
            (step("app", json!({"action": "explode"})), "app has no action \"explode\""),
            (step("mouse", json!({"action": "click"})), "`x` and `y`"),
            (
                step("mouse", json!({"action": "click", "x": 1, "y": 1, "mark": 3})),
                "`mark` means something in one session",
            ),
            (step("keyboard", json!({"action": "type", "text": "{{other}}"})), "{{other}} is used and not listed"),
            (step("keyboard", json!({"action": "type", "text": "{{not a name}}"})), "no placeholder"),
            (step("script", json!({"action": "shell", "code": "echo {{who}}"})), "put it into `env`"),
            (json!([{"id": 1, "tool": "wait", "wait_ms": 60_001}]), "`wait_ms`"),
            (
                json!([{"id": 1, "tool": "wait", "postcondition": {"kind": "text_visible", "value": ""}}]),
                "needs a `value`",
            ),
            (
                json!([{"id": 1, "tool": "wait", "postcondition": {"kind": "magic", "value": "a"}}]),
                "unknown variant `magic`",
            ),
            (
                json!([{"id": 1, "tool": "wait", "postcondition": {"kind": "element_value_is", "value": "a"}}]),
                "needs an `element`",
            ),
            (
                json!([{"id": 1, "tool": "wait", "postcondition":
                    {"kind": "element_checked", "value": "yes", "element": {"name": "Agree"}}}]),
                "\"true\" or \"false\"",
            ),
            (
                json!([{"id": 1, "tool": "wait", "postcondition":
                    {"kind": "text_visible", "value": "yes", "element": {"name": "Agree"}}}]),
                "`element` does not go with text_visible",
            ),
        ] {
            let error = refused(&program(steps));
            assert!(error.contains(why), "{error} is not about {why}");
        }
        let many: Vec<Value> = (1..=501).map(|id| json!({"id": id, "tool": "wait"})).collect();
        assert!(refused(&program(json!(many))).contains("501 steps"));
        let mut later = program(json!([{"id": 1, "tool": "wait"}]));
        later["version"] = 2.into();
        assert!(refused(&later).contains("version 2"));
        assert!(Program::parse(b"{\n \"name\": 5}").unwrap_err().contains("line 2"));
        assert!(Program::parse(&[b'['; 100_000]).is_err(), "what is nested deeply is refused, not followed");
    }

    #[test]
    fn a_step_is_a_line() {
        let step: Step = serde_json::from_value(json!({
            "id": 2, "tool": "ui", "arguments": {"action": "click"}, "target": {"app": "Notes", "name": "Save"},
            "wait_ms": 5, "postcondition": {"kind": "element_exists", "value": "Saved", "role": "label"}, "note": "why"
        }))
        .unwrap();
        let line = r#"2. ui {"action":"click"} at app "Notes", name "Save", after 5 ms; then element_exists "Saved" of role "label" within 5000 ms (why)"#;
        assert_eq!(step.line(), line);
        assert_eq!(step.title(), "ui click");
    }
}
