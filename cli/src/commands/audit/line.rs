//! An entry of the log as a line for people. Its texts may come from other machines: nothing in them moves the cursor.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use opendesk_std::govern::audit::Entry;
use opendesk_std::home::printable;
use serde_json::Value;

/// Fields that have a place of their own in the line, or say nothing to a person.
const PLACED: [&str; 15] = [
    "ts",
    "type",
    "peer",
    "prev",
    "hash",
    "session_id",
    "method",
    "summary",
    "outcome",
    "error_code",
    "error_message",
    "decision",
    "detail",
    "sig",
    "former_sig",
];

/// Local time, who, what, how it ended, and what else is known, in columns.
pub(super) fn of(entry: &Entry) -> String {
    let has_time = entry.fields().get("ts").is_some_and(Value::is_number);
    if !has_time || entry.kind().is_empty() {
        // In the column of the time it would seem to be one of 1970.
        return printable(&format!("{:<19}  {}", "not an entry", entry.json()));
    }
    let columns = format!("{}  {:<16}  {:<20}  {:<18}  ", time(entry.at()), who(entry), what(entry), state(entry));
    printable(&(columns + &rest(entry))).trim_end().to_owned()
}

/// To the second, in the time zone of this machine.
fn time(seconds: f64) -> String {
    let time = SignedDuration::try_from_secs_f64(seconds).and_then(Timestamp::from_duration);
    time.map_or_else(
        |_| "????-??-?? ??:??:??".to_owned(),
        |time| time.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string(),
    )
}

fn who(entry: &Entry) -> String {
    match entry.peer() {
        ("", "") => "-".to_owned(),
        ("", fingerprint) => fingerprint.to_owned(),
        (name, _) => name.to_owned(),
    }
}

fn what(entry: &Entry) -> &str {
    match entry.text("method") {
        "" => entry.kind(),
        method => method,
    }
}

/// What became of a call, or how far it has come.
fn state(entry: &Entry) -> &str {
    match (entry.kind(), entry.text("outcome")) {
        (_, "ok") => "ok",
        (_, "error") => entry.text("error_code"),
        ("call.decided", _) => entry.text("decision"),
        (kind, _) if !entry.text("method").is_empty() => kind.split_once('.').map_or("", |(_, state)| state),
        _ => "",
    }
}

fn rest(entry: &Entry) -> String {
    let mut parts: Vec<String> = ["summary", "detail", "error_message"]
        .into_iter()
        .map(|name| entry.text(name).to_owned())
        .filter(|text| !text.is_empty())
        .collect();
    let mut others: Vec<(&String, &Value)> =
        entry.fields().iter().filter(|(name, _)| !PLACED.contains(&name.as_str())).collect();
    others.sort_by_key(|(name, _)| *name);
    parts.extend(others.into_iter().filter_map(|(name, value)| match value {
        Value::Null => None,
        Value::String(text) if text.is_empty() => None,
        Value::String(text) => Some(format!("{name}={text}")),
        // Of another file its date is enough.
        Value::Object(end) if end.contains_key("date") => Some(format!("{name}={}", end["date"].as_str()?)),
        Value::Object(_) | Value::Array(_) | Value::Bool(_) | Value::Number(_) => Some(format!("{name}={value}")),
    }));
    parts.join("  ")
}

/// `1 line`, `2 lines`.
pub(super) fn count(number: u64, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_not_many() {
        assert_eq!([count(0, "line"), count(1, "line"), count(2, "line")], ["0 lines", "1 line", "2 lines"]);
    }
}
