//! A task of `schedule`: how one is added, and done at once.

use std::pin::pin;

use futures_util::future::{Either, select};
use opendesk_core::PublicKey;
use serde_json::{Map, Value, json};

use super::{Arguments, missing, seconds, with_files};
use crate::client::Whom;
use crate::clock;
use crate::home::{HomeError, HomeErrorKind};
use crate::schedule::{
    End, Hands, Listed, Listing, Machine, Run, Schedule, Schedules, State, Task, Timing, good_limit, good_name,
    is_there, now, zone,
};
use crate::tools::target::fingerprint;
use crate::tools::{Block, Consent, Output, Session, Target, ToolError, find};

/// Puts a task on the list.
pub(super) async fn add(session: &Session, asked: Arguments) -> Result<Output, ToolError> {
    let bad = ToolError::Arguments;
    let name = asked.name.ok_or_else(|| missing("`name`: what the task is to be called"))?;
    good_name(&name).map_err(bad)?;
    let text = asked.task.ok_or_else(|| missing("`task`: `run NAME` for a learned program, or the name of a tool"))?;
    let timing = asked.timing.ok_or_else(|| missing("`timing`, such as `every day at 09:00`"))?;
    // A program's own parameter may be called so.
    let (arguments, peer) = if Task::runs_a_program(&text) {
        (asked.arguments, asked.peer)
    } else {
        without_peer(asked.arguments, asked.peer)?
    };
    let task = Task::new(&text, arguments).map_err(bad)?;
    if let Some(program) = task.program() {
        is_learned(session, program).await?;
    }
    let zone = zone(asked.timezone.as_deref()).map_err(|error| bad(error.to_string()))?;
    let timing: Timing = timing.parse().map_err(|error: crate::schedule::BadTiming| bad(error.to_string()))?;
    let now = now();
    timing.first(&zone, now).map_err(|error| bad(error.to_string()))?;
    let schedule = Schedule {
        machine: machine(session, &task, peer.as_deref())?,
        name: name.clone(),
        task,
        timing,
        zone,
        catch_up: asked.catch_up,
        paused: false,
        limit: good_limit(asked.limit_seconds).map_err(bad)?,
        created: now,
        since: now,
    };
    let listing = with_files(session, move |home| {
        Schedules::add(home, schedule)?;
        Listing::load(home)
    })
    .await?;
    let added = listing.tasks.iter().find(|task| task.schedule.name == name).map(about).unwrap_or_default();
    Ok(Output::text(format!("{name} is scheduled: {added}. {}", listing.about_runner())))
}

/// Whether there is a program of this name.
async fn is_learned(session: &Session, name: &str) -> Result<(), ToolError> {
    // Not as a call of the session's own: it is no step that anybody made.
    let shown = (find("learn")?.run)(session, json!({"action": "show", "name": name})).await?;
    if shown.is_error { Err(ToolError::Arguments(shown.all_text())) } else { Ok(()) }
}

fn about(task: &Listed) -> String {
    let on = task.machine.as_deref().map(|machine| format!(" on {machine}")).unwrap_or_default();
    format!("{}{on}, {}, {}", task.schedule.task.title(), task.schedule.timing, task.when())
}

/// The machine is named once, whichever way.
fn without_peer(
    mut arguments: Map<String, Value>,
    peer: Option<String>,
) -> Result<(Map<String, Value>, Option<String>), ToolError> {
    match (arguments.remove("peer"), peer) {
        (None, peer) => Ok((arguments, peer)),
        (Some(Value::String(named)), None) => Ok((arguments, Some(named))),
        (Some(Value::String(named)), Some(peer)) if named == peer => Ok((arguments, Some(peer))),
        (Some(_), None) => Err(ToolError::Arguments("`peer` in the arguments has to be a string".to_owned())),
        (Some(_), Some(_)) => Err(ToolError::Arguments("the machine is named twice; give `peer` once".to_owned())),
    }
}

