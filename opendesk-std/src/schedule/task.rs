//! What is to be done: a call of one tool.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::home::plain_text;
use crate::tools::{TOOLS, Tool, check_beforehand, why_not, without_texts};

/// Tools that mean nothing in a session of one call, or would have tasks make tasks.
const SESSION_ONLY: [&str; 4] = ["audit", "opendesk_disconnect", "opendesk_use", "schedule"];

/// The tool that learned programs are run by.
const LEARNED: &str = "learn";

/// Longest arguments: a program of several screens of text.
const MOST_BYTES: usize = 64 << 10;

/// A call of one tool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Task {
    /// The tool.
    pub tool: String,
    /// Its arguments, without `peer`.
    pub arguments: Map<String, Value>,
}

impl Task {
    /// What somebody wants done: `run NAME` for a learned program, whose parameters the arguments are, else the name of a tool
    /// and its arguments.
    ///
    /// # Errors
    /// One line: what cannot be done, and what can.
    pub fn new(text: &str, arguments: Map<String, Value>) -> Result<Self, String> {
        let task = match program_of(text) {
            None => Self { tool: text.trim().to_owned(), arguments },
            Some(name) => {
                let mut given = Map::new();
                given.insert("action".into(), "run".into());
                given.insert("name".into(), name.into());
                if !arguments.is_empty() {
                    given.insert("parameters".into(), Value::Object(arguments));
                }
                Self { tool: LEARNED.to_owned(), arguments: given }
            }
        };
        task.check()?;
        let given = Value::Object(task.arguments.clone());
        check_beforehand(&task.tool, given).map_err(|error| format!("`{}`: {error}", task.tool))?;
        Ok(task)
    }

    /// Whether what somebody wants done is a learned program, so that the arguments are its own.
    pub(crate) fn runs_a_program(text: &str) -> bool {
        program_of(text).is_some()
    }

    /// What its tool is called with, without what may be a password: of a program's parameters the names only, of other
    /// texts that may be private how long they are.
    #[must_use]
    pub(crate) fn shown(&self) -> Value {
        let mut shown = self.arguments.clone();
        if let (Some(_), Some(parameters)) = (self.program(), shown.get_mut("parameters")) {
            let names = parameters.as_object().into_iter().flatten().map(|(name, _)| Value::from(name.as_str()));
            *parameters = names.collect();
            return Value::Object(shown);
        }
        without_texts(&Value::Object(shown))
    }

    /// Whether the tool exists, may be called so, and takes these arguments.
    ///
    /// # Errors
    /// One line.
    pub(super) fn check(&self) -> Result<(), String> {
        let tool = self.known()?;
        if self.tool == LEARNED && self.program().is_none() {
            return Err("of `learn` only `run` can be scheduled: write the task as `run NAME`".to_owned());
        }
        let bytes = serde_json::to_string(&self.arguments).map_or(usize::MAX, |text| text.len());
        if bytes > MOST_BYTES {
            return Err(format!(
                "the arguments have {bytes} bytes and a task keeps {MOST_BYTES}; learn a program instead"
            ));
        }
        let why = why_not(&tool.schema(), &Value::Object(self.arguments.clone()));
        why.map_or(Ok(()), |why| Err(format!("`{}`: {why}", self.tool)))
    }

    fn known(&self) -> Result<Tool, String> {
        let can = || TOOLS.into_iter().filter(|tool| !SESSION_ONLY.contains(&tool.name));
        if SESSION_ONLY.contains(&self.tool.as_str()) {
            return Err(format!(
                "`{}` cannot be scheduled: it means something in the session that calls it only",
                self.tool
            ));
        }
        can().find(|tool| tool.name == self.tool).ok_or_else(|| {
            let names: Vec<&str> = can().map(|tool| tool.name).collect();
            format!(
                "a task is `run NAME` of a learned program, or one tool of {}; {:?} is neither, and no model is here to read it",
                names.join(", "),
                short(&self.tool)
            )
        })
    }

    /// The learned program that is run; `None` for another tool.
    pub(crate) fn program(&self) -> Option<&str> {
        let text = |name: &str| self.arguments.get(name).and_then(Value::as_str);
        text("name").filter(|_| self.tool == LEARNED && text("action") == Some("run"))
    }

    /// Whether it is done on a desktop, which `peer` names.
    #[must_use]
    pub fn has_machine(&self) -> bool {
        self.known().is_ok_and(|tool| tool.schema()["properties"].get("peer").is_some())
    }

    /// The tool and what it does, without anything that is typed, copied or clicked.
    #[must_use]
    pub fn title(&self) -> String {
        match (self.program(), self.arguments.get("action").and_then(Value::as_str)) {
            (Some(name), _) => format!("run {}", short(name)),
            (None, Some(action)) => format!("{} {}", self.tool, short(action)),
            (None, None) => self.tool.clone(),
        }
    }
}

/// The program in `run NAME`.
fn program_of(text: &str) -> Option<&str> {
    let (verb, name) = text.trim().split_once(char::is_whitespace)?;
    let runs = verb.eq_ignore_ascii_case("run") || verb.eq_ignore_ascii_case("replay");
    runs.then_some(name.trim())
}

/// What a line has room for of a text.
fn short(text: &str) -> String {
    plain_text(text).chars().take(60).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn task(text: &str, arguments: Value) -> Result<Task, String> {
        let Value::Object(arguments) = arguments else { panic!("an object") };
        Task::new(text, arguments)
    }

    #[test]
    fn a_task_is_a_call_of_a_tool_that_exists() {
        let typed = task("keyboard", json!({"action": "type", "text": "secret"})).unwrap();
        assert_eq!(typed.title(), "keyboard type");
        assert!(typed.has_machine());
        assert!(!task("opendesk_peers", json!({})).unwrap().has_machine());
        for text in ["run weekly-report", " Replay  weekly-report "] {
            let program = task(text, json!({"week": 5})).unwrap();
            assert_eq!((program.title().as_str(), program.program()), ("run weekly-report", Some("weekly-report")));
            assert_eq!(program.arguments["parameters"], json!({"week": 5}));
        }
        let secret = task("run log-in", json!({"password": "sesame", "peer": "desk", "pin": 1234})).unwrap();
        let names = json!(["password", "peer", "pin"]);
        assert_eq!(secret.shown(), json!({"action": "run", "name": "log-in", "parameters": names}));
        assert_eq!(typed.shown(), json!({"action": "type", "text": "6 characters"}));
        for (text, arguments, said) in [
            ("send the weekly report to Eve", json!({}), "a task is `run NAME`"),
            ("schedule", json!({"action": "list"}), "cannot be scheduled"),
            ("opendesk_use", json!({"name": "x"}), "cannot be scheduled"),
            ("learn", json!({"action": "start"}), "only `run` can be scheduled"),
            ("keyboard", json!({"action": "shout"}), "`keyboard`: `action` has to be one of"),
            ("mouse", json!({"action": "click"}), "this action needs `x` and `y`"),
            ("keyboard", json!({"action": "type", "txet": "x"}), "there is no `txet`, but"),
            ("keyboard", json!({"action": "type", "text": "x".repeat(MOST_BYTES)}), "a task keeps 65536"),
        ] {
            let error = task(text, arguments).unwrap_err();
            assert!(error.contains(said) && !error.contains('\n'), "{error}");
        }
    }
}
