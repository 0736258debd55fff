//! Whether arguments fit the schema of a tool, as far as the plain JSON Schema of our tools says it.

use serde_json::Value;

/// Says what does not fit, and where.
///
/// # Errors
/// One line.
pub(super) fn fits(schema: &Value, value: &Value, place: &str) -> Result<(), String> {
    let here = |what: &str| Err(format!("{place} {what}"));
    if let Some(kind) = schema["type"].as_str()
        && !is_a(kind, value)
    {
        return here(&format!("has to be {}", article(kind)));
    }
    if let Some(choices) = schema["enum"].as_array()
        && !choices.contains(value)
    {
        let choices: Vec<&str> = choices.iter().filter_map(Value::as_str).collect();
        return here(&format!("has to be one of {}", choices.join(", ")));
    }
    if let Some(number) = value.as_f64() {
        if let Some(least) = schema["minimum"].as_f64().filter(|least| number < *least) {
            return here(&format!("cannot be below {least}"));
        }
        if let Some(most) = schema["maximum"].as_f64().filter(|most| number > *most) {
            return here(&format!("cannot be above {most}"));
        }
    }
    match value {
        Value::Object(fields) => {
            for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                if !fields.contains_key(name) {
                    return here(&format!("lacks {name:?}"));
                }
            }
            for (name, value) in fields {
                match &schema["properties"][name] {
                    Value::Null if schema["additionalProperties"] == false => {
                        let known: Vec<&str> =
                            schema["properties"].as_object().into_iter().flatten().map(|(name, _)| &**name).collect();
                        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                        return here(&format!("does not take {:?}; it takes {known}", crate::home::plain_text(name)));
                    }
                    property => fits(property, value, &format!("{place}.{}", crate::home::plain_text(name)))?,
                }
            }
            Ok(())
        }
        Value::Array(items) => {
            let mut numbered = items.iter().enumerate();
            numbered.try_for_each(|(index, item)| fits(&schema["items"], item, &format!("{place}[{index}]")))
        }
        _ => Ok(()),
    }
}

fn is_a(kind: &str, value: &Value) -> bool {
    match kind {
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => true,
    }
}

fn article(kind: &str) -> String {
    let vowel = kind.starts_with(['a', 'e', 'i', 'o', 'u']);
    format!("{} {kind}", if vowel { "an" } else { "a" })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_does_not_fit_is_said_with_its_place() {
        let schema = json!({
            "type": "object", "additionalProperties": false, "required": ["action"],
            "properties": {
                "action": {"type": "string", "enum": ["press", "type"]},
                "count": {"type": "integer", "minimum": 1, "maximum": 5},
                "keys": {"type": "array", "items": {"type": "string"}},
                "free": {"type": "object"},
            },
        });
        for (value, said) in [
            (json!({"action": "press"}), ""),
            (json!({"action": "press", "count": 5, "keys": ["a"], "free": {"x": [1]}}), ""),
            (json!([]), "it has to be an object"),
            (json!({}), "it lacks \"action\""),
            (json!({"action": "jump"}), "it.action has to be one of press, type"),
            (json!({"action": "type", "count": 0}), "it.count cannot be below 1"),
            (json!({"action": "type", "count": 6}), "it.count cannot be above 5"),
            (json!({"action": "type", "count": "5"}), "it.count has to be an integer"),
            (json!({"action": "type", "keys": ["a", 1]}), "it.keys[1] has to be a string"),
            (json!({"action": "type", "tex\nt": 1}), "it does not take \"tex t\"; it takes action, count, free, keys"),
        ] {
            assert_eq!(fits(&schema, &value, "it").err().unwrap_or_default(), said, "{value}");
        }
    }
}
