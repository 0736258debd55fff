//! JSON text byte for byte as the version 1 peers write it: their files are read and rewritten by both, and a hash
//! of an audit record is a hash of its text.

use serde_json::{Map, Number, Value};

/// Below this every integral `f64` is exact; the canonical form writes such numbers as integers.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// The three ways the text is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// No spaces, UTF-8, integral floats as integers: what is hashed.
    Canonical,
    /// One line, a space after each comma and colon, ASCII only.
    Line,
    /// Two spaces of indentation a level, ASCII only.
    Pretty,
}

/// The text of an object, its keys sorted by code point. There is no line break at the end.
pub(crate) fn object(fields: &Map<String, Value>, style: Style) -> String {
    let mut writer = Writer { text: String::with_capacity(512), style, depth: 0 };
    writer.object(fields);
    writer.text
}

/// The text of an array, the keys of its objects sorted by code point. There is no line break at the end.
pub(crate) fn array(items: &[Value], style: Style) -> String {
    let mut writer = Writer { text: String::new(), style, depth: 0 };
    writer.array(items);
    writer.text
}

struct Writer {
    text: String,
    style: Style,
    depth: usize,
}

impl Writer {
    fn value(&mut self, value: &Value) {
        match value {
            Value::Null => self.text.push_str("null"),
            Value::Bool(true) => self.text.push_str("true"),
            Value::Bool(false) => self.text.push_str("false"),
            Value::Number(number) => self.number(number),
            Value::String(text) => self.string(text),
            Value::Array(items) => self.array(items),
            Value::Object(fields) => self.object(fields),
        }
    }

    fn array(&mut self, items: &[Value]) {
        self.text.push('[');
        self.depth += 1;
        for (index, item) in items.iter().enumerate() {
            self.separate(index);
            self.value(item);
        }
        self.close(items.is_empty(), ']');
    }

    fn object(&mut self, fields: &Map<String, Value>) {
        // The order of the map itself hangs on a feature of serde_json that any other crate may turn on.
        let mut sorted: Vec<_> = fields.iter().collect();
        sorted.sort_unstable_by_key(|(name, _)| *name);
        self.text.push('{');
        self.depth += 1;
        for (index, (name, value)) in sorted.into_iter().enumerate() {
            self.separate(index);
            self.string(name);
            self.text.push_str(if self.style == Style::Canonical { ":" } else { ": " });
            self.value(value);
        }
        self.close(fields.is_empty(), '}');
    }

    /// What stands before the item of this index.
    fn separate(&mut self, index: usize) {
        if index > 0 {
            self.text.push(',');
        }
        match self.style {
            Style::Canonical => {}
            Style::Line if index == 0 => {}
            Style::Line => self.text.push(' '),
            Style::Pretty => self.new_line(),
        }
    }

    fn close(&mut self, empty: bool, bracket: char) {
        self.depth -= 1;
        if self.style == Style::Pretty && !empty {
            self.new_line();
        }
        self.text.push(bracket);
    }

    fn new_line(&mut self) {
        self.text.push('\n');
        for _ in 0..self.depth {
            self.text.push_str("  ");
        }
    }

    fn number(&mut self, number: &Number) {
        if let Some(whole) = number.as_i64() {
            self.text.push_str(&whole.to_string());
        } else if let Some(whole) = number.as_u64() {
            self.text.push_str(&whole.to_string());
        } else if let Some(float) = number.as_f64() {
            if self.style == Style::Canonical && float.fract() == 0.0 && float.abs() < EXACT {
                self.text.push_str(&(float as i64).to_string());
            } else {
                self.text.push_str(&float_text(float));
            }
        }
    }

    fn string(&mut self, text: &str) {
        self.text.push('"');
        if text.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\') {
            self.text.push_str(text);
            self.text.push('"');
            return;
        }
        for character in text.chars() {
            match character {
                '"' => self.text.push_str("\\\""),
                '\\' => self.text.push_str("\\\\"),
                '\u{8}' => self.text.push_str("\\b"),
                '\u{c}' => self.text.push_str("\\f"),
                '\n' => self.text.push_str("\\n"),
                '\r' => self.text.push_str("\\r"),
                '\t' => self.text.push_str("\\t"),
                ' '..='~' => self.text.push(character),
                other if other >= ' ' && self.style == Style::Canonical => self.text.push(other),
                other => {
                    for unit in other.encode_utf16(&mut [0; 2]) {
                        self.text.push_str(&format!("\\u{unit:04x}"));
                    }
                }
            }
        }
        self.text.push('"');
    }
}

