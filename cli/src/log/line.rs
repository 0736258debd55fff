//! How an event is written: one line, whatever is in it.
//!
//! Names, titles and errors come from other machines and programs. Every value goes through
//! [`printable`], so that none of them ends a line, moves a cursor or turns the direction of what follows. What has a space
//! in it is put in quotes, so that a value is not taken for more fields.

use core::fmt::{Debug, Write as _};
use std::time::SystemTime;

use jiff::Timestamp;
use opendesk_std::home::printable;
use serde_json::{Map, Value, json};
use tracing::Event;
use tracing::field::{Field, Visit};

/// As much of a value is written, in characters: an error can hold what a peer sent, which may be of any length.
const MAX_VALUE: usize = 4096;

/// The field that the text of an event is in.
const MESSAGE: &str = "message";

/// What lines are like.
#[derive(Debug, Clone, Copy)]
pub(super) struct Form {
    /// Whether a line is a JSON object.
    pub(super) is_json: bool,
    /// Whether it says when.
    pub(super) is_timed: bool,
}

impl Form {
    /// An event as a line, with its end.
    pub(super) fn line(self, event: &Event<'_>, now: SystemTime) -> String {
        let mut fields = Fields::default();
        event.record(&mut fields);
        self.line_of(fields, event.metadata().level().as_str(), event.metadata().target(), now)
    }

    /// A line in the place of so many that nobody took.
    pub(super) fn missed(self, lines: u64, now: SystemTime) -> String {
        let text = format!("{lines} {} not shown", if lines == 1 { "line was" } else { "lines were" });
        self.line_of(Fields(vec![(MESSAGE, text.into())]), "WARN", "opendesk", now)
    }

    fn line_of(self, fields: Fields, level: &str, target: &str, now: SystemTime) -> String {
        let time = self.is_timed.then(|| time(now));
        if self.is_json { fields.json(time, level, target) } else { fields.text(time, level, target) }
    }
}

/// RFC 3339 in UTC, to the microsecond.
fn time(now: SystemTime) -> String {
    Timestamp::try_from(now).map_or_else(|_| "?".to_owned(), |now| format!("{now:.6}"))
}

/// The fields of an event in their order. Texts among them are printable.
#[derive(Default)]
struct Fields(Vec<(&'static str, Value)>);

impl Fields {
    fn text(self, time: Option<String>, level: &str, target: &str) -> String {
        let mut line = time.map_or_else(String::new, |time| time + " ");
        // Writing into a text does not fail.
        let _ok = write!(line, "{level:>5} {target}:");
        let (message, others): (Vec<_>, Vec<_>) = self.0.into_iter().partition(|(name, _)| *name == MESSAGE);
        for (_, message) in message {
            let _ok = match message {
                Value::String(text) => write!(line, " {text}"),
                value => write!(line, " {value}"),
            };
        }
        for (name, value) in others {
            let _ok = match value {
                Value::String(text) => write!(line, " {name}={}", quoted(text)),
                value => write!(line, " {name}={value}"),
            };
        }
        line.push('\n');
        line
    }

    /// As the JSON of tracing's own formatter, which tools know.
    fn json(self, time: Option<String>, level: &str, target: &str) -> String {
        let fields: Map<String, Value> = self.0.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let mut line = json!({"level": level, "target": target, "fields": fields});
        if let Some(time) = time {
            line["timestamp"] = time.into();
        }
        format!("{line}\n")
    }

    fn add(&mut self, field: &Field, text: &str) {
        let mut rest = text.chars();
        let mut shown = printable(&rest.by_ref().take(MAX_VALUE).collect::<String>());
        let more = rest.count();
        if more > 0 {
            let _ok = write!(shown, "… ({more} more characters)");
        }
        self.0.push((field.name(), shown.into()));
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.add(field, &format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.0.push((field.name(), value.into()));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.push((field.name(), value.into()));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.push((field.name(), value.into()));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.push((field.name(), value.into()));
    }
}

fn quoted(text: String) -> String {
    let is_plain = |letter: char| !letter.is_whitespace() && !matches!(letter, '"' | '=');
    if !text.is_empty() && text.chars().all(is_plain) {
        return text;
    }
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use core::time::Duration;
    use std::time::UNIX_EPOCH;

    use super::*;

    #[test]
    fn times_are_of_utc_to_the_microsecond() {
        assert_eq!(time(UNIX_EPOCH), "1970-01-01T00:00:00.000000Z");
        assert_eq!(time(UNIX_EPOCH + Duration::from_micros(1_778_587_200_000_001)), "2026-05-12T12:00:00.000001Z");
        assert_eq!(time(UNIX_EPOCH + Duration::from_secs(1 << 50)), "?");
    }

    #[test]
    fn a_value_with_a_space_is_one_value() {
        for (text, shown) in [
            ("plain:text/1", "plain:text/1"),
            ("a b", "\"a b\""),
            ("a=b", "\"a=b\""),
            ("", "\"\""),
            ("say \"x\" \\", "\"say \\\"x\\\" \\\\\""),
            ("a\u{a0}b", "\"a\u{a0}b\""),
        ] {
            assert_eq!(quoted(text.to_owned()), shown);
        }
    }
}
