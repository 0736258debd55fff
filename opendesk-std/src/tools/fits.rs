//! Why arguments are not what a tool takes, in the words of whoever gave them: those of JSON.

use serde_json::{Map, Value};

/// What is wrong with an object, by the schema that it should fit; `None` where nothing is found.
pub(crate) fn why_not(schema: &Map<String, Value>, given: &Value) -> Option<String> {
    let Some(fields) = given.as_object() else {
        return Some(format!("they have to be an object, not {}", kind(given)));
    };
    object(schema, fields, "")
}

/// Takes away empty texts where one of several names is wanted: models that have to give every argument give those. Tells
/// whether there were any.
pub(super) fn without_empty(schema: &Map<String, Value>, given: &mut Value) -> bool {
    let Some(fields) = given.as_object_mut() else { return false };
    let before = fields.len();
    let has_names = |name: &str| schema.get("properties").is_some_and(|all| all[name].get("enum").is_some());
    fields.retain(|name, value| value.as_str() != Some("") || !has_names(name));
    fields.len() < before
}

fn object(schema: &Map<String, Value>, fields: &Map<String, Value>, within: &str) -> Option<String> {
    let none = Map::new();
    let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&none);
    for (name, value) in fields {
        let called = format!("{within}{name}");
        let Some(property) = properties.get(name) else {
            if schema.get("additionalProperties") != Some(&Value::Bool(false)) {
                continue;
            }
            let known: Vec<String> = properties.keys().map(|name| format!("`{name}`")).collect();
            return Some(format!("there is no `{}`, but {}", crate::home::plain_text(&called), known.join(", ")));
        };
        // What is optional may be null as well.
        if !value.is_null()
            && let Some(why) = wrong(property, value, &called)
        {
            return Some(why);
        }
    }
    let required = schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let name = required.into_iter().find(|name| fields.get(*name).is_none_or(Value::is_null))?;
    let wanted =
        properties.get(name).map(|property| format!("; it has to be {}", wanted(property))).unwrap_or_default();
    Some(format!("`{within}{name}` is missing{wanted}"))
}

fn wrong(schema: &Value, value: &Value, called: &str) -> Option<String> {
    let has_to_be = || format!("`{called}` has to be {}", wanted(schema));
    let is_one = match schema["type"].as_str() {
        Some("string") => value.is_string(),
        Some("boolean") => value.is_boolean(),
        Some("integer") => value.is_u64() || value.is_i64(),
        Some("number") => value.is_number(),
        Some("array") => value.is_array(),
        Some("object") => value.is_object(),
        _ => true,
    };
    if !is_one {
        return Some(format!("{}, not {}", has_to_be(), kind(value)));
    }
    if schema["enum"].as_array().is_some_and(|names| !names.contains(value)) {
        return Some(has_to_be());
    }
    if let Some(number) = value.as_f64() {
        let is_below = schema["minimum"].as_f64().is_some_and(|least| number < least);
        let is_above = schema["maximum"].as_f64().is_some_and(|most| number > most);
        return (is_below || is_above).then(has_to_be);
    }
    if let (Some(fields), Some(schema)) = (value.as_object(), schema.as_object()) {
        return object(schema, fields, &format!("{called}."));
    }
    let values = value.as_array()?;
    let count = values.len() as u64;
    let is_short = schema["minItems"].as_u64().is_some_and(|least| count < least);
    if is_short || schema["maxItems"].as_u64().is_some_and(|most| count > most) {
        return Some(format!("{}, not of {count}", has_to_be()));
    }
    let items = &schema["items"];
    let (at, why) = (1..).zip(values).find_map(|(at, value)| {
        let called = format!("{called}[{}]", at - 1);
        Some((at, wrong(items, value, &called)?))
    })?;
    // What is wrong within an object says so best itself.
    let is_object = items["type"] == "object" && values.get(at - 1).is_some_and(Value::is_object);
    Some(if is_object { why } else { format!("{}; item {at} is none of them", has_to_be()) })
}

/// What a value has to be.
fn wanted(schema: &Value) -> String {
    if let Some(names) = schema["enum"].as_array() {
        let names: Vec<&str> = names.iter().filter_map(Value::as_str).collect();
        return format!("one of {}", names.join(", "));
    }
    let range = match (schema["minimum"].as_f64(), schema["maximum"].as_f64()) {
        (Some(least), Some(most)) => format!(" from {least} to {most}"),
        (Some(least), None) => format!(" from {least} on"),
        (None, Some(most)) => format!(" of at most {most}"),
        (None, None) => String::new(),
    };
    match schema["type"].as_str() {
        Some("string") => "a text".to_owned(),
        Some("boolean") => "true or false".to_owned(),
        Some("integer") => format!("a whole number{range}"),
        Some("number") => format!("a number{range}"),
        Some("array") => format!("a list of {}", several(schema)),
        _ => "an object".to_owned(),
    }
}

