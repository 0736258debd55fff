//! `opendesk scheduler`.

use opendesk_std::desktop::Backend;
use opendesk_std::home::{plain_text, printable};
use opendesk_std::schedule::{self, Event, Listed, Listing, Schedules, name_of};
use opendesk_std::tools::{Output, Session};
use opendesk_tokio::Tokio;
use serde_json::{Value, json};

use super::call::arguments;
use super::{Context, interrupted, within};
use crate::args::{self, AddTask, SchedulerCommand};
use crate::exit::Failure;
use crate::output;

pub(super) async fn run(context: &Context, options: args::Scheduler) -> Result<(), Failure> {
    let home = &context.home;
    match options.command {
        SchedulerCommand::Start { backend } => start(context, backend).await,
        SchedulerCommand::List => list(context),
        SchedulerCommand::Add(task) => add(context, task).await,
        SchedulerCommand::Run { name, backend } => run_now(context, &name, backend).await,
        SchedulerCommand::Pause { name } => {
            Schedules::pause(home, &name, true, schedule::now())?;
            changed(context, &name, "rests until it is resumed")
        }
        SchedulerCommand::Resume { name } => {
            Schedules::pause(home, &name, false, schedule::now())?;
            changed(context, &name, "goes on")
        }
        SchedulerCommand::Remove { name } => {
            Schedules::remove(home, &name)?;
            output::result(context.json, &json!({"removed": name}), || format!("{name} is not scheduled any more"));
            Ok(())
        }
    }
}

async fn start(context: &Context, backend: Backend) -> Result<(), Failure> {
    let tell = |event: &Event| match (context.json, event) {
        (true, event) => {
            let mut value = event.to_json();
            value["at"] = schedule::now().to_string().into();
            output::line(&value.to_string());
        }
        (false, Event::Trouble(why)) => output::note(&printable(why)),
        (false, event) => output::line(&in_words(event)),
    };
    Ok(schedule::run(&Tokio, &context.home, backend, interrupted(), tell).await?)
}

fn in_words(event: &Event) -> String {
    let at = |time: &jiff::Timestamp| {
        time.to_zoned(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S %Z").to_string()
    };
    let what = match event {
        Event::Ready { tasks: 0, .. } => "nothing is scheduled; tasks that are added are seen".to_owned(),
        Event::Ready { tasks, next: None } => format!("tasks: {tasks}, none of them due any more"),
        Event::Ready { tasks, next: Some((name, time)) } => format!("tasks: {tasks}, next {name} at {}", at(time)),
        Event::Begins { name, title, due } => format!("{name} begins: {}, due {}", printable(title), at(due)),
        Event::Ended { name, end } => {
            let how = if end.ok { "is done" } else { "failed" };
            let seconds = end.took_ms as f64 / 1000.0;
            format!("{name} {how} after {seconds:.1} s: {}", printable(&end.said))
        }
        Event::Missed { name, due, missed: 1 } => format!("{name} was missed: it was due {}", at(due)),
        Event::Missed { name, due, missed } => format!("{name} was missed {missed} times until {}", at(due)),
        Event::Overlaps { name, due } => {
            format!("{name} was due {} and is still being done, so it was skipped", at(due))
        }
        Event::Trouble(why) => printable(why),
    };
    format!("{}  {what}", at(&schedule::now()))
}

fn list(context: &Context) -> Result<(), Failure> {
    let listing = Listing::load(&context.home)?;
    output::result(context.json, &listing.to_json(), || {
        let tasks: Vec<String> = listing.tasks.iter().map(row).collect();
        if tasks.is_empty() { "nothing is scheduled".to_owned() } else { tasks.join("\n") }
    });
    if !context.json {
        output::note(&listing.about_runner());
    }
    Ok(())
}

fn row(task: &Listed) -> String {
    let schedule = &task.schedule;
    let on = task.machine.as_deref().map(|machine| format!(" on {machine}")).unwrap_or_default();
    let said = task.last().and_then(|run| run.end.as_ref()).map(|end| format!(" ({})", printable(&end.said)));
    format!(
        "{}  {}{on}\n    {} ({}), {}\n    {}{}{}",
        schedule.name,
        printable(&schedule.task.title()),
        schedule.timing,
        name_of(&schedule.zone),
        task.when(),
        task.outcome(),
        said.unwrap_or_default(),
        task.lost()
    )
}

async fn add(context: &Context, task: AddTask) -> Result<(), Failure> {
    let mut asked = json!({
        "action": "add", "name": task.name, "timing": task.timing, "task": task.task,
        "arguments": arguments(&task.arguments)?, "catch_up": task.catch_up, "limit_seconds": task.limit,
    });
    for (name, value) in [("timezone", task.timezone), ("peer", task.peer)] {
        if let Some(value) = value {
            asked[name] = value.into();
        }
    }
    let said = through_tool(context, Backend::default(), asked).await?;
    let listing = Listing::load(&context.home)?;
    let added = listing.tasks.iter().find(|listed| listed.schedule.name == task.name).map(Listed::to_json);
    output::result(context.json, &added.unwrap_or(Value::Null), || said.all_text());
    Ok(())
}

async fn run_now(context: &Context, name: &str, backend: Backend) -> Result<(), Failure> {
    let given = through_tool(context, backend, json!({"action": "run", "name": name})).await?;
    output::result(context.json, &given.to_json(), || given.all_text());
    Ok(())
}

/// As an agent would, in a session of its own.
async fn through_tool(context: &Context, backend: Backend, asked: Value) -> Result<Output, Failure> {
    let given =
        within(context, backend, async |session: &Session| Ok(session.try_tool("schedule", asked).await?)).await?;
    if given.is_error { Err(Failure::of_tool(&given, plain_text(&given.all_text()))) } else { Ok(given) }
}

/// Tells of a change, and shows the task as it is now to a program.
fn changed(context: &Context, name: &str, what: &str) -> Result<(), Failure> {
    let listing = Listing::load(&context.home)?;
    let task = listing.tasks.iter().find(|listed| listed.schedule.name == name).map(Listed::to_json);
    output::result(context.json, &task.unwrap_or(Value::Null), || format!("{name} {what}"));
    Ok(())
}