/// The desktop by what does not change: a task goes to no other machine, whatever is chosen or called so later.
fn machine(session: &Session, task: &Task, peer: Option<&str>) -> Result<Machine, ToolError> {
    if !task.has_machine() {
        return match peer {
            None => Ok(Machine::None),
            Some(_) => Err(ToolError::Arguments(format!("`{}` is of no machine; leave `peer` out", task.tool))),
        };
    }
    let target = session.target(peer)?;
    let (Target::Peer(name), Some(key)) = (&target, session.key(&target)?) else { return Ok(Machine::Local) };
    let at = match peer.map(str::parse) {
        Some(Ok(Whom::At(place))) if *name == fingerprint(key) => place.to_string(),
        _ if *name == fingerprint(key) => {
            return Err(ToolError::Arguments(format!(
                "{name} is not paired; give `peer` as ws://HOST:PORT#KEY, so that it is found later"
            )));
        }
        _ => PublicKey::to_string(&key),
    };
    Ok(Machine::Peer { name: name.clone(), at })
}

/// Does a task at once, in the session that asks for it. A call that ends with a question for a person leaves no trace.
pub(super) async fn run(session: &Session, name: &str) -> Result<Output, ToolError> {
    let wanted = name.to_owned();
    let run = Run { begun: now(), by_hand: true, end: None };
    // Whether a person has to be asked shows only when it is done: until then it has not begun.
    let is_deferred = matches!(session.caller.consent, Consent::Defer);
    let first = (!is_deferred).then(|| run.clone());
    let (schedule, _hands) = with_files(session, move |home| {
        let schedule = Schedules::load(home)?.find(&wanted)?.clone();
        let Some(hands) = Hands::take(home, &schedule.machine)? else { return Err(busy(&wanted)) };
        if let Some(first) = first {
            State::begin(home, &schedule.name, schedule.created, &first)?;
        }
        Ok((schedule, hands))
    })
    .await?;
    let begun = clock::monotonic();
    let done = perform(session, &schedule).await;
    let took = clock::monotonic().saturating_duration_since(begun);
    let (of, created) = (schedule.name.clone(), schedule.created);
    if let Err(error @ ToolError::Ask(_)) = done {
        if !is_deferred {
            let withdrawn = with_files(session, move |home| State::withdraw(home, &of, created, &run)).await;
            if let Err(error) = withdrawn {
                tracing::warn!(%error, task = schedule.name, "a task that has not begun could not be taken back");
            }
        }
        return Err(error);
    }
    let end = match &done {
        Ok(output) => End::new(!output.is_error, took, &output.all_text()),
        Err(error) => End::new(false, took, &error.to_string()),
    };
    let kept = with_files(session, move |home| {
        if is_deferred {
            State::begin(home, &of, created, &Run { end: Some(end), ..run })
        } else {
            State::end(home, &of, created, &run, end)
        }
    })
    .await;
    if let Err(error) = kept {
        tracing::warn!(%error, task = schedule.name, "what became of a task could not be kept");
    }
    let mut output = done?;
    let how = if output.is_error { "failed" } else { "is done" };
    output.blocks.insert(0, Block::Text(format!("{name} {how}, after {}.", seconds(took))));
    Ok(output)
}

/// Two tasks on one desktop would type into each other.
fn busy(name: &str) -> HomeError {
    let why = format!(
        "another task is being done on the desktop of {name}, by the scheduler or by hand; run it again when that is over"
    );
    HomeError::new(HomeErrorKind::Busy, why)
}

async fn perform(session: &Session, schedule: &Schedule) -> Result<Output, ToolError> {
    is_there(session, schedule).map_err(ToolError::Arguments)?;
    let work = pin!(session.try_tool(&schedule.task.tool, schedule.call()));
    match select(work, pin!(session.sleep(schedule.limit))).await {
        Either::Left((done, _)) => done,
        Either::Right(_) => Ok(Output::error(format!(
            "it took longer than {} seconds and was ended; give it a higher limit",
            schedule.limit.as_secs()
        ))),
    }
}
