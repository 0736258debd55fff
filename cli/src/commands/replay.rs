//! `opendesk replay`.

use std::path::Path;

use opendesk_std::home::printable;
use opendesk_std::recording::{Replayed, redact, replay};
use serde_json::json;

use crate::args;
use crate::exit::Failure;
use crate::output;

pub(super) fn run(json: bool, options: &args::Replay) -> Result<(), Failure> {
    if let Some(copy) = &options.redact {
        return redacted(json, &options.file, copy);
    }
    let replayed = replay(&options.file, options.until).map_err(|error| Failure::failed(error.to_string()))?;
    let mut report = serde_json::to_value(&replayed).map_err(|error| Failure::failed(error.to_string()))?;
    report["same"] = json!(replayed.difference.is_none());
    output::result(json, &report, || sentence(&replayed));
    match replayed.difference {
        None => Ok(()),
        Some(difference) => {
            Err(Failure::failed(format!("input {} has another output than recorded", difference.input)))
        }
    }
}

fn redacted(json: bool, file: &Path, copy: &Path) -> Result<(), Failure> {
    let redacted = redact(file, copy).map_err(|error| Failure::failed(error.to_string()))?;
    let report = serde_json::to_value(&redacted).map_err(|error| Failure::failed(error.to_string()))?;
    output::result(json, &report, || format!("{} inputs are in {}", redacted.inputs, copy.display()));
    match redacted.stopped_at {
        None => Ok(()),
        Some(input) => Err(Failure::failed(format!(
            "input {input} cannot be disguised so that the same comes of it; {} ends before it",
            copy.display()
        ))),
    }
}

fn sentence(replayed: &Replayed) -> String {
    let Replayed { inputs, sessions, requests, lasted_us, cut, difference } = replayed;
    let seconds = *lasted_us as f64 / 1e6;
    let what = format!("{inputs} inputs in {seconds:.3} s, {sessions} sessions, {requests} requests");
    let cut = if *cut { "; the recording ends in the middle of an entry" } else { "" };
    match difference {
        None => format!("the same: {what}{cut}"),
        // What is recorded came from other machines.
        Some(difference) => format!(
            "different after {what}\n  done      {}\n  recorded  {}\n  replayed  {}",
            printable(&difference.done),
            printable(&difference.recorded),
            printable(&difference.replayed),
        ),
    }
}
