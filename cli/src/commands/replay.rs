//! `opendesk replay`.

use std::path::Path;

use opendesk_std::govern::rules::{Decision, Rules};
use opendesk_std::home::printable;
use opendesk_std::recording::{Replayed, redact, replay, trial};
use serde_json::json;

use crate::args;
use crate::exit::Failure;
use crate::output;

pub(super) fn run(json: bool, options: &args::Replay) -> Result<(), Failure> {
    if let Some(copy) = &options.redact {
        return redacted(json, &options.file, copy);
    }
    if let Some(rules) = &options.policy {
        return tried(json, &options.file, rules, options.until);
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
            "input {input} cannot be disguised so that the same comes of it; {} ends there",
            copy.display()
        ))),
    }
}

fn tried(json: bool, file: &Path, rules: &Path, until: Option<u64>) -> Result<(), Failure> {
    let parsed = Rules::read(rules).map_err(|error| Failure::failed(error.to_string()))?;
    let trial = trial(file, &parsed, until).map_err(|error| Failure::failed(error.to_string()))?;
    let report = serde_json::to_value(&trial).map_err(|error| Failure::failed(error.to_string()))?;
    output::result(json, &report, || {
        let count = |decision| trial.judged.iter().filter(|judged| judged.decision == decision).count();
        let mut lines = vec![format!(
            "of {} calls {} would be refused and {} asked about",
            trial.calls,
            count(Decision::Block),
            count(Decision::Confirm)
        )];
        lines.extend(trial.judged.iter().map(|judged| {
            let seconds = judged.at_us as f64 / 1e6;
            let verb = if judged.decision == Decision::Block { "refused" } else { "asked" };
            // Names and methods came from other machines.
            let (peer, what) = (printable(&judged.peer), printable(&judged.summary));
            format!("  {seconds:>9.3} s  {peer}  {}  {what}  {verb}: {}", printable(&judged.method), judged.reason)
        }));
        lines.join("\n")
    });
    Ok(())
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
