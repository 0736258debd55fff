//! Placeholders in texts: `{{name}}` stands for a parameter, `\{{` for the two braces themselves.

use serde_json::{Map, Value};

const OPEN: &str = "{{";
const LITERAL: &str = r"\{{";

/// The longest name of a parameter.
const LONGEST: usize = 32;

/// A text with what its placeholders stand for. What is filled in is never looked at again.
///
/// # Errors
/// For what is no placeholder, and for a parameter that has no value.
pub(super) fn fill(text: &str, values: &Map<String, Value>) -> Result<String, String> {
    let mut filled = String::with_capacity(text.len());
    each(text, &mut |part| {
        match part {
            Part::Text(text) => filled.push_str(text),
            Part::Name(name) => match values.get(name) {
                Some(Value::String(value)) => filled.push_str(value),
                Some(value) => filled.push_str(&value.to_string()),
                None => return Err(format!("the parameter {name} has no value")),
            },
        }
        Ok(())
    })?;
    Ok(filled)
}

/// The parameters that a text names.
///
/// # Errors
/// For two braces that are no placeholder.
pub(super) fn names(text: &str) -> Result<Vec<&str>, String> {
    let mut names = Vec::new();
    each(text, &mut |part| {
        if let Part::Name(name) = part {
            names.push(name);
        }
        Ok(())
    })?;
    Ok(names)
}

/// Whether a text has a placeholder, or what looks like one.
pub(super) fn is_open(text: &str) -> bool {
    names(text).map_or(true, |names| !names.is_empty())
}

/// A text that stands for itself.
pub(super) fn literal(text: &str) -> String {
    text.replace(OPEN, LITERAL)
}

/// What stands for a parameter.
pub(super) fn placeholder(name: &str) -> String {
    format!("{{{{{name}}}}}")
}

/// Whether this can be the name of a parameter.
///
/// # Errors
/// What a name is made of.
pub(super) fn good_name(name: &str) -> Result<(), String> {
    let is_good = (1..=LONGEST).contains(&name.len())
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.chars().all(|each| each.is_ascii_lowercase() || each.is_ascii_digit() || each == '_');
    if is_good {
        return Ok(());
    }
    let name: String = name.chars().take(LONGEST).collect();
    Err(format!("{name:?} is no parameter's name: 1 to {LONGEST} of a-z, 0-9 and _, a letter first"))
}

enum Part<'a> {
    Text(&'a str),
    Name(&'a str),
}

fn each<'a>(text: &'a str, hear: &mut dyn FnMut(Part<'a>) -> Result<(), String>) -> Result<(), String> {
    let mut rest = text;
    while let Some(at) = rest.find(OPEN) {
        let (before, braces) = rest.split_at(at);
        if let Some(before) = before.strip_suffix('\\') {
            hear(Part::Text(before))?;
            hear(Part::Text(OPEN))?;
            rest = braces.strip_prefix(OPEN).unwrap_or_default();
            continue;
        }
        hear(Part::Text(before))?;
        let named = braces.strip_prefix(OPEN).and_then(|inside| inside.split_once("}}"));
        let Some((name, after)) = named.filter(|(name, _)| good_name(name).is_ok()) else {
            return Err(r"two opening braces that begin no placeholder such as {{name}} are written \{{".to_owned());
        };
        hear(Part::Name(name))?;
        rest = after;
    }
    hear(Part::Text(rest))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn filled(text: &str) -> Result<String, String> {
        let values = json!({"who": "Ada {{who}}", "count": 7});
        fill(text, values.as_object().unwrap())
    }

    #[test]
    fn placeholders_are_filled_once() {
        assert_eq!(filled("{{who}}, {{count}}!").unwrap(), "Ada {{who}}, 7!");
        assert_eq!(filled("no braces, {one}").unwrap(), "no braces, {one}");
        assert!(filled("{{nobody}}").unwrap_err().contains("nobody has no value"));
        assert_eq!(names("{{who}} and {{count}}{{who}}").unwrap(), ["who", "count", "who"]);
        for wrong in ["{{", "{{who", "{{ who }}", "{{}}", "{{Who}}", "{{{who}}}"] {
            assert!(filled(wrong).is_err() && is_open(wrong), "{wrong}");
        }
    }

    #[test]
    fn any_text_can_stand_for_itself() {
        for text in ["{{who}}", "{{{", r"\{{", r"\\{{{{", "{{{{", r"a\", "}}", "", r"{\{{", "ä{{ö"] {
            let written = literal(text);
            assert_eq!(filled(&written).unwrap(), text, "{written}");
            assert!(!is_open(&written));
        }
        assert_eq!(filled(&placeholder("count")).unwrap(), "7");
    }
}
