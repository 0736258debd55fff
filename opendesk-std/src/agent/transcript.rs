//! What of a request, an answer or a result is worth keeping in a file.

use serde_json::{Value, json};

/// The same without the bytes of pictures: how many there were stands in their place.
#[must_use]
pub fn without_pictures(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(without_pictures).collect(),
        Value::Object(object) => object
            .iter()
            .map(|(name, value)| {
                (name.clone(), if is_data(name, value) { told(value) } else { without_pictures(value) })
            })
            .collect(),
        other => other.clone(),
    }
}

fn is_data(name: &str, value: &Value) -> bool {
    let Some(text) = value.as_str() else { return false };
    text.starts_with("data:image/") || (matches!(name, "data" | "base64") && text.len() > 64 && !text.contains(' '))
}

fn told(value: &Value) -> Value {
    let length = value.as_str().map_or(0, str::len);
    json!(format!("[a picture, {length} characters of base64]"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_left_out_and_nothing_else() {
        let long = "A".repeat(100);
        let value = json!({"content": [
            {"source": {"media_type": "image/png", "data": long}},
            {"image_url": format!("data:image/png;base64,{long}")},
            {"image_url": {"url": format!("data:image/png;base64,{long}")}},
            {"text": long, "data": "short"},
        ]});
        let kept = without_pictures(&value);
        let text = kept.to_string();
        assert_eq!(text.matches(&long).count(), 1, "{text}");
        assert_eq!(kept["content"][0]["source"]["media_type"], "image/png");
        assert_eq!(kept["content"][3], value["content"][3]);
    }
}
