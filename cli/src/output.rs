//! The only place that prints.

use std::io::{self, Write};

use serde_json::{Value, json};

use crate::exit::Failure;
use crate::log;

/// Prints a result for people, or for programs when `--json` was given: one line of JSON.
pub(crate) fn result(as_json: bool, value: &Value, text: impl FnOnce() -> String) {
    line(&if as_json { value.to_string() } else { text() });
}

/// Prints a line. Nobody listening any more is no failure.
pub(crate) fn line(text: &str) {
    let mut out = io::stdout().lock();
    if writeln!(out, "{text}").and_then(|()| out.flush()).is_err() {
        log::flush();
        std::process::exit(0);
    }
}

/// A line for the person beside the results.
pub(crate) fn note(text: &str) {
    // Nobody listening any more is no failure.
    let _heard = writeln!(io::stderr().lock(), "{text}").is_ok();
}

/// The one line of a failure.
pub(crate) fn error(failure: &Failure) {
    let line = failure.to_string().lines().collect::<Vec<_>>().join(" ");
    note(&format!("opendesk: {line}"));
}

/// A failure as a program reads it.
pub(crate) fn failure_json(failure: &Failure) -> Value {
    json!({"ok": false, "exit_code": failure.number(), "error": failure.to_string()})
}
