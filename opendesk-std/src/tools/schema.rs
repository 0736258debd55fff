//! JSON Schemas that strict bridges accept: no null types, no integer formats, no references.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

/// The schema of a tool's arguments.
pub(super) fn of<T: JsonSchema>() -> Map<String, Value> {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    plain(&mut schema);
    match schema {
        Value::Object(mut object) => {
            object.remove("title");
            object.remove("description");
            object.entry("properties").or_insert_with(|| Value::Object(Map::new()));
            object
        }
        _ => Map::new(),
    }
}

fn plain(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(plain),
        Value::Object(object) => {
            let schema = object.contains_key("type") || object.contains_key("anyOf");
            if schema {
                object.remove("format");
                if object.get("default").is_some_and(Value::is_null) {
                    object.remove("default");
                }
                without_null(object);
                // Bridges that are strict refuse objects that say to be open; one that does not say it is as open.
                if object.get("additionalProperties").is_some_and(|open| *open != Value::Bool(false)) {
                    object.remove("additionalProperties");
                }
            }
            object.values_mut().for_each(plain);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// An optional argument is one that may be left out, not one that may be null.
fn without_null(object: &mut Map<String, Value>) {
    if let Some(Value::Array(types)) = object.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            object.insert("type".into(), only);
        }
    }
    if let Some(Value::Array(values)) = object.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }
    if let Some(Value::Array(mut choices)) = object.remove("anyOf") {
        choices.retain(|choice| choice.get("type").is_none_or(|name| name != "null"));
        match (choices.pop(), choices.is_empty()) {
            (Some(Value::Object(only)), true) => {
                for (key, value) in only {
                    object.entry(key).or_insert(value);
                }
            }
            (Some(last), _) => {
                choices.push(last);
                object.insert("anyOf".into(), Value::Array(choices));
            }
            (None, _) => {}
        }
    }
}
