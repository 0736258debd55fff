//! The only place that prints.

use std::io::{self, Write};

use serde_json::{Value, json};

use crate::exit::Failure;
use crate::log;

/// Prints a result for people, or for programs when `--json` was given: one line of JSON.
pub(crate) fn result(as_json: bool, value: &Value, text: impl FnOnce() -> String) {
    line(&if as_json { value.to_string() } else { text() });
}

/// Prints a line. Nobody listening any more is no failure; a line that cannot be written for another reason is one, and
/// ends the program.
pub(crate) fn line(text: &str) {
    let mut out = io::stdout().lock();
    if let Err(error) = writeln!(out, "{text}").and_then(|()| out.flush()) {
        let is_left = error.kind() == io::ErrorKind::BrokenPipe;
        if !is_left {
            self::error(&unwritten(&error));
        }
        log::flush();
        std::process::exit(i32::from(!is_left));
    }
}

/// Where something is written as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    Output,
    Errors,
}

/// Writes what another program wrote, every byte of it as it is.
pub(crate) fn bytes(to: Stream, bytes: &[u8]) -> io::Result<()> {
    match to {
        Stream::Output => {
            let mut out = io::stdout().lock();
            out.write_all(bytes).and_then(|()| out.flush())
        }
        Stream::Errors => io::stderr().lock().write_all(bytes),
    }
}

/// The end of a program whose standard output takes no more. Where nobody listens any more it is silent, and its code that of a
/// program that the system has ended for it.
pub(crate) fn unwritten(error: &io::Error) -> Failure {
    const BY_SIGPIPE: u8 = 128 + 13;
    if error.kind() == io::ErrorKind::BrokenPipe {
        return Failure::of_command(BY_SIGPIPE);
    }
    Failure::failed(format!("the result cannot be written to standard output: {error}"))
}

/// A line for the person beside the results.
pub(crate) fn note(text: &str) {
    // Nobody listening any more is no failure.
    let _heard = writeln!(io::stderr().lock(), "{text}").is_ok();
}

/// A question to the person at the terminal, who answers behind it.
pub(crate) fn prompt(text: &str) {
    let mut to = io::stderr().lock();
    let _heard = write!(to, "{text}").and_then(|()| to.flush()).is_ok();
}

/// The one line of a failure.
pub(crate) fn error(failure: &Failure) {
    let line = failure.to_string().lines().collect::<Vec<_>>().join(" ");
    note(&format!("opendesk: {line}"));
}

/// A failure as a program reads it.
pub(crate) fn failure_json(failure: &Failure) -> Value {
    let mut report = json!({"ok": false, "exit_code": failure.number(), "error": failure.to_string()});
    if let Some(busy) = failure.busy() {
        report["holder"] = json!(busy.holder);
        report["since"] = json!(busy.since);
    }
    report
}
