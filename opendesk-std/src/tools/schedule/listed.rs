//! What `schedule` lists.

use super::with_files;
use crate::home::{HomeError, printable};
use crate::schedule::{Listed, Listing, Schedules, name_of};
use crate::tools::{Output, Session, ToolError, fence};

/// All tasks, or one in full.
pub(super) async fn list(session: &Session, name: Option<String>) -> Result<Output, ToolError> {
    let one = name.clone();
    let listing = with_files(session, move |home| {
        let listing = Listing::load(home)?;
        if let Some(name) = &one {
            Schedules::load(home)?.find(name)?;
        }
        Ok::<_, HomeError>(listing)
    })
    .await?;
    let text = match name {
        Some(name) => match listing.tasks.iter().find(|task| task.schedule.name == name) {
            Some(task) => in_full(task)?,
            None => String::new(),
        },
        None => all(&listing)?,
    };
    Ok(Output::text(format!("{text}{}", listing.about_runner())))
}

fn all(listing: &Listing) -> Result<String, ToolError> {
    if listing.tasks.is_empty() {
        return Ok("Nothing is scheduled. ".to_owned());
    }
    let mut text = String::new();
    let mut said = String::new();
    for task in &listing.tasks {
        text.push_str(&line(task));
        text.push('\n');
        if let Some(end) = task.last().and_then(|run| run.end.as_ref()).filter(|end| !end.said.is_empty()) {
            said.push_str(&format!("{}: {}\n", task.schedule.name, end.said));
        }
    }
    Ok(text + &fenced("the last outcomes", &said)?)
}

fn line(task: &Listed) -> String {
    let on = task.machine.as_deref().map(|machine| format!(" on {}", printable(machine))).unwrap_or_default();
    let schedule = &task.schedule;
    format!(
        "{}: {}{on}, {} ({}), {}; {}{}",
        schedule.name,
        schedule.task.title(),
        schedule.timing,
        name_of(&schedule.zone),
        task.when(),
        task.outcome(),
        task.lost()
    )
}

fn in_full(task: &Listed) -> Result<String, ToolError> {
    let schedule = &task.schedule;
    let mut rest = format!("arguments: {}\n", schedule.task.shown());
    for run in task.kept.iter().flat_map(|kept| kept.runs.iter().rev()) {
        let how = match &run.end {
            Some(end) => {
                format!("{} in {} ms: {}", if end.ok { "done" } else { "failed" }, end.took_ms, end.said)
            }
            None if task.was_interrupted(run) => "interrupted".to_owned(),
            None => "not ended yet".to_owned(),
        };
        rest.push_str(&format!("{}{}: {how}\n", task.clock(run.begun), if run.by_hand { " by hand" } else { "" }));
    }
    let made_up = if schedule.catch_up { "; missed times are made up for once" } else { "" };
    let limits = format!("a run may take {} s{made_up}\n", schedule.limit.as_secs());
    Ok(format!("{}\n{limits}{}", line(task), fenced("the task and its runs", &rest)?))
}

/// Arguments were written by some agent, and outcomes by some machine.
fn fenced(source: &str, text: &str) -> Result<String, ToolError> {
    if text.is_empty() { Ok(String::new()) } else { Ok(fence(source, text)? + "\n") }
}
