//! Whether all actions of a batch can be what they are to be, before the first of them is done.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Action, MOST, MOST_PICTURES, Member, Name};
use crate::tools::session::Session;
use crate::tools::target::{Target, ToolError};
use crate::tools::{check_beforehand, find, schema, why_not};

/// Long enough for what was clicked to be there before the next action, short enough for many of them.
const SETTLE_MS: u32 = 50;

/// The actions with all that they need.
///
/// # Errors
/// [`ToolError::Arguments`], naming the first action that is wrong.
pub(super) fn members(session: &Session, target: &Target, actions: Vec<Action>) -> Result<Vec<Member>, ToolError> {
    let count = actions.len();
    if count == 0 {
        return Err(ToolError::Arguments(format!("`actions` is empty, and a batch has 1 to {MOST}; name one")));
    }
    if count > MOST {
        return Err(ToolError::Arguments(format!("`actions` has {count}, and a batch has 1 to {MOST}; split it")));
    }
    let pictures = actions.iter().filter(|action| action.tool == Name::Screenshot).count();
    if pictures > MOST_PICTURES {
        let why = format!(
            "{pictures} actions are screenshots and a batch has at most {MOST_PICTURES}, besides the one in its end; leave \
             some out"
        );
        return Err(ToolError::Arguments(why));
    }
    let mut schemas = BTreeMap::new();
    let checked = (1..).zip(actions).map(|(number, Action { tool, arguments })| {
        let wrong = |why: String| ToolError::Arguments(format!("action {number} ({}): {why}", tool.text()));
        let schema = match schemas.get(tool.text()) {
            Some(schema) => schema,
            None => schemas.entry(tool.text()).or_insert(schema_of(tool)?),
        };
        let arguments = Value::Object(arguments);
        if let Some(why) = why_not(schema, &arguments) {
            return Err(wrong(why));
        }
        if let Some(peer) = arguments.get("peer").and_then(Value::as_str) {
            let named = session.target(Some(peer))?;
            if named != *target {
                let why = format!(
                    "its `peer` is {} and that of the batch {}; a batch is for one machine, so leave it out",
                    named.name(),
                    target.name()
                );
                return Err(wrong(why));
            }
        }
        let member = member(tool, arguments, target, schema);
        match check_beforehand(tool.text(), member.arguments.clone()) {
            Err(ToolError::Arguments(why)) => Err(wrong(why)),
            Err(error) => Err(error),
            Ok(()) => Ok(member),
        }
    });
    checked.collect()
}

fn schema_of(tool: Name) -> Result<Map<String, Value>, ToolError> {
    match tool {
        Name::Wait => Ok(schema::of::<super::Wait>()),
        tool => Ok(find(tool.text())?.schema()),
    }
}

fn member(tool: Name, arguments: Value, target: &Target, schema: &Map<String, Value>) -> Member {
    let Value::Object(mut arguments) = arguments else { return Member { tool, arguments } };
    let takes = |name: &str| schema.get("properties").is_some_and(|properties| properties.get(name).is_some());
    if takes("settle_ms") {
        arguments.entry("settle_ms").or_insert_with(|| SETTLE_MS.into());
    }
    // A picture in between is not shown, and what later actions point at is in one that was.
    if arguments.get("observe").and_then(Value::as_str) == Some("picture") {
        arguments.remove("observe");
    }
    if takes("peer") {
        // Also where something else is chosen meanwhile.
        arguments.insert("peer".to_owned(), target.name().into());
    }
    Member { tool, arguments: Value::Object(arguments) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::tools::peers::tests::{home, know, session};

    fn refusal(actions: Value) -> String {
        let (_folder, home) = home();
        know(&home, "desk", 1);
        let session = session(&home);
        let actions: Vec<Action> = serde_json::from_value(actions).unwrap();
        members(&session, &Target::Local, actions).map(drop).unwrap_err().to_string()
    }

    #[test]
    fn what_is_wrong_with_an_action_is_known_before() {
        let act = |tool: &str, arguments: Value| {
            refusal(json!([{"tool": "wait", "arguments": {"ms": 1}}, {"tool": tool, "arguments": arguments}]))
        };
        for (tool, arguments, why) in [
            ("mouse", json!({"x": 1, "y": 1}), "action 2 (mouse): `action` is missing"),
            ("mouse", json!({"action": "fly"}), "`action` has to be one of move, click"),
            ("mouse", json!({"action": "click", "x": "1"}), "`x` has to be a number, not a text"),
            ("mouse", json!({"action": "click", "z": 1}), "there is no `z`, but `action`"),
            ("keyboard", json!({"action": "hotkey", "keys": "ctrl"}), "`keys` has to be a list of texts, not a text"),
            (
                "keyboard",
                json!({"action": "hotkey", "keys": [1]}),
                "`keys` has to be a list of texts; item 1 is none of them",
            ),
            ("mouse", json!({"action": "click"}), "this action needs `x` and `y`, or a `mark`"),
            ("mouse", json!({"action": "drag", "x": 1, "y": 1}), "drag needs `end_x`"),
            ("keyboard", json!({"action": "press"}), "press needs `key`"),
            ("keyboard", json!({"action": "press", "key": "no such key"}), "action 2 (keyboard): "),
            ("ui", json!({"action": "type", "title": "Name"}), "type needs `text`"),
            ("app", json!({"action": "open"}), "open needs `name`"),
            ("script", json!({"action": "shell", "code": " "}), "shell needs `code`"),
            ("wait", json!({"ms": -1}), "`ms` has to be a whole number from 0 to 10000"),
            ("wait", json!({}), "`ms` is missing"),
            ("wait", json!({"ms": 10_001}), "`ms` has to be a whole number from 0 to 10000"),
            ("screenshot", json!({"peer": "desk"}), "its `peer` is desk and that of the batch local"),
            ("screenshot", json!({"peer": "nobody"}), "no paired machine is called \"nobody\""),
        ] {
            let refused = act(tool, arguments);
            assert!(refused.contains(why), "{refused}");
        }
        assert!(refusal(json!([])).contains("`actions` is empty, and a batch has 1 to 50"));
        let many = |tool: &str, count: usize| {
            let arguments = if tool == "wait" { json!({"ms": 1}) } else { json!({}) };
            refusal(Value::Array(vec![json!({"tool": tool, "arguments": arguments}); count]))
        };
        assert!(many("wait", 51).contains("`actions` has 51"));
        assert!(many("screenshot", 4).contains("4 actions are screenshots"));
    }

    #[test]
    fn actions_are_for_the_machine_of_the_batch_and_settle_little() {
        let (_folder, home) = home();
        let session = session(&home);
        let actions = json!([
            {"tool": "mouse", "arguments": {"action": "move", "x": 1, "y": 2.5, "end_x": null}},
            {"tool": "keyboard", "arguments": {"action": "press", "key": "a", "settle_ms": 7, "peer": "LOCAL"}},
            {"tool": "screenshot"},
        ]);
        let members = members(&session, &Target::Local, serde_json::from_value(actions).unwrap()).unwrap();
        let field = |index: usize, name: &str| members[index].arguments.get(name).cloned();
        assert_eq!(
            (field(0, "settle_ms"), field(1, "settle_ms"), field(2, "settle_ms")),
            (Some(50.into()), Some(7.into()), None)
        );
        assert!((0..3).all(|index| field(index, "peer") == Some("local".into())));
    }
}
