//! `opendesk agent-call`.

use std::io::{self, BufRead as _, Read as _};

use async_channel::Receiver;
use opendesk_std::tools::Session;
use opendesk_std::tools::formats::{Adapter, Options};
use serde_json::{Value, json};

use super::tools::{failure, format, how};
use super::{Context, within};
use crate::args;
use crate::exit::Failure;
use crate::output;

/// Below the options of the command.
pub(crate) const HELP: &str = "\
What is read is one tool-use block of the SDK, a list of them, or the whole message that has them; what
is printed is its result, or the list of all results. A list is carried out in order; after a failure
the rest of what would change something is answered as not executed. A call that fails is a result like
any other, for the model, and the exit code is 0; it is 2 for what is no call in the format.

Nothing is kept from one run of this command to the next. The places that a model names are pixels of the
whole desktop, scaled as --profile says: the command looks at the desktop again and counts in the same
pixels, which is right as long as the desktop has the size that it had when the model saw it. A picture
that another run named (shot_id) is unknown, and a button does not stay pressed. With --lines all of it is
one session: what one line chooses, sees or holds is so for the next.

docs/AGENTS.md shows it with each SDK.";

/// More than a turn of any model.
const MOST_INPUT: u64 = 64 << 20;

pub(super) async fn run(context: &Context, options: args::AgentCall) -> Result<(), Failure> {
    let format = format(options.format, options.tool_type.as_deref())?;
    let how = Options { acknowledged: options.acknowledge, is_one_shot: !options.lines, ..how(format, &options.sight) };
    within(context, options.sight.backend, async |session: &Session| {
        let mut adapter = Adapter::new(session.clone(), format, how);
        if options.lines {
            return serve(&mut adapter).await;
        }
        let input = tokio::task::spawn_blocking(all_of_input).await;
        let given = input.unwrap_or_else(|_| Err(Failure::failed("standard input cannot be read")))?;
        let result = adapter.answer(&parsed(&given)?).await.map_err(|error| failure(&error))?;
        output::line(&result.to_string());
        Ok(())
    })
    .await
}

pub(super) fn all_of_input() -> Result<String, Failure> {
    let mut text = String::new();
    let read = io::stdin().lock().take(MOST_INPUT).read_to_string(&mut text);
    read.map_err(|error| Failure::usage(format!("standard input cannot be read as text: {error}")))?;
    Ok(text)
}

fn parsed(text: &str) -> Result<Value, Failure> {
    serde_json::from_str(text).map_err(|error| Failure::usage(format!("standard input is no JSON: {error}")))
}

/// One answer a line. What is no call is answered on its line too, so that lines stay in step.
async fn serve(adapter: &mut Adapter) -> Result<(), Failure> {
    let lines = lines();
    while let Ok(line) = lines.recv().await {
        let line = line.map_err(|error| Failure::failed(format!("standard input cannot be read: {error}")))?;
        if line.trim().is_empty() {
            continue;
        }
        let answered = match parsed(&line) {
            Ok(given) => adapter.answer(&given).await.map_err(|error| failure(&error)),
            Err(why) => Err(why),
        };
        let result = answered.unwrap_or_else(|why| json!({"error": {"message": why.to_string()}}));
        output::line(&result.to_string());
    }
    Ok(())
}

/// The lines of standard input as they come. A thread waits for them that ends with the program.
fn lines() -> Receiver<io::Result<String>> {
    let (to, lines) = async_channel::bounded(1);
    std::thread::spawn(move || {
        for line in io::stdin().lock().lines() {
            if to.send_blocking(line).is_err() {
                break;
            }
        }
    });
    lines
}