/// The shortest digits that read back as the same number, with an exponent below 1e-4 and from 1e16 on, which is
/// signed and has at least two digits: `1e+22`, `1.5e-07`, `3.0`.
fn float_text(float: f64) -> String {
    let text = format!("{float:?}");
    let Some((digits, exponent)) = text.split_once('e') else { return text };
    let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |rest| ('-', rest));
    format!("{digits}e{sign}{exponent:0>2}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(json: &str, style: Style) -> String {
        let value: Value = serde_json::from_str(json).unwrap();
        let text = array(core::slice::from_ref(&value), style);
        text[1..text.len() - 1].to_owned()
    }

    #[test]
    fn floats_look_like_those_of_version_1_peers() {
        for (float, line, canonical) in [
            (0.0, "0.0", "0"),
            (-0.0, "-0.0", "0"),
            (3.0, "3.0", "3"),
            (-3.5, "-3.5", "-3.5"),
            (0.1, "0.1", "0.1"),
            (0.0001, "0.0001", "0.0001"),
            (0.00001, "1e-05", "1e-05"),
            (1.5e-7, "1.5e-07", "1.5e-07"),
            (2.5e-10, "2.5e-10", "2.5e-10"),
            (1e15, "1000000000000000.0", "1000000000000000"),
            (9_007_199_254_740_991.0, "9007199254740991.0", "9007199254740991"),
            (9_007_199_254_740_992.0, "9007199254740992.0", "9007199254740992.0"),
            (1e16, "1e+16", "1e+16"),
            (1.2345e16, "1.2345e+16", "1.2345e+16"),
            (123_456_789_012_345_680.0, "1.2345678901234568e+17", "1.2345678901234568e+17"),
            (1e22, "1e+22", "1e+22"),
            (1e100, "1e+100", "1e+100"),
            (f64::MAX, "1.7976931348623157e+308", "1.7976931348623157e+308"),
            (5e-324, "5e-324", "5e-324"),
            (1_760_000_000.123_456_7, "1760000000.1234567", "1760000000.1234567"),
        ] {
            let items = [Value::from(float)];
            assert_eq!(array(&items, Style::Line), format!("[{line}]"));
            assert_eq!(array(&items, Style::Canonical), format!("[{canonical}]"));
        }
    }

    #[test]
    fn floats_of_seventeen_digits_read_back_exactly() {
        // Needs serde_json's `float_roundtrip`: without it one in eight time stamps of a version 1 peer is read one
        // unit off in the last place, and its untouched audit log looks tampered with.
        for digits in ["1760000000.1343641", "1760000000.7887235", "1760000000.2287621", "1760000000.2165995"] {
            assert_eq!(text(digits, Style::Line), digits);
        }
    }

    #[test]
    fn integers_keep_all_their_digits() {
        for digits in ["0", "-1", "9007199254740993", "18446744073709551615", "-9223372036854775808"] {
            assert_eq!(text(digits, Style::Line), digits);
            assert_eq!(text(digits, Style::Canonical), digits);
        }
    }

    #[test]
    fn only_the_canonical_form_leaves_ascii() {
        let value = Value::from("a\"\\/\u{8}\u{c}\n\r\t\0\u{1f}\u{7f}é€😀");
        let items = [value];
        let common = "a\\\"\\\\/\\b\\f\\n\\r\\t\\u0000\\u001f";
        assert_eq!(array(&items, Style::Canonical), format!("[\"{common}\u{7f}é€😀\"]"));
        let line = array(&items, Style::Line);
        assert_eq!(line, format!("[\"{common}\\u007f\\u00e9\\u20ac\\ud83d\\ude00\"]"));
        assert_eq!(serde_json::from_str::<Vec<Value>>(&line).unwrap(), items);
    }

    #[test]
    fn each_style_has_its_layout() {
        let json = "{\"b\":[],\"a\":{},\"c\":[1,{\"x\":null}],\"é\":true}";
        assert_eq!(text(json, Style::Canonical), "{\"a\":{},\"b\":[],\"c\":[1,{\"x\":null}],\"é\":true}");
        assert_eq!(text(json, Style::Line), "{\"a\": {}, \"b\": [], \"c\": [1, {\"x\": null}], \"\\u00e9\": true}");
        let fields: Map<String, Value> = serde_json::from_str(json).unwrap();
        assert_eq!(
            object(&fields, Style::Pretty),
            "{\n  \"a\": {},\n  \"b\": [],\n  \"c\": [\n    1,\n    {\n      \"x\": null\n    }\n  ],\n  \
             \"\\u00e9\": true\n}"
        );
    }
}
