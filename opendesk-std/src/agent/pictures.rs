//! Old pictures leave the history: a model needs the last few, and each costs as much as pages of text.

use serde_json::{Value, json};

use crate::tools::formats::NO_PICTURE;

/// So many of the last ones stay.
const KEPT: usize = 3;

/// So many leave at once: what is before the first of them stays as it is, so that providers find it in their caches.
const CHUNK: usize = 10;

const LEFT_OUT: &str = "[an older picture was left out]";

/// Takes old pictures out of a history.
pub(super) fn prune(history: &mut [Value]) {
    let mut all = 0;
    for item in &mut *history {
        each(item, &mut |_| all += 1);
    }
    if all < KEPT + CHUNK {
        return;
    }
    let mut surplus = all - KEPT;
    for item in history {
        each(item, &mut |picture| {
            if surplus > 0 {
                surplus -= 1;
                leave_out(picture);
            }
        });
    }
}

/// The pictures in a part of the history, in order.
fn each(value: &mut Value, found: &mut impl FnMut(&mut Value)) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| each(item, found)),
        Value::Object(_) if is_picture(value) => found(value),
        Value::Object(object) => object.values_mut().for_each(|item| each(item, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn is_picture(value: &Value) -> bool {
    match value["type"].as_str() {
        Some("image") => value["source"].is_object(),
        Some("input_image") => value["image_url"].is_string(),
        Some("image_url") => value["image_url"].is_object(),
        Some("computer_screenshot") => value["image_url"].as_str().is_some_and(|url| url != NO_PICTURE),
        _ => false,
    }
}

fn leave_out(picture: &mut Value) {
    match picture["type"].as_str() {
        // There has to be one.
        Some("computer_screenshot") => picture["image_url"] = NO_PICTURE.into(),
        Some("input_image") => *picture = json!({"type": "input_text", "text": LEFT_OUT}),
        _ => *picture = json!({"type": "text", "text": LEFT_OUT}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_pictures_leave_in_chunks() {
        let shapes = [
            json!({"type": "image", "source": {"type": "base64", "data": "AAAA"}}),
            json!({"type": "input_image", "image_url": "data:,"}),
            json!({"type": "image_url", "image_url": {"url": "data:,"}}),
            json!({"type": "computer_screenshot", "image_url": "data:,"}),
        ];
        for shape in shapes {
            let item = json!({"role": "user", "content": [{"content": [shape, {"type": "text", "text": "t"}]}]});
            let mut history = vec![item.clone(); KEPT + CHUNK - 1];
            prune(&mut history);
            assert!(history.iter().all(|kept| *kept == item), "too few to leave");
            history.push(item.clone());
            prune(&mut history);
            let kept = history.iter().filter(|kept| **kept == item).count();
            assert_eq!(kept, KEPT, "{shape}");
            assert!(history[KEPT + CHUNK - KEPT..].iter().all(|kept| *kept == item), "the last ones stay");
            let before = history.clone();
            prune(&mut history);
            assert_eq!(history, before);
        }
    }
}
