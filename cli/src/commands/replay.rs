//! `opendesk replay`.

use opendesk_std::home::printable;
use opendesk_std::recording::{Replayed, replay};
use serde_json::json;

use crate::args;
use crate::exit::Failure;
use crate::output;

pub(super) fn run(json: bool, options: &args::Replay) -> Result<(), Failure> {
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
