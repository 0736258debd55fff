//! `opendesk approve` and `opendesk deny`: the owner's answer to a question of the host that runs.

use opendesk_std::home::printable;
use opendesk_std::host::{AdminError, decide_through_running, status_of_running};
use opendesk_tokio::Tokio;
use serde_json::json;

use super::Context;
use crate::exit::Failure;
use crate::output;

pub(crate) const HELP: &str = "\
A host that asks its owner (`serve --approve console` or `policy`) tells each question, with its
number, in `opendesk status` and `opendesk status --watch --json`. Without a dialog and a terminal
it waits for this answer only while somebody watches with `opendesk status --watch`. All that the
call does is printed; with --json it is in \"what\".";

pub(super) async fn run(context: &Context, number: u64, allow: bool) -> Result<(), Failure> {
    let failed = |error: AdminError| Failure::failed(error.to_string());
    let status = status_of_running(&Tokio, &context.home).await.map_err(failed)?;
    let Some(question) = status.questions.into_iter().find(|question| question.number == number) else {
        return Err(Failure::failed(format!("no question {number} waits for an answer; see `opendesk status`")));
    };
    decide_through_running(&Tokio, &context.home, number, allow).await.map_err(failed)?;
    let value = json!({
        "number": number, "allowed": allow, "peer": question.peer, "method": question.method, "what": question.what,
    });
    output::result(context.json, &value, || {
        let (peer, method) = (printable(&question.peer), printable(&question.method));
        let what: Vec<String> = question.what.lines().map(|line| format!("  {}", printable(line))).collect();
        let word = if allow { "allowed" } else { "denied" };
        format!("{word}: {peer} asks for {method}\n{}", what.join("\n"))
    });
    Ok(())
}