/// What a list has to hold.
fn several(schema: &Value) -> String {
    let items = &schema["items"];
    let count = match (schema["minItems"].as_u64(), schema["maxItems"].as_u64()) {
        (Some(least), Some(most)) if least == most => format!("{least} "),
        (Some(least), Some(most)) => format!("{least} to {most} "),
        _ => String::new(),
    };
    let items = match items["type"].as_str() {
        Some("string") => "texts".to_owned(),
        Some("integer") => "whole numbers".to_owned(),
        Some("number") => "numbers".to_owned(),
        Some("boolean") => "true or false".to_owned(),
        Some("array") => format!("lists of {}", several(items)),
        _ => "objects".to_owned(),
    };
    format!("{count}{items}")
}

/// What a value is. Never what it says: that may have been typed or copied.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(number) if number.is_f64() => "one with a decimal point",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::{TOOLS, find};
    use super::*;

    fn why(tool: &str, given: &Value) -> String {
        why_not(&find(tool).unwrap().schema(), given).unwrap_or_default()
    }

    #[test]
    fn what_is_wrong_is_told_in_the_words_of_json() {
        for (tool, given, told) in [
            ("mouse", json!({"action": "click", "x": "5", "y": 5}), "`x` has to be a number, not a text"),
            (
                "mouse",
                json!({"action": "click", "settle_ms": -1}),
                "`settle_ms` has to be a whole number from 0 to 10000",
            ),
            (
                "mouse",
                json!({"action": "click", "settle_ms": 1.5}),
                "`settle_ms` has to be a whole number from 0 to 10000, not one with a decimal point",
            ),
            (
                "mouse",
                json!({"action": "drag", "path": [[1, 2], [1]]}),
                "`path` has to be a list of lists of 2 numbers; item 2 is none of them",
            ),
            ("screenshot", json!({"region": [0, 0]}), "`region` has to be a list of 4 numbers, not of 2"),
            ("screenshot", json!({"marks": "yes"}), "`marks` has to be true or false, not a text"),
            ("keyboard", json!({"action": "hotkey", "keys": "ctrl"}), "`keys` has to be a list of texts, not a text"),
            ("keyboard", json!({"action": "shout"}), "`action` has to be one of type, press, hotkey, hold"),
            ("keyboard", json!({"text": "a"}), "`action` is missing; it has to be one of type, press, hotkey, hold"),
            ("learn", json!({"action": "show", "nam": "a"}), "there is no `nam`, but `action`, "),
            (
                "computer_batch",
                json!({"actions": [{"tool": "wait"}, {"tool": "fly"}]}),
                "`actions[1].tool` has to be one of mouse, ",
            ),
            ("computer_batch", json!({"actions": [5]}), "`actions` has to be a list of 1 to 50 objects; item 1 is"),
            ("mouse", json!([1]), "they have to be an object, not a list"),
        ] {
            let said = why(tool, &given);
            assert!(said.starts_with(told), "{tool} {given}: {said}");
        }
        assert_eq!(why("mouse", &json!({"action": "click", "x": 5, "y": null})), "");
        assert_eq!(why("learn", &json!({"action": "run", "parameters": {"any": 1}})), "");
    }

    #[test]
    fn an_empty_text_is_no_name() {
        let mut given = json!({"action": "click", "direction": "", "shot_id": ""});
        assert!(without_empty(&find("mouse").unwrap().schema(), &mut given));
        assert_eq!(given, json!({"action": "click", "shot_id": ""}));
        assert!(!without_empty(&find("mouse").unwrap().schema(), &mut given));
    }

    #[test]
    fn a_value_is_never_told() {
        for tool in TOOLS {
            let schema = tool.schema();
            for name in schema["properties"].as_object().into_iter().flatten().map(|(name, _)| name) {
                for value in [json!("hunter2"), json!(["hunter2"]), json!({"hunter2": 1}), json!(77_123)] {
                    let said = why(tool.name, &json!({"action": "hunter2", name.as_str(): value}));
                    assert!(!said.contains("hunter2") && !said.contains("77123"), "{}: {said}", tool.name);
                }
            }
        }
    }
}
