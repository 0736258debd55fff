//! `schedule`.

mod listed;
mod task;

use core::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::aside::aside;
use crate::home::{Home, HomeError};
use crate::schedule::{Schedules, now};
use crate::tools::{Hints, Output, Session, Tool, ToolError, arguments, schema};

pub(super) const TOOL: Tool = Tool {
    name: "schedule",
    title: "Schedule tasks",
    description: "Has one tool call or learned program done at its times, by `opendesk scheduler start` on this machine. \
                  `add` needs name, task and timing; `run` does a task now; `list` shows them all with their last outcome, \
                  or one in full. A task begins in a new session: no screenshot or choice of yours holds there. For several \
                  steps use `computer_batch` or a learned program.",
    hints: Hints { read_only: false, destructive: true, idempotent: false, open_world: true },
    schema: schema::of::<Arguments>,
    run: |session, given| {
        Box::pin(async move {
            let asked: Arguments = arguments(given)?;
            match asked.action {
                Action::Add => task::add(session, asked).await,
                Action::Run => task::run(session, name(&asked)?).await,
                Action::List => listed::list(session, asked.name).await,
                Action::Remove | Action::Pause | Action::Resume => change(session, &asked).await,
            }
        })
    },
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Action {
    Add,
    List,
    Run,
    Pause,
    Resume,
    Remove,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// What to do.
    action: Action,
    /// The task's name: letters, digits, `-`, `_` and `.`.
    name: Option<String>,
    /// `run NAME` for a learned program, or the name of a tool.
    task: Option<String>,
    /// The arguments of the tool, or the parameters of the program, of which the values are kept and never listed.
    #[serde(default)]
    arguments: Map<String, Value>,
    /// `every 15m` (s, m, h, d), `every day at 09:00`, `every monday,friday at 09:00`, `every weekday at 09:00`, five fields
    /// of cron, or `at 2027-01-31 18:00`.
    timing: Option<String>,
    /// The IANA time zone of `timing`; else this machine's.
    timezone: Option<String>,
    /// The paired machine whose desktop is meant, or `local`; see opendesk_peers.
    peer: Option<String>,
    /// Whether a time that was missed while no scheduler ran is made up for, once.
    #[serde(default)]
    catch_up: bool,
    /// The longest that a run may take.
    #[serde(default = "limit_seconds")]
    limit_seconds: u64,
}

const fn limit_seconds() -> u64 {
    600
}

fn name(asked: &Arguments) -> Result<&str, ToolError> {
    asked.name.as_deref().ok_or_else(|| missing("`name`, which says which task is meant"))
}

fn missing(what: &str) -> ToolError {
    ToolError::Arguments(format!("this needs {what}"))
}

/// Reads or writes files of the home beside the event loop: another program may have their lock for seconds.
async fn with_files<T: Send + 'static>(
    session: &Session,
    work: impl FnOnce(&Home) -> Result<T, HomeError> + Send + 'static,
) -> Result<T, ToolError> {
    let home = session.home().clone();
    Ok(aside(move || Ok(work(&home))).await??)
}

async fn change(session: &Session, asked: &Arguments) -> Result<Output, ToolError> {
    let (action, name) = (asked.action, name(asked)?.to_owned());
    let done = match action {
        Action::Remove => "is not scheduled any more",
        Action::Pause => "rests until it is resumed",
        _ => "goes on",
    };
    let said = format!("{name} {done}.");
    with_files(session, move |home| match action {
        Action::Remove => Schedules::remove(home, &name),
        action => Schedules::pause(home, &name, action == Action::Pause, now()),
    })
    .await?;
    Ok(Output::text(said))
}

/// Seconds as people read them.
fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

#[cfg(test)]
mod tests;
